/* SPDX-License-Identifier: Apache-2.0 */
/* lib/verify/rules: who may do what. */
#include "verify_fixture.h"

/* "allow X" and "deny X", in order; ends with NULL. */
static int fill(struct hf_rules *rules, const char *const *texts, struct hf_err *err)
{
	int rc = 0;

	for (; rc == 0 && *texts; texts++) {
		bool allow = hf_str_starts(*texts, "allow ");

		rc = hf_rules_add(rules, allow, *texts + (allow ? 6 : 5), err);
	}
	return rc;
}

struct world {
	struct certmade root, leaf;
	struct hf_trust *trust;
	char leaf_sha[2 * HF_SHA256_LEN + 1], spki_sha[2 * HF_SHA256_LEN + 1],
	    root_sha[2 * HF_SHA256_LEN + 1];
};

static void build(struct world *w)
{
	const char *const ext[] = {
		"extendedKeyUsage=clientAuth",
		"subjectAltName=DNS:Mail.abc.test,DNS:*.wild.abc.test,URI:spiffe://ABC/mail/7,URI:spiffe://abc/x/../admin,"
		"URI:spiffe://abc/y//z,email:Amy@Abc.test,IP:10.1.2.3,IP:2001:db8::7",
		CERTMAKE_IDS,
		NULL,
	};

	w->root = certmake(&(struct certmake){ .subject = "/CN=Root", .ext = certmake_root });
	w->leaf = certmake(&(struct certmake){
	    .subject = "/C=IN/O=ABC Inc./OU=Mail/OU=Night/CN=first/CN=mail\\+server",
	    .issuer = &w->root,
	    .ext = ext,
	    .serial = 0xabc });
	w->trust = vf_trust((const struct certmade *const[]){ &w->root, NULL }, NULL, NULL);
	hf_hex_encode(w->leaf.cert->sha256, HF_SHA256_LEN, w->leaf_sha);
	hf_hex_encode(w->leaf.cert->spki_sha256, HF_SHA256_LEN, w->spki_sha);
	hf_hex_encode(w->root.cert->sha256, HF_SHA256_LEN, w->root_sha);
}

static void done(struct world *w)
{
	certmade_done(&w->root);
	certmade_done(&w->leaf);
	hf_trust_unref(w->trust);
}

static bool decide(const struct world *w, const char *const *texts, struct hf_verdict *v)
{
	HF_AUTO(hf_rules) rules = NULL;
	struct hf_err err = HF_ERR_INIT;

	assert_int_equal(hf_rules_new(&rules, NULL), 0);
	if (fill(rules, texts, &err) < 0)
		fail_msg("%s", err.msg);
	vf_judge((const struct certmade *const[]){ &w->leaf, NULL }, w->trust,
		 &(struct hf_verify_options){ .purpose = HF_PURPOSE_CLIENT }, v);
	assert_true(v->accepted);
	assert_int_equal(hf_rules_apply(rules, w->trust, v, NULL), 0);
	return v->accepted;
}

/* A deny rule that is in doubt denies: else an issuer's odd spelling would lead around it. */
static void test_a_doubtful_name_is_denied(void **state)
{
	static const struct {
		const char *rule;
		bool denied;
	} rows[] = {
		{ "uri:spiffe://abc/x/*", true },     /* …/x/../admin */
		{ "uri:spiffe://abc/admin/*", true }, /* perhaps that one */
		{ "uri:spiffe://abc/admin", true },
		{ "uri:spiffe://abc/y/*", true },
		{ "uri:spiffe://other/admin/*", false },
		{ "uri:spiffe://abc.test/admin/*", false },
		{ "dns:*.wild.abc.test", true },
		{ "dns:host.wild.abc.test", true },
		{ "dns:deep.host.wild.abc.test", false },
		{ "dns:wild.abc.test", false },
		{ "dns:test", false },
		{ "email:amy@abc.test", false },
		{ "ip:10.1.2.3", true },
		{ "ip:10.1.2.4", false },
	};
	struct world w;

	(void)state;
	build(&w);
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(cstr) deny = hf_str_printf("deny %s", rows[i].rule);
		HF_AUTO_DONE(hf_verdict) v;
		bool let_in = decide(&w, (const char *const[]){ deny, "allow any", NULL }, &v);

		if (let_in == rows[i].denied)
			fail_msg("'%s' %s", deny, let_in ? "lets it in" : "keeps it out");
	}
	done(&w);
}

