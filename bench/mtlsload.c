/* SPDX-License-Identifier: Apache-2.0 */
/* mtlsload - an independent load generator and CPU meter for mutual-TLS servers.
 *
 *   cc -O2 -o mtlsload mtlsload.c -lssl -lcrypto          (C17, OpenSSL 3, Linux)
 *
 * It opens TLS connections to ONE loopback server, presents a client certificate, and prints ONE
 * JSON line.  The figure it exists for is not throughput but the CPU time that the server's
 * processes used per operation: on a small shared machine, where client and server compete for the
 * same cores, wall-clock rates say little, CPU time per operation says a lot.
 *
 * Modes (--mode):
 *   full       --count new connections, each a full mutual handshake; with --request also one GET;
 *              then close_notify, and wait for the server's end of the connection.
 *   resume     the same, but each connection offers the ticket that the previous one on the same
 *              slot received.  Priming connections are made first and are not counted.
 *   keepalive  --concurrency connections, --count GETs spread over them (--depth outstanding each).
 *              Handshakes and one warm-up GET per connection are made first, not counted.
 *   idle       open --count connections at most --concurrency at a time, one GET on each (unless
 *              --no-request), hold them all for --hold seconds, read the server's memory, close.
 *   bulk       GET --path over --concurrency connections, --count times in all; CPU per GiB.
 *
 * Why a "success" is one: under TLS 1.3 a client ends its handshake before the server has looked at
 * the client's certificate.  So without a request a connection only counts as a success if, after
 * our close_notify, the server closed without a fatal alert; with one, if the answer was HTTP 200.
 * Servers that refuse with an HTTP 400 instead of an alert are thus counted as refusing.
 *
 * CPU: clock_getcpuclockid(pid), nanosecond resolution, the whole thread group with the threads
 * that have ended.  --server-pids takes a list; --server-parent adds all descendants of a pid (found
 * anew at each reading).  Memory: Rss/Pss/Private_Dirty summed over those processes' smaps_rollup,
 * that is, user memory only: socket buffers in the kernel are not in it.
 * The loopback device runs the receiver's half of TCP in the sender's time; that is so for every
 * server measured, and neither side is corrected for it.
 *
 * --mint KEY: each new connection presents another certificate, a copy of --cert with a serial number of
 * its own, signed with KEY, that of its issuer.  They are made before anything is counted, --clients of
 * them (default: one for each of --count), at the most 100000.
 *
 * Bounded: --count, --max-seconds (default 60).  It refuses any address outside 127.0.0.0/8 and ::1.
 * Exit: 0 all as expected, 1 some operation failed (or, with --expect-fail, succeeded), 2 usage. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

enum mode { M_FULL, M_RESUME, M_KEEPALIVE, M_IDLE, M_BULK };
static const char *const mode_name[] = { "full", "resume", "keepalive", "idle", "bulk" };
enum state { S_FREE, S_CONNECT, S_HANDSHAKE, S_WRITE, S_READ, S_DRAIN, S_PARKED };

struct http { /* an incremental reader of one HTTP/1.1 response */
	char head[8192];
	size_t headlen;
	bool in_body, chunked, until_eof;
	int status;
	uint64_t left;	 /* body (or chunk) bytes still to come */
	int chunk_state; /* 0 size line, 1 data, 2 CRLF after data, 3 trailer lines */
	char line[128];
	size_t linelen;
};

struct conn {
	int fd, id;
	enum state st;
	SSL *ssl;
	SSL_SESSION *sess; /* kept by the slot from one connection to the next */
	bool priming;	   /* this operation is not counted */
	bool counted;	   /* handshake statistics already taken */
	size_t woff;
	int outstanding; /* responses still expected */
	struct http h;
	uint64_t t0, tdrain;
};

static struct {
	enum mode mode;
	struct sockaddr_storage sa;
	socklen_t salen;
	const char *target, *ca, *cert, *key, *sni, *path, *tls, *groups, *ciphers, *suites,
	    *sigalgs, *label;
	long count, conc;
	double max_s, hold_s;
	int depth, request, spread;
	const char *mint;
	long clients;
	bool insecure, expect_fail, quiet_http;
	pid_t pids[64], parents[16];
	int npids, nparents;
} o = { .mode = M_FULL,
	.path = "/",
	.count = 1000,
	.conc = 32,
	.max_s = 60,
	.hold_s = 2,
	.depth = 1,
	.request = -1,
	.spread = 8 };

static struct {
	long started, ok, fail, resumed, handshakes, http_bad, drain_timeout, responses;
	uint64_t bytes;
	char first_error[256];
	char proto[16], cipher[64], group[32];
} r;

