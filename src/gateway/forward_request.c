/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a request as the service gets it: what the client sent, less what belongs to its
 * connection and what it has no right to say, plus what we vouch for.  Must never be written in two
 * ways that a service could read differently. */
#include <string.h>

#include "base/str.h"
#include "gateway/forwarder.h"

/* --- may it be forwarded at all? --- */

static bool dots(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; n++) {
		if (s[i] == '.')
			i++;
		else if (len - i >= 3 && s[i] == '%' && s[i + 1] == '2' &&
			 hf_ascii_lower(s[i + 2]) == 'e')
			i += 3;
		else
			return false;
	}
	return n == 1 || n == 2;
}

/* "/a/../b" would step out of a prefix at a service that takes dots away; so may a coded slash. */
static bool climbs(struct hf_slice path)
{
	size_t start = 0;

	for (size_t i = 0; i <= path.len; i++) {
		if (i < path.len && path.data[i] != '/' && path.data[i] != '\\')
			continue;
		if (dots(path.data + start, i - start))
			return true;
		start = i + 1;
	}
	for (size_t i = 0; i + 2 < path.len; i++)
		if (path.data[i] == '%' &&
		    ((path.data[i + 1] == '2' && hf_ascii_lower(path.data[i + 2]) == 'f') ||
		     (path.data[i + 1] == '5' && hf_ascii_lower(path.data[i + 2]) == 'c')))
			return true;
	return false;
}

static int refuse(const struct hf_exchange *exchange, const struct hf_http_request *request,
		  const struct hf_connection_options *options, const char **ret_why)
{
	const struct hf_http_head *head = request->head;

	*ret_why = NULL;
	if (options->too_many) {
		*ret_why = "too many Connection options";
		return 400;
	}
	if (exchange->backend->target.prefix[0] != '\0' && climbs(hf_http_text(head, head->path))) {
		*ret_why = "dots or coded slashes in the path";
		return 400;
	}
	/* RFC 9110 9.3.8: nothing behind us needs to show what we add. */
	if (head->method == HF_METHOD_TRACE) {
		*ret_why = "TRACE would show what only the service may see";
		return 405;
	}
	return 0;
}

/* --- upgrade --- */

/* Only what stays a byte stream for us: an upgrade to h2c would carry requests past every rule. */
static bool wants_upgrade(const struct hf_http_head *head,
			  const struct hf_connection_options *options)
{
	struct hf_slice protocol;

	return options->upgrade && head->minor > 0 && head->method == HF_METHOD_GET &&
	       !head->chunked && head->content_length <= 0 &&
	       hf_http_field(head, "upgrade", &protocol) && hf_slice_case_is(protocol, "websocket");
}

/* --- writing --- */

static void put(struct hf_buf *out, struct hf_slice text)
{
	hf_buf_append(out, text.data, text.len);
}

static void put_line(struct hf_buf *out, const struct hf_http_head *head,
		     const struct hf_target *target)
{
	struct hf_slice path = hf_http_text(head, head->path);
	bool star = hf_slice_is(path, "*");

	put(out, hf_http_text(head, head->method_text));
	hf_buf_putc(out, ' ');
	if (!star)
		hf_buf_puts(out, target->prefix);
	if (path.len == 0)
		hf_buf_putc(out, '/');
	put(out, path);
	if (head->query.len > 0 || memchr(head->data + head->target.at, '?', head->target.len)) {
		hf_buf_putc(out, '?');
		put(out, hf_http_text(head, head->query));
	}
	hf_buf_puts(out, " HTTP/1.1\r\nHost: ");
	if (head->host.len > 0)
		put(out, hf_http_text(head, head->host));
	else
		hf_buf_puts(out, target->authority);
	hf_buf_puts(out, "\r\n");
}

