/* SPDX-License-Identifier: Apache-2.0 */
/* lib/trust: what becomes an anchor, what a bad file says, what changes the digest. */
#include "certmake.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "base/err.h"
#include "base/file.h"
#include "base/pack.h"
#include "trust/trust.h"

struct world {
	char dir[64];
	struct certmade root, issuing, leaf;
	struct hf_crl *list;
};

static void write_pem(const struct world *w, const char *name, const struct certmade *const *certs,
		      struct hf_crl *list)
{
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(1 << 20);
	char path[128];

	for (; certs && *certs; certs++)
		assert_int_equal(hf_cert_to_pem((*certs)->cert, &out, NULL), 0);
	if (list)
		assert_int_equal(hf_crl_to_pem(list, &out, NULL), 0);
	(void)snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	assert_int_equal(hf_file_write(path, hf_buf_str(&out), out.len, HF_MODE_PUBLIC,
				       HF_FILE_REPLACE, NULL),
			 0);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/hf-trust-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	w->root = certmake(&(struct certmake){ .subject = "/CN=Root", .ext = certmake_root });
	w->issuing = certmake(
	    &(struct certmake){ .subject = "/CN=Issuing", .issuer = &w->root, .ext = certmake_ca });
	w->leaf = certmake(&(struct certmake){
	    .subject = "/CN=leaf", .issuer = &w->issuing, .ext = certmake_client });
	w->list = certmake_crl(&(struct certmake_list){ .issuer = &w->root });
	write_pem(w, "bundle.pem", (const struct certmade *const[]){ &w->issuing, &w->root, NULL },
		  NULL);
	write_pem(w, "issuing.pem", (const struct certmade *const[]){ &w->issuing, NULL }, NULL);
	write_pem(w, "list.pem", NULL, w->list);
	write_pem(w, "empty.pem", NULL, NULL);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	static const char *const files[] = { "bundle.pem", "issuing.pem", "list.pem", "empty.pem",
					     "at-hand.pem" };
	struct world *w = *state;
	char path[128];

	for (size_t i = 0; i < HF_ARRAY_LEN(files); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", w->dir, files[i]);
		(void)unlink(path);
	}
	(void)rmdir(w->dir);
	certmade_done(&w->root);
	certmade_done(&w->issuing);
	certmade_done(&w->leaf);
	hf_crl_unref(w->list);
	free(w);
	return 0;
}

static int load(const struct world *w, struct hf_trust *trust, const char *name, bool crl,
		struct hf_err *err)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	return crl ? hf_trust_load_crl(trust, path, err)
		   : hf_trust_load_file(trust, path, "own", err);
}

static void test_roots_of_a_bundle_are_the_anchors(void **state)
{
	const struct world *w = *state;
	HF_AUTO(hf_trust) bundle = NULL;
	HF_AUTO(hf_trust) alone = NULL;

	assert_int_equal(hf_trust_new(7, &bundle, NULL), 0);
	assert_int_equal(load(w, bundle, "bundle.pem", false, NULL), 0);
	assert_int_equal(load(w, bundle, "bundle.pem", false, NULL), 0); /* twice is once */
	assert_int_equal(hf_trust_freeze(bundle, NULL), 0);
	assert_int_equal(hf_trust_generation(bundle), 7);
	assert_int_equal(hf_trust_anchors(bundle)->len, 1);
	assert_true(hf_cert_equal(hf_trust_anchors(bundle)->items[0], w->root.cert));
	assert_int_equal(hf_trust_intermediates(bundle)->len, 1);
	assert_string_equal(hf_trust_label(bundle, w->root.cert), "own");
	assert_null(hf_trust_label(bundle, w->issuing.cert));
	assert_non_null(hf_trust_store_get0(bundle));
	/* a file without a root: what it holds is trusted */
	assert_int_equal(hf_trust_new(0, &alone, NULL), 0);
	assert_int_equal(load(w, alone, "issuing.pem", false, NULL), 0);
	assert_int_equal(hf_trust_anchors(alone)->len, 1);
	assert_int_equal(hf_trust_intermediates(alone)->len, 0);
}

