/* SPDX-License-Identifier: Apache-2.0 */
/* handfast sign: certificates for requests that others wrote. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "ca/parallel.h"
#include "cli/policy_opts.h"
#include "cli/sign_inputs.h"
#include "cli/sign_outputs.h"
#include "cli/sign_progress.h"
#include "cli/sign_tell.h"
#include "util/clock.h"
#include "util/slim.h"

struct sign_opts {
	struct hf_policy_opts policy;
	struct hf_strv san, permit;
	bool copy_sans, dry_run, force;
	const char *profile, *subject, *out, *passphrase_file;
	int64_t lifetime, jobs;
};

static const struct hf_option options[] = {
	{ .name = "profile",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct sign_opts, profile),
	  .arg = "server|client|peer|intermediate",
	  .help = "what the certificates are for (required)" },
	{ .name = "san",
	  .kind = HF_OPT_LIST,
	  .offset = offsetof(struct sign_opts, san),
	  .arg = "LIST",
	  .help = "names that the certificate gets, whether the request asks for them or not" },
	{ .name = "copy-sans",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct sign_opts, copy_sans),
	  .help = "grant every name that the request asks for; look at them first" },
	{ .name = "subject",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct sign_opts, subject),
	  .arg = "/O=…/CN=…",
	  .help = "this subject instead of the request's" },
	{ .name = "days",
	  .kind = HF_OPT_DURATION,
	  .offset = offsetof(struct sign_opts, lifetime),
	  .arg = "DAYS",
	  .unit = HF_DAY_SECONDS,
	  .min = 60,
	  .max = INT64_C(36500) * HF_DAY_SECONDS,
	  .help = "how long it is valid (default: 30, intermediate 1825)" },
	{ .name = "permit",
	  .kind = HF_OPT_LIST,
	  .offset = offsetof(struct sign_opts, permit),
	  .arg = "LIST",
	  .help =
	      "with --profile intermediate: the names that the new CA may certify, as for init" },
	{ .name = "out",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct sign_opts, out),
	  .arg = "FILE|DIR",
	  .help =
	      "where to write; several requests go to DIR/NAME.pem (default: one goes to standard output)" },
	{ .name = "jobs",
	  .kind = HF_OPT_INT,
	  .offset = offsetof(struct sign_opts, jobs),
	  .arg = "N",
	  .initial = "1",
	  .min = 1,
	  .max = 64,
	  .help = "sign with up to N threads at once" },
	{ .name = "dry-run",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct sign_opts, dry_run),
	  .help =
	      "sign nothing; say what each request would get, and whether peers would accept it" },
	{ .name = "force",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct sign_opts, force),
	  .help = "replace files that are there" },
	{ .name = "passphrase-file",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct sign_opts, passphrase_file),
	  .arg = "FILE",
	  .help = "passphrase of the issuing CA's key (also: $HANDFAST_PASSPHRASE)" },
	{ .name = NULL },
};

static const struct hf_option_group groups[] = {
	{ "Options", options, 0 },
	{ "Policy", hf_policy_options, offsetof(struct sign_opts, policy) },
	{ NULL, NULL, 0 },
};

enum { CHUNK = 256 };

struct signing {
	struct hf_cmd_ctx *ctx;
	const struct sign_opts *o;
	struct hf_authority *a;
	struct hf_sign_policy policy;
	const struct hf_extfile *ext;
	struct hf_strv inputs;
	bool out_is_dir;
	struct hf_outbox outbox;
	struct hf_progress progress;
	size_t failed, failed_hard;
	int64_t now;
};

static int gather(struct signing *s)
{
	const struct hf_strv *args = s->ctx->args;
	bool any_dir = false;
	int rc = hf_sign_gather(args, &s->inputs, &any_dir, &s->ctx->err);

	if (rc < 0)
		return rc;
	s->out_is_dir = any_dir || s->inputs.len > 1 ||
			(s->o->out && (hf_is_dir(s->o->out) || hf_str_ends(s->o->out, "/")));
	if (!s->out_is_dir || s->o->dry_run)
		return 0;
	if (!s->o->out) {
		(void)hf_command_usage(s->ctx, "several requests need --out DIR");
		return hf_err_hint(&s->ctx->err,
				   "each certificate is then written to DIR/NAME.pem");
	}
	rc = hf_sign_check_names(&s->inputs, &s->ctx->err);
	return rc < 0 ? rc : hf_dir_make(s->o->out, HF_MODE_DIR, &s->ctx->err);
}

/* --- one request --- */

