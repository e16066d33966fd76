/* SPDX-License-Identifier: Apache-2.0 */
/* An operator's wishes.  Must never do anything that the ledger's log does not name. */
#include "enroll/operator.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"
#include "ca/crl.h"
#include "ca/order.h"
#include "ca/revoke.h"
#include "enroll/token.h"
#include "pki/crl.h"

enum { TTL_CAP = 90 * HF_DAY_SECONDS, LIFETIME_MIN = 60, TEXT_CAP = 4096 };
#define LIFETIME_CAP (INT64_C(36500) * HF_DAY_SECONDS)

/* --- reading wishes --- */

static int text_of(const struct hf_operation *op, const char *key, const char *otherwise,
		   const char **ret_text, struct hf_err *err)
{
	const json_t *value = json_object_get(op->wish, key);
	const char *text = value ? json_string_value(value) : otherwise;

	if (value && !text)
		return hf_err_set(err, HF_E_INVALID, "'%s' is not a string", key);
	if (!text)
		return hf_err_set(err, HF_E_INVALID, "'%s' is missing", key);
	if (strlen(text) > TEXT_CAP)
		return hf_err_set(err, HF_E_INVALID, "'%s' is too long", key);
	*ret_text = text;
	return 0;
}

static int number_of(const struct hf_operation *op, const char *key, int64_t otherwise, int64_t min,
		     int64_t max, int64_t *ret_number, struct hf_err *err)
{
	const json_t *value = json_object_get(op->wish, key);

	*ret_number = otherwise;
	if (!value)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < min ||
	    json_integer_value(value) > max)
		return hf_err_set(err, HF_E_INVALID, "'%s' is not a number from %lld to %lld", key,
				  (long long)min, (long long)max);
	*ret_number = json_integer_value(value);
	return 0;
}

/* --- writing results --- */

static json_t *hex_json(const uint8_t *data, size_t len)
{
	char hex[2 * HF_STORE_SHA256_LEN + 1];

	hf_hex_encode(data, HF_MIN(len, (size_t)HF_STORE_SHA256_LEN), hex);
	return json_string(hex);
}

static json_t *time_json(int64_t at)
{
	char text[HF_TIME_TEXT_CAP];

	hf_time_format(at, text);
	return json_string(text);
}

/* Takes the result; NULL was no memory. */
static int give(struct hf_operation *op, json_t *result, struct hf_err *err)
{
	op->result = result;
	return result ? 0 : hf_err_nomem(err);
}

/* A row that could not be made ends the listing. */
static int add_row(json_t *rows, json_t *row)
{
	return row && json_array_append_new(rows, row) == 0 ? 0 : -HF_E_NOMEM;
}

/* --- tokens --- */

struct token_wish {
	const char *name, *profile, *subject, *sans;
	int64_t ttl, lifetime;
};

static int read_token_wish(const struct hf_operation *op, struct token_wish *w, struct hf_err *err)
{
	int rc = text_of(op, "name", NULL, &w->name, err);

	if (rc == 0)
		rc = text_of(op, "profile", "client", &w->profile, err);
	if (rc == 0)
		rc = text_of(op, "subject", "", &w->subject, err);
	if (rc == 0)
		rc = text_of(op, "sans", "", &w->sans, err);
	if (rc == 0)
		rc = number_of(op, "ttl", HF_TOKEN_LIFETIME, 1, TTL_CAP, &w->ttl, err);
	if (rc == 0)
		rc = number_of(op, "lifetime", 0, LIFETIME_MIN, LIFETIME_CAP, &w->lifetime, err);
	return rc;
}

static json_t *notes_json(const struct hf_order *order)
{
	json_t *notes = json_array();

	for (size_t i = 0; notes && i < order->notes.len; i++)
		(void)json_array_append_new(notes, json_string(order->notes.items[i]));
	return notes;
}

