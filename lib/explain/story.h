/* SPDX-License-Identifier: Apache-2.0 */
/* The long story of each reason. */
#ifndef HF_EXPLAIN_STORY_H
#define HF_EXPLAIN_STORY_H

#include "explain/explain.h"

struct hf_story {
	const char *arises, *check, *handfast, *openssl; /* NULL: none was written */
};
const struct hf_story *hf_story_of(enum hf_reason reason); /* never NULL */
void hf_story_format(enum hf_reason reason, struct hf_buf *out);
void hf_story_to_json(enum hf_reason reason, struct hf_json *j);

#endif
