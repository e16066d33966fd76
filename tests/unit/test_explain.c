/* SPDX-License-Identifier: Apache-2.0 */
/* The deduction on made-up sightings: no network, so that what no loopback can show is shown too.
 */
#include "tls_fixture.h"

#include "base/time.h"
#include "explain/internal.h"
#include "explain/logline.h"
#include "explain/story.h"

static const struct fx_spec root_spec = { .subject = "/O=Zoo/CN=Root", .exts = TX_CA_EXTS };
static const struct fx_spec leaf_spec = { .subject = "/O=Zoo/CN=<amy>",
					  .serial = "1f",
					  .exts = { { "extendedKeyUsage", "clientAuth" } } };
static struct tx_party root, leaf;

static int cast_make(void **state)
{
	(void)state;
	tx_issue(&root, &root_spec, NULL);
	tx_issue(&leaf, &leaf_spec, &root);
	tx_credential(&leaf);
	return 0;
}

static int cast_done(void **state)
{
	(void)state;
	tx_party_done(&root);
	tx_party_done(&leaf);
	return 0;
}

/* A client that sent leaf and was answered with an alert (or -1: the end). */
static struct hf_case *refused_with(int alert)
{
	struct hf_case *c = calloc(1, sizeof(*c));
	HF_AUTO(hf_cert) top = NULL;
	struct hf_look *look;

	assert_non_null(c);
	hf_case_init(c);
	assert_int_equal(hf_cert_new(root.x509, &top, NULL), 0);
	look = &c->looks[HF_LOOK_MAIN];
	c->target = "gw.test:443";
	c->name = "gw.test";
	c->have_own = true;
	c->set.trusts_somebody = true;
	c->now = TX_NOW_2026;
	assert_int_equal(hf_certs_copy(&c->own, &leaf.credential->chain, NULL), 0);
	assert_int_equal(hf_certs_copy(&c->own_path, &leaf.credential->chain, NULL), 0);
	assert_int_equal(hf_certs_add(&c->own_path, top, NULL), 0);
	look->made = look->handshake_done = true;
	look->at = c->now;
	look->transcript.offer.seen = look->transcript.choice.seen = true;
	look->transcript.offer.sni = hf_str_dup("gw.zoo.test");
	look->transcript.choice.version = HF_TLS_1_3;
	look->transcript.demand.seen = true;
	look->transcript.client.seen = true;
	assert_int_equal(hf_certs_copy(&look->transcript.client.certs, &c->own, NULL), 0);
	look->end = alert < 0 ? HF_LOOK_CLOSED : HF_LOOK_REFUSED;
	look->failed = true;
	look->failure.refused_by = alert < 0 ? HF_JUDGE_NOBODY : HF_JUDGE_PEER;
	look->failure.cause = "";
	if (alert >= 0)
		hf_transcript_alert(&look->transcript, false, alert);
	return c;
}

static void case_free(struct hf_case *c)
{
	hf_case_done(c);
	free(c);
}

static void explain(const struct hf_case *c, struct hf_explanation *e)
{
	struct hf_err err = HF_ERR_INIT;

	hf_explanation_init(e);
	if (hf_explain(c, e, &err) < 0)
		fail_msg("%s", err.msg);
}

static const char *id_of(const struct hf_explanation *e)
{
	return hf_reason_info(e->cause)->id;
}

static void test_an_alert_over_a_chain_in_order(void **state)
{
	static const struct {
		int alert;
		const char *cause;
		enum hf_side fault;
	} rows[] = {
		{ 45, "V-CRL-EXPIRED", HF_SIDE_SERVER }, { 44, "V-REVOKED", HF_SIDE_CLIENT },
		{ 42, "K-CLOCK", HF_SIDE_SERVER },	 { 49, "A-NOT-ALLOWED", HF_SIDE_SERVER },
		{ 48, "V-UNKNOWN-CA", HF_SIDE_SERVER },	 { -1, "T-ALERT-LOST", HF_SIDE_NOBODY },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		struct hf_case *c = refused_with(rows[i].alert);
		struct hf_explanation e;

		explain(c, &e);
		if (strcmp(id_of(&e), rows[i].cause) != 0 || e.fault_in != rows[i].fault)
			fail_msg("alert %d: %s, fault in %s", rows[i].alert, id_of(&e),
				 hf_side_name(e.fault_in));
		assert_int_equal(e.confidence, HF_LIKELY);
		assert_int_equal(e.refused_by, HF_SIDE_SERVER);
		assert_null(strchr(e.fix, '{'));
		hf_explanation_done(&e);
		case_free(c);
	}
}

