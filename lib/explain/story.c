/* SPDX-License-Identifier: Apache-2.0 */
/* Stories told: one text per reason.  Must never leave a reason without one (a test looks). */
#include "explain/internal.h"
#include "explain/story.h"

#include <string.h>

static const struct hf_story stories[HF_REASON_COUNT] = {
#define HF_STORY(reason, arises, check, handfast, openssl) \
	[HF_REASON_##reason] = { arises, check, handfast, openssl },
#include "explain/stories.def"
#undef HF_STORY
};

const struct hf_story *hf_story_of(enum hf_reason reason)
{
	return &stories[reason < HF_REASON_COUNT ? reason : HF_REASON_NONE];
}

static void line(struct hf_buf *out, const char *title, const char *text)
{
	if (text && text[0] && strcmp(text, "-") != 0) {
		(void)hf_buf_printf(out, "\n%s\n", title);
		hf_paragraph(out, "", text);
	}
}

static void head(const struct hf_reason_info *info, struct hf_buf *out)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(4096);

	(void)hf_buf_printf(&text, "%s: %s.\nrule: %s", info->id, info->sentence, info->rule);
	if (info->alert)
		(void)hf_buf_printf(&text, "; alert %d %s", info->alert,
				    hf_alert_name(info->alert));
	if (info->verify_error)
		(void)hf_buf_printf(&text, "; OpenSSL: %s",
				    hf_verify_error_name(info->verify_error));
	hf_paragraph(out, NULL, hf_buf_str(&text));
}

void hf_story_format(enum hf_reason reason, struct hf_buf *out)
{
	const struct hf_reason_info *info = hf_reason_info(reason);
	const struct hf_story *s = hf_story_of(reason);

	head(info, out);
	line(out, "How it comes about", s->arises);
	line(out, "How to check", s->check);
	line(out, "What to do", info->remedy);
	line(out, "With Handfast", s->handfast);
	line(out, "With OpenSSL and others", s->openssl);
	(void)
	    hf_buf_printf(out,
			  "\nWho mends it\n          when the client refuses: %s; when the server "
			  "refuses: %s\n",
			  hf_side_name(hf_cause_fault(reason, HF_SIDE_CLIENT)),
			  hf_side_name(hf_cause_fault(reason, HF_SIDE_SERVER)));
}

void hf_story_to_json(enum hf_reason reason, struct hf_json *j)
{
	const struct hf_reason_info *info = hf_reason_info(reason);
	const struct hf_story *s = hf_story_of(reason);

	hf_json_string(j, "id", info->id);
	hf_json_string(j, "sentence", info->sentence);
	hf_json_string(j, "severity", hf_severity_name(info->severity));
	hf_json_string(j, "rule", info->rule);
	if (info->alert)
		hf_json_int(j, "alert", info->alert);
	else
		hf_json_null(j, "alert");
	hf_json_string(j, "arises", s->arises);
	hf_json_string(j, "check", s->check);
	hf_json_string(j, "remedy", info->remedy);
	hf_json_string(j, "handfast", s->handfast);
	hf_json_string(j, "openssl", s->openssl);
}
