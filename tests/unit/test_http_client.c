/* SPDX-License-Identifier: Apache-2.0 */
/* src/http: the client side over a unix socket: what an answer is worth, whole and byte by byte,
 * and what the pool keeps. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/file.h"
#include "base/macros.h"
#include "http/client.h"
#include "util/clock.h"

static const char ask_text[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

struct scene {
	struct hf_loop *loop;
	struct hf_http_pool *pool;
	struct hf_http_client *client;
	char path[64];
	int listener;
	/* what the ops heard */
	int heads, interims, status;
	bool done, reusable, failed;
	enum hf_http_trouble trouble;
	struct hf_buf body;
};

static void on_interim(const struct hf_http_head *head, void *arg)
{
	(void)head;
	((struct scene *)arg)->interims++;
}

static void on_head(const struct hf_http_head *head, enum hf_http_body_kind kind, void *arg)
{
	struct scene *s = arg;

	(void)kind;
	s->heads++;
	s->status = head->status_code;
}

static void on_body(struct hf_slice piece, void *arg)
{
	hf_buf_append(&((struct scene *)arg)->body, piece.data, piece.len);
}

static void on_done(bool reusable, void *arg)
{
	struct scene *s = arg;

	s->done = true;
	s->reusable = reusable;
	if (reusable)
		hf_http_pool_give(s->client);
	else
		hf_http_client_drop(s->client);
	s->client = NULL;
}

static void nothing(void *arg)
{
	(void)arg;
}

static void on_failed(const struct hf_http_failure *failure, void *arg)
{
	struct scene *s = arg;

	s->failed = true;
	s->trouble = failure->trouble;
	s->client = NULL;
}

static const struct hf_http_client_ops ops = { .on_interim = on_interim,
					       .on_head = on_head,
					       .on_body = on_body,
					       .on_done = on_done,
					       .on_writable = nothing,
					       .on_told = nothing,
					       .on_failed = on_failed };

static void scene_open(struct scene *s, uint64_t keep_ms)
{
	struct hf_address address = { .len = sizeof(struct sockaddr_un) };
	struct sockaddr_un *un = (void *)&address.sa;
	const struct hf_http_pool_config config = { .addresses = &address,
						    .addresses_len = 1,
						    .connect_ms = 5000,
						    .first_ms = 5000,
						    .idle_ms = 5000,
						    .keep_ms = keep_ms,
						    .keep_cap = 2 };

	memset(s, 0, sizeof(*s));
	hf_buf_init(&s->body, 65536);
	(void)snprintf(s->path, sizeof(s->path), "/tmp/hf-client-%d.sock", (int)getpid());
	(void)unlink(s->path);
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, s->path, strlen(s->path) + 1);
	s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->listener, (const struct sockaddr *)un, sizeof(*un)), 0);
	assert_int_equal(listen(s->listener, 8), 0);
	assert_int_equal(hf_loop_new(&s->loop, NULL), 0);
	assert_int_equal(hf_http_pool_new(s->loop, &config, &s->pool, NULL), 0);
}

static void scene_close(struct scene *s)
{
	hf_http_client_drop(s->client);
	hf_http_pool_free(s->pool);
	hf_loop_free(s->loop);
	hf_fd_close(s->listener);
	(void)unlink(s->path);
	hf_buf_done(&s->body);
}

static void turn(struct scene *s, int rounds)
{
	for (int i = 0; i < rounds; i++)
		hf_loop_step(s->loop, 1);
}

/* Asks over a kept connection, or a new one; the service's end of a new one, -1 of a kept one. */
static int ask(struct scene *s)
{
	int fd = -1;

	s->done = s->failed = false;
	s->heads = s->interims = 0;
	hf_buf_clear(&s->body);
	s->client = hf_http_pool_take(s->pool, false);
	if (s->client == NULL) {
		assert_int_equal(hf_http_pool_connect(s->pool, 0, &s->client, NULL), 0);
		fd = accept(s->listener, NULL, NULL);
		assert_true(fd >= 0);
	}
	assert_int_equal(hf_http_client_ask(s->client, &ops, s, HF_METHOD_GET, ask_text,
					    sizeof(ask_text) - 1),
			 0);
	return fd;
}

static void drain(int fd)
{
	char waste[4096];

	assert_true(recv(fd, waste, sizeof(waste), 0) > 0);
}

