/* SPDX-License-Identifier: Apache-2.0 */
/* The chain of hashes through the audit log.  Must never change: a ledger written by an older
 * version is verified with the same bytes. */
#include <openssl/evp.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "ca/store/store.h"

enum { ROW_CAP = 64 * 1024 };

static void put_number(struct hf_buf *out, int64_t value)
{
	uint8_t octets[8];

	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = (uint8_t)((uint64_t)value >> (56 - 8 * i));
	(void)hf_buf_append(out, octets, sizeof(octets));
}

/* Lengths go in front, so that no two rows give the same bytes. */
static void put_bytes(struct hf_buf *out, const void *data, size_t len)
{
	put_number(out, (int64_t)len);
	(void)hf_buf_append(out, data, len);
}

int hf_audit_hash(const uint8_t previous[HF_STORE_SHA256_LEN], const struct hf_audit_row *row,
		  uint8_t ret_hash[HF_STORE_SHA256_LEN], struct hf_err *err)
{
	HF_AUTO_DONE(hf_buf) bytes = HF_BUF_INIT(ROW_CAP);

	(void)hf_buf_append(&bytes, previous, HF_STORE_SHA256_LEN);
	put_number(&bytes, row->id);
	put_number(&bytes, row->at);
	put_number(&bytes, row->issuer);
	put_bytes(&bytes, row->action, strlen(row->action));
	put_bytes(&bytes, row->serial, row->serial_len);
	put_bytes(&bytes, row->detail, strlen(row->detail));
	put_bytes(&bytes, row->actor, strlen(row->actor));
	if (hf_buf_failed(&bytes))
		return hf_err_set(err, HF_E_LIMIT, "an audit row is larger than %d bytes",
				  (int)ROW_CAP);
	if (EVP_Digest(bytes.data, bytes.len, ret_hash, NULL, EVP_sha256(), NULL) != 1)
		return hf_err_ossl(err, HF_E_CRYPTO, "cannot hash an audit row");
	return 0;
}
