/* SPDX-License-Identifier: Apache-2.0 */
/* From the options about privileges to the gateway's signer and sandbox.  Must never start with
 * less than was asked for. */
#include "cli/serve_guard.h"

#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "gateway/guard.h"

static const char *const sandbox_words[] = { "auto", "require", "off", NULL };

const struct hf_option hf_guard_options[] = {
	{ .name = "key-in-process",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct hf_guard_opts, key_in_process),
	  .help =
	      "every worker has the private key; by default only a process without network has it, "
	      "and signs for them" },
	{ .name = "sandbox",
	  .kind = HF_OPT_WORD,
	  .offset = offsetof(struct hf_guard_opts, sandbox),
	  .words = sandbox_words,
	  .initial = "auto",
	  .help =
	      "what workers and signer may do (no new privileges, Landlock, seccomp): as much of it as "
	      "the kernel has, all of it or no start, nothing" },
	{ .name = "user",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_guard_opts, user),
	  .arg = "NAME[:GROUP]",
	  .help = "started by root: what the workers become, once the ports are bound" },
	{ .name = NULL },
};

/* In the signer. */
static int read_key(void *arg, const struct hf_custody_files *files, bool at_start,
		    struct hf_credential **ret_credential, struct hf_err *err)
{
	return hf_serve_read_credential(arg, files, at_start, ret_credential, err);
}

/* With the keys in them, workers read for themselves; else the supervisor reads for them, and they
 * open what they answer with. */
static int list_reads(struct hf_serve_guard *guard, const struct hf_serve_opts *opts,
		      struct hf_serve_source *source, struct hf_err *err)
{
	static const char *const kinds[] = { "file:", "dir:" };
	int rc = opts->guard.key_in_process ? hf_serve_reads(source, &guard->read)
					    : hf_serve_keys(source, &guard->shut);

	for (size_t i = 0; rc == 0 && opts->respond && i < HF_ARRAY_LEN(kinds); i++)
		if (hf_str_starts(opts->respond, kinds[i]) &&
		    hf_strv_add(&guard->read, opts->respond + strlen(kinds[i])) < 0)
			rc = hf_err_nomem(err);
	if (rc == 0 && opts->access_log && hf_strv_add(&guard->write, opts->access_log) < 0)
		rc = hf_err_nomem(err);
	return rc;
}

static void warn_of_what_is_missing(struct hf_cmd_ctx *ctx, const struct hf_gateway_config *config)
{
	char words[HF_SANDBOX_WORDS_CAP + 64];

	if (config->guard.sandbox == HF_SANDBOX_AUTO &&
	    hf_guard_missing(config, words, sizeof(words)))
		hf_out_warn(&ctx->out, "%s", words);
}

int hf_serve_guard_begin(struct hf_serve_guard *guard, const struct hf_serve_opts *opts,
			 struct hf_serve_source *source, struct hf_gateway_config *config,
			 struct hf_err *err)
{
	const struct hf_guard_opts *asked = &opts->guard;
	int rc = asked->user ? hf_user_parse(asked->user, &guard->user, err) : 0;

	if (rc < 0)
		return rc;
	guard->keys =
	    (struct hf_custody_config){ read_key, source, asked->sandbox != HF_SANDBOX_OFF };
	config->guard = (struct hf_gateway_guard){
		.sandbox = (enum hf_sandbox_use)asked->sandbox,
		.user = asked->user ? &guard->user : NULL,
		.read = &guard->read,
		.write = &guard->write,
		.shut = &guard->shut,
	};
	rc = list_reads(guard, opts, source, err);
	if (rc == 0 && asked->sandbox != HF_SANDBOX_OFF) {
		rc = hf_serve_reads(source, &guard->known);
		source->known = &guard->known;
	}
	if (rc == 0)
		rc = hf_guard_check(config, err);
	if (rc < 0)
		return rc;
	warn_of_what_is_missing(source->ctx, config);
	if (asked->key_in_process)
		return 0;
	rc = hf_custody_start(&guard->keys, &config->custody, err);
	if (rc == 0) /* after the fork: the signer has no part in it */
		rc = hf_notice_new(&source->read, err);
	source->keeper = getpid();
	source->custody = config->custody;
	return rc;
}

void hf_serve_guard_end(struct hf_serve_guard *guard, struct hf_gateway_config *config)
{
	hf_custody_free(config->custody);
	config->custody = NULL;
	hf_strv_done(&guard->read);
	hf_strv_done(&guard->write);
	hf_strv_done(&guard->known);
	hf_strv_done(&guard->shut);
}
