/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands of the authority share.  Must never print a key. */
#include "cli/ca_common.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/time.h"
#include "ca/permit.h"
#include "util/clock.h"

const char *const hf_cli_key_words[] = { "p256",    "p384",    "rsa2048", "rsa3072",
					 "rsa4096", "ed25519", NULL };

enum hf_key_type hf_cli_key_type(int word)
{
	return hf_key_type_parse(hf_cli_key_words[word]);
}

const char *hf_cli_actor(void)
{
	const struct passwd *who = getpwuid(geteuid());

	return who ? who->pw_name : "unknown";
}

int hf_cli_open_authority(struct hf_cmd_ctx *ctx, struct hf_passphrase *from,
			  struct hf_authority **ret_authority)
{
	struct hf_authority_options options = {
		.now = hf_clock_now(),
		.actor = hf_cli_actor(),
		.pass = { hf_passphrase_get, from },
	};

	return hf_authority_open(ctx->home, &options, ret_authority, &ctx->err);
}

const struct hf_option hf_role_options[] = {
	{ .name = "server",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct hf_role_opts, server),
	  .help = "for a server; NAME is the host name or address that clients use" },
	{ .name = "client",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct hf_role_opts, client),
	  .help = "for a client" },
	{ .name = "peer",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct hf_role_opts, peer),
	  .help = "for a program that is both" },
	{ .name = NULL },
};

const struct hf_ca_profile *hf_cli_role(struct hf_cmd_ctx *ctx, const struct hf_role_opts *opts)
{
	if (opts->server + opts->client + opts->peer == 1)
		return hf_ca_profile_find(opts->server	 ? "server"
					  : opts->client ? "client"
							 : "peer");
	(void)hf_command_usage(ctx,
			       opts->server + opts->client + opts->peer
				   ? "one role only: --server, --client, or --peer for both"
				   : "what is it for? Add --server, --client, or --peer for both");
	return NULL;
}

int hf_cli_permit(struct hf_cmd_ctx *ctx, const struct hf_strv *lists, NAME_CONSTRAINTS **ret_nc)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < lists->len; i++)
		rc = hf_permit_parse(lists->items[i], ret_nc, &ctx->err);
	return rc;
}

void hf_cli_tell_notes(struct hf_cmd_ctx *ctx, const char *what, const struct hf_order *order)
{
	HF_AUTO_DONE(hf_buf) words = HF_BUF_INIT(64 * 1024);

	for (size_t i = 0; i < order->notes.len; i++)
		hf_out_warn(&ctx->out, "%s: %s", what, order->notes.items[i]);
	for (size_t i = 0; i < order->dropped.len; i++)
		(void)hf_buf_printf(&words, "%s%s", i ? ", " : "", order->dropped.items[i]);
	if (order->dropped.len)
		hf_out_warn(
		    &ctx->out,
		    "%s: the request also asks for %s; not granted (the profile decides, and --san or "
		    "--copy-sans grants names)",
		    what, hf_buf_str(&words));
}

void hf_cli_json_strings(struct hf_json *j, const char *key, const struct hf_strv *strings)
{
	hf_json_array_begin(j, key);
	for (size_t i = 0; i < strings->len; i++)
		hf_json_string(j, NULL, strings->items[i]);
	hf_json_array_end(j);
}

void hf_cli_json_cert(struct hf_json *j, const struct hf_cert *cert)
{
	HF_AUTO_DONE(hf_buf) sans = HF_BUF_INIT(HF_CLI_PEM_CAP);

	(void)hf_sans_format(&cert->sans, &sans);
	hf_json_string(j, "serial", cert->serial);
	hf_json_string(j, "subject", cert->subject);
	hf_json_string(j, "sans", hf_buf_str(&sans));
	hf_json_string(j, "issuer", cert->issuer);
	hf_json_time(j, "not_before", cert->not_before);
	hf_json_time(j, "not_after", cert->not_after);
	hf_json_hex(j, "sha256", cert->sha256, HF_SHA256_LEN);
}

void hf_cli_json_record(struct hf_json *j, const struct hf_record *r, const char *state)
{
	hf_json_object_begin(j, NULL);
	hf_json_string(j, "serial", r->serial);
	hf_json_string(j, "name", r->name);
	hf_json_string(j, "profile", r->profile);
	hf_json_string(j, "subject", r->subject);
	hf_json_string(j, "sans", r->sans);
	hf_json_string(j, "state", state);
	hf_json_time(j, "asked_at", r->asked_at);
	if (r->der)
		hf_json_time(j, "not_before", r->not_before);
	if (r->not_after) /* all that is known of some that came with an import */
		hf_json_time(j, "not_after", r->not_after);
	if (r->shard)
		hf_json_int(j, "shard", r->shard);
	if (r->der)
		hf_json_hex(j, "sha256", r->sha256, HF_STORE_SHA256_LEN);
	if (r->state == HF_RECORD_REVOKED) {
		hf_json_time(j, "revoked_at", r->revoked_at);
		hf_json_string(j, "reason", hf_crl_reason_name(r->reason));
	}
	hf_json_object_end(j);
}

