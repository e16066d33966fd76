/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that must not outlive their use: passphrases, tokens.  Cleansed when freed, never printed.
 */
#ifndef HF_BASE_SECRET_H
#define HF_BASE_SECRET_H

#include "base/macros.h"

struct hf_secret {
	char *data;    /* NUL-terminated; NULL when there is none */
	size_t len;
};
#define HF_SECRET_INIT { NULL, 0 }

int hf_secret_set(struct hf_secret *s, const char *data, size_t len, struct hf_err *err);
/* First line of a file (without its line end), at most 1023 bytes.  Warn about its mode elsewhere.
 */
int hf_secret_load(struct hf_secret *s, const char *path, struct hf_err *err);
void hf_secret_done(struct hf_secret *s);
HF_DEFINE_AUTO_DONE(hf_secret, struct hf_secret, hf_secret_done);

#endif
