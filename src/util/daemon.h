/* SPDX-License-Identifier: Apache-2.0 */
/* What a service and systemd tell each other (sd_notify(3), sd_listen_fds(3),
 * sd_watchdog_enabled(3)), without its library.
 *
 * Privileges: the program never needs root.  A port below 1024 comes from systemd as an open
 * socket (see hf_daemon_listen_fds) or by AmbientCapabilities=CAP_NET_BIND_SERVICE, as in
 * contrib/systemd.  Whoever starts it as root all the same has --user (util/sandbox.h). */
#ifndef HF_UTIL_DAEMON_H
#define HF_UTIL_DAEMON_H

#include <signal.h>
#include <stdint.h>

#include "base/err.h"

/* "READY=1", "STOPPING=1", "STATUS=…": a datagram to $NOTIFY_SOCKET; nothing happens where
 * there is none. */
void hf_daemon_notify(const char *state);
/* RELOADING=1 with the moment it began (Type=notify-reload); READY=1 ends it. */
void hf_daemon_notify_reloading(void);
/* How often WATCHDOG=1 is to be sent at most: half of what systemd waits.  0 when it does not
 * watch us. */
int64_t hf_daemon_watchdog_ms(void);

/* Sockets that systemd opened for this process: their number (0 when there are none), the
 * first is HF_DAEMON_FIRST_FD.  They become close-on-exec and the variables go, so that no
 * child takes them for its own. Malformed variables are -HF_E_INVALID. */
enum { HF_DAEMON_FIRST_FD = 3, HF_DAEMON_FDS_CAP = 64 };
int hf_daemon_listen_fds(struct hf_err *err);

/* Blocks the signals (ended by 0) until hf_daemon_unblock; a child made in between inherits
 * the block. */
void hf_daemon_block(const int *signals, sigset_t *ret_old);
void hf_daemon_unblock(const sigset_t *old);

#endif
