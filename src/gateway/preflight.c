/* SPDX-License-Identifier: Apache-2.0 */
/* Preflight checks, one small function a rule.  Must never call something a mistake that may be
 * right: what cannot be known from here is said as a condition. */
#include "gateway/preflight.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/time.h"
#include "pki/ocsp.h"
#include "util/log.h"
#include "verify/list_state.h"
#include "verify/world.h"

enum { SOON_SECONDS = 7 * HF_DAY_SECONDS };

struct flight {
	struct hf_preflight *out;
	const struct hf_policy_parts *parts;
	int64_t now;
};

static struct hf_preflight_item *add(struct hf_preflight *out, const char *id, const char *fix,
				     const char *fmt, ...) HF_PRINTF(4, 5);

static struct hf_preflight_item *add(struct hf_preflight *out, const char *id, const char *fix,
				     const char *fmt, ...)
{
	/* The last place takes what does not fit any more. */
	struct hf_preflight_item *item =
	    &out->items[HF_MIN(out->len, (size_t)HF_PREFLIGHT_CAP - 1)];
	va_list ap;

	if (out->len < HF_PREFLIGHT_CAP)
		out->len++;

	*item = (struct hf_preflight_item){ .id = id };
	va_start(ap, fmt);
	(void)vsnprintf(item->text, sizeof(item->text), fmt, ap);
	va_end(ap);
	(void)hf_str_copy(item->fix, sizeof(item->fix), fix);
	return item;
}

/* --- our own certificate --- */

static const char *path_or(const char *path)
{
	return path != NULL ? path : "(memory)";
}

static void check_key_mode(const struct flight *f)
{
	const struct hf_credential *c = f->parts->credential;
	const char *path = path_or(c->key_path != NULL ? c->key_path : c->cert_path);
	char fix[384];

	if (!c->key_world_readable)
		return;
	(void)snprintf(fix, sizeof(fix), "chmod 0600 %s", path);
	add(f->out, "F-KEY-MODE", fix, "the private key '%s' is readable by others", path);
}

static void check_times(const struct flight *f, const struct hf_cert *cert, bool leaf)
{
	char when[HF_TIME_TEXT_CAP];

	if (f->now > cert->not_after) {
		hf_time_format(cert->not_after, when);
		add(f->out, leaf ? "V-EXPIRED" : "V-CA-EXPIRED",
		    "renew it; clients refuse it until then", "the %s %s has expired on %s",
		    leaf ? "server certificate" : "CA certificate", cert->subject, when);
	} else if (f->now < cert->not_before) {
		hf_time_format(cert->not_before, when);
		add(f->out, leaf ? "V-NOT-YET" : "V-CA-NOT-YET",
		    "check the clocks here and at the CA", "the %s %s is not valid before %s",
		    leaf ? "server certificate" : "CA certificate", cert->subject, when);
	} else if (cert->not_after - f->now < SOON_SECONDS) {
		hf_time_format(cert->not_after, when);
		add(f->out, "V-EXPIRED", "renew it", "%s expires soon, on %s", cert->subject, when)
		    ->note = true;
	}
}

static bool names_a_host(const struct hf_cert *leaf)
{
	for (size_t i = 0; i < leaf->sans.len; i++)
		if (leaf->sans.items[i].kind == HF_SAN_DNS || leaf->sans.items[i].kind == HF_SAN_IP)
			return true;
	return false;
}

static void check_names(const struct flight *f, const struct hf_cert *leaf)
{
	if (names_a_host(leaf))
		return;
	add(f->out, "V-CN-ONLY", "reissue it with its DNS names and addresses as subjectAltName",
	    "the server certificate %s has no subjectAltName with a DNS name or address: Go, browsers "
	    "and Handfast refuse it (RFC 9525)",
	    leaf->subject);
}

/* RFC 7633: such a certificate is worth nothing alone. */
static void check_staple(const struct flight *f)
{
	const struct hf_credential *c = f->parts->credential;

	HF_AUTO(cstr) url = f->parts->staple ? hf_ocsp_url(c->chain.items[0]) : NULL;

	if (hf_credential_must_staple(c) && c->staple_len == 0 && url == NULL)
		add(f->out, "F-MUST-STAPLE", "fetch one (--staple), or give one with --staple-file",
		    "the server certificate %s demands an OCSP response with it (must-staple), and "
		    "there is none: clients that look refuse it",
		    c->chain.items[0]->subject);
}

