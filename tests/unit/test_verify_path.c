/* SPDX-License-Identifier: Apache-2.0 */
/* lib/verify: path building.  The first candidate is often the wrong one; loops and floods must
 * end. */
#include "verify_fixture.h"

#include <time.h>

enum { MANY = 500, MESH = 150 };

static const struct hf_verify_options as_client = { .purpose = HF_PURPOSE_CLIENT };

/* Two certificates of one issuing CA: one that cannot be used, and a good one below another root.
 */
struct fork_row {
	const char *label;
	const char *const *ext;
	const char *md;
	int64_t from, to;
};

#define CA_EXT(...)                             \
	(const char *const[])                   \
	{                                       \
		__VA_ARGS__, CERTMAKE_IDS, NULL \
	}

static const struct fork_row forks[] = {
	{ "expired", certmake_ca, NULL, -9 * CERTMAKE_DAY, -1 },
	{ "not yet valid", certmake_ca, NULL, 9, CERTMAKE_DAY },
	{ "wrong EKU",
	  CA_EXT("basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign",
		 "extendedKeyUsage=serverAuth"),
	  NULL, 0, 0 },
	{ "constrained",
	  CA_EXT("basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign",
		 "nameConstraints=critical,permitted;DNS:elsewhere.test"),
	  NULL, 0, 0 },
	{ "excluded",
	  CA_EXT("basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign",
		 "nameConstraints=critical,excluded;DNS:client.test"),
	  NULL, 0, 0 },
	{ "SHA-1", certmake_ca, "SHA1", 0, 0 },
	{ "not a CA", CA_EXT("basicConstraints=critical,CA:FALSE"), NULL, 0, 0 },
	{ "no basicConstraints", CA_EXT("keyUsage=keyCertSign"), NULL, 0, 0 },
	{ "no keyCertSign", CA_EXT("basicConstraints=critical,CA:TRUE", "keyUsage=cRLSign"), NULL,
	  0, 0 },
	{ "unknown critical extension",
	  CA_EXT("basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign",
		 "1.3.6.1.4.1.55555.7.1=critical,DER:0500"),
	  NULL, 0, 0 },
	{ "policy demanded",
	  CA_EXT("basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign",
		 "policyConstraints=critical,requireExplicitPolicy:0"),
	  NULL, 0, 0 },
};

static void check_fork(const struct fork_row *r, const struct certmade *roots, bool bad_first)
{
	HF_AUTO_DONE(certmade) good = certmake(&(struct certmake){
	    .subject = "/CN=Issuing", .issuer = &roots[1], .ext = certmake_ca });
	HF_AUTO_DONE(certmade) bad = certmake(&(struct certmake){ .subject = "/CN=Issuing",
								  .issuer = &roots[0],
								  .ext = r->ext,
								  .md = r->md,
								  .from = r->from,
								  .to = r->to,
								  .key_of = &good });
	HF_AUTO_DONE(certmade) leaf = certmake(
	    &(struct certmake){ .subject = "/CN=leaf", .issuer = &good, .ext = certmake_client });
	HF_AUTO(hf_trust) trust =
	    vf_trust((const struct certmade *const[]){ &roots[0], &roots[1], NULL }, NULL, NULL);
	HF_AUTO(hf_trust) only_bad =
	    vf_trust((const struct certmade *const[]){ &roots[0], NULL }, NULL, NULL);
	HF_AUTO_DONE(hf_verdict) v;
	HF_AUTO_DONE(hf_verdict) refused;
	const struct certmade *sent[] = { &leaf, bad_first ? &bad : &good, bad_first ? &good : &bad,
					  NULL };

	vf_judge(sent, trust, &as_client, &v);
	vf_expect(r->label, &v, true, NULL);
	assert_int_equal(v.chain.len, 3);
	assert_true(hf_cert_equal(v.chain.items[1], good.cert));
	vf_judge(sent, only_bad, &as_client, &refused);
	vf_expect(r->label, &refused, false, NULL);
}

