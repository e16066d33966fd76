/* SPDX-License-Identifier: Apache-2.0 */
/* Shared options.  Must never trust anything but what was named, or what the home says. */
#include "cli/common.h"

#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/file.h"
#include "cli/credential.h"
#include "cli/fetch_list.h"
#include "http/url.h"
#include "util/home.h"

const struct hf_option hf_credential_options[] = {
	{ .name = "as",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_credential_opts, as),
	  .arg = "NAME",
	  .help = "the identity of the home to act as" },
	{ .name = "cert",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_credential_opts, cert),
	  .arg = "FILE",
	  .help =
	      "certificate with its intermediates, PEM, DER or PKCS#12; it may hold the key too" },
	{ .name = "key",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_credential_opts, key),
	  .arg = "FILE|URI",
	  .help = "private key, when it is not in the certificate's file; pkcs11:… names one in a "
		  "token (RFC 7512)" },
	{ .name = "passphrase-file",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_credential_opts, passphrase_file),
	  .arg = "FILE",
	  .help =
	      "file whose first line is the passphrase of the key (also: $HANDFAST_PASSPHRASE)" },
	{ .name = NULL },
};

static const char *const profile_words[] = { "openssl", "strict", NULL };

#define ANCHOR_ROWS                                                                                \
	{ .name = "ca",                                                                            \
	  .kind = HF_OPT_LIST,                                                                     \
	  .offset = offsetof(struct hf_trust_opts, ca),                                            \
	  .arg = "FILE",                                                                           \
	  .help = "trust the CA certificates of this file, instead of the home's trust" },         \
	{                                                                                          \
		.name = "crl", .kind = HF_OPT_LIST, .offset = offsetof(struct hf_trust_opts, crl), \
		.arg = "FILE|DIR|URL",                                                             \
		.help =                                                                            \
		    "revocation lists; from the first on, every CA of a chain needs a current one" \
	}
#define GRACE_ROW                                                                              \
	{                                                                                      \
		.name = "crl-grace", .kind = HF_OPT_DURATION,                                  \
		.offset = offsetof(struct hf_trust_opts, crl_grace), .arg = "TIME",            \
		.max = HF_CRL_GRACE_MAX,                                                       \
		.help = "a list still counts for so long after its nextUpdate, with warnings " \
			"(default 0: whoever needs it is refused)"                             \
	}
#define COMPAT_ROW                                                                 \
	{                                                                          \
		.name = "compat", .kind = HF_OPT_FLAG,                             \
		.offset = offsetof(struct hf_trust_opts, compat),                  \
		.help = "accept a server name that stands only in the common name" \
	}

const struct hf_option hf_trust_options[] = {
	ANCHOR_ROWS,
	GRACE_ROW,
	{ .name = "profile",
	  .kind = HF_OPT_WORD,
	  .offset = offsetof(struct hf_trust_opts, profile),
	  .words = profile_words,
	  .initial = "openssl",
	  .help = "how strict the judge is; strict refuses what openssl only warns of" },
	COMPAT_ROW,
	{ .name = NULL },
};

const struct hf_option hf_anchor_options[] = {
	ANCHOR_ROWS, GRACE_ROW, COMPAT_ROW, { .name = NULL }
};

const struct hf_option hf_follow_options[] = {
	{ .name = "revocations-from",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_follow_opts, from),
	  .arg = "URL",
	  .help =
	      "follow the revocations of this authority (handfast authority) as they happen: "
	      "what it revokes is refused, and its open connections are closed, within a second" },
	{ .name = "revocations-as",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_follow_opts, as),
	  .arg = "NAME",
	  .help = "the identity of the home to follow them with (default: our own; any "
		  "certificate of that authority will do)" },
	{ .name = NULL },
};

/* A request that was made here and not answered yet: the key is there, the certificate is not. */
static bool waits_for_its_ca(const char *home, const char *name)
{
	struct hf_err ignored;
	char path[PATH_MAX];

	return hf_home_id(home, name, "request.pem", path, &ignored) == 0 && hf_file_exists(path);
}

void hf_cli_hint_identity(const char *home, const char *name, struct hf_err *err)
{
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
	const char *nearest = NULL;
	struct hf_err ignored;
	char dir[PATH_MAX];

	if (waits_for_its_ca(home, name)) {
		(void)hf_err_hint(err,
				  "its request waits for the CA; then: handfast install %s FILE",
				  name);
		(void)hf_err_is(err, HF_MISTAKE_IDENTITY_WAITS);
		(void)hf_err_at_text(err, name);
		return;
	}
	(void)hf_err_is(err, HF_MISTAKE_NO_IDENTITY);
	(void)hf_err_at_text(err, name);
	if (hf_home_id(home, "", "", dir, &ignored) == 0 &&
	    hf_dir_list(dir, &names, &ignored) == 0 && names.len > 0)
		nearest = hf_str_nearest(name, (const char *const *)names.items);
	if (nearest)
		(void)hf_err_hint(err, "did you mean '%s'?", nearest);
	else
		(void)hf_err_hint(err, "make it with: handfast issue %s --server|--client", name);
}

