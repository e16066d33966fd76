/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failures: what could not be done, and why.
 *
 * A function that can fail returns 0 (or another non-negative answer) on success and a negative
 * -HF_E_* code on failure, and then describes the failure in the caller's struct hf_err.  A
 * refused certificate is not a failure: it is a struct hf_verdict (see verdict.h).
 *
 * struct hf_err has a fixed size, so that describing a failure cannot itself fail.  Thread rule:
 * an hf_err belongs to one thread at a time; nothing here is global.
 */
#ifndef HANDFAST_ERR_H
#define HANDFAST_ERR_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define HF_PUBLIC __attribute__((visibility("default")))
#define HF_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define HF_MUST_CHECK __attribute__((warn_unused_result))
#else
#define HF_PUBLIC
#define HF_PRINTF(fmt, args)
#define HF_MUST_CHECK
#endif

/* What kind of failure.  Callers may act on NOMEM and AGAIN; the others are for people and logs. */
enum hf_e {
	HF_E_NOMEM = 1,   /* out of memory */
	HF_E_AGAIN,       /* would block: call again when the descriptor is ready */
	HF_E_INVALID,     /* a value given by the caller or user makes no sense */
	HF_E_PARSE,       /* input does not follow its format */
	HF_E_IO,          /* the operating system said no (read, write, fsync, connect …) */
	HF_E_NOENT,       /* no such file, name or record */
	HF_E_EXIST,       /* it is there already and was not overwritten */
	HF_E_PERM,        /* not permitted, or permissions too open */
	HF_E_LIMIT,       /* larger than a documented limit */
	HF_E_CRYPTO,      /* libcrypto or libssl failed */
	HF_E_PASSPHRASE,  /* a passphrase is needed, or the one given is wrong */
	HF_E_MISMATCH,    /* two things do not belong together (key and certificate) */
	HF_E_POLICY,      /* a rule of the authority does not allow it */
	HF_E_UNSUPPORTED, /* not supported by this build or this OpenSSL */
	HF_E_CLOSED,      /* the peer closed the connection */
	HF_E_TIMEOUT,     /* a time limit passed */
	HF_E_BUSY,        /* somebody else holds the lock */
};

#define HF_ERR_MSG_CAP 768
#define HF_ERR_HINT_CAP 384
#define HF_ERR_ID_CAP 24
#define HF_ERR_PLACE_CAP 256

/* Where the mistake stands: in a line of a file, or in a text that was given (an argument, a rule).
 * Lines and columns count from 1, columns and length in characters. */
struct hf_err_place {
	char text[HF_ERR_PLACE_CAP];   /* the file's path or the text itself; "" when not known */
	unsigned line;                 /* 0: a text that was given */
	unsigned column;
	unsigned length;               /* of the wrong part; 0: not known */
};

struct hf_err {
	int code;                      /* an enum hf_e, 0 when nothing failed */
	char msg[HF_ERR_MSG_CAP];      /* one sentence without a full stop; never holds secrets */
	char hint[HF_ERR_HINT_CAP];    /* the next step for the user, or "" */
	char id[HF_ERR_ID_CAP];        /* which mistake, "E-RULE-TERM" (docs/mistakes.md), or "" */
	struct hf_err_place place;
};

#define HF_ERR_INIT { 0, "", "", "", { "", 0, 0, 0 } }

/* The stable word for a code ("no-memory", "parse" …), for JSON and logs.  Never NULL. */
HF_PUBLIC const char *hf_err_name(int code);

#ifdef __cplusplus
}
#endif
#endif
