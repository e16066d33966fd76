/* SPDX-License-Identifier: Apache-2.0 */
/* handfast renew: a new key and certificate for the same identity, in time.  Must never renew what
 * was revoked, and never leave a key beside another key's certificate. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/time.h"
#include "ca/shards.h"
#include "cli/ca_common.h"
#include "cli/common.h"
#include "cli/renew.h"
#include "cli/renew_exec.h"
#include "cli/renew_from.h"
#include "util/clock.h"
#include "util/home.h"

struct hf_renew_opts {
	bool all, watch;
	int64_t before, lifetime;
	const char *exec, *from, *passphrase_file;
};

static const struct hf_option options[] = {
	{ .name = "all",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct hf_renew_opts, all),
	  .help =
	      "every identity of the home that its authority issued, and the authority's revocation lists" },
	{ .name = "before",
	  .kind = HF_OPT_DURATION,
	  .offset = offsetof(struct hf_renew_opts, before),
	  .arg = "TIME",
	  .unit = HF_DAY_SECONDS,
	  .help = "renew when less than this is left (10d; default: a third of its life)" },
	{ .name = "days",
	  .kind = HF_OPT_DURATION,
	  .offset = offsetof(struct hf_renew_opts, lifetime),
	  .arg = "DAYS",
	  .unit = HF_DAY_SECONDS,
	  .min = 60,
	  .max = INT64_C(36500) * HF_DAY_SECONDS,
	  .help = "how long the new one is valid (default: as long as the old one was)" },
	{ .name = "exec",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_renew_opts, exec),
	  .arg = "CMD",
	  .help =
	      "run this by the shell after each change; HANDFAST_NAME, _CERT, _KEY, _CA, _SERIAL and _HOME are set" },
	{ .name = "from",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_renew_opts, from),
	  .arg = "URL",
	  .help =
	      "renew at the authority there (handfast authority), with the certificate that is here" },
	{ .name = "watch",
	  .kind = HF_OPT_FLAG,
	  .offset = offsetof(struct hf_renew_opts, watch),
	  .help = "stay, and renew whenever something is due; SIGHUP looks at once" },
	{ .name = "passphrase-file",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_renew_opts, passphrase_file),
	  .arg = "FILE",
	  .help = "passphrase of the issuing CA's key (also: $HANDFAST_PASSPHRASE)" },
	{ .name = NULL },
};

static const struct hf_option_group groups[] = {
	{ "Options", options, 0 },
	{ NULL, NULL, 0 },
};

static void due_at(struct hf_renewal *r, int64_t at)
{
	r->next_at = HF_MIN(r->next_at, at);
}

/* --- one identity --- */

static int load_leaf(struct hf_cmd_ctx *ctx, const char *name, struct hf_cert **ret_cert)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	char path[PATH_MAX];
	int rc = hf_home_id(ctx->home, name, "cert.pem", path, &ctx->err);

	if (rc < 0)
		return rc;
	if (!hf_file_exists(path)) {
		(void)hf_err_set(&ctx->err, HF_E_NOENT,
				 "there is no identity '%s' ('%s' is missing)", name, path);
		hf_cli_hint_identity(ctx->home, name, &ctx->err);
		return -HF_E_NOENT;
	}
	rc = hf_pemfile_load(&file, path, 0, NULL, &ctx->err);
	if (rc == 0 && file.certs.len == 0)
		return hf_err_set(&ctx->err, HF_MISTAKE_FILE_WRONG, "'%s' holds no certificate",
				  path);
	if (rc == 0)
		*ret_cert = hf_cert_ref(file.certs.items[0]);
	return rc;
}

static int find_record(struct hf_renewal *r, const struct hf_cert *cert, struct hf_records *found)
{
	struct hf_record_filter filter = { .sha256 = cert->sha256, .limit = 1 };

	assert(r->a); /* without --from */
	return hf_store_collect(r->a->store, &filter, found, &r->ctx->err);
}

static int foreign(struct hf_renewal *r, const char *name, const struct hf_cert *cert)
{
	(void)hf_err_set(&r->ctx->err, HF_E_POLICY,
			 "'%s' was issued by '%s', not by the authority of this home", name,
			 cert->issuer);
	return hf_err_hint(
	    &r->ctx->err,
	    "ask there: handfast request %s --force, have it signed, handfast install %s FILE "
	    "--force",
	    name, name);
}

