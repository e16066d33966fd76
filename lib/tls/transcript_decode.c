/* SPDX-License-Identifier: Apache-2.0 */
/* Handshake messages taken apart (RFC 8446 4, RFC 5246 7.4): foreign bytes.  Must never read past a
 * length, and never believe a message that does not decode to its end. */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "tls/transcript_internal.h"

enum {
	EXT_SERVER_NAME = 0,
	EXT_STATUS_REQUEST = 5,
	EXT_GROUPS = 10,
	EXT_SIGALGS = 13,
	EXT_ALPN = 16,
	EXT_SESSION_TICKET = 35,
	EXT_PSK = 41,
	EXT_VERSIONS = 43,
	EXT_AUTHORITIES = 47,
	EXT_PHA = 49,
	EXT_KEY_SHARE = 51,
	TLS13 = 0x0304,
	NAMES_CAP = 4096, /* CA names kept */
	CERTS_CAP = 64,
	ALPN_CAP = 512,
};

/* The random of a HelloRetryRequest (RFC 8446 4.1.3): SHA-256 of "HelloRetryRequest". */
static const uint8_t retry_random[] = { 0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11,
					0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91 };

struct wire {
	const uint8_t *p;
	size_t len;
	bool bad;
};

static unsigned take_number(struct wire *w, size_t bytes)
{
	unsigned n = 0;

	if (w->bad || w->len < bytes) {
		w->bad = true;
		return 0;
	}
	for (size_t i = 0; i < bytes; i++)
		n = n << 8 | w->p[i];
	w->p += bytes;
	w->len -= bytes;
	return n;
}

/* A vector whose length stands in front in `bytes` bytes. */
static struct wire take_vector(struct wire *w, size_t bytes)
{
	size_t n = take_number(w, bytes);
	struct wire v = { NULL, 0, true };

	if (w->bad || n > w->len) {
		w->bad = true;
		return v;
	}
	v = (struct wire){ w->p, n, false };
	w->p += n;
	w->len -= n;
	return v;
}

static void skip(struct wire *w, size_t n)
{
	if (w->bad || w->len < n) {
		w->bad = true;
		return;
	}
	w->p += n;
	w->len -= n;
}

static bool is_grease(unsigned code)
{
	return (code & 0x0f0f) == 0x0a0a && code >> 8 == (code & 0xff); /* RFC 8701 */
}

static void read_codes(struct wire w, size_t bytes, struct hf_codes *codes)
{
	codes->len = codes->total = 0;
	while (!w.bad && w.len >= bytes) {
		unsigned code = take_number(&w, bytes);

		if (bytes == 2 && is_grease(code))
			continue;
		codes->total++;
		if (codes->len < HF_CODES_CAP)
			codes->items[codes->len++] = (uint16_t)code;
	}
}

static void keep_text(char **to, struct hf_buf *text)
{
	free(*to);
	*to = hf_buf_failed(text) ? NULL : hf_buf_steal(text);
}

static void read_server_name(struct wire w, char **to)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(4 * 256);
	struct wire list = take_vector(&w, 2), name;

	if (list.bad || take_number(&list, 1) != 0)
		return;
	name = take_vector(&list, 2);
	if (!name.bad && name.len > 0 && hf_str_escape(&text, (const char *)name.p, name.len) == 0)
		keep_text(to, &text);
}

static void read_alpn(struct wire w, char **to)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(ALPN_CAP);
	struct wire list = take_vector(&w, 2);

	while (!list.bad && list.len > 0) {
		struct wire name = take_vector(&list, 1);

		if (name.bad)
			break;
		if (text.len > 0)
			(void)hf_buf_puts(&text, ", ");
		(void)hf_str_escape(&text, (const char *)name.p, name.len);
	}
	if (text.len > 0)
		keep_text(to, &text);
}

static void offer_extension(struct hf_offer *o, unsigned type, struct wire body)
{
	switch (type) {
	case EXT_SERVER_NAME:
		read_server_name(body, &o->sni);
		break;
	case EXT_GROUPS:
		read_codes(take_vector(&body, 2), 2, &o->groups);
		break;
	case EXT_SIGALGS:
		read_codes(take_vector(&body, 2), 2, &o->sigalgs);
		break;
	case EXT_ALPN:
		read_alpn(body, &o->alpn);
		break;
	case EXT_VERSIONS:
		read_codes(take_vector(&body, 1), 2, &o->versions);
		break;
	case EXT_PHA:
		o->post_handshake_auth = true;
		break;
	case EXT_PSK:
		o->resumes = true;
		break;
	case EXT_SESSION_TICKET:
		o->resumes |= body.len > 0;
		break;
	default:
		break;
	}
}

static void say_versions(const struct hf_codes *v, struct hf_buf *detail)
{
	unsigned low = 0xffff, high = 0;
	char a[8], b[8];

	for (size_t i = 0; i < v->len; i++) {
		low = HF_MIN(low, (unsigned)v->items[i]);
		high = HF_MAX(high, (unsigned)v->items[i]);
	}
	if (v->len == 0)
		return;
	(void)hf_buf_puts(detail, hf_version_name(low, a));
	if (high != low)
		(void)hf_buf_printf(detail, "-%s", hf_version_name(high, b) + strlen("TLS "));
}

