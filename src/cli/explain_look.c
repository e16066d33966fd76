/* SPDX-License-Identifier: Apache-2.0 */
/* explain HOST:PORT: the connections.  Must never make one that the case does not count. */
#include <string.h>

#include "base/err.h"
#include "cli/explain_meeting.h"
#include "cli/observe.h"
#include "probe/look.h"

int explain_look_prepare(struct explain_meeting *m)
{
	char host[HF_HOST_CAP];
	int port = m->url.port, rc = 0;

	(void)hf_str_copy(host, sizeof(host), m->url.host);
	if (m->opts->connect)
		rc = hf_hostport_parse(m->opts->connect, port, host, &port, &m->ctx->err);
	if (rc == 0)
		rc = hf_cli_way(&m->opts->via, host, port, &m->via, m->addresses, &m->addresses_len,
				&m->ctx->err);
	if (rc == 0 && m->opts->alpn && m->opts->alpn[0] &&
	    hf_strv_split(&m->alpn, m->opts->alpn, ',') < 0)
		rc = hf_err_nomem(&m->ctx->err);
	return rc;
}

static enum hf_tls_version version_of(int word)
{
	static const enum hf_tls_version versions[] = { HF_TLS_VERSION_DEFAULT, HF_TLS_1_2,
							HF_TLS_1_3 };

	return versions[word];
}

void explain_look(struct explain_meeting *m, enum hf_look_kind kind)
{
	const struct explain_opts *o = m->opts;
	struct hf_look_plan plan = {
		.addresses = m->addresses,
		.addresses_len = m->addresses_len,
		.via = m->via.kind != HF_VIA_NONE ? &m->via : NULL,
		.url = &m->url,
		.credential = m->credential,
		.trust = m->trust,
		.judge = m->c->set.trusts_somebody,
		.server_name = o->no_sni	? NULL
			       : o->server_name ? m->server_name
						: m->url.host,
		.verify_name = m->c->name,
		.alpn = m->alpn.len ? (const char *const *)m->alpn.items : NULL,
		.ciphers = o->ciphers,
		.groups = o->groups,
		.sigalgs = o->sigalgs,
		.tls_min = version_of(o->tls_min),
		.tls_max = version_of(o->tls_max),
		.profile = (enum hf_profile)o->trust.profile,
		.compat = o->trust.compat,
		.plain = m->plain,
		.send_proxy = o->send_proxy,
		.timeout_ms = o->timeout * 1000,
		.resumption = &m->resumption,
		.tell = o->trace ? hf_cli_trace_event : NULL,
	};

	hf_look_make(&plan, kind, &m->c->looks[kind]);
	m->c->extra_looks += kind != HF_LOOK_MAIN;
}
