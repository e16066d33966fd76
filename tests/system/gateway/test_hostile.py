# SPDX-License-Identifier: Apache-2.0
"""Services that lie, break off or fall silent, and clients that smuggle."""
import json
import re
import socket
import threading
from pathlib import Path

import pytest
from support.ports import Nobody
from support.program import Handfast
from upstreams import Script, always, raw, wait_for

BAD_ANSWERS = {
    "length and chunked": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "two equal lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "a list of lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
    "a signed length": b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
    "a huge length": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello",
    "an unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked not last": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunked twice": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "obs-fold": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "a bare LF": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "a bare CR in a value": b"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n",
    "a NUL in a value": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
    "space before the colon": b"HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 0\r\n\r\n",
    "no colon": b"HTTP/1.1 200 OK\r\nXa\r\nContent-Length: 0\r\n\r\n",
    "HTTP/0.9": b"<html>hello</html>",
    "HTTP/2": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "no status": b"HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    "status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "a TLS alert": b"\x15\x03\x03\x00\x02\x02\x28",
    "an endless head": b"HTTP/1.1 200 OK\r\n" + b"X: %s\r\n" % (b"y" * 1000) * 40,
    "101 unasked": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "interims without end": b"HTTP/1.1 102 Processing\r\n\r\n" * 100,
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
}


@pytest.mark.parametrize("kind", sorted(BAD_ANSWERS))
def test_answer_that_can_be_read_in_two_ways_is_a_502(gateway, wire, kind):
    with Script(raw(BAD_ANSWERS[kind])) as service:
        server = gateway("--to", service.url)
        connection = wire(server)
        status, head, body = connection.ask(method="POST")
        while status == 102:
            status, head, body = connection.answer()
        assert status == 502, (status, body)
        reference = body.decode().split("Reference: ")[1].strip()
        record = server.wait_until(lambda: [json.loads(line) for line in server.lines["err"] if reference in line],
                                   "record of the failure")[0]
        assert record["upstream"] == service.url and record["status"] == 502 and record["text"]
        assert str(service.port) not in body.decode(), "the client learns nothing of the inside"
        # The client's own connection is not to blame.
        assert "connection" not in head
        assert connection.ask(method="POST") is not None


CUT = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhello",
    "no last chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "half a last chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    "bad chunk size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
    "chunk longer than it says": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!!\r\n0\r\n\r\n",
    "bare LF in chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n",
}


@pytest.mark.parametrize("kind", sorted(CUT))
def test_answer_that_is_cut_is_never_passed_off_as_whole(gateway, wire, kind, tmp_path):
    log = tmp_path / "log"
    with Script(raw(CUT[kind])) as service:
        server = gateway("--to", service.url, "--access-log", str(log))
        connection = wire(server)
        connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = connection.head()
        if head is not None and head.line.startswith("HTTP/1.1 200"):
            if "content-length" in head:
                assert len(connection.take(int(head["content-length"]))) < int(head["content-length"])
            else:
                assert connection.chunks() is None
            assert connection.closed() is not None
        row = wait_for(lambda: log.exists() and log.read_text() and json.loads(log.read_text()), "line in the log")
        assert row["error"] in ("truncated", "bad-answer") and row["reference"]


def test_connection_with_bytes_too_many_is_never_used_again(gateway, wire):
    def play(peer, number):
        peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                  b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
        peer.eof()
    with Script(play) as service:
        server = gateway("--to", service.url)
        connection = wire(server)
        for _ in range(3):
            assert connection.ask()[2] == b"ok"
        assert service.connections == 3


def test_bytes_that_come_between_two_requests_answer_nobody(gateway, wire):
    sent = threading.Event()

    def play(peer, number):
        peer.head()
        peer.ok(b"%d" % number)
        if number == 1:
            threading.Event().wait(0.1)
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
            sent.set()
            assert peer.eof()
        else:
            peer.eof()
    with Script(play) as service:
        server = gateway("--to", service.url)
        connection = wire(server)
        assert connection.ask()[2] == b"1"
        sent.wait(10)
        assert connection.ask()[2] == b"2"


def test_body_of_a_head_answer_is_not_taken_for_the_next_answer(gateway, wire):
    def play(peer, number):
        head = peer.head()
        peer.ok(b"body" if head.line.startswith("HEAD") else b"right")
        peer.eof()
    with Script(play) as service:
        server = gateway("--to", service.url)
        connection = wire(server)
        assert connection.ask(method="HEAD")[0] == 200
        assert connection.ask()[2] == b"right"


# --- retries ---

