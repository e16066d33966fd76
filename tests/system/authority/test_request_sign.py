# SPDX-License-Identifier: Apache-2.0
"""request, sign, install: the requester and the authority are two parties with two homes."""
import os
import re

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from support import look, zoo
from support.terminal import Terminal


@pytest.fixture
def ca(hf, tmp_path):
    party = hf.at(tmp_path / "authority")
    party("init", "ABC Inc.")
    return party


def hostile_csr(path, subject="/O=ABC/CN=amy"):
    """Asks to be a CA, for servers, with somebody else's names."""
    key = zoo.new_key("ec")
    csr = (x509.CertificateSigningRequestBuilder().subject_name(zoo.name_of(subject))
           .add_extension(x509.BasicConstraints(True, None), True)
           .add_extension(x509.KeyUsage(True, False, False, False, False, True, True, False, False), True)
           .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CODE_SIGNING]), False)
           .add_extension(x509.SubjectAlternativeName([x509.DNSName("admin.abc.test"),
                                                       x509.UniformResourceIdentifier("spiffe://abc/root")]), False)
           .sign(key, hashes.SHA256()))
    path.write_bytes(csr.public_bytes(serialization.Encoding.PEM))
    return key


@pytest.mark.row(7, 12)
def test_request_is_signed_by_another_party_and_installed(hf, home, ca, tmp_path):
    hf("request", "amy", "--subject", "/O=ABC/CN=amy")
    assert look.mode(home / "id/amy/key.pem") == 0o600
    look.openssl("req", "-verify", "-noout", "-in", home / "id/amy/request.pem")
    csr = tmp_path / "amy.csr"
    csr.write_bytes((home / "id/amy/request.pem").read_bytes())
    ca("sign", csr, "--profile", "client", "--out", tmp_path / "amy.pem")
    hf("install", "amy", tmp_path / "amy.pem")
    chain = look.certs(home / "id/amy/cert.pem")
    assert len(chain) == 2 and look.cn(chain[0]) == "amy"
    look.openssl("verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", tmp_path / "authority/ca/root.pem",
                 "-untrusted", home / "id/amy/cert.pem", home / "id/amy/cert.pem")
    assert not list((tmp_path / "authority").rglob("amy/key.pem"))


@pytest.mark.row(7)
def test_request_has_the_subject_and_names_asked_for(hf, home):
    hf("request", "gw.abc.test", "--subject", "/CN=gw.abc.test/O=InvoiceServer", "--san", "dns:b.abc.test,ip:10.0.0.1")
    text = look.openssl("req", "-in", home / "id/gw.abc.test/request.pem", "-noout", "-subject", "-text",
                        "-nameopt", "compat")
    assert "/CN=gw.abc.test/O=InvoiceServer" in text
    assert "DNS:b.abc.test" in text and "IP Address:10.0.0.1" in text


@pytest.mark.row(7, 38)
@pytest.mark.parametrize("form", ["pkcs1", "pkcs8", "sec1"])
def test_request_takes_an_existing_key(hf, home, tmp_path, form):
    key = zoo.new_key("rsa2048" if form == "pkcs1" else "ec")
    formats = serialization.PrivateFormat
    kind = formats.PKCS8 if form == "pkcs8" else formats.TraditionalOpenSSL
    (tmp_path / "k.pem").write_bytes(zoo.pem_key(key, kind))
    (tmp_path / "k.pem").chmod(0o600)
    hf("request", "amy", "--key", tmp_path / "k.pem")
    text = look.openssl("req", "-in", home / "id/amy/request.pem", "-noout", "-pubkey").encode()
    assert text.strip().endswith(key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).strip())


@pytest.mark.row(7)
def test_certificate_of_another_key_is_not_installed(hf, home, ca, tmp_path):
    hf("request", "amy")
    hf("request", "bob")
    (tmp_path / "bob.csr").write_bytes((home / "id/bob/request.pem").read_bytes())
    ca("sign", tmp_path / "bob.csr", "--profile", "client", "--out", tmp_path / "bob.pem")
    refused = hf("install", "amy", tmp_path / "bob.pem", exit=1)
    assert "key" in refused.stderr and "sign this one: %s" % (home / "id/amy/request.pem") in refused.stderr
    assert not (home / "id/amy/cert.pem").exists()


def test_help_for_a_certificate_of_another_key_names_what_is_there(hf, home, ca, tmp_path):
    """install takes the request away: the key is left, and what makes a request of it."""
    for name in ("amy", "bob"):
        hf("request", name)
        ca("sign", home / ("id/%s/request.pem" % name), "--profile", "client", "--out", tmp_path / (name + ".pem"))
    hf("install", "amy", tmp_path / "amy.pem")
    refused = hf("install", "amy", tmp_path / "bob.pem", exit=1)
    assert "request.pem" not in refused.stderr and not (home / "id/amy/request.pem").exists()
    key = (home / "id/amy/key.pem").read_bytes()
    told = re.search(r"for a request of this one: handfast (.*)", refused.stderr).group(1)
    hf(*told.split())
    ca("sign", home / "id/amy/request.pem", "--profile", "client", "--out", tmp_path / "next.pem")
    hf("install", "amy", tmp_path / "next.pem", "--force")
    assert (home / "id/amy/key.pem").read_bytes() == key
    assert look.cert(home / "id/amy/cert.pem") == look.certs(tmp_path / "next.pem")[0]


