/* SPDX-License-Identifier: Apache-2.0 */
/* The face of the ledger: hands each call to the back end, and what all back ends share.  Must
 * never know SQL. */
#include "ca/store/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "ca/store/store_ops.h"

int hf_store_open(const char *where, const struct hf_store_options *options,
		  struct hf_store **ret_store, struct hf_err *err)
{
	return hf_store_sqlite.open(where, options, ret_store, err);
}

void hf_store_close(struct hf_store *store)
{
	if (store)
		store->ops->close(store);
}

void hf_store_on_commit(struct hf_store *store, hf_commit_fn told, void *arg)
{
	store->committed = told;
	store->committed_arg = arg;
}

int hf_store_meta_set(struct hf_store *store, const char *key, const char *value,
		      struct hf_err *err)
{
	return store->ops->meta_set(store, key, value, err);
}

int hf_store_meta_get(struct hf_store *store, const char *key, struct hf_buf *out,
		      struct hf_err *err)
{
	return store->ops->meta_get(store, key, out, err);
}

int hf_store_issuer(struct hf_store *store, const uint8_t spki_sha256[HF_STORE_SHA256_LEN],
		    const char *label, int64_t at, int64_t *ret_issuer, struct hf_err *err)
{
	return store->ops->issuer(store, spki_sha256, label, at, ret_issuer, err);
}

int hf_store_intend(struct hf_store *store, struct hf_intent *intents, size_t len,
		    struct hf_err *err)
{
	return store->ops->intend(store, intents, len, err);
}

int hf_store_subject_taken(struct hf_store *store, const char *subject, int64_t at,
			   struct hf_err *err)
{
	return store->ops->subject_taken(store, subject, at, err);
}

int hf_store_record(struct hf_store *store, const struct hf_outcome *outcomes, size_t len,
		    int64_t at, struct hf_err *err)
{
	return store->ops->record(store, outcomes, len, at, err);
}

int hf_store_abandon(struct hf_store *store, const int64_t *ids, size_t len, int64_t at,
		     struct hf_err *err)
{
	return store->ops->abandon(store, ids, len, at, err);
}

int hf_store_revoke(struct hf_store *store, int64_t id, int reason, int64_t at, struct hf_err *err)
{
	return store->ops->revoke(store, id, reason, at, err);
}

int hf_store_adopt(struct hf_store *store, int64_t issuer, const struct hf_adopted *rows,
		   size_t len, int64_t at, struct hf_err *err)
{
	return store->ops->adopt(store, issuer, rows, len, at, err);
}

int hf_store_continue_crl(struct hf_store *store, int64_t issuer, int64_t next, struct hf_err *err)
{
	return store->ops->continue_crl(store, issuer, next, err);
}

int hf_store_next_crl(struct hf_store *store, int64_t issuer, int64_t *ret_next, struct hf_err *err)
{
	return store->ops->next_crl(store, issuer, ret_next, err);
}

int hf_store_list(struct hf_store *store, const struct hf_record_filter *filter, hf_record_fn each,
		  void *arg, struct hf_err *err)
{
	return store->ops->list(store, filter, each, arg, err);
}

int hf_store_publish_crl(struct hf_store *store, int64_t issuer, int64_t shard,
			 hf_crl_build_fn build, void *arg, struct hf_err *err)
{
	return store->ops->publish_crl(store, issuer, shard, build, arg, err);
}

int hf_store_each_revoked(struct hf_store *store, int64_t issuer, int64_t shard,
			  int64_t expired_before, hf_revoked_fn each, void *arg, struct hf_err *err)
{
	return store->ops->each_revoked(store, issuer, shard, expired_before, each, arg, err);
}

int hf_store_revoked_entries(struct hf_store *store, const struct hf_revoked_scope *scope,
			     hf_revoked_encode_fn encode, void *arg, struct hf_buf *out,
			     int64_t *ret_len, struct hf_err *err)
{
	return store->ops->revoked_entries(store, scope, encode, arg, out, ret_len, err);
}

int hf_store_plan_shards(struct hf_store *store, int64_t issuer, char *const *urls, size_t len,
			 struct hf_err *err)
{
	return store->ops->plan_shards(store, issuer, urls, len, err);
}

