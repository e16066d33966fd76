/* SPDX-License-Identifier: Apache-2.0 */
/* gateway/custody: the messages, which keys are kept, and the signer as a process of its own. */
#include "tls_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "gateway/custody/custody.h"
#include "gateway/custody/keyring.h"
#include "gateway/custody/wire.h"
#include "util/remote_key.h"
#include "util/slim.h"

/* --- messages --- */

static void test_questions_arrive_as_they_were(void **state)
{
	static const uint8_t digest[48] = { 1, 2, 3 };
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(HF_CUSTODY_MESSAGE_CAP);
	struct hf_custody_request got, sign = { .op = HF_CUSTODY_SIGN,
						.seq = 7,
						.key = { 9 },
						.ask = { HF_SIGN_PSS, NID_sha384, digest, 48 } };
	struct hf_custody_request load = { .op = HF_CUSTODY_LOAD,
					   .seq = 0xfffffffe,
					   .generation = 1ULL << 40,
					   .cert_path = "/c",
					   .key_path = "",
					   .passphrase_path = "/p" };

	(void)state;
	assert_int_equal(hf_custody_request_write(&sign, &out, NULL), 0);
	assert_true(hf_custody_request_parse((uint8_t *)out.data, out.len, &got));
	assert_int_equal(got.seq, 7);
	assert_int_equal(got.ask.form, HF_SIGN_PSS);
	assert_int_equal(got.ask.md, NID_sha384);
	assert_int_equal(got.ask.len, 48);
	assert_memory_equal(got.ask.data, digest, 48);
	assert_int_equal(got.key[0], 9);
	assert_int_equal(hf_custody_request_write(&load, &out, NULL), 0);
	assert_true(hf_custody_request_parse((uint8_t *)out.data, out.len, &got));
	assert_true(got.generation == 1ULL << 40);
	assert_string_equal(got.cert_path, "/c");
	assert_string_equal(got.key_path, "");
	assert_string_equal(got.passphrase_path, "/p");
}

static void test_questions_cut_short_or_longer_are_refused(void **state)
{
	static const uint8_t digest[32] = { 1 };
	struct hf_custody_request got, rows[] = {
		{ .op = HF_CUSTODY_SIGN, .ask = { HF_SIGN_ECDSA, NID_sha256, digest, 32 } },
		{ .op = HF_CUSTODY_LOAD, .cert_path = "a", .key_path = "b", .passphrase_path = "" },
		{ .op = HF_CUSTODY_DROP, .number = 1 },
		{ .op = HF_CUSTODY_PING },
	};

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(HF_CUSTODY_MESSAGE_CAP);

		assert_int_equal(hf_custody_request_write(&rows[i], &out, NULL), 0);
		for (size_t len = 0; len < out.len; len++)
			assert_false(hf_custody_request_parse((uint8_t *)out.data, len, &got));
		assert_int_equal(hf_buf_putc(&out, 'x'), 0);
		assert_false(hf_custody_request_parse((uint8_t *)out.data, out.len, &got));
	}
}

static void test_signatures_of_the_wrong_shape_are_not_asked_for(void **state)
{
	static const uint8_t data[100] = { 1 };
	const struct hf_sign_ask bad[] = {
		{ HF_SIGN_ECDSA, NID_sha256, data, 31 },
		{ HF_SIGN_ECDSA, NID_sha256, data, 33 },
		{ HF_SIGN_ECDSA, NID_undef, data, 32 },
		{ HF_SIGN_ECDSA, NID_sha1, data, 20 },
		{ HF_SIGN_EDDSA, NID_sha256, data, 32 },
		{ (enum hf_sign_form)0, NID_sha256, data, 32 },
		{ (enum hf_sign_form)9, NID_sha256, data, 32 },
		{ HF_SIGN_PKCS1, NID_sha512, data, 100 },
	};
	struct hf_custody_request got;

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(bad); i++) {
		HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(HF_CUSTODY_MESSAGE_CAP);
		struct hf_custody_request request = { .op = HF_CUSTODY_SIGN, .ask = bad[i] };

		assert_int_equal(hf_custody_request_write(&request, &out, NULL), 0);
		assert_false(hf_custody_request_parse((uint8_t *)out.data, out.len, &got));
	}
}

