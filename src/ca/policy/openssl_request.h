/* SPDX-License-Identifier: Apache-2.0 */
/* What the [req] section of an openssl.cnf says of a request: its subject and its names. */
#ifndef HF_CA_POLICY_OPENSSL_REQUEST_H
#define HF_CA_POLICY_OPENSSL_REQUEST_H

#include "base/str.h"
#include "ca/policy/openssl_file.h"
#include "pki/san.h"

struct hf_openssl_request {
	struct hf_buf subject; /* as -subj; empty: it says nothing */
	struct hf_sans sans;   /* of req_extensions */
	struct hf_strv left;   /* what else req_extensions asks for: the CA's business */
};
void hf_openssl_request_done(struct hf_openssl_request *request);
HF_DEFINE_AUTO_DONE(hf_openssl_request, struct hf_openssl_request, hf_openssl_request_done);

/* With `prompt = no` the values of the distinguished_name section, else its defaults: what
 * openssl req takes when one only presses the return key.  `name` is the CN when it has none. */
int hf_openssl_request_read(const struct hf_openssl_file *file, const char *name,
			    struct hf_openssl_request *ret_request, struct hf_err *err);

#endif
