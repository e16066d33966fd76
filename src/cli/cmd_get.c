/* SPDX-License-Identifier: Apache-2.0 */
/* handfast get: one request with a client certificate.  Must never say success before the server's
 * verdict had its chance to come, and never print key bytes. */
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "cli/get.h"
#include "cli/observe.h"
#include "probe/keylog.h"
#include "util/clock.h"
#include "util/home.h"

enum { UPLOAD_CAP = 256 * 1024 * 1024 };

static const char *const tls_words[] = { "default", "1.2", "1.3", NULL };

#define AT(field) offsetof(struct get_opts, field)
static const struct hf_option request_options[] = {
	{ .name = "request",
	  .letter = 'X',
	  .kind = HF_OPT_STRING,
	  .offset = AT(method),
	  .arg = "METHOD",
	  .help = "request method (default: GET, or POST with -d)" },
	{ .name = "data",
	  .letter = 'd',
	  .kind = HF_OPT_STRING,
	  .offset = AT(data),
	  .arg = "DATA|@FILE",
	  .help = "send this body; @- is standard input" },
	{ .name = "header",
	  .letter = 'H',
	  .kind = HF_OPT_LIST,
	  .offset = AT(fields),
	  .arg = "FIELD",
	  .help = "header field as 'Name: value'" },
	{ .name = "include",
	  .letter = 'i',
	  .kind = HF_OPT_FLAG,
	  .offset = AT(include),
	  .help = "show status line and header fields too" },
	{ .name = "output",
	  .letter = 'o',
	  .kind = HF_OPT_STRING,
	  .offset = AT(output),
	  .arg = "FILE",
	  .help = "write the body to a file" },
	{ .name = "fail",
	  .letter = 'f',
	  .kind = HF_OPT_FLAG,
	  .offset = AT(fail),
	  .help = "exit 1 for status 400 and above" },
	{ .name = "timeout",
	  .kind = HF_OPT_DURATION,
	  .offset = AT(timeout),
	  .arg = "TIME",
	  .initial = "30s",
	  .min = 1,
	  .max = 86400,
	  .help = "for everything together" },
	{ .name = NULL },
};

static const struct hf_option tls_options[] = {
	{ .name = "connect",
	  .kind = HF_OPT_STRING,
	  .offset = AT(connect),
	  .arg = "HOST:PORT",
	  .help = "connect there instead of where the URL says" },
	{ .name = "server-name",
	  .kind = HF_OPT_STRING,
	  .offset = AT(server_name),
	  .arg = "NAME",
	  .help = "name to ask for (SNI), instead of the URL's host" },
	{ .name = "no-sni", .kind = HF_OPT_FLAG, .offset = AT(no_sni), .help = "ask for no name" },
	{ .name = "name",
	  .kind = HF_OPT_STRING,
	  .offset = AT(name),
	  .arg = "NAME|IP",
	  .help = "what the server's certificate must be valid for, instead of the URL's host" },
	{ .name = "tls-min",
	  .kind = HF_OPT_WORD,
	  .offset = AT(tls_min),
	  .words = tls_words,
	  .help = "lowest version (default: 1.2)" },
	{ .name = "tls-max",
	  .kind = HF_OPT_WORD,
	  .offset = AT(tls_max),
	  .words = tls_words,
	  .help = "highest version (default: 1.3)" },
	{ .name = "alpn",
	  .kind = HF_OPT_STRING,
	  .offset = AT(alpn),
	  .arg = "LIST",
	  .initial = "http/1.1",
	  .help = "application protocols to offer, comma-separated; empty offers none" },
	{ .name = "send-proxy",
	  .kind = HF_OPT_FLAG,
	  .offset = AT(send_proxy),
	  .help = "put a PROXY protocol header in front, as a balancer does" },
	{ .name = "ciphers",
	  .kind = HF_OPT_STRING,
	  .offset = AT(ciphers),
	  .arg = "LIST",
	  .help = "cipher suites, in OpenSSL's syntax" },
	{ .name = "groups",
	  .kind = HF_OPT_STRING,
	  .offset = AT(groups),
	  .arg = "LIST",
	  .help = "key exchange groups, such as X25519:P-256" },
	{ .name = "sigalgs",
	  .kind = HF_OPT_STRING,
	  .offset = AT(sigalgs),
	  .arg = "LIST",
	  .help = "signature algorithms, such as ECDSA+SHA256:RSA-PSS+SHA256" },
	{ .name = "system-roots",
	  .kind = HF_OPT_FLAG,
	  .offset = AT(system_roots),
	  .help = "trust the machine's public root certificates as well" },
	{ .name = "insecure",
	  .letter = 'k',
	  .kind = HF_OPT_FLAG,
	  .offset = AT(insecure),
	  .help =
	      "go on although the server's certificate is refused, for looking at a broken server only; the "
	      "client certificate is sent all the same" },
	{ .name = "trace",
	  .kind = HF_OPT_FLAG,
	  .offset = AT(trace),
	  .help = "show each step of the handshake as it happens, on standard error" },
	{ .name = "keylog",
	  .kind = HF_OPT_STRING,
	  .offset = AT(keylog),
	  .arg = "FILE",
	  .help = "append the secrets of the connection to this file (SSLKEYLOGFILE format, 0600); "
		  "who has it can read everything" },
	{ .name = "cacert",
	  .kind = HF_OPT_LIST,
	  .offset = AT(trust.ca),
	  .arg = "FILE",
	  .hidden = true,
	  .help = "curl's name for --ca" },
	{ .name = NULL },
};

