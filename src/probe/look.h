/* SPDX-License-Identifier: Apache-2.0 */
/* One recorded connection, made as a given client would make it, read on to the server's verdict.
 */
#ifndef HF_PROBE_LOOK_H
#define HF_PROBE_LOOK_H

#include "explain/explain.h"
#include "probe/request.h"
#include "tls/resumption.h"

struct hf_look_plan {
	const struct hf_address *addresses;
	size_t addresses_len;
	const struct hf_via *via; /* the addresses are this proxy's; NULL: straight */
	const struct hf_url *url;
	const struct hf_credential *credential; /* NULL: none */
	struct hf_trust *trust;
	bool judge;			 /* false: look on whatever the server is worth */
	const char *server_name, *verify_name;
	const char *const *alpn;
	const char *ciphers, *groups, *sigalgs;
	enum hf_tls_version tls_min, tls_max;
	enum hf_profile profile;
	bool compat, plain, send_proxy;
	int segment_len; /* of TCP; 0: the system's choice */
	int64_t timeout_ms;
	/* Of the main look, for the one that resumes; owned by the caller, may be set. */
	struct hf_tls_resumption **resumption;
	void (*tell)(void *arg, const struct hf_event *event); /* of the main look; may be NULL */
};

/* Never fails: what happened is in the look. */
void hf_look_make(const struct hf_look_plan *plan, enum hf_look_kind kind, struct hf_look *look);

#endif
