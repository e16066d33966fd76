/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate of the service itself, and the revocation lists it gives out: looked after here,
 * so that neither ever runs out.  Must never leave a key beside another key's certificate. */
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/time.h"
#include "ca/crl.h"
#include "ca/shards.h"
#include "ca/idfiles.h"
#include "enroll/service_internal.h"
#include "util/clock.h"
#include "util/log.h"

enum { PEM_CAP = 1024 * 1024 };

/* --- our own certificate --- */

static int wanted_names(const struct hf_service *service, struct hf_sans *sans, struct hf_err *err)
{
	const struct hf_strv *names = service->own->names;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < names->len; i++)
		rc = hf_sans_add_host(sans, names->items[i], err);
	return rc;
}

struct standing {
	int64_t issuer; /* who issues now */
	bool issued;
};

static int keep_standing(void *arg, const struct hf_record *record)
{
	struct standing *s = arg;

	s->issued = record->state == HF_RECORD_ISSUED && record->issuer == s->issuer;
	return 0;
}

/* From the CA that issues now, for all names that are wanted, not revoked, and with a third of its
 * life left. */
static bool is_good(struct hf_service *service, struct hf_cert *leaf, int64_t now)
{
	const struct hf_record_filter filter = { .sha256 = leaf->sha256, .limit = 1 };
	HF_AUTO_DONE(hf_sans) names = HF_SANS_INIT;
	struct standing standing = { hf_authority_issuer(service->authority)->store_id, false };

	if (leaf->not_after - now < (leaf->not_after - leaf->not_before) / 3 ||
	    wanted_names(service, &names, NULL) < 0)
		return false;
	for (size_t i = 0; i < names.len; i++) {
		if (!hf_sans_has(&leaf->sans, &names.items[i]))
			return false;
	}
	return hf_store_list(service->authority->store, &filter, keep_standing, &standing, NULL) ==
		   0 &&
	       standing.issued &&
	       hf_authority_judge(service->authority, leaf, hf_ca_profile_find("server"), now,
				  NULL) == 0;
}

static int load_own(struct hf_service *service, int64_t now, struct hf_credential **ret_credential)
{
	HF_AUTO(hf_credential) there = NULL;
	char cert[PATH_MAX], key[PATH_MAX];
	const char *dir = service->own->identity_dir;

	if (hf_path_join(cert, sizeof(cert), dir, "cert.pem", NULL) < 0 ||
	    hf_path_join(key, sizeof(key), dir, "key.pem", NULL) < 0 || !hf_file_exists(cert) ||
	    hf_credential_load(cert, key, NULL, &there, NULL) < 0 ||
	    !is_good(service, there->chain.items[0], now))
		return 1;
	*ret_credential = hf_take(there);
	return 0;
}

static int order_own(struct hf_service *service, struct hf_order *order, int64_t now,
		     struct hf_err *err)
{
	struct hf_order *orders[] = { order };
	HF_AUTO_DONE(hf_sans) names = HF_SANS_INIT;
	const struct hf_policy_profile *pp;
	int rc = wanted_names(service, &names, err);

	order->profile = hf_ca_profile_find("server");
	pp = hf_policy_profile(service->authority->policy, order->profile);
	order->renews = true;
	if (rc == 0)
		rc = hf_order_for_name(order, service->own->identity_name, NULL, &names, err);
	if (rc == 0)
		rc = hf_key_generate(hf_policy_own_key_type(pp), &order->key, err);
	if (rc == 0)
		rc = hf_order_check(service->authority, order, now, err);
	if (rc == 0)
		rc = hf_issue(service->authority, orders, 1, now, err);
	if (rc >= 0 && !order->cert) {
		if (err)
			*err = order->err;
		return -order->err.code;
	}
	return rc < 0 ? rc : 0;
}

static int write_own(struct hf_service *service, const struct hf_order *order, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) key = HF_BUF_INIT(PEM_CAP);
	HF_AUTO_DONE(hf_buf) cert = HF_BUF_INIT(PEM_CAP);
	HF_AUTO_DONE(hf_buf) ca = HF_BUF_INIT(PEM_CAP);
	const struct hf_idfiles files = { .key = &key, .cert = &cert, .ca = &ca };
	struct hf_authority *a = service->authority;
	int rc = hf_key_to_pem(order->key, NULL, &key, err);

	if (rc == 0)
		rc = hf_cert_to_pem(order->cert, &cert, err);
	if (rc == 0)
		rc = hf_authority_chain_pem(a, order->issuer, &cert, err);
	if (rc == 0)
		rc = hf_authority_roots_pem(a, &ca, err);
	return rc < 0 ? rc : hf_idfiles_write(service->own->identity_dir, &files, true, err);
}

