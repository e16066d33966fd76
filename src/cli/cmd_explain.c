/* SPDX-License-Identifier: Apache-2.0 */
/* handfast explain: why a mutual handshake failed, who refused, who must mend what.  Must never
 * guess aloud: what cannot be known is said to be so. */
#include <string.h>

#include "base/err.h"
#include "cli/explain.h"

static const char *const tls_words[] = { "default", "1.2", "1.3", NULL };

#define AT(field) offsetof(struct explain_opts, field)
static const struct hf_option meeting_options[] = {
	{ .name = "server-files",
	  .kind = HF_OPT_STRING,
	  .offset = AT(server_files),
	  .arg = "CERT[,KEY][,CA][,CRL]",
	  .help =
	      "what the server has, if you have it: judged too, and compared with what it sends; beside "
	      "a log or a record its CA file and lists (--ca and --crl as well) confirm what is said" },
	{ .name = "one-shot",
	  .kind = HF_OPT_FLAG,
	  .offset = AT(one_shot),
	  .help =
	      "one connection only; without it up to three more are made, and said, when they decide "
	      "something" },
	{ .name = "html",
	  .kind = HF_OPT_STRING,
	  .offset = AT(html),
	  .arg = "FILE",
	  .help = "write the explanation as one self-contained page" },
	{ .name = "trace",
	  .kind = HF_OPT_FLAG,
	  .offset = AT(trace),
	  .help = "show each step of the handshake as it happens, on standard error" },
	{ .name = "timeout",
	  .kind = HF_OPT_DURATION,
	  .offset = AT(timeout),
	  .arg = "TIME",
	  .initial = "5s",
	  .min = 1,
	  .max = 3600,
	  .help = "for one handshake" },
	{ .name = "record",
	  .kind = HF_OPT_STRING,
	  .offset = AT(record),
	  .arg = "FILE|-",
	  .help =
	      "read refusal records of `serve` (its standard error) and say what they have in common" },
	{ .name = "list",
	  .kind = HF_OPT_FLAG,
	  .offset = AT(list),
	  .help = "every reason and every code there is, one a line" },
	{ .name = NULL },
};

static const struct hf_option client_options[] = {
	{ .name = "connect",
	  .kind = HF_OPT_STRING,
	  .offset = AT(connect),
	  .arg = "ADDR:PORT",
	  .help = "connect there instead of where the target says" },
	{ .name = "server-name",
	  .kind = HF_OPT_STRING,
	  .offset = AT(server_name),
	  .arg = "NAME",
	  .help = "name to ask for (SNI), instead of the target's host" },
	{ .name = "no-sni", .kind = HF_OPT_FLAG, .offset = AT(no_sni), .help = "ask for no name" },
	{ .name = "name",
	  .kind = HF_OPT_STRING,
	  .offset = AT(name),
	  .arg = "NAME|IP",
	  .help = "what the server's certificate must be valid for (default: the host)" },
	{ .name = "alpn",
	  .kind = HF_OPT_STRING,
	  .offset = AT(alpn),
	  .arg = "LIST",
	  .help = "application protocols the client offers, comma-separated (default: none)" },
	{ .name = "tls-min",
	  .kind = HF_OPT_WORD,
	  .offset = AT(tls_min),
	  .words = tls_words,
	  .help = "the client's lowest version (default: 1.2)" },
	{ .name = "tls-max",
	  .kind = HF_OPT_WORD,
	  .offset = AT(tls_max),
	  .words = tls_words,
	  .help = "the client's highest version (default: 1.3)" },
	{ .name = "ciphers",
	  .kind = HF_OPT_STRING,
	  .offset = AT(ciphers),
	  .arg = "LIST",
	  .help = "the client's cipher suites, in OpenSSL's syntax" },
	{ .name = "groups",
	  .kind = HF_OPT_STRING,
	  .offset = AT(groups),
	  .arg = "LIST",
	  .help = "the client's key exchange groups, such as X25519:P-256" },
	{ .name = "sigalgs",
	  .kind = HF_OPT_STRING,
	  .offset = AT(sigalgs),
	  .arg = "LIST",
	  .help = "the client's signature algorithms, such as ECDSA+SHA256:RSA-PSS+SHA256" },
	{ .name = "send-proxy",
	  .kind = HF_OPT_FLAG,
	  .offset = AT(send_proxy),
	  .help = "put a PROXY protocol header in front, as a balancer does" },
	{ .name = "cacert",
	  .kind = HF_OPT_LIST,
	  .offset = AT(trust.ca),
	  .arg = "FILE",
	  .hidden = true,
	  .help = "curl's name for --ca" },
	{ .name = NULL },
};

