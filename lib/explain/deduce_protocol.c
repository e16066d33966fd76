/* SPDX-License-Identifier: Apache-2.0 */
/* Below the certificates: do the two know a common version, suite, group, name and protocol.  Must
 * never name one list of several that a wider look did not single out. */
#include "explain/internal.h"

#include <string.h>

static const char *key_words(const struct hf_look *look, int *ret_nid)
{
	const struct hf_certs *certs = &look->transcript.server.certs;

	*ret_nid = certs->len ? certs->items[0]->key_nid : 0;
	return *ret_nid == EVP_PKEY_EC	      ? "an ECDSA key"
	       : *ret_nid == EVP_PKEY_RSA     ? "an RSA key"
	       : *ret_nid == EVP_PKEY_ED25519 ? "an Ed25519 key"
					      : "a key of another type";
}

/* TLS 1.2 suites name the type of key (RFC 8422 2); TLS 1.3 suites do not. */
static bool suites_fit_key(const struct hf_codes *suites, int key_nid)
{
	static const uint16_t rsa[] = { 0xc02f, 0xc030, 0xc013, 0xc014, 0xc027, 0xc028,
					0xcca8, 0x009c, 0x009d, 0x002f, 0x0035, 0x003c,
					0x003d, 0x009e, 0x009f, 0xccaa, 0x0033, 0x0039 };
	static const uint16_t ec[] = { 0xc02b, 0xc02c, 0xc009, 0xc00a, 0xc023, 0xc024, 0xcca9 };
	const uint16_t *fit = key_nid == EVP_PKEY_RSA ? rsa : ec;
	size_t len = key_nid == EVP_PKEY_RSA ? HF_ARRAY_LEN(rsa) : HF_ARRAY_LEN(ec);

	for (size_t i = 0; i < len; i++) {
		if (hf_codes_have(suites, fit[i]))
			return true;
	}
	return false;
}

static bool schemes_fit_key(const struct hf_codes *sigalgs, const struct hf_cert *leaf)
{
	struct hf_demand as_demand = { .seen = true, .sigalgs = *sigalgs };

	return hf_key_can_sign(leaf, &as_demand, false);
}

/* A digitalSignature-less certificate cannot serve ECDHE at all (RFC 8422 5.3). */
static bool server_key_usage(struct deduction *d, const struct hf_certs *certs)
{
	const struct hf_cert *leaf = certs->len ? certs->items[0] : NULL;

	if (!leaf || !(leaf->flags & HF_CERT_HAS_KU) || (leaf->ku & KU_DIGITAL_SIGNATURE))
		return false;
	hf_decide(d, HF_REASON_V_KU, HF_SIDE_SERVER, HF_CERTAIN);
	d->e->fault_in = HF_SIDE_SERVER;
	hf_set_cert(d->e, HF_ROLE_SERVER_LEAF, certs->items[0]);
	hf_say_evidence(d->e, "the server's certificate allows no digitalSignature, so no modern "
			      "suite is left");
	return true;
}

static void say_found(struct deduction *d, const struct hf_look *open, const char *what)
{
	char a[8], b[8];

	hf_say_evidence(d->e, "%s: the server takes %s with %s", what,
			hf_version_name(open->transcript.choice.version, a),
			open->transcript.choice.group
			    ? hf_group_name(open->transcript.choice.group, b)
			    : "its own group");
}

static bool share_group(const struct hf_transcript *narrow, const struct hf_look *open)
{
	return open->transcript.choice.group == 0 ||
	       hf_codes_have(&narrow->offer.groups, open->transcript.choice.group);
}

/* Alert 40 to the ClientHello: which of the lists has nothing in common?  A look with wider lists
 * shows what the server has. */
