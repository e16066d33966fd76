/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the follower, and the lists it holds.  Must never put up a list whose signature it
 * has not checked, nor an older one in place of a newer one. */
#include "gateway/follower.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "gateway/guard.h"
#include "base/str.h"
#include "gateway/generation.h"
#include "gateway/worker.h"
#include "pki/name.h"
#include "pki/pemfile.h"
#include "util/clock.h"
#include "util/log.h"

enum { TELL_AGAIN_MS = 1000, EXIT_CANNOT = 3 };

/* --- the lists --- */

enum signature { BAD, UNKNOWN, GOOD };

/* UNKNOWN: none of them has that name. */
static enum signature signed_among(const struct hf_certs *certs, const struct hf_crl *crl)
{
	enum signature found = UNKNOWN;

	for (size_t i = 0; certs && found != GOOD && i < certs->len; i++) {
		struct hf_cert *cert = certs->items[i];

		if (!(cert->flags & HF_CERT_CA) ||
		    !hf_name_equal(X509_get_subject_name(cert->x509), hf_crl_issuer(crl)))
			continue;
		found = hf_crl_verify(crl, hf_cert_key_get0(cert)) ? GOOD : BAD;
	}
	return found;
}

static enum signature look_at_signature(const struct hf_follower *f, const struct hf_crl *crl,
					const struct hf_certs *chain)
{
	const struct hf_gateway_parts *parts = f->start->parts;
	enum signature found = signed_among(chain, crl);

	for (size_t i = 0; i < parts->policies_len; i++) {
		const struct hf_policy_parts *policy = &parts->policies[i];
		const struct hf_certs *places[] = { hf_trust_anchors(policy->trust),
						    hf_trust_intermediates(policy->trust),
						    &policy->credential->chain };

		for (size_t k = 0; found != GOOD && k < HF_ARRAY_LEN(places); k++) {
			enum signature here = signed_among(places[k], crl);

			found = here == UNKNOWN ? found : here;
		}
	}
	return found;
}

static struct hf_followed *list_of(struct hf_follower *f, const char *key)
{
	struct hf_followed *list;

	for (size_t i = 0; i < f->lists_len; i++) {
		if (strcmp(f->lists[i].key, key) == 0)
			return &f->lists[i];
	}
	if (f->lists_len == HF_FOLLOWED_LISTS)
		return NULL;
	list = &f->lists[f->lists_len++];
	*list = (struct hf_followed){ .crl = NULL };
	(void)hf_str_copy(list->key, sizeof(list->key), key);
	return list;
}

static int refuse_list(struct hf_err *err, const char *key, const char *why)
{
	(void)hf_err_set(err, HF_E_POLICY, "the list '%s' is not taken: %s", key, why);
	return 1;
}

static int parse(const char *key, const struct hf_buf *body, struct hf_crl **ret_crl,
		 struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	int rc;

	if (body->len == 0 || body->data[0] != '-')
		return hf_crl_from_der((const uint8_t *)hf_buf_str(body), body->len, ret_crl, err);
	rc = hf_pemfile_parse(&file, body->data, body->len, key, 0, NULL, err);
	if (rc == 0 && file.crls.len != 1)
		return hf_err_set(err, HF_E_PARSE, "that is not one list");
	if (rc == 0)
		*ret_crl = hf_crl_ref(file.crls.items[0]);
	return rc;
}

int hf_follower_take(struct hf_follower *f, const char *key, const struct hf_buf *body,
		     const struct hf_certs *chain, struct hf_err *err)
{
	HF_AUTO(hf_crl) crl = NULL;
	struct hf_followed *list;
	enum signature signature;
	int rc = parse(key, body, &crl, err);

	if (rc == -HF_E_NOMEM)
		return rc;
	if (rc < 0)
		return refuse_list(err, key, "it is no revocation list");
	assert(crl);
	signature = look_at_signature(f, crl, chain);
	if (signature == BAD || (signature == UNKNOWN && chain))
		return refuse_list(err, key, "no CA that is trusted here has signed it");
	list = list_of(f, key);
	if (!list)
		return refuse_list(err, key, "there are too many");
	if (list->crl && crl->this_update < list->crl->this_update)
		return refuse_list(err, key, "it is older than the one at hand");
	hf_crl_unref(list->crl);
	list->crl = hf_take(crl);
	return 0;
}

const struct hf_crl *hf_follower_list(const struct hf_follower *f, const char *key)
{
	for (size_t i = 0; i < f->lists_len; i++) {
		if (strcmp(f->lists[i].key, key) == 0)
			return f->lists[i].crl;
	}
	return NULL;
}

/* --- the supervisor --- */

static void say(const struct hf_follower *f, enum hf_control what)
{
	char byte = (char)what;

	if (write(f->start->control, &byte, 1) < 0)
		return; /* it is gone: the control watch will see it */
}

/* Once, when all there is to know is known and no worker has yet to take it, or it is late. */
static void say_ready(struct hf_follower *f)
{
	bool known = f->unreported == 0 && !f->telling && !f->again;

	if (f->said_ready || (!known && !f->late))
		return;
	f->said_ready = true;
	say(f, HF_CONTROL_READY);
}

void hf_follower_report(struct hf_follower *f)
{
	f->unreported--;
	say_ready(f);
}

/* What a list that is missing would have said is not known, and whoever needs it is refused: that
 * is no reason to keep the others waiting. */
static void on_first_over(void *arg)
{
	struct hf_follower *f = arg;

	if (f->said_ready)
		return;
	f->late = true;
	hf_follow_lists_late(f);
	hf_follow_feed_late(f);
	say_ready(f);
}

