/* SPDX-License-Identifier: Apache-2.0 */
/* Handshakes that wait for somebody's word about the peer's certificate.  Must never finish one
 * before the word is there, nor let in on a word that refuses.
 *
 * libssl has no way to suspend a server in its verify callback (SSL_set_retry_verify(3) is for
 * clients), so the callback says yes for the time being and the driver holds the handshake:
 * - TLS 1.2 before our Finished: the peer's ChangeCipherSpec is a record of its own (RFC 5246 7.1),
 *   and bio.c does not read it while we wait.  A refusal is then an alert in the clear.
 * - TLS 1.3 after the peer's Finished, when it has proved to hold its key; nothing is written or
 *   read until the answer is there.  A refusal goes out in place of a session ticket, as that of a
 *   rule does (deny_by_extension in context.c). */
#include "tls/status.h"

#include <string.h>

#include <openssl/err.h>

#include "base/err.h"
#include "tls/internal.h"

static bool is_13(const struct hf_tls_conn *conn)
{
	return SSL_version(conn->ssl) == TLS1_3_VERSION;
}

int hf_tls_status_judge(const struct hf_tls_context *context, struct hf_verdict *verdict,
			struct hf_status *ret_status, struct hf_err *err)
{
	const struct hf_tls_status *source = &context->status;

	if (!source->look || !verdict->accepted || verdict->chain.len == 0)
		return 0;
	source->look(source->arg, verdict, ret_status);
	if (ret_status->kind == HF_STATUS_PENDING)
		return 1;
	return hf_status_apply(ret_status, source->hard, verdict, err);
}

void hf_tls_status_await(struct hf_tls_conn *conn, const uint8_t key[HF_SHA256_LEN])
{
	conn->awaits = true;
	memcpy(conn->awaited, key, HF_SHA256_LEN);
	/* A ticket now would be for a peer that nobody has let in yet. */
	if (conn->context->resume && is_13(conn))
		(void)SSL_set_num_tickets(conn->ssl, 0);
}

bool hf_tls_status_stalls(const struct hf_tls_conn *conn)
{
	return conn->awaits && !is_13(conn);
}

const uint8_t *hf_tls_conn_awaited(const struct hf_tls_conn *conn)
{
	return conn->awaits && conn->held ? conn->awaited : NULL;
}

bool hf_tls_status_hold(struct hf_tls_conn *conn, int rc)
{
	if (!conn->awaits)
		return false;
	if (rc != 1 && !(conn->stalled && SSL_get_error(conn->ssl, rc) == SSL_ERROR_WANT_READ))
		return false;
	ERR_clear_error();
	conn->held = true;
	return true;
}

/* RFC 5246 7.2: before ChangeCipherSpec our alerts are in the clear. */
static void alert_in_clear(struct hf_tls_conn *conn, int alert)
{
	const unsigned char record[] = { 21, 3, 3, 0, 2, 2, (unsigned char)alert };

	if (BIO_write(SSL_get_wbio(conn->ssl), record, sizeof(record)) != (int)sizeof(record))
		return; /* the peer is gone, or does not read */
	conn->alert_sent = (int16_t)alert;
	if (conn->transcript)
		hf_transcript_alert(conn->transcript, true, alert);
}

static void refuse(struct hf_tls_conn *conn, int alert)
{
	ERR_clear_error();
	if (!is_13(conn)) {
		alert_in_clear(conn, alert);
	} else {
		conn->deny_alert = (uint8_t)alert;
		if (SSL_new_session_ticket(conn->ssl) == 1)
			(void)SSL_do_handshake(conn->ssl);
	}
	ERR_clear_error();
	ERR_raise(ERR_LIB_SSL, SSL_R_CERTIFICATE_VERIFY_FAILED);
}

enum hf_tls_step hf_tls_status_settle(struct hf_tls_conn *conn)
{
	struct hf_tls_context *context = conn->context;
	int rc = hf_tls_judge_peer(context, conn->peer, conn, &conn->judge_err);

	if (rc == 1)
		return HF_TLS_WANT_STATUS;
	conn->awaits = conn->stalled = conn->held = false;
	if (rc < 0 || (!conn->peer->verdict.accepted && !hf_tls_goes_on_anyway(context))) {
		refuse(conn, rc < 0 ? SSL_AD_INTERNAL_ERROR : conn->peer->verdict.alert);
		return HF_TLS_FAILED;
	}
	if (context->resume && is_13(conn))
		(void)SSL_new_session_ticket(conn->ssl); /* the next call sends it */
	return HF_TLS_DONE;
}
