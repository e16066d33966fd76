/* SPDX-License-Identifier: Apache-2.0 */
/* Binding: from "localhost:0" to listening sockets, one for each worker.  Must never share a port
 * with another program: SO_REUSEPORT is switched on only after a plain bind has shown that the port
 * is ours. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "net/listener.h"
#include "util/daemon.h"

enum {
	BACKLOG = 4096,
	LOCALHOST_TRIES = 32, /* to find a port free in both families */
};

static int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static int socket_new(const struct hf_address *address, struct hf_err *err)
{
	int family = address->sa.ss_family;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int on = 1;

	if (fd < 0)
		return hf_err_errno(err, errno, "making a socket");
	if (family == AF_UNIX)
		return fd;
	/* Accepted sockets inherit TCP_NODELAY from the listener: one call instead of one each. */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	return fd;
}

static int bind_failed(const struct hf_address *address, int errnum, struct hf_err *err)
{
	char text[HF_ADDRESS_TEXT_CAP];

	hf_address_format(address, text);
	if (errnum != EADDRINUSE)
		return hf_err_errno(err, errnum, "listening on %s", text);
	hf_err_set(err, HF_MISTAKE_ADDRESS_IN_USE, "%s is in use by another program (EADDRINUSE)",
		   text);
	(void)hf_err_at_text(err, text);
	return hf_err_hint(err, "stop the other one, or choose another port; port 0 takes any");
}

/* Binds one socket; with `share` others may bind there too (which must be ours: see first_socket).
 */
static int bind_one(const struct hf_address *address, bool share, struct hf_err *err)
{
	HF_AUTO(fd) fd = socket_new(address, err);
	const int on = 1;

	if (fd < 0)
		return fd;
	if (share && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0)
		return hf_err_errno(err, errno, "SO_REUSEPORT");
	if (bind(fd, (const struct sockaddr *)&address->sa, address->len) != 0)
		return bind_failed(address, errno, err);
	return fd_take(&fd);
}

/* The first socket is bound alone, so that a port in use is noticed, and shared only then. */
static int first_socket(const struct hf_address *address, bool share, struct hf_err *err)
{
	HF_AUTO(fd) fd = bind_one(address, false, err);
	const int on = 1;

	if (fd < 0)
		return fd;
	if (share && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0)
		return hf_err_errno(err, errno, "SO_REUSEPORT");
	return fd_take(&fd);
}

static void bound_done(struct hf_bound *bound)
{
	for (size_t i = 0; i < bound->copies; i++)
		hf_fd_close(bound->fds[i]);
	free(bound->fds);
	bound->fds = NULL;
	bound->copies = 0;
	if (bound->unlink_path)
		(void)unlink(bound->unlink_path);
	free(bound->unlink_path);
	bound->unlink_path = NULL;
}

static int bound_new(const struct hf_address *address, size_t copies, struct hf_bound *bound,
		     struct hf_err *err)
{
	*bound = (struct hf_bound){ .address = *address };
	bound->fds = malloc(copies * sizeof(int));
	if (!bound->fds)
		return hf_err_nomem(err);
	for (size_t i = 0; i < copies; i++)
		bound->fds[i] = -1;
	bound->copies = copies;
	return 0;
}

/* Binds all copies; listening comes when every family has its port. */
static int bound_bind(struct hf_bound *bound, struct hf_err *err)
{
	bool share = bound->copies > 1;
	int fd = first_socket(&bound->address, share, err);

	if (fd < 0)
		return fd;
	bound->fds[0] = fd;
	bound->address.len = sizeof(bound->address.sa);
	if (getsockname(fd, (struct sockaddr *)&bound->address.sa, &bound->address.len) != 0)
		return hf_err_errno(err, errno, "asking for the port");
	for (size_t i = 1; i < bound->copies; i++) {
		fd = bind_one(&bound->address, share, err);
		if (fd < 0)
			return fd;
		bound->fds[i] = fd;
	}
	return 0;
}

static int bound_listen(struct hf_bound *bound, struct hf_err *err)
{
	for (size_t i = 0; i < bound->copies; i++) {
		if (listen(bound->fds[i], BACKLOG) != 0)
			return bind_failed(&bound->address, errno, err);
	}
	return 0;
}

static int bound_open(const struct hf_address *address, size_t copies, struct hf_bound *bound,
		      struct hf_err *err)
{
	int rc = bound_new(address, copies, bound, err);

	if (rc == 0)
		rc = bound_bind(bound, err);
	if (rc == 0)
		rc = bound_listen(bound, err);
	if (rc < 0)
		bound_done(bound);
	return rc;
}

static int list_add(struct hf_bound_list *list, struct hf_bound *bound, struct hf_err *err)
{
	struct hf_bound *items = realloc(list->items, (list->len + 1) * sizeof(*items));

	if (!items) {
		bound_done(bound);
		return hf_err_nomem(err);
	}
	list->items = items;
	list->items[list->len++] = *bound;
	return 0;
}

