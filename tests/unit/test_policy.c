/* SPDX-License-Identifier: Apache-2.0 */
/* The policy: patterns reach no further than they read, every mistake has its place, what is
 * written reads back, and each rule admits and refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/time.h"
#include "ca/issue.h"
#include "ca/policy/policy.h"
#include "pki/name.h"

/* --- patterns --- */

static const struct pattern_row {
	enum hf_san_kind kind;
	const char *pattern, *name;
	bool wildcards, fits;
} pattern_rows[] = {
	{ HF_SAN_DNS, "web.abc.com", "web.abc.com", false, true },
	{ HF_SAN_DNS, "web.abc.com", "WEB.abc.COM", false, true },
	{ HF_SAN_DNS, "web.abc.com", "a.web.abc.com", false, false },
	{ HF_SAN_DNS, "*.abc.com", "web.abc.com", false, true },
	{ HF_SAN_DNS, "*.abc.com", "abc.com", false, false },
	{ HF_SAN_DNS, "*.abc.com", "a.b.abc.com", false, false },
	{ HF_SAN_DNS, "*.abc.com", "web.evilabc.com", false, false },
	{ HF_SAN_DNS, "*.abc.com", "*.abc.com", false, false },
	{ HF_SAN_DNS, "*.abc.com", "*.abc.com", true, true },
	{ HF_SAN_DNS, "node-*.abc.com", "node-7.abc.com", false, true },
	{ HF_SAN_DNS, "node-*.abc.com", "node-7.x.abc.com", false, false },
	{ HF_SAN_DNS, "node-*.abc.com", "*.abc.com", true, false },
	{ HF_SAN_DNS, "**.abc.com", "a.b.abc.com", false, true },
	{ HF_SAN_DNS, "**.abc.com", "abc.com", false, false },
	{ HF_SAN_DNS, "**.abc.com", "*.b.abc.com", false, false },
	{ HF_SAN_DNS, "**.abc.com", "*.b.abc.com", true, true },
	{ HF_SAN_DNS, "**.abc.com", "evilabc.com", false, false },
	{ HF_SAN_DNS, "localhost", "localhost", false, true },
	{ HF_SAN_IP, "10.0.0.7", "10.0.0.7", false, true },
	{ HF_SAN_IP, "10.0.0.7", "10.0.0.8", false, false },
	{ HF_SAN_IP, "10.0.0.0/8", "10.255.0.1", false, true },
	{ HF_SAN_IP, "10.0.0.0/8", "11.0.0.1", false, false },
	{ HF_SAN_IP, "10.0.0.0/30", "10.0.0.4", false, false },
	{ HF_SAN_IP, "10.0.0.5-10.0.1.2", "10.0.0.255", false, true },
	{ HF_SAN_IP, "10.0.0.5-10.0.1.2", "10.0.1.3", false, false },
	{ HF_SAN_IP, "2001:db8::/32", "2001:db8:1::1", false, true },
	{ HF_SAN_IP, "2001:db8::/32", "2001:db9::1", false, false },
	{ HF_SAN_IP, "0.0.0.0/0", "::1", false, false },
	{ HF_SAN_URI, "spiffe://abc/mail", "spiffe://abc/mail", false, true },
	{ HF_SAN_URI, "spiffe://abc/mail", "spiffe://abc/mail2", false, false },
	{ HF_SAN_URI, "spiffe://abc/mail/*", "spiffe://abc/mail/7", false, true },
	{ HF_SAN_URI, "spiffe://abc/mail/*", "spiffe://abc/mail/", false, false },
	{ HF_SAN_URI, "spiffe://abc/mail/*", "spiffe://abc/mailx", false, false },
	{ HF_SAN_URI, "spiffe://abc/mail/*", "spiffe://abc/mail/../root", false, false },
	{ HF_SAN_URI, "spiffe://abc/mail/*", "spiffe://abc/mail/%2e%2E/root", false, false },
	{ HF_SAN_URI, "urn:abc:*", "urn:abc:7", false, true },
	{ HF_SAN_EMAIL, "ops@abc.com", "ops@ABC.com", false, true },
	{ HF_SAN_EMAIL, "ops@abc.com", "Ops@abc.com", false, false },
	{ HF_SAN_EMAIL, "*@abc.com", "amy@abc.com", false, true },
	{ HF_SAN_EMAIL, "*@abc.com", "amy@x.abc.com", false, false },
	{ HF_SAN_EMAIL, "*@*.abc.com", "amy@x.abc.com", false, true },
	{ HF_SAN_EMAIL, "*@**.abc.com", "amy@y.x.abc.com", false, true },
};

