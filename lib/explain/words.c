/* SPDX-License-Identifier: Apache-2.0 */
/* Headline, why and fix in words, with the names the reader has on disk.  Must never contradict the
 * deduction: it only fills in what that left open. */
#include "explain/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"

enum { TEXT_CAP = 4000 };

static const struct words {
	const char *why, *fix;
} words[HF_REASON_COUNT] = {
#define HF_WORDS(reason, why, fix) [HF_REASON_##reason] = { why, fix },
#include "explain/words.def"
#undef HF_WORDS
};

static const char *side_words(enum hf_side side)
{
	return side == HF_SIDE_CLIENT ? "the client" : "the server";
}

static enum hf_side other(enum hf_side side)
{
	return side == HF_SIDE_CLIENT ? HF_SIDE_SERVER : HF_SIDE_CLIENT;
}

static const char *or_else(const char *text, const char *otherwise)
{
	return text && text[0] ? text : otherwise;
}

static const char *file_of(const struct hf_words_about *about)
{
	return or_else(about->holder_file, about->judge == HF_SIDE_SERVER
					       ? "the client's certificate file"
					       : "the server's certificate file");
}

static const char *trust_of(const struct hf_words_about *about)
{
	return or_else(about->trust_file, about->judge == HF_SIDE_CLIENT
					      ? "the client's CA file"
					      : "the server's client-CA file");
}

static const char *value_of(const struct hf_words_about *about, char letter)
{
	enum hf_side holder = other(about->judge);

	switch (letter) {
	case 'C':
		return or_else(about->subject, "the certificate");
	case 'I':
		return or_else(about->issuer, "its issuer");
	case 'S':
		return or_else(about->serial, "?");
	case 'U':
		return or_else(about->until, "some time ago");
	case 'B':
		return or_else(about->begins, "a time to come");
	case 'N':
		return or_else(about->name, "that name");
	case 'T':
		return or_else(about->target, "the port");
	case 'J':
		return side_words(about->judge);
	case 'H':
		return side_words(holder);
	case 'F':
		return file_of(about);
	case 'A':
		return trust_of(about);
	case 'R':
		return or_else(about->top, "an unknown CA");
	case 'K':
		return or_else(about->bridge, "ISSUING-CA.pem");
	case 'L':
		return or_else(about->lists_file, about->judge == HF_SIDE_CLIENT
						      ? "the client's CRL file"
						      : "the server's CRL file");
	case 'V':
		return about->judge == HF_SIDE_CLIENT ? "restart the client" : "reload the server";
	case 'W':
		return holder == HF_SIDE_CLIENT ? "restart the client" : "reload the server";
	case 'X':
		return or_else(about->names, "no name");
	case 'P':
		return holder == HF_SIDE_CLIENT ? "--client" : "--server";
	case 'O':
		return or_else(about->critical, "it names");
	default:
		return "";
	}
}

static char *fill(const struct hf_words_about *about, const char *text)
{
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(TEXT_CAP);

	while (text && *text) {
		size_t n = strcspn(text, "{");

		(void)hf_buf_append(&out, text, n);
		text += n;
		if (text[0] != '{' || !text[1] || text[2] != '}')
			continue;
		(void)hf_buf_puts(&out, value_of(about, text[1]));
		text += 3;
	}
	if (out.len > 0 && hf_str_starts(out.data, "the "))
		out.data[0] = 'T';
	return out.len > 0 ? hf_buf_steal(&out) : NULL;
}

char *hf_words_why(enum hf_reason reason, const struct hf_words_about *about)
{
	return fill(about, words[reason].why);
}

char *hf_words_fix(enum hf_reason reason, const struct hf_words_about *about)
{
	return fill(about, words[reason].fix);
}

