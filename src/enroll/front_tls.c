/* SPDX-License-Identifier: Apache-2.0 */
/* The contexts of all authorities: each has its own certificate and trust, and is met by those who
 * ask for one of its names.  Must never judge a client of one under the trust of another. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "enroll/service_internal.h"
#include "pki/san.h"
#include "util/clock.h"

/* The names that the others are asked for by. */
struct names {
	struct hf_tls_name *items;
	size_t len;
};

static bool is_host_name(const char *name)
{
	uint8_t raw[16];
	size_t len;

	return !hf_ip_parse(name, raw, &len) && hf_dns_name_valid(name, strlen(name), false);
}

/* Addresses are never asked for (RFC 6066 3): who comes by one meets the first. */
static int add_names(struct names *names, const struct hf_strv *hosts,
		     struct hf_tls_context *context, struct hf_err *err)
{
	struct hf_tls_name *grown =
	    realloc(names->items, (names->len + hosts->len + 1) * sizeof(*grown));

	if (!grown)
		return hf_err_nomem(err);
	names->items = grown;
	for (size_t i = 0; i < hosts->len; i++) {
		if (is_host_name(hosts->items[i]))
			names->items[names->len++] =
			    (struct hf_tls_name){ hosts->items[i], context };
	}
	return 0;
}

static int make_one(const struct hf_service *service, const struct names *names,
		    struct hf_peers *peers, struct hf_tls_context **ret_context, struct hf_err *err)
{
	const struct hf_tls_config config = {
		.role = HF_TLS_SERVER,
		.credential = service->credential,
		.trust = service->authority->trust,
		/* asked for, and demanded by the routes that need one */
		.client_auth = HF_CLIENT_AUTH_REPORT,
		.tls_min = HF_TLS_1_2, /* EST clients: RFC 8996, RFC 7030 3.3.1 */
		.now = hf_clock_for_tls,
		.scope = service->own->label,
		.tag = service->index,
		.names = names ? names->items : NULL,
		.names_len = names ? names->len : 0,
		.peers = peers,
	};

	return hf_tls_context_new(&config, ret_context, err);
}

/* The last first: the first needs the others' for its names. */
static int make_all(struct hf_front *front, struct hf_tls_context **fresh, struct names *names,
		    struct hf_err *err)
{
	int rc = 0;

	for (size_t i = front->services_len; rc == 0 && i-- > 0;) {
		struct hf_service *service = front->services[i];
		struct hf_tls_context *made = i + 1 < front->services_len ? fresh[i + 1] : NULL;

		rc = make_one(service, i == 0 ? names : NULL,
			      made ? hf_tls_context_peers(made) : NULL, &fresh[i], err);
		if (rc == 0 && i > 0)
			rc = add_names(names, service->own->names, fresh[i], err);
	}
	return rc;
}

int hf_front_make_contexts(struct hf_front *front, struct hf_err *err)
{
	struct hf_tls_context **fresh =
	    calloc(front->services_len, sizeof(struct hf_tls_context *));
	struct names names = { NULL, 0 };
	int rc = fresh ? make_all(front, fresh, &names, err) : hf_err_nomem(err);

	for (size_t i = 0; fresh && i < front->services_len; i++) {
		struct hf_service *service = front->services[i];
		struct hf_tls_context *old = rc == 0 ? service->tls : fresh[i];

		if (rc == 0)
			service->tls = fresh[i];
		hf_tls_context_unref(old);
	}
	free(names.items);
	free(fresh);
	return rc;
}
