/* SPDX-License-Identifier: Apache-2.0 */
/* The lists of shards: there may be hundreds, and they come and go with the policy.  Must never
 * hand a list from the thread that looks to the loop while a look is on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "enroll/lists.h"

/* --- what is given out --- */

void hf_shelf_done(struct hf_shelf *shelf)
{
	for (size_t i = 0; i < shelf->len; i++)
		hf_list_free(shelf->items[i]);
	free(shelf->items);
	*shelf = (struct hf_shelf){ NULL, 0, 0 };
}

static struct hf_list **slot_of(const struct hf_shelf *shelf, const char *name)
{
	for (size_t i = 0; i < shelf->len; i++) {
		if (strcmp(shelf->items[i]->name, name) == 0)
			return &shelf->items[i];
	}
	return NULL;
}

const struct hf_list *hf_shelf_find(const struct hf_shelf *shelf, const char *name)
{
	struct hf_list *const *slot = slot_of(shelf, name);

	return slot ? *slot : NULL;
}

static bool put(struct hf_shelf *shelf, struct hf_list *list)
{
	struct hf_list **slot = slot_of(shelf, list->name);

	if (slot) {
		list->published = (*slot)->published + 1;
		hf_list_free(*slot);
		*slot = list;
		return true;
	}
	if (shelf->len == shelf->alloc) {
		size_t alloc = shelf->alloc ? 2 * shelf->alloc : 16;
		struct hf_list **items =
		    reallocarray(shelf->items, alloc, sizeof(struct hf_list *));

		if (!items)
			return false;
		shelf->items = items;
		shelf->alloc = alloc;
	}
	shelf->items[shelf->len++] = list;
	return true;
}

static void take_out(struct hf_shelf *shelf, const char *name)
{
	struct hf_list **slot = slot_of(shelf, name);

	if (!slot)
		return;
	hf_list_free(*slot);
	*slot = shelf->items[--shelf->len];
}

void hf_shelf_take(struct hf_shelf *shelf, struct hf_shelf_lookout *look)
{
	for (size_t i = 0; i < look->len; i++) {
		struct hf_shelf_file *file = &look->files[i];

		if (file->fresh && put(shelf, file->fresh))
			file->fresh = NULL;
		if (!file->alive)
			take_out(shelf, file->name);
	}
}

/* --- looking --- */

void hf_shelf_lookout_done(struct hf_shelf_lookout *look)
{
	for (size_t i = 0; i < look->len; i++)
		hf_list_free(look->files[i].fresh);
	free(look->files);
	*look = (struct hf_shelf_lookout){ NULL, 0, 0 };
}

struct reading {
	struct hf_shelf_lookout *look;
	struct hf_authority *a;
	const struct hf_ca *ca;
	int64_t event;
	struct hf_err *err;
};

static struct hf_shelf_file *file_of(struct hf_shelf_lookout *look, const char *name)
{
	for (size_t i = 0; i < look->len; i++) {
		if (strcmp(look->files[i].name, name) == 0)
			return &look->files[i];
	}
	if (look->len == look->alloc) {
		size_t alloc = look->alloc ? 2 * look->alloc : 16;
		struct hf_shelf_file *files =
		    reallocarray(look->files, alloc, sizeof(struct hf_shelf_file));

		if (!files)
			return NULL;
		look->files = files;
		look->alloc = alloc;
	}
	look->files[look->len] = (struct hf_shelf_file){ .fresh = NULL };
	(void)hf_str_copy(look->files[look->len].name, HF_LIST_NAME_CAP, name);
	return &look->files[look->len++];
}

static int look_at(void *arg, const struct hf_shard *shard)
{
	struct reading *r = arg;
	char key[HF_CA_KEY_NAME_CAP], name[HF_LIST_NAME_CAP], path[PATH_MAX];
	struct hf_shelf_file *file;
	struct hf_list *fresh = NULL;
	int rc = hf_ca_list_path(r->a, r->ca, shard->number, path, r->err);

	hf_ca_key_name(r->ca, key);
	(void)snprintf(name, sizeof(name), "%s-%lld", key, (long long)shard->number);
	file = rc == 0 ? file_of(r->look, name) : NULL;
	if (!file)
		return rc < 0 ? rc : hf_err_nomem(r->err);
	file->alive = true;
	rc = hf_list_reload(path, &file->stamp, r->event, &fresh, r->err);
	if (rc <= 0)
		return rc;
	rc = hf_list_label(fresh, r->a, r->ca, name, shard->number, r->err);
	if (rc < 0) {
		hf_list_free(fresh);
		file->stamp = (struct hf_list_stamp){ 0, 0, 0 };
		return rc;
	}
	hf_list_free(file->fresh);
	file->fresh = fresh;
	return 0;
}

int hf_shelf_look(struct hf_shelf_lookout *look, struct hf_authority *a, int64_t now, int64_t event,
		  struct hf_err *err)
{
	struct reading reading = { .look = look, .a = a, .event = event, .err = err };
	struct hf_ca *ca;
	int rc = 0;

	for (size_t i = 0; i < look->len; i++)
		look->files[i].alive = false;
	for (size_t i = 0; rc == 0 && (ca = hf_authority_ca(a, i)); i++) {
		reading.ca = ca;
		rc = hf_shards_alive(a, ca, now, look_at, &reading, err);
	}
	/* what comes back is read anew */
	for (size_t i = 0; rc == 0 && i < look->len; i++) {
		if (!look->files[i].alive)
			look->files[i].stamp = (struct hf_list_stamp){ 0, 0, 0 };
	}
	return rc;
}
