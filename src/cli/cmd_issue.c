/* SPDX-License-Identifier: Apache-2.0 */
/* handfast issue: key and certificate in one step. */
#include "base/err.h"
#include "base/file.h"
#include "cli/ca_common.h"
#include "cli/dry_run.h"
#include "cli/policy_opts.h"
#include "util/clock.h"
#include "util/complaint.h"
#include "util/home.h"

struct issue_opts {
	struct hf_role_opts role;
	struct hf_policy_opts policy;
	struct hf_strv san;
	const char *subject, *out, *passphrase_file;
	int64_t lifetime;
	int key_type;
	bool force, dry_run;
};

static const struct hf_option options[] = {
	{ .name = "san",
	  .kind = HF_OPT_LIST,
	  .offset = offsetof(struct issue_opts, san),
	  .arg = "LIST",
	  .help = "more names: dns:a.abc.com,ip:10.0.0.1,uri:spiffe://abc/mail,email:ops@abc.com" },
	{ .name = "subject",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct issue_opts, subject),
	  .arg = "/O=…/CN=…",
	  .help = "the whole subject, in OpenSSL's -subj syntax (default: /CN=NAME)" },
	{ .name = "days",
	  .kind = HF_OPT_DURATION,
	  .offset = offsetof(struct issue_opts, lifetime),
	  .arg = "DAYS",
	  .unit = HF_DAY_SECONDS,
	  .min = 60,
	  .max = INT64_C(36500) * HF_DAY_SECONDS,
	  .help =
	      "how long it is valid, never longer than its issuer; 12h is fine too (default: 30)" },
	{ .name = "key-type",
	  .kind = HF_OPT_WORD,
	  .offset = offsetof(struct issue_opts, key_type),
	  .arg = "TYPE",
	  .words = hf_cli_key_words,
	  .initial = "p256",
	  .help = "kind of the new key" },
	{ .name = "out",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct issue_opts, out),
	  .arg = "DIR",
	  .help = "write the files there instead of id/NAME" },
	{ .name = "dry-run",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct issue_opts, dry_run),
	  .help = "make nothing; say what would be made, and whether peers would accept it" },
	{ .name = "force",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct issue_opts, force),
	  .help = "replace the files that are there" },
	{ .name = "passphrase-file",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct issue_opts, passphrase_file),
	  .arg = "FILE",
	  .help = "passphrase of the issuing CA's key (also: $HANDFAST_PASSPHRASE)" },
	{ .name = NULL },
};

static const struct hf_option_group groups[] = {
	{ "Role", hf_role_options, offsetof(struct issue_opts, role) },
	{ "Options", options, 0 },
	{ "Policy", hf_policy_options, offsetof(struct issue_opts, policy) },
	{ NULL, NULL, 0 },
};

static void tell(struct hf_cmd_ctx *ctx, const struct hf_order *order, const struct hf_cert *cert,
		 const char *dir)
{
	HF_AUTO_DONE(hf_buf) sans = HF_BUF_INIT(HF_CLI_PEM_CAP);
	char until[80];

	hf_cli_until(cert->not_after, hf_clock_now(), until, sizeof(until));
	(void)hf_sans_format(&cert->sans, &sans);
	hf_out_safe(&ctx->out, cert->subject);
	hf_out_print(&ctx->out, ": %s", order->profile->words);
	if (sans.len)
		hf_out_print(&ctx->out, " for %s", hf_buf_str(&sans));
	hf_out_print(&ctx->out, ", until %s\n", until);
	if (dir) {
		hf_out_print(&ctx->out, "serial %s\nfiles  ", cert->serial);
		hf_out_safe(&ctx->out, dir);
		hf_out_print(&ctx->out, "/{cert,key,ca}.pem\n");
	} else {
		hf_out_print(&ctx->out, "dry run: nothing was made\n");
	}
}

static void tell_json(struct hf_cmd_ctx *ctx, const struct hf_order *order,
		      const struct hf_cert *cert, const char *dir)
{
	static const char *const files[] = { "cert.pem", "key.pem", "ca.pem" };
	static const char *const keys[] = { "cert", "key", "ca" };
	struct hf_json *j = &ctx->out.json;
	char path[PATH_MAX];

	hf_out_json_begin(&ctx->out);
	hf_json_string(j, "name", order->name);
	hf_json_string(j, "profile", order->profile->name);
	hf_json_bool(j, "dry_run", !dir);
	hf_cli_json_cert(j, cert);
	for (size_t i = 0; dir && i < HF_ARRAY_LEN(files); i++) {
		if (hf_path_join(path, sizeof(path), dir, files[i], NULL) == 0)
			hf_json_string(j, keys[i], path);
	}
	hf_cli_json_strings(j, "notes", &order->notes);
	hf_out_json_end(&ctx->out);
}

/* Whoever gets a second certificate for a name should know of the first. */
static int tell_others(struct hf_cmd_ctx *ctx, struct hf_authority *a, const struct hf_order *order,
		       int64_t now)
{
	struct hf_record_filter filter = { .name = order->name,
					   .states = 1U << HF_RECORD_ISSUED,
					   .expires_from = now,
					   .limit = 3 };
	HF_AUTO_DONE(hf_records) others = HF_RECORDS_INIT;
	int rc = hf_store_collect(a->store, &filter, &others, &ctx->err);

	for (size_t i = 0; rc == 0 && i < others.len; i++)
		hf_out_note(
		    &ctx->out,
		    "an earlier certificate of '%s' stays valid; if its key is lost: handfast revoke %s",
		    order->name, others.items[i]->serial);
	return rc;
}

