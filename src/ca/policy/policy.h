/* SPDX-License-Identifier: Apache-2.0 */
/* The policy of an authority: what it certifies and for whom, over the floor that no policy lowers
 * (issue.c, extension.c).  It comes from policy.yaml, from an openssl.cnf, or is the built-in one;
 * all three are this struct, and every rule knows the line it stands in. */
#ifndef HF_CA_POLICY_POLICY_H
#define HF_CA_POLICY_POLICY_H

#include "base/str.h"
#include "ca/policy/pattern.h"
#include "ca/policy/policy_revocation.h"
#include "ca/profile.h"

struct hf_order;
struct hf_yaml;

/* The keys of a profile in policy.yaml; each has the line it was said in (0: not said). */
enum hf_policy_key {
	HF_POLICY_ALLOW,
	HF_POLICY_DAYS,
	HF_POLICY_MAX_DAYS,
	HF_POLICY_KEY_TYPES,
	HF_POLICY_RSA_BITS,
	HF_POLICY_SUBJECT,
	HF_POLICY_NAMES,
	HF_POLICY_REQUIRE_NAMES,
	HF_POLICY_REQUESTERS,
	HF_POLICY_RENEW_GRACE,
	HF_POLICY_APPROVAL,
	HF_POLICY_SERVERKEYGEN,
	HF_POLICY_REQUEST_CA,
	HF_POLICY_REQUEST_NAMES,
	HF_POLICY_REQUEST_CRITICAL,
	HF_POLICY_REQUEST_EXTENSIONS,
	HF_POLICY_REQUEST_COPY,
	HF_POLICY_KEYS,
};

/* As in the policy section of an openssl.cnf, but by content (RFC 5280 7.1), not by string type. */
enum hf_match { HF_MATCH_OPTIONAL, HF_MATCH_SUPPLIED, HF_MATCH_SAME };
extern const char *const hf_match_words[];
struct hf_policy_field {
	int nid;
	enum hf_match is;
	struct hf_strv like; /* globs of which one must fit; empty: any value */
	unsigned line;
};
enum hf_others { HF_OTHERS_KEEP, HF_OTHERS_DROP, HF_OTHERS_REFUSE };
extern const char *const hf_others_words[];
struct hf_policy_subject {
	struct hf_policy_field *fields;
	size_t len;
	enum hf_others others; /* attributes that have no rule */
	unsigned others_line;
};

struct hf_policy_names {
	bool any;
	struct hf_pattern *items;
	size_t len;
	bool wildcards; /* names may be wildcards */
};

/* What becomes of a thing that a request asks for and does not get. */
enum hf_answer { HF_ANSWER_STRIP, HF_ANSWER_REFUSE, HF_ANSWER_COPY };
extern const char *const hf_answer_words[];

enum hf_policy_key_type { HF_POLICY_P256, HF_POLICY_P384, HF_POLICY_ED25519, HF_POLICY_RSA };
extern const char *const hf_policy_key_words[];

struct hf_policy_profile {
	const struct hf_ca_profile *profile;
	bool allow;
	int64_t days, max_days; /* seconds */
	unsigned key_types;	/* 1 << enum hf_policy_key_type */
	int64_t rsa_bits;	/* at least */
	struct hf_policy_subject subject;
	struct hf_policy_names names;
	bool require_names;
	struct hf_strv requesters; /* login names; empty and not said: anybody */
	/* for the authority as a service: how long after its end a certificate may still be
	 * renewed, in seconds; whether a person looks at each enrolment first; and whether the
	 * authority makes keys for those who ask for one (EST's serverkeygen) */
	int64_t renew_grace;
	bool approval;
	bool serverkeygen;
	enum hf_answer ca, foreign_names, critical, extensions;
	struct hf_strv copy; /* extensions taken from a request, by OpenSSL's short name */
	unsigned lines[HF_POLICY_KEYS];
};

enum { HF_POLICY_PROFILES = 4 };
struct hf_policy {
	char *name; /* the file; NULL: built in */
	bool unique_subject;
	unsigned unique_line;
	struct hf_policy_revocation revocation;
	struct hf_policy_profile profiles[HF_POLICY_PROFILES]; /* as hf_ca_profile_names */
};

