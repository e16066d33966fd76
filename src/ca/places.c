/* SPDX-License-Identifier: Apache-2.0 */
/* Places of lists.  Must never let two CAs send their certificates to the same one. */
#include "ca/places.h"

#include <string.h>

#include <openssl/err.h>

#include "base/err.h"
#include "base/str.h"
#include "ca/shards.h"

enum { PLACES_CAP = 1024, CDP_CAP = 4096 };

struct owners {
	struct hf_authority *a;
	int64_t issuer;
	const struct hf_ca *other;
	bool own;
};

/* Of one that was retired nobody looks any more. */
static int take_owner(void *arg, int64_t issuer)
{
	struct owners *o = arg;

	if (issuer == o->issuer)
		o->own = true;
	else if (!o->other)
		o->other = hf_authority_ca_by_id(o->a, issuer);
	return 0;
}

static int find_owners(struct owners *o, const char *url, struct hf_err *err)
{
	return hf_store_each_owner(o->a->store, url, take_owner, o, err);
}

static int is_taken(const char *url, const struct hf_cert *by, struct hf_err *err)
{
	(void)hf_err_set(err, HF_E_POLICY,
			 "certificates of '%s' look for its list at '%s', where there can be one "
			 "CA's list only",
			 by->subject, url);
	return hf_err_hint(err, "put {ca} into the URL (policy.yaml, revocation), as "
				"http://HOST/crl/{ca}.crl: each CA has its own place then");
}

int hf_place_check(struct hf_authority *a, const struct hf_ca *ca, const char *url,
		   struct hf_err *err)
{
	struct owners owners = { .a = a, .issuer = ca->store_id };
	int rc = find_owners(&owners, url, err);

	return rc == 0 && owners.other ? is_taken(url, owners.other->cert, err) : rc;
}

int hf_place_note(struct hf_authority *a, const struct hf_ca *ca, const char *url,
		  struct hf_err *err)
{
	struct owners owners = { .a = a, .issuer = ca->store_id };
	int rc = find_owners(&owners, url, err);

	return rc < 0 || owners.own
		   ? rc
		   : hf_store_note_place(a->store, ca->store_id, HF_CRL_COMPLETE, url, err);
}

/* --- at a rollover --- */

/* What certificates say, each different place once. */
struct said {
	struct hf_strv urls;
	int64_t shards[PLACES_CAP];
	uint8_t last[CDP_CAP]; /* the certificates of one policy say the same, and most say nothing
				  new */
	size_t last_len;
	struct hf_err *err;
};

static int add_place(struct said *said, const char *url, size_t len, int64_t shard)
{
	for (size_t i = 0; i < said->urls.len; i++) {
		if (said->shards[i] == shard && strlen(said->urls.items[i]) == len &&
		    memcmp(said->urls.items[i], url, len) == 0)
			return 0;
	}
	if (said->urls.len == PLACES_CAP)
		return hf_err_set(said->err, HF_E_LIMIT,
				  "its certificates name more than %d places of lists",
				  (int)PLACES_CAP);
	said->shards[said->urls.len] = shard;
	return hf_strv_addn(&said->urls, url, len) < 0 ? hf_err_nomem(said->err) : 0;
}

static int add_points(struct said *said, const CRL_DIST_POINTS *points, int64_t shard)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT_NAME *name = sk_DIST_POINT_value(points, i)->distpoint;
		const ASN1_IA5STRING *uri;
		int at = 0;

		while (rc == 0 && (uri = hf_crl_uri_next(name, &at)) != NULL)
			rc = add_place(said, (const char *)ASN1_STRING_get0_data(uri),
				       (size_t)ASN1_STRING_length(uri), shard);
	}
	return rc;
}

