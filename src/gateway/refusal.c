/* SPDX-License-Identifier: Apache-2.0 */
/* Writing refusal records.  Must never write a byte of a peer unescaped (the JSON writer does it),
 * nor let a flood of refused peers flood the log. */
#include "gateway/refusal.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tls/alerts.h"
#include "util/clock.h"

/* A peer's names may be as long as its certificates: what says who it was is kept, so that no peer
 * can make a record of itself that is too long to be written. */
enum {
	RECORD_CAP = 256 * 1024,
	TEXT_CAP = 256,
	ERRORS_CAP = 16,
	BURST = 200,
	OWN_CERTS_CAP = 6,
	DER_TEXT_CAP = 16 * 1024
};

static void write_text(struct hf_json *j, const char *key, const char *text)
{
	char cut[TEXT_CAP + sizeof("…")];

	if (text == NULL || strlen(text) <= TEXT_CAP) {
		hf_json_string(j, key, text);
		return;
	}
	memcpy(cut, text, TEXT_CAP);
	memcpy(cut + TEXT_CAP, "…", sizeof("…"));
	hf_json_string(j, key, cut);
}

static const char *side_name(const struct hf_refusal *refusal)
{
	if (refusal->refused_by == HF_JUDGE_NOBODY)
		return "nobody";
	return (refusal->refused_by == HF_JUDGE_US) == refusal->originating ? "client" : "server";
}

static const struct hf_finding *root_of(const struct hf_refusal *refusal)
{
	return refusal->verdict != NULL ? hf_verdict_root(refusal->verdict) : NULL;
}

/* Nothing in common because of what our own certificate is. */
static bool is_about_ours(const char *cause)
{
	static const char *const causes[] = { "P-CIPHER-KEY", "P-SIGALG", "V-KU" };

	for (size_t i = 0; i < HF_ARRAY_LEN(causes); i++) {
		if (strcmp(causes[i], cause) == 0)
			return true;
	}
	return false;
}

/* The certificate that was judged: the client's by us, ours by the client. */
static const struct hf_cert *certificate_of(const struct hf_refusal *refusal, const char **ret_role)
{
	const struct hf_finding *root = root_of(refusal);
	const struct hf_alert_meaning *meaning = hf_alert_meaning(refusal->alert);
	const struct hf_certs *sent;

	if (refusal->refused_by == HF_JUDGE_PEER) {
		*ret_role = refusal->originating ? "client-leaf" : "server-leaf";
		return meaning != NULL && meaning->about_certificate
			   ? refusal->policy->parts->credential->chain.items[0]
			   : NULL;
	}
	if (root != NULL && root->cert != NULL) {
		*ret_role = hf_role_name(root->role);
		return root->cert;
	}
	if (is_about_ours(refusal->cause)) {
		*ret_role = refusal->originating ? "client-leaf" : "server-leaf";
		return refusal->policy->parts->credential->chain.items[0];
	}
	*ret_role = refusal->originating ? "server-leaf" : "client-leaf";
	sent = hf_tls_conn_peer_chain(hf_conn_tls(refusal->conn));
	return sent != NULL && sent->len > 0 ? sent->items[0] : NULL;
}

static void write_certificate(struct hf_json *j, const struct hf_refusal *refusal)
{
	const char *role = NULL;
	const struct hf_cert *cert = certificate_of(refusal, &role);

	if (cert == NULL) {
		hf_json_null(j, "certificate");
		return;
	}
	hf_json_object_begin(j, "certificate");
	hf_json_string(j, "role", role);
	write_text(j, "subject", cert->subject);
	write_text(j, "issuer", cert->issuer);
	write_text(j, "serial", cert->serial);
	hf_json_hex(j, "sha256", cert->sha256, HF_SHA256_LEN);
	hf_json_time(j, "not_before", cert->not_before);
	hf_json_time(j, "not_after", cert->not_after);
	hf_json_object_end(j);
}

