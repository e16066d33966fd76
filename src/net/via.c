/* SPDX-License-Identifier: Apache-2.0 */
/* A proxy on the way: its URL, and what is said to it.  Must never put a byte of the server's into
 * the proxy's answer, nor the password into a message. */
#include "net/via.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/err.h"
#include "base/str.h"

enum {
	HEAD_CAP = 16 * 1024,
	SOCKS_VERSION = 5,
	LOGIN_VERSION = 1,
	METHOD_NONE = 0,
	METHOD_LOGIN = 2,
	SOCKS_CONNECT = 1,
	ADDRESS_IP4 = 1,
	ADDRESS_NAME = 3,
	ADDRESS_IP6 = 4,
};

enum dialog_step { HTTP_HEAD, SOCKS_METHOD, SOCKS_LOGIN, SOCKS_REPLY };

/* --- its URL --- */

static const struct {
	const char *scheme, *name;
	enum hf_via_kind kind;
	int port;
} schemes[] = {
	{ "http://", "http", HF_VIA_HTTP, 3128 },
	{ "socks5://", "socks5", HF_VIA_SOCKS5, 1080 },
	{ "socks5h://", "socks5", HF_VIA_SOCKS5, 1080 },
};

static int no_proxy(const char *text, struct hf_err *err)
{
	(void)hf_err_set(err, HF_MISTAKE_URL, "'%s' is no proxy", text);
	return hf_err_hint(err, "write http://HOST:PORT or socks5://HOST:PORT");
}

static bool plain_text(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f)
			return false;
	return true;
}

static int parse_place(const char *text, const char *rest, int default_port, struct hf_via *ret_via,
		       struct hf_err *err)
{
	char place[HF_HOST_CAP + 16];
	size_t len = strcspn(rest, "/");

	if (len == 0 || len >= sizeof(place) || strlen(rest + len) > 1 || !plain_text(rest))
		return no_proxy(text, err);
	memcpy(place, rest, len);
	place[len] = '\0';
	if (hf_hostport_parse(place, default_port, ret_via->host, &ret_via->port, err) < 0)
		return -HF_E_INVALID;
	return ret_via->host[0] != '\0' && ret_via->port > 0 ? 0 : no_proxy(text, err);
}

int hf_via_parse(const char *text, struct hf_via *ret_via, struct hf_err *err)
{
	/* Not even in the message: it would end up in a journal. */
	if (strchr(text, '@') != NULL) {
		(void)hf_err_set(err, HF_E_INVALID,
				 "the proxy's URL holds a user name or a password, which "
				 "everybody on this machine can read on a command line");
		return hf_err_hint(err, "write user:password into a file of mode 0600 and name it "
					"with --via-auth FILE");
	}
	for (size_t i = 0; i < HF_ARRAY_LEN(schemes); i++) {
		int rc;

		if (!hf_str_starts(text, schemes[i].scheme))
			continue;
		memset(ret_via, 0, sizeof(*ret_via));
		ret_via->kind = schemes[i].kind;
		rc = parse_place(text, text + strlen(schemes[i].scheme), schemes[i].port, ret_via,
				 err);
		(void)snprintf(ret_via->text, sizeof(ret_via->text),
			       strchr(ret_via->host, ':') ? "%s://[%s]:%d" : "%s://%s:%d",
			       schemes[i].name, ret_via->host, ret_via->port);
		return rc;
	}
	return no_proxy(text, err);
}

int hf_via_login(struct hf_via *via, const char *line, struct hf_err *err)
{
	const char *colon = strchr(line, ':');
	size_t user = colon != NULL ? (size_t)(colon - line) : 0;

	/* RFC 1929: one byte says how long each is, and it is not zero. */
	if (user == 0 || user >= sizeof(via->user) || colon[1] == '\0' ||
	    strlen(colon + 1) >= sizeof(via->password)) {
		(void)hf_err_set(err, HF_E_INVALID,
				 "--via-auth: its first line is not "
				 "user:password, with 1 to 255 bytes each");
		return hf_err_hint(err, "printf 'user:password\\n' into it, and chmod 600");
	}
	memcpy(via->user, line, user);
	via->user[user] = '\0';
	(void)hf_str_copy(via->password, sizeof(via->password), colon + 1);
	return 0;
}

int hf_via_to(struct hf_via *via, const char *host, int port, struct hf_err *err)
{
	if (host[0] == '\0' || !plain_text(host) || hf_str_starts(host, "unix:") || port <= 0 ||
	    !hf_str_copy(via->to_host, sizeof(via->to_host), host))
		return hf_err_set(err, HF_E_INVALID, "a proxy cannot lead to '%s', port %d", host,
				  port);
	via->to_port = port;
	return 0;
}

void hf_via_done(struct hf_via *via)
{
	if (via != NULL)
		OPENSSL_cleanse(via, sizeof(*via));
}

/* --- refused --- */

static enum hf_via_step refuse(struct hf_via_dialog *dialog, bool final, const char *why)
{
	dialog->final = final;
	(void)hf_str_copy(dialog->why, sizeof(dialog->why), why);
	return HF_VIA_REFUSED;
}