static const struct hf_option_group groups[] = {
	{ "Explanation", meeting_options, 0 },	  { "Identity", hf_credential_options, AT(who) },
	{ "Trust", hf_trust_options, AT(trust) }, { "As the client does", client_options, 0 },
	{ "Proxy", hf_via_options, AT(via) },	  { NULL, NULL, 0 },
};

/* "V-EXPIRD": capitals, digits and dashes, one letter first. */
static bool looks_like_id(const char *what)
{
	return what[0] && what[1] == '-' &&
	       strspn(what, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == strlen(what);
}

static int no_such_reason(struct hf_cmd_ctx *ctx, const char *what)
{
	const char *ids[HF_REASON_COUNT + HF_MISTAKE_END - HF_MISTAKE_NONE] = { NULL }, *nearest;
	size_t n = 0;

	for (int i = 1; i < HF_REASON_COUNT; i++)
		ids[n++] = hf_reason_info((enum hf_reason)i)->id;
	for (int i = HF_MISTAKE_NONE + 1; i < HF_MISTAKE_END; i++)
		ids[n++] = hf_mistake_info((enum hf_mistake)i)->id;
	nearest = hf_str_nearest(what, ids);
	(void)hf_err_set(&ctx->err, HF_MISTAKE_EXPLAIN_ID, "there is no reason '%s'", what);
	(void)hf_err_at_text(&ctx->err, what);
	return nearest ? hf_err_hint(&ctx->err, "did you mean %s?", nearest)
		       : hf_err_hint(&ctx->err, "handfast explain --list has them all");
}

static int run(struct hf_cmd_ctx *ctx)
{
	const struct explain_opts *opts = ctx->opts;
	const char *what = ctx->args->len ? ctx->args->items[0] : NULL;
	enum hf_mistake mistake;
	enum hf_reason reason;

	if (opts->list)
		return explain_list(ctx);
	if (opts->record)
		return explain_records(ctx, opts);
	if (!what)
		return hf_command_usage(ctx, "explain what? HOST:PORT, a URL, a reason such as "
					     "V-EXPIRED, or a line of a log");
	reason = hf_reason_by_id(what);
	if (reason)
		return explain_reason(ctx, reason);
	mistake = hf_mistake_by_id(what);
	if (mistake != HF_MISTAKE_NONE)
		return explain_mistake(ctx, mistake);
	if (looks_like_id(what))
		return no_such_reason(ctx, what);
	if (strcmp(what, "-") == 0 || strpbrk(what, " \t\n") || what[0] == '{')
		return explain_lines(ctx, opts, what);
	return explain_meeting(ctx, opts, what);
}

static const struct hf_example examples[] = {
	{ "handfast explain gw.abc.com:8443 --as mail-server", "why does this meeting fail" },
	{ "handfast explain https://localhost:8443/ --cert c.pem --key k.pem --ca root.pem",
	  "the same with files, and this path" },
	{ "handfast explain localhost:8443 --as mail-server --server-files s.pem,s.key,ca.pem",
	  "with the server's files: certain" },
	{ "handfast explain V-NO-INTERMEDIATE", "the long story of one reason" },
	{ "handfast explain E-SUBJECT", "the long story of an error message" },
	{ "handfast explain 'tlsv1 alert unknown ca'",
	  "what a line of another program's log may mean" },
	{ "handfast explain --record gateway.log", "what the refusals of a night have in common" },
	{ NULL, NULL },
};

const struct hf_command cmd_explain = {
	.name = "explain",
	.group = "Understanding",
	.arguments = "TARGET",
	.summary = "why a mutual handshake fails: who refused, which certificate, what to do",
	.description =
	    "TARGET is HOST:PORT or a URL as the failing client uses it (http:// says that it speaks "
	    "plaintext). Local files are looked at first; then one handshake is recorded and read on to the "
	    "server's verdict; both chains are judged. The root cause comes first, with its evidence, what "
	    "cannot be known from here, and the fix.\n\n"
	    "TARGET may also be a reason (V-EXPIRED), the code of an error message (E-RULE-TERM), or a "
	    "line of another program's log; - reads such lines from standard input.\n\n"
	    "Three words of confidence: certain, likely, cannot know from here.",
	.groups = groups,
	.opts_size = sizeof(struct explain_opts),
	.examples = examples,
	.exits =
	    "0 the two would meet, 1 they would not, 2 usage mistake, 3 it could not be found out",
	.see_also = "get, verify, show",
	.min_args = 0,
	.max_args = 1,
	.run = run,
};
