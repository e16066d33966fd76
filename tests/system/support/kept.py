# SPDX-License-Identifier: Apache-2.0
"""A connection that has had one answer and stays open."""
import socket

from .peers import PythonClient
from .process import SLOW

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Kept:
    def __init__(self, port, credential, ca, version="1.3", name="localhost", words=b"hello"):
        raw = socket.create_connection(("127.0.0.1", port), 20 * SLOW)
        self.tls = PythonClient.context(credential, ca, version).wrap_socket(raw, server_hostname=name)
        assert words in self.ask()

    def ask(self, request=REQUEST):
        self.tls.sendall(request)
        return self.tls.recv(65536)

    def wait_end(self):
        """Nothing is sent: the server alone ends it.  A time-out of the socket is a failure."""
        try:
            assert self.tls.recv(65536) == b""
        except (ConnectionError, EOFError):
            pass
        except OSError as end:
            assert not isinstance(end, TimeoutError), "the connection was kept"

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.tls.close()
