/* SPDX-License-Identifier: Apache-2.0 */
/* The data base of cfssl (SQLite), for taking its authority over. */
#ifndef HF_CA_STORE_CFSSL_H
#define HF_CA_STORE_CFSSL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

/* A row of its table `certificates`. */
struct hf_cfssl_row {
	const char *serial; /* decimal */
	bool revoked;
	int64_t revoked_at; /* 0 unless revoked */
	int reason;	    /* CRLReason */
	const char *pem;
	size_t pem_len;
};
/* Valid during the call; a return other than 0 ends the listing and is returned. */
typedef int (*hf_cfssl_fn)(void *arg, const struct hf_cfssl_row *row);
/* Opens the file for reading only. */
int hf_cfssl_each(const char *path, hf_cfssl_fn each, void *arg, struct hf_err *err);

#endif
