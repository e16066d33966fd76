/* SPDX-License-Identifier: Apache-2.0 */
/* The peer table: hit, change of policy, end of validity, bound, and the sweep that closes what no
 * longer stands. */
#include "tls_fixture.h"

#include "tls/internal.h"

#define NAMES "DNS:localhost"

enum { CLIENTS = 4, CAP = 2, LEAF_ENDS = 2145916799 /* 2037-12-31T23:59:59Z */ };

static struct tx_party root, other_root, server_party, clients[CLIENTS];
static struct hf_trust *trust, *wider_trust, *other_trust;

static int cast_make(void **state)
{
	static const struct fx_spec root_spec = { .subject = "/CN=Root", .exts = TX_CA_EXTS };
	static const struct fx_spec other_spec = { .subject = "/CN=Other", .exts = TX_CA_EXTS };
	static const struct fx_spec server_spec = { .subject = "/CN=localhost",
						    .exts = TX_LEAF_EXTS("serverAuth", NAMES) };
	X509 *both[2];

	(void)state;
	tx_issue(&root, &root_spec, NULL);
	tx_issue(&other_root, &other_spec, NULL);
	tx_issue(&server_party, &server_spec, &root);
	tx_credential(&server_party);
	for (size_t i = 0; i < CLIENTS; i++) {
		char subject[32], serial[8];
		struct fx_spec spec = { .subject = subject,
					.serial = serial,
					.ends = "371231235959Z",
					.exts = TX_LEAF_EXTS("clientAuth", NAMES) };

		snprintf(subject, sizeof(subject), "/CN=client-%zu", i);
		snprintf(serial, sizeof(serial), "%zu", 20 + i);
		tx_issue(&clients[i], &spec, &root);
		tx_credential(&clients[i]);
	}
	both[0] = root.x509;
	both[1] = other_root.x509;
	trust = tx_trust_with(both, 1, NULL);
	wider_trust = tx_trust_with(both, 2, NULL);
	other_trust = tx_trust_with(both + 1, 1, NULL);
	return 0;
}

static int cast_done(void **state)
{
	(void)state;
	tx_party_done(&root);
	tx_party_done(&other_root);
	tx_party_done(&server_party);
	for (size_t i = 0; i < CLIENTS; i++)
		tx_party_done(&clients[i]);
	hf_trust_unref(trust);
	hf_trust_unref(wider_trust);
	hf_trust_unref(other_trust);
	return 0;
}

static struct hf_tls_context *server_under(struct hf_trust *anchors, struct hf_rules *rules,
					   enum hf_client_auth auth, struct hf_peers *peers)
{
	struct hf_tls_config config = { .role = HF_TLS_SERVER,
					.credential = server_party.credential,
					.trust = anchors,
					.rules = rules,
					.client_auth = auth,
					.peers = peers,
					.peers_cap = CAP,
					.now = tx_clock };

	return tx_context(&config);
}

/* Opens a connection of client `which` and leaves it open. */
static void open_client(size_t which, struct hf_tls_context *server, struct tx_meeting *m)
{
	struct hf_tls_config config = { .role = HF_TLS_CLIENT,
					.insecure = true,
					.credential = clients[which].credential,
					.now = tx_clock };
	HF_AUTO(hf_tls_context) client = tx_context(&config);

	tx_meet(m, client, server);
}

static bool let_in(size_t which, struct hf_tls_context *server)
{
	struct tx_meeting m;
	bool in;

	open_client(which, server, &m);
	in = m.server_step == HF_TLS_DONE;
	tx_meet_end(&m);
	return in;
}

static struct hf_peers_stats stats_of(struct hf_tls_context *server)
{
	struct hf_peers_stats stats;

	hf_peers_stats(hf_tls_context_peers(server), &stats);
	return stats;
}

