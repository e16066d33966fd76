/* SPDX-License-Identifier: Apache-2.0 */
/* Routes.  Must never choose by a spelling that the service behind would read as another path: an
 * open route would then lead to what a closed one protects. */
#include "gateway/route.h"

#include <stdlib.h>
#include <string.h>

void hf_routes_done(struct hf_routes *routes)
{
	for (size_t i = 0; i < routes->len; i++) {
		struct hf_route *route = &routes->items[i];

		free(route->name);
		free(route->host);
		free(route->path);
		hf_strv_done(&route->methods);
		hf_strv_done(&route->to);
		hf_strv_done(&route->trailers);
		hf_strv_done(&route->health_args);
		hf_rules_unref(route->rules);
	}
	free(routes->items);
	*routes = (struct hf_routes){ NULL, 0 };
}

/* --- the path --- */

static unsigned hex(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

/* One byte, decoded; *at moves on. */
static unsigned char next_byte(struct hf_slice path, size_t *at)
{
	const char *s = path.data + *at;

	if (s[0] != '%' || path.len - *at < 3) {
		*at += 1;
		return (unsigned char)s[0];
	}
	*at += 3;
	return (unsigned char)(hex(s[1]) << 4 | hex(s[2]));
}

/* One part, without parameters; false when it cannot be trusted. */
static bool put_part(struct hf_slice part, char *out, size_t *len)
{
	size_t start = *len, at = 0;

	while (at < part.len) {
		bool coded = part.data[at] == '%';
		unsigned char c = next_byte(part, &at);

		if (c == ';')
			break;
		if (c < 0x20 || c == 0x7f || c == '\\' || (coded && c == '/'))
			return false;
		out[(*len)++] = (char)c;
	}
	part = (struct hf_slice){ out + start, *len - start };
	return !hf_slice_is(part, ".") && !hf_slice_is(part, "..");
}

bool hf_route_path(struct hf_slice path, char out[HF_ROUTE_PATH_CAP])
{
	size_t len = 0, at = 0;

	if (path.len >= HF_ROUTE_PATH_CAP || (path.len > 0 && path.data[0] != '/'))
		return false;
	while (at < path.len) {
		const char *slash = memchr(path.data + at, '/', path.len - at);
		size_t end = slash ? (size_t)(slash - path.data) : path.len;

		if (!put_part((struct hf_slice){ path.data + at, end - at }, out, &len))
			return false;
		at = end + 1;
		if (slash != NULL && (len == 0 || out[len - 1] != '/'))
			out[len++] = '/';
	}
	if (len == 0)
		out[len++] = '/';
	out[len] = '\0';
	return true;
}

/* --- matching --- */

static bool host_is(const char *want, struct hf_slice host)
{
	const char *dot;

	if (want == NULL)
		return true;
	if (want[0] != '*')
		return hf_slice_case_is(host, want);
	dot = host.len > 0 ? memchr(host.data, '.', host.len) : NULL;
	return dot != NULL && dot > host.data &&
	       hf_slice_case_is((struct hf_slice){ dot, host.len - (size_t)(dot - host.data) },
				want + 1);
}

static bool path_is(const char *want, const char *path)
{
	size_t len;

	if (want == NULL)
		return true;
	len = strlen(want);
	/* Most services take "/a/" for "/a": else a slash would lead around the route. */
	if (len < 2 || strcmp(want + len - 2, "/*") != 0)
		return strncmp(want, path, len) == 0 &&
		       (path[len] == '\0' || strcmp(path + len, "/") == 0);
	len -= 2;
	return strncmp(path, want, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static bool method_is(const struct hf_strv *want, const struct hf_route_request *request)
{
	if (want->len == 0)
		return true;
	for (size_t i = 0; i < want->len; i++)
		if (hf_slice_is(request->method_text, want->items[i]) ||
		    (request->method == HF_METHOD_HEAD && hf_str_eq(want->items[i], "GET")))
			return true;
	return false;
}

bool hf_route_matches(const struct hf_route *route, const struct hf_route_request *request)
{
	return host_is(route->host, request->host) && path_is(route->path, request->path) &&
	       method_is(&route->methods, request);
}

static bool lists_same(const struct hf_strv *a, const struct hf_strv *b)
{
	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return true;
}

bool hf_routes_same_ways(const struct hf_routes *a, const struct hf_routes *b)
{
	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++) {
		const struct hf_route *one = &a->items[i], *other = &b->items[i];

		if (!hf_str_eq(one->name, other->name) || !hf_str_eq(one->host, other->host) ||
		    !hf_str_eq(one->path, other->path) || one->least_busy != other->least_busy ||
		    one->own_tokens != other->own_tokens ||
		    one->bound_tokens != other->bound_tokens ||
		    one->own_trailers != other->own_trailers ||
		    !lists_same(&one->trailers, &other->trailers) ||
		    !lists_same(&one->methods, &other->methods) ||
		    !lists_same(&one->to, &other->to))
			return false;
	}
	return true;
}

/* --- who may --- */

bool hf_route_allows(const struct hf_rules *rules, const struct hf_trust *trust,
		     const struct hf_verdict *verdict, struct hf_verdict *ret_denied)
{
	if (rules != NULL)
		return hf_rules_admit(rules, trust, verdict, ret_denied);
	hf_verdict_init(ret_denied);
	return true;
}
