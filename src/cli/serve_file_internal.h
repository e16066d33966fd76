/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of handfast.yaml share: serve_file.c, serve_routes.c, serve_policies.c. */
#ifndef HF_CLI_SERVE_FILE_INTERNAL_H
#define HF_CLI_SERVE_FILE_INTERNAL_H

#include "cli/serve_file.h"
#include "util/yaml.h"

/* The option that a key names, and its group; NULL: none. */
const struct hf_option *hf_serve_key_option(const struct hf_yaml_node *node,
					    const struct hf_option_group **ret_group);
/* A key as options, tried at once so that a mistake is told with its place. */
int hf_serve_key_args(const struct hf_yaml *yaml, const struct hf_yaml_node *node,
		      struct hf_strv *args, struct hf_err *err);
/* "allow cn:a", "deny o:b": the order counts, so one list holds both. */
int hf_serve_rule_split(const struct hf_yaml *yaml, const struct hf_yaml_node *node,
			const char **ret_rule, bool *ret_allow, struct hf_err *err);
/* A string of a map, when it is there. */
int hf_serve_put_string(const struct hf_yaml *yaml, const struct hf_yaml_node *map, const char *key,
			char **ret_text, struct hf_err *err);
/* The strings of a list, or the one of a scalar; appended. */
int hf_serve_put_list(const struct hf_yaml *yaml, const struct hf_yaml_node *map, const char *key,
		      struct hf_strv *list, struct hf_err *err);

/* Room for the items of a list, zeroed, and one more; the caller frees it. */
int hf_serve_items(const struct hf_yaml *yaml, const struct hf_yaml_node *list, size_t size,
		   void **ret_items, struct hf_err *err);

/* The keys of a route, and those of a policy that are no options; for the manual too. */
extern const struct hf_option hf_serve_route_keys[], hf_serve_policy_keys[];
/* Options that are no keys; NULL-terminated. */
extern const char *const hf_serve_no_keys[];

int hf_serve_routes_read(const struct hf_yaml *yaml, const struct hf_yaml_node *list,
			 struct hf_routes *routes, struct hf_err *err);
/* After every other key: what a policy does not say it takes from them. */
int hf_serve_policies_read(const struct hf_yaml *yaml, const struct hf_yaml_node *list,
			   struct hf_serve_file *file, struct hf_err *err);
void hf_serve_policies_done(struct hf_serve_file *file);
/* Whether an argument ("--ca=x") says who is let in: what a policy may say, and what a reload
 * takes. */
bool hf_serve_arg_is_policy(const char *arg);
bool hf_serve_arg_is_health(const char *arg); /* how services are looked at */
/* serve_changes.c: may the processes that run go on with this?  0, or negative with what needs a
 * restart. */
int hf_serve_may_take(const struct hf_serve_source *source, const struct hf_serve_file *fresh,
		      struct hf_err *err);

#endif
