/* SPDX-License-Identifier: Apache-2.0 */
/* The board: what supervisor and workers tell each other in shared memory, besides the counters.
 * The supervisor writes orders before it sends the byte that tells of them; a worker writes its own
 * row before it answers with a byte, and can write no other (pages.h). */
#ifndef HF_GATEWAY_BOARD_H
#define HF_GATEWAY_BOARD_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/pages.h"
#include "tls/peers.h"

enum { HF_BOARD_TEXT_CAP = 512 };

struct hf_board_row {
	_Alignas(HF_PAGES_ROW) _Atomic uint64_t generation;
	_Atomic uint64_t left_out;   /* rows of the last report that were too many */
	_Atomic uint64_t dropped;    /* connections that the last revocation closed */
	/* why the last reload was not taken; "" it was.  Who reads it does not rely on its end. */
	char kept[HF_BOARD_TEXT_CAP];
};

struct hf_board_orders {
	/* how long a drain may take; -1: as configured */
	_Alignas(HF_PAGES_ROW) _Atomic int64_t drain_ms;
	_Atomic size_t rows_cap;  /* of a report of connections */
	_Atomic size_t revoked_len;
	uint8_t revoked[HF_PEERS_REVOKED_CAP][HF_SHA256_LEN]; /* since the start, see peers.h */
};

/* This process's view of it. */
struct hf_board {
	struct hf_board_orders *orders; /* in a worker to be read only */
	struct hf_board_row *workers;	/* in a worker its own to be written */
	struct hf_pages order_page, worker_pages;
};

/* Before the first fork; everything to be written. */
int hf_board_new(size_t workers, struct hf_board **ret_board, struct hf_err *err);
/* In a child: it is that worker now. */
int hf_board_keep(struct hf_board *board, size_t worker, struct hf_err *err);
void hf_board_free(struct hf_board *board);
HF_DEFINE_AUTO(hf_board, struct hf_board, hf_board_free);

#endif
