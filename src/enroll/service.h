/* SPDX-License-Identifier: Apache-2.0 */
/* The authority as a service: HTTPS for those who enrol, renew, or fetch a CA or a revocation list.
 *
 * One process, one loop; what touches a ledger happens in one thread of libuv's pool at a time,
 * which takes all that waits as one batch.  The certificate of the service is the authority's own
 * and is kept fresh here.  Several authorities share listeners, log and loop, and nothing else. */
#ifndef HF_ENROLL_SERVICE_H
#define HF_ENROLL_SERVICE_H

#include "ca/authority.h"
#include "enroll/label.h"
#include "verify/rules.h"

/* One authority of the service. */
struct hf_service_authority {
	/* its path is /LABEL too, and of EST /.well-known/est/LABEL; NULL: none */
	const char *label;
	/* Opens the authority, with the key of its issuer at hand; at the start and at each reload.
	 */
	int (*open)(void *arg, struct hf_authority **ret_authority, struct hf_err *err);
	void *open_arg;
	/* Host names and addresses that clients use, for its certificate.  Whoever asks for one of
	 * them meets it; no two have the same. */
	const struct hf_strv *names;
	const char *identity_dir; /* where its own certificate is kept: home/id/NAME */
	const char *identity_name;
	/* whose certificates may operate it from elsewhere; NULL: nobody */
	struct hf_rules *admins;
};

struct hf_service_config {
	/* at least one; the first is for those who ask for no name and no label that is known */
	const struct hf_service_authority *authorities;
	size_t authorities_len;
	const struct hf_strv *listen; /* ADDR:PORT */
	const struct hf_strv *publish; /* ADDR:PORT of plain HTTP: lists and OCSP only */
	bool publish_anywhere;	       /* not on loopback only */
	/* of requests with a body; at once, and as many in each minute; 0: no limit */
	uint32_t requests_per_address, requests_per_identity;
	const struct hf_strv *est_wrapped; /* beginnings of User-Agents that want lines */
	const char *access_log;		   /* NULL none, "-" stdout */
	const char *metrics;		   /* ADDR:PORT on loopback; NULL: none */
	const char *admin_socket; /* of handfast ctl: "unix:PATH", "none"; NULL: the usual place */
	uint64_t drain_ms;
};
/* Runs until told to stop; 0, 1 when connections had to be cut, or negative. */
int hf_service_run(const struct hf_service_config *config, struct hf_err *err);

#endif
