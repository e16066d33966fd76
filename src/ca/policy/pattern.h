/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns of names that a policy allows, one kind of name each:
 *
 *   dns    web.abc.com     that name
 *          *.abc.com       one label in front; node-*.abc.com: part of one label
 *          **.abc.com      one label or more in front
 *   ip     10.0.0.7, 10.0.0.0/8, 10.0.0.1-10.0.0.20, and the same for IPv6
 *   uri    spiffe://abc/mail      that URI
 *          spiffe://abc/mail/ and a star: all that begins so
 *   email  ops@abc.com, *@abc.com, *@*.abc.com (one label), *@**.abc.com */
#ifndef HF_CA_POLICY_PATTERN_H
#define HF_CA_POLICY_PATTERN_H

#include "pki/san.h"

struct hf_pattern {
	enum hf_san_kind kind;
	char *text; /* owned; as it was written */
	unsigned line; /* of the policy file; 0: none */
	uint8_t first[16], last[16]; /* HF_SAN_IP */
	size_t raw_len;
};
/* NULL and *ret filled, or why the text is no such pattern; "" when out of memory. */
const char *hf_pattern_parse(enum hf_san_kind kind, const char *text, struct hf_pattern *ret);
void hf_pattern_done(struct hf_pattern *pattern);

/* A name that is malformed, or holds a NUL, matches nothing.  `wildcards`: a '*' of the name itself
 * is covered by a whole label of the pattern that is '*'. */
bool hf_pattern_matches(const struct hf_pattern *pattern, const struct hf_san *san,
			bool wildcards);

#endif
