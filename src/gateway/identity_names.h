/* SPDX-License-Identifier: Apache-2.0 */
/* Names that an operator gives to our identity fields: a service that comes from behind another
 * proxy keeps reading the names it knows. */
#ifndef HF_GATEWAY_IDENTITY_NAMES_H
#define HF_GATEWAY_IDENTITY_NAMES_H

#include "base/str.h"
#include "http/fields.h"

enum { HF_IDENTITY_NAMES_CAP = 16 };

/* Borrows from the words it was read from. */
struct hf_identity_names {
	struct hf_slice ours[HF_IDENTITY_NAMES_CAP];
	struct hf_slice theirs[HF_IDENTITY_NAMES_CAP];
	size_t len;
};

/* "X-SSL-Client-DN=Ssl-Client-Subject-Dn"; -HF_E_INVALID for a field that we do not write, a name
 * that means something else, and a name given twice. */
int hf_identity_names_parse(const struct hf_strv *words, struct hf_identity_names *ret_names,
			    struct hf_err *err);
/* lines: "Name: value" each with CRLF; appended to out with the names that were given. */
void hf_identity_names_apply(const struct hf_identity_names *names, const struct hf_buf *lines,
			     struct hf_buf *out);

#endif
