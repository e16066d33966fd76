/* SPDX-License-Identifier: Apache-2.0 */
/* The PROXY protocol (haproxy.org's proxy-protocol.txt): a header in front of a connection that
 * says where it came from.  Version 2 is written; 1 and 2 are read.
 *
 * Contract: reading allocates nothing; MORE means that every byte so far belongs to the header, so
 * that a caller may take them all; the result does not depend on how the bytes were split. */
#ifndef HF_NET_PROXY_HEADER_H
#define HF_NET_PROXY_HEADER_H

#include "base/buf.h"
#include "net/address.h"

enum { HF_PROXY_HEADER_CAP = 16 * 1024 }; /* of what is read; certificates may be in it */

enum hf_proxy_parse { HF_PROXY_MORE, HF_PROXY_DONE, HF_PROXY_BAD };

struct hf_proxy_header {
	size_t len;	  /* bytes of it; DONE only */
	bool has_address; /* false: LOCAL, UNKNOWN, or a family we have no use for */
	struct hf_address source, destination;
};
enum hf_proxy_parse hf_proxy_header_read(const char *data, size_t len,
					 struct hf_proxy_header *ret_header);

/* What is said of a connection that was accepted; strings may be NULL. */
struct hf_proxy_facts {
	const struct hf_address *source, *destination; /* both IP, or the header says UNSPEC */
	bool tls;
	bool cert;	   /* the client sent a certificate on this connection */
	uint32_t verify;   /* 0: verified; else OpenSSL's number */
	const char *alpn, *sni;
	const char *version, *cipher, *group; /* "TLSv1.3" … */
	const char *common_name;
	const uint8_t *der; /* the client's certificate */
	size_t der_len;
};
int hf_proxy_header_write(struct hf_buf *out, const struct hf_proxy_facts *facts);

#endif
