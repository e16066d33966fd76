/* SPDX-License-Identifier: Apache-2.0 */
/* A trust as bytes, for a process that may open no file.  What comes out must judge as what went
 * in: the digests are equal. */
#include "trust/trust_internal.h"

#include "base/err.h"
#include "base/pack.h"

static void pack_certs(const struct hf_certs *certs, const struct hf_strv *labels,
		       struct hf_buf *out)
{
	hf_pack_number(out, certs->len);
	for (size_t i = 0; i < certs->len; i++) {
		hf_pack_bytes(out, certs->items[i]->der, certs->items[i]->der_len);
		if (labels)
			hf_pack_text(out, labels->items[i]);
	}
}

int hf_trust_pack(const struct hf_trust *trust, struct hf_buf *out, struct hf_err *err)
{
	hf_pack_number(out, (uint64_t)trust->crl_mode);
	hf_pack_number(out, (uint64_t)trust->crl_grace);
	pack_certs(&trust->anchors, &trust->labels, out);
	pack_certs(&trust->intermediates, NULL, out);
	hf_pack_number(out, trust->crls.len);
	for (size_t i = 0; i < trust->crls.len; i++)
		hf_pack_bytes(out, trust->crls.items[i]->der, trust->crls.items[i]->der_len);
	return hf_buf_failed(out) ? hf_err_set(err, HF_E_LIMIT, "the trust is too large") : 0;
}

static int unpack_certs(struct hf_unpack *in, struct hf_trust *trust, bool anchors,
			struct hf_err *err)
{
	uint64_t count = hf_unpack_number(in);

	for (uint64_t i = 0; !in->bad && i < count; i++) {
		HF_AUTO(hf_cert) cert = NULL;
		size_t len;
		const uint8_t *der = hf_unpack_bytes(in, &len);
		const char *label = anchors ? hf_unpack_text(in) : "";
		int rc = in->bad ? 0 : hf_cert_from_der(der, len, &cert, err);

		if (rc == 0 && cert)
			rc = anchors ? hf_trust_add_anchor(trust, cert, label, err)
				     : hf_trust_add_intermediate(trust, cert, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int unpack_lists(struct hf_unpack *in, struct hf_trust *trust, const struct hf_crls *at_hand,
			struct hf_err *err)
{
	uint64_t count = hf_unpack_number(in);

	for (uint64_t i = 0; !in->bad && i < count; i++) {
		size_t len;
		const uint8_t *der = hf_unpack_bytes(in, &len);
		int rc = in->bad ? 0 : hf_crls_add_der(&trust->crls, at_hand, der, len, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

int hf_trust_unpack(struct hf_unpack *in, uint64_t generation, const struct hf_crls *at_hand,
		    struct hf_trust **ret_trust, struct hf_err *err)
{
	HF_AUTO(hf_trust) trust = NULL;
	int rc = hf_trust_new(generation, &trust, err);

	if (rc < 0)
		return rc;
	trust->crl_mode = (enum hf_crl_mode)hf_unpack_number(in);
	trust->crl_grace = (int64_t)hf_unpack_number(in);
	rc = unpack_certs(in, trust, true, err);
	if (rc == 0)
		rc = unpack_certs(in, trust, false, err);
	if (rc == 0)
		rc = unpack_lists(in, trust, at_hand, err);
	if (rc == 0 && in->bad)
		rc = hf_err_set(err, HF_E_PARSE, "a packed trust is cut off");
	if (rc == 0)
		rc = hf_trust_freeze(trust, err);
	if (rc == 0)
		*ret_trust = hf_take(trust);
	return rc;
}