static SSL_CTX *ctx;
static int ep = -1;
static struct conn *slots;
static long nslots;
static char *reqbuf;
static size_t reqlen;
static char iobuf[1 << 17];
static uint32_t *lat; /* microseconds, one per counted operation */
static long nlat;
static bool measuring; /* false while priming / warming up */
static volatile sig_atomic_t interrupted;

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *m)
{
	fprintf(stderr, "mtlsload: %s\n", m);
	exit(2);
}

/* ---------------------------------------------------------------- the server's processes */
struct usage {
	double cpu;
	long rss, pss, priv;
	int n;
	long vol;
};

static pid_t ppid_of(pid_t p)
{
	char f[64], b[512], *q;
	snprintf(f, sizeof f, "/proc/%d/stat", (int)p);
	FILE *fp = fopen(f, "r");
	if (!fp)
		return -1;
	size_t n = fread(b, 1, sizeof b - 1, fp);
	fclose(fp);
	b[n] = 0;
	q = strrchr(b, ')');
	int pp = -1;
	if (!q || sscanf(q + 1, " %*c %d", &pp) != 1)
		return -1;
	return pp;
}

static int gather(pid_t *out, int max)
{
	int n = 0;
	for (int i = 0; i < o.npids && n < max; i++)
		out[n++] = o.pids[i];
	for (int i = 0; i < o.nparents && n < max; i++)
		out[n++] = o.parents[i];
	if (!o.nparents)
		return n;
	static pid_t all[65536], par[65536];
	int m = 0;
	DIR *d = opendir("/proc");
	if (!d)
		return n;
	for (struct dirent *e; (e = readdir(d)) && m < 65536;)
		if (isdigit((unsigned char)e->d_name[0])) {
			all[m] = atoi(e->d_name);
			par[m] = ppid_of(all[m]);
			m++;
		}
	closedir(d);
	for (bool more = true; more;) {
		more = false;
		for (int i = 0; i < m; i++) {
			bool have = false, child = false;
			for (int j = 0; j < n; j++) {
				if (out[j] == all[i])
					have = true;
				if (j >= o.npids && out[j] == par[i])
					child = true;
			}
			if (!have && child && n < max) {
				out[n++] = all[i];
				more = true;
			}
		}
	}
	return n;
}

