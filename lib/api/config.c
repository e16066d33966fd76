/* SPDX-License-Identifier: Apache-2.0 */
/* The public config: what one side has, whom it trusts, its rules.  Must never trust anything that
 * the caller did not name. */
#include "api/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

int hf_config_new(struct hf_config **ret_config, struct hf_err *err)
{
	struct hf_config *config = calloc(1, sizeof(*config));

	if (!config)
		return hf_err_nomem(err);
	*ret_config = config;
	return 0;
}

void hf_config_free(struct hf_config *config)
{
	if (!config)
		return;
	hf_credential_free(config->credential);
	hf_strv_done(&config->ca_paths);
	hf_strv_done(&config->crl_paths);
	hf_rules_unref(config->rules);
	free(config);
}

/* The passphrase source of a caller who gave a string, or none. */
static int give_passphrase(void *arg, const char *what, struct hf_secret *ret, struct hf_err *err)
{
	const char *passphrase = arg;

	(void)what;
	if (!passphrase)
		return 1;
	return hf_secret_set(ret, passphrase, strlen(passphrase), err);
}

int hf_config_set_credential(struct hf_config *config, const char *cert_path, const char *key_path,
			     const char *passphrase, struct hf_err *err)
{
	HF_AUTO(cstr) copy = passphrase ? hf_str_dup(passphrase) : NULL;
	struct hf_passphrase_source source = { give_passphrase, copy };
	struct hf_credential *credential = NULL;
	int rc;

	if (passphrase && !copy)
		return hf_err_nomem(err);
	rc = hf_credential_load(cert_path, key_path, &source, &credential, err);
	if (copy)
		OPENSSL_cleanse(copy, strlen(copy));
	if (rc < 0)
		return rc;
	hf_credential_free(config->credential);
	config->credential = credential;
	return 0;
}

/* Loading here and now tells a wrong path at the call that names it. */
static int check_loads(const char *path, bool crl, struct hf_err *err)
{
	HF_AUTO(hf_trust) trial = NULL;
	int rc = hf_trust_new(0, &trial, err);

	if (rc < 0)
		return rc;
	return crl ? hf_trust_load_crl(trial, path, err)
		   : hf_trust_load_file(trial, path, NULL, err);
}

static int add_path(struct hf_strv *paths, const char *path, bool crl, struct hf_err *err)
{
	int rc = check_loads(path, crl, err);

	if (rc < 0)
		return rc;
	return hf_strv_add(paths, path) < 0 ? hf_err_nomem(err) : 0;
}

int hf_config_add_ca(struct hf_config *config, const char *path, struct hf_err *err)
{
	return add_path(&config->ca_paths, path, false, err);
}

int hf_config_add_crl(struct hf_config *config, const char *path, struct hf_err *err)
{
	return add_path(&config->crl_paths, path, true, err);
}

static int add_rule(struct hf_config *config, bool allow, const char *rule, struct hf_err *err)
{
	int rc = config->rules ? 0 : hf_rules_new(&config->rules, err);

	return rc < 0 ? rc : hf_rules_add(config->rules, allow, rule, err);
}

int hf_config_allow(struct hf_config *config, const char *rule, struct hf_err *err)
{
	return add_rule(config, true, rule, err);
}

int hf_config_deny(struct hf_config *config, const char *rule, struct hf_err *err)
{
	return add_rule(config, false, rule, err);
}

void hf_config_set_strict(struct hf_config *config, bool strict)
{
	config->strict = strict;
}

void hf_config_set_compat_cn(struct hf_config *config, bool compat)
{
	config->compat_cn = compat;
}

void hf_config_set_crl_grace(struct hf_config *config, int64_t seconds)
{
	config->crl_grace = HF_MIN(HF_MAX(seconds, INT64_C(0)), (int64_t)HF_CRL_GRACE_MAX);
}

int hf_config_load_trust(const struct hf_config *config, struct hf_trust **ret_trust,
			 struct hf_err *err)
{
	HF_AUTO(hf_trust) trust = NULL;
	int rc = hf_trust_new(0, &trust, err);

	if (rc == 0)
		hf_trust_set_crl_grace(trust, config->crl_grace);
	for (size_t i = 0; rc == 0 && i < config->ca_paths.len; i++)
		rc = hf_trust_load_file(trust, config->ca_paths.items[i], NULL, err);
	for (size_t i = 0; rc == 0 && i < config->crl_paths.len; i++)
		rc = hf_trust_load_crl(trust, config->crl_paths.items[i], err);
	if (rc == 0)
		rc = hf_trust_freeze(trust, err);
	if (rc == 0)
		*ret_trust = hf_take(trust);
	return rc;
}