static const char wants_login[] = "it wants a user name and a password (--via-auth FILE)";
static const char bad_login[] = "it does not take this user name and password (--via-auth)";

static enum hf_via_step refuse_login(struct hf_via_dialog *dialog)
{
	return refuse(dialog, true, dialog->via->user[0] != '\0' ? bad_login : wants_login);
}

/* --- HTTP --- */

static int http_begin(const struct hf_via *via, struct hf_buf *out)
{
	const char *form = strchr(via->to_host, ':') ? "[%s]:%d" : "%s:%d";
	char place[HF_HOST_CAP + 16];

	(void)snprintf(place, sizeof(place), form, via->to_host, via->to_port);
	hf_buf_printf(out, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", place, place);
	if (via->user[0] != '\0') {
		char login[2 * HF_VIA_LOGIN_CAP];
		int n = snprintf(login, sizeof(login), "%s:%s", via->user, via->password);

		hf_buf_puts(out, "Proxy-Authorization: Basic ");
		hf_base64_encode(login, (size_t)n, out);
		hf_buf_puts(out, "\r\n");
		OPENSSL_cleanse(login, sizeof(login));
	}
	return hf_buf_puts(out, "\r\n");
}

static const struct {
	int status;
	bool final;
	const char *why;
} statuses[] = {
	{ 400, true, "it answered 400 and takes no CONNECT" },
	{ 403, true, "it answered 403: it does not lead to this server and port; ask who runs it" },
	{ 404, true, "it answered 404: it is a web server, no proxy" },
	{ 405, true, "it answered 405: it is a web server, or takes no CONNECT" },
	{ 429, false, "it answered 429: too many connections" },
	{ 500, false, "it answered 500: it cannot reach the server" },
	{ 502, false, "it answered 502: it cannot reach the server" },
	{ 503, false, "it answered 503: it cannot reach the server" },
	{ 504, false, "it answered 504: the server does not answer it" },
};

static enum hf_via_step http_status(struct hf_via_dialog *dialog, int status)
{
	char why[HF_VIA_WHY_CAP];

	if (status >= 200 && status <= 299)
		return HF_VIA_OPEN;
	if (status == 407 || status == 401) /* tinyproxy: 401 for a wrong password */
		return refuse_login(dialog);
	for (size_t i = 0; i < HF_ARRAY_LEN(statuses); i++)
		if (statuses[i].status == status)
			return refuse(dialog, statuses[i].final, statuses[i].why);
	(void)snprintf(why, sizeof(why), "it answered %d", status);
	return refuse(dialog, status < 500, why);
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 …" and all up to the empty line; of the rest nothing matters. */
static enum hf_via_step http_take(struct hf_via_dialog *dialog, size_t *ret_end)
{
	const char *s = dialog->got.data, *end;
	size_t len = dialog->got.len;

	if (memcmp(s, "HTTP/1.", HF_MIN(len, (size_t)7)) != 0)
		return refuse(dialog, true, "what answers there is no HTTP proxy");
	end = memmem(s, len, "\r\n\r\n", 4);
	if (end == NULL)
		return HF_VIA_MORE;
	*ret_end = (size_t)(end - s) + 4;
	if (*ret_end < 14 || !digit(s[7]) || s[8] != ' ' || !digit(s[9]) || !digit(s[10]) ||
	    !digit(s[11]) || (s[12] != ' ' && s[12] != '\r'))
		return refuse(dialog, true, "what answers there is no HTTP proxy");
	return http_status(dialog, (s[9] - '0') * 100 + (s[10] - '0') * 10 + (s[11] - '0'));
}

/* --- SOCKS5 --- */

static int socks_begin(const struct hf_via *via, struct hf_buf *out)
{
	static const char bare[] = { SOCKS_VERSION, 1, METHOD_NONE };
	static const char both[] = { SOCKS_VERSION, 2, METHOD_NONE, METHOD_LOGIN };

	return via->user[0] != '\0' ? hf_buf_append(out, both, sizeof(both))
				    : hf_buf_append(out, bare, sizeof(bare));
}

static void put_text(struct hf_buf *out, const char *text)
{
	size_t len = strlen(text); /* 255 at most: HF_HOST_CAP, HF_VIA_LOGIN_CAP */

	hf_buf_putc(out, (char)(unsigned char)len);
	hf_buf_append(out, text, len);
}

static enum hf_via_step socks_ask(struct hf_via_dialog *dialog, struct hf_buf *out)
{
	static const char connect[] = { SOCKS_VERSION, SOCKS_CONNECT, 0 };
	const struct hf_via *via = dialog->via;
	unsigned char raw[16];

	hf_buf_append(out, connect, sizeof(connect));
	if (inet_pton(AF_INET, via->to_host, raw) == 1) {
		hf_buf_putc(out, ADDRESS_IP4);
		hf_buf_append(out, raw, 4);
	} else if (inet_pton(AF_INET6, via->to_host, raw) == 1) {
		hf_buf_putc(out, ADDRESS_IP6);
		hf_buf_append(out, raw, 16);
	} else {
		hf_buf_putc(out, ADDRESS_NAME);
		put_text(out, via->to_host);
	}
	hf_buf_putc(out, (char)(unsigned char)(via->to_port >> 8));
	hf_buf_putc(out, (char)(unsigned char)(via->to_port & 0xff));
	dialog->step = SOCKS_REPLY;
	return HF_VIA_SAY;
}

static enum hf_via_step socks_method(struct hf_via_dialog *dialog, size_t *ret_end,
				     struct hf_buf *out)
{
	const unsigned char *s = (const unsigned char *)dialog->got.data;

	if (s[0] != SOCKS_VERSION)
		return refuse(dialog, true, "what answers there is no SOCKS5 proxy");
	if (dialog->got.len < 2)
		return HF_VIA_MORE;
	*ret_end = 2;
	if (s[1] == METHOD_NONE)
		return socks_ask(dialog, out);
	if (s[1] != METHOD_LOGIN || dialog->via->user[0] == '\0')
		return refuse_login(dialog);
	hf_buf_putc(out, LOGIN_VERSION);
	put_text(out, dialog->via->user);
	put_text(out, dialog->via->password);
	dialog->step = SOCKS_LOGIN;
	return HF_VIA_SAY;
}

static enum hf_via_step socks_login(struct hf_via_dialog *dialog, size_t *ret_end,
				    struct hf_buf *out)
{
	if (dialog->got.len < 2)
		return HF_VIA_MORE;
	*ret_end = 2;
	return dialog->got.data[1] == 0 ? socks_ask(dialog, out) : refuse_login(dialog);
}

/* RFC 1928 6, by its number. */
static const struct {
	bool final;
	const char *why;
} replies[] = {
	[1] = { false, "it failed" },
	[2] = { true, "it does not lead to this server and port; ask who runs it" },
	[3] = { false, "it cannot reach the server's network" },
	[4] = { false, "it cannot reach the server, or does not know its name" },
	[5] = { false, "the server refuses its connection: nothing listens on that port" },
	[6] = { false, "the server is too far away" },
	[7] = { true, "it takes no CONNECT" },
	[8] = { true, "it does not take this kind of address" },
};

static enum hf_via_step socks_reply(struct hf_via_dialog *dialog, size_t *ret_end)
{
	const unsigned char *s = (const unsigned char *)dialog->got.data;
	size_t len = dialog->got.len, address;

	if (len < 5)
		return HF_VIA_MORE;
	if (s[0] != SOCKS_VERSION)
		return refuse(dialog, true, "what answers there is no SOCKS5 proxy");
	if (s[1] != 0 && s[1] < HF_ARRAY_LEN(replies))
		return refuse(dialog, replies[s[1]].final, replies[s[1]].why);
	if (s[1] != 0)
		return refuse(dialog, true, "it refused without a known reason");
	address = s[3] == ADDRESS_IP4 ? 4 : s[3] == ADDRESS_IP6 ? 16 : 1 + (size_t)s[4];
	*ret_end = 4 + address + 2;
	return len < *ret_end ? HF_VIA_MORE : HF_VIA_OPEN;
}

/* --- both --- */

int hf_via_begin(struct hf_via_dialog *dialog, const struct hf_via *via, struct hf_buf *out)
{
	*dialog = (struct hf_via_dialog){ .via = via, .got = HF_BUF_INIT(HEAD_CAP) };
	dialog->step = via->kind == HF_VIA_HTTP ? HTTP_HEAD : SOCKS_METHOD;
	return via->kind == HF_VIA_HTTP ? http_begin(via, out) : socks_begin(via, out);
}

static enum hf_via_step look(struct hf_via_dialog *dialog, size_t *ret_end, struct hf_buf *out)
{
	switch ((enum dialog_step)dialog->step) {
	case HTTP_HEAD:
		return http_take(dialog, ret_end);
	case SOCKS_METHOD:
		return socks_method(dialog, ret_end, out);
	case SOCKS_LOGIN:
		return socks_login(dialog, ret_end, out);
	case SOCKS_REPLY:
		return socks_reply(dialog, ret_end);
	}
	return HF_VIA_REFUSED;
}

enum hf_via_step hf_via_take(struct hf_via_dialog *dialog, const char *data, size_t len,
			     size_t *ret_used, struct hf_buf *out)
{
	size_t before = dialog->got.len, end = 0;
	enum hf_via_step step;

	*ret_used = len;
	if (len == 0)
		return HF_VIA_MORE;
	if (hf_buf_append(&dialog->got, data, len) < 0)
		return refuse(dialog, true, "its answer is too long");
	step = look(dialog, &end, out);
	if (step == HF_VIA_MORE || step == HF_VIA_REFUSED)
		return step;
	*ret_used = end - before;
	hf_buf_clear(&dialog->got);
	return step;
}

void hf_via_dialog_done(struct hf_via_dialog *dialog)
{
	if (dialog != NULL)
		hf_buf_done(&dialog->got);
}
