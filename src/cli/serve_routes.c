/* SPDX-License-Identifier: Apache-2.0 */
/* Routes in handfast.yaml.  Must never take one that could not match: it would be a gate that
 * stands in no way. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cli/serve_file_internal.h"

static int put_rules(const struct hf_yaml *yaml, const struct hf_yaml_node *map,
		     struct hf_route *route, struct hf_err *err)
{
	const struct hf_yaml_node *node = hf_yaml_get(map, "rules"), *item = NULL;
	int rc = node != NULL ? hf_rules_new(&route->rules, err) : 0;

	while (rc == 0 && node != NULL && (item = hf_yaml_each(node, item)) != NULL) {
		const char *rule = NULL;
		bool allow = false;
		struct hf_err why = HF_ERR_INIT;

		rc = hf_serve_rule_split(yaml, item, &rule, &allow, err);
		if (rc < 0 || hf_rules_add(route->rules, allow, rule, &why) == 0)
			continue;
		rc = hf_yaml_wrap(yaml, item, false, &why, err);
	}
	return rc;
}

/* What could never match is a mistake. */
static int check_route(const struct hf_yaml *yaml, const struct hf_yaml_node *map,
		       const struct hf_route *route, struct hf_err *err)
{
	char path[HF_ROUTE_PATH_CAP];
	const char *want = route->path;

	if (route->to.len == 0)
		return hf_yaml_error(yaml, map, false, err, "a route without 'to' leads nowhere");
	for (size_t i = 0; i < route->to.len; i++)
		if (!hf_str_starts(route->to.items[i], "http"))
			return hf_yaml_error(yaml, hf_yaml_get(map, "to"), false, err,
					     "a route leads to http:// or http+unix: services, not "
					     "to '%s'",
					     route->to.items[i]);
	if (route->host != NULL &&
	    !hf_http_host_ok((struct hf_slice){ route->host, strlen(route->host) }))
		return hf_yaml_error(yaml, hf_yaml_get(map, "host"), false, err,
				     "'%s' is no host name", route->host);
	if (want == NULL)
		return 0;
	if (want[0] == '/' && strlen(want) < sizeof(path) &&
	    hf_route_path((struct hf_slice){ want, strlen(want) }, path) && strcmp(path, want) == 0)
		return 0;
	return hf_yaml_error(yaml, hf_yaml_get(map, "path"), false, err,
			     "'%s' is no path as a service reads it: it begins with '/', has no "
			     "percent codes, no empty parts, no dots, no ';'",
			     want);
}

static const char *const balances[] = { "turn", "least", NULL };

/* What the manual says of them; what reads them is below. */
const struct hf_option hf_serve_route_keys[] = {
	{ .name = "name", .kind = HF_OPT_STRING, .arg = "TEXT", .help = "for logs" },
	{ .name = "host",
	  .kind = HF_OPT_STRING,
	  .arg = "NAME",
	  .help = "requests for this host only, or *.example.com for one label; default: any" },
	{ .name = "path",
	  .kind = HF_OPT_STRING,
	  .arg = "PATH",
	  .help =
	      "this path only, or /a/* for /a and all below; default: any. Percent codes, "
	      "parameters and empty parts of a request are taken away before it is compared, and "
	      "a path that could be read in two ways is answered 400" },
	{ .name = "method",
	  .kind = HF_OPT_LIST,
	  .arg = "METHOD",
	  .help = "these methods only; GET stands for HEAD too; default: any" },
	{ .name = "rules",
	  .kind = HF_OPT_LIST,
	  .arg = "RULE",
	  .help = "who may, besides those of the listener: allow RULE or deny RULE, in order; else "
		  "403" },
	{ .name = "to",
	  .kind = HF_OPT_LIST,
	  .arg = "URL",
	  .help = "the services: http:// or http+unix:; needed" },
	{ .name = "balance",
	  .kind = HF_OPT_WORD,
	  .arg = "HOW",
	  .words = balances,
	  .help = "as above, for these services" },
	{ .name = "bound-tokens",
	  .kind = HF_OPT_WORD,
	  .arg = "HOW",
	  .words = hf_bound_tokens_words,
	  .help = "as above, for these requests; default: the file's" },
	{ .name = "pass-trailer",
	  .kind = HF_OPT_LIST,
	  .arg = "NAME",
	  .help = "as above, for these requests and their answers, instead of the file's" },
	{ .name = "health",
	  .kind = HF_OPT_STRING,
	  .arg = "PATH",
	  .help = "as above, for these services; so are health-expect, health-interval, "
		  "health-timeout, health-rise and health-fall" },
	{ .name = NULL },
};