static void test_terms(void **state)
{
	struct world w;
	char by_sha[200], by_spki[200], by_serial[200], by_serial_zeros[200], other_issuer[200];
	struct {
		const char *rule;
		bool matches;
	} rows[] = {
		{ "any", true },
		{ "cn:mail+server", true },
		{ "cn:mail\\+server", true },
		{ "cn:first", false }, /* not the last one */
		{ "cn:MAIL+server", false },
		{ "cn:mail", false },
		{ "o:ABC Inc.", true },
		{ "o:ABC Inc", false },
		{ "ou:Mail", true },
		{ "ou:Night", true },
		{ "ou:ABC Inc.", false },
		{ "dns:mail.abc.test", true },
		{ "dns:MAIL.abc.TEST", true },
		{ "dns:*.abc.test", true },
		{ "dns:*.test", false },
		{ "dns:abc.test", false },
		{ "dns:*.wild.abc.test",
		  false }, /* a wildcard certificate is not every host below */
		{ "uri:spiffe://abc/mail/7", true },
		{ "uri:spiffe://abc/mail/*", true },
		{ "uri:spiffe://abc/Mail/*", false },
		{ "uri:spiffe://abc/mail/7/*", false },
		{ "uri:spiffe://abc/mail/", false },
		{ "uri:spiffe://abc/x/*", false }, /* …/../admin is not below x */
		{ "uri:spiffe://abc/y/*", false },
		{ "uri:spiffe://abcd/*", false },
		{ "email:Amy@abc.TEST", true },
		{ "email:amy@abc.test", false },
		{ "ip:10.1.2.3", true },
		{ "ip:10.0.0.0/8", true },
		{ "ip:10.1.2.0/24", true },
		{ "ip:10.1.3.0/24", false },
		{ "ip:0.0.0.0/0", true },
		{ "ip:2001:db8::/32", true },
		{ "ip:2001:db9::/32", false },
		{ "ip:::/0", true },
		{ "issuer:own", true },
		{ "issuer:other", false },
		{ by_sha, true },
		{ by_spki, true },
		{ by_serial, true },
		{ by_serial_zeros, true },
		{ other_issuer, false },
		{ "o:ABC Inc.+issuer:own", true },
		{ "o:ABC Inc.+issuer:other", false },
		{ "cn:mail+server+ou:Mail+any", true },
		{ "ou:Mail+cn:mail+server", true },
	};

	(void)state;
	build(&w);
	(void)snprintf(by_sha, sizeof(by_sha), "sha256:%s", w.leaf_sha);
	(void)snprintf(by_spki, sizeof(by_spki), "spki:%s", w.spki_sha);
	(void)snprintf(by_serial, sizeof(by_serial), "serial:ABC@%s", w.root_sha);
	(void)snprintf(by_serial_zeros, sizeof(by_serial_zeros), "serial:0a:bc@%s", w.root_sha);
	(void)snprintf(other_issuer, sizeof(other_issuer), "serial:abc@%s", w.leaf_sha);
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(cstr) allow = hf_str_printf("allow %s", rows[i].rule);
		HF_AUTO_DONE(hf_verdict) v;
		bool let_in = decide(&w, (const char *const[]){ allow, NULL }, &v);

		if (let_in != rows[i].matches)
			fail_msg("'%s' %s", rows[i].rule, let_in ? "matches" : "does not match");
		assert_string_equal(v.rule, rows[i].matches ? allow : "no rule matches");
	}
	done(&w);
}

#define OURS "1.3.6.1.4.1.99999.1"
#define THEIRS "1.3.6.1.4.1.99999.2"
#define ANY_POLICY "2.5.29.32.0"

/* root -> CA -> leaf, each with one extension more; the leaf's verdict under allow or deny of OURS.
 */
static bool let_in_by_policy(const char *ca_policies, const char *ca_more,
			     const char *leaf_policies, const char *rule, struct hf_verdict *v)
{
	const char *ca_ext[] = { "basicConstraints=critical,CA:TRUE",
				 "keyUsage=critical,keyCertSign,cRLSign",
				 CERTMAKE_IDS,
				 ca_policies,
				 ca_policies ? ca_more : NULL,
				 NULL };
	const char *leaf_ext[] = { "extendedKeyUsage=clientAuth", CERTMAKE_IDS, leaf_policies,
				   NULL };
	struct certmade root = certmake(&(struct certmake){ .ext = certmake_root });
	struct certmade ca =
	    certmake(&(struct certmake){ .subject = "/CN=CA", .issuer = &root, .ext = ca_ext });
	struct certmade leaf =
	    certmake(&(struct certmake){ .subject = "/CN=leaf", .issuer = &ca, .ext = leaf_ext });
	HF_AUTO(hf_trust) trust =
	    vf_trust((const struct certmade *const[]){ &root, NULL }, NULL, NULL);
	HF_AUTO(hf_rules) rules = NULL;

	assert_int_equal(hf_rules_new(&rules, NULL), 0);
	assert_int_equal(fill(rules, (const char *const[]){ rule, NULL }, NULL), 0);
	vf_judge((const struct certmade *const[]){ &leaf, &ca, NULL }, trust,
		 &(struct hf_verify_options){ .purpose = HF_PURPOSE_CLIENT }, v);
	vf_expect(leaf_policies ? leaf_policies : "no policies", v, true, NULL);
	assert_int_equal(hf_rules_apply(rules, trust, v, NULL), 0);
	certmade_done(&root);
	certmade_done(&ca);
	certmade_done(&leaf);
	return v->accepted;
}

