/* SPDX-License-Identifier: Apache-2.0 */
/* URLs: taken apart strictly.  Must never let a byte into a request that could end its line. */
#include "http/url.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "http/chars.h"
#include "http/head.h"
#include "util/idn.h"

enum { AUTHORITY_CAP = HF_HOST_CAP + 16 };

static int scheme_skip(const char **text, struct hf_err *err)
{
	const char *after = strstr(*text, "://");
	size_t len = after ? (size_t)(after - *text) : 0;

	if (!after)
		return 0;
	if (len == 5 && hf_mem_case_eq(*text, "https", 5)) {
		*text = after + 3;
		return 0;
	}
	if (len == 4 && hf_mem_case_eq(*text, "http", 4)) {
		hf_err_set(err, HF_MISTAKE_URL, "'%s' is plain HTTP, which has no certificates",
			   *text);
		return hf_err_hint(err, "write https://%s", after + 3);
	}
	return hf_err_set(err, HF_MISTAKE_URL, "only https URLs can be fetched, not '%s'", *text);
}

/* A name in other letters becomes the one that DNS and certificates have; what cannot stays, and is
 * refused as no host name. */
static void put_alabels(char authority[AUTHORITY_CAP])
{
	char letters[AUTHORITY_CAP], host[HF_HOST_CAP], whole[AUTHORITY_CAP + HF_HOST_CAP];
	size_t host_len = strcspn(authority, ":[");

	(void)snprintf(letters, sizeof(letters), "%.*s", (int)host_len, authority);
	if (!hf_idn_encode(letters, host, sizeof(host)))
		return;
	(void)snprintf(whole, sizeof(whole), "%s%s", host, authority + host_len);
	if (strlen(whole) < AUTHORITY_CAP)
		(void)hf_str_copy(authority, AUTHORITY_CAP, whole);
}

static int authority_parse(const char *text, size_t len, struct hf_url *url, struct hf_err *err)
{
	int default_port = url->plain ? HF_URL_PORT_PLAIN : HF_URL_PORT;
	char authority[AUTHORITY_CAP];
	uint8_t raw[16];
	int rc;

	if (len == 0 || len >= sizeof(authority))
		return hf_err_set(err, HF_MISTAKE_URL,
				  "the URL has no host, or one that is too long");
	memcpy(authority, text, len);
	authority[len] = '\0';
	if (strchr(authority, '@'))
		return hf_err_set(
		    err, HF_MISTAKE_URL,
		    "user names in URLs are not supported: certificates say who you are");
	put_alabels(authority);
	if (!hf_http_host_ok((struct hf_slice){ authority, strlen(authority) }))
		return hf_err_set(err, HF_MISTAKE_URL, "'%s' is not a host name or address",
				  authority);
	rc = hf_hostport_parse(authority, default_port, url->host, &url->port, err);
	if (rc < 0)
		return rc;
	if (!url->host[0] || url->port == 0)
		return hf_err_set(err, HF_MISTAKE_URL, "the URL has no host, or port 0");
	url->host_is_ip =
	    inet_pton(AF_INET, url->host, raw) == 1 || inet_pton(AF_INET6, url->host, raw) == 1;
	rc = snprintf(url->authority, sizeof(url->authority),
		      strchr(url->host, ':') ? "[%s]" : "%s", url->host);
	if (url->port != default_port)
		snprintf(url->authority + rc, sizeof(url->authority) - (size_t)rc, ":%d",
			 url->port);
	return 0;
}

static int target_parse(const char *text, struct hf_url *url, struct hf_err *err)
{
	size_t len = strcspn(text, "#");
	int n = snprintf(url->target, sizeof(url->target), "%s%.*s", text[0] == '/' ? "" : "/",
			 (int)HF_MIN(len, (size_t)HF_URL_TARGET_CAP), text);

	if (n < 0 || (size_t)n >= sizeof(url->target))
		return hf_err_set(err, HF_MISTAKE_URL, "the URL is longer than %d bytes",
				  HF_URL_TARGET_CAP);
	if (hf_http_all(url->target, (size_t)n, HF_CHAR_TARGET) &&
	    hf_http_percent_ok(url->target, (size_t)n))
		return 0;
	hf_err_set(err, HF_MISTAKE_URL,
		   "the path of the URL holds a byte that may not stand there");
	return hf_err_hint(err, "write it as %%XX, a space as %%20");
}

/* What stands behind the scheme. */
static int rest_parse(const char *text, bool plain, struct hf_url *ret_url, struct hf_err *err)
{
	size_t len = strcspn(text, "/?#");
	int rc;

	ret_url->plain = plain;
	rc = authority_parse(text, len, ret_url, err);
	return rc < 0 ? rc : target_parse(text + len, ret_url, err);
}

int hf_url_parse(const char *text, struct hf_url *ret_url, struct hf_err *err)
{
	int rc = scheme_skip(&text, err);

	return rc < 0 ? rc : rest_parse(text, false, ret_url, err);
}

static bool has_scheme(const char *text, const char *scheme)
{
	size_t len = strlen(scheme);

	return strlen(text) > len && hf_mem_case_eq(text, scheme, len);
}

bool hf_url_looks_like(const char *text)
{
	return has_scheme(text, "http://") || has_scheme(text, "https://");
}

bool hf_url_is_among(const struct hf_strv *texts)
{
	bool found = false;

	for (size_t i = 0; texts && i < texts->len; i++)
		found |= hf_url_looks_like(texts->items[i]);
	return found;
}

int hf_url_parse_any(const char *text, struct hf_url *ret_url, struct hf_err *err)
{
	if (!hf_url_looks_like(text))
		return hf_err_set(err, HF_MISTAKE_URL, "'%s' is no http:// or https:// URL", text);
	if (has_scheme(text, "http://"))
		return rest_parse(text + strlen("http://"), true, ret_url, err);
	return hf_url_parse(text, ret_url, err);
}
