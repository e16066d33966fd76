/* SPDX-License-Identifier: Apache-2.0 */
/* serve --check: does the OCSP responder of --ocsp-url answer at all, now and from here? */
#ifndef HF_CLI_OCSP_REACH_H
#define HF_CLI_OCSP_REACH_H

#include "gateway/gateway.h"
#include "gateway/preflight.h"

/* Asks each responder that a policy names, and adds what is not there.  Takes a few seconds for one
 * that says nothing. */
void hf_ocsp_reach(const struct hf_gateway_parts *parts, struct hf_preflight *preflight);

#endif
