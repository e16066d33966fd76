/* SPDX-License-Identifier: Apache-2.0 */
/* handfast authority --config FILE: several authorities, each with a home of its own.  Must never
 * let two of them be meant by the same name, label or home. */
#include "cli/authority_homes.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "cli/ca_common.h"
#include "pki/san.h"
#include "util/home.h"
#include "util/yaml.h"

void hf_authority_homes_done(struct hf_authority_homes *homes)
{
	for (size_t i = 0; i < homes->len; i++) {
		struct hf_authority_home *h = &homes->items[i];

		free(h->label);
		free(h->home);
		free(h->as);
		free(h->passphrase_file);
		hf_strv_done(&h->names);
		hf_rules_unref(h->admins);
	}
	free(homes->items);
	*homes = (struct hf_authority_homes){ .items = NULL };
}

/* A reload has no terminal to ask at: the passphrase comes from where it came from, or the old
 * state stays. */
static int open_authority(void *arg, struct hf_authority **ret_authority, struct hf_err *err)
{
	struct hf_authority_home *h = arg;
	struct hf_cmd_ctx *ctx = h->ctx;
	const char *home = ctx->home;
	HF_AUTO(hf_authority) a = NULL;
	int rc;

	ctx->home = h->home;
	rc = hf_cli_open_authority(ctx, &h->from, &a);
	ctx->home = home;
	if (rc == 0)
		rc = hf_ca_load_key(a, hf_authority_issuer(a), &ctx->err);
	if (rc == 0 && a->root_only)
		rc = hf_err_set(&ctx->err, HF_E_POLICY,
				"this home holds an offline root, which enrols nobody");
	h->from.no_prompt = true;
	if (rc < 0) {
		*err = ctx->err;
		return h->label ? hf_err_context(err, rc, "the authority '%s'", h->label) : rc;
	}
	*ret_authority = hf_take(a);
	return 0;
}

void hf_authority_home_describe(struct hf_authority_home *h, struct hf_service_authority *ret)
{
	*ret = (struct hf_service_authority){ .label = h->label,
					      .open = open_authority,
					      .open_arg = h,
					      .names = &h->names,
					      .identity_dir = h->dir,
					      .identity_name = h->as,
					      .admins = h->admins };
}

static int add_names(struct hf_authority_home *h, const struct hf_strv *names, struct hf_err *err)
{
	for (size_t i = 0; i < names->len; i++) {
		if (!hf_strv_has(&h->names, names->items[i]) &&
		    hf_strv_add(&h->names, names->items[i]) < 0)
			return hf_err_nomem(err);
	}
	return 0;
}

static int add_admin(struct hf_authority_home *h, const char *rule, struct hf_err *err)
{
	int rc = h->admins ? 0 : hf_rules_new(&h->admins, err);

	return rc < 0 ? rc : hf_rules_add(h->admins, true, rule, err);
}

static int finish(struct hf_authority_home *h, struct hf_err *err)
{
	h->from = (struct hf_passphrase){ h->passphrase_file, false };
	return hf_home_id(h->home, h->as, "", h->dir, err);
}

static int set(char **field, const char *text, struct hf_err *err)
{
	*field = strdup(text);
	return *field ? 0 : hf_err_nomem(err);
}

int hf_authority_homes_single(struct hf_cmd_ctx *ctx, const char *as, const char *passphrase_file,
			      const struct hf_strv *names, const struct hf_strv *admins,
			      struct hf_authority_homes *homes)
{
	struct hf_authority_home *h = calloc(1, sizeof(*h));
	int rc;

	if (!h)
		return hf_err_nomem(&ctx->err);
	h->ctx = ctx;
	homes->items = h;
	homes->len = 1;
	rc = set(&h->home, ctx->home, &ctx->err);
	if (rc == 0)
		rc = set(&h->as, as, &ctx->err);
	if (rc == 0 && passphrase_file)
		rc = set(&h->passphrase_file, passphrase_file, &ctx->err);
	if (rc == 0)
		rc = add_names(h, names, &ctx->err);
	for (size_t i = 0; rc == 0 && i < admins->len; i++)
		rc = add_admin(h, admins->items[i], &ctx->err);
	return rc < 0 ? rc : finish(h, &ctx->err);
}

/* --- the file --- */

