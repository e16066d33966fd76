/* SPDX-License-Identifier: Apache-2.0 */
/* lib/pki/pemfile: every form a user may hand in, made by openssl, and every way it may be damaged.
 */
#include "pki_fixture.h"

#include "pki/pemfile.h"

/* A source that gives one passphrase, or none, and counts how often it is asked. */
struct giver {
	const char *passphrase;
	int asked;
};

static int give(void *arg, const char *what, struct hf_secret *ret, struct hf_err *err)
{
	struct giver *g = arg;

	assert_non_null(what);
	g->asked++;
	return g->passphrase ? hf_secret_set(ret, g->passphrase, strlen(g->passphrase), err) : 1;
}

/* Made once, in a directory of the whole group. */
static int make_files(void **state)
{
	static const char script[] =
	    "exec >/dev/null 2>&1; set -e\n"
	    "openssl req -x509 -newkey rsa:2048 -nodes -keyout rsa8.pem -out ca.pem -subj /CN=CA -days 9\n"
	    "openssl rsa -in rsa8.pem -traditional -out rsa1.pem\n"
	    "openssl ecparam -name prime256v1 -genkey -out ecparam.pem\n"
	    "openssl pkey -in ecparam.pem -out ec8.pem\n"
	    "openssl ec -in ecparam.pem -out ec1.pem\n"
	    "openssl ec -in ecparam.pem -param_enc explicit -out explicit.pem\n"
	    "openssl genpkey -algorithm ed25519 -out ed.pem\n"
	    "openssl pkcs8 -topk8 -in rsa8.pem -passout pass:sesame -out enc8.pem\n"
	    "openssl pkcs8 -topk8 -in rsa8.pem -passout pass:sesame -scrypt -out scrypt.pem\n"
	    "openssl pkcs8 -topk8 -in rsa8.pem -passout pass:sesame -v1 PBE-SHA1-3DES -out enc3des.pem\n"
	    "openssl rsa -in rsa8.pem -traditional -aes256 -passout pass:sesame -out enc1.pem\n"
	    "openssl ec -in ec1.pem -aes128 -passout pass:sesame -out encec1.pem\n"
	    "openssl pkey -in rsa8.pem -pubout -out pub.pem\n"
	    "openssl req -new -key ec8.pem -subj /CN=node-07 -out csr.pem\n"
	    "openssl x509 -req -in csr.pem -CA ca.pem -CAkey rsa8.pem -set_serial 5 -days 9 -out leaf.pem\n"
	    "openssl crl2pkcs7 -nocrl -certfile leaf.pem -certfile ca.pem -out bag.p7\n"
	    "openssl x509 -in ca.pem -trustout -addtrust serverAuth -setalias me -out trusted.pem\n"
	    "touch index; echo 01 > number\n"
	    "printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=index\\ncrlnumber=number\\ndefault_md=sha256\\n"
	    "default_crl_days=9\\n' > cnf\n"
	    "openssl ca -config cnf -gencrl -keyfile rsa8.pem -cert ca.pem -out crl.pem\n"
	    "P='openssl pkcs12 -export -inkey ec8.pem -in leaf.pem -certfile ca.pem'\n"
	    "$P -passout pass:sesame -out modern.p12\n"
	    "$P -passout pass: -out empty.p12\n"
	    "$P -passout pass:sesame -legacy -certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1 -out 3des.p12\n"
	    "$P -passout pass:sesame -legacy -out rc2.p12\n"
	    "$P -passout pass:sesame -keypbe NONE -certpbe NONE -out plain.p12\n"
	    "$P -passout pass:sesame -nomac -out nomac.p12\n"
	    "for f in rsa8 rsa1 ec8 ec1 ed; do openssl pkey -in $f.pem -outform DER -out $f.der; done\n"
	    "openssl rsa -in rsa8.pem -traditional -outform DER -out rsa1.der\n"
	    "openssl ec -in ec1.pem -outform DER -out ec1.der\n"
	    "openssl pkcs8 -topk8 -in rsa8.pem -passout pass:sesame -outform DER -out enc8.der\n"
	    "openssl x509 -in leaf.pem -outform DER -out leaf.der\n"
	    "openssl req -in csr.pem -outform DER -out csr.der\n"
	    "openssl crl -in crl.pem -outform DER -out crl.der\n"
	    "openssl pkey -in rsa8.pem -pubout -outform DER -out pub.der\n"
	    "openssl crl2pkcs7 -nocrl -certfile leaf.pem -certfile ca.pem -outform DER -out bag.der\n"
	    "cat leaf.pem ca.pem ec8.pem > both.pem; cat ec8.pem leaf.pem > keyfirst.pem\n"
	    "openssl x509 -in leaf.pem -text > text.pem; (printf '\\357\\273\\277'; cat leaf.pem) > bom.pem\n"
	    "sed 's/$/\\r/' leaf.pem > crlf.pem; sed 's/^/   /' leaf.pem > indented.pem\n"
	    "head -n 4 leaf.pem > cut.pem; (cat leaf.pem; head -n 4 ca.pem) > secondcut.pem\n"
	    "(head -n 4 ca.pem; cat leaf.pem) > firstcut.pem; tail -n 4 leaf.pem > headless.pem\n"
	    "sed '3s/^..../!!!!/' leaf.pem > rotten.pem; sed '3d' leaf.pem > lineless.pem\n"
	    "sed 's/END CERTIFICATE/END CRL/' leaf.pem > otherend.pem\n"
	    "sed 's/BEGIN CERTIFICATE-----/BEGIN CERTIFICATE---/' leaf.pem > badbegin.pem\n"
	    "head -c 100 leaf.der > cut.der; (cat leaf.der; echo) > more.der; cat leaf.der leaf.der > twice.der\n"
	    "head -c 200 modern.p12 > cut.p12; grep -v -- ----- leaf.pem > bare.pem\n"
	    ": > empty; printf ' \\n\\t\\n' > white\n"
	    "printf '\\376\\355\\376\\355xxxx' > keystore.jks; echo 'ssh-rsa AAAA' > ssh.pub; echo '<html>' > page\n"
	    "iconv -f ASCII -t UTF-16 leaf.pem > utf16.pem; echo hello > text; printf '\\001\\002\\003' > binary\n"
	    "openssl ecparam -name prime256v1 -out params.pem\n"
	    "echo '{\"a\": 1}' > json; : | gzip > gz\n"
	    "printf -- '-----BEGIN OPENSSH PRIVATE KEY-----\\nAAAA\\n-----END OPENSSH PRIVATE KEY-----\\n' > ossh\n"
	    "for i in 1 2 3; do cat crl.pem; done > crls.pem\n";

	if (fx_enter(state) < 0)
		return -1;
	fx_puts("make.sh", script);
	return system("bash make.sh") == 0 ? 0 : -1;
}

