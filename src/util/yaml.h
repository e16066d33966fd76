/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files in YAML: one document as a tree of nodes that know where they stand, so that
 * every mistake is told with file, line, column and the nearest right word.
 *
 * Read is what configuration needs: mappings with plain keys, lists, scalars.  Refused are keys
 * given twice, anchors and aliases, tags, a second document, NUL bytes, and whatever is larger,
 * deeper or has more parts than the caps below.  '-' and '_' in keys are the same letter. */
#ifndef HF_UTIL_YAML_H
#define HF_UTIL_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

enum { HF_YAML_CAP = 1024 * 1024, HF_YAML_DEPTH_CAP = 24, HF_YAML_NODES_CAP = 20000 };

enum hf_yaml_kind { HF_YAML_SCALAR, HF_YAML_LIST, HF_YAML_MAP };

struct hf_yaml_node {
	enum hf_yaml_kind kind;
	unsigned line, column;	 /* from 1: where the value starts */
	char *key;		 /* of a child of a map; NULL in lists and at the top */
	unsigned key_line, key_column;
	char *text;		 /* scalars: never holds a NUL */
	bool plain;		 /* written without quotes: may be empty, a number, yes … */
	struct hf_yaml_node *child, *next; /* in the order of the file */
	struct hf_yaml_node *last_child, *all; /* the reader's own */
};

struct hf_yaml {
	char *name; /* for messages */
	struct hf_yaml_node *root; /* NULL: the file is empty */
	struct hf_yaml_node *all;
	size_t nodes;
};

/* `name` is the file's, for messages.  -HF_E_PARSE or -HF_E_LIMIT with the place. */
int hf_yaml_parse(const char *data, size_t len, const char *name, struct hf_yaml **ret_yaml,
		  struct hf_err *err);
int hf_yaml_load(const char *path, struct hf_yaml **ret_yaml, struct hf_err *err);
void hf_yaml_free(struct hf_yaml *yaml);
HF_DEFINE_AUTO(hf_yaml, struct hf_yaml, hf_yaml_free);

/* "name:line:column: …", -HF_E_PARSE; at the key of a node that has one when `at_key`. */
int hf_yaml_error(const struct hf_yaml *yaml, const struct hf_yaml_node *node, bool at_key,
		  struct hf_err *err, const char *fmt, ...) HF_PRINTF(5, 6);

/* The same for a failure of what the value was handed to: message, id and hint of `why`, and its
 * place inside the value (which err->place has; the message names the key when `at_key`). */
int hf_yaml_wrap(const struct hf_yaml *yaml, const struct hf_yaml_node *node, bool at_key,
		 const struct hf_err *why, struct hf_err *err);

/* '-' is '_'. */
bool hf_yaml_key_is(const struct hf_yaml_node *node, const char *key);
/* NULL when the map has no such key. */
const struct hf_yaml_node *hf_yaml_get(const struct hf_yaml_node *map, const char *key);

/* Each of these is -HF_E_PARSE, with the place, when the node is something else. */
int hf_yaml_need(const struct hf_yaml *yaml, const struct hf_yaml_node *node,
		 enum hf_yaml_kind kind, struct hf_err *err);
/* A map with no other keys than `known` (NULL-terminated). */
int hf_yaml_check_keys(const struct hf_yaml *yaml, const struct hf_yaml_node *map,
		       const char *const *known, struct hf_err *err);
/* Borrowed; a scalar that is not empty. */
int hf_yaml_string(const struct hf_yaml *yaml, const struct hf_yaml_node *node,
		   const char **ret_text, struct hf_err *err);
/* Its place among `words` (NULL-terminated). */
int hf_yaml_word(const struct hf_yaml *yaml, const struct hf_yaml_node *node,
		 const char *const *words, int *ret_index, struct hf_err *err);
/* yes, no, true, false */
int hf_yaml_bool(const struct hf_yaml *yaml, const struct hf_yaml_node *node, bool *ret_value,
		 struct hf_err *err);
int hf_yaml_int(const struct hf_yaml *yaml, const struct hf_yaml_node *node, int64_t min,
		int64_t max, int64_t *ret_value, struct hf_err *err);
/* "30d", "12h"; a bare number counts `unit` seconds. */
int hf_yaml_duration(const struct hf_yaml *yaml, const struct hf_yaml_node *node, int64_t unit,
		     int64_t min, int64_t max, int64_t *ret_seconds, struct hf_err *err);
/* The scalars of a list; a scalar alone is a list of one.  Start with prev NULL; NULL at the end.
 */
const struct hf_yaml_node *hf_yaml_each(const struct hf_yaml_node *node,
					const struct hf_yaml_node *prev);

/* Appends text as a scalar that reads back as the same string, quoted when it must be. */
struct hf_buf;
int hf_yaml_write_scalar(struct hf_buf *out, const char *text);

#endif
