/* SPDX-License-Identifier: Apache-2.0 */
/* An operator's wish at the desk.  Must never meet one whose asker's certificate does not stand. */
#include <stdlib.h>

#include "base/err.h"
#include "enroll/desk_internal.h"

static int keep_standing(void *arg, const struct hf_record *record)
{
	*(bool *)arg = record->state == HF_RECORD_ISSUED;
	return 0;
}

/* The rules were asked when the request came; whether the certificate still stands is the ledger's
 * to say, list or no list. */
static bool is_standing(const struct hf_ask *ask, struct hf_authority *a)
{
	const struct hf_record_filter filter = { .sha256 = ask->old->sha256, .limit = 1 };
	bool standing = false;

	return hf_store_list(a->store, &filter, keep_standing, &standing, NULL) == 0 && standing;
}

static int refuse_wish(struct hf_ask *ask, int rc)
{
	static const struct {
		int code, status;
		const char *word;
	} answers[] = { { HF_E_INVALID, 400, "wish" },
			{ HF_E_PARSE, 400, "wish" },
			{ HF_E_NOENT, 404, "not-found" },
			{ HF_E_POLICY, 403, "policy" },
			{ HF_E_EXIST, 403, "policy" } };

	for (size_t i = 0; i < HF_ARRAY_LEN(answers); i++) {
		if (rc == -answers[i].code)
			return hf_ask_refuse(ask, answers[i].status, answers[i].word, NULL);
	}
	return hf_ask_fail(ask, rc);
}

void hf_ask_operate(struct hf_ask *ask, struct hf_authority *a, int64_t now)
{
	struct hf_operation op = { .a = a, .wish = ask->wish, .who = ask->who, .now = now };
	char *text;
	int rc;

	if (!is_standing(ask, a)) {
		(void)hf_ask_refuse(ask, 403, "certificate-revoked",
				    "the certificate of the operator is not valid any more");
		return;
	}
	rc = hf_operate(ask->operation, &op, &ask->err);
	if (rc < 0) {
		(void)refuse_wish(ask, rc);
		return;
	}
	text = json_dumps(op.result, JSON_INDENT(2));
	json_decref(op.result);
	ask->status = 200;
	if (!text || hf_buf_printf(&ask->body, "%s\n", text) < 0)
		(void)hf_ask_fail(ask, hf_err_nomem(&ask->err));
	free(text);
}
