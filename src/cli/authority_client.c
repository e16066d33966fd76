/* SPDX-License-Identifier: Apache-2.0 */
/* The client side of the authority's service.  Must never send a token to a server that was not
 * checked. */
#include "cli/authority_client.h"

#include <assert.h>
#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/file.h"
#include "base/time.h"
#include "enroll/label.h"
#include "net/address.h"
#include "probe/request.h"
#include "tls/context.h"
#include "util/clock.h"
#include "verify/verify.h"

static int make_context(const struct hf_client_call *call, const struct hf_url *url,
			struct hf_tls_context **ret_context, struct hf_err *err)
{
	const struct hf_tls_config config = {
		.role = HF_TLS_CLIENT,
		.credential = call->credential,
		.trust = call->trust,
		.server_name = url->host,
		.verify_name = url->host,
		.insecure = call->trust == NULL,
		.now = hf_clock_for_tls,
	};

	assert(call->trust || !call->token);
	return hf_tls_context_new(&config, ret_context, err);
}

static int dial(const struct hf_client_call *call, const struct hf_url *url,
		struct hf_tls_context *context, struct hf_session **ret_session, struct hf_err *err)
{
	int64_t seconds = call->timeout ? call->timeout : HF_CLIENT_TIMEOUT_SECONDS;
	HF_AUTO(hf_session) session = NULL;
	struct hf_address list[HF_ADDRESSES_CAP];
	struct hf_session_way way = { .list = list };
	int rc = hf_address_resolve(url->host, url->port, list, &way.len, err);

	if (rc == 0)
		rc = hf_session_dial(&way, hf_clock_monotonic_ms() + seconds * 1000, &session, err);
	if (rc == 0)
		rc = hf_session_start_tls(session, context, err);
	if (rc < 0)
		return rc;
	*ret_session = hf_take(session);
	return 0;
}

/* Of an authority among several: https://HOST/LABEL/… */
static bool has_label(const struct hf_url *url)
{
	const char *first = url->target + 1;
	size_t len = strcspn(first, "/?");
	char label[64];

	if (first[len] != '/' || len >= sizeof(label))
		return false;
	memcpy(label, first, len);
	label[len] = '\0';
	return hf_service_label_valid(label);
}

/* What to do about the usual reasons for which a server is not believed. */
static void hint_for(const char *cause, const struct hf_url *url, struct hf_err *err)
{
	char now[HF_TIME_TEXT_CAP];

	hf_time_format(hf_clock_now(), now);
	if (strcmp(cause, "V-EXPIRED") == 0 || strcmp(cause, "V-NOT-YET") == 0)
		(void)hf_err_hint(err, "this machine's clock says %s: is that right?", now);
	else if (strcmp(cause, "V-NAME-MISMATCH") == 0)
		(void)hf_err_hint(
		    err,
		    "ask by a name that it has, or start it with: handfast authority --name %s",
		    url->host);
	else if (has_label(url))
		(void)hf_err_hint(err,
				  "a label does not choose the certificate, a name does: of "
				  "several authorities in one service, ask by a name of the "
				  "one that is meant (https://NAME:%d)",
				  url->port);
	else
		(void)hf_err_hint(err, "to see both sides: handfast explain https://%s",
				  url->authority);
}

static int broken(const struct hf_session *session, enum hf_session_end end,
		  const struct hf_url *url, struct hf_err *err)
{
	const struct hf_tls_failure *failure = hf_tls_conn_failure(hf_session_tls(session));

	if (end == HF_SESSION_TIMEOUT)
		return hf_err_set(err, HF_E_TIMEOUT, "the authority at %s did not answer in time",
				  url->authority);
	if (!failure)
		return hf_err_set(err, HF_E_CLOSED,
				  "the authority at %s ended the connection without an answer",
				  url->authority);
	(void)hf_err_set(err, end == HF_SESSION_REFUSED ? HF_E_POLICY : HF_E_IO,
			 "%s the authority at %s: %s [%s]",
			 failure->refused_by == HF_JUDGE_PEER ? "refused by" : "no connection with",
			 url->authority, failure->text, failure->cause);
	hint_for(failure->cause, url, err);
	return -err->code;
}

static bool take_piece(const char *data, size_t len, void *arg)
{
	return hf_buf_append(arg, data, len) == 0;
}

/* Sends and reads; 0 with an answer, whichever its status. */
static int exchange(struct hf_session *session, const struct hf_request *request,
		    struct hf_answer *answer, struct hf_buf *body, struct hf_err *err)
{
	enum hf_session_end end = hf_session_handshake(session);

