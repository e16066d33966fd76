/* SPDX-License-Identifier: Apache-2.0 */
/* The driver of one connection: libssl's calls turned into steps.  Must never wait, and never
 * report a handshake as done whose peer was not let in. */
#include "tls/conn.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/err.h>

#include "base/err.h"
#include "pki/san.h"
#include "tls/internal.h"

static int name_send(struct hf_tls_conn *conn, struct hf_err *err)
{
	const char *name = conn->context->server_name;

	/* RFC 6066 3: literal addresses are not permitted. */
	if (!name || hf_is_ip(name))
		return 0;
	if (SSL_set_tlsext_host_name(conn->ssl, name) != 1)
		return hf_err_ossl(err, HF_E_INVALID, "server name '%s'", name);
	return 0;
}

static int ssl_start(struct hf_tls_conn *conn, struct hf_err *err)
{
	BIO *bio;

	ERR_clear_error();
	conn->ssl = SSL_new(conn->context->ssl);
	bio = hf_tls_bio_new(conn->context->bio, conn);
	if (!conn->ssl || !bio) {
		BIO_free(bio);
		return hf_err_ossl(err, HF_E_NOMEM, "making a TLS connection");
	}
	SSL_set_bio(conn->ssl, bio, bio);
	if (SSL_set_app_data(conn->ssl, conn) != 1)
		return hf_err_ossl(err, HF_E_NOMEM, "making a TLS connection");
	if (conn->context->role == HF_TLS_SERVER) {
		SSL_set_accept_state(conn->ssl);
		return 0;
	}
	SSL_set_connect_state(conn->ssl);
	if (hf_tls_resume(conn->ssl, conn->context->resumption, err) < 0)
		return -HF_E_CRYPTO;
	return name_send(conn, err);
}

static void trace_event(void *arg, const struct hf_event *event)
{
	const struct hf_tls_conn *conn = arg;

	conn->context->trace(conn->context->trace_arg, conn, event);
}

static int trace_start(struct hf_tls_conn *conn, struct hf_err *err)
{
	if (!conn->context->trace)
		return 0;
	conn->traced = malloc(sizeof(*conn->traced));
	if (!conn->traced)
		return hf_err_nomem(err);
	hf_transcript_init(conn->traced, conn->context->trace_clock_us);
	conn->traced->tell = trace_event;
	conn->traced->tell_arg = conn;
	conn->transcript = conn->traced;
	return 0;
}

static void trace_end(struct hf_tls_conn *conn)
{
	if (conn->traced)
		hf_transcript_done(conn->traced);
	free(conn->traced);
}

int hf_tls_conn_new(struct hf_tls_context *context, int fd, void *owner,
		    struct hf_tls_conn **ret_conn, struct hf_err *err)
{
	HF_AUTO(hf_tls_conn) conn = calloc(1, sizeof(*conn));
	int rc;

	if (!conn)
		return hf_err_nomem(err);
	conn->front = hf_tls_context_ref(context);
	conn->context = context;
	conn->fd = fd;
	conn->owner = owner;
	conn->alert_sent = -1;
	conn->alert_received = -1;
	rc = trace_start(conn, err);
	if (rc == 0)
		rc = ssl_start(conn, err);
	if (rc < 0)
		return rc;
	*ret_conn = hf_take(conn);
	return 0;
}