static int open_and_add(struct hf_bound_list *list, const struct hf_address *address, size_t copies,
			struct hf_err *err)
{
	struct hf_bound bound;
	int rc = bound_open(address, copies, &bound, err);

	return rc < 0 ? rc : list_add(list, &bound, err);
}

/* --- unix sockets -------------------------------------------------------------------------------
 */

/* A socket file that nobody listens on is left over from a crash; anything else is not ours to
 * remove. */
static int remove_dead_socket(const char *path, const struct hf_address *address,
			      struct hf_err *err)
{
	HF_AUTO(fd) fd = -1;
	struct stat st;

	if (lstat(path, &st) != 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return hf_err_set(err, HF_E_EXIST, "'%s' is there already and is not a socket",
				  path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return hf_err_errno(err, errno, "making a socket");
	if (connect(fd, (const struct sockaddr *)&address->sa, address->len) == 0 ||
	    errno != ECONNREFUSED)
		return bind_failed(address, EADDRINUSE, err);
	return unlink(path) == 0 ? 0 : hf_err_errno(err, errno, "removing '%s'", path);
}

static int open_unix(struct hf_bound_list *list, const char *spec, struct hf_err *err)
{
	const char *path = spec + strlen("unix:");
	struct hf_address address;
	struct hf_bound bound;
	size_t len;
	struct hf_address found[HF_ADDRESSES_CAP];
	int rc = hf_address_resolve(spec, 0, found, &len, err);

	if (rc < 0)
		return rc;
	address = found[0];
	rc = remove_dead_socket(path, &address, err);
	if (rc == 0)
		rc = bound_open(&address, 1, &bound, err);
	if (rc < 0)
		return rc;
	bound.address = address;
	bound.unlink_path = hf_str_dup(path);
	return list_add(list, &bound, err);
}

/* --- names that mean two families ----------------------------------------------------------------
 */

static void set_port(struct hf_address *address, int port)
{
	if (address->sa.ss_family == AF_INET6)
		((struct sockaddr_in6 *)(void *)&address->sa)->sin6_port = htons((uint16_t)port);
	else
		((struct sockaddr_in *)(void *)&address->sa)->sin_port = htons((uint16_t)port);
}

/* A machine without IPv6 listens on IPv4 alone. */
static bool family_is_there(const struct hf_address *address)
{
	struct hf_address any_port = *address;
	HF_AUTO(fd) fd = socket_new(address, NULL);

	set_port(&any_port, 0);
	return fd >= 0 && bind(fd, (const struct sockaddr *)&any_port.sa, any_port.len) == 0;
}

/* One try: IPv4, then IPv6 on the port that it got. */
static int open_pair_once(struct hf_bound_list *list, const struct hf_address pair[2],
			  size_t copies, struct hf_err *err)
{
	struct hf_bound first, second;
	struct hf_address other = pair[1];
	int rc = bound_open(&pair[0], copies, &first, err);

	if (rc < 0)
		return rc;
	if (!family_is_there(&other))
		return list_add(list, &first, err);
	set_port(&other, hf_address_port(&first.address));
	rc = bound_open(&other, copies, &second, err);
	if (rc < 0) {
		bound_done(&first);
		return rc;
	}
	rc = list_add(list, &first, err);
	if (rc < 0) {
		bound_done(&second);
		return rc;
	}
	return list_add(list, &second, err);
}

static int open_pair(struct hf_bound_list *list, const struct hf_address pair[2], int port,
		     size_t copies, struct hf_err *err)
{
	int tries = port == 0 ? LOCALHOST_TRIES : 1;
	int rc = -HF_E_BUSY;

	while (rc == -HF_E_BUSY && tries-- > 0)
		rc = open_pair_once(list, pair, copies, err);
	return rc;
}

static struct hf_address any_address(int family, int port)
{
	struct hf_address address = { .len = family == AF_INET6 ? sizeof(struct sockaddr_in6)
								: sizeof(struct sockaddr_in) };

	address.sa.ss_family = (sa_family_t)family;
	set_port(&address, port);
	return address;
}

static int open_tcp(struct hf_bound_list *list, const char *spec, size_t copies, struct hf_err *err)
{
	struct hf_address found[HF_ADDRESSES_CAP], pair[2];
	char host[HF_HOST_CAP];
	size_t len = 0;
	int port, rc;

	rc = hf_hostport_parse(spec, -1, host, &port, err);
	if (rc < 0)
		return rc;
	if (host[0] == '\0' || hf_str_eq(host, "*")) {
		pair[0] = any_address(AF_INET, port);
		pair[1] = any_address(AF_INET6, port);
		return open_pair(list, pair, port, copies, err);
	}
	rc = hf_address_resolve(host, port, found, &len, err);
	if (rc < 0)
		return rc;
	if (hf_str_case_eq(host, "localhost")) {
		pair[0] = found[1];
		pair[1] = found[0];
		return open_pair(list, pair, port, copies, err);
	}
	return open_and_add(list, &found[0], copies, err);
}

/* --- sockets that systemd opened --------------------------------------------------------- */

/* A copy of the one socket for each worker: whoever is free accepts. */
static int share(struct hf_bound *bound, int fd, struct hf_err *err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return hf_err_errno(err, errno, "preparing descriptor %d", fd);
	for (size_t i = 0; i < bound->copies; i++) {
		bound->fds[i] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (bound->fds[i] < 0)
			return hf_err_errno(err, errno, "sharing descriptor %d", fd);
	}
	return 0;
}

static int take_passed(struct hf_bound_list *list, int fd, size_t copies, struct hf_err *err)
{
	struct hf_address address = { .len = sizeof(address.sa) };
	struct hf_bound bound;
	socklen_t len = sizeof(int);
	int listens = 0, rc;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) != 0 || !listens ||
	    getsockname(fd, (struct sockaddr *)&address.sa, &address.len) != 0)
		return hf_err_set(err, HF_E_INVALID,
				  "descriptor %d from systemd is no listening stream socket", fd);
	rc = bound_new(&address, copies, &bound, err);
	if (rc == 0)
		rc = share(&bound, fd, err);
	hf_fd_close(fd);
	if (rc < 0) {
		bound_done(&bound);
		return rc;
	}
	return list_add(list, &bound, err);
}

