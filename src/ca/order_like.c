/* SPDX-License-Identifier: Apache-2.0 */
/* Orders from certificates to renew.  Must never take over what a certificate of the profile may
 * not hold, whoever issued the one before. */
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "ca/order.h"
#include "ca/policy/extension.h"

/* Of an extension of the certificate before. */
struct inherited {
	const X509_EXTENSION *ext;
	const struct hf_cert *cert;
	const struct hf_ca_profile *profile;
};

static bool has_profiles_usage(const struct inherited *old)
{
	ASN1_BIT_STRING *bits = X509V3_EXT_d2i((X509_EXTENSION *)(uintptr_t)old->ext);
	unsigned usage = bits && bits->length == 1 ? bits->data[0] : 0;

	ASN1_BIT_STRING_free(bits);
	return usage == hf_ca_profile_usage(old->profile, X509_get0_pubkey(old->cert->x509));
}

static bool has_profiles_purposes(const struct inherited *old)
{
	HF_AUTO(EXTENDED_KEY_USAGE) eku = X509V3_EXT_d2i((X509_EXTENSION *)(uintptr_t)old->ext);
	int own = 0;

	while (own < HF_PROFILE_EKUS && old->profile->ekus[own] != NID_undef)
		own++;
	for (int i = 0; i < sk_ASN1_OBJECT_num(eku); i++) {
		if (!hf_ca_profile_has_eku(old->profile, OBJ_obj2nid(sk_ASN1_OBJECT_value(eku, i))))
			return false;
	}
	return eku && sk_ASN1_OBJECT_num(eku) == own;
}

static bool always(const struct inherited *old)
{
	(void)old;
	return true;
}

/* Made anew: from the order, the keys, the profile, and the policy. */
static const struct maker {
	const char *oid;
	bool (*makes)(const struct inherited *old);
} makers[] = {
	{ "2.5.29.14", always },		/* subjectKeyIdentifier */
	{ "2.5.29.15", has_profiles_usage },	/* keyUsage */
	{ "2.5.29.17", always },		/* subjectAltName: the order's SANs */
	{ "2.5.29.19", always },		/* basicConstraints */
	{ "2.5.29.35", always },		/* authorityKeyIdentifier */
	{ "2.5.29.37", has_profiles_purposes }, /* extendedKeyUsage */
	{ "2.5.29.56", always },		/* noRevAvail: publication.h */
};

static bool is_made_anew(const struct inherited *old)
{
	char oid[128];

	if (OBJ_obj2txt(oid, sizeof(oid),
			X509_EXTENSION_get_object((X509_EXTENSION *)(uintptr_t)old->ext), 1) <= 0)
		return false;
	for (size_t i = 0; i < HF_ARRAY_LEN(makers); i++) {
		if (strcmp(makers[i].oid, oid) == 0)
			return makers[i].makes(old);
	}
	return false;
}

static int leave_out(struct hf_order *order, const X509_EXTENSION *ext, const char *why,
		     struct hf_err *err)
{
	HF_AUTO(cstr) note = NULL;
	char word[128];

	hf_extension_word(ext, word, sizeof(word));
	note = hf_str_printf("%s of the certificate before is not taken over: %s", word, why);
	return !note || hf_strv_add(&order->notes, note) < 0 ? hf_err_nomem(err) : 0;
}

/* What an extension file, or a request that the policy copied from, gave the one before. */
static int inherit(struct hf_order *order, const struct hf_cert *cert, struct hf_err *err)
{
	const STACK_OF(X509_EXTENSION) *exts = X509_get0_extensions(cert->x509);
	int rc = 0;

	for (int i = 0; rc == 0 && i < sk_X509_EXTENSION_num(exts); i++) {
		const struct inherited old = { sk_X509_EXTENSION_value(exts, i), cert,
					       order->profile };
		const char *why;

		if (is_made_anew(&old))
			continue;
		why = hf_extension_check(old.ext, order->profile);
		rc = why ? leave_out(order, old.ext, why, err)
			 : hf_order_add_one(order, old.ext, err);
	}
	return rc;
}

int hf_order_like(struct hf_order *order, const struct hf_cert *cert, const char *name,
		  const char *profile, struct hf_err *err)
{
	int rc;

	order->profile = hf_ca_profile_find(profile);
	if (!order->profile || order->profile->is_ca)
		return hf_err_set(err, HF_E_INVALID,
				  "a certificate of the profile '%s' is not renewed so", profile);
	if (!hf_str_copy(order->name, sizeof(order->name), name))
		return hf_err_set(err, HF_E_INVALID, "the name is too long");
	order->renews = true;
	order->renewed = hf_cert_ref((struct hf_cert *)(uintptr_t)cert);
	order->subject = X509_NAME_dup(X509_get_subject_name(cert->x509));
	if (!order->subject)
		return hf_err_nomem(err);
	rc = hf_sans_copy(&order->sans, &cert->sans, err);
	return rc < 0 ? rc : inherit(order, cert, err);
}