const struct hf_option hf_authority_home_keys[] = {
	{ .name = "label",
	  .kind = HF_OPT_STRING,
	  .arg = "WORD",
	  .help = "its path, /WORD/…, and EST's /.well-known/est/WORD/…; in logs and figures too" },
	{ .name = "home",
	  .kind = HF_OPT_STRING,
	  .arg = "DIR",
	  .help = "where the authority lives" },
	{ .name = "name",
	  .kind = HF_OPT_LIST,
	  .arg = "HOST",
	  .help =
	      "names and addresses that it is reached by; whoever asks for one of the names (SNI) meets "
	      "it. All but the first authority need one" },
	{ .name = "as",
	  .kind = HF_OPT_STRING,
	  .arg = "NAME",
	  .help = "its own identity in id/NAME (authority)" },
	{ .name = "admin",
	  .kind = HF_OPT_LIST,
	  .arg = "RULE",
	  .help = "whose certificates may operate it from elsewhere" },
	{ .name = "passphrase-file",
	  .kind = HF_OPT_STRING,
	  .arg = "FILE",
	  .help = "passphrase of its issuing CA's key" },
	{ .name = NULL },
};

struct reading {
	const struct hf_yaml *yaml;
	struct hf_authority_homes *homes;
	struct hf_err *err;
};

static int read_text(struct reading *r, const struct hf_yaml_node *map, const char *key,
		     const char *otherwise, char **ret_text)
{
	const struct hf_yaml_node *node = hf_yaml_get(map, key);
	const char *text = otherwise;
	int rc = node ? hf_yaml_string(r->yaml, node, &text, r->err) : 0;

	return rc < 0 || !text ? rc : set(ret_text, text, r->err);
}

static int read_names(struct reading *r, const struct hf_yaml_node *map,
		      struct hf_authority_home *h)
{
	const struct hf_yaml_node *list = hf_yaml_get(map, "name"), *item = NULL;

	while (list && (item = hf_yaml_each(list, item))) {
		const char *name = NULL;
		int rc = hf_yaml_string(r->yaml, item, &name, r->err);

		if (rc < 0)
			return rc;
		if (!hf_is_ip(name) && !hf_dns_name_valid(name, strlen(name), false))
			return hf_yaml_error(r->yaml, item, false, r->err,
					     "'%s' is no host name and no address", name);
		if (hf_strv_add(&h->names, name) < 0)
			return hf_err_nomem(r->err);
	}
	return 0;
}

static int read_admins(struct reading *r, const struct hf_yaml_node *map,
		       struct hf_authority_home *h)
{
	const struct hf_yaml_node *list = hf_yaml_get(map, "admin"), *item = NULL;

	while (list && (item = hf_yaml_each(list, item))) {
		struct hf_err why = HF_ERR_INIT;
		const char *rule = NULL;
		int rc = hf_yaml_string(r->yaml, item, &rule, r->err);

		if (rc < 0)
			return rc;
		if (add_admin(h, rule, &why) < 0)
			return hf_yaml_error(r->yaml, item, false, r->err, "%s", why.msg);
	}
	return 0;
}

/* --- what two may not share --- */

/* The name of both, that clients ask for; NULL: none.  An address is never asked for. */
static const char *shared_name(const struct hf_authority_home *a, const struct hf_authority_home *b)
{
	for (size_t i = 0; i < a->names.len; i++) {
		for (size_t k = 0; k < b->names.len; k++) {
			if (hf_str_case_eq(a->names.items[i], b->names.items[k]) &&
			    !hf_is_ip(a->names.items[i]))
				return a->names.items[i];
		}
	}
	return NULL;
}

static bool has_host_name(const struct hf_authority_home *h)
{
	uint8_t raw[16];
	size_t len;

	for (size_t i = 0; i < h->names.len; i++) {
		if (!hf_ip_parse(h->names.items[i], raw, &len))
			return true;
	}
	return false;
}

