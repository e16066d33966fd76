/* SPDX-License-Identifier: Apache-2.0 */
/* handfast import: take over an authority that another program kept.  Must never change the tree it
 * reads. */
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/file.h"
#include "ca/import/import.h"
#include "cli/ca_common.h"
#include "util/clock.h"
#include "util/home.h"

enum { SHOWN = 5 }; /* places named for each finding; --json names all */

struct import_opts {
	const char *config, *ca_name, *ca_cert, *ca_key, *root, *database, *passphrase_file;
	bool dry_run, key_in_place, force;
};

static const struct hf_option options[] = {
	{ .name = "dry-run",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct import_opts, dry_run),
	  .help = "read everything, tell what is odd about it, and change nothing" },
	{ .name = "config",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct import_opts, config),
	  .arg = "FILE",
	  .help = "openssl: its configuration (default: openssl.cnf in or above DIR, when there is "
		  "one)" },
	{ .name = "ca-name",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct import_opts, ca_name),
	  .arg = "SECTION",
	  .help = "openssl: the section of the CA, as for `openssl ca -name` (default: what [ca] "
		  "default_ca says)" },
	{ .name = "ca-cert",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct import_opts, ca_cert),
	  .arg = "FILE",
	  .help = "the CA's certificate, when it is not where it usually is; PEM, DER or PKCS#12" },
	{ .name = "ca-key",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct import_opts, ca_key),
	  .arg = "FILE",
	  .help = "the CA's key, likewise" },
	{ .name = "root",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct import_opts, root),
	  .arg = "FILE|DIR",
	  .help = "for an issuing CA: the certificate of the root above it, or the root's own tree "
		  "of openssl ca, key included or not (default: looked for in DIR and beside it)" },
	{ .name = "database",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct import_opts, database),
	  .arg = "FILE",
	  .help = "cfssl: its SQLite file (default: certs.db and other usual names in DIR)" },
	{ .name = "passphrase-file",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct import_opts, passphrase_file),
	  .arg = "FILE",
	  .help =
	      "passphrase of the CA's key (also: $HANDFAST_PASSPHRASE); the copy in the home is "
	      "encrypted with it too" },
	{ .name = "key-in-place",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct import_opts, key_in_place),
	  .help = "leave the CA's key where it is; the home gets a link to it" },
	{ .name = "force",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct import_opts, force),
	  .help = "when there is an authority already, put it aside (nothing of it is deleted)" },
	{ .name = NULL },
};

static const struct hf_option_group groups[] = {
	{ "Options", options, 0 },
	{ NULL, NULL, 0 },
};

/* --- the report --- */

static void tell_place(struct hf_out *out, const char *what, const char *path)
{
	hf_out_print(out, "%-10s ", what);
	hf_out_safe(out, path);
	hf_out_print(out, "\n");
}

static void tell_tree(struct hf_cmd_ctx *ctx, const struct hf_import_tree *t)
{
	struct hf_out *out = &ctx->out;
	char until[80], key[96] = "not looked at";

	hf_cli_until(t->ca->not_after, t->now, until, sizeof(until));
	if (t->key)
		hf_key_describe(t->key, key, sizeof(key));
	hf_out_print(out, "%-10s ", t->root ? "issuing CA" : "root");
	hf_out_safe(out, t->ca->subject);
	hf_out_print(out, ", until %s\n", until);
	if (t->root)
		tell_place(out, "below", t->root->subject);
	if (t->above)
		tell_place(out, "its books", t->above->dir);
	hf_out_print(out, "key        %s%s: ", key, t->key_encrypted ? ", encrypted" : "");
	hf_out_safe(out, t->key_path);
	hf_out_print(out, "\nissued     %zu certificates: %zu valid, %zu revoked, %zu expired",
		     t->len, t->count.valid, t->count.revoked, t->count.expired);
	if (t->count.serial_only)
		hf_out_print(out, "; %zu known by serial only", t->count.serial_only);
	hf_out_print(out, "\nlists      the next one has number %lld\n", (long long)t->next_crl);
}

static void tell_finding(struct hf_out *out, const struct hf_import_info *info,
			 const struct hf_strv *at)
{
	static const enum hf_color colors[] = {
		[HF_IMPORT_NOTE] = HF_COLOR_PLAIN,
		[HF_IMPORT_WARNING] = HF_COLOR_YELLOW,
		[HF_IMPORT_ERROR] = HF_COLOR_RED,
	};

	hf_out_print(out, "\n%s%s%s %s (%zu): %s\n", hf_out_color(out, colors[info->severity]),
		     hf_import_severity_name(info->severity), hf_out_color(out, HF_COLOR_PLAIN),
		     info->name, at->len, info->sentence);
	for (size_t i = 0; i < at->len && i < SHOWN; i++) {
		hf_out_print(out, "    ");
		hf_out_safe(out, at->items[i]);
		hf_out_print(out, "\n");
	}
	if (at->len > SHOWN)
		hf_out_print(out, "    and %zu more (--json names them all)\n", at->len - SHOWN);
	hf_out_print(out, "    -> %s\n", info->remedy);
}