static bool from_open_look(struct deduction *d, const struct hf_look *open)
{
	const struct hf_certs *certs = &open->transcript.server.certs;
	const struct hf_offer *offer = &d->t->offer;
	struct hf_cert *leaf = certs->len ? certs->items[0] : NULL;
	enum hf_reason cause = HF_REASON_P_CIPHER;
	bool in_tls12 = hf_highest_version(&offer->versions) < 0x0304 ||
			open->transcript.choice.version < 0x0304;
	int nid;
	const char *key = key_words(open, &nid);

	if (server_key_usage(d, certs))
		return true;
	if (offer->versions.len &&
	    !hf_codes_have(&offer->versions, open->transcript.choice.version)) {
		/* GnuTLS says 40 where others say 70 */
		hf_versions_apart(d, HF_SIDE_SERVER, open->transcript.choice.version);
		return true;
	}
	if (leaf && d->c->set.sigalgs && !schemes_fit_key(&offer->sigalgs, leaf))
		cause = HF_REASON_P_SIGALG;
	else if (leaf && in_tls12 && nid != EVP_PKEY_ED25519 &&
		 !suites_fit_key(&offer->ciphers, nid))
		cause = HF_REASON_P_CIPHER_KEY;
	else if (hf_codes_have(&offer->ciphers, open->transcript.choice.cipher) ||
		 !share_group(d->t, open))
		cause = HF_REASON_P_GROUP;
	hf_decide(d, cause, HF_SIDE_SERVER, HF_LIKELY);
	if (cause == HF_REASON_P_SIGALG || cause == HF_REASON_P_CIPHER_KEY) {
		d->e->confidence = HF_CERTAIN;
		hf_set_cert(d->e, HF_ROLE_SERVER_LEAF, leaf);
		hf_say_evidence(d->e, "the server's certificate %s has %s", leaf->subject, key);
	}
	say_found(d, open, "with wider lists");
	return true;
}

/* rsa_pkcs1_* and ecdsa_sha1: of TLS 1.2 only (RFC 8446 4.2.3). */
static bool only_old_schemes(const struct hf_codes *schemes)
{
	for (size_t i = 0; i < schemes->len; i++) {
		if ((schemes->items[i] & 0xff) != 0x01 && schemes->items[i] >> 8 != 0x02)
			return false;
	}
	return schemes->len > 0;
}

static void blame_schemes(struct deduction *d, const struct hf_look *old)
{
	char name[8];
	const struct hf_codes *schemes = &old->transcript.demand.sigalgs;

	hf_decide(d, HF_REASON_P_SIGALG, HF_SIDE_SERVER, HF_CERTAIN);
	d->e->fault_in = HF_SIDE_SERVER;
	if (old->transcript.server.certs.len)
		hf_set_cert(d->e, HF_ROLE_SERVER_LEAF, old->transcript.server.certs.items[0]);
	hf_say_why(d->e, "The server speaks TLS 1.3, and its list of signature schemes has only "
			 "such as TLS 1.2 allows, so its key can make no signature there.");
	hf_say_fix(d->e, "let the server accept rsa_pss_rsae_sha256 (or ecdsa_secp256r1_sha256 for "
			 "such a key) too, or keep it at TLS 1.2");
	hf_say_evidence(d->e,
			"in TLS 1.2 the two meet, and the server names %zu scheme%s there, %s "
			"first: none is of TLS 1.3",
			schemes->len, schemes->len == 1 ? "" : "s",
			hf_scheme_name(schemes->items[0], name));
}

/* Everything was offered, and it said 40: is it TLS 1.3 that does not work? */
static bool in_older_tls(struct deduction *d)
{
	const struct hf_look *old = hf_look_of(d, HF_LOOK_TLS12);

	if (d->c->set.versions || !hf_look_of(d, HF_LOOK_ANYTHING))
		return false;
	if (!old)
		return hf_want(d, HF_LOOK_TLS12);
	if (old->transcript.choice.seen && only_old_schemes(&old->transcript.demand.sigalgs)) {
		blame_schemes(d, old);
		return true;
	}
	if (hf_transcript_failure(&old->transcript, false) != 70)
		return false;
	hf_decide(d, HF_REASON_P_SIGALG, HF_SIDE_SERVER, HF_LIKELY);
	d->e->fault_in = HF_SIDE_SERVER;
	hf_add_candidate(d->e, HF_REASON_P_GROUP);
	hf_add_candidate(d->e, HF_REASON_P_CIPHER);
	hf_say_why(d->e, "The server speaks TLS 1.3 only, and every suite, group and scheme of it "
			 "was offered: what is left is that its own list of schemes has none that "
			 "its key can make.");
	hf_say_fix(d->e, "let the server use a scheme of its key's type: rsa_pss_rsae_sha256 for "
			 "RSA, ecdsa_secp256r1_sha256 for P-256");
	hf_say_evidence(d->e, "alert 70 to an offer of TLS 1.2, alert 40 to one of TLS 1.3");
	return true;
}

