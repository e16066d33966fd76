/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the SAN code share; for lib/pki only. */
#ifndef HF_PKI_SAN_INTERNAL_H
#define HF_PKI_SAN_INTERNAL_H

#include "pki/san.h"

/* A new last item holding a copy of value; NULL when out of memory. */
struct hf_san *hf_sans_push(struct hf_sans *sans, enum hf_san_kind kind, const void *value,
			    size_t len);
/* An absolute URI: scheme, ':' and at least one more byte, printable ASCII without space (RFC 3986
 * 3). */
bool hf_uri_valid(const char *s, size_t len);
/* local@host: a dot-atom local part and a host name (RFC 5280 4.2.1.6). */
bool hf_email_valid(const char *s, size_t len);

#endif
