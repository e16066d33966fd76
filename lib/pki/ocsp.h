/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP (RFC 6960, RFC 9654): requests that come from anybody, and responses that come from a
 * responder.  Decoded by OpenSSL, looked at here; immutable. */
#ifndef HF_PKI_OCSP_H
#define HF_PKI_OCSP_H

#include <openssl/ocsp.h>

#include "base/buf.h"
#include "pki/cert.h"

HF_DEFINE_AUTO(OCSP_REQUEST, OCSP_REQUEST, OCSP_REQUEST_free);
HF_DEFINE_AUTO(OCSP_RESPONSE, OCSP_RESPONSE, OCSP_RESPONSE_free);
HF_DEFINE_AUTO(OCSP_BASICRESP, OCSP_BASICRESP, OCSP_BASICRESP_free);
HF_DEFINE_AUTO(OCSP_CERTID, OCSP_CERTID, OCSP_CERTID_free);

enum {
	HF_OCSP_REQUEST_CAP = 16 * 1024,
	HF_OCSP_RESPONSE_CAP = 64 * 1024,
	HF_OCSP_IDS_CAP = 64,	    /* certificates asked about at once */
	HF_OCSP_NONCE_CAP = 128,    /* RFC 9654 2.1 */
	HF_OCSP_SERIAL_CAP = 64,
};

struct hf_ocsp_request;
/* -HF_E_PARSE for what is no request, asks about nothing or too much, has a nonce that RFC 9654
 * does not allow, or a critical extension that nobody knows here. */
int hf_ocsp_request_parse(const uint8_t *der, size_t len, struct hf_ocsp_request **ret_request,
			  struct hf_err *err);
void hf_ocsp_request_free(struct hf_ocsp_request *request);
HF_DEFINE_AUTO(hf_ocsp_request, struct hf_ocsp_request, hf_ocsp_request_free);

size_t hf_ocsp_request_len(const struct hf_ocsp_request *request); /* certificates asked about */
bool hf_ocsp_request_has_nonce(const struct hf_ocsp_request *request);
OCSP_REQUEST *hf_ocsp_request_get0(const struct hf_ocsp_request *request); /* borrowed */
OCSP_CERTID *hf_ocsp_request_id(const struct hf_ocsp_request *request, size_t i); /* borrowed */
/* The serial number as hf_cert.serial has it: "" when it is longer than a certificate's may be. */
void hf_ocsp_request_serial(const struct hf_ocsp_request *request, size_t i,
			    char out[HF_OCSP_SERIAL_CAP]);
/* Is this the CA that number i is of?  By name and key, under the hash that the request uses. */
bool hf_ocsp_request_is_of(const struct hf_ocsp_request *request, size_t i,
			   const struct hf_cert *issuer);

/* The request of a client: about one certificate, SHA-1 as every responder knows it (RFC 5019
 * 2.1.1), without a nonce so that the response may come from a cache. */
int hf_ocsp_ask(const struct hf_cert *cert, const struct hf_cert *issuer, struct hf_buf *out,
		struct hf_err *err);

enum hf_ocsp_status { HF_OCSP_GOOD, HF_OCSP_REVOKED, HF_OCSP_UNKNOWN };

/* What a response says of one certificate. */
struct hf_ocsp_says {
	enum hf_ocsp_status status;
	int64_t this_update, next_update; /* next_update 0: newer ones are always there */
	int64_t revoked_at;
	int reason; /* CRLReason; -1: none given */
};
/* Reads a response about `cert`: signed by its issuer, or by a responder that the issuer certified
 * for that (RFC 6960 4.2.2.2), current at `at`.  -HF_E_PARSE or -HF_E_POLICY with the reason in
 * words when it may not be believed. */
int hf_ocsp_check(const uint8_t *der, size_t len, const struct hf_cert *cert,
		  const struct hf_cert *issuer, int64_t at, struct hf_ocsp_says *ret_says,
		  struct hf_err *err);

/* http and https URLs of responders in the certificate (authorityInfoAccess, RFC 5280 4.2.2.1);
 * the first, or NULL; owned. */
char *hf_ocsp_url(const struct hf_cert *cert);

#endif
