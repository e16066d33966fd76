/* SPDX-License-Identifier: Apache-2.0 */
/* lib/verify: one certificate wrong in one way, and what is said about it: the golden table of
 * Node's names and OpenSSL's alerts, the profiles, the moments. */
#include "verify_fixture.h"

/* Who is sent after the leaf, and who is trusted. */
enum { SEND_ISSUING = 1, SEND_ROOT = 2, SEND_STRANGER = 4 };
enum trust_kind { TRUST_ROOT, TRUST_OTHER, TRUST_TWIN, TRUST_ISSUING, TRUST_LEAF };

struct row {
	const char *label;
	struct certmake leaf, issuing, root; /* issuer, subject and ext have defaults */
	unsigned send;			     /* 0: SEND_ISSUING */
	bool leaf_alone;
	enum trust_kind trust;
	bool self_signed;		  /* the leaf */
	struct hf_verify_options options; /* purpose any counts as client */
	const char *cause;		  /* NULL: accepted without any finding that refuses */
	const char *warns;		  /* a finding that must be there */
	const char *node;
	int alert;
};

#define LEAF(...)                               \
	(const char *const[])                   \
	{                                       \
		__VA_ARGS__, CERTMAKE_IDS, NULL \
	}
#define KU "keyUsage=critical,digitalSignature"
#define EKU "extendedKeyUsage=clientAuth"
#define SAN "subjectAltName=DNS:client.test"
#define CA_BC "basicConstraints=critical,CA:TRUE"
#define CA_KU "keyUsage=critical,keyCertSign,cRLSign"

