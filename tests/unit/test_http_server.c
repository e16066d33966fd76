/* SPDX-License-Identifier: Apache-2.0 */
/* src/http: the server over a socket pair: order, framing, keep-alive, draining, files. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/macros.h"
#include "http/server.h"
#include "util/clock.h"

struct town {
	struct hf_loop *loop;
	struct hf_http_server *server;
	int ends;      /* sessions that ended */
	int bad;       /* status of the last request that could not be read */
	char path[64]; /* of the file that /file answers with */
};

/* Answers with method, path and length of the body; /file with a file, /end closes. */
static void on_request(const struct hf_http_request *request, struct hf_http_answer *answer,
		       void *arg)
{
	const struct town *town = arg;
	struct hf_slice path = hf_http_text(request->head, request->head->path);

	answer->status = 200;
	answer->close = hf_slice_is(path, "/end");
	if (hf_slice_is(path, "/file")) {
		answer->fd = open(town->path, O_RDONLY | O_CLOEXEC);
		answer->fd_len = (uint64_t)lseek(answer->fd, 0, SEEK_END);
		(void)lseek(answer->fd, 0, SEEK_SET);
		return;
	}
	hf_buf_printf(answer->scratch, "%s %.*s %llu", hf_http_method_name(request->head->method),
		      (int)path.len, path.data, (unsigned long long)request->body_len);
	answer->body = hf_buf_str(answer->scratch);
	answer->body_len = answer->scratch->len;
}

static void on_bad(struct hf_conn *conn, void *session_arg, int status, const char *why, void *arg)
{
	(void)conn;
	(void)session_arg;
	assert_non_null(why);
	((struct town *)arg)->bad = status;
}

static void on_session_end(struct hf_conn *conn, void *session_arg, const struct hf_conn_end *end,
			   void *arg)
{
	(void)conn;
	(void)session_arg;
	(void)end;
	((struct town *)arg)->ends++;
}

static const struct hf_http_server_ops server_ops = { .on_request = on_request,
						      .on_bad = on_bad,
						      .on_end = on_session_end };

static void link_ready(struct hf_conn *conn, void *arg)
{
	assert_int_equal(hf_http_serve(((struct town *)arg)->server, conn, NULL, NULL), 0);
}

static void link_nothing(struct hf_conn *conn, void *arg)
{
	(void)conn;
	(void)arg;
}

static void link_end(struct hf_conn *conn, const struct hf_conn_end *end, void *arg)
{
	(void)conn;
	(void)end;
	(void)arg;
}

static const struct hf_conn_ops link_ops = { .on_ready = link_ready,
					     .on_readable = link_nothing,
					     .on_end = link_end };

static void town_init(struct town *town, uint64_t header_ms)
{
	const struct hf_http_server_config config = {
		.idle_ms = 5000, .header_ms = header_ms, .body_ms = header_ms, .body_cap = 1000
	};

	memset(town, 0, sizeof(*town));
	assert_int_equal(hf_loop_new(&town->loop, NULL), 0);
	assert_int_equal(hf_http_server_new(town->loop, &config, &server_ops, town, &town->server,
					    NULL),
			 0);
}

static void town_done(struct town *town)
{
	hf_http_server_stop(town->server);
	hf_loop_free(town->loop);
	assert_int_equal(hf_http_server_sessions(town->server), 0);
	hf_http_server_free(town->server);
	if (town->path[0])
		(void)unlink(town->path);
}

/* Our end of a new connection. */
static int town_connect(struct town *town)
{
	const struct hf_conn_options options = { .ops = &link_ops, .arg = town };
	struct hf_address peer = { .len = sizeof(sa_family_t) };
	struct hf_conn *conn = NULL;
	int pair[2];

	peer.sa.ss_family = AF_UNIX;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
			 0);
	assert_int_equal(hf_conn_accept(town->loop, pair[1], &peer, &options, &conn, NULL), 0);
	for (int i = 0; i < 5; i++)
		hf_loop_step(town->loop, 0);
	return pair[0];
}

