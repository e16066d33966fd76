/* SPDX-License-Identifier: Apache-2.0 */
/* src/ca/store: the ledger survives crashes, keeps serials apart, lets two work at once, and shows
 * every change in its log. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/err.h"
#include "base/file.h"
#include "ca/store/store.h"

#include "store_fixture.h"

static int intend(struct hf_store *store, const char *serial, const char *name, int64_t *ret_id,
		  struct hf_err *err)
{
	struct hf_intent intent = { .issuer = issuer_of(store),
				    .serial = serial,
				    .name = name,
				    .profile = "client",
				    .subject = "CN=x",
				    .sans = "",
				    .at = NOW };
	int rc = hf_store_intend(store, &intent, 1, err);

	*ret_id = intent.id;
	return rc;
}

static int record(struct hf_store *store, int64_t id, int64_t not_after, struct hf_err *err)
{
	uint8_t der[] = { 0x30, 0x03, 0x02, 0x01, (uint8_t)id };
	struct hf_outcome outcome = { .id = id,
				      .der = der,
				      .der_len = sizeof(der),
				      .not_before = NOW,
				      .not_after = not_after };

	outcome.sha256[0] = (uint8_t)id;
	outcome.sha256[1] = (uint8_t)(id >> 8);
	return hf_store_record(store, &outcome, 1, NOW, err);
}

static int64_t issue(struct hf_store *store, const char *serial, const char *name,
		     int64_t not_after)
{
	struct hf_err err = HF_ERR_INIT;
	int64_t id = 0;

	assert_int_equal(intend(store, serial, name, &id, &err), 0);
	assert_int_equal(record(store, id, not_after, &err), 0);
	return id;
}

/* The state of the one record with this serial; -1 when there is none. */
static int state_of(struct hf_store *store, const char *serial)
{
	struct hf_record_filter filter = { .serial = serial };
	HF_AUTO_DONE(hf_records) found = HF_RECORDS_INIT;
	struct hf_err err = HF_ERR_INIT;

	assert_int_equal(hf_store_collect(store, &filter, &found, &err), 0);
	assert_true(found.len <= 1);
	return found.len ? (int)found.items[0]->state : -1;
}

static void test_issued_certificate_is_found_by_every_key(void **state)
{
	HF_AUTO(hf_store) store = open_ledger(*state, true);
	struct hf_err err = HF_ERR_INIT;
	int64_t id = issue(store, "a1b", "amy", NOW + DAY);
	uint8_t sha256[HF_STORE_SHA256_LEN] = { (uint8_t)id };
	const struct hf_record_filter filters[] = {
		{ .id = id },
		{ .serial = "a1b" },
		{ .serial = "0A1B" },
		{ .name = "amy" },
		{ .sha256 = sha256 },
		{ .order = HF_ORDER_NOT_AFTER, .expires_from = NOW, .expires_until = NOW + DAY },
		{ .states = 1U << HF_RECORD_ISSUED },
		{ .like = "a*Y" },
		{ .like = "cn=x" },
		{ .like = "*", .order = HF_ORDER_NOT_AFTER, .expires_until = NOW + DAY },
	};
	const struct hf_record_filter nothing[] = {
		{ .id = id + 1 },
		{ .serial = "a1" },
		{ .name = "am" },
		{ .states = 1U << HF_RECORD_REVOKED },
		{ .order = HF_ORDER_NOT_AFTER, .expires_until = NOW + DAY - 1 },
		{ .order = HF_ORDER_NOT_AFTER, .expires_from = NOW + DAY + 1 },
		{ .issuer = 99 },
		{ .after_id = id },
		{ .order = HF_ORDER_REVOKED_AT },
		{ .like = "am" },
		{ .like = "" },
		{ .id = id, .like = "bob" },
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(filters); i++) {
		HF_AUTO_DONE(hf_records) found = HF_RECORDS_INIT;

		assert_int_equal(hf_store_collect(store, &filters[i], &found, &err), 0);
		assert_int_equal(found.len, 1);
		assert_string_equal(found.items[0]->serial, "a1b");
		assert_string_equal(found.items[0]->name, "amy");
		assert_string_equal(found.items[0]->subject, "CN=x");
		assert_int_equal(found.items[0]->not_after, NOW + DAY);
		assert_int_equal(found.items[0]->der_len, 5);
		assert_int_equal(found.items[0]->reason, -1);
	}
	for (size_t i = 0; i < HF_ARRAY_LEN(nothing); i++) {
		HF_AUTO_DONE(hf_records) found = HF_RECORDS_INIT;

		assert_int_equal(hf_store_collect(store, &nothing[i], &found, &err), 0);
		assert_int_equal(found.len, 0);
	}
}

