/* SPDX-License-Identifier: Apache-2.0 */
/* The files of `sign`: many small ones, durable together. */
#ifndef HF_CLI_SIGN_OUTPUTS_H
#define HF_CLI_SIGN_OUTPUTS_H

#include <stdbool.h>

#include "base/err.h"

struct hf_outbox_file;

/* Files that are to appear in one directory.  Zero but for `replace`, and hf_outbox_open. */
struct hf_outbox {
	char *dir;
	int dir_fd;
	bool replace; /* over what is there */
	struct hf_outbox_file *files;
	size_t len, alloc;
};
int hf_outbox_open(struct hf_outbox *box, const char *dir, bool replace, struct hf_err *err);
/* Writes the contents, under no name yet.  `path` lies in the directory. */
int hf_outbox_add(struct hf_outbox *box, const char *path, const void *data, size_t len,
		  struct hf_err *err);
/* Makes durable what was added, gives it its names, makes those durable too, and empties the box.
 * What became of the nth file is told in ret_errs[n] (code 0: it is there). */
void hf_outbox_settle(struct hf_outbox *box, struct hf_err *ret_errs);
void hf_outbox_done(struct hf_outbox *box);
HF_DEFINE_AUTO_DONE(hf_outbox, struct hf_outbox, hf_outbox_done);

#endif
