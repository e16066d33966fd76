/* SPDX-License-Identifier: Apache-2.0 */
/* Shared counters and their text.  Must never take a lock: workers only write what is theirs. */
#include "gateway/counters.h"

#include <string.h>

#include "base/macros.h"
#include "base/str.h"

/* Of a row that another process may have written: never more than there are. */
static size_t causes_of(const struct hf_counters *counters)
{
	size_t len = atomic_load_explicit(&counters->causes_len, memory_order_acquire);

	return HF_MIN(len, (size_t)HF_CAUSES_CAP);
}

/* Copies it, since it may change; false: it is no name of a cause. */
static bool cause_name(const struct hf_cause_count *count, char out[HF_CAUSE_NAME_CAP])
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";

	memcpy(out, count->name, HF_CAUSE_NAME_CAP);
	out[HF_CAUSE_NAME_CAP - 1] = '\0';
	return out[0] != '\0' && out[strspn(out, letters)] == '\0';
}

static bool is_cause(const struct hf_cause_count *count, const char *name)
{
	return strncmp(count->name, name, HF_CAUSE_NAME_CAP) == 0;
}

/* The row of a cause; a new one is made visible by the length, after its name. */
static struct hf_cause_count *cause_row(struct hf_counters *counters, const char *cause)
{
	size_t len = atomic_load_explicit(&counters->causes_len, memory_order_relaxed);

	for (size_t i = 0; i < len; i++)
		if (strcmp(counters->causes[i].name, cause) == 0)
			return &counters->causes[i];
	if (len == HF_CAUSES_CAP)
		return NULL;
	if (!hf_str_copy(counters->causes[len].name, HF_CAUSE_NAME_CAP, cause))
		return NULL;
	atomic_store_explicit(&counters->causes_len, len + 1, memory_order_release);
	return &counters->causes[len];
}

void hf_count_cause(struct hf_counters *counters, const char *cause, enum hf_count_side side)
{
	struct hf_cause_count *row = cause_row(counters, cause[0] ? cause : "unknown");

	hf_count(&counters->refused, 1);
	if (row == NULL)
		return;
	hf_count(side == HF_COUNT_SERVER   ? &row->by_server
		 : side == HF_COUNT_CLIENT ? &row->by_client
					   : &row->by_nobody,
		 1);
}

static const struct hf_metric_field rows[] = {
#define ROW(...) HF_METRIC_FIELD(struct hf_counters, __VA_ARGS__)
	ROW(accepted, "handfast_connections_total", "counter", "Connections accepted."),
	ROW(handshakes, "handfast_handshakes_total", "counter", "TLS handshakes completed."),
	ROW(refused, "handfast_refused_total", "counter", "Connections that ended in a refusal."),
	ROW(requests, "handfast_requests_total", "counter", "Requests answered."),
	ROW(bad_requests, "handfast_bad_requests_total", "counter",
	    "Requests that could not be read."),
	ROW(bytes_sent, "handfast_answer_bytes_total", "counter", "Bytes of answer bodies."),
	ROW(handshaking, "handfast_connections_handshaking", "gauge",
	    "Connections in the handshake."),
	ROW(open, "handfast_connections_open", "gauge", "Connections that are open."),
	ROW(lingering, "handfast_connections_lingering", "gauge",
	    "Connections waiting for the peer to read our last words."),
	ROW(peers, "handfast_peers", "gauge", "Distinct client chains in the peer tables."),
	ROW(peer_hits, "handfast_peer_hits_total", "counter", "Chains that were judged before."),
	ROW(peer_misses, "handfast_peer_misses_total", "counter", "Chains judged anew."),
	ROW(reloads, "handfast_reloads_total", "counter", "Reloads that took effect."),
	ROW(reloads_failed, "handfast_reloads_failed_total", "counter",
	    "Reloads that were refused; the old generation stayed."),
	ROW(limited_requests, "handfast_limited_requests_total", "counter",
	    "Requests answered with 429 because of a limit."),
	ROW(limited_connections, "handfast_limited_connections_total", "counter",
	    "Connections beyond what one identity may have."),
	ROW(limited_addresses, "handfast_limited_addresses_total", "counter",
	    "Connections closed unread: too many handshakes of their address had failed."),
	ROW(spare, "handfast_tunnel_spare_connections", "gauge",
	    "Connections to the server that a tunnel has made in advance."),
	ROW(suppressed, "handfast_refusal_records_suppressed_total", "counter",
	    "Refusal records left out because of --refusal-log-rate."),
	ROW(restarts, "handfast_worker_restarts_total", "counter",
	    "Workers that ended unasked and were replaced."),
	ROW(ocsp_cached, "handfast_ocsp_cached_total", "counter",
	    "Judgements that an OCSP answer at hand sufficed for."),
	ROW(ocsp_soft, "handfast_ocsp_soft_total", "counter",
	    "Judgements that let in without an OCSP answer that says good (--ocsp soft)."),
	ROW(feed_up, "handfast_revocation_feed_up", "gauge",
	    "1 while the authority's revocation feed is followed."),
	ROW(feed_lost, "handfast_revocation_feed_lost_total", "counter",
	    "How often the revocation feed was lost."),
#undef ROW
};

