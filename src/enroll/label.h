/* SPDX-License-Identifier: Apache-2.0 */
/* How one of several authorities in a service is named, for both sides. */
#ifndef HF_ENROLL_LABEL_H
#define HF_ENROLL_LABEL_H

#include <stdbool.h>

/* "plant", "a-1": small letters, digits and '-'; none of the service's own words. */
bool hf_service_label_valid(const char *label);

/* A field of the answer to GET /ca, when there are several authorities: the names and addresses by
 * which this one is met.  Nothing vouches for it: for hints only. */
#define HF_AUTHORITY_NAMES "Authority-Names"

#endif
