/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of lib/explain share. */
#ifndef HF_EXPLAIN_INTERNAL_H
#define HF_EXPLAIN_INTERNAL_H

#include "explain/explain.h"

struct deduction {
	const struct hf_case *c;
	const struct hf_look *main;
	const struct hf_transcript *t; /* of main */
	struct hf_explanation *e;
	bool over_h2; /* the client speaks HTTP/2; main is the same over HTTP/1.1 */
};

/* explanation.c */
void hf_say_evidence(struct hf_explanation *e, const char *fmt, ...) HF_PRINTF(2, 3);
/* Which certificate a finding is about, and what was wanted of it. */
void hf_say_finding(struct hf_explanation *e, const struct hf_finding *finding);
void hf_say_cannot_know(struct hf_explanation *e, const char *fmt, ...) HF_PRINTF(2, 3);
void hf_say_also(struct hf_explanation *e, const char *fmt, ...) HF_PRINTF(2, 3);
void hf_say_why(struct hf_explanation *e, const char *fmt, ...) HF_PRINTF(2, 3);
void hf_say_fix(struct hf_explanation *e, const char *fmt, ...) HF_PRINTF(2, 3);
/* The cause, who refused and how sure; fault and role come from the table. */
void hf_decide(struct deduction *d, enum hf_reason cause, enum hf_side refused_by,
	       enum hf_confidence confidence);
void hf_add_candidate(struct hf_explanation *e, enum hf_reason reason);
void hf_set_cert(struct hf_explanation *e, enum hf_role role, struct hf_cert *cert);
/* Asks for another look; false when it was made already or may not be. */
bool hf_want(struct deduction *d, enum hf_look_kind kind);
const struct hf_look *hf_look_of(const struct deduction *d, enum hf_look_kind kind); /* or NULL */

/* facts.c */
bool hf_names_have(const STACK_OF(X509_NAME) *names, const X509_NAME *name);
bool hf_chain_reaches(const struct hf_certs *chain, const STACK_OF(X509_NAME) *names);
bool hf_key_can_sign(const struct hf_cert *leaf, const struct hf_demand *demand, bool tls13);
/* That look got as far as a ServerHello, or an alert, which is TLS too; NULL did not. */
bool hf_speaks_tls(const struct hf_look *look);
bool hf_certificate_sent(const struct hf_transcript *t);
/* Nothing but the leaf (s_server may send it twice). */
bool hf_leaf_alone(const struct hf_certs *sent);
size_t hf_chain_bytes(const struct hf_certs *chain);
int64_t hf_clock_offset(const struct deduction *d, bool *ret_known); /* peer minus us, seconds */
bool hf_wants_staple(const struct hf_cert *leaf);
/* A list names this serial since before this certificate was made. */
bool hf_revoked_another(const struct hf_finding *f);
/* Root cause among refusing findings. */
const struct hf_finding *hf_refusing_finding(const struct hf_verdict *v);

/* deduce_version.c */
unsigned hf_highest_version(const struct hf_codes *versions); /* 0: none */
/* server: what it speaks, 0 when that is not known. */
void hf_versions_apart(struct deduction *d, enum hf_side refused_by, unsigned server);
bool hf_deduce_version(struct deduction *d, bool by_server);

/* deduce_missing.c */
/* A CA certificate that is known here was not sent, and with it the chain leads to a CA that
 * `judge` trusts. */
bool hf_deduce_gap(struct deduction *d, enum hf_side judge);
/* The same of the client's chain above the leaf, where the server's trust is known by the names it
 * asked for. */
bool hf_deduce_gap_by_names(struct deduction *d);
/* Nobody here knows the issuer of what was sent last: V-UNKNOWN-CA and V-NO-INTERMEDIATE look
 * alike, when a leaf came alone or the issuer's name is of the judge's house. */
void hf_doubt_top(struct deduction *d, enum hf_side judge);

/* deduce_again.c */
/* The client sends no server name, and meets another policy than under the name. */
bool hf_deduce_default_policy(struct deduction *d);
/* They met: would they again? */
bool hf_deduce_again(struct deduction *d);

/* deduce_inspection.c: f is what the client refuses the server's certificate for. */
bool hf_deduce_inspection(struct deduction *d, const struct hf_finding *f);

/* deduce_path.c */
/* The handshake broke off before the client's certificate went out. */
bool hf_deduce_broken_off(struct deduction *d);
/* Two packets are one too many for whatever stands between. */
bool hf_deduce_hello_size(struct deduction *d);
/* The server, or the path, says nothing more. */
bool hf_deduce_silence(struct deduction *d);

/* deduce_*.c: true when the cause was found (or a look is wanted). */
bool hf_deduce_transport(struct deduction *d);
bool hf_deduce_protocol(struct deduction *d);
bool hf_deduce_server_certificate(struct deduction *d);
bool hf_deduce_client_certificate(struct deduction *d);
/* deduce_names.c */
struct hf_cert *hf_own_leaf(const struct deduction *d);
struct hf_cert *hf_own_top(const struct deduction *d);
size_t hf_intermediates(const struct hf_certs *chain);
void hf_blame(struct deduction *d, enum hf_reason cause, enum hf_confidence confidence,
	      enum hf_role role, struct hf_cert *cert);
bool hf_says_nothing(int alert);
bool hf_deduce_by_names(struct deduction *d, int alert);
/* deduce_alert.c */
bool hf_says_too_deep(const struct deduction *d, int alert);
/* By its list of schemes the server is GnuTLS, which says alert 49 of everything. */
bool hf_is_gnutls(const struct deduction *d);
/* K-CLOCK or K-SKEW-SMALL of the server; `otherwise` is how sure one is without its Date. */
bool hf_server_clock_is_off(struct deduction *d, int alert, enum hf_confidence otherwise);
bool hf_deduce_by_alert(struct deduction *d, int alert, bool by_http);
/* Refused without a reason that shows here: says what is left. */
bool hf_deduce_unsaid(struct deduction *d);
/* By the server's clock, known from its HTTP Date, the client's chain is out of date. */
bool hf_deduce_server_clock(struct deduction *d);
bool hf_deduce_http(struct deduction *d);
bool hf_deduce_renegotiation(struct deduction *d);
void hf_deduce_after_meeting(struct deduction *d);
/* The server refused the client's certificate (alert -1: without a word). */
bool hf_deduce_refused_client(struct deduction *d, int alert, bool by_http);

/* text.c: behind a word in the margin (NULL: from the left), broken at 80 columns and at line ends.
 */
void hf_paragraph(struct hf_buf *out, const char *margin, const char *text);

/* ladder.c */
/* Which event of the client's look failed: the alert, or what ended the connection; its length:
 * none.
 */
size_t hf_ladder_failing(const struct hf_case *c, const struct hf_explanation *e);
void hf_ladder_format(const struct hf_case *c, const struct hf_explanation *e, struct hf_buf *out);

/* words.c: headline, why and fix where the deduction gave none. */
void hf_explanation_words(struct deduction *d);

#endif
