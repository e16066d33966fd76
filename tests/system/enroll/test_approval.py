# SPDX-License-Identifier: Apache-2.0
"""An authority whose policy wants a person to look at each enrolment."""
import subprocess
import threading

import pytest

from .conftest import Authority, token_id


@pytest.fixture
def careful(hf):
    hf("init", "ABC Inc.")
    with open(hf.home + "/ca/policy.yaml", "w") as out:
        out.write("profiles:\n  client: { approval: yes }\n")
    authority = Authority(hf)
    with authority.start():
        yield authority


def test_enrolment_waits_for_the_operator_and_the_same_command_ends_it(careful, machine):
    token = careful.token("amy", "--san", "uri:spiffe://abc/amy")
    node = machine()
    waits = node("enroll", careful.url, "--token", token, exit=1)
    assert "waits for an operator" in waits.stderr and "handfast approve " + token_id(token) in waits.stderr
    row = careful.hf.json("pending")["pending"][0]
    assert (row["id"], row["name"], row["address"]) == (token_id(token), "amy", "127.0.0.1")
    assert row["spki_sha256"] in waits.stderr
    shown = careful.hf("pending").stdout
    assert "amy" in shown and "uri:spiffe://abc/amy" in shown
    careful.hf("approve", token_id(token))
    node("enroll", careful.url, "--token", token)
    assert careful.issued("amy")[0]["state"] == "valid"
    assert careful.hf.json("pending")["pending"] == []
    assert {"ask", "approve", "redeem"} <= {row["action"] for row in careful.hf.json("audit")["rows"]}
    careful.hf("audit", "verify")


def test_machine_that_stays_gets_its_certificate_when_it_is_approved(careful, machine):
    token = careful.token("amy")
    node = machine()
    done = []
    thread = threading.Thread(target=lambda: done.append(node.run("enroll", careful.url, "--token", token, "--wait",
                                                                  "2m")))
    thread.start()
    careful.server.wait_until(lambda: careful.hf.json("pending")["pending"], "the enrolment to wait")
    careful.hf("approve", token_id(token))
    thread.join(60)
    assert done and done[0].code == 0, done
    assert careful.issued("amy")[0]["state"] == "valid"


def test_denied_machine_is_told_so_and_decisions_are_final(careful, machine):
    token = careful.token("amy")
    node = machine()
    node("enroll", careful.url, "--token", token, exit=1)
    assert careful.hf.json("deny", token_id(token))["changed"] is True
    refused = node("enroll", careful.url, "--token", token, exit=1)
    assert "denied" in refused.stderr
    careful.hf("approve", token_id(token), exit=1)
    assert careful.issued("amy") == []
    missing = careful.hf("approve", "0123456789abcdef", exit=3)
    assert "handfast pending" in missing.stderr
    careful.hf("approve", exit=2)


def test_est_client_is_told_to_come_again(careful, tmp_path):
    token = careful.token("amy")
    subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", tmp_path / "key.pem", "-subj", "/CN=amy", "-outform", "DER", "-out",
                    tmp_path / "csr.der"], check=True, capture_output=True)

    def ask():
        return subprocess.run(["curl", "-s", "-i", "--cacert", careful.root, "-H",
                               "Content-Type: application/pkcs10", "-u", "any:" + token, "--data-binary",
                               "@%s" % (tmp_path / "csr.der"), careful.url + "/.well-known/est/simpleenroll"],
                              capture_output=True, check=True, text=True).stdout
    first = ask()
    assert first.startswith("HTTP/1.1 202") and "Retry-After: " in first
    careful.hf("approve", token_id(token))
    assert ask().startswith("HTTP/1.1 200")


def test_profiles_without_approval_are_as_before(careful, machine):
    token = careful.token("localhost", "--profile", "server")
    machine()("enroll", careful.url, "--token", token)
    assert careful.issued("localhost")[0]["state"] == "valid"
