/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of lib/tls share and nobody else sees. */
#ifndef HF_TLS_INTERNAL_H
#define HF_TLS_INTERNAL_H

#include <openssl/ssl.h>

#include <sys/types.h>

#include "base/buf.h"
#include "base/str.h"
#include "tls/conn.h"
#include "tls/context.h"
#include "tls/hello.h"
#include "tls/peers.h"

struct hf_tls_context {
	int refs;
	enum hf_tls_role role;
	enum hf_client_auth client_auth;
	SSL_CTX *ssl;
	OSSL_LIB_CTX *library; /* of ssl; NULL: the default one */
	BIO_METHOD *bio;
	struct hf_buf burst; /* records on their way out, during one call; kept for the next */
	struct hf_trust *trust; /* never NULL: an empty one trusts nothing */
	struct hf_rules *rules; /* may be NULL */
	struct hf_peers *peers;
	enum hf_profile profile;
	bool compat_cn;
	bool insecure;
	bool silent, resume;
	int64_t session_seconds; /* how long a session may be resumed */
	struct hf_session_pool *session_pool; /* borrowed; NULL: none */
	const struct hf_tls_resumption *resumption; /* borrowed; NULL: none is offered */
	char *server_name, *verify_name;
	char *scope_name, *listener;   /* may be NULL */
	uint8_t scope[HF_SHA256_LEN];  /* of scope_name */
	size_t tag;
	struct hf_tls_names *names; /* NULL: none */
	struct hf_tls_status status; /* its `policy` is not kept */
	struct hf_tls_staple staple_source; /* get NULL: that below counts */
	uint8_t *staple; /* of servers; staple_len 0: none */
	size_t staple_len;
	int64_t staple_until;
	struct hf_strv alpn_names;
	uint8_t *alpn; /* the same in the wire format of RFC 7301 3.1 */
	size_t alpn_len;
	uint8_t policy[HF_SHA256_LEN]; /* equal policies judge alike */
	size_t ca_names, ca_names_bytes;
	int64_t (*now)(void *arg);
	void *now_arg;
	void (*keylog)(void *arg, const char *line);
	void *keylog_arg;
	void (*trace)(void *arg, const void *conn, const struct hf_event *event);
	void *trace_arg;
	int64_t (*trace_clock_us)(void);
};

/* One judged chain.  In the table only while accepted; connections hold references. */
struct hf_peer {
	int refs;
	uint8_t key[HF_SHA256_LEN];    /* SHA-256 over scope and certificates as sent */
	uint8_t policy[HF_SHA256_LEN]; /* that the verdict was made under */
	uint8_t scope[HF_SHA256_LEN];  /* whose policy it is; part of the key */
	struct hf_certs sent;
	struct hf_verdict verdict;
	struct hf_peers *table; /* NULL when not in one */
	struct hf_peer *bucket_next;
	struct hf_peer *lru_prev, *lru_next; /* only while no connection lives on it */
	bool in_lru;
	struct hf_tls_conn *live; /* first of the connections, linked by live_prev/live_next */
};

struct hf_tls_conn {
	struct hf_tls_context *front;	/* counted: what it was made with */
	/* front, or that of the name asked for, which front keeps */
	struct hf_tls_context *context;
	SSL *ssl;
	int fd;
	void *owner;
	struct hf_peer *peer; /* counted; NULL before judgement */
	struct hf_tls_conn *live_prev, *live_next;
	bool is_live;
	bool from_session;     /* peer is that of a session which libssl may resume */
	int64_t session_since; /* when the full handshake of the session was */
	uint8_t hello_sni[HF_SHA256_LEN]; /* of listener and raw extension; only where sessions are
					     kept */
	bool hello_seen;
	/* The peer is let in but for somebody's word about its certificate (status.c); held: and
	 * nothing else is left to do, stalled: because bio.c reads no further. */
	bool awaits, held, stalled;
	uint8_t awaited[HF_SHA256_LEN]; /* which word */
	bool handshake_done, cert_requested, cert_sent, truncated, close_notify_received;
	bool dry; /* the last read found no whole record: only the socket can bring the rest */
	bool write_broken;  /* sending failed; what the peer said before may still be read */
	uint8_t deny_alert; /* an alert that libssl cannot choose by a verify error; 0 none */
	int16_t alert_sent, alert_received;
	size_t ca_names;
	int io_errno; /* of the last failed call on the socket */
	uint64_t bytes_in, bytes_out;
	bool bursting;	   /* records go into front->burst */
	struct hf_buf late; /* records that the socket did not take: all else comes behind them */
	size_t late_sent;  /* of its front */
	char first[8]; /* what the peer began with, for what is no TLS */
	char *sni;
	struct hf_tls_failure *failure;
	struct hf_err judge_err; /* a judgement that was not possible (memory) */
	struct hf_transcript *transcript; /* borrowed; NULL: nothing is recorded */
	struct hf_transcript *traced;	  /* owned, for context->trace; NULL: none */
};

/* bio.c: a socket BIO that never raises SIGPIPE, counts bytes and can rewrite the one alert that
 * libssl cannot be made to send in TLS 1.2. */
BIO_METHOD *hf_tls_bio_method_new(void);
BIO *hf_tls_bio_new(BIO_METHOD *method, struct hf_tls_conn *conn);

