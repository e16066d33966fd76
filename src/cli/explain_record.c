/* SPDX-License-Identifier: Apache-2.0 */
/* Refusal records of the gateway, from the server's view: what a night of them has in common.  Must
 * never leave one out uncounted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/time.h"
#include "cli/explain_beside.h"
#include "cli/explain_reading.h"
#include "util/clock.h"

enum { LOG_CAP = 64 * 1024 * 1024, GROUPS_CAP = 256, PAGE_CAP = 4 * 1024 * 1024 };

struct explain_digest {
	struct explain_group groups[GROUPS_CAP];
	size_t len, total, left_out;
	struct hf_certs server; /* the server's chain, when its files are known */
	struct hf_known known;
	struct explain_beside beside;
};

/* --- together ---------------------------------------------------------------------------- */

static void merge(struct explain_digest *d, struct explain_group *g)
{
	for (size_t i = 0; i < d->len; i++) {
		struct explain_group *have = &d->groups[i];

		if (have->cause != g->cause || have->refused_by != g->refused_by ||
		    have->alert != g->alert || strcmp(have->issuer, g->issuer) != 0)
			continue;
		have->count++;
		(void)hf_str_copy(have->last, sizeof(have->last), g->since);
		explain_group_done(g);
		return;
	}
	if (d->len == GROUPS_CAP) {
		explain_group_done(g);
		return;
	}
	g->count = 1;
	(void)hf_str_copy(g->last, sizeof(g->last), g->since);
	d->groups[d->len++] = *g;
}

/* What the CA file and the lists on disk say of it now.  Our own judge had the whole chain: where
 * it is certain, they only add to it. */
static void look_beside(const struct explain_digest *d, struct explain_group *g)
{
	enum hf_reason candidates[HF_CANDIDATES];
	size_t len = g->candidates_len;
	enum hf_confidence confidence = g->confidence;
	struct explain_suspect suspect = {
		candidates,
		&len,
		&confidence,
		g->subject,
		g->issuer,
		g->serial,
		strcmp(g->role, hf_role_name(HF_ROLE_CLIENT_CA)) == 0,
		&g->evidence,
		false,
	};

	memcpy(candidates, g->candidates, sizeof(candidates));
	if (g->refused_by != HF_SIDE_SERVER ||
	    !explain_beside_refine(&d->beside, hf_clock_now(), &suspect) ||
	    g->confidence == HF_CERTAIN)
		return;
	memcpy(g->candidates, candidates, sizeof(candidates));
	g->candidates_len = len;
	g->confidence = confidence;
	if (g->cause == candidates[0])
		return;
	g->cause = candidates[0];
	free(g->why);
	free(g->fix_words);
	g->why = hf_str_dup(hf_reason_info(g->cause)->sentence);
	g->fix_words = hf_str_dup(hf_reason_info(g->cause)->remedy);
}

static void add_record(struct explain_digest *d, const json_t *record)
{
	const json_t *suppressed = json_object_get(record, "suppressed");
	const struct explain_own own = { &d->server, &d->known, false };
	struct explain_group group;

	if (json_is_integer(suppressed) && json_integer_value(suppressed) > 0) {
		d->left_out += (size_t)json_integer_value(suppressed);
		return;
	}
	if (!json_object_get(record, "cause"))
		return;
	d->total++;
	explain_record_read(record, &own, &group);
	look_beside(d, &group);
	merge(d, &group);
}

static int load_server(struct explain_digest *d, const char *cert, struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) f = HF_PEMFILE_INIT;
	int rc = hf_pemfile_load(&f, cert, 0, NULL, err);

	if (rc == 0)
		rc = hf_certs_copy(&d->server, &f.certs, err);
	if (rc == 0)
		hf_known_add_file(&d->known, cert, true);
	return rc;
}

int explain_digest_new(const struct explain_opts *opts, struct explain_digest **ret,
		       struct hf_err *err)
{
	struct explain_digest *d = calloc(1, sizeof(*d));
	HF_AUTO_DONE(hf_strv) files = HF_STRV_INIT;
	const char *cert;
	int rc;

	if (!d)
		return hf_err_nomem(err);
	rc = explain_server_files(opts, &files, err);
	cert = explain_server_file(&files, EXPLAIN_CERT);
	if (rc == 0 && cert)
		rc = load_server(d, cert, err);
	if (rc == 0)
		rc = explain_beside_load(opts, &files, &d->beside, err);
	if (rc == 0 && cert)
		hf_known_add_list(&d->known, &d->beside.ca, d->beside.ca_path);
	d->beside.known = &d->known.certs;
	d->beside.leaf = d->server.len ? d->server.items[0] : NULL;
	if (rc < 0) {
		explain_digest_free(d);
		return rc;
	}
	*ret = d;
	return 0;
}

