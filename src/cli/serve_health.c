/* SPDX-License-Identifier: Apache-2.0 */
/* Health checks of the services behind: options, and what the gateway gets from them. */
#include <string.h>

#include "base/err.h"
#include "cli/serve.h"
#include "gateway/target.h"
#include "http/chars.h"

#define AT(field) offsetof(struct hf_health_opts, field)

const struct hf_option hf_health_options[] = {
	{ .name = "health",
	  .kind = HF_OPT_STRING,
	  .offset = AT(check),
	  .arg = "PATH",
	  .initial = "off",
	  .help =
	      "look at the services now and then: ask for this path (GET /healthz), or connect "
	      "to open a connection only; one that is out of order gets no requests until it is "
	      "back, and when all are the answer is 503; off: only what fails counts" },
	{ .name = "health-expect",
	  .kind = HF_OPT_STRING,
	  .offset = AT(expect),
	  .arg = "STATUS",
	  .initial = "200-299",
	  .help = "statuses that are good: 200-299,404" },
	{ .name = "health-interval",
	  .kind = HF_OPT_DURATION,
	  .offset = AT(interval),
	  .arg = "SECONDS",
	  .initial = "5",
	  .min = 1,
	  .max = 86400,
	  .help = "between the end of a look and the next, a tenth more or less" },
	{ .name = "health-timeout",
	  .kind = HF_OPT_DURATION,
	  .offset = AT(timeout),
	  .arg = "SECONDS",
	  .initial = "2",
	  .min = 1,
	  .max = 3600,
	  .help = "for a look, from connecting to the last byte" },
	{ .name = "health-rise",
	  .kind = HF_OPT_INT,
	  .offset = AT(rise),
	  .arg = "N",
	  .initial = "2",
	  .min = 1,
	  .max = 1000,
	  .help = "good looks in a row that bring a service back" },
	{ .name = "health-fall",
	  .kind = HF_OPT_INT,
	  .offset = AT(fall),
	  .arg = "N",
	  .initial = "3",
	  .min = 1,
	  .max = 1000,
	  .help = "bad looks in a row that put it out; the very first decides alone" },
	{ .name = NULL },
};

static const struct hf_option_group groups[] = { { "Health checks", hf_health_options, 0 },
						 { NULL, NULL, 0 } };

static bool is_path(const char *text)
{
	size_t len = strlen(text);

	return text[0] == '/' && len < HF_HEALTH_PATH_CAP && strchr(text, '#') == NULL &&
	       hf_http_all(text, len, HF_CHAR_TARGET) && hf_http_percent_ok(text, len);
}

int hf_serve_health(const struct hf_health_opts *opts, struct hf_health *ret_health,
		    struct hf_err *err)
{
	bool connect = hf_str_eq(opts->check, "connect");

	memset(ret_health, 0, sizeof(*ret_health));
	/* NULL: a tunnel has no services */
	if (opts->check == NULL || strcmp(opts->check, "off") == 0)
		return 0;
	if (!connect && !is_path(opts->check)) {
		(void)hf_err_set(err, HF_E_INVALID, "--health does not know '%s'", opts->check);
		return hf_err_hint(err, "a path at the service (/healthz), connect, or off");
	}
	if (!connect)
		(void)hf_str_copy(ret_health->path, sizeof(ret_health->path), opts->check);
	ret_health->interval_ms = (uint64_t)opts->interval * 1000;
	ret_health->timeout_ms = (uint64_t)opts->timeout * 1000;
	ret_health->rise = (unsigned)opts->rise;
	ret_health->fall = (unsigned)opts->fall;
	return hf_health_expect(opts->expect, ret_health, err);
}

int hf_serve_route_health(const struct hf_health_opts *all, struct hf_route *route,
			  struct hf_err *err)
{
	struct hf_health_opts own = *all;
	const struct hf_option_set set = { groups, &own };
	HF_AUTO_DONE(hf_strv) rest = HF_STRV_INIT;
	int rc = hf_options_parse(&set, 1, (int)route->health_args.len, route->health_args.items,
				  &rest, err);

	if (rc == 0)
		rc = hf_serve_health(&own, &route->health, err);
	return rc < 0 ? hf_err_context(err, rc, "%s", route->name) : 0;
}
