/* SPDX-License-Identifier: Apache-2.0 */
/* handfast.yaml: the options of serve as keys, and routes, which only a file can hold. */
#ifndef HF_CLI_SERVE_FILE_H
#define HF_CLI_SERVE_FILE_H

#include "cli/serve.h"
#include <sys/types.h>

#include "base/pack.h"
#include "gateway/notice.h"
#include "gateway/route.h"
#include "util/help.h"

/* A policy for some names or listeners; what it does not say it has from the file. */
struct hf_serve_policy {
	char *name;
	struct hf_strv sni, listen;
	struct hf_serve_opts opts; /* strings point into args */
	struct hf_strv args;
};

/* The configuration of a run: a file's, or that of the command line, which has no routes and
 * policies. */
struct hf_serve_file {
	struct hf_serve_opts opts; /* strings point into args, or the command line */
	struct hf_strv args;
	struct hf_routes routes;
	struct hf_serve_policy *policies;
	size_t policies_len;
};
#define HF_SERVE_FILE_INIT \
	{                  \
		.args = HF_STRV_INIT }

extern const struct hf_man_file hf_serve_man; /* handfast.yaml(5) */

/* Every mistake is told with its place. */
int hf_serve_file_parse(const struct hf_buf *text, const char *path, struct hf_serve_file *ret_file,
			struct hf_err *err);
int hf_serve_file_load(const char *path, struct hf_serve_file *ret_file, struct hf_err *err);
void hf_serve_file_done(struct hf_serve_file *file);
/* An option of the command line that has to stand in the file, when there is one; or NULL. */
const char *hf_serve_file_stray(const struct hf_serve_opts *opts);

/* --- from there to the gateway --- */

struct hf_serve_secret {
	struct hf_serve_secret *next;
	char *file; /* NULL: it was typed */
	struct hf_secret secret;
};

/* What the loader needs, at start and at each reload, in supervisor and workers. */
struct hf_serve_source {
	struct hf_cmd_ctx *ctx;
	struct hf_serve_file *file; /* that it began with */
	const char *path;	    /* to read it from again; NULL: the command line */
	bool originates; /* tunnel: we are the client */
	struct hf_serve_secret *secrets;
	const char *renewal[10]; /* the arguments of who renews our identity */
	int keylog_fd; /* set by hf_serve_config; -1: none */
	struct hf_custody *custody; /* has the keys; NULL: we have */
	/* What its keeper, the supervisor, has read: workers take it from there, and read nothing.
	 * NULL: every process reads for itself. */
	struct hf_notice *read;
	pid_t keeper;
	struct hf_buf *pack;	    /* while the keeper loads: for the notice; else NULL */
	struct hf_unpack *unpack;   /* while a worker loads: from the notice; else NULL */
	/* What was named at the start: no process can read beyond the directories of these; NULL:
	 * they may read what they like. */
	const struct hf_strv *known;
	/* Of what was loaded last.  While a file is the same its list is not decoded again, and all
	 * processes go on to share the memory of it that the supervisor had when it forked. */
	struct hf_crls lists;
};
void hf_serve_source_done(struct hf_serve_source *source);

/* Does any policy ask responders, about its clients or its own certificate? */
bool hf_serve_asks_ocsp(const struct hf_serve_file *file);
/* 0, or a mistake of usage. */
int hf_serve_check(struct hf_cmd_ctx *ctx, const struct hf_serve_file *file);
/* Files, appended to ret_paths (serve_paths.c); what fails is in the source's context: to watch; of
 * credentials; what is read at a reload by a process that has the keys; those of keys and
 * passphrases, as they are called and where that leads. */
int hf_serve_watch(const struct hf_serve_source *source, const struct hf_serve_file *file,
		   struct hf_strv *ret_paths);
int hf_serve_credentials(const struct hf_serve_source *source, const struct hf_serve_file *file,
			 struct hf_strv *ret_paths);
int hf_serve_reads(const struct hf_serve_source *source, struct hf_strv *ret_paths);
int hf_serve_keys(const struct hf_serve_source *source, struct hf_strv *ret_paths);
/* Reads a credential in this process.  ask: somebody may be asked for a passphrase on a terminal.
 */
int hf_serve_read_credential(struct hf_serve_source *source, const struct hf_custody_files *files,
			     bool ask, struct hf_credential **ret_credential, struct hf_err *err);
/* The credential of --cert and --key or --as, or of an identity of the home, by the process that
 * has the keys. */
int hf_serve_load_credential(struct hf_serve_source *source, const struct hf_credential_opts *opts,
			     uint64_t number, struct hf_credential **ret_credential,
			     struct hf_err *err);
/* As hf_gateway_source.load; arg: the source. */
int hf_serve_load(void *arg, uint64_t number, struct hf_gateway_parts *ret_parts,
		  struct hf_err *err);
/* In a child that serves: what the supervisor reads for all can be read from now on. */
int hf_serve_only_read(void *arg, struct hf_err *err);
/* In one that does not. */
void hf_serve_leave(void *arg);
/* listen and alpn (NULL: what the kind of service speaks) must outlive config. */
int hf_serve_config(const struct hf_serve_opts *opts, struct hf_serve_source *source,
		    const struct hf_strv *listen, const char *const *alpn,
		    struct hf_gateway_config *ret_config);
/* The whole of a file; listen gets every listener, and must outlive the configuration. */
int hf_serve_file_config(const struct hf_serve_file *file, struct hf_serve_source *source,
			 struct hf_strv *listen, struct hf_gateway_config *ret_config);

#endif