static void test_serial_is_never_used_twice_by_an_issuer(void **state)
{
	HF_AUTO(hf_store) store = open_ledger(*state, true);
	struct hf_err err = HF_ERR_INIT;
	int64_t id = 0, other = 0;
	struct hf_intent both[] = {
		{ .issuer = issuer_of(store),
		  .serial = "c0",
		  .name = "x",
		  .profile = "client",
		  .at = NOW },
		{ .issuer = issuer_of(store),
		  .serial = "a1",
		  .name = "y",
		  .profile = "client",
		  .at = NOW },
	};
	uint8_t spki[HF_STORE_SHA256_LEN] = { 2 };

	(void)issue(store, "a1", "amy", NOW + DAY);
	assert_int_equal(intend(store, "a1", "bob", &id, &err), -HF_E_EXIST);
	assert_int_equal(intend(store, "0a1", "bob", &id, &err), -HF_E_EXIST);
	/* all or none */
	assert_int_equal(hf_store_intend(store, both, 2, &err), -HF_E_EXIST);
	assert_int_equal(state_of(store, "c0"), -1);
	/* another issuer may */
	assert_int_equal(hf_store_issuer(store, spki, "other", NOW, &other, &err), 0);
	both[1].issuer = other;
	assert_int_equal(hf_store_intend(store, both, 2, &err), 0);
}

static void test_wrong_serials_are_refused(void **state)
{
	static const char *const wrong[] = { "", "xyz", "-1",
					     "123456789012345678901234567890123456789012" };
	HF_AUTO(hf_store) store = open_ledger(*state, true);
	int64_t id;

	for (size_t i = 0; i < HF_ARRAY_LEN(wrong); i++) {
		struct hf_err err = HF_ERR_INIT;

		assert_true(intend(store, wrong[i], "x", &id, &err) < 0);
		assert_true(err.msg[0] != '\0');
	}
}

static void test_record_needs_its_intent(void **state)
{
	HF_AUTO(hf_store) store = open_ledger(*state, true);
	struct hf_err err = HF_ERR_INIT;
	int64_t id = issue(store, "a1", "amy", NOW + DAY);
	int64_t given_up = 0;

	assert_int_equal(record(store, 4711, NOW + DAY, &err), -HF_E_NOENT);
	assert_int_equal(record(store, id, NOW + DAY, &err), -HF_E_NOENT); /* not twice */
	assert_int_equal(intend(store, "a2", "amy", &given_up, &err), 0);
	assert_int_equal(hf_store_abandon(store, &given_up, 1, NOW, &err), 0);
	assert_int_equal(record(store, given_up, NOW + DAY, &err), -HF_E_NOENT);
	assert_int_equal(state_of(store, "a2"), HF_RECORD_ABANDONED);
}

/* A process that ends between intent and record, in the way nobody can catch. */
static void test_intent_of_a_killed_process_is_abandoned_at_the_next_start(void **state)
{
	const struct place *p = *state;
	struct hf_err err = HF_ERR_INIT;
	int status, ready[2];
	char byte;
	int64_t id;
	pid_t child;

	hf_store_close(open_ledger(p, true));
	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		struct hf_store *store = open_ledger(p, false);
		int64_t mine;

		if (intend(store, "dead", "amy", &mine, &err) == 0 && write(ready[1], "x", 1) == 1)
			(void)pause();
		_exit(1);
	}
	assert_true(child > 0);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	{ /* while it lives, another process leaves its intent alone */
		HF_AUTO(hf_store) store = open_ledger(p, false);

		assert_int_equal(state_of(store, "dead"), HF_RECORD_INTENT);
	}
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	{
		HF_AUTO(hf_store) store = open_ledger(p, false);

		assert_int_equal(state_of(store, "dead"), HF_RECORD_ABANDONED);
		assert_int_equal(intend(store, "dead", "amy", &id, &err), -HF_E_EXIST);
	}
	(void)close(ready[0]);
	(void)close(ready[1]);
}