static const struct row golden[] = {
	{ .label = "in order" },
	{ .label = "leaf without intermediate",
	  .leaf_alone = true,
	  .cause = "V-NO-INTERMEDIATE",
	  .node = "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
	  .alert = 48 },
	{ .label = "unknown CA, leaf alone",
	  .leaf_alone = true,
	  .trust = TRUST_OTHER,
	  .cause = "V-UNKNOWN-CA",
	  .node = "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
	  .alert = 48 },
	{ .label = "unknown CA, two sent",
	  .trust = TRUST_OTHER,
	  .cause = "V-UNKNOWN-CA",
	  .node = "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
	  .alert = 48 },
	{ .label = "unknown CA, its root sent too",
	  .trust = TRUST_OTHER,
	  .send = SEND_ISSUING | SEND_ROOT,
	  .cause = "V-UNKNOWN-CA",
	  .node = "SELF_SIGNED_CERT_IN_CHAIN",
	  .alert = 48 },
	{ .label = "self-signed",
	  .self_signed = true,
	  .leaf_alone = true,
	  .cause = "V-SELF-SIGNED",
	  .node = "DEPTH_ZERO_SELF_SIGNED_CERT",
	  .alert = 48 },
	{ .label = "expired",
	  .leaf = { .from = -9, .to = -1 },
	  .cause = "V-EXPIRED",
	  .node = "CERT_HAS_EXPIRED",
	  .alert = 45 },
	{ .label = "not yet valid",
	  .leaf = { .from = 1, .to = 9 },
	  .cause = "V-NOT-YET",
	  .node = "CERT_NOT_YET_VALID",
	  .alert = 42 },
	{ .label = "issuing CA expired",
	  .issuing = { .from = -9, .to = -1 },
	  .cause = "V-CA-EXPIRED",
	  .node = "CERT_HAS_EXPIRED",
	  .alert = 45 },
	{ .label = "issuing CA not yet valid",
	  .issuing = { .from = 1, .to = 9 },
	  .cause = "V-CA-NOT-YET",
	  .node = "CERT_NOT_YET_VALID",
	  .alert = 42 },
	{ .label = "root expired",
	  .root = { .from = -9, .to = -1 },
	  .cause = "V-ROOT-EXPIRED",
	  .node = "CERT_HAS_EXPIRED",
	  .alert = 45 },
	{ .label = "bad signature",
	  .leaf = { .bad_signature = true },
	  .cause = "V-BAD-SIGNATURE",
	  .node = "CERT_SIGNATURE_FAILURE",
	  .alert = 51 },
	{ .label = "EKU server only",
	  .leaf = { .ext = LEAF(KU, SAN, "extendedKeyUsage=serverAuth") },
	  .cause = "V-EKU",
	  .node = "INVALID_PURPOSE",
	  .alert = 43 },
	{ .label = "EKU e-mail only",
	  .leaf = { .ext = LEAF(KU, SAN, "extendedKeyUsage=emailProtection") },
	  .cause = "V-EKU",
	  .node = "INVALID_PURPOSE",
	  .alert = 43 },
	{ .label = "EKU any only",
	  .leaf = { .ext = LEAF(KU, SAN, "extendedKeyUsage=anyExtendedKeyUsage") },
	  .cause = "V-ANY-EKU",
	  .node = "INVALID_PURPOSE",
	  .alert = 43 },
	{ .label = "keyUsage lacks digitalSignature",
	  .leaf = { .ext = LEAF("keyUsage=critical,keyEncipherment", EKU, SAN) },
	  .cause = "V-KU",
	  .node = "INVALID_PURPOSE",
	  .alert = 43 },
	{ .label = "nsCertType server",
	  .leaf = { .ext = LEAF(KU, SAN, "nsCertType=server") },
	  .cause = "V-NSCERTTYPE",
	  .node = "INVALID_PURPOSE",
	  .alert = 43 },
	{ .label = "CA certificate as client",
	  .leaf = { .ext = LEAF(CA_BC, CA_KU) },
	  .cause = "V-CA-AS-LEAF",
	  .node = "INVALID_PURPOSE",
	  .alert = 43 },
	{ .label = "CA certificate fit for a client otherwise",
	  .leaf = { .ext = LEAF(CA_BC, KU, EKU, SAN) },
	  .cause = "V-CA-AS-LEAF",
	  .node = "INVALID_PURPOSE",
	  .alert = 43 },
	{ .label = "issuing CA for servers only",
	  .issuing = { .ext = LEAF(CA_BC, CA_KU, "extendedKeyUsage=serverAuth") },
	  .cause = "V-CA-EKU",
	  .node = "INVALID_PURPOSE",
	  .alert = 43 },
	{ .label = "path length exceeded",
	  .root = { .ext = LEAF("basicConstraints=critical,CA:TRUE,pathlen:0", CA_KU) },
	  .cause = "V-PATHLEN",
	  .node = "PATH_LENGTH_EXCEEDED",
	  .alert = 48 },
	{ .label = "issued by a leaf",
	  .issuing = { .ext = LEAF("basicConstraints=critical,CA:FALSE", KU, EKU) },
	  .cause = "V-NOT-A-CA",
	  .node = "UNSPECIFIED",
	  .alert = 48 },
	{ .label = "issuing CA of version 1",
	  .issuing = { .version = 1, .ext = (const char *const[]){ NULL } },
	  .leaf = { .ext = (const char *const[]){ KU, EKU, SAN, NULL } },
	  .cause = "V-V1-CA",
	  .node = "INVALID_PURPOSE",
	  .alert = 48 },
	{ .label = "issuing CA without keyCertSign",
	  .issuing = { .ext = LEAF(CA_BC, "keyUsage=critical,cRLSign") },
	  .cause = "V-CA-KU",
	  .node = "UNSPECIFIED",
	  .alert = 48 },
	{ .label = "unknown critical extension",
	  .leaf = { .ext = LEAF(KU, EKU, SAN, "1.3.6.1.4.1.55555.7.1=critical,DER:0500") },
	  .cause = "V-CRITICAL-EXT",
	  .node = "UNSPECIFIED",
	  .alert = 46 },
	{ .label = "addresses of RFC 3779, critical, which nobody checks here",
	  .leaf = { .ext = LEAF(KU, EKU, SAN, "sbgp-autonomousSysNum=critical,AS:1") },
	  .cause = "V-CRITICAL-EXT",
	  .node = "UNSPECIFIED",
	  .alert = 46 },
	{ .label = "name constraint",
	  .issuing = { .ext =
			   LEAF(CA_BC, CA_KU, "nameConstraints=critical,permitted;DNS:abc.test") },
	  .cause = "V-NAME-CONSTRAINT",
	  .node = "UNSPECIFIED",
	  .alert = 46 },
	{ .label = "SHA-1",
	  .leaf = { .md = "SHA1" },
	  .cause = "V-WEAK-SIG",
	  .node = "UNSPECIFIED",
	  .alert = 42 },
	{ .label = "RSA of 1024 bits",
	  .leaf = { .key = "rsa1024" },
	  .cause = "V-WEAK-KEY",
	  .node = "UNSPECIFIED",
	  .alert = 42 },
	{ .label = "P-192",
	  .leaf = { .key = "P-192" },
	  .cause = "V-WEAK-KEY",
	  .node = "UNSPECIFIED",
	  .alert = 42 },
	{ .label = "version 1",
	  .leaf = { .version = 1, .ext = (const char *const[]){ NULL } },
	  .warns = "V-V1-LEAF" },
	{ .label = "no EKU", .leaf = { .ext = LEAF(KU, SAN) }, .warns = "V-NO-EKU" },
	{ .label = "nsCertType client",
	  .leaf = { .ext = LEAF(KU, SAN, "nsCertType=client") },
	  .warns = "V-NO-EKU" },
	{ .label = "both EKUs",
	  .leaf = { .ext = LEAF(KU, SAN, "extendedKeyUsage=clientAuth,serverAuth") } },
	{ .label = "serial 0", .leaf = { .serial = -1 }, .warns = "V-SERIAL" },
	{ .label = "any EKU beside the right one",
	  .leaf = { .ext = LEAF(KU, SAN, "extendedKeyUsage=clientAuth,anyExtendedKeyUsage") },
	  .warns = "V-ANY-EKU" },
	{ .label = "root of version 1",
	  .root = { .version = 1, .ext = (const char *const[]){ NULL } },
	  .issuing = { .ext = (const char *const[]){ CA_BC, CA_KU, "subjectKeyIdentifier=hash",
						     NULL } },
	  .warns = "V-V1-CA" },
	{ .label = "root signed with SHA-1", .root = { .md = "SHA1" } },
	{ .label = "RSA of 2048 bits", .leaf = { .key = "rsa2048" } },
	{ .label = "Ed25519", .leaf = { .key = "ed25519" } },
	{ .label = "intermediates out of order, with a stranger",
	  .send = SEND_STRANGER | SEND_ROOT | SEND_ISSUING },
	{ .label = "an intermediate is trusted",
	  .trust = TRUST_ISSUING,
	  .leaf_alone = true,
	  .warns = "V-PARTIAL-ANCHOR" },
	{ .label = "the leaf is trusted",
	  .trust = TRUST_LEAF,
	  .leaf_alone = true,
	  .cause = "F-TRUST-NOT-CA",
	  .node = "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
	  .alert = 48 },
	{ .label = "the self-signed leaf is trusted",
	  .trust = TRUST_LEAF,
	  .self_signed = true,
	  .leaf_alone = true,
	  .warns = "F-TRUST-NOT-CA" },
	{ .label = "a root of the same name, another key",
	  .trust = TRUST_TWIN,
	  .cause = "V-SAME-NAME-CA",
	  .node = "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
	  .alert = 48 },
	{ .label = "the same, its root sent",
	  .trust = TRUST_TWIN,
	  .send = SEND_ISSUING | SEND_ROOT,
	  .cause = "V-SAME-NAME-CA",
	  .node = "SELF_SIGNED_CERT_IN_CHAIN",
	  .alert = 48 },
	{ .label = "a stranger's intermediate",
	  .send = SEND_STRANGER,
	  .cause = "V-WRONG-INTERMEDIATE",
	  .node = "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
	  .alert = 48 },
	{ .label = "the root instead of the intermediate",
	  .send = SEND_ROOT,
	  .cause = "V-NO-INTERMEDIATE",
	  .node = "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
	  .alert = 48 },
	{ .label = "proxy certificate",
	  .leaf = { .ext = LEAF(KU, EKU,
				"1.3.6.1.5.5.7.1.14=critical,DER:300c300a06082b06010505071501") },
	  .cause = "V-PROXY",
	  .node = "UNSPECIFIED",
	  .alert = 46 },
	{ .label = "too deep",
	  .options = { .max_depth = -1 },
	  .cause = "V-DEPTH",
	  .node = "CERT_CHAIN_TOO_LONG",
	  .alert = 48 },
	{ .label = "a policy is demanded",
	  .options = { .require_explicit_policy = true },
	  .cause = "V-POLICY",
	  .node = "UNSPECIFIED",
	  .alert = 46 },
};

