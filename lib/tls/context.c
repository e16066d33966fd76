/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts: a checked configuration becomes an SSL_CTX that never changes afterwards. */
#include "tls/context.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/err.h"
#include "base/str.h"
#include "tls/internal.h"
#include "tls/sessions.h"

bool hf_client_auth_refuses(enum hf_client_auth mode)
{
	return mode == HF_CLIENT_AUTH_REQUIRE || mode == HF_CLIENT_AUTH_OPTIONAL;
}

bool hf_client_auth_lets_in(enum hf_client_auth mode, const struct hf_verdict *verdict)
{
	const struct hf_finding *root = verdict ? hf_verdict_root(verdict) : NULL;

	if (!hf_client_auth_refuses(mode) || (verdict && verdict->accepted))
		return true;
	return mode == HF_CLIENT_AUTH_OPTIONAL &&
	       (!verdict || (root && root->reason == HF_REASON_N_NONE));
}

static int strings_copy(struct hf_tls_context *context, const struct hf_tls_config *config,
			struct hf_err *err)
{
	if (config->server_name && !(context->server_name = hf_str_dup(config->server_name)))
		return hf_err_nomem(err);
	if (config->verify_name && !(context->verify_name = hf_str_dup(config->verify_name)))
		return hf_err_nomem(err);
	if (config->scope && !(context->scope_name = hf_str_dup(config->scope)))
		return hf_err_nomem(err);
	if (config->listener && !(context->listener = hf_str_dup(config->listener)))
		return hf_err_nomem(err);
	return 0;
}

static int names_take(struct hf_tls_context *context, const struct hf_tls_config *config,
		      struct hf_err *err)
{
	const char *scope = context->scope_name ? context->scope_name : "";

	if (EVP_Digest(scope, strlen(scope), context->scope, NULL, EVP_sha256(), NULL) != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "hashing a scope");
	for (size_t i = 0; i < config->names_len; i++)
		if (config->names[i].context->peers != context->peers)
			return hf_err_set(err, HF_E_INVALID,
					  "server name '%s' has a peer table of its own",
					  config->names[i].name);
	return config->names_len > 0
		   ? hf_tls_names_new(config->names, config->names_len, &context->names, err)
		   : 0;
}

static int trust_take(struct hf_tls_context *context, const struct hf_tls_config *config,
		      struct hf_err *err)
{
	int rc;

	if (config->trust) {
		context->trust = hf_trust_ref(config->trust);
		return 0;
	}
	rc = hf_trust_new(0, &context->trust, err);
	return rc < 0 ? rc : hf_trust_freeze(context->trust, err);
}

static int peers_take(struct hf_tls_context *context, const struct hf_tls_config *config,
		      struct hf_err *err)
{
	size_t cap = config->peers_cap ? config->peers_cap : HF_TLS_PEERS_CAP_DEFAULT;

	if (config->peers) {
		context->peers = hf_peers_ref(config->peers);
		return 0;
	}
	return hf_peers_new(cap, &context->peers, err);
}

/* Everything a verdict depends on besides the chain and the time. */
static int policy_digest(struct hf_tls_context *context, struct hf_err *err)
{
	HF_AUTO(EVP_MD_CTX) md = EVP_MD_CTX_new();
	uint8_t digest[HF_SHA256_LEN] = { 0 };
	const char *name = context->verify_name ? context->verify_name : "";
	const char *status = context->status.policy ? context->status.policy : "";
	const uint8_t flags[] = {
		(uint8_t)context->role,	      (uint8_t)context->profile,     context->compat_cn,
		context->rules != NULL,	      (uint8_t)context->client_auth, context->silent,
		context->status.look != NULL, context->status.hard
	};
	bool ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;

	hf_trust_digest(context->trust, digest);
	ok = ok && EVP_DigestUpdate(md, digest, sizeof(digest)) == 1;
	if (context->rules) {
		hf_rules_digest(context->rules, digest);
		ok = ok && EVP_DigestUpdate(md, digest, sizeof(digest)) == 1;
	}
	ok = ok && EVP_DigestUpdate(md, flags, sizeof(flags)) == 1 &&
	     EVP_DigestUpdate(md, context->scope, sizeof(context->scope)) == 1 &&
	     EVP_DigestUpdate(md, name, strlen(name) + 1) == 1 &&
	     EVP_DigestUpdate(md, status, strlen(status)) == 1 &&
	     EVP_DigestFinal_ex(md, context->policy, NULL) == 1;
	return ok ? 0 : hf_err_ossl(err, HF_E_CRYPTO, "hashing the policy");
}

