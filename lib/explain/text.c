/* SPDX-License-Identifier: Apache-2.0 */
/* An explanation as text of 80 columns and as JSON: two views of the same fields.  Must never
 * decide. */
#include "explain/internal.h"

#include <stdio.h>
#include <string.h>

#include "base/time.h"

enum { COLUMNS = 80, INDENT = 10, HANGING = 2 };

/* One paragraph behind a word in the margin, broken at blanks; margin NULL: it begins at the left.
 */
static void wrapped(struct hf_buf *out, const char *margin, const char *text)
{
	size_t column = margin ? INDENT : 0, begin = column;

	if (margin)
		(void)hf_buf_printf(out, "%-*s", INDENT, margin);
	while (*text) {
		size_t word = strcspn(text, " "), blanks;

		if (column > begin && column + word > COLUMNS) {
			while (out->len > 0 && out->data[out->len - 1] == ' ')
				hf_buf_truncate(out, out->len - 1);
			begin = margin ? INDENT : HANGING;
			(void)hf_buf_printf(out, "\n%*s", (int)begin, "");
			column = begin;
		}
		(void)hf_buf_append(out, text, word);
		column += word;
		text += word;
		blanks = strspn(text, " ");
		if (*text && column + blanks < COLUMNS)
			(void)hf_buf_append(out, text, blanks);
		column += blanks; /* where they do not fit, neither does what follows */
		text += blanks;
	}
	(void)hf_buf_putc(out, '\n');
}

/* Each of its lines for itself. */
void hf_paragraph(struct hf_buf *out, const char *margin, const char *text)
{
	const char *end;

	while ((end = strchr(text, '\n')) != NULL) {
		HF_AUTO(cstr) line = hf_str_ndup(text, (size_t)(end - text));

		if (line)
			wrapped(out, margin, line);
		margin = "";
		text = end + 1;
	}
	wrapped(out, margin, text);
}

static void numbered(struct hf_buf *out, const char *margin, const struct hf_strv *list)
{
	for (size_t i = 0; i < list->len; i++) {
		HF_AUTO(cstr) line = hf_str_printf("%zu %s", i + 1, list->items[i]);

		if (line)
			hf_paragraph(out, i ? "" : margin, line);
	}
}

static void plain(struct hf_buf *out, const char *margin, const struct hf_strv *list)
{
	for (size_t i = 0; i < list->len; i++)
		hf_paragraph(out, i ? "" : margin, list->items[i]);
}

static void extra_looks(const struct hf_case *c, struct hf_buf *out)
{
	bool first = true;

	for (size_t k = 1; k < HF_LOOK_KINDS; k++) {
		HF_AUTO(cstr) line = NULL;

		if (!c->looks[k].made)
			continue;
		line = hf_str_printf("one more connection %s", hf_look_words((enum hf_look_kind)k));
		if (line)
			hf_paragraph(out, first ? "Asked" : "", line);
		first = false;
	}
}

static void candidates(const struct hf_explanation *e, struct hf_buf *out)
{
	HF_AUTO_DONE(hf_buf) list = HF_BUF_INIT(2048);

	if (e->candidates_len < 2 || e->confidence == HF_CERTAIN)
		return;
	for (size_t i = 1; i < e->candidates_len; i++)
		(void)hf_buf_printf(&list, "%s%s", i > 1 ? ", " : "",
				    hf_reason_info(e->candidates[i])->id);
	hf_paragraph(out, "Or else", hf_buf_str(&list));
}

void hf_explanation_format(const struct hf_case *c, const struct hf_explanation *e,
			   struct hf_buf *out)
{
	char when[HF_TIME_TEXT_CAP];

