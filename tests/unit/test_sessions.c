/* SPDX-License-Identifier: Apache-2.0 */
/* lib/tls/sessions: what may be resumed, and everything that must be a full handshake again. */
#include "tls_fixture.h"

#include "tls/internal.h"
#include "tls/session_pool.h"
#include "tls/sessions.h"

#define NAMES "DNS:localhost,DNS:other.test"

static struct tx_party root, server_party, good, brief;
static struct hf_trust *trust, *nothing;

static int cast_make(void **state)
{
	static const struct fx_spec root_spec = { .subject = "/CN=Root", .exts = TX_CA_EXTS };
	static const struct fx_spec server_spec = { .subject = "/CN=localhost",
						    .serial = "10",
						    .exts = TX_LEAF_EXTS("serverAuth", NAMES) };
	static const struct fx_spec good_spec = { .subject = "/CN=good",
						  .serial = "11",
						  .exts = TX_LEAF_EXTS("clientAuth", NAMES) };
	/* 3200 s after TX_NOW_2026: before a session would end by itself */
	static const struct fx_spec brief_spec = { .subject = "/CN=brief",
						   .serial = "12",
						   .ends = "261118120000Z",
						   .exts = TX_LEAF_EXTS("clientAuth", NAMES) };

	(void)state;
	tx_issue(&root, &root_spec, NULL);
	tx_issue(&server_party, &server_spec, &root);
	tx_issue(&good, &good_spec, &root);
	tx_issue(&brief, &brief_spec, &root);
	tx_credential(&server_party);
	tx_credential(&good);
	tx_credential(&brief);
	trust = tx_trust_with(&root.x509, 1, NULL);
	nothing = tx_trust_with(&server_party.x509, 1, NULL);
	return 0;
}

static int cast_done(void **state)
{
	(void)state;
	tx_party_done(&root);
	tx_party_done(&server_party);
	tx_party_done(&good);
	tx_party_done(&brief);
	hf_trust_unref(trust);
	hf_trust_unref(nothing);
	return 0;
}

static struct hf_tls_config server_config(enum hf_tls_version version)
{
	return (struct hf_tls_config){ .role = HF_TLS_SERVER,
				       .credential = server_party.credential,
				       .trust = trust,
				       .client_auth = HF_CLIENT_AUTH_REQUIRE,
				       .tls_min = version,
				       .tls_max = version,
				       .resume = true,
				       .now = tx_clock };
}

static struct hf_tls_context *client_with(const struct tx_party *client, const char *name,
					  const char *suites)
{
	struct hf_tls_config config = { .role = HF_TLS_CLIENT,
					.ciphers = suites,
					.credential = client ? client->credential : NULL,
					.trust = trust,
					.server_name = name,
					.verify_name = name,
					/* our own client does not resume: it would miss the
					 * server's certificate */
					.insecure = true,
					.now = tx_clock };

	return tx_context(&config);
}

static struct hf_tls_context *client_context(const struct tx_party *client, const char *name)
{
	return client_with(client, name, NULL);
}

/* One meeting that offers `session` (NULL: none). */
static void meet_with(struct tx_meeting *m, struct hf_tls_context *client,
		      struct hf_tls_context *server, SSL_SESSION *session)
{
	*m = (struct tx_meeting){ 0 };
	tx_meet_begin(m, client, server);
	if (session)
		assert_int_equal(SSL_set_session(m->client->ssl, session), 1);
	tx_meet_shake(m);
}

static bool resumed(const struct tx_meeting *m)
{
	struct hf_tls_info info;

	hf_tls_conn_info(m->server, &info);
	return info.resumed;
}

/* A full handshake; the session it left with the client. */
static SSL_SESSION *first_session(struct hf_tls_context *client, struct hf_tls_context *server)
{
	struct tx_meeting m;
	SSL_SESSION *session;

	meet_with(&m, client, server, NULL);
	assert_int_equal(m.server_step, HF_TLS_DONE);
	assert_false(resumed(&m));
	session = SSL_get1_session(m.client->ssl);
	assert_non_null(session);
	tx_meet_end(&m);
	return session;
}