static void test_a_bad_candidate_does_not_hide_a_good_one(void **state)
{
	struct certmade roots[2] = {
		certmake(&(struct certmake){ .subject = "/CN=Root A", .ext = certmake_root }),
		certmake(&(struct certmake){ .subject = "/CN=Root B", .ext = certmake_root }),
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(forks); i++) {
		check_fork(&forks[i], roots, true);
		check_fork(&forks[i], roots, false);
	}
	certmade_done(&roots[0]);
	certmade_done(&roots[1]);
}

/* The wrong turn is one step higher: back over a whole branch. */
static void test_backtracks_over_several_steps(void **state)
{
	HF_AUTO_DONE(certmade) dead_root =
	    certmake(&(struct certmake){ .subject = "/CN=Dead", .ext = certmake_root });
	HF_AUTO_DONE(certmade) root =
	    certmake(&(struct certmake){ .subject = "/CN=Root", .ext = certmake_root });
	HF_AUTO_DONE(certmade) upper = certmake(
	    &(struct certmake){ .subject = "/CN=Upper", .issuer = &root, .ext = certmake_ca });
	HF_AUTO_DONE(certmade) upper_dead = certmake(&(struct certmake){
	    .subject = "/CN=Upper", .issuer = &dead_root, .ext = certmake_ca, .key_of = &upper });
	HF_AUTO_DONE(certmade) lower = certmake(
	    &(struct certmake){ .subject = "/CN=Lower", .issuer = &upper, .ext = certmake_ca });
	HF_AUTO_DONE(certmade) leaf = certmake(
	    &(struct certmake){ .subject = "/CN=leaf", .issuer = &lower, .ext = certmake_client });
	HF_AUTO(hf_trust) trust = vf_trust((const struct certmade *const[]){ &root, NULL },
					   (const struct certmade *const[]){ &upper, NULL }, NULL);
	HF_AUTO_DONE(hf_verdict) v;

	(void)state;
	vf_judge((const struct certmade *const[]){ &leaf, &upper_dead, &dead_root, &lower, NULL },
		 trust, &as_client, &v);
	vf_expect("several steps", &v, true, NULL);
	assert_int_equal(v.chain.len, 4);
}

static void test_cross_signed_cas_in_a_loop_end(void **state)
{
	HF_AUTO_DONE(certmade) a_root =
	    certmake(&(struct certmake){ .subject = "/CN=A", .ext = certmake_root });
	HF_AUTO_DONE(certmade) b_root =
	    certmake(&(struct certmake){ .subject = "/CN=B", .ext = certmake_root });
	HF_AUTO_DONE(certmade) a_by_b = certmake(&(struct certmake){
	    .subject = "/CN=A", .issuer = &b_root, .ext = certmake_ca, .key_of = &a_root });
	HF_AUTO_DONE(certmade) b_by_a = certmake(&(struct certmake){
	    .subject = "/CN=B", .issuer = &a_root, .ext = certmake_ca, .key_of = &b_root });
	HF_AUTO_DONE(certmade) leaf = certmake(
	    &(struct certmake){ .subject = "/CN=leaf", .issuer = &a_root, .ext = certmake_client });
	HF_AUTO_DONE(certmade) other =
	    certmake(&(struct certmake){ .subject = "/CN=Other", .ext = certmake_root });
	HF_AUTO(hf_trust) none =
	    vf_trust((const struct certmade *const[]){ &other, NULL }, NULL, NULL);
	HF_AUTO(hf_trust) b_only =
	    vf_trust((const struct certmade *const[]){ &b_root, NULL }, NULL, NULL);
	HF_AUTO_DONE(hf_verdict) lost;
	HF_AUTO_DONE(hf_verdict) found;

	(void)state;
	vf_judge((const struct certmade *const[]){ &leaf, &a_by_b, &b_by_a, NULL }, none,
		 &as_client, &lost);
	vf_expect("loop", &lost, false, "V-UNKNOWN-CA");
	vf_judge((const struct certmade *const[]){ &leaf, &b_by_a, &a_by_b, NULL }, b_only,
		 &as_client, &found);
	vf_expect("cross-signed", &found, true, NULL);
	assert_int_equal(found.chain.len, 3);
}

