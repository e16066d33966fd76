/* SPDX-License-Identifier: Apache-2.0 */
/* The revocation feed: subscribers ask for what is newer than the event they have, and wait for the
 * answer (GET /revocations?after=EVENT&wait=SECONDS&instance=WORD, over mutual TLS).
 *
 * The answer tells which lists are newer; the lists themselves are fetched as /crl/NAME.crl and are
 * signed by the CA: nobody on the way, and nobody who has the service but not the CA's key, can
 * make a revocation up.  By asking for what is newer than N a subscriber confirms that N is in
 * force there: its receipt, kept in ca/subscribers.json for `handfast revoke --wait`. */
#ifndef HF_ENROLL_FEED_H
#define HF_ENROLL_FEED_H

#include "enroll/lists.h"
#include "enroll/subscribers.h"
#include "http/stream.h"

enum {
	HF_FEED_SUBSCRIBERS = 1024,
	HF_FEED_WAIT_MAX = 300, /* seconds */
	HF_FEED_WAIT = 25,	/* when nothing is said */
};

struct hf_service;
struct hf_feed;

int hf_feed_new(struct hf_service *service, struct hf_feed **ret_feed, struct hf_err *err);
/* Gives up what it has on the loop; call it before the loop is freed.  NULL-safe. */
void hf_feed_stop(struct hf_feed *feed);
void hf_feed_free(struct hf_feed *feed); /* NULL-safe; nobody may be waiting: hf_feed_drain */
HF_DEFINE_AUTO(hf_feed, struct hf_feed, hf_feed_free);

/* Takes a request for /revocations. */
void hf_feed_take(struct hf_feed *feed, const struct hf_http_request *request,
		  struct hf_http_session *session);
/* The lists of the service are others now; revocations: what was noted since the last time. */
void hf_feed_news(struct hf_feed *feed, const struct hf_revocation *revocations, size_t len);
void hf_feed_tick(struct hf_feed *feed); /* every second or so: whoever waited long enough */
void hf_feed_drain(struct hf_feed *feed); /* nobody waits any more */

struct hf_feed_standing {
	int64_t event; /* of the newest list */
	struct hf_subscribers_standing subscribers;
};
void hf_feed_stand(const struct hf_feed *feed, struct hf_feed_standing *ret_standing);

#endif