/* What the strict profile refuses besides. */
static const struct row strict[] = {
	{ .label = "in order" },
	{ .label = "version 1",
	  .leaf = { .version = 1, .ext = (const char *const[]){ NULL } },
	  .cause = "V-V1-LEAF" },
	{ .label = "no EKU", .leaf = { .ext = LEAF(KU, SAN) }, .cause = "V-NO-EKU" },
	{ .label = "any EKU too",
	  .leaf = { .ext = LEAF(KU, SAN, "extendedKeyUsage=clientAuth,anyExtendedKeyUsage") },
	  .cause = "V-ANY-EKU" },
	{ .label = "serial 0", .leaf = { .serial = -1 }, .cause = "V-SERIAL" },
	{ .label = "no SAN", .leaf = { .ext = LEAF(KU, EKU) }, .cause = "V-STRICT" },
	{ .label = "root of version 1",
	  .root = { .version = 1, .ext = (const char *const[]){ NULL } },
	  .issuing = { .ext = (const char *const[]){ CA_BC, CA_KU, "subjectKeyIdentifier=hash",
						     NULL } },
	  .cause = "V-V1-CA" },
	{ .label = "leaf with keyCertSign",
	  .leaf = { .ext = LEAF("basicConstraints=critical,CA:FALSE",
				"keyUsage=critical,digitalSignature,keyCertSign", EKU, SAN) },
	  .cause = "V-STRICT" },
	{ .label = "name constraints in a leaf",
	  .leaf = { .ext = LEAF(KU, EKU, SAN, "nameConstraints=permitted;DNS:client.test") },
	  .cause = "V-STRICT" },
	{ .label = "constraint with a leading period",
	  .issuing = { .ext = LEAF(CA_BC, CA_KU, "nameConstraints=critical,permitted;DNS:.test") },
	  .cause = "V-STRICT" },
	{ .label = "policyConstraints not critical",
	  .issuing = { .ext = LEAF(CA_BC, CA_KU, "policyConstraints=inhibitPolicyMapping:0") },
	  .cause = "V-STRICT" },
	{ .label = "intermediate without SKI",
	  .issuing = { .ext = (const char *const[]){ CA_BC, CA_KU, "authorityKeyIdentifier=keyid",
						     NULL } },
	  .leaf = { .ext = (const char *const[]){ KU, EKU, SAN, NULL } },
	  .cause = "V-STRICT" },
	{ .label = "an intermediate is trusted",
	  .trust = TRUST_ISSUING,
	  .leaf_alone = true,
	  .warns = "V-PARTIAL-ANCHOR" },
};

