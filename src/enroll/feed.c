/* SPDX-License-Identifier: Apache-2.0 */
/* Subscribers and their questions.  Must never take a confirmation from somebody who has not
 * proved who it is, nor keep a question longer than it asked to wait. */
#include "enroll/feed.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "enroll/service_internal.h"
#include "enroll/subscribers.h"
#include "http/message.h"
#include "util/clock.h"

enum { ANSWER_CAP = 1024 * 1024, SAVE_AFTER_MS = 2, SAVE_EVERY_MS = 50 };

/* A question that waits. */
struct poll {
	struct hf_feed *feed;
	struct hf_http_session *session;
	struct hf_conn *conn;
	struct hf_subscriber *who;
	int64_t after, at;
	uint64_t begun_ms, until_ms;
	struct poll *prev, *next;
};

struct hf_feed {
	struct hf_service *service;
	struct poll *polls;
	struct hf_subscribers subscribers;
	char path[PATH_MAX];
	struct hf_timer *save;
	uint64_t saved_ms;
	bool save_due;
	int64_t event;					       /* of the newest list */
	struct hf_revocation revocations[HF_REVOCATIONS_KEPT]; /* a ring, oldest first at `first` */
	size_t first, revocations_len;
	bool dropped; /* there were more since the start */
	struct hf_buf out;
};

/* --- the file of receipts --- */

static void save_now(void *arg)
{
	struct hf_feed *feed = arg;
	struct hf_err err = HF_ERR_INIT;

	feed->save_due = false;
	feed->saved_ms = (uint64_t)hf_clock_monotonic_ms();
	if (hf_subscribers_save(feed->path, &feed->subscribers, feed->event, hf_clock_now(), &err) <
		0 &&
	    hf_log_bucket_take(&feed->service->front->troubles, hf_clock_monotonic_ms()))
		hf_log_say("%s", err.msg);
}

/* Many confirm at the same moment: one write tells of all of them. */
static void save_soon(struct hf_feed *feed)
{
	uint64_t since = (uint64_t)hf_clock_monotonic_ms() - feed->saved_ms;

	if (feed->save_due)
		return;
	feed->save_due = true;
	if (feed->save == NULL) /* hf_feed_free saves */
		return;
	hf_timer_start(feed->save, since >= SAVE_EVERY_MS ? SAVE_AFTER_MS : SAVE_EVERY_MS - since,
		       0);
}

/* --- answers --- */

static void put_list(struct hf_json *j, const struct hf_list *list)
{
	hf_json_object_begin(j, NULL);
	hf_json_string(j, "name", list->name);
	hf_json_int(j, "event", list->event);
	hf_json_string(j, "number", list->facts.number);
	hf_json_time(j, "this_update", list->facts.this_update);
	hf_json_time(j, "next_update", list->facts.next_update);
	hf_json_hex(j, "sha256", list->sha256, HF_SHA256_LEN);
	hf_json_int(j, "bytes", (int64_t)list->der_len);
	hf_json_object_end(j);
}

static void put_revocation(struct hf_json *j, const struct hf_revocation *r)
{
	hf_json_object_begin(j, NULL);
	hf_json_int(j, "event", r->id);
	hf_json_string(j, "serial", r->serial);
	hf_json_time(j, "at", r->at);
	hf_json_string(j, "reason", hf_crl_reason_name(r->reason));
	hf_json_object_end(j);
}

/* A subscriber that is ahead of us followed another ledger: it gets everything. */
static int64_t since(const struct hf_feed *feed, int64_t after)
{
	return after > feed->event ? 0 : after;
}

static void put_news(struct hf_feed *feed, int64_t after)
{
	int64_t oldest = feed->revocations_len ? feed->revocations[feed->first].id : 0;
	struct hf_json j;

	hf_buf_clear(&feed->out);
	hf_json_init(&j, &feed->out, false);
	hf_json_object_begin(&j, NULL);
	hf_json_int(&j, "event", feed->event);
	hf_json_array_begin(&j, "lists");
	for (size_t i = 0; i < HF_LISTS; i++) {
		const struct hf_list *list = feed->service->lists[i];

		if (list && list->event > after)
			put_list(&j, list);
	}
	hf_json_array_end(&j);
	hf_json_array_begin(&j, "revoked");
	for (size_t i = 0; i < feed->revocations_len; i++) {
		const struct hf_revocation *r =
		    &feed->revocations[(feed->first + i) % HF_REVOCATIONS_KEPT];

		if (r->id > after && r->id <= feed->event)
			put_revocation(&j, r);
	}
	hf_json_array_end(&j);
	/* whether `revoked` names all since then; the lists always do */
	hf_json_bool(&j, "complete", after > 0 && !(feed->dropped && oldest > after + 1));
	hf_json_object_end(&j);
	hf_json_end_line(&j);
}

