/* SPDX-License-Identifier: Apache-2.0 */
/* The option parser.  Must never guess: an unknown word is an error that names the nearest
 * known one. */
#include "util/opt.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"

enum { NAMES_CAP = 128, BOUND_CAP = 24 };

struct found {
	const struct hf_option *option;
	char *target; /* where its value goes */
};

struct parser {
	const struct hf_option_set *sets;
	size_t sets_len;
	int argc;
	char **argv;
	int next;
};

static void *target_of(const struct hf_option_set *set, const struct hf_option_group *group,
		       const struct hf_option *option)
{
	return (char *)set->values + group->offset + option->offset;
}

static bool matches(const struct hf_option *o, const char *name, size_t len, char letter)
{
	if (letter)
		return o->letter == letter;
	return strlen(o->name) == len && memcmp(o->name, name, len) == 0;
}

static bool find(const struct parser *p, const char *name, size_t len, char letter,
		 struct found *ret)
{
	for (size_t s = 0; s < p->sets_len; s++) {
		for (const struct hf_option_group *g = p->sets[s].groups; g->options; g++) {
			for (const struct hf_option *o = g->options; o->name; o++) {
				if (!matches(o, name, len, letter))
					continue;
				*ret = (struct found){ o, target_of(&p->sets[s], g, o) };
				return true;
			}
		}
	}
	return false;
}

/* `name` stands behind the dashes of its word. */
static int unknown(const struct parser *p, const char *name, size_t len, struct hf_err *err)
{
	const char *names[NAMES_CAP + 1];
	HF_AUTO(cstr) word = hf_str_ndup(name, len);
	const char *nearest;
	size_t n = 0;

	for (size_t s = 0; s < p->sets_len; s++) {
		for (const struct hf_option_group *g = p->sets[s].groups; g->options; g++) {
			for (const struct hf_option *o = g->options; o->name && n < NAMES_CAP;
			     o++) {
				if (!o->hidden)
					names[n++] = o->name;
			}
		}
	}
	names[n] = NULL;
	if (!word)
		return hf_err_nomem(err);
	(void)hf_err_set(err, HF_MISTAKE_OPTION, "unknown option --%s", word);
	(void)hf_err_at(err, name - strlen("--"), 0, len + strlen("--"));
	nearest = hf_str_nearest(word, names);
	return nearest ? hf_err_hint(err, "did you mean --%s?", nearest) : -HF_E_INVALID;
}

static int set_word(const struct hf_option *o, const char *text, int *target, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) all = HF_BUF_INIT(1000);
	const char *nearest;

	for (int i = 0; o->words[i]; i++) {
		if (strcmp(o->words[i], text) == 0) {
			*target = i;
			return 0;
		}
		(void)hf_buf_printf(&all, "%s%s", i ? ", " : "", o->words[i]);
	}
	(void)hf_err_set(err, HF_MISTAKE_OPTION_WORD, "--%s does not know '%s'", o->name, text);
	(void)hf_err_at_text(err, text);
	nearest = hf_str_nearest(text, o->words);
	if (nearest)
		return hf_err_hint(err, "did you mean %s? known: %s", nearest, hf_buf_str(&all));
	return hf_err_hint(err, "known: %s", hf_buf_str(&all));
}

