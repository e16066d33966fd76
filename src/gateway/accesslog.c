/* SPDX-License-Identifier: Apache-2.0 */
/* The access log.  Must never hold up a worker: what a slow reader of a pipe does not take is lost.
 */
#include "gateway/accesslog.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "verify/verdict.h"

enum { LINES_CAP = 1024 * 1024, FLUSH_AT = 32 * 1024, MODE = 0640 };

static int open_path(const char *path)
{
	if (strcmp(path, "-") == 0)
		return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, MODE);
}

int hf_access_log_open(struct hf_access_log *log, const char *path, struct hf_err *err)
{
	*log = (struct hf_access_log){ .fd = -1, .path = path };
	hf_buf_init(&log->lines, LINES_CAP);
	if (path == NULL)
		return 0;
	log->fd = open_path(path);
	if (log->fd < 0)
		return hf_err_errno(err, errno, "cannot open the access log '%s'", path);
	return 0;
}

void hf_access_log_reopen(struct hf_access_log *log)
{
	int fd = log->path != NULL ? open_path(log->path) : -1;

	if (fd < 0)
		return;
	hf_access_log_flush(log);
	hf_fd_close(log->fd);
	log->fd = fd;
}

void hf_access_log_flush(struct hf_access_log *log)
{
	if (log->fd >= 0 && log->lines.len > 0 &&
	    write(log->fd, log->lines.data, log->lines.len) < 0)
		errno = 0; /* nobody left to tell */
	hf_buf_clear(&log->lines);
}

static void write_slice(struct hf_json *j, const char *key, const struct hf_http_head *head,
			struct hf_http_span span)
{
	struct hf_slice text = hf_http_text(head, span);

	hf_json_stringn(j, key, text.data, text.len);
}

void hf_access_log_add(struct hf_access_log *log, const struct hf_http_request *request,
		       const struct hf_http_answer *answer)
{
	const struct hf_verdict *verdict = hf_conn_verdict(request->conn);
	char peer[HF_ADDRESS_TEXT_CAP];
	struct hf_tls_info info;
	struct hf_json j;

	if (log->fd < 0)
		return;
	hf_address_format(hf_conn_peer(request->conn), peer);
	hf_conn_info(request->conn, &info);
	hf_json_init(&j, &log->lines, false);
	hf_json_object_begin(&j, NULL);
	hf_json_time(&j, "time", request->at);
	hf_json_string(&j, "peer", peer);
	hf_json_string(&j, "identity",
		       verdict != NULL && verdict->identity != NULL ? verdict->identity->name
								    : NULL);
	hf_json_bool(&j, "valid", verdict != NULL && verdict->accepted);
	write_slice(&j, "method", request->head, request->head->method_text);
	write_slice(&j, "target", request->head, request->head->target);
	write_slice(&j, "host", request->head, request->head->host);
	hf_json_int(&j, "status", answer->status);
	hf_json_int(&j, "bytes",
		    (int64_t)(answer->fd >= 0 ? answer->fd_len : (uint64_t)answer->body_len));
	hf_json_int(&j, "ms", (int64_t)request->taken_ms);
	hf_json_int(&j, "request", (int64_t)request->number);
	hf_json_string(&j, "sni", info.sni);
	hf_json_string(&j, "version", info.version ? hf_tls_version_name(info.version) : NULL);
	hf_json_object_end(&j);
	hf_json_end_line(&j);
	if (log->lines.len > FLUSH_AT)
		hf_access_log_flush(log);
}

void hf_access_log_done(struct hf_access_log *log)
{
	hf_access_log_flush(log);
	hf_buf_done(&log->lines);
	hf_fd_close(log->fd);
	log->fd = -1;
}
