/* SPDX-License-Identifier: Apache-2.0 */
/* Rules from foreign text: parse, and what parses must match or not match without harm, and parse
 * again from its own text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "verify/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct hf_cert leaf;
static struct hf_san sans[4];
static struct hf_identity identity = { .leaf = &leaf };

/* A leaf without DER behind it is enough for everything but subject parts, so it has an empty
 * subject. */
static void make_leaf(void)
{
	static char dns[] = "mail.abc.test", uri[] = "spiffe://abc/mail/7",
		    email[] = "amy@abc.test", ip[] = "10.1.2.3";
	static char serial[] = "abc";

	if (leaf.x509)
		return;
	leaf.x509 = X509_new();
	leaf.serial = serial;
	sans[0] = (struct hf_san){ .kind = HF_SAN_DNS, .value = dns, .len = strlen(dns) };
	sans[1] = (struct hf_san){ .kind = HF_SAN_URI, .value = uri, .len = strlen(uri) };
	sans[2] = (struct hf_san){ .kind = HF_SAN_EMAIL, .value = email, .len = strlen(email) };
	sans[3] = (struct hf_san){ .kind = HF_SAN_IP,
				   .value = ip,
				   .len = strlen(ip),
				   .raw = { 10, 1, 2, 3 },
				   .raw_len = 4 };
	leaf.sans.items = sans;
	leaf.sans.len = 4;
}

static void apply(const struct hf_rules *rules)
{
	struct hf_verdict v;

	hf_verdict_init(&v);
	make_leaf();
	atomic_store(&leaf.refs, 1000);
	v.accepted = true;
	v.identity = &identity;
	(void)hf_rules_apply(rules, NULL, &v, NULL);
	if (!v.rule)
		abort();
	v.identity = NULL;
	hf_verdict_done(&v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HF_AUTO(hf_rules) rules = NULL;
	HF_AUTO(cstr) text = hf_str_ndup((const char *)data, size);

	if (!text || hf_rules_new(&rules, NULL) < 0)
		return 0;
	if (hf_rules_add(rules, true, text, NULL) < 0) {
		if (hf_rules_count(rules) != 0)
			abort();
		return 0;
	}
	if (hf_rules_count(rules) != 1)
		abort();
	if (!strstr(text, "issuer:")) /* needs a trust */
		apply(rules);
	return 0;
}
