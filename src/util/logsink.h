/* SPDX-License-Identifier: Apache-2.0 */
/* A file, pipe or terminal that takes lines, without ever making the writer wait: what it does not
 * take now is kept, up to a limit, and offered again; beyond the limit whole lines are lost,
 * counted and told of on stderr. */
#ifndef HF_UTIL_LOGSINK_H
#define HF_UTIL_LOGSINK_H

#include <stdbool.h>

#include "base/str.h"

enum { HF_LOG_SINK_CAP = 1024 * 1024 }; /* bytes kept of lines that could not be written */

struct hf_log_sink {
	int fd; /* -1: none, and every call does nothing */
	bool is_file, stuck;
	const char *path; /* borrowed; "-": stdout */
	struct hf_buf lines;
	uint64_t lost; /* lines, since it last took something */
	int told;      /* the errno that stderr was told of; 0: all is well */
};

#define HF_LOG_SINK_INIT                                                 \
	{                                                                \
		.fd = -1, .lines = HF_BUF_INIT(HF_LOG_SINK_CAP)          \
	}

/* path NULL: none. */
int hf_log_sink_open(struct hf_log_sink *sink, const char *path, struct hf_err *err);
/* After a log was moved away; keeps the old one when the new one cannot be opened. */
void hf_log_sink_reopen(struct hf_log_sink *sink);
/* One line, with its newline. */
void hf_log_sink_add(struct hf_log_sink *sink, const struct hf_buf *line);
void hf_log_sink_flush(struct hf_log_sink *sink);
void hf_log_sink_done(struct hf_log_sink *sink);

#endif
