# SPDX-License-Identifier: Apache-2.0
"""`handfast init`: a new authority, and what openssl says of it."""
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from support import look
from support.terminal import Terminal


@pytest.mark.row(1)
def test_root_and_issuing_ca_are_made_in_one_step_and_pass_openssl_strict(hf, home):
    hf("init", "ABC Inc.")
    look.openssl("verify", "-x509_strict", "-CAfile", home / "ca/root.pem", home / "ca/root.pem")
    text = look.openssl("verify", "-x509_strict", "-CAfile", home / "ca/root.pem", home / "ca/issuing.pem")
    assert "OK" in text
    root = look.cert(home / "ca/root.pem")
    assert look.cn(root).startswith("ABC Inc.") or "ABC Inc." in root.subject.rfc4514_string()
    assert look.extension(root, look.ExtensionOID.SUBJECT_KEY_IDENTIFIER) is not None


@pytest.mark.row(3)
def test_root_is_a_critical_ca_for_ten_years(hf, home):
    hf("init", "ABC Inc.")
    root = look.cert(home / "ca/root.pem")
    assert root.version.name == "v3"
    assert look.basic(root).critical and look.basic(root).value.ca
    assert look.usages(root) == {"key_cert_sign", "crl_sign"}
    assert look.extension(root, look.ExtensionOID.KEY_USAGE).critical
    assert 3649 <= look.days(root) <= 3654


@pytest.mark.row(3)
def test_days_of_the_root_can_be_chosen(hf, home):
    hf("init", "ABC Inc.", "--days", "7300", "--issuing-days", "3650")
    assert 7299 <= look.days(look.cert(home / "ca/root.pem")) <= 7302
    assert 3649 <= look.days(look.cert(home / "ca/issuing.pem")) <= 3652


@pytest.mark.row(4)
def test_issuing_ca_has_path_length_zero_for_five_years(hf, home):
    hf("init", "ABC Inc.")
    issuing = look.cert(home / "ca/issuing.pem")
    assert look.basic(issuing).critical and look.basic(issuing).value.ca
    assert look.basic(issuing).value.path_length == 0
    assert {"key_cert_sign", "crl_sign"} <= look.usages(issuing)
    assert 1824 <= look.days(issuing) <= 1828
    assert issuing.issuer == look.cert(home / "ca/root.pem").subject


@pytest.mark.row(6)
def test_keys_of_the_authority_are_private_even_with_an_open_umask(hf, home):
    before = os.umask(0)
    try:
        hf("init", "ABC Inc.")
    finally:
        os.umask(before)
    for key in home.rglob("*.key"):
        assert look.mode(key) == 0o600, key
    for path in home.rglob("*"):
        if path.is_file():
            assert not look.mode(path) & 0o022, path
    assert look.mode(home / "ca") & 0o077 == 0


@pytest.mark.row(9)
def test_subject_of_the_authority_may_be_any_set_of_parts(hf, home):
    hf("init", "--subject", "/C=IN/ST=Kerala/O=ABC Inc.")
    subject = look.openssl("x509", "-in", home / "ca/root.pem", "-noout", "-subject", "-nameopt", "compat")
    assert "/C=IN/ST=Kerala/O=ABC Inc." in subject


@pytest.mark.parametrize("kind, wanted", [
    ("p256", lambda k: isinstance(k, ec.EllipticCurvePublicKey) and k.key_size == 256),
    ("p384", lambda k: isinstance(k, ec.EllipticCurvePublicKey) and k.key_size == 384),
    ("rsa2048", lambda k: isinstance(k, rsa.RSAPublicKey) and k.key_size == 2048),
    ("rsa3072", lambda k: isinstance(k, rsa.RSAPublicKey) and k.key_size == 3072),
    ("ed25519", lambda k: isinstance(k, ed25519.Ed25519PublicKey)),
])
@pytest.mark.row(5)
def test_authority_with_a_key_of_each_type(hf, home, kind, wanted):
    hf("init", "ABC Inc.", "--key-type", kind)
    for name in ("root", "issuing"):
        assert wanted(look.cert(home / ("ca/%s.pem" % name)).public_key())
    look.openssl("verify", "-x509_strict", "-CAfile", home / "ca/root.pem", home / "ca/issuing.pem")


