/* SPDX-License-Identifier: Apache-2.0 */
/* The client's certificate against the names of CAs that the server asked for.  Names are not keys:
 * what only names say is never certain. */
#include "explain/internal.h"

#include "pki/key.h"
#include "pki/name.h"

struct hf_cert *hf_own_leaf(const struct deduction *d)
{
	return d->c->own.len ? d->c->own.items[0] : NULL;
}

void hf_blame(struct deduction *d, enum hf_reason cause, enum hf_confidence confidence,
	      enum hf_role role, struct hf_cert *cert)
{
	hf_decide(d, cause, HF_SIDE_SERVER, confidence);
	hf_set_cert(d->e, role, cert);
}

size_t hf_intermediates(const struct hf_certs *chain)
{
	size_t n = 0;

	for (size_t i = 1; i < chain->len; i++)
		n += !(chain->items[i]->flags & HF_CERT_SELF_ISSUED);
	return n;
}

struct hf_cert *hf_own_top(const struct deduction *d)
{
	const struct hf_certs *path = d->c->own_path.len ? &d->c->own_path : &d->c->own;

	return path->items[path->len - 1];
}

/* Alerts that say no more than "no": GnuTLS 49, Go 42, JSSE 46, and none at all. */
bool hf_says_nothing(int alert)
{
	return alert < 0 || alert == 49 || alert == 42 || alert == 46 || alert == 40;
}

/* --- by the names asked for -------------------------------------------------------------- */

static bool related_to_names(const struct hf_cert *leaf, const STACK_OF(X509_NAME) *names)
{
	for (int i = 0; i < sk_X509_NAME_num(names); i++) {
		if (hf_name_related(X509_get_issuer_name(leaf->x509), sk_X509_NAME_value(names, i)))
			return true;
	}
	return false;
}

/* The leaf went out alone, and its issuer is not what the server knows. */
static bool intermediate_left_out(struct deduction *d, int alert)
{
	const STACK_OF(X509_NAME) *names = d->t->demand.names;
	struct hf_cert *leaf = hf_own_leaf(d);
	bool reaches = hf_chain_reaches(&d->c->own_path, names);
	bool known = d->c->own_path.len > d->c->own.len;
	bool silent = sk_X509_NAME_num(names) <= 0 && (alert == 48 || alert < 0);

	if (!leaf || d->c->own.len != 1 || (leaf->flags & HF_CERT_SELF_ISSUED) ||
	    hf_names_have(names, X509_get_issuer_name(leaf->x509)))
		return false;
	/* a word that may mean anything, and no list to compare with, prove nothing */
	if (!silent && sk_X509_NAME_num(names) <= 0)
		return false;
	if (known ? !reaches && sk_X509_NAME_num(names) > 0
		  : !silent && !related_to_names(leaf, names))
		return false;
	/* Issued by a root itself: nothing is missing. */
	if (known && (d->c->own_path.items[1]->flags & HF_CERT_SELF_ISSUED))
		return false;
	hf_blame(d, HF_REASON_V_NO_INTERMEDIATE, known && reaches ? HF_CERTAIN : HF_LIKELY,
		 HF_ROLE_CLIENT_LEAF, leaf);
	hf_say_evidence(d->e, "%s holds 1 certificate; its issuer is %s",
			d->c->cert_path ? d->c->cert_path : "the certificate file", leaf->issuer);
	if (sk_X509_NAME_num(names) > 0)
		hf_say_evidence(d->e, "the server's list of %d CA name%s does not have that issuer",
				sk_X509_NAME_num(names), sk_X509_NAME_num(names) == 1 ? "" : "s");
	if (d->c->bridge[0])
		hf_say_evidence(d->e, "with %s added the path is complete", d->c->bridge);
	if (!known)
		hf_add_candidate(d->e, HF_REASON_V_UNKNOWN_CA);
	return true;
}

/* CA certificates went along, and none of them issued the leaf. */
static bool wrong_intermediate(struct deduction *d)
{
	struct hf_cert *leaf = hf_own_leaf(d), *wrong = NULL;
	const struct hf_certs *path = &d->c->own_path;

	if (d->c->own.len < 2 || (leaf->flags & HF_CERT_SELF_ISSUED) ||
	    (path->len > 1 && hf_certs_has(&d->c->own, path->items[1])) ||
	    (path->len > 1 && (path->items[1]->flags & HF_CERT_SELF_ISSUED)))
		return false;
	for (size_t i = 1; i < d->c->own.len && !wrong; i++) {
		if (!(d->c->own.items[i]->flags & HF_CERT_SELF_ISSUED))
			wrong = d->c->own.items[i];
	}
	hf_blame(d, wrong ? HF_REASON_V_WRONG_INTERMEDIATE : HF_REASON_V_NO_INTERMEDIATE,
		 HF_CERTAIN, wrong ? HF_ROLE_CLIENT_CA : HF_ROLE_CLIENT_LEAF, leaf);
	hf_say_evidence(d->e, "%s is issued by %s; what is sent with it is %s", leaf->subject,
			leaf->issuer, d->c->own.items[1]->subject);
	return true;
}

