# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 as RFC 9112 wants it, byte for byte over Python's ssl."""
import re
import socket
import ssl

import pytest
from support.peers import PythonClient, parse_head
from support.process import SLOW


@pytest.fixture(scope="module")
def server(binary, town, session_dir):
    from support.program import Handfast
    home = session_dir / "http-home"
    home.mkdir(exist_ok=True)
    hf = Handfast(binary, str(home), cwd=str(session_dir))
    with hf.serve(*town.serve_args, "--allow", "any", "--respond", "text:hello") as running:
        yield running


class Wire:
    """One TLS connection to send bytes on and to read responses from."""

    def __init__(self, server, town, alpn=None):
        raw = socket.create_connection(("127.0.0.1", server.port), 10 * SLOW)
        self.tls = PythonClient.context(town["mail"], town.ca, alpn=alpn).wrap_socket(raw, server_hostname="localhost")
        self.rest = b""

    def send(self, octets):
        self.tls.sendall(octets)

    def response(self, head_only=False):
        """(status, headers, body) of the next response; None when the server closed."""
        while b"\r\n\r\n" not in self.rest:
            if not self._more():
                return None
        status, headers, _ = parse_head(self.rest)
        start = self.rest.index(b"\r\n\r\n") + 4
        size = 0 if head_only or status in (204, 304) or status < 200 else int(headers.get("content-length", 0))
        while len(self.rest) < start + size:
            if not self._more():
                break
        body, self.rest = self.rest[start:start + size], self.rest[start + size:]
        return status, headers, body

    def _more(self):
        try:
            part = self.tls.recv(65536)
        except (ssl.SSLError, ConnectionError):
            part = b""
        self.rest += part
        return bool(part)

    def closed(self):
        while self._more():
            pass
        return self.rest

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.tls.close()


@pytest.fixture
def wire(server, town):
    with Wire(server, town) as connection:
        yield connection


GOOD = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.row(67)
def test_connection_is_kept_for_the_next_request(wire):
    for _ in range(3):
        wire.send(GOOD)
        status, headers, body = wire.response()
        assert (status, body) == (200, b"hello")
        assert re.match(r"\w{3}, \d{2} \w{3} \d{4} \d\d:\d\d:\d\d GMT$", headers["date"])


@pytest.mark.row(67)
def test_pipelined_requests_are_answered_in_order(wire):
    wire.send(GOOD + b"HEAD /x HTTP/1.1\r\nHost: localhost\r\n\r\n" + GOOD)
    assert wire.response()[2] == b"hello"
    status, headers, body = wire.response(head_only=True)
    assert (status, headers["content-length"], body) == (200, "5", b"")
    assert wire.response()[2] == b"hello"


@pytest.mark.row(67)
def test_request_split_into_single_bytes_is_understood(wire):
    for i in range(len(GOOD)):
        wire.send(GOOD[i:i + 1])
    assert wire.response()[0] == 200


@pytest.mark.row(67)
def test_connection_close_is_honoured(wire):
    wire.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    status, headers, _ = wire.response()
    assert status == 200 and headers.get("connection", "").lower() == "close"
    assert wire.closed() == b""


@pytest.mark.row(67)
def test_http_1_0_is_answered_and_closed(wire):
    wire.send(b"GET / HTTP/1.0\r\n\r\n")
    assert wire.response()[0] == 200
    assert wire.closed() == b""


def test_body_of_a_request_is_read_before_the_next_one(wire):
    wire.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nGET /" + GOOD)
    assert wire.response()[0] in (200, 404, 405)
    assert wire.response()[0] == 200


def test_chunked_body_is_read(wire):
    wire.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
              b"5\r\nhello\r\n3;ext=1\r\nabc\r\n0\r\n\r\n" + GOOD)
    assert wire.response()[0] in (200, 404, 405)
    assert wire.response()[0] == 200


def test_expect_100_continue_is_answered(wire):
    wire.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    first = wire.response()
    assert first[0] in (100, 200, 404, 405, 417)
    if first[0] == 100:
        wire.send(b"abc")
        assert wire.response()[0] in (200, 404, 405)