static void client_hello(struct hf_transcript *t, struct wire w, struct hf_buf *detail)
{
	struct hf_offer *o = &t->offer;
	unsigned legacy = take_number(&w, 2);
	struct wire extensions;

	skip(&w, 32);
	(void)take_vector(&w, 1);
	read_codes(take_vector(&w, 2), 2, &o->ciphers);
	(void)take_vector(&w, 1);
	if (w.bad) {
		(void)hf_buf_puts(detail, "does not decode");
		return;
	}
	o->seen = true;
	o->versions.len = 1;
	o->versions.items[0] = (uint16_t)legacy;
	extensions = take_vector(&w, 2);
	while (!extensions.bad && extensions.len > 0) {
		unsigned type = take_number(&extensions, 2);
		struct wire body = take_vector(&extensions, 2);

		if (!extensions.bad)
			offer_extension(o, type, body);
	}
	say_versions(&o->versions, detail);
	(void)hf_buf_printf(detail, ", %s%s", o->sni ? "name " : "no name", o->sni ? o->sni : "");
	if (o->alpn)
		(void)hf_buf_printf(detail, ", ALPN %s", o->alpn);
	if (o->resumes)
		(void)hf_buf_puts(detail, ", wants to resume");
}

static void choice_extension(struct hf_choice *c, unsigned type, struct wire body)
{
	if (type == EXT_VERSIONS)
		c->version = (uint16_t)take_number(&body, 2);
	else if (type == EXT_KEY_SHARE)
		c->group = (uint16_t)take_number(&body, 2);
	else if (type == EXT_ALPN)
		read_alpn(body, &c->alpn);
	else if (type == EXT_PSK)
		c->resumed_psk = true;
}

static void choice_extensions(struct hf_choice *c, struct wire *w)
{
	struct wire extensions = take_vector(w, 2);

	while (!extensions.bad && extensions.len > 0) {
		unsigned type = take_number(&extensions, 2);
		struct wire body = take_vector(&extensions, 2);

		if (!extensions.bad)
			choice_extension(c, type, body);
	}
}

static void server_hello(struct hf_transcript *t, struct wire w, struct hf_buf *detail)
{
	struct hf_choice *c = &t->choice;
	unsigned version = take_number(&w, 2);
	bool retry = w.len >= 32 && memcmp(w.p, retry_random, sizeof(retry_random)) == 0;
	char spare[8];

	skip(&w, 32);
	(void)take_vector(&w, 1);
	c->cipher = (uint16_t)take_number(&w, 2);
	skip(&w, 1);
	if (w.bad) {
		(void)hf_buf_puts(detail, "does not decode");
		return;
	}
	c->seen |= !retry;
	c->retried |= retry;
	c->version = (uint16_t)version;
	choice_extensions(c, &w);
	(void)hf_buf_puts(detail, hf_version_name(c->version, spare));
	if (c->group)
		(void)hf_buf_printf(detail, ", %s", hf_group_name(c->group, spare));
	if (retry)
		(void)hf_buf_puts(detail, ", asks for another key share");
	if (c->resumed_psk)
		(void)hf_buf_puts(detail, ", resumes");
}

static void encrypted_extensions(struct hf_transcript *t, struct wire w, struct hf_buf *detail)
{
	struct hf_choice inner = t->choice;

	inner.alpn = NULL;
	choice_extensions(&inner, &w);
	if (!inner.alpn)
		return;
	free(t->choice.alpn);
	t->choice.alpn = inner.alpn;
	(void)hf_buf_printf(detail, "ALPN %s", inner.alpn);
}

static void read_names(struct hf_demand *d, struct wire list)
{
	d->names_bytes = list.len;
	while (!list.bad && list.len > 0) {
		struct wire der = take_vector(&list, 2);
		const uint8_t *p = der.p;
		X509_NAME *name;

		if (der.bad || sk_X509_NAME_num(d->names) >= NAMES_CAP)
			break;
		name = d2i_X509_NAME(NULL, &p, (long)der.len);
		if (!name)
			continue;
		if (!d->names)
			d->names = sk_X509_NAME_new_null();
		if (!d->names || sk_X509_NAME_push(d->names, name) <= 0)
			X509_NAME_free(name);
	}
	ERR_clear_error();
}

static void demand_extensions(struct hf_demand *d, struct wire *w)
{
	struct wire extensions = take_vector(w, 2);

	while (!extensions.bad && extensions.len > 0) {
		unsigned type = take_number(&extensions, 2);
		struct wire body = take_vector(&extensions, 2);

		if (extensions.bad)
			return;
		if (type == EXT_SIGALGS)
			read_codes(take_vector(&body, 2), 2, &d->sigalgs);
		else if (type == EXT_AUTHORITIES)
			read_names(d, take_vector(&body, 2));
	}
}

