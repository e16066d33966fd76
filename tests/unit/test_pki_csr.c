/* SPDX-License-Identifier: Apache-2.0 */
/* lib/pki/csr: what requests ask for, making them, proof of possession. */
#include "pki_fixture.h"

#include "pki/csr.h"

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

/* A request that asks for the extensions given, signed by the shared key. */
static X509_REQ *fx_request(const struct fx_ext *exts, size_t count)
{
	X509_REQ *req = X509_REQ_new();
	HF_AUTO(X509_EXTENSION_stack) list = sk_X509_EXTENSION_new_null();
	HF_AUTO(X509_NAME) name = NULL;
	CONF *conf = NCONF_new(NULL);
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, NULL, NULL, req, NULL, 0);
	X509V3_set_nconf(&ctx, conf);
	assert_int_equal(hf_name_parse("/CN=node-07", &name, NULL), 0);
	assert_true(X509_REQ_set_subject_name(req, name) && X509_REQ_set_pubkey(req, shared_key));
	for (size_t i = 0; i < count && exts[i].name; i++) {
		X509_EXTENSION *ext = X509V3_EXT_nconf(conf, &ctx, exts[i].name, exts[i].value);

		if (!ext)
			fail_msg("extension %s", exts[i].name);
		assert_true(sk_X509_EXTENSION_push(list, ext));
	}
	if (sk_X509_EXTENSION_num(list) > 0)
		assert_true(X509_REQ_add_extensions(req, list));
	assert_true(X509_REQ_sign(req, shared_key, EVP_sha256()) > 0);
	NCONF_free(conf);
	ERR_clear_error();
	return req;
}

