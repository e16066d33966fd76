/* SPDX-License-Identifier: Apache-2.0 */
/* Trailers.  Must never let one pass that a service or a client may merge into the head: it would
 * come behind every check of the head. */
#include "http/trailers.h"

#include <string.h>

#include "base/macros.h"

/* RFC 9110 6.5.1: framing, routing, request modifiers, authentication, response control and the
 * format of the content.  What is of one connection, or says who the client is, is known to
 * hf_field_class. */
static const char *const never[] = {
	"accept",
	"accept-charset",
	"accept-encoding",
	"accept-language",
	"accept-ranges",
	"age",
	"alt-svc",
	"authentication-info",
	"authorization",
	"cache-control",
	"content-disposition",
	"content-encoding",
	"content-language",
	"content-length",
	"content-location",
	"content-range",
	"content-security-policy",
	"content-type",
	"cookie",
	"cookie2",
	"date",
	"dpop",
	"expires",
	"from",
	"if-match",
	"if-modified-since",
	"if-none-match",
	"if-range",
	"if-unmodified-since",
	"location",
	"max-forwards",
	"origin",
	"pragma",
	"range",
	"referer",
	"retry-after",
	"set-cookie",
	"set-cookie2",
	"strict-transport-security",
	"user-agent",
	"vary",
	"via",
	"warning",
	"www-authenticate",
	"x-http-method",
	"x-http-method-override",
	"x-method-override",
};

static struct hf_slice slice_of(const char *text)
{
	return (struct hf_slice){ text, strlen(text) };
}

bool hf_trailer_may(struct hf_slice name)
{
	if (!hf_http_all(name.data, name.len, HF_CHAR_TOKEN) || name.len == 0 ||
	    hf_field_class(name) != HF_FIELD_END_TO_END)
		return false;
	for (size_t i = 0; i < HF_ARRAY_LEN(never); i++)
		if (hf_field_same(name, slice_of(never[i])))
			return false;
	return true;
}

static bool listed(const struct hf_strv *names, struct hf_slice name)
{
	for (size_t i = 0; i < names->len; i++)
		if (hf_slice_case_is(name, names->items[i]) || hf_str_eq(names->items[i], "any"))
			return true;
	return false;
}

bool hf_trailer_passes(const struct hf_trailer_filter *filter, struct hf_slice name)
{
	if (filter->names == NULL || !listed(filter->names, name) || !hf_trailer_may(name))
		return false;
	for (size_t i = 0; i < filter->never_len; i++)
		if (hf_field_same(name, filter->never[i]))
			return false;
	return true;
}

/* --- in heads --- */

/* The next element of the lists in all fields of that name; `rest` begins as NULL. */
static bool next_element(const struct hf_http_head *head, const char *name, size_t *field,
			 struct hf_slice *rest, struct hf_slice *ret_element)
{
	while (!hf_slice_next(rest, ',', ret_element)) {
		while (*field < head->fields_len &&
		       !hf_slice_case_is(hf_http_text(head, head->fields[*field].name), name))
			*field += 1;
		if (*field == head->fields_len)
			return false;
		*rest = hf_http_text(head, head->fields[(*field)++].value);
	}
	return true;
}

bool hf_trailers_taken(const struct hf_http_head *head)
{
	struct hf_slice rest = { NULL, 0 }, coding;
	size_t field = 0;

	while (next_element(head, "te", &field, &rest, &coding))
		if (hf_slice_case_is(coding, "trailers"))
			return true;
	return false;
}

void hf_trailers_announce(const struct hf_http_head *head, const struct hf_trailer_filter *filter,
			  struct hf_buf *out)
{
	struct hf_slice rest = { NULL, 0 }, name;
	const char *before = "Trailer: ";
	size_t field = 0;

	while (next_element(head, "trailer", &field, &rest, &name)) {
		if (!hf_trailer_passes(filter, name))
			continue;
		hf_buf_puts(out, before);
		hf_buf_append(out, name.data, name.len);
		before = ", ";
	}
	if (before[0] == ',')
		hf_buf_puts(out, "\r\n");
}

/* --- behind bodies --- */

/* One line off the front; false at the empty one, and at what is none. */
static bool next_line(struct hf_slice *lines, struct hf_slice *ret_name, struct hf_slice *ret_value)
{
	const char *end = lines->len > 0 ? memchr(lines->data, '\r', lines->len) : NULL;
	const char *colon;
	size_t len;

	if (end == NULL || end == lines->data)
		return false;
	len = (size_t)(end - lines->data);
	colon = memchr(lines->data, ':', len);
	if (colon == NULL || lines->len < len + 2)
		return false;
	*ret_name = (struct hf_slice){ lines->data, (size_t)(colon - lines->data) };
	*ret_value = hf_slice_trim((struct hf_slice){ colon + 1, len - ret_name->len - 1 });
	*lines = (struct hf_slice){ end + 2, lines->len - len - 2 };
	return true;
}

void hf_trailers_write(struct hf_slice lines, const struct hf_trailer_filter *filter,
		       struct hf_buf *out)
{
	struct hf_slice name, value;

	hf_buf_puts(out, "0\r\n");
	while (next_line(&lines, &name, &value)) {
		if (!hf_trailer_passes(filter, name))
			continue;
		hf_buf_append(out, name.data, name.len);
		hf_buf_puts(out, ": ");
		hf_buf_append(out, value.data, value.len);
		hf_buf_puts(out, "\r\n");
	}
	hf_buf_puts(out, "\r\n");
}