static void test_a_known_chain_is_not_judged_again(void **state)
{
	HF_AUTO(hf_tls_context) server = server_under(trust, NULL, HF_CLIENT_AUTH_REQUIRE, NULL);

	(void)state;
	assert_true(let_in(0, server));
	assert_int_equal(stats_of(server).hits, 0);
	assert_int_equal(stats_of(server).entries, 1);
	for (int i = 0; i < 5; i++)
		assert_true(let_in(0, server));
	assert_int_equal(stats_of(server).hits, 5);
	assert_int_equal(stats_of(server).misses, 1);
	assert_int_equal(stats_of(server).entries, 1);
}

/* Two clients of one issuing CA: its certificate is decoded for the first of them. */
static void test_what_stands_above_clients_is_shared(void **state)
{
	static const struct fx_spec ca_spec = { .subject = "/CN=Issuing", .exts = TX_CA_EXTS };
	static const struct fx_spec spec = { .subject = "/CN=below",
					     .exts = TX_LEAF_EXTS("clientAuth", NAMES) };
	HF_AUTO(hf_tls_context) server = server_under(trust, NULL, HF_CLIENT_AUTH_REQUIRE, NULL);
	struct tx_party issuing = { .key = NULL }, below[2] = { { .key = NULL } };
	struct tx_meeting m[2];

	(void)state;
	tx_issue(&issuing, &ca_spec, &root);
	for (size_t i = 0; i < HF_ARRAY_LEN(below); i++) {
		struct hf_tls_config config = { .role = HF_TLS_CLIENT,
						.insecure = true,
						.now = tx_clock };
		HF_AUTO(hf_tls_context) client = NULL;

		tx_issue(&below[i], &spec, &issuing);
		tx_credential(&below[i]);
		config.credential = below[i].credential;
		client = tx_context(&config);
		tx_meet(&m[i], client, server);
		assert_int_equal(m[i].server_step, HF_TLS_DONE);
		assert_int_equal(hf_tls_conn_peer_chain(m[i].server)->len, 2);
	}
	assert_int_equal(stats_of(server).entries, 2);
	assert_ptr_not_equal(hf_tls_conn_peer_chain(m[0].server)->items[0],
			     hf_tls_conn_peer_chain(m[1].server)->items[0]);
	assert_ptr_equal(hf_tls_conn_peer_chain(m[0].server)->items[1],
			 hf_tls_conn_peer_chain(m[1].server)->items[1]);
	for (size_t i = 0; i < HF_ARRAY_LEN(below); i++) {
		tx_meet_end(&m[i]);
		tx_party_done(&below[i]);
	}
	tx_party_done(&issuing);
}

static void test_refused_chains_are_not_kept(void **state)
{
	HF_AUTO(hf_tls_context) server =
	    server_under(other_trust, NULL, HF_CLIENT_AUTH_REPORT, NULL);

	(void)state;
	assert_true(let_in(0, server));
	assert_true(let_in(0, server));
	assert_int_equal(stats_of(server).entries, 0);
	assert_int_equal(stats_of(server).hits, 0);
}

static void test_a_reload_under_another_trust_judges_again(void **state)
{
	HF_AUTO(hf_tls_context) before = server_under(trust, NULL, HF_CLIENT_AUTH_REQUIRE, NULL);
	struct hf_peers *peers = hf_tls_context_peers(before);
	HF_AUTO(hf_tls_context) wider =
	    server_under(wider_trust, NULL, HF_CLIENT_AUTH_REQUIRE, peers);
	HF_AUTO(hf_tls_context) other =
	    server_under(other_trust, NULL, HF_CLIENT_AUTH_REQUIRE, peers);
	HF_AUTO(hf_tls_context) same = server_under(trust, NULL, HF_CLIENT_AUTH_REQUIRE, peers);

	(void)state;
	assert_true(let_in(0, before));
	assert_true(let_in(0, same));
	assert_int_equal(stats_of(same).hits, 1);
	assert_true(let_in(0, wider));
	assert_int_equal(stats_of(wider).stale, 1);
	assert_int_equal(stats_of(wider).entries, 1);
	assert_false(let_in(0, other));
}

