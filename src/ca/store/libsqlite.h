/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite, loaded when a ledger is opened: most commands and every gateway have none, and what is
 * not loaded costs no start and brings no code into the process.  Stands for <sqlite3.h>: calls are
 * written as in its manual and go through the table that SQLite hands to extensions. */
#ifndef HF_CA_STORE_LIBSQLITE_H
#define HF_CA_STORE_LIBSQLITE_H

#include <sqlite3ext.h>

struct hf_err;

SQLITE_EXTENSION_INIT3

/* To be called before any other function of it; any number of times, from any thread.  Failures:
 * HF_E_UNSUPPORTED when it is not installed or does not load. */
int hf_libsqlite_load(struct hf_err *err);

#endif
