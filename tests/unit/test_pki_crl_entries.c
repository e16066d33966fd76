/* SPDX-License-Identifier: Apache-2.0 */
/* lib/pki/crl_entry, crl_index, crl_find: what is found on a list, beside what OpenSSL finds. */
#include "pki_fixture.h"

#include <openssl/rsa.h>

#include "base/time.h"
#include "pki/crl.h"

static EVP_PKEY *key;
static X509 *ca;

static int make_ca(void **state)
{
	static const struct fx_spec spec = { .subject = "/O=ABC Inc./CN=CA",
					     .exts = {
						 { "basicConstraints", "critical,CA:TRUE" } } };

	(void)state;
	key = fx_key(HF_KEY_P256);
	ca = fx_x509(&spec, key, NULL, NULL);
	return 0;
}

static int drop_ca(void **state)
{
	(void)state;
	X509_free(ca);
	EVP_PKEY_free(key);
	return 0;
}

static X509_CRL *list_new(void)
{
	X509_CRL *list = X509_CRL_new();
	HF_AUTO(ASN1_TIME) at = fx_time("240101000000Z");

	assert_true(X509_CRL_set_version(list, X509_CRL_VERSION_2) &&
		    X509_CRL_set_issuer_name(list, X509_get_subject_name(ca)) &&
		    X509_CRL_set1_lastUpdate(list, at) && X509_CRL_set1_nextUpdate(list, at));
	return list;
}

static ASN1_INTEGER *serial_of(const char *hex)
{
	HF_AUTO(BIGNUM) number = NULL;
	ASN1_INTEGER *serial;

	assert_true(BN_hex2bn(&number, hex) > 0);
	serial = BN_to_ASN1_INTEGER(number, NULL);
	assert_non_null(serial);
	return serial;
}

static X509_NAME *name_of(const char *text)
{
	X509_NAME *name = NULL;

	assert_int_equal(hf_name_parse(text, &name, NULL), 0);
	return name;
}

static void add_issuer(X509_REVOKED *entry, const char *subject)
{
	HF_AUTO(GENERAL_NAMES) names = GENERAL_NAMES_new();
	GENERAL_NAME *name = GENERAL_NAME_new();

	GENERAL_NAME_set0_value(name, GEN_DIRNAME, name_of(subject));
	assert_true(sk_GENERAL_NAME_push(names, name) > 0);
	assert_int_equal(X509_REVOKED_add1_ext_i2d(entry, NID_certificate_issuer, names, 1, 0), 1);
}

/* ext: "NAME=VALUE" as in a configuration file, the subject of a certificateIssuer, or NULL. */
static void add(X509_CRL *list, const char *serial, const char *ext)
{
	X509_REVOKED *entry = X509_REVOKED_new();
	HF_AUTO(ASN1_INTEGER) number = serial_of(serial);
	HF_AUTO(ASN1_TIME) at = fx_time("240102030405Z");

	assert_true(X509_REVOKED_set_serialNumber(entry, number) &&
		    X509_REVOKED_set_revocationDate(entry, at));
	if (ext && ext[0] == '/') {
		add_issuer(entry, ext);
	} else if (ext) {
		char name[64];
		const char *equals = strchr(ext, '=');
		HF_AUTO(X509_EXTENSION) made = NULL;

		(void)snprintf(name, sizeof(name), "%.*s", (int)(equals - ext), ext);
		made = X509V3_EXT_nconf(NULL, NULL, name, equals + 1);
		if (!made)
			fail_msg("%s", ext);
		assert_true(X509_REVOKED_add_ext(entry, made, -1));
	}
	assert_true(X509_CRL_add0_revoked(list, entry));
	ERR_clear_error();
}

static struct hf_crl *sign_with(X509_CRL *list, EVP_PKEY *with, const EVP_MD *md)
{
	struct hf_crl *crl = NULL;
	struct hf_err err = HF_ERR_INIT;

	assert_true(X509_CRL_sign(list, with, md) > 0);
	if (hf_crl_new(list, &crl, &err) < 0)
		fail_msg("%s", err.msg);
	fx_no_stale_errors("reading a list");
	return crl;
}

static struct hf_crl *sign(X509_CRL *list)
{
	return sign_with(list, key, EVP_sha256());
}

