/* SPDX-License-Identifier: Apache-2.0 */
/* Identity as header fields.  Must never take anything from a certificate that is not part of the
 * accepted chain, nor write a byte that could end a field or a quoted value early. */
#include "gateway/identity_fields.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/time.h"

enum { SLOTS = 256, TEXT_CAP = 256 * 1024 }; /* SLOTS: a power of two */

/* --- pieces --- */

/* A distinguished name as RFC 2253 writes it: pure ASCII, controls as "\0D". */
static void put_name(struct hf_buf *out, X509_NAME *name)
{
	HF_AUTO(BIO) text = BIO_new(BIO_s_mem());
	char *data = NULL;
	long len;

	if (text == NULL || X509_NAME_print_ex(text, name, 0, XN_FLAG_RFC2253) < 0)
		return;
	len = BIO_get_mem_data(text, &data);
	for (long i = 0; i < len; i++)
		hf_buf_putc(out, data[i] >= ' ' && data[i] < 127 ? data[i] : '?');
}

/* Inside of a quoted string (RFC 9110 5.6.4). */
static void put_quoted(struct hf_buf *out, const char *text, size_t len)
{
	hf_buf_putc(out, '"');
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"' || text[i] == '\\')
			hf_buf_putc(out, '\\');
		hf_buf_putc(out, text[i]);
	}
	hf_buf_putc(out, '"');
}

static void put_quoted_name(struct hf_buf *out, X509_NAME *name)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(TEXT_CAP);

	put_name(&text, name);
	put_quoted(out, hf_buf_str(&text), text.len);
}

/* Visible ASCII only: what else stands in a name is for nobody's parser. */
static bool plain(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] >= 127)
			return false;
	return len > 0;
}

static void put_percent(struct hf_buf *out, const char *text, size_t len)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    strchr("-._~", c) != NULL) {
			hf_buf_putc(out, (char)c);
			continue;
		}
		hf_buf_putc(out, '%');
		hf_buf_putc(out, hex[c >> 4]);
		hf_buf_putc(out, hex[c & 15]);
	}
}

static void put_percent_pem(struct hf_buf *out, const struct hf_cert *cert)
{
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(TEXT_CAP);

	if (hf_cert_to_pem(cert, &pem, NULL) == 0)
		put_percent(out, hf_buf_str(&pem), pem.len);
}

/* --- RFC 9440 --- */

/* A byte sequence of RFC 8941 3.3.5. */
static void put_byte_sequence(struct hf_buf *out, const struct hf_cert *cert)
{
	hf_buf_putc(out, ':');
	hf_base64_encode(cert->der, cert->der_len, out);
	hf_buf_putc(out, ':');
}

/* 2.2, 2.3: the leaf; then the others in order, without the anchor, which the service has or does
 * not need.  No certificate, no field. */
static void write_rfc9440(struct hf_buf *out, const struct hf_verdict *verdict)
{
	const struct hf_certs *chain = &verdict->chain;

	hf_buf_puts(out, "Client-Cert: ");
	put_byte_sequence(out, chain->items[0]);
	hf_buf_puts(out, "\r\n");
	for (size_t i = 1; i + 1 < chain->len; i++) {
		hf_buf_puts(out, i == 1 ? "Client-Cert-Chain: " : ", ");
		put_byte_sequence(out, chain->items[i]);
		if (i + 2 == chain->len)
			hf_buf_puts(out, "\r\n");
	}
}

/* --- X-Forwarded-Client-Cert --- */

static void put_sans(struct hf_buf *out, const struct hf_cert *cert, enum hf_san_kind kind,
		     const char *key)
{
	for (size_t i = 0; i < cert->sans.len; i++) {
		const struct hf_san *san = &cert->sans.items[i];

		if (san->kind != kind || san->malformed || !plain(san->value, san->len))
			continue;
		hf_buf_printf(out, "%s", key);
		/* Envoy's grammar: these three end a bare value. */
		if (strpbrk(san->value, ",;=\"\\") != NULL)
			put_quoted(out, san->value, san->len);
		else
			hf_buf_append(out, san->value, san->len);
		if (key[0] != ';')
			return;
	}
}

static void write_xfcc(struct hf_buf *out, const struct hf_verdict *verdict,
		       const struct hf_cert *own)
{
	const struct hf_cert *leaf = verdict->chain.items[0];
	char hex[2 * HF_SHA256_LEN + 1];
	size_t start;

	hf_buf_puts(out, "X-Forwarded-Client-Cert: ");
	start = out->len;
	if (own != NULL)
		put_sans(out, own, HF_SAN_URI, "By=");
	hf_hex_encode(leaf->sha256, sizeof(leaf->sha256), hex);
	hf_buf_printf(out, "%sHash=%s;Cert=\"", out->len > start ? ";" : "", hex);
	put_percent_pem(out, leaf);
	hf_buf_puts(out, "\";Subject=");
	put_quoted_name(out, X509_get_subject_name(leaf->x509));
	put_sans(out, leaf, HF_SAN_URI, ";URI=");
	put_sans(out, leaf, HF_SAN_DNS, ";DNS=");
	hf_buf_puts(out, "\r\n");
}

