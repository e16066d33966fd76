/* SPDX-License-Identifier: Apache-2.0 */
/* explain without a connection: the story of a reason, the list of them, lines of logs.  Must never
 * be surer than the text it reads. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "cli/explain.h"
#include "cli/explain_beside.h"
#include "cli/explain_reading.h"
#include "explain/logline.h"
#include "explain/story.h"
#include "util/clock.h"
#include "util/complaint.h"

enum { TEXT_CAP = 64 * 1024, LOG_CAP = 64 * 1024 * 1024 };

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

int explain_mistake(struct hf_cmd_ctx *ctx, enum hf_mistake mistake)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(TEXT_CAP);

	if (ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_complaint_story_json(mistake, &ctx->out.json);
		hf_out_json_end(&ctx->out);
		return HF_EXIT_YES;
	}
	hf_complaint_story(mistake, &text);
	hf_out_raw(&ctx->out, hf_buf_str(&text), text.len);
	return HF_EXIT_YES;
}

static void list_mistakes(struct hf_out *out)
{
	if (out->json_mode)
		hf_json_array_begin(&out->json, "mistakes");
	for (int i = HF_MISTAKE_NONE + 1; i < HF_MISTAKE_END; i++) {
		const struct hf_mistake_info *info = hf_mistake_info((enum hf_mistake)i);

		if (out->json_mode) {
			hf_json_object_begin(&out->json, NULL);
			hf_complaint_story_json((enum hf_mistake)i, &out->json);
			hf_json_object_end(&out->json);
		} else {
			hf_out_print(out, "%-24s%s\n", info->id, info->sentence);
		}
	}
	if (out->json_mode)
		hf_json_array_end(&out->json);
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
	if (out->json_mode)
		hf_json_array_end(&out->json);
	list_mistakes(out);
	if (out->json_mode)
		hf_out_json_end(out);
	return HF_EXIT_YES;
}

/* --- lines of other programs ------------------------------------------------------------- */

static const char *who_refused(const struct hf_log_meaning *m)
{
	enum hf_side side = hf_log_refused_by(m);

	if (side == HF_SIDE_NOBODY)
		return m->alert ? "the peer of who wrote it" : "who wrote it";
	return side == HF_SIDE_CLIENT ? "the client" : "the server";
}

/* Whose certificate: the other side's than that which refused; HF_ROLE_NONE when it does not show.
 */
static enum hf_role role_of(const struct hf_log_meaning *m)
{
	static const enum hf_role roles[][2] = {
		[HF_SIDE_SERVER] = { HF_ROLE_CLIENT_LEAF, HF_ROLE_CLIENT_CA },
		[HF_SIDE_CLIENT] = { HF_ROLE_SERVER_LEAF, HF_ROLE_SERVER_CA },
	};
	enum hf_side judge = hf_log_refused_by(m);

	if (!m->depth_known || judge == HF_SIDE_NOBODY || m->alert)
		return HF_ROLE_NONE;
	return hf_cause_role(m->candidates[0], judge, roles[judge][m->is_ca]);
}

/* What is told of a line. */
struct telling {
	const char *line;
	struct hf_log_meaning m;
	struct explain_group group; /* with the server's files: what its chain says to the alert */
	bool judged;
	bool own_leaf;		 /* the server refused for its own certificate's sake */
	struct hf_strv evidence; /* of the server's files beside the log */
	const char *role, *fix;
	char *words; /* owned: what fix is, when the files have names */
};

static void settle(struct telling *t)
{
	t->role = role_of(&t->m) ? hf_role_name(role_of(&t->m)) : "";
	t->fix = hf_reason_info(t->m.candidates[0])->remedy;
	if (!t->judged || !t->group.cause)
		return;
	memcpy(t->m.candidates, t->group.candidates, sizeof(t->m.candidates));
	t->m.candidates_len = t->group.candidates_len;
	t->m.confidence = t->group.confidence;
	(void)hf_str_copy(t->m.subject, sizeof(t->m.subject), t->group.subject);
	(void)hf_str_copy(t->m.issuer, sizeof(t->m.issuer), t->group.issuer);
	(void)hf_str_copy(t->m.serial, sizeof(t->m.serial), t->group.serial);
	t->role = t->group.role;
	t->fix = t->group.fix_words ? t->group.fix_words : hf_reason_info(t->group.cause)->remedy;
}

