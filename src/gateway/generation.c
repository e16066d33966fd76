/* SPDX-License-Identifier: Apache-2.0 */
/* Making a generation from files.  Must never hand out a half-made one: a bad reload leaves the old
 * one in place. */
#include "gateway/generation.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "gateway/revocations.h"
#include "pki/ocsp.h"
#include "util/clock.h"
#include "util/slim.h"

const char hf_gateway_sigalgs[] =
    "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512:ed25519:ed448:"
    "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"
    "rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:"
    "rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512";

static void policy_parts_done(struct hf_policy_parts *policy)
{
	free(policy->name);
	hf_strv_done(&policy->sni);
	hf_strv_done(&policy->listen);
	hf_filestamps_free(policy->files);
	hf_credential_free(policy->credential);
	hf_trust_unref(policy->trust);
	hf_rules_unref(policy->rules);
	free(policy->ocsp_url);
}

void hf_gateway_parts_done(struct hf_gateway_parts *parts)
{
	for (size_t i = 0; i < parts->policies_len; i++)
		policy_parts_done(&parts->policies[i]);
	for (size_t i = 0; i < parts->route_rules_len; i++)
		hf_rules_unref(parts->route_rules[i]);
	free(parts->policies);
	hf_credential_free(parts->follow);
	free(parts->route_rules);
	free(parts->health);
	hf_strv_done(&parts->watch);
	*parts = (struct hf_gateway_parts){ 0 };
}

struct hf_generation *hf_generation_ref(struct hf_generation *generation)
{
	generation->refs++;
	return generation;
}

struct hf_peers *hf_generation_peers(const struct hf_generation *generation)
{
	return hf_tls_context_peers(generation->policies[0].tls);
}

int64_t hf_generation_not_after(const struct hf_generation *generation)
{
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < generation->parts.policies_len; i++)
		first =
		    HF_MIN(first,
			   generation->policies[i].parts->credential->chain.items[0]->not_after);
	return first;
}

void hf_generation_unref(struct hf_generation *generation)
{
	if (generation == NULL || --generation->refs > 0)
		return;
	for (size_t i = 0; i < generation->fronts_len; i++)
		hf_tls_context_unref(generation->fronts[i]);
	for (size_t i = 0; i < generation->policies_len; i++) {
		hf_tls_context_unref(generation->policies[i].tls);
		hf_trust_unref(generation->policies[i].trust);
		hf_certs_done(&generation->policies[i].own.path);
		free(generation->policies[i].own.url);
	}
	free(generation->fronts);
	free(generation->policies);
	if (generation->base == NULL)
		hf_gateway_parts_done(&generation->parts);
	hf_generation_unref(generation->base);
	free(generation);
}

/* The names we send, in the order of the trust: equal digests ask for the same CAs. */
static int ca_names_digest(struct hf_policy *policy, struct hf_err *err)
{
	const struct hf_certs *anchors = hf_trust_anchors(policy->trust);
	HF_AUTO(EVP_MD_CTX) md = EVP_MD_CTX_new();
	uint8_t digest[HF_SHA256_LEN];
	bool ok = md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;

	for (size_t i = 0; ok && i < anchors->len; i++) {
		const X509_NAME *name = X509_get_subject_name(anchors->items[i]->x509);
		const unsigned char *der = NULL;
		size_t len = 0;

		ok = X509_NAME_get0_der(name, &der, &len) == 1 &&
		     EVP_DigestUpdate(md, der, len) == 1;
	}
	if (!ok || EVP_DigestFinal_ex(md, digest, NULL) != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "hashing the names of the trusted CAs");
	hf_hex_encode(digest, sizeof(digest), policy->ca_names_digest);
	return 0;
}

bool hf_gateway_fetches_lists(const struct hf_gateway_config *config)
{
	return config->follow.text != NULL || hf_url_is_among(config->follow.lists);
}

