/* SPDX-License-Identifier: Apache-2.0 */
/* The explanation object.  Must never hold unescaped foreign bytes. */
#include "explain/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_CAP = 4096, LOOKS_CAP = 3 };

const char *hf_side_name(enum hf_side side)
{
	static const char *const names[] = {
		"nobody", "client", "server", "both", "network", "ca"
	};

	return names[side];
}

const char *hf_confidence_name(enum hf_confidence confidence)
{
	static const char *const names[] = { "certain", "likely", "cannot know from here" };

	return names[confidence];
}

const char *hf_look_words(enum hf_look_kind kind)
{
	static const char *const words[] = {
		[HF_LOOK_MAIN] = "as the client does",
		[HF_LOOK_NO_CERT] = "without the client certificate",
		[HF_LOOK_TLS12] = "in TLS 1.2",
		[HF_LOOK_SNI] = "with the server name",
		[HF_LOOK_NO_SNI] = "without the server name",
		[HF_LOOK_PROXY] = "with a PROXY header in front",
		[HF_LOOK_NO_PROXY] = "without the PROXY header",
		[HF_LOOK_DEFAULTS] = "with the default settings",
		[HF_LOOK_ANYTHING] = "offering everything the TLS library has",
		[HF_LOOK_LATE_AUTH] = "offering post-handshake authentication",
		[HF_LOOK_HTTP1] = "over HTTP/1.1",
		[HF_LOOK_HTTP2] = "over HTTP/2",
		[HF_LOOK_SMALL] = "in small TCP segments",
		[HF_LOOK_RESUMED] = "resuming the session of the first",
		[HF_LOOK_DATE] = "without judging the server, for its clock",
	};

	return words[kind];
}

void hf_look_init(struct hf_look *look)
{
	memset(look, 0, sizeof(*look));
	look->info.alert_sent = look->info.alert_received = -1;
	look->http.stream_error = -1;
	hf_verdict_init(&look->server);
	hf_transcript_init(&look->transcript, NULL);
}

void hf_look_done(struct hf_look *look)
{
	hf_transcript_done(&look->transcript);
	hf_verdict_done(&look->server);
}

void hf_case_init(struct hf_case *c)
{
	memset(c, 0, sizeof(*c));
	hf_verdict_init(&c->own_alone);
	hf_verdict_init(&c->own_by_server);
	for (size_t i = 0; i < HF_LOOK_KINDS; i++)
		hf_look_init(&c->looks[i]);
}

void hf_case_done(struct hf_case *c)
{
	for (size_t i = 0; i < HF_LOOK_KINDS; i++)
		hf_look_done(&c->looks[i]);
	for (size_t i = 0; i < c->files_len; i++)
		hf_cert_unref(c->files[i].cert);
	hf_verdict_done(&c->own_alone);
	hf_verdict_done(&c->own_by_server);
	hf_certs_done(&c->own);
	hf_certs_done(&c->own_path);
	hf_certs_done(&c->server_path);
	hf_certs_done(&c->client_trust);
	hf_certs_done(&c->server_chain);
	hf_certs_done(&c->server_trust);
	hf_strv_done(&c->notes);
}

void hf_explanation_init(struct hf_explanation *e)
{
	memset(e, 0, sizeof(*e));
	e->alert = -1;
}

void hf_explanation_done(struct hf_explanation *e)
{
	hf_cert_unref(e->cert);
	free(e->headline);
	free(e->why);
	free(e->fix);
	hf_strv_done(&e->evidence);
	hf_strv_done(&e->cannot_know);
	hf_strv_done(&e->also);
	hf_explanation_init(e);
}

/* Subjects and file names in it are escaped by who made them. */
static void add_line(struct hf_strv *list, const char *fmt, va_list args)
{
	char line[LINE_CAP];

	(void)vsnprintf(line, sizeof(line), fmt, args);
	if (!hf_strv_has(list, line))
		(void)hf_strv_add(list, line);
}

void hf_say_evidence(struct hf_explanation *e, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add_line(&e->evidence, fmt, args);
	va_end(args);
}

void hf_say_finding(struct hf_explanation *e, const struct hf_finding *finding)
{
	const struct hf_cert *cert = finding->cert;

	if (cert)
		hf_say_evidence(e, "%s (issuer %s, serial %s)", cert->subject, cert->issuer,
				cert->serial);
	if (finding->want || finding->have)
		hf_say_evidence(e, "want: %s; have: %s", finding->want ? finding->want : "-",
				finding->have ? finding->have : "-");
}

void hf_say_cannot_know(struct hf_explanation *e, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add_line(&e->cannot_know, fmt, args);
	va_end(args);
}

void hf_say_also(struct hf_explanation *e, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add_line(&e->also, fmt, args);
	va_end(args);
}

static void set_text(char **to, const char *fmt, va_list args)
{
	char line[LINE_CAP];

	(void)vsnprintf(line, sizeof(line), fmt, args);
	free(*to);
	*to = hf_str_dup(line);
}

void hf_say_why(struct hf_explanation *e, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set_text(&e->why, fmt, args);
	va_end(args);
}

void hf_say_fix(struct hf_explanation *e, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set_text(&e->fix, fmt, args);
	va_end(args);
}

void hf_add_candidate(struct hf_explanation *e, enum hf_reason reason)
{
	for (size_t i = 0; i < e->candidates_len; i++) {
		if (e->candidates[i] == reason)
			return;
	}
	if (e->candidates_len < HF_CANDIDATES && reason != HF_REASON_NONE)
		e->candidates[e->candidates_len++] = reason;
}

void hf_decide(struct deduction *d, enum hf_reason cause, enum hf_side refused_by,
	       enum hf_confidence confidence)
{
	struct hf_explanation *e = d->e;

	e->meets = false;
	e->cause = cause;
	e->refused_by = refused_by;
	e->fault_in = hf_cause_fault(cause, refused_by);
	e->confidence = confidence;
	e->candidates_len = 0;
	hf_add_candidate(e, cause);
}

void hf_set_cert(struct hf_explanation *e, enum hf_role role, struct hf_cert *cert)
{
	hf_cert_unref(e->cert);
	e->cert = cert ? hf_cert_ref(cert) : NULL;
	e->role = role;
}

const struct hf_look *hf_look_of(const struct deduction *d, enum hf_look_kind kind)
{
	return d->c->looks[kind].made ? &d->c->looks[kind] : NULL;
}

bool hf_want(struct deduction *d, enum hf_look_kind kind)
{
	if (d->c->set.one_shot || d->c->looks[kind].made || d->c->extra_looks >= LOOKS_CAP)
		return false;
	d->e->wants = kind;
	return true;
}
