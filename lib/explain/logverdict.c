/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's verdict on a chain as servers log it: a number, and the depth or the certificate that
 * it is about, sometimes on a line of its own (s_server, stunnel).  Must never take a verdict whose
 * depth is not known for one about the leaf. */
#include "explain/logline.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define R(name) HF_REASON_##name

enum { MEANT = 5 };

/* X509_V_ERR_* of openssl/x509_vfy.h, with OpenSSL's words for them in lower case. */
static const struct verdict {
	int number;
	const char *text;
	enum hf_reason leaf[MEANT], ca[MEANT];
} verdicts[] = {
	{ 2,
	  "unable to get issuer certificate",
	  { R(V_NO_INTERMEDIATE) },
	  { R(V_PARTIAL_ANCHOR) } },
	{ 3, "unable to get certificate crl", { R(V_CRL_MISSING) }, { R(V_CRL_MISSING) } },
	{ 7,
	  "certificate signature failure",
	  { R(V_BAD_SIGNATURE), R(V_SAME_NAME_CA) },
	  { R(V_SAME_NAME_CA), R(V_BAD_SIGNATURE) } },
	{ 8, "crl signature failure", { R(V_CRL_INVALID) }, { R(V_CRL_INVALID) } },
	{ 9,
	  "certificate is not yet valid",
	  { R(V_NOT_YET), R(K_CLOCK), R(K_SKEW_SMALL) },
	  { R(V_CA_NOT_YET), R(K_CLOCK) } },
	{ 10,
	  "certificate has expired",
	  { R(V_EXPIRED), R(K_CLOCK) },
	  { R(V_CA_EXPIRED), R(V_ROOT_EXPIRED), R(K_CLOCK) } },
	{ 11, "crl is not yet valid", { R(V_CRL_NOT_YET) }, { R(V_CRL_NOT_YET) } },
	{ 12, "crl has expired", { R(V_CRL_EXPIRED) }, { R(V_CRL_EXPIRED) } },
	{ 18, "self-signed certificate", { R(V_SELF_SIGNED) }, { R(V_UNKNOWN_CA) } },
	{ 19,
	  "self-signed certificate in certificate chain",
	  { R(V_UNKNOWN_CA), R(V_SAME_NAME_CA) },
	  { R(V_UNKNOWN_CA), R(V_SAME_NAME_CA) } },
	{ 20,
	  "unable to get local issuer certificate",
	  { R(V_NO_INTERMEDIATE), R(V_UNKNOWN_CA), R(V_AKI), R(V_WRONG_INTERMEDIATE) },
	  { R(V_UNKNOWN_CA), R(V_NO_INTERMEDIATE), R(V_SAME_NAME_CA), R(V_AKI), R(V_DEPTH) } },
	{ 21,
	  "unable to verify the first certificate",
	  { R(V_NO_INTERMEDIATE), R(V_UNKNOWN_CA) },
	  { R(V_UNKNOWN_CA) } },
	{ 22, "certificate chain too long", { R(V_DEPTH) }, { R(V_DEPTH) } },
	{ 23, "certificate revoked", { R(V_REVOKED), R(V_DUP_SERIAL) }, { R(V_CA_REVOKED) } },
	{ 24,
	  "invalid ca certificate",
	  { R(V_NOT_A_CA), R(V_CA_KU) },
	  { R(V_NOT_A_CA), R(V_CA_KU), R(V_V1_CA) } },
	{ 25, "path length constraint exceeded", { R(V_PATHLEN) }, { R(V_PATHLEN) } },
	{ 26,
	  "unsuitable certificate purpose",
	  { R(V_EKU), R(V_KU) },
	  { R(V_CA_EKU), R(V_V1_CA) } },
	{ 32, "key usage does not include certificate signing", { R(V_CA_KU) }, { R(V_CA_KU) } },
	{ 34, "unhandled critical extension", { R(V_CRITICAL_EXT) }, { R(V_CRITICAL_EXT) } },
	{ 47, "permitted subtree violation", { R(V_NAME_CONSTRAINT) }, { R(V_NAME_CONSTRAINT) } },
	{ 48, "excluded subtree violation", { R(V_NAME_CONSTRAINT) }, { R(V_NAME_CONSTRAINT) } },
	{ 66, "ee certificate key too weak", { R(V_WEAK_KEY) }, { R(V_WEAK_KEY) } },
	{ 67, "ca certificate key too weak", { R(V_WEAK_KEY) }, { R(V_WEAK_KEY) } },
	{ 68, "ca signature digest algorithm too weak", { R(V_WEAK_SIG) }, { R(V_WEAK_SIG) } },
	{ 79,
	  "invalid ca certificate",
	  { R(V_NOT_A_CA), R(V_CA_KU) },
	  { R(V_NOT_A_CA), R(V_CA_KU), R(V_V1_CA) } },
};

