/* SPDX-License-Identifier: Apache-2.0 */
/* What one refusal record tells: files then and now, sentences, the rungs of its handshake.  Must
 * never tell more of the handshake than the record proves. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/explain_reading.h"

/* --- in words ---------------------------------------------------------------------------- */

static const json_t *files_of(const json_t *record)
{
	return json_object_get(json_object_get(record, "trust"), "files");
}

static const json_t *file_of(const json_t *record, const char *role)
{
	const json_t *files = files_of(record);

	for (size_t i = 0; i < json_array_size(files); i++) {
		if (strcmp(explain_text_of(json_array_get(files, i), "role"), role) == 0)
			return json_array_get(files, i);
	}
	return NULL;
}

/* A file that has changed since the gateway read it. */
static bool changed_on_disk(const json_t *file)
{
	const char *then = explain_text_of(file, "sha256"), *now = explain_text_of(file, "on_disk");

	/* a worker that may not read it says that it is another one now, not which */
	if (!now[0] && json_is_true(json_object_get(file, "changed")))
		return true;
	return then[0] && now[0] && strcmp(then, now) != 0;
}

void explain_compare_files(struct explain_reading *r)
{
	const json_t *files = files_of(r->record);
	bool own = r->g.refused_by == HF_SIDE_CLIENT && r->g.cause == HF_REASON_V_EXPIRED;

	for (size_t i = 0; i < json_array_size(files); i++) {
		const json_t *file = json_array_get(files, i);
		char line[EXPLAIN_TEXT_CAP], safe[EXPLAIN_TEXT_CAP];

		if (!changed_on_disk(file))
			continue;
		(void)snprintf(line, sizeof(line),
			       "%s holds something else on disk than what was loaded: not reloaded",
			       explain_text_of(file, "path"));
		explain_text_copy(safe, sizeof(safe), line);
		(void)hf_strv_add(&r->g.evidence, safe);
		if (own && strcmp(explain_text_of(file, "role"), "certificate") == 0)
			explain_settle(&r->g, HF_REASON_R_STALE_PROCESS, HF_LIKELY);
	}
}

/* What the words quote of the record, escaped: they print it as it is. */
struct quoted {
	char have[EXPLAIN_TEXT_CAP], sni[EXPLAIN_TEXT_CAP], top[EXPLAIN_TEXT_CAP],
	    holder[EXPLAIN_TEXT_CAP], trust[EXPLAIN_TEXT_CAP], lists[EXPLAIN_TEXT_CAP];
};

static void quote_file(const json_t *record, const char *role, char to[EXPLAIN_TEXT_CAP])
{
	explain_text_copy(to, EXPLAIN_TEXT_CAP, explain_text_of(file_of(record, role), "path"));
}

static void quote(const struct explain_reading *r, struct quoted *q)
{
	const json_t *received = json_object_get(r->record, "certificates_received");
	const json_t *top = json_array_get(received, json_array_size(received) - 1);
	const char *id = hf_reason_info(r->g.cause)->id;

	explain_text_copy(q->have, sizeof(q->have),
			  explain_text_of(explain_error_with(r->record, id), "have"));
	explain_text_copy(q->sni, sizeof(q->sni), explain_text_of(r->record, "sni"));
	explain_text_copy(q->top, sizeof(q->top), explain_text_of(top, "issuer"));
	quote_file(r->record, "certificate", q->holder);
	quote_file(r->record, "ca", q->trust);
	quote_file(r->record, "crl", q->lists);
}

/* Without a server name it was the address where we listen, when that is one. */
static const char *name_asked_for(const struct explain_reading *r, const char *sni,
				  char host[EXPLAIN_LISTENER_CAP])
{
	const char *at = strstr(r->g.listener, "://");
	const char *end = at ? strrchr(at, ':') : NULL;

	if (sni[0] || !at || end <= at + 2)
		return sni;
	(void)snprintf(host, EXPLAIN_LISTENER_CAP, "%.*s", (int)(end - at - 3), at + 3);
	return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "[::]") == 0 ? NULL : host;
}