static bool self_signed(struct deduction *d)
{
	struct hf_cert *leaf = hf_own_leaf(d);

	if (!leaf || !(leaf->flags & HF_CERT_SELF_ISSUED) ||
	    hf_names_have(d->t->demand.names, X509_get_subject_name(leaf->x509)))
		return false;
	hf_blame(d, HF_REASON_V_SELF_SIGNED, HF_CERTAIN, HF_ROLE_CLIENT_LEAF, leaf);
	hf_say_evidence(d->e, "%s is its own issuer; no CA vouches for it", leaf->subject);
	return true;
}

static bool not_among_names(struct deduction *d)
{
	const STACK_OF(X509_NAME) *names = d->t->demand.names;
	HF_AUTO_DONE(hf_buf) list = HF_BUF_INIT(8192);
	struct hf_cert *last = hf_own_top(d);

	if (sk_X509_NAME_num(names) <= 0 || hf_chain_reaches(&d->c->own_path, names) ||
	    hf_chain_reaches(&d->c->own, names))
		return false;
	hf_blame(d, HF_REASON_V_UNKNOWN_CA, HF_CERTAIN,
		 last == hf_own_leaf(d) ? HF_ROLE_CLIENT_LEAF : HF_ROLE_CLIENT_CA, last);
	if (last->flags & HF_CERT_SELF_ISSUED)
		hf_say_evidence(d->e, "the client's chain ends at the root %s", last->subject);
	else
		hf_say_evidence(d->e, "the client's chain ends at %s (issuer %s)", last->subject,
				last->issuer);
	hf_say_evidence(d->e, "the server's list of %d CA name%s does not have it",
			sk_X509_NAME_num(names), sk_X509_NAME_num(names) == 1 ? "" : "s");
	hf_doubt_top(d, HF_SIDE_SERVER);
	return true;
}

/* Its list names an intermediate of ours and not the root above: it trusts only that far. */
static bool ends_at_intermediate(struct deduction *d)
{
	const STACK_OF(X509_NAME) *names = d->t->demand.names;
	const struct hf_certs *path = &d->c->own_path;
	struct hf_cert *named = NULL;

	for (size_t i = 1; i < path->len; i++) {
		if (path->items[i]->flags & HF_CERT_SELF_ISSUED)
			continue;
		if (hf_names_have(names, X509_get_subject_name(path->items[i]->x509)))
			named = path->items[i];
		if (hf_names_have(names, X509_get_issuer_name(path->items[i]->x509)) &&
		    !hf_names_have(names, X509_get_subject_name(path->items[i]->x509)))
			return false;
	}
	if (!named || hf_names_have(names, X509_get_issuer_name(named->x509)))
		return false;
	hf_blame(d, HF_REASON_V_PARTIAL_ANCHOR, HF_LIKELY, HF_ROLE_CLIENT_CA, named);
	hf_say_evidence(d->e, "the server's list names %s, and not %s above it", named->subject,
			named->issuer);
	hf_say_evidence(d->e, "OpenSSL servers want the path to end at a self-signed certificate");
	return true;
}

/* Two roots of this name and different keys are known here: one was made anew. */
static bool root_has_twin(const struct deduction *d, const struct hf_cert *root)
{
	const struct hf_certs *known[] = { &d->c->client_trust, &d->main->server.chain };

	for (size_t l = 0; l < HF_ARRAY_LEN(known); l++) {
		for (size_t i = 0; i < known[l]->len; i++) {
			const struct hf_cert *other = known[l]->items[i];

			if (hf_name_equal(X509_get_subject_name(other->x509),
					  X509_get_subject_name(root->x509)) &&
			    !hf_key_same(X509_get0_pubkey(other->x509),
					 X509_get0_pubkey(root->x509)))
				return true;
		}
	}
	return false;
}

/* Whose key it trusts, which lists it has: only the server knows.  The catalogue's causes of alert
 * 48 that leave no trace here. */