static void test_anchor_by_bytes_or_by_subject_and_key(void **state)
{
	const struct world *w = *state;
	HF_AUTO(hf_trust) trust = NULL;
	HF_AUTO_DONE(certmade) renewed = certmake(
	    &(struct certmake){ .subject = "/CN=Root", .ext = certmake_root, .key_of = &w->root });
	HF_AUTO_DONE(certmade) namesake =
	    certmake(&(struct certmake){ .subject = "/CN=Root", .ext = certmake_root });
	HF_AUTO_DONE(certmade) same_key = certmake(
	    &(struct certmake){ .subject = "/CN=Other", .ext = certmake_root, .key_of = &w->root });

	assert_int_equal(hf_trust_new(0, &trust, NULL), 0);
	assert_int_equal(hf_trust_add_anchor(trust, w->root.cert, NULL, NULL), 0);
	assert_true(hf_trust_is_anchor(trust, w->root.cert));
	assert_true(hf_trust_is_anchor(trust, renewed.cert));
	assert_false(hf_trust_is_anchor(trust, namesake.cert));
	assert_false(hf_trust_is_anchor(trust, same_key.cert));
	assert_false(hf_trust_is_anchor(trust, w->issuing.cert));
	assert_null(hf_trust_label(trust, w->root.cert));
}

/* Traefik CVE-2022-46153: a broken file must never mean "trust something else". */
static void test_files_of_another_kind_are_errors(void **state)
{
	const struct world *w = *state;
	static const struct {
		const char *name;
		bool crl;
	} rows[] = { { "list.pem", false },  { "empty.pem", false }, { "absent.pem", false },
		     { "bundle.pem", true }, { "empty.pem", true },  { "absent.pem", true },
		     { ".", false } };

	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(hf_trust) trust = NULL;
		struct hf_err err = HF_ERR_INIT;

		assert_int_equal(hf_trust_new(0, &trust, NULL), 0);
		if (load(w, trust, rows[i].name, rows[i].crl, &err) >= 0)
			fail_msg("'%s' is taken as %s", rows[i].name,
				 rows[i].crl ? "a list" : "trust");
		assert_true(err.msg[0] != '\0');
		assert_int_equal(hf_trust_anchors(trust)->len, 0);
		assert_int_equal(hf_trust_crls(trust)->len, 0);
	}
}

static void test_lists_switch_checking_on(void **state)
{
	const struct world *w = *state;

	for (int with_list = 0; with_list < 2; with_list++) {
		static const bool want[][2] = { [HF_CRL_AUTO] = { false, true },
						[HF_CRL_OFF] = { false, false },
						[HF_CRL_REQUIRED] = { true, true } };

		for (enum hf_crl_mode mode = HF_CRL_AUTO; mode <= HF_CRL_REQUIRED; mode++) {
			HF_AUTO(hf_trust) trust = NULL;

			assert_int_equal(hf_trust_new(0, &trust, NULL), 0);
			if (with_list)
				assert_int_equal(load(w, trust, "list.pem", true, NULL), 0);
			hf_trust_set_crl_mode(trust, mode);
			assert_int_equal(hf_trust_freeze(trust, NULL), 0);
			assert_int_equal(hf_trust_checks_crls(trust), want[mode][with_list]);
		}
	}
}

static void test_memo_knows_only_what_verified(void **state)
{
	const struct world *w = *state;
	HF_AUTO(hf_trust) trust = NULL;

	assert_int_equal(hf_trust_new(0, &trust, NULL), 0);
	assert_int_equal(hf_trust_add_crl(trust, w->list, NULL), 0);
	assert_int_equal(hf_trust_freeze(trust, NULL), 0);
	for (int i = 0; i < 3; i++) {
		assert_true(hf_trust_crl_signed_by(trust, w->list, w->root.cert));
		assert_false(hf_trust_crl_signed_by(trust, w->list, w->issuing.cert));
	}
}

/* Only CAs, and only what keys of the trust signed: nobody else can fill the memory. */
static void test_memo_of_cas_knows_only_our_own(void **state)
{
	const struct world *w = *state;
	HF_AUTO(hf_trust) trust = NULL, other = NULL;

	assert_int_equal(hf_trust_new(0, &trust, NULL), 0);
	assert_int_equal(hf_trust_add_anchor(trust, w->root.cert, "own", NULL), 0);
	assert_int_equal(hf_trust_freeze(trust, NULL), 0);
	assert_int_equal(hf_trust_new(0, &other, NULL), 0);
	assert_int_equal(hf_trust_freeze(other, NULL), 0);
	assert_false(hf_trust_knows_ca(trust, w->issuing.cert, w->root.cert));
	for (int i = 0; i < 3; i++)
		hf_trust_remember_ca(trust, w->issuing.cert, w->root.cert);
	hf_trust_remember_ca(other, w->issuing.cert, w->root.cert);
	hf_trust_remember_ca(trust, w->leaf.cert, w->issuing.cert);
	assert_true(hf_trust_knows_ca(trust, w->issuing.cert, w->root.cert));
	assert_false(hf_trust_knows_ca(trust, w->issuing.cert, w->issuing.cert));
	assert_false(hf_trust_knows_ca(trust, w->leaf.cert, w->issuing.cert));
	assert_false(hf_trust_knows_ca(other, w->issuing.cert, w->root.cert));
}

