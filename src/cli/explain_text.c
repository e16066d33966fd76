/* SPDX-License-Identifier: Apache-2.0 */
/* explain without a connection: the story of a reason, the list of them, lines of logs, refusal
 * records.  Must never be surer than the text it reads. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/file.h"
#include "cli/explain.h"
#include "explain/story.h"

enum { TEXT_CAP = 64 * 1024, LOG_CAP = 64 * 1024 * 1024, GROUPS_CAP = 256 };

int explain_reason(struct hf_cmd_ctx *ctx, enum hf_reason reason)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(TEXT_CAP);

	if (ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_story_to_json(reason, &ctx->out.json);
		hf_out_json_end(&ctx->out);
		return HF_EXIT_YES;
	}
	hf_story_format(reason, &text);
	hf_out_raw(&ctx->out, hf_buf_str(&text), text.len);
	return HF_EXIT_YES;
}

int explain_list(struct hf_cmd_ctx *ctx)
{
	struct hf_out *out = &ctx->out;

	if (out->json_mode) {
		hf_out_json_begin(out);
		hf_json_array_begin(&out->json, "reasons");
	}
	for (int i = 1; i < HF_REASON_COUNT; i++) {
		const struct hf_reason_info *info = hf_reason_info((enum hf_reason)i);

		if (out->json_mode) {
			hf_json_object_begin(&out->json, NULL);
			hf_story_to_json((enum hf_reason)i, &out->json);
			hf_json_object_end(&out->json);
		} else {
			hf_out_print(out, "%-24s%s\n", info->id, info->sentence);
		}
	}
	if (out->json_mode) {
		hf_json_array_end(&out->json);
		hf_out_json_end(out);
	}
	return HF_EXIT_YES;
}

/* --- records ----------------------------------------------------------------------------- */

/* What several refusals have in common. */
struct group {
	enum hf_reason cause;
	char refused_by[16], issuer[256], subject[256], since[40], last[40];
	char explanation[512], fix[512];
	size_t count;
};

