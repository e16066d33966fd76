/* SPDX-License-Identifier: Apache-2.0 */
/* The first message of a client, seen before libssl acts on it: which name it asks for, and so
 * which context it meets. */
#ifndef HF_TLS_HELLO_H
#define HF_TLS_HELLO_H

#include <openssl/ssl.h>

#include "base/err.h"
#include "base/str.h"

/* The one host name of a server_name extension's body (RFC 6066 3), within `body`, not
 * NUL-terminated.  false: the body is not what the RFC allows: another type, several names, an
 * empty or too long name, a NUL, bytes left over. */
bool hf_tls_hello_name(const uint8_t *body, size_t len, const char **ret_name,
		       size_t *ret_len);

/* Contexts of a server by name. */
struct hf_tls_context;
struct hf_tls_names;
struct hf_tls_name;

/* Takes copies and references.  -HF_E_EXIST: a name stands there twice. */
int hf_tls_names_new(const struct hf_tls_name *items, size_t len, struct hf_tls_names **ret_names,
		     struct hf_err *err);
void hf_tls_names_free(struct hf_tls_names *names);
HF_DEFINE_AUTO(hf_tls_names, struct hf_tls_names, hf_tls_names_free);
/* Case and a final dot do not count; an exact name comes before "*.rest", which stands for one
 * label.  NULL: none. */
struct hf_tls_context *hf_tls_names_find(const struct hf_tls_names *names, const char *name,
					 size_t len);

/* For SSL_CTX_set_client_hello_cb, on every context of a server. */
int hf_tls_hello_seen(SSL *ssl, int *alert, void *arg);

#endif
