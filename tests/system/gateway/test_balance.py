# SPDX-License-Identifier: Apache-2.0
"""Several services of one kind: turns, the least busy, and the ones that are down."""
import socket
import threading

import pytest
from upstreams import Script, always, wait_for


def dead_url(kind="http"):
    probe = socket.socket()
    probe.bind(("127.0.0.1", 0))
    return probe, "%s://127.0.0.1:%d" % (kind, probe.getsockname()[1])


def test_services_take_turns(gateway, wire):
    with Script(always(b"a")) as one, Script(always(b"b")) as two, Script(always(b"c")) as three:
        server = gateway("--to", one.url, "--to", two.url, "--to", three.url)
        connection = wire(server)
        got = b"".join(connection.ask()[2] for _ in range(9))
        assert got == b"abc" * 3


def test_the_least_busy_is_asked(gateway, wire):
    go = threading.Event()

    def slow(peer, number):
        while True:
            peer.head()
            go.wait(20)
            peer.ok(b"slow")
    with Script(slow) as one, Script(always(b"fast")) as two:
        server = gateway("--to", one.url, "--to", two.url, "--balance", "least")
        busy = wire(server)
        busy.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        one.head()
        connection = wire(server)
        assert [connection.ask()[2] for _ in range(5)] == [b"fast"] * 5
        go.set()
        assert busy.answer()[2] == b"slow"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_service_that_is_down_costs_no_request(gateway, wire, method):
    probe, url = dead_url()
    with Script(always(b"up")) as service:
        server = gateway("--to", url, "--to", service.url)
        connection = wire(server)
        assert [connection.ask(method=method, body=b"x" * 1000)[:1] for _ in range(6)] == [(200,)] * 6
        assert [service.head().line for _ in range(6)] == ["%s / HTTP/1.1" % method] * 6
    probe.close()


def test_large_body_is_not_lost_when_the_first_service_is_down(gateway, wire):
    probe, url = dead_url()
    got = []

    def play(peer, number):
        while True:
            head = peer.head()
            got.append(peer.body(head))
            peer.ok()
    with Script(play) as service:
        server = gateway("--to", url, "--to", service.url)
        data = bytes(range(256)) * 4000
        assert wire(server).ask(method="POST", body=data)[0] == 200
        connection = wire(server)
        connection.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" +
                        b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data))
        assert connection.answer()[0] == 200
        assert got == [data, data]
    probe.close()


def test_all_services_down_is_one_502(gateway, wire):
    first, one = dead_url()
    second, two = dead_url()
    server = gateway("--to", one, "--to", two)
    connection = wire(server)
    for _ in range(3):
        assert connection.ask()[0] == 502
    first.close()
    second.close()


def test_service_that_comes_back_is_used_again(gateway, wire):
    probe, url = dead_url()
    port = probe.getsockname()[1]
    with Script(always(b"first")) as service:
        server = gateway("--to", url, "--to", service.url)
        connection = wire(server)
        assert [connection.ask()[2] for _ in range(4)] == [b"first"] * 4
        probe.close()

        back_listener = socket.create_server(("127.0.0.1", port))

        def serve():
            while True:
                try:
                    sock, _ = back_listener.accept()
                except OSError:
                    return
                sock.recv(65536)
                sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nback")
                sock.close()
        threading.Thread(target=serve, daemon=True).start()
        wait_for(lambda: connection.ask()[2] == b"back", "the service that came back", 10)
        back_listener.close()


@pytest.mark.parametrize("kind", ["localhost", "stream"])
def test_the_other_address_of_a_name_is_tried(gateway, wire, kind):
    """localhost is ::1 first; the service listens on 127.0.0.1 only."""
    if kind == "localhost":
        with Script(always()) as service:
            server = gateway("--to", "http://localhost:%d" % service.port)
            connection = wire(server)
            for _ in range(3):
                assert connection.ask()[0] == 200
        return

    def echo(peer, number):
        while True:
            peer.more()
            peer.send(peer.rest)
            peer.rest = b""
    with Script(echo) as service:
        server = gateway("--to", "tcp://localhost:%d" % service.port)
        for _ in range(2):
            assert wire(server).exchange(b"hello", 5) == b"hello"


def test_stream_goes_to_the_service_that_is_up(gateway, wire):
    probe, url = dead_url("tcp")

    def echo(peer, number):
        while True:
            peer.more()
            peer.send(peer.rest)
            peer.rest = b""
    with Script(echo) as service:
        server = gateway("--to", url, "--to", "tcp://127.0.0.1:%d" % service.port)
        for _ in range(4):
            assert wire(server).exchange(b"hello", 5) == b"hello"
    probe.close()