static void add_path_causes(struct deduction *d)
{
	hf_add_candidate(d->e, HF_REASON_V_SAME_NAME_CA);
	hf_add_candidate(d->e, HF_REASON_V_CRL_MISSING);
	hf_add_candidate(d->e, HF_REASON_V_CRL_EXPIRED); /* we say 48 of a list of ours */
	hf_add_candidate(d->e, HF_REASON_V_PARTIAL_ANCHOR);
	hf_add_candidate(d->e, HF_REASON_V_UNKNOWN_CA); /* its names may come from another file */
}

/* It names a CA above the certificate and finds no path to it. */
static void no_path_to_a_named_ca(struct deduction *d, struct hf_cert *top)
{
	const char *name = top->flags & HF_CERT_SELF_ISSUED ? top->subject : top->issuer;

	hf_blame(d, HF_REASON_V_SAME_NAME_CA, HF_LIKELY, HF_ROLE_ROOT, top);
	add_path_causes(d);
	if (root_has_twin(d, top)) {
		hf_say_evidence(d->e, "two roots of the name %s are known here, with two keys",
				name);
		return;
	}
	d->e->confidence = HF_CANNOT_KNOW;
	hf_say_why(d->e,
		   "The server finds no path to a CA it trusts, although it names \"%s\", and "
		   "the client's chain is in order. What is left is on the server: it trusts a CA "
		   "of that name with another key (a root that was made anew), it checks "
		   "revocation and has no list of a CA of the chain (OpenSSL gives alert 48 then "
		   "too), or the names it sends are not the CAs it trusts.",
		   name);
	hf_say_fix(
	    d->e,
	    "on the server: handfast verify --purpose client --ca ITS-CA-FILE --crl "
	    "ITS-LISTS %s tells which; then put both roots, old and new, into its client-CA "
	    "file for the changeover, or the list of every CA of the chain into its CRL file",
	    d->c->cert_path ? d->c->cert_path : "THE-CLIENTS-CHAIN");
}

enum { MANY = 3 }; /* intermediates */

/* Alert 48, and by name and merit everything is in order: the rest is the server's. */
static bool known_by_name_only(struct deduction *d, int alert)
{
	bool deep = hf_says_too_deep(d, alert);
	struct hf_cert *top = hf_own_top(d);

	if (alert != 48 && alert != 51 && !deep)
		return false;
	if (deep) /* two CAs below a root are common, and most depths allow them */
		hf_blame(d, HF_REASON_V_DEPTH,
			 alert == 48 && hf_intermediates(&d->c->own) < MANY ? HF_CANNOT_KNOW
									    : HF_LIKELY,
			 HF_ROLE_CLIENT_CA, d->c->own.items[d->c->own.len - 1]);
	else if (alert == 51)
		hf_blame(d, HF_REASON_V_SAME_NAME_CA, HF_LIKELY, HF_ROLE_ROOT, top);
	else if (sk_X509_NAME_num(d->t->demand.names) <= 0)
		hf_blame(d, HF_REASON_V_UNKNOWN_CA, HF_LIKELY, HF_ROLE_CLIENT_CA, top);
	else
		no_path_to_a_named_ca(d, top);
	if (alert == 48)
		add_path_causes(d);
	else if (alert == 51)
		hf_add_candidate(d->e, HF_REASON_V_BAD_SIGNATURE);
	if (sk_X509_NAME_num(d->t->demand.names) > 0)
		hf_say_evidence(d->e,
				"the server's list has the name of a CA above the certificate");
	hf_say_evidence(d->e, "signatures, dates and uses of the client's chain are in order");
	if (deep)
		hf_say_evidence(d->e, "the chain has %zu intermediates",
				hf_intermediates(&d->c->own));
	hf_say_cannot_know(d->e, "the keys of the CAs the server trusts, its depth, its revocation "
				 "lists: its log or its files (--server-files) tell");
	return true;
}

bool hf_deduce_by_names(struct deduction *d, int alert)
{
	if (alert != 48 && alert != 51 && !hf_says_nothing(alert) && !hf_says_too_deep(d, alert))
		return false;
	if (!d->c->own.len)
		return false;
	if (self_signed(d) || wrong_intermediate(d) || intermediate_left_out(d, alert) ||
	    hf_deduce_gap_by_names(d) || not_among_names(d))
		return true;
	if (alert != 48 && alert != 51 && alert >= 0 && alert != 40 && alert != 80)
		return false;
	return (alert != 51 && ends_at_intermediate(d)) || known_by_name_only(d, alert);
}
