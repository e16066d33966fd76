/* SPDX-License-Identifier: Apache-2.0 */
/* Two parties in one process: certificates made to measure, contexts, and a pump between two socket
 * pairs that can hold back, split and damage what passes. */
#ifndef HF_TESTS_TLS_FIXTURE_H
#define HF_TESTS_TLS_FIXTURE_H

#include "pki_fixture.h"

#include <errno.h>
#include <sys/socket.h>

#include "pki/credential.h"
#include "tls/conn.h"
#include "tls/context.h"

enum { TX_NOW_2026 = 1795000000, TX_STEPS = 4000 };

/* What certificates of a usual CA and of its leaves have. */
#define TX_CA_EXTS                                                  \
	{                                                           \
		{ "basicConstraints", "critical,CA:TRUE" },         \
		    { "keyUsage", "critical,keyCertSign,cRLSign" }, \
		{                                                   \
			"subjectKeyIdentifier", "hash"              \
		}                                                   \
	}
#define TX_LEAF_EXTS(eku, names)                                                              \
	{                                                                                     \
		{ "basicConstraints", "critical,CA:FALSE" },                                  \
		    { "keyUsage", "critical,digitalSignature" }, { "extendedKeyUsage", eku }, \
		    { "authorityKeyIdentifier", "keyid" },                                    \
		{                                                                             \
			"subjectAltName", names                                               \
		}                                                                             \
	}

/* One party: a key, its certificate, and who issued it (NULL: itself). */
struct tx_party {
	EVP_PKEY *key;
	X509 *x509;
	struct tx_party *issuer;
	struct hf_credential *credential;
};

static int64_t tx_now = TX_NOW_2026;
static OSSL_LIB_CTX *tx_library; /* what tx_meet_with computes with */

HF_UNUSED static int64_t tx_clock(void *arg)
{
	(void)arg;
	return tx_now;
}

HF_UNUSED static void tx_issue(struct tx_party *party, const struct fx_spec *spec,
			       struct tx_party *issuer)
{
	party->key = fx_key(HF_KEY_P256);
	party->issuer = issuer;
	party->x509 = fx_x509(spec, party->key, issuer ? issuer->x509 : NULL,
			      issuer ? issuer->key : NULL);
}

/* Leaf and, when there is one between it and the root, the intermediate. */
HF_UNUSED static void tx_credential(struct tx_party *party)
{
	HF_AUTO_DONE(hf_certs) chain = HF_CERTS_INIT;
	struct hf_err err = HF_ERR_INIT;

	for (struct tx_party *at = party; at && (at == party || at->issuer); at = at->issuer) {
		HF_AUTO(hf_cert) cert = NULL;

		assert_int_equal(hf_cert_new(at->x509, &cert, &err), 0);
		assert_int_equal(hf_certs_add(&chain, cert, &err), 0);
	}
	if (hf_credential_new(party->key, &chain, &party->credential, &err) < 0)
		fail_msg("%s", err.msg);
}

HF_UNUSED static void tx_party_done(struct tx_party *party)
{
	hf_credential_free(party->credential);
	X509_free(party->x509);
	EVP_PKEY_free(party->key);
	*party = (struct tx_party){ 0 };
}

HF_UNUSED static struct hf_trust *tx_trust_with(X509 *const *anchors, size_t len, X509_CRL *crl)
{
	struct hf_trust *trust = NULL;
	struct hf_err err = HF_ERR_INIT;

	assert_int_equal(hf_trust_new(1, &trust, &err), 0);
	for (size_t i = 0; i < len; i++) {
		HF_AUTO(hf_cert) cert = NULL;

		assert_int_equal(hf_cert_new(anchors[i], &cert, &err), 0);
		assert_int_equal(hf_trust_add_anchor(trust, cert, "own", &err), 0);
	}
	if (crl) {
		HF_AUTO(hf_crl) list = NULL;

		assert_int_equal(hf_crl_new(crl, &list, &err), 0);
		assert_int_equal(hf_trust_add_crl(trust, list, &err), 0);
	}
	assert_int_equal(hf_trust_freeze(trust, &err), 0);
	return trust;
}

