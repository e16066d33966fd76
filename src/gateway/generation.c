/* SPDX-License-Identifier: Apache-2.0 */
/* Making a generation from files.  Must never hand out a half-made one: a bad reload leaves the old
 * one in place. */
#include "gateway/generation.h"

#include <stdlib.h>

#include "base/err.h"
#include "util/clock.h"

const char hf_gateway_sigalgs[] =
    "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512:ed25519:ed448:"
    "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"
    "rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:"
    "rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512";

void hf_gateway_parts_done(struct hf_gateway_parts *parts)
{
	hf_credential_free(parts->credential);
	hf_trust_unref(parts->trust);
	hf_rules_unref(parts->rules);
	hf_strv_done(&parts->files);
	*parts = (struct hf_gateway_parts){ 0 };
}

struct hf_generation *hf_generation_ref(struct hf_generation *generation)
{
	generation->refs++;
	return generation;
}

void hf_generation_unref(struct hf_generation *generation)
{
	if (generation == NULL || --generation->refs > 0)
		return;
	hf_tls_context_unref(generation->tls);
	hf_gateway_parts_done(&generation->parts);
	free(generation);
}

/* The names we send, in the order of the trust: equal digests ask for the same CAs. */
static int ca_names_digest(struct hf_generation *generation, struct hf_err *err)
{
	const struct hf_certs *anchors = hf_trust_anchors(generation->parts.trust);
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
	hf_hex_encode(digest, sizeof(digest), generation->ca_names_digest);
	return 0;
}

bool hf_gateway_originates(const struct hf_gateway_config *config)
{
	return config->origin.addresses != NULL;
}

const char *hf_gateway_scheme(const struct hf_gateway_config *config)
{
	return hf_gateway_originates(config) ? "tcp" : "https";
}

static int make_client_context(const struct hf_gateway_config *config, struct hf_peers *peers,
			       struct hf_generation *generation, struct hf_err *err)
{
	const struct hf_tls_config tls = {
		.role = HF_TLS_CLIENT,
		.credential = generation->parts.credential,
		.trust = generation->parts.trust,
		.rules = generation->parts.rules,
		.profile = config->profile,
		.tls_min = config->tls_min,
		.tls_max = config->tls_max,
		.alpn = config->alpn,
		.sigalgs = hf_gateway_sigalgs,
		.server_name = config->origin.server_name,
		.verify_name = config->origin.server_name,
		.peers = peers,
		.now = hf_clock_for_tls,
		.keylog = config->keylog,
		.keylog_arg = config->keylog_arg,
		.trace = config->trace,
		.trace_clock_us = config->trace_clock_us,
	};

	return hf_tls_context_new(&tls, &generation->tls, err);
}

static int make_context(const struct hf_gateway_config *config, struct hf_peers *peers,
			struct hf_generation *generation, struct hf_err *err)
{
	const struct hf_tls_config tls = {
		.role = HF_TLS_SERVER,
		.credential = generation->parts.credential,
		.trust = generation->parts.trust,
		.rules = generation->parts.rules,
		/* Dropping is done after the handshake, as Node does it: no alert is ever sent. */
		.client_auth = config->drop && config->client_auth == HF_CLIENT_AUTH_REQUIRE
				   ? HF_CLIENT_AUTH_REPORT
				   : config->client_auth,
		.profile = config->profile,
		.tls_min = config->tls_min,
		.tls_max = config->tls_max,
		.alpn = config->alpn,
		.sigalgs = hf_gateway_sigalgs,
		.resume = config->resume,
		.peers = peers,
		.now = hf_clock_for_tls,
		.keylog = config->keylog,
		.keylog_arg = config->keylog_arg,
		.trace = config->trace,
		.trace_clock_us = config->trace_clock_us,
	};

	return hf_tls_context_new(&tls, &generation->tls, err);
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
	uint8_t digest[HF_SHA256_LEN];
	int rc = ca_names_digest(generation, err);

	if (rc == 0)
		rc = hf_gateway_originates(config)
			 ? make_client_context(config, peers, generation, err)
			 : make_context(config, peers, generation, err);
	if (rc < 0)
		return rc;
	hf_trust_digest(generation->parts.trust, digest);
	hf_hex_encode(digest, sizeof(digest), generation->trust_digest);
	return 0;
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