/* Asks both; they must agree. */
static int ask(const struct hf_crl *crl, const char *serial, const char *issuer)
{
	HF_AUTO(ASN1_INTEGER) number = serial_of(serial);
	HF_AUTO(X509_NAME) name = name_of(issuer ? issuer : "/O=ABC Inc./CN=CA");
	HF_AUTO(X509_CRL) full = hf_crl_decode(crl);
	HF_AUTO(X509) cert = X509_new();
	struct hf_crl_entry entry;
	X509_REVOKED *theirs = NULL;
	int found = hf_crl_find(crl, number, name, &entry), expected;

	assert_true(X509_set_serialNumber(cert, number) && X509_set_issuer_name(cert, name));
	expected = X509_CRL_get0_by_cert(full, &theirs, cert);
	assert_int_equal(found, expected);
	if (found) {
		HF_AUTO(ossl_mem) der = NULL;
		int len = i2d_X509_REVOKED(theirs, &der);

		assert_int_equal(len, entry.der.len);
		assert_memory_equal(der, entry.der.at, entry.der.len);
	}
	return found;
}

/* Many numbers, of which some begin or end alike. */
static void numbered(unsigned n, char out[64])
{
	static const char *const forms[] = { "%X", "7F%08X00000000", "80%030X",
					     "%X000000000000FF" };

	(void)snprintf(out, 64, forms[n % 4], n); /* NOLINT: the forms are above */
}

static void test_every_number_is_found_and_no_other(void **state)
{
	static const unsigned counts[] = { 0, 1, 2, 3, 7, 64, 1000, 3000 };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(counts); i++) {
		HF_AUTO(X509_CRL) list = list_new();
		HF_AUTO(hf_crl) crl = NULL;
		struct hf_crl_entry entry;
		char text[64];

		for (unsigned n = 0; n < counts[i]; n++) {
			numbered(2 * n, text);
			add(list, text, NULL);
		}
		crl = sign(list);
		assert_int_equal(crl->revoked_count, counts[i]);
		assert_false(crl->bad);
		for (unsigned n = 0; n < 2 * counts[i] + 2; n++) {
			HF_AUTO(ASN1_INTEGER) number = NULL;

			numbered(n, text);
			number = serial_of(text);
			assert_int_equal(hf_crl_find(crl, number, NULL, &entry),
					 n % 2 == 0 && n < 2 * counts[i]);
		}
	}
}

static void test_entries_say_what_openssl_says(void **state)
{
	static const struct {
		const char *label, *ext;
		int reason, found;
	} rows[] = {
		{ "nothing", NULL, -1, 1 },
		{ "a reason", "CRLReason=DER:0A0101", 1, 1 },
		{ "a critical reason", "CRLReason=critical,DER:0A0101", 1, 1 },
		{ "removed again", "CRLReason=DER:0A0108", 8, 2 },
		{ "removed again, critical", "CRLReason=critical,DER:0A0108", 8, 2 },
		{ "a reason below zero", "CRLReason=DER:0A0181", -127, 1 },
		{ "a reason of two octets", "2.5.29.21=DER:0A020100", 256, 1 },
		{ "a date", "invalidityDate=DER:180F32303234303130313030303030305A", -1, 1 },
		{ "something unknown", "1.2.3.4=DER:0500", -1, 1 },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(X509_CRL) list = list_new();
		HF_AUTO(hf_crl) crl = NULL;
		HF_AUTO(ASN1_INTEGER) number = serial_of("5C");
		HF_AUTO(cstr) text = NULL;
		struct hf_crl_entry entry;
		int64_t at;

		print_message("  %s\n", rows[i].label);
		add(list, "1", NULL);
		add(list, "5C", rows[i].ext);
		add(list, "2", NULL);
		crl = sign(list);
		assert_false(crl->bad);
		assert_int_equal(ask(crl, "5C", NULL), rows[i].found);
		assert_int_equal(hf_crl_find(crl, number, NULL, &entry), rows[i].found);
		assert_int_equal(hf_crl_entry_reason(&entry), rows[i].reason);
		assert_true(hf_crl_entry_at(&entry, &at));
		assert_true(at == hf_time_from_civil(2024, 1, 2, 3, 4, 5));
		text = hf_crl_entry_serial(&entry);
		assert_string_equal(text, "5c");
	}
}

