/* SPDX-License-Identifier: Apache-2.0 */
/* Policies in handfast.yaml: other certificates, CAs, rules and demands for some server names or
 * listeners.  Must never mix what belongs together: a policy has its own certificate and key, or
 * the file's; its own rules, or the file's; and with its own CAs never the file's lists. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cli/serve_file_internal.h"
#include "http/chars.h"
#include "pki/san.h"

/* Besides the whole groups of credential, trust and rules. */
static const char *const single[] = { "client-auth", "tls-min", "tls-max", "ocsp",
				      "ocsp-url",    "staple",	NULL };

const struct hf_option hf_serve_policy_keys[] = {
	{ .name = "name",
	  .kind = HF_OPT_STRING,
	  .arg = "TEXT",
	  .help = "for logs and records; each has another" },
	{ .name = "sni",
	  .kind = HF_OPT_LIST,
	  .arg = "NAME",
	  .help =
	      "server names that clients ask for, or *.example.com for one label; without it the "
	      "policy is for all that its listeners get" },
	{ .name = "listen",
	  .kind = HF_OPT_LIST,
	  .arg = "ADDR:PORT",
	  .help =
	      "at these listeners, which are opened; default: at all of the file's. sni or listen "
	      "must be there" },
	{ .name = "rules",
	  .kind = HF_OPT_LIST,
	  .arg = "RULE",
	  .help = "who may, in place of the file's: allow RULE or deny RULE, in order" },
	{ .name = NULL },
};

enum { KEYS_CAP = 40 };

static bool is_whole_group(const struct hf_option_group *group)
{
	return group->options == hf_credential_options || group->options == hf_trust_options ||
	       group->options == hf_rule_options;
}

static bool is_single(const struct hf_option *option)
{
	for (size_t i = 0; single[i] != NULL; i++)
		if (strcmp(option->name, single[i]) == 0)
			return true;
	return false;
}

static void list_keys(const char *keys[KEYS_CAP])
{
	size_t n = 0;

	for (const struct hf_option *o = hf_serve_policy_keys; o->name != NULL; o++)
		keys[n++] = o->name;
	for (const struct hf_option_group *g = hf_serve_groups; g->options != NULL; g++)
		for (const struct hf_option *o = g->options; o->name != NULL; o++)
			if ((is_whole_group(g) || is_single(o)) && n + 1 < KEYS_CAP)
				keys[n++] = o->name;
	keys[n] = NULL;
}

/* --- what is inherited --- */

static const struct hf_option *arg_option(const char *arg, const struct hf_option_group **ret_group)
{
	size_t len = strcspn(arg + 2, "=");

	for (const struct hf_option_group *g = hf_serve_groups; g->options != NULL; g++)
		for (const struct hf_option *o = g->options; o->name != NULL; o++)
			if (strlen(o->name) == len && strncmp(o->name, arg + 2, len) == 0) {
				*ret_group = g;
				return o;
			}
	return NULL;
}

bool hf_serve_arg_is_policy(const char *arg)
{
	const struct hf_option_group *group = NULL;
	const struct hf_option *option = arg_option(arg, &group);

	return option != NULL && (is_whole_group(group) || is_single(option));
}

bool hf_serve_arg_is_health(const char *arg)
{
	const struct hf_option_group *group = NULL;

	return arg_option(arg, &group) != NULL && group->options == hf_health_options;
}

static bool replaces(const struct hf_option *own, const struct hf_option_group *own_group,
		     const struct hf_option *option, const struct hf_option_group *group)
{
	if (own == option)
		return true;
	if (group == own_group && group->options != hf_trust_options)
		return is_whole_group(group);
	return hf_str_eq(own->name, "ca") && hf_str_eq(option->name, "crl");
}

static bool says(const struct hf_strv *args, const struct hf_option *option,
		 const struct hf_option_group *group)
{
	for (size_t i = 0; i < args->len; i++) {
		const struct hf_option_group *other = NULL;
		const struct hf_option *said = arg_option(args->items[i], &other);

		if (said != NULL && replaces(said, other, option, group))
			return true;
	}
	return false;
}

static int inherit(const struct hf_strv *from, const struct hf_strv *own, struct hf_strv *ret_args,
		   struct hf_err *err)
{
	for (size_t i = 0; i < from->len; i++) {
		const struct hf_option_group *group = NULL;
		const struct hf_option *option = arg_option(from->items[i], &group);

		if (option == NULL || (!is_whole_group(group) && !is_single(option)) ||
		    says(own, option, group))
			continue;
		if (hf_strv_add(ret_args, from->items[i]) < 0)
			return hf_err_nomem(err);
	}
	return 0;
}

static int append(struct hf_strv *args, const struct hf_strv *more, struct hf_err *err)
{
	for (size_t i = 0; i < more->len; i++)
		if (hf_strv_add(args, more->items[i]) < 0)
			return hf_err_nomem(err);
	return 0;
}

/* --- one policy --- */

/* A name that clients can ask for (RFC 6066 3), or a star for one label. */
static bool sni_ok(const char *name)
{
	const char *rest = hf_str_starts(name, "*.") ? name + 2 : name;
	uint8_t raw[16];
	size_t len = strlen(rest), raw_len;

	return len > 0 && len < 254 && rest[len - 1] != '.' && rest[0] != '.' &&
	       strpbrk(rest, "*:[]%") == NULL && (rest == name || strchr(rest, '.') != NULL) &&
	       hf_http_host_ok((struct hf_slice){ rest, len }) && !hf_ip_parse(rest, raw, &raw_len);
}

