/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of the services' health.  Must never call a service out that nobody has looked at.
 */
#include "gateway/health.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/gateway.h"

/* --- which answers are good --- */

static bool read_status(const char **at, int *ret_status)
{
	const char *s = *at;
	int status = 0;

	for (int i = 0; i < 3; i++, s++) {
		if (*s < '0' || *s > '9')
			return false;
		status = 10 * status + (*s - '0');
	}
	*at = s;
	*ret_status = status;
	return status >= 200 && status <= 599;
}

static bool read_range(const char **at, int *ret_from, int *ret_to)
{
	if (!read_status(at, ret_from))
		return false;
	*ret_to = *ret_from;
	if (**at != '-')
		return true;
	(*at)++;
	return read_status(at, ret_to) && *ret_from <= *ret_to;
}

int hf_health_expect(const char *text, struct hf_health *health, struct hf_err *err)
{
	const char *at = text;
	size_t len = 0;

	while (len < HF_HEALTH_EXPECT_CAP &&
	       read_range(&at, &health->expect[len].from, &health->expect[len].to)) {
		health->expect_len = ++len;
		if (*at == '\0')
			return 0;
		if (*at++ != ',')
			break;
	}
	(void)hf_err_set(err, HF_E_INVALID, "--health-expect does not know '%s'", text);
	return hf_err_hint(err,
			   "statuses from 200 to 599 and ranges of them, up to %d: 200-299,404",
			   HF_HEALTH_EXPECT_CAP);
}

bool hf_health_expects(const struct hf_health *health, int status)
{
	for (size_t i = 0; i < health->expect_len; i++)
		if (status >= health->expect[i].from && status <= health->expect[i].to)
			return true;
	return false;
}

/* --- the rows --- */

bool hf_health_place(const struct hf_gateway_config *config, const struct hf_gateway_parts *parts,
		     size_t index, struct hf_health_place *ret_place)
{
	const struct hf_upstream_config *upstream = &config->upstream;
	size_t routes = upstream->routes != NULL ? upstream->routes->len : 0;

	for (size_t i = 0; i < routes; i++) {
		const struct hf_route *route = &upstream->routes->items[i];

		if (index < route->to.len) {
			*ret_place = (struct hf_health_place){ route->name, route->to.items[index],
							       &parts->health[i] };
			return true;
		}
		index -= route->to.len;
	}
	if (upstream->to == NULL || index >= upstream->to->len)
		return false;
	*ret_place =
	    (struct hf_health_place){ NULL, upstream->to->items[index], &parts->health[routes] };
	return true;
}

static size_t services(const struct hf_gateway_config *config)
{
	const struct hf_upstream_config *upstream = &config->upstream;
	size_t len = upstream->to != NULL ? upstream->to->len : 0;

	for (size_t i = 0; upstream->routes != NULL && i < upstream->routes->len; i++)
		len += upstream->routes->items[i].to.len;
	return len;
}

int hf_health_board_map(const struct hf_gateway_config *config, struct hf_pages *ret_pages,
			struct hf_health_board **ret_board, struct hf_err *err)
{
	size_t len = services(config);
	int rc;

	*ret_board = NULL;
	if (len == 0)
		return 0;
	if (len > HF_HEALTH_ROWS_CAP)
		return hf_err_set(err, HF_E_LIMIT, "%zu services behind; %d at most", len,
				  HF_HEALTH_ROWS_CAP);
	rc = hf_pages_map(1, sizeof(**ret_board), ret_pages, err);
	if (rc == 0)
		*ret_board = (void *)ret_pages->at;
	return rc;
}

/* --- telling --- */

void hf_health_why(enum hf_health_why why, int detail, char text[HF_HEALTH_WHY_CAP])
{
	static const char *const texts[] = {
		[HF_HEALTH_FINE] = "",
		[HF_HEALTH_NO_CONNECTION] = "no connection",
		[HF_HEALTH_TIMEOUT] = "no answer in time",
		[HF_HEALTH_STATUS] = "status",
		[HF_HEALTH_NO_ANSWER] = "no valid answer",
	};

	if (why == HF_HEALTH_STATUS)
		(void)snprintf(text, HF_HEALTH_WHY_CAP, "%s %d", texts[why], detail);
	else if (detail != 0)
		(void)snprintf(text, HF_HEALTH_WHY_CAP, "%s: %s", texts[why], strerror(detail));
	else
		(void)hf_str_copy(text, HF_HEALTH_WHY_CAP, texts[why]);
}

static void write_row(const struct hf_health_place *place, struct hf_health_row *row,
		      struct hf_json *j)
{
	bool looked_at = place->health->interval_ms > 0;
	char why[HF_HEALTH_WHY_CAP];

	hf_json_object_begin(j, NULL);
	hf_json_string(j, "route", place->route);
	hf_json_string(j, "upstream", place->upstream);
	hf_json_string(j, "state", !looked_at ? "unchecked" : row->out ? "out" : "in");
	if (looked_at && row->looked_at > 0) {
		hf_health_why((enum hf_health_why)row->why, row->detail, why);
		if (row->since > 0)
			hf_json_time(j, "since", row->since);
		hf_json_time(j, "checked_at", row->looked_at);
		hf_json_int(j, "checks", (int64_t)row->looks);
		hf_json_int(j, "failed", (int64_t)row->failures);
		hf_json_string(j, "why", why[0] ? why : NULL);
	}
	hf_json_object_end(j);
}

void hf_health_to_json(const struct hf_gateway_config *config, const struct hf_gateway_parts *parts,
		       struct hf_json *j)
{
	struct hf_health_place place;

	hf_json_array_begin(j, "upstreams");
	for (size_t i = 0; hf_health_place(config, parts, i, &place); i++)
		write_row(&place, &config->health->rows[i], j);
	hf_json_array_end(j);
}
