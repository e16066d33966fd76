/* SPDX-License-Identifier: Apache-2.0 */
/* The home: where one party's plain files are.
 *   ca/…  id/NAME/{cert,key,ca,request}.pem  trust/NAME.pem */
#ifndef HF_UTIL_HOME_H
#define HF_UTIL_HOME_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* --home, $HANDFAST_HOME, $HOME/.handfast; "." when there is no HOME.  Lives for the process. */
const char *hf_home_default(void);
/* Names of identities and trusts become file names: no '/', no leading '.', no control bytes,
 * at most 200 bytes; "*" is fine (wildcard names). */
int hf_home_check_name(const char *name, struct hf_err *err);
/* home/ca/FILE, home/id/NAME/FILE, home/trust/NAME.pem into out (cap >= PATH_MAX).  FILE ""
 * gives the directory. */
int hf_home_ca(const char *home, const char *file, char out[PATH_MAX], struct hf_err *err);
int hf_home_id(const char *home, const char *name, const char *file, char out[PATH_MAX],
	       struct hf_err *err);
int hf_home_trust(const char *home, const char *name, char out[PATH_MAX], struct hf_err *err);

/* The file of public root certificates that this machine has, or NULL; static. */
const char *hf_home_machine_roots(void);

/* The revocation lists of the home's own authority, those of CAs that a rollover has replaced
 * included; whether they are there or not.  Appended. */
struct hf_strv;
int hf_home_lists(const char *home, struct hf_strv *ret_paths, struct hf_err *err);

#endif
