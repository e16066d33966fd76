/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a rollover; for src/ca/rollover*.c only. */
#ifndef HF_CA_ROLLOVER_FILES_H
#define HF_CA_ROLLOVER_FILES_H

#include "ca/rollover.h"

/* The directory that new files are made in, empty and private; and the step that makes them count.
 */
int hf_rollover_begin(const char *dir, char ret_draft[PATH_MAX], struct hf_err *err);
int hf_rollover_commit(const char *dir, const char *draft, struct hf_err *err);
/* Copies a CA that is about to go into before/N, with its key (where it is here) and its list. */
int hf_rollover_keep(const struct hf_authority *a, const struct hf_ca *ca, struct hf_err *err);
/* Deletes the key of one that went before and moves the rest to retired/. */
int hf_rollover_put_away(const struct hf_authority *a, const struct hf_ca *ca, struct hf_err *err);
/* trust/own.pem of the home, and ca.pem of its identities that trust nobody but this authority. */
int hf_rollover_trust(const struct hf_authority *a, const char *home, const struct hf_buf *roots,
		      struct hf_err *err);

#endif
