/* SPDX-License-Identifier: Apache-2.0 */
/* handfast root: the ceremony of an offline root, in two files.  Must never sign what nobody has
 * confirmed. */
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "cli/ca_common.h"
#include "cli/prompt.h"
#include "cli/root_request.h"
#include "cli/root_page.h"
#include "util/clock.h"
#include "util/home.h"

/* --- root request --- */

struct request_opts {
	const char *subject, *passphrase_file, *issuing_key, *pin_file;
	int key_type;
	bool force;
};

static const struct hf_option request_options[] = {
	{ .name = "subject",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct request_opts, subject),
	  .arg = "/C=IN/O=…",
	  .help =
	      "subject of the issuing CA, in OpenSSL's -subj syntax (default: O=NAME, CN=NAME Issuing CA)" },
	{ .name = "key-type",
	  .kind = HF_OPT_WORD,
	  .offset = offsetof(struct request_opts, key_type),
	  .arg = "TYPE",
	  .words = hf_cli_key_words,
	  .initial = "p256",
	  .help = "kind of the issuing CA's key" },
	{ .name = "passphrase-file",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct request_opts, passphrase_file),
	  .arg = "FILE",
	  .help =
	      "encrypt the new key with the first line of this file, or open the one that is there (also: $HANDFAST_PASSPHRASE)" },
	{ .name = "issuing-key",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct request_opts, issuing_key),
	  .arg = "URI",
	  .help = "instead of a new key that of this pkcs11: URI, which a token or an HSM holds" },
	{ .name = "pin-file",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct request_opts, pin_file),
	  .arg = "FILE",
	  .help = "the token's PIN is the first line of this file" },
	{ .name = "force",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct request_opts, force),
	  .help = "in place of a request that waits for its answer" },
	{ .name = NULL },
};

static const struct hf_option_group request_groups[] = {
	{ "Options", request_options, 0 },
	{ NULL, NULL, 0 },
};

static int run_request(struct hf_cmd_ctx *ctx)
{
	const struct request_opts *o = ctx->opts;
	const struct hf_cli_root_request request = {
		.name = ctx->args->len ? ctx->args->items[0] : NULL,
		.subject = o->subject,
		.passphrase_file = o->passphrase_file,
		.issuing_key = o->issuing_key,
		.pin_file = o->pin_file,
		.key_type = hf_cli_key_type(o->key_type),
		.force = o->force,
	};

	return hf_cli_root_request(ctx, &request);
}

static const struct hf_command cmd_root_request = {
	.name = "root request",
	.arguments = "[NAME]",
	.summary = "ask an offline root to certify the issuing CA of this home",
	.groups = request_groups,
	.opts_size = sizeof(struct request_opts),
	.max_args = 1,
	.run = run_request,
};

/* --- root sign --- */

struct sign_opts {
	const char *out, *passphrase_file;
	int64_t days, lists_until;
	struct hf_strv permit;
	bool yes, force;
};

static const struct hf_option sign_options[] = {
	{ .name = "out",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct sign_opts, out),
	  .arg = "FILE",
	  .help = "the file that goes back (default: answer.pem beside the request)" },
	{ .name = "days",
	  .kind = HF_OPT_DURATION,
	  .offset = offsetof(struct sign_opts, days),
	  .arg = "DAYS",
	  .initial = "1825",
	  .unit = HF_DAY_SECONDS,
	  .min = HF_DAY_SECONDS,
	  .max = INT64_C(36500) * HF_DAY_SECONDS,
	  .help = "how long the issuing CA is valid" },
	{ .name = "permit",
	  .kind = HF_OPT_LIST,
	  .offset = offsetof(struct sign_opts, permit),
	  .arg = "LIST",
	  .help =
	      "let it certify only such names: dns:abc.com,ip:10.0.0.0/8,uri:HOST,email:abc.com" },
	{ .name = "lists-until",
	  .kind = HF_OPT_TIME,
	  .offset = offsetof(struct sign_opts, lists_until),
	  .arg = "DATE",
	  .help =
	      "sign the root's revocation lists ahead until this day, one a month (default: one list for a year)" },
	{ .name = "yes",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct sign_opts, yes),
	  .help = "sign without asking; for those who have read the page in another way" },
	{ .name = "passphrase-file",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct sign_opts, passphrase_file),
	  .arg = "FILE",
	  .help = "passphrase of the root's key (also: $HANDFAST_PASSPHRASE)" },
	{ .name = "force",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct sign_opts, force),
	  .help = "replace the file that goes back, when it is there already" },
	{ .name = NULL },
};

static const struct hf_option_group sign_groups[] = {
	{ "Options", sign_options, 0 },
	{ NULL, NULL, 0 },
};

