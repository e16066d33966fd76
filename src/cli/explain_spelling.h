/* SPDX-License-Identifier: Apache-2.0 */
/* Names and serial numbers as programs write them into their logs: "/O=Zoo/CN=x", "CN = x, O =
 * Zoo", 'O="Weir, Ltd"', "S\\C3\\B6hne". */
#ifndef HF_CLI_EXPLAIN_SPELLING_H
#define HF_CLI_EXPLAIN_SPELLING_H

#include <stdbool.h>

#include <openssl/asn1.h>

/* The same parts in any order; false for empty ones. */
bool explain_same_name(const char *a, const char *b);
/* They share an organization. */
bool explain_same_house(const char *a, const char *b);
/* Hexadecimal, with or without colons; owned, NULL when it is not. */
ASN1_INTEGER *explain_serial(const char *text);

#endif
