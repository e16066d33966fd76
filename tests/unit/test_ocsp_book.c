/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/ocsp: packets, the table, what an answer of a responder is worth and for how long, and
 * what becomes of it in a verdict. */
#include "certmake.h"

#include "base/err.h"
#include "base/str.h"
#include "gateway/ocsp/keytable.h"
#include "gateway/ocsp/wire.h"
#include "verify/status.h"

enum { NOW = 1795243171, NONE = INT32_MIN };

static struct certmade root, leaf, other, responder, stranger;
static struct hf_certs path;

static int cast_make(void **state)
{
	static const char *const signer[] = { "basicConstraints=critical,CA:FALSE",
					      "keyUsage=critical,digitalSignature",
					      "extendedKeyUsage=OCSPSigning", CERTMAKE_IDS, NULL };

	(void)state;
	root = certmake(&(struct certmake){ .subject = "/CN=Root", .ext = certmake_root });
	leaf = certmake(&(struct certmake){
	    .subject = "/CN=amy", .issuer = &root, .ext = certmake_client, .serial = 7 });
	other = certmake(&(struct certmake){
	    .subject = "/CN=bob", .issuer = &root, .ext = certmake_client, .serial = 8 });
	responder = certmake(
	    &(struct certmake){ .subject = "/CN=responder", .issuer = &root, .ext = signer });
	stranger = certmake(&(struct certmake){ .subject = "/CN=Root", .ext = certmake_root });
	assert_int_equal(hf_certs_add(&path, leaf.cert, NULL), 0);
	assert_int_equal(hf_certs_add(&path, root.cert, NULL), 0);
	return 0;
}

static int cast_done(void **state)
{
	(void)state;
	hf_certs_done(&path);
	certmade_done(&root);
	certmade_done(&leaf);
	certmade_done(&other);
	certmade_done(&responder);
	certmade_done(&stranger);
	return 0;
}

/* --- what answers are worth -------------------------------------------------------------- */

struct said {
	const char *what;
	int status;
	int from, to; /* seconds from NOW; to NONE: no nextUpdate */
	const struct certmade *about, *by;
	const char *refused;	  /* a part of the words; NULL: it is taken */
	int64_t again_at, end_at; /* from NOW */
};

static size_t respond(const struct said *s, uint8_t **ret_der)
{
	HF_AUTO(OCSP_BASICRESP) basic = OCSP_BASICRESP_new();
	HF_AUTO(OCSP_CERTID) id =
	    OCSP_cert_to_id(EVP_sha1(), s->about->cert->x509, root.cert->x509);
	ASN1_TIME *from = ASN1_GENERALIZEDTIME_set(NULL, NOW + s->from), *to = NULL;
	ASN1_TIME *revoked = ASN1_GENERALIZEDTIME_set(NULL, NOW - 3600);
	OCSP_RESPONSE *response;
	int len;

	if (s->to != NONE)
		to = ASN1_GENERALIZEDTIME_set(NULL, NOW + s->to);
	assert_non_null(
	    OCSP_basic_add1_status(basic, id, s->status, OCSP_REVOKED_STATUS_KEYCOMPROMISE,
				   s->status == V_OCSP_CERTSTATUS_REVOKED ? revoked : NULL, from,
				   to));
	assert_int_equal(OCSP_basic_sign(basic, s->by->cert->x509, s->by->key, EVP_sha256(), NULL,
					 0),
			 1);
	response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	len = i2d_OCSP_RESPONSE(response, ret_der);
	assert_true(len > 0);
	OCSP_RESPONSE_free(response);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	ASN1_TIME_free(revoked);
	return (size_t)len;
}

