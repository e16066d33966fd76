/* SPDX-License-Identifier: Apache-2.0 */
/* Clears away what was not finished.  Must never follow a link out of it. */
#include "ca/draft.h"

#include <limits.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

void hf_draft_remove(const char *dir)
{
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
	char path[PATH_MAX];

	if (hf_dir_list(dir, &names, NULL) < 0)
		return;
	for (size_t i = 0; i < names.len; i++) {
		if (hf_path_join(path, sizeof(path), dir, names.items[i], NULL) == 0)
			(void)unlink(path);
	}
	(void)rmdir(dir);
}
