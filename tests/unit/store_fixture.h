/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger in a folder that is thrown away: for tests of src/ca/store. */
#ifndef HF_TESTS_STORE_FIXTURE_H
#define HF_TESTS_STORE_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>

#include "remove_tree.h"

#include "base/err.h"
#include "ca/store/store.h"

enum { NOW = 1800000000, DAY = 86400 };

struct place {
	char dir[64], path[128];
	/* by setup_with_ledger only: */
	struct hf_store *store;
	int64_t issuer;
	unsigned serials; /* how many the test has used */
};

static struct hf_store *open_ledger(const struct place *p, bool create)
{
	const struct hf_store_options options = { .create = create, .now = NOW, .actor = "tester" };
	struct hf_store *store = NULL;
	struct hf_err err = HF_ERR_INIT;
	int rc = hf_store_open(p->path, &options, &store, &err);

	if (rc < 0)
		print_error("%s\n", err.msg);
	assert_int_equal(rc, 0);
	return store;
}

static int64_t issuer_of(struct hf_store *store)
{
	const uint8_t spki[HF_STORE_SHA256_LEN] = { 1 };
	struct hf_err err = HF_ERR_INIT;
	int64_t id = 0;

	assert_int_equal(hf_store_issuer(store, spki, "issuing", NOW, &id, &err), 0);
	return id;
}

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	(void)snprintf(p->dir, sizeof(p->dir), "/tmp/hf-store-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	(void)snprintf(p->path, sizeof(p->path), "%s/ca.db", p->dir);
	*state = p;
	return 0;
}

HF_UNUSED static int setup_with_ledger(void **state)
{
	struct place *p;

	(void)setup(state);
	p = *state;
	p->store = open_ledger(p, true);
	p->issuer = issuer_of(p->store);
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	hf_store_close(p->store);
	remove_tree(p->dir);
	free(p);
	return 0;
}

#endif
