/* SPDX-License-Identifier: Apache-2.0 */
/* lib/tls/session_pool: what one process puts in another gets out, within bounds, and the death of
 * one does not stop the others. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tls/session_pool.h"

/* All ids of the same first bytes are candidates for the same few slots. */
static struct hf_pooled_session made(uint8_t bucket, uint8_t number, int64_t since)
{
	struct hf_pooled_session session = { .since = since, .len = 3, .der = { 'D', 'E', 'R' } };

	session.id[0] = bucket;
	session.id[31] = session.peer[0] = session.sni[0] = number;
	return session;
}

static struct hf_session_pool *pool_new(void)
{
	struct hf_session_pool *pool;
	struct hf_err err = HF_ERR_INIT;

	assert_int_equal(hf_session_pool_map(&pool, &err), 0);
	return pool;
}

static bool has(struct hf_session_pool *pool, uint8_t bucket, uint8_t number)
{
	const struct hf_pooled_session want = made(bucket, number, 0);
	struct hf_pooled_session got;

	if (!hf_session_pool_get(pool, want.id, &got))
		return false;
	assert_memory_equal(got.id, want.id, sizeof(got.id));
	assert_memory_equal(got.peer, want.peer, sizeof(got.peer));
	assert_memory_equal(got.sni, want.sni, sizeof(got.sni));
	assert_int_equal(got.len, 3);
	assert_memory_equal(got.der, "DER", 3);
	return true;
}

static void test_another_process_gets_what_one_put(void **state)
{
	struct hf_session_pool *pool = pool_new();
	int status;
	pid_t pid;

	(void)state;
	assert_false(has(pool, 1, 1));
	pid = fork();
	if (pid == 0) {
		struct hf_pooled_session session = made(1, 1, 100);

		hf_session_pool_put(pool, &session);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(has(pool, 1, 1));
	hf_session_pool_unmap(pool);
}

static void test_the_oldest_makes_room(void **state)
{
	static const int64_t since[] = { 300, 100, 200, 400, 500 };
	struct hf_session_pool *pool = pool_new();

	(void)state;
	for (uint8_t i = 0; i < HF_ARRAY_LEN(since); i++) {
		struct hf_pooled_session session = made(7, i, since[i]);

		hf_session_pool_put(pool, &session);
	}
	for (uint8_t i = 0; i < HF_ARRAY_LEN(since); i++)
		assert_int_equal(has(pool, 7, i), since[i] != 100);
	hf_session_pool_unmap(pool);
}

static void test_the_same_id_takes_one_slot(void **state)
{
	struct hf_session_pool *pool = pool_new();
	struct hf_pooled_session first = made(9, 1, 50), got;

	(void)state;
	for (int64_t since = 100; since < 110; since++) {
		struct hf_pooled_session session = made(9, 2, since);

		hf_session_pool_put(pool, since == 100 ? &first : &session);
	}
	assert_true(has(pool, 9, 1));
	assert_true(hf_session_pool_get(pool, made(9, 2, 0).id, &got));
	assert_int_equal(got.since, 109);
	hf_session_pool_unmap(pool);
}

static void test_a_length_beyond_the_slot_is_no_session(void **state)
{
	struct hf_session_pool *pool = pool_new();
	struct hf_pooled_session session = made(5, 1, 100), got;

	(void)state;
	session.len = HF_POOLED_DER_CAP + 1;
	hf_session_pool_put(pool, &session);
	assert_false(hf_session_pool_get(pool, session.id, &got));
	hf_session_pool_unmap(pool);
}

/* Killed at any moment, also with the lock in its hands. */
static void test_a_process_that_dies_while_writing_stops_nobody(void **state)
{
	struct hf_session_pool *pool = pool_new();

	(void)state;
	for (uint8_t round = 0; round < 50; round++) {
		struct hf_pooled_session session = made(3, round, 1000 + round);
		int news[2], status;
		char byte;
		pid_t pid;

		assert_int_equal(pipe(news), 0);
		pid = fork();
		if (pid == 0) {
			for (uint8_t i = 0;; i++) {
				struct hf_pooled_session mine = made(4, i, i);

				hf_session_pool_put(pool, &mine);
				if (i == round)
					(void)!write(news[1], "x", 1);
			}
		}
		assert_int_equal(read(news[0], &byte, 1), 1); /* it is at it */
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		close(news[0]);
		close(news[1]);
		hf_session_pool_put(pool, &session);
		assert_true(has(pool, 3, round));
		for (unsigned i = 0; i < 256; i++)
			(void)has(pool, 4, (uint8_t)i); /* whole, or not there */
	}
	hf_session_pool_unmap(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_another_process_gets_what_one_put),
		cmocka_unit_test(test_the_oldest_makes_room),
		cmocka_unit_test(test_the_same_id_takes_one_slot),
		cmocka_unit_test(test_a_length_beyond_the_slot_is_no_session),
		cmocka_unit_test(test_a_process_that_dies_while_writing_stops_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
