/* SPDX-License-Identifier: Apache-2.0 */
/* The client's certificate, judged by the server: from its alert (or silence), from what we sent,
 * from the names and schemes it asked for, and from its files when we have them. */
#include "explain/internal.h"

#include <stdio.h>
#include <string.h>

#include "pki/name.h"

enum { CHAIN_OPENSSL_CAP = 100 * 1024 };

/* --- nothing was sent -------------------------------------------------------------------- */

static bool none_sent(struct deduction *d)
{
	const struct hf_demand *demand = &d->t->demand;
	struct hf_cert *leaf = hf_own_leaf(d);
	bool tls13 = d->t->choice.version == 0x0304;
	char spare[8];

	if (hf_certificate_sent(d->t))
		return false;
	if (!d->c->have_own) {
		hf_blame(d, HF_REASON_N_NONE, HF_CERTAIN, HF_ROLE_NONE, NULL);
		hf_say_evidence(d->e,
				"the server asked for a certificate; none is configured, an empty "
				"list was sent");
		return true;
	}
	/* a large chain may not have got out whole: no empty list was sent then */
	if (!demand->seen || !d->t->client.seen)
		return false;
	if (leaf && !hf_key_can_sign(leaf, demand, tls13)) {
		hf_blame(d, HF_REASON_N_SIGALG, HF_CERTAIN, HF_ROLE_CLIENT_LEAF, leaf);
		hf_say_evidence(d->e, "the server accepts %zu scheme%s, such as %s; the key is %s",
				demand->sigalgs.total, demand->sigalgs.total == 1 ? "" : "s",
				demand->sigalgs.len
				    ? hf_scheme_name(demand->sigalgs.items[0], spare)
				    : "none",
				hf_key_type_name(leaf->key_type));
		hf_say_evidence(d->e, "so the client sent an empty list, without a word");
		return true;
	}
	hf_blame(d, HF_REASON_N_NONE, HF_LIKELY, HF_ROLE_CLIENT_LEAF, leaf);
	hf_say_evidence(d->e, "a certificate is configured, yet an empty list was sent");
	return true;
}

/* --- with the server's files ------------------------------------------------------------- */

static void describe(struct deduction *d, const struct hf_finding *f)
{
	hf_say_finding(d->e, f);
	if (f->cert && (f->reason == HF_REASON_V_EXPIRED || f->reason == HF_REASON_V_CA_EXPIRED))
		d->e->since = f->cert->not_after;
}

static bool partial_anchor_by(struct deduction *d, const struct hf_verdict *v)
{
	for (size_t i = 0; i < v->findings_len; i++) {
		if (v->findings[i].reason != HF_REASON_V_PARTIAL_ANCHOR)
			continue;
		hf_blame(d, HF_REASON_V_PARTIAL_ANCHOR, HF_CERTAIN, HF_ROLE_CLIENT_CA,
			 v->findings[i].cert);
		hf_say_evidence(d->e, "the server's CA file ends at %s, which is no root",
				v->findings[i].cert ? v->findings[i].cert->subject : "a CA");
		return true;
	}
	return false;
}

/* Its files accept: what the files do not say remains. */
static bool beyond_files(struct deduction *d, int alert)
{
	struct hf_cert *leaf = hf_own_leaf(d);

	if (partial_anchor_by(d, &d->c->own_by_server))
		return true;
	if (alert == 49 && hf_is_gnutls(d))
		return d->c->server_crl_path ? hf_server_clock_is_off(d, alert, HF_LIKELY)
					     : hf_deduce_unsaid(d);
	if (alert == 49) {
		hf_blame(d, HF_REASON_A_NOT_ALLOWED, HF_LIKELY, HF_ROLE_CLIENT_LEAF, leaf);
		return true;
	}
	if ((alert == 42 || alert == 45) && hf_server_clock_is_off(d, alert, HF_LIKELY))
		return true;
	if (hf_says_too_deep(d, alert < 0 ? 48 : alert)) {
		hf_blame(d, HF_REASON_V_DEPTH, HF_LIKELY, HF_ROLE_CLIENT_CA,
			 d->c->own.items[d->c->own.len - 1]);
		hf_say_evidence(d->e,
				"by its files the server would accept; the chain has %zu "
				"intermediates",
				hf_intermediates(&d->c->own));
		return true;
	}
	return false;
}

/* Of several faults the one that the server's alert stands for. */
static const struct hf_finding *as_alerted(const struct hf_verdict *v, int alert)
{
	const struct hf_finding *root = hf_refusing_finding(v);

	if (!root || hf_reason_info(root->reason)->alert == alert)
		return root;
	for (size_t i = 0; i < v->findings_len; i++) {
		const struct hf_finding *f = &v->findings[i];

		if (f->severity == HF_SEVERITY_REFUSE && !f->consequence &&
		    hf_reason_info(f->reason)->alert == alert)
			return f;
	}
	return root;
}

