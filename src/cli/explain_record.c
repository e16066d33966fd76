/* SPDX-License-Identifier: Apache-2.0 */
/* Refusal records of the gateway, from the server's view: what a night of them has in common.  Must
 * never leave one out uncounted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "cli/explain.h"
#include "cli/explain_reading.h"

enum { LOG_CAP = 64 * 1024 * 1024, GROUPS_CAP = 256 };

struct explain_digest {
	struct explain_group groups[GROUPS_CAP];
	size_t len, total, left_out;
	struct hf_certs server; /* the server's chain, when its files are known */
	struct hf_known known;
};

/* --- together ---------------------------------------------------------------------------- */

static void merge(struct explain_digest *d, struct explain_group *g)
{
	for (size_t i = 0; i < d->len; i++) {
		struct explain_group *have = &d->groups[i];

		if (have->cause != g->cause || have->refused_by != g->refused_by ||
		    have->alert != g->alert || strcmp(have->issuer, g->issuer) != 0)
			continue;
		have->count++;
		(void)hf_str_copy(have->last, sizeof(have->last), g->since);
		hf_strv_done(&g->evidence);
		return;
	}
	if (d->len == GROUPS_CAP) {
		hf_strv_done(&g->evidence);
		return;
	}
	g->count = 1;
	(void)hf_str_copy(g->last, sizeof(g->last), g->since);
	d->groups[d->len++] = *g;
}

static void add_record(struct explain_digest *d, const json_t *record)
{
	const json_t *suppressed = json_object_get(record, "suppressed");
	const struct explain_own own = { &d->server, &d->known };
	struct explain_group group;

	if (json_is_integer(suppressed) && json_integer_value(suppressed) > 0) {
		d->left_out += (size_t)json_integer_value(suppressed);
		return;
	}
	if (!json_object_get(record, "cause"))
		return;
	d->total++;
	explain_record_read(record, &own, &group);
	merge(d, &group);
}

int explain_digest_new(const char *server_files, struct explain_digest **ret, struct hf_err *err)
{
	struct explain_digest *d = calloc(1, sizeof(*d));
	HF_AUTO(cstr) cert = NULL;
	HF_AUTO_DONE(hf_pemfile) f = HF_PEMFILE_INIT;
	int rc = 0;

	if (!d)
		return hf_err_nomem(err);
	if (server_files) {
		cert = hf_str_ndup(server_files, strcspn(server_files, ","));
		rc = cert ? hf_pemfile_load(&f, cert, 0, NULL, err) : hf_err_nomem(err);
		if (rc == 0)
			rc = hf_certs_copy(&d->server, &f.certs, err);
		if (rc == 0)
			hf_known_add_file(&d->known, cert, true);
	}
	if (rc < 0) {
		explain_digest_free(d);
		return rc;
	}
	*ret = d;
	return 0;
}

void explain_digest_free(struct explain_digest *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->len; i++)
		hf_strv_done(&d->groups[i].evidence);
	hf_certs_done(&d->server);
	hf_known_done(&d->known);
	free(d);
}

bool explain_digest_add(struct explain_digest *d, const char *line)
{
	json_t *record = line[0] == '{' ? json_loads(line, 0, NULL) : NULL;

	if (!record)
		return false;
	add_record(d, record);
	json_decref(record);
	return true;
}

size_t explain_digest_len(const struct explain_digest *d)
{
	return d->total;
}

/* --- telling ----------------------------------------------------------------------------- */

static enum hf_side fault_of(const struct explain_group *g)
{
	return hf_cause_fault(g->cause, g->refused_by);
}

static const char *fix_of(const struct explain_group *g)
{
	const struct hf_reason_info *info = hf_reason_info(g->cause);

	/* the record's advice about a client's alert is for all its meanings */
	return g->fix[0] && g->refused_by == HF_SIDE_SERVER ? g->fix
	       : info->remedy[0]			    ? info->remedy
							    : g->fix;
}

static void json_group(struct hf_json *j, const struct explain_digest *d,
		       const struct explain_group *g)
{
	const struct hf_reason_info *info = hf_reason_info(g->cause);
	HF_AUTO(cstr) first = hf_str_printf("%zu of %zu refusals, from %s to %s", g->count,
					    d->total, g->since, g->last);

	hf_json_string(j, "cause", g->cause ? info->id : NULL);
	hf_json_int(j, "count", (int64_t)g->count);
	hf_json_string(j, "refused_by", hf_side_name(g->refused_by));
	hf_json_string(j, "fault_in", hf_side_name(fault_of(g)));
	hf_json_string(j, "confidence", hf_confidence_name(g->confidence));
	hf_json_array_begin(j, "candidates");
	for (size_t i = 0; i < g->candidates_len; i++)
		hf_json_string(j, NULL, hf_reason_info(g->candidates[i])->id);
	hf_json_array_end(j);
	hf_json_string(j, "since", g->since);
	hf_json_string(j, "last", g->last);
	hf_json_object_begin(j, "certificate");
	hf_json_string(j, "role", g->role);
	hf_json_string(j, "subject", g->subject);
	hf_json_string(j, "issuer", g->issuer);
	hf_json_string(j, "serial", g->serial);
	hf_json_string(j, "sha256", g->sha256);
	hf_json_string(j, "not_after", g->not_after);
	hf_json_object_end(j);
	hf_json_string(j, "explanation", g->explanation);
	hf_json_array_begin(j, "evidence");
	hf_json_string(j, NULL, first);
	for (size_t i = 0; i < g->evidence.len; i++)
		hf_json_string(j, NULL, g->evidence.items[i]);
	hf_json_array_end(j);
	hf_json_string(j, "fix", fix_of(g));
}

