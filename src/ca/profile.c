/* SPDX-License-Identifier: Apache-2.0 */
/* The table of profiles (RFC 5280 4.2.1.3, 4.2.1.9, 4.2.1.12). */
#include "ca/profile.h"

#include <string.h>

static const struct hf_ca_profile profiles[] = {
	{
	    .name = "root",
	    .words = "root certificate",
	    .ku = KU_KEY_CERT_SIGN | KU_CRL_SIGN,
	    .is_ca = true,
	    .days = 3650,
	    .purposes = { HF_PURPOSE_ANY },
	    .purposes_len = 1,
	},
	{
	    /* the root that issues itself, without an issuing CA below it */
	    .name = "single",
	    .words = "root certificate",
	    .ku = KU_KEY_CERT_SIGN | KU_CRL_SIGN,
	    .is_ca = true,
	    .has_pathlen = true,
	    .days = 3650,
	    .purposes = { HF_PURPOSE_ANY },
	    .purposes_len = 1,
	},
	{
	    /* the authority's own issuing CA */
	    .name = "issuing",
	    .words = "issuing CA certificate",
	    .ku = KU_KEY_CERT_SIGN | KU_CRL_SIGN,
	    .is_ca = true,
	    .has_pathlen = true,
	    .days = 1825,
	    .purposes = { HF_PURPOSE_ANY },
	    .purposes_len = 1,
	},
	{
	    .name = "intermediate",
	    .words = "intermediate CA certificate",
	    .ku = KU_KEY_CERT_SIGN | KU_CRL_SIGN,
	    .is_ca = true,
	    .has_pathlen = true,
	    .days = 1825,
	    .purposes = { HF_PURPOSE_ANY },
	    .purposes_len = 1,
	},
	{
	    /* of the authority itself: answers OCSP in a CA's name (RFC 6960 4.2.2.2) */
	    .name = "ocsp",
	    .words = "OCSP responder certificate",
	    .ku = KU_DIGITAL_SIGNATURE,
	    .ekus = { NID_OCSP_sign },
	    .days = 30,
	    .purposes = { HF_PURPOSE_ANY },
	    .purposes_len = 1,
	},
	{
	    .name = "server",
	    .words = "server certificate",
	    .ku = KU_DIGITAL_SIGNATURE,
	    .ku_rsa =
		KU_KEY_ENCIPHERMENT, /* for the RSA key exchange of TLS 1.2 (RFC 5246 7.4.2) */
	    .ekus = { NID_server_auth },
	    .names_hosts = true,
	    .days = 30,
	    .purposes = { HF_PURPOSE_SERVER },
	    .purposes_len = 1,
	},
	{
	    .name = "client",
	    .words = "client certificate",
	    .ku = KU_DIGITAL_SIGNATURE,
	    .ekus = { NID_client_auth },
	    .days = 30,
	    .purposes = { HF_PURPOSE_CLIENT },
	    .purposes_len = 1,
	},
	{
	    .name = "peer",
	    .words = "peer certificate (server and client)",
	    .ku = KU_DIGITAL_SIGNATURE,
	    .ku_rsa = KU_KEY_ENCIPHERMENT,
	    .ekus = { NID_server_auth, NID_client_auth },
	    .names_hosts = true,
	    .days = 30,
	    .purposes = { HF_PURPOSE_SERVER, HF_PURPOSE_CLIENT },
	    .purposes_len = 2,
	},
};

static const char *const names[] = { "server", "client", "peer", "intermediate", NULL };

const struct hf_ca_profile *hf_ca_profile_find(const char *name)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(profiles); i++) {
		if (strcmp(profiles[i].name, name) == 0)
			return &profiles[i];
	}
	return NULL;
}

const char *const *hf_ca_profile_names(void)
{
	return names;
}

bool hf_ca_profile_is_own(const struct hf_ca_profile *profile)
{
	for (size_t i = 0; names[i]; i++) {
		if (strcmp(names[i], profile->name) == 0)
			return false;
	}
	return true;
}

unsigned hf_ca_profile_usage(const struct hf_ca_profile *profile, const EVP_PKEY *key)
{
	return EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA ? profile->ku | profile->ku_rsa
							 : profile->ku;
}

bool hf_ca_profile_has_eku(const struct hf_ca_profile *profile, int nid)
{
	for (size_t i = 0; i < HF_PROFILE_EKUS && profile->ekus[i] != NID_undef; i++) {
		if (profile->ekus[i] == nid)
			return true;
	}
	return false;
}
