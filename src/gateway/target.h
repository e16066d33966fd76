/* SPDX-License-Identifier: Apache-2.0 */
/* What stands behind the gateway: "http://127.0.0.1:8080/app", "http+unix:/run/app.sock",
 * "tcp://127.0.0.1:5432", "unix:/run/app.sock". */
#ifndef HF_GATEWAY_TARGET_H
#define HF_GATEWAY_TARGET_H

#include "net/address.h"

enum hf_target_kind {
	HF_TARGET_HTTP,	  /* requests are read and forwarded one by one */
	HF_TARGET_STREAM, /* bytes, whatever they mean */
};

enum { HF_TARGET_PREFIX_CAP = 256 };

struct hf_target {
	const char *text; /* as the user wrote it, borrowed */
	enum hf_target_kind kind;
	struct hf_address addresses[HF_ADDRESSES_CAP]; /* to try in this order */
	size_t addresses_len;
	char authority[HF_HOST_CAP + 8];   /* Host for requests that bring none */
	char prefix[HF_TARGET_PREFIX_CAP]; /* in front of every path, without a '/' at its end */
};

/* Resolves names (may block): at start only.  Plaintext to another machine is -HF_E_INVALID unless
 * `anywhere`. */
int hf_target_parse(const char *text, bool anywhere, struct hf_target *ret_target,
		    struct hf_err *err);

#endif
