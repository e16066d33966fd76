/* SPDX-License-Identifier: Apache-2.0 */
/* explain HOST:PORT: files first, then looks, until the deduction asks for no more.  Must never
 * send a packet while the files alone explain it, and never look more often than it says. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "cli/explain_meeting.h"
#include "probe/exam.h"
#include "util/clock.h"
#include "util/home.h"
#include "util/idn.h"

enum { PAGE_CAP = 4 * 1024 * 1024 };

static void meeting_done(struct explain_meeting *m)
{
	hf_explanation_done(&m->e);
	hf_strv_done(&m->server_files);
	hf_strv_done(&m->alpn);
	hf_via_done(&m->via);
	hf_credential_free(m->credential);
	EVP_PKEY_free(m->token_key);
	hf_trust_unref(m->trust);
	hf_tls_resumption_free(m->resumption);
	if (m->c)
		hf_case_done(m->c);
	free(m->c);
}
HF_DEFINE_AUTO_DONE(meeting, struct explain_meeting, meeting_done);

/* --- target and files -------------------------------------------------------------------- */

static int parse_target(struct explain_meeting *m, const char *target)
{
	HF_AUTO(cstr) https = NULL;

	if (!hf_str_starts(target, "http://"))
		return hf_url_parse(target, &m->url, &m->ctx->err);
	m->plain = true;
	https = hf_str_printf("https://%s", target + strlen("http://"));
	return https ? hf_url_parse(https, &m->url, &m->ctx->err) : hf_err_nomem(&m->ctx->err);
}

/* In other letters it is the name that DNS and certificates have; what cannot be is left as it is.
 */
static void read_name(const char *given, char ret[HF_HOST_CAP])
{
	if (given && !hf_idn_encode(given, ret, HF_HOST_CAP))
		(void)hf_str_copy(ret, HF_HOST_CAP, given);
}

static int find_files(struct explain_meeting *m)
{
	const struct hf_credential_opts *who = &m->opts->who;
	int rc = 0;

	if (who->as && who->cert)
		return hf_command_usage(m->ctx, "--as and --cert exclude each other");
	if (who->key && !who->cert)
		return hf_command_usage(m->ctx, "--key needs --cert");
	if (who->as) {
		rc = hf_home_id(m->ctx->home, who->as, "cert.pem", m->cert, &m->ctx->err);
		if (rc == 0)
			rc = hf_home_id(m->ctx->home, who->as, "key.pem", m->key, &m->ctx->err);
	} else if (who->cert) {
		(void)hf_str_copy(m->cert, sizeof(m->cert), who->cert);
		(void)hf_str_copy(m->key, sizeof(m->key), who->key ? who->key : "");
	}
	return rc < 0 ? rc : explain_server_files(m->opts, &m->server_files, &m->ctx->err);
}

static void fill_case(struct explain_meeting *m)
{
	const struct explain_opts *o = m->opts;
	struct hf_case *c = m->c;

	c->target = m->url.authority;
	c->name = o->name ? m->name : o->server_name ? m->server_name : m->url.host;
	c->cert_path = m->cert[0] ? m->cert : NULL;
	c->ca_path = o->trust.ca.len ? o->trust.ca.items[0] : NULL;
	c->crl_path = o->trust.crl.len ? o->trust.crl.items[0] : NULL;
	c->have_own = m->cert[0] != '\0';
	c->have_server_files = m->server_files.len > 0;
	c->server_cert_path = explain_server_file(&m->server_files, EXPLAIN_CERT);
	c->server_ca_path = explain_server_file(&m->server_files, EXPLAIN_CA);
	c->server_crl_path = explain_server_file(&m->server_files, EXPLAIN_CRL);
	c->now = hf_clock_now();
	c->set = (struct hf_client_settings){
		.plain = m->plain,
		.send_proxy = o->send_proxy,
		.versions = o->tls_min || o->tls_max,
		.ciphers = o->ciphers != NULL,
		.groups = o->groups != NULL,
		.sigalgs = o->sigalgs != NULL,
		.alpn = o->alpn != NULL,
		.one_shot = o->one_shot,
	};
}

static void examine(struct explain_meeting *m)
{
	struct hf_passphrase from = { m->opts->who.passphrase_file, false };
	struct hf_passphrase_source source = { hf_passphrase_get, &from };
	HF_AUTO_DONE(hf_strv) ca = HF_STRV_INIT, crl = HF_STRV_INIT;
	struct hf_exam_files own = {
		.cert = m->cert[0] ? m->cert : NULL,
		.key = m->key[0] ? m->key : NULL,
		.key_in_token = m->key[0] && hf_cli_is_token_key(m->key),
		.ca = &m->opts->trust.ca,
		.crl = &m->opts->trust.crl,
		.pass = &source,
		.passphrase_given = from.file || getenv("HANDFAST_PASSPHRASE"),
	};
	struct hf_exam_files theirs = { .cert = explain_server_file(&m->server_files, EXPLAIN_CERT),
					.key = explain_server_file(&m->server_files, EXPLAIN_KEY),
					.ca = &ca,
					.crl = &crl,
					.pass = &source,
					.server_side = true };

	/* a token that does not open is told when it is needed */
	if (own.key_in_token)
		(void)hf_cli_read_token_key(m->key, &source, &m->token_key, NULL);
	own.token_key = m->token_key;
	hf_exam_files(&own, m->c);
	if (explain_server_file(&m->server_files, EXPLAIN_CA))
		(void)hf_strv_add(&ca, explain_server_file(&m->server_files, EXPLAIN_CA));
	if (explain_server_file(&m->server_files, EXPLAIN_CRL))
		(void)hf_strv_add(&crl, explain_server_file(&m->server_files, EXPLAIN_CRL));
	if (m->server_files.len)
		hf_exam_files(&theirs, m->c);
}

