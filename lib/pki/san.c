/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of subject alternative names.  Must never shorten a value at a NUL byte: the judge wants to
 * see what hides behind it. */
#include "pki/san.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "pki/san_internal.h"

static const char *const kind_names[] = {
	[HF_SAN_DNS] = "dns",	  [HF_SAN_IP] = "ip",		[HF_SAN_URI] = "uri",
	[HF_SAN_EMAIL] = "email", [HF_SAN_DIRNAME] = "dirname", [HF_SAN_OTHER] = "other",
};

const char *hf_san_kind_name(enum hf_san_kind kind)
{
	return (size_t)kind < HF_ARRAY_LEN(kind_names) ? kind_names[kind] : "other";
}

struct hf_san *hf_sans_push(struct hf_sans *sans, enum hf_san_kind kind, const void *value,
			    size_t len)
{
	struct hf_san *item;

	if (sans->len == sans->alloc) {
		size_t alloc = sans->alloc ? 2 * sans->alloc : 4;
		struct hf_san *items = realloc(sans->items, alloc * sizeof(*items));

		if (!items)
			return NULL;
		sans->items = items;
		sans->alloc = alloc;
	}
	item = &sans->items[sans->len];
	*item = (struct hf_san){ .kind = kind, .value = hf_str_ndup(value, len), .len = len };
	if (!item->value)
		return NULL;
	sans->len++;
	return item;
}

static bool same_email(const struct hf_san *a, const struct hf_san *b)
{
	const char *at = memrchr(a->value, '@', a->len);
	size_t local = at ? (size_t)(at - a->value) : a->len;

	/* RFC 5280 7.5: the local part is compared exactly, the host without case */
	return memcmp(a->value, b->value, local) == 0 &&
	       hf_mem_case_eq(a->value + local, b->value + local, a->len - local);
}

static bool same_san(const struct hf_san *a, const struct hf_san *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == HF_SAN_IP && !a->malformed && !b->malformed)
		return a->raw_len == b->raw_len && memcmp(a->raw, b->raw, a->raw_len) == 0;
	if (a->len != b->len)
		return false;
	if (a->kind == HF_SAN_DNS)
		return hf_mem_case_eq(a->value, b->value, a->len);
	if (a->kind == HF_SAN_EMAIL)
		return same_email(a, b);
	return memcmp(a->value, b->value, a->len) == 0;
}

bool hf_sans_has(const struct hf_sans *sans, const struct hf_san *san)
{
	for (size_t i = 0; i < sans->len; i++) {
		if (same_san(&sans->items[i], san))
			return true;
	}
	return false;
}

int hf_sans_copy(struct hf_sans *dst, const struct hf_sans *src, struct hf_err *err)
{
	for (size_t i = 0; i < src->len; i++) {
		const struct hf_san *from = &src->items[i];
		struct hf_san *to = hf_sans_push(dst, from->kind, from->value, from->len);

		if (!to)
			return hf_err_nomem(err);
		memcpy(to->raw, from->raw, sizeof(to->raw));
		to->raw_len = from->raw_len;
		to->malformed = from->malformed;
	}
	return 0;
}

int hf_sans_format(const struct hf_sans *sans, struct hf_buf *out)
{
	for (size_t i = 0; i < sans->len; i++) {
		const struct hf_san *san = &sans->items[i];

		(void)hf_buf_printf(out, "%s%s:", i > 0 ? ", " : "", hf_san_kind_name(san->kind));
		(void)hf_str_escape(out, san->value, san->len);
	}
	return hf_buf_failed(out) ? -HF_E_LIMIT : 0;
}

void hf_sans_done(struct hf_sans *sans)
{
	if (!sans)
		return;
	for (size_t i = 0; i < sans->len; i++)
		free(sans->items[i].value);
	free(sans->items);
	*sans = (struct hf_sans)HF_SANS_INIT;
}
