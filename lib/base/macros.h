/* SPDX-License-Identifier: Apache-2.0 */
/* Scope-based cleanup and the few macros everybody uses.  Rules: declare with HF_AUTO(type),
 * initialise at once (to NULL, or -1 for descriptors), hand over with hf_take(), and use no goto
 * in a function that does so (see Linux include/linux/cleanup.h for why). */
#ifndef HF_BASE_MACROS_H
#define HF_BASE_MACROS_H

#include <stddef.h>

#include <handfast/err.h>

#define HF_CLEANUP(fn) __attribute__((cleanup(fn)))
#define HF_UNUSED __attribute__((unused))
#define HF_NONNULL __attribute__((nonnull))

/* For `struct name` with hf free function: HF_DEFINE_AUTO(hf_cert, struct hf_cert, hf_cert_free)
 * then HF_AUTO(hf_cert) c = NULL; */
#define HF_DEFINE_AUTO(name, type, freefn)                                                         \
	HF_UNUSED static inline void hf_auto_##name(type **p)                                      \
	{                                                                                          \
		freefn(*p);                                                                        \
	}                                                                                          \
	typedef type *hf_auto_t_##name

/* For objects that live in place: HF_DEFINE_AUTO_DONE(hf_buf, struct hf_buf, hf_buf_done)
 * then HF_AUTO_DONE(hf_buf) b = HF_BUF_INIT(cap); */
#define HF_DEFINE_AUTO_DONE(name, type, donefn)                                                    \
	HF_UNUSED static inline void hf_auto_done_##name(type *p)                                  \
	{                                                                                          \
		donefn(p);                                                                         \
	}                                                                                          \
	typedef type hf_auto_done_t_##name

#define HF_AUTO(name) HF_CLEANUP(hf_auto_##name) hf_auto_t_##name
#define HF_AUTO_DONE(name) HF_CLEANUP(hf_auto_done_##name) hf_auto_done_t_##name

/* Hands the pointer over: the value is returned and the variable is NULL afterwards. */
#define hf_take(p)                                                                                 \
	__extension__({                                                                            \
		__typeof__(p) hf_taken_ = (p);                                                     \
		(p) = NULL;                                                                        \
		hf_taken_;                                                                         \
	})

#define HF_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define HF_MIN(a, b) ((a) < (b) ? (a) : (b))
#define HF_MAX(a, b) ((a) > (b) ? (a) : (b))

#endif