static int answer_path(struct hf_cmd_ctx *ctx, const struct sign_opts *o, char path[PATH_MAX])
{
	const char *file = ctx->args->items[0];
	const char *slash = strrchr(file, '/');

	if (o->out ? !hf_str_copy(path, PATH_MAX, o->out)
		   : snprintf(path, PATH_MAX, "%.*sanswer.pem", slash ? (int)(slash + 1 - file) : 0,
			      file) >= PATH_MAX)
		return hf_err_set(&ctx->err, HF_E_LIMIT, "path is too long: '%s'", file);
	if (!hf_file_exists(path) || o->force)
		return 0;
	(void)hf_err_set(&ctx->err, HF_E_EXIST, "'%s' is there already", path);
	return hf_err_hint(&ctx->err, "nothing was signed; --force replaces it, --out FILE chooses "
				      "another place");
}

/* 1: not confirmed. */
static int confirm(struct hf_cmd_ctx *ctx, bool yes, const char *question, const char *nobody)
{
	bool sure = false;
	int rc;

	if (yes)
		return 0;
	hf_out_flush(&ctx->out); /* the page before the question */
	if (!hf_prompt_possible())
		return hf_command_usage(ctx, "%s", nobody);
	rc = hf_prompt_yes(question, false, &sure, &ctx->err);
	if (rc < 0 || sure)
		return rc;
	hf_out_note(&ctx->out, "nothing was done");
	return HF_EXIT_NO;
}

static int sign_and_write(struct hf_cmd_ctx *ctx, struct hf_authority *a,
			  struct hf_root_answer *answer, const char *path, int64_t now)
{
	const struct sign_opts *o = ctx->opts;
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(64 * 1024 * 1024);
	int rc = hf_root_sign(a, answer, o->lists_until, now, &pem, &ctx->err);

	if (rc == 0)
		rc = hf_file_write(path, pem.data, pem.len, HF_MODE_PUBLIC,
				   o->force ? HF_FILE_REPLACE : 0, &ctx->err);
	if (rc < 0)
		return rc;
	if (ctx->out.json_mode) {
		hf_json_string(&ctx->out.json, "answer", path);
		hf_json_string(&ctx->out.json, "serial", answer->order.cert->serial);
		hf_json_int(&ctx->out.json, "lists", (int64_t)answer->lists.len);
	}
	hf_out_print(&ctx->out, "signed      serial %s, with %zu revocation list%s\nanswer      ",
		     answer->order.cert->serial, answer->lists.len,
		     answer->lists.len == 1 ? "" : "s");
	hf_out_safe(&ctx->out, path);
	hf_out_print(&ctx->out, "\n");
	hf_out_flush(&ctx->out);
	hf_out_note(&ctx->out, "next, at the home that asked: handfast root accept %s", path);
	return 0;
}

static int plan(struct hf_cmd_ctx *ctx, struct hf_authority *a, int64_t now,
		struct hf_root_answer *answer)
{
	const struct sign_opts *o = ctx->opts;
	HF_AUTO(NAME_CONSTRAINTS) permit = NULL;
	const char *file = ctx->args->items[0];
	int rc = hf_cli_permit(ctx, &o->permit, &permit);

	if (rc == 0)
		rc = hf_root_plan(a, file, o->days, permit, now, answer, &ctx->err);
	return rc < 0 ? rc : hf_root_page(ctx, file, a, answer, o->lists_until);
}

static int run_sign(struct hf_cmd_ctx *ctx)
{
	const struct sign_opts *o = ctx->opts;
	struct hf_passphrase from = { o->passphrase_file, false };
	HF_AUTO_DONE(hf_root_answer) answer = { .csr = NULL };
	HF_AUTO(hf_authority) a = NULL;
	int64_t now = hf_clock_now();
	char path[PATH_MAX];
	int rc = answer_path(ctx, o, path);

	if (rc == 0)
		rc = hf_cli_open_authority(ctx, &from, &a);
	if (rc < 0)
		return rc;
	if (ctx->out.json_mode)
		hf_out_json_begin(&ctx->out);
	rc = plan(ctx, a, now, &answer);
	if (rc == 0)
		rc = confirm(ctx, o->yes || ctx->out.json_mode, "Sign this?",
			     "nobody is here to confirm this page: read it, and say --yes");
	if (rc == 0)
		rc = sign_and_write(ctx, a, &answer, path, now);
	if (ctx->out.json_mode && rc == 0)
		hf_out_json_end(&ctx->out);
	return rc;
}

static const struct hf_command cmd_root_sign = {
	.name = "root sign",
	.arguments = "FILE",
	.summary = "at the root's machine: read a request on one page, sign it, write the answer",
	.groups = sign_groups,
	.opts_size = sizeof(struct sign_opts),
	.min_args = 1,
	.max_args = 1,
	.run = run_sign,
};