static void test_the_servers_clock_is_believed_over_a_guess(void **state)
{
	struct hf_case *c = refused_with(45);
	struct hf_explanation e;

	(void)state;
	c->looks[HF_LOOK_MAIN].http.date = c->now + 20LL * 365 * HF_DAY_SECONDS;
	explain(c, &e);
	assert_string_equal(id_of(&e), "K-CLOCK");
	assert_int_equal(e.confidence, HF_CERTAIN);
	hf_explanation_done(&e);
	case_free(c);
}

static void test_a_certificate_made_a_moment_ago(void **state)
{
	struct hf_case *c = refused_with(42);
	struct hf_explanation e;

	(void)state;
	/* a whole chain that is new says nothing of how far the clock is off */
	c->now = c->own.items[0]->not_before + 60;
	explain(c, &e);
	assert_string_equal(id_of(&e), "K-CLOCK");
	assert_true(e.candidates_len == 2 && e.candidates[1] == HF_REASON_K_SKEW_SMALL);
	hf_explanation_done(&e);
	while (c->own_path.len > 1)
		hf_cert_unref(c->own_path.items[--c->own_path.len]);
	while (c->own.len > 1)
		hf_cert_unref(c->own.items[--c->own.len]);
	explain(c, &e);
	assert_string_equal(id_of(&e), "K-SKEW-SMALL");
	hf_explanation_done(&e);
	case_free(c);
}

static void test_nothing_was_sent(void **state)
{
	struct hf_case *c = refused_with(116);
	struct hf_look *look = &c->looks[HF_LOOK_MAIN];
	struct hf_explanation e;

	(void)state;
	hf_certs_done(&look->transcript.client.certs);
	look->transcript.client.certs = (struct hf_certs)HF_CERTS_INIT;
	look->transcript.demand.sigalgs = (struct hf_codes){ { 0x0804 }, 1, 1 };
	explain(c, &e);
	assert_string_equal(id_of(&e), "N-SIGALG");
	assert_int_equal(e.fault_in, HF_SIDE_BOTH);
	hf_explanation_done(&e);
	look->transcript.demand.sigalgs = (struct hf_codes){ { 0x0403 }, 1, 1 };
	explain(c, &e);
	assert_string_equal(id_of(&e), "N-NONE");
	assert_int_equal(e.confidence, HF_LIKELY);
	hf_explanation_done(&e);
	case_free(c);
}

static void test_one_shot_asks_for_nothing_more(void **state)
{
	struct hf_case *c = refused_with(-1);
	struct hf_look *look = &c->looks[HF_LOOK_MAIN];
	struct hf_explanation e;

	(void)state;
	look->transcript.choice.seen = look->transcript.demand.seen = false;
	look->handshake_done = false;
	explain(c, &e);
	assert_int_equal(e.wants, HF_LOOK_PROXY);
	hf_explanation_done(&e);
	c->set.one_shot = true;
	explain(c, &e);
	assert_int_equal(e.wants, HF_LOOK_MAIN);
	assert_string_equal(id_of(&e), "T-EOF");
	hf_explanation_done(&e);
	c->set.one_shot = false;
	c->extra_looks = 3;
	explain(c, &e);
	assert_int_equal(e.wants, HF_LOOK_MAIN);
	hf_explanation_done(&e);
	case_free(c);
}

static void test_views_are_escaped(void **state)
{
	struct hf_case *c = refused_with(45);
	HF_AUTO_DONE(hf_buf) page = HF_BUF_INIT(1 << 20), text = HF_BUF_INIT(1 << 20);
	struct hf_explanation e;

	(void)state;
	explain(c, &e);
	hf_explanation_to_html(c, &e, &page);
	hf_explanation_format(c, &e, &text);
	assert_null(strstr(hf_buf_str(&page), "<amy>"));
	assert_non_null(strstr(hf_buf_str(&page), "&lt;amy&gt;"));
	assert_non_null(strstr(hf_buf_str(&text), "<--X-- alert 45 certificate_expired"));
	hf_explanation_done(&e);
	case_free(c);
}

static void test_every_reason_can_be_told(void **state)
{
	(void)state;
	for (int i = 1; i < HF_REASON_COUNT; i++) {
		const struct hf_story *s = hf_story_of((enum hf_reason)i);
		const char *id = hf_reason_info((enum hf_reason)i)->id;

		if (!s->arises || !s->check || !s->handfast || !s->openssl)
			fail_msg("%s has no story", id);
		assert_true(hf_cause_fault((enum hf_reason)i, HF_SIDE_CLIENT) != HF_SIDE_NOBODY);
		assert_true(hf_cause_fault((enum hf_reason)i, HF_SIDE_SERVER) != HF_SIDE_NOBODY);
	}
	assert_int_equal(hf_cause_fault(HF_REASON_V_EXPIRED, HF_SIDE_CLIENT), HF_SIDE_SERVER);
	assert_int_equal(hf_cause_fault(HF_REASON_V_UNKNOWN_CA, HF_SIDE_CLIENT), HF_SIDE_CLIENT);
	assert_int_equal(hf_cause_fault(HF_REASON_V_DUP_SERIAL, HF_SIDE_SERVER), HF_SIDE_CA);
}

