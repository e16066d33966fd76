/* SPDX-License-Identifier: Apache-2.0 */
/* Orders from names. */
#include "ca/order.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "pki/name.h"
#include "verify/world.h"

enum { COMMON_NAME_CAP = 64 }; /* ub-common-name (RFC 5280 appendix A.1) */

int hf_subject_for(const char *name, const char *subject, X509_NAME **ret_subject,
		   struct hf_err *err)
{
	int rc;

	if (subject && subject[0] != '/') {
		(void)hf_err_set(err, HF_E_INVALID, "--subject '%s' does not start with '/'",
				 subject);
		return hf_err_hint(err, "write it as openssl's -subj: /C=IN/O=ABC Inc./CN=%s",
				   name);
	}
	if (!subject && strlen(name) > COMMON_NAME_CAP)
		subject = "/"; /* a name that does not fit the CN stands in the SAN only */
	rc = hf_name_parse(subject ? subject : name, ret_subject, err);
	if (rc == -HF_E_PARSE || rc == -HF_E_LIMIT) {
		(void)hf_err_context(err, rc, subject ? "--subject" : "the subject");
		if (err)
			err->code = HF_E_INVALID;
		return -HF_E_INVALID;
	}
	return rc;
}

int hf_sans_from_lists(const struct hf_strv *lists, struct hf_sans *ret_sans, struct hf_err *err)
{
	for (size_t i = 0; i < lists->len; i++) {
		int rc = hf_sans_add_list(ret_sans, lists->items[i], err);

		if (rc < 0)
			(void)hf_err_context(err, rc, "--san %s", lists->items[i]);
		if (rc == -HF_E_PARSE && err)
			err->code = HF_E_INVALID;
		if (rc < 0)
			return rc == -HF_E_PARSE ? -HF_E_INVALID : rc;
	}
	return 0;
}

int hf_sans_join(struct hf_sans *sans, const struct hf_sans *more, struct hf_err *err)
{
	for (size_t i = 0; i < more->len; i++) {
		int rc = 0;

		if (!hf_sans_has(sans, &more->items[i]))
			rc = hf_sans_add(sans, more->items[i].kind, more->items[i].value, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static bool is_host(const char *text)
{
	return hf_is_ip(text) || hf_dns_name_valid(text, strlen(text), true);
}

int hf_order_note_added(struct hf_order *order, size_t from, const char *why, struct hf_err *err)
{
	for (size_t i = from; order->rulings.wanted && i < order->sans.len; i++) {
		const struct hf_san *san = &order->sans.items[i];
		HF_AUTO(cstr) text =
		    hf_str_printf("%s:%s (%s)", hf_san_kind_name(san->kind), san->value, why);

		if (!text || hf_strv_add(&order->added, text) < 0)
			return hf_err_nomem(err);
	}
	return 0;
}

int hf_order_for_name(struct hf_order *order, const char *name, const char *subject,
		      const struct hf_sans *sans, struct hf_err *err)
{
	int rc = 0;

	if (!hf_str_copy(order->name, sizeof(order->name), name))
		return hf_err_set(err, HF_E_INVALID, "the name is too long");
	rc = hf_subject_for(name, subject, &order->subject, err);
	/* strict peers want a SAN of a client too: its name, when nothing else was asked for */
	if (rc == 0 && is_host(name) && (order->profile->names_hosts || sans->len == 0)) {
		rc = hf_sans_add_host(&order->sans, name, err);
		order->own_name = !order->profile->names_hosts;
		if (rc == 0 && !hf_sans_has(sans, &order->sans.items[0]))
			rc = hf_order_note_added(order, 0, "its own name", err);
	}
	return rc < 0 ? rc : hf_sans_join(&order->sans, sans, err);
}

int hf_order_add_one(struct hf_order *order, const X509_EXTENSION *ext, struct hf_err *err)
{
	HF_AUTO(X509_EXTENSION) own = X509_EXTENSION_dup((X509_EXTENSION *)(uintptr_t)ext);

	if (!order->extra)
		order->extra = sk_X509_EXTENSION_new_null();
	if (!own || !order->extra || !sk_X509_EXTENSION_push(order->extra, own))
		return hf_err_nomem(err);
	own = NULL;
	return 0;
}

int hf_order_add_extra(struct hf_order *order, const STACK_OF(X509_EXTENSION) *extra,
		       struct hf_err *err)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < sk_X509_EXTENSION_num(extra); i++)
		rc = hf_order_add_one(order, sk_X509_EXTENSION_value(extra, i), err);
	return rc;
}

static int note_objections(struct hf_order *order, struct hf_cert *cert, enum hf_purpose purpose,
			   struct hf_err *err)
{
	HF_AUTO_DONE(hf_objections) objections = { NULL, 0 };
	int rc = hf_worlds_object(cert, purpose, &objections, err);

	for (size_t i = 0; rc == 0 && i < objections.len; i++) {
		HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(64 * 1024);

		if (hf_objection_format(&objections.items[i], purpose, &text) < 0 ||
		    hf_strv_add(&order->notes, hf_buf_str(&text)) < 0)
			rc = hf_err_nomem(err);
	}
	return rc;
}

int hf_order_note_worlds(struct hf_order *order, struct hf_cert *cert, struct hf_err *err)
{
	int rc = 0;

	if (order->profile->is_ca)
		return note_objections(order, cert, HF_PURPOSE_ANY, err);
	for (size_t p = 0; rc == 0 && p < order->profile->purposes_len; p++)
		rc = note_objections(order, cert, order->profile->purposes[p], err);
	return rc;
}

int hf_order_subject_taken(const struct hf_authority *a, struct hf_order *order,
			   const char *subject, struct hf_err *err)
{
	(void)hf_policy_refuse(a->policy, &order->rulings, a->policy->unique_line, err,
			       "'%s' has a valid certificate already (unique_subject)", subject);
	(void)hf_err_hint(err, "renew it, revoke it first, or give this one another subject");
	return -HF_E_POLICY;
}
