/* SPDX-License-Identifier: Apache-2.0 */
/* handfast revoke: take a certificate back.  Must never take back the
 * authority itself by a slip. */
#include <string.h>

#include "base/err.h"
#include "base/time.h"
#include "ca/revoke.h"
#include "cli/common.h"
#include "cli/operate.h"
#include "cli/prompt.h"
#include "cli/revoke_wait.h"
#include "cli/revoke_which.h"
#include "util/clock.h"

struct revoke_opts {
	const char *reason, *passphrase_file;
	bool all, yes, wait;
	int64_t wait_seconds;
	struct hf_operate_opts operate;
};

static const struct hf_option options[] = {
	{ .name = "reason",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct revoke_opts, reason),
	  .arg = "REASON",
	  .initial = "unspecified",
	  .help =
	      "keyCompromise, superseded, cessationOfOperation, affiliationChanged, privilegeWithdrawn or unspecified" },
	{ .name = "all",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct revoke_opts, all),
	  .help = "when NAME has several valid certificates, revoke all of them" },
	{ .name = "yes",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct revoke_opts, yes),
	  .help =
	      "do not ask before this authority's own issuing CA is revoked, and with it all it has issued" },
	{ .name = "wait",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct revoke_opts, wait),
	  .help = "wait until every gateway that follows this authority's revocations has it in "
		  "force, and tell which have and which have not" },
	{ .name = "wait-time",
	  .kind = HF_OPT_DURATION,
	  .offset = offsetof(struct revoke_opts, wait_seconds),
	  .arg = "TIME",
	  .unit = 1,
	  .initial = "10s",
	  .max = 3600,
	  .help = "so long at most" },
	{ .name = "passphrase-file",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct revoke_opts, passphrase_file),
	  .arg = "FILE",
	  .help = "passphrase of the issuing CA's key (also: $HANDFAST_PASSPHRASE)" },
	{ .name = NULL },
};

static const struct hf_option_group groups[] = {
	{ "Options", options, 0 },
	{ "Elsewhere", hf_operate_options, offsetof(struct revoke_opts, operate) },
	{ NULL, NULL, 0 },
};

/* --- doing it --- */

static int revoke_one(struct hf_cmd_ctx *ctx, struct hf_authority *a, const struct hf_record *r,
		      int reason, int64_t now)
{
	int rc = hf_revoke(a, r, reason, now, &ctx->err);

	if (rc < 0)
		return rc;
	hf_out_print(&ctx->out, "revoked ");
	hf_out_safe(&ctx->out, r->subject);
	hf_out_print(&ctx->out, ", serial %s (%s)\n", r->serial, hf_crl_reason_name(reason));
	if (ctx->out.json_mode) {
		struct hf_record now_revoked = *r;

		now_revoked.state = HF_RECORD_REVOKED;
		now_revoked.revoked_at = now;
		now_revoked.reason = reason;
		hf_cli_json_record(&ctx->out.json, &now_revoked, "revoked");
	}
	return 0;
}

static int publish(struct hf_cmd_ctx *ctx, struct hf_authority *a, int64_t issuer, int64_t now)
{
	HF_AUTO_DONE(hf_crl_published) p = { .crl = NULL };
	char number[HF_CLI_NUMBER_CAP];
	int rc = hf_cli_publish_after(ctx, a, issuer, now, &p);

	if (rc < 0) {
		(void)hf_err_context(&ctx->err, rc,
				     "it is noted as revoked, but the new list was not written");
		return hf_err_hint(&ctx->err, "mend that, then: handfast crl");
	}
	hf_cli_crl_number(p.crl, number);
	hf_out_print(&ctx->out, "list    %s, number %s, %zu revoked\n", p.path, number,
		     p.crl->revoked_count);
	if (ctx->out.json_mode) {
		hf_json_string(&ctx->out.json, "crl", p.path);
		hf_json_string(&ctx->out.json, "crl_number", p.crl->number);
	}
	hf_out_flush(&ctx->out);
	if (!((const struct revoke_opts *)ctx->opts)->wait)
		hf_out_note(&ctx->out,
			    "gateways that follow it (--revocations-from) or have the file know by "
			    "themselves; bring the list to others who check it");
	return 0;
}

static int revoke_all(struct hf_cmd_ctx *ctx, struct hf_authority *a,
		      const struct hf_records *found, int reason, int64_t now)
{
	const struct revoke_opts *o = ctx->opts;
	int64_t issuer = 0, mark = 0;
	int rc = o->wait ? hf_revoke_mark(a, &mark, &ctx->err) : 0;

	if (ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_json_array_begin(&ctx->out.json, "certificates");
	}
	for (size_t i = 0; rc == 0 && i < found->len; i++) {
		if (!hf_revoke_is_live(found->items[i], now))
			continue;
		issuer = found->items[i]->issuer;
		rc = revoke_one(ctx, a, found->items[i], reason, now);
	}
	if (ctx->out.json_mode)
		hf_json_array_end(&ctx->out.json);
	if (rc == 0)
		rc = publish(ctx, a, issuer, now);
	if (rc == 0 && o->wait)
		rc = hf_revoke_wait(ctx, a, mark, o->wait_seconds);
	if (ctx->out.json_mode)
		hf_out_json_end(&ctx->out);
	return rc;
}

