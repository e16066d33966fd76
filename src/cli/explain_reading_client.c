/* SPDX-License-Identifier: Apache-2.0 */
/* What the alert of a client means that refused the server, by the server's own chain.  Must never
 * be surer than the alert: what the client trusts is not known here. */
#include "cli/explain_reading.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/time.h"
#include "explain/logline.h"
#include "util/clock.h"

enum { JAVA_MESSAGE_CAP = 32768 };

/* What our own certificate says about the alert of a client. */
static bool by_own_dates(struct explain_reading *r)
{
	if (r->g.alert == 45 && r->ends && r->at > r->ends)
		explain_settle(&r->g, HF_REASON_V_EXPIRED, HF_CERTAIN);
	else if (r->g.alert == 42 && r->begins && r->at < r->begins)
		explain_settle(&r->g, HF_REASON_V_NOT_YET, HF_CERTAIN);
	else if (r->g.alert == 48 && r->g.subject[0] && strcmp(r->g.subject, r->g.issuer) == 0)
		explain_settle(&r->g, HF_REASON_V_SELF_SIGNED, HF_CERTAIN);
	else
		return false;
	return true;
}

static bool names_an_address_as_dns(const struct hf_certs *chain)
{
	uint8_t raw[16];
	size_t len;

	for (size_t i = 0; chain->len && i < chain->items[0]->sans.len; i++) {
		const struct hf_san *san = &chain->items[0]->sans.items[i];

		if (san->kind == HF_SAN_DNS && hf_ip_parse(san->value, raw, &len))
			return true;
	}
	return false;
}

/* The certificate of the finding, which may be a CA's, in place of the leaf's. */
static void blame(struct explain_group *g, const struct hf_finding *f)
{
	explain_settle(g, f->reason, HF_CERTAIN);
	if (!f->cert)
		return;
	(void)snprintf(g->role, sizeof(g->role), "%s", hf_role_name(f->role));
	(void)snprintf(g->subject, sizeof(g->subject), "%s", f->cert->subject);
	(void)snprintf(g->issuer, sizeof(g->issuer), "%s", f->cert->issuer);
	(void)snprintf(g->serial, sizeof(g->serial), "%s", f->cert->serial);
	hf_hex_encode(f->cert->sha256, HF_SHA256_LEN, g->sha256);
	hf_time_format(f->cert->not_before, g->not_before);
	hf_time_format(f->cert->not_after, g->not_after);
}

/* The path as far as it is known here, and what of it the server does not send. */
static bool by_what_is_not_sent(const struct hf_certs *sent, const struct hf_certs *path,
				struct explain_reading *r)
{
	const struct hf_cert *leaf = sent->items[0];
	size_t have = 1;

	while (have < path->len && hf_certs_has(sent, path->items[have]))
		have++;
	if (leaf->flags & HF_CERT_SELF_ISSUED || path->items[have - 1]->flags & HF_CERT_SELF_ISSUED)
		return false;
	/* the root above need not be sent */
	if (have < path->len && path->items[have]->flags & HF_CERT_SELF_ISSUED)
		return false;
	if (have == path->len && have > 1) /* nothing is known above */
		return false;
	explain_settle(&r->g,
		       have == 1 && sent->len > 1 ? HF_REASON_V_WRONG_INTERMEDIATE
						  : HF_REASON_V_NO_INTERMEDIATE,
		       HF_LIKELY);
	explain_candidate(&r->g, HF_REASON_V_UNKNOWN_CA);
	return true;
}

/* The server's chain, with what is known here, leads up to a root that is in date. */
static bool leads_to_a_root(const struct explain_own *own)
{
	HF_AUTO_DONE(hf_certs) path = HF_CERTS_INIT;
	char bridge[256] = "";
	struct hf_standing standing = { NULL, &path, bridge, sizeof(bridge) };
	const struct hf_cert *top;

	if (own->chain->len == 0 || hf_standing_climb(own->chain, own->known, &standing, NULL) < 0)
		return false;
	top = path.items[path.len - 1];
	return (top->flags & HF_CERT_SELF_ISSUED) && top->not_after >= hf_clock_now();
}

/* The server's chain on its own merits, for the name that this client asked for. */
static bool by_own_chain(const struct explain_own *own, struct explain_reading *r)
{
	HF_AUTO_DONE(hf_certs) path = HF_CERTS_INIT;
	HF_AUTO_DONE(hf_verdict) verdict;
	char bridge[256] = "";
	struct hf_standing standing = { &verdict, &path, bridge, sizeof(bridge) };
	const char *sni = explain_text_of(r->record, "sni");
	struct hf_verify_options options = { .purpose = HF_PURPOSE_SERVER,
					     .at = r->at ? r->at : hf_clock_now(),
					     .name = sni[0] ? sni : NULL };
	bool found = false;

	hf_verdict_init(&verdict);
	if (own->chain->len == 0 ||
	    hf_standing_judge(own->chain, own->known, NULL, &options, &standing, NULL) < 0)
		return false;
	for (size_t i = 0; i < verdict.findings_len && !found; i++) {
		const struct hf_finding *f = &verdict.findings[i];

		found = f->severity == HF_SEVERITY_REFUSE &&
			(r->g.alert == 0 || hf_reason_info(f->reason)->alert == r->g.alert);
		if (found)
			blame(&r->g, f);
		if (found && r->g.alert == 0) /* not shown: another may have been meant */
			r->g.confidence = HF_LIKELY;
	}
	return found ||
	       ((r->g.alert == 48 || r->g.alert == 0) && by_what_is_not_sent(own->chain, &path, r));
}

