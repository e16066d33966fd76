/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of PEM, DER and PKCS#12: with and without a passphrase, then a credential from what
 * was found.  A file that is refused must say why. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "pki/credential.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int give(void *arg, const char *what, struct hf_secret *ret, struct hf_err *err)
{
	(void)arg;
	(void)what;
	return hf_secret_set(ret, "sesame", 6, err);
}

static void read_one(const uint8_t *data, size_t size, unsigned want,
		     const struct hf_passphrase_source *pass)
{
	HF_AUTO_DONE(hf_pemfile) f = HF_PEMFILE_INIT;
	HF_AUTO(hf_credential) credential = NULL;
	struct hf_err err = HF_ERR_INIT;
	char words[256];

	if (hf_pemfile_parse(&f, data, size, "fuzz", want, pass, &err) < 0) {
		if (err.code == 0 || err.msg[0] == '\0')
			abort();
		return;
	}
	hf_pemfile_describe(&f, words, sizeof(words));
	if (words[0] == '\0' || strcmp(words, "nothing") == 0 || (f.key && f.keys_len == 0))
		abort();
	if (f.key && f.certs.len > 0)
		(void)hf_credential_new(f.key, &f.certs, &credential, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct hf_passphrase_source pass = { give, NULL };

	read_one(data, size, 0, NULL);
	read_one(data, size, HF_WANT_KEY, &pass);
	return 0;
}
