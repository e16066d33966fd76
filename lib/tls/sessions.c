/* SPDX-License-Identifier: Apache-2.0 */
/* The session table behind libssl's callbacks.  Must never give out a session whose peer would not
 * be let in by a full handshake now (CVE-2025-23419 and its kin: a resumed handshake skips the
 * judge). */
#include "tls/sessions.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "tls/internal.h"
#include "tls/session_pool.h"

enum { BUCKETS = 1024, ID_LEN = SSL_MAX_SSL_SESSION_ID_LENGTH };

struct entry {
	struct entry *next; /* in the bucket */
	struct entry *older, *newer;
	SSL_SESSION *session; /* counted */
	struct hf_peer *peer; /* counted; its table is NULL once it is not let in any more */
	uint8_t id[ID_LEN];
	uint8_t sni[HF_SHA256_LEN]; /* and listener */
	int64_t since;		    /* when its full handshake was */
};

struct hf_sessions {
	struct entry *buckets[BUCKETS];
	struct entry *newest, *oldest;
	size_t len;
};

int hf_sessions_new(struct hf_sessions **ret_sessions, struct hf_err *err)
{
	*ret_sessions = calloc(1, sizeof(**ret_sessions));
	return *ret_sessions ? 0 : hf_err_nomem(err);
}

/* Ids are ours, and random: their first bytes spread well. */
static struct entry **slot_of(struct hf_sessions *sessions, const uint8_t *id)
{
	struct entry **slot = &sessions->buckets[(id[0] | id[1] << 8) & (BUCKETS - 1)];

	while (*slot && memcmp((*slot)->id, id, ID_LEN) != 0)
		slot = &(*slot)->next;
	return slot;
}

static void entry_free(struct entry *entry)
{
	SSL_SESSION_free(entry->session);
	hf_peer_unref(entry->peer);
	free(entry);
}

static void drop(struct hf_sessions *sessions, const uint8_t *id)
{
	struct entry **slot = slot_of(sessions, id), *entry = *slot;

	if (!entry)
		return;
	*slot = entry->next;
	*(entry->newer ? &entry->newer->older : &sessions->newest) = entry->older;
	*(entry->older ? &entry->older->newer : &sessions->oldest) = entry->newer;
	sessions->len--;
	entry_free(entry);
}

void hf_sessions_free(struct hf_sessions *sessions)
{
	if (!sessions)
		return;
	while (sessions->oldest)
		drop(sessions, sessions->oldest->id);
	free(sessions);
}

static void keep(struct hf_sessions *sessions, struct entry *entry)
{
	struct entry **bucket;

	drop(sessions, entry->id);
	bucket = slot_of(sessions, entry->id);
	entry->next = *bucket;
	*bucket = entry;
	entry->older = sessions->newest;
	if (sessions->newest)
		sessions->newest->newer = entry;
	sessions->newest = entry;
	if (!sessions->oldest)
		sessions->oldest = entry;
	if (++sessions->len > HF_TLS_SESSIONS_CAP)
		drop(sessions, sessions->oldest->id);
}

static struct hf_sessions *sessions_of(const struct hf_tls_conn *conn)
{
	return hf_peers_sessions(conn->context->peers);
}

/* --- with other processes ---------------------------------------------------------------- */

/* Tells the others of a session; one that is too large stays ours. */
static void share(struct hf_session_pool *pool, const struct entry *entry)
{
	struct hf_pooled_session pooled = { .since = entry->since };
	int len = i2d_SSL_SESSION(entry->session, NULL);
	unsigned char *at = pooled.der;

	if (len <= 0 || len > HF_POOLED_DER_CAP)
		return;
	pooled.len = (size_t)i2d_SSL_SESSION(entry->session, &at);
	memcpy(pooled.id, entry->id, sizeof(pooled.id));
	memcpy(pooled.sni, entry->sni, sizeof(pooled.sni));
	memcpy(pooled.peer, entry->peer->key, sizeof(pooled.peer));
	hf_session_pool_put(pool, &pooled);
	OPENSSL_cleanse(pooled.der, pooled.len);
}

static struct entry *entry_of(const struct hf_pooled_session *pooled, struct hf_peer *peer)
{
	const unsigned char *at = pooled->der;
	SSL_SESSION *session = d2i_SSL_SESSION(NULL, &at, (long)pooled->len);
	struct entry *entry = session ? calloc(1, sizeof(*entry)) : NULL;

	if (!entry) {
		SSL_SESSION_free(session);
		return NULL;
	}
	entry->session = session;
	entry->peer = hf_peer_ref(peer);
	entry->since = pooled->since;
	memcpy(entry->id, pooled->id, sizeof(entry->id));
	memcpy(entry->sni, pooled->sni, sizeof(entry->sni));
	return entry;
}

