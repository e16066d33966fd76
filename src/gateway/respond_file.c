/* SPDX-License-Identifier: Apache-2.0 */
/* Files: one for every request, or those below a directory.  Must never leave the directory: every
 * part is opened by itself below the one before, symbolic links are not followed, names that begin
 * with a dot do not exist. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/time.h"
#include "gateway/responder.h"

enum {
	SMALL_FILE = 64 * 1024, /* read at once; larger ones are sent piece by piece */
	PATH_CAP = 4096,
	OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
};

static const struct {
	const char *ending, *type;
} content_types[] = {
	{ ".html", "text/html; charset=utf-8" },
	{ ".htm", "text/html; charset=utf-8" },
	{ ".css", "text/css; charset=utf-8" },
	{ ".js", "text/javascript; charset=utf-8" },
	{ ".mjs", "text/javascript; charset=utf-8" },
	{ ".json", "application/json" },
	{ ".txt", "text/plain; charset=utf-8" },
	{ ".md", "text/markdown; charset=utf-8" },
	{ ".xml", "application/xml" },
	{ ".csv", "text/csv; charset=utf-8" },
	{ ".svg", "image/svg+xml" },
	{ ".png", "image/png" },
	{ ".jpg", "image/jpeg" },
	{ ".jpeg", "image/jpeg" },
	{ ".gif", "image/gif" },
	{ ".webp", "image/webp" },
	{ ".ico", "image/x-icon" },
	{ ".pdf", "application/pdf" },
	{ ".wasm", "application/wasm" },
	{ ".woff2", "font/woff2" },
	{ ".pem", "application/x-pem-file" },
	{ ".crt", "application/pkix-cert" },
	{ ".crl", "application/pkix-crl" },
	{ ".gz", "application/gzip" },
	{ ".zip", "application/zip" },
};

const char *hf_content_type_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot != NULL && i < HF_ARRAY_LEN(content_types); i++)
		if (hf_str_case_eq(dot, content_types[i].ending))
			return content_types[i].type;
	return "application/octet-stream";
}

/* RFC 9110 13.1: the client has it already. */
static bool not_modified(const struct hf_http_request *request, const char *etag,
			 const char *modified)
{
	struct hf_slice value, rest, part;

	if (hf_http_field(request->head, "if-none-match", &value)) {
		rest = value;
		while (hf_slice_next(&rest, ',', &part)) {
			if (hf_slice_starts(part, "W/"))
				part = (struct hf_slice){ part.data + 2, part.len - 2 };
			if (hf_slice_is(part, etag) || hf_slice_is(part, "*"))
				return true;
		}
		return false;
	}
	return hf_http_field(request->head, "if-modified-since", &value) &&
	       hf_slice_is(value, modified);
}

static void answer_validators(const struct hf_http_request *request, struct hf_http_answer *answer,
			      const struct stat *st)
{
	char modified[HF_TIME_TEXT_CAP], etag[64];

	hf_time_format_http(st->st_mtime, modified);
	(void)snprintf(etag, sizeof(etag), "\"%llx-%llx-%lx\"", (unsigned long long)st->st_size,
		       (unsigned long long)st->st_mtime, (unsigned long)st->st_mtim.tv_nsec);
	(void)snprintf(answer->fields_text, sizeof(answer->fields_text),
		       "ETag: %s\r\nLast-Modified: %s\r\n", etag, modified);
	answer->fields = answer->fields_text;
	if ((request->head->method == HF_METHOD_GET || request->head->method == HF_METHOD_HEAD) &&
	    not_modified(request, etag, modified))
		answer->status = 304;
}

/* A small file in one read; false when it is not what fstat said. */
static bool read_small(int fd, size_t len, struct hf_buf *out)
{
	while (out->len < len) {
		ssize_t n;

		if (hf_buf_reserve(out, len - out->len) < 0)
			return false;
		n = read(fd, out->data + out->len, len - out->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		out->len += (size_t)n;
	}
	return true;
}

/* Takes fd over. */
static void answer_file(const struct hf_http_request *request, struct hf_http_answer *answer,
			int fd, const char *content_type)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		hf_fd_close(fd);
		hf_answer_status(answer, 404);
		return;
	}
	answer->status = 200;
	answer->content_type = content_type;
	answer_validators(request, answer, &st);
	if (answer->status == 304) {
		hf_fd_close(fd);
		return;
	}
	if (st.st_size <= SMALL_FILE && read_small(fd, (size_t)st.st_size, answer->scratch)) {
		hf_fd_close(fd);
		answer->body = hf_buf_str(answer->scratch);
		answer->body_len = answer->scratch->len;
		return;
	}
	answer->fd = fd;
	answer->fd_len = (uint64_t)st.st_size;
}

/* --- one file for every request --- */

