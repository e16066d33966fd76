# SPDX-License-Identifier: Apache-2.0
"""Report mode: the handshake always finishes, and the answer is right for this very connection."""
import json
import re
import socket
import ssl

import pytest
from support import look
from support.peers import PythonClient, parse_head
from support.process import SLOW

VALID = b'{"mTLSValid": true}\n'


def invalid(reason):
    return b'{"mTLSValid": false, "reason": "%s"}\n' % reason.encode()


NONE = invalid("UNABLE_TO_GET_ISSUER_CERT")


@pytest.fixture
def report(hf, town):
    with hf.serve(*town.serve_args, "--client-auth", "report", "--respond", "verdict", "--allow", "any") as server:
        yield server


@pytest.mark.row(71, 72, 74, 77)
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_curl_gets_exactly_the_bytes(report, town, curl, version):
    for who, wanted in (("mail", VALID), ("none", NONE), ("foreign", invalid("SELF_SIGNED_CERT_IN_CHAIN")),
                        ("nointer", invalid("UNABLE_TO_VERIFY_LEAF_SIGNATURE")),
                        ("expired", invalid("CERT_HAS_EXPIRED"))):
        answer = curl.get(report.port, town[who], town.ca, version)
        assert (answer.status, answer.body) == (200, wanted), answer
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        assert int(answer.headers["content-length"]) == len(wanted)


@pytest.mark.row(77)
def test_any_path_answers_get_and_other_methods_are_not_found(report, town, python):
    for path in ("/", "/a/b?c=d", "/mtls"):
        assert python.get(report.port, town["mail"], path=path).body == VALID
    for method in ("POST", "PUT", "DELETE"):
        assert python.get(report.port, town["mail"], method=method, data=b"x").status == 404
    head = python.get(report.port, town["mail"], method="HEAD")
    assert head.body == b"" and head.status in (200, 404)


@pytest.mark.row(73)
def test_each_kept_connection_has_the_verdict_of_its_own_client(report, town, client_of):
    """A, B, C by turns on three kept connections of one Node process."""
    url = "https://127.0.0.1:%d/" % report.port
    who = {"A": "mail", "B": "none", "C": "expired"}
    wanted = {"A": VALID, "B": NONE, "C": invalid("CERT_HAS_EXPIRED")}
    entries = []
    for turn in "ABCBACCAB":
        entry = {"url": url, "servername": "localhost", "ca": town.ca, "agent": turn}
        if town[who[turn]]:
            entry.update(cert=town[who[turn]].cert, key=town[who[turn]].key)
        entries.append((turn, entry))
    told = client_of("node").ask([entry for _, entry in entries])
    for (turn, _), answer in zip(entries, told):
        assert answer["body"].encode() == wanted[turn], (turn, answer)
    assert any(answer["reusedSocket"] for answer in told)