static void patterns_reach_no_further_than_they_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(pattern_rows); i++) {
		const struct pattern_row *row = &pattern_rows[i];
		HF_AUTO_DONE(hf_sans) sans = HF_SANS_INIT;
		struct hf_pattern pattern;
		struct hf_err err = HF_ERR_INIT;

		assert_null(hf_pattern_parse(row->kind, row->pattern, &pattern));
		assert_int_equal(hf_sans_add(&sans, row->kind, row->name, &err), 0);
		if (hf_pattern_matches(&pattern, &sans.items[0], row->wildcards) != row->fits)
			fail_msg("'%s' and '%s'", row->pattern, row->name);
		hf_pattern_done(&pattern);
	}
}

static void patterns_that_would_reach_too_far_are_refused(void **state)
{
	static const struct {
		enum hf_san_kind kind;
		const char *text;
	} rows[] = {
		{ HF_SAN_DNS, "*" },
		{ HF_SAN_DNS, "*.*" },
		{ HF_SAN_DNS, "abc.*" },
		{ HF_SAN_DNS, "a..b" },
		{ HF_SAN_DNS, "10.0.0.1" },
		{ HF_SAN_DNS, "a b.com" },
		{ HF_SAN_DNS, "**" },
		{ HF_SAN_IP, "10.0.0.1/8" },
		{ HF_SAN_IP, "10.0.0.0/33" },
		{ HF_SAN_IP, "10.0.0.9-10.0.0.1" },
		{ HF_SAN_IP, "10.0.0.9-::1" },
		{ HF_SAN_IP, "10.0.0" },
		{ HF_SAN_URI, "spiffe://abc*" },
		{ HF_SAN_URI, "spiffe://*" },
		{ HF_SAN_URI, "*" },
		{ HF_SAN_URI, "spiffe://abc/*/x" },
		{ HF_SAN_URI, "abc" },
		{ HF_SAN_EMAIL, "abc.com" },
		{ HF_SAN_EMAIL, "*@*" },
		{ HF_SAN_EMAIL, "@abc.com" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		struct hf_pattern pattern = { .text = NULL };
		const char *why = hf_pattern_parse(rows[i].kind, rows[i].text, &pattern);

		if (!why || !*why || pattern.text)
			fail_msg("'%s' was taken", rows[i].text);
	}
}

static void name_with_a_hidden_nul_matches_nothing(void **state)
{
	struct hf_pattern pattern;
	char text[] = "web.abc.com\0.evil";
	struct hf_san san = { .kind = HF_SAN_DNS, .value = text, .len = sizeof(text) - 1 };

	(void)state;
	assert_null(hf_pattern_parse(HF_SAN_DNS, "web.abc.com", &pattern));
	assert_false(hf_pattern_matches(&pattern, &san, true));
	san.len = strlen(text);
	assert_true(hf_pattern_matches(&pattern, &san, true));
	san.malformed = true;
	assert_false(hf_pattern_matches(&pattern, &san, true));
	hf_pattern_done(&pattern);
}

/* --- the file --- */

static struct hf_policy *parse(const char *text)
{
	struct hf_policy *policy = NULL;
	struct hf_err err = HF_ERR_INIT;

	if (hf_policy_parse(text, strlen(text), "p.yaml", &policy, &err) < 0)
		fail_msg("%s", err.msg);
	return policy;
}

static const char full[] =
    "unique_subject: yes\n"
    "defaults:\n"
    "  max-days: 90\n"
    "  subject:\n"
    "    countryName: match\n"
    "    O: match\n"
    "    CN: { is: supplied, like: ['*.abc.com', 'node-*'] }\n"
    "    others: drop\n"
    "  request: { ca: refuse, names: refuse, critical: refuse }\n"
    "profiles:\n"
    "  server:\n"
    "    names: { dns: ['*.abc.com', localhost], ip: 10.0.0.0/8, uri: [], wildcards: yes }\n"
    "    key_types: [p256, rsa]\n"
    "    rsa_bits: 3072\n"
    "  client:\n"
    "    days: 12h\n"
    "    requesters: [amy, bob]\n"
    "    names: none\n"
    "    require_names: no\n"
    "    request: { extensions: copy, copy: [nsComment, keyUsage] }\n"
    "  intermediate:\n"
    "    allow: no\n";

static void file_is_read_and_defaults_reach_every_profile(void **state)
{
	HF_AUTO(hf_policy) p = parse(full);
	const struct hf_policy_profile *server = hf_policy_profile(p, hf_ca_profile_find("server"));
	const struct hf_policy_profile *client = hf_policy_profile(p, hf_ca_profile_find("client"));

	(void)state;
	assert_true(p->unique_subject);
	assert_int_equal(p->unique_line, 1);
	assert_int_equal(server->max_days, 90 * HF_DAY_SECONDS);
	assert_int_equal(server->days, 30 * HF_DAY_SECONDS);
	assert_int_equal(server->names.len, 3);
	assert_true(server->names.wildcards);
	assert_int_equal(server->rsa_bits, 3072);
	assert_int_equal(server->lines[HF_POLICY_RSA_BITS], 14);
	assert_int_equal(server->subject.len, 3);
	assert_int_equal(server->subject.fields[1].is, HF_MATCH_SAME);
	assert_int_equal(server->subject.fields[1].line, 6);
	assert_int_equal(server->subject.others, HF_OTHERS_DROP);
	assert_true(server->require_names);
	assert_int_equal(client->days, 12 * 3600);
	assert_int_equal(client->ca, HF_ANSWER_REFUSE);
	assert_int_equal(client->extensions, HF_ANSWER_COPY);
	assert_int_equal(client->copy.len, 2);
	assert_false(client->names.any);
	assert_true(hf_policy_says_no_names(p, client->profile));
	assert_false(hf_policy_profile(p, hf_ca_profile_find("intermediate"))->allow);
	assert_null(hf_policy_profile(p, hf_ca_profile_find("root")));
}

static void what_is_written_reads_back_the_same(void **state)
{
	static const char *const texts[] = { "", full };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(texts); i++) {
		HF_AUTO_DONE(hf_buf) once = HF_BUF_INIT(65536);
		HF_AUTO_DONE(hf_buf) twice = HF_BUF_INIT(65536);
		HF_AUTO(hf_policy) p = parse(texts[i]);
		HF_AUTO(hf_policy) again = NULL;

		assert_int_equal(hf_policy_format(p, &once), 0);
		again = parse(hf_buf_str(&once));
		assert_int_equal(hf_policy_format(again, &twice), 0);
		assert_string_equal(hf_buf_str(&once), hf_buf_str(&twice));
		assert_int_equal(again->unique_subject, p->unique_subject);
		assert_int_equal(again->profiles[0].names.len, p->profiles[0].names.len);
	}
}

