/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing a context by the name in a ClientHello.  Must never leave a connection under one name's
 * policy that libssl or the application takes for another's: what is read here is what everybody is
 * told (CVE-2025-23419, CVE-2026-32305 and their kin). */
#include "tls/hello.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "tls/internal.h"

enum { NAME_TYPE_HOST = 0, NAME_CAP = TLSEXT_MAXLEN_host_name, HEADER_LEN = 5 };

bool hf_tls_hello_name(const uint8_t *body, size_t len, const char **ret_name, size_t *ret_len)
{
	size_t list, name;

	if (len < HEADER_LEN)
		return false;
	list = (size_t)body[0] << 8 | body[1];
	name = (size_t)body[3] << 8 | body[4];
	if (list != len - 2 || body[2] != NAME_TYPE_HOST || name != len - HEADER_LEN || name == 0 ||
	    name > NAME_CAP || memchr(body + HEADER_LEN, 0, name))
		return false;
	*ret_name = (const char *)body + HEADER_LEN;
	*ret_len = name;
	return true;
}

/* --- names and their contexts ------------------------------------------------------------ */

struct row {
	char *name;			/* lower case, no final dot */
	struct hf_tls_context *context; /* counted */
};

struct hf_tls_names {
	struct row *rows; /* sorted by name */
	size_t len;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->name, ((const struct row *)b)->name);
}

/* Into out, lower case, without a final dot; false: too long to be a name. */
static bool normal(const char *name, size_t len, char out[NAME_CAP + 1])
{
	if (len > 1 && name[len - 1] == '.')
		len--;
	if (len > NAME_CAP)
		return false;
	for (size_t i = 0; i < len; i++)
		out[i] = hf_ascii_lower(name[i]);
	out[len] = '\0';
	return true;
}

static int row_set(struct row *row, const struct hf_tls_name *item, struct hf_err *err)
{
	char name[NAME_CAP + 1];

	if (!normal(item->name, strlen(item->name), name) || name[0] == '\0')
		return hf_err_set(err, HF_E_INVALID, "server name '%s' is empty or too long",
				  item->name);
	row->name = hf_str_dup(name);
	row->context = hf_tls_context_ref(item->context);
	return row->name ? 0 : hf_err_nomem(err);
}

int hf_tls_names_new(const struct hf_tls_name *items, size_t len, struct hf_tls_names **ret_names,
		     struct hf_err *err)
{
	HF_AUTO(hf_tls_names) names = calloc(1, sizeof(*names));
	int rc = 0;

	if (names)
		names->rows = calloc(len + 1, sizeof(*names->rows));
	if (!names || !names->rows)
		return hf_err_nomem(err);
	for (size_t i = 0; rc == 0 && i < len; i++)
		rc = row_set(&names->rows[names->len++], &items[i], err);
	if (rc < 0)
		return rc;
	qsort(names->rows, names->len, sizeof(*names->rows), by_name);
	for (size_t i = 1; i < names->len; i++)
		if (strcmp(names->rows[i - 1].name, names->rows[i].name) == 0)
			return hf_err_set(err, HF_E_EXIST,
					  "the server name '%s' stands there twice",
					  names->rows[i].name);
	*ret_names = hf_take(names);
	return 0;
}

void hf_tls_names_free(struct hf_tls_names *names)
{
	if (!names)
		return;
	for (size_t i = 0; i < names->len; i++) {
		free(names->rows[i].name);
		hf_tls_context_unref(names->rows[i].context);
	}
	free(names->rows);
	free(names);
}

static struct hf_tls_context *find(const struct hf_tls_names *names, char *name)
{
	const struct row key = { name, NULL };
	const struct row *row =
	    bsearch(&key, names->rows, names->len, sizeof(*names->rows), by_name);

	return row ? row->context : NULL;
}

