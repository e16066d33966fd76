/* SPDX-License-Identifier: Apache-2.0 */
/* What lies beside a server's log: its CA file and its revocation lists.  What the log says of a
 * refused client is held against them. */
#ifndef HF_CLI_EXPLAIN_BESIDE_H
#define HF_CLI_EXPLAIN_BESIDE_H

#include "cli/explain.h"
#include "pki/crl.h"

struct explain_beside {
	struct hf_certs ca;
	struct hf_crls lists;
	struct hf_strv list_paths; /* of each list */
	char *ca_path;		   /* the first; NULL: no CA file is known */
	const struct hf_cert *leaf; /* borrowed: the server's own; or NULL */
	/* borrowed: CA certificates that only name issuers; or NULL */
	const struct hf_certs *known;
};
/* --server-files CERT,KEY,CA,CRL, --ca and --crl; what is not given is empty.  0 or negative. */
int explain_beside_load(const struct explain_opts *opts, const struct hf_strv *server_files,
			struct explain_beside *ret, struct hf_err *err);
void explain_beside_done(struct explain_beside *beside);

/* One refusal of a client as a log or a record has it.  Everything is borrowed. */
struct explain_suspect {
	enum hf_reason *candidates; /* HF_CANDIDATES, the likeliest first */
	size_t *candidates_len;
	enum hf_confidence *confidence;
	const char *subject, *issuer, *serial; /* in any program's spelling; "" not said */
	bool is_ca;			       /* they are of a CA, not of the leaf */
	struct hf_strv *evidence;	       /* what the files say is added */
	bool own_leaf; /* out: it is the server's own certificate that is wrong */
};
/* Confirms or narrows what the suspect is of; true when the files said something.  now: Unix
 * seconds. */
bool explain_beside_refine(const struct explain_beside *beside, int64_t now,
			   struct explain_suspect *suspect);

#endif
