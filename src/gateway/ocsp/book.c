/* SPDX-License-Identifier: Apache-2.0 */
/* The book of answers.  Must never wait, never use an answer past its end, and never leave a
 * handshake without an answer: silence becomes "failed" when its time is over. */
#include "gateway/ocsp/book.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "base/time.h"
#include "gateway/ocsp/keytable.h"
#include "gateway/ocsp/wire.h"
#include "util/clock.h"
#include "util/log.h"

enum {
	FAILED_SECONDS = 10,  /* before a responder that failed is asked again about the same */
	FAILED_DOUBLINGS = 5, /* of our own: up to 320 s */
	ASKING_SECONDS = 2,   /* an old answer counts so long while a new one is on its way */
	SPARE_MS = 1000,      /* for the way from the follower, which has the same limit */
	WORKERS_CAP = 64,
	ANSWERS_A_ROUND = 64,
};

struct entry {
	struct hf_keyed keyed; /* first */
	uint8_t leaf[HF_SHA256_LEN];
	char subject[160];
	bool known;
	struct hf_status status; /* known */
	int64_t again_at, end_at;
	char why[HF_OCSP_WHY_CAP];
	/* about our own certificate: the answer is kept as it came, and silence is told to nobody's
	 * handshake */
	bool ours;
	unsigned failures; /* one after the other */
	struct hf_buf answer;
	/* while it is asked for */
	bool asking, sent, repeated;
	uint64_t id;
	int64_t asked_ms; /* of the monotonic clock */
	struct hf_certs path;
	struct hf_buf question;
};

struct hf_ocsp_book {
	int ends[WORKERS_CAP][2]; /* of the worker, of the follower; -1: closed */
	size_t ends_len;
	uint64_t limit_ms;
	struct hf_ocsp_book_user user;
	int fd; /* ours; -1: not open */
	struct hf_watch *watch;
	struct hf_keytable table;
	size_t asking;
	uint64_t last_id;
	struct hf_log_bucket failures;
	char packet[HF_OCSP_PACKET_CAP];
};

/* --- the sockets ------------------------------------------------------------------------- */

int hf_ocsp_book_new(size_t workers, uint64_t limit_ms, struct hf_ocsp_book **ret_book,
		     struct hf_err *err)
{
	struct hf_ocsp_book *book = calloc(1, sizeof(*book));

	if (!book)
		return hf_err_nomem(err);
	book->limit_ms = limit_ms;
	book->fd = -1;
	hf_log_bucket_init(&book->failures, 10, 1);
	for (; book->ends_len < HF_MIN(workers, (size_t)WORKERS_CAP); book->ends_len++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
			       book->ends[book->ends_len]) == 0)
			continue;
		(void)hf_err_errno(err, errno, "socketpair");
		hf_ocsp_book_free(book);
		return -HF_E_IO;
	}
	*ret_book = book;
	return 0;
}

static void close_ends(struct hf_ocsp_book *book, size_t side, size_t but)
{
	for (size_t i = 0; i < book->ends_len; i++) {
		if (i == but)
			continue;
		hf_fd_close(book->ends[i][side]);
		book->ends[i][side] = -1;
	}
}

static void entry_done_asking(struct hf_ocsp_book *book, struct entry *e)
{
	book->asking -= e->asking;
	e->asking = false;
	hf_certs_done(&e->path);
	hf_buf_done(&e->question);
}

static void entry_drop(struct hf_ocsp_book *book, struct entry *e)
{
	entry_done_asking(book, e);
	hf_keytable_remove(&book->table, &e->keyed);
	hf_buf_done(&e->answer);
	free(e);
}

void hf_ocsp_book_close(struct hf_ocsp_book *book)
{
	if (!book)
		return;
	hf_watch_free(book->watch);
	book->watch = NULL;
	while (book->table.oldest)
		entry_drop(book, (struct entry *)(void *)book->table.oldest);
}

void hf_ocsp_book_free(struct hf_ocsp_book *book)
{
	if (!book)
		return;
	hf_ocsp_book_close(book);
	close_ends(book, 0, SIZE_MAX);
	close_ends(book, 1, SIZE_MAX);
	free(book);
}

void hf_ocsp_book_in_follower(struct hf_ocsp_book *book)
{
	close_ends(book, 0, SIZE_MAX);
}

