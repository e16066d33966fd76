/* SPDX-License-Identifier: Apache-2.0 */
/* The server_name extension as a client sent it, and the look-up of what stands there. */
#include <stdlib.h>
#include <string.h>

#include "tls/context.h"
#include "tls/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int64_t now(void *arg)
{
	(void)arg;
	return 0;
}

static struct hf_tls_context *context_new(void)
{
	/* A client's: it needs no certificate. */
	static const struct hf_tls_config config = { .role = HF_TLS_CLIENT, .now = now };
	struct hf_tls_context *context = NULL;

	return hf_tls_context_new(&config, &context, NULL) < 0 ? NULL : context;
}

static struct hf_tls_names *names_new(struct hf_tls_context *context)
{
	const struct hf_tls_name items[] = { { "open.test", context }, { "*.open.test", context } };
	struct hf_tls_names *names = NULL;

	return hf_tls_names_new(items, 2, &names, NULL) < 0 ? NULL : names;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct hf_tls_context *context;
	static struct hf_tls_names *names;
	const char *name = NULL;
	size_t len = 0;

	if (context == NULL)
		context = context_new();
	if (context != NULL && names == NULL)
		names = names_new(context);
	if (!hf_tls_hello_name(data, size, &name, &len) || names == NULL)
		return 0;
	/* Inside of the input, without NUL; and what it leads to asks for an ending that it has. */
	if (name < (const char *)data || name + len != (const char *)data + size ||
	    memchr(name, 0, len) != NULL)
		abort();
	if (hf_tls_names_find(names, name, len) != NULL && len < strlen("open.test"))
		abort();
	return 0;
}