static void test_numbers_are_told_in_hex(void **state)
{
	static const char *const numbers[][2] = { { "0", "0" },
						  { "80", "80" },
						  { "-1", "-1" },
						  { "-80", "-80" },
						  { "123456789ABCDEF0123456789",
						    "123456789abcdef0123456789" } };
	HF_AUTO(X509_CRL) list = list_new();
	HF_AUTO(hf_crl) crl = NULL;
	struct hf_der_walk left;
	struct hf_crl_entry entry;

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(numbers); i++)
		add(list, numbers[i][0], NULL);
	crl = sign(list);
	left = crl->index.entries;
	for (size_t i = 0; i < HF_ARRAY_LEN(numbers); i++) {
		HF_AUTO(cstr) text = NULL;

		assert_true(hf_crl_entry_next(&left, &entry));
		text = hf_crl_entry_serial(&entry);
		assert_string_equal(text, numbers[i][1]);
		assert_int_equal(ask(crl, numbers[i][0], NULL), 1);
	}
	assert_false(hf_crl_entry_next(&left, &entry));
	assert_int_equal(ask(crl, "1", NULL), 0); /* -1 is another */
}

/* RFC 5280 5.3.3: a certificateIssuer holds until the next. */
static void test_entries_of_other_issuers(void **state)
{
	static const struct {
		const char *serial, *issuer;
		int found;
	} rows[] = {
		{ "1", NULL, 1 },
		{ "1", "/O=ABC Inc./CN=A", 0 },
		{ "2", "/O=ABC Inc./CN=A", 1 },
		{ "2", NULL, 0 },
		{ "3", "/O=ABC Inc./CN=A", 1 },
		{ "3", "/O=ABC Inc./CN=B", 0 },
		{ "4", "/O=ABC Inc./CN=B", 1 },
		{ "5", "/O=ABC Inc./CN=B", 2 },
		{ "5", "/O=ABC Inc./CN=A", 0 },
		{ "7", "/O=ABC Inc./CN=A", 1 }, /* stands there for both */
		{ "7", "/O=ABC Inc./CN=B", 1 },
		{ "7", NULL, 0 },
		{ "8", "/O=ABC Inc./CN=B", 0 },
	};
	HF_AUTO(X509_CRL) list = list_new();
	HF_AUTO(hf_crl) crl = NULL;

	(void)state;
	add(list, "1", NULL);
	add(list, "2", "/O=ABC Inc./CN=A");
	add(list, "3", NULL);
	add(list, "7", "CRLReason=DER:0A0104");
	add(list, "4", "/O=ABC Inc./CN=B");
	add(list, "5", "CRLReason=DER:0A0108");
	add(list, "7", "CRLReason=DER:0A0101");
	crl = sign(list);
	assert_int_equal(crl->issuers_len, 2);
	assert_false(crl->bad || crl->unknown_critical);
	assert_true(crl->first_critical == HF_CRL_NOWHERE);
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++)
		assert_int_equal(ask(crl, rows[i].serial, rows[i].issuer), rows[i].found);
}

static struct hf_cert *cert_with(const char *serial)
{
	const struct fx_spec spec = { .subject = "/CN=x", .serial = serial };
	X509 *x509 = fx_x509(&spec, key, NULL, NULL);
	struct hf_cert *cert = NULL;

	assert_int_equal(hf_cert_new(x509, &cert, NULL), 0);
	X509_free(x509);
	return cert;
}

