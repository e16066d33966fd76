/* SPDX-License-Identifier: Apache-2.0 */
/* What a context tells libssl: versions, suites, groups, signature schemes, modes, CA names.  Must
 * never leave one of these to OpenSSL's defaults, which still ask clients for SHA-224 and DSA. */
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "tls/internal.h"

/* RFC 9325 4.2: forward secret AEAD suites only. */
static const char default_suites[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
				     "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
				     "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
/* P-521 for its certificates: in TLS 1.2 the list names their curves too (RFC 8422 5.1.1). */
static const char default_groups[] = "X25519:P-256:P-384:P-521";
/* No SHA-1, no SHA-224, no DSA: what RFC 8446 4.2.3 knows and nobody calls weak. */
static const char default_sigalgs[] =
    "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512:ed25519:ed448:"
    "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"
    "rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:"
    "rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512";

enum {
	SECURITY_LEVEL = 2, /* 112 bits: RSA 2048, P-224 and up, no SHA-1 */
	/* RFC 8446 4.2, 4.2.4: one block of 65535 bytes holds the list, its frames and the other
	   extensions of a CertificateRequest, of which the signature schemes are the longest. */
	CA_NAMES_BYTES_CAP = 65535 - 512,
	SUITES_CAP = 4096,
};

static int versions_apply(SSL_CTX *ssl, const struct hf_tls_config *config, struct hf_err *err)
{
	int min = config->tls_min ? (int)config->tls_min : (int)HF_TLS_1_2;
	int max = config->tls_max ? (int)config->tls_max : (int)HF_TLS_1_3;

	if (min > max)
		return hf_err_set(err, HF_E_INVALID,
				  "the lowest TLS version allowed is above the highest");
	if (SSL_CTX_set_min_proto_version(ssl, min) != 1 ||
	    SSL_CTX_set_max_proto_version(ssl, max) != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "setting the TLS versions");
	return 0;
}

/* OpenSSL has two lists, for TLS 1.3 and for older; users have one. */
static int suites_split(const char *suites, struct hf_buf *modern, struct hf_buf *older,
			struct hf_err *err)
{
	HF_AUTO_DONE(hf_strv) parts = HF_STRV_INIT;

	if (hf_strv_split(&parts, suites, ':') < 0)
		return hf_err_nomem(err);
	for (size_t i = 0; i < parts.len; i++) {
		struct hf_buf *to = hf_str_starts(parts.items[i], "TLS_") ? modern : older;

		if (to->len > 0)
			hf_buf_putc(to, ':');
		hf_buf_puts(to, parts.items[i]);
	}
	if (hf_buf_failed(modern) || hf_buf_failed(older))
		return hf_err_set(err, HF_E_LIMIT, "the list of ciphers is too long");
	return 0;
}

static int suites_apply(SSL_CTX *ssl, const char *suites, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) modern = HF_BUF_INIT(SUITES_CAP);
	HF_AUTO_DONE(hf_buf) older = HF_BUF_INIT(SUITES_CAP);
	int rc;

	if (!suites) {
		if (SSL_CTX_set_cipher_list(ssl, default_suites) != 1)
			return hf_err_ossl(err, HF_E_CRYPTO, "setting the cipher suites");
		return 0;
	}
	rc = suites_split(suites, &modern, &older, err);
	if (rc < 0)
		return rc;
	if (modern.len > 0 && SSL_CTX_set_ciphersuites(ssl, hf_buf_str(&modern)) != 1)
		return hf_err_ossl(err, HF_E_INVALID, "TLS 1.3 ciphers '%s'", hf_buf_str(&modern));
	if (older.len > 0 && SSL_CTX_set_cipher_list(ssl, hf_buf_str(&older)) != 1)
		return hf_err_ossl(err, HF_E_INVALID, "TLS 1.2 ciphers '%s'", hf_buf_str(&older));
	return 0;
}

static int lists_apply(SSL_CTX *ssl, const struct hf_tls_config *config, struct hf_err *err)
{
	const char *groups = config->groups ? config->groups : default_groups;
	const char *sigalgs = config->sigalgs ? config->sigalgs : default_sigalgs;
	int rc = suites_apply(ssl, config->ciphers, err);

	if (rc < 0)
		return rc;
	if (SSL_CTX_set1_groups_list(ssl, groups) != 1)
		return hf_err_ossl(err, HF_E_INVALID, "groups '%s'", groups);
	/* Ours, and what we ask of client certificates: two lists in libssl. */
	if (SSL_CTX_set1_sigalgs_list(ssl, sigalgs) != 1 ||
	    SSL_CTX_set1_client_sigalgs_list(ssl, sigalgs) != 1)
		return hf_err_ossl(err, HF_E_INVALID, "signature schemes '%s'", sigalgs);
	return 0;
}