/* A token that could not be used is not made: the same checks, with a key that is thrown away. */
static int try_token(const struct hf_operation *op, const struct token_wish *w, json_t **ret_notes,
		     struct hf_err *err)
{
	HF_AUTO_DONE(hf_sans) sans = HF_SANS_INIT;
	HF_AUTO_DONE(hf_order) order = { .profile = hf_ca_profile_find(w->profile),
					 .lifetime = w->lifetime };
	int rc = w->sans[0] ? hf_sans_add_list(&sans, w->sans, err) : 0;

	if (rc == 0 && (!order.profile || order.profile->is_ca))
		rc = hf_err_set(err, HF_E_INVALID,
				"there is no profile '%s' for tokens: client, server, peer",
				w->profile);
	if (rc == 0)
		rc = hf_order_for_name(&order, w->name, w->subject[0] ? w->subject : NULL, &sans,
				       err);
	if (rc == 0)
		rc = hf_key_generate(hf_policy_own_key_type(
					 hf_policy_profile(op->a->policy, order.profile)),
				     &order.key, err);
	if (rc == 0)
		rc = hf_order_check(op->a, &order, op->now, err);
	if (rc == 0)
		*ret_notes = notes_json(&order);
	return rc;
}

static json_t *token_json(const struct hf_operation *op, const struct token_wish *w,
			  const struct hf_token_text *text)
{
	HF_AUTO_DONE(hf_buf) spelled = HF_BUF_INIT(256);

	(void)hf_token_text_format(text, &spelled);
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "token", hf_buf_str(&spelled), "id",
			 text->id, "name", w->name, "profile", w->profile, "until",
			 time_json(op->now + w->ttl), "root",
			 hex_json(text->root, sizeof(text->root)));
}

static int keep_token(struct hf_operation *op, const struct token_wish *w, struct hf_err *err)
{
	struct hf_token_text text;
	struct hf_token token = { .name = w->name,
				  .profile = w->profile,
				  .subject = w->subject,
				  .sans = w->sans,
				  .lifetime = w->lifetime,
				  .made_at = op->now,
				  .until = op->now + w->ttl,
				  .by = op->who };
	int rc = hf_token_text_make(op->a->root.cert->spki_sha256, &text, err);

	token.id = text.id;
	if (rc == 0)
		rc = hf_token_secret_hash(&text, token.secret_sha256, err);
	if (rc == 0)
		rc = hf_store_token_add(op->a->store, &token, err);
	if (rc == 0)
		rc = give(op, token_json(op, w, &text), err);
	OPENSSL_cleanse(&text, sizeof(text));
	return rc;
}

static int make_token(struct hf_operation *op, struct hf_err *err)
{
	struct token_wish w;
	json_t *notes = NULL;
	int rc = read_token_wish(op, &w, err);

	if (rc == 0)
		rc = try_token(op, &w, &notes, err);
	if (rc == 0)
		rc = keep_token(op, &w, err);
	if (rc == 0 && json_object_set(op->result, "notes", notes) != 0)
		rc = hf_err_nomem(err);
	json_decref(notes);
	return rc;
}

static const char *token_state(const struct hf_token *t, int64_t now)
{
	static const char *const words[] = { [HF_TOKEN_OPEN] = "open",
					     [HF_TOKEN_SPENT] = "spent",
					     [HF_TOKEN_WITHDRAWN] = "withdrawn" };

	return t->state == HF_TOKEN_OPEN && t->until < now ? "expired" : words[t->state];
}

struct listing {
	json_t *rows;
	int64_t now;
};

static int add_token(void *arg, const struct hf_token *t)
{
	struct listing *l = arg;
	json_t *row =
	    json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "id", t->id, "name", t->name,
		      "profile", t->profile, "sans", t->sans, "state", token_state(t, l->now),
		      "made_at", time_json(t->made_at), "until", time_json(t->until));

	if (row && t->ended_at)
		(void)json_object_set_new(row, "ended_at", time_json(t->ended_at));
	if (row && t->state == HF_TOKEN_SPENT)
		(void)json_object_set_new(row, "address", json_string(t->address));
	return add_row(l->rows, row);
}

