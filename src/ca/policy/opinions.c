/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the judges one by one.  Must never soften what one of them says: this is what people look
 * at before they issue. */
#include "ca/policy/opinions.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "verify/world.h"

void hf_opinions_done(struct hf_opinions *opinions)
{
	for (size_t i = 0; i < opinions->len; i++)
		free(opinions->items[i].why);
	free(opinions->items);
	*opinions = (struct hf_opinions){ NULL, 0 };
}

static const char *purpose_word(enum hf_purpose purpose)
{
	static const char *const words[] = { [HF_PURPOSE_ANY] = "any",
					     [HF_PURPOSE_SERVER] = "server",
					     [HF_PURPOSE_CLIENT] = "client" };

	return words[purpose];
}

/* Takes over `why`. */
static int add(struct hf_opinions *list, enum hf_purpose purpose, const char *judge, bool accepted,
	       char *why)
{
	struct hf_opinion *grown =
	    reallocarray(list->items, list->len + 1, sizeof(struct hf_opinion));

	if (!grown || (!accepted && !why)) {
		free(why);
		if (grown)
			list->items = grown;
		return -HF_E_NOMEM;
	}
	list->items = grown;
	list->items[list->len++] =
	    (struct hf_opinion){ purpose_word(purpose), judge, accepted, why };
	return 0;
}

static char *describe(const struct hf_verdict *verdict)
{
	const struct hf_finding *f = hf_verdict_root(verdict);
	const struct hf_reason_info *info = hf_reason_info(f ? f->reason : HF_REASON_NONE);

	return hf_str_printf("%s: %s%s%s%s%s", info->id, info->sentence,
			     f && f->want ? "; want " : "", f && f->want ? f->want : "",
			     f && f->have ? "; have " : "", f && f->have ? f->have : "");
}

/* Those that decide here, and then the other worlds; OpenSSL is asked itself. */
static const struct {
	enum hf_profile profile;
	const char *word;
} judges[] = {
	{ HF_PROFILE_OPENSSL, "openssl" },    { HF_PROFILE_STRICT, "strict" },
	{ HF_PROFILE_AS_PYTHON, "python" },   { HF_PROFILE_AS_GNUTLS, "gnutls" },
	{ HF_PROFILE_AS_GO, "go" },	      { HF_PROFILE_AS_JAVA, "java" },
	{ HF_PROFILE_AS_BROWSER, "browser" },
};

static int ask_one(const struct hf_authority *a, const struct hf_certs *chain,
		   struct hf_verify_options *options, const char *word, struct hf_opinions *ret,
		   struct hf_err *err)
{
	HF_AUTO_DONE(hf_verdict) verdict;
	int rc;

	hf_verdict_init(&verdict);
	rc = hf_verify(chain, a->trust, options, &verdict, err);
	if (rc == 0)
		rc = add(ret, options->purpose, word, verdict.accepted,
			 verdict.accepted ? NULL : describe(&verdict));
	if (rc == 0 && options->second_opinion)
		rc = add(ret, options->purpose, "OpenSSL itself", verdict.ossl_len == 0,
			 verdict.ossl_len
			     ? hf_str_printf("%s at depth %d",
					     hf_verify_error_name(verdict.ossl[0].error),
					     verdict.ossl[0].depth)
			     : NULL);
	return rc == -HF_E_NOMEM ? hf_err_nomem(err) : rc;
}

int hf_opinions_ask(const struct hf_authority *a, struct hf_cert *cert,
		    const struct hf_ca_profile *profile, int64_t now, struct hf_opinions *ret,
		    struct hf_err *err)
{
	HF_AUTO_DONE(hf_certs) chain = HF_CERTS_INIT;
	int rc = hf_certs_add(&chain, cert, err);

	for (size_t p = 0; rc == 0 && p < profile->purposes_len; p++) {
		for (size_t j = 0; rc == 0 && j < HF_ARRAY_LEN(judges); j++) {
			if (profile->purposes[p] != HF_PURPOSE_SERVER &&
			    !hf_worlds[judges[j].profile].clients)
				continue;
			struct hf_verify_options options = {
				.purpose = profile->purposes[p],
				.profile = judges[j].profile,
				.at = now,
				.second_opinion = judges[j].profile == HF_PROFILE_OPENSSL,
			};

			rc = ask_one(a, &chain, &options, judges[j].word, ret, err);
		}
	}
	return rc;
}