BAD = {
    "obs-fold": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n",
    "bare LF in the head": b"GET / HTTP/1.1\nHost: localhost\n\n",
    "bare LF after one field": b"GET / HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n",
    "bare CR in a value": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n",
    "space before the colon": b"GET / HTTP/1.1\r\nHost: localhost\r\nX : y\r\n\r\n",
    "space before the first field": b"GET / HTTP/1.1\r\n Host: localhost\r\n\r\n",
    "empty field name": b"GET / HTTP/1.1\r\nHost: localhost\r\n: y\r\n\r\n",
    "no colon": b"GET / HTTP/1.1\r\nHost: localhost\r\nXY\r\n\r\n",
    "NUL in a value": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n",
    "control byte in a value": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x01b\r\n\r\n",
    "two lengths that differ": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "two equal lengths": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
    "a list of lengths": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1, 1\r\n\r\na",
    "negative length": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    "length with a plus": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: +1\r\n\r\na",
    "length in hex": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0x1\r\n\r\na",
    "length that overflows": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    "empty length": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length:\r\n\r\n",
    "length and chunked": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding other than chunked": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked, identity": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunked twice": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "xchunked": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bad chunk size": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "chunk size that overflows": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
    "chunk size with a space": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n 5\r\nhello\r\n0\r\n\r\n",
    "chunk without its end": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n",
    "bare LF after the chunk size": b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: other\r\n\r\n",
    "unknown version": b"GET / HTTP/3.7\r\nHost: localhost\r\n\r\n",
    "lower-case version": b"GET / http/1.1\r\nHost: localhost\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "two spaces": b"GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "tab in the request line": b"GET\t/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "method with a slash": b"G/T / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "target with a NUL": b"GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "target without a slash": b"GET index.html HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


@pytest.mark.row(67)
@pytest.mark.parametrize("label", list(BAD))
def test_malformed_request_is_refused_and_the_connection_closed(wire, label):
    wire.send(BAD[label] + GOOD)
    answer = wire.response()
    assert answer is not None and 400 <= answer[0] < 600, answer
    assert answer[2] != b"hello"
    assert b"200 OK" not in wire.closed()


@pytest.mark.parametrize("head, fine", [
    (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 15000 + b"\r\n\r\n", True),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 17000 + b"\r\n\r\n", False),
    (b"GET /" + b"a" * 17000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", False),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X%d: y\r\n" % i for i in range(90)) + b"\r\n", True),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X%d: y\r\n" % i for i in range(101)) + b"\r\n", False),
], ids=["15 kB", "17 kB field", "17 kB target", "91 fields", "102 fields"])
def test_limits_of_the_head_are_kept(wire, head, fine):
    try:
        wire.send(head)
    except (ssl.SSLError, ConnectionError):
        assert not fine
    answer = wire.response()
    assert answer is not None
    assert (answer[0] == 200) if fine else (answer[0] in (400, 414, 431)), answer


def test_many_connections_are_served_at_once(server, town):
    wires = [Wire(server, town) for _ in range(20)]
    try:
        for one in wires:
            one.send(GOOD)
        assert [one.response()[0] for one in reversed(wires)] == [200] * 20
    finally:
        for one in wires:
            one.tls.close()


@pytest.mark.row(67)
def test_curl_that_offers_h2_is_led_to_http_1_1(server, town, curl):
    answer = curl.get(server.port, town["mail"], town.ca, more=["--http2"])
    assert answer.status == 200, answer
    assert "ALPN: server accepted http/1.1" in answer.text, answer
    with Wire(server, town, ["h2", "http/1.1"]) as one:
        assert one.tls.selected_alpn_protocol() == "http/1.1"


@pytest.mark.row(67)
def test_client_with_no_protocol_in_common_gets_alert_120(server, town):
    with pytest.raises(ssl.SSLError) as refused:
        with Wire(server, town, ["fleet/1"]) as one:
            one.send(GOOD)
            one.tls.recv(1)
    assert "NO_APPLICATION_PROTOCOL" in str(refused.value).upper().replace(" ", "_")


@pytest.mark.row(67)
def test_curl_with_two_urls_uses_one_connection(server, town, curl):
    answer = curl.get(server.port, town["mail"], town.ca, more=["https://localhost:%d/two" % server.port])
    assert answer.code == 0
    assert "Re-using existing connection" in answer.text, answer
