# SPDX-License-Identifier: Apache-2.0
"""`serve --client-auth optional`: who sends no certificate is nobody; who sends one is judged as under `require`."""
import json
import socket
import ssl

import pytest
from support.peers import PythonClient, parse_head
from support.process import SLOW

OPTIONAL = ["--client-auth", "optional", "--allow", "any"]
VERSIONS = ["1.2", "1.3"]
REFUSED = {"foreign": 48, "expired": 45, "notyet": 42, "serveronly": 43, "revoked": 44, "nointer": 48, "badsig": 51}


@pytest.fixture(scope="module")
def shared(binary, town, session_dir):
    """One server for the tests that only look at the client's side."""
    from support.program import Handfast
    home = session_dir / "optional-home"
    home.mkdir(exist_ok=True)
    hf = Handfast(binary, str(home), cwd=str(session_dir))
    with hf.serve(*town.serve_args, "--crl", town.crl, *OPTIONAL, "--respond", "text:come in") as server:
        yield server


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("client", ["curl", "python", "openssl"])
def test_nobody_and_a_good_certificate_are_let_in(shared, town, client_of, client, version):
    for who in ("none", "mail"):
        answer = client_of(client).get(shared.port, town[who], town.ca, version)
        assert answer.accepted and (answer.status, answer.body) == (200, b"come in"), answer


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("who", list(REFUSED))
@pytest.mark.parametrize("client", ["curl", "python", "openssl"])
def test_a_bad_certificate_gets_the_alert_of_require(shared, town, client_of, client, who, version):
    answer = client_of(client).get(shared.port, town[who], town.ca, version)
    assert not answer.accepted and answer.status is None, answer
    assert answer.alert == REFUSED[who], answer


@pytest.mark.parametrize("version", VERSIONS)
def test_a_rule_says_who_may_come_with_a_certificate(hf, town, python, version):
    with hf.serve(*town.serve_args, "--client-auth", "optional", "--allow", "cn:bob", "--respond", "identity") as server:
        assert json.loads(python.get(server.port, town["bob"], version=version).body)["name"]
        assert python.get(server.port, town["mail"], version=version).alert == 49
        nobody = json.loads(python.get(server.port, None, version=version).body)
        assert nobody["name"] is None and nobody["reason"] == "UNABLE_TO_GET_ISSUER_CERT"


@pytest.mark.parametrize("who, cause", [("foreign", "V-UNKNOWN-CA"), ("expired", "V-EXPIRED"), ("serveronly", "V-EKU"),
                                        ("revoked", "V-REVOKED")])
def test_the_record_is_that_of_require(hf, town, python, who, cause):
    """Whom nobody refused has no record; the first is that of the bad certificate."""
    seen = {}
    for mode in ("require", "optional"):
        with hf.serve(*town.serve_args, "--crl", town.crl, "--client-auth", mode, "--allow", "any", "--respond",
                      "text:x") as server:
            if mode == "optional":
                assert python.get(server.port, None).status == 200
            python.get(server.port, town[who])
            record = server.wait_record()
            seen[mode] = {name: record[name] for name in ("cause", "stage", "refused_by", "alert", "certificate", "version")}
            seen[mode]["errors"] = [(error["id"], error["depth"]) for error in record["errors"]]
    assert seen["optional"]["cause"] == cause
    assert seen["optional"] == seen["require"]


def test_the_verdict_says_that_there_was_no_certificate(hf, town, python):
    with hf.serve(*town.serve_args, *OPTIONAL, "--respond", "verdict", "--detail") as server:
        nobody = json.loads(python.get(server.port, None).body)
        assert nobody["mTLSValid"] is False and nobody["verdict"]["reason"] == "N-NONE"
        assert json.loads(python.get(server.port, town["mail"]).body)["mTLSValid"] is True


def test_refused_without_a_word_and_nobody_let_in(hf, town, python):
    with hf.serve(*town.serve_args, *OPTIONAL, "--refuse", "drop", "--respond", "text:x") as server:
        assert python.get(server.port, None).status == 200
        answer = python.get(server.port, town["foreign"])
        assert not answer.accepted and answer.alert is None, answer
        assert server.wait_record()["cause"] == "V-UNKNOWN-CA"


def test_access_log_has_no_identity_of_nobody(hf, town, python, tmp_path):
    log = tmp_path / "access.log"
    with hf.serve(*town.serve_args, *OPTIONAL, "--respond", "text:x", "--access-log", log) as server:
        python.get(server.port, None, path="/nobody")
        python.get(server.port, town["mail"], path="/mail")
        server.stop()
    rows = {row["target"]: row for row in map(json.loads, log.read_text().splitlines())}
    assert (rows["/nobody"]["identity"], rows["/nobody"]["valid"], rows["/nobody"]["status"]) == (None, False, 200)
    assert "mail" in rows["/mail"]["identity"] and rows["/mail"]["valid"] is True


def ask_on(tls):
    tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return parse_head(tls.recv(65536))[0]


def test_limits_of_an_identity_are_not_nobodys(hf, town):
    def connect(cred):
        raw = socket.create_connection(("127.0.0.1", server.port), 30 * SLOW)
        return PythonClient.context(cred).wrap_socket(raw, server_hostname="localhost")
    with hf.serve(*town.serve_args, *OPTIONAL, "--max-connections-per-identity", "1", "--workers", "1", "--respond",
                  "text:x") as server:
        with connect(None) as one, connect(None) as two, connect(None) as three:
            assert [ask_on(tls) for tls in (one, two, three)] == [200, 200, 200]
            with connect(town["mail"]) as first:
                assert ask_on(first) == 200
                with connect(town["mail"]) as second:
                    assert ask_on(second) == 429


