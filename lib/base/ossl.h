/* SPDX-License-Identifier: Apache-2.0 */
/* Cleanup for OpenSSL types: HF_AUTO(X509) x = NULL; */
#ifndef HF_BASE_OSSL_H
#define HF_BASE_OSSL_H

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/macros.h"

#define HF_OSSL_AUTO(type) HF_DEFINE_AUTO(type, type, type##_free)

HF_OSSL_AUTO(ASN1_INTEGER);
HF_OSSL_AUTO(ASN1_OBJECT);
HF_OSSL_AUTO(ASN1_OCTET_STRING);
HF_OSSL_AUTO(ASN1_TIME);
HF_OSSL_AUTO(AUTHORITY_KEYID);
HF_OSSL_AUTO(BASIC_CONSTRAINTS);
HF_OSSL_AUTO(CERTIFICATEPOLICIES);
HF_DEFINE_AUTO(BIO, BIO, BIO_free_all);
HF_OSSL_AUTO(EVP_CIPHER);
HF_OSSL_AUTO(EVP_MD);
HF_OSSL_AUTO(EVP_MD_CTX);
HF_OSSL_AUTO(EVP_PKEY);
HF_OSSL_AUTO(EVP_PKEY_CTX);
HF_OSSL_AUTO(EXTENDED_KEY_USAGE);
HF_OSSL_AUTO(GENERAL_NAME);
HF_OSSL_AUTO(GENERAL_NAMES);
HF_OSSL_AUTO(ISSUING_DIST_POINT);
HF_OSSL_AUTO(NAME_CONSTRAINTS);
HF_OSSL_AUTO(PKCS12);
HF_OSSL_AUTO(PKCS8_PRIV_KEY_INFO);
HF_OSSL_AUTO(X509);
HF_OSSL_AUTO(X509_CRL);
HF_OSSL_AUTO(X509_EXTENSION);
HF_OSSL_AUTO(X509_NAME);
HF_OSSL_AUTO(X509_PUBKEY);
HF_OSSL_AUTO(X509_REQ);
HF_OSSL_AUTO(X509_REVOKED);
HF_OSSL_AUTO(X509_SIG);
HF_OSSL_AUTO(X509_STORE);
HF_OSSL_AUTO(X509_STORE_CTX);
HF_DEFINE_AUTO(BIGNUM, BIGNUM, BN_free);

/* Owned stacks: HF_AUTO(X509_stack) sk = NULL; frees the elements too. */
HF_UNUSED static inline void hf_x509_stack_free(STACK_OF(X509) *sk)
{
	sk_X509_pop_free(sk, X509_free);
}
HF_DEFINE_AUTO(X509_stack, STACK_OF(X509), hf_x509_stack_free);
HF_UNUSED static inline void hf_x509_crl_stack_free(STACK_OF(X509_CRL) *sk)
{
	sk_X509_CRL_pop_free(sk, X509_CRL_free);
}
HF_DEFINE_AUTO(X509_CRL_stack, STACK_OF(X509_CRL), hf_x509_crl_stack_free);
HF_UNUSED static inline void hf_x509_extension_stack_free(STACK_OF(X509_EXTENSION) *sk)
{
	sk_X509_EXTENSION_pop_free(sk, X509_EXTENSION_free);
}
HF_DEFINE_AUTO(X509_EXTENSION_stack, STACK_OF(X509_EXTENSION), hf_x509_extension_stack_free);

/* For memory that OpenSSL allocated: HF_AUTO(ossl_mem) p = NULL; */
HF_UNUSED static inline void hf_ossl_mem_free(unsigned char *p)
{
	OPENSSL_free(p);
}
HF_DEFINE_AUTO(ossl_mem, unsigned char, hf_ossl_mem_free);

/* The library context that knows every algorithm, in a process whose default one has the common
 * kinds only: a provider of the default one tells it, as the parameter below (octet pointer).
 * Borrowed, for the life of the process; NULL where the default one is all there is. */
#define HF_OSSL_WHOLE "handfast-whole-library"
OSSL_LIB_CTX *hf_ossl_whole(void);

#endif
