/* SPDX-License-Identifier: Apache-2.0 */
/* handfast ctl: ask and tell a gateway that runs on this machine. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cli/ctl.h"

enum { WAIT_S = 60, NO_DEADLINE = -1, DRAIN_MARGIN_S = 30, DRAIN_MAX_S = 86400 };

static const struct hf_option options[] = {
	{ .name = "admin",
	  .kind = HF_OPT_STRING,
	  .offset = offsetof(struct hf_ctl_opts, admin),
	  .arg = "PATH",
	  .help = "the socket, as --admin of serve or tunnel says, or its name in the usual "
		  "directory (default: the only one that answers in $XDG_RUNTIME_DIR/handfast, for "
		  "root in /run/handfast)" },
	{ .name = "deadline",
	  .kind = HF_OPT_DURATION,
	  .offset = offsetof(struct hf_ctl_opts, deadline),
	  .arg = "SECONDS",
	  .min = 1,
	  .max = DRAIN_MAX_S,
	  .help = "drain: how long connections may finish before they are cut (default: as --drain "
		  "of the gateway says)" },
	{ .name = "limit",
	  .kind = HF_OPT_INT,
	  .offset = offsetof(struct hf_ctl_opts, limit),
	  .arg = "N",
	  .initial = "1000",
	  .min = 1,
	  .max = HF_ADMIN_ROWS_CAP,
	  .help = "connections: how many of each worker, the youngest first" },
	{ .name = "interval",
	  .kind = HF_OPT_DURATION,
	  .offset = offsetof(struct hf_ctl_opts, interval),
	  .arg = "SECONDS",
	  .initial = "1",
	  .min = 1,
	  .max = 3600,
	  .help = "top: how often it looks" },
	{ .name = NULL },
};

static const struct hf_option_group groups[] = {
	{ "Options", options, 0 },
	{ NULL, NULL, 0 },
};

/* --- what becomes of the answers --- */

static int end_status(struct hf_cmd_ctx *ctx, const json_t *answer)
{
	hf_ctl_show_status(&ctx->out, answer);
	return HF_EXIT_YES;
}

static int end_connections(struct hf_cmd_ctx *ctx, const json_t *answer)
{
	hf_ctl_show_connections(&ctx->out, answer);
	return HF_EXIT_YES;
}

static int end_reload(struct hf_cmd_ctx *ctx, const json_t *answer)
{
	const char *hint = hf_ctl_text(answer, "hint");

	hf_ctl_show_reload(&ctx->out, answer);
	if (json_is_true(json_object_get(answer, "reloaded")))
		return HF_EXIT_YES;
	hf_out_flush(&ctx->out);
	hf_out_warn(&ctx->out, "reload refused, generation %lld stays: %s%s%s",
		    (long long)hf_ctl_number(answer, "generation"), hf_ctl_text(answer, "reason"),
		    hint[0] ? " - " : "", hint);
	return HF_EXIT_NO;
}

static int end_drain(struct hf_cmd_ctx *ctx, const json_t *answer)
{
	if (json_is_true(json_object_get(answer, "cut"))) {
		hf_out_print(&ctx->out, "stopped; connections had to be cut\n");
		return HF_EXIT_NO;
	}
	hf_out_print(&ctx->out, "stopped; every connection had finished\n");
	return HF_EXIT_YES;
}

static int end_revoke(struct hf_cmd_ctx *ctx, const json_t *answer)
{
	hf_out_print(&ctx->out,
		     "refused from now on, until the gateway is started again; %lld "
		     "connections of it were closed\n",
		     (long long)hf_ctl_number(answer, "closed"));
	hf_out_flush(&ctx->out);
	hf_out_note(&ctx->out,
		    "now make it last: handfast revoke, and a list that every gateway reads");
	return HF_EXIT_YES;
}

static const struct {
	enum hf_admin_verb verb;
	int (*end)(struct hf_cmd_ctx *ctx, const json_t *answer);
} commands[] = {
	{ HF_ADMIN_STATUS, end_status },	   { HF_ADMIN_RELOAD, end_reload },
	{ HF_ADMIN_CONNECTIONS, end_connections }, { HF_ADMIN_DRAIN, end_drain },
	{ HF_ADMIN_REVOKE_NOW, end_revoke },	   { HF_ADMIN_TOP, NULL },
};

/* --- the question --- */

/* The row of `commands`, or negative. */
static int find(struct hf_cmd_ctx *ctx, const char *word)
{
	const char *names[HF_ARRAY_LEN(commands) + 1] = { NULL }, *nearest;

	for (size_t i = 0; i < HF_ARRAY_LEN(commands); i++) {
		names[i] = hf_admin_verb_name(commands[i].verb);
		if (hf_str_eq(names[i], word))
			return (int)i;
	}
	nearest = hf_str_nearest(word, names);
	(void)hf_err_set(&ctx->err, HF_E_INVALID, "ctl knows no '%s'", word);
	return nearest ? hf_err_hint(&ctx->err, "did you mean '%s'?", nearest)
		       : hf_err_hint(&ctx->err, "handfast ctl --help lists what it knows");
}