static void say_demand(const struct hf_demand *d, struct hf_buf *detail)
{
	int n = sk_X509_NAME_num(d->names);

	if (n <= 0)
		(void)hf_buf_puts(detail, "no CA names");
	else
		(void)hf_buf_printf(detail, "%d CA name%s", n, n == 1 ? "" : "s");
	if (d->sigalgs.total > 0)
		(void)hf_buf_printf(detail, ", %zu schemes", d->sigalgs.total);
	if (d->post_handshake)
		(void)hf_buf_puts(detail, ", after the handshake");
}

static void certificate_request(struct hf_transcript *t, struct wire w, struct hf_buf *detail)
{
	struct hf_demand *d = &t->demand;
	size_t len = w.len;

	sk_X509_NAME_pop_free(d->names, X509_NAME_free);
	*d = (struct hf_demand){ .seen = true, .message_len = len + 4 };
	d->post_handshake = t->finished_received;
	if (t->choice.version == TLS13) {
		(void)take_vector(&w, 1);
		demand_extensions(d, &w);
	} else {
		read_codes(take_vector(&w, 1), 1, &d->types);
		read_codes(take_vector(&w, 2), 2, &d->sigalgs);
		read_names(d, take_vector(&w, 2));
	}
	say_demand(d, detail);
}

/* An OCSP response among the extensions of an entry (RFC 8446 4.4.2.1). */
static bool has_staple(struct wire extensions)
{
	while (!extensions.bad && extensions.len > 0) {
		unsigned type = take_number(&extensions, 2);
		struct wire body = take_vector(&extensions, 2);

		if (!extensions.bad && type == EXT_STATUS_REQUEST && body.len > 4)
			return true;
	}
	return false;
}

static void add_certificate(struct hf_sent_chain *chain, struct wire der)
{
	HF_AUTO(hf_cert) cert = NULL;

	if (chain->certs.len >= CERTS_CAP || der.bad)
		return;
	if (hf_cert_from_der(der.p, der.len, &cert, NULL) == 0)
		(void)hf_certs_add(&chain->certs, cert, NULL);
	ERR_clear_error();
}

/* A ladder has room for the common name; who wants the whole subject finds it beside. */
static void add_leaf_name(struct hf_buf *detail, const struct hf_cert *leaf, size_t more)
{
	if (leaf->common_name)
		(void)hf_buf_printf(detail, "CN=%s (+%zu)", leaf->common_name, more);
	else
		(void)hf_buf_printf(detail, "%s (+%zu)", leaf->subject, more);
}

static void certificate(struct hf_transcript *t, bool from_client, struct wire w,
			struct hf_buf *detail)
{
	struct hf_sent_chain *chain = from_client ? &t->client : &t->server;
	bool modern = t->choice.version == TLS13;
	struct wire list;
	size_t count = 0;

	hf_certs_done(&chain->certs);
	chain->certs = (struct hf_certs)HF_CERTS_INIT;
	chain->seen = true;
	chain->message_len = w.len + 4;
	if (modern)
		(void)take_vector(&w, 1);
	list = take_vector(&w, 3);
	while (!list.bad && list.len > 0) {
		add_certificate(chain, take_vector(&list, 3));
		if (modern && has_staple(take_vector(&list, 2)) && count == 0)
			chain->stapled = true;
		count++;
	}
	if (count == 0)
		(void)hf_buf_puts(detail, "(empty)");
	else if (chain->certs.len == 0)
		(void)hf_buf_puts(detail, "does not decode");
	else
		add_leaf_name(detail, chain->certs.items[0], count - 1);
}

static void finished(struct hf_transcript *t, bool sent)
{
	if (sent)
		t->finished_sent = true;
	else
		t->finished_received = true;
}

void hf_transcript_decode(struct hf_transcript *t, bool sent, int type, const uint8_t *body,
			  size_t len, struct hf_buf *detail)
{
	struct wire w = { body, len, false };
	/* Who sent the ClientHello is the client; before one was seen, its sender is. */
	bool we_are_client = hf_transcript_message_find(t, HF_HANDSHAKE_CLIENT_HELLO, true) != NULL;

	switch (type) {
	case HF_HANDSHAKE_CLIENT_HELLO:
		client_hello(t, w, detail);
		break;
	case HF_HANDSHAKE_SERVER_HELLO:
		server_hello(t, w, detail);
		break;
	case HF_HANDSHAKE_ENCRYPTED_EXTENSIONS:
		encrypted_extensions(t, w, detail);
		break;
	case HF_HANDSHAKE_CERTIFICATE_REQUEST:
		certificate_request(t, w, detail);
		break;
	case HF_HANDSHAKE_CERTIFICATE:
		certificate(t, sent == we_are_client, w, detail);
		break;
	case HF_HANDSHAKE_CERTIFICATE_STATUS:
		t->server.stapled = len > 4;
		break;
	case HF_HANDSHAKE_FINISHED:
		finished(t, sent);
		break;
	default:
		break;
	}
}