/* The extension's bytes are looked for first: a million certificates are not decoded. */
static bool says_the_same(struct said *said, const struct hf_record *record)
{
	static const uint8_t oid[] = { 0x06, 0x03, 0x55, 0x1d, 0x1f };
	const uint8_t *at = memmem(record->der, record->der_len, oid, sizeof(oid));
	size_t rest = at ? (size_t)(record->der + record->der_len - at) : 0;
	size_t len = rest > sizeof(oid) + 2 && at[sizeof(oid)] == 0x04 && at[sizeof(oid) + 1] < 0x80
			 ? HF_MIN(rest, sizeof(oid) + 2 + at[sizeof(oid) + 1])
			 : HF_MIN(rest, sizeof(said->last));

	if (!at || (len == said->last_len && memcmp(at, said->last, len) == 0))
		return true;
	memcpy(said->last, at, len);
	said->last_len = len;
	return false;
}

static int take_certificate(void *arg, const struct hf_record *record)
{
	struct said *said = arg;
	const uint8_t *der = record->der;
	CRL_DIST_POINTS *points;
	X509 *cert;
	int rc;

	if (!der || says_the_same(said, record))
		return 0;
	cert = d2i_X509(NULL, &der, (long)record->der_len);
	points = cert ? X509_get_ext_d2i(cert, NID_crl_distribution_points, NULL, NULL) : NULL;
	ERR_clear_error();
	rc = add_points(said, points, record->shard);
	CRL_DIST_POINTS_free(points);
	X509_free(cert);
	return rc;
}

/* That of a list of its own stands in the URL. */
static int check_policy(const struct hf_authority *a, struct hf_err *err)
{
	const char *url = a->policy ? a->policy->revocation.crl : NULL;

	if (!url || strstr(url, "{ca}"))
		return 0;
	(void)hf_err_set(err, HF_E_POLICY,
			 "the policy sends the certificates of every CA to '%s', and a list there "
			 "can be one CA's only",
			 url);
	return hf_err_hint(err, "put {ca} into the URL first (policy.yaml, revocation), as "
				"http://HOST/crl/{ca}.crl; those from before go on with the one "
				"they name");
}

static int tell_foreign(const struct hf_authority *a, const struct hf_ca *ca,
			const struct said *said, struct hf_strv *ret_foreign, struct hf_err *err)
{
	for (size_t i = 0; i < said->urls.len; i++) {
		HF_AUTO(cstr) own = hf_ca_list_url(a, ca, said->shards[i]);

		if (said->shards[i] != HF_CRL_COMPLETE || hf_str_eq(own, said->urls.items[i]))
			continue; /* shards are the policy's, now or of then */
		if (hf_strv_add(ret_foreign, said->urls.items[i]) < 0)
			return hf_err_nomem(err);
	}
	return 0;
}

int hf_places_keep(struct hf_authority *a, const struct hf_ca *ca, int64_t now,
		   struct hf_strv *ret_foreign, struct hf_err *err)
{
	const struct hf_record_filter filter = { .issuer = ca->store_id, .expires_from = now };
	struct said said = { .urls = HF_STRV_INIT, .err = err };
	int rc = check_policy(a, err);

	if (rc == 0)
		rc = hf_store_list(a->store, &filter, take_certificate, &said, err);
	for (size_t i = 0; rc == 0 && i < said.urls.len; i++)
		rc = hf_store_note_place(a->store, ca->store_id, said.shards[i], said.urls.items[i],
					 err);
	if (rc == 0)
		rc = tell_foreign(a, ca, &said, ret_foreign, err);
	hf_strv_done(&said.urls);
	return rc;
}

/* --- extension files --- */

struct extfile_check {
	struct hf_authority *a;
	const struct hf_ca *ca;
	int64_t now;
	struct hf_extfile *ext;
	struct hf_err *err;
};

static void *given(const struct hf_extfile *ext, int nid)
{
	int at = X509v3_get_ext_by_NID(ext->extra, nid, -1);

	return at < 0 ? NULL : X509V3_EXT_d2i(X509v3_get_ext(ext->extra, at));
}

/* "f.cnf:12" */
static const char *line_of(const struct hf_extfile *ext, int nid)
{
	for (size_t i = 0; i < ext->words.len; i++) {
		if (strcmp(ext->words.items[i], OBJ_nid2sn(nid)) == 0)
			return ext->places.items[i];
	}
	return "";
}