enum part { PART_ANCHOR = 1, PART_LABEL = 2, PART_INTERMEDIATE = 4, PART_CRL = 8, PART_MODE = 16 };

static void digest_of(const struct world *w, unsigned parts, uint8_t out[HF_SHA256_LEN])
{
	HF_AUTO(hf_trust) trust = NULL;

	assert_int_equal(hf_trust_new(parts, &trust, NULL), 0);
	if (parts & PART_ANCHOR)
		assert_int_equal(hf_trust_add_anchor(trust, w->root.cert,
						     parts & PART_LABEL ? "x" : NULL, NULL),
				 0);
	if (parts & PART_INTERMEDIATE)
		assert_int_equal(hf_trust_add_intermediate(trust, w->root.cert, NULL), 0);
	if (parts & PART_CRL)
		assert_int_equal(hf_trust_add_crl(trust, w->list, NULL), 0);
	if (parts & PART_MODE)
		hf_trust_set_crl_mode(trust, HF_CRL_OFF);
	assert_int_equal(hf_trust_freeze(trust, NULL), 0);
	hf_trust_digest(trust, out);
}

static void test_everything_counts_in_the_digest(void **state)
{
	static const unsigned sets[] = {
		0,	  PART_ANCHOR, PART_ANCHOR | PART_LABEL,	PART_INTERMEDIATE,
		PART_CRL, PART_MODE,   PART_ANCHOR | PART_INTERMEDIATE, PART_ANCHOR | PART_CRL
	};
	uint8_t digests[HF_ARRAY_LEN(sets)][HF_SHA256_LEN];

	for (size_t i = 0; i < HF_ARRAY_LEN(sets); i++) {
		uint8_t again[HF_SHA256_LEN];

		digest_of(*state, sets[i], digests[i]);
		digest_of(*state, sets[i], again);
		assert_memory_equal(digests[i], again, HF_SHA256_LEN);
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(digests[i], digests[k], HF_SHA256_LEN);
	}
}

/* What is on its way is waited for; what is there binds those who signed it. */
static void test_lists_besides_those_of_the_base(void **state)
{
	struct world *w = *state;
	static const struct {
		const char *label;
		enum hf_crl_mode mode;
		bool own, more, wants;
	} rows[] = {
		{ "none at all: a list is wanted", HF_CRL_AUTO, false, false, true },
		{ "also where lists only count when known", HF_CRL_KNOWN, false, false, true },
		{ "one that came", HF_CRL_AUTO, false, true, true },
		{ "one of the base", HF_CRL_AUTO, true, false, true },
		{ "both", HF_CRL_KNOWN, true, true, true },
		{ "checking is off", HF_CRL_OFF, false, true, false },
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(hf_trust) base = NULL, trust = NULL;
		HF_AUTO_DONE(hf_crls) lists = HF_CRLS_INIT;
		uint8_t before[HF_SHA256_LEN], after[HF_SHA256_LEN];

		print_message("%s\n", rows[i].label);
		assert_int_equal(hf_trust_new(7, &base, NULL), 0);
		assert_int_equal(hf_trust_add_anchor(base, w->root.cert, "own", NULL), 0);
		if (rows[i].own)
			assert_int_equal(hf_trust_add_crl(base, w->list, NULL), 0);
		if (rows[i].more)
			assert_int_equal(hf_crls_add(&lists, w->list, NULL), 0);
		hf_trust_set_crl_mode(base, rows[i].mode);
		assert_int_equal(hf_trust_freeze(base, NULL), 0);
		assert_int_equal(hf_trust_with_lists(base, &lists, &trust, NULL), 0);
		assert_int_equal(hf_trust_crls(trust)->len, rows[i].own + rows[i].more);
		assert_int_equal(hf_trust_wants_list_of(trust, hf_crl_issuer(w->list)),
				 rows[i].wants);
		assert_string_equal(hf_trust_label(trust, w->root.cert), "own");
		assert_int_equal(hf_trust_generation(trust), 7);
		hf_trust_digest(base, before);
		hf_trust_digest(trust, after);
		if (rows[i].more)
			assert_memory_not_equal(before, after, HF_SHA256_LEN);
	}
}

