/* SPDX-License-Identifier: Apache-2.0 */
/* Failure descriptions.  Must never allocate and never lose the first cause. */
#undef HF_ANALYZER /* the functions themselves stand here */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "base/str.h"

static const char *const err_names[] = {
	[HF_E_NOMEM] = "no-memory",
	[HF_E_AGAIN] = "again",
	[HF_E_INVALID] = "invalid",
	[HF_E_PARSE] = "parse",
	[HF_E_IO] = "io",
	[HF_E_NOENT] = "not-found",
	[HF_E_EXIST] = "exists",
	[HF_E_PERM] = "permission",
	[HF_E_LIMIT] = "limit",
	[HF_E_CRYPTO] = "crypto",
	[HF_E_PASSPHRASE] = "passphrase",
	[HF_E_MISMATCH] = "mismatch",
	[HF_E_POLICY] = "policy",
	[HF_E_UNSUPPORTED] = "unsupported",
	[HF_E_CLOSED] = "closed",
	[HF_E_TIMEOUT] = "timeout",
	[HF_E_BUSY] = "busy",
};

const char *hf_err_name(int code)
{
	if (code < 0)
		code = -code;
	if (code == 0 || (size_t)code >= HF_ARRAY_LEN(err_names))
		return "none";
	return err_names[code];
}

/* The kind of failure that a code stands for: a mistake is of the kind that its row says. */
static int kind_of(int code)
{
	return code > HF_MISTAKE_NONE ? hf_mistake_info((enum hf_mistake)code)->kind : code;
}

static void set_va(struct hf_err *err, int code, const char *fmt, va_list ap)
{
	const char *id = code > HF_MISTAKE_NONE ? hf_mistake_info((enum hf_mistake)code)->id : "";

	err->code = kind_of(code);
	err->hint[0] = '\0';
	err->place = (struct hf_err_place){ .line = 0 };
	(void)hf_str_copy(err->id, sizeof(err->id), id);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
}

static void append(struct hf_err *err, const char *text)
{
	size_t len = strlen(err->msg);

	(void)snprintf(err->msg + len, sizeof(err->msg) - len, ": %s", text);
}

int hf_err_set(struct hf_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (err) {
		va_start(ap, fmt);
		set_va(err, code, fmt, ap);
		va_end(ap);
	}
	return -kind_of(code);
}

static int errno_code(int errnum)
{
	switch (errnum) {
	case ENOENT:
		return HF_E_NOENT;
	case EEXIST:
		return HF_E_EXIST;
	case EACCES:
	case EPERM:
		return HF_E_PERM;
	case ENOMEM:
		return HF_E_NOMEM;
	case EAGAIN:
		return HF_E_AGAIN;
	default:
		return HF_E_IO;
	}
}

int hf_err_errno(struct hf_err *err, int errnum, const char *fmt, ...)
{
	int code = errno_code(errnum);
	va_list ap;
	char text[128];

	if (err) {
		va_start(ap, fmt);
		set_va(err, code, fmt, ap);
		va_end(ap);
		append(err, strerror_r(errnum, text, sizeof(text)));
	}
	return -code;
}

/* The first error of the queue is the cause; what follows is where it passed by. */
int hf_err_ossl(struct hf_err *err, int code, const char *fmt, ...)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());
	va_list ap;

	if (err) {
		va_start(ap, fmt);
		set_va(err, code, fmt, ap);
		va_end(ap);
		if (reason)
			append(err, reason);
	}
	ERR_clear_error();
	return -kind_of(code);
}

int hf_err_context(struct hf_err *err, int rc, const char *fmt, ...)
{
	char old[HF_ERR_MSG_CAP];
	va_list ap;
	int n;

	if (!err)
		return rc;
	(void)hf_str_copy(old, sizeof(old), err->msg);
	va_start(ap, fmt);
	n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(err->msg))
		append(err, old);
	return rc;
}

int hf_err_hint(struct hf_err *err, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return -HF_E_INVALID;
	va_start(ap, fmt);
	(void)vsnprintf(err->hint, sizeof(err->hint), fmt, ap);
	va_end(ap);
	return -err->code;
}

int hf_err_is(struct hf_err *err, enum hf_mistake which)
{
	if (!err)
		return -HF_E_INVALID;
	(void)hf_str_copy(err->id, sizeof(err->id), hf_mistake_info(which)->id);
	return -err->code;
}

int hf_err_at(struct hf_err *err, const char *text, size_t offset, size_t len)
{
	if (!err)
		return -HF_E_INVALID;
	err->place = (struct hf_err_place){
		.column = (unsigned)hf_str_columns(text, offset) + 1,
		.length = (unsigned)hf_str_columns(text + offset, len),
	};
	(void)snprintf(err->place.text, sizeof(err->place.text), "%s", text);
	return -err->code;
}

int hf_err_at_text(struct hf_err *err, const char *text)
{
	return hf_err_at(err, text, 0, strlen(text));
}

int hf_err_at_line(struct hf_err *err, const char *path, unsigned line, unsigned column,
		   unsigned length)
{
	if (!err)
		return -HF_E_INVALID;
	err->place = (struct hf_err_place){ .line = line, .column = column, .length = length };
	if (!hf_str_copy(err->place.text, sizeof(err->place.text), path))
		err->place.text[0] = '\0'; /* half a path leads nowhere */
	return -err->code;
}

int hf_err_nomem(struct hf_err *err)
{
	return hf_err_set(err, HF_E_NOMEM, "out of memory");
}

void hf_err_clear(struct hf_err *err)
{
	if (!err)
		return;
	*err = (struct hf_err)HF_ERR_INIT;
}
