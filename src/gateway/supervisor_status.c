/* SPDX-License-Identifier: Apache-2.0 */
/* What a gateway says of itself: processes, listeners, what its generation is made of, how long
 * that is good.  Must never show anything of a key but its path. */
#include <stdlib.h>
#include <unistd.h>

#include "gateway/filestamp.h"
#include "gateway/supervisor.h"
#include "util/clock.h"
#include "verify/list_state.h"

/* --- files --- */

static bool holds_key(const struct hf_gateway_parts *parts, const char *path)
{
	for (size_t i = 0; i < parts->policies_len; i++) {
		const struct hf_credential *own = parts->policies[i].credential;

		if (hf_str_eq(own->key_path ? own->key_path : own->cert_path, path))
			return true;
	}
	return false;
}

void hf_supervisor_forget_files(struct hf_supervisor *s)
{
	for (size_t i = 0; i < s->files_len; i++)
		free(s->files[i].path);
	s->files_len = 0;
}

void hf_supervisor_note_files(struct hf_supervisor *s)
{
	const struct hf_strv *files = &s->good.watch;
	uint8_t digest[HF_SHA256_LEN];

	hf_supervisor_forget_files(s);
	s->loaded_at = hf_clock_now();
	for (size_t i = 0; i < files->len && s->files_len < HF_FILE_FACTS_CAP; i++) {
		struct hf_file_fact *fact = &s->files[s->files_len];

		fact->path = hf_str_dup(files->items[i]);
		fact->sha256[0] = '\0';
		if (fact->path == NULL)
			return;
		if (!holds_key(&s->good, fact->path) && hf_file_digest(fact->path, digest))
			hf_hex_encode(digest, sizeof(digest), fact->sha256);
		s->files_len++;
	}
}

static void write_files(const struct hf_supervisor *s, struct hf_json *j)
{
	hf_json_array_begin(j, "files");
	for (size_t i = 0; i < s->files_len; i++) {
		const struct hf_file_fact *fact = &s->files[i];

		hf_json_object_begin(j, NULL);
		hf_json_string(j, "path", fact->path);
		hf_json_string(j, "sha256", fact->sha256[0] ? fact->sha256 : NULL);
		hf_json_object_end(j);
	}
	hf_json_array_end(j);
}

/* --- processes and sockets --- */

static void write_worker(const struct hf_supervisor *s, size_t index, struct hf_json *j)
{
	const struct hf_worker_slot *slot = &s->slots[index];
	const struct hf_counters *counters = &s->counters[index];

	hf_json_object_begin(j, NULL);
	hf_json_int(j, "worker", (int64_t)index);
	hf_json_int(j, "pid", slot->pid);
	hf_json_string(j, "state", slot->pid == 0 ? "gone" : slot->ready ? "ready" : "starting");
	hf_json_int(j, "generation", (int64_t)s->board->workers[index].generation);
	hf_json_int(j, "connections", (int64_t)(counters->open + counters->handshaking));
	hf_json_time(j, "since", slot->started_at);
	hf_json_int(j, "restarts", slot->restarts);
	hf_json_object_end(j);
}

static void write_processes(const struct hf_supervisor *s, struct hf_json *j)
{
	hf_json_int(j, "pid", getpid());
	hf_json_string(j, "command", hf_gateway_originates(s->config) ? "tunnel" : "serve");
	hf_json_string(j, "state",
		       s->stopping	   ? "draining"
		       : s->reload_pending ? "reloading"
		       : s->announced	   ? "serving"
					   : "starting");
	hf_json_time(j, "since", s->started_at);
	hf_json_int(j, "uptime_seconds", hf_clock_now() - s->started_at);
	hf_json_int(j, "generation", (int64_t)s->generation);
	hf_bound_list_to_json(&s->bound, hf_gateway_scheme(s->config), "listeners", j);
	hf_bound_list_to_json(&s->metrics, "http", "metrics", j);
	hf_json_array_begin(j, "workers");
	for (size_t i = 0; i < s->slots_len; i++)
		write_worker(s, i, j);
	hf_json_array_end(j);
}

/* --- the generation --- */

static void write_reload(const struct hf_supervisor *s, struct hf_json *j)
{
	hf_json_time(j, "loaded_at", s->loaded_at);
	hf_json_object_begin(j, "last_reload");
	hf_json_time(j, "time", s->reload_at);
	hf_json_bool(j, "ok", s->reload_err.code == 0);
	hf_json_string(j, "reason", s->reload_err.code ? s->reload_err.msg : NULL);
	hf_json_string(j, "hint", s->reload_err.hint[0] ? s->reload_err.hint : NULL);
	hf_json_object_end(j);
}

