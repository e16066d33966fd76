/* SPDX-License-Identifier: Apache-2.0 */
/* lib/api/config: what a caller sets is what its trust has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/config.h"
#include "base/err.h"
#include "base/macros.h"

static int64_t grace_with(int64_t seconds)
{
	HF_AUTO(hf_trust) trust = NULL;
	struct hf_config *config = NULL;
	struct hf_err err = HF_ERR_INIT;
	int64_t grace;

	assert_int_equal(hf_config_new(&config, &err), 0);
	if (seconds >= 0)
		hf_config_set_crl_grace(config, seconds);
	assert_int_equal(hf_config_load_trust(config, &trust, &err), 0);
	grace = hf_trust_crl_grace(trust);
	hf_config_free(config);
	return grace;
}

static void test_grace_of_lists_is_none_unless_asked_for(void **state)
{
	(void)state;
	assert_int_equal(grace_with(-1), 0);
	assert_int_equal(grace_with(3600), 3600);
}

static void test_grace_of_lists_stays_in_its_bounds(void **state)
{
	struct hf_config *config = NULL;
	struct hf_err err = HF_ERR_INIT;

	(void)state;
	assert_int_equal(grace_with(INT64_MAX), HF_CRL_GRACE_MAX);
	assert_int_equal(hf_config_new(&config, &err), 0);
	hf_config_set_crl_grace(config, INT64_MIN);
	assert_int_equal(config->crl_grace, 0);
	hf_config_free(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grace_of_lists_is_none_unless_asked_for),
		cmocka_unit_test(test_grace_of_lists_stays_in_its_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
