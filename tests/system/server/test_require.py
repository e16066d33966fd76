# SPDX-License-Identifier: Apache-2.0
"""`serve` that demands client certificates, met by every foreign client there is."""
import hashlib
import json
import re
import shutil
import socket
import ssl

import pytest
from support import look, peers, zoo
from support.process import SLOW
from support.program import sanitized

VERSIONS = ["1.2", "1.3"]
REFUSED = {"none": {"1.2": 40, "1.3": 116}, "foreign": 48, "expired": 45, "notyet": 42, "serveronly": 43,
           "revoked": 44, "nointer": 48, "badsig": 51}


@pytest.fixture(scope="module")
def shared(binary, town, session_dir):
    """One server for the tests that only look at the client's side."""
    from support.program import Handfast
    home = session_dir / "require-home"
    home.mkdir(exist_ok=True)
    hf = Handfast(binary, str(home), cwd=str(session_dir))
    with hf.serve(*town.serve_args, "--crl", town.crl, "--allow", "any", "--respond",
                  "text:Welcome to Bob's server!") as server:
        yield server


@pytest.mark.row(46, 63, 90)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("client", list(peers.CLIENTS))
def test_server_answers_the_client_whose_certificate_is_in_order(shared, town, client_of, client, version):
    answer = client_of(client).get(shared.port, town["mail"], town.ca, version)
    assert answer.accepted, answer
    assert (answer.status, answer.body) == (200, b"Welcome to Bob's server!")


@pytest.mark.row(47, 48, 49, 50)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("who", list(REFUSED))
@pytest.mark.parametrize("client", list(peers.CLIENTS))
def test_server_refuses_and_the_client_sees_the_alert(shared, town, client_of, client, who, version):
    answer = client_of(client).get(shared.port, town[who], town.ca, version)
    assert not answer.accepted, answer
    assert answer.status is None
    wanted = REFUSED[who] if isinstance(REFUSED[who], int) else REFUSED[who][version]
    assert answer.alert == wanted, answer


@pytest.mark.row(47)
def test_curl_ends_with_its_codes_for_a_refusal(shared, town, curl):
    assert curl.get(shared.port, None, town.ca, "1.3").code == 56
    assert curl.get(shared.port, None, town.ca, "1.2").code in (35, 56)


@pytest.mark.row(48)
def test_node_client_sees_unknown_ca_by_name(shared, town, client_of):
    answer = client_of("node").get(shared.port, town["foreign"], town.ca, "1.3")
    assert answer.code == "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA"
    answer = client_of("node").get(shared.port, None, town.ca, "1.3")
    assert answer.code == "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED"


@pytest.mark.row(48)
def test_refusal_may_be_a_silent_drop(hf, town, client_of):
    with hf.serve(*town.serve_args, "--allow", "any", "--refuse", "drop", "--respond", "text:x") as server:
        answer = client_of("node").get(server.port, town["foreign"], town.ca, "1.3")
        assert answer.alert is None and not answer.accepted
        assert answer.code in ("ECONNRESET", "EPIPE"), answer
        assert server.wait_record()["cause"] == "V-UNKNOWN-CA"


@pytest.mark.row(70)
@pytest.mark.parametrize("who, cause", [
    ("none", "N-NONE"), ("foreign", "V-UNKNOWN-CA"), ("expired", "V-EXPIRED"), ("serveronly", "V-EKU"),
    ("revoked", "V-REVOKED"), ("nointer", "V-NO-INTERMEDIATE"), ("badsig", "V-BAD-SIGNATURE")])
def test_refusal_record_is_one_line_with_the_fields_promised(hf, town, python, who, cause):
    with hf.serve(*town.serve_args, "--crl", town.crl, "--allow", "any", "--respond", "text:x") as server:
        answer = python.get(server.port, town[who], version="1.3", name="localhost")
        record = server.wait_record()
    assert record["cause"] == cause
    assert record["refused_by"] == "server"
    assert "127.0.0.1" in json.dumps(record["peer"])
    assert "1.3" in json.dumps(record["version"])
    assert record["sni"] == "localhost"
    assert (record["alert"]["number"], record["alert"]["direction"]) == (answer.alert, "sent")
    for name in ("time", "stage", "alpn", "errors"):
        assert name in record, record
    if town[who]:
        leaf = town.certs["mail" if who == "nointer" else who]
        assert leaf.sha256 in json.dumps(record)
        for name in ("role", "subject", "issuer", "serial", "sha256", "not_after"):
            assert record["certificate"][name], record