static void test_wishes_are_read_or_the_request_is_refused(void **state)
{
	static const struct {
		const char *label;
		struct fx_ext exts[3];
		const char *sans; /* NULL: refused */
		bool asks_ca;
		const char *message; /* when refused */
	} rows[] = {
		{ "nothing", { { NULL, NULL } }, "", false, NULL },
		{ "names",
		  { { "subjectAltName", "DNS:a.example,IP:10.0.0.1" } },
		  "dns:a.example, ip:10.0.0.1",
		  false,
		  NULL },
		{ "to be a CA", { { "basicConstraints", "critical,CA:TRUE" } }, "", true, NULL },
		{ "expressly no CA", { { "basicConstraints", "CA:FALSE" } }, "", false, NULL },
		{ "an extension that nobody knows", { { "1.2.3.4", "DER:05" } }, "", false, NULL },
		{ "names twice",
		  { { "subjectAltName", "DNS:a" }, { "subjectAltName", "DNS:b" } },
		  NULL,
		  false,
		  "subjectAltName is asked for twice" },
		{ "names that do not decode",
		  { { "subjectAltName", "DER:3005820361" } },
		  NULL,
		  false,
		  "subjectAltName asked for does not decode" },
		{ "bytes behind basicConstraints",
		  { { "basicConstraints", "DER:30000101FF" } },
		  NULL,
		  false,
		  "basicConstraints asked for does not decode" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(X509_REQ) req = fx_request(rows[i].exts, HF_ARRAY_LEN(rows[i].exts));
		HF_AUTO_DONE(hf_buf) sans = HF_BUF_INIT(1024);
		HF_AUTO(hf_csr) csr = NULL;
		struct hf_err err = HF_ERR_INIT;
		int rc = hf_csr_new(req, &csr, &err);

		print_message("  %s\n", rows[i].label);
		assert_int_equal(rc, rows[i].sans ? 0 : -HF_E_PARSE);
		fx_no_stale_errors(rows[i].label);
		if (!rows[i].sans) {
			if (!strstr(err.msg, rows[i].message))
				fail_msg("says '%s'", err.msg);
			continue;
		}
		assert_int_equal(hf_sans_format(&csr->sans, &sans), 0);
		assert_string_equal(hf_buf_str(&sans), rows[i].sans);
		assert_int_equal(csr->asks_ca, rows[i].asks_ca);
		assert_string_equal(csr->subject, "CN=node-07");
		assert_int_equal(csr->key_type, HF_KEY_P256);
		assert_int_equal(csr->key_bits, 256);
		assert_int_equal(hf_csr_check_signature(csr, NULL), 0);
	}
}

static void test_extension_request_that_is_no_list_is_refused(void **state)
{
	HF_AUTO(X509_REQ) req = fx_request(NULL, 0);
	HF_AUTO(hf_csr) csr = NULL;
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	assert_true(X509_REQ_add1_attr_by_NID(req, NID_ext_req, V_ASN1_UTF8STRING,
					      (const unsigned char *)"x", 1));
	assert_int_equal(hf_csr_new(req, &csr, &err), -HF_E_PARSE);
	assert_non_null(strstr(err.msg, "do not decode"));
	fx_no_stale_errors("a bad attribute");
}

static void test_challenge_password_is_noted(void **state)
{
	HF_AUTO(X509_REQ) req = fx_request(NULL, 0);
	HF_AUTO(hf_csr) without = NULL;
	HF_AUTO(hf_csr) with = NULL;

	(void)state;
	assert_int_equal(hf_csr_new(req, &without, NULL), 0);
	assert_true(X509_REQ_add1_attr_by_NID(req, NID_pkcs9_challengePassword, V_ASN1_UTF8STRING,
					      (const unsigned char *)"secret", 6));
	assert_true(X509_REQ_sign(req, shared_key, EVP_sha256()) > 0);
	assert_int_equal(hf_csr_new(req, &with, NULL), 0);
	assert_false(without->has_challenge_password);
	assert_true(with->has_challenge_password);
}

static void test_signature_of_another_key_is_told(void **state)
{
	HF_AUTO(X509_REQ) req = fx_request(NULL, 0);
	HF_AUTO(EVP_PKEY) other = fx_key(HF_KEY_P256);
	HF_AUTO(hf_csr) csr = NULL;
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	assert_true(X509_REQ_set_pubkey(req, other)); /* after signing: no proof of possession */
	assert_int_equal(hf_csr_new(req, &csr, NULL), 0);
	assert_int_equal(hf_csr_check_signature(csr, &err), -HF_E_MISMATCH);
	assert_true(err.hint[0] != '\0');
	fx_no_stale_errors("a bad signature");
}

static void test_requests_made_are_read_by_openssl(void **state)
{
	static const struct {
		enum hf_key_type type;
		const char *subject, *sans;
		const char *text; /* in openssl's words */
	} rows[] = {
		{ HF_KEY_P256, "/CN=x/O=y", "dns:a.example,ip:::1",
		  "DNS:a.example, IP Address:0:0:0:0:0:0:0:1" },
		{ HF_KEY_P384, "/CN=x", "uri:spiffe://abc/x", "URI:spiffe://abc/x" },
		{ HF_KEY_RSA2048, "/CN=x", "email:a@b.example", "email:a@b.example" },
		{ HF_KEY_ED25519, "/", "dns:a.example", "Subject Alternative Name: critical" },
		{ HF_KEY_ED25519, "/CN=no names", NULL, "Subject: CN = no names" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(EVP_PKEY) key = fx_key(rows[i].type);
		HF_AUTO(X509_NAME) name = NULL;
		HF_AUTO_DONE(hf_sans) sans = HF_SANS_INIT;
		HF_AUTO(hf_csr) csr = NULL;
		HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(8192);
		char command[512];

		assert_int_equal(hf_name_parse(rows[i].subject, &name, NULL), 0);
		if (rows[i].sans)
			assert_int_equal(hf_sans_add_list(&sans, rows[i].sans, NULL), 0);
		assert_int_equal(hf_csr_make(key, name, &sans, &csr, NULL), 0);
		assert_int_equal(hf_csr_check_signature(csr, NULL), 0);
		assert_int_equal(csr->sans.len, sans.len);
		assert_int_equal(csr->key_type, rows[i].type);
		assert_int_equal(hf_csr_to_pem(csr, &pem, NULL), 0);
		fx_puts("csr.pem", hf_buf_str(&pem));
		(void)snprintf(
		    command, sizeof(command),
		    "openssl req -in csr.pem -verify -noout -text >out 2>&1 && grep -qF '%s' out",
		    rows[i].text);
		fx_run(command);
	}
}

static void test_malformed_names_are_not_put_into_a_request(void **state)
{
	HF_AUTO_DONE(hf_sans) sans = HF_SANS_INIT;
	HF_AUTO(hf_csr) csr = NULL;

	(void)state;
	assert_int_equal(hf_sans_add_text(&sans, "dns:a", NULL), 0);
	sans.items[0].malformed = true;
	assert_int_equal(hf_csr_make(shared_key, NULL, &sans, &csr, NULL), -HF_E_UNSUPPORTED);
	assert_null(csr);
}

static void test_damaged_der_is_refused(void **state)
{
	HF_AUTO(X509_REQ) req = fx_request(NULL, 0);
	HF_AUTO(ossl_mem) der = NULL;
	int len = i2d_X509_REQ(req, &der);

	(void)state;
	for (size_t n = 0; n < (size_t)len; n++) {
		struct hf_csr *csr = NULL;

		assert_int_equal(hf_csr_from_der(der, n, &csr, NULL), -HF_E_PARSE);
		assert_null(csr);
	}
	fx_no_stale_errors("damaged requests");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wishes_are_read_or_the_request_is_refused),
		cmocka_unit_test(test_extension_request_that_is_no_list_is_refused),
		cmocka_unit_test(test_challenge_password_is_noted),
		cmocka_unit_test(test_signature_of_another_key_is_told),
		cmocka_unit_test_setup_teardown(test_requests_made_are_read_by_openssl, fx_enter,
						fx_leave),
		cmocka_unit_test(test_malformed_names_are_not_put_into_a_request),
		cmocka_unit_test(test_damaged_der_is_refused),
	};

	return cmocka_run_group_tests(tests, make_key, drop_key);
}