int hf_store_shards_ready(struct hf_store *store, int64_t issuer, int64_t len, const char *last_url,
			  struct hf_err *err)
{
	return store->ops->shards_ready(store, issuer, len, last_url, err);
}

int hf_store_each_shard(struct hf_store *store, int64_t issuer, int64_t now, hf_shard_fn each,
			void *arg, struct hf_err *err)
{
	return store->ops->each_shard(store, issuer, now, each, arg, err);
}

int hf_store_note_place(struct hf_store *store, int64_t issuer, int64_t shard, const char *url,
			struct hf_err *err)
{
	return store->ops->note_place(store, issuer, shard, url, err);
}

int hf_store_each_owner(struct hf_store *store, const char *url, hf_owner_fn each, void *arg,
			struct hf_err *err)
{
	return store->ops->each_owner(store, url, each, arg, err);
}

int hf_store_each_place(struct hf_store *store, int64_t issuer, int64_t shard, hf_place_fn each,
			void *arg, struct hf_err *err)
{
	return store->ops->each_place(store, issuer, shard, each, arg, err);
}

int hf_store_audit_append(struct hf_store *store, const char *action, const char *detail,
			  int64_t at, struct hf_err *err)
{
	return store->ops->audit_append(store, action, detail, at, err);
}

int hf_store_audit_head(struct hf_store *store, int64_t *ret_id,
			uint8_t ret_hash[HF_STORE_SHA256_LEN], struct hf_err *err)
{
	return store->ops->audit_head(store, ret_id, ret_hash, err);
}

int hf_store_audit_compare(struct hf_store *store, hf_audit_problem_fn each, void *arg,
			   struct hf_err *err)
{
	return store->ops->audit_compare(store, each, arg, err);
}

int hf_store_audit_each(struct hf_store *store, int64_t after_id, hf_audit_fn each, void *arg,
			struct hf_err *err)
{
	return store->ops->audit_each(store, after_id, each, arg, err);
}

int hf_store_token_add(struct hf_store *store, const struct hf_token *token, struct hf_err *err)
{
	return store->ops->token_add(store, token, err);
}

int hf_store_token_each(struct hf_store *store, const char *id, int64_t since, hf_token_fn each,
			void *arg, struct hf_err *err)
{
	return store->ops->token_each(store, id, since, each, arg, err);
}

int hf_store_token_withdraw(struct hf_store *store, const char *id, int64_t at, struct hf_err *err)
{
	return store->ops->token_withdraw(store, id, at, err);
}

const char *hf_approval_state_name(enum hf_approval_state state)
{
	static const char *const names[] = { [HF_APPROVAL_WAITING] = "waiting",
					     [HF_APPROVAL_GRANTED] = "approved",
					     [HF_APPROVAL_DENIED] = "denied" };

	return names[state];
}

int hf_store_approval_ask(struct hf_store *store, const char *token,
			  const uint8_t spki[HF_STORE_SHA256_LEN], const char *address, int64_t at,
			  enum hf_approval_state *ret_state, struct hf_err *err)
{
	return store->ops->approval_ask(store, token, spki, address, at, ret_state, err);
}

int hf_store_approval_each(struct hf_store *store, hf_approval_fn each, void *arg,
			   struct hf_err *err)
{
	return store->ops->approval_each(store, each, arg, err);
}

int hf_store_approval_decide(struct hf_store *store, const char *token, bool grant,
			     const char *detail, int64_t at, struct hf_err *err)
{
	return store->ops->approval_decide(store, token, grant, detail, at, err);
}

int hf_store_record_claims(struct hf_store *store, const struct hf_outcome *outcomes,
			   struct hf_claim *const *claims, size_t len, int64_t at,
			   struct hf_err *err)
{
	return store->ops->record_claims(store, outcomes, claims, len, at, err);
}

int hf_store_successor(struct hf_store *store, int64_t predecessor, int64_t *ret_successor,
		       uint8_t ret_spki[HF_STORE_SHA256_LEN], struct hf_err *err)
{
	return store->ops->successor(store, predecessor, ret_successor, ret_spki, err);
}

const char *hf_record_state_name(enum hf_record_state state)
{
	static const char *const names[] = {
		[HF_RECORD_INTENT] = "intent",
		[HF_RECORD_ISSUED] = "valid",
		[HF_RECORD_REVOKED] = "revoked",
		[HF_RECORD_ABANDONED] = "abandoned",
	};

	return names[state];
}