/* What each file is, with and without its passphrase. */
static const struct reading {
	const char *file;
	size_t certs, crls, csrs, keys, public_keys;
	bool got_key, encrypted, der, pkcs12;
	int asked;
	const char *words;
} readings[] = {
	{ "ca.pem", 1, 0, 0, 0, 0, false, false, false, false, 0, "a certificate for CN=CA" },
	{ "rsa8.pem", 0, 0, 0, 1, 0, true, false, false, false, 0, "a private key" },
	{ "rsa1.pem", 0, 0, 0, 1, 0, true, false, false, false, 0, "a private key" },
	{ "ec8.pem", 0, 0, 0, 1, 0, true, false, false, false, 0, "a private key" },
	{ "ec1.pem", 0, 0, 0, 1, 0, true, false, false, false, 0, "a private key" },
	{ "ecparam.pem", 0, 0, 0, 1, 0, true, false, false, false, 0, "a private key" },
	{ "ed.pem", 0, 0, 0, 1, 0, true, false, false, false, 0, "a private key" },
	{ "enc8.pem", 0, 0, 0, 1, 0, true, true, false, false, 1, "an encrypted private key" },
	{ "scrypt.pem", 0, 0, 0, 1, 0, true, true, false, false, 1, "an encrypted private key" },
	{ "enc3des.pem", 0, 0, 0, 1, 0, true, true, false, false, 1, "an encrypted private key" },
	{ "enc1.pem", 0, 0, 0, 1, 0, true, true, false, false, 1, "an encrypted private key" },
	{ "encec1.pem", 0, 0, 0, 1, 0, true, true, false, false, 1, "an encrypted private key" },
	{ "pub.pem", 0, 0, 0, 0, 1, false, false, false, false, 0, "a public key" },
	{ "csr.pem", 0, 0, 1, 0, 0, false, false, false, false, 0,
	  "a certificate request (CSR) for CN=node-07" },
	{ "crl.pem", 0, 1, 0, 0, 0, false, false, false, false, 0, "a CRL of CN=CA" },
	{ "crls.pem", 0, 3, 0, 0, 0, false, false, false, false, 0, "3 CRLs, the first of CN=CA" },
	{ "trusted.pem", 1, 0, 0, 0, 0, false, false, false, false, 0, "a certificate for CN=CA" },
	{ "bag.p7", 2, 0, 0, 0, 0, false, false, false, false, 0, NULL },
	{ "both.pem", 2, 0, 0, 1, 0, true, false, false, false, 0,
	  "2 certificates, the first for CN=node-07, a private key" },
	{ "keyfirst.pem", 1, 0, 0, 1, 0, true, false, false, false, 0,
	  "a certificate for CN=node-07, a private key" },
	{ "text.pem", 1, 0, 0, 0, 0, false, false, false, false, 0, NULL },
	{ "bom.pem", 1, 0, 0, 0, 0, false, false, false, false, 0, NULL },
	{ "crlf.pem", 1, 0, 0, 0, 0, false, false, false, false, 0, NULL },
	{ "indented.pem", 1, 0, 0, 0, 0, false, false, false, false, 0, NULL },
	{ "leaf.der", 1, 0, 0, 0, 0, false, false, true, false, 0, NULL },
	{ "csr.der", 0, 0, 1, 0, 0, false, false, true, false, 0, NULL },
	{ "crl.der", 0, 1, 0, 0, 0, false, false, true, false, 0, NULL },
	{ "pub.der", 0, 0, 0, 0, 1, false, false, true, false, 0, NULL },
	{ "rsa8.der", 0, 0, 0, 1, 0, true, false, true, false, 0, NULL },
	{ "rsa1.der", 0, 0, 0, 1, 0, true, false, true, false, 0, NULL },
	{ "ec1.der", 0, 0, 0, 1, 0, true, false, true, false, 0, NULL },
	{ "ed.der", 0, 0, 0, 1, 0, true, false, true, false, 0, NULL },
	{ "enc8.der", 0, 0, 0, 1, 0, true, true, true, false, 1, NULL },
	{ "bag.der", 2, 0, 0, 0, 0, false, false, true, false, 0, NULL },
	{ "modern.p12", 2, 0, 0, 1, 0, true, true, true, true, 1, NULL },
	{ "3des.p12", 2, 0, 0, 1, 0, true, true, true, true, 1, NULL },
	{ "empty.p12", 2, 0, 0, 1, 0, true, true, true, true, 0, NULL },
	{ "plain.p12", 2, 0, 0, 1, 0, true, false, true, true, 1, NULL },
	{ "nomac.p12", 2, 0, 0, 1, 0, true, true, true, true, 1, NULL },
};

