# SPDX-License-Identifier: Apache-2.0
"""`handfast verify` knows every kind of key and every way in which a file holds one, although it starts with the
common ones only (util/slim)."""
import pytest
from support import look

GENERATE = {"X25519": (), "X448": (), "ED448": (), "ED25519": (), "SM2": (), "DH": ("-pkeyopt", "group:ffdhe2048"),
            "RSA-PSS": (), "RSA": (), "EC": ("-pkeyopt", "ec_paramgen_curve:P-521")}


def make_ca(folder, algorithm="EC", *more):
    look.openssl("genpkey", "-algorithm", algorithm, *GENERATE[algorithm], "-out", folder / "ca.key")
    look.openssl("req", "-x509", "-new", "-key", folder / "ca.key", "-out", folder / "ca.pem", "-subj", "/CN=keys",
                 "-days", "9", "-addext", "keyUsage=critical,keyCertSign,cRLSign", *more)
    return folder / "ca.pem"


def certify(folder, name, *more):
    extensions = folder / "leaf.cnf"
    extensions.write_text("subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth,clientAuth\n" % name.lower())
    look.openssl("pkey", "-in", folder / (name + ".key"), "-pubout", "-out", folder / (name + ".pub"))
    look.openssl("x509", "-new", "-force_pubkey", folder / (name + ".pub"), "-subj", "/CN=" + name, "-CA",
                 folder / "ca.pem", "-CAkey", folder / "ca.key", "-days", "5", "-extfile", extensions, "-out",
                 folder / (name + ".pem"), *more)
    return folder / (name + ".pem")


@pytest.mark.parametrize("kind", GENERATE)
def test_a_key_of_any_kind_is_read(hf, tmp_path, kind):
    """Also of those that sign nothing: what cannot be decoded is refused, what openssl accepts is accepted."""
    ca = make_ca(tmp_path)
    look.openssl("genpkey", "-algorithm", kind, *GENERATE[kind], "-out", tmp_path / (kind + ".key"))
    cert = certify(tmp_path, kind)
    look.openssl("verify", "-CAfile", ca, cert)
    told = hf("verify", "--ca", ca, cert)
    assert told.stdout == "%s: OK\n" % cert and "V-UNREADABLE" not in told.everything


def test_a_signature_by_an_uncommon_key_is_checked(hf, tmp_path):
    ca = make_ca(tmp_path, "SM2", "-sm3")
    look.openssl("genpkey", "-algorithm", "EC", *GENERATE["EC"], "-out", tmp_path / "leaf.key")
    cert = certify(tmp_path, "leaf", "-sm3")
    hf("verify", "--ca", ca, cert)
    (tmp_path / "other").mkdir()
    hf("verify", "--ca", make_ca(tmp_path / "other", "SM2", "-sm3"), cert, exit=1)


@pytest.fixture(scope="module")
def rsa(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rsa")
    make_ca(folder)
    look.openssl("genpkey", "-algorithm", "RSA", "-out", folder / "leaf.key")
    certify(folder, "leaf")
    return folder


@pytest.mark.parametrize("how", [(), ("-traditional",), ("-aes128", "-passout", "pass:x"),
                                 ("-traditional", "-aes128", "-passout", "pass:x")], ids=" ".join)
def test_a_key_beside_the_certificate_is_no_hindrance(hf, rsa, tmp_path, how):
    look.openssl("pkey", "-in", rsa / "leaf.key", "-out", tmp_path / "key.pem", *how)
    both = tmp_path / "both.pem"
    both.write_bytes((tmp_path / "key.pem").read_bytes() + (rsa / "leaf.pem").read_bytes())
    assert hf("verify", "--ca", rsa / "ca.pem", both).stdout == "%s: OK\n" % both


@pytest.mark.parametrize("cipher", ["aes-256-cbc", "aes-128-cbc", "des-ede3-cbc", "PBE-SHA1-3DES"])
def test_pkcs12_is_opened(hf, rsa, tmp_path, cipher):
    path = tmp_path / "leaf.p12"
    look.openssl("pkcs12", "-export", "-inkey", rsa / "leaf.key", "-in", rsa / "leaf.pem", "-keypbe", cipher,
                 "-certpbe", cipher, "-passout", "pass:", "-out", path)
    assert hf("verify", "--ca", rsa / "ca.pem", path).stdout == "%s: OK\n" % path
