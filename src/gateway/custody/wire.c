/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the signer: written and read.  Must never trust a length of the other side, nor read
 * past the packet. */
#include "gateway/custody/wire.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

enum { CERTS_CAP = 64, FLAG_WORLD_READABLE = 1, FLAG_STRAY = 2, FLAG_REORDERED = 4 };

/* --- reading --- */

struct reader {
	const uint8_t *at;
	size_t left;
	bool bad;
};

static const uint8_t *take(struct reader *r, size_t len)
{
	const uint8_t *at = r->at;

	if (r->bad || len > r->left) {
		r->bad = true;
		return NULL;
	}
	r->at += len;
	r->left -= len;
	return at;
}

static uint64_t take_number(struct reader *r, size_t bytes)
{
	const uint8_t *at = take(r, bytes);
	uint64_t n = 0;

	for (size_t i = 0; at && i < bytes; i++)
		n = n << 8 | at[i];
	return n;
}

/* Up to and with its NUL. */
static const char *take_text(struct reader *r)
{
	const uint8_t *end = r->bad ? NULL : memchr(r->at, '\0', r->left);

	if (!end) {
		r->bad = true;
		return "";
	}
	return (const char *)take(r, (size_t)(end - r->at) + 1);
}

static void take_sign(struct reader *r, struct hf_custody_request *request)
{
	static const int digests[] = { NID_undef, NID_sha256, NID_sha384, NID_sha512 };
	struct hf_sign_ask *ask = &request->ask;
	const uint8_t *key = take(r, sizeof(request->key));
	uint64_t form = take_number(r, 1), md = take_number(r, 1);
	bool is_eddsa = form == HF_SIGN_EDDSA;

	if (r->bad || form < HF_SIGN_ECDSA || form > HF_SIGN_EDDSA || md >= HF_ARRAY_LEN(digests) ||
	    is_eddsa != (md == 0) ||
	    r->left > (is_eddsa ? (size_t)HF_CUSTODY_TEXT_CAP : (size_t)HF_CUSTODY_DIGEST_CAP)) {
		r->bad = true;
		return;
	}
	memcpy(request->key, key, sizeof(request->key));
	ask->form = (enum hf_sign_form)form;
	ask->md = digests[md];
	ask->len = r->left;
	ask->data = take(r, r->left);
	if (!is_eddsa)
		r->bad |= ask->len != (size_t)EVP_MD_get_size(EVP_get_digestbynid(ask->md));
}

bool hf_custody_request_parse(const uint8_t *data, size_t len, struct hf_custody_request *ret)
{
	struct reader r = { data, len, len > HF_CUSTODY_MESSAGE_CAP };
	struct hf_custody_request request = { .op = (enum hf_custody_op)take_number(&r, 1),
					      .seq = (uint32_t)take_number(&r, 4) };

	switch (request.op) {
	case HF_CUSTODY_SIGN:
		take_sign(&r, &request);
		break;
	case HF_CUSTODY_CREDENTIAL:
	case HF_CUSTODY_LOAD:
		request.generation = take_number(&r, 8);
		request.cert_path = take_text(&r);
		request.key_path = take_text(&r);
		request.passphrase_path = take_text(&r);
		break;
	case HF_CUSTODY_DROP:
	case HF_CUSTODY_ATTACH:
		request.number = (uint32_t)take_number(&r, 4);
		break;
	case HF_CUSTODY_SEAL:
	case HF_CUSTODY_PING:
		break;
	default:
		r.bad = true;
	}
	if (r.bad || r.left > 0)
		return false;
	*ret = request;
	return true;
}

bool hf_custody_answer_parse(const uint8_t *data, size_t len, struct hf_custody_answer *ret)
{
	struct reader r = { data, len, len > HF_CUSTODY_MESSAGE_CAP };
	struct hf_custody_answer answer = { .seq = (uint32_t)take_number(&r, 4),
					    .code = (int)take_number(&r, 2) };

	if (answer.code != 0) {
		answer.text = take_text(&r);
		answer.hint = take_text(&r);
		answer.id = take_text(&r);
		r.bad |= r.left > 0;
	} else {
		answer.len = r.left;
		answer.data = take(&r, r.left);
	}
	if (r.bad)
		return false;
	*ret = answer;
	return true;
}

static int take_cert(struct reader *r, struct hf_certs *chain, struct hf_err *err)
{
	HF_AUTO(hf_cert) cert = NULL;
	size_t len = (size_t)take_number(r, 4);
	const uint8_t *der = take(r, len);
	int rc = der ? hf_cert_from_der(der, len, &cert, err) : -HF_E_PARSE;

	return rc < 0 ? rc : hf_certs_add(chain, cert, err);
}

static bool copy_path(char **to, const char *text)
{
	assert(text);
	if (*text)
		*to = hf_str_dup(text);
	return !*text || *to;
}

int hf_custody_entry_parse(const uint8_t *data, size_t len, struct hf_custody_entry *ret,
			   struct hf_err *err)
{
	struct reader r = { data, len, false };
	HF_AUTO(hf_credential) c = calloc(1, sizeof(*c));
	uint32_t number = (uint32_t)take_number(&r, 4);
	unsigned flags = (unsigned)take_number(&r, 1);
	size_t certs = (size_t)take_number(&r, 1);
	int rc = 0;

