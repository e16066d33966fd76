# SPDX-License-Identifier: Apache-2.0
"""An identity lives on: renewed with itself as the proof, and nothing else."""
import json
import os
import shutil
import subprocess

import pytest


@pytest.fixture
def amy(authority, machine):
    node = machine()
    node("enroll", authority.url, "--token", authority.token("amy", "--san", "uri:spiffe://abc/amy"))
    return node



def cert(node, name="amy"):
    with open(node.home + "/id/%s/cert.pem" % name) as text:
        return text.read()


def renew(node, authority, **more):
    return node("renew", "amy", "--from", authority.url, "--before", "365d", **more)


def test_certificate_renews_itself_with_a_new_key_and_the_same_names(authority, amy):
    before = cert(amy), open(amy.home + "/id/amy/key.pem").read()
    done = renew(amy, authority)
    assert "amy: renewed" in done.stdout
    assert cert(amy) != before[0] and open(amy.home + "/id/amy/key.pem").read() != before[1]
    rows = authority.issued("amy")
    assert len(rows) == 2 and rows[0]["sans"] == rows[1]["sans"] and rows[0]["subject"] == rows[1]["subject"]
    assert [name for name in os.listdir(amy.home + "/id/amy") if name.startswith(".")] == []
    amy("verify", amy.home + "/id/amy/cert.pem", "--purpose", "client")


def test_what_is_not_due_is_left_alone(authority, amy):
    before = cert(amy)
    assert "not due" in amy("renew", "amy", "--from", authority.url).stdout
    assert cert(amy) == before and len(authority.issued("amy")) == 1


def test_server_certificate_renews_itself_too(authority, machine):
    node = machine()
    node("enroll", authority.url, "--token", authority.token("localhost", "--profile", "server"))
    node("renew", "--all", "--from", authority.url, "--before", "365d")
    assert len(authority.issued("localhost")) == 2


def test_revoked_certificate_renews_nothing(authority, amy):
    authority.hf("revoke", "amy")
    assert "is revoked" in renew(amy, authority, exit=1).stderr
    assert len(authority.issued("amy")) == 1


def test_only_the_newest_of_a_line_is_renewed(authority, amy):
    shutil.copytree(amy.home, amy.home + "-stolen")
    thief = amy.at(amy.home + "-stolen")
    renew(amy, authority)
    assert "only the newest of its line" in renew(thief, authority, exit=1).stderr
    renew(amy, authority)
    assert len(authority.issued("amy")) == 3


def test_lost_answer_is_found_again_by_the_same_key(authority, amy):
    shutil.copytree(amy.home, amy.home + "-before")
    renew(amy, authority)
    again = amy.at(amy.home + "-before")
    key = open(amy.home + "/id/amy/key.pem").read()
    with open(again.home + "/id/amy/.renewal.key", "w") as out:
        out.write(key)
    renew(again, authority)
    assert cert(again) == cert(amy) and open(again.home + "/id/amy/key.pem").read() == key
    assert len(authority.issued("amy")) == 2


def test_stranger_and_nobody_are_not_renewed(authority, amy, hf, tmp_path):
    other = hf.at(tmp_path / "other")
    other("init", "Mallory")
    other("issue", "amy", "--client")
    shutil.copy(authority.root, other.home + "/id/amy/ca.pem")
    assert "did not issue that certificate" in renew(other, authority, exit=1).stderr
    answer = subprocess.run(["curl", "-s", "--cacert", authority.root, "-d", "x", authority.url + "/renew"],
                            capture_output=True, check=True).stdout
    assert json.loads(answer)["error"]["code"] == "certificate-needed"


def test_days_are_the_authoritys_to_say(authority, amy):
    amy("renew", "amy", "--from", authority.url, "--days", "90", exit=2)


def test_machine_learns_the_next_root_with_its_renewal_and_forgets_the_one_before(authority, machine):
    node = machine()
    node("enroll", authority.url, "--token", authority.token("amy"))
    authority.hf("init", "--rollover", "--root")
    authority.server.reload()
    told = node("renew", "amy", "--from", authority.url, "--before", "40d")
    assert "roots that are trusted have changed" in told.stderr
    both = open(authority.hf.home + "/trust/own.pem").read()
    assert both.count("BEGIN CERTIFICATE") == 2
    for path in ("/trust/own.pem", "/id/amy/ca.pem"):
        assert open(node.home + path).read() == both
    other = machine()
    other("enroll", authority.url, "--token", authority.token("bob"))
    assert open(other.home + "/trust/own.pem").read() == both
    authority.hf("init", "--retire")
    authority.server.reload()
    node("renew", "amy", "--from", authority.url, "--before", "40d")
    root = open(authority.hf.home + "/ca/root.pem").read()
    for path in ("/trust/own.pem", "/id/amy/ca.pem"):
        assert open(node.home + path).read() == root
