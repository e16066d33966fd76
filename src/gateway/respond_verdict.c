/* SPDX-License-Identifier: Apache-2.0 */
/* Report mode: what we think of the certificate of this very connection, and who it is.  Must never
 * look at anything but the connection's own verdict: a session's stored result is another's. */
#include "base/json.h"
#include "gateway/responder.h"

/* Node's name when nobody sent a certificate, or none was asked for. */
static const char no_certificate[] = "UNABLE_TO_GET_ISSUER_CERT";

static const char *reason_of(const struct hf_verdict *verdict)
{
	if (verdict == NULL)
		return no_certificate;
	return verdict->node_reason ? verdict->node_reason : "UNSPECIFIED";
}

static bool valid(const struct hf_verdict *verdict)
{
	return verdict != NULL && verdict->accepted;
}

static void write_errors(struct hf_json *j, const struct hf_verdict *verdict)
{
	hf_json_array_begin(j, "errors");
	for (size_t i = 0; verdict != NULL && i < verdict->ossl_len; i++) {
		hf_json_object_begin(j, NULL);
		hf_json_string(j, "name", hf_verify_error_name(verdict->ossl[i].error));
		hf_json_int(j, "error", verdict->ossl[i].error);
		hf_json_int(j, "depth", verdict->ossl[i].depth);
		hf_json_object_end(j);
	}
	hf_json_array_end(j);
}

static void write_identity(struct hf_json *j, const char *key, const struct hf_verdict *verdict)
{
	if (verdict != NULL && verdict->identity != NULL)
		hf_identity_to_json(verdict->identity, j, key);
	else
		hf_json_null(j, key);
}

static void write_explanation(struct hf_json *j, const struct hf_verdict *verdict)
{
	const struct hf_finding *root = verdict ? hf_verdict_root(verdict) : NULL;

	if (root == NULL) {
		hf_json_null(j, "explanation");
		return;
	}
	hf_json_string(j, "explanation", hf_reason_info(root->reason)->sentence);
	hf_json_string(j, "cause", hf_reason_info(root->reason)->id);
	hf_json_string(j, "fix",
		       root->remedy ? root->remedy : hf_reason_info(root->reason)->remedy);
}

static void write_detail(struct hf_buf *out, const struct hf_verdict *verdict)
{
	struct hf_json j;

	hf_json_init(&j, out, false);
	hf_json_object_begin(&j, NULL);
	hf_json_bool(&j, "mTLSValid", valid(verdict));
	if (!valid(verdict))
		hf_json_string(&j, "reason", reason_of(verdict));
	write_errors(&j, verdict);
	write_identity(&j, "identity", verdict);
	write_explanation(&j, verdict);
	if (verdict != NULL)
		hf_verdict_to_json(verdict, &j, "verdict");
	hf_json_object_end(&j);
	hf_json_end_line(&j);
}

static void answer_json(struct hf_http_answer *answer)
{
	answer->status = 200;
	answer->content_type = "application/json; charset=utf-8";
	answer->body = hf_buf_str(answer->scratch);
	answer->body_len = answer->scratch->len;
}

static bool may_get(const struct hf_http_request *request, struct hf_http_answer *answer)
{
	if (request->head->method == HF_METHOD_GET || request->head->method == HF_METHOD_HEAD)
		return true;
	hf_answer_status(answer, 404);
	return false;
}

static void respond_verdict(const struct hf_responder *responder,
			    const struct hf_http_request *request, struct hf_http_answer *answer)
{
	const struct hf_verdict *verdict = hf_conn_verdict(request->conn);

	if (!may_get(request, answer))
		return;
	/* The seed's very bytes: other programs compare them. */
	if (responder->detail)
		write_detail(answer->scratch, verdict);
	else if (valid(verdict))
		hf_buf_puts(answer->scratch, "{\"mTLSValid\": true}\n");
	else
		hf_buf_printf(answer->scratch, "{\"mTLSValid\": false, \"reason\": \"%s\"}\n",
			      reason_of(verdict));
	answer_json(answer);
}

static void respond_identity(const struct hf_responder *responder,
			     const struct hf_http_request *request, struct hf_http_answer *answer)
{
	const struct hf_verdict *verdict = hf_conn_verdict(request->conn);
	struct hf_json j;

	(void)responder;
	if (!may_get(request, answer))
		return;
	hf_json_init(&j, answer->scratch, false);
	if (valid(verdict) && verdict->identity != NULL) {
		hf_identity_to_json(verdict->identity, &j, NULL);
	} else {
		hf_json_object_begin(&j, NULL);
		hf_json_null(&j, "name");
		hf_json_string(&j, "reason", reason_of(verdict));
		write_explanation(&j, verdict);
		hf_json_object_end(&j);
	}
	hf_json_end_line(&j);
	answer_json(answer);
}

const struct hf_responder_ops hf_respond_verdict = { .word = "verdict",
						     .respond = respond_verdict };
const struct hf_responder_ops hf_respond_identity = { .word = "identity",
						      .respond = respond_identity };
