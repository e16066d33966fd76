/* SPDX-License-Identifier: Apache-2.0 */
/* What one refusal record of the gateway says. */
#ifndef HF_CLI_EXPLAIN_READING_H
#define HF_CLI_EXPLAIN_READING_H

#include <jansson.h>

#include "explain/explain.h"
#include "probe/standing.h"

enum { EXPLAIN_TEXT_CAP = 512 };

/* What several refusals have in common. */
struct explain_group {
	enum hf_reason cause, candidates[HF_CANDIDATES];
	size_t candidates_len, count;
	enum hf_side refused_by;
	enum hf_confidence confidence;
	int alert;
	char since[40], last[40], explanation[EXPLAIN_TEXT_CAP], fix[EXPLAIN_TEXT_CAP],
	    listener[128];
	char role[24], subject[256], issuer[256], serial[80], sha256[80], not_after[40];
	struct hf_strv evidence;
};

/* What the server has, when its files are known; the chain may be empty. */
struct explain_own {
	const struct hf_certs *chain;
	const struct hf_known *known;
};

/* Fills ret (count 0); its evidence is the caller's to free. */
void explain_record_read(const json_t *record, const struct explain_own *own,
			 struct explain_group *ret);

#endif
