/* SPDX-License-Identifier: Apache-2.0 */
/* Refusal records of the gateway, from the server's view: what a night of them has in common.  Must
 * never be surer than the record: an alert that a client sent has several meanings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/file.h"
#include "base/time.h"
#include "cli/explain.h"
#include "explain/story.h"
#include "probe/standing.h"
#include "util/clock.h"

enum { LOG_CAP = 64 * 1024 * 1024, GROUPS_CAP = 256, TEXT = 512, LINES_CAP = 6 };

/* What several refusals have in common. */
struct group {
	enum hf_reason cause, candidates[HF_CANDIDATES];
	size_t candidates_len, count;
	enum hf_side refused_by;
	enum hf_confidence confidence;
	int alert;
	char since[40], last[40], explanation[TEXT], fix[TEXT], listener[128];
	char role[24], subject[256], issuer[256], serial[80], sha256[80], not_after[40];
	struct hf_strv evidence;
};

struct explain_digest {
	struct group groups[GROUPS_CAP];
	size_t len, total, left_out;
	struct hf_certs server; /* the server's chain, when its files are known */
	struct hf_known known;
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void copy(char *to, size_t cap, const char *text)
{
	HF_AUTO_DONE(hf_buf) safe = HF_BUF_INIT(8192);

	(void)hf_str_escape(&safe, text, strnlen(text, TEXT - 1));
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
	struct group g;
};

static void candidate(struct group *g, enum hf_reason reason)
{
	for (size_t i = 0; i < g->candidates_len; i++) {
		if (g->candidates[i] == reason)
			return;
	}
	if (reason && g->candidates_len < HF_CANDIDATES)
		g->candidates[g->candidates_len++] = reason;
}

static void settle(struct group *g, enum hf_reason cause, enum hf_confidence confidence)
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
static bool by_what_is_left(const struct explain_digest *d, struct reading *r)
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
	if (list == nameless && names_an_address_as_dns(&d->server))
		settle(&r->g, HF_REASON_V_IP_AS_DNS, HF_LIKELY);
	for (size_t i = 0; i < HF_ARRAY_LEN(late); i++)
		candidate(&r->g, list[i]);
	return true;
}

/* The server's chain on its own merits, for the name that this client asked for. */
static bool by_own_chain(const struct explain_digest *d, struct reading *r)
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
	if (d->server.len == 0 ||
	    hf_standing_judge(&d->server, &d->known, NULL, &options, &standing, NULL) < 0)
		return false;
	for (size_t i = 0; i < verdict.findings_len && !found; i++) {
		const struct hf_finding *f = &verdict.findings[i];

		found = f->severity == HF_SEVERITY_REFUSE &&
			hf_reason_info(f->reason)->alert == r->g.alert;
		if (found)
			settle(&r->g, f->reason, HF_CERTAIN);
	}
	if (!found && r->g.alert == 48 && d->server.len == 1 &&
	    !(d->server.items[0]->flags & HF_CERT_SELF_ISSUED)) {
		settle(&r->g, HF_REASON_V_NO_INTERMEDIATE, HF_LIKELY);
		candidate(&r->g, HF_REASON_V_UNKNOWN_CA);
		found = true;
	}
	return found;
}

