/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the judge; for lib/verify only.  A search (search.c) offers paths; hf_judge_path
 * puts every rule to one path and collects findings; verify.c keeps the best and asks OpenSSL
 * besides. */
#ifndef HF_VERIFY_JUDGE_H
#define HF_VERIFY_JUDGE_H

#include "verify/quirk.h"
#include "verify/verify.h"
#include "verify/world.h"

enum {
	HF_DEPTH_DEFAULT = 8,      /* intermediates allowed when nothing is said */
	HF_PATH_CAP = 66,          /* leaf + 64 intermediates + anchor */
	HF_SIGNATURES_CAP = 100,   /* signatures checked in one search */
	HF_CANDIDATES_CAP = 400,   /* issuers tried in one search */
	/* signatures of revocation lists tried with keys that a peer sent */
	HF_LIST_CHECKS_CAP = 32,
};

/* A path from certs[0] upwards; borrowed from chain and trust. */
struct hf_path {
	struct hf_cert *certs[HF_PATH_CAP];
	size_t len;
	bool anchored;             /* the last one is an anchor */
};

/* One search; zeroed before use. */
struct hf_search {
	/* candidates that came with the leaf; the first is the leaf */
	const struct hf_certs *sent;
	const struct hf_trust *trust;
	int64_t at;
	enum hf_purpose purpose;       /* only to try likelier issuers first */
	/* Looks at an anchored path; true stops the search. */
	bool (*found)(void *arg, const struct hf_path *path);
	void *arg;
	/* results */
	struct hf_path longest;        /* the longest path of good signatures without an anchor */
	struct hf_cert *bad_child, *bad_issuer; /* a signature that failed above the longest path */
	bool limited;                  /* stopped by a bound */
	size_t spent;		       /* of HF_SIGNATURES_CAP; keys of unusual size cost more */
	bool no_memory;
	/* work */
	struct hf_signature_memo {
		const struct hf_cert *child;
		const uint8_t *issuer_spki;
		bool good;
	} memo[HF_SIGNATURES_CAP];
	size_t memo_len;
	size_t tried;
};
/* Depth first with backtracking from leaf; true when `found` stopped it. */
bool hf_search_run(struct hf_search *s, struct hf_cert *leaf);
bool hf_cert_issued_by_name(const struct hf_cert *child, const struct hf_cert *issuer);
/* 1: the identifiers name it, 0: nothing said, -1: they name another key. */
int hf_cert_key_id_match(const struct hf_cert *child, const struct hf_cert *issuer);

/* One path before the rules. */
struct hf_judgement {
	const struct hf_certs *sent;
	const struct hf_trust *trust;
	const struct hf_verify_options *options;
	const struct hf_path *path;
	struct hf_verdict *verdict;    /* findings go here */
	int64_t valid_until;
	/* signatures of revocation lists looked at for what a peer sent */
	unsigned list_checks;
	bool no_memory;
	/* Collects who refuses what, instead of findings (world.c); NULL: a judgement. */
	struct hf_objections *objections;
};
/* Puts every rule to the path; the verdict's findings are those of this path only. */
void hf_judge_path(struct hf_judgement *j);

/* Adds a finding about path->certs[depth] (depth -1: about none).  NULL when out of memory. */
struct hf_finding *hf_judge_find(struct hf_judgement *j, enum hf_reason reason, enum hf_step step,
				 int depth, const char *want, const char *have);
/* The same for what not everybody refuses: the table (quirks.def) says what it is in this profile,
 * and it may be nothing. */
void hf_judge_quirk(struct hf_judgement *j, enum hf_quirk quirk, int depth, const char *want,
		    const char *have);
/* world.c: notes who refuses it. */
void hf_judge_object(struct hf_judgement *j, enum hf_reason reason, unsigned worlds,
		     const char *want, const char *have);
enum hf_role hf_judge_role(const struct hf_judgement *j, int depth);
bool hf_judge_is_anchor(const struct hf_judgement *j, size_t depth);

/* The rules, one function each. */
void hf_check_form(struct hf_judgement *j, size_t depth);        /* check_form.c */
void hf_check_time(struct hf_judgement *j, size_t depth);
void hf_check_strength(struct hf_judgement *j, size_t depth);
/* check_ca.c: certs[depth] as a CA */
void hf_check_issuer(struct hf_judgement *j, size_t depth);
void hf_check_depth(struct hf_judgement *j);
void hf_check_anchor(struct hf_judgement *j);
void hf_check_leaf(struct hf_judgement *j);                      /* check_leaf.c */
void hf_check_profile(struct hf_judgement *j, size_t depth);     /* check_profile.c */
void hf_check_constraints(struct hf_judgement *j);               /* check_constraints.c */
void hf_check_policies(struct hf_judgement *j);                  /* check_policy.c */
void hf_check_name(struct hf_judgement *j);                      /* check_name.c */
void hf_check_revocation(struct hf_judgement *j);                /* check_crl.c */

/* Why no path reaches an anchor: adds the finding.  */
void hf_explain_no_path(struct hf_judgement *j, const struct hf_search *search);

/* Refuses what chain and lists accept: the finding becomes the first, and all that follows from it
 * is set.  The verdict has an identity. */
int hf_verdict_overrule(struct hf_verdict *v, enum hf_reason reason, enum hf_step step,
			const char *want, const char *have, struct hf_err *err);

/* Order and consequences. */
void hf_findings_settle(struct hf_verdict *v);
size_t hf_findings_weight(const struct hf_verdict *v);           /* 0: nothing refuses */

/* OpenSSL's own verification of the same material. */
int hf_opinion_ask(const struct hf_certs *sent, const struct hf_trust *trust,
		   const struct hf_verify_options *options, struct hf_verdict *verdict,
		   struct hf_err *err);

const char *hf_node_reason_name(int error);     /* one of Node's 28, or "UNSPECIFIED" */
int hf_verify_error_alert(int error);           /* as OpenSSL's ssl_x509err2alert */

#endif
