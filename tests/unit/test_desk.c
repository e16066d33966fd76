/* SPDX-License-Identifier: Apache-2.0 */
/* src/enroll/desk: what a token or a certificate is good for, at which time, and what an operator
 * has to say about it. */
#include "ca_fixture.h"

#include <stdio.h>
#include <string.h>

#include "enroll/desk.h"
#include "enroll/keygen.h"

enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };

struct scene {
	char *home;
	struct hf_authority *a;
};

static void write_policy(const struct scene *s, const char *yaml)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/ca/policy.yaml", s->home);
	assert_int_equal(hf_file_write(path, yaml, strlen(yaml), HF_MODE_PUBLIC, HF_FILE_REPLACE,
				       NULL),
			 0);
}

/* An authority with that policy; "" is the built-in one. */
static void open_scene(struct scene *s, char *home, const char *policy)
{
	struct hf_err err = HF_ERR_INIT;

	s->home = home;
	assert_int_equal(found(home, NULL, false, false, &err), 0);
	if (policy[0])
		write_policy(s, policy);
	s->a = open_at(home);
	assert_non_null(s->a->policy);
}

static void close_scene(struct scene *s)
{
	hf_authority_free(s->a);
}

static struct hf_token_text add_token(struct scene *s, const char *name, int64_t until)
{
	struct hf_token_text text;
	struct hf_token token = { .name = name,
				  .profile = "client",
				  .subject = "",
				  .sans = "",
				  .lifetime = HOUR,
				  .made_at = NOW,
				  .until = until };

	assert_int_equal(hf_token_text_make(s->a->root.cert->spki_sha256, &text, NULL), 0);
	assert_int_equal(hf_token_secret_hash(&text, token.secret_sha256, NULL), 0);
	token.id = text.id;
	assert_int_equal(hf_store_token_add(s->a->store, &token, NULL), 0);
	return text;
}

static struct hf_csr *request_with(EVP_PKEY *key)
{
	HF_AUTO_DONE(hf_sans) none = HF_SANS_INIT;
	HF_AUTO(X509_NAME) empty = X509_NAME_new();
	struct hf_csr *csr = NULL;

	assert_int_equal(hf_csr_make(key, empty, &none, &csr, NULL), 0);
	return csr;
}

static EVP_PKEY *new_key(void)
{
	EVP_PKEY *key = NULL;

	assert_int_equal(hf_key_generate(HF_KEY_P256, &key, NULL), 0);
	return key;
}

/* The status; *ret_cert is the certificate, when there is one and somebody wants it. */
static int answer(struct scene *s, struct hf_ask *ask, int64_t now, struct hf_cert **ret_cert)
{
	struct hf_ask *asks[] = { ask };
	int status;

	(void)snprintf(ask->address, sizeof(ask->address), "192.0.2.7");
	hf_desk_answer(s->a, asks, 1, now);
	status = ask->status;
	if (status == 200 && ret_cert)
		*ret_cert = hf_cert_ref(ask->cert);
	hf_ask_done(ask);
	return status;
}

static int enrol(struct scene *s, const struct hf_token_text *token, EVP_PKEY *key, int64_t now,
		 struct hf_cert **ret_cert)
{
	struct hf_ask ask;

	hf_ask_init(&ask);
	ask.csr = request_with(key);
	ask.token = *token;
	return answer(s, &ask, now, ret_cert);
}

static int renew(struct scene *s, struct hf_cert *old, int64_t now, struct hf_cert **ret_cert)
{
	HF_AUTO(EVP_PKEY) key = new_key();
	struct hf_ask ask;

	hf_ask_init(&ask);
	ask.csr = request_with(key);
	ask.renews = true;
	ask.old = hf_cert_ref(old);
	return answer(s, &ask, now, ret_cert);
}

static const char approval[] = "profiles: { client: { approval: yes } }\n";

