/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one side of a mutual TLS connection has: its credential, whom it trusts, its rules.
 *
 * Build a config, set it, make an endpoint from it (hf_endpoint_new): the endpoint keeps what it
 * needs, so the config may be freed or changed for the next one.  Secure by default: nothing is
 * trusted unless it is named, a server demands a client certificate and lets nobody in without a
 * rule, TLS 1.2 is the floor, sessions are not resumed.  Thread rule: one thread at a time for each
 * object; no global state.
 */
#ifndef HANDFAST_CONFIG_H
#define HANDFAST_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <handfast/err.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hf_config;
struct hf_judgement;
struct hf_verdict;

HF_PUBLIC int hf_config_new(struct hf_config **ret_config, struct hf_err *err);
HF_PUBLIC void hf_config_free(struct hf_config *config); /* NULL is fine */

/*
 * The certificate this side shows: PEM, DER or PKCS#12; leaf and intermediates in any order.
 * key_path may be NULL when cert_path holds the key too.  passphrase (NUL-terminated) may be NULL;
 * it is not kept. Errors: NOENT, PERM, PARSE (says what the file is), PASSPHRASE, MISMATCH (key and
 * certificate).
 */
HF_PUBLIC int hf_config_set_credential(struct hf_config *config, const char *cert_path,
				       const char *key_path, const char *passphrase,
				       struct hf_err *err);

/* Trusts the CA certificates of a file; may be called again to add more.  Errors: NOENT, PARSE. */
HF_PUBLIC int hf_config_add_ca(struct hf_config *config, const char *path, struct hf_err *err);

/* Adds revocation lists: a file (PEM, DER) or a directory.  From the first list on, every CA of a
 * peer's chain needs a current one (RFC 5280 6.3). */
HF_PUBLIC int hf_config_add_crl(struct hf_config *config, const char *path, struct hf_err *err);

/* How long a revocation list still counts after its nextUpdate, in seconds: 0, the default, not at
 * all (RFC 5280 6.3.3); at most 30 days, and what is out of range is the nearest bound.  Within the
 * grace the verdict has the warning V-CRL-EXPIRED, and what was revoked since is not known: for
 * those to whom a late list is worse than a late revocation.  For all lists, whenever added; what
 * was made from the config before keeps what it had. */
HF_PUBLIC void hf_config_set_crl_grace(struct hf_config *config, int64_t seconds);

/* Adds a rule in the order of calls; the first that matches decides.  Syntax: handfast-serve(1),
 * RULES. */
HF_PUBLIC int hf_config_allow(struct hf_config *config, const char *rule, struct hf_err *err);
HF_PUBLIC int hf_config_deny(struct hf_config *config, const char *rule, struct hf_err *err);

/* Refuses what the default profile only warns of (version 1, no extended key usage, …). */
HF_PUBLIC void hf_config_set_strict(struct hf_config *config, bool strict);

/* Clients only: a server name that stands only in the common name counts (RFC 9525 says it must
 * not). */
HF_PUBLIC void hf_config_set_compat_cn(struct hf_config *config, bool compat);

/*
 * Judges the certificates of a file (leaf first, others are candidates for its chain) without any
 * connection. server: as a server's certificate, else as a client's.  name: host name or address
 * the leaf must be valid for, or NULL.  at: Unix seconds.  Rules of the config are applied when it
 * has any. A refusal is a result: returns 0 and the judgement holds the verdict.
 */
HF_PUBLIC int hf_judge_file(const struct hf_config *config, const char *path, bool server,
			    const char *name, int64_t at, struct hf_judgement **ret_judgement,
			    struct hf_err *err);
HF_PUBLIC const struct hf_verdict *hf_judgement_verdict(const struct hf_judgement *judgement);
HF_PUBLIC void hf_judgement_free(struct hf_judgement *judgement);

#ifdef __cplusplus
}
#endif
#endif
