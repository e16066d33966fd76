/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates written by hand: the bytes must be those that OpenSSL would write, and both of the
 * judge's profiles must accept what one judgement accepted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/time.h"
#include "ca/certificate.h"
#include "ca/parallel.h"
#include "pki/name.h"

enum { NOW = 1800000000 };

static const enum hf_key_type key_types[] = { HF_KEY_P256, HF_KEY_P384, HF_KEY_RSA2048,
					      HF_KEY_ED25519 };

struct made {
	EVP_PKEY *key;
	struct hf_cert *cert;
};
static void made_done(struct made *m)
{
	EVP_PKEY_free(m->key);
	hf_cert_unref(m->cert);
}
HF_DEFINE_AUTO_DONE(made, struct made, made_done);

static void make(struct made *m, enum hf_key_type type, const char *profile, const char *subject,
		 const char *sans_list, const struct made *issuer)
{
	HF_AUTO(X509_NAME) name = NULL;
	HF_AUTO_DONE(hf_sans) sans = HF_SANS_INIT;
	uint8_t serial[HF_SERIAL_LEN];
	struct hf_err err = HF_ERR_INIT;
	struct hf_certificate_plan plan = {
		.profile = hf_ca_profile_find(profile),
		.serial = serial,
		.sans = &sans,
		.not_before = NOW - 300,
		.not_after = NOW + 400 * HF_DAY_SECONDS,
		.issuer = issuer ? issuer->cert : NULL,
	};

	assert_non_null(plan.profile);
	assert_int_equal(hf_serial_make(serial, &err), 0);
	assert_int_equal(hf_name_parse(subject, &name, &err), 0);
	if (sans_list)
		assert_int_equal(hf_sans_add_list(&sans, sans_list, &err), 0);
	assert_int_equal(hf_key_generate(type, &m->key, &err), 0);
	plan.subject = name;
	plan.key = m->key;
	plan.issuer_key = issuer ? issuer->key : m->key;
	if (hf_certificate_make(&plan, &m->cert, &err) < 0)
		fail_msg("%s", err.msg);
}

/* Decoded, and encoded anew from the fields: not a byte may differ. */
static void assert_canonical(const struct hf_cert *cert)
{
	HF_AUTO(ossl_mem) before = NULL;
	HF_AUTO(ossl_mem) after = NULL;
	int len = i2d_X509(cert->x509, &before);

	assert_true(len > 0);
	assert_int_equal(cert->der_len, len);
	assert_true(i2d_re_X509_tbs(cert->x509, &after) > 0);
	OPENSSL_free(hf_take(after));
	assert_int_equal(i2d_X509(cert->x509, &after), len);
	assert_memory_equal(before, after, (size_t)len);
}

static bool accepts(const struct made *root, const struct made *leaf, enum hf_purpose purpose,
		    enum hf_profile profile)
{
	HF_AUTO(hf_trust) trust = NULL;
	HF_AUTO_DONE(hf_certs) chain = HF_CERTS_INIT;
	HF_AUTO_DONE(hf_verdict) verdict;
	struct hf_verify_options o = { .purpose = purpose, .profile = profile, .at = NOW };
	struct hf_err err = HF_ERR_INIT;

	hf_verdict_init(&verdict);
	assert_int_equal(hf_trust_new(0, &trust, &err), 0);
	assert_int_equal(hf_trust_add_anchor(trust, root->cert, "own", &err), 0);
	assert_int_equal(hf_trust_freeze(trust, &err), 0);
	assert_int_equal(hf_certs_add(&chain, leaf->cert, &err), 0);
	assert_int_equal(hf_verify(&chain, trust, &o, &verdict, &err), 0);
	return verdict.accepted;
}

