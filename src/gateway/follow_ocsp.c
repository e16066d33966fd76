/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP for the workers: each asks over a socket of its own, the responder is asked once for all of
 * them, and answers are kept as long as they count.
 *
 * A worker talks to strangers, so its questions are looked at as if it were one: the path must lead
 * to an anchor of ours, and the responder must be ours or the one that the certificate names.  Who
 * has not been issued a certificate by a CA that is trusted here cannot make this process connect
 * anywhere.  Must never follow a redirect, nor keep an answer that is not signed by the right one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/str.h"
#include "gateway/follower.h"
#include "gateway/generation.h"
#include "gateway/ocsp/book.h"
#include "gateway/ocsp/keytable.h"
#include "gateway/ocsp/wire.h"
#include "util/clock.h"
#include "util/home.h"
#include "util/log.h"

enum {
	WORKERS_CAP = 64,
	AT_ONCE_CAP = 64,      /* responders being asked */
	AT_ONE_PLACE_CAP = 16, /* of these, by host and port: a silent one leaves room for others */
	QUEUE_CAP = 4096,
	QUEUE_TICK_MS = 100,
	QUESTIONS_A_ROUND = 32,
};

struct lookup {
	struct hf_keyed keyed; /* first */
	struct hf_follow_ocsp *all;
	struct hf_certs path;
	struct hf_url url;
	struct hf_tls_context *tls;
	struct hf_fetch *fetch;	   /* it is being asked */
	struct lookup *queue_next; /* or waits for its turn */
	bool queued;
	uint64_t begun_ms;
	uint64_t ids[WORKERS_CAP]; /* of the question of each worker that waits; 0: none */
	struct hf_buf answer;	   /* good up to end_at; asked for again from again_at on */
	int64_t again_at, end_at;
};

struct asker {
	struct hf_follow_ocsp *all;
	struct hf_watch *watch;
	int fd;
	size_t index;
};

struct hf_follow_ocsp {
	struct hf_follower *follower;
	struct hf_ocsp_book *book;
	struct asker askers[WORKERS_CAP];
	size_t askers_len;
	struct hf_trust *machine; /* for responders behind https; NULL: not made yet */
	struct hf_timer *tick;
	struct hf_keytable table;
	struct lookup *fetching[AT_ONCE_CAP];
	size_t fetching_len;
	struct lookup *queue_first, *queue_last;
	size_t queue_len;
	char packet[HF_OCSP_PACKET_CAP];
};

static struct lookup *lookup_of(struct hf_keyed *keyed)
{
	return (struct lookup *)(void *)keyed;
}

/* --- answers ----------------------------------------------------------------------------- */

static void send_answer(struct hf_follow_ocsp *all, size_t worker, uint64_t id, bool failed,
			const void *data, size_t len)
{
	HF_AUTO_DONE(hf_buf) packet = HF_BUF_INIT(HF_OCSP_PACKET_CAP);
	const struct hf_ocsp_answer answer = { id, failed, data, len };

	/* What does not get through is asked again, or given up, by the worker. */
	if (hf_ocsp_answer_write(&answer, &packet) == 0)
		(void)!send(all->askers[worker].fd, packet.data, packet.len, MSG_NOSIGNAL);
}

static void answer_all(struct lookup *l, bool failed, const void *data, size_t len)
{
	for (size_t i = 0; i < l->all->askers_len; i++) {
		if (l->ids[i] != 0)
			send_answer(l->all, i, l->ids[i], failed, data, len);
		l->ids[i] = 0;
	}
}

static void lookup_drop(struct lookup *l)
{
	hf_keytable_remove(&l->all->table, &l->keyed);
	hf_fetch_cancel(l->fetch);
	hf_tls_context_unref(l->tls);
	hf_certs_done(&l->path);
	hf_buf_done(&l->answer);
	free(l);
}

static void stop_asking(struct lookup *l)
{
	struct hf_follow_ocsp *all = l->all;

	l->fetch = NULL;
	hf_tls_context_unref(l->tls);
	l->tls = NULL;
	for (size_t i = 0; i < all->fetching_len; i++) {
		if (all->fetching[i] != l)
			continue;
		all->fetching[i] = all->fetching[--all->fetching_len];
		break;
	}
}

/* A failure is not kept here: each worker says when it wants to try again. */
static void fail(struct lookup *l, const char *why)
{
	char text[HF_OCSP_WHY_CAP];
	int64_t now = hf_clock_now();

	(void)snprintf(text, sizeof(text), "%.64s: %.120s", l->url.authority, why);
	answer_all(l, true, text, strlen(text));
	if (l->answer.len == 0 || now >= l->end_at)
		lookup_drop(l);
}

