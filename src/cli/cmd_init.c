/* SPDX-License-Identifier: Apache-2.0 */
/* handfast init: a new authority. */
#include "base/err.h"
#include "base/file.h"
#include "ca/init.h"
#include "ca/signer.h"
#include "cli/ca_common.h"
#include "cli/init_ask.h"
#include "cli/init_rollover.h"
#include "cli/prompt.h"
#include "cli/root_request.h"
#include "util/clock.h"
#include "util/home.h"

static const struct hf_option options[] = {
	{ .name = "subject",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_init_opts, subject),
	  .arg = "/C=IN/O=…",
	  .help =
	      "subject of the root, in OpenSSL's -subj syntax (default: O=NAME, CN=NAME Root CA)" },
	{ .name = "key-type",
	  .kind = HF_OPT_WORD,
	  .offset = offsetof(struct hf_init_opts, key_type),
	  .arg = "TYPE",
	  .words = hf_cli_key_words,
	  .initial = "p256",
	  .help = "kind of the CA keys" },
	{ .name = "days",
	  .kind = HF_OPT_DURATION,
	  .offset = offsetof(struct hf_init_opts, days),
	  .arg = "DAYS",
	  .initial = "3650",
	  .unit = HF_DAY_SECONDS,
	  .min = HF_DAY_SECONDS,
	  .max = INT64_C(36500) * HF_DAY_SECONDS,
	  .help = "how long the root is valid" },
	{ .name = "issuing-days",
	  .kind = HF_OPT_DURATION,
	  .offset = offsetof(struct hf_init_opts, issuing_days),
	  .arg = "DAYS",
	  .initial = "1825",
	  .unit = HF_DAY_SECONDS,
	  .min = HF_DAY_SECONDS,
	  .max = INT64_C(36500) * HF_DAY_SECONDS,
	  .help = "how long the issuing CA is valid" },
	{ .name = "permit",
	  .kind = HF_OPT_LIST,
	  .offset = offsetof(struct hf_init_opts, permit),
	  .arg = "LIST",
	  .help =
	      "certify only such names: dns:abc.com,ip:10.0.0.0/8,uri:HOST,email:abc.com; kinds of name that "
	      "are not listed stay free" },
	{ .name = "single",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct hf_init_opts, single),
	  .help = "no issuing CA: the root issues by itself" },
	{ .name = "passphrase-file",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_init_opts, passphrase_file),
	  .arg = "FILE",
	  .help =
	      "encrypt the CA keys with the first line of this file (also: $HANDFAST_PASSPHRASE)" },
	{ .name = "issuing-key",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_init_opts, issuing_key),
	  .arg = "URI",
	  .help =
	      "use the issuing CA's key of this pkcs11: URI (RFC 7512), which a token or an HSM holds" },
	{ .name = "pin-file",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_init_opts, pin_file),
	  .arg = "FILE",
	  .help = "the token's PIN is the first line of this file (also: pin-source in the URI, "
		  "$HANDFAST_PASSPHRASE)" },
	{ .name = "root-cert",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_init_opts, root_cert),
	  .arg = "FILE",
	  .help = "put the issuing CA under this existing root" },
	{ .name = "root-key",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_init_opts, root_key),
	  .arg = "FILE",
	  .help = "the key of --root-cert; it is used once and not copied" },
	{ .name = "root-only",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct hf_init_opts, root_only),
	  .help =
	      "the home of an offline root: it certifies issuing CAs of other homes (see root)" },
	{ .name = "offline-root",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct hf_init_opts, offline_root),
	  .help =
	      "the root's key is not kept in the home: it goes to --root-out; without that the root is on "
	      "another machine, and a request for it is made (see root)" },
	{ .name = "root-out",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_init_opts, root_out),
	  .arg = "DIR",
	  .help = "where the root's key goes with --offline-root, such as a stick" },
	{ .name = "rollover",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct hf_init_opts, rollover),
	  .help =
	      "make the next issuing CA of the authority that is here; the one before is trusted on until it "
	      "is retired" },
	{ .name = "root",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct hf_init_opts, root),
	  .help = "with --rollover: the next root too, which the one before certifies" },
	{ .name = "retire",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct hf_init_opts, retire),
	  .help =
	      "end the CAs that went before, when no valid certificate stands below them any more" },
	{ .name = "force",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct hf_init_opts, force),
	  .help = "when there is an authority already, put it aside (nothing of it is deleted)" },
	{ .name = NULL },
};

