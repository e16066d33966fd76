/* SPDX-License-Identifier: Apache-2.0 */
/* DER, written by hand where an object model would cost more than the signature.  Must never write
 * an indefinite or a longer than necessary length. */
#include "ca/derwrite.h"

#include <string.h>

#include <openssl/objects.h>

#include "base/time.h"

enum { HEADER_CAP = 2 + sizeof(size_t), FIRST_UTC_YEAR = 1950, LAST_UTC_YEAR = 2049 };

static size_t make_header(uint8_t out[HEADER_CAP], unsigned tag, size_t len)
{
	size_t octets = 0, n = 0;

	out[n++] = (uint8_t)tag;
	if (len < 0x80) {
		out[n++] = (uint8_t)len;
		return n;
	}
	for (size_t rest = len; rest; rest >>= 8)
		octets++;
	out[n++] = (uint8_t)(0x80 | octets);
	while (octets-- > 0)
		out[n++] = (uint8_t)(len >> 8 * octets);
	return n;
}

void hf_derw_wrap(struct hf_buf *b, size_t start, unsigned tag)
{
	uint8_t header[HEADER_CAP];
	size_t len = b->len - start;
	size_t n = make_header(header, tag, len);

	if (hf_buf_append(b, header, n) < 0) /* room for it; moved to its place */
		return;
	memmove(b->data + start + n, b->data + start, len);
	memcpy(b->data + start, header, n);
}

void hf_derw_put(struct hf_buf *b, unsigned tag, const void *data, size_t len)
{
	uint8_t header[HEADER_CAP];

	(void)hf_buf_append(b, header, make_header(header, tag, len));
	if (len > 0)
		(void)hf_buf_append(b, data, len);
}

void hf_derw_integer(struct hf_buf *b, const uint8_t *magnitude, size_t len)
{
	size_t start = b->len;

	while (len > 0 && *magnitude == 0) {
		magnitude++;
		len--;
	}
	if (len == 0 || *magnitude & 0x80)
		(void)hf_buf_putc(b, 0);
	if (len > 0)
		(void)hf_buf_append(b, magnitude, len);
	hf_derw_wrap(b, start, HF_DERW_INTEGER);
}

void hf_derw_number(struct hf_buf *b, uint64_t value)
{
	uint8_t octets[8];

	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)(value >> (56 - 8 * i));
	hf_derw_integer(b, octets, sizeof(octets));
}

void hf_derw_oid(struct hf_buf *b, int nid)
{
	const ASN1_OBJECT *object = OBJ_nid2obj(nid);

	hf_derw_put(b, HF_DERW_OID, OBJ_get0_data(object), OBJ_length(object));
}

static void put_two(char *out, int value)
{
	out[0] = (char)('0' + value / 10 % 10);
	out[1] = (char)('0' + value % 10);
}

/* By hand: a list of a hundred thousand revoked certificates has as many of them. */
void hf_derw_time(struct hf_buf *b, int64_t at)
{
	char digits[] = "YYYYMMDDHHMMSSZ";
	struct tm tm;
	int year;

	hf_time_to_civil(at, &tm);
	year = HF_MIN(HF_MAX(tm.tm_year + 1900, 0), 9999);
	put_two(digits, year / 100);
	put_two(digits + 2, year % 100);
	put_two(digits + 4, tm.tm_mon + 1);
	put_two(digits + 6, tm.tm_mday);
	put_two(digits + 8, tm.tm_hour);
	put_two(digits + 10, tm.tm_min);
	put_two(digits + 12, tm.tm_sec);
	if (year >= FIRST_UTC_YEAR && year <= LAST_UTC_YEAR)
		hf_derw_put(b, HF_DERW_UTC_TIME, digits + 2, strlen(digits) - 2);
	else
		hf_derw_put(b, HF_DERW_GENERALIZED_TIME, digits, strlen(digits));
}

void hf_derw_extension(struct hf_buf *b, int nid, bool critical, const void *value, size_t len)
{
	static const uint8_t yes[] = { HF_DERW_BOOLEAN, 1, 0xff };
	size_t start = b->len;

	hf_derw_oid(b, nid);
	if (critical) /* DEFAULT FALSE is left out */
		(void)hf_buf_append(b, yes, sizeof(yes));
	hf_derw_put(b, HF_DERW_OCTET_STRING, value, len);
	hf_derw_wrap(b, start, HF_DERW_SEQUENCE);
}
