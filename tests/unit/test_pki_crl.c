/* SPDX-License-Identifier: Apache-2.0 */
/* lib/pki/crl: what is taken out of a list, what is flagged, reason names. */
#include "pki_fixture.h"

#include "base/time.h"
#include "pki/crl.h"
#include "pki/crl_facts.h"

static EVP_PKEY *shared_key;
static X509 *shared_ca;

static int make_ca(void **state)
{
	static const struct fx_spec spec = { .subject = "/O=ABC Inc./CN=CA",
					     .exts = { { "basicConstraints", "critical,CA:TRUE" },
						       { "subjectKeyIdentifier", "hash" } } };

	(void)state;
	shared_key = fx_key(HF_KEY_P256);
	shared_ca = fx_x509(&spec, shared_key, NULL, NULL);
	return 0;
}

static int drop_ca(void **state)
{
	(void)state;
	X509_free(shared_ca);
	EVP_PKEY_free(shared_key);
	return 0;
}

struct crl_spec {
	struct fx_ext exts[4];
	struct fx_ext entry;	 /* an extension of the one revoked entry */
	const char *last, *next; /* dates; next "" for none */
	bool no_entry;
};

static void add_entry(X509_CRL *crl, const struct crl_spec *spec, X509V3_CTX *ctx, CONF *conf)
{
	X509_REVOKED *entry = X509_REVOKED_new();
	HF_AUTO(ASN1_INTEGER) serial = ASN1_INTEGER_new();
	ASN1_TIME *at = fx_time("240101000000Z");

	assert_true(ASN1_INTEGER_set(serial, 42) && X509_REVOKED_set_serialNumber(entry, serial) &&
		    X509_REVOKED_set_revocationDate(entry, at));
	if (spec->entry.name) {
		HF_AUTO(X509_EXTENSION) ext =
		    X509V3_EXT_nconf(conf, ctx, spec->entry.name, spec->entry.value);

		if (!ext)
			fail_msg("extension %s", spec->entry.name);
		assert_true(X509_REVOKED_add_ext(entry, ext, -1));
	}
	assert_true(X509_CRL_add0_revoked(crl, entry));
	ASN1_TIME_free(at);
}

static struct hf_crl *fx_crl(const struct crl_spec *spec)
{
	HF_AUTO(X509_CRL) crl = X509_CRL_new();
	ASN1_TIME *last = fx_time(spec->last ? spec->last : "240101000000Z");
	ASN1_TIME *next = fx_time(spec->next ? spec->next : "240201000000Z");
	CONF *conf = NCONF_new(NULL);
	X509V3_CTX ctx;
	HF_AUTO(ossl_mem) der = NULL;
	struct hf_crl *out = NULL;
	struct hf_err err = HF_ERR_INIT;
	int len;

	X509V3_set_ctx(&ctx, shared_ca, NULL, NULL, crl, 0);
	X509V3_set_nconf(&ctx, conf);
	assert_true(X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
		    X509_CRL_set_issuer_name(crl, X509_get_subject_name(shared_ca)) &&
		    X509_CRL_set1_lastUpdate(crl, last));
	if (ASN1_STRING_length(next) > 0)
		assert_true(X509_CRL_set1_nextUpdate(crl, next));
	for (size_t i = 0; i < 4 && spec->exts[i].name; i++) {
		HF_AUTO(X509_EXTENSION) ext =
		    X509V3_EXT_nconf(conf, &ctx, spec->exts[i].name, spec->exts[i].value);

		if (!ext)
			fail_msg("extension %s", spec->exts[i].name);
		assert_true(X509_CRL_add_ext(crl, ext, -1));
	}
	if (!spec->no_entry)
		add_entry(crl, spec, &ctx, conf);
	assert_true(X509_CRL_sign(crl, shared_key, EVP_sha256()) > 0);
	ASN1_TIME_free(last);
	ASN1_TIME_free(next);
	NCONF_free(conf);
	ERR_clear_error();
	len = i2d_X509_CRL(crl, &der);
	if (hf_crl_from_der(der, (size_t)len, &out, &err) < 0)
		fail_msg("%s", err.msg);
	fx_no_stale_errors("decoding");
	return out;
}

#define NUMBER                            \
	{                                 \
		"crlNumber", "DER:020103" \
	}

