# SPDX-License-Identifier: Apache-2.0
"""doctor: each thing that will fail is found before it does, named, and comes with what to do."""
import datetime
import os
import shlex
import shutil
import sqlite3
import subprocess
import time
from email.utils import formatdate

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from support import look, zoo
from support.peer_servers import PythonServer

DAY = datetime.timedelta(days=1)


@pytest.fixture
def abc(hf):
    hf("init", "ABC Inc.")
    hf("issue", "mail", "--client")
    hf("issue", "localhost", "--server")
    return hf


def findings(hf, *args, exit=1):
    rows = hf.json("doctor", *args, exit=exit)["findings"]
    for row in rows:
        assert row["severity"] in ("error", "warning", "note") and row["sentence"] and row["fix"] and row["where"]
    return {row["id"]: row for row in rows}


def list_of(home, name, begin, end, key="issuing", issuer="issuing"):
    """A list as the CA itself would have signed it at another time."""
    now = datetime.datetime.utcnow()
    private = serialization.load_pem_private_key((home / ("ca/%s.key" % key)).read_bytes(), None)
    crl = x509.CertificateRevocationListBuilder(
        issuer_name=look.cert(home / ("ca/%s.pem" % issuer)).subject, last_update=now + begin,
        next_update=now + end).add_extension(x509.CRLNumber(99), False).sign(private, hashes.SHA256())
    (home / "ca" / name).write_bytes(crl.public_bytes(serialization.Encoding.PEM))


def test_a_new_home_is_well(abc):
    told = abc("doctor")
    assert "nothing that fails" in told.stdout
    assert set(findings(abc, exit=0)) == {"D-ROOT-KEY-HERE"}


def test_it_changes_nothing(abc, home):
    before = {k: v for k, v in look.tree(home).items() if "ca.db" not in k}
    (home / "id/mail/key.pem").chmod(0o644)
    findings(abc)
    assert {k: v for k, v in look.tree(home).items() if "ca.db" not in k} == before
    assert look.mode(home / "id/mail/key.pem") == 0o644


@pytest.mark.parametrize("begin, end, found", [(-30, -1, "D-CRL-STALE"), (-29, 1, "D-CRL-DUE")])
def test_lists_before_and_after_their_next_update(abc, home, begin, end, found):
    list_of(home, "crl.pem", begin * DAY, end * DAY)
    row = findings(abc)[found]
    assert row["where"].endswith("ca/crl.pem") and "handfast crl" in row["fix"]
    abc("crl")
    assert found not in findings(abc, exit=0)


def test_lists_that_are_missing_or_not_ours(abc, home):
    (home / "ca/root.crl.pem").unlink()
    assert findings(abc)["D-CRL-MISSING"]["where"].endswith("root.crl.pem")
    abc("crl")
    list_of(home, "crl.pem", -DAY, 29 * DAY, key="root")
    assert "D-CRL-FOREIGN" in findings(abc)


@pytest.mark.parametrize("path", ["ca/issuing.key", "ca/root.key", "id/mail/key.pem"])
def test_keys_that_others_can_read(abc, home, path):
    (home / path).chmod(0o640)
    row = findings(abc)["D-KEY-MODE"]
    assert row["where"].endswith(path) and "0640" in row["detail"] and "chmod 600" in row["fix"]


SECRETS = ["ca/serverkeygen.secret", "ca/ocsp.key", "ca/before/0001/key.pem"]


@pytest.fixture
def secrets(abc, home):
    """A home that has what the service and a rollover leave there."""
    abc("init", "--rollover")
    for path in SECRETS[:2]:
        (home / path).write_bytes(os.urandom(32))
        (home / path).chmod(0o600)
    return home


