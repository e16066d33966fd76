/* SPDX-License-Identifier: Apache-2.0 */
/* Builds the tree of a YAML document from libyaml's events.  Must never follow an alias (a few of
 * them make gigabytes), nor recurse on what a file nests. */
#include "util/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "base/time.h"

struct reader {
	struct hf_yaml *yaml;
	struct hf_yaml_node *open[HF_YAML_DEPTH_CAP]; /* the maps and lists that we are in */
	size_t depth;
	char *key; /* of the value that comes next, when we are in a map */
	unsigned key_line, key_column;
	size_t documents;
};

void hf_yaml_free(struct hf_yaml *yaml)
{
	if (!yaml)
		return;
	for (struct hf_yaml_node *node = yaml->all, *next; node; node = next) {
		next = node->all;
		free(node->key);
		free(node->text);
		free(node);
	}
	free(yaml->name);
	free(yaml);
}

static int fail_at(const struct hf_yaml *yaml, const yaml_mark_t *at, struct hf_err *err,
		   const char *what)
{
	(void)hf_err_set(err, HF_MISTAKE_YAML_SYNTAX, "%s:%zu:%zu: %s", yaml->name, at->line + 1,
			 at->column + 1, what);
	return hf_err_at_line(err, yaml->name, (unsigned)at->line + 1, (unsigned)at->column + 1, 0);
}

/* --- the tree --- */

static int keep_key(struct reader *r, const yaml_event_t *event, struct hf_err *err)
{
	const struct hf_yaml_node *map = r->open[r->depth - 1];
	const char *text = (const char *)event->data.scalar.value;
	const struct hf_yaml_node *there = hf_yaml_get(map, text);

	if (there) {
		(void)hf_err_set(err, HF_MISTAKE_YAML_TWICE, "%s:%zu:%zu: '%s' is given twice",
				 r->yaml->name, event->start_mark.line + 1,
				 event->start_mark.column + 1, text);
		(void)hf_err_at_line(err, r->yaml->name, (unsigned)event->start_mark.line + 1,
				     (unsigned)event->start_mark.column + 1,
				     (unsigned)hf_str_columns(text, strlen(text)));
		return hf_err_hint(err, "it stands in line %u already", there->key_line);
	}
	r->key = hf_str_dup(text);
	r->key_line = (unsigned)event->start_mark.line + 1;
	r->key_column = (unsigned)event->start_mark.column + 1;
	return r->key ? 0 : hf_err_nomem(err);
}

static int add_node(struct reader *r, enum hf_yaml_kind kind, const yaml_event_t *event,
		    struct hf_yaml_node **ret_node, struct hf_err *err)
{
	struct hf_yaml_node *parent = r->depth ? r->open[r->depth - 1] : NULL;
	struct hf_yaml_node *node;

	if (r->yaml->nodes++ >= HF_YAML_NODES_CAP)
		return hf_err_set(err, HF_E_LIMIT, "'%s' has more than %d values", r->yaml->name,
				  (int)HF_YAML_NODES_CAP);
	node = calloc(1, sizeof(*node));
	if (!node)
		return hf_err_nomem(err);
	node->all = r->yaml->all;
	r->yaml->all = node;
	node->kind = kind;
	node->line = (unsigned)event->start_mark.line + 1;
	node->column = (unsigned)event->start_mark.column + 1;
	node->key = r->key;
	node->key_line = r->key_line;
	node->key_column = r->key_column;
	r->key = NULL;
	if (!parent)
		r->yaml->root = node;
	else if (parent->last_child)
		parent->last_child->next = node;
	else
		parent->child = node;
	if (parent)
		parent->last_child = node;
	*ret_node = node;
	return 0;
}

static bool expects_key(const struct reader *r)
{
	return r->depth && r->open[r->depth - 1]->kind == HF_YAML_MAP && !r->key;
}

static int take_scalar(struct reader *r, const yaml_event_t *event, struct hf_err *err)
{
	const char *text = (const char *)event->data.scalar.value;
	struct hf_yaml_node *node = NULL;
	int rc;

	if (strlen(text) != event->data.scalar.length)
		return fail_at(r->yaml, &event->start_mark, err, "a NUL byte in a text");
	if (event->data.scalar.anchor || event->data.scalar.tag)
		return fail_at(r->yaml, &event->start_mark, err,
			       event->data.scalar.tag ? "tags (!…) are not read"
						      : "anchors (&…) are not read");
	if (expects_key(r))
		return keep_key(r, event, err);
	rc = add_node(r, HF_YAML_SCALAR, event, &node, err);
	if (rc < 0)
		return rc;
	node->text = hf_str_dup(text);
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	return node->text ? 0 : hf_err_nomem(err);
}

