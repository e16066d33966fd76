/* SPDX-License-Identifier: Apache-2.0 */
/* Loading the files that a generation is made of, at start and at each reload, in supervisor and
 * workers.  Must never take half of a changed configuration. */

#include "base/err.h"
#include "base/file.h"
#include "cli/serve_file_internal.h"
#include "gateway/generation.h"
#include "pki/ocsp.h"
#include "util/clock.h"
#include "util/home.h"
#include "util/log.h"

/* --- one policy --- */

/* The certificate's file, never the key's: digests go to the log. */
static int note_certificate(const struct hf_serve_source *source,
			    const struct hf_credential_opts *opts, struct hf_policy_parts *parts,
			    struct hf_err *err)
{
	char cert[PATH_MAX];

	if (opts->cert)
		return opts->key ? hf_filestamps_add(parts->files, "certificate", opts->cert, err)
				 : 0; /* it holds the key too */
	if (hf_home_id(source->ctx->home, opts->as, "cert.pem", cert, NULL) < 0)
		return 0;
	return hf_filestamps_add(parts->files, "certificate", cert, err);
}

static const char *role_of(const struct hf_serve_opts *opts, const char *path)
{
	bool list = hf_strv_has(&opts->trust.crl, path) || hf_str_ends(path, "crl.pem");

	return list ? "crl" : "ca"; /* the home's lists are ca/crl.pem and ca/root.crl.pem */
}

static int note_files(const struct hf_serve_source *source, const struct hf_serve_opts *opts,
		      struct hf_policy_parts *parts, struct hf_err *err)
{
	HF_AUTO_DONE(hf_strv) paths = HF_STRV_INIT;
	int rc = hf_filestamps_new(&parts->files, err);

	if (rc == 0)
		rc = note_certificate(source, &opts->credential, parts, err);
	if (rc == 0 &&
	    hf_cli_trust_paths(source->ctx, &opts->trust, opts->credential.as, &paths) < 0)
		rc = hf_err_nomem(err);
	for (size_t i = 0; rc == 0 && i < paths.len; i++)
		rc = hf_filestamps_add(parts->files, role_of(opts, paths.items[i]), paths.items[i],
				       err);
	return rc;
}

/* A bad response is none: clients would refuse us with it. */
static int use_staple(const struct hf_serve_opts *opts, const void *der, size_t len,
		      struct hf_policy_parts *parts, struct hf_err *err)
{
	struct hf_err why = HF_ERR_INIT;
	int rc = hf_credential_staple(parts->credential, der, len, hf_trust_anchors(parts->trust),
				      hf_clock_now(), &why);

	if (rc < 0)
		hf_log_say("--staple-file '%s' is not handed out: %s", opts->staple_file, why.msg);
	return rc == -HF_E_NOMEM ? hf_err_nomem(err) : 0;
}

/* Nothing in `der` when there is none, or it cannot be read. */
static int read_staple(const struct hf_serve_opts *opts, struct hf_policy_parts *parts,
		       struct hf_buf *der, struct hf_err *err)
{
	struct hf_err why = HF_ERR_INIT;

	if (!opts->staple_file)
		return 0;
	if (hf_file_read(opts->staple_file, der, &why) == 0)
		return hf_filestamps_add(parts->files, "staple", opts->staple_file, err);
	hf_buf_clear(der);
	hf_log_say("--staple-file '%s' is not handed out: %s", opts->staple_file, why.msg);
	return why.code == HF_E_NOMEM ? hf_err_nomem(err) : 0;
}

/* What is to be fetched, and cannot be, is told of now. */
static void check_staple(const struct hf_serve_opts *opts, struct hf_policy_parts *parts)
{
	const struct hf_credential *credential = parts->credential;
	HF_AUTO(cstr) url = hf_ocsp_url(credential->chain.items[0]);

	parts->staple = opts->staple;
	if (!opts->staple)
		return;
	if (url == NULL)
		hf_log_say("--staple: the certificate %s names no OCSP responder, so none is asked",
			   credential->chain.items[0]->subject);
	else if (hf_credential_issuer(credential, hf_trust_anchors(parts->trust)) == NULL)
		hf_log_say("--staple: the certificate of the issuer '%s' is not here, and without "
			   "it nobody can be asked",
			   credential->chain.items[0]->issuer);
}