static void send_json(struct hf_http_session *session, int status, const struct hf_buf *body)
{
	const struct hf_http_answer_head head = {
		.status = status,
		.content_type = "application/json",
		.content_length = (int64_t)body->len,
		.fields = "Cache-Control: no-store\r\n",
		.close = !hf_http_stream_begin(session),
		.date = hf_http_stream_date(session),
	};
	struct hf_buf *out = hf_http_stream_out(session);

	hf_http_answer_head_write(out, &head);
	hf_buf_append(out, body->data, body->len);
	hf_http_stream_end(session, true);
}

static void log_poll(const struct poll *poll, int status, size_t bytes, const char *code)
{
	static const char method[] = "GET", target[] = "/revocations";
	const struct hf_service_entry entry = {
		.conn = poll->conn,
		.at = poll->at,
		.method = { method, sizeof(method) - 1 },
		.target = { target, sizeof(target) - 1 },
		.status = status,
		.bytes = bytes,
		.ms = hf_loop_now_ms(poll->feed->service->loop) - poll->begun_ms,
		.code = code,
	};

	hf_service_log(poll->feed->service, &entry);
}

static void poll_free(struct poll *poll)
{
	struct hf_feed *feed = poll->feed;

	*(poll->prev ? &poll->prev->next : &feed->polls) = poll->next;
	if (poll->next)
		poll->next->prev = poll->prev;
	if (poll->who) {
		poll->who->waiting--;
		poll->who->seen_at = hf_clock_now();
		save_soon(feed);
	}
	free(poll);
}

static void refuse(struct poll *poll, int status, const char *code, const char *sentence,
		   const char *hint)
{
	struct hf_err err = HF_ERR_INIT;
	struct hf_http_session *session = poll->session;
	struct hf_feed *feed = poll->feed;

	(void)hf_err_set(&err, HF_E_POLICY, "%s", sentence);
	if (hint)
		(void)hf_err_hint(&err, "%s", hint);
	hf_buf_clear(&feed->out);
	hf_service_error_json(&feed->out, code, &err);
	log_poll(poll, status, feed->out.len, code);
	poll_free(poll);
	send_json(session, status, &feed->out);
}

static void answer(struct poll *poll)
{
	struct hf_http_session *session = poll->session;
	struct hf_feed *feed = poll->feed;

	put_news(feed, since(feed, poll->after));
	log_poll(poll, 200, feed->out.len, NULL);
	poll_free(poll);
	send_json(session, 200, &feed->out);
}

/* --- questions --- */

static void on_body(struct hf_slice piece, void *arg)
{
	(void)piece;
	(void)arg;
}

static void nothing(void *arg)
{
	(void)arg;
}

static void on_gone(const char *why, void *arg)
{
	(void)why;
	poll_free(arg);
}

static const struct hf_http_stream_ops poll_ops = {
	.on_body = on_body, .on_body_end = nothing, .on_writable = nothing, .on_gone = on_gone
};

/* The value of one parameter of a query; false when it is not there or too long. */
static bool param(struct hf_slice query, const char *name, char *out, size_t cap)
{
	size_t len = strlen(name);
	struct hf_slice part;

	while (query.len > 0 && hf_slice_next(&query, '&', &part)) {
		if (part.len <= len || memcmp(part.data, name, len) != 0 || part.data[len] != '=' ||
		    part.len - len > cap)
			continue;
		memcpy(out, part.data + len + 1, part.len - len - 1);
		out[part.len - len - 1] = '\0';
		return true;
	}
	return false;
}