static int begin(struct reader *r, enum hf_yaml_kind kind, const yaml_event_t *event, bool marked,
		 struct hf_err *err)
{
	struct hf_yaml_node *node = NULL;
	int rc;

	if (marked)
		return fail_at(r->yaml, &event->start_mark, err,
			       "anchors (&…) and tags (!…) are not read");
	if (expects_key(r))
		return fail_at(r->yaml, &event->start_mark, err, "a key is a single word");
	if (r->depth == HF_YAML_DEPTH_CAP)
		return fail_at(r->yaml, &event->start_mark, err, "nested too deeply");
	rc = add_node(r, kind, event, &node, err);
	if (rc == 0)
		r->open[r->depth++] = node;
	return rc;
}

static int take_event(struct reader *r, const yaml_event_t *event, struct hf_err *err)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (r->documents++)
			return fail_at(r->yaml, &event->start_mark, err,
				       "a second document: the file is one");
		return 0;
	case YAML_SCALAR_EVENT:
		return take_scalar(r, event, err);
	case YAML_SEQUENCE_START_EVENT:
		return begin(r, HF_YAML_LIST, event,
			     event->data.sequence_start.anchor || event->data.sequence_start.tag,
			     err);
	case YAML_MAPPING_START_EVENT:
		return begin(r, HF_YAML_MAP, event,
			     event->data.mapping_start.anchor || event->data.mapping_start.tag,
			     err);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		r->depth--;
		return 0;
	case YAML_ALIAS_EVENT:
		return fail_at(r->yaml, &event->start_mark, err,
			       "aliases (*…) are not read: write the value out");
	default:
		return 0;
	}
}

static int parser_failed(const struct hf_yaml *yaml, const yaml_parser_t *parser,
			 struct hf_err *err)
{
	if (parser->error == YAML_MEMORY_ERROR)
		return hf_err_nomem(err);
	if (parser->error == YAML_READER_ERROR)
		return hf_err_set(err, HF_E_PARSE, "'%s': %s at byte %zu", yaml->name,
				  parser->problem ? parser->problem : "not UTF-8",
				  parser->problem_offset);
	(void)fail_at(yaml, &parser->problem_mark, err,
		      parser->problem ? parser->problem : "not YAML");
	if (hf_str_eq(parser->problem, "found character that cannot start any token"))
		return hf_err_hint(err, "indent with spaces, not with tabs; quote what begins with "
					"@, ` or %%");
	return -HF_E_PARSE;
}

static int read_events(yaml_parser_t *parser, struct reader *r, struct hf_err *err)
{
	bool ended = false;

	while (!ended) {
		yaml_event_t event;
		int rc;

		if (!yaml_parser_parse(parser, &event))
			return parser_failed(r->yaml, parser, err);
		ended = event.type == YAML_STREAM_END_EVENT;
		rc = take_event(r, &event, err);
		yaml_event_delete(&event);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int hf_yaml_parse(const char *data, size_t len, const char *name, struct hf_yaml **ret_yaml,
		  struct hf_err *err)
{
	HF_AUTO(hf_yaml) yaml = calloc(1, sizeof(*yaml));
	struct reader r = { .yaml = yaml };
	yaml_parser_t parser;
	int rc;

	if (yaml)
		yaml->name = hf_str_dup(name);
	if (!yaml || !yaml->name)
		return hf_err_nomem(err);
	if (len > HF_YAML_CAP)
		return hf_err_set(err, HF_E_LIMIT, "'%s' is larger than %d bytes", name,
				  (int)HF_YAML_CAP);
	if (!yaml_parser_initialize(&parser))
		return hf_err_nomem(err);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)data, len);
	rc = read_events(&parser, &r, err);
	yaml_parser_delete(&parser);
	free(r.key);
	if (rc < 0)
		return rc;
	*ret_yaml = hf_take(yaml);
	return 0;
}