static void test_every_kind_of_key_is_certified_as_openssl_would_write_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(key_types); i++) {
		HF_AUTO_DONE(made) root = { NULL, NULL };

		make(&root, key_types[i], "root", "/O=ABC/CN=Root", NULL, NULL);
		assert_canonical(root.cert);
		assert_int_equal(X509_verify(root.cert->x509, root.key), 1);
		for (size_t k = 0; k < HF_ARRAY_LEN(key_types); k++) {
			HF_AUTO_DONE(made) leaf = { NULL, NULL };

			make(&leaf, key_types[k], "server", "/CN=gw.abc.test",
			     "dns:gw.abc.test,ip:10.0.0.1,ip:2001:db8::1,uri:spiffe://abc/gw",
			     &root);
			assert_canonical(leaf.cert);
			assert_int_equal(leaf.cert->key_type, key_types[k]);
			assert_true(hf_key_same(leaf.key, hf_cert_key_get0(leaf.cert)));
			assert_int_equal(X509_check_issued(root.cert->x509, leaf.cert->x509),
					 X509_V_OK);
			assert_true(accepts(&root, &leaf, HF_PURPOSE_SERVER, HF_PROFILE_STRICT));
			assert_true(accepts(&root, &leaf, HF_PURPOSE_SERVER, HF_PROFILE_OPENSSL));
		}
	}
}

static void test_every_profile_is_written_as_openssl_would_write_it(void **state)
{
	static const struct {
		const char *profile, *subject, *sans;
		bool is_client, is_server;
	} rows[] = {
		{ "client", "/CN=amy", "dns:amy", true, false },
		{ "client", "/CN=amy", NULL, true, false },
		{ "client", "/", "email:amy@abc.test", true, false },
		{ "server", "/CN=gw", "dns:gw", false, true },
		{ "peer", "/O=ABC/CN=node", "dns:node", true, true },
	};
	HF_AUTO_DONE(made) root = { NULL, NULL };

	(void)state;
	make(&root, HF_KEY_P256, "root", "/CN=Root", NULL, NULL);
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO_DONE(made) leaf = { NULL, NULL };
		const enum hf_purpose purposes[] = { HF_PURPOSE_CLIENT, HF_PURPOSE_SERVER };
		const bool want[] = { rows[i].is_client, rows[i].is_server };

		make(&leaf, HF_KEY_P256, rows[i].profile, rows[i].subject, rows[i].sans, &root);
		assert_canonical(leaf.cert);
		for (size_t p = 0; p < HF_ARRAY_LEN(purposes); p++) {
			bool strict = accepts(&root, &leaf, purposes[p], HF_PROFILE_STRICT);
			bool plain = accepts(&root, &leaf, purposes[p], HF_PROFILE_OPENSSL);

			assert_int_equal(plain, want[p]);
			/* what hf_authority_judge relies on */
			assert_true(plain || !strict);
		}
	}
}

static void test_an_intermediate_has_its_limits_and_what_was_added(void **state)
{
	HF_AUTO_DONE(made) root = { NULL, NULL };
	HF_AUTO_DONE(made) ca = { NULL, NULL };

	(void)state;
	make(&root, HF_KEY_P384, "root", "/CN=Root", NULL, NULL);
	make(&ca, HF_KEY_P256, "intermediate", "/CN=Issuing", NULL, &root);
	assert_canonical(ca.cert);
	assert_int_equal(ca.cert->pathlen, 0);
	assert_true(ca.cert->flags & HF_CERT_CA);
	assert_true(ca.cert->flags & HF_CERT_BC_CRITICAL);
	assert_int_equal(ca.cert->ku, KU_KEY_CERT_SIGN | KU_CRL_SIGN);
}

/* --- pieces of work --- */

enum { PIECES = 1000 };

struct tally {
	atomic_int done[PIECES];
};

static void do_piece(void *arg, size_t i)
{
	struct tally *t = arg;

	(void)atomic_fetch_add(&t->done[i], 1);
}

static void test_every_piece_of_work_is_done_once_whatever_the_number_of_threads(void **state)
{
	static const unsigned jobs[] = { 0, 1, 2, 7, 64, 1000 };
	static struct tally t;

	(void)state;
	for (size_t j = 0; j < HF_ARRAY_LEN(jobs); j++) {
		memset(&t, 0, sizeof(t));
		hf_parallel(jobs[j], PIECES - 1, do_piece, &t);
		for (size_t i = 0; i < PIECES - 1; i++)
			assert_int_equal(t.done[i], 1);
		assert_int_equal(t.done[PIECES - 1], 0);
		hf_parallel(jobs[j], 0, do_piece, &t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind_of_key_is_certified_as_openssl_would_write_it),
		cmocka_unit_test(test_every_profile_is_written_as_openssl_would_write_it),
		cmocka_unit_test(test_an_intermediate_has_its_limits_and_what_was_added),
		cmocka_unit_test(
		    test_every_piece_of_work_is_done_once_whatever_the_number_of_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
