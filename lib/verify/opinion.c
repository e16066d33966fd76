/* SPDX-License-Identifier: Apache-2.0 */
/* The second opinion: OpenSSL's own verification of the same material, so that names, depths and
 * alerts are those that people know from other programs.  Must never accept anything: it only
 * describes. */
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "base/err.h"
#include "verify/judge.h"

enum { AUTH_LEVEL = 2, OSSL_DEPTH = 100 };

/* Goes on after every error, as Node does, and remembers each; OpenSSL alone would stop at the
 * first. */
static int collect(int ok, X509_STORE_CTX *ctx)
{
	struct hf_verdict *v = X509_STORE_CTX_get_app_data(ctx);

	if (!ok && v->ossl_len < HF_OSSL_ERRORS_CAP) {
		v->ossl[v->ossl_len].error = X509_STORE_CTX_get_error(ctx);
		v->ossl[v->ossl_len++].depth = X509_STORE_CTX_get_error_depth(ctx);
	}
	return 1;
}

static void borrowed_free(STACK_OF(X509) *certs)
{
	sk_X509_free(certs);
}
HF_DEFINE_AUTO(borrowed, STACK_OF(X509), borrowed_free);

static STACK_OF(X509) *untrusted(const struct hf_certs *sent, const struct hf_certs *more)
{
	HF_AUTO(borrowed) certs = sk_X509_new_null();

	for (size_t i = 1; certs && i < sent->len; i++) {
		if (sk_X509_push(certs, sent->items[i]->x509) <= 0)
			return NULL;
	}
	for (size_t i = 0; certs && i < more->len; i++) {
		if (sk_X509_push(certs, more->items[i]->x509) <= 0)
			return NULL;
	}
	return hf_take(certs);
}

/* Where the user trusts an intermediate alone, "no root above it" is not what he wants to hear. */
static bool has_partial_anchor(const struct hf_trust *trust)
{
	const struct hf_certs *anchors = hf_trust_anchors(trust);

	for (size_t i = 0; i < anchors->len; i++) {
		if ((anchors->items[i]->flags & (HF_CERT_SELF_ISSUED | HF_CERT_CA)) == HF_CERT_CA)
			return true;
	}
	return false;
}

static void set_parameters(X509_STORE_CTX *ctx, const struct hf_trust *trust,
			   const struct hf_verify_options *options, bool check_crls)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
	unsigned long flags = 0;

	if (check_crls)
		flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
	if (has_partial_anchor(trust))
		flags |= X509_V_FLAG_PARTIAL_CHAIN;
	(void)X509_VERIFY_PARAM_set_flags(param, flags);
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	X509_VERIFY_PARAM_set_depth(param,
				    options->max_depth > 0 ? options->max_depth : OSSL_DEPTH);
	X509_VERIFY_PARAM_set_time(param, (time_t)options->at);
	if (options->purpose != HF_PURPOSE_ANY)
		(void)X509_STORE_CTX_set_purpose(ctx, options->purpose == HF_PURPOSE_CLIENT
							  ? X509_PURPOSE_SSL_CLIENT
							  : X509_PURPOSE_SSL_SERVER);
}

int hf_opinion_ask(const struct hf_certs *sent, const struct hf_trust *trust,
		   const struct hf_verify_options *options, struct hf_verdict *verdict,
		   struct hf_err *err)
{
	HF_AUTO(borrowed) more = untrusted(sent, hf_trust_intermediates(trust));
	HF_AUTO(X509_STORE_CTX) ctx = X509_STORE_CTX_new();
	X509_STORE *store = hf_trust_store_get0(trust);
	int ok;

	verdict->ossl_len = 0;
	if (!more || !ctx || X509_STORE_CTX_init(ctx, store, sent->items[0]->x509, more) != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "asking OpenSSL for its opinion");
	set_parameters(ctx, trust, options, hf_trust_wants_crl(trust, sent->items[0]));
	(void)X509_STORE_CTX_set_app_data(ctx, verdict);
	X509_STORE_CTX_set_verify_cb(ctx, collect);
	ok = X509_verify_cert(ctx);
	/* It gave up by itself: its last word counts too. */
	if (ok <= 0 && verdict->ossl_len == 0) {
		verdict->ossl[0].error = X509_STORE_CTX_get_error(ctx);
		verdict->ossl[0].depth = X509_STORE_CTX_get_error_depth(ctx);
		verdict->ossl_len = verdict->ossl[0].error != X509_V_OK;
	}
	ERR_clear_error();
	return 0;
}
