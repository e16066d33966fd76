/* SPDX-License-Identifier: Apache-2.0 */
/* Option tables: one table gives parsing, --help, the man page and the completions. */
#ifndef HF_UTIL_OPT_H
#define HF_UTIL_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* What stands at `offset` of the options struct, in brackets. */
enum hf_option_kind {
	HF_OPT_FLAG,     /* (bool) */
	HF_OPT_STRING,   /* (const char *) the last one given */
	HF_OPT_LIST,     /* (struct hf_strv) every one, in order, after `prefix` */
	HF_OPT_INT,      /* (int64_t) between min and max */
	HF_OPT_DURATION, /* (int64_t) seconds: "90s", "15m", "30d"; a bare number counts `unit` seconds */
	HF_OPT_WORD,     /* (int) index into `words` */
	HF_OPT_TIME,     /* (int64_t) Unix seconds: "2026-11-21", "2026-11-21T06:39:31Z", "@…" */
	HF_OPT_SIZE,     /* (int64_t) bytes between min and max: "4096", "16k", "4M", "1G" (powers of 1024) */
};

struct hf_option {
	const char *name;         /* without the dashes */
	char letter;              /* 0: none */
	enum hf_option_kind kind;
	size_t offset;
	const char *arg;          /* name of the argument for people: "FILE"; NULL for flags */
	const char *help;         /* one sentence without a full stop, may be long */
	const char *initial;      /* the default as text, parsed like an argument; NULL: zero */
	int64_t min, max;         /* HF_OPT_INT, HF_OPT_DURATION, HF_OPT_SIZE; both 0: from 0 */
	int64_t unit;             /* HF_OPT_DURATION: seconds of a bare number; 0 is 1 */
	const char *const *words; /* HF_OPT_WORD: NULL-terminated */
	const char *prefix;       /* HF_OPT_LIST: put in front of each ("allow ") */
	bool hidden;              /* not in help, man page and completions */
};

/* Options under one heading; `offset` is where the struct they write to starts in the
 * command's own. */
struct hf_option_group {
	const char *title;
	const struct hf_option *options; /* ends with a row whose name is NULL */
	size_t offset;
};

/* Takes the options out of argv (mixed with arguments, "--" ends them); the defaults are
 * hf_options_init's.  ret_args gets the arguments.  Groups end with a row whose options are NULL;
 * globals may be NULL and write to their own struct.  Any mistake is -HF_E_INVALID in one
 * sentence, with the nearest word as hint. */
struct hf_option_set {
	const struct hf_option_group *groups;
	void *values;
};
int hf_options_parse(const struct hf_option_set *sets, size_t sets_len, int argc, char **argv,
		     struct hf_strv *ret_args, struct hf_err *err);
int hf_options_init(const struct hf_option_set *set, struct hf_err *err);
/* Stops at the first argument that is no option; *ret_next is its index (argc when there is
 * none). */
int hf_options_parse_leading(const struct hf_option_set *set, int argc, char **argv, int *ret_next,
			     struct hf_err *err);
/* Frees the lists. */
void hf_options_done(const struct hf_option_set *set);

#endif
