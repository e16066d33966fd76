/* SPDX-License-Identifier: Apache-2.0 */
/* Requests, revocation lists and keys in words.  Must never print a private key. */
#include "cli/show_parts.h"

#include "cli/ca_common.h"
#include "cli/crl_scope.h"

#include <string.h>

#include "base/time.h"
#include "cli/show_cert.h"

HF_OSSL_AUTO(ASN1_ENUMERATED);

/* --- requests --- */

static void json_request(const struct hf_csr *csr, bool good, struct hf_json *j)
{
	hf_json_object_begin(j, NULL);
	hf_json_string(j, "subject", csr->subject);
	hf_json_array_begin(j, "sans");
	for (size_t i = 0; i < csr->sans.len; i++) {
		hf_json_object_begin(j, NULL);
		hf_json_string(j, "kind", hf_san_kind_name(csr->sans.items[i].kind));
		hf_json_stringn(j, "value", csr->sans.items[i].value, csr->sans.items[i].len);
		hf_json_object_end(j);
	}
	hf_json_array_end(j);
	hf_json_string(j, "key_type", hf_key_type_name(csr->key_type));
	hf_json_int(j, "key_bits", csr->key_bits);
	hf_json_hex(j, "spki_sha256", csr->spki_sha256, HF_SHA256_LEN);
	hf_json_bool(j, "signature_good", good);
	hf_json_bool(j, "asks_ca", csr->asks_ca);
	hf_json_bool(j, "challenge_password", csr->has_challenge_password);
	hf_json_object_end(j);
}

void hf_show_request(const struct hf_csr *csr, struct hf_out *out)
{
	HF_AUTO_DONE(hf_buf) names = HF_BUF_INIT(64 * 1024);
	char text[2 * HF_SHA256_LEN + 1];
	struct hf_err err;
	EVP_PKEY *key = X509_REQ_get0_pubkey(csr->req);
	bool good = hf_csr_check_signature(csr, &err) == 0;

	if (out->json_mode) {
		json_request(csr, good, &out->json);
		return;
	}
	(void)hf_sans_format(&csr->sans, &names);
	hf_out_print(out, "Certificate request (CSR)\n");
	hf_show_field(out, "subject", csr->subject);
	hf_show_field(out, "asks for", csr->sans.len ? hf_buf_str(&names) : "(no names)");
	(void)hf_str_copy(text, sizeof(text), "cannot be decoded");
	if (key)
		hf_key_describe(key, text, sizeof(text));
	hf_show_field(out, "key", text);
	hf_hex_encode(csr->spki_sha256, HF_SHA256_LEN, text);
	hf_show_field(out, "key pin", text);
	hf_show_field(out, "signature",
		      good ? "good" : "does NOT verify: damaged, or not made with this key");
	if (csr->asks_ca)
		hf_show_warning(out, "it asks to be a CA");
	if (csr->has_challenge_password)
		hf_show_field(out, "note", "it carries a challenge password");
}

/* --- revocation lists --- */

/* One entry: serial, when, and why. */
static void show_revoked(const struct hf_crl_entry *entry, struct hf_out *out)
{
	HF_AUTO(cstr) hex = hf_crl_entry_serial(entry);
	const char *serial = hex ? hex : "(unreadable)";
	const char *reason = hf_crl_reason_name(hf_crl_entry_reason(entry));
	char when[HF_TIME_TEXT_CAP] = "(unreadable)";
	int64_t at;

	if (hf_crl_entry_at(entry, &at))
		hf_time_format(at, when);
	if (out->json_mode) {
		hf_json_object_begin(&out->json, NULL);
		hf_json_string(&out->json, "serial", serial);
		hf_json_string(&out->json, "revoked_at", when);
		hf_json_string(&out->json, "reason", reason);
		hf_json_object_end(&out->json);
	}
	hf_out_print(out, "    %s  %s  %s\n", serial, when, reason ? reason : "unspecified");
}

