/* SPDX-License-Identifier: Apache-2.0 */
/* handfast crl: a fresh revocation list, and looking at one. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"
#include "ca/shards.h"
#include "cli/ca_common.h"
#include "cli/crl_dir.h"
#include "cli/crl_scope.h"
#include "cli/root_presign.h"
#include "pki/name.h"
#include "util/clock.h"

struct crl_opts {
	int64_t lifetime, until;
	const char *out, *out_dir, *passphrase_file;
	bool root;
};

static const struct hf_option options[] = {
	{ .name = "days",
	  .kind = HF_OPT_DURATION,
	  .offset = offsetof(struct crl_opts, lifetime),
	  .arg = "DAYS",
	  .unit = HF_DAY_SECONDS,
	  .min = 3600,
	  .max = INT64_C(3650) * HF_DAY_SECONDS,
	  .help = "until the next one is due (default: 30, for a root above an issuing CA 365)" },
	{ .name = "out",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct crl_opts, out),
	  .arg = "FILE",
	  .help = "write the issuing CA's complete list there too" },
	{ .name = "out-dir",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct crl_opts, out_dir),
	  .arg = "DIR",
	  .help = "write all lists there too, those of shards among them, in DER and under the "
		  "names that the authority's service gives them below /crl/: for any web server" },
	{ .name = "until",
	  .kind = HF_OPT_TIME,
	  .offset = offsetof(struct crl_opts, until),
	  .arg = "DATE",
	  .help =
	      "sign the root's lists ahead until this day, each for --days (default 30) and some days of "
	      "grace; they wait in root.crls.pem for their date" },
	{ .name = "root",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct crl_opts, root),
	  .help = "the root's list only (without it: both, the root's when its key is here)" },
	{ .name = "passphrase-file",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct crl_opts, passphrase_file),
	  .arg = "FILE",
	  .help = "passphrase of the CA keys (also: $HANDFAST_PASSPHRASE)" },
	{ .name = NULL },
};

static const struct hf_option_group groups[] = {
	{ "Options", options, 0 },
	{ NULL, NULL, 0 },
};

static void facts_json(struct hf_json *j, const struct hf_crl *crl)
{
	hf_cli_crl_head_json(j, crl);
	hf_json_int(j, "revoked", (int64_t)crl->revoked_count);
	hf_json_hex(j, "sha256", crl->sha256, HF_SHA256_LEN);
	hf_cli_crl_scope_json(j, crl);
}

static void tell(struct hf_cmd_ctx *ctx, const struct hf_crl_published *p)
{
	char until[80], number[HF_CLI_NUMBER_CAP];

	hf_cli_crl_number(p->crl, number);
	if (ctx->out.json_mode) {
		hf_json_object_begin(&ctx->out.json, NULL);
		hf_json_string(&ctx->out.json, "file", p->path);
		if (p->shard)
			hf_json_int(&ctx->out.json, "shard", p->shard);
		facts_json(&ctx->out.json, p->crl);
		hf_json_object_end(&ctx->out.json);
	}
	hf_cli_until(p->crl->next_update, hf_clock_now(), until, sizeof(until));
	hf_out_safe(&ctx->out, p->path);
	if (p->shard)
		hf_out_print(&ctx->out, ": shard %lld", (long long)p->shard);
	hf_out_print(&ctx->out, ": number %s, %zu revoked, next due %s\n", number,
		     p->crl->revoked_count, until);
}

static int tell_shard(void *arg, const struct hf_crl_published *p)
{
	tell(arg, p);
	return 0;
}

/* The shards first: what is on one of their lists is on the complete one. */
static int publish(struct hf_cmd_ctx *ctx, struct hf_authority *a, struct hf_ca *ca,
		   const char *path)
{
	const struct crl_opts *o = ctx->opts;
	HF_AUTO_DONE(hf_crl_published) p = { .crl = NULL };
	struct hf_shards_round all = {
		.which = HF_SHARDS_ALL, .lifetime = o->lifetime, .told = tell_shard, .arg = ctx
	};
	int64_t now = hf_clock_now();
	int rc = hf_ca_load_key(a, ca, &ctx->err);

	if (rc == 0)
		rc = hf_shards_prepare(a, ca, now, &ctx->err);
	if (rc == 0)
		rc = hf_shards_keep(a, ca, &all, now, &ctx->err);
	if (rc == 0)
		rc = hf_authority_publish_crl(a, ca, o->lifetime, path, now, &p, &ctx->err);

	if (rc == 0)
		tell(ctx, &p);
	return rc;
}

