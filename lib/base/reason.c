/* SPDX-License-Identifier: Apache-2.0 */
/* The table of reasons.  Holds no logic. */
#include "base/reason.h"

#include <string.h>

#include <openssl/x509_vfy.h>

#include "base/macros.h"

static const struct hf_reason_info infos[HF_REASON_COUNT] = {
	[HF_REASON_NONE] = { "", HF_SEVERITY_INFO, 0, 0, "", "", "" },
#define HF_REASON(name, id, severity, verify_error, alert, sentence, remedy, rule) \
	[HF_REASON_##                                                              \
	    name] = { id, HF_SEVERITY_##severity, verify_error, alert, sentence, remedy, rule },
#include "base/reasons.def"
#undef HF_REASON
};

const struct hf_reason_info *hf_reason_info(enum hf_reason reason)
{
	return &infos[reason < HF_REASON_COUNT ? reason : HF_REASON_NONE];
}

enum hf_reason hf_reason_by_id(const char *id)
{
	for (int i = 1; i < HF_REASON_COUNT; i++) {
		if (strcmp(infos[i].id, id) == 0)
			return (enum hf_reason)i;
	}
	return HF_REASON_NONE;
}

const char *hf_severity_name(enum hf_severity severity)
{
	static const char *const names[] = {
		[HF_SEVERITY_INFO] = "info",
		[HF_SEVERITY_WARN] = "warning",
		[HF_SEVERITY_REFUSE] = "refuse",
	};

	return names[severity];
}
