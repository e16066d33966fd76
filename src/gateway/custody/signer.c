/* SPDX-License-Identifier: Apache-2.0 */
/* The signer's loop: a packet in, a packet out.  Must never wait for a worker, never do for one
 * what only the supervisor may ask, and never write more of a key than its public half. */
#include "gateway/custody/signer.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/provider.h>

#include "base/err.h"
#include "base/file.h"
#include "gateway/custody/keyring.h"
#include "gateway/custody/wire.h"
#include "util/log.h"
#include "util/sandbox.h"

enum { SUPERVISOR = 0, EXIT_CANNOT = 3 };

struct signer {
	const struct hf_custody_config *config;
	struct hf_keyring ring;
	int fds[HF_KEYRING_USERS]; /* the supervisor's first; -1: none */
	size_t fds_len;
	struct hf_buf in, out;
	int passed; /* the descriptor that came with a packet, -1: none */
	bool at_start, sealed, over;
};

static const char *path_or_null(const char *path)
{
	return *path ? path : NULL;
}

/* --- what is asked --- */

static int answer_entry(struct signer *s, const struct hf_custody_request *request, size_t user,
			struct hf_keyring_entry *entry, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) body = HF_BUF_INIT(HF_CUSTODY_MESSAGE_CAP - 64);
	struct hf_custody_entry told;

	assert(entry);
	told = (struct hf_custody_entry){ entry->number, entry->credential };
	if (hf_custody_entry_write(&told, &body) < 0)
		return hf_err_set(err, HF_E_LIMIT,
				  "the chain in '%s' is larger than what TLS peers take",
				  request->cert_path);
	hf_keyring_use(entry, user);
	return hf_custody_answer_good(request->seq, body.data, body.len, &s->out);
}

static int do_load(struct signer *s, const struct hf_custody_request *request, size_t user,
		   struct hf_err *err)
{
	struct hf_credential *credential = NULL;
	struct hf_keyring_entry *entry = NULL;
	const struct hf_custody_files files = { request->cert_path, path_or_null(request->key_path),
						path_or_null(request->passphrase_path) };
	int rc = s->config->load(s->config->arg, &files, s->at_start, &credential, err);

	if (rc == 0)
		rc = hf_keyring_add(&s->ring, request->generation, request->cert_path,
				    request->key_path, credential, &entry, err);
	return rc < 0 ? rc : answer_entry(s, request, user, entry, err);
}

static int do_credential(struct signer *s, const struct hf_custody_request *request, size_t user,
			 struct hf_err *err)
{
	struct hf_keyring_entry *entry =
	    hf_keyring_find(&s->ring, request->generation, request->cert_path, request->key_path);

	if (!entry)
		return hf_err_set(err, HF_E_NOENT, "the signer has no key of generation %llu",
				  (unsigned long long)request->generation);
	return answer_entry(s, request, user, entry, err);
}

static int do_sign(struct signer *s, const struct hf_custody_request *request, size_t user,
		   struct hf_err *err)
{
	EVP_PKEY *key = hf_keyring_key(&s->ring, request->key);
	uint8_t signature[HF_SIGNATURE_CAP];
	size_t len = 0;
	int rc;

	(void)user;
	if (!key)
		return hf_err_set(err, HF_E_NOENT, "the signer does not have that key (any more)");
	rc = hf_sign_with(key, &request->ask, signature, sizeof(signature), &len, err);
	return rc < 0 ? rc : hf_custody_answer_good(request->seq, signature, len, &s->out);
}

static int do_drop(struct signer *s, const struct hf_custody_request *request, size_t user,
		   struct hf_err *err)
{
	(void)err;
	hf_keyring_drop(&s->ring, request->number, user);
	return 0;
}

static int do_attach(struct signer *s, const struct hf_custody_request *request, size_t user,
		     struct hf_err *err)
{
	size_t worker = (size_t)request->number + 1;

	(void)user;
	if (worker >= HF_KEYRING_USERS || s->passed < 0)
		return hf_err_set(err, HF_E_INVALID, "no such worker");
	hf_fd_close(s->fds[worker]);
	s->fds[worker] = s->passed;
	s->passed = -1;
	s->fds_len = HF_MAX(s->fds_len, worker + 1);
	hf_keyring_forget(&s->ring, worker);
	return hf_custody_answer_good(request->seq, "", 0, &s->out);
}

/* A token's module may need sockets, devices and files of its own: nobody can say which. */
static bool has_token(const struct hf_keyring *ring)
{
	for (size_t i = 0; i < ring->len; i++) {
		const OSSL_PROVIDER *provider =
		    EVP_PKEY_get0_provider(ring->items[i]->credential->key);

		if (provider && strcmp(OSSL_PROVIDER_get0_name(provider), "handfast-remote") == 0)
			return true;
	}
	return false;
}

static int name_files(const struct hf_keyring *ring, struct hf_strv *ret_paths)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < ring->len; i++) {
		rc = hf_strv_add(ret_paths, ring->items[i]->cert_path);
		if (rc == 0 && ring->items[i]->key_path[0])
			rc = hf_strv_add(ret_paths, ring->items[i]->key_path);
	}
	return rc;
}

