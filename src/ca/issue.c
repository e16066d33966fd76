/* SPDX-License-Identifier: Apache-2.0 */
/* The order of work of the authority.  Must never hand out a certificate that the ledger does not
 * hold durably, or that our own judge refuses. */
#include "ca/issue.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"
#include "ca/auditlog.h"
#include "ca/order.h"
#include "ca/parallel.h"
#include "ca/permit.h"
#include "ca/publication.h"
#include "ca/shards.h"
#include "pki/name.h"

enum { BATCH_CAP = 256, RSA_BITS_MIN = 2048, RSA_BITS_CAP = 8192, TEXT_CAP = 64 * 1024 };

void hf_order_done(struct hf_order *order)
{
	X509_NAME_free(order->subject);
	EVP_PKEY_free(order->key);
	hf_sans_done(&order->sans);
	NAME_CONSTRAINTS_free(order->permit);
	sk_X509_EXTENSION_pop_free(order->extra, X509_EXTENSION_free);
	hf_strv_done(&order->notes);
	hf_strv_done(&order->dropped);
	hf_strv_done(&order->added);
	hf_rulings_done(&order->rulings);
	hf_cert_unref(order->renewed);
	hf_cert_unref(order->cert);
	*order = (struct hf_order){ .profile = NULL };
}

/* --- checks --- */

static bool rsa_exponent_is_small(const EVP_PKEY *key)
{
	HF_AUTO(BIGNUM) e = NULL;

	return EVP_PKEY_get_bn_param(key, "e", &e) == 1 && BN_num_bits(e) < 17;
}

int hf_key_check(const EVP_PKEY *key, struct hf_err *err)
{
	enum hf_key_type type = hf_key_type_of(key);
	int bits = EVP_PKEY_get_bits(key);
	char words[96];

	hf_key_describe(key, words, sizeof(words));
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
		if (bits >= RSA_BITS_MIN && bits <= RSA_BITS_CAP && !rsa_exponent_is_small(key))
			return 0;
	} else if (type != HF_KEY_OTHER) {
		return 0;
	}
	(void)hf_err_set(err, HF_E_POLICY, "a certificate for such a key is not made: %s", words);
	return hf_err_hint(
	    err, "good keys are EC P-256 and P-384, Ed25519, and RSA of 2048 to 8192 bits");
}

static int check_names(const struct hf_authority *a, const struct hf_order *order,
		       struct hf_err *err)
{
	const struct hf_ca *const cas[] = { &a->root,
					    order->issuer == &a->root ? NULL : order->issuer };

