/* SPDX-License-Identifier: Apache-2.0 */
/* The peer table: a hash table of accepted chains, a list of the idle ones by last use, and the
 * connections that live on each.  Must never hold a refused verdict, nor hand out one past its time
 * or of another policy. */
#include "tls/peers.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "tls/internal.h"
#include "tls/sessions.h"

enum {
	BUCKETS = 1024, /* a power of two; entries are bounded by cap + living connections */
	ISSUERS = 16,
};

struct hf_peers {
	int refs;
	size_t cap, entries, idle;
	struct hf_peer *buckets[BUCKETS];
	struct hf_peer *lru_first, *lru_last; /* most and least recently used */
	struct hf_peers_stats stats;
	struct hf_sessions *sessions;
	struct hf_cert *issuers[ISSUERS]; /* counted */
	size_t issuers_next;
	uint8_t (*revoked)[HF_SHA256_LEN]; /* leaves that are never accepted again */
	size_t revoked_len;
};

/* --- peers ------------------------------------------------------------------------------- */

int hf_peer_new(struct hf_certs *sent, const uint8_t key[HF_SHA256_LEN], struct hf_peer **ret_peer,
		struct hf_err *err)
{
	struct hf_peer *peer = calloc(1, sizeof(*peer));

	if (!peer) {
		hf_certs_done(sent);
		return hf_err_nomem(err);
	}
	peer->refs = 1;
	peer->sent = *sent;
	*sent = (struct hf_certs)HF_CERTS_INIT;
	memcpy(peer->key, key, HF_SHA256_LEN);
	hf_verdict_init(&peer->verdict);
	*ret_peer = peer;
	return 0;
}

struct hf_peer *hf_peer_ref(struct hf_peer *peer)
{
	peer->refs++;
	return peer;
}

void hf_peer_unref(struct hf_peer *peer)
{
	if (!peer || --peer->refs > 0)
		return;
	hf_verdict_done(&peer->verdict);
	hf_certs_done(&peer->sent);
	free(peer);
}

/* --- the table ----------------------------------------------------------------------------------
 */

int hf_peers_new(size_t cap, struct hf_peers **ret_peers, struct hf_err *err)
{
	struct hf_peers *peers = calloc(1, sizeof(*peers));

	if (!peers)
		return hf_err_nomem(err);
	if (hf_sessions_new(&peers->sessions, err) < 0) {
		free(peers);
		return -HF_E_NOMEM;
	}
	peers->refs = 1;
	peers->cap = cap;
	*ret_peers = peers;
	return 0;
}

struct hf_sessions *hf_peers_sessions(struct hf_peers *peers)
{
	return peers->sessions;
}

struct hf_peers *hf_peers_ref(struct hf_peers *peers)
{
	peers->refs++;
	return peers;
}

static struct hf_peer **bucket_of(struct hf_peers *peers, const uint8_t key[HF_SHA256_LEN])
{
	size_t index = (size_t)key[0] | (size_t)key[1] << 8;

	return &peers->buckets[index & (BUCKETS - 1)];
}

static struct hf_peer **slot_of(struct hf_peers *peers, const uint8_t key[HF_SHA256_LEN])
{
	struct hf_peer **slot = bucket_of(peers, key);

	while (*slot && memcmp((*slot)->key, key, HF_SHA256_LEN) != 0)
		slot = &(*slot)->bucket_next;
	return slot;
}

static void lru_remove(struct hf_peers *peers, struct hf_peer *peer)
{
	if (!peer->in_lru)
		return;
	*(peer->lru_prev ? &peer->lru_prev->lru_next : &peers->lru_first) = peer->lru_next;
	*(peer->lru_next ? &peer->lru_next->lru_prev : &peers->lru_last) = peer->lru_prev;
	peer->lru_prev = peer->lru_next = NULL;
	peer->in_lru = false;
	peers->idle--;
}

/* Takes the peer out of the table and gives the table's reference back. */
static void forget(struct hf_peers *peers, struct hf_peer *peer)
{
	struct hf_peer **slot = slot_of(peers, peer->key);

	lru_remove(peers, peer);
	if (*slot == peer)
		*slot = peer->bucket_next;
	peer->bucket_next = NULL;
	peer->table = NULL;
	peers->entries--;
	hf_peer_unref(peer);
}

static void lru_add(struct hf_peers *peers, struct hf_peer *peer)
{
	peer->lru_prev = NULL;
	peer->lru_next = peers->lru_first;
	*(peers->lru_first ? &peers->lru_first->lru_prev : &peers->lru_last) = peer;
	peers->lru_first = peer;
	peer->in_lru = true;
	if (++peers->idle <= peers->cap)
		return;
	peers->stats.evicted++;
	forget(peers, peers->lru_last);
}