/* --- X-SSL-Client-* --- */

/* A text that may hold UTF-8 of the certificate: percent codes until it is plain ASCII. */
static void put_text_field(struct hf_buf *out, const char *name, const char *text)
{
	if (text == NULL)
		return;
	hf_buf_printf(out, "%s: ", name);
	for (; *text != '\0'; text++) {
		if (*text >= ' ' && *text < 127 && *text != '%')
			hf_buf_putc(out, *text);
		else
			put_percent(out, text, 1);
	}
	hf_buf_puts(out, "\r\n");
}

static void put_name_field(struct hf_buf *out, const char *name, X509_NAME *value)
{
	hf_buf_printf(out, "%s: ", name);
	put_name(out, value);
	hf_buf_puts(out, "\r\n");
}

static void put_time_field(struct hf_buf *out, const char *name, int64_t at)
{
	char when[HF_TIME_TEXT_CAP];

	hf_time_format(at, when);
	hf_buf_printf(out, "%s: %s\r\n", name, when);
}

static void put_san_field(struct hf_buf *out, const struct hf_cert *leaf)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(TEXT_CAP);

	if (leaf->sans.len == 0 || hf_sans_format(&leaf->sans, &text) < 0)
		return;
	put_text_field(out, "X-SSL-Client-SAN", hf_buf_str(&text));
}

static void write_headers(struct hf_buf *out, const struct hf_verdict *verdict)
{
	const struct hf_cert *leaf = verdict->chain.items[0];
	char hex[2 * HF_SHA256_LEN + 1];

	hf_hex_encode(leaf->sha256, sizeof(leaf->sha256), hex);
	hf_buf_puts(out, "X-SSL-Client-Verify: SUCCESS\r\n");
	put_text_field(out, "X-Client-Identity",
		       verdict->identity != NULL ? verdict->identity->name : NULL);
	put_name_field(out, "X-SSL-Client-DN", X509_get_subject_name(leaf->x509));
	put_text_field(out, "X-SSL-Client-CN", leaf->common_name);
	put_san_field(out, leaf);
	put_name_field(out, "X-SSL-Issuer", X509_get_issuer_name(leaf->x509));
	put_text_field(out, "X-SSL-Client-Serial", leaf->serial);
	put_text_field(out, "X-SSL-Client-SHA256", hex);
	put_time_field(out, "X-SSL-Client-NotBefore", leaf->not_before);
	put_time_field(out, "X-SSL-Client-NotAfter", leaf->not_after);
	hf_buf_puts(out, "X-SSL-Client-Cert: ");
	put_percent_pem(out, leaf);
	/* RFC 8705 3.1: what a token's cnf must hold. */
	hf_buf_puts(out, "\r\nX-Client-X5T-S256: ");
	hf_base64url_encode(leaf->sha256, sizeof(leaf->sha256), out);
	hf_buf_puts(out, "\r\n");
}

/* Report mode: why there is no identity. */
static void write_none(unsigned modes, const struct hf_verdict *verdict, struct hf_buf *out)
{
	const struct hf_finding *root = verdict != NULL ? hf_verdict_root(verdict) : NULL;

	if ((modes & HF_PASS_HEADERS) == 0)
		return;
	if (root == NULL || root->reason == HF_REASON_N_NONE)
		hf_buf_puts(out, "X-SSL-Client-Verify: NONE\r\n");
	else
		hf_buf_printf(out, "X-SSL-Client-Verify: FAILED:%s\r\n",
			      hf_reason_info(root->reason)->id);
}

static void compose(unsigned modes, const struct hf_verdict *verdict, const struct hf_cert *own,
		    struct hf_buf *out)
{
	if (verdict == NULL || !verdict->accepted || verdict->chain.len == 0) {
		write_none(modes, verdict, out);
		return;
	}
	if ((modes & HF_PASS_RFC9440) != 0)
		write_rfc9440(out, verdict);
	if ((modes & HF_PASS_XFCC) != 0)
		write_xfcc(out, verdict, own);
	if ((modes & HF_PASS_HEADERS) != 0)
		write_headers(out, verdict);
}

void hf_identity_fields_make(unsigned modes, const struct hf_identity_names *names,
			     const struct hf_verdict *verdict, const struct hf_cert *own,
			     struct hf_buf *out)
{
	HF_AUTO_DONE(hf_buf) lines = HF_BUF_INIT(TEXT_CAP);

	if (names->len == 0) {
		compose(modes, verdict, own, out);
		return;
	}
	compose(modes, verdict, own, &lines);
	hf_identity_names_apply(names, &lines, out);
}

