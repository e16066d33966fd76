/* SPDX-License-Identifier: Apache-2.0 */
/* The worlds a certificate may meet: OpenSSL, Python, GnuTLS, Go, Java, browsers. */
#ifndef HF_VERIFY_WORLD_H
#define HF_VERIFY_WORLD_H

#include "verify/verify.h"

struct hf_world {
	enum hf_profile profile;
	const char *word; /* "go", as options and JSON have it */
	const char *who;  /* "Go", within a sentence */
	/* whose programs these are, for help: "crypto/x509 and what is built on it" */
	const char *what;
	bool clients;	  /* are there servers of this kind, which judge clients? */
};
/* For each profile; [HF_PROFILE_OPENSSL] is "handfast". */
extern const struct hf_world hf_worlds[HF_PROFILE_COUNT];

/* Bits of the worlds outside: neither handfast nor strict. */
#define HF_WORLDS_ALL (((1U << HF_PROFILE_COUNT) - 1) & ~((1U << HF_PROFILE_AS_OPENSSL) - 1))

/* What some worlds would hold against a certificate by itself: without its path, its time, and the
 * name somebody asks for. */
struct hf_objection {
	enum hf_reason reason;
	char *want, *have;  /* owned; may be NULL */
	unsigned worlds;    /* a bit for each enum hf_profile that refuses it for this reason */
};
struct hf_objections {
	struct hf_objection *items;
	size_t len;
};
void hf_objections_done(struct hf_objections *objections);
HF_DEFINE_AUTO_DONE(hf_objections, struct hf_objections, hf_objections_done);

/* Asks every world but our own about the certificate as a server's or client's (a CA's with the
 * purpose any), in one go.  Appends an objection for each thing that somebody refuses. */
int hf_worlds_object(struct hf_cert *cert, enum hf_purpose purpose,
		     struct hf_objections *ret_objections, struct hf_err *err);
/* "refused by Go and browsers as a server's: a sentence: want …, have … [V-STRICT]" */
int hf_objection_format(const struct hf_objection *objection, enum hf_purpose purpose,
			struct hf_buf *out);
/* "Go and browsers", "OpenSSL, Python 3.13 and Go" of such bits; "" for none. */
int hf_worlds_name(unsigned worlds, struct hf_buf *out);

#endif
