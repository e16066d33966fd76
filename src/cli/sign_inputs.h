/* SPDX-License-Identifier: Apache-2.0 */
/* Which requests `sign` is to sign, and what their answers are called. */
#ifndef HF_CLI_SIGN_INPUTS_H
#define HF_CLI_SIGN_INPUTS_H

#include "base/err.h"
#include "base/str.h"

bool hf_is_dir(const char *path);
/* Files as they are, and of directories every file that ends as requests do. */
int hf_sign_gather(const struct hf_strv *args, struct hf_strv *ret_inputs, bool *ret_any_dir,
		   struct hf_err *err);
/* "inbox/node-07.csr" -> "node-07" */
void hf_sign_base_name(const char *path, char *out, size_t cap);
/* Two requests whose answers would have one name are a usage error that names both. */
int hf_sign_check_names(const struct hf_strv *inputs, struct hf_err *err);

#endif
