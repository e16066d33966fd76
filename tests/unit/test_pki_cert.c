/* SPDX-License-Identifier: Apache-2.0 */
/* lib/pki/cert and identity: what is taken out of a certificate, and that odd ones are never
 * refused. */
#include "pki_fixture.h"

#include <limits.h>
#include <pthread.h>

#include <openssl/sha.h>

#include "base/time.h"
#include "pki/cert.h"
#include "pki/identity.h"

#define SAN1 "subjectAltName", "DNS:a.example"

static EVP_PKEY *shared_key;

static int make_key(void **state)
{
	(void)state;
	shared_key = fx_key(HF_KEY_P256);
	return 0;
}

static int drop_key(void **state)
{
	(void)state;
	EVP_PKEY_free(shared_key);
	return 0;
}

static struct hf_cert *fx_cert(const struct fx_spec *spec)
{
	HF_AUTO(X509) x = fx_x509(spec, shared_key, NULL, NULL);
	struct hf_cert *cert = NULL;
	struct hf_err err = HF_ERR_INIT;

	if (hf_cert_new(x, &cert, &err) < 0)
		fail_msg("%s", err.msg);
	fx_no_stale_errors("decoding");
	return cert;
}

/* Flags of every certificate here: it is self-signed. */
#define SELF HF_CERT_SELF_ISSUED

