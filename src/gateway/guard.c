/* SPDX-License-Identifier: Apache-2.0 */
/* Taking privileges away from workers.  Must never leave one with more than was asked for: a step
 * that fails ends the worker. */
#include "gateway/guard.h"

#include <stdio.h>
#include <unistd.h>

#include "base/err.h"

int hf_guard_drop(const struct hf_gateway_config *config, struct hf_err *err)
{
	return config->guard.user ? hf_user_become(config->guard.user, err) : 0;
}

static int lock(const struct hf_gateway_config *config, const struct hf_sandbox *box,
		struct hf_err *err)
{
	struct hf_sandbox_report report;

	if (config->guard.sandbox == HF_SANDBOX_OFF)
		return 0;
	return hf_sandbox_enter(box, &report, err);
}

int hf_guard_lock(const struct hf_gateway_config *config, struct hf_err *err)
{
	const struct hf_sandbox box = { .kind = HF_SANDBOX_WORKER,
					.read = config->guard.read,
					.write = config->guard.write,
					.shut = config->guard.shut };

	return lock(config, &box, err);
}

int hf_guard_lock_follower(const struct hf_gateway_config *config, struct hf_err *err)
{
	const struct hf_sandbox box = { .kind = HF_SANDBOX_FOLLOWER };

	return lock(config, &box, err);
}

bool hf_guard_missing(const struct hf_gateway_config *config, char *out, size_t cap)
{
	struct hf_sandbox_report report;
	char words[HF_SANDBOX_WORDS_CAP];

	if (config->guard.sandbox == HF_SANDBOX_OFF) {
		(void)snprintf(out, cap, "the workers run without a sandbox (--sandbox off)");
		return true;
	}
	hf_sandbox_probe(&report);
	if (hf_sandbox_is_whole(&report))
		return false;
	hf_sandbox_describe(&report, words, sizeof(words));
	(void)snprintf(out, cap, "the sandbox of the workers is not whole: %s", words);
	return true;
}

int hf_guard_check(const struct hf_gateway_config *config, struct hf_err *err)
{
	char words[HF_SANDBOX_WORDS_CAP + 64];

	if (config->guard.user && geteuid() != 0)
		return hf_err_set(err, HF_E_INVALID, "--user %s: only root can become another user",
				  config->guard.user->name);
	if (config->guard.sandbox != HF_SANDBOX_REQUIRE ||
	    !hf_guard_missing(config, words, sizeof(words)))
		return 0;
	(void)hf_err_set(err, HF_E_UNSUPPORTED, "%s", words);
	return hf_err_hint(err, "--sandbox auto starts with what there is");
}