static const struct verdict *by_number(int number)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(verdicts); i++) {
		if (verdicts[i].number == number)
			return &verdicts[i];
	}
	return NULL;
}

static const struct verdict *by_text(const char *text)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(verdicts); i++) {
		if (strlen(text) == strlen(verdicts[i].text) &&
		    hf_mem_case_eq(text, verdicts[i].text, strlen(text)))
			return &verdicts[i];
	}
	return NULL;
}

static int number_at(const char *text)
{
	int number = -1;

	return text && sscanf(text, "%9d", &number) == 1 ? number : -1;
}

/* --- the certificate it is about --------------------------------------------------------- */

static void copy_until(char *to, size_t cap, const char *text, const char *end)
{
	const char *stop = strstr(text, end);

	(void)snprintf(to, cap, "%.*s", (int)(stop ? (size_t)(stop - text) : strlen(text)), text);
}

static void name_depth(struct hf_log_context *context, const char *depth)
{
	const char *subject = depth + strcspn(depth, " :");
	int above = context->depth_known ? context->depth : -1;

	/* the line is repeated when the verdict is known */
	if (above != number_at(depth))
		context->top = above != number_at(depth) + 1;
	context->depth_known = number_at(depth) >= 0;
	context->depth = number_at(depth);
	(void)snprintf(context->subject, sizeof(context->subject), "%s",
		       subject + strspn(subject, " :"));
}

/* Apache: [subject: CN=a / issuer: CN=b / serial: 01 / notbefore: … / notafter: …] */
static void read_brackets(const char *line, struct hf_log_meaning *m)
{
	static const struct {
		const char *word;
		size_t offset, cap;
	} parts[] = {
		{ "[subject: ", offsetof(struct hf_log_meaning, subject), sizeof(m->subject) },
		{ " / issuer: ", offsetof(struct hf_log_meaning, issuer), sizeof(m->issuer) },
		{ " / serial: ", offsetof(struct hf_log_meaning, serial), sizeof(m->serial) },
	};

	for (size_t i = 0; i < HF_ARRAY_LEN(parts); i++) {
		const char *at = strstr(line, parts[i].word);

		if (at)
			copy_until((char *)m + parts[i].offset, parts[i].cap,
				   at + strlen(parts[i].word), " / ");
	}
}

/* --- the verdict ------------------------------------------------------------------------- */

static bool tell(struct hf_log_meaning *m, const struct verdict *v, bool is_ca)
{
	const enum hf_reason *list = is_ca ? v->ca : v->leaf;

	for (size_t i = 0; i < MEANT && list[i]; i++) {
		if (m->candidates_len == 0 || m->candidates[0] != list[i])
			m->candidates[m->candidates_len++] = list[i];
	}
	m->pattern = v->text;
	m->depth_known = true;
	m->is_ca = is_ca;
	return true;
}

/* s_server and s_client: "depth=1 C = IN, …", then "verify error:num=20:…". */
static bool openssl_tool(const char *line, const struct hf_log_context *context,
			 struct hf_log_meaning *m)
{
	const char *at = strstr(line, "verify error:num=");
	const struct verdict *v =
	    at ? by_number(number_at(at + strlen("verify error:num="))) : NULL;