static void test_token_alone_gets_nothing_where_somebody_has_to_approve(void **state)
{
	struct scene s;
	HF_AUTO(EVP_PKEY) key = new_key();
	HF_AUTO(EVP_PKEY) other = new_key();
	HF_AUTO(hf_cert) cert = NULL;
	struct hf_token_text token;

	open_scene(&s, *state, approval);
	token = add_token(&s, "amy", NOW + HOUR);
	assert_int_equal(enrol(&s, &token, key, NOW, NULL), 202);
	assert_int_equal(enrol(&s, &token, key, NOW + 1, NULL), 202);
	assert_int_equal(enrol(&s, &token, other, NOW + 2, NULL), 403);
	assert_int_equal(hf_store_approval_decide(s.a->store, token.id, true, NULL, NOW + 3, NULL),
			 0);
	assert_int_equal(hf_store_approval_decide(s.a->store, token.id, false, NULL, NOW + 3, NULL),
			 1);
	assert_int_equal(enrol(&s, &token, other, NOW + 4, NULL), 403);
	assert_int_equal(enrol(&s, &token, key, NOW + 5, &cert), 200);
	assert_true(hf_key_same(key, hf_cert_key_get0(cert)));
	/* a lost answer is found again; the token is spent for everybody else */
	assert_int_equal(enrol(&s, &token, key, NOW + 6, NULL), 200);
	assert_int_equal(enrol(&s, &token, other, NOW + 6, NULL), 403);
	close_scene(&s);
}

static void test_denied_enrolment_stays_denied(void **state)
{
	struct scene s;
	HF_AUTO(EVP_PKEY) key = new_key();
	struct hf_err err = HF_ERR_INIT;
	struct hf_token_text token;

	open_scene(&s, *state, approval);
	token = add_token(&s, "amy", NOW + HOUR);
	assert_int_equal(hf_store_approval_decide(s.a->store, token.id, true, NULL, NOW, &err),
			 -HF_E_NOENT);
	assert_int_equal(enrol(&s, &token, key, NOW, NULL), 202);
	assert_int_equal(hf_store_approval_decide(s.a->store, token.id, false, NULL, NOW, NULL), 0);
	assert_int_equal(enrol(&s, &token, key, NOW, NULL), 403);
	assert_int_equal(hf_store_approval_decide(s.a->store, token.id, true, NULL, NOW, NULL), 1);
	assert_int_equal(enrol(&s, &token, key, NOW, NULL), 403);
	close_scene(&s);
}

static void test_token_may_run_out_while_its_holder_waits_and_not_before(void **state)
{
	struct scene s;
	HF_AUTO(EVP_PKEY) key = new_key();
	struct hf_token_text in_time, late;

	open_scene(&s, *state, approval);
	in_time = add_token(&s, "amy", NOW + MINUTE);
	late = add_token(&s, "bob", NOW + MINUTE);
	assert_int_equal(enrol(&s, &in_time, key, NOW, NULL), 202);
	assert_int_equal(enrol(&s, &late, key, NOW + HOUR, NULL), 403);
	assert_int_equal(hf_store_approval_decide(s.a->store, late.id, true, NULL, NOW, NULL),
			 -HF_E_NOENT);
	assert_int_equal(enrol(&s, &in_time, key, NOW + HOUR, NULL), 202);
	assert_int_equal(hf_store_approval_decide(s.a->store, in_time.id, true, NULL, NOW + HOUR,
						  NULL),
			 0);
	assert_int_equal(enrol(&s, &in_time, key, NOW + HOUR, NULL), 200);
	close_scene(&s);
}

static int count(void *arg, const struct hf_approval *a)
{
	assert_string_equal(a->address, "192.0.2.7");
	++*(int *)arg;
	return 0;
}

static int waiting(struct scene *s)
{
	int n = 0;

	assert_int_equal(hf_store_approval_each(s->a->store, count, &n, NULL), 0);
	return n;
}

