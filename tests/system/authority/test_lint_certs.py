# SPDX-License-Identifier: Apache-2.0
"""One of everything the authority can issue, under the linters: ours (support/lint.py, on the bytes), openssl's
strict mode, and GnuTLS."""
import datetime
import shutil
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from support import lint, look, zoo
from support.process import SLOW, clean_env

KEYS = ("p256", "p384", "rsa2048", "ed25519")
FOUNDINGS = {"p256": [], "p384": ["--key-type", "p384"], "rsa2048": ["--key-type", "rsa2048"],
             "ed25519": ["--key-type", "ed25519"], "single": ["--single"],
             "permit": ["--permit", "dns:abc.com,ip:10.0.0.0/8,email:abc.com,uri:.abc.com"],
             "century": ["--days", "36500", "--issuing-days", "18250"],
             "subject": ["--subject", "/C=IN/ST=Kerala/L=Köln/O=ABC Inc. & Söhne/OU=a+OU=b/CN=Größe CA"]}
ORDERS = {"server": ["www.abc.com", "--server"], "addresses": ["10.1.2.3", "--server", "--san", "ip:10.0.0.7", "--subject", "/O=Addresses"],
          "client": ["amy", "--client", "--san", "email:amy@abc.com,uri:spiffe://x.abc.com/amy"],
          "peer": ["node.abc.com", "--peer"]}


def der(path, at=0):
    return look.certs(path)[at].public_bytes(Encoding.DER)


def certtool(*args):
    if not shutil.which("certtool"):
        pytest.skip("needs certtool (gnutls-bin)")
    done = subprocess.run(["certtool"] + [str(arg) for arg in args], capture_output=True, check=False,
                          timeout=30 * SLOW, env=clean_env("/nonexistent"), stdin=subprocess.DEVNULL)
    assert done.returncode == 0, (args, done.stdout.decode(), done.stderr.decode())
    return done.stdout.decode() + done.stderr.decode()


@pytest.fixture(params=list(FOUNDINGS))
def founded(request, hf):
    hf("init", "ABC Inc.", *FOUNDINGS[request.param])
    return request.param, hf


def cas(home):
    """(path of the issuing CA, its profile, its issuer's path)"""
    if (home / "ca/issuing.pem").exists():
        return home / "ca/issuing.pem", "issuing"
    return home / "ca/root.pem", "single"


def test_cas_and_their_lists(founded, home):
    issuing, profile = cas(home)
    root = home / "ca/root.pem"
    if profile == "issuing":
        assert lint.lint_certificate(der(root), "root") == []
        assert lint.lint_certificate(der(issuing), "issuing", der(root)) == []
        assert lint.lint_crl(list_der(home / "ca/root.crl.pem"), der(root)) == []
    else:
        assert lint.lint_certificate(der(root), "single") == []
    assert lint.lint_crl(list_der(home / "ca/crl.pem"), der(issuing)) == []


def list_der(path):
    return x509.load_pem_x509_crl(path.read_bytes()).public_bytes(Encoding.DER)


@pytest.mark.parametrize("order", list(ORDERS))
def test_every_profile_under_every_founding(founded, home, order):
    founding, hf = founded
    profile = order if order in lint.PROFILES else "server"
    issuing, _ = cas(home)
    for key in KEYS if founding == "p256" else KEYS[:1]:
        hf("issue", *ORDERS[order], "--key-type", key, "--out", home / ("out-" + key))
        path = home / ("out-" + key) / "cert.pem"
        assert lint.lint_certificate(der(path), profile, der(issuing)) == [], key
        strict(home, path)
        if founding not in ("ed25519", "subject"):
            gnutls(home, path)


def strict(home, path):
    lists = [arg for name in ("ca/crl.pem", "ca/root.crl.pem") if (home / name).exists()
             for arg in ("-CRLfile", home / name)]
    look.openssl("verify", "-x509_strict", "-policy_check", "-crl_check_all", "-CAfile", home / "ca/root.pem",
                 "-untrusted", path, *lists, path)


def gnutls(home, path):
    assert "Verified" in certtool("--verify", "--verify-profile=medium", "--load-ca-certificate", home / "ca/root.pem",
                                  "--infile", path)
    certtool("--certificate-info", "--infile", path)