	if (hf_name_is_empty(order->subject) && (order->sans.len == 0 || order->profile->is_ca)) {
		(void)hf_err_set(err, HF_E_POLICY,
				 "a certificate needs a name: its subject is empty");
		return hf_err_hint(err, "give it a subject (/CN=…) or a SAN");
	}
	if (order->profile->names_hosts && order->sans.len == 0) {
		(void)hf_err_set(err, HF_E_POLICY,
				 "a %s needs the names that clients use, and there is none",
				 order->profile->words);
		return hf_err_hint(
		    err,
		    "add them with --san dns:HOST or --san ip:ADDRESS; the common name is not looked at");
	}
	for (size_t i = 0; order->issuer && !order->profile->is_ca && i < HF_ARRAY_LEN(cas); i++) {
		HF_AUTO(NAME_CONSTRAINTS) nc = NULL;
		int rc;

		if (!cas[i] || !(cas[i]->cert->flags & HF_CERT_HAS_NAME_CONSTRAINTS))
			continue;
		nc = X509_get_ext_d2i(cas[i]->cert->x509, NID_name_constraints, NULL, NULL);
		rc = nc ? hf_permit_check(nc, &order->sans, order->subject, cas[i]->cert->subject,
					  err)
			: 0;
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* A CA goes below the root, everything else below the issuing CA. */
static int settle_issuer(struct hf_authority *a, struct hf_order *order, struct hf_err *err)
{
	char since[HF_TIME_TEXT_CAP];

	if (!a->root.cert) /* the root itself: the first certificate of a new authority */
		return 0;
	if (a->root_only && !order->profile->is_ca) {
		(void)hf_err_set(err, HF_E_POLICY,
				 "this home holds an offline root, which certifies CAs only");
		return hf_err_hint(err, "issue from the home of the CA below it");
	}
	order->issuer = order->profile->is_ca ? &a->root : hf_authority_issuer(a);
	if (order->issuer == &a->issuing && a->issuing_revoked_at) {
		hf_time_format(a->issuing_revoked_at, since);
		(void)hf_err_set(err, HF_E_POLICY,
				 "'%s' was revoked by its root, %s: peers refuse what it issues",
				 order->issuer->cert->subject, since);
		return hf_err_hint(err, "make a new authority with: handfast init --force NAME, or "
					"below the same root with handfast root request");
	}
	if (order->profile->is_ca && order->issuer->cert->pathlen == 0) {
		(void)hf_err_set(err, HF_E_POLICY,
				 "'%s' may not have CAs below it: its path length is 0",
				 order->issuer->cert->subject);
		return hf_err_hint(err, "an authority made without --single has a root that may");
	}
	return 0;
}

static int settle_validity(struct hf_order *order, int64_t now, struct hf_err *err)
{
	const struct hf_cert *issuer = order->issuer ? order->issuer->cert : NULL;
	int64_t lifetime =
	    order->lifetime ? order->lifetime : order->profile->days * HF_DAY_SECONDS;
	char until[HF_TIME_TEXT_CAP];
	HF_AUTO(cstr) note = NULL;

	order->not_before = now - HF_BACKDATE_SECONDS;
	order->not_after = lifetime < HF_TIME_MAX - now ? now + lifetime : HF_TIME_MAX;
	if (!issuer)
		return 0;
	hf_time_format(issuer->not_after, until);
	if (issuer->not_after <= now) {
		(void)hf_err_set(err, HF_E_POLICY,
				 "'%s' has expired (%s) and can issue nothing any more",
				 issuer->subject, until);
		return hf_err_hint(err, "make a new authority with: handfast init --force NAME");
	}
	order->not_before = HF_MAX(order->not_before, issuer->not_before);
	if (order->not_after <= issuer->not_after)
		return 0;
	order->not_after = issuer->not_after;
	note = hf_str_printf("valid until %s only: no longer than its issuer '%s'", until,
			     issuer->subject);
	return note && hf_strv_add(&order->notes, note) == 0 ? 0 : hf_err_nomem(err);
}

/* The authority's own certificates (root, single, issuing) have no policy over them. */
static int apply_policy(struct hf_authority *a, struct hf_order *order, struct hf_err *err)
{
	const X509_NAME *issuer;

	if (!order->issuer || hf_ca_profile_is_own(order->profile))
		return 0;
	if (!a->policy && a->policy_err.code) {
		if (err)
			*err = a->policy_err;
		return hf_err_context(err, -a->policy_err.code, "the policy");
	}
	issuer = X509_get_subject_name(order->issuer->cert->x509);
	return hf_policy_apply(a->policy, order, issuer, a->actor, err);
}

int hf_order_check(struct hf_authority *a, struct hf_order *order, int64_t now, struct hf_err *err)
{
	int rc = hf_key_check(order->key, err);

	if (rc == 0)
		rc = settle_issuer(a, order, err);
	if (rc == 0)
		rc = apply_policy(a, order, err);
	if (rc == 0)
		rc = check_names(a, order, err);
	if (rc == 0)
		rc = settle_validity(order, now, err);
	if (rc == 0)
		rc = hf_order_publish(a, order, now, err);
	if (rc == 0 && !order->profile->is_ca && order->sans.len == 0 &&
	    !hf_policy_says_no_names(a->policy, order->profile) &&
	    hf_strv_add(
		&order->notes,
		"it is known by its common name only, which strict peers refuse; give it a name "
		"with --san") < 0)
		rc = hf_err_nomem(err);
	if (rc == 0)
		rc = hf_rulings_end(&order->rulings);
	if (rc == 0)
		order->checked = true;
	return rc;
}

/* --- signing --- */

static int sign(const struct hf_order *order, EVP_PKEY *subject_key, EVP_PKEY *self_key,
		const uint8_t *serial, struct hf_cert **ret_cert, struct hf_err *err)
{
	struct hf_certificate_plan plan = {
		.profile = order->profile,
		.serial = serial,
		.subject = order->subject,
		.key = subject_key,
		.sans = &order->sans,
		.permit = order->permit,
		.extra = order->extra,
		.not_before = order->not_before,
		.not_after = order->not_after,
		.issuer = order->issuer ? order->issuer->cert : NULL,
		.issuer_key = order->issuer ? order->issuer->key : self_key,
	};

	return hf_certificate_make(&plan, ret_cert, err);
}

/* A root is judged under itself, everything else under the authority's trust. */
static int judge(struct hf_authority *a, const struct hf_order *order, struct hf_cert *cert,
		 int64_t now, struct hf_err *err)
{
	int rc = 0;

	if (!order->issuer) {
		a->root.cert = hf_cert_ref(cert);
		rc = hf_authority_make_trust(a, err);
		hf_cert_unref(a->root.cert);
		a->root.cert = NULL;
	}
	return rc < 0 ? rc : hf_authority_judge(a, cert, order->profile, now, err);
}

struct batch {
	struct hf_order *const *orders;
	size_t len;
	struct hf_authority *a;
	int64_t now;
	struct hf_intent intents[BATCH_CAP];
	struct hf_outcome outcomes[BATCH_CAP];
	struct hf_claim *claims[BATCH_CAP]; /* of the outcomes */
	struct batch_texts {
		uint8_t serial[HF_SERIAL_LEN];
		char serial_text[HF_SERIAL_TEXT_CAP];
		char *subject, *sans;
	} texts[BATCH_CAP];
};

static void batch_free(struct batch *b)
{
	for (size_t i = 0; b && i < b->len; i++) {
		free(b->texts[i].subject);
		free(b->texts[i].sans);
	}
	free(b);
}
HF_DEFINE_AUTO(batch, struct batch, batch_free);

static int64_t issuer_id(struct hf_authority *a, const struct hf_order *order, int64_t now,
			 struct hf_err *err)
{
	uint8_t spki[HF_SHA256_LEN];
	int64_t id = 0;
	int rc;

	if (order->issuer)
		return order->issuer->store_id;
	rc = hf_key_spki_sha256(order->key, spki, err);
	if (rc == 0)
		rc = hf_store_issuer(a->store, spki, "root", now, &id, err);
	return rc < 0 ? rc : id;
}

static int prepare(struct hf_authority *a, struct batch *b, size_t i, int64_t now,
		   struct hf_err *err)
{
	const struct hf_order *order = b->orders[i];
	struct batch_texts *t = &b->texts[i];
	HF_AUTO_DONE(hf_buf) sans = HF_BUF_INIT(TEXT_CAP);
	int64_t issuer = issuer_id(a, order, now, err);
	int rc = issuer < 0 ? (int)issuer : hf_serial_make(t->serial, err);

	if (rc < 0)
		return rc;
	hf_serial_text(t->serial, t->serial_text);
	(void)hf_sans_format(&order->sans, &sans);
	t->subject = hf_name_text(order->subject);
	t->sans = hf_str_dup(hf_buf_str(&sans));
	if (!t->subject || !t->sans || hf_buf_failed(&sans))
		return hf_err_nomem(err);
	b->intents[i] = (struct hf_intent){
		.issuer = issuer,
		.serial = t->serial_text,
		.name = order->name,
		.profile = order->profile->name,
		.subject = t->subject,
		.sans = t->sans,
		.at = now,
		.shard = order->shard,
		.unique_subject = a->policy && a->policy->unique_subject && !order->renews &&
				  !hf_ca_profile_is_own(order->profile),
	};
	return 0;
}

/* What fails here fails for this order only.  Keys, trust and certificates are only read, so that
 * threads may share them. */
static void sign_one(void *arg, size_t i)
{
	struct batch *b = arg;
	struct hf_order *order = b->orders[i];
	HF_AUTO(hf_cert) cert = NULL;
	int rc;

	if (!b->intents[i].id) {
		(void)hf_order_subject_taken(b->a, order, b->intents[i].subject, &order->err);
		return;
	}
	rc = sign(order, order->key, order->key, b->texts[i].serial, &cert, &order->err);
	if (rc == 0)
		rc = judge(b->a, order, cert, b->now, &order->err);
	if (rc == 0)
		rc = hf_order_note_worlds(order, cert, &order->err);
	if (rc < 0)
		return;
	order->record_id = b->intents[i].id;
	order->cert = hf_take(cert);
}

static size_t collect_outcomes(struct batch *b)
{
	size_t len = 0;

	for (size_t i = 0; i < b->len; i++) {
		const struct hf_cert *cert = b->orders[i]->cert;
		struct hf_outcome *out = &b->outcomes[len];

		if (!cert)
			continue;
		*out = (struct hf_outcome){
			.id = b->intents[i].id,
			.der = cert->der,
			.der_len = cert->der_len,
			.not_before = cert->not_before,
			.not_after = cert->not_after,
		};
		memcpy(out->sha256, cert->sha256, sizeof(out->sha256));
		b->claims[len] = b->orders[i]->claim;
		len++;
	}
	return len;
}

/* Orders that failed are closed in the ledger too; should that fail, the next start does it. */
static void abandon_failed(struct hf_authority *a, const struct batch *b, int64_t now)
{
	for (size_t i = 0; i < b->len; i++) {
		if (!b->orders[i]->cert && b->intents[i].id)
			(void)hf_store_abandon(a->store, &b->intents[i].id, 1, now, NULL);
	}
}

/* Nothing of it leaves: forget the certificates. */
static int take_back(const struct batch *b, int rc)
{
	for (size_t i = 0; i < b->len; i++) {
		hf_cert_unref(b->orders[i]->cert);
		b->orders[i]->cert = NULL;
	}
	return rc;
}

/* Somebody else was faster, or the permission ended while this one was being signed. */
static int drop_lost(const struct batch *b, int issued)
{
	for (size_t i = 0; i < b->len; i++) {
		struct hf_order *order = b->orders[i];

		if (!order->cert || !order->claim || !order->claim->lost)
			continue;
		hf_cert_unref(order->cert);
		order->cert = NULL;
		issued--;
		(void)hf_err_set(&order->err, HF_E_EXIST,
				 "another request has used up this permission meanwhile");
	}
	return issued;
}

static int issue_batch(struct hf_authority *a, struct hf_order *const *orders, size_t len,
		       int64_t now, struct hf_err *err)
{
	HF_AUTO(batch) b = calloc(1, sizeof(*b));
	size_t signed_len;
	int rc = 0;

	if (!b)
		return hf_err_nomem(err);
	b->orders = orders;
	b->len = len;
	b->a = a;
	b->now = now;
	for (size_t i = 0; rc == 0 && i < len; i++)
		rc = prepare(a, b, i, now, err);
	if (rc == 0)
		rc = hf_store_intend(a->store, b->intents, len, err);
	if (rc < 0)
		return rc;
	hf_parallel(a->jobs, len, sign_one, b);
	signed_len = collect_outcomes(b);
	if (signed_len < len)
		abandon_failed(a, b, now);
	if (signed_len > 0)
		rc = hf_store_record_claims(a->store, b->outcomes, b->claims, signed_len, now, err);
	return rc < 0 ? take_back(b, rc) : drop_lost(b, (int)signed_len);
}

/* With the key that just signed.  The certificates are issued whatever becomes of the seal: an old
 * one is still true. */
static void seal_log(struct hf_authority *a, struct hf_order *const *orders, size_t len,
		     int64_t now)
{
	if (len > 0 && orders[0]->issuer)
		(void)hf_auditlog_seal(a, orders[0]->issuer, now, NULL);
}

int hf_issue(struct hf_authority *a, struct hf_order *const *orders, size_t len, int64_t now,
	     struct hf_err *err)
{
	int issued = 0, prepared = 0;

	for (size_t i = 0; i < len; i++) {
		int rc;

		if (!orders[i]->checked)
			return hf_err_set(err, HF_E_INVALID, "an order that was not checked");
		rc = orders[i]->issuer ? hf_ca_load_key(a, orders[i]->issuer, err) : 0;
		if (rc == 0 && orders[i]->placed && !prepared++)
			rc = hf_shards_prepare(a, orders[i]->issuer, now, err);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < len; i += BATCH_CAP) {
		int rc = issue_batch(a, orders + i, HF_MIN(len - i, (size_t)BATCH_CAP), now, err);

		if (rc < 0 && issued == 0)
			return rc;
		if (rc < 0) { /* the batches before are issued: their callers must get them */
			for (size_t k = i; k < len; k++)
				orders[k]->err = err ? *err : (struct hf_err)HF_ERR_INIT;
			return issued;
		}
		issued += rc;
	}
	seal_log(a, orders, len, now);
	return issued;
}

int hf_issue_draft(struct hf_authority *a, struct hf_order *order, struct hf_cert **ret_cert,
		   struct hf_err *err)
{
	HF_AUTO(EVP_PKEY) thrown_away = NULL;
	HF_AUTO(hf_cert) cert = NULL;
	enum hf_key_type type = hf_key_type_of(order->key);
	uint8_t serial[HF_SERIAL_LEN];
	int rc = order->issuer ? hf_ca_load_key(a, order->issuer, err) : 0;

	if (rc == 0)
		rc = hf_key_generate(type == HF_KEY_OTHER ? HF_KEY_RSA2048 : type, &thrown_away,
				     err);
	if (rc == 0)
		rc = hf_serial_make(serial, err);
	if (rc == 0)
		rc = sign(order, thrown_away, thrown_away, serial, &cert, err);
	if (rc < 0)
		return rc;
	*ret_cert = hf_take(cert);
	return 0;
}

int hf_issue_try(struct hf_authority *a, struct hf_order *order, int64_t now,
		 struct hf_cert **ret_cert, struct hf_err *err)
{
	HF_AUTO(hf_cert) cert = NULL;
	int rc = hf_issue_draft(a, order, &cert, err);

	if (rc == 0)
		rc = judge(a, order, cert, now, err);
	if (rc < 0)
		return rc;
	*ret_cert = hf_take(cert);
	return 0;
}
