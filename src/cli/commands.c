/* SPDX-License-Identifier: Apache-2.0 */
/* The registry: one line for each command, in the order in which the overview shows them. */
#include "cli/commands.h"

#define HF_COMMAND(name) extern const struct hf_command cmd_##name;
#include "cli/commands.def"
#undef HF_COMMAND

const struct hf_command *const hf_commands[] = {
#define HF_COMMAND(name) &cmd_##name,
#include "cli/commands.def"
#undef HF_COMMAND
	NULL,
};
