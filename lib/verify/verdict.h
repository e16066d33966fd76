/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict: the one currency between judge, gateway, command line, logs and explanations.
 * Accepted or refused, with every finding, the root cause first, consequences marked. */
#ifndef HF_VERIFY_VERDICT_H
#define HF_VERIFY_VERDICT_H

#include "base/json.h"
#include "base/reason.h"
#include "base/str.h"
#include "pki/identity.h"

enum hf_judge { HF_JUDGE_NOBODY, HF_JUDGE_US, HF_JUDGE_PEER };

enum hf_role {
	HF_ROLE_NONE,
	HF_ROLE_CLIENT_LEAF, HF_ROLE_CLIENT_CA, HF_ROLE_SERVER_LEAF, HF_ROLE_SERVER_CA,
	HF_ROLE_LEAF, HF_ROLE_CA,    /* when the purpose is any */
	HF_ROLE_ROOT, HF_ROLE_CRL,
};
const char *hf_role_name(enum hf_role role);   /* "client-leaf", "client-ca", … "root", "crl" */

enum hf_step {
	HF_STEP_FILES,
	HF_STEP_HANDSHAKE,
	HF_STEP_CHAIN,
	HF_STEP_NAME,
	HF_STEP_REVOCATION,
	HF_STEP_RULES,
	HF_STEP_REQUEST
};
const char *hf_step_name(enum hf_step step);

struct hf_finding {
	enum hf_reason reason;
	enum hf_severity severity;   /* after the profile */
	bool consequence;            /* follows from the root cause */
	enum hf_step step;
	enum hf_role role;
	int depth;                   /* 0 leaf; -1 no certificate */
	struct hf_cert *cert;        /* counted; NULL when none */
	char *want, *have;           /* owned, escaped; may be NULL */
	char *remedy;                /* owned, concrete; NULL: the reason's own */
	const char *rule;            /* the reason's clause, or a sharper one; static */
};

/* One error OpenSSL reports for the same chain (callback continues after each). */
struct hf_ossl_error {
	int error;                   /* X509_V_ERR_* */
	int depth;
};
enum { HF_OSSL_ERRORS_CAP = 32 };

struct hf_verdict {
	bool accepted;
	enum hf_judge judge;
	struct hf_finding *findings;
	size_t findings_len, findings_alloc;
	/* index of the finding to tell first; -1 when accepted without any */
	ssize_t root_cause;
	/* the path judged, leaf … anchor; as far as it could be built */
	struct hf_certs chain;
	/* the path's valid policies, as its anchor calls them (the user-constrained policy set of
	 * RFC 5280 6.1.5): dotted OIDs, anyPolicy's for all */
	struct hf_strv policies;
	struct hf_identity *identity; /* of the verified leaf; NULL unless the chain was accepted */
	/* text of the allow/deny rule that decided; NULL when none did */
	char *rule;
	/* earliest notAfter in the path and nextUpdate used; accepted only */
	int64_t valid_until;
	int alert;                   /* the TLS alert to send; 0 when accepted */
	struct hf_ossl_error ossl[HF_OSSL_ERRORS_CAP]; /* what OpenSSL alone says, in its order */
	size_t ossl_len;
	const char *node_reason;     /* Node's name in report mode; NULL when valid */
};

void hf_verdict_init(struct hf_verdict *v);
void hf_verdict_done(struct hf_verdict *v);
HF_DEFINE_AUTO_DONE(hf_verdict, struct hf_verdict, hf_verdict_done);
/* The finding to tell first, or NULL. */
const struct hf_finding *hf_verdict_root(const struct hf_verdict *v);
bool hf_verdict_has(const struct hf_verdict *v, enum hf_reason reason);
/* Appends a finding (severity from the reason unless overridden later); takes a reference of cert.
 * want/have are copied (NULL allowed).  Returns the new finding or NULL without memory. */
struct hf_finding *hf_verdict_add(struct hf_verdict *v, enum hf_reason reason, enum hf_step step,
				  enum hf_role role, int depth, struct hf_cert *cert,
				  const char *want, const char *have);
/* {"accepted", "reason", "explanation",
 * "findings":[{"id","severity","consequence","step","role","depth",
 *  "subject","serial","sha256","sentence","rule","want","have","remedy"}], "identity",
 * "openssl":[{"error", "name","depth"}], "chain":[{"subject","serial","sha256","not_after"}],
 * "policies":[OID], "allow_rule", "valid_until", "node_reason", "alert" (number), "alert_name"} */
void hf_verdict_to_json(const struct hf_verdict *v, struct hf_json *j, const char *key);
/* Text for people: one line per finding "V-EXPIRED: CN=x (depth 0): the certificate has expired:
 * want …, have …" and its fix; rpki-client style. */
int hf_verdict_format(const struct hf_verdict *v, struct hf_buf *out);
/* "CERT_HAS_EXPIRED" for X509_V_ERR_CERT_HAS_EXPIRED (Node's and OpenSSL's names without
 * X509_V_ERR_). */
const char *hf_verify_error_name(int error);
/* "certificate_required" for 116; "unknown" otherwise. */
const char *hf_alert_name(int alert);

#endif