/* The valid policies of the path decide, not what the leaf says of itself. */
static void test_policies_are_those_of_the_path(void **state)
{
	static const char ours[] = "certificatePolicies=" OURS,
			  theirs[] = "certificatePolicies=" THEIRS,
			  both[] = "certificatePolicies=" THEIRS "," OURS,
			  any[] = "certificatePolicies=" ANY_POLICY;
	static const struct {
		const char *label, *ca, *ca_more, *leaf;
		bool allowed, denied;
		const char *valid; /* the only one; NULL: none */
	} rows[] = {
		{ "both say so", ours, NULL, ours, true, true, OURS },
		{ "the leaf has more", ours, NULL, both, true, true, OURS },
		{ "the CA may give any", any, NULL, ours, true, true, OURS },
		{ "neither says anything", NULL, NULL, NULL, false, false, NULL },
		{ "the leaf says nothing", ours, NULL, NULL, false, false, NULL },
		{ "the CA says nothing", NULL, NULL, ours, false, true, NULL },
		{ "the CA may give another one only", theirs, NULL, ours, false, true, NULL },
		{ "another one", theirs, NULL, theirs, false, false, THEIRS },
		{ "any, of a CA that has one", ours, NULL, any, true, true, OURS },
		{ "any, of a CA that has another", theirs, NULL, any, false, false, THEIRS },
		{ "any, of a CA that may give any", any, NULL, any, true, true, ANY_POLICY },
		{ "a name of theirs for ours", ours, "policyMappings=" OURS ":" THEIRS, theirs,
		  true, true, OURS },
		{ "a name of ours for theirs", theirs, "policyMappings=" THEIRS ":" OURS, ours,
		  false, true, THEIRS },
		{ "any is not to count", any, "inhibitAnyPolicy=0", any, false, false, NULL },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO_DONE(hf_verdict) allow;
		HF_AUTO_DONE(hf_verdict) deny;

		print_message("  %s\n", rows[i].label);
		assert_int_equal(let_in_by_policy(rows[i].ca, rows[i].ca_more, rows[i].leaf,
						  "allow policy:" OURS, &allow),
				 rows[i].allowed);
		assert_int_equal(let_in_by_policy(rows[i].ca, rows[i].ca_more, rows[i].leaf,
						  "deny policy:" OURS, &deny),
				 !rows[i].denied);
		assert_int_equal(allow.policies.len, rows[i].valid ? 1 : 0);
		if (rows[i].valid)
			assert_string_equal(allow.policies.items[0], rows[i].valid);
	}
}

/* What a verdict of before admits to a route, and that the verdict keeps what it lent. */
static void test_a_route_asks_for_a_policy(void **state)
{
	HF_AUTO_DONE(hf_verdict) v;
	HF_AUTO_DONE(hf_verdict) denied;
	HF_AUTO_DONE(hf_verdict) admitted;
	HF_AUTO(hf_rules) ours = NULL;
	HF_AUTO(hf_rules) theirs = NULL;
	static const char policy[] = "certificatePolicies=" OURS;

	(void)state;
	assert_true(let_in_by_policy(policy, NULL, policy, "allow any", &v));
	assert_int_equal(hf_rules_new(&ours, NULL), 0);
	assert_int_equal(hf_rules_new(&theirs, NULL), 0);
	assert_int_equal(hf_rules_add(ours, true, "policy:" OURS, NULL), 0);
	assert_int_equal(hf_rules_add(theirs, true, "policy:" THEIRS, NULL), 0);
	assert_false(hf_rules_admit(theirs, NULL, &v, &denied));
	assert_true(hf_rules_admit(ours, NULL, &v, &admitted));
	assert_int_equal(v.policies.len, 1);
}

