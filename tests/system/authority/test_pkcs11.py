# SPDX-License-Identifier: Apache-2.0
"""The issuing key in a token: SoftHSM2 stands for the HSM."""
import os

import pytest
from support import look
from support.terminal import Terminal
from support.token import KINDS, PIN, Token, needs_token

pytestmark = needs_token


@pytest.fixture
def token(request, hf, tmp_path):
    return Token(tmp_path, hf, getattr(request, "param", "p256"))


@pytest.fixture
def abc(hf, token):
    hf("init", "ABC Inc.", "--issuing-key", "pkcs11:token=CA;object=issuing", "--pin-file", token.pin)
    return hf


@pytest.mark.parametrize("token", list(KINDS), indirect=True)
def test_a_token_issues_and_publishes_a_list(abc, token, home):
    told = (home / "ca/issuing.key").read_text()
    assert told == "pkcs11:token=CA;object=issuing\n" and look.mode(home / "ca/issuing.key") == 0o600
    abc("issue", "localhost", "--server", "--passphrase-file", token.pin)
    abc("issue", "mail", "--client", "--passphrase-file", token.pin)
    abc("revoke", "mail", "--passphrase-file", token.pin)
    abc("crl", "--passphrase-file", token.pin)
    files = ["-CAfile", home / "ca/root.pem", "-untrusted", home / "ca/issuing.pem", "-CRLfile", home / "ca/crl.pem",
             "-CRLfile", home / "ca/root.crl.pem", "-crl_check_all", "-x509_strict"]
    look.openssl("verify", *files, home / "id/localhost/cert.pem")
    assert "certificate revoked" in look.openssl("verify", *files, home / "id/mail/cert.pem", exit=2)
    look.openssl("crl", "-in", home / "ca/crl.pem", "-noout", "-verify", "-CAfile", home / "ca/issuing.pem")


def test_many_are_signed_at_once_through_one_session(abc, token, home, tmp_path):
    other = abc.at(tmp_path / "other")
    requests = []
    for name in ("a", "b", "c", "d", "e", "f"):
        other("request", name)
        requests.append(tmp_path / ("other/id/%s/request.pem" % name))
        requests[-1] = requests[-1].rename(tmp_path / (name + ".csr"))
    (tmp_path / "out").mkdir()
    abc("sign", *requests, "--profile", "client", "--jobs", "4", "--out", tmp_path / "out", "--passphrase-file",
        token.pin)
    for request in requests:
        look.openssl("verify", "-x509_strict", "-CAfile", home / "ca/root.pem", "-untrusted", home / "ca/issuing.pem",
                     tmp_path / "out" / (request.stem + ".pem"))


def test_the_private_key_is_nowhere_in_the_home(abc, home):
    for path, octets in look.tree(home).items():
        assert path == "ca/root.key" or b"PRIVATE KEY" not in octets, path


def test_the_pin_comes_from_a_file_the_environment_the_uri_or_a_prompt(hf, token, home):
    hf("init", "One", "--issuing-key", "pkcs11:token=CA;object=issuing?pin-source=file:%s" % token.pin)
    hf("issue", "a", "--client")
    (home / "ca/issuing.key").write_text("pkcs11:token=CA;object=issuing\n")
    hf("issue", "b", "--client", env={"HANDFAST_PASSPHRASE": PIN})
    with Terminal(hf, "issue", "c", "--client") as seat:
        seat.answer("PIN", PIN)
        assert PIN not in seat.end()
    refused = hf("issue", "d", "--client", exit=3)
    assert "PIN" in refused.stderr and "--passphrase-file" in refused.stderr


def test_a_wrong_pin_is_said_and_nothing_is_issued(abc, token, home):
    token.pin.write_text("000000\n")
    refused = abc("issue", "mail", "--client", "--passphrase-file", token.pin, exit=3)
    assert "PIN is wrong" in refused.stderr and "000000" not in refused.everything
    assert not (home / "id/mail").exists()
    assert all(row["name"] != "mail" for row in abc.json("list")["certificates"])


def test_a_pin_in_the_uri_is_refused_and_not_repeated(hf, token):
    refused = hf("init", "One", "--issuing-key", "pkcs11:token=CA;object=issuing?pin-value=" + PIN, exit=1)
    assert "pin-value" in refused.stderr and PIN not in refused.everything


def test_a_token_below_an_offline_root(hf, token, home, tmp_path):
    root = hf.at(tmp_path / "root")
    root("init", "ABC", "--root-only")
    hf("init", "ABC", "--offline-root", "--issuing-key", "pkcs11:token=CA;object=issuing", "--pin-file", token.pin)
    root("root", "sign", home / "ca.request/request.pem", "--yes", "--out", tmp_path / "answer.pem")
    hf("root", "accept", tmp_path / "answer.pem", "--yes", "--passphrase-file", token.pin)
    assert (home / "ca/issuing.key").read_text().startswith("pkcs11:")
    hf("issue", "localhost", "--server", "--passphrase-file", token.pin)
    look.openssl("verify", "-x509_strict", "-CAfile", home / "ca/root.pem", "-untrusted", home / "ca/issuing.pem",
                 home / "id/localhost/cert.pem")
    hf("root", "request", "--passphrase-file", token.pin)
    root("root", "sign", home / "ca.request/request.pem", "--yes", "--out", tmp_path / "again.pem", "--days", "2000")
    hf("root", "accept", tmp_path / "again.pem", "--passphrase-file", token.pin)


@pytest.mark.parametrize("uri, words", [
    ("pkcs11:token=Other;object=issuing", "no token 'Other'"),
    ("pkcs11:token=CA;object=nobody", "no private key 'nobody'"),
    ("pkcs11:token=%zz", "malformed"),
    ("pkcs11:token", "'='"),
    ("pkcs11:token=CA?module-path=/nonexistent.so", "module"),
])
def test_what_is_not_there_is_named(hf, token, uri, words):
    refused = hf.run("init", "One", "--issuing-key", uri, "--pin-file", token.pin)
    assert refused.code == 3 and words in refused.stderr, str(refused)
    assert not os.path.exists(os.path.join(hf.home, "ca"))


def test_another_key_of_the_token_is_not_taken_for_this_one(abc, token, home):
    token.make("other", "p256")
    (home / "ca/issuing.key").write_text("pkcs11:token=CA;object=other\n")
    refused = abc("issue", "mail", "--client", "--passphrase-file", token.pin, exit=3)
    assert "not the key of" in refused.stderr
    (home / "ca/issuing.key").write_text("pkcs11:token=CA\n")
    assert "more than one" in abc("issue", "mail", "--client", "--passphrase-file", token.pin, exit=3).stderr


def test_usage(hf, token):
    hf("init", "A", "--issuing-key", "/etc/passwd", exit=2)
    hf("init", "A", "--issuing-key", "pkcs11:token=CA", "--single", exit=2)
    hf("init", "A", "--issuing-key", "pkcs11:token=CA", "--root-only", exit=2)
