/* SPDX-License-Identifier: Apache-2.0 */
/* What `get` says when it is over.  Must never blame the wrong side: when it is not known who
 * refused, it says so. */
#include <string.h>

#include "base/err.h"
#include "cli/get.h"
#include "tls/alerts.h"
#include "util/clock.h"
#include "util/log.h"

enum { TEXT_CAP = 64 * 1024 };

static void json_tls(struct get *g)
{
	struct hf_json *j = &g->ctx->out.json;
	struct hf_tls_info info;

	if (!g->session || !hf_session_tls(g->session)) {
		hf_json_null(j, "tls");
		return;
	}
	hf_tls_conn_info(hf_session_tls(g->session), &info);
	hf_json_object_begin(j, "tls");
	hf_json_string(j, "version", info.version ? hf_tls_version_name(info.version) : NULL);
	hf_json_string(j, "cipher", info.cipher);
	hf_json_string(j, "group", info.group);
	hf_json_string(j, "alpn", info.alpn);
	hf_json_string(j, "server_name", info.sni);
	hf_json_bool(j, "handshake_done", info.handshake_done);
	hf_json_bool(j, "certificate_requested", info.cert_requested);
	hf_json_bool(j, "certificate_sent", info.cert_sent);
	hf_json_object_end(j);
}

static void json_alert(struct get *g)
{
	struct hf_json *j = &g->ctx->out.json;
	struct hf_tls_info info = { .alert_sent = -1, .alert_received = -1 };
	int number;

	if (g->session && hf_session_tls(g->session))
		hf_tls_conn_info(hf_session_tls(g->session), &info);
	number = info.alert_received >= 0 ? info.alert_received : info.alert_sent;
	if (number < 0) {
		hf_json_null(j, "alert");
		return;
	}
	hf_json_object_begin(j, "alert");
	hf_json_int(j, "number", number);
	hf_json_string(j, "name", hf_alert_name(number));
	hf_json_string(j, "direction", info.alert_received >= 0 ? "received" : "sent");
	hf_json_object_end(j);
}

static void json_answer(struct get *g)
{
	struct hf_json *j = &g->ctx->out.json;
	const struct hf_http_head *head = &g->answer.head;

	if (!g->answer.has_head) {
		hf_json_null(j, "status");
		return;
	}
	hf_json_int(j, "status", head->status_code);
	hf_json_array_begin(j, "headers");
	for (size_t i = 0; i < head->fields_len; i++) {
		struct hf_slice name = hf_http_text(head, head->fields[i].name);
		struct hf_slice value = hf_http_text(head, head->fields[i].value);

		hf_json_object_begin(j, NULL);
		hf_json_stringn(j, "name", name.data, name.len);
		hf_json_stringn(j, "value", value.data, value.len);
		hf_json_object_end(j);
	}
	hf_json_array_end(j);
}

static void json_body(struct get *g)
{
	struct hf_json *j = &g->ctx->out.json;
	HF_AUTO_DONE(hf_buf) safe = HF_BUF_INIT(HF_OUT_CAP);

	if (!g->answer.has_head || g->opts->output)
		return;
	/* what is not text would lose bytes as a JSON string */
	if (memchr(hf_buf_str(&g->body), '\0', g->body.len) == NULL &&
	    hf_str_escape(&safe, hf_buf_str(&g->body), g->body.len) == 0 &&
	    strstr(hf_buf_str(&safe), "\\x8") == NULL &&
	    strstr(hf_buf_str(&safe), "\\xf") == NULL) {
		hf_json_stringn(j, "body", hf_buf_str(&g->body), g->body.len);
		return;
	}
	hf_buf_clear(&safe);
	(void)hf_base64_encode(g->body.data, g->body.len, &safe);
	hf_json_string(j, "body_base64", hf_buf_str(&safe));
}

