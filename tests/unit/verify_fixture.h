/* SPDX-License-Identifier: Apache-2.0 */
/* A trust, a chain and a verdict for the judge's tests. */
#ifndef HF_TESTS_VERIFY_FIXTURE_H
#define HF_TESTS_VERIFY_FIXTURE_H

#include "certmake.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"
#include "verify/rules.h"
#include "verify/verify.h"

/* Lists end with NULL. */
HF_UNUSED static struct hf_trust *vf_trust(const struct certmade *const *anchors,
					   const struct certmade *const *intermediates,
					   struct hf_crl *const *crls)
{
	struct hf_trust *t = NULL;

	assert_int_equal(hf_trust_new(1, &t, NULL), 0);
	for (; anchors && *anchors; anchors++)
		assert_int_equal(hf_trust_add_anchor(t, (*anchors)->cert, "own", NULL), 0);
	for (; intermediates && *intermediates; intermediates++)
		assert_int_equal(hf_trust_add_intermediate(t, (*intermediates)->cert, NULL), 0);
	for (; crls && *crls; crls++)
		assert_int_equal(hf_trust_add_crl(t, *crls, NULL), 0);
	assert_int_equal(hf_trust_freeze(t, NULL), 0);
	return t;
}

HF_UNUSED static void vf_judge(const struct certmade *const *sent, const struct hf_trust *trust,
			       const struct hf_verify_options *options, struct hf_verdict *verdict)
{
	HF_AUTO_DONE(hf_certs) chain = HF_CERTS_INIT;
	struct hf_verify_options o = *options;
	struct hf_err err = HF_ERR_INIT;

	for (; *sent; sent++)
		assert_int_equal(hf_certs_add(&chain, (*sent)->cert, NULL), 0);
	if (!o.at)
		o.at = CERTMAKE_NOW;
	if (hf_verify(&chain, trust, &o, verdict, &err) < 0)
		fail_msg("no judgement: %s", err.msg);
}

HF_UNUSED static const char *vf_cause(const struct hf_verdict *v)
{
	const struct hf_finding *f = hf_verdict_root(v);

	return f ? hf_reason_info(f->reason)->id : "";
}

/* Says what was found when the expectation fails. */
HF_UNUSED static void vf_expect(const char *label, const struct hf_verdict *v, bool accepted,
				const char *cause)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(1 << 20);

	(void)hf_verdict_format(v, &text);
	if (v->accepted != accepted || (cause && strcmp(vf_cause(v), cause) != 0))
		fail_msg("%s: want %s %s, have %s:\n%s", label, accepted ? "accepted" : "refused",
			 cause ? cause : "", v->accepted ? "accepted" : "refused",
			 hf_buf_str(&text));
}

#endif
