/* SPDX-License-Identifier: Apache-2.0 */
/* lib/verify/verdict: what is in it, and how it is told. */
#include "verify_fixture.h"

#include "verify/judge.h"

static void test_names_of_errors_and_alerts(void **state)
{
	static const struct {
		int error;
		const char *name;
	} errors[] = {
		{ 0, "OK" },
		{ 2, "UNABLE_TO_GET_ISSUER_CERT" },
		{ 10, "CERT_HAS_EXPIRED" },
		{ 18, "DEPTH_ZERO_SELF_SIGNED_CERT" },
		{ 20, "UNABLE_TO_GET_ISSUER_CERT_LOCALLY" },
		{ 21, "UNABLE_TO_VERIFY_LEAF_SIGNATURE" },
		{ 26, "INVALID_PURPOSE" },
		{ 32, "KEYUSAGE_NO_CERTSIGN" },
		{ 66, "EE_KEY_TOO_SMALL" },
		{ 79, "INVALID_CA" },
		{ 94, "EC_KEY_EXPLICIT_PARAMS" },
		{ -1, "UNSPECIFIED" },
		{ 1, "UNSPECIFIED" },
		{ 999, "UNSPECIFIED" },
	};
	static const struct {
		int alert;
		const char *name;
	} alerts[] = {
		{ 42, "bad_certificate" }, { 48, "unknown_ca" }, { 116, "certificate_required" },
		{ 80, "internal_error" },  { -1, "unknown" },	 { 43, "unsupported_certificate" },
		{ 1, "unknown" },	   { 9999, "unknown" }
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(errors); i++)
		assert_string_equal(hf_verify_error_name(errors[i].error), errors[i].name);
	for (size_t i = 0; i < HF_ARRAY_LEN(alerts); i++)
		assert_string_equal(hf_alert_name(alerts[i].alert), alerts[i].name);
	/* every error that this OpenSSL has a text for has a name here */
	for (int e = 1; e <= X509_V_ERR_EC_KEY_EXPLICIT_PARAMS; e++) {
		if (e != X509_V_ERR_UNSPECIFIED)
			assert_string_not_equal(hf_verify_error_name(e), "UNSPECIFIED");
	}
}

static void test_node_knows_twenty_eight_names(void **state)
{
	size_t known = 0;

	(void)state;
	for (int e = 0; e <= X509_V_ERR_EC_KEY_EXPLICIT_PARAMS; e++)
		known += strcmp(hf_node_reason_name(e), "UNSPECIFIED") != 0;
	assert_int_equal(known, 28);
	assert_string_equal(hf_node_reason_name(X509_V_ERR_INVALID_CA), "INVALID_CA");
	assert_string_equal(hf_node_reason_name(X509_V_ERR_KEYUSAGE_NO_CERTSIGN), "UNSPECIFIED");
}

static void test_findings_are_copied_and_escaped(void **state)
{
	HF_AUTO_DONE(hf_verdict) v;
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(65536);
	HF_AUTO_DONE(hf_buf) json = HF_BUF_INIT(65536);
	struct hf_json j;
	char want[] = "x\ny\x1b[31m";
	struct hf_finding *f;

	(void)state;
	hf_verdict_init(&v);
	assert_int_equal(v.root_cause, -1);
	assert_null(hf_verdict_root(&v));
	f = hf_verdict_add(&v, HF_REASON_V_EXPIRED, HF_STEP_CHAIN, HF_ROLE_CLIENT_LEAF, 0, NULL,
			   want, NULL);
	assert_non_null(f);
	want[0] = 'z';
	assert_string_equal(f->want, "x\\x0ay\\x1b[31m");
	assert_null(f->have);
	assert_int_equal(f->severity, HF_SEVERITY_REFUSE);
	assert_string_equal(f->rule, "RFC 5280 4.1.2.5");
	/* what came escaped is not escaped again */
	f = hf_verdict_add(&v, HF_REASON_V_NO_EKU, HF_STEP_CHAIN, HF_ROLE_LEAF, 0, NULL, "a\\x0ab",
			   "caf\xc3\xa9");
	assert_string_equal(f->want, "a\\x0ab");
	assert_string_equal(f->have, "caf\xc3\xa9");
	assert_int_equal(f->severity, HF_SEVERITY_WARN);
	v.root_cause = 0;
	assert_int_equal(hf_verdict_root(&v)->reason, HF_REASON_V_EXPIRED);
	assert_true(hf_verdict_has(&v, HF_REASON_V_NO_EKU));
	assert_false(hf_verdict_has(&v, HF_REASON_V_EKU));
	assert_int_equal(hf_verdict_format(&v, &text), 0);
	assert_non_null(
	    strstr(hf_buf_str(&text), "V-EXPIRED: the certificate has expired: want x\\x0ay"));
	assert_non_null(strstr(hf_buf_str(&text), "  fix: renew it\n"));
	assert_non_null(strstr(hf_buf_str(&text), "V-NO-EKU: warning: "));
	hf_json_init(&j, &json, false);
	hf_verdict_to_json(&v, &j, NULL);
	assert_non_null(strstr(hf_buf_str(&json), "\"reason\": \"V-EXPIRED\""));
	assert_null(strchr(hf_buf_str(&json), '\x1b'));
}

