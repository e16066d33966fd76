/* SPDX-License-Identifier: Apache-2.0 */
/* explain without a connection: the story of a reason, the list of them, lines of logs.  Must never
 * be surer than the text it reads. */
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "cli/explain.h"
#include "explain/story.h"
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

static bool one_line(struct hf_cmd_ctx *ctx, struct explain_digest *d, const char *line,
		     bool *started)
{
	struct hf_log_meaning meaning;

	if (explain_digest_add(d, line))
		return true;
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

static int all_lines(struct hf_cmd_ctx *ctx, char *text, struct explain_digest *d)
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
	if (explain_digest_len(d) > 0)
		return explain_digest_tell(ctx, d, NULL);
	(void)hf_err_set(&ctx->err, HF_E_NOENT, "nothing in it that is known here");
	return hf_err_hint(&ctx->err, "give HOST:PORT, and explain looks for itself");
}

int explain_lines(struct hf_cmd_ctx *ctx, const char *what)
{
	HF_AUTO_DONE(hf_buf) data = HF_BUF_INIT(LOG_CAP);
	struct explain_digest *d = NULL;
	int rc = explain_digest_new(NULL, &d, &ctx->err);

	if (rc < 0)
		return rc;
	if (strcmp(what, "-") == 0)
		rc = hf_file_read("-", &data, &ctx->err);
	else if (hf_buf_puts(&data, what) < 0)
		rc = hf_err_nomem(&ctx->err);
	if (rc == 0 && data.len > 0)
		rc = all_lines(ctx, data.data, d);
	else if (rc == 0)
		rc = hf_err_set(&ctx->err, HF_E_PARSE, "there is no line to explain");
	explain_digest_free(d);
	return rc;
}
