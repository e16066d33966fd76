/* SPDX-License-Identifier: Apache-2.0 */
/* Following the revocation feed of an authority: ask for what is newer than the event in force,
 * fetch the lists that are, hand them on, and ask again, which confirms them.  Must never confirm
 * what is not in force in every worker, nor keep quiet about a feed that is lost. */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"
#include "gateway/follower.h"
#include "util/log.h"

enum {
	NEWS_CAP = 1024 * 1024,
	WAIT_SECONDS = 10,
	CONNECT_MS = 5000,
	NEWS_MS = (WAIT_SECONDS + 5) * 1000,
	LIST_MS = 30 * 1000,
	SPIN_MS = 50, /* an answer without news that came sooner was not waited for */
	CALM_MS = 1000,
	WHY_CAP = 512,
};

static void ask(struct hf_follow_feed *feed);

/* --- lost and found --- */

/* Until when the lists at hand can be used. */
static int64_t good_until(const struct hf_follower *f)
{
	int64_t until = HF_TIME_MAX;

	for (size_t i = 0; i < f->lists_len; i++) {
		if (f->lists[i].crl)
			until = HF_MIN(until, f->lists[i].crl->next_update);
	}
	return until == HF_TIME_MAX ? 0 : until;
}

/* How long they count after that, under the policy for the rest. */
static int64_t grace_of(const struct hf_follower *f)
{
	return hf_trust_crl_grace(f->start->parts->policies[0].trust);
}

static int64_t count_until(const struct hf_follower *f)
{
	int64_t until = good_until(f);

	return until == 0 ? 0 : HF_MIN(until + grace_of(f), HF_TIME_MAX);
}

static void say_lost(const struct hf_follow_feed *feed, const char *why)
{
	const char *url = feed->follower->start->config->follow.text;
	int64_t until = good_until(feed->follower), grace = grace_of(feed->follower);
	char when[HF_TIME_TEXT_CAP], end[HF_TIME_TEXT_CAP];

	if (until == 0) {
		hf_log_say("the revocation feed %s is not there: %s; certificates that need its "
			   "lists are refused until it is",
			   url, why);
		return;
	}
	hf_time_format(until, when);
	hf_time_format(count_until(feed->follower), end);
	hf_log_say(
	    "the revocation feed %s is lost: %s; what is revoked now is not known here until "
	    "it is back, and the lists at hand are good until %s%s%s",
	    url, why, when, grace > 0 ? ", and count until " : "", grace > 0 ? end : "");
}

static void again(struct hf_follow_feed *feed, uint64_t after_ms)
{
	hf_timer_start(feed->again, after_ms, 0);
}

/* Later and later, and not all gateways at the same moment. */
static void lose(struct hf_follow_feed *feed, const char *why)
{
	struct hf_counters *counters = feed->follower->start->counters;
	uint64_t now = hf_loop_now_ms(feed->follower->loop);

	if (!feed->lost) {
		say_lost(feed, why);
		feed->lost = true;
		feed->lost_ms = now;
		hf_count(&counters->feed_lost, 1);
	}
	hf_count_set(&counters->feed_up, 0);
	feed->wait_ms = HF_MIN(HF_MAX(2 * feed->wait_ms, (uint64_t)HF_FOLLOW_AGAIN_MIN_MS),
			       (uint64_t)HF_FOLLOW_AGAIN_MAX_MS);
	again(feed, feed->wait_ms / 2 + now % (feed->wait_ms / 2 + 1));
	hf_follower_lost(feed->follower);
	if (!feed->reported)
		hf_follower_report(feed->follower);
	feed->reported = true;
}

static void find(struct hf_follow_feed *feed)
{
	const char *url = feed->follower->start->config->follow.text;
	uint64_t ms = hf_loop_now_ms(feed->follower->loop) - feed->lost_ms;

	if (feed->lost)
		hf_log_say("the revocation feed %s is back after %llu.%llu s", url,
			   (unsigned long long)ms / 1000, (unsigned long long)ms / 100 % 10);
	feed->lost = false;
	feed->wait_ms = 0;
	hf_count_set(&feed->follower->start->counters->feed_up, 1);
}

