/* SPDX-License-Identifier: Apache-2.0 */
/* Reads reports of connections.  Must never hand on a byte that the worker wrote, only values that
 * were understood, nor hold more than one row of them at a time: a few bytes of JSON may become
 * many in memory. */
#include "gateway/report.h"

#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "base/json.h"

enum kind { NUMBER, WORKER, STRING, STRING_OR_NULL, STRING_OR_NOTHING, BOOL };

/* What write_row of worker_admin.c writes, in its order. */
static const struct {
	const char *key;
	enum kind kind;
} fields[] = {
	{ "worker", WORKER },
	{ "identity", STRING_OR_NULL },
	{ "peer", STRING_OR_NULL },
	{ "listener", STRING },
	{ "state", STRING },
	{ "since", STRING },
	{ "seconds", NUMBER },
	{ "requests", NUMBER },
	{ "route", STRING_OR_NULL },
	{ "bytes_in", NUMBER },
	{ "bytes_out", NUMBER },
	{ "version", STRING_OR_NULL },
	{ "resumed", BOOL },
	{ "sni", STRING_OR_NULL },
	{ "sha256", STRING_OR_NOTHING },
	{ "generation", NUMBER },
};

static bool is_kind(const json_t *value, enum kind kind, size_t worker)
{
	switch (kind) {
	case NUMBER:
		return json_is_integer(value);
	case WORKER:
		return json_is_integer(value) && json_integer_value(value) == (json_int_t)worker;
	case STRING:
	case STRING_OR_NOTHING:
		return json_is_string(value);
	case STRING_OR_NULL:
		return json_is_string(value) || json_is_null(value);
	case BOOL:
		return json_is_boolean(value);
	}
	return false;
}

static void write_value(struct hf_json *j, const char *key, const json_t *value)
{
	if (json_is_integer(value))
		hf_json_int(j, key, json_integer_value(value));
	else if (json_is_boolean(value))
		hf_json_bool(j, key, json_is_true(value));
	else if (json_is_string(value))
		hf_json_stringn(j, key, json_string_value(value), json_string_length(value));
	else
		hf_json_null(j, key);
}

/* Every key that there must be, and no other. */
static bool copy_row(const json_t *row, size_t worker, struct hf_json *j)
{
	size_t known = 0;

	if (!json_is_object(row))
		return false;
	hf_json_object_begin(j, NULL);
	for (size_t i = 0; i < HF_ARRAY_LEN(fields); i++) {
		const json_t *value = json_object_get(row, fields[i].key);

		if (value == NULL && fields[i].kind == STRING_OR_NOTHING)
			continue;
		if (value == NULL || !is_kind(value, fields[i].kind, worker))
			return false;
		write_value(j, fields[i].key, value);
		known++;
	}
	hf_json_object_end(j);
	return known == json_object_size(row);
}

static bool read_row(const char *text, size_t len, size_t worker, struct hf_json *j,
		     size_t *ret_len)
{
	json_error_t end;
	json_t *row = json_loadb(text, HF_MIN(len, (size_t)HF_REPORT_ROW_CAP),
				 JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &end);
	bool good = row != NULL && copy_row(row, worker, j);

	json_decref(row);
	*ret_len = good ? (size_t)end.position : 0;
	return good;
}

bool hf_report_read(const char *text, size_t len, size_t worker, size_t rows_cap,
		    struct hf_buf *out)
{
	static const char between[] = ", "; /* as base/json.h writes it */
	struct hf_json j;
	size_t at = 0, row_len;

	if (len == 0)
		return true;
	hf_json_init(&j, out, false);
	for (size_t rows = 0; rows < rows_cap; rows++) {
		if (!read_row(text + at, len - at, worker, &j, &row_len))
			return false;
		at += row_len;
		if (at == len)
			return !hf_buf_failed(out);
		if (len - at < strlen(between) || memcmp(text + at, between, strlen(between)) != 0)
			return false;
		at += strlen(between);
	}
	return false;
}