bool hf_gateway_follows(const struct hf_gateway_config *config)
{
	return config->follow.ocsp || hf_gateway_fetches_lists(config);
}

bool hf_gateway_originates(const struct hf_gateway_config *config)
{
	return config->origin.addresses != NULL;
}

const char *hf_gateway_scheme(const struct hf_gateway_config *config)
{
	return hf_gateway_originates(config) ? "tcp" : "https";
}

/* Nobody asks in a process that has no book: the supervisor only checks that a generation can be
 * made. */
static struct hf_tls_status status_of(const struct hf_policy *policy)
{
	if (policy->ocsp.book == NULL)
		return (struct hf_tls_status){ .look = NULL };
	/* the view lives as long as the generation, which every connection holds */
	return (struct hf_tls_status){ .look = hf_ocsp_look,
				       .arg = (void *)(uintptr_t)&policy->ocsp,
				       .hard = policy->ocsp.hard,
				       .policy = policy->ocsp.url };
}

static struct hf_tls_staple staple_of(const struct hf_policy *policy)
{
	if (policy->own.url == NULL)
		return (struct hf_tls_staple){ .get = NULL };
	return (struct hf_tls_staple){ hf_ocsp_staple_give, (void *)(uintptr_t)&policy->own };
}

/* Who issued our certificate, and whom to ask about it; without either there is nothing to hand
 * out, which was told when it was loaded. */
static int own_take(const struct hf_gateway_config *config, struct hf_policy *policy,
		    struct hf_err *err)
{
	const struct hf_credential *credential = policy->parts->credential;
	/* a list wants to count what it holds */
	struct hf_cert *issuer =
	    (struct hf_cert *)(uintptr_t)hf_credential_issuer(credential,
							      hf_trust_anchors(policy->trust));
	int rc;

	policy->own.book = config->ocsp;
	if (!policy->parts->staple || policy->own.book == NULL || issuer == NULL)
		return 0;
	rc = hf_certs_add(&policy->own.path, credential->chain.items[0], err);
	if (rc == 0)
		rc = hf_certs_add(&policy->own.path, issuer, err);
	if (rc == 0)
		policy->own.url = hf_ocsp_url(credential->chain.items[0]);
	return rc;
}

static struct hf_tls_config tls_config(const struct hf_gateway_config *config,
				       const struct hf_policy *policy, size_t tag,
				       struct hf_peers *peers)
{
	const struct hf_policy_parts *parts = policy->parts;
	bool client = hf_gateway_originates(config);
	const char *server_name = client ? config->origin.server_name : NULL;

	return (struct hf_tls_config){
		.role = client ? HF_TLS_CLIENT : HF_TLS_SERVER,
		.library = hf_slim_tls(),
		.credential = parts->credential,
		.trust = policy->trust,
		.rules = parts->rules,
		.client_auth = parts->client_auth,
		.silent = config->drop,
		.profile = parts->profile,
		.tls_min = parts->tls_min,
		.tls_max = parts->tls_max,
		.alpn = config->alpn,
		.sigalgs = hf_gateway_sigalgs,
		.chain_cap = config->chain_cap,
		.server_name = server_name,
		.verify_name = server_name,
		.status = status_of(policy),
		.staple = staple_of(policy),
		.resume = config->resume,
		.session_seconds = config->resume_seconds,
		.session_pool = config->session_pool,
		.scope = parts->name,
		.tag = tag,
		.peers = peers,
		.now = hf_clock_for_tls,
		.keylog = config->keylog,
		.keylog_arg = config->keylog_arg,
		.trace = config->trace,
		.trace_clock_us = config->trace_clock_us,
	};
}

static int complete_policy(const struct hf_gateway_config *config, struct hf_peers *peers,
			   struct hf_policy *policy, size_t tag, struct hf_err *err)
{
	struct hf_tls_config tls;
	uint8_t digest[HF_SHA256_LEN];
	int rc =
	    hf_revocations_trust(config->revocations, policy->parts->trust, &policy->trust, err);

