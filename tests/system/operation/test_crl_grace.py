# SPDX-License-Identifier: Apache-2.0
"""A revocation list of ours that is out of date: refused, or accepted for a while by --crl-grace, and told of."""
import http.server
import re
import threading
import time

import pytest
from support import zoo
from support.kept import Kept
from support.metrics import scrape, value
from support.moved_clock import Clock, skip_where_it_cannot_be

HELLO = ["--allow", "any", "--respond", "text:hello"]
HOUR = 3600


def lists(town, ended, number=1, revokes=()):
    """The root's list, and the issuing CA's, which ended so many seconds ago."""
    last = (int(time.time()) - ended - zoo.NOW.timestamp()) / 86400
    return (zoo.make_crl(town.certs["root"], {}, town.certs)
            + zoo.make_crl(town.certs["issuing"], {"days": [-30, last], "number": number, "revokes": revokes}, town.certs))


@pytest.fixture
def stale(town, tmp_path):
    def make(ended, **more):
        path = tmp_path / "lists.pem"
        path.write_bytes(lists(town, ended, **more))
        return path
    return make


@pytest.fixture
def serving(hf, town):
    def start(*args, version="1.3", **more):
        return hf.serve(*town.serve_args, "--tls-min", version, "--tls-max", version, "--metrics", "127.0.0.1:0", *args,
                        *HELLO, listeners=2, **more)
    return start


def in_grace(server):
    text = scrape(server)
    return {labels["issuer"]: found for labels, found in rows(text, "handfast_crl_in_grace")}


def rows(text, name):
    for line in text.splitlines():
        found = re.match(name + r"\{(.*)\} (\S+)$", line)
        if found:
            yield dict(re.findall(r'([a-z_0-9]+)="([^"]*)"', found.group(1))), float(found.group(2))


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_without_grace_a_stale_list_refuses_and_is_our_fault(serving, town, stale, python, version):
    with serving("--crl", stale(60), version=version) as server:
        assert python.get(server.port, town["mail"]).alert == 48
        record = server.wait_record()
        assert record["cause"] == "V-CRL-EXPIRED"
        server.wait_until(lambda: value(scrape(server), "handfast_own_faults_total", cause="V-CRL-EXPIRED") == 1, "the count")
        assert set(in_grace(server).values()) == {0.0}


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_within_the_grace_it_counts_and_is_told(serving, town, stale, python, version):
    with serving("--crl", stale(HOUR, revokes=["bob"]), "--crl-grace", "2h", version=version) as server:
        assert python.get(server.port, town["mail"]).accepted
        assert python.get(server.port, town["bob"]).alert == 44, "what the list says still counts"
        server.wait_line("err", re.compile("warning: the revocation list of .*Issuing.*crl-grace").search, "the warning")
        assert sorted(in_grace(server).values()) == [0.0, 1.0]


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_after_the_grace_it_refuses_again(serving, town, stale, python, version):
    with serving("--crl", stale(3 * HOUR), "--crl-grace", "2h", version=version) as server:
        assert python.get(server.port, town["mail"]).alert == 48
        assert server.wait_record()["cause"] == "V-CRL-EXPIRED"


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_list_that_runs_out_while_we_serve(serving, town, stale, python, tmp_path, binary, version):
    """Told when it does, and when its grace is over, which ends connections; each once."""
    skip_where_it_cannot_be(binary)
    clock = Clock(tmp_path)
    with serving("--crl", stale(-HOUR), "--crl-grace", "2h", "--workers", "2", "--sandbox", "off", version=version,
                 env=clock.env) as server:
        with Kept(server.port, town["mail"], town.ca, version) as kept:
            assert set(in_grace(server).values()) == {0.0}
            clock.set(HOUR + 600)
            server.wait_line("err", re.compile("out of date since .*it counts until .*crl-grace").search, "the warning")
            assert b"hello" in kept.ask()
            assert python.get(server.port, town["mail"]).accepted
            assert sorted(in_grace(server).values()) == [0.0, 1.0]
            clock.set(3 * HOUR + 600)
            kept.wait_end()
        server.wait_line("err", re.compile("its grace is over.*our fault").search, "the end of the grace")
        assert python.get(server.port, town["mail"]).alert == 48
        stale(-30 * HOUR, number=2)  # the current one comes
        server.wait_line("err", re.compile("reloaded: generation 2").search, "the reload")
        assert python.get(server.port, town["mail"]).accepted
        assert set(in_grace(server).values()) == {0.0}
    assert [len([line for line in server.lines["err"] if words in line]) for words in ("it counts until", "and its grace is over")] == [1, 1]


