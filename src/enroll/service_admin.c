/* SPDX-License-Identifier: Apache-2.0 */
/* Operators from elsewhere: POST /admin/WORD with a JSON body, over a connection whose certificate
 * the rules of --admin let in.  Must never take a wish from a connection that was not judged, nor
 * from a web page that its reader did not mean to act for. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "enroll/service_internal.h"

static const char prefix[] = "/admin/";

bool hf_admin_path(const struct hf_service *service, struct hf_slice path, char ret_word[16])
{
	size_t skip = sizeof(prefix) - 1;

	if (!service->own->admins || !hf_slice_starts(path, prefix) || path.len - skip >= 16)
		return false;
	memcpy(ret_word, path.data + skip, path.len - skip);
	ret_word[path.len - skip] = '\0';
	return hf_operator_knows(ret_word);
}

/* "CN=ops from 192.0.2.7" */
static void note_who(struct hf_ask *ask)
{
	(void)snprintf(ask->who, sizeof(ask->who), "%.180s from %.64s", ask->old->subject,
		       ask->address);
}

/* Any site can make a browser post a form with the certificate of its user; none can name this type
 * of content without asking us first (the Fetch standard's CORS preflight), and we say no. */
static bool is_json(const struct hf_http_request *request)
{
	static const char type[] = "application/json";
	struct hf_slice value;

	return hf_http_field(request->head, "Content-Type", &value) &&
	       value.len >= sizeof(type) - 1 &&
	       strncasecmp(value.data, type, sizeof(type) - 1) == 0;
}

/* The connection was judged under the trust of the authority that its name stands for; a path may
 * lead to another, whose own trust then judges. */
static bool is_admitted(const struct hf_service *service, const struct hf_tls_conn *tls)
{
	HF_AUTO_DONE(hf_verdict) denied;
	HF_AUTO_DONE(hf_verdict) judged;

	hf_verdict_init(&denied); /* the judge may fail before the rules are asked */
	hf_verdict_init(&judged);
	if (hf_tls_conn_tag(tls) == service->index)
		return hf_rules_admit(service->own->admins, service->authority->trust,
				      hf_tls_conn_verdict(tls), &denied);
	return hf_tls_context_judge(service->tls, hf_tls_conn_peer_chain(tls), &judged, NULL) >=
		   0 &&
	       hf_rules_admit(service->own->admins, service->authority->trust, &judged, &denied);
}

bool hf_admin_prove(struct hf_visit *visit, const struct hf_http_request *request)
{
	const struct hf_service *service = visit->service;
	const struct hf_tls_conn *tls = hf_conn_tls(request->conn);
	const struct hf_certs *chain = hf_tls_conn_peer_chain(tls);
	bool admitted = chain->len > 0 && is_admitted(service, tls);

	if (!admitted) {
		hf_visit_refuse(visit, 403, "not-an-operator",
				"this needs the certificate of an operator of the authority",
				"operators are named by: handfast authority --admin RULE");
		return false;
	}
	if (!is_json(request)) {
		hf_visit_refuse(visit, 415, "type", "the body must be application/json", NULL);
		return false;
	}
	visit->ask.old = hf_cert_ref(chain->items[0]);
	visit->ask.form = HF_FORM_JSON;
	note_who(&visit->ask);
	return true;
}

bool hf_admin_take_wish(struct hf_visit *visit)
{
	json_error_t where;

	visit->ask.wish =
	    json_loadb(hf_buf_str(&visit->body), visit->body.len, JSON_REJECT_DUPLICATES, &where);
	if (json_is_object(visit->ask.wish))
		return true;
	(void)hf_err_set(&visit->ask.err, HF_E_PARSE, "the body is no JSON object: line %d: %s",
			 where.line, where.text);
	hf_visit_refuse(visit, 400, "wish", NULL, NULL);
	return false;
}