struct scene {
	struct certmade root, issuing, leaf, other, twin, stranger;
};

static struct certmake defaults(struct certmake s, const char *subject,
				const struct certmade *issuer, const char *const *ext)
{
	s.subject = s.subject ? s.subject : subject;
	s.issuer = issuer;
	s.ext = s.ext ? s.ext : ext;
	/* Days in the rows. */
	s.from *= CERTMAKE_DAY;
	s.to *= CERTMAKE_DAY;
	return s;
}

static void scene_build(struct scene *s, const struct row *r)
{
	struct certmake root = defaults(r->root, "/O=Zoo/CN=Zoo Root", NULL, certmake_root);
	struct certmake twin =
	    defaults((struct certmake){ 0 }, "/O=Zoo/CN=Zoo Root", NULL, certmake_root);
	struct certmake other =
	    defaults((struct certmake){ 0 }, "/O=Other/CN=Other Root", NULL, certmake_root);

	s->root = certmake(&root);
	s->twin = certmake(&twin);
	s->other = certmake(&other);
	struct certmake issuing =
	    defaults(r->issuing, "/O=Zoo/CN=Zoo Issuing", &s->root, certmake_ca);
	struct certmake stranger =
	    defaults((struct certmake){ 0 }, "/O=Other/CN=Other Issuing", &s->other, certmake_ca);

	s->issuing = certmake(&issuing);
	s->stranger = certmake(&stranger);
	struct certmake leaf = defaults(r->leaf, "/O=Zoo/CN=animal",
					r->self_signed ? NULL : &s->issuing, certmake_client);

	s->leaf = certmake(&leaf);
}

