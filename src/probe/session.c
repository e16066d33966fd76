/* SPDX-License-Identifier: Apache-2.0 */
/* A blocking client connection.  Must never wait past its deadline, and never call a connection
 * good before the peer's verdict had its chance to arrive. */
#include "probe/session.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "util/clock.h"

enum {
	VERDICT_WAIT_MIN_MS = 10,
	VERDICT_WAIT_MAX_MS = 300,
	VERDICT_ROUND_TRIPS = 3,
	AFTER_TICKET_MS = 50,
	EARLY_CAP = 4096,
};

struct hf_session {
	int fd;
	struct hf_address peer;
	struct hf_tls_conn *tls;
	int64_t deadline_ms;
	char early[EARLY_CAP]; /* application data that came while the verdict was awaited */
	size_t early_at, early_len;
};

/* Waits for events up to the session's deadline or `until_ms`; false when the time is over. */
static bool wait_for(int fd, short events, int64_t until_ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		int64_t left = until_ms - hf_clock_monotonic_ms();
		int rc = poll(&p, 1, left < 0 ? 0 : (int)HF_MIN(left, INT64_C(3600000)));

		if (rc > 0)
			return true;
		if (rc == 0 && left <= 0)
			return false;
		if (rc < 0 && errno != EINTR)
			return false;
	}
}

static int connect_one(const struct hf_address *to, int segment_len, int64_t deadline_ms,
		       int *ret_fd)
{
	HF_AUTO(fd) fd = socket(to->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = 0, one = 1;
	socklen_t len = sizeof(error);

	if (fd < 0)
		return -errno;
	/* before the SYN, which tells the peer (RFC 9293 3.7.1) */
	if (segment_len)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment_len, sizeof(segment_len));
	if (connect(fd, (const struct sockaddr *)&to->sa, to->len) != 0) {
		if (errno != EINPROGRESS)
			return -errno;
		if (!wait_for(fd, POLLOUT, deadline_ms))
			return -ETIMEDOUT;
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error)
			return -(error ? error : errno);
	}
	/* a request is one small write: it must not wait for the answer to the one before (RFC 896)
	 */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static int no_connection(int last, bool proxy, struct hf_buf *tried, struct hf_err *err)
{
	/* who resets at once listens all the same */
	(void)hf_err_set(err,
			 last == ETIMEDOUT    ? HF_E_TIMEOUT
			 : last == ECONNRESET ? HF_E_CLOSED
					      : HF_E_IO,
			 "cannot connect%s: %s [%s]", proxy ? " to the proxy" : "",
			 hf_buf_str(tried),
			 last == ETIMEDOUT    ? "T-TIMEOUT"
			 : last == ECONNRESET ? "T-RESET"
					      : "T-REFUSED");
	return hf_err_hint(err, last == ECONNREFUSED
				    ? "nothing listens there: start the server, or correct the port"
				    : "look at the address and at what is between here and there");
}

static int session_new(int fd, const struct hf_address *peer, int64_t deadline_ms,
		       struct hf_session **ret_session, struct hf_err *err)
{
	struct hf_session *session = calloc(1, sizeof(*session));

	if (!session) {
		hf_fd_close(fd);
		return hf_err_nomem(err);
	}
	session->fd = fd;
	session->peer = *peer;
	session->deadline_ms = deadline_ms;
	*ret_session = session;
	return 0;
}

/* One more piece of the proxy's answer, and not a byte of what follows it. */
static enum hf_via_step hear_proxy(struct hf_session *session, struct hf_via_dialog *dialog,
				   struct hf_buf *words)
{
	char piece[EARLY_CAP];
	enum hf_via_step step;
	size_t used = 0;
	ssize_t n = -1;

	if (wait_for(session->fd, POLLIN, session->deadline_ms))
		n = recv(session->fd, piece, sizeof(piece), MSG_PEEK);
	else
		(void)hf_str_copy(dialog->why, sizeof(dialog->why), "it does not answer in time");
	if (n <= 0) {
		if (!dialog->why[0])
			(void)hf_str_copy(dialog->why, sizeof(dialog->why),
					  "it closed the connection without an answer");
		return HF_VIA_REFUSED;
	}
	step = hf_via_take(dialog, piece, (size_t)n, &used, words);
	(void)recv(session->fd, piece, used, 0);
	return step;
}

