/* SPDX-License-Identifier: Apache-2.0 */
/* The second opinion: OpenSSL's own verification of the same material, so that names, depths and
 * alerts are those that people know from other programs.  Must never accept anything: it only
 * describes. */
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "base/err.h"
#include "verify/judge.h"

enum { AUTH_LEVEL = 2, OSSL_DEPTH = 100 };

/* What OpenSSL is asked about. */
struct question {
	const struct hf_certs *sent;
	const struct hf_trust *trust;
	struct hf_verdict *verdict;
	STACK_OF(X509_CRL) *lists; /* excerpts, in the order of the trust's */
};

static const struct hf_cert *cert_of(const struct hf_certs *certs, const X509 *x509)
{
	for (size_t i = 0; i < certs->len; i++) {
		if (X509_cmp(certs->items[i]->x509, x509) == 0)
			return certs->items[i];
	}
	return NULL;
}

/* Whose key OpenSSL took for a list: as its check_crl has it. */
static const struct hf_cert *list_signer(const struct question *q, X509_STORE_CTX *ctx)
{
	const STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
	const X509 *issuer = X509_STORE_CTX_get0_current_issuer(ctx);
	int depth = X509_STORE_CTX_get_error_depth(ctx), top = sk_X509_num(chain) - 1;
	const struct hf_certs *places[] = { q->sent, hf_trust_anchors(q->trust),
					    hf_trust_intermediates(q->trust) };
	const struct hf_cert *found = NULL;

	if (!issuer)
		issuer = sk_X509_value(chain, HF_MIN(depth + 1, top));
	for (size_t i = 0; issuer && !found && i < HF_ARRAY_LEN(places); i++)
		found = cert_of(places[i], issuer);
	return found;
}

/* An excerpt never verifies: whether the list that it is of does is what counts. */
static bool list_is_signed(const struct question *q, X509_STORE_CTX *ctx)
{
	const struct hf_crls *crls = hf_trust_crls(q->trust);
	const struct hf_cert *signer = list_signer(q, ctx);
	const X509_CRL *list = X509_STORE_CTX_get0_current_crl(ctx);

	for (size_t i = 0; signer && i < crls->len; i++) {
		if (sk_X509_CRL_value(q->lists, (int)i) == list)
			return hf_trust_crl_signed_by(q->trust, crls->items[i], signer);
	}
	return false;
}

/* Goes on after every error, as Node does, and remembers each; OpenSSL alone would stop at the
 * first. */
static int collect(int ok, X509_STORE_CTX *ctx)
{
	struct question *q = X509_STORE_CTX_get_app_data(ctx);
	struct hf_verdict *v = q->verdict;

	if (!ok && X509_STORE_CTX_get_error(ctx) == X509_V_ERR_CRL_SIGNATURE_FAILURE &&
	    list_is_signed(q, ctx)) {
		X509_STORE_CTX_set_error(ctx, X509_V_OK);
		return 1;
	}
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

static int add_excerpt(const struct hf_crl *crl, const struct hf_certs *certs,
		       STACK_OF(X509_CRL) *lists, struct hf_err *err)
{
	X509_CRL *excerpt = NULL;
	int rc = hf_crl_excerpt(crl, certs, &excerpt, err);

	if (rc == 0 && sk_X509_CRL_push(lists, excerpt) <= 0) {
		X509_CRL_free(excerpt);
		rc = hf_err_nomem(err);
	}
	return rc;
}

/* Of each list what it says of any certificate that a chain could be made of. */
static int excerpts(const struct hf_certs *sent, const struct hf_trust *trust,
		    STACK_OF(X509_CRL) **ret_lists, struct hf_err *err)
{
	HF_AUTO(X509_CRL_stack) lists = sk_X509_CRL_new_null();
	HF_AUTO_DONE(hf_certs) certs = HF_CERTS_INIT;
	const struct hf_certs *places[] = { sent, hf_trust_anchors(trust),
					    hf_trust_intermediates(trust) };
	const struct hf_crls *crls = hf_trust_crls(trust);
	int rc = lists ? 0 : hf_err_nomem(err);

	for (size_t p = 0; p < HF_ARRAY_LEN(places); p++) {
		for (size_t i = 0; rc == 0 && i < places[p]->len; i++)
			rc = hf_certs_add(&certs, places[p]->items[i], err);
	}
	for (size_t i = 0; rc == 0 && i < crls->len; i++)
		rc = add_excerpt(crls->items[i], &certs, lists, err);
	if (rc == 0)
		*ret_lists = hf_take(lists);
	return rc;
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
	HF_AUTO(X509_CRL_stack) lists = NULL;
	HF_AUTO(X509_STORE_CTX) ctx = X509_STORE_CTX_new();
	X509_STORE *store = hf_trust_store_get0(trust);
	struct question question = { .sent = sent, .trust = trust, .verdict = verdict };
	bool check_crls = hf_trust_wants_crl(trust, sent->items[0]);
	int rc = check_crls ? excerpts(sent, trust, &lists, err) : 0, ok;

	if (rc < 0)
		return rc;
	question.lists = lists;
	verdict->ossl_len = 0;
	if (!more || !ctx || X509_STORE_CTX_init(ctx, store, sent->items[0]->x509, more) != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "asking OpenSSL for its opinion");
	set_parameters(ctx, trust, options, check_crls);
	X509_STORE_CTX_set0_crls(ctx, lists);
	(void)X509_STORE_CTX_set_app_data(ctx, &question);
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
