/* SPDX-License-Identifier: Apache-2.0 */
/* What workers and the follower say to each other about OCSP: one message a packet
 * (SOCK_SEQPACKET).  Both sides parse as if the other were hostile: one talks to clients, the other
 * to responders. */
#ifndef HF_GATEWAY_OCSP_WIRE_H
#define HF_GATEWAY_OCSP_WIRE_H

#include "base/buf.h"
#include "pki/ocsp.h"

enum {
	HF_OCSP_PACKET_CAP = 160 * 1024,
	HF_OCSP_URL_CAP = 1024, /* with its NUL */
	HF_OCSP_PATH_CAP = 12,	/* certificates of a path */
	HF_OCSP_WHY_CAP = 200,
};

/* Whom to ask about the first certificate of a path, which ends at an anchor. */
struct hf_ocsp_question {
	uint64_t id; /* never 0 */
	char url[HF_OCSP_URL_CAP];
	struct hf_certs path; /* owned */
};
#define HF_OCSP_QUESTION_INIT                  \
	{                                      \
		.path = HF_CERTS_INIT          \
	}
void hf_ocsp_question_done(struct hf_ocsp_question *question);
HF_DEFINE_AUTO_DONE(hf_ocsp_question, struct hf_ocsp_question, hf_ocsp_question_done);

/* -HF_E_LIMIT for what has no room in a packet. */
int hf_ocsp_question_write(uint64_t id, const char *url, const struct hf_certs *path,
			   struct hf_buf *out, struct hf_err *err);
/* ret_question is initialised by the caller. */
int hf_ocsp_question_parse(const char *data, size_t len, struct hf_ocsp_question *ret_question,
			   struct hf_err *err);

/* id 0: from a follower that has just begun, and knows of no question. */
struct hf_ocsp_answer {
	uint64_t id;
	bool failed;	  /* data: why, in words; else the response as it came */
	const char *data; /* into the packet */
	size_t len;
};
int hf_ocsp_answer_write(const struct hf_ocsp_answer *answer, struct hf_buf *out);
bool hf_ocsp_answer_parse(const char *data, size_t len, struct hf_ocsp_answer *ret_answer);

/* The same question has the same key: the issuer by name and key, the serial, the responder. */
int hf_ocsp_key(const struct hf_certs *path, const char *url, uint8_t ret_key[HF_SHA256_LEN],
		struct hf_err *err);
/* hf_ocsp_check about the first of a path, and how long the answer may be used: up to ret_end, and
 * asked for again from ret_again on (both Unix seconds). */
int hf_ocsp_weigh(const void *der, size_t len, const struct hf_certs *path, int64_t now,
		  struct hf_ocsp_says *ret_says, int64_t *ret_again, int64_t *ret_end,
		  struct hf_err *err);

#endif
