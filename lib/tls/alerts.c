/* SPDX-License-Identifier: Apache-2.0 */
/* What alerts mean, and how OpenSSL is made to send one.  Tables only: must never guess which of
 * several meanings it is, that needs the files of both sides. */
#include "tls/alerts.h"

#include <openssl/x509_vfy.h>

#include "base/macros.h"

static const struct hf_alert_meaning meanings[] = {
	{ HF_ALERT_HANDSHAKE_FAILURE,
	  "in TLS 1.2: it demands a client certificate and got none it can use; otherwise there is no "
	  "cipher, group or signature scheme that both sides know",
	  "give a certificate with --as or --cert, or compare --ciphers, --groups and --sigalgs",
	  true },
	{ HF_ALERT_BAD_CERTIFICATE,
	  "the certificate is not valid yet (or a clock is behind), weak, damaged, or names another host",
	  "look at its dates and key with `handfast show`, and at the clocks of both sides", true },
	{ HF_ALERT_UNSUPPORTED_CERTIFICATE,
	  "the certificate, or a CA above it, may not be used for this role (extended key usage)",
	  "use a certificate that was issued for the role: `handfast issue --client` for a client",
	  true },
	{ HF_ALERT_CERTIFICATE_REVOKED, "the certificate, or a CA above it, has been revoked",
	  "enrol again with a new key", true },
	{ HF_ALERT_CERTIFICATE_EXPIRED,
	  "the certificate or a CA above it has expired, or the peer's revocation list is out of date, or "
	  "its clock is ahead",
	  "look at the dates with `handfast show`; if all are good, ask the peer about its CRL and clock",
	  true },
	{ HF_ALERT_CERTIFICATE_UNKNOWN,
	  "the certificate was refused for another reason (a name constraint, an unknown critical "
	  "extension, a policy)",
	  "ask the peer's log; `handfast verify` against its CA may show it", true },
	{ HF_ALERT_ILLEGAL_PARAMETER,
	  "a message broke the protocol or a limit; the certificates sent may be too large",
	  "send only the leaf and its intermediates", false },
	{ HF_ALERT_UNKNOWN_CA,
	  "it does not trust the CA of the certificate, or an intermediate certificate is missing",
	  "send the intermediates too (leaf first), or let the peer trust your CA", true },
	{ HF_ALERT_ACCESS_DENIED,
	  "the certificate may be genuine, but its holder is not let in (GnuTLS peers say this for every "
	  "refused certificate)",
	  "ask for a rule that lets this identity in, or use another certificate", true },
	{ HF_ALERT_DECODE_ERROR,
	  "a message could not be decoded (GnuTLS servers say this in TLS 1.2 when no certificate was sent)",
	  "give a certificate with --as or --cert", true },
	{ HF_ALERT_DECRYPT_ERROR,
	  "a signature did not verify: a damaged certificate, a CA of the same name with another key, or a "
	  "key that does not belong to the certificate",
	  "compare key, certificate and CA with `handfast show`", true },
	{ HF_ALERT_PROTOCOL_VERSION, "it does not speak the TLS versions offered",
	  "widen --tls-min and --tls-max", false },
	{ 71, "it wants stronger parameters than those offered", "widen --ciphers and --groups",
	  false },
	{ HF_ALERT_INTERNAL_ERROR,
	  "something failed inside the peer, which is not about the certificate",
	  "look at the peer's log", false },
	{ HF_ALERT_USER_CANCELED, "the peer gave up", "look at the peer's log", false },
	{ 109, "an extension that it needs is missing", "update this side or the peer", false },
	{ 112, "it does not serve the name asked for (SNI)", "check the name, or set --server-name",
	  false },
	{ HF_ALERT_CERTIFICATE_REQUIRED, "it demands a client certificate and none was sent",
	  "give one with --as NAME, or --cert FILE --key FILE", true },
	{ 120, "no application protocol in common (ALPN)", "change --alpn", false },
};

const struct hf_alert_meaning *hf_alert_meaning(int alert)
{
	static const struct hf_alert_meaning unknown = { -1, "the peer ended the conversation",
							 "look at the peer's log", false };

	for (size_t i = 0; i < HF_ARRAY_LEN(meanings); i++) {
		if (meanings[i].alert == alert)
			return &meanings[i];
	}
	return &unknown;
}

/* The inverse of libssl's ssl_x509err2alert (ssl/statem/statem_lib.c); tests send every one of
 * them. */
static const struct {
	int alert, error;
} verify_errors[] = {
	{ HF_ALERT_HANDSHAKE_FAILURE, X509_V_ERR_APPLICATION_VERIFICATION },
	{ HF_ALERT_BAD_CERTIFICATE, X509_V_ERR_CERT_REJECTED },
	{ HF_ALERT_UNSUPPORTED_CERTIFICATE, X509_V_ERR_INVALID_PURPOSE },
	{ HF_ALERT_CERTIFICATE_REVOKED, X509_V_ERR_CERT_REVOKED },
	{ HF_ALERT_CERTIFICATE_EXPIRED, X509_V_ERR_CERT_HAS_EXPIRED },
	{ HF_ALERT_UNKNOWN_CA, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY },
	{ HF_ALERT_DECRYPT_ERROR, X509_V_ERR_CERT_SIGNATURE_FAILURE },
	{ HF_ALERT_INTERNAL_ERROR, X509_V_ERR_OUT_OF_MEM },
};

int hf_alert_to_verify_error(int alert)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(verify_errors); i++) {
		if (verify_errors[i].alert == alert)
			return verify_errors[i].error;
	}
	/* Not in libssl's table, so it sends 46 certificate_unknown. */
	return X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION;
}
