/* SPDX-License-Identifier: Apache-2.0 */
/* A small factory of certificates and revocation lists for unit tests: what is not said has sound
 * defaults, everything that can be wrong can be said.  Times are seconds from CERTMAKE_NOW. */
#ifndef HF_TESTS_CERTMAKE_H
#define HF_TESTS_CERTMAKE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/ossl.h"
#include "pki/cert.h"
#include "pki/crl.h"
#include "pki/name.h"

#define CERTMAKE_NOW INT64_C(1795243171) /* 2026-11-21 */
#define CERTMAKE_DAY INT64_C(86400)

struct certmade {
	EVP_PKEY *key;
	struct hf_cert *cert;
};

struct certmake {
	const char *subject;              /* -subj syntax; NULL: "/CN=test" */
	const struct certmade *issuer;    /* NULL: self-signed */
	const char *const *ext;           /* "name=value" in OpenSSL's syntax, NULL-terminated */
	const struct certmade *key_of;    /* use this one's key */
	/* "P-256" (default), "P-192", "P-384", "ed25519", "rsa1024", "rsa2048", "dsa" */
	const char *key;
	const char *md;                   /* "SHA256" by default */
	long serial;                      /* 0: a fresh one; -1: serial zero */
	int version;                      /* 0: 3 */
	int64_t from, to;                 /* both 0: yesterday to in a month */
	bool bad_signature;
};

#define CERTMAKE_IDS "subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid:always"
HF_UNUSED static const char *const certmake_root[] = {
	"basicConstraints=critical,CA:TRUE",
	"keyUsage=critical,keyCertSign,cRLSign",
	"subjectKeyIdentifier=hash",
	NULL,
};
HF_UNUSED static const char *const certmake_ca[] = {
	"basicConstraints=critical,CA:TRUE",
	"keyUsage=critical,keyCertSign,cRLSign",
	CERTMAKE_IDS,
	NULL,
};
HF_UNUSED static const char *const certmake_client[] = {
	"basicConstraints=critical,CA:FALSE",
	"keyUsage=critical,digitalSignature",
	"extendedKeyUsage=clientAuth",
	"subjectAltName=DNS:client.test",
	CERTMAKE_IDS,
	NULL,
};
HF_UNUSED static const char *const certmake_server[] = {
	"basicConstraints=critical,CA:FALSE",
	"keyUsage=critical,digitalSignature",
	"extendedKeyUsage=serverAuth",
	"subjectAltName=DNS:server.test,IP:127.0.0.1",
	CERTMAKE_IDS,
	NULL,
};