static void test_too_much_is_not_sent(void **state)
{
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(HF_CUSTODY_MESSAGE_CAP);
	uint8_t *big = calloc(1, HF_CUSTODY_MESSAGE_CAP);
	struct hf_custody_request got, request = {
		.op = HF_CUSTODY_SIGN,
		.ask = { HF_SIGN_EDDSA, NID_undef, big, HF_CUSTODY_MESSAGE_CAP },
	};

	(void)state;
	assert_int_equal(hf_custody_request_write(&request, &out, NULL), -HF_E_LIMIT);
	request.ask.len = HF_CUSTODY_TEXT_CAP;
	assert_int_equal(hf_custody_request_write(&request, &out, NULL), 0);
	assert_true(hf_custody_request_parse((uint8_t *)out.data, out.len, &got));
	request.ask.len++;
	assert_int_equal(hf_custody_request_write(&request, &out, NULL), 0);
	assert_false(hf_custody_request_parse((uint8_t *)out.data, out.len, &got));
	free(big);
}

static void test_failures_travel_with_code_and_hint(void **state)
{
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(HF_CUSTODY_MESSAGE_CAP);
	struct hf_custody_answer got;
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	(void)hf_err_set(&err, HF_E_MISMATCH, "not the same key");
	(void)hf_err_hint(&err, "make another");
	assert_int_equal(hf_custody_answer_bad(3, &err, &out), 0);
	assert_true(hf_custody_answer_parse((uint8_t *)out.data, out.len, &got));
	assert_int_equal(got.code, HF_E_MISMATCH);
	assert_string_equal(got.text, "not the same key");
	assert_string_equal(got.hint, "make another");
	assert_false(hf_custody_answer_parse((uint8_t *)out.data, out.len - 1, &got));
	assert_int_equal(hf_custody_answer_good(4, "sig", 3, &out), 0);
	assert_true(hf_custody_answer_parse((uint8_t *)out.data, out.len, &got));
	assert_int_equal(got.code, 0);
	assert_int_equal(got.len, 3);
	assert_false(hf_custody_answer_parse((uint8_t *)out.data, 5, &got));
}

/* --- a credential to have in custody --- */

static const struct fx_spec spec = { .subject = "/CN=localhost",
				     .exts = { { "subjectAltName", "DNS:localhost" } } };

static struct hf_credential *made(EVP_PKEY *key)
{
	struct tx_party party = { .key = key };
	struct hf_credential *credential;

	assert_int_equal(EVP_PKEY_up_ref(key), 1);
	party.x509 = tx_as_read(fx_x509(&spec, key, NULL, NULL));
	tx_credential(&party);
	credential = hf_take(party.credential);
	credential->cert_path = strdup("/c");
	tx_party_done(&party);
	return credential;
}

static void test_an_entry_has_no_private_half(void **state)
{
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(HF_CUSTODY_MESSAGE_CAP);
	HF_AUTO(EVP_PKEY) key = fx_key(HF_KEY_P256);
	HF_AUTO(hf_credential) credential = made(key), back = NULL;
	const struct hf_custody_entry entry = { 77, credential };
	struct hf_custody_entry got;

	(void)state;
	credential->reordered = true;
	assert_int_equal(hf_custody_entry_write(&entry, &out), 0);
	assert_int_equal(hf_custody_entry_parse((uint8_t *)out.data, out.len, &got, NULL), 0);
	back = got.credential;
	assert_int_equal(got.number, 77);
	assert_null(back->key);
	assert_true(back->reordered && !back->stray_dropped);
	assert_string_equal(back->cert_path, "/c");
	assert_null(back->key_path);
	assert_true(hf_cert_equal(back->chain.items[0], credential->chain.items[0]));
	for (size_t len = 0; len < out.len; len += 7)
		assert_true(hf_custody_entry_parse((uint8_t *)out.data, len, &got, NULL) < 0);
}