static int read_files(const struct hf_serve_source *source, const struct hf_serve_opts *opts,
		      uint64_t number, struct hf_policy_parts *parts, struct hf_buf *staple)
{
	struct hf_cmd_ctx *ctx = source->ctx;
	struct hf_trust_opts trust = opts->trust;
	/* before they are read: what changes in between is told as changed */
	int rc = note_files(source, opts, parts, &ctx->err);

	trust.lists_follow = true;
	trust.lists = &source->lists;
	if (rc == 0)
		rc = hf_cli_load_trust(ctx, &trust, opts->credential.as, number, &parts->trust);
	return rc < 0 ? rc : read_staple(opts, parts, staple, &ctx->err);
}

/* For the workers, who get the same and read nothing. */
static int pack_files(const struct hf_policy_parts *parts, const struct hf_buf *staple,
		      struct hf_buf *out, struct hf_err *err)
{
	hf_filestamps_pack(parts->files, out);
	hf_pack_bytes(out, hf_buf_str(staple), staple->len);
	return hf_trust_pack(parts->trust, out, err);
}

static int unpack_files(struct hf_unpack *in, uint64_t number, const struct hf_crls *lists,
			struct hf_policy_parts *parts, struct hf_buf *staple, struct hf_err *err)
{
	int rc = hf_filestamps_unpack(in, &parts->files, err);
	size_t len = 0;
	const void *der = rc == 0 ? hf_unpack_bytes(in, &len) : NULL;

	if (rc == 0 && len > 0 && hf_buf_append(staple, der, len) < 0)
		return hf_err_nomem(err);
	return rc < 0 ? rc : hf_trust_unpack(in, number, lists, &parts->trust, err);
}

static int get_files(const struct hf_serve_source *source, const struct hf_serve_opts *opts,
		     uint64_t number, struct hf_policy_parts *parts, struct hf_buf *staple)
{
	struct hf_err *err = &source->ctx->err;
	int rc;

	if (source->unpack)
		return unpack_files(source->unpack, number, &source->lists, parts, staple, err);
	rc = read_files(source, opts, number, parts, staple);
	return rc < 0 || !source->pack ? rc : pack_files(parts, staple, source->pack, err);
}

static int load_policy(struct hf_serve_source *source, const struct hf_serve_opts *opts,
		       uint64_t number, struct hf_policy_parts *parts, struct hf_err *err)
{
	static const enum hf_tls_version versions[] = { HF_TLS_1_2, HF_TLS_1_3 };
	struct hf_cmd_ctx *ctx = source->ctx;
	HF_AUTO_DONE(hf_buf) staple = HF_BUF_INIT(HF_OCSP_RESPONSE_CAP);
	int rc =
	    hf_serve_load_credential(source, &opts->credential, number, &parts->credential, err);

	if (rc < 0)
		return rc;
	parts->client_auth = (enum hf_client_auth)opts->client_auth;
	parts->tls_min = versions[opts->tls_min];
	parts->tls_max = source->originates ? HF_TLS_1_3 : versions[opts->tls_max];
	parts->profile = (enum hf_profile)opts->trust.profile;
	parts->ocsp = (enum hf_ocsp_mode)opts->ocsp;
	if (opts->ocsp_url && (parts->ocsp_url = hf_str_dup(opts->ocsp_url)) == NULL)
		return hf_err_nomem(err);
	rc = get_files(source, opts, number, parts, &staple);
	if (rc == 0 && opts->rules.rules.len > 0)
		rc = hf_cli_load_rules(ctx, &opts->rules, &parts->rules);
	if (rc == 0)
		rc = hf_cli_check_issuers(&opts->rules, parts->trust, &ctx->err);
	if (rc == 0)
		rc = staple.len == 0
			 ? 0
			 : use_staple(opts, hf_buf_str(&staple), staple.len, parts, &ctx->err);
	if (rc == 0)
		check_staple(opts, parts);
	if (rc < 0 && err != &ctx->err)
		*err = ctx->err;
	return rc;
}

