# SPDX-License-Identifier: Apache-2.0
"""show, export, trust: what a file is in words, and the formats that others read."""
import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from support import look, zoo
from support.peer_servers import OpenSSLServer


@pytest.fixture
def abc(hf):
    hf("init", "ABC Inc.")
    hf("issue", "mail", "--client", "--subject", "/O=MailServer/CN=mail")
    return hf


@pytest.mark.row(41)
def test_show_tells_the_facts_that_openssl_tells(abc, home):
    path = home / "id/mail/cert.pem"
    leaf = look.cert(path)
    text = abc("show", path).stdout
    assert "mail" in text and "MailServer" in text
    assert look.hexserial(leaf) in text.lower().replace(":", "")
    assert leaf.not_valid_after.strftime("%Y-%m-%d") in text
    assert "client" in text.lower()
    assert look.cert(home / "ca/issuing.pem").subject.rfc4514_string().split("=")[1].split(",")[0] in text


@pytest.mark.row(41)
@pytest.mark.parametrize("case, word", [
    ({"version": 1}, "version 1"), ({"serial": 0}, "serial"), ({"san": None, "eku": ["serverAuth"]}, "subjectAltName"),
    ({"eku": None}, "extended"), ({"key": "rsa1024"}, "1024"), ({"days": [-30, -1]}, "expired"),
])
def test_show_marks_what_is_old_or_weak(hf, tmp_path, case, word):
    certs = zoo.build({"leaf": case})
    (tmp_path / "x.pem").write_bytes(certs["leaf"].pem)
    assert word.lower() in hf("show", tmp_path / "x.pem").everything.lower()


@pytest.mark.row(39)
def test_show_text_is_a_full_dump(abc, home):
    text = abc("show", home / "id/mail/cert.pem", "--text").stdout
    for word in ("Subject Key Identifier", "Authority Key Identifier", "Extended Key Usage", "Signature Algorithm"):
        assert word.lower() in text.lower(), text


@pytest.mark.row(41)
def test_show_names_each_kind_of_file(abc, home, tmp_path):
    abc("request", "amy")
    for path, word in ((home / "id/amy/request.pem", "request"), (home / "id/mail/key.pem", "key"),
                       (home / "ca/crl.pem", "revocation"), (home / "ca/root.pem", "CA")):
        told = abc("show", path)
        assert word.lower() in told.stdout.lower(), told
    assert not look.has_key_bytes(abc("show", home / "id/mail/key.pem").out, home / "id/mail/key.pem")
    assert "mail" in abc("show", "mail").stdout
    (tmp_path / "nothing.pem").write_text("nothing\n")
    assert abc.run("show", tmp_path / "nothing.pem").code in (1, 3)


@pytest.mark.row(37)
def test_der_is_converted_to_pem_and_back(abc, home, tmp_path):
    abc("export", "mail", "--der", tmp_path / "mail.der")
    leaf = look.cert(home / "id/mail/cert.pem")
    assert (tmp_path / "mail.der").read_bytes() == leaf.public_bytes(serialization.Encoding.DER)
    told = abc("show", tmp_path / "mail.der", "--pem")
    assert look.cert(told.out) == leaf
    look.openssl("x509", "-inform", "DER", "-in", tmp_path / "mail.der", "-noout")


@pytest.mark.row(37)
def test_export_onto_an_existing_file_needs_force_and_then_is_whole(abc, home, tmp_path):
    target = tmp_path / "mail.both.pem"
    target.write_text("mine\n")
    assert abc.run("export", "mail", "--combined", target).code in (1, 3)
    assert target.read_text() == "mine\n"
    abc("export", "mail", "--combined", target, "--force")
    assert look.cert(target) == look.cert(home / "id/mail/cert.pem")
    source = home / "id/mail/cert.pem"
    before = source.read_bytes()
    abc.run("export", "mail", "--combined", source)
    assert source.read_bytes() == before


FORMS = ["pem", "der", "p12"]


@pytest.fixture
def foreign(tmp_path):
    """A certificate of somebody else with its key, in each form."""
    made = zoo.build({})
    leaf, issuing = made["leaf"], made["issuing"]
    (tmp_path / "f.key").write_bytes(leaf.key_pem)
    (tmp_path / "f.key").chmod(0o600)
    (tmp_path / "f.pem").write_bytes(leaf.pem + issuing.pem)
    (tmp_path / "f.der").write_bytes(leaf.der)
    (tmp_path / "f.p12").write_bytes(pkcs12.serialize_key_and_certificates(
        b"f", leaf.key, leaf.x509, [issuing.x509], serialization.BestAvailableEncryption(b"s3cret")))
    (tmp_path / "pass").write_text("s3cret\n")
    return made


@pytest.mark.row(37)
@pytest.mark.parametrize("form", FORMS)
def test_file_of_each_form_is_converted_in_place(hf, tmp_path, foreign, form):
    path = tmp_path / ("f." + form)
    before = path.read_bytes()
    more = ["--key-passphrase-file", tmp_path / "pass"] if form == "p12" else []
    assert "--force" in hf("export", path, "--chain", path, *more, exit=1).stderr
    assert path.read_bytes() == before
    hf("export", path, "--chain", path, "--force", *more)
    wanted = [foreign["leaf"].x509] + ([] if form == "der" else [foreign["issuing"].x509])
    assert look.certs(path) == wanted and b"PRIVATE" not in path.read_bytes()
    hf("export", path, "--der", path, "--force")
    assert path.read_bytes() == foreign["leaf"].der
    look.openssl("x509", "-inform", "DER", "-in", path, "-noout")


