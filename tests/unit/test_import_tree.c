/* SPDX-License-Identifier: Apache-2.0 */
/* src/ca/import: what an index says and what lies on the disk, brought together; what is odd about
 * it; and the configuration that an export writes. */
#include "certmake.h"

#include <stdlib.h>

#include "base/err.h"
#include "ca/import/openssl_export.h"
#include "ca/import/opensslcnf.h"
#include "ca/import/tree.h"

struct scene {
	struct certmade ca;
	struct hf_import_tree *tree;
};

static int setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->ca = certmake(&(struct certmake){
	    .subject = "/CN=ca", .ext = certmake_root, .serial = 4711, .to = 1000 * CERTMAKE_DAY });
	s->tree = calloc(1, sizeof(*s->tree));
	assert_non_null(s->tree);
	s->tree->kind = "openssl";
	s->tree->now = CERTMAKE_NOW;
	s->tree->ca = hf_cert_ref(s->ca.cert);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct scene *s = *state;

	hf_import_tree_free(s->tree);
	certmade_done(&s->ca);
	free(s);
	return 0;
}

static void add_row(struct scene *s, char status, const char *serial, const char *subject,
		    int64_t not_after)
{
	char file[] = "unknown", text[64];
	struct hf_index_row row = { .status = status,
				    .not_after = not_after,
				    .revoked_at = status == 'R' ? CERTMAKE_NOW - 60 : 0,
				    .reason = status == 'R' ? 4 : 0,
				    .file = file,
				    .subject = text,
				    .line = s->tree->len + 1 };
	struct hf_err err = HF_ERR_INIT;

	assert_true(hf_str_copy(text, sizeof(text), subject));
	assert_true(hf_str_copy(row.serial, sizeof(row.serial), serial));
	assert_int_equal(hf_import_add_row(s->tree, &row, &err), 0);
}

static int add_cert(struct scene *s, const struct certmake *spec, const char *name)
{
	struct certmade leaf = certmake(spec);
	struct hf_err err = HF_ERR_INIT;
	int rc = hf_import_add_cert(s->tree, leaf.cert, "newcerts/x.pem", name, &err);

	certmade_done(&leaf);
	return rc;
}

static void settle(struct scene *s)
{
	struct hf_err err = HF_ERR_INIT;

	assert_int_equal(hf_import_settle(s->tree, &err), 0);
}

static size_t found(const struct scene *s, enum hf_import_id id)
{
	return s->tree->findings.at[id].len;
}

static void test_rows_get_names_and_are_counted(void **state)
{
	static const struct {
		const char *subject, *name;
	} cases[] = {
		{ "/C=IN/CN=amy", "amy" },	 { "/CN=amy/O=ABC", "amy" },
		{ "/CN=a/b c/O=ABC", "a/b c" }, /* what follows is no attribute */
		{ "/CN=first/CN=last", "last" }, { "/O=nobody", "serial-4" },
		{ "/CN=", "serial-5" },		 { "/CN=\xff\n", "\\xff\\x0a" },
	};
	struct scene *s = *state;

	for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
		char serial[4];

		(void)snprintf(serial, sizeof(serial), "%zu", i);
		add_row(s, i == 0 ? 'R' : 'V', serial, cases[i].subject,
			CERTMAKE_NOW + (i == 1 ? -1 : 1) * CERTMAKE_DAY);
	}
	settle(s);
	assert_int_equal(s->tree->len, HF_ARRAY_LEN(cases));
	for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++)
		assert_string_equal(s->tree->entries[i].name, cases[i].name);
	assert_int_equal(s->tree->count.revoked, 1);
	assert_int_equal(s->tree->count.expired, 1);
	assert_int_equal(s->tree->count.valid, 5);
	assert_int_equal(s->tree->count.serial_only, 7);
	assert_int_equal(found(s, HF_IMPORT_EXPIRED_AS_VALID), 1);
}

static void test_row_and_file_of_one_serial_become_one(void **state)
{
	struct scene *s = *state;

	assert_int_equal(add_cert(s,
				  &(struct certmake){ .subject = "/CN=amy",
						      .issuer = &s->ca,
						      .ext = certmake_client,
						      .serial = 0x10,
						      .to = 30 * CERTMAKE_DAY },
				  NULL),
			 0);
	add_row(s, 'R', "10", "/CN=amy", CERTMAKE_NOW + 30 * CERTMAKE_DAY);
	settle(s);
	assert_int_equal(s->tree->len, 1);
	assert_int_equal(s->tree->entries[0].status, 'R');
	assert_int_equal(s->tree->entries[0].reason, 4);
	assert_non_null(s->tree->entries[0].der);
	assert_string_equal(s->tree->entries[0].profile, "client");
	assert_int_equal(found(s, HF_IMPORT_NOT_ON_DISK), 0);
	assert_int_equal(found(s, HF_IMPORT_NOT_IN_INDEX), 0);
	assert_int_equal(found(s, HF_IMPORT_INDEX_MISMATCH), 0);
}