	if (end == HF_SESSION_OK)
		end = hf_session_await_verdict(session);
	if (end == HF_SESSION_OK)
		end = hf_request_send(session, request);
	if (end == HF_SESSION_OK)
		end = hf_answer_read_head(session, request->method, answer);
	if (end == HF_SESSION_OK && !answer->malformed)
		end = hf_answer_read_body(session, answer, take_piece, body);
	if (end != HF_SESSION_OK)
		return broken(session, end, request->url, err);
	if (answer->malformed)
		return hf_err_set(err, HF_E_PARSE, "%s did not answer as an authority does: %s",
				  request->url->authority, answer->why);
	return hf_buf_failed(body) ? hf_err_set(err, HF_E_LIMIT, "the answer of %s is too large",
						request->url->authority)
				   : 0;
}

/* What another authority's label brings about: a certificate that is not of its making. */
static bool is_about_label(int status, const char *code)
{
	static const char *const codes[] = { "certificate-needed", "certificate-refused",
					     "certificate-unknown" };

	for (size_t i = 0; code && i < HF_ARRAY_LEN(codes); i++) {
		if (strcmp(code, codes[i]) == 0)
			return true;
	}
	return status == 404;
}

/* {"error": {"code", "message", "hint"}}: foreign text, made safe to print. */
static int refused(int status, const struct hf_url *url, const struct hf_buf *body,
		   struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(HF_ERR_MSG_CAP);
	HF_AUTO_DONE(hf_buf) hint = HF_BUF_INIT(HF_ERR_HINT_CAP);
	json_t *root = json_loadb(hf_buf_str(body), body->len, 0, NULL);
	json_t *error = json_object_get(root, "error");
	const char *message = json_string_value(json_object_get(error, "message"));
	const char *code = json_string_value(json_object_get(error, "code"));
	const char *more = json_string_value(json_object_get(error, "hint"));

	(void)hf_str_escape(&text, message ? message : "", message ? strlen(message) : 0);
	(void)hf_str_escape(&hint, more ? more : "", more ? strlen(more) : 0);
	(void)hf_err_set(err,
			 status == 202	 ? HF_E_AGAIN
			 : status >= 500 ? HF_E_BUSY
					 : HF_E_POLICY,
			 "the authority at %s answered %d: %s", url->authority, status,
			 message ? hf_buf_str(&text) : "no words");
	if (has_label(url) && is_about_label(status, code))
		(void)hf_err_hint(err, "%s",
				  status == 404 ? "no authority there has the label in that URL"
						: "is the label in that URL that of the authority "
						  "which issued it?");
	else if (code && hf_str_starts(code, "token-"))
		(void)hf_err_hint(err, "ask its operator for a new one: handfast token NAME");
	else if (code && hf_str_starts(code, "certificate-"))
		(void)hf_err_hint(err, "enrol again with a token: handfast enroll %s --token T",
				  url->authority);
	else if (hint.len > 0)
		(void)hf_err_hint(err, "%s", hf_buf_str(&hint));
	else if (!message)
		(void)hf_err_hint(err, "is it an authority? Look at the address");
	json_decref(root);
	return -err->code;
}

/* What is wrong with it is said of what was typed, before a path is put behind it. */
static int url_of(const struct hf_client_call *call, struct hf_url *ret_url, struct hf_err *err)
{
	size_t len = strlen(call->url);
	HF_AUTO(cstr) text = NULL;
	int rc = hf_url_parse(call->url, ret_url, err);

	if (rc < 0)
		return rc;
	while (len > 0 && call->url[len - 1] == '/')
		len--;
	text = hf_str_printf("%.*s%s", (int)len, call->url, call->path);
	return text ? hf_url_parse(text, ret_url, err) : hf_err_nomem(err);
}

int hf_client_call(const struct hf_client_call *call, struct hf_buf *ret_body, struct hf_err *err)
{
	HF_AUTO(hf_tls_context) context = NULL;
	HF_AUTO(hf_session) session = NULL;
	HF_AUTO_DONE(hf_answer) answer = HF_ANSWER_INIT;
	HF_AUTO_DONE(hf_strv) fields = HF_STRV_INIT;
	HF_AUTO(cstr) authorization =
	    call->token ? hf_str_printf("Authorization: Bearer %s", call->token) : NULL;
	HF_AUTO(cstr) type =
	    hf_str_printf("Content-Type: %s", call->type ? call->type : "application/pkcs10");
	struct hf_slice names;
	struct hf_url url;
	const struct hf_request request = {
		.method = call->body ? "POST" : "GET",
		.url = &url,
		.fields = &fields,
		.body = call->body ? call->body->data : NULL,
		.body_len = call->body ? call->body->len : 0,
		.has_body = call->body != NULL,
	};
	int rc = type ? url_of(call, &url, err) : hf_err_nomem(err);

	if (rc == 0 &&
	    ((call->token && (!authorization || hf_strv_add(&fields, authorization) < 0)) ||
	     (call->body && hf_strv_add(&fields, type) < 0)))
		rc = hf_err_nomem(err);
	if (rc == 0)
		rc = make_context(call, &url, &context, err);
	if (rc == 0)
		rc = dial(call, &url, context, &session, err);
	if (rc == 0)
		rc = exchange(session, &request, &answer, ret_body, err);
	if (rc < 0)
		return rc;
	if (call->names && hf_http_field(&answer.head, HF_AUTHORITY_NAMES, &names))
		(void)hf_buf_append(call->names, names.data, names.len);
	return answer.head.status_code == 200
		   ? 0
		   : refused(answer.head.status_code, &url, ret_body, err);
}

