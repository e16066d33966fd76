/* SPDX-License-Identifier: Apache-2.0 */
/* The admin socket of a gateway: what is asked of the supervisor, and what it has to ask its
 * workers for.  Must never wait: an answer is given when the last worker has said its byte. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "gateway/report.h"
#include "gateway/supervisor.h"
#include "util/clock.h"

enum { GIVE_UP_MS = 30 * 1000 };

/* --- answers --- */

static void answer_status(struct hf_supervisor *s, struct hf_admin_call *call,
			  const struct hf_admin_request *request)
{
	struct hf_buf line;
	struct hf_json j;

	hf_admin_answer_begin(&j, &line, HF_ADMIN_ANSWER_CAP);
	hf_supervisor_status(s, &j);
	if (request->verb == HF_ADMIN_TOP)
		hf_roster_to_json(s->roster, request->limit, &j);
	hf_admin_answer_end(call, &j, &line);
}

/* The worker's text may change, and need not end. */
static bool read_kept(const struct hf_board_row *row, char out[HF_BOARD_TEXT_CAP])
{
	memcpy(out, row->kept, HF_BOARD_TEXT_CAP);
	out[HF_BOARD_TEXT_CAP - 1] = '\0';
	return out[0] != '\0';
}

static void answer_reload(struct hf_supervisor *s, struct hf_admin_call *call)
{
	struct hf_buf line;
	struct hf_json j;

	hf_admin_answer_begin(&j, &line, HF_ADMIN_ANSWER_CAP);
	hf_json_bool(&j, "reloaded", s->reload_err.code == 0);
	hf_json_int(&j, "generation", (int64_t)s->generation);
	if (s->reload_err.code != 0) {
		hf_json_string(&j, "reason", s->reload_err.msg);
		hf_json_string(&j, "hint", s->reload_err.hint[0] ? s->reload_err.hint : NULL);
	}
	hf_json_array_begin(&j, "workers");
	for (size_t i = 0; i < s->slots_len; i++) {
		const struct hf_board_row *row = &s->board->workers[i];
		char kept[HF_BOARD_TEXT_CAP];

		hf_json_object_begin(&j, NULL);
		hf_json_int(&j, "worker", (int64_t)i);
		hf_json_int(&j, "generation", (int64_t)row->generation);
		if (read_kept(row, kept))
			hf_json_string(&j, "reason", kept);
		hf_json_object_end(&j);
	}
	hf_json_array_end(&j);
	hf_admin_answer_end(call, &j, &line);
}

static void answer_drain(struct hf_supervisor *s, struct hf_admin_call *call)
{
	struct hf_buf line;
	struct hf_json j;

	hf_admin_answer_begin(&j, &line, HF_ADMIN_ANSWER_CAP);
	hf_json_bool(&j, "drained", true);
	hf_json_bool(&j, "cut", s->cut);
	hf_admin_answer_end(call, &j, &line);
}

static void answer_revoke(struct hf_supervisor *s, const struct hf_pending *pending)
{
	struct hf_buf line;
	struct hf_json j;
	uint64_t closed = 0;

	for (size_t i = 0; i < s->slots_len; i++)
		closed += s->board->workers[i].dropped;
	hf_admin_answer_begin(&j, &line, HF_ADMIN_ANSWER_CAP);
	hf_json_bool(&j, "revoked", true);
	hf_json_hex(&j, "fingerprint", pending->request.fingerprint, HF_SHA256_LEN);
	hf_json_int(&j, "closed", (int64_t)closed);
	hf_json_int(&j, "workers", (int64_t)s->slots_len);
	hf_admin_answer_end(pending->call, &j, &line);
}

static bool read_file(int fd, struct hf_buf *out)
{
	struct stat st;
	char part[16 * 1024];
	ssize_t n;

	if (fstat(fd, &st) != 0 || st.st_size > HF_ADMIN_ANSWER_CAP)
		return false;
	while ((n = pread(fd, part, sizeof(part), (off_t)out->len)) > 0)
		if (hf_buf_append(out, part, (size_t)n) < 0)
			return false;
	return n == 0;
}

