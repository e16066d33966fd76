/* SPDX-License-Identifier: Apache-2.0 */
/* A context: everything one listener or one client needs to make connections: credential, trust,
 * rules and parameters, checked and turned into an SSL_CTX.  Immutable after hf_tls_context_new and
 * counted; a reload makes a new one, old connections keep theirs.  Make it after fork: OpenSSL's
 * objects are not shared between processes, and use it from one thread at a time. */
#ifndef HF_TLS_CONTEXT_H
#define HF_TLS_CONTEXT_H

#include "pki/credential.h"
#include "tls/peers.h"
#include "tls/status.h"
#include "tls/transcript.h"
#include "trust/trust.h"
#include "verify/rules.h"
#include "verify/verify.h"

enum hf_tls_role { HF_TLS_SERVER, HF_TLS_CLIENT };

enum hf_client_auth {
	HF_CLIENT_AUTH_REQUIRE =
	    0, /* no certificate, or a refused one: the handshake ends with the right alert */
	HF_CLIENT_AUTH_OPTIONAL, /* whoever sends none is let in as nobody; else as with REQUIRE */
	HF_CLIENT_AUTH_REPORT, /* asks, judges, and always goes on: the application reads the
				  verdict */
	HF_CLIENT_AUTH_NONE,   /* does not ask; there is no verdict */
};

/* Does a certificate that is refused keep its client out? */
bool hf_client_auth_refuses(enum hf_client_auth mode);
/* May the client with this verdict be in?  NULL: none was made, since nobody asked. */
bool hf_client_auth_lets_in(enum hf_client_auth mode, const struct hf_verdict *verdict);

enum hf_tls_version { HF_TLS_VERSION_DEFAULT = 0, HF_TLS_1_2 = 0x0303, HF_TLS_1_3 = 0x0304 };

enum {
	HF_TLS_CHAIN_CAP_DEFAULT = 64 * 1024, /* bytes of the Certificate message we accept */
	HF_TLS_PEERS_CAP_DEFAULT = 4096,
};

struct hf_tls_context;
struct hf_tls_resumption;

/* A server name with a context of its own: "a.example", or "*.example" for one label. */
struct hf_tls_name {
	const char *name;
	struct hf_tls_context *context;
};

/* Zero everywhere is the safe default.  Strings and objects are borrowed for the call only: the
 * context takes copies and references. */
