/* SPDX-License-Identifier: Apache-2.0 */
/* Giving lists out over HTTP.  Must never make one answer wait for another. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "ca/shards.h"
#include "enroll/lists.h"

enum { SUFFIX_LEN = 4 }; /* .crl, .pem */

/* RFC 9110 13.1: the entity tag decides when there is one, else the date. */
static bool has_it_already(const struct hf_list *list, const struct hf_http_head *head)
{
	struct hf_slice value, rest, tag;
	char date[HF_TIME_TEXT_CAP];

	if (hf_http_field(head, "If-None-Match", &value)) {
		for (rest = value; hf_slice_next(&rest, ',', &tag);) {
			if (hf_slice_starts(tag, "W/"))
				tag = (struct hf_slice){ tag.data + 2, tag.len - 2 };
			if (hf_slice_is(tag, "*") || hf_slice_is(tag, list->etag))
				return true;
		}
		return false;
	}
	hf_time_format_http(list->modified_at, date);
	return hf_http_field(head, "If-Modified-Since", &value) && hf_slice_is(value, date);
}

static void give_der(const struct hf_list *list, struct hf_http_answer *answer)
{
	char path[64];

	answer->content_type = "application/pkix-crl"; /* RFC 2585 4.2 */
	if (list->fd < 0) {
		answer->body = list->der.data;
		answer->body_len = list->der.len;
		return;
	}
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", list->fd);
	answer->fd = open(path, O_RDONLY | O_CLOEXEC); /* with an offset of its own */
	answer->fd_len = list->der_len;
	if (answer->fd < 0)
		answer->status = 503;
}

static void give_pem(const struct hf_list *list, struct hf_http_answer *answer)
{
	struct stat st;

	answer->content_type = "application/x-pem-file";
	answer->fd = open(list->pem_path, O_RDONLY | O_CLOEXEC);
	if (answer->fd >= 0 && fstat(answer->fd, &st) == 0) {
		answer->fd_len = (uint64_t)st.st_size;
		return;
	}
	hf_fd_close(answer->fd);
	answer->fd = -1;
	answer->status = 503;
}

static const struct hf_list *find_complete(struct hf_list *const lists[HF_LISTS],
					   struct hf_slice name)
{
	/* a root that issues itself has one list, under both names */
	if (!lists[1] && lists[0] && hf_slice_is(name, "root"))
		return lists[0];
	for (size_t i = 0; i < HF_LISTS; i++) {
		if (lists[i] &&
		    (hf_slice_is(name, lists[i]->name) || hf_slice_is(name, lists[i]->key)))
			return lists[i];
	}
	return NULL;
}

static bool is_place_of(const struct hf_list *list, struct hf_slice name)
{
	for (size_t i = 0; list && i < list->places.len; i++) {
		if (hf_slice_is(name, list->places.items[i]))
			return true;
	}
	return false;
}

/* Where certificates of a CA that went before look. */
static const struct hf_list *find_place(struct hf_list *const lists[HF_LISTS],
					const struct hf_shelf *shards, struct hf_slice name)
{
	for (size_t i = 0; i < HF_LISTS; i++) {
		if (is_place_of(lists[i], name))
			return lists[i];
	}
	for (size_t i = 0; i < shards->len; i++) {
		if (is_place_of(shards->items[i], name))
			return shards->items[i];
	}
	return NULL;
}

/* "issuing-3": of the CA that is before the number. */
static const struct hf_list *find_shard(struct hf_list *const lists[HF_LISTS],
					const struct hf_shelf *shards, struct hf_slice name)
{
	const char *dash = name.len > 0 ? memrchr(name.data, '-', name.len) : NULL;
	size_t len = dash ? (size_t)(dash - name.data) : 0;
	const struct hf_list *of =
	    dash ? find_complete(lists, (struct hf_slice){ name.data, len }) : NULL;
	char key[HF_LIST_NAME_CAP];

	if (!of || name.len - len >= sizeof(key) - HF_CA_KEY_NAME_CAP)
		return NULL;
	(void)snprintf(key, sizeof(key), "%s%.*s", of->key, (int)(name.len - len), dash);
	return hf_shelf_find(shards, key);
}

static const struct hf_list *find_list(struct hf_list *const lists[HF_LISTS],
				       const struct hf_shelf *shards, struct hf_slice name,
				       bool *ret_pem)
{
	const struct hf_list *list;
	struct hf_slice suffix;

	if (name.len < SUFFIX_LEN)
		return NULL;
	name.len -= SUFFIX_LEN;
	suffix = (struct hf_slice){ name.data + name.len, SUFFIX_LEN };
	*ret_pem = hf_slice_is(suffix, ".pem");
	if (!*ret_pem && !hf_slice_is(suffix, ".crl"))
		return NULL;
	list = find_place(lists, shards, name);
	if (!list)
		list = find_complete(lists, name);
	return list ? list : find_shard(lists, shards, name);
}

bool hf_lists_answer(struct hf_list *const lists[HF_LISTS], const struct hf_shelf *shards,
		     struct hf_slice path, const struct hf_http_request *request,
		     struct hf_http_answer *answer)
{
	struct hf_slice name = { path.data + strlen("/crl/"), path.len - strlen("/crl/") };
	char modified[HF_TIME_TEXT_CAP];
	bool pem = false;
	const struct hf_list *list = find_list(lists, shards, name, &pem);

	if (!list)
		return false;
	hf_time_format_http(list->modified_at, modified);
	/* caches may keep it, and ask each time: a revocation is felt at once */
	(void)snprintf(answer->fields_text, sizeof(answer->fields_text),
		       "Cache-Control: no-cache\r\nLast-Modified: %s\r\nETag: %s\r\n", modified,
		       list->etag);
	answer->fields = answer->fields_text;
	answer->status = has_it_already(list, request->head) ? 304 : 200;
	if (answer->status == 200 && pem)
		give_pem(list, answer);
	else if (answer->status == 200)
		give_der(list, answer);
	return true;
}
