/* SPDX-License-Identifier: Apache-2.0 */
/* The board: what supervisor and workers tell each other in shared memory, besides the counters.
 * The supervisor writes orders before it sends the byte that tells of them; a worker writes its own
 * row before it answers with a byte. */
#ifndef HF_GATEWAY_BOARD_H
#define HF_GATEWAY_BOARD_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "tls/peers.h"

enum { HF_BOARD_TEXT_CAP = 512 };

struct hf_board_row {
	_Atomic uint64_t generation;
	_Atomic uint64_t left_out;   /* rows of the last report that were too many */
	_Atomic uint64_t dropped;    /* connections that the last revocation closed */
	char kept[HF_BOARD_TEXT_CAP]; /* why the last reload was not taken; "" it was */
};

struct hf_board {
	_Atomic int64_t drain_ms; /* how long a drain may take; -1: as configured */
	_Atomic size_t rows_cap;  /* of a report of connections */
	_Atomic size_t revoked_len;
	uint8_t revoked[HF_PEERS_REVOKED_CAP][HF_SHA256_LEN]; /* since the start, see peers.h */
	struct hf_board_row workers[];
};

/* NULL without memory. */
struct hf_board *hf_board_map(size_t workers);
void hf_board_unmap(struct hf_board *board, size_t workers);

#endif
