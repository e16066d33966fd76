/* SPDX-License-Identifier: Apache-2.0 */
/* What handfast rules says: for people and as JSON.  Must never say "let in" without what decided.
 */
#include <string.h>

#include "base/time.h"
#include "cli/rules_meeting.h"
#include "cli/serve.h"
#include "util/out.h"

static const char *route_name(const struct hf_rules_way *way)
{
	return way->route != NULL ? way->route->name : "(the rest)";
}

/* --- text --- */

static void tell_where(struct hf_out *out, const struct hf_rules_meeting *meeting)
{
	const struct hf_policy_parts *parts = meeting->parts;

	if (meeting->listener != NULL)
		hf_out_print(out, "%s: ", meeting->listener);
	if (parts->name != NULL)
		hf_out_print(out, "policy '%s': ", parts->name);
	if (!meeting->let_in)
		hf_out_print(out, "refused\n");
	else if (meeting->verdict.accepted)
		hf_out_print(out, "let in as %s\n", meeting->verdict.identity->name);
	else
		hf_out_print(out, "let in as nobody (client-auth %s)\n",
			     hf_client_auth_words[parts->client_auth]);
}

/* Where there is one, or a rule asks for one. */
static void tell_policies(struct hf_out *out, const struct hf_rules_meeting *meeting)
{
	const struct hf_strv *policies = &meeting->verdict.policies;
	const struct hf_rules *rules = meeting->parts->rules;

	if (meeting->verdict.identity == NULL ||
	    (policies->len == 0 && (rules == NULL || !hf_rules_ask_policies(rules))))
		return;
	hf_out_print(out, "  policies:");
	for (size_t i = 0; i < policies->len; i++)
		hf_out_print(out, " %s", policies->items[i]);
	hf_out_print(out, "%s\n",
		     policies->len > 0 ? "" : " none that every CA of the path allows");
}

static void tell_verdict(struct hf_out *out, const struct hf_rules_meeting *meeting)
{
	const struct hf_verdict *verdict = &meeting->verdict;
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(1 << 22);
	char when[HF_TIME_TEXT_CAP];

	if (!meeting->asked)
		return;
	if (!verdict->accepted && hf_verdict_format(verdict, &text) == 0)
		hf_out_print(out, "%s", hf_buf_str(&text));
	if (verdict->rule != NULL)
		hf_out_print(out, "  rule: %s\n", verdict->rule);
	tell_policies(out, meeting);
	if (!verdict->accepted)
		return;
	hf_time_format(verdict->valid_until, when);
	hf_out_print(out, "  until: %s (a certificate of the path ends, or a revocation list)\n",
		     when);
}

static void tell_ocsp(struct hf_out *out, const struct hf_rules_meeting *meeting)
{
	const struct hf_policy_parts *parts = meeting->parts;
	bool hard = parts->ocsp == HF_OCSP_HARD;

	if (parts->ocsp == HF_OCSP_OFF || !meeting->verdict.accepted)
		return;
	if (meeting->ocsp_url == NULL) {
		hf_out_print(out, "  ocsp: nobody would be asked, since the certificate names no "
				  "responder; let in all the same (ocsp soft)\n");
		return;
	}
	hf_out_print(out, "  ocsp: would be asked at ");
	hf_out_safe(out, meeting->ocsp_url);
	hf_out_print(out, " (%s); %s\n", parts->ocsp_url ? "ocsp-url" : "named by the certificate",
		     hard ? "let in only when it says good (ocsp hard)"
			  : "let in unless it says revoked (ocsp soft)");
}

static void tell_way(struct hf_out *out, const struct hf_rules_way *way)
{
	hf_out_print(out, "  route %s: ", route_name(way));
	if (way->allowed)
		hf_out_print(out, "allowed%s%s\n", way->denied.rule ? " by " : "",
			     way->denied.rule ? way->denied.rule : "");
	else
		hf_out_print(out, "denied: %s\n",
			     way->denied.rule ? way->denied.rule : "needs a verified certificate");
}

