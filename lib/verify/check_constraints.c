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

static void report(struct hf_judgement *j, size_t depth, const struct hf_cert *ca, const char *have)
{
	HF_AUTO(cstr) want = hf_str_printf("names that %s may issue for", ca->subject);

	hf_judge_find(j, HF_REASON_V_NAME_CONSTRAINT, HF_STEP_CHAIN, (int)depth, want, have);
}

static void check_pair(struct hf_judgement *j, size_t depth, const struct hf_cert *ca,
		       NAME_CONSTRAINTS *nc)
{
	const struct hf_cert *c = j->path->certs[depth];
	const struct hf_san *san;
	int error = NAME_CONSTRAINTS_check(c->x509, nc);

	/* Somebody may still take the CN for a host name. */
	if (error == X509_V_OK && depth == 0 && !has_dns_san(c))
		error = NAME_CONSTRAINTS_check_CN(c->x509, nc);
	if (error != X509_V_OK) {
		report(j, depth, ca, have_of(error));
		return;
	}
	san = hf_constraints_escape(nc, c);
	if (san) {
		HF_AUTO_DONE(hf_buf) have = HF_BUF_INIT(4096);

		(void)hf_buf_printf(&have, "%s:", hf_san_kind_name(san->kind));
		(void)hf_str_escape(&have, san->value, san->len);
		report(j, depth, ca, hf_buf_str(&have));
	}
}

void hf_check_constraints(struct hf_judgement *j)
{
	for (size_t d = 1; d < j->path->len; d++) {
		const struct hf_cert *ca = j->path->certs[d];
		HF_AUTO(NAME_CONSTRAINTS) nc = NULL;

		if (!(ca->flags & HF_CERT_HAS_NAME_CONSTRAINTS))
			continue;
		nc = X509_get_ext_d2i(ca->x509, NID_name_constraints, NULL, NULL);
		for (size_t i = 0; nc && i < d; i++) {
			/* RFC 5280 6.1.3 (b): self-issued ones only as the last of the path. */
			if (i == 0 || !(j->path->certs[i]->flags & HF_CERT_SELF_ISSUED))
				check_pair(j, i, ca, nc);
		}
	}
}
