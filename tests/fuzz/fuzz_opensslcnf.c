/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of openssl.cnf and index.txt.attr: whatever stands in them, neither the environment
 * nor another file gets into a value, and a refusal says why. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "ca/import/opensslcnf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char marker[] = "value-of-the-environment";
	HF_AUTO_DONE(hf_opensslcnf) cnf = { .section = NULL };
	struct hf_err err = HF_ERR_INIT;
	bool unique;

	if (setenv("HF_FUZZ", marker, 1) != 0)
		abort();
	if (hf_opensslcnf_parse((const char *)data, size, "fuzz", NULL, &cnf, &err) < 0 &&
	    !err.msg[0])
		abort();
	if (cnf.dir && strcmp(cnf.dir, marker) == 0)
		abort();
	(void)hf_index_attr_parse((const char *)data, size, "fuzz", &unique, &err);
	return 0;
}