const struct explain_beside *explain_digest_beside(const struct explain_digest *d)
{
	return &d->beside;
}

bool explain_digest_has_server(const struct explain_digest *d)
{
	return d->server.len > 0;
}

void explain_digest_free(struct explain_digest *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->len; i++)
		explain_group_done(&d->groups[i]);
	hf_certs_done(&d->server);
	hf_known_done(&d->known);
	explain_beside_done(&d->beside);
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

/* A record as our own server would have written it. */
static json_t *record_of_alert(const struct hf_cert *leaf, int alert, const char *name)
{
	char now[HF_TIME_TEXT_CAP], begins[HF_TIME_TEXT_CAP], ends[HF_TIME_TEXT_CAP];
	char sha256[2 * HF_SHA256_LEN + 1];

	hf_time_format(hf_clock_now(), now);
	hf_time_format(leaf->not_before, begins);
	hf_time_format(leaf->not_after, ends);
	hf_hex_encode(leaf->sha256, HF_SHA256_LEN, sha256);
	return json_pack("{s:s, s:s, s:s, s:s*, s:{s:i}, s:{s:s, s:s, s:s, s:s, s:s, s:s, s:s}}",
			 "time", now, "refused_by", "client", "cause", "C-ALERT", "sni", name,
			 "alert", "number", alert, "certificate", "role",
			 hf_role_name(HF_ROLE_SERVER_LEAF), "subject", leaf->subject, "issuer",
			 leaf->issuer, "serial", leaf->serial, "sha256", sha256, "not_before",
			 begins, "not_after", ends);
}

bool explain_digest_judge_alert(const struct explain_digest *d, int alert, const char *name,
				struct explain_group *ret)
{
	const struct explain_own own = { &d->server, &d->known, name == NULL };
	json_t *record = d->server.len ? record_of_alert(d->server.items[0], alert, name) : NULL;

	if (!record)
		return false;
	explain_record_read(record, &own, ret);
	json_decref(record);
	return true;
}

size_t explain_digest_len(const struct explain_digest *d)
{
	return d->total;
}

/* --- telling ----------------------------------------------------------------------------- */

static enum hf_side fault_of(const struct explain_group *g)
{
	return hf_cause_fault(g->cause, g->refused_by);
}

static const char *fix_of(const struct explain_group *g)
{
	return g->fix_words ? g->fix_words : g->fix[0] ? g->fix : "look into the peer's log";
}

static const char *why_of(const struct explain_group *g)
{
	return g->why ? g->why : g->explanation;
}

static void say_cannot_know(const struct explain_group *g, struct hf_strv *to)
{
	if (g->confidence == HF_CERTAIN)
		return;
	(void)hf_strv_add(to, g->cause == HF_REASON_N_NONE
				  ? "whether this client has a certificate at all"
				  : "what the client saw beyond the alert it sent");
}

/* A group as a case and an explanation, for the same text and page as a meeting has. */
static void as_explanation(const struct explain_digest *d, struct explain_group *g,
			   struct hf_case *c, struct hf_explanation *e)
{
	const struct hf_reason_info *info = hf_reason_info(g->cause);

	c->target = g->listener;
	c->left = g->peer;
	c->right = "we, the server";
	c->looks[HF_LOOK_MAIN].transcript = g->ladder;
	memset(&g->ladder, 0, sizeof(g->ladder));
	*e = (struct hf_explanation){ .cause = g->cause,
				      .refused_by = g->refused_by,
				      .fault_in = fault_of(g),
				      .confidence = g->confidence,
				      .alert = g->alert };
	memcpy(e->candidates, g->candidates, sizeof(e->candidates));
	e->candidates_len = g->candidates_len;
	e->headline =
	    hf_str_printf("%zu of %zu refused by %s since %s - %s. [%s%s%s]", g->count, d->total,
			  g->refused_by == HF_SIDE_SERVER ? "us, the server" : "the client",
			  g->since, g->cause ? info->sentence : g->explanation, info->id,
			  g->confidence == HF_CERTAIN || !g->cause ? "" : ", ",
			  g->confidence == HF_CERTAIN ? "" : hf_confidence_name(g->confidence));
	e->why = hf_str_dup(why_of(g));
	e->fix = hf_str_dup(fix_of(g));
	if (g->subject[0]) {
		HF_AUTO(cstr) line =
		    hf_str_printf("certificate %s (issuer %s, serial %s)", g->subject, g->issuer,
				  g->serial[0] ? g->serial : "not recorded");

		if (line)
			(void)hf_strv_add(&e->evidence, line);
	}
	for (size_t i = 0; i < g->evidence.len; i++)
		(void)hf_strv_add(&e->evidence, g->evidence.items[i]);
	say_cannot_know(g, &e->cannot_know);
}

