/* SPDX-License-Identifier: Apache-2.0 */
/* The files of an identity: id/NAME/{key.pem,cert.pem,ca.pem,request.pem}. */
#ifndef HF_CA_IDFILES_H
#define HF_CA_IDFILES_H

#include "base/err.h"
#include "base/buf.h"

/* What to write; a NULL leaves that file alone. */
struct hf_idfiles {
	const struct hf_buf *key;     /* key.pem, 0600 */
	const struct hf_buf *cert;    /* cert.pem: leaf and intermediates */
	const struct hf_buf *ca;      /* ca.pem: anchors for peers */
	const struct hf_buf *request; /* request.pem */
	bool drop_request;	      /* remove request.pem: it was answered */
};
/* Makes dir with them, or changes those it holds.  A reader finds the old set or the new one, never
 * a key beside another key's certificate, where the file system can exchange two directories at
 * once (Linux 3.15 and most file systems); elsewhere file after file.  Without `replace` any of
 * them that is there is -HF_E_EXIST. */
int hf_idfiles_write(const char *dir, const struct hf_idfiles *files, bool replace,
		     struct hf_err *err);
/* The first of the files to be written that is there already; NULL when none is.  `path` has
 * PATH_MAX bytes. */
const char *hf_idfiles_in_the_way(const char *dir, const struct hf_idfiles *files, char *path);

#endif