@pytest.mark.row(36, 37)
@pytest.mark.parametrize("form", FORMS)
def test_file_and_its_key_become_one_private_file(hf, tmp_path, foreign, form):
    more = ["--key-passphrase-file", tmp_path / "pass"] if form == "p12" else ["--key", tmp_path / "f.key"]
    hf("export", tmp_path / ("f." + form), "--combined", tmp_path / "one.pem", *more)
    assert look.mode(tmp_path / "one.pem") == 0o600
    assert look.cert(tmp_path / "one.pem") == foreign["leaf"].x509
    key = serialization.load_pem_private_key((tmp_path / "one.pem").read_bytes(), None)
    assert key.private_numbers() == foreign["leaf"].key.private_numbers()
    hf("export", tmp_path / "one.pem", "--p12", tmp_path / "two.p12", "--passphrase-file", tmp_path / "pass")
    assert pkcs12.load_key_and_certificates((tmp_path / "two.p12").read_bytes(), b"s3cret")[1] == foreign["leaf"].x509


@pytest.mark.row(37)
def test_file_that_cannot_be_converted_is_left_alone_and_named(hf, home, tmp_path, foreign, town):
    for argv, code, words in (
            ([tmp_path / "f.key", "--der", tmp_path / "x"], 3, "it is a private key"),
            ([tmp_path / "f.pem", "--combined", tmp_path / "x"], 2, "holds no private key"),
            ([tmp_path / "f.pem", "--key", town["mail"].key, "--combined", tmp_path / "x"], 3, "does not belong"),
            ([tmp_path / "f.p12", "--der", tmp_path / "x", "--key-passphrase-file", tmp_path / "f.key"], 3, "passphrase"),
            ([tmp_path / "f.pem", "--ca", tmp_path / "x"], 2, "--ca is for an identity"),
            (["nobody", "--key", tmp_path / "f.key", "--der", tmp_path / "x"], 2, "--key is for a certificate FILE"),
            ([tmp_path / "absent.pem", "--der", tmp_path / "x"], 2, "absent.pem")):
        told = hf("export", *argv, exit=code)
        assert words in told.stderr, told
        assert not (tmp_path / "x").exists()


@pytest.mark.row(36)
def test_combined_file_is_private_and_works_with_curl(abc, home, tmp_path, curl, town):
    abc("export", "mail", "--combined", tmp_path / "one.pem")
    assert look.mode(tmp_path / "one.pem") == 0o600
    with OpenSSLServer(tmp_path, town["server"], home / "ca/root.pem") as server:
        from support.peers import Credential
        answer = curl.get(server.port, Credential(str(tmp_path / "one.pem")), town.ca)
    assert answer.status == 200, answer


@pytest.mark.row(38)
@pytest.mark.parametrize("legacy", [False, True])
def test_pkcs12_opens_with_its_passphrase_elsewhere(abc, home, tmp_path, legacy):
    (tmp_path / "pass").write_text("s3cret\n")
    told = abc.run("export", "mail", "--p12", tmp_path / "m.p12", "--passphrase-file", tmp_path / "pass",
                   *(["--legacy"] if legacy else []))
    if legacy and told.code == 3 and "legacy" in told.stderr:
        pytest.skip("this OpenSSL has no legacy provider: %s" % told.stderr.strip())
    assert told.code == 0, told
    assert look.mode(tmp_path / "m.p12") == 0o600
    key, cert, more = pkcs12.load_key_and_certificates((tmp_path / "m.p12").read_bytes(), b"s3cret")
    assert cert == look.cert(home / "id/mail/cert.pem")
    assert more == [look.cert(home / "ca/issuing.pem")]
    assert key.public_key().public_numbers() == cert.public_key().public_numbers()
    assert "s3cret" not in told.everything


def test_ca_export_is_the_root_without_a_key(abc, home, tmp_path):
    abc("export", "mail", "--ca", tmp_path / "ca.pem")
    assert look.certs(tmp_path / "ca.pem") == [look.cert(home / "ca/root.pem")]
    assert b"PRIVATE" not in (tmp_path / "ca.pem").read_bytes()


def test_trust_is_added_listed_and_removed(hf, home, town):
    hf("trust", "add", "partner", town.foreign_ca)
    assert look.certs(home / "trust/partner.pem") == look.certs(town.foreign_ca)
    assert "partner" in hf("trust", "list").stdout
    assert "partner" in [row["name"] for row in look.find_list(hf.json("trust", "list"))]
    assert hf.run("trust", "add", "partner", town.ca).code in (1, 3)
    assert look.certs(home / "trust/partner.pem") == look.certs(town.foreign_ca)
    hf("trust", "remove", "partner")
    assert not (home / "trust/partner.pem").exists()
    assert hf.run("trust", "remove", "partner").code in (1, 3)


def test_trust_takes_no_leaf_and_no_key_without_a_word(hf, home, town):
    told = hf.run("trust", "add", "x", town["mail"].key)
    assert told.code in (1, 3) and not (home / "trust/x.pem").exists()
    told = hf.run("trust", "add", "y", town["server"].cert)
    assert told.code in (1, 3) or "CA" in told.stderr


def test_show_tells_the_fingerprint(abc, home):
    leaf = look.cert(home / "id/mail/cert.pem")
    import hashlib
    octets = leaf.public_bytes(serialization.Encoding.DER)
    wanted = hashlib.sha256(octets).hexdigest()
    told = abc.json("show", home / "id/mail/cert.pem")
    text = str(told).lower().replace(":", "")
    assert wanted in text or base64.urlsafe_b64encode(hashlib.sha256(octets).digest()).rstrip(b"=").decode() in str(told)
    assert Path(home).exists()
