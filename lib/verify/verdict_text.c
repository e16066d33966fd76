/* SPDX-License-Identifier: Apache-2.0 */
/* A verdict as JSON and as lines for people: two views of the same findings.  Must never decide. */
#include "base/str.h"
#include "verify/judge.h"

static const char *remedy_of(const struct hf_finding *f)
{
	return f->remedy ? f->remedy : hf_reason_info(f->reason)->remedy;
}

static const char *subject_of(const struct hf_finding *f)
{
	return f->cert ? f->cert->subject : NULL;
}

static void finding_to_json(const struct hf_finding *f, struct hf_json *j)
{
	const struct hf_reason_info *info = hf_reason_info(f->reason);

	hf_json_object_begin(j, NULL);
	hf_json_string(j, "id", info->id);
	hf_json_string(j, "severity", hf_severity_name(f->severity));
	hf_json_bool(j, "consequence", f->consequence);
	hf_json_string(j, "step", hf_step_name(f->step));
	hf_json_string(j, "role", hf_role_name(f->role));
	if (f->depth < 0)
		hf_json_null(j, "depth");
	else
		hf_json_int(j, "depth", f->depth);
	hf_json_string(j, "subject", subject_of(f));
	hf_json_string(j, "serial", f->cert ? f->cert->serial : NULL);
	if (f->cert)
		hf_json_hex(j, "sha256", f->cert->sha256, HF_SHA256_LEN);
	else
		hf_json_null(j, "sha256");
	hf_json_string(j, "sentence", info->sentence);
	hf_json_string(j, "rule", f->rule);
	hf_json_string(j, "want", f->want);
	hf_json_string(j, "have", f->have);
	hf_json_string(j, "remedy", remedy_of(f));
	hf_json_object_end(j);
}

static void openssl_to_json(const struct hf_verdict *v, struct hf_json *j)
{
	hf_json_array_begin(j, "openssl");
	for (size_t i = 0; i < v->ossl_len; i++) {
		hf_json_object_begin(j, NULL);
		hf_json_int(j, "error", v->ossl[i].error);
		hf_json_string(j, "name", hf_verify_error_name(v->ossl[i].error));
		hf_json_int(j, "depth", v->ossl[i].depth);
		hf_json_object_end(j);
	}
	hf_json_array_end(j);
}

static void alert_to_json(const struct hf_verdict *v, struct hf_json *j)
{
	if (v->alert)
		hf_json_int(j, "alert", v->alert);
	else
		hf_json_null(j, "alert");
	hf_json_string(j, "alert_name", v->alert ? hf_alert_name(v->alert) : NULL);
}

static void chain_to_json(const struct hf_verdict *v, struct hf_json *j)
{
	hf_json_array_begin(j, "chain");
	for (size_t i = 0; i < v->chain.len; i++) {
		const struct hf_cert *c = v->chain.items[i];

		hf_json_object_begin(j, NULL);
		hf_json_string(j, "subject", c->subject);
		hf_json_string(j, "serial", c->serial);
		hf_json_hex(j, "sha256", c->sha256, HF_SHA256_LEN);
		hf_json_time(j, "not_after", c->not_after);
		hf_json_object_end(j);
	}
	hf_json_array_end(j);
}

static void policies_to_json(const struct hf_verdict *v, struct hf_json *j)
{
	hf_json_array_begin(j, "policies");
	for (size_t i = 0; i < v->policies.len; i++)
		hf_json_string(j, NULL, v->policies.items[i]);
	hf_json_array_end(j);
}

/* Root cause in one sentence: "CN=x: the certificate has expired: want …, have …". */
static void explanation_to_json(const struct hf_verdict *v, struct hf_json *j)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(1 << 16);
	const struct hf_finding *f = hf_verdict_root(v);

	if (!f) {
		hf_json_null(j, "explanation");
		return;
	}
	if (f->cert)
		(void)hf_buf_printf(&text, "%s: ", f->cert->subject);
	(void)hf_buf_puts(&text, hf_reason_info(f->reason)->sentence);
	if (f->want)
		(void)hf_buf_printf(&text, ": want %s", f->want);
	if (f->have)
		(void)hf_buf_printf(&text, "%s have %s", f->want ? "," : ":", f->have);
	hf_json_string(j, "explanation", hf_buf_str(&text));
}

void hf_verdict_to_json(const struct hf_verdict *v, struct hf_json *j, const char *key)
{
	const struct hf_finding *root = hf_verdict_root(v);

	hf_json_object_begin(j, key);
	hf_json_bool(j, "accepted", v->accepted);
	hf_json_string(j, "reason", root ? hf_reason_info(root->reason)->id : NULL);
	explanation_to_json(v, j);
	hf_json_array_begin(j, "findings");
	for (size_t i = 0; i < v->findings_len; i++)
		finding_to_json(&v->findings[i], j);
	hf_json_array_end(j);
	if (v->identity)
		hf_identity_to_json(v->identity, j, "identity");
	else
		hf_json_null(j, "identity");
	chain_to_json(v, j);
	policies_to_json(v, j);
	hf_json_string(j, "allow_rule", v->rule);
	if (v->accepted)
		hf_json_time(j, "valid_until", v->valid_until);
	else
		hf_json_null(j, "valid_until");
	openssl_to_json(v, j);
	hf_json_string(j, "node_reason", v->node_reason);
	alert_to_json(v, j);
	hf_json_object_end(j);
}

static void finding_format(const struct hf_finding *f, struct hf_buf *out)
{
	const struct hf_reason_info *info = hf_reason_info(f->reason);

	(void)hf_buf_printf(out, "%s: ", info->id);
	if (f->severity != HF_SEVERITY_REFUSE)
		(void)hf_buf_printf(out, "%s: ", hf_severity_name(f->severity));
	if (f->cert)
		(void)hf_buf_printf(out, "%s (%s, depth %d): ", f->cert->subject,
				    hf_role_name(f->role), f->depth);
	(void)hf_buf_puts(out, info->sentence);
	if (f->want)
		(void)hf_buf_printf(out, ": want %s", f->want);
	if (f->have)
		(void)hf_buf_printf(out, "%s have %s", f->want ? "," : ":", f->have);
	(void)hf_buf_printf(out, " [%s]%s\n", f->rule,
			    f->consequence ? " (follows from the first)" : "");
	if (!f->consequence)
		(void)hf_buf_printf(out, "  fix: %s\n", remedy_of(f));
}

int hf_verdict_format(const struct hf_verdict *v, struct hf_buf *out)
{
	for (size_t i = 0; i < v->findings_len; i++)
		finding_format(&v->findings[i], out);
	return hf_buf_failed(out) ? -HF_E_NOMEM : 0;
}
