/* SPDX-License-Identifier: Apache-2.0 */
/* Replays a fuzz corpus without libFuzzer: each file as it is, and every prefix of a small one (a
 * parser that reads past its end shows there).  It never mutates at random: a run repeats.
 * No corpus is a failure: such a test would test nothing. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define INPUT_CAP ((size_t)4 << 20)
#define PREFIX_CAP 2048

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of exactly `len` bytes, so that AddressSanitizer sees one byte too many. */
static int run_bytes(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	if (copy == NULL)
		return -1;
	for (size_t i = 0; i < len; i++)
		copy[i] = data[i];
	(void)LLVMFuzzerTestOneInput(copy, len);
	free(copy);
	return 0;
}

static int run_file(const char *path, uint8_t *scratch)
{
	FILE *f = fopen(path, "rbe");
	size_t len;
	int rc;

	if (f == NULL) {
		perror(path);
		return -1;
	}
	len = fread(scratch, 1, INPUT_CAP, f);
	rc = ferror(f) ? -1 : run_bytes(scratch, len);
	(void)fclose(f);
	for (size_t n = 0; rc == 0 && len <= PREFIX_CAP && n < len; n++)
		rc = run_bytes(scratch, n);
	if (rc != 0)
		(void)fprintf(stderr, "%s: could not be run\n", path);
	return rc;
}

static long run_dir(const char *dir, uint8_t *scratch)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	long n = 0;

	if (d == NULL) {
		perror(dir);
		return -1;
	}
	while (n >= 0 && (e = readdir(d)) != NULL) {
		char path[4096];
		struct stat st;

		(void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
			continue;
		n = run_file(path, scratch) == 0 ? n + 1 : -1;
	}
	(void)closedir(d);
	return n;
}

int main(int argc, char **argv)
{
	uint8_t *scratch = malloc(INPUT_CAP);
	long total = 0;
	long n;

	if (scratch == NULL)
		return 1;
	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (stat(argv[i], &st) == 0 && S_ISREG(st.st_mode))
			n = run_file(argv[i], scratch) == 0 ? 1 : -1;
		else
			n = run_dir(argv[i], scratch);
		if (n < 0) {
			free(scratch);
			return 1;
		}
		total += n;
	}
	free(scratch);
	(void)printf("%ld inputs\n", total);
	return total > 0 ? 0 : 1;
}
