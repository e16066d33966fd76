/* SPDX-License-Identifier: Apache-2.0 */
/* The service's side of the admin socket.  Must never wait for a client, nor listen to another
 * user.
 *
 * One epoll descriptor holds the listener and every client, so that an owner without an event loop
 * has one thing to poll. */
#include "net/admin.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "net/listener.h"
#include "util/clock.h"
#include "util/log.h"

enum { CALLS = 16, READ_MS = 5 * 1000, WRITE_MS = 10 * 1000, FINISH_MS = 1000 };

enum call_state {
	CALL_FREE,
	CALL_READING,
	CALL_ASKED, /* the owner has it; not watched, so that a client that hangs up cannot spin us
		     */
	CALL_WRITING,
};

struct hf_admin_call {
	struct hf_admin *admin;
	enum call_state state;
	int fd;
	struct hf_buf in, out;
	size_t sent;
	int64_t deadline_ms;
};

struct hf_admin {
	struct hf_bound_list bound;
	int epoll;
	bool listening; /* not while every call is taken */
	hf_admin_asked asked;
	void *arg;
	struct hf_admin_call calls[CALLS];
};

static void watch(struct hf_admin *admin, int fd, uint32_t events, void *data)
{
	struct epoll_event event = { .events = events, .data = { .ptr = data } };

	if (epoll_ctl(admin->epoll, EPOLL_CTL_MOD, fd, &event) != 0)
		(void)epoll_ctl(admin->epoll, EPOLL_CTL_ADD, fd, &event);
}