int hf_cli_load_credential(struct hf_cmd_ctx *ctx, const struct hf_credential_opts *opts,
			   struct hf_credential **ret_credential)
{
	struct hf_passphrase from = { opts->passphrase_file, false };
	struct hf_passphrase_source source = { hf_passphrase_get, &from };
	char cert[PATH_MAX], key[PATH_MAX];
	int rc;

	if (opts->as && opts->cert)
		return hf_command_usage(ctx, "--as and --cert exclude each other");
	if (opts->key && !opts->cert)
		return hf_command_usage(ctx, "--key needs --cert");
	if (opts->cert) {
		rc = hf_cli_read_credential(opts->cert, opts->key, &source, ret_credential,
					    &ctx->err);
	} else if (opts->as) {
		rc = hf_home_id(ctx->home, opts->as, "cert.pem", cert, &ctx->err);
		if (rc == 0)
			rc = hf_home_id(ctx->home, opts->as, "key.pem", key, &ctx->err);
		if (rc == 0)
			rc = hf_cli_read_credential(cert, key, &source, ret_credential, &ctx->err);
		if (rc == -HF_E_NOENT && !hf_file_exists(cert))
			hf_cli_hint_identity(ctx->home, opts->as, &ctx->err);
	} else {
		return 0;
	}
	if (rc == 0 && (*ret_credential)->key_world_readable)
		hf_out_warn(&ctx->out,
			    "the private key '%s' can be read by others; mend it with: chmod 600",
			    (*ret_credential)->key_path ? (*ret_credential)->key_path : opts->cert);
	return rc;
}

/* One file of the home's trust directory; NAME.pem gives the label NAME. */
static int add_home_anchor(struct hf_cmd_ctx *ctx, struct hf_trust *trust, const char *file)
{
	HF_AUTO(cstr) name = NULL;
	char path[PATH_MAX];
	int rc;

	if (!hf_str_ends(file, ".pem") || file[0] == '.')
		return 0;
	name = hf_str_ndup(file, strlen(file) - strlen(".pem"));
	if (!name)
		return hf_err_nomem(&ctx->err);
	rc = hf_home_trust(ctx->home, name, path, &ctx->err);
	return rc < 0 ? rc : hf_trust_load_file(trust, path, name, &ctx->err);
}

static int add_home_trust(struct hf_cmd_ctx *ctx, struct hf_trust *trust)
{
	HF_AUTO_DONE(hf_strv) files = HF_STRV_INIT;
	char dir[PATH_MAX];
	int rc = hf_home_trust(ctx->home, "", dir, &ctx->err);

	if (rc < 0 || !hf_file_exists(dir))
		return rc;
	rc = hf_dir_list(dir, &files, &ctx->err);
	for (size_t i = 0; rc == 0 && i < files.len; i++)
		rc = add_home_anchor(ctx, trust, files.items[i]);
	return rc;
}

/* The anchors that came with the identity, when the home does not hold its authority. */
static int add_identity_anchors(struct hf_cmd_ctx *ctx, struct hf_trust *trust, const char *as)
{
	char path[PATH_MAX];
	int rc = hf_home_id(ctx->home, as, "ca.pem", path, &ctx->err);

	if (rc < 0 || !hf_file_exists(path))
		return rc;
	return hf_trust_load_file(trust, path, "own", &ctx->err);
}

/* What the home's own authority revoked counts without being asked for. */
static int add_home_crls(struct hf_cmd_ctx *ctx, struct hf_trust *trust)
{
	HF_AUTO_DONE(hf_strv) lists = HF_STRV_INIT;
	int rc = hf_home_lists(ctx->home, &lists, &ctx->err);

	/* other parties of the home's trust keep lists of their own, or none */
	hf_trust_set_crl_mode(trust, HF_CRL_KNOWN);
	for (size_t i = 0; rc == 0 && i < lists.len; i++) {
		if (hf_file_exists(lists.items[i]))
			rc = hf_trust_load_crl(trust, lists.items[i], &ctx->err);
	}
	return rc;
}

