/* SPDX-License-Identifier: Apache-2.0 */
/* The transcript of a handshake, from both ends, under both versions; and that no bytes hurt it. */
#include "tls_fixture.h"

#include "tls/transcript.h"

#define NAMES "DNS:localhost"

static const struct fx_spec root_spec = { .subject = "/CN=Root", .exts = TX_CA_EXTS };
static const struct fx_spec other_spec = { .subject = "/CN=Other", .exts = TX_CA_EXTS };
static const struct fx_spec server_spec = { .subject = "/CN=localhost",
					    .exts = TX_LEAF_EXTS("serverAuth", NAMES) };
static const struct fx_spec client_spec = { .subject = "/CN=amy",
					    .exts = TX_LEAF_EXTS("clientAuth", NAMES) };

static struct tx_party root, other, server, client;
static struct hf_trust *trust;

static int cast_make(void **state)
{
	X509 *anchors[2];

	(void)state;
	tx_issue(&root, &root_spec, NULL);
	tx_issue(&other, &other_spec, NULL);
	tx_issue(&server, &server_spec, &root);
	tx_issue(&client, &client_spec, &root);
	tx_credential(&server);
	tx_credential(&client);
	anchors[0] = root.x509;
	anchors[1] = other.x509;
	trust = tx_trust_with(anchors, 2, NULL);
	return 0;
}

static int cast_done(void **state)
{
	(void)state;
	hf_trust_unref(trust);
	tx_party_done(&root);
	tx_party_done(&other);
	tx_party_done(&server);
	tx_party_done(&client);
	return 0;
}

static int64_t ticks;
static int64_t tick(void)
{
	return ticks += 10;
}

struct pair {
	struct hf_transcript client, server;
};

static void meet(enum hf_tls_version version, const struct hf_credential *credential,
		 struct pair *pair)
{
	static const char *const alpn[] = { "h2", "http/1.1", NULL };
	struct hf_tls_config s = { .role = HF_TLS_SERVER,
				   .credential = server.credential,
				   .trust = trust,
				   .tls_min = version,
				   .tls_max = version,
				   .alpn = alpn + 1,
				   .now = tx_clock };
	struct hf_tls_config c = { .role = HF_TLS_CLIENT,
				   .credential = credential,
				   .trust = trust,
				   .server_name = "localhost",
				   .verify_name = "localhost",
				   .alpn = alpn,
				   .now = tx_clock };
	HF_AUTO(hf_tls_context) client_context = tx_context(&c), server_context = tx_context(&s);
	struct tx_meeting m = { 0 };

	ticks = 0;
	hf_transcript_init(&pair->client, tick);
	hf_transcript_init(&pair->server, tick);
	tx_meet_begin(&m, client_context, server_context);
	hf_tls_conn_record(m.client, &pair->client);
	hf_tls_conn_record(m.server, &pair->server);
	tx_meet_shake(&m);
	tx_meet_end(&m);
}

static void pair_done(struct pair *pair)
{
	hf_transcript_done(&pair->client);
	hf_transcript_done(&pair->server);
}

/* Both ends saw the same meeting. */
static void check_meeting(const struct hf_transcript *t, enum hf_tls_version version)
{
	assert_true(t->offer.seen && t->choice.seen && t->demand.seen);
	assert_string_equal(t->offer.sni, "localhost");
	assert_string_equal(t->offer.alpn, "h2, http/1.1");
	assert_true(hf_codes_have(&t->offer.versions, HF_TLS_1_3));
	assert_true(hf_codes_have(&t->offer.groups, 29));
	assert_true(hf_codes_have(&t->offer.sigalgs, 0x0403));
	assert_int_equal(t->choice.version, version);
	assert_string_equal(t->choice.alpn, "http/1.1");
	assert_int_equal(sk_X509_NAME_num(t->demand.names), 2);
	assert_true(hf_codes_have(&t->demand.sigalgs, 0x0807));
	assert_false(t->demand.post_handshake);
	assert_int_equal(t->server.certs.len, 1);
	assert_string_equal(t->server.certs.items[0]->subject, "CN=localhost");
	assert_false(t->server.stapled);
}

static void test_a_meeting_is_recorded_at_both_ends(void **state)
{
	static const enum hf_tls_version versions[] = { HF_TLS_1_2, HF_TLS_1_3 };

	(void)state;
	for (size_t v = 0; v < HF_ARRAY_LEN(versions); v++) {
		struct pair pair;

		meet(versions[v], client.credential, &pair);
		check_meeting(&pair.client, versions[v]);
		check_meeting(&pair.server, versions[v]);
		assert_int_equal(pair.client.client.certs.len, 1);
		assert_string_equal(pair.server.client.certs.items[0]->subject, "CN=amy");
		assert_true(pair.client.finished_sent && pair.client.finished_received);
		assert_null(hf_transcript_find(&pair.client, HF_EVENT_ALERT, false));
		for (size_t i = 1; i < pair.client.len; i++)
			assert_true(pair.client.events[i].at_us > pair.client.events[i - 1].at_us);
		pair_done(&pair);
	}
}

