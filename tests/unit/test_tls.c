/* SPDX-License-Identifier: Apache-2.0 */
/* lib/tls: meetings of a client and a server, every outcome in both versions, and what each side is
 * told. */
#include "tls_fixture.h"

#include "base/reason.h"

#define NAMES "DNS:localhost,IP:127.0.0.1"

/* The cast: one trusted hierarchy, a foreign one, and clients each wrong in one way. */
static struct tx_party root, foreign_root, server_party;
static struct tx_party good, expired, not_yet, foreign, self_signed, as_server, revoked, critical,
    damaged, weak;
static X509_CRL *crl;
static struct hf_trust *trust;

static const struct fx_spec root_spec = { .subject = "/CN=Root", .exts = TX_CA_EXTS };
static const struct fx_spec foreign_spec = { .subject = "/CN=Foreign", .exts = TX_CA_EXTS };
static const struct fx_spec server_spec = { .subject = "/CN=localhost",
					    .serial = "10",
					    .exts = TX_LEAF_EXTS("serverAuth", NAMES) };
static const struct fx_spec good_spec = { .subject = "/CN=good",
					  .serial = "11",
					  .exts = TX_LEAF_EXTS("clientAuth", NAMES) };
static const struct fx_spec revoked_spec = { .subject = "/CN=revoked",
					     .serial = "12",
					     .exts = TX_LEAF_EXTS("clientAuth", NAMES) };
static const struct fx_spec expired_spec = { .subject = "/CN=expired",
					     .serial = "13",
					     .ends = "240101000000Z",
					     .exts = TX_LEAF_EXTS("serverAuth,clientAuth", NAMES) };
static const struct fx_spec not_yet_spec = { .subject = "/CN=not-yet",
					     .serial = "14",
					     .begins = "390101000000Z",
					     .exts = TX_LEAF_EXTS("clientAuth", NAMES) };
static const struct fx_spec critical_spec = { .subject = "/CN=critical",
					      .serial = "15",
					      .exts = { { "basicConstraints", "critical,CA:FALSE" },
							{ "extendedKeyUsage", "clientAuth" },
							{ "authorityKeyIdentifier", "keyid" },
							{ "1.3.6.1.4.1.55555.7.1",
							  "critical,DER:0500" } } };

static X509_CRL *crl_make(struct tx_party *issuer, const char *serial)
{
	X509_CRL *list = X509_CRL_new();
	X509_REVOKED *entry = X509_REVOKED_new();
	HF_AUTO(BIGNUM) number = NULL;
	HF_AUTO(ASN1_INTEGER) asn1 = NULL, one = ASN1_INTEGER_new();
	HF_AUTO(ASN1_TIME) at = ASN1_TIME_set(NULL, TX_NOW_2026 - 3600);
	HF_AUTO(ASN1_TIME) next = ASN1_TIME_set(NULL, TX_NOW_2026 + 3600);

	assert_true(list && entry && one && at && next && BN_hex2bn(&number, serial) > 0);
	asn1 = BN_to_ASN1_INTEGER(number, NULL);
	assert_true(X509_REVOKED_set_serialNumber(entry, asn1) &&
		    X509_REVOKED_set_revocationDate(entry, at));
	assert_true(X509_CRL_set_version(list, 1) &&
		    X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer->x509)) &&
		    X509_CRL_set1_lastUpdate(list, at) && X509_CRL_set1_nextUpdate(list, next) &&
		    X509_CRL_add0_revoked(list, entry) && ASN1_INTEGER_set(one, 1) &&
		    X509_CRL_add1_ext_i2d(list, NID_crl_number, one, 0, 0) &&
		    X509_CRL_sign(list, issuer->key, EVP_sha256()) > 0);
	return list;
}

/* The last byte of the DER is the signature's. */
static void damage_signature(struct tx_party *party)
{
	unsigned char *der = NULL;
	const unsigned char *p;
	int len = i2d_X509(party->x509, &der);

	assert_true(len > 0);
	der[len - 1] ^= 1;
	X509_free(party->x509);
	p = der;
	party->x509 = d2i_X509(NULL, &p, len);
	OPENSSL_free(der);
	assert_non_null(party->x509);
}

static int cast_make(void **state)
{
	static const struct fx_spec self_spec = { .subject = "/CN=self",
						  .serial = "16",
						  .exts = TX_LEAF_EXTS("clientAuth", NAMES) };
	static const struct fx_spec foreign_leaf = { .subject = "/CN=stranger",
						     .serial = "17",
						     .exts = TX_LEAF_EXTS("clientAuth", NAMES) };
	struct tx_party *all[] = { &server_party, &good,      &expired, &not_yet,  &foreign,
				   &self_signed,  &as_server, &revoked, &critical, &damaged };

	(void)state;
	tx_issue(&root, &root_spec, NULL);
	tx_issue(&foreign_root, &foreign_spec, NULL);
	tx_issue(&server_party, &server_spec, &root);
	tx_issue(&good, &good_spec, &root);
	tx_issue(&expired, &expired_spec, &root);
	tx_issue(&not_yet, &not_yet_spec, &root);
	tx_issue(&foreign, &foreign_leaf, &foreign_root);
	tx_issue(&self_signed, &self_spec, NULL);
	tx_issue(&as_server, &server_spec, &root);
	tx_issue(&revoked, &revoked_spec, &root);
	tx_issue(&critical, &critical_spec, &root);
	tx_issue(&damaged, &good_spec, &root);
	damage_signature(&damaged);
	for (size_t i = 0; i < HF_ARRAY_LEN(all); i++)
		tx_credential(all[i]);
	crl = crl_make(&root, "12");
	trust = tx_trust_with(&root.x509, 1, crl);
	return 0;
}

