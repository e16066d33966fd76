/* SPDX-License-Identifier: Apache-2.0 */
/* A look at a server.  Must never say more to it than the client would, but for a GET; and must
 * wait for the server's verdict before it says anything at all. */
#include "probe/look.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/time.h"
#include "probe/h2.h"
#include "util/clock.h"

enum { VERDICT_MS = 400, VERDICT_12_MS = 120, ANSWER_MS = 2000 };
/* what every path carries (RFC 9293 3.7.1), and how long one that loses packets is tried again */
enum { SEGMENT_LEN = 536, SMALL_MS = 3000 };

static const char *const only_h2[] = { "h2", NULL };

/* What a kind of look changes about the client's way. */
static void adapt(struct hf_look_plan *p, struct hf_tls_config *config, enum hf_look_kind kind)
{
	switch (kind) {
	case HF_LOOK_NO_CERT:
		config->credential = NULL;
		break;
	case HF_LOOK_TLS12:
		config->tls_min = config->tls_max = HF_TLS_1_2;
		break;
	case HF_LOOK_SNI:
		config->server_name = p->verify_name;
		break;
	case HF_LOOK_NO_SNI:
		config->server_name = NULL;
		break;
	case HF_LOOK_PROXY:
		p->send_proxy = true;
		break;
	case HF_LOOK_NO_PROXY:
		p->send_proxy = false;
		break;
	case HF_LOOK_ANYTHING:
		config->anything = true;
		/* fall through */
	case HF_LOOK_DEFAULTS:
		config->ciphers = config->groups = config->sigalgs = NULL;
		config->tls_min = config->tls_max = HF_TLS_VERSION_DEFAULT;
		config->alpn = NULL;
		break;
	case HF_LOOK_LATE_AUTH:
		config->post_handshake_auth = true;
		/* fall through */
	case HF_LOOK_HTTP1:
		config->alpn = NULL; /* the request is one of HTTP/1.1 */
		break;
	case HF_LOOK_SMALL:
		p->segment_len = SEGMENT_LEN;
		p->timeout_ms = HF_MIN(p->timeout_ms, (int64_t)SMALL_MS);
		break;
	case HF_LOOK_RESUMED:
		config->resumption = *p->resumption;
		config->insecure = true; /* whose certificates come with the session */
		break;
	case HF_LOOK_HTTP2:
		config->alpn = only_h2;
		break;
	default:
		break;
	}
}

/* Looks that are not the client's own show nothing of it and trust nobody. */
static bool is_stranger(enum hf_look_kind kind)
{
	return kind == HF_LOOK_DEFAULTS || kind == HF_LOOK_ANYTHING || kind == HF_LOOK_DATE ||
	       kind == HF_LOOK_PROXY || kind == HF_LOOK_NO_PROXY;
}

static int make_context(struct hf_look_plan *p, enum hf_look_kind kind,
			struct hf_tls_context **ret_context, struct hf_err *err)
{
	struct hf_tls_config config = {
		.role = HF_TLS_CLIENT,
		.credential = is_stranger(kind) ? NULL : p->credential,
		.trust = p->trust,
		.profile = p->profile,
		.compat_cn = p->compat,
		.tls_min = p->tls_min,
		.tls_max = p->tls_max,
		.alpn = p->alpn,
		.server_name = p->server_name,
		.verify_name = p->verify_name,
		.insecure = !p->judge || is_stranger(kind),
		.ciphers = p->ciphers,
		.groups = p->groups,
		.sigalgs = p->sigalgs,
		.now = hf_clock_for_tls,
		.ask_staple = true,
		.tickets = true,
	};

	adapt(p, &config, kind);
	return hf_tls_context_new(&config, ret_context, err);
}

static void end_of(struct hf_look *look, enum hf_session_end end)
{
	static const enum hf_look_end ends[] = {
		[HF_SESSION_OK] = HF_LOOK_OPEN,		[HF_SESSION_CLOSED] = HF_LOOK_CLOSED,
		[HF_SESSION_REFUSED] = HF_LOOK_REFUSED, [HF_SESSION_LOST] = HF_LOOK_LOST,
		[HF_SESSION_TIMEOUT] = HF_LOOK_OPEN,
	};

	look->end = ends[end];
}

static bool field_is(const struct hf_http_head *head, size_t i, const char *name)
{
	struct hf_slice have = hf_http_text(head, head->fields[i].name);

	return have.len == strlen(name) && hf_mem_case_eq(have.data, name, have.len);
}

/* IMF-fixdate (RFC 9110 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT". */
static int64_t date_of(struct hf_slice text)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int day, year, hour, minute, second;
	char month[4] = "", line[40];
	const char *at;

	if (text.len != 29)
		return 0;
	(void)snprintf(line, sizeof(line), "%.*s", (int)text.len, text.data);
	if (sscanf(line + 5, "%2d %3s %4d %2d:%2d:%2d", &day, month, &year, &hour, &minute,
		   &second) != 6)
		return 0;
	at = strstr(months, month);
	if (strlen(month) != 3 || !at || (at - months) % 3 != 0)
		return 0;
	return hf_time_from_civil(year, (int)(at - months) / 3 + 1, day, hour, minute, second);
}

