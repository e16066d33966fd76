/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands of the authority share: opening it, options, telling what was made. */
#ifndef HF_CLI_CA_COMMON_H
#define HF_CLI_CA_COMMON_H

#include "base/time.h"
#include "ca/crl.h"
#include "ca/idfiles.h"
#include "ca/order.h"
#include "util/cmd.h"
#include "util/passphrase.h"

enum { HF_CLI_PEM_CAP = 1024 * 1024 };

extern const char *const hf_cli_key_words[]; /* for --key-type, in the order of enum hf_key_type */
enum hf_key_type hf_cli_key_type(int word);

/* Who works here, for the audit log: the login name. */
const char *hf_cli_actor(void);
/* `from` must live as long as the authority. */
int hf_cli_open_authority(struct hf_cmd_ctx *ctx, struct hf_passphrase *from,
			  struct hf_authority **ret_authority);

/* --server --client --peer */
struct hf_role_opts {
	bool server, client, peer;
};
extern const struct hf_option hf_role_options[];
/* NULL with the usage error set unless exactly one was given. */
const struct hf_ca_profile *hf_cli_role(struct hf_cmd_ctx *ctx, const struct hf_role_opts *opts);

/* --permit lists; *ret_nc stays NULL when there are none. */
int hf_cli_permit(struct hf_cmd_ctx *ctx, const struct hf_strv *lists, NAME_CONSTRAINTS **ret_nc);

/* The notes of an order on stderr: what was cut and what was dropped. */
void hf_cli_tell_notes(struct hf_cmd_ctx *ctx, const char *what, const struct hf_order *order);
void hf_cli_json_strings(struct hf_json *j, const char *key, const struct hf_strv *strings);
/* "serial", "subject", "sans", "not_before", "not_after", "issuer", "sha256", into the open object.
 */
void hf_cli_json_cert(struct hf_json *j, const struct hf_cert *cert);
void hf_cli_json_record(struct hf_json *j, const struct hf_record *record, const char *state);
/* "2026-12-21 (30 days)" */
void hf_cli_until(int64_t at, int64_t now, char *out, size_t cap);

/* The number of a list in decimal, as openssl prints it (files and JSON have it in hexadecimal);
 * "none" without one. */
enum { HF_CLI_NUMBER_CAP = 64 };
void hf_cli_crl_number(const struct hf_crl *crl, char out[HF_CLI_NUMBER_CAP]);

/* A new key with a certificate for the order (its key is set here), written to dir.  `replace`:
 * over what is there.  The order holds the certificate afterwards. */
int hf_cli_issue_into(struct hf_cmd_ctx *ctx, struct hf_authority *a, struct hf_order *order,
		      enum hf_key_type key_type, const char *dir, bool replace, int64_t now);
/* cert.pem's content: leaf and intermediates. */
int hf_cli_chain_pem(struct hf_authority *a, const struct hf_order *order, struct hf_buf *pem,
		     struct hf_err *err);
/* Signs a new list of the CA that issued this record and says so. */
int hf_cli_publish_after(struct hf_cmd_ctx *ctx, struct hf_authority *a, int64_t issuer,
			 int64_t now, struct hf_crl_published *ret_published);

#endif