void hf_cli_until(int64_t at, int64_t now, char *out, size_t cap)
{
	char when[HF_TIME_TEXT_CAP], words[64];

	hf_time_format(at, when);
	when[strlen("2026-12-21")] = '\0';
	/* a minute more: what was made for ten years a moment ago has ten years left */
	hf_duration_words(at > now ? at - now + 60 : now - at, words, sizeof(words));
	(void)snprintf(out, cap, at > now ? "%s (%s)" : "%s (%s ago)", when, words);
}

int hf_cli_chain_pem(struct hf_authority *a, const struct hf_order *order, struct hf_buf *pem,
		     struct hf_err *err)
{
	int rc = hf_cert_to_pem(order->cert, pem, err);

	return rc < 0 ? rc : hf_authority_chain_pem(a, order->issuer, pem, err);
}

static int write_identity(struct hf_cmd_ctx *ctx, struct hf_authority *a,
			  const struct hf_order *order, const char *dir, bool replace)
{
	HF_AUTO_DONE(hf_buf) key = HF_BUF_INIT(HF_CLI_PEM_CAP);
	HF_AUTO_DONE(hf_buf) cert = HF_BUF_INIT(HF_CLI_PEM_CAP);
	HF_AUTO_DONE(hf_buf) ca = HF_BUF_INIT(HF_CLI_PEM_CAP);
	struct hf_idfiles files = { .key = &key, .cert = &cert, .ca = &ca, .drop_request = true };
	int rc = hf_key_to_pem(order->key, NULL, &key, &ctx->err);

	if (rc == 0)
		rc = hf_cli_chain_pem(a, order, &cert, &ctx->err);
	if (rc == 0)
		rc = hf_authority_roots_pem(a, &ca, &ctx->err);
	return rc < 0 ? rc : hf_idfiles_write(dir, &files, replace, &ctx->err);
}

/* Said before anything is made: an intent for nothing would stay in the ledger. */
static int check_place(struct hf_cmd_ctx *ctx, const char *dir)
{
	HF_AUTO_DONE(hf_buf) any = HF_BUF_INIT(1);
	const struct hf_idfiles files = { .key = &any, .cert = &any, .ca = &any };
	char path[PATH_MAX];
	const char *there = hf_idfiles_in_the_way(dir, &files, path);

	if (!there)
		return 0;
	(void)hf_err_set(&ctx->err, HF_E_EXIST, "'%s' is there already", there);
	return hf_err_hint(
	    &ctx->err, "nothing was changed; --force makes a new key and certificate in its place");
}

int hf_cli_issue_into(struct hf_cmd_ctx *ctx, struct hf_authority *a, struct hf_order *order,
		      enum hf_key_type key_type, const char *dir, bool replace, int64_t now)
{
	struct hf_order *orders[] = { order };
	int rc = replace ? 0 : check_place(ctx, dir);

	if (rc == 0 && !order->key)
		rc = hf_key_generate(key_type, &order->key, &ctx->err);
	if (rc == 0 && !order->checked)
		rc = hf_order_check(a, order, now, &ctx->err);
	if (rc == 0)
		rc = hf_issue(a, orders, 1, now, &ctx->err);
	if (rc < 0)
		return rc;
	if (!order->cert) {
		ctx->err = order->err;
		return -order->err.code;
	}
	rc = write_identity(ctx, a, order, dir, replace);
	if (rc < 0) {
		(void)hf_err_context(
		    &ctx->err, rc, "the certificate %s was issued, but its files were not written",
		    order->cert->serial);
		return hf_err_hint(
		    &ctx->err,
		    "mend that, issue again, and revoke the lost one: handfast revoke %s "
		    "--reason superseded",
		    order->cert->serial);
	}
	return 0;
}

int hf_cli_publish_after(struct hf_cmd_ctx *ctx, struct hf_authority *a, int64_t issuer,
			 int64_t now, struct hf_crl_published *ret_published)
{
	struct hf_ca *ca = hf_authority_ca_by_id(a, issuer);

	if (!ca)
		return hf_err_set(&ctx->err, HF_E_NOENT,
				  "that certificate was issued by a CA that this authority no "
				  "longer has");
	return hf_authority_publish_crl(a, ca, 0, NULL, now, ret_published, &ctx->err);
}

void hf_cli_crl_number(const struct hf_crl *crl, char out[HF_CLI_NUMBER_CAP])
{
	BIGNUM *number = NULL;
	char *decimal = crl->number && BN_hex2bn(&number, crl->number) ? BN_bn2dec(number) : NULL;

	if (!decimal || !hf_str_copy(out, HF_CLI_NUMBER_CAP, decimal))
		(void)hf_str_copy(out, HF_CLI_NUMBER_CAP, crl->number ? "very large" : "none");
	OPENSSL_free(decimal);
	BN_free(number);
}