static int revoked(struct hf_renewal *r, const char *name)
{
	(void)hf_err_set(&r->ctx->err, HF_E_POLICY,
			 "the certificate of '%s' is revoked and is not renewed", name);
	return hf_err_hint(&r->ctx->err, "if the identity is to live on: handfast issue %s --force",
			   name);
}

static void tell_json(struct hf_renewal *r, const char *name, const struct hf_cert *cert,
		      bool renewed)
{
	struct hf_json *j = &r->ctx->out.json;

	if (!r->ctx->out.json_mode)
		return;
	hf_json_object_begin(j, NULL);
	hf_json_string(j, "name", name);
	hf_json_bool(j, "renewed", renewed);
	hf_cli_json_cert(j, cert);
	hf_json_object_end(j);
}

static int64_t margin(const struct hf_renewal *r, int64_t from, int64_t until)
{
	return r->o->before ? r->o->before : (until - from) / 3;
}

static int renewed(struct hf_renewal *r, const char *name, const char *dir,
		   const struct hf_cert *cert)
{
	char until[80];

	r->renewed++;
	due_at(r, cert->not_after - margin(r, cert->not_before, cert->not_after));
	hf_cli_until(cert->not_after, r->now, until, sizeof(until));
	hf_out_print(&r->ctx->out, "%s: renewed, until %s, serial %s\n", name, until, cert->serial);
	tell_json(r, name, cert, true);
	hf_out_flush(&r->ctx->out);
	return r->o->exec
		   ? hf_renew_exec(r->o->exec, r->ctx->home, name, dir, cert->serial, &r->ctx->err)
		   : 0;
}

static int renew_now(struct hf_renewal *r, const char *name, const struct hf_cert *old,
		     const struct hf_record *record)
{
	HF_AUTO_DONE(hf_order) order = { .lifetime = r->o->lifetime };
	enum hf_key_type type = old->key_type == HF_KEY_OTHER ? HF_KEY_P256 : old->key_type;
	char dir[PATH_MAX];
	int rc = hf_order_like(&order, old, record->name, record->profile, &r->ctx->err);

	if (!order.lifetime) /* the old one began a little before it was made */
		order.lifetime = old->not_after - old->not_before - HF_BACKDATE_SECONDS;
	if (rc == 0)
		rc = hf_home_id(r->ctx->home, name, "", dir, &r->ctx->err);
	if (rc == 0)
		rc = hf_cli_issue_into(r->ctx, r->a, &order, type, dir, true, r->now);
	if (rc < 0)
		return rc;
	hf_cli_tell_notes(r->ctx, name, &order);
	return renewed(r, name, dir, order.cert);
}

static int not_due(struct hf_renewal *r, const char *name, const struct hf_cert *cert, int64_t from)
{
	char until[80], begins[80];

	due_at(r, from);
	hf_cli_until(cert->not_after, r->now, until, sizeof(until));
	hf_cli_until(from, r->now, begins, sizeof(begins));
	hf_out_print(&r->ctx->out, "%s: not due; valid until %s, renewed from %s on\n", name, until,
		     begins);
	tell_json(r, name, cert, false);
	return 0;
}

/* From elsewhere: who may, and for what, is decided there. */
static int renew_there(struct hf_renewal *r, const char *name, const struct hf_cert *old)
{
	HF_AUTO(hf_cert) cert = NULL;
	char dir[PATH_MAX];
	int64_t from = old->not_after - margin(r, old->not_before, old->not_after);
	int rc = hf_home_id(r->ctx->home, name, "", dir, &r->ctx->err);

	if (rc < 0)
		return rc;
	if (r->now < from)
		return not_due(r, name, old, from);
	rc = hf_renew_from(r->ctx, r->o->from, name, old, &cert);
	if (rc < 0)
		return rc;
	return renewed(r, name, dir, cert);
}

