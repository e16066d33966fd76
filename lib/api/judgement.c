/* SPDX-License-Identifier: Apache-2.0 */
/* Judging a file without a connection, and the public view of a verdict. */
#include <stdlib.h>

#include <handfast/handfast.h>

#include "api/config.h"
#include "base/err.h"

enum { TEXT_CAP = 1024 * 1024 };

const char *hf_version(void)
{
	return HF_VERSION;
}

static int judge(const struct hf_config *config, const struct hf_certs *chain,
		 const struct hf_verify_options *options, struct hf_verdict *verdict,
		 struct hf_err *err)
{
	HF_AUTO(hf_trust) trust = NULL;
	int rc = hf_config_load_trust(config, &trust, err);

	if (rc == 0)
		rc = hf_verify(chain, trust, options, verdict, err);
	if (rc == 0 && config->rules && verdict->accepted)
		rc = hf_rules_apply(config->rules, trust, verdict, err);
	return rc;
}

int hf_judge_file(const struct hf_config *config, const char *path, bool server, const char *name,
		  int64_t at, struct hf_judgement **ret_judgement, struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	struct hf_verify_options options = {
		.purpose = server ? HF_PURPOSE_SERVER : HF_PURPOSE_CLIENT,
		.profile = config->strict ? HF_PROFILE_STRICT : HF_PROFILE_OPENSSL,
		.at = at,
		.name = name,
		.compat_cn = config->compat_cn,
	};
	struct hf_judgement *judgement;
	int rc = hf_pemfile_load(&file, path, 0, NULL, err);

	if (rc < 0)
		return rc;
	judgement = calloc(1, sizeof(*judgement));
	if (!judgement)
		return hf_err_nomem(err);
	hf_verdict_init(&judgement->verdict);
	rc = judge(config, &file.certs, &options, &judgement->verdict, err);
	if (rc < 0) {
		hf_judgement_free(judgement);
		return rc;
	}
	*ret_judgement = judgement;
	return 0;
}

const struct hf_verdict *hf_judgement_verdict(const struct hf_judgement *judgement)
{
	return &judgement->verdict;
}

void hf_judgement_free(struct hf_judgement *judgement)
{
	if (!judgement)
		return;
	hf_verdict_done(&judgement->verdict);
	free(judgement);
}

bool hf_verdict_accepted(const struct hf_verdict *verdict)
{
	return verdict->accepted;
}

const char *hf_verdict_cause(const struct hf_verdict *verdict)
{
	const struct hf_finding *root = hf_verdict_root(verdict);

	return hf_reason_info(root ? root->reason : HF_REASON_NONE)->id;
}

const char *hf_verdict_identity(const struct hf_verdict *verdict)
{
	return verdict->identity ? verdict->identity->name : NULL;
}

const char *hf_verdict_rule(const struct hf_verdict *verdict)
{
	return verdict->rule;
}

int64_t hf_verdict_valid_until(const struct hf_verdict *verdict)
{
	return verdict->accepted ? verdict->valid_until : 0;
}

int hf_verdict_alert(const struct hf_verdict *verdict)
{
	return verdict->accepted ? 0 : verdict->alert;
}

static int give(struct hf_buf *text, char **ret_text, struct hf_err *err)
{
	char *s = hf_buf_steal(text);

	if (!s)
		return hf_err_nomem(err);
	*ret_text = s;
	return 0;
}

int hf_verdict_text(const struct hf_verdict *verdict, char **ret_text, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(TEXT_CAP);

	if (hf_verdict_format(verdict, &text) < 0)
		return hf_err_nomem(err);
	return give(&text, ret_text, err);
}

int hf_verdict_json(const struct hf_verdict *verdict, char **ret_json, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(TEXT_CAP);
	struct hf_json j;

	hf_json_init(&j, &text, false);
	hf_verdict_to_json(verdict, &j, NULL);
	return give(&text, ret_json, err);
}
