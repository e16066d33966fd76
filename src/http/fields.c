/* SPDX-License-Identifier: Apache-2.0 */
/* The filter of header fields.  Must never let a client's word about its own identity pass, in
 * whatever spelling: the service behind believes these fields because we wrote them. */
#include "http/fields.h"

#include <string.h>

#include "base/macros.h"
#include "base/str.h"

/* Folded: lower case, '-' for everything that is no letter or digit.  A '*' at the end stands for
 * any rest.  Sorted by first letter for people only. */
static const struct {
	const char *name;
	enum hf_field_class class;
} rows[] = {
	{ "client-cert*", HF_FIELD_IDENTITY }, /* RFC 9440, and Client-Cert-Chain */
	{ "cf-client-cert*", HF_FIELD_IDENTITY },
	{ "cf-connecting-ip*", HF_FIELD_FORWARD },
	{ "connection", HF_FIELD_HOP },
	{ "content-length", HF_FIELD_FRAMING },
	{ "expect", HF_FIELD_FRAMING },
	{ "fastly-client-ip", HF_FIELD_FORWARD },
	{ "forwarded", HF_FIELD_FORWARD }, /* RFC 7239 */
	{ "host", HF_FIELD_FRAMING },
	{ "http2-settings", HF_FIELD_HOP },
	{ "keep-alive", HF_FIELD_HOP },
	{ "l5d-client-id", HF_FIELD_IDENTITY },
	{ "proxy-authenticate", HF_FIELD_HOP },
	{ "proxy-authorization", HF_FIELD_HOP },
	{ "proxy-connection", HF_FIELD_HOP },
	{ "proxy", HF_FIELD_HOP }, /* httpoxy: a CGI would take it for HTTP_PROXY */
	{ "remote-user", HF_FIELD_IDENTITY },
	{ "remote-addr", HF_FIELD_FORWARD },
	{ "ssl-client*", HF_FIELD_IDENTITY },
	{ "ssl-cipher*", HF_FIELD_IDENTITY },
	{ "ssl-protocol*", HF_FIELD_IDENTITY },
	{ "ssl-server*", HF_FIELD_IDENTITY },
	{ "ssl-session*", HF_FIELD_IDENTITY },
	{ "te", HF_FIELD_HOP },
	{ "tls-client*", HF_FIELD_IDENTITY },
	{ "trailer", HF_FIELD_HOP },
	{ "transfer-encoding", HF_FIELD_HOP },
	{ "true-client-ip", HF_FIELD_FORWARD },
	{ "upgrade", HF_FIELD_HOP },
	{ "x-amzn-mtls-*", HF_FIELD_IDENTITY },
	{ "x-arr-clientcert", HF_FIELD_IDENTITY },
	/* Not all of X-Client-*: applications have theirs (X-Client-Version, X-Client-Data). */
	{ "x-client-cert*", HF_FIELD_IDENTITY },
	{ "x-client-cn*", HF_FIELD_IDENTITY },
	{ "x-client-dn*", HF_FIELD_IDENTITY },
	{ "x-client-fingerprint*", HF_FIELD_IDENTITY },
	{ "x-client-i-dn*", HF_FIELD_IDENTITY },
	{ "x-client-identity*", HF_FIELD_IDENTITY },
	{ "x-client-ip*", HF_FIELD_FORWARD },
	{ "x-client-issuer*", HF_FIELD_IDENTITY },
	{ "x-client-s-dn*", HF_FIELD_IDENTITY },
	{ "x-client-san*", HF_FIELD_IDENTITY },
	{ "x-client-serial*", HF_FIELD_IDENTITY },
	{ "x-client-spiffe*", HF_FIELD_IDENTITY },
	{ "x-client-ssl*", HF_FIELD_IDENTITY },
	{ "x-client-subject*", HF_FIELD_IDENTITY },
	{ "x-client-tls*", HF_FIELD_IDENTITY },
	{ "x-client-verif*", HF_FIELD_IDENTITY },
	{ "x-client-x5t*", HF_FIELD_IDENTITY },
	{ "x-cluster-client-ip", HF_FIELD_FORWARD },
	{ "x-forwarded", HF_FIELD_FORWARD },
	{ "x-forwarded-client-cert*", HF_FIELD_IDENTITY },
	{ "x-forwarded-tls-*", HF_FIELD_IDENTITY },
	{ "x-forwarded-*", HF_FIELD_FORWARD },
	{ "x-mtls-*", HF_FIELD_IDENTITY },
	{ "x-original-url", HF_FIELD_FORWARD },
	{ "x-real-ip", HF_FIELD_FORWARD },
	{ "x-remote-user", HF_FIELD_IDENTITY },
	{ "x-rewrite-url", HF_FIELD_FORWARD },
	{ "x-spiffe-*", HF_FIELD_IDENTITY },
	{ "x-ssl-*", HF_FIELD_IDENTITY },
	{ "x-tls-*", HF_FIELD_IDENTITY },
	{ "xfcc", HF_FIELD_IDENTITY },
};

static char fold(char c)
{
	c = hf_ascii_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
}

