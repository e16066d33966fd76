/* SPDX-License-Identifier: Apache-2.0 */
/* The desk: what somebody elsewhere asks for, and what the authority gives.  Knows the ledger and
 * nothing of the network.  What a certificate says comes from the token or from the certificate
 * that is renewed; from the request comes its key alone, and not even that where the authority
 * makes the key (keygen.h). */
#ifndef HF_ENROLL_DESK_H
#define HF_ENROLL_DESK_H

#include "ca/order.h"
#include "enroll/operator.h"
#include "enroll/token.h"

enum { HF_DESK_BATCH = 64, HF_ASK_ADDRESS_CAP = 64, HF_ASK_BODY_CAP = 256 * 1024 };

/* What the answer looks like. */
enum hf_ask_form {
	HF_FORM_PEM,
	HF_FORM_EST,
	HF_FORM_EST_KEY, /* serverkeygen: a key of ours, and its certificate */
	HF_FORM_JSON,
};

struct hf_ask {
	/* the question; owned */
	struct hf_csr *csr;
	bool renews;		    /* in place of `old`; else by token */
	struct hf_token_text token;
	struct hf_cert *old;	    /* that the asker has proved to hold the key of */
	/* an operator's wish instead of a request; `old` is the operator's own certificate then */
	char operation[16];
	json_t *wish;
	char who[HF_OPERATOR_WHO_CAP];
	char address[HF_ASK_ADDRESS_CAP];
	enum hf_ask_form form;
	bool wrapped; /* base64 of EST in lines */
	/* the answer */
	int status;	    /* of HTTP: 200, 202, 400, 401, 403, 404, 500, 503 */
	const char *code;   /* "token-expired" …; "" with 200 */
	struct hf_err err;
	struct hf_buf body; /* with 200 */
	EVP_PKEY *made;	    /* for HF_FORM_EST_KEY; owned */
	struct hf_cert *cert;
	bool again; /* the certificate was given before: a retry of the same key */
};
void hf_ask_init(struct hf_ask *ask);
void hf_ask_done(struct hf_ask *ask);

/* Answers all of them: the certificates of one call are written to the disk together, before any is
 * answered.  len <= HF_DESK_BATCH. */
void hf_desk_answer(struct hf_authority *a, struct hf_ask *const *asks, size_t len, int64_t now);

#endif