static void test_order_and_defaults(void **state)
{
	static const struct {
		const char *rules[4];
		bool accepted;
		const char *rule;
		enum hf_reason reason;
	} rows[] = {
		{ { NULL }, false, "no rule matches", HF_REASON_A_NOT_ALLOWED },
		{ { "allow any" }, true, "allow any", HF_REASON_NONE },
		{ { "allow cn:x" }, false, "no rule matches", HF_REASON_A_NOT_ALLOWED },
		{ { "deny cn:x" }, true, "no rule matches", HF_REASON_NONE },
		{ { "deny ou:Mail" }, false, "deny ou:Mail", HF_REASON_A_DENIED },
		{ { "deny cn:first" },
		  false,
		  "deny cn:first",
		  HF_REASON_A_DENIED }, /* any CN counts against */
		{ { "deny ou:Mail", "allow any" }, false, "deny ou:Mail", HF_REASON_A_DENIED },
		{ { "allow any", "deny ou:Mail" }, true, "allow any", HF_REASON_NONE },
		{ { "deny cn:x", "allow ou:Mail" }, true, "allow ou:Mail", HF_REASON_NONE },
		{ { "deny cn:x", "allow ou:Day" },
		  false,
		  "no rule matches",
		  HF_REASON_A_NOT_ALLOWED },
	};
	struct world w;

	(void)state;
	build(&w);
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO_DONE(hf_verdict) v;

		assert_int_equal(decide(&w, rows[i].rules, &v), rows[i].accepted);
		assert_string_equal(v.rule, rows[i].rule);
		if (rows[i].accepted)
			continue;
		assert_int_equal(hf_verdict_root(&v)->reason, rows[i].reason);
		assert_int_equal(v.alert, 49);
		assert_int_equal(v.judge, HF_JUDGE_US);
	}
	done(&w);
}

