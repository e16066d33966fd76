/* SPDX-License-Identifier: Apache-2.0 */
/* crl --out-dir: the lists of an authority as files for any web server. */
#ifndef HF_CLI_CRL_DIR_H
#define HF_CLI_CRL_DIR_H

#include "ca/shards.h"
#include "cli/ca_common.h"

/* Writes every list that is in the home into the folder, in DER and under the names that the
 * authority's service gives them below /crl/.  A list replaces an older file. */
int hf_cli_crl_dir(struct hf_cmd_ctx *ctx, struct hf_authority *a, const char *dir, int64_t now);

#endif
