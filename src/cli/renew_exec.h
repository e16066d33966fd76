/* SPDX-License-Identifier: Apache-2.0 */
/* The command that runs after a renewal. */
#ifndef HF_CLI_RENEW_EXEC_H
#define HF_CLI_RENEW_EXEC_H

#include "base/err.h"

/* Runs `command` by /bin/sh and waits.  The environment gets HANDFAST_NAME, HANDFAST_CERT,
 * HANDFAST_KEY, HANDFAST_CA, HANDFAST_SERIAL and HANDFAST_HOME, and never a passphrase; its output
 * goes to standard error.  For a revocation list name and serial are "".  Negative when it cannot
 * be run or ends with another status than 0. */
int hf_renew_exec(const char *command, const char *home, const char *name, const char *dir,
		  const char *serial, struct hf_err *err);

#endif
