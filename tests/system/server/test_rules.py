# SPDX-License-Identifier: Apache-2.0
"""--allow and --deny: a valid chain alone lets nobody in."""
import hashlib

import pytest
from cryptography.hazmat.primitives import serialization


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
                                        ("dns:bob@zoo.test", "dns"), ("uri:bob.zoo.test", "uri")])
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
