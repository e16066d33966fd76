/* SPDX-License-Identifier: Apache-2.0 */
/* A log beside the server's own files.  Must never add a cause that the log does not leave open:
 * the files of today confirm or narrow what was said then. */
#include "cli/explain_beside.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/time.h"
#include "cli/explain_spelling.h"
#include "trust/trust.h"

enum { NAME_CAP = 512 };

/* --- loading ----------------------------------------------------------------------------- */

static int add_ca(struct explain_beside *b, const char *path, struct hf_err *err)
{
	HF_AUTO(hf_trust) file = NULL;
	int rc = hf_trust_new(0, &file, err);

	if (rc == 0)
		rc = hf_trust_load_file(file, path, NULL, err);
	if (rc == 0)
		rc = hf_certs_copy(&b->ca, hf_trust_anchors(file), err);
	if (rc == 0)
		rc = hf_certs_copy(&b->ca, hf_trust_intermediates(file), err);
	if (rc < 0 || b->ca_path)
		return rc;
	b->ca_path = hf_str_dup(path);
	return b->ca_path ? 0 : hf_err_nomem(err);
}

static int add_lists(struct explain_beside *b, const char *path, struct hf_err *err)
{
	HF_AUTO(hf_trust) file = NULL;
	int rc = hf_trust_new(0, &file, err);

	if (rc == 0)
		rc = hf_trust_load_crl(file, path, err);
	for (size_t i = 0; rc == 0 && i < hf_trust_crls(file)->len; i++) {
		rc = hf_crls_add(&b->lists, hf_trust_crls(file)->items[i], err);
		if (rc == 0 && hf_strv_add(&b->list_paths, path) < 0)
			rc = hf_err_nomem(err);
	}
	return rc;
}

int explain_beside_load(const struct explain_opts *opts, const struct hf_strv *server_files,
			struct explain_beside *ret, struct hf_err *err)
{
	const char *ca = explain_server_file(server_files, EXPLAIN_CA);
	const char *crl = explain_server_file(server_files, EXPLAIN_CRL);
	int rc = ca ? add_ca(ret, ca, err) : 0;

	if (rc == 0 && crl)
		rc = add_lists(ret, crl, err);
	for (size_t i = 0; rc == 0 && i < opts->trust.ca.len; i++)
		rc = add_ca(ret, opts->trust.ca.items[i], err);
	for (size_t i = 0; rc == 0 && i < opts->trust.crl.len; i++)
		rc = add_lists(ret, opts->trust.crl.items[i], err);
	return rc;
}

void explain_beside_done(struct explain_beside *beside)
{
	hf_certs_done(&beside->ca);
	hf_crls_done(&beside->lists);
	hf_strv_done(&beside->list_paths);
	free(beside->ca_path);
}

/* --- what the files say ------------------------------------------------------------------ */

struct look_up {
	const struct explain_beside *b;
	struct explain_suspect *s;
	int64_t now;
};

HF_PRINTF(2, 3)
static bool say(const struct look_up *l, const char *fmt, ...)
{
	char line[NAME_CAP * 2];
	HF_AUTO_DONE(hf_buf) safe = HF_BUF_INIT(NAME_CAP * 8);
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (hf_str_escape(&safe, line, strlen(line)) == 0)
		(void)hf_strv_add(l->s->evidence, hf_buf_str(&safe));
	return true;
}

static bool open_to(const struct look_up *l, enum hf_reason reason)
{
	for (size_t i = 0; i < *l->s->candidates_len; i++) {
		if (l->s->candidates[i] == reason)
			return true;
	}
	return false;
}

/* first, and then second when neither is certain (HF_REASON_NONE: it is). */
static void settle(const struct look_up *l, enum hf_reason first, enum hf_reason second)
{
	l->s->candidates[0] = first;
	l->s->candidates[1] = second;
	*l->s->candidates_len = second ? 2 : 1;
	*l->s->confidence = second ? HF_LIKELY : HF_CERTAIN;
}

static const struct hf_cert *named(const struct hf_certs *list, const char *name)
{
	for (size_t i = 0; name[0] && i < list->len; i++) {
		if (explain_same_name(list->items[i]->subject, name))
			return list->items[i];
	}
	return NULL;
}

static const struct hf_cert *ca_named(const struct explain_beside *b, const char *name)
{
	return named(&b->ca, name);
}

