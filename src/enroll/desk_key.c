/* SPDX-License-Identifier: Apache-2.0 */
/* Keys at the desk: those that the authority makes for who asks.  Must never make one for a profile
 * whose policy does not say so, nor give a certificate with a key that is not its own. */
#include <string.h>

#include "base/err.h"
#include "enroll/desk_internal.h"
#include "enroll/keygen.h"

static int derive(struct hf_ask *ask, const struct hf_authority *a, enum hf_key_type type)
{
	struct hf_keygen_secret secret;
	int rc = hf_keygen_secret_load(a->dir, &secret, &ask->err);

	EVP_PKEY_free(hf_take(ask->made)); /* of an earlier try */
	if (rc == 0)
		rc = hf_keygen_derive(&secret, &ask->token, ask->csr->spki_sha256, type, &ask->made,
				      &ask->err);
	OPENSSL_cleanse(&secret, sizeof(secret));
	return rc;
}

static int refuse_profile(struct hf_ask *ask)
{
	return hf_ask_refuse(ask, 403, "policy",
			     "the authority makes no keys for certificates of this profile");
}

int hf_ask_make_key(struct hf_ask *ask, struct hf_authority *a, const struct hf_ca_profile *profile,
		    EVP_PKEY **ret_key)
{
	const struct hf_policy_profile *pp = hf_policy_profile(a->policy, profile);
	enum hf_key_type type = hf_policy_own_key_type(pp);
	int rc;

	if (!pp || !pp->serverkeygen)
		return refuse_profile(ask);
	if (!hf_keygen_can(type))
		return hf_ask_refuse(ask, 403, "policy",
				     "the policy allows none of the keys that the authority makes: "
				     "p256, p384, ed25519");
	rc = derive(ask, a, type);
	if (rc < 0)
		return hf_ask_fail(ask, rc);
	if (EVP_PKEY_up_ref(ask->made) != 1)
		return hf_ask_fail(ask, hf_err_nomem(&ask->err));
	*ret_key = ask->made;
	return 0;
}

/* A lost answer is asked for again soon; whoever finds the token in a log next year gets no key. */
int hf_ask_check_retry(struct hf_ask *ask, const struct hf_authority *a,
		       const struct hf_token *token, int64_t now)
{
	const struct hf_policy_profile *pp =
	    hf_policy_profile(a->policy, hf_ca_profile_find(token->profile));

	if (ask->form != HF_FORM_EST_KEY)
		return 0;
	if (!pp || !pp->serverkeygen)
		return refuse_profile(ask);
	if (now > HF_MAX(token->until, token->ended_at + HF_KEYGEN_RETRY_SECONDS))
		return hf_ask_refuse(ask, 403, "token-spent",
				     "the token has been used, too long ago to give its key again");
	return 0;
}

/* The kind is the certificate's: the policy may allow another by now. */
int hf_ask_check_key(struct hf_ask *ask, struct hf_authority *a)
{
	const EVP_PKEY *certified = X509_get0_pubkey(ask->cert->x509);
	enum hf_key_type type = hf_key_type_of(certified);
	int rc;

	if (ask->form != HF_FORM_EST_KEY)
		return memcmp(ask->cert->spki_sha256, ask->csr->spki_sha256, HF_SHA256_LEN) != 0;
	if (!hf_keygen_can(type))
		return 1;
	rc = derive(ask, a, type);
	if (rc < 0)
		return rc;
	if (hf_key_same(ask->made, certified))
		return 0;
	EVP_PKEY_free(hf_take(ask->made));
	return 1;
}
