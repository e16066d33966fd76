/* SPDX-License-Identifier: Apache-2.0 */
/* The findings of an import, and those that a certificate shows by itself.  Must never change what
 * is imported: a finding tells, the reader of the tree decides. */
#include "ca/import/findings.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"
#include "base/time.h"
#include "verify/weak.h"

enum { LONG_DAYS = 825, SOON_DAYS = 365, LINE_CAP = 1024 };

static const struct hf_import_info infos[] = {
#define HF_IMPORT_FINDING(id, severity, name, sentence, remedy) \
	[HF_IMPORT_##id] = { HF_IMPORT_##severity, name, sentence, remedy },
#include "ca/import/findings.def"
#undef HF_IMPORT_FINDING
};

const struct hf_import_info *hf_import_info(enum hf_import_id id)
{
	return &infos[id];
}

const char *hf_import_severity_name(enum hf_import_severity severity)
{
	static const char *const names[] = { "note", "warning", "error" };

	return names[severity];
}

void hf_import_findings_done(struct hf_import_findings *f)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(f->at); i++)
		hf_strv_done(&f->at[i]);
}

int hf_import_find(struct hf_import_findings *f, enum hf_import_id id, struct hf_err *err,
		   const char *fmt, ...)
{
	char line[LINE_CAP];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	return hf_strv_add(&f->at[id], line) < 0 ? hf_err_nomem(err) : 0;
}

static bool is_weak_key(const struct hf_cert *cert)
{
	const EVP_PKEY *key = hf_cert_key_get0(cert);

	return !key || EVP_PKEY_get_security_bits(key) < HF_SECURITY_BITS_MIN;
}

uint64_t hf_import_marks(const struct hf_cert *cert, const struct hf_cert *ca)
{
	bool is_ca = cert->flags & HF_CERT_CA;
	bool server = !(cert->flags & HF_CERT_HAS_EKU) || (cert->eku & HF_EKU_SERVER);
	const struct {
		enum hf_import_id id;
		bool holds;
	} rules[] = {
		{ HF_IMPORT_VERSION_1, cert->version < 3 },
		{ HF_IMPORT_CN_ONLY, !is_ca && server && cert->sans.len == 0 },
		{ HF_IMPORT_CLIENT_CN_ONLY, !is_ca && !server && cert->sans.len == 0 },
		{ HF_IMPORT_NO_EKU,
		  !is_ca && cert->version == 3 && !(cert->flags & HF_CERT_HAS_EKU) },
		{ HF_IMPORT_LONG_VALIDITY, !is_ca && cert->not_after - cert->not_before >
							 (int64_t)LONG_DAYS * HF_DAY_SECONDS },
		{ HF_IMPORT_OUTLIVES_CA, cert->not_after > ca->not_after },
		{ HF_IMPORT_WEAK_KEY, is_weak_key(cert) },
		{ HF_IMPORT_WEAK_SIGNATURE, hf_cert_signature_is_weak(cert) },
		{ HF_IMPORT_SERIAL_ZERO, hf_str_eq(cert->serial, "0") },
		{ HF_IMPORT_SUB_CA, is_ca },
		{ HF_IMPORT_BAD_EXTENSION,
		  cert->flags & (HF_CERT_BAD_EXTENSION | HF_CERT_BAD_TIME) },
	};
	uint64_t marks = 0;

	for (size_t i = 0; i < HF_ARRAY_LEN(rules); i++)
		marks |= (uint64_t)rules[i].holds << rules[i].id;
	return marks;
}

uint64_t hf_import_ca_marks(const struct hf_cert *ca, int64_t now)
{
	const uint64_t one = 1;
	uint64_t marks = 0;

	if (is_weak_key(ca) ||
	    (!(ca->flags & HF_CERT_SELF_ISSUED) && hf_cert_signature_is_weak(ca)))
		marks |= one << HF_IMPORT_CA_WEAK;
	if (!(ca->flags & HF_CERT_HAS_KU))
		marks |= one << HF_IMPORT_CA_NO_KEY_USAGE;
	if (!(ca->ku & KU_CRL_SIGN))
		marks |= one << HF_IMPORT_CA_NO_CRL_SIGN;
	if (ca->not_after < now + (int64_t)SOON_DAYS * HF_DAY_SECONDS)
		marks |= one << HF_IMPORT_CA_ENDS;
	if (ca->flags & HF_CERT_SELF_ISSUED)
		marks |= one << HF_IMPORT_LEAF_FROM_ROOT;
	return marks;
}
