/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that have no place here become compile errors (force-included by the build). */
#ifndef HF_BASE_BANNED_H
#define HF_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Some C libraries make macros of them, and poisoning a macro is a warning of its own. */
#undef alloca
#undef sprintf
#undef vsprintf

/* rand and srand are not here: OpenSSL's headers name parameters so (tools/check-banned finds
 * them). */
#pragma GCC poison strcpy strcat stpcpy strncpy strncat sprintf vsprintf strtok gets
#pragma GCC poison localtime gmtime asctime ctime mktime atoi atol atoll atof
#pragma GCC poison tmpnam mktemp alloca

#endif