static void run_queue(struct hf_follow_ocsp *all);

static void on_answer(const struct hf_fetch_answer *answer, void *arg)
{
	struct lookup *l = arg;
	struct hf_follow_ocsp *all = l->all;
	struct hf_err err = HF_ERR_INIT;
	struct hf_ocsp_says says;
	char why[64];

	stop_asking(l);
	if (answer->status != 200) {
		(void)snprintf(why, sizeof(why), "the answer was HTTP %d", answer->status);
		fail(l, answer->status ? why : answer->why);
	} else if (hf_ocsp_weigh(hf_buf_str(answer->body), answer->body->len, &l->path,
				 hf_clock_now(), &says, &l->again_at, &l->end_at, &err) < 0) {
		(void)hf_err_context(&err, -HF_E_POLICY, "its answer cannot be believed");
		fail(l, err.msg);
	} else {
		hf_buf_clear(&l->answer);
		(void)hf_buf_append(&l->answer, answer->body->data, answer->body->len);
		answer_all(l, false, l->answer.data, l->answer.len);
	}
	run_queue(all);
}

/* --- asking ------------------------------------------------------------------------------ */

static int make_machine_trust(struct hf_follow_ocsp *all, struct hf_err *err)
{
	const struct hf_gateway_parts *parts = all->follower->start->parts;
	HF_AUTO(hf_trust) trust = NULL;
	const char *roots = hf_home_machine_roots();
	int rc = hf_trust_new(0, &trust, err);

	for (size_t p = 0; rc == 0 && p < parts->policies_len; p++) {
		const struct hf_certs *anchors = hf_trust_anchors(parts->policies[p].trust);

		for (size_t i = 0; rc == 0 && i < anchors->len; i++)
			rc = hf_trust_add_anchor(trust, anchors->items[i], NULL, err);
	}
	if (rc == 0 && roots)
		rc = hf_trust_load_file(trust, roots, NULL, err);
	if (rc == 0)
		rc = hf_trust_freeze(trust, err);
	if (rc == 0)
		all->machine = hf_take(trust);
	return rc;
}

static int make_tls(struct lookup *l, struct hf_err *err)
{
	struct hf_tls_config tls = { .role = HF_TLS_CLIENT,
				     .server_name = l->url.host,
				     .verify_name = l->url.host,
				     .now = hf_clock_for_tls };
	int rc = 0;

	if (l->url.plain)
		return 0;
	if (!l->all->machine)
		rc = make_machine_trust(l->all, err);
	tls.trust = l->all->machine;
	return rc < 0 ? rc : hf_tls_context_new(&tls, &l->tls, err);
}

static int start_asking(struct lookup *l, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) ask = HF_BUF_INIT(HF_OCSP_REQUEST_CAP);
	uint64_t limit_ms = hf_ocsp_book_limit_ms(l->all->book);
	uint64_t waited_ms = hf_loop_now_ms(l->all->follower->loop) - l->begun_ms;
	uint64_t left_ms = limit_ms - HF_MIN(waited_ms, limit_ms - 1);
	struct hf_fetch_request request = { .url = &l->url,
					    .content_type = "application/ocsp-request",
					    .foreign = true,
					    .cap = HF_OCSP_RESPONSE_CAP,
					    .connect_ms = left_ms,
					    .answer_ms = left_ms,
					    .all_ms = left_ms };
	int rc = hf_ocsp_ask(l->path.items[0], l->path.items[1], &ask, err);

	if (rc == 0)
		rc = make_tls(l, err);
	if (rc < 0)
		return rc;
	request.tls = l->tls;
	request.body = ask.data;
	request.body_len = ask.len;
	rc = hf_fetch_start(l->all->follower->loop, &request, on_answer, l, &l->fetch, err);
	if (rc == 0)
		l->all->fetching[l->all->fetching_len++] = l;
	return rc;
}

static bool may_start(const struct hf_follow_ocsp *all, const struct lookup *l)
{
	size_t there = 0;

	for (size_t i = 0; i < all->fetching_len; i++)
		there += strcmp(all->fetching[i]->url.authority, l->url.authority) == 0 &&
			 all->fetching[i]->url.plain == l->url.plain;
	return all->fetching_len < AT_ONCE_CAP && there < AT_ONE_PLACE_CAP;
}

