/* SPDX-License-Identifier: Apache-2.0 */
/* What other programs mean: their error texts, most telling first.  Must never be surer than the
 * text: one message often stands for several causes, and all of them are given. */
#include "explain/logline.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <openssl/sslerr.h>

#define R(name) HF_REASON_##name

/* OpenSSL's words when it refused a certificate and said elsewhere why. */
#define ANY_VERDICT "certificate verify failed"

/* FEW: of more causes none is likely. */
enum { MEANT = 10, FEW = 5, ALERTS_FROM = 1000, ALERT_MAX = 255 };
static const struct pattern {
	const char *text; /* lower case */
	enum hf_reason reasons[MEANT];
} patterns[] = {
	/* files */
	{ "key values mismatch", { R(F_KEY_MISMATCH), R(F_ORDER) } },
	{ "key does not match", { R(F_KEY_MISMATCH), R(F_ORDER) } },
	{ "private key does not match", { R(F_KEY_MISMATCH), R(F_ORDER) } },
	{ "no start line", { R(F_DER), R(F_CSR), R(F_DAMAGED), R(F_SWAPPED) } },
	{ "bad end line", { R(F_DAMAGED) } },
	{ "bad base64 decode", { R(F_DAMAGED) } },
	{ "maybe wrong password", { R(F_PASSPHRASE) } },
	{ "bad decrypt", { R(F_PASSPHRASE) } },
	{ "mac verify failure", { R(F_PASSPHRASE) } },
	{ "bad password read", { R(F_KEY_ENCRYPTED) } },
	{ "interrupted or cancelled", { R(F_KEY_ENCRYPTED) } },
	{ "rc2-40-cbc", { R(F_P12_LEGACY) } },
	{ "unable to set private key file",
	  { R(F_KEY_MISMATCH), R(F_ORDER), R(F_KEY_ENCRYPTED), R(F_UNREADABLE), R(F_MISSING) } },
	{ "could not load pem client certificate",
	  { R(F_CSR), R(F_DER), R(F_DAMAGED), R(F_MISSING) } },
	{ "[ssl] pem lib", { R(F_CSR), R(F_DER), R(F_KEY_ENCRYPTED), R(F_DAMAGED), R(F_SWAPPED) } },
	{ "error setting certificate verify locations", { R(F_MISSING), R(F_CA_EMPTY) } },
	{ "error adding trust anchors", { R(F_CA_EMPTY), R(F_MISSING) } },
	{ "ee key too small", { R(V_WEAK_KEY) } },
	{ "ca key too small", { R(V_WEAK_KEY) } },
	{ "ca md too weak", { R(V_WEAK_SIG) } },
	{ "ee certificate key too weak", { R(V_WEAK_KEY) } },
	/* not TLS */
	{ "plain http request was sent to https port", { R(T_PLAINTEXT_CLIENT) } },
	{ "http request to an https server", { R(T_PLAINTEXT_CLIENT) } },
	{ "ssl routines::http request", { R(T_PLAINTEXT_CLIENT) } },
	{ "err_ssl_http_request", { R(T_PLAINTEXT_CLIENT) } },
	{ "wrong version number", { R(T_PLAINTEXT_SERVER), R(T_STARTTLS) } },
	{ "packet length too long", { R(T_PLAINTEXT_SERVER), R(T_STARTTLS) } },
	{ "first record does not look like a tls handshake",
	  { R(T_PLAINTEXT_SERVER), R(T_STARTTLS) } },
	{ "unsupported or unrecognized ssl message", { R(T_PLAINTEXT_SERVER) } },
	{ "unexpected tls packet was received", { R(T_PLAINTEXT_SERVER), R(T_STARTTLS) } },
	{ "broken header", { R(T_PROXY_EXPECTED) } },
	{ "does not look like a proxy protocol header", { R(T_PROXY_EXPECTED) } },
	/* parameters */
	{ "unsafe legacy renegotiation disabled", { R(P_UNSAFE_RENEG) } },
	{ "session id context uninitialized", { R(R_SESSION_CONTEXT) } },
	{ "no shared cipher", { R(P_CIPHER), R(P_CIPHER_KEY), R(P_GROUP), R(P_SIGALG), R(V_KU) } },
	{ "no suitable key share", { R(P_GROUP) } },
	{ "no suitable groups", { R(P_GROUP) } },
	{ "no suitable signature algorithm", { R(P_SIGALG) } },
	{ "no shared signature algorithms", { R(P_SIGALG) } },
	{ "no application protocol", { R(P_ALPN) } },
	{ "no common application protocol", { R(P_ALPN) } },
	{ "final_server_name:callback failed", { R(P_SNI) } },
	/* haproxy's strict-sni, which has no words of its own */
	{ "ssl routines::callback failed", { R(P_SNI), R(P_SNI_MISSING) } },
	{ "unsupported protocol", { R(P_VERSION) } },
	{ "unrecognized name", { R(P_SNI) } },
	{ "unrecognized_name", { R(P_SNI) } },
	{ "protocol version", { R(P_VERSION) } },
	{ "protocol_version", { R(P_VERSION) } },
	{ "http_1_1_required", { R(P_H2_RENEG) } },
	{ "post-handshake authentication", { R(P_PHA) } },
	{ "exceeds the maximum allowed size (32768)", { R(L_JSSE_32K) } },
	{ "ca names too long", { R(L_CA_NAMES) } },
	{ "construct_ca_names", { R(L_CA_NAMES) } },
	{ "ssl routines::internal error", { R(L_CA_NAMES), R(R_SESSION_CONTEXT) } },
	{ "excessive message size", { R(L_CHAIN_SIZE) } },
	{ "misdirected request", { R(P_SNI_HOST) } },
	/* nothing sent */
	{ "peer did not return a certificate", { R(N_NONE), R(N_SIGALG), R(N_CA_LIST) } },
	{ "no required ssl certificate was sent",
	  { R(N_NONE), R(N_SIGALG), R(N_CA_LIST), R(T_TERMINATED) } },
	{ "client sent no required ssl certificate", { R(N_NONE), R(N_SIGALG), R(N_CA_LIST) } },
	{ "no certificate was found", { R(N_NONE), R(N_SIGALG), R(N_CA_LIST) } },
	{ "client didn't provide a certificate", { R(N_NONE), R(N_SIGALG), R(N_CA_LIST) } },
	{ "certificate required", { R(N_NONE), R(N_SIGALG), R(N_CA_LIST), R(N_EKU_FILTER) } },
	{ "certificate_required", { R(N_NONE), R(N_SIGALG), R(N_CA_LIST), R(N_EKU_FILTER) } },
	{ "empty client certificate chain", { R(N_NONE), R(N_CA_LIST), R(N_SIGALG) } },
	{ "certificate is required", { R(N_NONE) } },
	{ "pss signature", { R(N_TOKEN_PSS) } },
	{ "mechanism invalid", { R(N_TOKEN_PSS) } },
	/* revocation */
	{ "crl has expired", { R(V_CRL_EXPIRED) } },
	{ "crl is not yet valid", { R(V_CRL_NOT_YET) } },
	{ "unable to get certificate crl", { R(V_CRL_MISSING) } },
	/* Node says so of every list beyond the first of its file, too */
	{ "unable_to_get_crl", { R(V_CRL_MISSING), R(V_CRL_EXPIRED), R(V_REVOKED) } },
	/* of what Node has no code for */
	{ "hang up unspecified",
	  { R(V_NAME_CONSTRAINT), R(V_CRITICAL_EXT), R(V_NOT_A_CA), R(V_CA_KU), R(V_BAD_SIGNATURE),
	    R(V_WEAK_SIG) } },
	{ "crl_has_expired", { R(V_CRL_EXPIRED) } },
	{ "crl_not_yet_valid", { R(V_CRL_NOT_YET) } },
	{ "crl_signature_failure", { R(V_CRL_INVALID) } },
	{ "crl signature failure", { R(V_CRL_INVALID) } },
	{ "ocsp certificate unknown", { R(V_OCSP_UNKNOWN) } },
	{ "ocsp_cert_unknown", { R(V_OCSP_UNKNOWN) } },
	{ "no ocsp responder", { R(V_OCSP_NONE) } },
	{ "ocsp responder", { R(V_OCSP_DOWN) } },
	{ "ocsp response", { R(V_STAPLE), R(V_OCSP_DOWN) } },
	{ "missing ocsp status", { R(V_STAPLE) } },
	{ "requires the server to include an ocsp status", { R(V_STAPLE) } },
	{ "certificate revoked", { R(V_REVOKED), R(V_CA_REVOKED), R(V_DUP_SERIAL) } },
	{ "certificate_revoked", { R(V_REVOKED), R(V_CA_REVOKED), R(V_DUP_SERIAL) } },
	{ "cert_revoked", { R(V_REVOKED), R(V_CA_REVOKED), R(V_DUP_SERIAL) } },
	/* names */
	{ "doesn't contain any ip sans", { R(V_IP_SAN) } },
	{ "ip address mismatch", { R(V_IP_SAN), R(V_IP_AS_DNS) } },
	{ "relies on legacy common name", { R(V_CN_ONLY) } },
	{ "err_tls_cert_altname_invalid", { R(V_NAME_MISMATCH), R(P_SNI_MISSING), R(V_IP_SAN) } },
	{ "no alternative certificate subject name matches",
	  { R(V_NAME_MISMATCH), R(P_SNI_MISSING), R(V_WILDCARD), R(V_IP_SAN) } },
	{ "does not match target host name", { R(V_NAME_MISMATCH), R(P_SNI_MISSING) } },
	{ "hostname mismatch", { R(V_NAME_MISMATCH), R(P_SNI_MISSING), R(V_WILDCARD) } },
	{ "certificate is valid for", { R(V_NAME_MISMATCH), R(P_SNI_MISSING) } },
	{ "doesn't match", { R(V_NAME_MISMATCH), R(V_IP_SAN) } },
	{ "name in the certificate does not match", { R(V_NAME_MISMATCH), R(V_IP_SAN) } },
	{ "no subject alternative names", { R(V_CN_ONLY), R(V_IP_SAN) } },
	/* the chain */
	{ "unable to verify the first certificate", { R(V_NO_INTERMEDIATE), R(V_UNKNOWN_CA) } },
	{ "unable_to_verify_leaf_signature", { R(V_NO_INTERMEDIATE), R(V_UNKNOWN_CA) } },
	{ "unable to get local issuer",
	  { R(V_UNKNOWN_CA), R(V_NO_INTERMEDIATE), R(V_SAME_NAME_CA), R(V_AKI), R(V_DEPTH) } },
	{ "unable_to_get_issuer_cert_locally",
	  { R(V_UNKNOWN_CA), R(V_NO_INTERMEDIATE), R(V_SAME_NAME_CA), R(V_AKI) } },
	{ "unable to get issuer certificate", { R(V_PARTIAL_ANCHOR), R(V_NO_INTERMEDIATE) } },
	{ "unable_to_get_issuer_cert", { R(V_PARTIAL_ANCHOR), R(V_NO_INTERMEDIATE) } },
	{ "self-signed certificate in certificate chain", { R(V_UNKNOWN_CA), R(V_SAME_NAME_CA) } },
	{ "self_signed_cert_in_chain", { R(V_UNKNOWN_CA), R(V_SAME_NAME_CA) } },
	{ "self-signed certificate", { R(V_SELF_SIGNED) } },
	{ "depth_zero_self_signed_cert", { R(V_SELF_SIGNED) } },
	{ "signed by unknown authority",
	  { R(V_UNKNOWN_CA), R(V_NO_INTERMEDIATE), R(V_SELF_SIGNED) } },
	{ "pkix path building failed", { R(V_UNKNOWN_CA), R(V_NO_INTERMEDIATE) } },
	{ "certificate issuer is unknown", { R(V_UNKNOWN_CA), R(V_NO_INTERMEDIATE) } },
	{ "certificate chain too long", { R(V_DEPTH) } },
	{ "cert_chain_too_long", { R(V_DEPTH) } },
	{ "path length constraint exceeded", { R(V_PATHLEN) } },
	{ "path_length_exceeded", { R(V_PATHLEN) } },
	{ "invalid_ca", { R(V_NOT_A_CA), R(V_V1_CA), R(V_CA_KU) } },
	{ "invalid ca certificate", { R(V_NOT_A_CA), R(V_CA_KU), R(V_V1_CA) } },
	/* nginx keeps the last error: a certificate that is no CA ends here too */
	{ "key usage does not include certificate signing", { R(V_CA_KU), R(V_NOT_A_CA) } },
	{ "key usage violation", { R(V_KU) } }, /* GnuTLS */
	{ "incompatible key usage", { R(V_EKU), R(V_CA_EKU) } },
	{ "certificate purpose", { R(V_EKU), R(V_CA_EKU), R(V_V1_CA), R(V_KU) } },
	{ "invalid_purpose", { R(V_EKU), R(V_CA_EKU) } },
	{ "extended key usage does not permit", { R(V_EKU) } },
	{ "permitted subtree violation", { R(V_NAME_CONSTRAINT) } },
	{ "excluded subtree violation", { R(V_NAME_CONSTRAINT) } },
	{ "unhandled critical extension", { R(V_CRITICAL_EXT) } },
	/* GnuTLS's words for alerts */
	{ "certificate is bad", { R(V_NAME_MISMATCH), R(V_NOT_YET), R(K_CLOCK), R(V_WEAK_KEY) } },
	{ "certificate was expired", { R(V_EXPIRED), R(V_CA_EXPIRED), R(V_CRL_EXPIRED) } },
	{ "certificate was revoked", { R(V_REVOKED), R(V_CA_REVOKED), R(V_DUP_SERIAL) } },
	{ "ca is unknown", { R(V_UNKNOWN_CA), R(V_NO_INTERMEDIATE), R(V_SAME_NAME_CA) } },
	{ "certificate is not supported", { R(V_EKU), R(V_CA_EKU) } },
	{ "certificate signature failure", { R(V_BAD_SIGNATURE), R(V_SAME_NAME_CA) } },
	{ "cert_signature_failure", { R(V_BAD_SIGNATURE), R(V_SAME_NAME_CA) } },
	{ "asn1_item_verify_ctx:evp lib", { R(V_BAD_SIGNATURE), R(V_SAME_NAME_CA) } },
	{ "certificate has expired or is not yet valid",
	  { R(V_EXPIRED), R(V_NOT_YET), R(K_CLOCK) } },
	{ "certificate has expired",
	  { R(V_EXPIRED), R(V_CA_EXPIRED), R(V_ROOT_EXPIRED), R(R_STALE_PROCESS) } },
	{ "cert_has_expired",
	  { R(V_EXPIRED), R(V_CA_EXPIRED), R(V_ROOT_EXPIRED), R(R_STALE_PROCESS) } },
	{ "not yet valid", { R(V_NOT_YET), R(K_CLOCK), R(K_SKEW_SMALL) } },
	{ "cert_not_yet_valid", { R(V_NOT_YET), R(K_CLOCK) } },
	/* alerts */
	{ "certificate expired", { R(V_EXPIRED), R(V_CA_EXPIRED), R(V_CRL_EXPIRED), R(K_CLOCK) } },
	{ "certificate_expired", { R(V_EXPIRED), R(V_CA_EXPIRED), R(V_CRL_EXPIRED), R(K_CLOCK) } },
	{ "unknown ca",
	  { R(V_UNKNOWN_CA), R(V_NO_INTERMEDIATE), R(V_SAME_NAME_CA), R(V_DEPTH),
	    R(V_CRL_MISSING) } },
	{ "unknown_ca",
	  { R(V_UNKNOWN_CA), R(V_NO_INTERMEDIATE), R(V_SAME_NAME_CA), R(V_DEPTH),
	    R(V_CRL_MISSING) } },
	{ "unsupported certificate", { R(V_EKU), R(V_CA_EKU) } },
	{ "unsupported_certificate", { R(V_EKU), R(V_CA_EKU) } },
	{ "certificate unknown", { R(V_NAME_CONSTRAINT), R(V_CRITICAL_EXT), R(V_UNKNOWN_CA) } },
	{ "certificate_unknown", { R(V_NAME_CONSTRAINT), R(V_CRITICAL_EXT), R(V_UNKNOWN_CA) } },
	{ "bad certificate",
	  { R(V_NOT_YET), R(K_CLOCK), R(V_NAME_MISMATCH), R(V_WEAK_KEY), R(N_NONE) } },
	{ "bad_certificate",
	  { R(V_NOT_YET), R(K_CLOCK), R(V_NAME_MISMATCH), R(V_WEAK_KEY), R(N_NONE) } },
	{ "alert decrypt error", { R(V_BAD_SIGNATURE), R(V_SAME_NAME_CA), R(V_PROOF) } },
	{ "decrypt_error", { R(V_BAD_SIGNATURE), R(V_SAME_NAME_CA), R(V_PROOF) } },
	{ "alert access denied", { R(A_NOT_ALLOWED) } },
	{ "access_denied", { R(A_NOT_ALLOWED) } },
	{ "alert internal error", { R(L_CA_NAMES), R(R_SESSION_CONTEXT) } },
	{ "illegal parameter", { R(L_CHAIN_SIZE) } },
	{ ": ssl handshake failure", /* haproxy: of anything but a client's certificate */
	  { R(N_NONE), R(V_UNKNOWN_CA), R(V_NO_INTERMEDIATE), R(V_NAME_MISMATCH), R(V_EXPIRED),
	    R(P_VERSION), R(P_CIPHER) } },
	{ "error in handshake: decryption has failed", /* GnuTLS, of an alert it cannot read */
	  { R(V_UNKNOWN_CA), R(V_NAME_MISMATCH), R(V_NO_INTERMEDIATE), R(V_EXPIRED) } },
	{ "wrong curve", { R(P_GROUP) } },
	{ "handshake failure",
	  { R(N_NONE), R(P_CIPHER), R(P_CIPHER_KEY), R(P_GROUP), R(P_SIGALG) } },
	{ "handshake_failure",
	  { R(N_NONE), R(P_CIPHER), R(P_CIPHER_KEY), R(P_GROUP), R(P_SIGALG) } },
	{ "ssl client certificate not trusted", /* haproxy: of the leaf */
	  { R(V_EXPIRED), R(V_REVOKED), R(V_NO_INTERMEDIATE), R(V_EKU), R(V_SELF_SIGNED),
	    R(V_CRL_EXPIRED), R(V_NOT_YET) } },
	{ "ssl client ca chain cannot be verified", /* haproxy: of a CA above it */
	  { R(V_UNKNOWN_CA), R(V_SAME_NAME_CA), R(V_PARTIAL_ANCHOR), R(V_CA_EXPIRED),
	    R(V_CRL_MISSING), R(V_CA_REVOKED), R(V_PATHLEN) } },
	{ "error in the certificate.", /* GnuTLS: of whatever it refuses */
	  { R(V_UNKNOWN_CA), R(V_NO_INTERMEDIATE), R(V_EXPIRED), R(V_REVOKED), R(V_SELF_SIGNED),
	    R(V_CA_EXPIRED), R(V_NOT_YET) } },
	{ "the ssl certificate error",
	  { R(V_UNKNOWN_CA), R(V_NO_INTERMEDIATE), R(V_EXPIRED), R(V_CRL_EXPIRED), R(V_REVOKED) } },
	/* rules of the server */
	{ "client denied by server configuration", { R(A_NOT_ALLOWED), R(N_NONE) } },
	/* Node hangs up on whomever it refuses, and tells of a reset */
	{ "tlsclienterror",
	  { R(V_UNKNOWN_CA), R(V_NO_INTERMEDIATE), R(V_EXPIRED), R(V_REVOKED), R(V_CRL_EXPIRED),
	    R(V_CRL_MISSING), R(V_EKU), R(V_SELF_SIGNED), R(V_CA_EXPIRED), R(T_EOF) } },
	/* transport */
	{ "connection refused", { R(T_REFUSED) } },
	{ "econnrefused", { R(T_REFUSED) } },
	{ "connection reset", { R(T_RESET), R(T_ALERT_LOST), R(T_PROXY_EXPECTED) } },
	{ "econnreset", { R(T_RESET), R(T_ALERT_LOST), R(T_PROXY_EXPECTED) } },
	{ "broken pipe", { R(T_ALERT_LOST), R(T_RESET) } },
	{ "socket hang up", { R(T_ALERT_LOST), R(T_EOF) } },
	{ "empty reply from server", { R(T_ALERT_LOST), R(T_EOF) } },
	{ "getpeername() failed", { R(T_ALERT_LOST) } },
	{ "unexpected eof", { R(T_EOF), R(T_ALERT_LOST) } },
	{ "other side closed", { R(T_ALERT_LOST), R(T_EOF) } },
	{ "message too long", { R(T_MTU) } },
	{ "timed out", { R(T_TIMEOUT), R(T_MTU) } },
	{ "etimedout", { R(T_TIMEOUT), R(T_MTU) } },
	{ "permission denied", { R(F_UNREADABLE) } },
	{ "no such file or directory", { R(F_MISSING) } },
	{ ANY_VERDICT,
	  { R(V_UNKNOWN_CA), R(V_NO_INTERMEDIATE), R(V_EXPIRED), R(V_REVOKED), R(V_SELF_SIGNED),
	    R(V_EKU), R(V_CRL_EXPIRED) } },
};

