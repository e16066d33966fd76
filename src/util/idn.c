/* SPDX-License-Identifier: Apache-2.0 */
/* Host names in other letters.  Must never change a name of ASCII, nor guess where libidn2 refuses:
 * two spellings of one name must not become two names. */
#include "util/idn.h"

#include <dlfcn.h>
#include <idn2.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

typedef int (*lookup_fn)(const uint8_t *src, uint8_t **ret_name, int flags);
typedef void (*free_fn)(void *p);

static bool is_ascii(const char *text)
{
	while (*text && !(*text & 0x80))
		text++;
	return !*text;
}

/* A no-break space becomes a space there, and with IDN2_USE_STD3_ASCII_RULES nothing. */
static bool is_host(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";

	return name[strspn(name, letters)] == '\0';
}

static bool encode_by(void *library, const char *name, char *ret, size_t cap)
{
	static const int flags = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL;
	lookup_fn lookup;
	free_fn release;
	uint8_t *encoded = NULL;
	bool good;

	*(void **)&lookup = dlsym(library, "idn2_lookup_u8");
	*(void **)&release = dlsym(library, "idn2_free");
	if (!lookup || !release)
		return false;
	good = lookup((const uint8_t *)name, &encoded, flags) == IDN2_OK &&
	       is_host((const char *)encoded) && hf_str_copy(ret, cap, (const char *)encoded);
	release(encoded);
	return good;
}

bool hf_idn_encode(const char *name, char *ret, size_t cap)
{
	void *library;
	bool good;

	if (is_ascii(name))
		return hf_str_copy(ret, cap, name);
	library = dlopen("libidn2.so.0", RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return false;
	good = encode_by(library, name, ret, cap);
	(void)dlclose(library);
	return good;
}
