/* SPDX-License-Identifier: Apache-2.0 */
/* The judge on foreign certificates: a run of DER certificates, the first the leaf, the last the
 * only anchor, the rest sent along; lists of revocation behind them.  Whatever they are, there is a
 * verdict, it is of one piece, and it can be told. */
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"
#include "verify/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int64_t moments[] = { 0, 1795243171 };

static size_t element(const uint8_t *data, size_t size)
{
	size_t count, len = 0;

	if (size < 2 || data[0] != 0x30)
		return 0;
	if (data[1] < 0x80)
		return HF_MIN(size, (size_t)data[1] + 2);
	count = data[1] & 0x7fU;
	if (count == 0 || count > 3 || size < 2 + count)
		return 0;
	for (size_t i = 0; i < count; i++)
		len = len << 8 | data[2 + i];
	return HF_MIN(size, len + 2 + count);
}

static void take(const uint8_t *der, size_t len, struct hf_certs *certs, struct hf_trust *trust)
{
	struct hf_cert *cert = NULL;
	struct hf_crl *crl = NULL;

	if (hf_cert_from_der(der, len, &cert, NULL) == 0)
		(void)hf_certs_add(certs, cert, NULL);
	else if (hf_crl_from_der(der, len, &crl, NULL) == 0)
		(void)hf_trust_add_crl(trust, crl, NULL);
	hf_cert_unref(cert);
	hf_crl_unref(crl);
}

static void judge(const struct hf_certs *certs, const struct hf_trust *trust,
		  const struct hf_verify_options *o)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(1 << 24);
	HF_AUTO_DONE(hf_buf) json = HF_BUF_INIT(1 << 24);
	HF_AUTO_DONE(hf_verdict) v;
	struct hf_json j;

	if (hf_verify(certs, trust, o, &v, NULL) < 0)
		abort();
	if (v.accepted != (v.identity != NULL) || v.accepted != (v.alert == 0) ||
	    (!v.accepted && !hf_verdict_root(&v)))
		abort();
	for (size_t i = 0; i < v.findings_len; i++) {
		if (v.accepted && v.findings[i].severity == HF_SEVERITY_REFUSE)
			abort();
	}
	if (hf_verdict_format(&v, &text) < 0)
		abort();
	hf_json_init(&j, &json, false);
	hf_verdict_to_json(&v, &j, NULL);
	if (hf_buf_failed(&json))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HF_AUTO_DONE(hf_certs) certs = HF_CERTS_INIT;
	HF_AUTO(hf_trust) trust = NULL;
	size_t n;

	if (hf_trust_new(0, &trust, NULL) < 0)
		return 0;
	for (; (n = element(data, size)) > 0 && certs.len < 32; data += n, size -= n)
		take(data, n, &certs, trust);
	if (certs.len > 0)
		(void)hf_trust_add_anchor(trust, certs.items[certs.len - 1], "x", NULL);
	if (hf_trust_freeze(trust, NULL) < 0)
		return 0;
	for (unsigned i = 0; i < 4; i++) {
		struct hf_verify_options o = { .purpose =
						   i & 1 ? HF_PURPOSE_CLIENT : HF_PURPOSE_SERVER,
					       .profile =
						   i & 2 ? HF_PROFILE_STRICT : HF_PROFILE_OPENSSL,
					       .at = moments[i >> 1],
					       .name = "localhost",
					       .second_opinion = true };

		judge(&certs, trust, &o);
	}
	return 0;
}