static void put_up(struct hf_follower *f)
{
	int64_t event = f->told_feed ? f->feed.next_event : f->feed.event;
	struct hf_err err = HF_ERR_INIT;

	if (hf_revocations_put(f->start->revocations, event, f->lists, f->lists_len, &err) == 0) {
		say(f, HF_CONTROL_LISTS);
		return;
	}
	hf_log_say("revocation lists could not be handed on: %s", err.msg);
	hf_timer_start(f->tell_again, TELL_AGAIN_MS, 0);
}

void hf_follower_tell(struct hf_follower *f, bool feed)
{
	if (f->telling) {
		f->again = true;
		f->again_feed |= feed;
		return;
	}
	f->telling = true;
	f->told_feed = feed;
	put_up(f);
}

static void on_tell_again(void *arg)
{
	put_up(arg);
}

static void applied(struct hf_follower *f)
{
	bool feed = f->told_feed;

	f->telling = f->told_feed = false;
	if (feed)
		hf_follow_feed_applied(f);
	say_ready(f);
	if (!f->again)
		return;
	feed = f->again_feed;
	f->again = f->again_feed = false;
	hf_follower_tell(f, feed);
}

static void on_control(int events, void *arg)
{
	struct hf_follower *f = arg;
	char byte = 0;
	ssize_t n = read(f->start->control, &byte, 1);

	(void)events;
	if (n <= 0)
		hf_loop_stop(f->loop); /* nobody is left */
	else if (byte == HF_CONTROL_APPLIED && f->telling)
		applied(f);
	else if (byte == HF_CONTROL_KEPT && f->telling)
		hf_timer_start(f->tell_again, TELL_AGAIN_MS, 0);
}

void hf_follower_lost(struct hf_follower *f)
{
	if (hf_sandbox_names_readable())
		return;
	hf_log_say("what names are resolved with was replaced, and cannot be read from here; "
		   "another follower takes over");
	hf_loop_stop(f->loop);
}

/* --- beginning and end --- */

/* Our own lists say who is no authority any more. */
static int make_context(struct hf_follower *f, struct hf_err *err)
{
	const struct hf_gateway_parts *parts = f->start->parts;
	const char *host = f->start->config->follow.url.host;
	HF_AUTO_DONE(hf_crls) lists = HF_CRLS_INIT;
	HF_AUTO(hf_trust) trust = NULL;
	struct hf_tls_config tls = {
		.role = HF_TLS_CLIENT,
		.credential = parts->follow ? parts->follow : parts->policies[0].credential,
		.server_name = host,
		.verify_name = host,
		.now = hf_clock_for_tls,
	};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < f->lists_len; i++)
		rc = hf_crls_add(&lists, f->lists[i].crl, err);
	if (rc == 0 && lists.len > 0)
		rc = hf_trust_with_lists(parts->policies[0].trust, &lists, &trust, err);
	else if (rc == 0 && hf_trust_crls(parts->policies[0].trust)->len == 0)
		rc = hf_trust_anchors_only(parts->policies[0].trust, &trust, err);
	tls.trust = trust ? trust : parts->policies[0].trust;
	return rc < 0 ? rc : hf_tls_context_new(&tls, &f->tls, err);
}

static int start_up(struct hf_follower *f, struct hf_err *err)
{
	int rc = hf_guard_drop(f->start->config, err);

	/* what is up already, when another follower was here before */
	if (rc == 0 && f->start->revocations)
		rc = hf_revocations_get(f->start->revocations, &f->feed.event, f->lists,
					&f->lists_len, err);
	if (rc == 0 && f->start->config->follow.text)
		rc = make_context(f, err);
	if (rc == 0)
		rc = hf_loop_new(&f->loop, err);
	if (rc == 0)
		rc = hf_timer_new(f->loop, on_tell_again, f, &f->tell_again, err);
	if (rc == 0)
		rc = hf_timer_new(f->loop, on_first_over, f, &f->first_over, err);
	if (rc == 0)
		rc = hf_watch_new(f->loop, f->start->control, on_control, f, &f->control, err);
	if (rc == 0)
		rc = hf_watch_set(f->control, UV_READABLE);
	if (rc == 0)
		rc = hf_guard_lock_follower(f->start->config, err);
	if (rc == 0)
		rc = hf_follow_lists_start(f, err);
	if (rc == 0 && f->start->config->follow.text)
		rc = hf_follow_feed_start(f, err);
	if (rc == 0)
		rc = hf_follow_ocsp_start(f, err);
	if (rc < 0)
		return rc;
	hf_timer_start(f->first_over, HF_FOLLOW_FIRST_MS, 0);
	/* a report of each list and of the feed comes; of none it is made here */
	say_ready(f);
	return 0;
}

static void shut_down(struct hf_follower *f)
{
	hf_follow_feed_stop(f);
	hf_follow_lists_stop(f);
	hf_follow_ocsp_stop(f);
	hf_watch_free(f->control);
	hf_timer_free(f->tell_again);
	hf_timer_free(f->first_over);
	hf_loop_free(f->loop);
	hf_tls_context_unref(f->tls);
	for (size_t i = 0; i < f->lists_len; i++)
		hf_crl_unref(f->lists[i].crl);
}

int hf_follower_run(const struct hf_follower_start *start)
{
	struct hf_follower *f = calloc(1, sizeof(*f));
	struct hf_err err = HF_ERR_INIT;

	if (!f)
		return EXIT_CANNOT;
	f->start = start;
	hf_leave_signals_to_the_supervisor();
	if (start_up(f, &err) < 0) {
		hf_log_say("revocations cannot be followed: %s", err.msg);
		return EXIT_CANNOT;
	}
	hf_loop_run(f->loop);
	shut_down(f);
	free(f);
	return 0;
}