static int cast_done(void **state)
{
	struct tx_party *all[] = { &root,     &foreign_root, &server_party, &good,	&expired,
				   &not_yet,  &foreign,	     &self_signed,  &as_server, &revoked,
				   &critical, &damaged,	     &weak };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(all); i++)
		tx_party_done(all[i]);
	X509_CRL_free(crl);
	hf_trust_unref(trust);
	return 0;
}

static struct hf_tls_config server_config(enum hf_client_auth auth, enum hf_tls_version version)
{
	return (struct hf_tls_config){ .role = HF_TLS_SERVER,
				       .credential = server_party.credential,
				       .trust = trust,
				       .client_auth = auth,
				       .tls_min = version,
				       .tls_max = version,
				       .now = tx_clock };
}

static struct hf_tls_config client_config(const struct tx_party *party)
{
	return (struct hf_tls_config){ .role = HF_TLS_CLIENT,
				       .credential = party ? party->credential : NULL,
				       .trust = trust,
				       .server_name = "localhost",
				       .verify_name = "localhost",
				       .now = tx_clock };
}

static const enum hf_tls_version versions[] = { HF_TLS_1_2, HF_TLS_1_3 };

/* --- clients, judged by the server ------------------------------------------------------- */

static const struct client_row {
	const char *label;
	const struct tx_party *client; /* NULL: without a certificate */
	const char *cause;	       /* "" accepted */
	int alert12, alert13;
	const char *allow; /* rule, NULL none */
} client_rows[] = {
	{ "a good client", &good, "", -1, -1, NULL },
	{ "a good client that the rule names", &good, "", -1, -1, "cn:good" },
	{ "a good client that no rule names", &good, "A-NOT-ALLOWED", 49, 49, "cn:other" },
	{ "no certificate", NULL, "N-NONE", 40, 116, NULL },
	{ "an expired client", &expired, "V-EXPIRED", 45, 45, NULL },
	{ "a client of tomorrow", &not_yet, "V-NOT-YET", 42, 42, NULL },
	{ "a client of a foreign CA", &foreign, "V-UNKNOWN-CA", 48, 48, NULL },
	{ "a self-signed client", &self_signed, "V-SELF-SIGNED", 48, 48, NULL },
	{ "a server's certificate", &as_server, "V-EKU", 43, 43, NULL },
	{ "a revoked client", &revoked, "V-REVOKED", 44, 44, NULL },
	{ "an unknown critical extension", &critical, "V-CRITICAL-EXT", 46, 46, NULL },
	{ "a damaged signature", &damaged, "V-BAD-SIGNATURE", 51, 51, NULL },
};

static void check_accepted(const struct client_row *row, const struct tx_meeting *m)
{
	const struct hf_verdict *verdict = hf_tls_conn_verdict(m->server);

	if (m->server_step != HF_TLS_DONE || m->client_step != HF_TLS_DONE)
		fail_msg("%s: server %d (%s), client %d", row->label, m->server_step,
			 m->server_step == HF_TLS_FAILED ? hf_tls_conn_failure(m->server)->text
							 : "",
			 m->client_step);
	assert_non_null(verdict);
	assert_true(verdict->accepted);
	assert_non_null(verdict->identity);
	assert_null(hf_tls_conn_failure(m->server));
}

static void check_refused(const struct client_row *row, const struct tx_meeting *m, int alert)
{
	const struct hf_tls_failure *by_us = hf_tls_conn_failure(m->server);
	const struct hf_tls_failure *by_peer = hf_tls_conn_failure(m->client);
	struct hf_tls_info info;

	if (m->server_step != HF_TLS_FAILED || m->client_step != HF_TLS_FAILED)
		fail_msg("%s: server %d, client %d", row->label, m->server_step, m->client_step);
	if (!hf_str_eq(by_us->cause, row->cause) || by_us->refused_by != HF_JUDGE_US ||
	    by_us->alert != alert)
		fail_msg("%s: server says %s by %d alert %d (%s)", row->label, by_us->cause,
			 by_us->refused_by, by_us->alert, by_us->text);
	if (by_peer->refused_by != HF_JUDGE_PEER || by_peer->alert != alert)
		fail_msg("%s: client says by %d alert %d (%s)", row->label, by_peer->refused_by,
			 by_peer->alert, by_peer->text);
	assert_non_null(hf_tls_conn_verdict(m->server));
	assert_false(hf_tls_conn_verdict(m->server)->accepted);
	assert_string_equal(tx_cause(hf_tls_conn_verdict(m->server)), row->cause);
	hf_tls_conn_info(m->server, &info);
	assert_int_equal(info.alert_sent, alert);
	assert_int_equal(info.alert_received, -1);
	hf_tls_conn_info(m->client, &info);
	assert_int_equal(info.alert_received, alert);
	assert_true(info.cert_requested);
	assert_int_equal(info.cert_sent, row->client != NULL);
	assert_string_equal(info.sni, "localhost");
}

static void client_meets(const struct client_row *row, enum hf_tls_version version,
			 enum hf_client_auth auth, struct tx_meeting *m)
{
	struct hf_tls_config server = server_config(auth, version);
	struct hf_tls_config client = client_config(row->client);
	HF_AUTO(hf_rules) rules = row->allow ? tx_rules(row->allow) : NULL;
	HF_AUTO(hf_tls_context) client_context = NULL, server_context = NULL;

