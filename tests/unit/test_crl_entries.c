/* SPDX-License-Identifier: Apache-2.0 */
/* The pages of encoded entries: at every moment they are what the certificates are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/err.h"
#include "base/file.h"
#include "ca/crl_entries.h"

#include "store_fixture.h"

enum { PAGE = 1024, CAP = 64 << 20, ROUNDS = 60 };

static int64_t pick(int64_t from, int64_t until)
{
	static unsigned seed = 7;

	return from + rand_r(&seed) % (until - from + 1);
}

/* Revoked ones, as an import brings them: with any time of revocation and any end. */
static void revoke_some(struct place *p, size_t len, int64_t from, int64_t until)
{
	struct hf_adopted *rows = calloc(len, sizeof(*rows));
	char(*serials)[32] = calloc(len, sizeof(*serials));
	struct hf_err err = HF_ERR_INIT;

	assert_true(rows && serials);
	for (size_t i = 0; i < len; i++) {
		(void)snprintf(serials[i], sizeof(serials[i]), "%x%06x", (unsigned)pick(1, 0x7fff),
			       p->serials++);
		rows[i] = (struct hf_adopted){ .serial = serials[i],
					       .name = "x",
					       .profile = "client",
					       .subject = "CN=x",
					       .sans = "",
					       .asked_at = NOW,
					       .not_before = NOW,
					       .not_after = NOW + pick(0, 100 * (int64_t)DAY),
					       .revoked = true,
					       .revoked_at = pick(from, until),
					       .reason = (int)pick(0, 5) };
	}
	assert_int_equal(hf_store_adopt(p->store, p->issuer, rows, len, NOW, &err), 0);
	free(serials);
	free(rows);
}

struct list {
	struct place *p;
	int64_t shard, expired_before, len;
	struct hf_buf entries;
};

static int build(void *arg, struct hf_store *store, const struct hf_crl_draft *draft,
		 struct hf_crl_final *ret_final, struct hf_err *err)
{
	static const uint8_t der[] = { 0x30, 0x00 };
	struct list *list = arg;
	const struct hf_revoked_scope scope = { list->p->issuer, list->shard,
						list->expired_before };

	(void)draft;
	*ret_final =
	    (struct hf_crl_final){ list->expired_before, NOW + DAY, 0, der, sizeof(der), NULL };
	return hf_crl_entries(store, &scope, &list->entries, &list->len, err);
}

static int count(void *arg, const struct hf_revoked *revoked)
{
	(void)revoked;
	++*(int64_t *)arg;
	return 0;
}

/* The same of one list. */
static int64_t publish_list(struct place *p, int64_t shard, int64_t expired_before)
{
	struct list list = { p, shard, expired_before, 0, HF_BUF_INIT(CAP) };
	struct hf_err err = HF_ERR_INIT;
	int64_t want = 0;

	assert_int_equal(hf_store_publish_crl(p->store, p->issuer, shard, build, &list, &err), 0);
	assert_int_equal(hf_store_each_revoked(p->store, p->issuer, shard, expired_before, count,
					       &want, &err),
			 0);
	assert_int_equal(list.len, want);
	hf_buf_done(&list.entries);
	return list.len;
}

/* Publishes; checks that the number is that of the rows, and the bytes those of the rows. */
static int64_t publish(struct place *p, int64_t expired_before)
{
	int64_t len = publish_list(p, HF_CRL_COMPLETE, expired_before);
	struct hf_err err = HF_ERR_INIT;
	bool hold = false;

	assert_int_equal(hf_crl_entries_hold(p->store, p->issuer, &hold, &err), 0);
	assert_true(hold);
	return len;
}

static int64_t ask(const struct place *p, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	int64_t value = 0;

	assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		value = sqlite3_column_int64(stmt, 0);
	assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
	(void)sqlite3_close(db);
	return value;
}

static int64_t pages(const struct place *p)
{
	return ask(p, "SELECT count(*) FROM revoked_page WHERE fresh");
}

static void test_full_pages_are_kept_and_the_rest_is_not(void **state)
{
	struct place *p = *state;

	assert_int_equal(publish(p, NOW), 0);
	revoke_some(p, PAGE - 1, NOW, NOW);
	assert_int_equal(publish(p, NOW), PAGE - 1);
	assert_int_equal(pages(p), 0);
	revoke_some(p, 1 + 2 * PAGE + 5, NOW + 1, NOW + 1);
	assert_int_equal(publish(p, NOW), 3 * PAGE + 5);
	assert_int_equal(pages(p), 3);
}

