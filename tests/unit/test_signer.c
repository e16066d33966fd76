/* SPDX-License-Identifier: Apache-2.0 */
/* src/ca/signer*: pkcs11: URIs, and keys by file.  Tokens themselves: tests/system/authority/
 * test_pkcs11.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "ca/signer.h"
#include "ca/signer_uri.h"

static void test_uri_parts(void **state)
{
	struct hf_pkcs11_uri uri;
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	assert_int_equal(
	    hf_pkcs11_uri_parse("pkcs11:token=My%20CA;manufacturer=Soft;model=v2;serial=12ab;"
				"object=issuing;type=private;id=%01%00%fF;slot-id=7"
				"?pin-source=file:/run/pin&module-path=/usr/lib/x.so&other=1",
				&uri, &err),
	    0);
	assert_string_equal(uri.token, "My CA");
	assert_string_equal(uri.manufacturer, "Soft");
	assert_string_equal(uri.model, "v2");
	assert_string_equal(uri.serial, "12ab");
	assert_string_equal(uri.object, "issuing");
	assert_int_equal(uri.id_len, 3);
	assert_memory_equal(uri.id, "\x01\x00\xff", 3);
	assert_true(uri.has_slot);
	assert_int_equal(uri.slot, 7);
	assert_string_equal(uri.pin_source, "/run/pin");
	assert_string_equal(uri.module_path, "/usr/lib/x.so");
	assert_int_equal(hf_pkcs11_uri_parse("pkcs11:", &uri, &err), 0);
	assert_string_equal(uri.token, "");
	assert_false(uri.has_slot);
	assert_int_equal(hf_pkcs11_uri_parse("pkcs11:?pin-source=/p", &uri, &err), 0);
	assert_string_equal(uri.pin_source, "/p");
}

static void test_uri_refused(void **state)
{
	char long_token[400] = "pkcs11:token=";
	const struct {
		const char *text;
		int code;
	} rows[] = {
		{ "pkcs12:token=x", HF_E_PARSE },
		{ "pkcs11:token", HF_E_PARSE },
		{ "pkcs11:token=%", HF_E_PARSE },
		{ "pkcs11:token=%4", HF_E_PARSE },
		{ "pkcs11:token=%4g", HF_E_PARSE },
		{ "pkcs11:token=a%00b", HF_E_PARSE },
		{ "pkcs11:slot-id=x", HF_E_PARSE },
		{ "pkcs11:slot-id=99999999999999999999999", HF_E_PARSE },
		{ "pkcs11:token=x?pin-value=1234", HF_E_POLICY },
		{ "pkcs11:token=x;pin-value=1234", HF_E_POLICY },
		{ long_token, HF_E_PARSE },
	};

	(void)state;
	memset(long_token + strlen(long_token), 'x', 300);
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		struct hf_pkcs11_uri uri = { .has_slot = true };
		struct hf_err err = HF_ERR_INIT;

		assert_int_equal(hf_pkcs11_uri_parse(rows[i].text, &uri, &err), -rows[i].code);
		assert_true(uri.has_slot); /* untouched on failure */
		assert_null(strstr(err.msg, "1234"));
	}
}

static void test_key_by_file(void **state)
{
	HF_AUTO(EVP_PKEY) key = NULL, again = NULL, none = NULL;
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(64 * 1024);
	struct hf_err err = HF_ERR_INIT;
	char path[] = "/tmp/hf-signer-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(hf_key_generate(HF_KEY_P256, &key, &err), 0);
	assert_int_equal(hf_key_to_pem(key, NULL, &pem, &err), 0);
	assert_int_equal(write(fd, pem.data, pem.len), (ssize_t)pem.len);
	assert_int_equal(hf_signer_load(path, NULL, &again, &err), 0);
	assert_true(hf_key_same(key, again));
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, "pkcs11:token\nmore", 17, 0), 17);
	assert_int_equal(hf_signer_load(path, NULL, &none, &err), -HF_E_PARSE);
	assert_non_null(strstr(err.msg, path));
	assert_null(none);
	(void)close(fd);
	(void)unlink(path);
	assert_int_equal(hf_signer_load(path, NULL, &none, &err), -HF_E_NOENT);
	assert_true(hf_signer_is_uri("pkcs11:x"));
	assert_false(hf_signer_is_uri("/etc/pkcs11:x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uri_parts),
		cmocka_unit_test(test_uri_refused),
		cmocka_unit_test(test_key_by_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
