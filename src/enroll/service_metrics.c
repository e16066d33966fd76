/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of the authority, counted where things are answered; front_metrics.c tells them. Must
 * never keep a word that a peer chose: codes are literals of ours. */
#include <string.h>

#include "enroll/service_internal.h"

static void on_commit(void *arg, int64_t us)
{
	hf_histogram_add(arg, (uint64_t)us);
}

void hf_service_watch_commits(struct hf_service *service)
{
	hf_store_on_commit(service->authority->store, on_commit, &service->figures.commit_time);
}

/* Codes are literals of ours: there are fewer of them than places. */
static void count_refusal(struct hf_service_figures *f, const char *code)
{
	for (size_t i = 0; i < HF_REFUSAL_CODES; i++) {
		if (f->refusals[i].code && strcmp(f->refusals[i].code, code) != 0)
			continue;
		f->refusals[i].code = code;
		f->refusals[i].count++;
		return;
	}
}

void hf_service_count_answer(struct hf_service *service, const struct hf_service_entry *entry)
{
	struct hf_front_figures *f = &service->front->figures;
	int class = entry->status / 100;

	f->requests++;
	if (class >= 2 && class <= 5)
		f->answers[class]++;
	hf_histogram_add(&f->request_time, entry->ms * 1000);
	if (entry->code)
		count_refusal(&service->figures, entry->code);
}

/* What was done counts also when nobody is there any more to be told. */
void hf_service_count_visit(struct hf_service *service, const struct hf_ask *ask)
{
	struct hf_service_figures *f = &service->figures;

	if (ask->status != 200)
		return;
	if (ask->operation[0]) {
		f->wishes++;
		return;
	}
	(*(ask->renews ? &f->renewals : &f->enrolments))++;
	if (ask->again)
		f->again++;
	else if (!ask->renews)
		f->redeemed++;
}