HF_UNUSED static struct hf_rules *tx_rules(const char *allow)
{
	struct hf_rules *rules = NULL;
	struct hf_err err = HF_ERR_INIT;

	assert_int_equal(hf_rules_new(&rules, &err), 0);
	if (hf_rules_add(rules, true, allow, &err) < 0)
		fail_msg("%s", err.msg);
	return rules;
}

HF_UNUSED static struct hf_tls_context *tx_context(const struct hf_tls_config *config)
{
	struct hf_tls_context *context = NULL;
	struct hf_err err = HF_ERR_INIT;

	if (hf_tls_context_new(config, &context, &err) < 0)
		fail_msg("%s", err.msg);
	return context;
}

/* --- the wire ---------------------------------------------------------------------------- */

/* client fd[0] – fd[1] relay fd[2] – fd[3] server */
struct tx_wire {
	int fd[4];
	size_t piece;                                     /* bytes passed on at a time; 0: all */
	void (*damage)(uint8_t *data, size_t len, int to_server); /* NULL: none */
	bool cut_to_client, cut_to_server;                /* the end has been passed on */
};

struct tx_meeting {
	struct tx_wire wire;
	struct hf_tls_conn *client, *server;
	enum hf_tls_step client_step, server_step;
};

HF_UNUSED static void tx_wire_open(struct tx_wire *wire)
{
	int flags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

	assert_int_equal(socketpair(AF_UNIX, flags, 0, wire->fd), 0);
	assert_int_equal(socketpair(AF_UNIX, flags, 0, wire->fd + 2), 0);
}

static bool tx_pass(struct tx_wire *wire, int from, int to, int to_server)
{
	uint8_t data[65536];
	bool *cut = to_server ? &wire->cut_to_server : &wire->cut_to_client;
	ssize_t n = recv(wire->fd[from], data, wire->piece ? wire->piece : sizeof(data), 0);

	if (n == 0 && !*cut) {
		*cut = true;
		(void)shutdown(wire->fd[to], SHUT_WR);
		return true;
	}
	if (n <= 0)
		return false;
	if (wire->damage)
		wire->damage(data, (size_t)n, to_server);
	(void)!send(wire->fd[to], data, (size_t)n, MSG_NOSIGNAL);
	return true;
}

HF_UNUSED static bool tx_wire_turn(struct tx_wire *wire)
{
	bool to_server = tx_pass(wire, 1, 2, 1);

	return tx_pass(wire, 2, 1, 0) || to_server;
}

HF_UNUSED static void tx_meet_begin(struct tx_meeting *m, struct hf_tls_context *client,
				    struct hf_tls_context *server)
{
	struct hf_err err = HF_ERR_INIT;

	tx_wire_open(&m->wire);
	if (client)
		assert_int_equal(hf_tls_conn_new(client, m->wire.fd[0], NULL, &m->client, &err), 0);
	if (server)
		assert_int_equal(hf_tls_conn_new(server, m->wire.fd[3], m, &m->server, &err), 0);
}

static bool tx_waits(enum hf_tls_step step)
{
	return step == HF_TLS_WANT_READ || step == HF_TLS_WANT_WRITE;
}

/* Handshakes until nothing moves any more; then the client reads once, as under TLS 1.3 it learns
 * only there what became of it. */
HF_UNUSED static void tx_meet_shake(struct tx_meeting *m)
{
	char byte;
	size_t len;

	m->client_step = m->server_step = HF_TLS_WANT_READ;
	for (int i = 0; i < TX_STEPS; i++) {
		bool moved;

		if (m->client && tx_waits(m->client_step))
			m->client_step = hf_tls_conn_handshake(m->client);
		if (m->server && tx_waits(m->server_step))
			m->server_step = hf_tls_conn_handshake(m->server);
		if (m->client && m->client_step == HF_TLS_FAILED)
			(void)shutdown(m->wire.fd[0], SHUT_WR);
		moved = tx_wire_turn(&m->wire);
		if (!moved && !tx_waits(m->client_step) && !tx_waits(m->server_step))
			break;
	}
	if (m->client && m->client_step == HF_TLS_DONE) {
		enum hf_tls_step step = hf_tls_conn_read(m->client, &byte, 1, &len);

		if (step == HF_TLS_FAILED || step == HF_TLS_CLOSED)
			m->client_step = step;
	}
}