static const enum hf_tls_version versions[] = { HF_TLS_1_2, HF_TLS_1_3 };

/* Changes one thing between the two meetings. */
struct change {
	struct hf_tls_config server;
	const struct tx_party *client;
	const char *name;
	int64_t later;
	bool same_table; /* the second context goes on with the peer table, as after a reload */
	bool swept;
};

static void nothing_else(struct change *c)
{
	(void)c;
}

static void reload(struct change *c)
{
	c->same_table = c->swept = true;
}

static void other_name(struct change *c)
{
	c->name = "other.test";
}

static void no_table(struct change *c)
{
	c->same_table = false;
}

static void next_day(struct change *c)
{
	c->later = HF_TLS_SESSION_SECONDS;
}

static void almost(struct change *c)
{
	c->later = HF_TLS_SESSION_SECONDS - 1;
}

static void other_rule(struct change *c)
{
	c->server.rules = tx_rules("any");
}

static void refusing_rule(struct change *c)
{
	c->server.rules = tx_rules("cn:somebody");
}

static void other_trust(struct change *c)
{
	c->server.trust = nothing;
	c->swept = true;
}

static void expired(struct change *c)
{
	c->client = &brief;
	c->later = 3300;
}

static void report(struct change *c)
{
	c->server.client_auth = HF_CLIENT_AUTH_REPORT;
}

static void optional(struct change *c)
{
	c->server.client_auth = HF_CLIENT_AUTH_OPTIONAL;
}

static void resumption_off(struct change *c)
{
	c->server.resume = false;
}

static const struct {
	const char *label;
	void (*apply)(struct change *c);
	bool resumed;
	const char *cause; /* of the refusal; "" accepted */
} rows[] = {
	{ "nothing changes", nothing_else, true, "" },
	{ "the same files read again", reload, true, "" },
	{ "the last second of a session", almost, true, "" },
	{ "a session that is over", next_day, false, "" },
	{ "another server name", other_name, false, "" },
	{ "another process", no_table, false, "" },
	{ "another rule that lets it in too", other_rule, false, "" },
	{ "a rule that keeps it out", refusing_rule, false, "A-NOT-ALLOWED" },
	{ "a trust without its CA, after the sweep", other_trust, false, "V-UNKNOWN-CA" },
	{ "a certificate that ended meanwhile", expired, false, "V-EXPIRED" },
	{ "another way to treat clients", report, false, "" },
	{ "a certificate that need not be sent any more", optional, false, "" },
	{ "resumption switched off", resumption_off, false, "" },
};

static void no_drop(struct hf_tls_conn *conn, const struct hf_verdict *why, void *arg)
{
	(void)conn, (void)why, (void)arg;
	fail_msg("nobody is connected");
}

static void check_row(size_t i, enum hf_tls_version version)
{
	struct change c = { .server = server_config(version),
			    .client = &good,
			    .name = "localhost",
			    .same_table = true };
	struct hf_tls_config before = c.server;
	HF_AUTO(hf_tls_context) first = tx_context(&before), second = NULL, client = NULL;
	HF_AUTO(hf_tls_context) again = NULL;
	SSL_SESSION *session;
	struct tx_meeting m;

	rows[i].apply(&c);
	client = client_context(c.client, "localhost");
	again = client_context(c.client, c.name);
	session = first_session(client, first);
	tx_now += c.later;
	c.server.peers = c.same_table ? hf_tls_context_peers(first) : NULL;
	second = tx_context(&c.server);
	if (c.swept) {
		const struct hf_peers_policy policy = { second, true };

		assert_int_equal(hf_peers_sweep(hf_tls_context_peers(second), &policy, 1, tx_now,
						no_drop, NULL, NULL),
				 0);
	}
	meet_with(&m, again, second, session);
	if (resumed(&m) != rows[i].resumed)
		fail_msg("%s: %sresumed in version %d", rows[i].label, resumed(&m) ? "" : "not ",
			 version);
	if (rows[i].cause[0]) {
		assert_int_equal(m.server_step, HF_TLS_FAILED);
		assert_string_equal(hf_tls_conn_failure(m.server)->cause, rows[i].cause);
	} else {
		assert_int_equal(m.server_step, HF_TLS_DONE);
		assert_true(hf_tls_conn_verdict(m.server)->accepted);
		assert_string_equal(hf_tls_conn_peer_chain(m.server)->items[0]->common_name,
				    "good");
	}
	tx_meet_end(&m);
	SSL_SESSION_free(session);
	if (c.server.rules)
		hf_rules_unref(c.server.rules);
	tx_now = TX_NOW_2026;
}

