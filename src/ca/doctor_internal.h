/* SPDX-License-Identifier: Apache-2.0 */
/* Between the parts of the doctor. */
#ifndef HF_CA_DOCTOR_INTERNAL_H
#define HF_CA_DOCTOR_INTERNAL_H

#include "ca/authority.h"
#include "ca/doctor.h"

struct hf_doctor_ends {
	enum hf_doctor_id over, soon;
};
/* Expired, or within the warning time (never more than a third of its life) of its end. */
int hf_doctor_cert(struct hf_doctor *d, const struct hf_cert *cert, const char *where,
		   const struct hf_doctor_ends *ids, struct hf_err *err);
/* What some kinds of peers hold against it (verify/world.h). */
int hf_doctor_worlds(struct hf_doctor *d, struct hf_cert *cert, const char *where,
		     struct hf_err *err);
int hf_doctor_crl(struct hf_doctor *d, const struct hf_crl *crl, const char *where,
		  struct hf_err *err);
int hf_doctor_key_mode(struct hf_doctor *d, const char *path, struct hf_err *err);
/* Loads; a file that cannot be read is a finding, and 1. */
int hf_doctor_load(struct hf_doctor *d, const char *path, unsigned want, struct hf_pemfile *file,
		   struct hf_err *err);
/* The key of a certificate, unless it is encrypted or in a token. */
int hf_doctor_key(struct hf_doctor *d, const char *path, const struct hf_cert *cert,
		  struct hf_err *err);

/* The authority of the home; *ret_authority stays NULL when there is none, or none that opens. */
int hf_doctor_authority(struct hf_doctor *d, struct hf_authority **ret_authority,
			struct hf_err *err);
/* Identities and trust; `a` may be NULL. */
int hf_doctor_identities(struct hf_doctor *d, struct hf_authority *a, struct hf_err *err);

#endif
