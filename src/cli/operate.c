/* SPDX-License-Identifier: Apache-2.0 */
/* Meeting an operator's wish, here or elsewhere.  Must never send a wish to a server that the home
 * does not trust. */
#include "cli/operate.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "cli/authority_client.h"
#include "cli/common.h"
#include "enroll/operator.h"
#include "util/clock.h"

const struct hf_option hf_operate_options[] = {
	{ .name = "at",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_operate_opts, at),
	  .arg = "URL",
	  .help =
	      "at an authority elsewhere, which names its operators with: handfast authority --admin" },
	{ .name = "as",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_operate_opts, as),
	  .arg = "NAME",
	  .help = "the operator's identity of this home, for --at" },
	{ .name = NULL },
};

static int operate_here(struct hf_cmd_ctx *ctx, const struct hf_wish *wish, json_t **ret_result)
{
	struct hf_operation op = { .wish = wish->body, .now = hf_clock_now() };
	HF_AUTO(hf_authority) a = NULL;
	int rc = hf_cli_open_authority(ctx, wish->from, &a);

	op.a = a;
	if (rc == 0)
		rc = hf_operate(wish->word, &op, &ctx->err);
	if (rc == 0)
		*ret_result = op.result;
	return rc;
}

static int call(struct hf_cmd_ctx *ctx, const struct hf_client_call *call, const char *wish,
		json_t **ret_result)
{
	HF_AUTO_DONE(hf_buf) body = HF_BUF_INIT(HF_CLIENT_BODY_CAP);
	HF_AUTO_DONE(hf_buf) answer = HF_BUF_INIT(HF_CLIENT_BODY_CAP);
	struct hf_client_call with_body = *call;
	int rc = hf_buf_puts(&body, wish) < 0 ? hf_err_nomem(&ctx->err) : 0;

	with_body.body = &body;
	if (rc == 0)
		rc = hf_client_call(&with_body, &answer, &ctx->err);
	if (rc < 0)
		return rc;
	*ret_result = json_loadb(hf_buf_str(&answer), answer.len, 0, NULL);
	return json_is_object(*ret_result)
		   ? 0
		   : hf_err_set(&ctx->err, HF_E_PARSE,
				"the answer of the authority is no JSON object");
}

static int operate_there(struct hf_cmd_ctx *ctx, const struct hf_operate_opts *opts,
			 const struct hf_wish *wish, json_t **ret_result)
{
	const struct hf_credential_opts who = { .as = opts->as };
	const struct hf_trust_opts whom = { .ca = HF_STRV_INIT };
	HF_AUTO(hf_credential) credential = NULL;
	HF_AUTO(hf_trust) trust = NULL;
	HF_AUTO(cstr) path = hf_str_printf("/admin/%s", wish->word);
	char *text = json_dumps(wish->body, 0);
	int rc =
	    path && text ? hf_cli_load_credential(ctx, &who, &credential) : hf_err_nomem(&ctx->err);

	if (rc == 0)
		rc = hf_cli_load_trust(ctx, &whom, opts->as, 0, &trust);
	if (rc == 0) {
		const struct hf_client_call with = { .url = opts->at,
						     .path = path,
						     .trust = trust,
						     .credential = credential,
						     .type = "application/json" };

		rc = call(ctx, &with, text, ret_result);
	}
	free(text);
	return rc;
}

static int print_json(struct hf_cmd_ctx *ctx, const json_t *result)
{
	char *text = json_dumps(result, JSON_INDENT(2));

	if (!text)
		return hf_err_nomem(&ctx->err);
	hf_out_raw(&ctx->out, text, strlen(text));
	hf_out_raw(&ctx->out, "\n", 1);
	free(text);
	return 0;
}

int hf_cli_operate(struct hf_cmd_ctx *ctx, const struct hf_operate_opts *opts, struct hf_wish wish,
		   json_t **ret_result)
{
	int rc;

	*ret_result = NULL;
	if (!wish.body)
		return hf_err_nomem(&ctx->err);
	if (!opts->at && opts->as)
		rc = hf_err_set(&ctx->err, HF_E_INVALID,
				"--as is who asks elsewhere: it needs --at URL");
	else if (opts->at && !opts->as)
		rc = hf_err_set(&ctx->err, HF_E_INVALID,
				"who asks there? Add --as NAME, an identity of this home");
	else
		rc = opts->at ? operate_there(ctx, opts, &wish, ret_result)
			      : operate_here(ctx, &wish, ret_result);
	json_decref(wish.body);
	if (rc == 0 && ctx->out.json_mode)
		rc = print_json(ctx, *ret_result);
	return rc;
}

int hf_cli_decide(struct hf_cmd_ctx *ctx, const char *word, const char *id)
{
	struct hf_passphrase from = { NULL, true };
	const struct hf_wish wish = { word, json_pack("{s:s}", "id", id), &from };
	json_t *result = NULL;
	int rc = hf_cli_operate(ctx, ctx->opts, wish, &result);

	if (rc == 0)
		rc = json_is_true(json_object_get(result, "changed"));
	json_decref(result);
	return rc;
}

const char *hf_cli_field(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

int hf_cli_rows(struct hf_cmd_ctx *ctx, const json_t *rows, const char *const *headings,
		const char *const *fields)
{
	struct hf_table table = { HF_STRV_INIT, 0 };
	size_t i;
	json_t *row;
	int rc = 0;

	for (i = 0; rc == 0 && headings[i]; i++)
		rc = hf_table_add(&table, headings[i]);
	table.columns = i;
	json_array_foreach(rows, i, row)
	{
		for (size_t f = 0; rc == 0 && fields[f]; f++)
			rc = hf_table_add(&table, hf_cli_field(row, fields[f]));
	}
	if (rc == 0 && json_array_size(rows) > 0 && !ctx->out.json_mode)
		hf_table_print(&table, &ctx->out);
	hf_table_done(&table);
	return rc < 0 ? hf_err_nomem(&ctx->err) : (int)json_array_size(rows);
}