static void check_reading(const struct reading *r, const struct hf_pemfile *f, bool wanted)
{
	char words[256];

	assert_int_equal(f->certs.len, r->certs);
	assert_int_equal(f->crls.len, r->crls);
	assert_int_equal(f->csrs_len, r->csrs);
	assert_int_equal(f->keys_len, r->keys);
	assert_int_equal(f->public_keys_len, r->public_keys);
	assert_int_equal(f->key != NULL, wanted && r->got_key);
	assert_int_equal(f->key_encrypted, r->encrypted);
	assert_int_equal(f->was_der, r->der);
	assert_int_equal(f->was_pkcs12, r->pkcs12);
	if (!r->words)
		return;
	hf_pemfile_describe(f, words, sizeof(words));
	assert_string_equal(words, r->words);
}

static void test_every_form_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(readings); i++) {
		struct giver giver = { "sesame", 0 };
		struct hf_passphrase_source pass = { give, &giver };
		HF_AUTO_DONE(hf_pemfile) f = HF_PEMFILE_INIT;
		struct hf_err err = HF_ERR_INIT;

		print_message("  %s\n", readings[i].file);
		if (hf_pemfile_load(&f, readings[i].file, HF_WANT_KEY, &pass, &err) < 0)
			fail_msg("%s (%s)", err.msg, err.hint);
		check_reading(&readings[i], &f, true);
		assert_int_equal(giver.asked, readings[i].asked);
		fx_no_stale_errors(readings[i].file);
	}
}

