/* SPDX-License-Identifier: Apache-2.0 */
/* Trust: anchors + untrusted intermediates + revocation lists + how to use them.  Built, then
 * frozen (hf_trust_freeze), then shared by reference; replaced as a whole, never changed. */
#ifndef HF_TRUST_TRUST_H
#define HF_TRUST_TRUST_H

#include "pki/cert.h"
#include "pki/crl.h"

enum hf_crl_mode {
	/* check when at least one CRL was given: then every CA of the chain needs one */
	HF_CRL_AUTO = 0,
	HF_CRL_OFF,
	HF_CRL_REQUIRED,
	/* check below every CA of which a list is at hand; the others are not asked for */
	HF_CRL_KNOWN,
};

struct hf_trust;

/* generation: any number that grows with each replacement (0 is fine for one-shot use). */
int hf_trust_new(uint64_t generation, struct hf_trust **ret_trust, struct hf_err *err);
struct hf_trust *hf_trust_ref(struct hf_trust *trust);
void hf_trust_unref(struct hf_trust *trust);
HF_DEFINE_AUTO(hf_trust, struct hf_trust, hf_trust_unref);

/* label: where it came from ("own", file name), used by `issuer:` rules and messages; may be NULL.
 */
int hf_trust_add_anchor(struct hf_trust *trust, struct hf_cert *cert, const char *label,
			struct hf_err *err);
int hf_trust_add_intermediate(struct hf_trust *trust, struct hf_cert *cert, struct hf_err *err);
int hf_trust_add_crl(struct hf_trust *trust, struct hf_crl *crl, struct hf_err *err);
/* Every certificate of a PEM/DER file: self-issued ones and, when the file has no self-issued one,
 * all of them become anchors; others become intermediates unless `all_anchors`.  A file without
 * certificates is an error that says what it is. */
int hf_trust_load_file(struct hf_trust *trust, const char *path, const char *label,
		       struct hf_err *err);
/* A CRL file (PEM, several, or DER) or a directory of them. */
int hf_trust_load_crl(struct hf_trust *trust, const char *path, struct hf_err *err);
/* Lists that were loaded before; while a file has the bytes of one of them, that one is taken and
 * nothing is decoded.  Borrowed until the freeze; NULL: none. */
void hf_trust_set_lists_at_hand(struct hf_trust *trust, const struct hf_crls *lists);
void hf_trust_set_crl_mode(struct hf_trust *trust, enum hf_crl_mode mode);
enum { HF_CRL_GRACE_MAX = 30 * 24 * 3600 }; /* seconds: what may be asked for */
/* How long a list still counts after its nextUpdate, in seconds; 0, the default: not at all, as RFC
 * 5280 6.3.3 has it.  What was revoked since is not known then: it is the operator's choice. */
void hf_trust_set_crl_grace(struct hf_trust *trust, int64_t seconds);
/* The same trust with these lists besides its own, frozen; `base` is frozen and stays as it is.
 * Where `base` has no lists the new ones bind the CAs that signed them (HF_CRL_KNOWN); while there
 * are none at all, every certificate is refused for want of one (HF_CRL_REQUIRED): for lists that
 * are on their way.  A base that checks nothing (HF_CRL_OFF) goes on so. */
int hf_trust_with_lists(const struct hf_trust *base, const struct hf_crls *lists,
			struct hf_trust **ret_trust, struct hf_err *err);
/* The anchors of `base` and nothing else, frozen; no list is asked for: to fetch the lists with. */
int hf_trust_anchors_only(const struct hf_trust *base, struct hf_trust **ret_trust,
			  struct hf_err *err);
/* After this the object never changes and may be used from several threads. */
int hf_trust_freeze(struct hf_trust *trust, struct hf_err *err);

/* The trust as bytes (base/pack.h) and back, frozen, for another process: equal digests.  at_hand:
 * as hf_trust_set_lists_at_hand. */
struct hf_unpack;
int hf_trust_pack(const struct hf_trust *trust, struct hf_buf *out, struct hf_err *err);
int hf_trust_unpack(struct hf_unpack *in, uint64_t generation, const struct hf_crls *at_hand,
		    struct hf_trust **ret_trust, struct hf_err *err);

uint64_t hf_trust_generation(const struct hf_trust *trust);
const struct hf_certs *hf_trust_anchors(const struct hf_trust *trust);
const struct hf_certs *hf_trust_intermediates(const struct hf_trust *trust);
const struct hf_crls *hf_trust_crls(const struct hf_trust *trust);
/* The same anchors for OpenSSL's own verification; borrowed; NULL before the freeze. */
X509_STORE *hf_trust_store_get0(const struct hf_trust *trust);
/* Does the signature of one of its lists verify under the signer's key?  Good answers are
 * remembered. */
bool hf_trust_crl_signed_by(const struct hf_trust *trust, const struct hf_crl *crl,
			    const struct hf_cert *signer);
/* Is the signature on a CA's certificate known to verify under the signer's key?  And: it does.
 * Only what keys of the trust's own certificates signed is remembered. */
bool hf_trust_knows_ca(const struct hf_trust *trust, const struct hf_cert *ca,
		       const struct hf_cert *signer);
void hf_trust_remember_ca(const struct hf_trust *trust, const struct hf_cert *ca,
			  const struct hf_cert *signer);
int64_t hf_trust_crl_grace(const struct hf_trust *trust);
/* The last second that a list counts, grace included; HF_TIME_MAX: it never ends. */
int64_t hf_trust_list_until(const struct hf_trust *trust, const struct hf_crl *crl);
bool hf_trust_has_list(const struct hf_trust *trust, const struct hf_crl *crl); /* by its bytes */
bool hf_trust_checks_crls(const struct hf_trust *trust);
/* Must certificates of this issuer be looked up on a list? */
bool hf_trust_wants_list_of(const struct hf_trust *trust, const X509_NAME *issuer);
/* Must this certificate be looked up on a list of its issuer? */
bool hf_trust_wants_crl(const struct hf_trust *trust, const struct hf_cert *cert);
/* byte-identical, or same subject and key */
bool hf_trust_is_anchor(const struct hf_trust *trust, const struct hf_cert *cert);
/* NULL when none */
const char *hf_trust_label(const struct hf_trust *trust, const struct hf_cert *anchor);
/* SHA-256 over everything it holds: equal digests judge alike. */
void hf_trust_digest(const struct hf_trust *trust, uint8_t out[HF_SHA256_LEN]);

#endif