@pytest.mark.parametrize("key", KEYS)
def test_a_signed_request_and_an_intermediate(hf, home, tmp_path, key):
    hf("init", "ABC Inc.")
    other = hf.at(tmp_path / "other")
    other("request", "sub", "--subject", "/O=Sub/CN=Sub CA", "--key-type", key)
    request = tmp_path / "other/id/sub/request.pem"
    hf("sign", request, "--profile", "intermediate", "--out", tmp_path / "sub.pem")
    assert lint.lint_certificate(der(tmp_path / "sub.pem"), "intermediate", der(home / "ca/root.pem")) == []
    hf("sign", request, "--profile", "client", "--subject", "/CN=sub", "--out", tmp_path / "leaf.pem")
    assert lint.lint_certificate(der(tmp_path / "leaf.pem"), "client", der(home / "ca/issuing.pem")) == []


def test_lists_with_every_reason(hf, home):
    hf("init", "ABC Inc.")
    for reason in ("unspecified", "keyCompromise", "superseded", "cessationOfOperation", "affiliationChanged",
                   "privilegeWithdrawn"):
        hf("issue", reason, "--client")
        hf("revoke", reason, "--reason", reason)
    octets = list_der(home / "ca/crl.pem")
    assert lint.lint_crl(octets, der(home / "ca/issuing.pem")) == []
    assert len(x509.load_der_x509_crl(octets)) == 6
    text = certtool("--crl-info", "--infile", home / "ca/crl.pem")
    assert "Number" in text
    look.openssl("crl", "-in", home / "ca/crl.pem", "-noout", "-verify", "-CAfile", home / "ca/issuing.pem")


def next_year():
    return (datetime.datetime.utcnow() + datetime.timedelta(days=200)).strftime("%Y-%m-%d")


def test_an_offline_root_signs_as_well(hf, home, tmp_path):
    root = hf.at(tmp_path / "root")
    root("init", "ABC", "--root-only", "--key-type", "p384")
    hf("root", "request", "ABC")
    root("root", "sign", home / "ca.request/request.pem", "--out", tmp_path / "a.pem", "--yes", "--permit", "dns:a.com",
         "--lists-until", next_year())
    hf("root", "accept", tmp_path / "a.pem", "--yes")
    assert lint.lint_certificate(der(home / "ca/issuing.pem"), "issuing", der(home / "ca/root.pem")) == []
    for crl in (home / "ca/root.crls.pem").read_bytes().split(b"-----END X509 CRL-----\n")[:-1]:
        pem = x509.load_pem_x509_crl(crl + b"-----END X509 CRL-----\n")
        assert lint.lint_crl(pem.public_bytes(Encoding.DER), der(home / "ca/root.pem")) == []


def test_a_century_needs_the_other_kind_of_time(hf, home):
    hf("init", "ABC", "--days", "36500")
    c = lint.Certificate(der(home / "ca/root.pem"))
    assert [node.tag for node in c.validity.parts] == [lint.UTCTIME, lint.GENERALIZED]


# --- the linter itself ---

WRONG = [
    ({"serial": 0}, "less than 64 bits"), ({"serial": 5}, "less than 64 bits"), ({"version": 1}, "version 1"),
    ({"ski": False}, "subjectKeyIdentifier"), ({"aki": False}, "authorityKeyIdentifier"),
    ({"aki": "wrong"}, "authorityKeyIdentifier"), ({"hash": "sha1"}, "signature algorithm"),
    ({"key": "rsa1024"}, "1024 bits"), ({"eku": ["clientAuth", "emailProtection"]}, "extendedKeyUsage"),
    ({"eku": None}, "extendedKeyUsage"), ({"ku": ["digitalSignature", "keyCertSign"]}, "keyUsage"), ({"ku": None}, "keyUsage"),
    ({"ca": True}, "basicConstraints of a leaf"), ({"days": [-1, 9000]}, "valid when its issuer is not"),
    ({"san": ["dns:UPPER.example"]}, "malformed"), ({"san": ["dns:a..b"]}, "malformed"), ({"san": ["dns:"]}, "malformed"),
    ({"twice": "2.5.29.17", "san": ["dns:a.b"]}, "twice"), ({"padding": 100}, "was not ordered"),
]


@pytest.mark.parametrize("case, words", WRONG, ids=[words for _, words in WRONG])
def test_the_linter_finds_what_is_wrong(case, words):
    certs = zoo.build({"leaf": dict({"eku": ["clientAuth"], "ku": ["digitalSignature"]}, **case)})
    found = lint.lint_certificate(certs["leaf"].der, "client", certs["issuing"].der)
    assert any(words in sentence for sentence in found), found


@pytest.mark.parametrize("octets", [b"", b"\x30\x80\0\0", b"\x30\x81\x01\0", b"\x30\x05\0"])
def test_the_linter_refuses_ber(octets):
    assert "does not decode" in lint.lint_certificate(octets, "client")[0]
