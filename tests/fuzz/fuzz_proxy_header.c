/* SPDX-License-Identifier: Apache-2.0 */
/* PROXY protocol headers: no crash, the same result whole and byte by byte, MORE never behind the
 * header's end. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hf_proxy_header whole, part;
	enum hf_proxy_parse rc = HF_PROXY_MORE;
	enum hf_proxy_parse want = hf_proxy_header_read((const char *)data, size, &whole);
	size_t have = 0;

	while (rc == HF_PROXY_MORE && have < size)
		rc = hf_proxy_header_read((const char *)data, ++have, &part);
	if (rc != want)
		abort();
	if (rc == HF_PROXY_DONE &&
	    (part.len != have || whole.len != have || part.has_address != whole.has_address ||
	     memcmp(&part.source, &whole.source, sizeof(part.source)) != 0))
		abort();
	return 0;
}