/* Reads until the peer closes, or `wanted` stands in what came. */
static void collect(struct town *town, int fd, struct hf_buf *out, const char *wanted)
{
	for (int64_t end = hf_clock_monotonic_ms() + 10000; hf_clock_monotonic_ms() < end;) {
		char piece[4096];
		ssize_t n = recv(fd, piece, sizeof(piece), 0);

		if (n == 0)
			return;
		if (n > 0)
			hf_buf_append(out, piece, (size_t)n);
		else
			hf_loop_step(town->loop, 1);
		if (wanted != NULL && strstr(hf_buf_str(out), wanted) != NULL)
			return;
	}
	fail_msg("neither an end nor '%s' came; got: %s", wanted ? wanted : "", hf_buf_str(out));
}

static void send_text(int fd, const char *text, size_t len)
{
	assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* Dates change while a test runs. */
static void drop_dates(struct hf_buf *b)
{
	char *at = b->data;

	while (at != NULL && (at = strstr(at, "Date: ")) != NULL) {
		char *end = strstr(at, "\r\n") + 2;

		memmove(at, end, strlen(end) + 1);
	}
	b->len = b->data != NULL ? strlen(b->data) : 0;
}

#define OK(text, len) "HTTP/1.1 200 OK\r\nContent-Length: " #len "\r\n\r\n" text
#define LAST(text, len) \
	"HTTP/1.1 200 OK\r\nContent-Length: " #len "\r\nConnection: close\r\n\r\n" text
#define CLOSE "GET /z HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
#define LAST_Z LAST("GET /z 0", 8)
#define BAD(status, len, text)                                                                    \
	"HTTP/1.1 " status "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " #len \
	"\r\nConnection: close\r\n\r\n" text

static const struct {
	const char *label, *in, *out;
} rows[] = {
	{ "one and the end", CLOSE, LAST_Z },
	{ "three in a row",
	  "GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n" CLOSE,
	  OK("GET /a 0", 8) OK("GET /b 0", 8) LAST_Z },
	{ "a counted body and the next request behind it",
	  "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" CLOSE,
	  OK("POST /a 5", 9) LAST_Z },
	{ "a chunked body and the next request behind it",
	  "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	  "5\r\nhello\r\n1;x\r\n!\r\n0\r\nT: x\r\n\r\n" CLOSE,
	  OK("POST /a 6", 9) LAST_Z },
	{ "HEAD has no body", "HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n" CLOSE, OK("", 9) LAST_Z },
	{ "what is expected is asked for",
	  "POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi" CLOSE,
	  "HTTP/1.1 100 Continue\r\n\r\n" OK("POST /a 2", 9) LAST_Z },
	{ "HTTP/1.0 ends by itself", "GET /a HTTP/1.0\r\n\r\n", LAST("GET /a 0", 8) },
	{ "HTTP/1.0 that wants to go on", "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" CLOSE,
	  "HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: keep-alive\r\n\r\nGET /a 0" LAST_Z },
	{ "nothing is read behind the end", CLOSE "GET /never HTTP/1.1\r\nHost: a\r\n\r\n",
	  LAST_Z },
	{ "the handler ends it", "GET /end HTTP/1.1\r\nHost: a\r\n\r\n" CLOSE,
	  LAST("GET /end 0", 10) },
	{ "a bad one after a good one",
	  "GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost : a\r\n\r\n" CLOSE,
	  OK("GET /a 0", 8) BAD("400 Bad Request", 55,
				"Bad Request: a header line without a name and a colon.\n") },
	{ "a body that is too large", "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n",
	  BAD("413 Content Too Large", 42, "Content Too Large: the body is too large.\n") },
	{ "chunks that become too large",
	  "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n",
	  BAD("413 Content Too Large", 42, "Content Too Large: the body is too large.\n") },
	{ "a broken chunk",
	  "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n",
	  BAD("400 Bad Request", 43, "Bad Request: a chunk longer than its size.\n") },
	{ "CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
	  BAD("501 Not Implemented", 38, "Not Implemented: this is not a proxy.\n") },
};

static void check_exchange(const char *label, const char *in, size_t cut, const char *wanted)
{
	HF_AUTO_DONE(hf_buf) got = HF_BUF_INIT(100000);
	struct town town;
	int fd;

	town_init(&town, 5000);
	fd = town_connect(&town);
	send_text(fd, in, cut);
	for (int i = 0; i < 3; i++)
		hf_loop_step(town.loop, 0);
	/* What comes behind an end may meet a closed door. */
	(void)!send(fd, in + cut, strlen(in) - cut, MSG_NOSIGNAL);
	collect(&town, fd, &got, NULL);
	drop_dates(&got);
	if (strcmp(hf_buf_str(&got), wanted) != 0)
		fail_msg("%s, cut at %zu:\n%s\nwanted:\n%s", label, cut, hf_buf_str(&got), wanted);
	hf_fd_close(fd);
	town_done(&town);
}

static void test_answers_are_the_same_however_requests_are_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++)
		for (size_t cut = 0; cut <= strlen(rows[i].in); cut++)
			check_exchange(rows[i].label, rows[i].in, cut, rows[i].out);
}

