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

struct filling {
	const struct deduction *d;
	enum hf_side judge;
	char until[HF_TIME_TEXT_CAP], begins[HF_TIME_TEXT_CAP];
	struct hf_buf names;
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

static const char *file_of(const struct hf_case *c, enum hf_side holder)
{
	return holder == HF_SIDE_CLIENT
		   ? or_else(c->cert_path, "the client's certificate file")
		   : or_else(c->server_cert_path, "the server's certificate file");
}

static const char *trust_of(const struct hf_case *c, enum hf_side judge)
{
	return judge == HF_SIDE_CLIENT ? or_else(c->ca_path, "the client's CA file")
				       : or_else(c->server_ca_path, "the server's client-CA file");
}

static const char *top_of(const struct deduction *d, enum hf_side holder)
{
	const struct hf_certs *chain = holder == HF_SIDE_CLIENT
					   ? (d->c->own_path.len ? &d->c->own_path : &d->c->own)
					   : &d->t->server.certs;

	if (chain->len == 0)
		return "an unknown CA";
	return chain->items[chain->len - 1]->flags & HF_CERT_SELF_ISSUED
		   ? chain->items[chain->len - 1]->subject
		   : chain->items[chain->len - 1]->issuer;
}

static const char *value_of(struct filling *f, char letter)
{
	const struct hf_case *c = f->d->c;
	const struct hf_cert *cert = f->d->e->cert;
	enum hf_side holder = other(f->judge);

	switch (letter) {
	case 'C':
		return cert ? cert->subject : "the certificate";
	case 'I':
		return cert ? cert->issuer : "its issuer";
	case 'S':
		return cert ? cert->serial : "?";
	case 'U':
		return f->until;
	case 'B':
		return f->begins;
	case 'N':
		return or_else(c->name, "that name");
	case 'T':
		return c->target;
	case 'J':
		return side_words(f->judge);
	case 'H':
		return side_words(holder);
	case 'F':
		return file_of(c, holder);
	case 'A':
		return trust_of(c, f->judge);
	case 'R':
		return top_of(f->d, holder);
	case 'K':
		return or_else(c->bridge, "ISSUING-CA.pem");
	case 'X':
		return or_else(hf_buf_str(&f->names), "no name");
	case 'P':
		return holder == HF_SIDE_CLIENT ? "--client" : "--server";
	case 'O':
		return cert && cert->unknown_critical ? cert->unknown_critical : "it names";
	default:
		return "";
	}
}

static char *fill(struct filling *f, const char *text)
{
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(TEXT_CAP);

	while (*text) {
		size_t n = strcspn(text, "{");

		(void)hf_buf_append(&out, text, n);
		text += n;
		if (text[0] != '{' || !text[1] || text[2] != '}')
			continue;
		(void)hf_buf_puts(&out, value_of(f, text[1]));
		text += 3;
	}
	if (out.len > 0 && out.data[0] >= 'a' && out.data[0] <= 'z' &&
	    hf_str_starts(out.data, "the "))
		out.data[0] = 'T';
	return hf_buf_steal(&out);
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

static void headline(struct deduction *d)
{
	struct hf_explanation *e = d->e;
	const struct hf_reason_info *info = hf_reason_info(e->cause);
	const char *sure = e->confidence == HF_CERTAIN	? ""
			   : e->confidence == HF_LIKELY ? ", likely"
							: ", cannot know from here";

	if (e->cause == HF_REASON_NONE)
		headline_unknown(d);
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

void hf_explanation_words(struct deduction *d)
{
	struct hf_explanation *e = d->e;
	const struct words *w = &words[e->cause];
	struct filling f = { .d = d, .judge = judge_of(e), .names = HF_BUF_INIT(1024) };

	if (e->cert) {
		hf_time_format(e->cert->not_after, f.until);
		hf_time_format(e->cert->not_before, f.begins);
		(void)hf_sans_format(&e->cert->sans, &f.names);
		if (f.names.len == 0 && e->cert->common_name)
			(void)hf_buf_puts(&f.names, e->cert->common_name);
	}
	if (!e->headline)
		headline(d);
	if (!e->why && w->why)
		e->why = fill(&f, w->why);
	if (!e->fix && w->fix)
		e->fix = fill(&f, w->fix);
	blank_words(e);
	hf_buf_done(&f.names);
}