/* A new key under the old name; leaves of both, peers that know the old root, the new one, or both.
 */
static void test_rolled_over_root_works_both_ways(void **state)
{
	HF_AUTO_DONE(certmade) old =
	    certmake(&(struct certmake){ .subject = "/CN=Root", .ext = certmake_root });
	HF_AUTO_DONE(certmade) new =
	    certmake(&(struct certmake){ .subject = "/CN=Root", .ext = certmake_root });
	HF_AUTO_DONE(certmade) new_by_old = certmake(&(struct certmake){
	    .subject = "/CN=Root", .issuer = &old, .ext = certmake_ca, .key_of = &new });
	HF_AUTO_DONE(certmade) old_by_new = certmake(&(struct certmake){
	    .subject = "/CN=Root", .issuer = &new, .ext = certmake_ca, .key_of = &old });
	HF_AUTO_DONE(certmade) old_leaf = certmake(
	    &(struct certmake){ .subject = "/CN=o", .issuer = &old, .ext = certmake_client });
	HF_AUTO_DONE(certmade) new_leaf = certmake(
	    &(struct certmake){ .subject = "/CN=n", .issuer = &new, .ext = certmake_client });
	const struct certmade *trusted[2][2] = { { &old, NULL }, { &new, NULL } };
	const struct certmade *leaves[2] = { &old_leaf, &new_leaf };

	(void)state;
	for (size_t t = 0; t < 2; t++) {
		HF_AUTO(hf_trust) trust = vf_trust(trusted[t], NULL, NULL);

		for (size_t l = 0; l < 2; l++) {
			HF_AUTO_DONE(hf_verdict) v;
			HF_AUTO_DONE(hf_verdict) alone;

			vf_judge((const struct certmade *const[]){ leaves[l], &new_by_old,
								   &old_by_new, NULL },
				 trust, &as_client, &v);
			vf_expect("roll-over", &v, true, NULL);
			vf_judge((const struct certmade *const[]){ leaves[l], NULL }, trust,
				 &as_client, &alone);
			vf_expect("without the bridge", &alone, t == l,
				  t == l ? NULL : "V-SAME-NAME-CA");
		}
	}
}

/* A root renewed with the same key: the copy that is sent does not disturb, nor does the old one in
 * the trust. */
static void test_renewed_root_of_the_same_key(void **state)
{
	HF_AUTO_DONE(certmade) old = certmake(&(struct certmake){ .subject = "/CN=Root",
								  .ext = certmake_root,
								  .from = -30 * CERTMAKE_DAY,
								  .to = -CERTMAKE_DAY });
	HF_AUTO_DONE(certmade) new = certmake(
	    &(struct certmake){ .subject = "/CN=Root", .ext = certmake_root, .key_of = &old });
	HF_AUTO_DONE(certmade) leaf = certmake(
	    &(struct certmake){ .subject = "/CN=l", .issuer = &old, .ext = certmake_client });
	HF_AUTO(hf_trust) both =
	    vf_trust((const struct certmade *const[]){ &old, &new, NULL }, NULL, NULL);
	HF_AUTO(hf_trust) stale =
	    vf_trust((const struct certmade *const[]){ &old, NULL }, NULL, NULL);
	HF_AUTO_DONE(hf_verdict) v;
	HF_AUTO_DONE(hf_verdict) expired;

	(void)state;
	vf_judge((const struct certmade *const[]){ &leaf, &old, NULL }, both, &as_client, &v);
	vf_expect("renewed", &v, true, NULL);
	vf_judge((const struct certmade *const[]){ &leaf, &new, NULL }, stale, &as_client,
		 &expired);
	vf_expect("stale trust", &expired, false, "V-ROOT-EXPIRED");
}

