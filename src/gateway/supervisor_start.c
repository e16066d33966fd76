/* SPDX-License-Identifier: Apache-2.0 */
/* What the supervisor makes before the first fork: sockets, shared counters, signals.  Must never
 * make anything of TLS here. */
#include <errno.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include "base/err.h"
#include "gateway/supervisor.h"
#include "util/daemon.h"

enum { DESCRIPTORS_SPARED = 64 }; /* listeners, logs, libraries */

/* Connections are descriptors; the soft limit is for programs that use select(2). */
static size_t descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 1024;
	if (limit.rlim_cur < limit.rlim_max) {
		rlim_t soft = limit.rlim_cur;

		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
			limit.rlim_cur = soft;
	}
	return (size_t)HF_MIN(limit.rlim_cur, (rlim_t)1 << 20);
}

static size_t cores(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 1;
	return HF_MIN((size_t)CPU_COUNT(&set), (size_t)16);
}

static void work_out_defaults(struct hf_supervisor *s)
{
	size_t a_worker = descriptors();

	a_worker =
	    a_worker > 2 * DESCRIPTORS_SPARED ? a_worker - DESCRIPTORS_SPARED : DESCRIPTORS_SPARED;
	/* Whoever is let in may need a second one, for the service behind. */
	if (s->own.upstream.to != NULL || s->own.upstream.routes != NULL)
		a_worker /= 2;
	if (s->own.workers == 0)
		s->own.workers = cores();
	s->slots_len = HF_MIN(s->own.workers, (size_t)HF_WORKERS_CAP);
	if (s->own.connections_cap == 0 || s->own.connections_cap > a_worker * s->slots_len)
		s->own.connections_cap = a_worker * s->slots_len;
	s->own.connections_cap = HF_MAX(s->own.connections_cap, s->slots_len);
	for (size_t i = 0; i < s->slots_len; i++)
		s->slots[i].control = s->slots[i].report = -1;
}

static int open_metrics(struct hf_supervisor *s, struct hf_err *err)
{
	int rc;

	if (s->config->metrics == NULL)
		return 0;
	rc = hf_bound_open(&s->metrics, s->config->metrics, 1, err);
	for (size_t i = 0; rc == 0 && i < s->metrics.len; i++)
		if (!hf_address_is_loopback(&s->metrics.items[i].address))
			return hf_err_set(err, HF_E_INVALID,
					  "--metrics %s: figures are plain HTTP, so loopback only",
					  s->config->metrics);
	return rc;
}

static int open_signals(struct hf_supervisor *s, struct hf_err *err)
{
	static const int wanted[] = { SIGCHLD, SIGHUP, SIGTERM, SIGINT };

	sigemptyset(&s->blocked);
	for (size_t i = 0; i < HF_ARRAY_LEN(wanted); i++)
		sigaddset(&s->blocked, wanted[i]);
	if (sigprocmask(SIG_BLOCK, &s->blocked, &s->before) != 0)
		return hf_err_errno(err, errno, "sigprocmask");
	s->signals = signalfd(-1, &s->blocked, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signals < 0 ? hf_err_errno(err, errno, "signalfd") : 0;
}

/* What comes in for a tunnel is plaintext, and goes out in our name. */
static int check_plaintext(const struct hf_supervisor *s, struct hf_err *err)
{
	const struct hf_origin_config *origin = &s->config->origin;

	for (size_t i = 0; hf_gateway_originates(s->config) && i < s->bound.len; i++) {
		const struct hf_address *address = &s->bound.items[i].address;
		char text[HF_ADDRESS_TEXT_CAP];

		hf_address_format(address, text);
		if (!origin->anywhere && !hf_address_is_loopback(address)) {
			(void)hf_err_set(
			    err, HF_E_INVALID,
			    "--listen %s: other machines could use this identity in the clear",
			    text);
			(void)hf_err_hint(err, "listen on localhost or unix:PATH; --unsafe-listen "
					       "allows it all the same");
			return hf_err_at_text(err, text);
		}
		if (origin->uids_len > 0 && address->sa.ss_family != AF_UNIX)
			return hf_err_set(
			    err, HF_E_INVALID,
			    "--allow-uid with --listen %s: the kernel tells the uid on "
			    "unix sockets only",
			    text);
	}
	return 0;
}

static int open_listeners(struct hf_supervisor *s, struct hf_err *err)
{
	size_t before = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < s->config->listen->len; i++) {
		rc = hf_bound_open(&s->bound, s->config->listen->items[i], s->slots_len, err);
		for (; before < s->bound.len; before++)
			s->bound.items[before].spec = i;
	}
	return rc;
}

int hf_supervisor_set_up(struct hf_supervisor *s, struct hf_err *err)
{
	int rc;

	work_out_defaults(s);
	s->watchdog_ms = hf_daemon_watchdog_ms();
	rc = open_listeners(s, err);
	if (rc == 0)
		rc = check_plaintext(s, err);
	if (rc == 0)
		rc = open_metrics(s, err);
	if (rc == 0)
		rc = s->config->source.load(s->config->source.arg, s->generation, &s->good, err);
	if (rc < 0)
		return rc;
	hf_supervisor_note_files(s);
	rc = hf_supervisor_share(s, err);
	if (rc == 0)
		rc = hf_supervisor_signer_ready(s, err);
	if (rc == 0)
		rc = hf_supervisor_open_admin(s, err);
	if (rc == 0)
		rc = open_signals(s, err);
	if (rc == 0 && s->config->follow.ocsp)
		rc = hf_ocsp_book_new(s->slots_len, s->config->follow.ocsp_ms, &s->own.ocsp, err);
	if (rc == 0 && s->config->watch)
		rc = hf_filewatch_new(&s->good.watch, &s->watch, err);
	return rc;
}
