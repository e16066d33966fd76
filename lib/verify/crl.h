/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists against one certificate; for lib/verify only. */
#ifndef HF_VERIFY_CRL_H
#define HF_VERIFY_CRL_H

#include "verify/judge.h"

/* Bits of ReasonFlags (RFC 5280 4.2.1.13): 1 keyCompromise … 8 aACompromise. */
enum { HF_CRL_ALL_REASONS = 0x1fe };

/* The reasons for which this complete CRL speaks about cert, issued by the holder of cert's issuer
 * name; 0 when it does not speak about it at all (RFC 5280 6.3.3 (b), (d)). */
unsigned hf_crl_scope(const struct hf_crl *crl, const struct hf_cert *cert);
/* No list speaks about cert: says so when there are some of its issuer, and where the certificate
 * itself looks for one. */
void hf_crl_tell_scope(const struct hf_crls *lists, const struct hf_cert *cert,
		       struct hf_buf *want, struct hf_buf *have);
/* The lists' distribution points and flags are the same: a delta may go with its base. */
bool hf_crl_same_scope(const struct hf_crl *a, const struct hf_crl *b);
/* A later list takes the place of an earlier one (RFC 5280 5.2.3). */
bool hf_crl_is_newer(const struct hf_crl *a, const struct hf_crl *b);
/* a < b, a == b, a > b as -1, 0, 1; numbers in lower-case hex without leading zeros. */
int hf_crl_number_compare(const char *a, const char *b);

/* What is wrong with a list by itself at that moment: NONE (also within the trust's grace), or
 * V_CRL_EXPIRED, V_CRL_NOT_YET, V_CRL_INVALID with the reason in words. */
enum hf_reason hf_crl_fault(const struct hf_judgement *j, const struct hf_crl *crl,
			    const char **ret_why);

/* Who signed it: a certificate of the path, or one with a path of its own to the same anchor.  NULL
 * with the reason in words when nobody may have.  nested: certificates beside the path are no
 * longer asked. */
const struct hf_cert *hf_crl_signer(struct hf_judgement *j, const struct hf_crl *crl, bool nested,
				    const char **ret_why);
/* Everything about one certificate of the path: adds findings; true when it is known not to be
 * revoked. nested: we are judging the signer of a list. */
bool hf_crl_check_cert(struct hf_judgement *j, size_t depth, bool nested);

#endif
