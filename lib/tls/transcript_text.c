/* SPDX-License-Identifier: Apache-2.0 */
/* Names of what stands in a transcript, and its rungs as lines.  Tables (IANA, RFC 8446); must
 * never decide. */
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "tls/transcript.h"
#include "verify/verdict.h"

struct code_name {
	unsigned code;
	const char *name;
};

static const struct code_name groups[] = {
	{ 23, "P-256" },
	{ 24, "P-384" },
	{ 25, "P-521" },
	{ 29, "X25519" },
	{ 30, "X448" },
	{ 256, "ffdhe2048" },
	{ 257, "ffdhe3072" },
	{ 258, "ffdhe4096" },
	{ 22, "secp256k1" },
	{ 26, "brainpoolP256" },
	{ 4588, "X25519MLKEM768" },
};

static const struct code_name schemes[] = {
	{ 0x0201, "rsa_pkcs1_sha1" },
	{ 0x0203, "ecdsa_sha1" },
	{ 0x0301, "rsa_pkcs1_sha224" },
	{ 0x0303, "ecdsa_sha224" },
	{ 0x0401, "rsa_pkcs1_sha256" },
	{ 0x0403, "ecdsa_secp256r1_sha256" },
	{ 0x0501, "rsa_pkcs1_sha384" },
	{ 0x0503, "ecdsa_secp384r1_sha384" },
	{ 0x0601, "rsa_pkcs1_sha512" },
	{ 0x0603, "ecdsa_secp521r1_sha512" },
	{ 0x0804, "rsa_pss_rsae_sha256" },
	{ 0x0805, "rsa_pss_rsae_sha384" },
	{ 0x0806, "rsa_pss_rsae_sha512" },
	{ 0x0807, "ed25519" },
	{ 0x0808, "ed448" },
	{ 0x0809, "rsa_pss_pss_sha256" },
	{ 0x080a, "rsa_pss_pss_sha384" },
	{ 0x080b, "rsa_pss_pss_sha512" },
};

static const struct code_name versions[] = {
	{ 0x0300, "SSL 3.0" }, { 0x0301, "TLS 1.0" }, { 0x0302, "TLS 1.1" },
	{ 0x0303, "TLS 1.2" }, { 0x0304, "TLS 1.3" },
};

static const struct code_name messages[] = {
	{ 0, "HelloRequest" },	   { 1, "ClientHello" },	{ 2, "ServerHello" },
	{ 4, "NewSessionTicket" }, { 5, "EndOfEarlyData" },	{ 8, "EncryptedExtensions" },
	{ 11, "Certificate" },	   { 12, "ServerKeyExchange" }, { 13, "CertificateRequest" },
	{ 14, "ServerHelloDone" }, { 15, "CertificateVerify" }, { 16, "ClientKeyExchange" },
	{ 20, "Finished" },	   { 22, "CertificateStatus" }, { 24, "KeyUpdate" },
};

static const char *find(const struct code_name *table, size_t len, unsigned code, char spare[8])
{
	for (size_t i = 0; i < len; i++) {
		if (table[i].code == code)
			return table[i].name;
	}
	(void)snprintf(spare, 8, "0x%04x", code & 0xffff);
	return spare;
}

const char *hf_group_name(unsigned code, char spare[8])
{
	return find(groups, HF_ARRAY_LEN(groups), code, spare);
}

const char *hf_scheme_name(unsigned code, char spare[8])
{
	return find(schemes, HF_ARRAY_LEN(schemes), code, spare);
}

const char *hf_version_name(unsigned code, char spare[8])
{
	return find(versions, HF_ARRAY_LEN(versions), code, spare);
}

void hf_event_name(const struct hf_event *event, char *out, size_t cap)
{
	static const char *const kinds[] = {
		[HF_EVENT_DATA] = "data",	[HF_EVENT_TEXT] = "no TLS",
		[HF_EVENT_EOF] = "end (FIN)",	[HF_EVENT_RESET] = "connection lost",
		[HF_EVENT_SILENCE] = "silence",
	};
	char spare[8];

	if (event->kind == HF_EVENT_MESSAGE)
		(void)hf_str_copy(out, cap,
				  find(messages, HF_ARRAY_LEN(messages), event->type, spare));
	else if (event->kind == HF_EVENT_ALERT)
		(void)snprintf(out, cap, "alert %d %s", event->type, hf_alert_name(event->type));
	else
		(void)hf_str_copy(out, cap, kinds[event->kind]);
}

int hf_event_format(const struct hf_event *event, struct hf_buf *out)
{
	char name[64];

	hf_event_name(event, name, sizeof(name));
	return hf_buf_printf(out, "%s %-20s%s%s  (%zu bytes, %.1f ms)", event->sent ? "->" : "<-",
			     name, event->detail[0] ? " " : "", event->detail, event->len,
			     (double)event->at_us / 1000);
}
