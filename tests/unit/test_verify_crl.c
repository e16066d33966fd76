/* SPDX-License-Identifier: Apache-2.0 */
/* lib/verify: revocation by lists (RFC 5280 6.3): whose list, for whom, how old, signed by whom. */
#include "verify_fixture.h"

#include "verify/list_state.h"

static const struct hf_verify_options as_client = { .purpose = HF_PURPOSE_CLIENT };
static const struct hf_verify_options strictly = { .purpose = HF_PURPOSE_CLIENT,
						   .profile = HF_PROFILE_STRICT };

/* root -> issuing -> leaf, and a list of the root that revokes nobody. */
struct town {
	struct certmade root, issuing, leaf, mate;
	struct hf_crl *root_list;
};

#define WITH(...)                 \
	(const char *const[])     \
	{                         \
		__VA_ARGS__, NULL \
	}
#define CRL_AKI "authorityKeyIdentifier=keyid:always"

static void town_build_with(struct town *t, const char *const *issuing_ext,
			    const char *const *leaf_ext)
{
	t->root = certmake(&(struct certmake){ .subject = "/O=Zoo/CN=Root", .ext = certmake_root });
	t->issuing = certmake(&(struct certmake){
	    .subject = "/O=Zoo/CN=Issuing", .issuer = &t->root, .ext = issuing_ext });
	t->leaf = certmake(
	    &(struct certmake){ .subject = "/CN=leaf", .issuer = &t->issuing, .ext = leaf_ext });
	t->mate = certmake(
	    &(struct certmake){ .subject = "/CN=mate", .issuer = &t->issuing, .ext = leaf_ext });
	t->root_list = certmake_crl(&(struct certmake_list){ .issuer = &t->root });
}

static void town_build(struct town *t)
{
	town_build_with(t, certmake_ca, certmake_client);
}

static void town_done(struct town *t)
{
	certmade_done(&t->root);
	certmade_done(&t->issuing);
	certmade_done(&t->leaf);
	certmade_done(&t->mate);
	hf_crl_unref(t->root_list);
}

/* Judges the leaf with the root's list and up to three more; lists are released. */
static void judge(const struct town *t, const struct certmade *extra, struct hf_crl *const lists[3],
		  const struct hf_verify_options *options, struct hf_verdict *v)
{
	struct hf_crl *all[5] = { t->root_list, lists[0], lists[1], lists[2], NULL };
	HF_AUTO(hf_trust) trust =
	    vf_trust((const struct certmade *const[]){ &t->root, NULL }, NULL, all);

	vf_judge((const struct certmade *const[]){ &t->leaf, &t->issuing, extra, NULL }, trust,
		 options, v);
	for (size_t i = 0; i < 3; i++)
		hf_crl_unref(lists[i]);
}

static void expect(const char *label, const struct town *t, struct hf_crl *const lists[3],
		   const char *cause)
{
	HF_AUTO_DONE(hf_verdict) v;

	judge(t, NULL, lists, &as_client, &v);
	vf_expect(label, &v, !cause, cause);
}

