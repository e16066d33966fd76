/* SPDX-License-Identifier: Apache-2.0 */
/* What a service tells systemd (sd_notify(3), without its library). */
#ifndef HF_UTIL_DAEMON_H
#define HF_UTIL_DAEMON_H

/* "READY=1", "STOPPING=1", "RELOADING=1\nMONOTONIC_USEC=…": a datagram to $NOTIFY_SOCKET; nothing
 * happens where there is none. */
void hf_daemon_notify(const char *state);

#endif