static void tell_json(struct hf_out *out, const struct explain_digest *d)
{
	hf_out_json_begin(out);
	hf_json_string(&out->json, "target", d->groups[0].listener);
	hf_json_int(&out->json, "records", (int64_t)d->total);
	hf_json_int(&out->json, "left_out", (int64_t)d->left_out);
	json_group(&out->json, d, &d->groups[0]); /* the leading one also as the answer */
	hf_json_array_begin(&out->json, "ladder");
	hf_json_array_end(&out->json);
	hf_json_array_begin(&out->json, "cannot_know");
	if (d->groups[0].confidence != HF_CERTAIN)
		hf_json_string(&out->json, NULL, "what the client saw beyond its alert");
	hf_json_array_end(&out->json);
	hf_json_array_begin(&out->json, "causes");
	for (size_t i = 0; i < d->len; i++) {
		hf_json_object_begin(&out->json, NULL);
		json_group(&out->json, d, &d->groups[i]);
		hf_json_object_end(&out->json);
	}
	hf_json_array_end(&out->json);
	hf_out_json_end(out);
}

static void tell_group(struct hf_out *out, const struct explain_digest *d,
		       const struct explain_group *g)
{
	const struct hf_reason_info *info = hf_reason_info(g->cause);

	hf_out_print(out, "%zu of %zu refused by %s since %s - %s. [%s%s%s]\n", g->count, d->total,
		     g->refused_by == HF_SIDE_SERVER ? "us, the server" : "the client", g->since,
		     g->cause ? info->sentence : g->explanation, info->id,
		     g->confidence == HF_CERTAIN ? ""
		     : g->cause			 ? ", "
						 : "",
		     g->confidence == HF_CERTAIN ? "" : hf_confidence_name(g->confidence));
	if (g->subject[0])
		hf_out_print(out, "  certificate  %s (issuer %s, serial %s)\n", g->subject,
			     g->issuer, g->serial);
	for (size_t i = 0; i < g->evidence.len; i++)
		hf_out_print(out, "  evidence     %s\n", g->evidence.items[i]);
	for (size_t i = 1; i < g->candidates_len; i++)
		hf_out_print(out, "  or else      %s: %s\n", hf_reason_info(g->candidates[i])->id,
			     hf_reason_info(g->candidates[i])->sentence);
	hf_out_print(out, "  mend it in   %s\n  fix          %s\n", hf_side_name(fault_of(g)),
		     fix_of(g));
}

static int by_count(const void *a, const void *b)
{
	const struct explain_group *x = a, *y = b;

	return x->count == y->count ? 0 : x->count > y->count ? -1 : 1;
}

int explain_digest_tell(struct hf_cmd_ctx *ctx, struct explain_digest *d)
{
	if (d->total == 0)
		return hf_err_set(&ctx->err, HF_E_PARSE, "no refusal record in it");
	qsort(d->groups, d->len, sizeof(d->groups[0]), by_count);
	if (ctx->out.json_mode) {
		tell_json(&ctx->out, d);
		return HF_EXIT_NO;
	}
	for (size_t i = 0; i < d->len; i++)
		tell_group(&ctx->out, d, &d->groups[i]);
	if (d->left_out)
		hf_out_print(&ctx->out, "%zu more were counted and not written\n", d->left_out);
	return HF_EXIT_NO;
}

int explain_records(struct hf_cmd_ctx *ctx, const char *path, const char *server_files)
{
	HF_AUTO_DONE(hf_buf) data = HF_BUF_INIT(LOG_CAP);
	struct explain_digest *d = NULL;
	int rc = explain_digest_new(server_files, &d, &ctx->err);

	if (rc == 0)
		rc = hf_file_read(path, &data, &ctx->err);
	for (char *line = data.data, *next; rc == 0 && line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		(void)explain_digest_add(d, line);
	}
	if (rc == 0)
		rc = explain_digest_tell(ctx, d);
	explain_digest_free(d);
	return rc;
}