static uint64_t row_sum(const struct hf_counters *all, size_t workers, size_t offset)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < hf_counters_rows(workers); i++) {
		const _Atomic uint64_t *counter = (const void *)((const char *)&all[i] + offset);

		sum += atomic_load_explicit(counter, memory_order_relaxed);
	}
	return sum;
}

static void write_answers(const struct hf_counters *all, size_t workers, struct hf_buf *out)
{
	hf_buf_puts(out, "# HELP handfast_answers_total Answers by class of status.\n"
			 "# TYPE handfast_answers_total counter\n");
	for (size_t class = 2; class < 6; class ++)
		hf_buf_printf(out, "handfast_answers_total{class=\"%zuxx\"} %llu\n", class,
			      (unsigned long long)row_sum(all, workers,
							  offsetof(struct hf_counters, answers) +
							      class * sizeof(all->answers[0])));
}

static void write_ocsp(const struct hf_counters *all, size_t workers, struct hf_buf *out)
{
	static const struct {
		const char *result;
		size_t offset;
	} results[] = { { "good", offsetof(struct hf_counters, ocsp_good) },
			{ "revoked", offsetof(struct hf_counters, ocsp_revoked) },
			{ "unknown", offsetof(struct hf_counters, ocsp_unknown) },
			{ "failed", offsetof(struct hf_counters, ocsp_failed) } };

	hf_buf_puts(out, "# HELP handfast_ocsp_answers_total What came of asking OCSP responders "
			 "about clients.\n# TYPE handfast_ocsp_answers_total counter\n");
	for (size_t i = 0; i < HF_ARRAY_LEN(results); i++)
		hf_buf_printf(out, "handfast_ocsp_answers_total{result=\"%s\"} %llu\n",
			      results[i].result,
			      (unsigned long long)row_sum(all, workers, results[i].offset));
}

static void write_histogram(const struct hf_counters *all, size_t workers, size_t offset,
			    const char *name, const char *help, struct hf_buf *out)
{
	struct hf_histogram sum = { 0 };

	for (size_t i = 0; i < hf_counters_rows(workers); i++)
		hf_histogram_sum(&sum, (const void *)((const char *)&all[i] + offset));
	hf_metric_histogram(out, name, help, &sum);
}

/* Called for each cause with its sums, in the order of the workers that have it. */
typedef void (*cause_told)(const char *name, const char *side, uint64_t value, void *arg);

/* Sum of one cause over workers, told at the first worker that has it. */
static void tell_cause(const struct hf_counters *all, size_t workers, size_t worker, size_t row,
		       cause_told told, void *arg)
{
	char name[HF_CAUSE_NAME_CAP];
	uint64_t sums[3] = { 0 };
	static const char *const sides[] = { "server", "client", "nobody" };

	if (!cause_name(&all[worker].causes[row], name))
		return;
	for (size_t i = 0; i < hf_counters_rows(workers); i++) {
		size_t len = causes_of(&all[i]);

		for (size_t c = 0; c < len; c++) {
			const struct hf_cause_count *count = &all[i].causes[c];

			if (!is_cause(count, name))
				continue;
			if (i < worker)
				return;
			sums[0] += count->by_server;
			sums[1] += count->by_client;
			sums[2] += count->by_nobody;
		}
	}
	for (size_t side = 0; side < HF_ARRAY_LEN(sides); side++)
		if (sums[side] > 0)
			told(name, sides[side], sums[side], arg);
}

static void tell_causes(const struct hf_counters *all, size_t workers, cause_told told, void *arg)
{
	for (size_t w = 0; w < hf_counters_rows(workers); w++) {
		size_t len = causes_of(&all[w]);

		for (size_t c = 0; c < len; c++)
			tell_cause(all, workers, w, c, told, arg);
	}
}

static void write_cause(const char *name, const char *side, uint64_t value, void *out)
{
	hf_buf_printf(out, "handfast_refusals_total{cause=\"%s\",refused_by=\"%s\"} %llu\n", name,
		      side, (unsigned long long)value);
}

static const char *const ours[] = { "V-CRL-EXPIRED", "V-CRL-MISSING",  "V-CRL-INVALID",
				    "V-CRL-NOT-YET", "V-ROOT-EXPIRED", "F-SIGNER",
				    "V-OCSP-DOWN",   "V-OCSP-UNKNOWN", "V-OCSP-NONE" };

bool hf_cause_is_ours(const char *cause)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(ours); i++)
		if (strcmp(ours[i], cause) == 0)
			return true;
	return false;
}

/* Each is there from the start, so that an alert can watch it grow from 0. */
static void write_own_faults(const struct hf_counters *all, size_t workers, struct hf_buf *out)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(ours); i++) {
		uint64_t sum = 0;

		for (size_t w = 0; w < hf_counters_rows(workers); w++)
			for (size_t c = 0; c < causes_of(&all[w]); c++)
				if (is_cause(&all[w].causes[c], ours[i]))
					sum += all[w].causes[c].by_server;
		hf_buf_printf(out, "handfast_own_faults_total{cause=\"%s\"} %llu\n", ours[i],
			      (unsigned long long)sum);
	}
}