@pytest.mark.row(45)
def test_second_init_changes_nothing_without_force(hf, home):
    hf("init", "ABC Inc.")
    before = {name: octets for name, octets in look.tree(home).items() if name.endswith((".pem", ".key"))}
    again = hf.run("init", "Another")
    assert again.code in (0, 1, 3), again
    assert "--force" in again.everything
    after = look.tree(home)
    assert {name: after[name] for name in before} == before


@pytest.mark.row(45)
def test_init_with_force_makes_a_new_authority(hf, home):
    hf("init", "ABC Inc.")
    before = (home / "ca/root.pem").read_bytes()
    hf("init", "ABC Inc.", "--force")
    assert (home / "ca/root.pem").read_bytes() != before


@pytest.mark.row(35)
def test_chain_file_is_issuing_then_root(hf, home):
    hf("init", "ABC Inc.")
    chain = look.certs(home / "ca/chain.pem")
    assert chain == [look.cert(home / "ca/issuing.pem"), look.cert(home / "ca/root.pem")]
    assert look.certs(home / "trust/own.pem") == [look.cert(home / "ca/root.pem")]


def test_single_authority_issues_from_its_root(hf, home):
    hf("init", "ABC Inc.", "--single")
    hf("issue", "amy", "--client")
    chain = look.certs(home / "id/amy/cert.pem")
    assert chain[0].issuer == look.cert(home / "ca/root.pem").subject
    assert len(chain) == 1
    look.openssl("verify", "-x509_strict", "-CAfile", home / "ca/root.pem", home / "id/amy/cert.pem")


def test_name_constraints_are_written_and_kept_before_signing(hf, home):
    hf("init", "ABC Inc.", "--permit", "dns:abc.test,ip:10.0.0.0/8")
    text = look.openssl("x509", "-in", home / "ca/issuing.pem", "-noout", "-text")
    text += look.openssl("x509", "-in", home / "ca/root.pem", "-noout", "-text")
    assert "DNS:abc.test" in text and "IP:10.0.0.0/255.0.0.0" in text
    hf("issue", "gw.abc.test", "--server")
    refused = hf.run("issue", "gw.evil.test", "--server")
    assert refused.code in (1, 3)
    assert "gw.evil.test" in refused.stderr
    assert not (home / "id/gw.evil.test/cert.pem").exists()


@pytest.mark.row(38)
def test_key_of_the_authority_may_be_encrypted(hf, home, tmp_path):
    (tmp_path / "pass").write_text("correct horse\n")
    hf("init", "ABC Inc.", "--passphrase-file", tmp_path / "pass")
    for name in ("root.key", "issuing.key"):
        assert b"ENCRYPTED" in (home / "ca" / name).read_bytes()
        look.openssl("pkey", "-in", home / "ca" / name, "-passin", "pass:correct horse", "-noout")
    hf("issue", "amy", "--client", "--passphrase-file", tmp_path / "pass")
    (tmp_path / "wrong").write_text("battery staple\n")
    refused = hf.run("issue", "bob", "--client", "--passphrase-file", tmp_path / "wrong")
    assert refused.code not in (0, 2) and "passphrase" in refused.stderr.lower()
    assert "battery" not in refused.everything
    assert hf.run("issue", "carl", "--client").code not in (0, 2)


@pytest.mark.row(38)
def test_passphrase_of_the_authority_may_come_from_the_environment(hf, home):
    hf("init", "ABC Inc.", env={"HANDFAST_PASSPHRASE": "correct horse"})
    assert b"ENCRYPTED" in (home / "ca/issuing.key").read_bytes()
    hf("issue", "amy", "--client", env={"HANDFAST_PASSPHRASE": "correct horse"})
    hf("revoke", "amy", env={"HANDFAST_PASSPHRASE": "correct horse"})
    refused = hf("issue", "bob", "--client", env={"HANDFAST_PASSPHRASE": "wrong"}, exit=3)
    assert "issuing.key" in refused.stderr and "passphrase" in refused.stderr and "wrong" not in refused.stderr
    assert not (home / "id/bob").exists()


