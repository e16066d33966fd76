/* SPDX-License-Identifier: Apache-2.0 */
/* A chain judged without the other side's trust.  The judge needs an anchor, so the top of what is
 * known stands in for one; what the judge says about that alone is put right afterwards. */
#include "probe/standing.h"

#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "base/err.h"
#include "base/file.h"
#include "pki/name.h"
#include "pki/pemfile.h"
#include "util/clock.h"

enum { PATH_LEN_MAX = 16, AROUND_FILES = 100, AROUND_BYTES = 1024 * 1024 };

void hf_known_done(struct hf_known *known)
{
	hf_certs_done(&known->certs);
	hf_strv_done(&known->paths);
}

void hf_known_add(struct hf_known *known, struct hf_cert *cert, const char *path)
{
	if (hf_certs_has(&known->certs, cert))
		return;
	if (hf_strv_add(&known->paths, path ? path : "") == 0)
		(void)hf_certs_add(&known->certs, cert, NULL);
}

void hf_known_add_list(struct hf_known *known, const struct hf_certs *certs, const char *path)
{
	for (size_t i = 0; i < certs->len; i++)
		hf_known_add(known, certs->items[i], path);
}

/* Another's certificate file is no file to append to one's own. */
static bool holds_only_cas(const struct hf_certs *certs)
{
	for (size_t i = 0; i < certs->len; i++) {
		if (!(certs->items[i]->flags & HF_CERT_CA))
			return false;
	}
	return true;
}

static void add_file(struct hf_known *known, const char *path)
{
	HF_AUTO_DONE(hf_pemfile) f = HF_PEMFILE_INIT;
	HF_AUTO_DONE(hf_buf) data = HF_BUF_INIT(AROUND_BYTES);

	if (hf_file_read(path, &data, NULL) < 0 ||
	    hf_pemfile_parse(&f, hf_buf_str(&data), data.len, path, 0, NULL, NULL) < 0)
		return;
	for (size_t i = 0; i < f.certs.len; i++) {
		if ((f.certs.items[i]->flags & HF_CERT_CA) || f.certs.items[i]->version < 3)
			hf_known_add(known, f.certs.items[i],
				     holds_only_cas(&f.certs) ? path : NULL);
	}
}

static bool is_certificate_name(const char *name)
{
	return hf_str_ends(name, ".pem") || hf_str_ends(name, ".crt") ||
	       hf_str_ends(name, ".cer") || hf_str_ends(name, ".cert");
}

static void add_around(struct hf_known *known, const char *path)
{
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
	const char *slash = strrchr(path, '/');
	HF_AUTO(cstr) dir =
	    slash ? hf_str_ndup(path, (size_t)(slash - path) + 1) : hf_str_dup("./");

	if (!dir || hf_dir_list(dir, &names, NULL) < 0)
		return;
	for (size_t i = 0; i < HF_MIN(names.len, (size_t)AROUND_FILES); i++) {
		HF_AUTO(cstr) file = hf_str_printf("%s%s", dir, names.items[i]);

		if (file && is_certificate_name(names.items[i]))
			add_file(known, file);
	}
}

void hf_known_add_file(struct hf_known *known, const char *path, bool around)
{
	add_file(known, path);
	if (around)
		add_around(known, path);
}

static bool issued_by(const struct hf_cert *child, const struct hf_cert *issuer)
{
	EVP_PKEY *key = hf_cert_key_get0(issuer);
	bool ok;

	if (!key ||
	    !hf_name_equal(X509_get_issuer_name(child->x509), X509_get_subject_name(issuer->x509)))
		return false;
	ok = X509_verify(child->x509, key) == 1;
	ERR_clear_error();
	return ok;
}

static struct hf_cert *issuer_in(const struct hf_certs *list, const struct hf_certs *path,
				 size_t *ret_at)
{
	const struct hf_cert *child = path->items[path->len - 1];

	for (size_t i = 0; i < list->len; i++) {
		if (hf_certs_has(path, list->items[i]) || !issued_by(child, list->items[i]))
			continue;
		*ret_at = i;
		return list->items[i];
	}
	return NULL;
}

/* A cross certificate that has expired ends no path where the root itself is known: judges take the
 * other way. */
static struct hf_cert *root_instead(const struct hf_certs *known, const struct hf_certs *path,
				    struct hf_cert *issuer)
{
	const struct hf_cert *child = path->items[path->len - 1];
	int64_t now = hf_clock_now();

	if ((issuer->flags & HF_CERT_SELF_ISSUED) || issuer->not_after >= now)
		return issuer;
	for (size_t i = 0; i < known->len; i++) {
		struct hf_cert *root = known->items[i];

		if ((root->flags & HF_CERT_SELF_ISSUED) && root->not_after >= now &&
		    issued_by(child, root))
			return root;
	}
	return issuer;
}

int hf_standing_climb(const struct hf_certs *chain, const struct hf_known *known,
		      struct hf_standing *ret, struct hf_err *err)
{
	bool bridged = false;
	int rc = hf_certs_add(ret->path, chain->items[0], err);

	while (rc == 0 && ret->path->len < PATH_LEN_MAX &&
	       !(ret->path->items[ret->path->len - 1]->flags & HF_CERT_SELF_ISSUED)) {
		size_t at = 0;
		struct hf_cert *issuer = issuer_in(chain, ret->path, &at);

		if (!issuer) {
			issuer = issuer_in(&known->certs, ret->path, &at);
			if (issuer && !bridged && !(issuer->flags & HF_CERT_SELF_ISSUED))
				(void)snprintf(ret->bridge, ret->bridge_cap, "%s",
					       known->paths.items[at]);
			bridged = true;
		}
		if (!issuer)
			break;
		rc = hf_certs_add(ret->path, root_instead(&known->certs, ret->path, issuer), err);
	}
	return rc;
}