static void test_keys_that_nobody_wants_are_counted_and_no_passphrase_is_asked(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(readings); i++) {
		struct giver giver = { "sesame", 0 };
		struct hf_passphrase_source pass = { give, &giver };
		HF_AUTO_DONE(hf_pemfile) f = HF_PEMFILE_INIT;

		if (readings[i].pkcs12)
			continue; /* its certificates are encrypted too */
		print_message("  %s\n", readings[i].file);
		assert_int_equal(hf_pemfile_load(&f, readings[i].file, 0, &pass, NULL), 0);
		check_reading(&readings[i], &f, false);
		assert_int_equal(giver.asked, 0);
	}
}

static void test_missing_and_wrong_passphrases_are_told_apart(void **state)
{
	static const char *const files[] = { "enc8.pem",   "scrypt.pem", "enc3des.pem",
					     "enc1.pem",   "encec1.pem", "enc8.der",
					     "modern.p12", "3des.p12",	 "nomac.p12" };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(files); i++) {
		struct giver none = { NULL, 0 }, wrong = { "open please", 0 };
		struct hf_passphrase_source sources[] = { { give, &none }, { give, &wrong } };
		const char *words[] = { "no passphrase was given", "does not open" };

		for (size_t k = 0; k < 3; k++) { /* the third: nobody to ask */
			HF_AUTO_DONE(hf_pemfile) f = HF_PEMFILE_INIT;
			struct hf_err err = HF_ERR_INIT;

			print_message("  %s %zu\n", files[i], k);
			assert_int_equal(hf_pemfile_load(&f, files[i], HF_WANT_KEY,
							 k < 2 ? &sources[k] : NULL, &err),
					 -HF_E_PASSPHRASE);
			assert_non_null(strstr(err.msg, words[k % 2]));
			assert_non_null(strstr(err.msg, files[i]));
			assert_true(err.hint[0] != '\0');
			assert_null(strstr(err.msg, "open please"));
			assert_null(f.key);
			fx_no_stale_errors(files[i]);
		}
		assert_int_equal(none.asked, 1);
		assert_int_equal(wrong.asked, 1);
	}
}

