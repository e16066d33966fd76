/* SPDX-License-Identifier: Apache-2.0 */
/* Names of OpenSSL's verification errors and of TLS alerts.  Holds no judgement; the names are an
 * interface (scripts and Node programs compare them), so none may ever be altered. */
#include <openssl/x509_vfy.h>

#include "base/macros.h"
#include "verify/judge.h"

struct error_name {
	const char *name;
	bool node; /* Node knows it; every other one is "UNSPECIFIED" there */
	int alert; /* what OpenSSL sends for it (ssl_x509err2alert); 0: certificate_unknown */
};

#define NODE(error, alert) [X509_V_ERR_##error] = { #error, true, alert }
#define ONLY(error, alert) [X509_V_ERR_##error] = { #error, false, alert }

static const struct error_name names[] = {
	[X509_V_OK] = { "OK", false, 0 },
	ONLY(UNSPECIFIED, 80),
	NODE(UNABLE_TO_GET_ISSUER_CERT, 48),
	NODE(UNABLE_TO_GET_CRL, 48),
	NODE(UNABLE_TO_DECRYPT_CERT_SIGNATURE, 51),
	NODE(UNABLE_TO_DECRYPT_CRL_SIGNATURE, 51),
	NODE(UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, 42),
	NODE(CERT_SIGNATURE_FAILURE, 51),
	NODE(CRL_SIGNATURE_FAILURE, 51),
	NODE(CERT_NOT_YET_VALID, 42),
	NODE(CERT_HAS_EXPIRED, 45),
	NODE(CRL_NOT_YET_VALID, 42),
	NODE(CRL_HAS_EXPIRED, 45),
	NODE(ERROR_IN_CERT_NOT_BEFORE_FIELD, 42),
	NODE(ERROR_IN_CERT_NOT_AFTER_FIELD, 42),
	NODE(ERROR_IN_CRL_LAST_UPDATE_FIELD, 42),
	NODE(ERROR_IN_CRL_NEXT_UPDATE_FIELD, 42),
	NODE(OUT_OF_MEM, 80),
	NODE(DEPTH_ZERO_SELF_SIGNED_CERT, 48),
	NODE(SELF_SIGNED_CERT_IN_CHAIN, 48),
	NODE(UNABLE_TO_GET_ISSUER_CERT_LOCALLY, 48),
	NODE(UNABLE_TO_VERIFY_LEAF_SIGNATURE, 48),
	NODE(CERT_CHAIN_TOO_LONG, 48),
	NODE(CERT_REVOKED, 44),
	ONLY(NO_ISSUER_PUBLIC_KEY, 0),
	NODE(PATH_LENGTH_EXCEEDED, 48),
	NODE(INVALID_PURPOSE, 43),
	NODE(CERT_UNTRUSTED, 42),
	NODE(CERT_REJECTED, 42),
	ONLY(SUBJECT_ISSUER_MISMATCH, 42),
	ONLY(AKID_SKID_MISMATCH, 0),
	ONLY(AKID_ISSUER_SERIAL_MISMATCH, 0),
	ONLY(KEYUSAGE_NO_CERTSIGN, 0),
	ONLY(UNABLE_TO_GET_CRL_ISSUER, 48),
	ONLY(UNHANDLED_CRITICAL_EXTENSION, 0),
	ONLY(KEYUSAGE_NO_CRL_SIGN, 0),
	ONLY(UNHANDLED_CRITICAL_CRL_EXTENSION, 0),
	ONLY(INVALID_NON_CA, 0),
	ONLY(PROXY_PATH_LENGTH_EXCEEDED, 0),
	ONLY(KEYUSAGE_NO_DIGITAL_SIGNATURE, 0),
	ONLY(PROXY_CERTIFICATES_NOT_ALLOWED, 0),
	ONLY(INVALID_EXTENSION, 0),
	ONLY(INVALID_POLICY_EXTENSION, 0),
	ONLY(NO_EXPLICIT_POLICY, 0),
	ONLY(DIFFERENT_CRL_SCOPE, 0),
	ONLY(UNSUPPORTED_EXTENSION_FEATURE, 0),
	ONLY(UNNESTED_RESOURCE, 0),
	ONLY(PERMITTED_VIOLATION, 0),
	ONLY(EXCLUDED_VIOLATION, 0),
	ONLY(SUBTREE_MINMAX, 0),
	ONLY(APPLICATION_VERIFICATION, 40),
	ONLY(UNSUPPORTED_CONSTRAINT_TYPE, 0),
	ONLY(UNSUPPORTED_CONSTRAINT_SYNTAX, 0),
	ONLY(UNSUPPORTED_NAME_SYNTAX, 0),
	ONLY(CRL_PATH_VALIDATION_ERROR, 0),
	ONLY(PATH_LOOP, 0),
	ONLY(SUITE_B_INVALID_VERSION, 42),
	ONLY(SUITE_B_INVALID_ALGORITHM, 42),
	ONLY(SUITE_B_INVALID_CURVE, 42),
	ONLY(SUITE_B_INVALID_SIGNATURE_ALGORITHM, 42),
	ONLY(SUITE_B_LOS_NOT_ALLOWED, 42),
	ONLY(SUITE_B_CANNOT_SIGN_P_384_WITH_P_256, 42),
	NODE(HOSTNAME_MISMATCH, 42),
	ONLY(EMAIL_MISMATCH, 42),
	ONLY(IP_ADDRESS_MISMATCH, 42),
	ONLY(DANE_NO_MATCH, 42),
	ONLY(EE_KEY_TOO_SMALL, 42),
	ONLY(CA_KEY_TOO_SMALL, 42),
	ONLY(CA_MD_TOO_WEAK, 42),
	ONLY(INVALID_CALL, 80),
	ONLY(STORE_LOOKUP, 80),
	ONLY(NO_VALID_SCTS, 0),
	ONLY(PROXY_SUBJECT_NAME_VIOLATION, 0),
	ONLY(OCSP_VERIFY_NEEDED, 0),
	ONLY(OCSP_VERIFY_FAILED, 0),
	ONLY(OCSP_CERT_UNKNOWN, 0),
	ONLY(UNSUPPORTED_SIGNATURE_ALGORITHM, 0),
	ONLY(SIGNATURE_ALGORITHM_MISMATCH, 0),
	ONLY(SIGNATURE_ALGORITHM_INCONSISTENCY, 0),
	NODE(INVALID_CA, 48),
	ONLY(PATHLEN_INVALID_FOR_NON_CA, 0),
	ONLY(PATHLEN_WITHOUT_KU_KEY_CERT_SIGN, 0),
	ONLY(KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA, 0),
	ONLY(ISSUER_NAME_EMPTY, 0),
	ONLY(SUBJECT_NAME_EMPTY, 0),
	ONLY(MISSING_AUTHORITY_KEY_IDENTIFIER, 0),
	ONLY(MISSING_SUBJECT_KEY_IDENTIFIER, 0),
	ONLY(EMPTY_SUBJECT_ALT_NAME, 0),
	ONLY(EMPTY_SUBJECT_SAN_NOT_CRITICAL, 0),
	ONLY(CA_BCONS_NOT_CRITICAL, 0),
	ONLY(AUTHORITY_KEY_IDENTIFIER_CRITICAL, 0),
	ONLY(SUBJECT_KEY_IDENTIFIER_CRITICAL, 0),
	ONLY(CA_CERT_MISSING_KEY_USAGE, 0),
	ONLY(EXTENSIONS_REQUIRE_VERSION_3, 0),
	ONLY(EC_KEY_EXPLICIT_PARAMS, 42),
};

