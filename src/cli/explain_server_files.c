/* SPDX-License-Identifier: Apache-2.0 */
/* What --server-files names.  Must never take an empty place for a file. */
#include "base/err.h"
#include "cli/explain.h"

int explain_server_files(const struct explain_opts *opts, struct hf_strv *ret_files,
			 struct hf_err *err)
{
	if (!opts->server_files)
		return 0;
	if (hf_strv_split(ret_files, opts->server_files, ',') < 0)
		return hf_err_nomem(err);
	return ret_files->len <= EXPLAIN_PLACES
		   ? 0
		   : hf_err_set(err, HF_E_INVALID, "--server-files takes CERT[,KEY][,CA][,CRL]");
}

const char *explain_server_file(const struct hf_strv *files, enum explain_place place)
{
	return place < files->len && files->items[place][0] ? files->items[place] : NULL;
}
