/* SPDX-License-Identifier: Apache-2.0 */
/* Where passphrases come from: --passphrase-file, $HANDFAST_PASSPHRASE, or a prompt on a
 * terminal. */
#ifndef HF_UTIL_PASSPHRASE_H
#define HF_UTIL_PASSPHRASE_H

#include <stdbool.h>

#include "base/secret.h"

struct hf_passphrase {
	const char *file;   /* NULL: none */
	bool no_prompt;     /* never ask, even on a terminal */
};

/* The shape of lib/pki's passphrase source; arg is a struct hf_passphrase.  0, 1 when there is
 * none to give, negative on failure. */
int hf_passphrase_get(void *arg, const char *what, struct hf_secret *ret, struct hf_err *err);
/* For a new key: asked twice on a terminal.  1 when none was given (the key stays unencrypted). */
int hf_passphrase_new(const struct hf_passphrase *from, const char *what, struct hf_secret *ret,
		      struct hf_err *err);

#endif
