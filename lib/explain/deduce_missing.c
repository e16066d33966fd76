/* SPDX-License-Identifier: Apache-2.0 */
/* A CA certificate that should have been sent and was not: above the leaf, or higher up.  Must
 * never take the missing root of strangers for a missing intermediate, nor be sure without having
 * the certificate here. */
#include "explain/internal.h"

#include "pki/name.h"

/* The first CA certificate of a path that did not come with the chain and is no root, and below it
 * the one whose issuer it is. */
static const struct hf_cert *missing_ca(const struct hf_certs *path, const struct hf_certs *sent,
					struct hf_cert **ret_below)
{
	for (size_t i = 1; i < path->len; i++) {
		if ((path->items[i]->flags & HF_CERT_SELF_ISSUED) ||
		    hf_certs_has(sent, path->items[i]))
			continue;
		*ret_below = path->items[i - 1];
		return path->items[i];
	}
	return NULL;
}

static bool reaches_one_of(const struct hf_certs *path, const struct hf_certs *anchors)
{
	for (size_t i = 0; i < path->len; i++) {
		if (hf_certs_has(anchors, path->items[i]))
			return true;
	}
	return false;
}

static void blame_gap(struct deduction *d, enum hf_side judge, const struct hf_cert *missing,
		      struct hf_cert *below)
{
	bool by_client = judge == HF_SIDE_CLIENT;
	const char *bridge = by_client ? d->c->server_bridge : d->c->bridge;
	const struct hf_certs *sent = by_client ? &d->t->server.certs : &d->c->own;
	bool leaf = hf_cert_equal(below, sent->items[0]);

	hf_decide(d, HF_REASON_V_NO_INTERMEDIATE, judge, HF_CERTAIN);
	hf_set_cert(d->e,
		    by_client ? (leaf ? HF_ROLE_SERVER_LEAF : HF_ROLE_SERVER_CA)
			      : (leaf ? HF_ROLE_CLIENT_LEAF : HF_ROLE_CLIENT_CA),
		    below);
	if (!leaf)
		hf_say_why(d->e,
			   "%s sends its chain only up to %s. The certificate of the CA above, "
			   "%s, is missing, so %s cannot reach the root it trusts.",
			   by_client ? "The server" : "The client", below->subject,
			   missing->subject, by_client ? "the client" : "the server");
	hf_say_evidence(d->e, "%zu certificate%s sent; the issuer of %s is not among them",
			sent->len, sent->len == 1 ? " is" : "s are", below->subject);
	hf_say_evidence(d->e, "with the certificate of %s%s%s the path to a trusted CA is complete",
			missing->subject, bridge[0] ? ", in " : "", bridge);
}

bool hf_deduce_gap(struct deduction *d, enum hf_side judge)
{
	bool by_client = judge == HF_SIDE_CLIENT;
	const struct hf_certs *path = by_client ? &d->c->server_path : &d->c->own_path;
	const struct hf_certs *sent = by_client ? &d->t->server.certs : &d->c->own;
	struct hf_cert *below = NULL;
	const struct hf_cert *missing = missing_ca(path, sent, &below);

	if (!missing ||
	    !reaches_one_of(path, by_client ? &d->c->client_trust : &d->c->server_trust))
		return false;
	blame_gap(d, judge, missing, below);
	return true;
}

bool hf_deduce_gap_by_names(struct deduction *d)
{
	const STACK_OF(X509_NAME) *names = d->t->demand.names;
	struct hf_cert *below = NULL;
	const struct hf_cert *missing = missing_ca(&d->c->own_path, &d->c->own, &below);

	if (!missing || d->c->own.len < 2 ||
	    hf_names_have(names, X509_get_subject_name(missing->x509)))
		return false;
	if (sk_X509_NAME_num(names) > 0 && !hf_chain_reaches(&d->c->own_path, names))
		return false;
	blame_gap(d, HF_SIDE_SERVER, missing, below);
	if (sk_X509_NAME_num(names) <= 0)
		d->e->confidence = HF_LIKELY;
	return true;
}

static bool of_one_house(const X509_NAME *issuer, const struct hf_certs *anchors,
			 const STACK_OF(X509_NAME) *names)
{
	for (size_t i = 0; i < anchors->len; i++) {
		if (hf_name_related(issuer, X509_get_subject_name(anchors->items[i]->x509)))
			return true;
	}
	for (int i = 0; i < sk_X509_NAME_num(names); i++) {
		if (hf_name_related(issuer, sk_X509_NAME_value(names, i)))
			return true;
	}
	return false;
}

void hf_doubt_top(struct deduction *d, enum hf_side judge)
{
	bool by_client = judge == HF_SIDE_CLIENT;
	const struct hf_certs *sent = by_client ? &d->t->server.certs : &d->c->own;
	const struct hf_certs *path = by_client ? &d->c->server_path : &d->c->own_path;
	const struct hf_cert *top;

	path = path->len ? path : sent;
	top = path->len ? path->items[path->len - 1] : NULL;
	if (d->e->cause != HF_REASON_V_UNKNOWN_CA || !top || (top->flags & HF_CERT_SELF_ISSUED))
		return;
	if (!(hf_leaf_alone(path) && hf_leaf_alone(sent)) &&
	    !of_one_house(X509_get_issuer_name(top->x509),
			  by_client ? &d->c->client_trust : &d->c->server_trust,
			  by_client ? NULL : d->t->demand.names))
		return;
	d->e->confidence = HF_LIKELY;
	hf_add_candidate(d->e, HF_REASON_V_NO_INTERMEDIATE);
	hf_say_cannot_know(d->e,
			   "who stands above %s: if a trusted root does, only the certificate of "
			   "that CA is missing from what is sent",
			   top->issuer);
}