static bool no_common(struct deduction *d)
{
	const struct hf_client_settings *set = &d->c->set;
	bool narrowed = set->ciphers || set->groups || set->sigalgs || set->versions;
	const struct hf_look *open = hf_look_of(d, HF_LOOK_DEFAULTS);

	if (narrowed && !open && hf_want(d, HF_LOOK_DEFAULTS))
		return true;
	if (!open || !open->transcript.choice.seen) {
		open = hf_look_of(d, HF_LOOK_ANYTHING);
		if (!open && hf_want(d, HF_LOOK_ANYTHING))
			return true;
	}
	if (open && open->transcript.choice.seen) {
		bool group_only = set->groups && !set->ciphers && !set->sigalgs;

		if (from_open_look(d, open) && group_only && d->e->cause == HF_REASON_P_CIPHER)
			hf_decide(d, HF_REASON_P_GROUP, HF_SIDE_SERVER, HF_CERTAIN);
		return true;
	}
	if (d->c->server_chain.len > 0 && server_key_usage(d, &d->c->server_chain))
		return true;
	if (in_older_tls(d))
		return true;
	/* with wide lists none of ours is the likely one */
	hf_decide(d, set->groups ? HF_REASON_P_GROUP : HF_REASON_P_CIPHER, HF_SIDE_SERVER,
		  narrowed ? HF_LIKELY : HF_CANNOT_KNOW);
	hf_add_candidate(d->e, HF_REASON_P_GROUP);
	hf_add_candidate(d->e, HF_REASON_P_SIGALG);
	hf_add_candidate(d->e, HF_REASON_V_KU);
	if (!narrowed) {
		hf_say_why(d->e, "The server refuses every offer, even that of all suites, groups "
				 "and signature schemes there are here: what it allows itself is "
				 "too little, or does not fit its own key.");
		hf_say_fix(d->e, "let the server have a suite, a group and a signature scheme for "
				 "its type of key: ECDHE-ECDSA-AES128-GCM-SHA256 and "
				 "ecdsa_secp256r1_sha256 for ECDSA, ECDHE-RSA-AES128-GCM-SHA256 "
				 "and rsa_pss_rsae_sha256 for RSA, X25519 or P-256");
	}
	hf_say_cannot_know(d->e, "which of its lists the server compared: its log says");
	return true;
}

/* Only alerts that answer the ClientHello itself. */
static bool answer_to_hello(struct deduction *d, int alert)
{
	if (alert == 70)
		return hf_deduce_version(d, true);
	if (alert == 112) {
		hf_decide(d, HF_REASON_P_SNI, HF_SIDE_SERVER, HF_CERTAIN);
		hf_say_evidence(d->e, "server name asked for: %s",
				d->t->offer.sni ? d->t->offer.sni : "(none)");
		return true;
	}
	if (alert == 120) {
		hf_decide(d, HF_REASON_P_ALPN, HF_SIDE_SERVER, HF_CERTAIN);
		hf_say_evidence(d->e, "the client offers %s",
				d->t->offer.alpn ? d->t->offer.alpn : "no protocol");
		return true;
	}
	return alert == 40 && !d->t->demand.seen && !d->t->server.seen ? no_common(d) : false;
}

/* The list of CA names is written after the server's hello, and does not fit (RFC 8446 4.2.4). */
static bool names_too_many(struct deduction *d, int alert)
{
	size_t bytes = 0;

	if (alert != 80 || !d->t->choice.seen || d->t->demand.seen)
		return false;
	for (size_t i = 0; i < d->c->server_trust.len; i++)
		bytes +=
		    2 +
		    (size_t)i2d_X509_NAME(X509_get_subject_name(d->c->server_trust.items[i]->x509),
					  NULL);
	hf_decide(d, HF_REASON_L_CA_NAMES, HF_SIDE_SERVER, bytes > 65531 ? HF_CERTAIN : HF_LIKELY);
	hf_say_evidence(d->e, "alert 80 internal_error stands where the CertificateRequest should");
	if (bytes)
		hf_say_evidence(d->e, "the %zu CAs of its file have %zu bytes of names; 65535 fit",
				d->c->server_trust.len, bytes);
	return true;
}

static bool refused_here(struct deduction *d)
{
	const char *cause = d->main->failure.cause;
	enum hf_reason reason = hf_reason_by_id(cause);

	if (d->main->failure.refused_by != HF_JUDGE_US || hf_refusing_finding(&d->main->server))
		return false;
	if (strcmp(cause, "P-VERSION") == 0)
		return hf_deduce_version(d, false);
	if (reason == HF_REASON_NONE)
		return false;
	hf_decide(d, reason, HF_SIDE_CLIENT, HF_CERTAIN);
	hf_say_evidence(d->e, "%s", d->main->failure.text);
	return true;
}

bool hf_deduce_protocol(struct deduction *d)
{
	int alert = hf_transcript_failure(d->t, false);

	if (!d->main->failed)
		return false;
	if (alert >= 0 && !d->main->handshake_done)
		return answer_to_hello(d, alert) || names_too_many(d, alert);
	return refused_here(d);
}