static struct hf_keyring_entry *add(struct hf_keyring *ring, uint64_t generation, EVP_PKEY *key)
{
	struct hf_keyring_entry *entry = NULL;

	assert_int_equal(hf_keyring_add(ring, generation, "/c", "", made(key), &entry, NULL), 0);
	return entry;
}

static void test_a_key_stays_while_a_worker_uses_it(void **state)
{
	HF_AUTO(EVP_PKEY) one = fx_key(HF_KEY_P256), two = fx_key(HF_KEY_P256);
	struct hf_keyring ring = { .len = 0 };
	struct hf_keyring_entry *first = add(&ring, 1, one);
	uint8_t spki[HF_SHA256_LEN];
	uint32_t number = first->number;

	(void)state;
	memcpy(spki, first->spki, sizeof(spki));
	hf_keyring_use(first, 1);
	hf_keyring_use(first, 2);
	(void)add(&ring, 2, two);
	assert_int_equal(ring.len, 2);
	assert_non_null(hf_keyring_key(&ring, spki));
	hf_keyring_drop(&ring, number, 1);
	hf_keyring_drop(&ring, number, 1); /* once too often: not another's */
	assert_non_null(hf_keyring_key(&ring, spki));
	hf_keyring_forget(&ring, 2);
	assert_null(hf_keyring_key(&ring, spki));
	assert_int_equal(ring.len, 1);
	/* the newest stays, used or not, and stands in for what has gone */
	hf_keyring_forget(&ring, 3);
	assert_int_equal(ring.len, 1);
	assert_int_equal(hf_keyring_find(&ring, 1, "/c", "")->generation, 2);
	assert_null(hf_keyring_find(&ring, 2, "/other", ""));
	hf_keyring_done(&ring);
}

static void test_a_generation_that_is_read_again_replaces_itself(void **state)
{
	HF_AUTO(EVP_PKEY) one = fx_key(HF_KEY_P256);
	struct hf_keyring ring = { .len = 0 };

	(void)state;
	for (int i = 0; i < 5; i++)
		(void)add(&ring, 2, one);
	assert_int_equal(ring.len, 1);
	hf_keyring_done(&ring);
}

static void test_the_keyring_is_bounded(void **state)
{
	HF_AUTO(EVP_PKEY) one = fx_key(HF_KEY_P256);
	struct hf_keyring ring = { .len = 0 };
	struct hf_keyring_entry *entry = NULL;

	(void)state;
	for (uint64_t i = 1; i <= HF_KEYRING_CAP; i++)
		hf_keyring_use(add(&ring, i, one), 1);
	assert_int_equal(hf_keyring_add(&ring, HF_KEYRING_CAP + 1, "/c", "", made(one), &entry,
					NULL),
			 -HF_E_LIMIT);
	assert_null(entry);
	hf_keyring_forget(&ring, 1);
	assert_int_equal(ring.len, 1);
	hf_keyring_done(&ring);
}

/* --- the process --- */

/* Stands for the files: a signer that is forked has what was set before. */
struct source {
	EVP_PKEY *key;
	bool bad;
};

static int load(void *arg, const struct hf_custody_files *files, bool at_start,
		struct hf_credential **ret_credential, struct hf_err *err)
{
	struct source *source = arg;

	(void)at_start;
	if (source->bad || strcmp(files->cert, "/c") != 0) {
		(void)hf_err_set(err, HF_E_NOENT, "there is no '%s'", files->cert);
		return hf_err_hint(err, "look elsewhere");
	}
	*ret_credential = made(source->key);
	return 0;
}

static const struct hf_custody_files files = { "/c", NULL, NULL };