static void test_every_ca_needs_a_current_list(void **state)
{
	struct town t;

	(void)state;
	town_build(&t);
	const struct {
		const char *label;
		struct certmake_list list;
		const char *cause, *node;
		int alert;
	} rows[] = {
		{ "clean", { .issuer = &t.issuing }, NULL, NULL, 0 },
		{ "somebody else is revoked",
		  { .issuer = &t.issuing, .revoked = { &t.mate } },
		  NULL,
		  NULL,
		  0 },
		{ "revoked",
		  { .issuer = &t.issuing, .revoked = { &t.mate, &t.leaf } },
		  "V-REVOKED",
		  "CERT_REVOKED",
		  44 },
		{ "revoked for a reason",
		  { .issuer = &t.issuing, .revoked = { &t.leaf }, .reason = 1 },
		  "V-REVOKED",
		  "CERT_REVOKED",
		  44 },
		{ "on hold",
		  { .issuer = &t.issuing, .revoked = { &t.leaf }, .reason = 6 },
		  "V-REVOKED",
		  "CERT_REVOKED",
		  44 },
		{ "stale",
		  { .issuer = &t.issuing, .from = -9 * CERTMAKE_DAY, .to = -1 },
		  "V-CRL-EXPIRED",
		  "CRL_HAS_EXPIRED",
		  48 },
		{ "not yet",
		  { .issuer = &t.issuing, .from = 60, .to = CERTMAKE_DAY },
		  "V-CRL-NOT-YET",
		  "CRL_NOT_YET_VALID",
		  48 },
		{ "last second", { .issuer = &t.issuing, .from = -60, .to = 1 }, NULL, NULL, 0 },
		{ "revoked on a stale list",
		  { .issuer = &t.issuing,
		    .revoked = { &t.leaf },
		    .from = -9 * CERTMAKE_DAY,
		    .to = -1 },
		  "V-REVOKED",
		  "CERT_REVOKED",
		  44 },
		{ "damaged",
		  { .issuer = &t.issuing, .bad_signature = true },
		  "V-CRL-INVALID",
		  "CRL_SIGNATURE_FAILURE",
		  48 },
		{ "of the right name, signed by another key",
		  { .issuer = &t.issuing, .signer = &t.mate },
		  "V-CRL-INVALID",
		  "CRL_SIGNATURE_FAILURE",
		  48 },
		{ "revoked on a list that somebody else signed",
		  { .issuer = &t.issuing, .signer = &t.mate, .revoked = { &t.leaf } },
		  "V-CRL-INVALID",
		  NULL,
		  48 },
		{ "of somebody else",
		  { .issuer = &t.mate },
		  "V-CRL-MISSING",
		  "UNABLE_TO_GET_CRL",
		  48 },
		{ "SHA-1", { .issuer = &t.issuing, .md = "SHA1" }, "V-CRL-INVALID", NULL, 48 },
		{ "unknown critical extension",
		  { .issuer = &t.issuing, .ext = WITH("1.3.6.1.4.1.55555.7.1=critical,DER:0500") },
		  "V-CRL-INVALID",
		  NULL,
		  48 },
		{ "a delta alone",
		  { .issuer = &t.issuing, .ext = WITH("2.5.29.27=critical,DER:020101") },
		  "V-CRL-MISSING",
		  NULL,
		  48 },
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO_DONE(hf_verdict) v;

		judge(&t, NULL, (struct hf_crl *const[3]){ certmake_crl(&rows[i].list) },
		      &as_client, &v);
		vf_expect(rows[i].label, &v, !rows[i].cause, rows[i].cause);
		if (rows[i].node && !hf_str_eq(v.node_reason, rows[i].node))
			fail_msg("%s: %s", rows[i].label, v.node_reason);
		if (v.alert != rows[i].alert)
			fail_msg("%s: alert %d", rows[i].label, v.alert);
	}
	town_done(&t);
}

static void test_missing_lists_and_modes(void **state)
{
	struct town t;

	(void)state;
	town_build(&t);
	expect("no list of the issuing CA", &t, (struct hf_crl *const[3]){ NULL }, "V-CRL-MISSING");
	for (enum hf_crl_mode mode = HF_CRL_AUTO; mode <= HF_CRL_REQUIRED; mode++) {
		struct hf_trust *trust = NULL;
		HF_AUTO_DONE(hf_verdict) v;

		assert_int_equal(hf_trust_new(0, &trust, NULL), 0);
		assert_int_equal(hf_trust_add_anchor(trust, t.root.cert, NULL, NULL), 0);
		hf_trust_set_crl_mode(trust, mode);
		assert_int_equal(hf_trust_freeze(trust, NULL), 0);
		vf_judge((const struct certmade *const[]){ &t.leaf, &t.issuing, NULL }, trust,
			 &as_client, &v);
		vf_expect("no list at all", &v, mode != HF_CRL_REQUIRED,
			  mode == HF_CRL_REQUIRED ? "V-CRL-MISSING" : NULL);
		hf_trust_unref(trust);
	}
	town_done(&t);
}

static void test_ca_revoked_and_its_list_missing(void **state)
{
	struct town t;
	HF_AUTO_DONE(hf_verdict) v;

	(void)state;
	town_build(&t);
	hf_crl_unref(t.root_list);
	t.root_list =
	    certmake_crl(&(struct certmake_list){ .issuer = &t.root, .revoked = { &t.issuing } });
	judge(&t, NULL, (struct hf_crl *const[3]){ NULL }, &as_client, &v);
	vf_expect("CA revoked", &v, false, "V-CA-REVOKED");
	assert_int_equal(v.alert, 44);
	for (size_t i = 0; i < v.findings_len; i++)
		assert_true(v.findings[i].reason != HF_REASON_V_CRL_MISSING ||
			    v.findings[i].consequence);
	town_done(&t);
}