void hf_tls_conn_free(struct hf_tls_conn *conn)
{
	if (!conn)
		return;
	hf_peer_detach(conn);
	if (conn->ssl && conn->handshake_done &&
	    !conn->failure) /* or the session would be thrown away */
		SSL_set_shutdown(conn->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(conn->ssl);
	trace_end(conn);
	hf_tls_context_unref(conn->front);
	hf_buf_done(&conn->late);
	free(conn->sni);
	free(conn->failure);
	free(conn);
}

void *hf_tls_conn_owner(const struct hf_tls_conn *conn)
{
	return conn->owner;
}

size_t hf_tls_conn_tag(const struct hf_tls_conn *conn)
{
	return conn->context->tag;
}

const char *hf_tls_conn_scope(const struct hf_tls_conn *conn)
{
	return conn->context->scope_name;
}

void hf_tls_conn_record(struct hf_tls_conn *conn, struct hf_transcript *transcript)
{
	conn->transcript = transcript;
}

static void note_data(struct hf_tls_conn *conn, bool sent, size_t len)
{
	if (conn->transcript)
		hf_transcript_note(conn->transcript, HF_EVENT_DATA, sent, len, NULL);
}

static enum hf_tls_step fail(struct hf_tls_conn *conn, int ssl_error)
{
	hf_tls_sni_keep(conn);
	hf_tls_session_settle(conn);
	hf_tls_failure_set(conn, ssl_error);
	return HF_TLS_FAILED;
}

/* What an unsuccessful call of libssl means. */
static enum hf_tls_step step_of(struct hf_tls_conn *conn, int rc)
{
	int error = SSL_get_error(conn->ssl, rc);

	switch (error) {
	case SSL_ERROR_WANT_READ:
		return HF_TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return HF_TLS_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		if (!conn->handshake_done)
			return fail(conn, error);
		conn->truncated = !conn->close_notify_received;
		return HF_TLS_CLOSED;
	default:
		return fail(conn, error);
	}
}

/* Belt and braces: whatever libssl thinks, a server that refuses goes on only with a verdict that
 * accepts, or where nobody may come in with one of nobody. */
static bool may_go_on(const struct hf_tls_conn *conn)
{
	const struct hf_tls_context *context = conn->context;
	bool judged = conn->peer && conn->deny_alert == 0;

	if (context->role == HF_TLS_CLIENT)
		return context->insecure || (judged && conn->peer->verdict.accepted);
	return context->silent || !hf_client_auth_refuses(context->client_auth) ||
	       (judged && hf_client_auth_lets_in(context->client_auth, &conn->peer->verdict));
}

static enum hf_tls_step handshake_finish(struct hf_tls_conn *conn)
{
	bool asked = conn->context->role == HF_TLS_CLIENT ||
		     conn->context->client_auth != HF_CLIENT_AUTH_NONE;

	hf_tls_sni_keep(conn);
	hf_tls_session_settle(conn);
	/* libssl's verify result is "OK" when nothing was sent: nobody is judged as nobody. */
	if (asked && !conn->peer && hf_tls_judge_nobody(conn, &conn->judge_err) < 0)
		return fail(conn, SSL_ERROR_SSL);
	if (!may_go_on(conn)) {
		ERR_raise(ERR_LIB_SSL, SSL_R_CERTIFICATE_VERIFY_FAILED);
		return fail(conn, SSL_ERROR_SSL);
	}
	conn->handshake_done = true;
	/* One call for a record, not one for its header and one for its body.  Not for clients:
	 * what a server sends last would no longer be seen on the socket (hf_conn_quiet). */
	if (conn->context->role == HF_TLS_SERVER)
		SSL_set_read_ahead(conn->ssl, 1);
	return HF_TLS_DONE;
}

enum hf_tls_step hf_tls_conn_handshake(struct hf_tls_conn *conn)
{
	int rc;

	if (conn->failure)
		return HF_TLS_FAILED;
	if (conn->handshake_done)
		return HF_TLS_DONE;
	if (conn->held) {
		enum hf_tls_step step = hf_tls_status_settle(conn);

		if (step != HF_TLS_DONE)
			return step == HF_TLS_FAILED ? fail(conn, SSL_ERROR_SSL) : step;
	}
	ERR_clear_error();
	rc = SSL_do_handshake(conn->ssl);
	if (hf_tls_status_hold(conn, rc))
		return HF_TLS_WANT_STATUS;
	return rc == 1 ? handshake_finish(conn) : step_of(conn, rc);
}

enum hf_tls_step hf_tls_conn_read(struct hf_tls_conn *conn, void *data, size_t cap, size_t *ret_len)
{
	int rc;

	if (conn->failure && !conn->write_broken)
		return HF_TLS_FAILED;
	if (!conn->handshake_done) {
		enum hf_tls_step step = hf_tls_conn_handshake(conn);

		if (step != HF_TLS_DONE)
			return step;
	}
	ERR_clear_error();
	rc = SSL_read_ex(conn->ssl, data, cap, ret_len);
	conn->dry = rc != 1;
	if (rc != 1)
		return step_of(conn, rc);
	note_data(conn, false, *ret_len);
	return HF_TLS_DONE;
}

enum hf_tls_step hf_tls_conn_write(struct hf_tls_conn *conn, const void *data, size_t len,
				   size_t *ret_len)
{
	enum hf_tls_step step;
	int rc;

	if (conn->failure)
		return HF_TLS_FAILED;
	if (!conn->handshake_done) {
		step = hf_tls_conn_handshake(conn);
		if (step != HF_TLS_DONE)
			return step;
	}
	ERR_clear_error();
	rc = SSL_write_ex(conn->ssl, data, len, ret_len);
	if (rc == 1) {
		note_data(conn, true, *ret_len);
		return HF_TLS_DONE;
	}
	step = step_of(conn, rc);
	/* The peer may have said why before it went: what has arrived can still be read. */
	conn->write_broken = step == HF_TLS_FAILED && conn->io_errno != 0;
	return step;
}

/* The peer may have said why before it went: what has arrived can still be read. */
enum hf_tls_step hf_tls_conn_broke(struct hf_tls_conn *conn, int errnum)
{
	conn->io_errno = errnum;
	conn->write_broken = true;
	return fail(conn, SSL_ERROR_SYSCALL);
}

enum hf_tls_step hf_tls_conn_shutdown(struct hf_tls_conn *conn)
{
	int rc, error;

	if (conn->failure || !conn->handshake_done)
		return HF_TLS_DONE;
	ERR_clear_error();
	rc = SSL_shutdown(conn->ssl);
	if (rc >= 0)
		return HF_TLS_DONE;
	error = SSL_get_error(conn->ssl, rc);
	ERR_clear_error();
	return error == SSL_ERROR_WANT_WRITE ? HF_TLS_WANT_WRITE : HF_TLS_DONE;
}

bool hf_tls_conn_pending(const struct hf_tls_conn *conn)
{
	/* For libssl a part of a record is pending as well. */
	return !conn->dry && SSL_has_pending(conn->ssl) == 1;
}

const struct hf_verdict *hf_tls_conn_verdict(const struct hf_tls_conn *conn)
{
	return conn->peer ? &conn->peer->verdict : NULL;
}

const struct hf_certs *hf_tls_conn_peer_chain(const struct hf_tls_conn *conn)
{
	static const struct hf_certs none = HF_CERTS_INIT;

	return conn->peer ? &conn->peer->sent : &none;
}

const struct hf_tls_failure *hf_tls_conn_failure(const struct hf_tls_conn *conn)
{
	return conn->failure;
}