static int credential_apply(SSL_CTX *ssl, const struct hf_credential *credential,
			    struct hf_err *err)
{
	HF_AUTO(X509_stack) rest = sk_X509_new_null();

	if (!rest)
		return hf_err_nomem(err);
	for (size_t i = 1; i < credential->chain.len; i++) {
		X509 *x = credential->chain.items[i]->x509;

		if (X509_up_ref(x) != 1 || sk_X509_push(rest, x) <= 0)
			return hf_err_nomem(err);
	}
	if (SSL_CTX_use_cert_and_key(ssl, credential->chain.items[0]->x509, credential->key, rest,
				     1) == 1)
		return 0;
	hf_err_ossl(err, HF_E_CRYPTO, "the TLS library does not take the certificate of %s",
		    credential->chain.items[0]->subject);
	return hf_err_hint(err, "a key below 112 bits or a chain signed with SHA-1 is refused: "
				"make a new key (P-256) and reissue");
}

/* The alert for a rule's refusal in TLS 1.3.  libssl has no call that sends a chosen alert, but a
 * failing extension callback names one; NewSessionTicket is the first message after the client has
 * proved that it holds its key.  Never sends the extension: it adds nothing or fails. */
enum { DENY_EXTENSION = 0xff77 /* private use, RFC 8446 11 */ };

static int deny_by_extension(SSL *ssl, unsigned int type, unsigned int message,
			     const unsigned char **out, size_t *out_len, X509 *x,
			     size_t chain_index, int *alert, void *arg)
{
	const struct hf_tls_conn *conn = SSL_get_app_data(ssl);

	(void)type, (void)message, (void)out, (void)out_len, (void)x, (void)chain_index, (void)arg;
	if (!conn || conn->deny_alert == 0)
		return 0;
	*alert = conn->deny_alert;
	return -1;
}

static int client_cert_asked(SSL *ssl, void *arg)
{
	struct hf_tls_conn *conn = SSL_get_app_data(ssl);

	(void)arg;
	conn->cert_requested = true;
	return 1;
}

static int server_apply(struct hf_tls_context *context, const struct hf_tls_config *config,
			struct hf_err *err)
{
	static const int modes[] = {
		[HF_CLIENT_AUTH_REQUIRE] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
		[HF_CLIENT_AUTH_OPTIONAL] = SSL_VERIFY_PEER,
		[HF_CLIENT_AUTH_REPORT] = SSL_VERIFY_PEER,
		[HF_CLIENT_AUTH_NONE] = SSL_VERIFY_NONE,
	};

	if (!config->credential)
		return hf_err_set(err, HF_E_INVALID, "a server needs a certificate and its key");
	SSL_CTX_set_verify(context->ssl,
			   modes[config->silent ? HF_CLIENT_AUTH_REPORT : config->client_auth],
			   NULL);
	if (hf_tls_staple_apply(context, config, err) < 0)
		return -HF_E_CRYPTO;
	SSL_CTX_set_client_hello_cb(context->ssl, hf_tls_hello_seen, NULL);
	if (SSL_CTX_add_custom_ext(context->ssl, DENY_EXTENSION, SSL_EXT_TLS1_3_NEW_SESSION_TICKET,
				   deny_by_extension, NULL, NULL, NULL, NULL) != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "preparing the alert for rules");
	/* Always a session id context: without one each resumption with client verification dies
	 * with alert
	 * 80.  The policy makes it, so that a session never crosses from a listener to a stricter
	 * one. */
	if (SSL_CTX_set_session_id_context(context->ssl, context->policy,
					   sizeof(context->policy)) != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "setting the session id context");
	if (config->resume && hf_sessions_apply(context->ssl, context->session_seconds, err) < 0)
		return -HF_E_CRYPTO;
	return config->client_auth == HF_CLIENT_AUTH_NONE ? 0 : hf_tls_ca_names_apply(context, err);
}

