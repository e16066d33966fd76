/* SPDX-License-Identifier: Apache-2.0 */
/* Making orders: from a name, from a request that somebody else wrote, from a certificate to renew.
 */
#ifndef HF_CA_ORDER_H
#define HF_CA_ORDER_H

#include "ca/issue.h"

/* /CN=NAME, or what --subject says (`subject` may be NULL). */
int hf_subject_for(const char *name, const char *subject, X509_NAME **ret_subject,
		   struct hf_err *err);
/* The --san lists together. */
int hf_sans_from_lists(const struct hf_strv *lists, struct hf_sans *ret_sans, struct hf_err *err);
/* Adds those of `more` that are not there yet. */
int hf_sans_join(struct hf_sans *sans, const struct hf_sans *more, struct hf_err *err);
/* For `issue`: subject and SANs as asked; for profiles that name hosts the NAME is a SAN too.  The
 * key is the caller's business. */
int hf_order_for_name(struct hf_order *order, const char *name, const char *subject,
		      const struct hf_sans *sans, struct hf_err *err);

/* Notes for --dry-run that the order's SANs from number `from` on were not asked for. */
int hf_order_note_added(struct hf_order *order, size_t from, const char *why, struct hf_err *err);

/* A copy of an extension, behind the profile's own or instead of them. */
int hf_order_add_one(struct hf_order *order, const X509_EXTENSION *ext, struct hf_err *err);
/* Copies of them all; `extra` may be NULL. */
int hf_order_add_extra(struct hf_order *order, const STACK_OF(X509_EXTENSION) *extra,
		       struct hf_err *err);

struct hf_sign_policy {
	const struct hf_ca_profile *profile;
	const struct hf_sans *sans;	/* names that the operator grants and adds */
	bool copy_sans;			/* grants all that the request asks for */
	const char *subject;		/* instead of the request's; NULL: the request's */
	const NAME_CONSTRAINTS *permit; /* CA profiles: limits; NULL: none of its own */
	int64_t lifetime;
	const STACK_OF(X509_EXTENSION) *extra; /* of the operator's extension file; NULL: none */
};
/* What a request gets.  From the request come its key, its subject, and of its SANs those that the
 * policy grants; all else is the profile's.  order->dropped lists what it asked for in vain. */
int hf_order_from_csr(struct hf_order *order, struct hf_authority *a, const struct hf_csr *csr,
		      const struct hf_sign_policy *policy, const char *fallback_name,
		      struct hf_err *err);

/* The same subject, SANs and profile again (RFC 7030 4.2.2), without the key, and what else stood
 * in the certificate that the profile does not make and hf_extension_check() lets stand: a client
 * counts on must-staple, a server asks where authorityInfoAccess points.  order->notes tells of
 * those that are left out. */
int hf_order_like(struct hf_order *order, const struct hf_cert *cert, const char *name,
		  const char *profile, struct hf_err *err);

/* Notes who of the worlds outside (verify/world.h) will refuse what was made. */
int hf_order_note_worlds(struct hf_order *order, struct hf_cert *cert, struct hf_err *err);

#endif