static void check_usage(const struct flight *f, const struct hf_cert *leaf)
{
	if ((leaf->flags & HF_CERT_HAS_EKU) != 0 && (leaf->eku & (HF_EKU_SERVER | HF_EKU_ANY)) == 0)
		add(f->out, "V-EKU", "reissue it from the server profile (serverAuth)",
		    "the server certificate %s is not for servers: its extended key usage lacks "
		    "serverAuth",
		    leaf->subject);
}

/* It works here, and not with every client. */
static void check_worlds(const struct flight *f, struct hf_cert *leaf)
{
	HF_AUTO_DONE(hf_objections) objections = { NULL, 0 };

	if (!names_a_host(leaf) || hf_worlds_object(leaf, HF_PURPOSE_SERVER, &objections, NULL) < 0)
		return;
	for (size_t i = 0; i < objections.len; i++) {
		const struct hf_reason_info *info = hf_reason_info(objections.items[i].reason);
		HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(4096);

		(void)hf_objection_format(&objections.items[i], HF_PURPOSE_SERVER, &text);
		add(f->out, info->id, info->remedy, "the server certificate %s is %s",
		    leaf->subject, hf_buf_str(&text))
		    ->note = objections.items[i].worlds != HF_WORLDS_ALL;
	}
}

static bool issued_by_any(const struct hf_cert *leaf, const struct hf_certs *candidates)
{
	for (size_t i = 0; i < candidates->len; i++)
		if (X509_check_issued(candidates->items[i]->x509, leaf->x509) == X509_V_OK)
			return true;
	return false;
}

/* The authority key identifier may carry the issuer's own issuer: equal to the issuer's name, it is
 * a root, and nothing is missing. */
static bool issuer_is_root(const struct hf_cert *leaf)
{
	const GENERAL_NAMES *names = X509_get0_authority_issuer(leaf->x509);
	const GENERAL_NAME *name;

	if (names == NULL || sk_GENERAL_NAME_num(names) < 1)
		return false;
	name = sk_GENERAL_NAME_value(names, 0);
	return name->type == GEN_DIRNAME &&
	       X509_NAME_cmp(name->d.directoryName, X509_get_issuer_name(leaf->x509)) == 0;
}

static void check_intermediate(const struct flight *f)
{
	const struct hf_certs *chain = &f->parts->credential->chain;
	const struct hf_cert *leaf = chain->items[0];

	if (chain->len > 1 || (leaf->flags & HF_CERT_SELF_ISSUED) != 0 || issuer_is_root(leaf) ||
	    issued_by_any(leaf, hf_trust_anchors(f->parts->trust)))
		return;
	add(f->out, "V-NO-INTERMEDIATE",
	    "append the issuing CA certificate to the certificate file, leaf first (not needed when that "
	    "CA is the root that clients trust)",
	    "the server certificate's issuing CA (%s) is not in its file: clients that have only the "
	    "root cannot build the chain, the intermediate is missing",
	    leaf->issuer);
}

static void check_own(const struct flight *f)
{
	const struct hf_certs *chain = &f->parts->credential->chain;

	check_key_mode(f);
	for (size_t i = 0; i < chain->len; i++)
		check_times(f, chain->items[i], i == 0);
	check_names(f, chain->items[0]);
	check_usage(f, chain->items[0]);
	check_worlds(f, chain->items[0]);
	check_intermediate(f);
	check_staple(f);
}

/* --- what we trust --- */

static void check_strangers(const struct flight *f)
{
	if (f->parts->client_auth == HF_CLIENT_AUTH_OPTIONAL)
		add(f->out, "N-NONE", "",
		    "clients without a certificate are let in, as nobody (client-auth optional); "
		    "of the routes, those with rules of their own refuse them")
		    ->note = true;
}