/* --- root accept --- */

struct accept_opts {
	const char *root_sha256, *passphrase_file;
	bool yes;
};

static const struct hf_option accept_options[] = {
	{ .name = "root-sha256",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct accept_opts, root_sha256),
	  .arg = "HEX",
	  .help =
	      "the root's fingerprint, as the root's machine shows it; anything else is refused" },
	{ .name = "yes",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct accept_opts, yes),
	  .help = "believe the root without comparing its fingerprint" },
	{ .name = "passphrase-file",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct accept_opts, passphrase_file),
	  .arg = "FILE",
	  .help = "passphrase of the issuing CA's key (also: $HANDFAST_PASSPHRASE)" },
	{ .name = NULL },
};

static const struct hf_option_group accept_groups[] = {
	{ "Options", accept_options, 0 },
	{ NULL, NULL, 0 },
};

static int check_fingerprint(struct hf_cmd_ctx *ctx, const char *wanted, const struct hf_cert *root)
{
	uint8_t sha256[HF_SHA256_LEN];
	size_t len = 0;

	if (!hf_hex_decode(wanted, sha256, sizeof(sha256), &len) || len != sizeof(sha256))
		return hf_command_usage(ctx, "--root-sha256 wants 64 hexadecimal digits");
	if (memcmp(sha256, root->sha256, sizeof(sha256)) == 0)
		return 0;
	(void)hf_err_set(&ctx->err, HF_E_POLICY,
			 "the answer's root is not the one of --root-sha256: '%s'", root->subject);
	return hf_err_hint(&ctx->err, "somebody may have changed the file on its way");
}

/* Whoever can change the file on its way can put another root into it: a person compares. */
static int believe_root(struct hf_cmd_ctx *ctx, const struct hf_pemfile *answer)
{
	const struct accept_opts *o = ctx->opts;
	const struct hf_cert *root = hf_root_of(answer);
	char hex[2 * HF_SHA256_LEN + 1];

	if (!root)
		return hf_err_set(&ctx->err, HF_E_PARSE, "the answer holds no root");
	if (o->root_sha256)
		return check_fingerprint(ctx, o->root_sha256, root);
	hf_hex_encode(root->sha256, HF_SHA256_LEN, hex);
	hf_out_print(&ctx->out, "root        ");
	hf_out_safe(&ctx->out, root->subject);
	hf_out_print(&ctx->out, "\nSHA-256     %s\n", hex);
	return confirm(ctx, o->yes,
		       "Does the root's machine (handfast show ca/root.pem) show the same SHA-256?",
		       "nobody is here to compare the root's fingerprint: say --root-sha256 HEX");
}

static int load_answer(struct hf_cmd_ctx *ctx, struct hf_pemfile *answer)
{
	const char *file = ctx->args->items[0];
	char words[400];
	int rc = hf_pemfile_load(answer, file, 0, NULL, &ctx->err);

	if (rc < 0 || answer->certs.len || answer->crls.len)
		return rc;
	hf_pemfile_describe(answer, words, sizeof(words));
	return hf_err_set(&ctx->err, HF_MISTAKE_FILE_WRONG, "'%s' is no answer of a root: it is %s",
			  file, words);
}

static void tell_accepted(struct hf_cmd_ctx *ctx, const struct hf_root_accepted *r)
{
	struct hf_json *j = &ctx->out.json;
	char until[80];

	if (ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_json_bool(j, "founded", r->founded);
		hf_json_int(j, "lists", (int64_t)r->lists);
		if (r->issuing) {
			hf_json_object_begin(j, "issuing");
			hf_cli_json_cert(j, r->issuing);
			hf_json_object_end(j);
		}
		hf_out_json_end(&ctx->out);
		return;
	}
	if (r->issuing) {
		hf_cli_until(r->issuing->not_after, hf_clock_now(), until, sizeof(until));
		hf_out_print(&ctx->out, "issuing CA  ");
		hf_out_safe(&ctx->out, r->issuing->subject);
		hf_out_print(&ctx->out, ", until %s\n", until);
	}
	hf_out_print(&ctx->out, "lists       %zu of the root are new here\n", r->lists);
	hf_out_flush(&ctx->out);
	if (r->founded)
		hf_out_note(&ctx->out, "next: handfast issue localhost --server");
}

