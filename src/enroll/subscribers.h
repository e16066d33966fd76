/* SPDX-License-Identifier: Apache-2.0 */
/* Who follows the revocation feed, and what each has confirmed: kept in ca/subscribers.json, which
 * the service writes and `handfast revoke --wait` reads. */
#ifndef HF_ENROLL_SUBSCRIBERS_H
#define HF_ENROLL_SUBSCRIBERS_H

#include "net/address.h"
#include "pki/cert.h"

enum {
	HF_SUBSCRIBERS_CAP = 1024,
	HF_SUBSCRIBER_WORD_CAP = 65,
	HF_SUBSCRIBER_NAME_CAP = 256,
	HF_SUBSCRIBER_SERIAL_CAP = 48,
	/* seconds after which one that never came back is forgotten */
	HF_SUBSCRIBER_FORGET = 86400,
};

struct hf_subscriber {
	uint8_t sha256[HF_SHA256_LEN];	       /* of the certificate it comes with */
	char instance[HF_SUBSCRIBER_WORD_CAP]; /* tells several with one certificate apart */
	char name[HF_SUBSCRIBER_NAME_CAP];     /* the certificate's subject */
	char serial[HF_SUBSCRIBER_SERIAL_CAP];
	char address[HF_ADDRESS_TEXT_CAP];
	int64_t seen_at, confirmed; /* the event up to which every revocation is in force there */
	unsigned waiting;	    /* requests of it that wait for news now */
};

struct hf_subscribers {
	struct hf_subscriber *items[HF_SUBSCRIBERS_CAP];
	size_t len;
};
void hf_subscribers_done(struct hf_subscribers *s);
HF_DEFINE_AUTO_DONE(hf_subscribers, struct hf_subscribers, hf_subscribers_done);

/* The one with that certificate and instance, new when need be; NULL when there is no room or no
 * memory.  Stays where it is until it is dropped. */
struct hf_subscriber *hf_subscribers_meet(struct hf_subscribers *s, const struct hf_cert *leaf,
					  const char *instance);
/* Those whose certificate has that serial are subscribers no more, unless they wait right now. */
void hf_subscribers_drop(struct hf_subscribers *s, const char *serial);
/* Those who were not seen since. */
void hf_subscribers_forget(struct hf_subscribers *s, int64_t seen_before);

struct hf_subscribers_standing {
	int64_t confirmed;   /* by every one of them; `event` when there is none */
	size_t len, waiting; /* and those who wait for news right now */
};
void hf_subscribers_stand(const struct hf_subscribers *s, int64_t event,
			  struct hf_subscribers_standing *ret_standing);

/* What a file holds is taken as it is or not at all; a missing one is empty.  event: the newest. */
int hf_subscribers_load(const char *path, struct hf_subscribers *s, int64_t *ret_event,
			struct hf_err *err);
int hf_subscribers_save(const char *path, const struct hf_subscribers *s, int64_t event,
			int64_t now, struct hf_err *err);

#endif
