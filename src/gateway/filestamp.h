/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of a generation held when they were read, and whether they still do: a refusal
 * record tells both, since "the new list is on the disk and not in use" is found in no other way.
 * Not for keys: digests go to the log. */
#ifndef HF_GATEWAY_FILESTAMP_H
#define HF_GATEWAY_FILESTAMP_H

#include <sys/stat.h>

#include "base/err.h"
#include "base/json.h"
#include "base/macros.h"
#include "base/ossl.h"
#include "pki/key.h"

enum { HF_FILESTAMPS_CAP = 64 }; /* files that are told of; the rest is left out */

struct hf_filestamps;
int hf_filestamps_new(struct hf_filestamps **ret_stamps, struct hf_err *err);
void hf_filestamps_free(struct hf_filestamps *stamps);
HF_DEFINE_AUTO(hf_filestamps, struct hf_filestamps, hf_filestamps_free);

/* A file, or the files of a directory, in their order by name; what is not there is left out. role:
 * "certificate", "ca", "crl" or "staple". */
int hf_filestamps_add(struct hf_filestamps *stamps, const char *role, const char *path,
		      struct hf_err *err);
/* An array of {role, path, sha256, on_disk, changed}: as loaded, as it is now (null: gone, or
 * changed and not ours to read), and whether another one is there.  A file is read again only when
 * its metadata is another than at the last look.  stamps may be NULL: none. */
void hf_filestamps_to_json(struct hf_filestamps *stamps, struct hf_json *j, const char *key);

/* The same as bytes (base/pack.h) and back, for a process that may not read the files. */
struct hf_unpack;
void hf_filestamps_pack(const struct hf_filestamps *stamps, struct hf_buf *out);
int hf_filestamps_unpack(struct hf_unpack *in, struct hf_filestamps **ret_stamps,
			 struct hf_err *err);

/* SHA-256 of a file; false when it cannot be read.  Keeps nothing of what it read. */
bool hf_file_digest(const char *path, uint8_t out[HF_SHA256_LEN]);

#endif