struct hf_tls_context *hf_tls_names_find(const struct hf_tls_names *names, const char *name,
					 size_t len)
{
	char text[NAME_CAP + 1], *dot;
	struct hf_tls_context *found;

	/* A star is for tables, never for clients. */
	if (!names || !normal(name, len, text) || strchr(text, '*'))
		return NULL;
	found = find(names, text);
	dot = strchr(text, '.');
	if (found || !dot || dot == text)
		return found;
	dot[-1] = '*';
	return find(names, dot - 1);
}

/* --- the callback ------------------------------------------------------------------------ */

/* Everything that libssl copied from the first context when the connection was made, and that may
 * differ; the session id context follows by itself. */
static bool meet(struct hf_tls_conn *conn, struct hf_tls_context *context)
{
	SSL_CTX *ssl = context->ssl;

	if (context == conn->context)
		return true;
	conn->context = context;
	if (!SSL_set_SSL_CTX(conn->ssl, ssl))
		return false;
	SSL_set_verify(conn->ssl, SSL_CTX_get_verify_mode(ssl), NULL);
	return SSL_set_min_proto_version(conn->ssl, (int)SSL_CTX_get_min_proto_version(ssl)) == 1 &&
	       SSL_set_max_proto_version(conn->ssl, (int)SSL_CTX_get_max_proto_version(ssl)) == 1;
}

/* libssl's own memory of the name is lost in a session of TLS 1.2. */
static bool keep_name(struct hf_tls_conn *conn, const char *name, size_t len)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(4 * (NAME_CAP + 1));

	if (len == 0)
		return true;
	if (hf_str_escape(&text, name, len) == 0)
		conn->sni = hf_buf_steal(&text);
	return conn->sni != NULL;
}

/* What a session is bound to besides its peer's policy (RFC 6066 3, RFC 8446 4.6.1): the listener
 * and the extension as it came. */
static bool bind_sessions(struct hf_tls_conn *conn, const uint8_t *body, size_t len)
{
	HF_AUTO(EVP_MD_CTX) md = NULL;
	const char *listener = conn->front->listener ? conn->front->listener : "";

	if (!conn->front->resume)
		return true;
	md = EVP_MD_CTX_new();
	return md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
	       EVP_DigestUpdate(md, listener, strlen(listener) + 1) == 1 &&
	       EVP_DigestUpdate(md, body, len) == 1 &&
	       EVP_DigestFinal_ex(md, conn->hello_sni, NULL) == 1;
}

/* After a HelloRetryRequest the second hello must ask for the same (RFC 8446 4.1.2). */
static bool same_name(const struct hf_tls_conn *conn, const char *name, size_t len)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(4 * (NAME_CAP + 1));

	if (len == 0 || !conn->sni)
		return len == 0 && !conn->sni;
	return hf_str_escape(&text, name, len) == 0 && strcmp(hf_buf_str(&text), conn->sni) == 0;
}

static int give_up(int *alert, int number)
{
	*alert = number;
	return SSL_CLIENT_HELLO_ERROR;
}

int hf_tls_hello_seen(SSL *ssl, int *alert, void *arg)
{
	struct hf_tls_conn *conn = SSL_get_app_data(ssl);
	struct hf_tls_context *context;
	const unsigned char *body = (const unsigned char *)"";
	const char *name = "";
	size_t body_len = 0, len = 0;

	(void)arg;
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &body, &body_len) == 1 &&
	    !hf_tls_hello_name(body, body_len, &name, &len))
		return give_up(alert, SSL_AD_DECODE_ERROR);
	if (conn->hello_seen)
		return same_name(conn, name, len) ? SSL_CLIENT_HELLO_SUCCESS
						  : give_up(alert, SSL_AD_ILLEGAL_PARAMETER);
	conn->hello_seen = true;
	context = hf_tls_names_find(conn->front->names, name, len);
	if (!keep_name(conn, name, len) || !bind_sessions(conn, body, body_len) ||
	    !meet(conn, context ? context : conn->front))
		return give_up(alert, SSL_AD_INTERNAL_ERROR);
	return SSL_CLIENT_HELLO_SUCCESS;
}