	server.rules = rules;
	server_context = tx_context(&server);
	client_context = tx_context(&client);
	tx_meet(m, client_context, server_context);
}

static void test_require_refuses_with_the_right_alert(void **state)
{
	(void)state;
	for (size_t v = 0; v < HF_ARRAY_LEN(versions); v++) {
		for (size_t i = 0; i < HF_ARRAY_LEN(client_rows); i++) {
			const struct client_row *row = &client_rows[i];
			struct tx_meeting m;

			client_meets(row, versions[v], HF_CLIENT_AUTH_REQUIRE, &m);
			if (row->cause[0] == '\0')
				check_accepted(row, &m);
			else
				check_refused(row, &m,
					      versions[v] == HF_TLS_1_2 ? row->alert12
									: row->alert13);
			tx_meet_end(&m);
			fx_no_stale_errors(row->label);
		}
	}
}

static void test_optional_lets_nobody_in_and_refuses_as_require_does(void **state)
{
	(void)state;
	for (size_t v = 0; v < HF_ARRAY_LEN(versions); v++) {
		for (size_t i = 0; i < HF_ARRAY_LEN(client_rows); i++) {
			const struct client_row *row = &client_rows[i];
			struct tx_meeting m;

			client_meets(row, versions[v], HF_CLIENT_AUTH_OPTIONAL, &m);
			if (row->cause[0] == '\0') {
				check_accepted(row, &m);
			} else if (row->client) {
				check_refused(row, &m,
					      versions[v] == HF_TLS_1_2 ? row->alert12
									: row->alert13);
			} else {
				assert_int_equal(m.server_step, HF_TLS_DONE);
				assert_int_equal(m.client_step, HF_TLS_DONE);
				assert_false(hf_tls_conn_verdict(m.server)->accepted);
				assert_null(hf_tls_conn_verdict(m.server)->identity);
				assert_string_equal(tx_cause(hf_tls_conn_verdict(m.server)),
						    "N-NONE");
			}
			tx_meet_end(&m);
			fx_no_stale_errors(row->label);
		}
	}
}

static void test_who_may_be_in_under_each_demand(void **state)
{
	static const struct {
		enum hf_client_auth mode;
		bool refuses, unasked, nobody, bad, good;
	} rows[] = {
		{ HF_CLIENT_AUTH_REQUIRE, true, false, false, false, true },
		{ HF_CLIENT_AUTH_OPTIONAL, true, true, true, false, true },
		{ HF_CLIENT_AUTH_REPORT, false, true, true, true, true },
		{ HF_CLIENT_AUTH_NONE, false, true, true, true, true },
	};
	HF_AUTO_DONE(hf_verdict) none, bad;
	const struct hf_verdict accepted = { .accepted = true, .root_cause = -1 };
	const struct hf_verdict unexplained = { .root_cause = -1 };

	(void)state;
	hf_verdict_init(&none);
	hf_verdict_init(&bad);
	assert_non_null(hf_verdict_add(&none, HF_REASON_N_NONE, HF_STEP_HANDSHAKE, HF_ROLE_NONE, -1,
				       NULL, NULL, NULL));
	assert_non_null(hf_verdict_add(&bad, HF_REASON_V_EXPIRED, HF_STEP_CHAIN,
				       HF_ROLE_CLIENT_LEAF, 0, NULL, NULL, NULL));
	none.root_cause = bad.root_cause = 0;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		enum hf_client_auth mode = rows[i].mode;

		assert_int_equal(hf_client_auth_refuses(mode), rows[i].refuses);
		assert_int_equal(hf_client_auth_lets_in(mode, NULL), rows[i].unasked);
		assert_int_equal(hf_client_auth_lets_in(mode, &none), rows[i].nobody);
		assert_int_equal(hf_client_auth_lets_in(mode, &bad), rows[i].bad);
		assert_int_equal(hf_client_auth_lets_in(mode, &unexplained), rows[i].bad);
		assert_int_equal(hf_client_auth_lets_in(mode, &accepted), rows[i].good);
	}
}

static void test_report_lets_everybody_in_and_says_what_it_thinks(void **state)
{
	(void)state;
	for (size_t v = 0; v < HF_ARRAY_LEN(versions); v++) {
		for (size_t i = 0; i < HF_ARRAY_LEN(client_rows); i++) {
			const struct client_row *row = &client_rows[i];
			const struct hf_verdict *verdict;
			struct tx_meeting m;

			client_meets(row, versions[v], HF_CLIENT_AUTH_REPORT, &m);
			if (m.server_step != HF_TLS_DONE || m.client_step != HF_TLS_DONE)
				fail_msg("%s: not let in", row->label);
			verdict = hf_tls_conn_verdict(m.server);
			assert_non_null(verdict);
			assert_int_equal(verdict->accepted, row->cause[0] == '\0');
			if (!verdict->accepted)
				assert_string_equal(tx_cause(verdict), row->cause);
			tx_meet_end(&m);
		}
	}
}

static void test_none_does_not_ask(void **state)
{
	static const struct client_row row = { "not asked", &good, "", -1, -1, NULL };
	struct hf_tls_info info;
	struct tx_meeting m;

	(void)state;
	client_meets(&row, HF_TLS_1_3, HF_CLIENT_AUTH_NONE, &m);
	assert_int_equal(m.server_step, HF_TLS_DONE);
	assert_int_equal(m.client_step, HF_TLS_DONE);
	assert_null(hf_tls_conn_verdict(m.server));
	hf_tls_conn_info(m.client, &info);
	assert_false(info.cert_requested);
	assert_false(info.cert_sent);
	tx_meet_end(&m);
}

