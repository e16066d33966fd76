/* SPDX-License-Identifier: Apache-2.0 */
/* Who writes what of the memory that the processes of a gateway share.  Must never leave a process
 * that talks to strangers anything to write that another one goes by, but for what all write
 * together: the roster and the pool of sessions, of which nothing is believed that could harm. */
#include "gateway/revocations.h"
#include "gateway/supervisor.h"
#include "tls/session_pool.h"

static int map_counters(struct hf_supervisor *s, struct hf_err *err)
{
	int rc = hf_pages_map(hf_counters_rows(s->slots_len), sizeof(*s->counters),
			      &s->counter_pages, err);

	if (rc == 0)
		s->counters = (void *)s->counter_pages.at;
	return rc;
}

static void drop_health(struct hf_supervisor *s)
{
	hf_pages_done(&s->health_pages);
	s->own.health = NULL;
}

/* What only workers and supervisor have. */
static void drop_serving(struct hf_supervisor *s)
{
	hf_board_free(s->board);
	hf_roster_unmap(s->roster);
	hf_session_pool_unmap(s->own.session_pool);
	s->board = NULL;
	s->roster = NULL;
	s->own.session_pool = NULL;
	drop_health(s);
}

void hf_supervisor_unshare(struct hf_supervisor *s)
{
	drop_serving(s);
	hf_revocations_free(s->own.revocations);
	s->own.revocations = NULL;
	hf_pages_done(&s->counter_pages);
	s->counters = NULL;
}

static void leave_source(const struct hf_supervisor *s)
{
	const struct hf_gateway_source *source = &s->config->source;

	if (source->leave != NULL)
		source->leave(source->arg);
}

/* It inherits all of it when it takes the place of one that died, and needs nothing. */
static void signer_has_none(void *arg)
{
	struct hf_supervisor *s = arg;

	hf_supervisor_unshare(s);
	leave_source(s);
}

int hf_supervisor_share(struct hf_supervisor *s, struct hf_err *err)
{
	int rc = map_counters(s, err);

	if (rc == 0)
		rc = hf_board_new(s->slots_len, &s->board, err);
	if (rc == 0)
		rc = hf_health_board_map(s->config, &s->health_pages, &s->own.health, err);
	if (rc == 0 && s->config->resume && s->slots_len > 1)
		rc = hf_session_pool_map(&s->own.session_pool, err);
	if (rc == 0 && hf_gateway_fetches_lists(s->config))
		rc = hf_revocations_new(&s->own.revocations, err);
	if (rc < 0)
		return rc;
	s->roster = hf_roster_map(s->slots_len, &s->config->limits);
	if (s->roster == NULL)
		return hf_err_nomem(err);
	hf_roster_set_anchors(s->roster, &s->good);
	if (s->config->custody != NULL)
		hf_custody_in_signer(s->config->custody, signer_has_none, s);
	return 0;
}

int hf_supervisor_worker_keeps(struct hf_supervisor *s, size_t worker, struct hf_err *err)
{
	const struct hf_gateway_source *source = &s->config->source;
	int rc = hf_pages_keep(&s->counter_pages, worker, err);

	if (rc == 0)
		rc = hf_board_keep(s->board, worker, err);
	/* who looks at the services is worker 0 (health_check.c) */
	if (rc == 0)
		rc = hf_pages_keep(&s->health_pages, worker == 0 ? 0 : HF_PAGES_NONE, err);
	if (rc == 0 && s->own.revocations != NULL)
		rc = hf_notice_only_read(s->own.revocations->notice, err);
	return rc < 0 || source->only_read == NULL ? rc : source->only_read(source->arg, err);
}

int hf_supervisor_follower_keeps(struct hf_supervisor *s, struct hf_err *err)
{
	int rc = hf_pages_keep(&s->counter_pages, hf_counters_follower(s->slots_len), err);

	drop_serving(s);
	leave_source(s);
	return rc;
}
