/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mutual TLS conversation with libhandfast, both sides in one small program.
 *
 *   mutual server PORT CERT KEY CA RULE      answers one line to each client that RULE lets in
 *   mutual client PORT CERT KEY CA NAME      says hello to the server that must be NAME
 *
 * Loopback only, blocking sockets, one connection at a time: what matters here is the order of the
 * library's calls and what to do with a refusal.  Port 0 takes any and prints it.
 * Exit: 0 served or answered, 1 refused by either side, 2 usage, 3 failure.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <handfast/handfast.h>

enum { EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_TROUBLE = 3 };

struct arguments {
	const char *port, *cert, *key, *ca, *last; /* last: the rule, or the server's name */
};

static int64_t wall_clock(void *arg)
{
	(void)arg;
	return time(NULL);
}

static int trouble(const struct hf_err *err)
{
	fprintf(stderr, "mutual: %s\n", err->msg);
	if (err->hint[0])
		fprintf(stderr, "  hint: %s\n", err->hint);
	return EXIT_TROUBLE;
}

/* Either the verdict is ours, and says everything, or the peer sent an alert and its number is all
 * that is known here. */
static int refused(const struct hf_connection *conn)
{
	const struct hf_verdict *verdict = hf_connection_verdict(conn);
	struct hf_err err;
	char *text = NULL;

	if (hf_connection_alert_received(conn) > 0) {
		fprintf(stderr, "mutual: refused by the peer with alert %d\n",
			hf_connection_alert_received(conn));
	} else if (verdict && hf_verdict_text(verdict, &text, &err) == 0) {
		fprintf(stderr, "mutual: refused by us\n%s", text);
		free(text);
	}
	return EXIT_REFUSED;
}

static struct hf_config *make_config(const struct arguments *args, struct hf_err *err)
{
	struct hf_config *config = NULL;

	if (hf_config_new(&config, err) < 0)
		return NULL;
	if (hf_config_set_credential(config, args->cert, args->key, NULL, err) < 0 ||
	    hf_config_add_ca(config, args->ca, err) < 0) {
		hf_config_free(config);
		return NULL;
	}
	return config;
}

/* On a blocking socket a step never has to wait, so its answer is final. */
static int converse(struct hf_connection *conn, const char *say)
{
	char line[256];
	size_t len = 0;
	struct hf_err err;
	int rc = hf_connection_handshake(conn, &err);

	if (rc == HF_PROGRESS_DONE && say)
		rc = hf_connection_write(conn, say, strlen(say), &len, &err);
	if (rc == HF_PROGRESS_DONE)
		rc = hf_connection_read(conn, line, sizeof(line) - 1, &len, &err);
	if (rc < 0)
		return trouble(&err);
	if (rc == HF_PROGRESS_REFUSED)
		return refused(conn);
	if (rc == HF_PROGRESS_DONE)
		printf("%.*s", (int)len, line);
	return 0;
}

/* A refusal is sent by half-closing and reading on, so that a reset does not destroy the alert. */
static void linger(int fd)
{
	struct timeval second = { .tv_sec = 1 };
	char waste[1024];

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
	shutdown(fd, SHUT_WR);
	while (read(fd, waste, sizeof(waste)) > 0)
		;
}

static int serve_one(struct hf_endpoint *endpoint, int fd)
{
	struct hf_connection *conn = NULL;
	struct hf_err err;
	char answer[300];
	size_t len;
	int rc;

	if (hf_connection_new(endpoint, fd, &conn, &err) < 0)
		return trouble(&err);
	rc = converse(conn, NULL);
	if (rc == 0) {
		snprintf(answer, sizeof(answer), "hello, %.256s\n",
			 hf_verdict_identity(hf_connection_verdict(conn)));
		if (hf_connection_write(conn, answer, strlen(answer), &len, &err) < 0)
			rc = trouble(&err);
		(void)hf_connection_close(conn, &err);
	}
	linger(fd);
	hf_connection_free(conn);
	return rc;
}

static struct sockaddr_in loopback(const char *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET };

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
	return address;
}

static int listen_on(const char *port)
{
	struct sockaddr_in address = loopback(port);
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 16) != 0) {
		perror("mutual: listen");
		exit(EXIT_TROUBLE);
	}
	getsockname(fd, (struct sockaddr *)&address, &len);
	printf("listening on 127.0.0.1:%u\n", ntohs(address.sin_port));
	fflush(stdout);
	return fd;
}

static int run_server(const struct arguments *args)
{
	struct hf_endpoint *endpoint = NULL;
	struct hf_err err;
	struct hf_config *config = make_config(args, &err);
	int listener, rc = 0;

	if (!config || hf_config_allow(config, args->last, &err) < 0 ||
	    hf_endpoint_new_server(config, wall_clock, NULL, &endpoint, &err) < 0) {
		hf_config_free(config);
		return trouble(&err);
	}
	hf_config_free(config);
	listener = listen_on(args->port);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			break;
		rc = serve_one(endpoint, fd);
		fflush(stdout);
		close(fd);
	}
	close(listener);
	hf_endpoint_free(endpoint);
	return rc;
}

static int run_client(const struct arguments *args)
{
	struct sockaddr_in address = loopback(args->port);
	struct hf_endpoint *endpoint = NULL;
	struct hf_connection *conn = NULL;
	struct hf_err err;
	struct hf_config *config = make_config(args, &err);
	int fd, rc;

	if (!config ||
	    hf_endpoint_new_client(config, args->last, wall_clock, NULL, &endpoint, &err) < 0) {
		hf_config_free(config);
		return trouble(&err);
	}
	hf_config_free(config);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		perror("mutual: connect");
		rc = EXIT_TROUBLE;
	} else if (hf_connection_new(endpoint, fd, &conn, &err) < 0) {
		rc = trouble(&err);
	} else {
		rc = converse(conn, "hello\n");
	}
	if (conn)
		(void)hf_connection_close(conn, &err);
	hf_connection_free(conn);
	if (fd >= 0)
		close(fd);
	hf_endpoint_free(endpoint);
	return rc;
}

int main(int argc, char **argv)
{
	struct arguments args;

	if (argc != 7 || (strcmp(argv[1], "server") != 0 && strcmp(argv[1], "client") != 0)) {
		fprintf(stderr, "usage: mutual server PORT CERT KEY CA RULE\n"
				"       mutual client PORT CERT KEY CA NAME\n");
		return EXIT_USAGE;
	}
	args = (struct arguments){ argv[2], argv[3], argv[4], argv[5], argv[6] };
	return argv[1][0] == 's' ? run_server(&args) : run_client(&args);
}
