/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the signer: each credential that was loaded, until no worker uses it and a newer one
 * of the same files is there.  A key is found by what it is (the SHA-256 of its
 * SubjectPublicKeyInfo), so that a restarted signer finds it again. */
#ifndef HF_GATEWAY_CUSTODY_KEYRING_H
#define HF_GATEWAY_CUSTODY_KEYRING_H

#include "pki/credential.h"

enum {
	HF_KEYRING_CAP = 256, /* credentials at a time */
	HF_KEYRING_USERS = 66, /* the supervisor, its workers and its follower */
};

struct hf_keyring_entry {
	uint32_t number;
	uint64_t generation;
	char *cert_path, *key_path; /* as they were asked for; "" none */
	struct hf_credential *credential;
	uint8_t spki[HF_SHA256_LEN];
	uint32_t uses[HF_KEYRING_USERS];
};

struct hf_keyring {
	struct hf_keyring_entry *items[HF_KEYRING_CAP];
	size_t len;
	uint32_t last_number;
};

/* Takes the credential over, also on failure; what was there of that generation and those paths
 * goes, and so does what nobody uses and is older. */
int hf_keyring_add(struct hf_keyring *ring, uint64_t generation, const char *cert_path,
		   const char *key_path, struct hf_credential *credential,
		   struct hf_keyring_entry **ret_entry, struct hf_err *err);
/* That of the generation; when it has gone, the newest of these files. */
struct hf_keyring_entry *hf_keyring_find(const struct hf_keyring *ring, uint64_t generation,
					 const char *cert_path, const char *key_path);
EVP_PKEY *hf_keyring_key(const struct hf_keyring *ring, const uint8_t spki[HF_SHA256_LEN]);
void hf_keyring_use(struct hf_keyring_entry *entry, size_t user);
void hf_keyring_drop(struct hf_keyring *ring, uint32_t number, size_t user);
/* A worker is gone, and with it all its uses. */
void hf_keyring_forget(struct hf_keyring *ring, size_t user);
void hf_keyring_done(struct hf_keyring *ring);

#endif