static void test_a_list_comes_from_its_pages(void **state)
{
	struct place *p = *state;
	struct hf_err err = HF_ERR_INIT;
	bool hold = true;

	revoke_some(p, PAGE, NOW, NOW);
	(void)publish(p, NOW);
	(void)ask(p, "UPDATE revoked_page SET entries = zeroblob(length(entries))");
	assert_int_equal(hf_crl_entries_hold(p->store, p->issuer, &hold, &err), 0);
	assert_false(hold);
}

static void test_only_the_page_of_a_change_is_made_again(void **state)
{
	struct place *p = *state;

	revoke_some(p, 4 * PAGE, NOW, NOW + 1000);
	(void)publish(p, NOW);
	assert_int_equal(pages(p), 4);
	revoke_some(p, 1, NOW - 5, NOW - 5); /* before all */
	assert_int_equal(pages(p), 3);
	assert_int_equal(publish(p, NOW), 4 * PAGE + 1);
	assert_int_equal(pages(p), 5);
}

/* Set back, a clock makes expired ones valid again: they must be on the list again. */
static void test_a_clock_that_is_set_back(void **state)
{
	struct place *p = *state;
	int64_t all;

	revoke_some(p, 3 * PAGE, NOW, NOW + 10);
	all = publish(p, NOW);
	assert_int_equal(publish(p, NOW + 200 * (int64_t)DAY), 0);
	assert_int_equal(publish(p, NOW), all);
}

static void test_any_order_of_revocations_and_of_time(void **state)
{
	struct place *p = *state;

	for (int round = 0; round < ROUNDS; round++) {
		int64_t day = pick(0, 90) * DAY;
		bool late = pick(0, 3) == 0; /* revocations of long ago become known */

		revoke_some(p, (size_t)pick(1, 600), late ? NOW - 50 * DAY : NOW + day,
			    NOW + day + pick(0, 2));
		(void)publish(p, NOW + day - pick(0, 3) * DAY);
	}
	assert_true(pages(p) > 5);
}

static void test_deleted_and_mended_rows_are_felt(void **state)
{
	struct place *p = *state;

	revoke_some(p, 2 * PAGE, NOW, NOW + 10);
	(void)publish(p, NOW);
	(void)ask(p, "UPDATE certificate SET reason = 4 WHERE id = 17");
	(void)publish(p, NOW);
	(void)ask(p, "DELETE FROM certificate WHERE id = 90");
	assert_int_equal(publish(p, NOW), 2 * PAGE - 1);
	(void)ask(
	    p, "UPDATE certificate SET state = 1, revoked_at = NULL, reason = NULL WHERE id = 5");
	assert_int_equal(publish(p, NOW), 2 * PAGE - 2);
}

/* Whoever gives them a shard, they are on its list and on the complete one from then on. */
static void test_shards_add_up_to_the_complete_list(void **state)
{
	enum { SHARDS = 5 };
	struct place *p = *state;

	for (int round = 0; round < ROUNDS / 3; round++) {
		int64_t at = NOW + pick(0, 90) * DAY, sum = 0;

		revoke_some(p, (size_t)pick(1, 400), at, at + pick(0, 2));
		(void)ask(p, round % 3 ? "UPDATE certificate SET shard = id % 5 WHERE shard = 0"
				       : "UPDATE certificate SET shard = (shard + 1) % 5 "
					 "WHERE id % 97 = 1");
		for (int64_t shard = 1; shard < SHARDS && round % 2; shard++)
			sum += publish_list(p, shard, at);
		if (round % 2)
			assert_true(sum <= publish(p, at));
		else
			(void)publish(p, at - DAY);
	}
	assert_true(ask(p, "SELECT count(DISTINCT shard) FROM revoked_page WHERE fresh") > 3);
	(void)ask(p, "UPDATE certificate SET shard = 1 + id % 4");
	assert_int_equal(publish_list(p, 1, NOW) + publish_list(p, 2, NOW) +
			     publish_list(p, 3, NOW) + publish_list(p, 4, NOW),
			 publish(p, NOW));
}

/* The list of a shard is older than the complete one, and neither undoes the other's pages. */
static void test_lists_of_different_age_share_their_pages(void **state)
{
	struct place *p = *state;
	int64_t first;

	revoke_some(p, 2 * PAGE, NOW, NOW + 10);
	(void)ask(p, "UPDATE certificate SET shard = 1 + id % 2, not_after = 1900000000");
	(void)publish_list(p, 1, NOW);
	(void)publish(p, NOW + 20 * DAY);
	assert_true(pages(p) >= 8);
	first = ask(p, "SELECT min(id) FROM revoked_page");
	for (int round = 1; round < 4; round++) {
		(void)publish_list(p, 1, NOW + round);
		(void)publish_list(p, 2, NOW + round);
		(void)publish(p, NOW + 20 * DAY + round);
	}
	assert_int_equal(ask(p, "SELECT min(id) FROM revoked_page"), first);
	assert_int_equal(ask(p, "SELECT max(id) - min(id) + 1 = count(*) FROM revoked_page"), 1);
	/* one that expired in between is on the older list only */
	(void)ask(p, "UPDATE certificate SET not_after = 1800864000 WHERE id = 100");
	assert_int_equal(publish(p, NOW + 20 * DAY), 2 * PAGE - 1);
	assert_int_equal(publish_list(p, 1, NOW) + publish_list(p, 2, NOW), 2 * PAGE);
	assert_int_equal(publish(p, NOW + 20 * DAY), 2 * PAGE - 1);
}

