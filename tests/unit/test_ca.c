/* SPDX-License-Identifier: Apache-2.0 */
/* src/ca: founding, profiles, hostile requests, name constraints, revocation lists, identity files.
 */
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
#include "ca/crl.h"
#include "ca/idfiles.h"
#include "ca/init.h"
#include "ca/order.h"
#include "ca/permit.h"
#include "pki/name.h"

#include "ca_fixture.h"
#include "certmake.h"

static struct hf_authority *abc(const char *home, const char *permit)
{
	struct hf_err err = HF_ERR_INIT;

	if (found(home, permit, false, false, &err) < 0)
		fail_msg("%s", err.msg);
	return open_at(home);
}

static void order_for(struct hf_order *order, const char *profile, const char *name,
		      const char *sans)
{
	HF_AUTO_DONE(hf_sans) more = HF_SANS_INIT;
	struct hf_err err = HF_ERR_INIT;

	order->profile = hf_ca_profile_find(profile);
	if (sans)
		assert_int_equal(hf_sans_add_list(&more, sans, &err), 0);
	assert_int_equal(hf_order_for_name(order, name, NULL, &more, &err), 0);
	assert_int_equal(hf_key_generate(HF_KEY_P256, &order->key, &err), 0);
}

static int issue(struct hf_authority *a, struct hf_order *order, int64_t now, struct hf_err *err)
{
	struct hf_order *orders[] = { order };
	int rc = hf_order_check(a, order, now, err);

	return rc < 0 ? rc : hf_issue(a, orders, 1, now, err);
}

static void test_authority_is_whole_and_is_never_overwritten(void **state)
{
	static const char *const files[] = { "root.pem",  "root.key", "issuing.pem",  "issuing.key",
					     "chain.pem", "crl.pem",  "root.crl.pem", "ca.db" };
	struct hf_err err = HF_ERR_INIT;
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
	char path[PATH_MAX];
	struct stat st;

	assert_int_equal(found(*state, NULL, false, false, &err), 0);
	for (size_t i = 0; i < HF_ARRAY_LEN(files); i++) {
		(void)snprintf(path, sizeof(path), "%s/ca/%s", (char *)*state, files[i]);
		assert_int_equal(stat(path, &st), 0);
		if (hf_str_ends(files[i], ".key"))
			assert_int_equal(st.st_mode & 0777, 0600);
	}
	assert_int_equal(found(*state, NULL, false, false, &err), -HF_E_EXIST);
	assert_non_null(strstr(err.hint, "--force"));
	assert_int_equal(found(*state, NULL, false, true, &err), 0);
	assert_int_equal(hf_dir_list(*state, &names, &err), 0);
	assert_int_equal(names.len, 3); /* ca, ca.old-…, trust; no draft is left */
	assert_true(hf_str_starts(names.items[1], "ca.old-"));
}

static void test_profiles_give_their_usage_and_nothing_else(void **state)
{
	static const struct {
		const char *profile;
		unsigned eku;
		const char *sans;
	} rows[] = {
		{ "server", HF_EKU_SERVER, "dns:node" },
		{ "client", HF_EKU_CLIENT, "dns:node" },
		{ "peer", HF_EKU_SERVER | HF_EKU_CLIENT, "dns:node" },
	};
	HF_AUTO(hf_authority) a = abc(*state, NULL);
	struct hf_err err = HF_ERR_INIT;

	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO_DONE(hf_order) order = { .profile = NULL };
		HF_AUTO_DONE(hf_buf) sans = HF_BUF_INIT(1000);
		const struct hf_cert *c;

		order_for(&order, rows[i].profile, "node", NULL);
		assert_int_equal(issue(a, &order, NOW, &err), 1);
		c = order.cert;
		assert_int_equal(c->eku, rows[i].eku);
		assert_int_equal(c->ku, KU_DIGITAL_SIGNATURE);
		assert_true((c->flags & HF_CERT_HAS_BC) && (c->flags & HF_CERT_BC_CRITICAL));
		assert_false(c->flags & HF_CERT_CA);
		assert_int_equal(hf_sans_format(&c->sans, &sans), 0);
		assert_string_equal(hf_buf_str(&sans), rows[i].sans);
		assert_int_equal(c->not_before, NOW - 300);
		assert_int_equal(c->not_after, NOW + 30 * HF_DAY_SECONDS);
	}
}