/* Which trailers come and which are wanted, of those that may pass. */
static void put_trailers(struct hf_exchange *exchange, const struct hf_http_head *head)
{
	const struct hf_trailer_filter filter = hf_forward_trailers(exchange);

	if (filter.names == NULL)
		return;
	exchange->trailers_taken = head->minor > 0 && hf_trailers_taken(head);
	if (exchange->trailers_taken && !exchange->upgrade)
		hf_buf_puts(&exchange->head, "TE: trailers\r\nConnection: TE\r\n");
	if (!head->chunked)
		return;
	hf_trailers_announce(head, &filter, &exchange->head);
	hf_http_stream_keep_trailers(exchange->session);
}

/* Framing is ours, from what was understood, never from what was written. */
static void put_framing(struct hf_exchange *exchange, const struct hf_http_head *head)
{
	struct hf_buf *out = &exchange->head;

	exchange->chunked_in = head->chunked;
	put_trailers(exchange, head);
	if (head->chunked)
		hf_buf_puts(out, "Transfer-Encoding: chunked\r\n");
	else if (head->content_length != HF_HTTP_LENGTH_NONE)
		hf_field_write_int(out, "Content-Length", head->content_length);
	if (head->expect_continue)
		hf_buf_puts(out, "Expect: 100-continue\r\n");
	if (exchange->upgrade)
		hf_buf_puts(out, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
}

/* "192.0.2.1", "\"[2001:db8::1]\"", "unknown": RFC 7239 6. */
static void put_node(struct hf_buf *out, const char *host)
{
	if (strcmp(host, "unix") == 0)
		hf_buf_puts(out, "unknown");
	else if (strchr(host, ':') != NULL)
		hf_buf_printf(out, "\"[%s]\"", host);
	else
		hf_buf_puts(out, host);
}

static void put_forwarded(struct hf_exchange *exchange, const struct hf_http_request *request)
{
	unsigned forms = exchange->forwarder->config->upstream.forwarded;
	const struct hf_http_head *head = request->head;
	struct hf_slice named = hf_http_text(head, head->host);
	struct hf_buf *out = &exchange->head;
	char host[HF_ADDRESS_TEXT_CAP];

	hf_address_format_host(hf_conn_peer(request->conn), host);
	if ((forms & HF_FORWARDED_X) != 0) {
		hf_field_write_text(out, "X-Forwarded-For", host);
		hf_buf_puts(out, "X-Forwarded-Proto: https\r\n");
		if (named.len > 0)
			hf_field_write(out, "X-Forwarded-Host", named);
	}
	if ((forms & HF_FORWARDED_RFC7239) == 0)
		return;
	hf_buf_puts(out, "Forwarded: for=");
	put_node(out, host);
	if (named.len > 0)
		hf_buf_printf(out, ";host=\"%.*s\"", (int)named.len, named.data);
	hf_buf_puts(out, ";proto=https\r\n");
}

int hf_forward_head(struct hf_exchange *exchange, const struct hf_http_request *request,
		    const struct hf_forward_under *under, const char **ret_why)
{
	const struct hf_http_head *head = request->head;
	const char *via = exchange->forwarder->config->upstream.via;
	struct hf_buf *out = &exchange->head;
	const struct hf_identity_names *names =
	    &exchange->forwarder->config->upstream.identity_names;
	struct hf_connection_options options;
	int status;

	hf_connection_options(head, &options);
	status = refuse(exchange, request, &options, ret_why);
	if (status != 0)
		return status;
	exchange->upgrade = wants_upgrade(head, &options);
	put_line(out, head, &exchange->backend->target);
	hf_fields_write_request(head, &options, names->theirs, names->len, out);
	put_framing(exchange, head);
	put_forwarded(exchange, request);
	hf_identity_fields_write(exchange->forwarder->identity, hf_conn_verdict(request->conn),
				 under->policy->parts->credential->chain.items[0],
				 under->generation->number, out);
	if (via != NULL)
		hf_buf_printf(out, "Via: 1.%d %s\r\n", head->minor, via);
	hf_buf_puts(out, "\r\n");
	if (!hf_buf_failed(out))
		return 0;
	*ret_why = "the head is too large";
	return 431;
}