static int64_t milliseconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void flood(struct certmade *flood, size_t n, const struct certmade *issuer,
		  const struct certmade *key_of)
{
	for (size_t i = 0; i < n; i++)
		flood[i] = certmake(&(struct certmake){ .subject = "/CN=Flood",
							.issuer = issuer,
							.ext = certmake_ca,
							.key_of = i == 0 ? key_of : &flood[0] });
}

/* Every one of them signs the leaf, none leads anywhere. */
static void test_hundreds_of_same_key_intermediates_end_at_once(void **state)
{
	static struct certmade cas[MANY];
	static const struct certmade *sent[MANY + 2];
	HF_AUTO_DONE(certmade) lost =
	    certmake(&(struct certmake){ .subject = "/CN=Lost", .ext = certmake_root });
	HF_AUTO_DONE(certmade) root =
	    certmake(&(struct certmake){ .subject = "/CN=Root", .ext = certmake_root });
	HF_AUTO(hf_trust) trust =
	    vf_trust((const struct certmade *const[]){ &root, NULL }, NULL, NULL);
	HF_AUTO(hf_trust) expired = NULL;
	HF_AUTO_DONE(hf_verdict) v;
	HF_AUTO_DONE(hf_verdict) w;
	int64_t began, took;

	(void)state;
	flood(cas, MANY, &lost, NULL);
	HF_AUTO_DONE(certmade) leaf = certmake(
	    &(struct certmake){ .subject = "/CN=leaf", .issuer = &cas[0], .ext = certmake_server });

	sent[0] = &leaf;
	for (size_t i = 0; i < MANY; i++)
		sent[i + 1] = &cas[i];
	began = milliseconds();
	vf_judge(sent, trust, &as_client, &v);
	took = milliseconds() - began;
	vf_expect("flood", &v, false, NULL);
	assert_true(hf_verdict_has(&v, HF_REASON_V_UNKNOWN_CA) ||
		    hf_verdict_has(&v, HF_REASON_V_PATH_LIMIT));
	if (took > 100 && !getenv("HF_SLOW"))
		fail_msg("500 intermediates took %d ms", (int)took);
	/* The same when each leads to the trust and each path is refused for the leaf's sake. */
	expired = vf_trust((const struct certmade *const[]){ &lost, NULL }, NULL, NULL);
	began = milliseconds();
	vf_judge(sent, expired, &as_client, &w);
	took = milliseconds() - began;
	vf_expect("flood below the trust", &w, false, NULL);
	assert_true(hf_verdict_has(&w, HF_REASON_V_EKU));
	if (took > 100 && !getenv("HF_SLOW"))
		fail_msg("500 paths took %d ms", (int)took);
	for (size_t i = 0; i < MANY; i++)
		certmade_done(&cas[i]);
}

/* A knot of CAs of one name and many keys: the bound is told. */
static void test_a_mesh_of_keys_ends_at_the_bound(void **state)
{
	static struct certmade cas[MESH];
	static const struct certmade *sent[MESH + 2];
	HF_AUTO_DONE(certmade) root =
	    certmake(&(struct certmake){ .subject = "/CN=Root", .ext = certmake_root });
	HF_AUTO(hf_trust) trust =
	    vf_trust((const struct certmade *const[]){ &root, NULL }, NULL, NULL);
	HF_AUTO_DONE(hf_verdict) v;

	(void)state;
	for (size_t i = 0; i < MESH; i++)
		cas[i] = certmake(&(struct certmake){ .subject = "/CN=Mesh",
						      .issuer = i > 0 ? &cas[i - 1] : NULL,
						      .ext = certmake_ca });
	HF_AUTO_DONE(certmade) leaf = certmake(&(struct certmake){
	    .subject = "/CN=leaf", .issuer = &cas[MESH - 1], .ext = certmake_client });

	sent[0] = &leaf;
	for (size_t i = 0; i < MESH; i++)
		sent[i + 1] = &cas[i];
	vf_judge(sent, trust, &as_client, &v);
	vf_expect("mesh", &v, false, "V-PATH-LIMIT");
	for (size_t i = 0; i < MESH; i++)
		certmade_done(&cas[i]);
}

