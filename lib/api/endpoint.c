/* SPDX-License-Identifier: Apache-2.0 */
/* The public endpoints and connections: a thin layer over lib/tls.  Must never open, poll or close
 * a socket of the caller. */
#include <stdlib.h>

#include <handfast/handfast.h>

#include "api/config.h"
#include "base/err.h"
#include "tls/conn.h"
#include "tls/context.h"

struct hf_endpoint {
	struct hf_tls_context *context;
};

struct hf_connection {
	struct hf_tls_conn *tls;
};

/* What both roles share; what differs is filled in by the caller. */
static int make_endpoint(const struct hf_config *config, struct hf_tls_config *tls,
			 struct hf_endpoint **ret_endpoint, struct hf_err *err)
{
	HF_AUTO(hf_trust) trust = NULL;
	struct hf_endpoint *endpoint;
	int rc;

	if (!tls->now)
		return hf_err_set(err, HF_E_INVALID, "an endpoint needs a clock");
	rc = hf_config_load_trust(config, &trust, err);
	if (rc < 0)
		return rc;
	endpoint = calloc(1, sizeof(*endpoint));
	if (!endpoint)
		return hf_err_nomem(err);
	tls->credential = config->credential;
	tls->trust = trust;
	tls->rules = config->rules;
	tls->profile = config->strict ? HF_PROFILE_STRICT : HF_PROFILE_OPENSSL;
	tls->compat_cn = config->compat_cn;
	rc = hf_tls_context_new(tls, &endpoint->context, err);
	if (rc < 0) {
		hf_endpoint_free(endpoint);
		return rc;
	}
	*ret_endpoint = endpoint;
	return 0;
}

int hf_endpoint_new_server(const struct hf_config *config, int64_t (*now)(void *arg), void *arg,
			   struct hf_endpoint **ret_endpoint, struct hf_err *err)
{
	struct hf_tls_config tls = {
		.role = HF_TLS_SERVER,
		.client_auth = HF_CLIENT_AUTH_REQUIRE,
		.now = now,
		.now_arg = arg,
	};

	if (!config->rules) {
		(void)hf_err_set(err, HF_E_INVALID,
				 "a server needs a rule: nobody would be let in");
		return hf_err_hint(err,
				   "call hf_config_allow; the rule 'any' admits every valid chain");
	}
	return make_endpoint(config, &tls, ret_endpoint, err);
}

int hf_endpoint_new_client(const struct hf_config *config, const char *server_name,
			   int64_t (*now)(void *arg), void *arg, struct hf_endpoint **ret_endpoint,
			   struct hf_err *err)
{
	struct hf_tls_config tls = {
		.role = HF_TLS_CLIENT,
		.server_name = server_name,
		.verify_name = server_name,
		.now = now,
		.now_arg = arg,
	};

	if (!server_name || !server_name[0])
		return hf_err_set(err, HF_E_INVALID, "a client must name the server it means");
	return make_endpoint(config, &tls, ret_endpoint, err);
}

void hf_endpoint_free(struct hf_endpoint *endpoint)
{
	if (!endpoint)
		return;
	hf_tls_context_unref(endpoint->context);
	free(endpoint);
}

int hf_connection_new(struct hf_endpoint *endpoint, int fd, struct hf_connection **ret_connection,
		      struct hf_err *err)
{
	struct hf_connection *connection = calloc(1, sizeof(*connection));
	int rc;

	if (!connection)
		return hf_err_nomem(err);
	rc = hf_tls_conn_new(endpoint->context, fd, NULL, &connection->tls, err);
	if (rc < 0) {
		free(connection);
		return rc;
	}
	*ret_connection = connection;
	return 0;
}

void hf_connection_free(struct hf_connection *connection)
{
	if (!connection)
		return;
	hf_tls_conn_free(connection->tls);
	free(connection);
}

/* A refusal by either side is an answer; a broken network is a failure. */
static int progress(const struct hf_connection *connection, enum hf_tls_step step,
		    struct hf_err *err)
{
	static const int answers[] = {
		[HF_TLS_DONE] = HF_PROGRESS_DONE,
		[HF_TLS_WANT_READ] = HF_PROGRESS_WANT_READ,
		[HF_TLS_WANT_WRITE] = HF_PROGRESS_WANT_WRITE,
		[HF_TLS_WANT_STATUS] =
		    HF_PROGRESS_WANT_READ, /* no endpoint has a source of status */
		[HF_TLS_CLOSED] = HF_PROGRESS_CLOSED,
	};
	const struct hf_tls_failure *failure;

	if (step != HF_TLS_FAILED)
		return answers[step];
	failure = hf_tls_conn_failure(connection->tls);
	if (failure->refused_by != HF_JUDGE_NOBODY)
		return HF_PROGRESS_REFUSED;
	return hf_err_set(err, failure->sys_errno ? HF_E_IO : HF_E_CLOSED, "%s", failure->text);
}

int hf_connection_handshake(struct hf_connection *connection, struct hf_err *err)
{
	return progress(connection, hf_tls_conn_handshake(connection->tls), err);
}

int hf_connection_read(struct hf_connection *connection, void *data, size_t cap, size_t *ret_len,
		       struct hf_err *err)
{
	return progress(connection, hf_tls_conn_read(connection->tls, data, cap, ret_len), err);
}

int hf_connection_write(struct hf_connection *connection, const void *data, size_t len,
			size_t *ret_len, struct hf_err *err)
{
	return progress(connection, hf_tls_conn_write(connection->tls, data, len, ret_len), err);
}

int hf_connection_close(struct hf_connection *connection, struct hf_err *err)
{
	return progress(connection, hf_tls_conn_shutdown(connection->tls), err);
}

const struct hf_verdict *hf_connection_verdict(const struct hf_connection *connection)
{
	return hf_tls_conn_verdict(connection->tls);
}

int hf_connection_alert_received(const struct hf_connection *connection)
{
	struct hf_tls_info info;

	hf_tls_conn_info(connection->tls, &info);
	return info.alert_received > 0 ? info.alert_received : 0;
}
