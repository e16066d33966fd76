/* SPDX-License-Identifier: Apache-2.0 */
/* Things found by a SHA-256 and kept by last use: what the tables of OCSP answers are made of.
 * Intrusive: struct hf_keyed is the first member of what is kept, and the table owns nothing. */
#ifndef HF_GATEWAY_OCSP_KEYTABLE_H
#define HF_GATEWAY_OCSP_KEYTABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "pki/cert.h"

enum { HF_KEYTABLE_BUCKETS = 1024 };

struct hf_keyed {
	uint8_t key[HF_SHA256_LEN];
	struct hf_keyed *next;		/* in the bucket */
	struct hf_keyed *newer, *older; /* by last use */
};

/* Zeroed before use. */
struct hf_keytable {
	struct hf_keyed *buckets[HF_KEYTABLE_BUCKETS];
	struct hf_keyed *newest, *oldest;
	size_t len;
};

/* NULL when there is none; else it is the newest from now on. */
struct hf_keyed *hf_keytable_find(struct hf_keytable *table, const uint8_t key[HF_SHA256_LEN]);
/* Its key is set, and not in the table yet. */
void hf_keytable_add(struct hf_keytable *table, struct hf_keyed *item);
void hf_keytable_remove(struct hf_keytable *table, struct hf_keyed *item);

#endif
