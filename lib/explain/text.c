/* SPDX-License-Identifier: Apache-2.0 */
/* An explanation as text of 80 columns and as JSON: two views of the same fields.  Must never
 * decide. */
#include "explain/internal.h"

#include <stdio.h>
#include <string.h>

#include "base/time.h"

enum { COLUMNS = 80, INDENT = 10, LADDER_NAME = 21 };

/* One paragraph behind a word in the margin, broken at blanks. */
static void paragraph(struct hf_buf *out, const char *margin, const char *text)
{
	size_t column = 0;

	(void)hf_buf_printf(out, "%-*s", INDENT, margin);
	column = INDENT;
	while (*text) {
		size_t word = strcspn(text, " "), blanks;

		if (column > INDENT && column + word > COLUMNS) {
			while (out->len > 0 && out->data[out->len - 1] == ' ')
				hf_buf_truncate(out, out->len - 1);
			(void)hf_buf_printf(out, "\n%*s", INDENT, "");
			column = INDENT;
		}
		(void)hf_buf_append(out, text, word);
		column += word;
		text += word;
		blanks = strspn(text, " ");
		if (*text && column + blanks < COLUMNS) {
			(void)hf_buf_append(out, text, blanks);
			column += blanks;
		}
		text += blanks;
	}
	(void)hf_buf_putc(out, '\n');
}

/* Which rung failed: the last alert, or what ended the connection. */
static size_t failing_rung(const struct hf_case *c, const struct hf_explanation *e)
{
	const struct hf_transcript *t = &c->looks[HF_LOOK_MAIN].transcript;
	size_t at = t->len;

	if (e->meets || c->looks[HF_LOOK_MAIN].http.status)
		return t->len;
	for (size_t i = 0; i < t->len; i++) {
		const struct hf_event *ev = &t->events[i];
		bool bad =
		    (ev->kind == HF_EVENT_ALERT && ev->type != 0) || ev->kind >= HF_EVENT_TEXT;

		if (bad && (at == t->len ||
			    (ev->kind == HF_EVENT_ALERT && t->events[at].kind != HF_EVENT_ALERT)))
			at = i;
	}
	return at;
}

static void rung(struct hf_buf *out, const struct hf_event *ev, bool failing)
{
	char name[64], line[256];
	const char *arrow =
	    ev->sent ? (failing ? "--X-->" : "----->") : (failing ? "<--X--" : "<-----");
	int n;

	hf_event_name(ev, name, sizeof(name));
	n = snprintf(line, sizeof(line), "  %s %-*s %s", arrow, LADDER_NAME, name, ev->detail);
	if (n > COLUMNS - 12 && n < (int)sizeof(line))
		n = COLUMNS - 12;
	if (n >= (int)sizeof(line))
		n = COLUMNS - 12;
	while (n > 0 && ((unsigned char)line[n] & 0xc0) == 0x80)
		n--; /* not through a character */
	(void)hf_buf_printf(out, "%-*.*s %8.1f ms\n", COLUMNS - 12, n, line,
			    (double)ev->at_us / 1000);
}

static void ladder(const struct hf_case *c, const struct hf_explanation *e, struct hf_buf *out)
{
	const struct hf_look *main = &c->looks[HF_LOOK_MAIN];
	size_t stop = failing_rung(c, e);

	if (main->transcript.len == 0)
		return;
	(void)hf_buf_printf(out, "\n  the client            %s\n", c->target);
	for (size_t i = 0; i < main->transcript.len && i <= stop; i++)
		rung(out, &main->transcript.events[i], i == stop);
	if (main->http.status)
		(void)hf_buf_printf(out, "  <----- HTTP %d%s%s\n", main->http.status,
				    main->http.server[0] ? " from " : "", main->http.server);
	(void)hf_buf_putc(out, '\n');
}

static void numbered(struct hf_buf *out, const char *margin, const struct hf_strv *list)
{
	for (size_t i = 0; i < list->len; i++) {
		HF_AUTO(cstr) line = hf_str_printf("%zu %s", i + 1, list->items[i]);

		if (line)
			paragraph(out, i ? "" : margin, line);
	}
}

static void plain(struct hf_buf *out, const char *margin, const struct hf_strv *list)
{
	for (size_t i = 0; i < list->len; i++)
		paragraph(out, i ? "" : margin, list->items[i]);
}

static void extra_looks(const struct hf_case *c, struct hf_buf *out)
{
	bool first = true;

	for (size_t k = 1; k < HF_LOOK_KINDS; k++) {
		HF_AUTO(cstr) line = NULL;

		if (!c->looks[k].made)
			continue;
		line = hf_str_printf("one more connection %s", hf_look_words((enum hf_look_kind)k));
		if (line)
			paragraph(out, first ? "Asked" : "", line);
		first = false;
	}
}

static void candidates(const struct hf_explanation *e, struct hf_buf *out)
{
	HF_AUTO_DONE(hf_buf) list = HF_BUF_INIT(2048);

	if (e->candidates_len < 2 || e->confidence == HF_CERTAIN)
		return;
	for (size_t i = 1; i < e->candidates_len; i++)
		(void)hf_buf_printf(&list, "%s%s", i > 1 ? ", " : "",
				    hf_reason_info(e->candidates[i])->id);
	paragraph(out, "Or else", hf_buf_str(&list));
}