HF_UNUSED static void tx_meet_end(struct tx_meeting *m)
{
	hf_tls_conn_free(m->client);
	hf_tls_conn_free(m->server);
	for (size_t i = 0; i < HF_ARRAY_LEN(m->wire.fd); i++)
		hf_fd_close(m->wire.fd[i]);
	*m = (struct tx_meeting){ 0 };
}

HF_UNUSED static void tx_meet(struct tx_meeting *m, struct hf_tls_context *client,
			      struct hf_tls_context *server)
{
	*m = (struct tx_meeting){ 0 };
	tx_meet_begin(m, client, server);
	tx_meet_shake(m);
}

HF_UNUSED static const char *tx_cause(const struct hf_verdict *verdict)
{
	const struct hf_finding *root = verdict ? hf_verdict_root(verdict) : NULL;

	return root ? hf_reason_info(root->reason)->id : "";
}

HF_UNUSED static const char *tx_failure(const struct hf_tls_conn *conn)
{
	const struct hf_tls_failure *failure = hf_tls_conn_failure(conn);

	return failure ? failure->text : "no failure";
}

/* A certificate that was made in memory keeps the key object that it was made with. */
HF_UNUSED static X509 *tx_as_read(X509 *made)
{
	HF_AUTO(ossl_mem) der = NULL;
	int len = i2d_X509(made, &der);
	const unsigned char *p = der;
	X509 *x509 = d2i_X509(NULL, &p, len);

	assert_non_null(x509);
	X509_free(made);
	return x509;
}

/* A self-signed certificate of the key at both ends; groups: of the client.  good: the handshake
 * succeeds, else it fails on both sides. */
HF_UNUSED static void tx_meet_with(EVP_PKEY *key, enum hf_tls_version version, const char *groups,
				   bool good)
{
	static const struct fx_spec spec = {
		.subject = "/CN=localhost",
		.exts = { { "basicConstraints", "critical,CA:FALSE" },
			  { "keyUsage", "critical,digitalSignature,keyEncipherment" },
			  { "extendedKeyUsage", "serverAuth,clientAuth" },
			  { "subjectKeyIdentifier", "hash" },
			  { "subjectAltName", "DNS:localhost" } }
	};
	struct tx_party party = { .key = key };
	HF_AUTO(hf_tls_context) server = NULL, client = NULL;
	struct hf_trust *trust;
	struct tx_meeting m;
	bool done;

	assert_int_equal(EVP_PKEY_up_ref(key), 1);
	party.x509 = tx_as_read(fx_x509(&spec, party.key, NULL, NULL));
	tx_credential(&party);
	trust = tx_trust_with(&party.x509, 1, NULL);
	struct hf_tls_config config = { .role = HF_TLS_SERVER,
					.library = tx_library,
					.credential = party.credential,
					.trust = trust,
					.client_auth = HF_CLIENT_AUTH_REPORT,
					.tls_min = version,
					.tls_max = version,
					.now = tx_clock };
	server = tx_context(&config);
	config.role = HF_TLS_CLIENT;
	config.insecure = true;
	config.server_name = config.verify_name = "localhost";
	config.groups = groups;
	client = tx_context(&config);
	tx_meet(&m, client, server);
	done = m.client_step == HF_TLS_DONE && m.server_step == HF_TLS_DONE;
	if (done != good)
		fail_msg("key %s version %d groups %s: client %d server %d: %s, %s",
			 EVP_PKEY_get0_type_name(key), (int)version, groups, (int)m.client_step,
			 (int)m.server_step, tx_failure(m.client), tx_failure(m.server));
	if (good)
		assert_int_equal(hf_tls_conn_peer_chain(m.server)->len, 1);
	tx_meet_end(&m);
	hf_trust_unref(trust);
	tx_party_done(&party);
}

#endif