static int client_apply(struct hf_tls_context *context)
{
	/* With `insecure` too: the judge is asked and overruled (hf_tls_verify_callback). */
	SSL_CTX_set_verify(context->ssl, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_cb(context->ssl, client_cert_asked, NULL);
	return 0;
}

static void keylog_line(const SSL *ssl, const char *line)
{
	const struct hf_tls_conn *conn = SSL_get_app_data(ssl);

	if (conn && conn->context->keylog)
		conn->context->keylog(conn->context->keylog_arg, line);
}

/* For looking at a peer that ours and its settings do not let us meet; nothing is sent over it. */
static int anything_apply(SSL_CTX *ssl, struct hf_err *err)
{
	SSL_CTX_set_security_level(ssl, 0);
	if (SSL_CTX_set_min_proto_version(ssl, TLS1_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(ssl, "ALL:eNULL") != 1 ||
	    SSL_CTX_set1_groups_list(ssl, "X25519:P-256:P-384:P-521:X448:ffdhe2048:ffdhe3072:"
					  "ffdhe4096:ffdhe6144:ffdhe8192") != 1 ||
	    SSL_CTX_set1_sigalgs_list(
		ssl, "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:ed448:RSA-PSS+SHA256:"
		     "RSA-PSS+SHA384:RSA-PSS+SHA512:rsa_pss_pss_sha256:RSA+SHA256:RSA+SHA384:"
		     "RSA+SHA512:RSA+SHA1:ECDSA+SHA1") != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "offering everything");
	SSL_CTX_set_options(ssl, SSL_OP_LEGACY_SERVER_CONNECT);
	return 0;
}

static int looks_apply(struct hf_tls_context *context, const struct hf_tls_config *config,
		       struct hf_err *err)
{
	SSL_CTX *ssl = context->ssl;

	if (config->keylog)
		SSL_CTX_set_keylog_callback(ssl, keylog_line);
	if (config->role != HF_TLS_CLIENT)
		return 0;
	if (config->ask_staple && SSL_CTX_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp) != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "asking for an OCSP response");
	if (config->tickets)
		SSL_CTX_clear_options(ssl, SSL_OP_NO_TICKET);
	if (config->post_handshake_auth)
		SSL_CTX_set_post_handshake_auth(ssl, 1);
	return config->anything ? anything_apply(ssl, err) : 0;
}

static int ssl_make(struct hf_tls_context *context, const struct hf_tls_config *config,
		    struct hf_err *err)
{
	int rc;

	context->ssl = SSL_CTX_new_ex(config->library, NULL,
				      config->role == HF_TLS_SERVER ? TLS_server_method()
								    : TLS_client_method());
	context->bio = hf_tls_bio_method_new();
	if (!context->ssl || !context->bio)
		return hf_err_ossl(err, HF_E_NOMEM, "making a TLS context");
	rc = hf_tls_parameters_apply(context, config, err);
	if (rc == 0)
		rc = looks_apply(context, config, err);
	if (rc == 0 && config->credential)
		rc = credential_apply(context->ssl, config->credential, err);
	if (rc < 0)
		return rc;
	SSL_CTX_set_cert_verify_callback(context->ssl, hf_tls_verify_callback, NULL);
	SSL_CTX_set_msg_callback(context->ssl, hf_tls_message_seen);
	return config->role == HF_TLS_SERVER ? server_apply(context, config, err)
					     : client_apply(context);
}

static void fields_copy(struct hf_tls_context *context, const struct hf_tls_config *config)
{
	context->refs = 1;
	context->role = config->role;
	context->library = config->library;
	context->client_auth = config->client_auth;
	context->profile = config->profile;
	context->compat_cn = config->compat_cn;
	context->silent = config->silent && config->role == HF_TLS_SERVER &&
			  hf_client_auth_refuses(config->client_auth);
	context->resume = config->resume;
	context->session_seconds = hf_sessions_lifetime(config->session_seconds);
	context->session_pool = config->session_pool;
	context->tag = config->tag;
	context->insecure = config->insecure && config->role == HF_TLS_CLIENT;
	context->resumption = config->resumption;
	context->now = config->now;
	context->now_arg = config->now_arg;
	context->keylog = config->keylog;
	context->keylog_arg = config->keylog_arg;
	context->trace = config->trace;
	context->trace_arg = config->trace_arg;
	context->trace_clock_us = config->trace_clock_us;
	if (config->role == HF_TLS_SERVER)
		context->status = config->status;
	context->rules = config->rules ? hf_rules_ref(config->rules) : NULL;
}

int hf_tls_context_new(const struct hf_tls_config *config, struct hf_tls_context **ret_context,
		       struct hf_err *err)
{
	HF_AUTO(hf_tls_context) context = NULL;
	int rc;

	if (!config->now)
		return hf_err_set(err, HF_E_INVALID, "a TLS context needs a clock");
	context = calloc(1, sizeof(*context));
	if (!context)
		return hf_err_nomem(err);
	ERR_clear_error();
	fields_copy(context, config);
	rc = strings_copy(context, config, err);
	if (rc == 0)
		rc = trust_take(context, config, err);
	if (rc == 0)
		rc = peers_take(context, config, err);
	if (rc == 0)
		rc = names_take(context, config, err);
	if (rc == 0)
		rc = policy_digest(context, err);
	context->status.policy = NULL; /* borrowed for the call only */
	if (rc == 0)
		rc = ssl_make(context, config, err);
	if (rc < 0)
		return rc;
	*ret_context = hf_take(context);
	return 0;
}

struct hf_tls_context *hf_tls_context_ref(struct hf_tls_context *context)
{
	context->refs++;
	return context;
}

void hf_tls_context_unref(struct hf_tls_context *context)
{
	if (!context || --context->refs > 0)
		return;
	SSL_CTX_free(context->ssl);
	BIO_meth_free(context->bio);
	hf_buf_done(&context->burst);
	hf_trust_unref(context->trust);
	hf_rules_unref(context->rules);
	hf_peers_unref(context->peers);
	hf_strv_done(&context->alpn_names);
	OPENSSL_free(context->alpn);
	OPENSSL_free(context->staple);
	hf_tls_names_free(context->names);
	free(context->server_name);
	free(context->verify_name);
	free(context->scope_name);
	free(context->listener);
	free(context);
}

struct hf_trust *hf_tls_context_trust(const struct hf_tls_context *context)
{
	return context->trust;
}

struct hf_peers *hf_tls_context_peers(const struct hf_tls_context *context)
{
	return context->peers;
}

struct hf_tls_context *hf_tls_context_for(struct hf_tls_context *context, const char *name,
					  size_t len)
{
	struct hf_tls_context *found = hf_tls_names_find(context->names, name, len);

	return found ? found : context;
}

size_t hf_tls_context_tag(const struct hf_tls_context *context)
{
	return context->tag;
}

enum hf_client_auth hf_tls_context_client_auth(const struct hf_tls_context *context)
{
	return context->client_auth;
}

int64_t hf_tls_context_now(const struct hf_tls_context *context)
{
	return context->now(context->now_arg);
}

void hf_tls_context_ca_names(const struct hf_tls_context *context, size_t *ret_count,
			     size_t *ret_bytes)
{
	*ret_count = context->ca_names;
	*ret_bytes = context->ca_names_bytes;
}
