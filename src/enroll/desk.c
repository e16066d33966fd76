/* SPDX-License-Identifier: Apache-2.0 */
/* The desk's order of work: who asks, may they, what for; sign; record with the claim; only then
 * answer.  Must never let a request choose names, profile or lifetime. */
#include "enroll/desk.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "enroll/desk_internal.h"
#include "enroll/est.h"
#include "pki/name.h"

/* One question on its way through. */
struct task {
	struct hf_ask *ask;
	struct hf_order order;
	struct hf_claim claim;
	bool wants_issue; /* checked, and to be signed */
};

void hf_ask_init(struct hf_ask *ask)
{
	*ask = (struct hf_ask){ .code = "", .body = HF_BUF_INIT(HF_ASK_BODY_CAP) };
}

void hf_ask_done(struct hf_ask *ask)
{
	hf_csr_free(ask->csr);
	hf_cert_unref(ask->old);
	hf_cert_unref(ask->cert);
	json_decref(ask->wish);
	hf_buf_done(&ask->body);
	EVP_PKEY_free(ask->made);
	OPENSSL_cleanse(&ask->token, sizeof(ask->token));
}

int hf_ask_refuse(struct hf_ask *ask, int status, const char *code, const char *sentence)
{
	ask->status = status;
	ask->code = code;
	if (sentence)
		(void)hf_err_set(&ask->err, HF_E_POLICY, "%s", sentence);
	return 1;
}

int hf_ask_fail(struct hf_ask *ask, int rc)
{
	bool passes = rc == -HF_E_IO || rc == -HF_E_BUSY || rc == -HF_E_NOMEM;

	if (rc == -HF_E_POLICY || rc == -HF_E_EXIST)
		return hf_ask_refuse(ask, 403, "policy", NULL);
	return hf_ask_refuse(ask, passes ? 503 : 500, passes ? "unavailable" : "internal", NULL);
}

/* --- what the request asks for --- */

static bool is_own_name(const X509_NAME *subject, const struct hf_order *order)
{
	struct hf_name_value *values = NULL;
	size_t len = 0;
	bool own = false;

	if (X509_NAME_entry_count(subject) == 0 || X509_NAME_cmp(subject, order->subject) == 0)
		return true;
	if (X509_NAME_entry_count(subject) != 1 ||
	    hf_name_values(subject, NID_commonName, &values, &len, NULL) < 0)
		return false;
	own = len == 1 && hf_str_case_eq(values[0].utf8, order->name);
	hf_name_values_free(values, len);
	return own;
}

/* Whoever asks for a name is told when it is not the one granted, instead of being surprised by the
 * certificate later. */
static int check_wishes(struct hf_ask *ask, const struct hf_order *order)
{
	const struct hf_csr *csr = ask->csr;
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(1024);

	if (!is_own_name(X509_REQ_get_subject_name(csr->req), order)) {
		(void)hf_err_set(&ask->err, HF_E_POLICY,
				 "the request is for '%s', and what was granted is '%s'",
				 csr->subject, order->name);
		return hf_ask_refuse(ask, 403, "names", NULL);
	}
	for (size_t i = 0; i < csr->sans.len; i++) {
		if (hf_sans_has(&order->sans, &csr->sans.items[i]))
			continue;
		(void)hf_str_escape(&text, csr->sans.items[i].value, csr->sans.items[i].len);
		(void)
		    hf_err_set(&ask->err, HF_E_POLICY,
			       "the request asks for the name '%s', which was not granted to '%s'",
			       hf_buf_str(&text), order->name);
		return hf_ask_refuse(ask, 403, "names", NULL);
	}
	return 0;
}

/* RFC 7030 4.4.1: where the server makes the key, it ignores the key and the signature of the
 * request.  The token is the proof there. */
static int check_possession(struct hf_ask *ask)
{
	if (ask->form == HF_FORM_EST_KEY || hf_csr_check_signature(ask->csr, &ask->err) == 0)
		return 0;
	return hf_ask_refuse(ask, 400, "request", NULL);
}

/* The request's, or with serverkeygen one of ours. */
static int choose_key(struct task *t, struct hf_authority *a)
{
	struct hf_ask *ask = t->ask;

	if (ask->form == HF_FORM_EST_KEY) {
		t->claim.key_made = true;
		return hf_ask_make_key(ask, a, t->order.profile, &t->order.key);
	}
	t->order.key = X509_REQ_get_pubkey(ask->csr->req);
	if (t->order.key)
		return 0;
	(void)hf_err_ossl(&ask->err, HF_E_PARSE, "the request's public key does not decode");
	return hf_ask_refuse(ask, 400, "request", NULL);
}

