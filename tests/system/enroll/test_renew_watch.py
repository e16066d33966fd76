# SPDX-License-Identifier: Apache-2.0
"""renew --watch, the service that keeps the identities of a machine fresh."""
import os
import re
import signal

import pytest

from support.process import Watched


def watch(party, *options):
    return Watched([party.binary, "-v", "renew", "--watch", *options], party.environment())


def pause(line):
    found = re.search(r"looking again in (\d+) seconds", line)
    return int(found[1]) if found else None


def pauses(watcher):
    return [seconds for seconds in map(pause, list(watcher.lines["err"])) if seconds]


def test_all_identities_are_renewed_told_and_the_command_run(authority, machine):
    node = machine()
    for name in ("amy", "bob"):
        node("enroll", authority.url, "--token", authority.token(name))
    with watch(node, "--all", "--from", authority.url, "--before", "31d", "--exec", "echo ran for $HANDFAST_NAME") as watcher:
        for name in ("amy", "bob"):
            watcher.wait_line("out", lambda line, n=name: line.startswith(n + ": renewed, until "), "the renewal of " + name)
            watcher.wait_line("err", lambda line, n=name: line == "ran for " + n, "the command for " + name)
        watcher.signal(signal.SIGTERM)
        assert watcher.wait() == 0
    assert len(authority.issued("amy")) == len(authority.issued("bob")) == 2
    assert {node.json("show", name)["files"][0]["certificates"][0]["serial"] for name in ("amy", "bob")} == {
        authority.issued(name)[-1]["serial"] for name in ("amy", "bob")}


def test_identity_that_fails_keeps_no_other_from_being_renewed(authority, machine):
    node = machine()
    for name in ("amy", "bob"):
        node("enroll", authority.url, "--token", authority.token(name))
    authority.hf("revoke", "amy")
    with watch(node, "--all", "--from", authority.url, "--before", "31d") as watcher:
        watcher.wait_line("out", lambda line: line.startswith("bob: renewed"), "the renewal of bob")
        watcher.wait_line("err", lambda line: pause(line), "the pause")
        assert any("revoked" in line for line in watcher.lines["err"])


def test_authority_that_goes_away_is_asked_less_and_less_often(hf):
    hf("init", "ABC Inc.")
    hf("issue", "amy", "--client")
    with watch(hf, "--all") as watcher:
        watcher.wait_until(lambda: len(pauses(watcher)) == 1, "the first look")
        os.rename(hf.home + "/ca", hf.home + "/away")
        for looks in (2, 3):
            watcher.signal(signal.SIGHUP)  # ends the pause
            watcher.wait_until(lambda n=looks: len(pauses(watcher)) == n, "look %d" % looks)
        os.rename(hf.home + "/away", hf.home + "/ca")
        watcher.signal(signal.SIGHUP)
        watcher.wait_until(lambda: len(pauses(watcher)) == 4, "the last look")
    first, second, third, last = pauses(watcher)
    assert 120 <= second <= 132 and 240 <= third <= 264, pauses(watcher)  # with a tenth of chance
    assert first >= 3600 and last >= 3600, pauses(watcher)


@pytest.mark.parametrize("options", [["--all"], ["amy"]])
def test_without_an_authority_it_does_not_begin(hf, options):
    told = hf("renew", "--watch", *options, exit=3)
    assert "E-NO-AUTHORITY" in told.stderr and told.stderr.count("handfast: ") == 1