static int open_passed(struct hf_bound_list *list, size_t copies, struct hf_err *err)
{
	int count = hf_daemon_listen_fds(err), rc = 0;

	if (count < 0)
		return count;
	if (count == 0) {
		(void)hf_err_set(err, HF_E_INVALID,
				 "--listen systemd: systemd has passed no sockets");
		return hf_err_hint(err, "a .socket unit of the same name passes them; "
					"contrib/systemd has one");
	}
	for (int i = 0; rc == 0 && i < count; i++)
		rc = take_passed(list, HF_DAEMON_FIRST_FD + i, copies, err);
	return rc;
}

int hf_bound_open(struct hf_bound_list *list, const char *spec, size_t copies, struct hf_err *err)
{
	if (hf_str_eq(spec, "systemd"))
		return open_passed(list, copies ? copies : 1, err);
	if (hf_str_starts(spec, "unix:"))
		return open_unix(list, spec, err);
	return open_tcp(list, spec, copies ? copies : 1, err);
}

void hf_bound_list_done(struct hf_bound_list *list)
{
	for (size_t i = 0; i < list->len; i++)
		bound_done(&list->items[i]);
	free(list->items);
	*list = (struct hf_bound_list)HF_BOUND_LIST_INIT;
}

void hf_bound_list_shut(struct hf_bound_list *list)
{
	for (size_t i = 0; i < list->len; i++)
		for (size_t copy = 0; copy < list->items[i].copies; copy++) {
			hf_fd_close(list->items[i].fds[copy]);
			list->items[i].fds[copy] = -1;
		}
}

void hf_bound_list_close(struct hf_bound_list *list, size_t keep)
{
	for (size_t i = 0; i < list->len; i++) {
		struct hf_bound *bound = &list->items[i];

		/* The supervisor removes the socket file, not its workers. */
		free(bound->unlink_path);
		bound->unlink_path = NULL;
		for (size_t copy = 0; bound->copies > 1 && copy < bound->copies; copy++) {
			if (copy == keep)
				continue;
			hf_fd_close(bound->fds[copy]);
			bound->fds[copy] = -1;
		}
	}
}

int hf_bound_fd(const struct hf_bound *bound, size_t worker)
{
	return bound->fds[worker < bound->copies ? worker : 0];
}

void hf_bound_url(const struct hf_bound *bound, const char *scheme, char *out, size_t cap)
{
	char text[HF_ADDRESS_TEXT_CAP];

	hf_address_format(&bound->address, text);
	if (bound->address.sa.ss_family == AF_UNIX)
		(void)hf_str_copy(out, cap, text);
	else
		snprintf(out, cap, "%s://%s", scheme, text);
}

void hf_bound_list_to_json(const struct hf_bound_list *list, const char *scheme, const char *key,
			   struct hf_json *j)
{
	char url[HF_ADDRESS_TEXT_CAP + 16];

	hf_json_array_begin(j, key);
	for (size_t i = 0; i < list->len; i++) {
		hf_bound_url(&list->items[i], scheme, url, sizeof(url));
		hf_json_string(j, NULL, url);
	}
	hf_json_array_end(j);
}

static void announce(const struct hf_bound *bound, const char *scheme)
{
	char url[HF_ADDRESS_TEXT_CAP + 16], line[HF_ADDRESS_TEXT_CAP + 64];
	int len;

	hf_bound_url(bound, scheme, url, sizeof(url));
	len = snprintf(line, sizeof(line), "handfast: listening on %s\n", url);
	(void)!write(STDERR_FILENO, line, (size_t)len);
}

void hf_bound_list_announce(const struct hf_bound_list *list, const char *scheme)
{
	for (size_t i = 0; i < list->len; i++)
		announce(&list->items[i], scheme);
}
