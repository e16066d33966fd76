/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to a person at a terminal.  Every question has an option that answers it, so that no
 * script needs one. */
#ifndef HF_CLI_PROMPT_H
#define HF_CLI_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Somebody sits there: standard input and standard error are a terminal. */
bool hf_prompt_possible(void);
/* Asks on standard error and reads a line; an empty answer is `initial` (may be ""), "." is empty,
 * as with openssl.  -HF_E_INVALID at the end of input. */
int hf_prompt_line(const char *question, const char *initial, char *out, size_t cap,
		   struct hf_err *err);
/* Again until it is one of the words (NULL-terminated); *ret_word is its index. */
int hf_prompt_word(const char *question, const char *const *words, int initial, int *ret_word,
		   struct hf_err *err);
int hf_prompt_yes(const char *question, bool initial, bool *ret_yes, struct hf_err *err);

#endif
