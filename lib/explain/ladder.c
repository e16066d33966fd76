/* SPDX-License-Identifier: Apache-2.0 */
/* The handshake as a ladder of two lanes, down to the rung that failed.  Must never leave out the
 * failing rung, and never print beyond 80 columns. */
#include "explain/internal.h"

#include <stdio.h>
#include <string.h>

enum { COLUMNS = 80, SERVER_LANE = 26, CLIENT_ROOM = 68, NAME = 13, SERVER_NAME = 19 };

static bool is_bad(const struct hf_event *ev)
{
	return (ev->kind == HF_EVENT_ALERT && ev->type != 0) || ev->kind >= HF_EVENT_TEXT;
}

size_t hf_ladder_failing(const struct hf_case *c, const struct hf_explanation *e)
{
	const struct hf_transcript *t = &c->looks[HF_LOOK_MAIN].transcript;
	size_t at = t->len;

	if (e->meets || c->looks[HF_LOOK_MAIN].http.status)
		return t->len;
	for (size_t i = 0; i < t->len; i++) {
		const struct hf_event *ev = &t->events[i];
		bool alert_first = at < t->len && ev->kind == HF_EVENT_ALERT &&
				   t->events[at].kind != HF_EVENT_ALERT;

		if (is_bad(ev) && (at == t->len || alert_first))
			at = i;
	}
	return at;
}

/* Bytes of text that fit into `room` columns; a character of UTF-8 counts once. */
static size_t fitting(const char *text, size_t room)
{
	size_t at = 0, columns = 0;

	while (text[at]) {
		if (((unsigned char)text[at] & 0xc0) != 0x80 && columns++ == room)
			break;
		at++;
	}
	return at;
}

static size_t columns_of(const char *text, size_t len)
{
	size_t columns = 0;

	for (size_t i = 0; i < len; i++)
		columns += ((unsigned char)text[i] & 0xc0) != 0x80;
	return columns;
}

static void from_client(struct hf_buf *out, const char *text, bool failing)
{
	size_t len = fitting(text, CLIENT_ROOM);
	size_t columns = columns_of(text, len);
	size_t pad = columns < SERVER_LANE + 14 ? SERVER_LANE + 14 - columns : 1;

	(void)hf_buf_printf(out, "  %.*s%*s%s\n", (int)len, text, (int)pad, "",
			    failing ? "--X-->" : "----->");
}

static void from_server(struct hf_buf *out, const char *text, bool failing)
{
	(void)hf_buf_printf(out, "%*s%s %.*s\n", SERVER_LANE, "", failing ? "<--X--" : "<-----",
			    (int)fitting(text, COLUMNS - SERVER_LANE - 7), text);
}

static void rung(struct hf_buf *out, const struct hf_event *ev, bool failing)
{
	char name[64], line[512], after[32] = "";

	hf_event_name(ev, name, sizeof(name));
	if (failing && ev->at_us)
		(void)snprintf(after, sizeof(after), "%safter %.1f ms", ev->detail[0] ? ", " : "  ",
			       (double)ev->at_us / 1000);
	(void)snprintf(line, sizeof(line), "%-*s%s%s%s", ev->sent ? NAME : SERVER_NAME, name,
		       ev->detail[0] ? " " : "", ev->detail, after);
	for (size_t n = strlen(line); n > 0 && line[n - 1] == ' '; n--)
		line[n - 1] = '\0';
	if (ev->sent)
		from_client(out, line, failing);
	else
		from_server(out, line, failing);
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void lanes(const struct hf_case *c, struct hf_buf *out)
{
	char left[128], right[128];

	if (c->left)
		(void)snprintf(left, sizeof(left), "%s", c->left);
	else if (c->cert_path)
		(void)snprintf(left, sizeof(left), "you (%s)", base_of(c->cert_path));
	else
		(void)snprintf(left, sizeof(left), "you (no certificate)");
	(void)snprintf(right, sizeof(right), "%s", c->right ? c->right : c->target);
	left[fitting(left, COLUMNS - 6 - columns_of(right, HF_MIN(strlen(right), (size_t)50)))] =
	    '\0';
	(void)hf_buf_printf(out, "\n  %-*s %.*s\n", SERVER_LANE + 4, left,
			    (int)fitting(right, COLUMNS - 3 -
						    HF_MAX((size_t)SERVER_LANE + 4, strlen(left))),
			    right);
}

void hf_ladder_format(const struct hf_case *c, const struct hf_explanation *e, struct hf_buf *out)
{
	const struct hf_look *main = &c->looks[HF_LOOK_MAIN];
	size_t stop = hf_ladder_failing(c, e);
	bool refused = main->http.status >= 400 && !e->meets;

	if (main->transcript.len == 0)
		return;
	lanes(c, out);
	for (size_t i = 0; i < main->transcript.len && i <= stop; i++)
		rung(out, &main->transcript.events[i], i == stop);
	if (main->http.status)
		(void)hf_buf_printf(out, "%*s%s HTTP %d%s%s\n", SERVER_LANE, "",
				    refused ? "<--X--" : "<-----", main->http.status,
				    main->http.server[0] ? " from " : "", main->http.server);
	(void)hf_buf_putc(out, '\n');
}

void hf_ladder_rung_to_json(const struct hf_event *ev, bool failed, struct hf_json *j)
{
	char name[64];

	hf_event_name(ev, name, sizeof(name));
	hf_json_object_begin(j, NULL);
	hf_json_string(j, "from", ev->sent ? "client" : "server");
	hf_json_string(j, "step", name);
	hf_json_string(j, "detail", ev->detail);
	hf_json_int(j, "bytes", (int64_t)ev->len);
	hf_json_double(j, "ms", (double)ev->at_us / 1000);
	hf_json_bool(j, "failed", failed);
	hf_json_object_end(j);
}

void hf_ladder_to_json(const struct hf_case *c, const struct hf_explanation *e, struct hf_json *j)
{
	const struct hf_transcript *t = &c->looks[HF_LOOK_MAIN].transcript;
	size_t stop = hf_ladder_failing(c, e);

	hf_json_array_begin(j, "ladder");
	for (size_t i = 0; i < t->len; i++)
		hf_ladder_rung_to_json(&t->events[i], i == stop, j);
	hf_json_array_end(j);
}
