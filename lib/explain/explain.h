/* SPDX-License-Identifier: Apache-2.0 */
/* From what was seen to who refused whom, why, and who must mend what.  Pure: no files, no network,
 * no clock.  The caller looks (src/probe), hands in what it saw, and may be asked to look again. */
#ifndef HF_EXPLAIN_EXPLAIN_H
#define HF_EXPLAIN_EXPLAIN_H

#include "tls/conn.h"
#include "verify/verdict.h"

enum hf_side {
	HF_SIDE_NOBODY,
	HF_SIDE_CLIENT,
	HF_SIDE_SERVER,
	HF_SIDE_BOTH,
	HF_SIDE_NETWORK,
	HF_SIDE_CA,
};
const char *hf_side_name(enum hf_side side);

enum hf_confidence { HF_CERTAIN, HF_LIKELY, HF_CANNOT_KNOW };
const char *hf_confidence_name(enum hf_confidence confidence); /* "certain" … */

/* --- what was seen ----------------------------------------------------------------------- */

enum hf_look_kind {
	HF_LOOK_MAIN,	    /* as the client would */
	HF_LOOK_NO_CERT,    /* the same without a client certificate */
	HF_LOOK_TLS12,	    /* the same in TLS 1.2, where the alert comes inside the handshake */
	HF_LOOK_SNI,	    /* with the server name that was left out */
	HF_LOOK_NO_SNI,	    /* without one */
	HF_LOOK_PROXY,	    /* with a PROXY header in front */
	HF_LOOK_NO_PROXY,   /* without the PROXY header */
	/* without the settings given for versions, suites, groups, schemes, ALPN */
	HF_LOOK_DEFAULTS,
	HF_LOOK_ANYTHING,   /* offering whatever the library has */
	HF_LOOK_LATE_AUTH,  /* offering post-handshake authentication */
	HF_LOOK_HTTP1,	    /* without ALPN, where h2 was chosen: for what only HTTP/1.1 tells */
	HF_LOOK_HTTP2,	    /* offering h2, where the server speaks it unasked */
	HF_LOOK_SMALL,	    /* in small TCP segments */
	HF_LOOK_RESUMED,    /* resuming the session of the first */
	HF_LOOK_DATE,	    /* whatever the server's certificate is worth: for its clock */
	HF_LOOK_KINDS,
};
const char *hf_look_words(enum hf_look_kind kind); /* "without the client certificate" */

enum hf_look_end {
	HF_LOOK_UNREACHED, /* no TCP connection: sys_errno tells */
	HF_LOOK_ANSWERED,  /* an HTTP answer came */
	HF_LOOK_OPEN,	   /* handshake done, nothing came in the time allowed */
	HF_LOOK_CLOSED,	   /* the peer ended its direction */
	HF_LOOK_LOST,	   /* reset */
	HF_LOOK_REFUSED,   /* by alert, ours or theirs: failure tells */
	HF_LOOK_SILENT,	   /* not one byte came */
	HF_LOOK_NOT_MADE,  /* our own side could not begin: own_error tells */
};

struct hf_web_answer {
	int status;	      /* 0: no answer */
	int stream_error;     /* HTTP/2: the stream ended in this code; -1 none */
	char server[64];      /* escaped; "" when not said */
	int64_t date;	      /* of the Date field; 0 none */
	bool challenge;	      /* WWW-Authenticate: the application has a login of its own */
	char body[4096];      /* its beginning, NUL-terminated, raw */
};

struct hf_look {
	bool made;
	enum hf_look_end end;
	int sys_errno;
	bool handshake_done;
	bool speaks_h2;	      /* it speaks HTTP/2 without having been asked to */
	bool asked;	      /* our request was sent before the end came */
	bool resumable;	      /* the server gave something to resume */
	bool unconfirmed;     /* what we sent last has not arrived, after all that time */
	bool failed;
	struct hf_tls_failure failure;
	struct hf_tls_info info; /* without its strings */
	struct hf_transcript transcript;
	struct hf_web_answer http;
	bool judged;
	struct hf_verdict server; /* our verdict on the server */
	int64_t at;	      /* our clock then */
	char own_error[HF_ERR_MSG_CAP];
};
void hf_look_init(struct hf_look *look);
void hf_look_done(struct hf_look *look);

/* Something about a file, found before a byte was sent. */
struct hf_file_finding {
	enum hf_reason reason;
	bool server_side;
	char path[256], text[512], fix[512];
	struct hf_cert *cert; /* counted; may be NULL */
};
enum { HF_FILE_FINDINGS_CAP = 16 };

/* What the client set that narrows what it offers. */
struct hf_client_settings {
	bool plain;	    /* the target is http:// */
	bool send_proxy;
	bool versions, ciphers, groups, sigalgs, alpn; /* were set by hand */
	bool trusts_somebody;
	bool one_shot;
};

