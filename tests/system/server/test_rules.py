# SPDX-License-Identifier: Apache-2.0
"""--allow and --deny: a valid chain alone lets nobody in."""
import hashlib

import pytest
from cryptography.hazmat.primitives import serialization
from support import peers, zoo


def spki(town, name):
    public = town.certs[name].key.public_key()
    return hashlib.sha256(public.public_bytes(serialization.Encoding.DER,
                                              serialization.PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def rules_of(town):
    bob, issuer = town.certs["bob"], hashlib.sha256(town.certs["issuing"].der).hexdigest()
    serial = "%x" % bob.x509.serial_number
    # (rules, is bob let in, is mail let in)
    return [
        (["--allow", "any"], True, True),
        (["--allow", "cn:bob"], True, False),
        (["--allow", "cn:BOB"], False, False),
        (["--allow", "o:MailServer"], False, True),
        (["--allow", "dns:bob.zoo.test"], True, False),
        (["--allow", "dns:BOB.zoo.TEST"], True, False),
        (["--allow", "dns:*.zoo.test"], True, True),
        (["--allow", "dns:*.test"], False, False),
        (["--allow", "cn:bob.zoo.test"], False, False),
        (["--allow", "email:bob@zoo.test"], True, False),
        (["--allow", "uri:spiffe://zoo.test/mail/bob"], True, False),
        (["--allow", "uri:spiffe://zoo.test/mail/*"], True, False),
        (["--allow", "uri:spiffe://zoo.test/mai/*"], False, False),
        (["--allow", "dns:bob"], False, False),
        (["--allow", "ip:10.1.0.0/16"], True, False),
        (["--allow", "ip:10.1.2.3"], True, False),
        (["--allow", "ip:10.2.0.0/16"], False, False),
        (["--allow", "sha256:" + bob.sha256], True, False),
        (["--allow", "spki:" + spki(town, "bob")], True, False),
        (["--allow", "serial:%s@%s" % (serial, issuer)], True, False),
        (["--allow", "serial:%s@%s" % (serial, "0" * 64)], False, False),
        (["--allow", "cn:bob+o:Zoo"], True, False),
        (["--allow", "cn:bob+o:MailServer"], False, False),
        (["--allow", "cn:bob", "--allow", "o:MailServer"], True, True),
        (["--deny", "cn:bob", "--allow", "any"], False, True),
        (["--allow", "any", "--deny", "cn:bob"], True, True),
        (["--deny", "cn:bob"], False, True),
    ]


@pytest.mark.row(34)
@pytest.mark.parametrize("number", range(27))
def test_rule_lets_in_whom_it_names_and_nobody_else(hf, town, python, number):
    rules, bob, mail = rules_of(town)[number]
    with hf.serve(*town.serve_args, *rules, "--respond", "text:in") as server:
        for who, wanted in (("bob", bob), ("mail", mail)):
            answer = python.get(server.port, town[who])
            assert answer.accepted == wanted, (rules, who, answer)
            if not wanted:
                assert answer.alert == 49, answer
        causes = {record["cause"] for record in server.records()}
        assert causes <= {"A-NOT-ALLOWED", "A-DENIED"}


OURS, THEIRS = "1.3.6.1.4.1.99999.1", "1.3.6.1.4.1.99999.2"
POLICIES = {
    # the CA may give one policy; what the second leaf claims, the CA may not
    "issuing": {"issuer": "root", "subject": "/O=Zoo/CN=Policy CA", "ca": True, "ku": ["keyCertSign", "cRLSign"],
                "policies": [OURS]},
    "server": dict(zoo.SERVER),
    "has": {"issuer": "issuing", "subject": "/O=Zoo/CN=has", "policies": [OURS]},
    "claims": {"issuer": "issuing", "subject": "/O=Zoo/CN=claims", "policies": [THEIRS]},
    "silent": {"issuer": "issuing", "subject": "/O=Zoo/CN=silent"},
}


@pytest.fixture(scope="module")
def policy_town(tmp_path_factory):
    folder, certs = tmp_path_factory.mktemp("policies"), zoo.build(POLICIES)
    creds = {}
    for name in ("server", "has", "claims", "silent"):
        (folder / (name + ".pem")).write_bytes(certs[name].pem + certs["issuing"].pem)
        (folder / (name + ".key")).write_bytes(certs[name].key_pem)
        creds[name] = peers.Credential(str(folder / (name + ".pem")), str(folder / (name + ".key")))
    (folder / "ca.pem").write_bytes(certs["root"].pem)
    return creds, str(folder / "ca.pem")


@pytest.mark.row(34)
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_policy_counts_as_far_as_every_ca_allows_it(hf, policy_town, python, version):
    """RFC 5280 6.1.5: the valid policies of the path, not what a leaf says of itself."""
    creds, ca = policy_town
    base = ["--listen", "127.0.0.1:0", "--cert", creds["server"].cert, "--key", creds["server"].key, "--ca", ca,
            "--respond", "text:in", "--tls-min", version, "--tls-max", version]
    with hf.serve(*base, "--allow", "policy:" + OURS) as server:
        assert python.get(server.port, creds["has"]).accepted
        for who in ("claims", "silent"):
            assert python.get(server.port, creds[who]).alert == 49, who
            record = server.wait_record()
            assert record["cause"] == "A-NOT-ALLOWED", record
    with hf.serve(*base, "--allow", "policy:" + THEIRS) as server:
        for who in ("has", "claims", "silent"):
            assert python.get(server.port, creds[who]).alert == 49, who
    with hf.serve(*base, "--deny", "policy:" + THEIRS, "--allow", "any") as server:
        assert python.get(server.port, creds["has"]).accepted
        assert python.get(server.port, creds["claims"]).alert == 49
        assert server.wait_record()["cause"] == "A-DENIED"


@pytest.mark.row(34)
def test_policy_rules_are_shown_without_a_connection(hf, policy_town):
    creds, ca = policy_town
    said = hf("rules", "--ca", ca, "--allow", "policy:" + OURS, creds["has"].cert)
    assert "rule: allow policy:" + OURS in said.stdout and "policies: " + OURS in said.stdout
    said = hf("rules", "--ca", ca, "--allow", "policy:" + OURS, creds["claims"].cert, exit=1)
    assert "A-NOT-ALLOWED" in said.stdout and "policies: none" in said.stdout
    told = hf.json("verify", "--ca", ca, "--allow", "policy:" + OURS, creds["has"].cert)["results"][0]["verdict"]
    assert told["policies"] == [OURS] and told["allow_rule"] == "allow policy:" + OURS
    told = hf.json("verify", "--ca", ca, "--allow", "policy:" + OURS, creds["claims"].cert,
                   exit=1)["results"][0]["verdict"]
    assert told["policies"] == [] and told["reason"] == "A-NOT-ALLOWED"


@pytest.mark.row(34)
def test_issuer_is_the_name_of_a_trust_of_the_home(hf, home, town, python, tmp_path):
    hf("trust", "add", "partner", town.foreign_ca)
    hf("trust", "add", "zoo", town.ca)
    argv = ["--listen", "127.0.0.1:0", "--cert", town["server"].cert, "--key", town["server"].key, "--respond",
            "text:in", "--allow", "issuer:zoo+o:MailServer"]
    with hf.serve(*argv) as server:
        assert python.get(server.port, town["mail"]).accepted
        assert python.get(server.port, town["foreign"]).alert == 49
        assert python.get(server.port, town["bob"]).alert == 49
    refused = hf("serve", *argv[:-1], "issuer:zoom", exit=2)
    assert "zoo" in refused.stderr


def test_without_a_rule_the_server_refuses_to_start(hf, town):
    refused = hf("serve", *town.serve_args, "--respond", "text:x", exit=2)
    assert "--allow" in refused.stderr


@pytest.mark.parametrize("rule, near", [("cm:bob", "cn"), ("dsn:a.test", "dns"), ("sha256:xyz", "sha256"),
                                        ("ip:300.1.1.1", "ip"), ("", "rule"), ("cn:", "cn"), ("cn:a+", "+"),
                                        ("dns:a.*.test", "dns"), ("anyone", "any"),
                                        ("dns:bob@zoo.test", "dns"), ("policy:gold", "policy"), ("uri:bob.zoo.test", "uri")])
def test_wrong_rule_is_a_usage_error_that_names_the_term(hf, town, rule, near):
    refused = hf("serve", *town.serve_args, "--respond", "text:x", "--allow", rule, exit=2)
    assert near in refused.stderr


@pytest.mark.row(34)
def test_record_of_a_denied_client_names_the_rule(hf, town, python):
    with hf.serve(*town.serve_args, "--deny", "cn:bob", "--allow", "any", "--respond", "text:x") as server:
        assert python.get(server.port, town["bob"]).alert == 49
        record = server.wait_record()
        assert record["cause"] == "A-DENIED" and "cn:bob" in str(record)


def test_rules_hold_in_report_mode_too(hf, town, python):
    argv = town.serve_args + ["--client-auth", "report", "--respond", "verdict", "--allow", "cn:bob"]
    with hf.serve(*argv) as server:
        assert python.get(server.port, town["bob"]).body == b'{"mTLSValid": true}\n'
        answer = python.get(server.port, town["mail"])
        assert answer.body != b'{"mTLSValid": true}\n'
