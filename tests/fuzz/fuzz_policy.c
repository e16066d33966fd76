/* SPDX-License-Identifier: Apache-2.0 */
/* policy.yaml: whatever stands in it, a refusal says where, and what was read is written so that it
 * reads back as the same policy. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "ca/policy/policy.h"

enum { TEXT_CAP = 64 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HF_AUTO_DONE(hf_buf) once = HF_BUF_INIT(TEXT_CAP);
	HF_AUTO_DONE(hf_buf) twice = HF_BUF_INIT(TEXT_CAP);
	HF_AUTO(hf_policy) policy = NULL;
	HF_AUTO(hf_policy) again = NULL;
	struct hf_err err = HF_ERR_INIT;

	if (hf_policy_parse((const char *)data, size, "fuzz", &policy, &err) < 0) {
		if (!strstr(err.msg, "fuzz"))
			abort();
		return 0;
	}
	/* what is larger than the cap of the reader does not read back, and need not */
	if (hf_policy_format(policy, &once) < 0 || once.len > 512 * 1024)
		return 0;
	if (hf_policy_parse(hf_buf_str(&once), once.len, "again", &again, &err) < 0 ||
	    hf_policy_format(again, &twice) < 0 ||
	    strcmp(hf_buf_str(&once), hf_buf_str(&twice)) != 0)
		abort();
	return 0;
}
