# SPDX-License-Identifier: Apache-2.0
"""`handfast import cfssl`: a CA that cfssl itself kept in SQLite."""
import json
import sqlite3
import subprocess

import pytest
from cryptography import x509
from support import look
from support.peers import need
from support.process import SLOW, clean_env

SCHEMA = """
CREATE TABLE certificates (
  serial_number blob NOT NULL, authority_key_identifier blob NOT NULL, ca_label blob, status blob NOT NULL,
  reason int, expiry timestamp, revoked_at timestamp, pem blob NOT NULL,
  PRIMARY KEY(serial_number, authority_key_identifier));
"""
CONFIG = {"signing": {"default": {"expiry": "700h"}, "profiles": {
    "server": {"usages": ["signing", "server auth"], "expiry": "700h"},
    "client": {"usages": ["signing", "client auth"], "expiry": "700h"}}}}


class Cfssl:
    def __init__(self, place):
        self.place, self.database = place, place / "certs.db"
        place.mkdir(exist_ok=True)
        self.sql(SCHEMA)
        (place / "db.json").write_text(json.dumps({"driver": "sqlite3", "data_source": str(self.database)}))
        (place / "config.json").write_text(json.dumps(CONFIG))
        self.write("ca", self.run("gencert", "-initca", self.csr("ca", "cfssl CA")))

    def csr(self, name, cn, *hosts):
        path = self.place / (name + "-csr.json")
        path.write_text(json.dumps({"CN": cn, "hosts": list(hosts), "key": {"algo": "ecdsa", "size": 256}}))
        return path

    def run(self, *args):
        done = subprocess.run([need("cfssl")] + [str(a) for a in args], cwd=self.place, capture_output=True,
                              stdin=subprocess.DEVNULL, env=clean_env(self.place), timeout=60 * SLOW, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    def write(self, name, made):
        (self.place / (name + ".pem")).write_text(made["cert"])
        (self.place / (name + "-key.pem")).write_text(made["key"])
        (self.place / (name + "-key.pem")).chmod(0o600)

    def issue(self, name, profile, *hosts):
        self.write(name, self.run("gencert", "-ca", "ca.pem", "-ca-key", "ca-key.pem", "-config", "config.json", "-profile",
                                  profile, "-db-config", "db.json", self.csr(name, name, *hosts)))
        return look.cert(self.place / (name + ".pem")).serial_number

    def sql(self, text, *values):
        with sqlite3.connect(self.database) as db:
            if values:
                db.execute(text, values)
            else:
                db.executescript(text)
        db.close()


@pytest.fixture
def cfssl(tmp_path):
    return Cfssl(tmp_path / "cfssl")


def findings(report):
    return {row["id"]: row["at"] for row in report["findings"]}


def test_certificates_and_revocations_of_the_data_base_are_taken_over(hf, home, cfssl):
    amy = cfssl.issue("amy", "client", "amy.example")
    bob = cfssl.issue("bob", "server", "bob.example")
    cfssl.sql("UPDATE certificates SET status = 'revoked', reason = 4, revoked_at = '2026-01-02 03:04:05+00:00' "
              "WHERE serial_number = ?", str(bob))
    before = cfssl.database.read_bytes()
    report = hf.json("import", "cfssl", cfssl.place)
    assert cfssl.database.read_bytes() == before
    assert report["certificates"] == {"valid": 1, "revoked": 1, "expired": 0, "serial_only": 0}
    rows = {row["name"]: row for row in hf.json("list", "--all")["certificates"]}
    assert rows["amy"]["serial"] == "%x" % amy and rows["amy"]["profile"] == "client"
    assert rows["bob"]["revoked_at"] == "2026-01-02T03:04:05Z" and rows["bob"]["reason"] == "superseded"
    assert {entry.serial_number for entry in x509.load_pem_x509_crl((home / "ca/crl.pem").read_bytes())} == {bob}
    hf("issue", "mail.example", "--server")
    look.openssl("verify", "-CAfile", cfssl.place / "ca.pem", home / "id/mail.example/cert.pem")


def test_certificates_of_another_ca_in_the_same_data_base_are_left_out(hf, cfssl, tmp_path):
    cfssl.issue("amy", "client", "amy.example")
    other = Cfssl(tmp_path / "other")
    other.issue("eve", "client", "eve.example")
    cfssl.sql("INSERT INTO certificates VALUES ('7', '', '', 'good', 0, '', '', ?)", (other.place / "eve.pem").read_text())
    report = hf.json("import", "cfssl", cfssl.place)
    assert "CN=eve" in findings(report)["other-issuer"][0]
    assert report["certificates"]["valid"] == 1


@pytest.mark.parametrize("spoil, told", [
    ("UPDATE certificates SET status = 'odd'", "has the status 'odd'"),
    ("UPDATE certificates SET status = 'revoked', revoked_at = 'once'", "was revoked at no time"),
    ("UPDATE certificates SET reason = 77", "for the reason 77"),
    ("UPDATE certificates SET pem = 'none'", "serial "),
    ("DROP TABLE certificates", "as the data base of cfssl"),
])
def test_data_base_that_cannot_be_understood_is_refused(hf, home, cfssl, spoil, told):
    cfssl.issue("amy", "client", "amy.example")
    cfssl.sql(spoil)
    refused = hf("import", "cfssl", cfssl.place, exit=3)
    assert told in refused.stderr
    assert list(home.iterdir()) == []


def test_data_base_elsewhere_is_named(hf, cfssl, tmp_path):
    cfssl.issue("amy", "client", "amy.example")
    moved = tmp_path / "moved.sqlite"
    cfssl.database.rename(moved)
    assert "--database" in hf("import", "cfssl", cfssl.place, exit=3).stderr
    hf("import", "cfssl", cfssl.place, "--database", moved)
    (tmp_path / "text").write_text("no data base")
    hf("import", "cfssl", cfssl.place, "--force", "--database", tmp_path / "text", exit=3)