static int renew_one(struct hf_renewal *r, const char *name, bool among_all)
{
	HF_AUTO(hf_cert) cert = NULL;
	HF_AUTO_DONE(hf_records) found = HF_RECORDS_INIT;
	int64_t from;
	int rc = load_leaf(r->ctx, name, &cert);

	assert(rc != 0 || cert != NULL);
	if (rc == 0 && r->o->from)
		return renew_there(r, name, cert);
	if (rc == 0)
		rc = find_record(r, cert, &found);
	if (rc != 0)
		return rc;
	assert(cert);
	if (found.len == 0) {
		hf_out_debug(&r->ctx->out, "%s: issued by '%s', not by this home's authority", name,
			     cert->issuer);
		return among_all ? 0 : foreign(r, name, cert);
	}
	if (found.items[0]->state == HF_RECORD_REVOKED) {
		if (among_all)
			hf_out_note(&r->ctx->out, "%s: revoked, not renewed", name);
		return among_all ? 0 : revoked(r, name);
	}
	from = cert->not_after - margin(r, cert->not_before, cert->not_after);
	if (r->now >= from)
		return renew_now(r, name, cert, found.items[0]);
	return not_due(r, name, cert, from);
}

/* --- the authority's lists: a gateway with one that ran out refuses everybody --- */

static int tell_list(void *arg, const struct hf_crl_published *p)
{
	struct hf_renewal *r = arg;
	char until[80];

	hf_cli_until(p->crl->next_update, r->now, until, sizeof(until));
	hf_out_note(&r->ctx->out, "%s: fresh revocation list, next due %s", p->path, until);
	return r->o->exec ? hf_renew_exec(r->o->exec, r->ctx->home, "", r->a->dir, "", &r->ctx->err)
			  : 0;
}

static int refresh_list(struct hf_renewal *r, struct hf_ca *ca)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	HF_AUTO_DONE(hf_crl_published) p = { .crl = NULL };
	char path[PATH_MAX];
	int64_t from = 0;
	int rc = hf_path_join(path, sizeof(path), r->a->dir, ca->crl_name, &r->ctx->err);

	if (rc < 0 || !ca->cert || !hf_ca_has_key(ca))
		return rc;
	if (hf_pemfile_load(&file, path, 0, NULL, NULL) == 0 && file.crls.len > 0)
		from = file.crls.items[0]->next_update -
		       (file.crls.items[0]->next_update - file.crls.items[0]->this_update) / 3;
	if (r->now < from) {
		due_at(r, from);
		return 0;
	}
	rc = hf_authority_publish_crl(r->a, ca, 0, NULL, r->now, &p, &r->ctx->err);
	if (rc < 0)
		return rc;
	due_at(r, p.crl->next_update - (p.crl->next_update - p.crl->this_update) / 3);
	return tell_list(r, &p);
}

static int refresh_shards(struct hf_renewal *r, struct hf_ca *ca)
{
	struct hf_shards_round due = { .which = HF_SHARDS_DUE, .told = tell_list, .arg = r };
	int rc;

	if (!ca->cert || !hf_ca_has_key(ca))
		return 0;
	rc = hf_shards_prepare(r->a, ca, r->now, &r->ctx->err);
	if (rc == 0)
		rc = hf_shards_keep(r->a, ca, &due, r->now, &r->ctx->err);
	if (rc == 0 && due.due_at)
		due_at(r, due.due_at);
	return rc;
}

/* --- all of it --- */

void hf_renew_take_failure(struct hf_renewal *r, int rc)
{
	if (rc >= 0)
		return;
	r->failed++;
	if (r->ctx->out.json_mode)
		hf_out_warn(&r->ctx->out, "%s", r->ctx->err.msg);
	else
		hf_out_error(&r->ctx->out, &r->ctx->err);
	hf_err_clear(&r->ctx->err);
}

