/* SPDX-License-Identifier: Apache-2.0 */
/* The questions of the admin socket, as JSON.  Must never act on half a question: what is not
 * understood in full is refused. */
#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "net/admin.h"

static const char *const verbs[] = {
	[HF_ADMIN_STATUS] = "status",
	[HF_ADMIN_RELOAD] = "reload",
	[HF_ADMIN_CONNECTIONS] = "connections",
	[HF_ADMIN_TOP] = "top",
	[HF_ADMIN_DRAIN] = "drain",
	[HF_ADMIN_REVOKE_NOW] = "revoke-now",
	NULL,
};

static void json_free(json_t *value)
{
	json_decref(value);
}
HF_DEFINE_AUTO(json, json_t, json_free);

const char *hf_admin_verb_name(enum hf_admin_verb verb)
{
	return verbs[verb];
}

int hf_admin_fingerprint_parse(const char *text, uint8_t out[HF_ADMIN_FINGERPRINT_LEN],
			       struct hf_err *err)
{
	uint8_t bytes[HF_ADMIN_FINGERPRINT_LEN];
	size_t len = 0;

	if (!hf_hex_decode(text, bytes, sizeof(bytes), &len) || len != sizeof(bytes)) {
		(void)hf_err_set(
		    err, HF_E_INVALID,
		    "'%.80s' is no SHA-256 fingerprint of a certificate: 64 hex digits", text);
		return hf_err_hint(err, "handfast show FILE tells it; so does a refusal record");
	}
	memcpy(out, bytes, sizeof(bytes));
	return 0;
}

static int parse_verb(const json_t *root, struct hf_admin_request *request, struct hf_err *err)
{
	const char *text = json_string_value(json_object_get(root, "command")), *nearest;

	if (text == NULL)
		return hf_err_set(err, HF_E_INVALID, "the question has no \"command\"");
	for (size_t i = 0; verbs[i] != NULL; i++) {
		if (strcmp(verbs[i], text) != 0)
			continue;
		request->verb = (enum hf_admin_verb)i;
		return 0;
	}
	nearest = hf_str_nearest(text, verbs);
	(void)hf_err_set(err, HF_E_INVALID, "there is no admin command '%.40s'", text);
	return nearest != NULL ? hf_err_hint(err, "did you mean '%s'?", nearest) : -HF_E_INVALID;
}

static int parse_number(const json_t *root, const char *key, int64_t max, int64_t *ret_value,
			struct hf_err *err)
{
	const json_t *value = json_object_get(root, key);

	if (value == NULL)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    json_integer_value(value) > max)
		return hf_err_set(err, HF_E_INVALID, "\"%s\" is no number from 0 to %lld", key,
				  (long long)max);
	*ret_value = json_integer_value(value);
	return 0;
}

static int parse_fingerprint(const json_t *root, struct hf_admin_request *request,
			     struct hf_err *err)
{
	const char *text = json_string_value(json_object_get(root, "fingerprint"));

	if (request->verb != HF_ADMIN_REVOKE_NOW)
		return 0;
	if (text == NULL)
		return hf_err_set(err, HF_E_INVALID, "revoke-now needs a \"fingerprint\"");
	return hf_admin_fingerprint_parse(text, request->fingerprint, err);
}

/* A key that is not known may have changed what is meant. */
static int check_keys(json_t *root, struct hf_err *err)
{
	static const char *const known[] = { "command", "fingerprint", "deadline", "limit", NULL };
	const char *key;
	json_t *value;

	json_object_foreach(root, key, value)
	{
		size_t i = 0;

		while (known[i] != NULL && strcmp(known[i], key) != 0)
			i++;
		if (known[i] == NULL)
			return hf_err_set(err, HF_E_INVALID, "\"%.40s\" means nothing here", key);
	}
	return 0;
}

int hf_admin_request_parse(const char *line, size_t len, struct hf_admin_request *ret_request,
			   struct hf_err *err)
{
	struct hf_admin_request request = { .deadline_s = -1 };
	int64_t limit = HF_ADMIN_ROWS;
	json_error_t where;
	HF_AUTO(json) root = NULL;
	int rc;

	if (len > HF_ADMIN_LINE_CAP)
		return hf_err_set(err, HF_E_LIMIT, "a question has at most %d bytes",
				  HF_ADMIN_LINE_CAP);
	root = json_loadb(line, len, JSON_REJECT_DUPLICATES, &where);
	if (!json_is_object(root))
		return hf_err_set(err, HF_E_INVALID, "the question is no JSON object");
	rc = parse_verb(root, &request, err);
	if (rc == 0)
		rc = check_keys(root, err);
	if (rc == 0)
		rc = parse_number(root, "deadline", 86400, &request.deadline_s, err);
	if (rc == 0)
		rc = parse_number(root, "limit", HF_ADMIN_ROWS_CAP, &limit, err);
	if (rc == 0)
		rc = parse_fingerprint(root, &request, err);
	if (rc < 0)
		return rc;
	request.limit = (size_t)limit;
	*ret_request = request;
	return 0;
}

int hf_admin_request_format(const struct hf_admin_request *request, struct hf_buf *out)
{
	struct hf_json j;

	hf_json_init(&j, out, false);
	hf_json_object_begin(&j, NULL);
	hf_json_string(&j, "command", hf_admin_verb_name(request->verb));
	if (request->verb == HF_ADMIN_REVOKE_NOW)
		hf_json_hex(&j, "fingerprint", request->fingerprint, HF_ADMIN_FINGERPRINT_LEN);
	if (request->deadline_s >= 0)
		hf_json_int(&j, "deadline", request->deadline_s);
	hf_json_int(&j, "limit", (int64_t)request->limit);
	hf_json_object_end(&j);
	hf_json_end_line(&j);
	return hf_buf_failed(out) ? -HF_E_NOMEM : 0;
}