static struct usage read_usage(bool memory)
{
	struct usage u = { 0 };
	pid_t p[256];
	int n = gather(p, 256);
	for (int i = 0; i < n; i++) {
		clockid_t c;
		struct timespec t;
		if (clock_getcpuclockid(p[i], &c) || clock_gettime(c, &t))
			continue;
		u.cpu += (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
		u.n++;
		if (!memory)
			continue;
		char f[64], l[256];
		snprintf(f, sizeof f, "/proc/%d/smaps_rollup", (int)p[i]);
		FILE *fp = fopen(f, "r");
		if (!fp)
			continue;
		while (fgets(l, sizeof l, fp)) {
			long v;
			if (sscanf(l, "Rss: %ld", &v) == 1)
				u.rss += v * 1024;
			else if (sscanf(l, "Pss: %ld", &v) == 1)
				u.pss += v * 1024;
			else if (sscanf(l, "Private_Dirty: %ld", &v) == 1)
				u.priv += v * 1024;
		}
		fclose(fp);
	}
	return u;
}

/* ---------------------------------------------------------------- errors */
static void note_error(struct conn *c, const char *what)
{
	if (r.first_error[0]) {
		ERR_clear_error();
		return;
	}
	unsigned long e = ERR_peek_last_error();
	char b[160] = "";
	if (e)
		ERR_error_string_n(e, b, sizeof b);
	snprintf(r.first_error, sizeof r.first_error, "%s%s%s%s%s", what, *b ? ": " : "", b,
		 errno && !e ? ": " : "", errno && !e ? strerror(errno) : "");
	for (char *p = r.first_error; *p; p++)
		if (*p == '"' || *p == '\\' || (unsigned char)*p < 32)
			*p = '\'';
	(void)c;
	ERR_clear_error();
}

/* ---------------------------------------------------------------- HTTP */
static void http_reset(struct http *h)
{
	h->headlen = 0;
	h->in_body = h->chunked = h->until_eof = false;
	h->status = 0;
	h->left = 0;
	h->chunk_state = 0;
	h->linelen = 0;
}

/* Consumes up to n bytes; *used says how many.  1: response complete, 0: more needed, -1: not HTTP. */
static int http_feed(struct http *h, const char *p, size_t n, size_t *used)
{
	size_t i = 0;
	*used = 0;
	while (!h->in_body) {
		if (i == n) {
			*used = i;
			return 0;
		}
		if (h->headlen + 1 >= sizeof h->head)
			return -1;
		h->head[h->headlen++] = p[i++];
		if (h->headlen < 4 || memcmp(h->head + h->headlen - 4, "\r\n\r\n", 4))
			continue;
		h->head[h->headlen] = 0;
		if (sscanf(h->head, "HTTP/1.%*d %d", &h->status) != 1)
			return -1;
		if (h->status >= 100 && h->status < 200) {
			h->headlen = 0;
			continue;
		}
		h->in_body = true;
		h->until_eof = true;
		char *cl = strcasestr(h->head, "\r\ncontent-length:");
		if (cl) {
			h->left = strtoull(cl + 17, NULL, 10);
			h->until_eof = false;
		}
		char *te = strcasestr(h->head, "\r\ntransfer-encoding: chunked");
		if (te) {
			h->chunked = true;
			h->until_eof = false;
		}
		if (h->status == 204 || h->status == 304) {
			h->left = 0;
			h->until_eof = false;
		}
	}
	if (h->until_eof) {
		*used = n;
		return 0;
	}
	if (!h->chunked) {
		size_t k = n - i < h->left ? n - i : (size_t)h->left;
		h->left -= k;
		*used = i + k;
		return h->left == 0;
	}
	while (i < n) {
		if (h->chunk_state == 1) {
			size_t k = n - i < h->left ? n - i : (size_t)h->left;
			h->left -= k;
			i += k;
			if (!h->left) {
				h->chunk_state = 2;
				h->linelen = 0;
			}
			continue;
		}
		char ch = p[i++];
		if (ch != '\n') {
			if (h->linelen + 1 < sizeof h->line)
				h->line[h->linelen++] = ch;
			continue;
		}
		while (h->linelen && h->line[h->linelen - 1] == '\r')
			h->linelen--;
		h->line[h->linelen] = 0;
		size_t ll = h->linelen;
		h->linelen = 0;
		if (h->chunk_state == 0) {
			h->left = strtoull(h->line, NULL, 16);
			h->chunk_state = h->left ? 1 : 3;
		} else if (h->chunk_state == 2)
			h->chunk_state = 0;
		else if (ll == 0) {
			*used = i;
			return 1;
		}
	}
	*used = i;
	return 0;
}

/* ---------------------------------------------------------------- connections */
static int new_session_cb(SSL *s, SSL_SESSION *sess)
{
	struct conn *c = SSL_get_app_data(s);
	if (o.mode != M_RESUME)
		return 0;
	SSL_SESSION_free(c->sess);
	c->sess = sess;
	return 1;
}

static void conn_drop(struct conn *c)
{
	if (c->ssl) {
		/* Marked as shut down so that OpenSSL does not declare the session unusable. */
		SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
		SSL_free(c->ssl);
		c->ssl = NULL;
	}
	if (c->fd >= 0) {
		close(c->fd);
		c->fd = -1;
	}
	c->st = S_FREE;
}

/* The certificates of --mint.  One key serves them all: it is the certificates that a server has not seen. */
static X509 **minted;
static long nminted;

static X509 *mint_one(X509 *like, EVP_PKEY *issuer)
{
	X509 *x = X509_dup(like);
	BIGNUM *serial = BN_new();
	ASN1_INTEGER *number = ASN1_INTEGER_new();

	if (!x || !serial || !number || BN_rand(serial, 120, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) != 1 ||
	    !BN_to_ASN1_INTEGER(serial, number) || X509_set_serialNumber(x, number) != 1 ||
	    X509_sign(x, issuer, EVP_sha256()) <= 0)
		die("--mint: cannot sign");
	BN_free(serial);
	ASN1_INTEGER_free(number);
	return x;
}

static void mint(const char *path, long count)
{
	FILE *f = fopen(path, "r");
	EVP_PKEY *issuer = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;

	if (!issuer || !SSL_CTX_get0_certificate(ctx) || count < 1 || count > 100000)
		die("--mint KEY of the issuer of --cert, --clients 1 to 100000");
	fclose(f);
	minted = calloc((size_t)count, sizeof(X509 *));
	for (nminted = 0; minted && nminted < count; nminted++)
		minted[nminted] = mint_one(SSL_CTX_get0_certificate(ctx), issuer);
	EVP_PKEY_free(issuer);
}

static void conn_start(struct conn *c, bool priming)
{
	c->t0 = now_ns();
	c->priming = priming;
	c->counted = false;
	c->woff = 0;
	c->outstanding = 0;
	http_reset(&c->h);
	c->fd = socket(o.sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		die("socket: too few file descriptors? (ulimit -n)");
	int one = 1;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (o.spread > 1 && o.sa.ss_family == AF_INET) {
		/* Several source addresses, so that neither TIME_WAIT nor the port range limits a run. */
		struct sockaddr_in b = { .sin_family = AF_INET };
		b.sin_addr.s_addr = htonl(0x7f010001u + (uint32_t)(r.started % o.spread));
		setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
		if (bind(c->fd, (struct sockaddr *)&b, sizeof b)) { /* not essential */
		}
	}
	c->ssl = SSL_new(ctx);
	if (nminted && SSL_use_certificate(c->ssl, minted[r.started % nminted]) != 1)
		die("--mint: not the certificate's key");
	SSL_set_app_data(c->ssl, c);
	SSL_set_fd(c->ssl, c->fd);
	SSL_set_connect_state(c->ssl);
	if (o.sni) {
		SSL_set_tlsext_host_name(c->ssl, o.sni);
		if (!o.insecure)
			SSL_set1_host(c->ssl, o.sni);
	}
	if (o.mode == M_RESUME && c->sess)
		SSL_set_session(c->ssl, c->sess);
	c->st = S_CONNECT;
	r.started++;
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
				  .data.ptr = c };
	epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev);
	if (connect(c->fd, (struct sockaddr *)&o.sa, o.salen) && errno != EINPROGRESS) {
		note_error(c, "connect");
		if (!priming)
			r.fail++;
		conn_drop(c);
	}
}