static void test_what_ends_a_session(void **state)
{
	(void)state;
	for (size_t v = 0; v < HF_ARRAY_LEN(versions); v++) {
		for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++)
			check_row(i, versions[v]);
	}
}

/* --- two processes that share a pool ----------------------------------------------------- */

/* What the second of two workers, each with its own peer table, does with a session of the first.
 */
struct worker_change {
	struct hf_tls_config second;
	bool unknown; /* the second worker has never seen the client */
	bool alone;   /* it does not share the pool */
	bool revoked; /* there, after it was known */
	const char *name;
	int64_t later;
};

static void it_is_unknown(struct worker_change *c)
{
	c->unknown = true;
}

static void it_is_alone(struct worker_change *c)
{
	c->alone = true;
}

static void it_is_revoked(struct worker_change *c)
{
	c->revoked = true;
}

static void it_asks_for_another(struct worker_change *c)
{
	c->name = "other.test";
}

static void it_has_another_rule(struct worker_change *c)
{
	c->second.rules = tx_rules("any");
}

static void it_comes_late(struct worker_change *c)
{
	c->later = HF_TLS_SESSION_SECONDS;
}

static void it_listens_elsewhere(struct worker_change *c)
{
	c->second.listener = "elsewhere";
}

static void nothing_of_it(struct worker_change *c)
{
	(void)c;
}

static const struct {
	const char *label;
	void (*apply)(struct worker_change *c);
	bool resumed;
	const char *cause; /* of the refusal; "" accepted */
} worker_rows[] = {
	{ "a client that both know", nothing_of_it, true, "" },
	{ "a client that only the first knows", it_is_unknown, false, "" },
	{ "a worker that shares nothing", it_is_alone, false, "" },
	{ "a client that is revoked there", it_is_revoked, false, "V-REVOKED" },
	{ "another server name", it_asks_for_another, false, "" },
	{ "another policy", it_has_another_rule, false, "" },
	{ "a session that is over", it_comes_late, false, "" },
	{ "another listener", it_listens_elsewhere, false, "" },
};

static void check_worker_row(size_t i, enum hf_tls_version version, struct hf_session_pool *pool)
{
	struct worker_change c = { .second = server_config(version), .name = "localhost" };
	struct hf_tls_config config = server_config(version);
	HF_AUTO(hf_tls_context) first = NULL, second = NULL, client = NULL, again = NULL;
	SSL_SESSION *session;
	struct tx_meeting m;

	worker_rows[i].apply(&c);
	config.session_pool = pool;
	c.second.session_pool = c.alone ? NULL : pool;
	first = tx_context(&config);
	second = tx_context(&c.second);
	client = client_context(&good, "localhost");
	again = client_context(&good, c.name);
	session = first_session(client, first);
	if (!c.unknown)
		SSL_SESSION_free(first_session(client, second));
	tx_now += c.later;
	if (c.revoked)
		assert_int_equal(hf_peers_revoke(hf_tls_context_peers(second),
						 good.credential->chain.items[0]->sha256, NULL),
				 0);
	meet_with(&m, again, second, session);
	if (resumed(&m) != worker_rows[i].resumed)
		fail_msg("%s: %sresumed in version %d", worker_rows[i].label,
			 resumed(&m) ? "" : "not ", version);
	if (worker_rows[i].cause[0])
		assert_string_equal(hf_tls_conn_failure(m.server)->cause, worker_rows[i].cause);
	else
		assert_string_equal(hf_tls_conn_peer_chain(m.server)->items[0]->common_name,
				    "good");
	tx_meet_end(&m);
	SSL_SESSION_free(session);
	if (c.second.rules)
		hf_rules_unref(c.second.rules);
	tx_now = TX_NOW_2026;
}

