/* SPDX-License-Identifier: Apache-2.0 */
/* Where libssl asks whether a peer's certificate is good.  The answer is ours alone (hf_verify,
 * rules, peer table); OpenSSL's own chain building is never entered.  Must never answer yes on a
 * failure. */
#include <string.h>

#include <openssl/err.h>

#include "base/err.h"
#include "tls/internal.h"

int hf_tls_context_judge(const struct hf_tls_context *context, const struct hf_certs *chain,
			 struct hf_verdict *verdict, struct hf_err *err)
{
	bool server = context->role == HF_TLS_SERVER;
	struct hf_verify_options options = {
		.purpose = server ? HF_PURPOSE_CLIENT : HF_PURPOSE_SERVER,
		.profile = context->profile,
		.at = context->now(context->now_arg),
		.name = context->verify_name,
		.compat_cn = context->compat_cn,
	};
	int rc = hf_verify(chain, context->trust, &options, verdict, err);

	if (rc == 0 && verdict->accepted && context->rules)
		rc = hf_rules_apply(context->rules, context->trust, verdict, err);
	if (rc == 0 && verdict->accepted && hf_peers_revoked(context->peers, chain))
		rc = hf_rules_revoke(verdict, err);
	return rc;
}

static int hash_one(EVP_MD_CTX *md, X509 *x)
{
	HF_AUTO(ossl_mem) der = NULL;
	int len = i2d_X509(x, &der);
	uint8_t prefix[4];

	if (len < 0)
		return -1;
	for (size_t i = 0; i < sizeof(prefix); i++)
		prefix[i] = (uint8_t)((unsigned int)len >> (24 - 8 * i));
	if (EVP_DigestUpdate(md, prefix, sizeof(prefix)) != 1 ||
	    EVP_DigestUpdate(md, der, (size_t)len) != 1)
		return -1;
	return 0;
}

/* Lengths go in too, so that no two lists have the same input. */
static int hash_chain(const struct hf_tls_context *context, const STACK_OF(X509) *sent,
		      uint8_t key[HF_SHA256_LEN], struct hf_err *err)
{
	HF_AUTO(EVP_MD_CTX) md = EVP_MD_CTX_new();

	if (!md || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1 ||
	    EVP_DigestUpdate(md, context->scope, sizeof(context->scope)) != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "hashing a chain");
	for (int i = 0; i < sk_X509_num(sent); i++) {
		if (hash_one(md, sk_X509_value(sent, i)) < 0)
			return hf_err_ossl(err, HF_E_CRYPTO, "hashing a chain");
	}
	if (EVP_DigestFinal_ex(md, key, NULL) != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "hashing a chain");
	return 0;
}

/* A library of ours has no decoders: what libssl made with it has no key. */
static int decode_one(const struct hf_tls_context *context, X509 *x, struct hf_cert **ret_cert,
		      struct hf_err *err)
{
	HF_AUTO(ossl_mem) der = NULL;
	int len = i2d_X509(x, &der);

	if (len < 0)
		return hf_err_ossl(err, HF_E_CRYPTO, "decoding a chain");
	*ret_cert = hf_cert_ref(hf_peers_issuer(context->peers, der, (size_t)len));
	if (*ret_cert)
		return 0;
	if (!context->library)
		return hf_cert_new(x, ret_cert, err);
	return hf_cert_from_der(der, (size_t)len, ret_cert, err);
}

