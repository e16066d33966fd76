/* SPDX-License-Identifier: Apache-2.0 */
/* Why a server found nothing in common with a ClientHello, or no ClientHello at all.  libssl says
 * "no shared cipher" of four causes; what the client offered and what our certificate is tell them
 * apart.  Must never name a cause that the two do not prove. */
#include <stdio.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "tls/internal.h"

enum { SUITES_TOLD = 3 };

/* The authentication that suites of TLS 1.2 name for a kind of key (RFC 8422 5.1, RFC 5246). */
static int suite_auth_of(const X509 *leaf)
{
	const EVP_PKEY *key = leaf ? X509_get0_pubkey(leaf) : NULL;

	switch (key ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE) {
	case EVP_PKEY_EC:
	case EVP_PKEY_ED25519:
	case EVP_PKEY_ED448:
		return NID_auth_ecdsa;
	case EVP_PKEY_RSA:
	case EVP_PKEY_RSA_PSS:
		return NID_auth_rsa;
	default:
		return NID_undef;
	}
}

static bool any_suite_for(const STACK_OF(SSL_CIPHER) *suites, int auth)
{
	for (int i = 0; i < sk_SSL_CIPHER_num(suites); i++) {
		if (SSL_CIPHER_get_auth_nid(sk_SSL_CIPHER_value(suites, i)) == auth)
			return true;
	}
	return false;
}

/* Suites of TLS 1.3 are for any key; beside them those of 1.2 are told. */
static void tell_suites(const STACK_OF(SSL_CIPHER) *suites, struct hf_tls_failure *failure)
{
	size_t at = strlen(failure->text);
	int told = 0;

	for (int i = 0; i < sk_SSL_CIPHER_num(suites) && told < SUITES_TOLD; i++) {
		const SSL_CIPHER *suite = sk_SSL_CIPHER_value(suites, i);
		int n;

		if (SSL_CIPHER_get_auth_nid(suite) == NID_auth_any)
			continue;
		n = snprintf(failure->text + at, sizeof(failure->text) - at, "%s%s",
			     told ? ", " : "; the client offers ", SSL_CIPHER_get_name(suite));
		if (n < 0 || (size_t)n >= sizeof(failure->text) - at)
			break;
		at += (size_t)n;
		told++;
	}
	failure->text[at] = '\0';
}

const char *hf_tls_hello_cause(const struct hf_tls_conn *conn)
{
	X509 *leaf = SSL_get_certificate(conn->ssl); /* borrowed */
	const STACK_OF(SSL_CIPHER) *suites = SSL_get_client_ciphers(conn->ssl);
	int auth = suite_auth_of(leaf);

	/* its suites name neither keys nor groups (RFC 8446 1.2) */
	if (SSL_version(conn->ssl) >= TLS1_3_VERSION)
		return "P-CIPHER";
	if (leaf && !(X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE))
		return "V-KU";
	if (suites && auth != NID_undef && !any_suite_for(suites, auth))
		return "P-CIPHER-KEY";
	if (SSL_get_shared_group(conn->ssl, -1) == 0)
		return "P-GROUP";
	return "P-CIPHER";
}

void hf_tls_hello_tell(const struct hf_tls_conn *conn, struct hf_tls_failure *failure)
{
	tell_suites(SSL_get_client_ciphers(conn->ssl), failure);
}

const char *hf_tls_not_tls_cause(const struct hf_tls_conn *conn)
{
	/* version 1 is a line; version 2 begins with this signature (PROXY protocol 2.1, 2.2) */
	static const char v1[] = { 'P', 'R', 'O', 'X', 'Y' }, v2[] = { '\r', '\n', '\r', '\n', 0 };

	if (conn->context->role == HF_TLS_CLIENT)
		return "T-PLAINTEXT-SERVER";
	return memcmp(conn->first, v1, sizeof(v1)) == 0 || memcmp(conn->first, v2, sizeof(v2)) == 0
		   ? "T-PROXY-UNEXPECTED"
		   : "T-PLAINTEXT-CLIENT";
}