static void every_mistake_is_told_with_its_place(void **state)
{
	static const struct {
		const char *text, *message, *hint;
	} rows[] = {
		{ "profile:\n  server: {}\n", "p.yaml:1:1: there is no key 'profile' here",
		  "'profiles'" },
		{ "profiles:\n  servr: {}\n", "p.yaml:2:3: there is no key 'servr' here",
		  "'server'" },
		{ "defaults:\n  subjects: {}\n", "p.yaml:2:3: there is no key 'subjects'",
		  "'subject'" },
		{ "defaults:\n  subject:\n    organisationName: match\n",
		  "p.yaml:3:5: 'organisationName' is no attribute", "organizationName" },
		{ "defaults:\n  subject:\n    O: match\n    organizationName: optional\n",
		  "p.yaml:4:5: organizationName has a rule already, in line 3", "" },
		{ "defaults:\n  subject:\n    O: matches\n",
		  "p.yaml:3:8: 'matches' is none of optional, supplied, match", "'match'" },
		{ "defaults:\n  names:\n    dns: ['*']\n", "p.yaml:3:11: '*': not a host name",
		  "" },
		{ "defaults:\n  names: some\n", "p.yaml:2:10: 'some' is none of none, any", "" },
		{ "defaults:\n  key_types: [p256, dsa]\n", "p.yaml:2:21: 'dsa' is none of", "" },
		{ "defaults:\n  rsa_bits: 1024\n",
		  "p.yaml:2:13: '1024' is not a number from 2048 to 8192", "" },
		{ "defaults:\n  days: ten\n", "p.yaml:2:9: 'ten' is not a duration", "" },
		{ "profiles:\n  client:\n    days: 40\n    max_days: 30\n",
		  "p.yaml:2:3: days is more than max_days", "" },
		{ "profiles:\n  server:\n    require_names: no\n",
		  "p.yaml:3:5: a certificate of the profile 'server' always needs a name", "" },
		{ "defaults:\n  request: { ca: copy }\n", "p.yaml:2:18: 'copy' is none of", "" },
		{ "defaults:\n  request: { copy: [basicConstraints] }\n",
		  "p.yaml:2:21: 'basicConstraints' is never taken from a request", "keyUsage" },
		{ "defaults:\n  request: { copy: [nsComent] }\n", "p.yaml:2:21:", "'nsComment'" },
		{ "unique_subject: maybe\n", "p.yaml:1:17: 'maybe' is none of no, yes", "" },
		{ "- server\n", "p.yaml:1:1: this must be a map", "" },
		{ "defaults:\n  subject:\n    CN: { like: [] }\n", "p.yaml:3:11: an empty list",
		  "" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		struct hf_policy *policy = NULL;
		struct hf_err err = HF_ERR_INIT;
		int rc =
		    hf_policy_parse(rows[i].text, strlen(rows[i].text), "p.yaml", &policy, &err);

		if (rc != -HF_E_PARSE || policy || !strstr(err.msg, rows[i].message) ||
		    !strstr(err.hint, rows[i].hint))
			fail_msg("%s: %d '%s' '%s'", rows[i].text, rc, err.msg, err.hint);
	}
}

/* --- the rules --- */

static X509_NAME *name(const char *subj)
{
	X509_NAME *out = NULL;

	assert_int_equal(hf_name_parse(subj, &out, NULL), 0);
	return out;
}

/* As another program writes it: the same words in another string type. */
static X509_NAME *printable(const char *o)
{
	X509_NAME *out = X509_NAME_new();

	assert_non_null(out);
	assert_int_equal(X509_NAME_add_entry_by_NID(out, NID_countryName, V_ASN1_UTF8STRING,
						    (const unsigned char *)"IN", -1, -1, 0),
			 1);
	assert_int_equal(X509_NAME_add_entry_by_NID(out, NID_organizationName, V_ASN1_UTF8STRING,
						    (const unsigned char *)o, -1, -1, 0),
			 1);
	assert_int_equal(X509_NAME_add_entry_by_NID(out, NID_commonName, V_ASN1_T61STRING,
						    (const unsigned char *)"node-7", -1, -1, 0),
			 1);
	return out;
}

static int apply(const struct hf_policy *policy, struct hf_order *order, const char *requester,
		 struct hf_err *err)
{
	HF_AUTO(X509_NAME) issuer = name("/C=IN/O=Acme Inc/CN=CA");

	hf_err_clear(err);
	return hf_policy_apply(policy, order, issuer, requester, err);
}

static void rules_of_the_subject_admit_and_refuse(void **state)
{
	static const struct {
		const char *subject, *message; /* NULL: admitted */
	} rows[] = {
		{ "/C=IN/O=Acme Inc/CN=node-7", NULL },
		{ "/C=in/O=ACME  inc/CN=a.abc.com", NULL },
		{ "/C=IN/O=Acme Ltd/CN=node-7",
		  "p.yaml:6: the organizationName must be the CA's 'Acme Inc', and is 'Acme Ltd'" },
		{ "/C=IN/CN=node-7", "p.yaml:6: the subject has no organizationName" },
		{ "/C=IN/O=Acme Inc", "p.yaml:7: the subject has no commonName" },
		{ "/C=IN/O=Acme Inc/CN=admin",
		  "p.yaml:7: the commonName 'admin' is not like '*.abc.com' or one of the others" },
		{ "/C=IN/O=Acme Inc/O=Evil/CN=node-7", "p.yaml:6: the organizationName must be" },
	};
	HF_AUTO(hf_policy) policy = parse(full);
	HF_AUTO(EVP_PKEY) key = NULL;
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	assert_int_equal(hf_key_generate(HF_KEY_P256, &key, &err), 0);
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO_DONE(hf_order) order = { .profile = hf_ca_profile_find("client") };
		int rc;

		assert_int_equal(EVP_PKEY_up_ref(key), 1);
		order.key = key;
		order.subject = name(rows[i].subject);
		rc = apply(policy, &order, "amy", &err);
		if (rows[i].message ? rc != -HF_E_POLICY || !strstr(err.msg, rows[i].message)
				    : rc != 0)
			fail_msg("%s: %d %s", rows[i].subject, rc, err.msg);
	}
}