void get_report_json(struct get *g, const char *refused_by, const char *cause,
		     const char *explanation, const char *fix)
{
	struct hf_out *out = &g->ctx->out;
	const struct hf_verdict *verdict = g->session && hf_session_tls(g->session)
					       ? hf_tls_conn_verdict(hf_session_tls(g->session))
					       : NULL;

	if (!out->json_mode)
		return;
	hf_out_json_begin(out);
	hf_json_string(&out->json, "url", g->ctx->args->items[0]);
	json_answer(g);
	json_body(g);
	hf_json_string(&out->json, "refused_by", refused_by);
	hf_json_string(&out->json, "cause", cause);
	hf_json_string(&out->json, "explanation", explanation);
	hf_json_string(&out->json, "fix", fix);
	json_alert(g);
	json_tls(g);
	if (verdict)
		hf_verdict_to_json(verdict, &out->json, "server");
	else
		hf_json_null(&out->json, "server");
	hf_out_json_end(out);
}

/* --- refusals, for people --- */

static void put_option(struct hf_buf *line, const char *name, const char *value)
{
	if (value)
		(void)hf_buf_printf(line, " --%s %s", name, value);
}

/* The command that looks at the same meeting from both sides. */
static void tell_command(const struct get *g)
{
	static const char *const versions[] = { NULL, "1.2", "1.3" };
	HF_AUTO_DONE(hf_buf) line = HF_BUF_INIT(TEXT_CAP);
	const struct get_opts *o = g->opts;

	(void)hf_buf_printf(&line, "handfast explain https://%s%s", g->url.authority,
			    g->url.target);
	put_option(&line, "as", o->who.as);
	put_option(&line, "cert", o->who.cert);
	put_option(&line, "key", o->who.key);
	put_option(&line, "passphrase-file", o->who.passphrase_file);
	for (size_t i = 0; i < o->trust.ca.len; i++)
		put_option(&line, "ca", o->trust.ca.items[i]);
	for (size_t i = 0; i < o->trust.crl.len; i++)
		put_option(&line, "crl", o->trust.crl.items[i]);
	put_option(&line, "connect", o->connect);
	put_option(&line, "via", o->via.via);
	put_option(&line, "via-auth", o->via.auth);
	put_option(&line, "server-name", o->server_name);
	put_option(&line, "name", o->name);
	put_option(&line, "ciphers", o->ciphers);
	put_option(&line, "groups", o->groups);
	put_option(&line, "sigalgs", o->sigalgs);
	put_option(&line, "tls-min", versions[o->tls_min]);
	put_option(&line, "tls-max", versions[o->tls_max]);
	if (o->no_sni)
		(void)hf_buf_puts(&line, " --no-sni");
	if (o->send_proxy)
		(void)hf_buf_puts(&line, " --send-proxy");
	if (line.len > 0)
		hf_log_say("the whole story: %s", hf_buf_str(&line));
}

/* A refusal is the result of the command, so with --json it goes to stdout; its text is a message.
 */
static int refused(struct get *g, const char *by, const char *cause, const char *text,
		   const char *fix)
{
	bool us = strcmp(by, "client") == 0;

	get_report_json(g, by, cause[0] ? cause : NULL, text, fix);
	hf_log_say("REFUSED by %s%s: %s%s%s%s", us ? "us, the client" : "the server ",
		   us ? "" : g->url.authority, text, cause[0] ? " [" : "", cause,
		   cause[0] ? "]" : "");
	if (fix && fix[0])
		hf_log_say("fix: %s", fix);
	tell_command(g);
	return HF_EXIT_NO;
}

static void describe_own(const struct get *g, struct hf_buf *text)
{
	const struct hf_cert *leaf;

	if (!g->credential) {
		(void)hf_buf_puts(text,
				  "You sent no certificate: none was configured (--as or --cert).");
		return;
	}
	leaf = g->credential->chain.items[0];
	(void)hf_buf_printf(text, "You sent %s (issuer %s, serial %s, %zu certificate%s).",
			    leaf->subject, leaf->issuer, leaf->serial, g->credential->chain.len,
			    g->credential->chain.len == 1 ? "" : "s");
}

/* --- what our own certificate says about a refusal of it --- */

static bool own_expired(const struct hf_certs *chain, int64_t now)
{
	return now > chain->items[0]->not_after;
}