static void write_finding(struct hf_json *j, const struct hf_finding *finding)
{
	const struct hf_reason_info *info = hf_reason_info(finding->reason);

	hf_json_object_begin(j, NULL);
	hf_json_string(j, "id", info->id);
	hf_json_string(j, "severity", hf_severity_name(finding->severity));
	hf_json_bool(j, "consequence", finding->consequence);
	hf_json_int(j, "depth", finding->depth);
	hf_json_string(j, "role", hf_role_name(finding->role));
	write_text(j, "subject", finding->cert ? finding->cert->subject : NULL);
	hf_json_string(j, "sentence", info->sentence);
	write_text(j, "want", finding->want);
	write_text(j, "have", finding->have);
	hf_json_object_end(j);
}

static void write_errors(struct hf_json *j, const struct hf_verdict *verdict)
{
	hf_json_array_begin(j, "errors");
	for (size_t i = 0; verdict != NULL && i < verdict->findings_len && i < ERRORS_CAP; i++)
		write_finding(j, &verdict->findings[i]);
	hf_json_array_end(j);
	hf_json_array_begin(j, "openssl");
	for (size_t i = 0; verdict != NULL && i < verdict->ossl_len; i++) {
		hf_json_object_begin(j, NULL);
		hf_json_int(j, "error", verdict->ossl[i].error);
		hf_json_string(j, "name", hf_verify_error_name(verdict->ossl[i].error));
		hf_json_int(j, "depth", verdict->ossl[i].depth);
		hf_json_object_end(j);
	}
	hf_json_array_end(j);
}

static void write_alert(struct hf_json *j, const struct hf_refusal *refusal)
{
	if (refusal->alert < 0) {
		hf_json_null(j, "alert");
		return;
	}
	hf_json_object_begin(j, "alert");
	hf_json_int(j, "number", refusal->alert);
	hf_json_string(j, "name", hf_alert_name(refusal->alert));
	hf_json_string(j, "direction", refusal->refused_by == HF_JUDGE_PEER ? "received" : "sent");
	hf_json_object_end(j);
}

/* What we showed to who refused us, whole: with it the record alone is enough to judge. */
static void write_own_certificates(struct hf_json *j, const struct hf_refusal *refusal)
{
	const struct hf_certs *chain = &refusal->policy->parts->credential->chain;

	if (refusal->refused_by != HF_JUDGE_PEER)
		return;
	hf_json_array_begin(j, "certificates_sent");
	for (size_t i = 0; i < chain->len && i < OWN_CERTS_CAP; i++) {
		HF_AUTO_DONE(hf_buf) text = HF_BUF_INIT(DER_TEXT_CAP);

		if (hf_base64_encode(chain->items[i]->der, chain->items[i]->der_len, &text) == 0)
			hf_json_string(j, NULL, hf_buf_str(&text));
	}
	hf_json_array_end(j);
}

static void write_sent_certificates(struct hf_json *j, const struct hf_refusal *refusal)
{
	const struct hf_certs *sent = hf_tls_conn_peer_chain(hf_conn_tls(refusal->conn));

	hf_json_array_begin(j, "certificates_received");
	for (size_t i = 0; sent != NULL && i < sent->len && i < 8; i++) {
		hf_json_object_begin(j, NULL);
		write_text(j, "subject", sent->items[i]->subject);
		write_text(j, "issuer", sent->items[i]->issuer);
		write_text(j, "serial", sent->items[i]->serial);
		hf_json_hex(j, "sha256", sent->items[i]->sha256, HF_SHA256_LEN);
		hf_json_time(j, "not_after", sent->items[i]->not_after);
		hf_json_object_end(j);
	}
	hf_json_array_end(j);
}