static void answers_are_weighed(void **state)
{
	enum {
		GOOD = V_OCSP_CERTSTATUS_GOOD,
		GONE = V_OCSP_CERTSTATUS_REVOKED,
		UNKNOWN = V_OCSP_CERTSTATUS_UNKNOWN
	};
	const struct said rows[] = {
		{ "by the issuer", GOOD, 0, 600, &leaf, &root, NULL, 300, 600 },
		{ "by a delegated signer", GOOD, 0, 600, &leaf, &responder, NULL, 300, 600 },
		{ "revoked", GONE, 0, 600, &leaf, &responder, NULL, 300, 600 },
		{ "unknown is not kept for long", UNKNOWN, 0, 600, &leaf, &root, NULL, 30, 60 },
		{ "asked again within the hour", GOOD, 0, 864000, &leaf, &root, NULL, 3600,
		  864000 },
		{ "asked again, not at once", GOOD, -600, 1, &leaf, &root, NULL, 1, 1 },
		{ "without an end", GOOD, 0, NONE, &leaf, &root, NULL, 5, 10 },
		{ "our clock is a little behind", GOOD, 200, 600, &leaf, &root, NULL, 300, 600 },
		{ "from the future", GOOD, 3600, 7200, &leaf, &root, "begins only at", 0, 0 },
		{ "ended", GOOD, -7200, -1, &leaf, &root, "ended at", 0, 0 },
		{ "old and without an end", GOOD, -3600, NONE, &leaf, &root, "no end", 0, 0 },
		{ "about another", GOOD, 0, 600, &other, &root, "nothing of this certificate", 0,
		  0 },
		{ "by a client", GOOD, 0, 600, &leaf, &other, "not made a responder", 0, 0 },
		{ "by another of that name", GOOD, 0, 600, &leaf, &stranger, "sign", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(ossl_mem) der = NULL;
		size_t len = respond(&rows[i], &der);
		struct hf_ocsp_says says;
		struct hf_err err = HF_ERR_INIT;
		int64_t again_at = 0, end_at = 0;
		int rc = hf_ocsp_weigh(der, len, &path, NOW, &says, &again_at, &end_at, &err);

		if ((rc < 0) != (rows[i].refused != NULL) ||
		    (rc < 0 && !strstr(err.msg, rows[i].refused)) ||
		    (rc == 0 &&
		     (again_at != NOW + rows[i].again_at || end_at != NOW + rows[i].end_at)))
			fail_msg("%s: %d %s, again %lld, end %lld", rows[i].what, rc, err.msg,
				 (long long)(again_at - NOW), (long long)(end_at - NOW));
	}
}

/* --- in a verdict ------------------------------------------------------------------------ */

static void status_becomes_findings(void **state)
{
	static const struct {
		enum hf_status_kind kind;
		bool hard, accepted;
		enum hf_reason reason;
		int alert;
	} rows[] = {
		{ HF_STATUS_GOOD, true, true, HF_REASON_NONE, 0 },
		{ HF_STATUS_REVOKED, false, false, HF_REASON_V_REVOKED, 44 },
		{ HF_STATUS_REVOKED, true, false, HF_REASON_V_REVOKED, 44 },
		{ HF_STATUS_UNKNOWN, false, true, HF_REASON_V_OCSP_UNKNOWN, 0 },
		{ HF_STATUS_UNKNOWN, true, false, HF_REASON_V_OCSP_UNKNOWN, 46 },
		{ HF_STATUS_FAILED, false, true, HF_REASON_V_OCSP_DOWN, 0 },
		{ HF_STATUS_FAILED, true, false, HF_REASON_V_OCSP_DOWN, 46 },
		{ HF_STATUS_NO_RESPONDER, false, true, HF_REASON_NONE, 0 },
		{ HF_STATUS_NO_RESPONDER, true, false, HF_REASON_V_OCSP_NONE, 46 },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		const struct hf_status status = {
			.kind = rows[i].kind, .until = NOW + 10, .reason = -1, .why = "it is silent"
		};
		HF_AUTO_DONE(hf_verdict) v;
		const struct hf_finding *root_cause;

		hf_verdict_init(&v);
		v.accepted = true;
		v.valid_until = NOW + 1000;
		assert_int_equal(hf_certs_copy(&v.chain, &path, NULL), 0);
		assert_int_equal(hf_identity_new(leaf.cert, root.cert, false, &v.identity, NULL),
				 0);
		assert_int_equal(hf_status_apply(&status, rows[i].hard, &v, NULL), 0);
		root_cause = hf_verdict_root(&v);
		assert_int_equal(v.accepted, rows[i].accepted);
		assert_int_equal(v.alert, rows[i].alert);
		assert_int_equal(v.valid_until, rows[i].accepted ? NOW + 10 : 0);
		assert_int_equal(root_cause ? root_cause->reason : HF_REASON_NONE, rows[i].reason);
		assert_true(!root_cause || !rows[i].accepted ||
			    root_cause->severity == HF_SEVERITY_WARN);
	}
}

/* --- packets ----------------------------------------------------------------------------- */

static void question_is_read_as_it_was_written(void **state)
{
	HF_AUTO_DONE(hf_buf) packet = HF_BUF_INIT(HF_OCSP_PACKET_CAP);
	HF_AUTO_DONE(hf_ocsp_question) q = HF_OCSP_QUESTION_INIT;
	char url[HF_OCSP_URL_CAP + 1];

	(void)state;
	assert_int_equal(hf_ocsp_question_write(9, "http://x/ocsp", &path, &packet, NULL), 0);
	assert_int_equal(hf_ocsp_question_parse(packet.data, packet.len, &q, NULL), 0);
	assert_int_equal(q.id, 9);
	assert_string_equal(q.url, "http://x/ocsp");
	assert_int_equal(q.path.len, 2);
	assert_memory_equal(q.path.items[0]->sha256, leaf.cert->sha256, HF_SHA256_LEN);
	for (size_t len = 0; len < packet.len; len++) {
		HF_AUTO_DONE(hf_ocsp_question) cut = HF_OCSP_QUESTION_INIT;

		assert_true(hf_ocsp_question_parse(packet.data, len, &cut, NULL) < 0);
	}
	memset(url, 'x', sizeof(url));
	url[HF_OCSP_URL_CAP] = '\0';
	assert_int_equal(hf_ocsp_question_write(9, url, &path, &packet, NULL), -HF_E_LIMIT);
}

static void question_that_asks_too_much_is_refused(void **state)
{
	HF_AUTO_DONE(hf_buf) packet = HF_BUF_INIT(HF_OCSP_PACKET_CAP);
	HF_AUTO_DONE(hf_certs) longer = HF_CERTS_INIT;
	HF_AUTO_DONE(hf_ocsp_question) q = HF_OCSP_QUESTION_INIT;

	(void)state;
	for (size_t i = 0; i <= HF_OCSP_PATH_CAP; i++)
		assert_int_equal(hf_certs_add(&longer, leaf.cert, NULL), 0);
	assert_int_equal(hf_ocsp_question_write(9, "http://x/", &longer, &packet, NULL),
			 -HF_E_LIMIT);
	assert_int_equal(hf_ocsp_question_write(0, "http://x/", &path, &packet, NULL), 0);
	assert_true(hf_ocsp_question_parse(packet.data, packet.len, &q, NULL) < 0); /* no id */
}

static void answer_is_read_as_it_was_written(void **state)
{
	HF_AUTO_DONE(hf_buf) packet = HF_BUF_INIT(HF_OCSP_PACKET_CAP);
	const struct hf_ocsp_answer said = { 5, true, "why not", 7 };
	struct hf_ocsp_answer heard;

	(void)state;
	assert_int_equal(hf_ocsp_answer_write(&said, &packet), 0);
	assert_true(hf_ocsp_answer_parse(packet.data, packet.len, &heard));
	assert_int_equal(heard.id, 5);
	assert_true(heard.failed);
	assert_int_equal(heard.len, 7);
	assert_memory_equal(heard.data, "why not", 7);
	assert_false(hf_ocsp_answer_parse(packet.data, 3, &heard));
}

static void key_tells_questions_apart(void **state)
{
	HF_AUTO_DONE(hf_certs) second = HF_CERTS_INIT;
	uint8_t a[HF_SHA256_LEN], b[HF_SHA256_LEN], c[HF_SHA256_LEN], again[HF_SHA256_LEN];

	(void)state;
	assert_int_equal(hf_certs_add(&second, other.cert, NULL), 0);
	assert_int_equal(hf_certs_add(&second, root.cert, NULL), 0);
	assert_int_equal(hf_ocsp_key(&path, "http://x/", a, NULL), 0);
	assert_int_equal(hf_ocsp_key(&second, "http://x/", b, NULL), 0);
	assert_int_equal(hf_ocsp_key(&path, "http://y/", c, NULL), 0);
	assert_int_equal(hf_ocsp_key(&path, "http://x/", again, NULL), 0);
	assert_memory_equal(a, again, sizeof(a));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_memory_not_equal(a, c, sizeof(a));
}

/* --- the table --------------------------------------------------------------------------- */

static void table_keeps_the_order_of_use(void **state)
{
	static struct hf_keytable table;
	struct hf_keyed items[3] = { { .key = { 1 } }, { .key = { 2 } }, { .key = { 1, 0, 9 } } };
	const uint8_t none[HF_SHA256_LEN] = { 3 };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(items); i++)
		hf_keytable_add(&table, &items[i]);
	assert_ptr_equal(table.oldest, &items[0]);
	assert_ptr_equal(hf_keytable_find(&table, items[0].key), &items[0]);
	assert_ptr_equal(table.oldest, &items[1]);
	assert_ptr_equal(table.newest, &items[0]);
	assert_null(hf_keytable_find(&table, none));
	hf_keytable_remove(&table, &items[0]); /* it shares a bucket with the third */
	assert_null(hf_keytable_find(&table, items[0].key));
	assert_ptr_equal(hf_keytable_find(&table, items[2].key), &items[2]);
	hf_keytable_remove(&table, &items[1]);
	hf_keytable_remove(&table, &items[2]);
	assert_int_equal(table.len, 0);
	assert_null(table.newest);
	assert_null(table.oldest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_weighed),
		cmocka_unit_test(status_becomes_findings),
		cmocka_unit_test(question_is_read_as_it_was_written),
		cmocka_unit_test(question_that_asks_too_much_is_refused),
		cmocka_unit_test(answer_is_read_as_it_was_written),
		cmocka_unit_test(key_tells_questions_apart),
		cmocka_unit_test(table_keeps_the_order_of_use),
	};

	return cmocka_run_group_tests(tests, cast_make, cast_done);
}