static int publish_all(struct hf_cmd_ctx *ctx, struct hf_authority *a)
{
	const struct crl_opts *o = ctx->opts;
	int rc = 0;

	if (!o->root || a->single)
		rc = publish(ctx, a, hf_authority_issuer(a), o->out);
	for (size_t i = 0; rc == 0 && !o->root && i < a->before_len; i++) {
		if (hf_ca_has_key(&a->before[i]))
			rc = publish(ctx, a, &a->before[i], NULL);
	}
	if (rc < 0 || a->single)
		return rc;
	if (!o->root && !hf_ca_has_key(&a->root))
		return hf_cli_root_release(ctx, a);
	return publish(ctx, a, &a->root, o->root ? o->out : NULL);
}

/* Before anything is signed: a list that is in ca/ and not where it was wanted is half a job. */
static int check_out(struct hf_cmd_ctx *ctx, const char *path)
{
	const char *slash = strrchr(path, '/');
	HF_AUTO(cstr) dir =
	    hf_str_printf("%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
	struct stat st;

	if (!dir)
		return hf_err_nomem(&ctx->err);
	if (stat(dir, &st) != 0) {
		(void)hf_err_errno(&ctx->err, errno, "--out '%s': the directory '%s'", path, dir);
		return hf_err_hint(&ctx->err, "nothing was signed; make the directory first");
	}
	if (S_ISDIR(st.st_mode) && (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)))
		return 0;
	(void)hf_err_set(&ctx->err, HF_E_INVALID, "--out '%s' cannot be a file there", path);
	return hf_err_hint(&ctx->err, "nothing was signed; --out takes the name of a file");
}

static int run(struct hf_cmd_ctx *ctx)
{
	const struct crl_opts *o = ctx->opts;
	struct hf_passphrase from = { o->passphrase_file, false };
	HF_AUTO(hf_authority) a = NULL;
	int rc = o->out ? check_out(ctx, o->out) : 0;

	if (rc == 0)
		rc = hf_cli_open_authority(ctx, &from, &a);

	if (rc < 0)
		return rc;
	if (ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_json_array_begin(&ctx->out.json, "lists");
	}
	rc = o->until ? hf_cli_root_presign(ctx, a, o->until, o->lifetime, o->out)
		      : publish_all(ctx, a);
	if (rc == 0 && o->out_dir)
		rc = hf_cli_crl_dir(ctx, a, o->out_dir, hf_clock_now());
	if (rc == 0 && ctx->out.json_mode) {
		hf_json_array_end(&ctx->out.json);
		hf_out_json_end(&ctx->out);
	}
	return rc;
}

/* --- crl show --- */

static int show_entry(struct hf_cmd_ctx *ctx, const struct hf_crl_entry *entry)
{
	HF_AUTO(cstr) serial = hf_crl_entry_serial(entry);
	const char *word = hf_crl_reason_name(hf_crl_entry_reason(entry));
	char when[HF_TIME_TEXT_CAP];
	int64_t at = 0;

	if (!serial)
		return hf_err_nomem(&ctx->err);
	(void)hf_crl_entry_at(entry, &at);
	hf_time_format(at, when);
	if (ctx->out.json_mode) {
		hf_json_object_begin(&ctx->out.json, NULL);
		hf_json_string(&ctx->out.json, "serial", serial);
		hf_json_time(&ctx->out.json, "revoked_at", at);
		hf_json_string(&ctx->out.json, "reason", word ? word : "unspecified");
		hf_json_object_end(&ctx->out.json);
	}
	hf_out_print(&ctx->out, "  %-34s %s  %s\n", serial, when, word ? word : "unspecified");
	return 0;
}