static void test_a_rule_change_judges_again(void **state)
{
	HF_AUTO(hf_rules) yes = tx_rules("cn:client-0"), no = tx_rules("cn:client-1");
	HF_AUTO(hf_tls_context) before = server_under(trust, yes, HF_CLIENT_AUTH_REQUIRE, NULL);
	HF_AUTO(hf_tls_context) after =
	    server_under(trust, no, HF_CLIENT_AUTH_REQUIRE, hf_tls_context_peers(before));

	(void)state;
	assert_true(let_in(0, before));
	assert_false(let_in(0, after));
	assert_true(let_in(1, after));
}

static void test_a_verdict_ends_with_its_certificate(void **state)
{
	HF_AUTO(hf_tls_context) server = server_under(trust, NULL, HF_CLIENT_AUTH_REQUIRE, NULL);

	(void)state;
	tx_now = LEAF_ENDS - 10;
	assert_true(let_in(0, server));
	tx_now = LEAF_ENDS; /* the last second is valid */
	assert_true(let_in(0, server));
	assert_int_equal(stats_of(server).hits, 1);
	tx_now = LEAF_ENDS + 1;
	assert_false(let_in(0, server));
	assert_int_equal(stats_of(server).stale, 1);
	tx_now = TX_NOW_2026;
}

static void test_the_table_is_bounded(void **state)
{
	HF_AUTO(hf_tls_context) server = server_under(trust, NULL, HF_CLIENT_AUTH_REQUIRE, NULL);

	(void)state;
	for (size_t i = 0; i < CLIENTS; i++)
		assert_true(let_in(i, server));
	assert_int_equal(stats_of(server).entries, CAP);
	assert_int_equal(stats_of(server).evicted, CLIENTS - CAP);
	assert_true(let_in(CLIENTS - 1, server)); /* the latest is still there */
	assert_int_equal(stats_of(server).hits, 1);
	assert_true(let_in(0, server)); /* the first is not */
	assert_int_equal(stats_of(server).hits, 1);
}

/* What a peer sends along must not stay in memory for as long as it is remembered. */
static void test_what_the_path_does_not_need_is_not_kept(void **state)
{
	enum { JUNK = 70 }; /* over 16 KiB, under the limit of a message */
	struct hf_tls_config config = { .role = HF_TLS_CLIENT,
					.insecure = true,
					.credential = clients[0].credential,
					.now = tx_clock };
	HF_AUTO(hf_tls_context) server = server_under(trust, NULL, HF_CLIENT_AUTH_REQUIRE, NULL);
	HF_AUTO(hf_tls_context) client = tx_context(&config);

	(void)state;
	for (int round = 0; round < 3; round++) {
		struct tx_meeting m = { 0 };

		tx_meet_begin(&m, client, server);
		for (int i = 0; i < JUNK; i++)
			assert_int_equal(SSL_add1_chain_cert(m.client->ssl, other_root.x509), 1);
		tx_meet_shake(&m);
		assert_int_equal(m.server_step, HF_TLS_DONE);
		assert_string_equal(hf_tls_conn_verdict(m.server)->identity->leaf->common_name,
				    "client-0");
		assert_int_equal(hf_tls_conn_peer_chain(m.server)->len, 1);
		assert_int_equal(sk_X509_num(SSL_get_peer_cert_chain(m.server->ssl)), 0);
		assert_int_equal(stats_of(server).hits, round);
		tx_meet_end(&m);
	}
}

static void test_peers_with_connections_stay(void **state)
{
	HF_AUTO(hf_tls_context) server = server_under(trust, NULL, HF_CLIENT_AUTH_REQUIRE, NULL);
	struct tx_meeting open[CLIENTS];

	(void)state;
	for (size_t i = 0; i < CLIENTS; i++)
		open_client(i, server, &open[i]);
	assert_int_equal(stats_of(server).entries, CLIENTS);
	for (size_t i = 0; i < CLIENTS; i++)
		tx_meet_end(&open[i]);
	assert_int_equal(stats_of(server).entries, CAP);
}

