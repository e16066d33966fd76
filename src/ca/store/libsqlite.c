/* SPDX-License-Identifier: Apache-2.0 */
/* Loads SQLite and takes its table of functions.  Must never unload it: statements of other threads
 * may be running. */
#include "ca/store/libsqlite.h"

#include <dlfcn.h>
#include <pthread.h>

#include "base/err.h"
#include "base/str.h"

SQLITE_EXTENSION_INIT1

#define SONAME "libsqlite3.so.0"

static struct {
	pthread_once_t once;
	char failure[256];
} load = { .once = PTHREAD_ONCE_INIT };

/* SQLite calls it with every data base that is opened, as long as it is registered. */
static int take(sqlite3 *db, char **message, const sqlite3_api_routines *api)
{
	(void)db;
	(void)message;
	SQLITE_EXTENSION_INIT2(api)
	return SQLITE_OK;
}

/* What is needed to be handed the table (https://sqlite.org/c3ref/auto_extension.html). */
struct first_calls {
	int (*auto_extension)(void (*entry)(void));
	int (*cancel_auto_extension)(void (*entry)(void));
	int (*open)(const char *path, sqlite3 **ret_db);
	int (*close)(sqlite3 *db);
};

static bool find(void *library, const char *name, void *ret_function)
{
	*(void **)ret_function = dlsym(library, name);
	return *(void **)ret_function;
}

static void be_handed(const struct first_calls *first)
{
	sqlite3 *db = NULL;

	if (first->auto_extension((void (*)(void))take) != SQLITE_OK)
		return;
	(void)first->open(":memory:", &db);
	(void)first->close(db);
	(void)first->cancel_auto_extension((void (*)(void))take);
}

static void load_once(void)
{
	void *library = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL);
	struct first_calls first;

	if (!library) {
		(void)hf_str_copy(load.failure, sizeof(load.failure), dlerror());
		return;
	}
	if (find(library, "sqlite3_auto_extension", &first.auto_extension) &&
	    find(library, "sqlite3_cancel_auto_extension", &first.cancel_auto_extension) &&
	    find(library, "sqlite3_open", &first.open) &&
	    find(library, "sqlite3_close", &first.close))
		be_handed(&first);
	if (!sqlite3_api)
		(void)hf_str_copy(load.failure, sizeof(load.failure),
				  SONAME " was built without extensions");
}

int hf_libsqlite_load(struct hf_err *err)
{
	(void)pthread_once(&load.once, load_once);
	if (sqlite3_api)
		return 0;
	(void)hf_err_set(err, HF_E_UNSUPPORTED,
			 "the ledger is kept by SQLite, which does not load: %s", load.failure);
	return hf_err_hint(err, "install it: apt-get install libsqlite3-0");
}