void hf_explanation_format(const struct hf_case *c, const struct hf_explanation *e,
			   struct hf_buf *out)
{
	char when[HF_TIME_TEXT_CAP];

	/* A headline has no margin; it is broken as the rest. */
	paragraph(out, e->meets && !e->cause ? "MEETS" : "FAILS", e->headline);
	ladder(c, e, out);
	paragraph(out, "Why", e->why);
	if (e->since) {
		hf_time_format(e->since, when);
		paragraph(out, "Since", when);
	}
	numbered(out, "Evidence", &e->evidence);
	extra_looks(c, out);
	candidates(e, out);
	plain(out, "Also", &e->also);
	plain(out, "Note", &c->notes);
	plain(out, "Unknown", &e->cannot_know);
	if (e->cause || !e->meets)
		paragraph(out, "Fix", e->fix);
}

/* --- JSON -------------------------------------------------------------------------------- */

static void strings(struct hf_json *j, const char *key, const struct hf_strv *list)
{
	hf_json_array_begin(j, key);
	for (size_t i = 0; i < list->len; i++)
		hf_json_string(j, NULL, list->items[i]);
	hf_json_array_end(j);
}

static void json_certificate(const struct hf_explanation *e, struct hf_json *j)
{
	if (!e->cert) {
		hf_json_null(j, "certificate");
		return;
	}
	hf_json_object_begin(j, "certificate");
	hf_json_string(j, "role", hf_role_name(e->role));
	hf_json_string(j, "subject", e->cert->subject);
	hf_json_string(j, "issuer", e->cert->issuer);
	hf_json_string(j, "serial", e->cert->serial);
	hf_json_hex(j, "sha256", e->cert->sha256, HF_SHA256_LEN);
	hf_json_time(j, "not_before", e->cert->not_before);
	hf_json_time(j, "not_after", e->cert->not_after);
	hf_json_object_end(j);
}

static void json_ladder(const struct hf_case *c, const struct hf_explanation *e, struct hf_json *j)
{
	const struct hf_transcript *t = &c->looks[HF_LOOK_MAIN].transcript;
	size_t stop = failing_rung(c, e);

	hf_json_array_begin(j, "ladder");
	for (size_t i = 0; i < t->len; i++) {
		const struct hf_event *ev = &t->events[i];
		char name[64];

		hf_event_name(ev, name, sizeof(name));
		hf_json_object_begin(j, NULL);
		hf_json_string(j, "from", ev->sent ? "client" : "server");
		hf_json_string(j, "step", name);
		hf_json_string(j, "detail", ev->detail);
		hf_json_int(j, "bytes", (int64_t)ev->len);
		hf_json_double(j, "ms", (double)ev->at_us / 1000);
		hf_json_bool(j, "failed", i == stop);
		hf_json_object_end(j);
	}
	hf_json_array_end(j);
}

static void json_alert(const struct hf_explanation *e, struct hf_json *j)
{
	if (e->alert < 0) {
		hf_json_null(j, "alert");
		return;
	}
	hf_json_object_begin(j, "alert");
	hf_json_int(j, "number", e->alert);
	hf_json_string(j, "name", hf_alert_name(e->alert));
	hf_json_string(j, "direction", e->alert_received ? "received" : "sent");
	hf_json_object_end(j);
}

static void json_lists(const struct hf_case *c, const struct hf_explanation *e, struct hf_json *j)
{
	hf_json_array_begin(j, "candidates");
	for (size_t i = 0; i < e->candidates_len; i++)
		hf_json_string(j, NULL, hf_reason_info(e->candidates[i])->id);
	hf_json_array_end(j);
	strings(j, "evidence", &e->evidence);
	strings(j, "also", &e->also);
	strings(j, "notes", &c->notes);
	strings(j, "cannot_know", &e->cannot_know);
	hf_json_array_begin(j, "extra_probes");
	for (size_t k = 1; k < HF_LOOK_KINDS; k++) {
		if (c->looks[k].made)
			hf_json_string(j, NULL, hf_look_words((enum hf_look_kind)k));
	}
	hf_json_array_end(j);
}

void hf_explanation_to_json(const struct hf_case *c, const struct hf_explanation *e,
			    struct hf_json *j)
{
	const struct hf_reason_info *info = hf_reason_info(e->cause);

	hf_json_string(j, "target", c->target);
	hf_json_bool(j, "meets", e->meets && !e->cause);
	hf_json_string(j, "refused_by", hf_side_name(e->refused_by));
	hf_json_string(j, "fault_in", hf_side_name(e->fault_in));
	hf_json_string(j, "cause", e->cause ? info->id : NULL);
	hf_json_string(j, "confidence", hf_confidence_name(e->confidence));
	hf_json_string(j, "headline", e->headline);
	hf_json_string(j, "explanation", e->why);
	hf_json_string(j, "rule", e->cause ? info->rule : NULL);
	hf_json_string(j, "fix", e->fix);
	if (e->since)
		hf_json_time(j, "since", e->since);
	else
		hf_json_null(j, "since");
	json_certificate(e, j);
	json_alert(e, j);
	json_lists(c, e, j);
	if (c->looks[HF_LOOK_MAIN].http.status)
		hf_json_int(j, "http_status", c->looks[HF_LOOK_MAIN].http.status);
	else
		hf_json_null(j, "http_status");
	json_ladder(c, e, j);
}