static void test_list_of_those_that_wait_holds_just_them(void **state)
{
	struct scene s;
	HF_AUTO(EVP_PKEY) key = new_key();
	struct hf_token_text one, two;

	open_scene(&s, *state, approval);
	one = add_token(&s, "amy", NOW + HOUR);
	two = add_token(&s, "bob", NOW + HOUR);
	assert_int_equal(waiting(&s), 0);
	assert_int_equal(enrol(&s, &one, key, NOW, NULL), 202);
	assert_int_equal(enrol(&s, &two, key, NOW, NULL), 202);
	assert_int_equal(waiting(&s), 2);
	assert_int_equal(hf_store_token_withdraw(s.a->store, one.id, NOW, NULL), 0);
	assert_int_equal(waiting(&s), 1);
	assert_int_equal(hf_store_approval_decide(s.a->store, two.id, true, NULL, NOW, NULL), 0);
	assert_int_equal(waiting(&s), 0);
	close_scene(&s);
}

static void test_expired_certificate_is_renewed_within_the_grace_and_not_after(void **state)
{
	struct scene s;
	HF_AUTO(EVP_PKEY) key = new_key();
	HF_AUTO(hf_cert) cert = NULL;
	HF_AUTO(hf_cert) second = NULL;
	struct hf_token_text token;

	open_scene(&s, *state, "profiles: { client: { renew_grace: 2d } }\n");
	token = add_token(&s, "amy", NOW + HOUR);
	assert_int_equal(enrol(&s, &token, key, NOW, &cert), 200);
	assert_int_equal(renew(&s, cert, cert->not_after + 2 * DAY + 1, NULL), 403);
	assert_int_equal(renew(&s, cert, cert->not_after + 2 * DAY, &second), 200);
	assert_int_equal(second->not_after - second->not_before,
			 cert->not_after - cert->not_before);
	/* only the newest of a line, within the grace too */
	assert_int_equal(renew(&s, cert, cert->not_after + 2 * DAY, NULL), 403);
	assert_int_equal(renew(&s, second, second->not_after + DAY, NULL), 200);
	close_scene(&s);
}

static int revoke_each(void *arg, const struct hf_record *record)
{
	*(int64_t *)arg = record->id;
	return 0;
}

static void test_grace_is_not_there_by_default_nor_for_the_revoked(void **state)
{
	struct scene s;
	HF_AUTO(EVP_PKEY) key = new_key();
	HF_AUTO(hf_cert) cert = NULL;
	struct hf_token_text token;
	int64_t id = 0;

	open_scene(&s, *state, "");
	token = add_token(&s, "amy", NOW + HOUR);
	assert_int_equal(enrol(&s, &token, key, NOW, &cert), 200);
	assert_int_equal(renew(&s, cert, cert->not_after + 1, NULL), 403);
	hf_authority_free(s.a);
	write_policy(&s, "defaults: { renew_grace: 7 }\n");
	s.a = open_at(s.home);
	const struct hf_record_filter filter = { .sha256 = cert->sha256, .limit = 1 };
	assert_int_equal(hf_store_list(s.a->store, &filter, revoke_each, &id, NULL), 0);
	assert_int_equal(hf_store_revoke(s.a->store, id, 1, NOW, NULL), 0);
	assert_int_equal(renew(&s, cert, cert->not_after + 1, NULL), 403);
	close_scene(&s);
}

/* --- keys that the authority makes --- */

static EVP_PKEY *derived(uint8_t secret_byte, uint8_t token_byte, const char *id, uint8_t spki_byte,
			 enum hf_key_type type)
{
	struct hf_keygen_secret secret;
	struct hf_token_text token = { .id = "" };
	uint8_t spki[HF_SHA256_LEN];
	EVP_PKEY *key = NULL;

	memset(&secret, secret_byte, sizeof(secret));
	memset(token.secret, token_byte, sizeof(token.secret));
	memset(spki, spki_byte, sizeof(spki));
	(void)snprintf(token.id, sizeof(token.id), "%s", id);
	assert_int_equal(hf_keygen_derive(&secret, &token, spki, type, &key, NULL), 0);
	assert_int_equal(hf_key_type_of(key), type);
	return key;
}