static int issue_own(struct hf_service *service, int64_t now, struct hf_credential **ret_credential,
		     struct hf_err *err)
{
	HF_AUTO_DONE(hf_order) order = { .profile = NULL };
	HF_AUTO_DONE(hf_certs) chain = HF_CERTS_INIT;
	struct hf_authority *a = service->authority;
	int rc = order_own(service, &order, now, err);

	if (rc == 0)
		rc = write_own(service, &order, err);
	if (rc == 0)
		rc = hf_certs_add(&chain, order.cert, err);
	if (rc == 0 && !a->single)
		rc = hf_certs_add(&chain, a->issuing.cert, err);
	if (rc == 0 && a->cross)
		rc = hf_certs_add(&chain, a->cross, err);
	if (rc == 0)
		rc = hf_credential_new(order.key, &chain, ret_credential, err);
	return rc < 0 ? hf_err_context(err, rc, "the certificate of the service itself") : 0;
}

static int keep_own(struct hf_service *service, int64_t now, struct hf_err *err)
{
	int rc = load_own(service, now, &service->fresh);

	if (rc == 0 && !service->context_due &&
	    service->fresh->chain.items[0]->not_after == service->own_until) {
		hf_credential_free(service->fresh); /* it is in use already */
		service->fresh = NULL;
		return 0;
	}
	return rc > 0 ? issue_own(service, now, &service->fresh, err) : 0;
}

/* --- the lists --- */

/* Made while the clock was ahead: nobody takes it until then. */
static bool is_early(const struct hf_crl *crl, int64_t now)
{
	return crl->this_update > now;
}

static int keep_list(struct hf_service *service, struct hf_ca *ca, int64_t now, struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	HF_AUTO_DONE(hf_crl_published) published = { .crl = NULL };
	char path[PATH_MAX];
	int64_t from = 0;
	int rc = hf_path_join(path, sizeof(path), service->authority->dir, ca->crl_name, err);

	if (rc < 0 || !ca->cert || !hf_ca_has_key(ca))
		return rc;
	if (hf_pemfile_load(&file, path, 0, NULL, NULL) == 0 && file.crls.len > 0 &&
	    !is_early(file.crls.items[0], now))
		from = file.crls.items[0]->next_update -
		       (file.crls.items[0]->next_update - file.crls.items[0]->this_update) / 3;
	if (now < from)
		return 0;
	rc = hf_authority_publish_crl(service->authority, ca, 0, NULL, now, &published, err);
	return rc < 0 ? hf_err_context(err, rc, "the revocation list '%s'", path) : 0;
}

static int keep_shards(struct hf_service *service, struct hf_ca *ca, int64_t now,
		       struct hf_err *err)
{
	struct hf_shards_round due = { .which = HF_SHARDS_DUE };
	int rc;

	if (!ca->cert || !hf_ca_has_key(ca))
		return 0;
	rc = hf_shards_prepare(service->authority, ca, now, err);
	return rc < 0 ? rc : hf_shards_keep(service->authority, ca, &due, now, err);
}

int hf_service_keep_up(struct hf_service *service, int64_t now, struct hf_err *err)
{
	struct hf_authority *a = service->authority;
	int rc = keep_own(service, now, err);
	struct hf_ca *ca;

	for (size_t i = 0; rc == 0 && (ca = hf_authority_ca(a, i)); i++) {
		rc = keep_list(service, ca, now, err);
		if (rc == 0)
			rc = keep_shards(service, ca, now, err);
	}
	if (rc == 0)
		rc = hf_service_keep_responders(service, now, err);
	return rc;
}

int hf_service_use(struct hf_service *service, struct hf_credential *credential, struct hf_err *err)
{
	if (!credential)
		return hf_err_set(err, HF_E_NOENT, "the service has no certificate");
	hf_credential_free(service->credential);
	service->credential = credential;
	service->own_until = credential->chain.items[0]->not_after;
	return 0;
}
