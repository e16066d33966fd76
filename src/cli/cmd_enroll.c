/* SPDX-License-Identifier: Apache-2.0 */
/* handfast enroll: an identity from an authority elsewhere, with nothing but a token.  Must never
 * send the token before the server has proved to be the one that the token names. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/err.h"
#include "base/file.h"
#include "cli/authority_client.h"
#include "cli/ca_common.h"
#include "enroll/token.h"
#include "http/chars.h"
#include "http/url.h"
#include "pki/san.h"
#include "util/clock.h"
#include "util/home.h"

struct enroll_opts {
	const char *token, *token_file, *as;
	int64_t timeout, wait;
	int key_type;
	bool force;
};

static const struct hf_option options[] = {
	{ .name = "token",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct enroll_opts, token),
	  .arg = "TOKEN",
	  .help = "what handfast token printed at the authority" },
	{ .name = "token-file",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct enroll_opts, token_file),
	  .arg = "FILE",
	  .help = "read it from there, where other users of this machine cannot see it" },
	{ .name = "as",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct enroll_opts, as),
	  .arg = "NAME",
	  .help = "keep the identity in id/NAME (default: its common name)" },
	{ .name = "key-type",
	  .kind = HF_OPT_WORD,
	  .offset = offsetof(struct enroll_opts, key_type),
	  .arg = "TYPE",
	  .words = hf_cli_key_words,
	  .initial = "p256",
	  .help = "kind of the new key" },
	{ .name = "timeout",
	  .kind = HF_OPT_DURATION,
	  .offset = offsetof(struct enroll_opts, timeout),
	  .arg = "TIME",
	  .unit = 1,
	  .min = 1,
	  .max = 3600,
	  .initial = "30s",
	  .help = "how long to wait for the authority" },
	{ .name = "wait",
	  .kind = HF_OPT_DURATION,
	  .offset = offsetof(struct enroll_opts, wait),
	  .arg = "TIME",
	  .unit = 60,
	  .max = INT64_C(30) * HF_DAY_SECONDS,
	  .help =
	      "when an operator has to approve, stay and ask again for so long (10m; a bare number is "
	      "minutes)" },
	{ .name = "force",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct enroll_opts, force),
	  .help = "replace the identity, and the root trusted as 'own', that are there" },
	{ .name = NULL },
};

static const struct hf_option_group groups[] = {
	{ "Options", options, 0 },
	{ NULL, NULL, 0 },
};

/* All that one enrolment holds. */
struct enrolment {
	struct hf_cmd_ctx *ctx;
	const struct enroll_opts *o;
	struct hf_token_text token;
	char token_text[HF_TOKEN_TEXT_LEN + 1];
	struct hf_cert *root;
	struct hf_trust *trust;
	char key_path[PATH_MAX], own_path[PATH_MAX], dir[PATH_MAX];
	EVP_PKEY *key;
	struct hf_certs chain;
	char name[HF_ORDER_NAME_CAP];
	struct hf_buf names; /* by which the authority says it is met; nothing vouches for them */
};

static int read_token(struct enrolment *e)
{
	HF_AUTO_DONE(hf_secret) file = HF_SECRET_INIT;
	const char *text = e->o->token;
	int rc = 0;

	if (!text)
		rc = hf_secret_load(&file, e->o->token_file, &e->ctx->err);
	if (rc < 0)
		return rc;
	if (!text)
		text = file.data ? file.data : "";
	if (!hf_token_text_parse(text, strlen(text), &e->token)) {
		(void)
		    hf_err_set(&e->ctx->err, HF_E_INVALID,
			       "this is not a token, or not all of it: a token has %d characters, "
			       "this has %zu",
			       (int)HF_TOKEN_TEXT_LEN, strlen(text));
		return hf_err_hint(&e->ctx->err, "copy the whole line that handfast token printed");
	}
	memcpy(e->token_text, text, HF_TOKEN_TEXT_LEN + 1);
	return 0;
}

