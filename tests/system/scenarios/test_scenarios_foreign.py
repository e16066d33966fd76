# SPDX-License-Identifier: Apache-2.0
"""The zoo against real Node and real OpenSSL: that the table our program is held to is the true one."""
import json

import pytest
from support.alerts import from_openssl
from support.cases import all_cases
from support.peer_servers import NodeServers, OpenSSLServer
from support.peers import Credential

PLAIN = [case for case in all_cases() if case.side == "client" and case.wire and not case.options
         and case.data.get("plain_openssl", True)]


def credential(files):
    return Credential(files.cert, files.key) if files.cert else None


@pytest.fixture(scope="module")
def node_ports(session_dir, built, town):
    entries = []
    for case in PLAIN:
        files = built(case)
        entries.append({"name": case.name, "cert": town["server"].cert, "key": town["server"].key,
                        "ca": files.trust, "crls": files.crls, "mode": "request",
                        "ciphers": "DEFAULT:@SECLEVEL=2"})
    with NodeServers(session_dir, entries) as servers:
        yield servers.ports


@pytest.mark.row(76)
@pytest.mark.parametrize("case", PLAIN, ids=[case.name for case in PLAIN])
def test_node_gives_the_reason_that_the_scenario_says(case, built, node_ports, python):
    answer = python.get(node_ports[case.name], credential(built(case)))
    wanted = case.foreign("node")
    if answer.status is None and wanted in ("CERT_SIGNATURE_FAILURE", "CRL_SIGNATURE_FAILURE"):
        return  # a stale error in its queue: Node may reset instead, as the table says
    assert answer.status == 200, answer
    told = json.loads(answer.body)
    assert (None if told["mTLSValid"] else told["reason"]) == wanted


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("case", PLAIN, ids=[case.name for case in PLAIN])
def test_openssl_sends_the_alert_that_the_scenario_says(case, version, built, town, session_dir, python):
    files = built(case)
    flags = ["-crl_check_all"] if files.crls else []
    with OpenSSLServer(session_dir, town["server"], files.trust_and_crls, version=version,
                       more=flags + ["-auth_level", "2"]) as server:
        answer = python.get(server.port, credential(files), version=version)
    wanted = case.foreign("alert")
    wanted = wanted[version] if isinstance(wanted, dict) else wanted
    assert answer.alert == wanted, "%s\n%s" % (answer, server.text())
    assert answer.accepted == (wanted is None)


def test_the_reader_of_alerts_knows_the_forms_of_each_peer():
    assert from_openssl("error:0A00045C:SSL routines::tlsv13 alert certificate required:SSL alert number 116") == 116
    assert from_openssl("TLSV1_ALERT_UNKNOWN_CA") == 48
    assert from_openssl("SSLV3_ALERT_CERTIFICATE_EXPIRED [SSL: …] sslv3 alert certificate expired") == 45
    assert from_openssl("all is well") is None