static void test_depth(void **state)
{
	struct certmade cas[10];
	const struct certmade *sent[12];
	HF_AUTO_DONE(certmade) root =
	    certmake(&(struct certmake){ .subject = "/CN=Root", .ext = certmake_root });
	HF_AUTO(hf_trust) trust =
	    vf_trust((const struct certmade *const[]){ &root, NULL }, NULL, NULL);

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(cas); i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "/CN=CA %zu", i);
		cas[i] = certmake(&(struct certmake){
		    .subject = name, .issuer = i > 0 ? &cas[i - 1] : &root, .ext = certmake_ca });
		sent[i + 1] = &cas[i];
	}
	for (size_t n = 0; n <= HF_ARRAY_LEN(cas); n++) {
		HF_AUTO_DONE(certmade) leaf =
		    certmake(&(struct certmake){ .subject = "/CN=leaf",
						 .issuer = n > 0 ? &cas[n - 1] : &root,
						 .ext = certmake_client });
		HF_AUTO_DONE(hf_verdict) v;
		HF_AUTO_DONE(hf_verdict) deep;
		const struct certmade *kept = n < HF_ARRAY_LEN(cas) ? sent[n + 1] : NULL;

		sent[0] = &leaf;
		if (n < HF_ARRAY_LEN(cas))
			sent[n + 1] = NULL;
		else
			sent[11] = NULL;
		vf_judge(sent, trust, &as_client, &v);
		vf_expect("default depth", &v, n <= 8, n <= 8 ? NULL : "V-DEPTH");
		vf_judge(sent, trust,
			 &(struct hf_verify_options){ .purpose = HF_PURPOSE_CLIENT,
						      .max_depth = 10 },
			 &deep);
		vf_expect("depth 10", &deep, true, NULL);
		if (n < HF_ARRAY_LEN(cas))
			sent[n + 1] = kept;
	}
	for (size_t i = 0; i < HF_ARRAY_LEN(cas); i++)
		certmade_done(&cas[i]);
}

/* CVE-2025-61727 and its kin: constraints that are easily overlooked. */
static void test_constraints_that_openssl_overlooks(void **state)
{
	static const struct {
		const char *constraint, *san;
		bool accepted;
	} rows[] = {
		{ "nameConstraints=critical,excluded;DNS:bar.example.com",
		  "subjectAltName=DNS:*.example.com", false },
		{ "nameConstraints=critical,excluded;DNS:bar.example.com",
		  "subjectAltName=DNS:foo.example.com", true },
		{ "nameConstraints=critical,excluded;DNS:a.bar.example.com",
		  "subjectAltName=DNS:*.example.com", true },
		{ "nameConstraints=critical,permitted;DNS:foo.example.com",
		  "subjectAltName=DNS:*.example.com", false },
		{ "nameConstraints=critical,permitted;DNS:example.com",
		  "subjectAltName=DNS:*.example.com", true },
		{ "nameConstraints=critical,permitted;DNS:example.com",
		  "subjectAltName=DNS:.example.com", false },
		{ "nameConstraints=critical,permitted;email:example.com",
		  "subjectAltName=email:a@example.com", true },
		{ "nameConstraints=critical,permitted;email:example.com",
		  "subjectAltName=email:a@evil.com", false },
		{ "nameConstraints=critical,permitted;IP:10.0.0.0/255.0.0.0",
		  "subjectAltName=IP:10.1.2.3", true },
		{ "nameConstraints=critical,permitted;IP:10.0.0.0/255.0.0.0",
		  "subjectAltName=IP:11.1.2.3", false },
		{ "nameConstraints=critical,permitted;URI:.example.com",
		  "subjectAltName=URI:https://a.example.com/x", true },
		{ "nameConstraints=critical,permitted;URI:.example.com",
		  "subjectAltName=URI:https://evil.com/x", false },
		/* a CN that looks like a host name, where no SAN says better */
		{ "nameConstraints=critical,permitted;DNS:example.com",
		  "subjectAltName=email:a@b.com", true },
	};
	HF_AUTO_DONE(certmade) root =
	    certmake(&(struct certmake){ .subject = "/CN=Root", .ext = certmake_root });
	HF_AUTO(hf_trust) trust =
	    vf_trust((const struct certmade *const[]){ &root, NULL }, NULL, NULL);

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO_DONE(certmade) ca = certmake(&(struct certmake){
		    .subject = "/CN=CA",
		    .issuer = &root,
		    .ext = CA_EXT("basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign",
				  rows[i].constraint) });
		HF_AUTO_DONE(certmade) leaf = certmake(&(struct certmake){
		    .subject = "/CN=leaf",
		    .issuer = &ca,
		    .ext = CA_EXT("keyUsage=digitalSignature", "extendedKeyUsage=clientAuth",
				  rows[i].san) });
		HF_AUTO_DONE(hf_verdict) v;

		vf_judge((const struct certmade *const[]){ &leaf, &ca, NULL }, trust, &as_client,
			 &v);
		vf_expect(rows[i].constraint, &v, rows[i].accepted,
			  rows[i].accepted ? NULL : "V-NAME-CONSTRAINT");
	}
}