static void op_done(struct conn *c, bool ok)
{
	if (!c->priming && measuring) {
		if (ok) {
			r.ok++;
			if (nlat < o.count)
				lat[nlat++] = (uint32_t)((now_ns() - c->t0) / 1000);
		} else
			r.fail++;
	} else if (!ok)
		r.fail++;
}

static void begin_request(struct conn *c)
{
	c->st = S_WRITE;
	c->woff = 0;
	c->outstanding = o.depth;
	http_reset(&c->h);
}

static long issued; /* GETs handed out in keepalive/bulk mode */

/* The response(s) of this round are in.  Says what the connection does next. */
static void round_done(struct conn *c)
{
	if (o.mode == M_FULL || o.mode == M_RESUME) {
		c->st = S_DRAIN;
		c->tdrain = 0;
		return;
	}
	if (o.mode == M_IDLE) {
		c->st = S_PARKED;
		op_done(c, true);
		return;
	}
	if (!measuring) {
		c->st = S_PARKED;
		return;
	} /* keepalive/bulk: warm-up GET done */
	if (issued < o.count) {
		issued += o.depth;
		c->t0 = now_ns();
		begin_request(c);
	} else
		c->st = S_PARKED;
}

static void fail(struct conn *c, const char *what)
{
	note_error(c, what);
	op_done(c, false);
	conn_drop(c);
}

static void handshake_done(struct conn *c)
{
	c->counted = true;
	if (!c->priming) {
		r.handshakes++;
		if (SSL_session_reused(c->ssl))
			r.resumed++;
	}
	if (!r.proto[0]) {
		snprintf(r.proto, sizeof r.proto, "%s", SSL_get_version(c->ssl));
		snprintf(r.cipher, sizeof r.cipher, "%s", SSL_get_cipher_name(c->ssl));
		int g = (int)SSL_get_negotiated_group(c->ssl);
		const char *gn = g > 0 ? OBJ_nid2sn(g & ~TLSEXT_nid_unknown) : "";
		snprintf(r.group, sizeof r.group, "%s",
			 g & TLSEXT_nid_unknown ? "?"
			 : gn			? gn
						: "");
	}
	if (o.request)
		begin_request(c);
	else if (o.mode == M_IDLE) {
		c->st = S_PARKED;
		op_done(c, true);
	} else {
		c->st = S_DRAIN;
		c->tdrain = 0;
	}
}

