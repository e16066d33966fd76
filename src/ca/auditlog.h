/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log under seal: whenever a key of the authority is at hand, the number and the hash of
 * the log's last row are signed with it and written beside the ledger (ca/audit.head).  Rows that
 * are then changed, removed, moved or cut off show, also to somebody who can rewrite the whole
 * ledger, as long as he has not the key.  What nobody can see from inside: that ledger and seal
 * were both put back to an earlier day.  A copy of the seal kept elsewhere tells. */
#ifndef HF_CA_AUDITLOG_H
#define HF_CA_AUDITLOG_H

#include "ca/authority.h"

enum { HF_AUDIT_SENTENCE_CAP = 400 };

/* Seals the log as it is now with the CA's key; nothing happens when that is not loaded. */
int hf_auditlog_seal(struct hf_authority *a, const struct hf_ca *ca, int64_t now,
		     struct hf_err *err);

struct hf_auditlog_result {
	int64_t rows;	     /* of the log */
	int64_t sealed_rows; /* of them, under the seal; -1: there is no seal that holds */
	int64_t sealed_at;
	uint8_t hash[HF_STORE_SHA256_LEN]; /* of the last row */
	size_t findings_len;
};
/* Each is a sentence on what is wrong. */
typedef void (*hf_auditlog_finding_fn)(void *arg, const char *sentence);
/* Walks the whole log; the certificates are held against it, and the lists' entries against them.
 * `seal_path`: another copy of the seal; NULL: the authority's own.  0 also
 * when something is wrong: look at findings_len. */
int hf_auditlog_verify(struct hf_authority *a, const char *seal_path,
		       hf_auditlog_finding_fn finding, void *arg,
		       struct hf_auditlog_result *ret_result, struct hf_err *err);

#endif
