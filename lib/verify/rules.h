/* SPDX-License-Identifier: Apache-2.0 */
/* Rules: who may do what.  `any`, `cn:`, `o:`, `ou:`, `dns:` (one leading "*." label), `uri:` (with
 * a trailing slash-star path wildcard), `email:`, `ip:CIDR`, `sha256:HEX`, `spki:HEX`,
 * `serial:HEX@ISSUER-SHA256`, `issuer:NAME-OF-TRUST`, `policy:OID` (of the path's valid policies),
 * joined by '+' for "and".  First match wins; no match denies once any allow exists; only denies:
 * the rest is allowed; no rules at all: denied.
 */
#ifndef HF_VERIFY_RULES_H
#define HF_VERIFY_RULES_H

#include "trust/trust.h"
#include "verify/verdict.h"

struct hf_rules;

int hf_rules_new(struct hf_rules **ret_rules, struct hf_err *err);
struct hf_rules *hf_rules_ref(struct hf_rules *rules);
void hf_rules_unref(struct hf_rules *rules);
HF_DEFINE_AUTO(hf_rules, struct hf_rules, hf_rules_unref);
/* Errors name the term and the nearest word.  Order of calls is the order of the rules. */
int hf_rules_add(struct hf_rules *rules, bool allow, const char *text, struct hf_err *err);
size_t hf_rules_count(const struct hf_rules *rules);
/* Does one of them look at certificate policies? */
bool hf_rules_ask_policies(const struct hf_rules *rules);
/* Decides for an accepted verdict's identity and path; on denial adds A-NOT-ALLOWED or A-DENIED,
 * sets accepted = false and the alert; always sets verdict->rule to the text of the deciding rule
 * ("allow cn:mail-server") or "no rule matches". */
int hf_rules_apply(const struct hf_rules *rules, const struct hf_trust *trust,
		   struct hf_verdict *verdict, struct hf_err *err);
/* The same for a verdict that was given before and stays as it is (per request, per route): true
 * when the rules let its identity in; else ret_denied, which is initialised here in any case, says
 * why. */
bool hf_rules_admit(const struct hf_rules *rules, const struct hf_trust *trust,
		    const struct hf_verdict *verdict, struct hf_verdict *ret_denied);
/* Refuses an accepted verdict whatever chain and rules say, as if its leaf were on a list
 * (V-REVOKED): the operator's word, before the authority has published a list. */
int hf_rules_revoke(struct hf_verdict *verdict, struct hf_err *err);
void hf_rules_digest(const struct hf_rules *rules, uint8_t out[HF_SHA256_LEN]);

#endif