static void make_file(struct town *town, size_t len)
{
	char *bytes = malloc(len);
	int fd;

	assert_non_null(bytes);
	(void)snprintf(town->path, sizeof(town->path), "/tmp/hf-http-XXXXXX");
	fd = mkstemp(town->path);
	assert_true(fd >= 0);
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)('a' + i % 23);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	free(bytes);
	hf_fd_close(fd);
}

static void test_a_large_file_goes_out_whole_and_the_next_request_waits(void **state)
{
	static const char in[] = "GET /file HTTP/1.1\r\nHost: a\r\n\r\n" CLOSE;
	HF_AUTO_DONE(hf_buf) got = HF_BUF_INIT(8 * 1024 * 1024);
	const size_t len = 3 * 1024 * 1024 + 17;
	struct town town;
	const char *body;
	int fd;

	(void)state;
	town_init(&town, 5000);
	make_file(&town, len);
	fd = town_connect(&town);
	send_text(fd, in, strlen(in));
	collect(&town, fd, &got, NULL);
	body = strstr(hf_buf_str(&got), "\r\n\r\n") + 4;
	for (size_t i = 0; i < len; i++)
		if (body[i] != (char)('a' + i % 23))
			fail_msg("byte %zu is wrong", i);
	assert_non_null(strstr(body + len, "GET /z 0"));
	hf_fd_close(fd);
	town_done(&town);
}

static void test_a_slow_head_and_a_slow_body_are_told_so(void **state)
{
	static const char *const starts[] = { "GET / HTT", "POST / HTTP/1.1\r\nHost: a\r\n"
							   "Content-Length: 5\r\n\r\nhe" };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(starts); i++) {
		HF_AUTO_DONE(hf_buf) got = HF_BUF_INIT(10000);
		struct town town;
		int fd;

		town_init(&town, 10);
		fd = town_connect(&town);
		send_text(fd, starts[i], strlen(starts[i]));
		collect(&town, fd, &got, NULL);
		assert_non_null(strstr(hf_buf_str(&got), "408 Request Timeout"));
		assert_int_equal(town.bad, 408);
		hf_fd_close(fd);
		town_done(&town);
	}
}

static void test_draining_ends_idle_sessions_and_answers_what_has_come(void **state)
{
	static const char one[] = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
	HF_AUTO_DONE(hf_buf) idle = HF_BUF_INIT(10000);
	HF_AUTO_DONE(hf_buf) busy = HF_BUF_INIT(10000);
	struct town town;
	int a, b;

	(void)state;
	town_init(&town, 5000);
	a = town_connect(&town);
	b = town_connect(&town);
	send_text(a, one, strlen(one));
	collect(&town, a, &idle, "GET /a 0");
	send_text(b, one, 10);
	for (int i = 0; i < 3; i++)
		hf_loop_step(town.loop, 0);
	hf_http_server_drain(town.server);
	send_text(b, one + 10, strlen(one) - 10);
	collect(&town, a, &idle, NULL);
	collect(&town, b, &busy, NULL);
	assert_non_null(strstr(hf_buf_str(&busy), "Connection: close\r\n\r\nGET /a 0"));
	hf_fd_close(a);
	hf_fd_close(b);
	town_done(&town);
	assert_int_equal(town.ends, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers_are_the_same_however_requests_are_split),
		cmocka_unit_test(test_a_large_file_goes_out_whole_and_the_next_request_waits),
		cmocka_unit_test(test_a_slow_head_and_a_slow_body_are_told_so),
		cmocka_unit_test(test_draining_ends_idle_sessions_and_answers_what_has_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
