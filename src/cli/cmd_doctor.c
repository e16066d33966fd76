/* SPDX-License-Identifier: Apache-2.0 */
/* handfast doctor: what will fail tomorrow.  Must never change anything. */
#include "base/err.h"
#include "base/time.h"
#include "ca/doctor.h"
#include "cli/ca_common.h"
#include "util/clock.h"
#include "util/cmd.h"

struct doctor_opts {
	int64_t warn;
};

static const struct hf_option options[] = {
	{ .name = "warn",
	  .kind = HF_OPT_DURATION,
	  .offset = offsetof(struct doctor_opts, warn),
	  .arg = "TIME",
	  .initial = "30d",
	  .unit = HF_DAY_SECONDS,
	  .help =
	      "warn so long before something ends (but never before two thirds of its life are over)" },
	{ .name = NULL },
};

static const struct hf_option_group groups[] = {
	{ "Options", options, 0 },
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
		hf_json_string(&out->json, "fix", info->fix);
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
	hf_out_print(out, "\n  fix     %s\n", info->fix);
}

/* The worst first, for people read from the top. */
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
	for (int severity = HF_DOCTOR_ERROR; severity >= HF_DOCTOR_NOTE; severity--) {
		for (size_t i = 0; i < d->len; i++) {
			if (hf_doctor_info(d->items[i].id)->severity ==
			    (enum hf_doctor_severity)severity)
				tell_one(out, &d->items[i]);
		}
	}
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

static int run(struct hf_cmd_ctx *ctx)
{
	const struct doctor_opts *o = ctx->opts;
	HF_AUTO_DONE(hf_doctor) d = { .home = ctx->home, .now = hf_clock_now(), .warn = o->warn };
	int rc = ctx->args->len ? 0 : hf_doctor_home(&d, &ctx->err);

	for (size_t i = 0; rc == 0 && i < ctx->args->len; i++)
		rc = hf_doctor_file(&d, ctx->args->items[i], &ctx->err);
	if (rc < 0)
		return rc;
	if (!ctx->args->len && !d.looked_at && !d.len) {
		(void)hf_err_set(&ctx->err, HF_E_NOENT, "there is nothing in the home '%s'",
				 ctx->home);
		return hf_err_hint(&ctx->err, "name another with --home DIR, or files to look at");
	}
	tell(&ctx->out, &d);
	return hf_doctor_worst(&d) == HF_DOCTOR_NOTE ? HF_EXIT_YES : HF_EXIT_NO;
}

static const struct hf_example examples[] = {
	{ "handfast doctor", "the authority, the identities and the trust of the home" },
	{ "handfast doctor --warn 60d --json", "for a monitor, two months ahead" },
	{ "handfast doctor /etc/nginx/tls/*.pem", "any other files" },
	{ NULL, NULL },
};

const struct hf_command cmd_doctor = {
	.name = "doctor",
	.group = "Understanding",
	.arguments = "[FILE…]",
	.summary = "find what fails today, and what will fail soon",
	.description =
	    "Looks at certificates and CAs that end, revocation lists before their nextUpdate, keys that others "
	    "can read or that are not the certificate's, the ledger's log, identities that were revoked, lists of "
	    "an offline root that wait for their date, the clock, and what broken runs have left. It says how bad "
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
