/* SPDX-License-Identifier: Apache-2.0 */
/* EST bodies.  Must never take a request for good that was not decoded to its last byte, nor leave
 * a private key in memory that it gives back. */
#include "enroll/est.h"

#include <string.h>

#include <openssl/pkcs7.h>

#include "base/err.h"
#include "base/str.h"
#include "pki/pemfile.h"

enum { CAP = 1024 * 1024 };

HF_DEFINE_AUTO(PKCS7, PKCS7, PKCS7_free);

static int parse_pem(const char *body, size_t len, struct hf_csr **ret_csr, struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	int rc = hf_pemfile_parse(&file, body, len, "the request", 0, NULL, err);

	if (rc < 0)
		return rc;
	if (file.csrs_len != 1 || file.keys_len > 0)
		return hf_err_set(err, HF_E_PARSE, "the body is not one certificate request");
	*ret_csr = hf_take(file.csrs[0]);
	return 0;
}

int hf_est_request_parse(const char *body, size_t len, struct hf_csr **ret_csr, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) der = HF_BUF_INIT(CAP);

	if (len == 0)
		return hf_err_set(err, HF_E_PARSE,
				  "the body is empty: a certificate request is due");
	if (memmem(body, len, "-----BEGIN", 10))
		return parse_pem(body, len, ret_csr, err);
	if (body[0] == 0x30 && len > 1 && (body[1] & 0x80)) /* no letter of base64 has that bit */
		return hf_csr_from_der((const uint8_t *)body, len, ret_csr, err);
	if (hf_base64_decode(body, len, &der) < 0 || der.len == 0)
		return hf_err_set(err, HF_E_PARSE,
				  "the body is neither base64 nor PEM of a certificate request");
	return hf_csr_from_der((const uint8_t *)der.data, der.len, ret_csr, err);
}

static PKCS7 *bag_of(const struct hf_certs *certs)
{
	HF_AUTO(PKCS7) bag = PKCS7_new();

	if (!bag || PKCS7_set_type(bag, NID_pkcs7_signed) != 1 ||
	    PKCS7_content_new(bag, NID_pkcs7_data) != 1 || PKCS7_set_detached(bag, 1) != 1)
		return NULL;
	for (size_t i = 0; i < certs->len; i++) {
		if (PKCS7_add_certificate(bag, certs->items[i]->x509) != 1)
			return NULL;
	}
	return hf_take(bag);
}

static int write_line(const uint8_t *der, size_t len, struct hf_buf *out, struct hf_err *err)
{
	(void)hf_base64_encode(der, len, out);
	return hf_buf_putc(out, '\n') < 0 ? hf_err_nomem(err) : 0;
}

static int write_lines(const uint8_t *der, size_t len, struct hf_buf *out, struct hf_err *err)
{
	enum { BYTES_OF_A_LINE = 48 };
	int rc = 0;

	for (size_t at = 0; rc == 0 && at < len; at += BYTES_OF_A_LINE)
		rc = write_line(der + at, HF_MIN(len - at, (size_t)BYTES_OF_A_LINE), out, err);
	return rc;
}

int hf_est_certs_format(const struct hf_certs *certs, bool wrapped, struct hf_buf *out,
			struct hf_err *err)
{
	HF_AUTO(PKCS7) bag = bag_of(certs);
	HF_AUTO(ossl_mem) der = NULL;
	int len = bag ? i2d_PKCS7(bag, &der) : -1;

	if (len <= 0)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot write a bag of certificates");
	return wrapped ? write_lines(der, (size_t)len, out, err)
		       : write_line(der, (size_t)len, out, err);
}

/* --- keys that the server made --- */

static void begin_part(const char *type, struct hf_buf *out)
{
	(void)hf_buf_printf(out,
			    "--" HF_EST_BOUNDARY "\r\nContent-Type: %s\r\n"
			    "Content-Transfer-Encoding: base64\r\n\r\n",
			    type);
}

static int write_key(const EVP_PKEY *key, bool wrapped, struct hf_buf *out, struct hf_err *err)
{
	HF_AUTO(PKCS8_PRIV_KEY_INFO) p8 = EVP_PKEY2PKCS8(key);
	unsigned char *der = NULL;
	int len = p8 ? i2d_PKCS8_PRIV_KEY_INFO(p8, &der) : -1;
	int rc;

	if (len <= 0)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot encode the private key");
	rc = wrapped ? write_lines(der, (size_t)len, out, err)
		     : write_line(der, (size_t)len, out, err);
	OPENSSL_clear_free(der, (size_t)len);
	return rc;
}

int hf_est_key_format(const EVP_PKEY *key, const struct hf_certs *certs, bool wrapped,
		      struct hf_buf *out, struct hf_err *err)
{
	int rc;

	begin_part("application/pkcs8", out);
	rc = write_key(key, wrapped, out, err);
	if (rc < 0)
		return rc;
	(void)hf_buf_puts(out, "\r\n");
	begin_part("application/pkcs7-mime; smime-type=certs-only", out);
	rc = hf_est_certs_format(certs, wrapped, out, err);
	if (rc < 0)
		return rc;
	return hf_buf_puts(out, "\r\n--" HF_EST_BOUNDARY "--\r\n") < 0 ? hf_err_nomem(err) : 0;
}

const char *hf_est_wants_encryption(const struct hf_csr *csr)
{
	static const struct {
		const char *oid, *name;
	} attributes[] = {
		{ "1.2.840.113549.1.9.15", "SMIMECapabilities" },	  /* RFC 8551 2.5.2 */
		{ "1.2.840.113549.1.9.16.2.37", "DecryptKeyIdentifier" }, /* RFC 4108 */
		{ "1.2.840.113549.1.9.16.2.54", "AsymmetricDecryptKeyIdentifier" }, /* RFC 7030 */
	};
	char oid[80];

	for (int i = 0; i < X509_REQ_get_attr_count(csr->req); i++) {
		X509_ATTRIBUTE *attribute = X509_REQ_get_attr(csr->req, i);

		if (OBJ_obj2txt(oid, sizeof(oid), X509_ATTRIBUTE_get0_object(attribute), 1) <= 0)
			continue;
		for (size_t j = 0; j < HF_ARRAY_LEN(attributes); j++) {
			if (strcmp(oid, attributes[j].oid) == 0)
				return attributes[j].name;
		}
	}
	return NULL;
}
