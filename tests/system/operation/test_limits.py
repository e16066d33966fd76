# SPDX-License-Identifier: Apache-2.0
"""Limits for one identity and one address, over all workers; and what the client hears of them."""
import json
import re
import socket
import ssl
import struct
import urllib.request

import pytest
from support.peers import PythonClient
from support.process import SLOW

ROUTES = """
cert: %(cert)s
key: %(key)s
ca: %(ca)s
listen: 127.0.0.1:0
allow: any
workers: 1
routes:
  - path: /admin/*
    to: http://127.0.0.1:9
    rules: ["deny any"]
  - to: http://127.0.0.1:9
"""


def told(server, limit):
    """The records of one limit."""
    rows = [json.loads(line) for line in server.lines["err"] if line.startswith("{") and '"limited"' in line]
    return [row for row in rows if row["limit"] == limit]


# --- connections ---

def test_one_connection_too_many_gets_429_whatever_worker_it_meets(gateway, keep):
    server = gateway("--max-connections-per-identity", "3", workers=3)
    kept = [keep(server) for _ in range(3)]
    for _ in range(4):
        over = keep(server, words=b"429")
        over.wait_end()
    assert all(b"hello" in one.ask() for one in kept), "who was there first stays"
    assert b"hello" in keep(server, "bob").ask(), "another identity has connections of its own"
    row = server.wait_until(lambda: told(server, "max-connections-per-identity"), "the record")[0]
    assert row["identity"] == "dns:mail.zoo.test"


def test_place_of_a_connection_that_ended_is_free_again(gateway, keep):
    server = gateway("--max-connections-per-identity", "1", workers=2)
    for _ in range(5):
        one = keep(server)
        one.tls.close()

        def gone():
            with_room = keep(server, words=b"")
            answer = with_room.ask() if with_room else b""
            with_room.tls.close()
            return b"hello" in answer
        server.wait_until(gone, "room for another")


def test_connections_of_a_dead_worker_do_not_count(gateway, keep, ctl):
    import os
    import signal
    server = gateway("--max-connections-per-identity", "1", workers=1)
    keep(server)
    os.kill(ctl("status")["workers"][0]["pid"], signal.SIGKILL)
    server.wait_until(lambda: ctl("status")["workers"][0]["restarts"] == 1
                      and ctl("status")["workers"][0]["state"] == "ready", "another worker")
    assert b"hello" in keep(server).ask()


def test_stream_too_many_is_closed(hf, town, gateway):
    with socket.socket() as service:
        service.bind(("127.0.0.1", 0))
        service.listen(8)
        server = gateway("--max-connections-per-identity", "1",
                         answer=("--to", "tcp://127.0.0.1:%d" % service.getsockname()[1]), workers=1)

        def connect():
            raw = socket.create_connection(("127.0.0.1", server.port), 20 * SLOW)
            return PythonClient.context(town["mail"], town.ca).wrap_socket(raw, server_hostname="localhost")
        with connect() as first:
            first.sendall(b"x")
            service.settimeout(20 * SLOW)
            accepted, _ = service.accept()
            with connect() as second:
                assert second.recv(10) == b"", "closed in order, and no byte of it reached the service"
            assert accepted.recv(10) == b"x"
            accepted.close()


# --- requests ---

def test_request_too_many_gets_429_and_when_to_come_again(gateway, keep, town):
    server = gateway("--max-requests-per-second", "2", "--metrics", "127.0.0.1:0", listeners=2, workers=2)
    one = keep(server)
    answers = [one.ask() for _ in range(30)]
    refused = [answer for answer in answers if b" 429 " in answer.split(b"\r\n")[0]]
    assert refused and re.search(rb"\r\nRetry-After: 1\r\n", refused[0])
    assert b"Reference" not in refused[0], "only with --tell-reference"
    assert b"hello" in keep(server, "bob").ask(), "another identity has a rate of its own"
    with urllib.request.urlopen(server.urls[-1] + "/metrics") as page:
        counted = int(re.search(r"^handfast_limited_requests_total (\d+)$", page.read().decode(), re.M).group(1))
    assert counted == len(refused)


def test_rate_holds_over_connections_and_workers(gateway, keep):
    server = gateway("--max-requests-per-second", "1", workers=3)
    first = keep(server)
    rest = []
    for _ in range(6):
        rest.append(keep(server, words=b"HTTP/1.1 "))
    answers = [one.ask() for one in [first] + rest]
    assert sum(b" 429 " in answer for answer in answers) >= 4


