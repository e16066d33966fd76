/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists in shards.  Must never leave a certificate that can be used without a list that
 * speaks of it. */
#include "ca/shards.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "ca/places.h"

static int64_t policy_shards(const struct hf_authority *a)
{
	return a->policy ? a->policy->revocation.shards : 0;
}

void hf_ca_key_name(const struct hf_ca *ca, char ret_name[HF_CA_KEY_NAME_CAP])
{
	hf_hex_encode(ca->cert->spki_sha256, HF_CA_KEY_NAME_CAP / 2, ret_name);
}

int hf_ca_list_path(const struct hf_authority *a, const struct hf_ca *ca, int64_t shard,
		    char ret_path[PATH_MAX], struct hf_err *err)
{
	char key[HF_CA_KEY_NAME_CAP], name[64];

	if (shard == HF_CRL_COMPLETE)
		return hf_path_join(ret_path, PATH_MAX, a->dir, ca->crl_name, err);
	hf_ca_key_name(ca, key);
	(void)snprintf(name, sizeof(name), "shards/%s-%lld.pem", key, (long long)shard);
	return hf_path_join(ret_path, PATH_MAX, a->dir, name, err);
}

char *hf_ca_list_url(const struct hf_authority *a, const struct hf_ca *ca, int64_t shard)
{
	char key[HF_CA_KEY_NAME_CAP];

	if (!a->policy || !a->policy->revocation.crl)
		return NULL;
	hf_ca_key_name(ca, key);
	return hf_policy_crl_url(&a->policy->revocation, key, shard);
}

int hf_shard_of(const struct hf_authority *a, const EVP_PKEY *key, int64_t *ret_shard,
		struct hf_err *err)
{
	uint8_t spki[HF_SHA256_LEN];
	uint32_t number;
	int rc = policy_shards(a) > 0 ? hf_key_spki_sha256(key, spki, err) : 1;

	if (rc != 0) {
		*ret_shard = HF_CRL_COMPLETE;
		return HF_MIN(rc, 0);
	}
	number =
	    (uint32_t)spki[0] << 24 | (uint32_t)spki[1] << 16 | (uint32_t)spki[2] << 8 | spki[3];
	*ret_shard = 1 + (int64_t)(number % (uint64_t)policy_shards(a));
	return 0;
}

/* --- which there are --- */

struct alive {
	int64_t by_policy; /* the shards 1 to this */
	hf_shard_fn each;
	void *arg;
};

static int tell_if_alive(void *arg, const struct hf_shard *shard)
{
	const struct alive *alive = arg;

	return shard->named || shard->number <= alive->by_policy ? alive->each(alive->arg, shard)
								 : 0;
}

static int64_t by_policy(struct hf_authority *a, const struct hf_ca *ca)
{
	return ca == hf_authority_issuer(a) ? policy_shards(a) : 0;
}

int hf_shards_alive(struct hf_authority *a, struct hf_ca *ca, int64_t now, hf_shard_fn each,
		    void *arg, struct hf_err *err)
{
	struct alive alive = { by_policy(a, ca), each, arg };

	return hf_store_each_shard(a->store, ca->store_id, now, tell_if_alive, &alive, err);
}

/* Read before any list is signed, which changes what is read. */
struct shards {
	struct hf_shard items[HF_CRL_SHARDS_CAP];
	size_t len;
	int64_t by_policy;
};

static int collect(void *arg, const struct hf_shard *shard)
{
	struct shards *list = arg;

	if (list->len < HF_ARRAY_LEN(list->items))
		list->items[list->len++] = *shard;
	return 0;
}

/* --- their lists --- */

static int64_t due_at(const struct hf_shard *shard)
{
	return shard->next_update - (shard->next_update - shard->this_update) / 3;
}

static bool is_wanted(const struct hf_shards_round *round, const struct hf_shard *shard,
		      const char *path, int64_t now)
{
	if (round->which == HF_SHARDS_ALL || shard->stale || !hf_file_exists(path))
		return true;
	/* made while the clock was ahead, it would be taken by nobody until then */
	return round->which == HF_SHARDS_DUE && (now >= due_at(shard) || shard->this_update > now);
}

static int sign_one(struct hf_authority *a, struct hf_ca *ca, struct hf_shards_round *round,
		    struct hf_shard *shard, int64_t now, struct hf_err *err)
{
	const struct hf_crl_wish wish = { .shard = shard->number, .lifetime = round->lifetime };
	HF_AUTO_DONE(hf_crl_published) p = { .crl = NULL };
	int rc = hf_authority_publish_list(a, ca, &wish, now, &p, err);

	if (rc < 0)
		return hf_err_context(err, rc, "the list of shard %lld", (long long)shard->number);
	shard->this_update = p.crl->this_update;
	shard->next_update = p.crl->next_update;
	return round->told ? round->told(round->arg, &p) : 0;
}

