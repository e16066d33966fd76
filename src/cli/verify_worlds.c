/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix: which world accepts a certificate, which refuses it and why.  Must never hide a
 * refusal behind an acceptance of ours. */
#include "cli/verify_worlds.h"

#include "base/err.h"
#include "verify/world.h"

struct matrix {
	struct hf_cmd_ctx *ctx;
	const struct hf_certs *chain;
	const struct hf_trust *trust;
	struct hf_verify_options options;
	unsigned accepting, refusing; /* bits of enum hf_profile */
	bool refused;		      /* in any block so far */
};

static const char *role_word(enum hf_purpose purpose)
{
	return purpose == HF_PURPOSE_CLIENT ? "client" : "server";
}

static void print_row(struct hf_out *out, const struct hf_world *world, const struct hf_verdict *v)
{
	const struct hf_finding *f = hf_verdict_root(v);
	const struct hf_reason_info *info = hf_reason_info(f ? f->reason : HF_REASON_NONE);

	hf_out_print(out, "  %-12s %s%s%s", world->who,
		     hf_out_color(out, v->accepted ? HF_COLOR_GREEN : HF_COLOR_RED),
		     v->accepted ? "accepts" : "refuses", hf_out_color(out, HF_COLOR_PLAIN));
	if (v->accepted || !f) {
		hf_out_print(out, "\n");
		return;
	}
	hf_out_print(out, "  %s: %s%s%s%s%s\n", info->id, info->sentence, f->want ? "; want " : "",
		     f->want ? f->want : "", f->have ? ", have " : "", f->have ? f->have : "");
}

static void json_row(struct hf_json *j, const struct hf_world *world, enum hf_purpose purpose,
		     const struct hf_verdict *v)
{
	hf_json_object_begin(j, NULL);
	hf_json_string(j, "profile", world->word);
	hf_json_string(j, "who", world->who);
	hf_json_string(j, "purpose", role_word(purpose));
	hf_verdict_to_json(v, j, "verdict");
	hf_json_object_end(j);
}

static int ask(struct matrix *m, enum hf_profile profile)
{
	HF_AUTO_DONE(hf_verdict) verdict;
	struct hf_verify_options options = m->options;
	struct hf_out *out = &m->ctx->out;
	int rc;

	options.profile = profile;
	hf_verdict_init(&verdict);
	rc = hf_verify(m->chain, m->trust, &options, &verdict, &m->ctx->err);
	if (rc < 0)
		return rc;
	*(verdict.accepted ? &m->accepting : &m->refusing) |= 1u << profile;
	if (out->json_mode)
		json_row(&out->json, &hf_worlds[profile], options.purpose, &verdict);
	else
		print_row(out, &hf_worlds[profile], &verdict);
	return 0;
}

static int print_sum(struct matrix *m)
{
	HF_AUTO_DONE(hf_buf) works = HF_BUF_INIT(1024), fails = HF_BUF_INIT(1024);

	if (hf_worlds_name(m->accepting, &works) < 0 || hf_worlds_name(m->refusing, &fails) < 0)
		return hf_err_nomem(&m->ctx->err);
	if (!m->refusing)
		hf_out_print(&m->ctx->out, "  works everywhere\n");
	else if (!m->accepting)
		hf_out_print(&m->ctx->out, "  works nowhere\n");
	else
		hf_out_print(&m->ctx->out, "  works with %s;\n  fails with %s\n",
			     hf_buf_str(&works), hf_buf_str(&fails));
	return 0;
}

/* Servers that are browsers there are none: nobody of that world judges a client. */
static int block(struct matrix *m, enum hf_purpose purpose, const char *path)
{
	struct hf_out *out = &m->ctx->out;
	int rc = 0;

	m->options.purpose = purpose;
	m->accepting = m->refusing = 0;
	hf_out_safe(out, path);
	hf_out_print(out, ": as a %s%s", role_word(purpose), m->options.name ? " named " : "");
	hf_out_safe(out, m->options.name ? m->options.name : "");
	hf_out_print(out, "\n");
	for (int p = 0; rc == 0 && p < HF_PROFILE_COUNT; p++) {
		if (purpose != HF_PURPOSE_CLIENT || hf_worlds[p].clients)
			rc = ask(m, (enum hf_profile)p);
	}
	m->refused = m->refused || m->refusing;
	return rc == 0 ? print_sum(m) : rc;
}

/* The roles that its extended key usage allows; both when it says none of them. */
static void roles_of(const struct hf_cert *leaf, bool *ret_server, bool *ret_client)
{
	bool named = leaf->eku & (HF_EKU_SERVER | HF_EKU_CLIENT);

	*ret_server = !named || (leaf->eku & HF_EKU_SERVER);
	*ret_client = !named || (leaf->eku & HF_EKU_CLIENT);
}

int hf_verify_worlds(struct hf_cmd_ctx *ctx, const struct hf_certs *chain,
		     const struct hf_trust *trust, const struct hf_verify_options *options,
		     const char *path, bool *ret_everywhere)
{
	struct matrix m = { .ctx = ctx, .chain = chain, .trust = trust, .options = *options };
	bool server = options->purpose == HF_PURPOSE_SERVER;
	bool client = options->purpose == HF_PURPOSE_CLIENT;
	int rc = 0;

	if (!server && !client)
		roles_of(chain->items[0], &server, &client);
	if (ctx->out.json_mode)
		hf_json_array_begin(&ctx->out.json, "worlds");
	if (server)
		rc = block(&m, HF_PURPOSE_SERVER, path);
	if (rc == 0 && client)
		rc = block(&m, HF_PURPOSE_CLIENT, path);
	if (ctx->out.json_mode)
		hf_json_array_end(&ctx->out.json);
	*ret_everywhere = !m.refused;
	return rc;
}
