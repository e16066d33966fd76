/* SPDX-License-Identifier: Apache-2.0 */
/* handfast.yaml: no crash, no leak; what is refused says where, and what is taken can be taken
 * again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "cli/serve_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int load(const char *path, size_t *ret_args)
{
	struct hf_serve_file file = HF_SERVE_FILE_INIT;
	struct hf_err err = HF_ERR_INIT;
	int rc = hf_serve_file_load(path, &file, &err);

	if (rc < 0 && err.msg[0] == '\0')
		abort();
	for (size_t i = 0; rc == 0 && i < file.routes.len; i++)
		if (file.routes.items[i].to.len == 0 || file.routes.items[i].name == NULL)
			abort();
	for (size_t i = 0; rc == 0 && i < file.policies_len; i++)
		if (file.policies[i].sni.len + file.policies[i].listen.len == 0)
			abort();
	*ret_args = file.args.len;
	hf_serve_file_done(&file);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("handfast.yaml", MFD_CLOEXEC);
	size_t once = 0, twice = 0;
	char path[64];
	int rc;

	if (fd < 0)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (write(fd, data, size) == (ssize_t)size) {
		rc = load(path, &once);
		if (load(path, &twice) != rc || once != twice)
			abort();
	}
	(void)close(fd);
	return 0;
}
