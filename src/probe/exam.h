/* SPDX-License-Identifier: Apache-2.0 */
/* Files looked at before a byte is sent: what each is, and whether they belong together. */
#ifndef HF_PROBE_EXAM_H
#define HF_PROBE_EXAM_H

#include "explain/explain.h"
#include "pki/pemfile.h"

struct hf_exam_files {
	const char *cert, *key; /* NULL: none; key NULL: in the certificate's file */
	const struct hf_strv *ca, *crl; /* may be NULL */
	const struct hf_passphrase_source *pass;
	bool passphrase_given;
	bool key_in_token; /* nothing to read then: key is not looked at */
	EVP_PKEY *token_key; /* borrowed; NULL: the token was not opened */
	bool server_side;
};
/* Adds findings to the case.  Never fails: a file that cannot be read is a finding. */
void hf_exam_files(const struct hf_exam_files *files, struct hf_case *c);

#endif