/* The rows of a worker.  What it wrote is read from a copy: it may write meanwhile. */
static bool read_report(const struct hf_supervisor *s, size_t worker, size_t rows_cap,
			struct hf_buf *rows)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(HF_ADMIN_ANSWER_CAP);

	if (read_file(s->slots[worker].report, &text) &&
	    hf_report_read(text.data, text.len, worker, rows_cap, rows))
		return true;
	hf_log_say("admin socket: worker %zu reports something else than its connections; they are "
		   "left out",
		   worker);
	return false;
}

static void answer_connections(struct hf_supervisor *s, const struct hf_pending *pending)
{
	bool unreadable[HF_WORKERS_CAP] = { false };
	uint64_t left_out = 0, most = s->config->connections_cap;
	struct hf_buf line;
	struct hf_json j;

	hf_admin_answer_begin(&j, &line, HF_ADMIN_ANSWER_CAP);
	hf_json_array_begin(&j, "connections");
	for (size_t i = 0; i < s->slots_len; i++) {
		HF_AUTO_DONE(hf_buf) rows = HF_BUF_INIT(HF_ADMIN_ANSWER_CAP);

		if (s->slots[i].pid == 0)
			continue;
		unreadable[i] = !read_report(s, i, pending->request.limit, &rows);
		left_out += HF_MIN((uint64_t)s->board->workers[i].left_out, most);
		if (!unreadable[i] && rows.len > 0)
			hf_json_raw(&j, NULL, rows.data, rows.len);
	}
	hf_json_array_end(&j);
	hf_json_int(&j, "left_out", (int64_t)left_out);
	hf_json_array_begin(&j, "unreadable");
	for (size_t i = 0; i < s->slots_len; i++)
		if (unreadable[i])
			hf_json_int(&j, NULL, (int64_t)i);
	hf_json_array_end(&j);
	hf_admin_answer_end(pending->call, &j, &line);
}

/* --- questions that wait --- */

static void answer(struct hf_supervisor *s, struct hf_pending *pending)
{
	switch (pending->request.verb) {
	case HF_ADMIN_RELOAD:
		answer_reload(s, pending->call);
		break;
	case HF_ADMIN_CONNECTIONS:
		answer_connections(s, pending);
		break;
	case HF_ADMIN_REVOKE_NOW:
		answer_revoke(s, pending);
		break;
	case HF_ADMIN_DRAIN:
		answer_drain(s, pending->call);
		break;
	case HF_ADMIN_STATUS:
	case HF_ADMIN_TOP:
		answer_status(s, pending->call, &pending->request);
		break;
	}
	*pending = (struct hf_pending){ 0 };
}

static void give_up(struct hf_pending *pending)
{
	struct hf_err err = HF_ERR_INIT;

	(void)hf_err_set(&err, HF_E_BUSY, "a worker has not answered in %d seconds",
			 GIVE_UP_MS / 1000);
	(void)hf_err_hint(&err, "handfast ctl status shows the workers");
	hf_admin_refuse(pending->call, &err);
	*pending = (struct hf_pending){ 0 };
}

static bool asks_workers(const struct hf_pending *pending)
{
	return pending->call != NULL && (pending->request.verb == HF_ADMIN_CONNECTIONS ||
					 pending->request.verb == HF_ADMIN_REVOKE_NOW);
}

static bool workers_owe(const struct hf_supervisor *s)
{
	for (size_t i = 0; i < s->slots_len; i++)
		if (s->slots[i].asked)
			return true;
	return false;
}

static struct hf_pending *first_of_workers(struct hf_supervisor *s, bool told)
{
	for (size_t i = 0; i < HF_PENDING_CAP; i++)
		if (asks_workers(&s->pending[i]) && s->pending[i].told == told)
			return &s->pending[i];
	return NULL;
}

