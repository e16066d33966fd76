/* SPDX-License-Identifier: Apache-2.0 */
/* The capped buffer.  Must never pass its cap and never leave bytes behind in freed memory. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

enum { FIRST_ALLOC = 128 };

void hf_buf_init(struct hf_buf *b, size_t cap)
{
	*b = (struct hf_buf)HF_BUF_INIT(cap);
}

void hf_buf_done(struct hf_buf *b)
{
	if (!b)
		return;
	if (b->data)
		OPENSSL_cleanse(b->data, b->alloc);
	free(b->data);
	hf_buf_init(b, b->cap);
}

void hf_buf_clear(struct hf_buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->data)
		b->data[0] = '\0';
}

/* A fresh block and a cleansed old one instead of realloc, which may leave a copy behind. */
static int grow(struct hf_buf *b, size_t need)
{
	size_t alloc = HF_MAX(b->alloc ? 2 * b->alloc : FIRST_ALLOC, need);
	char *fresh;

	fresh = malloc(alloc);
	if (!fresh) {
		b->failed = true;
		return -HF_E_NOMEM;
	}
	if (b->data) {
		memcpy(fresh, b->data, b->len);
		OPENSSL_cleanse(b->data, b->alloc);
		free(b->data);
	}
	fresh[b->len] = '\0';
	b->data = fresh;
	b->alloc = alloc;
	return 0;
}

int hf_buf_reserve(struct hf_buf *b, size_t more)
{
	if (b->failed)
		return -HF_E_LIMIT;
	if (more > b->cap || b->len > b->cap - more) {
		b->failed = true;
		return -HF_E_LIMIT;
	}
	if (b->len + more + 1 <= b->alloc)
		return 0;
	return grow(b, b->len + more + 1);
}

int hf_buf_append(struct hf_buf *b, const void *data, size_t len)
{
	int rc = hf_buf_reserve(b, len);

	if (rc < 0)
		return rc;
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
	return 0;
}

int hf_buf_puts(struct hf_buf *b, const char *s)
{
	return hf_buf_append(b, s, strlen(s));
}

int hf_buf_putc(struct hf_buf *b, char c)
{
	return hf_buf_append(b, &c, 1);
}

int hf_buf_put_int(struct hf_buf *b, int64_t value)
{
	char text[24], *p = text + sizeof(text);
	uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	do {
		*--p = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (value < 0)
		*--p = '-';
	return hf_buf_append(b, p, (size_t)(text + sizeof(text) - p));
}

/* Into the room there is; a second time when that was not enough. */
int hf_buf_printf(struct hf_buf *b, const char *fmt, ...)
{
	size_t room = b->data ? b->alloc - b->len : 0;
	va_list ap;
	int n, rc;

	va_start(ap, fmt);
	n = vsnprintf(room > 0 ? b->data + b->len : NULL, room, fmt, ap);
	va_end(ap);
	rc = n < 0 ? -HF_E_INVALID : hf_buf_reserve(b, (size_t)n);
	if (rc < 0) {
		b->failed = true;
		hf_buf_truncate(b, b->len);
		return rc;
	}
	if ((size_t)n >= room) {
		va_start(ap, fmt);
		(void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	b->len += (size_t)n;
	return 0;
}

void hf_buf_consume(struct hf_buf *b, size_t n)
{
	if (n >= b->len) {
		hf_buf_truncate(b, 0);
		return;
	}
	memmove(b->data, b->data + n, b->len - n);
	hf_buf_truncate(b, b->len - n);
}

void hf_buf_truncate(struct hf_buf *b, size_t len)
{
	if (!b->data || len > b->len)
		return;
	b->len = len;
	b->data[len] = '\0';
}

const char *hf_buf_str(const struct hf_buf *b)
{
	return b->data ? b->data : "";
}

char *hf_buf_steal(struct hf_buf *b)
{
	char *data;

	if (b->failed || hf_buf_reserve(b, 0) < 0)
		return NULL;
	data = hf_take(b->data);
	hf_buf_init(b, b->cap);
	return data;
}