static void refused_by_client(const struct explain_digest *d, struct reading *r)
{
	struct hf_log_meaning meaning;

	if (r->g.alert < 0 || by_own_dates(r) || by_own_chain(d, r) || by_what_is_left(d, r))
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
	struct group *g = &r->g;

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
		char line[TEXT * 2], safe[TEXT * 2];

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

/* --- together ---------------------------------------------------------------------------- */

static void merge(struct explain_digest *d, struct group *g)
{
	for (size_t i = 0; i < d->len; i++) {
		struct group *have = &d->groups[i];

		if (have->cause != g->cause || have->refused_by != g->refused_by ||
		    have->alert != g->alert || strcmp(have->issuer, g->issuer) != 0)
			continue;
		have->count++;
		copy(have->last, sizeof(have->last), g->since);
		hf_strv_done(&g->evidence);
		return;
	}
	if (d->len == GROUPS_CAP) {
		hf_strv_done(&g->evidence);
		return;
	}
	g->count = 1;
	copy(g->last, sizeof(g->last), g->since);
	d->groups[d->len++] = *g;
}

static void add_record(struct explain_digest *d, const json_t *record)
{
	const json_t *suppressed = json_object_get(record, "suppressed");
	struct reading r = { .record = record,
			     .certificate = json_object_get(record, "certificate") };
	enum hf_reason cause = hf_reason_by_id(text_of(record, "cause"));

	if (json_is_integer(suppressed) && json_integer_value(suppressed) > 0) {
		d->left_out += (size_t)json_integer_value(suppressed);
		return;
	}
	if (!json_object_get(record, "cause"))
		return;
	d->total++;
	read_fields(&r);
	read_evidence(&r);
	if (cause)
		refused_by_us(&r, cause);
	else
		refused_by_client(d, &r);
	if (!r.g.cause)
		r.g.confidence = HF_CANNOT_KNOW;
	merge(d, &r.g);
}

int explain_digest_new(const char *server_files, struct explain_digest **ret, struct hf_err *err)
{
	struct explain_digest *d = calloc(1, sizeof(*d));
	HF_AUTO(cstr) cert = NULL;
	HF_AUTO_DONE(hf_pemfile) f = HF_PEMFILE_INIT;
	int rc = 0;

	if (!d)
		return hf_err_nomem(err);
	if (server_files) {
		cert = hf_str_ndup(server_files, strcspn(server_files, ","));
		rc = cert ? hf_pemfile_load(&f, cert, 0, NULL, err) : hf_err_nomem(err);
		if (rc == 0)
			rc = hf_certs_copy(&d->server, &f.certs, err);
		if (rc == 0)
			hf_known_add_file(&d->known, cert, true);
	}
	if (rc < 0) {
		explain_digest_free(d);
		return rc;
	}
	*ret = d;
	return 0;
}

void explain_digest_free(struct explain_digest *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->len; i++)
		hf_strv_done(&d->groups[i].evidence);
	hf_certs_done(&d->server);
	hf_known_done(&d->known);
	free(d);
}

bool explain_digest_add(struct explain_digest *d, const char *line)
{
	json_t *record = line[0] == '{' ? json_loads(line, 0, NULL) : NULL;

	if (!record)
		return false;
	add_record(d, record);
	json_decref(record);
	return true;
}

size_t explain_digest_len(const struct explain_digest *d)
{
	return d->total;
}

/* --- telling ----------------------------------------------------------------------------- */

static enum hf_side fault_of(const struct group *g)
{
	return hf_cause_fault(g->cause, g->refused_by);
}

static const char *fix_of(const struct group *g)
{
	const struct hf_reason_info *info = hf_reason_info(g->cause);

	/* the record's advice about a client's alert is for all its meanings */
	return g->fix[0] && g->refused_by == HF_SIDE_SERVER ? g->fix
	       : info->remedy[0]			    ? info->remedy
							    : g->fix;
}

static void json_group(struct hf_json *j, const struct explain_digest *d, const struct group *g)
{
	const struct hf_reason_info *info = hf_reason_info(g->cause);
	HF_AUTO(cstr) first = hf_str_printf("%zu of %zu refusals, from %s to %s", g->count,
					    d->total, g->since, g->last);

	hf_json_string(j, "cause", g->cause ? info->id : NULL);
	hf_json_int(j, "count", (int64_t)g->count);
	hf_json_string(j, "refused_by", hf_side_name(g->refused_by));
	hf_json_string(j, "fault_in", hf_side_name(fault_of(g)));
	hf_json_string(j, "confidence", hf_confidence_name(g->confidence));
	hf_json_array_begin(j, "candidates");
	for (size_t i = 0; i < g->candidates_len; i++)
		hf_json_string(j, NULL, hf_reason_info(g->candidates[i])->id);
	hf_json_array_end(j);
	hf_json_string(j, "since", g->since);
	hf_json_string(j, "last", g->last);
	hf_json_object_begin(j, "certificate");
	hf_json_string(j, "role", g->role);
	hf_json_string(j, "subject", g->subject);
	hf_json_string(j, "issuer", g->issuer);
	hf_json_string(j, "serial", g->serial);
	hf_json_string(j, "sha256", g->sha256);
	hf_json_string(j, "not_after", g->not_after);
	hf_json_object_end(j);
	hf_json_string(j, "explanation", g->explanation);
	hf_json_array_begin(j, "evidence");
	hf_json_string(j, NULL, first);
	for (size_t i = 0; i < g->evidence.len; i++)
		hf_json_string(j, NULL, g->evidence.items[i]);
	hf_json_array_end(j);
	hf_json_string(j, "fix", fix_of(g));
}

