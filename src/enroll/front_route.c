/* SPDX-License-Identifier: Apache-2.0 */
/* Which of several authorities a request is for.  Must never send what was meant for one to
 * another: a label that nobody has is nothing, and stays in the path. */
#include <stdio.h>
#include <string.h>

#include "enroll/service_internal.h"

static const char est[] = "/.well-known/est/";

enum { LABEL_CAP = 40 };

/* No label may be an operation of EST (RFC 7030 3.2.2), nor a first word of our own paths. */
static const char *const words[] = {
	"admin",    "ca",      "crl",	       "enroll",	 "health",
	"metrics",  "ocsp",    "renew",	       "revocations",	 "cacerts",
	"csrattrs", "fullcmc", "simpleenroll", "simplereenroll", "serverkeygen",
};

bool hf_service_label_valid(const char *label)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	size_t len = strlen(label);

	for (size_t i = 0; i < HF_ARRAY_LEN(words); i++) {
		if (strcmp(label, words[i]) == 0)
			return false;
	}
	return len > 0 && len < LABEL_CAP && label[strspn(label, allowed)] == '\0';
}

/* The service whose label stands at the start of `text`, followed by '/'. */
static struct hf_service *labelled(const struct hf_front *front, struct hf_slice text)
{
	const char *end = text.len > 0 ? memchr(text.data, '/', text.len) : NULL;
	struct hf_slice word = { text.data, end ? (size_t)(end - text.data) : 0 };

	for (size_t i = 0; end && i < front->services_len; i++) {
		const char *label = front->services[i]->own->label;

		if (label && hf_slice_is(word, label))
			return front->services[i];
	}
	return NULL;
}

static bool route_est(const struct hf_front *front, struct hf_slice path, struct hf_target *target)
{
	size_t skip = sizeof(est) - 1;
	struct hf_slice rest = { path.data + skip, path.len - skip };
	struct hf_service *service = labelled(front, rest);
	int len;

	if (!service)
		return false;
	skip = strlen(service->own->label) + 1;
	len = snprintf(target->text, sizeof(target->text), "%s%.*s", est,
		       (int)HF_MIN(rest.len - skip, sizeof(target->text)), rest.data + skip);
	if (len < 0 || (size_t)len >= sizeof(target->text))
		return false;
	target->service = service;
	target->path = (struct hf_slice){ target->text, (size_t)len };
	return true;
}

static void route_path(const struct hf_front *front, struct hf_target *target)
{
	struct hf_slice rest = { target->path.data + 1, target->path.len - 1 };
	struct hf_service *service = labelled(front, rest);

	if (!service)
		return;
	target->service = service;
	target->path.data += strlen(service->own->label) + 1;
	target->path.len -= strlen(service->own->label) + 1;
}

void hf_front_route(struct hf_front *front, const struct hf_http_request *request,
		    struct hf_target *target)
{
	const struct hf_tls_conn *tls = hf_conn_tls(request->conn); /* NULL: plain HTTP */

	target->service = front->services[tls ? hf_tls_conn_tag(tls) : 0];
	target->path = hf_http_text(request->head, request->head->path);
	if (hf_slice_starts(target->path, est))
		(void)route_est(front, target->path, target);
	else if (target->path.len > 0)
		route_path(front, target);
}
