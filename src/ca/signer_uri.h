/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11: URIs (RFC 7512). */
#ifndef HF_CA_SIGNER_URI_H
#define HF_CA_SIGNER_URI_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"

enum { HF_PKCS11_TEXT_CAP = 256, HF_PKCS11_ID_CAP = 128 };

/* "" and has_x false: any. */
struct hf_pkcs11_uri {
	char token[HF_PKCS11_TEXT_CAP], manufacturer[HF_PKCS11_TEXT_CAP];
	char model[HF_PKCS11_TEXT_CAP], serial[HF_PKCS11_TEXT_CAP];
	char object[HF_PKCS11_TEXT_CAP];
	uint8_t id[HF_PKCS11_ID_CAP];
	size_t id_len;
	bool has_slot;
	unsigned long slot;
	char pin_source[PATH_MAX]; /* a file's path */
	char module_path[PATH_MAX];
};
int hf_pkcs11_uri_parse(const char *text, struct hf_pkcs11_uri *ret_uri, struct hf_err *err);

#endif
