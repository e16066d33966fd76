/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of util/remote_key.h: what its keys and its signatures share. */
#ifndef HF_UTIL_REMOTE_SIGNATURE_H
#define HF_UTIL_REMOTE_SIGNATURE_H

#include <openssl/core.h>

#include "util/remote_key.h"

#define HF_REMOTE_PROPERTIES "provider=handfast-remote"
#define HF_REMOTE_FUNCTION(id, f)     \
	{                             \
		id, (void (*)(void))f \
	}
#define HF_REMOTE_END   \
	{               \
		0, NULL \
	}

struct hf_remote;

/* A provider's key. */
struct hf_remote_key {
	struct hf_remote *remote; /* NULL: only somebody's public key, to compare with */
	EVP_PKEY *public;
};

int hf_remote_sign(struct hf_remote *remote, const struct hf_sign_ask *ask, uint8_t *out,
		   size_t cap, size_t *ret_len, struct hf_err *err);

extern const OSSL_ALGORITHM hf_remote_signatures[];

#endif
