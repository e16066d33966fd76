/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor on what others will say: kinds of peers, what is presented elsewhere, the environment.
 * Must never ask the network: who looked hands the chain in. */
#include <stdlib.h>

#include <openssl/err.h>

#include "base/err.h"
#include "base/str.h"
#include "ca/doctor_internal.h"
#include "pki/name.h"
#include "verify/world.h"

static int add_objections(struct hf_doctor *d, struct hf_cert *cert, enum hf_purpose purpose,
			  const char *where, struct hf_err *err)
{
	HF_AUTO_DONE(hf_objections) objections = { NULL, 0 };
	int rc = hf_worlds_object(cert, purpose, &objections, err);

	for (size_t i = 0; rc == 0 && i < objections.len; i++) {
		const struct hf_objection *o = &objections.items[i];
		HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(64 * 1024);

		(void)hf_objection_format(o, purpose, &text);
		rc = hf_doctor_add(d,
				   o->reason == HF_REASON_V_UNSUITED ? HF_DOCTOR_UNSUITED
								     : HF_DOCTOR_WORLDS,
				   where, err, "%s is %s", cert->subject, hf_buf_str(&text));
	}
	return rc;
}

/* As what it is meant: who names no role is judged as a client, which asks for less. */
int hf_doctor_worlds(struct hf_doctor *d, struct hf_cert *cert, const char *where,
		     struct hf_err *err)
{
	bool server = cert->eku & HF_EKU_SERVER;
	int rc = 0;

	if (server)
		rc = add_objections(d, cert, HF_PURPOSE_SERVER, where, err);
	if (rc == 0 && (!server || (cert->eku & HF_EKU_CLIENT)))
		rc = add_objections(d, cert, HF_PURPOSE_CLIENT, where, err);
	return rc;
}

/* Who signed it, among the CA certificates known here; NULL when nobody did. */
static const struct hf_cert *issuer_among(const struct hf_certs *known, const struct hf_cert *leaf)
{
	const X509_NAME *name = X509_get_issuer_name(leaf->x509);
	const struct hf_cert *found = NULL;

	for (size_t i = 0; i < known->len && !found; i++) {
		const struct hf_cert *ca = known->items[i];
		EVP_PKEY *key = hf_cert_key_get0(ca);

		if (key && hf_name_equal(name, X509_get_subject_name(ca->x509)) &&
		    X509_verify(leaf->x509, key) == 1)
			found = ca;
	}
	ERR_clear_error();
	return found;
}

/* A leaf alone is whole when a root issued it.  Whether its issuer is one is known only of CAs that
 * are known here; of others it is a note, not a warning. */
static int look_for_gap(struct hf_doctor *d, const struct hf_certs *chain,
			const struct hf_certs *known, const char *where, struct hf_err *err)
{
	const struct hf_cert *leaf = chain->items[0], *issuer;

	if (chain->len > 1 || (leaf->flags & HF_CERT_SELF_ISSUED))
		return 0;
	issuer = issuer_among(known, leaf);
	if (!issuer)
		return hf_doctor_add(d, HF_DOCTOR_LONE_LEAF, where, err,
				     "%s comes alone, and its issuer is %s", leaf->subject,
				     leaf->issuer);
	if (issuer->flags & HF_CERT_SELF_ISSUED)
		return 0;
	return hf_doctor_add(d, HF_DOCTOR_NO_CHAIN, where, err, "%s comes without %s",
			     leaf->subject, issuer->subject);
}

int hf_doctor_chain(struct hf_doctor *d, const struct hf_certs *chain, const struct hf_certs *known,
		    const char *where, struct hf_err *err)
{
	static const struct hf_doctor_ends leaf_ends = { HF_DOCTOR_EXPIRED, HF_DOCTOR_EXPIRES };
	static const struct hf_doctor_ends ca_ends = { HF_DOCTOR_CA_EXPIRED, HF_DOCTOR_CA_EXPIRES };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < chain->len; i++) {
		d->looked_at++;
		rc = hf_doctor_cert(d, chain->items[i], where, i ? &ca_ends : &leaf_ends, err);
	}
	if (rc == 0)
		rc = look_for_gap(d, chain, known, where, err);
	return rc < 0 ? rc : hf_doctor_worlds(d, chain->items[0], where, err);
}

int hf_doctor_environment(struct hf_doctor *d, struct hf_err *err)
{
	static const struct {
		const char *name, *who;
	} variables[] = {
		{ "SSL_CERT_FILE",
		  "OpenSSL, Python and Go trust that file instead of the system's" },
		{ "SSL_CERT_DIR",
		  "OpenSSL, Python and Go trust that directory instead of the system's" },
		{ "CURL_CA_BUNDLE", "curl and requests trust that file only" },
		{ "REQUESTS_CA_BUNDLE", "Python's requests trusts that file only" },
		{ "GIT_SSL_CAINFO", "git trusts that file only" },
		{ "NODE_EXTRA_CA_CERTS", "Node trusts that file besides its own" },
		{ "OPENSSL_CONF", "every program with OpenSSL reads that configuration" },
	};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < HF_ARRAY_LEN(variables); i++) {
		const char *value = getenv(variables[i].name);

		if (value && *value)
			rc = hf_doctor_add(d, HF_DOCTOR_ENVIRONMENT, variables[i].name, err,
					   "%s: %s", value, variables[i].who);
	}
	return rc;
}