static void test_rsa_servers_may_also_encipher_keys(void **state)
{
	HF_AUTO(hf_authority) a = abc(*state, NULL);
	HF_AUTO_DONE(hf_order) order = { .profile = NULL };
	struct hf_err err = HF_ERR_INIT;

	order_for(&order, "server", "node", NULL);
	EVP_PKEY_free(order.key);
	order.key = NULL;
	assert_int_equal(hf_key_generate(HF_KEY_RSA2048, &order.key, &err), 0);
	assert_int_equal(issue(a, &order, NOW, &err), 1);
	assert_int_equal(order.cert->ku, KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT);
}

static void test_leaf_ends_with_its_issuer_and_an_expired_issuer_issues_nothing(void **state)
{
	HF_AUTO(hf_authority) a = abc(*state, NULL);
	HF_AUTO_DONE(hf_order) order = { .lifetime = INT64_C(9000) * HF_DAY_SECONDS };
	HF_AUTO_DONE(hf_order) late = { .profile = NULL };
	struct hf_err err = HF_ERR_INIT;

	order_for(&order, "client", "amy", NULL);
	assert_int_equal(issue(a, &order, NOW, &err), 1);
	assert_int_equal(order.cert->not_after, a->issuing.cert->not_after);
	assert_int_equal(order.notes.len, 1);
	order_for(&late, "client", "amy", NULL);
	assert_int_equal(issue(a, &late, a->issuing.cert->not_after, &err), -HF_E_POLICY);
	assert_null(late.cert);
}

/* A request that asks for everything. */
static struct hf_csr *hostile(const char *subject, const char *sans)
{
	HF_AUTO(EVP_PKEY) key = NULL;
	HF_AUTO(X509_NAME) name = NULL;
	HF_AUTO(X509_REQ) req = X509_REQ_new();
	HF_AUTO(X509_EXTENSION_stack) exts = NULL;
	HF_AUTO(BASIC_CONSTRAINTS) bc = BASIC_CONSTRAINTS_new();
	HF_AUTO(EXTENDED_KEY_USAGE) eku = EXTENDED_KEY_USAGE_new();
	HF_AUTO(GENERAL_NAMES) names = NULL;
	HF_AUTO_DONE(hf_sans) list = HF_SANS_INIT;
	struct hf_csr *csr = NULL;
	struct hf_err err = HF_ERR_INIT;

	assert_int_equal(hf_key_generate(HF_KEY_P256, &key, &err), 0);
	assert_int_equal(hf_name_parse(subject, &name, &err), 0);
	assert_int_equal(hf_sans_add_list(&list, sans, &err), 0);
	assert_int_equal(hf_sans_to_names(&list, &names, &err), 0);
	bc->ca = 0xff;
	assert_true(sk_ASN1_OBJECT_push(eku, OBJ_nid2obj(NID_code_sign)));
	assert_int_equal(X509V3_add1_i2d(&exts, NID_basic_constraints, bc, 1, 0), 1);
	assert_int_equal(X509V3_add1_i2d(&exts, NID_ext_key_usage, eku, 0, 0), 1);
	assert_int_equal(X509V3_add1_i2d(&exts, NID_subject_alt_name, names, 0, 0), 1);
	assert_true(X509_REQ_set_subject_name(req, name) && X509_REQ_set_pubkey(req, key) &&
		    X509_REQ_add_extensions(req, exts) &&
		    X509_REQ_add1_attr_by_NID(req, NID_pkcs9_challengePassword, MBSTRING_ASC,
					      (const unsigned char *)"secret", -1) &&
		    X509_REQ_sign(req, key, EVP_sha256()) > 0);
	assert_int_equal(hf_csr_new(req, &csr, &err), 0);
	return csr;
}