static void match_compares_content_and_not_string_types(void **state)
{
	HF_AUTO(hf_policy) policy = parse(full);
	HF_AUTO_DONE(hf_order) order = { .profile = hf_ca_profile_find("client") };
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	assert_int_equal(hf_key_generate(HF_KEY_P256, &order.key, &err), 0);
	order.subject = printable("Acme Inc");
	if (apply(policy, &order, "bob", &err) != 0)
		fail_msg("%s", err.msg);
}

static void attribute_without_a_rule_is_dropped_and_told(void **state)
{
	HF_AUTO(hf_policy) policy = parse(full);
	HF_AUTO_DONE(hf_order) order = { .profile = hf_ca_profile_find("client"),
					 .rulings.wanted = true };
	struct hf_err err = HF_ERR_INIT;
	HF_AUTO(cstr) text = NULL;
	bool told = false;

	(void)state;
	assert_int_equal(hf_key_generate(HF_KEY_P256, &order.key, &err), 0);
	order.subject = name("/C=IN/L=Kochi/O=Acme Inc/CN=node-7/OU=x");
	assert_int_equal(apply(policy, &order, "amy", &err), 0);
	text = hf_name_text(order.subject);
	assert_string_equal(text, "C=IN, O=Acme Inc, CN=node-7");
	assert_int_equal(order.notes.len, 2);
	assert_non_null(strstr(order.notes.items[0], "'Kochi'"));
	for (size_t i = 0; i < order.rulings.len; i++)
		told = told || (order.rulings.items[i].kind == HF_RULING_CHANGES &&
				strcmp(order.rulings.items[i].where, "p.yaml:8") == 0);
	assert_true(told);
}

