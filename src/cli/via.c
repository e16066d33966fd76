/* SPDX-License-Identifier: Apache-2.0 */
/* --via: through a proxy.  Must never take a password from the command line, nor ask the
 * environment for a proxy: a connection goes where its owner said. */
#include "cli/via.h"

#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/secret.h"

#define AT(field) offsetof(struct hf_via_opts, field)

const struct hf_option hf_via_options[] = {
	{ .name = "via",
	  .kind = HF_OPT_STRING,
	  .offset = AT(via),
	  .arg = "URL",
	  .help =
	      "go through this proxy: http://HOST:PORT (CONNECT) or socks5://HOST:PORT; it "
	      "resolves the server's name, and sees nothing of what is said (default: straight; "
	      "no environment variable is asked)" },
	{ .name = "via-auth",
	  .kind = HF_OPT_STRING,
	  .offset = AT(auth),
	  .arg = "FILE",
	  .help = "user:password for the proxy, in the first line of a file that nobody else can "
		  "read" },
	{ .name = NULL },
};

static int load_login(const char *path, struct hf_via *via, struct hf_err *err)
{
	HF_AUTO_DONE(hf_secret) line = HF_SECRET_INIT;
	struct stat st;
	int rc = hf_secret_load(&line, path, err);

	if (rc < 0)
		return hf_err_context(err, rc, "--via-auth");
	if (stat(path, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
		(void)hf_err_set(err, HF_E_INVALID, "--via-auth: others can read '%s'", path);
		return hf_err_hint(err, "chmod 600 '%s'", path);
	}
	return hf_via_login(via, line.data, err);
}

static int parse(const struct hf_via_opts *opts, struct hf_via *ret_via, struct hf_err *err)
{
	int rc;

	if (opts->via == NULL)
		return opts->auth == NULL ? 0
					  : hf_err_set(err, HF_E_INVALID, "--via-auth needs --via");
	rc = hf_via_parse(opts->via, ret_via, err);
	return rc < 0 || opts->auth == NULL ? rc : load_login(opts->auth, ret_via, err);
}

int hf_cli_way(const struct hf_via_opts *opts, const char *host, int port, struct hf_via *ret_via,
	       struct hf_address list[HF_ADDRESSES_CAP], size_t *ret_len, struct hf_err *err)
{
	int rc;

	memset(ret_via, 0, sizeof(*ret_via));
	rc = parse(opts, ret_via, err);
	if (rc < 0)
		return rc;
	if (ret_via->kind == HF_VIA_NONE)
		return hf_address_resolve(host, port, list, ret_len, err);
	rc = hf_via_to(ret_via, host, port, err);
	if (rc == 0)
		rc = hf_address_resolve(ret_via->host, ret_via->port, list, ret_len, err);
	return rc < 0 ? hf_err_context(err, rc, "--via") : 0;
}
