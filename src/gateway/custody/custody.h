/* SPDX-License-Identifier: Apache-2.0 */
/* Key custody: the private keys of serve and tunnel live in a process of their own (the signer),
 * and workers have EVP_PKEYs that ask it for each signature.  What a worker can be made to show or
 * do with its memory never includes a key.
 *
 * The signer is a child of the supervisor, forked before anything of it is read; when it dies
 * another takes its place, reads the files again and goes on with the same sockets.  Each worker
 * has one socket, waits a bounded time for an answer, and asks again what may have been lost. */
#ifndef HF_GATEWAY_CUSTODY_CUSTODY_H
#define HF_GATEWAY_CUSTODY_CUSTODY_H

#include <sys/types.h>

#include "pki/credential.h"

/* Where a credential is: key and passphrase may be NULL (in the same file; none). */
struct hf_custody_files {
	const char *cert, *key, *passphrase;
};

struct hf_custody_config {
	/* Reads a credential; called in the signer only.  at_start: somebody may be asked on a
	 * terminal. */
	int (*load)(void *arg, const struct hf_custody_files *files, bool at_start,
		    struct hf_credential **ret_credential, struct hf_err *err);
	void *arg;
	bool sandbox; /* lock the signer up once everything was read */
};

struct hf_custody;

/* Forks the signer.  config is borrowed. */
int hf_custody_start(const struct hf_custody_config *config, struct hf_custody **ret_custody,
		     struct hf_err *err);
/* In the supervisor: the signer ends. */
void hf_custody_free(struct hf_custody *custody);
HF_DEFINE_AUTO(hf_custody, struct hf_custody, hf_custody_free);

/* The credential of a generation, with a key that asks the signer.  In the process that started the
 * signer it has the files read (and waits for ever while it is starting: somebody may be typing a
 * passphrase); in a worker it is what the supervisor had read before. */
int hf_custody_credential(struct hf_custody *custody, uint64_t generation,
			  const struct hf_custody_files *files,
			  struct hf_credential **ret_credential, struct hf_err *err);

/* --- for the supervisor --- */

/* Everything was read once: from now on answers are waited for a bounded time only, and the signer
 * locks itself up.  What it could do for that, in words, into words. */
int hf_custody_seal(struct hf_custody *custody, char *words, size_t cap, struct hf_err *err);
/* Called first thing in each signer that is forked from now on, to give up what is the
 * supervisor's. */
void hf_custody_in_signer(struct hf_custody *custody, void (*leave)(void *arg), void *arg);
/* A socket for worker `index`, in place of the one it had; the worker's end into *ret_fd. */
int hf_custody_attach(struct hf_custody *custody, size_t index, int *ret_fd, struct hf_err *err);
/* In a forked worker: drops the supervisor's side, takes its end. */
void hf_custody_become_worker(struct hf_custody *custody, int fd);
pid_t hf_custody_pid(const struct hf_custody *custody); /* 0: none now */
int hf_custody_fd(const struct hf_custody *custody);	/* to poll for reading; -1: none */
void hf_custody_heard(struct hf_custody *custody);	/* after POLLIN */
/* The child `pid` was reaped and was the signer. */
void hf_custody_ended(struct hf_custody *custody);
/* Forks another, gives it the workers' sockets.  The caller then has the files read again. */
int hf_custody_restart(struct hf_custody *custody, struct hf_err *err);
/* Asks it for a sign of life; kills it when it has given none for too long. To be called about
 * once a second. */
void hf_custody_watch(struct hf_custody *custody, int64_t now_ms);

#endif
