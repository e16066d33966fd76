/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate from foreign DER: whatever decodes must be described in text that is safe to print,
 * and come out of its own DER again with the same fingerprint. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "pki/cert.h"
#include "pki/identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void must_be_tame(const char *text)
{
	for (; text && *text; text++)
		must((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static void look_at_text(const struct hf_cert *cert)
{
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(64 << 20);

	must_be_tame(cert->subject);
	must_be_tame(cert->issuer);
	must_be_tame(cert->serial);
	must_be_tame(cert->common_name);
	must_be_tame(cert->unknown_critical);
	must(hf_cert_format_eku(cert, &out) == 0 && hf_cert_format_ku(cert, &out) == 0);
	must(hf_sans_format(&cert->sans, &out) == 0);
	must_be_tame(hf_buf_str(&out));
	(void)hf_cert_print(cert, &out, NULL);
	must(memchr(hf_buf_str(&out), 0x1b, out.len) == NULL);
	must(hf_cert_to_pem(cert, &out, NULL) == 0);
}

static void look_at_identity(struct hf_cert *cert)
{
	HF_AUTO(hf_identity) id = NULL;
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(64 << 20);
	struct hf_json j;

	must(hf_identity_new(cert, cert, true, &id, NULL) == 0);
	must_be_tame(id->name);
	hf_json_init(&j, &out, false);
	hf_identity_to_json(id, &j, NULL);
	must_be_tame(hf_buf_str(&out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HF_AUTO(hf_cert) cert = NULL;
	HF_AUTO(hf_cert) again = NULL;

	if (hf_cert_from_der(data, size, &cert, NULL) < 0)
		return 0;
	look_at_text(cert);
	look_at_identity(cert);
	if (hf_cert_from_der(cert->der, cert->der_len, &again, NULL) == 0)
		must(hf_cert_equal(cert, again) && cert->flags == again->flags);
	return 0;
}