int hf_yaml_load(const char *path, struct hf_yaml **ret_yaml, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(HF_YAML_CAP);
	int rc = hf_file_read(path, &text, err);

	return rc < 0 ? rc : hf_yaml_parse(hf_buf_str(&text), text.len, path, ret_yaml, err);
}

/* --- asking it --- */

/* What is underlined: the key, or a value as it is written. */
static unsigned length_of(const struct hf_yaml_node *node, bool key)
{
	const char *text = key ? node->key : node->text;
	unsigned quotes = !key && node->kind == HF_YAML_SCALAR && !node->plain ? 2 : 0;

	return text ? (unsigned)hf_str_columns(text, strlen(text)) + quotes : 0;
}

int hf_yaml_error(const struct hf_yaml *yaml, const struct hf_yaml_node *node, bool at_key,
		  struct hf_err *err, const char *fmt, ...)
{
	char text[1024];
	bool key = node && at_key && node->key;
	unsigned line = !node ? 0 : key ? node->key_line : node->line;
	unsigned column = !node ? 0 : key ? node->key_column : node->column;
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (!node)
		return hf_err_set(err, HF_MISTAKE_YAML_VALUE, "%s: %s", yaml->name, text);
	(void)hf_err_set(err, HF_MISTAKE_YAML_VALUE, "%s:%u:%u: %s", yaml->name, line, column,
			 text);
	return hf_err_at_line(err, yaml->name, line, column, length_of(node, key));
}

/* The value on its line, when it is written there as it is read. */
static bool narrow(const struct hf_yaml_node *node, const struct hf_err_place *inner,
		   struct hf_err_place *place)
{
	const char *at = node->text && inner->text[0] ? strstr(node->text, inner->text) : NULL;

	if (!at || inner->line || !inner->column)
		return false;
	place->line = node->line;
	place->column = node->column + (node->plain ? 0 : 1) + inner->column - 1 +
			(unsigned)hf_str_columns(node->text, (size_t)(at - node->text));
	place->length = inner->length;
	return true;
}

int hf_yaml_wrap(const struct hf_yaml *yaml, const struct hf_yaml_node *node, bool at_key,
		 const struct hf_err *why, struct hf_err *err)
{
	enum hf_mistake which = why->id[0] ? hf_mistake_of(why) : HF_MISTAKE_YAML_VALUE;
	struct hf_err_place place;
	bool inside = narrow(node, &why->place, &place);

	if (inside && !at_key)
		(void)hf_err_set(err, HF_MISTAKE_YAML_VALUE, "%s:%u:%u: %s", yaml->name, place.line,
				 place.column, why->msg);
	else
		(void)hf_yaml_error(yaml, node, at_key, err, "%s", why->msg);
	if (inside)
		(void)hf_err_at_line(err, yaml->name, place.line, place.column, place.length);
	(void)hf_err_is(err, which);
	return why->hint[0] ? hf_err_hint(err, "%s", why->hint) : -HF_E_PARSE;
}

static char key_letter(char c)
{
	return c == '-' ? '_' : c;
}

bool hf_yaml_key_is(const struct hf_yaml_node *node, const char *key)
{
	size_t i = 0;

	if (!node->key)
		return false;
	while (key[i] && key_letter(node->key[i]) == key_letter(key[i]))
		i++;
	return !key[i] && !node->key[i];
}

const struct hf_yaml_node *hf_yaml_get(const struct hf_yaml_node *map, const char *key)
{
	for (const struct hf_yaml_node *n = map ? map->child : NULL; n; n = n->next) {
		if (hf_yaml_key_is(n, key))
			return n;
	}
	return NULL;
}

int hf_yaml_need(const struct hf_yaml *yaml, const struct hf_yaml_node *node,
		 enum hf_yaml_kind kind, struct hf_err *err)
{
	static const char *const words[] = { "a single value", "a list", "a map of key: value" };

	if (node->kind == kind)
		return 0;
	return hf_yaml_error(yaml, node, false, err, "%s%s%s must be %s, not %s",
			     node->key ? "'" : "", node->key ? node->key : "this",
			     node->key ? "'" : "", words[kind], words[node->kind]);
}

/* A key in the wrong place is seldom near to one that is right there. */
static int hint_known(const char *const *known, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) all = HF_BUF_INIT(1024);

	for (size_t i = 0; known[i]; i++)
		(void)hf_buf_printf(&all, "%s%s", i ? ", " : "", known[i]);
	return hf_err_hint(err, "known here: %s", hf_buf_str(&all));
}