/* What we asked for in the CertificateRequest. */
static void write_request(struct hf_json *j, const struct hf_policy *policy)
{
	size_t count = 0, bytes = 0;
	const char *scheme = hf_gateway_sigalgs;

	hf_tls_context_ca_names(policy->tls, &count, &bytes);
	hf_json_object_begin(j, "ca_names");
	hf_json_int(j, "count", (int64_t)count);
	hf_json_int(j, "bytes", (int64_t)bytes);
	hf_json_string(j, "digest", policy->ca_names_digest);
	hf_json_object_end(j);
	hf_json_array_begin(j, "schemes");
	while (*scheme != '\0') {
		size_t len = strcspn(scheme, ":");

		hf_json_stringn(j, NULL, scheme, len);
		scheme += len + (scheme[len] == ':');
	}
	hf_json_array_end(j);
}

static void write_trust(struct hf_json *j, const struct hf_generation *generation,
			const struct hf_policy *policy)
{
	const struct hf_crls *crls = hf_trust_crls(policy->trust);

	hf_json_object_begin(j, "trust");
	hf_json_string(j, "digest", policy->trust_digest);
	hf_json_time(j, "loaded_at", generation->loaded_at);
	hf_json_int(j, "generation", (int64_t)generation->number);
	hf_filestamps_to_json(policy->parts->files, j, "files");
	hf_json_object_end(j);
	hf_json_array_begin(j, "crls");
	for (size_t i = 0; i < crls->len && i < 16; i++) {
		hf_json_object_begin(j, NULL);
		write_text(j, "issuer", crls->items[i]->issuer);
		write_text(j, "number", crls->items[i]->number);
		hf_json_time(j, "this_update", crls->items[i]->this_update);
		if (crls->items[i]->has_next_update)
			hf_json_time(j, "next_update", crls->items[i]->next_update);
		hf_json_hex(j, "sha256", crls->items[i]->sha256, HF_SHA256_LEN);
		hf_json_object_end(j);
	}
	hf_json_array_end(j);
}

/* No certificate was judged: the catalogue knows most causes, libssl's words are for who knows it.
 */
static void write_cause(struct hf_json *j, const struct hf_refusal *refusal)
{
	enum hf_reason reason = hf_reason_by_id(refusal->cause);
	const struct hf_reason_info *info = hf_reason_info(reason);
	char text[512];

	if (reason == HF_REASON_NONE) {
		hf_json_string(j, "explanation", refusal->text);
		hf_json_null(j, "fix");
		return;
	}
	(void)snprintf(text, sizeof(text), "%s (%s)", info->sentence, refusal->text);
	hf_json_string(j, "explanation", text);
	hf_json_string(j, "fix", info->remedy);
}

static void write_words(struct hf_json *j, const struct hf_refusal *refusal)
{
	const struct hf_finding *root = root_of(refusal);
	const struct hf_alert_meaning *meaning = hf_alert_meaning(refusal->alert);
	char text[512];

	if (refusal->refused_by == HF_JUDGE_PEER && meaning != NULL) {
		(void)snprintf(text, sizeof(text), "the %s refused us with alert %d %s: %s",
			       side_name(refusal), refusal->alert, hf_alert_name(refusal->alert),
			       meaning->means);
		hf_json_string(j, "explanation", text);
		hf_json_string(j, "fix", meaning->next);
		return;
	}
	if (root == NULL) {
		write_cause(j, refusal);
		return;
	}
	(void)snprintf(text, sizeof(text), "%s%s%s%s%s%s%s", hf_reason_info(root->reason)->sentence,
		       root->cert ? " (" : "", root->cert ? root->cert->subject : "",
		       root->cert ? ")" : "", root->want ? "; want " : "",
		       root->want ? root->want : "", "");
	hf_json_string(j, "explanation", text);
	hf_json_string(j, "fix",
		       root->remedy ? root->remedy : hf_reason_info(root->reason)->remedy);
}

