/* SPDX-License-Identifier: Apache-2.0 */
/* lib/verify: is the certificate valid for the name asked for (RFC 9525). */
#include "verify_fixture.h"

#include "verify/quirk.h"
#include "verify/wildcard.h"

struct row {
	const char *san; /* NULL: none */
	const char *cn;
	const char *name;
	bool compat;
	const char *cause; /* NULL: accepted */
};

static const struct row rows[] = {
	{ "DNS:a.example.com", "x", "a.example.com", false, NULL },
	{ "DNS:a.example.com", "x", "A.EXAMPLE.com", false, NULL },
	{ "DNS:A.Example.Com", "x", "a.example.com", false, NULL },
	{ "DNS:a.example.com", "x", "a.example.com.", false, NULL },
	{ "DNS:localhost", "x", "localhost", false, NULL },
	{ "DNS:b.example.com,DNS:a.example.com", "x", "a.example.com", false, NULL },
	{ "DNS:a.example.com", "x", "b.example.com", false, "V-NAME-MISMATCH" },
	{ "DNS:a.example.com", "x", "example.com", false, "V-NAME-MISMATCH" },
	{ "DNS:a.example.com", "x", "aa.example.com", false, "V-NAME-MISMATCH" },
	{ "DNS:a.example.com", "x", "a.example.com.evil.test", false, "V-NAME-MISMATCH" },
	{ "DNS:a.example.com", "x", "a..example.com", false, "V-NAME-MISMATCH" },
	{ "DNS:a.example.com", "x", "", false, "V-NAME-MISMATCH" },
	{ "DNS:a.example.com", "x", ".", false, "V-NAME-MISMATCH" },
	{ "DNS:*.example.com", "x", "*.example.com", false, "V-NAME-MISMATCH" },
	/* wildcards: the whole leftmost label, exactly one */
	{ "DNS:*.example.com", "x", "a.example.com", false, NULL },
	{ "DNS:*.example.com", "x", "A.EXAMPLE.COM.", false, NULL },
	{ "DNS:*.example.com", "x", "example.com", false, "V-WILDCARD" },
	{ "DNS:*.example.com", "x", "a.b.example.com", false, "V-WILDCARD" },
	{ "DNS:*.example.com", "x", "a.example.org", false, "V-NAME-MISMATCH" },
	{ "DNS:*.example.com", "x", "aexample.com", false, "V-NAME-MISMATCH" },
	{ "DNS:f*.example.com", "x", "foo.example.com", false, "V-NAME-MISMATCH" },
	{ "DNS:*o.example.com", "x", "foo.example.com", false, "V-NAME-MISMATCH" },
	{ "DNS:a.*.example.com", "x", "a.b.example.com", false, "V-NAME-MISMATCH" },
	{ "DNS:*.*.example.com", "x", "a.b.example.com", false, "V-NAME-MISMATCH" },
	{ "DNS:*", "x", "localhost", false, "V-NAME-MISMATCH" },
	{ "DNS:*.com", "x", "example.com", false, "V-WILDCARD" },
	{ "DNS:*.co.uk", "x", "example.co.uk", false, NULL },
	{ "DNS:*", "x", "a.example.com", false, "V-NAME-MISMATCH" },
	{ "DNS:*.0.0.1", "x", "127.0.0.1", false, "V-IP-SAN" },
	/* addresses are IP entries and nothing else */
	{ "IP:127.0.0.1", "x", "127.0.0.1", false, NULL },
	{ "IP:::1", "x", "::1", false, NULL },
	{ "IP:::1", "x", "[::1]", false, NULL },
	{ "IP:::1", "x", "0:0:0:0:0:0:0:1", false, NULL },
	{ "IP:127.0.0.2", "x", "127.0.0.1", false, "V-IP-SAN" },
	{ "IP:::ffff:127.0.0.1", "x", "127.0.0.1", false, "V-IP-SAN" },
	{ "DNS:localhost", "x", "127.0.0.1", false, "V-IP-SAN" },
	{ "DNS:127.0.0.1", "x", "127.0.0.1", false, "V-IP-AS-DNS" },
	{ "IP:127.0.0.1", "x", "localhost", false, "V-NAME-MISMATCH" },
	{ NULL, "127.0.0.1", "127.0.0.1", false, "V-CN-ONLY" },
	{ NULL, "127.0.0.1", "127.0.0.1", true, NULL },
	/* the common name only when asked, and only without DNS and IP entries */
	{ NULL, "a.example.com", "a.example.com", false, "V-CN-ONLY" },
	{ NULL, "a.example.com", "a.example.com", true, NULL },
	{ NULL, "*.example.com", "a.example.com", true, NULL },
	{ NULL, "b.example.com", "a.example.com", true, "V-NAME-MISMATCH" },
	{ "email:a@b.com", "a.example.com", "a.example.com", true, NULL },
	{ "DNS:b.example.com", "a.example.com", "a.example.com", true, "V-NAME-MISMATCH" },
	{ "IP:127.0.0.1", "a.example.com", "a.example.com", true, "V-NAME-MISMATCH" },
	{ "DNS:b.example.com", "127.0.0.1", "127.0.0.1", true, "V-IP-SAN" },
	/* kinds do not meet */
	{ "URI:https://a.example.com/", "x", "a.example.com", false, "V-NAME-MISMATCH" },
	{ "email:a.example.com@x.test", "x", "a.example.com", false, "V-NAME-MISMATCH" },
	{ "email:amy@Example.com", "x", "amy@example.COM", false, NULL },
	{ "email:amy@example.com", "x", "Amy@example.com", false, "V-NAME-MISMATCH" },
	{ "email:amy@example.com", "x", "bob@example.com", false, "V-NAME-MISMATCH" },
	{ "DNS:example.com", "x", "amy@example.com", false, "V-NAME-MISMATCH" },
};

