# SPDX-License-Identifier: Apache-2.0
"""`handfast import easy-rsa`: trees that easy-rsa itself made."""
import shutil
import subprocess

import pytest
from cryptography import x509
from support import look
from support.peers import need
from support.process import SLOW, clean_env


class EasyRsa:
    def __init__(self, place, passphrase=None):
        self.place, self.pki = place, place / "pki"
        self.program = shutil.which("easyrsa") or "/usr/share/easy-rsa/easyrsa"
        need(self.program)
        self("init-pki")
        if passphrase:
            (place / "secret").write_text(2 * (passphrase + "\n"))  # openssl reads a line for each
            secret = ["--passin=file:%s" % (place / "secret"), "--passout=file:%s" % (place / "secret")]
            self(*secret, "build-ca", cn="Easy CA")
        else:
            self("build-ca", "nopass", cn="Easy CA")

    def __call__(self, *args, cn=None):
        more = {"EASYRSA_REQ_CN": cn} if cn else {}
        done = subprocess.run([self.program, *args], cwd=self.place, stdin=subprocess.DEVNULL, capture_output=True,
                              env=clean_env(self.place, EASYRSA_BATCH="1", EASYRSA_PKI=self.pki, **more),
                              timeout=120 * SLOW, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr).decode("utf-8", "replace")

    def serial(self, name):
        return look.cert(self.pki / "issued" / (name + ".crt")).serial_number


@pytest.fixture(scope="module")
def easy(tmp_path_factory):
    ca = EasyRsa(tmp_path_factory.mktemp("easy"))
    ca("build-server-full", "srv.example", "nopass")
    ca("build-client-full", "amy", "nopass")
    ca("build-client-full", "bob", "nopass")
    ca.bob = ca.serial("bob")
    ca("revoke", "bob", "keyCompromise")
    ca("gen-crl")
    return ca


def findings(report):
    return {row["id"]: row["at"] for row in report["findings"]}


def revoked(path):
    return {entry.serial_number for entry in x509.load_pem_x509_crl(path.read_bytes())}


def test_everything_of_a_real_tree_is_taken_over(hf, home, easy):
    report = hf.json("import", "easy-rsa", easy.place)
    assert report["certificates"] == {"valid": 2, "revoked": 1, "expired": 0, "serial_only": 0}
    rows = {row["name"]: row for row in hf.json("list", "--all")["certificates"]}
    assert rows["srv.example"]["profile"] == "server" and rows["srv.example"]["sans"] == "dns:srv.example"
    assert rows["amy"]["profile"] == "client" and rows["amy"]["serial"] == "%x" % easy.serial("amy")
    assert rows["bob"]["state"] == "revoked" and rows["bob"]["reason"] == "keyCompromise"
    assert revoked(home / "ca/crl.pem") == {easy.bob}
    found = findings(report)
    assert len(found["leaf-key"]) == 3 and "no-crl-number" in found and "leaf-from-root" in found
    assert "CN=amy" in " ".join(found["client-cn-only"]) and "srv.example" not in " ".join(found["client-cn-only"])


def test_old_certificates_and_new_ones_are_of_one_authority(hf, home, easy):
    hf("import", "easy-rsa", easy.pki)
    hf("issue", "new.example", "--server")
    hf("revoke", "amy", "--reason", "superseded")
    ca, crl = easy.pki / "ca.crt", home / "ca/crl.pem"
    look.openssl("verify", "-CAfile", ca, "-CRLfile", crl, "-crl_check", home / "id/new.example/cert.pem",
                 easy.pki / "issued/srv.example.crt")
    assert "certificate revoked" in look.openssl("verify", "-CAfile", ca, "-CRLfile", crl, "-crl_check",
                                                 easy.pki / "issued/amy.crt", exit=2)
    assert revoked(crl) == {easy.bob, easy.serial("amy")}


def test_name_is_the_one_the_tree_gives_even_when_the_subject_differs(hf, easy, tmp_path):
    copy = tmp_path / "pki"
    shutil.copytree(easy.pki, copy)
    (copy / "issued/amy.crt").rename(copy / "issued/laptop-amy.crt")
    hf("import", "easy-rsa", copy)
    rows = {row["name"]: row for row in hf.json("list", "--all")["certificates"]}
    assert rows["laptop-amy"]["serial"] == "%x" % easy.serial("amy")
    assert "amy" not in rows


def test_certificate_that_the_index_forgot_is_found_on_the_disk(hf, easy, tmp_path):
    copy = tmp_path / "pki"
    shutil.copytree(easy.pki, copy)
    rows = [row for row in (copy / "index.txt").read_text().splitlines() if "CN=amy" not in row]
    (copy / "index.txt").write_text("\n".join(rows) + "\n")
    found = findings(hf.json("import", "easy-rsa", copy))
    assert "CN=amy" in found["not-in-index"][0]
    hf("revoke", "amy")


def test_encrypted_key_is_read_and_stays_encrypted(hf, home, tmp_path):
    place = tmp_path / "locked"
    place.mkdir()
    ca = EasyRsa(place, passphrase="sesame")
    hf("import", "easy-rsa", place, exit=3)
    hf("import", "easy-rsa", place, "--passphrase-file", place / "secret")
    assert "BEGIN ENCRYPTED PRIVATE KEY" in (home / "ca/root.key").read_text()
    hf("issue", "new.example", "--server", "--passphrase-file", place / "secret")
    look.openssl("verify", "-CAfile", ca.pki / "ca.crt", home / "id/new.example/cert.pem")


def test_directory_without_a_pki_is_refused(hf, home, tmp_path):
    refused = hf("import", "easy-rsa", tmp_path / "home", exit=3)
    assert "there is no CA certificate" in refused.stderr and list(home.iterdir()) == []
