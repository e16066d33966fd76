# SPDX-License-Identifier: Apache-2.0
"""Every limit of `serve` can be set, and does what it says."""
import contextlib
import json
import signal
import socket
import ssl

import pytest
from support.peers import PythonClient, parse_head
from support.process import SLOW

REFUSALS = 230  # a burst of 200 is written whatever the rate
HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture
def serve(hf, town):
    with contextlib.ExitStack() as stack:
        yield lambda *options: stack.enter_context(hf.serve(*town.serve_args, "--workers", "1", "--allow", "any",
                                                            "--respond", "text:hello", *options))


@contextlib.contextmanager
def connected(server, town):
    raw = socket.create_connection(("127.0.0.1", server.port), 30 * SLOW)
    with PythonClient.context(town["mail"], town.ca).wrap_socket(raw, server_hostname="localhost") as tls:
        yield tls


def until_closed(stream):
    """Everything that comes until the server closes: a server that does not is the socket's timeout, and an error."""
    got = b""
    while True:
        try:
            part = stream.recv(65536)
        except (ssl.SSLEOFError, ConnectionError):
            part = b""
        if not part:
            return got
        got += part


def begin_request(tls):
    """A request whose body will not end; its head was read."""
    tls.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n")
    assert b" 100 " in tls.recv(65536)
    tls.sendall(b"abc")


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("octets", [b"", b"\x16\x03\x01"], ids=["silent", "begun"])
def test_handshake_that_does_not_end_is_cut(serve, octets):
    server = serve("--handshake-timeout", "1")
    with socket.create_connection(("127.0.0.1", server.port), 30 * SLOW) as raw:
        raw.sendall(octets)
        until_closed(raw)


@pytest.mark.parametrize("options, octets", [
    (["--header-timeout", "1"], HEAD), (["--idle-timeout", "1"], b""), (["--idle-timeout", "1"], HEAD + b"\r\n"),
    (["--body-timeout", "1"], b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc")],
    ids=["head", "nothing", "kept", "body"])
def test_connection_that_waits_too_long_is_closed(serve, town, options, octets):
    server = serve(*options)
    with connected(server, town) as tls:
        tls.sendall(octets)
        got = until_closed(tls)
    assert (b" 408 " in got or not got) if b"\r\n\r\n" not in octets or b"POST" in octets else b" 200 " in got, got


@pytest.mark.parametrize("options, octets, status", [
    (["--max-header-bytes", "512"], HEAD + b"X: " + b"a" * 600 + b"\r\n\r\n", 431),
    (["--max-header-bytes", "65536"], HEAD + b"X: " + b"a" * 40000 + b"\r\n\r\n", 200),
    (["--max-header-fields", "3"], HEAD + b"A: 1\r\nB: 2\r\nC: 3\r\n\r\n", 431),
    (["--max-header-fields", "4"], HEAD + b"A: 1\r\nB: 2\r\nC: 3\r\n\r\n", 200),
    (["--max-body-bytes", "4"], HEAD.replace(b"GET", b"POST") + b"Content-Length: 5\r\n\r\nhello", 413),
    (["--max-body-bytes", "5"], HEAD.replace(b"GET", b"POST") + b"Content-Length: 5\r\n\r\nhello", 200),
    (["--max-body-bytes", "4"], HEAD.replace(b"GET", b"POST") + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
     413)])
def test_size_limit_is_the_one_that_was_set(serve, town, options, octets, status):
    with connected(serve(*options), town) as tls:
        tls.sendall(octets)
        assert parse_head(tls.recv(65536))[0] == status


@pytest.mark.parametrize("option, value", [("--max-header-bytes", "255"), ("--max-header-fields", "101"),
                                           ("--header-timeout", "-1"), ("--handshake-timeout", "soon"),
                                           ("--max-connections", "0"), ("--workers", "65")])
def test_limit_out_of_range_is_a_usage_error_that_names_it(hf, town, option, value):
    told = hf("serve", *town.serve_args, "--allow", "any", "--respond", "text:x", option, value, exit=2)
    assert option in told.stderr


def test_connections_over_the_limit_wait_until_one_ends(serve, town, python):
    server = serve("--max-connections", "1")
    with connected(server, town) as tls:
        tls.sendall(HEAD + b"\r\n")
        assert b"hello" in tls.recv(65536)
        with socket.create_connection(("127.0.0.1", server.port), 30 * SLOW) as second:
            tls.sendall(HEAD + b"\r\n")
            assert b"hello" in tls.recv(65536)
            second.close()
    server.wait_until(lambda: python.get(server.port, town["mail"]).accepted, "room for the next")


def test_records_over_the_rate_are_counted_and_told(serve, town, python):
    server = serve("--refusal-log-rate", "1")
    for _ in range(REFUSALS):
        assert python.get(server.port, town["foreign"]).alert == 48
    server.stop()
    told = [json.loads(line) for line in server.lines["err"] if line.startswith("{")]
    records = [row for row in told if "cause" in row]
    left_out = sum(row["suppressed"] for row in told if row.get("event") == "refusals-suppressed")
    assert left_out > 0 and len(records) + left_out == REFUSALS, (len(records), left_out)


def test_request_that_does_not_end_is_cut_after_the_drain_and_told_by_the_exit(serve, town):
    server = serve("--drain", "1")
    with connected(server, town) as tls:
        begin_request(tls)
        server.signal(signal.SIGTERM)
        assert server.wait(30) == 1
        until_closed(tls)


def test_second_interrupt_does_not_wait_for_anybody(serve, town):
    server = serve("--drain", "600")
    with connected(server, town) as tls:
        begin_request(tls)
        server.signal(signal.SIGINT)
        server.wait_until(lambda: not listens(server.port), "the drain to begin")
        server.signal(signal.SIGINT)
        assert server.wait(30) == 1
        until_closed(tls)
