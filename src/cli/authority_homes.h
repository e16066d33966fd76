/* SPDX-License-Identifier: Apache-2.0 */
/* The homes whose authorities one service serves: that of --home, or those of a file. */
#ifndef HF_CLI_AUTHORITY_HOMES_H
#define HF_CLI_AUTHORITY_HOMES_H

#include <limits.h>

#include "enroll/service.h"
#include "util/cmd.h"
#include "util/passphrase.h"

enum { HF_AUTHORITY_HOMES_CAP = 64 };

struct hf_authority_home {
	struct hf_cmd_ctx *ctx;
	char *label; /* NULL: it is the only one */
	char *home, *as, *passphrase_file;
	struct hf_passphrase from;
	struct hf_strv names; /* host names and addresses */
	struct hf_rules *admins;
	char dir[PATH_MAX]; /* of its own identity */
};

struct hf_authority_homes {
	struct hf_authority_home *items; /* stay where they are: sources point at them */
	size_t len;
};
void hf_authority_homes_done(struct hf_authority_homes *homes);
HF_DEFINE_AUTO_DONE(hf_authority_homes, struct hf_authority_homes, hf_authority_homes_done);

/* One, of the command's own home; the strings are copied. */
int hf_authority_homes_single(struct hf_cmd_ctx *ctx, const char *as, const char *passphrase_file,
			      const struct hf_strv *names, const struct hf_strv *admins,
			      struct hf_authority_homes *ret_homes);
/* Those of a file; names: of the first, when the file says none. */
int hf_authority_homes_load(struct hf_cmd_ctx *ctx, const char *path, const struct hf_strv *names,
			    struct hf_authority_homes *ret_homes);
/* As the service takes it; borrows from the home. */
void hf_authority_home_describe(struct hf_authority_home *home,
				struct hf_service_authority *ret_authority);

/* The keys of an entry, for the man page. */
extern const struct hf_option hf_authority_home_keys[];

#endif
