/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of an offline root, for `crl`: signing them ahead, and releasing them by date. */
#include "cli/root_presign.h"

#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "ca/root.h"
#include "cli/ca_common.h"
#include "util/clock.h"

enum { LISTS_CAP = 64 * 1024 * 1024 };

static int write_copy(struct hf_cmd_ctx *ctx, const struct hf_crls *lists, const char *path)
{
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(LISTS_CAP);
	int rc = hf_root_lists_pem(lists, &pem, &ctx->err);

	return rc < 0 ? rc : hf_file_write(path, pem.data, pem.len, HF_MODE_PUBLIC, 0, &ctx->err);
}

static void tell(struct hf_cmd_ctx *ctx, const struct hf_crls *lists, const char *path)
{
	struct hf_json *j = &ctx->out.json;
	char from[HF_TIME_TEXT_CAP], until[HF_TIME_TEXT_CAP], number[HF_CLI_NUMBER_CAP];

	for (size_t i = 0; i < lists->len; i++) {
		const struct hf_crl *crl = lists->items[i];

		hf_cli_crl_number(crl, number);
		hf_time_format(crl->this_update, from);
		hf_time_format(crl->next_update, until);
		if (ctx->out.json_mode) {
			hf_json_object_begin(j, NULL);
			hf_json_string(j, "file", path);
			hf_json_string(j, "issuer", crl->issuer);
			hf_json_string(j, "number", crl->number);
			hf_json_time(j, "this_update", crl->this_update);
			hf_json_time(j, "next_update", crl->next_update);
			hf_json_int(j, "revoked", (int64_t)crl->revoked_count);
			hf_json_object_end(j);
		}
		hf_out_print(&ctx->out, "number %s, %zu revoked, from %.10s until %.10s\n", number,
			     crl->revoked_count, from, until);
	}
}

int hf_cli_root_presign(struct hf_cmd_ctx *ctx, struct hf_authority *a, int64_t until, int64_t span,
			const char *copy)
{
	HF_AUTO_DONE(hf_crls) lists = HF_CRLS_INIT;
	char path[PATH_MAX];
	int rc = 0;

	if (a->single && !a->root_only)
		return hf_command_usage(ctx, "--until is for the lists of an offline root: this "
					     "authority signs a fresh one whenever it likes");
	if (copy && hf_file_exists(copy))
		return hf_err_set(&ctx->err, HF_E_EXIST, "'%s' is there already", copy);
	rc = hf_root_presign(a, until, span, hf_clock_now(), &lists, &ctx->err);
	if (rc == 0 && copy)
		rc = write_copy(ctx, &lists, copy);
	if (rc == 0)
		rc = hf_path_join(path, sizeof(path), a->dir, "root.crls.pem", &ctx->err);
	if (rc == 0)
		tell(ctx, &lists, copy ? copy : path);
	return rc;
}

int hf_cli_root_release(struct hf_cmd_ctx *ctx, struct hf_authority *a)
{
	HF_AUTO(hf_crl) crl = NULL;
	struct hf_root_lists lists = { 0 };
	char until[80], number[HF_CLI_NUMBER_CAP];
	int64_t now = hf_clock_now();
	int rc = hf_root_release(a->dir, now, &crl, &ctx->err);

	if (rc == 0)
		rc = hf_root_lists_look(a->dir, now, &lists, &ctx->err);
	if (rc < 0)
		return rc;
	if (crl) {
		hf_cli_crl_number(crl, number);
		hf_out_note(&ctx->out, "the root's list number %s, signed ahead, was released",
			    number);
	}
	if (lists.covered_until > now) {
		hf_cli_until(lists.covered_until, now, until, sizeof(until));
		hf_out_note(&ctx->out, "the root's lists reach until %s", until);
		return 0;
	}
	hf_out_note(&ctx->out, "the root's list was not renewed: its key is not here ('%s')",
		    a->root.key_path);
	return 0;
}
