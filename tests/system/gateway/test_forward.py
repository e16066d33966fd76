# SPDX-License-Identifier: Apache-2.0
"""Forwarding requests: the way there and back, framing, bodies of every kind, keep-alive."""
import hashlib
import json
import os
import threading

import pytest
from support.program import sanitized
from upstreams import NginxService, NodeService, PythonService, Script, always, raw, wait_for

SERVICES = {"python": PythonService, "node": NodeService}


@pytest.fixture(params=sorted(SERVICES))
def service(request, tmp_path):
    made = SERVICES[request.param](str(tmp_path))
    yield made
    made.stop()


@pytest.mark.row(68)
def test_curl_gets_and_posts_through_the_gateway_to_a_real_service(gateway, town, curl, service):
    server = gateway("--to", service.url)
    got = curl.get(server.port, town["mail"], town.ca, path="/a/b?c=d%20e")
    assert got.status == 200, got
    seen = json.loads(got.body)
    assert (seen["method"], seen["path"]) == ("GET", "/a/b?c=d%20e")
    data = os.urandom(300000)
    got = curl.get(server.port, town["mail"], town.ca, method="POST", path="/in", data=data)
    assert got.status == 200, got
    seen = json.loads(got.body)
    assert (seen["method"], seen["body_len"], seen["sum"]) == ("POST", len(data), sum(data))


def test_curl_uploads_chunked_with_100_continue(gateway, town, curl, service):
    server = gateway("--to", service.url)
    data = os.urandom(100000)
    got = curl.get(server.port, town["mail"], town.ca, method="POST", path="/in", data=data, more=[
        "-H", "Transfer-Encoding: chunked", "-H", "Expect: 100-continue"])
    seen = json.loads(got.body[got.body.find(b"{"):got.body.rfind(b"}") + 1])
    assert (seen["body_len"], seen["sum"]) == (len(data), sum(data)), got


def test_nginx_serves_a_large_file_whole(gateway, town, curl, tmp_path):
    nginx = NginxService(str(tmp_path))
    try:
        data = os.urandom(30 * 1024 * 1024)
        with open(os.path.join(nginx.root, "big"), "wb") as out:
            out.write(data)
        server = gateway("--to", nginx.url)
        target = str(tmp_path / "got")
        got = curl.get(server.port, town["mail"], town.ca, path="/big", more=["-o", target])
        assert got.code == 0, got
        with open(target, "rb") as file:
            body = file.read().split(b"\r\n\r\n", 1)[1]
        assert hashlib.sha256(body).digest() == hashlib.sha256(data).digest()
        assert curl.get(server.port, town["mail"], town.ca, path="/nothing").status == 204
        assert curl.get(server.port, town["mail"], town.ca, path="/big", method="HEAD", more=["--head"]).headers[
            "content-length"] == str(len(data))
    finally:
        nginx.stop()


def test_unix_socket_is_a_service_like_any_other(gateway, wire, tmp_path):
    with Script(always(b"over unix"), path=str(tmp_path / "s.sock")) as service:
        server = gateway("--to", service.url)
        connection = wire(server)
        assert connection.ask("/x")[2] == b"over unix"
        assert connection.ask(host=None, minor=0)[0] == 200
        assert service.head()["host"] == "localhost"
        assert service.head()["host"] == "localhost"


def test_prefix_of_the_target_stands_in_front_of_every_path(gateway, wire):
    with Script(always()) as service:
        server = gateway("--to", service.url + "/app/")
        connection = wire(server)
        for target, line in (("/x?y", "/app/x?y"), ("/", "/app/"), ("/x?", "/app/x?"),
                             ("https://localhost/z", "/app/z"), ("https://localhost?q", "/app/?q")):
            assert connection.ask(target)[0] == 200
            assert service.head().line == "GET %s HTTP/1.1" % line
        for climbing in ("/../x", "/a/../../x", "/%2e%2e/x", "/.%2E/x", "/a/./b", "/..", "/a%2fb", "/a%5C..%5Cb"):
            assert connection.ask(climbing)[0] == 400, climbing


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
def test_methods_go_through(gateway, wire, method):
    with Script(always() if method != "HEAD" else raw(
            b"HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n", close=False)) as service:
        server = gateway("--to", service.url)
        status, head, body = wire(server).ask(method=method)
        assert status == 200 and service.head().line.split()[0] == method
        if method == "HEAD":
            assert (head["content-length"], body) == ("12345", b"")


def test_one_connection_to_the_service_carries_many_requests(gateway, wire):
    with Script(always()) as service:
        server = gateway("--to", service.url)
        first, second = wire(server), wire(server)
        for _ in range(10):
            assert first.ask()[0] == 200
            assert second.ask()[0] == 200
        assert service.connections == 1