static void drive(struct conn *c)
{
	for (;;) {
		int n, e;
		ERR_clear_error();
		errno = 0;
		switch (c->st) {
		case S_FREE:
			return;
		case S_CONNECT: {
			int err = 0;
			socklen_t l = sizeof err;
			getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &l);
			if (err) {
				errno = err;
				fail(c, "connect");
				return;
			}
			c->st = S_HANDSHAKE;
			break;
		}
		case S_HANDSHAKE:
			n = SSL_do_handshake(c->ssl);
			if (n == 1) {
				handshake_done(c);
				if (c->st == S_PARKED)
					return;
				break;
			}
			e = SSL_get_error(c->ssl, n);
			if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE)
				return;
			fail(c, "handshake");
			return;
		case S_WRITE:
			n = SSL_write(c->ssl, reqbuf + c->woff, (int)(reqlen - c->woff));
			if (n > 0) {
				c->woff += (size_t)n;
				if (c->woff == reqlen)
					c->st = S_READ;
				break;
			}
			e = SSL_get_error(c->ssl, n);
			if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE)
				return;
			fail(c, "write");
			return;
		case S_READ: {
			n = SSL_read(c->ssl, iobuf, sizeof iobuf);
			if (n <= 0) {
				e = SSL_get_error(c->ssl, n);
				if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE)
					return;
				if (e == SSL_ERROR_ZERO_RETURN && c->h.in_body && c->h.until_eof &&
				    c->h.status == 200) {
					r.responses++;
					op_done(c, true);
					conn_drop(c);
					return;
				}
				fail(c, "read");
				return;
			}
			r.bytes += measuring ? (uint64_t)n : 0;
			size_t off = 0;
			while (off < (size_t)n) {
				size_t used;
				int k = http_feed(&c->h, iobuf + off, (size_t)n - off, &used);
				off += used;
				if (k < 0) {
					fail(c, "response is not HTTP");
					return;
				}
				if (k == 0)
					continue;
				r.responses += measuring;
				if (c->h.status != 200) {
					char w[64];
					r.http_bad++;
					snprintf(w, sizeof w, "HTTP status %d", c->h.status);
					fail(c, w);
					return;
				}
				if (o.mode == M_KEEPALIVE || o.mode == M_BULK)
					op_done(c, true);
				http_reset(&c->h);
				if (--c->outstanding == 0) {
					round_done(c);
					break;
				}
			}
			if (c->st == S_PARKED)
				return;
			break;
		}
		case S_DRAIN:
			if (!c->tdrain) {
				c->tdrain = now_ns();
				SSL_shutdown(c->ssl);
				ERR_clear_error();
			}
			n = SSL_read(c->ssl, iobuf, sizeof iobuf);
			if (n > 0)
				break;
			e = SSL_get_error(c->ssl, n);
			if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE)
				return;
			/* An orderly end, or the TCP end without an alert: fine.  An alert is a refusal. */
			if (e == SSL_ERROR_SSL) {
				unsigned long er = ERR_peek_last_error();
				if (ERR_GET_REASON(er) != SSL_R_UNEXPECTED_EOF_WHILE_READING) {
					fail(c, "after handshake");
					return;
				}
			} else if (e == SSL_ERROR_SYSCALL && errno && errno != ECONNRESET &&
				   errno != EPIPE) {
				fail(c, "close");
				return;
			}
			op_done(c, true);
			conn_drop(c);
			return;
		case S_PARKED: {
			/* Tickets may still come in, and a server that hangs up on an idle client shows here. */
			n = SSL_read(c->ssl, iobuf, sizeof iobuf);
			if (n > 0)
				break;
			e = SSL_get_error(c->ssl, n);
			if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE)
				return;
			if (o.mode == M_IDLE) {
				r.ok -= r.ok > 0;
				r.fail++;
				note_error(c, "server closed an idle connection");
			}
			conn_drop(c);
			return;
		}
		}
	}
}

static bool poll_once(uint64_t deadline)
{
	struct epoll_event ev[256];
	uint64_t t = now_ns();
	if (t >= deadline || interrupted)
		return false;
	int ms = (int)((deadline - t) / 1000000) + 1;
	int n = epoll_wait(ep, ev, 256, ms > 100 ? 100 : ms);
	for (int i = 0; i < n; i++)
		drive(ev[i].data.ptr);
	if (n <= 0) { /* quiet: give up on servers that never answer a close_notify */
		t = now_ns();
		for (long i = 0; i < nslots; i++)
			if (slots[i].st == S_DRAIN && slots[i].tdrain &&
			    t - slots[i].tdrain > 2000000000u) {
				r.drain_timeout++;
				op_done(&slots[i], true);
				conn_drop(&slots[i]);
			}
	}
	return true;
}

static long busy(void)
{
	long b = 0;
	for (long i = 0; i < nslots; i++)
		b += slots[i].st != S_FREE && slots[i].st != S_PARKED;
	return b;
}

static int cmp_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

static void on_signal(int s)
{
	(void)s;
	interrupted = 1;
}

static void add_pids(const char *s, pid_t *out, int *n, int max)
{
	while (*s && *n < max) {
		char *e;
		long v = strtol(s, &e, 10);
		if (e == s || v <= 0)
			die("bad pid list");
		out[(*n)++] = (pid_t)v;
		s = *e == ',' ? e + 1 : e;
		if (*e && *e != ',')
			die("bad pid list");
	}
}