static const struct error_name *lookup(int error)
{
	if (error < 0 || (size_t)error >= HF_ARRAY_LEN(names) || !names[error].name)
		return &names[X509_V_ERR_UNSPECIFIED];
	return &names[error];
}

const char *hf_verify_error_name(int error)
{
	return lookup(error)->name;
}

const char *hf_node_reason_name(int error)
{
	return lookup(error)->node ? lookup(error)->name : "UNSPECIFIED";
}

int hf_verify_error_alert(int error)
{
	enum { CERTIFICATE_UNKNOWN = 46 };
	int alert = lookup(error)->alert;

	return alert ? alert : CERTIFICATE_UNKNOWN;
}

/* RFC 8446 6.2 and the older ones that peers still send. */
static const char *const alerts[] = {
	[0] = "close_notify",
	[10] = "unexpected_message",
	[20] = "bad_record_mac",
	[21] = "decryption_failed",
	[22] = "record_overflow",
	[30] = "decompression_failure",
	[40] = "handshake_failure",
	[41] = "no_certificate",
	[42] = "bad_certificate",
	[43] = "unsupported_certificate",
	[44] = "certificate_revoked",
	[45] = "certificate_expired",
	[46] = "certificate_unknown",
	[47] = "illegal_parameter",
	[48] = "unknown_ca",
	[49] = "access_denied",
	[50] = "decode_error",
	[51] = "decrypt_error",
	[60] = "export_restriction",
	[70] = "protocol_version",
	[71] = "insufficient_security",
	[80] = "internal_error",
	[86] = "inappropriate_fallback",
	[90] = "user_canceled",
	[100] = "no_renegotiation",
	[109] = "missing_extension",
	[110] = "unsupported_extension",
	[111] = "certificate_unobtainable",
	[112] = "unrecognized_name",
	[113] = "bad_certificate_status_response",
	[114] = "bad_certificate_hash_value",
	[115] = "unknown_psk_identity",
	[116] = "certificate_required",
	[120] = "no_application_protocol",
};

const char *hf_alert_name(int alert)
{
	if (alert < 0 || (size_t)alert >= HF_ARRAY_LEN(alerts) || !alerts[alert])
		return "unknown";
	return alerts[alert];
}