static void check(const struct row *r, const struct certmade *root, const struct hf_trust *trust)
{
	char san[256], subject[128];
	const char *ext[] = { "extendedKeyUsage=serverAuth", CERTMAKE_IDS, r->san ? san : NULL,
			      NULL };
	struct hf_verify_options options = { .purpose = HF_PURPOSE_SERVER,
					     .name = r->name,
					     .compat_cn = r->compat };
	HF_AUTO_DONE(hf_verdict) v;

	(void)snprintf(san, sizeof(san), "subjectAltName=%s", r->san ? r->san : "");
	(void)snprintf(subject, sizeof(subject), "/CN=%s", r->cn);
	HF_AUTO_DONE(certmade) leaf =
	    certmake(&(struct certmake){ .subject = subject, .issuer = root, .ext = ext });

	vf_judge((const struct certmade *const[]){ &leaf, NULL }, trust, &options, &v);
	(void)snprintf(subject, sizeof(subject), "%.60s for '%.40s'", san, r->name);
	vf_expect(subject, &v, !r->cause, r->cause);
	assert_true(!r->cause || v.alert == 42);
}

static void test_names(void **state)
{
	HF_AUTO_DONE(certmade) root =
	    certmake(&(struct certmake){ .subject = "/CN=Root", .ext = certmake_root });
	HF_AUTO(hf_trust) trust =
	    vf_trust((const struct certmade *const[]){ &root, NULL }, NULL, NULL);

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++)
		check(&rows[i], &root, trust);
}

