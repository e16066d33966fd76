/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about one certificate by itself: its dates, its key, its signature's strength, its form.
 * Must never look at other certificates. */
#include "base/time.h"
#include "verify/judge.h"
#include "verify/weak.h"

bool hf_digest_is_weak(int md_nid)
{
	static const int weak[] = { NID_md2,  NID_md4,	     NID_md5,	  NID_mdc2,
				    NID_sha1, NID_ripemd160, NID_md5_sha1 };

	for (size_t i = 0; i < HF_ARRAY_LEN(weak); i++) {
		if (md_nid == weak[i])
			return true;
	}
	return false;
}

bool hf_cert_signature_is_weak(const struct hf_cert *cert)
{
	return hf_digest_is_weak(cert->sig_md_nid) ||
	       (cert->sig_security_bits >= 0 && cert->sig_security_bits < HF_SECURITY_BITS_MIN);
}

static enum hf_reason late_reason(const struct hf_judgement *j, size_t depth)
{
	if (depth == 0)
		return HF_REASON_V_EXPIRED;
	return hf_judge_is_anchor(j, depth) ? HF_REASON_V_ROOT_EXPIRED : HF_REASON_V_CA_EXPIRED;
}

void hf_check_time(struct hf_judgement *j, size_t depth)
{
	const struct hf_cert *c = j->path->certs[depth];
	int64_t at = j->options->at;
	char now[HF_TIME_TEXT_CAP], want[HF_TIME_TEXT_CAP + 16], limit[HF_TIME_TEXT_CAP];

	if (c->flags & HF_CERT_BAD_TIME) {
		hf_judge_find(j, HF_REASON_F_CRITICAL_LOAD, HF_STEP_CHAIN, (int)depth,
			      "dates as RFC 5280 4.1.2.5 has them",
			      "a validity date that does not parse");
		return;
	}
	hf_time_format(at, now);
	/* RFC 5280 4.1.2.5: from notBefore through notAfter, inclusive. */
	if (at > c->not_after) {
		hf_time_format(c->not_after, limit);
		(void)snprintf(want, sizeof(want), "notAfter >= %s", now);
		hf_judge_find(j, late_reason(j, depth), HF_STEP_CHAIN, (int)depth, want, limit);
	}
	if (at < c->not_before) {
		hf_time_format(c->not_before, limit);
		(void)snprintf(want, sizeof(want), "notBefore <= %s", now);
		hf_judge_find(j, depth == 0 ? HF_REASON_V_NOT_YET : HF_REASON_V_CA_NOT_YET,
			      HF_STEP_CHAIN, (int)depth, want, limit);
	}
	if (c->not_after < j->valid_until)
		j->valid_until = c->not_after;
}

static void check_key(struct hf_judgement *j, size_t depth)
{
	const struct hf_cert *c = j->path->certs[depth];
	EVP_PKEY *key = hf_cert_key_get0(c);
	char have[128];
	const char *want = NULL;

	if (!key) {
		hf_judge_find(j, HF_REASON_F_CRITICAL_LOAD, HF_STEP_CHAIN, (int)depth,
			      "a public key", "one that does not decode");
		return;
	}
	hf_key_describe(key, have, sizeof(have));
	if (c->key_nid == EVP_PKEY_DSA)
		want = "EC, RSA or Ed25519: DSA is not part of TLS 1.3 (RFC 8446 4.2.3)";
	else if ((c->key_nid == EVP_PKEY_RSA || c->key_nid == EVP_PKEY_RSA_PSS) &&
		 c->key_bits < HF_RSA_BITS_MIN)
		want = "RSA of 2048 bits or more";
	else if (c->key_nid == EVP_PKEY_EC && c->key_bits < HF_EC_BITS_MIN)
		want = "a curve of 224 bits or more";
	else if (hf_key_has_explicit_parameters(key))
		want = "a named curve (RFC 5480 2.1.1), not one spelled out";
	if (want)
		hf_judge_find(j, HF_REASON_V_WEAK_KEY, HF_STEP_CHAIN, (int)depth, want, have);
}

void hf_check_strength(struct hf_judgement *j, size_t depth)
{
	const struct hf_cert *c = j->path->certs[depth];

	check_key(j, depth);
	/* An anchor is trusted as it is: nobody relies on its own signature (RFC 5280 6.1.1 (d)).
	 */
	if (!hf_judge_is_anchor(j, depth) && hf_cert_signature_is_weak(c)) {
		const char *name = OBJ_nid2sn(c->sig_md_nid);

		hf_judge_find(j, HF_REASON_V_WEAK_SIG, HF_STEP_CHAIN, (int)depth,
			      "SHA-256 or better", name ? name : "an unknown digest");
	}
}

static void check_serial(struct hf_judgement *j, size_t depth)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(j->path->certs[depth]->x509);
	int len = ASN1_STRING_length(serial);

	/* RFC 5280 4.1.2.2: users handle zero and negative ones gracefully; so any purpose accepts
	 * them. */
	if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER)
		hf_judge_warn(j, HF_REASON_V_SERIAL, HF_STEP_CHAIN, (int)depth, "a positive number",
			      "a negative one");
	else if (len == 0 || (len == 1 && ASN1_STRING_get0_data(serial)[0] == 0))
		hf_judge_warn(j, HF_REASON_V_SERIAL, HF_STEP_CHAIN, (int)depth, "a positive number",
			      "0");
	else if (len > 20)
		hf_judge_warn(j, HF_REASON_V_SERIAL, HF_STEP_CHAIN, (int)depth, "at most 20 bytes",
			      "more");
}

void hf_check_form(struct hf_judgement *j, size_t depth)
{
	const struct hf_cert *c = j->path->certs[depth];
	bool anchor = hf_judge_is_anchor(j, depth);

	if (c->flags & HF_CERT_UNKNOWN_CRITICAL)
		hf_judge_find(j, HF_REASON_V_CRITICAL_EXT, HF_STEP_CHAIN, (int)depth,
			      "critical extensions known here", c->unknown_critical);
	if (c->flags & HF_CERT_BAD_EXTENSION)
		hf_judge_find(j, HF_REASON_V_BAD_EXTENSION, HF_STEP_CHAIN, (int)depth, NULL, NULL);
	if (c->flags & HF_CERT_PROXY)
		hf_judge_find(j, HF_REASON_V_PROXY, HF_STEP_CHAIN, (int)depth, NULL, NULL);
	if (c->flags & HF_CERT_NAME_HAS_CONTROL)
		hf_judge_find(j, HF_REASON_V_NAME_CONTROL, HF_STEP_CHAIN, (int)depth,
			      "printable names", NULL);
	if (!anchor)
		check_serial(j, depth);
}
