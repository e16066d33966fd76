/* SPDX-License-Identifier: Apache-2.0 */
/* What a proxy answers: no crash, the same end whole and byte by byte, and no byte of the server's
 * taken.  The first byte chooses the proxy and whether there is a password. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "net/via.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	enum hf_via_step step;
	size_t used, said;
};

static struct outcome talk(const struct hf_via *via, const char *data, size_t len, size_t piece)
{
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(64 * 1024);
	struct outcome o = { .step = HF_VIA_MORE };
	struct hf_via_dialog dialog;

	(void)hf_via_begin(&dialog, via, &out);
	while ((o.step == HF_VIA_MORE || o.step == HF_VIA_SAY) && o.used < len) {
		size_t n = piece < len - o.used ? piece : len - o.used, used = 0;

		o.step = hf_via_take(&dialog, data + o.used, n, &used, &out);
		if (used > n || (o.step == HF_VIA_MORE && used != n) ||
		    (o.step == HF_VIA_REFUSED && dialog.why[0] == '\0'))
			abort();
		o.used += used;
	}
	o.said = out.len;
	hf_via_dialog_done(&dialog);
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hf_via via;
	struct hf_err err = HF_ERR_INIT;
	struct outcome whole, bytes;

	if (size < 1 || size > 8192) /* too long an answer is another end */
		return 0;
	if (hf_via_parse(data[0] & 1 ? "http://p" : "socks5://p", &via, &err) < 0 ||
	    hf_via_to(&via, "a.example", 443, &err) < 0)
		abort();
	if ((data[0] & 2) != 0 && hf_via_login(&via, "bob:x", &err) < 0)
		abort();
	whole = talk(&via, (const char *)data + 1, size - 1, size);
	bytes = talk(&via, (const char *)data + 1, size - 1, 1);
	if (whole.step != bytes.step || whole.said != bytes.said ||
	    (whole.step == HF_VIA_OPEN && whole.used != bytes.used))
		abort();
	return 0;
}
