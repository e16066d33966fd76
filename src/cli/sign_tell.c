/* SPDX-License-Identifier: Apache-2.0 */
/* Telling what `sign` did.  Must never show a certificate that has an error beside it. */
#include "cli/sign_tell.h"

#include "base/err.h"
#include "util/complaint.h"

void hf_sign_item_done(struct hf_sign_item *item)
{
	hf_order_done(&item->order);
	hf_dry_run_done(&item->tried);
	hf_buf_done(&item->answer);
}

static void tell_text(struct hf_cmd_ctx *ctx, const struct hf_sign_item *item, bool dry_run,
		      int64_t now)
{
	const struct hf_cert *cert = dry_run ? item->tried.cert : item->order.cert;
	HF_AUTO_DONE(hf_buf) line = HF_BUF_INIT(HF_CLI_PEM_CAP);
	char until[80];

	hf_cli_until(cert->not_after, now, until, sizeof(until));
	(void)hf_buf_printf(&line, "%s: %s %s", item->out[0] ? item->out : item->path,
			    item->order.profile->words, cert->subject);
	if (cert->sans.len) {
		(void)hf_buf_puts(&line, " for ");
		(void)hf_sans_format(&cert->sans, &line);
	}
	(void)hf_buf_printf(&line, ", until %s", until);
	if (dry_run)
		(void)hf_buf_puts(&line, "; dry run: nothing was signed");
	else
		(void)hf_buf_printf(&line, ", serial %s", cert->serial);
	/* standard output is the certificate's when it has no file */
	if (!item->out[0] && !dry_run) {
		hf_out_note(&ctx->out, "%s", hf_buf_str(&line));
		return;
	}
	hf_out_safe(&ctx->out, hf_buf_str(&line));
	hf_out_print(&ctx->out, "\n");
}

static void tell_failure(struct hf_cmd_ctx *ctx, struct hf_sign_item *item)
{
	struct hf_out *out = &ctx->out;

	(void)hf_err_context(&item->err, -item->err.code, "%s", item->path);
	if (!out->json_mode) {
		hf_out_error(out, &item->err);
		return;
	}
	hf_complaint_json(&out->json, &item->err);
}

static void tell_refused_trial(struct hf_cmd_ctx *ctx, const struct hf_sign_item *item)
{
	hf_out_safe(&ctx->out, item->path);
	hf_out_print(&ctx->out, ": dry run: it would be refused\n");
	hf_dry_run_print(ctx, &item->order, &item->tried);
	hf_out_flush(&ctx->out);
}

static void tell_json(struct hf_cmd_ctx *ctx, const struct hf_sign_item *item, bool dry_run)
{
	struct hf_json *j = &ctx->out.json;

	hf_json_string(j, "name", item->order.name);
	hf_json_string(j, "profile", item->order.profile->name);
	hf_json_bool(j, "dry_run", dry_run);
	if (item->out[0])
		hf_json_string(j, "file", item->out);
	hf_cli_json_cert(j, dry_run ? item->tried.cert : item->order.cert);
	hf_cli_json_strings(j, "dropped", &item->order.dropped);
	hf_cli_json_strings(j, "notes", &item->order.notes);
}

void hf_sign_tell(struct hf_cmd_ctx *ctx, struct hf_sign_item *item, bool dry_run, int64_t now)
{
	struct hf_json *j = &ctx->out.json;
	bool json = ctx->out.json_mode;

	if (json) {
		hf_json_object_begin(j, NULL);
		hf_json_string(j, "request", item->path);
	}
	if (json && item->answer.len)
		hf_json_string(j, "certificate", hf_buf_str(&item->answer));
	else if (item->answer.len)
		hf_out_raw(&ctx->out, item->answer.data, item->answer.len);
	if (dry_run && json)
		hf_dry_run_json(j, &item->order, &item->tried);
	if (item->err.code) {
		if (dry_run && !json)
			tell_refused_trial(ctx, item);
		tell_failure(ctx, item);
	} else {
		hf_cli_tell_notes(ctx, item->path, &item->order);
		if (json)
			tell_json(ctx, item, dry_run);
		else
			tell_text(ctx, item, dry_run, now);
		if (dry_run && !json)
			hf_dry_run_print(ctx, &item->order, &item->tried);
	}
	if (json)
		hf_json_object_end(j);
}