static void scene_done(struct scene *s)
{
	certmade_done(&s->root);
	certmade_done(&s->issuing);
	certmade_done(&s->leaf);
	certmade_done(&s->other);
	certmade_done(&s->twin);
	certmade_done(&s->stranger);
}

static void row_judge(const struct row *r, struct scene *s, enum hf_profile profile,
		      struct hf_verdict *v)
{
	const struct certmade *anchors[] = { [TRUST_ROOT] = &s->root,
					     [TRUST_OTHER] = &s->other,
					     [TRUST_TWIN] = &s->twin,
					     [TRUST_ISSUING] = &s->issuing,
					     [TRUST_LEAF] = &s->leaf };
	const struct certmade *sent[5] = { &s->leaf };
	HF_AUTO(hf_trust) trust =
	    vf_trust((const struct certmade *const[]){ anchors[r->trust], NULL }, NULL, NULL);
	struct hf_verify_options options = r->options;
	unsigned send = r->leaf_alone ? 0U : r->send ? r->send : SEND_ISSUING;
	size_t n = 1;

	if (send & SEND_STRANGER)
		sent[n++] = &s->stranger;
	if (send & SEND_ROOT)
		sent[n++] = &s->root;
	if (send & SEND_ISSUING)
		sent[n++] = &s->issuing;
	options.purpose = HF_PURPOSE_CLIENT;
	options.profile = profile;
	vf_judge(sent, trust, &options, v);
}

static void check_row(const struct row *r, enum hf_profile profile)
{
	struct scene s;
	HF_AUTO_DONE(hf_verdict) v;

	scene_build(&s, r);
	row_judge(r, &s, profile, &v);
	vf_expect(r->label, &v, !r->cause, r->cause);
	if (r->warns && !hf_verdict_has(&v, hf_reason_by_id(r->warns)))
		fail_msg("%s: no %s", r->label, r->warns);
	if (profile == HF_PROFILE_OPENSSL && !hf_str_eq(v.node_reason, r->node))
		fail_msg("%s: Node says %s, not %s", r->label, r->node, v.node_reason);
	if (profile == HF_PROFILE_OPENSSL && v.alert != r->alert)
		fail_msg("%s: alert %d, not %d", r->label, r->alert, v.alert);
	assert_int_equal(v.accepted, v.identity != NULL);
	if (v.accepted)
		assert_true(hf_cert_equal(v.identity->leaf, s.leaf.cert));
	scene_done(&s);
}

static void test_golden_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(golden); i++)
		check_row(&golden[i], HF_PROFILE_OPENSSL);
}

static void test_strict_profile_refuses_what_the_other_warns_of(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(strict); i++)
		check_row(&strict[i], HF_PROFILE_STRICT);
	/* What the openssl profile refuses is refused by strict too. */
	for (size_t i = 0; i < HF_ARRAY_LEN(golden); i++) {
		if (!golden[i].cause)
			continue;

		struct scene s;
		HF_AUTO_DONE(hf_verdict) v;

		scene_build(&s, &golden[i]);
		row_judge(&golden[i], &s, HF_PROFILE_STRICT, &v);
		vf_expect(golden[i].label, &v, false, NULL);
		scene_done(&s);
	}
}

