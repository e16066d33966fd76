/* SPDX-License-Identifier: Apache-2.0 */
/* One refusal record read.  Must never be surer than the record: an alert that a client sent has
 * several meanings. */
#include "cli/explain_reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/time.h"
#include "explain/logline.h"
#include "util/clock.h"

enum { LINES_CAP = 6, SENT_CAP = 16, DER_CAP = 64 * 1024 };

const char *explain_text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

void explain_text_copy(char *to, size_t cap, const char *text)
{
	HF_AUTO_DONE(hf_buf) safe = HF_BUF_INIT(8192);

	(void)hf_str_escape(&safe, text, strnlen(text, EXPLAIN_TEXT_CAP - 1));
	(void)snprintf(to, cap, "%s", hf_buf_str(&safe));
}

/* The gateway is the server: "us" and "server" are one, the peer is the client. */
static enum hf_side side_of(const char *word)
{
	if (strcmp(word, "us") == 0 || strcmp(word, "server") == 0)
		return HF_SIDE_SERVER;
	return strcmp(word, "peer") == 0 || strcmp(word, "client") == 0 ? HF_SIDE_CLIENT
									: HF_SIDE_NOBODY;
}

/* --- the cause of one record ------------------------------------------------------------- */

void explain_candidate(struct explain_group *g, enum hf_reason reason)
{
	for (size_t i = 0; i < g->candidates_len; i++) {
		if (g->candidates[i] == reason)
			return;
	}
	if (reason && g->candidates_len < HF_CANDIDATES)
		g->candidates[g->candidates_len++] = reason;
}

void explain_settle(struct explain_group *g, enum hf_reason cause, enum hf_confidence confidence)
{
	g->cause = cause;
	g->confidence = confidence;
	g->candidates_len = 0;
	explain_candidate(g, cause);
}

const json_t *explain_error_with(const json_t *record, const char *id)
{
	const json_t *errors = json_object_get(record, "errors");

	for (size_t i = 0; i < json_array_size(errors); i++) {
		const json_t *error = json_array_get(errors, i);

		if (strcmp(explain_text_of(error, "id"), id) == 0)
			return error;
	}
	return NULL;
}

/* The entry of the list is older than the certificate: it was made for another one. */
static bool revoked_before_issued(const struct explain_reading *r)
{
	const char *have = explain_text_of(explain_error_with(r->record, "V-REVOKED"), "have");
	char when[HF_TIME_TEXT_CAP];
	int64_t at;

	if (!hf_str_starts(have, "revoked at ") || !r->begins)
		return false;
	(void)snprintf(when, sizeof(when), "%.*s", (int)strcspn(have + 11, " "), have + 11);
	return hf_time_parse(when, &at) && at < r->begins;
}

/* An empty list went in: that is certain, and why the client sent none is not. */
static void nothing_sent(struct explain_reading *r)
{
	explain_settle(&r->g, HF_REASON_N_NONE, HF_LIKELY);
	explain_candidate(&r->g, HF_REASON_N_SIGALG);
	explain_candidate(&r->g, HF_REASON_N_CA_LIST);
	explain_candidate(&r->g, HF_REASON_N_EKU_FILTER);
	(void)hf_strv_add(&r->g.evidence,
			  "the client answered the request with an empty list of certificates: "
			  "it has none, or none that our CA names and schemes let it send");
}

/* What the client sent ends below a root: whether a trusted one stands above does not show. */
static bool ends_below_a_root(const struct explain_reading *r)
{
	const json_t *received = json_object_get(r->record, "certificates_received");
	const json_t *top = json_array_get(received, json_array_size(received) - 1);

	return top && strcmp(explain_text_of(top, "subject"), explain_text_of(top, "issuer")) != 0;
}

static void refused_by_us(struct explain_reading *r, enum hf_reason cause)
{
	explain_settle(&r->g, cause, HF_CERTAIN);
	if (cause == HF_REASON_N_NONE) {
		nothing_sent(r);
		return;
	}
	if (cause == HF_REASON_V_UNKNOWN_CA && ends_below_a_root(r)) {
		explain_settle(&r->g, cause, HF_LIKELY);
		explain_candidate(&r->g, HF_REASON_V_NO_INTERMEDIATE);
		return;
	}
	if (cause == HF_REASON_V_REVOKED && revoked_before_issued(r))
		explain_settle(&r->g, HF_REASON_V_DUP_SERIAL, HF_LIKELY);
	else if (explain_error_with(r->record, "K-CLOCK"))
		explain_settle(&r->g, HF_REASON_K_CLOCK, HF_LIKELY);
	if (r->g.confidence == HF_LIKELY)
		explain_candidate(&r->g, cause);
}