/* --- what was asked, and what came --- */

int hf_client_chain(const struct hf_buf *body, const EVP_PKEY *key, const struct hf_trust *trust,
		    struct hf_certs *ret_chain, struct hf_err *err)
{
	const struct hf_verify_options options = { .purpose = HF_PURPOSE_ANY,
						   .at = hf_clock_now() };
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	HF_AUTO_DONE(hf_verdict) verdict;
	int rc =
	    hf_pemfile_parse(&file, body->data, body->len, "the authority's answer", 0, NULL, err);

	hf_verdict_init(&verdict);
	if (rc == 0 && file.certs.len == 0)
		return hf_err_set(err, HF_E_PARSE, "the authority's answer holds no certificate");
	if (rc == 0 && !hf_key_same(key, hf_cert_key_get0(file.certs.items[0])))
		return hf_err_set(err, HF_E_MISMATCH,
				  "the certificate that came is for another key");
	if (rc == 0)
		rc = hf_verify(&file.certs, trust, &options, &verdict, err);
	if (rc < 0)
		return rc;
	if (!verdict.accepted) {
		const struct hf_finding *root = hf_verdict_root(&verdict);
		const char *id = root ? hf_reason_info(root->reason)->id : "unknown";

		(void)hf_err_set(err, HF_E_POLICY, "the certificate that came does not verify [%s]",
				 id);
		return hf_err_hint(err, "is the clock of this machine right?");
	}
	return hf_certs_copy(ret_chain, &file.certs, err);
}

int hf_client_roots(const char *url, struct hf_trust *trust, struct hf_buf *ret_pem,
		    struct hf_err *err)
{
	const struct hf_client_call call = { .url = url, .path = "/ca", .trust = trust };
	HF_AUTO_DONE(hf_buf) body = HF_BUF_INIT(HF_CLIENT_BODY_CAP);
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	int rc = hf_client_call(&call, &body, err);

	if (rc == 0)
		rc = hf_pemfile_parse(&file, body.data, body.len, "the authority's answer", 0, NULL,
				      err);
	if (rc == 0 && file.certs.len == 0)
		return hf_err_set(err, HF_E_PARSE, "the authority's answer holds no certificate");
	for (size_t i = 0; rc == 0 && i < file.certs.len; i++)
		rc = hf_cert_to_pem(file.certs.items[i], ret_pem, err);
	return rc;
}

int hf_client_pending_key(const char *path, enum hf_key_type type, EVP_PKEY **ret_key,
			  struct hf_err *err)
{
	HF_AUTO_DONE(hf_pemfile) file = HF_PEMFILE_INIT;
	HF_AUTO_DONE(hf_buf) pem = HF_BUF_INIT(HF_CLIENT_BODY_CAP);
	HF_AUTO(EVP_PKEY) key = NULL;
	int rc;

	if (hf_file_exists(path) && hf_pemfile_load(&file, path, HF_WANT_KEY, NULL, NULL) == 0 &&
	    file.key) {
		*ret_key = hf_take(file.key);
		return 0;
	}
	rc = hf_key_generate(type, &key, err);
	if (rc == 0)
		rc = hf_key_to_pem(key, NULL, &pem, err);
	if (rc == 0)
		rc = hf_file_write(path, pem.data, pem.len, HF_MODE_SECRET, HF_FILE_REPLACE, err);
	if (rc == 0)
		*ret_key = hf_take(key);
	return rc;
}

int hf_client_request(EVP_PKEY *key, struct hf_buf *ret_pem, struct hf_err *err)
{
	/* names come from the token or the certificate before, so none is asked for */
	HF_AUTO_DONE(hf_sans) none = HF_SANS_INIT;
	HF_AUTO(X509_NAME) empty = X509_NAME_new();
	HF_AUTO(hf_csr) csr = NULL;
	int rc = empty ? hf_csr_make(key, empty, &none, &csr, err) : hf_err_nomem(err);

	return rc < 0 ? rc : hf_csr_to_pem(csr, ret_pem, err);
}
