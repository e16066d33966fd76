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

static void meet_all(void)
{
	static const char *const groups[] = { "X25519:P-256:P-384", "P-256", "P-384" };
	static const enum hf_tls_version versions[] = { HF_TLS_1_2, HF_TLS_1_3 };

	for (size_t k = 0; k < HF_ARRAY_LEN(kinds); k++) {
		for (size_t v = 0; v < HF_ARRAY_LEN(versions); v++)
			meet(kinds[k], versions[v], groups[0]);
	}
	for (size_t g = 1; g < HF_ARRAY_LEN(groups); g++)
		meet(HF_KEY_P256, HF_TLS_1_3, groups[g]);
}

static void test_handshakes_of_every_kind(void **state)
{
	(void)state;
	meet_all();
}

/* Keys, certificates and trust are of the default library; only the connections are not. */
static void test_handshakes_with_the_library_for_connections(void **state)
{
	(void)state;
	if (!hf_slim_tls())
		skip();
	tx_library = hf_slim_tls();
	meet_all();
	tx_library = NULL;
}

/* That is what it is for: libssl decodes what a client sends, and must not look for its key. */
static void test_the_library_for_connections_decodes_no_keys(void **state)
{
	static const struct fx_spec spec = { .subject = "/CN=any" };
	HF_AUTO(EVP_PKEY) key = fx_key(HF_KEY_P256);
	HF_AUTO(X509) made = fx_x509(&spec, key, NULL, NULL);
	HF_AUTO(X509) read = NULL;
	HF_AUTO(ossl_mem) der = NULL;
	int len = i2d_X509(made, &der);
	const unsigned char *p = der;

	(void)state;
	if (!hf_slim_tls())
		skip();
	assert_true(len > 0);
	read = X509_new_ex(hf_slim_tls(), NULL);
	assert_non_null(d2i_X509(&read, &p, len));
	assert_null(X509_get0_pubkey(read));
}

/* A client that is not let in is judged, and refused, as with the default one. */
static void test_the_library_for_connections_refuses(void **state)
{
	static const struct fx_spec spec = { .subject = "/CN=localhost",
					     .exts = { { "basicConstraints", "critical,CA:FALSE" },
						       { "subjectAltName", "DNS:localhost" } } };
	static const enum hf_tls_version versions[] = { HF_TLS_1_2, HF_TLS_1_3 };
	struct tx_party party = { .key = NULL }, stranger = { .key = NULL };
	HF_AUTO(hf_trust) trust = NULL;

	(void)state;
	if (!hf_slim_tls())
		skip();
	tx_issue(&party, &spec, NULL);
	tx_issue(&stranger, &spec, NULL);
	tx_credential(&party);
	tx_credential(&stranger);
	trust = tx_trust_with(&party.x509, 1, NULL);
	for (size_t i = 0; i < HF_ARRAY_LEN(versions); i++) {
		struct hf_tls_config config = { .role = HF_TLS_SERVER,
						.library = hf_slim_tls(),
						.credential = party.credential,
						.trust = trust,
						.tls_min = versions[i],
						.tls_max = versions[i],
						.now = tx_clock };
		HF_AUTO(hf_tls_context) server = tx_context(&config), client = NULL;
		struct tx_meeting m;

		config.role = HF_TLS_CLIENT;
		config.credential = stranger.credential;
		config.insecure = true;
		client = tx_context(&config);
		tx_meet(&m, client, server);
		assert_int_equal(m.server_step, HF_TLS_FAILED);
		assert_string_equal(tx_cause(hf_tls_conn_verdict(m.server)), "V-SELF-SIGNED");
		assert_int_equal(m.client_step, HF_TLS_FAILED);
		tx_meet_end(&m);
	}
	tx_party_done(&stranger);
	tx_party_done(&party);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_is_the_only_one),
		cmocka_unit_test(test_keys_go_out_and_come_back),
		cmocka_unit_test(test_handshakes_of_every_kind),
		cmocka_unit_test(test_handshakes_with_the_library_for_connections),
		cmocka_unit_test(test_the_library_for_connections_decodes_no_keys),
		cmocka_unit_test(test_the_library_for_connections_refuses),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
