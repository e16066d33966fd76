/* SPDX-License-Identifier: Apache-2.0 */
/* The peer table: one entry for each distinct chain that was accepted (key: SHA-256 over its
 * certificates as sent), holding decoded certificates, the verdict and the policy it was judged
 * under, and the connections that live on it.  It spares the path search on the next full handshake
 * of a known peer, answers at resumption, and closes what no longer stands after a reload.  Proof
 * of possession is never spared.
 *
 * Contract: only accepted verdicts are kept, and they are used only under the same policy (SHA-256
 * over trust, rules, profile, names) and up to their valid_until.  At most `cap` entries without
 * connections; the least recently used goes first.  One thread. */
#ifndef HF_TLS_PEERS_H
#define HF_TLS_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pki/cert.h"
#include "verify/verdict.h"

struct hf_peers;
struct hf_peer;
struct hf_tls_conn;
struct hf_tls_context;

int hf_peers_new(size_t cap, struct hf_peers **ret_peers, struct hf_err *err);
struct hf_peers *hf_peers_ref(struct hf_peers *peers);
void hf_peers_unref(struct hf_peers *peers);
HF_DEFINE_AUTO(hf_peers, struct hf_peers, hf_peers_unref);

struct hf_peers_stats {
	size_t entries;
	uint64_t hits, misses;	 /* of lookups at handshakes */
	uint64_t evicted, stale; /* stale: found, but expired or judged under another policy */
};
void hf_peers_stats(const struct hf_peers *peers, struct hf_peers_stats *ret_stats);

/* From now on no context of this table accepts the leaf with this SHA-256, whatever chain, lists
 * and rules say (V-REVOKED); for as long as the table lives, that is over every reload. Connections
 * that are there fall at the next sweep.  -HF_E_LIMIT beyond HF_PEERS_REVOKED_CAP of them. */
enum { HF_PEERS_REVOKED_CAP = 4096 };
int hf_peers_revoke(struct hf_peers *peers, const uint8_t sha256[HF_SHA256_LEN],
		    struct hf_err *err);

/* There is news about the leaf with this SHA-256: it is judged again before its verdict is used
 * again, and its connections at the next sweep. */
void hf_peers_doubt(struct hf_peers *peers, const uint8_t sha256[HF_SHA256_LEN]);

/* The policies in force, the one for names that have none first. */
struct hf_peers_policy {
	struct hf_tls_context *context;
	bool keeps_out; /* whom it refuses is to go */
};

/* Judges each entry again that was judged under another policy than is in force in its scope (that
 * of the first for a scope that is gone) or whose time is over at `now`, once for each entry, and
 * calls `drop` for every live connection that is not let in any more, with the new verdict; the
 * connection should then be closed (it may be freed inside the call).  Entries that stand get the
 * new verdict, so pointers from hf_tls_conn_verdict() are good only up to the next sweep.  Where
 * nobody is kept out, the new verdict is what the application reads.  Returns the number dropped,
 * or negative when memory ran out (entries not judged then stay for the next sweep). */
int hf_peers_sweep(struct hf_peers *peers, const struct hf_peers_policy *policies, size_t len,
		   int64_t now,
		   void (*drop)(struct hf_tls_conn *conn, const struct hf_verdict *why, void *arg),
		   void *arg, struct hf_err *err);

#endif
