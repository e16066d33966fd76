/* SPDX-License-Identifier: Apache-2.0 */
/* An explanation as one page: the handshake in two lanes, the failing step marked, certificates as
 * cards.  It loads nothing and runs nothing.  Must never let a foreign byte become markup. */
#include "explain/internal.h"

#include <string.h>

#include "base/time.h"
#include "explain/html_style.h"

static void put(struct hf_buf *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			(void)hf_buf_puts(out, "&lt;");
			break;
		case '>':
			(void)hf_buf_puts(out, "&gt;");
			break;
		case '&':
			(void)hf_buf_puts(out, "&amp;");
			break;
		case '"':
			(void)hf_buf_puts(out, "&quot;");
			break;
		default:
			(void)hf_buf_putc(out, *text);
		}
	}
}

static void put_in(struct hf_buf *out, const char *tag, const char *text)
{
	(void)hf_buf_printf(out, "<%s>", tag);
	put(out, text);
	(void)hf_buf_printf(out, "</%s>", tag);
}

static void put_list(struct hf_buf *out, const char *title, const char *tag,
		     const struct hf_strv *list)
{
	if (list->len == 0)
		return;
	(void)hf_buf_printf(out, "<section><h2>%s</h2><%s>", title, tag);
	for (size_t i = 0; i < list->len; i++)
		put_in(out, "li", list->items[i]);
	(void)hf_buf_printf(out, "</%s></section>", tag);
}

/* --- the handshake ----------------------------------------------------------------------- */

static void put_step(struct hf_buf *out, const struct hf_event *ev, bool failing)
{
	char name[64];

	hf_event_name(ev, name, sizeof(name));
	(void)hf_buf_printf(out, "<div class=\"step %s%s\">", ev->sent ? "c" : "s",
			    failing ? " f" : "");
	if (failing)
		(void)hf_buf_puts(out, "<span class=\"x\">&#10007;</span>");
	put_in(out, "b", name);
	(void)hf_buf_puts(out, "<small>");
	put(out, ev->detail);
	if (ev->at_us)
		(void)hf_buf_printf(out, "%s%.1f ms", ev->detail[0] ? " &middot; " : "",
				    (double)ev->at_us / 1000);
	(void)hf_buf_puts(out, "</small></div>");
}

static void put_answer(struct hf_buf *out, const struct hf_web_answer *http, bool failing)
{
	if (!http->status)
		return;
	(void)hf_buf_printf(out, "<div class=\"step s%s\">%s<b>HTTP %d</b><small>",
			    failing ? " f" : "", failing ? "<span class=\"x\">&#10007;</span>" : "",
			    http->status);
	put(out, http->server);
	(void)hf_buf_puts(out, "</small></div>");
}

static void put_lanes(struct hf_buf *out, const struct hf_case *c, const struct hf_explanation *e)
{
	const struct hf_look *main = &c->looks[HF_LOOK_MAIN];
	const struct hf_transcript *t = &main->transcript;
	size_t stop = hf_ladder_failing(c, e);

	if (t->len == 0)
		return;
	(void)hf_buf_puts(out, "<section><h2>The handshake</h2><div class=\"ends\">");
	put_in(out, "b", c->left ? c->left : c->cert_path ? "client" : "client, no certificate");
	put_in(out, "b", c->right ? c->right : c->target);
	(void)hf_buf_puts(out, "</div><div class=\"lanes\">");
	for (size_t i = 0; i < t->len; i++)
		put_step(out, &t->events[i], i == stop);
	put_answer(out, &main->http, main->http.status >= 400 && e->cause && !e->meets);
	(void)hf_buf_puts(out, "</div></section>");
}

/* --- certificates ------------------------------------------------------------------------ */

static void put_row(struct hf_buf *out, const char *name, const char *value)
{
	put_in(out, "dt", name);
	put_in(out, "dd", value);
}

static void put_card(struct hf_buf *out, const struct hf_cert *cert, const char *who, bool failing)
{
	char from[HF_TIME_TEXT_CAP], until[HF_TIME_TEXT_CAP];
	HF_AUTO_DONE(hf_buf) names = HF_BUF_INIT(4096);

	hf_time_format(cert->not_before, from);
	hf_time_format(cert->not_after, until);
	(void)hf_sans_format(&cert->sans, &names);
	(void)hf_buf_printf(out, "<div class=\"card%s\"><small>%s%s</small>", failing ? " f" : "",
			    failing ? "&#10007; " : "", who);
	put_in(out, "b", cert->subject);
	(void)hf_buf_puts(out, "<dl>");
	put_row(out, "issuer", cert->issuer);
	put_row(out, "serial", cert->serial);
	put_row(out, "from", from);
	put_row(out, "until", until);
	put_row(out, "key", hf_key_type_name(cert->key_type));
	if (names.len > 0)
		put_row(out, "names", hf_buf_str(&names));
	(void)hf_buf_puts(out, "</dl></div>");
}

