/* SPDX-License-Identifier: Apache-2.0 */
/* TLS alerts (RFC 8446 6, RFC 5246 7.2): numbers, what each can mean, and the way by which OpenSSL
 * is made to send a chosen one.  Pure tables. */
#ifndef HF_TLS_ALERTS_H
#define HF_TLS_ALERTS_H

#include <stdbool.h>

/* The ones this program chooses itself; names for all are hf_alert_name() in verify/verdict.h. */
enum hf_alert {
	HF_ALERT_CLOSE_NOTIFY = 0,
	HF_ALERT_HANDSHAKE_FAILURE = 40,
	HF_ALERT_BAD_CERTIFICATE = 42,
	HF_ALERT_UNSUPPORTED_CERTIFICATE = 43,
	HF_ALERT_CERTIFICATE_REVOKED = 44,
	HF_ALERT_CERTIFICATE_EXPIRED = 45,
	HF_ALERT_CERTIFICATE_UNKNOWN = 46,
	HF_ALERT_ILLEGAL_PARAMETER = 47,
	HF_ALERT_UNKNOWN_CA = 48,
	HF_ALERT_ACCESS_DENIED = 49,
	HF_ALERT_DECODE_ERROR = 50,
	HF_ALERT_DECRYPT_ERROR = 51,
	HF_ALERT_PROTOCOL_VERSION = 70,
	HF_ALERT_INTERNAL_ERROR = 80,
	HF_ALERT_USER_CANCELED = 90,
	HF_ALERT_CERTIFICATE_REQUIRED = 116,
};

/* What a received alert can mean and what to do next, both for people, never NULL. */
struct hf_alert_meaning {
	int alert;
	const char *means; /* "it does not trust the CA of your certificate, or an intermediate is
			      missing" */
	const char *next;  /* "look which CA …" */
	bool about_certificate; /* it judges the certificate we sent (or did not send) */
};
const struct hf_alert_meaning *hf_alert_meaning(int alert);

/* The X509_V_ERR_* that libssl turns into `alert` when verification fails with it;
 * X509_V_ERR_UNSPECIFIED's neighbour for 46 when libssl has no way to send that one (49 is sent by
 * another way, see conn.c). */
int hf_alert_to_verify_error(int alert);

#endif