/* --- proof of possession ----------------------------------------------------------------- */

/* TLS 1.2 sends CertificateVerify (15) in clear: its signature is broken on the way. */
static void break_proof(uint8_t *data, size_t len, int to_server)
{
	size_t at = 0;

	while (to_server && at + 9 < len) {
		size_t record = (size_t)data[at + 3] << 8 | data[at + 4];

		if (data[at] == 22 && data[at + 5] == 15 && at + 5 + record <= len)
			data[at + 4 + record] ^= 1;
		at += 5 + record;
	}
}

static void test_a_known_peer_without_its_key_is_refused(void **state)
{
	struct hf_tls_config server = server_config(HF_CLIENT_AUTH_REQUIRE, HF_TLS_1_2);
	struct hf_tls_config client = client_config(&good);
	HF_AUTO(hf_tls_context) server_context = tx_context(&server);
	HF_AUTO(hf_tls_context) client_context = tx_context(&client);
	struct hf_peers_stats stats;
	struct tx_meeting m;

	(void)state;
	tx_meet(&m, client_context, server_context);
	assert_int_equal(m.server_step, HF_TLS_DONE);
	tx_meet_end(&m);
	m.wire.damage = break_proof;
	tx_meet_begin(&m, client_context, server_context);
	tx_meet_shake(&m);
	hf_peers_stats(hf_tls_context_peers(server_context), &stats);
	assert_int_equal(stats.hits, 1);
	assert_int_equal(m.server_step, HF_TLS_FAILED);
	assert_string_equal(hf_tls_conn_failure(m.server)->cause, "V-PROOF");
	assert_int_equal(hf_tls_conn_failure(m.server)->alert, HF_ALERT_DECRYPT_ERROR);
	tx_meet_end(&m);
}

/* --- servers, judged by the client ------------------------------------------------------- */

static const struct server_row {
	const char *label;
	const struct tx_party *server;
	const char *name;
	bool trusted;
	const char *cause;
	int alert;
} server_rows[] = {
	{ "a good server", &server_party, "localhost", true, "", -1 },
	{ "a good server by address", &server_party, "127.0.0.1", true, "", -1 },
	{ "another name", &server_party, "other.test", true, "V-NAME-MISMATCH", 42 },
	{ "another address", &server_party, "127.0.0.2", true, "V-IP-SAN", 42 },
	{ "nothing is trusted", &server_party, "localhost", false, "V-UNKNOWN-CA", 48 },
	{ "an expired server", &expired, "localhost", true, "V-EXPIRED", 45 },
	{ "a client's certificate", &good, "localhost", true, "V-EKU", 43 },
};

static void server_meets(const struct server_row *row, enum hf_tls_version version, bool insecure,
			 struct tx_meeting *m)
{
	struct hf_tls_config server = server_config(HF_CLIENT_AUTH_NONE, version);
	struct hf_tls_config client = client_config(&good);
	HF_AUTO(hf_tls_context) server_context = NULL, client_context = NULL;

	server.credential = row->server->credential;
	client.verify_name = client.server_name = row->name;
	client.insecure = insecure;
	if (!row->trusted)
		client.trust = NULL;
	server_context = tx_context(&server);
	client_context = tx_context(&client);
	tx_meet(m, client_context, server_context);
}

static void check_server_refused(const struct server_row *row, const struct tx_meeting *m)
{
	const struct hf_tls_failure *by_us = hf_tls_conn_failure(m->client);
	const struct hf_tls_failure *by_peer = hf_tls_conn_failure(m->server);

	if (m->client_step != HF_TLS_FAILED || m->server_step != HF_TLS_FAILED)
		fail_msg("%s: client %d server %d", row->label, m->client_step, m->server_step);
	if (!hf_str_eq(by_us->cause, row->cause) || by_us->alert != row->alert ||
	    by_us->refused_by != HF_JUDGE_US)
		fail_msg("%s: client says %s alert %d by %d", row->label, by_us->cause,
			 by_us->alert, by_us->refused_by);
	assert_int_equal(by_peer->refused_by, HF_JUDGE_PEER);
	assert_int_equal(by_peer->alert, row->alert);
}

static void test_client_judges_the_server(void **state)
{
	(void)state;
	for (size_t v = 0; v < HF_ARRAY_LEN(versions); v++) {
		for (size_t i = 0; i < HF_ARRAY_LEN(server_rows); i++) {
			const struct server_row *row = &server_rows[i];
			struct tx_meeting m;

			server_meets(row, versions[v], false, &m);
			if (row->cause[0])
				check_server_refused(row, &m);
			else if (m.client_step != HF_TLS_DONE)
				fail_msg("%s: %s", row->label, hf_tls_conn_failure(m.client)->text);
			tx_meet_end(&m);
		}
	}
}

static void test_insecure_goes_on_but_knows(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(server_rows); i++) {
		const struct server_row *row = &server_rows[i];
		struct tx_meeting m;

		server_meets(row, HF_TLS_1_3, true, &m);
		assert_int_equal(m.client_step, HF_TLS_DONE);
		assert_int_equal(hf_tls_conn_verdict(m.client)->accepted, row->cause[0] == '\0');
		tx_meet_end(&m);
	}
}

/* --- what is not about certificates ------------------------------------------------------ */