static int take_shard(void *arg, const struct hf_shard *shard)
{
	struct hf_shard *seen = arg;

	assert_true(shard->number >= 1 && shard->number <= 3);
	seen[shard->number] = *shard;
	return 0;
}

static void look_at_shards(struct place *p, struct hf_shard seen[4])
{
	struct hf_err err = HF_ERR_INIT;

	memset(seen, 0, 4 * sizeof(seen[0]));
	assert_int_equal(hf_store_each_shard(p->store, p->issuer, NOW, take_shard, seen, &err), 0);
}

static void test_a_shard_is_stale_until_its_list_has_what_was_added(void **state)
{
	char one[] = "http://x/1", two[] = "http://x/2", three[] = "http://x/3", new[] = "http://y";
	char *const urls[] = { one, two, three };
	char *const moved[] = { new };
	struct place *p = *state;
	struct hf_shard seen[4];
	struct hf_err err = HF_ERR_INIT;

	assert_int_equal(hf_store_shards_ready(p->store, p->issuer, 3, urls[2], &err), 0);
	assert_int_equal(hf_store_plan_shards(p->store, p->issuer, urls, 3, &err), 0);
	assert_int_equal(hf_store_shards_ready(p->store, p->issuer, 3, urls[2], &err), 0);
	look_at_shards(p, seen);
	for (int64_t i = 1; i <= 3; i++) {
		assert_true(seen[i].stale && !seen[i].named && !seen[i].this_update);
		(void)publish_list(p, i, NOW);
	}
	assert_int_equal(hf_store_shards_ready(p->store, p->issuer, 3, urls[2], &err), 1);
	/* one that is revoked touches its own shard only */
	revoke_some(p, 1, NOW, NOW);
	look_at_shards(p, seen);
	assert_true(!seen[1].stale && !seen[2].stale && !seen[3].stale);
	(void)ask(p, "UPDATE certificate SET shard = 2, not_after = "
		     "1900000000");
	look_at_shards(p, seen);
	assert_true(!seen[1].stale && seen[2].stale && !seen[3].stale);
	assert_true(!seen[1].named && seen[2].named);
	assert_int_equal(publish_list(p, 2, NOW), 1);
	look_at_shards(p, seen);
	assert_false(seen[2].stale);
	/* and so does an URL */
	assert_int_equal(hf_store_plan_shards(p->store, p->issuer, moved, 1, &err), 0);
	assert_int_equal(hf_store_plan_shards(p->store, p->issuer, urls, 3, &err), 0);
	look_at_shards(p, seen);
	assert_true(seen[1].stale && !seen[2].stale && !seen[3].stale);
	assert_int_equal(hf_store_shards_ready(p->store, p->issuer, 3, urls[2], &err), 0);
	assert_int_equal(hf_store_plan_shards(p->store, p->issuer, urls, HF_CRL_SHARDS_CAP + 1,
					      &err),
			 -HF_E_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_full_pages_are_kept_and_the_rest_is_not,
						setup_with_ledger, teardown),
		cmocka_unit_test_setup_teardown(test_a_list_comes_from_its_pages, setup_with_ledger,
						teardown),
		cmocka_unit_test_setup_teardown(test_only_the_page_of_a_change_is_made_again,
						setup_with_ledger, teardown),
		cmocka_unit_test_setup_teardown(test_a_clock_that_is_set_back, setup_with_ledger,
						teardown),
		cmocka_unit_test_setup_teardown(test_any_order_of_revocations_and_of_time,
						setup_with_ledger, teardown),
		cmocka_unit_test_setup_teardown(test_deleted_and_mended_rows_are_felt,
						setup_with_ledger, teardown),
		cmocka_unit_test_setup_teardown(test_shards_add_up_to_the_complete_list,
						setup_with_ledger, teardown),
		cmocka_unit_test_setup_teardown(test_lists_of_different_age_share_their_pages,
						setup_with_ledger, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_shard_is_stale_until_its_list_has_what_was_added, setup_with_ledger,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