static void json_group(struct hf_json *j, const struct explain_digest *d,
		       const struct explain_group *g)
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
	hf_json_string(j, "explanation", why_of(g));
	hf_json_array_begin(j, "evidence");
	hf_json_string(j, NULL, first);
	for (size_t i = 0; i < g->evidence.len; i++)
		hf_json_string(j, NULL, g->evidence.items[i]);
	hf_json_array_end(j);
	hf_json_string(j, "fix", fix_of(g));
}

static void json_ladder(struct hf_json *j, const struct explain_group *g)
{
	HF_AUTO_DONE(hf_strv) unknown = HF_STRV_INIT;
	const struct hf_transcript *t = &g->ladder;

	hf_json_array_begin(j, "ladder");
	for (size_t i = 0; i < t->len; i++)
		hf_ladder_rung_to_json(&t->events[i], i + 1 == t->len, j);
	hf_json_array_end(j);
	say_cannot_know(g, &unknown);
	hf_json_array_begin(j, "cannot_know");
	for (size_t i = 0; i < unknown.len; i++)
		hf_json_string(j, NULL, unknown.items[i]);
	hf_json_array_end(j);
}

static void tell_json(struct hf_out *out, const struct explain_digest *d)
{
	hf_out_json_begin(out);
	hf_json_string(&out->json, "target", d->groups[0].listener);
	hf_json_int(&out->json, "records", (int64_t)d->total);
	hf_json_int(&out->json, "left_out", (int64_t)d->left_out);
	json_group(&out->json, d, &d->groups[0]); /* the leading one also as the answer */
	json_ladder(&out->json, &d->groups[0]);
	hf_json_array_begin(&out->json, "causes");
	for (size_t i = 0; i < d->len; i++) {
		hf_json_object_begin(&out->json, NULL);
		json_group(&out->json, d, &d->groups[i]);
		hf_json_object_end(&out->json);
	}
	hf_json_array_end(&out->json);
	hf_out_json_end(out);
}

typedef void render(const struct hf_case *c, const struct hf_explanation *e, struct hf_buf *out);

static void render_group(const struct explain_digest *d, struct explain_group *g, render *with,
			 struct hf_buf *out)
{
	HF_AUTO_DONE(hf_explanation) e;
	struct hf_case *c = calloc(1, sizeof(*c));

	hf_explanation_init(&e);
	if (!c)
		return;
	hf_case_init(c);
	as_explanation(d, g, c, &e);
	if (e.headline && e.why && e.fix)
		with(c, &e, out);
	g->ladder = c->looks[HF_LOOK_MAIN].transcript; /* back to its owner */
	hf_look_init(&c->looks[HF_LOOK_MAIN]);
	hf_case_done(c);
	free(c);
}

static void tell_group(struct hf_out *out, const struct explain_digest *d, struct explain_group *g)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(1 << 20);

	render_group(d, g, hf_explanation_format, &text);
	hf_out_raw(out, hf_buf_str(&text), text.len);
}

static int by_count(const void *a, const void *b)
{
	const struct explain_group *x = a, *y = b;

	return x->count == y->count ? 0 : x->count > y->count ? -1 : 1;
}

static int write_page(struct hf_cmd_ctx *ctx, struct explain_digest *d, const char *path)
{
	HF_AUTO_DONE(hf_buf) page = HF_BUF_INIT(PAGE_CAP);

	render_group(d, &d->groups[0], hf_explanation_to_html, &page);
	return explain_page_write(path, &page, &ctx->err);
}

int explain_digest_tell(struct hf_cmd_ctx *ctx, struct explain_digest *d, const char *html)
{
	int rc = 0;

	if (d->total == 0)
		return hf_err_set(&ctx->err, HF_E_PARSE, "no refusal record in it");
	qsort(d->groups, d->len, sizeof(d->groups[0]), by_count);
	if (html)
		rc = write_page(ctx, d, html);
	if (rc < 0)
		return rc;
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

int explain_records(struct hf_cmd_ctx *ctx, const struct explain_opts *opts)
{
	HF_AUTO_DONE(hf_buf) data = HF_BUF_INIT(LOG_CAP);
	struct explain_digest *d = NULL;
	int rc = explain_digest_new(opts, &d, &ctx->err);

	if (rc == 0)
		rc = hf_file_read(opts->record, &data, &ctx->err);
	for (char *line = data.data, *next; rc == 0 && line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		(void)explain_digest_add(d, line);
	}
	if (rc == 0)
		rc = explain_digest_tell(ctx, d, opts->html);
	explain_digest_free(d);
	return rc;
}