static int place(const struct signing *s, struct hf_sign_item *item)
{
	HF_AUTO(cstr) file = hf_str_printf("%s.pem", item->base);
	int rc = 0;

	if (!s->o->out || s->o->dry_run)
		return 0;
	if (!s->out_is_dir)
		(void)hf_str_copy(item->out, sizeof(item->out), s->o->out);
	else if (file)
		rc = hf_path_join(item->out, sizeof(item->out), s->o->out, file, &item->err);
	if (rc == 0 && !s->o->force && hf_file_exists(item->out)) {
		(void)hf_err_set(&item->err, HF_E_EXIST, "'%s' is there already", item->out);
		return hf_err_hint(&item->err, "nothing was signed for it; --force replaces it");
	}
	return rc;
}

static int load(struct hf_sign_item *item, struct hf_pemfile *file)
{
	char words[400];
	int rc = hf_pemfile_load(file, item->path, 0, NULL, &item->err);

	if (rc < 0)
		return rc;
	if (file->csrs_len == 1)
		return 0;
	hf_pemfile_describe(file, words, sizeof(words));
	(void)hf_err_set(&item->err, HF_MISTAKE_FILE_WRONG,
			 file->csrs_len ? "more than one request: %s"
					: "no certificate request: "
					  "it is %s",
			 words);
	return hf_err_hint(
	    &item->err,
	    "a request starts with -----BEGIN CERTIFICATE REQUEST-----; handfast request NAME "
	    "makes one");
}

static int prepare(struct signing *s, struct hf_sign_item *item)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	int rc;

	hf_sign_base_name(item->path, item->base, sizeof(item->base));
	rc = place(s, item);
	if (rc == 0)
		rc = load(item, &file);
	item->order.rulings.wanted = s->o->dry_run;
	if (rc == 0)
		rc = hf_extfile_tell(s->ext, &item->order.rulings);
	if (rc == 0)
		rc = hf_order_from_csr(&item->order, s->a, file.csrs[0], &s->policy, item->base,
				       &item->err);
	if (rc == 0)
		rc = hf_order_check(s->a, &item->order, s->now, &item->err);
	if (rc == 0 && s->o->dry_run)
		rc = hf_dry_run_try(s->a, &item->order, s->now, &item->tried, &item->err);
	return rc;
}

/* --- answers --- */

/* Its certificate and chain: to its file, which appears with those of the whole chunk, or to
 * standard output. */
static int deliver(struct signing *s, struct hf_sign_item *item)
{
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(HF_CLI_PEM_CAP);
	int rc = hf_cli_chain_pem(s->a, &item->order, &pem, &item->err);

	if (rc == 0 && item->out[0])
		rc = hf_outbox_add(&s->outbox, item->out, pem.data, pem.len, &item->err);
	else if (rc == 0) {
		item->answer = pem;
		pem = (struct hf_buf)HF_BUF_INIT(0);
	}
	return rc;
}

/* Nobody is told of a certificate whose file is not on the disk. */
static void deliver_all(struct signing *s, struct hf_sign_item *items, size_t len)
{
	struct hf_sign_item *added[CHUNK];
	struct hf_err errs[CHUNK];
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (items[i].err.code == 0 && deliver(s, &items[i]) == 0 && items[i].out[0])
			added[n++] = &items[i];
	}
	hf_outbox_settle(&s->outbox, errs);
	for (size_t i = 0; i < n; i++) {
		if (errs[i].code)
			added[i]->err = errs[i];
	}
	for (size_t i = 0; i < len; i++) {
		struct hf_sign_item *item = &items[i];

		if (item->err.code && item->order.cert)
			(void)hf_err_context(
			    &item->err, -item->err.code,
			    "the certificate %s was issued, but its file was not written",
			    item->order.cert->serial);
	}
}