static const struct hf_option_group groups[] = {
	{ "Request", request_options, 0 },	  { "Identity", hf_credential_options, AT(who) },
	{ "Trust", hf_trust_options, AT(trust) }, { "TLS", tls_options, 0 },
	{ "Proxy", hf_via_options, AT(via) },	  { NULL, NULL, 0 },
};

static enum hf_tls_version version_of(int word)
{
	return word == 0 ? HF_TLS_VERSION_DEFAULT : hf_tls_version_parse(tls_words[word]);
}

static int find_system_roots(struct get *g, const char **ret_file)
{
	*ret_file = hf_home_machine_roots();
	if (*ret_file)
		return 0;
	return hf_err_set(&g->ctx->err, HF_E_NOENT,
			  "this machine has no file of public root certificates");
}

static int load_trust(struct get *g, struct hf_trust **ret_trust)
{
	struct hf_trust_opts opts = g->opts->trust;
	int rc = g->opts->system_roots ? find_system_roots(g, &opts.also) : 0;

	return rc < 0 ? rc : hf_cli_load_trust(g->ctx, &opts, g->opts->who.as, 0, ret_trust);
}

static int check_trust(struct get *g, const struct hf_trust *trust)
{
	if (g->opts->insecure) {
		hf_out_warn(
		    &g->ctx->out,
		    "--insecure: the server may be anybody; do not send it anything that matters");
		return 0;
	}
	if (hf_trust_anchors(trust)->len > 0)
		return 0;
	(void)hf_err_set(&g->ctx->err, HF_MISTAKE_NO_TRUST,
			 "no CA is trusted, so no server can be");
	return hf_err_hint(
	    &g->ctx->err,
	    "name the server's CA with --ca FILE, or add it: handfast trust add NAME FILE");
}

static int make_context(struct get *g)
{
	HF_AUTO(hf_trust) trust = NULL;
	HF_AUTO_DONE(hf_strv) alpn = HF_STRV_INIT;
	const struct get_opts *o = g->opts;
	struct hf_tls_config config = {
		.role = HF_TLS_CLIENT,
		.credential = g->credential,
		.profile = (enum hf_profile)o->trust.profile,
		.compat_cn = o->trust.compat,
		.tls_min = version_of(o->tls_min),
		.tls_max = version_of(o->tls_max),
		.server_name = o->no_sni	? NULL
			       : o->server_name ? o->server_name
						: g->url.host,
		.verify_name = o->name		? o->name
			       : o->server_name ? o->server_name
						: g->url.host,
		.insecure = o->insecure,
		.ciphers = o->ciphers,
		.groups = o->groups,
		.sigalgs = o->sigalgs,
		.now = hf_clock_for_tls,
	};
	int rc = load_trust(g, &trust);

	if (rc == 0)
		rc = check_trust(g, trust);
	if (rc == 0 && o->alpn[0])
		rc = hf_strv_split(&alpn, o->alpn, ',') < 0 ? hf_err_nomem(&g->ctx->err) : 0;
	if (rc < 0)
		return rc;
	if (o->keylog) {
		rc = hf_keylog_open(o->keylog, &g->keylog_fd, &g->ctx->err);
		if (rc < 0)
			return rc;
		config.keylog = hf_keylog_line;
		config.keylog_arg = &g->keylog_fd;
	}
	config.trust = trust;
	config.alpn = (const char *const *)alpn.items;
	return hf_tls_context_new(&config, &g->context, &g->ctx->err);
}

