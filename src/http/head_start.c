/* SPDX-License-Identifier: Apache-2.0 */
/* The first line of a message: method, target and version, or version and status (RFC 9112 3, 4).
 * Must never guess at white space or version: one SP between the parts, nothing else. */
#include "http/head.h"

#include <string.h>

#include "base/macros.h"

static const char *const method_names[] = {
	[HF_METHOD_OTHER] = "OTHER",	 [HF_METHOD_GET] = "GET",     [HF_METHOD_HEAD] = "HEAD",
	[HF_METHOD_POST] = "POST",	 [HF_METHOD_PUT] = "PUT",     [HF_METHOD_DELETE] = "DELETE",
	[HF_METHOD_OPTIONS] = "OPTIONS", [HF_METHOD_PATCH] = "PATCH", [HF_METHOD_TRACE] = "TRACE",
	[HF_METHOD_CONNECT] = "CONNECT",
};

const char *hf_http_method_name(enum hf_http_method method)
{
	return method_names[method];
}

static enum hf_http_method method_of(struct hf_slice text)
{
	for (size_t i = 1; i < HF_ARRAY_LEN(method_names); i++)
		if (hf_slice_is(text, method_names[i]))
			return (enum hf_http_method)i;
	return HF_METHOD_OTHER;
}

static struct hf_http_span span_of(const struct hf_http_head *head, struct hf_slice s)
{
	return (struct hf_http_span){ (uint32_t)(s.data - head->data), (uint32_t)s.len };
}

/* "HTTP/1.1": case counts, one digit each (RFC 9112 2.3). */
static enum hf_http_parse version(struct hf_http_head *head, struct hf_slice text)
{
	if (text.len != 8 || !hf_slice_starts(text, "HTTP/") || text.data[6] != '.' ||
	    !hf_http_is(text.data[5], HF_CHAR_DIGIT) || !hf_http_is(text.data[7], HF_CHAR_DIGIT))
		return hf_http_refuse(head, 400, "no HTTP version where one is due");
	if (text.data[5] != '1')
		return hf_http_refuse(head, 505, "an HTTP version other than 1.0 and 1.1");
	head->minor = text.data[7] == '0' ? 0 : 1;
	return HF_HTTP_MORE;
}

static bool host_name_ok(struct hf_slice name)
{
	/* IPvFuture is left out: nobody has ever used it. */
	if (name.len > 0 && name.data[0] == '[') {
		for (size_t i = 1; i + 1 < name.len; i++)
			if (!hf_http_is(name.data[i], HF_CHAR_HEX) && name.data[i] != ':' &&
			    name.data[i] != '.')
				return false;
		return name.len > 3 && name.data[name.len - 1] == ']';
	}
	return hf_http_all(name.data, name.len, HF_CHAR_HOST) &&
	       hf_http_percent_ok(name.data, name.len);
}

static bool port_ok(struct hf_slice port)
{
	unsigned value = 0;

	if (port.len > 5 || !hf_http_all(port.data, port.len, HF_CHAR_DIGIT))
		return false;
	for (size_t i = 0; i < port.len; i++)
		value = value * 10 + (unsigned)(port.data[i] - '0');
	return value <= 65535;
}

bool hf_http_host_ok(struct hf_slice host)
{
	size_t name_len = host.len;

	for (size_t i = host.len; i > 0 && host.data[i - 1] != ']'; i--) {
		if (host.data[i - 1] != ':')
			continue;
		name_len = i - 1;
		if (!port_ok((struct hf_slice){ host.data + i, host.len - i }))
			return false;
		break;
	}
	/* A port needs a host in front of it. */
	if (name_len == 0)
		return host.len == 0;
	return host_name_ok((struct hf_slice){ host.data, name_len });
}

/* "/path?query" */
static void split_path(struct hf_http_head *head, struct hf_slice text)
{
	const char *mark = memchr(text.data, '?', text.len);

	if (mark != NULL) {
		size_t path_len = (size_t)(mark - text.data);

		head->query = span_of(head, (struct hf_slice){ mark + 1, text.len - path_len - 1 });
		text.len = path_len;
	}
	head->path = span_of(head, text);
}