void hf_rules_tell(struct hf_out *out, const struct hf_rules_meeting *meeting)
{
	tell_where(out, meeting);
	tell_verdict(out, meeting);
	tell_ocsp(out, meeting);
	for (size_t i = 0; i < meeting->ways_len; i++)
		tell_way(out, &meeting->ways[i]);
	if (meeting->status != 0)
		hf_out_print(out, "  answer: %d, %s\n", meeting->status, meeting->why);
	for (const char *line = hf_buf_str(&meeting->fields); *line != '\0';
	     line += strcspn(line, "\n") + 1)
		hf_out_print(out, "  header %.*s\n", (int)strcspn(line, "\r"), line);
}

/* --- JSON --- */

static void ways_to_json(struct hf_json *j, const struct hf_rules_meeting *meeting)
{
	hf_json_array_begin(j, "routes");
	for (size_t i = 0; i < meeting->ways_len; i++) {
		const struct hf_rules_way *way = &meeting->ways[i];

		hf_json_object_begin(j, NULL);
		hf_json_string(j, "name", way->route != NULL ? way->route->name : NULL);
		hf_json_bool(j, "allowed", way->allowed);
		hf_json_string(j, "rule", way->denied.rule);
		hf_json_object_end(j);
	}
	hf_json_array_end(j);
}

static void ocsp_to_json(struct hf_json *j, const struct hf_rules_meeting *meeting)
{
	const struct hf_policy_parts *parts = meeting->parts;

	if (parts->ocsp == HF_OCSP_OFF) {
		hf_json_null(j, "ocsp");
		return;
	}
	hf_json_object_begin(j, "ocsp");
	hf_json_string(j, "mode", parts->ocsp == HF_OCSP_HARD ? "hard" : "soft");
	hf_json_string(j, "url", meeting->ocsp_url);
	hf_json_string(j, "source", parts->ocsp_url ? "ocsp-url" : "certificate");
	hf_json_object_end(j);
}

static void fields_to_json(struct hf_json *j, const struct hf_buf *fields)
{
	hf_json_array_begin(j, "headers");
	for (const char *line = hf_buf_str(fields); *line != '\0';
	     line += strcspn(line, "\n") + 1) {
		size_t name = strcspn(line, ":"), len = strcspn(line, "\r");

		hf_json_object_begin(j, NULL);
		hf_json_stringn(j, "name", line, name);
		hf_json_stringn(j, "value", line + name + 2, len - name - 2);
		hf_json_object_end(j);
	}
	hf_json_array_end(j);
}

void hf_rules_to_json(struct hf_json *j, const struct hf_rules_meeting *meeting)
{
	const struct hf_policy_parts *parts = meeting->parts;

	hf_json_object_begin(j, NULL);
	hf_json_string(j, "listener", meeting->listener);
	hf_json_string(j, "policy", parts->name);
	hf_json_string(j, "client_auth", hf_client_auth_words[parts->client_auth]);
	hf_json_string(j, "tls_min", parts->tls_min ? hf_tls_version_name(parts->tls_min) : NULL);
	hf_json_bool(j, "let_in", meeting->let_in);
	if (meeting->asked)
		hf_verdict_to_json(&meeting->verdict, j, "verdict");
	else
		hf_json_null(j, "verdict");
	hf_json_string(j, "rule", meeting->verdict.rule);
	if (meeting->verdict.accepted)
		hf_json_time(j, "until", meeting->verdict.valid_until);
	ocsp_to_json(j, meeting);
	ways_to_json(j, meeting);
	if (meeting->status != 0) {
		hf_json_int(j, "status", meeting->status);
		hf_json_string(j, "why", meeting->why);
	}
	fields_to_json(j, &meeting->fields);
	hf_json_object_end(j);
}