static void test_what_another_worker_may_resume(void **state)
{
	struct hf_session_pool *pool;
	struct hf_err err;

	(void)state;
	assert_int_equal(hf_session_pool_map(&pool, &err), 0);
	for (size_t v = 0; v < HF_ARRAY_LEN(versions); v++) {
		for (size_t i = 0; i < HF_ARRAY_LEN(worker_rows); i++)
			check_worker_row(i, versions[v], pool);
	}
	hf_session_pool_unmap(pool);
}

/* HAProxy 9f1d59099: each resumption under TLS 1.3 brings a new ticket, so a session could live for
 * ever. */
static void test_resuming_does_not_prolong(void **state)
{
	struct hf_tls_config config = server_config(HF_TLS_1_3);
	HF_AUTO(hf_tls_context) server = tx_context(&config);
	HF_AUTO(hf_tls_context) client = client_context(&good, "localhost");
	SSL_SESSION *session = first_session(client, server);

	(void)state;
	for (int half = 1; half <= 4; half++) {
		struct tx_meeting m;

		tx_now += HF_TLS_SESSION_SECONDS / 2 - 1;
		meet_with(&m, client, server, session);
		assert_int_equal(m.server_step, HF_TLS_DONE);
		if (resumed(&m) != (half != 3))
			fail_msg("half %d: %d", half,
				 resumed(&m)); /* the third is over an hour after the first */
		SSL_SESSION_free(session);
		session = SSL_get1_session(m.client->ssl);
		tx_meet_end(&m);
	}
	SSL_SESSION_free(session);
	tx_now = TX_NOW_2026;
}

/* Dropped like any other when the sweep finds that its peer is not let in any more. */
static struct hf_tls_conn *dropped;

static void note_drop(struct hf_tls_conn *conn, const struct hf_verdict *why, void *arg)
{
	(void)arg;
	assert_false(why->accepted);
	dropped = conn;
}

static void test_a_resumed_connection_is_swept(void **state)
{
	struct hf_tls_config config = server_config(HF_TLS_1_3);
	HF_AUTO(hf_tls_context) server = tx_context(&config);
	HF_AUTO(hf_tls_context) client = client_context(&good, "localhost");
	HF_AUTO(hf_tls_context) stricter = NULL;
	struct hf_peers_policy policy = { NULL, true };
	SSL_SESSION *session = first_session(client, server);
	struct tx_meeting m;

	(void)state;
	meet_with(&m, client, server, session);
	assert_true(resumed(&m));
	config.trust = nothing;
	config.peers = hf_tls_context_peers(server);
	stricter = tx_context(&config);
	dropped = NULL;
	policy.context = stricter;
	assert_int_equal(hf_peers_sweep(config.peers, &policy, 1, tx_now, note_drop, NULL, NULL),
			 1);
	assert_ptr_equal(dropped, m.server);
	tx_meet_end(&m);
	SSL_SESSION_free(session);
}