@pytest.mark.row(70)
def test_control_bytes_of_a_subject_cannot_forge_a_line(hf, town, python):
    certs = zoo.build({"leaf": {"subject": "/O=x\n{\"cause\": \"FORGED\"}/CN=evil\x1b[2J"},
                       "own": {"issuer": "self", "ca": True, "subject": "/O=x"}})
    cred = peers.Credential(town.write("evil.pem", certs["leaf"].pem), town.write("evil.key", certs["leaf"].key_pem))
    with hf.serve(*town.serve_args, "--allow", "any", "--respond", "text:x") as server:
        python.get(server.port, cred)
        record = server.wait_record()
        assert record["cause"] != "FORGED"
        assert not any(line.startswith('{"cause": "FORGED"') or "\x1b" in line for line in server.lines["err"])


@pytest.mark.row(51)
def test_server_and_clients_may_stand_under_distinct_cas(hf, town, python):
    argv = ["--listen", "127.0.0.1:0", "--cert", town["foreign-server"].cert, "--key", town["foreign-server"].key,
            "--ca", town.ca, "--allow", "any", "--respond", "text:x"]
    with hf.serve(*argv) as server:
        assert python.get(server.port, town["mail"], town.foreign_ca).accepted
        assert python.get(server.port, town["foreign"], town.foreign_ca).alert == 48


@pytest.mark.row(52)
def test_several_client_cas_are_trusted_and_named_in_the_request(hf, town, python, tmp_path, client_of):
    both = tmp_path / "both.pem"
    both.write_bytes(open(town.ca, "rb").read() + open(town.foreign_ca, "rb").read())
    for trust in (["--ca", both], ["--ca", town.ca, "--ca", town.foreign_ca]):
        argv = town.serve_args[:-2] + trust
        with hf.serve(*argv, "--allow", "any", "--respond", "text:x") as server:
            assert python.get(server.port, town["mail"], town.ca).accepted
            assert python.get(server.port, town["foreign"], town.ca).accepted
            text = client_of("openssl").get(server.port, town["mail"], town.ca).text
            listed = text[text.index("Acceptable client certificate CA names"):]
            assert "Zoo Root" in listed and "Other Root" in listed


def test_request_lists_its_signature_schemes_without_old_ones(shared, town, client_of):
    for version in VERSIONS:
        text = client_of("openssl").get(shared.port, town["mail"], town.ca, version).text
        listed = re.search(r"^Requested Signature Algorithms: (.*)$", text, re.M).group(1)
        assert "ECDSA+SHA256" in listed and "RSA-PSS+SHA256" in listed
        for old in ("SHA1", "SHA224", "DSA+SHA", "MD5"):
            assert not re.search(r"(^|:)%s" % old if old == "DSA+SHA" else old, listed), listed


@pytest.mark.row(53)
def test_nothing_is_trusted_when_no_client_ca_is_given(hf, town, curl):
    argv = town.serve_args[:-2]
    with hf.serve(*argv, "--client-auth", "report", "--respond", "verdict", "--allow", "any") as server:
        answer = curl.get(server.port, town["mail"], town.ca)
        assert answer.body == b'{"mTLSValid": false, "reason": "UNABLE_TO_GET_ISSUER_CERT_LOCALLY"}\n', answer


@pytest.mark.row(54)
def test_intermediate_on_the_side_of_the_server_helps_a_client_that_sends_its_leaf_only(hf, town, python, tmp_path):
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(open(town.issuing, "rb").read() + open(town.ca, "rb").read())
    with hf.serve(*town.serve_args[:-2], "--ca", bundle, "--allow", "any", "--respond", "text:x") as server:
        assert python.get(server.port, town["nointer"], town.ca).accepted
        assert python.get(server.port, town["mail"], town.ca).accepted
        assert not python.get(server.port, town["foreign"], town.ca).accepted