static bool row_is(const char *row, struct hf_slice name)
{
	size_t i = 0;

	for (; row[i] != '\0' && row[i] != '*'; i++)
		if (i >= name.len || fold(name.data[i]) != row[i])
			return false;
	return row[i] == '*' || i == name.len;
}

static struct hf_slice without_front(struct hf_slice name)
{
	/* A separator in front changes nothing for a reader that drops it. */
	while (name.len > 0 && fold(name.data[0]) == '-') {
		name.data++;
		name.len--;
	}
	return name;
}

enum hf_field_class hf_field_class(struct hf_slice name)
{
	char first;

	name = without_front(name);
	if (name.len == 0)
		return HF_FIELD_END_TO_END;
	first = fold(name.data[0]);
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++)
		if (rows[i].name[0] == first && row_is(rows[i].name, name))
			return rows[i].class;
	return HF_FIELD_END_TO_END;
}

bool hf_field_same(struct hf_slice a, struct hf_slice b)
{
	a = without_front(a);
	b = without_front(b);
	for (size_t i = 0; i < a.len && i < b.len; i++)
		if (fold(a.data[i]) != fold(b.data[i]))
			return false;
	return a.len == b.len;
}

static void add_options(struct hf_slice value, struct hf_connection_options *ret)
{
	struct hf_slice rest = value, part;

	while (hf_slice_next(&rest, ',', &part)) {
		if (hf_slice_case_is(part, "upgrade"))
			ret->upgrade = true;
		if (part.len == 0 || hf_slice_case_is(part, "close") ||
		    hf_slice_case_is(part, "keep-alive") || hf_slice_case_is(part, "upgrade"))
			continue;
		if (ret->len == HF_CONNECTION_OPTIONS_CAP) {
			ret->too_many = true;
			return;
		}
		ret->names[ret->len++] = part;
	}
}

void hf_connection_options(const struct hf_http_head *head, struct hf_connection_options *ret)
{
	ret->len = 0;
	ret->too_many = ret->upgrade = false;
	for (size_t i = 0; i < head->fields_len; i++)
		if (hf_slice_case_is(hf_http_text(head, head->fields[i].name), "connection"))
			add_options(hf_http_text(head, head->fields[i].value), ret);
}

static bool named(const struct hf_connection_options *options, struct hf_slice name)
{
	for (size_t i = 0; i < options->len; i++)
		if (options->names[i].len == name.len &&
		    hf_mem_case_eq(options->names[i].data, name.data, name.len))
			return true;
	return false;
}

static void write_field(struct hf_buf *out, struct hf_slice name, struct hf_slice value)
{
	/* One piece of memory most of the time: "Name: value\r\n" as it came. */
	hf_buf_append(out, name.data, name.len);
	hf_buf_append(out, ": ", 2);
	hf_buf_append(out, value.data, value.len);
	hf_buf_append(out, "\r\n", 2);
}

void hf_field_write(struct hf_buf *out, const char *name, struct hf_slice value)
{
	write_field(out, (struct hf_slice){ name, strlen(name) }, value);
}

void hf_field_write_text(struct hf_buf *out, const char *name, const char *value)
{
	hf_field_write(out, name, (struct hf_slice){ value, strlen(value) });
}

void hf_field_write_int(struct hf_buf *out, const char *name, int64_t value)
{
	hf_buf_puts(out, name);
	hf_buf_append(out, ": ", 2);
	hf_buf_put_int(out, value);
	hf_buf_append(out, "\r\n", 2);
}

static bool among(struct hf_slice name, const struct hf_slice *names, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (hf_field_same(name, names[i]))
			return true;
	return false;
}

void hf_fields_write_request(const struct hf_http_head *head,
			     const struct hf_connection_options *options,
			     const struct hf_slice *more, size_t more_len, struct hf_buf *out)
{
	for (size_t i = 0; i < head->fields_len; i++) {
		struct hf_slice name = hf_http_text(head, head->fields[i].name);

		if (hf_field_class(name) != HF_FIELD_END_TO_END || named(options, name) ||
		    among(name, more, more_len))
			continue;
		write_field(out, name, hf_http_text(head, head->fields[i].value));
	}
}

/* In answers spelling decides nothing, and only these belong to one connection. */
static bool answer_field_stays(struct hf_slice name)
{
	static const char *const stay[] = { "connection",
					    "keep-alive",
					    "proxy-connection",
					    "transfer-encoding",
					    "trailer",
					    "te",
					    "proxy-authenticate",
					    "proxy-authorization",
					    "upgrade",
					    "content-length" };

	for (size_t i = 0; i < HF_ARRAY_LEN(stay); i++)
		if (hf_slice_case_is(name, stay[i]))
			return true;
	return false;
}

void hf_fields_write_answer(const struct hf_http_head *head,
			    const struct hf_connection_options *options, struct hf_buf *out,
			    bool *ret_has_date)
{
	*ret_has_date = false;
	for (size_t i = 0; i < head->fields_len; i++) {
		struct hf_slice name = hf_http_text(head, head->fields[i].name);

		if (answer_field_stays(name) || named(options, name))
			continue;
		*ret_has_date |= hf_slice_case_is(name, "date");
		write_field(out, name, hf_http_text(head, head->fields[i].value));
	}
}
