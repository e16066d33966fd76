/* SPDX-License-Identifier: Apache-2.0 */
/* Taking certificates back.  Must never note a revocation that no list can tell of. */
#include "ca/revoke.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"
#include "pki/crl.h"

const char *const hf_revoke_reasons[] = { "unspecified",	"keyCompromise",
					  "superseded",		"cessationOfOperation",
					  "affiliationChanged", "privilegeWithdrawn",
					  "cACompromise",	NULL };

int hf_revoke_reason(const char *word, int *ret_reason, struct hf_err *err)
{
	const char *nearest;

	for (size_t i = 0; hf_revoke_reasons[i]; i++) {
		if (hf_str_case_eq(hf_revoke_reasons[i], word)) {
			*ret_reason = hf_crl_reason_parse(hf_revoke_reasons[i]);
			return 0;
		}
	}
	(void)hf_err_set(err, HF_E_INVALID, "there is no reason '%s'", word);
	nearest = hf_str_nearest(word, hf_revoke_reasons);
	if (nearest)
		return hf_err_hint(err, "did you mean '%s'?", nearest);
	return hf_err_hint(err, "keyCompromise, superseded, cessationOfOperation, "
				"affiliationChanged, privilegeWithdrawn or unspecified");
}

static bool is_serial(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= 60 && strspn(text, "0123456789abcdefABCDEF:") == len;
}

/* "0A:1B" as other programs print it. */
static int find_serial(struct hf_authority *a, const char *text, struct hf_records *found,
		       struct hf_err *err)
{
	char digits[64];
	size_t len = 0;
	struct hf_record_filter filter = { .serial = digits };

	for (; *text && len < sizeof(digits) - 1; text++) {
		if (*text != ':')
			digits[len++] = *text;
	}
	digits[len] = '\0';
	return len ? hf_store_collect(a->store, &filter, found, err) : 0;
}

int hf_revoke_find(struct hf_authority *a, const char *what, struct hf_records *found,
		   struct hf_err *err)
{
	struct hf_record_filter by_name = { .name = what, .without_own = true };
	int rc = hf_store_collect(a->store, &by_name, found, err);

	if (rc == 0 && found->len == 0 && is_serial(what))
		rc = find_serial(a, what, found, err);
	return rc;
}

bool hf_revoke_is_live(const struct hf_record *record, int64_t now)
{
	return record->state == HF_RECORD_ISSUED && record->not_after >= now;
}

int hf_revoke_not_live(const char *what, const struct hf_record *record, struct hf_err *err)
{
	char when[HF_TIME_TEXT_CAP];

	if (record->state == HF_RECORD_REVOKED) {
		hf_time_format(record->revoked_at, when);
		(void)hf_err_set(err, HF_E_POLICY, "'%s' is revoked already, since %s (%s)", what,
				 when, hf_crl_reason_name(record->reason));
		return hf_err_hint(err, "nothing is left to do; handfast crl signs the list anew");
	}
	if (record->state == HF_RECORD_ISSUED) {
		hf_time_format(record->not_after, when);
		(void)hf_err_set(err, HF_E_POLICY,
				 "'%s' has expired (%s): there is nothing to revoke", what, when);
		return hf_err_hint(err, "nobody takes it any more; handfast list --all shows it");
	}
	(void)hf_err_set(err, HF_E_POLICY, "'%s' was never handed out: there is nothing to revoke",
			 what);
	return hf_err_hint(err, "handfast list --all shows what was");
}

bool hf_revoke_is_own(const struct hf_authority *a, const struct hf_record *record)
{
	return a->issuing.cert &&
	       memcmp(a->issuing.cert->sha256, record->sha256, sizeof(record->sha256)) == 0;
}

int hf_revoke(struct hf_authority *a, const struct hf_record *record, int reason, int64_t now,
	      struct hf_err *err)
{
	struct hf_ca *ca = hf_authority_ca_by_id(a, record->issuer);
	int rc;

	if (strcmp(record->profile, "root") == 0 || strcmp(record->profile, "single") == 0) {
		(void)hf_err_set(err, HF_E_POLICY,
				 "a root cannot be revoked: nobody stands above it to say so");
		return hf_err_hint(err, "have its peers remove it from their trust, and make a new "
					"authority");
	}
	if (!ca)
		return hf_err_set(err, HF_E_NOENT,
				  "its issuer is no longer part of this authority");
	rc = hf_ca_load_key(a, ca, err);
	return rc < 0 ? rc : hf_store_revoke(a->store, record->id, reason, now, err);
}
