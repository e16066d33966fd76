/* SPDX-License-Identifier: Apache-2.0 */
/* Distinguished names: OpenSSL's -subj syntax in, text out, comparison by content
 * (RFC 5280 7.1), never by ASN.1 string type. */
#ifndef HF_PKI_NAME_H
#define HF_PKI_NAME_H

#include "base/buf.h"
#include "base/ossl.h"

/* "/C=IN/O=ABC Inc./CN=a\/b+OU=x": order kept, "\/" and "\+" escaped, "+" makes a multi-valued RDN.
 * Text without a leading '/' is taken as a CN.  Errors name the part.  Short names, long names and
 * dotted OIDs; values become PrintableString or UTF8String (C: PrintableString, email: IA5String).
 */
int hf_name_parse(const char *subj, X509_NAME **ret_name, struct hf_err *err);
/* RFC 4514 order reversed as people write it: "C=IN, O=ABC Inc., CN=x"; foreign bytes escaped;
 * "(empty)" for an empty name. */
int hf_name_format(const X509_NAME *name, struct hf_buf *out);
/* The same, owned; NULL when out of memory. */
char *hf_name_text(const X509_NAME *name);
/* The -subj form, so that parse(format_subj(n)) equals n; -HF_E_INVALID, and nothing appended, for
 * a name that the syntax cannot say (an empty value, a control character, a value that is no
 * string). */
int hf_name_format_subj(const X509_NAME *name, struct hf_buf *out);
bool hf_name_equal(const X509_NAME *a, const X509_NAME *b);
bool hf_name_is_empty(const X509_NAME *name);
/* Appends every value of an attribute (NID_commonName …) as UTF-8 to out; returns how many, or
 * negative.  Values holding NUL are given as they are, with their length: see hf_name_entry. */
struct hf_name_value {
	char *utf8;     /* owned, NUL-terminated, may contain NUL inside */
	size_t len;
};
int hf_name_values(const X509_NAME *name, int nid, struct hf_name_value **ret_values,
		   size_t *ret_len, struct hf_err *err);
void hf_name_values_free(struct hf_name_value *values, size_t len);
/* Do two CAs look like one house ("ABC Inc. Issuing CA" and "ABC Inc. Root CA")?  By the same O; where
 * one has none, by a word of the CN that is not one of the trade ("Root", "CA").  A guess by names. */
bool hf_name_related(const X509_NAME *a, const X509_NAME *b);

#endif
