/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of --crl URL: fetched at the start, a few at a time, and again long before they end.  Must
 * never wait for the last moment, nor drop a list because a newer one cannot be had. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "gateway/follower.h"
#include "util/clock.h"
#include "util/log.h"

enum {
	CONNECT_MS = 5000,
	ANSWER_MS = 30 * 1000,
	REFRESH_MIN_MS = 30 * 1000,
	REFRESH_MAX_MS = 10 * 60 * 1000,
	FIELDS_CAP = 256,
};

static void ask(struct hf_follow_list *list);

static void report(struct hf_follow_list *list)
{
	if (!list->reported)
		hf_follower_report(list->follower);
	list->reported = true;
}

static void lose(struct hf_follow_list *list, const char *why)
{
	if (!list->lost)
		hf_log_say(
		    "the revocation list at %s: %s; the one at hand, if any, counts until it "
		    "ends, and as long as crl-grace says",
		    list->text, why);
	list->lost = true;
	hf_follower_lost(list->follower);
	list->wait_ms = HF_MIN(HF_MAX(2 * list->wait_ms, (uint64_t)HF_FOLLOW_AGAIN_MIN_MS),
			       (uint64_t)REFRESH_MIN_MS);
	hf_timer_start(list->again, list->wait_ms, 0);
	report(list);
}

/* A quarter of what is left of its life, within bounds. */
static void settle(struct hf_follow_list *list)
{
	const struct hf_crl *crl = hf_follower_list(list->follower, list->key);
	int64_t left = crl ? crl->next_update - hf_clock_now() : 0;
	int64_t ms = HF_MIN(HF_MAX(left, INT64_C(0)), (int64_t)REFRESH_MAX_MS) * 1000 / 4;

	if (list->lost || list->late)
		hf_log_say("the revocation list at %s is there %s", list->text,
			   list->lost ? "again" : "now");
	list->lost = list->late = false;
	list->wait_ms = 0;
	ms = HF_MIN(HF_MAX(ms, (int64_t)REFRESH_MIN_MS), (int64_t)REFRESH_MAX_MS);
	hf_timer_start(list->again, (uint64_t)ms, 0);
	report(list);
}

static void take_etag(struct hf_follow_list *list, const struct hf_http_head *head)
{
	struct hf_slice tag;

	list->etag[0] = '\0';
	if (!hf_http_field(head, "ETag", &tag) || tag.len >= sizeof(list->etag))
		return;
	memcpy(list->etag, tag.data, tag.len);
	list->etag[tag.len] = '\0';
}

/* Of an authority among several: https://HOST/LABEL/crl/NAME.crl */
static bool has_label(const struct hf_follow_list *list)
{
	const char *crl = strstr(list->url.target, "/crl/");

	return crl && crl > list->url.target;
}

/* A place is free: whoever waits for one is next, in turn. */
static void over(struct hf_follow_list *list)
{
	struct hf_follower *f = list->follower;
	size_t at = (size_t)(list - f->followed);

	list->fetch = NULL;
	f->fetching--;
	for (size_t i = 1; i < f->followed_len && f->fetching < HF_FOLLOW_AT_ONCE; i++) {
		struct hf_follow_list *next = &f->followed[(at + i) % f->followed_len];

		if (next->waits)
			ask(next);
	}
}

static void on_answer(const struct hf_fetch_answer *answer, void *arg)
{
	struct hf_follow_list *list = arg;
	struct hf_err err = HF_ERR_INIT;
	char why[HF_FETCH_WHY_CAP + sizeof(HF_FOLLOW_BY_NAME)];

	over(list);
	if (answer->status == 304) {
		settle(list);
		return;
	}
	if (answer->status != 200) {
		if (answer->status != 0)
			(void)snprintf(why, sizeof(why), "the answer was HTTP %d", answer->status);
		else
			(void)snprintf(why, sizeof(why), "%s%s", answer->why,
				       answer->refused && has_label(list) ? HF_FOLLOW_BY_NAME : "");
		lose(list, why);
		return;
	}
	if (hf_follower_take(list->follower, list->key, answer->body, answer->chain, &err) != 0) {
		lose(list, err.msg);
		return;
	}
	take_etag(list, answer->head);
	hf_follower_tell(list->follower, false);
	settle(list);
}