static int make_request(struct hf_cmd_ctx *ctx, struct hf_admin_request *request)
{
	const struct hf_ctl_opts *opts = ctx->opts;
	bool revoke = request->verb == HF_ADMIN_REVOKE_NOW;

	request->deadline_s = opts->deadline > 0 ? opts->deadline : NO_DEADLINE;
	request->limit = (size_t)opts->limit;
	if (revoke && ctx->args->len < 2) {
		(void)hf_command_usage(ctx, "revoke-now needs the certificate's SHA-256");
		return hf_err_hint(&ctx->err, "handfast show FILE tells it");
	}
	if (!revoke && ctx->args->len > 1)
		return hf_command_usage(ctx, "%s takes no '%s'", hf_admin_verb_name(request->verb),
					ctx->args->items[1]);
	if (opts->deadline > 0 && request->verb != HF_ADMIN_DRAIN)
		return hf_command_usage(ctx, "--deadline belongs to drain");
	return revoke ? hf_admin_fingerprint_parse(ctx->args->items[1], request->fingerprint,
						   &ctx->err)
		      : 0;
}

static int wait_of(const struct hf_admin_request *request)
{
	if (request->verb != HF_ADMIN_DRAIN)
		return WAIT_S;
	return request->deadline_s >= 0 ? (int)request->deadline_s + DRAIN_MARGIN_S : DRAIN_MAX_S;
}

void hf_ctl_put_json(struct hf_cmd_ctx *ctx, const json_t *answer)
{
	char *text = json_dumps(answer, JSON_INDENT(2));

	if (text == NULL)
		return;
	hf_out_raw(&ctx->out, text, strlen(text));
	hf_out_raw(&ctx->out, "\n", 1);
	free(text);
}

static int run(struct hf_cmd_ctx *ctx)
{
	const struct hf_ctl_opts *opts = ctx->opts;
	struct hf_admin_request request = { .verb = HF_ADMIN_STATUS };
	char path[PATH_MAX];
	json_t *answer = NULL;
	int rc = find(ctx, ctx->args->items[0]), row = rc;

	if (rc < 0)
		return rc;
	request.verb = commands[row].verb;
	rc = make_request(ctx, &request);
	if (rc == 0)
		rc = hf_ctl_find(ctx, opts->admin, path);
	if (rc == 0 && request.verb == HF_ADMIN_TOP)
		return hf_ctl_top(ctx, path);
	if (rc == 0)
		rc = hf_ctl_ask(ctx, path, &request, wait_of(&request), &answer);
	if (rc < 0)
		return rc;
	if (ctx->out.json_mode)
		hf_ctl_put_json(ctx, answer);
	rc = commands[row].end(ctx, answer);
	json_decref(answer);
	return rc;
}

static const struct hf_example examples[] = {
	{ "handfast ctl status",
	  "what runs, since when, with which files, and how long they are good" },
	{ "handfast ctl top", "watch who is connected and what is refused" },
	{ "handfast ctl reload", "read the files again, and wait until every worker has them" },
	{ "handfast ctl connections --json | jq '.connections[].identity'", "who is connected" },
	{ "handfast ctl revoke-now 3f9a…", "turn a stolen certificate away in this second" },
	{ "handfast ctl drain --deadline 60", "let connections finish for a minute, then stop" },
	{ NULL, NULL },
};

const struct hf_command cmd_ctl = {
	.name = "ctl",
	.group = "Connections",
	.arguments = "status|top|reload|connections|drain|revoke-now [FINGERPRINT]",
	.summary = "ask and tell a gateway that runs on this machine",
	.description =
	    "status: processes, listeners, the files in use with their SHA-256, when certificate and "
	    "revocation lists end, and what happened since the start.\n\n"
	    "top: connections by identity, handshakes and requests a second, refusals by reason; on a "
	    "terminal until Ctrl-C, elsewhere once.\n\n"
	    "reload: reads certificates, trust, rules and lists again, as SIGHUP does, and comes back when "
	    "every worker has said which generation it uses. A bad file is named, and everything stays as "
	    "it was.\n\n"
	    "connections: who is connected, from where, since when, with how many requests and bytes.\n\n"
	    "drain: takes no more connections, lets those that are there finish, cuts what is left at the "
	    "deadline, and ends the gateway.\n\n"
	    "revoke-now FINGERPRINT: closes the connections of the certificate with this SHA-256 and refuses "
	    "it in every worker with the alert certificate_revoked, whatever lists and rules say. It holds "
	    "over every reload and ends with the process: the authority's list is what lasts.\n\n"
	    "The socket has the mode 0600 and takes nobody but root and the user of the gateway.",
	.groups = groups,
	.opts_size = sizeof(struct hf_ctl_opts),
	.examples = examples,
	.exits = "0 done; 1 the reload was refused, or connections had to be cut",
	.see_also = "serve, tunnel, revoke",
	.min_args = 1,
	.max_args = 2,
	.run = run,
};
