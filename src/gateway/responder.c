/* SPDX-License-Identifier: Apache-2.0 */
/* The table of responders, and the two shortest.  Must never answer with anything but what was
 * configured. */
#include "gateway/responder.h"

#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "http/message.h"

static const struct hf_responder_ops *const responders[] = {
	&hf_respond_verdict, &hf_respond_identity, &hf_respond_text,
	&hf_respond_file,    &hf_respond_dir,
};

static int unknown(const char *text, struct hf_err *err)
{
	const char *words[HF_ARRAY_LEN(responders) + 1] = { NULL };
	const char *nearest;

	for (size_t i = 0; i < HF_ARRAY_LEN(responders); i++)
		words[i] = responders[i]->word;
	nearest = hf_str_nearest(text, words);
	(void)hf_err_set(err, HF_E_INVALID, "--respond does not know '%s'", text);
	return hf_err_hint(err, "%s%s%sit knows: verdict, identity, text:BODY, file:PATH, dir:PATH",
			   nearest ? "did you mean '" : "", nearest ? nearest : "",
			   nearest ? "'? " : "");
}

int hf_responder_init(struct hf_responder *responder, const struct hf_responder_spec *spec,
		      struct hf_err *err)
{
	const char *colon = strchr(spec->text, ':');
	size_t len = colon ? (size_t)(colon - spec->text) : strlen(spec->text);

	*responder = (struct hf_responder){ .content_type = spec->content_type,
					    .detail = spec->detail,
					    .arg = colon ? colon + 1 : NULL,
					    .dir_fd = -1 };
	for (size_t i = 0; i < HF_ARRAY_LEN(responders); i++) {
		if (strlen(responders[i]->word) != len ||
		    memcmp(responders[i]->word, spec->text, len) != 0)
			continue;
		if (responders[i]->takes_arg != (colon != NULL))
			return hf_err_set(err, HF_E_INVALID, "--respond %s %s", responders[i]->word,
					  colon ? "takes nothing behind it" : "needs ':' and more");
		responder->ops = responders[i];
		return responder->ops->open ? responder->ops->open(responder, err) : 0;
	}
	return unknown(spec->text, err);
}

void hf_responder_done(struct hf_responder *responder)
{
	hf_fd_close(responder->dir_fd);
	responder->dir_fd = -1;
}

void hf_answer_status(struct hf_http_answer *answer, int status)
{
	answer->status = status;
	answer->content_type = "text/plain; charset=utf-8";
	hf_buf_printf(answer->scratch, "%s\n", hf_http_status_text(status));
	answer->body = hf_buf_str(answer->scratch);
	answer->body_len = answer->scratch->len;
}

/* koa's headers for a string: text/plain; charset=utf-8 and the length (mission row 65). */
static void respond_text(const struct hf_responder *responder,
			 const struct hf_http_request *request, struct hf_http_answer *answer)
{
	(void)request;
	answer->status = 200;
	answer->content_type =
	    responder->content_type ? responder->content_type : "text/plain; charset=utf-8";
	answer->body = responder->arg;
	answer->body_len = strlen(responder->arg);
}

const struct hf_responder_ops hf_respond_text = { .word = "text",
						  .takes_arg = true,
						  .respond = respond_text };
