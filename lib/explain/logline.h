/* SPDX-License-Identifier: Apache-2.0 */
/* What the error texts and logs of other programs mean. */
#ifndef HF_EXPLAIN_LOGLINE_H
#define HF_EXPLAIN_LOGLINE_H

#include "explain/explain.h"

enum { HF_LOG_NAME_CAP = 256 };

/* What stands in other lines of the log, where a program takes several for one failure. */
struct hf_log_context {
	bool depth_known;
	int depth; /* of the certificate named last; 0 is the leaf */
	char subject[HF_LOG_NAME_CAP];
	bool top; /* no certificate above it was named: the end of the path */
	int stunnel_error; /* X509_V_ERR_* whose certificate the next line names; 0 none */
	bool server, client; /* whose log it is */
	bool told; /* the line before said what was wrong */
};
/* text: the whole log. */
void hf_log_context_init(struct hf_log_context *context, const char *text);

struct hf_log_meaning {
	enum hf_reason candidates[HF_CANDIDATES]; /* the likeliest first */
	size_t candidates_len;
	bool alert;	       /* it tells of an alert received: the peer refused */
	int alert_number;      /* 0: not said */
	bool hides_alert; /* an alert of the peer may stand behind it */
	bool writer_is_server; /* by the words, a server wrote it */
	bool writer_is_client;
	enum hf_confidence confidence;
	const char *pattern; /* what was recognised */
	bool depth_known, is_ca; /* a CA's certificate, not the leaf */
	/* of the certificate, as the line has them, raw; "" not said */
	char subject[HF_LOG_NAME_CAP], issuer[HF_LOG_NAME_CAP], serial[64];
};

/* One line of a log or an error message of curl, OpenSSL, Node, nginx, haproxy, Apache, stunnel,
 * GnuTLS, Go, Java, Python.  context: of the log that it stands in; NULL for a line alone.
 * false: it says nothing that is known here. */
bool hf_log_line_read(const char *line, struct hf_log_context *context, struct hf_log_meaning *ret);

/* Who refused: HF_SIDE_NOBODY when the line does not show who wrote it. */
enum hf_side hf_log_refused_by(const struct hf_log_meaning *m);

/* logverdict.c: only OpenSSL's verdicts about a certificate whose depth is known. */
bool hf_log_verdict_read(const char *line, struct hf_log_context *context,
			 struct hf_log_meaning *m);

#endif