static void test_lines_of_logs(void **state)
{
	struct hf_log_meaning m;

	(void)state;
	assert_true(hf_log_line_read("SSL: CRL HAS EXPIRED", NULL, &m));
	assert_int_equal(m.candidates[0], HF_REASON_V_CRL_EXPIRED);
	assert_int_equal(m.confidence, HF_CERTAIN);
	assert_true(hf_log_line_read("sslv3 alert certificate expired", NULL, &m));
	assert_true(m.alert && m.candidates_len > 2);
	assert_int_equal(m.confidence, HF_LIKELY);
	assert_false(hf_log_line_read("", NULL, &m));
	assert_false(hf_log_line_read("GET / HTTP/1.1 200", NULL, &m));
}

static enum hf_reason cause_of(const char *line)
{
	struct hf_log_meaning m;

	return hf_log_line_read(line, NULL, &m) ? m.candidates[0] : HF_REASON_NONE;
}

static void test_what_a_program_writes_of_every_connection_is_no_cause(void **state)
{
	(void)state;
	assert_int_equal(cause_of("LOG6[0]: Peer certificate required"), HF_REASON_NONE);
	assert_int_equal(cause_of("LOG5[0]: Connection reset/closed: 0 byte(s) sent to TLS, 0 "
				  "byte(s) sent to socket"),
			 HF_REASON_NONE);
	assert_int_equal(cause_of("tlsv13 alert certificate required"), HF_REASON_N_NONE);
	assert_int_equal(cause_of("Connection reset by peer"), HF_REASON_T_RESET);
}

static void test_words_that_hide_the_cause(void **state)
{
	static const char general[] = "SSL routines::certificate verify failed";
	struct hf_log_context context = { .depth_known = false };
	struct hf_log_meaning m;

	(void)state;
	assert_true(hf_log_line_read(general, &context, &m));
	assert_int_equal(m.confidence, HF_CANNOT_KNOW);
	/* after the verdict itself it says nothing new, and once more it does */
	assert_true(hf_log_line_read("Verification: Error (12): CRL has expired", &context, &m));
	assert_false(hf_log_line_read(general, &context, &m));
	assert_true(hf_log_line_read(general, &context, &m));
	/* Node hangs up itself */
	assert_true(hf_log_line_read("tlsClientError ECONNRESET socket hang up", NULL, &m));
	assert_int_equal(m.confidence, HF_CANNOT_KNOW);
	assert_true(m.writer_is_server && m.candidates[0] != HF_REASON_T_RESET);
	assert_true(hf_log_line_read("Error in handshake: No certificate was found.", NULL, &m));
	assert_true(m.hides_alert);
}

static void test_an_alert_without_its_number(void **state)
{
	static const struct {
		const char *line;
		int alert;
	} lines[] = { { "[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca (_ssl.c:1)", 48 },
		      { "sslv3 alert bad certificate c_err=0", 42 },
		      { "tlsv13 alert certificate required", 116 },
		      { "sslv3 alert certificate unknown", 46 },
		      { "tlsv1 alert unknown cards: certificate required", 0 },
		      { "certificate required alert ", 0 } };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(lines); i++) {
		struct hf_log_meaning m;

		assert_true(hf_log_line_read(lines[i].line, NULL, &m));
		assert_int_equal(m.alert_number, lines[i].alert);
	}
}

static void test_a_format_of_ones_own_in_haproxy(void **state)
{
	struct hf_log_meaning m;

	(void)state;
	assert_true(hf_log_line_read("f~ ssl_fc_err=5 c_err=10 ca_err=0 depth=0", NULL, &m));
	assert_int_equal(m.candidates[0], HF_REASON_V_EXPIRED);
	assert_true(m.writer_is_server && !m.is_ca);
	assert_true(hf_log_line_read("ssl_c_err: 0, ssl_c_ca_err: 12, x", NULL, &m));
	assert_int_equal(m.candidates[0], HF_REASON_V_CRL_EXPIRED);
	assert_true(m.is_ca);
	assert_int_equal(cause_of("ssl_fc_err=10 fc_err=10"), HF_REASON_NONE);
	assert_int_equal(cause_of("ssl_c_err=-10 ca_err="), HF_REASON_NONE);
	assert_int_equal(cause_of("ssl_c_err=0 ca_err_depth=10"), HF_REASON_NONE);
}