def test_limits_of_an_address_are_nobodys_too(hf, town, python):
    with hf.serve(*town.serve_args, *OPTIONAL, "--max-failures-per-address", "2", "--workers", "1", "--respond",
                  "text:x") as server:
        for _ in range(8):
            assert python.get(server.port, None).status == 200, "nobody does not fail"
        server.wait_until(lambda: python.get(server.port, town["foreign"]) and not python.get(server.port, None).accepted,
                          "the door closed to whoever comes from where handshakes fail")


@pytest.mark.parametrize("version", VERSIONS)
def test_no_session_crosses_between_nobody_and_somebody(hf, town, version):
    def meet(who, session=None):
        raw = socket.create_connection(("127.0.0.1", server.port), 30 * SLOW)
        with contexts[who].wrap_socket(raw, server_hostname="localhost", session=session) as tls:
            tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            body = json.loads(parse_head(PythonClient.read_all(tls))[2])
            return body["name"], tls.session_reused, tls.session
    argv = town.serve_args + OPTIONAL + ["--resume", "on", "--respond", "identity", "--workers", "1"]
    with hf.serve(*argv) as server:
        # Python offers a session only from the context that it was made in: the certificate comes and goes there.
        contexts = {"none": PythonClient.context(None, None, version), "mail": PythonClient.context(town["mail"], None, version)}
        name, reused, session = meet("none")
        assert name is None and not reused
        assert meet("none", session)[:2] == (None, False), "nobody is not remembered"
        contexts["none"].load_cert_chain(town["mail"].cert, town["mail"].key)
        name, reused, _ = meet("none", session)
        assert name and not reused, "a session of nobody is not one of somebody"
        somebody, _, session = meet("mail")
        name, reused, _ = meet("mail", session)
        assert (name, reused) == (somebody, True)


def test_strangers_are_told_of_at_the_start_and_by_check(hf, town):
    argv = town.serve_args + ["--respond", "text:x"]
    told = hf("serve", "--check", *argv, *OPTIONAL)
    assert "without a certificate are let in" in told.stdout and "no mistakes found" in told.stdout
    assert "without a certificate" not in hf("serve", "--check", *argv, "--allow", "any").everything
    with hf.serve(*argv, *OPTIONAL) as server:
        server.wait_line("err", lambda line: "warning" in line and "without a certificate are let in" in line, "the warning")


@pytest.mark.parametrize("rules", [[], ["--allow", "cn:bob"]])
def test_none_is_told_at_the_start_and_by_check(hf, town, rules):
    argv = [*town.serve_args, "--client-auth", "none", *rules, "--respond", "text:x"]
    text = "everybody is let in as nobody (client-auth none)"
    told = hf("serve", "--check", *argv)
    assert text in told.stdout and "no mistakes found" in told.stdout
    assert ("its rules are never asked" in told.stdout) == bool(rules)
    with hf.serve(*argv) as server:
        server.wait_line("err", lambda line: "warning" in line and text in line, "the warning")


def test_a_policy_with_none_is_told_by_its_name(hf, town, tmp_path):
    config = tmp_path / "handfast.yaml"
    config.write_text("cert: %s\nkey: %s\nca: %s\nallow: any\nrespond: 'text:x'\n"
                      "policies: [{name: public, sni: p.test, client-auth: none}]\n" % (
                          town["server"].cert, town["server"].key, town.ca))
    told = hf.run("serve", "--check", "--config", config)
    assert "policy 'public': no client is asked for a certificate" in told.stdout


def test_a_rule_and_a_ca_are_needed_as_ever(hf, town):
    told = hf("serve", *town.serve_args, "--client-auth", "optional", "--respond", "text:x", exit=2)
    assert "--client-auth optional needs a rule" in told.stderr
    told = hf.run("serve", *town.serve_args[:-2], *OPTIONAL, "--respond", "text:x")
    assert told.code != 0 and "F-CA-EMPTY" in told.stderr and "not started" in told.stderr


@pytest.mark.parametrize("version", VERSIONS)
def test_revocation_ends_somebody_and_not_nobody(hf, town, tmp_path, version):
    lists = tmp_path / "crl.pem"
    lists.write_bytes(open(town.crl_clean, "rb").read())

    def connect(cred):
        raw = socket.create_connection(("127.0.0.1", server.port), 30 * SLOW)
        return PythonClient.context(cred, None, version).wrap_socket(raw, server_hostname="localhost")
    with hf.serve(*town.serve_args, "--crl", lists, "--reload", "signal", *OPTIONAL, "--respond", "text:x") as server:
        with connect(None) as nobody, connect(town["mail"]) as mail, connect(town["bob"]) as bob:
            assert [ask_on(tls) for tls in (nobody, mail, bob)] == [200, 200, 200]
            lists.write_bytes(open(town.crl_mail, "rb").read())
            server.reload()
            try:
                assert mail.recv(100) == b""
            except (ssl.SSLError, ConnectionError):
                pass
            assert server.wait_record()["cause"] == "V-REVOKED"
            assert [ask_on(tls) for tls in (nobody, bob)] == [200, 200]
