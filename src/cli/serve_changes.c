/* SPDX-License-Identifier: Apache-2.0 */
/* What of a changed configuration is taken while we run.  Must never let through what a process
 * that is there cannot follow. */
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "cli/serve_file_internal.h"

static int needs_restart(const struct hf_serve_source *source, struct hf_err *err, const char *what)
{
	(void)hf_err_set(err, HF_E_INVALID, "%s: %s", source->path, what);
	return hf_err_hint(err, "restart to take it; rules, certificates, trust, demands and names "
				"of policies, and health checks, are taken without");
}

/* The next argument that is not part of a generation. */
static const char *next_fixed(const struct hf_strv *args, size_t *at)
{
	while (*at < args->len && (hf_serve_arg_is_policy(args->items[*at]) ||
				   hf_serve_arg_is_health(args->items[*at])))
		*at += 1;
	return *at < args->len ? args->items[(*at)++] : NULL;
}

static int compare_args(const struct hf_serve_source *source, const struct hf_serve_file *fresh,
			struct hf_err *err)
{
	HF_AUTO(cstr) text = NULL;
	size_t a = 0, b = 0;

	for (;;) {
		const char *was = next_fixed(&source->file->args, &a);
		const char *is = next_fixed(&fresh->args, &b);
		const char *differs = is != NULL ? is : was;

		if (hf_str_eq(was, is)) {
			if (was == NULL)
				return 0;
			continue;
		}
		text = hf_str_printf("'%.*s' does not change while we run",
				     (int)strcspn(differs + 2, "="), differs + 2);
		return text != NULL ? needs_restart(source, err, text) : hf_err_nomem(err);
	}
}

static bool listens(const struct hf_serve_file *file, const char *listener)
{
	bool found = hf_strv_has(&file->opts.listen, listener);

	for (size_t i = 0; !found && i < file->policies_len; i++)
		found = hf_strv_has(&file->policies[i].listen, listener);
	return found;
}

/* What has sockets, services and timers behind it is made once. */
static int compare(const struct hf_serve_source *source, const struct hf_serve_file *fresh,
		   struct hf_err *err)
{
	int rc = compare_args(source, fresh, err);

	if (rc < 0)
		return rc;
	if (!hf_routes_same_ways(&source->file->routes, &fresh->routes))
		return needs_restart(
		    source, err, "the 'routes' change in more than their rules and health checks");
	if (hf_serve_asks_ocsp(fresh) && !hf_serve_asks_ocsp(source->file))
		return needs_restart(source, err,
				     "'ocsp' and 'staple' were off everywhere at the start");
	for (size_t p = 0; p < fresh->policies_len; p++)
		for (size_t i = 0; i < fresh->policies[p].listen.len; i++)
			if (!listens(source->file, fresh->policies[p].listen.items[i]))
				return needs_restart(source, err, "a policy has a new 'listen'");
	return 0;
}

/* The directory that a path is in, as a length. */
static size_t dir_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) : 0;
}

static bool is_near(const struct hf_strv *known, const char *path)
{
	for (size_t i = 0; i < known->len; i++) {
		size_t len = dir_len(known->items[i]);

		if (strncmp(path, known->items[i], len) == 0 && path[len] == '/')
			return true;
		if (len == 0 && strchr(path, '/') == NULL)
			return true;
	}
	return false;
}

/* The signer was locked up with what was named then; who reads for themselves, too. */
static int check_places(const struct hf_serve_source *source, const struct hf_serve_file *fresh,
			struct hf_err *err)
{
	HF_AUTO_DONE(hf_strv) paths = HF_STRV_INIT;

	if (source->known == NULL)
		return 0;
	if (source->read == NULL ? hf_serve_watch(source, fresh, &paths) < 0
				 : hf_serve_credentials(source, fresh, &paths) < 0)
		return hf_err_nomem(err);
	for (size_t i = 0; i < paths.len; i++) {
		HF_AUTO(cstr) text = NULL;

		if (is_near(source->known, paths.items[i]))
			continue;
		text = hf_str_printf("'%s' is in a directory that nothing was in at the start, and "
				     "%s cannot read there",
				     paths.items[i], source->read ? "the signer" : "workers");
		return text != NULL ? needs_restart(source, err, text) : hf_err_nomem(err);
	}
	return 0;
}

int hf_serve_may_take(const struct hf_serve_source *source, const struct hf_serve_file *fresh,
		      struct hf_err *err)
{
	int rc = compare(source, fresh, err);

	return rc < 0 ? rc : check_places(source, fresh, err);
}
