/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of the subject.  Compares what a name says, never how it is encoded: `openssl ca` calls
 * "Acme Inc" and "Acme Inc" different when one is a PrintableString. */
#include <string.h>

#include "base/err.h"
#include "base/ossl.h"
#include "ca/issue.h"
#include "ca/policy/policy.h"
#include "pki/name.h"

enum { VALUES_CAP = 1024 };

/* One attribute alone, so that two can be compared as RFC 5280 7.1 compares names: case and white
 * space folded, string types forgotten. */
static X509_NAME *alone(const X509_NAME_ENTRY *entry)
{
	HF_AUTO(X509_NAME) name = X509_NAME_new();

	if (!name || !X509_NAME_add_entry(name, entry, -1, 0))
		return NULL;
	return hf_take(name);
}

static int same_value(const X509_NAME_ENTRY *a, const X509_NAME_ENTRY *b, bool *ret_same)
{
	HF_AUTO(X509_NAME) left = alone(a);
	HF_AUTO(X509_NAME) right = alone(b);

	if (!left || !right)
		return -HF_E_NOMEM;
	*ret_same = hf_name_equal(left, right);
	return 0;
}

/* "Acme Inc, Acme Ltd": what people are told. */
static void describe(const X509_NAME *name, int nid, struct hf_buf *out)
{
	struct hf_name_value *values = NULL;
	size_t len = 0;

	if (hf_name_values(name, nid, &values, &len, NULL) < 0)
		return;
	for (size_t i = 0; i < len; i++) {
		(void)hf_buf_puts(out, i ? ", " : "");
		(void)hf_str_escape(out, values[i].utf8, values[i].len);
	}
	hf_name_values_free(values, len);
}

struct subject_check {
	const struct hf_policy *policy;
	const struct hf_policy_profile *pp;
	struct hf_order *order;
	const X509_NAME *issuer;
	struct hf_err *err;
};

static int check_same(const struct subject_check *c, const struct hf_policy_field *field)
{
	const X509_NAME *subject = c->order->subject;
	HF_AUTO_DONE(hf_buf) want = HF_BUF_INIT(VALUES_CAP);
	HF_AUTO_DONE(hf_buf) have = HF_BUF_INIT(VALUES_CAP);
	const char *word = OBJ_nid2ln(field->nid);

	describe(c->issuer, field->nid, &want);
	describe(subject, field->nid, &have);
	if (X509_NAME_get_index_by_NID(c->issuer, field->nid, -1) < 0)
		return hf_policy_refuse(c->policy, &c->order->rulings, field->line, c->err,
					"the %s must be the CA's, and the CA has none", word);
	for (int i = -1; (i = X509_NAME_get_index_by_NID(subject, field->nid, i)) >= 0;) {
		bool same = false;

		for (int k = -1;
		     !same && (k = X509_NAME_get_index_by_NID(c->issuer, field->nid, k)) >= 0;) {
			if (same_value(X509_NAME_get_entry(subject, i),
				       X509_NAME_get_entry(c->issuer, k), &same) < 0)
				return hf_err_nomem(c->err);
		}
		if (!same)
			return hf_policy_refuse(c->policy, &c->order->rulings, field->line, c->err,
						"the %s must be the CA's '%s', and is '%s'", word,
						hf_buf_str(&want), hf_buf_str(&have));
	}
	return hf_policy_say(c->policy, &c->order->rulings, HF_RULING_ADMITS, field->line,
			     "%s '%s' is the CA's", word, hf_buf_str(&have));
}

static int check_like(const struct subject_check *c, const struct hf_policy_field *field)
{
	struct hf_name_value *values = NULL;
	size_t len = 0;
	int rc = hf_name_values(c->order->subject, field->nid, &values, &len, c->err);

	for (size_t i = 0; rc >= 0 && i < len; i++) {
		bool fits = false;

		for (size_t k = 0; k < field->like.len; k++)
			fits = fits ||
			       hf_glob_matches(field->like.items[k], strlen(field->like.items[k]),
					       values[i].utf8, values[i].len);
		if (fits)
			continue;
		rc = hf_policy_refuse(c->policy, &c->order->rulings, field->line, c->err,
				      "the %s '%s' is not like '%s'%s", OBJ_nid2ln(field->nid),
				      values[i].utf8, field->like.items[0],
				      field->like.len > 1 ? " or one of the others" : "");
	}
	hf_name_values_free(values, len);
	return rc < 0 ? rc : 0;
}

