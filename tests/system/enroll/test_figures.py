# SPDX-License-Identifier: Apache-2.0
"""The figures of the authority (--metrics), and the alerts and the dashboard that are made for them."""
import json
import subprocess

import pytest

from support.metrics import alert_names, board_names, parse, promtool, scrape, value
from support.program import Server

from .conftest import Authority


class Measured(Authority):
    def start(self, *options):
        self.server = Server(self.hf, "authority", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", *options,
                             listeners=2)
        return self.server

    @property
    def url(self):
        return next(url for url in self.server.urls if url.startswith("https:"))

    def page(self):
        return scrape(self.server)

    def get(self, name, **labels):
        return value(self.page(), name, **labels)

    def until(self, wanted, name, **labels):
        self.server.wait_until(lambda: self.get(name, **labels) == wanted, "%s %s = %s" % (name, labels, wanted))

    def ask_ocsp(self, *question):
        ca = self.hf.home + "/ca/"
        subprocess.run(["openssl", "ocsp", "-issuer", ca + "issuing.pem", *question, "-reqout", self.hf.home + "/q",
                        "-no_nonce"], check=True, capture_output=True)
        done = subprocess.run(["curl", "-sS", "--cacert", self.root, "-H", "Content-Type: application/ocsp-request",
                               "--data-binary", "@" + self.hf.home + "/q", self.url + "/ocsp"], check=True,
                              capture_output=True)
        assert done.stdout

    def refused_file(self, path):
        return subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert", self.root,
                               self.url + path], check=True, capture_output=True).stdout.decode()


@pytest.fixture
def authority(hf):
    hf("init", "ABC Inc.")
    with open(hf.home + "/ca/policy.yaml", "w") as out:
        out.write("profiles:\n  server: { approval: yes }\n")
    measured = Measured(hf)
    with measured.start():
        yield measured


def test_what_was_given_is_counted(authority, machine):
    node = machine()
    token = authority.token("amy")
    node("enroll", authority.url, "--token", token)
    node("renew", "amy", "--from", authority.url, "--before", "365d")
    assert authority.get("handfast_enrolments_total") == 1
    assert authority.get("handfast_tokens_redeemed_total") == 1
    assert authority.get("handfast_renewals_total") == 1
    assert authority.get("handfast_certificates_given_again_total") == 0
    commits = authority.get("handfast_commit_seconds_count")
    assert commits >= 4  # intent and record of each
    assert authority.get("handfast_commit_seconds_bucket", le="+Inf") == commits
    assert authority.get("handfast_answers_total", **{"class": "2xx"}) >= 2
    assert authority.get("handfast_handshakes_total") >= 2


def test_refusals_are_counted_by_our_code_and_by_nothing_a_peer_chose(authority, machine):
    spent, node = authority.token("bob"), machine()
    assert authority.get("handfast_authority_refusals_total", code="token-unknown") == 0
    node("enroll", authority.url, "--token", spent)
    machine()("enroll", authority.url, "--token", spent, exit=1)
    machine()("enroll", authority.url, "--token", "0" * 16 + spent[16:], exit=1)
    assert authority.get("handfast_authority_refusals_total", code="token-spent") == 1
    assert authority.get("handfast_authority_refusals_total", code="token-unknown") == 1
    assert authority.refused_file("/evil%22word") == "404"
    page = authority.page()
    assert value(page, "handfast_answers_total", **{"class": "4xx"}) >= 3
    for word in ("bob", "evil", "127.0.0.1"):
        assert word not in page


def test_approvals_that_wait_are_a_gauge(authority, machine):
    token = authority.token("web", "--profile", "server")
    assert authority.get("handfast_approvals_pending") == 0
    machine()("enroll", authority.url, "--token", token, exit=1)
    assert authority.get("handfast_approvals_pending") == 1
    authority.hf("approve", token.split(".")[0])
    assert authority.get("handfast_approvals_pending") == 0
    assert authority.get("handfast_authority_refusals_total", code="waiting") == 1


def test_ocsp_answers_are_counted_by_what_they_say(authority, hf):
    hf("issue", "amy", "--client")
    cert = hf.home + "/id/amy/cert.pem"
    authority.ask_ocsp("-cert", cert)
    authority.ask_ocsp("-cert", cert)
    authority.ask_ocsp("-serial", "0x12345")
    assert authority.get("handfast_ocsp_answers_total", status="good") == 2
    assert authority.get("handfast_ocsp_answers_kept_total") == 1
    assert authority.get("handfast_ocsp_answers_total", status="unknown") == 1
    hf("revoke", "amy")
    authority.ask_ocsp("-cert", cert)
    assert authority.get("handfast_ocsp_answers_total", status="revoked") == 1
    assert authority.get("handfast_ocsp_answers_total", status="malformed") == 0