static void test_errors_that_have_only_the_place_in_the_program(void **state)
{
	(void)state;
	assert_int_equal(cause_of("error:0A0000EA:SSL routines:final_server_name:callback failed"),
			 HF_REASON_P_SNI);
	assert_int_equal(cause_of("error:0A0C0103:SSL routines:construct_ca_names:internal error"),
			 HF_REASON_L_CA_NAMES);
	assert_int_equal(cause_of("Key usage violation in certificate has been detected."),
			 HF_REASON_V_KU);
	assert_int_equal(cause_of("No common application protocol could be negotiated."),
			 HF_REASON_P_ALPN);
	assert_int_equal(cause_of("AH01630: client denied by server configuration: /srv/www"),
			 HF_REASON_A_NOT_ALLOWED);
}

static void test_the_depth_of_a_verdict_in_a_log(void **state)
{
	static const char log[] = "…:tls_process_client_certificate:certificate verify failed:…";
	static const char expired[] = "verify error:num=10:certificate has expired";
	struct hf_log_context context;
	struct hf_log_meaning m;

	(void)state;
	hf_log_context_init(&context, log);
	assert_true(hf_log_line_read(expired, &context, &m) && !m.depth_known); /* whose? */
	assert_false(hf_log_line_read("depth=2 CN = R", &context, &m));
	assert_false(hf_log_line_read("depth=1 O = A, CN = B", &context, &m));
	assert_true(hf_log_line_read(expired, &context, &m));
	assert_int_equal(m.candidates[0], HF_REASON_V_CA_EXPIRED);
	assert_string_equal(m.subject, "O = A, CN = B");
	assert_int_equal(hf_log_refused_by(&m), HF_SIDE_SERVER);
	assert_false(hf_log_line_read("depth=0 CN = L", &context, &m));
	assert_true(hf_log_line_read(expired, &context, &m));
	assert_int_equal(m.candidates[0], HF_REASON_V_EXPIRED);
	/* the end of the path is the root */
	assert_false(hf_log_line_read("depth=2 CN = R", &context, &m));
	assert_true(hf_log_line_read(expired, &context, &m));
	assert_int_equal(m.candidates[0], HF_REASON_V_ROOT_EXPIRED);
	assert_int_equal(m.candidates[1], HF_REASON_V_CA_EXPIRED);
	assert_false(hf_log_line_read("depth=2 CN = R", &context, &m)); /* said twice */
	assert_false(hf_log_line_read("depth=1 CN = I", &context, &m));
	assert_true(hf_log_line_read(expired, &context, &m));
	assert_int_equal(m.candidates[0], HF_REASON_V_CA_EXPIRED);
	/* a number that is none, a depth that is none, an error nobody has */
	assert_false(hf_log_line_read("verify error:num=x", &context, &m));
	assert_false(hf_log_line_read("depth=", &context, &m));
	assert_true(hf_log_line_read(expired, &context, &m) && !m.depth_known);
	assert_false(hf_log_line_read("verify error:num=9999:", &context, &m));
	assert_false(hf_log_line_read("Rejected by CERT at depth=1: CN=B", &context, &m));
	assert_false(hf_log_line_read("/000000000A000086/0/0/0 x", &context, &m));
}

/* Wherever the margin falls, a blank between two words is one, or a line's end. */
static void test_words_at_the_margin_stay_apart(void **state)
{
	(void)state;
	for (int first = 60; first < 90; first++) {
		HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(1024);
		char text[128];
		size_t longest = 0;

		snprintf(text, sizeof(text), "%0*d b c", first, 1);
		hf_paragraph(&out, "Why", text);
		for (const char *line = hf_buf_str(&out); *line; line += strcspn(line, "\n") + 1)
			longest = HF_MAX(longest, strcspn(line, "\n"));
		assert_true(longest <= (size_t)HF_MAX(80, 10 + first));
		assert_null(strstr(hf_buf_str(&out), "1b"));
		assert_null(strstr(hf_buf_str(&out), "bc"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_alert_over_a_chain_in_order),
		cmocka_unit_test(test_the_servers_clock_is_believed_over_a_guess),
		cmocka_unit_test(test_a_certificate_made_a_moment_ago),
		cmocka_unit_test(test_nothing_was_sent),
		cmocka_unit_test(test_one_shot_asks_for_nothing_more),
		cmocka_unit_test(test_views_are_escaped),
		cmocka_unit_test(test_words_at_the_margin_stay_apart),
		cmocka_unit_test(test_every_reason_can_be_told),
		cmocka_unit_test(test_lines_of_logs),
		cmocka_unit_test(test_what_a_program_writes_of_every_connection_is_no_cause),
		cmocka_unit_test(test_words_that_hide_the_cause),
		cmocka_unit_test(test_an_alert_without_its_number),
		cmocka_unit_test(test_a_format_of_ones_own_in_haproxy),
		cmocka_unit_test(test_errors_that_have_only_the_place_in_the_program),
		cmocka_unit_test(test_the_depth_of_a_verdict_in_a_log),
	};

	return cmocka_run_group_tests(tests, cast_make, cast_done);
}