@pytest.mark.row(38)
def test_passphrase_of_the_authority_is_asked_for_on_a_terminal_without_an_echo(hf, home, tmp_path):
    (tmp_path / "pass").write_text("correct horse\n")
    hf("init", "ABC Inc.", "--passphrase-file", tmp_path / "pass")
    with Terminal(hf, "issue", "amy", "--client") as terminal:
        terminal.answer("issuing.key", "correct horse")
        assert "correct horse" not in terminal.end()
    assert (home / "id/amy/cert.pem").exists()
    with Terminal(hf, "issue", "bob", "--client") as terminal:
        terminal.answer("issuing.key", "battery staple")
        assert "battery" not in terminal.end(exit=3)
    assert not (home / "id/bob").exists()


@pytest.mark.row(2)
def test_root_made_elsewhere_in_three_steps_can_issue(hf, home, tmp_path):
    key, csr, root, ext = (tmp_path / name for name in ("r.key", "r.csr", "r.pem", "r.ext"))
    look.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
    look.openssl("req", "-new", "-key", key, "-subj", "/O=Old Root", "-out", csr)
    ext.write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
                   "subjectKeyIdentifier=hash\n")
    look.openssl("x509", "-req", "-in", csr, "-signkey", key, "-days", "3650", "-extfile", ext, "-out", root)
    hf("init", "ABC Inc.", "--root-cert", root, "--root-key", key)
    hf("issue", "amy", "--client")
    look.openssl("verify", "-x509_strict", "-CAfile", root, "-untrusted", home / "id/amy/cert.pem",
                 home / "id/amy/cert.pem")


@pytest.mark.row(36, 38)
@pytest.mark.parametrize("form", ["key first", "certificate first", "der", "pkcs1", "encrypted", "pkcs12"])
def test_root_is_taken_in_every_form(hf, home, tmp_path, form):
    key, root, own = (str(tmp_path / name) for name in ("r.key", "r.pem", "own"))
    (tmp_path / "secret").write_text("open sesame\n")
    (tmp_path / "secret").chmod(0o600)
    look.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", root, "-subj", "/O=Old Root",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-days", "3650")
    parts = [(tmp_path / name).read_text() for name in ("r.key", "r.pem")]
    cert, more = own, ()
    if "first" in form:
        (tmp_path / "own").write_text("".join(parts if form == "key first" else parts[::-1]))
    elif form == "pkcs12":
        look.openssl("pkcs12", "-export", "-in", root, "-inkey", key, "-passout", "pass:open sesame", "-out", own)
    else:
        make = {"der": ["-outform", "DER"], "pkcs1": ["-traditional"],
                "encrypted": ["-aes256", "-passout", "pass:open sesame"]}[form]
        look.openssl("pkey", "-in", key, *make, "-out", own)
        cert = root
    if form in ("encrypted", "pkcs12"):
        more = ("--passphrase-file", tmp_path / "secret")
    hf("init", "ABC Inc.", "--root-cert", cert, "--root-key", own, *more)
    hf("issue", "amy", "--client", *more)
    look.openssl("verify", "-CAfile", root, "-untrusted", home / "id/amy/cert.pem", home / "id/amy/cert.pem")


@pytest.mark.row(2)
def test_root_of_version_one_is_not_made(hf, home):
    hf("init", "ABC Inc.", "--subject", "/O=ABC")
    for path in (home / "ca").glob("*.pem"):
        if path.name in ("root.pem", "issuing.pem"):
            assert "Version: 3" in look.openssl("x509", "-in", path, "-noout", "-text")


def test_offline_root_leaves_no_root_key_in_the_home(hf, home, tmp_path):
    hf("init", "ABC Inc.", "--offline-root", "--root-out", tmp_path / "safe")
    assert not (home / "ca/root.key").exists()
    keys = list(Path(tmp_path / "safe").rglob("*.key"))
    assert keys and all(look.mode(key) == 0o600 for key in keys)
    hf("issue", "amy", "--client")
    look.openssl("verify", "-x509_strict", "-CAfile", home / "ca/root.pem", "-untrusted",
                 home / "id/amy/cert.pem", home / "id/amy/cert.pem")


def test_json_tells_what_was_made(hf):
    told = hf.json("init", "ABC Inc.")
    assert isinstance(told, dict) and told
    assert "PRIVATE" not in str(told)
