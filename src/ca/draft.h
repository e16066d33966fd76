/* SPDX-License-Identifier: Apache-2.0 */
/* A directory that is made beside its place, to be moved there when it is whole. */
#ifndef HF_CA_DRAFT_H
#define HF_CA_DRAFT_H

/* Removes the directory with the files in it; one that holds directories stays.  Nothing is said:
 * the failure that led here is. */
void hf_draft_remove(const char *dir);

#endif