static void test_revocation_is_kept_whichever_row_says_it(void **state)
{
	struct scene *s = *state;

	add_row(s, 'V', "10", "/CN=new", CERTMAKE_NOW + CERTMAKE_DAY);
	add_row(s, 'R', "10", "/CN=old", CERTMAKE_NOW + CERTMAKE_DAY);
	add_row(s, 'R', "11", "/CN=old", CERTMAKE_NOW + CERTMAKE_DAY);
	add_row(s, 'V', "11", "/CN=new", CERTMAKE_NOW + CERTMAKE_DAY);
	settle(s);
	assert_int_equal(s->tree->len, 2);
	assert_int_equal(s->tree->entries[0].status, 'R');
	assert_int_equal(s->tree->entries[1].status, 'R');
	assert_int_equal(found(s, HF_IMPORT_DUPLICATE_SERIAL), 2);
}

static void test_of_two_files_the_one_that_the_row_describes_counts(void **state)
{
	struct scene *s = *state;
	struct certmake spec = { .subject = "/CN=one",
				 .issuer = &s->ca,
				 .ext = certmake_client,
				 .serial = 0x10,
				 .to = 20 * CERTMAKE_DAY };

	assert_int_equal(add_cert(s, &spec, NULL), 0);
	spec.subject = "/CN=two";
	spec.to = 30 * CERTMAKE_DAY;
	assert_int_equal(add_cert(s, &spec, NULL), 0);
	add_row(s, 'V', "10", "/CN=two", CERTMAKE_NOW + 30 * CERTMAKE_DAY);
	settle(s);
	assert_int_equal(s->tree->len, 1);
	assert_string_equal(s->tree->entries[0].name, "two");
	assert_int_equal(found(s, HF_IMPORT_DUPLICATE_SERIAL), 1);
}

static void test_another_expiry_in_the_index_is_noted(void **state)
{
	struct scene *s = *state;

	assert_int_equal(add_cert(s,
				  &(struct certmake){ .issuer = &s->ca,
						      .ext = certmake_client,
						      .serial = 0x10,
						      .to = 30 * CERTMAKE_DAY },
				  NULL),
			 0);
	add_row(s, 'V', "10", "/CN=amy", CERTMAKE_NOW + 31 * CERTMAKE_DAY);
	settle(s);
	assert_int_equal(found(s, HF_IMPORT_INDEX_MISMATCH), 1);
	assert_int_equal(s->tree->entries[0].not_after, CERTMAKE_NOW + 30 * CERTMAKE_DAY);
}

static void test_certificate_of_another_key_is_left_out(void **state)
{
	struct scene *s = *state;
	struct certmade other =
	    certmake(&(struct certmake){ .subject = "/CN=ca", .ext = certmake_root });

	assert_int_equal(add_cert(s, &(struct certmake){ .issuer = &other, .ext = certmake_client },
				  NULL),
			 1);
	certmade_done(&other);
	settle(s);
	assert_int_equal(s->tree->len, 0);
	assert_int_equal(found(s, HF_IMPORT_OTHER_ISSUER), 1);
}

static void test_root_in_its_own_index_is_the_root(void **state)
{
	struct scene *s = *state;

	add_row(s, 'V', "1267", "/CN=ca", CERTMAKE_NOW + 1000 * CERTMAKE_DAY);
	settle(s);
	assert_int_equal(s->tree->len, 1);
	assert_string_equal(s->tree->entries[0].profile, "single");
	assert_non_null(s->tree->entries[0].der);
	assert_int_equal(found(s, HF_IMPORT_SUB_CA), 0);
}

static void test_serial_that_the_ledger_cannot_hold_is_an_error(void **state)
{
	struct scene *s = *state;

	assert_int_equal(add_cert(s,
				  &(struct certmake){
				      .issuer = &s->ca, .ext = certmake_client, .serial = -5 },
				  NULL),
			 -HF_E_UNSUPPORTED);
}

