/* SPDX-License-Identifier: Apache-2.0 */
/* Path building: depth first with backtracking over every issuer that could be meant (RFC 4158),
 * under hard bounds.  Must never accept anything: it only offers paths whose signatures verify, and
 * it must end soon whatever certificates a peer sends (no subject-and-key pair twice in a path,
 * each signature checked once, at most HF_SIGNATURES_CAP of them and HF_CANDIDATES_CAP issuers
 * tried). */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "pki/name.h"
#include "verify/judge.h"
#include "verify/weak.h"

struct candidate {
	struct hf_cert *cert;
	bool anchor;
	int score;
	size_t order;
};

struct frame {
	struct hf_cert *cert;
	struct candidate *candidates; /* owned */
	size_t len, next;
};

bool hf_cert_issued_by_name(const struct hf_cert *child, const struct hf_cert *issuer)
{
	return hf_name_equal(X509_get_issuer_name(child->x509),
			     X509_get_subject_name(issuer->x509));
}

int hf_cert_key_id_match(const struct hf_cert *child, const struct hf_cert *issuer)
{
	if (!child->akid || !issuer->skid)
		return 0;
	return child->akid_len == issuer->skid_len &&
		       memcmp(child->akid, issuer->skid, child->akid_len) == 0
		   ? 1
		   : -1;
}

static bool can_be_ca(const struct hf_cert *c, bool anchor)
{
	if (anchor && c->version < 3)
		return true;
	return (c->flags & HF_CERT_CA) &&
	       (!(c->flags & HF_CERT_HAS_KU) || (c->ku & KU_KEY_CERT_SIGN));
}

static bool allows_purpose(const struct hf_cert *c, enum hf_purpose purpose)
{
	unsigned need = purpose == HF_PURPOSE_CLIENT ? HF_EKU_CLIENT : HF_EKU_SERVER;

	return purpose == HF_PURPOSE_ANY || !(c->flags & HF_CERT_HAS_EKU) ||
	       (c->eku & (need | HF_EKU_ANY));
}

/* Likelier issuers first: the right key, then what will not fail for another reason, then anchors.
 */
static int score_of(const struct hf_search *s, const struct hf_cert *child, const struct hf_cert *c,
		    bool anchor)
{
	int score = 0;

	score += hf_cert_key_id_match(child, c) * 64;
	score += can_be_ca(c, anchor) ? 16 : 0;
	score += s->at >= c->not_before && s->at <= c->not_after ? 8 : 0;
	score += allows_purpose(c, s->purpose) ? 4 : 0;
	score += anchor || !hf_cert_signature_is_weak(c) ? 2 : 0;
	score += anchor ? 1 : 0;
	return score;
}