/* Whom the verdict's time depends on. */
static void test_verdict_lasts_as_long_as_the_lists(void **state)
{
	struct town t;
	HF_AUTO_DONE(hf_verdict) v;

	(void)state;
	town_build(&t);
	judge(&t, NULL,
	      (struct hf_crl *const[3]){ certmake_crl(
		  &(struct certmake_list){ .issuer = &t.issuing, .from = -1, .to = 500 }) },
	      &as_client, &v);
	vf_expect("short list", &v, true, NULL);
	assert_int_equal(v.valid_until, CERTMAKE_NOW + 500);
	town_done(&t);
}

static void test_strict_wants_a_number(void **state)
{
	struct town t;
	HF_AUTO_DONE(hf_verdict) v;
	HF_AUTO_DONE(hf_verdict) lax;

	(void)state;
	town_build(&t);
	judge(&t, NULL,
	      (struct hf_crl *const[3]){
		  certmake_crl(&(struct certmake_list){ .issuer = &t.issuing, .number = -1 }) },
	      &as_client, &lax);
	vf_expect("no number", &lax, true, NULL);
	judge(&t, NULL,
	      (struct hf_crl *const[3]){
		  certmake_crl(&(struct certmake_list){ .issuer = &t.issuing, .number = -1 }) },
	      &strictly, &v);
	vf_expect("no number, strict", &v, false, "V-CRL-INVALID");
	town_done(&t);
}

static void test_keys_that_may_not_sign_lists(void **state)
{
	static const char *const no_crl_sign[] = { "basicConstraints=critical,CA:TRUE",
						   "keyUsage=critical,keyCertSign", CERTMAKE_IDS,
						   NULL };
	struct town t;

	(void)state;
	town_build_with(&t, no_crl_sign, certmake_client);
	expect("without cRLSign", &t,
	       (struct hf_crl *const[3]){
		   certmake_crl(&(struct certmake_list){ .issuer = &t.issuing }) },
	       "V-CRL-INVALID");
	town_done(&t);
}

/* Lists that speak of some certificates or some reasons only (RFC 5280 5.2.5). */
static void test_scope(void **state)
{
	static const struct {
		const char *idp[2]; /* values of up to two lists; NULL: no more */
		const char *cause;
	} rows[] = {
		{ { "critical,onlyuser:TRUE" }, NULL },
		{ { "critical,onlyCA:TRUE" }, "V-CRL-MISSING" },
		{ { "critical,onlyAA:TRUE" }, "V-CRL-MISSING" },
		{ { "critical,indirectCRL:TRUE" }, NULL },
		{ { "critical,fullname:URI:http://crl.test/1" }, NULL },
		{ { "critical,fullname:URI:http://crl.test/2" }, "V-CRL-MISSING" },
		{ { "critical,fullname:URI:http://CRL.test/1" }, "V-CRL-MISSING" },
		{ { "critical,fullname:URI:http://old.test/1\\,URI:http://crl.test/1" }, NULL },
		{ { "critical,fullname:URI:http://crl.test/2",
		    "critical,fullname:URI:http://crl.test/3" },
		  "V-CRL-MISSING" },
		{ { "critical,fullname:URI:http://crl.test/2",
		    "critical,fullname:URI:http://crl.test/1" },
		  NULL },
		{ { "critical,onlysomereasons:keyCompromise" }, "V-CRL-MISSING" },
		{ { "critical,onlysomereasons:keyCompromise",
		    "critical,onlysomereasons:CACompromise\\,affiliationChanged\\,superseded\\,cessationOfOperation\\,certificateHold\\,"
		    "privilegeWithdrawn\\,AACompromise" },
		  NULL },
	};
	static const char *const ext[] = { "extendedKeyUsage=clientAuth",
					   "subjectAltName=DNS:x.test",
					   "crlDistributionPoints=URI:http://crl.test/1",
					   CERTMAKE_IDS, NULL };
	struct town t;

	(void)state;
	town_build_with(&t, certmake_ca, ext);
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		struct hf_crl *lists[3] = { NULL };

		for (size_t k = 0; k < 2 && rows[i].idp[k]; k++) {
			char conf[512], *out = conf + snprintf(conf, sizeof(conf), "[idp]\n");

			/* "critical,name:value" becomes a section, "\," a comma inside a value */
			for (const char *s = rows[i].idp[k] + strlen("critical,"); *s; s++) {
				bool first = *s == ':' && !memchr(conf, '=', (size_t)(out - conf));

				if (*s != '\\')
					*out++ = first ? '=' : *s;
			}
			*out = '\0';
			lists[k] = certmake_crl(&(struct certmake_list){
			    .issuer = &t.issuing,
			    .conf = conf,
			    .ext = WITH("issuingDistributionPoint=critical,@idp"),
			    .revoked = { &t.mate } });
		}
		expect(rows[i].idp[0], &t, lists, rows[i].cause);
	}
	town_done(&t);
}

