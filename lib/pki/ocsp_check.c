/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an OCSP response may be believed.  Must never take the word of a responder that the
 * certificate's own issuer has not made one. */
#include "base/err.h"
#include "base/time.h"
#include "pki/der.h"
#include "pki/ocsp.h"

enum { SKEW_SECONDS = 300 }; /* clocks that are a little apart */

/* RFC 6960 4.2.2.2: the issuer itself, or one that it has certified for OCSP signing. */
static bool may_sign(X509 *signer, const struct hf_cert *issuer, int64_t at)
{
	HF_AUTO(hf_cert) responder = NULL;

	if (X509_cmp(signer, issuer->x509) == 0)
		return true;
	if (hf_cert_new(signer, &responder, NULL) < 0)
		return false;
	return X509_verify(signer, hf_cert_key_get0(issuer)) == 1 &&
	       X509_NAME_cmp(X509_get_issuer_name(signer), X509_get_subject_name(issuer->x509)) ==
		   0 &&
	       (X509_get_extension_flags(signer) & EXFLAG_XKUSAGE) &&
	       (X509_get_extended_key_usage(signer) & XKU_OCSP_SIGN) &&
	       responder->not_before <= at && at <= responder->not_after;
}

/* The issuer or a certificate that came along, whichever made the signature. */
static int check_signature(OCSP_BASICRESP *basic, const struct hf_cert *issuer, int64_t at,
			   struct hf_err *err)
{
	STACK_OF(X509) *candidates = sk_X509_new_null();
	X509 *signer = NULL;
	int rc = 0;

	if (!candidates || !sk_X509_push(candidates, issuer->x509)) {
		sk_X509_free(candidates);
		return hf_err_nomem(err);
	}
	if (OCSP_resp_get0_signer(basic, &signer, candidates) != 1 ||
	    OCSP_basic_verify(basic, candidates, NULL, OCSP_NOVERIFY | OCSP_TRUSTOTHER) != 1)
		rc = hf_err_set(err, HF_E_POLICY, "its signature does not verify");
	else if (!may_sign(signer, issuer, at))
		rc =
		    hf_err_set(err, HF_E_POLICY,
			       "it is signed by somebody whom the issuer has not made a responder");
	sk_X509_free(candidates);
	ERR_clear_error();
	return rc;
}

static int check_times(const struct hf_ocsp_says *says, int64_t at, struct hf_err *err)
{
	char when[HF_TIME_TEXT_CAP];

	if (says->this_update > at + SKEW_SECONDS) {
		hf_time_format(says->this_update, when);
		return hf_err_set(err, HF_E_POLICY, "it begins only at %s", when);
	}
	if (says->next_update == 0 || says->next_update >= at)
		return 0;
	hf_time_format(says->next_update, when);
	return hf_err_set(err, HF_E_POLICY, "it ended at %s", when);
}

/* The answer about this certificate among those that it gives. */
static int find(OCSP_BASICRESP *basic, const struct hf_cert *cert, const struct hf_cert *issuer,
		struct hf_ocsp_says *says, struct hf_err *err)
{
	static const enum hf_ocsp_status statuses[] = { [V_OCSP_CERTSTATUS_GOOD] = HF_OCSP_GOOD,
							[V_OCSP_CERTSTATUS_REVOKED] =
							    HF_OCSP_REVOKED,
							[V_OCSP_CERTSTATUS_UNKNOWN] =
							    HF_OCSP_UNKNOWN };
	HF_AUTO(OCSP_CERTID) id = OCSP_cert_to_id(EVP_sha1(), cert->x509, issuer->x509);
	ASN1_GENERALIZEDTIME *revoked = NULL, *from = NULL, *until = NULL;
	int status, reason = -1;

	if (!id)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot name a certificate for OCSP");
	if (!OCSP_resp_find_status(basic, id, &status, &reason, &revoked, &from, &until))
		return hf_err_set(err, HF_E_POLICY, "it says nothing of this certificate");
	*says = (struct hf_ocsp_says){ .status = status >= 0 && status < 3 ? statuses[status]
									   : HF_OCSP_UNKNOWN,
				       .reason = reason };
	if (!hf_asn1_time_read(from, &says->this_update) ||
	    (until && !hf_asn1_time_read(until, &says->next_update)) ||
	    (revoked && !hf_asn1_time_read(revoked, &says->revoked_at)))
		return hf_err_set(err, HF_E_PARSE, "its times make no sense");
	return 0;
}

int hf_ocsp_check(const uint8_t *der, size_t len, const struct hf_cert *cert,
		  const struct hf_cert *issuer, int64_t at, struct hf_ocsp_says *ret_says,
		  struct hf_err *err)
{
	HF_AUTO(OCSP_RESPONSE) response = NULL;
	HF_AUTO(OCSP_BASICRESP) basic = NULL;
	struct hf_ocsp_says says = { .reason = -1 };
	int rc;

	if (len <= HF_OCSP_RESPONSE_CAP)
		response = hf_der_decode(der, len, ASN1_ITEM_rptr(OCSP_RESPONSE));
	if (!response)
		return hf_err_set(err, HF_E_PARSE, "it is no OCSP response");
	if (OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
		return hf_err_set(err, HF_E_POLICY, "the responder says: %s",
				  OCSP_response_status_str(OCSP_response_status(response)));
	basic = OCSP_response_get1_basic(response);
	ERR_clear_error();
	if (!basic)
		return hf_err_set(err, HF_E_PARSE, "it is of an unknown kind");
	rc = check_signature(basic, issuer, at, err);
	if (rc == 0)
		rc = find(basic, cert, issuer, &says, err);
	if (rc == 0)
		rc = check_times(&says, at, err);
	if (rc == 0)
		*ret_says = says;
	return rc;
}