static void test_two_handles_issue_at_once_and_see_each_other(void **state)
{
	HF_AUTO(hf_store) one = open_ledger(*state, true);
	HF_AUTO(hf_store) two = open_ledger(*state, false);
	struct hf_err err = HF_ERR_INIT;
	int64_t first = 0, second = 0, same = 0;

	assert_int_equal(intend(one, "a1", "amy", &first, &err), 0);
	assert_int_equal(intend(two, "a2", "bob", &second, &err), 0);
	assert_int_equal(intend(two, "a1", "bob", &same, &err), -HF_E_EXIST);
	assert_int_equal(record(two, second, NOW + DAY, &err), 0);
	assert_int_equal(record(one, first, NOW + DAY, &err), 0);
	assert_int_equal(state_of(one, "a2"), HF_RECORD_ISSUED);
	assert_int_equal(state_of(two, "a1"), HF_RECORD_ISSUED);
}

static void test_many_processes_issue_without_losing_any(void **state)
{
	enum { PROCESSES = 6, EACH = 20 };
	const struct place *p = *state;
	struct hf_record_filter issued = { .states = 1U << HF_RECORD_ISSUED };
	HF_AUTO_DONE(hf_records) found = HF_RECORDS_INIT;
	struct hf_err err = HF_ERR_INIT;
	pid_t children[PROCESSES];

	hf_store_close(open_ledger(p, true));
	for (int c = 0; c < PROCESSES; c++) {
		children[c] = fork();
		if (children[c] == 0) {
			struct hf_store *store = open_ledger(p, false);
			bool good = true;

			for (int i = 0; i < EACH; i++) {
				char serial[32];
				int64_t id = 0;

				(void)snprintf(serial, sizeof(serial), "%x%02x", (unsigned)c + 1,
					       (unsigned)i);
				good = good && intend(store, serial, "n", &id, &err) == 0 &&
				       record(store, id, NOW + DAY, &err) == 0;
			}
			_exit(good ? 0 : 1);
		}
	}
	for (int c = 0; c < PROCESSES; c++) {
		int status = -1;

		assert_int_equal(waitpid(children[c], &status, 0), children[c]);
		assert_int_equal(status, 0);
	}
	{
		HF_AUTO(hf_store) store = open_ledger(p, false);

		assert_int_equal(hf_store_collect(store, &issued, &found, &err), 0);
		assert_int_equal(found.len, PROCESSES * EACH);
	}
}

static void test_revocation_is_once_and_only_of_what_was_issued(void **state)
{
	HF_AUTO(hf_store) store = open_ledger(*state, true);
	struct hf_record_filter revoked = { .order = HF_ORDER_REVOKED_AT };
	HF_AUTO_DONE(hf_records) found = HF_RECORDS_INIT;
	struct hf_err err = HF_ERR_INIT;
	int64_t id = issue(store, "a1", "amy", NOW + DAY), intent = 0;

	assert_int_equal(hf_store_revoke(store, id, 1, NOW + 5, &err), 0);
	assert_int_equal(hf_store_revoke(store, id, 4, NOW + 9, &err), 1);
	assert_int_equal(intend(store, "a2", "bob", &intent, &err), 0);
	assert_int_equal(hf_store_revoke(store, intent, 1, NOW, &err), -HF_E_NOENT);
	assert_int_equal(hf_store_revoke(store, 99, 1, NOW, &err), -HF_E_NOENT);
	assert_int_equal(hf_store_collect(store, &revoked, &found, &err), 0);
	assert_int_equal(found.len, 1);
	assert_int_equal(found.items[0]->reason, 1);
	assert_int_equal(found.items[0]->revoked_at, NOW + 5);
}

struct draft_seen {
	int64_t number, last_update;
	size_t revoked;
	int fail;
};

