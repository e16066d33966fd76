/* SPDX-License-Identifier: Apache-2.0 */
/* An authority in a folder that is thrown away: for tests of src/ca and of what stands on it. */
#ifndef HF_TESTS_CA_FIXTURE_H
#define HF_TESTS_CA_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "remove_tree.h"

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "ca/init.h"
#include "ca/permit.h"

enum { NOW = 1800000000 };

static int setup(void **state)
{
	char *home = hf_str_dup("/tmp/hf-ca-XXXXXX");

	assert_non_null(mkdtemp(home));
	*state = home;
	return 0;
}

static int teardown(void **state)
{
	remove_tree(*state);
	free(*state);
	return 0;
}

static int found(const char *home, const char *permit, bool single, bool force, struct hf_err *err)
{
	HF_AUTO(NAME_CONSTRAINTS) nc = NULL;
	HF_AUTO_DONE(hf_init_result) result = { .root = NULL };
	struct hf_init_options o = { .home = home,
				     .name = "ABC Inc.",
				     .key_type = HF_KEY_P256,
				     .single = single,
				     .force = force,
				     .now = NOW };

	if (permit)
		assert_int_equal(hf_permit_parse(permit, &nc, err), 0);
	o.permit = nc;
	return hf_authority_init(&o, &result, err);
}

static struct hf_authority *open_at(const char *home)
{
	struct hf_authority_options o = { .now = NOW, .actor = "tester" };
	struct hf_authority *a = NULL;
	struct hf_err err = HF_ERR_INIT;

	if (hf_authority_open(home, &o, &a, &err) < 0)
		fail_msg("%s", err.msg);
	return a;
}

#endif