/* Who showed nothing is asked again each time, and never takes over what a session says. */
static void nobody_is_not_remembered(enum hf_client_auth mode)
{
	for (size_t v = 0; v < HF_ARRAY_LEN(versions); v++) {
		struct hf_tls_config config = server_config(versions[v]);
		HF_AUTO(hf_tls_context) server = NULL;
		HF_AUTO(hf_tls_context) bare = client_context(NULL, "localhost");
		SSL_SESSION *session;
		struct tx_meeting m;

		config.client_auth = mode;
		server = tx_context(&config);
		session = first_session(bare, server);
		meet_with(&m, bare, server, session);
		assert_false(resumed(&m));
		assert_int_equal(m.server_step, HF_TLS_DONE);
		assert_false(hf_tls_conn_verdict(m.server)->accepted);
		assert_string_equal(tx_cause(hf_tls_conn_verdict(m.server)), "N-NONE");
		tx_meet_end(&m);
		SSL_SESSION_free(session);
	}
}

static void test_nobody_is_not_remembered(void **state)
{
	(void)state;
	nobody_is_not_remembered(HF_CLIENT_AUTH_REPORT);
	nobody_is_not_remembered(HF_CLIENT_AUTH_OPTIONAL);
}

/* The name of somebody's session can be read off the wire (the PSK identity of RFC 8446 4.2.11).
 * Offered with a suite of another hash it is found, and then not resumed, before anybody has proved
 * to know its key: what is made then must not be that somebody's. */
static void found_but_not_resumed_lends_nothing(enum hf_client_auth mode)
{
	struct hf_tls_config config = server_config(HF_TLS_1_3);
	HF_AUTO(hf_tls_context) server = NULL;
	HF_AUTO(hf_tls_context) victim = client_with(&good, "localhost", "TLS_AES_128_GCM_SHA256");
	HF_AUTO(hf_tls_context) thief = client_with(NULL, "localhost", "TLS_AES_256_GCM_SHA384");
	SSL_SESSION *seen, *made;
	struct tx_meeting m;

	config.client_auth = mode;
	server = tx_context(&config);
	seen = first_session(victim, server);
	meet_with(&m, thief, server, seen);
	assert_false(resumed(&m));
	assert_string_equal(tx_cause(hf_tls_conn_verdict(m.server)), "N-NONE");
	made = SSL_get1_session(m.client->ssl);
	tx_meet_end(&m);
	meet_with(&m, thief, server, made);
	assert_false(hf_tls_conn_verdict(m.server)->accepted);
	assert_false(resumed(&m));
	tx_meet_end(&m);
	SSL_SESSION_free(seen);
	SSL_SESSION_free(made);
}

static void test_a_session_found_but_not_resumed_lends_nothing(void **state)
{
	(void)state;
	found_but_not_resumed_lends_nothing(HF_CLIENT_AUTH_REPORT);
	found_but_not_resumed_lends_nothing(HF_CLIENT_AUTH_OPTIONAL);
}

/* More sessions than the table holds: the oldest go, and nothing leaks. */
static void test_the_table_is_bounded(void **state)
{
	struct hf_tls_config config = server_config(HF_TLS_1_2);
	HF_AUTO(hf_tls_context) server = tx_context(&config);
	HF_AUTO(hf_tls_context) client = client_context(&good, "localhost");
	SSL_SESSION *oldest = first_session(client, server), *newest;
	struct tx_meeting m;

	(void)state;
	for (int i = 0; i < HF_TLS_SESSIONS_CAP; i++)
		SSL_SESSION_free(first_session(client, server));
	newest = first_session(client, server);
	meet_with(&m, client, server, oldest);
	assert_false(resumed(&m));
	tx_meet_end(&m);
	meet_with(&m, client, server, newest);
	assert_true(resumed(&m));
	tx_meet_end(&m);
	SSL_SESSION_free(oldest);
	SSL_SESSION_free(newest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_ends_a_session),
		cmocka_unit_test(test_what_another_worker_may_resume),
		cmocka_unit_test(test_resuming_does_not_prolong),
		cmocka_unit_test(test_a_resumed_connection_is_swept),
		cmocka_unit_test(test_nobody_is_not_remembered),
		cmocka_unit_test(test_a_session_found_but_not_resumed_lends_nothing),
		cmocka_unit_test(test_the_table_is_bounded),
	};

	return cmocka_run_group_tests(tests, cast_make, cast_done);
}
