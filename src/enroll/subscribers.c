/* SPDX-License-Identifier: Apache-2.0 */
/* The subscribers in memory and in their file.  Must never let one certificate take all the room,
 * nor confirm in another's name. */
#include "enroll/subscribers.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "base/time.h"

enum { FILE_CAP = 4 * 1024 * 1024, PER_CERTIFICATE = 64 };

void hf_subscribers_done(struct hf_subscribers *s)
{
	for (size_t i = 0; i < s->len; i++)
		free(s->items[i]);
	s->len = 0;
}

static void drop_at(struct hf_subscribers *s, size_t i)
{
	free(s->items[i]);
	s->items[i] = s->items[--s->len];
}

/* Room: of too many with this certificate the one that was away longest goes, else of all. */
static bool make_room(struct hf_subscribers *s, const uint8_t sha256[HF_SHA256_LEN])
{
	size_t oldest = s->len, own_oldest = s->len, own = 0;

	for (size_t i = 0; i < s->len; i++) {
		const struct hf_subscriber *one = s->items[i];
		bool mine = memcmp(one->sha256, sha256, HF_SHA256_LEN) == 0;

		own += mine;
		if (one->waiting > 0)
			continue;
		if (oldest == s->len || one->seen_at < s->items[oldest]->seen_at)
			oldest = i;
		if (mine && (own_oldest == s->len || one->seen_at < s->items[own_oldest]->seen_at))
			own_oldest = i;
	}
	if (own < PER_CERTIFICATE && s->len < HF_SUBSCRIBERS_CAP)
		return true;
	if (own >= PER_CERTIFICATE)
		oldest = own_oldest;
	if (oldest == s->len)
		return false;
	drop_at(s, oldest);
	return true;
}

static struct hf_subscriber *add(struct hf_subscribers *s)
{
	struct hf_subscriber *one;

	if (s->len == HF_SUBSCRIBERS_CAP)
		return NULL;
	one = calloc(1, sizeof(*one));
	if (one)
		s->items[s->len++] = one;
	return one;
}

struct hf_subscriber *hf_subscribers_meet(struct hf_subscribers *s, const struct hf_cert *leaf,
					  const char *instance)
{
	struct hf_subscriber *one;

	for (size_t i = 0; i < s->len; i++) {
		one = s->items[i];
		if (memcmp(one->sha256, leaf->sha256, HF_SHA256_LEN) == 0 &&
		    strcmp(one->instance, instance) == 0)
			return one;
	}
	if (!make_room(s, leaf->sha256))
		return NULL;
	one = add(s);
	if (!one)
		return NULL;
	memcpy(one->sha256, leaf->sha256, HF_SHA256_LEN);
	(void)hf_str_copy(one->instance, sizeof(one->instance), instance);
	(void)hf_str_copy(one->name, sizeof(one->name), leaf->subject);
	(void)hf_str_copy(one->serial, sizeof(one->serial), leaf->serial);
	return one;
}

void hf_subscribers_drop(struct hf_subscribers *s, const char *serial)
{
	for (size_t i = s->len; i-- > 0;) {
		if (s->items[i]->waiting == 0 && strcmp(s->items[i]->serial, serial) == 0)
			drop_at(s, i);
	}
}

void hf_subscribers_forget(struct hf_subscribers *s, int64_t seen_before)
{
	for (size_t i = s->len; i-- > 0;) {
		if (s->items[i]->waiting == 0 && s->items[i]->seen_at < seen_before)
			drop_at(s, i);
	}
}

void hf_subscribers_stand(const struct hf_subscribers *s, int64_t event,
			  struct hf_subscribers_standing *ret_standing)
{
	struct hf_subscribers_standing standing = { .confirmed = event, .len = s->len };

	for (size_t i = 0; i < s->len; i++) {
		standing.confirmed = HF_MIN(standing.confirmed, s->items[i]->confirmed);
		standing.waiting += s->items[i]->waiting > 0;
	}
	*ret_standing = standing;
}

/* --- the file --- */

static bool take_text(const json_t *o, const char *key, char *out, size_t cap)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text && hf_str_copy(out, cap, text);
}

static bool take_one(struct hf_subscribers *s, const json_t *o)
{
	struct hf_subscriber *one = add(s);
	char sha256[2 * HF_SHA256_LEN + 1], seen[HF_TIME_TEXT_CAP];
	size_t len = 0;

	if (!one || !take_text(o, "sha256", sha256, sizeof(sha256)) ||
	    !hf_hex_decode(sha256, one->sha256, HF_SHA256_LEN, &len) || len != HF_SHA256_LEN ||
	    !take_text(o, "seen_at", seen, sizeof(seen)) || !hf_time_parse(seen, &one->seen_at))
		return false;
	one->confirmed = json_integer_value(json_object_get(o, "confirmed"));
	one->waiting = json_is_true(json_object_get(o, "waiting"));
	return take_text(o, "instance", one->instance, sizeof(one->instance)) &&
	       take_text(o, "name", one->name, sizeof(one->name)) &&
	       take_text(o, "serial", one->serial, sizeof(one->serial)) &&
	       take_text(o, "address", one->address, sizeof(one->address));
}

int hf_subscribers_load(const char *path, struct hf_subscribers *s, int64_t *ret_event,
			struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(FILE_CAP);
	json_t *root, *list, *item;
	bool good = true;
	size_t i;
	int rc;

	*ret_event = 0;
	if (!hf_file_exists(path))
		return 0;
	rc = hf_file_read(path, &text, err);
	if (rc < 0)
		return rc;
	root = json_loadb(hf_buf_str(&text), text.len, 0, NULL);
	list = json_object_get(root, "subscribers");
	*ret_event = json_integer_value(json_object_get(root, "event"));
	json_array_foreach(list, i, item) good = good && take_one(s, item);
	good = good && json_is_array(list);
	json_decref(root);
	if (good)
		return 0;
	hf_subscribers_done(s);
	return hf_err_set(err, HF_E_PARSE, "'%s' is damaged", path);
}

static void put_one(struct hf_json *j, const struct hf_subscriber *one)
{
	hf_json_object_begin(j, NULL);
	hf_json_string(j, "name", one->name);
	hf_json_string(j, "serial", one->serial);
	hf_json_hex(j, "sha256", one->sha256, HF_SHA256_LEN);
	hf_json_string(j, "instance", one->instance);
	hf_json_string(j, "address", one->address);
	hf_json_time(j, "seen_at", one->seen_at);
	hf_json_int(j, "confirmed", one->confirmed);
	hf_json_bool(j, "waiting", one->waiting > 0);
	hf_json_object_end(j);
}

int hf_subscribers_save(const char *path, const struct hf_subscribers *s, int64_t event,
			int64_t now, struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) out = HF_BUF_INIT(FILE_CAP);
	struct hf_json j;

	hf_json_init(&j, &out, true);
	hf_json_object_begin(&j, NULL);
	hf_json_int(&j, "event", event);
	hf_json_time(&j, "written_at", now);
	hf_json_array_begin(&j, "subscribers");
	for (size_t i = 0; i < s->len; i++)
		put_one(&j, s->items[i]);
	hf_json_array_end(&j);
	hf_json_object_end(&j);
	hf_json_end_line(&j);
	if (hf_buf_failed(&out))
		return hf_err_nomem(err);
	return hf_file_write(path, out.data, out.len, HF_MODE_SECRET,
			     HF_FILE_REPLACE | HF_FILE_NO_SYNC, err);
}
