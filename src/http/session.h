/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the HTTP server; for src/http only. */
#ifndef HF_HTTP_SESSION_H
#define HF_HTTP_SESSION_H

#include "base/time.h"
#include "http/body.h"
#include "http/message.h"
#include "http/stream.h"

enum {
	HF_SESSION_READ = 16 * 1024,	    /* one TLS record */
	HF_SESSION_UNSENT_CAP = 256 * 1024, /* more than this waiting: no further request is read */
	HF_SESSION_FILE_READ = 128 * 1024,
};

enum hf_session_state {
	HF_SESSION_IDLE, /* no byte of the next request */
	HF_SESSION_HEAD, /* in the middle of a head */
	HF_SESSION_BODY, /* in the middle of a body */
	HF_SESSION_STREAM_BODY, /* in the middle of a body that a stream takes */
	HF_SESSION_SENDING, /* a file, or more than the peer takes */
	HF_SESSION_STREAM, /* the body is there, a stream answers */
	HF_SESSION_ENDING,
};

/* What a session keeps only while a request or an answer is incomplete. */
struct hf_session_held {
	struct hf_buf bytes; /* the head so far */
	struct hf_buf rest;  /* what came after the request being answered */
	struct hf_http_head head;
	struct hf_http_body body;
	struct hf_buf trailers; /* of the body, when a stream wants them */
	int fd; /* being sent; -1 none */
	uint64_t fd_left;
};

struct hf_http_session {
	struct hf_http_server *server;
	struct hf_conn *conn;
	void *arg;
	struct hf_http_session *prev, *next;	     /* all of a server */
	struct hf_http_session *late_prev, *late_next; /* in `late` of the server */
	struct hf_session_held *held;
	uint64_t begun_ms;    /* first byte of the request */
	uint64_t deadline_ms; /* 0: none */
	uint64_t requests;
	const struct hf_http_stream_ops *stream; /* who answers piece by piece; NULL */
	void *stream_arg;
	enum hf_session_state state;
	bool finish; /* no request after the one it is at */
	bool timed;  /* in a list of the server */
	bool answering, paused, unframed; /* of a stream */
};

/* A list of sessions that have a deadline; all of one list have the same span, so it is sorted. */
struct hf_session_list {
	struct hf_http_session *first, *last;
};

struct hf_http_server {
	struct hf_loop *loop;
	struct hf_http_server_config config;
	const struct hf_http_server_ops *ops;
	void *arg;
	struct hf_timer *timer; /* runs while a list has somebody */
	bool timer_runs, draining;
	struct hf_http_session *sessions;
	size_t sessions_len;
	uint64_t served; /* sessions there have been */
	struct hf_session_list in_head, in_body;
	int64_t date_at;
	char date[HF_TIME_TEXT_CAP];
	struct hf_http_head head; /* of requests that come in one piece */
	struct hf_buf out;	  /* answers of this round */
	struct hf_http_session *feeding; /* the one whose bytes are being taken */
	struct hf_buf scratch;	  /* for handlers */
	char in[HF_SESSION_READ];
};

/* server.c */
void hf_session_time(struct hf_http_session *session, struct hf_session_list *list,
		     uint64_t after_ms);
void hf_session_untime(struct hf_http_session *session);
const char *hf_http_server_date(struct hf_http_server *server, int64_t now);
/* Makes session->held when it is not there; false when there is no memory. */
bool hf_session_hold(struct hf_http_session *session);
void hf_session_held_free(struct hf_session_held *held);

/* session.c */
void hf_session_unlink(struct hf_http_session *session); /* from its server */
extern const struct hf_conn_ops hf_session_ops;
/* Goes on after an answer is out: what had come before, then new bytes. */
void hf_session_resume(struct hf_http_session *session);
/* Ends it: now when it is idle, else after the answer it is at. */
void hf_session_finish(struct hf_http_session *session);

/* stream.c */
/* Offers a request whose head is complete to on_head; true when it is taken or answered. */
bool hf_session_offer(struct hf_http_session *session, const struct hf_http_head *head,
		      const struct hf_http_body *body);
size_t hf_session_feed_stream(struct hf_http_session *session, const char *data, size_t len);
void hf_session_stream_writable(struct hf_http_session *session);
void hf_session_stream_gone(struct hf_http_session *session, const char *why);

/* answer.c */
void hf_session_request(struct hf_http_session *session, const struct hf_http_head *head,
			uint64_t body_len, struct hf_http_request *ret_request);
/* Answers the complete request `head`. */
void hf_session_answer(struct hf_http_session *session, const struct hf_http_head *head,
		       uint64_t body_len);
/* Answers what could not be read, and ends the session. */
void hf_session_refuse(struct hf_http_session *session, int status, const char *why);
void hf_session_continue(struct hf_http_session *session); /* 100 Continue */
/* Hands server->out to the connection. */
void hf_session_flush(struct hf_http_session *session);
/* Sends on; true when the answer is out. */
bool hf_session_pump(struct hf_http_session *session);

#endif