struct digest {
	struct group groups[GROUPS_CAP];
	size_t len, total, left_out;
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void copy(char *to, size_t cap, const char *text)
{
	HF_AUTO_DONE(hf_buf) safe = HF_BUF_INIT(4096);

	(void)hf_str_escape(&safe, text, strnlen(text, 1000));
	if (!hf_str_copy(to, cap, hf_buf_str(&safe)))
		to[cap - 1] = '\0';
}

static struct group *group_of(struct digest *d, enum hf_reason cause, const char *by,
			      const char *issuer)
{
	for (size_t i = 0; i < d->len; i++) {
		struct group *g = &d->groups[i];

		if (g->cause == cause && strcmp(g->refused_by, by) == 0 &&
		    strcmp(g->issuer, issuer) == 0)
			return g;
	}
	if (d->len == GROUPS_CAP)
		return NULL;
	d->groups[d->len] = (struct group){ .cause = cause };
	copy(d->groups[d->len].refused_by, sizeof(d->groups[0].refused_by), by);
	copy(d->groups[d->len].issuer, sizeof(d->groups[0].issuer), issuer);
	return &d->groups[d->len++];
}

static void add_record(struct digest *d, const json_t *record)
{
	const json_t *certificate = json_object_get(record, "certificate");
	enum hf_reason cause = hf_reason_by_id(text_of(record, "cause"));
	const json_t *suppressed = json_object_get(record, "suppressed");
	struct group *g;

	if (json_is_integer(suppressed)) {
		d->left_out += (size_t)json_integer_value(suppressed);
		return;
	}
	if (!json_object_get(record, "cause"))
		return;
	d->total++;
	g = group_of(d, cause, text_of(record, "refused_by"), text_of(certificate, "issuer"));
	if (!g)
		return;
	if (g->count++ == 0)
		copy(g->since, sizeof(g->since), text_of(record, "time"));
	copy(g->last, sizeof(g->last), text_of(record, "time"));
	copy(g->subject, sizeof(g->subject), text_of(certificate, "subject"));
	copy(g->explanation, sizeof(g->explanation), text_of(record, "explanation"));
	copy(g->fix, sizeof(g->fix), text_of(record, "fix"));
}

/* The gateway is the server: "server" and "us" are one, the peer is the client. */
static enum hf_side side_of(const char *word)
{
	if (strcmp(word, "us") == 0 || strcmp(word, "server") == 0)
		return HF_SIDE_SERVER;
	return strcmp(word, "peer") == 0 || strcmp(word, "client") == 0 ? HF_SIDE_CLIENT
									: HF_SIDE_NOBODY;
}

static void tell_group(struct hf_out *out, const struct digest *d, const struct group *g)
{
	const struct hf_reason_info *info = hf_reason_info(g->cause);
	enum hf_side by = side_of(g->refused_by);
	const char *fix = g->fix[0] ? g->fix : info->remedy;

	if (out->json_mode) {
		hf_json_object_begin(&out->json, NULL);
		hf_json_string(&out->json, "cause", info->id[0] ? info->id : NULL);
		hf_json_int(&out->json, "count", (int64_t)g->count);
		hf_json_string(&out->json, "refused_by", hf_side_name(by));
		hf_json_string(&out->json, "fault_in", hf_side_name(hf_cause_fault(g->cause, by)));
		hf_json_string(&out->json, "confidence", hf_confidence_name(HF_CERTAIN));
		hf_json_string(&out->json, "since", g->since);
		hf_json_string(&out->json, "last", g->last);
		hf_json_string(&out->json, "subject", g->subject);
		hf_json_string(&out->json, "issuer", g->issuer);
		hf_json_string(&out->json, "explanation", g->explanation);
		hf_json_string(&out->json, "fix", fix);
		hf_json_object_end(&out->json);
		return;
	}
	hf_out_print(out, "%zu of %zu refused by %s since %s - %s [%s]\n", g->count, d->total,
		     by == HF_SIDE_SERVER ? "us, the server" : hf_side_name(by), g->since,
		     info->id[0] ? info->sentence : g->explanation, info->id);
	if (g->subject[0])
		hf_out_print(out, "  certificate  %s (issuer %s)\n", g->subject, g->issuer);
	hf_out_print(out, "  mend it in   %s\n  fix          %s\n",
		     hf_side_name(hf_cause_fault(g->cause, by)), fix);
}

static int by_count(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return x->count == y->count ? 0 : x->count > y->count ? -1 : 1;
}

static int tell_digest(struct hf_cmd_ctx *ctx, struct digest *d)
{
	struct hf_out *out = &ctx->out;

	if (d->total == 0)
		return hf_err_set(&ctx->err, HF_E_PARSE, "no refusal record in it");
	qsort(d->groups, d->len, sizeof(d->groups[0]), by_count);
	if (out->json_mode) {
		hf_out_json_begin(out);
		hf_json_int(&out->json, "records", (int64_t)d->total);
		hf_json_int(&out->json, "left_out", (int64_t)d->left_out);
		hf_json_array_begin(&out->json, "causes");
	}
	for (size_t i = 0; i < d->len; i++)
		tell_group(out, d, &d->groups[i]);
	if (out->json_mode) {
		hf_json_array_end(&out->json);
		hf_out_json_end(out);
	} else if (d->left_out) {
		hf_out_print(out, "%zu more were counted and not written\n", d->left_out);
	}
	return HF_EXIT_NO;
}

/* --- lines of other programs ------------------------------------------------------------- */

static const char *who_refused(const struct hf_log_meaning *m)
{
	bool server = m->writer_is_server, client = m->writer_is_client;

	if (!server && !client)
		return m->alert ? "the peer of who wrote it" : "who wrote it";
	return server == m->alert ? "the client" : "the server";
}

static void tell_line(struct hf_out *out, const char *line, const struct hf_log_meaning *m)
{
	const struct hf_reason_info *first = hf_reason_info(m->candidates[0]);

	if (out->json_mode) {
		hf_json_object_begin(&out->json, NULL);
		hf_json_string(&out->json, "line", line);
		hf_json_string(&out->json, "cause", first->id);
		hf_json_string(&out->json, "refused_by", who_refused(m));
		hf_json_string(&out->json, "confidence", hf_confidence_name(m->confidence));
		hf_json_array_begin(&out->json, "candidates");
		for (size_t i = 0; i < m->candidates_len; i++)
			hf_json_string(&out->json, NULL, hf_reason_info(m->candidates[i])->id);
		hf_json_array_end(&out->json);
		hf_json_string(&out->json, "fix", first->remedy);
		hf_json_object_end(&out->json);
		return;
	}
	hf_out_print(out, "> ");
	hf_out_safe(out, line);
	hf_out_print(out, "\nsaid by %s\n", who_refused(m));
	for (size_t i = 0; i < m->candidates_len; i++) {
		const struct hf_reason_info *info = hf_reason_info(m->candidates[i]);

		hf_out_print(out, "  %-20s %s\n%23s%s\n", info->id, info->sentence,
			     "fix: ", info->remedy);
	}
	if (m->candidates_len > 1)
		hf_out_print(out,
			     "which one: handfast explain HOST:PORT --cert … --key … --ca …\n");
}

static bool one_line(struct hf_cmd_ctx *ctx, struct digest *d, const char *line, bool *started)
{
	struct hf_log_meaning meaning;
	json_t *record = line[0] == '{' ? json_loads(line, 0, NULL) : NULL;

	if (record) {
		add_record(d, record);
		json_decref(record);
		return true;
	}
	if (!hf_log_line_read(line, &meaning))
		return false;
	if (ctx->out.json_mode && !*started) {
		hf_out_json_begin(&ctx->out);
		hf_json_array_begin(&ctx->out.json, "lines");
	}
	*started = true;
	tell_line(&ctx->out, line, &meaning);
	return true;
}

static int all_lines(struct hf_cmd_ctx *ctx, char *text, struct digest *d)
{
	bool started = false;

	for (char *line = text, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		line[strcspn(line, "\r")] = '\0';
		(void)one_line(ctx, d, line, &started);
	}
	if (started && ctx->out.json_mode) {
		hf_json_array_end(&ctx->out.json);
		hf_out_json_end(&ctx->out);
	}
	if (started)
		return HF_EXIT_NO;
	if (d->total > 0)
		return tell_digest(ctx, d);
	(void)hf_err_set(&ctx->err, HF_E_NOENT, "nothing in it that is known here");
	return hf_err_hint(&ctx->err, "give HOST:PORT, and explain looks for itself");
}

int explain_lines(struct hf_cmd_ctx *ctx, const char *what)
{
	HF_AUTO_DONE(hf_buf) data = HF_BUF_INIT(LOG_CAP);
	struct digest *d = calloc(1, sizeof(*d));
	int rc = 0;

	if (!d)
		return hf_err_nomem(&ctx->err);
	if (strcmp(what, "-") == 0)
		rc = hf_file_read("-", &data, &ctx->err);
	else if (hf_buf_puts(&data, what) < 0)
		rc = hf_err_nomem(&ctx->err);
	if (rc == 0 && data.len > 0)
		rc = all_lines(ctx, data.data, d);
	else if (rc == 0)
		rc = hf_err_set(&ctx->err, HF_E_PARSE, "there is no line to explain");
	free(d);
	return rc;
}

int explain_records(struct hf_cmd_ctx *ctx, const char *path)
{
	HF_AUTO_DONE(hf_buf) data = HF_BUF_INIT(LOG_CAP);
	struct digest *d = calloc(1, sizeof(*d));
	int rc = d ? hf_file_read(path, &data, &ctx->err) : hf_err_nomem(&ctx->err);

	for (char *line = data.data, *next; rc == 0 && line; line = next) {
		json_t *record;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		record = line[0] == '{' ? json_loads(line, 0, NULL) : NULL;
		if (record)
			add_record(d, record);
		json_decref(record);
	}
	if (rc == 0)
		rc = tell_digest(ctx, d);
	free(d);
	return rc;
}