def test_connection_that_was_used_last_is_used_next(gateway, wire):
    slow = threading.Event()

    def play(peer, number):
        while True:
            head = peer.head()
            if head.line.split()[1] == "/slow":
                slow.wait(20)
            peer.ok(b"%d" % number)
    with Script(play) as service:
        server = gateway("--to", service.url)
        one, two = wire(server), wire(server)
        one.send(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
        service.head()
        assert two.ask()[2] == b"2"
        slow.set()
        assert one.answer()[2] == b"1"
        assert [two.ask()[2] for _ in range(3)] == [b"1"] * 3
        assert service.connections == 2


def test_keep_nothing_means_a_connection_a_request(gateway, wire):
    with Script(always()) as service:
        server = gateway("--to", service.url, "--upstream-keep", "0")
        connection = wire(server)
        for _ in range(3):
            assert connection.ask()[0] == 200
        assert service.connections == 3


def test_pipelined_requests_are_answered_in_order(gateway, wire):
    def play(peer, number):
        while True:
            head = peer.head()
            peer.ok(head.line.split()[1].encode())
    with Script(play) as service:
        server = gateway("--to", service.url)
        connection = wire(server)
        connection.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % i for i in range(20)))
        assert [connection.answer()[2] for i in range(20)] == [b"/%d" % i for i in range(20)]


def test_request_and_answer_split_into_single_bytes(gateway, wire):
    octets = (b"HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n"
              b"5\r\nhello\r\n1;x=y\r\n!\r\n0\r\nTrailer-Field: no\r\n\r\n")

    def play(peer, number):
        while True:
            head = peer.head()
            assert peer.body(head) == b"abcdef"
            for i in range(len(octets)):
                peer.send(octets[i:i + 1])
    with Script(play) as service:
        server = gateway("--to", service.url)
        connection = wire(server)
        request = (b"POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                   b"3\r\nabc\r\n3\r\ndef\r\n0\r\nX: y\r\n\r\n")
        for _ in range(2):
            for i in range(len(request)):
                connection.send(request[i:i + 1])
            status, head, body = connection.answer()
            assert (status, body, head["x-a"]) == (200, b"hello!", "b")
            assert head.line == "HTTP/1.1 200 Fine"
            assert "trailer-field" not in connection.rest.decode().lower()
        assert service.connections == 1


FRAMINGS = {
    "length": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello", True),
    "no body": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"", True),
    "chunked": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", b"hello", True),
    "until close": (b"HTTP/1.1 200 OK\r\n\r\nhello", b"hello", True),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello", True),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", b"", True),
    "204 with a length": (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", b"", True),
    "304": (b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 99\r\n\r\n", b"", True),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", b"hello", True),
    "after 100": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello", False),
    "after 103": (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
                  b"hello", False),
}


@pytest.mark.parametrize("minor", [1, 0])
@pytest.mark.parametrize("kind", sorted(FRAMINGS))
def test_answers_of_every_framing_arrive_whole(gateway, wire, kind, minor):
    octets, want, plain = FRAMINGS[kind]
    with Script(raw(octets)) as service:
        server = gateway("--to", service.url)
        connection = wire(server)
        status, head, body = connection.ask(minor=minor)
        if not plain and minor == 1:
            assert status in (100, 103)
            status, head, body = connection.answer()
        assert body == want and status == int(octets.rsplit(b"HTTP/1.", 1)[1].split()[1])
        assert "date" in head
        if status == 204:
            assert "content-length" not in head
        if minor == 0:
            assert "transfer-encoding" not in head
            assert connection.closed() == b""
        elif kind == "until close":
            assert head["transfer-encoding"] == "chunked"
            assert connection.ask() is not None, "the client's connection outlives the service's"


def test_http_1_0_client_that_asks_is_kept_alive(gateway, wire):
    with Script(always()) as service:
        server = gateway("--to", service.url)
        connection = wire(server)
        for _ in range(2):
            status, head, _ = connection.ask(fields="Connection: keep-alive\r\n", minor=0)
            assert (status, head["connection"]) == (200, "keep-alive")


def test_connection_close_of_the_client_ends_only_its_own_connection(gateway, wire):
    with Script(always()) as service:
        server = gateway("--to", service.url)
        connection = wire(server)
        status, head, _ = connection.ask(fields="Connection: close\r\n")
        assert (status, head["connection"]) == (200, "close")
        assert connection.closed() == b""
        assert wire(server).ask()[0] == 200
        assert service.connections == 1
        assert "connection" not in service.head()


def test_connection_close_of_the_service_ends_only_its_own_connection(gateway, wire):
    def play(peer, number):
        peer.head()
        peer.ok(fields=b"Connection: close\r\n")
        assert peer.eof()
    with Script(play) as service:
        server = gateway("--to", service.url)
        connection = wire(server)
        for _ in range(3):
            status, head, _ = connection.ask()
            assert status == 200 and "connection" not in head
        assert service.connections == 3


