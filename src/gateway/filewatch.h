/* SPDX-License-Identifier: Apache-2.0 */
/* Whether files changed, without a signal: their metadata is looked at now and then, their content
 * only when that moved.  Metadata and not inotify(7), because certificates and lists often come
 * over NFS, bind mounts and swapped symbolic links, where no event tells. */
#ifndef HF_GATEWAY_FILEWATCH_H
#define HF_GATEWAY_FILEWATCH_H

#include <stdbool.h>

#include "base/str.h"

enum { HF_FILEWATCH_EVERY_MS = 500 };

struct hf_filewatch;

/* paths: files, or directories whose files count; they need not exist.  What they hold now is
 * known. */
int hf_filewatch_new(const struct hf_strv *paths, struct hf_filewatch **ret_watch,
		     struct hf_err *err);
void hf_filewatch_free(struct hf_filewatch *watch);
HF_DEFINE_AUTO(hf_filewatch, struct hf_filewatch, hf_filewatch_free);

/* To be called every HF_FILEWATCH_EVERY_MS.  True, once for each change, when the content is
 * another than before and nothing has moved since the last look (a certificate and its key are
 * written one after the other). */
bool hf_filewatch_look(struct hf_filewatch *watch);

#endif
