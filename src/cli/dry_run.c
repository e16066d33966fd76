/* SPDX-License-Identifier: Apache-2.0 */
/* Telling what would be.  Must never write to the ledger, nor show a certificate as made. */
#include "cli/dry_run.h"

#include "base/err.h"
#include "base/ossl.h"
#include "base/str.h"
#include "ca/policy/extension.h"
#include "pki/name.h"

enum { EXTENSION_CAP = 4096 };

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
	hf_out_print(&ctx->out, "  %-8s %-8s ", title, word);
	hf_out_safe(&ctx->out, where);
	hf_out_print(&ctx->out, "%s", *where && *text ? ": " : "");
	hf_out_safe(&ctx->out, text);
	hf_out_print(&ctx->out, "\n");
}

/* --- what the certificate would say --- */

/* The names are told above, and the key identifiers tell nobody anything. */
static bool is_worth_telling(const X509_EXTENSION *ext)
{
	static const int plain[] = { NID_subject_alt_name, NID_subject_key_identifier,
				     NID_authority_key_identifier };
	int nid = OBJ_obj2nid(X509_EXTENSION_get_object((X509_EXTENSION *)(uintptr_t)ext));

	for (size_t i = 0; i < HF_ARRAY_LEN(plain); i++) {
		if (nid == plain[i])
			return false;
	}
	return true;
}

/* OpenSSL's words for it, on one line. */
static void extension_text(const X509_EXTENSION *ext, struct hf_buf *out)
{
	HF_AUTO(BIO) bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	long len;

	if (!bio || X509V3_EXT_print(bio, (X509_EXTENSION *)(uintptr_t)ext, 0, 0) != 1)
		return;
	len = BIO_get_mem_data(bio, &data);
	for (long i = 0; i < len; i++) {
		bool space = data[i] == ' ' || data[i] == '\n';

		if (!space)
			(void)hf_buf_append(out, &data[i], 1);
		else if (out->len && out->data[out->len - 1] != ' ')
			(void)hf_buf_puts(out, " ");
	}
}

static void each_extension(const struct hf_cert *cert, void *arg,
			   void (*tell)(void *arg, size_t n, const char *word, const char *text))
{
	const STACK_OF(X509_EXTENSION) *exts = X509_get0_extensions(cert->x509);
	size_t n = 0;

	for (int i = 0; i < sk_X509_EXTENSION_num(exts); i++) {
		const X509_EXTENSION *ext = sk_X509_EXTENSION_value(exts, i);
		HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(EXTENSION_CAP);
		char word[128];

		if (!is_worth_telling(ext))
			continue;
		hf_extension_word(ext, word, sizeof(word));
		extension_text(ext, &text);
		tell(arg, n++, word, hf_buf_str(&text));
	}
}

static void print_extension(void *arg, size_t n, const char *word, const char *text)
{
	print_line(arg, n ? "" : "profile", "gives", word, text);
}

static void json_extension(void *arg, size_t n, const char *word, const char *text)
{
	(void)n;
	hf_json_string(arg, word, text);
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
	for (size_t i = 0; i < order->added.len; i++)
		print_line(ctx, i || order->dropped.len ? "" : "request", "adds", "",
			   order->added.items[i]);
	if (run->cert)
		each_extension(run->cert, ctx, print_extension);
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
	hf_cli_json_strings(j, "added", &order->added);
	hf_json_object_begin(j, "extensions");
	if (run->cert)
		each_extension(run->cert, j, json_extension);
	hf_json_object_end(j);
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