static void test_parameters_without_an_overlap(void **state)
{
	static const char *const h2[] = { "h2", NULL }, *const http[] = { "http/1.1", NULL };
	static const struct {
		const char *label, *cause;
		int alert;
	} rows[] = { { "versions", "P-VERSION", 70 },
		     { "ALPN", "P-ALPN", 120 },
		     { "ciphers", "P-CIPHER", 40 },
		     { "groups", "P-GROUP", 40 } };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		struct hf_tls_config server = server_config(HF_CLIENT_AUTH_REQUIRE, HF_TLS_1_3);
		struct hf_tls_config client = client_config(&good);
		HF_AUTO(hf_tls_context) server_context = NULL, client_context = NULL;
		struct tx_meeting m;

		client.tls_max = i == 0 ? HF_TLS_1_2 : HF_TLS_1_3;
		client.alpn = i == 1 ? h2 : NULL;
		server.alpn = i == 1 ? http : NULL;
		client.ciphers = i == 2 ? "TLS_AES_128_GCM_SHA256" : NULL;
		server.ciphers = i == 2 ? "TLS_AES_256_GCM_SHA384" : NULL;
		client.groups = i == 3 ? "X25519" : NULL;
		server.groups = i == 3 ? "P-384" : NULL;
		server_context = tx_context(&server);
		client_context = tx_context(&client);
		tx_meet(&m, client_context, server_context);
		assert_int_equal(m.server_step, HF_TLS_FAILED);
		if (!hf_str_eq(hf_tls_conn_failure(m.server)->cause, rows[i].cause) ||
		    hf_tls_conn_failure(m.client)->alert != rows[i].alert)
			fail_msg("%s: %s, client got alert %d", rows[i].label,
				 hf_tls_conn_failure(m.server)->cause,
				 hf_tls_conn_failure(m.client)->alert);
		tx_meet_end(&m);
	}
}

static void test_info_tells_what_was_agreed(void **state)
{
	static const char *const both[] = { "h2", "http/1.1", NULL };
	static const char *const one[] = { "http/1.1", NULL };
	struct hf_tls_config server = server_config(HF_CLIENT_AUTH_REQUIRE, HF_TLS_1_3);
	struct hf_tls_config client = client_config(&good);
	HF_AUTO(hf_tls_context) server_context = NULL, client_context = NULL;
	struct hf_tls_info info;
	struct tx_meeting m;

	(void)state;
	server.alpn = one;
	client.alpn = both;
	server_context = tx_context(&server);
	client_context = tx_context(&client);
	tx_meet(&m, client_context, server_context);
	hf_tls_conn_info(m.server, &info);
	assert_int_equal(info.version, HF_TLS_1_3);
	assert_string_equal(info.alpn, "http/1.1");
	assert_string_equal(info.sni, "localhost");
	assert_string_equal(info.group, "x25519");
	assert_non_null(strstr(info.cipher, "TLS_AES"));
	assert_non_null(strstr(info.peer_sigalg, "SHA256"));
	assert_true(info.handshake_done);
	assert_false(info.resumed);
	assert_int_equal(info.ca_names, 1);
	assert_true(info.bytes_in > 500 && info.bytes_out > 500);
	assert_int_equal(hf_tls_conn_peer_chain(m.server)->len, 1);
	hf_tls_conn_info(m.client, &info);
	assert_int_equal(info.ca_names, 1);
	assert_string_equal(info.alpn, "http/1.1");
	tx_meet_end(&m);
}

static void test_a_server_name_is_escaped(void **state)
{
	struct hf_tls_config server = server_config(HF_CLIENT_AUTH_NONE, HF_TLS_1_3);
	struct hf_tls_config client = client_config(NULL);
	HF_AUTO(hf_tls_context) server_context = tx_context(&server);
	HF_AUTO(hf_tls_context) client_context = NULL;
	struct hf_tls_info info;
	struct tx_meeting m;

	(void)state;
	client.server_name = "evil\nline\x1b[2J";
	client.insecure = true;
	client_context = tx_context(&client);
	tx_meet(&m, client_context, server_context);
	hf_tls_conn_info(m.server, &info);
	assert_string_equal(info.sni, "evil\\x0aline\\x1b[2J");
	tx_meet_end(&m);
}

static void test_hello_in_single_bytes(void **state)
{
	struct hf_tls_config server = server_config(HF_CLIENT_AUTH_REQUIRE, 0);
	struct hf_tls_config client = client_config(&good);
	HF_AUTO(hf_tls_context) server_context = tx_context(&server);
	HF_AUTO(hf_tls_context) client_context = tx_context(&client);
	struct tx_meeting m = { .wire = { .piece = 1 } };

	(void)state;
	tx_meet_begin(&m, client_context, server_context);
	for (int i = 0; i < 8 && m.server_step != HF_TLS_DONE; i++)
		tx_meet_shake(&m);
	assert_int_equal(m.server_step, HF_TLS_DONE);
	tx_meet_end(&m);
}

static void feed(const char *text, size_t len, struct hf_tls_context *context, bool then_end,
		 struct tx_meeting *m)
{
	bool server = true;

	*m = (struct tx_meeting){ 0 };
	tx_meet_begin(m, NULL, context);
	(void)server;
	assert_int_equal(send(m->wire.fd[0], text, len, 0), len);
	if (then_end)
		(void)shutdown(m->wire.fd[0], SHUT_WR);
	tx_meet_shake(m);
}

