/* SPDX-License-Identifier: Apache-2.0 */
/* Requests, revocation lists and keys in words, for show and crl show; and their full dumps. */
#ifndef HF_CLI_SHOW_PARTS_H
#define HF_CLI_SHOW_PARTS_H

#include "pki/pemfile.h"
#include "util/out.h"

void hf_show_request(const struct hf_csr *csr, struct hf_out *out);
/* Names the first `limit` revoked certificates in text; JSON has them all. */
enum { HF_SHOW_REVOKED_LIMIT = 20 };
void hf_show_crl(const struct hf_crl *crl, int64_t now, size_t limit, struct hf_out *out);
/* The key of a file, if there is one: its kind and public fingerprint, never the key. */
void hf_show_key(const struct hf_pemfile *f, struct hf_out *out);

/* Everything that is public in the file onto out: as openssl's -text prints it, or as PEM. */
int hf_show_text(const struct hf_pemfile *f, struct hf_buf *out, struct hf_err *err);
int hf_show_pem(const struct hf_pemfile *f, struct hf_buf *out, struct hf_err *err);

#endif
