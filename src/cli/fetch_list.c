/* SPDX-License-Identifier: Apache-2.0 */
/* Fetching one revocation list.  Must never go on without it: whoever names a list wants it looked
 * at. */
#include "cli/fetch_list.h"

#include "base/err.h"
#include "base/str.h"
#include "http/fetch.h"
#include "net/loop.h"
#include "pki/pemfile.h"
#include "util/clock.h"

struct waiting {
	struct hf_loop *loop;
	struct hf_buf body;
	bool over;
	int status;
	char why[HF_FETCH_WHY_CAP];
};

static void on_answer(const struct hf_fetch_answer *answer, void *arg)
{
	struct waiting *w = arg;

	w->over = true;
	w->status = answer->status;
	if (answer->status == 200)
		(void)hf_buf_append(&w->body, answer->body->data, answer->body->len);
	else
		(void)hf_str_copy(w->why, sizeof(w->why), answer->why ? answer->why : "");
	hf_loop_stop(w->loop);
}

static int make_context(const struct hf_url *url, struct hf_trust *judge,
			struct hf_tls_context **ret_context, struct hf_err *err)
{
	const struct hf_tls_config tls = { .role = HF_TLS_CLIENT,
					   .trust = judge,
					   .server_name = url->host,
					   .verify_name = url->host,
					   .now = hf_clock_for_tls };

	return url->plain ? 0 : hf_tls_context_new(&tls, ret_context, err);
}

static int wait_for(const struct hf_url *url, struct hf_tls_context *context, struct waiting *w,
		    struct hf_err *err)
{
	const struct hf_fetch_request request = { .url = url,
						  .tls = context,
						  .cap = HF_FETCH_LIST_CAP,
						  .connect_ms = 10 * 1000,
						  .answer_ms = 10 * 1000,
						  .all_ms = HF_FETCH_LIST_SECONDS * 1000 };
	struct hf_fetch *fetch = NULL;
	int rc = hf_fetch_start(w->loop, &request, on_answer, w, &fetch, err);

	while (rc == 0 && !w->over)
		hf_loop_run(w->loop);
	if (rc < 0)
		return rc;
	if (w->status == 0)
		return hf_err_set(err, HF_E_IO, "%s", w->why);
	if (w->status != 200)
		return hf_err_set(err, HF_E_IO, "the answer was HTTP %d", w->status);
	return hf_buf_failed(&w->body) ? hf_err_nomem(err) : 0;
}

static int add_lists(const struct hf_buf *body, const char *url, struct hf_trust *trust,
		     struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	char what[256];
	int rc = hf_pemfile_parse(&file, body->data, body->len, url, 0, NULL, err);

	if (rc == 0 && file.crls.len == 0) {
		hf_pemfile_describe(&file, what, sizeof(what));
		return hf_err_set(err, HF_E_PARSE, "that is no revocation list: it is %s", what);
	}
	for (size_t i = 0; rc == 0 && i < file.crls.len; i++)
		rc = hf_trust_add_crl(trust, file.crls.items[i], err);
	return rc;
}

int hf_cli_fetch_list(const char *text, struct hf_trust *judge, struct hf_trust *trust,
		      struct hf_err *err)
{
	HF_AUTO(hf_tls_context) context = NULL;
	struct waiting w = { .body = HF_BUF_INIT(HF_FETCH_LIST_CAP) };
	struct hf_url url;
	int rc = hf_url_parse_any(text, &url, err);

	if (rc == 0)
		rc = make_context(&url, judge, &context, err);
	if (rc == 0)
		rc = hf_loop_new(&w.loop, err);
	if (rc == 0)
		rc = wait_for(&url, context, &w, err);
	if (rc == 0)
		rc = add_lists(&w.body, text, trust, err);
	hf_loop_free(w.loop);
	hf_buf_done(&w.body);
	return rc < 0 ? hf_err_context(err, rc, "the revocation list at %s", text) : 0;
}
