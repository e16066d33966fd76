/* SPDX-License-Identifier: Apache-2.0 */
/* Who the worlds are, and what they say of one certificate.  Must never hold a rule: those are in
 * quirks.def. */
#include "verify/world.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"
#include "verify/judge.h"

const struct hf_world hf_worlds[HF_PROFILE_COUNT] = {
	{ HF_PROFILE_OPENSSL, "handfast", "Handfast", "what serve, tunnel and get do", true },
	{ HF_PROFILE_STRICT, "strict", "strict peers", "RFC 5280 and RFC 9525 to the letter",
	  true },
	{ HF_PROFILE_AS_OPENSSL, "openssl", "OpenSSL", "OpenSSL 3, curl, nginx, HAProxy, Node",
	  true },
	{ HF_PROFILE_AS_PYTHON, "python", "Python 3.13",
	  "Python from 3.13 on: ssl, requests, httpx", true },
	{ HF_PROFILE_AS_GNUTLS, "gnutls", "GnuTLS", "GnuTLS, wget, Exim", true },
	{ HF_PROFILE_AS_GO, "go", "Go", "crypto/x509: Kubernetes, Caddy, Traefik", true },
	{ HF_PROFILE_AS_JAVA, "java", "Java", "the JDK's PKIX: Tomcat, Kafka, Spring", true },
	{ HF_PROFILE_AS_BROWSER, "browser", "browsers", "Chromium, and what Safari adds", false },
};

void hf_objections_done(struct hf_objections *objections)
{
	for (size_t i = 0; i < objections->len; i++) {
		free(objections->items[i].want);
		free(objections->items[i].have);
	}
	free(objections->items);
	*objections = (struct hf_objections){ NULL, 0 };
}

void hf_judge_object(struct hf_judgement *j, enum hf_reason reason, unsigned worlds,
		     const char *want, const char *have)
{
	struct hf_objections *list = j->objections;
	struct hf_objection *grown;

	worlds &= HF_WORLDS_ALL;
	if (j->options->purpose == HF_PURPOSE_CLIENT)
		worlds &= ~(1U << HF_PROFILE_AS_BROWSER); /* judges no clients */
	if (!worlds)
		return;
	for (size_t i = 0; i < list->len; i++) {
		if (list->items[i].reason == reason && hf_str_eq(list->items[i].want, want)) {
			list->items[i].worlds |= worlds;
			return;
		}
	}
	grown = reallocarray(list->items, list->len + 1, sizeof(*grown));
	if (!grown) {
		j->no_memory = true;
		return;
	}
	list->items = grown;
	list->items[list->len++] = (struct hf_objection){ reason, want ? hf_str_dup(want) : NULL,
							  have ? hf_str_dup(have) : NULL, worlds };
}

/* Every rule that one certificate can break alone. */
int hf_worlds_object(struct hf_cert *cert, enum hf_purpose purpose,
		     struct hf_objections *ret_objections, struct hf_err *err)
{
	const struct hf_verify_options options = { .purpose = purpose };
	struct hf_path path = { .certs = { cert }, .len = 1 };
	struct hf_judgement j = { .options = &options,
				  .path = &path,
				  .objections = ret_objections };

	hf_check_form(&j, 0);
	hf_check_strength(&j, 0);
	hf_check_profile(&j, 0);
	if (purpose != HF_PURPOSE_ANY)
		hf_check_leaf(&j);
	return j.no_memory ? hf_err_nomem(err) : 0;
}

int hf_objection_format(const struct hf_objection *objection, enum hf_purpose purpose,
			struct hf_buf *out)
{
	static const char *const roles[] = { [HF_PURPOSE_ANY] = "",
					     [HF_PURPOSE_SERVER] = " as a server's",
					     [HF_PURPOSE_CLIENT] = " as a client's" };
	const struct hf_reason_info *info = hf_reason_info(objection->reason);

	(void)hf_buf_puts(out, "refused by ");
	if (objection->worlds == HF_WORLDS_ALL)
		(void)hf_buf_puts(out, "everybody");
	else
		(void)hf_worlds_name(objection->worlds, out);
	(void)hf_buf_printf(out, "%s: %s%s%s%s%s [%s]", roles[purpose], info->sentence,
			    objection->want ? ": want " : "",
			    objection->want ? objection->want : "",
			    objection->have ? ", have " : "",
			    objection->have ? objection->have : "", info->id);
	return hf_buf_failed(out) ? -HF_E_NOMEM : 0;
}

int hf_worlds_name(unsigned worlds, struct hf_buf *out)
{
	size_t left = 0, told = 0;

	for (int p = 0; p < HF_PROFILE_COUNT; p++)
		left += worlds >> p & 1;
	for (int p = 0; p < HF_PROFILE_COUNT; p++) {
		if (!(worlds >> p & 1))
			continue;
		(void)hf_buf_printf(out, "%s%s",
				    told == 0	       ? ""
				    : told + 1 == left ? " and "
						       : ", ",
				    hf_worlds[p].who);
		told++;
	}
	return hf_buf_failed(out) ? -HF_E_NOMEM : 0;
}