int hf_yaml_check_keys(const struct hf_yaml *yaml, const struct hf_yaml_node *map,
		       const char *const *known, struct hf_err *err)
{
	int rc = hf_yaml_need(yaml, map, HF_YAML_MAP, err);

	if (rc < 0)
		return rc;
	for (const struct hf_yaml_node *n = map->child; n; n = n->next) {
		const char *nearest;
		bool found = false;

		for (size_t i = 0; known[i]; i++)
			found = found || hf_yaml_key_is(n, known[i]);
		if (found)
			continue;
		nearest = hf_str_nearest(n->key, known);
		(void)hf_yaml_error(yaml, n, true, err, "there is no key '%s' here", n->key);
		(void)hf_err_is(err, HF_MISTAKE_YAML_KEY);
		return nearest ? hf_err_hint(err, "did you mean '%s'?", nearest)
			       : hint_known(known, err);
	}
	return 0;
}

int hf_yaml_string(const struct hf_yaml *yaml, const struct hf_yaml_node *node,
		   const char **ret_text, struct hf_err *err)
{
	int rc = hf_yaml_need(yaml, node, HF_YAML_SCALAR, err);

	if (rc < 0)
		return rc;
	if (!node->text[0])
		return hf_yaml_error(yaml, node, true, err, "%s has no value",
				     node->key ? node->key : "this item");
	*ret_text = node->text;
	return 0;
}

int hf_yaml_word(const struct hf_yaml *yaml, const struct hf_yaml_node *node,
		 const char *const *words, int *ret_index, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) all = HF_BUF_INIT(1024);
	const char *text = NULL, *nearest;
	int rc = hf_yaml_string(yaml, node, &text, err);

	for (int i = 0; rc == 0 && words[i]; i++) {
		if (hf_str_eq(words[i], text)) {
			*ret_index = i;
			return 0;
		}
		(void)hf_buf_printf(&all, "%s%s", i ? ", " : "", words[i]);
	}
	if (rc < 0)
		return rc;
	nearest = hf_str_nearest(text, words);
	(void)hf_yaml_error(yaml, node, false, err, "'%s' is none of %s", text, hf_buf_str(&all));
	return nearest ? hf_err_hint(err, "did you mean '%s'?", nearest) : -HF_E_PARSE;
}

int hf_yaml_bool(const struct hf_yaml *yaml, const struct hf_yaml_node *node, bool *ret_value,
		 struct hf_err *err)
{
	static const char *const words[] = { "no", "yes", "false", "true", NULL };
	int which = 0;
	int rc = hf_yaml_word(yaml, node, words, &which, err);

	if (rc == 0)
		*ret_value = which & 1;
	return rc;
}

int hf_yaml_int(const struct hf_yaml *yaml, const struct hf_yaml_node *node, int64_t min,
		int64_t max, int64_t *ret_value, struct hf_err *err)
{
	const char *text = NULL;
	int64_t value = 0;
	int rc = hf_yaml_string(yaml, node, &text, err);

	if (rc < 0)
		return rc;
	if (!hf_str_i64(text, &value) || value < min || value > max)
		return hf_yaml_error(yaml, node, false, err,
				     "'%s' is not a number from %lld to %lld", text, (long long)min,
				     (long long)max);
	*ret_value = value;
	return 0;
}

int hf_yaml_duration(const struct hf_yaml *yaml, const struct hf_yaml_node *node, int64_t unit,
		     int64_t min, int64_t max, int64_t *ret_seconds, struct hf_err *err)
{
	const char *text = NULL;
	int64_t value = 0;
	int rc = hf_yaml_string(yaml, node, &text, err);

	if (rc < 0)
		return rc;
	if (!hf_duration_parse(text, unit, &value) || value < min || value > max)
		return hf_yaml_error(yaml, node, false, err,
				     "'%s' is not a duration such as 30d or 12h, or out of range",
				     text);
	*ret_seconds = value;
	return 0;
}

const struct hf_yaml_node *hf_yaml_each(const struct hf_yaml_node *node,
					const struct hf_yaml_node *prev)
{
	if (prev)
		return prev == node ? NULL : prev->next;
	return node->kind == HF_YAML_LIST ? node->child : node;
}
