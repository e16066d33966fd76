/* SPDX-License-Identifier: Apache-2.0 */
/* A decoded certificate: everything the judge, rules, logs and people look at, taken out of the
 * DER once.  Immutable after hf_cert_new and counted with atomic references: shared between
 * connections, threads and the peer table. */
#ifndef HF_PKI_CERT_H
#define HF_PKI_CERT_H

#include <stdatomic.h>

#include "base/ossl.h"
#include "pki/key.h"
#include "pki/san.h"

enum hf_eku {
	HF_EKU_SERVER = 1 << 0,
	HF_EKU_CLIENT = 1 << 1,
	HF_EKU_ANY = 1 << 2,
	HF_EKU_EMAIL = 1 << 3,
	HF_EKU_CODE = 1 << 4,
	HF_EKU_OCSP = 1 << 5,
	HF_EKU_OTHER = 1 << 6,
};

enum hf_cert_flag {
	HF_CERT_HAS_BC = 1 << 0,          /* basicConstraints present */
	HF_CERT_BC_CRITICAL = 1 << 1,
	HF_CERT_CA = 1 << 2,              /* basicConstraints CA:TRUE */
	HF_CERT_HAS_KU = 1 << 3,
	HF_CERT_HAS_EKU = 1 << 4,
	HF_CERT_HAS_SAN = 1 << 5,
	HF_CERT_SAN_CRITICAL = 1 << 6,
	HF_CERT_SELF_ISSUED = 1 << 7,     /* issuer equals subject */
	HF_CERT_PROXY = 1 << 8,           /* RFC 3820 */
	/* an extension we know does not decode, or stands twice */
	HF_CERT_BAD_EXTENSION = 1 << 9,
	HF_CERT_UNKNOWN_CRITICAL = 1 << 10,
	HF_CERT_NAME_HAS_CONTROL = 1 << 11, /* NUL or control byte in a subject part or SAN */
	HF_CERT_BAD_TIME = 1 << 12,       /* a validity date does not parse */
	HF_CERT_NS_SERVER_ONLY = 1 << 13, /* nsCertType present without the client bit */
	HF_CERT_NS_CLIENT_ONLY = 1 << 14, /* nsCertType present without the server bit */
	HF_CERT_EKU_CRITICAL = 1 << 15,
	HF_CERT_NO_REV_AVAIL = 1 << 16,   /* RFC 9608 */
	HF_CERT_HAS_NS_TYPE = 1 << 17,
	HF_CERT_HAS_NAME_CONSTRAINTS = 1 << 18,
};

struct hf_cert {
	atomic_int refs;
	/* owned; extension cache already filled (X509_check_purpose -1) */
	X509 *x509;
	uint8_t *der;               /* owned by this object (OPENSSL memory) */
	size_t der_len;
	uint8_t sha256[HF_SHA256_LEN];
	uint8_t spki_sha256[HF_SHA256_LEN];
	char *subject;              /* text, escaped, for people (hf_name_format) */
	char *issuer;
	/* lower-case hex without leading zeros ("0" for zero, "-…" when negative) */
	char *serial;
	char *common_name;          /* last CN as UTF-8, escaped; NULL when none */
	int64_t not_before;
	int64_t not_after;          /* inclusive: the last second is valid (RFC 5280 4.1.2.5) */
	int version;                /* 1, 2 or 3 */
	unsigned flags;             /* enum hf_cert_flag */
	unsigned ku;                /* OpenSSL's KU_* bits; all ones when there is no keyUsage */
	unsigned eku;               /* enum hf_eku bits; 0 when there is none */
	int pathlen;                /* -1 when unlimited or absent */
	enum hf_key_type key_type;
	/* of the algorithm: 256, 2048 … ; 0 when the key does not decode */
	int key_bits;
	/* EVP_PKEY_RSA, EVP_PKEY_EC, EVP_PKEY_ED25519, EVP_PKEY_DSA … ; 0 unknown */
	int key_nid;
	int sig_md_nid;             /* digest of the signature; NID_undef for Ed25519 */
	int sig_security_bits;      /* -1 unknown */
	struct hf_sans sans;
	uint8_t *skid, *akid;       /* key identifiers, NULL when absent */
	size_t skid_len, akid_len;
	/* dotted OID of the first unknown critical extension, or NULL */
	char *unknown_critical;
};

/* Takes a reference of x (up-ref); 0 or negative. Never refuses an odd certificate that decodes. */
int hf_cert_new(X509 *x, struct hf_cert **ret_cert, struct hf_err *err);
int hf_cert_from_der(const uint8_t *der, size_t len, struct hf_cert **ret_cert, struct hf_err *err);
struct hf_cert *hf_cert_ref(struct hf_cert *cert);            /* returns cert */
void hf_cert_unref(struct hf_cert *cert);                     /* NULL-safe */
HF_DEFINE_AUTO(hf_cert, struct hf_cert, hf_cert_unref);
bool hf_cert_equal(const struct hf_cert *a, const struct hf_cert *b);
EVP_PKEY *hf_cert_key_get0(const struct hf_cert *cert);       /* borrowed; NULL when undecodable */
int hf_cert_to_pem(const struct hf_cert *cert, struct hf_buf *out, struct hf_err *err);
/* Full text as `openssl x509 -text` prints it. */
int hf_cert_print(const struct hf_cert *cert, struct hf_buf *out, struct hf_err *err);
/* EKU as words: "serverAuth, clientAuth, 1.3.6.…"; KU likewise ("digitalSignature, keyCertSign").
 */
int hf_cert_format_eku(const struct hf_cert *cert, struct hf_buf *out);
int hf_cert_format_ku(const struct hf_cert *cert, struct hf_buf *out);

/* A list of certificates, leaf first, each counted. */
struct hf_certs {
	struct hf_cert **items;
	size_t len;
	size_t alloc;
};
#define HF_CERTS_INIT { NULL, 0, 0 }
/* takes a new reference */
int hf_certs_add(struct hf_certs *list, struct hf_cert *cert, struct hf_err *err);
/* appends */
int hf_certs_copy(struct hf_certs *dst, const struct hf_certs *src, struct hf_err *err);
bool hf_certs_has(const struct hf_certs *list, const struct hf_cert *cert);
void hf_certs_done(struct hf_certs *list);
HF_DEFINE_AUTO_DONE(hf_certs, struct hf_certs, hf_certs_done);

#endif
