/* SPDX-License-Identifier: Apache-2.0 */
/* Answering.  Must never say good of a serial number that the ledger does not have as issued, nor
 * give out a kept answer that the ledger says otherwise by now. */
#include "enroll/ocsp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/sha.h>

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"

enum { BACKDATE_SECONDS = 300, ETAG_CAP = 2 * 16 + 3, FRESH_SECONDS = HF_OCSP_LIFETIME / 2 };

/* What the ledger says of a certificate. */
struct fact {
	enum hf_record_state state;
	bool found;
	int64_t revoked_at;
	int reason;
};

/* An answer that is kept, under the hash of its request. */
struct kept {
	uint8_t key[HF_SHA256_LEN];
	char *der; /* NULL: an empty place */
	size_t len;
	/* what it says, and of which certificate: it is held against the ledger each time */
	int64_t store_id;
	char serial[HF_OCSP_SERIAL_CAP];
	struct fact fact;
	int64_t this_update, next_update;
};

struct hf_ocsp {
	struct hf_store *reader;
	struct hf_ocsp_signer signers[HF_OCSP_SIGNERS];
	struct kept kept[HF_OCSP_KEPT]; /* by the first bytes of the key */
	struct hf_buf out;
	struct fact last; /* of what was signed last */
	struct hf_ocsp_counts counts;
	char etag[ETAG_CAP];
};

int hf_ocsp_new(struct hf_store *reader, struct hf_ocsp **ret_ocsp, struct hf_err *err)
{
	struct hf_ocsp *ocsp = calloc(1, sizeof(*ocsp));

	if (!ocsp)
		return hf_err_nomem(err);
	ocsp->reader = reader;
	hf_buf_init(&ocsp->out, HF_OCSP_RESPONSE_CAP);
	*ret_ocsp = ocsp;
	return 0;
}

static void forget(struct hf_ocsp *ocsp)
{
	for (size_t i = 0; i < HF_OCSP_KEPT; i++) {
		free(ocsp->kept[i].der);
		ocsp->kept[i].der = NULL;
	}
}

void hf_ocsp_free(struct hf_ocsp *ocsp)
{
	if (!ocsp)
		return;
	forget(ocsp);
	for (size_t i = 0; i < HF_OCSP_SIGNERS; i++)
		hf_ocsp_signer_done(&ocsp->signers[i]);
	hf_buf_done(&ocsp->out);
	free(ocsp);
}

void hf_ocsp_set_signer(struct hf_ocsp *ocsp, size_t i, struct hf_ocsp_signer *signer)
{
	forget(ocsp);
	hf_ocsp_signer_done(&ocsp->signers[i]);
	ocsp->signers[i] = *signer;
	*signer = (struct hf_ocsp_signer){ .issuer = NULL };
}

const struct hf_ocsp_signer *hf_ocsp_signer(const struct hf_ocsp *ocsp, size_t i)
{
	return &ocsp->signers[i];
}

const char *hf_ocsp_saying_name(enum hf_ocsp_saying kind)
{
	static const char *const names[HF_OCSP_SAYINGS] = {
		[HF_OCSP_SAID_GOOD] = "good",
		[HF_OCSP_SAID_REVOKED] = "revoked",
		[HF_OCSP_SAID_UNKNOWN] = "unknown",
		[HF_OCSP_SAID_MALFORMED] = "malformed",
		[HF_OCSP_SAID_UNAUTHORIZED] = "unauthorized",
		[HF_OCSP_SAID_FAILED] = "failed",
	};

	return names[kind];
}

const struct hf_ocsp_counts *hf_ocsp_counts(const struct hf_ocsp *ocsp)
{
	return &ocsp->counts;
}

/* --- what the ledger says --- */

static int take_fact(void *arg, const struct hf_record *record)
{
	struct fact *fact = arg;

	*fact = (struct fact){ record->state, true, record->revoked_at, record->reason };
	return 0;
}

static int look_up(struct hf_ocsp *ocsp, int64_t store_id, const char *serial,
		   struct fact *ret_fact)
{
	const struct hf_record_filter filter = { .issuer = store_id, .serial = serial, .limit = 1 };

	*ret_fact = (struct fact){ .found = false };
	if (!serial[0] || serial[0] == '-')
		return 0; /* nothing has such a number */
	return hf_store_list(ocsp->reader, &filter, take_fact, ret_fact, NULL);
}

static bool same_fact(const struct fact *a, const struct fact *b)
{
	return a->found == b->found && a->state == b->state && a->revoked_at == b->revoked_at &&
	       a->reason == b->reason;
}

static enum hf_ocsp_saying kind_of(const struct fact *fact)
{
	if (fact->found && fact->state == HF_RECORD_ISSUED)
		return HF_OCSP_SAID_GOOD;
	return fact->found && fact->state == HF_RECORD_REVOKED ? HF_OCSP_SAID_REVOKED
							       : HF_OCSP_SAID_UNKNOWN;
}

