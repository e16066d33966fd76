/* SPDX-License-Identifier: Apache-2.0 */
/* Reaching for responders before anybody depends on them.  Must never take an answer for more than
 * that: there is no client yet, the question is about a CA, and any answer is enough. */
#include "cli/ocsp_reach.h"

#include "base/err.h"
#include "base/str.h"
#include "http/fetch.h"
#include "net/loop.h"
#include "pki/ocsp.h"
#include "util/clock.h"

enum { REACH_MS = 3000 };

struct reach {
	struct hf_loop *loop;
	bool over, there;
	char why[HF_FETCH_WHY_CAP];
};

static void on_answer(const struct hf_fetch_answer *answer, void *arg)
{
	struct reach *r = arg;

	r->over = true;
	/* whose certificate it has is the follower's matter, which knows the machine's roots too */
	r->there = answer->status != 0 || answer->refused;
	(void)hf_str_copy(r->why, sizeof(r->why), answer->why ? answer->why : "");
	hf_loop_stop(r->loop);
}

static int make_context(const struct hf_url *url, const struct hf_policy_parts *policy,
			struct hf_tls_context **ret_context, struct hf_err *err)
{
	HF_AUTO(hf_trust) judge = NULL;
	struct hf_tls_config tls = { .role = HF_TLS_CLIENT,
				     .server_name = url->host,
				     .verify_name = url->host,
				     .now = hf_clock_for_tls };
	int rc = url->plain ? 0 : hf_trust_anchors_only(policy->trust, &judge, err);

	tls.trust = judge;
	return rc < 0 || url->plain ? rc : hf_tls_context_new(&tls, ret_context, err);
}

/* About the first CA that is trusted. */
static int question(const struct hf_policy_parts *policy, struct hf_buf *out, struct hf_err *err)
{
	const struct hf_certs *anchors = hf_trust_anchors(policy->trust);

	return anchors->len > 0 ? hf_ocsp_ask(anchors->items[0], anchors->items[0], out, err) : 0;
}

static int reach(const struct hf_policy_parts *policy, struct reach *r, struct hf_err *err)
{
	HF_AUTO(hf_tls_context) context = NULL;
	HF_AUTO_DONE(hf_buf) body = HF_BUF_INIT(HF_OCSP_REQUEST_CAP);
	struct hf_url url;
	struct hf_fetch *fetch = NULL;
	int rc = hf_url_parse_any(policy->ocsp_url, &url, err);

	if (rc == 0)
		rc = make_context(&url, policy, &context, err);
	if (rc == 0)
		rc = question(policy, &body, err);
	if (rc == 0)
		rc = hf_loop_new(&r->loop, err);
	if (rc == 0) {
		const struct hf_fetch_request request = { .url = &url,
							  .tls = context,
							  .content_type =
							      "application/ocsp-request",
							  .body = hf_buf_str(&body),
							  .body_len = body.len,
							  .cap = HF_OCSP_RESPONSE_CAP,
							  .connect_ms = REACH_MS,
							  .answer_ms = REACH_MS,
							  .all_ms = REACH_MS };

		rc = hf_fetch_start(r->loop, &request, on_answer, r, &fetch, err);
	}
	while (rc == 0 && !r->over)
		hf_loop_run(r->loop);
	hf_loop_free(r->loop);
	return rc;
}

static bool was_asked(const struct hf_gateway_parts *parts, size_t before, const char *url)
{
	for (size_t i = 0; i < before; i++) {
		const struct hf_policy_parts *policy = &parts->policies[i];

		if (policy->ocsp != HF_OCSP_OFF && hf_str_eq(policy->ocsp_url, url))
			return true;
	}
	return false;
}

void hf_ocsp_reach(const struct hf_gateway_parts *parts, struct hf_preflight *preflight)
{
	for (size_t i = 0; i < parts->policies_len; i++) {
		const struct hf_policy_parts *policy = &parts->policies[i];
		struct reach r = { .loop = NULL };
		struct hf_err err = HF_ERR_INIT;

		if (policy->ocsp == HF_OCSP_OFF || policy->ocsp_url == NULL ||
		    was_asked(parts, i, policy->ocsp_url))
			continue;
		if (reach(policy, &r, &err) < 0 || !r.there)
			hf_preflight_add_silent(preflight, policy, err.code ? err.msg : r.why);
	}
}