/* The key of the request, proved to be the asker's, under an order that is otherwise complete. */
static int take_key(struct task *t, struct hf_authority *a, int64_t now)
{
	struct hf_ask *ask = t->ask;
	int rc;

	if (check_possession(ask) != 0 || check_wishes(ask, &t->order) != 0)
		return 1;
	rc = choose_key(t, a);
	if (rc != 0)
		return rc;
	rc = hf_order_check(a, &t->order, now, &ask->err);
	if (rc < 0)
		return hf_ask_fail(ask, rc);
	memcpy(t->claim.spki, ask->csr->spki_sha256, sizeof(t->claim.spki));
	t->claim.address = ask->address;
	t->order.claim = &t->claim;
	return 0;
}

/* --- what was given before --- */

static int take_record(void *arg, const struct hf_record *record)
{
	struct hf_ask *ask = arg;

	if (record->state == HF_RECORD_ISSUED && record->der)
		(void)hf_cert_from_der(record->der, record->der_len, &ask->cert, &ask->err);
	return 0;
}

/* A lost answer: the same key gets the same certificate, anybody else gets `code`. */
static int give_again(struct hf_ask *ask, struct hf_authority *a, int64_t id, const uint8_t *spki,
		      const char *code, const char *sentence)
{
	struct hf_record_filter filter = { .id = id, .limit = 1 };
	int rc;

	if (memcmp(spki, ask->csr->spki_sha256, HF_SHA256_LEN) != 0)
		return hf_ask_refuse(ask, 403, code, sentence);
	/* the key is known from elsewhere too: it must be the asker's */
	if (check_possession(ask) != 0)
		return 1;
	rc = hf_store_list(a->store, &filter, take_record, ask, &ask->err);
	if (rc < 0)
		return hf_ask_fail(ask, rc);
	if (!ask->cert)
		return hf_ask_refuse(ask, 403, "certificate-revoked",
				     "the certificate that was given for this was revoked");
	rc = hf_ask_check_key(ask, a);
	if (rc != 0) {
		hf_cert_unref(hf_take(ask->cert));
		return rc < 0 ? hf_ask_fail(ask, rc) : hf_ask_refuse(ask, 403, code, sentence);
	}
	ask->status = 200;
	ask->again = true;
	return 1;
}

/* --- what a person looks at first --- */

static int wait_for_approval(struct hf_ask *ask)
{
	(void)hf_err_set(&ask->err, HF_E_AGAIN,
			 "the enrolment waits for an operator of the authority");
	(void)hf_err_hint(&ask->err, "there: handfast approve %s", ask->token.id);
	return hf_ask_refuse(ask, 202, "waiting", NULL);
}

/* By the key that came first with the token.  A token that ran out while its holder waited is still
 * good for what was asked in time. */
static int need_approval(struct task *t, struct hf_authority *a, bool late, int64_t now)
{
	enum hf_approval_state state = HF_APPROVAL_WAITING;
	struct hf_ask *ask = t->ask;
	int rc = hf_store_approval_ask(a->store, ask->token.id, ask->csr->spki_sha256,
				       late ? NULL : ask->address, now, &state, &ask->err);

	if (rc < 0)
		return hf_ask_fail(ask, rc);
	if (rc > 0 && late)
		return hf_ask_refuse(ask, 403, "token-expired", "the token has expired");
	if (rc > 0)
		return hf_ask_refuse(
		    ask, 403, "token-spent",
		    "somebody else asks with this token, and an operator looks at it");
	if (state == HF_APPROVAL_DENIED)
		return hf_ask_refuse(ask, 403, "denied", "an operator has denied this enrolment");
	return state == HF_APPROVAL_WAITING ? wait_for_approval(ask) : 0;
}

static bool wants_approval(const struct hf_authority *a, const struct hf_order *order)
{
	const struct hf_policy_profile *pp = hf_policy_profile(a->policy, order->profile);

	return pp && pp->approval;
}

/* --- by token --- */

struct found_token {
	struct task *task;
	struct hf_authority *a;
	int64_t now;
	bool seen, late;
};

