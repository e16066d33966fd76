/* SPDX-License-Identifier: Apache-2.0 */
/* handfast doctor: what will fail tomorrow.  Must never change anything. */
#include "base/err.h"
#include "base/time.h"
#include "ca/doctor.h"
#include "cli/ca_common.h"
#include "cli/doctor_elsewhere.h"
#include "util/clock.h"
#include "util/cmd.h"

struct doctor_opts {
	struct hf_credential_opts credential;
	struct hf_strv configs;
	int64_t within;
};

enum { WITHIN = 30 * HF_DAY_SECONDS };

static const struct hf_option options[] = {
	{ .name = "within",
	  .kind = HF_OPT_DURATION,
	  .offset = offsetof(struct doctor_opts, within),
	  .arg = "TIME",
	  .unit = HF_DAY_SECONDS,
	  .help =
	      "tell of what ends within that time; without it, within 30 days and not before two thirds of "
	      "its life are over" },
	{ .name = "warn",
	  .kind = HF_OPT_DURATION,
	  .offset = offsetof(struct doctor_opts, within),
	  .arg = "TIME",
	  .unit = HF_DAY_SECONDS,
	  .help = "the same",
	  .hidden = true },
	{ .name = "config",
	  .kind = HF_OPT_LIST,
	  .offset = offsetof(struct doctor_opts, configs),
	  .arg = "FILE",
	  .help = "look at this configuration of serve and at all it names" },
	{ .name = NULL },
};

static const struct hf_option_group groups[] = {
	{ "Options", options, 0 },
	{ "Credential, for a gateway", hf_credential_options,
	  offsetof(struct doctor_opts, credential) },
	{ NULL, NULL, 0 },
};

static void tell_one(struct hf_out *out, const struct hf_doctor_finding *f)
{
	static const enum hf_color colors[] = { HF_COLOR_BOLD, HF_COLOR_YELLOW, HF_COLOR_RED };
	const struct hf_doctor_info *info = hf_doctor_info(f->id);

	if (out->json_mode) {
		hf_json_object_begin(&out->json, NULL);
		hf_json_string(&out->json, "id", info->id);
		hf_json_string(&out->json, "severity", hf_doctor_severity_name(info->severity));
		hf_json_string(&out->json, "where", f->where);
		hf_json_string(&out->json, "sentence", info->sentence);
		hf_json_string(&out->json, "detail", f->detail[0] ? f->detail : NULL);
		if (f->at)
			hf_json_time(&out->json, "at", f->at);
		hf_json_string(&out->json, "fix", f->fix ? f->fix : info->fix);
		hf_json_object_end(&out->json);
		return;
	}
	hf_out_print(out, "%s%-8s%s %s [%s]\n  where   ", hf_out_color(out, colors[info->severity]),
		     hf_doctor_severity_name(info->severity), hf_out_color(out, HF_COLOR_PLAIN),
		     info->sentence, info->id);
	hf_out_safe(out, f->where);
	if (f->detail[0]) {
		hf_out_print(out, ": ");
		hf_out_safe(out, f->detail);
	}
	hf_out_print(out, "\n  fix     ");
	hf_out_safe(out, f->fix ? f->fix : info->fix);
	hf_out_print(out, "\n");
}

/* People read from the top: they are sorted. */
static void tell(struct hf_out *out, const struct hf_doctor *d)
{
	char until[80];

	if (out->json_mode) {
		hf_out_json_begin(out);
		hf_json_int(&out->json, "looked_at", (int64_t)d->looked_at);
		if (d->lists_until)
			hf_json_time(&out->json, "lists_until", d->lists_until);
		hf_json_array_begin(&out->json, "findings");
	}
	for (size_t i = 0; i < d->len; i++)
		tell_one(out, &d->items[i]);
	if (out->json_mode) {
		hf_json_array_end(&out->json);
		hf_out_json_end(out);
	}
	if (d->lists_until) {
		hf_cli_until(d->lists_until, d->now, until, sizeof(until));
		hf_out_print(
		    out,
		    "if the authority were lost now, its revocation lists would last until %s\n",
		    until);
	}
	if (hf_doctor_worst(d) == HF_DOCTOR_NOTE)
		hf_out_print(out, "%s%zu files looked at: nothing that fails today or soon%s\n",
			     hf_out_color(out, HF_COLOR_GREEN), d->looked_at,
			     hf_out_color(out, HF_COLOR_PLAIN));
}