static void test_request_decides_neither_its_usage_nor_foreign_names(void **state)
{
	static const struct {
		const char *label;
		const char *subject, *asks, *granted;
		bool copy;
		const char *result;
		size_t dropped; /* names; three more are dropped from each */
	} rows[] = {
		{ "its own name is granted", "/CN=amy", "dns:amy,dns:admin", "", false, "dns:amy",
		  1 },
		{ "a listed name is granted", "/CN=amy", "uri:spiffe://abc/amy,dns:admin",
		  "uri:spiffe://abc/amy", false, "uri:spiffe://abc/amy", 1 },
		{ "a listed name is added", "/CN=amy", "dns:admin", "dns:b", false, "dns:b", 1 },
		{ "all are copied when asked", "/CN=amy", "dns:amy,ip:10.0.0.1", "", true,
		  "dns:amy, ip:10.0.0.1", 0 },
		{ "without any, the common name", "/CN=amy", "dns:admin", "", false, "dns:amy", 1 },
		{ "in any case of letters", "/CN=Amy", "dns:amy", "", false, "dns:amy", 0 },
	};
	HF_AUTO(hf_authority) a = abc(*state, NULL);

	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(hf_csr) csr = hostile(rows[i].subject, rows[i].asks);
		HF_AUTO_DONE(hf_order) order = { .profile = NULL };
		HF_AUTO_DONE(hf_sans) granted = HF_SANS_INIT;
		HF_AUTO_DONE(hf_buf) sans = HF_BUF_INIT(1000);
		struct hf_err err = HF_ERR_INIT;
		struct hf_sign_policy policy = { .profile = hf_ca_profile_find("client"),
						 .sans = &granted,
						 .copy_sans = rows[i].copy };

		if (*rows[i].granted)
			assert_int_equal(hf_sans_add_list(&granted, rows[i].granted, &err), 0);
		assert_int_equal(hf_order_from_csr(&order, a, csr, &policy, "x", &err), 0);
		assert_int_equal(issue(a, &order, NOW, &err), 1);
		assert_int_equal(hf_sans_format(&order.cert->sans, &sans), 0);
		if (strcmp(hf_buf_str(&sans), rows[i].result) != 0)
			fail_msg("%s: %s", rows[i].label, hf_buf_str(&sans));
		assert_false(order.cert->flags & HF_CERT_CA);
		assert_int_equal(order.cert->eku, HF_EKU_CLIENT);
		assert_int_equal(order.dropped.len, rows[i].dropped + 3);
		assert_true(hf_strv_has(&order.dropped, "basicConstraints"));
		assert_true(hf_strv_has(&order.dropped, "extendedKeyUsage"));
		assert_true(hf_strv_has(&order.dropped, "challengePassword"));
	}
}

static void test_weak_keys_and_nameless_servers_are_refused(void **state)
{
	HF_AUTO(hf_authority) a = abc(*state, NULL);
	HF_AUTO_DONE(hf_order) weak = { .profile = NULL };
	HF_AUTO_DONE(hf_order) nameless = { .profile = NULL };
	HF_AUTO_DONE(hf_order) below = { .profile = NULL };
	struct hf_err err = HF_ERR_INIT;

	order_for(&weak, "client", "amy", NULL);
	EVP_PKEY_free(weak.key);
	weak.key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);
	assert_non_null(weak.key);
	assert_int_equal(issue(a, &weak, NOW, &err), -HF_E_POLICY);
	assert_non_null(strstr(err.msg, "1024"));
	order_for(&nameless, "server", "Bob's server", NULL);
	assert_int_equal(issue(a, &nameless, NOW, &err), -HF_E_POLICY);
	assert_non_null(strstr(err.hint, "--san"));
	a->single = true; /* as if the root had no room below it */
	a->root.cert->pathlen = 0;
	order_for(&below, "intermediate", "Sub", NULL);
	assert_int_equal(issue(a, &below, NOW, &err), -HF_E_POLICY);
	assert_non_null(strstr(err.msg, "path length"));
}

