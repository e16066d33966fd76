/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about the certificates above the leaf: is each a CA that may stand there.  Must never take
 * a certificate for a CA because somebody signed with it. */
#include <stdio.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/str.h"
#include "verify/judge.h"

static void check_is_ca(struct hf_judgement *j, size_t depth)
{
	const struct hf_cert *c = j->path->certs[depth];
	bool may_sign = (c->flags & HF_CERT_HAS_KU) && (c->ku & KU_KEY_CERT_SIGN);
	char have[64];

	if (c->flags & HF_CERT_CA)
		return;
	if (c->version < 3) {
		(void)snprintf(have, sizeof(have), "version %d", c->version);
		if (hf_judge_is_anchor(j, depth))
			hf_judge_quirk(j, HF_QUIRK_V1_ROOT, (int)depth, "version 3", have);
		else
			hf_judge_find(j, HF_REASON_V_V1_CA, HF_STEP_CHAIN, (int)depth, "version 3",
				      have);
		return;
	}
	if (c->flags & HF_CERT_HAS_BC)
		hf_judge_find(j, HF_REASON_V_NOT_A_CA, HF_STEP_CHAIN, (int)depth,
			      "basicConstraints CA:TRUE", "CA:FALSE");
	else if (may_sign &&
		 hf_judge_is_anchor(j, depth)) /* old roots; OpenSSL's X509_check_ca takes them */
		hf_judge_quirk(j, HF_QUIRK_ROOT_NO_BC, (int)depth, "basicConstraints CA:TRUE",
			       "no basicConstraints, only keyCertSign");
	else
		hf_judge_find(j, HF_REASON_V_NOT_A_CA, HF_STEP_CHAIN, (int)depth,
			      "basicConstraints CA:TRUE", "no basicConstraints");
}

/* The restriction of a CA's purpose binds what is below it: so everybody has it, RFC 5280 or not.
 */
static void check_purpose(struct hf_judgement *j, size_t depth, const struct hf_cert *c)
{
	bool client = j->options->purpose == HF_PURPOSE_CLIENT;
	HF_AUTO_DONE(hf_buf) have = HF_BUF_INIT(4096);
	enum hf_quirk quirk = HF_QUIRK_CA_EKU;

	if (j->options->purpose == HF_PURPOSE_ANY || !(c->flags & HF_CERT_HAS_EKU) ||
	    (c->eku & (client ? HF_EKU_CLIENT : HF_EKU_SERVER)))
		return;
	if (c->eku & HF_EKU_ANY)
		quirk = HF_QUIRK_CA_EKU_ANY;
	else if (hf_judge_is_anchor(j, depth))
		quirk = HF_QUIRK_ROOT_EKU;
	(void)hf_cert_format_eku(c, &have);
	hf_judge_quirk(j, quirk, (int)depth,
		       client ? "clientAuth, or no extended key usage"
			      : "serverAuth, or no extended key usage",
		       hf_buf_str(&have));
}

static void check_usage(struct hf_judgement *j, size_t depth)
{
	const struct hf_cert *c = j->path->certs[depth];
	HF_AUTO_DONE(hf_buf) have = HF_BUF_INIT(4096);

	if ((c->flags & HF_CERT_HAS_KU) && !(c->ku & KU_KEY_CERT_SIGN)) {
		(void)hf_cert_format_ku(c, &have);
		hf_judge_find(j, HF_REASON_V_CA_KU, HF_STEP_CHAIN, (int)depth, "keyCertSign",
			      hf_buf_str(&have));
	}
	check_purpose(j, depth, c);
}

/* RFC 5280 4.2.1.9: intermediates below that are not self-issued count; the last certificate does
 * not. */