static size_t dropped;
static char last_cause[32];

/* Ends the meeting, as a server that closes at once would: the connection is freed inside the
 * callback. */
static void drop_conn(struct hf_tls_conn *conn, const struct hf_verdict *why, void *arg)
{
	struct tx_meeting *m = hf_tls_conn_owner(conn);

	(void)arg;
	assert_false(why->accepted);
	(void)hf_str_copy(last_cause, sizeof(last_cause), tx_cause(why));
	dropped++;
	tx_meet_end(m);
}

static int sweep(struct hf_tls_context *context)
{
	const struct hf_peers_policy policy = { context, true };
	struct hf_err err = HF_ERR_INIT;

	dropped = 0;
	return hf_peers_sweep(hf_tls_context_peers(context), &policy, 1, tx_now, drop_conn, NULL,
			      &err);
}

/* As where nobody is kept out. */
static int sweep_report(struct hf_tls_context *context)
{
	const struct hf_peers_policy policy = { context, false };

	return hf_peers_sweep(hf_tls_context_peers(context), &policy, 1, tx_now, NULL, NULL, NULL);
}

static void test_the_sweep_closes_what_no_longer_stands(void **state)
{
	HF_AUTO(hf_rules) only_one = tx_rules("cn:client-1");
	HF_AUTO(hf_tls_context) before = server_under(trust, NULL, HF_CLIENT_AUTH_REQUIRE, NULL);
	HF_AUTO(hf_tls_context) after =
	    server_under(trust, only_one, HF_CLIENT_AUTH_REQUIRE, hf_tls_context_peers(before));
	struct tx_meeting a, b, c;

	(void)state;
	open_client(0, before, &a);
	open_client(0, before, &b);
	open_client(1, before, &c);
	assert_int_equal(sweep(before), 0);
	assert_int_equal(sweep(after), 2);
	assert_int_equal(dropped, 2);
	assert_string_equal(last_cause, "A-NOT-ALLOWED");
	assert_null(a.server);
	assert_null(b.server);
	assert_non_null(c.server);
	assert_true(hf_tls_conn_verdict(c.server)->accepted);
	assert_string_equal(hf_tls_conn_verdict(c.server)->rule, "allow cn:client-1");
	assert_int_equal(sweep(after), 0);
	tx_meet_end(&c);
}

static void test_a_leaf_revoked_here_falls_and_stays_out(void **state)
{
	HF_AUTO(hf_tls_context) before = server_under(trust, NULL, HF_CLIENT_AUTH_REQUIRE, NULL);
	HF_AUTO(hf_tls_context) after =
	    server_under(wider_trust, NULL, HF_CLIENT_AUTH_REQUIRE, hf_tls_context_peers(before));
	struct hf_peers *peers = hf_tls_context_peers(before);
	HF_AUTO_DONE(hf_verdict) verdict;
	struct hf_certs chain = HF_CERTS_INIT;
	struct tx_meeting a, b;

	(void)state;
	open_client(0, before, &a);
	open_client(1, before, &b);
	assert_int_equal(hf_peers_revoke(peers, clients[0].credential->chain.items[0]->sha256,
					 NULL),
			 0);
	assert_int_equal(sweep(before), 1);
	assert_string_equal(last_cause, "V-REVOKED");
	assert_null(a.server);
	assert_non_null(b.server);
	chain.items = &clients[0].credential->chain.items[0];
	chain.len = 1;
	hf_verdict_init(&verdict);
	assert_int_equal(hf_tls_context_judge(after, &chain, &verdict, NULL), 0);
	assert_false(verdict.accepted);
	assert_int_equal(verdict.alert, 44);
	assert_string_equal(tx_cause(&verdict), "V-REVOKED");
	tx_meet_end(&b);
}