static int check_url(const struct extfile_check *c, const ASN1_IA5STRING *uri)
{
	HF_AUTO(cstr) url =
	    hf_str_ndup((const char *)ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri));
	int rc = url ? hf_place_check(c->a, c->ca, url, c->err) : hf_err_nomem(c->err);

	if (rc != -HF_E_POLICY)
		return rc;
	rc = hf_err_context(c->err, rc, "%s: crlDistributionPoints",
			    line_of(c->ext, NID_crl_distribution_points));
	(void)hf_err_hint(c->err,
			  "say there where the list of '%s' is, or leave the line out and let "
			  "policy.yaml say it (revocation, crl: http://HOST/crl/{ca}.crl)",
			  c->ca->cert->subject);
	return rc;
}

/* A list that somebody else signs for the CA may be for several. */
static int check_lists(const struct extfile_check *c)
{
	CRL_DIST_POINTS *points = given(c->ext, NID_crl_distribution_points);
	int rc = 0;

	for (int i = 0; rc == 0 && i < sk_DIST_POINT_num(points); i++) {
		const DIST_POINT *point = sk_DIST_POINT_value(points, i);
		const ASN1_IA5STRING *uri;
		int at = 0;

		while (rc == 0 && !point->CRLissuer &&
		       (uri = hf_crl_uri_next(point->distpoint, &at)) != NULL)
			rc = check_url(c, uri);
	}
	CRL_DIST_POINTS_free(points);
	return rc;
}

/* As a URI stands in a GeneralName: its tag, its length in one byte. */
static int names_it(void *arg, const struct hf_record *record)
{
	const ASN1_IA5STRING *uri = arg;
	const uint8_t *data = ASN1_STRING_get0_data(uri), *at = record->der;
	size_t len = (size_t)ASN1_STRING_length(uri), left = at ? record->der_len : 0;

	while ((at = memmem(at, left, data, len)) != NULL) {
		if (at - record->der > 2 && at[-2] == 0x86 && at[-1] == len)
			return 1;
		at++;
		left = (size_t)(record->der + record->der_len - at);
	}
	return 0;
}

static int check_issuer_at(const struct extfile_check *c, ASN1_IA5STRING *uri)
{
	for (size_t i = 0; i < c->a->before_len; i++) {
		const struct hf_ca *before = &c->a->before[i];
		const struct hf_record_filter filter = { .issuer = before->store_id,
							 .states = 1U << HF_RECORD_ISSUED,
							 .expires_from = c->now };
		HF_AUTO(cstr) text = NULL;
		int rc = hf_store_list(c->a->store, &filter, names_it, uri, c->err);

		if (rc == 0)
			continue;
		if (rc < 0)
			return rc;
		text =
		    hf_str_printf("%s: authorityInfoAccess: certificates of '%s' find its "
				  "certificate at '%.*s'; those of '%s' need that one's own, "
				  "or a file there that holds both",
				  line_of(c->ext, NID_info_access), before->cert->subject,
				  ASN1_STRING_length(uri), (const char *)ASN1_STRING_get0_data(uri),
				  c->ca->cert->subject);
		return text && hf_strv_add(&c->ext->notes, text) == 0 ? 0 : hf_err_nomem(c->err);
	}
	return 0;
}

static int check_issuers(const struct extfile_check *c)
{
	AUTHORITY_INFO_ACCESS *access = given(c->ext, NID_info_access);
	int rc = 0;

	for (int i = 0; rc == 0 && i < sk_ACCESS_DESCRIPTION_num(access); i++) {
		const ACCESS_DESCRIPTION *one = sk_ACCESS_DESCRIPTION_value(access, i);

		if (OBJ_obj2nid(one->method) == NID_ad_ca_issuers && one->location->type == GEN_URI)
			rc = check_issuer_at(c, one->location->d.uniformResourceIdentifier);
	}
	AUTHORITY_INFO_ACCESS_free(access);
	return rc;
}

int hf_places_check_extfile(struct hf_authority *a, const struct hf_ca *ca, int64_t now,
			    struct hf_extfile *ext, struct hf_err *err)
{
	const struct extfile_check c = { a, ca, now, ext, err };
	int rc;

	if (a->before_len == 0)
		return 0;
	rc = check_lists(&c);
	return rc < 0 ? rc : check_issuers(&c);
}