static const struct {
	const char *label, *answer;
	bool done, reusable;
	int status;
	const char *body;
	enum hf_http_trouble trouble; /* when not done */
} rows[] = {
	{ "length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true, true, 200, "ok", 0 },
	{ "no body", "HTTP/1.1 204 No\r\n\r\n", true, true, 204, "", 0 },
	{ "chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
	  true, true, 200, "ok", 0 },
	{ "until close", "HTTP/1.1 200 OK\r\n\r\nok", true, false, 200, "ok", 0 },
	{ "close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", true,
	  false, 200, "ok", 0 },
	{ "HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", true, false, 200, "ok", 0 },
	{ "HTTP/1.0 that stays",
	  "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", true, true,
	  200, "ok", 0 },
	{ "after interims",
	  "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 H\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
	  "2\r\n\r\nok",
	  true, true, 200, "ok", 0 },
	{ "cut body", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", false, false, 200, "ok",
	  HF_TROUBLE_TRUNCATED },
	{ "cut chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", false,
	  false, 200, "ok", HF_TROUBLE_TRUNCATED },
	{ "cut head", "HTTP/1.1 200 OK\r\nContent", false, false, 0, "", HF_TROUBLE_TRUNCATED },
	{ "nothing", "", false, false, 0, "", HF_TROUBLE_LOST },
	{ "rubbish", "rubbish\r\n", false, false, 0, "", HF_TROUBLE_BAD },
	{ "both lengths",
	  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: "
	  "chunked\r\n\r\n",
	  false, false, 0, "", HF_TROUBLE_BAD },
	{ "bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", false, false,
	  200, "", HF_TROUBLE_BAD },
};

static void send_answer(struct scene *s, int fd, const char *answer, bool bytes)
{
	size_t len = strlen(answer);

	if (!bytes && len > 0)
		assert_int_equal(send(fd, answer, len, MSG_NOSIGNAL), (ssize_t)len);
	for (size_t i = 0; bytes && i < len && !s->done && !s->failed; i++) {
		assert_int_equal(send(fd, answer + i, 1, MSG_NOSIGNAL), 1);
		turn(s, 2);
	}
	turn(s, 3);
}

static void play(size_t i, bool bytes)
{
	struct scene s;
	int fd;

	scene_open(&s, 60000);
	fd = ask(&s);
	turn(&s, 3);
	drain(fd);
	send_answer(&s, fd, rows[i].answer, bytes);
	if (!s.done && !s.failed)
		assert_int_equal(shutdown(fd, SHUT_WR), 0);
	for (int64_t end = hf_clock_monotonic_ms() + 5000;
	     !s.done && !s.failed && hf_clock_monotonic_ms() < end;)
		turn(&s, 1);
	if (s.done != rows[i].done || s.failed == rows[i].done ||
	    (s.done && s.reusable != rows[i].reusable) ||
	    (s.failed && s.trouble != rows[i].trouble) || s.status != rows[i].status ||
	    strcmp(hf_buf_str(&s.body), rows[i].body) != 0)
		fail_msg("%s (%s): done %d failed %d trouble %d status %d body '%s'", rows[i].label,
			 bytes ? "bytes" : "whole", s.done, s.failed, (int)s.trouble, s.status,
			 hf_buf_str(&s.body));
	assert_int_equal(hf_http_pool_idle(s.pool), rows[i].reusable ? 1 : 0);
	hf_fd_close(fd);
	scene_close(&s);
}

static void test_answers_are_what_they_are_whole_and_in_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		play(i, false);
		play(i, true);
	}
}

static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

static int answered(struct scene *s)
{
	int fd = ask(s);

	turn(s, 3);
	drain(fd);
	send_answer(s, fd, ok, false);
	assert_true(s->done && s->reusable);
	return fd;
}

static void test_kept_connection_serves_again_and_is_gone_when_the_service_closes(void **state)
{
	struct scene s;
	int fd;

	(void)state;
	scene_open(&s, 60000);
	fd = answered(&s);
	assert_int_equal(ask(&s), -1);
	turn(&s, 3);
	drain(fd);
	send_answer(&s, fd, ok, false);
	assert_true(s.done && s.reusable);
	assert_int_equal(hf_http_pool_idle(s.pool), 1);
	hf_fd_close(fd);
	turn(&s, 5);
	assert_int_equal(hf_http_pool_idle(s.pool), 0);
	scene_close(&s);
}

static void test_bytes_nobody_asked_for_end_a_kept_connection(void **state)
{
	struct scene s;
	int fd;

	(void)state;
	scene_open(&s, 60000);
	fd = answered(&s);
	assert_int_equal(send(fd, ok, sizeof(ok) - 1, MSG_NOSIGNAL), (ssize_t)sizeof(ok) - 1);
	/* Before the loop has looked, a sure one is not to be had. */
	assert_null(hf_http_pool_take(s.pool, true));
	assert_int_equal(hf_http_pool_idle(s.pool), 0);
	hf_fd_close(fd);
	scene_close(&s);
}

static void test_kept_connections_grow_old(void **state)
{
	struct scene s;
	int fd;

	(void)state;
	scene_open(&s, 50);
	fd = answered(&s);
	assert_int_equal(hf_http_pool_idle(s.pool), 1);
	for (int64_t end = hf_clock_monotonic_ms() + 5000;
	     hf_http_pool_idle(s.pool) > 0 && hf_clock_monotonic_ms() < end;)
		turn(&s, 1);
	assert_int_equal(hf_http_pool_idle(s.pool), 0);
	hf_fd_close(fd);
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers_are_what_they_are_whole_and_in_bytes),
		cmocka_unit_test(
		    test_kept_connection_serves_again_and_is_gone_when_the_service_closes),
		cmocka_unit_test(test_bytes_nobody_asked_for_end_a_kept_connection),
		cmocka_unit_test(test_kept_connections_grow_old),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