static bool by_server_files(struct deduction *d, int alert)
{
	const struct hf_finding *f = as_alerted(&d->c->own_by_server, alert);

	if (!d->c->own_by_server_judged)
		return false;
	if (!f)
		return beyond_files(d, alert);
	if (f->reason == HF_REASON_V_UNKNOWN_CA && hf_deduce_gap(d, HF_SIDE_SERVER))
		return true;
	hf_blame(d, hf_revoked_another(f) ? HF_REASON_V_DUP_SERIAL : f->reason, HF_CERTAIN, f->role,
		 f->cert);
	hf_doubt_top(d, HF_SIDE_SERVER);
	if (f->reason == HF_REASON_V_REVOKED && f->cert && strlen(f->cert->serial) <= 8)
		hf_add_candidate(d->e, HF_REASON_V_DUP_SERIAL); /* counted, so perhaps twice */
	hf_say_evidence(d->e, "judged with the server's own CA file%s, the certificate is refused",
			d->c->server_crl_path ? " and revocation lists" : "");
	describe(d, f);
	return true;
}

/* --- on its own merits ------------------------------------------------------------------- */

static bool is_about_path(enum hf_reason reason)
{
	return reason == HF_REASON_V_UNKNOWN_CA || reason == HF_REASON_V_NO_INTERMEDIATE ||
	       reason == HF_REASON_V_SAME_NAME_CA || reason == HF_REASON_V_PARTIAL_ANCHOR ||
	       reason == HF_REASON_V_TRUSTED_LEAF || reason == HF_REASON_V_DEPTH;
}

static bool by_name(const struct deduction *d)
{
	return hf_chain_reaches(&d->c->own_path, d->t->demand.names) ||
	       hf_chain_reaches(&d->c->own, d->t->demand.names);
}

/* GnuTLS says internal_error of a key usage. */
static bool stands_for(enum hf_reason reason, int alert)
{
	return hf_reason_info(reason)->alert == alert || (reason == HF_REASON_V_KU && alert == 80);
}

static bool on_own_merits(struct deduction *d, int alert)
{
	const struct hf_verdict *v = &d->c->own_alone;
	const struct hf_finding *exact = NULL, *any = NULL, *f;

	for (size_t i = 0; d->c->own_judged && i < v->findings_len; i++) {
		f = &v->findings[i];
		if (f->severity != HF_SEVERITY_REFUSE || is_about_path(f->reason) || f->consequence)
			continue;
		if (!exact && stands_for(f->reason, alert))
			exact = f;
		if (!any)
			any = f;
	}
	f = exact ? exact : hf_says_nothing(alert) ? any : NULL;
	if (!f)
		return false;
	hf_blame(d, hf_revoked_another(f) ? HF_REASON_V_DUP_SERIAL : f->reason,
		 exact || alert < 0 ? HF_CERTAIN : HF_LIKELY, f->role, f->cert);
	describe(d, f);
	if (sk_X509_NAME_num(d->t->demand.names) > 0 && !by_name(d))
		hf_say_also(d->e,
			    "the server's list of CA names does not have the CA above %s either "
			    "[V-UNKNOWN-CA]",
			    hf_own_leaf(d)->subject);
	if (!exact)
		hf_say_evidence(d->e, "the server did not say why; this alone is enough to refuse");
	return true;
}

/* What goes out is not what is known here: an expired CA certificate is sent although one of the
 * same CA that is in date lies here, so that the judge here finds nothing wrong. */
static bool sent_ca_is_old(struct deduction *d, int alert)
{
	struct hf_cert *old = NULL;

	for (size_t i = 1; i < d->c->own.len && !old; i++) {
		if (d->c->own.items[i]->not_after < d->c->now &&
		    !(d->c->own.items[i]->flags & HF_CERT_SELF_ISSUED) &&
		    hf_name_equal(X509_get_subject_name(d->c->own.items[i]->x509),
				  X509_get_issuer_name(d->c->own.items[i - 1]->x509)))
			old = d->c->own.items[i];
	}
	if (!old || (alert != 45 && !hf_says_nothing(alert)))
		return false;
	hf_blame(d, HF_REASON_V_CA_EXPIRED, alert == 45 ? HF_CERTAIN : HF_LIKELY, HF_ROLE_CLIENT_CA,
		 old);
	d->e->since = old->not_after;
	hf_say_evidence(d->e, "what is sent holds %s, serial %s, which has expired", old->subject,
			old->serial);
	hf_say_evidence(d->e, "a certificate of the same CA that is in date is known here%s%s",
			d->c->bridge[0] ? ": " : "", d->c->bridge);
	return true;
}