/* An excerpt answers about its certificates what the list answers, and is small. */
static void test_an_excerpt_answers_as_the_list(void **state)
{
	static const char *const serials[] = { "1", "2", "3", "7", "AA", "BB" };
	static const char *const issuers[] = { "/O=ABC Inc./CN=CA", "/O=ABC Inc./CN=A",
					       "/O=ABC Inc./CN=B" };
	HF_AUTO(X509_CRL) list = list_new();
	HF_AUTO(X509_CRL) excerpt = NULL;
	HF_AUTO(hf_crl) crl = NULL;
	HF_AUTO_DONE(hf_certs) certs = HF_CERTS_INIT;
	char text[64];

	(void)state;
	add(list, "1", NULL);
	for (unsigned n = 1000; n < 1300; n++) {
		numbered(n, text);
		add(list, text,
		    n == 1100	? "/O=ABC Inc./CN=A"
		    : n == 1200 ? "/O=ABC Inc./CN=B"
		    : n == 1250 ? "1.2.3.4=critical,DER:0500"
				: NULL);
		if (n == 1150)
			add(list, "2", "CRLReason=DER:0A0101");
	}
	add(list, "3", "CRLReason=DER:0A0108");
	crl = sign(list);
	assert_true(crl->unknown_critical);
	for (size_t i = 0; i < HF_ARRAY_LEN(serials); i++) {
		HF_AUTO(hf_cert) cert = cert_with(serials[i]);

		assert_int_equal(hf_certs_add(&certs, cert, NULL), 0);
	}
	assert_int_equal(hf_crl_excerpt(crl, &certs, &excerpt, NULL), 0);
	/* 1, 2 and 3, the entries that say whose 2 and 3 are, and the one with the extension */
	assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(excerpt)), 6);
	for (size_t i = 0; i < HF_ARRAY_LEN(serials); i++) {
		for (size_t k = 0; k < HF_ARRAY_LEN(issuers); k++) {
			HF_AUTO(X509) cert = X509_new();
			HF_AUTO(X509_NAME) name = name_of(issuers[k]);
			HF_AUTO(ASN1_INTEGER) number = serial_of(serials[i]);
			X509_REVOKED *entry = NULL;

			assert_true(X509_set_serialNumber(cert, number) &&
				    X509_set_issuer_name(cert, name));
			assert_int_equal(X509_CRL_get0_by_cert(excerpt, &entry, cert),
					 ask(crl, serials[i], issuers[k]));
		}
	}
}

static void test_signatures_are_over_the_entries_too(void **state)
{
	const struct {
		EVP_PKEY *key;
		const EVP_MD *md;
	} rows[] = { { fx_key(HF_KEY_P256), EVP_sha256() },
		     { fx_key(HF_KEY_RSA2048), EVP_sha384() },
		     { fx_key(HF_KEY_ED25519), NULL } };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(X509_CRL) list = list_new();
		HF_AUTO(hf_crl) crl = NULL;
		HF_AUTO(hf_crl) changed = NULL;
		struct hf_crl_entry entry;
		struct hf_der_walk left;

		add(list, "112233", "CRLReason=DER:0A0101");
		crl = sign_with(list, rows[i].key, rows[i].md);
		assert_true(hf_crl_verify(crl, rows[i].key));
		assert_false(hf_crl_verify(crl, key));
		assert_false(hf_crl_verify(crl, NULL));
		left = crl->index.entries;
		assert_true(hf_crl_entry_next(&left, &entry));
		((uint8_t *)(uintptr_t)entry.serial.at)[1] ^= 1;
		assert_int_equal(hf_crl_from_der(crl->der, crl->der_len, &changed, NULL), 0);
		assert_false(hf_crl_verify(changed, rows[i].key));
		fx_no_stale_errors("signatures");
		EVP_PKEY_free(rows[i].key);
	}
}

static void test_pss_signatures(void **state)
{
	EVP_PKEY *rsa = fx_key(HF_KEY_RSA2048);
	HF_AUTO(X509_CRL) list = list_new();
	HF_AUTO(EVP_MD_CTX) md = EVP_MD_CTX_new();
	HF_AUTO(hf_crl) crl = NULL;
	EVP_PKEY_CTX *how = NULL;

	(void)state;
	add(list, "1", NULL);
	assert_int_equal(EVP_DigestSignInit(md, &how, EVP_sha256(), NULL, rsa), 1);
	assert_true(EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) > 0);
	assert_true(X509_CRL_sign_ctx(list, md) > 0);
	assert_int_equal(hf_crl_new(list, &crl, NULL), 0);
	assert_true(hf_crl_verify(crl, rsa));
	assert_false(hf_crl_verify(crl, key));
	EVP_PKEY_free(rsa);
}

