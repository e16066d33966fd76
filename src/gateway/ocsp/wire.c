/* SPDX-License-Identifier: Apache-2.0 */
/* Packets between worker and follower.  Must never read past a packet, nor believe a length in it.
 */
#include "gateway/ocsp/wire.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"

enum {
	UNDATED_SECONDS = 10, /* an answer without nextUpdate is used for so long */
	UNKNOWN_SECONDS = 60, /* a certificate may be too new for its responder */
	AGAIN_MAX_SECONDS = 3600,
	SKEW_SECONDS = 300,
};

struct question_head {
	uint64_t id;
	uint32_t url_len, count;
};

struct answer_head {
	uint64_t id, failed;
};

void hf_ocsp_question_done(struct hf_ocsp_question *question)
{
	hf_certs_done(&question->path);
}

int hf_ocsp_question_write(uint64_t id, const char *url, const struct hf_certs *path,
			   struct hf_buf *out, struct hf_err *err)
{
	struct question_head head = { .id = id, .count = (uint32_t)path->len };
	size_t url_len = strlen(url);

	if (url_len >= HF_OCSP_URL_CAP || path->len > HF_OCSP_PATH_CAP)
		return hf_err_set(err, HF_E_LIMIT, "its path or the address is too long");
	head.url_len = (uint32_t)url_len;
	hf_buf_clear(out);
	(void)hf_buf_append(out, &head, sizeof(head));
	(void)hf_buf_append(out, url, url_len);
	for (size_t i = 0; i < path->len; i++) {
		uint32_t len = (uint32_t)path->items[i]->der_len;

		(void)hf_buf_append(out, &len, sizeof(len));
		(void)hf_buf_append(out, path->items[i]->der, len);
	}
	return hf_buf_failed(out) ? hf_err_set(err, HF_E_LIMIT, "its path is too large") : 0;
}

struct packet {
	const char *data;
	size_t len;
};

/* The next bytes of a packet; NULL when it has not so many. */
static const char *next(struct packet *packet, size_t len)
{
	const char *at = packet->data;

	if (len > packet->len)
		return NULL;
	packet->data += len;
	packet->len -= len;
	return at;
}

static int next_cert(struct packet *packet, struct hf_certs *path, struct hf_err *err)
{
	HF_AUTO(hf_cert) cert = NULL;
	const char *at = next(packet, sizeof(uint32_t));
	uint32_t len = 0;
	int rc;

	if (at)
		memcpy(&len, at, sizeof(len));
	at = at ? next(packet, len) : NULL;
	if (!at)
		return hf_err_set(err, HF_E_PARSE, "the packet is cut off");
	rc = hf_cert_from_der((const uint8_t *)at, len, &cert, err);
	return rc < 0 ? rc : hf_certs_add(path, cert, err);
}

int hf_ocsp_question_parse(const char *data, size_t len, struct hf_ocsp_question *ret,
			   struct hf_err *err)
{
	struct packet packet = { data, len };
	const char *at = next(&packet, sizeof(struct question_head));
	struct question_head head;
	int rc = 0;

	if (!at)
		return hf_err_set(err, HF_E_PARSE, "the packet is cut off");
	memcpy(&head, at, sizeof(head));
	at = head.url_len < HF_OCSP_URL_CAP ? next(&packet, head.url_len) : NULL;
	if (!at || head.id == 0 || head.count < 2 || head.count > HF_OCSP_PATH_CAP)
		return hf_err_set(err, HF_E_PARSE, "the packet makes no sense");
	ret->id = head.id;
	memcpy(ret->url, at, head.url_len);
	ret->url[head.url_len] = '\0';
	for (uint32_t i = 0; rc == 0 && i < head.count; i++)
		rc = next_cert(&packet, &ret->path, err);
	if (rc == 0 && packet.len > 0)
		rc = hf_err_set(err, HF_E_PARSE, "the packet is too long");
	return rc;
}

int hf_ocsp_answer_write(const struct hf_ocsp_answer *answer, struct hf_buf *out)
{
	const struct answer_head head = { answer->id, answer->failed };

	hf_buf_clear(out);
	(void)hf_buf_append(out, &head, sizeof(head));
	return hf_buf_append(out, answer->data, answer->len);
}

bool hf_ocsp_answer_parse(const char *data, size_t len, struct hf_ocsp_answer *ret)
{
	struct packet packet = { data, len };
	const char *at = next(&packet, sizeof(struct answer_head));
	struct answer_head head;

	if (!at)
		return false;
	memcpy(&head, at, sizeof(head));
	*ret = (struct hf_ocsp_answer){ head.id, head.failed != 0, packet.data, packet.len };
	return true;
}

int hf_ocsp_key(const struct hf_certs *path, const char *url, uint8_t ret_key[HF_SHA256_LEN],
		struct hf_err *err)
{
	const struct hf_cert *leaf = path->items[0], *issuer = path->items[1];
	HF_AUTO(EVP_MD_CTX) md = EVP_MD_CTX_new();
	const unsigned char *name = NULL;
	size_t name_len = 0;

	/* The NUL of each text keeps the parts apart. */
	if (!md || X509_NAME_get0_der(X509_get_issuer_name(leaf->x509), &name, &name_len) != 1 ||
	    EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1 ||
	    EVP_DigestUpdate(md, issuer->spki_sha256, HF_SHA256_LEN) != 1 ||
	    EVP_DigestUpdate(md, leaf->serial, strlen(leaf->serial) + 1) != 1 ||
	    EVP_DigestUpdate(md, url, strlen(url) + 1) != 1 ||
	    EVP_DigestUpdate(md, name, name_len) != 1 || EVP_DigestFinal_ex(md, ret_key, NULL) != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "hashing a question");
	return 0;
}

/* RFC 6960 4.2.2.1: without nextUpdate newer information is always there, so an old answer of that
 * kind is one that somebody plays again. */
static int check_undated(const struct hf_ocsp_says *says, int64_t now, struct hf_err *err)
{
	char when[HF_TIME_TEXT_CAP];

	if (says->next_update != 0 || says->this_update >= now - SKEW_SECONDS)
		return 0;
	hf_time_format(says->this_update, when);
	return hf_err_set(err, HF_E_POLICY, "it has no end, and is from %s", when);
}

int hf_ocsp_weigh(const void *der, size_t len, const struct hf_certs *path, int64_t now,
		  struct hf_ocsp_says *ret_says, int64_t *ret_again, int64_t *ret_end,
		  struct hf_err *err)
{
	int rc = hf_ocsp_check(der, len, path->items[0], path->items[1], now, ret_says, err);
	int64_t end, half;

	if (rc == 0)
		rc = check_undated(ret_says, now, err);
	if (rc < 0)
		return rc;
	end = ret_says->next_update ? ret_says->next_update : now + UNDATED_SECONDS;
	if (ret_says->status == HF_OCSP_UNKNOWN)
		end = HF_MIN(end, now + UNKNOWN_SECONDS);
	half = HF_MIN((end - now) / 2, (int64_t)AGAIN_MAX_SECONDS);
	*ret_end = end;
	*ret_again = now + HF_MAX(half, INT64_C(1));
	return 0;
}
