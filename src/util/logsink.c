/* SPDX-License-Identifier: Apache-2.0 */
/* Lines to a file or pipe.  Must never block (a reader that stands still would stop the service),
 * tear a line, or lose one without saying so. */
#include "util/logsink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "util/log.h"

enum {
	FLUSH_AT = 32 * 1024,
	MODE = 0640,
	FLAGS = O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
};

/* Stdout is shared with whoever started us, and so is its O_NONBLOCK: a pipe is opened anew. */
static int open_stdout(void)
{
	struct stat st;
	int fd = -1;

	if (fstat(STDOUT_FILENO, &st) == 0 && S_ISFIFO(st.st_mode))
		fd = open("/proc/self/fd/1", FLAGS);
	return fd >= 0 ? fd : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
}

static bool open_path(struct hf_log_sink *sink)
{
	struct stat st;
	int fd = strcmp(sink->path, "-") == 0 ? open_stdout()
					      : open(sink->path, FLAGS | O_APPEND | O_CREAT, MODE);

	if (fd < 0)
		return false;
	hf_fd_close(sink->fd);
	sink->fd = fd;
	sink->is_file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	sink->stuck = false;
	return true;
}

int hf_log_sink_open(struct hf_log_sink *sink, const char *path, struct hf_err *err)
{
	bool no_reader;
	int rc;

	*sink = (struct hf_log_sink)HF_LOG_SINK_INIT;
	sink->path = path;
	if (path == NULL || open_path(sink))
		return 0;
	no_reader = errno == ENXIO;
	rc = hf_err_errno(err, errno, "cannot open the log '%s'", path);
	if (no_reader)
		(void)hf_err_hint(err, "nobody reads that pipe yet: start its reader first");
	return rc;
}

void hf_log_sink_reopen(struct hf_log_sink *sink)
{
	if (sink->path == NULL)
		return;
	hf_log_sink_flush(sink);
	(void)open_path(sink);
}

static void tell(struct hf_log_sink *sink, int errnum)
{
	if (sink->told == errnum)
		return;
	sink->told = errnum;
	hf_log_say("the log '%s' cannot be written: %s; up to %d KiB of lines wait for it, the "
		   "rest is lost",
		   sink->path, errnum == EAGAIN ? "its reader does not keep up" : strerror(errnum),
		   HF_LOG_SINK_CAP / 1024);
}

static void tell_over(struct hf_log_sink *sink)
{
	if (sink->told == 0)
		return;
	hf_log_say("the log '%s' is written again; %llu lines were lost", sink->path,
		   (unsigned long long)sink->lost);
	sink->told = 0;
	sink->lost = 0;
}

/* How much to write at once.  A pipe takes PIPE_BUF bytes whole or not at all, so that the lines of
 * several processes do not mix. */
static size_t piece_of(const struct hf_log_sink *sink, const char *data, size_t len)
{
	const char *end;

	if (sink->is_file || len <= PIPE_BUF)
		return len;
	end = memrchr(data, '\n', PIPE_BUF);
	return end ? (size_t)(end - data) + 1 : PIPE_BUF;
}

/* Bytes taken; 0 when none are taken now. */
static size_t write_piece(struct hf_log_sink *sink, const char *data, size_t len)
{
	struct pollfd ready = { .fd = sink->fd, .events = POLLOUT };
	ssize_t n;

	if (!sink->is_file && poll(&ready, 1, 0) <= 0)
		return 0;
	n = write(sink->fd, data, piece_of(sink, data, len));
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		tell(sink, errno);
	return n > 0 ? (size_t)n : 0;
}

void hf_log_sink_flush(struct hf_log_sink *sink)
{
	struct hf_buf *lines = &sink->lines;
	size_t at = 0;

	while (sink->fd >= 0 && at < lines->len) {
		size_t n = write_piece(sink, lines->data + at, lines->len - at);

		if (n == 0)
			break;
		at += n;
	}
	hf_buf_consume(lines, at);
	sink->stuck = lines->len > 0;
	if (at > 0 && !sink->stuck)
		tell_over(sink);
}

void hf_log_sink_add(struct hf_log_sink *sink, const struct hf_buf *line)
{
	if (sink->fd < 0)
		return;
	if (line->failed || sink->lines.len + line->len > HF_LOG_SINK_CAP ||
	    hf_buf_append(&sink->lines, line->data, line->len) < 0) {
		sink->lost++;
		tell(sink, sink->told ? sink->told : EAGAIN);
	}
	/* Once stuck, it is asked again when the next flush is due. */
	if (sink->lines.len > FLUSH_AT && !sink->stuck)
		hf_log_sink_flush(sink);
}

void hf_log_sink_done(struct hf_log_sink *sink)
{
	hf_log_sink_flush(sink);
	hf_buf_done(&sink->lines);
	hf_fd_close(sink->fd);
	sink->fd = -1;
}