static int alpn_encode(struct hf_tls_context *context, const char *const *names, struct hf_err *err)
{
	size_t total = 0, at = 0;

	for (size_t i = 0; names[i]; i++) {
		size_t len = strlen(names[i]);

		if (len == 0 || len > 255)
			return hf_err_set(err, HF_E_INVALID,
					  "an ALPN name has 1 to 255 bytes, not %zu", len);
		if (hf_strv_add(&context->alpn_names, names[i]) < 0)
			return hf_err_nomem(err);
		total += 1 + len;
	}
	if (total == 0)
		return 0;
	context->alpn = OPENSSL_malloc(total);
	if (!context->alpn)
		return hf_err_nomem(err);
	for (size_t i = 0; names[i]; i++) {
		size_t len = strlen(names[i]);

		context->alpn[at++] = (uint8_t)len;
		memcpy(context->alpn + at, names[i], len);
		at += len;
	}
	context->alpn_len = total;
	return 0;
}

/* RFC 7301 3.2: nothing in common ends the handshake with no_application_protocol. */
static int alpn_select(SSL *ssl, const unsigned char **out, unsigned char *out_len,
		       const unsigned char *in, unsigned int in_len, void *arg)
{
	const struct hf_tls_context *context = arg;
	unsigned char *chosen = NULL;

	(void)ssl;
	if (SSL_select_next_proto(&chosen, out_len, context->alpn, (unsigned int)context->alpn_len,
				  in, in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static int alpn_apply(struct hf_tls_context *context, const struct hf_tls_config *config,
		      struct hf_err *err)
{
	int rc = config->alpn ? alpn_encode(context, config->alpn, err) : 0;

	if (rc < 0 || context->alpn_len == 0)
		return rc;
	if (context->role == HF_TLS_SERVER)
		SSL_CTX_set_alpn_select_cb(context->ssl, alpn_select, context);
	else if (SSL_CTX_set_alpn_protos(context->ssl, context->alpn,
					 (unsigned int)context->alpn_len) != 0)
		return hf_err_ossl(err, HF_E_CRYPTO, "setting ALPN");
	return 0;
}

static void modes_apply(SSL_CTX *ssl, const struct hf_tls_config *config)
{
	size_t chain_cap = config->chain_cap ? config->chain_cap : HF_TLS_CHAIN_CAP_DEFAULT;

	SSL_CTX_set_security_level(ssl, SECURITY_LEVEL);
	SSL_CTX_set_mode(ssl, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS |
				  SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* A bare FIN is told apart by conn.c (truncated); libssl would make it fatal for writing
	 * too, and a peer that half-closes without close_notify would never get its answer. */
	SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
				     SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* openssl.cnf may have set them. */
	SSL_CTX_clear_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE |
				       SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ssl, 0);
	SSL_CTX_set_max_cert_list(ssl, (long)chain_cap);
}

int hf_tls_parameters_apply(struct hf_tls_context *context, const struct hf_tls_config *config,
			    struct hf_err *err)
{
	int rc = versions_apply(context->ssl, config, err);

	if (rc == 0)
		rc = lists_apply(context->ssl, config, err);
	if (rc == 0)
		rc = alpn_apply(context, config, err);
	if (rc == 0)
		modes_apply(context->ssl, config);
	return rc;
}

static bool ca_names_have(const STACK_OF(X509_NAME) *names, const X509_NAME *name)
{
	for (int i = 0; i < sk_X509_NAME_num(names); i++) {
		if (X509_NAME_cmp(sk_X509_NAME_value(names, i), name) == 0)
			return true;
	}
	return false;
}

static int ca_names_collect(struct hf_tls_context *context, STACK_OF(X509_NAME) *names,
			    struct hf_err *err)
{
	const struct hf_certs *anchors = hf_trust_anchors(context->trust);

	for (size_t i = 0; i < anchors->len; i++) {
		const X509_NAME *name = X509_get_subject_name(anchors->items[i]->x509);
		X509_NAME *copy;

		if (ca_names_have(names, name))
			continue;
		copy = X509_NAME_dup(name);
		if (!copy || sk_X509_NAME_push(names, copy) <= 0) {
			X509_NAME_free(copy);
			return hf_err_nomem(err);
		}
		context->ca_names++;
		context->ca_names_bytes += 2 + (size_t)i2d_X509_NAME(copy, NULL);
	}
	return 0;
}

/* The list cannot be left to fail at the first handshake: libssl then sends internal_error to
 * everybody. */
int hf_tls_ca_names_apply(struct hf_tls_context *context, struct hf_err *err)
{
	STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
	int rc = names ? ca_names_collect(context, names, err) : hf_err_nomem(err);

	if (rc == 0 && context->ca_names_bytes > CA_NAMES_BYTES_CAP) {
		rc = hf_err_set(err, HF_E_LIMIT,
				"L-CA-NAMES: the names of the %zu trusted CAs take %zu bytes, a "
				"CertificateRequest has room for %d",
				context->ca_names, context->ca_names_bytes, CA_NAMES_BYTES_CAP);
		hf_err_hint(err, "trust fewer CAs: only those that issue your clients");
	}
	if (rc < 0) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return rc;
	}
	SSL_CTX_set0_CA_list(context->ssl, names);
	return 0;
}
