/* SPDX-License-Identifier: Apache-2.0 */
/* src/ca/store: tokens and successions are used up once, together with their certificate or not at
 * all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "ca/store/store.h"

#include "store_fixture.h"

enum { HOUR = 3600 };

#define TOKEN "0123456789abcdef"

static void add_token(struct place *p, const char *id)
{
	const struct hf_token token = { .id = id,
					.secret_sha256 = { 1, 2, 3 },
					.name = "node-7",
					.profile = "client",
					.subject = "",
					.sans = "dns:node-7",
					.lifetime = 9 * HOUR,
					.made_at = NOW,
					.until = NOW + HOUR };

	assert_int_equal(hf_store_token_add(p->store, &token, NULL), 0);
}

/* An intent and what it would become. */
static struct hf_outcome outcome(struct place *p)
{
	static const uint8_t der[] = { 0x30, 0x00 };
	char serial[32];
	struct hf_intent intent = { .issuer = p->issuer,
				    .serial = serial,
				    .name = "node-7",
				    .profile = "client",
				    .subject = "CN=node-7",
				    .sans = "",
				    .at = NOW };
	struct hf_outcome out = { .der = der, .der_len = sizeof(der), .not_after = NOW + HOUR };

	(void)snprintf(serial, sizeof(serial), "%x", 0x100 + ++p->serials);
	out.sha256[0] = (uint8_t)p->serials;
	assert_int_equal(hf_store_intend(p->store, &intent, 1, NULL), 0);
	out.id = intent.id;
	return out;
}

static bool record(struct place *p, struct hf_claim *claim, int64_t *ret_id)
{
	struct hf_outcome out = outcome(p);
	struct hf_claim *claims[] = { claim };

	assert_int_equal(hf_store_record_claims(p->store, &out, claims, 1, NOW, NULL), 0);
	*ret_id = out.id;
	return !claim || !claim->lost;
}

static int keep_state(void *arg, const struct hf_record *r)
{
	*(enum hf_record_state *)arg = r->state;
	return 0;
}

static enum hf_record_state state_of(struct place *p, int64_t id)
{
	const struct hf_record_filter filter = { .id = id, .limit = 1 };
	enum hf_record_state state = HF_RECORD_INTENT;

	assert_int_equal(hf_store_list(p->store, &filter, keep_state, &state, NULL), 0);
	return state;
}

static int keep_token(void *arg, const struct hf_token *t)
{
	struct hf_token *copy = arg;

	copy->state = t->state;
	copy->certificate = t->certificate;
	copy->lifetime = t->lifetime;
	memcpy(copy->spki, t->spki, sizeof(copy->spki));
	assert_string_equal(t->sans, "dns:node-7");
	return 1;
}

static struct hf_token token_now(struct place *p, const char *id)
{
	struct hf_token copy = { .id = id };

	assert_int_equal(hf_store_token_each(p->store, id, 0, keep_token, &copy, NULL), 1);
	return copy;
}

static void test_token_is_spent_with_its_certificate_and_once(void **state)
{
	struct place *p = *state;
	struct hf_claim first = { .token = TOKEN, .spki = { 9 }, .address = "192.0.2.1" };
	struct hf_claim second = { .token = TOKEN, .spki = { 8 }, .address = "192.0.2.2" };
	int64_t one, two;

	add_token(p, TOKEN);
	assert_int_equal(token_now(p, TOKEN).state, HF_TOKEN_OPEN);
	assert_true(record(p, &first, &one));
	assert_false(record(p, &second, &two));
	assert_int_equal(state_of(p, one), HF_RECORD_ISSUED);
	assert_int_equal(state_of(p, two), HF_RECORD_ABANDONED);
	assert_int_equal(token_now(p, TOKEN).state, HF_TOKEN_SPENT);
	assert_int_equal(token_now(p, TOKEN).certificate, one);
	assert_memory_equal(token_now(p, TOKEN).spki, first.spki, sizeof(first.spki));
}