enum { KEYS_CAP = 32 };

static int check_keys(const struct hf_yaml *yaml, const struct hf_yaml_node *map,
		      struct hf_err *err)
{
	const char *keys[KEYS_CAP];
	size_t n = 0;

	for (const struct hf_option *o = hf_serve_route_keys; o->name != NULL; o++)
		keys[n++] = o->name;
	for (const struct hf_option *o = hf_health_options; o->name != NULL; o++)
		keys[n++] = o->name;
	assert(n < KEYS_CAP);
	keys[n] = NULL;
	return hf_yaml_check_keys(yaml, map, keys, err);
}

static int put_trailers(const struct hf_yaml *yaml, const struct hf_yaml_node *map,
			struct hf_route *route, struct hf_err *err)
{
	const struct hf_yaml_node *node = hf_yaml_get(map, "pass-trailer");
	struct hf_err why = HF_ERR_INIT;
	int rc;

	if (node == NULL)
		return 0;
	route->own_trailers = true;
	rc = hf_serve_put_list(yaml, map, "pass-trailer", &route->trailers, err);
	if (rc == 0 && hf_serve_trailers(&route->trailers, &why) < 0)
		rc = hf_yaml_wrap(yaml, node, true, &why, err);
	return rc;
}

static int put_health(const struct hf_yaml *yaml, const struct hf_yaml_node *map,
		      struct hf_route *route, struct hf_err *err)
{
	int rc = 0;

	for (const struct hf_option *o = hf_health_options; rc == 0 && o->name != NULL; o++) {
		const struct hf_yaml_node *node = hf_yaml_get(map, o->name);

		if (node != NULL)
			rc = hf_serve_key_args(yaml, node, &route->health_args, err);
	}
	return rc;
}

static int read_route(const struct hf_yaml *yaml, const struct hf_yaml_node *map, size_t number,
		      struct hf_route *route, struct hf_err *err)
{
	const struct hf_yaml_node *balance, *tokens;
	int rc = check_keys(yaml, map, err), word = 0, mode = 0;

	if (rc == 0)
		rc = hf_serve_put_string(yaml, map, "name", &route->name, err);
	if (rc == 0 && route->name == NULL &&
	    (route->name = hf_str_printf("route %zu", number)) == NULL)
		rc = hf_err_nomem(err);
	if (rc == 0)
		rc = hf_serve_put_string(yaml, map, "host", &route->host, err);
	if (rc == 0)
		rc = hf_serve_put_string(yaml, map, "path", &route->path, err);
	if (rc == 0)
		rc = hf_serve_put_list(yaml, map, "method", &route->methods, err);
	if (rc == 0)
		rc = hf_serve_put_list(yaml, map, "to", &route->to, err);
	if (rc == 0)
		rc = put_rules(yaml, map, route, err);
	if (rc == 0)
		rc = put_trailers(yaml, map, route, err);
	if (rc == 0)
		rc = put_health(yaml, map, route, err);
	balance = rc == 0 ? hf_yaml_get(map, "balance") : NULL;
	if (balance != NULL)
		rc = hf_yaml_word(yaml, balance, balances, &word, err);
	tokens = rc == 0 ? hf_yaml_get(map, "bound-tokens") : NULL;
	if (tokens != NULL)
		rc = hf_yaml_word(yaml, tokens, hf_bound_tokens_words, &mode, err);
	route->least_busy = word == 1;
	route->own_tokens = tokens != NULL;
	route->bound_tokens = (enum hf_bound_tokens)mode;
	return rc < 0 ? rc : check_route(yaml, map, route, err);
}

int hf_serve_routes_read(const struct hf_yaml *yaml, const struct hf_yaml_node *list,
			 struct hf_routes *routes, struct hf_err *err)
{
	void *items = NULL;
	int rc = hf_serve_items(yaml, list, sizeof(*routes->items), &items, err);

	routes->items = items;
	for (const struct hf_yaml_node *item = list->child; rc == 0 && item != NULL;
	     item = item->next) {
		routes->len++;
		rc = read_route(yaml, item, routes->len, &routes->items[routes->len - 1], err);
	}
	return rc;
}