int hf_ocsp_book_follower_fd(const struct hf_ocsp_book *book, size_t worker)
{
	return worker < book->ends_len ? book->ends[worker][1] : -1;
}

uint64_t hf_ocsp_book_limit_ms(const struct hf_ocsp_book *book)
{
	return book->limit_ms;
}

/* --- answers ----------------------------------------------------------------------------- */

static void count(struct hf_ocsp_book *book, const struct entry *e, enum hf_status_kind kind)
{
	struct hf_counters *c = book->user.counters;
	_Atomic uint64_t *const counters[] = { [HF_STATUS_GOOD] = &c->ocsp_good,
					       [HF_STATUS_REVOKED] = &c->ocsp_revoked,
					       [HF_STATUS_UNKNOWN] = &c->ocsp_unknown,
					       [HF_STATUS_FAILED] = &c->ocsp_failed };

	if (e->ours)
		return;
	hf_count(counters[kind], 1);
	hf_histogram_add(&c->ocsp_time, (uint64_t)(hf_clock_monotonic_ms() - e->asked_ms));
}

static void settle(struct hf_ocsp_book *book, struct entry *e, const struct hf_status *status,
		   int64_t again_at, int64_t end_at)
{
	/* the first "good" is no news to anybody who was let in */
	bool changed = e->status.kind != status->kind &&
		       (e->status.kind != HF_STATUS_PENDING || status->kind != HF_STATUS_GOOD);

	count(book, e, status->kind);
	entry_done_asking(book, e);
	e->status = *status;
	e->status.why = e->why;
	e->known = true;
	e->again_at = again_at;
	e->end_at = end_at;
	book->user.news(book->user.arg, e->keyed.key, e->leaf, changed);
}

static int64_t again_after(struct entry *e)
{
	int64_t seconds = FAILED_SECONDS;

	if (e->ours)
		seconds <<= HF_MIN(e->failures, (unsigned)FAILED_DOUBLINGS);
	e->failures++;
	return seconds;
}

/* An answer at hand outlives a responder that is silent now. */
static void fail(struct hf_ocsp_book *book, struct entry *e, const char *why)
{
	const struct hf_status status = { .kind = HF_STATUS_FAILED, .reason = -1 };
	int64_t now = hf_clock_now(), after = again_after(e);

	if (hf_log_bucket_take(&book->failures, hf_clock_monotonic_ms()))
		hf_log_say("OCSP about %s%s: %s", e->ours ? "our own certificate " : "", e->subject,
			   why);
	(void)hf_str_copy(e->why, sizeof(e->why), why);
	if (e->known && e->status.kind != HF_STATUS_FAILED && now < e->end_at) {
		count(book, e, HF_STATUS_FAILED);
		entry_done_asking(book, e);
		e->again_at = now + after;
		return;
	}
	settle(book, e, &status, now + after, now + after);
}

static void take(struct hf_ocsp_book *book, struct entry *e, const struct hf_ocsp_answer *answer)
{
	static const enum hf_status_kind kinds[] = { [HF_OCSP_GOOD] = HF_STATUS_GOOD,
						     [HF_OCSP_REVOKED] = HF_STATUS_REVOKED,
						     [HF_OCSP_UNKNOWN] = HF_STATUS_UNKNOWN };
	struct hf_err err = HF_ERR_INIT;
	struct hf_ocsp_says says;
	struct hf_status status;
	int64_t again_at, end_at;

	if (hf_ocsp_weigh(answer->data, answer->len, &e->path, hf_clock_now(), &says, &again_at,
			  &end_at, &err) < 0) {
		fail(book, e, err.msg);
		return;
	}
	status = (struct hf_status){ .kind = kinds[says.status],
				     .revoked_at = says.revoked_at,
				     .reason = says.reason };
	e->failures = 0;
	hf_buf_clear(&e->answer);
	if (e->ours && hf_buf_append(&e->answer, answer->data, answer->len) < 0) {
		fail(book, e, "out of memory");
		return;
	}
	if (e->ours && status.kind != HF_STATUS_GOOD)
		hf_log_say("OCSP about our own certificate %s: it is %s, so nothing is handed out",
			   e->subject,
			   status.kind == HF_STATUS_REVOKED ? "revoked" : "not known there");
	settle(book, e, &status, again_at, end_at);
}

static struct entry *asked_for(struct hf_ocsp_book *book, uint64_t id)
{
	for (struct hf_keyed *k = book->table.newest; k; k = k->older) {
		struct entry *e = (struct entry *)(void *)k;

		if (e->asking && e->id == id)
			return e;
	}
	return NULL;
}

