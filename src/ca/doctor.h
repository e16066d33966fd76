/* SPDX-License-Identifier: Apache-2.0 */
/* What will fail tomorrow: a look at a home, or at files. */
#ifndef HF_CA_DOCTOR_H
#define HF_CA_DOCTOR_H

#include <stdint.h>

#include "base/macros.h"
#include "pki/cert.h"

enum hf_doctor_id {
#define HF_DOCTOR(name, id, severity, sentence, fix) HF_DOCTOR_##name,
#include "ca/doctor.def"
#undef HF_DOCTOR
	HF_DOCTOR_COUNT
};
enum hf_doctor_severity { HF_DOCTOR_NOTE, HF_DOCTOR_WARNING, HF_DOCTOR_ERROR };
struct hf_doctor_info {
	const char *id, *sentence, *fix;
	enum hf_doctor_severity severity;
};
const struct hf_doctor_info *hf_doctor_info(enum hf_doctor_id id);
const char *hf_doctor_severity_name(enum hf_doctor_severity severity);

struct hf_doctor_finding {
	enum hf_doctor_id id;
	char *where;  /* a path or a name */
	char *detail; /* what exactly: a date, a serial; "" when there is no more to say */
	char *fix;    /* the command that mends it; NULL: the id's own words */
	int64_t at;   /* when it fails, or failed; 0: now, or no date is known */
};
struct hf_doctor {
	const char *home;
	int64_t now, warn; /* how many seconds before an end it warns */
	bool exact;	   /* so long, and not only in the last third of a life */
	struct hf_doctor_finding *items;
	size_t len, alloc;
	size_t looked_at; /* files */
	/* should the authority be lost now: when the first of its lists ends; 0: there is no
	 * authority, or a list of it is of no use as it is */
	int64_t lists_until;
};
void hf_doctor_done(struct hf_doctor *d);
HF_DEFINE_AUTO_DONE(hf_doctor, struct hf_doctor, hf_doctor_done);
/* NOTE when nothing was found */
enum hf_doctor_severity hf_doctor_worst(const struct hf_doctor *d);

/* The authority, its lists, the identities, the trust of the home. */
int hf_doctor_home(struct hf_doctor *d, struct hf_err *err);
/* What a party presents elsewhere, leaf first: its dates, its names and what is missing in it by
 * the CA certificates that are known here (may be none). */
int hf_doctor_chain(struct hf_doctor *d, const struct hf_certs *chain, const struct hf_certs *known,
		    const char *where, struct hf_err *err);
/* Variables that change what programs here trust. */
int hf_doctor_environment(struct hf_doctor *d, struct hf_err *err);
/* Notes a finding of somebody who looked elsewhere; fmt is the detail. */
int hf_doctor_add(struct hf_doctor *d, enum hf_doctor_id id, const char *where, struct hf_err *err,
		  const char *fmt, ...) HF_PRINTF(5, 6);
/* Says when the finding added last fails, and with what command it is mended. */
void hf_doctor_when(struct hf_doctor *d, int64_t at);
int hf_doctor_fix(struct hf_doctor *d, struct hf_err *err, const char *fmt, ...) HF_PRINTF(3, 4);
/* What fails now first, then by date; notes last. */
void hf_doctor_sort(struct hf_doctor *d);

/* One file: certificates (the first is the leaf), keys, lists. */
int hf_doctor_file(struct hf_doctor *d, const char *path, struct hf_err *err);

#endif
