/* SPDX-License-Identifier: Apache-2.0 */
/* The OCSP responder (RFC 6960, RFC 5019, RFC 9654): answers from the ledger at that moment, signed
 * by a responder certificate that the CA gives itself and renews (id-pkix-ocsp-nocheck, for it
 * lives shorter than a check would be worth).  Answers without a nonce are kept and given again
 * while the ledger still says the same. */
#ifndef HF_ENROLL_OCSP_H
#define HF_ENROLL_OCSP_H

#include "ca/authority.h"
#include "http/stream.h"
#include "pki/ocsp.h"

enum {
	HF_OCSP_SIGNERS = 2 + HF_CA_BEFORE_CAP, /* one for each CA of an authority */
	HF_OCSP_LIFETIME = 3600, /* of an answer, seconds */
	HF_OCSP_KEPT = 4096,	 /* answers that are kept */
};

/* Who answers for one CA. */
struct hf_ocsp_signer {
	struct hf_cert *issuer, *cert; /* counted; cert NULL: nobody */
	EVP_PKEY *key;
	int64_t store_id; /* of the CA in the ledger */
};
void hf_ocsp_signer_done(struct hf_ocsp_signer *signer);

/* The responder certificate of the CA as its files have it, renewed when it is due; in the thread
 * that works.  `known`: what is in use; 0 with ret_signer filled, or 1: that is still right. */
int hf_ocsp_keep_signer(struct hf_authority *a, struct hf_ca *ca,
			const struct hf_ocsp_signer *known, int64_t now,
			struct hf_ocsp_signer *ret_signer, struct hf_err *err);

struct hf_ocsp;
int hf_ocsp_new(struct hf_store *reader, struct hf_ocsp **ret_ocsp, struct hf_err *err);
void hf_ocsp_free(struct hf_ocsp *ocsp);
HF_DEFINE_AUTO(hf_ocsp, struct hf_ocsp, hf_ocsp_free);
/* Takes over. */
void hf_ocsp_set_signer(struct hf_ocsp *ocsp, size_t i, struct hf_ocsp_signer *signer);
const struct hf_ocsp_signer *hf_ocsp_signer(const struct hf_ocsp *ocsp, size_t i);

/* What was answered: for each certificate that was asked for, or for a request as a whole. */
enum hf_ocsp_saying {
	HF_OCSP_SAID_GOOD,
	HF_OCSP_SAID_REVOKED,
	HF_OCSP_SAID_UNKNOWN,
	HF_OCSP_SAID_MALFORMED,    /* no request */
	HF_OCSP_SAID_UNAUTHORIZED, /* for a CA that is not ours */
	HF_OCSP_SAID_FAILED,
	HF_OCSP_SAYINGS,
};
const char *hf_ocsp_saying_name(enum hf_ocsp_saying kind);
/* Since the start; kept: those that needed no signature. */
struct hf_ocsp_counts {
	uint64_t said[HF_OCSP_SAYINGS], kept;
};
const struct hf_ocsp_counts *hf_ocsp_counts(const struct hf_ocsp *ocsp);

struct hf_ocsp_reply {
	const char *der; /* borrowed until the next call */
	size_t len;
	int64_t this_update, next_update; /* 0: not to be cached */
	const char *etag;
	int status; /* OCSP_RESPONSE_STATUS_… */
};
/* There is always an answer: one that says what is wrong with the request, or with us. */
void hf_ocsp_reply(struct hf_ocsp *ocsp, const uint8_t *request, size_t len, int64_t now,
		   struct hf_ocsp_reply *ret_reply);

/* The DER in a GET's path behind "/ocsp/" (RFC 6960 A.1); false when it is none. */
bool hf_ocsp_path_decode(struct hf_slice text, struct hf_buf *out);

#endif