/* A CA whose certificate stands on one of the lists: whoever is below it is refused. */
static bool revoked_ca(const struct look_up *l)
{
	const struct explain_beside *b = l->b;

	if (!open_to(l, HF_REASON_V_CA_REVOKED) && !open_to(l, HF_REASON_V_REVOKED))
		return false;
	for (size_t i = 0; b->known && i < b->known->len; i++) {
		const struct hf_cert *ca = b->known->items[i];
		struct hf_crl_entry entry;

		if (l->s->issuer[0] && !explain_same_name(ca->subject, l->s->issuer) &&
		    !explain_same_name(ca->subject, l->s->subject))
			continue;
		for (size_t k = 0; k < b->lists.len; k++) {
			if (!explain_same_name(b->lists.items[k]->issuer, ca->issuer) ||
			    hf_crl_find(b->lists.items[k], X509_get0_serialNumber(ca->x509), NULL,
					&entry) != 1)
				continue;
			settle(l, HF_REASON_V_CA_REVOKED, HF_REASON_NONE);
			if (!l->s->issuer[0] && !l->s->is_ca)
				*l->s->confidence = HF_LIKELY;
			return say(l, "%s: the list of %s has the CA %s", b->list_paths.items[k],
				   ca->issuer, ca->subject);
		}
	}
	return false;
}

/* Of whom a list must be that says something of the suspect; any when the log does not name one. */
static bool may_judge(const struct look_up *l, const struct hf_crl *list)
{
	return !l->s->issuer[0] || explain_same_name(list->issuer, l->s->issuer) ||
	       (l->s->is_ca && explain_same_name(list->issuer, l->s->subject));
}

static bool revoked(const struct look_up *l)
{
	ASN1_INTEGER *serial = explain_serial(l->s->serial);
	enum hf_reason cause = l->s->candidates[0];
	const struct explain_beside *b = l->b;
	size_t judged = 0;
	bool found = false;

	if (!open_to(l, HF_REASON_V_REVOKED) && !open_to(l, HF_REASON_V_CA_REVOKED)) {
		ASN1_INTEGER_free(serial);
		return false;
	}
	for (size_t i = 0; serial && !found && i < b->lists.len; i++) {
		struct hf_crl_entry entry;

		if (!may_judge(l, b->lists.items[i]))
			continue;
		judged++;
		found = hf_crl_find(b->lists.items[i], serial, NULL, &entry) == 1;
		if (found)
			say(l, "%s: the list of %s has serial %s", b->list_paths.items[i],
			    b->lists.items[i]->issuer, l->s->serial);
	}
	ASN1_INTEGER_free(serial);
	if (found)
		settle(l, cause == HF_REASON_V_CA_REVOKED ? cause : HF_REASON_V_REVOKED,
		       HF_REASON_NONE);
	else if (judged)
		say(l,
		    "%zu list%s that could have serial %s do%s not: the server has another, or "
		    "was not reloaded",
		    judged, judged == 1 ? "" : "s", l->s->serial, judged == 1 ? "es" : "");
	return found || judged > 0;
}

static bool stale_list(const struct look_up *l)
{
	const struct explain_beside *b = l->b;
	char ended[HF_TIME_TEXT_CAP];
	bool found = false;

	if (!open_to(l, HF_REASON_V_CRL_EXPIRED))
		return false;
	for (size_t i = 0; i < b->lists.len; i++) {
		const struct hf_crl *list = b->lists.items[i];

		if (list->next_update >= l->now)
			continue;
		hf_time_format(list->next_update, ended);
		found = say(l, "%s: the list of %s ended at %s", b->list_paths.items[i],
			    list->issuer, ended);
	}
	if (found)
		settle(l, HF_REASON_V_CRL_EXPIRED, HF_REASON_NONE);
	else if (b->lists.len > 0 && l->s->candidates[0] == HF_REASON_V_CRL_EXPIRED)
		return say(l,
			   "each of the %zu lists is in date now: reload the server, if it still "
			   "says so",
			   b->lists.len);
	return found;
}

static bool has_list(const struct explain_beside *b, const char *issuer)
{
	for (size_t i = 0; i < b->lists.len; i++) {
		if (explain_same_name(b->lists.items[i]->issuer, issuer))
			return true;
	}
	return false;
}

static bool missing_list(const struct look_up *l)
{
	bool found = false;

	if (!open_to(l, HF_REASON_V_CRL_MISSING))
		return false;
	if (l->b->lists.len == 0 && l->s->candidates[0] != HF_REASON_V_CRL_MISSING)
		return false; /* nobody asks for lists */
	for (size_t i = 0; i < l->b->ca.len; i++) {
		if (!has_list(l->b, l->b->ca.items[i]->subject))
			found = say(l, "of %s there is no list", l->b->ca.items[i]->subject);
	}
	if (!found && l->s->issuer[0] && !has_list(l->b, l->s->issuer))
		found = say(l, "of %s there is no list", l->s->issuer);
	if (found)
		settle(l, HF_REASON_V_CRL_MISSING, HF_REASON_NONE);
	return found;
}

/* s_server, stunnel and haproxy name no issuer; that of a CA which the server itself is below
 * stands in its own chain. */