static void send_question(struct hf_ocsp_book *book, struct entry *e)
{
	/* A full socket is tried again at the next tick. */
	e->sent = send(book->fd, e->question.data, e->question.len, MSG_NOSIGNAL) ==
		  (ssize_t)e->question.len;
}

/* Another follower: what the one before it was asked is lost, and it may have refused to ask about
 * a certificate of ours that it did not know yet. */
static void ask_all_again(struct hf_ocsp_book *book)
{
	for (struct hf_keyed *k = book->table.newest; k; k = k->older) {
		struct entry *e = (struct entry *)(void *)k;

		if (e->asking)
			send_question(book, e);
		else if (e->ours && e->status.kind == HF_STATUS_FAILED)
			e->known = false;
	}
}

static void on_packet(struct hf_ocsp_book *book, size_t len)
{
	struct hf_ocsp_answer answer;
	struct entry *e;
	char why[HF_OCSP_WHY_CAP];

	if (!hf_ocsp_answer_parse(book->packet, len, &answer))
		return;
	if (answer.id == 0) {
		ask_all_again(book);
		return;
	}
	e = asked_for(book, answer.id);
	if (!e)
		return; /* too late */
	if (answer.failed) {
		(void)snprintf(why, sizeof(why), "%.*s", (int)HF_MIN(answer.len, sizeof(why) - 1),
			       answer.data);
		fail(book, e, why);
	} else {
		take(book, e, &answer);
	}
}

static void on_readable(int events, void *arg)
{
	struct hf_ocsp_book *book = arg;

	(void)events;
	for (int i = 0; i < ANSWERS_A_ROUND; i++) {
		ssize_t n = recv(book->fd, book->packet, sizeof(book->packet), 0);

		if (n <= 0)
			return;
		on_packet(book, (size_t)n);
	}
}

int hf_ocsp_book_open(struct hf_ocsp_book *book, const struct hf_ocsp_book_user *user,
		      struct hf_err *err)
{
	int rc;

	close_ends(book, 1, SIZE_MAX);
	close_ends(book, 0, user->worker);
	if (user->worker >= book->ends_len)
		return hf_err_set(err, HF_E_INVALID, "there is no socket for worker %zu",
				  user->worker);
	book->user = *user;
	book->fd = book->ends[user->worker][0];
	/* another worker may have been here before: its questions are not ours */
	book->last_id = (uint64_t)getpid() << 32;
	rc = hf_watch_new(user->loop, book->fd, on_readable, book, &book->watch, err);
	return rc < 0 ? rc : hf_watch_set(book->watch, UV_READABLE);
}

static void tick_one(struct hf_ocsp_book *book, struct entry *e, int64_t now)
{
	int64_t waited = now - e->asked_ms;

	if (waited > (int64_t)book->limit_ms + SPARE_MS) {
		fail(book, e, "nobody answered in time");
		return;
	}
	if (!e->sent || (!e->repeated && waited > (int64_t)book->limit_ms / 2)) {
		e->repeated = e->sent;
		send_question(book, e);
	}
}

void hf_ocsp_book_tick(struct hf_ocsp_book *book)
{
	int64_t now = hf_clock_monotonic_ms();
	struct hf_keyed *older;

	if (!book || book->asking == 0)
		return;
	for (struct hf_keyed *k = book->table.newest; k; k = older) {
		struct entry *e = (struct entry *)(void *)k;

		older = k->older;
		if (e->asking)
			tick_one(book, e, now);
	}
}

/* --- questions --------------------------------------------------------------------------- */

static bool make_room(struct hf_ocsp_book *book)
{
	struct hf_keyed *k = book->table.oldest;

	if (book->table.len < HF_OCSP_BOOK_CAP)
		return true;
	while (k && ((struct entry *)(void *)k)->asking)
		k = k->newer;
	if (k)
		entry_drop(book, (struct entry *)(void *)k);
	return k != NULL;
}

