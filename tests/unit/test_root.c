/* SPDX-License-Identifier: Apache-2.0 */
/* src/ca/root*: the ceremony of an offline root, and its lists over a year. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "base/time.h"
#include "ca/root.h"

#include "remove_tree.h"

enum { NOW = 1800000000, DAY = HF_DAY_SECONDS };

struct place {
	char root[PATH_MAX], home[PATH_MAX], answer[PATH_MAX], base[64];
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	(void)hf_str_copy(p->base, sizeof(p->base), "/tmp/hf-root-XXXXXX");
	assert_non_null(mkdtemp(p->base));
	(void)snprintf(p->root, sizeof(p->root), "%s/root", p->base);
	(void)snprintf(p->home, sizeof(p->home), "%s/home", p->base);
	(void)snprintf(p->answer, sizeof(p->answer), "%s/answer.pem", p->base);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	remove_tree(p->base);
	free(p);
	return 0;
}

static struct hf_authority *open_at(const char *home, int64_t now)
{
	struct hf_authority_options options = { .now = now, .actor = "test" };
	struct hf_authority *a = NULL;
	struct hf_err err = HF_ERR_INIT;

	if (hf_authority_open(home, &options, &a, &err) < 0)
		fail_msg("%s", err.msg);
	return a;
}

static void make_root(const struct place *p)
{
	HF_AUTO_DONE(hf_init_result) r = { .root = NULL };
	struct hf_init_options o = { .home = p->root,
				     .name = "Ceremony",
				     .key_type = HF_KEY_P256,
				     .root_only = true,
				     .now = NOW };
	struct hf_err err = HF_ERR_INIT;

	if (hf_authority_init(&o, &r, &err) < 0)
		fail_msg("%s", err.msg);
	assert_null(r.issuing);
	assert_int_equal(r.root->pathlen, -1);
}

static void request(const struct place *p, char path[PATH_MAX])
{
	HF_AUTO(hf_csr) csr = NULL;
	struct hf_root_request r = { .home = p->home, .name = "Ceremony", .key_type = HF_KEY_P256 };
	struct hf_err err = HF_ERR_INIT;

	if (hf_root_request_new(&r, path, &csr, &err) < 0)
		fail_msg("%s", err.msg);
}

/* Signs at `now`, with lists until then (0: one). */
static void sign_to(const struct place *p, const char *path, int64_t lists_until, int64_t now,
		    struct hf_buf *pem)
{
	HF_AUTO(hf_authority) a = open_at(p->root, now);
	HF_AUTO_DONE(hf_root_answer) answer = { .csr = NULL };
	struct hf_err err = HF_ERR_INIT;

	if (hf_root_plan(a, path, 0, NULL, now, &answer, &err) < 0 ||
	    hf_root_sign(a, &answer, lists_until, now, pem, &err) < 0)
		fail_msg("%s", err.msg);
}

static void found_from(const struct place *p, const struct hf_buf *pem, int64_t now, int wanted)
{
	HF_AUTO_DONE(hf_pemfile) answer = HF_PEMFILE_INIT;
	HF_AUTO_DONE(hf_root_accepted) accepted = { .root = NULL };
	struct hf_err err = HF_ERR_INIT;

	assert_int_equal(hf_pemfile_parse(&answer, pem->data, pem->len, "answer", 0, NULL, &err),
			 0);
	assert_int_equal(hf_root_found(p->home, &answer, NULL, "test", now, &accepted, &err),
			 wanted);
	assert_int_equal(accepted.founded, wanted == 0);
}

static void make_both(const struct place *p, int64_t lists_until)
{
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(1024 * 1024);
	char path[PATH_MAX];

	make_root(p);
	request(p, path);
	sign_to(p, path, lists_until, NOW, &pem);
	found_from(p, &pem, NOW, 0);
}

static char *released_number(const char *dir, int64_t now)
{
	HF_AUTO(hf_crl) crl = NULL;
	struct hf_err err = HF_ERR_INIT;

	if (hf_root_release(dir, now, &crl, &err) < 0)
		fail_msg("%s", err.msg);
	return crl ? hf_str_dup(crl->number) : NULL;
}

static void test_found(void **state)
{
	const struct place *p = *state;
	HF_AUTO(hf_authority) a = NULL;
	char path[PATH_MAX];

	make_both(p, 0);
	a = open_at(p->home, NOW);
	assert_false(a->single);
	assert_true(hf_ca_has_key(&a->issuing));
	assert_false(hf_ca_has_key(&a->root));
	assert_int_equal(hf_ca_load_key(a, &a->issuing, NULL), 0);
	assert_int_equal(hf_path_join(path, sizeof(path), p->home, "ca.request", NULL), 0);
	assert_false(hf_file_exists(path));
}

