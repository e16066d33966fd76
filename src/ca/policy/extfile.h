/* SPDX-License-Identifier: Apache-2.0 */
/* Extension files as `openssl x509 -extfile` and `openssl ca -extfile` read them. */
#ifndef HF_CA_POLICY_EXTFILE_H
#define HF_CA_POLICY_EXTFILE_H

#include "base/str.h"
#include "ca/policy/openssl_file.h"
#include "ca/policy/policy.h"
#include "pki/cert.h"

struct hf_extfile {
	struct hf_sans sans;		 /* what subjectAltName grants */
	STACK_OF(X509_EXTENSION) *extra; /* all others, for hf_order.extra */
	struct hf_strv places;		 /* "f.cnf:12" of each of the next */
	struct hf_strv words;		 /* what it gives: "keyUsage", "dns:a.abc.com" */
	struct hf_strv notes;		 /* for people */
};
/* `section` NULL: what `extensions` in front of the first section names, else what stands there.
 * Refuses by name what is not to be put into a certificate of the profile (extension.h). */
int hf_extfile_read(const struct hf_openssl_file *file, const char *section,
		    const struct hf_ca_profile *profile, const struct hf_cert *issuer,
		    struct hf_extfile *ret_ext, struct hf_err *err);
void hf_extfile_done(struct hf_extfile *ext);
HF_DEFINE_AUTO_DONE(hf_extfile, struct hf_extfile, hf_extfile_done);

/* The names of subjectAltName alone, for a request; nothing when the section has none. */
int hf_extfile_names(const struct hf_openssl_file *file, const char *section,
		     struct hf_sans *ret_sans, struct hf_err *err);

/* For --dry-run: what the file adds. */
int hf_extfile_tell(const struct hf_extfile *ext, struct hf_rulings *rulings);

#endif
