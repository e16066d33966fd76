/* SPDX-License-Identifier: Apache-2.0 */
/* Single facts about what was seen.  Must never guess: each is true or not. */
#include "explain/internal.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "base/time.h"
#include "pki/name.h"

bool hf_names_have(const STACK_OF(X509_NAME) *names, const X509_NAME *name)
{
	for (int i = 0; i < sk_X509_NAME_num(names); i++) {
		if (hf_name_equal(sk_X509_NAME_value(names, i), name))
			return true;
	}
	return false;
}

bool hf_chain_reaches(const struct hf_certs *chain, const STACK_OF(X509_NAME) *names)
{
	for (size_t i = 0; i < chain->len; i++) {
		if (hf_names_have(names, X509_get_issuer_name(chain->items[i]->x509)) ||
		    hf_names_have(names, X509_get_subject_name(chain->items[i]->x509)))
			return true;
	}
	return false;
}

struct scheme {
	int key_nid;
	enum hf_key_type type; /* HF_KEY_OTHER: any */
	unsigned code;
	bool tls13;
};
static const struct scheme schemes[] = {
	{ EVP_PKEY_EC, HF_KEY_P256, 0x0403, true },
	{ EVP_PKEY_EC, HF_KEY_P384, 0x0503, true },
	{ EVP_PKEY_EC, HF_KEY_OTHER, 0x0603, true },
	{ EVP_PKEY_EC, HF_KEY_OTHER, 0x0403, false },
	{ EVP_PKEY_EC, HF_KEY_OTHER, 0x0503, false },
	{ EVP_PKEY_EC, HF_KEY_OTHER, 0x0603, false },
	{ EVP_PKEY_RSA, HF_KEY_OTHER, 0x0804, true },
	{ EVP_PKEY_RSA, HF_KEY_OTHER, 0x0805, true },
	{ EVP_PKEY_RSA, HF_KEY_OTHER, 0x0806, true },
	{ EVP_PKEY_RSA, HF_KEY_OTHER, 0x0401, false },
	{ EVP_PKEY_RSA, HF_KEY_OTHER, 0x0501, false },
	{ EVP_PKEY_RSA, HF_KEY_OTHER, 0x0601, false },
	{ EVP_PKEY_ED25519, HF_KEY_OTHER, 0x0807, true },
	{ EVP_PKEY_ED448, HF_KEY_OTHER, 0x0808, true },
};

bool hf_key_can_sign(const struct hf_cert *leaf, const struct hf_demand *demand, bool tls13)
{
	if (!demand->seen || demand->sigalgs.total == 0 ||
	    demand->sigalgs.total > demand->sigalgs.len)
		return true; /* not said, or not all of it kept */
	for (size_t i = 0; i < HF_ARRAY_LEN(schemes); i++) {
		const struct scheme *s = &schemes[i];

		if (s->key_nid != leaf->key_nid || (tls13 && !s->tls13))
			continue;
		if (tls13 && s->type != HF_KEY_OTHER && s->type != leaf->key_type)
			continue;
		if (hf_codes_have(&demand->sigalgs, s->code))
			return true;
	}
	return false;
}

bool hf_speaks_tls(const struct hf_look *look)
{
	return look && (look->transcript.choice.seen ||
			hf_transcript_find(&look->transcript, HF_EVENT_ALERT, false));
}

bool hf_certificate_sent(const struct hf_transcript *t)
{
	return t->client.seen && t->client.certs.len > 0;
}

bool hf_leaf_alone(const struct hf_certs *sent)
{
	for (size_t i = 1; i < sent->len; i++) {
		if (!hf_cert_equal(sent->items[i], sent->items[0]))
			return false;
	}
	return sent->len > 0;
}

size_t hf_chain_bytes(const struct hf_certs *chain)
{
	size_t n = 0;

	for (size_t i = 0; i < chain->len; i++)
		n += chain->items[i]->der_len + 5;
	return n;
}

int64_t hf_clock_offset(const struct deduction *d, bool *ret_known)
{
	for (size_t i = 0; i < HF_LOOK_KINDS; i++) {
		const struct hf_look *look = &d->c->looks[i];

		if (look->made && look->http.date) {
			*ret_known = true;
			return look->http.date - look->at;
		}
	}
	*ret_known = false;
	return 0;
}

/* RFC 7633: a TLS feature of 5 (status_request). */
bool hf_wants_staple(const struct hf_cert *leaf)
{
	STACK_OF(ASN1_INTEGER) *features = X509_get_ext_d2i(leaf->x509, NID_tlsfeature, NULL, NULL);
	bool wants = false;

	for (int i = 0; i < sk_ASN1_INTEGER_num(features); i++)
		wants |= ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)) == 5;
	sk_ASN1_INTEGER_pop_free(features, ASN1_INTEGER_free);
	ERR_clear_error();
	return wants;
}

const struct hf_finding *hf_refusing_finding(const struct hf_verdict *v)
{
	const struct hf_finding *root = hf_verdict_root(v);

	return root && root->severity == HF_SEVERITY_REFUSE ? root : NULL;
}

/* The entry is older than the certificate: it was made for another one of this serial. */
bool hf_revoked_another(const struct hf_finding *f)
{
	static const char lead[] = "revoked at ";
	char when[HF_TIME_TEXT_CAP];
	int64_t at;

	if (f->reason != HF_REASON_V_REVOKED || !f->cert || !f->have ||
	    !hf_str_starts(f->have, lead))
		return false;
	(void)snprintf(when, sizeof(when), "%.*s", (int)strcspn(f->have + strlen(lead), " "),
		       f->have + strlen(lead));
	return hf_time_parse(when, &at) && at < f->cert->not_before;
}
