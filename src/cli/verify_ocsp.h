/* SPDX-License-Identifier: Apache-2.0 */
/* handfast verify --ocsp: OCSP responses from files, weighed as serve weighs those it asks for. */
#ifndef HF_CLI_VERIFY_OCSP_H
#define HF_CLI_VERIFY_OCSP_H

#include "pki/ocsp.h"
#include "util/cmd.h"
#include "verify/verdict.h"

struct hf_verify_ocsp_file {
	const char *path; /* borrowed */
	struct hf_buf der;
};

struct hf_verify_ocsp {
	struct hf_verify_ocsp_file *files;
	size_t len;
	/* of the certificate that was looked at last */
	const char *path; /* of the response that counts; NULL: none */
	struct hf_ocsp_says says;
};
#define HF_VERIFY_OCSP_INIT { NULL, 0, NULL, { 0 } }
void hf_verify_ocsp_done(struct hf_verify_ocsp *ocsp);

/* Reads the files; what is no OCSP response is a mistake that says so.  paths must live on. */
int hf_verify_ocsp_load(struct hf_cmd_ctx *ctx, const struct hf_strv *paths,
			struct hf_verify_ocsp *ret_ocsp);
/* Applies to an accepted verdict what the files say of its leaf, the newest that can be believed:
 * revoked is V-REVOKED, unknown V-OCSP-UNKNOWN, none that can be believed V-OCSP-DOWN with what is
 * wrong with it.  at: Unix seconds. */
int hf_verify_ocsp_apply(struct hf_verify_ocsp *ocsp, int64_t at, struct hf_verdict *verdict,
			 struct hf_err *err);
/* What was said of the last one, under "ocsp"; as a line of text. */
void hf_verify_ocsp_to_json(const struct hf_verify_ocsp *ocsp, struct hf_json *j);
void hf_verify_ocsp_tell(const struct hf_verify_ocsp *ocsp, struct hf_out *out);

#endif
