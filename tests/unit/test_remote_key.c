/* SPDX-License-Identifier: Apache-2.0 */
/* util/remote_key: keys whose private half is elsewhere, in every way that OpenSSL signs.  The slim
 * provider is on, as it is in serve and tunnel. */
#include "tls_fixture.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "util/remote_key.h"
#include "util/slim.h"

/* Stands for another process: has the key, counts what it is asked, may refuse. */
struct holder {
	EVP_PKEY *key;
	int asked, freed;
	bool refuses;
	struct hf_sign_ask last;
};

static int holder_sign(void *arg, const struct hf_sign_ask *ask, uint8_t *out, size_t cap,
		       size_t *ret_len, struct hf_err *err)
{
	struct holder *h = arg;

	h->asked++;
	h->last = *ask;
	if (h->refuses)
		return hf_err_set(err, HF_E_BUSY, "the holder says nothing");
	return hf_sign_with(h->key, ask, out, cap, ret_len, err);
}

static void holder_unref(void *arg)
{
	((struct holder *)arg)->freed++;
}

static const struct hf_remote_key_ops ops = { holder_sign, holder_unref };

/* Only the public half goes in. */
static EVP_PKEY *away(struct holder *h, enum hf_key_type kind)
{
	HF_AUTO(EVP_PKEY) public = NULL;
	HF_AUTO(ossl_mem) der = NULL;
	EVP_PKEY *key = NULL;
	struct hf_err err = HF_ERR_INIT;
	const unsigned char *p;
	int len;

	*h = (struct holder){ .key = fx_key(kind) };
	len = i2d_PUBKEY(h->key, &der);
	assert_true(len > 0);
	p = der;
	public = d2i_PUBKEY(NULL, &p, len);
	if (hf_remote_key_new(public, &ops, h, &key, &err) < 0)
		fail_msg("%s", err.msg);
	return key;
}

static void holder_done(struct holder *h, EVP_PKEY *key)
{
	EVP_PKEY_free(key);
	assert_int_equal(h->freed, 1);
	EVP_PKEY_free(h->key);
}

static const enum hf_key_type kinds[] = { HF_KEY_P256, HF_KEY_P384, HF_KEY_RSA2048,
					  HF_KEY_ED25519 };

static void test_it_looks_like_its_public_half(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(kinds); i++) {
		struct holder h;
		EVP_PKEY *key = away(&h, kinds[i]);
		HF_AUTO(EVP_PKEY) other = fx_key(kinds[i]);

		assert_int_equal(hf_key_type_of(key), kinds[i]);
		assert_true(hf_key_same(key, h.key) && hf_key_same(h.key, key));
		assert_false(hf_key_same(key, other));
		assert_int_equal(EVP_PKEY_get_size(key), EVP_PKEY_get_size(h.key));
		assert_int_equal(h.asked, 0);
		holder_done(&h, key);
	}
}

static void test_the_private_half_does_not_come_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(kinds); i++) {
		struct holder h;
		EVP_PKEY *key = away(&h, kinds[i]);
		HF_AUTO(BIO) bio = BIO_new(BIO_s_mem());
		BIGNUM *d = NULL;

		assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d), 0);
		assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_D, &d), 0);
		assert_int_equal(i2d_PrivateKey(key, NULL) > 0, 0);
		assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL,
							       NULL) > 0,
				 0);
		ERR_clear_error();
		holder_done(&h, key);
	}
}

static void test_handshakes_of_every_kind_and_version(void **state)
{
	static const enum hf_tls_version versions[] = { HF_TLS_1_2, HF_TLS_1_3 };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(kinds); i++) {
		for (size_t v = 0; v < HF_ARRAY_LEN(versions); v++) {
			struct holder h;
			EVP_PKEY *key = away(&h, kinds[i]);

			tx_meet_with(key, versions[v], "X25519:P-256:P-384", true);
			/* certificate, server, client */
			assert_int_equal(h.asked, 3);
			holder_done(&h, key);
		}
	}
}

static void test_a_holder_that_fails_ends_the_handshake(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(kinds); i++) {
		struct holder h;
		EVP_PKEY *key = away(&h, kinds[i]);
		EVP_MD_CTX *ctx = EVP_MD_CTX_new();
		uint8_t out[HF_SIGNATURE_CAP];
		size_t len = sizeof(out);
		unsigned long error;
		bool ed = kinds[i] == HF_KEY_ED25519;

		h.refuses = true;
		ERR_clear_error();
		assert_int_equal(EVP_DigestSignInit(ctx, NULL, ed ? NULL : EVP_sha256(), NULL, key),
				 1);
		assert_int_not_equal(EVP_DigestSign(ctx, out, &len, out, 10), 1);
		error = ERR_peek_error();
		assert_int_equal(ERR_GET_LIB(error), ERR_LIB_USER);
		assert_int_equal(ERR_GET_REASON(error), HF_REMOTE_KEY_FAILED);
		ERR_clear_error();
		EVP_MD_CTX_free(ctx);
		holder_done(&h, key);
	}
}