void explain_tell_in_words(const struct explain_own *own, struct explain_reading *r)
{
	bool by_us = r->g.refused_by == HF_SIDE_SERVER;
	char host[EXPLAIN_LISTENER_CAP];
	struct quoted q;
	HF_AUTO_DONE(hf_buf) names = HF_BUF_INIT(2048);

	quote(r, &q);
	struct hf_words_about about = {
		.judge = r->g.refused_by,
		.subject = r->g.subject,
		.issuer = r->g.issuer,
		.serial = r->g.serial,
		.until = r->g.not_after,
		.begins = r->g.not_before,
		.critical = q.have,
		.name = name_asked_for(r, q.sni, host),
		.target = r->g.listener,
		.holder_file = by_us ? NULL : q.holder,
		.trust_file = by_us ? q.trust : NULL,
		.lists_file = by_us ? q.lists : NULL,
		.top = q.top,
	};

	if (!by_us && own->chain->len)
		(void)hf_sans_format(&own->chain->items[0]->sans, &names);
	about.names = names.len ? hf_buf_str(&names) : q.have;
	r->g.why = hf_words_why(r->g.cause, &about);
	r->g.fix_words = hf_words_fix(r->g.cause, &about);
}

/* --- the ladder -------------------------------------------------------------------------- */

static void climb(struct explain_reading *r, enum hf_handshake_type type, bool by_client,
		  const char *fmt, ...) HF_PRINTF(4, 5);
static void climb(struct explain_reading *r, enum hf_handshake_type type, bool by_client,
		  const char *fmt, ...)
{
	char text[EXPLAIN_TEXT_CAP];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	hf_transcript_known(&r->g.ladder, type, by_client, text);
}

static void climb_to_certificate(struct explain_reading *r)
{
	const json_t *received = json_object_get(r->record, "certificates_received");
	const json_t *names = json_object_get(r->record, "ca_names");
	size_t n = json_array_size(received);
	const char *first = explain_text_of(json_array_get(received, 0), "subject");

	climb(r, HF_HANDSHAKE_CERTIFICATE_REQUEST, false, "%lld CA names, %zu schemes",
	      (long long)json_integer_value(json_object_get(names, "count")),
	      json_array_size(json_object_get(r->record, "schemes")));
	if (n == 0)
		climb(r, HF_HANDSHAKE_CERTIFICATE, true, "(empty)");
	else
		climb(r, HF_HANDSHAKE_CERTIFICATE, true, "%s (+%zu)", first, n - 1);
}

/* What the record proves of the handshake, in its order. */
void explain_build_ladder(struct explain_reading *r)
{
	const json_t *received = json_object_get(r->record, "certificates_received");
	const char *version = explain_text_of(r->record, "version"),
		   *sni = explain_text_of(r->record, "sni");
	bool by_client = r->g.refused_by == HF_SIDE_CLIENT;
	bool judged = json_array_size(received) > 0 || r->g.cause == HF_REASON_N_NONE;

	hf_transcript_init(&r->g.ladder, NULL);
	climb(r, HF_HANDSHAKE_CLIENT_HELLO, true, "%s%s", sni[0] ? "name " : "no name", sni);
	if (judged || by_client)
		climb(r, HF_HANDSHAKE_SERVER_HELLO, false, "%s", version);
	if (by_client)
		climb(r, HF_HANDSHAKE_CERTIFICATE, false, "%s", r->g.subject);
	if (judged)
		climb_to_certificate(r);
	if (r->g.alert >= 0)
		hf_transcript_alert(&r->g.ladder, by_client, r->g.alert);
	else
		hf_transcript_note(&r->g.ladder, HF_EVENT_RESET, by_client, 0,
				   r->g.explanation[0] ? r->g.explanation : NULL);
}