/* An answer for another request: the key that waits here is not in it. */
static void test_wrong_answer(void **state)
{
	const struct place *p = *state;
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(1024 * 1024);
	struct place other = *p;
	char path[PATH_MAX];

	make_root(p);
	(void)snprintf(other.home, sizeof(other.home), "%s/other", p->base);
	request(&other, path);
	sign_to(p, path, 0, NOW, &pem);
	request(p, path);
	found_from(p, &pem, NOW, -HF_E_MISMATCH);
	assert_true(hf_file_exists(path));
	assert_int_equal(hf_path_join(path, sizeof(path), p->home, "ca", NULL), 0);
	assert_false(hf_file_exists(path));
}

/* What a root's home issues: CAs, and nothing else. */
static void test_root_issues_no_leaf(void **state)
{
	const struct place *p = *state;
	HF_AUTO(hf_authority) a = NULL;
	HF_AUTO_DONE(hf_order) order = { .lifetime = DAY };
	const struct hf_sans none = HF_SANS_INIT;
	struct hf_err err = HF_ERR_INIT;

	make_root(p);
	a = open_at(p->root, NOW);
	assert_true(a->root_only);
	order.profile = hf_ca_profile_find("client");
	assert_int_equal(hf_order_for_name(&order, "x", NULL, &none, &err), 0);
	assert_int_equal(hf_key_generate(HF_KEY_P256, &order.key, &err), 0);
	assert_int_equal(hf_order_check(a, &order, NOW, &err), -HF_E_POLICY);
}

static void test_lists_are_released_by_date(void **state)
{
	const struct place *p = *state;
	struct hf_root_lists lists;
	HF_AUTO(hf_authority) a = NULL;
	char *number;

	make_both(p, NOW + INT64_C(365) * DAY);
	a = open_at(p->home, NOW);
	assert_int_equal(hf_root_lists_look(a->dir, NOW, &lists, NULL), 0);
	assert_int_equal(lists.waiting, 12);
	assert_false(lists.due);
	assert_true(lists.covered_until >= NOW + INT64_C(365) * DAY);
	assert_null(released_number(a->dir, NOW + 29 * DAY));
	assert_int_equal(hf_root_lists_look(a->dir, NOW + 31 * DAY, &lists, NULL), 0);
	assert_true(lists.due);
	number = released_number(a->dir, NOW + 31 * DAY);
	assert_string_equal(number, "3"); /* 1 was the founding's, 2 the first of the year */
	free(number);
	assert_null(released_number(a->dir, NOW + 31 * DAY));
	/* months later the newest, not each in turn */
	number = released_number(a->dir, NOW + 200 * DAY);
	assert_string_equal(number, "8");
	free(number);
	/* a clock that goes back changes nothing */
	assert_null(released_number(a->dir, NOW + 31 * DAY));
}

/* A list made in an emergency has a higher number than those that wait: they are overtaken, for
 * they do not know whom it revokes. */
static void test_a_later_list_overtakes_those_that_wait(void **state)
{
	const struct place *p = *state;
	HF_AUTO(hf_authority) root = NULL, a = NULL;
	HF_AUTO_DONE(hf_crl_published) urgent = { .crl = NULL };
	HF_AUTO_DONE(hf_root_accepted) accepted = { .root = NULL };
	HF_AUTO_DONE(hf_pemfile) answer = HF_PEMFILE_INIT;
	struct hf_root_lists lists;
	struct hf_err err = HF_ERR_INIT;

	make_both(p, NOW + INT64_C(365) * DAY);
	root = open_at(p->root, NOW + 40 * DAY);
	assert_int_equal(hf_authority_publish_crl(root, &root->root, 0, p->answer, NOW + 40 * DAY,
						  &urgent, &err),
			 0);
	a = open_at(p->home, NOW + 40 * DAY);
	assert_int_equal(hf_pemfile_load(&answer, p->answer, 0, NULL, &err), 0);
	assert_int_equal(hf_root_accept(a, p->home, &answer, NOW + 40 * DAY, &accepted, &err), 0);
	assert_int_equal(accepted.lists, 1);
	assert_null(accepted.issuing);
	assert_null(released_number(a->dir, NOW + 100 * DAY));
	assert_int_equal(hf_root_lists_look(a->dir, NOW + 100 * DAY, &lists, NULL), 0);
	assert_int_equal(lists.waiting, 0);
}

/* Revoked and soon to expire: a list made now must still name it, though lists signed ahead of time
 * were made before. */
