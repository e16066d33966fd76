/* SPDX-License-Identifier: Apache-2.0 */
/* What the authority's ledger knows of a certificate, for show. */
#ifndef HF_CLI_SHOW_LEDGER_H
#define HF_CLI_SHOW_LEDGER_H

#include "ca/authority.h"
#include "util/cmd.h"

/* The ledger of the home, opened when it is first asked.  Zero, and hand over. */
struct hf_show_ledger {
	struct hf_authority *a;
	bool asked;
};
void hf_show_ledger_done(struct hf_show_ledger *l);
HF_DEFINE_AUTO_DONE(hf_show_ledger, struct hf_show_ledger, hf_show_ledger_done);

/* Every record with this name or, when there is none, this serial ("0A:1B", "a1b"); empty when the
 * home has no authority. */
int hf_show_ledger_find(struct hf_cmd_ctx *ctx, struct hf_show_ledger *l, const char *what,
			struct hf_records *ret_records);

/* State, revocation and lineage of a certificate, when the ledger knows it; else nothing.  JSON:
 * the members "ledger" and "lineage" of the object that is open. */
int hf_show_ledger_of(struct hf_cmd_ctx *ctx, struct hf_show_ledger *l,
		      const struct hf_cert *cert, int64_t now);
/* The same of a record at hand. */
int hf_show_ledger_record(struct hf_cmd_ctx *ctx, struct hf_show_ledger *l,
			  const struct hf_record *record, int64_t now);

#endif