struct hf_case {
	const char *target;	 /* "gw.fleet.test:8443" */
	const char *left, *right; /* what the two lanes are called; NULL: as seen from the client */
	const char *name;	 /* what the certificate must be valid for */
	const char *cert_path;	 /* the client's certificate file; NULL: none */
	const char *ca_path;	 /* the first trust file; NULL: the home's */
	const char *crl_path;	 /* the first list; NULL: none */
	const char *server_cert_path, *server_ca_path, *server_crl_path; /* NULL: unknown */
	struct hf_client_settings set;
	struct hf_file_finding files[HF_FILE_FINDINGS_CAP];
	size_t files_len;
	bool have_own;
	struct hf_certs own;	       /* the client's chain as it will be sent */
	struct hf_certs own_path;      /* leaf up to what is known here of its CAs */
	bool own_judged, own_by_server_judged;
	struct hf_verdict own_alone;   /* on its own merits, whoever is trusted */
	bool own_anchored;	       /* by what is trusted here */
	/* a file that holds the CA certificate the client does not send */
	char bridge[256];
	/* the server's leaf up to what is known here of its CAs, and the file of one not sent */
	struct hf_certs server_path;
	char server_bridge[256];
	struct hf_verdict own_by_server; /* under the server's trust and lists */
	struct hf_certs client_trust;  /* whom the client trusts */
	bool have_server_files;
	struct hf_certs server_chain;  /* of its certificate file */
	struct hf_certs server_trust;  /* of its CA file */
	bool server_trust_known;
	int64_t now;
	struct hf_look looks[HF_LOOK_KINDS];
	size_t extra_looks;
	struct hf_strv notes;	       /* what the environment adds */
};
void hf_case_init(struct hf_case *c);
void hf_case_done(struct hf_case *c);

/* --- what it means ----------------------------------------------------------------------- */

enum { HF_CANDIDATES = 12 };
struct hf_explanation {
	bool meets;		/* they come together, here and now */
	enum hf_reason cause;	/* HF_REASON_NONE when nothing is wrong, or nobody can know */
	enum hf_side refused_by, fault_in;
	enum hf_confidence confidence;
	enum hf_reason candidates[HF_CANDIDATES]; /* the cause first */
	size_t candidates_len;
	enum hf_role role;
	struct hf_cert *cert;	/* counted */
	int64_t since;		/* 0: not known */
	int alert;		/* -1 none */
	int http_status;	/* of the look that decided; 0 none */
	bool alert_received;
	char *headline, *why, *fix; /* owned, escaped; may be NULL */
	struct hf_strv evidence, cannot_know, also; /* also: other findings, consequences marked */
	enum hf_look_kind wants; /* look so, and ask again; HF_LOOK_MAIN: nothing more */
};
void hf_explanation_init(struct hf_explanation *e);
void hf_explanation_done(struct hf_explanation *e);
HF_DEFINE_AUTO_DONE(hf_explanation, struct hf_explanation, hf_explanation_done);

/* 0 or -HF_E_NOMEM.  e is initialised by the caller. */
int hf_explain(const struct hf_case *c, struct hf_explanation *e, struct hf_err *err);

/* Text for people, 80 columns; JSON with the fields of the command line's contract; HTML, one page
 * that needs nothing else. */
void hf_explanation_format(const struct hf_case *c, const struct hf_explanation *e,
			   struct hf_buf *out);
void hf_explanation_to_json(const struct hf_case *c, const struct hf_explanation *e,
			    struct hf_json *j);
void hf_explanation_to_html(const struct hf_case *c, const struct hf_explanation *e,
			    struct hf_buf *out);

/* "ladder": the steps of the client's look. */
void hf_ladder_rung_to_json(const struct hf_event *event, bool failed, struct hf_json *j);
void hf_ladder_to_json(const struct hf_case *c, const struct hf_explanation *e, struct hf_json *j);

/* What the sentences of a cause may name; NULL or "" for what is not known.  All borrowed. */
struct hf_words_about {
	enum hf_side judge; /* who refused */
	const char *subject, *issuer, *serial, *until, *begins, *names, *critical;
	const char *name, *target, *holder_file, *trust_file, *lists_file, *top, *bridge;
};
/* What happened, and what to do; owned by the caller, NULL when the cause has no words. */
char *hf_words_why(enum hf_reason reason, const struct hf_words_about *about);
char *hf_words_fix(enum hf_reason reason, const struct hf_words_about *about);

/* Who must mend it when `judge` refused the certificate of the other side. */
enum hf_side hf_cause_fault(enum hf_reason reason, enum hf_side judge);

/* Whose certificate it is about then; `found` where the finding stood. */
enum hf_role hf_cause_role(enum hf_reason reason, enum hf_side judge, enum hf_role found);

#endif