	if (policy->parts->ocsp != HF_OCSP_OFF)
		policy->ocsp = (struct hf_ocsp_view){ config->ocsp, policy->parts->ocsp_url,
						      policy->parts->ocsp == HF_OCSP_HARD };
	if (rc == 0)
		rc = own_take(config, policy, err);
	tls = tls_config(config, policy, tag, peers);
	if (rc == 0)
		rc = ca_names_digest(policy, err);
	if (rc == 0)
		rc = hf_tls_context_new(&tls, &policy->tls, err);
	if (rc < 0)
		return rc;
	hf_trust_digest(policy->trust, digest);
	hf_hex_encode(digest, sizeof(digest), policy->trust_digest);
	return 0;
}

/* --- what clients meet at a listener ----------------------------------------------------- */

static bool is_at(const struct hf_policy_parts *parts, const char *listen)
{
	return parts->listen.len == 0 || hf_strv_has(&parts->listen, listen);
}

/* A policy of this listener goes before one of all listeners. */
static bool outdone(const struct hf_generation *generation, size_t tag, const char *name,
		    const char *listen)
{
	for (size_t i = 0;
	     generation->parts.policies[tag].listen.len == 0 && i < generation->parts.policies_len;
	     i++) {
		const struct hf_policy_parts *other = &generation->parts.policies[i];

		for (size_t n = 0; hf_strv_has(&other->listen, listen) && n < other->sni.len; n++)
			if (hf_str_case_eq(other->sni.items[n], name))
				return true;
	}
	return false;
}

static size_t list_names(const struct hf_generation *generation, const char *listen,
			 struct hf_tls_name *names)
{
	size_t n = 0;

	for (size_t i = 0; i < generation->parts.policies_len; i++) {
		const struct hf_policy_parts *parts = &generation->parts.policies[i];

		for (size_t s = 0; is_at(parts, listen) && s < parts->sni.len; s++)
			if (!outdone(generation, i, parts->sni.items[s], listen))
				names[n++] = (struct hf_tls_name){ parts->sni.items[s],
								   generation->policies[i].tls };
	}
	return n;
}

static size_t policy_for_the_rest(const struct hf_generation *generation, const char *listen)
{
	for (size_t i = 1; i < generation->parts.policies_len; i++) {
		const struct hf_policy_parts *parts = &generation->parts.policies[i];

		if (parts->sni.len == 0 && hf_strv_has(&parts->listen, listen))
			return i;
	}
	return 0;
}

static int make_front(const struct hf_gateway_config *config, struct hf_generation *generation,
		      const char *listen, struct hf_tls_name *names,
		      struct hf_tls_context **ret_front, struct hf_err *err)
{
	size_t tag = policy_for_the_rest(generation, listen);
	const struct hf_policy *policy = &generation->policies[tag];
	struct hf_tls_config tls =
	    tls_config(config, policy, tag, hf_tls_context_peers(policy->tls));

	tls.listener = listen;
	tls.names = names;
	tls.names_len = list_names(generation, listen, names);
	return hf_tls_context_new(&tls, ret_front, err);
}

/* Listeners differ in their names, or in nothing but that sessions do not cross. */
static int make_fronts(const struct hf_gateway_config *config, struct hf_generation *generation,
		       struct hf_err *err)
{
	const struct hf_strv *listen = config->listen;
	size_t len = listen != NULL ? listen->len : 1, names_len = 0;
	struct hf_tls_name *names;
	int rc = 0;

