/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of gateway/custody/custody.h: one side's socket to the signer. */
#ifndef HF_GATEWAY_CUSTODY_CHANNEL_H
#define HF_GATEWAY_CUSTODY_CHANNEL_H

#include "gateway/custody/custody.h"
#include "gateway/custody/wire.h"
#include "util/log.h"

enum {
	HF_CUSTODY_WORKERS_CAP = 65, /* and the follower */
	HF_CUSTODY_FOR_EVER = -1,
};

struct hf_custody {
	const struct hf_custody_config *config;
	int fd; /* ours: the supervisor's or a worker's; -1 while there is no signer */
	uint32_t seq;
	struct hf_buf in, out;
	bool is_worker;
	bool sick; /* the last question was in vain: do not wait long for the next answer */
	struct hf_log_bucket complaints;
	/* of the supervisor */
	pid_t pid; /* 0: none */
	bool sealed;
	void (*leave)(void *arg); /* in a signer: gives up what is the supervisor's; NULL */
	void *leave_arg;
	int64_t asked_ms; /* for a sign of life that has not come; 0: none is due */
	int ends[HF_CUSTODY_WORKERS_CAP]; /* the signer's ends of the workers' sockets; -1 */
};

/* Sends a question and waits for its answer up to `wait_ms`; what the answer points to lives until
 * the next question.  A question that may have been lost with a signer is asked again. */
int hf_custody_ask(struct hf_custody *custody, struct hf_custody_request *request, int64_t wait_ms,
		   int passed_fd, struct hf_custody_answer *ret_answer, struct hf_err *err);
/* Sends a question whose answer nobody waits for. */
void hf_custody_tell(struct hf_custody *custody, struct hf_custody_request *request);
/* A new socket for this side. */
int hf_custody_adopt(struct hf_custody *custody, int fd, struct hf_err *err);

#endif
