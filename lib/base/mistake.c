/* SPDX-License-Identifier: Apache-2.0 */
/* The table of mistakes.  Holds no logic. */
#include "base/mistake.h"

#include <stdbool.h>
#include <string.h>

#include "base/macros.h"

static const struct hf_mistake_info infos[HF_MISTAKE_END - HF_MISTAKE_NONE] = {
	{ "", 0, "", "", "" },
#define HF_MISTAKE(name, id, kind, sentence, help, story) \
	{ id, HF_E_##kind, sentence, help, story },
#include "base/mistakes.def"
#undef HF_MISTAKE
};

const struct hf_mistake_info *hf_mistake_info(enum hf_mistake which)
{
	bool known = which > HF_MISTAKE_NONE && which < HF_MISTAKE_END;

	return &infos[known ? which - HF_MISTAKE_NONE : 0];
}

enum hf_mistake hf_mistake_by_id(const char *id)
{
	for (size_t i = 1; i < HF_ARRAY_LEN(infos); i++) {
		if (strcmp(infos[i].id, id) == 0)
			return (enum hf_mistake)(HF_MISTAKE_NONE + (int)i);
	}
	return HF_MISTAKE_NONE;
}

enum hf_mistake hf_mistake_of(const struct hf_err *err)
{
	static const enum hf_mistake general[] = {
		[HF_E_INVALID] = HF_MISTAKE_USAGE,
		[HF_E_PARSE] = HF_MISTAKE_FORMAT,
		[HF_E_IO] = HF_MISTAKE_SYSTEM,
		[HF_E_NOENT] = HF_MISTAKE_NOT_FOUND,
		[HF_E_EXIST] = HF_MISTAKE_EXISTS,
		[HF_E_PERM] = HF_MISTAKE_DENIED,
		[HF_E_LIMIT] = HF_MISTAKE_LIMIT,
		[HF_E_PASSPHRASE] = HF_MISTAKE_PASSPHRASE,
		[HF_E_MISMATCH] = HF_MISTAKE_MISMATCH,
		[HF_E_POLICY] = HF_MISTAKE_POLICY,
		[HF_E_UNSUPPORTED] = HF_MISTAKE_UNSUPPORTED,
		[HF_E_CLOSED] = HF_MISTAKE_CLOSED,
		[HF_E_TIMEOUT] = HF_MISTAKE_TIMEOUT,
		[HF_E_BUSY] = HF_MISTAKE_BUSY,
	};

	if (err->id[0])
		return hf_mistake_by_id(err->id);
	if (err->code > 0 && (size_t)err->code < HF_ARRAY_LEN(general) && general[err->code])
		return general[err->code];
	return HF_MISTAKE_NONE;
}