/* A duration in the unit it is written in, where that comes out even: 60 is "1m". */
static void bound_words(const struct hf_option *o, int64_t v, char out[BOUND_CAP])
{
	static const struct {
		int64_t seconds;
		char letter;
	} units[] = { { HF_DAY_SECONDS, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t i = 0;

	if (o->kind != HF_OPT_DURATION || v == 0) {
		(void)snprintf(out, BOUND_CAP, "%" PRId64, v);
		return;
	}
	while (v % units[i].seconds != 0)
		i++;
	(void)snprintf(out, BOUND_CAP, "%" PRId64 "%c", v / units[i].seconds, units[i].letter);
}

static int check_range(const struct hf_option *o, const char *text, int64_t v, struct hf_err *err)
{
	int64_t max = o->max || o->min ? o->max : INT64_MAX;
	char least[BOUND_CAP], most[BOUND_CAP];

	if (v >= o->min && v <= max)
		return 0;
	bound_words(o, o->min, least);
	bound_words(o, max, most);
	(void)hf_err_set(err, HF_MISTAKE_OPTION_RANGE, "--%s must be between %s and %s", o->name,
			 least, most);
	return hf_err_at_text(err, text);
}

/* "16k", "4M", "1G", in either case; no letter counts bytes. */
static bool parse_size(const char *text, int64_t *ret_bytes)
{
	static const char units[] = "kmg";
	size_t len = strlen(text);
	const char *unit = len ? strchr(units, hf_ascii_lower(text[len - 1])) : NULL;
	HF_AUTO(cstr) digits = hf_str_ndup(text, len - (unit ? 1 : 0));
	int shift = unit ? 10 * (int)(unit - units + 1) : 0;
	uint64_t v;

	if (!digits || !hf_str_u64(digits, (uint64_t)(INT64_MAX >> shift), &v))
		return false;
	*ret_bytes = (int64_t)(v << shift);
	return true;
}

static int no_number(const struct hf_option *o, const char *text, const char *what,
		     struct hf_err *err)
{
	(void)hf_err_set(err, HF_MISTAKE_OPTION_NUMBER, "--%s takes %s, not '%s'", o->name, what,
			 text);
	return hf_err_at_text(err, text);
}

static int set_number(const struct hf_option *o, const char *text, int64_t *target,
		      struct hf_err *err)
{
	int64_t v = 0;

	if (o->kind == HF_OPT_SIZE && !parse_size(text, &v))
		return no_number(o, text, "a size such as 4096, 16k or 4M", err);
	if (o->kind == HF_OPT_INT && !hf_str_i64(text, &v))
		return no_number(o, text, "a number", err);
	if (o->kind == HF_OPT_DURATION && !hf_duration_parse(text, o->unit ? o->unit : 1, &v))
		return no_number(o, text, "a time such as 90s, 15m, 12h or 30d", err);
	if (o->kind == HF_OPT_TIME)
		return hf_time_parse(text, target)
			   ? 0
			   : no_number(o, text, "a UTC time such as 2026-11-21T06:39:31Z", err);
	if (check_range(o, text, v, err) < 0)
		return -HF_E_INVALID;
	*target = v;
	return 0;
}

static int add_to_list(const struct hf_option *o, const char *text, struct hf_strv *list,
		       struct hf_err *err)
{
	HF_AUTO(cstr) item = hf_str_printf("%s%s", o->prefix ? o->prefix : "", text);

	return !item || hf_strv_add(list, item) < 0 ? hf_err_nomem(err) : 0;
}

static int set_value(const struct found *f, const char *text, struct hf_err *err)
{
	void *target = f->target;

	switch (f->option->kind) {
	case HF_OPT_FLAG:
		*(bool *)target = true;
		return 0;
	case HF_OPT_STRING:
		*(const char **)target = text;
		return 0;
	case HF_OPT_LIST:
		return add_to_list(f->option, text, target, err);
	case HF_OPT_WORD:
		return set_word(f->option, text, target, err);
	case HF_OPT_INT:
	case HF_OPT_DURATION:
	case HF_OPT_TIME:
	case HF_OPT_SIZE:
		return set_number(f->option, text, target, err);
	}
	return -HF_E_INVALID;
}

/* `word` is the last of the line. */
static int need_argument(const struct found *f, const char *word, struct hf_err *err)
{
	(void)hf_err_set(err, HF_MISTAKE_OPTION_VALUE, "--%s needs an argument: %s",
			 f->option->name, f->option->arg);
	return hf_err_at_text(err, word);
}

static int no_argument(const struct found *f, const char *text, const char *equals,
		       struct hf_err *err)
{
	(void)hf_err_set(err, HF_MISTAKE_OPTION_VALUE, "--%s takes no argument", f->option->name);
	return hf_err_at(err, text - strlen("--"), (size_t)(equals - text) + strlen("--"),
			 strlen(equals));
}

/* "--name", "--name value", "--name=value"; text stands behind the dashes */
static int parse_long(struct parser *p, const char *text, struct hf_err *err)
{
	const char *equals = strchr(text, '=');
	size_t len = equals ? (size_t)(equals - text) : strlen(text);
	struct found f;

	if (!find(p, text, len, 0, &f))
		return unknown(p, text, len, err);
	if (f.option->kind == HF_OPT_FLAG)
		return equals ? no_argument(&f, text, equals, err) : set_value(&f, NULL, err);
	if (equals)
		return set_value(&f, equals + 1, err);
	if (p->next >= p->argc)
		return need_argument(&f, text - strlen("--"), err);
	return set_value(&f, p->argv[p->next++], err);
}

static int unknown_letter(const char *word, const char *letter, struct hf_err *err)
{
	(void)hf_err_set(err, HF_MISTAKE_OPTION, "unknown option -%c", *letter);
	return hf_err_at(err, word, (size_t)(letter - word), 1);
}

/* "-q", "-qv", "-X POST", "-XPOST" */
static int parse_letters(struct parser *p, const char *word, struct hf_err *err)
{
	for (const char *text = word + 1; *text; text++) {
		struct found f;
		int rc;

		if (!find(p, NULL, 0, *text, &f))
			return unknown_letter(word, text, err);
		if (f.option->kind != HF_OPT_FLAG) {
			if (text[1])
				return set_value(&f, text + 1, err);
			if (p->next >= p->argc)
				return need_argument(&f, word, err);
			return set_value(&f, p->argv[p->next++], err);
		}
		rc = set_value(&f, NULL, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] != '\0';
}

static int parse_one(struct parser *p, const char *word, struct hf_err *err)
{
	return word[1] == '-' ? parse_long(p, word + 2, err) : parse_letters(p, word, err);
}

int hf_options_init(const struct hf_option_set *set, struct hf_err *err)
{
	for (const struct hf_option_group *g = set->groups; g->options; g++) {
		for (const struct hf_option *o = g->options; o->name; o++) {
			struct found f = { o, target_of(set, g, o) };
			int rc = o->initial ? set_value(&f, o->initial, err) : 0;

			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

int hf_options_parse(const struct hf_option_set *sets, size_t sets_len, int argc, char **argv,
		     struct hf_strv *ret_args, struct hf_err *err)
{
	struct parser p = { sets, sets_len, argc, argv, 0 };
	bool ended = false;

	while (p.next < argc) {
		const char *word = argv[p.next++];
		int rc;

		if (!ended && strcmp(word, "--") == 0) {
			ended = true;
			continue;
		}
		if (!ended && is_option(word))
			rc = parse_one(&p, word, err);
		else
			rc = hf_strv_add(ret_args, word) < 0 ? hf_err_nomem(err) : 0;
		if (rc < 0)
			return rc;
	}
	return 0;
}

int hf_options_parse_leading(const struct hf_option_set *set, int argc, char **argv, int *ret_next,
			     struct hf_err *err)
{
	struct parser p = { set, 1, argc, argv, 0 };

	while (p.next < argc && is_option(argv[p.next])) {
		const char *word = argv[p.next++];
		int rc;

		if (strcmp(word, "--") == 0)
			break;
		rc = parse_one(&p, word, err);
		if (rc < 0)
			return rc;
	}
	*ret_next = p.next;
	return 0;
}

void hf_options_done(const struct hf_option_set *set)
{
	for (const struct hf_option_group *g = set->groups; g->options; g++) {
		for (const struct hf_option *o = g->options; o->name; o++) {
			if (o->kind == HF_OPT_LIST)
				hf_strv_done(target_of(set, g, o));
		}
	}
}