static void test_a_refusal_has_its_alert_and_direction(void **state)
{
	static const struct {
		enum hf_tls_version version;
		int alert;
	} rows[] = { { HF_TLS_1_2, 40 }, { HF_TLS_1_3, 116 } };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		const struct hf_event *alert;
		struct pair pair;

		meet(rows[i].version, NULL, &pair);
		alert = hf_transcript_find(&pair.client, HF_EVENT_ALERT, false);
		assert_non_null(alert);
		assert_int_equal(alert->type, rows[i].alert);
		assert_null(hf_transcript_find(&pair.server, HF_EVENT_ALERT, false));
		assert_int_equal(hf_transcript_find(&pair.server, HF_EVENT_ALERT, true)->type,
				 rows[i].alert);
		assert_true(pair.client.client.seen);
		assert_int_equal(pair.client.client.certs.len, 0);
		pair_done(&pair);
	}
}

static void test_lines_are_escaped_and_named(void **state)
{
	HF_AUTO_DONE(hf_transcript) t;
	HF_AUTO_DONE(hf_buf) line = HF_BUF_INIT(1024);

	(void)state;
	hf_transcript_init(&t, NULL);
	hf_transcript_first(&t, "220 \033[31mmail\r\n", 15);
	assert_int_equal(t.len, 1);
	assert_int_equal(t.events[0].kind, HF_EVENT_TEXT);
	assert_int_equal(hf_event_format(&t.events[0], &line), 0);
	assert_true(hf_str_is_printable(hf_buf_str(&line), 8));
	assert_null(strchr(hf_buf_str(&line), '\033'));
	hf_transcript_alert(&t, false, 48);
	hf_buf_clear(&line);
	assert_int_equal(hf_event_format(&t.events[1], &line), 0);
	assert_non_null(strstr(hf_buf_str(&line), "<- alert 48 unknown_ca"));
	hf_transcript_note(&t, HF_EVENT_RESET, false, 0, "Connection reset by peer");
	hf_transcript_note(&t, HF_EVENT_RESET, false, 0, "again");
	assert_int_equal(t.len, 3);
}

static void test_a_record_of_tls_is_no_text(void **state)
{
	HF_AUTO_DONE(hf_transcript) t;

	(void)state;
	hf_transcript_init(&t, NULL);
	hf_transcript_first(&t, "\x16\x03\x03", 3);
	assert_int_equal(t.len, 0);
	assert_int_equal(t.first_len, 3);
}

/* Every prefix of a real message, and the message with each byte changed. */
static void test_cut_and_changed_messages(void **state)
{
	static const uint8_t request[] = { 13, 0, 0, 31,   0, 0,    28, 0,    13, 0, 8,	 0,
					   6,  4, 3, 8,	   7, 8,    4,	0,    47, 0, 12, 0,
					   10, 0, 8, 0x30, 6, 0x31, 4,	0x30, 2,  5, 0 };

	(void)state;
	for (size_t i = 0; i <= sizeof(request); i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			HF_AUTO_DONE(hf_transcript) t;
			uint8_t copy[sizeof(request)];

			memcpy(copy, request, sizeof(request));
			if (i < sizeof(request))
				copy[i] ^= (uint8_t)(1U << bit);
			hf_transcript_init(&t, NULL);
			t.choice.version = HF_TLS_1_3;
			hf_transcript_message(&t, false, copy, i);
			hf_transcript_message(&t, false, copy, sizeof(copy));
			assert_true(t.len <= 2);
		}
	}
	fx_no_stale_errors("cut messages");
}

static void test_a_flood_is_capped(void **state)
{
	HF_AUTO_DONE(hf_transcript) t;
	static const uint8_t ticket[] = { 4, 0, 0, 1, 0 };

	(void)state;
	hf_transcript_init(&t, NULL);
	for (int i = 0; i < 10000; i++)
		hf_transcript_message(&t, false, ticket, sizeof(ticket));
	assert_true(t.len < 1000);
	assert_int_equal(t.len + t.left_out, 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_meeting_is_recorded_at_both_ends),
		cmocka_unit_test(test_a_refusal_has_its_alert_and_direction),
		cmocka_unit_test(test_lines_are_escaped_and_named),
		cmocka_unit_test(test_a_record_of_tls_is_no_text),
		cmocka_unit_test(test_cut_and_changed_messages),
		cmocka_unit_test(test_a_flood_is_capped),
	};

	return cmocka_run_group_tests(tests, cast_make, cast_done);
}
