/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict object: findings are added here and nowhere else.  Must never hold unescaped foreign
 * bytes: every text in it may go to a log or a terminal as it is. */
#include "verify/verdict.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum { FINDINGS_CAP = 4096, TEXT_CAP = 65536 };

const char *hf_role_name(enum hf_role role)
{
	static const char *const names[] = {
		[HF_ROLE_NONE] = "none",
		[HF_ROLE_CLIENT_LEAF] = "client-leaf",
		[HF_ROLE_CLIENT_CA] = "client-ca",
		[HF_ROLE_SERVER_LEAF] = "server-leaf",
		[HF_ROLE_SERVER_CA] = "server-ca",
		[HF_ROLE_LEAF] = "leaf",
		[HF_ROLE_CA] = "ca",
		[HF_ROLE_ROOT] = "root",
		[HF_ROLE_CRL] = "crl",
	};

	return names[role];
}

const char *hf_step_name(enum hf_step step)
{
	static const char *const names[] = {
		[HF_STEP_FILES] = "files",	     [HF_STEP_HANDSHAKE] = "handshake",
		[HF_STEP_CHAIN] = "chain",	     [HF_STEP_NAME] = "name",
		[HF_STEP_REVOCATION] = "revocation", [HF_STEP_RULES] = "rules",
		[HF_STEP_REQUEST] = "request",
	};

	return names[step];
}

void hf_verdict_init(struct hf_verdict *v)
{
	memset(v, 0, sizeof(*v));
	v->judge = HF_JUDGE_NOBODY;
	v->root_cause = -1;
}

static void finding_done(struct hf_finding *f)
{
	hf_cert_unref(f->cert);
	free(f->want);
	free(f->have);
	free(f->remedy);
}

void hf_verdict_done(struct hf_verdict *v)
{
	for (size_t i = 0; i < v->findings_len; i++)
		finding_done(&v->findings[i]);
	free(v->findings);
	hf_certs_done(&v->chain);
	hf_strv_done(&v->policies);
	hf_identity_free(v->identity);
	free(v->rule);
	hf_verdict_init(v);
}

const struct hf_finding *hf_verdict_root(const struct hf_verdict *v)
{
	if (v->root_cause < 0 || (size_t)v->root_cause >= v->findings_len)
		return NULL;
	return &v->findings[v->root_cause];
}

bool hf_verdict_has(const struct hf_verdict *v, enum hf_reason reason)
{
	for (size_t i = 0; i < v->findings_len; i++) {
		if (v->findings[i].reason == reason)
			return true;
	}
	return false;
}

static bool grow(struct hf_verdict *v)
{
	size_t alloc = v->findings_alloc ? v->findings_alloc * 2 : 8;

	if (v->findings_len < v->findings_alloc)
		return true;
	if (v->findings_len >= FINDINGS_CAP)
		return false;
	struct hf_finding *more = realloc(v->findings, alloc * sizeof(*more));

	if (!more)
		return false;
	v->findings = more;
	v->findings_alloc = alloc;
	return true;
}

/* Texts come escaped, with backslashes in them; anything else unfit for a line is caught here. */
static bool is_escaped(const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\\");

		if (!hf_str_is_printable(text, n))
			return false;
		text += n + (text[n] == '\\');
	}
	return true;
}

static bool copy_text(const char *text, char **ret_copy)
{
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(TEXT_CAP);

	if (!text)
		return true;
	if (is_escaped(text)) {
		*ret_copy = hf_str_dup(text);
		return *ret_copy != NULL;
	}
	(void)hf_str_escape(&out, text, strlen(text));
	*ret_copy = hf_buf_steal(&out);
	return *ret_copy != NULL;
}

struct hf_finding *hf_verdict_add(struct hf_verdict *v, enum hf_reason reason, enum hf_step step,
				  enum hf_role role, int depth, struct hf_cert *cert,
				  const char *want, const char *have)
{
	const struct hf_reason_info *info = hf_reason_info(reason);
	struct hf_finding f = { 0 };

	if (!grow(v))
		return NULL;
	f.reason = reason;
	f.severity = info->severity;
	f.step = step;
	f.role = role;
	f.depth = depth;
	f.rule = info->rule;
	if (!copy_text(want, &f.want) || !copy_text(have, &f.have)) {
		finding_done(&f);
		return NULL;
	}
	f.cert = cert ? hf_cert_ref(cert) : NULL;
	v->findings[v->findings_len] = f;
	return &v->findings[v->findings_len++];
}