static void show_entries(const struct hf_crl *crl, size_t limit, struct hf_out *out)
{
	struct hf_der_walk left = crl->index.entries;
	size_t all = crl->revoked_count, shown = out->json_mode ? all : HF_MIN(all, limit);
	struct hf_crl_entry entry;

	if (out->json_mode)
		hf_json_array_begin(&out->json, "entries");
	for (size_t i = 0; i < shown && hf_crl_entry_next(&left, &entry); i++)
		show_revoked(&entry, out);
	if (shown < all)
		hf_out_print(out, "    … and %zu more: --text lists them all\n", all - shown);
	if (out->json_mode)
		hf_json_array_end(&out->json);
}

static void json_crl(const struct hf_crl *crl, struct hf_json *j)
{
	hf_cli_crl_head_json(j, crl);
	hf_json_hex(j, "authority_key_id", crl->akid, crl->akid_len);
	hf_json_int(j, "revoked", (int64_t)crl->revoked_count);
	hf_cli_crl_scope_json(j, crl);
}

static void text_crl(const struct hf_crl *crl, int64_t now, struct hf_out *out)
{
	char text[160], number[HF_CLI_NUMBER_CAP];

	hf_cli_crl_number(crl, number);
	hf_out_print(out, "Revocation list (CRL)%s\n",
		     crl->base_number ? ", changes only (delta)" : "");
	hf_show_field(out, "issuer", crl->issuer);
	hf_show_field(out, "number", number);
	hf_show_time(crl->this_update, now, text, sizeof(text));
	hf_show_field(out, "from", text);
	hf_show_time(crl->next_update, now, text, sizeof(text));
	hf_show_field(out, "next by", crl->has_next_update ? text : "(not said)");
	if (crl->has_next_update && now > crl->next_update)
		hf_show_warning(out, "out of date: whoever checks it refuses everything of this CA "
				     "until 'handfast crl' writes a fresh one");
	if (now < crl->this_update)
		hf_show_warning(out, "it is from the future: look at the clock here and at the CA");
	if (crl->bad)
		hf_show_warning(out, "a part of it does not decode");
	hf_cli_crl_scope_text(out, "  scope      ", crl);
	hf_out_print(out, "  %-10s %zu\n", "revoked", crl->revoked_count);
}

void hf_show_crl(const struct hf_crl *crl, int64_t now, size_t limit, struct hf_out *out)
{
	if (out->json_mode) {
		hf_json_object_begin(&out->json, NULL);
		json_crl(crl, &out->json);
	} else {
		text_crl(crl, now, out);
	}
	show_entries(crl, limit, out);
	if (out->json_mode)
		hf_json_object_end(&out->json);
}

/* --- keys --- */

void hf_show_key(const struct hf_pemfile *f, struct hf_out *out)
{
	char kind[80] = "cannot be told without its passphrase", pin[2 * HF_SHA256_LEN + 1] = "";
	uint8_t digest[HF_SHA256_LEN];
	struct hf_err ignored;

	if (f->keys_len == 0)
		return;
	if (f->key)
		hf_key_describe(f->key, kind, sizeof(kind));
	if (f->key && hf_key_spki_sha256(f->key, digest, &ignored) == 0)
		hf_hex_encode(digest, HF_SHA256_LEN, pin);
	hf_out_print(out, "Private key\n");
	hf_show_field(out, "kind", kind);
	hf_show_field(out, "encrypted", f->key_encrypted ? "yes" : "no");
	if (f->key)
		hf_show_field(out, "key pin", pin);
	if (!out->json_mode)
		return;
	hf_json_object_begin(&out->json, "private_key");
	hf_json_string(&out->json, "kind", f->key ? kind : NULL);
	hf_json_bool(&out->json, "encrypted", f->key_encrypted);
	hf_json_string(&out->json, "spki_sha256", f->key ? pin : NULL);
	hf_json_object_end(&out->json);
}
