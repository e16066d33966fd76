/* SPDX-License-Identifier: Apache-2.0 */
/* util/slim: what TLS and certificates need still works once the slim provider is the only one. */
#include "tls_fixture.h"

#include <openssl/pem.h>
#include <openssl/provider.h>

#include "util/slim.h"

static int begin(void **state)
{
	(void)state;
	/* A machine whose openssl.cnf names providers keeps them: nothing to test there. */
	if (!hf_slim_begin(HF_SLIM_TLS))
		print_message("the slim provider is not used on this machine\n");
	return 0;
}

static void test_it_is_the_only_one(void **state)
{
	(void)state;
	if (!OSSL_PROVIDER_available(NULL, "handfast-slim"))
		skip();
	assert_false(OSSL_PROVIDER_available(NULL, "default"));
}

/* Both directions of everything that a credential file may hold. */
static void test_keys_go_out_and_come_back(void **state)
{
	static const enum hf_key_type types[] = { HF_KEY_P256, HF_KEY_P384, HF_KEY_RSA2048,
						  HF_KEY_ED25519 };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(types); i++) {
		HF_AUTO(EVP_PKEY) key = fx_key(types[i]), back = NULL, public = NULL;
		HF_AUTO(BIO) bio = BIO_new(BIO_s_mem());
		HF_AUTO(ossl_mem) der = NULL;
		char secret[] = "secret";
		const unsigned char *p;
		int len = i2d_PUBKEY(key, &der);

		assert_true(len > 0);
		p = der;
		public = d2i_PUBKEY(NULL, &p, len);
		assert_non_null(public);
		assert_int_equal(EVP_PKEY_eq(key, public), 1);
		assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_256_cbc(), secret,
							       6, NULL, NULL),
				 1);
		back = PEM_read_bio_PrivateKey(bio, NULL, NULL, secret);
		assert_non_null(back);
		assert_int_equal(EVP_PKEY_eq(key, back), 1);
	}
}

static const enum hf_key_type kinds[] = { HF_KEY_P256, HF_KEY_P384, HF_KEY_RSA2048,
					  HF_KEY_ED25519 };

static void meet(enum hf_key_type kind, enum hf_tls_version version, const char *groups)
{
	HF_AUTO(EVP_PKEY) key = fx_key(kind);

	tx_meet_with(key, version, groups, true);
}

static void test_handshakes_of_every_kind(void **state)
{
	static const char *const groups[] = { "X25519:P-256:P-384", "P-256", "P-384" };
	static const enum hf_tls_version versions[] = { HF_TLS_1_2, HF_TLS_1_3 };

	(void)state;
	for (size_t k = 0; k < HF_ARRAY_LEN(kinds); k++) {
		for (size_t v = 0; v < HF_ARRAY_LEN(versions); v++)
			meet(kinds[k], versions[v], groups[0]);
	}
	for (size_t g = 1; g < HF_ARRAY_LEN(groups); g++)
		meet(HF_KEY_P256, HF_TLS_1_3, groups[g]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_is_the_only_one),
		cmocka_unit_test(test_keys_go_out_and_come_back),
		cmocka_unit_test(test_handshakes_of_every_kind),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
