/* SPDX-License-Identifier: Apache-2.0 */
/* One question, one answer.  Must never hand out a part of an answer as the whole, nor send
 * anything to a server of https that was not judged. */
#include "http/fetch.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "http/client.h"
#include "net/loop.h"

enum { ASK_CAP = 512 * 1024 };

/* A name on its way to addresses, in a thread; outlives a fetch that is cancelled. */
struct lookup {
	uv_work_t work;
	struct hf_fetch *fetch; /* NULL: nobody waits */
	char host[HF_HOST_CAP];
	int port, rc;
	struct hf_address list[HF_ADDRESSES_CAP];
	size_t len;
	struct hf_err err;
};

struct hf_fetch {
	struct hf_loop *loop;
	struct hf_url url;
	struct hf_tls_context *tls;
	hf_fetch_fn done;
	void *arg;
	struct hf_buf ask, body;
	bool post, foreign, too_large;
	uint64_t connect_ms, answer_ms;
	struct lookup *lookup;
	struct hf_timer *over;
	struct hf_http_pool *pool;
	struct hf_http_client *client; /* NULL: none, or gone */
	struct hf_address list[HF_ADDRESSES_CAP];
	size_t len, at;
	struct hf_http_head head; /* of the answer; its bytes are in `text` */
	struct hf_buf text;
};

static void fetch_free(struct hf_fetch *f)
{
	if (f->lookup)
		f->lookup->fetch = NULL;
	hf_timer_free(f->over);
	hf_http_client_drop(f->client);
	hf_http_pool_free(f->pool);
	hf_tls_context_unref(f->tls);
	hf_buf_done(&f->ask);
	hf_buf_done(&f->body);
	hf_buf_done(&f->text);
	free(f);
}

void hf_fetch_cancel(struct hf_fetch *fetch)
{
	if (fetch)
		fetch_free(fetch);
}

/* The last word: whoever asked may start another from inside. */
static void tell(struct hf_fetch *f, const struct hf_fetch_answer *answer)
{
	hf_fetch_fn done = f->done;
	void *arg = f->arg;

	f->done = NULL;
	done(answer, arg);
	fetch_free(f);
}

static void give_up(struct hf_fetch *f, const char *why, bool refused)
{
	const struct hf_fetch_answer answer = { .why = why, .refused = refused };

	tell(f, &answer);
}

/* --- the answer --- */

static void on_interim(const struct hf_http_head *head, void *arg)
{
	(void)head;
	(void)arg;
}

static void nothing(void *arg)
{
	(void)arg;
}

static void on_head(const struct hf_http_head *head, enum hf_http_body_kind kind, void *arg)
{
	struct hf_fetch *f = arg;

	(void)kind;
	f->head = *head;
	/* what it points to is gone when this returns */
	(void)hf_buf_append(&f->text, head->data, head->len);
	hf_http_head_move(&f->head, hf_buf_str(&f->text));
}

static void on_body(struct hf_slice piece, void *arg)
{
	struct hf_fetch *f = arg;

	(void)hf_buf_append(&f->body, piece.data, piece.len);
	if (!hf_buf_failed(&f->body) || f->too_large)
		return;
	/* The rest is not worth reading; not from inside the client. */
	f->too_large = true;
	if (f->over)
		hf_timer_start(f->over, 0, 0);
}

static void on_done(bool reusable, void *arg)
{
	struct hf_fetch *f = arg;
	const struct hf_verdict *verdict = hf_conn_verdict(hf_http_client_conn(f->client));
	const struct hf_fetch_answer answer = { .status = f->head.status_code,
						.head = &f->head,
						.body = &f->body,
						.chain = verdict ? &verdict->chain : NULL };

	(void)reusable;
	if (hf_buf_failed(&f->body) || hf_buf_failed(&f->text))
		give_up(f, "the answer is too large", false);
	else
		tell(f, &answer);
}

static bool ask(struct hf_fetch *f);

static void on_failed(const struct hf_http_failure *failure, void *arg)
{
	struct hf_fetch *f = arg;
	char why[HF_FETCH_WHY_CAP];

	f->client = NULL;
	if (failure->trouble == HF_TROUBLE_CONNECT && !failure->tls && ++f->at < f->len && ask(f))
		return;
	if (failure->tls)
		(void)snprintf(why, sizeof(why), "%s [%s]", failure->tls->text,
			       failure->tls->cause);
	else if (failure->trouble == HF_TROUBLE_CONNECT)
		(void)snprintf(why, sizeof(why), "cannot connect: %s",
			       strerror(failure->sys_errno ? failure->sys_errno : ETIMEDOUT));
	else
		(void)snprintf(why, sizeof(why), "%s", failure->why);
	give_up(f, why, failure->tls && failure->tls->refused_by != HF_JUDGE_NOBODY);
}

static const struct hf_http_client_ops client_ops = { .on_interim = on_interim,
						      .on_head = on_head,
						      .on_body = on_body,
						      .on_done = on_done,
						      .on_writable = nothing,
						      .on_told = nothing,
						      .on_failed = on_failed };

