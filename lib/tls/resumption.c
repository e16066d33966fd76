/* SPDX-License-Identifier: Apache-2.0 */
/* A client's side of resumption.  Must never resume by itself: only a context that was given a
 * session offers it. */
#include "tls/resumption.h"

#include <stdlib.h>

#include <openssl/err.h>

#include "base/err.h"
#include "tls/internal.h"

struct hf_tls_resumption {
	SSL_SESSION *session; /* owned */
};

struct hf_tls_resumption *hf_tls_resumption_of(const struct hf_tls_conn *conn)
{
	HF_AUTO(hf_tls_resumption) r = NULL;
	SSL_SESSION *session = conn->ssl ? SSL_get0_session(conn->ssl) : NULL;

	if (!conn->handshake_done || !session || SSL_SESSION_is_resumable(session) != 1)
		return NULL;
	r = calloc(1, sizeof(*r));
	if (r)
		r->session = SSL_SESSION_dup(session); /* the connection's may end as unusable */
	ERR_clear_error();
	return r && r->session ? hf_take(r) : NULL;
}

void hf_tls_resumption_free(struct hf_tls_resumption *resumption)
{
	if (!resumption)
		return;
	SSL_SESSION_free(resumption->session);
	free(resumption);
}

int hf_tls_resume(SSL *ssl, const struct hf_tls_resumption *resumption, struct hf_err *err)
{
	if (resumption && SSL_set_session(ssl, resumption->session) != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "offering to resume a session");
	return 0;
}
