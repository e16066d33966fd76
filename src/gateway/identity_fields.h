/* SPDX-License-Identifier: Apache-2.0 */
/* What the service behind hears about the client: header fields made from the verdict of this very
 * connection, in the forms that services know. */
#ifndef HF_GATEWAY_IDENTITY_FIELDS_H
#define HF_GATEWAY_IDENTITY_FIELDS_H

#include "base/str.h"
#include "gateway/identity_names.h"
#include "verify/verdict.h"

enum hf_pass_identity {
	HF_PASS_RFC9440 = 1, /* Client-Cert, Client-Cert-Chain (RFC 9440) */
	HF_PASS_XFCC = 2,    /* X-Forwarded-Client-Cert, as Envoy writes it */
	HF_PASS_HEADERS = 4, /* X-SSL-Client-*, X-Client-Identity, X-Client-X5T-S256 (RFC 8705) */
};

/* "rfc9440", "xfcc", "headers", "none", each perhaps a list with commas; empty: rfc9440. */
int hf_pass_identity_parse(const struct hf_strv *words, unsigned *ret_modes, struct hf_err *err);

/* Fields that were made once for each client and kept. */
struct hf_identity_fields;
/* names is borrowed. */
int hf_identity_fields_new(unsigned modes, const struct hf_identity_names *names,
			   struct hf_identity_fields **ret_fields, struct hf_err *err);
void hf_identity_fields_free(struct hf_identity_fields *fields);
HF_DEFINE_AUTO(hf_identity_fields, struct hf_identity_fields, hf_identity_fields_free);
/* Appends the lines, each with CRLF.  verdict NULL: no certificate was asked for.  own: our leaf of
 * generation number `generation`. */
void hf_identity_fields_write(struct hf_identity_fields *fields, const struct hf_verdict *verdict,
			      const struct hf_cert *own, uint64_t generation, struct hf_buf *out);
/* The same without a memory, for tests. */
void hf_identity_fields_make(unsigned modes, const struct hf_identity_names *names,
			     const struct hf_verdict *verdict, const struct hf_cert *own,
			     struct hf_buf *out);

#endif