@pytest.mark.row(69, 78)
@pytest.mark.parametrize("resume", ["off", "on"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_second_connection_without_certificate_stays_false(hf, town, resume, version):
    argv = town.serve_args + ["--client-auth", "report", "--respond", "verdict", "--allow", "any", "--resume", resume]
    with hf.serve(*argv) as server:
        for cred, wanted in ((None, NONE), (town["mail"], VALID), (town["expired"], invalid("CERT_HAS_EXPIRED"))):
            context, session = PythonClient.context(cred, None, version), None
            for _ in range(3):
                body, session, _ = ask_with_session(context, server.port, session)
                assert body == wanted


def ask_with_session(context, port, session):
    with socket.create_connection(("127.0.0.1", port), 10 * SLOW) as raw:
        with context.wrap_socket(raw, server_hostname="localhost", session=session) as tls:
            tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            got = PythonClient.read_all(tls)
            return parse_head(got)[2], tls.session, tls.session_reused


@pytest.mark.row(69, 78)
def test_curl_with_two_urls_and_connection_close_gets_two_equal_verdicts(report, town, curl):
    for who, wanted in (("mail", VALID), ("none", NONE)):
        answer = curl.get(report.port, town[who], town.ca, headers=["Connection: close"],
                          more=["https://localhost:%d/again" % report.port])
        assert answer.code == 0, answer
        text = answer.text
        assert len(re.findall(r"Connected to localhost", text)) == 2
        assert answer.body == wanted


@pytest.mark.row(79)
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_bad_signature_is_answered_twenty_times_of_twenty(report, town, curl, version):
    wanted = invalid("CERT_SIGNATURE_FAILURE")
    for _ in range(20):
        assert curl.get(report.port, town["badsig"], town.ca, version).body == wanted


@pytest.mark.row(76)
def test_detail_adds_errors_with_depth_identity_and_explanation(hf, town, python):
    argv = town.serve_args + ["--client-auth", "report", "--respond", "verdict", "--detail", "--allow", "any"]
    with hf.serve(*argv) as server:
        good = json.loads(python.get(server.port, town["mail"]).body)
        assert good["mTLSValid"] is True
        assert "mail-server" in json.dumps(good["identity"])
        bad = json.loads(python.get(server.port, town["expired"]).body)
        assert bad["reason"] == "CERT_HAS_EXPIRED"
        assert bad["errors"] and "depth" in bad["errors"][0]
        assert bad["explanation"]


@pytest.mark.row(71)
def test_report_mode_writes_no_refusal_but_serves(report, town, python):
    assert python.get(report.port, None).body == NONE
    assert python.get(report.port, town["mail"]).body == VALID


@pytest.mark.row(80)
def test_one_way_server_asks_for_no_certificate(hf, town, client_of, python):
    argv = town.serve_args[:-2] + ["--client-auth", "none", "--respond", 'text:{"success": true}\n',
                                   "--content-type", "application/json; charset=utf-8"]
    with hf.serve(*argv) as server:
        text = client_of("openssl").get(server.port, None, town.ca).text
        assert "No client certificate CA names sent" in text
        answer = python.get(server.port, None, town.ca)
        assert answer.body == b'{"success": true}\n'
        assert answer.headers["content-type"] == "application/json; charset=utf-8"


# What the client trusts: how curl ends when the server sends its leaf alone, and when it sends the chain.  (curl
# lets any trusted certificate end a path, an intermediate too.)
LADDER = {
    "nothing of ours": (60, 60), "root": (60, 0), "intermediate": (0, 0), "bundle": (0, 0)}


@pytest.mark.row(80)
@pytest.mark.parametrize("trust", list(LADDER))
def test_each_rung_of_the_ladder_of_misconfigurations_ends_as_curl_says(hf, town, tmp_path, curl, trust):
    parts = {"nothing of ours": [town.foreign_ca], "root": [town.ca], "intermediate": [town.issuing],
             "bundle": [town.issuing, town.ca]}[trust]
    (tmp_path / "ca.pem").write_bytes(b"".join(open(part, "rb").read() for part in parts))
    for cert, wanted in zip((town["server-nointer"].cert, town["server"].cert), LADDER[trust]):
        with hf.serve("--listen", "127.0.0.1:0", "--cert", cert, "--key", town["server"].key, "--client-auth", "none",
                      "--respond", 'text:{"success": true}\n') as server:
            answer = curl.get(server.port, None, str(tmp_path / "ca.pem"))
            assert answer.code == wanted, answer


@pytest.mark.row(80)
@pytest.mark.parametrize("names", ["server", "server issuing", "server issuing root"])
def test_server_sends_exactly_the_certificates_of_its_file(hf, town, tmp_path, names):
    """The ladder of misconfigurations: what is in the file is what the client gets, never more."""
    parts = names.split()
    path = tmp_path / "chain.pem"
    path.write_bytes(b"".join(town.certs[name].pem for name in parts))
    argv = ["--listen", "127.0.0.1:0", "--cert", path, "--key", town["server"].key, "--client-auth", "none",
            "--ca", town.ca, "--respond", "text:x"]
    with hf.serve(*argv) as server:
        text = look.openssl("s_client", "-connect", "127.0.0.1:%d" % server.port, "-showcerts", exit=None)
        assert text.count("BEGIN CERTIFICATE") == len(parts)
        context = PythonClient.context(None, town.ca)
        with socket.create_connection(("127.0.0.1", server.port), 10 * SLOW) as raw:
            if len(parts) > 1:
                context.wrap_socket(raw, server_hostname="localhost").close()
            else:
                with pytest.raises(ssl.SSLCertVerificationError):
                    context.wrap_socket(raw, server_hostname="localhost")
