# SPDX-License-Identifier: Apache-2.0
"""Both ends of a tunnel: a TLS server of Python's behind it, and what a local program sees."""
import contextlib
import socket
import ssl
import threading

from support.process import SLOW
from support.program import Server


def context_of(town, who):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(town[who].cert, town[who].key)
    context.load_verify_locations(town.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


class Echo:
    """A TLS server of Python's: demands a client certificate, sends back what it gets, keeps half-closed."""

    def __init__(self, town, who="server", port=0):
        self.context = context_of(town, who)
        self.socket = socket.create_server(("127.0.0.1", port))
        self.port = self.socket.getsockname()[1]
        self.seen = b""
        self.connections = []
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                raw, _ = self.socket.accept()
            except OSError:
                return
            self.connections.append(raw)
            threading.Thread(target=self.serve, args=(raw,), daemon=True).start()

    def serve(self, raw):
        raw.settimeout(20 * SLOW)
        with contextlib.suppress(OSError), self.context.wrap_socket(raw, server_side=True) as tls:
            while True:
                part = tls.recv(65536)
                if not part:
                    break
                self.seen += part
                tls.sendall(part)
            tls.sendall(b"<end>")
            with contextlib.suppress(OSError):
                tls.unwrap()

    def close(self):
        self.socket.close()


class Tunnel(Server):
    @property
    def address(self):
        return ("127.0.0.1", int(self.url.rsplit(":", 1)[1]))

    def connect(self):
        return socket.create_connection(self.address, 20 * SLOW)


def broken(connection):
    """Everything read until the stream broke; a proper end is a failure."""
    got = b""
    try:
        while True:
            part = connection.recv(65536)
            if not part:
                raise AssertionError("the stream seems to have ended well after %r" % got)
            got += part
    except ConnectionError:
        return got


def turned_away(tunnel, words=b""):
    """A local side that gets a reset and not a byte: at once, it may be, before it has connected."""
    try:
        with tunnel.connect() as local:
            local.sendall(words)
            assert broken(local) == b""
    except ConnectionError:
        pass