static void test_extensions_become_flags(void **state)
{
	static const struct {
		const char *label;
		struct fx_spec spec;
		unsigned flags;
	} rows[] = {
		{ "no extension", { .subject = "/CN=x" }, SELF },
		{ "a CA",
		  { .subject = "/CN=x", .exts = { { "basicConstraints", "critical,CA:TRUE" } } },
		  SELF | HF_CERT_HAS_BC | HF_CERT_BC_CRITICAL | HF_CERT_CA },
		{ "CA not critical",
		  { .subject = "/CN=x", .exts = { { "basicConstraints", "CA:TRUE" } } },
		  SELF | HF_CERT_HAS_BC | HF_CERT_CA },
		{ "CA:FALSE",
		  { .subject = "/CN=x", .exts = { { "basicConstraints", "CA:FALSE" } } },
		  SELF | HF_CERT_HAS_BC },
		{ "keyUsage",
		  { .subject = "/CN=x", .exts = { { "keyUsage", "digitalSignature" } } },
		  SELF | HF_CERT_HAS_KU },
		{ "critical EKU",
		  { .subject = "/CN=x", .exts = { { "extendedKeyUsage", "critical,clientAuth" } } },
		  SELF | HF_CERT_HAS_EKU | HF_CERT_EKU_CRITICAL },
		{ "SAN", { .subject = "/CN=x", .exts = { { SAN1 } } }, SELF | HF_CERT_HAS_SAN },
		{ "critical SAN",
		  { .subject = "/", .exts = { { "subjectAltName", "critical,DNS:a" } } },
		  SELF | HF_CERT_HAS_SAN | HF_CERT_SAN_CRITICAL },
		{ "name constraints",
		  { .subject = "/CN=x",
		    .exts = { { "nameConstraints", "critical,permitted;DNS:a" } } },
		  SELF | HF_CERT_HAS_NAME_CONSTRAINTS },
		{ "nsCertType client",
		  { .subject = "/CN=x", .exts = { { "nsCertType", "client,email" } } },
		  SELF | HF_CERT_HAS_NS_TYPE | HF_CERT_NS_CLIENT_ONLY },
		{ "nsCertType server",
		  { .subject = "/CN=x", .exts = { { "nsCertType", "server" } } },
		  SELF | HF_CERT_HAS_NS_TYPE | HF_CERT_NS_SERVER_ONLY },
		{ "nsCertType both",
		  { .subject = "/CN=x", .exts = { { "nsCertType", "server,client" } } },
		  SELF | HF_CERT_HAS_NS_TYPE },
		{ "nsCertType neither",
		  { .subject = "/CN=x", .exts = { { "nsCertType", "objsign" } } },
		  SELF | HF_CERT_HAS_NS_TYPE | HF_CERT_NS_SERVER_ONLY | HF_CERT_NS_CLIENT_ONLY },
		{ "noRevAvail",
		  { .subject = "/CN=x", .exts = { { "2.5.29.56", "DER:0500" } } },
		  SELF | HF_CERT_NO_REV_AVAIL },
		{ "a proxy certificate",
		  { .subject = "/CN=x",
		    .exts = { { "proxyCertInfo", "critical,language:id-ppl-inheritAll" } } },
		  SELF | HF_CERT_PROXY },
		{ "an unknown extension",
		  { .subject = "/CN=x", .exts = { { "1.2.3.4", "DER:0500" } } },
		  SELF },
		{ "an unknown critical extension",
		  { .subject = "/CN=x", .exts = { { "1.2.3.4", "critical,DER:0500" } } },
		  SELF | HF_CERT_UNKNOWN_CRITICAL },
		{ "a critical AIA is not handled",
		  { .subject = "/CN=x",
		    .exts = { { "authorityInfoAccess", "critical,OCSP;URI:http://a/" } } },
		  SELF | HF_CERT_UNKNOWN_CRITICAL },
		{ "policies may be critical",
		  { .subject = "/CN=x",
		    .exts = { { "certificatePolicies", "critical,1.2.3" },
			      { "policyConstraints", "critical,requireExplicitPolicy:0" },
			      { "policyMappings", "critical,1.2.3:1.2.4" },
			      { "inhibitAnyPolicy", "critical,0" },
			      { "crlDistributionPoints", "critical,URI:http://a/" } } },
		  SELF },
		{ "the same extension twice",
		  { .subject = "/CN=x",
		    .exts = { { SAN1 }, { "subjectAltName", "DNS:b.example" } } },
		  SELF | HF_CERT_HAS_SAN | HF_CERT_BAD_EXTENSION },
		{ "the same unknown extension twice",
		  { .subject = "/CN=x",
		    .exts = { { "1.2.3.4", "DER:0500" }, { "1.2.3.4", "DER:0500" } } },
		  SELF | HF_CERT_BAD_EXTENSION },
		{ "basicConstraints that do not decode",
		  { .subject = "/CN=x",
		    .exts = { { "basicConstraints", "critical,DER:30030201" } } },
		  SELF | HF_CERT_HAS_BC | HF_CERT_BC_CRITICAL | HF_CERT_BAD_EXTENSION },
		{ "bytes behind an extension's value",
		  { .subject = "/CN=x", .exts = { { "basicConstraints", "DER:30000500" } } },
		  SELF | HF_CERT_HAS_BC | HF_CERT_BAD_EXTENSION },
		{ "a negative path length",
		  { .subject = "/CN=x",
		    .exts = { { "basicConstraints", "DER:30060101FF0201FF" } } },
		  SELF | HF_CERT_HAS_BC | HF_CERT_CA | HF_CERT_BAD_EXTENSION },
		{ "an empty EKU",
		  { .subject = "/CN=x", .exts = { { "extendedKeyUsage", "DER:3000" } } },
		  SELF | HF_CERT_HAS_EKU | HF_CERT_BAD_EXTENSION },
		{ "a SAN cut off",
		  { .subject = "/CN=x", .exts = { { "subjectAltName", "DER:3005820361" } } },
		  SELF | HF_CERT_HAS_SAN | HF_CERT_BAD_EXTENSION },
		{ "policies that do not decode",
		  { .subject = "/CN=x", .exts = { { "certificatePolicies", "DER:0500" } } },
		  SELF | HF_CERT_BAD_EXTENSION },
		{ "NUL in a SAN",
		  { .subject = "/CN=x",
		    .exts = { { "subjectAltName", "DER:300582036100"
						  "62" } } },
		  SELF | HF_CERT_HAS_SAN | HF_CERT_NAME_HAS_CONTROL },
		{ "a date that is none",
		  { .subject = "/CN=x", .ends = "401301000000Z" },
		  SELF | HF_CERT_BAD_TIME },
		{ "a date with an offset",
		  { .subject = "/CN=x", .begins = "20200101000000+0100" },
		  SELF | HF_CERT_BAD_TIME },
		{ "a date with a fraction",
		  { .subject = "/CN=x", .ends = "20400101000000.5Z" },
		  SELF | HF_CERT_BAD_TIME },
		{ "a date without seconds",
		  { .subject = "/CN=x", .ends = "4001010000Z" },
		  SELF | HF_CERT_BAD_TIME },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(hf_cert) cert = fx_cert(&rows[i].spec);

		print_message("  %s\n", rows[i].label);
		assert_int_equal(cert->flags, rows[i].flags);
		assert_int_equal(cert->unknown_critical != NULL,
				 (rows[i].flags & HF_CERT_UNKNOWN_CRITICAL) != 0);
	}
}