static void show_head(struct hf_cmd_ctx *ctx, const char *path, const struct hf_crl *crl)
{
	char when[HF_TIME_TEXT_CAP], until[80], number[HF_CLI_NUMBER_CAP];

	if (ctx->out.json_mode)
		facts_json(&ctx->out.json, crl);
	hf_time_format(crl->this_update, when);
	hf_cli_crl_number(crl, number);
	hf_out_safe(&ctx->out, path);
	hf_out_print(&ctx->out, ": revocation list of ");
	hf_out_safe(&ctx->out, crl->issuer);
	hf_out_print(&ctx->out, "\n  number      %s\n  this update %s\n", number, when);
	hf_cli_until(crl->next_update, hf_clock_now(), until, sizeof(until));
	hf_cli_crl_scope_text(&ctx->out, "  scope       ", crl);
	hf_out_print(&ctx->out, "  next update %s\n  revoked     %zu\n",
		     crl->has_next_update ? until : "never", crl->revoked_count);
	if (crl->has_next_update && crl->next_update < hf_clock_now())
		hf_out_warn(
		    &ctx->out,
		    "'%s' is out of date: peers that look at it refuse everybody; make a new one with: "
		    "handfast crl",
		    path);
}

static int show_one(struct hf_cmd_ctx *ctx, const char *path, const struct hf_crl *crl)
{
	struct hf_der_walk left = crl->index.entries;
	struct hf_crl_entry entry;
	int rc = 0;

	if (ctx->out.json_mode)
		hf_json_object_begin(&ctx->out.json, NULL);
	show_head(ctx, path, crl);
	if (ctx->out.json_mode)
		hf_json_array_begin(&ctx->out.json, "entries");
	while (rc == 0 && hf_crl_entry_next(&left, &entry))
		rc = show_entry(ctx, &entry);
	if (ctx->out.json_mode) {
		hf_json_array_end(&ctx->out.json);
		hf_json_object_end(&ctx->out.json);
	}
	return rc;
}

static int run_show(struct hf_cmd_ctx *ctx)
{
	const char *path = ctx->args->items[0];
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	char words[400];
	int rc = hf_pemfile_load(&file, path, 0, NULL, &ctx->err);

	if (rc < 0)
		return rc;
	if (file.crls.len == 0) {
		hf_pemfile_describe(&file, words, sizeof(words));
		(void)hf_err_set(&ctx->err, HF_MISTAKE_FILE_WRONG,
				 "'%s' holds no revocation list: it is %s", path, words);
		return hf_err_hint(&ctx->err, "handfast show tells of every kind of file");
	}
	if (ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_json_array_begin(&ctx->out.json, "lists");
	}
	for (size_t i = 0; rc == 0 && i < file.crls.len; i++)
		rc = show_one(ctx, path, file.crls.items[i]);
	if (ctx->out.json_mode) {
		hf_json_array_end(&ctx->out.json);
		hf_out_json_end(&ctx->out);
	}
	return rc;
}

static const struct hf_command cmd_crl_show = {
	.name = "crl show",
	.arguments = "FILE",
	.summary = "what is on a revocation list",
	.min_args = 1,
	.max_args = 1,
	.run = run_show,
};

static const struct hf_command *const subcommands[] = { &cmd_crl_show, NULL };

static const struct hf_example examples[] = {
	{ "handfast crl", "sign fresh lists before the old ones run out" },
	{ "handfast crl --days 7 --out /var/www/crl.pem", "one for a web server" },
	{ "handfast crl --out-dir /var/www/crl", "all of them, for a web server's /crl/" },
	{ "handfast crl --until 2027-11-21", "at an offline root: a year of lists" },
	{ "handfast crl show ca/crl.pem", "who is revoked, since when, why" },
	{ NULL, NULL },
};

const struct hf_command cmd_crl = {
	.name = "crl",
	.group = "Identities",
	.arguments = "[show FILE]",
	.summary = "sign fresh revocation lists, or show one",
	.description =
	    "Writes ca/crl.pem and, when the root's key is in the home, ca/root.crl.pem; with shards "
	    "(policy.yaml) their lists too, ca/shards/KEY-NUMBER.pem. Peers that check "
	    "revocation refuse everybody once a list has run out, so do this before.",
	.groups = groups,
	.opts_size = sizeof(struct crl_opts),
	.examples = examples,
	.see_also = "revoke, list",
	.subcommands = subcommands,
	.run = run,
};