int hf_serial_to_bytes(const char *hex, uint8_t out[HF_SERIAL_BYTES_CAP], size_t *ret_len,
		       struct hf_err *err)
{
	char even[2 * HF_SERIAL_BYTES_CAP + 2] = "0";
	const char *digits = hex + strspn(hex, "0");
	size_t len;

	if (digits > hex && !*digits)
		digits--; /* the serial 0 */
	len = strlen(digits);
	if (len == 0 || len > 2 * (size_t)HF_SERIAL_BYTES_CAP ||
	    !hf_str_copy(even + len % 2, sizeof(even) - 1, digits) ||
	    !hf_hex_decode(even, out, HF_SERIAL_BYTES_CAP, ret_len))
		return hf_err_set(err, HF_E_INVALID, "'%s' is not a serial number in hexadecimal",
				  hex);
	return 0;
}

void hf_serial_from_bytes(const uint8_t *bytes, size_t len, char out[2 * HF_SERIAL_BYTES_CAP + 2])
{
	char hex[2 * HF_SERIAL_BYTES_CAP + 1] = "";
	size_t zeros;

	hf_hex_encode(bytes, HF_MIN(len, (size_t)HF_SERIAL_BYTES_CAP), hex);
	zeros = strspn(hex, "0");
	(void)hf_str_copy(out, 2 * HF_SERIAL_BYTES_CAP + 2, hex[zeros] ? hex + zeros : "0");
}

static bool dup_texts(struct hf_record *copy, const struct hf_record *from)
{
	copy->serial = hf_str_dup(from->serial);
	copy->name = hf_str_dup(from->name);
	copy->profile = hf_str_dup(from->profile);
	copy->subject = hf_str_dup(from->subject);
	copy->sans = hf_str_dup(from->sans);
	return copy->serial && copy->name && copy->profile && copy->subject && copy->sans;
}

struct hf_record *hf_record_dup(const struct hf_record *record)
{
	HF_AUTO(hf_record) copy = calloc(1, sizeof(*copy));
	uint8_t *der = NULL;

	if (!copy)
		return NULL;
	*copy = *record;
	copy->der = NULL;
	if (!dup_texts(copy, record))
		return NULL;
	if (record->der) {
		der = malloc(record->der_len);
		if (!der)
			return NULL;
		memcpy(der, record->der, record->der_len);
	}
	copy->der = der;
	return hf_take(copy);
}

/* Owned by hf_record_dup's result, although the struct shows them as const to everybody else. */
static void drop(const void *owned)
{
	free((void *)(uintptr_t)owned);
}

void hf_record_free(struct hf_record *record)
{
	if (!record)
		return;
	drop(record->serial);
	drop(record->name);
	drop(record->profile);
	drop(record->subject);
	drop(record->sans);
	drop(record->der);
	free(record);
}

void hf_records_done(struct hf_records *records)
{
	for (size_t i = 0; i < records->len; i++)
		hf_record_free(records->items[i]);
	free(records->items);
	*records = (struct hf_records)HF_RECORDS_INIT;
}

static int collect_one(void *arg, const struct hf_record *record)
{
	struct hf_records *list = arg;
	struct hf_record *copy;

	if (list->len == list->alloc) {
		size_t alloc = list->alloc ? 2 * list->alloc : 8;
		struct hf_record **grown =
		    reallocarray(list->items, alloc, sizeof(struct hf_record *));

		if (!grown)
			return -HF_E_NOMEM;
		list->items = grown;
		list->alloc = alloc;
	}
	copy = hf_record_dup(record);
	if (!copy)
		return -HF_E_NOMEM;
	list->items[list->len++] = copy;
	return 0;
}

int hf_store_collect(struct hf_store *store, const struct hf_record_filter *filter,
		     struct hf_records *ret_records, struct hf_err *err)
{
	HF_AUTO_DONE(hf_records) found = HF_RECORDS_INIT;
	int rc = hf_store_list(store, filter, collect_one, &found, err);

	if (rc == -HF_E_NOMEM)
		return hf_err_nomem(err);
	if (rc < 0)
		return rc;
	*ret_records = found;
	found = (struct hf_records)HF_RECORDS_INIT;
	return 0;
}
