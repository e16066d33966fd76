/* SPDX-License-Identifier: Apache-2.0 */
/* Host names in other letters ("bücher.example") as DNS and certificates have them
 * ("xn--bcher-kva.example"), by IDNA2008 (RFC 5891) as libidn2 does it. */
#ifndef HF_UTIL_IDN_H
#define HF_UTIL_IDN_H

#include <stdbool.h>
#include <stddef.h>

/* A name of ASCII is copied as it is.  The library is loaded for the first name that is not, since
 * hardly any is.  false: no such name can be, cap is too small, or libidn2 is not installed; ret is
 * then not to be used, and the A-label ("xn--…") can be written instead. */
bool hf_idn_encode(const char *name, char *ret, size_t cap);

#endif
