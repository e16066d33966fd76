/* SPDX-License-Identifier: Apache-2.0 */
/* src/enroll: token texts have one spelling, EST bodies are read however they are written, and who
 * fails too often waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/str.h"
#include "enroll/est.h"
#include "enroll/service_internal.h"
#include "enroll/token.h"

static const uint8_t root[HF_SHA256_LEN] = { 0xfb, 0xff, 1 };

static void make(struct hf_token_text *token, struct hf_buf *text)
{
	assert_int_equal(hf_token_text_make(root, token, NULL), 0);
	assert_int_equal(hf_token_text_format(token, text), 0);
	assert_int_equal(text->len, HF_TOKEN_TEXT_LEN);
}

static void test_token_text_goes_there_and_back(void **state)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(256);
	HF_AUTO_DONE(hf_buf) other = HF_BUF_INIT(256);
	struct hf_token_text token, again, another;
	uint8_t hash[HF_SHA256_LEN];

	(void)state;
	make(&token, &text);
	assert_true(hf_token_text_parse(text.data, text.len, &again));
	assert_string_equal(again.id, token.id);
	assert_memory_equal(again.secret, token.secret, sizeof(token.secret));
	assert_memory_equal(again.root, root, sizeof(root));
	make(&another, &other);
	assert_string_not_equal(another.id, token.id);
	assert_int_equal(hf_token_secret_hash(&token, hash, NULL), 0);
	assert_true(hf_token_secret_is(&again, hash));
	assert_false(hf_token_secret_is(&another, hash));
}

static void test_other_spellings_of_a_token_are_not_tokens(void **state)
{
	static const struct {
		size_t at;
		char byte;
		const char *label;
	} rows[] = {
		{ 0, 'A', "an upper-case digit in the id" },
		{ 3, 'g', "no digit in the id" },
		{ 16, ':', "another separator" },
		{ 20, '+', "the other alphabet" },
		{ 21, ' ', "a space" },
		{ 22, '=', "padding" },
		{ 60, ',', "another separator" },
		{ 103, '_', "spare bits that are not zero" },
	};
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(256);
	struct hf_token_text token, parsed;

	(void)state;
	make(&token, &text);
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		char copy[HF_TOKEN_TEXT_LEN + 1];

		memcpy(copy, text.data, sizeof(copy));
		copy[rows[i].at] = rows[i].byte;
		if (hf_token_text_parse(copy, HF_TOKEN_TEXT_LEN, &parsed))
			fail_msg("taken for a token: %s", rows[i].label);
	}
	assert_false(hf_token_text_parse(text.data, text.len - 1, &parsed));
	assert_false(hf_token_text_parse("", 0, &parsed));
}

static bool authorized(const char *scheme, const char *user, const char *password)
{
	HF_AUTO_DONE(hf_buf) pair = HF_BUF_INIT(512);
	HF_AUTO_DONE(hf_buf) value = HF_BUF_INIT(1024);
	struct hf_token_text token;

	(void)hf_buf_printf(&pair, "%s:%s", user, password);
	(void)hf_buf_printf(&value, "%s ", scheme);
	(void)hf_base64_encode(pair.data, pair.len, &value);
	return hf_token_from_authorization(value.data, value.len, &token);
}

static void test_authorization_field_gives_the_token_or_nothing(void **state)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(256);
	HF_AUTO_DONE(hf_buf) value = HF_BUF_INIT(512);
	struct hf_token_text token, found;
	char secret[44];

	(void)state;
	make(&token, &text);
	(void)snprintf(secret, sizeof(secret), "%.43s", text.data + 17);
	(void)hf_buf_printf(&value, "bEaReR %s", text.data);
	assert_true(hf_token_from_authorization(value.data, value.len, &found));
	assert_string_equal(found.id, token.id);
	assert_true(authorized("Basic", "anybody", text.data));
	assert_true(authorized("basic", token.id, secret));
	assert_false(authorized("Basic", "anybody", secret));
	assert_false(authorized("Basic", token.id, "x"));
	assert_false(authorized("Digest", token.id, secret));
	assert_false(hf_token_from_authorization("Bearer", 6, &found));
	assert_false(hf_token_from_authorization("Basic !", 7, &found));
}

static void make_request(struct hf_csr **ret_csr)
{
	HF_AUTO_DONE(hf_sans) sans = HF_SANS_INIT;
	HF_AUTO(X509_NAME) name = X509_NAME_new();
	HF_AUTO(EVP_PKEY) key = NULL;

	assert_int_equal(hf_key_generate(HF_KEY_P256, &key, NULL), 0);
	assert_int_equal(hf_csr_make(key, name, &sans, ret_csr, NULL), 0);
}

static void test_requests_are_read_in_every_form(void **state)
{
	HF_AUTO(hf_csr) csr = NULL;
	HF_AUTO(ossl_mem) der = NULL;
	HF_AUTO_DONE(hf_buf) single = HF_BUF_INIT(8192);
	HF_AUTO_DONE(hf_buf) wrapped = HF_BUF_INIT(8192);
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(8192);
	int len;

	(void)state;
	make_request(&csr);
	len = i2d_X509_REQ(csr->req, &der);
	assert_true(len > 0);
	assert_int_equal(hf_base64_encode(der, (size_t)len, &single), 0);
	for (size_t at = 0; at < single.len; at += 64)
		(void)hf_buf_printf(&wrapped, "%.64s\r\n", single.data + at);
	assert_int_equal(hf_csr_to_pem(csr, &pem, NULL), 0);
	const struct {
		const char *data;
		size_t len;
	} bodies[] = {
		{ (const char *)der, (size_t)len },
		{ single.data, single.len },
		{ wrapped.data, wrapped.len },
		{ pem.data, pem.len },
	};
	for (size_t i = 0; i < HF_ARRAY_LEN(bodies); i++) {
		HF_AUTO(hf_csr) read = NULL;

		assert_int_equal(hf_est_request_parse(bodies[i].data, bodies[i].len, &read, NULL),
				 0);
		assert_memory_equal(read->spki_sha256, csr->spki_sha256, HF_SHA256_LEN);
	}
}

static void test_bodies_that_are_no_request_are_refused_in_words(void **state)
{
	static const char *const bodies[] = {
		"",
		"!",
		"AAAA",
		"MIIB",
		"-----BEGIN CERTIFICATE REQUEST-----\n",
		"-----BEGIN NOTHING-----\n-----END NOTHING-----\n",
		"0\x82\x01",
		"\n\n\n",
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(bodies); i++) {
		HF_AUTO(hf_csr) csr = NULL;
		struct hf_err err = HF_ERR_INIT;

		assert_true(hf_est_request_parse(bodies[i], strlen(bodies[i]), &csr, &err) < 0);
		assert_null(csr);
		assert_true(err.msg[0]);
	}
}

static struct hf_address address(const char *text)
{
	struct hf_address a = { .len = sizeof(struct sockaddr_in6) };
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a.sa;
	struct sockaddr_in *in = (struct sockaddr_in *)&a.sa;

	if (inet_pton(AF_INET, text, &in->sin_addr) == 1)
		in->sin_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1)
		in6->sin6_family = AF_INET6;
	return a;
}

static void test_who_fails_too_often_waits_and_others_do_not(void **state)
{
	struct hf_throttle *t = calloc(1, sizeof(*t));
	const struct hf_address bad = address("192.0.2.1"), good = address("192.0.2.2");
	const struct hf_address six = address("2001:db8::1"), near = address("2001:db8::ffff");

	(void)state;
	assert_non_null(t);
	assert_int_equal(hf_throttle_init(t, HF_THROTTLE_BURST, HF_THROTTLE_REFILL_MS, NULL), 0);
	for (int i = 0; i < HF_THROTTLE_BURST; i++) {
		assert_int_equal(hf_throttle_wait_ms(t, &bad, 1000), 0);
		hf_throttle_failed(t, &bad, 1000);
		hf_throttle_failed(t, &six, 1000);
	}
	assert_int_equal(hf_throttle_wait_ms(t, &bad, 1000), HF_THROTTLE_REFILL_MS);
	assert_int_equal(hf_throttle_wait_ms(t, &good, 1000), 0);
	assert_int_equal(hf_throttle_wait_ms(t, &near, 1000), HF_THROTTLE_REFILL_MS);
	assert_int_equal(hf_throttle_wait_ms(t, &bad, 1000 + HF_THROTTLE_REFILL_MS), 0);
	hf_throttle_failed(t, &bad, 1000 + HF_THROTTLE_REFILL_MS);
	assert_true(hf_throttle_wait_ms(t, &bad, 1000 + HF_THROTTLE_REFILL_MS) > 0);
	assert_int_equal(hf_throttle_wait_ms(t, &bad, 1000 + 40 * HF_THROTTLE_REFILL_MS), 0);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_token_text_goes_there_and_back),
		cmocka_unit_test(test_other_spellings_of_a_token_are_not_tokens),
		cmocka_unit_test(test_authorization_field_gives_the_token_or_nothing),
		cmocka_unit_test(test_requests_are_read_in_every_form),
		cmocka_unit_test(test_bodies_that_are_no_request_are_refused_in_words),
		cmocka_unit_test(test_who_fails_too_often_waits_and_others_do_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
