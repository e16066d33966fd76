# SPDX-License-Identifier: Apache-2.0
"""Ports of loopback: one for a peer that must be told its number, one where nobody listens, one where nobody answers."""
import fcntl
import itertools
import os
import socket
import tempfile

BLOCK = 400  # ports that one process of pytest has to itself
BLOCKS = range(10000, 32400, BLOCK)  # below the kernel's own (32768 on), which every listener on port 0 takes from


def _own_block():
    """The first block that no other process of this machine's user holds; the lock ends with the process."""
    for first in BLOCKS:
        path = os.path.join(tempfile.gettempdir(), "handfast-ports-%d-%d" % (os.getuid(), first))
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return itertools.cycle(range(first, first + BLOCK))
        except OSError:
            os.close(fd)
    raise RuntimeError("every block of ports is held by another process")


_ports = None


def free_port():
    """The number of a port that stays free until its peer takes it: no other test is given it, and no kernel."""
    global _ports
    _ports = _ports or _own_block()
    for port in itertools.islice(_ports, BLOCK):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no port of the block is free")


class Nobody:
    """A port that refuses every connection, for as long as this object holds it."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def url(self, scheme="http", path=""):
        return "%s://127.0.0.1:%d%s" % (scheme, self.port, path)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.socket.close()


class Silent(Nobody):
    """A port that takes connections and never says a word, for as long as this object holds it."""

    def __init__(self):
        super().__init__()
        self.socket.listen(512)