struct hf_tls_config {
	enum hf_tls_role role;
	const struct hf_credential
	    *credential;		 /* servers: required; clients: NULL sends no certificate */
	/* What libssl computes with; it needs no decoders, since certificates are decoded with
	 * the default one in any case.  Borrowed; must outlive the context; NULL: the default. */
	OSSL_LIB_CTX *library;
	struct hf_trust *trust;		 /* frozen; NULL trusts nothing */
	struct hf_rules *rules;		 /* NULL: none applied (serve insists on some itself) */
	enum hf_client_auth client_auth; /* servers */
	/* Servers that refuse (hf_client_auth_refuses): whom we refuse hears no alert; the
	 * handshake is done, and the application must end the connection. */
	bool silent;
	enum hf_profile profile;
	bool compat_cn;			      /* clients: a server name only in the CN counts */
	enum hf_tls_version tls_min, tls_max; /* default 1.2 and 1.3 */
	const char *const *alpn;   /* NULL-terminated, most wanted first; NULL: not negotiated */
	const char *server_name;   /* clients: SNI; NULL sends none (addresses are never sent) */
	const char *verify_name;   /* clients: host name or address the server must be valid for */
	bool insecure;		   /* clients: judge, but go on whatever the verdict says */
	const char *ciphers;	   /* OpenSSL syntax; names with TLS_ go to 1.3, others to 1.2 */
	const char *groups;	   /* "X25519:P-256" */
	const char *sigalgs;	   /* our own list for both directions: "ECDSA+SHA256:…" */
	/* Servers: the OCSP response about our certificate at the moment of a handshake, in place
	 * of the credential's; borrowed until the next call; NULL: none is handed out.  The arg
	 * must outlive the context. */
	struct hf_tls_staple {
		const void *(*get)(void *arg, size_t *ret_len);
		void *arg;
	} staple;
	/* Servers: whom to ask about clients that are let in; its arg must outlive the context. */
	struct hf_tls_status status;
	bool resume;		   /* servers: sessions may be resumed, see tls/sessions.h */
	/* from the full handshake on; 0, or more than an hour: an hour */
	int64_t session_seconds;
	/* Sessions of other processes may be resumed too; must outlive the context.  NULL: none. */
	struct hf_session_pool *session_pool;
	/* Servers with several policies.  Peers and their sessions never cross from one scope to
	 * another, sessions not from one listener to another either; NULL is "".  `tag` is the
	 * caller's (hf_tls_conn_tag).  Clients that ask for one of the names meet its context in
	 * place of this one; all must share one peer table. */
	const char *scope, *listener;
	size_t tag;
	const struct hf_tls_name *names;
	size_t names_len;
	size_t chain_cap;	   /* HF_TLS_CHAIN_CAP_DEFAULT when 0 */
	struct hf_peers *peers;	   /* the table to go on with after a reload; NULL: a new one */
	size_t peers_cap;	   /* of a new table; HF_TLS_PEERS_CAP_DEFAULT when 0 */
	int64_t (*now)(void *arg); /* Unix seconds; required: the library has no clock */
	void *now_arg;
	/* Each line of the SSLKEYLOGFILE format: who has them reads everything.  NULL: none. */
	void (*keylog)(void *arg, const char *line);
	void *keylog_arg;
	/* Every step of every connection as it happens; conn tells them apart.  NULL: none. */
	void (*trace)(void *arg, const void *conn, const struct hf_event *event);
	void *trace_arg;
	int64_t (*trace_clock_us)(void);
	/* Clients that look rather than use (probe): ask for an OCSP staple; say that a certificate
	 * may be demanded after the handshake; offer whatever libssl has, however weak. */
	bool ask_staple, post_handshake_auth, anything;
	/* Clients that look: take tickets of TLS 1.2 too, and offer to resume this session, which
	 * must outlive the context.  NULL: none is offered. */
	bool tickets;
	const struct hf_tls_resumption *resumption;
};

/* Checks everything that would refuse every peer later and names it: no credential, names of the
 * trusted CAs larger than the 64 KiB a CertificateRequest holds (L-CA-NAMES), min above max,
 * unknown cipher or group, key that libssl does not take.  0 or negative. */
int hf_tls_context_new(const struct hf_tls_config *config, struct hf_tls_context **ret_context,
		       struct hf_err *err);
struct hf_tls_context *hf_tls_context_ref(struct hf_tls_context *context);
void hf_tls_context_unref(struct hf_tls_context *context); /* NULL-safe */
HF_DEFINE_AUTO(hf_tls_context, struct hf_tls_context, hf_tls_context_unref);

struct hf_trust *hf_tls_context_trust(const struct hf_tls_context *context); /* borrowed */
struct hf_peers *hf_tls_context_peers(
    const struct hf_tls_context *context); /* borrowed; never NULL */
/* The context that a client meets who asks for this name (without port), `context` itself for those
 * that have none of their own. */
struct hf_tls_context *hf_tls_context_for(struct hf_tls_context *context, const char *name,
					  size_t len);
size_t hf_tls_context_tag(const struct hf_tls_context *context);
enum hf_client_auth hf_tls_context_client_auth(const struct hf_tls_context *context);
int64_t hf_tls_context_now(const struct hf_tls_context *context);
/* How many CA names the CertificateRequest carries, and their bytes on the wire. */
void hf_tls_context_ca_names(const struct hf_tls_context *context, size_t *ret_count,
			     size_t *ret_bytes);

/* "1.2" / "1.3" -> version; HF_TLS_VERSION_DEFAULT when it is neither. */
enum hf_tls_version hf_tls_version_parse(const char *text);
const char *hf_tls_version_name(enum hf_tls_version version); /* "TLS 1.3"; "TLS" when unknown */

/* Judges a chain under the context's trust, rules, profile and name, as the handshake does (no peer
 * table, and nobody is asked for its status). `verdict` is initialised by the caller. */
int hf_tls_context_judge(const struct hf_tls_context *context, const struct hf_certs *chain,
			 struct hf_verdict *verdict, struct hf_err *err);

#endif
