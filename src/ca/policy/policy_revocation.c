/* SPDX-License-Identifier: Apache-2.0 */
/* The `revocation` map.  Must never take a URL that clients could read in two ways. */
#include "ca/policy/policy_revocation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

enum { URL_CAP = 1024, YEAR_SECONDS = 366 * 86400 };

/* What stands for a part that differs from list to list. */
#define CA "{ca}"
#define SHARD "{shard}"

void hf_policy_revocation_done(struct hf_policy_revocation *r)
{
	free(r->crl);
	free(r->ocsp);
	*r = (struct hf_policy_revocation){ .crl = NULL };
}

/* RFC 5280 4.2.1.13: http or ldap; ldap is not given out here.  https would have to be checked for
 * revocation before it can tell of it (RFC 5280 8). */
static bool is_url(const char *text)
{
	static const char odd[] = " \t\r\n,;\"\\<>{}|^`#";
	size_t len = strlen(text);

	if (!hf_str_starts(text, "http://") || len == strlen("http://") || len > URL_CAP)
		return false;
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)text[i] < 0x21 || (unsigned char)text[i] > 0x7e ||
		    strchr(odd, text[i]))
			return false;
	}
	return true;
}

static int put_in_place(struct hf_buf *out, const char *text, const char *ca, const char *shard)
{
	const struct {
		const char *word, *value;
	} parts[] = { { CA, ca }, { SHARD, shard } };

	while (*text) {
		const char *value = NULL;

		for (size_t i = 0; !value && i < HF_ARRAY_LEN(parts); i++) {
			if (!hf_str_starts(text, parts[i].word))
				continue;
			value = parts[i].value;
			text += strlen(parts[i].word);
		}
		if (value)
			(void)hf_buf_puts(out, value);
		else
			(void)hf_buf_append(out, text++, 1);
	}
	return hf_buf_failed(out) ? -HF_E_NOMEM : 0;
}

static char *expand(const char *text, const char *ca, int64_t shard)
{
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(8 * URL_CAP);
	char number[24];

	(void)snprintf(number, sizeof(number), "%lld", (long long)shard);
	return put_in_place(&out, text, ca, number) < 0 ? NULL : hf_str_dup(hf_buf_str(&out));
}

char *hf_policy_crl_url(const struct hf_policy_revocation *r, const char *ca, int64_t shard)
{
	return expand(r->crl, ca, shard);
}

/* Of the list of one shard as of another's. */
static int read_url(const struct hf_yaml *yaml, const struct hf_yaml_node *node, char **ret_url,
		    struct hf_err *err)
{
	HF_AUTO(cstr) one = NULL;
	const char *text = NULL;
	int rc = node ? hf_yaml_string(yaml, node, &text, err) : 0;

	if (rc < 0 || !node)
		return rc;
	one = expand(text, "0", 1);
	if (!one)
		return hf_err_nomem(err);
	if (!is_url(one) || strlen(text) > URL_CAP)
		return hf_yaml_error(
		    yaml, node, false, err,
		    "an http:// URL must stand here (what it gives is signed), not "
		    "'%s'",
		    text);
	*ret_url = hf_str_dup(text);
	return *ret_url ? 0 : hf_err_nomem(err);
}

/* Both or neither: a list is looked for at its own place. */
static int check_shards(const struct hf_yaml *yaml, const struct hf_yaml_node *node,
			const struct hf_policy_revocation *r, struct hf_err *err)
{
	const struct hf_yaml_node *shards = hf_yaml_get(node, "shards");
	bool placed = r->crl && strstr(r->crl, SHARD);

	if (placed == (shards != NULL))
		return 0;
	if (placed)
		return hf_yaml_error(yaml, hf_yaml_get(node, "crl"), false, err,
				     "'" SHARD "' stands in it, and there is no 'shards: NUMBER'");
	return hf_yaml_error(yaml, shards, false, err,
			     "shards need 'crl: URL' with '" SHARD "' where their number goes, as "
			     "http://HOST/crl/" CA "-" SHARD ".crl");
}

/* What answers OCSP does so for all: there is one place. */
static int check_ocsp(const struct hf_yaml *yaml, const struct hf_yaml_node *node,
		      const struct hf_policy_revocation *r, struct hf_err *err)
{
	if (!r->ocsp || !strchr(r->ocsp, '{'))
		return 0;
	return hf_yaml_error(yaml, hf_yaml_get(node, "ocsp"), false, err,
			     "'" CA "' and '" SHARD "' belong into the URL of lists");
}

int hf_policy_revocation_read(const struct hf_yaml *yaml, const struct hf_yaml_node *node,
			      struct hf_policy_revocation *r, struct hf_err *err)
{
	static const char *const known[] = { "crl", "shards", "ocsp", "none_under", NULL };
	const struct hf_yaml_node *shards = hf_yaml_get(node, "shards");
	const struct hf_yaml_node *n = hf_yaml_get(node, "none_under");
	int rc = hf_yaml_check_keys(yaml, node, known, err);

	if (rc == 0)
		rc = read_url(yaml, hf_yaml_get(node, "crl"), &r->crl, err);
	if (rc == 0)
		rc = read_url(yaml, hf_yaml_get(node, "ocsp"), &r->ocsp, err);
	if (rc == 0 && shards)
		rc = hf_yaml_int(yaml, shards, 1, HF_POLICY_SHARDS_MAX, &r->shards, err);
	if (rc == 0)
		rc = check_shards(yaml, node, r, err);
	if (rc == 0)
		rc = check_ocsp(yaml, node, r, err);
	if (rc == 0 && n)
		rc = hf_yaml_duration(yaml, n, 86400, 0, YEAR_SECONDS, &r->none_under, err);
	return rc;
}

static void put_url(struct hf_buf *out, const char *key, const char *url)
{
	if (!url)
		return;
	(void)hf_buf_printf(out, "  %s: ", key);
	(void)hf_yaml_write_scalar(out, url);
	(void)hf_buf_puts(out, "\n");
}

void hf_policy_revocation_format(const struct hf_policy_revocation *r, struct hf_buf *out)
{
	if (!r->crl && !r->ocsp && r->none_under == 0)
		return;
	(void)hf_buf_puts(out, "revocation:\n");
	put_url(out, "crl", r->crl);
	if (r->shards > 0)
		(void)hf_buf_printf(out, "  shards: %lld\n", (long long)r->shards);
	put_url(out, "ocsp", r->ocsp);
	if (r->none_under > 0)
		(void)hf_buf_printf(out, "  none_under: %llds\n", (long long)r->none_under);
}