/* Its own issuing CA takes every certificate with it. */
static int confirm(struct hf_cmd_ctx *ctx, const struct hf_authority *a,
		   const struct hf_records *found, int64_t now)
{
	const struct revoke_opts *o = ctx->opts;
	bool own = false, sure = false;
	int rc;

	for (size_t i = 0; i < found->len; i++)
		own = own || (hf_revoke_is_live(found->items[i], now) &&
			      hf_revoke_is_own(a, found->items[i]));
	if (!own || o->yes)
		return 0;
	if (!hf_prompt_possible() || ctx->out.json_mode) {
		(void)hf_err_set(&ctx->err, HF_E_POLICY,
				 "that is this authority's own issuing CA: every certificate it "
				 "has issued would be refused, and none could be issued any more");
		return hf_err_hint(&ctx->err, "if its key is lost to somebody, say so with --yes");
	}
	hf_out_note(&ctx->out, "that is this authority's own issuing CA: every certificate it has "
			       "issued will be refused, and none can be issued any more");
	rc = hf_prompt_yes("Revoke it?", false, &sure, &ctx->err);
	if (rc < 0 || sure)
		return rc;
	hf_out_note(&ctx->out, "nothing was revoked");
	return HF_EXIT_NO;
}

/* --- elsewhere --- */

/* A certificate that lies here is named there by its serial. */
static int serial_of(struct hf_cmd_ctx *ctx, const char *path, struct hf_cert **ret_cert)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	int rc = hf_pemfile_load(&file, path, 0, NULL, &ctx->err);

	if (rc == 0 && file.certs.len == 0)
		return hf_err_set(&ctx->err, HF_MISTAKE_FILE_WRONG, "'%s' holds no certificate",
				  path);
	if (rc == 0)
		*ret_cert = hf_cert_ref(file.certs.items[0]);
	return rc;
}

static void tell_revoked(struct hf_cmd_ctx *ctx, const json_t *result)
{
	size_t i;
	json_t *row;

	if (ctx->out.json_mode)
		return;
	json_array_foreach(json_object_get(result, "certificates"), i, row)
	{
		hf_out_print(&ctx->out, "revoked ");
		hf_out_safe(&ctx->out, hf_cli_field(row, "subject"));
		hf_out_print(&ctx->out, ", serial ");
		hf_out_safe(&ctx->out, hf_cli_field(row, "serial"));
		hf_out_print(&ctx->out, " (");
		hf_out_safe(&ctx->out, hf_cli_field(row, "reason"));
		hf_out_print(&ctx->out, ")\n");
	}
}

static int revoke_there(struct hf_cmd_ctx *ctx, const char *what)
{
	const struct revoke_opts *o = ctx->opts;
	struct hf_passphrase from = { NULL, true };
	HF_AUTO(hf_cert) cert = NULL;
	json_t *result = NULL;
	int rc = hf_cli_is_file(what) ? serial_of(ctx, what, &cert) : 0;

	if (rc == 0)
		rc = hf_cli_operate(ctx, &o->operate,
				    (struct hf_wish){ "revoke",
						      json_pack("{s:s, s:s, s:b}", "what",
								cert ? cert->serial : what,
								"reason", o->reason, "all", o->all),
						      &from },
				    &result);
	if (rc == 0)
		tell_revoked(ctx, result);
	json_decref(result);
	return rc;
}

static int run(struct hf_cmd_ctx *ctx)
{
	const struct revoke_opts *o = ctx->opts;
	const char *what = ctx->args->items[0];
	struct hf_passphrase from = { o->passphrase_file, false };
	HF_AUTO(hf_authority) a = NULL;
	HF_AUTO_DONE(hf_records) found = HF_RECORDS_INIT;
	int64_t now = hf_clock_now();
	int reason = 0;
	int rc = hf_revoke_reason(o->reason, &reason, &ctx->err);

	if (rc == 0 && o->operate.at && o->wait)
		return hf_command_usage(ctx, "--wait reads the receipts in the authority's home: "
					     "say it there, without --at");
	if (rc == 0 && o->operate.at)
		return revoke_there(ctx, what);
	if (rc == 0)
		rc = hf_cli_open_authority(ctx, &from, &a);
	if (rc == 0)
		rc = hf_cli_revoke_find(ctx, a, what, &found);
	if (rc == 0)
		rc = hf_cli_revoke_choose(ctx, what, o->all, &found, now);
	if (rc == 0)
		rc = confirm(ctx, a, &found, now);
	return rc != 0 ? rc : revoke_all(ctx, a, &found, reason, now);
}

static const struct hf_example examples[] = {
	{ "handfast revoke mail-server --reason keyCompromise",
	  "the one valid certificate of that name" },
	{ "handfast revoke mail-server --wait", "and see on which gateways it is in force" },
	{ "handfast revoke 3f2a91…", "by its serial, as list and openssl print it" },
	{ "handfast revoke old.pem", "by the certificate itself" },
	{ "handfast revoke mail-server --at https://ca.abc.com:8443 --as ops",
	  "at an authority elsewhere, as its operator" },
	{ NULL, NULL },
};

const struct hf_command cmd_revoke = {
	.name = "revoke",
	.group = "Identities",
	.arguments = "NAME|SERIAL|FILE",
	.summary = "take a certificate back, and sign the new revocation list",
	.description =
	    "When NAME has several valid certificates (after a renewal, say), they are listed, and at a terminal "
	    "you are asked which one is meant. Elsewhere nothing is done: name one by its serial, or add --all.\n\n"
	    "Gateways that follow the authority's service (serve and tunnel --revocations-from) close the "
	    "connections of the revoked certificate and refuse it within a second.",
	.groups = groups,
	.opts_size = sizeof(struct revoke_opts),
	.examples = examples,
	.exits =
	    "0 revoked (and with --wait in force everywhere); 1 there is no such certificate, it is revoked or expired already, several are meant, or with --wait it is "
	    "not in force everywhere",
	.see_also = "crl, list, renew",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