static void start_transcript(struct get *g)
{
	hf_transcript_init(&g->transcript, hf_session_clock_us);
	if (g->opts->trace)
		g->transcript.tell = hf_cli_trace_event;
	if (hf_session_tls(g->session))
		hf_tls_conn_record(hf_session_tls(g->session), &g->transcript);
}

static int dial(struct get *g)
{
	int64_t deadline = hf_clock_monotonic_ms() + g->opts->timeout * 1000;
	struct hf_address list[HF_ADDRESSES_CAP];
	char host[HF_HOST_CAP];
	int port = g->url.port, rc = 0;
	struct hf_via via = { .kind = HF_VIA_NONE };
	struct hf_session_way way = { .list = list, .via = &via };

	(void)hf_str_copy(host, sizeof(host), g->url.host);
	if (g->opts->connect)
		rc = hf_hostport_parse(g->opts->connect, g->url.port, host, &port, &g->ctx->err);
	if (rc == 0)
		rc = hf_cli_way(&g->opts->via, host, port, &via, list, &way.len, &g->ctx->err);
	if (rc == 0)
		rc = hf_session_dial(&way, deadline, &g->session, &g->ctx->err);
	hf_via_done(&via);
	if (rc == 0 && g->opts->send_proxy)
		(void)hf_session_send_proxy(g->session); /* what comes of it the handshake tells */
	if (rc == 0)
		rc = hf_session_start_tls(g->session, g->context, &g->ctx->err);
	if (rc == 0)
		start_transcript(g);
	return rc;
}

static int load_upload(struct get *g)
{
	const char *data = g->opts->data;

	hf_buf_init(&g->upload, UPLOAD_CAP);
	if (!data)
		return 0;
	if (data[0] == '@')
		return hf_file_read(data + 1, &g->upload, &g->ctx->err);
	return hf_buf_puts(&g->upload, data) < 0 ? hf_err_nomem(&g->ctx->err) : 0;
}

/* A request that broke off may have been refused: the alert can still be read. */
static void exchange(struct get *g, const struct hf_request *request)
{
	enum hf_session_end sent;

	g->end = hf_session_handshake(g->session);
	if (g->end == HF_SESSION_OK)
		g->end = hf_session_await_verdict(g->session);
	if (g->end != HF_SESSION_OK)
		return;
	sent = hf_request_send(g->session, request);
	if (sent == HF_SESSION_REFUSED || sent == HF_SESSION_TIMEOUT) {
		g->end = sent;
		return;
	}
	g->end = hf_answer_read_head(g->session, request->method, &g->answer);
	g->answered = g->answer.bytes.len > 0;
	if (g->end == HF_SESSION_CLOSED && sent != HF_SESSION_OK)
		g->end = sent;
}

static bool keep_piece(const char *data, size_t len, void *arg)
{
	struct get *g = arg;

	if (g->ctx->out.json_mode || g->opts->output)
		return hf_buf_append(&g->body, data, len) == 0;
	hf_out_raw(&g->ctx->out, data, len);
	return !g->ctx->out.failed;
}

static void print_head(struct get *g)
{
	const struct hf_http_head *head = &g->answer.head;

	if (g->opts->include && !g->ctx->out.json_mode)
		hf_out_raw(&g->ctx->out, g->answer.bytes.data, head->len);
}