static void write_certificates(const struct hf_supervisor *s, struct hf_json *j)
{
	int64_t now = hf_clock_now();

	hf_json_array_begin(j, "certificates");
	for (size_t i = 0; i < s->good.policies_len; i++) {
		const struct hf_policy_parts *policy = &s->good.policies[i];
		const struct hf_cert *leaf = policy->credential->chain.items[0];

		hf_json_object_begin(j, NULL);
		hf_json_string(j, "policy", policy->name);
		hf_json_string(j, "subject", leaf->subject);
		hf_json_hex(j, "sha256", leaf->sha256, HF_SHA256_LEN);
		hf_json_time(j, "not_after", leaf->not_after);
		hf_json_int(j, "seconds_left", leaf->not_after - now);
		hf_json_object_end(j);
	}
	hf_json_array_end(j);
}

static void write_list(const struct hf_trust *trust, const struct hf_crl *crl, int64_t now,
		       struct hf_json *j)
{
	const ASN1_IA5STRING *place = hf_crl_place(crl);

	hf_json_object_begin(j, NULL);
	hf_json_string(j, "issuer", crl->issuer);
	hf_json_string(j, "number", crl->number);
	if (place) /* of a shard, or of some certificates otherwise */
		hf_json_stringn(j, "place", (const char *)ASN1_STRING_get0_data(place),
				(size_t)ASN1_STRING_length(place));
	hf_json_time(j, "this_update", crl->this_update);
	if (crl->has_next_update) {
		hf_json_time(j, "next_update", crl->next_update);
		hf_json_int(j, "seconds_left", crl->next_update - now);
		hf_json_time(j, "counts_until", hf_trust_list_until(trust, crl));
	}
	hf_json_string(j, "state", hf_list_state_name(hf_list_state(trust, crl, now)));
	hf_json_object_end(j);
}

static void write_lists(const struct hf_supervisor *s, struct hf_json *j)
{
	int64_t now = hf_clock_now();

	hf_json_array_begin(j, "crls");
	for (size_t i = 0; i < s->good.policies_len; i++) {
		const struct hf_trust *trust = s->good.policies[i].trust;
		const struct hf_crls *crls = hf_trust_crls(trust);

		for (size_t c = 0; c < crls->len; c++)
			if (!hf_parts_have_list(&s->good, i, crls->items[c]))
				write_list(trust, crls->items[c], now, j);
	}
	hf_json_array_end(j);
	hf_json_int(j, "revoked_here", (int64_t)s->board->orders->revoked_len);
}

static void write_feed(const struct hf_supervisor *s, struct hf_json *j)
{
	const struct hf_counters *told = &s->counters[hf_counters_follower(s->slots_len)];

	if (s->config->follow.text == NULL) {
		hf_json_null(j, "revocation_feed");
		return;
	}
	hf_json_object_begin(j, "revocation_feed");
	hf_json_string(j, "authority", s->config->follow.text);
	hf_json_bool(j, "connected", told->feed_up != 0);
	hf_json_int(j, "lost", (int64_t)told->feed_lost);
	if (told->lists_good_until > 0)
		hf_json_time(j, "lists_good_until", told->lists_good_until);
	if (told->lists_count_until > told->lists_good_until)
		hf_json_time(j, "lists_count_until", told->lists_count_until);
	hf_json_object_end(j);
}

static void write_anchors(const struct hf_supervisor *s, struct hf_json *j)
{
	struct hf_anchor_count anchors[HF_ROSTER_ANCHORS_CAP];
	size_t len = hf_roster_anchors(s->roster, hf_clock_now(), anchors);

	hf_json_array_begin(j, "anchors");
	for (size_t i = 0; i < len; i++) {
		hf_json_object_begin(j, NULL);
		hf_json_string(j, "anchor", anchors[i].name);
		hf_json_string(j, "sha256", anchors[i].sha256);
		hf_json_bool(j, "trusted", anchors[i].trusted);
		hf_json_int(j, "connections", (int64_t)anchors[i].live);
		hf_json_int(j, "recent_identities", (int64_t)anchors[i].recent);
		hf_json_object_end(j);
	}
	hf_json_array_end(j);
}

void hf_supervisor_status(const struct hf_supervisor *s, struct hf_json *j)
{
	write_processes(s, j);
	write_reload(s, j);
	write_files(s, j);
	write_certificates(s, j);
	write_lists(s, j);
	write_feed(s, j);
	write_anchors(s, j);
	hf_health_to_json(s->config, &s->good, j);
	hf_counters_to_json(s->counters, s->slots_len, j);
}