static int list_tokens(struct hf_operation *op, struct hf_err *err)
{
	struct listing l = { json_array(), op->now };
	int rc =
	    hf_store_token_each(op->a->store, NULL, op->now - HF_DAY_SECONDS, add_token, &l, err);

	if (rc == 0)
		return give(op, json_pack("{s:o}", "tokens", l.rows), err);
	json_decref(l.rows);
	return rc == -HF_E_NOMEM ? hf_err_nomem(err) : rc;
}

static int withdraw_token(struct hf_operation *op, struct hf_err *err)
{
	const char *id = NULL;
	int rc = text_of(op, "id", NULL, &id, err);

	if (rc == 0)
		rc = hf_store_token_withdraw(op->a->store, id, op->now, err);
	if (rc == -HF_E_NOENT)
		return hf_err_hint(err, "the first 16 digits of a token; see: handfast token list");
	if (rc < 0)
		return rc;
	return give(op,
		    json_pack("{s:s, s:s, s:b}", "id", id, "state", "withdrawn", "changed",
			      rc == 0),
		    err);
}

/* --- approvals --- */

static int add_approval(void *arg, const struct hf_approval *a)
{
	struct listing *l = arg;

	return add_row(l->rows, json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "id", a->token,
					  "name", a->name, "profile", a->profile, "sans", a->sans,
					  "address", a->address, "asked_at", time_json(a->asked_at),
					  "spki_sha256", hex_json(a->spki, sizeof(a->spki))));
}

static int list_pending(struct hf_operation *op, struct hf_err *err)
{
	struct listing l = { json_array(), op->now };
	int rc = hf_store_approval_each(op->a->store, add_approval, &l, err);

	if (rc == 0)
		return give(op, json_pack("{s:o}", "pending", l.rows), err);
	json_decref(l.rows);
	return rc == -HF_E_NOMEM ? hf_err_nomem(err) : rc;
}

static int decide(struct hf_operation *op, bool grant, struct hf_err *err)
{
	HF_AUTO(cstr) by = op->who ? hf_str_printf("by %s", op->who) : NULL;
	const char *id = NULL;
	int rc = text_of(op, "id", NULL, &id, err);

	if (rc == 0)
		rc = hf_store_approval_decide(op->a->store, id, grant, by, op->now, err);
	if (rc == -HF_E_NOENT)
		return hf_err_hint(err, "those that wait: handfast pending");
	if (rc < 0)
		return rc;
	return give(op,
		    json_pack("{s:s, s:s, s:b}", "id", id, "state", grant ? "approved" : "denied",
			      "changed", rc == 0),
		    err);
}

static int approve(struct hf_operation *op, struct hf_err *err)
{
	return decide(op, true, err);
}

static int deny(struct hf_operation *op, struct hf_err *err)
{
	return decide(op, false, err);
}

/* --- revocation --- */

static int several(const struct hf_records *found, const char *what, int64_t now,
		   struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) serials = HF_BUF_INIT(HF_ERR_HINT_CAP);

	for (size_t i = 0; i < found->len; i++) {
		if (hf_revoke_is_live(found->items[i], now))
			(void)hf_buf_printf(&serials, "%s%s", serials.len ? ", " : "",
					    found->items[i]->serial);
	}
	(void)hf_err_set(err, HF_E_POLICY, "'%s' has several valid certificates; which one?", what);
	return hf_err_hint(err, "name one of these by its serial, or say all: %s",
			   hf_buf_str(&serials));
}

static int find_live(const struct hf_operation *op, const char *what, struct hf_records *found,
		     struct hf_err *err)
{
	size_t live = 0;
	int rc = hf_revoke_find(op->a, what, found, err);

	if (rc < 0)
		return rc;
	if (found->len == 0)
		return hf_err_set(err, HF_E_NOENT,
				  "this authority has issued nothing with the name or serial '%s'",
				  what);
	for (size_t i = 0; i < found->len; i++) {
		live += hf_revoke_is_live(found->items[i], op->now);
		if (hf_revoke_is_own(op->a, found->items[i]))
			return hf_err_set(
			    err, HF_E_POLICY,
			    "that is the authority's own issuing CA, which is revoked "
			    "at its machine only");
	}
	if (live == 0)
		return hf_revoke_not_live(what, found->items[found->len - 1], err);
	if (live > 1 && !json_is_true(json_object_get(op->wish, "all")))
		return several(found, what, op->now, err);
	return 0;
}

