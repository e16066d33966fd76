/* SPDX-License-Identifier: Apache-2.0 */
/* upstream - a tiny single-threaded epoll HTTP/1.1 server, plaintext, loopback only.
 *
 *   cc -O2 -o upstream upstream.c
 *   upstream --port P [--listen 127.0.0.1] [--body 100] [--max-seconds S]
 *
 * The same back end behind every terminator that is measured, and a misbehaving one for fault tests.
 * Answers keep-alive, pipelined requests in order, and reads (and drops) request bodies with a
 * Content-Length or chunked coding.  Paths:
 *   /             200, --body bytes of 'x'
 *   /bytes/N      200, N bytes, Content-Length
 *   /chunked/N    200, N bytes in chunks of 4096
 *   /echo         200, the request head as it arrived (what the terminator really forwarded)
 *   /sink         200, the number of request-body bytes received, in decimal
 *   /stall        never answers          /close     closes without answering
 *   /reset        sends RST              /half/N    announces N bytes, sends half, closes
 *   /drip/N       N bytes, one every 10 ms          /garbage   answers something that is not HTTP
 *   /bye          200 with Connection: close, then closes
 *   Every path but /sink is answered at once, without waiting for the request's body.
 * SIGTERM ends it; with --max-seconds it ends by itself. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define IN_MAX 65536
struct conn {
	int fd;
	char *in; /* allocated while a request is arriving */
	size_t inlen;
	uint64_t skip, got; /* request-body bytes still to drop; dropped so far */
	int chunk;	    /* 0: no chunked body, 1: size line, 2: data, 3: CRLF, 4: trailer */
	bool sink;	    /* answer with the body's length */
	char out[4096];	    /* response head and small bodies */
	size_t outlen, outoff;
	uint64_t fill; /* bytes of 'x' still to send after out[] */
	bool chunked_fill, closing, stalled, want_out;
	uint64_t drip, drip_due;
	struct conn *next_drip;
};
static int ep;
static size_t body_n = 100;
static char xs[65536];
static struct conn *drips;
static volatile sig_atomic_t stop;
static void on_term(int s)
{
	(void)s;
	stop = 1;
}

static uint64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static void drop(struct conn *c)
{
	for (struct conn **p = &drips; *p; p = &(*p)->next_drip)
		if (*p == c) {
			*p = c->next_drip;
			break;
		}
	close(c->fd);
	free(c->in);
	free(c);
}

static void interest(struct conn *c, bool out)
{
	if (out == c->want_out)
		return;
	c->want_out = out;
	struct epoll_event e = { .events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = c };
	epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
}

/* Sends what is queued.  -1: the connection is gone. */
static int flush_out(struct conn *c)
{
	while (c->outoff < c->outlen || c->fill) {
		ssize_t n;
		if (c->outoff < c->outlen && c->fill && !c->chunked_fill) {
			struct iovec v[2] = { { c->out + c->outoff, c->outlen - c->outoff },
					      { xs, c->fill < sizeof xs ? (size_t)c->fill
									: sizeof xs } };
			struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };
			n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
		} else if (c->outoff < c->outlen)
			n = send(c->fd, c->out + c->outoff, c->outlen - c->outoff, MSG_NOSIGNAL);
		else if (c->chunked_fill) {
			size_t k = c->fill < 4096 - 64 ? (size_t)c->fill : 4096 - 64;
			c->fill -= k;
			c->outoff = 0;
			c->outlen = (size_t)sprintf(c->out, "%zx\r\n", k);
			memset(c->out + c->outlen, 'x', k);
			c->outlen += k;
			c->outlen +=
			    (size_t)sprintf(c->out + c->outlen, c->fill ? "\r\n" : "\r\n0\r\n\r\n");
			continue;
		} else
			n = send(c->fd, xs, c->fill < sizeof xs ? (size_t)c->fill : sizeof xs,
				 MSG_NOSIGNAL);
		if (n < 0) {
			if (errno == EAGAIN) {
				interest(c, true);
				return 0;
			}
			drop(c);
			return -1;
		}
		size_t h = c->outlen - c->outoff, u = (size_t)n < h ? (size_t)n : h;
		c->outoff += u;
		if (!c->chunked_fill)
			c->fill -= (uint64_t)((size_t)n - u);
	}
	c->outoff = c->outlen = 0;
	interest(c, false);
	if (c->closing && !c->drip) {
		drop(c);
		return -1;
	}
	return 0;
}

