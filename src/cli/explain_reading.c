/* SPDX-License-Identifier: Apache-2.0 */
/* One refusal record read.  Must never be surer than the record: an alert that a client sent has
 * several meanings. */
#include "cli/explain_reading.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/time.h"
#include "explain/story.h"
#include "util/clock.h"

enum { LINES_CAP = 6 };

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void copy(char *to, size_t cap, const char *text)
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

struct reading {
	const json_t *record, *certificate;
	int64_t at, begins, ends;
	struct explain_group g;
};

static void candidate(struct explain_group *g, enum hf_reason reason)
{
	for (size_t i = 0; i < g->candidates_len; i++) {
		if (g->candidates[i] == reason)
			return;
	}
	if (reason && g->candidates_len < HF_CANDIDATES)
		g->candidates[g->candidates_len++] = reason;
}

static void settle(struct explain_group *g, enum hf_reason cause, enum hf_confidence confidence)
{
	g->cause = cause;
	g->confidence = confidence;
	g->candidates_len = 0;
	candidate(g, cause);
}

static const json_t *error_with(const json_t *record, const char *id)
{
	const json_t *errors = json_object_get(record, "errors");

	for (size_t i = 0; i < json_array_size(errors); i++) {
		const json_t *error = json_array_get(errors, i);

		if (strcmp(text_of(error, "id"), id) == 0)
			return error;
	}
	return NULL;
}

/* The entry of the list is older than the certificate: it was made for another one. */
static bool revoked_before_issued(const struct reading *r)
{
	const char *have = text_of(error_with(r->record, "V-REVOKED"), "have");
	char when[HF_TIME_TEXT_CAP];
	int64_t at;

	if (!hf_str_starts(have, "revoked at ") || !r->begins)
		return false;
	(void)snprintf(when, sizeof(when), "%.*s", (int)strcspn(have + 11, " "), have + 11);
	return hf_time_parse(when, &at) && at < r->begins;
}

static void refused_by_us(struct reading *r, enum hf_reason cause)
{
	settle(&r->g, cause, HF_CERTAIN);
	if (cause == HF_REASON_V_REVOKED && revoked_before_issued(r))
		settle(&r->g, HF_REASON_V_DUP_SERIAL, HF_LIKELY);
	else if (error_with(r->record, "K-CLOCK"))
		settle(&r->g, HF_REASON_K_CLOCK, HF_LIKELY);
	if (r->g.confidence == HF_LIKELY)
		candidate(&r->g, cause);
}

/* What our own certificate says about the alert of a client. */
static bool by_own_dates(struct reading *r)
{
	if (r->g.alert == 45 && r->ends && r->at > r->ends)
		settle(&r->g, HF_REASON_V_EXPIRED, HF_CERTAIN);
	else if (r->g.alert == 42 && r->begins && r->at < r->begins)
		settle(&r->g, HF_REASON_V_NOT_YET, HF_CERTAIN);
	else if (r->g.alert == 48 && r->g.subject[0] && strcmp(r->g.subject, r->g.issuer) == 0)
		settle(&r->g, HF_REASON_V_SELF_SIGNED, HF_CERTAIN);
	else
		return false;
	return true;
}

static bool names_an_address_as_dns(const struct hf_certs *chain)
{
	uint8_t raw[16];
	size_t len;

	for (size_t i = 0; chain->len && i < chain->items[0]->sans.len; i++) {
		const struct hf_san *san = &chain->items[0]->sans.items[i];

		if (san->kind == HF_SAN_DNS && hf_ip_parse(san->value, raw, &len))
			return true;
	}
	return false;
}

/* Our certificate is in date: that leaves what is on the client's side of the alert. */
static bool by_what_is_left(const struct explain_own *own, struct reading *r)
{
	static const enum hf_reason late[] = { HF_REASON_V_ROOT_EXPIRED, HF_REASON_V_CA_EXPIRED,
					       HF_REASON_V_CRL_EXPIRED, HF_REASON_K_CLOCK };
	static const enum hf_reason named[] = { HF_REASON_V_NAME_MISMATCH, HF_REASON_K_CLOCK,
						HF_REASON_V_WEAK_SIG, HF_REASON_V_WEAK_KEY };
	static const enum hf_reason nameless[] = { HF_REASON_V_IP_SAN, HF_REASON_P_SNI_MISSING,
						   HF_REASON_V_IP_AS_DNS, HF_REASON_K_CLOCK };
	const enum hf_reason *list = r->g.alert == 45		    ? late
				     : text_of(r->record, "sni")[0] ? named
								    : nameless;

	if ((r->g.alert != 45 && r->g.alert != 42) || !r->ends)
		return false;
	settle(&r->g, list[0], HF_LIKELY);
	if (list == nameless && names_an_address_as_dns(own->chain))
		settle(&r->g, HF_REASON_V_IP_AS_DNS, HF_LIKELY);
	for (size_t i = 0; i < HF_ARRAY_LEN(late); i++)
		candidate(&r->g, list[i]);
	return true;
}