static void test_what_is_not_tls(void **state)
{
	static const struct {
		const char *label, *bytes, *cause;
		bool end;
	} rows[] = {
		{ "plain HTTP", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "T-PLAINTEXT-CLIENT", false },
		{ "a PROXY header", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n", "T-PROXY-UNEXPECTED",
		  false },
		{ "nothing but an end", "", "T-EOF", true },
		{ "half a record and an end", "\x16\x03\x01\x02", "T-EOF", true },
	};
	struct hf_tls_config server = server_config(HF_CLIENT_AUTH_REQUIRE, 0);
	HF_AUTO(hf_tls_context) context = tx_context(&server);

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		struct tx_meeting m;

		feed(rows[i].bytes, strlen(rows[i].bytes), context, rows[i].end, &m);
		assert_int_equal(m.server_step, HF_TLS_FAILED);
		if (!hf_str_eq(hf_tls_conn_failure(m.server)->cause, rows[i].cause))
			fail_msg("%s: %s (%s)", rows[i].label, hf_tls_conn_failure(m.server)->cause,
				 hf_tls_conn_failure(m.server)->text);
		assert_int_equal(hf_tls_conn_failure(m.server)->refused_by,
				 rows[i].end ? HF_JUDGE_NOBODY : HF_JUDGE_US);
		tx_meet_end(&m);
	}
}

static void test_client_meets_a_plaintext_server(void **state)
{
	struct hf_tls_config config = client_config(&good);
	HF_AUTO(hf_tls_context) context = tx_context(&config);
	struct tx_meeting m = { 0 };
	static const char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n";

	(void)state;
	tx_meet_begin(&m, context, NULL);
	assert_int_equal(send(m.wire.fd[3], text, strlen(text), 0), strlen(text));
	tx_meet_shake(&m);
	assert_int_equal(m.client_step, HF_TLS_FAILED);
	assert_string_equal(hf_tls_conn_failure(m.client)->cause, "T-PLAINTEXT-SERVER");
	tx_meet_end(&m);
}

static void test_a_chain_that_is_too_large(void **state)
{
	struct hf_tls_config server = server_config(HF_CLIENT_AUTH_REQUIRE, HF_TLS_1_3);
	struct hf_tls_config client = client_config(&good);
	HF_AUTO(hf_tls_context) server_context = NULL;
	HF_AUTO(hf_tls_context) client_context = tx_context(&client);
	struct tx_meeting m;

	(void)state;
	server.chain_cap = 200;
	server_context = tx_context(&server);
	tx_meet(&m, client_context, server_context);
	assert_int_equal(m.server_step, HF_TLS_FAILED);
	assert_string_equal(hf_tls_conn_failure(m.server)->cause, "L-CHAIN-SIZE");
	assert_int_equal(hf_tls_conn_failure(m.client)->alert, HF_ALERT_ILLEGAL_PARAMETER);
	tx_meet_end(&m);
}

/* --- data, ends -------------------------------------------------------------------------- */

static void test_data_flows_and_ends(void **state)
{
	struct hf_tls_config server = server_config(HF_CLIENT_AUTH_REQUIRE, 0);
	struct hf_tls_config client = client_config(&good);
	HF_AUTO(hf_tls_context) server_context = tx_context(&server);
	HF_AUTO(hf_tls_context) client_context = tx_context(&client);
	struct hf_tls_info info;
	struct tx_meeting m;
	char buf[32];
	size_t len = 0;

	(void)state;
	tx_meet(&m, client_context, server_context);
	assert_int_equal(hf_tls_conn_write(m.client, "hello", 5, &len), HF_TLS_DONE);
	assert_int_equal(len, 5);
	while (tx_wire_turn(&m.wire))
		;
	assert_int_equal(hf_tls_conn_read(m.server, buf, 2, &len), HF_TLS_DONE);
	assert_int_equal(len, 2);
	assert_true(hf_tls_conn_pending(m.server));
	assert_int_equal(hf_tls_conn_read(m.server, buf, sizeof(buf), &len), HF_TLS_DONE);
	assert_memory_equal(buf, "llo", 3);
	assert_int_equal(hf_tls_conn_read(m.server, buf, sizeof(buf), &len), HF_TLS_WANT_READ);
	assert_int_equal(hf_tls_conn_shutdown(m.client), HF_TLS_DONE);
	while (tx_wire_turn(&m.wire))
		;
	assert_int_equal(hf_tls_conn_read(m.server, buf, sizeof(buf), &len), HF_TLS_CLOSED);
	hf_tls_conn_info(m.server, &info);
	assert_false(info.truncated);
	/* its direction is closed, ours is not */
	assert_int_equal(hf_tls_conn_write(m.server, "bye", 3, &len), HF_TLS_DONE);
	tx_meet_end(&m);
}

enum { MUCH = 1024 * 1024, DRAIN = 64 * 1024 };

static char pattern(size_t at)
{
	return (char)(at * 31 + at / 977);
}

/* MUCH bytes of the pattern; the caller's to free. */
static char *much_data(void)
{
	char *data = malloc(MUCH);

	assert_non_null(data);
	for (size_t i = 0; i < MUCH; i++)
		data[i] = pattern(i);
	return data;
}

/* What has come on the wire so far, in the order in which it was said. */
static enum hf_tls_step drain(struct tx_meeting *m, size_t *got)
{
	static char buf[DRAIN];
	enum hf_tls_step step = HF_TLS_DONE;
	size_t len = 0;
	char record[DRAIN];
	ssize_t n;

	/* Record by record, as the receiving socket has room. */
	while ((n = recv(m->wire.fd[1], record, 4096, MSG_DONTWAIT)) > 0) {
		assert_int_equal(send(m->wire.fd[2], record, (size_t)n, 0), n);
		while ((step = hf_tls_conn_read(m->server, buf, sizeof(buf), &len)) == HF_TLS_DONE)
			for (size_t i = 0; i < len; i++)
				assert_int_equal(buf[i], pattern((*got)++));
	}
	return step;
}