static int go_through(struct hf_session *session, const struct hf_via *via, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) words = HF_BUF_INIT(EARLY_CAP);
	struct hf_via_dialog dialog;
	enum hf_via_step step = HF_VIA_SAY;
	int rc = 0;

	(void)hf_via_begin(&dialog, via, &words);
	while (step == HF_VIA_SAY || step == HF_VIA_MORE) {
		/* a connection that broke shows when it is read */
		if (words.len > 0)
			(void)hf_session_write(session, words.data, words.len);
		hf_buf_clear(&words);
		step = hear_proxy(session, &dialog, &words);
	}
	if (step != HF_VIA_OPEN) {
		(void)hf_err_set(err, HF_E_IO, "the proxy %s does not lead to %s:%d: %s", via->text,
				 via->to_host, via->to_port, dialog.why);
		rc = hf_err_hint(err, "look at the proxy's own log, or go straight");
	}
	hf_via_dialog_done(&dialog);
	return rc;
}

int hf_session_dial(const struct hf_session_way *way, int64_t deadline_ms,
		    struct hf_session **ret_session, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) tried = HF_BUF_INIT(HF_ERR_MSG_CAP);
	HF_AUTO(hf_session) session = NULL;
	bool proxy = way->via != NULL && way->via->kind != HF_VIA_NONE;
	int last = ECONNREFUSED;

	for (size_t i = 0; i < way->len; i++) {
		const struct hf_address *to = &way->list[i];
		char where[HF_ADDRESS_TEXT_CAP];
		int fd = -1, rc = connect_one(to, way->segment_len, deadline_ms, &fd);

		if (rc == 0) {
			rc = session_new(fd, to, deadline_ms, &session, err);
			if (rc == 0 && proxy)
				rc = go_through(session, way->via, err);
			if (rc == 0)
				*ret_session = hf_take(session);
			return rc;
		}
		last = -rc;
		hf_address_format(to, where);
		(void)hf_buf_printf(&tried, "%s%s: %s", i ? "; " : "", where, strerror(last));
	}
	return no_connection(last, proxy, &tried, err);
}

int hf_session_start_tls(struct hf_session *session, struct hf_tls_context *context,
			 struct hf_err *err)
{
	return context ? hf_tls_conn_new(context, session->fd, session, &session->tls, err) : 0;
}

static enum hf_session_end end_of(const struct hf_session *session)
{
	const struct hf_tls_failure *failure = hf_tls_conn_failure(session->tls);

	return failure && failure->refused_by != HF_JUDGE_NOBODY ? HF_SESSION_REFUSED
								 : HF_SESSION_LOST;
}

/* Waits as a step asks; true when it should be tried again. */
static bool again(struct hf_session *session, enum hf_tls_step step, int64_t until_ms,
		  enum hf_session_end *ret_end)
{
	if (step == HF_TLS_WANT_READ || step == HF_TLS_WANT_WRITE) {
		*ret_end = HF_SESSION_TIMEOUT;
		return wait_for(session->fd, step == HF_TLS_WANT_READ ? POLLIN : POLLOUT, until_ms);
	}
	*ret_end = step == HF_TLS_DONE	   ? HF_SESSION_OK
		   : step == HF_TLS_CLOSED ? HF_SESSION_CLOSED
					   : end_of(session);
	return false;
}

enum hf_session_end hf_session_handshake(struct hf_session *session)
{
	enum hf_session_end end = HF_SESSION_OK;

	if (!session->tls)
		return end;
	while (again(session, hf_tls_conn_handshake(session->tls), session->deadline_ms, &end))
		;
	return end;
}

static int64_t verdict_wait_ms(const struct hf_session *session)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);
	int64_t ms = VERDICT_WAIT_MIN_MS;

	if (getsockopt(session->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0)
		ms += VERDICT_ROUND_TRIPS * (int64_t)info.tcpi_rtt / 1000;
	return HF_MIN(ms, VERDICT_WAIT_MAX_MS);
}

enum hf_session_end hf_session_await_verdict(struct hf_session *session)
{
	int64_t until = hf_clock_monotonic_ms();
	enum hf_session_end end = HF_SESSION_OK;
	struct hf_tls_info info;

	if (!session->tls)
		return end;
	hf_tls_conn_info(session->tls, &info);
	if (!info.cert_requested || info.version != HF_TLS_1_3)
		return end;
	until = HF_MIN(until + verdict_wait_ms(session), session->deadline_ms);
	while (again(session,
		     hf_tls_conn_read(session->tls, session->early, EARLY_CAP, &session->early_len),
		     until, &end))
		;
	return end == HF_SESSION_TIMEOUT ? HF_SESSION_OK : end; /* silence is no refusal */
}

enum hf_session_end hf_session_await_words(struct hf_session *session,
					   const struct hf_transcript *transcript, int64_t ms)
{
	int64_t until = HF_MIN(hf_clock_monotonic_ms() + ms, session->deadline_ms);
	enum hf_session_end end = HF_SESSION_OK;
	bool ticket = false;

	if (!session->tls)
		return end;
	for (;;) {
		enum hf_tls_step step =
		    hf_tls_conn_read(session->tls, session->early, EARLY_CAP, &session->early_len);

		/* Node judges only after its ticket, so a ticket shortens the wait, no more */
		if (!ticket && hf_transcript_message_find(transcript, HF_HANDSHAKE_TICKET, false)) {
			ticket = true;
			until = HF_MIN(until, hf_clock_monotonic_ms() + verdict_wait_ms(session) +
						  AFTER_TICKET_MS);
		}
		if (!again(session, step, until, &end))
			break;
	}
	return end == HF_SESSION_TIMEOUT ? HF_SESSION_OK : end;
}

