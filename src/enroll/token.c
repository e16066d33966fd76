/* SPDX-License-Identifier: Apache-2.0 */
/* Token texts.  Must never print a secret, nor compare one byte by byte. */
#include "enroll/token.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/err.h"
#include "base/str.h"

enum { ID_LEN = HF_TOKEN_ID_CAP - 1, BASE64_LEN = 43, AUTHORIZATION_CAP = 1024 };

int hf_token_text_make(const uint8_t root[HF_SHA256_LEN], struct hf_token_text *ret_token,
		       struct hf_err *err)
{
	uint8_t id[ID_LEN / 2];

	if (RAND_bytes(id, sizeof(id)) != 1 ||
	    RAND_priv_bytes(ret_token->secret, sizeof(ret_token->secret)) != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "there are no random numbers");
	hf_hex_encode(id, sizeof(id), ret_token->id);
	memcpy(ret_token->root, root, HF_SHA256_LEN);
	return 0;
}

int hf_token_text_format(const struct hf_token_text *token, struct hf_buf *out)
{
	(void)hf_buf_printf(out, "%s.", token->id);
	(void)hf_base64url_encode(token->secret, sizeof(token->secret), out);
	(void)hf_buf_putc(out, '.');
	return hf_base64url_encode(token->root, sizeof(token->root), out);
}

static bool parse_id(const char *text, char id[HF_TOKEN_ID_CAP])
{
	for (size_t i = 0; i < ID_LEN; i++) {
		if (!strchr("0123456789abcdef", text[i]) || !text[i])
			return false;
	}
	memcpy(id, text, ID_LEN);
	id[ID_LEN] = '\0';
	return true;
}

/* 32 bytes in 43 characters; the two spare bits must be zero, so that there is one spelling. */
static bool parse_base64(const char *text, uint8_t out[32])
{
	HF_AUTO_DONE(hf_buf) bytes = HF_BUF_INIT(64);
	HF_AUTO_DONE(hf_buf) again = HF_BUF_INIT(64);

	if (hf_base64_decode(text, BASE64_LEN, &bytes) < 0 || bytes.len != 32)
		return false;
	if (hf_base64url_encode(bytes.data, bytes.len, &again) < 0 ||
	    CRYPTO_memcmp(hf_buf_str(&again), text, BASE64_LEN) != 0)
		return false;
	memcpy(out, bytes.data, 32);
	return true;
}

bool hf_token_text_parse(const char *text, size_t len, struct hf_token_text *ret_token)
{
	const char *secret = text + ID_LEN + 1, *root = secret + BASE64_LEN + 1;

	if (len != HF_TOKEN_TEXT_LEN || text[ID_LEN] != '.' || root[-1] != '.')
		return false;
	return parse_id(text, ret_token->id) && parse_base64(secret, ret_token->secret) &&
	       parse_base64(root, ret_token->root);
}

/* "ID:SECRET", "anybody:TOKEN"; the user ends at the first colon (RFC 7617 2). */
static bool from_basic(const char *text, size_t len, struct hf_token_text *ret_token)
{
	HF_AUTO_DONE(hf_buf) plain = HF_BUF_INIT(AUTHORIZATION_CAP);
	const char *colon, *password;
	size_t left;

	if (hf_base64_decode(text, len, &plain) < 0 || plain.len == 0)
		return false;
	colon = memchr(plain.data, ':', plain.len);
	if (!colon)
		return false;
	password = colon + 1;
	left = plain.len - (size_t)(password - plain.data);
	if (hf_token_text_parse(password, left, ret_token))
		return true;
	memset(ret_token->root, 0, sizeof(ret_token->root));
	return colon - plain.data == ID_LEN && left == BASE64_LEN &&
	       parse_id(plain.data, ret_token->id) && parse_base64(password, ret_token->secret);
}

bool hf_token_from_authorization(const char *value, size_t len, struct hf_token_text *ret_token)
{
	static const struct {
		const char *scheme;
		bool (*parse)(const char *text, size_t len, struct hf_token_text *ret_token);
	} schemes[] = { { "bearer", hf_token_text_parse }, { "basic", from_basic } };

	for (size_t i = 0; i < HF_ARRAY_LEN(schemes); i++) {
		size_t at = strlen(schemes[i].scheme);

		if (len > AUTHORIZATION_CAP || len <= at || value[at] != ' ' ||
		    !hf_mem_case_eq(value, schemes[i].scheme, at))
			continue;
		while (at < len && value[at] == ' ')
			at++;
		return schemes[i].parse(value + at, len - at, ret_token);
	}
	return false;
}

int hf_token_secret_hash(const struct hf_token_text *token, uint8_t ret_hash[HF_SHA256_LEN],
			 struct hf_err *err)
{
	unsigned len = 0;

	if (EVP_Digest(token->secret, sizeof(token->secret), ret_hash, &len, EVP_sha256(), NULL) !=
	    1)
		return hf_err_ossl(err, HF_E_CRYPTO, "hashing a secret");
	return 0;
}

bool hf_token_secret_is(const struct hf_token_text *token, const uint8_t hash[HF_SHA256_LEN])
{
	uint8_t mine[HF_SHA256_LEN];

	return hf_token_secret_hash(token, mine, NULL) == 0 &&
	       CRYPTO_memcmp(mine, hash, sizeof(mine)) == 0;
}