static void head(struct conn *c, uint64_t len, const char *extra)
{
	c->outlen += (size_t)sprintf(
	    c->out + c->outlen,
	    "HTTP/1.1 200 OK\r\nServer: up\r\nContent-Type: text/plain\r\nContent-Length: %llu\r\n%s\r\n",
	    (unsigned long long)len, extra);
}

/* One complete request head of n bytes is at c->in.  -1: the connection is gone. */
static int answer(struct conn *c, size_t n)
{
	char path[256] = "";
	sscanf(c->in, "%*15s %255s", path);
	char save = c->in[n - 1];
	c->in[n - 1] = 0;
	char *cl = strcasestr(c->in, "\r\ncontent-length:"),
	     *te = strcasestr(c->in, "\r\ntransfer-encoding: chunked");
	bool close_it = strcasestr(c->in, "\r\nconnection: close") != NULL;
	c->skip = cl ? strtoull(cl + 17, NULL, 10) : 0;
	c->chunk = te ? 1 : 0;
	c->got = 0;
	c->in[n - 1] = save;
	const char *cc = close_it ? "Connection: close\r\n" : "";
	if (close_it)
		c->closing = true;
	if (!strncmp(path, "/bytes/", 7)) {
		c->fill = strtoull(path + 7, NULL, 10);
		head(c, c->fill, cc);
	} else if (!strncmp(path, "/chunked/", 9)) {
		c->fill = strtoull(path + 9, NULL, 10);
		c->chunked_fill = true;
		c->outlen +=
		    (size_t)sprintf(c->out + c->outlen,
				    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n%s\r\n", cc);
	} else if (!strcmp(path, "/echo")) {
		size_t k = n < sizeof c->out - 512 ? n : sizeof c->out - 512;
		head(c, k, cc);
		memcpy(c->out + c->outlen, c->in, k);
		c->outlen += k;
	} else if (!strcmp(path, "/sink")) {
		c->sink = true;
		return 0;
	} else if (!strcmp(path, "/stall")) {
		c->stalled = true;
		return 0;
	} else if (!strcmp(path, "/close")) {
		drop(c);
		return -1;
	} else if (!strcmp(path, "/reset")) {
		struct linger l = { 1, 0 };
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
		drop(c);
		return -1;
	} else if (!strncmp(path, "/half/", 6)) {
		uint64_t k = strtoull(path + 6, NULL, 10);
		head(c, k, cc);
		c->fill = k / 2;
		c->closing = true;
	} else if (!strncmp(path, "/drip/", 6)) {
		c->drip = strtoull(path + 6, NULL, 10);
		head(c, c->drip, cc);
		c->drip_due = now_ms() + 10;
		c->next_drip = drips;
		drips = c;
	} else if (!strcmp(path, "/garbage")) {
		c->outlen +=
		    (size_t)sprintf(c->out + c->outlen, "\x16\x03\x01 this is not HTTP\r\n\r\n");
		c->closing = true;
	} else if (!strcmp(path, "/bye")) {
		head(c, body_n, "Connection: close\r\n");
		c->fill = body_n;
		c->closing = true;
	} else if (body_n <= 1024) {
		head(c, body_n, cc);
		memset(c->out + c->outlen, 'x', body_n);
		c->outlen += body_n;
	} else {
		head(c, body_n, cc);
		c->fill = body_n;
	}
	return 0;
}

static void process(struct conn *c)
{
	for (;;) {
		size_t off = 0;
		/* the request's body first, if one is owed */
		while (off < c->inlen && (c->skip || c->chunk)) {
			if (c->skip) {
				size_t u =
				    c->inlen - off < c->skip ? c->inlen - off : (size_t)c->skip;
				c->skip -= u;
				c->got += u;
				off += u;
				if (!c->skip && c->chunk == 2)
					c->chunk = 3;
				continue;
			}
			char *nl = memchr(c->in + off, '\n', c->inlen - off);
			if (!nl)
				break;
			size_t len = (size_t)(nl - (c->in + off)) + 1;
			if (c->chunk == 1) {
				c->skip = strtoull(c->in + off, NULL, 16);
				c->chunk = c->skip ? 2 : 4;
			} else if (c->chunk == 3)
				c->chunk = 1;
			else if (len <= 2)
				c->chunk = 0;
			off += len;
		}
		memmove(c->in, c->in + off, c->inlen - off);
		c->inlen -= off;
		if (c->skip || c->chunk)
			break;
		if (c->sink) {
			char b[32];
			int bl = snprintf(b, sizeof b, "%llu\n", (unsigned long long)c->got);
			head(c, (uint64_t)bl, "");
			memcpy(c->out + c->outlen, b, (size_t)bl);
			c->outlen += (size_t)bl;
			c->sink = false;
		}
		if (c->outlen && flush_out(c))
			return;
		if (c->outlen || c->fill || c->drip || !c->inlen)
			break; /* answer in order */
		c->in[c->inlen] = 0;
		char *e = memmem(c->in, c->inlen, "\r\n\r\n", 4);
		if (!e) {
			if (c->inlen == IN_MAX) {
				drop(c);
				return;
			}
			break;
		}
		size_t n = (size_t)(e - c->in) + 4;
		c->chunked_fill = false;
		if (answer(c, n))
			return;
		memmove(c->in, c->in + n, c->inlen - n);
		c->inlen -= n;
		if (c->stalled) {
			c->inlen = 0;
			return;
		}
		if (c->outlen && flush_out(c))
			return;
	}
	if (!c->inlen) {
		free(c->in);
		c->in = NULL;
	}
}

static void on_in(struct conn *c)
{
	if (!c->in && !(c->in = malloc(IN_MAX + 1))) {
		drop(c);
		return;
	}
	if (c->inlen == IN_MAX)
		return; /* a response is still going out; read on later */
	ssize_t k = recv(c->fd, c->in + c->inlen, IN_MAX - c->inlen, 0);
	if (k == 0 || (k < 0 && errno != EAGAIN)) {
		drop(c);
		return;
	}
	if (k < 0)
		return;
	c->inlen += (size_t)k;
	if (c->stalled) {
		c->inlen = 0;
		return;
	}
	process(c);
}

int main(int argc, char **argv)
{
	const char *addr = "127.0.0.1";
	int port = 0;
	double max_s = 3600;
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--port"))
			port = atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "--listen"))
			addr = argv[i + 1];
		else if (!strcmp(argv[i], "--body"))
			body_n = strtoull(argv[i + 1], NULL, 10);
		else if (!strcmp(argv[i], "--max-seconds"))
			max_s = atof(argv[i + 1]);
		else
			return fprintf(stderr, "upstream: unknown option %s\n", argv[i]), 2;
	}
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	if (!port || inet_pton(AF_INET, addr, &a.sin_addr) != 1 ||
	    (ntohl(a.sin_addr.s_addr) >> 24) != 127)
		return fprintf(
			   stderr,
			   "usage: upstream --port P [--listen 127.x.x.x] [--body N] [--max-seconds S]\n"),
		       2;
	memset(xs, 'x', sizeof xs);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, on_term);
	signal(SIGINT, on_term);
	struct rlimit rl;
	if (!getrlimit(RLIMIT_NOFILE, &rl)) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
	int ls = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
	setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(ls, (struct sockaddr *)&a, sizeof a) || listen(ls, 4096))
		return perror("upstream"), 1;
	ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL }, evs[256];
	epoll_ctl(ep, EPOLL_CTL_ADD, ls, &ev);
	uint64_t end = now_ms() + (uint64_t)(max_s * 1000);
	while (!stop && now_ms() < end) {
		int n = epoll_wait(ep, evs, 256, drips ? 5 : 1000);
		for (int i = 0; i < n; i++) {
			struct conn *c = evs[i].data.ptr;
			if (!c) {
				for (int fd; (fd = accept4(ls, NULL, NULL,
							   SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
					setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
					c = calloc(1, sizeof *c);
					c->fd = fd;
					ev = (struct epoll_event){ .events = EPOLLIN,
								   .data.ptr = c };
					epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
				}
				continue;
			}
			if (evs[i].events & EPOLLOUT) {
				if (flush_out(c))
					continue;
				if (c->inlen && !c->outlen && !c->fill) {
					process(c);
					continue;
				} /* what was pipelined */
			}
			if (evs[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
				on_in(c);
		}
		uint64_t t = drips ? now_ms() : 0;
		for (struct conn *c = drips, *nx; c; c = nx) {
			nx = c->next_drip;
			if (t < c->drip_due)
				continue;
			c->drip_due = t + 10;
			if (send(c->fd, "x", 1, MSG_NOSIGNAL) != 1 && errno != EAGAIN) {
				drop(c);
				continue;
			}
			if (--c->drip == 0) {
				for (struct conn **p = &drips; *p; p = &(*p)->next_drip)
					if (*p == c) {
						*p = c->next_drip;
						break;
					}
				if (c->closing)
					drop(c);
			}
		}
	}
	return 0;
}
