/* SPDX-License-Identifier: Apache-2.0 */
/* explain HOST:PORT: files first, then looks, until the deduction asks for no more.  Must never
 * send a packet while the files alone explain it, and never look more often than it says. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "cli/credential.h"
#include "cli/explain.h"
#include "cli/observe.h"
#include "probe/exam.h"
#include "probe/standing.h"
#include "util/clock.h"
#include "util/home.h"

enum { SERVER_FILES = 4, PAGE_CAP = 4 * 1024 * 1024 };

struct meeting {
	struct hf_cmd_ctx *ctx;
	const struct explain_opts *opts;
	struct hf_case *c;
	struct hf_url url;
	bool plain;
	char cert[PATH_MAX], key[PATH_MAX];
	struct hf_strv server_files; /* CERT, KEY, CA, CRL; "" for what is not known */
	struct hf_credential *credential;
	EVP_PKEY *token_key; /* owned; NULL: the key is a file, or the token did not open */
	struct hf_trust *trust;
	struct hf_strv alpn;
	struct hf_address addresses[HF_ADDRESSES_CAP];
	size_t addresses_len;
	struct hf_via via;
	struct hf_explanation e;
};

static void meeting_done(struct meeting *m)
{
	hf_explanation_done(&m->e);
	hf_strv_done(&m->server_files);
	hf_strv_done(&m->alpn);
	hf_via_done(&m->via);
	hf_credential_free(m->credential);
	EVP_PKEY_free(m->token_key);
	hf_trust_unref(m->trust);
	if (m->c)
		hf_case_done(m->c);
	free(m->c);
}
HF_DEFINE_AUTO_DONE(meeting, struct meeting, meeting_done);

/* --- target and files -------------------------------------------------------------------- */

static int parse_target(struct meeting *m, const char *target)
{
	HF_AUTO(cstr) https = NULL;

	if (!hf_str_starts(target, "http://"))
		return hf_url_parse(target, &m->url, &m->ctx->err);
	m->plain = true;
	https = hf_str_printf("https://%s", target + strlen("http://"));
	return https ? hf_url_parse(https, &m->url, &m->ctx->err) : hf_err_nomem(&m->ctx->err);
}

static const char *server_file(const struct meeting *m, size_t i)
{
	return i < m->server_files.len && m->server_files.items[i][0] ? m->server_files.items[i]
								      : NULL;
}

static int find_files(struct meeting *m)
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
	if (rc == 0 && m->opts->server_files &&
	    hf_strv_split(&m->server_files, m->opts->server_files, ',') < 0)
		rc = hf_err_nomem(&m->ctx->err);
	if (rc == 0 && m->server_files.len > SERVER_FILES)
		return hf_command_usage(m->ctx, "--server-files takes CERT[,KEY][,CA][,CRL]");
	return rc;
}