static void usage(void)
{
	fputs("usage: mtlsload --connect HOST:PORT --mode full|resume|keepalive|idle|bulk\n"
	      "  --ca F --cert F --key F --servername N --insecure   (no --cert: presents none)\n"
	      "  --mint KEY --clients N   (of the issuer: each connection another certificate)\n"
	      "  --tls 1.2|1.3|any --groups L --ciphers L --suites L --sigalgs L\n"
	      "  --count N --concurrency C --depth D --path /P --request|--no-request\n"
	      "  --hold S --max-seconds S --spread ADDRS --label TEXT --expect-fail\n"
	      "  --server-pids P,P --server-parent P,P\n",
	      stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct option lo[] = { { "connect", 1, 0, 'c' },
					    { "mode", 1, 0, 'm' },
					    { "ca", 1, 0, 'a' },
					    { "cert", 1, 0, 'e' },
					    { "key", 1, 0, 'k' },
					    { "mint", 1, 0, 'M' },
					    { "clients", 1, 0, 'N' },
					    { "servername", 1, 0, 's' },
					    { "insecure", 0, 0, 'i' },
					    { "tls", 1, 0, 't' },
					    { "groups", 1, 0, 'g' },
					    { "ciphers", 1, 0, 'y' },
					    { "suites", 1, 0, 'Y' },
					    { "sigalgs", 1, 0, 'S' },
					    { "count", 1, 0, 'n' },
					    { "concurrency", 1, 0, 'C' },
					    { "depth", 1, 0, 'd' },
					    { "path", 1, 0, 'p' },
					    { "request", 0, 0, 'r' },
					    { "no-request", 0, 0, 'R' },
					    { "hold", 1, 0, 'h' },
					    { "max-seconds", 1, 0, 'x' },
					    { "spread", 1, 0, 'z' },
					    { "label", 1, 0, 'l' },
					    { "expect-fail", 0, 0, 'f' },
					    { "server-pids", 1, 0, 'P' },
					    { "server-parent", 1, 0, 'Q' },
					    { 0 } };
	for (int ch; (ch = getopt_long(argc, argv, "", lo, NULL)) != -1;)
		switch (ch) {
		case 'c':
			o.target = optarg;
			break;
		case 'm': {
			int i;
			for (i = 0; i < 5 && strcmp(optarg, mode_name[i]); i++) {
			}
			if (i == 5)
				usage();
			o.mode = (enum mode)i;
			break;
		}
		case 'a':
			o.ca = optarg;
			break;
		case 'e':
			o.cert = optarg;
			break;
		case 'k':
			o.key = optarg;
			break;
		case 'M':
			o.mint = optarg;
			break;
		case 'N':
			o.clients = atol(optarg);
			break;
		case 's':
			o.sni = optarg;
			break;
		case 'i':
			o.insecure = true;
			break;
		case 't':
			o.tls = optarg;
			break;
		case 'g':
			o.groups = optarg;
			break;
		case 'y':
			o.ciphers = optarg;
			break;
		case 'Y':
			o.suites = optarg;
			break;
		case 'S':
			o.sigalgs = optarg;
			break;
		case 'n':
			o.count = atol(optarg);
			break;
		case 'C':
			o.conc = atol(optarg);
			break;
		case 'd':
			o.depth = atoi(optarg);
			break;
		case 'p':
			o.path = optarg;
			break;
		case 'r':
			o.request = 1;
			break;
		case 'R':
			o.request = 0;
			break;
		case 'h':
			o.hold_s = atof(optarg);
			break;
		case 'x':
			o.max_s = atof(optarg);
			break;
		case 'z':
			o.spread = atoi(optarg);
			break;
		case 'l':
			o.label = optarg;
			break;
		case 'f':
			o.expect_fail = true;
			break;
		case 'P':
			add_pids(optarg, o.pids, &o.npids, 64);
			break;
		case 'Q':
			add_pids(optarg, o.parents, &o.nparents, 16);
			break;
		default:
			usage();
		}
	if (!o.target || optind != argc || o.count < 1 || o.conc < 1 || o.depth < 1 || o.depth > 64)
		usage();
	if (o.count > 10000000 || o.conc > 60000 || o.max_s > 600)
		die("limits: 1e7 operations, 60000 connections, 600 s");
	if (o.request < 0)
		o.request = !(o.mode == M_FULL || o.mode == M_RESUME);
	if (o.mode == M_KEEPALIVE || o.mode == M_BULK)
		o.request = 1;
	if (o.mode != M_KEEPALIVE)
		o.depth = 1;

	/* the target: a loopback address and nothing else */
	char host[64];
	const char *col = strrchr(o.target, ':');
	if (!col || (size_t)(col - o.target) >= sizeof host)
		usage();
	memcpy(host, o.target, (size_t)(col - o.target));
	host[col - o.target] = 0;
	if (!strcmp(host, "localhost"))
		strcpy(host, "127.0.0.1");
	struct sockaddr_in *s4 = (struct sockaddr_in *)&o.sa;
	struct sockaddr_in6 *s6 = (struct sockaddr_in6 *)&o.sa;
	if (inet_pton(AF_INET, host, &s4->sin_addr) == 1) {
		s4->sin_family = AF_INET;
		s4->sin_port = htons((uint16_t)atoi(col + 1));
		o.salen = sizeof *s4;
		if ((ntohl(s4->sin_addr.s_addr) >> 24) != 127)
			die("only loopback addresses");
	} else if (inet_pton(AF_INET6, strcmp(host, "[::1]") ? host : "::1", &s6->sin6_addr) == 1) {
		s6->sin6_family = AF_INET6;
		s6->sin6_port = htons((uint16_t)atoi(col + 1));
		o.salen = sizeof *s6;
		if (!IN6_IS_ADDR_LOOPBACK(&s6->sin6_addr))
			die("only loopback addresses");
	} else
		die("only loopback addresses");

	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	struct rlimit rl;
	if (!getrlimit(RLIMIT_NOFILE, &rl)) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}

	ctx = SSL_CTX_new(TLS_client_method());
	if (!ctx)
		die("SSL_CTX_new");
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, new_session_cb);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				  SSL_MODE_RELEASE_BUFFERS);
	if (o.mode == M_BULK)
		SSL_CTX_set_read_ahead(ctx, 1);
	if (!o.insecure) {
		if (!o.ca || SSL_CTX_load_verify_locations(ctx, o.ca, NULL) != 1)
			die("--ca missing or unreadable (or say --insecure)");
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	}
	if (o.cert &&
	    (SSL_CTX_use_certificate_chain_file(ctx, o.cert) != 1 ||
	     SSL_CTX_use_PrivateKey_file(ctx, o.key ? o.key : o.cert, SSL_FILETYPE_PEM) != 1))
		die("cannot load --cert/--key");
	if (o.mint)
		mint(o.mint, o.clients ? o.clients : o.count);
	if (o.tls && !strcmp(o.tls, "1.2"))
		SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION),
		    SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	else if (o.tls && !strcmp(o.tls, "1.3"))
		SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
	else if (o.tls && strcmp(o.tls, "any"))
		die("--tls 1.2|1.3|any");
	if (o.groups && SSL_CTX_set1_groups_list(ctx, o.groups) != 1)
		die("--groups");
	if (o.ciphers && SSL_CTX_set_cipher_list(ctx, o.ciphers) != 1)
		die("--ciphers");
	if (o.suites && SSL_CTX_set_ciphersuites(ctx, o.suites) != 1)
		die("--suites");
	if (o.sigalgs && SSL_CTX_set1_sigalgs_list(ctx, o.sigalgs) != 1)
		die("--sigalgs");

	size_t one = strlen(o.path) + 160;
	reqbuf = malloc(one * (size_t)o.depth);
	for (int i = 0; i < o.depth; i++)
		reqlen += (size_t)snprintf(
		    reqbuf + reqlen, one,
		    "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: mtlsload\r\nAccept: */*\r\n\r\n",
		    o.path, o.sni ? o.sni : "localhost");
	lat = calloc((size_t)o.count + 64, sizeof *lat);
	nslots = o.mode == M_IDLE ? o.count : o.conc < o.count ? o.conc : o.count;
	slots = calloc((size_t)nslots, sizeof *slots);
	if (!lat || !slots || !reqbuf)
		die("out of memory");
	for (long i = 0; i < nslots; i++) {
		slots[i].fd = -1;
		slots[i].id = (int)i;
	}
	ep = epoll_create1(EPOLL_CLOEXEC);

	uint64_t deadline = now_ns() + (uint64_t)(o.max_s * 1e9);
	struct usage mem0 = read_usage(true);

	/* Preparation that is not counted: tickets to resume with, or connections to send GETs over. */
	if (o.mode == M_RESUME || o.mode == M_KEEPALIVE || o.mode == M_BULK) {
		const char *path = o.path;
		char *rb = reqbuf;
		size_t rlen = reqlen;
		if (o.mode == M_BULK) { /* warm the connection up with something small */
			static char small[256];
			reqlen = (size_t)snprintf(small, sizeof small,
						  "GET / HTTP/1.1\r\nHost: %s\r\n\r\n",
						  o.sni ? o.sni : "localhost");
			reqbuf = small;
		}
		for (long i = 0; i < nslots; i++) {
			conn_start(&slots[i], true);
			if (i % 16 == 15)
				while (busy() > 16 && poll_once(deadline)) {
				}
		}
		while (busy() && poll_once(deadline)) {
		}
		reqbuf = rb;
		reqlen = rlen;
		(void)path;
	}

	struct rusage ru0, ru1;
	getrusage(RUSAGE_SELF, &ru0);
	struct usage u0 = read_usage(false);
	uint64_t t0 = now_ns();
	measuring = true;
	long launched = 0;
	if (o.mode == M_KEEPALIVE || o.mode == M_BULK) {
		for (long i = 0; i < nslots; i++)
			if (slots[i].st == S_PARKED && issued < o.count) {
				slots[i].priming = false;
				issued += o.depth;
				slots[i].t0 = now_ns();
				begin_request(&slots[i]);
				drive(&slots[i]);
			}
		while (busy() && poll_once(deadline)) {
		}
	} else if (o.mode == M_IDLE) {
		for (long i = 0; i < nslots;) {
			while (busy() >= o.conc && poll_once(deadline)) {
			}
			if (now_ns() >= deadline || interrupted)
				break;
			conn_start(&slots[i++], false);
		}
		while (busy() && poll_once(deadline)) {
		}
	} else {
		long freed = 0;
		while (launched < o.count && now_ns() < deadline && !interrupted) {
			freed = 0;
			for (long i = 0; i < nslots && launched < o.count; i++)
				if (slots[i].st == S_FREE) {
					conn_start(&slots[i], false);
					launched++;
					freed++;
				}
			if (!poll_once(deadline))
				break;
		}
		(void)freed;
		while (busy() && poll_once(deadline)) {
		}
	}
	uint64_t t1 = now_ns();
	for (long i = 0; i < nslots; i++)
		if (slots[i].st != S_FREE && slots[i].st != S_PARKED) {
			errno = ETIMEDOUT;
			fail(&slots[i], "not done in --max-seconds");
		}
	getrusage(RUSAGE_SELF, &ru1);
	usleep(100000);		/* let the server finish its closes; idle costs it nothing */
	if (o.mode == M_IDLE) { /* hold them all, noticing servers that hang up */
		uint64_t hold = now_ns() + (uint64_t)(o.hold_s * 1e9);
		while (poll_once(hold)) {
		}
	}
	struct usage u1 = read_usage(true);
	for (long i = 0; i < nslots; i++) {
		conn_drop(&slots[i]);
		SSL_SESSION_free(slots[i].sess);
	}

	long ops = r.ok;
	double wall = (double)(t1 - t0) * 1e-9, cpu = u1.cpu - u0.cpu;
	double ccpu = (double)(ru1.ru_utime.tv_sec - ru0.ru_utime.tv_sec + ru1.ru_stime.tv_sec -
			       ru0.ru_stime.tv_sec) +
		      (double)(ru1.ru_utime.tv_usec - ru0.ru_utime.tv_usec + ru1.ru_stime.tv_usec -
			       ru0.ru_stime.tv_usec) *
			  1e-6;
	qsort(lat, (size_t)nlat, sizeof *lat, cmp_u32);
	printf(
	    "{\"label\":\"%s\",\"mode\":\"%s\",\"target\":\"%s\",\"tls\":\"%s\",\"cipher\":\"%s\",\"group\":\"%s\",",
	    o.label ? o.label : "", mode_name[o.mode], o.target, r.proto, r.cipher, r.group);
	printf(
	    "\"request\":%d,\"concurrency\":%ld,\"ok\":%ld,\"fail\":%ld,\"handshakes\":%ld,\"resumed\":%ld,\"resumed_share\":%.4f,",
	    o.request, o.conc, r.ok, r.fail, r.handshakes, r.resumed,
	    r.handshakes ? (double)r.resumed / (double)r.handshakes : 0.0);
	printf(
	    "\"http_bad\":%ld,\"drain_timeouts\":%ld,\"bytes\":%llu,\"wall_s\":%.4f,\"ops_per_s\":%.1f,",
	    r.http_bad, r.drain_timeout, (unsigned long long)r.bytes, wall,
	    wall > 0 ? (double)ops / wall : 0.0);
	printf("\"lat_us\":{\"p50\":%u,\"p99\":%u,\"max\":%u},\"client_cpu_us_per_op\":%.2f",
	       nlat ? lat[nlat / 2] : 0, nlat ? lat[(size_t)((double)(nlat - 1) * 0.99)] : 0,
	       nlat ? lat[nlat - 1] : 0, ops ? ccpu * 1e6 / (double)ops : 0.0);
	if (u1.n) {
		printf(
		    ",\"server\":{\"processes\":%d,\"cpu_s\":%.6f,\"cpu_us_per_op\":%.2f,\"rss_before\":%ld,\"rss_after\":%ld,\"pss_before\":%ld,\"pss_after\":%ld,\"private_dirty_after\":%ld",
		    u1.n, cpu, ops ? cpu * 1e6 / (double)ops : 0.0, mem0.rss, u1.rss, mem0.pss,
		    u1.pss, u1.priv);
		if (o.mode == M_IDLE && r.ok)
			printf(",\"pss_bytes_per_conn\":%.0f",
			       (double)(u1.pss - mem0.pss) / (double)r.ok);
		if (o.mode == M_BULK && r.bytes)
			printf(",\"cpu_s_per_gib\":%.4f", cpu / ((double)r.bytes / 1073741824.0));
		printf("}");
	}
	printf(",\"first_error\":\"%s\"}\n", r.first_error);
	SSL_CTX_free(ctx);
	if (o.expect_fail)
		return r.ok == 0 && r.fail > 0 ? 0 : 1;
	return r.fail == 0 && r.ok > 0 ? 0 : 1;
}