/* Sentences of the list speak from the judge's chair. */
static const char *sentence_of(const struct hf_explanation *e)
{
	static const struct {
		enum hf_reason reason;
		const char *by_client, *by_server;
	} rows[] = {
		{ HF_REASON_K_CLOCK, "the client's clock is wrong", "the server's clock is wrong" },
		{ HF_REASON_V_CRL_EXPIRED, "the client's revocation list of a CA is out of date",
		  "the server's revocation list of a CA is out of date" },
		{ HF_REASON_V_CRL_MISSING, "the client has no revocation list of a CA of the chain",
		  "the server has no revocation list of a CA of the chain" },
		{ HF_REASON_V_CRL_INVALID, "the client's revocation list of a CA cannot be used",
		  "the server's revocation list of a CA cannot be used" },
		{ HF_REASON_V_CRL_NOT_YET, "the client's revocation list of a CA is not valid yet",
		  "the server's revocation list of a CA is not valid yet" },
		{ HF_REASON_V_UNKNOWN_CA, "the client does not trust the CA above the certificate",
		  "the server does not trust the CA above the certificate" },
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		if (rows[i].reason == e->cause)
			return e->refused_by == HF_SIDE_CLIENT ? rows[i].by_client
							       : rows[i].by_server;
	}
	return hf_reason_info(e->cause)->sentence;
}

static const char *whose(const struct hf_explanation *e)
{
	switch (e->role) {
	case HF_ROLE_CLIENT_LEAF:
	case HF_ROLE_CLIENT_CA:
		return "client certificate: ";
	case HF_ROLE_SERVER_LEAF:
	case HF_ROLE_SERVER_CA:
		return "server certificate: ";
	default:
		return "";
	}
}

static void headline_unknown(struct deduction *d)
{
	struct hf_explanation *e = d->e;

	if (e->meets) {
		e->headline = hf_str_printf("OK - %s and the client meet.", d->c->target);
		return;
	}
	e->headline =
	    hf_str_printf("REFUSED by %s - why cannot be known from here.",
			  e->refused_by == HF_SIDE_CLIENT ? "us, the client" : "the server");
}

/* They came together here, and a cause is named that stops others. */
static bool look_meets(const struct deduction *d)
{
	return d->main->handshake_done && !d->main->failed && d->main->http.status > 0 &&
	       d->main->http.status < 400 &&
	       (d->e->cause == HF_REASON_N_CA_LIST || d->e->cause == HF_REASON_V_PARTIAL_ANCHOR ||
		d->e->cause == HF_REASON_V_STAPLE);
}

static void headline(struct deduction *d)
{
	struct hf_explanation *e = d->e;
	const struct hf_reason_info *info = hf_reason_info(e->cause);
	const char *sure = e->confidence == HF_CERTAIN	? ""
			   : e->confidence == HF_LIKELY ? ", likely"
							: ", cannot know from here";

	if (e->cause == HF_REASON_NONE)
		headline_unknown(d);
	else if (e->confidence == HF_CANNOT_KNOW)
		e->headline = hf_str_printf(
		    "REFUSED by the server %s - it does not say why, and nothing is wrong that can be "
		    "seen from here. [%s or %zu others%s]",
		    d->c->target, info->id, e->candidates_len - 1, sure);
	else if (look_meets(d))
		e->headline = hf_str_printf("MEETS here; other clients are refused by the %s - "
					    "%s%s. [%s%s]",
					    hf_side_name(e->refused_by), whose(e), sentence_of(e),
					    info->id, sure);
	else if (e->cause == HF_REASON_R_SESSION_CONTEXT)
		e->headline = hf_str_printf("MEETS the first time; the server %s refuses who comes "
					    "back - %s. [%s%s]",
					    d->c->target, info->sentence, info->id, sure);
	else if (e->cause == HF_REASON_T_PLAINTEXT_SERVER || e->cause == HF_REASON_T_STARTTLS)
		e->headline = hf_str_printf("NO TLS on %s - %s. [%s%s]", d->c->target,
					    info->sentence, info->id, sure);
	else if (e->refused_by == HF_SIDE_NOBODY)
		e->headline = hf_str_printf("NO CONNECTION to %s - %s. [%s%s]", d->c->target,
					    info->sentence, info->id, sure);
	else if (e->refused_by == HF_SIDE_CLIENT)
		e->headline = hf_str_printf("REFUSED by the client - %s%s. [%s%s]", whose(e),
					    sentence_of(e), info->id, sure);
	else
		e->headline = hf_str_printf("REFUSED by the server %s - %s%s. [%s%s]", d->c->target,
					    whose(e), sentence_of(e), info->id, sure);
}

