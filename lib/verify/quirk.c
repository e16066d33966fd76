/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the table of quirks.  Must never hold a rule itself: what the table does not say is not
 * so. */
#include "verify/quirk.h"

static const struct hf_quirk_info infos[] = {
#define HF_QUIRK(name, reason, step, clause, cells) \
	{ HF_REASON_##reason, HF_STEP_##step, clause, cells },
#include "verify/quirks.def"
#undef HF_QUIRK
};

#define HF_QUIRK(name, reason, step, clause, cells) \
	_Static_assert(sizeof(cells) == HF_PROFILE_COUNT + 1, #name " has a cell for each profile");
#include "verify/quirks.def"
#undef HF_QUIRK

const struct hf_quirk_info *hf_quirk_info(enum hf_quirk quirk)
{
	return &infos[quirk];
}

/* Strict is about peers of TLS: with the purpose `any` it is path validation by RFC 5280, which
 * leaves to the issuer what has a `b` there. */
static enum hf_severity severity_of(char cell, enum hf_purpose purpose)
{
	bool refused = cell == 'a' || (cell == 'b' && purpose != HF_PURPOSE_ANY) ||
		       (cell == 's' && purpose == HF_PURPOSE_SERVER);

	if (cell == 'i')
		return HF_SEVERITY_INFO;
	return refused ? HF_SEVERITY_REFUSE : HF_SEVERITY_WARN;
}

bool hf_quirk_severity(enum hf_quirk quirk, enum hf_profile profile, enum hf_purpose purpose,
		       enum hf_severity *ret_severity)
{
	char cell = infos[quirk].cells[profile];

	if (cell == '.')
		return false;
	*ret_severity = severity_of(cell, purpose);
	return true;
}

unsigned hf_quirk_refusers(enum hf_quirk quirk, enum hf_purpose purpose)
{
	unsigned bits = 0;

	for (unsigned p = 0; p < HF_PROFILE_COUNT; p++) {
		if (severity_of(infos[quirk].cells[p], purpose) == HF_SEVERITY_REFUSE)
			bits |= 1U << p;
	}
	return bits;
}
