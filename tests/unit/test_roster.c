/* SPDX-License-Identifier: Apache-2.0 */
/* The roster: seats over workers, its bound, rates, anchors, and what a dead process leaves. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "gateway/roster.h"

enum { WORKERS = 3, NOW = 1790000000 };

static const struct hf_gateway_limits no_limits;

/* An accepted verdict needs no more than a name and a chain here. */
static void enter(struct hf_roster *roster, size_t worker, const char *name, uint8_t anchor,
		  int64_t now, struct hf_seat *seat, uint32_t *live)
{
	char copy[512];
	struct hf_cert leaf = { 0 }, root = { .sha256 = { anchor } };
	struct hf_cert *items[] = { &leaf, &root };
	struct hf_identity identity = { .name = copy };
	const struct hf_verdict verdict = {
		.accepted = true,
		.identity = &identity,
		.chain = { .items = items, .len = 2 },
	};

	(void)snprintf(copy, sizeof(copy), "%s", name);
	hf_roster_enter(roster, worker, &verdict, now, seat, live);
}

static void test_an_identity_is_counted_over_all_workers(void **state)
{
	struct hf_roster *roster = hf_roster_map(WORKERS, &no_limits);
	struct hf_seat seats[4], other;
	uint32_t live = 0;

	(void)state;
	assert_non_null(roster);
	for (size_t i = 0; i < 3; i++) {
		enter(roster, i, "cn:a", 0, NOW, &seats[i], &live);
		assert_int_equal(live, i + 1);
	}
	enter(roster, 0, "cn:b", 0, NOW, &other, &live);
	assert_int_equal(live, 1);
	hf_roster_leave(roster, 1, &seats[1]);
	enter(roster, 1, "cn:a", 0, NOW, &seats[3], &live);
	assert_int_equal(live, 3);
	hf_roster_forget_worker(roster, 0);
	enter(roster, 2, "cn:a", 0, NOW, &seats[3], &live);
	assert_int_equal(live, 3); /* one of worker 1, two of worker 2 */
	hf_roster_unmap(roster);
}

static void test_who_was_not_accepted_has_no_seat(void **state)
{
	struct hf_roster *roster = hf_roster_map(1, &no_limits);
	const struct hf_verdict refused = { 0 };
	struct hf_seat seat = { 7, 7 };
	uint32_t live = 7;

	(void)state;
	hf_roster_enter(roster, 0, NULL, NOW, &seat, &live);
	assert_int_equal(seat.identity, 0);
	hf_roster_enter(roster, 0, &refused, NOW, &seat, &live);
	assert_int_equal(seat.identity, 0);
	assert_int_equal(live, 0);
	hf_roster_leave(roster, 0, &seat);
	assert_int_equal(hf_roster_request(roster, &seat), 0);
	hf_roster_unmap(roster);
}

static void test_names_that_agree_at_first_are_not_one(void **state)
{
	struct hf_roster *roster = hf_roster_map(1, &no_limits);
	char one[400], two[400];
	struct hf_seat a, b;
	uint32_t live;

	(void)state;
	memset(one, 'x', sizeof(one) - 1);
	one[sizeof(one) - 1] = '\0';
	memcpy(two, one, sizeof(two));
	two[sizeof(two) - 2] = 'y';
	enter(roster, 0, one, 0, NOW, &a, &live);
	enter(roster, 0, two, 0, NOW, &b, &live);
	assert_int_equal(live, 1);
	assert_int_not_equal(a.identity, b.identity);
	hf_roster_unmap(roster);
}