/* What another process began, of a peer that this one has judged too: now in its table. */
static struct entry *fetch(struct hf_tls_conn *conn, const uint8_t *id)
{
	struct hf_tls_context *context = conn->context;
	struct hf_pooled_session pooled;
	struct entry *entry = NULL;
	struct hf_peer *peer;

	if (!hf_session_pool_get(context->session_pool, id, &pooled))
		return NULL;
	peer = hf_peers_find(context->peers, pooled.peer);
	if (peer && memcmp(pooled.sni, conn->hello_sni, sizeof(pooled.sni)) == 0)
		entry = entry_of(&pooled, peer);
	OPENSSL_cleanse(&pooled, sizeof(pooled));
	if (entry)
		keep(sessions_of(conn), entry);
	return entry;
}

static struct entry *find(struct hf_tls_conn *conn, const uint8_t *id)
{
	struct entry *entry = *slot_of(sessions_of(conn), id);

	return entry || !conn->context->session_pool ? entry : fetch(conn, id);
}

/* --- what libssl calls ------------------------------------------------------------------- */

static bool peer_stands(const struct hf_peer *peer, const struct hf_tls_context *context)
{
	return peer->table == context->peers &&
	       memcmp(peer->policy, context->policy, sizeof(peer->policy)) == 0 &&
	       hf_verdict_still_good(&peer->verdict, hf_tls_context_now(context));
}

void hf_tls_session_settle(struct hf_tls_conn *conn)
{
	if (!conn->from_session || SSL_session_reused(conn->ssl) == 1)
		return;
	hf_peer_detach(conn);
	conn->from_session = false;
}

/* Returns 1 when the reference was kept. */
static int session_made(SSL *ssl, SSL_SESSION *session)
{
	struct hf_tls_conn *conn = SSL_get_app_data(ssl);
	unsigned int len = 0;
	const unsigned char *id = SSL_SESSION_get_id(session, &len);
	struct entry *entry;

	hf_tls_session_settle(conn);
	/* Nobody is nobody again at the next handshake, which costs little without a certificate.
	 */
	if (!conn->peer || len != ID_LEN || !peer_stands(conn->peer, conn->context))
		return 0;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return 0;
	if (!conn->from_session)
		conn->session_since = hf_tls_context_now(conn->context);
	entry->session = session;
	entry->peer = hf_peer_ref(conn->peer);
	entry->since = conn->session_since;
	memcpy(entry->id, id, ID_LEN);
	memcpy(entry->sni, conn->hello_sni, sizeof(entry->sni));
	if (conn->context->session_pool)
		share(conn->context->session_pool, entry);
	keep(sessions_of(conn), entry);
	return 1;
}

/* Attaching the peer here has the connection swept like any other while it is still shaking hands;
 * hf_tls_session_settle takes it off again when libssl does not resume after all. */
static SSL_SESSION *session_wanted(SSL *ssl, const unsigned char *id, int len, int *copy)
{
	struct hf_tls_conn *conn = SSL_get_app_data(ssl);
	struct hf_sessions *sessions = sessions_of(conn);
	struct entry *entry = len == ID_LEN ? find(conn, id) : NULL;

	hf_peer_detach(conn);
	conn->from_session = false;
	*copy = 1; /* libssl takes a reference of its own */
	if (!entry || memcmp(entry->sni, conn->hello_sni, sizeof(entry->sni)) != 0)
		return NULL;
	if (hf_tls_context_now(conn->context) - entry->since >= conn->context->session_seconds ||
	    !peer_stands(entry->peer, conn->context)) {
		drop(sessions, entry->id);
		return NULL;
	}
	hf_peer_attach(entry->peer, conn);
	conn->from_session = true;
	conn->session_since = entry->since;
	return entry->session;
}

int64_t hf_sessions_lifetime(int64_t asked)
{
	return asked > 0 ? HF_MIN(asked, (int64_t)HF_TLS_SESSION_SECONDS) : HF_TLS_SESSION_SECONDS;
}

int hf_sessions_apply(SSL_CTX *ssl, int64_t seconds, struct hf_err *err)
{
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL |
						SSL_SESS_CACHE_NO_AUTO_CLEAR);
	SSL_CTX_set_timeout(ssl, (long)seconds);
	SSL_CTX_sess_set_new_cb(ssl, session_made);
	SSL_CTX_sess_set_get_cb(ssl, session_wanted);
	return SSL_CTX_set_num_tickets(ssl, 1) == 1
		   ? 0
		   : hf_err_ossl(err, HF_E_CRYPTO, "setting the number of tickets");
}
