/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about one certificate by itself: its dates, its key, its signature's strength, its form.
 * Must never look at other certificates. */
#include "base/str.h"
#include "base/time.h"
#include "verify/judge.h"
#include "verify/weak.h"

enum {
	LIFE_MAX = 825 * HF_DAY_SECONDS, /* of a server's certificate, whoever issued it */
	RSA_BITS_ANYBODY = 1024,	 /* below, nobody takes it */
	P521_BITS = 521,
};

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

/* The anchor's dates are its own matter for some (RFC 5280 6.1.1 (d) has no dates). */
static void report_time(struct hf_judgement *j, size_t depth, bool late, int64_t limit)
{
	static const struct {
		enum hf_reason leaf, ca;
		enum hf_quirk root;
		const char *word;
	} rows[] = {
		{ HF_REASON_V_NOT_YET, HF_REASON_V_CA_NOT_YET, HF_QUIRK_ROOT_NOT_YET,
		  "notBefore <=" },
		{ HF_REASON_V_EXPIRED, HF_REASON_V_CA_EXPIRED, HF_QUIRK_ROOT_EXPIRED,
		  "notAfter >=" },
	};
	char now[HF_TIME_TEXT_CAP], want[HF_TIME_TEXT_CAP + 16], have[HF_TIME_TEXT_CAP];

	hf_time_format(j->options->at, now);
	hf_time_format(limit, have);
	(void)snprintf(want, sizeof(want), "%s %s", rows[late].word, now);
	if (depth > 0 && hf_judge_is_anchor(j, depth))
		hf_judge_quirk(j, rows[late].root, (int)depth, want, have);
	else
		hf_judge_find(j, depth == 0 ? rows[late].leaf : rows[late].ca, HF_STEP_CHAIN,
			      (int)depth, want, have);
}

static void check_life(struct hf_judgement *j, const struct hf_cert *c)
{
	char have[64];

	if (j->options->purpose == HF_PURPOSE_CLIENT || c->flags & HF_CERT_CA ||
	    c->not_after - c->not_before <= LIFE_MAX)
		return;
	(void)snprintf(have, sizeof(have), "%lld days",
		       (long long)((c->not_after - c->not_before) / HF_DAY_SECONDS));
	hf_judge_quirk(j, HF_QUIRK_LONG_LIFE, 0, "at most 825 days (Safari and what Apple makes)",
		       have);
}

void hf_check_time(struct hf_judgement *j, size_t depth)
{
	const struct hf_cert *c = j->path->certs[depth];

	if (c->flags & HF_CERT_BAD_TIME) {
		hf_judge_find(j, HF_REASON_F_CRITICAL_LOAD, HF_STEP_CHAIN, (int)depth,
			      "dates as RFC 5280 4.1.2.5 has them",
			      "a validity date that does not parse");
		return;
	}
	/* RFC 5280 4.1.2.5: from notBefore through notAfter, inclusive. */
	if (j->options->at > c->not_after)
		report_time(j, depth, true, c->not_after);
	if (j->options->at < c->not_before)
		report_time(j, depth, false, c->not_before);
	if (c->not_after < j->valid_until)
		j->valid_until = c->not_after;
}

static bool is_rsa(const struct hf_cert *c)
{
	return c->key_nid == EVP_PKEY_RSA || c->key_nid == EVP_PKEY_RSA_PSS;
}

/* Below 2048 bits, and what the three kinds of peers make of it. */
static void check_rsa(struct hf_judgement *j, size_t depth, EVP_PKEY *key, const char *have)
{
	const struct hf_cert *c = j->path->certs[depth];
	const char *want = "RSA of 2048 bits or more";

	if (c->key_bits < RSA_BITS_ANYBODY)
		hf_judge_find(j, HF_REASON_V_WEAK_KEY, HF_STEP_CHAIN, (int)depth, want, have);
	else if (c->key_bits < HF_RSA_BITS_MIN)
		hf_judge_quirk(j,
			       EVP_PKEY_get_security_bits(key) < HF_SECURITY_BITS_MIN
				   ? HF_QUIRK_RSA_SHORT
				   : HF_QUIRK_RSA_NEARLY,
			       (int)depth, want, have);
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
	else if (c->key_nid == EVP_PKEY_EC && c->key_bits < HF_EC_BITS_MIN)
		want = "a curve of 224 bits or more";
	if (want)
		hf_judge_find(j, HF_REASON_V_WEAK_KEY, HF_STEP_CHAIN, (int)depth, want, have);
	else if (hf_key_has_explicit_parameters(key))
		hf_judge_quirk(j, HF_QUIRK_CURVE_SPELLED_OUT, (int)depth,
			       "a named curve, not one spelled out", have);
	else if (is_rsa(c))
		check_rsa(j, depth, key, have);
}