static int keep_one(struct hf_authority *a, struct hf_ca *ca, struct hf_shards_round *round,
		    struct hf_shard *shard, int64_t now, struct hf_err *err)
{
	char path[PATH_MAX];
	int rc = hf_ca_list_path(a, ca, shard->number, path, err);

	if (rc == 0 && is_wanted(round, shard, path, now))
		rc = sign_one(a, ca, round, shard, now, err);
	if (rc == 0 && (!round->due_at || due_at(shard) < round->due_at))
		round->due_at = due_at(shard);
	return rc;
}

/* Nobody looks for it any more. */
static void forget(const struct hf_authority *a, const struct hf_ca *ca,
		   const struct hf_shard *shard)
{
	char path[PATH_MAX];

	if (hf_ca_list_path(a, ca, shard->number, path, NULL) == 0)
		(void)unlink(path);
}

static int make_folder(const struct hf_authority *a, struct hf_err *err)
{
	char path[PATH_MAX];
	int rc = hf_path_join(path, sizeof(path), a->dir, "shards", err);

	return rc < 0 ? rc : hf_dir_make(path, HF_MODE_SECRET_DIR, err);
}

int hf_shards_keep(struct hf_authority *a, struct hf_ca *ca, struct hf_shards_round *round,
		   int64_t now, struct hf_err *err)
{
	struct shards *all = calloc(1, sizeof(*all));
	int rc = all ? hf_store_each_shard(a->store, ca->store_id, now, collect, all, err)
		     : hf_err_nomem(err);

	if (rc == 0 && all->len > 0)
		rc = make_folder(a, err);
	for (size_t i = 0; rc == 0 && i < all->len; i++) {
		struct hf_shard *shard = &all->items[i];

		if (shard->named || shard->number <= by_policy(a, ca))
			rc = keep_one(a, ca, round, shard, now, err);
		else
			forget(a, ca, shard);
	}
	free(all);
	return rc;
}

static int move(const char *from_dir, const char *name, const char *to_dir, const char *as,
		struct hf_err *err)
{
	char from[PATH_MAX], to[PATH_MAX];
	int rc = hf_path_join(from, sizeof(from), from_dir, name, err);

	if (rc == 0)
		rc = hf_path_join(to, sizeof(to), to_dir, as, err);
	if (rc == 0 && rename(from, to) != 0 && errno != ENOENT)
		rc = hf_err_errno(err, errno, "cannot rename '%s' to '%s'", from, to);
	return rc;
}

int hf_shards_put_away(const struct hf_authority *a, const struct hf_ca *ca, const char *dir,
		       struct hf_err *err)
{
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
	char folder[PATH_MAX], key[HF_CA_KEY_NAME_CAP], as[NAME_MAX + 1];
	int rc = hf_path_join(folder, sizeof(folder), a->dir, "shards", err);

	if (rc < 0 || !hf_file_exists(folder))
		return rc;
	rc = hf_dir_list(folder, &names, err);
	hf_ca_key_name(ca, key);
	for (size_t i = 0; rc == 0 && i < names.len; i++) {
		const char *name = names.items[i];

		if (!hf_str_starts(name, key))
			continue;
		(void)snprintf(as, sizeof(as), "crl%s", name + strlen(key));
		rc = move(folder, name, dir, as, err);
	}
	return rc;
}

static int plan(struct hf_authority *a, struct hf_ca *ca, struct hf_strv *urls, struct hf_err *err)
{
	for (int64_t i = 1; i <= policy_shards(a); i++) {
		HF_AUTO(cstr) url = hf_ca_list_url(a, ca, i);

		if (!url || hf_strv_add(urls, url) < 0)
			return hf_err_nomem(err);
	}
	return hf_store_plan_shards(a->store, ca->store_id, urls->items, urls->len, err);
}

int hf_shards_prepare(struct hf_authority *a, struct hf_ca *ca, int64_t now, struct hf_err *err)
{
	struct hf_shards_round round = { .which = HF_SHARDS_STALE };
	HF_AUTO_DONE(hf_strv) urls = HF_STRV_INIT;
	HF_AUTO(cstr) last = NULL;
	int64_t len = by_policy(a, ca);
	int rc;

	if (ca != hf_authority_issuer(a) || !a->policy || !a->policy->revocation.crl)
		return 0;
	last = hf_ca_list_url(a, ca, len);
	if (!last)
		return hf_err_nomem(err);
	if (len == 0)
		return hf_place_note(a, ca, last, err);
	rc = hf_store_shards_ready(a->store, ca->store_id, len, last, err);
	if (rc != 0)
		return HF_MIN(rc, 0);
	rc = plan(a, ca, &urls, err);
	return rc < 0 ? rc : hf_shards_keep(a, ca, &round, now, err);
}
