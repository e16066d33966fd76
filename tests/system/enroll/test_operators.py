# SPDX-License-Identifier: Apache-2.0
"""Who may operate an authority from elsewhere: certificates that a rule names, and nobody else."""
import json
import subprocess

import pytest

from .conftest import Authority, token_id


@pytest.fixture
def operated(hf):
    hf("init", "ABC Inc.")
    for name in ("ops", "amy"):
        hf("issue", name, "--client")
    with open(hf.home + "/ca/policy.yaml", "w") as out:
        out.write("profiles:\n  peer: { approval: yes }\n")
    authority = Authority(hf)
    with authority.start("--admin", "cn:ops"):
        yield authority


@pytest.fixture
def desk(operated, machine):
    """The operator's own machine: identity and trust, no authority."""
    node = machine()
    node("enroll", operated.url, "--token", operated.token("ops"))
    return node


def curl(operated, *options, who="ops", path="/admin/pending", body="{}", kind="application/json"):
    cert = operated.hf.home + "/id/" + who if who else None
    line = ["curl", "-s", "--cacert", operated.root, "-o", "/dev/stderr", "-w", "%{http_code}",
            "-H", "Content-Type: " + kind, "--data-binary", body, *options]
    if cert:
        line += ["--cert", cert + "/cert.pem", "--key", cert + "/key.pem"]
    done = subprocess.run([*line, operated.url + path], capture_output=True, text=True)
    return done.stdout, done.stderr


def test_operator_makes_tokens_approves_and_revokes_from_elsewhere(operated, desk, machine):
    at = ("--at", operated.url, "--as", "ops")
    shown = desk.json("token", "mail", "--profile", "peer", "--san", "dns:mail.abc.com", *at)
    node = machine()
    waits = node("enroll", operated.url, "--token", shown["token"], exit=1)
    assert "waits for an operator" in waits.stderr
    assert desk.json("pending", *at)["pending"][0]["name"] == "mail"
    assert "mail.abc.com" in desk("pending", *at).stdout
    desk("approve", shown["id"], *at)
    desk("approve", shown["id"], *at, exit=1)
    node("enroll", operated.url, "--token", shown["token"], "--as", "mail")
    told = desk("revoke", "mail", "--reason", "superseded", *at).stdout
    assert "revoked CN=mail" in told and "superseded" in told
    assert operated.issued("mail")[0]["state"] == "revoked"
    assert "revoked already" in desk("revoke", "mail", *at, exit=1).stderr
    rows = operated.hf.json("audit")["rows"]
    assert any(row["action"] == "operator" and "by CN=ops from 127.0.0.1" in row["detail"] for row in rows)
    assert any(row["action"] == "approve" and "by CN=ops from 127.0.0.1" in row["detail"] for row in rows)
    assert any(row["action"] == "token" and "by CN=ops from 127.0.0.1" in row["detail"] for row in rows)
    operated.hf("audit", "verify")


def test_published_list_names_what_was_revoked_from_elsewhere(operated, desk):
    serial = operated.issued("amy")[0]["serial"]
    desk("revoke", serial, "--at", operated.url, "--as", "ops")
    text = subprocess.run(["openssl", "crl", "-in", operated.hf.home + "/ca/crl.pem", "-noout", "-text"],
                          capture_output=True, text=True, check=True).stdout
    assert serial.upper() in text


def test_several_certificates_of_a_name_are_told_and_none_is_revoked(operated, desk):
    at = ("--at", operated.url, "--as", "ops")
    operated.hf("issue", "amy", "--client", "--force")
    refused = desk("revoke", "amy", *at, exit=1)
    serials = [row["serial"] for row in operated.issued("amy")]
    assert "several" in refused.stderr and all(serial in refused.stderr for serial in serials)
    assert [row["state"] for row in operated.issued("amy")] == ["valid", "valid"]
    desk("revoke", "amy", "--all", *at)
    assert [row["state"] for row in operated.issued("amy")] == ["revoked", "revoked"]


def test_issuing_ca_is_not_revoked_from_elsewhere(operated, desk):
    shown = operated.hf.json("show", operated.hf.home + "/ca/issuing.pem")
    serial = shown["files"][0]["certificates"][0]["serial"]
    refused = desk("revoke", serial, "--at", operated.url, "--as", "ops", exit=1)
    assert "own issuing CA" in refused.stderr


def test_tokens_are_listed_and_withdrawn_from_elsewhere(operated, desk):
    at = ("--at", operated.url, "--as", "ops")
    token = operated.token("bob")
    assert token_id(token) in desk("token", "list", *at).stdout
    desk("token", "revoke", token_id(token), *at)
    states = {row["id"]: row["state"] for row in desk.json("token", "list", *at)["tokens"]}
    assert states[token_id(token)] == "withdrawn"


