/* SPDX-License-Identifier: Apache-2.0 */
/* Renewal over the network.  Must never part with the old key before the new certificate is on the
 * disk, nor ask twice with two keys: an answer that was lost is found again by the key. */
#include "cli/renew_from.h"

#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "cli/authority_client.h"
#include "cli/ca_common.h"
#include "util/home.h"

struct renewal {
	struct hf_cmd_ctx *ctx;
	char dir[PATH_MAX], pending[PATH_MAX];
	struct hf_trust *trust;
	struct hf_credential *credential;
	EVP_PKEY *key;
	struct hf_certs chain;
};

static int load(struct renewal *r, const char *name)
{
	char cert[PATH_MAX], key[PATH_MAX], ca[PATH_MAX];
	struct hf_err *err = &r->ctx->err;
	int rc = hf_home_id(r->ctx->home, name, "", r->dir, err);

	if (rc == 0)
		rc = hf_home_id(r->ctx->home, name, "cert.pem", cert, err);
	if (rc == 0)
		rc = hf_home_id(r->ctx->home, name, "key.pem", key, err);
	if (rc == 0)
		rc = hf_home_id(r->ctx->home, name, "ca.pem", ca, err);
	if (rc == 0)
		rc = hf_home_id(r->ctx->home, name, ".renewal.key", r->pending, err);
	if (rc == 0)
		rc = hf_credential_load(cert, key, NULL, &r->credential, err);
	if (rc == 0)
		rc = hf_trust_new(0, &r->trust, err);
	if (rc == 0)
		rc = hf_trust_load_file(r->trust, ca, "own", err);
	return rc < 0 ? rc : hf_trust_freeze(r->trust, err);
}

static int ask(struct renewal *r, const char *url, const struct hf_cert *old)
{
	enum hf_key_type type = old->key_type == HF_KEY_OTHER ? HF_KEY_P256 : old->key_type;
	HF_AUTO_DONE(hf_buf) request = HF_BUF_INIT(HF_CLIENT_BODY_CAP);
	HF_AUTO_DONE(hf_buf) body = HF_BUF_INIT(HF_CLIENT_BODY_CAP);
	const struct hf_client_call call = { .url = url,
					     .path = "/renew",
					     .trust = r->trust,
					     .credential = r->credential,
					     .body = &request };
	int rc = hf_client_pending_key(r->pending, type, &r->key, &r->ctx->err);

	if (rc == 0)
		rc = hf_client_request(r->key, &request, &r->ctx->err);
	if (rc == 0)
		rc = hf_client_call(&call, &body, &r->ctx->err);
	return rc < 0 ? rc : hf_client_chain(&body, r->key, r->trust, &r->chain, &r->ctx->err);
}

static bool is_same(const struct hf_buf *a, const struct hf_buf *b)
{
	return a->len == b->len && memcmp(hf_buf_str(a), hf_buf_str(b), a->len) == 0;
}

/* What the authority's roots are now: during a rollover the next one is learnt in time, and the one
 * before is forgotten when it has been retired. */
static int learn_roots(struct renewal *r, const char *url, const char *name)
{
	HF_AUTO_DONE(hf_buf) roots = HF_BUF_INIT(HF_CLI_PEM_CAP);
	HF_AUTO_DONE(hf_buf) before = HF_BUF_INIT(HF_CLI_PEM_CAP);
	HF_AUTO_DONE(hf_buf) own = HF_BUF_INIT(HF_CLI_PEM_CAP);
	char ca[PATH_MAX], trust[PATH_MAX];
	struct hf_err *err = &r->ctx->err;
	int rc = hf_client_roots(url, r->trust, &roots, err);

	if (rc == 0)
		rc = hf_home_id(r->ctx->home, name, "ca.pem", ca, err);
	if (rc == 0)
		rc = hf_home_trust(r->ctx->home, "own", trust, err);
	if (rc == 0)
		rc = hf_file_read(ca, &before, err);
	if (rc < 0 || is_same(&roots, &before))
		return rc;
	/* the home's own trust goes along where it was the same */
	if (hf_file_exists(trust) && hf_file_read(trust, &own, NULL) == 0 && is_same(&own, &before))
		rc = hf_file_write(trust, roots.data, roots.len, HF_MODE_PUBLIC, HF_FILE_REPLACE,
				   err);
	if (rc == 0)
		rc = hf_file_write(ca, roots.data, roots.len, HF_MODE_PUBLIC, HF_FILE_REPLACE, err);
	if (rc == 0)
		hf_out_note(&r->ctx->out,
			    "%s: the roots that are trusted have changed, as the "
			    "authority says",
			    name);
	return rc;
}

static int write_files(struct renewal *r)
{
	HF_AUTO_DONE(hf_buf) key = HF_BUF_INIT(HF_CLI_PEM_CAP);
	HF_AUTO_DONE(hf_buf) cert = HF_BUF_INIT(HF_CLI_PEM_CAP);
	const struct hf_idfiles files = { .key = &key, .cert = &cert };
	int rc = hf_key_to_pem(r->key, NULL, &key, &r->ctx->err);

	for (size_t i = 0; rc == 0 && i < r->chain.len; i++)
		rc = hf_cert_to_pem(r->chain.items[i], &cert, &r->ctx->err);
	if (rc == 0)
		rc = hf_idfiles_write(r->dir, &files, true, &r->ctx->err);
	if (rc == 0)
		(void)unlink(r->pending);
	return rc;
}

int hf_renew_from(struct hf_cmd_ctx *ctx, const char *url, const char *name,
		  const struct hf_cert *old, struct hf_cert **ret_cert)
{
	struct renewal r = { .ctx = ctx, .chain = HF_CERTS_INIT };
	int rc = load(&r, name);

	if (rc == 0)
		rc = ask(&r, url, old);
	if (rc == 0)
		rc = learn_roots(&r, url, name); /* before a chain that hangs on them */
	if (rc == 0)
		rc = write_files(&r);
	if (rc == 0)
		*ret_cert = hf_cert_ref(r.chain.items[0]);
	hf_trust_unref(r.trust);
	hf_credential_free(r.credential);
	EVP_PKEY_free(r.key);
	hf_certs_done(&r.chain);
	return rc;
}
