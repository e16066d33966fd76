/* SPDX-License-Identifier: Apache-2.0 */
/* What answers a request: a table of kinds, one file behind each.  A back end that forwards
 * requests becomes one more row. */
#ifndef HF_GATEWAY_RESPONDER_H
#define HF_GATEWAY_RESPONDER_H

#include "gateway/gateway.h"

struct hf_responder {
	const struct hf_responder_ops *ops;
	const char *arg;	  /* behind the colon; NULL */
	const char *content_type; /* asked for; NULL */
	bool detail;
	int dir_fd; /* dir: -1 elsewhere */
};

struct hf_responder_ops {
	const char *word;
	bool takes_arg;
	int (*open)(struct hf_responder *responder, struct hf_err *err); /* NULL: nothing to do */
	void (*respond)(const struct hf_responder *responder,
			const struct hf_http_request *request, struct hf_http_answer *answer);
};

/* Strings of spec must outlive the responder. */
int hf_responder_init(struct hf_responder *responder, const struct hf_responder_spec *spec,
		      struct hf_err *err);
void hf_responder_done(struct hf_responder *responder);

extern const struct hf_responder_ops hf_respond_verdict, hf_respond_identity, hf_respond_text,
    hf_respond_file, hf_respond_dir;

/* A short plain answer: "Not Found\n". */
void hf_answer_status(struct hf_http_answer *answer, int status);
/* By the name's ending; never NULL. */
const char *hf_content_type_of(const char *name);
/* The path below a directory that a request path means: percent codes decoded, no empty part, no
 * part that begins with a dot, no NUL, '/' or control byte from a code.  *ret_is_dir: it ended in
 * '/'. false: there can be no such file. */
bool hf_dir_path_decode(struct hf_slice path, char *out, size_t cap, bool *ret_is_dir);

#endif
