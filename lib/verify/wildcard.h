/* SPDX-License-Identifier: Apache-2.0 */
/* Wildcards that RFC 9525 6.3 does not know and some programs do; for lib/verify only. */
#ifndef HF_VERIFY_WILDCARD_H
#define HF_VERIFY_WILDCARD_H

enum hf_wildcard {
	HF_WILDCARD_NO,     /* does not match at all, or is an ordinary "*.example.test" */
	HF_WILDCARD_TOP,    /* "*.test": every host of a top-level domain */
	HF_WILDCARD_BARE,   /* "*" */
	HF_WILDCARD_PREFIX, /* "g*.example.test", and "g*w.example.test" */
	HF_WILDCARD_SUFFIX, /* "*w.example.test" */
	HF_WILDCARD_MIDDLE, /* "gw.*.test": not in the first label */
};
/* How the pattern would match the name (both end with NUL; the name has no final dot). */
enum hf_wildcard hf_wildcard_match(const char *pattern, const char *name);

#endif