static void test_same_name_without_identifiers(void **state)
{
	static const char *const bare_ca[] = { "basicConstraints=critical,CA:TRUE",
					       "keyUsage=keyCertSign", NULL };
	static const char *const bare[] = { "extendedKeyUsage=clientAuth",
					    "subjectAltName=DNS:client.test", NULL };
	static const struct {
		const char *key;
		bool damaged;
		const char *cause;
	} rows[] = {
		{ "P-256", false, "V-SAME-NAME-CA" },
		{ "rsa2048", true,
		  "V-BAD-SIGNATURE" }, /* RSA tells a damaged certificate from another key */
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO_DONE(certmade) old = certmake(&(struct certmake){
		    .subject = "/CN=Root", .ext = bare_ca, .key = rows[i].key });
		HF_AUTO_DONE(certmade) new = certmake(
		    &(struct certmake){ .subject = "/CN=Root", .ext = bare_ca, .key = "P-256" });
		HF_AUTO_DONE(certmade) leaf =
		    certmake(&(struct certmake){ .subject = "/CN=l", .issuer = &old, .ext = bare });
		HF_AUTO(hf_trust) trust =
		    vf_trust((const struct certmade *const[]){ rows[i].damaged ? &old : &new,
							       NULL },
			     NULL, NULL);
		HF_AUTO_DONE(hf_verdict) v;

		if (rows[i].damaged) { /* its subject, not its signature */
			HF_AUTO(X509) x = X509_dup(leaf.cert->x509);
			unsigned char *der = NULL;
			int len = i2d_X509(x, &der);
			unsigned char *cn = memmem(der, (size_t)len, "client.test", 11);

			assert_non_null(cn);
			cn[0] = 'k';
			hf_cert_unref(leaf.cert);
			assert_int_equal(hf_cert_from_der(der, (size_t)len, &leaf.cert, NULL), 0);
			OPENSSL_free(der);
		}
		vf_judge((const struct certmade *const[]){ &leaf, NULL }, trust, &as_client, &v);
		vf_expect(rows[i].cause, &v, false, rows[i].cause);
		assert_string_equal(v.node_reason, "CERT_SIGNATURE_FAILURE");
	}
}

/* A knot of CAs that signed each other, some of the certificates expired: whether there is a way is
 * worked out over the graph, and the judge must say the same. */
enum { NODES = 6, GRAPHS = 60 };

