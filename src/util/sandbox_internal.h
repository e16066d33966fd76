/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of util/sandbox.h. */
#ifndef HF_UTIL_SANDBOX_INTERNAL_H
#define HF_UTIL_SANDBOX_INTERNAL_H

#include "util/sandbox.h"

/* The ABI of this kernel's Landlock, 0: none. */
int hf_landlock_abi(void);
int hf_landlock_enter(const struct hf_sandbox *box, int abi, struct hf_err *err);

/* Is there a filter for this machine, and does the kernel take filters? */
bool hf_seccomp_here(void);
int hf_seccomp_enter(enum hf_sandbox_kind kind, struct hf_err *err);

#endif