static void test_first_and_last_second_are_valid(void **state)
{
	static const struct {
		int64_t at;
		const char *cause;
	} rows[] = { { -100, "" }, { -101, "V-NOT-YET" }, { 100, "" }, { 101, "V-EXPIRED" } };
	HF_AUTO_DONE(certmade) root =
	    certmake(&(struct certmake){ .subject = "/CN=r", .ext = certmake_root });
	HF_AUTO_DONE(certmade) leaf = certmake(&(struct certmake){
	    .subject = "/CN=l", .issuer = &root, .ext = certmake_client, .from = -100, .to = 100 });
	HF_AUTO(hf_trust) trust =
	    vf_trust((const struct certmade *const[]){ &root, NULL }, NULL, NULL);

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO_DONE(hf_verdict) v;

		vf_judge((const struct certmade *const[]){ &leaf, NULL }, trust,
			 &(struct hf_verify_options){ .purpose = HF_PURPOSE_CLIENT,
						      .at = CERTMAKE_NOW + rows[i].at },
			 &v);
		vf_expect("moment", &v, !rows[i].cause[0], rows[i].cause);
		if (v.accepted) {
			assert_int_equal(v.valid_until, CERTMAKE_NOW + 100);
			assert_true(hf_verdict_still_good(&v, CERTMAKE_NOW + 100));
			assert_false(hf_verdict_still_good(&v, CERTMAKE_NOW + 101));
			assert_false(hf_verdict_still_good(&v, CERTMAKE_NOW - 101));
		}
	}
}

static void test_a_whole_chain_of_the_future_is_a_slow_clock(void **state)
{
	HF_AUTO_DONE(certmade) root =
	    certmake(&(struct certmake){ .subject = "/CN=r", .ext = certmake_root });
	HF_AUTO_DONE(certmade) old_root = certmake(&(struct certmake){ .subject = "/CN=r",
								       .ext = certmake_root,
								       .key_of = &root,
								       .from = -9 * CERTMAKE_DAY,
								       .to = 9 });
	HF_AUTO_DONE(certmade) leaf = certmake(
	    &(struct certmake){ .subject = "/CN=l", .issuer = &root, .ext = certmake_client });
	const struct certmade *const anchors[] = { &root, &old_root };
	struct hf_verify_options options = { .purpose = HF_PURPOSE_CLIENT,
					     .at = CERTMAKE_NOW - 2 * CERTMAKE_DAY };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(anchors); i++) {
		HF_AUTO(hf_trust) trust =
		    vf_trust((const struct certmade *const[]){ anchors[i], NULL }, NULL, NULL);
		HF_AUTO_DONE(hf_verdict) v;

		vf_judge((const struct certmade *const[]){ &leaf, NULL }, trust, &options, &v);
		vf_expect("slow clock", &v, false, NULL);
		assert_true(hf_verdict_has(&v, HF_REASON_V_NOT_YET));
		assert_int_equal(hf_verdict_has(&v, HF_REASON_K_CLOCK), i == 0);
	}
}

static void test_nothing_sent(void **state)
{
	HF_AUTO_DONE(hf_verdict) v;
	HF_AUTO(hf_trust) trust = vf_trust(NULL, NULL, NULL);

	(void)state;
	vf_judge((const struct certmade *const[]){ NULL }, trust,
		 &(struct hf_verify_options){ .max_depth = 0 }, &v);
	vf_expect("none", &v, false, "N-NONE");
	assert_string_equal(v.node_reason, "UNABLE_TO_GET_ISSUER_CERT");
	assert_int_equal(v.alert, 116);
}

static void test_nothing_is_trusted_by_an_empty_trust(void **state)
{
	HF_AUTO_DONE(certmade) leaf = certmake(&(struct certmake){ .ext = certmake_client });
	HF_AUTO(hf_trust) trust = vf_trust(NULL, NULL, NULL);
	HF_AUTO_DONE(hf_verdict) v;

	(void)state;
	vf_judge((const struct certmade *const[]){ &leaf, NULL }, trust,
		 &(struct hf_verify_options){ 0 }, &v);
	vf_expect("empty trust", &v, false, "V-SELF-SIGNED");
}