/* Many records in one call, into a socket that takes a few of them at a time. */
static void test_bursts_arrive_whole_and_in_order(void **state)
{
	struct hf_tls_config server = server_config(HF_CLIENT_AUTH_REQUIRE, 0);
	struct hf_tls_config client = client_config(&good);
	HF_AUTO(hf_tls_context) server_context = tx_context(&server);
	HF_AUTO(hf_tls_context) client_context = tx_context(&client);
	const int small = 20 * 1024;
	char *data = much_data();
	size_t at = 0, got = 0, most = 0, most_unsent = 0;
	enum hf_tls_step step = HF_TLS_DONE;
	struct tx_meeting m;

	(void)state;
	tx_meet(&m, client_context, server_context);
	(void)setsockopt(m.wire.fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	while (at < MUCH) {
		size_t len = 0;

		/* Now and then a little, which must not overtake. */
		step =
		    hf_tls_conn_write_burst(m.client, data + at, at % 7 == 3 ? 1 : MUCH - at, &len);
		assert_true(step == HF_TLS_DONE || step == HF_TLS_WANT_WRITE);
		at += step == HF_TLS_DONE ? len : 0;
		most = HF_MAX(most, len);
		most_unsent = HF_MAX(most_unsent, hf_tls_conn_unsent(m.client));
		if (step == HF_TLS_WANT_WRITE)
			assert_int_equal(drain(&m, &got), HF_TLS_WANT_READ);
	}
	while (hf_tls_conn_push(m.client) == HF_TLS_WANT_WRITE)
		(void)drain(&m, &got);
	assert_int_equal(hf_tls_conn_unsent(m.client), 0);
	assert_int_equal(hf_tls_conn_shutdown(m.client), HF_TLS_DONE);
	assert_int_equal(drain(&m, &got), HF_TLS_CLOSED);
	assert_int_equal(got, MUCH);
	assert_true(most > 32 * 1024);
	assert_true(most_unsent > 0);
	tx_meet_end(&m);
	free(data);
}

/* The alert stands behind the records that the socket did not take yet. */
static void test_an_alert_does_not_overtake_a_burst(void **state)
{
	struct hf_tls_config server = server_config(HF_CLIENT_AUTH_REQUIRE, 0);
	struct hf_tls_config client = client_config(&good);
	HF_AUTO(hf_tls_context) server_context = tx_context(&server);
	HF_AUTO(hf_tls_context) client_context = tx_context(&client);
	const int small = 20 * 1024;
	char *data = much_data();
	size_t got = 0, len = 0;
	struct tx_meeting m;

	(void)state;
	tx_meet(&m, client_context, server_context);
	(void)setsockopt(m.wire.fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	assert_int_equal(hf_tls_conn_write_burst(m.client, data, MUCH, &len), HF_TLS_DONE);
	assert_true(hf_tls_conn_unsent(m.client) > 0);
	assert_int_equal(hf_tls_conn_shutdown(m.client), HF_TLS_DONE);
	while (hf_tls_conn_push(m.client) == HF_TLS_WANT_WRITE)
		(void)drain(&m, &got);
	assert_int_equal(drain(&m, &got), HF_TLS_CLOSED);
	assert_int_equal(got, len);
	tx_meet_end(&m);
	free(data);
}

/* Whoever asks again because something is pending would ask for ever. */
static void test_a_part_of_a_record_is_not_pending(void **state)
{
	struct hf_tls_config server = server_config(HF_CLIENT_AUTH_REQUIRE, 0);
	struct hf_tls_config client = client_config(&good);
	HF_AUTO(hf_tls_context) server_context = tx_context(&server);
	HF_AUTO(hf_tls_context) client_context = tx_context(&client);
	static const size_t parts[] = { 3, 5, 20 }; /* of the header, all of it, of the body */
	char record[256], buf[32];
	struct tx_meeting m;

	(void)state;
	tx_meet(&m, client_context, server_context);
	for (size_t i = 0; i < HF_ARRAY_LEN(parts); i++) {
		size_t len = 0;
		ssize_t n;

		assert_int_equal(hf_tls_conn_write(m.client, "hello", 5, &len), HF_TLS_DONE);
		n = recv(m.wire.fd[1], record, sizeof(record), 0);
		assert_true(n > (ssize_t)parts[i]);
		assert_int_equal(send(m.wire.fd[2], record, parts[i], 0), parts[i]);
		assert_int_equal(hf_tls_conn_read(m.server, buf, sizeof(buf), &len),
				 HF_TLS_WANT_READ);
		assert_false(hf_tls_conn_pending(m.server));
		n -= (ssize_t)parts[i];
		assert_int_equal(send(m.wire.fd[2], record + parts[i], (size_t)n, 0), n);
		assert_int_equal(hf_tls_conn_read(m.server, buf, sizeof(buf), &len), HF_TLS_DONE);
		assert_int_equal(len, 5);
	}
	tx_meet_end(&m);
}

static void test_a_bare_end_is_told_apart(void **state)
{
	struct hf_tls_config server = server_config(HF_CLIENT_AUTH_REQUIRE, 0);
	struct hf_tls_config client = client_config(&good);
	HF_AUTO(hf_tls_context) server_context = tx_context(&server);
	HF_AUTO(hf_tls_context) client_context = tx_context(&client);
	struct hf_tls_info info;
	struct tx_meeting m;
	char buf[8];
	size_t len;

	(void)state;
	tx_meet(&m, client_context, server_context);
	(void)shutdown(m.wire.fd[0], SHUT_WR);
	while (tx_wire_turn(&m.wire))
		;
	assert_int_equal(hf_tls_conn_read(m.server, buf, sizeof(buf), &len), HF_TLS_CLOSED);
	hf_tls_conn_info(m.server, &info);
	assert_true(info.truncated);
	assert_int_equal(hf_tls_conn_write(m.server, "bye", 3, &len), HF_TLS_DONE);
	tx_meet_end(&m);
}

/* --- contexts that are refused ----------------------------------------------------------- */

static void test_bad_contexts_are_named(void **state)
{
	static const struct {
		const char *label, *says;
	} rows[] = { { "no clock", "clock" },	 { "no certificate", "certificate" },
		     { "min > max", "version" }, { "cipher", "NONSENSE" },
		     { "group", "NONSENSE" },	 { "signature scheme", "NONSENSE" } };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		struct hf_tls_config config = server_config(HF_CLIENT_AUTH_REQUIRE, 0);
		struct hf_tls_context *context = NULL;
		struct hf_err err = HF_ERR_INIT;

		if (i == 0)
			config.now = NULL;
		if (i == 1)
			config.credential = NULL;
		if (i == 2) {
			config.tls_min = HF_TLS_1_3;
			config.tls_max = HF_TLS_1_2;
		}
		config.ciphers = i == 3 ? "NONSENSE" : NULL;
		config.groups = i == 4 ? "NONSENSE" : NULL;
		config.sigalgs = i == 5 ? "NONSENSE" : NULL;
		assert_true(hf_tls_context_new(&config, &context, &err) < 0);
		assert_null(context);
		if (!strstr(err.msg, rows[i].says))
			fail_msg("%s: %s", rows[i].label, err.msg);
		fx_no_stale_errors(rows[i].label);
	}
}

static void test_too_many_ca_names_are_refused_at_the_start(void **state)
{
	enum { CAS = 300 };
	static const char filler[] = "0123456789012345678901234567890123456789012345678901234567";
	X509 *anchors[CAS];
	EVP_PKEY *key = fx_key(HF_KEY_P256);
	HF_AUTO(hf_trust) many = NULL;
	struct hf_tls_config config = server_config(HF_CLIENT_AUTH_REQUIRE, 0);
	struct hf_tls_context *context = NULL;
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	for (size_t i = 0; i < CAS; i++) {
		char subject[512];
		struct fx_spec spec = { .subject = subject, .exts = TX_CA_EXTS };

		snprintf(subject, sizeof(subject), "/O=%s/OU=%s/L=%s/ST=%s/CN=%zu", filler, filler,
			 filler, filler, i);
		anchors[i] = fx_x509(&spec, key, NULL, NULL);
	}
	many = tx_trust_with(anchors, CAS, NULL);
	config.trust = many;
	assert_int_equal(hf_tls_context_new(&config, &context, &err), -HF_E_LIMIT);
	assert_non_null(strstr(err.msg, "L-CA-NAMES"));
	for (size_t i = 0; i < CAS; i++)
		X509_free(anchors[i]);
	EVP_PKEY_free(key);
}

static void test_alert_texts(void **state)
{
	(void)state;
	for (int alert = 0; alert < 256; alert++) {
		const struct hf_alert_meaning *meaning = hf_alert_meaning(alert);

		assert_true(meaning && meaning->means[0] && meaning->next[0]);
	}
	assert_true(hf_alert_meaning(48)->about_certificate);
	assert_false(hf_alert_meaning(70)->about_certificate);
	assert_int_equal(hf_tls_version_parse("1.3"), HF_TLS_1_3);
	assert_int_equal(hf_tls_version_parse("1.1"), HF_TLS_VERSION_DEFAULT);
	assert_string_equal(hf_tls_version_name(HF_TLS_1_2), "TLS 1.2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_require_refuses_with_the_right_alert),
		cmocka_unit_test(test_optional_lets_nobody_in_and_refuses_as_require_does),
		cmocka_unit_test(test_who_may_be_in_under_each_demand),
		cmocka_unit_test(test_report_lets_everybody_in_and_says_what_it_thinks),
		cmocka_unit_test(test_none_does_not_ask),
		cmocka_unit_test(test_a_known_peer_without_its_key_is_refused),
		cmocka_unit_test(test_client_judges_the_server),
		cmocka_unit_test(test_insecure_goes_on_but_knows),
		cmocka_unit_test(test_parameters_without_an_overlap),
		cmocka_unit_test(test_info_tells_what_was_agreed),
		cmocka_unit_test(test_a_server_name_is_escaped),
		cmocka_unit_test(test_hello_in_single_bytes),
		cmocka_unit_test(test_what_is_not_tls),
		cmocka_unit_test(test_client_meets_a_plaintext_server),
		cmocka_unit_test(test_a_chain_that_is_too_large),
		cmocka_unit_test(test_data_flows_and_ends),
		cmocka_unit_test(test_a_part_of_a_record_is_not_pending),
		cmocka_unit_test(test_a_bare_end_is_told_apart),
		cmocka_unit_test(test_bursts_arrive_whole_and_in_order),
		cmocka_unit_test(test_an_alert_does_not_overtake_a_burst),
		cmocka_unit_test(test_bad_contexts_are_named),
		cmocka_unit_test(test_too_many_ca_names_are_refused_at_the_start),
		cmocka_unit_test(test_alert_texts),
	};

	return cmocka_run_group_tests(tests, cast_make, cast_done);
}