static void test_who_is_away_makes_room_and_who_is_here_keeps_his_seat(void **state)
{
	struct hf_roster *roster = hf_roster_map(1, &no_limits);
	struct hf_seat first, seat;
	uint32_t live;
	char name[32];

	(void)state;
	enter(roster, 0, "cn:stays", 0, NOW, &first, &live);
	for (int i = 0; i < 2 * HF_ROSTER_CAP; i++) {
		(void)snprintf(name, sizeof(name), "cn:%d", i);
		enter(roster, 0, name, 0, NOW + i, &seat, &live);
		assert_int_not_equal(seat.identity, 0);
		assert_int_equal(live, 1);
		hf_roster_leave(roster, 0, &seat);
	}
	enter(roster, 0, "cn:stays", 0, NOW, &seat, &live);
	assert_int_equal(seat.identity, first.identity);
	assert_int_equal(live, 2);
	hf_roster_unmap(roster);
}

static void test_a_full_house_gives_no_seat(void **state)
{
	struct hf_roster *roster = hf_roster_map(1, &no_limits);
	struct hf_seat seat;
	uint32_t live;
	char name[32];

	(void)state;
	for (int i = 0; i < HF_ROSTER_CAP; i++) {
		(void)snprintf(name, sizeof(name), "cn:%d", i);
		enter(roster, 0, name, 0, NOW, &seat, &live);
		assert_int_not_equal(seat.identity, 0);
	}
	enter(roster, 0, "cn:late", 0, NOW, &seat, &live);
	assert_int_equal(seat.identity, 0);
	assert_int_equal(live, 0);
	enter(roster, 0, "cn:5", 0, NOW, &seat, &live);
	assert_int_equal(live, 2);
	hf_roster_unmap(roster);
}

static void test_requests_beyond_the_rate_have_to_wait(void **state)
{
	const struct hf_gateway_limits limits = { .requests_per_second = 5 };
	struct hf_roster *roster = hf_roster_map(2, &limits);
	struct hf_seat one, same, other;
	uint32_t live;
	uint64_t wait = 0;
	int passed = 0;

	(void)state;
	enter(roster, 0, "cn:a", 0, NOW, &one, &live);
	enter(roster, 1, "cn:a", 0, NOW, &same, &live);
	enter(roster, 1, "cn:b", 0, NOW, &other, &live);
	for (int i = 0; i < 1000 && wait == 0; i++) {
		wait = hf_roster_request(roster, i % 2 ? &one : &same);
		passed += wait == 0;
	}
	assert_in_range(passed, 5, 999);
	assert_in_range(wait, 1, 200);
	assert_int_equal(hf_roster_request(roster, &other), 0);
	hf_roster_unmap(roster);
}

/* A process that dies with the lock must not stop the others: its memory is ours too. */
static void test_a_worker_that_dies_leaves_the_roster_usable(void **state)
{
	struct hf_roster *roster = hf_roster_map(2, &no_limits);
	struct hf_seat seat;
	uint32_t live;

	(void)state;
	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();
		int status;

		assert_true(pid >= 0);
		if (pid == 0) {
			char name[32];

			alarm(1); /* the default of SIGALRM is to die, wherever it is */
			for (int n = 0;; n++) {
				(void)snprintf(name, sizeof(name), "cn:%d", n % 3000);
				enter(roster, 0, name, 0, NOW, &seat, &live);
				hf_roster_leave(roster, 0, &seat);
				if (n == 2000 * (i + 1))
					(void)kill(getpid(), SIGKILL);
			}
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		hf_roster_forget_worker(roster, 0);
		enter(roster, 1, "cn:me", 0, NOW, &seat, &live);
		assert_int_equal(live, i + 1);
	}
	hf_roster_unmap(roster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_identity_is_counted_over_all_workers),
		cmocka_unit_test(test_who_was_not_accepted_has_no_seat),
		cmocka_unit_test(test_names_that_agree_at_first_are_not_one),
		cmocka_unit_test(test_who_is_away_makes_room_and_who_is_here_keeps_his_seat),
		cmocka_unit_test(test_a_full_house_gives_no_seat),
		cmocka_unit_test(test_requests_beyond_the_rate_have_to_wait),
		cmocka_unit_test(test_a_worker_that_dies_leaves_the_roster_usable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