def test_limited_request_keeps_the_connection_and_is_logged(gateway, keep, tmp_path):
    log = tmp_path / "access.log"
    server = gateway("--max-requests-per-second", "1", "--access-log", log, "--tell-reference", workers=1)
    one = keep(server)
    refused = one.ask()
    assert b" 429 " in refused
    server.wait_until(lambda: b"hello" in one.ask(), "its turn on the same connection")
    reference = re.search(rb"Reference: (\S+)", refused).group(1).decode()
    row = server.wait_until(lambda: told(server, "max-requests-per-second"), "the record")[0]
    assert row["reference"] == reference and row["identity"] == "dns:mail.zoo.test"
    assert server.stop() == 0
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert rows[1]["status"] == 429 and rows[1]["reference"] == reference


def test_head_that_is_limited_has_no_body_and_a_post_is_not_waited_for(gateway, keep):
    server = gateway("--max-requests-per-second", "1", workers=1)
    one = keep(server)
    answer = one.ask(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b" 429 " in answer and answer.endswith(b"\r\n\r\n")
    answer = one.ask(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n")
    assert b" 429 " in answer and b"Connection: close" in answer


# --- addresses ---

def test_address_whose_handshakes_fail_is_closed_unread_and_others_are_not(gateway, town, python, hf):
    server = gateway("--max-failures-per-address", "5", "--metrics", "127.0.0.1:0", listeners=2, workers=2)
    for _ in range(5):
        assert python.get(server.port, town["expired"]).alert == 45

    def turned_away():
        with socket.create_connection(("127.0.0.1", server.port), 20 * SLOW) as raw:
            raw.settimeout(1)  # a failure counts when its connection has ended: perhaps after the client has seen it
            try:
                raw.sendall(b"\x16\x03\x01")
                return raw.recv(1) == b""
            except TimeoutError:
                return False
            except ConnectionError:
                return True
    server.wait_until(turned_away, "a closed door")
    with socket.create_connection(("127.0.0.1", server.port), 20 * SLOW, source_address=("127.0.0.2", 0)) as raw:
        with PythonClient.context(town["mail"], town.ca).wrap_socket(raw, server_hostname="localhost") as tls:
            tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"hello" in tls.recv(65536)
    row = server.wait_until(lambda: told(server, "max-failures-per-address"), "the record")[0]
    assert row["peer"].startswith("127.0.0.1:") and row["wait_ms"] > 0
    with urllib.request.urlopen(server.urls[-1] + "/metrics") as page:
        assert int(re.search(r"^handfast_limited_addresses_total (\d+)$", page.read().decode(), re.M).group(1)) >= 1


def through_proxy(server, town, who, address, local=False):
    """What a client of the proxy 127.0.0.1 gets: True an answer, False a handshake that failed, None nothing at all."""
    command, packed = (b"\x20\x00", b"") if local else (
        b"\x21\x11", socket.inet_aton(address) + socket.inet_aton("192.0.2.1") + struct.pack(">HH", 1000, 443))
    with socket.create_connection(("127.0.0.1", server.port), 20 * SLOW) as raw:
        try:
            raw.sendall(b"\r\n\r\n\0\r\nQUIT\n" + command + struct.pack(">H", len(packed)) + packed)
            context = PythonClient.context(town[who], town.ca, version="1.2")
            with context.wrap_socket(raw, server_hostname="localhost") as tls:
                tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                return b"hello" in tls.recv(65536)
        except (ssl.SSLEOFError, ConnectionError):
            return None
        except ssl.SSLError:
            return False


def test_address_that_a_proxy_tells_is_the_one_that_counts(gateway, town):
    server = gateway("--max-failures-per-address", "3", "--accept-proxy-protocol", "127.0.0.0/8", workers=2)
    for _ in range(3):
        assert through_proxy(server, town, "expired", "192.0.2.7") is False
    server.wait_until(lambda: through_proxy(server, town, "mail", "192.0.2.7") is None, "a closed door")
    assert through_proxy(server, town, "mail", "192.0.2.8") is True, "another client of the same proxy"
    row = server.wait_until(lambda: told(server, "max-failures-per-address"), "the record")[0]
    assert row["peer"] == "192.0.2.7:1000"


def test_a_told_address_counts_even_when_it_is_in_the_proxies_network(gateway, town):
    server = gateway("--max-failures-per-address", "1", "--accept-proxy-protocol", "127.0.0.0/8", workers=1)
    assert through_proxy(server, town, "expired", "127.0.0.9") is False
    server.wait_until(lambda: through_proxy(server, town, "mail", "127.0.0.9") is None, "a closed door")
    assert through_proxy(server, town, "mail", "127.0.0.10") is True


def test_the_proxy_itself_is_never_closed_out(gateway, town):
    server = gateway("--max-failures-per-address", "1", "--accept-proxy-protocol", "127.0.0.0/8", workers=1)
    for _ in range(5):  # its own connections (LOCAL) that fail
        assert through_proxy(server, town, "expired", None, local=True) is False
    server.wait_until(lambda: len(server.records()) >= 5, "five records")
    assert through_proxy(server, town, "mail", None, local=True) is True
    assert through_proxy(server, town, "mail", "192.0.2.9") is True
    assert not told(server, "max-failures-per-address")


def test_nobody_else_is_believed_about_addresses(gateway, town, python):
    server = gateway("--max-failures-per-address", "2", "--accept-proxy-protocol", "192.0.2.0/24", workers=1)
    for _ in range(2):
        assert python.get(server.port, town["expired"]).alert == 45
    server.wait_until(lambda: through_proxy(server, town, "mail", "198.51.100.1") is None and
                      told(server, "max-failures-per-address"), "the door closed to 127.0.0.1 whatever it tells")


def test_good_handshakes_are_no_failures(gateway, town, python):
    server = gateway("--max-failures-per-address", "2", workers=1)
    for _ in range(10):
        assert python.get(server.port, town["mail"]).accepted


def test_lines_of_a_flood_are_few_and_count_the_rest(gateway, town, python):
    server = gateway("--max-failures-per-address", "1", workers=1)
    python.get(server.port, town["expired"])
    for _ in range(100):
        with socket.create_connection(("127.0.0.1", server.port), 20 * SLOW) as raw:
            try:
                raw.recv(1)
            except ConnectionError:
                pass
    assert 1 <= len(told(server, "max-failures-per-address")) <= 5


# --- one request, one handshake ---

HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


POST = HEAD.replace(b"GET", b"POST")
SIZES = {  # option: (limit, within it, beyond it, status)
    "--max-header-bytes": (300, HEAD + b"X: " + b"y" * 200 + b"\r\n\r\n", HEAD + b"X: " + b"y" * 300 + b"\r\n\r\n",
                           b"431"),
    "--max-header-fields": (50, HEAD + b"X: y\r\n" * 49 + b"\r\n", HEAD + b"X: y\r\n" * 50 + b"\r\n", b"431"),
    "--max-body-bytes": (256, POST + b"Content-Length: 256\r\n\r\n" + b"x" * 256,
                         POST + b"Content-Length: 257\r\n\r\n", b"413"),
}


@pytest.mark.parametrize("option", SIZES)
def test_request_just_within_a_limit_passes_and_one_beyond_is_refused(gateway, keep, option):
    limit, within, beyond, status = SIZES[option]
    server = gateway(option, limit, answer=("--respond", "identity"), workers=1)
    one = keep(server, words=b"mail")
    assert one.ask(within).split(b" ")[1] not in (b"431", b"413")
    refused = one.ask(beyond)
    assert refused.split(b" ")[1] == status and b"Connection: close" in refused
    one.wait_end()


def test_head_that_does_not_end_in_time_ends_the_connection(gateway, keep):
    server = gateway("--header-timeout", "1", workers=1)
    one = keep(server)
    one.tls.sendall(HEAD)
    answer = one.tls.recv(65536)
    assert answer == b"" or b" 408 " in answer.split(b"\r\n")[0]


def test_handshake_that_does_not_end_in_time_is_cut_and_recorded(gateway):
    server = gateway("--handshake-timeout", "1", workers=1)
    with socket.create_connection(("127.0.0.1", server.port), 20 * SLOW) as raw:
        raw.sendall(b"\x16\x03\x01\x02\x00")
        assert raw.recv(1) == b""
    assert server.wait_record()["cause"] == "T-TIMEOUT"


def test_connections_beyond_all_wait_until_one_ends(gateway, keep, town):
    server = gateway("--max-connections", "2", workers=1)
    first, _ = keep(server), keep(server)
    third = socket.create_connection(("127.0.0.1", server.port), 20 * SLOW)
    third.settimeout(20 * SLOW)
    first.tls.close()
    with PythonClient.context(town["bob"], town.ca).wrap_socket(third, server_hostname="localhost") as tls:
        tls.sendall(HEAD + b"\r\n")
        assert b"hello" in tls.recv(65536)


# --- references ---

def test_refused_request_hears_the_reference_of_its_record_when_asked(hf, town, tmp_path, keep):
    for told_to_client in (False, True):
        config = tmp_path / "handfast.yaml"
        config.write_text(ROUTES % {"cert": town["server"].cert, "key": town["server"].key, "ca": town.ca}
                          + ("tell-reference: true\n" if told_to_client else ""))
        with hf.serve("--config", config) as server:
            one = keep(server, words=b"502")
            answer = one.ask(b"GET /admin/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b" 403 " in answer
            record = [row for row in [server.wait_record()] if row["cause"] == "A-DENIED"][0]
            assert (record["reference"].encode() in answer) == told_to_client
            assert (b"Reference" in answer) == told_to_client


def test_failed_service_gives_a_reference_in_any_case(hf, town, tmp_path, keep, gateway):
    server = gateway(answer=("--to", "http://127.0.0.1:9"))
    answer = keep(server, words=b"502").ask()
    reference = re.search(rb"Reference: (\S+)", answer).group(1).decode()
    server.wait_line("err", lambda line: '"upstream-failure"' in line and reference in line, "its record")
