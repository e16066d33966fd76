# SPDX-License-Identifier: Apache-2.0
"""A client of the gateway that sends and reads byte by byte."""
import select
import socket
import ssl

from support.peers import PythonClient
from support.process import SLOW
from upstreams import Head


class Wire:
    """One TLS connection to the gateway, byte by byte."""

    def __init__(self, port, town, cred="mail", sni="localhost", host="127.0.0.1", alpn=None, version=None):
        raw = socket.create_connection((host, port), 20 * SLOW)
        context = PythonClient.context(town[cred], None, version=version, alpn=alpn)
        self.tls = context.wrap_socket(raw, server_hostname=sni)
        self.rest = b""

    def send(self, octets):
        self.tls.sendall(octets)

    def more(self):
        try:
            part = self.tls.recv(65536)
        except (ssl.SSLError, ConnectionError):
            part = b""
        self.rest += part
        return bool(part)

    def head(self):
        """The next head, or None when the gateway closed."""
        while b"\r\n\r\n" not in self.rest:
            if not self.more():
                return None
        raw, self.rest = self.rest.split(b"\r\n\r\n", 1)
        return Head(raw)

    def take(self, size):
        have, parts = len(self.rest), [self.rest]
        while have < size:
            self.rest = b""
            if not self.more():
                break
            parts.append(self.rest)
            have += len(self.rest)
        octets = b"".join(parts)
        self.rest = octets[size:]
        return octets[:size]

    def exchange(self, data, size):
        """Sends data while reading size bytes.  One thread: a TLS connection is nobody's to share."""
        view, got = memoryview(data), [self.rest]
        have, self.rest = len(self.rest), b""
        self.tls.setblocking(False)
        try:
            while view or have < size:
                select.select([self.tls], [self.tls] if view else [], [], 10 * SLOW)
                try:
                    view = view[self.tls.send(view[:65536]):] if view else view
                except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    pass
                try:
                    part = self.tls.recv(65536)
                    if not part:
                        break
                    got.append(part)
                    have += len(part)
                except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    pass
        finally:
            self.tls.settimeout(20 * SLOW)
        octets = b"".join(got)
        self.rest = octets[size:]
        return octets[:size]

    def line(self):
        while b"\r\n" not in self.rest:
            if not self.more():
                raise AssertionError("the gateway closed in the middle of a line: %r" % self.rest)
        line, self.rest = self.rest.split(b"\r\n", 1)
        return line

    def chunks(self):
        """The payload of a chunked body, or None when it was cut."""
        got = b""
        while True:
            try:
                size = int(self.line(), 16)
            except AssertionError:
                return None
            piece = self.take(size)
            if len(piece) < size:
                return None
            got += piece
            assert self.line() == b""
            if size == 0:
                return got

    def closed(self):
        while self.more():
            pass
        return self.rest

    def answer(self, head_only=False):
        """(status, head, body); None when the gateway closed without one."""
        head = self.head()
        if head is None:
            return None
        status = int(head.line.split()[1])
        if head_only or status in (204, 304) or status < 200:
            return status, head, b""
        if head.get("transfer-encoding") == "chunked":
            return status, head, self.chunks()
        if "content-length" in head:
            return status, head, self.take(int(head["content-length"]))
        body, self.rest = self.closed(), b""
        return status, head, body

    def ask(self, target="/", method="GET", fields="", body=b"", host="localhost", minor=1):
        rows = "%s %s HTTP/1.%d\r\n" % (method, target, minor)
        if host is not None:
            rows += "Host: %s\r\n" % host
        if body:
            rows += "Content-Length: %d\r\n" % len(body)
        self.send((rows + fields + "\r\n").encode("latin-1") + body)
        return self.answer(head_only=method == "HEAD")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.tls.close()
