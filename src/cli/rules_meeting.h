/* SPDX-License-Identifier: Apache-2.0 */
/* handfast rules: one certificate at one listener, judged without a connection. */
#ifndef HF_CLI_RULES_MEETING_H
#define HF_CLI_RULES_MEETING_H

#include "gateway/generation.h"
#include "http/head.h"

/* What would be asked; everything may be NULL. */
struct hf_rules_asked {
	const char *sni, *host, *path, *method;
};

/* A route, and what this client gets there. */
struct hf_rules_way {
	const struct hf_route *route; /* NULL: the services for the rest */
	struct hf_verdict denied;     /* by the rules of the route; empty when allowed */
	bool allowed;
};

struct hf_rules_meeting {
	const char *listener;		     /* as in the configuration; NULL: none */
	const struct hf_policy_parts *parts; /* judged under */
	struct hf_verdict verdict;
	bool asked;  /* for a certificate */
	bool let_in; /* the handshake is done, unless a responder says otherwise */
	/* the OCSP responder that would be asked about an accepted client; owned; NULL: none */
	char *ocsp_url;
	/* of the request; 0: none was said, or it goes through */
	int status;
	const char *why; /* of status */
	struct hf_rules_way *ways; /* the one for the request, or every one */
	size_t ways_len;
	struct hf_buf fields; /* header lines that the service gets */
};

/* Under a policy alone, without configuration. */
int hf_rules_meet(const struct hf_policy_parts *parts, const struct hf_certs *chain, int64_t at,
		  struct hf_rules_meeting *ret_meeting, struct hf_err *err);
/* At a listener of a configuration. */
int hf_rules_meet_at(const struct hf_gateway_config *config, const struct hf_generation *generation,
		     size_t listener, const struct hf_rules_asked *asked,
		     const struct hf_certs *chain, int64_t at, struct hf_rules_meeting *ret_meeting,
		     struct hf_err *err);
void hf_rules_meeting_done(struct hf_rules_meeting *meeting);
/* Everything that was asked for goes through. */
bool hf_rules_meeting_yes(const struct hf_rules_meeting *meeting);

/* rules_tell.c */
struct hf_out;
void hf_rules_tell(struct hf_out *out, const struct hf_rules_meeting *meeting);
void hf_rules_to_json(struct hf_json *j, const struct hf_rules_meeting *meeting);

#endif