/* Only clients look for a name in a certificate; GnuTLS's words for alert 42 may be either's. */
static bool is_about_a_name(const struct hf_log_meaning *m)
{
	static const enum hf_reason names[] = { R(V_NAME_MISMATCH), R(V_IP_SAN), R(V_IP_AS_DNS),
						R(V_CN_ONLY), R(V_WILDCARD) };

	if (m->alert || strcmp(m->pattern, "certificate is bad") == 0)
		return false;
	for (size_t i = 0; i < HF_ARRAY_LEN(names); i++) {
		if (m->candidates[0] == names[i])
			return true;
	}
	return false;
}

static void guess_writer(const char *line, struct hf_log_meaning *m)
{
	static const char *const server[] = { "client ssl certificate",
					      "client sent no required",
					      "while reading client",
					      "while ssl handshaking",
					      "peer did not return",
					      "ssl client certificate",
					      "ssl client ca chain",
					      "certificate verification: error",
					      "tls_process_client_certificate",
					      "error in handshake:",
					      "ssl_accept:",
					      "frontend",
					      "tlsclienterror",
					      "client didn't provide",
					      "http: tls handshake error",
					      "client denied by server" };
	static const char *const client[] = { "curl:",
					      "to connect to",
					      "err_tls_cert",
					      "https.get",
					      "url error",
					      "requests.exceptions",
					      "httpsconnectionpool",
					      "urlopen error",
					      "*** pki verification",
					      "fetch failed",
					      "tls_process_server_certificate" };

	for (size_t i = 0; i < HF_ARRAY_LEN(server); i++)
		m->writer_is_server |= hf_str_case_find(line, server[i]);
	for (size_t i = 0; i < HF_ARRAY_LEN(client); i++)
		m->writer_is_client |= hf_str_case_find(line, client[i]);
	m->writer_is_client |= is_about_a_name(m);
	m->writer_is_client &= !m->writer_is_server;
}

