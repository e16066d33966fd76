/* SPDX-License-Identifier: Apache-2.0 */
/* Naming identity fields.  Must never take a name that a client may need for itself: whatever is
 * named here is taken out of every request. */
#include "gateway/identity_names.h"

#include <string.h>

#include "base/err.h"

enum { NAME_CAP = 64 };

/* What identity_fields.c writes. */
static const char *const ours[] = {
	"Client-Cert",
	"Client-Cert-Chain",
	"X-Forwarded-Client-Cert",
	"X-SSL-Client-Verify",
	"X-Client-Identity",
	"X-SSL-Client-DN",
	"X-SSL-Client-CN",
	"X-SSL-Client-SAN",
	"X-SSL-Issuer",
	"X-SSL-Client-Serial",
	"X-SSL-Client-SHA256",
	"X-SSL-Client-NotBefore",
	"X-SSL-Client-NotAfter",
	"X-SSL-Client-Cert",
	"X-Client-X5T-S256",
	NULL,
};
_Static_assert(HF_ARRAY_LEN(ours) - 1 <= HF_IDENTITY_NAMES_CAP, "room for a name of each");

/* Fields with a meaning of their own, besides those that hf_field_class knows. */
static const char *const taken[] = {
	"authorization", "cookie", "accept", "user-agent", "content-type", "content-encoding",
	"date",		 "via",	   "range",  "origin",	   "referer",	   "x-request-id"
};

static struct hf_slice slice(const char *text)
{
	return (struct hf_slice){ text, strlen(text) };
}

static const char *find_ours(struct hf_slice name)
{
	for (size_t i = 0; ours[i] != NULL; i++)
		if (hf_slice_case_is(name, ours[i]))
			return ours[i];
	return NULL;
}

static int unknown(const char *word, struct hf_slice name, struct hf_err *err)
{
	char text[NAME_CAP] = "";
	const char *nearest;

	if (name.len < sizeof(text))
		memcpy(text, name.data, name.len);
	nearest = hf_str_nearest(text, ours);
	(void)hf_err_set(err, HF_E_INVALID, "--identity-name %s: no format has such a field", word);
	return hf_err_hint(err, "%s%s%sit is FIELD=NAME, as X-SSL-Client-DN=Ssl-Client-Subject-Dn",
			   nearest ? "did you mean " : "", nearest ? nearest : "",
			   nearest ? "? " : "");
}

static bool is_taken(struct hf_slice name)
{
	enum hf_field_class class = hf_field_class(name);

	for (size_t i = 0; i < HF_ARRAY_LEN(taken); i++)
		if (hf_field_same(name, slice(taken[i])))
			return true;
	return class != HF_FIELD_END_TO_END && class != HF_FIELD_IDENTITY;
}

static int check_theirs(const struct hf_identity_names *names, const char *word, const char *own,
			struct hf_slice name, struct hf_err *err)
{
	if (name.len == 0 || name.len >= NAME_CAP ||
	    !hf_http_all(name.data, name.len, HF_CHAR_TOKEN))
		return hf_err_set(err, HF_E_INVALID, "--identity-name %s: that is no field name",
				  word);
	if (is_taken(name))
		return hf_err_set(err, HF_E_INVALID,
				  "--identity-name %s: that field means something else", word);
	for (size_t i = 0; ours[i] != NULL; i++)
		if (ours[i] != own && hf_field_same(name, slice(ours[i])))
			return hf_err_set(err, HF_E_INVALID,
					  "--identity-name %s: that is another field of ours",
					  word);
	for (size_t i = 0; i < names->len; i++)
		if (hf_field_same(name, names->theirs[i]) || hf_slice_case_is(names->ours[i], own))
			return hf_err_set(err, HF_E_INVALID, "--identity-name %s: given twice",
					  word);
	return 0;
}

int hf_identity_names_parse(const struct hf_strv *words, struct hf_identity_names *ret_names,
			    struct hf_err *err)
{
	ret_names->len = 0;
	for (size_t i = 0; i < words->len; i++) {
		const char *word = words->items[i], *equals = strchr(word, '=');
		struct hf_slice left = { word, equals ? (size_t)(equals - word) : strlen(word) };
		const char *own = find_ours(left);
		struct hf_slice right = slice(equals ? equals + 1 : "");
		int rc;

		if (own == NULL || equals == NULL)
			return unknown(word, left, err);
		rc = check_theirs(ret_names, word, own, right, err);
		if (rc < 0)
			return rc;
		ret_names->ours[ret_names->len] = slice(own);
		ret_names->theirs[ret_names->len++] = right;
	}
	return 0;
}

static struct hf_slice name_for(const struct hf_identity_names *names, struct hf_slice own)
{
	for (size_t i = 0; i < names->len; i++)
		if (names->ours[i].len == own.len &&
		    memcmp(names->ours[i].data, own.data, own.len) == 0)
			return names->theirs[i];
	return own;
}

void hf_identity_names_apply(const struct hf_identity_names *names, const struct hf_buf *lines,
			     struct hf_buf *out)
{
	const char *at = lines->data, *end = lines->data + lines->len;

	out->failed |= hf_buf_failed(lines); /* rather no request than one without its identity */
	while (at < end) {
		const char *colon = memchr(at, ':', (size_t)(end - at));
		const char *next = memchr(at, '\n', (size_t)(end - at));
		struct hf_slice name;

		if (colon == NULL || next == NULL)
			return;
		name = name_for(names, (struct hf_slice){ at, (size_t)(colon - at) });
		(void)hf_buf_append(out, name.data, name.len);
		(void)hf_buf_append(out, colon, (size_t)(next + 1 - colon));
		at = next + 1;
	}
}
