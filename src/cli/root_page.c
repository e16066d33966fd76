/* SPDX-License-Identifier: Apache-2.0 */
/* The page that is read before an offline root signs: each line says what was, what will be, and
 * whether that differs.  Must never leave out anything that the certificate will say. */
#include "cli/root_page.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"
#include "ca/permit.h"
#include "cli/ca_common.h"
#include "pki/name.h"

enum { TEXT_CAP = 64 * 1024, LINE_CAP = 512, PIN_SHOWN = 32 };

/* One line of the page. */
struct line {
	const char *what;
	char was[LINE_CAP], will[LINE_CAP];
};

static void put(char out[LINE_CAP], const char *text)
{
	if (!hf_str_copy(out, LINE_CAP, text)) /* cut, and seen to be cut */
		memcpy(out + LINE_CAP - 4, "...", 4);
}

static void put_key(char out[LINE_CAP], const EVP_PKEY *key)
{
	uint8_t pin[HF_SHA256_LEN];
	char hex[2 * HF_SHA256_LEN + 1] = "?", words[96] = "cannot be decoded";

	if (key)
		hf_key_describe(key, words, sizeof(words));
	if (key && hf_key_spki_sha256(key, pin, NULL) == 0)
		hf_hex_encode(pin, sizeof(pin), hex);
	(void)snprintf(out, LINE_CAP, "%s, pin %.*s", words, PIN_SHOWN, hex);
}

static void put_permit(char out[LINE_CAP], const NAME_CONSTRAINTS *nc)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(TEXT_CAP);

	if (nc)
		(void)hf_permit_format(nc, &text);
	put(out, nc ? hf_buf_str(&text) : "any name");
}

static void put_day(char out[LINE_CAP], int64_t at)
{
	char text[HF_TIME_TEXT_CAP];

	hf_time_format(at, text);
	put(out, text);
}

static void fill_was(struct line *lines, const struct hf_cert *cert)
{
	HF_AUTO(NAME_CONSTRAINTS) nc =
	    X509_get_ext_d2i(cert->x509, NID_name_constraints, NULL, NULL);

	put(lines[0].was, cert->subject);
	put_key(lines[1].was, hf_cert_key_get0(cert));
	(void)snprintf(lines[2].was, LINE_CAP, "yes, path length %d", cert->pathlen);
	put_permit(lines[3].was, nc);
	put_day(lines[4].was, cert->not_before);
	put_day(lines[5].was, cert->not_after);
}

static int fill_will(struct line *lines, const struct hf_order *order, struct hf_err *err)
{
	HF_AUTO(cstr) subject = hf_name_text(order->subject);

	if (!subject)
		return hf_err_nomem(err);
	put(lines[0].will, subject);
	put_key(lines[1].will, order->key);
	put(lines[2].will, "yes, path length 0"); /* profile intermediate (ca/profile.c) */
	put_permit(lines[3].will, order->permit);
	put_day(lines[4].will, order->not_before);
	put_day(lines[5].will, order->not_after);
	return 0;
}

static void page_json(struct hf_json *j, const struct line *lines, size_t len,
		      const struct hf_root_answer *answer)
{
	hf_json_hex(j, "request_sha256", answer->request_sha256, HF_SHA256_LEN);
	hf_json_string(j, "follows", answer->before ? answer->before->serial : NULL);
	hf_json_array_begin(j, "changes");
	for (size_t i = 0; i < len; i++) {
		hf_json_object_begin(j, NULL);
		hf_json_string(j, "what", lines[i].what);
		hf_json_string(j, "was", answer->before ? lines[i].was : NULL);
		hf_json_string(j, "will", lines[i].will);
		hf_json_bool(j, "differs", strcmp(lines[i].was, lines[i].will) != 0);
		hf_json_object_end(j);
	}
	hf_json_array_end(j);
	hf_cli_json_strings(j, "dropped", &answer->order.dropped);
	hf_cli_json_strings(j, "notes", &answer->order.notes);
}