/* A process that may open no file judges by what another has read. */
static void test_packed_trust_is_the_same_trust(void **state)
{
	struct world *w = *state;
	static const enum hf_crl_mode modes[] = { HF_CRL_AUTO, HF_CRL_OFF, HF_CRL_REQUIRED,
						  HF_CRL_KNOWN };

	for (size_t i = 0; i < HF_ARRAY_LEN(modes); i++) {
		HF_AUTO(hf_trust) from = NULL;
		HF_AUTO(hf_trust) to = NULL;
		HF_AUTO_DONE(hf_buf) packed = HF_BUF_INIT(1 << 20);
		uint8_t before[HF_SHA256_LEN], after[HF_SHA256_LEN];
		struct hf_unpack in;

		assert_int_equal(hf_trust_new(7, &from, NULL), 0);
		hf_trust_set_crl_mode(from, modes[i]);
		hf_trust_set_crl_grace(from, 60 * (int64_t)i);
		assert_int_equal(hf_trust_add_anchor(from, w->root.cert, i ? "own" : NULL, NULL),
				 0);
		assert_int_equal(hf_trust_add_intermediate(from, w->issuing.cert, NULL), 0);
		if (i > 0)
			assert_int_equal(hf_trust_add_crl(from, w->list, NULL), 0);
		assert_int_equal(hf_trust_freeze(from, NULL), 0);
		assert_int_equal(hf_trust_pack(from, &packed, NULL), 0);
		for (size_t len = 0; len < packed.len; len += len < 64 ? 1 : 61) {
			struct hf_err err = HF_ERR_INIT;

			in = (struct hf_unpack){ .data = packed.data, .left = len };
			assert_int_equal(hf_trust_unpack(&in, 7, NULL, &to, &err), -HF_E_PARSE);
			assert_null(to);
		}
		in = (struct hf_unpack){ .data = packed.data, .left = packed.len };
		assert_int_equal(hf_trust_unpack(&in, 8, NULL, &to, NULL), 0);
		assert_int_equal(in.left, 0);
		hf_trust_digest(from, before);
		hf_trust_digest(to, after);
		assert_memory_equal(before, after, HF_SHA256_LEN);
		assert_int_equal(hf_trust_generation(to), 8);
		assert_int_equal(hf_trust_checks_crls(to), hf_trust_checks_crls(from));
	}
}

/* The list that is at hand stands for the file while that has its bytes, and no longer. */
static void test_lists_at_hand_are_not_decoded_again(void **state)
{
	const struct world *w = *state;
	HF_AUTO(hf_crl) other =
	    certmake_crl(&(struct certmake_list){ .issuer = &w->root, .number = 2 });
	HF_AUTO_DONE(hf_crls) at_hand = HF_CRLS_INIT;
	HF_AUTO(hf_trust) first = NULL;
	HF_AUTO(hf_trust) second = NULL;
	const struct hf_crls *lists;

	assert_int_equal(hf_crls_add(&at_hand, other, NULL), 0);
	assert_int_equal(hf_crls_add(&at_hand, w->list, NULL), 0);
	write_pem(w, "at-hand.pem", NULL, w->list);
	assert_int_equal(hf_trust_new(1, &first, NULL), 0);
	hf_trust_set_lists_at_hand(first, &at_hand);
	assert_int_equal(load(w, first, "at-hand.pem", true, NULL), 0);
	lists = hf_trust_crls(first);
	assert_int_equal(lists->len, 1);
	assert_ptr_equal(lists->items[0], w->list);
	assert_int_equal(hf_trust_freeze(first, NULL), 0);

	hf_crls_done(&at_hand);
	assert_int_equal(hf_crls_add(&at_hand, w->list, NULL), 0);
	write_pem(w, "at-hand.pem", NULL, other);
	assert_int_equal(hf_trust_new(2, &second, NULL), 0);
	hf_trust_set_lists_at_hand(second, &at_hand);
	assert_int_equal(load(w, second, "at-hand.pem", true, NULL), 0);
	lists = hf_trust_crls(second);
	assert_int_equal(lists->len, 1);
	assert_ptr_not_equal(lists->items[0], w->list);
	assert_memory_equal(lists->items[0]->sha256, other->sha256, HF_SHA256_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roots_of_a_bundle_are_the_anchors),
		cmocka_unit_test(test_anchor_by_bytes_or_by_subject_and_key),
		cmocka_unit_test(test_files_of_another_kind_are_errors),
		cmocka_unit_test(test_lists_switch_checking_on),
		cmocka_unit_test(test_memo_knows_only_what_verified),
		cmocka_unit_test(test_memo_of_cas_knows_only_our_own),
		cmocka_unit_test(test_everything_counts_in_the_digest),
		cmocka_unit_test(test_lists_besides_those_of_the_base),
		cmocka_unit_test(test_packed_trust_is_the_same_trust),
		cmocka_unit_test(test_lists_at_hand_are_not_decoded_again),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
