/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verdict of one meeting: accepted or refused, with every finding.
 *
 * A verdict is borrowed from the connection or judgement that holds it and lives as long as that.
 * All strings are UTF-8 without control bytes, never NULL unless said, and owned by the verdict.
 * Thread rule: read-only, so any thread may read while the owner lives.
 */
#ifndef HANDFAST_VERDICT_H
#define HANDFAST_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <handfast/err.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hf_verdict;

/* May the peer in? */
HF_PUBLIC bool hf_verdict_accepted(const struct hf_verdict *verdict);

/* The id of the root cause ("V-EXPIRED", see docs/reasons.md), or "" when accepted without remark.
 */
HF_PUBLIC const char *hf_verdict_cause(const struct hf_verdict *verdict);

/* The peer's chosen identity with its kind: "uri:spiffe://…", "dns:…", "email:…", "cn:…" or
 * "sha256:…"; NULL unless the chain was accepted. */
HF_PUBLIC const char *hf_verdict_identity(const struct hf_verdict *verdict);

/* The rule that decided ("allow cn:mail-server"), or NULL when no rules were asked. */
HF_PUBLIC const char *hf_verdict_rule(const struct hf_verdict *verdict);

/* Unix seconds up to which an accepted verdict holds: the earliest notAfter of the path and
 * nextUpdate of the revocation lists used.  0 when refused. */
HF_PUBLIC int64_t hf_verdict_valid_until(const struct hf_verdict *verdict);

/* The TLS alert (RFC 8446 section 6) that goes with a refusal; 0 when accepted. */
HF_PUBLIC int hf_verdict_alert(const struct hf_verdict *verdict);

/* Every finding in words, one line each, with its remedy.  The caller frees *ret_text with free(3).
 * Returns 0, or -HF_E_NOMEM. */
HF_PUBLIC int hf_verdict_text(const struct hf_verdict *verdict, char **ret_text,
			      struct hf_err *err);

/* The same as one JSON object on one line (RFC 8259), fields as `handfast verify --json` prints
 * them. The caller frees *ret_json with free(3). */
HF_PUBLIC int hf_verdict_json(const struct hf_verdict *verdict, char **ret_json,
			      struct hf_err *err);

#ifdef __cplusplus
}
#endif
#endif
