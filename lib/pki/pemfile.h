/* SPDX-License-Identifier: Apache-2.0 */
/* One reader for every file a user may hand in: PEM (any number of blocks, text around them), DER
 * and PKCS#12; certificates, keys (PKCS#1, PKCS#8, SEC 1, encrypted), requests, CRLs, PKCS#7 bags
 * of certificates.  It says what a file *is* when it is not what was asked for. */
#ifndef HF_PKI_PEMFILE_H
#define HF_PKI_PEMFILE_H

#include "pki/cert.h"
#include "pki/crl.h"
#include "pki/csr.h"
#include "pki/key.h"

enum {
	/* bytes read from a file: a list of a million entries has 50 MB in DER, 70 MB in PEM */
	HF_PEMFILE_CAP = 256 * 1024 * 1024,
	HF_PEMFILE_BLOCKS = 10000,          /* PEM blocks */
};

struct hf_pemfile {
	struct hf_certs certs;      /* in file order */
	struct hf_crls crls;
	struct hf_csr **csrs;
	size_t csrs_len;
	/* the first private key, decrypted; NULL when none or not asked */
	EVP_PKEY *key;
	size_t keys_len;            /* how many private keys stand in the file, encrypted or not */
	size_t public_keys_len;
	bool key_encrypted;         /* the first key was encrypted */
	bool was_der;
	bool was_pkcs12;
	size_t unknown_blocks;      /* PEM blocks of other kinds (parameters, OpenSSH keys …) */
	char unknown_label[32];     /* of the first of them, cut to fit */
	/* set before: lists at hand, one of which stands for the file's own when its bytes are the
	 * same; borrowed; NULL: none */
	const struct hf_crls *at_hand;
};
#define HF_PEMFILE_INIT                                                                            \
	{                                                                                          \
		HF_CERTS_INIT, HF_CRLS_INIT, NULL, 0, NULL, 0, 0, false, false, false, 0, "", NULL \
	}

enum hf_pemfile_want {
	HF_WANT_KEY = 1,   /* decrypt the private key; without it keys are only counted */
};

/* Parses bytes; `name` is for messages.  A passphrase is asked of `pass` only when needed (NULL:
 * never, an encrypted key is then -HF_E_PASSPHRASE with a hint).  Any damaged block is an error
 * that names its kind and number; a file without anything known in it is -HF_E_PARSE saying what it
 * looks like. */
int hf_pemfile_parse(struct hf_pemfile *f, const void *data, size_t len, const char *name,
		     unsigned want, const struct hf_passphrase_source *pass, struct hf_err *err);
/* The bytes of a file for hf_pemfile_parse, for `out` of HF_PEMFILE_CAP; says what to do when there
 * are more. */
int hf_pemfile_read(const char *path, struct hf_buf *out, struct hf_err *err);
int hf_pemfile_load(struct hf_pemfile *f, const char *path, unsigned want,
		    const struct hf_passphrase_source *pass, struct hf_err *err);
/* "a certificate request (CSR) for CN=node-07", "2 certificates, leaf CN=…", "an encrypted private
 * key", "a CRL of …": what is in the file, for messages. */
void hf_pemfile_describe(const struct hf_pemfile *f, char *out, size_t cap);
void hf_pemfile_done(struct hf_pemfile *f);
HF_DEFINE_AUTO_DONE(hf_pemfile, struct hf_pemfile, hf_pemfile_done);

/* Writes PKCS#12 (modern: PBES2 AES-256 + HMAC-SHA256; legacy: 3DES + SHA-1 MAC for old readers).
 */
int hf_pkcs12_write(EVP_PKEY *key, const struct hf_certs *chain, const char *friendly_name,
		    const struct hf_secret *passphrase, bool legacy, struct hf_buf *out,
		    struct hf_err *err);

#endif
