/* SPDX-License-Identifier: Apache-2.0 */
/* Extensions of a certificate into fields and flags.  Must never refuse a certificate: what does
 * not decode is flagged, and the judge decides. */
#include "pki/cert_decode.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "pki/der.h"
#include "pki/name.h"

bool hf_extension_is_repeated(const STACK_OF(X509_EXTENSION) *exts, int index)
{
	ASN1_OBJECT *type = X509_EXTENSION_get_object(sk_X509_EXTENSION_value(exts, index));

	for (int i = 0; i < index; i++) {
		if (OBJ_cmp(X509_EXTENSION_get_object(sk_X509_EXTENSION_value(exts, i)), type) == 0)
			return true;
	}
	return false;
}

/* X509V3_EXT_d2i lets bytes behind the value pass. */
void *hf_extension_value(X509_EXTENSION *ext)
{
	const ASN1_OCTET_STRING *data = X509_EXTENSION_get_data(ext);
	void *value = NULL;

	if (!hf_der_is_whole(ASN1_STRING_get0_data(data), (size_t)ASN1_STRING_length(data)))
		return NULL;
	(void)ERR_set_mark();
	value = X509V3_EXT_d2i(ext);
	(void)ERR_pop_to_mark();
	return value;
}

void hf_extension_value_free(X509_EXTENSION *ext, void *value)
{
	const X509V3_EXT_METHOD *method = X509V3_EXT_get(ext);

	if (!value || !method)
		return;
	if (method->it)
		ASN1_item_free(value, ASN1_ITEM_ptr(method->it));
	else
		method->ext_free(value);
}

static int take_basic_constraints(struct hf_cert *cert, const void *value)
{
	const BASIC_CONSTRAINTS *bc = value;
	int64_t pathlen;

	if (bc->ca)
		cert->flags |= HF_CERT_CA;
	if (!bc->pathlen)
		return 0;
	if (!ASN1_INTEGER_get_int64(&pathlen, bc->pathlen))
		pathlen = ASN1_STRING_type(bc->pathlen) == V_ASN1_NEG_INTEGER ? -1 : INT_MAX;
	if (pathlen < 0)
		cert->flags |= HF_CERT_BAD_EXTENSION;
	cert->pathlen = pathlen < 0 ? 0 : (int)HF_MIN(pathlen, INT_MAX);
	return 0;
}

static int take_key_usage(struct hf_cert *cert, const void *value)
{
	const ASN1_BIT_STRING *bits = value;
	const uint8_t *data = ASN1_STRING_get0_data(bits);
	int len = ASN1_STRING_length(bits);

	cert->ku = (len > 0 ? (unsigned)data[0] : 0) | (len > 1 ? (unsigned)data[1] << 8 : 0);
	return 0;
}

static int take_extended_key_usage(struct hf_cert *cert, const void *value)
{
	static const struct {
		int nid;
		unsigned bit;
	} rows[] = {
		{ NID_server_auth, HF_EKU_SERVER },	 { NID_client_auth, HF_EKU_CLIENT },
		{ NID_anyExtendedKeyUsage, HF_EKU_ANY }, { NID_email_protect, HF_EKU_EMAIL },
		{ NID_code_sign, HF_EKU_CODE },		 { NID_OCSP_sign, HF_EKU_OCSP },
	};
	const EXTENDED_KEY_USAGE *list = value;

	for (int i = 0; i < sk_ASN1_OBJECT_num(list); i++) {
		int nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(list, i));
		unsigned bit = HF_EKU_OTHER;

		for (size_t k = 0; k < HF_ARRAY_LEN(rows); k++) {
			if (rows[k].nid == nid)
				bit = rows[k].bit;
		}
		cert->eku |= bit;
	}
	/* ExtKeyUsageSyntax ::= SEQUENCE SIZE (1..MAX) */
	if (sk_ASN1_OBJECT_num(list) <= 0)
		cert->flags |= HF_CERT_BAD_EXTENSION;
	return 0;
}

static int take_alt_names(struct hf_cert *cert, const void *value)
{
	return hf_sans_from_names(&cert->sans, value, NULL);
}

static int take_octets(const ASN1_OCTET_STRING *s, uint8_t **ret, size_t *ret_len)
{
	size_t len = s ? (size_t)ASN1_STRING_length(s) : 0;

	if (!s)
		return 0;
	*ret = (uint8_t *)hf_str_ndup((const char *)ASN1_STRING_get0_data(s), len);
	if (!*ret)
		return -HF_E_NOMEM;
	*ret_len = len;
	return 0;
}

static int take_subject_key_id(struct hf_cert *cert, const void *value)
{
	return take_octets(value, &cert->skid, &cert->skid_len);
}

static int take_authority_key_id(struct hf_cert *cert, const void *value)
{
	const AUTHORITY_KEYID *akid = value;

	return take_octets(akid->keyid, &cert->akid, &cert->akid_len);
}

static int take_ns_type(struct hf_cert *cert, const void *value)
{
	const ASN1_BIT_STRING *bits = value;
	unsigned usage = ASN1_STRING_length(bits) > 0 ? ASN1_STRING_get0_data(bits)[0] : 0;

	if (!(usage & NS_SSL_CLIENT))
		cert->flags |= HF_CERT_NS_SERVER_ONLY;
	if (!(usage & NS_SSL_SERVER))
		cert->flags |= HF_CERT_NS_CLIENT_ONLY;
	return 0;
}