/* What holds when nobody says anything: the authority as it is without a policy.yaml. */
int hf_policy_new(struct hf_policy **ret_policy, struct hf_err *err);
/* Mistakes come with line, column and the nearest right word. */
int hf_policy_parse(const char *data, size_t len, const char *name, struct hf_policy **ret_policy,
		    struct hf_err *err);
int hf_policy_load(const char *path, struct hf_policy **ret_policy, struct hf_err *err);
void hf_policy_free(struct hf_policy *policy);
HF_DEFINE_AUTO(hf_policy, struct hf_policy, hf_policy_free);

/* All of it as a policy.yaml that reads back as the same policy. */
int hf_policy_format(const struct hf_policy *policy, struct hf_buf *out);

/* NULL for the authority's own profiles (root, single, issuing), which no policy rules. */
const struct hf_policy_profile *hf_policy_profile(const struct hf_policy *policy,
						  const struct hf_ca_profile *profile);
void hf_policy_subject_done(struct hf_policy_subject *subject);
void hf_policy_names_done(struct hf_policy_names *names);
/* The kind of key that the authority makes by itself for that profile: the first that it allows of
 * p256, p384, ed25519, and else RSA of the length it asks for (4096 bits at most).  NULL: p256. */
enum hf_key_type hf_policy_own_key_type(const struct hf_policy_profile *pp);
/* Whether any profile says `serverkeygen: yes`; NULL: none does. */
bool hf_policy_makes_keys(const struct hf_policy *policy);
/* A name that a pattern of the policy covers; never one that `any` lets pass. */
const struct hf_pattern *hf_policy_pattern_for(const struct hf_policy_names *names,
					       const struct hf_san *san);

/* A policy that says `require_names: no` knows that its certificates may have a subject only. */
bool hf_policy_says_no_names(const struct hf_policy *policy, const struct hf_ca_profile *profile);

/* --- rulings --- */

/* What one rule said of an order; kept for --dry-run. */
enum hf_ruling_kind { HF_RULING_ADMITS, HF_RULING_CHANGES, HF_RULING_REFUSES };
struct hf_ruling {
	enum hf_ruling_kind kind;
	char *where; /* "policy.yaml:12", "built-in policy" */
	char *text;
};
struct hf_rulings {
	bool wanted; /* by --dry-run, which goes on to the last rule; else none is kept */
	struct hf_ruling *items;
	size_t len;
	size_t refusals; /* of them */
};
const char *hf_ruling_word(enum hf_ruling_kind kind); /* "admits" … */
void hf_rulings_done(struct hf_rulings *rulings);
/* Keep it when wanted. */
int hf_rulings_add(struct hf_rulings *rulings, enum hf_ruling_kind kind, const char *place,
		   const char *text);
int hf_policy_say(const struct hf_policy *policy, struct hf_rulings *rulings,
		  enum hf_ruling_kind kind, unsigned line, const char *fmt, ...) HF_PRINTF(5, 6);
/* Fills err: -HF_E_POLICY "policy.yaml:12: …".  When the rulings are wanted it is kept and the
 * answer is 0, so that the other rules have their say: err then holds the first refusal, which
 * hf_rulings_end gives. */
int hf_policy_refuse(const struct hf_policy *policy, struct hf_rulings *rulings, unsigned line,
		     struct hf_err *err, const char *fmt, ...) HF_PRINTF(5, 6);

/* -HF_E_POLICY when a rule has refused, else 0; err is as hf_policy_refuse has left it. */
int hf_rulings_end(const struct hf_rulings *rulings);

/* --- rules --- */

/* Everything but what a request asks for in vain (order_csr.c): may the requester have this
 * profile, is the key one of those allowed, are subject and names as they must be, how long.  May
 * drop attributes of the subject and cut the lifetime, with a note.  `issuer` is the CA's subject.
 */
int hf_policy_apply(const struct hf_policy *policy, struct hf_order *order,
		    const X509_NAME *issuer, const char *requester, struct hf_err *err);
/* Its part: the subject.  An attribute without a rule may be dropped from *subject. */
int hf_policy_apply_subject(const struct hf_policy *policy, const struct hf_policy_profile *pp,
			    struct hf_order *order, const X509_NAME *issuer, struct hf_err *err);

#endif
