/* SPDX-License-Identifier: Apache-2.0 */
/* Fills a struct hf_cert from its X509; for lib/pki only. */
#ifndef HF_PKI_CERT_DECODE_H
#define HF_PKI_CERT_DECODE_H

#include "pki/cert.h"

/* Extensions more than this are not looked at; the certificate is flagged. */
enum { HF_CERT_EXTENSIONS_CAP = 256 };

int hf_cert_decode_extensions(struct hf_cert *cert, struct hf_err *err);
/* True when `ext` is not the first of its kind among exts[0 … index]. */
bool hf_extension_is_repeated(const STACK_OF(X509_EXTENSION) *exts, int index);
/* Decodes a known extension whose bytes are one whole object; NULL otherwise.  Free with
 * hf_extension_value_free. */
void *hf_extension_value(X509_EXTENSION *ext);
void hf_extension_value_free(X509_EXTENSION *ext, void *value);

#endif