HF_UNUSED static EVP_PKEY *certmake_new_key(const char *kind)
{
	static EVP_PKEY *rsa1024, *rsa2048;
	EVP_PKEY **slot = strcmp(kind, "rsa1024") == 0 ? &rsa1024 : &rsa2048;

	if (strncmp(kind, "P-", 2) == 0)
		return EVP_EC_gen(kind);
	if (strcmp(kind, "ed25519") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	/* RSA is slow to make: one of each size is enough for tests. */
	if (!*slot)
		*slot = EVP_RSA_gen(slot == &rsa1024 ? 1024U : 2048U);
	assert_non_null(*slot);
	assert_int_equal(EVP_PKEY_up_ref(*slot), 1);
	return *slot;
}

HF_UNUSED static void certmake_extensions(X509 *x, X509 *issuer, const char *const *ext)
{
	CONF *none = NCONF_new(NULL); /* certificatePolicies looks for sections */
	X509V3_CTX ctx;

	assert_non_null(none);
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509V3_set_nconf(&ctx, none);
	for (; ext && *ext; ext++) {
		char name[64], value[4096];
		const char *eq = strchr(*ext, '=');

		assert_non_null(eq);
		(void)snprintf(name, sizeof(name), "%.*s", (int)(eq - *ext), *ext);
		(void)snprintf(value, sizeof(value), "%s", eq + 1);
		X509_EXTENSION *e = X509V3_EXT_nconf(NULL, &ctx, name, value);

		if (!e)
			fail_msg("the extension %s=%s cannot be made", name, value);
		assert_int_equal(X509_add_ext(x, e, -1), 1);
		X509_EXTENSION_free(e);
	}
	NCONF_free(none);
}

HF_UNUSED static void certmake_damage(X509 *x)
{
	const ASN1_BIT_STRING *sig;

	X509_get0_signature(&sig, NULL, x);
	((unsigned char *)(uintptr_t)ASN1_STRING_get0_data(sig))[ASN1_STRING_length(sig) - 3] ^= 1;
}

HF_UNUSED static struct hf_cert *certmake_wrap(X509 *x)
{
	HF_AUTO(ossl_mem) der = NULL;
	struct hf_cert *cert = NULL;
	int len = i2d_X509(x, &der);

	assert_true(len > 0);
	assert_int_equal(hf_cert_from_der(der, (size_t)len, &cert, NULL), 0);
	return cert;
}

HF_UNUSED static struct certmade certmake(const struct certmake *s)
{
	static long next_serial = 1000;
	struct certmade made = { NULL, NULL };
	HF_AUTO(X509) x = X509_new();
	HF_AUTO(X509_NAME) name = NULL;
	X509 *issuer = s->issuer ? s->issuer->cert->x509 : x;
	const char *key = s->key ? s->key : "P-256";
	bool any = s->from || s->to;
	EVP_PKEY *signer;

	if (s->key_of) {
		made.key = s->key_of->key;
		assert_int_equal(EVP_PKEY_up_ref(made.key), 1);
	} else {
		made.key = certmake_new_key(key);
	}
	assert_non_null(made.key);
	assert_int_equal(hf_name_parse(s->subject ? s->subject : "/CN=test", &name, NULL), 0);
	assert_int_equal(X509_set_version(x, (s->version ? s->version : 3) - 1), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), s->serial == -1 ? 0
								    : s->serial	    ? s->serial
										: next_serial++),
			 1);
	assert_non_null(ASN1_TIME_set(X509_getm_notBefore(x),
				      (time_t)(CERTMAKE_NOW + (any ? s->from : -CERTMAKE_DAY))));
	assert_non_null(ASN1_TIME_set(X509_getm_notAfter(x),
				      (time_t)(CERTMAKE_NOW + (any ? s->to : 30 * CERTMAKE_DAY))));
	assert_int_equal(X509_set_subject_name(x, name), 1);
	assert_int_equal(X509_set_issuer_name(x, X509_get_subject_name(issuer)), 1);
	assert_int_equal(X509_set_pubkey(x, made.key), 1);
	certmake_extensions(x, issuer, s->ext);
	signer = s->issuer ? s->issuer->key : made.key;
	assert_true(X509_sign(x, signer,
			      EVP_PKEY_is_a(signer, "ED25519")
				  ? NULL
				  : EVP_get_digestbyname(s->md ? s->md : "SHA256")) > 0);
	if (s->bad_signature)
		certmake_damage(x);
	made.cert = certmake_wrap(x);
	return made;
}

HF_UNUSED static void certmade_done(struct certmade *m)
{
	EVP_PKEY_free(m->key);
	hf_cert_unref(m->cert);
	m->key = NULL;
	m->cert = NULL;
}
HF_DEFINE_AUTO_DONE(certmade, struct certmade, certmade_done);

struct certmake_list {
	const struct certmade *issuer;     /* the name on it */
	const struct certmade *signer;     /* NULL: the issuer */
	const struct certmade *revoked[4]; /* up to the first NULL */
	const struct certmade *removed;    /* removeFromCRL */
	/* more extensions, such as "issuingDistributionPoint=critical,@idp" */
	const char *const *ext;
	const char *conf;                  /* the sections they refer to */
	long number;                       /* 0: 1; -1: none */
	const char *md;
	int64_t from, to;                  /* both 0: yesterday to in a week */
	int reason;                        /* CRLReason of the revoked; 0: none given */
	bool bad_signature;
};

