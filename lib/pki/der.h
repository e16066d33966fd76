/* SPDX-License-Identifier: Apache-2.0 */
/* The few ASN.1 details that certificates, requests and CRLs share; for lib/pki only. */
#ifndef HF_PKI_DER_H
#define HF_PKI_DER_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/err.h>

#include "base/buf.h"
#include "base/ossl.h"

/* Bytes that the object at `der` says it takes (identifier, length and content); false when the
 * header is damaged, cut off, or of indefinite length (BER).  *ret_span may be more than len. */
bool hf_der_span(const uint8_t *der, size_t len, size_t *ret_span);
/* True when one definite-length object fills the bytes exactly. */
bool hf_der_is_whole(const uint8_t *der, size_t len);
/* Part of some DER that is still to be read. */
struct hf_der_walk {
	const uint8_t *at;
	size_t len;
};
/* The next object when it begins with that tag: its content (inside the walk's bytes), and the walk
 * goes on behind it; false, and nothing moves, when not. */
bool hf_der_enter(struct hf_der_walk *walk, uint8_t tag, struct hf_der_walk *ret_content);
bool hf_der_is_time(const struct hf_der_walk *walk); /* begins with a UTCTime or GeneralizedTime */
/* Is that the shortest way to write the header of an object that begins there (X.690 10.1)? */
bool hf_der_is_short(const uint8_t *object, const struct hf_der_walk *content);
/* Says why bytes are not one `what`: empty, cut off, followed by others, or else.  Drains OpenSSL's
 * queue. */
int hf_der_explain(const uint8_t *der, size_t len, const char *what, struct hf_err *err);

/* Decodes one object that must fill the bytes; NULL otherwise, with OpenSSL's queue as it was. */
void *hf_der_decode(const uint8_t *der, size_t len, const ASN1_ITEM *it);

/* Identifier octets of what a revocation list is made of. */
enum hf_der_tag {
	HF_DER_BOOLEAN = 0x01,
	HF_DER_INTEGER = 0x02,
	HF_DER_OCTETS = 0x04,
	HF_DER_OID = 0x06,
	HF_DER_ENUMERATED = 0x0a,
	HF_DER_UTC_TIME = 0x17,
	HF_DER_GENERALIZED_TIME = 0x18,
	HF_DER_SEQUENCE = 0x30,
	HF_DER_EXPLICIT_0 = 0xa0,
};

/* Only the two forms that RFC 5280 4.1.2.5 allows: UTCTime YYMMDDHHMMSSZ, GeneralizedTime
 * YYYYMMDDHHMMSSZ. */
bool hf_asn1_time_read(const ASN1_TIME *t, int64_t *ret_at);
/* The same of the content of an object with that tag. */
bool hf_der_time_read(uint8_t tag, const uint8_t *content, size_t len, int64_t *ret_at);
/* Lower-case hex without leading zeros, "0", "-…"; owned; NULL when out of memory. */
char *hf_asn1_integer_hex(const ASN1_INTEGER *i);
/* Dotted OID; cut when it is absurdly long. */
void hf_oid_text(const ASN1_OBJECT *o, char *out, size_t cap);
/* The short name where OpenSSL knows one, else the dotted OID. */
void hf_oid_word(const ASN1_OBJECT *o, char *out, size_t cap);
/* "2.5.4.3": decimal arcs without leading zeros, shorter than HF_OID_CAP; OBJ_txt2obj takes
 * "1.2..4" for 1.2.0.4.  Owned; NULL when it is none, or out of memory. */
ASN1_OBJECT *hf_oid_parse(const char *text);
/* Moves all that the memory BIO holds to out. */
int hf_bio_to_buf(BIO *bio, struct hf_buf *out, struct hf_err *err);

enum { HF_OID_CAP = 128 };

#endif
