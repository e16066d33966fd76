/* SPDX-License-Identifier: Apache-2.0 */
/* Encodes the entries of revocation lists, and holds the ledger's pages of them against its
 * certificates. */
#include "ca/crl_entries.h"

#include <string.h>

#include "base/err.h"
#include "ca/derwrite.h"

enum {
	TIME_CAP = 20,
	LIST_CAP = 1024 * 1024 * 1024,
};

/* One time encoded: revocations come in bursts, and a burst has one second. */
struct encoder {
	int64_t time_at;
	uint8_t time_der[TIME_CAP];
	size_t time_len; /* 0: none yet */
};

static void add_time(struct encoder *e, int64_t at, struct hf_buf *out)
{
	size_t start = out->len;

	if (e->time_len > 0 && e->time_at == at) {
		(void)hf_buf_append(out, e->time_der, e->time_len);
		return;
	}
	hf_derw_time(out, at);
	if (hf_buf_failed(out))
		return;
	e->time_at = at;
	e->time_len = out->len - start;
	memcpy(e->time_der, out->data + start, e->time_len);
}

/* The ledger keeps what this gives: who changes it drops the pages in a migration. */
static int encode_entry(void *arg, const struct hf_revoked *revoked, struct hf_buf *out)
{
	/* id-ce-cRLReasons and its value, but for the reason itself */
	uint8_t reason[] = { HF_DERW_SEQUENCE,
			     12,
			     HF_DERW_SEQUENCE,
			     10,
			     HF_DERW_OID,
			     3,
			     0x55,
			     0x1d,
			     0x15,
			     HF_DERW_OCTET_STRING,
			     3,
			     HF_DERW_ENUMERATED,
			     1,
			     0 };
	size_t start = out->len;

	hf_derw_integer(out, revoked->serial, revoked->serial_len);
	add_time(arg, revoked->revoked_at, out);
	/* RFC 5280 5.3.1: leave it out rather than say "unspecified" */
	if (revoked->reason > 0) {
		reason[sizeof(reason) - 1] = (uint8_t)revoked->reason;
		(void)hf_buf_append(out, reason, sizeof(reason));
	}
	hf_derw_wrap(out, start, HF_DERW_SEQUENCE);
	return hf_buf_failed(out) ? -HF_E_NOMEM : 0;
}

int hf_crl_entries(struct hf_store *store, const struct hf_revoked_scope *scope, struct hf_buf *out,
		   int64_t *ret_len, struct hf_err *err)
{
	struct encoder encoder = { .time_len = 0 };

	return hf_store_revoked_entries(store, scope, encode_entry, &encoder, out, ret_len, err);
}

/* --- are they right? --- */

struct comparison {
	int64_t issuer;
	struct encoder encoder;
	struct hf_buf kept, made;
	bool done, hold;
};

static void comparison_done(struct comparison *c)
{
	hf_buf_done(&c->kept);
	hf_buf_done(&c->made);
}
HF_DEFINE_AUTO_DONE(comparison, struct comparison, comparison_done);

static int make_entry(void *arg, const struct hf_revoked *revoked)
{
	struct comparison *c = arg;

	return encode_entry(&c->encoder, revoked, &c->made);
}

/* Fails always, so that nothing is kept of what it did. */
static int compare(void *arg, struct hf_store *store, const struct hf_crl_draft *draft,
		   struct hf_crl_final *ret_final, struct hf_err *err)
{
	struct comparison *c = arg;
	const struct hf_revoked_scope all = { c->issuer, HF_CRL_COMPLETE, draft->last_update };
	int64_t len = 0;
	int rc = hf_crl_entries(store, &all, &c->kept, &len, err);

	(void)ret_final;
	if (rc == 0)
		rc = hf_store_each_revoked(store, all.issuer, all.shard, all.expired_before,
					   make_entry, c, err);
	if (rc < 0)
		return hf_buf_failed(&c->made) ? hf_err_nomem(err) : rc;
	c->done = true;
	c->hold = c->kept.len == c->made.len &&
		  (c->made.len == 0 || memcmp(c->kept.data, c->made.data, c->made.len) == 0);
	return -HF_E_AGAIN;
}

int hf_crl_entries_hold(struct hf_store *store, int64_t issuer, bool *ret_hold, struct hf_err *err)
{
	HF_AUTO_DONE(comparison) c = { .issuer = issuer,
				       .kept = HF_BUF_INIT(LIST_CAP),
				       .made = HF_BUF_INIT(LIST_CAP) };
	int rc = hf_store_publish_crl(store, issuer, HF_CRL_COMPLETE, compare, &c, err);

	*ret_hold = c.hold;
	return c.done ? 0 : rc;
}
