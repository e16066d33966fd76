# SPDX-License-Identifier: Apache-2.0
"""`verify --profile`: each world's column of lib/verify/quirks.def against that world's own verifier, cell by cell,
both directions.  A verifier that is not installed is skipped, and says so."""
import subprocess

import pytest
from support import oddities, worlds

SIDES = ["server", "client"]
PROFILES = ["handfast", "strict", "openssl", "python", "gnutls", "go", "java", "browser"]


def go_before(minor, patch=0):
    """Whether the Go here is older than 1.minor.patch."""
    told = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout
    parts = [int(part) for part in told.strip()[2:].split(".")]
    return tuple(parts + [0] * (3 - len(parts))) < (1, minor, patch)


# Where we say something else than the program here, and why.
NAMED = {
    ("go", "serial-negative"): ("Go refuses negative serial numbers from 1.23 on", lambda: go_before(23)),
    ("go", "exclude-under-wildcard"): ("Go closed CVE-2025-61727 in 1.24.11", lambda: go_before(24, 11)),
}


class Zoo:
    """The cases of both sides, and what we say of each: asked once."""

    def __init__(self, place):
        self.place, self.cases, self.said = place, {}, {}
        for side in SIDES:
            self.cases[side] = oddities.build(side, place / side)

    def ask(self, hf, side):
        """{case: {profile: verdict}}"""
        if side not in self.said:
            self.said[side] = {case.name: matrix(hf, case) for case in self.cases[side]}
        return self.said[side]


def matrix(hf, case):
    argv = ["verify", "--profile", "all", "--purpose", case.side, "--ca", case.trust, case.chain]
    told = hf.run("--json", *argv, *(["--name", case.asked] if case.asked else []))
    rows = {row["profile"]: row["verdict"] for row in told.json()["results"][0]["worlds"]}
    assert told.code == (0 if all(verdict["accepted"] for verdict in rows.values()) else 1), told
    return rows


@pytest.fixture(scope="module")
def oddzoo(session_dir):
    return Zoo(session_dir / "oddities")


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("world", sorted(worlds.ALL))
def test_a_world_says_what_we_say_it_says(world, side, oddzoo, hf):
    if world == "browser" and side == "client":
        pytest.skip("no browser judges a client's certificate")
    asked = worlds.ALL[world]
    if asked.available():
        pytest.skip(asked.available())
    real = asked.ask(oddzoo.cases[side], oddzoo.place / ("%s-%s" % (world, side)))
    ours = oddzoo.ask(hf, side)
    assert len(real) >= 120, "hardly anybody was asked: %s" % sorted(real)
    other = {name: "%s (%s), we say %s" % ("accepts" if accepted else "refuses", words, ours[name][world]["reason"])
             for name, (accepted, words) in real.items() if accepted != ours[name][world]["accepted"]}
    named = {name for (who, name), (_, applies) in NAMED.items() if who == world and applies()}
    assert set(other) == named, other


@pytest.mark.parametrize("side", SIDES)
def test_strict_accepts_nothing_that_handfast_refuses(side, oddzoo, hf):
    for name, rows in oddzoo.ask(hf, side).items():
        assert rows["handfast"]["accepted"] or not rows["strict"]["accepted"], name


@pytest.mark.parametrize("side", SIDES)
def test_a_refusal_names_its_reason_and_rule(side, oddzoo, hf):
    for name, rows in oddzoo.ask(hf, side).items():
        for profile, verdict in rows.items():
            first = verdict["findings"][0] if verdict["findings"] else None
            assert verdict["accepted"] or (first["severity"] == "refuse" and first["rule"] and first["remedy"]), (name, profile)


def test_one_profile_is_a_row_of_the_matrix(oddzoo, hf):
    case = next(case for case in oddzoo.cases["server"] if case.name == "cn-only")
    for profile in PROFILES:
        told = hf.run("verify", "--profile", profile, "--purpose", "server", "--name", case.asked, "--ca", case.trust,
                      case.chain)
        assert told.code == (0 if profile in ("openssl", "python", "gnutls", "java") else 1), told


def test_the_matrix_is_readable(oddzoo, hf):
    case = next(case for case in oddzoo.cases["server"] if case.name == "cn-only")
    told = hf("verify", "--profile", "all", "--purpose", "server", "--name", case.asked, "--ca", case.trust, case.chain, exit=1)
    assert "as a server named gw.zoo.test" in told.stdout
    assert "works with OpenSSL, Python 3.13, GnuTLS and Java;" in told.stdout
    assert "fails with Handfast, strict peers, Go and browsers" in told.stdout
    assert "V-CN-ONLY" in told.stdout


def test_without_a_purpose_the_roles_are_those_of_the_certificate(hf, town):
    told = hf.json("verify", "--profile", "all", "--ca", town.ca, town["mail"].cert)
    assert {row["purpose"] for row in told["results"][0]["worlds"]} == {"client"}
    assert all(row["verdict"]["accepted"] for row in told["results"][0]["worlds"])


def test_all_worlds_and_rules_do_not_go_together(hf, town):
    told = hf("verify", "--profile", "all", "--allow", "any", "--ca", town.ca, town["mail"].cert, exit=2)
    assert "--allow" in told.stderr


def test_an_unknown_world_gets_the_nearest(hf, town):
    assert "gnutls" in hf("verify", "--profile", "gnutsl", "--ca", town.ca, town["mail"].cert, exit=2).stderr


@pytest.fixture
def ed25519(hf):
    """A server whose key no browser knows."""
    hf("init", "ABC")
    return hf("issue", "gw", "--server", "--key-type", "ed25519")


def test_issuing_warns_of_worlds_that_will_refuse(ed25519, hf):
    assert "refused by browsers as a server's" in ed25519.stderr and "Ed25519" in ed25519.stderr
    assert "refused by" not in hf("issue", "plain", "--server").stderr
    told = hf.json("issue", "again", "--server", "--key-type", "ed25519")
    assert any("refused by browsers" in note for note in told["notes"])
    tried = hf.json("issue", "try", "--server", "--key-type", "ed25519", "--dry-run")
    assert [judge["judge"] for judge in tried["judges"] if not judge["accepted"]] == ["browser"]


def test_signing_warns_too(ed25519, hf, tmp_path):
    hf("request", "node", "--key-type", "ed25519", "--san", "dns:node.abc.test")
    told = hf("sign", hf.home + "/id/node/request.pem", "--profile", "server", "--out", tmp_path / "node.pem")
    assert "refused by browsers as a server's" in told.stderr


def test_show_warns_from_the_same_table(hf, oddzoo):
    path = next(case.chain for case in oddzoo.cases["server"] if case.name == "cn-only")
    assert "refused by Go and browsers as a server's" in hf("show", path).stdout
    rows = hf.json("show", path)["files"][0]["certificates"][0]["warnings"]
    assert ["go", "browser"] in [row.get("refused_by") for row in rows]


def test_preflight_warns_and_starts_all_the_same(ed25519, hf):
    told = hf("serve", "--check", "--as", "gw", "--allow", "any", "--respond", "verdict", "--listen", "127.0.0.1:0")
    assert "refused by browsers as a server's" in told.everything