/* The server's chain on its own merits, for the name that this client asked for. */
static bool by_own_chain(const struct explain_own *own, struct reading *r)
{
	HF_AUTO_DONE(hf_certs) path = HF_CERTS_INIT;
	HF_AUTO_DONE(hf_verdict) verdict;
	char bridge[256] = "";
	struct hf_standing standing = { &verdict, &path, bridge, sizeof(bridge) };
	const char *sni = text_of(r->record, "sni");
	struct hf_verify_options options = { .purpose = HF_PURPOSE_SERVER,
					     .at = r->at ? r->at : hf_clock_now(),
					     .name = sni[0] ? sni : NULL };
	bool found = false;

	hf_verdict_init(&verdict);
	if (own->chain->len == 0 ||
	    hf_standing_judge(own->chain, own->known, NULL, &options, &standing, NULL) < 0)
		return false;
	for (size_t i = 0; i < verdict.findings_len && !found; i++) {
		const struct hf_finding *f = &verdict.findings[i];

		found = f->severity == HF_SEVERITY_REFUSE &&
			hf_reason_info(f->reason)->alert == r->g.alert;
		if (found)
			settle(&r->g, f->reason, HF_CERTAIN);
	}
	if (!found && r->g.alert == 48 && own->chain->len == 1 &&
	    !(own->chain->items[0]->flags & HF_CERT_SELF_ISSUED)) {
		settle(&r->g, HF_REASON_V_NO_INTERMEDIATE, HF_LIKELY);
		candidate(&r->g, HF_REASON_V_UNKNOWN_CA);
		found = true;
	}
	return found;
}

static void refused_by_client(const struct explain_own *own, struct reading *r)
{
	struct hf_log_meaning meaning;

	if (r->g.alert < 0 || by_own_dates(r) || by_own_chain(own, r) || by_what_is_left(own, r))
		return;
	if (!hf_log_line_read(hf_alert_name(r->g.alert), &meaning))
		return;
	settle(&r->g, meaning.candidates[0], HF_LIKELY);
	for (size_t i = 1; i < meaning.candidates_len; i++)
		candidate(&r->g, meaning.candidates[i]);
}

static void read_fields(struct reading *r)
{
	const json_t *number = json_object_get(json_object_get(r->record, "alert"), "number");
	struct explain_group *g = &r->g;

	g->alert = json_is_integer(number) ? (int)json_integer_value(number) : -1;
	g->refused_by = side_of(text_of(r->record, "refused_by"));
	copy(g->since, sizeof(g->since), text_of(r->record, "time"));
	copy(g->explanation, sizeof(g->explanation), text_of(r->record, "explanation"));
	copy(g->fix, sizeof(g->fix), text_of(r->record, "fix"));
	copy(g->listener, sizeof(g->listener), text_of(r->record, "listener"));
	copy(g->role, sizeof(g->role), text_of(r->certificate, "role"));
	copy(g->subject, sizeof(g->subject), text_of(r->certificate, "subject"));
	copy(g->issuer, sizeof(g->issuer), text_of(r->certificate, "issuer"));
	copy(g->serial, sizeof(g->serial), text_of(r->certificate, "serial"));
	copy(g->sha256, sizeof(g->sha256), text_of(r->certificate, "sha256"));
	copy(g->not_after, sizeof(g->not_after), text_of(r->certificate, "not_after"));
	(void)hf_time_parse(text_of(r->record, "time"), &r->at);
	(void)hf_time_parse(text_of(r->certificate, "not_before"), &r->begins);
	(void)hf_time_parse(text_of(r->certificate, "not_after"), &r->ends);
}

/* Errors as evidence, the lists and the trust the judge had. */
static void read_evidence(struct reading *r)
{
	const json_t *errors = json_object_get(r->record, "errors");

	for (size_t i = 0; i < HF_MIN(json_array_size(errors), (size_t)LINES_CAP); i++) {
		const json_t *e = json_array_get(errors, i);
		char line[EXPLAIN_TEXT_CAP * 2], safe[EXPLAIN_TEXT_CAP * 2];

		(void)snprintf(line, sizeof(line), "%s%s%s; want: %s; have: %s [%s]",
			       text_of(e, "subject"), text_of(e, "subject")[0] ? ": " : "",
			       text_of(e, "sentence"), text_of(e, "want"), text_of(e, "have"),
			       text_of(e, "id"));
		copy(safe, sizeof(safe), line);
		(void)hf_strv_add(&r->g.evidence, safe);
	}
	if (json_is_true(json_object_get(r->record, "resumed")))
		(void)hf_strv_add(&r->g.evidence,
				  "the connection resumed an older session [R-RESUMED-IDENTITY]");
}

void explain_record_read(const json_t *record, const struct explain_own *own,
			 struct explain_group *ret)
{
	struct reading r = { .record = record,
			     .certificate = json_object_get(record, "certificate") };
	enum hf_reason cause = hf_reason_by_id(text_of(record, "cause"));

	read_fields(&r);
	read_evidence(&r);
	if (cause)
		refused_by_us(&r, cause);
	else
		refused_by_client(own, &r);
	if (!r.g.cause)
		r.g.confidence = HF_CANNOT_KNOW;
	*ret = r.g;
}