static void test_control_bytes_in_a_subject_are_flagged(void **state)
{
	static const struct {
		const char *label;
		int type;
		const char *bytes;
		int len;
		bool flagged;
		const char *common_name;
	} rows[] = {
		{ "plain", V_ASN1_UTF8STRING, "abc", 3, false, "abc" },
		{ "umlaut", V_ASN1_UTF8STRING, "m\xc3\xbc", 3, false, "mü" },
		{ "NUL", V_ASN1_UTF8STRING, "good\0evil", 9, true, "good\\x00evil" },
		{ "newline", V_ASN1_PRINTABLESTRING, "a\nb", 3, true, "a\\x0ab" },
		{ "DEL", V_ASN1_UTF8STRING, "a\x7f", 2, true, "a\\x7f" },
		{ "two bytes for each letter hold no NUL", V_ASN1_BMPSTRING, "\0a\0b", 4, false,
		  "ab" },
		{ "unless there is one", V_ASN1_BMPSTRING, "\0a\0\0\0b", 6, true, "a\\x00b" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(X509) x =
		    fx_x509(&(struct fx_spec){ .subject = "/O=o" }, shared_key, NULL, NULL);
		HF_AUTO(hf_cert) cert = NULL;
		HF_AUTO(X509_NAME) name = X509_NAME_new();

		print_message("  %s\n", rows[i].label);
		assert_true(X509_NAME_add_entry_by_NID(name, NID_commonName, rows[i].type,
						       (const unsigned char *)rows[i].bytes,
						       rows[i].len, -1, 0));
		assert_true(X509_set_subject_name(x, name));
		assert_int_equal(hf_cert_new(x, &cert, NULL), 0);
		assert_int_equal((cert->flags & HF_CERT_NAME_HAS_CONTROL) != 0, rows[i].flagged);
		assert_string_equal(cert->common_name, rows[i].common_name);
	}
}

static void test_key_usages_become_bits_and_words(void **state)
{
	static const struct {
		const char *ku, *eku;
		unsigned ku_bits, eku_bits;
		const char *ku_words, *eku_words;
	} rows[] = {
		{ NULL, NULL, UINT_MAX, 0, "", "" },
		{ "digitalSignature", "serverAuth", KU_DIGITAL_SIGNATURE, HF_EKU_SERVER,
		  "digitalSignature", "serverAuth" },
		{ "keyCertSign,cRLSign", "clientAuth,1.2.3.4", KU_KEY_CERT_SIGN | KU_CRL_SIGN,
		  HF_EKU_CLIENT | HF_EKU_OTHER, "keyCertSign, cRLSign", "clientAuth, 1.2.3.4" },
		{ "keyAgreement,decipherOnly",
		  "anyExtendedKeyUsage,emailProtection,codeSigning,OCSPSigning",
		  KU_KEY_AGREEMENT | KU_DECIPHER_ONLY,
		  HF_EKU_ANY | HF_EKU_EMAIL | HF_EKU_CODE | HF_EKU_OCSP,
		  "keyAgreement, decipherOnly",
		  "anyExtendedKeyUsage, emailProtection, codeSigning, OCSPSigning" },
		{ "DER:03020700", "DER:0500", 0, 0, "", "" },
		{ "DER:0500", "DER:3000", 0, 0, "", "" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		struct fx_spec spec = { .subject = "/CN=x" };
		HF_AUTO_DONE(hf_buf) ku = HF_BUF_INIT(1024);
		HF_AUTO_DONE(hf_buf) eku = HF_BUF_INIT(1024);
		HF_AUTO(hf_cert) cert = NULL;

		if (rows[i].ku) {
			spec.exts[0] = (struct fx_ext){ "keyUsage", rows[i].ku };
			spec.exts[1] = (struct fx_ext){ "extendedKeyUsage", rows[i].eku };
		}
		cert = fx_cert(&spec);
		assert_int_equal(cert->ku, rows[i].ku_bits);
		assert_int_equal(cert->eku, rows[i].eku_bits);
		assert_int_equal(hf_cert_format_ku(cert, &ku), 0);
		assert_int_equal(hf_cert_format_eku(cert, &eku), 0);
		assert_string_equal(hf_buf_str(&ku), rows[i].ku_words);
		assert_string_equal(hf_buf_str(&eku), rows[i].eku_words);
	}
}

static void test_path_lengths(void **state)
{
	static const struct {
		const char *value;
		int pathlen;
	} rows[] = {
		{ "CA:TRUE", -1 },
		{ "CA:TRUE,pathlen:0", 0 },
		{ "CA:TRUE,pathlen:3", 3 },
		{ "DER:300C0101FF020700FFFFFFFFFFFF", INT_MAX },       /* larger than an int */
		{ "DER:300F0101FF020A00FFFFFFFFFFFFFFFFFF", INT_MAX }, /* larger than 64 bits */
		{ "DER:30060101FF0201FF", 0 }, /* negative: nothing below it */
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		struct fx_spec spec = { .subject = "/CN=x",
					.exts = { { "basicConstraints", rows[i].value } } };
		HF_AUTO(hf_cert) cert = fx_cert(&spec);

		print_message("  %s\n", rows[i].value);
		assert_int_equal(cert->pathlen, rows[i].pathlen);
	}
}

static void test_serial_numbers_in_text(void **state)
{
	static const struct {
		const char *hex, *text;
	} rows[] = {
		{ "0", "0" },
		{ "1", "1" },
		{ "0A", "a" },
		{ "00ff", "ff" },
		{ "1000", "1000" },
		{ "-1", "-1" },
		{ "-0F00", "-f00" },
		{ "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", "7fffffffffffffffffffffffffffffff" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(hf_cert) cert =
		    fx_cert(&(struct fx_spec){ .subject = "/CN=x", .serial = rows[i].hex });

		assert_string_equal(cert->serial, rows[i].text);
	}
}

static void test_times(void **state)
{
	static const struct {
		const char *text, *shown; /* NULL: flagged */
	} rows[] = {
		{ "491231235959Z", "2049-12-31T23:59:59Z" },
		{ "500101000000Z", "1950-01-01T00:00:00Z" },
		{ "20500101000000Z", "2050-01-01T00:00:00Z" },
		{ "99991231235959Z", "9999-12-31T23:59:59Z" },
		{ "000229000000Z", "2000-02-29T00:00:00Z" },
		{ "210229000000Z", NULL },
		{ "200101240000Z", NULL },
		{ "200101000060Z", NULL },
		{ "2001010000000", NULL },
		{ "20010100000-Z", NULL },
		{ "", NULL },
		{ "Z", NULL },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		struct fx_spec spec = { .subject = "/CN=x",
					.begins = "000101000000Z",
					.ends = rows[i].text };
		HF_AUTO(hf_cert) cert = fx_cert(&spec);
		char shown[HF_TIME_TEXT_CAP];

		print_message("  '%s'\n", rows[i].text);
		hf_time_format(cert->not_after, shown);
		assert_string_equal(shown, rows[i].shown ? rows[i].shown : "1970-01-01T00:00:00Z");
		assert_int_equal((cert->flags & HF_CERT_BAD_TIME) == 0, rows[i].shown != NULL);
	}
}

static void test_fields_of_an_ordinary_leaf(void **state)
{
	static const struct fx_spec ca_spec = { .subject = "/O=ABC Inc./CN=CA",
						.exts = {
						    { "basicConstraints", "critical,CA:TRUE" },
						    { "subjectKeyIdentifier", "hash" } } };
	static const struct fx_spec spec = { .subject = "/CN=first/CN=mail",
					     .version = 3,
					     .serial = "0100",
					     .exts = { { "authorityKeyIdentifier", "keyid" },
						       { SAN1 } } };
	HF_AUTO(X509) ca = fx_x509(&ca_spec, shared_key, NULL, NULL);
	HF_AUTO(EVP_PKEY) key = fx_key(HF_KEY_ED25519);
	HF_AUTO(X509) x = fx_x509(&spec, key, ca, shared_key);
	HF_AUTO(hf_cert) cert = NULL;
	HF_AUTO(hf_cert) issuer = NULL;
	uint8_t spki[HF_SHA256_LEN], whole[HF_SHA256_LEN];

	(void)state;
	assert_int_equal(hf_cert_new(x, &cert, NULL), 0);
	assert_int_equal(hf_cert_new(ca, &issuer, NULL), 0);
	assert_string_equal(cert->subject, "CN=first, CN=mail");
	assert_string_equal(cert->issuer, "O=ABC Inc., CN=CA");
	assert_string_equal(cert->common_name, "mail");
	assert_string_equal(cert->serial, "100");
	assert_int_equal(cert->version, 3);
	assert_int_equal(cert->key_type, HF_KEY_ED25519);
	assert_int_equal(cert->key_nid, EVP_PKEY_ED25519);
	assert_int_equal(cert->sig_md_nid, NID_sha256);
	assert_int_equal(cert->sig_security_bits, 128);
	assert_int_equal(cert->flags, HF_CERT_HAS_SAN);
	assert_int_equal(cert->sans.len, 1);
	assert_int_equal(cert->akid_len, issuer->skid_len);
	assert_memory_equal(cert->akid, issuer->skid, cert->akid_len);
	assert_null(issuer->akid);
	assert_int_equal(hf_key_spki_sha256(key, spki, NULL), 0);
	assert_memory_equal(cert->spki_sha256, spki, sizeof(spki));
	SHA256(cert->der, cert->der_len, whole);
	assert_memory_equal(cert->sha256, whole, sizeof(whole));
	assert_true(hf_key_same(hf_cert_key_get0(cert), key));
}

static void test_old_versions_and_unknown_keys_decode(void **state)
{
	/* P-256's SubjectPublicKeyInfo with the OID of the algorithm changed: nobody knows the key
	 */
	HF_AUTO(X509) x =
	    fx_x509(&(struct fx_spec){ .subject = "/CN=x", .version = 1 }, shared_key, NULL, NULL);
	HF_AUTO(hf_cert) old = NULL;
	HF_AUTO(hf_cert) odd = NULL;
	HF_AUTO(hf_cert) bare = fx_cert(&(struct fx_spec){ .subject = "/" });
	uint8_t *at;

	(void)state;
	assert_int_equal(hf_cert_new(x, &old, NULL), 0);
	assert_int_equal(old->version, 1);
	assert_string_equal(bare->subject, "(empty)");
	assert_null(bare->common_name);
	at = memmem(old->der, old->der_len, "\x2a\x86\x48\xce\x3d\x02\x01", 7);
	assert_non_null(at);
	at[6] = 0x7f;
	assert_int_equal(hf_cert_from_der(old->der, old->der_len, &odd, NULL), 0);
	assert_null(hf_cert_key_get0(odd));
	assert_int_equal(odd->key_type, HF_KEY_OTHER);
	assert_int_equal(odd->key_bits, 0);
	assert_int_equal(odd->key_nid, 0);
	fx_no_stale_errors("an unknown key");
}

static void test_damaged_der_is_refused_with_a_reason(void **state)
{
	HF_AUTO(hf_cert) cert = fx_cert(&(struct fx_spec){ .subject = "/CN=x" });
	uint8_t *copy = malloc(cert->der_len + 3);
	const struct {
		const char *label;
		size_t len;
		size_t flip; /* this byte is changed; 0 none */
		const char *message;
	} rows[] = {
		{ "nothing", 0, 0, "empty" },
		{ "one byte", 1, 0, "damaged" },
		{ "the last byte missing", cert->der_len - 1, 0, "cut off" },
		{ "half of it", cert->der_len / 2, 0, "cut off" },
		{ "two bytes more", cert->der_len + 2, 0, "2 bytes follow" },
		{ "another tag inside", cert->der_len, 4, "damaged" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		struct hf_err err = HF_ERR_INIT;
		struct hf_cert *out = NULL;

		print_message("  %s\n", rows[i].label);
		memcpy(copy, cert->der, cert->der_len);
		copy[cert->der_len] = copy[cert->der_len + 1] = 0;
		if (rows[i].flip)
			copy[rows[i].flip] ^= 0x0f;
		assert_int_equal(hf_cert_from_der(copy, rows[i].len, &out, &err), -HF_E_PARSE);
		assert_null(out);
		if (!strstr(err.msg, rows[i].message))
			fail_msg("says '%s'", err.msg);
		fx_no_stale_errors(rows[i].label);
	}
	free(copy);
}

static void test_more_extensions_than_anyone_needs_are_flagged(void **state)
{
	HF_AUTO(X509) x = fx_x509(&(struct fx_spec){ .subject = "/CN=x" }, shared_key, NULL, NULL);
	HF_AUTO(hf_cert) cert = NULL;
	X509V3_CTX ctx;

	(void)state;
	X509V3_set_ctx_nodb(&ctx);
	for (int i = 0; i < 300; i++) {
		char oid[32];
		HF_AUTO(X509_EXTENSION) ext = NULL;

		(void)snprintf(oid, sizeof(oid), "1.2.3.%d", i);
		ext = X509V3_EXT_nconf(NULL, &ctx, oid, "DER:0500");
		assert_true(X509_add_ext(x, ext, -1));
	}
	assert_int_equal(hf_cert_new(x, &cert, NULL), 0);
	assert_true(cert->flags & HF_CERT_BAD_EXTENSION);
}

static void test_pem_and_text_are_those_of_openssl(void **state)
{
	static const struct fx_spec spec = {
		.subject = "/C=IN/O=ABC, Inc./CN=x",
		.exts = { { SAN1 },
			  { "keyUsage", "critical,digitalSignature" },
			  { "extendedKeyUsage", "clientAuth" },
			  { "certificatePolicies", "1.2.3" },
			  { "1.2.3.4", "DER:0500" } },
	};
	HF_AUTO(hf_cert) cert = fx_cert(&spec);
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(8192);
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(65536);

	(void)state;
	assert_int_equal(hf_cert_to_pem(cert, &pem, NULL), 0);
	assert_int_equal(hf_cert_print(cert, &text, NULL), 0);
	fx_puts("cert.pem", hf_buf_str(&pem));
	fx_puts("ours", hf_buf_str(&text));
	fx_run("openssl x509 -in cert.pem -text -noout > theirs && cmp ours theirs");
}

static void test_text_is_tame_whatever_the_comment(void **state)
{
	static const struct fx_spec spec = {
		.subject = "/CN=x", .exts = { { "nsComment", "DER:16071b5b324a0d2e07" } }
	};
	HF_AUTO(hf_cert) cert = fx_cert(&spec);
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(65536);

	(void)state;
	assert_int_equal(hf_cert_print(cert, &text, NULL), 0);
	assert_non_null(strstr(hf_buf_str(&text), "Netscape Comment"));
	assert_null(strchr(hf_buf_str(&text), 0x1b));
	assert_null(strchr(hf_buf_str(&text), '\r'));
	assert_null(strchr(hf_buf_str(&text), 0x07));
}

/* --- references and lists --- */

static void *ref_and_unref(void *arg)
{
	for (int i = 0; i < 20000; i++)
		hf_cert_unref(hf_cert_ref(arg));
	return NULL;
}

static void test_references_are_counted_across_threads(void **state)
{
	HF_AUTO(hf_cert) cert = fx_cert(&(struct fx_spec){ .subject = "/CN=x" });
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ref_and_unref, cert), 0);
	for (size_t i = 0; i < HF_ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(atomic_load(&cert->refs), 1);
	assert_null(hf_cert_ref(NULL));
	hf_cert_unref(NULL);
}

static void test_lists_hold_references(void **state)
{
	HF_AUTO(hf_cert) a = fx_cert(&(struct fx_spec){ .subject = "/CN=a" });
	HF_AUTO(hf_cert) b = fx_cert(&(struct fx_spec){ .subject = "/CN=b" });
	HF_AUTO(hf_cert) again = NULL;
	HF_AUTO_DONE(hf_certs) list = HF_CERTS_INIT;
	HF_AUTO_DONE(hf_certs) copy = HF_CERTS_INIT;

	(void)state;
	assert_int_equal(hf_cert_from_der(a->der, a->der_len, &again, NULL), 0);
	assert_true(hf_cert_equal(a, again));
	assert_false(hf_cert_equal(a, b));
	assert_false(hf_cert_equal(a, NULL));
	for (int i = 0; i < 9; i++)
		assert_int_equal(hf_certs_add(&list, a, NULL), 0);
	assert_int_equal(hf_certs_copy(&copy, &list, NULL), 0);
	assert_int_equal(atomic_load(&a->refs), 19);
	assert_true(hf_certs_has(&copy, again));
	assert_false(hf_certs_has(&copy, b));
	hf_certs_done(&list);
	hf_certs_done(&copy);
	assert_int_equal(atomic_load(&a->refs), 1);
	assert_int_equal(copy.len, 0);
}

/* --- identity --- */

static void test_identity_chooses_its_name(void **state)
{
	static const struct {
		const char *label, *subject, *san;
		bool use_cn;
		const char *name; /* NULL: the fingerprint */
	} rows[] = {
		{ "URI first", "/CN=x", "DNS:a.example,email:a@b,URI:spiffe://abc/x", true,
		  "uri:spiffe://abc/x" },
		{ "then DNS", "/CN=x", "email:a@b,DNS:a.example,DNS:b.example", true,
		  "dns:a.example" },
		{ "then e-mail", "/CN=x", "IP:10.0.0.1,email:a@b", true, "email:a@b" },
		{ "then the CN when asked", "/CN=x", "IP:10.0.0.1", true, "cn:x" },
		{ "the CN is not used unasked", "/CN=x", "IP:10.0.0.1", false, NULL },
		{ "no CN", "/O=x", NULL, true, NULL },
		{ "a malformed SAN names nobody", "/CN=x",
		  "DER:300582036100"
		  "62",
		  false, NULL },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		struct fx_spec spec = { .subject = rows[i].subject };
		HF_AUTO(hf_cert) cert = NULL;
		HF_AUTO(hf_identity) id = NULL;
		char hex[2 * HF_SHA256_LEN + 1];

		print_message("  %s\n", rows[i].label);
		if (rows[i].san)
			spec.exts[0] = (struct fx_ext){ "subjectAltName", rows[i].san };
		cert = fx_cert(&spec);
		assert_int_equal(hf_identity_new(cert, NULL, rows[i].use_cn, &id, NULL), 0);
		assert_null(id->issuer_sha256);
		hf_hex_encode(cert->sha256, HF_SHA256_LEN, hex);
		if (rows[i].name)
			assert_string_equal(id->name, rows[i].name);
		else
			assert_true(hf_str_starts(id->name, "sha256:") &&
				    hf_str_ends(id->name, hex));
	}
}

static void test_identity_as_json(void **state)
{
	HF_AUTO(hf_cert) cert =
	    fx_cert(&(struct fx_spec){ .subject = "/CN=x", .exts = { { SAN1 } } });
	HF_AUTO(hf_identity) id = NULL;
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(65536);
	HF_AUTO_DONE(hf_buf) thumbprint = HF_BUF_INIT(100);
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(8192);
	struct hf_json j;

	(void)state;
	assert_int_equal(hf_identity_new(cert, cert, false, &id, NULL), 0);
	hf_json_init(&j, &out, false);
	hf_identity_to_json(id, &j, NULL);
	assert_false(hf_buf_failed(&out));
	assert_non_null(strstr(hf_buf_str(&out), "\"name\": \"dns:a.example\""));
	assert_non_null(
	    strstr(hf_buf_str(&out), "\"sans\": [{\"kind\": \"dns\", \"value\": \"a.example\"}]"));
	assert_non_null(strstr(hf_buf_str(&out), "\"not_after\": \"2040-01-01T00:00:00Z\""));
	/* RFC 8705 3.1, by openssl */
	assert_int_equal(hf_cert_to_pem(cert, &pem, NULL), 0);
	fx_puts("cert.pem", hf_buf_str(&pem));
	fx_run(
	    "openssl x509 -in cert.pem -outform DER | openssl dgst -sha256 -binary | base64 | tr '+/' '-_' | "
	    "tr -d '=\\n' > x5t");
	assert_int_equal(hf_file_read("x5t", &thumbprint, NULL), 0);
	assert_non_null(strstr(hf_buf_str(&out), hf_buf_str(&thumbprint)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_extensions_become_flags),
		cmocka_unit_test(test_control_bytes_in_a_subject_are_flagged),
		cmocka_unit_test(test_key_usages_become_bits_and_words),
		cmocka_unit_test(test_path_lengths),
		cmocka_unit_test(test_serial_numbers_in_text),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_fields_of_an_ordinary_leaf),
		cmocka_unit_test(test_old_versions_and_unknown_keys_decode),
		cmocka_unit_test(test_damaged_der_is_refused_with_a_reason),
		cmocka_unit_test(test_more_extensions_than_anyone_needs_are_flagged),
		cmocka_unit_test_setup_teardown(test_pem_and_text_are_those_of_openssl, fx_enter,
						fx_leave),
		cmocka_unit_test(test_text_is_tame_whatever_the_comment),
		cmocka_unit_test(test_references_are_counted_across_threads),
		cmocka_unit_test(test_lists_hold_references),
		cmocka_unit_test(test_identity_chooses_its_name),
		cmocka_unit_test_setup_teardown(test_identity_as_json, fx_enter, fx_leave),
	};

	return cmocka_run_group_tests(tests, make_key, drop_key);
}
