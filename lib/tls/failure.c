/* SPDX-License-Identifier: Apache-2.0 */
/* Who refused whom: one struct from libssl's error queue, the alerts that passed, the verdict and
 * errno. Must never put foreign bytes into the text unescaped. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/sslerr.h>

#include "base/reason.h"
#include "tls/internal.h"

/* libssl's reason → id in the catalogue of causes, when that reason has just one. */
static const struct {
	int reason;
	const char *cause;
} causes[] = {
	{ SSL_R_HTTP_REQUEST, "T-PLAINTEXT-CLIENT" },
	{ SSL_R_HTTPS_PROXY_REQUEST, "T-PLAINTEXT-CLIENT" },
	{ SSL_R_UNSUPPORTED_PROTOCOL, "P-VERSION" },
	{ SSL_R_VERSION_TOO_LOW, "P-VERSION" },
	{ SSL_R_VERSION_TOO_HIGH, "P-VERSION" },
	{ SSL_R_NO_PROTOCOLS_AVAILABLE, "P-VERSION" },
	{ SSL_R_NO_SUITABLE_KEY_SHARE, "P-GROUP" },
	{ SSL_R_NO_SUITABLE_GROUPS, "P-GROUP" },
	{ SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, "P-SIGALG" },
	{ SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, "P-SIGALG" },
	{ SSL_R_WRONG_SIGNATURE_TYPE, "P-SIGALG" },
	{ SSL_R_NO_APPLICATION_PROTOCOL, "P-ALPN" },
	{ SSL_R_EXCESSIVE_MESSAGE_SIZE, "L-CHAIN-SIZE" },
	{ SSL_R_BAD_SIGNATURE, "V-PROOF" },
	{ SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED, "P-UNSAFE-RENEG" },
	{ SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "N-NONE" },
};

static const struct {
	int alert;
	const char *cause;
} alert_causes[] = {
	{ HF_ALERT_PROTOCOL_VERSION, "P-VERSION" },
	{ HF_ALERT_CERTIFICATE_REQUIRED, "N-NONE" },
	{ 112, "P-SNI" },
	{ 120, "P-ALPN" },
};

/* A key that is elsewhere raises errors of its own (util/remote_key.h of the program). */
static bool is_signer_trouble(unsigned long error)
{
	return ERR_GET_LIB(error) == ERR_LIB_USER;
}

static const char *cause_of_reason(const struct hf_tls_conn *conn, int reason)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(causes); i++) {
		if (causes[i].reason == reason)
			return causes[i].cause;
	}
	if (reason == SSL_R_WRONG_VERSION_NUMBER)
		return hf_tls_not_tls_cause(conn);
	return reason == SSL_R_NO_SHARED_CIPHER ? hf_tls_hello_cause(conn) : "";
}

static const char *cause_of_alert(int alert)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(alert_causes); i++) {
		if (alert_causes[i].alert == alert)
			return alert_causes[i].cause;
	}
	return "";
}

static const char *cause_of_verdict(const struct hf_tls_conn *conn)
{
	const struct hf_finding *root = conn->peer ? hf_verdict_root(&conn->peer->verdict) : NULL;

	return root ? hf_reason_info(root->reason)->id : "";
}

static bool verdict_refuses(const struct hf_tls_conn *conn)
{
	return conn->peer && !conn->peer->verdict.accepted;
}

static void refused_by_peer(const struct hf_tls_conn *conn, struct hf_tls_failure *failure)
{
	failure->refused_by = HF_JUDGE_PEER;
	failure->alert = conn->alert_received;
	failure->cause = cause_of_alert(failure->alert);
	snprintf(failure->text, sizeof(failure->text), "the peer sent alert %d %s", failure->alert,
		 hf_alert_name(failure->alert));
}

static void lost(const struct hf_tls_conn *conn, struct hf_tls_failure *failure)
{
	failure->refused_by = HF_JUDGE_NOBODY;
	failure->alert = -1;
	failure->sys_errno = conn->io_errno;
	failure->cause = conn->io_errno ? "T-RESET" : "T-EOF";
	snprintf(failure->text, sizeof(failure->text), "%s%s%s",
		 conn->io_errno ? strerror(conn->io_errno) : "the peer closed the connection",
		 failure->in_handshake ? " in the handshake" : "",
		 conn->write_broken ? " while sending" : "");
}

/* A missing certificate, or one that is too large, stops libssl before it asks the judge; the
 * verdict says the same in our words. */
static void judge_what_libssl_refused(struct hf_tls_conn *conn, int reason)
{
	if (!conn->peer && reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
		(void)hf_tls_judge_nobody(conn, NULL);
}

static void refused_by_us(struct hf_tls_conn *conn, unsigned long error,
			  struct hf_tls_failure *failure)
{
	int reason = ERR_GET_REASON(error);
	const char *words = ERR_reason_error_string(error);

	judge_what_libssl_refused(conn, reason);
	failure->refused_by = HF_JUDGE_US;
	failure->alert = conn->alert_sent;
	failure->cause = cause_of_reason(conn, reason);
	if (is_signer_trouble(error)) {
		failure->cause = hf_reason_info(HF_REASON_F_SIGNER)->id;
		words = hf_reason_info(HF_REASON_F_SIGNER)->sentence;
	} else if (verdict_refuses(conn)) {
		const struct hf_finding *root = hf_verdict_root(&conn->peer->verdict);

		failure->cause = cause_of_verdict(conn);
		words = root ? hf_reason_info(root->reason)->sentence : words;
	} else if (conn->judge_err.code) {
		words = "the certificate could not be judged (out of memory)";
	}
	snprintf(failure->text, sizeof(failure->text), "%s", words ? words : "TLS failed");
	if (reason == SSL_R_NO_SHARED_CIPHER)
		hf_tls_hello_tell(conn, failure);
}

void hf_tls_failure_set(struct hf_tls_conn *conn, int ssl_error)
{
	static const struct hf_tls_failure blank = { .alert = -1, .cause = "" };
	unsigned long error = ERR_peek_error();
	struct hf_tls_failure *failure = conn->failure;

	if (!failure)
		failure = conn->failure = malloc(sizeof(*failure));
	if (!failure) {
		ERR_clear_error();
		return;
	}
	*failure = blank;
	failure->in_handshake = !conn->handshake_done;
	/* An alert that came in is the peer's last word, whatever broke afterwards. */
	if (conn->alert_received >= 0)
		refused_by_peer(conn, failure);
	else if (conn->io_errno || ssl_error == SSL_ERROR_ZERO_RETURN || error == 0)
		lost(conn, failure);
	else
		refused_by_us(conn, error, failure);
	ERR_clear_error();
}
