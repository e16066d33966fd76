/* SPDX-License-Identifier: Apache-2.0 */
/* lib/pki/credential: the usual mistakes with two files, told apart before a byte is sent. */
#include "pki_fixture.h"

#include "pki/credential.h"

static int give(void *arg, const char *what, struct hf_secret *ret, struct hf_err *err)
{
	assert_non_null(what);
	return hf_secret_set(ret, arg, strlen(arg), err);
}

/* root -> issuing -> leaf, a cross certificate of the issuing CA by another root, and strangers. */
static int make_files(void **state)
{
	static const char script[] =
	    "exec >/dev/null 2>&1; set -e\n"
	    "ca() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $1.key -out $1.pem "
	    "-subj \"$2\" -days 9; }\n"
	    "ca root /CN=Root; ca other /CN=Other; ca same /CN=Root; ca self /CN=alone\n"
	    "echo 'basicConstraints=critical,CA:TRUE' > ca.ext\n"
	    "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout issuing.key -subj /CN=Issuing "
	    "-out issuing.csr\n"
	    "openssl x509 -req -in issuing.csr -CA root.pem -CAkey root.key -set_serial 2 -extfile ca.ext -out issuing.pem\n"
	    "openssl x509 -req -in issuing.csr -CA other.pem -CAkey other.key -set_serial 3 -extfile ca.ext -out cross.pem\n"
	    "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -subj /CN=node-07 -out csr.pem\n"
	    "openssl x509 -req -in csr.pem -CA issuing.pem -CAkey issuing.key -set_serial 4 -out leaf.pem\n"
	    "openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:2048 -out rsa.pem\n"
	    "openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256 -out stranger.pem\n"
	    "openssl pkcs8 -topk8 -in key.pem -passout pass:sesame -out sealed.pem\n"
	    "openssl pkey -in key.pem -pubout -out pub.pem\n"
	    "cat leaf.pem issuing.pem > chain.pem; cat leaf.pem issuing.pem root.pem > full.pem\n"
	    "cat issuing.pem leaf.pem > order.pem; cat root.pem issuing.pem leaf.pem > reversed.pem\n"
	    "cat leaf.pem cross.pem issuing.pem > crossed.pem; cat leaf.pem other.pem > wrongroot.pem\n"
	    "cat leaf.pem leaf.pem issuing.pem issuing.pem > doubled.pem\n"
	    "cat leaf.pem key.pem > one.pem; cat key.pem leaf.pem issuing.pem > keyfirst.pem\n"
	    "cat leaf.pem issuing.pem same.pem > samename.pem; cat leaf.pem self.pem > stray.pem\n"
	    "openssl x509 -in leaf.pem -outform DER -out leaf.der; openssl pkey -in key.pem -outform DER -out key.der\n"
	    "openssl pkcs12 -export -inkey key.pem -in chain.pem -passout pass:sesame -out id.p12\n"
	    "openssl pkcs12 -export -legacy -inkey key.pem -in chain.pem -passout pass:sesame -out rc2.p12\n"
	    "head -n 4 leaf.pem > cut.pem; : > empty.pem; head -n 2 key.pem > cutkey.pem\n"
	    "chmod 600 *.pem *.key *.der; cp key.pem open.pem; chmod 644 open.pem; cp key.pem group.pem; chmod 640 group.pem\n";

	if (fx_enter(state) < 0)
		return -1;
	fx_puts("make.sh", script);
	return system("bash make.sh") == 0 ? 0 : -1;
}