static void test_lists_ahead_do_not_hide_what_expires_before_them(void **state)
{
	const struct place *p = *state;
	HF_AUTO(hf_authority) root = NULL;
	HF_AUTO_DONE(hf_crl_published) list = { .crl = NULL };
	HF_AUTO_DONE(hf_records) found = HF_RECORDS_INIT;
	struct hf_record_filter filter = { 0 };
	struct hf_err err = HF_ERR_INIT;
	int64_t last_day;

	make_both(p, NOW + INT64_C(2000) * DAY);
	root = open_at(p->root, NOW);
	filter.issuer = root->root.store_id;
	assert_int_equal(hf_store_collect(root->store, &filter, &found, &err), 0);
	assert_int_equal(found.len, 2);
	/* the CA ends before the last of the lists begins */
	last_day = found.items[1]->not_after - 10 * DAY;
	assert_int_equal(hf_store_revoke(root->store, found.items[1]->id, 1, last_day, &err), 0);
	assert_int_equal(hf_authority_publish_crl(root, &root->root, 0, NULL, last_day, &list,
						  &err),
			 0);
	assert_int_equal(list.crl->revoked_count, 1);
}

static void test_lists_of_another_root_are_refused(void **state)
{
	const struct place *p = *state;
	struct place other = *p;
	HF_AUTO(hf_authority) a = NULL, stranger = NULL;
	HF_AUTO_DONE(hf_crls) lists = HF_CRLS_INIT;
	struct hf_err err = HF_ERR_INIT;

	make_both(p, 0);
	(void)snprintf(other.root, sizeof(other.root), "%s/stranger", p->base);
	make_root(&other);
	stranger = open_at(other.root, NOW);
	assert_int_equal(hf_root_presign(stranger, NOW + 100 * DAY, 0, NOW, &lists, &err), 0);
	assert_int_equal(lists.len, 4);
	a = open_at(p->home, NOW);
	assert_int_equal(hf_root_keep_lists(a->dir, a->root.cert, &lists, &err), -HF_E_POLICY);
}

static void test_presign_has_limits(void **state)
{
	const struct place *p = *state;
	HF_AUTO(hf_authority) a = NULL;
	HF_AUTO_DONE(hf_crls) lists = HF_CRLS_INIT;
	struct hf_err err = HF_ERR_INIT;

	make_root(p);
	a = open_at(p->root, NOW);
	assert_int_equal(hf_root_presign(a, NOW - DAY, 0, NOW, &lists, &err), -HF_E_POLICY);
	assert_int_equal(hf_root_presign(a, NOW + INT64_C(3000) * DAY, DAY, NOW, &lists, &err),
			 -HF_E_LIMIT);
	assert_int_equal(lists.len, 0);
}

static void test_renewal_keeps_the_key(void **state)
{
	const struct place *p = *state;
	HF_AUTO(hf_authority) a = NULL, again = NULL;
	HF_AUTO(hf_csr) csr = NULL;
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(1024 * 1024);
	HF_AUTO_DONE(hf_pemfile) answer = HF_PEMFILE_INIT;
	HF_AUTO_DONE(hf_root_accepted) accepted = { .root = NULL };
	struct hf_err err = HF_ERR_INIT;
	int64_t later = NOW + INT64_C(1000) * DAY;
	char path[PATH_MAX];

	make_both(p, 0);
	a = open_at(p->home, later);
	assert_int_equal(hf_root_request_renewal(p->home, a, false, path, &csr, &err), 0);
	assert_int_equal(hf_root_request_renewal(p->home, a, false, path, &csr, &err), -HF_E_EXIST);
	sign_to(p, path, 0, later, &pem);
	assert_int_equal(hf_pemfile_parse(&answer, pem.data, pem.len, "answer", 0, NULL, &err), 0);
	assert_int_equal(hf_root_accept(a, p->home, &answer, later, &accepted, &err), 0);
	assert_non_null(accepted.issuing);
	again = open_at(p->home, later);
	assert_true(again->issuing.cert->not_after > a->issuing.cert->not_after);
	assert_true(
	    hf_key_same(hf_cert_key_get0(again->issuing.cert), hf_cert_key_get0(a->issuing.cert)));
	assert_int_equal(hf_ca_load_key(again, &again->issuing, &err), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_found),
		T(test_wrong_answer),
		T(test_root_issues_no_leaf),
		T(test_lists_are_released_by_date),
		T(test_a_later_list_overtakes_those_that_wait),
		T(test_lists_ahead_do_not_hide_what_expires_before_them),
		T(test_lists_of_another_root_are_refused),
		T(test_presign_has_limits),
		T(test_renewal_keeps_the_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
