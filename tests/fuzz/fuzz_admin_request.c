/* SPDX-License-Identifier: Apache-2.0 */
/* Questions of the admin socket: no crash; what was understood says the same when it is written and
 * read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/admin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HF_AUTO_DONE(hf_buf) line = HF_BUF_INIT(HF_ADMIN_LINE_CAP);
	struct hf_admin_request first, again;

	if (hf_admin_request_parse((const char *)data, size, &first, NULL) < 0)
		return 0;
	if (hf_admin_request_format(&first, &line) < 0 ||
	    hf_admin_request_parse(line.data, line.len, &again, NULL) < 0)
		abort();
	if (first.verb != again.verb || first.limit != again.limit ||
	    first.deadline_s != again.deadline_s ||
	    memcmp(first.fingerprint, again.fingerprint, sizeof(first.fingerprint)) != 0)
		abort();
	return 0;
}