static int check_names(const struct hf_yaml *yaml, const struct hf_yaml_node *map,
		       const struct hf_serve_policy *policy, struct hf_err *err)
{
	const struct hf_yaml_node *node = hf_yaml_get(map, "sni");

	if (policy->sni.len == 0 && policy->listen.len == 0)
		return hf_yaml_error(yaml, map, false, err,
				     "a policy is for server names ('sni'), listeners ('listen'), "
				     "or both");
	for (size_t i = 0; i < policy->sni.len; i++)
		if (!sni_ok(policy->sni.items[i]))
			return hf_yaml_error(yaml, node, false, err,
					     "'%s' is no server name: it is a host name or "
					     "'*.example.com' (one label), no address, no port",
					     policy->sni.items[i]);
	return 0;
}

static bool both_have(const struct hf_strv *a, const struct hf_strv *b)
{
	for (size_t i = 0; i < a->len; i++)
		for (size_t k = 0; k < b->len; k++)
			if (hf_str_case_eq(a->items[i], b->items[k]))
				return true;
	return a->len == 0 && b->len == 0;
}

/* Two policies for one name at one listener would leave the choice to chance. */
static int check_others(const struct hf_yaml *yaml, const struct hf_yaml_node *map,
			const struct hf_serve_file *file, struct hf_err *err)
{
	const struct hf_serve_policy *last = &file->policies[file->policies_len - 1];

	for (const struct hf_serve_policy *other = file->policies; other != last; other++) {
		if (strcmp(other->name, last->name) == 0)
			return hf_yaml_error(yaml, map, false, err, "two policies are called '%s'",
					     last->name);
		if (both_have(&other->sni, &last->sni) && both_have(&other->listen, &last->listen))
			return hf_yaml_error(yaml, map, false, err,
					     "the policies '%s' and '%s' are for the same name at "
					     "the same listener",
					     other->name, last->name);
	}
	return 0;
}

static int read_args(const struct hf_yaml *yaml, const struct hf_yaml_node *map,
		     const struct hf_strv *top, struct hf_serve_policy *policy, struct hf_err *err)
{
	const struct hf_option_set set = { hf_serve_groups, &policy->opts };
	HF_AUTO_DONE(hf_strv) own = HF_STRV_INIT, rest = HF_STRV_INIT;
	int rc = 0;

	for (const struct hf_yaml_node *node = map->child; rc == 0 && node != NULL;
	     node = node->next)
		if (!hf_yaml_key_is(node, "name") && !hf_yaml_key_is(node, "sni") &&
		    !hf_yaml_key_is(node, "listen"))
			rc = hf_serve_key_args(yaml, node, &own, err);
	if (rc == 0)
		rc = inherit(top, &own, &policy->args, err);
	if (rc == 0)
		rc = append(&policy->args, &own, err);
	if (rc == 0)
		rc = hf_options_init(&set, err);
	return rc < 0 ? rc
		      : hf_options_parse(&set, 1, (int)policy->args.len, policy->args.items, &rest,
					 err);
}

static int read_policy(const struct hf_yaml *yaml, const struct hf_yaml_node *map,
		       struct hf_serve_file *file, struct hf_err *err)
{
	struct hf_serve_policy *policy = &file->policies[file->policies_len++];
	const char *keys[KEYS_CAP];
	int rc;

	list_keys(keys);
	rc = hf_yaml_check_keys(yaml, map, keys, err);
	if (rc == 0)
		rc = hf_serve_put_string(yaml, map, "name", &policy->name, err);
	if (rc == 0 && policy->name == NULL &&
	    (policy->name = hf_str_printf("policy %zu", file->policies_len)) == NULL)
		rc = hf_err_nomem(err);
	if (rc == 0)
		rc = hf_serve_put_list(yaml, map, "sni", &policy->sni, err);
	if (rc == 0)
		rc = hf_serve_put_list(yaml, map, "listen", &policy->listen, err);
	if (rc == 0)
		rc = check_names(yaml, map, policy, err);
	if (rc == 0)
		rc = check_others(yaml, map, file, err);
	return rc < 0 ? rc : read_args(yaml, map, &file->args, policy, err);
}

int hf_serve_policies_read(const struct hf_yaml *yaml, const struct hf_yaml_node *list,
			   struct hf_serve_file *file, struct hf_err *err)
{
	void *items = NULL;
	int rc = hf_serve_items(yaml, list, sizeof(*file->policies), &items, err);

	file->policies = items;
	for (const struct hf_yaml_node *item = list->child; rc == 0 && item != NULL;
	     item = item->next)
		rc = read_policy(yaml, item, file, err);
	return rc;
}

void hf_serve_policies_done(struct hf_serve_file *file)
{
	for (size_t i = 0; i < file->policies_len; i++) {
		struct hf_serve_policy *policy = &file->policies[i];
		const struct hf_option_set set = { hf_serve_groups, &policy->opts };

		hf_options_done(&set);
		free(policy->name);
		hf_strv_done(&policy->sni);
		hf_strv_done(&policy->listen);
		hf_strv_done(&policy->args);
	}
	free(file->policies);
	file->policies = NULL;
	file->policies_len = 0;
}
