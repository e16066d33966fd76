/* SPDX-License-Identifier: Apache-2.0 */
/* src/ca/store, what an authority brings with it: certificates of another program, with and
 * without their bytes, and the number of its next list. */
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
#include "ca/store/store.h"

#include "store_fixture.h"

#define ZEROS "00000000000000000000000000000000000000000000000000000000000000"

static struct hf_adopted row(const char *serial)
{
	return (struct hf_adopted){ .serial = serial,
				    .name = "amy",
				    .profile = "client",
				    .subject = "/CN=amy",
				    .sans = "",
				    .asked_at = NOW - DAY,
				    .not_after = NOW + DAY };
}

static int count_audit(void *arg, const struct hf_audit_row *r)
{
	int *counts = arg;

	counts[0] += strcmp(r->action, "adopt") == 0;
	counts[1] += strcmp(r->action, "revoke") == 0 && r->at == NOW;
	return 0;
}

static void test_adopted_certificate_is_listed_with_its_own_dates(void **state)
{
	struct place *p = *state;
	struct hf_record_filter filter = { .serial = "1000" };
	HF_AUTO_DONE(hf_records) found = HF_RECORDS_INIT;
	struct hf_err err = HF_ERR_INIT;
	const uint8_t der[] = { 0x30, 0 };
	struct hf_adopted rows[] = { row("1000"), row("1001") };

	rows[0].der = der;
	rows[0].der_len = sizeof(der);
	rows[0].sha256[0] = 7;
	rows[0].not_before = NOW - DAY;
	assert_int_equal(hf_store_adopt(p->store, p->issuer, rows, 2, NOW, &err), 0);
	assert_int_equal(hf_store_collect(p->store, &filter, &found, &err), 0);
	assert_int_equal(found.len, 1);
	assert_int_equal(found.items[0]->state, HF_RECORD_ISSUED);
	assert_int_equal(found.items[0]->not_before, NOW - DAY);
	assert_int_equal(found.items[0]->not_after, NOW + DAY);
	assert_int_equal(found.items[0]->der_len, 2);
	assert_int_equal(found.items[0]->sha256[0], 7);
}

static void test_certificate_known_by_serial_alone_can_be_revoked_later(void **state)
{
	struct place *p = *state;
	struct hf_record_filter filter = { .serial = "1001" };
	HF_AUTO_DONE(hf_records) found = HF_RECORDS_INIT;
	struct hf_err err = HF_ERR_INIT;
	struct hf_adopted one = row("1001");

	assert_int_equal(hf_store_adopt(p->store, p->issuer, &one, 1, NOW, &err), 0);
	assert_int_equal(hf_store_collect(p->store, &filter, &found, &err), 0);
	assert_int_equal(found.len, 1);
	assert_null(found.items[0]->der);
	assert_int_equal(hf_store_revoke(p->store, found.items[0]->id, 1, NOW, &err), 0);
}

static int take_serial(void *arg, const struct hf_revoked *revoked)
{
	struct hf_revoked *last = arg;

	assert_int_equal(revoked->serial_len, 1);
	assert_int_equal(revoked->serial[0], 0xab);
	last->revoked_at = revoked->revoked_at;
	last->reason = revoked->reason;
	return 0;
}

static void test_adopted_revocation_keeps_its_date_and_reason(void **state)
{
	struct place *p = *state;
	struct hf_err err = HF_ERR_INIT;
	struct hf_adopted rows[] = { row("ab"), row("ac") };
	struct hf_revoked seen = { .serial = NULL };
	int counts[2] = { 0, 0 };

	rows[0].revoked = true;
	rows[0].revoked_at = NOW - 3600;
	rows[0].reason = 4;
	assert_int_equal(hf_store_adopt(p->store, p->issuer, rows, 2, NOW, &err), 0);
	assert_int_equal(hf_store_each_revoked(p->store, p->issuer, HF_CRL_COMPLETE, 0, take_serial,
					       &seen, &err),
			 0);
	assert_int_equal(seen.revoked_at, NOW - 3600);
	assert_int_equal(seen.reason, 4);
	assert_int_equal(hf_store_audit_each(p->store, 0, count_audit, counts, &err), 0);
	assert_int_equal(counts[0], 2);
	assert_int_equal(counts[1], 1);
}

static void test_serial_that_was_used_is_refused_and_nothing_is_added(void **state)
{
	struct place *p = *state;
	struct hf_record_filter all = { .issuer = 0 };
	HF_AUTO_DONE(hf_records) found = HF_RECORDS_INIT;
	struct hf_err err = HF_ERR_INIT;
	struct hf_adopted rows[] = { row("1"), row("01") };

	assert_int_equal(hf_store_adopt(p->store, p->issuer, rows, 2, NOW, &err), -HF_E_EXIST);
	assert_non_null(strstr(err.msg, "serial 01"));
	assert_int_equal(hf_store_collect(p->store, &all, &found, &err), 0);
	assert_int_equal(found.len, 0);
	rows[0].serial = "no serial";
	assert_int_equal(hf_store_adopt(p->store, p->issuer, rows, 1, NOW, &err), -HF_E_INVALID);
}