/* s_server and s_client say once whose log it is. */
void hf_log_context_init(struct hf_log_context *context, const char *text)
{
	*context = (struct hf_log_context){
		.server = strstr(text, "tls_process_client_certificate") != NULL,
		.client = strstr(text, "tls_process_server_certificate") != NULL,
	};
}

enum hf_side hf_log_refused_by(const struct hf_log_meaning *m)
{
	if (!m->writer_is_server && !m->writer_is_client)
		return HF_SIDE_NOBODY;
	return m->writer_is_server == m->alert ? HF_SIDE_CLIENT : HF_SIDE_SERVER;
}

static bool by_pattern(const char *line, struct hf_log_meaning *ret)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(patterns); i++) {
		if (!hf_str_case_find(line, patterns[i].text))
			continue;
		ret->pattern = patterns[i].text;
		for (size_t k = 0; k < MEANT && patterns[i].reasons[k]; k++)
			ret->candidates[ret->candidates_len++] = patterns[i].reasons[k];
		return true;
	}
	return false;
}

/* Logs that have only the number of OpenSSL's error, in hexadecimal: of its library 20 (SSL), the
 * reason, and from 1000 on an alert that came. */
static bool by_code(const char *line, struct hf_log_meaning *ret)
{
	static const struct {
		unsigned code;
		const char *text; /* of a pattern */
	} codes[] = {
		{ SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "peer did not return a certificate" },
		{ SSL_R_NO_SHARED_CIPHER, "no shared cipher" },
		{ SSL_R_UNSUPPORTED_PROTOCOL, "unsupported protocol" },
		{ SSL_R_HTTP_REQUEST, "ssl routines::http request" },
		{ SSL_R_WRONG_VERSION_NUMBER, "wrong version number" },
		{ SSL_R_NO_SUITABLE_KEY_SHARE, "no suitable key share" },
		{ SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, "no suitable signature algorithm" },
		{ SSL_R_NO_APPLICATION_PROTOCOL, "no application protocol" },
		{ SSL_R_SESSION_ID_CONTEXT_UNINITIALIZED, "session id context uninitialized" },
		{ SSL_R_EXCESSIVE_MESSAGE_SIZE, "excessive message size" },
	};
	const char *at = strstr(line, "0A000");
	unsigned code;

	if (!at || sscanf(at, "0A000%3x", &code) != 1)
		return false;
	ret->alert = code >= ALERTS_FROM;
	if (ret->alert) {
		ret->alert_number = (int)(code - ALERTS_FROM);
		return by_pattern(hf_alert_name(ret->alert_number), ret);
	}
	for (size_t i = 0; i < HF_ARRAY_LEN(codes); i++) {
		if (codes[i].code == code)
			return by_pattern(codes[i].text, ret);
	}
	return false;
}