static bool is_word(const char *text)
{
	static const char allowed[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";

	return text[0] && text[strspn(text, allowed)] == '\0';
}

/* false: answered with 400. */
static bool read_params(struct poll *poll, const struct hf_http_head *head,
			char instance[HF_SUBSCRIBER_WORD_CAP])
{
	struct hf_slice query = hf_http_text(head, head->query);
	char after[24] = "0", wait[16] = "";
	uint64_t n = 0, seconds = HF_FEED_WAIT;

	(void)param(query, "after", after, sizeof(after));
	if (!param(query, "instance", instance, HF_SUBSCRIBER_WORD_CAP))
		(void)hf_str_copy(instance, HF_SUBSCRIBER_WORD_CAP, "-");
	if (!hf_str_u64(after, INT64_MAX, &n) || !is_word(instance) ||
	    (param(query, "wait", wait, sizeof(wait)) &&
	     !hf_str_u64(wait, HF_FEED_WAIT_MAX, &seconds))) {
		refuse(poll, 400, "request",
		       "that is no question for /revocations: after=EVENT, wait=SECONDS (up to "
		       "300), instance=WORD",
		       NULL);
		return false;
	}
	poll->after = (int64_t)n;
	poll->until_ms = poll->begun_ms + seconds * 1000;
	return true;
}

static int take_state(void *arg, const struct hf_record *record)
{
	*(enum hf_record_state *)arg = record->state;
	return 0;
}

/* Ours, whatever it is for, and not revoked.  NULL: it may ask; else why not. */
static const char *unfit(const struct hf_feed *feed, const struct hf_cert *leaf)
{
	const struct hf_record_filter filter = { .sha256 = leaf->sha256, .limit = 1 };
	enum hf_record_state state = HF_RECORD_ABANDONED;

	if (hf_store_list(feed->service->reader, &filter, take_state, &state, NULL) < 0)
		return "the ledger cannot be read now";
	if (state == HF_RECORD_REVOKED)
		return "that certificate is revoked";
	if (state != HF_RECORD_ISSUED)
		return "that certificate is not of this authority";
	return leaf->not_after < hf_clock_now() ? "that certificate has expired" : NULL;
}

/* Who asks; NULL: answered. */
static struct hf_subscriber *meet(struct poll *poll, const char *instance)
{
	const struct hf_certs *chain = hf_tls_conn_peer_chain(hf_conn_tls(poll->conn));
	struct hf_feed *feed = poll->feed;
	struct hf_subscriber *who;
	const char *why;

	if (chain->len == 0) {
		refuse(poll, 403, "certificate-needed",
		       "the feed is for machines of this authority: come with a certificate of it",
		       "the lists themselves are for everybody: /crl/issuing.crl");
		return NULL;
	}
	why = unfit(feed, chain->items[0]);
	if (why) {
		hf_subscribers_drop(&feed->subscribers, chain->items[0]->serial);
		refuse(poll, 403, "certificate-refused", why, NULL);
		return NULL;
	}
	who = hf_subscribers_meet(&feed->subscribers, chain->items[0], instance);
	if (!who)
		refuse(poll, 503, "busy", "there are too many subscribers", NULL);
	return who;
}

void hf_feed_take(struct hf_feed *feed, const struct hf_http_request *request,
		  struct hf_http_session *session)
{
	struct poll *poll = calloc(1, sizeof(*poll));
	size_t known = feed->subscribers.len;
	struct hf_subscriber *who;
	char instance[HF_SUBSCRIBER_WORD_CAP];

	if (!poll)
		return;
	*poll = (struct poll){ .feed = feed,
			       .session = session,
			       .conn = request->conn,
			       .at = request->at,
			       .begun_ms = hf_loop_now_ms(feed->service->loop),
			       .next = feed->polls };
	if (feed->polls)
		feed->polls->prev = poll;
	feed->polls = poll;
	hf_http_stream_take(session, &poll_ops, poll);
	if (!read_params(poll, request->head, instance))
		return;
	who = meet(poll, instance);
	if (!who) /* answered, and with that poll is gone */
		return;
	poll->who = who;
	poll->who->waiting++;
	poll->who->seen_at = request->at;
	poll->who->confirmed = since(feed, poll->after);
	hf_address_format(hf_conn_peer(request->conn), poll->who->address);
	if (feed->subscribers.len > known)
		save_now(feed); /* before its answer: `revoke --wait` waits for who is ready */
	else
		save_soon(feed);
	if (since(feed, poll->after) < feed->event || feed->service->front->draining ||
	    poll->until_ms == poll->begun_ms)
		answer(poll);
}

/* --- news --- */

static void remember(struct hf_feed *feed, const struct hf_revocation *r)
{
	hf_subscribers_drop(&feed->subscribers, r->serial);
	feed->revocations[(feed->first + feed->revocations_len) % HF_REVOCATIONS_KEPT] = *r;
	if (feed->revocations_len < HF_REVOCATIONS_KEPT) {
		feed->revocations_len++;
		return;
	}
	feed->first = (feed->first + 1) % HF_REVOCATIONS_KEPT;
	feed->dropped = true;
}

/* A subscriber that was revoked itself hears of it, and nothing afterwards. */
static void answer_if(struct hf_feed *feed, bool (*is_due)(const struct poll *poll))
{
	for (struct poll *poll = feed->polls, *next; poll; poll = next) {
		next = poll->next;
		if (poll->who && is_due(poll))
			answer(poll);
	}
}

static bool has_news(const struct poll *poll)
{
	return since(poll->feed, poll->after) < poll->feed->event;
}

static bool waited_enough(const struct poll *poll)
{
	return hf_loop_now_ms(poll->feed->service->loop) >= poll->until_ms;
}

static bool anybody(const struct poll *poll)
{
	(void)poll;
	return true;
}

void hf_feed_news(struct hf_feed *feed, const struct hf_revocation *revocations, size_t len)
{
	int64_t before = feed->event;

	for (size_t i = 0; i < len; i++)
		remember(feed, &revocations[i]);
	for (size_t i = 0; i < HF_LISTS; i++) {
		if (feed->service->lists[i])
			feed->event = HF_MAX(feed->event, feed->service->lists[i]->event);
	}
	if (feed->event == before)
		return;
	answer_if(feed, has_news);
	save_soon(feed);
}

void hf_feed_tick(struct hf_feed *feed)
{
	answer_if(feed, waited_enough);
}

void hf_feed_drain(struct hf_feed *feed)
{
	answer_if(feed, anybody);
}

void hf_feed_stand(const struct hf_feed *feed, struct hf_feed_standing *ret_standing)
{
	*ret_standing = (struct hf_feed_standing){ .event = feed->event };
	hf_subscribers_stand(&feed->subscribers, feed->event, &ret_standing->subscribers);
}

/* --- beginning and end --- */

/* Those who were there before and have not come back are still owed an answer by revoke --wait. */
static void load_subscribers(struct hf_feed *feed)
{
	struct hf_err err = HF_ERR_INIT;
	int64_t ignored;

	if (hf_subscribers_load(feed->path, &feed->subscribers, &ignored, &err) < 0)
		hf_log_say("%s: who followed the revocations is not known", err.msg);
	for (size_t i = 0; i < feed->subscribers.len; i++)
		feed->subscribers.items[i]->waiting = 0;
	hf_subscribers_forget(&feed->subscribers, hf_clock_now() - HF_SUBSCRIBER_FORGET);
}

int hf_feed_new(struct hf_service *service, struct hf_feed **ret_feed, struct hf_err *err)
{
	HF_AUTO(hf_feed) feed = calloc(1, sizeof(*feed));
	int rc;

	if (!feed)
		return hf_err_nomem(err);
	feed->service = service;
	hf_buf_init(&feed->out, ANSWER_CAP);
	rc = hf_path_join(feed->path, sizeof(feed->path), service->authority->dir,
			  "subscribers.json", err);
	if (rc == 0)
		rc = hf_timer_new(service->loop, save_now, feed, &feed->save, err);
	if (rc < 0)
		return rc;
	load_subscribers(feed);
	*ret_feed = hf_take(feed);
	return 0;
}

void hf_feed_stop(struct hf_feed *feed)
{
	if (feed == NULL)
		return;
	hf_timer_free(feed->save);
	feed->save = NULL;
}

void hf_feed_free(struct hf_feed *feed)
{
	if (!feed)
		return;
	if (feed->save_due)
		save_now(feed);
	hf_timer_free(feed->save);
	hf_subscribers_done(&feed->subscribers);
	hf_buf_done(&feed->out);
	free(feed);
}