static const struct hf_option_group groups[] = {
	{ "Options", options, 0 },
	{ NULL, NULL, 0 },
};

static int check_options(struct hf_cmd_ctx *ctx, const struct hf_init_opts *o)
{
	if (!o->root_cert != !o->root_key)
		return hf_command_usage(ctx, "--root-cert and --root-key come together");
	if (o->root_out && !o->offline_root)
		return hf_command_usage(ctx, "--root-out DIR goes with --offline-root");
	if (o->root_only && (o->single || o->offline_root))
		return hf_command_usage(ctx,
					"--root-only is a root alone, with its key; leave out %s",
					o->single ? "--single" : "--offline-root");
	if (o->root_only && o->permit.len)
		return hf_command_usage(
		    ctx, "--permit is for a CA that issues; say it when the root signs one");
	if (o->single && o->offline_root)
		return hf_command_usage(
		    ctx, "--single needs the root's key here, --offline-root takes it away");
	if (o->issuing_key && !hf_signer_is_uri(o->issuing_key))
		return hf_command_usage(ctx, "--issuing-key wants a URI that begins with pkcs11:");
	if (o->issuing_key && (o->single || o->root_only))
		return hf_command_usage(ctx, "--issuing-key is for an issuing CA; leave out %s",
					o->single ? "--single" : "--root-only");
	if (o->root_cert && o->subject)
		return hf_command_usage(ctx,
					"--root-cert has its subject; --subject is for a new root");
	if (o->root_cert && o->offline_root)
		return hf_command_usage(
		    ctx, "the key of --root-cert stays where it is; leave out --offline-root");
	if (o->root_cert && o->single && o->permit.len)
		return hf_command_usage(
		    ctx, "--permit cannot be added to an existing root; leave out --single");
	return 0;
}

static void tell_text(struct hf_cmd_ctx *ctx, const struct hf_init_result *r, bool root_only)
{
	const struct hf_cert *const certs[] = { r->root, r->issuing };
	char until[80];

	for (size_t i = 0; i < HF_ARRAY_LEN(certs); i++) {
		if (!certs[i])
			continue;
		hf_cli_until(certs[i]->not_after, hf_clock_now(), until, sizeof(until));
		hf_out_print(&ctx->out, "%s ", i ? "issuing CA" : "root      ");
		hf_out_safe(&ctx->out, certs[i]->subject);
		hf_out_print(&ctx->out, ", until %s\n", until);
	}
	hf_out_print(&ctx->out,
		     "authority  %s/ca (root.pem is what peers trust; %s what was revoked)\n",
		     ctx->home, root_only ? "root.crl.pem" : "crl.pem");
}

static void tell_json(struct hf_cmd_ctx *ctx, const struct hf_init_result *r)
{
	struct hf_json *j = &ctx->out.json;
	char dir[PATH_MAX];

	hf_out_json_begin(&ctx->out);
	if (hf_home_ca(ctx->home, "", dir, NULL) == 0)
		hf_json_string(j, "authority", dir);
	hf_json_object_begin(j, "root");
	hf_cli_json_cert(j, r->root);
	hf_json_string(j, "key", r->root_key_path);
	hf_json_object_end(j);
	if (r->issuing) {
		hf_json_object_begin(j, "issuing");
		hf_cli_json_cert(j, r->issuing);
		hf_json_object_end(j);
	}
	if (r->aside[0])
		hf_json_string(j, "put_aside", r->aside);
	hf_out_json_end(&ctx->out);
}

