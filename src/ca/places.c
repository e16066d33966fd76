/* SPDX-License-Identifier: Apache-2.0 */
/* Places of lists.  Must never let two CAs send their certificates to the same one. */
#include "ca/places.h"

#include <string.h>

#include <openssl/err.h>

#include "base/err.h"
#include "base/str.h"

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

int hf_places_keep(struct hf_authority *a, const struct hf_ca *ca, int64_t now, struct hf_err *err)
{
	const struct hf_record_filter filter = { .issuer = ca->store_id, .expires_from = now };
	struct said said = { .urls = HF_STRV_INIT, .err = err };
	int rc = check_policy(a, err);

	if (rc == 0)
		rc = hf_store_list(a->store, &filter, take_certificate, &said, err);
	for (size_t i = 0; rc == 0 && i < said.urls.len; i++)
		rc = hf_store_note_place(a->store, ca->store_id, said.shards[i], said.urls.items[i],
					 err);
	hf_strv_done(&said.urls);
	return rc;
}
