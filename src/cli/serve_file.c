/* SPDX-License-Identifier: Apache-2.0 */
/* Reading handfast.yaml.  The table of options is the table of keys, so that a word means the same
 * in both.  Must never take a file with a word it does not know: it might be a rule. */
#include "cli/serve_file_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"

enum { KEYS_CAP = 96 };

/* What is said of a run, not of the gateway, or would lead in circles. */
const char *const hf_serve_no_keys[] = { "config", "check", NULL };

static bool among(const char *name, const char *const *names)
{
	for (size_t i = 0; names[i] != NULL; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static size_t list_keys(const char *keys[KEYS_CAP])
{
	size_t n = 0;

	for (const struct hf_option_group *g = hf_serve_groups; g->options != NULL; g++)
		for (const struct hf_option *o = g->options; o->name != NULL; o++)
			if (!among(o->name, hf_serve_no_keys) && n + 4 < KEYS_CAP)
				keys[n++] = o->name;
	keys[n++] = "rules";
	keys[n++] = "routes";
	keys[n++] = "policies";
	keys[n] = NULL;
	return n;
}

const struct hf_option *hf_serve_key_option(const struct hf_yaml_node *node,
					    const struct hf_option_group **ret_group)
{
	for (const struct hf_option_group *g = hf_serve_groups; g->options != NULL; g++)
		for (const struct hf_option *o = g->options; o->name != NULL; o++)
			if (hf_yaml_key_is(node, o->name)) {
				*ret_group = g;
				return o;
			}
	return NULL;
}

/* --- keys as options --- */

static int add_arg(struct hf_strv *args, const char *name, const char *value)
{
	HF_AUTO(cstr) arg =
	    value != NULL ? hf_str_printf("--%s=%s", name, value) : hf_str_printf("--%s", name);

	return arg != NULL ? hf_strv_add(args, arg) : -HF_E_NOMEM;
}

static int add_flag(const struct hf_yaml *yaml, const struct hf_yaml_node *node, const char *name,
		    struct hf_strv *args, struct hf_err *err)
{
	bool on = false;
	int rc = hf_yaml_bool(yaml, node, &on, err);

	if (rc < 0 || !on)
		return rc;
	return add_arg(args, name, NULL) < 0 ? hf_err_nomem(err) : 0;
}

static int add_values(const struct hf_yaml *yaml, const struct hf_yaml_node *node,
		      const struct hf_option *option, struct hf_strv *args, struct hf_err *err)
{
	const struct hf_yaml_node *item = NULL;

	assert(option != NULL);
	if (option->kind != HF_OPT_LIST && node->kind != HF_YAML_SCALAR)
		return hf_yaml_need(yaml, node, HF_YAML_SCALAR, err);
	while ((item = hf_yaml_each(node, item)) != NULL) {
		const char *text = NULL;
		int rc = hf_yaml_string(yaml, item, &text, err);

		if (rc < 0)
			return rc;
		if (add_arg(args, option->name, text) < 0)
			return hf_err_nomem(err);
	}
	return 0;
}

/* Is it a rule?  Told here, where the place is known. */
static int try_rule(const struct hf_yaml *yaml, const struct hf_yaml_node *node, bool allow,
		    const char *rule, struct hf_err *err)
{
	HF_AUTO(hf_rules) rules = NULL;
	struct hf_err why = HF_ERR_INIT;
	int rc = hf_rules_new(&rules, err);

	if (rc < 0 || hf_rules_add(rules, allow, rule, &why) == 0)
		return rc;
	return hf_yaml_wrap(yaml, node, false, &why, err);
}

int hf_serve_rule_split(const struct hf_yaml *yaml, const struct hf_yaml_node *node,
			const char **ret_rule, bool *ret_allow, struct hf_err *err)
{
	const char *text = NULL;
	int rc = hf_yaml_string(yaml, node, &text, err);

	if (rc < 0)
		return rc;
	*ret_allow = hf_str_starts(text, "allow ");
	if (!*ret_allow && !hf_str_starts(text, "deny "))
		return hf_yaml_error(yaml, node, false, err,
				     "a rule begins with 'allow ' or 'deny ': '%s'", text);
	*ret_rule = strchr(text, ' ') + 1;
	return try_rule(yaml, node, *ret_allow, *ret_rule, err);
}

static int add_rules(const struct hf_yaml *yaml, const struct hf_yaml_node *node,
		     struct hf_strv *args, struct hf_err *err)
{
	const struct hf_yaml_node *item = NULL;

	while ((item = hf_yaml_each(node, item)) != NULL) {
		const char *rule = NULL;
		bool allow = false;
		int rc = hf_serve_rule_split(yaml, item, &rule, &allow, err);

		if (rc < 0)
			return rc;
		if (add_arg(args, allow ? "allow" : "deny", rule) < 0)
			return hf_err_nomem(err);
	}
	return 0;
}

/* Does it make sense as an option?  Told here, where the place is known. */
static int try_args(const struct hf_yaml *yaml, const struct hf_yaml_node *node,
		    const struct hf_strv *args, size_t from, struct hf_err *err)
{
	struct hf_serve_opts opts;
	const struct hf_option_set set = { hf_serve_groups, &opts };
	HF_AUTO_DONE(hf_strv) rest = HF_STRV_INIT;
	struct hf_err why = HF_ERR_INIT;
	int rc;

	memset(&opts, 0, sizeof(opts));
	rc = hf_options_parse(&set, 1, (int)(args->len - from), args->items + from, &rest, &why);
	hf_options_done(&set);
	if (rc == 0)
		return 0;
	return hf_yaml_wrap(yaml, node, true, &why, err);
}

int hf_serve_key_args(const struct hf_yaml *yaml, const struct hf_yaml_node *node,
		      struct hf_strv *args, struct hf_err *err)
{
	const struct hf_option_group *group = NULL;
	const struct hf_option *option = hf_serve_key_option(node, &group);
	size_t from = args->len;
	int rc;

	assert(option != NULL || hf_yaml_key_is(node, "rules"));
	if (option == NULL)
		rc = add_rules(yaml, node, args, err);
	else if (option->kind == HF_OPT_FLAG)
		rc = add_flag(yaml, node, option->name, args, err);
	else
		rc = add_values(yaml, node, option, args, err);
	if (rc < 0 || args->len == from)
		return rc;
	return try_args(yaml, node, args, from, err);
}

/* --- for routes and policies --- */

int hf_serve_put_string(const struct hf_yaml *yaml, const struct hf_yaml_node *map, const char *key,
			char **ret_text, struct hf_err *err)
{
	const struct hf_yaml_node *node = hf_yaml_get(map, key);
	const char *text = NULL;
	int rc = node != NULL ? hf_yaml_string(yaml, node, &text, err) : 0;

	if (rc < 0 || node == NULL)
		return rc;
	*ret_text = hf_str_dup(text);
	return *ret_text != NULL ? 0 : hf_err_nomem(err);
}

int hf_serve_put_list(const struct hf_yaml *yaml, const struct hf_yaml_node *map, const char *key,
		      struct hf_strv *list, struct hf_err *err)
{
	const struct hf_yaml_node *node = hf_yaml_get(map, key), *item = NULL;

	while (node != NULL && (item = hf_yaml_each(node, item)) != NULL) {
		const char *text = NULL;
		int rc = hf_yaml_string(yaml, item, &text, err);

		if (rc < 0)
			return rc;
		if (hf_strv_add(list, text) < 0)
			return hf_err_nomem(err);
	}
	return 0;
}

int hf_serve_items(const struct hf_yaml *yaml, const struct hf_yaml_node *list, size_t size,
		   void **ret_items, struct hf_err *err)
{
	int rc = hf_yaml_need(yaml, list, HF_YAML_LIST, err);
	size_t n = 1;

	if (rc < 0)
		return rc;
	for (const struct hf_yaml_node *item = list->child; item != NULL; item = item->next)
		n++;
	*ret_items = calloc(n, size);
	return *ret_items != NULL ? 0 : hf_err_nomem(err);
}

/* --- the file --- */

static int read_keys(const struct hf_yaml *yaml, struct hf_serve_file *file, struct hf_err *err)
{
	const struct hf_yaml_node *policies;
	const char *keys[KEYS_CAP];
	int rc;

	(void)list_keys(keys);
	if (yaml->root == NULL)
		return hf_err_set(err, HF_E_PARSE, "%s: the file is empty", yaml->name);
	rc = hf_yaml_check_keys(yaml, yaml->root, keys, err);
	for (const struct hf_yaml_node *node = yaml->root->child; rc == 0 && node != NULL;
	     node = node->next) {
		if (hf_yaml_key_is(node, "routes"))
			rc = hf_serve_routes_read(yaml, node, &file->routes, err);
		else if (!hf_yaml_key_is(node, "policies"))
			rc = hf_serve_key_args(yaml, node, &file->args, err);
	}
	policies = rc == 0 ? hf_yaml_get(yaml->root, "policies") : NULL;
	return policies != NULL ? hf_serve_policies_read(yaml, policies, file, err) : rc;
}

int hf_serve_file_parse(const struct hf_buf *text, const char *path, struct hf_serve_file *ret_file,
			struct hf_err *err)
{
	HF_AUTO(hf_yaml) yaml = NULL;
	const struct hf_option_set set = { hf_serve_groups, &ret_file->opts };
	HF_AUTO_DONE(hf_strv) rest = HF_STRV_INIT;
	int rc = hf_yaml_parse(hf_buf_str(text), text->len, path, &yaml, err);

	if (rc == 0)
		rc = read_keys(yaml, ret_file, err);
	if (rc == 0)
		rc = hf_options_init(&set, err);
	if (rc == 0)
		rc = hf_options_parse(&set, 1, (int)ret_file->args.len, ret_file->args.items, &rest,
				      err);
	for (size_t i = 0; rc == 0 && i < ret_file->routes.len; i++)
		rc = hf_serve_route_health(&ret_file->opts.health, &ret_file->routes.items[i], err);
	return rc;
}

int hf_serve_file_load(const char *path, struct hf_serve_file *ret_file, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(HF_YAML_CAP);
	int rc = hf_file_read(path, &text, err);

	return rc < 0 ? rc : hf_serve_file_parse(&text, path, ret_file, err);
}

void hf_serve_file_done(struct hf_serve_file *file)
{
	const struct hf_option_set set = { hf_serve_groups, &file->opts };

	hf_options_done(&set);
	hf_strv_done(&file->args);
	hf_routes_done(&file->routes);
	hf_serve_policies_done(file);
}

/* --- beside the command line --- */

static bool differs(const struct hf_option *option, const char *a, const char *b)
{
	switch (option->kind) {
	case HF_OPT_FLAG:
		return *(const bool *)(const void *)a != *(const bool *)(const void *)b;
	case HF_OPT_STRING:
		return !hf_str_eq(*(const char *const *)(const void *)a,
				  *(const char *const *)(const void *)b);
	case HF_OPT_LIST:
		return ((const struct hf_strv *)(const void *)a)->len > 0;
	case HF_OPT_WORD:
		return *(const int *)(const void *)a != *(const int *)(const void *)b;
	case HF_OPT_INT:
	case HF_OPT_DURATION:
	case HF_OPT_TIME:
	case HF_OPT_SIZE:
		break;
	}
	return *(const int64_t *)(const void *)a != *(const int64_t *)(const void *)b;
}

const char *hf_serve_file_stray(const struct hf_serve_opts *opts)
{
	struct hf_serve_opts initial;
	const struct hf_option_set set = { hf_serve_groups, &initial };
	const char *stray = NULL;

	memset(&initial, 0, sizeof(initial));
	if (hf_options_init(&set, NULL) < 0)
		return NULL;
	for (const struct hf_option_group *g = hf_serve_groups; g->options != NULL; g++)
		for (const struct hf_option *o = g->options; o->name != NULL; o++)
			if (!among(o->name, hf_serve_no_keys) &&
			    differs(o, (const char *)opts + g->offset + o->offset,
				    (const char *)&initial + g->offset + o->offset))
				stray = o->name;
	hf_options_done(&set);
	return stray;
}