static int count_revoked(void *arg, const struct hf_revoked *revoked)
{
	struct draft_seen *seen = arg;

	assert_true(revoked->serial_len > 0 && revoked->revoked_at >= NOW);
	seen->revoked++;
	return 0;
}

static int build_list(void *arg, struct hf_store *store, const struct hf_crl_draft *draft,
		      struct hf_crl_final *ret_final, struct hf_err *err)
{
	static const uint8_t der[] = { 0x30, 0x00 };
	struct draft_seen *seen = arg;
	int rc = hf_store_each_revoked(store, issuer_of(store), HF_CRL_COMPLETE, draft->last_update,
				       count_revoked, seen, err);

	seen->number = draft->number;
	seen->last_update = draft->last_update;
	*ret_final = (struct hf_crl_final){ NOW + 1000 * draft->number,
					    NOW + DAY,
					    (int64_t)seen->revoked,
					    der,
					    sizeof(der),
					    NULL };
	return seen->fail ? hf_err_set(err, HF_E_CRYPTO, "as asked") : rc;
}

static void test_list_numbers_grow_and_are_not_spent_on_failures(void **state)
{
	HF_AUTO(hf_store) store = open_ledger(*state, true);
	struct hf_err err = HF_ERR_INIT;
	int64_t issuer = issuer_of(store);
	struct draft_seen first = { 0 }, failed = { .fail = 1 }, second = { 0 }, third = { 0 };

	assert_int_equal(hf_store_revoke(store, issue(store, "a1", "amy", NOW + DAY), 0, NOW, &err),
			 0);
	assert_int_equal(hf_store_publish_crl(store, issuer, HF_CRL_COMPLETE, build_list, &first,
					      &err),
			 0);
	assert_int_equal(first.number, 1);
	assert_int_equal(first.last_update, 0);
	assert_int_equal(first.revoked, 1);
	assert_int_equal(hf_store_publish_crl(store, issuer, HF_CRL_COMPLETE, build_list, &failed,
					      &err),
			 -HF_E_CRYPTO);
	assert_int_equal(hf_store_publish_crl(store, issuer, HF_CRL_COMPLETE, build_list, &second,
					      &err),
			 0);
	assert_int_equal(second.number, 2);
	assert_int_equal(second.last_update, NOW + 1000);
	/* expired ones stay for one list beyond their end, then go (RFC 5280 3.3) */
	assert_int_equal(hf_store_revoke(store, issue(store, "a2", "old", NOW + 1500), 0, NOW,
					 &err),
			 0);
	assert_int_equal(hf_store_publish_crl(store, issuer, HF_CRL_COMPLETE, build_list, &third,
					      &err),
			 0);
	assert_int_equal(third.revoked, 1);
}

struct chain {
	uint8_t hash[HF_STORE_SHA256_LEN];
	size_t rows;
	bool whole;
};

static int follow(void *arg, const struct hf_audit_row *row)
{
	struct chain *chain = arg;
	uint8_t want[HF_STORE_SHA256_LEN];
	struct hf_err err = HF_ERR_INIT;

	assert_int_equal(hf_audit_hash(chain->hash, row, want, &err), 0);
	chain->whole = chain->whole && memcmp(want, row->hash, sizeof(want)) == 0;
	memcpy(chain->hash, row->hash, sizeof(chain->hash));
	chain->rows++;
	return 0;
}

static struct chain read_chain(struct hf_store *store)
{
	struct chain chain = { { 0 }, 0, true };
	struct hf_err err = HF_ERR_INIT;

	assert_int_equal(hf_store_audit_each(store, 0, follow, &chain, &err), 0);
	return chain;
}

