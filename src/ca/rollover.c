/* SPDX-License-Identifier: Apache-2.0 */
/* The next CA.  Must never issue from it before what peers need to follow is in its place. */
#include "ca/rollover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "ca/crl.h"
#include "ca/founding.h"
#include "ca/places.h"
#include "ca/rollover_files.h"
#include "pki/name.h"

enum { PEM_CAP = 1024 * 1024, CN_CAP = 64 };

void hf_rollover_done(struct hf_rollover *r)
{
	hf_cert_unref(r->new_root);
	hf_cert_unref(r->new_issuing);
	r->new_root = r->new_issuing = NULL;
	hf_strv_done(&r->foreign_places);
}

/* --- names --- */

/* "ABC Issuing CA" -> "ABC Issuing CA 2" -> "ABC Issuing CA 3" */
static char *next_cn(const char *cn)
{
	const char *space = strrchr(cn, ' ');
	uint64_t n = 0;

	if (space && hf_str_u64(space + 1, 1000000, &n) && n > 1)
		return hf_str_printf("%.*s %llu", (int)(space - cn), cn, (unsigned long long)n + 1);
	return hf_str_printf("%s 2", cn);
}

/* The subject with the next common name: two keys under one name are what nobody can tell apart. */
static int next_name(const struct hf_cert *cert, X509_NAME **ret_name, struct hf_err *err)
{
	HF_AUTO(X509_NAME) name = X509_NAME_dup(X509_get_subject_name(cert->x509));
	HF_AUTO(cstr) cn = next_cn(cert->common_name ? cert->common_name : "CA");
	int at;

	if (!name || !cn)
		return hf_err_nomem(err);
	if (strlen(cn) > CN_CAP)
		return hf_err_set(err, HF_E_INVALID, "'%s' is longer than a common name may be",
				  cn);
	while ((at = X509_NAME_get_index_by_NID(name, NID_commonName, -1)) >= 0)
		X509_NAME_ENTRY_free(X509_NAME_delete_entry(name, at));
	if (!X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
					(const unsigned char *)cn, -1, -1, 0))
		return hf_err_ossl(err, HF_E_INVALID, "'%s' cannot be a common name", cn);
	*ret_name = hf_take(name);
	return 0;
}

/* --- the new CAs --- */

/* A second view of the authority, in which the new CAs take their places. */
struct succession {
	struct hf_authority *old, *fresh;
	struct hf_rollover *r;
	struct hf_init_options options;
	struct hf_init_result result;
	struct hf_founding founding;
	X509_NAME *root_name, *issuing_name;
	NAME_CONSTRAINTS *permit;
	struct hf_cert *cross;
	char draft[PATH_MAX];
};

static void ca_done(struct hf_ca *ca)
{
	hf_cert_unref(ca->cert);
	EVP_PKEY_free(ca->key);
}

static void succession_done(struct succession *s)
{
	if (s->fresh) { /* its ledger and policy are the other's */
		ca_done(&s->fresh->root);
		ca_done(&s->fresh->issuing);
		hf_trust_unref(s->fresh->trust);
		free(s->fresh);
	}
	hf_init_result_done(&s->result);
	X509_NAME_free(s->root_name);
	X509_NAME_free(s->issuing_name);
	NAME_CONSTRAINTS_free(s->permit);
	hf_cert_unref(s->cross);
}
HF_DEFINE_AUTO_DONE(succession, struct succession, succession_done);