static void test_deltas(void **state)
{
	struct town t;

	(void)state;
	town_build(&t);
	const struct {
		const char *label;
		struct certmake_list base, delta;
		const char *cause;
	} rows[] = {
		{ "revoked since",
		  { .issuer = &t.issuing, .number = 5 },
		  { .issuer = &t.issuing,
		    .number = 6,
		    .ext = WITH("2.5.29.27=critical,DER:020105"),
		    .revoked = { &t.leaf } },
		  "V-REVOKED" },
		{ "nothing since",
		  { .issuer = &t.issuing, .number = 5 },
		  { .issuer = &t.issuing,
		    .number = 6,
		    .ext = WITH("2.5.29.27=critical,DER:020105") },
		  NULL },
		{ "released since",
		  { .issuer = &t.issuing, .number = 5, .revoked = { &t.leaf }, .reason = 6 },
		  { .issuer = &t.issuing,
		    .number = 6,
		    .ext = WITH("2.5.29.27=critical,DER:020105"),
		    .removed = &t.leaf },
		  NULL },
		{ "a delta of a later base",
		  { .issuer = &t.issuing, .number = 5, .revoked = { &t.leaf } },
		  { .issuer = &t.issuing,
		    .number = 8,
		    .ext = WITH("2.5.29.27=critical,DER:020107"),
		    .removed = &t.leaf },
		  "V-REVOKED" },
		{ "an older delta",
		  { .issuer = &t.issuing, .number = 5, .revoked = { &t.leaf } },
		  { .issuer = &t.issuing,
		    .number = 4,
		    .ext = WITH("2.5.29.27=critical,DER:020103"),
		    .removed = &t.leaf },
		  "V-REVOKED" },
		{ "a stale delta",
		  { .issuer = &t.issuing, .number = 5, .revoked = { &t.leaf } },
		  { .issuer = &t.issuing,
		    .number = 6,
		    .ext = WITH("2.5.29.27=critical,DER:020105"),
		    .removed = &t.leaf,
		    .from = -99,
		    .to = -1 },
		  "V-REVOKED" },
		{ "a forged delta",
		  { .issuer = &t.issuing, .number = 5, .revoked = { &t.leaf } },
		  { .issuer = &t.issuing,
		    .signer = &t.mate,
		    .number = 6,
		    .ext = WITH("2.5.29.27=critical,DER:020105"),
		    .removed = &t.leaf },
		  "V-REVOKED" },
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++)
		expect(rows[i].label, &t,
		       (struct hf_crl *const[3]){ certmake_crl(&rows[i].delta),
						  certmake_crl(&rows[i].base) },
		       rows[i].cause);
	town_done(&t);
}