static int compare(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static void gather(const struct hf_search *s, struct frame *f, const struct hf_certs *from,
		   size_t first, bool anchor)
{
	for (size_t i = first; i < from->len; i++) {
		struct hf_cert *c = from->items[i];

		if (!hf_cert_issued_by_name(f->cert, c))
			continue;
		f->candidates[f->len] =
		    (struct candidate){ c, anchor, score_of(s, f->cert, c, anchor), f->len };
		f->len++;
	}
}

static bool frame_init(struct hf_search *s, struct frame *f, struct hf_cert *cert)
{
	const struct hf_certs *anchors = hf_trust_anchors(s->trust);
	const struct hf_certs *more = hf_trust_intermediates(s->trust);

	*f = (struct frame){ .cert = cert };
	f->candidates = calloc(anchors->len + more->len + s->sent->len + 1, sizeof(*f->candidates));
	if (!f->candidates) {
		s->no_memory = true;
		return false;
	}
	gather(s, f, anchors, 0, true);
	gather(s, f, s->sent, 0, false);
	gather(s, f, more, 0, false);
	if (f->len > 1)
		qsort(f->candidates, f->len, sizeof(*f->candidates), compare);
	return true;
}

static bool same_entity(const struct hf_cert *a, const struct hf_cert *b)
{
	return memcmp(a->spki_sha256, b->spki_sha256, HF_SHA256_LEN) == 0 &&
	       hf_name_equal(X509_get_subject_name(a->x509), X509_get_subject_name(b->x509));
}

static bool in_path(const struct frame *frames, size_t len, const struct hf_cert *c)
{
	for (size_t i = 0; i < len; i++) {
		if (same_entity(frames[i].cert, c))
			return true;
	}
	return false;
}

static size_t cost_of(const EVP_PKEY *key)
{
	enum { USUAL_BITS = 4096 };
	int bits = key ? EVP_PKEY_get_bits(key) : 0;
	size_t times = (size_t)(bits > USUAL_BITS ? (bits + USUAL_BITS - 1) / USUAL_BITS : 1);

	return times * times; /* what a check costs grows with the square of an RSA modulus */
}

/* What is verified depends on the issuer's key alone, so certificates of one key share an answer.
 */
static bool signed_by(struct hf_search *s, const struct hf_cert *child,
		      const struct hf_cert *issuer)
{
	EVP_PKEY *key = hf_cert_key_get0(issuer);

	for (size_t i = 0; i < s->memo_len; i++) {
		if (s->memo[i].child == child &&
		    memcmp(s->memo[i].issuer_spki, issuer->spki_sha256, HF_SHA256_LEN) == 0)
			return s->memo[i].good;
	}
	if (hf_trust_knows_ca(s->trust, child, issuer))
		return true;
	s->spent += cost_of(key);
	if (s->memo_len == HF_SIGNATURES_CAP || s->spent > HF_SIGNATURES_CAP) {
		s->limited = true;
		return false;
	}
	bool good = key && X509_verify(child->x509, key) == 1;

	ERR_clear_error();
	if (good)
		hf_trust_remember_ca(s->trust, child, issuer);
	s->memo[s->memo_len].child = child;
	s->memo[s->memo_len].issuer_spki = issuer->spki_sha256;
	s->memo[s->memo_len++].good = good;
	return good;
}

static void fill_path(struct hf_path *path, const struct frame *frames, size_t len)
{
	for (size_t i = 0; i < len; i++)
		path->certs[i] = frames[i].cert;
	path->len = len;
	path->anchored = false;
}

static bool offer(struct hf_search *s, const struct frame *frames, size_t len,
		  struct hf_cert *anchor)
{
	struct hf_path path;

	fill_path(&path, frames, len);
	if (anchor)
		path.certs[path.len++] = anchor;
	path.anchored = true;
	return s->found(s->arg, &path);
}

/* The next issuer of the top frame worth following, its signature checked; NULL when there is none.
 */
static const struct candidate *next_issuer(struct hf_search *s, struct frame *frames, size_t len)
{
	struct frame *top = &frames[len - 1];

	while (top->next < top->len && !s->limited) {
		const struct candidate *c = &top->candidates[top->next++];

		if (in_path(frames, len, c->cert) || (!c->anchor && len + 1 >= HF_PATH_CAP))
			continue;
		if (!c->anchor && hf_certs_has(hf_trust_anchors(s->trust), c->cert))
			continue; /* tried as the anchor it is */
		if (s->tried++ == HF_CANDIDATES_CAP) {
			s->limited = true;
			break;
		}
		if (signed_by(s, top->cert, c->cert))
			return c;
		if (!s->limited && len >= s->longest.len && !s->bad_child) {
			s->bad_child = top->cert;
			s->bad_issuer = c->cert;
		}
	}
	return NULL;
}

/* Keeps the furthest that good signatures lead; the first of equals. */
static void note_longest(struct hf_search *s, const struct frame *frames, size_t len)
{
	if (len <= s->longest.len)
		return;
	fill_path(&s->longest, frames, len);
	s->bad_child = s->bad_issuer = NULL;
}

static bool walk(struct hf_search *s, struct frame *frames, size_t *len)
{
	while (*len > 0) {
		const struct candidate *c = next_issuer(s, frames, *len);

		if (!c) {
			free(frames[--*len].candidates);
			continue;
		}
		if (c->anchor) {
			if (offer(s, frames, *len, c->cert))
				return true;
			continue;
		}
		if (!frame_init(s, &frames[*len], c->cert))
			return false;
		++*len;
		note_longest(s, frames, *len);
	}
	return false;
}

bool hf_search_run(struct hf_search *s, struct hf_cert *leaf)
{
	struct frame frames[HF_PATH_CAP];
	size_t len = 1;
	bool trusted = hf_certs_has(hf_trust_anchors(s->trust), leaf);
	bool found;

	if (!frame_init(s, &frames[0], leaf))
		return false;
	note_longest(s, frames, 1);
	found = walk(s, frames, &len);
	/* The leaf itself is trusted: nobody need vouch for it. */
	if (!found && trusted) {
		frames[0].cert = leaf;
		found = offer(s, frames, 1, NULL);
	}
	while (len > 0)
		free(frames[--len].candidates);
	return found;
}
