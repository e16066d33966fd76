/* SPDX-License-Identifier: Apache-2.0 */
/* What strangers send to an authority: the body of a request, and the Authorization field.  A token
 * that parses is written again as it was. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "enroll/est.h"
#include "enroll/token.h"

static void try_token(const char *text, size_t len)
{
	HF_AUTO_DONE(hf_buf) again = HF_BUF_INIT(256);
	struct hf_token_text token;

	if (!hf_token_text_parse(text, len, &token))
		return;
	if (hf_token_text_format(&token, &again) < 0 || again.len != len ||
	    memcmp(again.data, text, len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HF_AUTO(hf_csr) csr = NULL;
	struct hf_err err = HF_ERR_INIT;
	struct hf_token_text token;
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	if (hf_est_request_parse(text, size, &csr, &err) == 0) {
		(void)hf_csr_check_signature(csr, NULL);
		(void)hf_est_wants_encryption(csr);
	} else if (!err.msg[0]) {
		abort();
	}
	try_token(text, size);
	(void)hf_token_from_authorization(text, size, &token);
	free(text);
	return 0;
}