static void test_good_pairs(void **state)
{
	static const struct {
		const char *label, *cert, *key, *chain;
		bool stray_dropped, reordered, readable;
	} rows[] = {
		{ "leaf and key", "leaf.pem", "key.pem", "node-07", false, false, false },
		{ "leaf and intermediate", "chain.pem", "key.pem", "node-07 Issuing", false, false,
		  false },
		{ "with the root", "full.pem", "key.pem", "node-07 Issuing Root", false, false,
		  false },
		{ "intermediate first", "order.pem", "key.pem", "node-07 Issuing", false, true,
		  false },
		{ "upside down", "reversed.pem", "key.pem", "node-07 Issuing Root", false, true,
		  false },
		{ "both cross certificates: the first found is followed", "crossed.pem", "key.pem",
		  "node-07 Issuing Issuing", false, false, false },
		{ "a root that did not issue it", "wrongroot.pem", "key.pem", "node-07", true,
		  false, false },
		{ "each certificate twice", "doubled.pem", "key.pem", "node-07 Issuing", false,
		  false, false },
		{ "a root of the same name with another key", "samename.pem", "key.pem",
		  "node-07 Issuing", true, false, false },
		{ "a stray self-signed certificate", "stray.pem", "key.pem", "node-07", true, false,
		  false },
		{ "one file for both", "one.pem", NULL, "node-07", false, false, false },
		{ "the same file named twice", "one.pem", "one.pem", "node-07", false, false,
		  false },
		{ "key before certificate", "keyfirst.pem", NULL, "node-07 Issuing", false, false,
		  false },
		{ "DER", "leaf.der", "key.der", "node-07", false, false, false },
		{ "PKCS#12", "id.p12", NULL, "node-07 Issuing", false, false, false },
		{ "PKCS#12 for the key, PEM for the chain", "chain.pem", "id.p12",
		  "node-07 Issuing", false, false, false },
		{ "an encrypted key", "leaf.pem", "sealed.pem", "node-07", false, false, false },
		{ "self-signed", "self.pem", "self.key", "alone", false, false, false },
		{ "a key that all may read", "leaf.pem", "open.pem", "node-07", false, false,
		  true },
		{ "a key that a group may read", "leaf.pem", "group.pem", "node-07", false, false,
		  true },
	};
	struct hf_passphrase_source pass = { give, (char[]){ "sesame" } };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO(hf_credential) c = NULL;
		HF_AUTO_DONE(hf_buf) chain = HF_BUF_INIT(1024);
		struct hf_err err = HF_ERR_INIT;

		print_message("  %s\n", rows[i].label);
		if (hf_credential_load(rows[i].cert, rows[i].key, &pass, &c, &err) < 0)
			fail_msg("%s (%s)", err.msg, err.hint);
		for (size_t k = 0; k < c->chain.len; k++)
			(void)hf_buf_printf(&chain, "%s%s", k > 0 ? " " : "",
					    c->chain.items[k]->common_name);
		assert_string_equal(hf_buf_str(&chain), rows[i].chain);
		assert_int_equal(c->stray_dropped, rows[i].stray_dropped);
		assert_int_equal(c->reordered, rows[i].reordered);
		if (!strstr(rows[i].label, "PKCS#12"))
			assert_int_equal(c->key_world_readable, rows[i].readable);
		assert_true(hf_key_same(c->key, hf_cert_key_get0(c->chain.items[0])));
		assert_string_equal(c->cert_path, rows[i].cert);
		fx_no_stale_errors(rows[i].label);
	}
}