@pytest.mark.parametrize("who", ["amy", None], ids=["another identity", "no certificate"])
def test_others_are_no_operators(operated, who):
    code, text = curl(operated, who=who)
    assert code == "403" and "not-an-operator" in text, text


def test_operator_of_another_authority_is_none_here(operated, hf, tmp_path):
    stranger = hf.at(tmp_path / "stranger")
    stranger("init", "Mallory")
    stranger("issue", "ops", "--client")
    done = subprocess.run(["curl", "-s", "--cacert", operated.root, "--cert", stranger.home + "/id/ops/cert.pem",
                           "--key", stranger.home + "/id/ops/key.pem", "-H", "Content-Type: application/json",
                           "-d", "{}", operated.url + "/admin/pending"], capture_output=True, text=True)
    assert "not-an-operator" in done.stdout


def test_operator_whose_certificate_was_revoked_is_none_any_more(operated):
    code, _ = curl(operated)
    assert code == "200"
    operated.hf("revoke", "ops")
    code, text = curl(operated)
    assert code == "403" and "certificate-revoked" in text, text


@pytest.mark.parametrize("body, kind, code, word", [
    ("{}", "text/plain", "415", "application/json"),
    ("{}", "application/x-www-form-urlencoded", "415", "application/json"),
    ("[]", "application/json", "400", "no JSON object"),
    ("{", "application/json", "400", "no JSON object"),
    ('{"id": "a", "id": "b"}', "application/json", "400", "no JSON object"),
    ("", "application/json", "400", "no JSON object"),
], ids=["text", "form", "array", "half", "twice", "empty"])
def test_what_is_no_wish_is_refused(operated, body, kind, code, word):
    got, text = curl(operated, body=body, kind=kind)
    assert (got, word in text) == (code, True), text


@pytest.mark.parametrize("word, wish, code, told", [
    ("approve", {}, "400", "'id' is missing"),
    ("approve", {"id": 7}, "400", "'id' is not a string"),
    ("approve", {"id": "0123456789abcdef"}, "404", "no enrolment waits"),
    ("token", {"name": "x", "ttl": -1}, "400", "'ttl' is not a number"),
    ("token", {"name": "x", "profile": "root"}, "400", "no profile 'root'"),
    ("token", {"name": "x", "sans": "dns:*.*"}, "400", ""),
    ("revoke", {"what": "nobody"}, "404", "has issued nothing"),
    ("revoke", {"what": "amy", "reason": "superceded"}, "400", "did you mean 'superseded'"),
], ids=lambda value: value if isinstance(value, str) else json.dumps(value))
def test_wish_that_cannot_be_met_says_why(operated, word, wish, code, told):
    got, text = curl(operated, path="/admin/" + word, body=json.dumps(wish))
    assert (got, told in text) == (code, True), text


def test_unknown_wishes_and_other_methods_are_not_there(operated):
    assert curl(operated, path="/admin/everything")[0] == "404"
    assert curl(operated, path="/admin/")[0] == "404"
    assert curl(operated, "-X", "GET")[0] in ("404", "405")


def test_without_a_rule_there_are_no_operators(hf):
    hf("init", "ABC Inc.")
    hf("issue", "ops", "--client")
    authority = Authority(hf)
    with authority.start():
        assert curl(authority)[0] == "404"


def test_mistakes_on_the_command_line_are_told(operated, desk):
    assert "--at URL" in desk("pending", "--as", "ops", exit=2).stderr
    assert "--as NAME" in desk("pending", "--at", operated.url, exit=2).stderr
    missing = desk("pending", "--at", operated.url, "--as", "nobody", exit=3)
    assert "nobody" in missing.stderr


def test_who_asks_too_often_waits_and_others_do_not(hf, machine):
    hf("init", "ABC Inc.")
    for name in ("ops", "amy"):
        hf("issue", name, "--client")
    authority = Authority(hf)
    with authority.start("--admin", "any", "--max-requests-per-identity", "5"):
        codes = [curl(authority)[0] for _ in range(7)]
        assert codes[:5] == ["200"] * 5 and codes[5:] == ["429"] * 2
        assert curl(authority, who="amy")[0] == "200"
        machine()("enroll", authority.url, "--token", authority.token("bob"))
    with authority.start("--admin", "any", "--max-requests-per-address", "3"):
        codes = [curl(authority, who=who)[0] for who in ("ops", "amy", "ops", "amy")]
        assert codes == ["200", "200", "200", "429"]
    with authority.start("--admin", "any", "--max-requests-per-address", "0", "--max-requests-per-identity", "0"):
        assert {curl(authority)[0] for _ in range(20)} == {"200"}
