/* SPDX-License-Identifier: Apache-2.0 */
/* lib/pki/key: kinds, generation, comparison, PEM. */
#include "pki_fixture.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>

static void test_every_kind_is_made_named_and_recognised(void **state)
{
	static const struct {
		const char *name, *words;
		int bits, digest;
	} rows[] = {
		{ "p256", "EC P-256", 256, NID_sha256 },
		{ "p384", "EC P-384", 384, NID_sha384 },
		{ "rsa2048", "RSA 2048 bits", 2048, NID_sha256 },
		{ "rsa3072", "RSA 3072 bits", 3072, NID_sha256 },
		{ "ed25519", "Ed25519", 256, NID_undef },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		enum hf_key_type type = hf_key_type_parse(rows[i].name);
		HF_AUTO(EVP_PKEY) key = fx_key(type);
		const EVP_MD *md = hf_key_signing_digest(key);
		char words[64];

		print_message("  %s\n", rows[i].name);
		assert_int_not_equal(type, HF_KEY_OTHER);
		assert_string_equal(hf_key_type_name(type), rows[i].name);
		assert_int_equal(hf_key_type_of(key), type);
		hf_key_describe(key, words, sizeof(words));
		assert_string_equal(words, rows[i].words);
		assert_int_equal(EVP_PKEY_get_bits(key), rows[i].bits);
		assert_int_equal(md ? EVP_MD_get_type(md) : NID_undef, rows[i].digest);
		fx_no_stale_errors(rows[i].name);
	}
}

static void test_names_of_no_kind_we_make(void **state)
{
	static const char *const rows[] = { "",	       "p25", "p2566", "rsa",
					    "rsa1024", "dsa", "ed448", "other" };
	EVP_PKEY *key = NULL;

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++)
		assert_int_equal(hf_key_type_parse(rows[i]), HF_KEY_OTHER);
	assert_int_equal(hf_key_type_parse(NULL), HF_KEY_OTHER);
	assert_int_equal(hf_key_type_parse("P256"), HF_KEY_P256);
	assert_string_equal(hf_key_type_name(HF_KEY_OTHER), "other");
	assert_string_equal(hf_key_type_name((enum hf_key_type)99), "other");
	assert_int_equal(hf_key_generate(HF_KEY_OTHER, &key, NULL), -HF_E_INVALID);
	assert_null(key);
	for (const char *const *name = hf_key_type_names(); *name; name++)
		assert_int_not_equal(hf_key_type_parse(*name), HF_KEY_OTHER);
}

static EVP_PKEY *explicit_key(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char[]){ "prime256v1" }, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_ENCODING, (char[]){ "explicit" }, 0),
		OSSL_PARAM_END,
	};
	EVP_PKEY *key = NULL, *read;
	unsigned char *der = NULL;
	const unsigned char *p;
	int len;

	assert_true(EVP_PKEY_keygen_init(ctx) == 1 && EVP_PKEY_CTX_set_params(ctx, params) == 1);
	assert_true(EVP_PKEY_generate(ctx, &key) == 1);
	len = i2d_PUBKEY(key, &der);
	p = der;
	read = d2i_PUBKEY(NULL, &p, len);
	assert_non_null(read);
	OPENSSL_free(der);
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(ctx);
	return read;
}

static void test_other_keys_are_described_not_taken_for_ours(void **state)
{
	HF_AUTO(EVP_PKEY) weak = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);
	HF_AUTO(EVP_PKEY) curve = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "secp256k1");
	HF_AUTO(EVP_PKEY) ed448 = EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
	HF_AUTO(EVP_PKEY) spelled_out = explicit_key();
	const struct {
		EVP_PKEY *key;
		const char *words;
	} rows[] = {
		{ weak, "RSA 1024 bits" },
		{ curve, "EC secp256k1" },
		{ ed448, "ED448 456 bits" },
		{ spelled_out, "EC with explicit parameters" },
		{ NULL, "a key that does not decode" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		char words[64];

		hf_key_describe(rows[i].key, words, sizeof(words));
		assert_string_equal(words, rows[i].words);
		assert_int_equal(hf_key_type_of(rows[i].key), HF_KEY_OTHER);
	}
	assert_true(hf_key_has_explicit_parameters(spelled_out));
	assert_false(hf_key_has_explicit_parameters(curve));
	fx_no_stale_errors("describing");
}