static void test_names_outside_the_constraints_are_refused_before_signing(void **state)
{
	static const struct {
		const char *profile, *name, *sans;
		bool good;
	} rows[] = {
		{ "server", "gw.abc.test", NULL, true },
		{ "server", "abc.test", "ip:10.9.9.9", true },
		{ "server", "*.abc.test", NULL, true },
		{ "client", "amy", "uri:spiffe://elsewhere/x,email:a@elsewhere.test", true },
		{ "server", "evil.test", NULL, false },
		{ "server", "xabc.test", NULL, false },
		{ "server", "gw.abc.test", "ip:11.0.0.1", false },
		{ "server", "gw.abc.test", "ip:::1", false },
		{ "client", "mail.evil.test", "uri:spiffe://abc/x",
		  false }, /* the common name counts */
	};
	HF_AUTO(hf_authority) a = abc(*state, "dns:abc.test,ip:10.0.0.0/8");

	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO_DONE(hf_order) order = { .profile = NULL };
		struct hf_err err = HF_ERR_INIT;

		order_for(&order, rows[i].profile, rows[i].name, rows[i].sans);
		if (issue(a, &order, NOW, &err) != (rows[i].good ? 1 : -HF_E_POLICY))
			fail_msg("%s %s: %s", rows[i].name, rows[i].sans ? rows[i].sans : "",
				 err.msg);
		if (!rows[i].good)
			assert_non_null(strstr(err.hint, "dns:abc.test, ip:10.0.0.0/8"));
	}
}

static void test_wrong_permits_are_usage_errors(void **state)
{
	static const char *const wrong[] = {
		"",	"abc.com", "dns:",     "dns:a..b", "ip:10.0.0.1/8", "ip:10.0.0.0/33",
		"ip:x", "uri:",	   "email:@a", "email:a@", "dns:a,",	    "dn:a"
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(wrong); i++) {
		HF_AUTO(NAME_CONSTRAINTS) nc = NULL;
		struct hf_err err = HF_ERR_INIT;

		if (hf_permit_parse(wrong[i], &nc, &err) != -HF_E_INVALID)
			fail_msg("'%s' was taken", wrong[i]);
	}
}

static void test_ca_below_a_limited_one_cannot_be_wider(void **state)
{
	static const struct {
		const char *inner, *result; /* NULL: refused */
	} rows[] = {
		{ NULL, "dns:abc.com, ip:10.0.0.0/8" },
		{ "dns:x.abc.com", "dns:x.abc.com, ip:10.0.0.0/8" },
		{ "ip:10.1.0.0/16", "ip:10.1.0.0/16, dns:abc.com" },
		{ "email:abc.com", "email:abc.com, dns:abc.com, ip:10.0.0.0/8" },
		{ "dns:com", NULL },
		{ "ip:10.0.0.0/7", NULL },
		{ "ip:0.0.0.0/0", NULL },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(NAME_CONSTRAINTS) outer = NULL;
		HF_AUTO(NAME_CONSTRAINTS) inner = NULL;
		HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(1000);
		struct hf_err err = HF_ERR_INIT;

		assert_int_equal(hf_permit_parse("dns:abc.com,ip:10.0.0.0/8", &outer, &err), 0);
		if (rows[i].inner)
			assert_int_equal(hf_permit_parse(rows[i].inner, &inner, &err), 0);
		assert_int_equal(hf_permit_narrow(outer, &inner, &err),
				 rows[i].result ? 0 : -HF_E_POLICY);
		if (!rows[i].result)
			continue;
		assert_int_equal(hf_permit_format(inner, &text), 0);
		assert_string_equal(hf_buf_str(&text), rows[i].result);
	}
}