static void unwatch(struct hf_admin *admin, int fd)
{
	(void)epoll_ctl(admin->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static struct hf_admin_call *free_call(struct hf_admin *admin)
{
	for (size_t i = 0; i < CALLS; i++)
		if (admin->calls[i].state == CALL_FREE)
			return &admin->calls[i];
	return NULL;
}

static void listen_again(struct hf_admin *admin)
{
	bool want = free_call(admin) != NULL;

	if (want == admin->listening)
		return;
	admin->listening = want;
	if (want)
		watch(admin, hf_bound_fd(&admin->bound.items[0], 0), EPOLLIN, admin);
	else
		unwatch(admin, hf_bound_fd(&admin->bound.items[0], 0));
}

static void end_call(struct hf_admin_call *call)
{
	if (call->state == CALL_FREE)
		return;
	unwatch(call->admin, call->fd);
	hf_fd_close(call->fd);
	call->fd = -1;
	hf_buf_done(&call->in);
	hf_buf_done(&call->out);
	call->state = CALL_FREE;
	listen_again(call->admin);
}

/* --- writing --- */

static void write_more(struct hf_admin_call *call)
{
	while (call->sent < call->out.len) {
		ssize_t n = send(call->fd, call->out.data + call->sent, call->out.len - call->sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			watch(call->admin, call->fd, EPOLLOUT, call);
			return;
		}
		if (n < 0)
			break;
		call->sent += (size_t)n;
		call->deadline_ms = hf_clock_monotonic_ms() + WRITE_MS;
	}
	end_call(call);
}

void hf_admin_answer_begin(struct hf_json *j, struct hf_buf *line, size_t cap)
{
	hf_buf_init(line, cap);
	hf_json_init(j, line, false);
	hf_json_object_begin(j, NULL);
}

void hf_admin_answer_end(struct hf_admin_call *call, struct hf_json *j, struct hf_buf *line)
{
	hf_json_object_end(j);
	hf_json_end_line(j);
	hf_admin_answer(call, line);
}

void hf_admin_answer(struct hf_admin_call *call, struct hf_buf *line)
{
	if (hf_buf_failed(line)) {
		struct hf_err err = HF_ERR_INIT;

		(void)hf_err_set(&err, HF_E_LIMIT, "the answer is too long for the admin socket");
		hf_buf_done(line);
		hf_admin_refuse(call, &err);
		return;
	}
	call->out = *line;
	*line = (struct hf_buf)HF_BUF_INIT(0);
	call->sent = 0;
	call->state = CALL_WRITING;
	call->deadline_ms = hf_clock_monotonic_ms() + WRITE_MS;
	write_more(call);
}

void hf_admin_refuse(struct hf_admin_call *call, const struct hf_err *err)
{
	struct hf_buf line = HF_BUF_INIT(8 * 1024);
	struct hf_json j;

	hf_json_init(&j, &line, false);
	hf_json_object_begin(&j, NULL);
	hf_json_object_begin(&j, "error");
	hf_json_string(&j, "code", hf_err_name(err->code));
	hf_json_string(&j, "message", err->msg);
	hf_json_string(&j, "hint", err->hint[0] ? err->hint : NULL);
	hf_json_object_end(&j);
	hf_json_object_end(&j);
	hf_json_end_line(&j);
	if (hf_buf_failed(&line)) {
		hf_buf_done(&line);
		end_call(call);
		return;
	}
	hf_admin_answer(call, &line);
}

/* --- reading --- */

static void asked(struct hf_admin_call *call, size_t len)
{
	struct hf_admin_request request;
	struct hf_err err = HF_ERR_INIT;

	unwatch(call->admin, call->fd);
	call->state = CALL_ASKED;
	if (hf_admin_request_parse(call->in.data, len, &request, &err) < 0)
		hf_admin_refuse(call, &err);
	else
		call->admin->asked(call, &request, call->admin->arg);
}

static void read_more(struct hf_admin_call *call)
{
	char part[1024];
	const char *end = NULL;
	ssize_t n;

	while (end == NULL && (n = recv(call->fd, part, sizeof(part), MSG_DONTWAIT)) > 0) {
		if (hf_buf_append(&call->in, part, (size_t)n) < 0) {
			end_call(call);
			return;
		}
		end = memchr(call->in.data, '\n', call->in.len);
	}
	if (end != NULL)
		asked(call, (size_t)(end - call->in.data));
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		end_call(call);
}

/* --- accepting --- */

/* The file's mode says the same; but a directory may be copied, and modes changed. */
static bool may_ask(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0 || len != sizeof(who))
		return false;
	if (who.uid == 0 || who.uid == geteuid())
		return true;
	hf_log_say("admin socket: user %u was turned away", (unsigned)who.uid);
	return false;
}

static void accept_call(struct hf_admin *admin)
{
	struct hf_admin_call *call = free_call(admin);
	int fd = accept4(hf_bound_fd(&admin->bound.items[0], 0), NULL, NULL,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (call == NULL || !may_ask(fd)) {
		hf_fd_close(fd);
		return;
	}
	call->fd = fd;
	call->state = CALL_READING;
	hf_buf_init(&call->in, HF_ADMIN_LINE_CAP + 1);
	hf_buf_init(&call->out, 0);
	call->deadline_ms = hf_clock_monotonic_ms() + READ_MS;
	watch(admin, fd, EPOLLIN, call);
	listen_again(admin);
}

static void run_event(struct hf_admin *admin, struct hf_admin_call *call)
{
	if ((void *)call == (void *)admin)
		accept_call(admin);
	else if (call->state == CALL_READING)
		read_more(call);
	else if (call->state == CALL_WRITING)
		write_more(call);
}

void hf_admin_run(struct hf_admin *admin)
{
	struct epoll_event events[CALLS + 1];
	int n = epoll_wait(admin->epoll, events, CALLS + 1, 0);
	int64_t now = hf_clock_monotonic_ms();

	for (int i = 0; i < n; i++)
		run_event(admin, events[i].data.ptr);
	for (size_t i = 0; i < CALLS; i++) {
		struct hf_admin_call *call = &admin->calls[i];

		if (call->state != CALL_FREE && call->state != CALL_ASKED &&
		    now >= call->deadline_ms)
			end_call(call);
	}
}

static bool writing(const struct hf_admin *admin)
{
	for (size_t i = 0; i < CALLS; i++)
		if (admin->calls[i].state == CALL_WRITING)
			return true;
	return false;
}

void hf_admin_finish(struct hf_admin *admin)
{
	int64_t end = hf_clock_monotonic_ms() + FINISH_MS;
	struct pollfd pollfd = { .events = POLLIN };

	if (admin == NULL)
		return;
	pollfd.fd = admin->epoll;
	while (writing(admin) && hf_clock_monotonic_ms() < end) {
		if (poll(&pollfd, 1, FINISH_MS) <= 0)
			return;
		hf_admin_run(admin);
	}
}

/* --- beginning and end --- */

/* Only this user may connect from the first moment on: the directory of the file decides too, and
 * the mode is set before anybody can be accepted (SO_PEERCRED is asked in any case). */
static int bind_private(struct hf_admin *admin, const char *spec, struct hf_err *err)
{
	mode_t before = umask(0177);
	int rc = hf_bound_open(&admin->bound, spec, 1, err);

	(void)umask(before);
	return rc;
}

int hf_admin_open(const char *spec, hf_admin_asked ask, void *arg, struct hf_admin **ret_admin,
		  struct hf_err *err)
{
	HF_AUTO(hf_admin) admin = calloc(1, sizeof(*admin));
	int rc;

	if (admin == NULL)
		return hf_err_nomem(err);
	admin->epoll = -1;
	if (!hf_str_starts(spec, "unix:") || spec[strlen("unix:")] == '\0')
		return hf_err_set(err, HF_E_INVALID, "--admin %s: it is a socket file, unix:PATH",
				  spec);
	rc = bind_private(admin, spec, err);
	if (rc < 0)
		return hf_err_context(err, rc, "--admin");
	admin->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (admin->epoll < 0)
		return hf_err_errno(err, errno, "epoll_create1");
	for (size_t i = 0; i < CALLS; i++)
		admin->calls[i] = (struct hf_admin_call){ .admin = admin, .fd = -1 };
	admin->asked = ask;
	admin->arg = arg;
	listen_again(admin);
	*ret_admin = hf_take(admin);
	return 0;
}

static void close_all(struct hf_admin *admin)
{
	for (size_t i = 0; i < CALLS; i++) {
		if (admin->calls[i].state == CALL_FREE)
			continue;
		hf_fd_close(admin->calls[i].fd);
		hf_buf_done(&admin->calls[i].in);
		hf_buf_done(&admin->calls[i].out);
	}
	hf_fd_close(admin->epoll);
	hf_bound_list_done(&admin->bound);
	free(admin);
}

void hf_admin_free(struct hf_admin *admin)
{
	if (admin != NULL)
		close_all(admin);
}

void hf_admin_forget(struct hf_admin *admin)
{
	if (admin == NULL)
		return;
	hf_bound_list_close(&admin->bound, 0); /* the file stays */
	close_all(admin);
}

int hf_admin_fd(const struct hf_admin *admin)
{
	return admin->epoll;
}