HF_DEFINE_AUTO(time, ASN1_TIME, ASN1_TIME_free);

/* One answer of the response. */
static int add_one(struct hf_ocsp *ocsp, const struct hf_ocsp_signer *signer,
		   const struct hf_ocsp_request *request, size_t i, int64_t now,
		   OCSP_BASICRESP *basic)
{
	char serial[HF_OCSP_SERIAL_CAP];
	struct fact fact;
	HF_AUTO(time) from = ASN1_TIME_adj(NULL, (time_t)now, 0, -BACKDATE_SECONDS);
	HF_AUTO(time) until = ASN1_TIME_adj(NULL, (time_t)now, 0, HF_OCSP_LIFETIME);
	HF_AUTO(time) revoked = NULL;
	static const int statuses[] = { [HF_OCSP_SAID_GOOD] = V_OCSP_CERTSTATUS_GOOD,
					[HF_OCSP_SAID_REVOKED] = V_OCSP_CERTSTATUS_REVOKED,
					[HF_OCSP_SAID_UNKNOWN] = V_OCSP_CERTSTATUS_UNKNOWN };
	int status, reason = 0;

	hf_ocsp_request_serial(request, i, serial);
	if (look_up(ocsp, signer->store_id, serial, &fact) < 0)
		return -1;
	ocsp->last = fact;
	ocsp->counts.said[kind_of(&fact)]++;
	status = statuses[kind_of(&fact)];
	if (status == V_OCSP_CERTSTATUS_REVOKED) {
		/* unspecified is not said (RFC 5280 5.3.1) */
		reason = fact.reason > 0 ? fact.reason : OCSP_REVOKED_STATUS_NOSTATUS;
		revoked = ASN1_TIME_set(NULL, (time_t)fact.revoked_at);
	}
	if (!from || !until || (status == V_OCSP_CERTSTATUS_REVOKED && !revoked))
		return -1;
	return OCSP_basic_add1_status(basic, hf_ocsp_request_id(request, i), status, reason,
				      revoked, from, until)
		   ? 0
		   : -1;
}

/* --- the response --- */

static bool put(struct hf_ocsp *ocsp, int status, OCSP_BASICRESP *basic)
{
	HF_AUTO(OCSP_RESPONSE) response = OCSP_response_create(status, basic);
	HF_AUTO(ossl_mem) der = NULL;
	int len = response ? i2d_OCSP_RESPONSE(response, &der) : 0;

	hf_buf_clear(&ocsp->out);
	ERR_clear_error();
	return len > 0 && hf_buf_append(&ocsp->out, der, (size_t)len) == 0;
}

/* Without a signature: what is wrong. */
static void say(struct hf_ocsp *ocsp, enum hf_ocsp_saying kind, int status,
		struct hf_ocsp_reply *reply)
{
	ocsp->counts.said[kind]++;
	if (!put(ocsp, status, NULL))
		hf_buf_clear(&ocsp->out);
	*reply = (struct hf_ocsp_reply){ .der = hf_buf_str(&ocsp->out),
					 .len = ocsp->out.len,
					 .status = status };
}

/* The one that all questions are for; NULL: none, or several. */
static const struct hf_ocsp_signer *signer_for(const struct hf_ocsp *ocsp,
					       const struct hf_ocsp_request *request)
{
	for (size_t s = 0; s < HF_OCSP_SIGNERS; s++) {
		const struct hf_ocsp_signer *signer = &ocsp->signers[s];
		size_t i = 0;

		while (signer->cert && i < hf_ocsp_request_len(request) &&
		       hf_ocsp_request_is_of(request, i, signer->issuer))
			i++;
		if (signer->cert && i == hf_ocsp_request_len(request))
			return signer;
	}
	return NULL;
}

static bool sign(struct hf_ocsp *ocsp, const struct hf_ocsp_signer *signer,
		 const struct hf_ocsp_request *request, int64_t now)
{
	HF_AUTO(OCSP_BASICRESP) basic = OCSP_BASICRESP_new();
	HF_AUTO(EVP_MD_CTX) md = EVP_MD_CTX_new();

	if (!basic || !md)
		return false;
	for (size_t i = 0; i < hf_ocsp_request_len(request); i++) {
		if (add_one(ocsp, signer, request, i, now, basic) < 0)
			return false;
	}
	if (hf_ocsp_request_has_nonce(request) &&
	    OCSP_copy_nonce(basic, hf_ocsp_request_get0(request)) <= 0)
		return false;
	/* by key, as RFC 5019 2.2.1 wants it: shorter */
	return EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, signer->key) == 1 &&
	       OCSP_basic_sign_ctx(basic, signer->cert->x509, md, NULL, OCSP_RESPID_KEY) == 1 &&
	       put(ocsp, OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
}