static void test_damaged_and_foreign_files_say_what_they_are(void **state)
{
	static const struct {
		const char *file;
		int code;
		const char *message, *hint;
	} rows[] = {
		{ "cut.pem", HF_E_PARSE, "block 1 (CERTIFICATE) is cut off", "copy it again" },
		{ "secondcut.pem", HF_E_PARSE, "block 2 (CERTIFICATE) is cut off",
		  "copy it again" },
		{ "firstcut.pem", HF_E_PARSE, "block 1 (CERTIFICATE) is cut off", "copy it again" },
		{ "headless.pem", HF_E_PARSE, "block 1 has an END line but no BEGIN",
		  "copy the file again" },
		{ "rotten.pem", HF_E_PARSE, "block 1 (CERTIFICATE) is damaged: it is not base64",
		  "copy" },
		{ "lineless.pem", HF_E_PARSE, "block 1 (CERTIFICATE): the certificate is cut off",
		  "" },
		{ "otherend.pem", HF_E_PARSE, "damaged END line", "" },
		{ "badbegin.pem", HF_E_PARSE, "damaged BEGIN line", "" },
		{ "cut.der", HF_E_PARSE, "is cut off", "copy the file again" },
		{ "more.der", HF_E_PARSE, "1 bytes follow", "" },
		{ "twice.der", HF_E_PARSE, "bytes follow", "" },
		{ "cut.p12", HF_E_PARSE, "is cut off", "" },
		{ "empty", HF_E_PARSE, "the file is empty", "restore" },
		{ "white", HF_E_PARSE, "the file is empty", "restore" },
		{ "bare.pem", HF_E_PARSE, "base64 without its BEGIN", "put the BEGIN" },
		{ "keystore.jks", HF_E_PARSE, "Java keystore", "keytool" },
		{ "ssh.pub", HF_E_PARSE, "OpenSSH public key", "X.509" },
		{ "page", HF_E_PARSE, "web page", "fetch" },
		{ "json", HF_E_PARSE, "JSON", "" },
		{ "gz", HF_E_PARSE, "gzip", "unpack" },
		{ "utf16.pem", HF_E_PARSE, "UTF-16", "iconv" },
		{ "text", HF_E_PARSE, "text without any PEM block", "" },
		{ "binary", HF_E_PARSE, "binary data", "" },
		{ "params.pem", HF_E_PARSE, "nothing but 'EC PARAMETERS'", "" },
		{ "ossh", HF_E_PARSE, "nothing but 'OPENSSH PRIVATE KEY'", "" },
		{ "explicit.pem", HF_E_UNSUPPORTED, "spells its curve out", "named_curve" },
		{ "rc2.p12", HF_E_UNSUPPORTED, "legacy provider",
		  "openssl pkcs12 -legacy -in rc2.p12" },
		{ "not-there", HF_E_NOENT, "'not-there'", "correct the path" },
		{ ".", HF_E_INVALID, "is a directory", "" },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		struct giver giver = { "sesame", 0 };
		struct hf_passphrase_source pass = { give, &giver };
		HF_AUTO_DONE(hf_pemfile) f = HF_PEMFILE_INIT;
		struct hf_err err = HF_ERR_INIT;

		print_message("  %s\n", rows[i].file);
		assert_int_equal(hf_pemfile_load(&f, rows[i].file, HF_WANT_KEY, &pass, &err),
				 -rows[i].code);
		if (!strstr(err.msg, rows[i].message) || !strstr(err.hint, rows[i].hint) ||
		    !strstr(err.msg, rows[i].file))
			fail_msg("says '%s' (%s)", err.msg, err.hint);
		assert_int_equal(giver.asked, 0);
		fx_no_stale_errors(rows[i].file);
	}
}

static void test_every_cut_of_a_file_is_refused(void **state)
{
	static const char *const files[] = { "leaf.pem", "leaf.der", "ec8.pem",
					     "ec1.der",	 "csr.pem",  "bag.der" };

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(files); i++) {
		HF_AUTO_DONE(hf_buf) data = HF_BUF_INIT(65536);

		print_message("  %s\n", files[i]);
		assert_int_equal(hf_file_read(files[i], &data, NULL), 0);
		/* without its last newline a PEM file is still whole */
		for (size_t n = 0; n < data.len - (hf_str_ends(files[i], ".pem") ? 1 : 0); n++) {
			HF_AUTO_DONE(hf_pemfile) f = HF_PEMFILE_INIT;

			if (hf_pemfile_parse(&f, data.data, n, "cut", HF_WANT_KEY, NULL, NULL) >= 0)
				fail_msg("%s is accepted when cut to %zu of %zu bytes", files[i], n,
					 data.len);
		}
		fx_no_stale_errors(files[i]);
	}
}