static void test_audit_log_shows_every_change_and_a_forged_row(void **state)
{
	const struct place *p = *state;
	HF_AUTO(hf_store) store = open_ledger(p, true);
	struct hf_err err = HF_ERR_INIT;
	struct draft_seen seen = { 0 };
	struct chain chain;
	sqlite3 *forger = NULL;

	assert_int_equal(hf_store_audit_append(store, "init", "ABC", NOW, &err), 0);
	assert_int_equal(hf_store_revoke(store, issue(store, "a1", "amy", NOW + DAY), 1, NOW, &err),
			 0);
	assert_int_equal(hf_store_publish_crl(store, issuer_of(store), HF_CRL_COMPLETE, build_list,
					      &seen, &err),
			 0);
	chain = read_chain(store);
	assert_int_equal(chain.rows, 4); /* init, issue, revoke, crl */
	assert_true(chain.whole);
	assert_int_equal(sqlite3_open(p->path, &forger), SQLITE_OK);
	assert_int_equal(sqlite3_exec(forger, "UPDATE audit SET detail = 'x' WHERE id = 2", NULL,
				      NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_close(forger), SQLITE_OK);
	chain = read_chain(store);
	assert_false(chain.whole);
}

static void test_facts_are_kept(void **state)
{
	HF_AUTO(hf_store) store = open_ledger(*state, true);
	HF_AUTO_DONE(hf_buf) value = HF_BUF_INIT(100);
	struct hf_err err = HF_ERR_INIT;

	assert_int_equal(hf_store_meta_get(store, "colour", &value, &err), 1);
	assert_int_equal(hf_store_meta_set(store, "colour", "blue", &err), 0);
	assert_int_equal(hf_store_meta_set(store, "colour", "green", &err), 0);
	assert_int_equal(hf_store_meta_get(store, "colour", &value, &err), 0);
	assert_string_equal(hf_buf_str(&value), "green");
}

static void test_file_is_private_and_is_made_only_when_asked(void **state)
{
	const struct place *p = *state;
	struct hf_store_options options = { .now = NOW };
	struct hf_store *store = NULL;
	struct hf_err err = HF_ERR_INIT;
	struct stat st;
	mode_t before = umask(0);

	assert_true(hf_store_open(p->path, &options, &store, &err) < 0);
	assert_null(store);
	assert_false(hf_file_exists(p->path));
	hf_store_close(open_ledger(p, true));
	(void)umask(before);
	assert_int_equal(stat(p->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	options.create = true;
	assert_int_equal(hf_store_open(p->path, &options, &store, &err), -HF_E_EXIST);
}

static void test_foreign_newer_and_damaged_files_are_told_apart(void **state)
{
	static const struct {
		const char *sql;
		int code;
		const char *word;
	} rows[] = {
		{ "CREATE TABLE t (x)", HF_E_PARSE, "not a ledger" },
		{ "PRAGMA application_id = 1212564289; PRAGMA user_version = 99", HF_E_UNSUPPORTED,
		  "newer" },
		{ NULL, HF_E_PARSE, "not a database" },
	};
	const struct place *p = *state;

	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		struct hf_store_options options = { .now = NOW };
		struct hf_store *store = NULL;
		struct hf_err err = HF_ERR_INIT;
		sqlite3 *db = NULL;

		(void)unlink(p->path);
		if (rows[i].sql) {
			assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
			assert_int_equal(sqlite3_exec(db, rows[i].sql, NULL, NULL, NULL),
					 SQLITE_OK);
			assert_int_equal(sqlite3_close(db), SQLITE_OK);
		} else {
			assert_int_equal(
			    hf_file_write(p->path,
					  "serial=01, and other things that are no SQLite\n", 47,
					  HF_MODE_SECRET, 0, &err),
			    0);
		}
		assert_int_equal(hf_store_open(p->path, &options, &store, &err), -rows[i].code);
		assert_non_null(strstr(err.msg, rows[i].word));
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_issued_certificate_is_found_by_every_key),
		CASE(test_serial_is_never_used_twice_by_an_issuer),
		CASE(test_wrong_serials_are_refused),
		CASE(test_record_needs_its_intent),
		CASE(test_intent_of_a_killed_process_is_abandoned_at_the_next_start),
		CASE(test_two_handles_issue_at_once_and_see_each_other),
		CASE(test_many_processes_issue_without_losing_any),
		CASE(test_revocation_is_once_and_only_of_what_was_issued),
		CASE(test_list_numbers_grow_and_are_not_spent_on_failures),
		CASE(test_audit_log_shows_every_change_and_a_forged_row),
		CASE(test_facts_are_kept),
		CASE(test_file_is_private_and_is_made_only_when_asked),
		CASE(test_foreign_newer_and_damaged_files_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
