# SPDX-License-Identifier: Apache-2.0
"""The clock of the authority's machine is set while it runs: forwards, backwards, and back again.  The clients' clock
goes with it; what is looked at is what was made before."""
import datetime
import subprocess

import pytest

from support.moved_clock import Clock, skip_where_it_cannot_be
from support.program import Server

MINUTE, HOUR, DAY = 60, 3600, 86400


class Town:
    def __init__(self, hf, tmp_path):
        self.clock = Clock(tmp_path)
        self.hf, self.tmp, self.made = hf, tmp_path, 0
        self.hf.env.update(self.clock.env)
        hf("init", "ABC Inc.")
        self.server = Server(hf, "authority", "--listen", "127.0.0.1:0", "--publish", "127.0.0.1:0", listeners=2)
        self.url = next(url for url in self.server.urls if url.startswith("https:"))
        self.publish = next(url for url in self.server.urls if url.startswith("http:"))

    def machine(self):
        self.made += 1
        node = self.hf.at(self.tmp / ("machine-%d" % self.made))
        node.env.update(self.clock.env)
        return node

    def token(self, name):
        return self.hf("token", name).stdout.strip()

    def told(self, words):
        return sum(words in line for line in self.server.lines["err"])

    def jump(self, seconds, renews=False):
        """The service has seen it; renews: and has another certificate of its own in use."""
        words = "a new certificate of the service is in use" if renews else "the clock has jumped"
        before = self.told(words)
        self.clock.set(seconds)
        self.server.wait_until(lambda: self.told(words) > before, words, 20)

    def list(self):
        """(thisUpdate, nextUpdate, number) of what is given out."""
        der = subprocess.run(["curl", "-sf", self.publish + "/crl/issuing.crl"], check=True,
                             capture_output=True).stdout
        text = subprocess.run(["openssl", "crl", "-inform", "der", "-noout", "-lastupdate", "-nextupdate", "-crlnumber"],
                              input=der, check=True, capture_output=True).stdout.decode()
        rows = dict(line.split("=", 1) for line in text.splitlines())
        at = [datetime.datetime.strptime(rows[key], "%b %d %H:%M:%S %Y %Z").replace(tzinfo=datetime.timezone.utc)
              .timestamp() for key in ("lastUpdate", "nextUpdate")]
        return at[0], at[1], int(rows["crlNumber"], 16)

    def now(self):
        with open(self.clock.path) as offset:
            return datetime.datetime.now(datetime.timezone.utc).timestamp() + int(offset.read())


@pytest.fixture
def town(hf, tmp_path, binary):
    skip_where_it_cannot_be(binary)
    town = Town(hf, tmp_path)
    with town.server:
        yield town


def test_token_ends_by_the_clock_of_now_and_is_good_again_when_it_is_set_back(town):
    token, node = town.token("amy"), town.machine()
    town.jump(2 * HOUR)
    assert "the token has expired" in node("enroll", town.url, "--token", token, exit=1).stderr
    town.jump(0)
    node("enroll", town.url, "--token", token)
    town.jump(-MINUTE)
    assert "the token has been used" in town.machine()("enroll", town.url, "--token", token, exit=1).stderr
    town.jump(0)
    assert "the token has been used" in town.machine()("enroll", town.url, "--token", token, exit=1).stderr


def test_certificate_that_ended_renews_nothing_until_the_clock_is_right_again(town):
    node = town.machine()
    node("enroll", town.url, "--token", town.token("amy"))
    town.jump(40 * DAY, renews=True)
    refused = node("renew", "amy", "--from", town.url, "--before", "365d", exit=1)
    assert "has expired, and renews nothing any more" in refused.stderr
    town.jump(0, renews=True)
    node("renew", "amy", "--from", town.url, "--before", "365d")
    rows = [row["state"] for row in town.hf.json("list", "--all")["certificates"] if row["name"] == "amy"]
    assert rows == ["valid", "valid"]


def test_certificate_issued_while_the_clock_was_ahead_is_replaced_by_one_that_holds(town):
    node = town.machine()
    town.jump(5 * DAY)
    node("enroll", town.url, "--token", town.token("amy"))
    town.jump(0)
    path = node.home + "/id/amy/cert.pem"
    assert "V-NOT-YET" in node("verify", path, "--ca", node.home + "/trust/own.pem", exit=1).stdout
    token = town.token("amy-2")
    town.machine()("enroll", town.url, "--token", token)


@pytest.mark.parametrize("days", [31, 200])
def test_list_that_a_jump_forwards_has_ended_is_made_anew_at_once(town, days):
    _, until, number = town.list()
    town.jump(days * DAY)

    def fresh():
        this_update, next_update, newer = town.list()
        return this_update <= town.now() + 1 < next_update and newer > number
    town.server.wait_until(fresh, "a list of then", 20)
    assert town.list()[1] > until


def test_list_from_the_future_is_replaced_when_the_clock_is_set_back(town):
    town.jump(25 * DAY, renews=True)
    town.server.wait_until(lambda: town.list()[0] > town.now() - DAY, "a list of then", 20)
    number = town.list()[2]
    town.jump(0, renews=True)

    def right():
        this_update, next_update, newer = town.list()
        return this_update <= town.now() + 1 < next_update and newer > number
    town.server.wait_until(right, "a list of now, with a higher number", 20)
    node = town.machine()
    node("enroll", town.url, "--token", town.token("amy"))  # the service has a certificate of now too
    ca = town.hf.home + "/ca/"
    said = subprocess.run(["openssl", "ocsp", "-issuer", ca + "issuing.pem", "-cert", node.home + "/id/amy/cert.pem",
                           "-CAfile", ca + "root.pem", "-url", town.publish + "/ocsp"], capture_output=True, check=True)
    assert b"good" in said.stdout and b"WARNING" not in said.stdout + said.stderr