static struct entry *entry_of(struct hf_ocsp_book *book, const struct hf_certs *path,
			      const char *url)
{
	uint8_t key[HF_SHA256_LEN];
	struct entry *e;

	if (hf_ocsp_key(path, url, key, NULL) < 0)
		return NULL;
	e = (struct entry *)(void *)hf_keytable_find(&book->table, key);
	if (e || !make_room(book))
		return e;
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	memcpy(e->keyed.key, key, sizeof(key));
	memcpy(e->leaf, path->items[0]->sha256, sizeof(e->leaf));
	(void)snprintf(e->subject, sizeof(e->subject), "%s", path->items[0]->subject);
	hf_buf_init(&e->question, HF_OCSP_PACKET_CAP);
	hf_buf_init(&e->answer, HF_OCSP_RESPONSE_CAP);
	e->status.kind = HF_STATUS_PENDING;
	hf_keytable_add(&book->table, &e->keyed);
	return e;
}

/* false: it cannot be asked; e->why says why. */
static bool ask(struct hf_ocsp_book *book, struct entry *e, const struct hf_certs *path,
		const char *url)
{
	struct hf_err err = HF_ERR_INIT;

	hf_buf_init(&e->question, HF_OCSP_PACKET_CAP);
	if (hf_certs_copy(&e->path, path, &err) < 0 ||
	    hf_ocsp_question_write(++book->last_id, url, path, &e->question, &err) < 0) {
		(void)hf_str_copy(e->why, sizeof(e->why), err.msg);
		entry_done_asking(book, e);
		return false;
	}
	e->id = book->last_id;
	e->asking = true;
	e->repeated = false;
	e->asked_ms = hf_clock_monotonic_ms();
	book->asking++;
	send_question(book, e);
	return true;
}

static void look_up(const struct hf_ocsp_view *view, const struct hf_certs *path, const char *url,
		    struct hf_status *ret)
{
	struct hf_ocsp_book *book = view->book;
	struct entry *e = entry_of(book, path, url);
	int64_t now = hf_clock_now();

	*ret = (struct hf_status){ .kind = HF_STATUS_FAILED,
				   .reason = -1,
				   .until = now + FAILED_SECONDS,
				   .why = "too much is being asked at once" };
	if (!e)
		return;
	if (e->known && now < e->end_at) {
		if (now >= e->again_at && !e->asking)
			(void)ask(book, e, path, url);
		*ret = e->status;
		ret->until = HF_MIN(e->end_at, e->asking ? now + ASKING_SECONDS : e->again_at);
		hf_count(&book->user.counters->ocsp_cached, 1);
		return;
	}
	e->known = false;
	if (!e->asking && !ask(book, e, path, url)) {
		ret->why = e->why;
		return;
	}
	*ret = (struct hf_status){ .kind = HF_STATUS_PENDING };
	memcpy(ret->key, e->keyed.key, sizeof(ret->key));
}

void hf_ocsp_look(void *arg, const struct hf_verdict *verdict, struct hf_status *ret_status)
{
	const struct hf_ocsp_view *view = arg;
	const struct hf_certs *path = &verdict->chain;
	HF_AUTO(cstr) named = NULL;
	const char *url = view->url;

	*ret_status = (struct hf_status){ .kind = HF_STATUS_GOOD, .until = HF_TIME_MAX };
	if (path->items[0]->flags & HF_CERT_NO_REV_AVAIL) /* RFC 9608 4 */
		return;
	if (!url && path->len > 1)
		url = named = hf_ocsp_url(path->items[0]);
	if (!url || path->len < 2)
		ret_status->kind = HF_STATUS_NO_RESPONDER;
	else
		look_up(view, path, url, ret_status);
	if (!view->hard &&
	    (ret_status->kind == HF_STATUS_UNKNOWN || ret_status->kind == HF_STATUS_FAILED))
		hf_count(&view->book->user.counters->ocsp_soft, 1);
}

/* --- our own certificate ----------------------------------------------------------------- */

void hf_ocsp_staple_get(const struct hf_ocsp_own *own, struct hf_ocsp_staple *ret)
{
	struct entry *e = entry_of(own->book, &own->path, own->url);
	int64_t now = hf_clock_now();

	*ret = (struct hf_ocsp_staple){ .settled = true };
	if (!e)
		return;
	e->ours = true;
	if (!e->asking && (!e->known || now >= e->again_at) &&
	    !ask(own->book, e, &own->path, own->url))
		fail(own->book, e, e->why);
	ret->settled = e->known;
	if (!e->known || e->status.kind != HF_STATUS_GOOD || now >= e->end_at)
		return;
	ret->der = e->answer.data;
	ret->len = e->answer.len;
	ret->until = e->end_at;
}
