/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate in words, with what peers will dislike about it. */
#include "cli/show_cert.h"

#include <string.h>

#include "base/reason.h"
#include "base/time.h"
#include "verify/world.h"

enum { EXPIRES_SOON = 14 * HF_DAY_SECONDS };

void hf_show_field(struct hf_out *out, const char *label, const char *value)
{
	hf_out_print(out, "  %-10s %s\n", label, value);
}

void hf_show_warning(struct hf_out *out, const char *sentence)
{
	hf_out_print(out, "  %swarning%s    %s\n", hf_out_color(out, HF_COLOR_YELLOW),
		     hf_out_color(out, HF_COLOR_PLAIN), sentence);
}

void hf_show_time(int64_t at, int64_t now, char *out, size_t cap)
{
	char text[HF_TIME_TEXT_CAP], words[32];

	hf_time_format(at, text);
	hf_duration_words(at - now, words, sizeof(words));
	if (at >= now)
		(void)snprintf(out, cap, "%s (in %s)", text, words);
	else
		(void)snprintf(out, cap, "%s (%s ago)", text, words);
}

/* --- what peers will dislike --- */

static bool is_v1(const struct hf_cert *c, int64_t now)
{
	(void)now;
	return c->version < 3;
}

static bool has_odd_serial(const struct hf_cert *c, int64_t now)
{
	(void)now;
	/* 20 bytes at most (RFC 5280 4.1.2.2) */
	return strcmp(c->serial, "0") == 0 || c->serial[0] == '-' || strlen(c->serial) > 40;
}

static bool is_leaf_without_san(const struct hf_cert *c, int64_t now)
{
	(void)now;
	return !(c->flags & HF_CERT_CA) && c->sans.len == 0;
}

static bool is_leaf_without_eku(const struct hf_cert *c, int64_t now)
{
	(void)now;
	return !(c->flags & HF_CERT_CA) && c->version == 3 && !(c->flags & HF_CERT_HAS_EKU);
}

static bool is_weak_key(const struct hf_cert *c, int64_t now)
{
	(void)now;
	return (c->key_nid == EVP_PKEY_RSA && c->key_bits < 2048) || c->key_nid == EVP_PKEY_DSA ||
	       c->key_nid == 0 || (c->key_nid == EVP_PKEY_EC && c->key_bits < 224);
}

static bool is_weakly_signed(const struct hf_cert *c, int64_t now)
{
	(void)now;
	return c->sig_md_nid == NID_sha1 || c->sig_md_nid == NID_md5 || c->sig_md_nid == NID_md4;
}

static bool is_expired(const struct hf_cert *c, int64_t now)
{
	return now > c->not_after;
}

static bool is_not_yet_valid(const struct hf_cert *c, int64_t now)
{
	return now < c->not_before;
}

static bool expires_soon(const struct hf_cert *c, int64_t now)
{
	return now <= c->not_after && c->not_after - now < EXPIRES_SOON &&
	       c->not_after - c->not_before > 2 * (int64_t)EXPIRES_SOON;
}

static bool hides_bytes(const struct hf_cert *c, int64_t now)
{
	(void)now;
	return c->flags & HF_CERT_NAME_HAS_CONTROL;
}

static const struct {
	bool (*applies)(const struct hf_cert *cert, int64_t now);
	enum hf_reason reason; /* its id and sentence, or: */
	const char *id, *sentence;
} remarks[] = {
	{ is_expired, HF_REASON_V_EXPIRED, NULL, NULL },
	{ is_not_yet_valid, HF_REASON_V_NOT_YET, NULL, NULL },
	{ expires_soon, HF_REASON_NONE, "V-EXPIRES-SOON", "the certificate ends within two weeks" },
	{ is_v1, HF_REASON_V_V1_LEAF, NULL, NULL },
	{ has_odd_serial, HF_REASON_V_SERIAL, NULL, NULL },
	{ is_leaf_without_san, HF_REASON_NONE, "V-CN-ONLY",
	  "there is no subjectAltName: as a server it is refused by everybody who follows RFC 9525" },
	{ is_leaf_without_eku, HF_REASON_V_NO_EKU, NULL, NULL },
	{ is_weak_key, HF_REASON_V_WEAK_KEY, NULL, NULL },
	{ is_weakly_signed, HF_REASON_V_WEAK_SIG, NULL, NULL },
	{ hides_bytes, HF_REASON_V_NAME_CONTROL, NULL, NULL },
};

