# SPDX-License-Identifier: Apache-2.0
"""Every scenario against the program: `verify`, `serve` in require and in report mode, and `get`."""
import json

import pytest
from support import look
from support.cases import all_cases
from support.peer_servers import OpenSSLServer
from support.peers import Credential

ALL = all_cases()
CLIENT = [case for case in ALL if case.side == "client" and case.wire]
REPORT = [case for case in CLIENT if "node" in case.expect]
SERVER = [case for case in ALL if case.side == "server" and case.wire]
FILES = [case for case in ALL if case.data.get("presents") != [] and case.name != "client-chain-size"]


def names(cases):
    return [case.name for case in cases]


def credential(files):
    return Credential(files.cert, files.key) if files.cert else None


def check_reasons(case, ids, text):
    for wanted in case.expect.get("reasons", ()):
        assert wanted in ids, "%s is not among %s\n%s" % (wanted, ids, text)
    some = case.expect.get("one_of")
    if some:
        assert set(some) & set(ids), "none of %s is among %s\n%s" % (some, ids, text)


def words(text):
    return [word.strip('"\':[]{}(),.;') for word in text.split()]


def check_cause(case, record):
    """The record names a reason of the scenario as its cause, and the others somewhere."""
    some = list(case.expect.get("reasons", [])) + list(case.expect.get("one_of", []))
    assert record["cause"] in some, record
    check_reasons(case, words(json.dumps(record)), record)


@pytest.mark.row(42, 43, 76)
@pytest.mark.parametrize("case", FILES, ids=names(FILES))
def test_verify_names_the_reasons(case, built, hf):
    files = built(case)
    argv = ["verify", files.cert, "--ca", files.trust, "--purpose", case.side] + files.crl_args + case.options
    if "name" in case.data:
        argv += ["--name", case.data["name"]]
    if "rules" in case.data:
        argv += case.rules
    told = hf.run("--json", *argv)
    assert told.code == (0 if case.accepted else 1), told
    verdict = look.find_verdict(told.json())
    assert verdict["accepted"] == case.accepted
    ids = [one["id"] for one in verdict["findings"]]
    check_reasons(case, ids, told)
    if case.accepted:
        refusing = [one["id"] for one in verdict["findings"] if str(one["severity"]).lower().startswith("ref")]
        assert not refusing, told
    else:
        root = verdict["findings"][0]
        assert root["id"] in case.expect.get("reasons", ()) or root["id"] in case.expect.get("one_of", ())
        assert not root["consequence"]
        for word in ("sentence", "rule", "remedy"):
            assert root[word]
        if case.node:
            assert verdict["node_reason"] == case.node, told


@pytest.mark.row(42)
@pytest.mark.parametrize("case", FILES, ids=names(FILES))
def test_verify_says_ok_or_each_finding_in_words(case, built, hf):
    files = built(case)
    argv = ["verify", files.cert, "--ca", files.trust, "--purpose", case.side] + files.crl_args + case.options
    argv += ["--name", case.data["name"]] if "name" in case.data else []
    argv += case.rules if "rules" in case.data else []
    told = hf(*argv, exit=0 if case.accepted else 1)
    ok = "%s: OK" % files.cert
    if case.accepted:
        assert ok in told.stdout.splitlines()
    else:
        assert ok not in told.stdout
        check_reasons(case, words(told.everything), told)


@pytest.mark.row(47, 48, 49, 50, 70)
@pytest.mark.parametrize("case", CLIENT, ids=names(CLIENT))
def test_server_refuses_with_the_right_alert_and_record(case, built, hf, town, python):
    files = built(case)
    with hf.serve("--listen", "127.0.0.1:0", "--cert", town["server"].cert, "--key", town["server"].key,
                  "--ca", files.trust, "--client-auth", "require", "--respond", "text:in", *files.crl_args,
                  *case.options, *case.rules) as server:
        for turn, version in enumerate(("1.2", "1.3"), 1):
            answer = python.get(server.port, credential(files), version=version)
            if case.accepted:
                assert (answer.status, answer.body) == (200, b"in"), "TLS %s: %s" % (version, answer)
                continue
            assert not answer.accepted
            wanted = case.alert(version)
            if answer.alert is None and case.name == "client-chain-size":
                assert answer.status is None  # more is written than is read: a reset may win
            else:
                assert answer.alert in (wanted if isinstance(wanted, list) else [wanted]), "TLS %s: %s" % (version, answer)
            record = server.wait_record(turn)
            check_cause(case, record)
            if files.chain and case.name != "client-chain-size":
                assert files.chain[0].sha256 in json.dumps(record).lower().replace(":", "")
        if case.accepted:
            assert not server.records()


@pytest.mark.row(71, 72, 73, 74, 75, 76)
@pytest.mark.parametrize("case", REPORT, ids=names(REPORT))
def test_report_mode_answers_with_exactly_the_golden_bytes(case, built, hf, town, python):
    files = built(case)
    wanted = (b'{"mTLSValid": true}\n' if case.node is None and case.accepted else
              b'{"mTLSValid": false, "reason": "%s"}\n' % str(case.node).encode())
    if case.node is None and not case.accepted:
        pytest.skip("Node has no word for it")
    with hf.serve("--listen", "127.0.0.1:0", "--cert", town["server"].cert, "--key", town["server"].key,
                  "--ca", files.trust, "--client-auth", "report", "--respond", "verdict", *files.crl_args,
                  *case.options, "--allow", "any") as server:
        for version in ("1.2", "1.3"):
            answer = python.get(server.port, credential(files), version=version)
            assert answer.status == 200, "TLS %s: %s" % (version, answer)
            assert answer.body == wanted
            assert answer.headers["content-type"] == "application/json; charset=utf-8"


@pytest.mark.row(81, 85, 89)
@pytest.mark.parametrize("case", SERVER, ids=names(SERVER))
def test_get_judges_the_server_and_names_the_reason(case, built, hf, session_dir):
    files = built(case)
    with OpenSSLServer(session_dir, Credential(files.cert, files.key), mode="none") as server:
        told = hf.run("get", "--ca", files.trust, *files.crl_args, *case.options,
                      "--connect", "127.0.0.1:%d" % server.port, "https://%s:%d/" % (case.data["name"], server.port))
    assert told.code == (0 if case.accepted else 1), told
    if not case.accepted:
        check_reasons(case, words(told.stderr), told)
        assert told.out == b""
