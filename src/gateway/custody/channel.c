/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the signer.  Must never wait longer than it was told, whatever the signer does. */
#include "gateway/custody/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/file.h"
#include "util/clock.h"

enum { SLICE_MS = 200 }; /* between two askings of the same question */

int hf_custody_adopt(struct hf_custody *custody, int fd, struct hf_err *err)
{
	const struct timeval slice = { .tv_usec = SLICE_MS * 1000 };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &slice, sizeof(slice)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &slice, sizeof(slice)) != 0)
		return hf_err_errno(err, errno, "preparing the socket to the signer");
	hf_fd_close(custody->fd);
	custody->fd = fd;
	return 0;
}

/* 0, or an errno; a full socket costs a slice. */
static int put(const struct hf_custody *custody, int passed_fd, int flags)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = "" };
	struct iovec iov = { custody->out.data, custody->out.len };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (passed_fd >= 0) {
		struct cmsghdr *c;

		message.msg_control = control.room;
		message.msg_controllen = sizeof(control.room);
		c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &passed_fd, sizeof(int));
	}
	return sendmsg(custody->fd, &message, MSG_NOSIGNAL | flags) < 0 ? errno : 0;
}

/* The answer to `seq`, within a slice: 0, EAGAIN, or another errno.  Answers to earlier questions
 * that came too late are thrown away. */
static int get(struct hf_custody *custody, uint32_t seq, struct hf_custody_answer *ret_answer)
{
	for (;;) {
		ssize_t n = recv(custody->fd, custody->in.data, HF_CUSTODY_MESSAGE_CAP, 0);

		if (n == 0)
			return ECONNRESET;
		if (n < 0 && errno != EINTR)
			return errno == EWOULDBLOCK ? EAGAIN : errno;
		if (n > 0 &&
		    hf_custody_answer_parse((const uint8_t *)custody->in.data, (size_t)n,
					    ret_answer) &&
		    ret_answer->seq == seq)
			return 0;
	}
}

static bool may_repeat(enum hf_custody_op op)
{
	return op == HF_CUSTODY_SIGN || op == HF_CUSTODY_CREDENTIAL || op == HF_CUSTODY_PING;
}

/* 0 or an errno; ETIMEDOUT when time is up. */
static int exchange(struct hf_custody *custody, const struct hf_custody_request *request,
		    int64_t wait_ms, int passed_fd, struct hf_custody_answer *ret_answer)
{
	int64_t end = wait_ms < 0 ? INT64_MAX : hf_clock_monotonic_ms() + wait_ms;
	bool sent = false;

	do {
		int trouble = 0;

		if (!sent || may_repeat(request->op))
			trouble = put(custody, passed_fd, 0);
		sent |= trouble == 0;
		if (trouble == 0)
			trouble = get(custody, request->seq, ret_answer);
		if (trouble != EAGAIN && trouble != EINTR)
			return trouble;
	} while (hf_clock_monotonic_ms() < end);
	return ETIMEDOUT;
}

int hf_custody_ask(struct hf_custody *custody, struct hf_custody_request *request, int64_t wait_ms,
		   int passed_fd, struct hf_custody_answer *ret_answer, struct hf_err *err)
{
	struct hf_custody_answer answer;
	int trouble, rc;

	if (custody->fd < 0)
		return hf_err_set(err, HF_E_BUSY, "there is no signer at the moment");
	request->seq = ++custody->seq;
	rc = hf_custody_request_write(request, &custody->out, err);
	if (rc < 0)
		return rc;
	trouble = exchange(custody, request, wait_ms, passed_fd, &answer);
	custody->sick = trouble != 0;
	if (trouble == ETIMEDOUT)
		return hf_err_set(err, HF_E_TIMEOUT, "the signer does not answer");
	if (trouble == ECONNRESET || trouble == EPIPE)
		return hf_err_set(err, HF_E_BUSY, "the signer has ended");
	if (trouble != 0)
		return hf_err_errno(err, trouble, "asking the signer");
	custody->asked_ms = 0;
	if (answer.code != 0) {
		(void)hf_err_set(err, answer.code, "%s", answer.text);
		(void)hf_err_is(err, hf_mistake_by_id(answer.id));
		return *answer.hint ? hf_err_hint(err, "%s", answer.hint) : -answer.code;
	}
	*ret_answer = answer;
	return 0;
}

void hf_custody_tell(struct hf_custody *custody, struct hf_custody_request *request)
{
	request->seq = ++custody->seq;
	if (custody->fd >= 0 && hf_custody_request_write(request, &custody->out, NULL) == 0)
		(void)put(custody, -1, MSG_DONTWAIT);
}
