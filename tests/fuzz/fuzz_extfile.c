/* SPDX-License-Identifier: Apache-2.0 */
/* Extension files and openssl.cnf: whatever stands in them, no leaf gets a CA's extension, nothing
 * comes out of the environment, and a refusal says why. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "ca/policy/extension.h"
#include "ca/policy/extfile.h"
#include "ca/policy/openssl_policy.h"
#include "ca/policy/openssl_request.h"

static const char marker[] = "value-of-the-environment";

static void check(const struct hf_extfile *ext, const struct hf_ca_profile *profile)
{
	for (int i = 0; i < sk_X509_EXTENSION_num(ext->extra); i++) {
		X509_EXTENSION *e = sk_X509_EXTENSION_value(ext->extra, i);
		const ASN1_OCTET_STRING *der = X509_EXTENSION_get_data(e);

		if (hf_extension_check(e, profile) ||
		    memmem(ASN1_STRING_get0_data(der), (size_t)ASN1_STRING_length(der), marker,
			   strlen(marker)))
			abort();
	}
	for (size_t i = 0; i < ext->sans.len; i++) {
		if (ext->sans.items[i].kind > HF_SAN_EMAIL || ext->sans.items[i].malformed ||
		    strstr(ext->sans.items[i].value, marker))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static X509 *x509;
	HF_AUTO(hf_openssl_file) file = NULL;
	HF_AUTO(hf_policy) policy = NULL;
	HF_AUTO_DONE(hf_extfile) ext = { .extra = NULL };
	const struct hf_ca_profile *client = hf_ca_profile_find("client");
	struct hf_err err = HF_ERR_INIT;
	struct hf_cert issuer = { .x509 = NULL };
	HF_AUTO_DONE(hf_openssl_request) request = { .subject = HF_BUF_INIT(0) };
	const char *section = NULL;

	if (!x509)
		x509 = X509_new();
	if (!x509 || setenv("HF_FUZZ", marker, 1) != 0)
		abort();
	if (memmem(data, size, marker, strlen(marker)))
		return 0; /* it would prove nothing */
	issuer.x509 = x509;
	if (hf_openssl_file_parse((const char *)data, size, "fuzz", &file, &err) < 0)
		return 0;
	if (hf_extfile_read(file, NULL, client, &issuer, &ext, &err) == 0)
		check(&ext, client);
	else if (!err.msg[0])
		abort();
	if (hf_policy_from_openssl(file, NULL, &policy, &section, &err) < 0 && !err.msg[0])
		abort();
	hf_err_clear(&err);
	if (hf_openssl_request_read(file, "name", &request, &err) < 0 && !err.msg[0])
		abort();
	for (size_t i = 0; i < request.sans.len; i++) {
		if (strstr(request.sans.items[i].value, marker))
			abort();
	}
	return 0;
}
