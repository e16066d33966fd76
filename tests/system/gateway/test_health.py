# SPDX-License-Identifier: Apache-2.0
"""Active health checks: a service that is out of order gets no requests, and gets them again when it is back."""
import json
import os
import re
import signal
import socket
import threading
import urllib.request

import pytest
from upstreams import NginxService, Script, wait_for

QUICK = ("--health-interval", "1s", "--health-timeout", "1s", "--health-rise", "1", "--health-fall", "1")


class Sick:
    """A service that answers /healthz with `status`, and everything else with its name."""

    def __init__(self, name, status=200):
        self.name, self.status = name, status
        self.looks, self.asked = 0, 0
        self.script = Script(self.play)
        self.url, self.port = self.script.url, self.script.port

    def play(self, peer, number):
        while True:
            head = peer.head()
            if head.line.startswith("GET /healthz "):
                self.looks += 1
                assert head["user-agent"] == "handfast-health" and head["connection"] == "close"
                assert "client-cert" not in head and head["host"] == "127.0.0.1:%d" % self.port
                peer.send(b"HTTP/1.1 %d x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi" % self.status)
                return
            self.asked += 1
            peer.ok(self.name)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.script.__exit__(*exc)


@pytest.fixture
def admin(tmp_path_factory):
    return tmp_path_factory.mktemp("a") / "s.sock"


@pytest.fixture
def status(hf, admin):
    """status() is the services as ctl shows them."""
    return lambda: hf.json("ctl", "status", "--admin", "unix:%s" % admin)["upstreams"]


@pytest.fixture
def checked(gateway, admin):
    def start(*args, **more):
        return gateway("--admin", "unix:%s" % admin, *args, **more)
    return start


def turns(server):
    """What the log says of services that went out and came back."""
    rows = [json.loads(line) for line in server.lines["err"] if '"upstream-health"' in line]
    return [(row["upstream"], row["state"], row["why"], row["checks"]) for row in rows]


def states(rows):
    return [row["state"] for row in rows]


def test_service_is_out_while_its_health_is_bad(checked, wire, status):
    with Sick(b"one") as one, Sick(b"two") as two:
        server = checked("--to", one.url, "--to", two.url, "--health", "/healthz", *QUICK)
        connection = wire(server)
        server.wait_until(lambda: all(row.get("checks") for row in status()), "a look at each")
        assert {connection.ask()[2] for _ in range(4)} == {b"one", b"two"}
        one.status = 503
        server.wait_until(lambda: states(status()) == ["out", "in"], "the service to go out")
        before = one.asked
        assert [connection.ask()[2] for _ in range(6)] == [b"two"] * 6
        assert one.asked == before
        row = status()[0]
        assert row["why"] == "status 503" and row["failed"] >= 1 and row["since"] and row["route"] is None
        one.status = 204
        server.wait_until(lambda: states(status()) == ["in", "in"], "the service to come back")
        assert {connection.ask()[2] for _ in range(4)} == {b"one", b"two"}
        server.wait_until(lambda: len(turns(server)) == 2, "both lines of the log")
        assert turns(server) == [(one.url, "out", "status 503", 1), (one.url, "in", None, 1)]


def test_so_many_looks_in_a_row_turn_it(checked, wire, status):
    with Sick(b"one") as one:
        server = checked("--to", one.url, "--health", "/healthz", "--health-interval", "1s", "--health-fall", "2",
                         "--health-rise", "2")
        server.wait_until(lambda: states(status()) == ["in"] and status()[0].get("checks"), "the first look")
        one.status = 500
        server.wait_until(lambda: turns(server), "the service to go out", 20)
        one.status = 200
        server.wait_until(lambda: len(turns(server)) == 2, "the service to come back", 20)
        assert turns(server) == [(one.url, "out", "status 500", 2), (one.url, "in", None, 2)]