static int file_open(struct hf_responder *responder, struct hf_err *err)
{
	HF_AUTO(fd) fd = open(responder->arg, OPEN_FLAGS);
	struct stat st;

	if (fd < 0)
		return hf_err_errno(err, errno, "--respond file: cannot open '%s'", responder->arg);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return hf_err_set(err, HF_E_INVALID, "--respond file: '%s' is not a file",
				  responder->arg);
	return 0;
}

static void file_respond(const struct hf_responder *responder,
			 const struct hf_http_request *request, struct hf_http_answer *answer)
{
	answer_file(request, answer, open(responder->arg, OPEN_FLAGS),
		    responder->content_type ? responder->content_type
					    : hf_content_type_of(responder->arg));
}

const struct hf_responder_ops hf_respond_file = {
	.word = "file", .takes_arg = true, .open = file_open, .respond = file_respond
};

/* --- a directory --- */

static int dir_open(struct hf_responder *responder, struct hf_err *err)
{
	responder->dir_fd = open(responder->arg, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (responder->dir_fd < 0)
		return hf_err_errno(err, errno, "--respond dir: cannot open the directory '%s'",
				    responder->arg);
	return 0;
}

/* Takes one byte of a path off the front; negative when no file name can hold it. */
static int decoded_byte(struct hf_slice *path)
{
	int c = (unsigned char)path->data[0];

	path->data++;
	path->len--;
	if (c != '%')
		return c;
	/* The parser has seen to it that two digits follow. */
	c = hf_hex_value(path->data[0]) * 16 + hf_hex_value(path->data[1]);
	path->data += 2;
	path->len -= 2;
	return c < ' ' || c == 0x7f || c == '/' || c == '\\' ? -1 : c;
}

bool hf_dir_path_decode(struct hf_slice path, char *out, size_t cap, bool *ret_is_dir)
{
	size_t len = 0;

	if (path.len == 0 || path.data[0] != '/')
		return false;
	path.data++;
	path.len--;
	while (path.len > 0) {
		bool first = len == 0 || out[len - 1] == '/';
		int c = decoded_byte(&path);

		if (c < 0 || (first && (c == '/' || c == '.')) || len + 1 >= cap)
			return false;
		out[len++] = (char)c;
	}
	*ret_is_dir = len == 0 || out[len - 1] == '/';
	if (len > 0 && *ret_is_dir)
		len--;
	out[len] = '\0';
	return true;
}

/* Opens path (no leading or trailing slash) part by part below dir_fd; -1 when it cannot be. */
static int open_below(int dir_fd, char *path)
{
	int at = dir_fd;

	for (char *part = path, *slash; at >= 0; part = slash + 1) {
		int next;

		slash = strchr(part, '/');
		if (slash != NULL)
			*slash = '\0';
		next =
		    openat(at, part, OPEN_FLAGS | O_NOFOLLOW | (slash != NULL ? O_DIRECTORY : 0));
		if (at != dir_fd)
			hf_fd_close(at);
		at = next;
		if (slash == NULL)
			break;
		*slash = '/';
	}
	return at;
}

static bool is_directory(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The path as it was asked for, with a slash: relative links in the page then work.  An empty first
 * part ("//host") never gets here. */
static void redirect_to_dir(struct hf_slice path, struct hf_http_answer *answer)
{
	int n = snprintf(answer->fields_text, sizeof(answer->fields_text), "Location: %.*s/\r\n",
			 (int)HF_MIN(path.len, (size_t)PATH_CAP), path.data);

	if (n < 0 || (size_t)n >= sizeof(answer->fields_text)) {
		hf_answer_status(answer, 404);
		return;
	}
	answer->status = 301;
	answer->fields = answer->fields_text;
}

static void dir_respond(const struct hf_responder *responder, const struct hf_http_request *request,
			struct hf_http_answer *answer)
{
	struct hf_slice path = hf_http_text(request->head, request->head->path);
	char name[PATH_CAP];
	bool is_dir;
	int fd;

	if (request->head->method != HF_METHOD_GET && request->head->method != HF_METHOD_HEAD) {
		hf_answer_status(answer, 405);
		answer->fields = "Allow: GET, HEAD\r\n";
		return;
	}
	if (!hf_dir_path_decode(path, name, sizeof(name) - sizeof("/index.html"), &is_dir)) {
		hf_answer_status(answer, 404);
		return;
	}
	if (is_dir)
		(void)snprintf(name + strlen(name), sizeof("/index.html"), "%s",
			       name[0] ? "/index.html" : "index.html");
	fd = open_below(responder->dir_fd, name);
	if (!is_dir && is_directory(fd)) {
		hf_fd_close(fd);
		redirect_to_dir(path, answer);
		return;
	}
	answer_file(request, answer, fd, hf_content_type_of(name));
}

const struct hf_responder_ops hf_respond_dir = {
	.word = "dir", .takes_arg = true, .open = dir_open, .respond = dir_respond
};