static int decode_chain(const struct hf_tls_context *context, const STACK_OF(X509) *sent,
			struct hf_certs *ret_certs, struct hf_err *err)
{
	for (int i = 0; i < sk_X509_num(sent); i++) {
		HF_AUTO(hf_cert) cert = NULL;
		int rc = decode_one(context, sk_X509_value(sent, i), &cert, err);

		if (rc == 0)
			rc = hf_certs_add(ret_certs, cert, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* More than the longest honest chains have; beyond it only what the accepted path needs is kept. */
enum { SENT_KEPT_CAP = 16 * 1024 };

/* The table keeps what was accepted for long, and anybody let in could fill the memory with what he
 * sends along.  The leaf stays first. */
static void drop_useless(struct hf_peer *peer)
{
	struct hf_certs *sent = &peer->sent;
	size_t bytes = 0, kept = 1;

	for (size_t i = 0; i < sent->len; i++)
		bytes += sent->items[i]->der_len;
	if (bytes <= SENT_KEPT_CAP)
		return;
	for (size_t i = 1; i < sent->len; i++) {
		const struct hf_certs before = { sent->items, kept, 0 };
		struct hf_cert *cert = sent->items[i];

		if (hf_certs_has(&peer->verdict.chain, cert) && !hf_certs_has(&before, cert))
			sent->items[kept++] = cert;
		else
			hf_cert_unref(cert);
	}
	sent->len = kept;
}

/* Into the table only when nothing is left to ask. */
static int take_verdict(struct hf_tls_context *context, struct hf_peer *peer,
			struct hf_tls_conn *conn, struct hf_verdict *verdict)
{
	struct hf_verdict old = peer->verdict;

	peer->verdict = *verdict;
	*verdict = old;
	memcpy(peer->policy, context->policy, sizeof(peer->policy));
	if (!conn || !peer->verdict.accepted)
		return 0;
	drop_useless(peer);
	hf_peers_insert(context->peers, peer);
	return 0;
}

int hf_tls_judge_peer(struct hf_tls_context *context, struct hf_peer *peer,
		      struct hf_tls_conn *conn, struct hf_err *err)
{
	HF_AUTO_DONE(hf_verdict) verdict;
	struct hf_status status = { .kind = HF_STATUS_GOOD };
	int rc;

	hf_verdict_init(&verdict);
	rc = hf_tls_context_judge(context, &peer->sent, &verdict, err);
	if (rc == 0)
		rc = hf_tls_status_judge(context, &verdict, &status, err);
	if (rc == 0)
		return take_verdict(context, peer, conn, &verdict);
	if (rc == 1 && conn)
		hf_tls_status_await(conn, status.key);
	return rc;
}

static int judge_new(struct hf_tls_conn *conn, const STACK_OF(X509) *sent,
		     const uint8_t key[HF_SHA256_LEN], struct hf_peer **ret_peer,
		     struct hf_err *err)
{
	HF_AUTO_DONE(hf_certs) certs = HF_CERTS_INIT;
	HF_AUTO(hf_peer) peer = NULL;
	struct hf_certs given;
	int rc = decode_chain(conn->context, sent, &certs, err);

	if (rc < 0)
		return rc;
	given = certs;
	certs = (struct hf_certs)HF_CERTS_INIT;
	rc = hf_peer_new(&given, key, &peer, err);
	if (rc < 0)
		return rc;
	memcpy(peer->scope, conn->context->scope, sizeof(peer->scope));
	rc = hf_tls_judge_peer(conn->context, peer, conn, err);
	if (rc < 0)
		return rc;
	*ret_peer = hf_take(peer);
	return 0;
}

/* Peers share one decoded chain: libssl keeps what stands in its list and checks the proof of
 * possession with the leaf there, so our objects, which have their keys, go in place of what it has
 * just decoded again. */
static void share_certs(STACK_OF(X509) *sent, const struct hf_peer *peer)
{
	while ((size_t)sk_X509_num(sent) > peer->sent.len)
		X509_free(sk_X509_pop(sent));
	for (size_t i = 0; i < peer->sent.len && i < (size_t)sk_X509_num(sent); i++) {
		X509 *ours = peer->sent.items[i]->x509;
		X509 *theirs = sk_X509_value(sent, (int)i);

		if (ours == theirs || X509_up_ref(ours) != 1)
			continue;
		(void)sk_X509_set(sent, (int)i, ours);
		X509_free(theirs);
	}
}

static int find_or_judge(struct hf_tls_conn *conn, STACK_OF(X509) *sent, struct hf_err *err)
{
	struct hf_tls_context *context = conn->context;
	uint8_t key[HF_SHA256_LEN];
	struct hf_peer *known;
	HF_AUTO(hf_peer) fresh = NULL;
	int rc = hash_chain(context, sent, key, err);

	hf_peer_detach(conn); /* that of a session which was not resumed */
	conn->from_session = false;
	if (rc < 0)
		return rc;
	known =
	    hf_peers_lookup(context->peers, key, context->policy, context->now(context->now_arg));
	if (known) {
		hf_peer_attach(known, conn);
		share_certs(sent, known);
		return 0;
	}
	rc = judge_new(conn, sent, key, &fresh, err);
	if (rc < 0)
		return rc;
	hf_peer_attach(fresh, conn);
	share_certs(sent, fresh);
	return 0;
}

int hf_tls_judge_nobody(struct hf_tls_conn *conn, struct hf_err *err)
{
	static const uint8_t no_key[HF_SHA256_LEN];
	HF_AUTO(hf_peer) peer = NULL;
	struct hf_certs none = HF_CERTS_INIT;
	int rc = hf_peer_new(&none, no_key, &peer, err);

	if (rc == 0)
		rc = hf_tls_context_judge(conn->context, &peer->sent, &peer->verdict, err);
	if (rc == 0)
		hf_peer_attach(peer, conn);
	return rc;
}

/* Makes libssl refuse with the verdict's alert.  Returns what the callback has to return. */
static int refuse(struct hf_tls_conn *conn, X509_STORE_CTX *store, int alert)
{
	if (alert != HF_ALERT_ACCESS_DENIED) {
		X509_STORE_CTX_set_error(store, hf_alert_to_verify_error(alert));
		return 0;
	}
	/* 49 is the one alert among ours that no verify error becomes. */
	conn->deny_alert = HF_ALERT_ACCESS_DENIED;
	if (conn->context->role == HF_TLS_SERVER && SSL_version(conn->ssl) == TLS1_3_VERSION &&
	    SSL_set_num_tickets(conn->ssl, 1) == 1) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1; /* the handshake ends after the proof of possession, in deny_by_extension
			   */
	}
	X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
	return 0;
}

bool hf_tls_goes_on_anyway(const struct hf_tls_context *context)
{
	if (context->role == HF_TLS_CLIENT)
		return context->insecure;
	return context->silent || context->client_auth == HF_CLIENT_AUTH_REPORT;
}

int hf_tls_verify_callback(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct hf_tls_conn *conn = SSL_get_app_data(ssl);
	STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(store);
	int rc;

	(void)arg;
	rc = find_or_judge(conn, sent, &conn->judge_err);
	ERR_clear_error();
	if (rc < 0) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_OUT_OF_MEM);
		return 0;
	}
	if (conn->awaits || conn->peer->verdict.accepted || hf_tls_goes_on_anyway(conn->context)) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	return refuse(conn, store, conn->peer->verdict.alert);
}