static void test_key_depends_on_each_thing_it_is_derived_from(void **state)
{
	static const struct {
		uint8_t secret, token;
		const char *id;
		uint8_t spki;
	} rows[] = {
		{ 1, 2, "0123456789abcdef", 3 }, { 4, 2, "0123456789abcdef", 3 },
		{ 1, 4, "0123456789abcdef", 3 }, { 1, 2, "0123456789abcdee", 3 },
		{ 1, 2, "0123456789abcdef", 4 }, { 2, 1, "0123456789abcdef", 3 },
	};
	static const enum hf_key_type types[] = { HF_KEY_P256, HF_KEY_P384, HF_KEY_ED25519 };

	(void)state;
	for (size_t t = 0; t < HF_ARRAY_LEN(types); t++) {
		HF_AUTO(EVP_PKEY) first = derived(1, 2, "0123456789abcdef", 3, types[t]);

		for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
			HF_AUTO(EVP_PKEY) key = derived(rows[i].secret, rows[i].token, rows[i].id,
							rows[i].spki, types[t]);

			assert_int_equal(hf_key_same(first, key), i == 0);
		}
	}
}

/* Computed by Python's hmac and integers from the definition in docs/architecture.md:
 * a change of the derivation would lose who waits for a second answer. */
static void test_key_is_the_one_that_the_definition_gives(void **state)
{
	static const char known[] =
	    "F09E95EFFAEE1709858155B61465D0D5F295287B050C2B43A94DE3BDC5165DCF";
	HF_AUTO(EVP_PKEY) key = derived(1, 2, "0123456789abcdef", 3, HF_KEY_P256);
	HF_AUTO(BIGNUM) d = NULL;
	char *hex;

	(void)state;
	assert_int_equal(EVP_PKEY_get_bn_param(key, "priv", &d), 1);
	hex = BN_bn2hex(d);
	assert_string_equal(hex, known);
	OPENSSL_free(hex);
}

static void test_key_that_is_derived_signs(void **state)
{
	static const enum hf_key_type types[] = { HF_KEY_P256, HF_KEY_P384, HF_KEY_ED25519 };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(types); i++) {
		HF_AUTO(EVP_PKEY) key = derived(9, 9, "0123456789abcdef", 9, types[i]);
		HF_AUTO(hf_csr) csr = request_with(key);

		assert_int_equal(hf_csr_check_signature(csr, NULL), 0);
	}
}

static void test_rsa_keys_are_not_derived(void **state)
{
	const struct hf_keygen_secret secret = { .bytes = { 0 } };
	const struct hf_token_text token = { .id = "0123456789abcdef" };
	const uint8_t spki[HF_SHA256_LEN] = { 0 };
	EVP_PKEY *key = NULL;

	(void)state;
	assert_false(hf_keygen_can(HF_KEY_RSA2048));
	assert_int_equal(hf_keygen_derive(&secret, &token, spki, HF_KEY_RSA2048, &key, NULL),
			 -HF_E_POLICY);
	assert_null(key);
}

static void test_secret_is_made_once_for_its_owner_alone_and_a_damaged_one_refused(void **state)
{
	const char *dir = *state;
	struct hf_keygen_secret first, second;
	struct hf_err err = HF_ERR_INIT;
	char path[PATH_MAX];
	mode_t mode = 0;

	(void)snprintf(path, sizeof(path), "%s/" HF_KEYGEN_FILE, dir);
	assert_int_equal(hf_keygen_secret_load(dir, &first, &err), 0);
	assert_true(hf_file_mode(path, &mode));
	assert_int_equal(mode, HF_MODE_SECRET);
	assert_int_equal(hf_keygen_secret_load(dir, &second, &err), 0);
	assert_memory_equal(&first, &second, sizeof(first));
	assert_int_equal(hf_file_write(path, "short", 5, HF_MODE_SECRET, HF_FILE_REPLACE, NULL), 0);
	assert_int_equal(hf_keygen_secret_load(dir, &second, &err), -HF_E_PARSE);
}

static const char makes_keys[] = "profiles: { client: { serverkeygen: yes } }\n";

/* The request's signature is another key's: RFC 7030 4.4.1 has it ignored. */
static struct hf_csr *request_signed_by_another(EVP_PKEY *key)
{
	HF_AUTO(EVP_PKEY) other = new_key();
	struct hf_csr *csr = request_with(key);