static int do_seal(struct signer *s, const struct hf_custody_request *request, size_t user,
		   struct hf_err *err)
{
	HF_AUTO_DONE(hf_strv) paths = HF_STRV_INIT;
	struct hf_sandbox_report report = { .landlock = 0 };
	struct hf_sandbox box = { .kind =
				      has_token(&s->ring) ? HF_SANDBOX_TOKEN : HF_SANDBOX_SIGNER,
				  .read = &paths };
	char words[HF_SANDBOX_WORDS_CAP] = "off";
	int rc = 0;

	(void)user;
	if (s->config->sandbox && !s->sealed) {
		if (name_files(&s->ring, &paths) < 0)
			return hf_err_nomem(err);
		rc = hf_sandbox_enter(&box, &report, err);
		hf_sandbox_describe(&report, words, sizeof(words));
	}
	s->sealed = true;
	s->at_start = false;
	(void)signal(SIGINT, SIG_IGN);
	return rc < 0 ? rc : hf_custody_answer_good(request->seq, words, strlen(words), &s->out);
}

static int do_ping(struct signer *s, const struct hf_custody_request *request, size_t user,
		   struct hf_err *err)
{
	(void)user;
	(void)err;
	return hf_custody_answer_good(request->seq, "", 0, &s->out);
}

static const struct {
	enum hf_custody_op op;
	bool only_supervisor;
	int (*run)(struct signer *s, const struct hf_custody_request *request, size_t user,
		   struct hf_err *err);
} ops[] = {
	{ HF_CUSTODY_SIGN, false, do_sign },	{ HF_CUSTODY_CREDENTIAL, false, do_credential },
	{ HF_CUSTODY_DROP, false, do_drop },	{ HF_CUSTODY_LOAD, true, do_load },
	{ HF_CUSTODY_ATTACH, true, do_attach }, { HF_CUSTODY_SEAL, true, do_seal },
	{ HF_CUSTODY_PING, true, do_ping },
};

/* 0: s->out has the answer, or is empty when there is none to give. */
static int do_request(struct signer *s, const struct hf_custody_request *request, size_t user,
		      struct hf_err *err)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(ops); i++) {
		if (ops[i].op != request->op)
			continue;
		if (ops[i].only_supervisor && user != SUPERVISOR)
			return hf_err_set(err, HF_E_PERM, "not for a worker to ask");
		return ops[i].run(s, request, user, err);
	}
	return hf_err_set(err, HF_E_INVALID, "unknown");
}

/* --- packets --- */

static void take_passed(struct signer *s, struct msghdr *message)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(message);

	hf_fd_close(s->passed);
	s->passed = -1;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len >= CMSG_LEN(sizeof(int)))
		memcpy(&s->passed, CMSG_DATA(c), sizeof(int));
}

static ssize_t receive(struct signer *s, int fd)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { s->in.data, HF_CUSTODY_MESSAGE_CAP };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = control.room,
				  .msg_controllen = sizeof(control.room) };
	ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n >= 0)
		take_passed(s, &message);
	return n >= 0 && (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ? 0 : n;
}

/* A worker that does not read its answers loses them: it asks again, or has ended. */
static void reply(struct signer *s, size_t user)
{
	if (s->out.len > 0 && !hf_buf_failed(&s->out))
		(void)!send(s->fds[user], s->out.data, s->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void hang_up(struct signer *s, size_t user)
{
	if (user == SUPERVISOR) {
		s->over = true;
		return;
	}
	hf_fd_close(s->fds[user]);
	s->fds[user] = -1;
	hf_keyring_forget(&s->ring, user);
}

static void serve(struct signer *s, size_t user)
{
	struct hf_custody_request request;
	struct hf_err err = HF_ERR_INIT;
	ssize_t n = receive(s, s->fds[user]);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || !hf_custody_request_parse((const uint8_t *)s->in.data, (size_t)n, &request)) {
		hang_up(s, user);
		return;
	}
	hf_buf_clear(&s->out);
	if (do_request(s, &request, user, &err) < 0)
		(void)hf_custody_answer_bad(request.seq, &err, &s->out);
	reply(s, user);
}

static void loop(struct signer *s)
{
	struct pollfd fds[HF_KEYRING_USERS];

	while (!s->over) {
		size_t len = s->fds_len;

		for (size_t i = 0; i < len; i++)
			fds[i] = (struct pollfd){ .fd = s->fds[i], .events = POLLIN };
		if (poll(fds, len, -1) < 0 && errno != EINTR)
			return;
		for (size_t i = 0; i < len && !s->over; i++)
			if (fds[i].revents && s->fds[i] == fds[i].fd)
				serve(s, i);
	}
}

int hf_custody_signer_run(const struct hf_custody_config *config, int control, bool at_start)
{
	struct signer s = { .config = config,
			    .at_start = at_start,
			    .in = HF_BUF_INIT(HF_CUSTODY_MESSAGE_CAP),
			    .out = HF_BUF_INIT(HF_CUSTODY_MESSAGE_CAP),
			    .passed = -1 };
	int rc = hf_buf_reserve(&s.in, HF_CUSTODY_MESSAGE_CAP);

	for (size_t i = 0; i < HF_KEYRING_USERS; i++)
		s.fds[i] = -1;
	s.fds[SUPERVISOR] = control;
	s.fds_len = SUPERVISOR + 1;
	if (rc == 0)
		loop(&s);
	hf_keyring_done(&s.ring);
	hf_buf_done(&s.in);
	hf_buf_done(&s.out);
	return rc == 0 ? 0 : EXIT_CANNOT;
}
