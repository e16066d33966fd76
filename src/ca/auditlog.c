/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing and verifying the audit log.  Must never mend what it finds. */
#include "ca/auditlog.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "base/time.h"
#include "ca/crl_entries.h"
#include "ca/seal.h"

#define HEAD_NAME "audit.head"

enum { SEAL_CAP = 16 * 1024, SIGNATURE_CAP = 4096 };

/* --- the seal --- */

static void put_seal(struct hf_buf *out, int64_t rows, const uint8_t *hash, const struct hf_ca *ca,
		     int64_t now)
{
	char hex[2 * HF_STORE_SHA256_LEN + 1], key[2 * HF_SHA256_LEN + 1], when[HF_TIME_TEXT_CAP];

	hf_hex_encode(hash, HF_STORE_SHA256_LEN, hex);
	hf_hex_encode(ca->cert->spki_sha256, HF_SHA256_LEN, key);
	hf_time_format(now, when);
	(void)hf_buf_printf(
	    out, "handfast audit log seal 1\nrows: %lld\nhash: %s\nsealed: %s\nkey: %s\n",
	    (long long)rows, hex, when, key);
}

int hf_auditlog_seal(struct hf_authority *a, const struct hf_ca *ca, int64_t now,
		     struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(SEAL_CAP);
	HF_AUTO_DONE(hf_buf) signature = HF_BUF_INIT(SIGNATURE_CAP);
	uint8_t hash[HF_STORE_SHA256_LEN];
	char path[PATH_MAX];
	int64_t rows = 0;
	int rc = hf_path_join(path, sizeof(path), a->dir, HEAD_NAME, err);

	if (!ca->key)
		return 0;
	if (rc == 0)
		rc = hf_store_audit_head(a->store, &rows, hash, err);
	if (rc < 0)
		return rc;
	put_seal(&text, rows, hash, ca, now);
	rc = hf_seal_text(ca->key, &text, &signature, err);
	if (rc < 0)
		return rc;
	(void)hf_buf_puts(&text, "signature: ");
	(void)hf_base64_encode(signature.data, signature.len, &text);
	(void)hf_buf_putc(&text, '\n');
	if (hf_buf_failed(&text))
		return hf_err_nomem(err);
	/* a seal that a crash loses is an older seal: no reason to wait for the disk */
	return hf_file_write(path, text.data, text.len, HF_MODE_PUBLIC,
			     HF_FILE_REPLACE | HF_FILE_NO_SYNC, err);
}

struct seal {
	int64_t rows, at;
	uint8_t hash[HF_STORE_SHA256_LEN], key[HF_SHA256_LEN];
	uint8_t signature[SIGNATURE_CAP];
	size_t signature_len, signed_len;
};

/* "name: value" of the line at *p, and on to the next; false when it is another. */
static bool take_line(const char **p, const char *name, char *out, size_t cap)
{
	size_t len = strlen(name), end = strcspn(*p, "\n");

	if (strncmp(*p, name, len) != 0 || (*p)[end] != '\n' || end - len >= cap)
		return false;
	memcpy(out, *p + len, end - len);
	out[end - len] = '\0';
	*p += end + 1;
	return true;
}

static bool take_hash(const char **p, const char *name, uint8_t out[HF_STORE_SHA256_LEN])
{
	char hex[2 * HF_STORE_SHA256_LEN + 1];
	size_t len = 0;

	return take_line(p, name, hex, sizeof(hex)) &&
	       hf_hex_decode(hex, out, HF_STORE_SHA256_LEN, &len) && len == HF_STORE_SHA256_LEN;
}

static bool parse_seal(const char *text, struct seal *seal)
{
	HF_AUTO_DONE(hf_buf) signature = HF_BUF_INIT(SIGNATURE_CAP);
	char word[2 * SIGNATURE_CAP];
	const char *p = text;

	if (!take_line(&p, "handfast audit log seal 1", word, sizeof(word)) || *word ||
	    !take_line(&p, "rows: ", word, sizeof(word)) || !hf_str_i64(word, &seal->rows) ||
	    !take_hash(&p, "hash: ", seal->hash) ||
	    !take_line(&p, "sealed: ", word, sizeof(word)) || !hf_time_parse(word, &seal->at) ||
	    !take_hash(&p, "key: ", seal->key))
		return false;
	seal->signed_len = (size_t)(p - text);
	if (!take_line(&p, "signature: ", word, sizeof(word)) || *p ||
	    hf_base64_decode(word, strlen(word), &signature) < 0)
		return false;
	memcpy(seal->signature, hf_buf_str(&signature), signature.len);
	seal->signature_len = signature.len;
	return true;
}

static const struct hf_cert *sealing_cert(struct hf_authority *a, const struct seal *seal)
{
	const struct hf_ca *ca;

	for (size_t i = 0; (ca = hf_authority_ca(a, i)); i++) {
		if (memcmp(ca->cert->spki_sha256, seal->key, HF_SHA256_LEN) == 0)
			return ca->cert;
	}
	return NULL;
}

static bool seal_is_genuine(const struct hf_cert *cert, const struct seal *seal, const char *text)
{
	EVP_PKEY *key = hf_cert_key_get0(cert);
	HF_AUTO(EVP_MD_CTX) md = EVP_MD_CTX_new();
	bool good = md && key &&
		    EVP_DigestVerifyInit(md, NULL, hf_key_signing_digest(key), NULL, key) == 1 &&
		    EVP_DigestVerify(md, seal->signature, seal->signature_len,
				     (const unsigned char *)text, seal->signed_len) == 1;

	ERR_clear_error();
	return good;
}