/* The worst first. */
static size_t each_finding(const struct hf_import_findings *f, void *arg,
			   void (*tell)(void *arg, const struct hf_import_info *info,
					const struct hf_strv *at))
{
	size_t found = 0;

	for (int severity = HF_IMPORT_ERROR; severity >= HF_IMPORT_NOTE; severity--) {
		for (int id = 0; id < HF_IMPORT_COUNT; id++) {
			const struct hf_import_info *info = hf_import_info((enum hf_import_id)id);

			if ((int)info->severity != severity || f->at[id].len == 0)
				continue;
			tell(arg, info, &f->at[id]);
			found++;
		}
	}
	return found;
}

static void tell_text(void *arg, const struct hf_import_info *info, const struct hf_strv *at)
{
	tell_finding(arg, info, at);
}

static void tell_json(void *arg, const struct hf_import_info *info, const struct hf_strv *at)
{
	struct hf_json *j = arg;

	hf_json_object_begin(j, NULL);
	hf_json_string(j, "id", info->name);
	hf_json_string(j, "severity", hf_import_severity_name(info->severity));
	hf_json_string(j, "sentence", info->sentence);
	hf_json_string(j, "remedy", info->remedy);
	hf_cli_json_strings(j, "at", at);
	hf_json_object_end(j);
}

static void report_json(struct hf_cmd_ctx *ctx, const struct hf_import_tree *t,
			const struct hf_init_result *r, bool dry_run)
{
	struct hf_json *j = &ctx->out.json;

	hf_out_json_begin(&ctx->out);
	hf_json_bool(j, "dry_run", dry_run);
	hf_json_string(j, "kind", t->kind);
	hf_json_string(j, "from", t->dir);
	hf_json_object_begin(j, "ca");
	hf_cli_json_cert(j, t->ca);
	hf_json_string(j, "key", t->key_path);
	hf_json_bool(j, "key_encrypted", t->key_encrypted);
	hf_json_object_end(j);
	if (t->root)
		hf_json_string(j, "root", t->root->subject);
	if (t->above)
		hf_json_string(j, "root_from", t->above->dir);
	hf_json_object_begin(j, "certificates");
	hf_json_int(j, "valid", (int64_t)t->count.valid);
	hf_json_int(j, "revoked", (int64_t)t->count.revoked);
	hf_json_int(j, "expired", (int64_t)t->count.expired);
	hf_json_int(j, "serial_only", (int64_t)t->count.serial_only);
	hf_json_object_end(j);
	hf_json_int(j, "next_crl", t->next_crl);
	hf_json_array_begin(j, "findings");
	(void)each_finding(&t->findings, j, tell_json);
	hf_json_array_end(j);
	if (r->aside[0])
		hf_json_string(j, "put_aside", r->aside);
	hf_out_json_end(&ctx->out);
}

static void report(struct hf_cmd_ctx *ctx, const struct hf_import_tree *t,
		   const struct hf_init_result *r, bool dry_run)
{
	if (ctx->out.json_mode) {
		report_json(ctx, t, r, dry_run);
	} else {
		tell_tree(ctx, t);
		if (each_finding(&t->findings, &ctx->out, tell_text) == 0)
			hf_out_print(&ctx->out, "nothing odd was found\n");
	}
	hf_out_flush(&ctx->out); /* the result before what to do with it */
	if (r->aside[0])
		hf_out_note(&ctx->out, "the authority that was there is now '%s'", r->aside);
	if (dry_run)
		hf_out_note(&ctx->out,
			    "nothing was changed; without --dry-run it becomes the "
			    "authority of '%s'",
			    ctx->home);
	else
		hf_out_note(&ctx->out,
			    "it is the authority of '%s' now; stop using the old tree: what is "
			    "issued or revoked there is not known here",
			    ctx->home);
}

/* --- the passphrase --- */

/* Asked for once, to read the key and to write it. */
struct remembered {
	struct hf_passphrase from;
	struct hf_secret secret;
	bool known;
};

static int ask(void *arg, const char *what, struct hf_secret *ret, struct hf_err *err)
{
	struct remembered *r = arg;
	int rc = r->known ? 0 : hf_passphrase_get(&r->from, what, &r->secret, err);

	if (rc != 0)
		return rc;
	r->known = true;
	return hf_secret_set(ret, r->secret.data, r->secret.len, err);
}