/* What the server's CA file and lists say of a client that it refused. */
static void look_beside(struct telling *t, const struct explain_beside *beside)
{
	struct explain_suspect suspect = { t->m.candidates, &t->m.candidates_len, &t->m.confidence,
					   t->m.subject,    t->m.issuer,	  t->m.serial,
					   t->m.is_ca,	    &t->evidence,	  false };
	struct hf_words_about about = { .judge = HF_SIDE_SERVER,
					.subject = t->m.subject,
					.issuer = t->m.issuer,
					.serial = t->m.serial,
					.top = t->m.issuer,
					.trust_file = beside->ca_path,
					.lists_file = beside->list_paths.len
							  ? beside->list_paths.items[0]
							  : NULL };

	if (t->judged || hf_log_refused_by(&t->m) != HF_SIDE_SERVER ||
	    !explain_beside_refine(beside, hf_clock_now(), &suspect))
		return;
	t->own_leaf = suspect.own_leaf;
	t->role = t->own_leaf	   ? hf_role_name(HF_ROLE_SERVER_LEAF)
		  : role_of(&t->m) ? hf_role_name(role_of(&t->m))
				   : "";
	t->words = hf_words_fix(t->m.candidates[0], &about);
	t->fix = t->words ? t->words : hf_reason_info(t->m.candidates[0])->remedy;
}

static void line_to_json(struct hf_json *j, const struct telling *t)
{
	const struct hf_log_meaning *m = &t->m;
	enum hf_side judge = hf_log_refused_by(m);

	hf_json_object_begin(j, NULL);
	hf_json_string(j, "line", t->line);
	hf_json_string(j, "cause", hf_reason_info(m->candidates[0])->id);
	hf_json_string(j, "refused_by", who_refused(m));
	if (judge != HF_SIDE_NOBODY)
		hf_json_string(j, "fault_in",
			       hf_side_name(t->own_leaf ? HF_SIDE_SERVER
							: hf_cause_fault(m->candidates[0], judge)));
	hf_json_string(j, "confidence", hf_confidence_name(m->confidence));
	hf_json_array_begin(j, "candidates");
	for (size_t i = 0; i < m->candidates_len; i++)
		hf_json_string(j, NULL, hf_reason_info(m->candidates[i])->id);
	hf_json_array_end(j);
	if (t->role[0] || m->subject[0]) {
		hf_json_object_begin(j, "certificate");
		if (t->role[0])
			hf_json_string(j, "role", t->role);
		hf_json_string(j, "subject", m->subject);
		hf_json_string(j, "issuer", m->issuer);
		hf_json_string(j, "serial", m->serial);
		hf_json_object_end(j);
	}
	hf_json_array_begin(j, "evidence");
	for (size_t i = 0; i < t->evidence.len; i++)
		hf_json_string(j, NULL, t->evidence.items[i]);
	hf_json_array_end(j);
	hf_json_string(j, "fix", t->fix);
	hf_json_object_end(j);
}

static void tell_certificate(struct hf_out *out, const struct telling *t)
{
	if (!t->m.subject[0])
		return;
	hf_out_print(out, "about %s%s", t->role[0] ? "the " : "", t->role);
	hf_out_print(out, t->role[0] ? ", " : "");
	hf_out_safe(out, t->m.subject);
	if (t->m.serial[0]) {
		hf_out_print(out, " (serial ");
		hf_out_safe(out, t->m.serial);
		hf_out_print(out, ")");
	}
	hf_out_print(out, "\n");
}

