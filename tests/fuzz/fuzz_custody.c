/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between workers and signer: no crash, nothing read past the end, and a question that was
 * understood is written as it was read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/custody/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HF_AUTO_DONE(hf_buf) again = HF_BUF_INIT(HF_CUSTODY_MESSAGE_CAP);
	struct hf_custody_request request;
	struct hf_custody_answer answer;
	struct hf_custody_entry entry;

	if (hf_custody_request_parse(data, size, &request) &&
	    (hf_custody_request_write(&request, &again, NULL) < 0 || again.len != size ||
	     memcmp(again.data, data, size) != 0))
		abort();
	if (hf_custody_answer_parse(data, size, &answer) && answer.code == 0 &&
	    hf_custody_entry_parse(answer.data, answer.len, &entry, NULL) == 0)
		hf_credential_free(entry.credential);
	return 0;
}
