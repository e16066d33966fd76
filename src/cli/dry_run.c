/* SPDX-License-Identifier: Apache-2.0 */
/* Telling what would be.  Must never write to the ledger, nor show a certificate as made. */
#include "cli/dry_run.h"

#include "base/err.h"
#include "pki/name.h"

void hf_dry_run_done(struct hf_dry_run *run)
{
	hf_cert_unref(run->cert);
	hf_opinions_done(&run->opinions);
	run->cert = NULL;
}

/* The ledger's own rule; a look, where the real run decides inside its transaction. */
static int check_unique(struct hf_authority *a, struct hf_order *order, int64_t now,
			struct hf_err *err)
{
	HF_AUTO(cstr) subject = NULL;
	int rc;

	if (!a->policy || !a->policy->unique_subject || order->renews)
		return 0;
	subject = hf_name_text(order->subject);
	if (!subject)
		return hf_err_nomem(err);
	rc = hf_store_subject_taken(a->store, subject, now, err);
	if (rc == 0)
		return hf_policy_say(a->policy, &order->rulings, HF_RULING_ADMITS,
				     a->policy->unique_line,
				     "no valid certificate has the subject yet");
	return rc < 0 ? rc : hf_order_subject_taken(a, order, subject, err);
}

int hf_dry_run_try(struct hf_authority *a, struct hf_order *order, int64_t now,
		   struct hf_dry_run *ret_run, struct hf_err *err)
{
	int rc = check_unique(a, order, now, err);

	if (rc == 0)
		rc = hf_issue_draft(a, order, &ret_run->cert, err);
	if (rc == 0)
		rc =
		    hf_opinions_ask(a, ret_run->cert, order->profile, now, &ret_run->opinions, err);
	return rc < 0 ? rc : hf_authority_judge(a, ret_run->cert, order->profile, now, err);
}

static void print_line(struct hf_cmd_ctx *ctx, const char *title, const char *word,
		       const char *where, const char *text)
{
	hf_out_print(&ctx->out, "  %-7s%-9s", title, word);
	hf_out_safe(&ctx->out, where);
	hf_out_print(&ctx->out, "%s", *where && *text ? ": " : "");
	hf_out_safe(&ctx->out, text);
	hf_out_print(&ctx->out, "\n");
}

void hf_dry_run_print(struct hf_cmd_ctx *ctx, const struct hf_order *order,
		      const struct hf_dry_run *run)
{
	for (size_t i = 0; i < order->rulings.len; i++) {
		const struct hf_ruling *ruling = &order->rulings.items[i];

		print_line(ctx, i ? "" : "policy", hf_ruling_word(ruling->kind), ruling->where,
			   ruling->text);
	}
	for (size_t i = 0; i < order->dropped.len; i++)
		print_line(ctx, i ? "" : "request", "drops", "", order->dropped.items[i]);
	for (size_t i = 0; i < run->opinions.len; i++) {
		const struct hf_opinion *o = &run->opinions.items[i];
		HF_AUTO(cstr) who = hf_str_printf("%s, as a %s", o->judge, o->purpose);

		print_line(ctx, i ? "" : "judges", o->accepted ? "accepts" : "refuses",
			   who ? who : "", o->why ? o->why : "");
	}
}

void hf_dry_run_json(struct hf_json *j, const struct hf_order *order, const struct hf_dry_run *run)
{
	hf_json_array_begin(j, "rules");
	for (size_t i = 0; i < order->rulings.len; i++) {
		hf_json_object_begin(j, NULL);
		hf_json_string(j, "says", hf_ruling_word(order->rulings.items[i].kind));
		hf_json_string(j, "where", order->rulings.items[i].where);
		hf_json_string(j, "text", order->rulings.items[i].text);
		hf_json_object_end(j);
	}
	hf_json_array_end(j);
	hf_json_array_begin(j, "judges");
	for (size_t i = 0; i < run->opinions.len; i++) {
		hf_json_object_begin(j, NULL);
		hf_json_string(j, "judge", run->opinions.items[i].judge);
		hf_json_string(j, "purpose", run->opinions.items[i].purpose);
		hf_json_bool(j, "accepted", run->opinions.items[i].accepted);
		hf_json_string(j, "why", run->opinions.items[i].why);
		hf_json_object_end(j);
	}
	hf_json_array_end(j);
}
