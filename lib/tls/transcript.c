/* SPDX-License-Identifier: Apache-2.0 */
/* The recorder: events in their order.  Must never change the course of a handshake, and never grow
 * beyond its cap whatever a peer sends. */
#include "tls/transcript.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls/transcript_internal.h"
#include "verify/verdict.h"

enum { EVENTS_CAP = 512, DETAIL_CAP = 4096 };

void hf_transcript_init(struct hf_transcript *t, int64_t (*clock_us)(void))
{
	memset(t, 0, sizeof(*t));
	t->clock_us = clock_us;
	t->began_us = clock_us ? clock_us() : 0;
}

void hf_transcript_done(struct hf_transcript *t)
{
	for (size_t i = 0; i < t->len; i++)
		free(t->events[i].detail);
	free(t->events);
	free(t->offer.sni);
	free(t->offer.alpn);
	free(t->choice.alpn);
	sk_X509_NAME_pop_free(t->demand.names, X509_NAME_free);
	hf_certs_done(&t->client.certs);
	hf_certs_done(&t->server.certs);
	memset(t, 0, sizeof(*t));
}

static bool grow(struct hf_transcript *t)
{
	size_t alloc = t->alloc ? t->alloc * 2 : 32;
	struct hf_event *more;

	if (t->len < t->alloc)
		return true;
	if (t->len >= EVENTS_CAP)
		return false;
	more = realloc(t->events, alloc * sizeof(*more));
	if (!more)
		return false;
	t->events = more;
	t->alloc = alloc;
	return true;
}

/* Takes detail over. */
static void add(struct hf_transcript *t, struct hf_event event, char *detail)
{
	event.at_us = t->clock_us ? t->clock_us() - t->began_us : 0;
	event.detail = detail ? detail : hf_str_dup("");
	if (!event.detail || !grow(t)) {
		free(event.detail);
		t->left_out++;
		return;
	}
	t->events[t->len++] = event;
	if (t->tell)
		t->tell(t->tell_arg, &t->events[t->len - 1]);
}

void hf_transcript_message(struct hf_transcript *t, bool sent, const uint8_t *message, size_t len)
{
	HF_AUTO_DONE(hf_buf) detail = HF_BUF_INIT(DETAIL_CAP);
	struct hf_event event = { .kind = HF_EVENT_MESSAGE, .sent = sent, .len = len };

	if (len < 4)
		return;
	event.type = message[0];
	hf_transcript_decode(t, sent, message[0], message + 4, len - 4, &detail);
	add(t, event, hf_buf_failed(&detail) ? NULL : hf_buf_steal(&detail));
}

void hf_transcript_alert(struct hf_transcript *t, bool sent, int number)
{
	struct hf_event event = { .kind = HF_EVENT_ALERT, .sent = sent, .len = 2 };

	event.type = (uint8_t)number;
	add(t, event, NULL);
}

void hf_transcript_known(struct hf_transcript *t, enum hf_handshake_type type, bool sent,
			 const char *detail)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(DETAIL_CAP);
	struct hf_event event = { .kind = HF_EVENT_MESSAGE, .sent = sent, .type = (uint8_t)type };

	if (detail)
		(void)hf_str_escape(&text, detail, strnlen(detail, DETAIL_CAP / 4));
	add(t, event, hf_buf_steal(&text));
}

void hf_transcript_note(struct hf_transcript *t, enum hf_event_kind kind, bool sent, size_t len,
			const char *detail)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(DETAIL_CAP);
	struct hf_event event = { .kind = kind, .sent = sent, .len = len };

	if (kind == HF_EVENT_DATA) {
		bool *seen = sent ? &t->data_sent : &t->data_received;

		if (*seen)
			return;
		*seen = true;
	}
	if (kind >= HF_EVENT_EOF && hf_transcript_find(t, kind, sent))
		return;
	if (detail)
		(void)hf_str_escape(&text, detail, strnlen(detail, DETAIL_CAP / 8));
	add(t, event, text.len ? hf_buf_steal(&text) : NULL);
}

static bool is_tls_record(const uint8_t *first, size_t len)
{
	return first[0] >= 20 && first[0] <= 24 && (len < 2 || first[1] == 3);
}

void hf_transcript_first(struct hf_transcript *t, const void *data, size_t len)
{
	size_t room = HF_FIRST_BYTES_CAP - t->first_len;
	bool fresh = t->first_len == 0;
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(HF_FIRST_BYTES_CAP * 8);

	if (len == 0 || room == 0)
		return;
	memcpy(t->first + t->first_len, data, HF_MIN(room, len));
	t->first_len += HF_MIN(room, len);
	if (!fresh || is_tls_record(t->first, t->first_len))
		return;
	(void)hf_buf_append(&text, t->first, HF_MIN(t->first_len, (size_t)40));
	hf_transcript_note(t, HF_EVENT_TEXT, false, len, hf_buf_str(&text));
}

const struct hf_event *hf_transcript_find(const struct hf_transcript *t, enum hf_event_kind kind,
					  bool sent)
{
	for (size_t i = t->len; i-- > 0;) {
		if (t->events[i].kind == kind && t->events[i].sent == sent)
			return &t->events[i];
	}
	return NULL;
}

int hf_transcript_failure(const struct hf_transcript *t, bool sent)
{
	const struct hf_event *alert = hf_transcript_find(t, HF_EVENT_ALERT, sent);

	return alert && alert->type != 0 ? alert->type : -1;
}

bool hf_transcript_chose(const struct hf_transcript *t, const char *protocol)
{
	return t->choice.alpn && strcmp(t->choice.alpn, protocol) == 0;
}

const struct hf_event *hf_transcript_message_find(const struct hf_transcript *t, int type,
						  bool sent)
{
	for (size_t i = 0; i < t->len; i++) {
		const struct hf_event *e = &t->events[i];

		if (e->kind == HF_EVENT_MESSAGE && e->sent == sent && e->type == type)
			return e;
	}
	return NULL;
}

bool hf_codes_have(const struct hf_codes *codes, unsigned code)
{
	for (size_t i = 0; i < codes->len; i++) {
		if (codes->items[i] == code)
			return true;
	}
	return false;
}
