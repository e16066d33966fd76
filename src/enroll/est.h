/* SPDX-License-Identifier: Apache-2.0 */
/* The bodies of EST (RFC 7030, RFC 8951): base64 of a PKCS#10 request in, base64 of certificates in
 * a PKCS#7 bag out; beside a private key where the server made it. */
#ifndef HF_ENROLL_EST_H
#define HF_ENROLL_EST_H

#include "base/buf.h"
#include "pki/cert.h"
#include "pki/csr.h"

/* A request as clients send it: base64 with any line ends or none, PEM, or DER; Content-Transfer-
 * Encoding says nothing (RFC 8951 3). */
int hf_est_request_parse(const char *body, size_t len, struct hf_csr **ret_csr, struct hf_err *err);
/* A certs-only bag (RFC 5751 3.2.2), base64 on a single line that ends: what strongSwan's client
 * can read, and RFC 8951 3.1 allows; or wrapped, in lines of 64 characters, which is all that
 * clients on OpenSSL's line-wise decoder read. */
int hf_est_certs_format(const struct hf_certs *certs, bool wrapped, struct hf_buf *out,
			struct hf_err *err);

/* base64 has no '-', so no part can hold the boundary. */
#define HF_EST_BOUNDARY "handfast-serverkeygen"
#define HF_EST_KEY_TYPE "multipart/mixed; boundary=" HF_EST_BOUNDARY
/* The answer of serverkeygen (RFC 7030 4.4.2): the key as PKCS#8 that is not encrypted, then the
 * certificates as above, each in a part of its own. */
int hf_est_key_format(const EVP_PKEY *key, const struct hf_certs *certs, bool wrapped,
		      struct hf_buf *out, struct hf_err *err);
/* The name of an attribute by which a request wants its key encrypted (RFC 7030 4.4.1); NULL: it
 * has none. */
const char *hf_est_wants_encryption(const struct hf_csr *csr);

#endif