@pytest.mark.parametrize("path", SECRETS)
def test_secrets_of_the_service_and_of_cas_before(abc, secrets, path):
    (secrets / path).chmod(0o604)
    row = findings(abc)["D-KEY-MODE"]
    assert row["where"].endswith(path) and "0604" in row["detail"]
    subprocess.run(shlex.split(row["fix"]), check=True)
    assert "D-KEY-MODE" not in findings(abc, exit=0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("path", ["ca/issuing.key", "ca/root.key"] + SECRETS)
def test_secrets_of_another_user(abc, secrets, path):
    assert "D-KEY-OWNER" not in findings(abc, exit=0)
    os.chown(secrets / path, 12345, -1)
    row = findings(abc)["D-KEY-OWNER"]
    assert row["where"].endswith(path) and "12345" in row["detail"]
    subprocess.run(shlex.split(row["fix"]), check=True)
    assert "D-KEY-OWNER" not in findings(abc, exit=0)


@pytest.mark.parametrize("path", ["ca/issuing.key", "id/mail/key.pem"])
def test_keys_of_another_certificate(abc, home, path):
    shutil.copy(home / "id/localhost/key.pem", home / path)
    assert findings(abc)["D-KEY-MISMATCH"]["where"].endswith(path)


@pytest.mark.parametrize("path", ["ca/issuing.key", "id/mail/key.pem"])
def test_keys_that_are_gone(abc, home, path):
    (home / path).unlink()
    assert findings(abc)["D-KEY-MISSING"]["where"].endswith(path)


def test_an_encrypted_key_is_not_asked_for(hf, home, tmp_path):
    (tmp_path / "pass").write_text("s3cret\n")
    (tmp_path / "pass").chmod(0o600)
    hf("init", "ABC", "--passphrase-file", tmp_path / "pass")
    hf("doctor")


def test_an_identity_that_was_revoked(abc, home):
    assert "D-EXPIRES" not in findings(abc, "--warn", "9d", exit=0)
    abc("revoke", "mail", "--reason", "keyCompromise")
    row = findings(abc)["D-REVOKED"]
    assert row["where"].endswith("id/mail/cert.pem") and row["severity"] == "error"


def test_files_that_end(hf, tmp_path):
    certs = zoo.build({"old": {"days": [-30, -1]}, "soon": {"days": [-80, 10]}, "fresh": {"days": [-1, 30]},
                       "ca": {"issuer": "self", "ca": True, "days": [-400, -1], "ku": ["keyCertSign", "cRLSign"]},
                       "future": {"days": [100, 200]}})
    for name, found in (("old", "D-EXPIRED"), ("soon", "D-EXPIRES"), ("ca", "D-CA-EXPIRED"), ("future", "K-CLOCK")):
        (tmp_path / (name + ".pem")).write_bytes(certs[name].pem)
        assert found in findings(hf, tmp_path / (name + ".pem")), name
    (tmp_path / "fresh.pem").write_bytes(certs["fresh"].pem)
    assert findings(hf, tmp_path / "fresh.pem", exit=0) == {}
    assert "D-EXPIRES" not in findings(hf, tmp_path / "soon.pem", "--warn", "5d", exit=0)
    both = tmp_path / "both.pem"
    both.write_bytes(certs["fresh"].pem + certs["old"].key_pem)
    both.chmod(0o644)
    assert {"D-KEY-MODE", "D-KEY-MISMATCH"} <= set(findings(hf, both))


def test_a_leaf_that_outlives_its_issuer_and_one_without_it(abc, home):
    chain = look.certs(home / "id/mail/cert.pem")
    (home / "id/mail/cert.pem").write_bytes(chain[0].public_bytes(serialization.Encoding.PEM))
    assert "D-NO-CHAIN" in findings(abc)
    certs = zoo.build({"leaf": {"issuer": "issuing", "days": [-1, 3000]}})
    place = home / "id/foreign"
    place.mkdir()
    (place / "cert.pem").write_bytes(certs["leaf"].pem + certs["issuing"].pem)
    (place / "key.pem").write_bytes(certs["leaf"].key_pem)
    (place / "key.pem").chmod(0o600)
    issuing_ends = look.certs(place / "cert.pem")[1].not_valid_after
    assert look.cert(place / "cert.pem").not_valid_after > issuing_ends
    assert findings(abc)["D-OUTLIVES"]["where"].endswith("id/foreign/cert.pem")


def test_what_broken_runs_left(abc, home):
    (home / ".ca.Xy12Ab").mkdir()
    (home / "id/.mail.abc").mkdir()
    rows = [row for row in abc.json("doctor", exit=1)["findings"] if row["id"] == "D-STRAY"]
    assert sorted(row["where"].rsplit("/", 1)[1] for row in rows) == [".ca.Xy12Ab", ".mail.abc"]


def test_requests_that_wait(hf, home):
    hf("request", "amy")
    assert findings(hf, exit=0)["D-WAITING"]["where"].endswith("id/amy/request.pem")


def test_a_log_that_was_changed(abc, home):
    base = sqlite3.connect(home / "ca/ca.db")
    base.execute("UPDATE audit SET detail = 'nobody' WHERE id = (SELECT max(id) - 1 FROM audit)")
    base.commit()
    base.close()
    assert "D-AUDIT" in findings(abc)


def test_a_clock_that_went_back(abc, home):
    """The ledger's log knows the time of its last entry."""
    base = sqlite3.connect(home / "ca/ca.db")
    base.execute("UPDATE audit SET at = at + 10000000 WHERE id = (SELECT max(id) FROM audit)")
    base.commit()
    base.close()
    assert "NTP" in findings(abc)["K-CLOCK"]["fix"]


def test_a_ledger_that_does_not_open(abc, home):
    (home / "ca/ca.db").write_bytes(b"no ledger at all\n" * 300)
    row = findings(abc)["D-LEDGER"]
    assert row["severity"] == "error" and "ca.db" in row["detail"]


def test_a_policy_with_a_mistake(abc, home):
    (home / "ca/policy.yaml").write_text("profiles: [\n")
    row = findings(abc)["D-POLICY"]
    assert row["severity"] == "error" and "policy.yaml" in row["detail"]


def test_trust_that_ends(abc, home, tmp_path):
    certs = zoo.build({"partner": {"issuer": "self", "ca": True, "days": [-400, -1], "ku": ["keyCertSign", "cRLSign"]}})
    (home / "trust/partner.pem").write_bytes(certs["partner"].pem)
    assert findings(abc)["D-ANCHOR-EXPIRED"]["where"].endswith("trust/partner.pem")


def test_a_chain_file_of_before(abc, home):
    (home / "ca/chain.pem").write_bytes((home / "ca/root.pem").read_bytes())
    assert "D-CHAIN" in findings(abc)


def test_the_root_lists_that_wait(hf, home, tmp_path):
    root = hf.at(tmp_path / "root")
    root("init", "ABC", "--root-only")
    hf("root", "request", "ABC")
    until = (datetime.datetime.utcnow() + 40 * DAY).strftime("%Y-%m-%d")
    root("root", "sign", home / "ca.request/request.pem", "--out", tmp_path / "a.pem", "--yes", "--lists-until", until)
    hf("root", "accept", tmp_path / "a.pem", "--yes")
    assert "D-LISTS-END" in findings(hf)
    shutil.copy(tmp_path / "root/ca/root.crls.pem", tmp_path / "lists.pem")
    (home / "ca/root.crl.pem").unlink()
    rows = findings(hf)
    assert "D-RELEASE-DUE" in rows and "D-CRL-MISSING" in rows
    hf("root", "release")
    assert "D-RELEASE-DUE" not in findings(hf)


def days_of_lists(hf):
    until = hf.run("--json", "doctor").json().get("lists_until")
    return until and round((datetime.datetime.strptime(until, "%Y-%m-%dT%H:%M:%SZ") - datetime.datetime.utcnow()) / DAY)


def test_how_long_the_lists_last_if_the_authority_dies_now(abc, home):
    assert days_of_lists(abc) == 30  # the issuing CA's; the root's lasts for a year
    abc("crl", "--days", "90")
    assert days_of_lists(abc) == 90
    assert "its revocation lists would last until" in abc("doctor").stdout
    list_of(home, "crl.pem", -1 * DAY, 5 * DAY)
    assert days_of_lists(abc) == 5, "the first that ends counts"
    abc("crl")
    for name in ("root.crl.pem", "crl.pem"):
        list_of(home, name, -9 * DAY, -1 * DAY)
        assert days_of_lists(abc) is None and "would last" not in abc.run("doctor").stdout
        abc("crl")
        (home / "ca" / name).unlink()
        assert days_of_lists(abc) is None
        abc("crl")


def test_lists_of_an_offline_root_that_wait_count(hf, home, tmp_path):
    root = hf.at(tmp_path / "root")
    root("init", "ABC", "--root-only")
    hf("root", "request", "ABC")
    until = (datetime.datetime.utcnow() + 300 * DAY).strftime("%Y-%m-%d")
    root("root", "sign", home / "ca.request/request.pem", "--out", tmp_path / "a.pem", "--yes", "--lists-until", until)
    hf("root", "accept", tmp_path / "a.pem", "--yes")
    hf("crl", "--days", "350")
    assert 299 <= days_of_lists(hf) <= 350
    (home / "ca/root.crls.pem").unlink()
    assert days_of_lists(hf) <= 45


def test_an_empty_home_is_said_to_be_empty(hf):
    assert "nothing" in hf("doctor", exit=3).stderr


def test_it_tells_people_the_worst_first(abc, home):
    (home / "ca/crl.pem").unlink()
    (home / "ca/chain.pem").write_bytes((home / "ca/root.pem").read_bytes())
    text = abc("doctor", exit=1).stdout
    assert text.index("error") < text.index("warning") < text.index("note")
    assert "fix     handfast crl" in text


def test_what_fails_first_stands_first_with_its_command(abc, home):
    (home / "id/mail/key.pem").chmod(0o644)
    rows = abc.json("doctor", "--within", "40d", exit=1)["findings"]
    rank = {"error": 0, "warning": 1, "note": 2}
    assert [rank[row["severity"]] for row in rows] == sorted(rank[row["severity"]] for row in rows)
    dated = [row["at"] for row in rows if row["severity"] == "warning" and "at" in row]
    assert dated == sorted(dated) and len(dated) >= 2
    fixes = {row["id"]: row["fix"] for row in rows}
    assert fixes["D-KEY-MODE"] == "chmod 600 %s" % (home / "id/mail/key.pem")
    assert fixes["D-EXPIRES"] in ("handfast renew mail", "handfast renew localhost")


def test_within_is_meant_as_it_is_said(abc):
    assert "D-EXPIRES" not in findings(abc, exit=0)
    assert "D-EXPIRES" not in findings(abc, "--within", "20d", exit=0)
    assert "D-EXPIRES" in findings(abc, "--within", "31d")


def test_a_leaf_among_the_trust(abc, home):
    shutil.copy(home / "id/mail/cert.pem", home / "trust/partner.pem")
    assert findings(abc)["D-TRUST-NOT-CA"]["where"].endswith("trust/partner.pem")


def test_names_that_some_peers_refuse(hf, tmp_path):
    certs = zoo.build({"leaf": {"san": None, "eku": ["serverAuth"]}})
    (tmp_path / "old.pem").write_bytes(certs["leaf"].pem)
    assert "Go and browsers" in findings(hf, tmp_path / "old.pem")["D-WORLDS"]["detail"]


def test_a_file_of_tomorrow(hf, tmp_path, town):
    path = tmp_path / "mail.pem"
    shutil.copy(town["mail"].cert, path)
    os.utime(path, (4000000000, 4000000000))
    assert "2096" in findings(hf, path)["K-CLOCK"]["detail"]


def test_variables_that_change_trust_are_told_and_no_mistake(abc):
    rows = abc.json("doctor", env={"SSL_CERT_FILE": "/x.pem", "GIT_SSL_CAINFO": "/y.pem"})["findings"]
    assert {row["where"] for row in rows if row["id"] == "D-ENVIRONMENT"} == {"SSL_CERT_FILE", "GIT_SSL_CAINFO"}


def test_a_gateway_that_runs(hf, town, tmp_path):
    with hf.serve("--cert", town["server"].cert, "--key", town["server"].key, "--ca", town.ca, "--allow", "any",
                  "--respond", "verdict", "--listen", "127.0.0.1:0") as server:
        target = "127.0.0.1:%d" % server.port
        assert findings(hf, target, exit=0) == {}
        rows = findings(hf, target, "--within", "3650d")
        assert rows["D-EXPIRES"]["where"] == target and rows["D-CA-EXPIRES"]["where"] == target
    gone = findings(hf, target)["D-UNREACHABLE"]
    assert gone["fix"] == "handfast explain " + target


@pytest.mark.parametrize("knows, found", [("root", None), ("issuing", "D-NO-CHAIN"), (None, "D-LONE-LEAF")])
def test_a_gateway_that_sends_its_leaf_alone(hf, home, tmp_path, knows, found):
    """Nothing is missing below a root; whether the issuer is one, the trust of the home says."""
    certs = zoo.build({"gw": dict(zoo.SERVER, issuer="issuing" if knows == "issuing" else "root", days=[-1, 300])})
    cert, key = tmp_path / "gw.pem", tmp_path / "gw.key"
    cert.write_bytes(certs["gw"].pem)
    key.write_bytes(certs["gw"].key_pem)
    key.chmod(0o600)
    if knows:
        (home / "trust").mkdir()
        (home / "trust/theirs.pem").write_bytes(certs[knows].pem)
    with hf.serve("--cert", cert, "--key", key, "--client-auth", "none", "--respond", "text:x", "--listen",
                  "127.0.0.1:0") as server:
        rows = findings(hf, "127.0.0.1:%d" % server.port, exit=1 if found == "D-NO-CHAIN" else 0)
    assert set(rows) == ({found} if found else set()), rows


@pytest.mark.parametrize("apart, words", [(0, None), (20, None), (-7200, "2 hours behind ours"), (93600, "ahead of ours")])
def test_a_server_whose_clock_is_off(hf, town, tmp_path, apart, words):
    class Dated(PythonServer):
        def _answer(self, tls):
            tls.recv(65536)
            date = formatdate(time.time() + apart, usegmt=True)
            tls.sendall(("HTTP/1.1 200 OK\r\nDate: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % date).encode())

    with Dated(tmp_path, town["server"], mode="none") as server:
        rows = findings(hf, "127.0.0.1:%d" % server.port, exit=1 if words else 0)
    assert ("D-CLOCKS-DIFFER" in rows) == bool(words), rows
    if words:
        assert words in rows["D-CLOCKS-DIFFER"]["detail"] and "NTP" in rows["D-CLOCKS-DIFFER"]["fix"]


def test_what_a_gateway_presents_stands_by_date(hf, tmp_path):
    certs = zoo.build({"issuing": {"days": [-80, 8]}, "gw": dict(zoo.SERVER, days=[-80, 12])})
    cert, key = tmp_path / "gw.pem", tmp_path / "gw.key"
    cert.write_bytes(certs["gw"].pem + certs["issuing"].pem)
    key.write_bytes(certs["gw"].key_pem)
    key.chmod(0o600)
    with hf.serve("--cert", cert, "--key", key, "--client-auth", "none", "--respond", "text:x", "--listen",
                  "127.0.0.1:0") as server:
        rows = hf.json("doctor", "127.0.0.1:%d" % server.port, exit=1)["findings"]
    assert [row["id"] for row in rows] == ["D-CA-EXPIRES", "D-EXPIRES"] and rows[0]["at"] < rows[1]["at"]


def test_a_configuration_and_what_it_names(abc, home, tmp_path):
    config = tmp_path / "handfast.yaml"
    config.write_text("listen: 127.0.0.1:0\nas: localhost\nallow: [any]\nrespond: verdict\n")
    assert not [row for row in abc.json("doctor", "--config", config)["findings"] if row["severity"] != "note"]
    config.write_text("listen: 127.0.0.1:0\nas: nobody\nallow: [any]\nrespond: verdict\n")
    row = findings(abc, "--config", config)["D-CONFIG"]
    assert row["where"] == str(config) and "nobody" in row["detail"]