static void tell(struct hf_cmd_ctx *ctx, const struct hf_init_opts *o,
		 const struct hf_init_result *r, bool encrypted)
{
	for (size_t i = 0; i < r->notes.len; i++)
		hf_out_warn(&ctx->out, "%s", r->notes.items[i]);
	if (r->aside[0])
		hf_out_note(&ctx->out, "the authority that was there is now '%s'", r->aside);
	if (ctx->out.json_mode)
		tell_json(ctx, r);
	else
		tell_text(ctx, r, o->root_only);
	hf_out_flush(&ctx->out); /* the result before what to do with it */
	if (o->offline_root)
		hf_out_note(&ctx->out,
			    "the root's key is '%s' and nowhere else: take it to a safe place",
			    r->root_key_path);
	else if (!encrypted && !o->root_cert)
		hf_out_note(
		    &ctx->out,
		    "the CA keys are not encrypted; keep '%s' to yourself, or use --passphrase-file",
		    r->root_key_path);
	hf_out_note(&ctx->out, "next: handfast %s",
		    o->root_only ? "root sign REQUEST, for each CA below this root"
				 : "issue localhost --server");
}

/* Without questions only what was given: `init` never asks for a passphrase that nobody spoke of.
 */
static int read_passphrase(struct hf_cmd_ctx *ctx, const char *file, bool ask,
			   struct hf_secret *ret)
{
	const struct hf_passphrase from = { file, !ask };
	int rc = hf_passphrase_new(&from, "the CA keys", ret, &ctx->err);

	if (rc == 0 && ret->len == 0)
		return hf_err_set(&ctx->err, HF_E_PASSPHRASE, "the passphrase is empty");
	return rc;
}

/* What to make, settled. */
struct order {
	const struct hf_init_opts *o;
	const char *name;
	bool encrypt; /* ask for a passphrase */
};

/* The root is elsewhere: the first step of two. */
static int ask_root(struct hf_cmd_ctx *ctx, const struct order *order,
		    const struct hf_secret *passphrase)
{
	const struct hf_cli_root_request request = {
		.name = order->name,
		.subject = order->o->subject,
		.passphrase = passphrase,
		.issuing_key = order->o->issuing_key,
		.pin_file = order->o->pin_file,
		.key_type = hf_cli_key_type(order->o->key_type),
		.force = order->o->force,
	};
	char root[PATH_MAX];
	int rc = hf_home_ca(ctx->home, "root.pem", root, &ctx->err);

	if (rc == 0 && hf_file_exists(root))
		return hf_err_set(&ctx->err, HF_E_EXIST, "there is an authority already: '%s'",
				  root);
	return rc < 0 ? rc : hf_cli_root_request(ctx, &request);
}

static int found(struct hf_cmd_ctx *ctx, const struct order *order,
		 const struct hf_secret *passphrase)
{
	const struct hf_init_opts *o = order->o;
	HF_AUTO(NAME_CONSTRAINTS) permit = NULL;
	HF_AUTO_DONE(hf_init_result) result = { .root = NULL };
	struct hf_passphrase from = { o->passphrase_file, false }, pin = { o->pin_file, false };
	struct hf_init_options init = {
		.home = ctx->home,
		.name = order->name,
		.subject = o->subject,
		.key_type = hf_cli_key_type(o->key_type),
		.lifetime = o->days,
		.issuing_lifetime = o->issuing_days,
		.single = o->single,
		.root_only = o->root_only,
		.passphrase = passphrase,
		.root_cert = o->root_cert,
		.root_key = o->root_key,
		.pass = { hf_passphrase_get, &from },
		.root_out = o->root_out,
		.issuing_key = o->issuing_key,
		.pin = { hf_passphrase_get, &pin },
		.force = o->force,
		.now = hf_clock_now(),
		.actor = hf_cli_actor(),
	};
	int rc = hf_cli_permit(ctx, &o->permit, &permit);

	if (rc < 0)
		return rc;
	init.permit = permit;
	rc = hf_authority_init(&init, &result, &ctx->err);
	if (rc == 0)
		tell(ctx, o, &result, passphrase != NULL);
	return rc;
}