static void profile_requester_key_name_and_lifetime_have_rules(void **state)
{
	static const struct {
		const char *profile, *requester, *san;
		enum hf_key_type key;
		int64_t days;
		const char *message; /* NULL: admitted */
		int64_t lifetime;
	} rows[] = {
		{ "client", "amy", NULL, HF_KEY_P256, 0, NULL, 12 * 3600 },
		{ "client", "eve", NULL, HF_KEY_P256, 0, "p.yaml:17: 'eve' may not ask", 0 },
		{ "client", "amy", "dns:x.abc.com", HF_KEY_P256, 0,
		  "p.yaml:18: the name dns:x.abc.com is none of those", 0 },
		{ "intermediate", "amy", NULL, HF_KEY_P256, 0,
		  "p.yaml:22: certificates of the profile 'intermediate' are not made here", 0 },
		{ "server", "eve", "dns:x.abc.com", HF_KEY_P256, 0, NULL, 30 * HF_DAY_SECONDS },
		{ "server", "eve", "dns:*.abc.com", HF_KEY_P256, 0, NULL, 30 * HF_DAY_SECONDS },
		{ "server", "eve", "dns:x.evil.com", HF_KEY_P256, 0, "p.yaml:12: the name", 0 },
		{ "server", "eve", "ip:10.1.2.3", HF_KEY_P256, 365, NULL, 90 * HF_DAY_SECONDS },
		{ "server", "eve", "ip:11.1.2.3", HF_KEY_P256, 0, "p.yaml:12: the name ip:", 0 },
		{ "server", "eve", "uri:spiffe://x/y", HF_KEY_P256, 0, "p.yaml:12:", 0 },
		{ "server", "eve", "dns:localhost", HF_KEY_P384, 0, "p.yaml:13: a key of", 0 },
		{ "server", "eve", "dns:localhost", HF_KEY_RSA2048, 0,
		  "p.yaml:14: the key is too short: RSA 2048 bits", 0 },
	};
	HF_AUTO(hf_policy) policy = parse(full);
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO_DONE(hf_order) order = { .profile = hf_ca_profile_find(rows[i].profile),
						 .lifetime = rows[i].days * HF_DAY_SECONDS };
		int rc;

		assert_int_equal(hf_key_generate(rows[i].key, &order.key, &err), 0);
		order.subject = name("/C=IN/O=Acme Inc/CN=node-7");
		if (rows[i].san)
			assert_int_equal(hf_sans_add_list(&order.sans, rows[i].san, &err), 0);
		rc = apply(policy, &order, rows[i].requester, &err);
		if (rows[i].message ? rc != -HF_E_POLICY || !strstr(err.msg, rows[i].message)
				    : rc != 0 || order.lifetime != rows[i].lifetime)
			fail_msg("row %zu: %d %s, %lld", i, rc, err.msg, (long long)order.lifetime);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_reach_no_further_than_they_read),
		cmocka_unit_test(patterns_that_would_reach_too_far_are_refused),
		cmocka_unit_test(name_with_a_hidden_nul_matches_nothing),
		cmocka_unit_test(file_is_read_and_defaults_reach_every_profile),
		cmocka_unit_test(what_is_written_reads_back_the_same),
		cmocka_unit_test(every_mistake_is_told_with_its_place),
		cmocka_unit_test(rules_of_the_subject_admit_and_refuse),
		cmocka_unit_test(match_compares_content_and_not_string_types),
		cmocka_unit_test(attribute_without_a_rule_is_dropped_and_told),
		cmocka_unit_test(profile_requester_key_name_and_lifetime_have_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