def test_when_all_are_out_the_answer_is_503_and_nobody_is_asked(checked, wire, status):
    with Sick(b"one", 500) as one:
        server = checked("--to", one.url, "--health", "/healthz", *QUICK)
        server.wait_until(lambda: states(status()) == ["out"], "the first look, which decides alone")
        answer, head, body = wire(server).ask("/private?x=y")
        assert answer == 503 and one.asked == 0
        reference = re.search(rb"Reference: (\S+)", body).group(1).decode()
        record = server.wait_until(lambda: next((json.loads(line) for line in server.lines["err"]
                                                 if reference in line), None), "the record")
        assert record["event"] == "upstream-failure" and record["trouble"] == "health"
        assert record["status"] == 503 and record["target"] == "/private?x=y" and record["upstream"] is None
        assert one.url.encode() not in body
        one.status = 200
        server.wait_until(lambda: states(status()) == ["in"], "the service to come back")
        assert wire(server).ask()[2] == b"one"


def test_what_is_good_can_be_said(checked, wire, status):
    with Sick(b"one", 401) as one:
        server = checked("--to", one.url, "--health", "/healthz", "--health-expect", "204,400-499", *QUICK)
        server.wait_until(lambda: status()[0].get("checks"), "the first look")
        assert states(status()) == ["in"] and wire(server).ask()[2] == b"one"
        one.status = 200
        server.wait_until(lambda: states(status()) == ["out"], "the service to go out")


def test_every_worker_goes_by_it_and_one_looks(checked, wire, status):
    with Sick(b"one", 500) as one, Sick(b"two") as two:
        server = checked("--to", one.url, "--to", two.url, "--health", "/healthz", "--health-interval", "3600s",
                         workers=3)
        server.wait_until(lambda: states(status()) == ["out", "in"] and status()[1].get("checks"), "the looks")
        assert [wire(server).ask()[2] for _ in range(12)] == [b"two"] * 12
        assert (one.looks, two.looks, one.asked) == (1, 1, 0), "one look each, whatever the number of workers"


def test_looking_goes_on_when_the_worker_that_looks_is_killed(hf, checked, wire, status, admin):
    with Sick(b"one", 500) as one:
        server = checked("--to", one.url, "--health", "/healthz", *QUICK, workers=2)
        server.wait_until(lambda: states(status()) == ["out"], "the first look")
        pid = hf.json("ctl", "status", "--admin", "unix:%s" % admin)["workers"][0]["pid"]
        os.kill(pid, signal.SIGKILL)
        one.status = 200
        server.wait_until(lambda: states(status()) == ["in"], "the service to come back", 20)
        assert wire(server).ask()[2] == b"one"


def test_service_that_never_answers_is_asked_one_thing_at_a_time(checked, status):
    lock = threading.Lock()
    open_now, most = [0], [0]

    def play(peer, number):
        with lock:
            open_now[0] += 1
            most[0] = max(most[0], open_now[0])
        try:
            peer.head()
            assert peer.eof(), "the look ends by itself"
        finally:
            with lock:
                open_now[0] -= 1
    with Script(play) as service:
        server = checked("--to", service.url, "--health", "/slow", *QUICK)
        server.wait_until(lambda: status()[0].get("failed", 0) >= 3, "three looks", 30)
        assert most[0] == 1
        assert status()[0]["why"] == "no answer in time"


def test_answer_that_drips_for_ever_is_cut(checked, status):
    def play(peer, number):
        peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            peer.send(b"1\r\nx\r\n")
            if peer.script.over.wait(0.05):
                return
    with Script(play) as service:
        service.over = threading.Event()
        server = checked("--to", service.url, "--health", "/drip", *QUICK)
        server.wait_until(lambda: status()[0].get("failed", 0) >= 2, "two looks", 30)
        assert status()[0]["why"] == "no answer in time"
        service.over.set()


def test_large_answer_is_judged_by_its_head(checked, status):
    def play(peer, number):
        peer.head()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        while True:
            peer.send(b"x" * 65536)
    with Script(play) as service:
        server = checked("--to", service.url, "--health", "/large", *QUICK)
        server.wait_until(lambda: status()[0].get("checks", 0) >= 2, "two looks", 30)
        assert status()[0]["failed"] == 0 and states(status()) == ["in"]