static bool signs(const struct hf_credential *credential)
{
	HF_AUTO(EVP_MD_CTX) sign = EVP_MD_CTX_new(), verify = EVP_MD_CTX_new();
	static const uint8_t text[] = "text";
	uint8_t out[HF_SIGNATURE_CAP];
	size_t len = sizeof(out);

	return EVP_DigestSignInit(sign, NULL, EVP_sha256(), NULL, credential->key) == 1 &&
	       EVP_DigestSign(sign, out, &len, text, sizeof(text)) == 1 &&
	       EVP_DigestVerifyInit(verify, NULL, EVP_sha256(), NULL,
				    hf_cert_key_get0(credential->chain.items[0])) == 1 &&
	       EVP_DigestVerify(verify, out, len, text, sizeof(text)) == 1;
}

static void seal(struct hf_custody *custody)
{
	char words[256];
	struct hf_err err = HF_ERR_INIT;

	if (hf_custody_seal(custody, words, sizeof(words), &err) < 0)
		fail_msg("%s", err.msg);
}

/* In a worker: 0 when everything is as it should be, else the step. */
static int work(struct hf_custody *custody)
{
	HF_AUTO(hf_credential) credential = NULL, none = NULL;
	const struct hf_custody_files other = { "/other", NULL, NULL };
	struct hf_err err = HF_ERR_INIT;

	if (hf_custody_credential(custody, 1, &files, &credential, &err) < 0)
		return 1;
	for (int i = 0; i < 50; i++)
		if (!signs(credential))
			return 2;
	/* a worker gets what was loaded, and has nothing read */
	if (hf_custody_credential(custody, 1, &other, &none, &err) != -HF_E_NOENT)
		return 3;
	return 0;
}

