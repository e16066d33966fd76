/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to a person at a terminal.  Must never be asked when nobody sits there, and never ask
 * for a secret (util/passphrase.h does, without echo). */
#include "cli/prompt.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"

enum { ANSWER_CAP = 1024, WORDS_CAP = 256 };

bool hf_prompt_possible(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

static char *trim(char *line)
{
	size_t len = strlen(line);

	while (len > 0 && strchr(" \t\r\n", line[len - 1]))
		line[--len] = '\0';
	return line + strspn(line, " \t");
}

int hf_prompt_line(const char *question, const char *initial, char *out, size_t cap,
		   struct hf_err *err)
{
	char line[ANSWER_CAP];
	const char *answer;

	if (initial[0])
		(void)fprintf(stderr, "%s [%s]: ", question, initial);
	else
		(void)fprintf(stderr, "%s: ", question);
	(void)fflush(stderr);
	if (!fgets(line, sizeof(line), stdin)) {
		(void)fputc('\n', stderr);
		return hf_err_set(err, HF_E_INVALID, "no answer was given: nothing was made");
	}
	answer = trim(line);
	if (!answer[0])
		answer = initial;
	if (strcmp(answer, ".") == 0)
		answer = "";
	if (!hf_str_copy(out, cap, answer))
		return hf_err_set(err, HF_E_LIMIT, "the answer is too long");
	return 0;
}

static int word_of(const char *const *words, const char *answer)
{
	for (int i = 0; words[i]; i++) {
		if (hf_str_case_eq(words[i], answer))
			return i;
	}
	return -1;
}

int hf_prompt_word(const char *question, const char *const *words, int initial, int *ret_word,
		   struct hf_err *err)
{
	char answer[WORDS_CAP];

	for (;;) {
		int rc = hf_prompt_line(question, words[initial], answer, sizeof(answer), err);
		int word = rc < 0 ? -1 : word_of(words, answer);

		if (rc < 0)
			return rc;
		if (word >= 0) {
			*ret_word = word;
			return 0;
		}
		(void)fprintf(stderr, "  one of:");
		for (int i = 0; words[i]; i++)
			(void)fprintf(stderr, " %s", words[i]);
		(void)fputc('\n', stderr);
	}
}

int hf_prompt_yes(const char *question, bool initial, bool *ret_yes, struct hf_err *err)
{
	static const char *const words[] = { "no", "yes", "n", "y", NULL };
	int word = 0;
	int rc = hf_prompt_word(question, words, initial, &word, err);

	if (rc == 0)
		*ret_yes = word % 2;
	return rc;
}