static void test_lists_are_flagged_not_refused(void **state)
{
	static const struct {
		const char *label;
		struct crl_spec spec;
		bool unknown_critical, bad;
		const char *number, *base_number;
		bool has_idp;
	} rows[] = {
		{ "ordinary",
		  { .exts = { NUMBER, { "authorityKeyIdentifier", "keyid:always" } } },
		  false,
		  false,
		  "3",
		  NULL,
		  false },
		{ "no number", { .no_entry = true }, false, false, NULL, NULL, false },
		{ "a number of twenty bytes",
		  { .exts = { { "crlNumber",
				"DER:02147fffffffffffffffffffffffffffffffffffffff" } } },
		  false,
		  false,
		  "7fffffffffffffffffffffffffffffffffffffff",
		  NULL,
		  false },
		{ "delta",
		  { .exts = { NUMBER, { "deltaCRL", "critical,DER:020101" } } },
		  false,
		  false,
		  "3",
		  "1",
		  false },
		{ "issuing distribution point",
		  { .exts = { NUMBER, { "issuingDistributionPoint", "critical,DER:30038101FF" } } },
		  false,
		  false,
		  "3",
		  NULL,
		  true },
		{ "one that does not decode",
		  { .exts = { { "issuingDistributionPoint", "critical,DER:0500" } } },
		  false,
		  true,
		  NULL,
		  NULL,
		  false },
		{ "an unknown extension",
		  { .exts = { { "1.2.3.4", "DER:0500" } } },
		  false,
		  false,
		  NULL,
		  NULL,
		  false },
		{ "an unknown critical extension",
		  { .exts = { { "1.2.3.4", "critical,DER:0500" } } },
		  true,
		  false,
		  NULL,
		  NULL,
		  false },
		{ "a critical extension of certificates is unknown here",
		  { .exts = { { "keyUsage", "critical,digitalSignature" } } },
		  true,
		  false,
		  NULL,
		  NULL,
		  false },
		{ "a number twice",
		  { .exts = { NUMBER, NUMBER } },
		  false,
		  true,
		  NULL,
		  NULL,
		  false },
		{ "a number that is none",
		  { .exts = { { "crlNumber", "DER:0500" } } },
		  false,
		  true,
		  NULL,
		  NULL,
		  false },
		{ "a reason in the entry",
		  { .entry = { "CRLReason", "DER:0A0101" } },
		  false,
		  false,
		  NULL,
		  NULL,
		  false },
		{ "a reason that does not decode",
		  { .entry = { "CRLReason", "DER:0500" } },
		  false,
		  true,
		  NULL,
		  NULL,
		  false },
		{ "an unknown critical extension in the entry",
		  { .entry = { "1.2.3.4", "critical,DER:0500" } },
		  true,
		  false,
		  NULL,
		  NULL,
		  false },
		{ "a date that is none",
		  { .last = "241301000000Z" },
		  false,
		  true,
		  NULL,
		  NULL,
		  false },
		{ "an end that is none",
		  { .next = "2401010000Z" },
		  false,
		  true,
		  NULL,
		  NULL,
		  false },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(hf_crl) crl = fx_crl(&rows[i].spec);

		print_message("  %s\n", rows[i].label);
		assert_int_equal(crl->unknown_critical, rows[i].unknown_critical);
		assert_int_equal(crl->bad, rows[i].bad);
		assert_true(hf_str_eq(crl->number, rows[i].number));
		assert_true(hf_str_eq(crl->base_number, rows[i].base_number));
		assert_int_equal(crl->idp != NULL, rows[i].has_idp);
		assert_int_equal(crl->revoked_count, rows[i].spec.no_entry ? 0 : 1);
		assert_string_equal(crl->issuer, "O=ABC Inc., CN=CA");
		assert_int_equal(crl->sig_md_nid, NID_sha256);
	}
}

