/* SPDX-License-Identifier: Apache-2.0 */
/* src/gateway/health.c: which statuses are good, whose row is which, what is said of a look. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/macros.h"
#include "gateway/gateway.h"

static const struct {
	const char *text;
	int good, bad; /* 0: the text is refused */
} expects[] = {
	{ "200", 200, 201 },
	{ "200-299", 299, 300 },
	{ "200-299,404", 404, 403 },
	{ "599", 599, 598 },
	{ "200,201,202,203,204,205,206,207", 207, 208 },
	{ "200,201,202,203,204,205,206,207,208", 0, 0 },
	{ "", 0, 0 },
	{ ",", 0, 0 },
	{ "200,", 0, 0 },
	{ "20", 0, 0 },
	{ "2000", 0, 0 },
	{ "2xx", 0, 0 },
	{ "199", 0, 0 },
	{ "600", 0, 0 },
	{ "200-", 0, 0 },
	{ "200-20", 0, 0 },
	{ "299-200", 0, 0 },
	{ "200-299-300", 0, 0 },
	{ " 200", 0, 0 },
	{ "200 ", 0, 0 },
};

static void expected_statuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(expects); i++) {
		struct hf_health health = { 0 };
		struct hf_err err = HF_ERR_INIT;
		int rc = hf_health_expect(expects[i].text, &health, &err);

		if (expects[i].good == 0) {
			assert_int_equal(rc, -HF_E_INVALID);
			assert_non_null(strstr(err.msg, "--health-expect"));
			continue;
		}
		assert_int_equal(rc, 0);
		assert_true(hf_health_expects(&health, expects[i].good));
		assert_false(hf_health_expects(&health, expects[i].bad));
		assert_false(hf_health_expects(&health, 101));
	}
}

static char a[] = "http://a", b[] = "http://b", c[] = "http://c";
static char r[] = "r", s[] = "s";
static char *both[] = { a, b, NULL };
static char *alone[] = { c, NULL };
static struct hf_strv two = { .items = both, .len = 2 };

static void rows_are_of_routes_then_of_the_rest(void **state)
{
	struct hf_route routes[] = { { .name = r, .to = { .items = alone, .len = 1 } },
				     { .name = s, .to = { .items = both, .len = 2 } } };
	const struct hf_routes list = { routes, 2 };
	struct hf_gateway_config config = { .upstream = { .to = &two, .routes = &list } };
	const char *const names[] = { "r", "s", "s", NULL, NULL };
	const char *const services[] = { "http://c", "http://a", "http://b", "http://a",
					 "http://b" };
	static const size_t of[] = { 0, 1, 1, 2, 2 };
	struct hf_health health[3] = { { .rise = 1 }, { .rise = 2 }, { .rise = 3 } };
	const struct hf_gateway_parts parts = { .health = health };
	struct hf_pages pages = { 0 };
	struct hf_health_board *board = NULL;
	struct hf_health_place place;

	(void)state;
	for (size_t i = 0; i < HF_ARRAY_LEN(names); i++) {
		assert_true(hf_health_place(&config, &parts, i, &place));
		assert_ptr_equal(place.health, &health[of[i]]);
		assert_true(hf_str_eq(place.route, names[i]));
		assert_string_equal(place.upstream, services[i]);
	}
	assert_false(hf_health_place(&config, &parts, HF_ARRAY_LEN(names), &place));
	assert_int_equal(hf_health_board_map(&config, &pages, &board, NULL), 0);
	assert_false(board->rows[4].out);
	hf_pages_done(&pages);
}

static void without_services_there_is_no_board(void **state)
{
	const struct hf_gateway_config config = { .workers = 1 };
	struct hf_pages pages = { 0 };
	struct hf_health_board *board = NULL;

	(void)state;
	assert_int_equal(hf_health_board_map(&config, &pages, &board, NULL), 0);
	assert_null(board);
	hf_pages_done(&pages);
}

static void every_reason_has_a_text(void **state)
{
	char text[HF_HEALTH_WHY_CAP];

	(void)state;
	hf_health_why(HF_HEALTH_FINE, 0, text);
	assert_string_equal(text, "");
	hf_health_why(HF_HEALTH_STATUS, 503, text);
	assert_string_equal(text, "status 503");
	hf_health_why(HF_HEALTH_NO_CONNECTION, ECONNREFUSED, text);
	assert_string_equal(text, "no connection: Connection refused");
	hf_health_why(HF_HEALTH_NO_CONNECTION, 0, text);
	assert_string_equal(text, "no connection");
	hf_health_why(HF_HEALTH_TIMEOUT, 0, text);
	assert_string_equal(text, "no answer in time");
	hf_health_why(HF_HEALTH_NO_ANSWER, 0, text);
	assert_string_equal(text, "no valid answer");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expected_statuses),
		cmocka_unit_test(rows_are_of_routes_then_of_the_rest),
		cmocka_unit_test(without_services_there_is_no_board),
		cmocka_unit_test(every_reason_has_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
