# SPDX-License-Identifier: Apache-2.0
"""The metrics page, the alerts and the dashboard that are made for it, and the access log."""
import http.server
import json
import socket
import subprocess
import threading
from pathlib import Path

import pytest
from support import zoo
from support.metrics import alert_names, board_names, parse, promtool, scrape, value
from support.peers import PythonClient
from support.process import SLOW


@pytest.fixture
def measured(gateway):
    def start(*args, **more):
        return gateway("--metrics", "127.0.0.1:0", *args, listeners=2, **more)
    return start


def test_page_is_well_formed_and_tells_what_happened(measured, keep, town, python):
    server = measured("--crl", town.crl, workers=1)
    keep(server)
    assert not python.get(server.port, town["expired"]).accepted
    listen = dict(listener="127.0.0.1:0")

    def counted():
        text = scrape(server)
        return text if value(text, "handfast_generation_connections", generation="1") == 1 else None
    text = server.wait_until(counted, "the connection", 10)
    assert value(text, "handfast_listener_connections_total", **listen) == 2
    assert value(text, "handfast_listener_handshakes_total", **listen) == 1
    assert value(text, "handfast_listener_refused_total", **listen) == 1
    assert value(text, "handfast_refusals_total", cause="V-EXPIRED", refused_by="server") == 1
    assert value(text, "handfast_worker_generation", worker="0") == 1
    assert value(text, "handfast_own_faults_total", cause="V-CRL-EXPIRED") == 0
    assert value(text, "handfast_request_seconds_count") == 1
    assert value(text, "handfast_request_seconds_bucket", le="+Inf") == 1
    assert value(text, "handfast_handshake_seconds_count") == 1
    assert value(text, "handfast_policy_certificate_not_after_seconds", policy="") > 1.7e9
    ends = [v for (name, _), v in parse(text).items() if name == "handfast_crl_next_update_seconds"]
    begins = [v for (name, _), v in parse(text).items() if name == "handfast_crl_this_update_seconds"]
    assert len(ends) == len(begins) == 2 and min(ends) > max(begins) > 1.7e9


def test_histogram_grows_from_bucket_to_bucket(measured, keep):
    server = measured(workers=1)
    one = keep(server)
    for _ in range(5):
        one.ask()
    rows = sorted((float(dict(labels)["le"]), v) for (name, labels), v in parse(scrape(server)).items()
                  if name == "handfast_request_seconds_bucket")
    assert [v for _, v in rows] == sorted(v for _, v in rows) and rows[-1] == (float("inf"), 6)


def test_own_fault_is_counted_as_ours(measured, town, tmp_path, python):
    stale = tmp_path / "stale.pem"
    stale.write_bytes(zoo.make_crl(town.certs["root"], {}, town.certs)
                      + zoo.make_crl(town.certs["issuing"], {"days": [-30, -1]}, town.certs))
    server = measured("--crl", stale)
    assert not python.get(server.port, town["mail"]).accepted
    # a refusal is counted when its connection has ended, which its client may see first
    server.wait_until(lambda: value(scrape(server), "handfast_own_faults_total", cause="V-CRL-EXPIRED") == 1, "the count")
    assert value(scrape(server), "handfast_own_faults_total", cause="V-CRL-MISSING") == 0


def test_list_that_is_there_twice_is_told_once(measured, town, tmp_path):
    """From two files here; from a file and over the network it is the same."""
    again = tmp_path / "again.pem"
    again.write_bytes(Path(town.crl).read_bytes())
    found = parse(scrape(measured("--crl", town.crl, "--crl", again)))
    for name in ("handfast_crl_this_update_seconds", "handfast_crl_next_update_seconds", "handfast_crl_in_grace"):
        assert len([key for key in found if key[0] == name]) == 2, "the root's and the issuing CA's"


def test_nothing_that_a_peer_chose_is_a_label(measured, town, python, keep):
    server = measured(workers=1)
    keep(server, "bob").ask(b'GET /"} HTTP/1.1\r\nHost: evil"name\r\nX: y\r\n\r\n')
    python.get(server.port, town["foreign"])
    text = scrape(server)
    for word in ("bob", "spiffe", "evil", "Other", "mail-server"):
        assert word not in text


