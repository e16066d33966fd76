/* SPDX-License-Identifier: Apache-2.0 */
/* Rules taken apart; for lib/verify only. */
#ifndef HF_VERIFY_RULES_INTERNAL_H
#define HF_VERIFY_RULES_INTERNAL_H

#include <stdatomic.h>

#include "verify/rules.h"

enum hf_term_kind {
	HF_TERM_ANY,
	HF_TERM_CN, HF_TERM_O, HF_TERM_OU,
	HF_TERM_DNS, HF_TERM_URI, HF_TERM_EMAIL, HF_TERM_IP,
	HF_TERM_SHA256, HF_TERM_SPKI, HF_TERM_SERIAL, HF_TERM_ISSUER,
	HF_TERM_POLICY,
};

struct hf_term {
	enum hf_term_kind kind;
	/* owned: name, pattern without its wildcard, serial, label, dotted OID */
	char *text;
	bool wildcard;                   /* DNS: "*." in front; URI: a slash and a star behind */
	uint8_t bytes[HF_SHA256_LEN];    /* digests; the network of IP */
	size_t bytes_len;
	unsigned prefix;                 /* IP: bits of the network */
};

struct hf_rule {
	bool allow;
	char *text;                      /* owned: "allow cn:x", without control bytes */
	struct hf_term *terms;           /* all must match */
	size_t terms_len;
};

struct hf_rules {
	atomic_int refs;
	struct hf_rule *items;
	size_t len, alloc;
};

int hf_rule_parse(bool allow, const char *text, struct hf_rule *ret_rule, struct hf_err *err);
void hf_rule_done(struct hf_rule *rule);
/* deny: a doubtful match counts as one. */
bool hf_rule_matches(const struct hf_rule *rule, const struct hf_trust *trust,
		     const struct hf_verdict *v);

#endif