static void test_keys_are_the_same_by_their_public_half(void **state)
{
	HF_AUTO(EVP_PKEY) a = fx_key(HF_KEY_P256);
	HF_AUTO(EVP_PKEY) b = fx_key(HF_KEY_P256);
	HF_AUTO(EVP_PKEY) rsa = fx_key(HF_KEY_RSA2048);
	HF_AUTO(X509) x = fx_x509(&(struct fx_spec){ .subject = "/CN=a" }, a, NULL, NULL);
	uint8_t one[HF_SHA256_LEN], two[HF_SHA256_LEN];

	(void)state;
	assert_true(hf_key_same(a, X509_get0_pubkey(x)));
	assert_false(hf_key_same(a, b));
	assert_false(hf_key_same(a, rsa));
	assert_false(hf_key_same(a, NULL));
	assert_false(hf_key_same(NULL, NULL));
	assert_int_equal(hf_key_spki_sha256(a, one, NULL), 0);
	assert_int_equal(hf_key_spki_sha256(X509_get0_pubkey(x), two, NULL), 0);
	assert_memory_equal(one, two, sizeof(one));
	assert_int_equal(hf_key_spki_sha256(b, two, NULL), 0);
	assert_memory_not_equal(one, two, sizeof(one));
	fx_no_stale_errors("comparing");
}

static int never_ask(char *buf, int cap, int writing, void *arg)
{
	(void)buf;
	(void)cap;
	(void)writing;
	(void)arg;
	return -1;
}

static EVP_PKEY *read_back(const struct hf_buf *pem, const char *passphrase)
{
	BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, passphrase ? NULL : never_ask,
						(void *)(uintptr_t)passphrase);

	BIO_free(bio);
	ERR_clear_error();
	return key;
}

static void test_pem_is_pkcs8_and_encrypted_when_asked(void **state)
{
	HF_AUTO(EVP_PKEY) key = fx_key(HF_KEY_ED25519);
	HF_AUTO_DONE(hf_secret) pass = HF_SECRET_INIT;
	HF_AUTO_DONE(hf_buf) plain = HF_BUF_INIT(8192);
	HF_AUTO_DONE(hf_buf) sealed = HF_BUF_INIT(8192);
	HF_AUTO_DONE(hf_buf) tiny = HF_BUF_INIT(10);
	HF_AUTO(EVP_PKEY) a = NULL;
	HF_AUTO(EVP_PKEY) b = NULL;
	HF_AUTO(EVP_PKEY) c = NULL;

	(void)state;
	assert_int_equal(hf_secret_set(&pass, "correct horse", 13, NULL), 0);
	assert_int_equal(hf_key_to_pem(key, NULL, &plain, NULL), 0);
	assert_int_equal(hf_key_to_pem(key, &pass, &sealed, NULL), 0);
	assert_true(hf_str_starts(hf_buf_str(&plain), "-----BEGIN PRIVATE KEY-----\n"));
	assert_true(hf_str_starts(hf_buf_str(&sealed), "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
	a = read_back(&plain, NULL);
	b = read_back(&sealed, "correct horse");
	c = read_back(&sealed, "wrong horse");
	assert_true(hf_key_same(key, a));
	assert_true(hf_key_same(key, b));
	assert_null(c);
	assert_int_equal(hf_key_to_pem(key, NULL, &tiny, NULL), -HF_E_LIMIT);
	hf_secret_done(&pass);
	assert_int_equal(hf_key_to_pem(key, &pass, &plain, NULL), -HF_E_PASSPHRASE);
}

static void test_encryption_is_as_strong_as_promised(void **state)
{
	HF_AUTO(EVP_PKEY) key = fx_key(HF_KEY_P256);
	HF_AUTO_DONE(hf_secret) pass = HF_SECRET_INIT;
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(8192);

	(void)state;
	assert_int_equal(hf_secret_set(&pass, "x", 1, NULL), 0);
	assert_int_equal(hf_key_to_pem(key, &pass, &pem, NULL), 0);
	fx_puts("key.pem", hf_buf_str(&pem));
	fx_run("openssl asn1parse -in key.pem > dump");
	fx_run("grep -q PBKDF2 dump && grep -q hmacWithSHA256 dump && grep -q aes-256-cbc dump");
	fx_run("grep -q ':0927C0' dump"); /* 600,000 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind_is_made_named_and_recognised),
		cmocka_unit_test(test_names_of_no_kind_we_make),
		cmocka_unit_test(test_other_keys_are_described_not_taken_for_ours),
		cmocka_unit_test(test_keys_are_the_same_by_their_public_half),
		cmocka_unit_test(test_pem_is_pkcs8_and_encrypted_when_asked),
		cmocka_unit_test_setup_teardown(test_encryption_is_as_strong_as_promised, fx_enter,
						fx_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
