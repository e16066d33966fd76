/* SPDX-License-Identifier: Apache-2.0 */
/* Setting Host: no crash, the same bytes whole and byte by byte, and where Host is the name already
 * nothing changes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/host_filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(const char *host, const char *data, size_t size, size_t step, struct hf_buf *out)
{
	HF_AUTO(hf_host_filter) filter = NULL;

	if (hf_host_filter_new(host, &filter, NULL) < 0)
		abort();
	for (size_t at = 0; at < size; at += step)
		hf_host_filter_pass(filter, data + at, HF_MIN(step, size - at), out);
	hf_host_filter_end(filter, out);
}

static void same(const struct hf_buf *a, const struct hf_buf *b)
{
	if (a->len != b->len || (a->len > 0 && memcmp(a->data, b->data, a->len) != 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HF_AUTO_DONE(hf_buf) whole = HF_BUF_INIT(1 << 22), bytes = HF_BUF_INIT(1 << 22),
			     again = HF_BUF_INIT(1 << 22);
	const char *text = (const char *)data;

	run("gw.test", text, size, size ? size : 1, &whole);
	run("gw.test", text, size, 1, &bytes);
	same(&whole, &bytes);
	run("gw.test", whole.data, whole.len, whole.len ? whole.len : 1, &again);
	same(&whole, &again);
	return 0;
}