/* burst.c */
/* send(2), counted. */
ssize_t hf_tls_send(struct hf_tls_conn *conn, const void *data, size_t len);
/* true: these bytes do not go to the socket now; *ret_kept false: nor could they be kept. */
bool hf_tls_burst_keeps(struct hf_tls_conn *conn, const char *data, size_t len, bool *ret_kept);
/* conn.c: the socket broke while something was sent.  FAILED. */
enum hf_tls_step hf_tls_conn_broke(struct hf_tls_conn *conn, int errnum);

/* parameters.c */
int hf_tls_parameters_apply(struct hf_tls_context *context, const struct hf_tls_config *config,
			    struct hf_err *err);
int hf_tls_ca_names_apply(struct hf_tls_context *context, struct hf_err *err);

/* staple.c */
int hf_tls_staple_apply(struct hf_tls_context *context, const struct hf_tls_config *config,
			struct hf_err *err);

/* judge.c */
int hf_tls_verify_callback(X509_STORE_CTX *store, void *arg);
/* Judges what a peer sent, the word about its certificate included, and puts the verdict in place
 * of the one it has.  1: the word is still awaited and the verdict stays; conn (may be NULL) then
 * waits for it.  An accepted peer of a conn goes into the table. */
int hf_tls_judge_peer(struct hf_tls_context *context, struct hf_peer *peer,
		      struct hf_tls_conn *conn, struct hf_err *err);
/* Is a refused peer let in all the same, for the application to decide? */
bool hf_tls_goes_on_anyway(const struct hf_tls_context *context);
/* The verdict on a peer that sent no certificate; sets conn->peer.  0 or negative. */
int hf_tls_judge_nobody(struct hf_tls_conn *conn, struct hf_err *err);

/* status.c */
/* 0 with the verdict completed, 1 when the word is awaited, or negative. */
int hf_tls_status_judge(const struct hf_tls_context *context, struct hf_verdict *verdict,
			struct hf_status *ret_status, struct hf_err *err);
void hf_tls_status_await(struct hf_tls_conn *conn, const uint8_t key[HF_SHA256_LEN]);
bool hf_tls_status_stalls(const struct hf_tls_conn *conn); /* may nothing more be read? */
/* rc: of SSL_do_handshake.  true: all is done but the word. */
bool hf_tls_status_hold(struct hf_tls_conn *conn, int rc);
/* Looks again: WANT_STATUS, DONE when the handshake may go on, FAILED when the alert is out. */
enum hf_tls_step hf_tls_status_settle(struct hf_tls_conn *conn);

/* peers.c: all borrowed but what is said to be counted. */
int hf_peer_new(struct hf_certs *sent, const uint8_t key[HF_SHA256_LEN], struct hf_peer **ret_peer,
		struct hf_err *err); /* takes the list over, also on failure */
struct hf_peer *hf_peer_ref(struct hf_peer *peer);
void hf_peer_unref(struct hf_peer *peer);
HF_DEFINE_AUTO(hf_peer, struct hf_peer, hf_peer_unref);
/* The entry if it may be used at `now` under this policy; counts hit, miss, stale. */
struct hf_peer *hf_peers_lookup(struct hf_peers *peers, const uint8_t key[HF_SHA256_LEN],
				const uint8_t policy[HF_SHA256_LEN], int64_t now);
/* The entry, whether it may be used or not; NULL: none. */
struct hf_peer *hf_peers_find(struct hf_peers *peers, const uint8_t key[HF_SHA256_LEN]);
/* Puts an accepted peer in, in place of an older one with its key. */
void hf_peers_insert(struct hf_peers *peers, struct hf_peer *peer);
/* A certificate with these bytes that accepted peers have sent above their own: decoded once for
 * all who come with it.  Borrowed; NULL when there is none. */
struct hf_cert *hf_peers_issuer(const struct hf_peers *peers, const uint8_t *der, size_t len);
void hf_peer_attach(struct hf_peer *peer, struct hf_tls_conn *conn); /* takes a reference */
void hf_peer_detach(struct hf_tls_conn *conn); /* gives it back; conn->peer is NULL */

/* Was the leaf of this chain revoked with hf_peers_revoke? */
bool hf_peers_revoked(const struct hf_peers *peers, const struct hf_certs *chain);
struct hf_sessions *hf_peers_sessions(struct hf_peers *peers); /* one table of each, for life */
/* Gives back the peer of a session that was found but is not resumed: whoever named it has not
 * proved to know its key. */
void hf_tls_session_settle(struct hf_tls_conn *conn);

/* failure.c */
/* Reads OpenSSL's error queue (and empties it) and the verdict, and fills conn->failure. */
void hf_tls_failure_set(struct hf_tls_conn *conn, int ssl_error);

/* failure_hello.c: "no shared cipher" told apart; what a peer that speaks no TLS wanted. */
const char *hf_tls_hello_cause(const struct hf_tls_conn *conn);
void hf_tls_hello_tell(const struct hf_tls_conn *conn, struct hf_tls_failure *failure);
const char *hf_tls_not_tls_cause(const struct hf_tls_conn *conn);

/* info.c */
void hf_tls_message_seen(int sent, int version, int content_type, const void *data, size_t len,
			 SSL *ssl, void *arg);
void hf_tls_sni_keep(struct hf_tls_conn *conn);
/* resumption.c: NULL offers nothing.  0 or negative. */
int hf_tls_resume(SSL *ssl, const struct hf_tls_resumption *resumption, struct hf_err *err);

#endif
