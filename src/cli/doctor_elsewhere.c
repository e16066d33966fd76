/* SPDX-License-Identifier: Apache-2.0 */
/* The doctor at a configuration and at a running gateway.  Must never judge what it sees there for
 * more than its dates, its names and its clock: explain does that. */
#include "cli/doctor_elsewhere.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/time.h"
#include "cli/serve.h"
#include "gateway/preflight.h"
#include "probe/look.h"
#include "util/clock.h"

enum { TIMEOUT_MS = 10000, SKEW_MAX = 60 };

static int add_item(struct hf_doctor *d, const char *path, const struct hf_preflight_item *item,
		    struct hf_err *err)
{
	int rc = hf_doctor_add(d, item->note ? HF_DOCTOR_CONFIG_NOTE : HF_DOCTOR_CONFIG, path, err,
			       "%s: %s", item->id, item->text);

	if (rc == 0 && item->fix[0])
		rc = hf_doctor_fix(d, err, "%s", item->fix);
	return rc;
}

int hf_doctor_config(struct hf_cmd_ctx *ctx, struct hf_doctor *d, const char *path)
{
	struct hf_preflight *preflight = calloc(1, sizeof(*preflight));
	int rc;

	if (!preflight)
		return hf_err_nomem(&ctx->err);
	d->looked_at++;
	rc = hf_serve_preflight(ctx, path, preflight);
	for (size_t i = 0; rc == 0 && i < preflight->len; i++)
		rc = add_item(d, path, &preflight->items[i], &ctx->err);
	free(preflight);
	return rc;
}

bool hf_doctor_is_target(const char *what)
{
	struct hf_url url;

	return !hf_cli_is_file(what) && strchr(what, ':') && hf_url_parse(what, &url, NULL) == 0;
}

static int note_clock(struct hf_doctor *d, const char *target, const struct hf_look *look,
		      struct hf_err *err)
{
	int64_t apart = look->http.date - look->at;
	char words[32];

	if (!look->http.date || llabs(apart) <= SKEW_MAX)
		return 0;
	hf_duration_words(llabs(apart), words, sizeof(words));
	return hf_doctor_add(d, HF_DOCTOR_CLOCKS_DIFFER, target, err, "its clock is %s %s ours",
			     words, apart > 0 ? "ahead of" : "behind");
}

/* A trust that cannot be read is a finding of the home, not of the gateway. */
static int known_cas(struct hf_cmd_ctx *ctx, const char *as, struct hf_certs *to)
{
	HF_AUTO(hf_trust) trust = NULL;
	struct hf_trust_opts none = { .also = NULL };
	int rc;

	if (hf_cli_load_trust(ctx, &none, as, 0, &trust) < 0) {
		hf_err_clear(&ctx->err);
		return 0;
	}
	rc = hf_certs_copy(to, hf_trust_anchors(trust), &ctx->err);
	for (size_t i = 0; rc == 0 && i < hf_trust_intermediates(trust)->len; i++)
		rc = hf_certs_add(to, hf_trust_intermediates(trust)->items[i], &ctx->err);
	return rc;
}

static int note_look(struct hf_doctor *d, const char *target, const struct hf_look *look,
		     const struct hf_certs *known, struct hf_err *err)
{
	const struct hf_certs *chain = &look->transcript.server.certs;
	int rc;

	if (chain->len == 0) {
		rc = hf_doctor_add(d, HF_DOCTOR_UNREACHABLE, target, err, "%s",
				   look->own_error[0] ? look->own_error
				   : look->sys_errno  ? strerror(look->sys_errno)
						      : "the connection ended before");
		return rc < 0 ? rc : hf_doctor_fix(d, err, "handfast explain %s", target);
	}
	rc = hf_doctor_chain(d, chain, known, target, err);
	return rc < 0 ? rc : note_clock(d, target, look, err);
}

int hf_doctor_gateway(struct hf_cmd_ctx *ctx, struct hf_doctor *d, const char *target,
		      const struct hf_credential *credential, const char *as)
{
	HF_AUTO(hf_trust) trust = NULL;
	HF_AUTO_DONE(hf_certs) known = HF_CERTS_INIT;
	struct hf_address addresses[HF_ADDRESSES_CAP];
	struct hf_url url;
	struct hf_look_plan plan = { .addresses = addresses,
				     .url = &url,
				     .credential = credential,
				     .timeout_ms = TIMEOUT_MS };
	struct hf_look *look = calloc(1, sizeof(*look));
	int rc = look ? hf_url_parse(target, &url, &ctx->err) : hf_err_nomem(&ctx->err);

	if (rc == 0)
		rc = known_cas(ctx, as, &known);
	if (rc == 0)
		rc = hf_trust_new(0, &trust, &ctx->err);
	if (rc == 0)
		rc = hf_trust_freeze(trust, &ctx->err);
	if (rc == 0)
		rc = hf_address_resolve(url.host, url.port, addresses, &plan.addresses_len,
					&ctx->err);
	if (rc == 0) {
		plan.trust = trust;
		plan.server_name = plan.verify_name = url.host;
		hf_look_init(look);
		hf_look_make(&plan, HF_LOOK_MAIN, look);
		rc = note_look(d, target, look, &known, &ctx->err);
		hf_look_done(look);
	}
	free(look);
	return rc;
}