/* Who asked is noted before it is done, in case it is done and the answer is lost. */
static int note_revoker(const struct hf_operation *op, const struct hf_record *r,
			struct hf_err *err)
{
	HF_AUTO(cstr) detail = hf_str_printf("revoke %s by %s", r->serial, op->who);

	if (!detail)
		return hf_err_nomem(err);
	return hf_store_audit_append(op->a->store, "operator", detail, op->now, err);
}

static int revoke_found(const struct hf_operation *op, const struct hf_records *found, int reason,
			json_t *rows, struct hf_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < found->len; i++) {
		const struct hf_record *r = found->items[i];

		if (!hf_revoke_is_live(r, op->now))
			continue;
		if (op->who)
			rc = note_revoker(op, r, err);
		if (rc == 0)
			rc = hf_revoke(op->a, r, reason, op->now, err);
		if (rc == 0)
			rc = add_row(rows,
				     json_pack("{s:s, s:s, s:s, s:s, s:s}", "serial", r->serial,
					       "name", r->name, "subject", r->subject, "state",
					       "revoked", "reason", hf_crl_reason_name(reason)));
	}
	return rc;
}

static int publish(const struct hf_operation *op, const struct hf_records *found,
		   char ret_number[64], struct hf_err *err)
{
	HF_AUTO_DONE(hf_crl_published) p = { .crl = NULL };
	struct hf_ca *ca = hf_authority_ca_by_id(op->a, found->items[0]->issuer);
	int rc = hf_authority_publish_crl(op->a, ca, 0, NULL, op->now, &p, err);

	if (rc < 0)
		return hf_err_context(err, rc,
				      "it is noted as revoked, but the new list was not written");
	(void)hf_str_copy(ret_number, 64, p.crl->number);
	return 0;
}

static int revoke(struct hf_operation *op, struct hf_err *err)
{
	HF_AUTO_DONE(hf_records) found = HF_RECORDS_INIT;
	const char *what = NULL, *word = NULL;
	json_t *rows = json_array();
	char number[64] = "";
	int reason = 0;
	int rc = text_of(op, "what", NULL, &what, err);

	if (rc == 0)
		rc = text_of(op, "reason", "unspecified", &word, err);
	if (rc == 0)
		rc = hf_revoke_reason(word, &reason, err);
	if (rc == 0)
		rc = find_live(op, what, &found, err);
	if (rc == 0)
		rc = revoke_found(op, &found, reason, rows, err);
	if (rc == 0)
		rc = publish(op, &found, number, err);
	if (rc == 0)
		return give(op, json_pack("{s:o, s:s}", "certificates", rows, "crl_number", number),
			    err);
	json_decref(rows);
	return rc;
}

/* --- which of them --- */

static const struct {
	const char *word;
	int (*run)(struct hf_operation *op, struct hf_err *err);
} operations[] = {
	{ "token", make_token },     { "tokens", list_tokens }, { "withdraw", withdraw_token },
	{ "pending", list_pending }, { "approve", approve },	{ "deny", deny },
	{ "revoke", revoke },
};

bool hf_operator_knows(const char *word)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(operations); i++) {
		if (strcmp(operations[i].word, word) == 0)
			return true;
	}
	return false;
}

int hf_operate(const char *word, struct hf_operation *op, struct hf_err *err)
{
	op->result = NULL;
	if (!json_is_object(op->wish))
		return hf_err_set(err, HF_E_INVALID, "a wish is a JSON object");
	for (size_t i = 0; i < HF_ARRAY_LEN(operations); i++) {
		if (strcmp(operations[i].word, word) == 0)
			return operations[i].run(op, err);
	}
	return hf_err_set(err, HF_E_INVALID, "there is no operation '%s'", word);
}