static void test_list_names_the_revoked_and_its_number_grows(void **state)
{
	HF_AUTO(hf_authority) a = abc(*state, NULL);
	HF_AUTO_DONE(hf_order) order = { .profile = NULL };
	HF_AUTO_DONE(hf_crl_published) p = { .crl = NULL };
	struct hf_err err = HF_ERR_INIT;
	char path[PATH_MAX];

	order_for(&order, "client", "amy", NULL);
	assert_int_equal(issue(a, &order, NOW, &err), 1);
	assert_int_equal(hf_store_revoke(a->store, order.record_id, 1, NOW, &err), 0);
	assert_int_equal(hf_authority_publish_crl(a, &a->issuing, 0, NULL, NOW, &p, &err), 0);
	assert_string_equal(p.crl->number, "2");
	assert_int_equal(p.crl->revoked_count, 1);
	assert_int_equal(p.crl->next_update, NOW + 30 * HF_DAY_SECONDS);
	/* a mistyped --out does not cost a key */
	(void)snprintf(path, sizeof(path), "%s/ca/issuing.key", (char *)*state);
	hf_crl_published_done(&p);
	assert_int_equal(hf_authority_publish_crl(a, &a->issuing, 0, path, NOW, &p, &err),
			 -HF_E_EXIST);
}