void hf_session_set_timeout(struct hf_session *session, int64_t ms)
{
	session->deadline_ms = hf_clock_monotonic_ms() + ms;
}

static enum hf_session_end write_plain(struct hf_session *session, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(session->fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			if (!wait_for(session->fd, POLLOUT, session->deadline_ms))
				return HF_SESSION_TIMEOUT;
			continue;
		}
		if (n < 0)
			return HF_SESSION_LOST;
		data += n;
		len -= (size_t)n;
	}
	return HF_SESSION_OK;
}

enum hf_session_end hf_session_write(struct hf_session *session, const void *data, size_t len)
{
	enum hf_session_end end = HF_SESSION_OK;
	const char *p = data;

	if (!session->tls)
		return write_plain(session, data, len);
	while (len > 0 && end == HF_SESSION_OK) {
		size_t n = 0;

		while (again(session, hf_tls_conn_write(session->tls, p, len, &n),
			     session->deadline_ms, &end))
			;
		p += n;
		len -= n;
	}
	return end;
}

/* "PROXY TCP4 127.0.0.1 127.0.0.1 40000 443": who we say we are does not matter here. */
enum hf_session_end hf_session_send_proxy(struct hf_session *session)
{
	char line[128], host[HF_ADDRESS_TEXT_CAP];
	const struct hf_address *peer = &session->peer;
	bool v6 = peer->sa.ss_family == AF_INET6;
	int n;

	hf_address_format_host(peer, host);
	n = snprintf(line, sizeof(line), "PROXY %s %s %s 40000 %d\r\n", v6 ? "TCP6" : "TCP4", host,
		     host, hf_address_port(peer));
	return hf_session_write(session, line, (size_t)n);
}

static enum hf_session_end read_plain(struct hf_session *session, void *data, size_t cap,
				      size_t *ret_len)
{
	for (;;) {
		ssize_t n = recv(session->fd, data, cap, 0);

		if (n > 0) {
			*ret_len = (size_t)n;
			return HF_SESSION_OK;
		}
		if (n == 0)
			return HF_SESSION_CLOSED;
		if (errno != EAGAIN && errno != EINTR)
			return HF_SESSION_LOST;
		if (!wait_for(session->fd, POLLIN, session->deadline_ms))
			return HF_SESSION_TIMEOUT;
	}
}

enum hf_session_end hf_session_read(struct hf_session *session, void *data, size_t cap,
				    size_t *ret_len)
{
	enum hf_session_end end;

	if (session->early_at < session->early_len) {
		*ret_len = HF_MIN(cap, session->early_len - session->early_at);
		memcpy(data, session->early + session->early_at, *ret_len);
		session->early_at += *ret_len;
		return HF_SESSION_OK;
	}
	if (!session->tls)
		return read_plain(session, data, cap, ret_len);
	while (again(session, hf_tls_conn_read(session->tls, data, cap, ret_len),
		     session->deadline_ms, &end))
		;
	return end;
}

void hf_session_close(struct hf_session *session)
{
	if (!session)
		return;
	if (session->tls && !hf_tls_conn_failure(session->tls))
		(void)hf_tls_conn_shutdown(session->tls);
	/* an alert of ours must not be lost in a reset: half-close, and read on for a moment */
	if (session->tls && hf_tls_conn_failure(session->tls) &&
	    hf_tls_conn_failure(session->tls)->refused_by == HF_JUDGE_US) {
		char waste[EARLY_CAP];
		int64_t until = hf_clock_monotonic_ms() + VERDICT_WAIT_MAX_MS;

		(void)shutdown(session->fd, SHUT_WR);
		while (wait_for(session->fd, POLLIN, until) &&
		       recv(session->fd, waste, sizeof(waste), 0) > 0)
			;
	}
	hf_tls_conn_free(session->tls);
	hf_fd_close(session->fd);
	free(session);
}

struct hf_tls_conn *hf_session_tls(const struct hf_session *session)
{
	return session->tls;
}

bool hf_session_unconfirmed(const struct hf_session *session)
{
	int bytes = 0;

	return ioctl(session->fd, SIOCOUTQ, &bytes) == 0 && bytes > 0; /* tcp(7) */
}

const struct hf_address *hf_session_peer(const struct hf_session *session)
{
	return &session->peer;
}

int64_t hf_session_clock_us(void)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}
