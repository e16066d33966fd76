/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP responses that were given as files.  Must never let a response stand in for another
 * certificate's, nor take a damaged one for none. */
#include "cli/verify_ocsp.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/file.h"
#include "base/time.h"
#include "gateway/ocsp/wire.h"
#include "pki/der.h"
#include "util/out.h"
#include "verify/status.h"

static const char *const words[] = {
	[HF_OCSP_GOOD] = "good", [HF_OCSP_REVOKED] = "revoked", [HF_OCSP_UNKNOWN] = "unknown"
};

void hf_verify_ocsp_done(struct hf_verify_ocsp *ocsp)
{
	for (size_t i = 0; i < ocsp->len; i++)
		hf_buf_done(&ocsp->files[i].der);
	free(ocsp->files);
	ocsp->files = NULL;
	ocsp->len = 0;
}

static int load(struct hf_verify_ocsp_file *file, struct hf_err *err)
{
	HF_AUTO(OCSP_RESPONSE) response = NULL;
	int rc = hf_file_read(file->path, &file->der, err);

	if (rc < 0)
		return rc;
	response = hf_der_decode((const uint8_t *)hf_buf_str(&file->der), file->der.len,
				 ASN1_ITEM_rptr(OCSP_RESPONSE));
	if (response)
		return 0;
	(void)hf_err_set(err, HF_MISTAKE_FILE_WRONG, "'%s' is no OCSP response in DER", file->path);
	return hf_err_hint(err, "openssl ocsp -respout FILE and ocsptool --outfile write one");
}

int hf_verify_ocsp_load(struct hf_cmd_ctx *ctx, const struct hf_strv *paths,
			struct hf_verify_ocsp *ret_ocsp)
{
	int rc = 0;

	ret_ocsp->files = calloc(paths->len + 1, sizeof(*ret_ocsp->files));
	if (!ret_ocsp->files)
		return hf_err_nomem(&ctx->err);
	for (size_t i = 0; rc == 0 && i < paths->len; i++) {
		struct hf_verify_ocsp_file *file = &ret_ocsp->files[ret_ocsp->len++];

		file->path = paths->items[i];
		hf_buf_init(&file->der, HF_OCSP_RESPONSE_CAP);
		rc = load(file, &ctx->err);
	}
	return rc;
}

/* The newest that can be believed; without one, what is wrong with the first. */
static void choose(struct hf_verify_ocsp *ocsp, const struct hf_certs *path, int64_t at,
		   struct hf_status *ret_status, char why[HF_ERR_MSG_CAP])
{
	for (size_t i = 0; i < ocsp->len; i++) {
		const struct hf_verify_ocsp_file *file = &ocsp->files[i];
		struct hf_ocsp_says says;
		struct hf_err err = HF_ERR_INIT;
		int64_t again, end;

		if (hf_ocsp_weigh(hf_buf_str(&file->der), file->der.len, path, at, &says, &again,
				  &end, &err) < 0) {
			if (why[0] == '\0')
				(void)snprintf(why, HF_ERR_MSG_CAP, "'%.200s': %.200s", file->path,
					       err.msg);
			continue;
		}
		if (ocsp->path && says.this_update <= ocsp->says.this_update)
			continue;
		ocsp->path = file->path;
		ocsp->says = says;
		ret_status->until = end;
	}
}

int hf_verify_ocsp_apply(struct hf_verify_ocsp *ocsp, int64_t at, struct hf_verdict *verdict,
			 struct hf_err *err)
{
	static const enum hf_status_kind kinds[] = { [HF_OCSP_GOOD] = HF_STATUS_GOOD,
						     [HF_OCSP_REVOKED] = HF_STATUS_REVOKED,
						     [HF_OCSP_UNKNOWN] = HF_STATUS_UNKNOWN };
	struct hf_status status = { .kind = HF_STATUS_FAILED, .until = HF_TIME_MAX, .reason = -1 };
	char why[HF_ERR_MSG_CAP] = "";

	ocsp->path = NULL;
	if (ocsp->len == 0 || !verdict->accepted)
		return 0;
	if (verdict->chain.len > 1)
		choose(ocsp, &verdict->chain, at, &status, why);
	else
		(void)snprintf(why, sizeof(why), "an anchor itself has no issuer that could say");
	if (ocsp->path) {
		status.kind = kinds[ocsp->says.status];
		status.revoked_at = ocsp->says.revoked_at;
		status.reason = ocsp->says.reason;
	}
	status.why = why;
	return hf_status_apply(&status, true, verdict, err);
}

void hf_verify_ocsp_to_json(const struct hf_verify_ocsp *ocsp, struct hf_json *j)
{
	const struct hf_ocsp_says *says = &ocsp->says;

	if (!ocsp->path) {
		hf_json_null(j, "ocsp");
		return;
	}
	hf_json_object_begin(j, "ocsp");
	hf_json_string(j, "file", ocsp->path);
	hf_json_string(j, "status", words[says->status]);
	hf_json_time(j, "this_update", says->this_update);
	if (says->next_update)
		hf_json_time(j, "next_update", says->next_update);
	if (says->status == HF_OCSP_REVOKED)
		hf_json_time(j, "revoked_at", says->revoked_at);
	hf_json_object_end(j);
}

void hf_verify_ocsp_tell(const struct hf_verify_ocsp *ocsp, struct hf_out *out)
{
	char from[HF_TIME_TEXT_CAP], until[HF_TIME_TEXT_CAP] = "";

	if (!ocsp->path)
		return;
	hf_time_format(ocsp->says.this_update, from);
	if (ocsp->says.next_update)
		hf_time_format(ocsp->says.next_update, until);
	hf_out_print(out, "  ocsp: %s, says ", words[ocsp->says.status]);
	hf_out_safe(out, ocsp->path);
	hf_out_print(out, " of %s%s%s\n", from, until[0] ? ", until " : "", until);
}
