/* SPDX-License-Identifier: Apache-2.0 */
/* libhandfast: mutual TLS with a judge that explains itself.  Everything public. */
#ifndef HANDFAST_HANDFAST_H
#define HANDFAST_HANDFAST_H

#include <handfast/config.h>
#include <handfast/connection.h>
#include <handfast/err.h>
#include <handfast/verdict.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library that runs, "0.1.0". */
HF_PUBLIC const char *hf_version(void);

#ifdef __cplusplus
}
#endif
#endif
