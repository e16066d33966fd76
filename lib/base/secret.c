/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets in memory.  Must never copy a secret into an error text or leave it in freed memory. */
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/err.h"
#include "base/file.h"

enum { PASSPHRASE_CAP = 1024 };

void hf_secret_done(struct hf_secret *s)
{
	if (!s)
		return;
	if (s->data)
		OPENSSL_cleanse(s->data, s->len);
	free(s->data);
	*s = (struct hf_secret)HF_SECRET_INIT;
}

int hf_secret_set(struct hf_secret *s, const char *data, size_t len, struct hf_err *err)
{
	char *copy = malloc(len + 1);

	if (!copy)
		return hf_err_nomem(err);
	memcpy(copy, data, len);
	copy[len] = '\0';
	hf_secret_done(s);
	s->data = copy;
	s->len = len;
	return 0;
}

int hf_secret_load(struct hf_secret *s, const char *path, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(PASSPHRASE_CAP);
	int rc = hf_file_read(path, &text, err);
	size_t len;

	if (rc < 0)
		return hf_err_context(err, rc, "passphrase file");
	len = strcspn(hf_buf_str(&text), "\r\n");
	return hf_secret_set(s, hf_buf_str(&text), len, err);
}