static int order_by_token(struct task *t, const struct hf_token *token)
{
	struct hf_ask *ask = t->ask;
	HF_AUTO_DONE(hf_sans) sans = HF_SANS_INIT;
	int rc;

	t->order.profile = hf_ca_profile_find(token->profile);
	if (!t->order.profile || t->order.profile->is_ca)
		return hf_ask_refuse(ask, 500, "internal",
				     "the token's profile is not known any more");
	t->order.lifetime = token->lifetime;
	rc = token->sans[0] ? hf_sans_add_list(&sans, token->sans, &ask->err) : 0;
	if (rc == 0)
		rc = hf_order_for_name(&t->order, token->name,
				       token->subject[0] ? token->subject : NULL, &sans, &ask->err);
	return rc < 0 ? hf_ask_fail(ask, rc) : 0;
}

/* The row is only valid during the call, so all that needs it is done here. */
static int take_token(void *arg, const struct hf_token *token)
{
	struct found_token *f = arg;
	struct hf_ask *ask = f->task->ask;

	if (!hf_token_secret_is(&ask->token, token->secret_sha256))
		return 0; /* said as if there were none */
	f->seen = true;
	if (token->state == HF_TOKEN_SPENT) {
		if (hf_ask_check_retry(ask, f->a, token, f->now) != 0)
			return 1;
		return give_again(ask, f->a, token->certificate, token->spki, "token-spent",
				  "the token has been used: it is good for one certificate");
	}
	if (token->state == HF_TOKEN_WITHDRAWN)
		return hf_ask_refuse(ask, 403, "token-withdrawn", "the token was withdrawn");
	f->late = token->until < f->now;
	return order_by_token(f->task, token);
}

static int prepare_enrolment(struct task *t, struct hf_authority *a, int64_t now)
{
	struct found_token found = { t, a, now, false, false };
	struct hf_ask *ask = t->ask;
	bool approval;
	int rc = hf_store_token_each(a->store, ask->token.id, 0, take_token, &found, &ask->err);

	if (rc < 0)
		return hf_ask_fail(ask, rc);
	if (!found.seen)
		return hf_ask_refuse(ask, 401, "token-unknown",
				     "this authority knows no such token");
	if (rc > 0)
		return rc;
	approval = wants_approval(a, &t->order);
	if (found.late && !approval)
		return hf_ask_refuse(ask, 403, "token-expired", "the token has expired");
	t->claim.token = ask->token.id;
	rc = take_key(t, a, now);
	if (rc == 0 && approval)
		rc = need_approval(t, a, found.late, now);
	t->wants_issue = rc == 0;
	return rc;
}

/* --- by the certificate before --- */

struct found_record {
	struct task *task;
	const struct hf_authority *a;
	int64_t id, now;
};

/* Past its end a certificate is as good as it was, for as long as the policy says: a laptop that
 * slept over it is still the one that was enrolled. */
static bool is_renewable(const struct hf_authority *a, const struct hf_record *record, int64_t now)
{
	const struct hf_policy_profile *pp =
	    hf_policy_profile(a->policy, hf_ca_profile_find(record->profile));

	return now <= record->not_after + (pp ? pp->renew_grace : 0);
}

static int take_predecessor(void *arg, const struct hf_record *record)
{
	struct found_record *f = arg;
	struct hf_ask *ask = f->task->ask;
	struct hf_order *order = &f->task->order;
	int rc;

	f->id = record->id;
	if (record->state != HF_RECORD_ISSUED)
		return hf_ask_refuse(ask, 403, "certificate-revoked",
				     "the certificate is revoked, and is not renewed");
	if (!is_renewable(f->a, record, f->now))
		return hf_ask_refuse(ask, 403, "certificate-expired",
				     "the certificate has expired, and renews nothing any more");
	rc = hf_order_like(order, ask->old, record->name, record->profile, &ask->err);
	if (rc < 0)
		return hf_ask_refuse(ask, 403, "policy", NULL);
	/* it began a little before it was made */
	order->lifetime = record->not_after - record->not_before - HF_BACKDATE_SECONDS;
	return 0;
}

