/* SPDX-License-Identifier: Apache-2.0 */
/* Where certificates look for lists (RFC 5280 4.2.1.13), and whose list it is that they must find
 * there: a place gives one list, and a list is one CA's, so over a rollover no two CAs of an
 * authority may share one. */
#ifndef HF_CA_PLACES_H
#define HF_CA_PLACES_H

#include "ca/authority.h"
#include "ca/policy/extfile.h"

/* -HF_E_POLICY when certificates of another CA of this authority look there. */
int hf_place_check(struct hf_authority *a, const struct hf_ca *ca, const char *url,
		   struct hf_err *err);
/* Before the first certificate names it: the place of the CA's complete list. */
int hf_place_note(struct hf_authority *a, const struct hf_ca *ca, const char *url,
		  struct hf_err *err);
/* Before another CA takes its place: notes where certificates of the CA that have not ended look,
 * whoever put that into them.  -HF_E_POLICY when the policy would send those of the next one to the
 * same place.  Told in ret_foreign: the places that it does not have from the policy. */
int hf_places_keep(struct hf_authority *a, const struct hf_ca *ca, int64_t now,
		   struct hf_strv *ret_foreign, struct hf_err *err);

/* An extension file may say of the next CA's certificates what was true of the CA before.  Its list
 * is refused, with the line, as the policy's would be; its certificate (caIssuers) gets a note,
 * since a file there may hold both. */
int hf_places_check_extfile(struct hf_authority *a, const struct hf_ca *ca, int64_t now,
			    struct hf_extfile *ext, struct hf_err *err);

#endif
