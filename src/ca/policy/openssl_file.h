/* SPDX-License-Identifier: Apache-2.0 */
/* A file in OpenSSL's configuration syntax, with the lines that its reader forgets. */
#ifndef HF_CA_POLICY_OPENSSL_FILE_H
#define HF_CA_POLICY_OPENSSL_FILE_H

#include "base/buf.h"
#include "ca/import/opensslcnf.h"

struct hf_openssl_file {
	char *name;
	struct hf_buf text;
	CONF *conf;
	bool includes; /* a .include was left out */
};
int hf_openssl_file_parse(const char *data, size_t len, const char *name,
			  struct hf_openssl_file **ret_file, struct hf_err *err);
int hf_openssl_file_load(const char *path, struct hf_openssl_file **ret_file, struct hf_err *err);
void hf_openssl_file_free(struct hf_openssl_file *file);
HF_DEFINE_AUTO(hf_openssl_file, struct hf_openssl_file, hf_openssl_file_free);

/* NULL when it is not there.  Section "default" is what stands in front of the first one. */
const char *hf_openssl_file_get(const struct hf_openssl_file *file, const char *section,
				const char *key);
STACK_OF(CONF_VALUE) *hf_openssl_file_section(const struct hf_openssl_file *file,
					      const char *section);
/* Where the key stands; key NULL: the section's head.  0 when it is not found. */
unsigned hf_openssl_file_line(const struct hf_openssl_file *file, const char *section,
			      const char *key);

#endif