static void test_identity_is_exchanged_as_a_whole_and_other_files_stay(void **state)
{
	HF_AUTO_DONE(hf_buf) one = HF_BUF_INIT(100);
	HF_AUTO_DONE(hf_buf) two = HF_BUF_INIT(100);
	HF_AUTO_DONE(hf_buf) read = HF_BUF_INIT(100);
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
	struct hf_idfiles files = { .key = &one, .cert = &one, .request = &one };
	struct hf_err err = HF_ERR_INIT;
	char dir[PATH_MAX], path[PATH_MAX];
	struct stat st;

	(void)hf_buf_puts(&one, "one");
	(void)hf_buf_puts(&two, "two");
	(void)snprintf(dir, sizeof(dir), "%s/id/amy", (char *)*state);
	assert_int_equal(hf_idfiles_write(dir, &files, false, &err), 0);
	assert_int_equal(hf_path_join(path, sizeof(path), dir, "note.txt", &err), 0);
	assert_int_equal(hf_file_write(path, "mine", 4, 0644, 0, &err), 0);
	assert_int_equal(hf_idfiles_write(dir, &files, false, &err), -HF_E_EXIST);
	files = (struct hf_idfiles){ .key = &two, .cert = &two, .drop_request = true };
	assert_int_equal(hf_idfiles_write(dir, &files, true, &err), 0);
	assert_int_equal(hf_dir_list(dir, &names, &err), 0);
	assert_int_equal(names.len, 3); /* cert.pem key.pem note.txt */
	assert_int_equal(hf_path_join(path, sizeof(path), dir, "key.pem", &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(hf_file_read(path, &read, &err), 0);
	assert_string_equal(hf_buf_str(&read), "two");
	(void)snprintf(path, sizeof(path), "%s/id", (char *)*state);
	hf_strv_done(&names);
	assert_int_equal(hf_dir_list(path, &names, &err), 0);
	assert_int_equal(names.len, 1); /* nothing temporary is left */
}

static void test_wrong_key_of_the_authority_is_noticed(void **state)
{
	HF_AUTO(hf_authority) a = abc(*state, NULL);
	HF_AUTO_DONE(hf_order) order = { .profile = NULL };
	struct hf_err err = HF_ERR_INIT;

	assert_int_equal(hf_path_join(a->issuing.key_path, sizeof(a->issuing.key_path), a->dir,
				      "root.key", &err),
			 0);
	order_for(&order, "client", "amy", NULL);
	assert_int_equal(issue(a, &order, NOW, &err), -HF_E_MISMATCH);
	assert_null(order.cert);
}

/* `extra`: how many extensions its order has besides the profile's. */
static void check_heir(const struct certmake *made, int extra, const char *note)
{
	HF_AUTO_DONE(certmade) old = certmake(made);
	HF_AUTO_DONE(hf_order) order = { .profile = NULL };
	struct hf_err err = HF_ERR_INIT;

	assert_int_equal(hf_order_like(&order, old.cert, "client", "client", &err), 0);
	assert_int_equal(HF_MAX(sk_X509_EXTENSION_num(order.extra), 0), extra);
	assert_int_equal(order.notes.len, note ? 1 : 0);
	if (note && !strstr(order.notes.items[0], note))
		fail_msg("'%s' says nothing of '%s'", order.notes.items[0], note);
}

static void test_renewal_takes_over_what_may_stand_in_it_and_nothing_else(void **state)
{
	static const struct {
		const char *usage, *purposes, *more;
		int extra;
		const char *note; /* of what is left out */
	} rows[] = {
		{ "digitalSignature", "clientAuth", NULL, 0, NULL },
		{ "digitalSignature", "clientAuth", "tlsfeature=status_request", 1, NULL },
		{ "digitalSignature,keyAgreement", "clientAuth", NULL, 1, NULL },
		{ "digitalSignature", "clientAuth,emailProtection", NULL, 1, NULL },
		{ "digitalSignature,cRLSign", "clientAuth", NULL, 0, "keyUsage" },
		{ "digitalSignature", "clientAuth,serverAuth", NULL, 0, "extendedKeyUsage" },
		{ "digitalSignature", "clientAuth,OCSPSigning", NULL, 0, "extendedKeyUsage" },
		{ "digitalSignature", "serverAuth", NULL, 0, "extendedKeyUsage" },
		{ "digitalSignature", "clientAuth", "tlsfeature=critical,status_request", 0,
		  "tlsfeature" },
		{ "digitalSignature", "clientAuth", "noCheck=ignored", 0, "noCheck" },
		{ "digitalSignature", "clientAuth", "2.5.29.56=DER:0500", 0, NULL },
		{ "digitalSignature", "clientAuth", "1.2.3.4=critical,DER:0500", 0, "1.2.3.4" },
		{ "digitalSignature", "clientAuth", "nameConstraints=permitted;DNS:a.test", 0,
		  "nameConstraints" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		char usage[64], purposes[64];
		const char *ext[] = { "basicConstraints=critical,CA:FALSE", usage,	  purposes,
				      "subjectAltName=DNS:client.test",	    rows[i].more, NULL };

		(void)snprintf(usage, sizeof(usage), "keyUsage=critical,%s", rows[i].usage);
		(void)snprintf(purposes, sizeof(purposes), "extendedKeyUsage=%s", rows[i].purposes);
		check_heir(&(struct certmake){ .ext = ext }, rows[i].extra, rows[i].note);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_authority_is_whole_and_is_never_overwritten),
		CASE(test_profiles_give_their_usage_and_nothing_else),
		CASE(test_rsa_servers_may_also_encipher_keys),
		CASE(test_leaf_ends_with_its_issuer_and_an_expired_issuer_issues_nothing),
		CASE(test_request_decides_neither_its_usage_nor_foreign_names),
		CASE(test_weak_keys_and_nameless_servers_are_refused),
		CASE(test_names_outside_the_constraints_are_refused_before_signing),
		CASE(test_wrong_permits_are_usage_errors),
		CASE(test_ca_below_a_limited_one_cannot_be_wider),
		CASE(test_list_names_the_revoked_and_its_number_grows),
		CASE(test_identity_is_exchanged_as_a_whole_and_other_files_stay),
		CASE(test_wrong_key_of_the_authority_is_noticed),
		CASE(test_renewal_takes_over_what_may_stand_in_it_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
