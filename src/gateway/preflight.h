/* SPDX-License-Identifier: Apache-2.0 */
/* Preflight: what will make clients fail, or tomorrow, found before anybody connects. */
#ifndef HF_GATEWAY_PREFLIGHT_H
#define HF_GATEWAY_PREFLIGHT_H

#include "gateway/gateway.h"

enum { HF_PREFLIGHT_CAP = 64 };

struct hf_preflight_item {
	const char *id;	   /* "V-EXPIRED", "F-KEY-MODE": stable, static */
	bool fatal;	   /* every client would fail: do not start */
	bool note;	   /* worth knowing, no mistake (yet) */
	char text[512];
	char fix[384];
};

struct hf_preflight {
	struct hf_preflight_item items[HF_PREFLIGHT_CAP];
	size_t len;
};

/* Looks at everything that was loaded.  Pure but for the mode that the credential noted. */
void hf_preflight_run(struct hf_preflight *preflight, const struct hf_gateway_parts *parts,
		      int64_t now);
/* Adds that the responder of --ocsp-url was asked, and gave no answer. */
void hf_preflight_add_silent(struct hf_preflight *preflight, const struct hf_policy_parts *parts,
			     const char *why);
/* Adds what loading itself said. */
void hf_preflight_add_failure(struct hf_preflight *preflight, const struct hf_err *err);
/* How many are mistakes (not notes), and whether one is fatal. */
size_t hf_preflight_mistakes(const struct hf_preflight *preflight, bool *ret_fatal);
/* Runs it over what a reload has read, and writes a line to the log for each finding. */
void hf_preflight_log(const struct hf_gateway_parts *parts, int64_t now);
void hf_preflight_to_json(const struct hf_preflight *preflight, struct hf_json *j, const char *key);

#endif