/* Nothing else in such a policy would look wrong: it is plain TLS. */
static void check_nobody(const struct flight *f)
{
	add(f->out, "N-NONE", "",
	    "no client is asked for a certificate, so everybody is let in as nobody (client-auth "
	    "none)%s",
	    f->parts->rules != NULL ? "; its rules are never asked" : "")
	    ->note = true;
}

static void check_anchors(const struct flight *f)
{
	const struct hf_certs *anchors = hf_trust_anchors(f->parts->trust);

	if (anchors->len == 0) {
		add(f->out, "F-CA-EMPTY",
		    "name the clients' CA with --ca FILE, or handfast trust add",
		    "nothing is trusted: every client certificate will be refused")
		    ->fatal = hf_client_auth_refuses(f->parts->client_auth);
		return;
	}
	for (size_t i = 0; i < anchors->len; i++) {
		const struct hf_cert *cert = anchors->items[i];

		if ((cert->flags & HF_CERT_CA) == 0 && cert->version == 3)
			add(f->out, "F-TRUST-NOT-CA",
			    "put the root of the clients' CA there instead",
			    "the trust holds %s, which is not a CA: no chain ends there",
			    cert->subject);
		else
			check_times(f, cert, false);
	}
}

/* --- revocation lists --- */

static void check_list_of(const struct flight *f, const struct hf_cert *ca)
{
	const struct hf_crls *crls = hf_trust_crls(f->parts->trust);
	const X509_NAME *name = X509_get_subject_name(ca->x509);

	if ((ca->flags & HF_CERT_CA) == 0 || !hf_trust_wants_list_of(f->parts->trust, name))
		return;
	for (size_t i = 0; i < crls->len; i++)
		if (X509_NAME_cmp(hf_crl_issuer(crls->items[i]), name) == 0)
			return;
	add(f->out, "V-CRL-MISSING", "add that CA's revocation list with --crl, or leave --crl out",
	    "there is no revocation list of %s: every client below it will be refused",
	    ca->subject);
}

static void check_list_time(const struct flight *f, const struct hf_crl *crl)
{
	char when[HF_TIME_TEXT_CAP], until[HF_TIME_TEXT_CAP];

	hf_time_format(crl->next_update, when);
	hf_time_format(hf_trust_list_until(f->parts->trust, crl), until);
	switch (hf_list_state(f->parts->trust, crl, f->now)) {
	case HF_LIST_OVER:
		add(f->out, "V-CRL-EXPIRED", "fetch the current list and reload",
		    "the revocation list of %s is out of date since %s: every client below it "
		    "will be refused",
		    crl->issuer, when);
		break;
	case HF_LIST_IN_GRACE:
		add(f->out, "V-CRL-EXPIRED", "fetch the current list and reload",
		    "the revocation list of %s is out of date since %s: it counts until %s "
		    "(crl-grace), what was revoked since is not known, and then every client below "
		    "it will be refused",
		    crl->issuer, when, until);
		break;
	case HF_LIST_CURRENT:
		if (crl->has_next_update && crl->next_update - f->now < HF_DAY_SECONDS)
			add(f->out, "V-CRL-EXPIRED", "fetch the next list in time",
			    "the revocation list of %s ends soon, on %s", crl->issuer, when)
			    ->note = true;
		break;
	case HF_LIST_REPLACED:
		break;
	}
}

static void check_list_times(const struct flight *f)
{
	const struct hf_crls *crls = hf_trust_crls(f->parts->trust);

	for (size_t i = 0; i < crls->len; i++)
		check_list_time(f, crls->items[i]);
}

static void check_lists(const struct flight *f)
{
	const struct hf_certs *lists[] = { hf_trust_anchors(f->parts->trust),
					   hf_trust_intermediates(f->parts->trust) };

	check_list_times(f);
	for (size_t l = 0; l < HF_ARRAY_LEN(lists); l++)
		for (size_t i = 0; i < lists[l]->len; i++)
			check_list_of(f, lists[l]->items[i]);
}

/* --- responders --- */