static void fill_case(struct meeting *m)
{
	const struct explain_opts *o = m->opts;
	struct hf_case *c = m->c;

	c->target = m->url.authority;
	c->name = o->name ? o->name : o->server_name ? o->server_name : m->url.host;
	c->cert_path = m->cert[0] ? m->cert : NULL;
	c->ca_path = o->trust.ca.len ? o->trust.ca.items[0] : NULL;
	c->crl_path = o->trust.crl.len ? o->trust.crl.items[0] : NULL;
	c->have_own = m->cert[0] != '\0';
	c->have_server_files = m->server_files.len > 0;
	c->server_cert_path = server_file(m, 0);
	c->server_ca_path = server_file(m, 2);
	c->server_crl_path = server_file(m, 3);
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

static void examine(struct meeting *m)
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
	struct hf_exam_files theirs = { .cert = server_file(m, 0),
					.key = server_file(m, 1),
					.ca = &ca,
					.crl = &crl,
					.pass = &source,
					.server_side = true };

	/* a token that does not open is told when it is needed */
	if (own.key_in_token)
		(void)hf_cli_read_token_key(m->key, &source, &m->token_key, NULL);
	own.token_key = m->token_key;
	hf_exam_files(&own, m->c);
	if (server_file(m, 2))
		(void)hf_strv_add(&ca, server_file(m, 2));
	if (server_file(m, 3))
		(void)hf_strv_add(&crl, server_file(m, 3));
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

static int load(struct meeting *m)
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

/* --- judging without a connection -------------------------------------------------------- */

static void known_here(struct meeting *m, struct hf_known *known)
{
	const struct hf_strv *ca = &m->opts->trust.ca;

	for (size_t i = 0; i < ca->len; i++)
		hf_known_add_file(known, ca->items[i], true);
	hf_known_add_list(known, hf_trust_anchors(m->trust), NULL);
	hf_known_add_list(known, hf_trust_intermediates(m->trust), NULL);
	if (m->cert[0])
		hf_known_add_file(known, m->cert, true);
	if (server_file(m, 2))
		hf_known_add_file(known, server_file(m, 2), false);
	if (server_file(m, 0))
		hf_known_add_file(known, server_file(m, 0), false);
}

static int judge_own(struct meeting *m)
{
	HF_AUTO_DONE(hf_known) known = { 0 };
	struct hf_case *c = m->c;
	struct hf_verify_options options = { .purpose = HF_PURPOSE_CLIENT,
					     .profile = (enum hf_profile)m->opts->trust.profile,
					     .at = c->now };
	struct hf_standing standing = { &c->own_alone, &c->own_path, c->bridge, sizeof(c->bridge) };
	int rc;

	if (c->own.len == 0)
		return 0;
	hf_verdict_done(&c->own_alone);
	hf_certs_done(&c->own_path);
	c->own_path = (struct hf_certs)HF_CERTS_INIT;
	c->bridge[0] = '\0';
	known_here(m, &known);
	hf_known_add_list(&known, &c->looks[HF_LOOK_MAIN].transcript.server.certs, NULL);
	rc = hf_standing_judge(&c->own, &known, hf_trust_crls(m->trust), &options, &standing,
			       &m->ctx->err);
	c->own_judged = rc == 0;
	return rc;
}

static int load_server_trust(struct meeting *m, struct hf_trust **ret_trust)
{
	struct hf_err *err = &m->ctx->err;
	int rc = hf_trust_new(0, ret_trust, err);

	if (rc == 0)
		rc = hf_trust_load_file(*ret_trust, server_file(m, 2), "the server", err);
	if (rc == 0 && server_file(m, 3))
		rc = hf_trust_load_crl(*ret_trust, server_file(m, 3), err);
	return rc == 0 ? hf_trust_freeze(*ret_trust, err) : rc;
}

static void copy_certs(const char *path, struct hf_certs *to)
{
	HF_AUTO_DONE(hf_pemfile) f = HF_PEMFILE_INIT;

	if (path && hf_pemfile_load(&f, path, 0, NULL, NULL) == 0)
		(void)hf_certs_copy(to, &f.certs, NULL);
}

/* A server file that could not be read is a finding already; the rest is judged without it. */
static void judge_by_server(struct meeting *m)
{
	HF_AUTO(hf_trust) trust = NULL;
	struct hf_case *c = m->c;
	struct hf_verify_options options = { .purpose = HF_PURPOSE_CLIENT, .at = c->now };

	copy_certs(server_file(m, 0), &c->server_chain);
	copy_certs(server_file(m, 2), &c->server_trust);
	if (!server_file(m, 2) || c->own.len == 0 || load_server_trust(m, &trust) < 0)
		return;
	c->own_by_server_judged =
	    hf_verify(&c->own, trust, &options, &c->own_by_server, &m->ctx->err) == 0;
}

/* Nobody is trusted here: the server's chain is judged on its own merits. */
static void judge_server_alone(struct meeting *m)
{
	HF_AUTO_DONE(hf_known) known = { 0 };
	HF_AUTO_DONE(hf_certs) path = HF_CERTS_INIT;
	struct hf_look *look = &m->c->looks[HF_LOOK_MAIN];
	char bridge[256] = "";
	struct hf_standing standing = { &look->server, &path, bridge, sizeof(bridge) };
	struct hf_verify_options options = { .purpose = HF_PURPOSE_SERVER,
					     .at = m->c->now,
					     .name = m->c->name };

	if (m->c->set.trusts_somebody || look->transcript.server.certs.len == 0)
		return;
	known_here(m, &known);
	hf_verdict_done(&look->server);
	look->judged = hf_standing_judge(&look->transcript.server.certs, &known, NULL, &options,
					 &standing, &m->ctx->err) == 0;
	if (!look->judged)
		hf_verdict_init(&look->server);
}

/* --- looking ----------------------------------------------------------------------------- */

static int resolve(struct meeting *m)
{
	char host[HF_HOST_CAP];
	int port = m->url.port, rc = 0;

	(void)hf_str_copy(host, sizeof(host), m->url.host);
	if (m->opts->connect)
		rc = hf_hostport_parse(m->opts->connect, port, host, &port, &m->ctx->err);
	if (rc == 0)
		rc = hf_cli_way(&m->opts->via, host, port, &m->via, m->addresses, &m->addresses_len,
				&m->ctx->err);
	if (rc == 0 && m->opts->alpn && m->opts->alpn[0] &&
	    hf_strv_split(&m->alpn, m->opts->alpn, ',') < 0)
		rc = hf_err_nomem(&m->ctx->err);
	return rc;
}

static enum hf_tls_version version_of(int word)
{
	static const enum hf_tls_version versions[] = { HF_TLS_VERSION_DEFAULT, HF_TLS_1_2,
							HF_TLS_1_3 };

	return versions[word];
}

static void look(struct meeting *m, enum hf_look_kind kind)
{
	const struct explain_opts *o = m->opts;
	struct hf_look_plan plan = {
		.addresses = m->addresses,
		.addresses_len = m->addresses_len,
		.via = m->via.kind != HF_VIA_NONE ? &m->via : NULL,
		.url = &m->url,
		.credential = m->credential,
		.trust = m->trust,
		.judge = m->c->set.trusts_somebody,
		.server_name = o->no_sni	? NULL
			       : o->server_name ? o->server_name
						: m->url.host,
		.verify_name = m->c->name,
		.alpn = m->alpn.len ? (const char *const *)m->alpn.items : NULL,
		.ciphers = o->ciphers,
		.groups = o->groups,
		.sigalgs = o->sigalgs,
		.tls_min = version_of(o->tls_min),
		.tls_max = version_of(o->tls_max),
		.profile = (enum hf_profile)o->trust.profile,
		.compat = o->trust.compat,
		.plain = m->plain,
		.send_proxy = o->send_proxy,
		.timeout_ms = o->timeout * 1000,
		.tell = o->trace ? hf_cli_trace_event : NULL,
	};

	hf_look_make(&plan, kind, &m->c->looks[kind]);
	m->c->extra_looks += kind != HF_LOOK_MAIN;
}

static int deduce(struct meeting *m)
{
	int rc = hf_explain(m->c, &m->e, &m->ctx->err);

	while (rc == 0 && m->e.wants != HF_LOOK_MAIN) {
		look(m, m->e.wants);
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

static int write_page(struct meeting *m)
{
	HF_AUTO_DONE(hf_buf) page = HF_BUF_INIT(PAGE_CAP);

	if (!m->opts->html)
		return 0;
	hf_explanation_to_html(m->c, &m->e, &page);
	return explain_page_write(m->opts->html, &page, &m->ctx->err);
}

static int report(struct meeting *m)
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

static int meet(struct meeting *m)
{
	int rc = load(m);

	if (rc == 0)
		rc = judge_own(m);
	if (rc < 0)
		return rc;
	judge_by_server(m);
	rc = resolve(m);
	if (rc < 0)
		return rc;
	/* a chain that one's own library refuses is never sent */
	if (hf_explain(m->c, &m->e, &m->ctx->err) == 0 && m->e.cause)
		return report(m);
	look(m, HF_LOOK_MAIN);
	rc = judge_own(m);
	if (rc < 0)
		return rc;
	judge_server_alone(m);
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
	fill_case(&m);
	examine(&m);
	note_environment(m.c);
	if (!own_files_fail(m.c))
		return meet(&m);
	rc = hf_explain(m.c, &m.e, &ctx->err);
	return rc < 0 ? rc : report(&m);
}