/* A CA with a key of its own for lists, certified by itself (RFC 5280 6.3.3 (f)). */
static void test_separate_list_key(void **state)
{
	static const char *const list_signer[] = { "basicConstraints=critical,CA:FALSE",
						   "keyUsage=critical,cRLSign", CERTMAKE_IDS,
						   NULL };
	struct town t;
	HF_AUTO_DONE(hf_verdict) good;
	HF_AUTO_DONE(hf_verdict) missing;
	HF_AUTO_DONE(hf_verdict) forged;

	(void)state;
	town_build(&t);
	HF_AUTO_DONE(certmade) signer = certmake(&(struct certmake){
	    .subject = "/O=Zoo/CN=Issuing", .issuer = &t.root, .ext = list_signer });
	HF_AUTO_DONE(certmade) stranger =
	    certmake(&(struct certmake){ .subject = "/O=Zoo/CN=Issuing", .ext = certmake_root });
	struct certmake_list list = { .issuer = &signer, .ext = WITH(CRL_AKI) };
	struct certmake_list forged_list = { .issuer = &stranger, .ext = WITH(CRL_AKI) };

	judge(&t, &signer, (struct hf_crl *const[3]){ certmake_crl(&list) }, &as_client, &good);
	vf_expect("its certificate is sent along", &good, true, NULL);
	judge(&t, NULL, (struct hf_crl *const[3]){ certmake_crl(&list) }, &as_client, &missing);
	vf_expect("its certificate is not at hand", &missing, false, "V-CRL-INVALID");
	judge(&t, &stranger, (struct hf_crl *const[3]){ certmake_crl(&forged_list) }, &as_client,
	      &forged);
	vf_expect("a namesake with a root of its own", &forged, false, "V-CRL-INVALID");
	town_done(&t);
}

static void test_no_rev_avail(void **state)
{
	static const char *const ext[] = { "extendedKeyUsage=clientAuth",
					   "subjectAltName=DNS:x.test", "2.5.29.56=DER:0500",
					   CERTMAKE_IDS, NULL };
	static const char *const ca_ext[] = { "basicConstraints=critical,CA:TRUE",
					      "keyUsage=critical,keyCertSign,cRLSign",
					      "2.5.29.56=DER:0500", CERTMAKE_IDS, NULL };
	struct town t;

	(void)state;
	town_build_with(&t, certmake_ca, ext);
	expect("noRevAvail in the leaf", &t, (struct hf_crl *const[3]){ NULL }, NULL);
	town_done(&t);
	town_build_with(&t, ca_ext, ext);
	hf_crl_unref(t.root_list);
	t.root_list = certmake_crl(&(struct certmake_list){ .issuer = &t.leaf });
	expect("noRevAvail in a CA means nothing", &t, (struct hf_crl *const[3]){ NULL },
	       "V-CRL-MISSING");
	town_done(&t);
}

static struct hf_trust *graced(const struct town *t, struct hf_crl *list, int64_t grace)
{
	struct hf_trust *trust = NULL;

	assert_int_equal(hf_trust_new(1, &trust, NULL), 0);
	hf_trust_set_crl_grace(trust, grace);
	assert_int_equal(hf_trust_add_anchor(trust, t->root.cert, "own", NULL), 0);
	assert_int_equal(hf_trust_add_crl(trust, t->root_list, NULL), 0);
	if (list)
		assert_int_equal(hf_trust_add_crl(trust, list, NULL), 0);
	assert_int_equal(hf_trust_freeze(trust, NULL), 0);
	return trust;
}

/* Out of date is out of date: only who asked for it goes on, only so long, and it is told. */
static void test_grace_of_a_list_that_is_out_of_date(void **state)
{
	static const struct {
		const char *label;
		int64_t ended, grace; /* the list ended so long ago */
		bool revoked, damaged, accepted, warned;
		const char *cause;
		enum hf_list_state is;
	} rows[] = {
		{ "no grace", 1, 0, false, false, false, false, "V-CRL-EXPIRED", HF_LIST_OVER },
		{ "within", 3600, 7200, false, false, true, true, NULL, HF_LIST_IN_GRACE },
		{ "its last second", 7200, 7200, false, false, true, true, NULL, HF_LIST_IN_GRACE },
		{ "a second later", 7201, 7200, false, false, false, false, "V-CRL-EXPIRED",
		  HF_LIST_OVER },
		{ "not needed", -60, 7200, false, false, true, false, NULL, HF_LIST_CURRENT },
		{ "revoked within", 3600, 7200, true, false, false, false, "V-REVOKED",
		  HF_LIST_IN_GRACE },
		{ "a bad signature within", 3600, 7200, false, true, false, false, "V-CRL-INVALID",
		  HF_LIST_IN_GRACE },
	};
	struct town t;

	(void)state;
	town_build(&t);
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(hf_crl)
		list = certmake_crl(
		    &(struct certmake_list){ .issuer = &t.issuing,
					     .from = -9 * CERTMAKE_DAY,
					     .to = -rows[i].ended,
					     .revoked = { rows[i].revoked ? &t.leaf : NULL },
					     .bad_signature = rows[i].damaged });
		HF_AUTO(hf_trust) trust = graced(&t, list, rows[i].grace);
		HF_AUTO_DONE(hf_verdict) v;

		vf_judge((const struct certmade *const[]){ &t.leaf, &t.issuing, NULL }, trust,
			 &as_client, &v);
		vf_expect(rows[i].label, &v, rows[i].accepted, rows[i].cause);
		if (rows[i].accepted) {
			assert_int_equal(hf_verdict_has(&v, HF_REASON_V_CRL_EXPIRED),
					 rows[i].warned);
			assert_int_equal(v.valid_until, list->next_update + rows[i].grace);
		}
		assert_int_equal(hf_list_state(trust, list, CERTMAKE_NOW), rows[i].is);
	}
	town_done(&t);
}