	if (!v || !context->depth_known)
		return false;
	(void)snprintf(m->subject, sizeof(m->subject), "%s", context->subject);
	if (v->number == 10 && context->top && context->depth > 0)
		m->candidates[m->candidates_len++] = HF_REASON_V_ROOT_EXPIRED;
	return tell(m, v, context->depth > 0);
}

/* stunnel says why, and on the next line of which certificate. */
static bool stunnel(const char *line, struct hf_log_context *context, struct hf_log_meaning *m)
{
	static const char why[] = "CERT: Pre-verification error: ",
			  who[] = "Rejected by CERT at depth=";
	const char *reason = strstr(line, why), *depth = strstr(line, who);
	const struct verdict *v = reason ? by_text(reason + strlen(why)) : NULL;

	if (reason)
		context->stunnel_error = v ? v->number : 0;
	v = by_number(context->stunnel_error);
	if (!depth || !v)
		return false;
	name_depth(context, depth + strlen(who));
	(void)snprintf(m->subject, sizeof(m->subject), "%s", context->subject);
	context->stunnel_error = 0;
	m->writer_is_server = true;
	return tell(m, v, context->depth > 0);
}

/* The number of a field of haproxy's as a format of one's own may have it: "ssl_c_err=10",
 * "c_err: 10".  0: not there. */
static int field_of_haproxy(const char *line, const char *name)
{
	for (const char *at = strstr(line, name); at; at = strstr(at + 1, name)) {
		const char *value = at + strlen(name);

		if (at > line && isalnum((unsigned char)at[-1])) /* ssl_fc_err is another */
			continue;
		if (*value == '=' || *value == ':')
			return HF_MAX(number_at(value + 1), 0);
	}
	return 0;
}

static bool haproxy_named(const char *line, struct hf_log_meaning *m)
{
	int ca = field_of_haproxy(line, "ca_err"), leaf = field_of_haproxy(line, "c_err");
	const struct verdict *v = by_number(ca ? ca : leaf);

	if (!v)
		return false;
	m->writer_is_server = true;
	return tell(m, v, ca > 0);
}

/* haproxy's httpslog: …/fc_err/ssl_fc_err in hexadecimal/ssl_c_err/ssl_c_ca_err/is_resumed. */
static bool haproxy(const char *line, struct hf_log_meaning *m)
{
	const char *at = strstr(line, "/000000000A000");
	int leaf, ca, resumed;
	unsigned code;

	if (!at || sscanf(at, "/%16x/%4d/%4d/%1d", &code, &leaf, &ca, &resumed) != 4 ||
	    (leaf <= 0 && ca <= 0))
		return false;
	m->writer_is_server = true;
	return by_number(ca > 0 ? ca : leaf) && tell(m, by_number(ca > 0 ? ca : leaf), ca > 0);
}

/* Apache names the certificate and not its depth: only a root shows, as its own issuer. */
static bool apache(const char *line, struct hf_log_meaning *m)
{
	static const char lead[] = "Certificate Verification: Error (";
	const char *at = strstr(line, lead);
	const struct verdict *v = at ? by_number(number_at(at + strlen(lead))) : NULL;

	if (!v)
		return false;
	m->writer_is_server = true;
	if (v->number != 10 || strcmp(m->subject, m->issuer) != 0)
		return false;
	m->candidates[m->candidates_len++] = HF_REASON_V_ROOT_EXPIRED;
	m->pattern = v->text;
	m->depth_known = m->is_ca = true;
	return true;
}

bool hf_log_verdict_read(const char *line, struct hf_log_context *context, struct hf_log_meaning *m)
{
	if (hf_str_starts(line, "depth="))
		name_depth(context, line + strlen("depth="));
	read_brackets(line, m);
	return openssl_tool(line, context, m) || stunnel(line, context, m) || haproxy(line, m) ||
	       haproxy_named(line, m) || apache(line, m);
}