static void read_fields(struct explain_reading *r)
{
	const json_t *number = json_object_get(json_object_get(r->record, "alert"), "number");
	struct explain_group *g = &r->g;

	g->alert = json_is_integer(number) ? (int)json_integer_value(number) : -1;
	g->refused_by = side_of(explain_text_of(r->record, "refused_by"));
	explain_text_copy(g->since, sizeof(g->since), explain_text_of(r->record, "time"));
	explain_text_copy(g->explanation, sizeof(g->explanation),
			  explain_text_of(r->record, "explanation"));
	explain_text_copy(g->fix, sizeof(g->fix), explain_text_of(r->record, "fix"));
	explain_text_copy(g->listener, sizeof(g->listener), explain_text_of(r->record, "listener"));
	explain_text_copy(g->role, sizeof(g->role), explain_text_of(r->certificate, "role"));
	explain_text_copy(g->subject, sizeof(g->subject),
			  explain_text_of(r->certificate, "subject"));
	explain_text_copy(g->issuer, sizeof(g->issuer), explain_text_of(r->certificate, "issuer"));
	explain_text_copy(g->serial, sizeof(g->serial), explain_text_of(r->certificate, "serial"));
	explain_text_copy(g->sha256, sizeof(g->sha256), explain_text_of(r->certificate, "sha256"));
	explain_text_copy(g->not_before, sizeof(g->not_before),
			  explain_text_of(r->certificate, "not_before"));
	explain_text_copy(g->not_after, sizeof(g->not_after),
			  explain_text_of(r->certificate, "not_after"));
	explain_text_copy(g->peer, sizeof(g->peer), explain_text_of(r->record, "peer"));
	(void)hf_time_parse(explain_text_of(r->record, "time"), &r->at);
	(void)hf_time_parse(explain_text_of(r->certificate, "not_before"), &r->begins);
	(void)hf_time_parse(explain_text_of(r->certificate, "not_after"), &r->ends);
}

/* Errors as evidence, the lists and the trust the judge had. */
static void read_evidence(struct explain_reading *r)
{
	const json_t *errors = json_object_get(r->record, "errors");

	for (size_t i = 0; i < HF_MIN(json_array_size(errors), (size_t)LINES_CAP); i++) {
		const json_t *e = json_array_get(errors, i);
		char line[EXPLAIN_TEXT_CAP * 2], safe[EXPLAIN_TEXT_CAP * 2];

		(void)snprintf(line, sizeof(line), "%s%s%s; want: %s; have: %s [%s]",
			       explain_text_of(e, "subject"),
			       explain_text_of(e, "subject")[0] ? ": " : "",
			       explain_text_of(e, "sentence"), explain_text_of(e, "want"),
			       explain_text_of(e, "have"), explain_text_of(e, "id"));
		explain_text_copy(safe, sizeof(safe), line);
		(void)hf_strv_add(&r->g.evidence, safe);
	}
	if (json_is_true(json_object_get(r->record, "resumed")))
		(void)hf_strv_add(&r->g.evidence,
				  "the connection resumed an older session [R-RESUMED-IDENTITY]");
}

/* --- one record -------------------------------------------------------------------------- */

/* The chain that was shown, from the record itself. */
static int chain_of(const json_t *record, struct hf_certs *to)
{
	const json_t *sent = json_object_get(record, "certificates_sent");
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < HF_MIN(json_array_size(sent), (size_t)SENT_CAP); i++) {
		HF_AUTO_DONE(hf_buf) der = HF_BUF_INIT(DER_CAP);
		HF_AUTO(hf_cert) cert = NULL;
		const char *text = json_string_value(json_array_get(sent, i));

		if (!text || hf_base64_decode(text, strlen(text), &der) < 0)
			return -HF_E_PARSE;
		rc = hf_cert_from_der((const uint8_t *)der.data, der.len, &cert, NULL);
		if (rc == 0)
			rc = hf_certs_add(to, cert, NULL);
	}
	return rc;
}

void explain_group_done(struct explain_group *g)
{
	hf_strv_done(&g->evidence);
	hf_transcript_done(&g->ladder);
	free(g->why);
	free(g->fix_words);
	g->why = g->fix_words = NULL;
}

/* The certificate of the cause is the root of that name; of that one the record has only the name.
 */
static void name_root(struct explain_group *g)
{
	if (g->cause != HF_REASON_V_SAME_NAME_CA || strcmp(g->subject, g->issuer) == 0)
		return;
	(void)snprintf(g->subject, sizeof(g->subject), "%s", g->issuer);
	g->serial[0] = g->sha256[0] = g->not_before[0] = g->not_after[0] = '\0';
}

static void put_role(struct explain_group *g)
{
	for (int role = HF_ROLE_NONE; role <= HF_ROLE_CRL; role++) {
		if (strcmp(hf_role_name((enum hf_role)role), g->role) != 0)
			continue;
		(void)snprintf(g->role, sizeof(g->role), "%s",
			       hf_role_name(
				   hf_cause_role(g->cause, g->refused_by, (enum hf_role)role)));
		return;
	}
}

void explain_record_read(const json_t *record, const struct explain_own *own,
			 struct explain_group *ret)
{
	struct explain_reading r = { .record = record,
				     .certificate = json_object_get(record, "certificate") };
	enum hf_reason cause = hf_reason_by_id(explain_text_of(record, "cause"));
	HF_AUTO_DONE(hf_certs) sent = HF_CERTS_INIT;
	struct explain_own with = *own;

	if (own->chain->len == 0 && chain_of(record, &sent) == 0)
		with.chain = &sent;
	read_fields(&r);
	read_evidence(&r);
	if (cause && r.g.refused_by != HF_SIDE_CLIENT)
		refused_by_us(&r, cause);
	else
		explain_read_client_refusal(&with, &r, cause);
	if (!r.g.cause)
		r.g.confidence = HF_CANNOT_KNOW;
	explain_compare_files(&r);
	explain_build_ladder(&r);
	put_role(&r.g);
	explain_tell_in_words(&with, &r);
	name_root(&r.g);
	*ret = r.g;
}