struct chunk {
	struct signing *s;
	struct hf_sign_item *items;
};

static void prepare_nth(void *arg, size_t i)
{
	const struct chunk *chunk = arg;

	(void)prepare(chunk->s, &chunk->items[i]);
}

static int sign_chunk(struct signing *s, struct hf_sign_item *items, size_t len)
{
	struct chunk chunk = { s, items };
	struct hf_order *orders[CHUNK];
	size_t good = 0;
	int rc = 0;

	/* a trial asks for the passphrase when it signs: one after the other */
	hf_parallel(s->o->dry_run ? 1 : s->a->jobs, len, prepare_nth, &chunk);
	for (size_t i = 0; i < len; i++) {
		if (items[i].err.code == 0)
			orders[good++] = &items[i].order;
	}
	if (good > 0 && !s->o->dry_run)
		rc = hf_issue(s->a, orders, good, s->now, &s->ctx->err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < len; i++) {
		if (items[i].err.code == 0 && !s->o->dry_run && !items[i].order.cert)
			items[i].err = items[i].order.err;
	}
	if (!s->o->dry_run)
		deliver_all(s, items, len);
	hf_progress_clear(&s->progress);
	for (size_t i = 0; i < len; i++) {
		int code = items[i].err.code;

		s->failed += code != 0;
		s->failed_hard +=
		    code && code != HF_E_POLICY && code != HF_E_EXIST && code != HF_E_MISMATCH;
		hf_sign_tell(s->ctx, &items[i], s->o->dry_run, s->now);
	}
	return 0;
}

static void items_free(struct hf_sign_item *items)
{
	for (size_t i = 0; items && i < CHUNK; i++)
		hf_sign_item_done(&items[i]);
	free(items);
}
HF_DEFINE_AUTO(items, struct hf_sign_item, items_free);

static int sign_all(struct signing *s)
{
	for (size_t at = 0; at < s->inputs.len; at += CHUNK) {
		HF_AUTO(items) items = calloc(CHUNK, sizeof(*items));
		size_t len = HF_MIN(s->inputs.len - at, (size_t)CHUNK);
		int rc;

		if (!items)
			return hf_err_nomem(&s->ctx->err);
		for (size_t i = 0; i < len; i++)
			items[i].path = s->inputs.items[at + i];
		rc = sign_chunk(s, items, len);
		if (rc < 0)
			return rc;
		if (!s->ctx->out.json_mode)
			hf_out_flush(&s->ctx->out);
		hf_progress_show(&s->progress, at + len);
	}
	hf_progress_clear(&s->progress);
	return 0;
}

static int open_outbox(struct signing *s)
{
	char dir[PATH_MAX];
	char *slash;

	if (!s->o->out || s->o->dry_run)
		return 0;
	if (s->out_is_dir)
		return hf_outbox_open(&s->outbox, s->o->out, s->o->force, &s->ctx->err);
	(void)hf_str_copy(dir, sizeof(dir), s->o->out);
	slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = '\0';
	return hf_outbox_open(&s->outbox, slash ? dir : ".", s->o->force, &s->ctx->err);
}

/* --- the command --- */

static int find_profile(struct hf_cmd_ctx *ctx, const struct sign_opts *o,
			const struct hf_ca_profile **ret_profile)
{
	const char *const *words = hf_ca_profile_names();
	const char *nearest;

	if (!o->profile)
		return hf_command_usage(
		    ctx, "what are the certificates for? Add --profile server, client, peer or "
			 "intermediate");
	for (size_t i = 0; words[i]; i++) {
		if (hf_str_eq(words[i], o->profile))
			*ret_profile = hf_ca_profile_find(o->profile);
	}
	if (*ret_profile) {
		if (o->permit.len && !(*ret_profile)->is_ca)
			return hf_command_usage(ctx, "--permit is for --profile intermediate");
		return 0;
	}
	(void)hf_command_usage(ctx, "there is no profile '%s'", o->profile);
	nearest = hf_str_nearest(o->profile, words);
	return hf_err_hint(&ctx->err,
			   nearest ? "did you mean '%s'?"
				   : "server, client, peer or intermediate%s",
			   nearest ? nearest : "");
}

