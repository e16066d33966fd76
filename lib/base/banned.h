/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that have no place here become compile errors (force-included by the build). */
#ifndef HF_BASE_BANNED_H
#define HF_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#undef alloca
#pragma GCC poison strcpy strcat stpcpy strncpy strncat sprintf vsprintf strtok gets
#pragma GCC poison localtime gmtime asctime ctime mktime atoi atol atoll atof rand srand
#pragma GCC poison tmpnam mktemp alloca

#endif