HF_UNUSED static void certmake_entry(X509_CRL *crl, const struct certmade *who, int reason)
{
	X509_REVOKED *r = X509_REVOKED_new();
	HF_AUTO(ASN1_TIME) at = ASN1_TIME_set(NULL, (time_t)(CERTMAKE_NOW - 3600));

	assert_int_equal(X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(who->cert->x509)),
			 1);
	assert_int_equal(X509_REVOKED_set_revocationDate(r, at), 1);
	if (reason) {
		ASN1_ENUMERATED *e = ASN1_ENUMERATED_new();

		assert_int_equal(ASN1_ENUMERATED_set(e, reason), 1);
		assert_int_equal(X509_REVOKED_add1_ext_i2d(r, NID_crl_reason, e, 0, 0), 1);
		ASN1_ENUMERATED_free(e);
	}
	assert_int_equal(X509_CRL_add0_revoked(crl, r), 1);
}

HF_UNUSED static void certmake_list_extensions(X509_CRL *crl, const struct certmake_list *s)
{
	HF_AUTO(BIO) bio = BIO_new_mem_buf(s->conf ? s->conf : "", -1);
	CONF *conf = NCONF_new(NULL);
	X509V3_CTX ctx;
	long line;

	assert_true(NCONF_load_bio(conf, bio, &line) > 0);
	X509V3_set_ctx(&ctx, s->issuer->cert->x509, NULL, NULL, crl, 0);
	X509V3_set_nconf(&ctx, conf);
	for (const char *const *ext = s->ext; ext && *ext; ext++) {
		char name[64];
		const char *eq = strchr(*ext, '=');

		(void)snprintf(name, sizeof(name), "%.*s", (int)(eq - *ext), *ext);
		X509_EXTENSION *e = X509V3_EXT_nconf(conf, &ctx, name, eq + 1);

		assert_non_null(e);
		assert_int_equal(X509_CRL_add_ext(crl, e, -1), 1);
		X509_EXTENSION_free(e);
	}
	NCONF_free(conf);
}

HF_UNUSED static void certmake_number(X509_CRL *crl, int nid, long value, int critical)
{
	HF_AUTO(ASN1_INTEGER) number = ASN1_INTEGER_new();

	assert_int_equal(ASN1_INTEGER_set(number, value), 1);
	assert_int_equal(X509_CRL_add1_ext_i2d(crl, nid, number, critical, 0), 1);
}

HF_UNUSED static struct hf_crl *certmake_crl(const struct certmake_list *s)
{
	HF_AUTO(X509_CRL) crl = X509_CRL_new();
	HF_AUTO(ASN1_TIME) from = NULL;
	HF_AUTO(ASN1_TIME) to = NULL;
	HF_AUTO(ossl_mem) der = NULL;
	struct hf_crl *made = NULL;
	bool any = s->from || s->to;
	int len;

	from = ASN1_TIME_set(NULL, (time_t)(CERTMAKE_NOW + (any ? s->from : -CERTMAKE_DAY)));
	to = ASN1_TIME_set(NULL, (time_t)(CERTMAKE_NOW + (any ? s->to : 7 * CERTMAKE_DAY)));
	assert_int_equal(X509_CRL_set_version(crl, 1), 1);
	assert_int_equal(X509_CRL_set_issuer_name(crl,
						  X509_get_subject_name(s->issuer->cert->x509)),
			 1);
	assert_int_equal(X509_CRL_set1_lastUpdate(crl, from), 1);
	assert_int_equal(X509_CRL_set1_nextUpdate(crl, to), 1);
	for (size_t i = 0; i < HF_ARRAY_LEN(s->revoked) && s->revoked[i]; i++)
		certmake_entry(crl, s->revoked[i], s->reason);
	if (s->removed)
		certmake_entry(crl, s->removed, 8);
	if (s->number >= 0)
		certmake_number(crl, NID_crl_number, s->number ? s->number : 1, 0);
	certmake_list_extensions(crl, s);
	assert_true(X509_CRL_sign(crl, (s->signer ? s->signer : s->issuer)->key,
				  EVP_get_digestbyname(s->md ? s->md : "SHA256")) > 0);
	if (s->bad_signature) {
		const ASN1_BIT_STRING *sig;

		X509_CRL_get0_signature(crl, &sig, NULL);
		((unsigned char *)(uintptr_t)ASN1_STRING_get0_data(
		    sig))[ASN1_STRING_length(sig) - 3] ^= 1;
	}
	len = i2d_X509_CRL(crl, &der);
	assert_int_equal(hf_crl_from_der(der, (size_t)len, &made, NULL), 0);
	return made;
}

#endif