static void test_two_claims_of_one_batch_have_one_winner(void **state)
{
	struct place *p = *state;
	struct hf_claim a = { .token = TOKEN, .address = "" }, b = a;
	struct hf_claim *claims[] = { &a, NULL, &b };
	struct hf_outcome outs[] = { outcome(p), outcome(p), outcome(p) };

	add_token(p, TOKEN);
	assert_int_equal(hf_store_record_claims(p->store, outs, claims, 3, NOW, NULL), 0);
	assert_false(a.lost);
	assert_true(b.lost);
	assert_int_equal(state_of(p, outs[1].id), HF_RECORD_ISSUED);
	assert_int_equal(state_of(p, outs[2].id), HF_RECORD_ABANDONED);
}

static void test_batch_that_fails_spends_nothing(void **state)
{
	struct place *p = *state;
	struct hf_claim claim = { .token = TOKEN, .address = "" };
	struct hf_claim *claims[] = { &claim, NULL };
	struct hf_outcome outs[] = { outcome(p), outcome(p) };

	add_token(p, TOKEN);
	outs[1].id = 12345; /* no such intent */
	assert_true(hf_store_record_claims(p->store, outs, claims, 2, NOW, NULL) < 0);
	assert_int_equal(token_now(p, TOKEN).state, HF_TOKEN_OPEN);
	assert_int_equal(state_of(p, outs[0].id), HF_RECORD_INTENT);
}

static void test_unknown_and_withdrawn_tokens_are_lost_claims(void **state)
{
	struct place *p = *state;
	struct hf_claim claim = { .token = TOKEN, .address = "" };
	struct hf_err err = HF_ERR_INIT;
	int64_t id;

	assert_false(record(p, &claim, &id));
	assert_int_equal(hf_store_token_withdraw(p->store, TOKEN, NOW, &err), -HF_E_NOENT);
	add_token(p, TOKEN);
	assert_int_equal(hf_store_token_withdraw(p->store, TOKEN, NOW, &err), 0);
	assert_int_equal(hf_store_token_withdraw(p->store, TOKEN, NOW, &err), 1);
	assert_false(record(p, &claim, &id));
	assert_int_equal(token_now(p, TOKEN).state, HF_TOKEN_WITHDRAWN);
}

static int count_token(void *arg, const struct hf_token *t)
{
	assert_non_null(t->name);
	++*(int *)arg;
	return 0;
}

static void test_list_leaves_out_what_ended_before(void **state)
{
	struct place *p = *state;
	int open = 0, later = 0;

	add_token(p, TOKEN);
	add_token(p, "fedcba9876543210");
	assert_int_equal(hf_store_token_withdraw(p->store, TOKEN, NOW - 10, NULL), 0);
	assert_int_equal(hf_store_token_each(p->store, NULL, NOW, count_token, &open, NULL), 0);
	assert_int_equal(open, 1);
	assert_int_equal(hf_store_token_each(p->store, NULL, NOW + 2 * HOUR, count_token, &later,
					     NULL),
			 0);
	assert_int_equal(later, 0);
}

static void test_lineage_does_not_split_and_ends_with_revocation(void **state)
{
	struct place *p = *state;
	struct hf_claim claim = { .spki = { 5 }, .address = "" }, rival = { .address = "" };
	uint8_t spki[HF_STORE_SHA256_LEN];
	int64_t old, new, lost, successor = 0;

	assert_true(record(p, NULL, &old));
	assert_int_equal(hf_store_successor(p->store, old, &successor, spki, NULL), 1);
	claim.predecessor = rival.predecessor = old;
	assert_true(record(p, &claim, &new));
	assert_false(record(p, &rival, &lost));
	assert_int_equal(hf_store_successor(p->store, old, &successor, spki, NULL), 0);
	assert_int_equal(successor, new);
	assert_memory_equal(spki, claim.spki, sizeof(spki));
	assert_int_equal(hf_store_revoke(p->store, new, 0, NOW, NULL), 0);
	rival.predecessor = new;
	assert_false(record(p, &rival, &lost));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup_with_ledger, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_token_is_spent_with_its_certificate_and_once),
		CASE(test_two_claims_of_one_batch_have_one_winner),
		CASE(test_batch_that_fails_spends_nothing),
		CASE(test_unknown_and_withdrawn_tokens_are_lost_claims),
		CASE(test_list_leaves_out_what_ended_before),
		CASE(test_lineage_does_not_split_and_ends_with_revocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
