/* SPDX-License-Identifier: Apache-2.0 */
/* An explanation as one page: the handshake in two lanes, the failing step marked, certificates as
 * cards.  It loads nothing and runs nothing.  Must never let a foreign byte become markup. */
#include "explain/internal.h"

#include <string.h>

#include "base/time.h"

static const char style[] =
    "<style>:root{--ink:#1c2430;--dim:#667085;--line:#d5dae3;--bad:#b42318;--good:#087443;--card:#f7f8fa;"
    "--page:#fff}"
    "@media (prefers-color-scheme:dark){:root{--ink:#e6e9ef;--dim:#98a2b3;--line:#3b4453;--bad:#ff8a80;"
    "--good:#6ce9a6;--card:#1d2430;--page:#12161d}}"
    "body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:60rem;"
    "margin:2rem auto;padding:0 1rem}h1{font-size:1.35rem;line-height:1.3;margin:0 0 .5rem}"
    "h2{font-size:1rem;margin:1.8rem 0 .5rem}.bad{color:var(--bad)}.good{color:var(--good)}"
    ".tag{display:inline-block;border:1px solid var(--line);border-radius:1rem;padding:0 .7rem;margin:0 "
    ".3rem .3rem 0;font-size:.85rem}"
    ".lanes{display:grid;grid-template-columns:1fr 1fr;border:1px solid var(--line);border-radius:.5rem;"
    "overflow:hidden}.lanes>b{padding:.4rem .8rem;background:var(--card)}.lanes>b+b{text-align:right}"
    ".step{grid-column:1/3;padding:.3rem .8rem;border-top:1px solid var(--line);display:flex;gap:.6rem;"
    "align-items:baseline}.step.s{justify-content:flex-end;text-align:right}.step "
    "small{color:var(--dim);overflow-wrap:anywhere}"
    ".step.f{background:color-mix(in srgb,var(--bad) 14%,transparent);color:var(--bad);font-weight:600}"
    ".arrow{flex:none;font-family:monospace}"
    ".cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(16rem,1fr));gap:.8rem}"
    ".card{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.7rem "
    ".9rem;overflow-wrap:anywhere}.card.f{border-color:var(--bad)}.card b{display:block}"
    "dl{margin:.3rem 0 0;font-size:.85rem;display:grid;grid-template-columns:auto 1fr;gap:0 "
    ".6rem}dt{color:var(--dim)}dd{margin:0}"
    "pre{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.7rem "
    ".9rem;white-space:pre-wrap;overflow-wrap:anywhere}</style>";

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

static void put_list(struct hf_buf *out, const char *title, const char *tag,
		     const struct hf_strv *list)
{
	if (list->len == 0)
		return;
	(void)hf_buf_printf(out, "<h2>%s</h2><%s>", title, tag);
	for (size_t i = 0; i < list->len; i++) {
		(void)hf_buf_puts(out, "<li>");
		put(out, list->items[i]);
	}
	(void)hf_buf_printf(out, "</%s>", tag);
}

static bool is_failing(const struct hf_explanation *e, const struct hf_transcript *t, size_t i)
{
	const struct hf_event *ev = &t->events[i];

	if (e->meets)
		return false;
	if (e->alert >= 0)
		return ev->kind == HF_EVENT_ALERT && ev->type == e->alert;
	return ev->kind >= HF_EVENT_TEXT;
}

static void put_lanes(struct hf_buf *out, const struct hf_case *c, const struct hf_explanation *e)
{
	const struct hf_transcript *t = &c->looks[HF_LOOK_MAIN].transcript;

	if (t->len == 0)
		return;
	(void)hf_buf_puts(out, "<h2>The handshake</h2><div class=lanes><b>client</b><b>");
	put(out, c->target);
	(void)hf_buf_puts(out, "</b>");
	for (size_t i = 0; i < t->len; i++) {
		const struct hf_event *ev = &t->events[i];
		char name[64];

		hf_event_name(ev, name, sizeof(name));
		(void)hf_buf_printf(out,
				    "<div class=\"step %s%s\"><span class=arrow>%s</span><span>",
				    ev->sent ? "c" : "s", is_failing(e, t, i) ? " f" : "",
				    ev->sent ? "&rarr;" : "&larr;");
		put(out, name);
		(void)hf_buf_puts(out, "</span><small>");
		put(out, ev->detail);
		(void)hf_buf_printf(out, " &middot; %.1f ms</small></div>",
				    (double)ev->at_us / 1000);
	}
	(void)hf_buf_puts(out, "</div>");
}

