# SPDX-License-Identifier: Apache-2.0
"""The ceremony of an offline root: a request, one page, an answer; and a year of its lists."""
import datetime

import pytest
from support import look
from support.terminal import Terminal


@pytest.fixture
def root(hf, tmp_path):
    """The machine that is never connected."""
    machine = hf.at(tmp_path / "root")
    machine("init", "ABC Inc.", "--root-only")
    return machine


@pytest.fixture
def asked(hf, home):
    hf("init", "ABC Inc.", "--offline-root")
    return home / "ca.request/request.pem"


def fingerprint(path):
    return look.openssl("x509", "-in", path, "-noout", "-fingerprint", "-sha256").split("=")[1].strip()


def in_a_year():
    return (datetime.datetime.utcnow() + datetime.timedelta(days=365)).strftime("%Y-%m-%d")


def sign(root, request, out, *more):
    return root("root", "sign", request, "--out", out, "--yes", *more)


def test_two_files_make_an_authority_whose_root_is_elsewhere(hf, root, asked, home, tmp_path):
    told = sign(root, asked, tmp_path / "answer.pem").stdout
    for fact in ("ABC Inc. Root CA", "ABC Inc. Issuing CA", "path length 0", "SHA-256", "has not certified before"):
        assert fact in told, told
    hf("root", "accept", tmp_path / "answer.pem", "--root-sha256", fingerprint(tmp_path / "root/ca/root.pem"))
    assert not (home / "ca.request").exists() and not (home / "ca/root.key").exists()
    assert look.mode(home / "ca/issuing.key") == 0o600
    hf("issue", "localhost", "--server")
    look.openssl("verify", "-x509_strict", "-crl_check_all", "-CAfile", home / "ca/root.pem", "-CRLfile",
                 home / "ca/crl.pem", "-CRLfile", home / "ca/root.crl.pem", "-untrusted", home / "ca/issuing.pem",
                 home / "id/localhost/cert.pem")
    assert "issuing" in hf("list", "--all").stdout


def test_neither_file_holds_a_key(hf, root, asked, home, tmp_path):
    sign(root, asked, tmp_path / "answer.pem", "--lists-until", in_a_year())
    for path in (asked, tmp_path / "answer.pem"):
        assert b"PRIVATE KEY" not in path.read_bytes()
        assert not look.has_key_bytes(path.read_bytes(), tmp_path / "root/ca/root.key")
        assert not look.has_key_bytes(path.read_bytes(), home / "ca.request/issuing.key")


def test_the_root_signs_nothing_that_was_not_confirmed(root, asked, tmp_path):
    refused = root("root", "sign", asked, exit=2)
    assert "--yes" in refused.stderr and "To be signed" in refused.stdout
    assert not asked.with_name("answer.pem").exists()
    assert len(root.json("list", "--all")["certificates"]) == 1
    with Terminal(root, "root", "sign", asked) as seat:
        seat.expect("ABC Inc. Issuing CA")
        seat.answer("Sign this?", "no")
        assert "nothing was done" in seat.end(exit=1)
    assert not asked.with_name("answer.pem").exists()
    with Terminal(root, "root", "sign", asked) as seat:
        seat.answer("Sign this?", "maybe")
        seat.answer("Sign this?", "yes")
        seat.end()
    assert len(look.certs(asked.with_name("answer.pem"))) == 2


def test_the_home_asks_whether_the_root_is_the_right_one(hf, root, asked, home, tmp_path):
    sign(root, asked, tmp_path / "answer.pem")
    hf("root", "accept", tmp_path / "answer.pem", exit=2)
    wrong = hf("root", "accept", tmp_path / "answer.pem", "--root-sha256", "00" * 32, exit=1)
    assert "--root-sha256" in wrong.stderr
    assert not (home / "ca").exists()
    with Terminal(hf, "root", "accept", tmp_path / "answer.pem") as seat:
        seat.expect(fingerprint(tmp_path / "root/ca/root.pem").replace(":", "").lower())
        seat.answer("same SHA-256?", "yes")
        seat.end()
    assert (home / "ca/issuing.pem").exists()


def test_a_root_that_was_exchanged_on_the_way_is_not_believed(hf, root, asked, home, tmp_path):
    """Even by those who did not compare: the certificate in the answer is not below it."""
    stranger = hf.at(tmp_path / "stranger")
    stranger("init", "ABC Inc.", "--root-only")
    sign(root, asked, tmp_path / "answer.pem")
    text = (tmp_path / "answer.pem").read_text()
    assert (tmp_path / "root/ca/root.pem").read_text() in text
    (tmp_path / "answer.pem").write_text(text.replace((tmp_path / "root/ca/root.pem").read_text(),
                                                      (tmp_path / "stranger/ca/root.pem").read_text()))
    hf("root", "accept", tmp_path / "answer.pem", "--yes", exit=1)
    assert not (home / "ca").exists() and asked.exists()


