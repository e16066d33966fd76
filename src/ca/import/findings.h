/* SPDX-License-Identifier: Apache-2.0 */
/* What is odd about an authority that is taken over, and what to do about it. */
#ifndef HF_CA_IMPORT_FINDINGS_H
#define HF_CA_IMPORT_FINDINGS_H

#include "base/str.h"
#include "pki/cert.h"

/* HF_IMPORT_FINDING(ID, severity, "name", "sentence", "what to do") */
enum hf_import_id {
#define HF_IMPORT_FINDING(id, severity, name, sentence, remedy) HF_IMPORT_##id,
#include "ca/import/findings.def"
#undef HF_IMPORT_FINDING
	HF_IMPORT_COUNT,
};

enum hf_import_severity { HF_IMPORT_NOTE, HF_IMPORT_WARNING, HF_IMPORT_ERROR };

struct hf_import_info {
	enum hf_import_severity severity;
	const char *name, *sentence, *remedy;
};
const struct hf_import_info *hf_import_info(enum hf_import_id id);
const char *hf_import_severity_name(enum hf_import_severity severity);

/* For each kind, where it was found: one line of text each. */
struct hf_import_findings {
	struct hf_strv at[HF_IMPORT_COUNT];
};
void hf_import_findings_done(struct hf_import_findings *f);
int hf_import_find(struct hf_import_findings *f, enum hf_import_id id, struct hf_err *err,
		   const char *fmt, ...) HF_PRINTF(4, 5);

/* What is wrong with a certificate in itself, as bits 1 << HF_IMPORT_…; `ca`: who issued it. */
uint64_t hf_import_marks(const struct hf_cert *cert, const struct hf_cert *ca);
/* The same for the certificate of the CA itself. */
uint64_t hf_import_ca_marks(const struct hf_cert *ca, int64_t now);

#endif