static void tell_trial(struct hf_cmd_ctx *ctx, const struct hf_order *order,
		       const struct hf_dry_run *run, int rc)
{
	struct hf_json *j = &ctx->out.json;

	if (!ctx->out.json_mode) {
		if (rc == 0)
			tell(ctx, order, run->cert, NULL);
		else
			hf_out_print(&ctx->out, "dry run: it would be refused\n");
		hf_dry_run_print(ctx, order, run);
		return;
	}
	hf_out_json_begin(&ctx->out);
	hf_json_string(j, "name", order->name);
	hf_json_string(j, "profile", order->profile->name);
	hf_json_bool(j, "dry_run", true);
	hf_json_bool(j, "issued", rc == 0);
	if (run->cert)
		hf_cli_json_cert(j, run->cert);
	hf_cli_json_strings(j, "notes", &order->notes);
	hf_dry_run_json(j, order, run);
	if (rc != 0)
		hf_complaint_json(j, &ctx->err);
	hf_out_json_end(&ctx->out);
}

static int dry_run(struct hf_cmd_ctx *ctx, struct hf_authority *a, struct hf_order *order,
		   const struct issue_opts *o, const struct hf_extfile *ext, int64_t now)
{
	HF_AUTO_DONE(hf_dry_run) run = { .cert = NULL };
	int rc = hf_key_generate(hf_cli_key_type(o->key_type), &order->key, &ctx->err);

	if (rc == 0)
		rc = hf_extfile_tell(ext, &order->rulings);
	if (rc == 0)
		rc = hf_order_check(a, order, now, &ctx->err);
	if (rc == 0)
		rc = hf_dry_run_try(a, order, now, &run, &ctx->err);
	if (rc != 0 && rc != -HF_E_POLICY)
		return rc;
	hf_cli_tell_notes(ctx, order->name, order);
	tell_trial(ctx, order, &run, rc);
	if (rc == 0)
		return HF_EXIT_YES;
	hf_out_flush(&ctx->out);
	if (!ctx->out.json_mode)
		hf_out_error(&ctx->out, &ctx->err);
	return HF_EXIT_NO;
}

static int issue(struct hf_cmd_ctx *ctx, struct hf_authority *a, struct hf_order *order,
		 const struct issue_opts *o, const struct hf_extfile *ext, const char *dir)
{
	int64_t now = hf_clock_now();
	int rc;

	if (o->dry_run)
		return dry_run(ctx, a, order, o, ext, now);
	if (o->force) {
		rc = tell_others(ctx, a, order, now);
		if (rc < 0)
			return rc;
	}
	rc = hf_cli_issue_into(ctx, a, order, hf_cli_key_type(o->key_type), dir, o->force, now);
	if (rc < 0)
		return rc;
	hf_cli_tell_notes(ctx, order->name, order);
	if (ctx->out.json_mode)
		tell_json(ctx, order, order->cert, dir);
	else
		tell(ctx, order, order->cert, dir);
	return 0;
}

static int run(struct hf_cmd_ctx *ctx)
{
	const struct issue_opts *o = ctx->opts;
	const char *name = ctx->args->items[0];
	struct hf_passphrase from = { o->passphrase_file, false };
	HF_AUTO(hf_authority) a = NULL;
	HF_AUTO_DONE(hf_sans) sans = HF_SANS_INIT;
	HF_AUTO_DONE(hf_extfile) ext = { .extra = NULL };
	HF_AUTO_DONE(hf_order) order = { .profile = hf_cli_role(ctx, &o->role),
					 .lifetime = o->lifetime,
					 .rulings.wanted = o->dry_run };
	char dir[PATH_MAX];
	int rc;

	if (!order.profile)
		return -HF_E_INVALID;
	rc = hf_home_id(ctx->home, name, "", dir, &ctx->err);
	if (rc == 0)
		rc = hf_sans_from_lists(&o->san, &sans, &ctx->err);
	if (rc == 0)
		rc = hf_cli_open_under_policy(ctx, &from, &o->policy, order.profile, &ext, &a);
	if (rc == 0)
		rc = hf_sans_join(&sans, &ext.sans, &ctx->err);
	if (rc == 0)
		rc = hf_order_for_name(&order, name, o->subject, &sans, &ctx->err);
	if (rc == 0)
		rc = hf_order_add_extra(&order, ext.extra, &ctx->err);
	return rc != 0 ? rc : issue(ctx, a, &order, o, &ext, o->out ? o->out : dir);
}

static const struct hf_example examples[] = {
	{ "handfast issue localhost --server --san ip:127.0.0.1",
	  "a server that is called by name and by address" },
	{ "handfast issue mail-server --client",
	  "a client, let in with serve --allow cn:mail-server" },
	{ "handfast issue node-7 --peer --san uri:spiffe://abc/node/7 --days 24h",
	  "both roles, for a day" },
	{ NULL, NULL },
};

const struct hf_command cmd_issue = {
	.name = "issue",
	.group = "Identities",
	.arguments = "NAME",
	.summary = "make a key and a certificate",
	.description =
	    "Writes id/NAME/cert.pem (leaf and intermediates), key.pem (0600) and ca.pem (the root, for peers). "
	    "Every certificate is in the ledger before it leaves, and is first judged along its whole path as "
	    "peers will judge it; one that they would refuse is not handed out.\n\n"
	    "For a server or peer NAME stands in the certificate as a DNS or IP name, because clients look "
	    "nowhere else (RFC 9525).",
	.groups = groups,
	.opts_size = sizeof(struct issue_opts),
	.examples = examples,
	.exits = "0 issued; 1 refused by a rule of the authority, or the files are there already",
	.see_also = "request, sign, renew, revoke",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
