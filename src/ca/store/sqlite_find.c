/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for names in the ledger: a function for SQL, so that rows which do not fit never leave
 * the store.  Must never be callable from a schema: only our own statements may use it. */
#include <string.h>

#include "base/str.h"
#include "ca/store/sqlite.h"

/* "dns:web.abc.com, ip:10.0.0.7": each with its kind and without. */
static bool one_of(const char *pattern, size_t len, const char *sans)
{
	while (*sans) {
		size_t part = strcspn(sans, ",");
		const char *colon = memchr(sans, ':', part);
		size_t kind = colon ? (size_t)(colon - sans) + 1 : 0;

		if (hf_glob_matches(pattern, len, sans, part) ||
		    hf_glob_matches(pattern, len, sans + kind, part - kind))
			return true;
		sans += part;
		sans += strspn(sans, ", ");
	}
	return false;
}

/* hf_named(pattern, name, subject, sans) */
static void named(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	const char *texts[4];

	for (int i = 0; i < argc && i < 4; i++) {
		texts[i] = (const char *)sqlite3_value_text(argv[i]);
		if (!texts[i])
			texts[i] = "";
	}
	const char *pattern = texts[0];
	size_t len = strlen(pattern);

	sqlite3_result_int(context, hf_glob_matches(pattern, len, texts[1], strlen(texts[1])) ||
					hf_glob_matches(pattern, len, texts[2], strlen(texts[2])) ||
					one_of(pattern, len, texts[3]));
}

int hf_sql_add_functions(struct hf_sqlite *s, struct hf_err *err)
{
	int rc = sqlite3_create_function_v2(s->db, "hf_named", 4,
					    SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
					    NULL, named, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : hf_sql_error(s, rc, err, "set up");
}
