/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP from foreign bytes: 'q' and a request that anybody sends, or 'a' and a certificate, its
 * issuer and the response that a responder gives. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pki/der.h"
#include "pki/ocsp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const uint8_t *data, size_t size)
{
	HF_AUTO(hf_ocsp_request) request = NULL;
	struct hf_err err = HF_ERR_INIT;
	char serial[HF_OCSP_SERIAL_CAP];

	if (hf_ocsp_request_parse(data, size, &request, &err) < 0) {
		if (!err.msg[0])
			abort();
		return;
	}
	if (hf_ocsp_request_len(request) < 1 || hf_ocsp_request_len(request) > HF_OCSP_IDS_CAP)
		abort();
	for (size_t i = 0; i < hf_ocsp_request_len(request); i++) {
		hf_ocsp_request_serial(request, i, serial);
		if (serial[strspn(serial, "-0123456789abcdef")] != '\0')
			abort();
	}
}

/* The length of the DER element at data, cut to what is there; 0: none. */
static size_t element(const uint8_t *data, size_t size)
{
	size_t span;

	return hf_der_span(data, size, &span) ? HF_MIN(span, size) : 0;
}

/* A certificate, its issuer, and the response. */
static void answer(const uint8_t *data, size_t size)
{
	HF_AUTO(hf_cert) cert = NULL;
	HF_AUTO(hf_cert) issuer = NULL;
	struct hf_ocsp_says says = { .reason = -2 };
	struct hf_err err = HF_ERR_INIT;
	size_t first = element(data, size), second;

	second = element(data + first, size - first);
	if (hf_cert_from_der(data, first, &cert, NULL) < 0 ||
	    hf_cert_from_der(data + first, second, &issuer, NULL) < 0)
		return;
	if (hf_ocsp_check(data + first + second, size - first - second, cert, issuer, 1795890000,
			  &says, &err) < 0) {
		if (!err.msg[0] || says.reason != -2)
			abort();
	} else if (says.status > HF_OCSP_UNKNOWN || says.this_update == 0) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] == 'q')
		ask(data + 1, size - 1);
	else if (data[0] == 'a')
		answer(data + 1, size - 1);
	return 0;
}
