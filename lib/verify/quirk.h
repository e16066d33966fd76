/* SPDX-License-Identifier: Apache-2.0 */
/* What one program accepts and another refuses: the table of quirks.def. */
#ifndef HF_VERIFY_QUIRK_H
#define HF_VERIFY_QUIRK_H

#include "verify/verdict.h"
#include "verify/verify.h"

enum hf_quirk {
#define HF_QUIRK(name, reason, step, clause, cells) HF_QUIRK_##name,
#include "verify/quirks.def"
#undef HF_QUIRK
	HF_QUIRK_COUNT
};

struct hf_quirk_info {
	enum hf_reason reason;
	enum hf_step step;
	const char *clause; /* NULL: the reason's own */
	const char *cells;  /* one letter for each profile */
};
const struct hf_quirk_info *hf_quirk_info(enum hf_quirk quirk);

/* What it is in a profile, for a purpose; false: nothing to mention. */
bool hf_quirk_severity(enum hf_quirk quirk, enum hf_profile profile, enum hf_purpose purpose,
		       enum hf_severity *ret_severity);
/* The profiles that refuse it: a bit for each. */
unsigned hf_quirk_refusers(enum hf_quirk quirk, enum hf_purpose purpose);

#endif