	for (size_t i = 0; i < generation->parts.policies_len; i++)
		names_len += generation->parts.policies[i].sni.len;
	names = calloc(names_len + 1, sizeof(*names));
	generation->fronts = calloc(len, sizeof(struct hf_tls_context *));
	if (names == NULL || generation->fronts == NULL)
		rc = hf_err_nomem(err);
	if (rc == 0 &&
	    (hf_gateway_originates(config) || (generation->parts.policies_len == 1 && len == 1)))
		for (; generation->fronts_len < len; generation->fronts_len++)
			generation->fronts[generation->fronts_len] =
			    hf_tls_context_ref(generation->policies[0].tls);
	while (rc == 0 && generation->fronts_len < len) {
		rc = make_front(config, generation, listen->items[generation->fronts_len], names,
				&generation->fronts[generation->fronts_len], err);
		generation->fronts_len += rc == 0;
	}
	free(names);
	return rc;
}

static struct hf_generation *generation_alloc(uint64_t number)
{
	struct hf_generation *generation = calloc(1, sizeof(*generation));

	if (generation == NULL)
		return NULL;
	generation->refs = 1;
	generation->number = number;
	generation->loaded_at = hf_clock_now();
	return generation;
}

/* What follows from the parts. */
static int complete(const struct hf_gateway_config *config, struct hf_peers *peers,
		    struct hf_generation *generation, struct hf_err *err)
{
	size_t len = generation->parts.policies_len;
	int rc = 0;

	generation->policies = calloc(len, sizeof(*generation->policies));
	if (generation->policies == NULL)
		return hf_err_nomem(err);
	generation->policies_len = len;
	for (size_t i = 0; rc == 0 && i < len; i++) {
		struct hf_policy *policy = &generation->policies[i];

		policy->parts = &generation->parts.policies[i];
		rc = complete_policy(config, peers, policy, i, err);
		if (rc < 0 && policy->parts->name != NULL)
			rc = hf_err_context(err, rc, "policy '%s'", policy->parts->name);
		else if (rc == 0) /* one table for all */
			peers = hf_tls_context_peers(policy->tls);
	}
	return rc < 0 ? rc : make_fronts(config, generation, err);
}

int hf_generation_new(const struct hf_gateway_config *config, uint64_t number,
		      struct hf_peers *peers, struct hf_generation **ret_generation,
		      struct hf_err *err)
{
	HF_AUTO(hf_generation) generation = generation_alloc(number);
	int rc;

	if (generation == NULL)
		return hf_err_nomem(err);
	rc = config->source.load(config->source.arg, number, &generation->parts, err);
	if (rc == 0)
		rc = complete(config, peers, generation, err);
	if (rc < 0)
		return rc;
	*ret_generation = hf_take(generation);
	return 0;
}

int hf_generation_from(const struct hf_gateway_config *config, uint64_t number,
		       struct hf_gateway_parts *parts, struct hf_generation **ret_generation,
		       struct hf_err *err)
{
	HF_AUTO(hf_generation) generation = generation_alloc(number);
	int rc;

	if (generation == NULL)
		return hf_err_nomem(err);
	generation->parts = *parts;
	*parts = (struct hf_gateway_parts){ 0 };
	rc = complete(config, NULL, generation, err);
	if (rc < 0)
		return rc;
	*ret_generation = hf_take(generation);
	return 0;
}

bool hf_parts_have_list(const struct hf_gateway_parts *parts, size_t before,
			const struct hf_crl *list)
{
	for (size_t i = 0; i < before; i++)
		if (hf_trust_has_list(parts->policies[i].trust, list))
			return true;
	return false;
}

int hf_generation_relist(const struct hf_gateway_config *config, struct hf_generation *old,
			 struct hf_generation **ret_generation, struct hf_err *err)
{
	struct hf_generation *base = old->base ? old->base : old;
	HF_AUTO(hf_generation) generation = generation_alloc(old->number);
	int rc;

	if (generation == NULL)
		return hf_err_nomem(err);
	generation->base = hf_generation_ref(base);
	generation->parts = base->parts;
	rc = complete(config, hf_generation_peers(old), generation, err);
	if (rc < 0)
		return rc;
	*ret_generation = hf_take(generation);
	return 0;
}