def test_an_answer_from_a_stranger_is_refused_later(hf, root, asked, home, tmp_path):
    sign(root, asked, tmp_path / "answer.pem")
    hf("root", "accept", tmp_path / "answer.pem", "--yes")
    before = (home / "ca/chain.pem").read_bytes()
    stranger = hf.at(tmp_path / "stranger")
    stranger("init", "ABC Inc.", "--root-only")
    hf("root", "request")
    sign(stranger, home / "ca.request/request.pem", tmp_path / "strange.pem")
    told = hf("root", "accept", tmp_path / "strange.pem", exit=1)
    assert "another root" in told.stderr
    assert (home / "ca/chain.pem").read_bytes() == before


def test_the_page_marks_what_differs_from_the_certificate_before(hf, root, asked, home, tmp_path):
    sign(root, asked, tmp_path / "answer.pem", "--permit", "dns:abc.com")
    hf("root", "accept", tmp_path / "answer.pem", "--yes")
    first = look.cert(home / "ca/issuing.pem")
    hf("root", "request")
    page = root.json("root", "sign", home / "ca.request/request.pem", "--out", tmp_path / "two.pem", "--days", "2000")
    changed = {row["what"]: (row["was"], row["will"]) for row in page["changes"] if row["differs"]}
    assert page["follows"] == look.hexserial(first).lower().lstrip("0")
    assert changed["names"] == ("dns:abc.com", "any name") and "until" in changed
    assert "key" not in changed and "subject" not in changed
    hf("root", "accept", tmp_path / "two.pem")
    second = look.cert(home / "ca/issuing.pem")
    assert second.public_key().public_numbers() == first.public_key().public_numbers()
    assert second.not_valid_after > first.not_valid_after
    assert look.certs(home / "ca/chain.pem")[0] == second


def test_a_renewal_leaves_old_leaves_good(hf, root, asked, home, tmp_path):
    sign(root, asked, tmp_path / "answer.pem", "--days", "100")
    hf("root", "accept", tmp_path / "answer.pem", "--yes")
    hf("issue", "localhost", "--server")
    hf("root", "request")
    sign(root, home / "ca.request/request.pem", tmp_path / "two.pem")
    hf("root", "accept", tmp_path / "two.pem")
    look.openssl("verify", "-x509_strict", "-CAfile", home / "ca/root.pem", "-untrusted", home / "ca/issuing.pem",
                 home / "id/localhost/cert.pem")


def test_a_year_of_lists_waits_for_its_dates(hf, root, asked, home, tmp_path):
    sign(root, asked, tmp_path / "answer.pem", "--lists-until", in_a_year())
    told = hf.json("root", "accept", tmp_path / "answer.pem", "--yes")
    assert told["lists"] == 13
    text = (home / "ca/root.crls.pem").read_text()
    assert text.count("BEGIN X509 CRL") == 13
    look.openssl("crl", "-in", home / "ca/root.crl.pem", "-noout", "-CAfile", home / "ca/root.pem", "-verify")
    released = hf.json("root", "release")
    assert released["released"] is None and released["waiting"] == 12
    assert "reach until" in hf("crl").stderr


def test_lists_alone_come_from_crl_until(hf, root, asked, home, tmp_path):
    sign(root, asked, tmp_path / "answer.pem")
    hf("root", "accept", tmp_path / "answer.pem", "--yes")
    rows = root.json("crl", "--until", in_a_year(), "--days", "90", "--out", tmp_path / "lists.pem")["lists"]
    assert len(rows) == 5
    assert [int(row["number"], 16) for row in rows] == list(range(int(rows[0]["number"], 16), int(rows[0]["number"], 16) + 5))
    for one, two in zip(rows, rows[1:]):
        assert one["this_update"] < two["this_update"] < one["next_update"]
    assert hf.json("root", "accept", tmp_path / "lists.pem")["lists"] == 5
    assert hf.json("root", "release")["waiting"] == 4
    single = hf.at(tmp_path / "single")
    single("init", "One", "--single")
    single("crl", "--until", in_a_year(), exit=2)


