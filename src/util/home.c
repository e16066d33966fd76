/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of the home.  Must never let a name lead out of its directory. */
#include "util/home.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"

enum { NAME_CAP = 200 };

const char *hf_home_default(void)
{
	static char path[PATH_MAX];
	const char *home = getenv("HANDFAST_HOME");

	if (home && *home)
		return home;
	home = getenv("HOME");
	if (!home || !*home)
		return ".";
	(void)snprintf(path, sizeof(path), "%s/.handfast", home);
	return path;
}

int hf_home_check_name(const char *name, struct hf_err *err)
{
	size_t len = strlen(name);

	if (len == 0)
		return hf_err_set(err, HF_MISTAKE_NAME, "the name is empty");
	if (len > NAME_CAP)
		return hf_err_set(err, HF_MISTAKE_NAME, "the name is longer than %d bytes",
				  NAME_CAP);
	if (name[0] == '.' || strchr(name, '/') || !hf_str_is_printable(name, len)) {
		(void)hf_err_set(err, HF_MISTAKE_NAME, "'%s' cannot be the name of an identity",
				 name);
		return hf_err_hint(
		    err, "a name becomes a directory: no '/', no leading '.', no control bytes");
	}
	return 0;
}

static int join(char out[PATH_MAX], const char *home, const char *part, const char *name,
		const char *file, struct hf_err *err)
{
	int n = snprintf(out, PATH_MAX, "%s/%s%s%s%s%s", home, part, *name ? "/" : "", name,
			 *file ? "/" : "", file);

	if (n < 0 || n >= PATH_MAX)
		return hf_err_set(err, HF_E_LIMIT, "the path of the home is too long: '%s'", home);
	return 0;
}

int hf_home_ca(const char *home, const char *file, char out[PATH_MAX], struct hf_err *err)
{
	return join(out, home, "ca", "", file, err);
}

int hf_home_id(const char *home, const char *name, const char *file, char out[PATH_MAX],
	       struct hf_err *err)
{
	int rc = *name ? hf_home_check_name(name, err) : 0;

	return rc < 0 ? rc : join(out, home, "id", name, file, err);
}

int hf_home_trust(const char *home, const char *name, char out[PATH_MAX], struct hf_err *err)
{
	HF_AUTO(cstr) file = hf_str_printf("%s.pem", name);
	int rc = *name ? hf_home_check_name(name, err) : 0;

	if (rc < 0)
		return rc;
	if (!file)
		return hf_err_nomem(err);
	return join(out, home, "trust", "", *name ? file : "", err);
}

static int add_list(const char *home, const char *file, struct hf_strv *paths, struct hf_err *err)
{
	char path[PATH_MAX];
	int rc = hf_home_ca(home, file, path, err);

	return rc == 0 && hf_strv_add(paths, path) < 0 ? hf_err_nomem(err) : rc;
}

int hf_home_lists(const char *home, struct hf_strv *ret_paths, struct hf_err *err)
{
	HF_AUTO_DONE(hf_strv) before = HF_STRV_INIT;
	char dir[PATH_MAX], file[64];
	int rc = add_list(home, "crl.pem", ret_paths, err);

	if (rc == 0)
		rc = add_list(home, "root.crl.pem", ret_paths, err);
	if (rc == 0)
		rc = hf_home_ca(home, "before", dir, err);
	if (rc == 0 && hf_file_exists(dir))
		rc = hf_dir_list(dir, &before, err);
	for (size_t i = 0; rc == 0 && i < before.len; i++) {
		if (before.items[i][0] == '.' || strlen(before.items[i]) > 16)
			continue;
		(void)snprintf(file, sizeof(file), "before/%.16s/crl.pem", before.items[i]);
		rc = add_list(home, file, ret_paths, err);
	}
	return rc;
}

const char *hf_home_machine_roots(void)
{
	static const char *const places[] = { "/etc/ssl/certs/ca-certificates.crt",
					      "/etc/pki/tls/certs/ca-bundle.crt" };

	for (size_t i = 0; i < HF_ARRAY_LEN(places); i++)
		if (hf_file_exists(places[i]))
			return places[i];
	return NULL;
}