@pytest.mark.parametrize("octets", [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", b"SSH-2.0-x\r\n", b"",
                                    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"])
def test_what_is_no_answer_is_no_health(checked, status, octets):
    def play(peer, number):
        peer.head()
        peer.send(octets)
    with Script(play) as service:
        server = checked("--to", service.url, "--health", "/odd", *QUICK)
        server.wait_until(lambda: states(status()) == ["out"], "the first look")
        assert status()[0]["why"] == "no valid answer"


def test_stream_services_are_looked_at_by_connecting(checked, wire, status):
    def echo(peer, number):
        while True:
            peer.more()
            peer.send(peer.rest)
            peer.rest = b""
    probe = socket.socket()
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
    with Script(echo) as service:
        server = checked("--to", "tcp://127.0.0.1:%d" % port, "--to", "tcp://127.0.0.1:%d" % service.port,
                         "--health", "connect", *QUICK)
        server.wait_until(lambda: states(status()) == ["out", "in"], "the looks")
        assert status()[0]["why"] == "no connection: Connection refused"
        for _ in range(4):
            assert wire(server).exchange(b"hello", 5) == b"hello"
        probe.listen(128)
        server.wait_until(lambda: states(status()) == ["in", "in"], "the other to come up")
    server.wait_until(lambda: states(status()) == ["in", "out"], "the first to go down")
    probe.close()
    server.wait_until(lambda: states(status()) == ["out", "out"], "both to be down")
    assert wire(server).closed() == b""
    server.wait_until(lambda: any('"trouble":"health"' in line.replace(" ", "") for line in server.lines["err"]),
                      "the record of a stream without a service")


def test_nginx_goes_and_comes(checked, wire, status, tmp_path):
    nginx = NginxService(str(tmp_path))
    server = checked("--to", nginx.url, "--health", "/nothing", "--health-expect", "204", *QUICK)
    server.wait_until(lambda: status()[0].get("checks"), "the first look")
    assert states(status()) == ["in"] and wire(server).ask("/nothing")[0] == 204
    nginx.stop()
    server.wait_until(lambda: states(status()) == ["out"], "nginx to be out")
    assert wire(server).ask("/nothing")[0] == 503
    nginx = NginxService(str(tmp_path))
    server.wait_until(lambda: states(status()) == ["in"], "nginx to be back")
    assert wire(server).ask("/nothing")[0] == 204
    nginx.stop()


def test_a_route_has_health_of_its_own(hf, town, tmp_path, admin, status):
    config = tmp_path / "handfast.yaml"
    with Sick(b"one", 404) as one, Sick(b"two", 404) as two, Sick(b"three", 404) as three:
        config.write_text("""
listen: 127.0.0.1:0
workers: 1
cert: %s
key: %s
ca: %s
allow: any
admin: unix:%s
health: /healthz
health-interval: 1s
to: %s
routes:
  - name: a
    path: /a
    to: %s
    health-expect: 404
  - name: b
    path: /b
    to: %s
    health: "off"
""" % (town["server"].cert, town["server"].key, town.ca, admin, one.url, two.url, three.url))
        with hf.serve("--config", str(config)) as server:
            server.wait_until(lambda: [row.get("checks", 0) > 0 for row in status()] == [True, False, True], "looks")
            assert [(row["route"], row["upstream"], row["state"]) for row in status()] == [
                ("a", two.url, "in"), ("b", three.url, "unchecked"), (None, one.url, "out")]
            shown = hf("ctl", "status", "--admin", "unix:%s" % admin).stdout
            assert "%s of a, in" % two.url in shown and "%s, out since" % one.url in shown
            assert "(status 404)" in shown
        assert three.looks == 0


def test_a_reload_changes_how_services_are_looked_at(hf, town, admin, status, tmp_path, wire):
    """Of a route and of the rest, without a restart; what is no longer looked at is in again."""
    config = tmp_path / "handfast.yaml"

    def write(route, rest):
        fresh = tmp_path / "fresh"
        fresh.write_text("""listen: 127.0.0.1:0
workers: 2
cert: %s
key: %s
ca: %s
allow: any
admin: unix:%s
health-interval: 1s
to: %s
%s
routes:
  - path: /a
    to: %s
%s
""" % (town["server"].cert, town["server"].key, town.ca, admin, one.url, rest, two.url, route))
        fresh.rename(config)

    def become(want):
        server.wait_until(lambda: [row["state"] for row in status()] == want, "%s, not %s" % (want, status()))
    with Sick(b"one") as one, Sick(b"two") as two:
        write("    health: 'off'", "health: 'off'")
        with hf.serve("--config", str(config)) as server:
            assert states(status()) == ["unchecked", "unchecked"]
            write("    health: /healthz\n    health-expect: 404", "health: 'off'")
            become(["out", "unchecked"])
            assert wire(server).ask("/a")[0] == 503
            write("    health: /healthz\n    health-expect: 200\n    health-rise: 1", "health: /healthz")
            become(["in", "in"])
            server.wait_until(lambda: one.looks > 0, "a look at the rest")
            assert wire(server).ask("/a")[2] == b"two"
            write("    health: /healthz\n    health-expect: 404\n    health-fall: 1", "health: connect")
            become(["out", "in"])
            write("    health: nonsense", "health: connect")
            server.wait_line("err", lambda line: "reload refused" in line and "nonsense" in line, "the refusal")
            assert states(status()) == ["out", "in"], "all or nothing"
            write("    health: 'off'", "health: 'off'")
            become(["unchecked", "unchecked"])
            server.wait_until(lambda: wire(server).ask("/a")[2] == b"two", "requests of a service that is not looked at")
            assert not any("restart" in line for line in server.lines["err"])


def test_metrics_tell_services_apart(checked):
    with Sick(b"one", 500) as one, Sick(b"two") as two:
        server = checked("--to", one.url, "--to", two.url, "--health", "/healthz", "--metrics", "127.0.0.1:0", *QUICK,
                         listeners=2)

        def page():
            with urllib.request.urlopen(server.urls[-1] + "/metrics", timeout=30) as answer:
                return answer.read().decode()

        def value(name, url):
            found = re.search(r'^%s\{route="",upstream="%s"\} (\d+)$' % (name, re.escape(url)), page(), re.M)
            return int(found.group(1))
        server.wait_until(lambda: value("handfast_upstream_checks_failed_total", one.url) >= 2, "two looks")
        assert value("handfast_upstream_up", one.url) == 0 and value("handfast_upstream_up", two.url) == 1
        assert value("handfast_upstream_checks_failed_total", two.url) == 0
        wait_for(lambda: value("handfast_upstream_checks_total", two.url) >= 2, "two looks")


@pytest.mark.parametrize("args, said", [
    (["--health", "healthz"], "--health does not know 'healthz'"),
    (["--health", "/a b"], "--health does not know '/a b'"),
    (["--health", "/x", "--health-expect", "99"], "--health-expect does not know '99'"),
    (["--health", "/x", "--health-expect", "300-200"], "--health-expect does not know '300-200'"),
    (["--health", "/x", "--health-interval", "0"], "health-interval"),
    (["--health", "/x", "--health-rise", "0"], "health-rise"),
])
def test_mistakes_are_told(hf, town, args, said):
    done = hf("serve", *town.serve_args, "--allow", "any", "--to", "http://127.0.0.1:1", *args, exit=2)
    assert said in done.stderr


def test_a_path_is_not_for_bytes(hf, town):
    done = hf("serve", *town.serve_args, "--allow", "any", "--to", "tcp://127.0.0.1:1", "--health", "/x", exit=2)
    assert "--health connect" in done.stderr