def test_a_root_key_that_was_taken_away_comes_back_for_its_lists(hf, home, tmp_path):
    hf("init", "ABC", "--offline-root", "--root-out", tmp_path / "stick")
    missing = hf("crl", "--until", in_a_year(), exit=3)
    assert "root.key" in missing.stderr
    (home / "ca/root.key").write_bytes((tmp_path / "stick/root.key").read_bytes())
    (home / "ca/root.key").chmod(0o600)
    assert len(hf.json("crl", "--until", in_a_year())["lists"]) == 13
    (home / "ca/root.key").unlink()
    assert hf.json("root", "release")["waiting"] == 12
    assert "reach until" in hf("crl").stderr
    hf("doctor")


def test_an_ordinary_authority_can_certify_one_below_it_too(hf, home, tmp_path):
    hf("init", "ABC")
    branch = hf.at(tmp_path / "branch")
    branch("root", "request", "ABC Branch")
    sign(hf, tmp_path / "branch/ca.request/request.pem", tmp_path / "answer.pem", "--permit", "dns:branch.abc.com")
    branch("root", "accept", tmp_path / "answer.pem", "--root-sha256", fingerprint(home / "ca/root.pem"))
    branch("issue", "www.branch.abc.com", "--server")
    branch("issue", "www.abc.com", "--server", exit=1)
    look.openssl("verify", "-x509_strict", "-CAfile", home / "ca/root.pem", "-untrusted",
                 tmp_path / "branch/ca/issuing.pem", tmp_path / "branch/id/www.branch.abc.com/cert.pem")


def test_a_revocation_at_the_root_reaches_the_home(hf, root, asked, home, tmp_path):
    sign(root, asked, tmp_path / "answer.pem", "--lists-until", in_a_year())
    hf("root", "accept", tmp_path / "answer.pem", "--yes")
    hf("issue", "localhost", "--server")
    root("revoke", look.hexserial(look.cert(home / "ca/issuing.pem")), "--reason", "cACompromise")
    hf("root", "accept", tmp_path / "root/ca/root.crl.pem")
    refused = hf("verify", home / "id/localhost/cert.pem", exit=1)
    assert "revoked" in refused.everything.lower()
    assert hf.json("root", "release")["waiting"] == 0  # those that waited do not know of it


def test_the_root_notes_both_files_in_its_log(root, asked, tmp_path):
    import hashlib
    import sqlite3
    sign(root, asked, tmp_path / "answer.pem")
    rows = sqlite3.connect("file:%s?mode=ro" % (tmp_path / "root/ca/ca.db"), uri=True).execute(
        "SELECT detail FROM audit WHERE action = 'root-sign'").fetchall()
    for path in (asked, tmp_path / "answer.pem"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() in rows[0][0]


def test_a_root_alone_issues_no_leaves(root):
    assert "offline root" in root("issue", "mail", "--client", exit=1).stderr


def test_an_encrypted_key_stays_encrypted_through_the_ceremony(hf, root, home, tmp_path):
    (tmp_path / "pass").write_text("s3cret\n")
    (tmp_path / "pass").chmod(0o600)
    hf("root", "request", "ABC Inc.", "--passphrase-file", tmp_path / "pass")
    sign(root, home / "ca.request/request.pem", tmp_path / "answer.pem")
    hf("root", "accept", tmp_path / "answer.pem", "--yes", "--passphrase-file", tmp_path / "pass")
    assert "ENCRYPTED" in (home / "ca/issuing.key").read_text()
    hf("issue", "mail", "--client", "--passphrase-file", tmp_path / "pass")
    hf("issue", "post", "--client", exit=3)


def test_nothing_is_asked_twice_and_nothing_overwritten(hf, root, asked, tmp_path):
    again = hf("init", "ABC Inc.", "--offline-root", exit=1)
    assert "waits" in again.stderr
    before = asked.read_bytes()
    hf("root", "request", "ABC Inc.", "--force")
    assert asked.read_bytes() != before
    sign(root, asked, tmp_path / "answer.pem")
    root("root", "sign", asked, "--out", tmp_path / "answer.pem", "--yes", exit=1)


@pytest.mark.parametrize("wrong", [["init", "A", "--root-only", "--single"], ["init", "A", "--root-only", "--offline-root"],
                                   ["init", "A", "--root-only", "--permit", "dns:a.com"], ["root"],
                                   ["init", "A", "--root-out", "x"], ["root", "request"]])
def test_usage(hf, wrong):
    hf(*wrong, exit=2)


def test_other_files_are_named_for_what_they_are(hf, root, asked, tmp_path):
    root("root", "sign", tmp_path / "root/ca/root.pem", "--yes", exit=3)
    assert "request" in root.run("root", "sign", tmp_path / "root/ca/root.pem", "--yes").stderr
    assert hf.run("root", "accept", asked).code == 3
