/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates made to measure for the tests of lib/pki, and the openssl command beside them. */
#ifndef HF_TESTS_PKI_FIXTURE_H
#define HF_TESTS_PKI_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/conf.h>
#include <openssl/err.h>

#include "base/err.h"
#include "base/file.h"
#include "base/ossl.h"
#include "base/str.h"
#include "pki/key.h"
#include "pki/name.h"

enum { FX_EXTS = 6 };

/* An extension as in OpenSSL's configuration: name or OID, value ("critical,CA:TRUE", "DER:3000").
 */
struct fx_ext {
	const char *name, *value;
};

struct fx_spec {
	const char *subject;          /* -subj syntax; "/" for none */
	struct fx_ext exts[FX_EXTS];  /* up to the first without a name */
	const char *serial;           /* hex, default "1" */
	const char *begins, *ends;    /* ASN.1 text of the dates; defaults 2020 … 2040 */
	int version;                  /* 1 … 3; 0 means 3 */
};

HF_UNUSED static EVP_PKEY *fx_key(enum hf_key_type type)
{
	EVP_PKEY *key = NULL;
	struct hf_err err = HF_ERR_INIT;

	if (hf_key_generate(type, &key, &err) < 0)
		fail_msg("%s", err.msg);
	return key;
}

/* A date as it stands in the certificate, valid or not: 13 characters make a UTCTime. */
static ASN1_TIME *fx_time(const char *text)
{
	ASN1_TIME *t =
	    ASN1_STRING_type_new(strlen(text) <= 13 ? V_ASN1_UTCTIME : V_ASN1_GENERALIZEDTIME);

	assert_non_null(t);
	assert_true(ASN1_STRING_set(t, text, (int)strlen(text)));
	return t;
}

static void fx_fill(X509 *x, const struct fx_spec *spec)
{
	HF_AUTO(X509_NAME) name = NULL;
	HF_AUTO(BIGNUM) serial = NULL;
	ASN1_TIME *begins = fx_time(spec->begins ? spec->begins : "200101000000Z");
	ASN1_TIME *ends = fx_time(spec->ends ? spec->ends : "400101000000Z");

	assert_true(hf_name_parse(spec->subject, &name, NULL) >= 0);
	assert_true(BN_hex2bn(&serial, spec->serial ? spec->serial : "1") > 0);
	assert_non_null(BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(x)));
	assert_true(X509_set_version(x, (spec->version ? spec->version : 3) - 1));
	assert_true(X509_set_subject_name(x, name));
	assert_true(X509_set1_notBefore(x, begins) && X509_set1_notAfter(x, ends));
	ASN1_TIME_free(begins);
	ASN1_TIME_free(ends);
}

static void fx_extend(X509 *x, X509 *issuer, const struct fx_spec *spec)
{
	/* some extensions look sections up, and want a place to look */
	CONF *conf = NCONF_new(NULL);
	X509V3_CTX ctx;

	assert_non_null(conf);
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509V3_set_nconf(&ctx, conf);
	for (size_t i = 0; i < FX_EXTS && spec->exts[i].name; i++) {
		HF_AUTO(X509_EXTENSION) ext =
			X509V3_EXT_nconf(conf, &ctx, spec->exts[i].name, spec->exts[i].value);

		if (!ext)
			fail_msg("extension %s=%s", spec->exts[i].name, spec->exts[i].value);
		assert_true(X509_add_ext(x, ext, -1));
	}
	NCONF_free(conf);
	ERR_clear_error();
}

/* issuer NULL: self-signed. */
HF_UNUSED static X509 *fx_x509(const struct fx_spec *spec, EVP_PKEY *key, X509 *issuer,
			       EVP_PKEY *issuer_key)
{
	X509 *x = X509_new(), *copy;
	unsigned char *der = NULL;
	const unsigned char *p;
	int len;

	assert_non_null(x);
	fx_fill(x, spec);
	assert_true(X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer : x)));
	assert_true(X509_set_pubkey(x, key));
	fx_extend(x, issuer ? issuer : x, spec);
	issuer_key = issuer_key ? issuer_key : key;
	assert_true(X509_sign(x, issuer_key, hf_key_signing_digest(issuer_key)) > 0);
	/* through DER, as it would come from a peer */
	len = i2d_X509(x, &der);
	p = der;
	copy = d2i_X509(NULL, &p, len);
	assert_non_null(copy);
	OPENSSL_free(der);
	X509_free(x);
	return copy;
}

/* --- a directory of the test's own ------------------------------------------------------- */

HF_UNUSED static int fx_enter(void **state)
{
	char *dir = strdup("/tmp/hf-pki-XXXXXX");

	*state = dir;
	return dir && mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

HF_UNUSED static int fx_leave(void **state)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", (char *)*state);
	free(*state);
	return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

HF_UNUSED static void fx_run(const char *command)
{
	if (system(command) != 0)
		fail_msg("command failed: %s", command);
}

HF_UNUSED static void fx_write(const char *path, const void *data, size_t len)
{
	struct hf_err err = HF_ERR_INIT;

	if (hf_file_write(path, data, len, HF_MODE_SECRET, HF_FILE_REPLACE | HF_FILE_NO_SYNC,
			  &err) < 0)
		fail_msg("%s", err.msg);
}

HF_UNUSED static void fx_puts(const char *path, const char *text)
{
	fx_write(path, text, strlen(text));
}

/* The openssl queue must be as empty as it was: a stale error kills a later TLS read. */
HF_UNUSED static void fx_no_stale_errors(const char *label)
{
	unsigned long e = ERR_peek_error();

	if (e != 0)
		fail_msg("%s leaves an OpenSSL error behind: %s", label,
			 ERR_reason_error_string(e));
}

#endif