/* All at once, the cause first, what follows from it marked. */
static void test_every_finding_is_told(void **state)
{
	static const char *const wrong[] = { "extendedKeyUsage=serverAuth", CERTMAKE_IDS, NULL };
	struct certmake spec = { .subject = "/CN=l",
				 .ext = wrong,
				 .from = -9 * CERTMAKE_DAY,
				 .to = -1,
				 .key = "rsa1024" };
	HF_AUTO_DONE(certmade) root =
	    certmake(&(struct certmake){ .subject = "/CN=r", .ext = certmake_root });
	HF_AUTO_DONE(certmade) forger = certmake(
	    &(struct certmake){ .subject = "/CN=forger", .issuer = &root, .ext = certmake_client });
	HF_AUTO(hf_trust) trust =
	    vf_trust((const struct certmade *const[]){ &root, NULL }, NULL, NULL);
	HF_AUTO_DONE(hf_verdict) v;
	size_t effects = 0;

	(void)state;
	spec.issuer = &forger;
	HF_AUTO_DONE(certmade) leaf = certmake(&spec);

	vf_judge((const struct certmade *const[]){ &leaf, &forger, NULL }, trust,
		 &(struct hf_verify_options){ .purpose = HF_PURPOSE_CLIENT, .name = "client.test" },
		 &v);
	vf_expect("all", &v, false, "V-NOT-A-CA");
	assert_true(hf_verdict_has(&v, HF_REASON_V_EXPIRED));
	assert_true(hf_verdict_has(&v, HF_REASON_V_EKU));
	assert_true(hf_verdict_has(&v, HF_REASON_V_WEAK_KEY));
	assert_true(hf_verdict_has(&v, HF_REASON_V_NAME_MISMATCH));
	assert_true(hf_verdict_has(&v, HF_REASON_V_CA_KU));
	assert_false(v.findings[0].consequence);
	for (size_t i = 0; i < v.findings_len; i++)
		effects += v.findings[i].consequence && v.findings[i].reason == HF_REASON_V_CA_KU;
	assert_int_equal(effects, 1);
	assert_int_equal(v.findings[0].depth, 1);
	assert_int_equal(v.findings[0].role, HF_ROLE_CLIENT_CA);
}

/* Keycloak CVE-2023-2422: what is sent besides is no identity. */
static void test_identity_is_the_verified_leafs(void **state)
{
	HF_AUTO_DONE(certmade) root =
	    certmake(&(struct certmake){ .subject = "/CN=r", .ext = certmake_root });
	HF_AUTO_DONE(certmade) leaf = certmake(
	    &(struct certmake){ .subject = "/CN=user", .issuer = &root, .ext = certmake_client });
	HF_AUTO_DONE(certmade) admin =
	    certmake(&(struct certmake){ .subject = "/CN=admin", .ext = certmake_client });
	HF_AUTO(hf_trust) trust =
	    vf_trust((const struct certmade *const[]){ &root, NULL }, NULL, NULL);
	HF_AUTO_DONE(hf_verdict) v;
	HF_AUTO_DONE(hf_verdict) forged;

	(void)state;
	vf_judge((const struct certmade *const[]){ &leaf, &admin, NULL }, trust,
		 &(struct hf_verify_options){ .purpose = HF_PURPOSE_CLIENT }, &v);
	vf_expect("extra", &v, true, NULL);
	assert_string_equal(v.identity->leaf->common_name, "user");
	vf_judge((const struct certmade *const[]){ &admin, &leaf, NULL }, trust,
		 &(struct hf_verify_options){ .purpose = HF_PURPOSE_CLIENT }, &forged);
	vf_expect("forged", &forged, false, "V-SELF-SIGNED");
	assert_null(forged.identity);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden_table),
		cmocka_unit_test(test_strict_profile_refuses_what_the_other_warns_of),
		cmocka_unit_test(test_first_and_last_second_are_valid),
		cmocka_unit_test(test_a_whole_chain_of_the_future_is_a_slow_clock),
		cmocka_unit_test(test_nothing_sent),
		cmocka_unit_test(test_nothing_is_trusted_by_an_empty_trust),
		cmocka_unit_test(test_every_finding_is_told),
		cmocka_unit_test(test_identity_is_the_verified_leafs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
