/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the admin socket of a running service and asking it.  Must never take a socket that does
 * not answer for a service that runs. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "cli/ctl.h"

const char *hf_ctl_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

int64_t hf_ctl_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* What the service said instead of an answer. */
static int pass_error(struct hf_cmd_ctx *ctx, const json_t *error)
{
	const char *hint = hf_ctl_text(error, "hint");

	(void)hf_err_set(&ctx->err, HF_E_IO, "the service says: %s", hf_ctl_text(error, "message"));
	return hint[0] ? hf_err_hint(&ctx->err, "%s", hint) : -HF_E_IO;
}

int hf_ctl_ask(struct hf_cmd_ctx *ctx, const char *path, const struct hf_admin_request *request,
	       int wait_s, json_t **ret_answer)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(HF_ADMIN_ANSWER_CAP);
	json_error_t where;
	json_t *answer;
	int rc = hf_admin_ask(path, request, wait_s, &text, &ctx->err);

	if (rc < 0)
		return rc;
	answer = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &where);
	if (!json_is_object(answer)) {
		json_decref(answer);
		return hf_err_set(&ctx->err, HF_E_PARSE, "'%s' gave no JSON object: %s", path,
				  where.text);
	}
	if (json_object_get(answer, "error") != NULL) {
		rc = pass_error(ctx, json_object_get(answer, "error"));
		json_decref(answer);
		return rc;
	}
	*ret_answer = answer;
	return 0;
}

/* --- which socket --- */

static bool answers(const char *path)
{
	const struct hf_admin_request request = { .verb = HF_ADMIN_STATUS, .deadline_s = -1 };
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(HF_ADMIN_ANSWER_CAP);

	return hf_admin_ask(path, &request, 5, &text, NULL) == 0;
}

static int sockets_in(const char *dir, struct hf_strv *ret_names)
{
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;

	if (hf_dir_list(dir, &names, NULL) < 0)
		return 0;
	for (size_t i = 0; i < names.len; i++)
		if (hf_str_ends(names.items[i], ".sock") &&
		    hf_strv_add(ret_names, names.items[i]) < 0)
			return -HF_E_NOMEM;
	return 0;
}

static int nothing_there(struct hf_cmd_ctx *ctx, const char *dir)
{
	(void)hf_err_set(&ctx->err, HF_E_NOENT,
			 "no gateway of this user runs here: '%s' has no "
			 "admin socket that answers",
			 dir);
	return hf_err_hint(&ctx->err,
			   "start one with: handfast serve …; or name its socket with --admin "
			   "PATH, as it was given to serve");
}

static int several(struct hf_cmd_ctx *ctx, const struct hf_strv *living)
{
	HF_AUTO_DONE(hf_buf) list = HF_BUF_INIT(4096);

	for (size_t i = 0; i < living->len && i < 8; i++)
		hf_buf_printf(&list, "%s%s", i ? ", " : "", living->items[i]);
	(void)hf_err_set(&ctx->err, HF_E_INVALID, "%zu services run here: %s", living->len,
			 hf_buf_str(&list));
	return hf_err_hint(&ctx->err, "choose one: --admin %s", living->items[0]);
}

static int only_one(struct hf_cmd_ctx *ctx, char out[PATH_MAX])
{
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT, living = HF_STRV_INIT;
	char dir[PATH_MAX];
	int rc = 0;

	if (!hf_admin_dir(dir)) {
		(void)hf_err_set(&ctx->err, HF_E_NOENT,
				 "which gateway? There is no $XDG_RUNTIME_DIR to look in");
		return hf_err_hint(&ctx->err, "name its socket: --admin PATH");
	}
	if (sockets_in(dir, &names) < 0)
		return hf_err_nomem(&ctx->err);
	for (size_t i = 0; i < names.len; i++) {
		if (hf_path_join(out, PATH_MAX, dir, names.items[i], NULL) < 0 || !answers(out))
			continue;
		if (hf_strv_add(&living, names.items[i]) < 0)
			return hf_err_nomem(&ctx->err);
	}
	if (living.len == 0)
		return nothing_there(ctx, dir);
	if (living.len > 1)
		return several(ctx, &living);
	rc = hf_path_join(out, PATH_MAX, dir, living.items[0], &ctx->err);
	return rc;
}

/* --- a socket that was named --- */

static int path_of(struct hf_cmd_ctx *ctx, const char *admin, char out[PATH_MAX])
{
	char dir[PATH_MAX];

	if (hf_str_starts(admin, "unix:"))
		admin += strlen("unix:");
	else if (strchr(admin, '/') == NULL && !hf_file_exists(admin) && hf_admin_dir(dir))
		return hf_path_join(out, PATH_MAX, dir, admin, &ctx->err);
	return hf_str_copy(out, PATH_MAX, admin)
		   ? 0
		   : hf_err_set(&ctx->err, HF_E_LIMIT, "--admin is too long");
}

/* The socket of the nearest name beside it. */
static int not_there(struct hf_cmd_ctx *ctx, const char *path)
{
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/'), *nearest = NULL;

	(void)hf_err_set(&ctx->err, HF_E_NOENT, "no gateway runs at '%s': there is no such socket",
			 path);
	if (slash == NULL || !hf_str_copy(dir, sizeof(dir), path))
		return hf_err_hint(&ctx->err, "start one with: handfast serve --admin unix:%s …",
				   path);
	dir[slash - path] = '\0';
	if (sockets_in(dir[0] ? dir : "/", &names) == 0 && names.len > 0)
		nearest = hf_str_nearest(slash + 1, (const char *const *)names.items);
	if (nearest != NULL)
		return hf_err_hint(&ctx->err, "did you mean '%s/%s'?", dir, nearest);
	return hf_err_hint(&ctx->err, "start one with: handfast serve --admin unix:%s …", path);
}

static int named(struct hf_cmd_ctx *ctx, const char *admin, char out[PATH_MAX])
{
	int rc = path_of(ctx, admin, out);

	if (rc < 0)
		return rc;
	if (!hf_file_exists(out))
		return not_there(ctx, out);
	return 0;
}

int hf_ctl_find(struct hf_cmd_ctx *ctx, const char *admin, char out[PATH_MAX])
{
	return admin == NULL ? only_one(ctx, out) : named(ctx, admin, out);
}
