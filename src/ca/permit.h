/* SPDX-License-Identifier: Apache-2.0 */
/* Name constraints (RFC 5280 4.2.1.10): reading --permit, writing them in words, and keeping them
 * before anything is signed. */
#ifndef HF_CA_PERMIT_H
#define HF_CA_PERMIT_H

#include "pki/cert.h"

/* "dns:abc.com,ip:10.0.0.0/8,uri:.abc.com,email:abc.com" as permitted subtrees, added to *nc (made
 * when it is NULL). */
int hf_permit_parse(const char *list, NAME_CONSTRAINTS **nc, struct hf_err *err);
/* "dns:abc.com, ip:10.0.0.0/8"; what is excluded comes with a "!" in front. */
int hf_permit_format(const NAME_CONSTRAINTS *nc, struct hf_buf *out);
/* Every SAN, and a common name that somebody may take for a host name, must be inside; -HF_E_POLICY
 * names the one that is not.  `who` is whose constraints these are. */
int hf_permit_check(const NAME_CONSTRAINTS *nc, const struct hf_sans *sans,
		    const X509_NAME *subject, const char *who, struct hf_err *err);
/* For a CA below one that is limited to `outer`: every subtree of *inner (made when NULL) must be
 * inside, and gets those of the kinds of name that it does not limit itself. */
int hf_permit_narrow(const NAME_CONSTRAINTS *outer, NAME_CONSTRAINTS **inner, struct hf_err *err);

#endif