	if (!c || !copy_path(&c->cert_path, take_text(&r)) ||
	    !copy_path(&c->key_path, take_text(&r)))
		return hf_err_nomem(err);
	for (size_t i = 0; rc == 0 && !r.bad && i < certs; i++)
		rc = take_cert(&r, &c->chain, err);
	if (rc < 0 || r.bad || r.left > 0 || c->chain.len == 0 || certs > CERTS_CAP)
		return hf_err_set(err, HF_E_PARSE, "the signer's answer makes no sense");
	c->key_world_readable = flags & FLAG_WORLD_READABLE;
	c->stray_dropped = flags & FLAG_STRAY;
	c->reordered = flags & FLAG_REORDERED;
	*ret = (struct hf_custody_entry){ number, hf_take(c) };
	return 0;
}

/* --- writing --- */

static void put_number(struct hf_buf *out, uint64_t n, size_t bytes)
{
	while (bytes-- > 0)
		(void)hf_buf_putc(out, (char)(n >> (8 * bytes) & 0xff));
}

static void put_text(struct hf_buf *out, const char *text)
{
	(void)hf_buf_append(out, text ? text : "", text ? strlen(text) + 1 : 1);
}

static uint64_t digest_number(int md)
{
	return md == NID_sha256 ? 1 : md == NID_sha384 ? 2 : md == NID_sha512 ? 3 : 0;
}

static void put_sign(struct hf_buf *out, const struct hf_custody_request *request)
{
	(void)hf_buf_append(out, request->key, sizeof(request->key));
	put_number(out, request->ask.form, 1);
	put_number(out, digest_number(request->ask.md), 1);
	(void)hf_buf_append(out, request->ask.data, request->ask.len);
}

int hf_custody_request_write(const struct hf_custody_request *request, struct hf_buf *out,
			     struct hf_err *err)
{
	hf_buf_clear(out);
	put_number(out, (uint64_t)request->op, 1);
	put_number(out, request->seq, 4);
	switch (request->op) {
	case HF_CUSTODY_SIGN:
		put_sign(out, request);
		break;
	case HF_CUSTODY_CREDENTIAL:
	case HF_CUSTODY_LOAD:
		put_number(out, request->generation, 8);
		put_text(out, request->cert_path);
		put_text(out, request->key_path);
		put_text(out, request->passphrase_path);
		break;
	case HF_CUSTODY_DROP:
	case HF_CUSTODY_ATTACH:
		put_number(out, request->number, 4);
		break;
	case HF_CUSTODY_SEAL:
	case HF_CUSTODY_PING:
		break;
	}
	return hf_buf_failed(out)
		   ? hf_err_set(err, HF_E_LIMIT, "a question to the signer is too long")
		   : 0;
}

int hf_custody_answer_good(uint32_t seq, const void *data, size_t len, struct hf_buf *out)
{
	hf_buf_clear(out);
	put_number(out, seq, 4);
	put_number(out, 0, 2);
	(void)hf_buf_append(out, data, len);
	return hf_buf_failed(out) ? -HF_E_LIMIT : 0;
}

int hf_custody_answer_bad(uint32_t seq, const struct hf_err *err, struct hf_buf *out)
{
	hf_buf_clear(out);
	put_number(out, seq, 4);
	put_number(out, err->code > 0 ? (uint64_t)err->code : HF_E_IO, 2);
	put_text(out, err->msg);
	put_text(out, err->hint);
	put_text(out, err->id);
	return hf_buf_failed(out) ? -HF_E_LIMIT : 0;
}

static int put_cert(struct hf_buf *out, const struct hf_cert *cert)
{
	HF_AUTO(ossl_mem) der = NULL;
	int len = i2d_X509(cert->x509, &der);

	if (len <= 0)
		return -HF_E_CRYPTO;
	put_number(out, (uint64_t)len, 4);
	return hf_buf_append(out, der, (size_t)len);
}

int hf_custody_entry_write(const struct hf_custody_entry *entry, struct hf_buf *out)
{
	const struct hf_credential *c = entry->credential;
	unsigned flags = (c->key_world_readable ? (unsigned)FLAG_WORLD_READABLE : 0) |
			 (c->stray_dropped ? (unsigned)FLAG_STRAY : 0) |
			 (c->reordered ? (unsigned)FLAG_REORDERED : 0);
	int rc = 0;

	if (c->chain.len > CERTS_CAP)
		return -HF_E_LIMIT;
	put_number(out, entry->number, 4);
	put_number(out, flags, 1);
	put_number(out, c->chain.len, 1);
	put_text(out, c->cert_path);
	put_text(out, c->key_path);
	for (size_t i = 0; rc == 0 && i < c->chain.len; i++)
		rc = put_cert(out, c->chain.items[i]);
	return rc < 0 || !hf_buf_failed(out) ? rc : -HF_E_LIMIT;
}