void hf_counters_write(const struct hf_counters *all, size_t workers, struct hf_buf *out)
{
	const struct hf_counters *follower = &all[hf_counters_follower(workers)];

	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++)
		hf_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", rows[i].name,
			      rows[i].help, rows[i].name, rows[i].type, rows[i].name,
			      (unsigned long long)row_sum(all, workers, rows[i].offset));
	write_answers(all, workers, out);
	write_ocsp(all, workers, out);
	write_histogram(all, workers, offsetof(struct hf_counters, ocsp_time),
			"handfast_ocsp_seconds",
			"From asking about a client's certificate to the answer, or to giving up.",
			out);
	write_histogram(all, workers, offsetof(struct hf_counters, handshake_time),
			"handfast_handshake_seconds",
			"From accepting a connection to the end of its handshake.", out);
	write_histogram(all, workers, offsetof(struct hf_counters, request_time),
			"handfast_request_seconds",
			"From the first byte of a request to its answer.", out);
	hf_buf_puts(out, "# HELP handfast_refusals_total Refusals by cause and side.\n"
			 "# TYPE handfast_refusals_total counter\n");
	tell_causes(all, workers, write_cause, out);
	hf_buf_puts(
	    out,
	    "# HELP handfast_own_faults_total Refusals that are our own fault: a "
	    "revocation list of ours is missing or not good, a root of ours has expired, the key or the "
	    "OCSP responder does not answer.\n"
	    "# TYPE handfast_own_faults_total counter\n");
	write_own_faults(all, workers, out);
	hf_buf_printf(
	    out,
	    "# HELP handfast_certificate_not_after_seconds When our certificate expires.\n"
	    "# TYPE handfast_certificate_not_after_seconds gauge\n"
	    "handfast_certificate_not_after_seconds %lld\n"
	    "# HELP handfast_staple_until_seconds When the first of the OCSP responses ends that are "
	    "handed out with our certificates (--staple); 0: one is missing, or none is wanted.\n"
	    "# TYPE handfast_staple_until_seconds gauge\nhandfast_staple_until_seconds %lld\n"
	    "# HELP handfast_workers Worker processes.\n# TYPE handfast_workers gauge\n"
	    "handfast_workers %zu\n"
	    "# HELP handfast_revocation_feed_event The event up to which revocations are in force.\n"
	    "# TYPE handfast_revocation_feed_event gauge\nhandfast_revocation_feed_event %lld\n"
	    "# HELP handfast_revocation_lists_good_until_seconds When the first list that came over "
	    "the network ends; 0: there is none.\n"
	    "# TYPE handfast_revocation_lists_good_until_seconds gauge\n"
	    "handfast_revocation_lists_good_until_seconds %lld\n"
	    "# HELP handfast_revocation_lists_count_until_seconds The same with the grace "
	    "(--crl-grace): from then on somebody is refused for want of that list.\n"
	    "# TYPE handfast_revocation_lists_count_until_seconds gauge\n"
	    "handfast_revocation_lists_count_until_seconds %lld\n",
	    (long long)all[0].certificate_not_after, (long long)all[0].staple_until, workers,
	    (long long)follower->feed_event, (long long)follower->lists_good_until,
	    (long long)follower->lists_count_until);
}

/* --- for people and their tools --- */

static const struct {
	const char *key;
	size_t offset;
} totals[] = {
#define TOTAL(field)                                        \
	{                                                   \
#field, offsetof(struct hf_counters, field) \
	}
	TOTAL(accepted),
	TOTAL(handshakes),
	TOTAL(refused),
	TOTAL(requests),
	TOTAL(bad_requests),
	TOTAL(handshaking),
	TOTAL(open),
	TOTAL(lingering),
	TOTAL(limited_requests),
	TOTAL(limited_connections),
	TOTAL(limited_addresses),
	TOTAL(suppressed),
	TOTAL(peers),
	TOTAL(reloads),
	TOTAL(reloads_failed),
	TOTAL(restarts),
#undef TOTAL
};

static void cause_to_json(const char *name, const char *side, uint64_t value, void *j)
{
	hf_json_object_begin(j, NULL);
	hf_json_string(j, "cause", name);
	hf_json_string(j, "refused_by", side);
	hf_json_int(j, "count", (int64_t)value);
	hf_json_object_end(j);
}

void hf_counters_to_json(const struct hf_counters *all, size_t workers, struct hf_json *j)
{
	hf_json_object_begin(j, "totals");
	for (size_t i = 0; i < HF_ARRAY_LEN(totals); i++)
		hf_json_int(j, totals[i].key, (int64_t)row_sum(all, workers, totals[i].offset));
	hf_json_object_end(j);
	hf_json_array_begin(j, "refusals");
	tell_causes(all, workers, cause_to_json, j);
	hf_json_array_end(j);
}
