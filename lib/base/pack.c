/* SPDX-License-Identifier: Apache-2.0 */
/* Packing and unpacking.  Must never be used for what comes from another machine, nor for a file
 * that is kept: the form may change with each version. */
#include "base/pack.h"

#include <string.h>

void hf_pack_number(struct hf_buf *out, uint64_t number)
{
	(void)hf_buf_append(out, &number, sizeof(number));
}

void hf_pack_bytes(struct hf_buf *out, const void *data, size_t len)
{
	hf_pack_number(out, len);
	(void)hf_buf_append(out, data, len);
}

void hf_pack_text(struct hf_buf *out, const char *text)
{
	hf_pack_bytes(out, text, strlen(text) + 1);
}

static const char *take(struct hf_unpack *in, uint64_t len)
{
	const char *at = in->data;

	if (in->bad || len > in->left) {
		in->bad = true;
		return NULL;
	}
	in->data += len;
	in->left -= (size_t)len;
	return at;
}

uint64_t hf_unpack_number(struct hf_unpack *in)
{
	uint64_t number = 0;
	const char *at = take(in, sizeof(number));

	if (at)
		memcpy(&number, at, sizeof(number));
	return number;
}

const void *hf_unpack_bytes(struct hf_unpack *in, size_t *ret_len)
{
	uint64_t len = hf_unpack_number(in);
	const char *at = take(in, len);

	*ret_len = at ? (size_t)len : 0;
	return at;
}

const char *hf_unpack_text(struct hf_unpack *in)
{
	size_t len;
	const char *text = hf_unpack_bytes(in, &len);

	if (text && len > 0 && memchr(text, '\0', len) == text + len - 1)
		return text;
	in->bad = true;
	return "";
}