static bool keep_body(const char *data, size_t len, void *arg)
{
	struct hf_web_answer *http = arg;
	size_t have = strlen(http->body), room = sizeof(http->body) - 1 - have;

	for (size_t i = 0; i < HF_MIN(len, room); i++)
		http->body[have + i] = data[i] ? data[i] : ' ';
	return len < room;
}

static void note_answer(struct hf_look *look, const struct hf_answer *answer)
{
	const struct hf_http_head *head = &answer->head;
	HF_AUTO_DONE(hf_buf) safe = HF_BUF_INIT(4096);

	look->http.status = head->status_code;
	for (size_t i = 0; i < head->fields_len; i++) {
		struct hf_slice value = hf_http_text(head, head->fields[i].value);

		if (field_is(head, i, "Date"))
			look->http.date = date_of(value);
		look->http.challenge |= field_is(head, i, "WWW-Authenticate");
		if (field_is(head, i, "Server") && safe.len == 0 &&
		    hf_str_escape(&safe, value.data, HF_MIN(value.len, (size_t)60)) == 0)
			(void)snprintf(look->http.server, sizeof(look->http.server), "%s",
				       hf_buf_str(&safe));
	}
	look->end = HF_LOOK_ANSWERED;
}

/* Node's words to who offered no protocol, where it knows HTTP/2 alone. */
static bool asks_for_h2(const char *text)
{
	return strstr(text, "expected `h2` to be available") != NULL;
}

static void ask(const struct hf_look_plan *p, struct hf_session *session, struct hf_look *look)
{
	HF_AUTO_DONE(hf_answer) answer = HF_ANSWER_INIT;
	struct hf_request request = { .method = "GET", .url = p->url };
	enum hf_session_end end;

	look->at = hf_clock_now();
	if (p->plain)
		hf_transcript_note(&look->transcript, HF_EVENT_DATA, true, 0, "GET in plain HTTP");
	look->asked = true;
	hf_session_set_timeout(session, ANSWER_MS);
	(void)hf_request_send(session, &request); /* a refusal may still be read */
	end = hf_answer_read_head(session, "GET", &answer);
	if (p->plain && answer.bytes.len > 0)
		hf_transcript_first(&look->transcript, answer.bytes.data, answer.bytes.len);
	end_of(look, end);
	look->speaks_h2 = hf_h2_begins(answer.bytes.data, answer.bytes.len);
	if (end != HF_SESSION_OK || !answer.has_head)
		return;
	note_answer(look, &answer);
	(void)hf_answer_read_body(session, &answer, keep_body, &look->http);
	if (asks_for_h2(look->http.body)) {
		look->speaks_h2 = true;
		look->http.status = 0; /* no answer to the request: nobody has read it */
	}
}

static void note_h2(struct hf_look *look, const struct hf_h2_reader *reader)
{
	look->http.stream_error = reader->error;
	look->http.status = reader->status;
	(void)keep_body(reader->body, reader->body_len, &look->http);
	if (reader->status)
		look->end = HF_LOOK_ANSWERED;
}

static void ask_h2(const struct hf_look_plan *p, struct hf_session *session, struct hf_look *look)
{
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(2 * HF_H2_FRAME_CAP);
	HF_AUTO_DONE(hf_h2_reader) reader;
	enum hf_session_end end = HF_SESSION_OK;
	char piece[4096];

	hf_h2_reader_init(&reader);
	look->at = hf_clock_now();
	if (hf_h2_request(p->url, &out) < 0)
		return;
	look->asked = true;
	hf_session_set_timeout(session, ANSWER_MS);
	while (end == HF_SESSION_OK && !reader.ended) {
		size_t n = 0;

		if (out.len > 0)
			(void)hf_session_write(session, out.data, out.len);
		hf_buf_clear(&out);
		end = hf_session_read(session, piece, sizeof(piece), &n);
		if (end == HF_SESSION_OK)
			hf_h2_take(&reader, piece, n, &out);
	}
	end_of(look, end);
	note_h2(look, &reader);
}

/* Who speaks first and was not asked for a protocol: is it HTTP/2? */
static void hear_first(struct hf_session *session, struct hf_look *look)
{
	char piece[4096] = "";
	size_t n = 0;

	if (!look->transcript.choice.alpn &&
	    hf_session_read(session, piece, sizeof(piece) - 1, &n) == HF_SESSION_OK)
		look->speaks_h2 = hf_h2_begins(piece, n) || asks_for_h2(piece);
}

