/* SPDX-License-Identifier: Apache-2.0 */
/* What `openssl ca` takes from its openssl.cnf: the section that [ca] default_ca names, with
 * $variables expanded.  $ENV:: and .include are not followed: nothing outside of the file is read.
 */
#ifndef HF_CA_IMPORT_OPENSSLCNF_H
#define HF_CA_IMPORT_OPENSSLCNF_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/conf.h>

#include "base/macros.h"

enum { HF_OPENSSLCNF_CAP = 256 * 1024 };

/* Each is NULL when the section does not say it. */
struct hf_opensslcnf {
	char *section; /* "CA_default" */
	char *dir, *certificate, *private_key, *database, *new_certs_dir, *certs, *serial,
	    *crlnumber, *crl, *default_days, *default_md, *policy, *copy_extensions,
	    *unique_subject, *x509_extensions;
	bool includes; /* a .include was left out */
	/* x509_extensions says what a certificate is for, so that copy_extensions = copy lets a
	 * request add to it, but not change it */
	bool guarded;
};
void hf_opensslcnf_done(struct hf_opensslcnf *cnf);
HF_DEFINE_AUTO_DONE(hf_opensslcnf, struct hf_opensslcnf, hf_opensslcnf_done);

/* `section`: as -name of openssl ca; NULL: what [ca] default_ca says.  `name` is for messages. */
int hf_opensslcnf_parse(const char *data, size_t len, const char *name, const char *section,
			struct hf_opensslcnf *ret_cnf, struct hf_err *err);
/* The file with OpenSSL's reader, tamed in the same way; `includes`: a .include was left out. */
HF_DEFINE_AUTO(CONF, CONF, NCONF_free);
int hf_opensslcnf_read(const char *data, size_t len, const char *name, CONF **ret_conf,
		       bool *ret_includes, struct hf_err *err);
/* The value still holds a variable of the environment. */
bool hf_opensslcnf_needs_env(const char *value);
/* unique_subject of an index.txt.attr; openssl's own default is yes. */
int hf_index_attr_parse(const char *data, size_t len, const char *name, bool *ret_unique,
			struct hf_err *err);

#endif