static void begin(struct lookup *l)
{
	struct hf_err err = HF_ERR_INIT;

	if (start_asking(l, &err) < 0)
		fail(l, err.msg);
}

/* Takes one out of the queue; before: the one in front of it, NULL: it is the first. */
static void unqueue(struct hf_follow_ocsp *all, struct lookup *before, struct lookup *l)
{
	*(before ? &before->queue_next : &all->queue_first) = l->queue_next;
	if (all->queue_last == l)
		all->queue_last = before;
	l->queue_next = NULL;
	l->queued = false;
	all->queue_len--;
}

static void run_queue(struct hf_follow_ocsp *all)
{
	uint64_t now = hf_loop_now_ms(all->follower->loop),
		 limit = hf_ocsp_book_limit_ms(all->book);
	struct lookup *before = NULL, *next;

	for (struct lookup *l = all->queue_first; l; l = next) {
		bool over = now - l->begun_ms >= limit, may = may_start(all, l);

		next = l->queue_next;
		if (!over && !may) {
			before = l;
			continue;
		}
		unqueue(all, before, l);
		if (over)
			fail(l, "it has not answered others, and this was not asked in time");
		else
			begin(l);
	}
	if (all->queue_len == 0)
		hf_timer_stop(all->tick);
}

static void on_tick(void *arg)
{
	run_queue(arg);
}

static void start_or_queue(struct lookup *l)
{
	struct hf_follow_ocsp *all = l->all;

	l->begun_ms = hf_loop_now_ms(all->follower->loop);
	if (may_start(all, l)) {
		begin(l);
		return;
	}
	if (all->queue_len >= QUEUE_CAP) {
		fail(l, "too much is being asked at once");
		return;
	}
	*(all->queue_last ? &all->queue_last->queue_next : &all->queue_first) = l;
	all->queue_last = l;
	l->queued = true;
	if (all->queue_len++ == 0)
		hf_timer_start(all->tick, QUEUE_TICK_MS, QUEUE_TICK_MS);
}

/* --- questions --------------------------------------------------------------------------- */

static bool leads_to_anchor(const struct hf_follow_ocsp *all, const struct hf_certs *path,
			    struct hf_err *err)
{
	const struct hf_gateway_parts *parts = all->follower->start->parts;
	const struct hf_verify_options options = { .purpose = HF_PURPOSE_CLIENT,
						   .at = hf_clock_now() };
	bool found = false;

	for (size_t p = 0; !found && p < parts->policies_len; p++) {
		HF_AUTO_DONE(hf_verdict) verdict;
		HF_AUTO(hf_trust) anchors = NULL;

		hf_verdict_init(&verdict);
		found = hf_trust_anchors_only(parts->policies[p].trust, &anchors, err) == 0 &&
			hf_verify(path, anchors, &options, &verdict, err) == 0 && verdict.accepted;
	}
	return found;
}

static bool is_ours(const struct hf_follow_ocsp *all, const struct hf_certs *path)
{
	const struct hf_gateway_parts *parts = all->follower->start->parts;

	for (size_t p = 0; p < parts->policies_len; p++)
		if (hf_cert_equal(parts->policies[p].credential->chain.items[0], path->items[0]))
			return true;
	return false;
}

static bool is_named(const struct hf_follow_ocsp *all, const struct hf_ocsp_question *question)
{
	const struct hf_gateway_parts *parts = all->follower->start->parts;
	HF_AUTO(cstr) named = hf_ocsp_url(question->path.items[0]);

	if (hf_str_eq(named, question->url))
		return true;
	for (size_t p = 0; p < parts->policies_len; p++)
		if (hf_str_eq(parts->policies[p].ocsp_url, question->url))
			return true;
	return false;
}

static bool make_room(struct hf_follow_ocsp *all)
{
	struct hf_keyed *k = all->table.oldest;

	if (all->table.len < HF_OCSP_BOOK_CAP)
		return true;
	while (k && (lookup_of(k)->fetch || lookup_of(k)->queued))
		k = k->newer;
	if (k)
		lookup_drop(lookup_of(k));
	return k != NULL;
}

static int lookup_new(struct hf_follow_ocsp *all, struct hf_ocsp_question *question,
		      const uint8_t key[HF_SHA256_LEN], struct lookup **ret_lookup,
		      struct hf_err *err)
{
	struct lookup *l;
	struct hf_url url;
	int rc = hf_url_parse_any(question->url, &url, err);