/* One question at a time goes to the workers. */
static void ask_workers(struct hf_supervisor *s, struct hf_pending *pending)
{
	bool revoke = pending->request.verb == HF_ADMIN_REVOKE_NOW;

	pending->told = true;
	s->board->orders->rows_cap = pending->request.limit;
	for (size_t i = 0; i < s->slots_len; i++) {
		/* a worker that has just come answers nothing, and has not the words of another */
		s->board->workers[i].dropped = 0;
		s->board->workers[i].left_out = 0;
		(void)!ftruncate(s->slots[i].report, 0);
		s->slots[i].asked = s->slots[i].pid != 0;
	}
	hf_supervisor_tell_all(s, revoke ? HF_CONTROL_REVOKE : HF_CONTROL_REPORT);
}

static void settle_workers(struct hf_supervisor *s)
{
	struct hf_pending *pending;

	while (!workers_owe(s)) {
		pending = first_of_workers(s, true);
		if (pending != NULL)
			answer(s, pending);
		pending = first_of_workers(s, false);
		if (pending == NULL)
			return;
		ask_workers(s, pending);
	}
}

void hf_supervisor_run_admin(struct hf_supervisor *s, int64_t now_ms)
{
	if (s->admin == NULL)
		return;
	hf_admin_run(s->admin);
	settle_workers(s);
	for (size_t i = 0; i < HF_PENDING_CAP; i++)
		if (s->pending[i].end_ms != 0 && now_ms >= s->pending[i].end_ms)
			give_up(&s->pending[i]);
}

void hf_supervisor_reload_over(struct hf_supervisor *s)
{
	for (size_t i = 0; i < HF_PENDING_CAP; i++)
		if (s->pending[i].call != NULL && s->pending[i].request.verb == HF_ADMIN_RELOAD &&
		    s->pending[i].reload_round <= s->reload_round)
			answer(s, &s->pending[i]);
}

void hf_supervisor_drained(struct hf_supervisor *s)
{
	for (size_t i = 0; i < HF_PENDING_CAP; i++)
		if (s->pending[i].call != NULL)
			answer(s, &s->pending[i]);
	hf_admin_finish(s->admin);
}

/* --- questions --- */

static struct hf_pending *wait_for(struct hf_supervisor *s, struct hf_admin_call *call,
				   const struct hf_admin_request *request)
{
	struct hf_err err = HF_ERR_INIT;

	for (size_t i = 0; i < HF_PENDING_CAP; i++) {
		if (s->pending[i].call != NULL)
			continue;
		s->pending[i] = (struct hf_pending){
			.call = call,
			.request = *request,
			.reload_round = s->reload_round + 1,
			.end_ms = hf_clock_monotonic_ms() + GIVE_UP_MS,
		};
		return &s->pending[i];
	}
	(void)hf_err_set(&err, HF_E_BUSY, "too many questions wait for an answer");
	hf_admin_refuse(call, &err);
	return NULL;
}

static void ask_reload(struct hf_supervisor *s, struct hf_admin_call *call,
		       const struct hf_admin_request *request)
{
	struct hf_err err = HF_ERR_INIT;

	if (s->stopping) {
		(void)hf_err_set(&err, HF_E_BUSY, "the gateway is draining");
		hf_admin_refuse(call, &err);
		return;
	}
	hf_log_say("admin socket: reload");
	if (wait_for(s, call, request) != NULL)
		hf_supervisor_reload(s);
}

/* Answered when the last worker has ended, or by the end of the process. */
static void ask_drain(struct hf_supervisor *s, struct hf_admin_call *call,
		      const struct hf_admin_request *request)
{
	struct hf_pending *pending = wait_for(s, call, request);

	if (pending == NULL)
		return;
	pending->end_ms = 0;
	if (!s->stopping && request->deadline_s >= 0)
		s->board->orders->drain_ms = request->deadline_s * 1000;
	hf_log_say("admin socket: drain");
	hf_supervisor_stop(s);
}