static void test_mistakes_are_named(void **state)
{
	static const struct {
		const char *rule, *says, *hint;
	} rows[] = {
		{ "", "empty", "" },
		{ "cn", "'cn'", "" },
		{ "cn:", "needs a value", "" },
		{ "cm:x", "'cm:x'", "cn:" },
		{ "isuer:own", "'isuer:own'", "issuer:" },
		{ "o:ABC+isuer:own", "isuer:own", "issuer:" },
		{ "everybody", "everybody", "any" },
		{ "Any", "Any", "any" },
		{ "CN:x", "CN:x", "cn:" },
		{ "dns:*", "dns:", "" },
		{ "dns:a.*.test", "dns:", "*." },
		{ "dns:*a.test", "dns:", "*." },
		{ "dns:a b", "dns:", "" },
		{ "uri:spiffe", "uri:", "" },
		{ "uri:spiffe://*", "uri:", "" },
		{ "uri:spiffe:///*", "uri:", "" },
		{ "uri:spiffe://abc/*/x", "uri:", "" },
		{ "email:amy", "email:", "" },
		{ "email:*@abc.test", "email:", "" },
		{ "ip:10.0.0.1/8", "ip:", "zero" },
		{ "ip:10.0.0.0/33", "ip:", "" },
		{ "ip:host", "ip:", "" },
		{ "ip:10.0.0.0/", "ip:", "" },
		{ "sha256:abcd", "sha256:", "64" },
		{ "spki:zz", "spki:", "64" },
		{ "serial:12", "serial:", "SHA256" },
		{ "serial:12@abcd", "serial:", "SHA256" },
		{ "serial:xyz@0000000000000000000000000000000000000000000000000000000000000000",
		  "serial:", "" },
		{ "policy:", "needs a value", "" },
		{ "policy:abc", "policy:", "1.3.6.1" },
		{ "policy:1", "policy:", "OID" },
		{ "policy:01.2.3", "policy:", "OID" },
		{ "policy:3.2.3", "policy:", "OID" },
		{ "policy:anyPolicy", "policy:", "OID" },
		{ "policy:2.5.29.32.0", "policy:", "leave the term out" },
		{ "any+", "ends with '+'", "plus" },
		{ "cn:a+", "ends with '+'", "plus" },
		{ "anyone", "anyone", "any" },
		{ "cn:a\nb", "control", "" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(hf_rules) rules = NULL;
		struct hf_err err = HF_ERR_INIT;

		assert_int_equal(hf_rules_new(&rules, NULL), 0);
		if (hf_rules_add(rules, true, rows[i].rule, &err) >= 0)
			fail_msg("'%s' is taken for a rule", rows[i].rule);
		if (!strstr(err.msg, rows[i].says) || !strstr(err.hint, rows[i].hint))
			fail_msg("'%s': %s (%s)", rows[i].rule, err.msg, err.hint);
		assert_int_equal(hf_rules_count(rules), 0);
	}
}

static void test_the_wrong_part_of_a_rule_has_a_place(void **state)
{
	static const struct {
		const char *rule, *id;
		unsigned column, length;
	} rows[] = {
		{ "cnn:bob", "E-RULE-TERM", 1, 3 },
		{ "o:abc+cnn:bob+dns:a", "E-RULE-TERM", 7, 3 },
		{ "everybody", "E-RULE-TERM", 1, 9 },
		{ "cn:a\\+b+ip:10.0.0.1/8", "E-RULE-VALUE", 12, 10 },
		{ "cn:bob+sha256:ab", "E-RULE-VALUE", 15, 2 },
		{ "cn:bob+cn:", "E-RULE-VALUE", 8, 3 },
		{ "cn:bob+", "E-RULE", 7, 1 },
		{ "+", "E-RULE", 1, 1 },
		{ "o:\xc3\xa4+cnn:b", "E-RULE-TERM", 5, 3 },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(hf_rules) rules = NULL;
		struct hf_err err = HF_ERR_INIT;

		print_message("  %s\n", rows[i].rule);
		assert_int_equal(hf_rules_new(&rules, &err), 0);
		assert_true(hf_rules_add(rules, true, rows[i].rule, &err) < 0);
		assert_string_equal(err.id, rows[i].id);
		assert_string_equal(err.place.text, rows[i].rule);
		assert_int_equal(err.place.line, 0);
		assert_int_equal(err.place.column, rows[i].column);
		assert_int_equal(err.place.length, rows[i].length);
		assert_true(hf_rules_add(rules, true, rows[i].rule, NULL) < 0);
	}
}

static void test_equal_rules_have_equal_digests(void **state)
{
	static const char *const sets[][3] = {
		{ NULL },
		{ "allow any" },
		{ "deny any" },
		{ "allow cn:a", "allow cn:b" },
		{ "allow cn:b", "allow cn:a" },
		{ "allow cn:ab" },
	};
	uint8_t digests[HF_ARRAY_LEN(sets)][HF_SHA256_LEN];

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(sets); i++) {
		HF_AUTO(hf_rules) rules = NULL;
		HF_AUTO(hf_rules) same = NULL;
		uint8_t again[HF_SHA256_LEN];

		assert_int_equal(hf_rules_new(&rules, NULL), 0);
		assert_int_equal(hf_rules_new(&same, NULL), 0);
		assert_int_equal(fill(rules, sets[i], NULL), 0);
		assert_int_equal(fill(same, sets[i], NULL), 0);
		hf_rules_digest(rules, digests[i]);
		hf_rules_digest(same, again);
		assert_memory_equal(digests[i], again, HF_SHA256_LEN);
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(digests[i], digests[k], HF_SHA256_LEN);
	}
}

/* A NUL after an allowed name must not end the comparison. */
static void test_nul_does_not_shorten_a_name(void **state)
{
	struct world w;
	HF_AUTO_DONE(hf_verdict) v;
	HF_AUTO(hf_rules) rules = NULL;

	(void)state;
	build(&w);
	vf_judge((const struct certmade *const[]){ &w.leaf, NULL }, w.trust,
		 &(struct hf_verify_options){ 0 }, &v);
	assert_true(v.accepted);
	/* The judge refuses such certificates; here one is put past it. */
	for (size_t i = 0; i < w.leaf.cert->sans.len; i++) {
		struct hf_san *s = &v.identity->leaf->sans.items[i];

		if (s->kind == HF_SAN_DNS && s->value[0] == 'M')
			s->value[4] = '\0';
	}
	assert_int_equal(hf_rules_new(&rules, NULL), 0);
	assert_int_equal(hf_rules_add(rules, true, "dns:mail", NULL), 0);
	assert_int_equal(hf_rules_apply(rules, w.trust, &v, NULL), 0);
	assert_false(v.accepted);
	done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terms),
		cmocka_unit_test(test_a_doubtful_name_is_denied),
		cmocka_unit_test(test_policies_are_those_of_the_path),
		cmocka_unit_test(test_a_route_asks_for_a_policy),
		cmocka_unit_test(test_order_and_defaults),
		cmocka_unit_test(test_mistakes_are_named),
		cmocka_unit_test(test_the_wrong_part_of_a_rule_has_a_place),
		cmocka_unit_test(test_equal_rules_have_equal_digests),
		cmocka_unit_test(test_nul_does_not_shorten_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
