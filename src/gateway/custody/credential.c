/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials whose key asks the signer.  Must never have a private half in this process. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "gateway/custody/channel.h"
#include "util/clock.h"
#include "util/log.h"

enum {
	SIGN_MS = 2000,
	SIGN_SICK_MS = 100, /* after one that was in vain: others wait in this worker */
	READ_MS = 10 * 1000,
};

/* What a key that asks has instead of a private half. */
struct hold {
	struct hf_custody *custody;
	uint32_t number;
	uint8_t spki[HF_SHA256_LEN];
};

static void complain(struct hf_custody *custody, const struct hf_err *err)
{
	if (hf_log_bucket_take(&custody->complaints, hf_clock_monotonic_ms()))
		hf_log_say("a handshake failed by our own fault: no signature: %s", err->msg);
}

static int sign(void *arg, const struct hf_sign_ask *ask, uint8_t *out, size_t cap, size_t *ret_len,
		struct hf_err *err)
{
	const struct hold *hold = arg;
	struct hf_custody *custody = hold->custody;
	struct hf_custody_request request = { .op = HF_CUSTODY_SIGN, .ask = *ask };
	struct hf_custody_answer answer;
	int rc;

	memcpy(request.key, hold->spki, sizeof(request.key));
	rc = hf_custody_ask(custody, &request, custody->sick ? SIGN_SICK_MS : SIGN_MS, -1, &answer,
			    err);
	if (rc == 0 && (answer.len == 0 || answer.len > cap))
		rc = hf_err_set(err, HF_E_PARSE, "the signer's answer makes no sense");
	if (rc < 0) {
		complain(custody, err);
		return rc;
	}
	memcpy(out, answer.data, answer.len);
	*ret_len = answer.len;
	return 0;
}

static void unref(void *arg)
{
	struct hold *hold = arg;
	struct hf_custody_request request = { .op = HF_CUSTODY_DROP, .number = hold->number };

	hf_custody_tell(hold->custody, &request);
	free(hold);
}

static int make_key(struct hf_custody *custody, const struct hf_custody_entry *entry,
		    EVP_PKEY **ret_key, struct hf_err *err)
{
	static const struct hf_remote_key_ops ops = { sign, unref };
	EVP_PKEY *public = hf_cert_key_get0(entry->credential->chain.items[0]);
	struct hold *hold = calloc(1, sizeof(*hold));
	int rc;

	if (hold == NULL)
		return hf_err_nomem(err);
	hold->custody = custody;
	hold->number = entry->number;
	rc = public ? hf_key_spki_sha256(public, hold->spki, err)
		    : hf_err_set(err, HF_E_UNSUPPORTED, "the certificate's key does not decode");
	if (rc == 0)
		rc = hf_remote_key_new(public, &ops, hold, ret_key, err);
	if (rc < 0)
		free(hold);
	return rc;
}

static char *taken(char **from)
{
	return hf_take(*from);
}

/* Joins the certificates that came with a key that asks; the rest is as the signer found it. */
static int join(struct hf_custody *custody, struct hf_custody_entry *entry,
		struct hf_credential **ret_credential, struct hf_err *err)
{
	HF_AUTO(hf_credential) told = hf_take(entry->credential);
	HF_AUTO(hf_credential) made = NULL;
	HF_AUTO(EVP_PKEY) key = NULL;
	const struct hf_custody_entry from = { entry->number, told };
	int rc = make_key(custody, &from, &key, err);

	if (rc == 0)
		rc = hf_credential_new(key, &told->chain, &made, err);
	if (rc < 0)
		return rc;
	assert(made);
	made->cert_path = taken(&told->cert_path);
	made->key_path = taken(&told->key_path);
	made->key_world_readable = told->key_world_readable;
	made->stray_dropped = told->stray_dropped;
	made->reordered = told->reordered;
	*ret_credential = hf_take(made);
	return 0;
}

int hf_custody_credential(struct hf_custody *custody, uint64_t generation,
			  const struct hf_custody_files *files,
			  struct hf_credential **ret_credential, struct hf_err *err)
{
	struct hf_custody_request request = {
		.op = custody->is_worker ? HF_CUSTODY_CREDENTIAL : HF_CUSTODY_LOAD,
		.generation = generation,
		.cert_path = files->cert,
		.key_path = files->key ? files->key : "",
		.passphrase_path = files->passphrase ? files->passphrase : "",
	};
	struct hf_custody_answer answer;
	struct hf_custody_entry entry;
	bool at_start = !custody->is_worker && !custody->sealed;
	int rc = hf_custody_ask(custody, &request, at_start ? HF_CUSTODY_FOR_EVER : READ_MS, -1,
				&answer, err);

	if (rc == 0)
		rc = hf_custody_entry_parse(answer.data, answer.len, &entry, err);
	return rc < 0 ? rc : join(custody, &entry, ret_credential, err);
}