static void ask(struct hf_follow_list *list)
{
	char fields[FIELDS_CAP] = "";
	const struct hf_fetch_request request = { .url = &list->url,
						  .tls = list->tls,
						  .fields = fields,
						  .cap = HF_REVOCATIONS_CAP,
						  .connect_ms = CONNECT_MS,
						  .answer_ms = ANSWER_MS,
						  .all_ms = (uint64_t)ANSWER_MS * 4 };
	struct hf_err err = HF_ERR_INIT;

	list->waits = list->follower->fetching == HF_FOLLOW_AT_ONCE;
	if (list->waits)
		return;
	if (list->etag[0])
		(void)snprintf(fields, sizeof(fields), "If-None-Match: %s\r\n", list->etag);
	if (hf_fetch_start(list->follower->loop, &request, on_answer, list, &list->fetch, &err) < 0)
		lose(list, err.msg);
	else
		list->follower->fetching++;
}

static void on_again(void *arg)
{
	ask(arg);
}

/* One context for all lists of a host: of 256 shards each would have its own. */
static int context_of(struct hf_follow_list *list, struct hf_err *err)
{
	const struct hf_follower *follower = list->follower;
	HF_AUTO(hf_trust) judge = NULL;
	struct hf_tls_config tls = { .role = HF_TLS_CLIENT,
				     .server_name = list->url.host,
				     .verify_name = list->url.host,
				     .now = hf_clock_for_tls };
	int rc;

	for (const struct hf_follow_list *other = follower->followed; other < list; other++) {
		if (other->tls && strcmp(other->url.host, list->url.host) == 0) {
			list->tls = hf_tls_context_ref(other->tls);
			return 0;
		}
	}
	rc = hf_trust_anchors_only(follower->start->parts->policies[0].trust, &judge, err);
	tls.trust = judge;
	return rc < 0 ? rc : hf_tls_context_new(&tls, &list->tls, err);
}

static int start(struct hf_follower *follower, struct hf_follow_list *list, const char *text,
		 struct hf_err *err)
{
	int rc = hf_url_parse_any(text, &list->url, err);

	list->follower = follower;
	list->text = text;
	(void)snprintf(list->key, sizeof(list->key), "url-%zu",
		       (size_t)(list - follower->followed));
	if (rc == 0 && !list->url.plain)
		rc = context_of(list, err);
	if (rc == 0)
		rc = hf_timer_new(follower->loop, on_again, list, &list->again, err);
	if (rc < 0)
		return rc;
	follower->unreported++;
	ask(list);
	return 0;
}

int hf_follow_lists_start(struct hf_follower *follower, struct hf_err *err)
{
	const struct hf_strv *texts = follower->start->config->follow.lists;
	int rc = 0;

	follower->followed = calloc(texts ? texts->len + 1 : 1, sizeof(*follower->followed));
	if (!follower->followed)
		return hf_err_nomem(err);
	for (size_t i = 0; rc == 0 && texts && i < texts->len; i++) {
		if (hf_url_looks_like(texts->items[i]))
			rc = start(follower, &follower->followed[follower->followed_len++],
				   texts->items[i], err);
	}
	return rc;
}

void hf_follow_lists_late(struct hf_follower *follower)
{
	for (size_t i = 0; i < follower->followed_len; i++) {
		struct hf_follow_list *list = &follower->followed[i];

		if (list->reported)
			continue;
		list->late = true;
		hf_log_say("the revocation list at %s is not here after %d s: %s; certificates "
			   "that need it are refused until it is",
			   list->text, HF_FOLLOW_FIRST_MS / 1000,
			   list->waits ? "others have not been answered, and its turn has not come"
				       : "there is no answer yet");
	}
}

void hf_follow_lists_stop(struct hf_follower *follower)
{
	for (size_t i = 0; i < follower->followed_len; i++) {
		struct hf_follow_list *list = &follower->followed[i];

		hf_fetch_cancel(list->fetch);
		hf_timer_free(list->again);
		hf_tls_context_unref(list->tls);
	}
	free(follower->followed);
}