/* HAProxy 449133cba, Envoy CVE-2025-66220. */
static void test_bytes_that_hide_a_name_are_refused(void **state)
{
	/* GeneralNames with one dNSName: "localhost", the byte, ".evil.test" */
	static const char *const hidden[] = {
		"subjectAltName=DER:30168214"
		"6c6f63616c686f7374"
		"00"
		"2e6576696c2e74657374",
		"subjectAltName=DER:30168214"
		"6c6f63616c686f7374"
		"0a"
		"2e6576696c2e74657374",
		"subjectAltName=DER:30168214"
		"6c6f63616c686f7374"
		"7f"
		"2e6576696c2e74657374",
	};
	HF_AUTO_DONE(certmade) root =
	    certmake(&(struct certmake){ .subject = "/CN=Root", .ext = certmake_root });
	HF_AUTO(hf_trust) trust =
	    vf_trust((const struct certmade *const[]){ &root, NULL }, NULL, NULL);

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(hidden); i++) {
		const char *const ext[] = { "extendedKeyUsage=serverAuth", CERTMAKE_IDS, hidden[i],
					    NULL };
		HF_AUTO_DONE(certmade) leaf =
		    certmake(&(struct certmake){ .subject = "/CN=l", .issuer = &root, .ext = ext });
		HF_AUTO_DONE(hf_verdict) v;
		HF_AUTO_DONE(hf_verdict) unasked;

		vf_judge((const struct certmade *const[]){ &leaf, NULL }, trust,
			 &(struct hf_verify_options){ .purpose = HF_PURPOSE_SERVER,
						      .name = "localhost" },
			 &v);
		vf_expect(hidden[i], &v, false, "V-NAME-CONTROL");
		vf_judge((const struct certmade *const[]){ &leaf, NULL }, trust,
			 &(struct hf_verify_options){ 0 }, &unasked);
		vf_expect(hidden[i], &unasked, false, "V-NAME-CONTROL");
	}
}

/* What other worlds take a pattern for; ours never matches by it. */
static void test_odd_wildcards_are_told_apart(void **state)
{
	static const struct {
		const char *pattern, *name;
		enum hf_wildcard kind;
	} odd[] = {
		{ "*.a.test", "b.a.test", HF_WILDCARD_NO },
		{ "b.a.test", "b.a.test", HF_WILDCARD_NO },
		{ "*.test", "a.test", HF_WILDCARD_TOP },
		{ "*", "a", HF_WILDCARD_BARE },
		{ "*", "a.test", HF_WILDCARD_NO },
		{ "g*.a.test", "gw.a.test", HF_WILDCARD_PREFIX },
		{ "G*W.a.test", "gateW.A.test", HF_WILDCARD_PREFIX },
		{ "g*w.a.test", "g.a.test", HF_WILDCARD_NO },
		{ "gw*w.a.test", "gw.a.test", HF_WILDCARD_NO },
		{ "*w.a.test", "gw.a.test", HF_WILDCARD_SUFFIX },
		{ "*w.a.test", "gx.a.test", HF_WILDCARD_NO },
		{ "gw.*.test", "gw.a.test", HF_WILDCARD_MIDDLE },
		{ "gw.*.test", "gw.a.b.test", HF_WILDCARD_NO },
		{ "*.*.test", "gw.a.test", HF_WILDCARD_NO },
		{ "*.a.test", ".a.test", HF_WILDCARD_NO },
		{ "", "", HF_WILDCARD_NO },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(odd); i++) {
		if (hf_wildcard_match(odd[i].pattern, odd[i].name) != odd[i].kind)
			fail_msg("%s for %s", odd[i].pattern, odd[i].name);
	}
}

/* No profile of ours is laxer than the other: strict only turns warnings into refusals. */
static void test_each_cell_is_a_known_letter(void **state)
{
	enum hf_severity tolerant, strict;

	(void)state;
	for (int q = 0; q < HF_QUIRK_COUNT; q++) {
		const char *cells = hf_quirk_info((enum hf_quirk)q)->cells;

		assert_int_equal(strspn(cells, "abs-i."), HF_PROFILE_COUNT);
		if (!hf_quirk_severity((enum hf_quirk)q, HF_PROFILE_OPENSSL, HF_PURPOSE_SERVER,
				       &tolerant))
			continue;
		assert_true(hf_quirk_severity((enum hf_quirk)q, HF_PROFILE_STRICT,
					      HF_PURPOSE_SERVER, &strict));
		assert_true(strict >= tolerant);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_bytes_that_hide_a_name_are_refused),
		cmocka_unit_test(test_odd_wildcards_are_told_apart),
		cmocka_unit_test(test_each_cell_is_a_known_letter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