/* A current list beside it is enough; what is revoked on either is. */
static void test_grace_asks_for_nothing_when_a_current_list_is_there(void **state)
{
	struct town t;

	(void)state;
	town_build(&t);
	for (int newer = 0; newer < 2; newer++) {
		HF_AUTO(hf_crl)
		old =
		    certmake_crl(&(struct certmake_list){ .issuer = &t.issuing,
							  .from = -9 * CERTMAKE_DAY,
							  .to = -60,
							  .revoked = { newer ? &t.leaf : NULL } });
		HF_AUTO(hf_crl)
		fresh = certmake_crl(&(struct certmake_list){ .issuer = &t.issuing, .number = 2 });
		HF_AUTO(hf_trust) base = graced(&t, old, 3600);
		HF_AUTO(hf_trust) trust = NULL;
		HF_AUTO_DONE(hf_crls) lists = HF_CRLS_INIT;
		HF_AUTO_DONE(hf_verdict) v;

		assert_int_equal(hf_crls_add(&lists, fresh, NULL), 0);
		assert_int_equal(hf_trust_with_lists(base, &lists, &trust, NULL), 0);
		assert_int_equal(hf_trust_crl_grace(trust), 3600);
		assert_int_equal(hf_list_state(trust, old, CERTMAKE_NOW), HF_LIST_REPLACED);
		vf_judge((const struct certmade *const[]){ &t.leaf, &t.issuing, NULL }, trust,
			 &as_client, &v);
		vf_expect("the later list counts", &v, true, NULL);
		assert_false(hf_verdict_has(&v, HF_REASON_V_CRL_EXPIRED));
	}
	town_done(&t);
}

static void test_grace_is_part_of_what_a_trust_is(void **state)
{
	uint8_t with[HF_SHA256_LEN], without[HF_SHA256_LEN];
	struct town t;

	(void)state;
	town_build(&t);
	HF_AUTO(hf_trust) a = graced(&t, NULL, 0);
	HF_AUTO(hf_trust) b = graced(&t, NULL, 60);

	hf_trust_digest(a, without);
	hf_trust_digest(b, with);
	assert_memory_not_equal(with, without, HF_SHA256_LEN);
	assert_int_equal(hf_trust_list_until(b, t.root_list), t.root_list->next_update + 60);
	assert_true(hf_trust_has_list(a, t.root_list));
	town_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_ca_needs_a_current_list),
		cmocka_unit_test(test_missing_lists_and_modes),
		cmocka_unit_test(test_ca_revoked_and_its_list_missing),
		cmocka_unit_test(test_verdict_lasts_as_long_as_the_lists),
		cmocka_unit_test(test_strict_wants_a_number),
		cmocka_unit_test(test_keys_that_may_not_sign_lists),
		cmocka_unit_test(test_scope),
		cmocka_unit_test(test_deltas),
		cmocka_unit_test(test_separate_list_key),
		cmocka_unit_test(test_no_rev_avail),
		cmocka_unit_test(test_grace_of_a_list_that_is_out_of_date),
		cmocka_unit_test(test_grace_asks_for_nothing_when_a_current_list_is_there),
		cmocka_unit_test(test_grace_is_part_of_what_a_trust_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