static int prepare(struct succession *s, struct hf_err *err)
{
	const struct hf_authority *old = s->old;
	struct hf_authority *fresh = calloc(1, sizeof(*fresh));
	int rc;

	if (!fresh)
		return hf_err_nomem(err);
	s->fresh = fresh;
	(void)hf_str_copy(fresh->dir, sizeof(fresh->dir), old->dir);
	fresh->store = old->store;
	fresh->single = old->single;
	s->options = (struct hf_init_options){ .home = s->r->home,
					       .name = "",
					       .key_type = s->r->key_type,
					       .lifetime = s->r->lifetime,
					       .issuing_lifetime = s->r->issuing_lifetime,
					       .single = old->single,
					       .passphrase = s->r->passphrase,
					       .issuing_key = s->r->issuing_key,
					       .pin = s->r->pin,
					       .now = s->r->now };
	s->founding =
	    (struct hf_founding){ .o = &s->options, .r = &s->result, .now = s->r->now, .a = fresh };
	/* what the one before might not certify, the next may not either */
	s->permit = X509_get_ext_d2i((old->single ? &old->root : &old->issuing)->cert->x509,
				     NID_name_constraints, NULL, NULL);
	s->options.permit = s->permit;
	rc = next_name(old->root.cert, &s->root_name, err);
	if (rc == 0 && !old->single)
		rc = next_name(old->issuing.cert, &s->issuing_name, err);
	s->options.root_name = s->root_name;
	s->options.issuing_name = s->issuing_name;
	return rc;
}

static int take_old_root(struct succession *s, struct hf_err *err)
{
	struct hf_ca *root = &s->fresh->root;

	*root = s->old->root;
	root->cert = hf_cert_ref(s->old->root.cert);
	if (!EVP_PKEY_up_ref(root->key)) {
		root->key = NULL;
		return hf_err_nomem(err);
	}
	return hf_authority_make_trust(s->fresh, err);
}

/* The new root's name and key, certified by the old root: those who know the old one follow. */
static int certify_across(struct succession *s, struct hf_err *err)
{
	HF_AUTO_DONE(hf_order) order = { .profile = hf_ca_profile_find("root"),
					 .lifetime = s->old->root.cert->not_after - s->r->now };
	struct hf_order *orders[] = { &order };
	const struct hf_cert *root = s->fresh->root.cert;
	int rc;

	if (s->old->root.cert->pathlen == 0) /* it may certify no CA */
		return 0;
	(void)hf_str_copy(order.name, sizeof(order.name), "cross");
	order.subject = X509_NAME_dup(X509_get_subject_name(root->x509));
	order.key = X509_get_pubkey(root->x509);
	if (!order.subject || !order.key)
		return hf_err_nomem(err);
	rc = hf_order_check(s->old, &order, s->r->now, err);
	if (rc == 0)
		rc = hf_issue(s->old, orders, 1, s->r->now, err);
	if (rc >= 0 && !order.cert) {
		if (err)
			*err = order.err;
		return -order.err.code;
	}
	if (rc < 0)
		return rc;
	s->cross = hf_cert_ref(order.cert);
	s->r->crossed = true;
	return 0;
}

static int make(struct succession *s, struct hf_err *err)
{
	int rc = s->r->root ? hf_founding_make_root(&s->founding, err) : take_old_root(s, err);

	if (rc == 0 && s->r->root)
		rc = certify_across(s, err);
	if (rc == 0 && !s->old->single)
		rc = hf_founding_make_issuing(&s->founding, err);
	if (rc < 0)
		return rc;
	s->r->new_root = s->r->root ? hf_cert_ref(s->fresh->root.cert) : NULL;
	s->r->new_issuing = s->old->single ? NULL : hf_cert_ref(s->fresh->issuing.cert);
	return 0;
}

/* --- its files --- */

static int publish(struct succession *s, struct hf_ca *ca, const char *name, struct hf_err *err)
{
	HF_AUTO_DONE(hf_crl_published) p = { .crl = NULL };

	(void)snprintf(ca->crl_place, sizeof(ca->crl_place), "next.tmp/%s", name);
	ca->crl_name = ca->crl_place;
	return hf_authority_publish_crl(s->fresh, ca, 0, NULL, s->r->now, &p, err);
}

