/* SPDX-License-Identifier: Apache-2.0 */
/* Reasons: why a certificate, a handshake or a request was refused or warned about.  The list is
 * reasons.def; enum, tables, docs/reasons.md and JSON come from it.  Ids are stable for ever. */
#ifndef HF_BASE_REASON_H
#define HF_BASE_REASON_H

#include <stdbool.h>
#include <stdint.h>

enum hf_reason {
	HF_REASON_NONE = 0,
#define HF_REASON(name, id, severity, verify_error, alert, sentence, remedy, rule) HF_REASON_##name,
#include "base/reasons.def"
#undef HF_REASON
	HF_REASON_COUNT,
};

enum hf_severity {
	HF_SEVERITY_INFO,    /* worth knowing */
	HF_SEVERITY_WARN,    /* accepted by this profile, refused by others or soon */
	HF_SEVERITY_REFUSE,  /* this alone is enough to refuse */
};

struct hf_reason_info {
	const char *id;          /* "V-EXPIRED" */
	enum hf_severity severity; /* default; a profile may raise WARN to REFUSE */
	int verify_error;        /* OpenSSL's X509_V_ERR_* nearest to it, 0 when there is none */
	int alert;               /* TLS alert to send for it (RFC 8446 6.2), 0 when none applies */
	const char *sentence;    /* what is wrong, one sentence, without names */
	const char *remedy;      /* what to do */
	const char *rule;        /* "RFC 5280 4.2.1.12" */
};

const struct hf_reason_info *hf_reason_info(enum hf_reason reason);   /* never NULL */
/* HF_REASON_NONE when unknown */
enum hf_reason hf_reason_by_id(const char *id);
/* "info", "warning", "refuse" */
const char *hf_severity_name(enum hf_severity severity);

#endif
