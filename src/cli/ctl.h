/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of handfast ctl; for src/cli/ctl*.c and cmd_ctl.c only. */
#ifndef HF_CLI_CTL_H
#define HF_CLI_CTL_H

#include <limits.h>

#include <jansson.h>

#include "net/admin.h"
#include "util/cmd.h"

struct hf_ctl_opts {
	const char *admin;
	int64_t deadline, limit, interval;
};

/* The socket to ask: as --admin says (unix:PATH, PATH, or a name in the usual directory), else the
 * only one that answers there.  Errors name what is there. */
int hf_ctl_find(struct hf_cmd_ctx *ctx, const char *admin, char out[PATH_MAX]);

/* Asks; the answer as text and parsed (to be given back with json_decref).  An answer that is an
 * error is a failure with its words. */
int hf_ctl_ask(struct hf_cmd_ctx *ctx, const char *path, const struct hf_admin_request *request,
	       int wait_s, json_t **ret_answer);

/* Of a JSON object; "" and 0 where there is none. */
const char *hf_ctl_text(const json_t *object, const char *key);
int64_t hf_ctl_number(const json_t *object, const char *key);

/* The answer on stdout as it is. */
void hf_ctl_put_json(struct hf_cmd_ctx *ctx, const json_t *answer);
/* ctl_top.c: once, or on a terminal again and again until somebody ends it. */
int hf_ctl_top(struct hf_cmd_ctx *ctx, const char *path);

/* ctl_show.c: for people */
void hf_ctl_show_status(struct hf_out *out, const json_t *status);
void hf_ctl_show_connections(struct hf_out *out, const json_t *answer);
void hf_ctl_show_reload(struct hf_out *out, const json_t *answer);

#endif