static int write_root(struct succession *s, struct hf_err *err)
{
	struct hf_ca *root = &s->fresh->root;
	int rc = hf_founding_key(&s->founding, s->draft, "root.key", root->key, err);

	if (rc == 0)
		rc = hf_founding_certs(s->draft, "root.pem", root->cert, NULL, err);
	if (rc == 0 && s->cross)
		rc = hf_founding_certs(s->draft, "cross.pem", s->cross, NULL, err);
	return rc < 0 ? rc : publish(s, root, s->old->single ? "crl.pem" : "root.crl.pem", err);
}

static int write_issuing(struct succession *s, struct hf_err *err)
{
	int rc = hf_founding_issuing_key(&s->founding, s->draft, err);

	if (rc == 0)
		rc = hf_founding_certs(s->draft, "issuing.pem", s->fresh->issuing.cert, NULL, err);
	return rc < 0 ? rc : publish(s, &s->fresh->issuing, "crl.pem", err);
}

static int write_files(struct succession *s, struct hf_err *err)
{
	int rc = hf_rollover_begin(s->old->dir, s->draft, err);

	if (rc == 0 && s->r->root)
		rc = write_root(s, err);
	if (rc == 0 && !s->old->single)
		rc = write_issuing(s, err);
	return rc < 0 ? rc
		      : hf_founding_certs(s->draft, "chain.pem", s->fresh->issuing.cert,
					  s->fresh->root.cert, err);
}

/* Both roots, before anything hangs on the new one. */
static int widen_trust(struct succession *s, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) roots = HF_BUF_INIT(PEM_CAP);
	int rc = s->r->root ? hf_cert_to_pem(s->fresh->root.cert, &roots, err) : 1;

	if (rc == 0)
		rc = hf_authority_roots_pem(s->old, &roots, err);
	return rc == 0 ? hf_rollover_trust(s->old, s->r->home, &roots, err) : HF_MIN(rc, 0);
}

static int keep_old(const struct succession *s, struct hf_err *err)
{
	int rc = s->r->root ? hf_rollover_keep(s->old, &s->old->root, err) : 0;

	return rc == 0 && !s->old->single ? hf_rollover_keep(s->old, &s->old->issuing, err) : rc;
}

/* --- the whole --- */

static int check(const struct hf_authority *a, struct hf_rollover *r, struct hf_err *err)
{
	if (a->root_only)
		return hf_err_set(err, HF_E_POLICY,
				  "this home holds an offline root: make the next one in a home of "
				  "its own, with init --root-only");
	r->root = r->root || a->single;
	if (a->cross && r->root) {
		(void)hf_err_set(err, HF_E_POLICY,
				 "the root before is still trusted, and a third would leave behind "
				 "those who know only that one");
		return hf_err_hint(err, "first: handfast init --retire");
	}
	if (a->before_len + 2 > HF_CA_BEFORE_CAP)
		return hf_err_set(err, HF_E_LIMIT,
				  "there are %zu CAs that went before: retire them first",
				  a->before_len);
	return 0;
}

int hf_authority_rollover(struct hf_authority *a, struct hf_rollover *r, struct hf_err *err)
{
	HF_AUTO_DONE(succession) s = { .old = a, .r = r };
	int rc = check(a, r, err);

	if (rc == 0)
		rc = hf_places_keep(a, hf_authority_issuer(a), r->now, &r->foreign_places, err);
	if (rc == 0)
		rc = hf_ca_load_key(a, &a->root, err);
	if (rc == 0)
		rc = prepare(&s, err);
	if (rc == 0)
		rc = make(&s, err);
	if (rc == 0)
		rc = write_files(&s, err);
	if (rc == 0)
		rc = widen_trust(&s, err);
	if (rc == 0)
		rc = keep_old(&s, err);
	if (rc == 0)
		rc = hf_store_audit_append(a->store, "rollover",
					   r->root ? s.fresh->root.cert->subject
						   : s.fresh->issuing.cert->subject,
					   r->now, err);
	return rc < 0 ? rc : hf_rollover_commit(a->dir, s.draft, err);
}