/* Whoever answers may say what the root is; the token says whether it is true. */
static int find_root(struct enrolment *e)
{
	const struct hf_client_call call = { .url = e->ctx->args->items[0],
					     .path = "/ca",
					     .timeout = e->o->timeout,
					     .names = &e->names };
	HF_AUTO_DONE(hf_buf) body = HF_BUF_INIT(HF_CLIENT_BODY_CAP);
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	int rc = hf_client_call(&call, &body, &e->ctx->err);

	if (rc == 0)
		rc = hf_pemfile_parse(&file, body.data, body.len, "the authority's answer", 0, NULL,
				      &e->ctx->err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < file.certs.len && !e->root; i++) {
		if (memcmp(file.certs.items[i]->spki_sha256, e->token.root, HF_SHA256_LEN) == 0)
			e->root = hf_cert_ref(file.certs.items[i]);
	}
	if (!e->root) {
		(void)hf_err_set(&e->ctx->err, HF_E_POLICY,
				 "'%s' is not the authority that made the token",
				 e->ctx->args->items[0]);
		return hf_err_hint(&e->ctx->err,
				   "the token was not sent; look at the address (of several "
				   "authorities in one service, each is met by its own name), and "
				   "at what is between here and there");
	}
	rc = hf_trust_new(0, &e->trust, &e->ctx->err);
	if (rc == 0)
		rc = hf_trust_add_anchor(e->trust, e->root, "own", &e->ctx->err);
	return rc < 0 ? rc : hf_trust_freeze(e->trust, &e->ctx->err);
}

/* Said before the token is spent. */
static int check_trust(struct enrolment *e)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	int rc = hf_home_trust(e->ctx->home, "own", e->own_path, &e->ctx->err);

	if (rc < 0 || e->o->force || !hf_file_exists(e->own_path))
		return rc;
	rc = hf_pemfile_load(&file, e->own_path, 0, NULL, &e->ctx->err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < file.certs.len; i++) {
		if (hf_cert_equal(file.certs.items[i], e->root))
			return 0;
	}
	(void)hf_err_set(&e->ctx->err, HF_E_EXIST,
			 "this home has another authority's root as its own ('%s')", e->own_path);
	return hf_err_hint(&e->ctx->err,
			   "the token was not used; take another home (--home DIR), or --force");
}

static int check_place(struct enrolment *e)
{
	HF_AUTO_DONE(hf_buf) any = HF_BUF_INIT(1);
	const struct hf_idfiles files = { .key = &any, .cert = &any, .ca = &any };
	char path[PATH_MAX];
	const char *there;
	int rc = hf_home_id(e->ctx->home, e->name, "", e->dir, &e->ctx->err);

	if (rc < 0)
		return rc;
	there = e->o->force ? NULL : hf_idfiles_in_the_way(e->dir, &files, path);
	if (!there)
		return 0;
	(void)hf_err_set(&e->ctx->err, HF_E_EXIST, "'%s' is there already", there);
	return hf_err_hint(&e->ctx->err, "choose a name with --as, or replace it with --force");
}

static int make_key(struct enrolment *e)
{
	char file[64], ids[PATH_MAX];
	int rc = hf_home_id(e->ctx->home, "", "", ids, &e->ctx->err);

	(void)snprintf(file, sizeof(file), ".enroll-%s.key", e->token.id);
	if (rc == 0)
		rc = hf_dir_make(ids, HF_MODE_DIR, &e->ctx->err);
	if (rc == 0)
		rc = hf_path_join(e->key_path, sizeof(e->key_path), ids, file, &e->ctx->err);
	return rc < 0 ? rc
		      : hf_client_pending_key(e->key_path, hf_cli_key_type(e->o->key_type), &e->key,
					      &e->ctx->err);
}

/* The roots came by the label, and the connection met another authority's certificate: nobody asks
 * for this one by the name that was given. */
static void hint_name(struct enrolment *e)
{
	struct hf_slice rest = { hf_buf_str(&e->names), e->names.len }, one, first = { NULL, 0 };
	struct hf_url url;
	char name[HF_HOST_CAP];

	if (e->names.len == 0 || hf_url_parse(e->ctx->args->items[0], &url, NULL) < 0)
		return;
	while (hf_slice_next(&rest, ',', &one)) {
		if (hf_slice_case_is(one, url.host))
			return;
		if (!first.data && one.len < sizeof(name))
			first = one;
	}
	(void)snprintf(name, sizeof(name), "%.*s", (int)first.len, first.data ? first.data : "");
	if (!hf_dns_name_valid(name, strlen(name), false))
		return;
	(void)
	    hf_err_hint(&e->ctx->err,
			"this service has several authorities, and the one that made the token is "
			"met by its name, not by a label: handfast enroll https://%s:%d --token T",
			name, url.port);
}