/* --- the memory --- */

struct slot {
	uint8_t key[HF_SHA256_LEN];
	uint64_t generation;
	const struct hf_cert *own; /* compared only: of that generation */
	struct hf_buf text;
};

struct hf_identity_fields {
	unsigned modes;
	const struct hf_identity_names *names;
	struct slot slots[SLOTS];
};

int hf_identity_fields_new(unsigned modes, const struct hf_identity_names *names,
			   struct hf_identity_fields **ret_fields, struct hf_err *err)
{
	struct hf_identity_fields *fields = calloc(1, sizeof(*fields));

	if (fields == NULL)
		return hf_err_nomem(err);
	fields->modes = modes;
	fields->names = names;
	for (size_t i = 0; i < SLOTS; i++)
		hf_buf_init(&fields->slots[i].text, TEXT_CAP);
	*ret_fields = fields;
	return 0;
}

void hf_identity_fields_free(struct hf_identity_fields *fields)
{
	if (fields == NULL)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		hf_buf_done(&fields->slots[i].text);
	free(fields);
}

/* Two chains with one key would need a collision of SHA-256: the leaf's digest with each issuer's
 * turned by its place. */
static void key_of(const struct hf_certs *chain, uint8_t key[HF_SHA256_LEN])
{
	memset(key, 0, HF_SHA256_LEN);
	for (size_t i = 0; i < chain->len; i++)
		for (size_t b = 0; b < HF_SHA256_LEN; b++)
			key[(b + i) % HF_SHA256_LEN] ^= chain->items[i]->sha256[b];
}

void hf_identity_fields_write(struct hf_identity_fields *fields, const struct hf_verdict *verdict,
			      const struct hf_cert *own, uint64_t generation, struct hf_buf *out)
{
	uint8_t key[HF_SHA256_LEN];
	struct slot *slot;

	if (verdict == NULL || !verdict->accepted || verdict->chain.len == 0) {
		hf_identity_fields_make(fields->modes, fields->names, verdict, own, out);
		return;
	}
	key_of(&verdict->chain, key);
	slot = &fields->slots[key[0] & (SLOTS - 1)];
	if (slot->text.len == 0 || slot->generation != generation || slot->own != own ||
	    memcmp(slot->key, key, sizeof(key)) != 0) {
		hf_buf_clear(&slot->text);
		hf_identity_fields_make(fields->modes, fields->names, verdict, own, &slot->text);
		memcpy(slot->key, key, sizeof(key));
		slot->generation = generation;
		slot->own = own;
	}
	if (hf_buf_failed(&slot->text))
		out->failed = true; /* rather no request than one without its identity */
	else
		hf_buf_append(out, slot->text.data, slot->text.len);
}

/* --- the option --- */

static const struct {
	const char *word;
	unsigned mode;
} words_known[] = {
	{ "rfc9440", HF_PASS_RFC9440 },
	{ "xfcc", HF_PASS_XFCC },
	{ "headers", HF_PASS_HEADERS },
	{ "none", 0 },
};

static int add_mode(const char *word, unsigned *modes, bool *none, struct hf_err *err)
{
	const char *known[HF_ARRAY_LEN(words_known) + 1] = { NULL };
	const char *nearest;

	for (size_t i = 0; i < HF_ARRAY_LEN(words_known); i++) {
		known[i] = words_known[i].word;
		if (!hf_str_eq(word, words_known[i].word))
			continue;
		*modes |= words_known[i].mode;
		*none |= words_known[i].mode == 0;
		return 0;
	}
	nearest = hf_str_nearest(word, known);
	(void)hf_err_set(err, HF_E_INVALID, "--pass-identity does not know '%s'", word);
	return hf_err_hint(err, "%s%s%sit knows: rfc9440, xfcc, headers, none",
			   nearest ? "did you mean '" : "", nearest ? nearest : "",
			   nearest ? "'? " : "");
}

int hf_pass_identity_parse(const struct hf_strv *words, unsigned *ret_modes, struct hf_err *err)
{
	HF_AUTO_DONE(hf_strv) parts = HF_STRV_INIT;
	unsigned modes = 0;
	bool none = false;
	int rc = 0;

	for (size_t i = 0; i < words->len; i++)
		if (hf_strv_split(&parts, words->items[i], ',') < 0)
			return hf_err_nomem(err);
	for (size_t i = 0; rc == 0 && i < parts.len; i++)
		rc = add_mode(parts.items[i], &modes, &none, err);
	if (rc == 0 && none && modes != 0)
		rc = hf_err_set(err, HF_E_INVALID,
				"--pass-identity: none and more is nothing clear");
	if (rc == 0)
		*ret_modes = words->len > 0 ? modes : HF_PASS_RFC9440;
	return rc;
}
