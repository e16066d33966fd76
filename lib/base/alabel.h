/* SPDX-License-Identifier: Apache-2.0 */
/* Host names in other letters ("bücher.example") as DNS and certificates have them
 * ("xn--bcher-kva.example"). */
#ifndef HF_BASE_ALABEL_H
#define HF_BASE_ALABEL_H

#include <stdbool.h>
#include <stddef.h>

/* A name of ASCII is copied as it is, and what follows a label's letters (":8443") with it.  false:
 * not UTF-8, letters that are not composed or not of names, a label longer than 63 characters, or
 * cap is too small; ret is then not to be used. */
bool hf_alabel_encode(const char *name, char *ret, size_t cap);

#endif