static void test_mistakes_are_told_apart(void **state)
{
	static const struct {
		const char *label, *cert, *key, *passphrase;
		int code;
		const char *message, *hint;
	} rows[] = {
		{ "another key of the same kind", "leaf.pem", "stranger.pem", NULL, HF_E_MISMATCH,
		  "both are EC P-256, but not the same key", "enrol again" },
		{ "another key of another kind", "leaf.pem", "rsa.pem", NULL, HF_E_MISMATCH,
		  "(RSA 2048 bits) does not belong to the certificate for CN=node-07 (EC P-256)",
		  "enrol again" },
		{ "the CA's key", "leaf.pem", "issuing.key", NULL, HF_E_MISMATCH,
		  "'issuing.key' and 'leaf.pem'", "" },
		{ "swapped", "key.pem", "leaf.pem", NULL, HF_E_MISMATCH,
		  "swapped: 'key.pem' holds the private key, 'leaf.pem' the certificate",
		  "exchange the two paths" },
		{ "swapped, and the key encrypted", "sealed.pem", "leaf.pem", NULL, HF_E_MISMATCH,
		  "swapped", "exchange" },
		{ "a request instead of the certificate", "csr.pem", "key.pem", NULL, HF_E_INVALID,
		  "'csr.pem' holds no certificate, but a certificate request (CSR) for CN=node-07",
		  "send the request to the CA" },
		{ "a key and nothing else", "key.pem", NULL, NULL, HF_E_INVALID,
		  "holds no certificate, but a private key", "" },
		{ "a certificate and no key", "leaf.pem", NULL, NULL, HF_E_INVALID,
		  "'leaf.pem' holds no private key, but a certificate for CN=node-07", "--key" },
		{ "two certificates", "leaf.pem", "chain.pem", NULL, HF_E_INVALID,
		  "'chain.pem' holds no private key, but 2", "" },
		{ "the public key", "leaf.pem", "pub.pem", NULL, HF_E_INVALID,
		  "holds no private key, but a public key", "private key that was made" },
		{ "an encrypted key and nobody to ask", "leaf.pem", "sealed.pem", NULL,
		  HF_E_PASSPHRASE,
		  "'sealed.pem': block 1 (ENCRYPTED PRIVATE KEY): it is encrypted and no passphrase was given",
		  "--passphrase-file" },
		{ "a wrong passphrase", "leaf.pem", "sealed.pem", "wrong", HF_E_PASSPHRASE,
		  "does not open", "check the passphrase" },
		{ "a wrong passphrase for PKCS#12", "id.p12", NULL, "wrong", HF_E_PASSPHRASE,
		  "does not open", "" },
		{ "an old PKCS#12", "rc2.p12", NULL, "sesame", HF_E_UNSUPPORTED, "legacy provider",
		  "openssl pkcs12 -legacy" },
		{ "a certificate cut off", "cut.pem", "key.pem", NULL, HF_E_PARSE,
		  "'cut.pem': block 1 (CERTIFICATE) is cut off", "copy it again" },
		{ "a key cut off", "leaf.pem", "cutkey.pem", NULL, HF_E_PARSE,
		  "'cutkey.pem': block 1 (PRIVATE KEY) is cut off", "" },
		{ "an empty certificate file", "empty.pem", "key.pem", NULL, HF_E_PARSE,
		  "'empty.pem': the file is empty", "restore" },
		{ "an empty key file", "leaf.pem", "empty.pem", NULL, HF_E_PARSE,
		  "'empty.pem': the file is empty", "" },
		{ "no such certificate file", "nowhere.pem", "key.pem", NULL, HF_E_NOENT,
		  "certificate: cannot open 'nowhere.pem'", "correct the path" },
		{ "no such key file", "leaf.pem", "nowhere.pem", NULL, HF_E_NOENT,
		  "private key: cannot open 'nowhere.pem'", "correct the path" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		struct hf_passphrase_source pass = { give, (void *)(uintptr_t)rows[i].passphrase };
		struct hf_credential *c = NULL;
		struct hf_err err = HF_ERR_INIT;
		int rc = hf_credential_load(rows[i].cert, rows[i].key,
					    rows[i].passphrase ? &pass : NULL, &c, &err);

		print_message("  %s\n", rows[i].label);
		assert_null(c);
		if (rc != -rows[i].code || !strstr(err.msg, rows[i].message) ||
		    !strstr(err.hint, rows[i].hint))
			fail_msg("%d says '%s' (%s)", rc, err.msg, err.hint);
		fx_no_stale_errors(rows[i].label);
	}
}

static void test_unreadable_key_names_its_owner(void **state)
{
	struct hf_credential *c = NULL;
	struct hf_err err = HF_ERR_INIT;
	uid_t before = geteuid();

	(void)state;
	fx_run("cp key.pem closed.pem && chmod 0 closed.pem && chmod 755 . && chmod 644 leaf.pem");
	if (before == 0)
		assert_int_equal(seteuid(65534), 0); /* root may read everything */
	assert_int_equal(hf_credential_load("leaf.pem", "closed.pem", NULL, &c, &err), -HF_E_PERM);
	assert_int_equal(seteuid(before), 0);
	if (!strstr(err.msg, "cannot open 'closed.pem'") ||
	    !strstr(err.hint, "may not read it (mode 0000, owner"))
		fail_msg("says '%s' (%s)", err.msg, err.hint);
	fx_run("chmod 600 leaf.pem");
}

static void test_credentials_from_objects(void **state)
{
	HF_AUTO_DONE(hf_pemfile) full = HF_PEMFILE_INIT;
	HF_AUTO_DONE(hf_pemfile) key = HF_PEMFILE_INIT;
	HF_AUTO_DONE(hf_certs) none = HF_CERTS_INIT;
	HF_AUTO(EVP_PKEY) stranger = fx_key(HF_KEY_P256);
	HF_AUTO(hf_credential) c = NULL;
	struct hf_credential *no = NULL;
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	assert_int_equal(hf_pemfile_load(&full, "full.pem", 0, NULL, NULL), 0);
	assert_int_equal(hf_pemfile_load(&key, "key.pem", HF_WANT_KEY, NULL, NULL), 0);
	assert_int_equal(hf_credential_new(key.key, &full.certs, &c, NULL), 0);
	assert_int_equal(c->chain.len, 3);
	assert_false(c->stray_dropped);
	assert_null(c->cert_path);
	assert_int_equal(hf_credential_new(stranger, &full.certs, &no, &err), -HF_E_MISMATCH);
	assert_int_equal(hf_credential_new(key.key, &none, &no, &err), -HF_E_INVALID);
	assert_null(no);
	/* the credential stands alone */
	hf_pemfile_done(&full);
	hf_pemfile_done(&key);
	assert_string_equal(c->chain.items[1]->common_name, "Issuing");
	assert_int_equal(EVP_PKEY_get_bits(c->key), 256);
	hf_credential_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_pairs),
		cmocka_unit_test(test_mistakes_are_told_apart),
		cmocka_unit_test(test_unreadable_key_names_its_owner),
		cmocka_unit_test(test_credentials_from_objects),
	};

	return cmocka_run_group_tests(tests, make_files, fx_leave);
}
