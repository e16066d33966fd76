/* SPDX-License-Identifier: Apache-2.0 */
/* The `revocation` map.  Must never take a URL that clients could read in two ways. */
#include "ca/policy/policy_revocation.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

enum { URL_CAP = 1024, YEAR_SECONDS = 366 * 86400 };

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

static int read_url(const struct hf_yaml *yaml, const struct hf_yaml_node *node, char **ret_url,
		    struct hf_err *err)
{
	const char *text = NULL;
	int rc = node ? hf_yaml_string(yaml, node, &text, err) : 0;

	if (rc < 0 || !node)
		return rc;
	if (!is_url(text))
		return hf_yaml_error(
		    yaml, node, false, err,
		    "an http:// URL must stand here (what it gives is signed), not "
		    "'%s'",
		    text);
	*ret_url = hf_str_dup(text);
	return *ret_url ? 0 : hf_err_nomem(err);
}

int hf_policy_revocation_read(const struct hf_yaml *yaml, const struct hf_yaml_node *node,
			      struct hf_policy_revocation *r, struct hf_err *err)
{
	static const char *const known[] = { "crl", "ocsp", "none_under", NULL };
	const struct hf_yaml_node *n = hf_yaml_get(node, "none_under");
	int rc = hf_yaml_check_keys(yaml, node, known, err);

	if (rc == 0)
		rc = read_url(yaml, hf_yaml_get(node, "crl"), &r->crl, err);
	if (rc == 0)
		rc = read_url(yaml, hf_yaml_get(node, "ocsp"), &r->ocsp, err);
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
	put_url(out, "ocsp", r->ocsp);
	if (r->none_under > 0)
		(void)hf_buf_printf(out, "  none_under: %llds\n", (long long)r->none_under);
}
