/* SPDX-License-Identifier: Apache-2.0 */
/* A complaint: what is told of a failure, in one manner everywhere.
 *
 *	handfast: policy.yaml:3:5: there is no key 'subjct' here [E-YAML-KEY]
 *	  3 |     subjct:
 *	    |     ^^^^^^ help: did you mean 'subject'?
 *
 * One line with the id, the exact place, the help.  `handfast explain ID` has the long story. */
#ifndef HF_UTIL_COMPLAINT_H
#define HF_UTIL_COMPLAINT_H

#include <stdbool.h>

#include "base/err.h"
#include "base/json.h"

/* The words that the program was called with, for showing the one that is wrong; kept, not
 * copied.  Without them an argument is shown alone.  A failure without a place is placed at the
 * word that its message quotes, or at the option that it names, if that was given. */
void hf_complaint_words(int argc, const char *const *argv);

struct hf_complaint_style {
	bool color;
	bool wrap; /* at 80 columns, for a terminal; otherwise one line for each part */
};
void hf_complaint_format(const struct hf_err *err, const struct hf_complaint_style *style,
			 struct hf_buf *out);
/* To standard error: wrapped on a terminal, coloured when `color` allows it there. */
void hf_complaint_print(const struct hf_err *err, bool color);
/* "error": {"code", "kind", "message", "place", "hint"} of the open object. */
void hf_complaint_json(struct hf_json *j, const struct hf_err *err);
/* `handfast explain ID`. */
void hf_complaint_story(enum hf_mistake which, struct hf_buf *out);
void hf_complaint_story_json(enum hf_mistake which, struct hf_json *j);

#endif