/* A list whose one entry begins with these bytes instead. */
static int read_with(const char *hex, struct hf_crl **ret_crl)
{
	static const uint8_t before[] = { 0x30, 0x13, 0x02, 0x02, 0x2a, 0x2a, 0x17, 0x0d };
	HF_AUTO(X509_CRL) list = list_new();
	HF_AUTO(hf_crl) crl = NULL;
	uint8_t *at;

	add(list, "2A2A", NULL);
	crl = sign(list);
	at = (uint8_t *)(uintptr_t)crl->index.entries.at;
	assert_int_equal(crl->index.entries.len, 21);
	assert_memory_equal(at, before, sizeof(before));
	for (size_t i = 0; hex[2 * i]; i++) {
		char pair[] = { hex[2 * i], hex[2 * i + 1], '\0' };

		assert_true(i < crl->index.entries.len);
		at[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return hf_crl_from_der(crl->der, crl->der_len, ret_crl, NULL);
}

/* An entry has 21 bytes: 30 13 | 02 02 2a 2a | 17 0d and thirteen of the date. */
static void test_what_is_no_entry(void **state)
{
	static const struct {
		const char *label, *hex;
		int rc;
		bool bad;
	} rows[] = {
		{ "as it was", "301302022a2a170d", 0, false },
		{ "another number", "301302028080170d", 0, false },
		{ "a date that is none", "301302022a2a170d3a", 0, true },
		{ "a date of another form", "301302022a2a180d", 0, true },
		{ "a date in UTF8String", "301302022a2a0c0d", -HF_E_PARSE, false },
		{ "a date that is longer than the entry", "301302022a2a170e", -HF_E_PARSE, false },
		{ "something behind the date", "301302022a2a170c", -HF_E_PARSE, false },
		{ "no extension in their sequence", "301302022a2a170b32343031303130303030303000", 0,
		  true },
		{ "extensions that are cut off", "301302022a2a170b32343031303130303030303005",
		  -HF_E_PARSE, false },
		{ "extensions of another kind", "301302022a2a170b32343031303130303030303100",
		  -HF_E_PARSE, false },
		{ "an extension that is none", "301302022a2a170932343031303130303030020200",
		  -HF_E_PARSE, false },
		{ "a sequence that is no extension", "301302022a2a170932343031303130303030023000",
		  -HF_E_PARSE, false },
		{ "a number of no octets", "30130200", -HF_E_PARSE, false },
		{ "a number with a zero in front", "30130202002a170d", -HF_E_PARSE, false },
		{ "a number with 0xff in front", "30130202ff80170d", -HF_E_PARSE, false },
		{ "a number that is longer than the entry", "301302122a", -HF_E_PARSE, false },
		{ "a number that is none", "301303022a2a170d", -HF_E_PARSE, false },
		{ "an entry that is longer than the list", "301402022a2a170d", -HF_E_PARSE, false },
		{ "an entry that is shorter", "301202022a2a170d", -HF_E_PARSE, false },
		{ "an entry of no octets", "3000", -HF_E_PARSE, false },
		{ "an entry of no stated end", "308002022a2a170d", -HF_E_PARSE, false },
		{ "an entry that is none", "311302022a2a170d", -HF_E_PARSE, false },
		/* not DER, but it decodes */
		{ "the length of an entry in two octets", "30811202012a170d", 0, true },
		{ "the length of a number in two octets", "30130281012a170d", 0, true },
		{ "the length of a date in two octets", "301302012a17810d", 0, true },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(hf_crl) crl = NULL;

		print_message("  %s\n", rows[i].label);
		assert_int_equal(read_with(rows[i].hex, &crl), rows[i].rc);
		assert_int_equal(crl ? crl->bad : false, rows[i].bad);
		fx_no_stale_errors(rows[i].label);
	}
}

/* OpenSSL reads the entries of such a list; so none of it may be taken without them. */
static void test_entries_in_a_primitive_sequence(void **state)
{
	HF_AUTO(X509_CRL) list = list_new();
	HF_AUTO(hf_crl) crl = NULL;
	struct hf_crl *out = NULL;

	(void)state;
	add(list, "2A2A", NULL);
	crl = sign(list);
	assert_int_equal(crl->index.entries.at[-2], 0x30);
	((uint8_t *)(uintptr_t)crl->index.entries.at)[-2] = 0x10;
	assert_false(hf_crl_is_list(crl->der, crl->der_len));
	assert_int_equal(hf_crl_from_der(crl->der, crl->der_len, &out, NULL), -HF_E_PARSE);
	assert_null(out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_number_is_found_and_no_other),
		cmocka_unit_test(test_entries_say_what_openssl_says),
		cmocka_unit_test(test_numbers_are_told_in_hex),
		cmocka_unit_test(test_entries_of_other_issuers),
		cmocka_unit_test(test_an_excerpt_answers_as_the_list),
		cmocka_unit_test(test_signatures_are_over_the_entries_too),
		cmocka_unit_test(test_pss_signatures),
		cmocka_unit_test(test_what_is_no_entry),
		cmocka_unit_test(test_entries_in_a_primitive_sequence),
	};

	return cmocka_run_group_tests(tests, make_ca, drop_ca);
}