static bool names_a(const struct hf_certs *chain, enum hf_san_kind kind, const char *beginning)
{
	for (size_t i = 0; chain->len && i < chain->items[0]->sans.len; i++) {
		const struct hf_san *san = &chain->items[0]->sans.items[i];

		if (san->kind == kind && hf_str_starts(san->value, beginning))
			return true;
	}
	return false;
}

static void candidates_of(struct explain_reading *r, const enum hf_reason *list)
{
	if (!r->g.cause)
		explain_settle(&r->g, list[0], HF_LIKELY);
	for (size_t i = 0; list[i]; i++)
		explain_candidate(&r->g, list[i]);
}

/* What a client may have asked for that the certificate does not have, as far as it shows. */
static void by_names(const struct explain_own *own, struct explain_reading *r)
{
	static const enum hf_reason rest[] = { HF_REASON_K_CLOCK, HF_REASON_V_WEAK_SIG,
					       HF_REASON_V_WEAK_KEY, HF_REASON_NONE };

	explain_settle(&r->g,
		       names_an_address_as_dns(own->chain) ? HF_REASON_V_IP_AS_DNS
							   : HF_REASON_V_NAME_MISMATCH,
		       HF_LIKELY);
	explain_candidate(&r->g, HF_REASON_V_NAME_MISMATCH);
	if (own->chain->len && !names_a(own->chain, HF_SAN_IP, ""))
		explain_candidate(&r->g, HF_REASON_V_IP_SAN);
	if (names_a(own->chain, HF_SAN_DNS, "*."))
		explain_candidate(&r->g, HF_REASON_V_WILDCARD);
	explain_candidate(&r->g, HF_REASON_P_SNI_MISSING);
	candidates_of(r, rest);
}

/* It asked for no name. */
static void without_name(const struct explain_own *own, struct explain_reading *r)
{
	static const enum hf_reason list[] = { HF_REASON_V_IP_SAN, HF_REASON_P_SNI_MISSING,
					       HF_REASON_V_IP_AS_DNS, HF_REASON_K_CLOCK,
					       HF_REASON_NONE };

	if (names_an_address_as_dns(own->chain))
		explain_settle(&r->g, HF_REASON_V_IP_AS_DNS, HF_LIKELY);
	candidates_of(r, list);
}

/* Our certificate is in date: that leaves what is on the client's side of the alert. */
static bool by_what_is_left(const struct explain_own *own, struct explain_reading *r)
{
	static const enum hf_reason late[] = { HF_REASON_V_ROOT_EXPIRED, HF_REASON_V_CA_EXPIRED,
					       HF_REASON_V_CRL_EXPIRED, HF_REASON_K_CLOCK,
					       HF_REASON_NONE };
	static const enum hf_reason late_to_the_root[] = {
		HF_REASON_V_CRL_EXPIRED, HF_REASON_K_CLOCK, HF_REASON_V_ROOT_EXPIRED, HF_REASON_NONE
	};
	static const enum hf_reason named[] = { HF_REASON_V_NAME_MISMATCH, HF_REASON_K_CLOCK,
						HF_REASON_V_WEAK_SIG, HF_REASON_V_WEAK_KEY,
						HF_REASON_NONE };

	if ((r->g.alert != 45 && r->g.alert != 42) || !r->ends)
		return false;
	if (r->g.alert == 45)
		candidates_of(r, leads_to_a_root(own) ? late_to_the_root : late);
	else if (own->name_unknown)
		by_names(own, r);
	else if (explain_text_of(r->record, "sni")[0])
		candidates_of(r, named);
	else
		without_name(own, r);
	return true;
}

/* Our chain is whole: what a client may lack that does not know its CA. */
static bool by_trust_of_client(const struct explain_own *own, struct explain_reading *r)
{
	static const enum hf_reason list[] = { HF_REASON_V_UNKNOWN_CA,	   HF_REASON_V_SAME_NAME_CA,
					       HF_REASON_V_PARTIAL_ANCHOR, HF_REASON_V_TRUSTED_LEAF,
					       HF_REASON_V_CRL_MISSING,	   HF_REASON_NONE };

	if (r->g.alert != 48 || !leads_to_a_root(own))
		return false;
	candidates_of(r, list);
	return true;
}

/* Java reads handshake messages of 32 KiB and breaks off at a longer CertificateRequest. */
static bool names_too_long(struct explain_reading *r)
{
	const json_t *bytes = json_object_get(json_object_get(r->record, "ca_names"), "bytes");
	char line[160];

	if (r->g.alert != 10 || json_integer_value(bytes) <= JAVA_MESSAGE_CAP)
		return false;
	explain_settle(&r->g, HF_REASON_L_JSSE_32K, HF_LIKELY);
	(void)snprintf(line, sizeof(line),
		       "the CA names of our request are %lld bytes; Java clients read %d and then "
		       "send alert 10",
		       (long long)json_integer_value(bytes), JAVA_MESSAGE_CAP);
	(void)hf_strv_add(&r->g.evidence, line);
	return true;
}

void explain_read_client_refusal(const struct explain_own *own, struct explain_reading *r,
				 enum hf_reason by_alert)
{
	struct hf_log_meaning meaning;

	if (by_alert)
		explain_settle(&r->g, by_alert, HF_CERTAIN);
	if (by_alert || r->g.alert < 0 || names_too_long(r) || by_own_dates(r) ||
	    by_own_chain(own, r) || by_what_is_left(own, r) || by_trust_of_client(own, r))
		return;
	if (!hf_log_line_read(hf_alert_name(r->g.alert), NULL, &meaning))
		return;
	explain_settle(&r->g, meaning.candidates[0], HF_LIKELY);
	for (size_t i = 1; i < meaning.candidates_len; i++)
		explain_candidate(&r->g, meaning.candidates[i]);
}
