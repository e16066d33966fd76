/* SPDX-License-Identifier: Apache-2.0 */
/* Subject alternative names, typed; parsing of "dns:a,ip:1.2.3.4,uri:spiffe://…,email:…". */
#ifndef HF_PKI_SAN_H
#define HF_PKI_SAN_H

#include "base/buf.h"
#include "base/ossl.h"

enum hf_san_kind {
	HF_SAN_DNS,
	HF_SAN_IP,     /* value: the textual address; raw: 4 or 16 bytes */
	HF_SAN_URI,
	HF_SAN_EMAIL,
	HF_SAN_DIRNAME, /* value: text of the name */
	HF_SAN_OTHER,   /* registeredID, otherName …: value is a description */
};

struct hf_san {
	enum hf_san_kind kind;
	char *value;         /* owned; text as it stands in the certificate, NUL-terminated */
	size_t len;          /* bytes of value; more than strlen(value) when a NUL hides inside */
	uint8_t raw[16];     /* HF_SAN_IP only */
	size_t raw_len;
	bool malformed;      /* IP of a wrong length, bytes that the type does not allow, empty … */
};

struct hf_sans {
	struct hf_san *items;
	size_t len;
	size_t alloc;
};
#define HF_SANS_INIT { NULL, 0, 0 }

/* "dns", "ip", "uri", "email", "dirname", "other" */
const char *hf_san_kind_name(enum hf_san_kind kind);
/* One "kind:value" with checked syntax (DNS labels with one leading wildcard, IPs v4 and v6,
 * absolute URIs, addr-spec).  A bare value without kind is -HF_E_PARSE with a hint. */
int hf_sans_add_text(struct hf_sans *sans, const char *text, struct hf_err *err);
/* A comma-separated list of them. */
int hf_sans_add_list(struct hf_sans *sans, const char *list, struct hf_err *err);
int hf_sans_add(struct hf_sans *sans, enum hf_san_kind kind, const char *value, struct hf_err *err);
/* "localhost" -> dns, "10.0.0.1" / "::1" -> ip (how a server's NAME becomes a SAN). */
int hf_sans_add_host(struct hf_sans *sans, const char *host, struct hf_err *err);
int hf_sans_from_names(struct hf_sans *sans, const GENERAL_NAMES *names, struct hf_err *err);
int hf_sans_to_names(const struct hf_sans *sans, GENERAL_NAMES **ret_names, struct hf_err *err);
/* DNS and email host: case-insensitive */
bool hf_sans_has(const struct hf_sans *sans, const struct hf_san *san);
int hf_sans_copy(struct hf_sans *dst, const struct hf_sans *src, struct hf_err *err);
/* "dns:a, ip:::1" (escaped). */
int hf_sans_format(const struct hf_sans *sans, struct hf_buf *out);
void hf_sans_done(struct hf_sans *sans);
HF_DEFINE_AUTO_DONE(hf_sans, struct hf_sans, hf_sans_done);

/* "10.0.0.1", "::1", "[::1]" -> 4 or 16 bytes in network order; false when not an address. */
bool hf_ip_parse(const char *text, uint8_t raw[16], size_t *ret_len);
bool hf_is_ip(const char *text); /* the same, where the address itself is not wanted */
void hf_ip_format(const uint8_t *raw, size_t len, char *out, size_t cap);
/* A syntactically right host name: LDH labels (underscore allowed), at most 253 bytes. */
bool hf_dns_name_valid(const char *name, size_t len, bool allow_wildcard);

#endif
