/* SPDX-License-Identifier: Apache-2.0 */
/* A refusal record of anybody's: JSON whose fields may be of any kind, with certificates in it.
 * What is told must hold no control byte. */
#include <stdint.h>
#include <stdlib.h>

#include "cli/explain_reading.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text)
{
	for (; text && *text; text++) {
		if (((unsigned char)*text < 0x20 && *text != '\n') || *text == 0x7f)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HF_AUTO_DONE(hf_certs) none = HF_CERTS_INIT;
	struct hf_known known = { 0 };
	const struct explain_own own = { &none, &known, false };
	struct explain_group g;
	json_t *record = json_loadb((const char *)data, size, 0, NULL);

	if (!record)
		return 0;
	explain_record_read(record, &own, &g);
	check(g.why);
	check(g.fix_words);
	check(g.explanation);
	check(g.subject);
	for (size_t i = 0; i < g.evidence.len; i++)
		check(g.evidence.items[i]);
	for (size_t i = 0; i < g.ladder.len; i++)
		check(g.ladder.events[i].detail);
	explain_group_done(&g);
	json_decref(record);
	return 0;
}
