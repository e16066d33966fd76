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

/* A chain as `judge` got it, and what is known here of where it leads. */
struct sent_chain {
	bool by_client; /* the judge: it is the server's chain */
	const struct hf_certs *sent, *path, *anchors;
	const STACK_OF(X509_NAME) *names; /* that the judge asked for; NULL: none */
	const char *bridge;		  /* the file of a certificate that was not sent; "" none */
};

static struct sent_chain chain_before(const struct deduction *d, enum hf_side judge)
{
	const struct hf_case *c = d->c;

	if (judge == HF_SIDE_CLIENT)
		return (struct sent_chain){
			true, &d->t->server.certs, &c->server_path, &c->client_trust,
			NULL, c->server_bridge
		};
	return (struct sent_chain){
		false, &c->own, &c->own_path, &c->server_trust, d->t->demand.names, c->bridge
	};
}

static void blame_gap(struct deduction *d, const struct sent_chain *chain,
		      const struct hf_cert *missing, struct hf_cert *below)
{
	bool leaf = hf_cert_equal(below, chain->sent->items[0]);

	hf_decide(d, HF_REASON_V_NO_INTERMEDIATE,
		  chain->by_client ? HF_SIDE_CLIENT : HF_SIDE_SERVER, HF_CERTAIN);
	hf_set_cert(d->e,
		    chain->by_client ? (leaf ? HF_ROLE_SERVER_LEAF : HF_ROLE_SERVER_CA)
				     : (leaf ? HF_ROLE_CLIENT_LEAF : HF_ROLE_CLIENT_CA),
		    below);
	if (!leaf)
		hf_say_why(d->e,
			   "%s sends its chain only up to %s. The certificate of the CA above, "
			   "%s, is missing, so %s cannot reach the root it trusts.",
			   chain->by_client ? "The server" : "The client", below->subject,
			   missing->subject, chain->by_client ? "the client" : "the server");
	hf_say_evidence(d->e, "%zu certificate%s sent; the issuer of %s is not among them",
			chain->sent->len, chain->sent->len == 1 ? " is" : "s are", below->subject);
	hf_say_evidence(d->e, "with the certificate of %s%s%s the path to a trusted CA is complete",
			missing->subject, chain->bridge[0] ? ", in " : "", chain->bridge);
}

bool hf_deduce_gap(struct deduction *d, enum hf_side judge)
{
	const struct sent_chain chain = chain_before(d, judge);
	struct hf_cert *below = NULL;
	const struct hf_cert *missing = missing_ca(chain.path, chain.sent, &below);

	if (!missing || !reaches_one_of(chain.path, chain.anchors))
		return false;
	blame_gap(d, &chain, missing, below);
	return true;
}

bool hf_deduce_gap_by_names(struct deduction *d)
{
	const struct sent_chain chain = chain_before(d, HF_SIDE_SERVER);
	struct hf_cert *below = NULL;
	const struct hf_cert *missing = missing_ca(chain.path, chain.sent, &below);

	if (!missing || chain.sent->len < 2 ||
	    hf_names_have(chain.names, X509_get_subject_name(missing->x509)))
		return false;
	if (sk_X509_NAME_num(chain.names) > 0 && !hf_chain_reaches(chain.path, chain.names))
		return false;
	blame_gap(d, &chain, missing, below);
	if (sk_X509_NAME_num(chain.names) <= 0)
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
	const struct sent_chain chain = chain_before(d, judge);
	const struct hf_certs *path = chain.path->len ? chain.path : chain.sent;
	const struct hf_cert *top = path->len ? path->items[path->len - 1] : NULL;

	if (d->e->cause != HF_REASON_V_UNKNOWN_CA || !top || (top->flags & HF_CERT_SELF_ISSUED))
		return;
	if (!(hf_leaf_alone(path) && hf_leaf_alone(chain.sent)) &&
	    !of_one_house(X509_get_issuer_name(top->x509), chain.anchors, chain.names))
		return;
	d->e->confidence = HF_LIKELY;
	hf_add_candidate(d->e, HF_REASON_V_NO_INTERMEDIATE);
	hf_say_cannot_know(d->e,
			   "who stands above %s: if a trusted root does, only the certificate of "
			   "that CA is missing from what is sent",
			   top->issuer);
}