static int run_accept(struct hf_cmd_ctx *ctx)
{
	const struct accept_opts *o = ctx->opts;
	struct hf_passphrase from = { o->passphrase_file, false };
	const struct hf_passphrase_source pass = { hf_passphrase_get, &from };
	HF_AUTO_DONE(hf_root_accepted) accepted = { .root = NULL };
	HF_AUTO_DONE(hf_pemfile) answer = HF_PEMFILE_INIT;
	HF_AUTO(hf_authority) a = NULL;
	char root[PATH_MAX];
	int64_t now = hf_clock_now();
	int rc = load_answer(ctx, &answer);

	if (rc == 0)
		rc = hf_home_ca(ctx->home, "root.pem", root, &ctx->err);
	if (rc < 0)
		return rc;
	if (hf_file_exists(root)) {
		rc = hf_cli_open_authority(ctx, &from, &a);
		if (rc == 0)
			rc = hf_root_accept(a, ctx->home, &answer, now, &accepted, &ctx->err);
	} else {
		rc = believe_root(ctx, &answer);
		if (rc == 0)
			rc = hf_root_found(ctx->home, &answer, &pass, hf_cli_actor(), now,
					   &accepted, &ctx->err);
	}
	if (rc == 0)
		tell_accepted(ctx, &accepted);
	return rc;
}

static const struct hf_command cmd_root_accept = {
	.name = "root accept",
	.arguments = "FILE",
	.summary = "take in what the root has signed: the issuing CA's certificate, lists",
	.groups = accept_groups,
	.opts_size = sizeof(struct accept_opts),
	.min_args = 1,
	.max_args = 1,
	.run = run_accept,
};

/* --- root release --- */

static int run_release(struct hf_cmd_ctx *ctx)
{
	HF_AUTO(hf_crl) crl = NULL;
	struct hf_root_lists lists = { 0 };
	char dir[PATH_MAX], next[HF_TIME_TEXT_CAP], number[HF_CLI_NUMBER_CAP];
	int64_t now = hf_clock_now();
	int rc = hf_home_ca(ctx->home, "", dir, &ctx->err);

	if (rc == 0)
		rc = hf_root_release(dir, now, &crl, &ctx->err);
	if (rc == 0)
		rc = hf_root_lists_look(dir, now, &lists, &ctx->err);
	if (rc < 0)
		return rc;
	if (ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_json_string(&ctx->out.json, "released", crl ? crl->number : NULL);
		hf_json_int(&ctx->out.json, "waiting", (int64_t)lists.waiting);
		if (lists.next_release)
			hf_json_time(&ctx->out.json, "next", lists.next_release);
		hf_out_json_end(&ctx->out);
	}
	if (crl)
		hf_cli_crl_number(crl, number);
	if (crl)
		hf_out_print(&ctx->out, "released list number %s of the root\n", number);
	else
		hf_out_print(&ctx->out, "the root's list is the newest whose time has come\n");
	if (lists.waiting) {
		hf_time_format(lists.next_release, next);
		hf_out_print(&ctx->out, "%zu wait, the next for %s\n", lists.waiting, next);
	}
	return 0;
}

static const struct hf_command cmd_root_release = {
	.name = "root release",
	.summary = "put the root's list whose date has come into its place (crl does it too)",
	.run = run_release,
};

/* --- the whole --- */

static const struct hf_command *const subcommands[] = { &cmd_root_request, &cmd_root_sign,
							&cmd_root_accept, &cmd_root_release, NULL };

static int run(struct hf_cmd_ctx *ctx)
{
	return hf_command_usage(ctx, "root wants one of: request, sign, accept, release");
}

static const struct hf_example examples[] = {
	{ "handfast init \"ABC Inc.\" --root-only",
	  "at the machine that is never connected: the root" },
	{ "handfast root request \"ABC Inc.\"",
	  "at the other: a key, and a request for the stick" },
	{ "handfast root sign request.pem --lists-until 2027-11-21",
	  "at the root: read the page, sign, and take the answer back" },
	{ "handfast root accept answer.pem", "and the authority is there" },
	{ NULL, NULL },
};

const struct hf_command cmd_root = {
	.name = "root",
	.group = "Identities",
	.arguments = "request|sign|accept|release",
	.summary = "certify an issuing CA by a root that is kept offline",
	.description =
	    "Two files go between two machines: the request, and the answer, which holds the certificate of the "
	    "issuing CA, the root, and the root's revocation lists. Neither holds a key.\n\n"
	    "root sign shows on one page what will be signed, and what differs from the certificate before it; "
	    "on a terminal it asks, elsewhere it wants --yes. The ledger of the root notes the SHA-256 of both "
	    "files.\n\n"
	    "Lists signed ahead (--lists-until; later also crl --until at the root's machine) wait in "
	    "ca/root.crls.pem until their date; crl and root release put each into ca/root.crl.pem when it has "
	    "come.",
	.examples = examples,
	.see_also = "init, crl, doctor",
	.subcommands = subcommands,
	.run = run,
};