static void test_json_has_every_field(void **state)
{
	static const char *const fields[] = {
		"\"accepted\": false",
		"\"reason\": \"V-EXPIRED\"",
		"\"explanation\": \"CN=leaf: the certificate has expired: want notAfter",
		"\"findings\": [{\"id\": \"V-EXPIRED\", \"severity\": \"refuse\", \"consequence\": false, \"step\": \"chain\", \"role\": \"client-leaf\", \"depth\": 0, "
		"\"subject\": \"CN=leaf\", \"serial\": \"",
		"\"sha256\": \"",
		"\"sentence\": \"the certificate has expired\"",
		"\"rule\": \"RFC 5280 4.1.2.5\"",
		"\"remedy\": \"renew it\"",
		"\"identity\": null",
		"\"openssl\": [{\"error\": 10, \"name\": \"CERT_HAS_EXPIRED\", \"depth\": 0}]",
		"\"node_reason\": \"CERT_HAS_EXPIRED\"",
		"\"alert\": 45, \"alert_name\": \"certificate_expired\"",
	};
	HF_AUTO_DONE(certmade) root =
	    certmake(&(struct certmake){ .subject = "/CN=Root", .ext = certmake_root });
	HF_AUTO_DONE(certmade) leaf = certmake(&(struct certmake){ .subject = "/CN=leaf",
								   .issuer = &root,
								   .ext = certmake_client,
								   .from = -99,
								   .to = -1 });
	HF_AUTO(hf_trust) trust =
	    vf_trust((const struct certmade *const[]){ &root, NULL }, NULL, NULL);
	HF_AUTO_DONE(hf_buf) json = HF_BUF_INIT(65536);
	HF_AUTO_DONE(hf_verdict) v;
	struct hf_json j;

	(void)state;
	vf_judge((const struct certmade *const[]){ &leaf, NULL }, trust,
		 &(struct hf_verify_options){ .purpose = HF_PURPOSE_CLIENT }, &v);
	hf_json_init(&j, &json, false);
	hf_verdict_to_json(&v, &j, NULL);
	for (size_t i = 0; i < HF_ARRAY_LEN(fields); i++) {
		if (!strstr(hf_buf_str(&json), fields[i]))
			fail_msg("no %s in %s", fields[i], hf_buf_str(&json));
	}
}

static void test_accepted_json(void **state)
{
	HF_AUTO_DONE(certmade) root =
	    certmake(&(struct certmake){ .subject = "/CN=Root", .ext = certmake_root });
	HF_AUTO_DONE(certmade) leaf = certmake(
	    &(struct certmake){ .subject = "/CN=leaf", .issuer = &root, .ext = certmake_client });
	HF_AUTO(hf_trust) trust =
	    vf_trust((const struct certmade *const[]){ &root, NULL }, NULL, NULL);
	HF_AUTO_DONE(hf_buf) json = HF_BUF_INIT(65536);
	HF_AUTO_DONE(hf_verdict) v;
	struct hf_json j;

	(void)state;
	vf_judge((const struct certmade *const[]){ &leaf, NULL }, trust,
		 &(struct hf_verify_options){ .purpose = HF_PURPOSE_CLIENT,
					      .second_opinion = true },
		 &v);
	vf_expect("good", &v, true, "");
	assert_int_equal(v.ossl_len, 0);
	assert_null(v.node_reason);
	assert_int_equal(v.alert, 0);
	assert_int_equal(v.judge, HF_JUDGE_NOBODY);
	hf_json_init(&j, &json, false);
	hf_verdict_to_json(&v, &j, NULL);
	assert_non_null(strstr(hf_buf_str(&json), "\"accepted\": true"));
	assert_non_null(strstr(hf_buf_str(&json), "\"node_reason\": null"));
	assert_non_null(strstr(hf_buf_str(&json), "\"alert\": null"));
	assert_non_null(strstr(hf_buf_str(&json), "\"identity\": {"));
}

static void test_words(void **state)
{
	(void)state;
	for (enum hf_role role = HF_ROLE_NONE; role <= HF_ROLE_CRL; role++)
		assert_true(hf_role_name(role)[0] != '\0');
	for (enum hf_step step = HF_STEP_FILES; step <= HF_STEP_REQUEST; step++)
		assert_true(hf_step_name(step)[0] != '\0');
	assert_string_equal(hf_role_name(HF_ROLE_SERVER_CA), "server-ca");
	assert_string_equal(hf_step_name(HF_STEP_REVOCATION), "revocation");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_of_errors_and_alerts),
		cmocka_unit_test(test_node_knows_twenty_eight_names),
		cmocka_unit_test(test_findings_are_copied_and_escaped),
		cmocka_unit_test(test_json_has_every_field),
		cmocka_unit_test(test_accepted_json),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
