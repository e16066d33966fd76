/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway: terminates mutual TLS and answers.  A supervisor holds the listening sockets,
 * workers serve; each worker has a generation (credential, trust, rules) that a reload replaces as
 * a whole. */
#ifndef HF_GATEWAY_GATEWAY_H
#define HF_GATEWAY_GATEWAY_H

#include "base/str.h"
#include "http/server.h"
#include "tls/context.h"

/* What a generation is made of, read from files. */
struct hf_gateway_parts {
	struct hf_credential *credential;
	struct hf_trust *trust;
	struct hf_rules *rules;
	struct hf_strv files; /* what was read: for records, "ca PATH", "crl PATH" */
};
void hf_gateway_parts_done(struct hf_gateway_parts *parts);
HF_DEFINE_AUTO_DONE(hf_gateway_parts, struct hf_gateway_parts, hf_gateway_parts_done);

/* Reads them; called at start, and in every process at each reload. */
struct hf_gateway_source {
	int (*load)(void *arg, uint64_t number, struct hf_gateway_parts *ret_parts,
		    struct hf_err *err);
	void *arg;
};

struct hf_responder_spec {
	const char *text;	  /* "verdict", "text:BODY" … as the user wrote it */
	const char *content_type; /* NULL: by kind */
	bool detail;		  /* verdict: more than the seed's two fields */
};

/* From options; everything borrowed and constant while the gateway runs. */
struct hf_gateway_config {
	struct hf_gateway_source source;
	const struct hf_strv *watch; /* files and directories whose change reloads; NULL: none */
	const struct hf_strv *listen;
	enum hf_client_auth client_auth;
	enum hf_tls_version tls_min, tls_max;
	enum hf_profile profile;
	const char *const *alpn;
	bool drop; /* a refused peer gets no alert */
	struct hf_responder_spec respond;
	struct hf_http_server_config http;
	uint64_t handshake_ms, drain_ms;
	size_t workers;		/* 0: one for each core */
	size_t connections_cap; /* of all workers together; 0: as many as descriptors allow */
	const char *access_log; /* NULL none, "-" stdout */
	const char *metrics;	/* NULL none, ADDR:PORT */
	int64_t records_per_second; /* refusal records of each worker; the rest is counted */
};

/* Runs until told to stop; 0, 1 when connections had to be cut, or negative. */
int hf_gateway_run(const struct hf_gateway_config *config, struct hf_err *err);

#endif