static void tell_line(struct hf_out *out, const struct telling *t)
{
	if (out->json_mode) {
		line_to_json(&out->json, t);
		return;
	}
	hf_out_print(out, "> ");
	hf_out_safe(out, t->line);
	hf_out_print(out, "\nsaid by %s\n", who_refused(&t->m));
	tell_certificate(out, t);
	for (size_t i = 0; i < t->m.candidates_len; i++) {
		const struct hf_reason_info *info = hf_reason_info(t->m.candidates[i]);

		hf_out_print(out, "  %-20s %s\n%23s%s\n", info->id, info->sentence,
			     "fix: ", i == 0 ? t->fix : info->remedy);
	}
	for (size_t i = 0; i < t->evidence.len; i++)
		hf_out_print(out, "%23s%s\n", "beside: ", t->evidence.items[i]);
	if (t->m.candidates_len > 1)
		hf_out_print(out,
			     "which one: handfast explain HOST:PORT --cert … --key … --ca …\n");
}

/* What a text of several lines is read into. */
struct lines {
	struct explain_digest *records;
	const struct explain_beside *beside;
	const char *name; /* that clients ask for; NULL not known */
	struct hf_log_context context;
	bool started;
};

static void one_line(struct hf_cmd_ctx *ctx, struct lines *lines, const char *line)
{
	struct telling t = { .line = line };

	if (explain_digest_add(lines->records, line) ||
	    !hf_log_line_read(line, &lines->context, &t.m))
		return;
	if (!t.m.writer_is_client && explain_digest_has_server(lines->records))
		t.m.writer_is_server = true; /* whose files lie beside it */
	t.judged =
	    !t.m.writer_is_client && (t.m.alert_number || t.m.hides_alert) &&
	    explain_digest_judge_alert(lines->records, t.m.alert_number, lines->name, &t.group);
	t.m.writer_is_server |= t.judged;
	t.m.alert |= t.judged && t.group.cause;
	settle(&t);
	look_beside(&t, lines->beside);
	if (ctx->out.json_mode && !lines->started) {
		hf_out_json_begin(&ctx->out);
		hf_json_array_begin(&ctx->out.json, "lines");
	}
	lines->started = true;
	tell_line(&ctx->out, &t);
	if (t.judged)
		explain_group_done(&t.group);
	hf_strv_done(&t.evidence);
	free(t.words);
}

static int all_lines(struct hf_cmd_ctx *ctx, char *text, struct explain_digest *d, const char *name)
{
	struct lines lines = { .records = d, .beside = explain_digest_beside(d), .name = name };

	hf_log_context_init(&lines.context, text);

	for (char *line = text, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		line[strcspn(line, "\r")] = '\0';
		one_line(ctx, &lines, line);
	}
	if (lines.started && ctx->out.json_mode) {
		hf_json_array_end(&ctx->out.json);
		hf_out_json_end(&ctx->out);
	}
	if (lines.started)
		return HF_EXIT_NO;
	if (explain_digest_len(d) > 0)
		return explain_digest_tell(ctx, d, NULL);
	(void)hf_err_set(&ctx->err, HF_E_NOENT, "nothing in it that is known here");
	return hf_err_hint(&ctx->err, "give HOST:PORT, and explain looks for itself");
}

int explain_lines(struct hf_cmd_ctx *ctx, const struct explain_opts *opts, const char *what)
{
	HF_AUTO_DONE(hf_buf) data = HF_BUF_INIT(LOG_CAP);
	struct explain_digest *d = NULL;
	int rc = explain_digest_new(opts, &d, &ctx->err);

	if (rc < 0)
		return rc;
	if (strcmp(what, "-") == 0)
		rc = hf_file_read("-", &data, &ctx->err);
	else if (hf_buf_puts(&data, what) < 0)
		rc = hf_err_nomem(&ctx->err);
	if (rc == 0 && data.len > 0)
		rc = all_lines(ctx, data.data, d, opts->name);
	else if (rc == 0)
		rc = hf_err_set(&ctx->err, HF_E_PARSE, "there is no line to explain");
	explain_digest_free(d);
	return rc;
}