@pytest.mark.row(55)
def test_minimum_tls_1_3_refuses_tls_1_2_with_alert_70(hf, town, curl, python):
    with hf.serve(*town.serve_args, "--tls-min", "1.3", "--allow", "any", "--respond", "text:x") as server:
        refused = curl.get(server.port, town["mail"], town.ca, more=["--tls-max", "1.2"])
        assert (refused.code, refused.alert) == (35, 70), refused
        assert python.get(server.port, town["mail"], town.ca, "1.3").accepted
    with hf.serve(*town.serve_args, "--tls-max", "1.2", "--allow", "any", "--respond", "text:x") as server:
        assert python.get(server.port, town["mail"], town.ca, "1.2").accepted
        assert python.get(server.port, town["mail"], town.ca, "1.3").alert == 70


@pytest.mark.row(55)
def test_tls_1_1_is_not_spoken(shared, town):
    context = peers.PythonClient.context(town["mail"], None)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError) as refused:
        with socket.create_connection(("127.0.0.1", shared.port), 10 * SLOW) as raw:
            context.wrap_socket(raw)
    assert peers.alerts.from_openssl(str(refused.value)) == 70


@pytest.mark.row(5)
@pytest.mark.parametrize("kind", ["p256", "p384", "rsa2048", "rsa4096", "ed25519"])
def test_curl_with_a_key_of_each_type_that_we_issue_is_let_in(hf, home, tmp_path, curl, kind):
    hf("init", "ABC Inc.")
    hf("issue", "localhost", "--server", "--san", "ip:127.0.0.1", "--key-type", kind)
    hf("issue", "amy", "--client", "--key-type", kind)
    with hf.serve("--as", "localhost", "--listen", "127.0.0.1:0", "--allow", "cn:amy", "--respond",
                  "text:x") as server:
        cred = peers.Credential(home / "id/amy/cert.pem", home / "id/amy/key.pem")
        answer = curl.get(server.port, cred, home / "ca/root.pem")
        assert answer.status == 200, answer


@pytest.mark.row(30)
def test_peer_certificate_works_as_server_and_as_client(hf, home, curl, client_of):
    hf("init", "ABC Inc.")
    hf("issue", "localhost", "--peer", "--san", "ip:127.0.0.1")
    cred = peers.Credential(str(home / "id/localhost/cert.pem"), str(home / "id/localhost/key.pem"))
    with hf.serve("--as", "localhost", "--listen", "127.0.0.1:0", "--allow", "any", "--respond", "text:x") as server:
        for client in (curl, client_of("node")):
            assert client.get(server.port, cred, str(home / "ca/root.pem")).status == 200
        assert hf("get", "--as", "localhost", server.url).stdout == "x"


@pytest.mark.row(32)
@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]"])
def test_server_can_be_called_by_each_of_its_names(hf, home, curl, name):
    hf("init", "ABC Inc.")
    hf("issue", "localhost", "--server", "--san", "ip:127.0.0.1,ip:::1")
    hf("issue", "amy", "--client")
    listen = "[::1]:0" if name == "[::1]" else "127.0.0.1:0"
    with hf.serve("--as", "localhost", "--listen", listen, "--allow", "any", "--respond", "text:x") as server:
        cred = peers.Credential(home / "id/amy/cert.pem", home / "id/amy/key.pem")
        answer = curl.get(server.port, cred, home / "ca/root.pem", name=name,
                          more=["-4"] if name == "localhost" else [])
        assert answer.status == 200, answer


@pytest.mark.row(36)
@pytest.mark.parametrize("key_first", [True, False])
def test_server_and_clients_may_have_key_and_certificate_in_one_file(hf, town, curl, key_first):
    argv = ["--listen", "127.0.0.1:0", "--cert", town.combined("server", key_first), "--ca", town.ca,
            "--allow", "any", "--respond", "text:x"]
    with hf.serve(*argv) as server:
        assert curl.get(server.port, peers.Credential(town.combined("mail")), town.ca).status == 200
        told = hf("get", "--cert", town.combined("mail", key_first), "--ca", town.ca, server.url)
        assert told.stdout == "x"


@pytest.mark.row(35)
def test_node_server_takes_the_bundle_that_we_write(hf, home, tmp_path, curl):
    from support.peer_servers import NodeServer
    hf("init", "ABC Inc.")
    hf("issue", "localhost", "--server", "--san", "ip:127.0.0.1")
    hf("issue", "amy", "--client")
    cred = {name: peers.Credential(str(home / ("id/%s/cert.pem" % name)), str(home / ("id/%s/key.pem" % name)))
            for name in ("localhost", "amy")}
    with NodeServer(tmp_path, cred["localhost"], str(home / "ca/root.pem")) as server:
        answer = curl.get(server.port, cred["amy"], str(home / "ca/root.pem"))
        assert answer.status == 200 and json.loads(answer.body)["cn"] == "amy"