	hf_paragraph(out, NULL, e->headline);
	hf_ladder_format(c, e, out);
	hf_paragraph(out, "Why", e->why);
	if (e->since) {
		hf_time_format(e->since, when);
		hf_paragraph(out, "Since", when);
	}
	numbered(out, "Evidence", &e->evidence);
	extra_looks(c, out);
	candidates(e, out);
	plain(out, "Also", &e->also);
	plain(out, "Note", &c->notes);
	plain(out, "Unknown", &e->cannot_know);
	if (e->cause || !e->meets)
		hf_paragraph(out, "Fix", e->fix);
}

/* --- JSON -------------------------------------------------------------------------------- */

static void strings(struct hf_json *j, const char *key, const struct hf_strv *list)
{
	hf_json_array_begin(j, key);
	for (size_t i = 0; i < list->len; i++)
		hf_json_string(j, NULL, list->items[i]);
	hf_json_array_end(j);
}

static void json_certificate(const struct hf_explanation *e, struct hf_json *j)
{
	if (!e->cert) {
		hf_json_null(j, "certificate");
		return;
	}
	hf_json_object_begin(j, "certificate");
	hf_json_string(j, "role", hf_role_name(e->role));
	hf_json_string(j, "subject", e->cert->subject);
	hf_json_string(j, "issuer", e->cert->issuer);
	hf_json_string(j, "serial", e->cert->serial);
	hf_json_hex(j, "sha256", e->cert->sha256, HF_SHA256_LEN);
	hf_json_time(j, "not_before", e->cert->not_before);
	hf_json_time(j, "not_after", e->cert->not_after);
	hf_json_object_end(j);
}

static void json_alert(const struct hf_explanation *e, struct hf_json *j)
{
	if (e->alert < 0) {
		hf_json_null(j, "alert");
		return;
	}
	hf_json_object_begin(j, "alert");
	hf_json_int(j, "number", e->alert);
	hf_json_string(j, "name", hf_alert_name(e->alert));
	hf_json_string(j, "direction", e->alert_received ? "received" : "sent");
	hf_json_object_end(j);
}

static void json_lists(const struct hf_case *c, const struct hf_explanation *e, struct hf_json *j)
{
	hf_json_array_begin(j, "candidates");
	for (size_t i = 0; i < e->candidates_len; i++)
		hf_json_string(j, NULL, hf_reason_info(e->candidates[i])->id);
	hf_json_array_end(j);
	strings(j, "evidence", &e->evidence);
	strings(j, "also", &e->also);
	strings(j, "notes", &c->notes);
	strings(j, "cannot_know", &e->cannot_know);
	hf_json_array_begin(j, "extra_probes");
	for (size_t k = 1; k < HF_LOOK_KINDS; k++) {
		if (c->looks[k].made)
			hf_json_string(j, NULL, hf_look_words((enum hf_look_kind)k));
	}
	hf_json_array_end(j);
}

void hf_explanation_to_json(const struct hf_case *c, const struct hf_explanation *e,
			    struct hf_json *j)
{
	const struct hf_reason_info *info = hf_reason_info(e->cause);

	hf_json_string(j, "target", c->target);
	hf_json_bool(j, "meets", e->meets && !e->cause);
	hf_json_string(j, "refused_by", hf_side_name(e->refused_by));
	hf_json_string(j, "fault_in", hf_side_name(e->fault_in));
	hf_json_string(j, "cause", e->cause ? info->id : NULL);
	hf_json_string(j, "confidence", hf_confidence_name(e->confidence));
	hf_json_string(j, "headline", e->headline);
	hf_json_string(j, "explanation", e->why);
	hf_json_string(j, "rule", e->cause ? info->rule : NULL);
	hf_json_string(j, "fix", e->fix);
	if (e->since)
		hf_json_time(j, "since", e->since);
	else
		hf_json_null(j, "since");
	json_certificate(e, j);
	json_alert(e, j);
	json_lists(c, e, j);
	if (e->http_status)
		hf_json_int(j, "http_status", e->http_status);
	else
		hf_json_null(j, "http_status");
	hf_ladder_to_json(c, e, j);
}