static bool own_ca_expired(const struct hf_certs *chain, int64_t now)
{
	for (size_t i = 1; i < chain->len; i++) {
		if (now > chain->items[i]->not_after)
			return true;
	}
	return false;
}

static bool own_not_yet(const struct hf_certs *chain, int64_t now)
{
	return now < chain->items[0]->not_before;
}

static bool own_not_for_clients(const struct hf_certs *chain, int64_t now)
{
	const struct hf_cert *leaf = chain->items[0];

	(void)now;
	return (leaf->flags & HF_CERT_HAS_EKU) && !(leaf->eku & HF_EKU_CLIENT);
}

static bool own_self_signed(const struct hf_certs *chain, int64_t now)
{
	(void)now;
	return chain->len == 1 && (chain->items[0]->flags & HF_CERT_SELF_ISSUED);
}

enum { SILENCE = -1 };

/* Node says nothing and GnuTLS says 49, whatever is wrong with a certificate. */
static bool is_vague(int alert)
{
	return alert == SILENCE || alert == HF_ALERT_ACCESS_DENIED;
}

/* Certain where the certificate alone proves it, likely where the server may know better.
 * `proven`: no server accepts such a certificate, so it is the cause of a vague refusal too. */
static const struct {
	int alert;
	bool proven;
	bool (*applies)(const struct hf_certs *chain, int64_t now);
	enum hf_reason reason;
} own_causes[] = {
	{ HF_ALERT_CERTIFICATE_EXPIRED, true, own_expired, HF_REASON_V_EXPIRED },
	{ HF_ALERT_CERTIFICATE_EXPIRED, true, own_ca_expired, HF_REASON_V_CA_EXPIRED },
	{ HF_ALERT_BAD_CERTIFICATE, true, own_not_yet, HF_REASON_V_NOT_YET },
	{ HF_ALERT_UNSUPPORTED_CERTIFICATE, true, own_not_for_clients, HF_REASON_V_EKU },
	{ HF_ALERT_UNKNOWN_CA, false, own_self_signed, HF_REASON_V_SELF_SIGNED },
};

static enum hf_reason own_cause(const struct get *g, int alert)
{
	for (size_t i = 0; g->credential && i < HF_ARRAY_LEN(own_causes); i++) {
		if ((own_causes[i].alert == alert || (own_causes[i].proven && is_vague(alert))) &&
		    own_causes[i].applies(&g->credential->chain, hf_clock_now()))
			return own_causes[i].reason;
	}
	return HF_REASON_NONE;
}

static int refused_by_server(struct get *g, const struct hf_tls_failure *failure)
{
	const struct hf_alert_meaning *meaning = hf_alert_meaning(failure->alert);
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(TEXT_CAP);
	const struct hf_reason_info *own = hf_reason_info(own_cause(g, failure->alert));

	(void)hf_buf_printf(&text, "alert %d %s: %s. ", failure->alert,
			    hf_alert_name(failure->alert),
			    own->id[0] ? own->sentence : meaning->means);
	if (meaning->about_certificate)
		describe_own(g, &text);
	return refused(g, "server", own->id[0] ? own->id : failure->cause, hf_buf_str(&text),
		       own->id[0] ? own->remedy : meaning->next);
}

static void describe_finding(const struct hf_finding *f, struct hf_buf *text)
{
	if (f->cert)
		(void)hf_buf_printf(text,
				    "the server's %s %s: ", f->depth > 0 ? "CA" : "certificate",
				    f->cert->subject);
	(void)hf_buf_puts(text, hf_reason_info(f->reason)->sentence);
	if (f->want)
		(void)hf_buf_printf(text, "; want %s", f->want);
	if (f->have)
		(void)hf_buf_printf(text, "%s have %s", f->want ? "," : ";", f->have);
}

