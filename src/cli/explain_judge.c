/* SPDX-License-Identifier: Apache-2.0 */
/* explain HOST:PORT: both chains by what is known here.  Must never let a file that cannot be read
 * stop the rest: what is wrong with it is a finding already. */
#include "base/file.h"
#include "cli/explain_meeting.h"

static void known_here(struct explain_meeting *m, struct hf_known *known)
{
	const struct hf_strv *ca = &m->opts->trust.ca;

	for (size_t i = 0; i < ca->len; i++)
		hf_known_add_file(known, ca->items[i], true);
	hf_known_add_list(known, hf_trust_anchors(m->trust), NULL);
	hf_known_add_list(known, hf_trust_intermediates(m->trust), NULL);
	if (m->cert[0])
		hf_known_add_file(known, m->cert, true);
	if (explain_server_file(&m->server_files, EXPLAIN_CA))
		hf_known_add_file(known, explain_server_file(&m->server_files, EXPLAIN_CA), false);
	if (explain_server_file(&m->server_files, EXPLAIN_CERT))
		hf_known_add_file(known, explain_server_file(&m->server_files, EXPLAIN_CERT),
				  false);
}

int explain_judge_own(struct explain_meeting *m)
{
	HF_AUTO_DONE(hf_known) known = { 0 };
	struct hf_case *c = m->c;
	struct hf_verify_options options = { .purpose = HF_PURPOSE_CLIENT,
					     .profile = (enum hf_profile)m->opts->trust.profile,
					     .at = c->now };
	struct hf_standing standing = { &c->own_alone, &c->own_path, c->bridge, sizeof(c->bridge) };
	int rc;

	if (c->own.len == 0)
		return 0;
	hf_verdict_done(&c->own_alone);
	hf_certs_done(&c->own_path);
	c->own_path = (struct hf_certs)HF_CERTS_INIT;
	c->bridge[0] = '\0';
	known_here(m, &known);
	hf_known_add_list(&known, &c->looks[HF_LOOK_MAIN].transcript.server.certs, NULL);
	rc = hf_standing_judge(&c->own, &known, hf_trust_crls(m->trust), &options, &standing,
			       &m->ctx->err);
	c->own_judged = rc == 0;
	return rc;
}

static int load_server_trust(struct explain_meeting *m, struct hf_trust **ret_trust)
{
	struct hf_err *err = &m->ctx->err;
	int rc = hf_trust_new(0, ret_trust, err);

	if (rc == 0)
		rc = hf_trust_load_file(*ret_trust,
					explain_server_file(&m->server_files, EXPLAIN_CA),
					"the server", err);
	if (rc == 0 && explain_server_file(&m->server_files, EXPLAIN_CRL))
		rc = hf_trust_load_crl(*ret_trust,
				       explain_server_file(&m->server_files, EXPLAIN_CRL), err);
	return rc == 0 ? hf_trust_freeze(*ret_trust, err) : rc;
}

static void copy_certs(const char *path, struct hf_certs *to)
{
	HF_AUTO_DONE(hf_pemfile) f = HF_PEMFILE_INIT;

	if (path && hf_pemfile_load(&f, path, 0, NULL, NULL) == 0)
		(void)hf_certs_copy(to, &f.certs, NULL);
}

/* A server file that could not be read is a finding already; the rest is judged without it. */
void explain_judge_by_server(struct explain_meeting *m)
{
	HF_AUTO(hf_trust) trust = NULL;
	struct hf_case *c = m->c;
	struct hf_verify_options options = { .purpose = HF_PURPOSE_CLIENT, .at = c->now };

	copy_certs(explain_server_file(&m->server_files, EXPLAIN_CERT), &c->server_chain);
	copy_certs(explain_server_file(&m->server_files, EXPLAIN_CA), &c->server_trust);
	if (!explain_server_file(&m->server_files, EXPLAIN_CA) || c->own.len == 0 ||
	    load_server_trust(m, &trust) < 0)
		return;
	c->own_by_server_judged =
	    hf_verify(&c->own, trust, &options, &c->own_by_server, &m->ctx->err) == 0;
}

void explain_judge_server_path(struct explain_meeting *m)
{
	HF_AUTO_DONE(hf_known) known = { 0 };
	struct hf_case *c = m->c;
	const struct hf_certs *sent = &c->looks[HF_LOOK_MAIN].transcript.server.certs;
	struct hf_standing standing = { .path = &c->server_path,
					.bridge = c->server_bridge,
					.bridge_cap = sizeof(c->server_bridge) };

	if (sent->len == 0)
		return;
	known_here(m, &known);
	(void)hf_standing_climb(sent, &known, &standing, NULL);
}

/* Nobody is trusted here: the server's chain is judged on its own merits. */
void explain_judge_server_alone(struct explain_meeting *m)
{
	HF_AUTO_DONE(hf_known) known = { 0 };
	HF_AUTO_DONE(hf_certs) path = HF_CERTS_INIT;
	struct hf_look *look = &m->c->looks[HF_LOOK_MAIN];
	char bridge[256] = "";
	struct hf_standing standing = { &look->server, &path, bridge, sizeof(bridge) };
	struct hf_verify_options options = { .purpose = HF_PURPOSE_SERVER,
					     .at = m->c->now,
					     .name = m->c->name };

	if (m->c->set.trusts_somebody || look->transcript.server.certs.len == 0)
		return;
	known_here(m, &known);
	hf_verdict_done(&look->server);
	look->judged = hf_standing_judge(&look->transcript.server.certs, &known, NULL, &options,
					 &standing, &m->ctx->err) == 0;
	if (!look->judged)
		hf_verdict_init(&look->server);
}