def test_100_continue_comes_from_the_service(gateway, wire):
    def play(peer, number):
        head = peer.head()
        assert head["expect"] == "100-continue"
        if head.line.split()[1] == "/no":
            peer.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
            assert peer.eof(), "a request whose body never came must not be followed by another"
            return
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert peer.body(head) == b"abc"
        peer.ok(b"taken")
    with Script(play) as service:
        server = gateway("--to", service.url)
        connection = wire(server)
        connection.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert connection.head().line == "HTTP/1.1 100 Continue"
        connection.send(b"abc")
        assert connection.answer()[2] == b"taken"
        connection = wire(server)
        connection.send(b"POST /no HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        status, head, _ = connection.answer()
        assert (status, head["connection"]) == (413, "close")
        assert connection.closed() == b""


def test_bodies_stream_both_ways_at_once(gateway, wire):
    def play(peer, number):
        peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            size = int(peer.line(), 16)
            piece = peer.take(size)
            peer.line()
            peer.send(b"%x\r\n%s\r\n" % (size, piece))
            if size == 0:
                return
    with Script(play) as service:
        server = gateway("--to", service.url)
        connection = wire(server)
        connection.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert connection.head().line.startswith("HTTP/1.1 200")
        for piece in (b"one", b"two", b"x" * 70000):
            connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            got = b""
            while len(got) < len(piece):
                size = int(connection.line(), 16)
                got += connection.take(size)
                connection.line()
            assert got == piece
        connection.send(b"0\r\n\r\n")
        assert connection.line() == b"0"


def memory(pid):
    kids = open("/proc/%d/task/%d/children" % (pid, pid)).read().split()
    total = 0
    for kid in kids:
        for row in open("/proc/%s/status" % kid):
            if row.startswith("VmRSS"):
                total += int(row.split()[1])
    return total


def may_grow(hf):
    """By KiB, while one side does not read; what was freed stays for a while in a build with sanitizers."""
    return (16 if sanitized(hf) else 2) * 1024


def test_client_that_does_not_read_holds_the_service_back(hf, gateway, wire):
    sent = [0]
    piece = b"x" * 65536

    def play(peer, number):
        peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1024 * len(piece)))
        for _ in range(1024):
            peer.send(piece)
            sent[0] += len(piece)
    with Script(play) as service:
        server = gateway("--to", service.url)
        connection = wire(server)
        before = memory(server.pid)  # with what a first handshake leaves behind for good
        connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        last = [-1]

        def steady():
            still = sent[0] == last[0] and sent[0] > 0
            last[0] = sent[0]
            if not still:
                threading.Event().wait(0.3)
            return still
        wait_for(steady, "stop of the service")
        assert sent[0] < 40 * 1024 * 1024, "the kernel's buffers may hold some, not this much"
        assert memory(server.pid) - before < may_grow(hf)
        head = connection.head()
        body = connection.take(int(head["content-length"]))
        assert len(body) == 1024 * len(piece) and sent[0] == len(body)


def test_service_that_does_not_read_holds_the_client_back(hf, gateway, wire):
    go = threading.Event()

    def play(peer, number):
        head = peer.head()
        go.wait(30)
        total = int(head["content-length"])
        got = len(peer.rest)
        peer.rest = b""
        while got < total:
            got += len(peer.sock.recv(1 << 20))
        peer.ok(b"%d" % got)
    with Script(play) as service:
        server = gateway("--to", service.url)
        connection = wire(server)
        before = memory(server.pid)  # with what a first handshake leaves behind for good
        total = 64 * 1024 * 1024
        sent = [0]

        def feed():
            connection.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % total)
            while sent[0] < total:
                connection.send(b"y" * 65536)
                sent[0] += 65536
        thread = threading.Thread(target=feed, daemon=True)
        thread.start()
        last = [-1]

        def steady():
            still = sent[0] == last[0] and sent[0] > 0
            last[0] = sent[0]
            if not still:
                threading.Event().wait(0.3)
            return still
        wait_for(steady, "stop of the client")
        assert sent[0] < 40 * 1024 * 1024
        assert memory(server.pid) - before < may_grow(hf)
        go.set()
        thread.join()
        assert connection.answer()[2] == b"%d" % total


def test_access_log_names_service_identity_and_bytes(gateway, wire, tmp_path):
    log = tmp_path / "access.log"
    with Script(always(b"12345")) as service:
        server = gateway("--to", service.url, "--access-log", str(log))
        assert wire(server).ask("/who?x", method="POST", body=b"abc")[0] == 200
        row = wait_for(lambda: log.exists() and log.read_text() and json.loads(log.read_text()), "line in the log")
        assert (row["method"], row["target"], row["status"], row["bytes"], row["bytes_in"]) == (
            "POST", "/who?x", 200, 5, 3)
        assert row["upstream"] == service.url and row["upstream_ms"] >= 0 and row["valid"]
        assert row["identity"] == "dns:mail.zoo.test"


def test_what_is_being_answered_is_answered_before_a_drain_ends(gateway, wire):
    go = threading.Event()

    def play(peer, number):
        peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc")
        go.wait(20)
        peer.send(b"def")
    with Script(play) as service:
        server = gateway("--to", service.url)
        connection = wire(server)
        connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.head().line.startswith("HTTP/1.1 200")
        server.proc.terminate()
        go.set()
        assert connection.take(6) == b"abcdef"
        assert connection.closed() == b""
        assert server.proc.wait(20) == 0
