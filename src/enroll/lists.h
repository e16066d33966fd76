/* SPDX-License-Identifier: Apache-2.0 */
/* The revocation lists that the service gives out, and what the ledger tells of revocations: looked
 * at again whenever a list's file changes, whoever signed it.
 *
 * Each list has an event: the number of the audit log's last row when its file was read, with the
 * lock held under which lists are numbered and written.  So a list with an event of N names every
 * revocation whose list was recorded in a row up to N, and events only grow, also over restarts:
 * that is what a subscriber resumes from. */
#ifndef HF_ENROLL_LISTS_H
#define HF_ENROLL_LISTS_H

#include "base/time.h"
#include "ca/shards.h"
#include "http/server.h"
#include "pki/crl_facts.h"

enum {
	HF_LISTS = 2 + HF_CA_BEFORE_CAP, /* one for each CA of an authority */
	HF_LIST_NAME_CAP = 48,
	HF_REVOCATIONS_KEPT = 1024, /* of the newest, told to subscribers one by one */
	HF_SERIAL_HEX_CAP = 48,
};

/* One list as it was read; immutable. */
struct hf_list {
	char name[HF_LIST_NAME_CAP]; /* "issuing": /crl/issuing.crl */
	char key[HF_CA_KEY_NAME_CAP]; /* of its CA, under which it is given out too */
	struct hf_buf der;	     /* empty when large: see fd */
	int fd;			     /* a memory file with the DER; -1 */
	size_t der_len;
	struct hf_crl_facts facts;
	uint8_t sha256[HF_SHA256_LEN];
	int64_t event, modified_at;
	char pem_path[PATH_MAX];
	/* of a CA that went before: the names under which its certificates look for it, which come
	 * first: whoever issues now may have taken over the CA's own name */
	struct hf_strv places;
	char etag[2 * 16 + 3];
	uint64_t published; /* how often a newer one took its place; the loop's */
};
void hf_list_free(struct hf_list *list);
/* "issuing", "root", or of one that went before, "before-N". */
void hf_list_name_of(const struct hf_ca *ca, char ret_name[HF_LIST_NAME_CAP]);
HF_DEFINE_AUTO(hf_list, struct hf_list, hf_list_free);

/* The DER of the one list that a PEM file of ours holds; not decoded. */
int hf_list_read_pem(const char *path, struct hf_buf *ret_der, struct hf_err *err);

/* A file as it was when it was read. */
struct hf_list_stamp {
	int64_t mtime_ns, size;
	uint64_t inode;
};
/* Fills in name, key and places of a list of the CA's. */
int hf_list_label(struct hf_list *list, struct hf_authority *a, const struct hf_ca *ca,
		  const char *name, int64_t shard, struct hf_err *err);
/* Reads the list when the file is another than the stamp says: 1, for the caller
 * to label; 0 when it is not, or is not there. */
int hf_list_reload(const char *path, struct hf_list_stamp *stamp, int64_t event,
		   struct hf_list **ret_list, struct hf_err *err);

/* The lists of shards that are given out, by "KEY-NUMBER". */
struct hf_shelf {
	struct hf_list **items;
	size_t len, alloc;
};
void hf_shelf_done(struct hf_shelf *shelf);
const struct hf_list *hf_shelf_find(const struct hf_shelf *shelf, const char *name);

/* The same for who looks at the files: what is known of each, and what the last look brought. */
struct hf_shelf_lookout {
	struct hf_shelf_file {
		char name[HF_LIST_NAME_CAP];
		struct hf_list_stamp stamp;
		bool alive;
		struct hf_list *fresh; /* NULL: as it was */
	} *files;
	size_t len, alloc;
};
void hf_shelf_lookout_done(struct hf_shelf_lookout *look);
int hf_shelf_look(struct hf_shelf_lookout *look, struct hf_authority *a, int64_t now, int64_t event,
		  struct hf_err *err);
/* What the last look brought; only between two looks.  What there is no memory for waits for the
 * next time. */
void hf_shelf_take(struct hf_shelf *shelf, struct hf_shelf_lookout *look);

/* A revocation as the audit log has it. */
struct hf_revocation {
	int64_t id; /* of its row */
	int64_t at;
	char serial[HF_SERIAL_HEX_CAP];
	int reason;
};

/* What was seen so far, and what the last look brought. */
struct hf_lookout {
	int64_t seen; /* rows of the audit log; -1: nothing yet */
	struct hf_lookout_file {
		struct hf_list_stamp stamp;
		bool missing_entry; /* a revocation was noted that no list names yet */
		int64_t missing_ms; /* since when */
	} files[HF_LISTS];
	/* brought: taken over by whoever asked */
	struct hf_list *fresh[HF_LISTS]; /* NULL: as it was */
	bool gone[HF_LISTS];		 /* of a CA that was retired */
	struct hf_shelf_lookout shards;
	struct hf_revocation *revocations;
	size_t revocations_len, revocations_alloc;
	bool memory; /* ran out of it */
};
void hf_lookout_init(struct hf_lookout *look);
void hf_lookout_done(struct hf_lookout *look);

/* 0; 1 when somebody is publishing a list right now: look again soon. */
int hf_lookout_run(struct hf_lookout *look, struct hf_authority *a, int64_t now, int64_t now_ms,
		   struct hf_err *err);
/* Signs a list when one is missing an entry for a while: whoever revoked could not do it.  At the
 * start a list that is short of entries counts too. */
int hf_lookout_mend(struct hf_lookout *look, struct hf_authority *a, int64_t now, int64_t now_ms,
		 struct hf_err *err);

/* Answers /crl/NAME.crl (DER) or .pem, which is `path`; false when the name is none of the lists.
 * NAME is the list's name or key, and of a shard's list that of its CA and "-NUMBER". */
bool hf_lists_answer(struct hf_list *const lists[HF_LISTS], const struct hf_shelf *shards,
		     struct hf_slice path, const struct hf_http_request *request,
		     struct hf_http_answer *answer);

#endif