static int prepare_renewal(struct task *t, struct hf_authority *a, int64_t now)
{
	struct hf_ask *ask = t->ask;
	struct hf_record_filter filter = { .sha256 = ask->old->sha256, .limit = 1 };
	struct found_record found = { t, a, 0, now };
	uint8_t spki[HF_SHA256_LEN];
	int64_t successor = 0;
	int rc = hf_store_list(a->store, &filter, take_predecessor, &found, &ask->err);

	if (rc != 0)
		return rc < 0 ? hf_ask_fail(ask, rc) : rc;
	if (found.id == 0)
		return hf_ask_refuse(ask, 403, "certificate-unknown",
				     "this authority did not issue that certificate");
	rc = hf_store_successor(a->store, found.id, &successor, spki, &ask->err);
	if (rc < 0)
		return hf_ask_fail(ask, rc);
	if (rc == 0)
		return give_again(
		    ask, a, successor, spki, "certificate-superseded",
		    "the certificate was renewed before: only the newest of its line is");
	t->claim.predecessor = found.id;
	rc = take_key(t, a, now);
	t->wants_issue = rc == 0;
	return rc;
}

static int prepare(struct task *t, struct hf_authority *a, int64_t now)
{
	return t->ask->renews ? prepare_renewal(t, a, now) : prepare_enrolment(t, a, now);
}

/* --- answers --- */

static int write_body(struct hf_ask *ask, struct hf_authority *a)
{
	HF_AUTO_DONE(hf_certs) certs = HF_CERTS_INIT;
	int rc;

	if (ask->form == HF_FORM_JSON) /* is written already */
		return 0;
	if (ask->form == HF_FORM_EST || ask->form == HF_FORM_EST_KEY) {
		/* the certificate alone: RFC 7030 4.2.3 */
		rc = hf_certs_add(&certs, ask->cert, &ask->err);
		if (rc < 0)
			return rc;
		return ask->made ? hf_est_key_format(ask->made, &certs, ask->wrapped, &ask->body,
						     &ask->err)
				 : hf_est_certs_format(&certs, ask->wrapped, &ask->body, &ask->err);
	}
	rc = hf_cert_to_pem(ask->cert, &ask->body, &ask->err);
	return rc < 0 ? rc
		      : hf_authority_chain_pem(a, hf_authority_issuer(a), &ask->body, &ask->err);
}

static void finish(struct hf_ask *ask, struct hf_authority *a)
{
	int rc;

	if (ask->status != 200)
		return;
	rc = write_body(ask, a);
	if (rc < 0)
		(void)hf_ask_fail(ask, rc);
}

static void task_reset(struct task *t)
{
	hf_order_done(&t->order);
	t->claim = (struct hf_claim){ .token = NULL };
	t->wants_issue = false;
}

static void take_outcome(struct task *t, struct hf_authority *a, int64_t now)
{
	struct hf_ask *ask = t->ask;

	if (t->order.cert) {
		ask->cert = hf_cert_ref(t->order.cert);
		ask->status = 200;
		return;
	}
	if (t->claim.lost) { /* to another of this batch, or of another process: look again */
		task_reset(t);
		if (prepare(t, a, now) == 0)
			(void)hf_ask_refuse(ask, 503, "unavailable",
					    "two requests came at once; try again");
		return;
	}
	ask->err = t->order.err;
	(void)hf_ask_fail(ask, -t->order.err.code);
}

static void issue(struct task *tasks, size_t len, struct hf_authority *a, int64_t now)
{
	struct hf_order *orders[HF_DESK_BATCH];
	struct hf_err err = HF_ERR_INIT;
	size_t count = 0;
	int rc;

	for (size_t i = 0; i < len; i++) {
		if (tasks[i].wants_issue)
			orders[count++] = &tasks[i].order;
	}
	if (count == 0)
		return;
	rc = hf_issue(a, orders, count, now, &err);
	for (size_t i = 0; i < len; i++) {
		if (!tasks[i].wants_issue)
			continue;
		if (rc >= 0) {
			take_outcome(&tasks[i], a, now);
			continue;
		}
		tasks[i].ask->err = err;
		(void)hf_ask_fail(tasks[i].ask, rc);
	}
}

void hf_desk_answer(struct hf_authority *a, struct hf_ask *const *asks, size_t len, int64_t now)
{
	struct task *tasks = calloc(len, sizeof(*tasks));

	for (size_t i = 0; i < len; i++) {
		if (!tasks) {
			(void)hf_ask_fail(asks[i], hf_err_nomem(&asks[i]->err));
			continue;
		}
		tasks[i].ask = asks[i];
		if (asks[i]->wish)
			hf_ask_operate(asks[i], a, now);
		else
			(void)prepare(&tasks[i], a, now);
	}
	if (tasks)
		issue(tasks, len, a, now);
	for (size_t i = 0; i < len; i++) {
		if (tasks)
			task_reset(&tasks[i]);
		finish(asks[i], a);
	}
	free(tasks);
}