/* --- fetching --- */

static int fetch(struct hf_follow_feed *feed, const char *path, size_t cap, uint64_t answer_ms,
		 hf_fetch_fn done, struct hf_err *err)
{
	const struct hf_url *base = &feed->follower->start->config->follow.url;
	size_t len = strlen(base->target);
	struct hf_url url = *base;
	const struct hf_fetch_request request = { .url = &url,
						  .tls = feed->follower->tls,
						  .cap = cap,
						  .connect_ms = CONNECT_MS,
						  .answer_ms = answer_ms,
						  .all_ms = answer_ms * 4 };
	int n;

	while (len > 0 && base->target[len - 1] == '/')
		len--;
	n = snprintf(url.target, sizeof(url.target), "%.*s%s", (int)len, base->target, path);
	if (n < 0 || (size_t)n >= sizeof(url.target))
		return hf_err_set(err, HF_E_LIMIT, "the URL is too long");
	return hf_fetch_start(feed->follower->loop, &request, done, feed, &feed->fetch, err);
}

/* What a refusal of the authority says, made safe to print. */
static void words_of(const struct hf_fetch_answer *answer, char out[WHY_CAP])
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(WHY_CAP / 2);
	json_t *root = json_loadb(hf_buf_str(answer->body), answer->body->len, 0, NULL);
	const char *message =
	    json_string_value(json_object_get(json_object_get(root, "error"), "message"));

	if (message)
		(void)hf_str_escape(&text, message, strlen(message));
	(void)snprintf(out, WHY_CAP, "it answered %d%s%s", answer->status, message ? ": " : "",
		       hf_buf_str(&text));
	json_decref(root);
}

/* Of an authority among several: https://HOST/LABEL */
static bool has_label(const struct hf_follow_feed *feed)
{
	const char *target = feed->follower->start->config->follow.url.target;

	return target[strspn(target, "/")] != '\0';
}

/* What a label may have to do with it. */
static const char *label_words(const struct hf_fetch_answer *answer)
{
	if (answer->status == 403)
		return "; is that the label of the authority that issued the certificate shown?";
	if (answer->status == 404)
		return "; no authority there has that label";
	return answer->status == 0 && answer->refused ? HF_FOLLOW_BY_NAME : "";
}

static bool has_answer(struct hf_follow_feed *feed, const struct hf_fetch_answer *answer)
{
	const char *more = has_label(feed) ? label_words(answer) : "";
	char why[WHY_CAP], all[2 * WHY_CAP];

	feed->fetch = NULL;
	if (answer->status == 200)
		return true;
	if (answer->status != 0)
		words_of(answer, why);
	(void)snprintf(all, sizeof(all), "%s%s", answer->status != 0 ? why : answer->why, more);
	lose(feed, all);
	return false;
}

/* --- the lists --- */

static void next_list(struct hf_follow_feed *feed);

static void on_list(const struct hf_fetch_answer *answer, void *arg)
{
	struct hf_follow_feed *feed = arg;
	struct hf_err err = HF_ERR_INIT;

	if (!has_answer(feed, answer))
		return;
	if (hf_follower_take(feed->follower, feed->names[feed->at], answer->body, answer->chain,
			     &err) != 0) {
		lose(feed, err.msg);
		return;
	}
	feed->at++;
	next_list(feed);
}

static void next_list(struct hf_follow_feed *feed)
{
	struct hf_err err = HF_ERR_INIT;
	char path[64];

	if (feed->at == feed->names_len) {
		hf_follower_tell(feed->follower, true);
		return;
	}
	(void)snprintf(path, sizeof(path), "/crl/%s.crl", feed->names[feed->at]);
	if (fetch(feed, path, HF_REVOCATIONS_CAP, LIST_MS, on_list, &err) < 0)
		lose(feed, err.msg);
}

