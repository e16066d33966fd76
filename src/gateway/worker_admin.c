/* SPDX-License-Identifier: Apache-2.0 */
/* What the admin socket asks of a worker: a report of its connections, and to turn away a
 * certificate at once.  Must never send anything but one byte to the supervisor: a report goes into
 * a file that both have open. */
#include <sys/types.h>
#include <unistd.h>

#include "base/json.h"
#include "gateway/worker.h"
#include "net/admin.h"
#include "util/clock.h"

/* report.c takes a row of these keys and types, and no other. */
static void write_row(struct hf_json *j, const struct hf_link *link, int64_t now)
{
	const struct hf_verdict *verdict = link->conn ? hf_conn_verdict(link->conn) : NULL;
	char url[HF_ADDRESS_TEXT_CAP + 16], peer[HF_ADDRESS_TEXT_CAP];
	struct hf_tls_info info = { 0 };

	if (link->conn != NULL) {
		hf_conn_info(link->conn, &info);
		hf_address_format(hf_conn_peer(link->conn), peer);
	}
	hf_bound_url(link->bound, hf_gateway_scheme(link->worker->config), url, sizeof(url));
	hf_json_object_begin(j, NULL);
	hf_json_int(j, "worker", (int64_t)link->worker->start->index);
	hf_json_string(j, "identity",
		       verdict != NULL && verdict->identity != NULL ? verdict->identity->name
								    : NULL);
	hf_json_string(j, "peer", link->conn != NULL ? peer : NULL);
	hf_json_string(j, "listener", url);
	hf_json_string(j, "state", link->in_session ? "open" : "handshake");
	hf_json_time(j, "since", link->since);
	hf_json_int(j, "seconds", now - link->since);
	hf_json_int(j, "requests", (int64_t)link->requests);
	hf_json_string(j, "route", link->route);
	hf_json_int(j, "bytes_in", (int64_t)info.bytes_in);
	hf_json_int(j, "bytes_out", (int64_t)info.bytes_out);
	hf_json_string(j, "version", info.version ? hf_tls_version_name(info.version) : NULL);
	hf_json_bool(j, "resumed", info.resumed);
	hf_json_string(j, "sni", info.sni);
	if (verdict != NULL && verdict->chain.len > 0)
		hf_json_hex(j, "sha256", verdict->chain.items[0]->sha256, HF_SHA256_LEN);
	hf_json_int(j, "generation", (int64_t)link->generation->number);
	hf_json_object_end(j);
}

static void write_report(struct hf_worker *worker, struct hf_json *j)
{
	size_t cap = worker->start->board->orders->rows_cap, rows = 0;
	int64_t now = hf_clock_now();

	hf_json_array_begin(j, NULL);
	for (struct hf_link *link = worker->links; link != NULL && rows < cap; link = link->next) {
		write_row(j, link, now);
		rows++;
	}
	hf_json_array_end(j);
	worker->start->board->workers[worker->start->index].left_out = worker->links_len - rows;
}

/* All of it, or nothing. */
static void write_file(int fd, const char *text, size_t len)
{
	size_t at = 0;
	ssize_t n = 1;

	if (ftruncate(fd, 0) != 0)
		return;
	while (at < len && n > 0) {
		n = pwrite(fd, text + at, len - at, (off_t)at);
		if (n > 0)
			at += (size_t)n;
	}
	if (at < len)
		(void)!ftruncate(fd, 0);
}

void hf_worker_report(struct hf_worker *worker)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(HF_ADMIN_ANSWER_CAP);
	struct hf_json j;

	hf_json_init(&j, &text, false);
	write_report(worker, &j);
	/* Rows only, without the brackets: the supervisor puts those of all workers into one array.
	 */
	if (hf_buf_failed(&text) || text.len < 2)
		write_file(worker->start->report, "", 0);
	else
		write_file(worker->start->report, text.data + 1, text.len - 2);
}

void hf_worker_take_revoked(struct hf_worker *worker)
{
	const struct hf_board *board = worker->start->board;
	struct hf_peers *peers = hf_generation_peers(worker->generation);
	size_t len = atomic_load_explicit(&board->orders->revoked_len, memory_order_acquire);

	while (worker->revoked_len < len)
		(void)hf_peers_revoke(peers, board->orders->revoked[worker->revoked_len++], NULL);
}

void hf_worker_revoke(struct hf_worker *worker)
{
	uint64_t before = worker->dropped;

	hf_worker_take_revoked(worker);
	hf_worker_sweep(worker);
	worker->start->board->workers[worker->start->index].dropped = worker->dropped - before;
}