static void page_lines(struct hf_out *out, const struct line *lines, size_t len, bool renewal)
{
	for (size_t i = 0; i < len; i++) {
		bool same = strcmp(lines[i].was, lines[i].will) == 0;
		const char *mark = !renewal ? "+" : same ? " " : "!";

		if (renewal && !same) {
			hf_out_print(out, "  %-12s%s- ", lines[i].what,
				     hf_out_color(out, HF_COLOR_RED));
			hf_out_safe(out, lines[i].was);
			hf_out_print(out, "%s\n", hf_out_color(out, HF_COLOR_PLAIN));
			mark = "+";
		}
		hf_out_print(out, "  %-12s%s%s ", renewal && !same ? "" : lines[i].what,
			     same ? "" : hf_out_color(out, HF_COLOR_GREEN), mark);
		hf_out_safe(out, lines[i].will);
		hf_out_print(out, "%s\n", same ? "" : hf_out_color(out, HF_COLOR_PLAIN));
	}
}

static void page_head(struct hf_out *out, const char *file, const struct hf_authority *a,
		      const struct hf_root_answer *answer)
{
	char hex[2 * HF_SHA256_LEN + 1], until[80];

	hf_hex_encode(answer->request_sha256, HF_SHA256_LEN, hex);
	hf_cli_until(a->root.cert->not_after, answer->order.not_before, until, sizeof(until));
	hf_out_print(out, "%sTo be signed by the root%s\n  ", hf_out_color(out, HF_COLOR_BOLD),
		     hf_out_color(out, HF_COLOR_PLAIN));
	hf_out_safe(out, a->root.cert->subject);
	hf_out_print(out, ", until %s\n  request     ", until);
	hf_out_safe(out, file);
	hf_out_print(out, "\n  SHA-256     %s\n", hex);
	if (answer->before)
		hf_out_print(out, "It follows serial %s; what differs is marked:\n",
			     answer->before->serial);
	else
		hf_out_print(out, "A CA that this root has not certified before:\n");
}

static void page_tail(struct hf_out *out, const struct hf_root_answer *answer, int64_t lists_until)
{
	char day[HF_TIME_TEXT_CAP];

	for (size_t i = 0; i < answer->order.dropped.len; i++) {
		hf_out_print(out, "  not granted   ");
		hf_out_safe(out, answer->order.dropped.items[i]);
		hf_out_print(out, "\n");
	}
	for (size_t i = 0; i < answer->order.notes.len; i++) {
		hf_out_print(out, "  note          ");
		hf_out_safe(out, answer->order.notes.items[i]);
		hf_out_print(out, "\n");
	}
	if (!lists_until) {
		hf_out_print(out, "With it: one revocation list of the root.\n");
		return;
	}
	hf_time_format(lists_until, day);
	day[strlen("2026-12-21")] = '\0';
	hf_out_print(out, "With it: revocation lists of the root, signed ahead until %s.\n", day);
}

int hf_root_page(struct hf_cmd_ctx *ctx, const char *file, const struct hf_authority *a,
		 const struct hf_root_answer *answer, int64_t lists_until)
{
	struct line lines[] = { { .what = "subject" }, { .what = "key" },  { .what = "CA" },
				{ .what = "names" },   { .what = "from" }, { .what = "until" } };
	int rc = fill_will(lines, &answer->order, &ctx->err);

	if (rc < 0)
		return rc;
	if (answer->before_cert)
		fill_was(lines, answer->before_cert);
	if (ctx->out.json_mode) {
		page_json(&ctx->out.json, lines, HF_ARRAY_LEN(lines), answer);
		return 0;
	}
	page_head(&ctx->out, file, a, answer);
	page_lines(&ctx->out, lines, HF_ARRAY_LEN(lines), answer->before != NULL);
	page_tail(&ctx->out, answer, lists_until);
	return 0;
}
