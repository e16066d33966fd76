/* SPDX-License-Identifier: Apache-2.0 */
/* Complaints, as text and as JSON.  Must never show more of the command line than the word that is
 * wrong and the option before it: another word may be a secret. */
#include "util/complaint.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/reason.h"
#include "base/str.h"
#include "util/wrap.h"

enum { SHOWN = 70, BEFORE = 40, SOURCE_CAP = 1024 * 1024, TEXT_CAP = 64 * 1024 };

static struct {
	int argc;
	const char *const *argv;
} called; /* by hf_complaint_words */

void hf_complaint_words(int argc, const char *const *argv)
{
	called.argc = argc;
	called.argv = argv;
}

/* --- the place --- */

/* A line with the part that is wrong in it, not escaped yet. */
struct excerpt {
	char *line;
	size_t column, length; /* characters, column from 0 */
};

/* Bytes of the first n characters. */
static size_t bytes_of(const char *s, size_t n)
{
	size_t i = 0;

	while (s[i] && n > 0) {
		do
			i++;
		while (((unsigned char)s[i] & 0xc0) == 0x80);
		n--;
	}
	return i;
}

static bool read_line(const struct hf_err_place *place, struct excerpt *ret)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(SOURCE_CAP);
	const char *line;
	struct stat st;

	if (stat(place->text, &st) != 0 || !S_ISREG(st.st_mode) ||
	    hf_file_read(place->text, &text, NULL) < 0)
		return false;
	line = hf_buf_str(&text);
	for (unsigned n = 1; n < place->line && line; n++) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	ret->line = line ? hf_str_ndup(line, strcspn(line, "\r\n")) : NULL;
	ret->column = place->column - 1;
	ret->length = place->length;
	return ret->line != NULL;
}

/* A piece between separators, not some letters of a longer word. */
static bool is_piece(const char *word, const char *at, size_t len)
{
	return (at == word || !isalnum((unsigned char)at[-1])) && !isalnum((unsigned char)at[len]);
}

/* Where `text` stands in a word of the command line, the surest first: it is all of it, all behind
 * '=', or a piece. */
static const char *inside(const char *word, const char *text, int *ret_rank)
{
	const char *equals = strchr(word, '='), *at = strstr(word, text);

	if (strcmp(word, text) == 0)
		*ret_rank = 3;
	else if (equals && strcmp(equals + 1, text) == 0)
		*ret_rank = 2;
	else
		*ret_rank = at && is_piece(word, at, strlen(text)) ? 1 : 0;
	return *ret_rank == 2 ? equals + 1 : at;
}

static const char *find_word(const char *text, int *ret_index)
{
	const char *found = NULL;
	int best = 0;

	for (int i = 1; text[0] && i < called.argc; i++) {
		int rank;
		const char *at = inside(called.argv[i], text, &rank);

		if (rank == 0 || rank < best)
			continue;
		best = rank;
		found = at;
		*ret_index = i;
	}
	return found;
}

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] == '-' && islower((unsigned char)word[2]) &&
	       !strchr(word, '=');
}

/* The word of the command line, after the option it belongs to. */
static bool show_word(const struct hf_err_place *place, struct excerpt *ret)
{
	int i = 0;
	const char *at = find_word(place->text, &i);
	const char *word = at ? called.argv[i] : place->text;
	bool belongs = at && i > 1 && word[0] != '-' && is_option(called.argv[i - 1]);
	const char *lead = belongs ? called.argv[i - 1] : "";

	ret->line = hf_str_printf("%s%s%s", lead, *lead ? " " : "", word);
	ret->column = place->column - 1 + hf_str_columns(lead, strlen(lead)) + (*lead ? 1 : 0) +
		      (at ? hf_str_columns(word, (size_t)(at - word)) : 0);
	ret->length = place->length;
	return ret->line != NULL;
}

/* What a long line has around its wrong part. */
static void cut(struct excerpt *e)
{
	size_t shift = e->column + e->length > SHOWN && e->column > BEFORE ? e->column - BEFORE : 0;
	size_t from = bytes_of(e->line, shift);

	memmove(e->line, e->line + from, strlen(e->line + from) + 1);
	e->line[bytes_of(e->line, SHOWN)] = '\0';
	e->column = HF_MIN(e->column - shift, hf_str_columns(e->line, strlen(e->line)));
	e->length = HF_MIN(e->length, SHOWN - HF_MIN(e->column, (size_t)SHOWN));
}

/* --- as text --- */

static const char *paint(const struct hf_complaint_style *style, const char *code)
{
	return style->color ? code : "";
}

static const char *const RED = "\x1b[1;31m", *const BOLD = "\x1b[1m", *const CYAN = "\x1b[1;36m",
			 *const PLAIN = "\x1b[0m";