static const char *issuer_of(const struct look_up *l)
{
	const struct hf_cert *ca = l->s->is_ca && !l->s->issuer[0] && l->b->known
				       ? named(l->b->known, l->s->subject)
				       : NULL;

	return ca ? ca->issuer : l->s->issuer;
}

/* The CA of the CA file that it is about: the one named (Apache does not say at which depth), else
 * the issuer of the leaf. */
static const struct hf_cert *ca_of(const struct look_up *l)
{
	const struct hf_cert *ca = ca_named(l->b, l->s->subject);

	return ca || l->s->is_ca ? ca : ca_named(l->b, l->s->issuer);
}

static bool old_ca(const struct look_up *l)
{
	const struct hf_cert *ca = ca_of(l);
	char ended[HF_TIME_TEXT_CAP];

	if ((!open_to(l, HF_REASON_V_CA_EXPIRED) && !open_to(l, HF_REASON_V_ROOT_EXPIRED)) || !ca ||
	    ca->not_after >= l->now)
		return false;
	hf_time_format(ca->not_after, ended);
	settle(l,
	       ca->flags & HF_CERT_SELF_ISSUED ? HF_REASON_V_ROOT_EXPIRED : HF_REASON_V_CA_EXPIRED,
	       HF_REASON_NONE);
	return say(l, "%s: %s ended at %s", l->b->ca_path, ca->subject, ended);
}

static bool of_one_house(const struct look_up *l)
{
	for (size_t i = 0; i < l->b->ca.len; i++) {
		if (explain_same_house(l->b->ca.items[i]->subject, issuer_of(l)))
			return true;
	}
	return false;
}

/* The server finds no way up: is the issuer in its CA file? */
static bool no_way_up(const struct look_up *l)
{
	const struct hf_cert *ca = ca_of(l);

	ca = ca ? ca : ca_named(l->b, issuer_of(l));
	if (!open_to(l, HF_REASON_V_UNKNOWN_CA) && !open_to(l, HF_REASON_V_NO_INTERMEDIATE))
		return false;
	if (l->b->ca.len == 0 || (!ca && !issuer_of(l)[0]))
		return false;
	if (ca && !(ca->flags & HF_CERT_SELF_ISSUED) && !ca_named(l->b, ca->issuer)) {
		settle(l, HF_REASON_V_PARTIAL_ANCHOR, HF_REASON_NONE);
		return say(l, "%s has %s, and not %s above it", l->b->ca_path, ca->subject,
			   ca->issuer);
	}
	if (ca) {
		settle(l, HF_REASON_V_SAME_NAME_CA, HF_REASON_R_STALE_PROCESS);
		return say(l,
			   "%s has a CA of the name %s: it has another key, or the server was not "
			   "reloaded since it is there",
			   l->b->ca_path, ca->subject);
	}
	if (explain_same_name(l->s->subject, issuer_of(l)))
		settle(l, l->s->is_ca ? HF_REASON_V_UNKNOWN_CA : HF_REASON_V_SELF_SIGNED,
		       HF_REASON_NONE);
	else if (of_one_house(l))
		settle(l, HF_REASON_V_NO_INTERMEDIATE, HF_REASON_V_UNKNOWN_CA);
	else
		settle(l, HF_REASON_V_UNKNOWN_CA, HF_REASON_V_NO_INTERMEDIATE);
	return say(l, "%s has %zu CA%s, and not %s", l->b->ca_path, l->b->ca.len,
		   l->b->ca.len == 1 ? "" : "s", issuer_of(l));
}

/* A certificate that may not sign leaves no modern suite, whatever the client offers. */
static bool own_key_usage(const struct look_up *l)
{
	const struct hf_cert *leaf = l->b->leaf;

	if (l->s->candidates[0] != HF_REASON_P_CIPHER || !leaf || !(leaf->flags & HF_CERT_HAS_KU) ||
	    (leaf->ku & KU_DIGITAL_SIGNATURE))
		return false;
	settle(l, HF_REASON_V_KU, HF_REASON_NONE);
	l->s->own_leaf = true;
	return say(l, "the key usage of the server's own %s has no digitalSignature",
		   leaf->subject);
}

bool explain_beside_refine(const struct explain_beside *beside, int64_t now,
			   struct explain_suspect *suspect)
{
	const struct look_up l = { beside, suspect, now };
	bool unsaid = *suspect->confidence == HF_CANNOT_KNOW;

	if (*suspect->candidates_len == 0)
		return false;
	if (!own_key_usage(&l) && !revoked_ca(&l) && !revoked(&l) && !stale_list(&l) &&
	    !missing_list(&l) && !old_ca(&l) && !no_way_up(&l))
		return false;
	if (unsaid && *suspect->confidence == HF_CERTAIN) /* it may have been something else */
		*suspect->confidence = HF_LIKELY;
	return true;
}
