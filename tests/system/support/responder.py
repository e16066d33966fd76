# SPDX-License-Identifier: Apache-2.0
"""An OCSP responder that passes questions on to a real one, or does what responders do on bad days."""
import http.client
import socket
import threading
import urllib.parse

TYPE = "application/ocsp-response"


class Responder:
    """`how` may be changed at any time: "pass", "hang", "drop", "error", "redirect", "huge", "trickle", "canned"."""

    def __init__(self, behind=None, how="pass"):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d/ocsp" % self.socket.getsockname()[1]
        self.behind, self.how, self.canned = behind, how, b""
        self.asked = 0  # questions that came in whole
        self.lead_to = None  # of redirect
        self.free = threading.Event()  # set: who hangs goes on
        self.held = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    @staticmethod
    def _question(peer):
        got = b""
        while b"\r\n\r\n" not in got:
            piece = peer.recv(65536)
            if not piece:
                return None
            got += piece
        head, _, body = got.partition(b"\r\n\r\n")
        length = [int(row.split(b":")[1]) for row in head.lower().split(b"\r\n") if row.startswith(b"content-length:")][0]
        while len(body) < length:
            body += peer.recv(65536)
        return body

    def _pass(self, body):
        if not self.behind:
            return b""
        to = urllib.parse.urlsplit(self.behind)
        link = http.client.HTTPConnection(to.hostname, to.port, timeout=30)
        link.request("POST", to.path or "/", body, {"Content-Type": "application/ocsp-request"})
        return link.getresponse().read()

    @staticmethod
    def _answer(body, length=None):
        return b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (
            TYPE.encode(), len(body) if length is None else length) + body

    def _serve(self, peer):
        try:
            with peer:
                body = self._question(peer)
                if body is None:
                    return
                how = self.how
                self.asked += 1
                if how == "hang":
                    self.free.wait(120)
                    how = "pass"
                if how == "pass":
                    peer.sendall(self._answer(self._pass(body)))
                elif how == "canned":
                    peer.sendall(self._answer(self.canned))
                elif how == "error":
                    peer.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                elif how == "redirect":
                    peer.sendall(b"HTTP/1.1 302 Away\r\nLocation: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                                 % self.lead_to.encode())
                elif how == "huge":
                    peer.sendall(self._answer(b"\x30\x84\x7f\xff\xff\xff" + b"x" * (1 << 20), 1 << 30))
                elif how == "trickle":
                    peer.sendall(self._answer(b"", 60000))
                    while not self.free.wait(0.05):
                        peer.sendall(b"x")
        except OSError:
            pass  # the one who asked has gone

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.free.set()
        self.socket.close()
