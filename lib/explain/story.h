/* SPDX-License-Identifier: Apache-2.0 */
/* The long story of each reason, and what other programs' error texts mean. */
#ifndef HF_EXPLAIN_STORY_H
#define HF_EXPLAIN_STORY_H

#include "explain/explain.h"

struct hf_story {
	const char *arises, *check, *handfast, *openssl; /* NULL: none was written */
};
const struct hf_story *hf_story_of(enum hf_reason reason); /* never NULL */
void hf_story_format(enum hf_reason reason, struct hf_buf *out);
void hf_story_to_json(enum hf_reason reason, struct hf_json *j);

/* One line of a log or an error message of curl, OpenSSL, Node, nginx, haproxy, GnuTLS, Go, Java,
 * Python.  false: it says nothing that is known here. */
struct hf_log_meaning {
	enum hf_reason candidates[HF_CANDIDATES]; /* the likeliest first */
	size_t candidates_len;
	bool alert;	      /* it tells of an alert received: the peer refused */
	bool writer_is_server; /* by the words, a server wrote it */
	bool writer_is_client;
	enum hf_confidence confidence;
	const char *pattern; /* what was recognised */
};
bool hf_log_line_read(const char *line, struct hf_log_meaning *ret);

#endif
