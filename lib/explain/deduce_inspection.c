/* SPDX-License-Identifier: Apache-2.0 */
/* A proxy between the two that shows a certificate of its own.  Must never take a server that was
 * given a certificate of another CA for one: a made-up name or the server's own file has to tell.
 */
#include "explain/internal.h"

#include "pki/key.h"
#include "pki/name.h"

/* Words in the names of CAs that proxies and scanners make up certificates with. */
static bool is_inspector(const char *issuer)
{
	static const char *const words[] = {
		"zscaler",	  "fortigate",	"fortinet",	"netskope", "mitmproxy",
		"blue coat",	  "bluecoat",	"symantec wss", "umbrella", "palo alto",
		"sophos",	  "kaspersky",	"eset ssl",	"avast",    "squid",
		"ssl inspection", "forcepoint", "web gateway",	"burp",	    "portswigger"
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(words); i++) {
		if (hf_str_case_find(issuer, words[i]))
			return true;
	}
	return false;
}

static bool name_is_wrong(const struct hf_verdict *v)
{
	for (size_t i = 0; i < v->findings_len; i++) {
		if (v->findings[i].step == HF_STEP_NAME)
			return true;
	}
	return false;
}

/* The server's file has another certificate for this name, of another CA and another key: somebody
 * between made one up.  (A process that was not reloaded shows its own CA's.) */
static bool another_than_its_file(const struct deduction *d, struct hf_cert *shown)
{
	const struct hf_certs *file = &d->c->server_chain;

	return file->len > 0 && !(shown->flags & HF_CERT_SELF_ISSUED) &&
	       !hf_certs_has(file, shown) &&
	       !hf_name_equal(X509_get_issuer_name(shown->x509),
			      X509_get_issuer_name(file->items[0]->x509)) &&
	       !hf_key_same(X509_get0_pubkey(shown->x509),
			    X509_get0_pubkey(file->items[0]->x509)) &&
	       !name_is_wrong(&d->main->server);
}

bool hf_deduce_inspection(struct deduction *d, const struct hf_finding *f)
{
	struct hf_cert *shown = d->t->server.certs.len ? d->t->server.certs.items[0] : NULL;
	bool other;

	if (!shown ||
	    (f->reason != HF_REASON_V_UNKNOWN_CA && f->reason != HF_REASON_V_NO_INTERMEDIATE))
		return false;
	other = another_than_its_file(d, shown);
	if (!other && !is_inspector(shown->issuer))
		return false;
	hf_decide(d, HF_REASON_T_INSPECTION, HF_SIDE_CLIENT, HF_LIKELY);
	hf_add_candidate(d->e, HF_REASON_V_UNKNOWN_CA);
	hf_set_cert(d->e, HF_ROLE_SERVER_LEAF, shown);
	hf_say_evidence(d->e, "shown is %s, issued by %s, which is not trusted here",
			shown->subject, shown->issuer);
	if (other)
		hf_say_evidence(d->e,
				"the server's own, in %s, is issued by %s and has another key",
				d->c->server_cert_path, d->c->server_chain.items[0]->issuer);
	else
		hf_say_evidence(d->e, "the issuer has the name of an inspecting proxy or scanner");
	return true;
}
