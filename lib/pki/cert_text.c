/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate in words.  Must never pass a foreign control byte on to a terminal. */
#include "pki/cert.h"

#include <openssl/objects.h>

#include "base/err.h"
#include "pki/cert_decode.h"
#include "pki/der.h"

/* OpenSSL prints some strings (nsComment, policy qualifiers) byte for byte. */
static void tame(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (((unsigned char)text[i] < 0x20 && text[i] != '\n' && text[i] != '\t') ||
		    text[i] == 0x7f)
			text[i] = '.';
	}
}

int hf_cert_print(const struct hf_cert *cert, struct hf_buf *out, struct hf_err *err)
{
	HF_AUTO(BIO) bio = BIO_new(BIO_s_mem());
	size_t start = out->len;
	int rc;

	ERR_clear_error();
	if (!bio || X509_print_ex(bio, cert->x509, XN_FLAG_ONELINE, 0) != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot print the certificate");
	ERR_clear_error(); /* what does not decode is printed as hex and complained of */
	rc = hf_bio_to_buf(bio, out, err);
	if (rc == 0)
		tame(out->data + start, out->len - start);
	return rc;
}

static X509_EXTENSION *find_extension(const struct hf_cert *cert, int nid)
{
	int i = X509_get_ext_by_NID(cert->x509, nid, -1);

	return i < 0 ? NULL : X509_get_ext(cert->x509, i);
}

int hf_cert_format_eku(const struct hf_cert *cert, struct hf_buf *out)
{
	X509_EXTENSION *ext = find_extension(cert, NID_ext_key_usage);
	EXTENDED_KEY_USAGE *list = ext ? hf_extension_value(ext) : NULL;

	for (int i = 0; i < sk_ASN1_OBJECT_num(list); i++) {
		char word[HF_OID_CAP];

		hf_oid_word(sk_ASN1_OBJECT_value(list, i), word, sizeof(word));
		(void)hf_buf_printf(out, "%s%s", i > 0 ? ", " : "", word);
	}
	EXTENDED_KEY_USAGE_free(list);
	return hf_buf_failed(out) ? -HF_E_LIMIT : 0;
}

/* RFC 5280 4.2.1.3, in its order. */
int hf_cert_format_ku(const struct hf_cert *cert, struct hf_buf *out)
{
	static const struct {
		unsigned bit;
		const char *name;
	} rows[] = {
		{ KU_DIGITAL_SIGNATURE, "digitalSignature" },
		{ KU_NON_REPUDIATION, "nonRepudiation" },
		{ KU_KEY_ENCIPHERMENT, "keyEncipherment" },
		{ KU_DATA_ENCIPHERMENT, "dataEncipherment" },
		{ KU_KEY_AGREEMENT, "keyAgreement" },
		{ KU_KEY_CERT_SIGN, "keyCertSign" },
		{ KU_CRL_SIGN, "cRLSign" },
		{ KU_ENCIPHER_ONLY, "encipherOnly" },
		{ KU_DECIPHER_ONLY, "decipherOnly" },
	};
	const char *separator = "";

	if (!(cert->flags & HF_CERT_HAS_KU))
		return 0;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		if (!(cert->ku & rows[i].bit))
			continue;
		(void)hf_buf_printf(out, "%s%s", separator, rows[i].name);
		separator = ", ";
	}
	return hf_buf_failed(out) ? -HF_E_LIMIT : 0;
}