void hf_peers_unref(struct hf_peers *peers)
{
	if (!peers || --peers->refs > 0)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while (peers->buckets[i])
			forget(peers, peers->buckets[i]);
	}
	hf_sessions_free(peers->sessions);
	for (size_t i = 0; i < ISSUERS; i++)
		hf_cert_unref(peers->issuers[i]);
	free(peers->revoked);
	free(peers);
}

struct hf_peer *hf_peers_find(struct hf_peers *peers, const uint8_t key[HF_SHA256_LEN])
{
	return *slot_of(peers, key);
}

struct hf_peer *hf_peers_lookup(struct hf_peers *peers, const uint8_t key[HF_SHA256_LEN],
				const uint8_t policy[HF_SHA256_LEN], int64_t now)
{
	struct hf_peer *peer = hf_peers_find(peers, key);

	if (!peer) {
		peers->stats.misses++;
		return NULL;
	}
	if (memcmp(peer->policy, policy, HF_SHA256_LEN) != 0 ||
	    !hf_verdict_still_good(&peer->verdict, now)) {
		peers->stats.stale++;
		peers->stats.misses++;
		return NULL;
	}
	peers->stats.hits++;
	return peer;
}

/* Connections of the older entry stay on it and off the table: the next sweep cannot see them, so
 * they move. */
static void move_connections(struct hf_peer *from, struct hf_peer *to)
{
	while (from->live) {
		struct hf_tls_conn *conn = from->live;

		hf_peer_detach(conn);
		hf_peer_attach(to, conn);
	}
}

struct hf_cert *hf_peers_issuer(const struct hf_peers *peers, const uint8_t *der, size_t len)
{
	for (size_t i = 0; i < ISSUERS; i++) {
		struct hf_cert *cert = peers->issuers[i];

		if (cert && cert->der_len == len && memcmp(cert->der, der, len) == 0)
			return cert;
	}
	return NULL;
}

/* Of the path that was accepted: what else somebody sends along could push the others out. */
static void keep_issuers(struct hf_peers *peers, const struct hf_peer *peer)
{
	for (size_t i = 1; i < peer->sent.len; i++) {
		struct hf_cert *cert = peer->sent.items[i];
		struct hf_cert **slot = &peers->issuers[peers->issuers_next % ISSUERS];

		if (!hf_certs_has(&peer->verdict.chain, cert) ||
		    hf_peers_issuer(peers, cert->der, cert->der_len))
			continue;
		hf_cert_unref(*slot);
		*slot = hf_cert_ref(cert);
		peers->issuers_next++;
	}
}

void hf_peers_insert(struct hf_peers *peers, struct hf_peer *peer)
{
	struct hf_peer *old = *slot_of(peers, peer->key);
	struct hf_peer **bucket = bucket_of(peers, peer->key);

	peer->table = peers;
	hf_peer_ref(peer);
	keep_issuers(peers, peer);
	if (old) {
		HF_AUTO(hf_peer) held = hf_peer_ref(old);

		forget(peers, old);
		move_connections(held, peer);
	}
	peer->bucket_next = *bucket;
	*bucket = peer;
	peers->entries++;
	if (!peer->live)
		lru_add(peers, peer);
}

void hf_peer_attach(struct hf_peer *peer, struct hf_tls_conn *conn)
{
	conn->peer = hf_peer_ref(peer);
	conn->live_prev = NULL;
	conn->live_next = peer->live;
	if (peer->live)
		peer->live->live_prev = conn;
	peer->live = conn;
	conn->is_live = true;
	if (peer->table)
		lru_remove(peer->table, peer);
}

static void unlink_live(struct hf_tls_conn *conn)
{
	struct hf_peer *peer = conn->peer;

	if (!conn->is_live)
		return;
	*(conn->live_prev ? &conn->live_prev->live_next : &peer->live) = conn->live_next;
	if (conn->live_next)
		conn->live_next->live_prev = conn->live_prev;
	conn->live_prev = conn->live_next = NULL;
	conn->is_live = false;
}

void hf_peer_detach(struct hf_tls_conn *conn)
{
	struct hf_peer *peer = conn->peer;

	if (!peer)
		return;
	unlink_live(conn);
	conn->peer = NULL;
	if (peer->table && !peer->live)
		lru_add(peer->table, peer);
	hf_peer_unref(peer);
}

void hf_peers_stats(const struct hf_peers *peers, struct hf_peers_stats *ret_stats)
{
	*ret_stats = peers->stats;
	ret_stats->entries = peers->entries;
}

/* --- revoked by the operator ------------------------------------------------------------- */

static bool is_revoked(const struct hf_peers *peers, const uint8_t sha256[HF_SHA256_LEN])
{
	for (size_t i = 0; i < peers->revoked_len; i++)
		if (memcmp(peers->revoked[i], sha256, HF_SHA256_LEN) == 0)
			return true;
	return false;
}

bool hf_peers_revoked(const struct hf_peers *peers, const struct hf_certs *chain)
{
	return peers->revoked_len > 0 && chain->len > 0 &&
	       is_revoked(peers, chain->items[0]->sha256);
}