static void check_responder(const struct flight *f)
{
	bool hard = f->parts->ocsp == HF_OCSP_HARD;

	if (f->parts->ocsp == HF_OCSP_OFF || f->parts->ocsp_url != NULL)
		return;
	add(f->out, "V-OCSP-NONE", hard ? "name one for all with ocsp-url" : "",
	    "each client's certificate names the OCSP responder that is asked about it; one that "
	    "names none is %s (ocsp %s)",
	    hard ? "refused" : "let in unasked", hard ? "hard" : "soft")
	    ->note = true;
}

/* Whose certificate, whose trust: said where there are several. */
static void name_policy(struct hf_preflight *preflight, size_t from, const char *policy)
{
	for (size_t i = from; i < preflight->len; i++) {
		struct hf_preflight_item *item = &preflight->items[i];
		char text[sizeof(item->text)];

		(void)hf_str_copy(text, sizeof(text), item->text);
		(void)snprintf(item->text, sizeof(item->text), "policy '%.64s': %.430s", policy,
			       text);
	}
}

void hf_preflight_add_silent(struct hf_preflight *preflight, const struct hf_policy_parts *parts,
			     const char *why)
{
	bool hard = parts->ocsp == HF_OCSP_HARD;
	size_t from = preflight->len;

	add(preflight, "V-OCSP-DOWN", "start it, or mend ocsp-url",
	    "the OCSP responder %.200s does not answer from here now (%.120s): clients are %s",
	    parts->ocsp_url, why,
	    hard ? "refused until it does (ocsp hard)"
		 : "let in unasked until it does (ocsp soft)");
	if (parts->name != NULL)
		name_policy(preflight, from, parts->name);
}

void hf_preflight_run(struct hf_preflight *preflight, const struct hf_gateway_parts *parts,
		      int64_t now)
{
	for (size_t i = 0; i < parts->policies_len; i++) {
		const struct hf_policy_parts *policy = &parts->policies[i];
		const struct flight f = { preflight, policy, now };
		size_t from = preflight->len;

		check_own(&f);
		if (policy->client_auth == HF_CLIENT_AUTH_NONE) {
			check_nobody(&f);
		} else {
			check_strangers(&f);
			check_anchors(&f);
			check_lists(&f);
			check_responder(&f);
		}
		if (policy->name != NULL)
			name_policy(preflight, from, policy->name);
	}
}

void hf_preflight_add_failure(struct hf_preflight *preflight, const struct hf_err *err)
{
	add(preflight, err->code == HF_E_MISMATCH ? "F-KEY-MISMATCH" : "F-FILE", err->hint, "%s",
	    err->msg)
	    ->fatal = true;
}

size_t hf_preflight_mistakes(const struct hf_preflight *preflight, bool *ret_fatal)
{
	size_t mistakes = 0;

	*ret_fatal = false;
	for (size_t i = 0; i < preflight->len; i++) {
		mistakes += !preflight->items[i].note;
		*ret_fatal |= preflight->items[i].fatal;
	}
	return mistakes;
}

void hf_preflight_log(const struct hf_gateway_parts *parts, int64_t now)
{
	struct hf_preflight *preflight = calloc(1, sizeof(*preflight));

	if (preflight == NULL)
		return;
	hf_preflight_run(preflight, parts, now);
	for (size_t i = 0; i < preflight->len; i++) {
		const struct hf_preflight_item *item = &preflight->items[i];

		hf_log_say("warning: %s [%s]%s%s", item->text, item->id,
			   item->fix[0] ? "; mend it with: " : "", item->fix);
	}
	free(preflight);
}

void hf_preflight_to_json(const struct hf_preflight *preflight, struct hf_json *j, const char *key)
{
	hf_json_array_begin(j, key);
	for (size_t i = 0; i < preflight->len; i++) {
		const struct hf_preflight_item *item = &preflight->items[i];

		hf_json_object_begin(j, NULL);
		hf_json_string(j, "id", item->id);
		hf_json_string(j, "severity",
			       item->fatal  ? "refuse"
			       : item->note ? "info"
					    : "warning");
		hf_json_string(j, "text", item->text);
		hf_json_string(j, "fix", item->fix);
		hf_json_object_end(j);
	}
	hf_json_array_end(j);
}