static void blank_words(struct hf_explanation *e)
{
	if (!e->why)
		e->why = hf_str_dup(e->meets ? "The handshake is complete and nobody objects."
					     : "The deduction found no cause that it could prove.");
	if (!e->fix)
		e->fix = hf_str_dup(e->meets ? "nothing to mend"
					     : "look into the peer's log, or give --server-files");
}

/* V-WEAK-* of one's own chain: the client's own library is the judge, and the holder too. */
static enum hf_side judge_of(const struct hf_explanation *e)
{
	bool of_client = e->role == HF_ROLE_CLIENT_LEAF || e->role == HF_ROLE_CLIENT_CA;
	bool of_server = e->role == HF_ROLE_SERVER_LEAF || e->role == HF_ROLE_SERVER_CA;

	if (of_client)
		return HF_SIDE_SERVER;
	if (of_server)
		return HF_SIDE_CLIENT;
	return e->refused_by == HF_SIDE_CLIENT ? HF_SIDE_CLIENT : HF_SIDE_SERVER;
}

static const char *top_of(const struct deduction *d, enum hf_side holder)
{
	const struct hf_certs *chain = holder == HF_SIDE_CLIENT
					   ? (d->c->own_path.len ? &d->c->own_path : &d->c->own)
					   : &d->t->server.certs;
	const struct hf_cert *last;

	if (chain->len == 0)
		return NULL;
	last = chain->items[chain->len - 1];
	return last->flags & HF_CERT_SELF_ISSUED ? last->subject : last->issuer;
}

static struct hf_words_about about_of(const struct deduction *d)
{
	const struct hf_cert *cert = d->e->cert;
	const struct hf_case *c = d->c;
	enum hf_side judge = judge_of(d->e);
	bool by_client = judge == HF_SIDE_CLIENT;

	return (struct hf_words_about){
		.judge = judge,
		.subject = cert ? cert->subject : NULL,
		.issuer = cert ? cert->issuer : NULL,
		.serial = cert ? cert->serial : NULL,
		.critical = cert ? cert->unknown_critical : NULL,
		.name = c->name,
		.target = c->target,
		.holder_file = by_client ? c->server_cert_path : c->cert_path,
		.trust_file = by_client ? c->ca_path : c->server_ca_path,
		.lists_file = by_client ? c->crl_path : c->server_crl_path,
		.top = top_of(d, other(judge)),
		.bridge = by_client ? c->server_bridge : c->bridge,
	};
}

void hf_explanation_words(struct deduction *d)
{
	struct hf_explanation *e = d->e;
	struct hf_words_about about = about_of(d);
	char until[HF_TIME_TEXT_CAP], begins[HF_TIME_TEXT_CAP];
	HF_AUTO_DONE(hf_buf) names = HF_BUF_INIT(1024);

	if (e->cert) {
		hf_time_format(e->cert->not_after, until);
		hf_time_format(e->cert->not_before, begins);
		(void)hf_sans_format(&e->cert->sans, &names);
		if (names.len == 0 && e->cert->common_name)
			(void)hf_buf_puts(&names, e->cert->common_name);
		about.until = until;
		about.begins = begins;
		about.names = hf_buf_str(&names);
	}
	if (!e->headline)
		headline(d);
	if (!e->why)
		e->why = hf_words_why(e->cause, &about);
	if (!e->fix)
		e->fix = hf_words_fix(e->cause, &about);
	blank_words(e);
}
