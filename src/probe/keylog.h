/* SPDX-License-Identifier: Apache-2.0 */
/* The secrets of connections in the SSLKEYLOGFILE format (RFC 9850), for Wireshark.  Who can read
 * the file can read what was said: it is 0600, and nothing writes it unless asked. */
#ifndef HF_PROBE_KEYLOG_H
#define HF_PROBE_KEYLOG_H

#include "base/err.h"

/* Appends to the file, made 0600 when it is not there; one that others can read is refused. */
int hf_keylog_open(const char *path, int *ret_fd, struct hf_err *err);
/* The shape of hf_tls_config.keylog; arg is the descriptor. */
void hf_keylog_line(void *fd, const char *line);

#endif