static int ask_once(struct enrolment *e)
{
	HF_AUTO_DONE(hf_buf) request = HF_BUF_INIT(HF_CLIENT_BODY_CAP);
	HF_AUTO_DONE(hf_buf) body = HF_BUF_INIT(HF_CLIENT_BODY_CAP);
	const struct hf_client_call call = { .url = e->ctx->args->items[0],
					     .path = "/enroll",
					     .trust = e->trust,
					     .token = e->token_text,
					     .body = &request,
					     .timeout = e->o->timeout };
	int rc = hf_client_request(e->key, &request, &e->ctx->err);

	if (rc == 0)
		rc = hf_client_call(&call, &body, &e->ctx->err);
	if (rc < 0 && rc != -HF_E_AGAIN)
		hint_name(e);
	/* a refusal that no retry changes: the key is of no use */
	if (rc == -HF_E_POLICY)
		(void)unlink(e->key_path);
	if (rc == -HF_E_AGAIN)
		return rc;
	return rc < 0 ? rc : hf_client_chain(&body, e->key, e->trust, &e->chain, &e->ctx->err);
}

/* What the operator sees of us: the key by its hash, to be compared by voice. */
static void tell_waiting(struct enrolment *e)
{
	uint8_t spki[HF_SHA256_LEN];
	char hex[2 * HF_SHA256_LEN + 1];

	if (hf_key_spki_sha256(e->key, spki, NULL) < 0)
		return;
	hf_hex_encode(spki, sizeof(spki), hex);
	hf_out_note(&e->ctx->out,
		    "waiting for an operator of the authority; there: handfast approve %s (the key "
		    "that asks has the SHA-256 %s)",
		    e->token.id, hex);
}

enum { ASK_EVERY_SECONDS = 5 };

/* The key stays the same from one try to the next: it is what the operator approves. */
static int ask(struct enrolment *e)
{
	int64_t until = hf_clock_monotonic_ms() / 1000 + e->o->wait;
	bool told = false;
	int rc;

	while ((rc = ask_once(e)) == -HF_E_AGAIN) {
		const struct timespec pause = { .tv_sec = ASK_EVERY_SECONDS };

		if (!told)
			tell_waiting(e);
		told = true;
		if (hf_clock_monotonic_ms() / 1000 + ASK_EVERY_SECONDS > until)
			return hf_err_hint(
			    &e->ctx->err,
			    "run the same command again when it is approved: nothing is "
			    "lost; or stay with --wait 10m");
		(void)nanosleep(&pause, NULL);
	}
	return rc;
}

static int choose_name(struct enrolment *e)
{
	const struct hf_cert *leaf = e->chain.items[0];
	const char *cn = leaf->common_name;

	if (e->o->as)
		return 0;
	if (!cn || !hf_str_copy(e->name, sizeof(e->name), cn) || hf_home_check_name(cn, NULL) < 0) {
		(void)hf_err_set(&e->ctx->err, HF_E_INVALID,
				 "the identity needs a name here, and '%s' does not give one",
				 leaf->subject);
		return hf_err_hint(&e->ctx->err, "run it again with --as NAME: nothing is lost");
	}
	return check_place(e);
}

static int write_files(struct enrolment *e)
{
	HF_AUTO_DONE(hf_buf) key = HF_BUF_INIT(HF_CLI_PEM_CAP);
	HF_AUTO_DONE(hf_buf) cert = HF_BUF_INIT(HF_CLI_PEM_CAP);
	HF_AUTO_DONE(hf_buf) ca = HF_BUF_INIT(HF_CLI_PEM_CAP);
	const struct hf_idfiles files = { .key = &key, .cert = &cert, .ca = &ca };
	struct hf_err *err = &e->ctx->err;
	int rc = hf_key_to_pem(e->key, NULL, &key, err);

	for (size_t i = 0; rc == 0 && i < e->chain.len; i++)
		rc = hf_cert_to_pem(e->chain.items[i], &cert, err);
	if (rc == 0)
		rc = hf_client_roots(e->ctx->args->items[0], e->trust, &ca, err);
	if (rc == 0)
		rc = hf_idfiles_write(e->dir, &files, e->o->force, err);
	if (rc == 0) {
		char trust[PATH_MAX];

		(void)hf_str_copy(trust, sizeof(trust), e->own_path);
		*strrchr(trust, '/') = '\0';
		rc = hf_dir_make(trust, HF_MODE_DIR, err);
	}
	if (rc == 0 && (e->o->force || !hf_file_exists(e->own_path)))
		rc = hf_file_write(e->own_path, ca.data, ca.len, HF_MODE_PUBLIC, HF_FILE_REPLACE,
				   err);
	if (rc < 0)
		return hf_err_context(
		    err, rc,
		    "the certificate is there, but its files could not be written; "
		    "run the same command again");
	(void)unlink(e->key_path);
	return 0;
}