struct graph {
	struct certmade ca[NODES];	    /* self-signed */
	struct certmade edge[NODES][NODES]; /* [subject][issuer]; no key: not there */
	bool good[NODES][NODES];
};

static void graph_build(struct graph *g, unsigned *seed)
{
	char name[16];

	memset(g, 0, sizeof(*g));
	for (int i = 0; i < NODES; i++) {
		(void)snprintf(name, sizeof(name), "/CN=CA %d", i);
		g->ca[i] = certmake(&(struct certmake){ .subject = name, .ext = certmake_root });
	}
	for (int s = 0; s < NODES; s++) {
		(void)snprintf(name, sizeof(name), "/CN=CA %d", s);
		for (int i = 0; i < NODES; i++) {
			int roll = rand_r(seed) % 4;

			if (i == s || roll == 0)
				continue;
			g->good[s][i] = roll == 1;
			g->edge[s][i] = certmake(&(struct certmake){ .subject = name,
								     .issuer = &g->ca[i],
								     .ext = certmake_ca,
								     .key_of = &g->ca[s],
								     .from = -99,
								     .to = roll == 1 ? 99 : -1 });
		}
	}
}

static bool reachable(const struct graph *g, int from, int to)
{
	bool seen[NODES] = { false };

	seen[from] = true;
	for (int round = 0; round < NODES; round++) {
		for (int s = 0; s < NODES; s++) {
			for (int i = 0; seen[s] && i < NODES; i++)
				seen[i] = seen[i] || g->good[s][i];
		}
	}
	return seen[to];
}

static void graph_judge(const struct graph *g, int from, int to, unsigned *seed)
{
	const struct certmade *sent[NODES * NODES + 2];
	HF_AUTO_DONE(certmade) leaf = certmake(&(struct certmake){
	    .subject = "/CN=leaf", .issuer = &g->ca[from], .ext = certmake_client });
	HF_AUTO(hf_trust) trust =
	    vf_trust((const struct certmade *const[]){ &g->ca[to], NULL }, NULL, NULL);
	HF_AUTO_DONE(hf_verdict) v;
	size_t n = 1;

	sent[0] = &leaf;
	for (int k = 0; k < NODES * NODES; k++) {
		const struct certmade *e = &g->edge[k / NODES][k % NODES];

		if (!e->cert)
			continue;
		sent[n] = e;
		/* in any order */
		size_t with = 1 + (size_t)rand_r(seed) % n;
		const struct certmade *other = sent[with];

		sent[with] = sent[n];
		sent[n++] = other;
	}
	sent[n] = NULL;
	vf_judge(sent, trust, &as_client, &v);
	vf_expect("graph", &v, reachable(g, from, to), NULL);
}

static void test_any_way_through_a_knot_is_found(void **state)
{
	unsigned seed = 7;

	(void)state;
	for (int round = 0; round < GRAPHS; round++) {
		struct graph g;

		graph_build(&g, &seed);
		graph_judge(&g, 0, NODES - 1, &seed);
		graph_judge(&g, 1, 2, &seed);
		for (int i = 0; i < NODES; i++) {
			certmade_done(&g.ca[i]);
			for (int k = 0; k < NODES; k++)
				certmade_done(&g.edge[i][k]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_bad_candidate_does_not_hide_a_good_one),
		cmocka_unit_test(test_backtracks_over_several_steps),
		cmocka_unit_test(test_cross_signed_cas_in_a_loop_end),
		cmocka_unit_test(test_rolled_over_root_works_both_ways),
		cmocka_unit_test(test_renewed_root_of_the_same_key),
		cmocka_unit_test(test_hundreds_of_same_key_intermediates_end_at_once),
		cmocka_unit_test(test_a_mesh_of_keys_ends_at_the_bound),
		cmocka_unit_test(test_any_way_through_a_knot_is_found),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_constraints_that_openssl_overlooks),
		cmocka_unit_test(test_same_name_without_identifiers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