static int status_of_worker(struct hf_custody *custody, size_t index,
			    int (*body)(struct hf_custody *custody))
{
	struct hf_err err = HF_ERR_INIT;
	int fd = -1, status = 0;
	pid_t pid;

	assert_int_equal(hf_custody_attach(custody, index, &fd, &err), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		hf_custody_become_worker(custody, fd);
		_exit(body(custody));
	}
	(void)close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_the_signer_signs_for_all(void **state)
{
	struct source source = { .key = fx_key(HF_KEY_P256) };
	const struct hf_custody_config config = { load, &source, true };
	const struct hf_custody_files other = { "/other", NULL, NULL };
	HF_AUTO(hf_credential) mine = NULL, none = NULL;
	struct hf_custody *custody = NULL;
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	assert_int_equal(hf_custody_start(&config, &custody, &err), 0);
	assert_int_equal(hf_custody_credential(custody, 1, &other, &none, &err), -HF_E_NOENT);
	assert_string_equal(err.msg, "there is no '/other'");
	assert_string_equal(err.hint, "look elsewhere");
	assert_int_equal(hf_custody_credential(custody, 1, &files, &mine, &err), 0);
	assert_true(hf_key_same(mine->key, source.key));
	assert_true(signs(mine));
	seal(custody);
	assert_true(signs(mine)); /* also locked up */
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(status_of_worker(custody, i, work), 0);
	assert_int_equal(status_of_worker(custody, 0, work), 0);
	hf_credential_free(hf_take(mine));
	hf_custody_free(custody);
	EVP_PKEY_free(source.key);
}

/* A worker must not get at what only the supervisor may ask. */
static int presumes(struct hf_custody *custody)
{
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(HF_CUSTODY_MESSAGE_CAP);
	static const enum hf_custody_op ops[] = { HF_CUSTODY_LOAD, HF_CUSTODY_ATTACH,
						  HF_CUSTODY_SEAL, HF_CUSTODY_PING };
	int fd = hf_custody_fd(custody);

	for (size_t i = 0; i < HF_ARRAY_LEN(ops); i++) {
		struct hf_custody_request request = { .op = ops[i],
						      .seq = 1,
						      .cert_path = "/c",
						      .key_path = "",
						      .passphrase_path = "" };
		struct hf_custody_answer answer;
		uint8_t in[512];
		ssize_t n;

		if (hf_custody_request_write(&request, &out, NULL) < 0 ||
		    send(fd, out.data, out.len, 0) < 0)
			return 1;
		n = recv(fd, in, sizeof(in), 0);
		if (n <= 0 || !hf_custody_answer_parse(in, (size_t)n, &answer) ||
		    answer.code != HF_E_PERM)
			return 2;
	}
	/* and what makes no sense ends the conversation */
	if (send(fd, "nonsense", 8, 0) < 0)
		return 3;
	return recv(fd, out.data, 1, 0) <= 0 ? 0 : 4;
}

static void test_a_worker_is_not_the_supervisor(void **state)
{
	struct source source = { .key = fx_key(HF_KEY_P256) };
	const struct hf_custody_config config = { load, &source, true };
	HF_AUTO(hf_credential) mine = NULL;
	struct hf_custody *custody = NULL;
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	assert_int_equal(hf_custody_start(&config, &custody, &err), 0);
	assert_int_equal(hf_custody_credential(custody, 1, &files, &mine, &err), 0);
	seal(custody);
	assert_int_equal(status_of_worker(custody, 0, presumes), 0);
	assert_true(signs(mine)); /* the signer minds its business */
	hf_credential_free(hf_take(mine));
	hf_custody_free(custody);
	EVP_PKEY_free(source.key);
}

static void kill_signer(struct hf_custody *custody)
{
	pid_t pid = hf_custody_pid(custody);

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	hf_custody_ended(custody);
}

static void test_a_signer_that_died_is_replaced(void **state)
{
	struct source source = { .key = fx_key(HF_KEY_P256) };
	const struct hf_custody_config config = { load, &source, true };
	HF_AUTO(hf_credential) old = NULL, fresh = NULL;
	struct hf_custody *custody = NULL;
	struct hf_err err = HF_ERR_INIT;
	int fd = -1;

	(void)state;
	assert_int_equal(hf_custody_start(&config, &custody, &err), 0);
	assert_int_equal(hf_custody_credential(custody, 1, &files, &old, &err), 0);
	seal(custody);
	assert_int_equal(hf_custody_attach(custody, 5, &fd, &err), 0);
	kill_signer(custody);
	assert_false(signs(old)); /* at once, and not for ever */
	assert_int_equal(hf_custody_credential(custody, 2, &files, &fresh, &err), -HF_E_BUSY);
	assert_int_equal(hf_custody_restart(custody, &err), 0);
	assert_false(signs(old)); /* it has no keys yet */
	assert_int_equal(hf_custody_credential(custody, 2, &files, &fresh, &err), 0);
	assert_true(signs(fresh));
	assert_true(signs(old)); /* the same key, found by what it is */
	(void)close(fd);
	hf_credential_free(hf_take(old));
	hf_credential_free(hf_take(fresh));
	hf_custody_free(custody);
	EVP_PKEY_free(source.key);
}

/* The worker asks while there is no signer; the answer comes from the next one. */
static int asks_early(struct hf_custody *custody)
{
	HF_AUTO(hf_credential) credential = NULL;
	struct hf_err err = HF_ERR_INIT;

	return hf_custody_credential(custody, 2, &files, &credential, &err) == 0 &&
		       signs(credential)
		   ? 0
		   : 1;
}

static void test_a_question_waits_for_the_next_signer(void **state)
{
	struct source source = { .key = fx_key(HF_KEY_P256) };
	const struct hf_custody_config config = { load, &source, true };
	HF_AUTO(hf_credential) old = NULL, fresh = NULL;
	struct hf_custody *custody = NULL;
	struct hf_err err = HF_ERR_INIT;
	int fd = -1, status = -1;
	pid_t pid;

	(void)state;
	assert_int_equal(hf_custody_start(&config, &custody, &err), 0);
	assert_int_equal(hf_custody_credential(custody, 1, &files, &old, &err), 0);
	seal(custody);
	kill_signer(custody);
	assert_int_equal(hf_custody_attach(custody, 0, &fd, &err), 0);
	pid = fork();
	if (pid == 0) {
		hf_custody_become_worker(custody, fd);
		_exit(asks_early(custody));
	}
	(void)close(fd);
	assert_int_equal(hf_custody_restart(custody, &err), 0);
	assert_int_equal(hf_custody_credential(custody, 2, &files, &fresh, &err), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* it may have asked before the key was read: then it is told so, and asks no more */
	assert_true(WIFEXITED(status));
	assert_int_equal(status_of_worker(custody, 0, asks_early), 0);
	hf_credential_free(hf_take(old));
	hf_credential_free(hf_take(fresh));
	hf_custody_free(custody);
	EVP_PKEY_free(source.key);
}

static void test_a_signer_that_hangs_hangs_nobody(void **state)
{
	struct source source = { .key = fx_key(HF_KEY_P256) };
	const struct hf_custody_config config = { load, &source, true };
	HF_AUTO(hf_credential) mine = NULL;
	struct hf_custody *custody = NULL;
	struct hf_err err = HF_ERR_INIT;
	pid_t pid;
	int status = 0;

	(void)state;
	assert_int_equal(hf_custody_start(&config, &custody, &err), 0);
	assert_int_equal(hf_custody_credential(custody, 1, &files, &mine, &err), 0);
	seal(custody);
	pid = hf_custody_pid(custody);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	for (int i = 0; i < 5; i++)
		assert_false(signs(mine));
	assert_int_equal(kill(pid, SIGCONT), 0);
	/* what was asked meanwhile is answered too late and thrown away */
	for (int i = 0; i < 100 && !signs(mine); i++)
		continue;
	assert_true(signs(mine));
	assert_int_equal(kill(pid, SIGSTOP), 0);
	hf_custody_watch(custody, 1000);
	hf_custody_watch(custody, 2000);
	hf_custody_watch(custody, 60000); /* too long */
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	hf_custody_ended(custody);
	hf_credential_free(hf_take(mine));
	hf_custody_free(custody);
	EVP_PKEY_free(source.key);
}

static void test_a_sign_of_life_is_enough(void **state)
{
	struct source source = { .key = fx_key(HF_KEY_P256) };
	const struct hf_custody_config config = { load, &source, true };
	struct hf_custody *custody = NULL;
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	assert_int_equal(hf_custody_start(&config, &custody, &err), 0);
	for (int64_t now = 1000; now < 100000; now += 9000) {
		char byte;

		hf_custody_watch(custody, now);
		(void)recv(hf_custody_fd(custody), &byte, 1, MSG_PEEK);
		hf_custody_heard(custody);
	}
	assert_int_equal(kill(hf_custody_pid(custody), 0), 0);
	hf_custody_free(custody);
	EVP_PKEY_free(source.key);
}

static int begin(void **state)
{
	(void)state;
	(void)hf_slim_begin(HF_SLIM_TLS);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_questions_arrive_as_they_were),
		cmocka_unit_test(test_questions_cut_short_or_longer_are_refused),
		cmocka_unit_test(test_signatures_of_the_wrong_shape_are_not_asked_for),
		cmocka_unit_test(test_too_much_is_not_sent),
		cmocka_unit_test(test_failures_travel_with_code_and_hint),
		cmocka_unit_test(test_an_entry_has_no_private_half),
		cmocka_unit_test(test_a_key_stays_while_a_worker_uses_it),
		cmocka_unit_test(test_a_generation_that_is_read_again_replaces_itself),
		cmocka_unit_test(test_the_keyring_is_bounded),
		cmocka_unit_test(test_the_signer_signs_for_all),
		cmocka_unit_test(test_a_worker_is_not_the_supervisor),
		cmocka_unit_test(test_a_signer_that_died_is_replaced),
		cmocka_unit_test(test_a_question_waits_for_the_next_signer),
		cmocka_unit_test(test_a_signer_that_hangs_hangs_nobody),
		cmocka_unit_test(test_a_sign_of_life_is_enough),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
