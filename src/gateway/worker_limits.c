/* SPDX-License-Identifier: Apache-2.0 */
/* Limits for one identity and one address.  Must never let a flood of what it turns away flood the
 * log: one line in a while of each kind, with the number of those in between. */
#include <stdio.h>
#include <unistd.h>

#include "base/json.h"
#include "gateway/worker.h"
#include "util/clock.h"

enum limit { LIMIT_REQUESTS, LIMIT_CONNECTIONS, LIMIT_FAILURES };
enum { WINDOW_MS = 10 * 1000, LINE_CAP = 4096 };

static const char *const names[] = {
	[LIMIT_REQUESTS] = "max-requests-per-second",
	[LIMIT_CONNECTIONS] = "max-connections-per-identity",
	[LIMIT_FAILURES] = "max-failures-per-address",
};

/* False: one was written a moment ago, and this one is only counted. */
static bool may_tell(struct hf_limit_log *log, enum limit limit, uint64_t now_ms)
{
	if (log->told_ms[limit] == 0 || now_ms - log->told_ms[limit] >= WINDOW_MS) {
		log->told_ms[limit] = now_ms;
		return true;
	}
	log->untold[limit]++;
	return false;
}

/* ret_reference: HF_REFERENCE_CAP bytes, "" when nothing was written. */
static void tell(struct hf_worker *worker, enum limit limit, const char *identity,
		 const struct hf_address *peer, uint64_t wait_ms, char *ret_reference)
{
	struct hf_limit_log *log = &worker->limited;
	HF_AUTO_DONE(hf_buf) line = HF_BUF_INIT(LINE_CAP);
	char address[HF_ADDRESS_TEXT_CAP];
	struct hf_json j;

	ret_reference[0] = '\0';
	if (!may_tell(log, limit, hf_loop_now_ms(worker->loop) + 1))
		return;
	(void)snprintf(ret_reference, HF_REFERENCE_CAP, "%llx-%u-l%llu",
		       (unsigned long long)worker->refusals.started_at, worker->refusals.worker,
		       (unsigned long long)++log->records);
	hf_address_format(peer, address);
	hf_json_init(&j, &line, false);
	hf_json_object_begin(&j, NULL);
	hf_json_time(&j, "time", hf_clock_now());
	hf_json_string(&j, "event", "limited");
	hf_json_string(&j, "reference", ret_reference);
	hf_json_string(&j, "limit", names[limit]);
	hf_json_string(&j, "identity", identity);
	hf_json_string(&j, "peer", address);
	hf_json_int(&j, "wait_ms", (int64_t)wait_ms);
	hf_json_int(&j, "not_told", (int64_t)log->untold[limit]);
	hf_json_object_end(&j);
	log->untold[limit] = 0;
	if (!hf_buf_failed(&line))
		hf_log_line(STDERR_FILENO, line.data, line.len);
}

static const char *name_of(const struct hf_conn *conn)
{
	const struct hf_verdict *verdict = hf_conn_verdict(conn);

	return verdict != NULL && verdict->identity != NULL ? verdict->identity->name : NULL;
}

/* --- addresses --- */

bool hf_worker_address_may(struct hf_worker *worker, const struct hf_address *peer)
{
	char reference[HF_REFERENCE_CAP];
	uint64_t wait;

	if (worker->config->limits.failures_per_address == 0)
		return true;
	wait = hf_roster_wait_ms(worker->start->roster, peer);
	if (wait == 0)
		return true;
	hf_count(&worker->mine->limited_addresses, 1);
	tell(worker, LIMIT_FAILURES, NULL, peer, wait, reference);
	return false;
}

void hf_worker_handshake_failed(struct hf_worker *worker, const struct hf_conn *conn)
{
	hf_roster_failed(worker->start->roster, hf_conn_peer(conn));
}

/* --- identities --- */

void hf_worker_seat(struct hf_link *link, const struct hf_conn *conn)
{
	struct hf_worker *worker = link->worker;
	uint32_t live, most = worker->config->limits.connections_per_identity;
	char reference[HF_REFERENCE_CAP];

	hf_roster_enter(worker->start->roster, worker->start->index, hf_conn_verdict(conn),
			hf_clock_now(), &link->seat, &live);
	link->crowded = most > 0 && live > most;
	if (!link->crowded)
		return;
	hf_count(&worker->mine->limited_connections, 1);
	tell(worker, LIMIT_CONNECTIONS, name_of(conn), hf_conn_peer(conn), 0, reference);
}

unsigned hf_worker_request_wait(struct hf_link *link, const struct hf_conn *conn,
				char reference[HF_REFERENCE_CAP])
{
	struct hf_worker *worker = link->worker;
	uint64_t wait;

	reference[0] = '\0';
	if (link->crowded) /* told of when it came */
		return 1;
	wait = hf_roster_request(worker->start->roster, &link->seat);
	if (wait == 0)
		return 0;
	hf_count(&worker->mine->limited_requests, 1);
	tell(worker, LIMIT_REQUESTS, name_of(conn), hf_conn_peer(conn), wait, reference);
	return (unsigned)((wait + 999) / 1000);
}