static void tell(struct enrolment *e)
{
	const struct hf_cert *leaf = e->chain.items[0];
	struct hf_cmd_ctx *ctx = e->ctx;
	char until[80];

	hf_cli_until(leaf->not_after, hf_clock_now(), until, sizeof(until));
	if (ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_json_string(&ctx->out.json, "name", e->name);
		hf_cli_json_cert(&ctx->out.json, leaf);
		hf_json_string(&ctx->out.json, "directory", e->dir);
		hf_json_string(&ctx->out.json, "trust", e->own_path);
		hf_out_json_end(&ctx->out);
	}
	hf_out_safe(&ctx->out, leaf->subject);
	hf_out_print(&ctx->out, ": enrolled, until %s\nserial %s\nfiles  ", until, leaf->serial);
	hf_out_safe(&ctx->out, e->dir);
	hf_out_print(&ctx->out, "/{cert,key,ca}.pem\ntrust  ");
	hf_out_safe(&ctx->out, e->own_path);
	hf_out_print(&ctx->out, "\n");
	hf_out_flush(&ctx->out);
	hf_out_note(
	    &ctx->out,
	    "next: handfast get --as %s https://…, or handfast serve --as %s; keep it fresh "
	    "with: handfast renew %s --from %s",
	    e->name, e->name, e->name, ctx->args->items[0]);
}

static int enrol(struct enrolment *e)
{
	int rc = read_token(e);

	if (rc == 0 && e->o->as) {
		if (!hf_str_copy(e->name, sizeof(e->name), e->o->as))
			return hf_err_set(&e->ctx->err, HF_E_INVALID, "the name is too long");
		rc = check_place(e);
	}
	if (rc == 0)
		rc = find_root(e);
	if (rc == 0)
		rc = check_trust(e);
	if (rc == 0)
		rc = make_key(e);
	if (rc == 0)
		rc = ask(e);
	if (rc == 0)
		rc = choose_name(e);
	if (rc == 0)
		rc = write_files(e);
	if (rc == 0)
		tell(e);
	return rc;
}

static int run(struct hf_cmd_ctx *ctx)
{
	struct enrolment e = {
		.ctx = ctx, .o = ctx->opts, .chain = HF_CERTS_INIT, .names = HF_BUF_INIT(1024)
	};
	int rc;

	if (!e.o->token == !e.o->token_file)
		return hf_command_usage(ctx, "which token? Give --token or --token-file");
	rc = enrol(&e);
	if (rc == -HF_E_AGAIN) { /* an answer, and not yet the last one */
		hf_out_error(&ctx->out, &ctx->err);
		rc = HF_EXIT_NO;
	}
	OPENSSL_cleanse(&e.token, sizeof(e.token));
	OPENSSL_cleanse(e.token_text, sizeof(e.token_text));
	hf_cert_unref(e.root);
	hf_trust_unref(e.trust);
	EVP_PKEY_free(e.key);
	hf_certs_done(&e.chain);
	hf_buf_done(&e.names);
	return rc;
}

static const struct hf_example examples[] = {
	{ "handfast enroll https://ca.abc.com:8443 --token-file token --as mail-server",
	  "a machine joins" },
	{ NULL, NULL },
};

const struct hf_command cmd_enroll = {
	.name = "enroll",
	.group = "Service",
	.arguments = "URL",
	.summary = "get an identity from an authority elsewhere, with a token",
	.description =
	    "Key and request are made here; only the request leaves this machine. The server is checked by the "
	    "SHA-256 of the root's key that the token carries, before the token is sent: nothing need be here "
	    "beforehand. Writes id/NAME/{key,cert,ca}.pem and trust/own.pem. When the answer is lost, the same "
	    "command again gets the same certificate.",
	.groups = groups,
	.opts_size = sizeof(struct enroll_opts),
	.examples = examples,
	.exits =
	    "0 enrolled; 1 refused by the authority, waiting for its operator, or files are there already",
	.see_also = "token, authority, renew",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