static int look_at(struct hf_cmd_ctx *ctx, struct hf_doctor *d, const char *what,
		   const struct hf_credential *credential, const char *as)
{
	return hf_doctor_is_target(what) ? hf_doctor_gateway(ctx, d, what, credential, as)
					 : hf_doctor_file(d, what, &ctx->err);
}

/* What was named, or the home; the environment in any case. */
static int look(struct hf_cmd_ctx *ctx, const struct doctor_opts *o, struct hf_doctor *d)
{
	HF_AUTO(hf_credential) credential = NULL;
	int rc = hf_cli_load_credential(ctx, &o->credential, &credential);

	if (rc == 0 && !ctx->args->len && !o->configs.len)
		rc = hf_doctor_home(d, &ctx->err);
	for (size_t i = 0; rc == 0 && i < ctx->args->len; i++)
		rc = look_at(ctx, d, ctx->args->items[i], credential, o->credential.as);
	for (size_t i = 0; rc == 0 && i < o->configs.len; i++)
		rc = hf_doctor_config(ctx, d, o->configs.items[i]);
	if (rc == 0 && !d->looked_at && !d->len) {
		(void)hf_err_set(&ctx->err, HF_E_NOENT, "there is nothing in the home '%s'",
				 ctx->home);
		return hf_err_hint(&ctx->err,
				   "name another with --home DIR, or files, or HOST:PORT");
	}
	return rc < 0 ? rc : hf_doctor_environment(d, &ctx->err);
}

static int run(struct hf_cmd_ctx *ctx)
{
	const struct doctor_opts *o = ctx->opts;
	HF_AUTO_DONE(hf_doctor) d = { .home = ctx->home,
				      .now = hf_clock_now(),
				      .warn = o->within ? o->within : WITHIN,
				      .exact = o->within > 0 };
	int rc = look(ctx, o, &d);

	if (rc < 0)
		return rc;
	hf_doctor_sort(&d);
	tell(&ctx->out, &d);
	return hf_doctor_worst(&d) == HF_DOCTOR_NOTE ? HF_EXIT_YES : HF_EXIT_NO;
}

static const struct hf_example examples[] = {
	{ "handfast doctor", "the authority, the identities and the trust of the home" },
	{ "handfast doctor --within 60d --json", "for a monitor, two months ahead" },
	{ "handfast doctor --config /etc/handfast/handfast.yaml",
	  "the configuration of a gateway, and all files it names" },
	{ "handfast doctor --as monitor gw.abc.com:8443", "a gateway that runs, from outside" },
	{ "handfast doctor /etc/nginx/tls/*.pem", "any other files" },
	{ NULL, NULL },
};

const struct hf_command cmd_doctor = {
	.name = "doctor",
	.group = "Understanding",
	.arguments = "[FILE|HOST:PORT…]",
	.summary = "find what fails today, and what will fail soon",
	.description =
	    "Looks at certificates and CAs that end, revocation lists before their nextUpdate, keys that others "
	    "can read or that are not the certificate's, the ledger's log, identities that were revoked, lists of "
	    "an offline root that wait for their date, the clock, what broken runs have left, names that some kinds of peers refuse, and variables that change "
	    "trust: in the home, in files, in a gateway's configuration, or in what a gateway presents (HOST:PORT). "
	    "What fails first stands first. It says how bad "
	    "each is, where, and what to do, and how long the revocation lists would last if the authority were lost "
	    "now; it changes nothing and asks for no passphrase.",
	.groups = groups,
	.opts_size = sizeof(struct doctor_opts),
	.examples = examples,
	.exits = "0 nothing but notes; 1 an error or a warning",
	.see_also = "verify, explain, crl, renew",
	.max_args = -1,
	.run = run,
};