static void show_objection(const struct hf_objection *o, enum hf_purpose purpose,
			   struct hf_out *out)
{
	HF_AUTO_DONE(hf_buf) sentence = HF_BUF_INIT(64 * 1024);

	(void)hf_objection_format(o, purpose, &sentence);
	hf_show_warning(out, hf_buf_str(&sentence));
	if (!out->json_mode)
		return;
	hf_json_object_begin(&out->json, NULL);
	hf_json_string(&out->json, "id", hf_reason_info(o->reason)->id);
	hf_json_string(&out->json, "sentence", hf_buf_str(&sentence));
	hf_json_array_begin(&out->json, "refused_by");
	for (int p = 0; p < HF_PROFILE_COUNT; p++) {
		if (o->worlds >> p & 1)
			hf_json_string(&out->json, NULL, hf_worlds[p].word);
	}
	hf_json_array_end(&out->json);
	hf_json_object_end(&out->json);
}

static void show_objections(struct hf_cert *cert, enum hf_purpose purpose, struct hf_out *out)
{
	HF_AUTO_DONE(hf_objections) objections = { NULL, 0 };

	(void)hf_worlds_object(cert, purpose, &objections, NULL);
	for (size_t i = 0; i < objections.len; i++)
		show_objection(&objections.items[i], purpose, out);
}

/* As what it may be used: each role that its extended key usage allows. */
static void show_worlds(struct hf_cert *cert, struct hf_out *out)
{
	bool named = cert->eku & (HF_EKU_SERVER | HF_EKU_CLIENT);

	if (cert->flags & HF_CERT_CA) {
		show_objections(cert, HF_PURPOSE_ANY, out);
		return;
	}
	if (!named || (cert->eku & HF_EKU_SERVER))
		show_objections(cert, HF_PURPOSE_SERVER, out);
	if (!named || (cert->eku & HF_EKU_CLIENT))
		show_objections(cert, HF_PURPOSE_CLIENT, out);
}

static void show_remarks(struct hf_cert *cert, int64_t now, struct hf_out *out)
{
	if (out->json_mode)
		hf_json_array_begin(&out->json, "warnings");
	for (size_t i = 0; i < HF_ARRAY_LEN(remarks); i++) {
		const struct hf_reason_info *info = hf_reason_info(remarks[i].reason);
		const char *id = remarks[i].id ? remarks[i].id : info->id;
		const char *sentence = remarks[i].sentence ? remarks[i].sentence : info->sentence;

		if (!remarks[i].applies(cert, now))
			continue;
		hf_out_print(out, "  %swarning%s    %s [%s]\n", hf_out_color(out, HF_COLOR_YELLOW),
			     hf_out_color(out, HF_COLOR_PLAIN), sentence, id);
		if (out->json_mode) {
			hf_json_object_begin(&out->json, NULL);
			hf_json_string(&out->json, "id", id);
			hf_json_string(&out->json, "sentence", sentence);
			hf_json_object_end(&out->json);
		}
	}
	show_worlds(cert, out);
	if (out->json_mode)
		hf_json_array_end(&out->json);
}

/* --- the facts --- */

static void describe_key(const struct hf_cert *cert, char *text, size_t cap)
{
	EVP_PKEY *key = hf_cert_key_get0(cert);

	if (key)
		hf_key_describe(key, text, cap);
	else
		(void)hf_str_copy(text, cap, "cannot be decoded");
}

static const char *signature_name(const struct hf_cert *cert)
{
	const char *name = OBJ_nid2ln(X509_get_signature_nid(cert->x509));

	return name ? name : "unknown";
}