static void signing_done(struct signing *s)
{
	hf_strv_done(&s->inputs);
	hf_outbox_done(&s->outbox);
}
HF_DEFINE_AUTO_DONE(signing, struct signing, signing_done);

static int sign_and_tell(struct signing *s)
{
	struct hf_out *out = &s->ctx->out;
	int rc;

	hf_progress_begin(&s->progress, out, s->inputs.len);
	if (out->json_mode) {
		hf_out_json_begin(out);
		hf_json_array_begin(&out->json, "requests");
	}
	rc = sign_all(s);
	if (rc < 0)
		return rc;
	if (out->json_mode) {
		hf_json_array_end(&out->json);
		hf_out_json_end(out);
	}
	return s->failed_hard ? HF_EXIT_FAILURE : s->failed ? HF_EXIT_NO : HF_EXIT_YES;
}

static int run(struct hf_cmd_ctx *ctx)
{
	const struct sign_opts *o = ctx->opts;
	struct hf_passphrase from = { o->passphrase_file, false };
	HF_AUTO(hf_authority) a = NULL;
	HF_AUTO(NAME_CONSTRAINTS) permit = NULL;
	HF_AUTO_DONE(hf_sans) sans = HF_SANS_INIT;
	HF_AUTO_DONE(hf_extfile) ext = { .extra = NULL };
	HF_AUTO_DONE(signing) s = {
		.ctx = ctx, .o = o, .outbox.dir_fd = -1, .now = hf_clock_now()
	};
	int rc = find_profile(ctx, o, &s.policy.profile);

	if (rc == 0)
		(void)hf_slim_begin(HF_SLIM_SIGNING);
	if (rc == 0)
		rc = hf_sans_from_lists(&o->san, &sans, &ctx->err);
	if (rc == 0)
		rc = hf_cli_permit(ctx, &o->permit, &permit);
	if (rc == 0)
		rc = hf_cli_open_under_policy(ctx, &from, &o->policy, s.policy.profile, &ext, &a);
	if (rc == 0)
		rc = hf_sans_join(&sans, &ext.sans, &ctx->err);
	if (rc == 0)
		rc = gather(&s);
	if (rc == 0)
		rc = open_outbox(&s);
	if (rc != 0)
		return rc;
	s.a = a;
	a->jobs = (unsigned)o->jobs;
	s.policy.sans = &sans;
	s.policy.extra = ext.extra;
	s.ext = &ext;
	s.policy.permit = permit;
	s.policy.copy_sans = o->copy_sans;
	s.policy.subject = o->subject;
	s.policy.lifetime = o->lifetime;
	return sign_and_tell(&s);
}

static const struct hf_example examples[] = {
	{ "handfast sign node-07.csr --profile client",
	  "one request; the certificate and its chain to standard output" },
	{ "handfast sign gw.csr --profile server --san dns:gw.abc.com --out gw.pem",
	  "granting a name" },
	{ "handfast sign inbox/ --profile client --out signed/", "all requests of a folder" },
	{ NULL, NULL },
};

const struct hf_command cmd_sign = {
	.name = "sign",
	.group = "Identities",
	.arguments = "FILE|DIR…",
	.summary = "sign certificate requests",
	.description =
	    "From a request come its key and its subject. What the certificate may do is the profile's; of the "
	    "names that the request asks for it gets the one that is its common name, those that --san lists, "
	    "and all of them with --copy-sans. What is not granted is said on standard error.\n\n"
	    "Each certificate is in the ledger before it leaves, and was judged as its peers will judge it. "
	    "Intermediates are signed by the root, all else by the issuing CA.",
	.groups = groups,
	.opts_size = sizeof(struct sign_opts),
	.examples = examples,
	.exits = "0 all signed; 1 some were refused; 3 some could not be read or written",
	.see_also = "request, install, list",
	.min_args = 1,
	.max_args = -1,
	.run = run,
};