static int check_field(const struct subject_check *c, const struct hf_policy_field *field)
{
	bool there = X509_NAME_get_index_by_NID(c->order->subject, field->nid, -1) >= 0;
	const char *word = OBJ_nid2ln(field->nid);
	size_t refusals = c->order->rulings.refusals;
	int rc = 0;

	if (!there && field->is == HF_MATCH_OPTIONAL)
		return 0;
	if (!there)
		return hf_policy_refuse(c->policy, &c->order->rulings, field->line, c->err,
					"the subject has no %s, which must be %s", word,
					field->is == HF_MATCH_SAME ? "the CA's" : "there");
	if (field->like.len)
		rc = check_like(c, field);
	if (rc == 0 && field->is == HF_MATCH_SAME)
		return check_same(c, field);
	return rc < 0 || c->order->rulings.refusals > refusals
		   ? rc
		   : hf_policy_say(c->policy, &c->order->rulings, HF_RULING_ADMITS, field->line,
				   "%s is there (%s%s)", word, hf_match_words[field->is],
				   field->like.len ? ", and is as it must be" : "");
}

static const struct hf_policy_field *field_of(const struct hf_policy_subject *rules, int nid)
{
	for (size_t i = 0; i < rules->len; i++) {
		if (rules->fields[i].nid == nid)
			return &rules->fields[i];
	}
	return NULL;
}

static int drop_entry(const struct subject_check *c, int at, const char *word, const char *value)
{
	unsigned line = c->pp->subject.others_line;
	HF_AUTO(cstr) note =
	    hf_str_printf("%s '%s' is left out of the subject: the policy has no rule for it", word,
			  value);
	X509_NAME_ENTRY *entry = X509_NAME_delete_entry(c->order->subject, at);

	X509_NAME_ENTRY_free(entry);
	if (!note || hf_strv_add(&c->order->notes, note) < 0)
		return hf_err_nomem(c->err);
	return hf_policy_say(c->policy, &c->order->rulings, HF_RULING_CHANGES, line,
			     "%s '%s' is left out (others: drop)", word, value);
}

static int apply_others(const struct subject_check *c)
{
	const struct hf_policy_subject *rules = &c->pp->subject;
	int rc = 0;

	for (int i = 0; rc == 0 && i < X509_NAME_entry_count(c->order->subject);) {
		const X509_NAME_ENTRY *entry = X509_NAME_get_entry(c->order->subject, i);
		int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
		HF_AUTO_DONE(hf_buf) value = HF_BUF_INIT(VALUES_CAP);
		char word[80];

		if (nid != NID_undef && field_of(rules, nid)) {
			i++;
			continue;
		}
		(void)OBJ_obj2txt(word, sizeof(word), X509_NAME_ENTRY_get_object(entry), 0);
		describe(c->order->subject, nid, &value);
		if (rules->others == HF_OTHERS_REFUSE) {
			rc =
			    hf_policy_refuse(c->policy, &c->order->rulings, rules->others_line,
					     c->err, "the subject holds %s '%s', which has no rule",
					     word, hf_buf_str(&value));
			i++;
			continue;
		}
		rc = drop_entry(c, i, word, hf_buf_str(&value));
	}
	return rc;
}

int hf_policy_apply_subject(const struct hf_policy *policy, const struct hf_policy_profile *pp,
			    struct hf_order *order, const X509_NAME *issuer, struct hf_err *err)
{
	const struct subject_check c = { policy, pp, order, issuer, err };
	int rc = pp->subject.others == HF_OTHERS_KEEP ? 0 : apply_others(&c);

	for (size_t i = 0; rc == 0 && i < pp->subject.len; i++)
		rc = check_field(&c, &pp->subject.fields[i]);
	return rc;
}