static int make(struct hf_cmd_ctx *ctx, const struct order *order)
{
	const struct hf_init_opts *o = order->o;
	HF_AUTO_DONE(hf_secret) passphrase = HF_SECRET_INIT;
	const struct hf_secret *given;
	int rc = check_options(ctx, o);

	if (rc == 0 && o->subject && o->subject[0] != '/')
		return hf_command_usage(ctx, "--subject '%s' does not start with '/'", o->subject);
	if (rc == 0)
		rc = read_passphrase(ctx, o->passphrase_file, order->encrypt, &passphrase);
	if (rc < 0)
		return rc;
	given = rc == 0 ? &passphrase : NULL;
	return o->offline_root && !o->root_out ? ask_root(ctx, order, given)
					       : found(ctx, order, given);
}

/* Questions are for a person who gave no name; whoever wrote one knows what to say. */
static bool may_ask(const struct hf_cmd_ctx *ctx, const struct hf_init_opts *o)
{
	return !ctx->args->len && !ctx->out.json_mode && !ctx->out.quiet && !o->root_cert &&
	       !o->single && !o->root_only && !o->issuing_key && hf_prompt_possible();
}

static int run(struct hf_cmd_ctx *ctx)
{
	const struct hf_init_opts *o = ctx->opts;
	HF_AUTO_DONE(hf_init_answers) answers = { .encrypt = false };
	struct order order = { o, ctx->args->len ? ctx->args->items[0] : "Handfast", false };
	char root[PATH_MAX];
	int rc;

	if (o->rollover && o->retire)
		return hf_command_usage(ctx,
					"--rollover and --retire are the first and the last step");
	if (o->root && !o->rollover)
		return hf_command_usage(ctx, "--root goes with --rollover");
	if (o->rollover || o->retire)
		return o->rollover ? hf_cli_rollover(ctx, o) : hf_cli_retire(ctx, o);
	if (!may_ask(ctx, o))
		return make(ctx, &order);
	rc = hf_home_ca(ctx->home, "root.pem", root, &ctx->err);
	if (rc == 0 && hf_file_exists(root) && !o->force)
		return make(ctx, &order); /* which says that there is one */
	if (rc == 0)
		rc = hf_init_ask(ctx, o, &answers);
	if (rc != 0)
		return rc < 0 ? rc : HF_EXIT_NO;
	return make(ctx, &(struct order){ &answers.opts, answers.name, answers.encrypt });
}

static const struct hf_example examples[] = {
	{ "handfast init \"ABC Inc.\"", "a root for ten years and an issuing CA for five" },
	{ "handfast init ABC --permit dns:abc.com,ip:10.0.0.0/8",
	  "one that can certify its own names only" },
	{ "handfast init ABC --offline-root --root-out /media/stick",
	  "with the root's key taken away at once" },
	{ "handfast init ABC --issuing-key \"pkcs11:token=CA;object=issuing\"",
	  "with the key that issues in a token" },
	{ "handfast init ABC --offline-root", "below a root on another machine (see root)" },
	{ "handfast init --rollover", "the next issuing CA of the authority that is here" },
	{ "handfast init --retire", "the end of the one before, when nobody is left below it" },
	{ NULL, NULL },
};

const struct hf_command cmd_init = {
	.name = "init",
	.group = "Identities",
	.arguments = "[NAME]",
	.summary = "make an authority: a root and the CA below it that issues",
	.description =
	    "The authority lives in ca/ of the home: root.pem, issuing.pem, their keys (0600), chain.pem, the "
	    "revocation lists crl.pem and root.crl.pem, and the ledger ca.db, which knows every certificate "
	    "before it leaves.\n\n"
	    "Without a NAME, and with a person at the terminal, it asks; each answer is also an option, and it "
	    "shows the command line that says the same.\n\n"
	    "Nothing is overwritten: with an authority there, init says so and exits 1. --force puts the old "
	    "one aside as ca.old-TIME.",
	.groups = groups,
	.opts_size = sizeof(struct hf_init_opts),
	.examples = examples,
	.exits = "0 made; 1 there is one already, or the root given is not good for it",
	.see_also = "issue, sign, crl, root",
	.max_args = 1,
	.run = run,
};
