/* SPDX-License-Identifier: Apache-2.0 */
/* Reading --to.  Must never send what TLS has protected over a network in the clear, unless told
 * so by name. */
#include "gateway/target.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "http/chars.h"

static const struct {
	const char *scheme;
	enum hf_target_kind kind;
	bool is_unix;
} schemes[] = {
	{ "http://", HF_TARGET_HTTP, false },
	{ "http+unix:", HF_TARGET_HTTP, true },
	{ "tcp://", HF_TARGET_STREAM, false },
	{ "unix:", HF_TARGET_STREAM, true },
};

static int unknown(const char *text, struct hf_err *err)
{
	(void)hf_err_set(err, HF_MISTAKE_TARGET, "--to does not know '%s'", text);
	(void)hf_err_at(err, text, 0, HF_MAX(strcspn(text, ":"), 1));
	if (hf_str_starts(text, "https:") || hf_str_starts(text, "tls:"))
		return hf_err_hint(err, "the service behind is spoken to in the clear, on this "
					"machine; TLS to another one is what 'handfast tunnel' is "
					"for");
	return hf_err_hint(err, "it knows http://ADDR:PORT[/path], http+unix:PATH, tcp://ADDR:PORT "
				"and unix:PATH");
}

static int read_prefix(const char *path, struct hf_target *target, struct hf_err *err)
{
	size_t len = strlen(path);

	if (strpbrk(path, "?#") != NULL || !hf_http_all(path, len, HF_CHAR_TARGET) ||
	    !hf_http_percent_ok(path, len) || len >= sizeof(target->prefix))
		return hf_err_set(err, HF_MISTAKE_TARGET, "--to: '%s' is no path", path);
	while (len > 0 && path[len - 1] == '/')
		len--;
	memcpy(target->prefix, path, len);
	target->prefix[len] = '\0';
	return 0;
}

static int all_near(const struct hf_target *target, struct hf_err *err)
{
	char where[HF_ADDRESS_TEXT_CAP];

	for (size_t i = 0; i < target->addresses_len; i++) {
		if (hf_address_is_loopback(&target->addresses[i]))
			continue;
		hf_address_format(&target->addresses[i], where);
		(void)hf_err_set(err, HF_MISTAKE_TARGET,
				 "--to %s: %s is another machine, and the way there is in the "
				 "clear",
				 target->text, where);
		return hf_err_hint(err, "--unsafe-to allows it; a tunnel (handfast tunnel) "
					"protects it");
	}
	return 0;
}

static int read_network(const char *rest, bool anywhere, struct hf_target *target,
			struct hf_err *err)
{
	const char *slash = strchr(rest, '/');
	size_t len = slash ? (size_t)(slash - rest) : strlen(rest);
	char host[HF_HOST_CAP];
	int port = 0, rc;

	if (len >= sizeof(target->authority))
		return hf_err_set(err, HF_MISTAKE_TARGET, "--to %s: the address is too long",
				  target->text);
	memcpy(target->authority, rest, len);
	target->authority[len] = '\0';
	if (slash != NULL && target->kind == HF_TARGET_STREAM)
		return hf_err_set(err, HF_MISTAKE_TARGET, "--to %s: a byte stream has no path",
				  target->text);
	rc = hf_hostport_parse(target->authority, target->kind == HF_TARGET_HTTP ? 80 : -1, host,
			       &port, err);
	if (rc == 0 && (host[0] == '\0' || strcmp(host, "*") == 0))
		rc = hf_err_set(err, HF_MISTAKE_TARGET, "--to %s: which host?", target->text);
	if (rc == 0 && slash != NULL)
		rc = read_prefix(slash, target, err);
	if (rc == 0)
		rc = hf_address_resolve(host, port, target->addresses, &target->addresses_len, err);
	return rc < 0 || anywhere ? rc : all_near(target, err);
}

static int read_unix(const char *path, struct hf_target *target, struct hf_err *err)
{
	HF_AUTO(cstr) spec = hf_str_printf("unix:%s", path);

	if (spec == NULL)
		return hf_err_nomem(err);
	if (path[0] == '\0')
		return hf_err_set(err, HF_MISTAKE_TARGET, "--to %s: which socket file?",
				  target->text);
	(void)hf_str_copy(target->authority, sizeof(target->authority), "localhost");
	return hf_address_resolve(spec, 0, target->addresses, &target->addresses_len, err);
}

int hf_target_parse(const char *text, bool anywhere, struct hf_target *ret_target,
		    struct hf_err *err)
{
	memset(ret_target, 0, sizeof(*ret_target));
	ret_target->text = text;
	for (size_t i = 0; i < HF_ARRAY_LEN(schemes); i++) {
		const char *rest = text + strlen(schemes[i].scheme);

		if (!hf_str_starts(text, schemes[i].scheme))
			continue;
		ret_target->kind = schemes[i].kind;
		return schemes[i].is_unix ? read_unix(rest, ret_target, err)
					  : read_network(rest, anywhere, ret_target, err);
	}
	return unknown(text, err);
}