static int finish(struct get *g)
{
	int status = g->answer.head.status_code;

	if (g->opts->output &&
	    hf_file_write(g->opts->output, hf_buf_str(&g->body), g->body.len, HF_MODE_PUBLIC,
			  HF_FILE_REPLACE | HF_FILE_NO_SYNC, &g->ctx->err) < 0)
		return -g->ctx->err.code;
	get_report_json(g, NULL, NULL, NULL, NULL);
	if (g->opts->fail && status >= 400) {
		hf_out_note(&g->ctx->out, "the server answered %d", status);
		return HF_EXIT_NO;
	}
	return HF_EXIT_YES;
}

static int read_answer(struct get *g)
{
	if (!g->answer.malformed) {
		print_head(g);
		g->end = hf_answer_read_body(g->session, &g->answer, keep_piece, g);
	}
	if (g->answer.malformed) {
		(void)hf_err_set(&g->ctx->err, HF_E_PARSE, "%s did not answer in HTTP: %s",
				 g->url.authority, g->answer.why);
		return hf_err_hint(&g->ctx->err, "look at what listens there");
	}
	if (g->end != HF_SESSION_OK)
		return get_report_failure(g);
	return finish(g);
}

static int perform(struct get *g)
{
	const struct get_opts *o = g->opts;
	struct hf_request request = {
		.method = o->method ? o->method
			  : o->data ? "POST"
				    : "GET",
		.url = &g->url,
		.fields = &o->fields,
		.has_body = o->data != NULL,
	};
	int rc = hf_url_parse(g->ctx->args->items[0], &g->url, &g->ctx->err);

	if (rc == 0)
		rc = hf_request_check(&request, &g->ctx->err);
	if (rc == 0)
		rc = load_upload(g);
	if (rc == 0)
		rc = hf_cli_load_credential(g->ctx, &o->who, &g->credential);
	if (rc == 0)
		rc = make_context(g);
	if (rc == 0)
		rc = dial(g);
	if (rc < 0)
		return rc;
	request.body = g->upload.data;
	request.body_len = g->upload.len;
	exchange(g, &request);
	return g->end == HF_SESSION_OK ? read_answer(g) : get_report_failure(g);
}

static int run(struct hf_cmd_ctx *ctx)
{
	struct get g = { .ctx = ctx,
			 .opts = ctx->opts,
			 .answer = HF_ANSWER_INIT,
			 .body = HF_BUF_INIT(HF_OUT_CAP),
			 .keylog_fd = -1 };
	int rc = perform(&g);

	hf_session_close(g.session);
	hf_tls_context_unref(g.context);
	hf_credential_free(g.credential);
	hf_transcript_done(&g.transcript);
	hf_fd_close(g.keylog_fd);
	hf_answer_done(&g.answer);
	hf_buf_done(&g.upload);
	hf_buf_done(&g.body);
	return rc;
}

static const struct hf_example examples[] = {
	{ "handfast get --as mail-server https://localhost:3100/",
	  "fetch with an identity of the home" },
	{ "handfast get --cert c.pem --key k.pem --ca root.pem -d @invoice.json https://host/",
	  "post a file" },
	{ "handfast get --json --as amy https://localhost:3000/",
	  "everything about the answer, for programs" },
	{ NULL, NULL },
};

const struct hf_command cmd_get = {
	.name = "get",
	.group = "Connections",
	.arguments = "URL",
	.summary = "make a request with a client certificate",
	.description =
	    "Prints the body of the answer. When either side refuses the other, it says who refused whom, "
	    "which certificate, why, and what to do. Under TLS 1.3 a server judges the client after the "
	    "handshake has ended here: its verdict is awaited before anything is called a success.\n\n"
	    "Nothing is trusted unless the home or --ca says so; --ca replaces the home's trust.",
	.groups = groups,
	.opts_size = sizeof(struct get_opts),
	.examples = examples,
	.exits =
	    "0 answered, 1 refused by either side (or, with --fail, a status of 400 and above), 2 usage mistake, "
	    "3 it could not be done.",
	.see_also = "serve",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