static void put_row(struct hf_buf *out, const char *name, const char *value)
{
	(void)hf_buf_printf(out, "<dt>%s<dd>", name);
	put(out, value);
}

static void put_card(struct hf_buf *out, const struct hf_cert *cert, const char *who, bool failing)
{
	char from[HF_TIME_TEXT_CAP], until[HF_TIME_TEXT_CAP];
	HF_AUTO_DONE(hf_buf) names = HF_BUF_INIT(4096);

	hf_time_format(cert->not_before, from);
	hf_time_format(cert->not_after, until);
	(void)hf_sans_format(&cert->sans, &names);
	(void)hf_buf_printf(out, "<div class=\"card%s\"><small>%s</small><b>", failing ? " f" : "",
			    who);
	put(out, cert->subject);
	(void)hf_buf_puts(out, "</b><dl>");
	put_row(out, "issuer", cert->issuer);
	put_row(out, "serial", cert->serial);
	put_row(out, "from", from);
	put_row(out, "until", until);
	if (names.len > 0)
		put_row(out, "names", hf_buf_str(&names));
	(void)hf_buf_puts(out, "</dl></div>");
}

static void put_cards(struct hf_buf *out, const struct hf_case *c, const struct hf_explanation *e)
{
	const struct hf_transcript *t = &c->looks[HF_LOOK_MAIN].transcript;
	const struct hf_certs *lists[] = { &c->own, &t->server.certs };
	static const char *const who[] = { "the client sends", "the server sends" };

	if (lists[0]->len + lists[1]->len == 0)
		return;
	(void)hf_buf_puts(out, "<h2>Certificates</h2><div class=cards>");
	for (size_t l = 0; l < HF_ARRAY_LEN(lists); l++) {
		for (size_t i = 0; i < lists[l]->len; i++)
			put_card(out, lists[l]->items[i], who[l],
				 e->cert && hf_cert_equal(e->cert, lists[l]->items[i]));
	}
	(void)hf_buf_puts(out, "</div>");
}

static void put_tag(struct hf_buf *out, const char *name, const char *value)
{
	(void)hf_buf_printf(out, "<span class=tag>%s ", name);
	put(out, value);
	(void)hf_buf_puts(out, "</span>");
}

void hf_explanation_to_html(const struct hf_case *c, const struct hf_explanation *e,
			    struct hf_buf *out)
{
	bool good = e->meets && !e->cause;

	(void)hf_buf_puts(out,
			  "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport "
			  "content=\"width=device-width,initial-scale=1\"><meta "
			  "http-equiv=Content-Security-Policy content=\"default-src "
			  "'none';style-src 'unsafe-inline'\"><title>");
	put(out, e->headline);
	(void)hf_buf_printf(out, "</title>%s<h1 class=%s>", style, good ? "good" : "bad");
	put(out, e->headline);
	(void)hf_buf_puts(out, "</h1>");
	put_tag(out, "refused by", hf_side_name(e->refused_by));
	put_tag(out, "to mend in", hf_side_name(e->fault_in));
	put_tag(out, "confidence", hf_confidence_name(e->confidence));
	(void)hf_buf_puts(out, "<p>");
	put(out, e->why);
	(void)hf_buf_puts(out, "</p><h2>Fix</h2><pre>");
	put(out, e->fix);
	(void)hf_buf_puts(out, "</pre>");
	put_lanes(out, c, e);
	put_list(out, "Evidence", "ol", &e->evidence);
	put_list(out, "Also", "ul", &e->also);
	put_list(out, "Cannot be known from here", "ul", &e->cannot_know);
	put_cards(out, c, e);
	(void)hf_buf_puts(out, "</html>\n");
}