/* "SSL alert number 48", GnuTLS's "Received alert [42]". */
static void read_alert_number(const char *line, struct hf_log_meaning *m)
{
	static const char *const leads[] = { "alert number ", "Received alert [" };

	for (size_t i = 0; i < HF_ARRAY_LEN(leads); i++) {
		const char *at = strstr(line, leads[i]);

		if (at && sscanf(at + strlen(leads[i]), "%3d", &m->alert_number) == 1)
			m->alert = true;
	}
}

/* "tlsv1 alert unknown ca": the words of the name, with blanks. */
static bool alert_said(const char *words, int alert)
{
	const char *name = hf_alert_name(alert);
	size_t i = 0;

	if (strcmp(name, hf_alert_name(-1)) == 0)
		return false;
	for (; name[i]; i++) {
		if (words[i] != (name[i] == '_' ? ' ' : name[i]))
			return false;
	}
	return !isalpha((unsigned char)words[i]);
}

/* Programs that write OpenSSL's error as it is (Python, haproxy) do not say the number. */
static void read_alert_name(const char *line, struct hf_log_meaning *m)
{
	static const char lead[] = " alert ";
	const char *at = strstr(line, lead);

	for (int i = 1; at && m->alert_number == 0 && i <= ALERT_MAX; i++) {
		if (alert_said(at + strlen(lead), i))
			m->alert_number = i;
	}
}

