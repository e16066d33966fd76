/* SPDX-License-Identifier: Apache-2.0 */
/* The holder of a verified leaf.  Must never take a name from a malformed SAN, nor from the CN
 * unless asked to. */
#include "pki/identity.h"

#include <limits.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"

static const struct hf_san *first_san(const struct hf_cert *leaf, enum hf_san_kind kind)
{
	for (size_t i = 0; i < leaf->sans.len; i++) {
		const struct hf_san *san = &leaf->sans.items[i];

		if (san->kind == kind && !san->malformed)
			return san;
	}
	return NULL;
}

static char *choose_name(const struct hf_cert *leaf, bool use_cn)
{
	static const enum hf_san_kind order[] = { HF_SAN_URI, HF_SAN_DNS, HF_SAN_EMAIL };
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(INT_MAX);
	char hex[2 * HF_SHA256_LEN + 1];

	for (size_t i = 0; i < HF_ARRAY_LEN(order); i++) {
		const struct hf_san *san = first_san(leaf, order[i]);

		if (!san)
			continue;
		(void)hf_buf_printf(&text, "%s:", hf_san_kind_name(san->kind));
		(void)hf_str_escape(&text, san->value, san->len);
		return hf_buf_steal(&text);
	}
	if (use_cn && leaf->common_name && leaf->common_name[0])
		return hf_str_printf("cn:%s", leaf->common_name);
	hf_hex_encode(leaf->sha256, HF_SHA256_LEN, hex);
	return hf_str_printf("sha256:%s", hex);
}

static char *fingerprint(const struct hf_cert *cert)
{
	char hex[2 * HF_SHA256_LEN + 1];

	hf_hex_encode(cert->sha256, HF_SHA256_LEN, hex);
	return hf_str_dup(hex);
}

int hf_identity_new(struct hf_cert *leaf, const struct hf_cert *issuer, bool use_cn,
		    struct hf_identity **ret_identity, struct hf_err *err)
{
	HF_AUTO(hf_identity) id = calloc(1, sizeof(*id));

	if (!id)
		return hf_err_nomem(err);
	id->leaf = hf_cert_ref(leaf);
	id->name = choose_name(leaf, use_cn);
	if (issuer)
		id->issuer_sha256 = fingerprint(issuer);
	if (!id->name || (issuer && !id->issuer_sha256))
		return hf_err_nomem(err);
	*ret_identity = hf_take(id);
	return 0;
}

void hf_identity_free(struct hf_identity *id)
{
	if (!id)
		return;
	hf_cert_unref(id->leaf);
	free(id->name);
	free(id->issuer_sha256);
	free(id);
}

static void sans_to_json(const struct hf_sans *sans, struct hf_json *j)
{
	hf_json_array_begin(j, "sans");
	for (size_t i = 0; i < sans->len; i++) {
		hf_json_object_begin(j, NULL);
		hf_json_string(j, "kind", hf_san_kind_name(sans->items[i].kind));
		hf_json_stringn(j, "value", sans->items[i].value, sans->items[i].len);
		hf_json_object_end(j);
	}
	hf_json_array_end(j);
}

void hf_identity_to_json(const struct hf_identity *id, struct hf_json *j, const char *key)
{
	HF_AUTO_DONE(hf_buf) thumbprint = HF_BUF_INIT(64);
	const struct hf_cert *leaf = id->leaf;

	(void)hf_base64url_encode(leaf->sha256, HF_SHA256_LEN, &thumbprint);
	hf_json_object_begin(j, key);
	hf_json_string(j, "name", id->name);
	hf_json_string(j, "subject", leaf->subject);
	hf_json_string(j, "issuer", leaf->issuer);
	hf_json_string(j, "serial", leaf->serial);
	hf_json_hex(j, "sha256", leaf->sha256, HF_SHA256_LEN);
	hf_json_hex(j, "spki_sha256", leaf->spki_sha256, HF_SHA256_LEN);
	if (id->issuer_sha256)
		hf_json_string(j, "issuer_sha256", id->issuer_sha256);
	sans_to_json(&leaf->sans, j);
	hf_json_time(j, "not_before", leaf->not_before);
	hf_json_time(j, "not_after", leaf->not_after);
	hf_json_string(j, "x5t#S256", hf_buf_str(&thumbprint)); /* RFC 8705 3.1 */
	hf_json_object_end(j);
}
