/* SPDX-License-Identifier: Apache-2.0 */
/* Name constraints over the path (RFC 5280 6.1.3 (b)).  Must never let a name pass because its form
 * or its number makes matching hard. */
#include <string.h>

#include "base/str.h"
#include "verify/constraints.h"
#include "verify/judge.h"

static const char *have_of(int error)
{
	switch (error) {
	case X509_V_ERR_PERMITTED_VIOLATION:
		return "a name outside what is permitted";
	case X509_V_ERR_EXCLUDED_VIOLATION:
		return "an excluded name";
	case X509_V_ERR_SUBTREE_MINMAX:
		return "a constraint with minimum or maximum, which nobody supports";
	case X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE:
		return "a constraint of a kind not supported here";
	case X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX:
		return "a constraint whose syntax is wrong";
	case X509_V_ERR_UNSUPPORTED_NAME_SYNTAX:
		return "a name whose syntax is wrong";
	default:
		return "too many names or constraints";
	}
}

static bool has_dns_san(const struct hf_cert *c)
{
	for (size_t i = 0; i < c->sans.len; i++) {
		if (c->sans.items[i].kind == HF_SAN_DNS)
			return true;
	}
	return false;
}

/* A CA of the path, and what it says about one certificate below it. */
struct pair {
	struct hf_judgement *j;
	size_t depth, ca_depth;
	NAME_CONSTRAINTS *nc;
};

static const struct hf_cert *cert_of(const struct pair *p)
{
	return p->j->path->certs[p->depth];
}

static void report(const struct pair *p, enum hf_quirk quirk, const char *have)
{
	HF_AUTO(cstr) want =
	    hf_str_printf("names that %s may issue for", p->j->path->certs[p->ca_depth]->subject);

	hf_judge_quirk(p->j, quirk, (int)p->depth, want, have);
}

/* Some look at the usual kinds of names only.  Without the others, does it still break them? */
static bool is_of_rare_kind(const struct pair *p)
{
	HF_AUTO(NAME_CONSTRAINTS) usual = hf_constraints_of_usual_kinds(p->nc);

	return usual && NAME_CONSTRAINTS_check(cert_of(p)->x509, usual) == X509_V_OK;
}

static void report_violation(const struct pair *p, int error)
{
	if (hf_judge_is_anchor(p->j, p->ca_depth))
		report(p, HF_QUIRK_NC_ROOT, have_of(error));
	else if (is_of_rare_kind(p))
		report(p, HF_QUIRK_NC_RARE_KIND, have_of(error));
	else
		report(p, HF_QUIRK_NC_BROKEN, have_of(error));
}

static void report_escape(const struct pair *p, const struct hf_san *san)
{
	HF_AUTO_DONE(hf_buf) have = HF_BUF_INIT(4096);

	(void)hf_buf_printf(&have, "%s:", hf_san_kind_name(san->kind));
	(void)hf_str_escape(&have, san->value, san->len);
	report(p, HF_QUIRK_NC_ESCAPE, hf_buf_str(&have));
}

static void check_pair(const struct pair *p)
{
	const struct hf_cert *c = cert_of(p);
	const struct hf_san *san;
	int error = NAME_CONSTRAINTS_check(c->x509, p->nc);

	if (error != X509_V_OK) {
		report_violation(p, error);
		return;
	}
	/* Somebody may still take the CN for a host name. */
	if (p->depth == 0 && !has_dns_san(c))
		error = NAME_CONSTRAINTS_check_CN(c->x509, p->nc);
	san = hf_constraints_escape(p->nc, c);
	if (error != X509_V_OK)
		report(p, HF_QUIRK_NC_COMMON_NAME, have_of(error));
	else if (san)
		report_escape(p, san);
}

static bool has_uri_san(const struct hf_cert *c)
{
	for (size_t i = 0; i < c->sans.len; i++) {
		if (c->sans.items[i].kind == HF_SAN_URI)
			return true;
	}
	return false;
}

/* Who does not know a kind of constraint refuses what it stands in, when it is critical. */
static void check_kinds(struct hf_judgement *j, size_t depth, const NAME_CONSTRAINTS *nc)
{
	const X509 *x = j->path->certs[depth]->x509;
	int i = X509_get_ext_by_NID(x, NID_name_constraints, -1);

	if (i < 0 || X509_EXTENSION_get_critical(X509_get_ext(x, i)) <= 0)
		return;
	if (hf_constraints_have_kind(nc, GEN_DIRNAME))
		hf_judge_quirk(j, HF_QUIRK_NC_UNKNOWN_KIND, (int)depth,
			       "constraints of names, addresses, e-mail and URIs",
			       "one of directory names");
	if (hf_constraints_have_kind(nc, GEN_URI) && has_uri_san(j->path->certs[0]))
		hf_judge_quirk(j, HF_QUIRK_NC_URI_KIND, (int)depth,
			       "constraints of names, addresses and e-mail", "one of URIs");
}

void hf_check_constraints(struct hf_judgement *j)
{
	for (size_t d = 1; d < j->path->len; d++) {
		const struct hf_cert *ca = j->path->certs[d];
		HF_AUTO(NAME_CONSTRAINTS) nc = NULL;

		if (!(ca->flags & HF_CERT_HAS_NAME_CONSTRAINTS))
			continue;
		nc = X509_get_ext_d2i(ca->x509, NID_name_constraints, NULL, NULL);
		if (nc)
			check_kinds(j, d, nc);
		for (size_t i = 0; nc && i < d; i++) {
			/* RFC 5280 6.1.3 (b): self-issued ones only as the last of the path. */
			if (i == 0 || !(j->path->certs[i]->flags & HF_CERT_SELF_ISSUED))
				check_pair(&(struct pair){ j, i, d, nc });
		}
	}
}
