/* SPDX-License-Identifier: Apache-2.0 */
/* Rules about the leaf's role: may this certificate be a client, a server.  Must never look at
 * names. */
#include <stdio.h>

#include "verify/judge.h"

static void check_eku(struct hf_judgement *j, const struct hf_cert *c)
{
	bool client = j->options->purpose == HF_PURPOSE_CLIENT;
	const char *want = client ? "clientAuth" : "serverAuth";
	HF_AUTO_DONE(hf_buf) have = HF_BUF_INIT(4096);

	if (!(c->flags & HF_CERT_HAS_EKU)) {
		hf_judge_quirk(j, HF_QUIRK_NO_EKU, 0, want, "no extended key usage");
		return;
	}
	bool allowed = c->eku & (client ? HF_EKU_CLIENT : HF_EKU_SERVER);

	if (allowed && !(c->eku & HF_EKU_ANY))
		return;
	(void)hf_cert_format_eku(c, &have);
	if (c->eku & HF_EKU_ANY)
		hf_judge_quirk(j, allowed ? HF_QUIRK_EKU_ANY_TOO : HF_QUIRK_EKU_ANY, 0, want,
			       hf_buf_str(&have));
	else
		hf_judge_find(j, HF_REASON_V_EKU, HF_STEP_CHAIN, 0, want, hf_buf_str(&have));
}

/* RFC 8446 4.4.2.2: the holder signs the handshake, whatever its side.  OpenSSL also takes what the
 * key exchanges before TLS 1.3 could do. */
static void check_ku(struct hf_judgement *j, const struct hf_cert *c)
{
	HF_AUTO_DONE(hf_buf) have = HF_BUF_INIT(4096);
	unsigned other =
	    KU_KEY_AGREEMENT | (j->options->purpose == HF_PURPOSE_SERVER ? KU_KEY_ENCIPHERMENT : 0);

	if (!(c->flags & HF_CERT_HAS_KU) || (c->ku & KU_DIGITAL_SIGNATURE))
		return;
	(void)hf_cert_format_ku(c, &have);
	hf_judge_quirk(j, c->ku & other ? HF_QUIRK_KU_OTHER : HF_QUIRK_KU_NONE, 0,
		       "digitalSignature", hf_buf_str(&have));
}

static void check_ns_type(struct hf_judgement *j, const struct hf_cert *c)
{
	bool client = j->options->purpose == HF_PURPOSE_CLIENT;

	if (c->flags & (client ? HF_CERT_NS_SERVER_ONLY : HF_CERT_NS_CLIENT_ONLY))
		hf_judge_quirk(j, HF_QUIRK_NS_TYPE, 0,
			       client ? "the bit 'client'" : "the bit 'server'", NULL);
}

static void check_not_ca(struct hf_judgement *j, const struct hf_cert *c)
{
	if (!(c->flags & HF_CERT_CA))
		return;
	/* `openssl req -x509` makes such certificates; who trusts one by itself knows what it is.
	 */
	hf_judge_quirk(j,
		       hf_judge_is_anchor(j, 0) ? HF_QUIRK_CA_AS_TRUSTED_LEAF : HF_QUIRK_CA_AS_LEAF,
		       0, "CA:FALSE", "CA:TRUE");
}

void hf_check_leaf(struct hf_judgement *j)
{
	const struct hf_cert *c = j->path->certs[0];
	char have[32];

	if (c->version < 3) {
		(void)snprintf(have, sizeof(have), "version %d", c->version);
		hf_judge_quirk(j, HF_QUIRK_V1_LEAF, 0, "version 3", have);
	}
	if (j->options->purpose == HF_PURPOSE_ANY)
		return;
	check_not_ca(j, c);
	check_eku(j, c);
	check_ku(j, c);
	check_ns_type(j, c);
}
