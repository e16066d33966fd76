/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a connection: taken from the messages as they pass and from libssl when asked.
 * Must never change the course of a handshake. */
#include <stdio.h>
#include <string.h>

#include <openssl/objects.h>

#include "base/buf.h"
#include "base/str.h"
#include "pki/san.h"
#include "tls/internal.h"

enum {
	CONTENT_ALERT = 21,
	CONTENT_HANDSHAKE = 22,
	MESSAGE_CERTIFICATE = 11,
	MESSAGE_CERTIFICATE_REQUEST = 13,
	HANDSHAKE_HEADER_LEN = 4,
};

/* RFC 8446 4.4.2: a context of up to 255 bytes stands before the list; RFC 5246 7.4.6: only the
 * list. */
static bool has_certificates(const SSL *ssl, const uint8_t *body, size_t len)
{
	size_t at = 0;

	if (SSL_version(ssl) == TLS1_3_VERSION && len > 0)
		at = 1 + (size_t)body[0];
	return len >= at + 3 && (body[at] | body[at + 1] | body[at + 2]) != 0;
}

static void alert_seen(struct hf_tls_conn *conn, bool sent, int alert)
{
	if (conn->transcript)
		hf_transcript_alert(conn->transcript, sent,
				    sent && conn->deny_alert ? conn->deny_alert : alert);
	if (alert == HF_ALERT_CLOSE_NOTIFY) {
		conn->close_notify_received |= !sent;
		return;
	}
	if (!sent)
		conn->alert_received = (int16_t)alert;
	else if (conn->deny_alert && SSL_version(conn->ssl) == TLS1_2_VERSION)
		conn->alert_sent = conn->deny_alert; /* put right in bio.c */
	else
		conn->alert_sent = (int16_t)alert;
}

void hf_tls_message_seen(int sent, int version, int content_type, const void *data, size_t len,
			 SSL *ssl, void *arg)
{
	struct hf_tls_conn *conn = SSL_get_app_data(ssl);
	const uint8_t *bytes = data;

	(void)version, (void)arg;
	if (!conn)
		return;
	if (content_type == CONTENT_ALERT && len == 2)
		alert_seen(conn, sent != 0, bytes[1]);
	if (content_type != CONTENT_HANDSHAKE || len < HANDSHAKE_HEADER_LEN)
		return;
	if (conn->transcript)
		hf_transcript_message(conn->transcript, sent != 0, bytes, len);
	if (sent && bytes[0] == MESSAGE_CERTIFICATE && conn->context->role == HF_TLS_CLIENT)
		conn->cert_sent =
		    has_certificates(ssl, bytes + HANDSHAKE_HEADER_LEN, len - HANDSHAKE_HEADER_LEN);
	if (!sent && bytes[0] == MESSAGE_CERTIFICATE_REQUEST)
		conn->cert_requested = true;
}

/* Clients: what we sent, kept once, because libssl may drop it with the handshake.  Servers read it
 * themselves (hello.c). */
void hf_tls_sni_keep(struct hf_tls_conn *conn)
{
	const char *name = SSL_get_servername(conn->ssl, TLSEXT_NAMETYPE_host_name);
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(4 * 256);

	if (conn->sni || !name || conn->context->role == HF_TLS_SERVER)
		return;
	if (hf_str_escape(&text, name, strlen(name)) == 0)
		conn->sni = hf_buf_steal(&text);
}

/* The name as the config gave it: NUL-terminated, which libssl's is not. */
static const char *alpn_of(const struct hf_tls_conn *conn)
{
	const struct hf_strv *names = &conn->context->alpn_names;
	const unsigned char *chosen = NULL;
	unsigned int len = 0;

	SSL_get0_alpn_selected(conn->ssl, &chosen, &len);
	for (size_t i = 0; len > 0 && i < names->len; i++) {
		if (strlen(names->items[i]) == len && memcmp(names->items[i], chosen, len) == 0)
			return names->items[i];
	}
	return NULL;
}

static void sigalg_of(SSL *ssl, char *out, size_t cap)
{
	int digest = NID_undef, type = NID_undef;

	if (SSL_get_peer_signature_type_nid(ssl, &type) != 1 || type == NID_undef)
		return;
	if (SSL_get_peer_signature_nid(ssl, &digest) == 1 && digest != NID_undef)
		snprintf(out, cap, "%s-%s", OBJ_nid2sn(type), OBJ_nid2sn(digest));
	else
		snprintf(out, cap, "%s", OBJ_nid2sn(type));
}

static void negotiated(SSL *ssl, struct hf_tls_info *info)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
	int group;

	if (!cipher)
		return;
	info->version = (enum hf_tls_version)SSL_version(ssl);
	info->cipher = SSL_CIPHER_standard_name(cipher);
	group = (int)SSL_get_negotiated_group(ssl);
	if (group != NID_undef)
		info->group = SSL_group_to_name(ssl, group);
	sigalg_of(ssl, info->peer_sigalg, sizeof(info->peer_sigalg));
}

static size_t ca_names_received(const SSL *ssl)
{
	const STACK_OF(X509_NAME) *names = SSL_get0_peer_CA_list(ssl);

	return names ? (size_t)sk_X509_NAME_num(names) : 0;
}

void hf_tls_conn_info(const struct hf_tls_conn *conn, struct hf_tls_info *ret_info)
{
	const struct hf_tls_context *context = conn->context;

	*ret_info = (struct hf_tls_info){
		.alpn = alpn_of(conn),
		.sni = conn->sni,
		.handshake_done = conn->handshake_done,
		.resumed = SSL_session_reused(conn->ssl) == 1,
		.cert_requested = conn->cert_requested,
		.cert_sent = conn->cert_sent,
		.truncated = conn->truncated,
		.ca_names = context->role == HF_TLS_CLIENT ? ca_names_received(conn->ssl)
							   : context->ca_names,
		.alert_sent = conn->alert_sent,
		.alert_received = conn->alert_received,
		.bytes_in = conn->bytes_in,
		.bytes_out = conn->bytes_out,
	};
	negotiated(conn->ssl, ret_info);
}
