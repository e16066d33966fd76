/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11: URIs (RFC 7512).  Must never repeat one in a message: it may hold a PIN. */
#include "ca/signer_uri.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

static const struct attribute {
	const char *name;
	size_t offset, cap;
	bool in_query;
} attributes[] = {
#define TEXT(name, field)                                             \
	{                                                             \
		name, offsetof(struct hf_pkcs11_uri, field),          \
		    sizeof(((struct hf_pkcs11_uri *)0)->field), false \
	}
	TEXT("token", token),
	TEXT("manufacturer", manufacturer),
	TEXT("model", model),
	TEXT("serial", serial),
	TEXT("object", object),
#undef TEXT
	{ "pin-source", offsetof(struct hf_pkcs11_uri, pin_source), PATH_MAX, true },
	{ "module-path", offsetof(struct hf_pkcs11_uri, module_path), PATH_MAX, true },
};

static int nibble(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, hf_ascii_lower(c)) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Percent-decodes; false when it is malformed or does not fit (a NUL is kept for `id` only). */
static bool decode(const char *s, size_t len, bool binary, uint8_t *out, size_t cap,
		   size_t *ret_len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = (uint8_t)s[i];

		if (s[i] == '%') {
			int high = i + 2 < len ? nibble(s[i + 1]) : -1;
			int low = i + 2 < len ? nibble(s[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (uint8_t)(high << 4 | low);
			i += 2;
		}
		if (n == cap || (c == 0 && !binary))
			return false;
		out[n++] = c;
	}
	*ret_len = n;
	return true;
}

static int malformed(const char *name, struct hf_err *err)
{
	return hf_err_set(err, HF_E_PARSE, "the pkcs11: URI's '%s' is malformed or too long", name);
}

static int take_text(const struct attribute *a, const char *value, size_t len,
		     struct hf_pkcs11_uri *uri, struct hf_err *err)
{
	char *out = (char *)uri + a->offset;
	size_t n = 0;

	if (!decode(value, len, false, (uint8_t *)out, a->cap - 1, &n))
		return malformed(a->name, err);
	out[n] = '\0';
	if (strcmp(a->name, "pin-source") == 0 && hf_str_starts(out, "file:"))
		memmove(out, out + strlen("file:"), n + 1 - strlen("file:"));
	return 0;
}

static int take_slot(const char *value, size_t len, struct hf_pkcs11_uri *uri, struct hf_err *err)
{
	HF_AUTO(cstr) text = hf_str_ndup(value, len);
	uint64_t slot = 0;

	if (!text)
		return hf_err_nomem(err);
	if (!hf_str_u64(text, ULONG_MAX, &slot))
		return malformed("slot-id", err);
	uri->slot = (unsigned long)slot;
	uri->has_slot = true;
	return 0;
}

static bool is_name(const char *name, size_t len, const char *want)
{
	return strlen(want) == len && memcmp(name, want, len) == 0;
}

static int take_pair(const char *pair, size_t len, bool in_query, struct hf_pkcs11_uri *uri,
		     struct hf_err *err)
{
	const char *eq = memchr(pair, '=', len);
	size_t name_len = eq ? (size_t)(eq - pair) : len;
	const char *value = pair + name_len + 1;
	size_t value_len = eq ? len - name_len - 1 : 0;

	if (!eq)
		return hf_err_set(err, HF_E_PARSE, "a part of the pkcs11: URI has no '='");
	if (is_name(pair, name_len, "pin-value")) {
		(void)hf_err_set(err, HF_E_POLICY, "a PIN does not belong into a URI (pin-value)");
		return hf_err_hint(err, "name a file of mode 0600: ?pin-source=file:/PATH");
	}
	if (is_name(pair, name_len, "id"))
		return decode(value, value_len, true, uri->id, sizeof(uri->id), &uri->id_len)
			   ? 0
			   : malformed("id", err);
	if (is_name(pair, name_len, "slot-id"))
		return take_slot(value, value_len, uri, err);
	for (size_t i = 0; i < HF_ARRAY_LEN(attributes); i++) {
		if (attributes[i].in_query == in_query &&
		    is_name(pair, name_len, attributes[i].name))
			return take_text(&attributes[i], value, value_len, uri, err);
	}
	return 0; /* others (type, library-…) do not decide here (RFC 7512 2.3) */
}

static int take_pairs(const char *s, size_t len, char separator, struct hf_pkcs11_uri *uri,
		      struct hf_err *err)
{
	int rc = 0;

	while (rc == 0 && len > 0) {
		const char *end = memchr(s, separator, len);
		size_t part = end ? (size_t)(end - s) : len;

		if (part > 0)
			rc = take_pair(s, part, separator == '&', uri, err);
		part += end != NULL;
		s += part;
		len -= part;
	}
	return rc;
}

int hf_pkcs11_uri_parse(const char *text, struct hf_pkcs11_uri *ret_uri, struct hf_err *err)
{
	struct hf_pkcs11_uri uri = { .has_slot = false };
	size_t path_len;
	int rc;

	if (!hf_str_starts(text, "pkcs11:"))
		return hf_err_set(err, HF_E_PARSE, "that is no pkcs11: URI");
	text += strlen("pkcs11:");
	path_len = strcspn(text, "?");
	rc = take_pairs(text, path_len, ';', &uri, err);
	if (rc == 0 && text[path_len])
		rc = take_pairs(text + path_len + 1, strlen(text + path_len + 1), '&', &uri, err);
	if (rc == 0)
		*ret_uri = uri;
	return rc;
}
