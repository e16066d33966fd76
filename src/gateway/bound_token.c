/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 8705 bindings.  Must never take a token for bound whose words could be read in two ways: no
 * second Authorization, no second key, no loose base64. */
#include "gateway/bound_token.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

const char *const hf_bound_tokens_words[] = { "off", "check", "require", NULL };

/* --- base64url, to the letter (RFC 7515 2: no padding) ----------------------------------- */

static bool url_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

/* Only the one spelling that an encoder would write. */
static bool decode(const char *text, size_t len, struct hf_buf *out)
{
	HF_AUTO_DONE(hf_buf) again = HF_BUF_INIT(HF_TOKEN_CAP + 4);

	for (size_t i = 0; i < len; i++)
		if (!url_char(text[i]))
			return false;
	return len > 0 && hf_base64_decode(text, len, out) == 0 &&
	       hf_base64url_encode(out->data, out->len, &again) == 0 && again.len == len &&
	       memcmp(again.data, text, len) == 0;
}

/* --- the payload ------------------------------------------------------------------------- */

static enum hf_token_kind thumbprint_of(const json_t *claims, uint8_t out[HF_SHA256_LEN])
{
	HF_AUTO_DONE(hf_buf) raw = HF_BUF_INIT(HF_SHA256_LEN + 3);
	const json_t *cnf = json_object_get(claims, "cnf");
	const json_t *thumbprint = cnf != NULL ? json_object_get(cnf, "x5t#S256") : NULL;
	const char *text = json_string_value(thumbprint);

	if (cnf == NULL)
		return HF_TOKEN_UNBOUND;
	if (!json_is_object(cnf))
		return HF_TOKEN_BROKEN;
	if (thumbprint == NULL) /* bound in another way (RFC 7800), which the service knows */
		return HF_TOKEN_UNBOUND;
	if (text == NULL || !decode(text, json_string_length(thumbprint), &raw) ||
	    raw.len != HF_SHA256_LEN)
		return HF_TOKEN_BROKEN;
	memcpy(out, raw.data, HF_SHA256_LEN);
	return HF_TOKEN_BOUND;
}

/* Header, payload, signature; five parts are encrypted, and the service's secret. */
static bool payload_of(const char *token, size_t len, const char **ret_part, size_t *ret_len)
{
	const char *first = memchr(token, '.', len), *second;

	if (first == NULL)
		return false;
	second = memchr(first + 1, '.', len - (size_t)(first + 1 - token));
	if (second == NULL || memchr(second + 1, '.', len - (size_t)(second + 1 - token)) != NULL)
		return false;
	*ret_part = first + 1;
	*ret_len = (size_t)(second - first - 1);
	return true;
}

/* RFC 6750 2.1, b64token: no space or comma, behind which another token could stand. */
static bool token_chars(const char *token, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!url_char(token[i]) && strchr(".~+/=", token[i]) == NULL)
			return false;
	return len > 0 && memchr(token, 0, len) == NULL;
}

enum hf_token_kind hf_token_look(const char *token, size_t len,
				 uint8_t ret_thumbprint[HF_SHA256_LEN])
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(HF_TOKEN_CAP);
	enum hf_token_kind kind;
	const char *part = NULL;
	size_t part_len = 0;
	json_t *claims;

	if (!token_chars(token, len))
		return HF_TOKEN_BROKEN;
	if (!payload_of(token, len, &part, &part_len))
		return HF_TOKEN_OPAQUE;
	if (len > HF_TOKEN_CAP || !decode(part, part_len, &text))
		return HF_TOKEN_BROKEN;
	claims = json_loadb(hf_buf_str(&text), text.len, JSON_REJECT_DUPLICATES, NULL);
	kind = json_is_object(claims) ? thumbprint_of(claims, ret_thumbprint) : HF_TOKEN_BROKEN;
	json_decref(claims);
	return kind;
}

/* --- the request ------------------------------------------------------------------------- */

enum found { FOUND_NONE, FOUND_ONE, FOUND_MORE };

static enum found find_authorization(const struct hf_http_head *head, struct hf_slice *ret_value)
{
	enum found found = FOUND_NONE;

	for (size_t i = 0; i < head->fields_len; i++) {
		if (!hf_slice_case_is(hf_http_text(head, head->fields[i].name), "authorization"))
			continue;
		if (found != FOUND_NONE)
			return FOUND_MORE;
		found = FOUND_ONE;
		*ret_value = hf_http_text(head, head->fields[i].value);
	}
	return found;
}

/* RFC 6750 2.1, RFC 9110 11.1: the scheme in any case, then spaces. */
static bool bearer(struct hf_slice value, struct hf_slice *ret_token)
{
	static const size_t len = sizeof("bearer") - 1;

	if (value.len < len || !hf_mem_case_eq(value.data, "bearer", len) ||
	    (value.len > len && value.data[len] != ' '))
		return false;
	value.data += len;
	value.len -= len;
	while (value.len > 0 && value.data[0] == ' ') {
		value.data++;
		value.len--;
	}
	*ret_token = value;
	return true;
}

/* RFC 6750 2.3: a second way in, past the one we look at. */
static bool token_in_query(const struct hf_http_head *head)
{
	static const char name[] = "access_token=";
	struct hf_slice query = hf_http_text(head, head->query);

	for (size_t i = 0; i + sizeof(name) - 1 <= query.len; i++)
		if ((i == 0 || query.data[i - 1] == '&' || query.data[i - 1] == ';') &&
		    memcmp(query.data + i, name, sizeof(name) - 1) == 0)
			return true;
	return false;
}

static bool is_ours(const uint8_t thumbprint[HF_SHA256_LEN], const struct hf_verdict *verdict)
{
	/* A certificate that nobody vouches for binds nothing. */
	return verdict != NULL && verdict->accepted && verdict->chain.len > 0 &&
	       CRYPTO_memcmp(thumbprint, verdict->chain.items[0]->sha256, HF_SHA256_LEN) == 0;
}

static bool token_fits(enum hf_bound_tokens mode, struct hf_slice token,
		       const struct hf_verdict *verdict, const char **ret_why)
{
	uint8_t thumbprint[HF_SHA256_LEN] = { 0 };

	switch (hf_token_look(token.data, token.len, thumbprint)) {
	case HF_TOKEN_BOUND:
		*ret_why = "the token is bound to another certificate";
		return is_ours(thumbprint, verdict);
	case HF_TOKEN_BROKEN:
		*ret_why = "the token cannot be read";
		return false;
	case HF_TOKEN_OPAQUE:
	case HF_TOKEN_UNBOUND:
		break;
	}
	*ret_why = "the token is not bound to a certificate";
	return mode == HF_BOUND_TOKENS_CHECK;
}

int hf_bound_token_check(enum hf_bound_tokens mode, const struct hf_http_head *head,
			 const struct hf_verdict *verdict, const char **ret_fields,
			 const char **ret_why)
{
	struct hf_slice value = { NULL, 0 }, token = { NULL, 0 };
	enum found found;

	if (mode == HF_BOUND_TOKENS_OFF)
		return 0;
	found = find_authorization(head, &value);
	if (found == FOUND_MORE || token_in_query(head)) {
		*ret_why = "more than one way to say who asks";
		return 400;
	}
	if (found == FOUND_NONE || !bearer(value, &token)) {
		*ret_fields = "WWW-Authenticate: Bearer\r\n";
		*ret_why = "a bearer token is needed";
		return mode == HF_BOUND_TOKENS_REQUIRE ? 401 : 0;
	}
	if (token_fits(mode, token, verdict, ret_why))
		return 0;
	*ret_fields = "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n";
	return 401;
}