static bool too_large(struct deduction *d, int alert)
{
	size_t bytes = hf_chain_bytes(&d->c->own), largest = 0, at = 0;

	if (alert != 47 && !(alert < 0 && bytes > CHAIN_OPENSSL_CAP))
		return false;
	if (bytes < 16384)
		return false;
	for (size_t i = 0; i < d->c->own.len; i++) {
		if (d->c->own.items[i]->der_len > largest) {
			largest = d->c->own.items[i]->der_len;
			at = i;
		}
	}
	hf_blame(d, HF_REASON_L_CHAIN_SIZE, bytes > CHAIN_OPENSSL_CAP ? HF_CERTAIN : HF_LIKELY,
		 at ? HF_ROLE_CLIENT_CA : HF_ROLE_CLIENT_LEAF, d->c->own.items[at]);
	hf_say_evidence(d->e, "the certificates sent are %zu bytes; OpenSSL servers read 102400",
			bytes);
	hf_say_evidence(d->e, "%s alone is %zu bytes", d->c->own.items[at]->subject, largest);
	return true;
}

/* In TLS 1.2 the client's groups name the curves of certificates too, its own among them (RFC 8422
 * 5.1.1); OpenSSL servers hold it to that: "wrong curve". */
static bool curve_not_offered(struct deduction *d, int alert)
{
	static const struct {
		int bits;
		uint16_t group;
	} curves[] = { { 256, 23 }, { 384, 24 }, { 521, 25 } };
	const struct hf_cert *leaf = hf_own_leaf(d);
	char spare[8];

	if (alert != 47 || d->t->choice.version >= 0x0304 || leaf->key_nid != EVP_PKEY_EC)
		return false;
	for (size_t i = 0; i < HF_ARRAY_LEN(curves); i++) {
		const char *name = hf_group_name(curves[i].group, spare);

		if (curves[i].bits != leaf->key_bits ||
		    hf_codes_have(&d->t->offer.groups, curves[i].group))
			continue;
		hf_decide(d, HF_REASON_P_GROUP, HF_SIDE_SERVER, HF_CERTAIN);
		d->e->fault_in = HF_SIDE_CLIENT;
		hf_set_cert(d->e, HF_ROLE_CLIENT_LEAF, d->c->own.items[0]);
		hf_say_why(d->e,
			   "The client's key is on the curve %s, which its own list of groups "
			   "leaves out. In TLS 1.2 that list names the curves of certificates "
			   "too, and the server holds the client to it.",
			   name);
		hf_say_fix(d->e, "add %s to the client's groups (--groups), or use TLS 1.3", name);
		hf_say_evidence(d->e, "the ClientHello has %zu groups, and %s is not among them",
				d->t->offer.groups.len, name);
		return true;
	}
	return false;
}

bool hf_deduce_refused_client(struct deduction *d, int alert, bool by_http)
{
	if (none_sent(d))
		return true;
	if (!d->c->own.len)
		return false;
	return curve_not_offered(d, alert) || too_large(d, alert) || by_server_files(d, alert) ||
	       on_own_merits(d, alert) || sent_ca_is_old(d, alert) ||
	       hf_deduce_by_names(d, alert) || hf_deduce_by_alert(d, alert, by_http);
}

/* --- was the client refused? ------------------------------------------------------------- */

static bool is_server_view(const struct deduction *d)
{
	return d->c->have_server_files && !d->c->have_own && !d->c->set.trusts_somebody;
}

/* What the server's administrator sees without a client's key: that it demands one, as it should.
 */
static bool only_demands(struct deduction *d)
{
	if (!is_server_view(d) || !d->t->demand.seen || hf_certificate_sent(d->t))
		return false;
	d->e->meets = true;
	hf_say_evidence(d->e, "the server demands a client certificate");
	hf_say_cannot_know(d->e, "what it says to a client's certificate: give one with --cert");
	return true;
}

/* The connection broke after our certificate.  Before we had said anything, that is the server's
 * verdict; after a GET, a service of another protocol ends it too, so only a fault of ours tells.
 */
static bool dropped(const struct deduction *d)
{
	bool fault = (d->c->own_judged && hf_refusing_finding(&d->c->own_alone)) ||
		     (d->c->own_by_server_judged && hf_refusing_finding(&d->c->own_by_server));

	if (!d->t->demand.seen || d->t->demand.post_handshake || d->t->data_received)
		return false;
	if (d->main->end != HF_LOOK_LOST && d->main->end != HF_LOOK_CLOSED)
		return false;
	return !d->main->asked || fault;
}

bool hf_deduce_client_certificate(struct deduction *d)
{
	int alert = hf_transcript_failure(d->t, false);

	if (alert >= 0 && d->t->choice.seen) {
		/* GnuTLS says so in TLS 1.2 when nothing was sent; it says nothing about us. */
		if (only_demands(d))
			return true;
		return d->t->demand.seen && hf_deduce_refused_client(d, alert, false);
	}
	if (!dropped(d) || d->main->http.status)
		return false;
	return only_demands(d) || hf_deduce_refused_client(d, -1, false);
}
