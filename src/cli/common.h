/* SPDX-License-Identifier: Apache-2.0 */
/* Options that several commands share, and loading what they name. */
#ifndef HF_CLI_COMMON_H
#define HF_CLI_COMMON_H

#include <limits.h>

#include "pki/credential.h"
#include "trust/trust.h"
#include "util/cmd.h"
#include "util/passphrase.h"
#include "verify/rules.h"
#include "verify/verify.h"

/* Who am I: --as --cert --key --passphrase-file */
struct hf_credential_opts {
	const char *as, *cert, *key, *passphrase_file;
};
extern const struct hf_option hf_credential_options[];
/* *ret_credential stays NULL when neither --as nor --cert was given.  Warns of a key others can
 * read. */
int hf_cli_load_credential(struct hf_cmd_ctx *ctx, const struct hf_credential_opts *opts,
			   struct hf_credential **ret_credential);

/* Whom do I trust: --ca --crl --crl-grace --profile --compat */
struct hf_trust_opts {
	struct hf_strv ca, crl;
	int64_t crl_grace;    /* seconds */
	int profile;          /* enum hf_profile */
	bool compat;
	const char *also;     /* no option: more anchors, beside --ca or the home; NULL: none */
	/* no option: lists of URLs come later, and are wanted (serve, tunnel: follower.h) */
	bool lists_follow;
	const struct hf_crls *lists; /* no option: as hf_trust_set_lists_at_hand; NULL: none */
};
extern const struct hf_option hf_trust_options[];
/* The same without --profile, for who has another. */
extern const struct hf_option hf_anchor_options[];
/* --ca replaces the home's trust; without it: trust/NAME.pem (labels NAME), id/AS/ca.pem, and the
 * revocation lists of the home's own authority.  An empty trust is returned as it is: the caller
 * decides.  Frozen. */
int hf_cli_load_trust(struct hf_cmd_ctx *ctx, const struct hf_trust_opts *opts, const char *as,
		      uint64_t generation, struct hf_trust **ret_trust);

/* The files and directories that hf_cli_load_trust would read, whether they are there or not;
 * appended. */
int hf_cli_trust_paths(struct hf_cmd_ctx *ctx, const struct hf_trust_opts *opts, const char *as,
		       struct hf_strv *ret_paths);

/* --allow and --deny in their order: one list of "allow RULE" and "deny RULE". */
struct hf_rule_opts {
	struct hf_strv rules;
};
extern const struct hf_option hf_rule_options[];
int hf_cli_load_rules(struct hf_cmd_ctx *ctx, const struct hf_rule_opts *opts,
		      struct hf_rules **ret_rules);

/* Does every `issuer:` of the rules name a trust that is there?  -HF_E_INVALID with the nearest. */
int hf_cli_check_issuers(const struct hf_rule_opts *opts, const struct hf_trust *trust,
			 struct hf_err *err);

/* Revocations as they happen: --revocations-from --revocations-as */
struct hf_follow_opts {
	const char *from, *as;
};
extern const struct hf_option hf_follow_options[];

/* The next step after an identity was not found in the home: the nearest there is, how to end a
 * request, or how to make it. */
void hf_cli_hint_identity(const char *home, const char *name, struct hf_err *err);
bool hf_cli_is_file(const char *what);
/* FILE as it is; else NAME of the home: id/NAME/cert.pem.  Into out (PATH_MAX). */
int hf_cli_find_file(struct hf_cmd_ctx *ctx, const char *what, char out[PATH_MAX]);

#endif
