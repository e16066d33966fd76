/* SPDX-License-Identifier: Apache-2.0 */
/* What observers of handshakes get.  Must never mix the lines of two processes. */
#include "cli/observe.h"

#include <unistd.h>

#include "probe/keylog.h"
#include "probe/session.h"
#include "util/log.h"

enum { LINE_CAP = 8192 };

void hf_cli_trace_event(void *arg, const struct hf_event *event)
{
	HF_AUTO_DONE(hf_buf) line = HF_BUF_INIT(LINE_CAP);

	(void)arg;
	if (hf_event_format(event, &line) >= 0)
		hf_log_line(STDERR_FILENO, line.data, line.len);
}

/* Connections of all workers write to one stream: each line says whose it is. */
static void trace_connection(void *arg, const void *conn, const struct hf_event *event)
{
	HF_AUTO_DONE(hf_buf) line = HF_BUF_INIT(LINE_CAP);

	(void)arg;
	(void)hf_buf_printf(&line, "[%d.%05x] ", (int)getpid(),
			    (unsigned)((uintptr_t)conn >> 4 & 0xfffff));
	if (hf_event_format(event, &line) >= 0)
		hf_log_line(STDERR_FILENO, line.data, line.len);
}

int hf_cli_observe(bool trace, const char *keylog, int *ret_fd, struct hf_gateway_config *config,
		   struct hf_err *err)
{
	int rc;

	*ret_fd = -1;
	if (trace) {
		config->trace = trace_connection;
		config->trace_clock_us = hf_session_clock_us;
	}
	if (!keylog)
		return 0;
	rc = hf_keylog_open(keylog, ret_fd, err);
	if (rc < 0)
		return rc;
	config->keylog = hf_keylog_line;
	config->keylog_arg = ret_fd;
	return 0;
}
