/* SPDX-License-Identifier: Apache-2.0 */
/* What a back end of the ledger provides; the meaning of each call is in store.h. */
#ifndef HF_CA_STORE_STORE_OPS_H
#define HF_CA_STORE_STORE_OPS_H

#include "ca/store/store.h"

struct hf_store_ops {
	const char *name;
	int (*open)(const char *where, const struct hf_store_options *options,
		    struct hf_store **ret_store, struct hf_err *err);
	void (*close)(struct hf_store *store);
	int (*meta_set)(struct hf_store *store, const char *key, const char *value,
			struct hf_err *err);
	int (*meta_get)(struct hf_store *store, const char *key, struct hf_buf *out,
			struct hf_err *err);
	int (*issuer)(struct hf_store *store, const uint8_t *spki_sha256, const char *label,
		      int64_t at, int64_t *ret_issuer, struct hf_err *err);
	int (*subject_taken)(struct hf_store *store, const char *subject, int64_t at,
			     struct hf_err *err);
	int (*intend)(struct hf_store *store, struct hf_intent *intents, size_t len,
		      struct hf_err *err);
	int (*record)(struct hf_store *store, const struct hf_outcome *outcomes, size_t len,
		      int64_t at, struct hf_err *err);
	int (*abandon)(struct hf_store *store, const int64_t *ids, size_t len, int64_t at,
		       struct hf_err *err);
	int (*revoke)(struct hf_store *store, int64_t id, int reason, int64_t at,
		      struct hf_err *err);
	int (*adopt)(struct hf_store *store, int64_t issuer, const struct hf_adopted *rows,
		     size_t len, int64_t at, struct hf_err *err);
	int (*continue_crl)(struct hf_store *store, int64_t issuer, int64_t next,
			    struct hf_err *err);
	int (*next_crl)(struct hf_store *store, int64_t issuer, int64_t *ret_next,
			struct hf_err *err);
	int (*list)(struct hf_store *store, const struct hf_record_filter *filter,
		    hf_record_fn each, void *arg, struct hf_err *err);
	int (*publish_crl)(struct hf_store *store, int64_t issuer, int64_t shard,
			   hf_crl_build_fn build, void *arg, struct hf_err *err);
	int (*each_revoked)(struct hf_store *store, int64_t issuer, int64_t shard,
			    int64_t expired_before, hf_revoked_fn each, void *arg,
			    struct hf_err *err);
	int (*revoked_entries)(struct hf_store *store, const struct hf_revoked_scope *scope,
			       hf_revoked_encode_fn encode, void *arg, struct hf_buf *out,
			       int64_t *ret_len, struct hf_err *err);
	int (*plan_shards)(struct hf_store *store, int64_t issuer, char *const *urls, size_t len,
			   struct hf_err *err);
	int (*shards_ready)(struct hf_store *store, int64_t issuer, int64_t len,
			    const char *last_url, struct hf_err *err);
	int (*each_shard)(struct hf_store *store, int64_t issuer, int64_t now, hf_shard_fn each,
			  void *arg, struct hf_err *err);
	int (*note_place)(struct hf_store *store, int64_t issuer, int64_t shard, const char *url,
			  struct hf_err *err);
	int (*each_owner)(struct hf_store *store, const char *url, hf_owner_fn each, void *arg,
			  struct hf_err *err);
	int (*each_place)(struct hf_store *store, int64_t issuer, int64_t shard, hf_place_fn each,
			  void *arg, struct hf_err *err);
	int (*audit_append)(struct hf_store *store, const char *action, const char *detail,
			    int64_t at, struct hf_err *err);
	int (*audit_head)(struct hf_store *store, int64_t *ret_id, uint8_t *ret_hash,
			  struct hf_err *err);
	int (*audit_compare)(struct hf_store *store, hf_audit_problem_fn each, void *arg,
			     struct hf_err *err);
	int (*audit_each)(struct hf_store *store, int64_t after_id, hf_audit_fn each, void *arg,
			  struct hf_err *err);
	int (*token_add)(struct hf_store *store, const struct hf_token *token, struct hf_err *err);
	int (*token_each)(struct hf_store *store, const char *id, int64_t since, hf_token_fn each,
			  void *arg, struct hf_err *err);
	int (*token_withdraw)(struct hf_store *store, const char *id, int64_t at,
			      struct hf_err *err);
	int (*approval_ask)(struct hf_store *store, const char *token, const uint8_t *spki,
			    const char *address, int64_t at, enum hf_approval_state *ret_state,
			    struct hf_err *err);
	int (*approval_each)(struct hf_store *store, hf_approval_fn each, void *arg,
			     struct hf_err *err);
	int (*approval_decide)(struct hf_store *store, const char *token, bool grant,
			       const char *detail, int64_t at, struct hf_err *err);
	int (*record_claims)(struct hf_store *store, const struct hf_outcome *outcomes,
			     struct hf_claim *const *claims, size_t len, int64_t at,
			     struct hf_err *err);
	int (*successor)(struct hf_store *store, int64_t predecessor, int64_t *ret_successor,
			 uint8_t *ret_spki, struct hf_err *err);
};

/* The first member of every back end's own struct. */
struct hf_store {
	const struct hf_store_ops *ops;
	hf_commit_fn committed; /* NULL: nobody wants to know */
	void *committed_arg;
};

extern const struct hf_store_ops hf_store_sqlite;

/* "0a1b…" (an odd number of digits is fine) to bytes and back; for back ends. */
enum { HF_SERIAL_BYTES_CAP = 64 };
int hf_serial_to_bytes(const char *hex, uint8_t out[HF_SERIAL_BYTES_CAP], size_t *ret_len,
		       struct hf_err *err);
void hf_serial_from_bytes(const uint8_t *bytes, size_t len, char out[2 * HF_SERIAL_BYTES_CAP + 2]);

#endif
