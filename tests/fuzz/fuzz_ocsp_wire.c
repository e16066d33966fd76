/* SPDX-License-Identifier: Apache-2.0 */
/* Packets between workers and follower about OCSP: no crash, nothing read past the end, and a
 * question that was understood is written as it was read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/ocsp/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HF_AUTO_DONE(hf_ocsp_question) question = HF_OCSP_QUESTION_INIT;
	struct hf_ocsp_answer answer;
	const char *packet = (const char *)data;

	if (hf_ocsp_question_parse(packet, size, &question, NULL) == 0 &&
	    (question.id == 0 || question.path.len < 2 || question.path.len > HF_OCSP_PATH_CAP ||
	     strlen(question.url) >= HF_OCSP_URL_CAP))
		abort();
	if (hf_ocsp_answer_parse(packet, size, &answer) &&
	    (answer.data < packet || answer.len > size || answer.data + answer.len > packet + size))
		abort();
	return 0;
}
