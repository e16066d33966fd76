/* SPDX-License-Identifier: Apache-2.0 */
/* Active health checks: how services are looked at, and in shared memory what came of it.  One
 * worker looks, all go by it; a service that is out gets no requests until it is back. */
#ifndef HF_GATEWAY_HEALTH_H
#define HF_GATEWAY_HEALTH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "gateway/pages.h"

struct hf_gateway_config;
struct hf_gateway_parts;
struct hf_forwarder;

enum { HF_HEALTH_EXPECT_CAP = 8, HF_HEALTH_WHY_CAP = 128, HF_HEALTH_PATH_CAP = 256 };
enum { HF_HEALTH_ROWS_CAP = 1024 }; /* services */

/* How a service is looked at. */
struct hf_health {
	char path[HF_HEALTH_PATH_CAP]; /* asked for with GET; "": a connection is enough */
	struct {
		int from, to;
	} expect[HF_HEALTH_EXPECT_CAP]; /* statuses that are good */
	size_t expect_len;
	uint64_t interval_ms; /* 0: it is not looked at */
	uint64_t timeout_ms;
	unsigned rise, fall; /* how many in a row bring it back, and put it out */
};

/* "200", "200-299,404"; anything else is -HF_E_INVALID. */
int hf_health_expect(const char *text, struct hf_health *health, struct hf_err *err);
bool hf_health_expects(const struct hf_health *health, int status);

enum hf_health_why {
	HF_HEALTH_FINE,
	HF_HEALTH_NO_CONNECTION, /* detail: errno, 0 unknown */
	HF_HEALTH_TIMEOUT,
	HF_HEALTH_STATUS, /* detail: the status that came */
	HF_HEALTH_NO_ANSWER,
};

/* Of one service; written by the process that looks. */
struct hf_health_row {
	_Atomic bool out;
	_Atomic int64_t since, looked_at; /* Unix seconds; 0: not yet */
	_Atomic uint64_t looks, failures;
	_Atomic int why, detail; /* of the last look: enum hf_health_why */
};

/* A row for each service: those of the routes in their order, then those for the rest. */
struct hf_health_board {
	_Alignas(HF_PAGES_ROW) struct hf_health_row rows[HF_HEALTH_ROWS_CAP];
};

/* Maps it on pages for children to come, which the caller ends (pages.h); 0 with NULL and no pages
 * when there are no services.  -HF_E_LIMIT beyond HF_HEALTH_ROWS_CAP of them, -HF_E_NOMEM. */
int hf_health_board_map(const struct hf_gateway_config *config, struct hf_pages *ret_pages,
			struct hf_health_board **ret_board, struct hf_err *err);

/* Whose row it is: borrowed of config, and of the parts of the generation in force.  false: there
 * is no such row. */
struct hf_health_place {
	const char *route; /* NULL: for the rest */
	const char *upstream;
	const struct hf_health *health;
};
bool hf_health_place(const struct hf_gateway_config *config, const struct hf_gateway_parts *parts,
		     size_t index, struct hf_health_place *ret_place);

/* "status 503", "no connection: Connection refused"; "" when all is well. */
void hf_health_why(enum hf_health_why why, int detail, char text[HF_HEALTH_WHY_CAP]);
/* "upstreams": [{"route", "upstream", "state", …}] */
void hf_health_to_json(const struct hf_gateway_config *config,
		       const struct hf_gateway_parts *parts, struct hf_json *j);

/* --- looking (health_check.c) --- */

struct hf_health_checks;
/* For the services of a forwarder, which outlives it; looks at none yet. */
int hf_health_checks_new(struct hf_forwarder *forwarder, struct hf_health_checks **ret_checks,
			 struct hf_err *err);
/* Looks at them as a generation says, from now on.  What has changed is looked at at once; what is
 * no longer looked at is in.  NULL-safe. */
void hf_health_checks_follow(struct hf_health_checks *checks, const struct hf_gateway_parts *parts);
/* Before the loop is freed; NULL-safe. */
void hf_health_checks_free(struct hf_health_checks *checks);

#endif