static int refused_by_us(struct get *g, const struct hf_tls_failure *failure)
{
	const struct hf_verdict *verdict = hf_tls_conn_verdict(hf_session_tls(g->session));
	const struct hf_finding *root =
	    verdict && !verdict->accepted ? hf_verdict_root(verdict) : NULL;
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(TEXT_CAP);

	if (!root)
		return refused(g, "client", failure->cause, failure->text, NULL);
	describe_finding(root, &text);
	return refused(g, "client", hf_reason_info(root->reason)->id, hf_buf_str(&text),
		       root->remedy ? root->remedy : hf_reason_info(root->reason)->remedy);
}

bool get_was_dropped(const struct get *g)
{
	struct hf_tls_info info;

	if (!g->session || !hf_session_tls(g->session) || g->answered)
		return false;
	hf_tls_conn_info(hf_session_tls(g->session), &info);
	return info.cert_requested && (g->end == HF_SESSION_CLOSED || g->end == HF_SESSION_LOST);
}

static int dropped(struct get *g)
{
	const struct hf_reason_info *own = hf_reason_info(own_cause(g, SILENCE));
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(TEXT_CAP);

	(void)hf_buf_puts(
	    &text,
	    "it asked for a certificate and then closed without a word (Node does so for each "
	    "certificate it does not accept; others lose the alert on the way). ");
	describe_own(g, &text);
	if (own->id[0]) {
		(void)hf_buf_printf(&text, " What can be seen from here: %s.", own->sentence);
		return refused(g, "server", own->id, hf_buf_str(&text), own->remedy);
	}
	return refused(g, "server", g->credential ? "T-ALERT-LOST" : "N-NONE", hf_buf_str(&text),
		       g->credential
			   ? "look into the server's log; judge your chain with: handfast verify "
			     "--purpose client --ca SERVERS-CA.pem CERT.pem"
			   : "configure a client certificate (--as or --cert)");
}

static int lost(struct get *g)
{
	const struct hf_tls_failure *failure =
	    hf_session_tls(g->session) ? hf_tls_conn_failure(hf_session_tls(g->session)) : NULL;
	struct hf_err *err = &g->ctx->err;

	if (failure && failure->cause[0])
		(void)hf_err_set(err, HF_E_CLOSED, "%s: %s [%s]", g->url.authority, failure->text,
				 failure->cause);
	else if (failure)
		(void)hf_err_set(err, HF_E_CLOSED, "%s: %s", g->url.authority, failure->text);
	else if (g->answer.has_head)
		(void)hf_err_set(
		    err, HF_E_CLOSED,
		    "%s closed the connection in the middle of its answer (%llu bytes of "
		    "the body came)",
		    g->url.authority, (unsigned long long)g->answer.body.received);
	else
		(void)hf_err_set(err, HF_E_CLOSED, "%s closed the connection before it answered",
				 g->url.authority);
	return hf_err_hint(err, "look into the server's log");
}

/* Nobody refused anybody: there is no TLS.  (libssl calls it a wrong version number.) */
static int not_tls(struct get *g)
{
	(void)hf_err_set(&g->ctx->err, HF_E_CLOSED,
			 "no TLS on %s: the port answered in plain text [T-PLAINTEXT-SERVER]",
			 g->url.authority);
	return hf_err_hint(&g->ctx->err,
			   "use the server's TLS port, or switch TLS on for this one (it may speak "
			   "plain HTTP)");
}

int get_report_failure(struct get *g)
{
	const struct hf_tls_failure *failure =
	    hf_session_tls(g->session) ? hf_tls_conn_failure(hf_session_tls(g->session)) : NULL;

	if (g->end == HF_SESSION_TIMEOUT) {
		(void)hf_err_set(&g->ctx->err, HF_E_TIMEOUT,
				 "%s did not answer in time [T-TIMEOUT]", g->url.authority);
		return hf_err_hint(
		    &g->ctx->err,
		    "look at the process behind the port, or allow more with --timeout");
	}
	if (failure && strcmp(failure->cause, "T-PLAINTEXT-SERVER") == 0)
		return not_tls(g);
	if (failure && failure->refused_by == HF_JUDGE_PEER)
		return refused_by_server(g, failure);
	if (failure && failure->refused_by == HF_JUDGE_US)
		return refused_by_us(g, failure);
	if (get_was_dropped(g))
		return dropped(g);
	return lost(g);
}