/* https is judged by the anchors alone: the lists are on their way. */
static int fetch_list(struct hf_cmd_ctx *ctx, const char *url, struct hf_trust *trust)
{
	HF_AUTO(hf_trust) judge = NULL;
	int rc = hf_trust_anchors_only(trust, &judge, &ctx->err);

	return rc < 0 ? rc : hf_cli_fetch_list(url, judge, trust, &ctx->err);
}

static int add_list(struct hf_cmd_ctx *ctx, const struct hf_trust_opts *opts, const char *list,
		    struct hf_trust *trust)
{
	if (!hf_url_looks_like(list))
		return hf_trust_load_crl(trust, list, &ctx->err);
	if (!opts->lists_follow)
		return fetch_list(ctx, list, trust);
	hf_trust_set_crl_mode(trust, HF_CRL_REQUIRED);
	return 0;
}

static int fill_trust(struct hf_cmd_ctx *ctx, const struct hf_trust_opts *opts, const char *as,
		      struct hf_trust *trust)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < opts->ca.len; i++)
		rc = hf_trust_load_file(trust, opts->ca.items[i], opts->ca.items[i], &ctx->err);
	if (rc == 0 && opts->ca.len == 0) {
		rc = add_home_trust(ctx, trust);
		if (rc == 0 && as)
			rc = add_identity_anchors(ctx, trust, as);
		/* lists that were named replace the home's, so that each can be looked at alone */
		if (rc == 0 && opts->crl.len == 0)
			rc = add_home_crls(ctx, trust);
	}
	if (rc == 0 && opts->also)
		rc = hf_trust_load_file(trust, opts->also, opts->also, &ctx->err);
	for (size_t i = 0; rc == 0 && i < opts->crl.len; i++)
		rc = add_list(ctx, opts, opts->crl.items[i], trust);
	return rc;
}

int hf_cli_load_trust(struct hf_cmd_ctx *ctx, const struct hf_trust_opts *opts, const char *as,
		      uint64_t generation, struct hf_trust **ret_trust)
{
	HF_AUTO(hf_trust) trust = NULL;
	int rc = hf_trust_new(generation, &trust, &ctx->err);

	if (rc == 0) {
		hf_trust_set_crl_grace(trust, opts->crl_grace);
		hf_trust_set_lists_at_hand(trust, opts->lists);
		rc = fill_trust(ctx, opts, as, trust);
	}
	if (rc == 0)
		rc = hf_trust_freeze(trust, &ctx->err);
	if (rc == 0)
		*ret_trust = hf_take(trust);
	return rc;
}

static int add_home_paths(struct hf_cmd_ctx *ctx, const char *as, bool crls,
			  struct hf_strv *ret_paths)
{
	char paths[2][PATH_MAX] = { "", "" };
	int rc = hf_home_trust(ctx->home, "", paths[0], &ctx->err);

	if (rc == 0 && as)
		rc = hf_home_id(ctx->home, as, "ca.pem", paths[1], &ctx->err);
	for (size_t i = 0; rc == 0 && i < HF_ARRAY_LEN(paths); i++)
		if (paths[i][0] && hf_strv_add(ret_paths, paths[i]) < 0)
			rc = hf_err_nomem(&ctx->err);
	return rc == 0 && crls ? hf_home_lists(ctx->home, ret_paths, &ctx->err) : rc;
}

int hf_cli_trust_paths(struct hf_cmd_ctx *ctx, const struct hf_trust_opts *opts, const char *as,
		       struct hf_strv *ret_paths)
{
	const struct hf_strv *lists[] = { &opts->ca, &opts->crl };

	for (size_t l = 0; l < HF_ARRAY_LEN(lists); l++)
		for (size_t i = 0; i < lists[l]->len; i++)
			if (!hf_url_looks_like(lists[l]->items[i]) &&
			    hf_strv_add(ret_paths, lists[l]->items[i]) < 0)
				return hf_err_nomem(&ctx->err);
	if (opts->ca.len > 0)
		return 0;
	return add_home_paths(ctx, as, opts->crl.len == 0, ret_paths);
}

/* A directory of that name (a home beside us, say) is nothing to read. */
bool hf_cli_is_file(const char *what)
{
	struct stat st;

	return stat(what, &st) == 0 && !S_ISDIR(st.st_mode);
}

int hf_cli_find_file(struct hf_cmd_ctx *ctx, const char *what, char out[PATH_MAX])
{
	struct hf_err ignored;

	if (strcmp(what, "-") != 0 && !hf_cli_is_file(what) &&
	    hf_home_id(ctx->home, what, "cert.pem", out, &ignored) == 0 && hf_file_exists(out))
		return 0;
	if (!hf_str_copy(out, PATH_MAX, what))
		return hf_err_set(&ctx->err, HF_E_LIMIT, "path is too long: '%s'", what);
	return 0;
}