static int copy_list(const struct hf_strv *from, struct hf_strv *to, struct hf_err *err)
{
	for (size_t i = 0; i < from->len; i++)
		if (hf_strv_add(to, from->items[i]) < 0)
			return hf_err_nomem(err);
	return 0;
}

static int load_named(struct hf_serve_source *source, const struct hf_serve_policy *policy,
		      uint64_t number, struct hf_policy_parts *parts, struct hf_err *err)
{
	int rc = copy_list(&policy->sni, &parts->sni, err);

	if (rc == 0)
		rc = copy_list(&policy->listen, &parts->listen, err);
	if (rc == 0 && (parts->name = hf_str_dup(policy->name)) == NULL)
		rc = hf_err_nomem(err);
	if (rc == 0)
		rc = load_policy(source, &policy->opts, number, parts, err);
	return rc < 0 ? hf_err_context(err, rc, "policy '%s'", policy->name) : 0;
}

/* Who we are to the authority whose feed is followed. */
static int load_follow(struct hf_serve_source *source, const struct hf_serve_opts *opts,
		       uint64_t number, struct hf_credential **ret_credential, struct hf_err *err)
{
	const struct hf_credential_opts who = { .as = opts->follow.as,
						.passphrase_file =
						    opts->credential.passphrase_file };

	return hf_serve_load_credential(source, &who, number, ret_credential, err);
}

static int load_from(struct hf_serve_source *source, const struct hf_serve_file *file,
		     uint64_t number, struct hf_gateway_parts *parts, struct hf_err *err)
{
	int rc;

	parts->policies = calloc(1 + file->policies_len, sizeof(*parts->policies));
	if (parts->policies == NULL)
		return hf_err_nomem(err);
	parts->policies_len = 1;
	rc = load_policy(source, &file->opts, number, &parts->policies[0], err);
	if (rc == 0 && file->opts.follow.as)
		rc = load_follow(source, &file->opts, number, &parts->follow, err);
	for (size_t i = 0; rc == 0 && i < file->policies_len; i++)
		rc = load_named(source, &file->policies[i], number,
				&parts->policies[parts->policies_len++], err);
	return rc;
}

/* --- all of it --- */

static int load_route_rules(struct hf_routes *routes, struct hf_gateway_parts *parts,
			    struct hf_err *err)
{
	parts->route_rules = calloc(routes->len + 1, sizeof(struct hf_rules *));
	if (parts->route_rules == NULL)
		return hf_err_nomem(err);
	for (; parts->route_rules_len < routes->len; parts->route_rules_len++) {
		struct hf_rules *rules = routes->items[parts->route_rules_len].rules;

		parts->route_rules[parts->route_rules_len] = rules ? hf_rules_ref(rules) : NULL;
	}
	return 0;
}

static int load_health(const struct hf_serve_file *file, struct hf_gateway_parts *parts,
		       struct hf_err *err)
{
	const struct hf_routes *routes = &file->routes;

	parts->health = calloc(routes->len + 1, sizeof(*parts->health));
	if (parts->health == NULL)
		return hf_err_nomem(err);
	for (size_t i = 0; i < routes->len; i++)
		parts->health[i] = routes->items[i].health;
	return hf_serve_health(&file->opts.health, &parts->health[routes->len], err);
}

static int load_all(struct hf_serve_source *source, struct hf_serve_file *file, uint64_t number,
		    struct hf_gateway_parts *parts, struct hf_err *err)
{
	int rc = load_from(source, file, number, parts, err);

	if (rc == 0)
		rc = load_route_rules(&file->routes, parts, err);
	if (rc == 0)
		rc = load_health(file, parts, err);
	if (rc < 0 || source->unpack) /* a worker watches nothing */
		return rc;
	rc = hf_serve_watch(source, file, &parts->watch);
	if (rc < 0 && err != &source->ctx->err)
		*err = source->ctx->err;
	return rc;
}

/* --- a file that changed while we run --- */

