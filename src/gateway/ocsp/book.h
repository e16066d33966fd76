/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker knows of the OCSP status of its clients' certificates, and how it asks for more.
 *
 * Workers connect to nobody for it: they ask the follower (gateway/follow_ocsp.c) over a socket of
 * their own, which the supervisor makes before the first fork and keeps, so that either side may be
 * replaced.  An answer is the responder's, byte for byte, and is checked here again. */
#ifndef HF_GATEWAY_OCSP_BOOK_H
#define HF_GATEWAY_OCSP_BOOK_H

#include "gateway/counters.h"
#include "net/loop.h"
#include "tls/status.h"

enum hf_ocsp_mode { HF_OCSP_OFF, HF_OCSP_SOFT, HF_OCSP_HARD };

enum { HF_OCSP_BOOK_CAP = 4096 }; /* answers kept in a worker, and as many in the follower */

struct hf_ocsp_book;

/* limit_ms: how long a client may have to wait for a responder. */
int hf_ocsp_book_new(size_t workers, uint64_t limit_ms, struct hf_ocsp_book **ret_book,
		     struct hf_err *err);
void hf_ocsp_book_free(struct hf_ocsp_book *book); /* NULL-safe */

/* In a process that was just forked: the other ends are closed.  Borrowed; -1 beyond them. */
void hf_ocsp_book_in_follower(struct hf_ocsp_book *book);
int hf_ocsp_book_follower_fd(const struct hf_ocsp_book *book, size_t worker);
uint64_t hf_ocsp_book_limit_ms(const struct hf_ocsp_book *book);

struct hf_ocsp_book_user {
	struct hf_loop *loop;
	size_t worker;
	struct hf_counters *counters; /* of this worker */
	/* What handshakes wait for under this key is there; `leaf`: of the certificate.
	 * changed: it is another answer than before.  It must not look from inside. */
	void (*news)(void *arg, const uint8_t key[HF_SHA256_LEN],
		     const uint8_t leaf[HF_SHA256_LEN], bool changed);
	void *arg;
};
/* In a worker. */
int hf_ocsp_book_open(struct hf_ocsp_book *book, const struct hf_ocsp_book_user *user,
		      struct hf_err *err);
void hf_ocsp_book_close(struct hf_ocsp_book *book); /* before the loop is freed */
/* Now and then: gives up what was asked for too long ago. */
void hf_ocsp_book_tick(struct hf_ocsp_book *book);

/* Our own certificate, whose OCSP response is handed out with it; path NULL: none is. */
struct hf_ocsp_own {
	struct hf_ocsp_book *book;
	struct hf_certs path; /* leaf and issuer; owned by whoever has this */
	char *url;	      /* likewise */
};
struct hf_ocsp_staple {
	const void *der; /* NULL: there is none that says good and has not ended; borrowed */
	size_t len;
	int64_t until; /* Unix seconds */
	bool settled;  /* der, or its responder has been asked in vain */
};
/* What is at hand; the responder is asked when that is half over, or nothing. */
void hf_ocsp_staple_get(const struct hf_ocsp_own *own, struct hf_ocsp_staple *ret_staple);
/* As hf_tls_staple.get; arg: the own. */
const void *hf_ocsp_staple_give(void *arg, size_t *ret_len);

/* How a policy asks. */
struct hf_ocsp_view {
	struct hf_ocsp_book *book;
	const char *url; /* of the responder; NULL: the one that the certificate names */
	bool hard;
};
/* As hf_tls_status.look; arg: the view. */
void hf_ocsp_look(void *arg, const struct hf_verdict *verdict, struct hf_status *ret_status);

#endif