/* "https://host:port/path": RFC 9112 3.2.2; the authority takes the place of Host. */
static enum hf_http_parse absolute_form(struct hf_http_head *head, struct hf_slice text)
{
	size_t scheme = hf_slice_starts(text, "https://")  ? 8
			: hf_slice_starts(text, "http://") ? 7
							   : 0;
	struct hf_slice host = { text.data + scheme, 0 };

	if (scheme == 0)
		return hf_http_refuse(head, 400, "a request target of no known form");
	while (scheme + host.len < text.len && host.data[host.len] != '/' &&
	       host.data[host.len] != '?')
		host.len++;
	if (host.len == 0 || !hf_http_host_ok(host))
		return hf_http_refuse(head, 400, "a request target without a valid host");
	head->target_absolute = true;
	head->host = span_of(head, host);
	split_path(head, (struct hf_slice){ host.data + host.len, text.len - scheme - host.len });
	return HF_HTTP_MORE;
}

static enum hf_http_parse target(struct hf_http_head *head, struct hf_slice text)
{
	head->target = span_of(head, text);
	if (text.len > head->limits.target_cap)
		return hf_http_refuse(head, 414, "the request target is too long");
	if (text.len == 0 || !hf_http_all(text.data, text.len, HF_CHAR_TARGET) ||
	    !hf_http_percent_ok(text.data, text.len))
		return hf_http_refuse(head, 400,
				      "bytes in the request target that do not belong there");
	if (head->method == HF_METHOD_CONNECT) {
		if (!hf_http_host_ok(text))
			return hf_http_refuse(head, 400, "CONNECT without host and port");
		head->path = head->target;
		return HF_HTTP_MORE;
	}
	if (text.data[0] == '/') {
		split_path(head, text);
		return HF_HTTP_MORE;
	}
	if (head->method == HF_METHOD_OPTIONS && hf_slice_is(text, "*")) {
		head->path = head->target;
		return HF_HTTP_MORE;
	}
	return absolute_form(head, text);
}

enum hf_http_parse hf_http_request_line(struct hf_http_head *head, size_t at, size_t len)
{
	const char *line = head->data + at;
	const char *sp1 = memchr(line, ' ', len);
	const char *sp2;
	struct hf_slice method;
	enum hf_http_parse rc;

	method = (struct hf_slice){ line, sp1 != NULL ? (size_t)(sp1 - line) : len };
	if (method.len == 0 || !hf_http_all(method.data, method.len, HF_CHAR_TOKEN))
		return hf_http_refuse(head, 400, "a method that is no token");
	if (method.len > HF_HTTP_METHOD_CAP)
		return hf_http_refuse(head, 501, "a method longer than any there is");
	if (sp1 == NULL)
		return hf_http_refuse(head, 400, "a request line without target and version");
	head->method_text = span_of(head, method);
	head->method = method_of(method);
	sp2 = memchr(sp1 + 1, ' ', len - method.len - 1);
	/* Without a version it would be HTTP/0.9, which nobody speaks over TLS. */
	if (sp2 == NULL)
		return hf_http_refuse(head, 400, "a request line without a version (HTTP/0.9)");
	rc = version(head, (struct hf_slice){ sp2 + 1, (size_t)(line + len - sp2 - 1) });
	if (rc != HF_HTTP_MORE)
		return rc;
	return target(head, (struct hf_slice){ sp1 + 1, (size_t)(sp2 - sp1 - 1) });
}

enum hf_http_parse hf_http_status_line(struct hf_http_head *head, size_t at, size_t len)
{
	const char *line = head->data + at;
	enum hf_http_parse rc = version(head, (struct hf_slice){ line, HF_MIN(len, (size_t)8) });

	if (rc != HF_HTTP_MORE)
		return rc;
	if (len < 12 || line[8] != ' ' || !hf_http_all(line + 9, 3, HF_CHAR_DIGIT) ||
	    line[9] == '0')
		return hf_http_refuse(head, 400, "no status code where one is due");
	/* The space before an empty reason is often left out. */
	if (len > 12 && line[12] != ' ')
		return hf_http_refuse(head, 400, "a status code of more than three digits");
	if (!hf_http_all(line + 12, len - 12, HF_CHAR_VALUE))
		return hf_http_refuse(head, 400, "a control byte in the status line");
	head->status_code = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
	if (len > 13)
		head->reason = span_of(head, (struct hf_slice){ line + 13, len - 13 });
	return HF_HTTP_MORE;
}
