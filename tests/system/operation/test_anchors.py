# SPDX-License-Identifier: Apache-2.0
"""While one CA replaces another: how many clients still hang on which; and the live view."""
import re
import urllib.request
from pathlib import Path

import pytest
from support.program import Server


@pytest.fixture
def two_cas(hf, tmp_path):
    """A server of the old authority that trusts a new one too; clients of both."""
    old, new = hf.at(tmp_path / "old"), hf.at(tmp_path / "new")
    for party, name in ((old, "Old"), (new, "New")):
        party("init", name)
        party("issue", "amy", "--client")
    old("issue", "localhost", "--server", "--san", "ip:127.0.0.1")
    old("issue", "bob", "--client")
    new("issue", "bob", "--client")
    old("trust", "add", "new-root", Path(new.home) / "ca" / "root.pem")
    return old, new


def get(party, server, who):
    party("get", "--as", who, server.url, "--ca", Path(party.home).parent / "old" / "ca" / "root.pem")


def counts(party, socket_path):
    rows = party.json("ctl", "status", "--admin", socket_path)["anchors"]
    return {row["anchor"]: row["recent_identities"] for row in rows}


def test_clients_are_counted_by_the_anchor_they_chain_to(two_cas, socket_path):
    old, new = two_cas
    with Server(old, "serve", "--as", "localhost", "--allow", "any", "--respond", "text:hi", "--listen", "127.0.0.1:0",
                "--metrics", "127.0.0.1:0", "--workers", "2", "--admin", "unix:%s" % socket_path, listeners=2) as server:
        get(old, server, "amy")
        get(old, server, "bob")
        assert counts(old, socket_path) == {"own": 2, "new-root": 0}
        server.wait_line("err", re.compile("anchor 'own' .*: clients chain to it").search, "the first")
        get(new, server, "bob")
        assert counts(old, socket_path) == {"own": 1, "new-root": 1}, "an identity counts where it came last"
        get(new, server, "amy")
        assert counts(old, socket_path) == {"own": 0, "new-root": 2}
        server.wait_line("err", re.compile("anchor 'own' .*no client of the last 24 hours").search, "the last", 20)
        server.wait_line("err", re.compile("anchor 'new-root' .*: clients chain to it").search, "the first", 20)
        with urllib.request.urlopen(server.urls[-1] + "/metrics") as page:
            text = page.read().decode()
        assert re.search(r'^handfast_anchor_identities\{anchor="own",sha256="[0-9a-f]{16}"\} 0$', text, re.M)
        assert re.search(r'^handfast_anchor_identities\{anchor="new-root",sha256="[0-9a-f]{16}"\} 2$', text, re.M)
        shown = old("ctl", "status", "--admin", socket_path).stdout
        assert "new-root" in shown and "2 identities in 24 hours" in shown


def test_anchor_that_was_taken_out_is_told_as_such(two_cas, socket_path):
    old, new = two_cas
    with Server(old, "serve", "--as", "localhost", "--allow", "any", "--respond", "text:hi", "--listen", "127.0.0.1:0",
                "--admin", "unix:%s" % socket_path) as server:
        get(new, server, "bob")
        old("trust", "remove", "new-root")
        old.json("ctl", "reload", "--admin", socket_path)
        rows = {row["anchor"]: row for row in old.json("ctl", "status", "--admin", socket_path)["anchors"]}
        assert rows["new-root"]["trusted"] is False and rows["new-root"]["recent_identities"] == 1
        assert rows["own"]["trusted"] is True


# --- top ---

def test_top_prints_once_where_there_is_no_terminal(hf, gateway, keep, python, town, socket_path):
    server = gateway()
    for who in ("mail", "mail", "bob"):
        keep(server, who)
    python.get(server.port, town["expired"])

    def shown():
        text = hf("ctl", "top", "--admin", socket_path).stdout
        return text if "3 connections of 2 identities" in text else None
    text = server.wait_until(shown, "three connections")
    assert "\033" not in text and "V-EXPIRED" in text
    lines = [line.split() for line in text.splitlines()]
    assert ["dns:mail.zoo.test", "2", "2", "0.0"] in lines


def test_top_as_json_has_identities_and_refusals(ctl, gateway, keep):
    server = gateway(workers=1)
    keep(server, "bob")
    keep(server, "mail"), keep(server, "mail")
    told = ctl("top")
    assert [row["identity"] for row in told["identities"]] == ["dns:mail.zoo.test", "uri:spiffe://zoo.test/mail/bob"]
    assert told["identities"][0]["connections"] == 2 and told["identities_known"] == 2


def test_top_on_a_terminal_goes_on_until_it_is_ended(hf, gateway, socket_path):
    import os
    import pty
    import subprocess
    gateway()
    lead, follow = pty.openpty()
    child = subprocess.Popen([hf.binary, "ctl", "top", "--admin", str(socket_path)], env=hf.environment(TERM="xterm"),
                             stdout=follow, stderr=follow, stdin=follow)
    os.close(follow)
    seen = b""
    while seen.count(b"\033[H\033[J") < 3:
        seen += os.read(lead, 65536)
    assert child.poll() is None and b"handshakes/s" in seen
    child.terminate()
    child.wait(20)
    os.close(lead)