/* No policy is all zeros: what was judged under it is judged again before it is used. */
void hf_peers_doubt(struct hf_peers *peers, const uint8_t sha256[HF_SHA256_LEN])
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct hf_peer *peer = peers->buckets[i]; peer; peer = peer->bucket_next)
			if (peer->sent.len > 0 &&
			    memcmp(peer->sent.items[0]->sha256, sha256, HF_SHA256_LEN) == 0)
				memset(peer->policy, 0, sizeof(peer->policy));
}

int hf_peers_revoke(struct hf_peers *peers, const uint8_t sha256[HF_SHA256_LEN], struct hf_err *err)
{
	uint8_t(*more)[HF_SHA256_LEN];

	if (is_revoked(peers, sha256))
		return 0;
	if (peers->revoked_len == HF_PEERS_REVOKED_CAP)
		return hf_err_set(err, HF_E_LIMIT, "at most %d certificates can be revoked so",
				  HF_PEERS_REVOKED_CAP);
	more = realloc(peers->revoked, (peers->revoked_len + 1) * sizeof(*more));
	if (!more)
		return hf_err_nomem(err);
	peers->revoked = more;
	memcpy(peers->revoked[peers->revoked_len++], sha256, HF_SHA256_LEN);
	hf_peers_doubt(peers, sha256);
	return 0;
}

/* --- the sweep --------------------------------------------------------------------------- */

struct sweep {
	struct hf_peers *peers;
	const struct hf_peers_policy *policies;
	size_t policies_len;
	int64_t now;
	void (*drop)(struct hf_tls_conn *conn, const struct hf_verdict *why, void *arg);
	void *arg;
	int dropped;
};

#ifdef HF_ANALYZER /* it cannot know that the sweep's list holds a reference to each peer */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wanalyzer-use-after-free"
#endif
static void drop_connections(struct sweep *sweep, struct hf_peer *peer)
{
	while (peer->live) {
		struct hf_tls_conn *conn = peer->live;

		unlink_live(conn); /* the callback may free it */
		sweep->dropped++;
		sweep->drop(conn, &peer->verdict, sweep->arg);
	}
}
#ifdef HF_ANALYZER
#pragma GCC diagnostic pop
#endif

static const struct hf_peers_policy *policy_of(const struct sweep *sweep,
					       const struct hf_peer *peer)
{
	for (size_t i = 0; i < sweep->policies_len; i++)
		if (memcmp(sweep->policies[i].context->scope, peer->scope, HF_SHA256_LEN) == 0)
			return &sweep->policies[i];
	return &sweep->policies[0];
}

static int sweep_one(struct sweep *sweep, struct hf_peer *peer, struct hf_err *err)
{
	const struct hf_peers_policy *policy = policy_of(sweep, peer);
	struct hf_tls_context *context = policy->context;
	int rc;

	if (!peer->table)
		return 0; /* went while others were swept */
	if (memcmp(peer->policy, context->policy, sizeof(peer->policy)) == 0 &&
	    hf_verdict_still_good(&peer->verdict, sweep->now))
		return 0;
	if (!peer->live) {
		forget(sweep->peers, peer); /* nobody waits for the answer */
		return 0;
	}
	rc = hf_tls_judge_peer(context, peer, NULL, err);
	if (rc == 1) /* its responder is being asked: a later sweep hears the answer */
		return 0;
	if (rc < 0 || peer->verdict.accepted)
		return rc;
	forget(sweep->peers, peer);
	if (policy->keeps_out)
		drop_connections(sweep, peer);
	return 0;
}

/* The table changes while connections are dropped, so the sweep goes over a list of its own. */
static struct hf_peer **snapshot(const struct hf_peers *peers, size_t *ret_len)
{
	struct hf_peer **list = calloc(peers->entries + 1, sizeof(struct hf_peer *));
	size_t len = 0;

	for (size_t i = 0; list && i < BUCKETS; i++) {
		for (struct hf_peer *peer = peers->buckets[i]; peer; peer = peer->bucket_next)
			list[len++] = hf_peer_ref(peer);
	}
	*ret_len = len;
	return list;
}

int hf_peers_sweep(struct hf_peers *peers, const struct hf_peers_policy *policies, size_t len,
		   int64_t now,
		   void (*drop)(struct hf_tls_conn *conn, const struct hf_verdict *why, void *arg),
		   void *arg, struct hf_err *err)
{
	struct sweep sweep = { peers, policies, len, now, drop, arg, 0 };
	size_t entries = 0;
	struct hf_peer **list = snapshot(peers, &entries);
	int rc = 0;

	if (!list)
		return hf_err_nomem(err);
	for (size_t i = 0; i < entries; i++) {
		int one = sweep_one(&sweep, list[i], err);

		rc = one < 0 ? one : rc;
		hf_peer_unref(list[i]);
	}
	free(list);
	return rc < 0 ? rc : sweep.dropped;
}
