/* SPDX-License-Identifier: Apache-2.0 */
/* Setting failures.  All functions accept err == NULL and return -code, so that a caller writes
 * `return hf_err_set(err, HF_E_PARSE, "line %d: …", n);` */
#ifndef HF_BASE_ERR_H
#define HF_BASE_ERR_H

#include <stddef.h>

#include "base/macros.h"
#include "base/mistake.h"

/* Describes a failure from scratch (clears an old hint, id and place).  `code` is an enum hf_e, or
 * an enum hf_mistake, whose kind it then is.  Returns the negative enum hf_e. */
int hf_err_set(struct hf_err *err, int code, const char *fmt, ...) HF_PRINTF(3, 4);

/* The same, with ": <strerror(errnum)>" appended, and the code chosen from errnum
 * (ENOENT -> NOENT, EEXIST -> EXIST, EACCES/EPERM -> PERM, ENOMEM -> NOMEM, EAGAIN -> AGAIN,
 * otherwise IO). */
int hf_err_errno(struct hf_err *err, int errnum, const char *fmt, ...) HF_PRINTF(3, 4);

/* The same, with the first reason in OpenSSL's error queue appended; empties the queue. */
int hf_err_ossl(struct hf_err *err, int code, const char *fmt, ...) HF_PRINTF(3, 4);

/* Puts "context: " in front of the message that is there.  Returns -err->code (or -code when err
 * is NULL), so that `return hf_err_context(err, rc, "reading '%s'", path);` passes rc on. */
int hf_err_context(struct hf_err *err, int rc, const char *fmt, ...) HF_PRINTF(3, 4);

/* Sets the next step for the user.  Returns -err->code; -HF_E_INVALID when err is NULL, since
 * nobody remembers the code then: a caller who acts on the code passes an err. */
int hf_err_hint(struct hf_err *err, const char *fmt, ...) HF_PRINTF(2, 3);

/* Says which mistake the failure that is there is; its kind stays.  Returns -err->code, as
 * hf_err_hint does. */
int hf_err_is(struct hf_err *err, enum hf_mistake which);
/* Where it stands: `len` bytes from `offset` of a text that was given.  A text that does not fit is
 * kept as far as it does.  Returns -err->code, as hf_err_hint does. */
int hf_err_at(struct hf_err *err, const char *text, size_t offset, size_t len);
/* The whole of it. */
int hf_err_at_text(struct hf_err *err, const char *text);
/* Where it stands: a line of a file.  Columns and length in characters, length 0 when not known. */
int hf_err_at_line(struct hf_err *err, const char *path, unsigned line, unsigned column,
		   unsigned length);

int hf_err_nomem(struct hf_err *err);
void hf_err_clear(struct hf_err *err);

#ifdef HF_ANALYZER
/* GCC's -fanalyzer does not look into another file, and would follow paths on which a failure is
 * returned as 0. */
static inline int hf_err_negative(int rc)
{
	if (rc >= 0)
		__builtin_unreachable();
	return rc;
}
#define hf_err_set(...) hf_err_negative(hf_err_set(__VA_ARGS__))
#define hf_err_errno(...) hf_err_negative(hf_err_errno(__VA_ARGS__))
#define hf_err_ossl(...) hf_err_negative(hf_err_ossl(__VA_ARGS__))
#define hf_err_context(...) hf_err_negative(hf_err_context(__VA_ARGS__))
#define hf_err_hint(...) hf_err_negative(hf_err_hint(__VA_ARGS__))
#define hf_err_is(...) hf_err_negative(hf_err_is(__VA_ARGS__))
#define hf_err_at(...) hf_err_negative(hf_err_at(__VA_ARGS__))
#define hf_err_at_text(...) hf_err_negative(hf_err_at_text(__VA_ARGS__))
#define hf_err_at_line(...) hf_err_negative(hf_err_at_line(__VA_ARGS__))
#define hf_err_nomem(...) hf_err_negative(hf_err_nomem(__VA_ARGS__))
#endif

#endif