static void write_meeting(struct hf_json *j, const struct hf_refusal *refusal)
{
	struct hf_tls_info info;
	char peer[HF_ADDRESS_TEXT_CAP];

	hf_conn_info(refusal->conn, &info);
	hf_address_format(hf_conn_peer(refusal->conn), peer);
	hf_json_string(j, "peer", peer);
	hf_json_string(j, "listener", refusal->listener);
	hf_json_string(j, "sni", info.sni);
	if (refusal->policy->parts->name != NULL)
		hf_json_string(j, "policy", refusal->policy->parts->name);
	hf_json_string(j, "alpn", info.alpn);
	hf_json_string(j, "version", info.version ? hf_tls_version_name(info.version) : NULL);
	hf_json_string(j, "stage", refusal->stage);
	hf_json_string(j, "refused_by", side_name(refusal));
	hf_json_string(j, "cause", refusal->cause);
	hf_json_bool(j, "resumed", info.resumed);
}

static int format(const struct hf_refusal *refusal, const char *reference, struct hf_buf *out)
{
	int64_t now = hf_clock_now();
	struct hf_json j;

	hf_json_init(&j, out, false);
	hf_json_object_begin(&j, NULL);
	hf_json_time(&j, "time", now);
	hf_json_string(&j, "reference", reference);
	write_meeting(&j, refusal);
	write_words(&j, refusal);
	write_certificate(&j, refusal);
	if (refusal->verdict != NULL && refusal->verdict->rule != NULL)
		write_text(&j, "rule", refusal->verdict->rule);
	write_alert(&j, refusal);
	write_errors(&j, refusal->verdict);
	write_sent_certificates(&j, refusal);
	write_own_certificates(&j, refusal);
	write_request(&j, refusal->policy);
	write_trust(&j, refusal->generation, refusal->policy);
	hf_json_time(&j, "clock", now);
	hf_json_object_end(&j);
	return hf_buf_failed(out) ? -HF_E_LIMIT : 0;
}

void hf_refusal_log_init(struct hf_refusal_log *log, unsigned worker, int64_t per_second)
{
	memset(log, 0, sizeof(*log));
	hf_log_bucket_init(&log->bucket, HF_MAX(per_second, BURST), per_second);
	log->worker = worker;
	log->started_at = hf_clock_now();
}

static void suppress(struct hf_refusal_log *log)
{
	log->suppressed_ever++;
	log->last[0] = '\0';
	if (log->suppressed++ == 0)
		log->suppressed_at = hf_clock_now();
}

void hf_refusal_write(struct hf_refusal_log *log, const struct hf_refusal *refusal)
{
	HF_AUTO_DONE(hf_buf) line = HF_BUF_INIT(RECORD_CAP);

	if (!hf_log_bucket_take(&log->bucket, hf_clock_monotonic_ms())) {
		suppress(log);
		return;
	}
	(void)snprintf(log->last, sizeof(log->last), "%llx-%u-%llu",
		       (unsigned long long)log->started_at, log->worker,
		       (unsigned long long)++log->records);
	if (format(refusal, log->last, &line) < 0 ||
	    !hf_log_line(STDERR_FILENO, line.data, line.len))
		suppress(log);
}

void hf_refusal_log_summarise(struct hf_refusal_log *log)
{
	HF_AUTO_DONE(hf_buf) line = HF_BUF_INIT(1024);
	struct hf_json j;

	if (log->suppressed == 0)
		return;
	hf_json_init(&j, &line, false);
	hf_json_object_begin(&j, NULL);
	hf_json_time(&j, "time", hf_clock_now());
	hf_json_string(&j, "event", "refusals-suppressed");
	hf_json_int(&j, "suppressed", (int64_t)log->suppressed);
	hf_json_time(&j, "since", log->suppressed_at);
	hf_json_int(&j, "worker", log->worker);
	hf_json_object_end(&j);
	if (hf_log_line(STDERR_FILENO, line.data, line.len))
		log->suppressed = 0;
}
