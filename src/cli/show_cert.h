/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate in words, for show and its neighbours. */
#ifndef HF_CLI_SHOW_CERT_H
#define HF_CLI_SHOW_CERT_H

#include "pki/cert.h"
#include "util/out.h"

/* Text: indented lines. JSON: an object of the array that is open. `now` decides about expiry. */
void hf_show_cert(struct hf_cert *cert, int64_t now, struct hf_out *out);
/* "  label     value" in text mode.  The value is one safe line, as all text of lib/pki is. */
void hf_show_field(struct hf_out *out, const char *label, const char *value);
void hf_show_warning(struct hf_out *out, const char *sentence);
/* "2026-11-21T06:39:31Z (in 29 days)" */
void hf_show_time(int64_t at, int64_t now, char *out, size_t cap);

#endif
