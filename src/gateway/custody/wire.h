/* SPDX-License-Identifier: Apache-2.0 */
/* What is said over the sockets of the signer: one message a packet (SOCK_SEQPACKET keeps them
 * apart), numbers big-endian, everything capped.  Both sides parse as if the other were hostile: a
 * worker talks to the network. */
#ifndef HF_GATEWAY_CUSTODY_WIRE_H
#define HF_GATEWAY_CUSTODY_WIRE_H

#include "base/buf.h"
#include "pki/credential.h"
#include "util/remote_key.h"

enum {
	HF_CUSTODY_MESSAGE_CAP = 160 * 1024,
	HF_CUSTODY_DIGEST_CAP = 64,
	/* Ed25519 signs messages: in TLS 1.2 a client signs the whole handshake (RFC 8422 5.8) */
	HF_CUSTODY_TEXT_CAP = 128 * 1024,
};

enum hf_custody_op {
	HF_CUSTODY_SIGN = 'S',
	/* certificates of what was loaded, to sign with by their key */
	HF_CUSTODY_CREDENTIAL = 'C',
	HF_CUSTODY_DROP = 'D',	     /* no longer in use here; no answer */
	/* of the supervisor only */
	HF_CUSTODY_LOAD = 'L',	 /* reads the files, keeps the key, answers as CREDENTIAL does */
	HF_CUSTODY_ATTACH = 'A', /* a worker's socket comes with it */
	HF_CUSTODY_SEAL = 'Z',	 /* everything was read once: lock up, answer how well */
	HF_CUSTODY_PING = 'P',
};

struct hf_custody_request {
	enum hf_custody_op op;
	uint32_t seq;
	uint8_t key[HF_SHA256_LEN]; /* SIGN: of its SubjectPublicKeyInfo */
	struct hf_sign_ask ask;	    /* SIGN: data points into the message */
	uint64_t generation;	    /* LOAD, CREDENTIAL */
	/* LOAD, CREDENTIAL: into the message; "": none */
	const char *cert_path, *key_path, *passphrase_path;
	uint32_t number; /* DROP: of the entry, ATTACH: of the worker */
};

/* false: malformed.  What it gives points into data. */
bool hf_custody_request_parse(const uint8_t *data, size_t len, struct hf_custody_request *ret);
/* Clears out before. */
int hf_custody_request_write(const struct hf_custody_request *request, struct hf_buf *out,
			     struct hf_err *err);

struct hf_custody_answer {
	uint32_t seq;
	int code; /* 0: good; else HF_E_* with text, hint and the mistake's id */
	const char *text, *hint, *id;
	const uint8_t *data; /* good: a signature, an entry, words; into the message */
	size_t len;
};
bool hf_custody_answer_parse(const uint8_t *data, size_t len, struct hf_custody_answer *ret);
int hf_custody_answer_good(uint32_t seq, const void *data, size_t len, struct hf_buf *out);
int hf_custody_answer_bad(uint32_t seq, const struct hf_err *err, struct hf_buf *out);

/* A credential without its private half, and the number under which the signer keeps it. */
struct hf_custody_entry {
	uint32_t number;
	struct hf_credential *credential; /* key NULL */
};
int hf_custody_entry_write(const struct hf_custody_entry *entry, struct hf_buf *out);
/* The credential is the caller's. */
int hf_custody_entry_parse(const uint8_t *data, size_t len, struct hf_custody_entry *ret,
			   struct hf_err *err);

#endif
