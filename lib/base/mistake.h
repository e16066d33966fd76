/* SPDX-License-Identifier: Apache-2.0 */
/* Mistakes of whoever runs the program: what each is called, how it is mended, its long story.  The
 * list is mistakes.def; enum, tables, docs/mistakes.md and `handfast explain` come from it.  Ids
 * are stable for ever. */
#ifndef HF_BASE_MISTAKE_H
#define HF_BASE_MISTAKE_H

#include <handfast/err.h>

/* Above every enum hf_e, so that hf_err_set takes either. */
enum hf_mistake {
	HF_MISTAKE_NONE = 1000,
#define HF_MISTAKE(name, id, kind, sentence, help, story) HF_MISTAKE_##name,
#include "base/mistakes.def"
#undef HF_MISTAKE
	HF_MISTAKE_END,
};

struct hf_mistake_info {
	const char *id;       /* "E-RULE-TERM" */
	int kind;             /* an enum hf_e: the exit status and the JSON field "kind" */
	const char *sentence; /* what is wrong, one sentence, without names */
	const char *help;     /* the next step, where the message has none of its own */
	const char *story;    /* how it comes about, how to look, what to do */
};

const struct hf_mistake_info *hf_mistake_info(enum hf_mistake which); /* never NULL */
/* HF_MISTAKE_NONE when unknown */
enum hf_mistake hf_mistake_by_id(const char *id);
/* The one a failure says it is, else the general one of its kind; HF_MISTAKE_NONE for what is
 * nobody's mistake (no memory). */
enum hf_mistake hf_mistake_of(const struct hf_err *err);

#endif