/* RSA in all its forms; what is no form of ours fails, and the holder is not asked. */
static void test_paddings(void **state)
{
	static const struct {
		int padding, salt;
		bool good;
	} rows[] = {
		{ RSA_PKCS1_PADDING, 0, true },
		{ RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST, true },
		{ RSA_PKCS1_PSS_PADDING, 32, true },
		{ RSA_PKCS1_PSS_PADDING, 20, false },
		{ RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_MAX, false },
		{ RSA_NO_PADDING, 0, false },
		{ RSA_X931_PADDING, 0, false },
	};
	static const uint8_t text[] = "text";
	struct holder h;
	EVP_PKEY *key = away(&h, HF_KEY_RSA2048);

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(EVP_MD_CTX) ctx = EVP_MD_CTX_new(), verify = EVP_MD_CTX_new();
		EVP_PKEY_CTX *pctx = NULL;
		uint8_t out[HF_SIGNATURE_CAP];
		size_t len = sizeof(out);
		bool ok;

		assert_int_equal(EVP_DigestSignInit(ctx, &pctx, EVP_sha256(), NULL, key), 1);
		ok = EVP_PKEY_CTX_set_rsa_padding(pctx, rows[i].padding) > 0 &&
		     (!rows[i].salt || EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, rows[i].salt) > 0);
		assert_int_equal(ok, rows[i].good);
		if (!ok)
			continue;
		assert_int_equal(EVP_DigestSign(ctx, out, &len, text, sizeof(text)), 1);
		assert_int_equal(EVP_DigestVerifyInit(verify, &pctx, EVP_sha256(), NULL, h.key), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pctx, rows[i].padding), 1);
		assert_int_equal(EVP_DigestVerify(verify, out, len, text, sizeof(text)), 1);
	}
	assert_int_equal(h.asked, 3);
	ERR_clear_error();
	holder_done(&h, key);
}

static void test_hashes_that_are_too_weak_or_unknown(void **state)
{
	static const char *const names[] = { "SHA1", "MD5", "SHA224", "SHA3-256", "nonsense" };
	struct holder h;
	EVP_PKEY *key = away(&h, HF_KEY_P256);

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(names); i++) {
		HF_AUTO(EVP_MD_CTX) ctx = EVP_MD_CTX_new();

		assert_int_not_equal(EVP_DigestSignInit_ex(ctx, NULL, names[i], NULL, NULL, key,
							   NULL),
				     1);
	}
	ERR_clear_error();
	assert_int_equal(h.asked, 0);
	holder_done(&h, key);
}

static void test_a_key_signs_only_in_its_own_forms(void **state)
{
	uint8_t digest[32] = { 1 }, out[HF_SIGNATURE_CAP];
	const enum hf_sign_form good[HF_ARRAY_LEN(kinds)][2] = {
		{ HF_SIGN_ECDSA, HF_SIGN_ECDSA },
		{ HF_SIGN_ECDSA, HF_SIGN_ECDSA },
		{ HF_SIGN_PKCS1, HF_SIGN_PSS },
		{ HF_SIGN_EDDSA, HF_SIGN_EDDSA },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(kinds); i++) {
		HF_AUTO(EVP_PKEY) key = fx_key(kinds[i]);

		for (int form = 0; form <= HF_SIGN_EDDSA + 1; form++) {
			const struct hf_sign_ask ask = { (enum hf_sign_form)form, NID_sha256,
							 digest, sizeof(digest) };
			bool want = (int)good[i][0] == form || (int)good[i][1] == form;
			struct hf_err err = HF_ERR_INIT;
			size_t len = 0;

			assert_int_equal(hf_sign_with(key, &ask, out, sizeof(out), &len, &err) == 0,
					 want);
			assert_true(!want || len > 0);
			assert_int_not_equal(hf_sign_with(key, &ask, out, 10, &len, &err), 0);
		}
	}
}

/* A token behind the signer: whoever is asked asks on. */
static void test_a_key_of_a_key(void **state)
{
	static const struct {
		enum hf_key_type kind;
		struct hf_sign_ask ask;
	} rows[] = {
		{ HF_KEY_P256, { HF_SIGN_ECDSA, NID_sha256, (const uint8_t *)"", 32 } },
		{ HF_KEY_RSA2048, { HF_SIGN_PKCS1, NID_sha256, (const uint8_t *)"", 32 } },
		{ HF_KEY_RSA2048, { HF_SIGN_PSS, NID_sha384, (const uint8_t *)"", 48 } },
		{ HF_KEY_ED25519, { HF_SIGN_EDDSA, NID_undef, (const uint8_t *)"", 1 } },
	};
	static const uint8_t data[64] = { 1 };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		struct holder h;
		EVP_PKEY *key = away(&h, rows[i].kind);
		struct hf_sign_ask ask = rows[i].ask;
		uint8_t out[HF_SIGNATURE_CAP];
		struct hf_err err = HF_ERR_INIT;
		size_t len = 0;

		ask.data = data;
		if (hf_sign_with(key, &ask, out, sizeof(out), &len, &err) < 0)
			fail_msg("%zu: %s", i, err.msg);
		assert_int_equal(h.asked, 1);
		assert_int_equal(h.last.form, ask.form);
		assert_int_equal(h.last.md, ask.md);
		holder_done(&h, key);
	}
}

static void test_kinds_that_stay_at_home(void **state)
{
	HF_AUTO(EVP_PKEY) key = EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
	struct holder h = { .key = NULL };
	EVP_PKEY *none = NULL;
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	assert_non_null(key);
	assert_int_equal(hf_remote_key_new(key, &ops, &h, &none, &err), -HF_E_UNSUPPORTED);
	assert_null(none);
	assert_int_equal(h.freed, 0);
}

static int begin(void **state)
{
	(void)state;
	(void)hf_slim_begin(HF_SLIM_TLS);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_looks_like_its_public_half),
		cmocka_unit_test(test_the_private_half_does_not_come_out),
		cmocka_unit_test(test_handshakes_of_every_kind_and_version),
		cmocka_unit_test(test_a_holder_that_fails_ends_the_handshake),
		cmocka_unit_test(test_paddings),
		cmocka_unit_test(test_hashes_that_are_too_weak_or_unknown),
		cmocka_unit_test(test_a_key_signs_only_in_its_own_forms),
		cmocka_unit_test(test_a_key_of_a_key),
		cmocka_unit_test(test_kinds_that_stay_at_home),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
