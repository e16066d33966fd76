/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of commands. */
#ifndef HF_CLI_COMMANDS_H
#define HF_CLI_COMMANDS_H

#include "util/cmd.h"

/* NULL-terminated, in the order of the overview */
extern const struct hf_command *const hf_commands[];

#endif