/* For a key that was plain: only what was given, nobody is asked. */
static int settle_passphrase(struct hf_cmd_ctx *ctx, struct remembered *r)
{
	const struct hf_passphrase quiet = { r->from.file, true };
	int rc = r->known ? 0 : hf_passphrase_new(&quiet, "the CA key", &r->secret, &ctx->err);

	if (rc < 0)
		return rc;
	if (rc == 0 && r->secret.len == 0)
		return hf_err_set(&ctx->err, HF_E_PASSPHRASE, "the passphrase is empty");
	r->known = rc == 0;
	return 0;
}

/* --- doing it --- */

static int adopt(struct hf_cmd_ctx *ctx, const struct import_opts *o,
		 const struct hf_import_tree *tree, struct remembered *remembered,
		 struct hf_init_result *result)
{
	struct hf_import_place place = {
		.home = ctx->home,
		.key_in_place = o->key_in_place,
		.force = o->force,
		.now = tree->now,
		.actor = hf_cli_actor(),
	};
	int rc = o->key_in_place ? 0 : settle_passphrase(ctx, remembered);

	if (rc < 0)
		return rc;
	place.passphrase = remembered->known ? &remembered->secret : NULL;
	return hf_import_adopt(tree, &place, result, &ctx->err);
}

static int check_arguments(struct hf_cmd_ctx *ctx)
{
	const char *kind = ctx->args->items[0], *dir = ctx->args->items[1];
	const char *const *kinds = hf_import_kinds();
	const char *nearest;
	struct stat st;

	for (size_t i = 0; kinds[i]; i++) {
		if (strcmp(kinds[i], kind) != 0)
			continue;
		if (stat(dir, &st) == 0 && S_ISDIR(st.st_mode))
			return 0;
		return hf_err_set(&ctx->err, HF_E_NOENT, "there is no directory '%s'", dir);
	}
	(void)hf_command_usage(ctx, "there is no import from '%s'", kind);
	nearest = hf_str_nearest(kind, kinds);
	return hf_err_hint(&ctx->err,
			   nearest ? "did you mean '%s'?" : "say openssl, easy-rsa or cfssl",
			   nearest);
}

static int run(struct hf_cmd_ctx *ctx)
{
	const struct import_opts *o = ctx->opts;
	struct remembered remembered = { .from = { o->passphrase_file, false },
					 .secret = HF_SECRET_INIT };
	struct hf_import_options import = {
		.dir = ctx->args->items[1],
		.config = o->config,
		.section = o->ca_name,
		.ca_cert = o->ca_cert,
		.ca_key = o->ca_key,
		.root = o->root,
		.database = o->database,
		.pass = { ask, &remembered },
		.dry_run = o->dry_run,
		.now = hf_clock_now(),
	};
	HF_AUTO(hf_import_tree) tree = NULL;
	HF_AUTO_DONE(hf_init_result) result = { .root = NULL };
	int rc = check_arguments(ctx);

	if (rc == 0)
		rc = hf_import_read(ctx->args->items[0], &import, &tree, &ctx->err);
	if (rc == 0 && !o->dry_run)
		rc = adopt(ctx, o, tree, &remembered, &result);
	hf_secret_done(&remembered.secret);
	if (rc == 0)
		report(ctx, tree, &result, o->dry_run);
	return rc;
}

static const struct hf_example examples[] = {
	{ "handfast import openssl demoCA --dry-run", "what is in it, and what is odd about it" },
	{ "handfast import openssl demoCA", "its CA, certificates and revocations go on here" },
	{ "handfast import easy-rsa easyrsa3/pki --passphrase-file ca.pass",
	  "with an encrypted CA key" },
	{ NULL, NULL },
};

const struct hf_command cmd_import = {
	.name = "import",
	.group = "Identities",
	.arguments = "openssl|easy-rsa|cfssl DIR",
	.summary = "take over an authority of another program",
	.description =
	    "Reads the tree of `openssl ca` or of easy-rsa 3, or ca.pem, ca-key.pem and the SQLite "
	    "data base of cfssl: the CA's certificate and key, its books, every certificate on the "
	    "disk, revocations with their dates and reasons, the number of the next revocation "
	    "list. All of it becomes this home's authority, or, when anything cannot be read, "
	    "nothing does. The tree is not changed.\n\n"
	    "The report tells what is odd: certificates that the index does not know, serial "
	    "numbers used twice, version 1, servers without SAN, no purpose, weak keys, private "
	    "keys that others can read and much more, each with what to do.\n\n"
	    "A row of the index whose certificate is gone is known by its serial number: it can be "
	    "revoked, but not shown or renewed. New certificates get random serial numbers, so that "
	    "none is ever used twice.",
	.groups = groups,
	.opts_size = sizeof(struct import_opts),
	.examples = examples,
	.exits = "0 imported, or read with --dry-run; 1 there is an authority already, or that CA "
		 "cannot go on",
	.see_also = "export, init, list, revoke",
	.min_args = 2,
	.max_args = 2,
	.run = run,
};