	if (rc < 0)
		return rc;
	if (!is_named(all, question) ||
	    (!is_ours(all, &question->path) && !leads_to_anchor(all, &question->path, err)))
		return hf_err_set(err, HF_E_POLICY, "nobody is asked about this certificate");
	l = make_room(all) ? calloc(1, sizeof(*l)) : NULL;
	if (!l)
		return hf_err_set(err, HF_E_LIMIT, "too much is being asked at once");
	l->all = all;
	l->url = url;
	l->path = question->path;
	question->path = (struct hf_certs)HF_CERTS_INIT;
	hf_buf_init(&l->answer, HF_OCSP_RESPONSE_CAP);
	memcpy(l->keyed.key, key, HF_SHA256_LEN);
	hf_keytable_add(&all->table, &l->keyed);
	*ret_lookup = l;
	return 0;
}

static int take_question(struct asker *asker, struct hf_ocsp_question *question, struct hf_err *err)
{
	struct hf_follow_ocsp *all = asker->all;
	uint8_t key[HF_SHA256_LEN];
	struct lookup *l;
	int rc = hf_ocsp_key(&question->path, question->url, key, err);

	if (rc < 0)
		return rc;
	l = lookup_of(hf_keytable_find(&all->table, key));
	if (l && !l->fetch && !l->queued && hf_clock_now() < l->again_at) {
		send_answer(all, asker->index, question->id, false, l->answer.data, l->answer.len);
		return 0;
	}
	if (!l)
		rc = lookup_new(all, question, key, &l, err);
	if (rc < 0)
		return rc;
	l->ids[asker->index] = question->id;
	if (!l->fetch && !l->queued)
		start_or_queue(l);
	return 0;
}

static void on_packet(struct asker *asker, size_t len)
{
	HF_AUTO_DONE(hf_ocsp_question) question = HF_OCSP_QUESTION_INIT;
	struct hf_err err = HF_ERR_INIT;
	int rc = hf_ocsp_question_parse(asker->all->packet, len, &question, &err);

	if (rc == 0)
		rc = take_question(asker, &question, &err);
	if (rc < 0 && question.id != 0)
		send_answer(asker->all, asker->index, question.id, true, err.msg, strlen(err.msg));
}

static void on_readable(int events, void *arg)
{
	struct asker *asker = arg;

	(void)events;
	for (int i = 0; i < QUESTIONS_A_ROUND; i++) {
		ssize_t n = recv(asker->fd, asker->all->packet, sizeof(asker->all->packet), 0);

		if (n <= 0)
			return;
		on_packet(asker, (size_t)n);
	}
}

/* --- beginning and end ------------------------------------------------------------------- */

static int open_asker(struct hf_follow_ocsp *all, struct hf_err *err)
{
	struct asker *asker = &all->askers[all->askers_len];
	int rc;

	*asker = (struct asker){ .all = all,
				 .fd = hf_ocsp_book_follower_fd(all->book, all->askers_len),
				 .index = all->askers_len };
	rc = hf_watch_new(all->follower->loop, asker->fd, on_readable, asker, &asker->watch, err);
	if (rc == 0)
		rc = hf_watch_set(asker->watch, UV_READABLE);
	if (rc < 0)
		return rc;
	all->askers_len++;
	send_answer(all, asker->index, 0, false, NULL, 0);
	return 0;
}

int hf_follow_ocsp_start(struct hf_follower *follower, struct hf_err *err)
{
	struct hf_ocsp_book *book = follower->start->config->ocsp;
	struct hf_follow_ocsp *all = book ? calloc(1, sizeof(*all)) : NULL;
	int rc = 0;

	if (!book)
		return 0;
	if (!all)
		return hf_err_nomem(err);
	follower->ocsp = all;
	all->follower = follower;
	all->book = book;
	hf_ocsp_book_in_follower(book);
	rc = hf_timer_new(follower->loop, on_tick, all, &all->tick, err);
	while (rc == 0 && hf_ocsp_book_follower_fd(book, all->askers_len) >= 0)
		rc = open_asker(all, err);
	return rc;
}

void hf_follow_ocsp_stop(struct hf_follower *follower)
{
	struct hf_follow_ocsp *all = follower->ocsp;

	if (!all)
		return;
	for (size_t i = 0; i < all->askers_len; i++)
		hf_watch_free(all->askers[i].watch);
	while (all->table.oldest)
		lookup_drop(lookup_of(all->table.oldest));
	hf_timer_free(all->tick);
	hf_trust_unref(all->machine);
	free(all);
}