def test_generations_are_told_apart(measured, keep, ctl):
    server = measured(workers=1)
    keep(server)
    ctl("reload")
    keep(server)

    def both():
        text = scrape(server)
        return all(value(text, "handfast_generation_connections", generation=g) == 1 for g in ("1", "2"))
    server.wait_until(both, "a connection of each generation", 10)
    assert value(scrape(server), "handfast_reloads_total") == 1


def test_promtool_finds_nothing_to_say_of_the_page(measured, keep, town, python):
    tool = promtool()
    server = measured("--crl", town.crl)
    keep(server)
    python.get(server.port, town["expired"])
    done = subprocess.run([tool, "check", "metrics"], input=scrape(server).encode(), capture_output=True, check=False)
    assert done.returncode == 0 and not done.stderr, done


def test_promtool_takes_the_alert_rules(source):
    done = subprocess.run([promtool(), "check", "rules", source / "contrib/prometheus/handfast.rules.yml"],
                          capture_output=True, check=False)
    assert done.returncode == 0, done


class Hello(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # head and body in one piece

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *args):
        pass


@pytest.fixture
def service():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hello)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield "http://127.0.0.1:%d" % server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def known(measured, keep, town, python, service):
    """The names of a page on which everything has happened once."""
    server = measured("--crl", town.crl, answer=("--to", service, "--health", "/"), workers=1)
    keep(server)
    python.get(server.port, town["expired"])
    return {name for name, _ in parse(scrape(server))}


def test_alert_rules_ask_only_for_what_is_there(source, known):
    text = (source / "contrib/prometheus/handfast.rules.yml").read_text()
    asked = alert_names(text)
    assert len(asked) >= 8 and not asked - known
    assert text.count("- alert: ") == text.count("summary:")


def test_dashboard_asks_only_for_what_is_there(source, known):
    board = json.loads((source / "contrib/grafana/handfast.json").read_text())
    asked = board_names(board)
    assert len(asked) >= 12 and not asked - known
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


# --- the access log ---

def test_access_log_tells_identity_rule_and_tls(hf, town, tmp_path, gateway, keep):
    log = tmp_path / "access.log"
    server = gateway("--access-log", log, allow=("--allow", "dns:mail.zoo.test"), workers=1)
    keep(server).ask()
    assert server.stop() == 0
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert [row["request"] for row in rows] == [1, 2]
    row = rows[0]
    assert row["identity"] == "dns:mail.zoo.test" and row["rule"] == "allow dns:mail.zoo.test"
    assert row["version"] == "TLS 1.3" and row["cipher"].startswith("TLS_") and row["resumed"] is False
    assert row["listener"] == "127.0.0.1:0" and row["status"] == 200 and row["bytes"] == 5 and row["ms"] >= 0


def test_access_log_tells_a_resumed_session(town, tmp_path, gateway):
    log = tmp_path / "access.log"
    server = gateway("--access-log", log, "--resume", "on", workers=1)
    context, session = PythonClient.context(town["mail"], town.ca, "1.3"), None
    for _ in range(2):
        with context.wrap_socket(socket.create_connection(("127.0.0.1", server.port), 20 * SLOW),
                                 server_hostname="localhost", session=session) as tls:
            tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"hello" in tls.recv(65536)
            session = tls.session
    assert server.stop() == 0
    assert [json.loads(line)["resumed"] for line in log.read_text().splitlines()] == [False, True]


def test_left_out_records_are_counted_in_log_and_metrics(measured, town, python):
    server = measured("--refusal-log-rate", "1", workers=1)
    for _ in range(230):  # 200 at once are told in any case
        python.get(server.port, town["expired"])

    def told():
        for line in server.lines["err"]:
            if "refusals-suppressed" in line:
                return json.loads(line)
        return None
    row = server.wait_until(told, "the line that counts them", 30)
    assert row["suppressed"] >= 1 and row["since"]
    assert value(scrape(server), "handfast_refusal_records_suppressed_total") >= row["suppressed"]
    assert value(scrape(server), "handfast_refused_total") == 230