/* --- asking --- */

static bool ask(struct hf_fetch *f)
{
	if (hf_http_pool_connect(f->pool, f->at, &f->client, NULL) < 0) {
		f->client = NULL;
		return false;
	}
	/* a failure comes as on_failed */
	(void)hf_http_client_ask(f->client, &client_ops, f,
				 f->post ? HF_METHOD_POST : HF_METHOD_GET, f->ask.data, f->ask.len);
	return true;
}

static void begin(struct hf_fetch *f)
{
	const struct hf_http_pool_config config = { .addresses = f->list,
						    .addresses_len = f->len,
						    .connect_ms = f->connect_ms,
						    .first_ms = f->answer_ms,
						    .idle_ms = f->answer_ms,
						    .tls = f->url.plain ? NULL : f->tls };

	if (hf_http_pool_new(f->loop, &config, &f->pool, NULL) < 0) {
		give_up(f, "out of memory", false);
		return;
	}
	while (f->at < f->len && !ask(f))
		f->at++;
	if (f->at == f->len)
		give_up(f, "cannot connect", false);
}

static void look_up(uv_work_t *work)
{
	struct lookup *l = work->data;

	l->rc = hf_address_resolve(l->host, l->port, l->list, &l->len, &l->err);
}

static void drop_special(struct hf_fetch *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->len; i++)
		if (!hf_address_is_special(&f->list[i]))
			f->list[kept++] = f->list[i];
	f->len = kept;
}

static void looked_up(uv_work_t *work, int status)
{
	struct lookup *l = work->data;
	struct hf_fetch *f = l->fetch;

	(void)status;
	if (f) {
		f->lookup = NULL;
		f->len = l->rc < 0 ? 0 : l->len;
		memcpy(f->list, l->list, sizeof(f->list));
		if (f->foreign)
			drop_special(f);
		if (f->len > 0)
			begin(f);
		else
			give_up(f, l->err.msg[0] ? l->err.msg : "the name has no address", false);
	}
	free(l);
}

static int start_lookup(struct hf_fetch *f, struct hf_err *err)
{
	struct lookup *l = calloc(1, sizeof(*l));

	if (!l)
		return hf_err_nomem(err);
	l->work.data = l;
	l->fetch = f;
	l->port = f->url.port;
	(void)hf_str_copy(l->host, sizeof(l->host), f->url.host);
	if (uv_queue_work(hf_loop_uv(f->loop), &l->work, look_up, looked_up) != 0) {
		free(l);
		return hf_err_nomem(err);
	}
	f->lookup = l;
	return 0;
}

static void on_over(void *arg)
{
	struct hf_fetch *f = arg;

	give_up(f, f->too_large ? "the answer is too large" : "it took too long", false);
}

static void write_ask(struct hf_fetch *f, const struct hf_fetch_request *r)
{
	(void)hf_buf_printf(&f->ask,
			    "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: handfast/" HF_VERSION
			    "\r\nAccept: */*\r\nConnection: close\r\n%s",
			    r->content_type ? "POST" : "GET", r->url->target, r->url->authority,
			    r->fields ? r->fields : "");
	if (r->content_type)
		(void)hf_buf_printf(&f->ask, "Content-Type: %s\r\nContent-Length: %zu\r\n",
				    r->content_type, r->body_len);
	(void)hf_buf_puts(&f->ask, "\r\n");
	(void)hf_buf_append(&f->ask, r->body, r->content_type ? r->body_len : 0);
}

int hf_fetch_start(struct hf_loop *loop, const struct hf_fetch_request *request, hf_fetch_fn done,
		   void *arg, struct hf_fetch **ret_fetch, struct hf_err *err)
{
	struct hf_fetch *f = calloc(1, sizeof(*f));
	int rc = 0;

	assert(request->url->plain || request->tls);
	if (!f)
		return hf_err_nomem(err);
	*f = (struct hf_fetch){ .loop = loop,
				.url = *request->url,
				.tls = request->tls ? hf_tls_context_ref(request->tls) : NULL,
				.done = done,
				.arg = arg,
				.ask = HF_BUF_INIT(ASK_CAP),
				.body = HF_BUF_INIT(request->cap),
				.text = HF_BUF_INIT(ASK_CAP),
				.post = request->content_type != NULL,
				.foreign = request->foreign,
				.connect_ms = request->connect_ms,
				.answer_ms = request->answer_ms };
	write_ask(f, request);
	if (hf_buf_failed(&f->ask))
		rc = hf_err_nomem(err);
	if (rc == 0 && request->all_ms > 0)
		rc = hf_timer_new(loop, on_over, f, &f->over, err);
	if (rc == 0)
		rc = start_lookup(f, err);
	if (rc < 0) {
		fetch_free(f);
		return rc;
	}
	if (f->over)
		hf_timer_start(f->over, request->all_ms, 0);
	*ret_fetch = f;
	return 0;
}