static void test_revoking_here_is_bounded(void **state)
{
	HF_AUTO(hf_tls_context) server = server_under(trust, NULL, HF_CLIENT_AUTH_REQUIRE, NULL);
	struct hf_peers *peers = hf_tls_context_peers(server);
	uint8_t sha256[HF_SHA256_LEN] = { 0 };
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	for (unsigned i = 0; i < HF_PEERS_REVOKED_CAP; i++) {
		memcpy(sha256, &i, sizeof(i));
		assert_int_equal(hf_peers_revoke(peers, sha256, &err), 0);
	}
	assert_int_equal(hf_peers_revoke(peers, sha256, &err), 0); /* known */
	sha256[31] = 1;
	assert_int_equal(hf_peers_revoke(peers, sha256, &err), -HF_E_LIMIT);
}

static void test_the_sweep_sees_time_pass(void **state)
{
	HF_AUTO(hf_tls_context) server = server_under(trust, NULL, HF_CLIENT_AUTH_REQUIRE, NULL);
	struct tx_meeting m;

	(void)state;
	open_client(0, server, &m);
	tx_now = LEAF_ENDS + 1;
	assert_int_equal(sweep(server), 1);
	assert_string_equal(last_cause, "V-EXPIRED");
	assert_int_equal(stats_of(server).entries, 0);
	tx_now = TX_NOW_2026;
}

static void test_a_report_is_changed_not_closed(void **state)
{
	HF_AUTO(hf_tls_context) before = server_under(trust, NULL, HF_CLIENT_AUTH_REPORT, NULL);
	HF_AUTO(hf_tls_context) after =
	    server_under(other_trust, NULL, HF_CLIENT_AUTH_REPORT, hf_tls_context_peers(before));
	struct tx_meeting m;

	(void)state;
	open_client(0, before, &m);
	assert_true(hf_tls_conn_verdict(m.server)->accepted);
	assert_int_equal(sweep_report(after), 0);
	assert_false(hf_tls_conn_verdict(m.server)->accepted);
	tx_meet_end(&m);
}

/* A reload may come while a connection lives on the older entry of the same chain. */
static void test_connections_follow_their_chain(void **state)
{
	HF_AUTO(hf_tls_context) before = server_under(trust, NULL, HF_CLIENT_AUTH_REQUIRE, NULL);
	struct hf_peers *peers = hf_tls_context_peers(before);
	HF_AUTO(hf_tls_context) wider =
	    server_under(wider_trust, NULL, HF_CLIENT_AUTH_REQUIRE, peers);
	HF_AUTO(hf_tls_context) other =
	    server_under(other_trust, NULL, HF_CLIENT_AUTH_REQUIRE, peers);
	struct tx_meeting old, young;

	(void)state;
	open_client(0, before, &old);
	open_client(0, wider, &young);
	assert_int_equal(stats_of(wider).entries, 1);
	assert_int_equal(sweep(other), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_known_chain_is_not_judged_again),
		cmocka_unit_test(test_what_stands_above_clients_is_shared),
		cmocka_unit_test(test_refused_chains_are_not_kept),
		cmocka_unit_test(test_a_reload_under_another_trust_judges_again),
		cmocka_unit_test(test_a_rule_change_judges_again),
		cmocka_unit_test(test_a_verdict_ends_with_its_certificate),
		cmocka_unit_test(test_the_table_is_bounded),
		cmocka_unit_test(test_what_the_path_does_not_need_is_not_kept),
		cmocka_unit_test(test_peers_with_connections_stay),
		cmocka_unit_test(test_the_sweep_closes_what_no_longer_stands),
		cmocka_unit_test(test_a_leaf_revoked_here_falls_and_stays_out),
		cmocka_unit_test(test_revoking_here_is_bounded),
		cmocka_unit_test(test_the_sweep_sees_time_pass),
		cmocka_unit_test(test_a_report_is_changed_not_closed),
		cmocka_unit_test(test_connections_follow_their_chain),
	};

	return cmocka_run_group_tests(tests, cast_make, cast_done);
}