static void test_work_that_a_file_may_ask_for_is_bounded(void **state)
{
	HF_AUTO_DONE(hf_buf) der = HF_BUF_INIT(65536);
	struct giver giver = { "sesame", 0 };
	struct hf_passphrase_source pass = { give, &giver };
	HF_AUTO_DONE(hf_pemfile) f = HF_PEMFILE_INIT;
	struct hf_err err = HF_ERR_INIT;
	char *at;

	(void)state;
	/* INTEGER 2048 (02 02 08 00), PBKDF2's count, becomes a negative one, then a huge one */
	assert_int_equal(hf_file_read("enc8.der", &der, NULL), 0);
	at = memmem(der.data, der.len, "\x02\x02\x08\x00", 4);
	assert_non_null(at);
	at[2] = (char)0x88;
	assert_int_equal(hf_pemfile_parse(&f, der.data, der.len, "x", HF_WANT_KEY, &pass, &err),
			 -HF_E_LIMIT);
	assert_non_null(strstr(err.msg, "iterations"));
	fx_run(
	    "openssl pkcs8 -topk8 -in rsa8.pem -passout pass:sesame -iter 10000001 -outform DER -out slow.der");
	assert_int_equal(hf_pemfile_load(&f, "slow.der", HF_WANT_KEY, &pass, &err), -HF_E_LIMIT);
	fx_run(
	    "openssl pkcs12 -export -inkey ec8.pem -in leaf.pem -passout pass:sesame -iter 4000000 "
	    "-out slow.p12");
	assert_int_equal(hf_pemfile_load(&f, "slow.p12", HF_WANT_KEY, &pass, &err), -HF_E_LIMIT);
	fx_run(
	    "openssl pkcs8 -topk8 -in rsa8.pem -passout pass:sesame -scrypt -scrypt_N 64 -scrypt_r 1 "
	    "-scrypt_p 200000 -outform DER -out slow.der");
	assert_int_equal(hf_pemfile_load(&f, "slow.der", HF_WANT_KEY, &pass, &err), -HF_E_LIMIT);
	assert_int_equal(giver.asked, 0);
	fx_no_stale_errors("a slow file");
}

static void test_number_of_blocks_is_bounded(void **state)
{
	static const char block[] = "-----BEGIN X-----\n-----END X-----\n";
	HF_AUTO_DONE(hf_buf) many = HF_BUF_INIT(1 << 20);
	HF_AUTO_DONE(hf_buf) label = HF_BUF_INIT(1000);
	HF_AUTO_DONE(hf_pemfile) f = HF_PEMFILE_INIT;
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	for (int i = 0; i <= HF_PEMFILE_BLOCKS; i++)
		assert_int_equal(hf_buf_puts(&many, block), 0);
	assert_int_equal(hf_pemfile_parse(&f, many.data, many.len, "x", 0, NULL, &err),
			 -HF_E_LIMIT);
	assert_non_null(strstr(err.msg, "blocks"));
	(void)hf_buf_puts(&label, "-----BEGIN ");
	for (int i = 0; i < 100; i++)
		(void)hf_buf_putc(&label, 'A');
	(void)hf_buf_puts(&label, "-----\n");
	assert_int_equal(hf_pemfile_parse(&f, label.data, label.len, "x", 0, NULL, &err),
			 -HF_E_PARSE);
}

static void test_reading_again_forgets_what_was_there(void **state)
{
	HF_AUTO_DONE(hf_pemfile) f = HF_PEMFILE_INIT;

	(void)state;
	assert_int_equal(hf_pemfile_load(&f, "both.pem", HF_WANT_KEY, NULL, NULL), 0);
	assert_int_equal(hf_pemfile_load(&f, "csr.pem", HF_WANT_KEY, NULL, NULL), 0);
	assert_int_equal(f.certs.len, 0);
	assert_null(f.key);
	assert_int_equal(f.csrs_len, 1);
}