static void tell_json(struct hf_out *out, const struct explain_digest *d)
{
	hf_out_json_begin(out);
	hf_json_string(&out->json, "target", d->groups[0].listener);
	hf_json_int(&out->json, "records", (int64_t)d->total);
	hf_json_int(&out->json, "left_out", (int64_t)d->left_out);
	json_group(&out->json, d, &d->groups[0]); /* the leading one also as the answer */
	hf_json_array_begin(&out->json, "ladder");
	hf_json_array_end(&out->json);
	hf_json_array_begin(&out->json, "cannot_know");
	if (d->groups[0].confidence != HF_CERTAIN)
		hf_json_string(&out->json, NULL, "what the client saw beyond its alert");
	hf_json_array_end(&out->json);
	hf_json_array_begin(&out->json, "causes");
	for (size_t i = 0; i < d->len; i++) {
		hf_json_object_begin(&out->json, NULL);
		json_group(&out->json, d, &d->groups[i]);
		hf_json_object_end(&out->json);
	}
	hf_json_array_end(&out->json);
	hf_out_json_end(out);
}

static void tell_group(struct hf_out *out, const struct explain_digest *d, const struct group *g)
{
	const struct hf_reason_info *info = hf_reason_info(g->cause);

	hf_out_print(out, "%zu of %zu refused by %s since %s - %s. [%s%s%s]\n", g->count, d->total,
		     g->refused_by == HF_SIDE_SERVER ? "us, the server" : "the client", g->since,
		     g->cause ? info->sentence : g->explanation, info->id,
		     g->confidence == HF_CERTAIN ? ""
		     : g->cause			 ? ", "
						 : "",
		     g->confidence == HF_CERTAIN ? "" : hf_confidence_name(g->confidence));
	if (g->subject[0])
		hf_out_print(out, "  certificate  %s (issuer %s, serial %s)\n", g->subject,
			     g->issuer, g->serial);
	for (size_t i = 0; i < g->evidence.len; i++)
		hf_out_print(out, "  evidence     %s\n", g->evidence.items[i]);
	for (size_t i = 1; i < g->candidates_len; i++)
		hf_out_print(out, "  or else      %s: %s\n", hf_reason_info(g->candidates[i])->id,
			     hf_reason_info(g->candidates[i])->sentence);
	hf_out_print(out, "  mend it in   %s\n  fix          %s\n", hf_side_name(fault_of(g)),
		     fix_of(g));
}

static int by_count(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return x->count == y->count ? 0 : x->count > y->count ? -1 : 1;
}

int explain_digest_tell(struct hf_cmd_ctx *ctx, struct explain_digest *d)
{
	if (d->total == 0)
		return hf_err_set(&ctx->err, HF_E_PARSE, "no refusal record in it");
	qsort(d->groups, d->len, sizeof(d->groups[0]), by_count);
	if (ctx->out.json_mode) {
		tell_json(&ctx->out, d);
		return HF_EXIT_NO;
	}
	for (size_t i = 0; i < d->len; i++)
		tell_group(&ctx->out, d, &d->groups[i]);
	if (d->left_out)
		hf_out_print(&ctx->out, "%zu more were counted and not written\n", d->left_out);
	return HF_EXIT_NO;
}

int explain_records(struct hf_cmd_ctx *ctx, const char *path, const char *server_files)
{
	HF_AUTO_DONE(hf_buf) data = HF_BUF_INIT(LOG_CAP);
	struct explain_digest *d = NULL;
	int rc = explain_digest_new(server_files, &d, &ctx->err);

	if (rc == 0)
		rc = hf_file_read(path, &data, &ctx->err);
	for (char *line = data.data, *next; rc == 0 && line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		(void)explain_digest_add(d, line);
	}
	if (rc == 0)
		rc = explain_digest_tell(ctx, d);
	explain_digest_free(d);
	return rc;
}
