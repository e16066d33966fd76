/* SPDX-License-Identifier: Apache-2.0 */
/* What one refusal record of the gateway says. */
#ifndef HF_CLI_EXPLAIN_READING_H
#define HF_CLI_EXPLAIN_READING_H

#include <jansson.h>

#include "explain/explain.h"
#include "probe/standing.h"

enum { EXPLAIN_TEXT_CAP = 512, EXPLAIN_LISTENER_CAP = 128 };

/* What several refusals have in common. */
struct explain_group {
	enum hf_reason cause, candidates[HF_CANDIDATES];
	size_t candidates_len, count;
	enum hf_side refused_by;
	enum hf_confidence confidence;
	int alert;
	char since[40], last[40], explanation[EXPLAIN_TEXT_CAP], fix[EXPLAIN_TEXT_CAP],
	    listener[EXPLAIN_LISTENER_CAP];
	char role[24], subject[256], issuer[256], serial[80], sha256[80], not_before[40],
	    not_after[40];
	char peer[80];
	struct hf_strv evidence;
	struct hf_transcript ladder; /* what the first of them tells of the handshake */
	char *why, *fix_words; /* owned; NULL: as the record says */
};
void explain_group_done(struct explain_group *g);

/* What the server has, when its files are known; the chain may be empty. */
struct explain_own {
	const struct hf_certs *chain;
	const struct hf_known *known;
	bool name_unknown; /* what the client asked for is not known, rather than nothing */
};

/* Fills ret (count 0), which the caller ends with explain_group_done. */
void explain_record_read(const json_t *record, const struct explain_own *own,
			 struct explain_group *ret);

/* --- what the files explain_reading*.c share --------------------------------------------- */

struct explain_reading {
	const json_t *record, *certificate;
	int64_t at, begins, ends;
	struct explain_group g;
};
const char *explain_text_of(const json_t *object, const char *key); /* "" when it is not there */
void explain_text_copy(char *to, size_t cap, const char *text);	    /* escaped */
const json_t *explain_error_with(const json_t *record, const char *id);
void explain_candidate(struct explain_group *g, enum hf_reason reason); /* once */
void explain_settle(struct explain_group *g, enum hf_reason cause, enum hf_confidence confidence);
/* by_alert: the cause that the record has; HF_REASON_NONE: only an alert. */
void explain_read_client_refusal(const struct explain_own *own, struct explain_reading *r,
				 enum hf_reason by_alert);
void explain_compare_files(struct explain_reading *r);
void explain_tell_in_words(const struct explain_own *own, struct explain_reading *r);
void explain_build_ladder(struct explain_reading *r);

#endif