static int renew_all(struct hf_renewal *r)
{
	HF_AUTO_DONE(hf_strv) names = HF_STRV_INIT;
	char dir[PATH_MAX], path[PATH_MAX];
	struct hf_ca *ca;
	int rc = hf_home_id(r->ctx->home, "", "", dir, &r->ctx->err);

	if (rc == 0 && hf_file_exists(dir))
		rc = hf_dir_list(dir, &names, &r->ctx->err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < names.len; i++) {
		if (names.items[i][0] != '.' &&
		    hf_home_id(r->ctx->home, names.items[i], "cert.pem", path, NULL) == 0 &&
		    hf_file_exists(path))
			hf_renew_take_failure(r, renew_one(r, names.items[i], true));
	}
	if (!r->a)
		return 0;
	for (size_t i = 0; (ca = hf_authority_ca(r->a, i)); i++) {
		hf_renew_take_failure(r, refresh_list(r, ca));
		hf_renew_take_failure(r, refresh_shards(r, ca));
	}
	return 0;
}

int hf_renew_pass(struct hf_renewal *r, struct hf_passphrase *from)
{
	HF_AUTO(hf_authority) a = NULL;
	const struct hf_strv *names = r->ctx->args;
	int rc;

	r->now = hf_clock_now();
	r->next_at = r->now + HF_DAY_SECONDS;
	rc = r->o->from ? 0 : hf_cli_open_authority(r->ctx, from, &a);
	if (rc < 0)
		return rc;
	r->a = a; /* NULL: it is elsewhere */
	if (r->o->all)
		return renew_all(r);
	for (size_t i = 0; i < names->len; i++) {
		rc = renew_one(r, names->items[i], false);
		if (rc < 0 && (names->len == 1 && !r->o->watch))
			return rc;
		hf_renew_take_failure(r, rc);
	}
	return 0;
}

static int run(struct hf_cmd_ctx *ctx)
{
	const struct hf_renew_opts *o = ctx->opts;
	struct hf_passphrase from = { o->passphrase_file, o->watch };
	struct hf_renewal r = { .ctx = ctx, .o = o };
	int rc;

	if (o->all == (ctx->args->len > 0))
		return hf_command_usage(ctx, o->all ? "--all is every identity; leave out the names"
						    : "renew which? Give names, or --all");
	if (o->from && o->lifetime)
		return hf_command_usage(ctx, "--days is the authority's to say with --from");
	if (o->watch && ctx->out.json_mode)
		return hf_command_usage(ctx,
					"--watch never ends, and so never gives one JSON object");
	if (o->watch)
		return hf_renew_watch(&r, &from);
	if (ctx->out.json_mode) {
		hf_out_json_begin(&ctx->out);
		hf_json_array_begin(&ctx->out.json, "identities");
	}
	rc = hf_renew_pass(&r, &from);
	if (rc < 0) {
		hf_buf_clear(&ctx->out.text);
		hf_json_init(&ctx->out.json, &ctx->out.text, true);
		return rc;
	}
	if (ctx->out.json_mode) {
		hf_json_array_end(&ctx->out.json);
		hf_out_json_end(&ctx->out);
	}
	return r.failed ? HF_EXIT_FAILURE : HF_EXIT_YES;
}

static const struct hf_example examples[] = {
	{ "handfast renew mail-server", "a new key and certificate, if it is time" },
	{ "handfast renew mail-server --from https://ca.abc.com:8443",
	  "at an authority elsewhere, with the certificate that is here" },
	{ "handfast renew --all --watch --exec \"systemctl reload nginx\"", "as a service" },
	{ NULL, NULL },
};

const struct hf_command cmd_renew = {
	.name = "renew",
	.group = "Identities",
	.arguments = "[NAME…]",
	.summary = "make a new key and certificate for the same identity, in time",
	.description =
	    "Subject, names, profile, kind of key and length of life stay; key and serial are new. The old "
	    "certificate stays valid until its end, so that nothing breaks on the way. What is not due is left "
	    "as it is, and that is no failure.\n\n"
	    "Extensions that an extension file gave (must-staple, where OCSP is answered) stay too; where the policy "
	    "names a place itself, it is the policy's of today. What may not stand in a certificate of the profile is "
	    "left out, and told.\n\n"
	    "With --from the authority is on another machine: the old certificate is the proof, and only the newest "
	    "of its line is renewed. When the answer is lost, the next try gets the same certificate.",
	.groups = groups,
	.opts_size = sizeof(struct hf_renew_opts),
	.examples = examples,
	.exits = "0 renewed, or not due; 1 revoked, or issued by another authority",
	.see_also = "issue, list, revoke",
	.max_args = -1,
	.run = run,
};