void hf_follow_feed_applied(struct hf_follower *follower)
{
	struct hf_follow_feed *feed = &follower->feed;
	struct hf_counters *counters = follower->start->counters;

	feed->event = feed->next_event;
	atomic_store(&counters->feed_event, feed->event);
	atomic_store(&counters->lists_good_until, good_until(follower));
	atomic_store(&counters->lists_count_until, count_until(follower));
	hf_log_say("revocations up to event %lld are in force", (long long)feed->event);
	if (!feed->reported)
		hf_follower_report(follower);
	feed->reported = true;
	ask(feed);
}

/* --- the news --- */

static bool name_ok(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return len > 0 && name[len] == '\0' && len < 32;
}

/* false: that is no feed. */
static bool read_news(struct hf_follow_feed *feed, const struct hf_buf *body)
{
	json_t *root = json_loadb(hf_buf_str(body), body->len, 0, NULL);
	json_t *event = json_object_get(root, "event"), *list = json_object_get(root, "lists"),
	       *item;
	bool good = json_is_integer(event) && json_integer_value(event) >= 0 &&
		    json_is_array(list) && json_array_size(list) <= HF_FEED_LISTS;
	size_t i;

	feed->at = feed->names_len = 0;
	json_array_foreach(list, i, item)
	{
		const char *name = json_string_value(json_object_get(item, "name"));

		good = good && name && name_ok(name);
		if (good)
			(void)hf_str_copy(feed->names[feed->names_len++], sizeof(feed->names[0]),
					  name);
	}
	if (good)
		feed->next_event = json_integer_value(event);
	json_decref(root);
	return good;
}

static void on_news(const struct hf_fetch_answer *answer, void *arg)
{
	struct hf_follow_feed *feed = arg;
	uint64_t took;

	if (!has_answer(feed, answer))
		return;
	if (!read_news(feed, answer->body)) {
		lose(feed, "what it answers is no feed; is it an authority of handfast?");
		return;
	}
	find(feed);
	if (feed->names_len > 0) {
		next_list(feed);
		return;
	}
	took = hf_loop_now_ms(feed->follower->loop) - feed->asked_ms;
	feed->event = feed->next_event;
	if (took < SPIN_MS)
		again(feed, CALM_MS);
	else
		ask(feed);
}

static void ask(struct hf_follow_feed *feed)
{
	struct hf_err err = HF_ERR_INIT;
	char path[128];

	(void)snprintf(path, sizeof(path), "/revocations?after=%lld&wait=%d&instance=%s",
		       (long long)feed->event, WAIT_SECONDS,
		       feed->follower->start->revocations->instance);
	feed->asked_ms = hf_loop_now_ms(feed->follower->loop);
	if (fetch(feed, path, NEWS_CAP, NEWS_MS, on_news, &err) < 0)
		lose(feed, err.msg);
}

static void on_again(void *arg)
{
	ask(arg);
}

int hf_follow_feed_start(struct hf_follower *follower, struct hf_err *err)
{
	struct hf_follow_feed *feed = &follower->feed;
	int rc;

	feed->follower = follower;
	follower->unreported++;
	rc = hf_timer_new(follower->loop, on_again, feed, &feed->again, err);
	if (rc < 0)
		return rc;
	ask(feed);
	return 0;
}

void hf_follow_feed_late(struct hf_follower *follower)
{
	const struct hf_follow_feed *feed = &follower->feed;

	if (feed->follower != NULL && !feed->reported)
		hf_log_say("the lists of the revocation feed %s are not here after %d s; "
			   "certificates that need them are refused until they are",
			   follower->start->config->follow.text, HF_FOLLOW_FIRST_MS / 1000);
}

void hf_follow_feed_stop(struct hf_follower *follower)
{
	hf_fetch_cancel(follower->feed.fetch);
	hf_timer_free(follower->feed.again);
}