/* --- the walk --- */

struct walk {
	hf_auditlog_finding_fn finding;
	void *arg;
	struct hf_auditlog_result *result;
	struct hf_err *err;
	uint8_t previous[HF_STORE_SHA256_LEN];
	struct seal seal; /* rows 0: there is none */
};

static void HF_PRINTF(2, 3) find(struct walk *w, const char *fmt, ...)
{
	char sentence[HF_AUDIT_SENTENCE_CAP];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(sentence, sizeof(sentence), fmt, args);
	va_end(args);
	w->result->findings_len++;
	w->finding(w->arg, sentence);
}

/* Each fault is told once: the walk goes on from the hash that the row has. */
static int look_at_row(void *arg, const struct hf_audit_row *row)
{
	struct walk *w = arg;
	uint8_t hash[HF_STORE_SHA256_LEN];
	int64_t last = w->result->rows;
	int rc = hf_audit_hash(w->previous, row, hash, w->err);

	if (rc < 0)
		return rc;
	if (row->id > last + 1)
		find(w, "rows %lld to %lld are missing", (long long)last + 1,
		     (long long)row->id - 1);
	else if (memcmp(hash, row->hash, sizeof(hash)) != 0)
		find(w,
		     "row %lld does not follow from the rows before it: it was changed, moved or "
		     "put in",
		     (long long)row->id);
	if (row->id == w->seal.rows && memcmp(row->hash, w->seal.hash, sizeof(w->seal.hash)) != 0)
		find(w, "row %lld is not the one that was sealed: the log was rewritten",
		     (long long)row->id);
	memcpy(w->previous, row->hash, sizeof(w->previous));
	w->result->rows = row->id;
	return 0;
}

static const char *const problems[] = {
	[HF_AUDIT_UNLOGGED] = "is in the ledger, but the log knows nothing of its issue",
	[HF_AUDIT_MISSING] = "was issued, and is not in the ledger any more",
	[HF_AUDIT_CHANGED] = "is not the one that was issued",
	[HF_AUDIT_UNREVOKED] = "was revoked, and the ledger calls it valid",
	[HF_AUDIT_REVOKED] = "is called revoked, but the log knows nothing of that",
};

static int look_at_problem(void *arg, enum hf_audit_problem problem, const char *serial,
			   const char *name)
{
	find(arg, "the certificate %s (%s) %s", serial, name, problems[problem]);
	return 0;
}

/* The seal into w->seal when it can be relied on. */
static void look_at_seal(struct walk *w, struct hf_authority *a, const char *path)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(SEAL_CAP);
	const struct hf_cert *cert;
	struct seal seal = { .rows = 0 };

	w->result->sealed_rows = -1;
	if (hf_file_read(path, &text, NULL) < 0) {
		find(w,
		     "there is no seal to hold the log against ('%s'): whether its end was cut "
		     "off cannot be told",
		     path);
		return;
	}
	if (strlen(hf_buf_str(&text)) != text.len || !parse_seal(hf_buf_str(&text), &seal)) {
		find(w, "the seal '%s' is damaged", path);
		return;
	}
	cert = sealing_cert(a, &seal);
	if (!cert) {
		find(w, "the seal '%s' is of a key that this authority does not have", path);
		return;
	}
	if (!seal_is_genuine(cert, &seal, hf_buf_str(&text))) {
		find(w, "the signature of the seal '%s' does not hold: it was changed", path);
		return;
	}
	w->seal = seal;
	w->result->sealed_rows = seal.rows;
	w->result->sealed_at = seal.at;
}

/* What the next list will be put together from. */
static int look_at_entries(struct walk *w, struct hf_authority *a)
{
	const struct hf_ca *ca;

	for (size_t i = 0; (ca = hf_authority_ca(a, i)); i++) {
		bool hold = true;
		int rc = hf_crl_entries_hold(a->store, ca->store_id, &hold, w->err);

		if (rc < 0)
			return rc;
		if (!hold)
			find(w,
			     "the entries kept for the revocation lists of %s are not those of its "
			     "certificates: they were changed",
			     ca->cert->subject);
	}
	return 0;
}

int hf_auditlog_verify(struct hf_authority *a, const char *seal_path,
		       hf_auditlog_finding_fn finding, void *arg,
		       struct hf_auditlog_result *ret_result, struct hf_err *err)
{
	struct walk w = { .finding = finding, .arg = arg, .result = ret_result, .err = err };
	char path[PATH_MAX];
	int rc = hf_path_join(path, sizeof(path), a->dir, HEAD_NAME, err);

	*ret_result = (struct hf_auditlog_result){ .rows = 0 };
	if (rc < 0)
		return rc;
	look_at_seal(&w, a, seal_path ? seal_path : path);
	rc = hf_store_audit_each(a->store, 0, look_at_row, &w, err);
	if (rc < 0)
		return rc;
	memcpy(ret_result->hash, w.previous, sizeof(ret_result->hash));
	if (w.seal.rows > ret_result->rows)
		find(&w, "the log ends with row %lld, but %lld were sealed: its end was cut off",
		     (long long)ret_result->rows, (long long)w.seal.rows);
	rc = hf_store_audit_compare(a->store, look_at_problem, &w, err);
	return rc < 0 ? rc : look_at_entries(&w, a);
}