def test_lists_subscribers_and_generation_are_told(authority, hf, machine):
    page = parse(authority.page())
    before = page["handfast_feed_event", frozenset()]
    for name in ("issuing", "root"):
        labels = frozenset({"list": name}.items())
        assert page["handfast_list_next_update_seconds", labels] > page["handfast_list_this_update_seconds", labels] > 1.7e9
        assert page["handfast_list_entries", labels] == 0
    assert page["handfast_ca_not_after_seconds", frozenset({"ca": "root"}.items())] > 1.7e9
    assert page["handfast_ca_not_after_seconds", frozenset({"ca": "issuing"}.items())] > 1.7e9
    assert page["handfast_certificate_not_after_seconds", frozenset()] > 1.7e9
    node = machine()
    node("enroll", authority.url, "--token", authority.token("gw", "--profile", "peer", "--san", "ip:127.0.0.1"))
    with node.serve("--as", "gw", "--allow", "any", "--respond", "text:hello", "--listen", "127.0.0.1:0",
                    "--revocations-from", authority.url):
        authority.until(1, "handfast_feed_subscribers_connected")
        hf("issue", "amy", "--client")
        hf("revoke", "amy")
        authority.until(1, "handfast_list_entries", list="issuing")
        authority.server.wait_until(
            lambda: authority.get("handfast_feed_event") == authority.get("handfast_feed_confirmed_event") > before,
            "the subscriber's confirmation")
        assert authority.get("handfast_lists_published_total", list="issuing") >= 1
        assert authority.get("handfast_lists_published_total", list="root") == 0
        assert authority.get("handfast_feed_subscribers") == 1
    assert authority.get("handfast_authority_generation") == 1
    assert "generation 2" in authority.server.reload()
    assert authority.get("handfast_authority_generation") == 2
    assert authority.get("handfast_reloads_total") == 1


def test_refused_reload_is_counted_and_the_old_state_stays(authority, hf):
    with open(hf.home + "/ca/issuing.pem", "w") as out:
        out.write("no certificate\n")
    assert "refused" in authority.server.reload()
    assert authority.get("handfast_reloads_failed_total") == 1
    assert authority.get("handfast_authority_generation") == 1


def test_policy_that_stops_issuing_is_told(authority, hf):
    assert authority.get("handfast_policy_broken") == 0
    with open(hf.home + "/ca/policy.yaml", "w") as out:
        out.write("profiles: [ not, a, map ]\n")
    assert "generation 2" in authority.server.reload()
    assert authority.get("handfast_policy_broken") == 1


def test_figures_are_for_this_machine_only(hf):
    hf("init", "ABC Inc.")
    done = hf("authority", "--listen", "127.0.0.1:0", "--metrics", "0.0.0.0:0", exit=2)
    assert "--metrics" in done.stderr and "loopback only" in done.stderr


def test_nothing_but_the_page_is_behind_the_door(authority):
    door = authority.server.urls[-1]
    for path in ("/", "/ca", "/crl/issuing.crl", "/enroll"):
        done = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", door + path], check=True,
                              capture_output=True)
        assert done.stdout == b"404", path


def test_ready_lines_come_in_the_order_of_the_doors(hf):
    hf("init", "ABC Inc.")
    beside = ["--metrics", "127.0.0.1:0", "--publish", "127.0.0.1:0"]
    with Server(hf, "authority", "--listen", "127.0.0.1:0", *beside, listeners=3) as server:
        door, lists, figures = server.urls
        assert [line for line in server.lines["err"] if "listening on" in line] == [
            "handfast: listening on " + url for url in (door, lists, figures)]
        assert door.startswith("https:") and lists.startswith("http:")
        assert "handfast_" in scrape(figures)
        assert subprocess.run(["curl", "-sf", lists + "/crl/root.crl"], check=True, capture_output=True).stdout


def test_status_names_the_door(hf, tmp_path):
    hf("init", "ABC Inc.")
    socket = "unix:%s/a.sock" % tmp_path
    with Measured(hf).start("--admin-socket", socket) as server:
        told = hf.json("ctl", "status", "--admin", socket)
        assert told["metrics"] == server.urls[-1:]
        assert told["generation"] == 1


def test_promtool_finds_nothing_to_say_of_page_and_rules(authority, machine, source):
    tool = promtool()
    machine()("enroll", authority.url, "--token", authority.token("amy"))
    done = subprocess.run([tool, "check", "metrics"], input=authority.page().encode(), capture_output=True, check=False)
    assert done.returncode == 0 and not done.stderr, done
    rules = source / "contrib/prometheus/handfast-authority.rules.yml"
    done = subprocess.run([tool, "check", "rules", rules], capture_output=True, check=False)
    assert done.returncode == 0, done


def test_alerts_and_dashboard_ask_only_for_what_is_there(authority, source):
    known = {name for name, _ in parse(authority.page())}
    rules = (source / "contrib/prometheus/handfast-authority.rules.yml").read_text()
    assert len(alert_names(rules)) >= 8 and not alert_names(rules) - known
    assert rules.count("- alert: ") == rules.count("summary:")
    board = json.loads((source / "contrib/grafana/handfast-authority.json").read_text())
    assert len(board_names(board)) >= 12 and not board_names(board) - known
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