def test_idempotent_request_is_sent_again_when_a_kept_connection_had_died(gateway, wire):
    def play(peer, number):
        peer.head()
        peer.ok(b"%d" % number)
        if number == 1:
            peer.head()  # and close without a word
            return
        peer.eof()
    with Script(play) as service:
        server = gateway("--to", service.url)
        connection = wire(server)
        assert connection.ask()[2] == b"1"
        assert connection.ask("/again")[2] == b"2"
        assert [service.head().line.split()[1] for _ in range(3)] == ["/", "/again", "/again"]


def test_post_is_never_sent_twice(gateway, wire):
    def play(peer, number):
        peer.body(peer.head())
        peer.ok(b"%d" % number)
        if number == 1:
            peer.body(peer.head())
            return
        peer.eof()
    with Script(play) as service:
        server = gateway("--to", service.url)
        connection = wire(server)
        assert connection.ask(method="POST", body=b"a")[2] == b"1"
        assert connection.ask("/pay", method="POST", body=b"b")[0] == 502
        heads = [service.head().line.split()[1] for _ in range(2)]
        assert heads == ["/", "/pay"] and service.heads.empty() and service.connections == 1


def test_post_never_meets_a_connection_that_is_known_to_be_dead(gateway, wire):
    def play(peer, number):
        peer.body(peer.head())
        peer.ok(b"%d" % number)
    with Script(play) as service:
        server = gateway("--to", service.url)
        connection = wire(server)
        for number in range(1, 30):
            assert connection.ask(method="POST", body=b"a")[2] == b"%d" % number
            service.threads[-1].join(10)  # it has closed its end


def test_fresh_connection_that_dies_is_a_502_and_no_second_try(gateway, wire):
    with Script(raw(b"")) as service:
        server = gateway("--to", service.url)
        assert wire(server).ask()[0] == 502
        assert service.connections == 1


# --- limits ---

def test_service_that_cannot_be_reached_is_a_502(gateway, wire):
    with Nobody() as dead:
        server = gateway("--to", dead.url())
        connection = wire(server)
        for _ in range(2):
            status, head, body = connection.ask()
            assert status == 502 and "Reference: " in body.decode()
    record = server.wait_until(lambda: [json.loads(line) for line in server.lines["err"] if "upstream-failure" in line],
                               "record")[0]
    assert record["trouble"] == "connect" and "refused" in record["text"]


def test_socket_file_that_is_not_there_is_a_502(gateway, wire, tmp_path):
    server = gateway("--to", "http+unix:%s/none.sock" % tmp_path)
    assert wire(server).ask()[0] == 502


def test_service_that_says_nothing_is_a_504(gateway, wire):
    def play(peer, number):
        peer.head()
        assert peer.eof(), "the gateway gives the connection up"
    with Script(play) as service:
        server = gateway("--to", service.url, "--answer-timeout", "1")
        connection = wire(server)
        status, head, body = connection.ask()
        assert status == 504 and "Reference: " in body.decode()


def test_service_that_stops_in_the_middle_is_cut(gateway, wire):
    def play(peer, number):
        peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        assert peer.eof()
    with Script(play) as service:
        server = gateway("--to", service.url, "--upstream-idle-timeout", "1")
        connection = wire(server)
        connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.head().line.startswith("HTTP/1.1 200")
        assert connection.take(10) == b"hello"


def test_client_that_stops_in_a_body_does_not_keep_the_service(gateway, wire):
    ended = threading.Event()

    def play(peer, number):
        peer.head()
        while peer.sock.recv(1000):
            pass
        ended.set()
    with Script(play) as service:
        server = gateway("--to", service.url, "--idle-timeout", "1")
        connection = wire(server)
        connection.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhello")
        assert ended.wait(10)


def test_client_that_goes_away_frees_the_service(gateway, wire):
    ended = threading.Event()

    def play(peer, number):
        peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        try:
            while True:
                peer.send(b"x" * 65536)
        except OSError:
            ended.set()
    with Script(play) as service:
        server = gateway("--to", service.url)
        connection = wire(server)
        connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.head().line.startswith("HTTP/1.1 200")
        connection.tls.close()
        assert ended.wait(10)


def test_client_that_only_closes_its_direction_gets_its_answer(gateway, wire, town):
    go = threading.Event()

    def play(peer, number):
        peer.head()
        go.wait(10)
        peer.ok(b"late")
    with Script(play) as service:
        server = gateway("--to", service.url)
        connection = wire(server, version="1.2")
        connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        service.head()
        # Not SSLSocket.shutdown, which would forget the TLS session.
        socket.socket.shutdown(connection.tls, socket.SHUT_WR)
        go.set()
        assert connection.answer()[2] == b"late"