/* The line and the carets below it, and where the cursor stands then. */
static size_t draw(const struct excerpt *e, unsigned number, const struct hf_complaint_style *style,
		   struct hf_buf *out)
{
	HF_AUTO_DONE(hf_buf) before = HF_BUF_INIT(TEXT_CAP);
	HF_AUTO_DONE(hf_buf) part = HF_BUF_INIT(TEXT_CAP);
	HF_AUTO_DONE(hf_buf) after = HF_BUF_INIT(TEXT_CAP);
	size_t start = bytes_of(e->line, e->column);
	size_t len = bytes_of(e->line + start, e->length), carets;
	char gutter[16] = "";
	int at;

	(void)hf_str_escape(&before, e->line, start);
	(void)hf_str_escape(&part, e->line + start, len);
	(void)hf_str_escape(&after, e->line + start + len, strlen(e->line + start + len));
	carets = HF_MAX(hf_str_columns(hf_buf_str(&part), part.len), 1);
	if (number > 0)
		(void)snprintf(gutter, sizeof(gutter), "%u", number);
	(void)hf_buf_printf(out, "  %s%s%s%s%s\n", gutter, number ? " | " : "", hf_buf_str(&before),
			    hf_buf_str(&part), hf_buf_str(&after));
	at = (int)hf_str_columns(hf_buf_str(&before), before.len);
	(void)hf_buf_printf(out, "  %*s%s%*s%s", (int)strlen(gutter), "", number ? " | " : "", at,
			    "", paint(style, RED));
	for (size_t i = 0; i < carets; i++)
		(void)hf_buf_putc(out, '^');
	(void)hf_buf_puts(out, paint(style, PLAIN));
	return 2 + strlen(gutter) + (number ? 3 : 0) + (size_t)at + carets;
}

/* A word that stands on the command line as a whole. */
static bool called_with(const char *word)
{
	int rank = 0;

	for (int i = 1; i < called.argc && rank < 2; i++)
		(void)inside(called.argv[i], word, &rank);
	return rank >= 2;
}

static bool point_at(const char *word, size_t len, struct hf_err *err)
{
	HF_AUTO(cstr) text = len > 0 ? hf_str_ndup(word, len) : NULL;

	if (!text || !called_with(text))
		return false;
	(void)hf_err_at_text(err, text);
	return true;
}

/* What a message quotes, or the option that it names, is the place when it stands on the command
 * line as it is. */
static struct hf_err_place place_of(const struct hf_err *err)
{
	struct hf_err found = HF_ERR_INIT;

	if (err->place.text[0])
		return err->place;
	for (const char *at = strchr(err->msg, '\''), *end; at; at = strchr(end + 1, '\'')) {
		end = strchr(at + 1, '\'');
		if (!end || point_at(at + 1, (size_t)(end - at - 1), &found))
			break;
	}
	for (const char *at = strstr(err->msg, "--"); at && !found.place.text[0];
	     at = strstr(at + 2, "--"))
		(void)point_at(at, 2 + strspn(at + 2, "abcdefghijklmnopqrstuvwxyz0123456789-"),
			       &found);
	return found.place;
}

/* Returns the column of the cursor: 0 when nothing was shown. */
static size_t draw_place(const struct hf_err *err, const struct hf_complaint_style *style,
			 struct hf_buf *out)
{
	const struct hf_err_place found = place_of(err), *place = &found;
	struct excerpt e = { NULL, 0, 0 };
	bool there = place->text[0] && place->column > 0 &&
		     (place->line ? read_line(place, &e) : show_word(place, &e));
	size_t at = 0;

	if (there) {
		cut(&e);
		at = draw(&e, place->line, style, out);
	}
	hf_cstr_free(e.line);
	return at;
}

static const char *help_of(const struct hf_err *err)
{
	return err->hint[0] ? err->hint : hf_mistake_info(hf_mistake_of(err))->help;
}

/* A message that ends with a reason in brackets, as those about a peer do, has said its id. */
static const char *reason_at_end(const char *msg)
{
	const char *open = strrchr(msg, '[');
	size_t len = strlen(msg);
	HF_AUTO(cstr) id = NULL;

	if (!open || msg[len - 1] != ']')
		return NULL;
	id = hf_str_ndup(open + 1, (size_t)(msg + len - 1 - open - 1));
	return id && hf_reason_by_id(id) ? hf_reason_info(hf_reason_by_id(id))->id : NULL;
}

/* The stable id of a failure: a reason, a mistake, or "" for what is neither. */
static const char *id_of(const struct hf_err *err)
{
	const char *reason = reason_at_end(err->msg);

	return reason ? reason : hf_mistake_info(hf_mistake_of(err))->id;
}

/* Beside the carets when there is room, else on lines of its own. */
static void draw_help(const char *help, size_t at, const struct hf_complaint_style *style,
		      struct hf_buf *out)
{
	HF_AUTO_DONE(hf_buf) safe = HF_BUF_INIT(TEXT_CAP);
	bool beside;

