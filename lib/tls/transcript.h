/* SPDX-License-Identifier: Apache-2.0 */
/* A transcript: what passed on one connection, message by message, with what matters decoded: the
 * offer, the choice, the demand for a certificate, the certificates both ways, every alert with its
 * direction, and how it ended.  Explanations are made from it.  It has no clock of its own. */
#ifndef HF_TLS_TRANSCRIPT_H
#define HF_TLS_TRANSCRIPT_H

#include "base/str.h"
#include "pki/cert.h"

enum hf_event_kind {
	HF_EVENT_MESSAGE, /* a handshake message */
	HF_EVENT_ALERT,
	HF_EVENT_DATA,	  /* application data; the first of each direction */
	HF_EVENT_TEXT,	  /* the first bytes are not TLS */
	HF_EVENT_EOF,	  /* the peer's direction ended (FIN) */
	HF_EVENT_RESET,	  /* the connection broke (RST, EPIPE …) */
	HF_EVENT_SILENCE, /* nothing came in the time allowed */
};

enum hf_handshake_type {
	HF_HANDSHAKE_HELLO_REQUEST = 0,
	HF_HANDSHAKE_CLIENT_HELLO = 1,
	HF_HANDSHAKE_SERVER_HELLO = 2,
	HF_HANDSHAKE_TICKET = 4,
	HF_HANDSHAKE_ENCRYPTED_EXTENSIONS = 8,
	HF_HANDSHAKE_CERTIFICATE = 11,
	HF_HANDSHAKE_CERTIFICATE_REQUEST = 13,
	HF_HANDSHAKE_CERTIFICATE_VERIFY = 15,
	HF_HANDSHAKE_FINISHED = 20,
	HF_HANDSHAKE_CERTIFICATE_STATUS = 22,
};

struct hf_event {
	enum hf_event_kind kind;
	bool sent;	/* by us */
	uint8_t type;	/* enum hf_handshake_type, or the alert's number */
	size_t len;	/* bytes of the message or data */
	int64_t at_us;	/* since the transcript began */
	char *detail;	/* owned, escaped; "" never NULL */
};

enum { HF_CODES_CAP = 64, HF_FIRST_BYTES_CAP = 512 };
struct hf_codes {
	uint16_t items[HF_CODES_CAP];
	size_t len;   /* kept */
	size_t total; /* offered; more than len when the list is longer than we keep */
};

struct hf_offer { /* ClientHello */
	bool seen;
	struct hf_codes versions, ciphers, groups, sigalgs;
	char *sni, *alpn; /* owned, escaped; alpn: "h2, http/1.1"; NULL when not offered */
	bool post_handshake_auth, resumes;
};

struct hf_choice { /* ServerHello, EncryptedExtensions */
	bool seen, retried; /* a HelloRetryRequest came first */
	uint16_t version, cipher, group;
	char *alpn;	 /* owned, escaped */
	bool resumed_psk;
};

struct hf_demand { /* CertificateRequest */
	bool seen, post_handshake;
	STACK_OF(X509_NAME) *names; /* owned; NULL when none */
	size_t names_bytes;
	struct hf_codes sigalgs, types;
	size_t message_len;
};

struct hf_sent_chain { /* Certificate */
	bool seen;
	struct hf_certs certs;
	size_t message_len;
	bool stapled; /* an OCSP response came with the leaf */
};

struct hf_transcript {
	struct hf_event *events;
	size_t len, alloc;
	size_t left_out; /* events beyond the cap */
	struct hf_offer offer;
	struct hf_choice choice;
	struct hf_demand demand;
	struct hf_sent_chain client, server;
	bool finished_sent, finished_received;
	bool data_sent, data_received;
	uint8_t first[HF_FIRST_BYTES_CAP]; /* what the peer's bytes began with */
	size_t first_len;
	int64_t began_us;
	int64_t (*clock_us)(void);	/* may be NULL */
	void (*tell)(void *arg, const struct hf_event *event); /* as it happens; may be NULL */
	void *tell_arg;
};

void hf_transcript_init(struct hf_transcript *t, int64_t (*clock_us)(void));
void hf_transcript_done(struct hf_transcript *t);
HF_DEFINE_AUTO_DONE(hf_transcript, struct hf_transcript, hf_transcript_done);

/* One whole handshake message with its header of 4 bytes.  Never fails: what does not decode is
 * kept as an event that says so.  A pure function of its arguments, for the fuzzer. */
void hf_transcript_message(struct hf_transcript *t, bool sent, const uint8_t *message, size_t len);
/* A message that is known from elsewhere (a record of it); nothing is decoded. */
void hf_transcript_known(struct hf_transcript *t, enum hf_handshake_type type, bool sent,
			 const char *detail);
void hf_transcript_alert(struct hf_transcript *t, bool sent, int number);
/* Anything else; detail may be NULL and is escaped. */
void hf_transcript_note(struct hf_transcript *t, enum hf_event_kind kind, bool sent, size_t len,
			const char *detail);
/* The first bytes from the peer, as they came. */
void hf_transcript_first(struct hf_transcript *t, const void *data, size_t len);

/* The last event of a kind and direction, or NULL. */
const struct hf_event *hf_transcript_find(const struct hf_transcript *t, enum hf_event_kind kind,
					  bool sent);
/* The number of the last alert of that direction when it says a failure; -1: close_notify or none.
 */
int hf_transcript_failure(const struct hf_transcript *t, bool sent);
/* Was this protocol agreed on (ALPN, RFC 7301)? */
bool hf_transcript_chose(const struct hf_transcript *t, const char *protocol);
const struct hf_event *hf_transcript_message_find(const struct hf_transcript *t, int type,
						  bool sent);
bool hf_codes_have(const struct hf_codes *codes, unsigned code);

/* "ClientHello", "alert 48 unknown_ca", "EOF" …: what an event is, without its detail. */
void hf_event_name(const struct hf_event *event, char *out, size_t cap);
/* One rung of a ladder: "->  ClientHello  TLS 1.2-1.3, name localhost    0.1 ms". */
int hf_event_format(const struct hf_event *event, struct hf_buf *out);
/* IANA's names: "X25519", "ecdsa_secp256r1_sha256", "TLS_AES_128_GCM_SHA256", "TLS 1.3"; "0x1234"
 * for what we do not know.  In a static table, or in `spare` (8 bytes). */
const char *hf_group_name(unsigned code, char spare[8]);
const char *hf_scheme_name(unsigned code, char spare[8]);
const char *hf_version_name(unsigned code, char spare[8]);

#endif