/* A GET is for HTTP: not into another protocol that was agreed on. */
static bool speaks_http1(const struct hf_look *look)
{
	const struct hf_transcript *t = &look->transcript;

	return !t->choice.alpn || hf_transcript_chose(t, "http/1.1") ||
	       hf_transcript_chose(t, "http/1.0");
}

static void converse(const struct hf_look_plan *p, struct hf_session *session, struct hf_look *look)
{
	enum hf_session_end end = hf_session_handshake(session);

	look->at = hf_clock_now();
	end_of(look, end);
	if (end == HF_SESSION_TIMEOUT) {
		look->end = look->transcript.first_len ? HF_LOOK_OPEN : HF_LOOK_SILENT;
		hf_transcript_note(&look->transcript, HF_EVENT_SILENCE, false, 0, NULL);
	}
	if (end != HF_SESSION_OK)
		return;
	look->handshake_done = hf_session_tls(session) != NULL;
	if (look->transcript.demand.seen) {
		/* under TLS 1.2 the verdict came inside the handshake, but Node still hangs up */
		bool late = look->transcript.choice.version == HF_TLS_1_3;

		end = hf_session_await_words(session, &look->transcript,
					     late ? VERDICT_MS : VERDICT_12_MS);
		end_of(look, end);
		if (end != HF_SESSION_OK)
			return;
	}
	/* who speaks first does not wait for a GET */
	if (p->plain || (speaks_http1(look) && !look->transcript.data_received))
		ask(p, session, look);
	else if (hf_transcript_chose(&look->transcript, "h2"))
		ask_h2(p, session, look);
	else if (look->transcript.data_received)
		hear_first(session, look);
}

static void conclude(const struct hf_tls_context *context, struct hf_session *session,
		     struct hf_look *look)
{
	struct hf_tls_conn *conn = hf_session_tls(session);
	const struct hf_tls_failure *failure = conn ? hf_tls_conn_failure(conn) : NULL;
	struct hf_err err = HF_ERR_INIT;

	if (!conn)
		return;
	if (failure) {
		look->failed = true;
		look->failure = *failure;
	}
	hf_tls_conn_info(conn, &look->info);
	look->info.cipher = look->info.group = look->info.alpn = look->info.sni = NULL;
	if (look->transcript.server.certs.len > 0 &&
	    hf_tls_context_judge(context, &look->transcript.server.certs, &look->server, &err) == 0)
		look->judged = true;
	hf_tls_conn_record(conn, NULL);
}

static void dial_and_talk(struct hf_look_plan *p, enum hf_look_kind kind,
			  struct hf_tls_context *context, struct hf_look *look, struct hf_err *err)
{
	HF_AUTO(hf_session) session = NULL;
	int64_t deadline = hf_clock_monotonic_ms() + p->timeout_ms;
	struct hf_session_way way = { p->addresses, p->addresses_len, p->via, p->segment_len };
	int rc = hf_session_dial(&way, deadline, &session, err);

	if (rc < 0) {
		/* Of a server behind a proxy nothing is known then. */
		look->end = p->via != NULL ? HF_LOOK_NOT_MADE : HF_LOOK_UNREACHED;
		look->sys_errno = rc == -HF_E_TIMEOUT  ? ETIMEDOUT
				  : rc == -HF_E_CLOSED ? ECONNRESET
						       : ECONNREFUSED;
		return;
	}
	if (p->send_proxy)
		(void)hf_session_send_proxy(session);
	rc = hf_session_start_tls(session, context, err);
	if (rc < 0) {
		look->end = HF_LOOK_NOT_MADE;
		return;
	}
	if (hf_session_tls(session))
		hf_tls_conn_record(hf_session_tls(session), &look->transcript);
	converse(p, session, look);
	look->unconfirmed = look->end == HF_LOOK_OPEN && hf_session_unconfirmed(session);
	if (kind == HF_LOOK_MAIN && p->resumption && hf_session_tls(session)) {
		*p->resumption = hf_tls_resumption_of(hf_session_tls(session));
		look->resumable = *p->resumption != NULL;
	}
	conclude(context, session, look);
}

void hf_look_make(const struct hf_look_plan *plan, enum hf_look_kind kind, struct hf_look *look)
{
	HF_AUTO(hf_tls_context) context = NULL;
	struct hf_look_plan p = *plan;
	struct hf_err err = HF_ERR_INIT;
	int rc = 0;

	hf_look_done(look);
	hf_look_init(look);
	hf_transcript_init(&look->transcript, hf_session_clock_us);
	look->made = true;
	look->at = hf_clock_now();
	if (kind == HF_LOOK_MAIN)
		look->transcript.tell = plan->tell;
	else
		p.plain = false;
	if (!p.plain)
		rc = make_context(&p, kind, &context, &err);
	if (rc < 0)
		look->end = HF_LOOK_NOT_MADE;
	else
		dial_and_talk(&p, kind, context, look, &err);
	(void)snprintf(look->own_error, sizeof(look->own_error), "%s", err.msg);
}
