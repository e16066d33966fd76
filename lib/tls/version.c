/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the protocol versions we speak.  Never knows of one older than TLS 1.2 (RFC 8996). */
#include "base/str.h"
#include "tls/context.h"

enum hf_tls_version hf_tls_version_parse(const char *text)
{
	if (hf_str_eq(text, "1.2"))
		return HF_TLS_1_2;
	if (hf_str_eq(text, "1.3"))
		return HF_TLS_1_3;
	return HF_TLS_VERSION_DEFAULT;
}

const char *hf_tls_version_name(enum hf_tls_version version)
{
	switch (version) {
	case HF_TLS_1_2:
		return "TLS 1.2";
	case HF_TLS_1_3:
		return "TLS 1.3";
	case HF_TLS_VERSION_DEFAULT:
		break;
	}
	return "TLS";
}