static void test_pkcs12_written_is_read_by_openssl_and_by_us(void **state)
{
	HF_AUTO_DONE(hf_pemfile) both = HF_PEMFILE_INIT;
	HF_AUTO_DONE(hf_secret) secret = HF_SECRET_INIT;

	(void)state;
	assert_int_equal(hf_pemfile_load(&both, "both.pem", HF_WANT_KEY, NULL, NULL), 0);
	assert_int_equal(hf_secret_set(&secret, "sesame", 6, NULL), 0);
	for (int legacy = 0; legacy < 2; legacy++) {
		struct giver giver = { "sesame", 0 };
		struct hf_passphrase_source pass = { give, &giver };
		HF_AUTO_DONE(hf_buf) der = HF_BUF_INIT(65536);
		HF_AUTO_DONE(hf_pemfile) back = HF_PEMFILE_INIT;

		assert_int_equal(hf_pkcs12_write(both.key, &both.certs, "mail server", &secret,
						 legacy, &der, NULL),
				 0);
		fx_write("out.p12", der.data, der.len);
		fx_run(
		    "openssl pkcs12 -in out.p12 -passin pass:sesame -nodes -info > out.txt 2>&1");
		fx_run("grep -q 'friendlyName: mail server' out.txt");
		fx_run(
		    legacy
			? "grep -q 'MAC: sha1' out.txt && grep -q pbeWithSHA1And3-KeyTripleDES-CBC out.txt"
			: "grep -q 'MAC: sha256, Iteration 600000' out.txt && grep -q 'AES-256-CBC, Iteration 600000, "
			  "PRF hmacWithSHA256' out.txt");
		assert_int_equal(hf_pemfile_load(&back, "out.p12", HF_WANT_KEY, &pass, NULL), 0);
		assert_int_equal(back.certs.len, 2);
		assert_true(hf_key_same(back.key, both.key));
		assert_true(hf_cert_equal(back.certs.items[0], both.certs.items[0]));
	}
	fx_no_stale_errors("PKCS#12");
}

static void test_pkcs12_needs_a_passphrase_and_a_matching_certificate(void **state)
{
	HF_AUTO_DONE(hf_pemfile) both = HF_PEMFILE_INIT;
	HF_AUTO(EVP_PKEY) other = fx_key(HF_KEY_P256);
	HF_AUTO_DONE(hf_secret) secret = HF_SECRET_INIT;
	HF_AUTO_DONE(hf_buf) der = HF_BUF_INIT(65536);
	HF_AUTO_DONE(hf_certs) none = HF_CERTS_INIT;
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	assert_int_equal(hf_pemfile_load(&both, "both.pem", HF_WANT_KEY, NULL, NULL), 0);
	assert_int_equal(hf_pkcs12_write(both.key, &both.certs, NULL, &secret, false, &der, &err),
			 -HF_E_PASSPHRASE);
	assert_int_equal(hf_secret_set(&secret, "x", 1, NULL), 0);
	assert_int_equal(hf_pkcs12_write(both.key, &none, NULL, &secret, false, &der, &err),
			 -HF_E_INVALID);
	assert_int_equal(hf_pkcs12_write(other, &both.certs, NULL, &secret, false, &der, &err),
			 -HF_E_CRYPTO);
	assert_int_equal(der.len, 0);
	fx_no_stale_errors("PKCS#12");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_form_is_read),
		cmocka_unit_test(
		    test_keys_that_nobody_wants_are_counted_and_no_passphrase_is_asked),
		cmocka_unit_test(test_missing_and_wrong_passphrases_are_told_apart),
		cmocka_unit_test(test_damaged_and_foreign_files_say_what_they_are),
		cmocka_unit_test(test_every_cut_of_a_file_is_refused),
		cmocka_unit_test(test_work_that_a_file_may_ask_for_is_bounded),
		cmocka_unit_test(test_number_of_blocks_is_bounded),
		cmocka_unit_test(test_reading_again_forgets_what_was_there),
		cmocka_unit_test(test_pkcs12_written_is_read_by_openssl_and_by_us),
		cmocka_unit_test(test_pkcs12_needs_a_passphrase_and_a_matching_certificate),
	};

	return cmocka_run_group_tests(tests, make_files, fx_leave);
}