def test_a_bare_connection_and_garbage_do_not_disturb_the_server(hf, town, python):
    with hf.serve(*town.serve_args, "--allow", "any", "--respond", "text:x") as server:
        for bytes_sent in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff", b"\x00" * 4000):
            with socket.create_connection(("127.0.0.1", server.port), 10 * SLOW) as raw:
                raw.sendall(bytes_sent)
        assert python.get(server.port, town["mail"], town.ca).accepted


def test_no_output_of_the_server_holds_a_key(hf, town, python):
    with hf.serve(*town.serve_args, "--allow", "any", "--respond", "identity") as server:
        python.get(server.port, town["mail"], town.ca)
        python.get(server.port, town["foreign"], town.ca)
        server.wait_record()
        server.stop()
        assert not look.has_key_bytes(server.text().encode(), town["server"].key)


def files_of(record):
    return {entry["path"]: entry for entry in record["trust"]["files"]}


@pytest.mark.row(70)
def test_record_tells_the_files_as_loaded_and_as_they_are_on_the_disk(hf, town, python, tmp_path):
    """A list that is on the disk and not in use is the likeliest reason for a wrong refusal."""
    lists = tmp_path / "crl.pem"
    shutil.copy(town.crl, lists)
    digest = {path: hashlib.sha256(open(path, "rb").read()).hexdigest() for path in (town.ca, town.crl, town.crl_mail)}
    with hf.serve(*town.serve_args, "--crl", lists, "--reload", "signal", "--workers", "1", "--allow", "any",
                  "--respond", "text:x") as server:
        python.get(server.port, town["foreign"])
        told = files_of(server.wait_record(1))
        assert told[town.ca]["sha256"] == told[town.ca]["on_disk"] == digest[town.ca]
        assert told[str(lists)]["sha256"] == told[str(lists)]["on_disk"] == digest[town.crl]
        shutil.copy(town.crl_mail, lists)
        python.get(server.port, town["foreign"])
        told = files_of(server.wait_record(2))
        assert told[str(lists)]["sha256"] == digest[town.crl] and told[str(lists)]["changed"]
        # which one it is a locked-up worker cannot tell, since it may open no file
        assert told[str(lists)]["on_disk"] == (digest[town.crl_mail] if sanitized(hf) else None)
        assert not told[town.ca]["changed"]
        lists.unlink()
        python.get(server.port, town["foreign"])
        told = files_of(server.wait_record(3))[str(lists)]
        assert told["on_disk"] is None and not told["changed"], "gone is not another one"


@pytest.mark.row(70)
def test_worker_that_may_read_tells_the_digest_of_what_is_on_the_disk(hf, town, python, tmp_path):
    lists = tmp_path / "crl.pem"
    shutil.copy(town.crl, lists)
    with hf.serve(*town.serve_args, "--crl", lists, "--reload", "signal", "--workers", "1", "--allow", "any",
                  "--respond", "text:x", "--sandbox", "off") as server:
        shutil.copy(town.crl_mail, lists)
        python.get(server.port, town["foreign"])
        told = files_of(server.wait_record(1))[str(lists)]
        assert told["on_disk"] == hashlib.sha256(open(town.crl_mail, "rb").read()).hexdigest() and told["changed"]


@pytest.mark.row(70)
def test_record_tells_the_files_of_the_home(hf, home, python):
    hf("init", "ABC Inc.")
    hf("issue", "localhost", "--server")
    with hf.serve("--as", "localhost", "--listen", "127.0.0.1:0", "--allow", "any", "--respond", "text:x") as server:
        python.get(server.port, None)
        told = files_of(server.wait_record())
    roles = {"trust/own.pem": "ca", "id/localhost/ca.pem": "ca", "ca/crl.pem": "crl", "ca/root.crl.pem": "crl",
             "id/localhost/cert.pem": "certificate"}
    assert {path: entry["role"] for path, entry in told.items()} == {str(home / k): v for k, v in roles.items()}
    assert all(entry["sha256"] == entry["on_disk"] for entry in told.values())
    assert not any("key" in path for path in told)
