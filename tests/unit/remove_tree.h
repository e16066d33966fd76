/* SPDX-License-Identifier: Apache-2.0 */
/* Takes away a folder that a test made, with all that is in it. */
#ifndef HF_TESTS_REMOVE_TREE_H
#define HF_TESTS_REMOVE_TREE_H

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/str.h"

static void remove_tree(const char *dir)
{
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
	char path[PATH_MAX];

	assert_int_equal(hf_dir_list(dir, &names, NULL), 0);
	for (size_t i = 0; i < names.len; i++) {
		struct stat st;

		assert_int_equal(hf_path_join(path, sizeof(path), dir, names.items[i], NULL), 0);
		if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
			remove_tree(path);
		else
			(void)unlink(path);
	}
	assert_int_equal(rmdir(dir), 0);
}

#endif