/* What we look into: which flag says that it is there, which that it is critical, who reads it. */
static const struct row {
	int nid;
	unsigned present, critical;
	int (*take)(struct hf_cert *cert, const void *value);
} rows[] = {
	{ NID_basic_constraints, HF_CERT_HAS_BC, HF_CERT_BC_CRITICAL, take_basic_constraints },
	{ NID_key_usage, HF_CERT_HAS_KU, 0, take_key_usage },
	{ NID_ext_key_usage, HF_CERT_HAS_EKU, HF_CERT_EKU_CRITICAL, take_extended_key_usage },
	{ NID_subject_alt_name, HF_CERT_HAS_SAN, HF_CERT_SAN_CRITICAL, take_alt_names },
	{ NID_subject_key_identifier, 0, 0, take_subject_key_id },
	{ NID_authority_key_identifier, 0, 0, take_authority_key_id },
	{ NID_netscape_cert_type, HF_CERT_HAS_NS_TYPE, 0, take_ns_type },
	{ NID_proxyCertInfo, HF_CERT_PROXY, 0, NULL },
	{ NID_name_constraints, HF_CERT_HAS_NAME_CONSTRAINTS, 0, NULL },
};

static const struct row *find_row(int nid)
{
	for (size_t i = 0; i < HF_ARRAY_LEN(rows); i++) {
		if (rows[i].nid == nid)
			return &rows[i];
	}
	return NULL;
}

/* Critical extensions that the judge honours.  OpenSSL says that it supports more (RFC 3779's
 * addresses and AS numbers), but it honours those in its own chain building, which nobody asks. */
static bool is_handled(X509_EXTENSION *ext)
{
	static const int nids[] = {
		NID_basic_constraints,	     NID_key_usage,	     NID_ext_key_usage,
		NID_subject_alt_name,	     NID_name_constraints,   NID_certificate_policies,
		NID_policy_constraints,	     NID_policy_mappings,    NID_inhibit_any_policy,
		NID_crl_distribution_points, NID_netscape_cert_type, NID_proxyCertInfo,
		NID_id_pkix_OCSP_noCheck,
	};
	int nid = OBJ_obj2nid(X509_EXTENSION_get_object(ext));

	for (size_t i = 0; i < HF_ARRAY_LEN(nids); i++) {
		if (nids[i] == nid)
			return true;
	}
	return false;
}

/* id-ce-noRevAvail, 2.5.29.56 (RFC 9608); OpenSSL 3.0 has no name for it. */
static bool is_no_rev_avail(const ASN1_OBJECT *type)
{
	static const uint8_t oid[] = { 0x55, 0x1d, 0x38 };

	return OBJ_length(type) == sizeof(oid) &&
	       memcmp(OBJ_get0_data(type), oid, sizeof(oid)) == 0;
}

static int note_unknown_critical(struct hf_cert *cert, const ASN1_OBJECT *type)
{
	char oid[HF_OID_CAP];

	cert->flags |= HF_CERT_UNKNOWN_CRITICAL;
	if (cert->unknown_critical)
		return 0;
	hf_oid_text(type, oid, sizeof(oid));
	cert->unknown_critical = hf_str_dup(oid);
	return cert->unknown_critical ? 0 : -HF_E_NOMEM;
}

/* Everything OpenSSL has a decoder for must decode, whether we look into it or not. */
static int decode_known(struct hf_cert *cert, X509_EXTENSION *ext, const struct row *row)
{
	void *value;
	int rc = 0;

	if (!X509V3_EXT_get(ext))
		return 0;
	value = hf_extension_value(ext);
	if (!value)
		cert->flags |= HF_CERT_BAD_EXTENSION;
	else if (row && row->take)
		rc = row->take(cert, value);
	hf_extension_value_free(ext, value);
	return rc;
}

static int decode_one(struct hf_cert *cert, const STACK_OF(X509_EXTENSION) *exts, int index)
{
	X509_EXTENSION *ext = sk_X509_EXTENSION_value(exts, index);
	const ASN1_OBJECT *type = X509_EXTENSION_get_object(ext);
	const struct row *row = find_row(OBJ_obj2nid(type));
	bool critical = X509_EXTENSION_get_critical(ext) > 0;
	int rc = 0;

	if (critical && !is_handled(ext))
		rc = note_unknown_critical(cert, type);
	if (rc < 0)
		return rc;
	if (hf_extension_is_repeated(exts,
				     index)) { /* RFC 5280 4.2: the first one stays what we show */
		cert->flags |= HF_CERT_BAD_EXTENSION;
		return 0;
	}
	if (is_no_rev_avail(type))
		cert->flags |= HF_CERT_NO_REV_AVAIL;
	if (row) {
		cert->flags |= row->present | (critical ? row->critical : 0);
		if (row->nid == NID_key_usage)
			cert->ku = 0; /* nothing is allowed until it decodes */
	}
	return decode_known(cert, ext, row);
}

int hf_cert_decode_extensions(struct hf_cert *cert, struct hf_err *err)
{
	const STACK_OF(X509_EXTENSION) *exts = X509_get0_extensions(cert->x509);
	int count = sk_X509_EXTENSION_num(exts);

	if (count > HF_CERT_EXTENSIONS_CAP) {
		cert->flags |= HF_CERT_BAD_EXTENSION;
		count = HF_CERT_EXTENSIONS_CAP;
	}
	for (int i = 0; i < count; i++) {
		if (decode_one(cert, exts, i) < 0)
			return hf_err_nomem(err);
	}
	return 0;
}