	assert_true(X509_REQ_sign(csr->req, other, EVP_sha256()) > 0);
	assert_true(hf_csr_check_signature(csr, NULL) < 0);
	return csr;
}

static int ask_for_key(struct scene *s, const struct hf_token_text *token, EVP_PKEY *key,
		       int64_t now, struct hf_cert **ret_cert)
{
	struct hf_ask ask;

	hf_ask_init(&ask);
	ask.form = HF_FORM_EST_KEY;
	ask.csr = request_signed_by_another(key);
	ask.token = *token;
	return answer(s, &ask, now, ret_cert);
}

static void test_key_is_given_again_while_the_token_lives_and_an_hour_after_it_was_spent(
    void **state)
{
	static const struct {
		int64_t until, late; /* of the token; when it is asked for again */
		int status;
	} rows[] = {
		{ DAY, DAY, 200 },
		{ DAY, DAY + 1, 403 },
		{ MINUTE, HOUR, 200 }, /* spent at NOW */
		{ MINUTE, HOUR + 1, 403 },
	};
	struct scene s;
	HF_AUTO(EVP_PKEY) key = new_key();

	open_scene(&s, *state, makes_keys);
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(hf_cert) first = NULL;
		HF_AUTO(hf_cert) again = NULL;
		const struct hf_token_text token = add_token(&s, "amy", NOW + rows[i].until);
		const int64_t late = NOW + rows[i].late;

		assert_int_equal(ask_for_key(&s, &token, key, NOW, &first), 200);
		assert_int_equal(ask_for_key(&s, &token, key, late, &again), rows[i].status);
		if (again)
			assert_memory_equal(first->sha256, again->sha256, HF_SHA256_LEN);
	}
	close_scene(&s);
}

static void test_a_signature_is_ignored_only_where_the_authority_makes_the_key(void **state)
{
	struct scene s;
	HF_AUTO(EVP_PKEY) key = new_key();
	struct hf_token_text token;
	struct hf_ask ask;

	open_scene(&s, *state, makes_keys);
	token = add_token(&s, "amy", NOW + HOUR);
	hf_ask_init(&ask);
	ask.form = HF_FORM_EST;
	ask.csr = request_signed_by_another(key);
	ask.token = token;
	assert_int_equal(answer(&s, &ask, NOW, NULL), 400);
	assert_int_equal(ask_for_key(&s, &token, key, NOW, NULL), 200);
	close_scene(&s);
}

static void test_key_is_not_given_again_once_the_policy_says_no(void **state)
{
	struct scene s;
	HF_AUTO(EVP_PKEY) key = new_key();
	struct hf_token_text token;

	open_scene(&s, *state, makes_keys);
	token = add_token(&s, "amy", NOW + HOUR);
	assert_int_equal(ask_for_key(&s, &token, key, NOW, NULL), 200);
	write_policy(&s, "profiles: { client: { serverkeygen: no } }\n");
	hf_authority_free(s.a);
	s.a = open_at(s.home);
	assert_int_equal(ask_for_key(&s, &token, key, NOW, NULL), 403);
	close_scene(&s);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_token_alone_gets_nothing_where_somebody_has_to_approve),
		CASE(test_denied_enrolment_stays_denied),
		CASE(test_token_may_run_out_while_its_holder_waits_and_not_before),
		CASE(test_list_of_those_that_wait_holds_just_them),
		CASE(test_expired_certificate_is_renewed_within_the_grace_and_not_after),
		CASE(test_grace_is_not_there_by_default_nor_for_the_revoked),
		CASE(test_key_depends_on_each_thing_it_is_derived_from),
		CASE(test_key_is_the_one_that_the_definition_gives),
		CASE(test_key_that_is_derived_signs),
		CASE(test_rsa_keys_are_not_derived),
		CASE(test_secret_is_made_once_for_its_owner_alone_and_a_damaged_one_refused),
		CASE(test_key_is_given_again_while_the_token_lives_and_an_hour_after_it_was_spent),
		CASE(test_a_signature_is_ignored_only_where_the_authority_makes_the_key),
		CASE(test_key_is_not_given_again_once_the_policy_says_no),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