	(void)hf_str_escape(&safe, help, strlen(help));
	beside = at > 0 && (!style->wrap ||
			    at + strlen(" help: ") + hf_str_columns(hf_buf_str(&safe), safe.len) <=
				HF_WRAP_WIDTH);
	if (at > 0 && (!beside || !*help))
		(void)hf_buf_putc(out, '\n');
	if (!*help)
		return;
	(void)hf_buf_printf(out, "%s%shelp:%s ", beside ? " " : "  ", paint(style, CYAN),
			    paint(style, PLAIN));
	if (style->wrap && !beside)
		hf_wrap(out, hf_buf_str(&safe), strlen("  help: "), strlen("  help: "));
	else
		(void)hf_buf_printf(out, "%s\n", hf_buf_str(&safe));
}

void hf_complaint_format(const struct hf_err *err, const struct hf_complaint_style *style,
			 struct hf_buf *out)
{
	HF_AUTO_DONE(hf_buf) safe = HF_BUF_INIT(TEXT_CAP);
	const char *id = id_of(err);
	size_t at;

	(void)hf_str_escape(&safe, err->msg, strlen(err->msg));
	if (*id && !reason_at_end(err->msg))
		(void)hf_buf_printf(&safe, " [%s]", id);
	(void)hf_buf_printf(out, "%shandfast:%s%s", paint(style, RED), paint(style, PLAIN),
			    paint(style, BOLD));
	if (style->wrap)
		hf_wrap(out, hf_buf_str(&safe), strlen("  "), strlen("handfast:"));
	else
		(void)hf_buf_printf(out, " %s\n", hf_buf_str(&safe));
	(void)hf_buf_puts(out, paint(style, PLAIN));
	at = draw_place(err, style, out);
	draw_help(help_of(err), at, style, out);
}

void hf_complaint_print(const struct hf_err *err, bool color)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(TEXT_CAP);
	bool terminal = isatty(STDERR_FILENO) == 1;

	hf_complaint_format(err,
			    &(struct hf_complaint_style){ .color = color && terminal,
							  .wrap = terminal },
			    &text);
	(void)fwrite(hf_buf_str(&text), 1, text.len, stderr);
	(void)fflush(stderr);
}

/* --- as JSON --- */

/* For a word of the command line: the whole word and the column in it. */
static void place_json(struct hf_json *j, const struct hf_err *err)
{
	const struct hf_err_place found = place_of(err), *place = &found;
	int i = 0;
	const char *at = place->line ? NULL : find_word(place->text, &i);
	const char *word = at ? called.argv[i] : place->text;

	if (!place->text[0]) {
		hf_json_null(j, "place");
		return;
	}
	hf_json_object_begin(j, "place");
	hf_json_string(j, place->line ? "file" : "argument", word);
	if (place->line)
		hf_json_int(j, "line", place->line);
	hf_json_int(j, "column",
		    (int64_t)(place->column +
			      (at ? hf_str_columns(word, (size_t)(at - word)) : 0)));
	if (place->length)
		hf_json_int(j, "length", place->length);
	hf_json_object_end(j);
}

void hf_complaint_json(struct hf_json *j, const struct hf_err *err)
{
	const char *id = id_of(err), *help = help_of(err);

	hf_json_object_begin(j, "error");
	hf_json_string(j, "code", *id ? id : hf_err_name(err->code));
	hf_json_string(j, "kind", hf_err_name(err->code));
	hf_json_string(j, "message", err->msg);
	place_json(j, err);
	hf_json_string(j, "hint", *help ? help : NULL);
	hf_json_object_end(j);
}

/* --- the story --- */

static const char *exit_words(const struct hf_mistake_info *info)
{
	return info->kind == HF_E_EXIST || info->kind == HF_E_POLICY ? "1 (the answer is no)"
	       : info->kind == HF_E_INVALID			     ? "2 (a usage mistake)"
								     : "3 (it could not be done)";
}

void hf_complaint_story(enum hf_mistake which, struct hf_buf *out)
{
	const struct hf_mistake_info *info = hf_mistake_info(which);
	HF_AUTO_DONE(hf_buf) head = HF_BUF_INIT(TEXT_CAP);

	(void)hf_buf_printf(&head, "%s: %s.", info->id, info->sentence);
	hf_wrap(out, hf_buf_str(&head), 0, 0);
	(void)hf_buf_puts(out, "\nWhat it means\n  ");
	hf_wrap(out, info->story, 2, 2);
	(void)hf_buf_puts(out, "\nWhat to do\n  ");
	hf_wrap(out, info->help, 2, 2);
	(void)hf_buf_printf(out, "\nExit status: %s\n", exit_words(info));
}

void hf_complaint_story_json(enum hf_mistake which, struct hf_json *j)
{
	const struct hf_mistake_info *info = hf_mistake_info(which);

	hf_json_string(j, "id", info->id);
	hf_json_string(j, "sentence", info->sentence);
	hf_json_string(j, "kind", hf_err_name(info->kind));
	hf_json_string(j, "story", info->story);
	hf_json_string(j, "remedy", info->help);
}