static bool on_board(const struct hf_board_orders *orders, const uint8_t sha256[HF_SHA256_LEN])
{
	for (size_t i = 0; i < orders->revoked_len; i++)
		if (memcmp(orders->revoked[i], sha256, HF_SHA256_LEN) == 0)
			return true;
	return false;
}

static void ask_revoke(struct hf_supervisor *s, struct hf_admin_call *call,
		       const struct hf_admin_request *request)
{
	struct hf_board_orders *orders = s->board->orders;
	size_t len = orders->revoked_len;
	char hex[2 * HF_SHA256_LEN + 1];
	struct hf_err err = HF_ERR_INIT;

	if (!on_board(orders, request->fingerprint)) {
		if (len == HF_PEERS_REVOKED_CAP) {
			(void)hf_err_set(&err, HF_E_LIMIT, "%d certificates are revoked so already",
					 HF_PEERS_REVOKED_CAP);
			(void)hf_err_hint(&err, "put them on a revocation list and restart");
			hf_admin_refuse(call, &err);
			return;
		}
		memcpy(orders->revoked[len], request->fingerprint, HF_SHA256_LEN);
		atomic_store_explicit(&orders->revoked_len, len + 1, memory_order_release);
	}
	hf_hex_encode(request->fingerprint, HF_SHA256_LEN, hex);
	hf_log_say("admin socket: certificate %s is refused from now on", hex);
	(void)wait_for(s, call, request);
}

static void asked(struct hf_admin_call *call, const struct hf_admin_request *request, void *arg)
{
	struct hf_supervisor *s = arg;

	switch (request->verb) {
	case HF_ADMIN_STATUS:
	case HF_ADMIN_TOP:
		answer_status(s, call, request);
		break;
	case HF_ADMIN_CONNECTIONS:
		(void)wait_for(s, call, request);
		break;
	case HF_ADMIN_RELOAD:
		ask_reload(s, call, request);
		break;
	case HF_ADMIN_DRAIN:
		ask_drain(s, call, request);
		break;
	case HF_ADMIN_REVOKE_NOW:
		ask_revoke(s, call, request);
		break;
	}
}

/* --- beginning and end --- */

static int open_reports(struct hf_supervisor *s, struct hf_err *err)
{
	for (size_t i = 0; i < s->slots_len; i++) {
		s->slots[i].report = memfd_create("handfast-report", MFD_CLOEXEC);
		if (s->slots[i].report < 0)
			return hf_err_errno(err, errno, "memfd_create");
	}
	return 0;
}

/* Where nothing was said, a gateway that has no place for a socket works without one. */
static int open_default(struct hf_supervisor *s)
{
	const char *name = hf_gateway_originates(s->config) ? "tunnel" : "serve";
	char spec[PATH_MAX + 8] = "unix:";
	struct hf_err err = HF_ERR_INIT;

	if (hf_admin_default_path(name, spec + strlen("unix:"), &err) == 0)
		(void)hf_admin_open(spec, asked, s, &s->admin, &err);
	return 0;
}

int hf_supervisor_open_admin(struct hf_supervisor *s, struct hf_err *err)
{
	const char *spec = s->config->admin;
	int rc = open_reports(s, err);

	if (rc < 0 || hf_str_eq(spec, "none"))
		return rc;
	return spec == NULL ? open_default(s) : hf_admin_open(spec, asked, s, &s->admin, err);
}

void hf_supervisor_close_admin(struct hf_supervisor *s)
{
	hf_admin_free(s->admin);
	s->admin = NULL;
	for (size_t i = 0; i < s->slots_len; i++)
		hf_fd_close(s->slots[i].report);
}