static bool own_files_fail(const struct hf_case *c)
{
	for (size_t i = 0; i < c->files_len; i++) {
		if (!c->files[i].server_side)
			return true;
	}
	return false;
}

static int load(struct explain_meeting *m)
{
	struct hf_passphrase from = { m->opts->who.passphrase_file, false };
	struct hf_passphrase_source source = { hf_passphrase_get, &from };
	struct hf_err *err = &m->ctx->err;
	int rc = hf_cli_load_trust(m->ctx, &m->opts->trust, m->opts->who.as, 0, &m->trust);

	if (rc == 0 && m->cert[0] && m->token_key)
		rc = hf_cli_read_credential_of(m->cert, m->token_key, &m->credential, err);
	else if (rc == 0 && m->cert[0])
		rc = hf_cli_read_credential(m->cert, m->key[0] ? m->key : NULL, &source,
					    &m->credential, err);
	if (rc == 0 && m->credential)
		rc = hf_certs_copy(&m->c->own, &m->credential->chain, err);
	if (rc == 0)
		rc = hf_certs_copy(&m->c->client_trust, hf_trust_anchors(m->trust), err);
	if (rc == 0)
		m->c->set.trusts_somebody = m->c->client_trust.len > 0;
	return rc;
}

/* --- the way ----------------------------------------------------------------------------- */

static int deduce(struct explain_meeting *m)
{
	int rc = hf_explain(m->c, &m->e, &m->ctx->err);

	while (rc == 0 && m->e.wants != HF_LOOK_MAIN) {
		explain_look(m, m->e.wants);
		rc = hf_explain(m->c, &m->e, &m->ctx->err);
	}
	return rc;
}

static void note_environment(struct hf_case *c)
{
	static const char *const names[] = { "SSL_CERT_FILE",	    "SSL_CERT_DIR",
					     "CURL_CA_BUNDLE",	    "GIT_SSL_CAINFO",
					     "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE" };

	HF_AUTO_DONE(hf_buf) list = HF_BUF_INIT(1024);

	for (size_t i = 0; i < HF_ARRAY_LEN(names); i++) {
		if (getenv(names[i]))
			(void)hf_buf_printf(&list, "%s$%s", list.len ? ", " : "", names[i]);
	}
	if (list.len == 0)
		return;
	(void)hf_buf_puts(&list, " in the environment change what other clients here trust");
	(void)hf_strv_add(&c->notes, hf_buf_str(&list));
}

/* --- telling ----------------------------------------------------------------------------- */

int explain_page_write(const char *path, const struct hf_buf *page, struct hf_err *err)
{
	if (hf_buf_failed(page))
		return hf_err_nomem(err);
	return hf_file_write(path, page->data, page->len, HF_MODE_PUBLIC,
			     HF_FILE_REPLACE | HF_FILE_NO_SYNC, err);
}

static int write_page(struct explain_meeting *m)
{
	HF_AUTO_DONE(hf_buf) page = HF_BUF_INIT(PAGE_CAP);

	if (!m->opts->html)
		return 0;
	hf_explanation_to_html(m->c, &m->e, &page);
	return explain_page_write(m->opts->html, &page, &m->ctx->err);
}

static int report(struct explain_meeting *m)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(1 << 20);
	struct hf_out *out = &m->ctx->out;
	int rc = write_page(m);

	if (rc < 0)
		return rc;
	if (out->json_mode) {
		hf_out_json_begin(out);
		hf_explanation_to_json(m->c, &m->e, &out->json);
		hf_out_json_end(out);
	} else {
		hf_explanation_format(m->c, &m->e, &text);
		hf_out_raw(out, hf_buf_str(&text), text.len);
	}
	return m->e.meets && !m->e.cause ? HF_EXIT_YES : HF_EXIT_NO;
}

static int meet(struct explain_meeting *m)
{
	int rc = load(m);

	if (rc == 0)
		rc = explain_judge_own(m);
	if (rc < 0)
		return rc;
	explain_judge_by_server(m);
	rc = explain_look_prepare(m);
	if (rc < 0)
		return rc;
	/* a chain that one's own library refuses is never sent */
	if (hf_explain(m->c, &m->e, &m->ctx->err) == 0 && m->e.cause)
		return report(m);
	explain_look(m, HF_LOOK_MAIN);
	rc = explain_judge_own(m);
	if (rc < 0)
		return rc;
	explain_judge_server_alone(m);
	explain_judge_server_path(m);
	rc = deduce(m);
	return rc < 0 ? rc : report(m);
}

int explain_meeting(struct hf_cmd_ctx *ctx, const struct explain_opts *opts, const char *target)
{
	HF_AUTO_DONE(meeting) m = { .ctx = ctx, .opts = opts };
	int rc;

	m.c = calloc(1, sizeof(*m.c));
	if (!m.c)
		return hf_err_nomem(&ctx->err);
	hf_case_init(m.c);
	rc = parse_target(&m, target);
	if (rc == 0)
		rc = find_files(&m);
	if (rc != 0)
		return rc;
	read_name(opts->name, m.name);
	read_name(opts->server_name, m.server_name);
	fill_case(&m);
	examine(&m);
	note_environment(m.c);
	if (!own_files_fail(m.c))
		return meet(&m);
	rc = hf_explain(m.c, &m.e, &ctx->err);
	return rc < 0 ? rc : report(&m);
}
