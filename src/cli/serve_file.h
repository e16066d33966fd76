/* SPDX-License-Identifier: Apache-2.0 */
/* handfast.yaml: the options of serve as keys, and routes, which only a file can hold. */
#ifndef HF_CLI_SERVE_FILE_H
#define HF_CLI_SERVE_FILE_H

#include "cli/serve.h"
#include "gateway/route.h"

struct hf_serve_file {
	struct hf_serve_opts opts; /* strings point into args */
	struct hf_strv args;
	struct hf_routes routes;
};
#define HF_SERVE_FILE_INIT \
	{                  \
		.args = HF_STRV_INIT }

/* Every mistake is told with its place. */
int hf_serve_file_load(const char *path, struct hf_serve_file *ret_file, struct hf_err *err);
void hf_serve_file_done(struct hf_serve_file *file);
/* An option of the command line that has to stand in the file, when there is one; or NULL. */
const char *hf_serve_file_stray(const struct hf_serve_opts *opts);

#endif