def test_more_clients_than_descriptors_wait_and_none_gets_an_error(hf, town, wire, tmp_path):
    """A client that is let in may need a second descriptor, for the service: it must be there."""
    limited = tmp_path / "limited"
    limited.write_text("#!/bin/sh\nulimit -n 300\nexec %s \"$@\"\n" % hf.binary)
    limited.chmod(0o755)
    hf.binary = str(limited)
    go = threading.Event()

    def play(peer, number):
        peer.head()
        go.wait(20)
        peer.ok(fields=b"Connection: close\r\n")
    with Script(play) as service:
        with hf.serve(*town.serve_args, "--allow", "any", "--workers", "1", "--to", service.url) as server:
            answers = []

            def ask():
                connection = wire(server)
                answers.append(connection.ask(fields="Connection: close\r\n")[0])
                connection.tls.close()
            threads = [threading.Thread(target=ask) for _ in range(320)]
            for thread in threads:
                thread.start()
            wait_for(lambda: service.connections >= 50, "fifty requests at the service")
            go.set()
            for thread in threads:
                thread.join(60)
            assert answers.count(200) == 320, (len(answers), set(answers))


# --- clients that smuggle: nothing of it may reach the service ---

def vectors():
    """(name, answers, bytes) of smuggling.txt."""
    for row in (Path(__file__).with_name("smuggling.txt")).read_text().splitlines():
        if not row.startswith("#"):
            name, answers, escaped = row.split(" | ", 2)
            yield pytest.param(answers.split(), escaped.encode("latin-1").decode("unicode_escape").encode("latin-1"), id=name)


def framing(head):
    """What a service goes by to find the end of a request."""
    return [name for name in head.names if re.sub("[^a-z]", "", name) in ("contentlength", "transferencoding")]


def test_there_are_vectors_enough():
    names = [vector.id for vector in vectors()]
    assert len(names) == len(set(names)) >= 115


@pytest.fixture(scope="module")
def behind(binary, town, tmp_path_factory):
    """One gateway for all vectors, and the service behind it."""
    folder = str(tmp_path_factory.mktemp("behind"))
    with Script(always()) as service, Handfast(binary, folder, cwd=folder).serve(
            *town.serve_args, "--allow", "any", "--workers", "1", "--to", service.url) as server:
        yield service, server


@pytest.mark.parametrize("answers, octets", vectors())
def test_smuggling_request_never_reaches_the_service(behind, wire, answers, octets):
    service, server = behind
    connection = wire(server)
    connection.send(octets)
    assert [str(connection.answer()[0]) for _ in answers] == answers
    if len(answers) == 1:
        assert connection.closed() == b"", "nothing is read behind what was refused"
    heads = []
    while not service.heads.empty():
        heads.append(service.heads.get())
    assert [head.line.split()[1] for head in heads if "smuggled" in head.raw.decode("latin-1")] == (
        ["/smuggled"] if len(answers) == 2 else [])
    assert all(len(framing(head)) <= 1 for head in heads), [head.raw for head in heads]


BAD_BODIES = [b"zz\r\n", b"5\r\nhelloX\r\n", b"5\nhello\r\n", b"-1\r\n", b"0x5\r\nhello\r\n", b"5 \r\nhello\r\n",
              b"ffffffffffffffffffff\r\n", b"5\r\nhello\r\n0\r\nbad trailer\r\n\r\n"]


@pytest.mark.parametrize("body", BAD_BODIES)
def test_bad_chunks_end_the_request_at_both_sides(gateway, wire, body):
    ended = threading.Event()
    seen = []

    def play(peer, number):
        peer.head()
        try:
            while True:
                peer.more()
        except (OSError, EOFError):
            seen.append(peer.rest)
            ended.set()
    with Script(play) as service:
        server = gateway("--to", service.url)
        connection = wire(server)
        connection.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        service.head()
        connection.send(body)
        assert connection.answer()[0] == 400
        assert ended.wait(10)
        assert b"0\r\n\r\n" not in seen[0], "the service must not take it for a whole request"


def test_body_over_the_limit_is_413_and_the_service_sees_it_cut(gateway, wire):
    ended = threading.Event()

    def play(peer, number):
        peer.head()
        try:
            while True:
                peer.more()
        except (OSError, EOFError):
            assert b"0\r\n\r\n" not in peer.rest
            ended.set()
    with Script(play) as service:
        server = gateway("--to", service.url, "--max-body-bytes", "1000")
        connection = wire(server)
        connection.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1001\r\n\r\n")
        assert connection.answer()[0] == 413
        connection = wire(server)
        connection.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        service.head()
        connection.send(b"1f4\r\n" + b"a" * 500 + b"\r\n" + b"1f5\r\n" + b"b" * 501 + b"\r\n")
        assert connection.answer()[0] == 413
        assert ended.wait(10)


def test_trace_and_connect_are_not_forwarded(gateway, wire):
    with Script(always()) as service:
        server = gateway("--to", service.url)
        assert wire(server).ask(method="TRACE")[0] == 405
        connection = wire(server)
        connection.send(b"CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\n\r\n")
        assert connection.answer()[0] == 501
        assert service.heads.empty()