/* --- what is kept --- */

static struct kept *place_of(struct hf_ocsp *ocsp, const uint8_t key[HF_SHA256_LEN])
{
	return &ocsp->kept[((size_t)key[0] | (size_t)key[1] << 8) % HF_OCSP_KEPT];
}

/* One certificate, no nonce: what clients ask again and again. */
static void keep(struct hf_ocsp *ocsp, struct kept *kept, const uint8_t key[HF_SHA256_LEN],
		 const struct hf_ocsp_request *request, int64_t now)
{
	const struct hf_ocsp_signer *signer = signer_for(ocsp, request);
	char *copy;

	if (!signer || hf_ocsp_request_has_nonce(request) || hf_ocsp_request_len(request) != 1)
		return;
	copy = malloc(ocsp->out.len);
	if (!copy)
		return;
	memcpy(copy, ocsp->out.data, ocsp->out.len);
	free(kept->der);
	*kept = (struct kept){ .der = copy,
			       .len = ocsp->out.len,
			       .store_id = signer->store_id,
			       .fact = ocsp->last,
			       .this_update = now,
			       .next_update = now + HF_OCSP_LIFETIME };
	memcpy(kept->key, key, HF_SHA256_LEN);
	hf_ocsp_request_serial(request, 0, kept->serial);
}

static bool is_kept(struct hf_ocsp *ocsp, const struct kept *kept, const uint8_t key[HF_SHA256_LEN],
		    int64_t now)
{
	struct fact fact;

	return kept->der && memcmp(kept->key, key, HF_SHA256_LEN) == 0 &&
	       kept->this_update <= now && now - kept->this_update < FRESH_SECONDS &&
	       look_up(ocsp, kept->store_id, kept->serial, &fact) >= 0 &&
	       same_fact(&fact, &kept->fact);
}

static void give(struct hf_ocsp *ocsp, const struct kept *kept, struct hf_ocsp_reply *reply)
{
	uint8_t sha256[HF_SHA256_LEN];
	char hex[2 * 16 + 1];

	SHA256((const unsigned char *)kept->der, kept->len, sha256);
	hf_hex_encode(sha256, 16, hex);
	(void)snprintf(ocsp->etag, sizeof(ocsp->etag), "\"%s\"", hex);
	*reply = (struct hf_ocsp_reply){ .der = kept->der,
					 .len = kept->len,
					 .this_update = kept->this_update,
					 .next_update = kept->next_update,
					 .etag = ocsp->etag };
}

void hf_ocsp_reply(struct hf_ocsp *ocsp, const uint8_t *der, size_t len, int64_t now,
		   struct hf_ocsp_reply *reply)
{
	HF_AUTO(hf_ocsp_request) request = NULL;
	const struct hf_ocsp_signer *signer;
	uint8_t key[HF_SHA256_LEN];
	struct kept *kept;

	SHA256(der, len, key);
	kept = place_of(ocsp, key);
	if (is_kept(ocsp, kept, key, now)) {
		ocsp->counts.said[kind_of(&kept->fact)]++;
		ocsp->counts.kept++;
		give(ocsp, kept, reply);
		return;
	}
	if (hf_ocsp_request_parse(der, len, &request, NULL) < 0) {
		say(ocsp, HF_OCSP_SAID_MALFORMED, OCSP_RESPONSE_STATUS_MALFORMEDREQUEST, reply);
		return;
	}
	signer = signer_for(ocsp, request);
	if (!signer) {
		say(ocsp, HF_OCSP_SAID_UNAUTHORIZED, OCSP_RESPONSE_STATUS_UNAUTHORIZED, reply);
		return;
	}
	if (!sign(ocsp, signer, request, now)) {
		say(ocsp, HF_OCSP_SAID_FAILED, OCSP_RESPONSE_STATUS_INTERNALERROR, reply);
		return;
	}
	keep(ocsp, kept, key, request, now);
	if (is_kept(ocsp, kept, key, now)) {
		give(ocsp, kept, reply);
		return;
	}
	*reply = (struct hf_ocsp_reply){ .der = ocsp->out.data, .len = ocsp->out.len };
}

/* --- the path of a GET --- */

static int hex_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = hf_ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hf_ocsp_path_decode(struct hf_slice text, struct hf_buf *out)
{
	HF_AUTO_DONE(hf_buf) base64 = HF_BUF_INIT(2 * HF_OCSP_REQUEST_CAP);

	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (c == '%') {
			bool whole = i + 2 < text.len;
			int high = whole ? hex_of(text.data[i + 1]) : -1;
			int low = whole ? hex_of(text.data[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		}
		(void)hf_buf_putc(&base64, c);
	}
	return !hf_buf_failed(&base64) &&
	       hf_base64_decode(hf_buf_str(&base64), base64.len, out) == 0;
}
