/* SPDX-License-Identifier: Apache-2.0 */
/* The next CA of an authority, and the end of those before. */
#include "cli/init_rollover.h"

#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "ca/rollover.h"
#include "cli/ca_common.h"
#include "util/clock.h"

/* What a new authority is told, and this one knows. */
static int check_options(struct hf_cmd_ctx *ctx, const struct hf_init_opts *o, const char *what)
{
	if (ctx->args->len > 0 || o->subject)
		return hf_command_usage(ctx, "%s is about the authority that is here: leave out %s",
					what, o->subject ? "--subject" : "the name");
	if (o->single || o->root_only || o->offline_root || o->root_cert || o->permit.len)
		return hf_command_usage(ctx,
					"%s goes with --key-type, --days, --issuing-days, "
					"--issuing-key and --passphrase-file only",
					what);
	return 0;
}

/* --- rollover --- */

/* Keys that were encrypted are not followed by plain ones. */
static int check_plain(struct hf_cmd_ctx *ctx, const struct hf_authority *a)
{
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(HF_CLI_PEM_CAP);
	int rc = hf_file_read(a->root.key_path, &pem, &ctx->err);

	if (rc < 0 || !strstr(hf_buf_str(&pem), "ENCRYPTED"))
		return rc;
	(void)hf_err_set(&ctx->err, HF_E_PASSPHRASE,
			 "the CA keys are encrypted, and the new ones would be kept in plain");
	return hf_err_hint(&ctx->err, "give the passphrase with --passphrase-file");
}

static void tell_one(struct hf_cmd_ctx *ctx, const char *what, const struct hf_cert *cert)
{
	char until[80];

	if (!cert)
		return;
	hf_cli_until(cert->not_after, hf_clock_now(), until, sizeof(until));
	hf_out_print(&ctx->out, "%s ", what);
	hf_out_safe(&ctx->out, cert->subject);
	hf_out_print(&ctx->out, ", until %s\n", until);
}

static void json_one(struct hf_cmd_ctx *ctx, const char *key, const struct hf_cert *cert)
{
	if (!cert)
		return;
	hf_json_object_begin(&ctx->out.json, key);
	hf_cli_json_cert(&ctx->out.json, cert);
	hf_json_object_end(&ctx->out.json);
}

static void tell_foreign(struct hf_cmd_ctx *ctx, const struct hf_strv *places,
			 const struct hf_cert *old)
{
	for (size_t i = 0; i < places->len; i++)
		hf_out_warn(
		    &ctx->out,
		    "certificates of '%s' look for its list at '%s', which the policy does "
		    "not name: an extension file that does is refused from now on; give the "
		    "next CA's another place there, or leave the line to policy.yaml",
		    old->subject, places->items[i]);
}

static void tell_rollover(struct hf_cmd_ctx *ctx, const struct hf_rollover *r,
			  const struct hf_authority *before)
{
	const struct hf_cert *old = before->single ? before->root.cert : before->issuing.cert;

	if (ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		json_one(ctx, "root", r->new_root);
		json_one(ctx, "issuing", r->new_issuing);
		json_one(ctx, "before", old);
		hf_cli_json_strings(&ctx->out.json, "foreign_places", &r->foreign_places);
		hf_out_json_end(&ctx->out);
	}
	tell_one(ctx, "next root      ", r->new_root);
	tell_one(ctx, "next issuing CA", r->new_issuing);
	tell_one(ctx, "before it      ", old);
	hf_out_flush(&ctx->out);
	if (r->new_root && !r->crossed)
		hf_out_warn(&ctx->out,
			    "peers refuse what is issued now until they trust the new root: "
			    "bring them ca/root.pem");
	tell_foreign(ctx, &r->foreign_places, old);
	hf_out_note(
	    &ctx->out,
	    "new certificates come from the next one, the others go with their renewal; who is "
	    "left: handfast list --under '%s'; when nobody is: handfast init --retire",
	    old->common_name ? old->common_name : old->serial);
}

static int roll(struct hf_cmd_ctx *ctx, const struct hf_init_opts *o, struct hf_authority *a,
		const struct hf_secret *passphrase)
{
	struct hf_passphrase pin = { o->pin_file, false };
	HF_AUTO_DONE(hf_rollover) r = { .root = o->root,
					.key_type = hf_cli_key_type(o->key_type),
					.lifetime = o->days,
					.issuing_lifetime = o->issuing_days,
					.passphrase = passphrase,
					.issuing_key = o->issuing_key,
					.pin = { hf_passphrase_get, &pin },
					.home = ctx->home,
					.now = hf_clock_now() };
	int rc = hf_authority_rollover(a, &r, &ctx->err);

	if (rc == 0)
		tell_rollover(ctx, &r, a);
	return rc;
}

int hf_cli_rollover(struct hf_cmd_ctx *ctx, const struct hf_init_opts *o)
{
	struct hf_passphrase from = { o->passphrase_file, false };
	const struct hf_passphrase given = { o->passphrase_file, true };
	HF_AUTO_DONE(hf_secret) passphrase = HF_SECRET_INIT;
	HF_AUTO(hf_authority) a = NULL;
	bool encrypt;
	int rc = check_options(ctx, o, "--rollover");

	if (rc != 0)
		return rc;
	rc = hf_passphrase_new(&given, "the CA keys", &passphrase, &ctx->err);
	encrypt = rc == 0;
	if (rc >= 0)
		rc = hf_cli_open_authority(ctx, &from, &a);
	if (rc == 0)
		rc = hf_ca_load_key(a, &a->root, &ctx->err);
	if (rc == 0 && !encrypt)
		rc = check_plain(ctx, a);
	return rc < 0 ? rc : roll(ctx, o, a, encrypt ? &passphrase : NULL);
}

/* --- retirement --- */

static void tell_retired(struct hf_cmd_ctx *ctx, const struct hf_retired *r)
{
	if (ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_cli_json_strings(&ctx->out.json, "retired", &r->subjects);
		hf_out_json_end(&ctx->out);
	}
	for (size_t i = 0; i < r->subjects.len; i++) {
		hf_out_print(&ctx->out, "retired ");
		hf_out_safe(&ctx->out, r->subjects.items[i]);
		hf_out_print(&ctx->out, "\n");
	}
	hf_out_flush(&ctx->out);
	for (size_t i = 0; i < r->notes.len; i++)
		hf_out_note(&ctx->out, "%s", r->notes.items[i]);
}

int hf_cli_retire(struct hf_cmd_ctx *ctx, const struct hf_init_opts *o)
{
	struct hf_passphrase from = { o->passphrase_file, false };
	HF_AUTO_DONE(hf_retired) retired = { .subjects = HF_STRV_INIT, .notes = HF_STRV_INIT };
	HF_AUTO(hf_authority) a = NULL;
	int rc = check_options(ctx, o, "--retire");

	if (rc != 0)
		return rc;
	rc = hf_cli_open_authority(ctx, &from, &a);
	if (rc == 0)
		rc = hf_authority_retire(a, ctx->home, hf_clock_now(), &retired, &ctx->err);
	if (rc == -HF_E_NOENT) { /* nothing to do is an answer */
		hf_out_note(&ctx->out, "%s", ctx->err.msg);
		hf_err_clear(&ctx->err);
		if (ctx->out.json_mode)
			tell_retired(ctx, &retired);
		return HF_EXIT_NO;
	}
	if (rc == 0)
		tell_retired(ctx, &retired);
	return rc;
}
