/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists that run out while we serve.  Must never leave it to the first refused client to
 * find out, nor say the same twice. */
#include <string.h>

#include "base/time.h"
#include "gateway/worker.h"
#include "util/clock.h"

static struct hf_list_told *find(struct hf_worker *worker, size_t policy, const struct hf_crl *crl)
{
	for (size_t i = 0; i < worker->lists_told_len; i++) {
		struct hf_list_told *told = &worker->lists_told[i];

		if (told->policy == policy && memcmp(told->sha256, crl->sha256, HF_SHA256_LEN) == 0)
			return told;
	}
	return NULL;
}

/* The oldest makes room: lists that are gone stay in the table. */
static struct hf_list_told *put(struct hf_worker *worker, size_t policy, const struct hf_crl *crl)
{
	struct hf_list_told *told = worker->lists_told;

	if (worker->lists_told_len == HF_LISTS_TOLD_CAP) {
		memmove(told, told + 1, (HF_LISTS_TOLD_CAP - 1) * sizeof(*told));
		worker->lists_told_len--;
	}
	told += worker->lists_told_len++;
	memcpy(told->sha256, crl->sha256, HF_SHA256_LEN);
	told->policy = policy;
	told->state = HF_LIST_CURRENT;
	return told;
}

static void say(const struct hf_policy *policy, const struct hf_crl *crl, enum hf_list_state state)
{
	const char *name = policy->parts->name;
	char since[HF_TIME_TEXT_CAP], until[HF_TIME_TEXT_CAP];

	hf_time_format(crl->next_update, since);
	hf_time_format(hf_trust_list_until(policy->trust, crl), until);
	if (state == HF_LIST_IN_GRACE)
		hf_log_say(
		    "warning: %s%s%sthe revocation list of %s is out of date since %s: what "
		    "was revoked since is not known here; it counts until %s (crl-grace), then "
		    "every client below it is refused [V-CRL-EXPIRED]",
		    name ? "policy '" : "", name ? name : "", name ? "': " : "", crl->issuer, since,
		    until);
	else
		hf_log_say("warning: %s%s%sthe revocation list of %s is out of date since %s%s: "
			   "every client below it is refused until the current one is here; it is "
			   "our fault, not theirs [V-CRL-EXPIRED]",
			   name ? "policy '" : "", name ? name : "", name ? "': " : "", crl->issuer,
			   since,
			   hf_trust_crl_grace(policy->trust) > 0 ? ", and its grace is over" : "");
}

/* A list of a file that was out of date when it was read: the preflight has told of it. */
static bool was_read_so(const struct hf_generation *generation, size_t number,
			const struct hf_crl *crl)
{
	const struct hf_generation *base = generation->base ? generation->base : generation;

	return base->loaded_at > crl->next_update &&
	       hf_trust_has_list(base->parts.policies[number].trust, crl);
}

static void look(struct hf_worker *worker, size_t number, const struct hf_crl *crl, int64_t now)
{
	const struct hf_policy *policy = &worker->generation->policies[number];
	enum hf_list_state state = hf_list_state(policy->trust, crl, now);
	struct hf_list_told *told;

	if (state != HF_LIST_IN_GRACE && state != HF_LIST_OVER)
		return;
	told = find(worker, number, crl);
	if (told == NULL ? !was_read_so(worker->generation, number, crl) : told->state != state)
		say(policy, crl, state);
	if (told == NULL)
		told = put(worker, number, crl);
	told->state = state;
}

/* The same list under the same grace needs saying once. */
static bool was_looked_at(const struct hf_generation *generation, size_t number,
			  const struct hf_crl *crl)
{
	int64_t grace = hf_trust_crl_grace(generation->policies[number].trust);

	for (size_t i = 0; i < number; i++)
		if (hf_trust_crl_grace(generation->policies[i].trust) == grace &&
		    hf_trust_has_list(generation->policies[i].trust, crl))
			return true;
	return false;
}

void hf_worker_look_at_lists(struct hf_worker *worker)
{
	const struct hf_generation *generation = worker->generation;
	int64_t now = hf_clock_now();

	if (worker->start->index != 0)
		return;
	for (size_t p = 0; p < generation->policies_len; p++) {
		const struct hf_crls *crls = hf_trust_crls(generation->policies[p].trust);

		for (size_t i = 0; i < crls->len; i++)
			if (crls->items[i]->next_update < now &&
			    !was_looked_at(generation, p, crls->items[i]))
				look(worker, p, crls->items[i], now);
	}
}
