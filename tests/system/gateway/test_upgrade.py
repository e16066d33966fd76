# SPDX-License-Identifier: Apache-2.0
"""WebSocket: after a 101 the two connections are one stream of bytes."""
import base64
import hashlib
import json
import os

import pytest
from upstreams import Script, wait_for

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_key(key):
    return base64.b64encode(hashlib.sha1(key.encode() + MAGIC).digest())


def echo(early=b""):
    """Shakes hands as RFC 6455 wants it, then sends every byte back."""
    def play(peer, number):
        head = peer.head()
        assert head["connection"] == "Upgrade" and head["upgrade"] == "websocket"
        peer.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  b"Sec-WebSocket-Accept: %s\r\n\r\n%s" % (accept_key(head["sec-websocket-key"]), early))
        if peer.rest:
            peer.send(peer.rest)
        while True:
            part = peer.sock.recv(65536)
            if not part:
                peer.send(b"bye")
                return
            peer.send(part)
    return play


ASK = (b"GET /chat HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
       b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")


def test_websocket_is_one_stream_after_101(gateway, wire, tmp_path):
    log = tmp_path / "log"
    with Script(echo()) as service:
        server = gateway("--to", service.url, "--access-log", str(log))
        connection = wire(server)
        connection.send(ASK)
        head = connection.head()
        assert head.line == "HTTP/1.1 101 Switching Protocols"
        assert head["upgrade"] == "websocket" and head["connection"] == "Upgrade"
        assert head["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        assert service.head()["client-cert"]
        for size in (1, 10, 70000, 1000000):
            data = os.urandom(size)
            assert connection.exchange(data, size) == data
        connection.tls.close()
        row = wait_for(lambda: log.exists() and log.read_text() and json.loads(log.read_text()), "line in the log")
        assert row["status"] == 101 and row["bytes_in"] == 1070011


def test_bytes_behind_the_heads_are_not_lost(gateway, wire):
    with Script(echo(b"early-from-service|")) as service:
        server = gateway("--to", service.url)
        connection = wire(server)
        connection.send(ASK + b"early-from-client|")
        assert connection.head().line.startswith("HTTP/1.1 101")
        assert connection.take(37) == b"early-from-service|early-from-client|"


@pytest.mark.parametrize("fields", [
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n",
    "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n",
    "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n",
    "Upgrade: websocket\r\n",
    "Connection: Upgrade\r\n",
])
def test_other_upgrades_are_not_passed_on(gateway, wire, fields):
    """h2c would carry requests that no rule ever sees."""
    def play(peer, number):
        while True:
            head = peer.head()
            assert "upgrade" not in head and "connection" not in head and "http2-settings" not in head
            peer.ok()
    with Script(play) as service:
        server = gateway("--to", service.url)
        assert wire(server).ask(fields=fields)[0] == 200


def test_upgrade_with_a_body_is_none(gateway, wire):
    def play(peer, number):
        while True:
            head = peer.head()
            assert "upgrade" not in head
            peer.body(head)
            peer.ok()
    with Script(play) as service:
        server = gateway("--to", service.url)
        assert wire(server).ask(fields="Connection: Upgrade\r\nUpgrade: websocket\r\n", body=b"abc")[0] == 200


def test_service_that_declines_is_an_ordinary_answer(gateway, wire):
    def play(peer, number):
        while True:
            peer.head()
            peer.ok(b"no")
    with Script(play) as service:
        server = gateway("--to", service.url)
        connection = wire(server)
        connection.send(ASK)
        assert connection.answer()[2] == b"no"
        assert connection.ask()[2] == b"no"
        assert service.connections == 1


def test_silent_tunnel_ends(gateway, wire):
    with Script(echo()) as service:
        server = gateway("--to", service.url, "--tunnel-idle-timeout", "1")
        connection = wire(server)
        connection.send(ASK)
        assert connection.head().line.startswith("HTTP/1.1 101")
        assert connection.closed() in (b"", b"bye")


def test_end_of_the_service_ends_the_client(gateway, wire):
    def play(peer, number):
        head = peer.head()
        peer.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nlast")
    with Script(play) as service:
        server = gateway("--to", service.url)
        connection = wire(server)
        connection.send(ASK)
        assert connection.head().line.startswith("HTTP/1.1 101")
        assert connection.take(4) == b"last"
        connection.tls.unwrap()