static int judge_with(const struct hf_certs *chain, struct hf_cert *anchor,
		      const struct hf_certs *more, const struct hf_crls *crls,
		      const struct hf_verify_options *options, struct hf_verdict *verdict,
		      struct hf_err *err)
{
	HF_AUTO(hf_trust) trust = NULL;
	int rc = hf_trust_new(0, &trust, err);

	if (rc == 0 && anchor)
		rc = hf_trust_add_anchor(trust, anchor, NULL, err);
	for (size_t i = 0; rc == 0 && i < more->len; i++) {
		if (more->items[i] != anchor)
			rc = hf_trust_add_intermediate(trust, more->items[i], err);
	}
	for (size_t i = 0; rc == 0 && crls && i < crls->len; i++)
		rc = hf_trust_add_crl(trust, crls->items[i], err);
	if (rc < 0)
		return rc;
	hf_trust_set_crl_mode(trust, HF_CRL_KNOWN);
	rc = hf_trust_freeze(trust, err);
	return rc < 0 ? rc : hf_verify(chain, trust, options, verdict, err);
}

/* Why a path does not begin is sometimes plain from what was sent, whoever is trusted. */
static bool is_plain_fault(const struct hf_verdict *v)
{
	static const enum hf_reason plain[] = { HF_REASON_V_BAD_SIGNATURE,
						HF_REASON_V_WRONG_INTERMEDIATE,
						HF_REASON_F_CRITICAL_LOAD };

	for (size_t i = 0; i < HF_ARRAY_LEN(plain); i++) {
		if (hf_verdict_has(v, plain[i]))
			return true;
	}
	return false;
}

/* The top stood in for an anchor: what the judge holds against it as an anchor means something else
 * of a CA, and nothing of the leaf. */
static void put_right(struct hf_verdict *v, const struct hf_cert *top, bool leaf_alone)
{
	for (size_t i = 0; i < v->findings_len; i++) {
		struct hf_finding *f = &v->findings[i];

		if (f->cert != top)
			continue;
		if (f->reason == HF_REASON_V_PARTIAL_ANCHOR ||
		    (leaf_alone && f->reason == HF_REASON_V_TRUSTED_LEAF))
			f->severity = HF_SEVERITY_INFO;
		else if (f->reason == HF_REASON_V_V1_CA && !leaf_alone)
			f->severity = HF_SEVERITY_REFUSE; /* only anchors may be of version 1 */
		else if (f->reason == HF_REASON_V_TRUSTED_LEAF)
			f->reason = HF_REASON_V_NOT_A_CA;
		else if (f->reason == HF_REASON_V_ROOT_EXPIRED)
			f->reason = leaf_alone ? HF_REASON_V_EXPIRED : HF_REASON_V_CA_EXPIRED;
	}
}

/* The roles of findings about a stand-in. */
static void name_roles(struct hf_verdict *v, const struct hf_cert *top, enum hf_purpose purpose,
		       bool leaf_alone)
{
	enum hf_role ca = purpose == HF_PURPOSE_CLIENT ? HF_ROLE_CLIENT_CA : HF_ROLE_SERVER_CA;
	enum hf_role leaf =
	    purpose == HF_PURPOSE_CLIENT ? HF_ROLE_CLIENT_LEAF : HF_ROLE_SERVER_LEAF;

	for (size_t i = 0; i < v->findings_len; i++) {
		if (v->findings[i].cert == top)
			v->findings[i].role = leaf_alone ? leaf : ca;
	}
}

/* The first finding that refuses comes first again. */
static void order(struct hf_verdict *v)
{
	v->root_cause = -1;
	for (size_t i = 0; i < v->findings_len; i++) {
		if (v->findings[i].severity == HF_SEVERITY_REFUSE && !v->findings[i].consequence) {
			v->root_cause = (ssize_t)i;
			return;
		}
	}
}

int hf_standing_judge(const struct hf_certs *chain, const struct hf_known *known,
		      const struct hf_crls *crls, const struct hf_verify_options *options,
		      struct hf_standing *ret, struct hf_err *err)
{
	struct hf_cert *top;
	bool leaf_alone, rooted;
	int rc = hf_standing_climb(chain, known, ret, err);

	if (rc < 0)
		return rc;
	top = ret->path->items[ret->path->len - 1];
	leaf_alone = ret->path->len == 1;
	rooted = top->flags & HF_CERT_SELF_ISSUED;
	if (leaf_alone && !rooted) {
		/* Without a way up: is that the fault of what was sent? */
		rc = judge_with(chain, NULL, &known->certs, crls, options, ret->verdict, err);
		if (rc < 0 || is_plain_fault(ret->verdict))
			return rc;
		hf_verdict_done(ret->verdict);
	}
	rc = judge_with(chain, top, &known->certs, crls, options, ret->verdict, err);
	if (rc < 0)
		return rc;
	if (!rooted || leaf_alone) {
		put_right(ret->verdict, top, leaf_alone);
		name_roles(ret->verdict, top, options->purpose, leaf_alone);
	}
	order(ret->verdict);
	return 0;
}
