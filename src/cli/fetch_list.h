/* SPDX-License-Identifier: Apache-2.0 */
/* --crl URL of commands that judge once: the list is fetched before. */
#ifndef HF_CLI_FETCH_LIST_H
#define HF_CLI_FETCH_LIST_H

#include "trust/trust.h"

enum { HF_FETCH_LIST_CAP = 256 * 1024 * 1024, HF_FETCH_LIST_SECONDS = 30 };

/* Fetches the revocation list (DER or PEM) from an http or https URL and adds it to the trust,
 * which is not frozen yet; https is judged under `judge`.  Blocks, for HF_FETCH_LIST_SECONDS at
 * most. */
int hf_cli_fetch_list(const char *url, struct hf_trust *judge, struct hf_trust *trust,
		      struct hf_err *err);

#endif