/* What programs write of every connection, or of its end, whatever became of it. */
static bool says_nothing(const char *line)
{
	return strstr(line, "Peer certificate required") || /* stunnel: its own setting */
	       strstr(line, "byte(s) sent to TLS");
}

/* One refusal has one verdict: OpenSSL's general word after it adds nothing. */
static bool said_before(const struct hf_log_meaning *m, struct hf_log_context *context)
{
	bool again = context->told && strcmp(m->pattern, ANY_VERDICT) == 0;

	context->told = !again && !m->alert;
	return again;
}

bool hf_log_line_read(const char *line, struct hf_log_context *context, struct hf_log_meaning *ret)
{
	struct hf_log_context none = { .depth_known = false };

	*ret = (struct hf_log_meaning){ .confidence = HF_LIKELY };
	context = context ? context : &none;
	if (says_nothing(line) || (!hf_log_verdict_read(line, context, ret) &&
				   !by_pattern(line, ret) && !by_code(line, ret)))
		return false;
	ret->alert |= hf_str_case_find(line, " alert ") || hf_str_case_find(line, "remote error") ||
		      hf_str_case_find(line, "decryption has failed");
	ret->confidence = ret->candidates_len == 1     ? HF_CERTAIN
			  : ret->candidates_len <= FEW ? HF_LIKELY
						       : HF_CANNOT_KNOW;
	read_alert_number(line, ret);
	read_alert_name(line, ret);
	if (said_before(ret, context))
		return false;
	/* GnuTLS takes an alert in place of the client's certificate for no certificate */
	ret->hides_alert = hf_str_case_find(line, ": ssl handshake failure") ||
			   hf_str_case_find(line, "decryption has failed") ||
			   hf_str_case_find(line, "no certificate was found");
	guess_writer(line, ret);
	ret->writer_is_server |= context->server && !ret->writer_is_client;
	ret->writer_is_client |= context->client && !ret->writer_is_server;
	return true;
}