static void test_every_mark_of_a_certificate_is_made(void **state)
{
	static const char *const bare[] = { "basicConstraints=critical,CA:FALSE", NULL };
	static const char *const below[] = { "basicConstraints=critical,CA:TRUE", NULL };
	struct scene *s = *state;
	const struct {
		const char *says;
		struct certmake spec;
		enum hf_import_id want;
		bool no;
	} cases[] = {
		{ "a sound client", { .ext = certmake_client }, HF_IMPORT_NO_EKU, true },
		{ "a sound server", { .ext = certmake_server }, HF_IMPORT_CN_ONLY, true },
		{ "a client needs no SAN", { .ext = certmake_client }, HF_IMPORT_CN_ONLY, true },
		{ "version 1", { .version = 1, .ext = NULL }, HF_IMPORT_VERSION_1, false },
		{ "no purpose", { .ext = bare }, HF_IMPORT_NO_EKU, false },
		{ "no SAN", { .ext = bare }, HF_IMPORT_CN_ONLY, false },
		{ "a CA needs neither", { .ext = below }, HF_IMPORT_NO_EKU, true },
		{ "a CA below", { .ext = below }, HF_IMPORT_SUB_CA, false },
		{ "826 days",
		  { .ext = certmake_client, .to = 826 * CERTMAKE_DAY },
		  HF_IMPORT_LONG_VALIDITY,
		  false },
		{ "a year",
		  { .ext = certmake_client, .to = 365 * CERTMAKE_DAY },
		  HF_IMPORT_LONG_VALIDITY,
		  true },
		{ "longer than the CA",
		  { .ext = certmake_client, .to = 1001 * CERTMAKE_DAY },
		  HF_IMPORT_OUTLIVES_CA,
		  false },
		{ "RSA 1024",
		  { .ext = certmake_client, .key = "rsa1024" },
		  HF_IMPORT_WEAK_KEY,
		  false },
		{ "P-192", { .ext = certmake_client, .key = "P-192" }, HF_IMPORT_WEAK_KEY, false },
		{ "RSA 2048",
		  { .ext = certmake_client, .key = "rsa2048" },
		  HF_IMPORT_WEAK_KEY,
		  true },
		{ "SHA-1",
		  { .ext = certmake_client, .md = "SHA1" },
		  HF_IMPORT_WEAK_SIGNATURE,
		  false },
		{ "serial 0",
		  { .ext = certmake_client, .serial = -1 },
		  HF_IMPORT_SERIAL_ZERO,
		  false },
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(cases); i++) {
		struct certmake spec = cases[i].spec;
		struct certmade leaf;
		uint64_t marks;

		print_message("%s\n", cases[i].says);
		spec.issuer = &s->ca;
		leaf = certmake(&spec);
		marks = hf_import_marks(leaf.cert, s->ca.cert);
		assert_int_equal(marks >> cases[i].want & 1, !cases[i].no);
		certmade_done(&leaf);
	}
}

static void test_every_finding_has_its_own_name_and_says_what_to_do(void **state)
{
	(void)state;
	assert_true(HF_IMPORT_COUNT <= 64);
	for (int i = 0; i < HF_IMPORT_COUNT; i++) {
		const struct hf_import_info *info = hf_import_info((enum hf_import_id)i);

		assert_true(info->name[0] && info->sentence[0] && info->remedy[0]);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(info->name,
						hf_import_info((enum hf_import_id)k)->name);
	}
}

static void test_configuration_that_is_written_is_read_again(void **state)
{
	static const char *const dirs[] = { "/srv/ca", "/srv/a b",  "/srv/a#b",
					    "/srv/$x", "/srv/q\"q", "/srv/b\\s" };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(dirs); i++) {
		HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(1 << 20);
		HF_AUTO_DONE(hf_opensslcnf) cnf = { .section = NULL };
		HF_AUTO(cstr) index = hf_str_printf("%s/index.txt", dirs[i]);
		struct hf_err err = HF_ERR_INIT;

		assert_int_equal(hf_export_config(dirs[i], true, &text), 0);
		if (hf_opensslcnf_parse(hf_buf_str(&text), text.len, "x", NULL, &cnf, &err) < 0)
			fail_msg("%s", err.msg);
		assert_string_equal(cnf.dir, dirs[i]);
		assert_string_equal(cnf.database, index);
		assert_string_equal(cnf.unique_subject, "no");
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_rows_get_names_and_are_counted),
		CASE(test_row_and_file_of_one_serial_become_one),
		CASE(test_revocation_is_kept_whichever_row_says_it),
		CASE(test_of_two_files_the_one_that_the_row_describes_counts),
		CASE(test_another_expiry_in_the_index_is_noted),
		CASE(test_certificate_of_another_key_is_left_out),
		CASE(test_root_in_its_own_index_is_the_root),
		CASE(test_serial_that_the_ledger_cannot_hold_is_an_error),
		CASE(test_every_mark_of_a_certificate_is_made),
		cmocka_unit_test(test_every_finding_has_its_own_name_and_says_what_to_do),
		cmocka_unit_test(test_configuration_that_is_written_is_read_again),
	};

	return cmocka_run_group_tests_name("import_tree", tests, NULL, NULL);
}