static int check_home(struct reading *r, const struct hf_yaml_node *map,
		      const struct hf_authority_home *h)
{
	const struct hf_yaml_node *label = hf_yaml_get(map, "label");

	if (!label || !hf_yaml_get(map, "home"))
		return hf_yaml_error(r->yaml, map, false, r->err,
				     "an authority needs a 'label' and a 'home'");
	if (!hf_service_label_valid(h->label))
		return hf_yaml_error(
		    r->yaml, label, false, r->err,
		    "'%s' cannot be a label: it is of small letters, digits and '-', and no word "
		    "of the service itself",
		    h->label);
	if (h != r->homes->items && !has_host_name(h))
		return hf_yaml_error(r->yaml, map, false, r->err,
				     "'%s' needs a host name ('name') of its own: by it a client "
				     "meets its certificate and not the first one's",
				     h->label);
	for (const struct hf_authority_home *other = r->homes->items; other < h; other++) {
		const char *name = shared_name(other, h);

		if (strcmp(other->label, h->label) == 0)
			return hf_yaml_error(r->yaml, label, false, r->err,
					     "the label '%s' is taken", h->label);
		if (strcmp(other->home, h->home) == 0)
			return hf_yaml_error(r->yaml, hf_yaml_get(map, "home"), false, r->err,
					     "'%s' is the home of '%s' already", h->home,
					     other->label);
		if (name)
			return hf_yaml_error(r->yaml, hf_yaml_get(map, "name"), false, r->err,
					     "'%s' is a name of '%s' already", name, other->label);
	}
	return 0;
}

static int read_home(struct reading *r, const struct hf_yaml_node *map, const struct hf_strv *names,
		     struct hf_authority_home *h)
{
	const char *keys[HF_ARRAY_LEN(hf_authority_home_keys)];
	int rc = hf_yaml_need(r->yaml, map, HF_YAML_MAP, r->err);

	for (size_t i = 0; i < HF_ARRAY_LEN(keys); i++)
		keys[i] = hf_authority_home_keys[i].name;
	if (rc == 0)
		rc = hf_yaml_check_keys(r->yaml, map, keys, r->err);
	if (rc == 0)
		rc = read_text(r, map, "label", "", &h->label);
	if (rc == 0)
		rc = read_text(r, map, "home", "", &h->home);
	if (rc == 0)
		rc = read_text(r, map, "as", "authority", &h->as);
	if (rc == 0)
		rc = read_text(r, map, "passphrase-file", NULL, &h->passphrase_file);
	if (rc == 0)
		rc = read_names(r, map, h);
	if (rc == 0)
		rc = read_admins(r, map, h);
	if (rc == 0 && h == r->homes->items && h->names.len == 0)
		rc = add_names(h, names, r->err);
	if (rc == 0)
		rc = check_home(r, map, h);
	return rc < 0 ? rc : finish(h, r->err);
}

static int read_list(struct reading *r, const struct hf_yaml_node *list,
		     const struct hf_strv *names, struct hf_cmd_ctx *ctx)
{
	int rc = hf_yaml_need(r->yaml, list, HF_YAML_LIST, r->err);
	size_t len = 0;

	if (rc < 0)
		return rc;
	for (const struct hf_yaml_node *item = list->child; item; item = item->next)
		len++;
	if (len == 0 || len > HF_AUTHORITY_HOMES_CAP)
		return hf_yaml_error(r->yaml, list, false, r->err,
				     "there are 1 to %d authorities in a service",
				     (int)HF_AUTHORITY_HOMES_CAP);
	r->homes->items = calloc(len, sizeof(*r->homes->items));
	if (!r->homes->items)
		return hf_err_nomem(r->err);
	for (const struct hf_yaml_node *item = list->child; rc == 0 && item; item = item->next) {
		struct hf_authority_home *h = &r->homes->items[r->homes->len++];

		h->ctx = ctx;
		rc = read_home(r, item, names, h);
	}
	return rc;
}

int hf_authority_homes_load(struct hf_cmd_ctx *ctx, const char *path, const struct hf_strv *names,
			    struct hf_authority_homes *homes)
{
	static const char *const keys[] = { "authorities", NULL };
	HF_AUTO(hf_yaml) yaml = NULL;
	struct reading r = { .homes = homes, .err = &ctx->err };
	const struct hf_yaml_node *list;
	int rc = hf_yaml_load(path, &yaml, &ctx->err);

	if (rc < 0)
		return rc;
	r.yaml = yaml;
	if (!yaml->root)
		return hf_err_set(&ctx->err, HF_E_PARSE, "%s: the file is empty", path);
	rc = hf_yaml_need(yaml, yaml->root, HF_YAML_MAP, &ctx->err);
	if (rc == 0)
		rc = hf_yaml_check_keys(yaml, yaml->root, keys, &ctx->err);
	list = rc == 0 ? hf_yaml_get(yaml->root, "authorities") : NULL;
	if (rc == 0 && !list)
		return hf_yaml_error(yaml, yaml->root, false, &ctx->err,
				     "there are no 'authorities'");
	return rc < 0 ? rc : read_list(&r, list, names, ctx);
}