static void put_cards(struct hf_buf *out, const struct hf_case *c, const struct hf_explanation *e)
{
	const struct hf_transcript *t = &c->looks[HF_LOOK_MAIN].transcript;
	const struct hf_certs *lists[] = { &c->own, &t->server.certs };
	const char *const who[] = { hf_certificate_sent(t) ? "the client sends" : "the client has",
				    "the server sends" };

	if (lists[0]->len + lists[1]->len == 0)
		return;
	(void)hf_buf_puts(out, "<section><h2>Certificates</h2><div class=\"cards\">");
	for (size_t l = 0; l < HF_ARRAY_LEN(lists); l++) {
		for (size_t i = 0; i < lists[l]->len; i++)
			put_card(out, lists[l]->items[i], who[l],
				 e->cert && hf_cert_equal(e->cert, lists[l]->items[i]));
	}
	(void)hf_buf_puts(out, "</div></section>");
}

/* --- the page ---------------------------------------------------------------------------- */

static void put_tag(struct hf_buf *out, const char *name, const char *value)
{
	(void)hf_buf_puts(out, "<div>");
	put_row(out, name, value);
	(void)hf_buf_puts(out, "</div>");
}

/* The headline without "[V-EXPIRED, likely]" at its end: badge and tags say that. */
static void put_title(struct hf_buf *out, const struct hf_explanation *e)
{
	const char *bracket = e->cause ? strrchr(e->headline, '[') : NULL;
	size_t len = bracket ? (size_t)(bracket - e->headline) : strlen(e->headline);
	HF_AUTO(cstr) title = hf_str_ndup(e->headline, len);

	put_in(out, "h1", title ? title : e->headline);
}

static void put_header(struct hf_buf *out, const struct hf_explanation *e, bool good)
{
	char since[HF_TIME_TEXT_CAP];

	(void)hf_buf_printf(out, "<header class=\"%s\"><span class=\"badge\">%s</span>",
			    good ? "good" : "bad",
			    good       ? "THEY MEET"
			    : e->cause ? hf_reason_info(e->cause)->id
				       : "REFUSED");
	put_title(out, e);
	(void)hf_buf_puts(out, "<dl class=\"tags\">");
	if (!good) {
		put_tag(out, "refused by", hf_side_name(e->refused_by));
		put_tag(out, "to be mended in",
			e->fault_in == HF_SIDE_NOBODY ? "not known" : hf_side_name(e->fault_in));
	}
	put_tag(out, "confidence", hf_confidence_name(e->confidence));
	if (e->cause)
		put_tag(out, "rule", hf_reason_info(e->cause)->rule);
	if (e->since) {
		hf_time_format(e->since, since);
		put_tag(out, "since", since);
	}
	(void)hf_buf_puts(out, "</dl></header>");
}

static void put_candidates(struct hf_buf *out, const struct hf_explanation *e)
{
	if (e->candidates_len < 2 || e->confidence == HF_CERTAIN)
		return;
	(void)hf_buf_puts(out, "<section><h2>Or else</h2><ul>");
	for (size_t i = 1; i < e->candidates_len; i++) {
		const struct hf_reason_info *info = hf_reason_info(e->candidates[i]);

		(void)hf_buf_printf(out, "<li><b>%s</b> ", info->id);
		put(out, info->sentence);
		(void)hf_buf_puts(out, "</li>");
	}
	(void)hf_buf_puts(out, "</ul></section>");
}

static void put_looks(struct hf_buf *out, const struct hf_case *c)
{
	HF_AUTO_DONE(hf_strv) made = HF_STRV_INIT;

	for (size_t k = 1; k < HF_LOOK_KINDS; k++) {
		if (c->looks[k].made)
			(void)hf_strv_add(&made, hf_look_words((enum hf_look_kind)k));
	}
	put_list(out, "Further connections made to find out", "ul", &made);
}

void hf_explanation_to_html(const struct hf_case *c, const struct hf_explanation *e,
			    struct hf_buf *out)
{
	bool good = e->meets && !e->cause;

	(void)hf_buf_puts(out, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
			       "<meta name=\"viewport\" "
			       "content=\"width=device-width,initial-scale=1\">"
			       "<meta http-equiv=\"Content-Security-Policy\" "
			       "content=\"default-src 'none';style-src 'unsafe-inline'\">");
	put_in(out, "title", e->headline);
	(void)hf_buf_puts(out, hf_html_style);
	(void)hf_buf_puts(out, "</head><body><main>");
	put_header(out, e, good);
	(void)hf_buf_puts(out, "<div class=\"two\"><section><h2>Why</h2>");
	put_in(out, "p", e->why);
	(void)hf_buf_puts(out, "</section><section><h2>Fix</h2>");
	put_in(out, "pre", e->fix);
	(void)hf_buf_puts(out, "</section></div>");
	put_lanes(out, c, e);
	put_list(out, "Evidence", "ol", &e->evidence);
	put_candidates(out, e);
	put_list(out, "Also", "ul", &e->also);
	put_list(out, "Notes", "ul", &c->notes);
	put_list(out, "Cannot be known from here", "ul", &e->cannot_know);
	put_looks(out, c);
	put_cards(out, c, e);
	(void)hf_buf_puts(out, "<footer>handfast explain</footer></main></body></html>\n");
}
