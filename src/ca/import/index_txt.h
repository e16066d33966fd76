/* SPDX-License-Identifier: Apache-2.0 */
/* `index.txt`, the data base of `openssl ca`: one certificate a line, six columns apart by tabs:
 * status, expiry, revocation, serial, file, subject.  The format is what TXT_DB_read and do_body of
 * OpenSSL's apps/ca.c read and write; no document describes it. */
#ifndef HF_CA_IMPORT_INDEX_TXT_H
#define HF_CA_IMPORT_INDEX_TXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
	HF_INDEX_CAP = 512 * 1024 * 1024, /* bytes of the file */
	HF_INDEX_LINE_CAP = 64 * 1024,
	HF_INDEX_SERIAL_CAP = 41, /* 20 octets (RFC 5280 4.1.2.2) in hexadecimal */
};

struct hf_index_row {
	char status;	    /* 'V' valid, 'R' revoked, 'E' expired */
	int64_t not_after;
	int64_t revoked_at; /* 0 unless revoked */
	int reason;	    /* CRLReason; 0 when none is said */
	bool reason_extra;  /* a hold instruction or the time of a compromise follows */
	char serial[HF_INDEX_SERIAL_CAP]; /* lower-case hex without leading zeros */
	char *file;			  /* "unknown" */
	char *subject;			  /* "/C=IN/CN=amy", tabs restored */
	size_t line;			  /* from 1 */
};

struct hf_index {
	struct hf_index_row *rows;
	size_t len, alloc;
};
#define HF_INDEX_INIT      \
	{                  \
		NULL, 0, 0 \
	}
void hf_index_done(struct hf_index *index);
HF_DEFINE_AUTO_DONE(hf_index, struct hf_index, hf_index_done);

/* `name` is for messages: "index.txt:17: …".  Comments and empty lines are skipped. */
int hf_index_parse(const char *data, size_t len, const char *name, struct hf_index *ret_index,
		   struct hf_err *err);
/* Appends the line as `openssl ca` writes it. */
int hf_index_format(const struct hf_index_row *row, struct hf_buf *out);

/* A `serial` or `crlnumber` file: one number in hexadecimal; lower case without leading zeros. */
int hf_hex_number_parse(const char *data, size_t len, const char *name,
			char ret_number[HF_INDEX_SERIAL_CAP], struct hf_err *err);
/* An even number of upper-case digits, as these files and the index have them. */
void hf_hex_number_format(const char *number, char out[HF_INDEX_SERIAL_CAP + 1]);
/* The next number; -HF_E_LIMIT after the last of 20 octets. */
int hf_hex_number_next(char number[HF_INDEX_SERIAL_CAP], struct hf_err *err);

/* UTCTime or GeneralizedTime as the index writes them: "301231235959Z", "20501231235959Z". */
bool hf_index_time_parse(const char *text, int64_t *ret_at);

#endif
