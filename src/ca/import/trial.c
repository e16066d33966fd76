/* SPDX-License-Identifier: Apache-2.0 */
/* Would peers take what the CA issues?  A certificate for a key that is thrown away, judged and
 * forgotten.  Must never leave anything behind. */
#include <stdlib.h>

#include "base/err.h"
#include "ca/import/layout.h"
#include "ca/order.h"

static int try_one(struct hf_authority *a, int64_t now, struct hf_err *err)
{
	HF_AUTO_DONE(hf_order) order = { .profile = hf_ca_profile_find("client"),
					 .lifetime = 3600 };
	HF_AUTO(hf_cert) cert = NULL;
	const struct hf_sans none = HF_SANS_INIT;
	int rc = hf_order_for_name(&order, "import-trial.invalid", NULL, &none, err);

	if (rc == 0)
		rc = hf_key_generate(HF_KEY_P256, &order.key, err);
	if (rc == 0)
		rc = hf_order_check(a, &order, now, err);
	return rc < 0 ? rc : hf_issue_try(a, &order, now, &cert, err);
}

int hf_import_try(struct hf_import_tree *tree, struct hf_err *err)
{
	HF_AUTO(hf_authority) a = calloc(1, sizeof(*a));
	struct hf_err why = HF_ERR_INIT;
	struct hf_ca *ca;
	int rc;

	if (!a)
		return hf_err_nomem(err);
	if (!tree->key)
		return 0;
	a->single = tree->root == NULL;
	ca = hf_authority_issuer(a);
	a->root.cert = hf_cert_ref(tree->root ? tree->root : tree->ca);
	a->issuing.cert = tree->root ? hf_cert_ref(tree->ca) : NULL;
	if (!EVP_PKEY_up_ref(tree->key))
		return hf_err_nomem(err);
	ca->key = tree->key;
	rc = hf_authority_make_trust(a, err);
	if (rc < 0)
		return rc;
	rc = try_one(a, tree->now, &why);
	if (rc == -HF_E_POLICY)
		return hf_import_find(&tree->findings, HF_IMPORT_ISSUING_REFUSED, err, "%s",
				      why.msg);
	return 0;
}