static void test_times_and_key_identifier(void **state)
{
	HF_AUTO(hf_crl) crl =
	    fx_crl(&(struct crl_spec){ .exts = { { "authorityKeyIdentifier", "keyid:always" } } });
	HF_AUTO(hf_crl) endless = fx_crl(&(struct crl_spec){ .next = "" });
	HF_AUTO(hf_cert) ca = NULL;

	(void)state;
	assert_int_equal(hf_cert_new(shared_ca, &ca, NULL), 0);
	assert_int_equal(crl->akid_len, ca->skid_len);
	assert_memory_equal(crl->akid, ca->skid, ca->skid_len);
	assert_true(crl->this_update == hf_time_from_civil(2024, 1, 1, 0, 0, 0));
	assert_true(crl->next_update == hf_time_from_civil(2024, 2, 1, 0, 0, 0));
	assert_true(crl->has_next_update);
	assert_false(endless->has_next_update);
	assert_true(endless->next_update == HF_TIME_MAX);
	assert_false(endless->bad);
}

static void test_lists_of_lists_hold_references(void **state)
{
	HF_AUTO(hf_crl) crl = fx_crl(&(struct crl_spec){ .no_entry = true });
	HF_AUTO_DONE(hf_crls) list = HF_CRLS_INIT;

	(void)state;
	for (int i = 0; i < 6; i++)
		assert_int_equal(hf_crls_add(&list, crl, NULL), 0);
	assert_int_equal(atomic_load(&crl->refs), 7);
	hf_crls_done(&list);
	assert_int_equal(atomic_load(&crl->refs), 1);
	assert_null(hf_crl_ref(NULL));
	hf_crl_unref(NULL);
}

static void test_damaged_der_is_refused(void **state)
{
	HF_AUTO(hf_crl) crl = fx_crl(&(struct crl_spec){ .no_entry = true });

	(void)state;
	for (size_t n = 0; n < crl->der_len; n++) {
		struct hf_crl *out = NULL;

		assert_int_equal(hf_crl_from_der(crl->der, n, &out, NULL), -HF_E_PARSE);
		assert_null(out);
	}
	fx_no_stale_errors("damaged lists");
}

/* The walk over the bytes says what the decoder says, and of no part of a list anything. */
static void test_facts_are_those_of_the_decoder(void **state)
{
	static const struct crl_spec specs[] = {
		{ .exts = { NUMBER, { "authorityKeyIdentifier", "keyid" } } },
		{ .no_entry = true },
		{ .next = "" },
		{ .last = "20500101000000Z", .next = "20510101000000Z" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(specs); i++) {
		HF_AUTO(hf_crl) crl = fx_crl(&specs[i]);
		struct hf_crl_facts facts;

		assert_true(hf_crl_facts_read(crl->der, crl->der_len, &facts));
		assert_int_equal(facts.this_update, crl->this_update);
		assert_int_equal(facts.next_update, crl->has_next_update ? crl->next_update : 0);
		assert_int_equal(facts.revoked, crl->revoked_count);
		assert_string_equal(facts.number, crl->number ? crl->number : "");
		for (size_t n = 0; n < crl->der_len; n++)
			assert_false(hf_crl_facts_read(crl->der, n, &facts));
	}
}

static void test_reasons_have_names_both_ways(void **state)
{
	static const char *const none[] = { "", "keycompromis", "7", "key compromise", "hold" };
	size_t count = 0;

	(void)state;
	for (const char *const *name = hf_crl_reason_names(); *name; name++, count++)
		assert_string_equal(hf_crl_reason_name(hf_crl_reason_parse(*name)), *name);
	assert_int_equal(count, 10);
	assert_int_equal(hf_crl_reason_parse("keyCompromise"), CRL_REASON_KEY_COMPROMISE);
	assert_int_equal(hf_crl_reason_parse("KEYCOMPROMISE"), CRL_REASON_KEY_COMPROMISE);
	assert_int_equal(hf_crl_reason_parse("CACompromise"), CRL_REASON_CA_COMPROMISE);
	for (size_t i = 0; i < HF_ARRAY_LEN(none); i++)
		assert_int_equal(hf_crl_reason_parse(none[i]), -1);
	assert_null(hf_crl_reason_name(7));
	assert_null(hf_crl_reason_name(-1));
	assert_null(hf_crl_reason_name(11));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists_are_flagged_not_refused),
		cmocka_unit_test(test_times_and_key_identifier),
		cmocka_unit_test(test_lists_of_lists_hold_references),
		cmocka_unit_test(test_damaged_der_is_refused),
		cmocka_unit_test(test_facts_are_those_of_the_decoder),
		cmocka_unit_test(test_reasons_have_names_both_ways),
	};

	return cmocka_run_group_tests(tests, make_ca, drop_ca);
}