/* Keys that some TLS library does not know: the leaf's in the handshake. */
static void check_leaf_kind(struct hf_judgement *j, const struct hf_cert *c)
{
	const char *want = "a P-256, P-384 or RSA key";

	if (c->key_nid == EVP_PKEY_ED448)
		hf_judge_quirk(j, HF_QUIRK_KEY_ED448, 0, want, "Ed448");
	else if (c->key_nid == EVP_PKEY_ED25519)
		hf_judge_quirk(j, HF_QUIRK_KEY_ED25519, 0, want, "Ed25519");
	else if (c->key_nid == EVP_PKEY_EC && c->key_bits == P521_BITS)
		hf_judge_quirk(j, HF_QUIRK_KEY_P521, 0, want, "P-521");
}

static void check_signature_kind(struct hf_judgement *j, size_t depth, const struct hf_cert *c)
{
	int nid = X509_get_signature_nid(c->x509);
	const char *want = "an ECDSA or RSA signature";

	if (nid == NID_ED448)
		hf_judge_quirk(j, HF_QUIRK_SIGNED_ED448, (int)depth, want, "Ed448");
	else if (nid == NID_ED25519)
		hf_judge_quirk(j, HF_QUIRK_SIGNED_ED25519, (int)depth, want, "Ed25519");
}

static void check_digest(struct hf_judgement *j, size_t depth, const struct hf_cert *c)
{
	const char *name = OBJ_nid2sn(c->sig_md_nid), *want = "SHA-256 or better";

	if (!hf_cert_signature_is_weak(c))
		return;
	if (c->sig_md_nid == NID_sha1)
		hf_judge_quirk(j, HF_QUIRK_SHA1, (int)depth, want, name);
	else
		hf_judge_find(j, HF_REASON_V_WEAK_SIG, HF_STEP_CHAIN, (int)depth, want,
			      name ? name : "an unknown digest");
}

void hf_check_strength(struct hf_judgement *j, size_t depth)
{
	const struct hf_cert *c = j->path->certs[depth];

	check_key(j, depth);
	if (depth == 0)
		check_leaf_kind(j, c);
	/* An anchor is trusted as it is: nobody relies on its own signature (RFC 5280 6.1.1 (d)).
	 */
	if (hf_judge_is_anchor(j, depth))
		return;
	check_signature_kind(j, depth, c);
	check_digest(j, depth, c);
}

static void check_serial(struct hf_judgement *j, size_t depth)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(j->path->certs[depth]->x509);
	int len = ASN1_STRING_length(serial);

	/* RFC 5280 4.1.2.2: users handle zero and negative ones gracefully; so any purpose accepts
	 * them. */
	if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER)
		hf_judge_quirk(j, HF_QUIRK_SERIAL_NEGATIVE, (int)depth, "a positive number",
			       "a negative one");
	else if (len == 0 || (len == 1 && ASN1_STRING_get0_data(serial)[0] == 0))
		hf_judge_quirk(j, HF_QUIRK_SERIAL_ZERO, (int)depth, "a positive number", "0");
	else if (len > 20)
		hf_judge_quirk(j, HF_QUIRK_SERIAL_LONG, (int)depth, "at most 20 bytes", "more");
}

/* Key identifiers are known to everybody; that they are marked critical is what some refuse. */
static void check_critical(struct hf_judgement *j, size_t depth, const struct hf_cert *c)
{
	static const char *const key_ids[] = { "2.5.29.14", "2.5.29.35" };
	const char *want = "critical extensions known here";

	for (size_t i = 0; i < HF_ARRAY_LEN(key_ids); i++) {
		if (hf_str_eq(c->unknown_critical, key_ids[i])) {
			hf_judge_quirk(j, HF_QUIRK_KEY_ID_CRITICAL, (int)depth, want,
				       c->unknown_critical);
			return;
		}
	}
	hf_judge_find(j, HF_REASON_V_CRITICAL_EXT, HF_STEP_CHAIN, (int)depth, want,
		      c->unknown_critical);
}

void hf_check_form(struct hf_judgement *j, size_t depth)
{
	const struct hf_cert *c = j->path->certs[depth];
	bool anchor = hf_judge_is_anchor(j, depth);

	if (c->flags & HF_CERT_UNKNOWN_CRITICAL)
		check_critical(j, depth, c);
	if (c->flags & HF_CERT_BAD_EXTENSION)
		hf_judge_find(j, HF_REASON_V_BAD_EXTENSION, HF_STEP_CHAIN, (int)depth, NULL, NULL);
	if (c->flags & HF_CERT_PROXY)
		hf_judge_find(j, HF_REASON_V_PROXY, HF_STEP_CHAIN, (int)depth, NULL, NULL);
	if (c->flags & HF_CERT_NAME_HAS_CONTROL)
		hf_judge_quirk(j, HF_QUIRK_NAME_CONTROL, (int)depth, "printable names", NULL);
	if (!anchor)
		check_serial(j, depth);
	if (depth == 0)
		check_life(j, c);
}