static void show_text(const struct hf_cert *cert, int64_t now, struct hf_out *out)
{
	HF_AUTO_DONE(hf_buf) words = HF_BUF_INIT(64 * 1024);
	char text[160], hex[2 * HF_SHA256_LEN + 1];

	hf_show_field(out, "subject", cert->subject);
	hf_show_field(out, "issuer", cert->issuer);
	hf_show_field(out, "serial", cert->serial);
	hf_out_print(out, "  %-10s %d\n", "version", cert->version);
	hf_show_time(cert->not_before, now, text, sizeof(text));
	hf_show_field(out, "from", text);
	hf_show_time(cert->not_after, now, text, sizeof(text));
	hf_show_field(out, "until", text);
	(void)hf_sans_format(&cert->sans, &words);
	hf_show_field(out, "names", cert->sans.len ? hf_buf_str(&words) : "(none)");
	hf_buf_clear(&words);
	(void)hf_cert_format_ku(cert, &words);
	hf_show_field(out, "key usage",
		      cert->flags & HF_CERT_HAS_KU ? hf_buf_str(&words) : "(any)");
	hf_buf_clear(&words);
	(void)hf_cert_format_eku(cert, &words);
	hf_show_field(out, "purpose", cert->flags & HF_CERT_HAS_EKU ? hf_buf_str(&words) : "(any)");
	if (cert->pathlen >= 0)
		(void)snprintf(text, sizeof(text), "yes, path length %d", cert->pathlen);
	else
		(void)hf_str_copy(text, sizeof(text), cert->flags & HF_CERT_CA ? "yes" : "no");
	hf_show_field(out, "CA", text);
	describe_key(cert, text, sizeof(text));
	hf_show_field(out, "key", text);
	hf_show_field(out, "signature", signature_name(cert));
	hf_hex_encode(cert->sha256, HF_SHA256_LEN, hex);
	hf_show_field(out, "SHA-256", hex);
	hf_hex_encode(cert->spki_sha256, HF_SHA256_LEN, hex);
	hf_show_field(out, "key pin", hex);
}

static void json_sans(const struct hf_cert *cert, struct hf_json *j)
{
	hf_json_array_begin(j, "sans");
	for (size_t i = 0; i < cert->sans.len; i++) {
		hf_json_object_begin(j, NULL);
		hf_json_string(j, "kind", hf_san_kind_name(cert->sans.items[i].kind));
		hf_json_stringn(j, "value", cert->sans.items[i].value, cert->sans.items[i].len);
		hf_json_object_end(j);
	}
	hf_json_array_end(j);
}

static void json_facts(const struct hf_cert *cert, struct hf_json *j)
{
	HF_AUTO_DONE(hf_buf) ku = HF_BUF_INIT(4096);
	HF_AUTO_DONE(hf_buf) eku = HF_BUF_INIT(64 * 1024);
	char text[160];

	(void)hf_cert_format_ku(cert, &ku);
	(void)hf_cert_format_eku(cert, &eku);
	describe_key(cert, text, sizeof(text));
	hf_json_string(j, "subject", cert->subject);
	hf_json_string(j, "issuer", cert->issuer);
	hf_json_string(j, "serial", cert->serial);
	hf_json_int(j, "version", cert->version);
	hf_json_time(j, "not_before", cert->not_before);
	hf_json_time(j, "not_after", cert->not_after);
	json_sans(cert, j);
	hf_json_string(j, "key_usage", cert->flags & HF_CERT_HAS_KU ? hf_buf_str(&ku) : NULL);
	hf_json_string(j, "extended_key_usage",
		       cert->flags & HF_CERT_HAS_EKU ? hf_buf_str(&eku) : NULL);
	hf_json_bool(j, "ca", cert->flags & HF_CERT_CA);
	if (cert->pathlen >= 0)
		hf_json_int(j, "path_length", cert->pathlen);
	hf_json_string(j, "key", text);
	hf_json_string(j, "key_type", hf_key_type_name(cert->key_type));
	hf_json_string(j, "signature", signature_name(cert));
	hf_json_hex(j, "sha256", cert->sha256, HF_SHA256_LEN);
	hf_json_hex(j, "spki_sha256", cert->spki_sha256, HF_SHA256_LEN);
	hf_json_hex(j, "subject_key_id", cert->skid, cert->skid_len);
	hf_json_hex(j, "authority_key_id", cert->akid, cert->akid_len);
}

void hf_show_cert(struct hf_cert *cert, int64_t now, struct hf_out *out)
{
	if (out->json_mode) {
		hf_json_object_begin(&out->json, NULL);
		json_facts(cert, &out->json);
	} else {
		show_text(cert, now, out);
	}
	show_remarks(cert, now, out);
	if (out->json_mode)
		hf_json_object_end(&out->json);
}