/* The text of the configuration, from where this process has what it reads. */
static int get_text(struct hf_serve_source *source, struct hf_buf *text, struct hf_err *err)
{
	size_t len;
	const void *data;
	int rc;

	if (source->unpack) {
		data = hf_unpack_bytes(source->unpack, &len);
		return len > 0 && hf_buf_append(text, data, len) < 0 ? hf_err_nomem(err) : 0;
	}
	rc = hf_file_read(source->path, text, err);
	if (rc == 0 && source->pack)
		hf_pack_bytes(source->pack, hf_buf_str(text), text->len);
	return rc;
}

static int load_again(struct hf_serve_source *source, uint64_t number,
		      struct hf_gateway_parts *parts, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(HF_YAML_CAP);
	struct hf_serve_file fresh = HF_SERVE_FILE_INIT;
	int rc = get_text(source, &text, err);

	if (rc == 0)
		rc = hf_serve_file_parse(&text, source->path, &fresh, err);
	if (rc == 0)
		rc = hf_serve_may_take(source, &fresh, err);
	if (rc == 0) {
		rc = hf_serve_check(source->ctx, &fresh);
		if (rc < 0 && err != NULL)
			*err = source->ctx->err;
	}
	if (rc == 0)
		rc = load_all(source, &fresh, number, parts, err);
	hf_serve_file_done(&fresh);
	return rc;
}

static int load(struct hf_serve_source *source, uint64_t number, struct hf_gateway_parts *ret_parts,
		struct hf_err *err)
{
	return source->path != NULL ? load_again(source, number, ret_parts, err)
				    : load_all(source, source->file, number, ret_parts, err);
}

/* --- one reads for all --- */

enum { READ_CAP = 1024 * 1024 * 1024 };

static int load_for_all(struct hf_serve_source *source, uint64_t number,
			struct hf_gateway_parts *ret_parts, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) pack = HF_BUF_INIT(READ_CAP);
	int rc;

	source->pack = &pack;
	rc = load(source, number, ret_parts, err);
	source->pack = NULL;
	return rc < 0 ? rc
		      : hf_notice_write(source->read, (int64_t)number, pack.data, pack.len, err);
}

static int load_what_was_read(struct hf_serve_source *source, uint64_t number,
			      struct hf_gateway_parts *ret_parts, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) pack = HF_BUF_INIT(READ_CAP);
	struct hf_unpack in;
	uint64_t version;
	int64_t mark;
	int rc = hf_notice_read(source->read, &pack, &mark, &version, err);

	if (rc > 0)
		return hf_err_set(err, HF_E_IO, "nothing has been read yet");
	if (rc < 0)
		return rc;
	in = (struct hf_unpack){ .data = pack.data, .left = pack.len };
	source->unpack = &in;
	rc = load(source, number, ret_parts, err);
	source->unpack = NULL;
	return rc;
}

/* When there is no memory for it they are decoded again, no more. */
static void keep_lists(struct hf_serve_source *source, const struct hf_gateway_parts *parts)
{
	HF_AUTO_DONE(hf_crls) lists = HF_CRLS_INIT;
	struct hf_crls before = source->lists;

	for (size_t i = 0; i < parts->policies_len; i++) {
		const struct hf_crls *crls = hf_trust_crls(parts->policies[i].trust);

		for (size_t c = 0; c < crls->len; c++)
			if (!hf_parts_have_list(parts, i, crls->items[c]))
				(void)hf_crls_add(&lists, crls->items[c], NULL);
	}
	source->lists = lists;
	lists = before;
}

int hf_serve_load(void *arg, uint64_t number, struct hf_gateway_parts *ret_parts,
		  struct hf_err *err)
{
	struct hf_serve_source *source = arg;
	int rc;

	if (source->read == NULL)
		rc = load(source, number, ret_parts, err);
	else if (getpid() == source->keeper)
		rc = load_for_all(source, number, ret_parts, err);
	else
		rc = load_what_was_read(source, number, ret_parts, err);
	if (rc == 0)
		keep_lists(source, ret_parts);
	return rc;
}

int hf_serve_only_read(void *arg, struct hf_err *err)
{
	struct hf_serve_source *source = arg;

	return hf_notice_only_read(source->read, err);
}

void hf_serve_leave(void *arg)
{
	struct hf_serve_source *source = arg;

	hf_notice_free(source->read);
	source->read = NULL;
}