static void check_pathlen(struct hf_judgement *j, size_t depth)
{
	const struct hf_cert *c = j->path->certs[depth];
	int below = 0;
	char want[48], have[48];

	for (size_t i = 1; i < depth; i++)
		below += !(j->path->certs[i]->flags & HF_CERT_SELF_ISSUED);
	if (c->pathlen < 0 || below <= c->pathlen)
		return;
	(void)snprintf(want, sizeof(want), "at most %d CAs below", c->pathlen);
	(void)snprintf(have, sizeof(have), "%d", below);
	if (hf_judge_is_anchor(j, depth))
		hf_judge_quirk(j, HF_QUIRK_ROOT_PATHLEN, (int)depth, want, have);
	else
		hf_judge_find(j, HF_REASON_V_PATHLEN, HF_STEP_CHAIN, (int)depth, want, have);
}

static const char *hex(const uint8_t *id, size_t len, char out[48])
{
	hf_hex_encode(id, HF_MIN(len, 20), out);
	return out;
}

/* The signature is good, yet the identifiers point elsewhere: OpenSSL would not look at this
 * issuer. */
static void check_key_id(struct hf_judgement *j, size_t depth)
{
	const struct hf_cert *child = j->path->certs[depth - 1], *c = j->path->certs[depth];
	char want[48], have[48];

	switch (X509_check_issued(c->x509, child->x509)) {
	case X509_V_ERR_AKID_SKID_MISMATCH:
		if (child->akid && c->skid)
			hf_judge_quirk(j, HF_QUIRK_AKI, (int)depth - 1,
				       hex(c->skid, c->skid_len, want),
				       hex(child->akid, child->akid_len, have));
		break;
	case X509_V_ERR_AKID_ISSUER_SERIAL_MISMATCH:
		hf_judge_quirk(j, HF_QUIRK_AKI, (int)depth - 1,
			       "the serial and issuer of the CA certificate above",
			       "those of another one");
		break;
	default:
		break;
	}
	ERR_clear_error();
}

void hf_check_issuer(struct hf_judgement *j, size_t depth)
{
	check_is_ca(j, depth);
	check_usage(j, depth);
	check_pathlen(j, depth);
	check_key_id(j, depth);
}

void hf_check_depth(struct hf_judgement *j)
{
	int max = j->options->max_depth;
	int have = j->path->len < 2 ? 0 : (int)j->path->len - 2;
	char want[64], text[32];

	if (max == 0)
		max = HF_DEPTH_DEFAULT;
	if (max < 0)
		max = 0;
	if (have <= max)
		return;
	(void)snprintf(want, sizeof(want), "at most %d intermediates", max);
	(void)snprintf(text, sizeof(text), "%d", have);
	hf_judge_find(j, HF_REASON_V_DEPTH, HF_STEP_CHAIN, (int)j->path->len - 2, want, text);
}

static bool issuer_is_trusted_too(const struct hf_judgement *j, const struct hf_cert *c)
{
	const struct hf_certs *anchors = hf_trust_anchors(j->trust);

	for (size_t i = 0; i < anchors->len; i++) {
		if (hf_cert_issued_by_name(c, anchors->items[i]))
			return true;
	}
	return false;
}

void hf_check_anchor(struct hf_judgement *j)
{
	size_t top = j->path->len - 1;
	const struct hf_cert *c = j->path->certs[top];

	if (top == 0) {
		if (c->flags & HF_CERT_CA)
			return;
		/* Who trusts a self-signed one means it; one that a CA signed is a mistake, and
		 * OpenSSL refuses it. */
		hf_judge_quirk(j,
			       c->flags & HF_CERT_SELF_ISSUED ? HF_QUIRK_TRUSTED_SELF
							      : HF_QUIRK_TRUSTED_LEAF,
			       0, "a CA certificate", "the certificate itself");
		return;
	}
	if ((c->flags & HF_CERT_SELF_ISSUED) || issuer_is_trusted_too(j, c))
		return;
	hf_judge_quirk(j, HF_QUIRK_PARTIAL_ANCHOR, (int)top, NULL, NULL);
}
