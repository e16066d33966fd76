/* SPDX-License-Identifier: Apache-2.0 */
/* The inputs of `sign`.  Must never let one answer take another's place. */
#include "cli/sign_inputs.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

enum { NAME_CAP = 256 };

static const char *const endings[] = { ".csr", ".req", ".pem", ".der" };

bool hf_is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_request_name(const char *name)
{
	for (size_t e = 0; e < HF_ARRAY_LEN(endings); e++) {
		if (hf_str_ends(name, endings[e]))
			return true;
	}
	return false;
}

static int add_dir(const char *dir, struct hf_strv *inputs, struct hf_err *err)
{
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
	size_t before = inputs->len;
	char path[PATH_MAX];
	int rc = hf_dir_list(dir, &names, err);

	for (size_t i = 0; rc == 0 && i < names.len; i++) {
		if (!is_request_name(names.items[i]))
			continue;
		rc = hf_path_join(path, sizeof(path), dir, names.items[i], err);
		if (rc == 0 && hf_strv_add(inputs, path) < 0)
			rc = hf_err_nomem(err);
	}
	if (rc < 0 || inputs->len > before)
		return rc;
	(void)hf_err_set(err, HF_E_NOENT, "there is no request in '%s'", dir);
	return hf_err_hint(err, "requests are files that end in .csr, .req, .pem or .der");
}

int hf_sign_gather(const struct hf_strv *args, struct hf_strv *ret_inputs, bool *ret_any_dir,
		   struct hf_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < args->len; i++) {
		if (hf_is_dir(args->items[i])) {
			*ret_any_dir = true;
			rc = add_dir(args->items[i], ret_inputs, err);
		} else if (hf_strv_add(ret_inputs, args->items[i]) < 0) {
			rc = hf_err_nomem(err);
		}
	}
	return rc;
}

void hf_sign_base_name(const char *path, char *out, size_t cap)
{
	const char *slash = strrchr(path, '/');

	(void)hf_str_copy(out, cap, slash ? slash + 1 : path);
	for (size_t e = 0; e < HF_ARRAY_LEN(endings); e++) {
		size_t len = strlen(out), tail = strlen(endings[e]);

		if (len > tail && hf_str_ends(out, endings[e])) {
			out[len - tail] = '\0';
			return;
		}
	}
}

static int by_base_name(const void *a, const void *b)
{
	char one[NAME_CAP], two[NAME_CAP];

	hf_sign_base_name(*(char *const *)a, one, sizeof(one));
	hf_sign_base_name(*(char *const *)b, two, sizeof(two));
	return strcmp(one, two);
}

int hf_sign_check_names(const struct hf_strv *inputs, struct hf_err *err)
{
	char **sorted = calloc(inputs->len, sizeof(*sorted));
	int rc = 0;

	if (!sorted)
		return hf_err_nomem(err);
	memcpy(sorted, inputs->items, inputs->len * sizeof(*sorted));
	qsort(sorted, inputs->len, sizeof(*sorted), by_base_name);
	for (size_t i = 1; rc == 0 && i < inputs->len; i++) {
		if (by_base_name(&sorted[i - 1], &sorted[i]) != 0)
			continue;
		rc = hf_err_set(err, HF_E_INVALID, "'%s' and '%s' would be answered in one file",
				sorted[i - 1], sorted[i]);
		(void)hf_err_hint(err, "sign them one after the other, each with its own --out");
	}
	free(sorted);
	return rc;
}