def test_check_and_doctor_find_it(hf, town, stale, tmp_path):
    config = tmp_path / "handfast.yaml"
    config.write_text("listen: 127.0.0.1:0\ncert: %s\nkey: %s\nca: %s\ncrl: %s\ncrl-grace: 2h\nallow: any\n"
                      "respond: identity\n" % (town["server"].cert, town["server"].key, town.ca, stale(HOUR)))
    said = hf("serve", "--config", config, "--check", exit=1)
    assert re.search("out of date since .* counts until .*crl-grace", said.stdout + said.stderr), said
    found = hf.json("doctor", "--config", config, exit=1)
    assert [f for f in found["findings"] if "crl-grace" in str(f)], found
    stale(3 * HOUR)
    said = hf("serve", "--config", config, "--check", exit=1)
    assert "every client below it will be refused" in said.stdout + said.stderr


def test_verify_and_rules_know_it_too(hf, town, stale):
    base = ["--ca", town.ca, "--crl", stale(HOUR)]
    assert "V-CRL-EXPIRED" in hf("verify", *base, town["mail"].cert, exit=1).stdout
    said = hf("verify", *base, "--crl-grace", "2h", town["mail"].cert)
    assert "OK" in said.stdout and "warning: V-CRL-EXPIRED" in said.stderr and "by our grace" in said.stderr
    told = hf.json("rules", *base, "--crl-grace", "2h", "--allow", "any", town["mail"].cert)["meetings"][0]["verdict"]
    assert told["accepted"] and told["findings"][0]["severity"] == "warning"
    said = hf("verify", *base, "--crl-grace", "31d", town["mail"].cert, exit=2)
    assert "30d" in said.stderr


def test_status_says_how_long_a_list_counts(gateway, ctl, stale):
    gateway("--crl", stale(HOUR), "--crl-grace", "2h")
    told = ctl("status")["crls"]
    assert sorted(row["state"] for row in told) == ["current", "in-grace"]
    late = next(row for row in told if row["state"] == "in-grace")
    assert late["counts_until"] > late["next_update"]


class Lists(http.server.BaseHTTPRequestHandler):
    body = b""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *args):
        pass


@pytest.fixture
def publisher(town):
    """One list of the issuing CA at a URL."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Served", (Lists,), {}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def only(pem, number):
    return b"-----BEGIN" + pem.split(b"-----BEGIN")[number]


def test_list_that_was_fetched_has_the_same_grace(serving, town, tmp_path, publisher, python):
    both = lists(town, HOUR)
    root = tmp_path / "root.pem"
    root.write_bytes(only(both, 1))
    publisher.RequestHandlerClass.body = only(both, 2)
    url = "http://127.0.0.1:%d/issuing.crl" % publisher.server_address[1]
    with serving("--crl", root, "--crl", url, "--crl-grace", "2h") as server:
        server.wait_line("err", re.compile("warning: the revocation list of .*Issuing.*crl-grace").search, "the warning")
        assert python.get(server.port, town["mail"]).accepted
        assert sorted(in_grace(server).values()) == [0.0, 1.0]
    with serving("--crl", root, "--crl", url) as server:
        server.wait_line("err", re.compile("warning: the revocation list of .*is refused until").search, "the warning")
        assert python.get(server.port, town["mail"]).alert == 48