static int build_list(void *arg, struct hf_store *store, const struct hf_crl_draft *draft,
		      struct hf_crl_final *ret_final, struct hf_err *err)
{
	static const uint8_t der[] = { 0x30 };

	(void)store;
	(void)err;
	*(struct hf_crl_draft *)arg = *draft;
	*ret_final = (struct hf_crl_final){
		.this_update = NOW, .next_update = NOW + DAY, .der = der, .der_len = sizeof(der)
	};
	return 0;
}

static void test_lists_go_on_with_the_number_that_came_next(void **state)
{
	struct place *p = *state;
	struct hf_err err = HF_ERR_INIT;
	struct hf_crl_draft draft = { .last_update = 1 };
	int64_t next = 0;

	assert_int_equal(hf_store_next_crl(p->store, p->issuer, &next, &err), 0);
	assert_int_equal(next, 1);
	assert_int_equal(hf_store_continue_crl(p->store, p->issuer, 0, &err), -HF_E_INVALID);
	assert_int_equal(hf_store_continue_crl(p->store, p->issuer, 4096, &err), 0);
	assert_int_equal(hf_store_continue_crl(p->store, p->issuer, 17, &err), -HF_E_EXIST);
	assert_int_equal(hf_store_publish_crl(p->store, p->issuer, HF_CRL_COMPLETE, build_list,
					      &draft, &err),
			 0);
	assert_int_equal(draft.number, 4096);
	assert_int_equal(draft.last_update, 0); /* names all that were revoked before */
	assert_int_equal(hf_store_publish_crl(p->store, p->issuer, HF_CRL_COMPLETE, build_list,
					      &draft, &err),
			 0);
	assert_int_equal(draft.number, 4097);
	assert_int_equal(hf_store_next_crl(p->store, p->issuer, &next, &err), 0);
	assert_int_equal(next, 4098);
}

/* What the version before this one left behind. */
static void make_first_schema(const struct place *p)
{
	HF_AUTO_DONE(hf_buf) sql = HF_BUF_INIT(64 * 1024);
	const char *root = getenv("HF_SOURCE_ROOT");
	struct hf_err err = HF_ERR_INIT;
	char path[512];
	sqlite3 *db = NULL;

	assert_non_null(root);
	(void)snprintf(path, sizeof(path), "%s/src/ca/store/schema/001_first.sql", root);
	assert_int_equal(hf_file_read(path, &sql, &err), 0);
	assert_int_equal(
	    hf_buf_puts(
		&sql, "INSERT INTO issuer VALUES (1, x'01" ZEROS "', 'root', 0);"
		      "INSERT INTO certificate VALUES (3, 1, x'ab', 2, 'bob', 'server', 'CN=bob', "
		      "'', 1, NULL, 1, 1900000000, 5, 1, x'02" ZEROS "', x'3000');"
		      "INSERT INTO certificate VALUES (9, 1, x'ac', 3, 'eve', 'server', 'CN=eve', "
		      "'', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL);"
		      "PRAGMA application_id = 1212564289; PRAGMA user_version = 1;"),
	    0);
	assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, hf_buf_str(&sql), NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_ledger_of_the_first_schema_keeps_its_certificates(void **state)
{
	struct place *p = *state;
	struct hf_record_filter all = { .issuer = 0 };
	HF_AUTO_DONE(hf_records) found = HF_RECORDS_INIT;
	struct hf_err err = HF_ERR_INIT;
	struct hf_adopted one = row("ad");

	make_first_schema(p);
	p->store = open_ledger(p, false);
	p->issuer = issuer_of(p->store);
	assert_int_equal(p->issuer, 1);
	assert_int_equal(hf_store_collect(p->store, &all, &found, &err), 0);
	assert_int_equal(found.len, 2);
	assert_int_equal(found.items[0]->id, 3);
	assert_int_equal(found.items[0]->state, HF_RECORD_REVOKED);
	assert_int_equal(found.items[0]->revoked_at, 5);
	assert_int_equal(found.items[0]->sha256[0], 2);
	assert_int_equal(found.items[1]->id, 9);
	assert_int_equal(found.items[1]->state, HF_RECORD_ABANDONED);
	assert_int_equal(hf_store_adopt(p->store, p->issuer, &one, 1, NOW, &err), 0);
	one.serial = "ab";
	assert_int_equal(hf_store_adopt(p->store, p->issuer, &one, 1, NOW, &err), -HF_E_EXIST);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup_with_ledger, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_adopted_certificate_is_listed_with_its_own_dates),
		CASE(test_certificate_known_by_serial_alone_can_be_revoked_later),
		CASE(test_adopted_revocation_keeps_its_date_and_reason),
		CASE(test_serial_that_was_used_is_refused_and_nothing_is_added),
		CASE(test_lists_go_on_with_the_number_that_came_next),
		cmocka_unit_test_setup_teardown(
		    test_ledger_of_the_first_schema_keeps_its_certificates, setup, teardown),
	};

	return cmocka_run_group_tests_name("import_store", tests, NULL, NULL);
}