@pytest.mark.row(7)
def test_damaged_request_is_not_signed(ca, tmp_path):
    hostile_csr(tmp_path / "a.csr")
    octets = x509.load_pem_x509_csr((tmp_path / "a.csr").read_bytes()).public_bytes(serialization.Encoding.DER)
    (tmp_path / "a.csr").write_bytes(zoo.pem("CERTIFICATE REQUEST", octets[:-4] + bytes(4)))
    refused = ca.run("sign", tmp_path / "a.csr", "--profile", "client", "--out", tmp_path / "a.pem")
    assert refused.code in (1, 3)
    assert "a.csr" in refused.stderr
    assert not (tmp_path / "a.pem").exists()


@pytest.mark.row(13)
def test_hostile_request_gets_the_profile_and_not_what_it_asks(ca, tmp_path):
    hostile_csr(tmp_path / "amy.csr")
    told = ca("sign", tmp_path / "amy.csr", "--profile", "client", "--out", tmp_path / "amy.pem")
    leaf = look.cert(tmp_path / "amy.pem")
    assert look.basic(leaf) is None or not look.basic(leaf).value.ca
    assert look.purposes(leaf) == {"clientAuth"}
    assert "key_cert_sign" not in look.usages(leaf) and "crl_sign" not in look.usages(leaf)
    assert not any("admin" in san or "spiffe" in san for san in look.sans(leaf))
    for dropped in ("basicConstraints", "extendedKeyUsage"):
        assert dropped.lower() in told.stderr.lower(), told


@pytest.mark.row(13)
def test_names_are_added_by_the_authority(ca, tmp_path):
    hostile_csr(tmp_path / "gw.csr", "/CN=gw.abc.test")
    ca("sign", tmp_path / "gw.csr", "--profile", "server", "--san", "dns:gw2.abc.test", "--out", tmp_path / "gw.pem")
    sans = look.sans(look.cert(tmp_path / "gw.pem"))
    assert "dns:gw2.abc.test" in sans and "dns:admin.abc.test" not in sans


def test_one_request_is_answered_on_stdout_with_its_chain(ca, tmp_path):
    hostile_csr(tmp_path / "amy.csr")
    told = ca("sign", tmp_path / "amy.csr", "--profile", "client")
    chain = look.certs(told.out)
    assert [look.cn(chain[0]), len(chain)] == ["amy", 2]


def test_folder_of_requests_is_signed_into_a_folder(ca, tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a", "b", "c"):
        hostile_csr(tmp_path / "in" / (name + ".csr"), "/CN=" + name)
    ca("sign", tmp_path / "in", "--profile", "client", "--out", tmp_path / "out", "--jobs", "2")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.pem", "b.pem", "c.pem"]
    for name in ("a", "b", "c"):
        assert look.cn(look.cert(tmp_path / "out" / (name + ".pem"))) == name


def test_long_work_shows_how_far_it_is_at_a_terminal_and_nowhere_else(ca, tmp_path):
    (tmp_path / "in").mkdir()
    hostile_csr(tmp_path / "one.csr", "/CN=node")
    for n in range(600):
        os.link(tmp_path / "one.csr", tmp_path / "in" / ("node-%03d.csr" % n))
    line = ("sign", tmp_path / "in", "--profile", "client", "--out")
    seen = Terminal(ca, *line, tmp_path / "shown").end()
    assert re.search(r"\[#+\.+\] \d+ of 600, \d+ a second", seen), seen
    assert "#" not in seen.split("\r\033[K")[-1], "the bar is still there at the end"
    assert len(os.listdir(tmp_path / "shown")) == 600
    piped = ca(*line, tmp_path / "piped")
    quiet = Terminal(ca, "--quiet", *line, tmp_path / "quiet").end()
    assert " of 600" not in piped.everything + quiet


@pytest.mark.row(4)
def test_intermediate_is_signed_only_by_the_profile_for_it(hf, ca, tmp_path):
    hostile_csr(tmp_path / "sub.csr", "/O=ABC/CN=Sub CA")
    refused = ca.run("sign", tmp_path / "sub.csr", "--profile", "intermediate", "--out", tmp_path / "sub.pem")
    if refused.code == 0:  # then by the root: the issuing CA has path length 0
        chain = look.certs(tmp_path / "sub.pem")
        assert look.basic(chain[0]).value.ca
        assert chain[0].issuer == look.cert(tmp_path / "authority/ca/root.pem").subject
        look.openssl("verify", "-x509_strict", "-CAfile", tmp_path / "authority/ca/root.pem", tmp_path / "sub.pem")
    else:
        assert "path" in refused.stderr.lower()


def test_dry_run_signs_nothing(ca, tmp_path):
    hostile_csr(tmp_path / "amy.csr")
    told = ca("sign", tmp_path / "amy.csr", "--profile", "client", "--dry-run")
    assert b"BEGIN CERTIFICATE" not in told.out
    assert not [row for row in look.find_list(ca.json("list", "--all")) if "amy" in str(row)]


def test_weak_key_is_not_signed(ca, tmp_path):
    key = zoo.new_key("rsa1024")
    csr = x509.CertificateSigningRequestBuilder().subject_name(zoo.name_of("/CN=weak")).sign(key, hashes.SHA256())
    (tmp_path / "w.csr").write_bytes(csr.public_bytes(serialization.Encoding.PEM))
    refused = ca.run("sign", tmp_path / "w.csr", "--profile", "client", "--out", tmp_path / "w.pem")
    assert refused.code in (1, 3) and "1024" in refused.stderr
    assert not (tmp_path / "w.pem").exists()


def test_file_that_is_no_request_is_named_for_what_it_is(ca, tmp_path, town):
    refused = ca.run("sign", town["mail"].cert, "--profile", "client")
    assert refused.code in (1, 3)
    assert "certificate" in refused.stderr and "mail.pem" in refused.stderr
