# SPDX-License-Identifier: Apache-2.0
"""revoke, crl, list, renew: the life of a certificate after it was issued."""
import re

import pytest
from support import look
from support.peer_servers import OpenSSLServer
from support.peers import Credential
from support.terminal import Terminal


@pytest.fixture
def abc(hf):
    hf("init", "ABC Inc.")
    hf("issue", "mail", "--client")
    hf("issue", "bob", "--client")
    return hf


def crl_text(path):
    return look.openssl("crl", "-in", path, "-noout", "-text", "-crlnumber")


def number(path):
    return int(re.search(r"crlNumber=(?:0x)?([0-9A-Fa-f]+)", crl_text(path)).group(1), 16)


def serial_hex(path):
    """As openssl prints it in a list: even number of digits."""
    text = look.openssl("x509", "-in", path, "-noout", "-serial")
    return text.strip().split("=")[1]


@pytest.mark.row(40)
def test_revoked_certificate_is_on_the_new_list_with_its_reason(abc, home):
    before = number(home / "ca/crl.pem")
    abc("revoke", "mail", "--reason", "keyCompromise")
    text = crl_text(home / "ca/crl.pem")
    assert serial_hex(home / "id/mail/cert.pem") in text
    assert "Key Compromise" in text
    assert serial_hex(home / "id/bob/cert.pem") not in text
    assert number(home / "ca/crl.pem") > before
    look.openssl("crl", "-in", home / "ca/crl.pem", "-noout", "-verify", "-CAfile", home / "ca/issuing.pem")


@pytest.mark.row(40)
def test_openssl_refuses_what_was_revoked_and_takes_the_rest(abc, home, tmp_path):
    abc("revoke", "mail")
    lists = tmp_path / "crls.pem"
    lists.write_bytes((home / "ca/crl.pem").read_bytes() + (home / "ca/root.crl.pem").read_bytes())
    argv = ["verify", "-crl_check_all", "-CAfile", home / "ca/root.pem", "-CRLfile", lists, "-untrusted",
            home / "ca/issuing.pem"]
    assert "revoked" in look.openssl(*argv, home / "id/mail/cert.pem", exit=2)
    assert "OK" in look.openssl(*argv, home / "id/bob/cert.pem")


@pytest.mark.row(40)
def test_openssl_server_with_our_list_refuses_the_revoked_client(abc, home, tmp_path, python, town):
    abc("revoke", "mail")
    trust = tmp_path / "trust.pem"
    trust.write_bytes(b"".join((home / "ca" / name).read_bytes() for name in ("root.pem", "crl.pem", "root.crl.pem")))
    with OpenSSLServer(tmp_path, town["server"], trust, more=["-crl_check_all"]) as server:
        refused = python.get(server.port, Credential(home / "id/mail/cert.pem", home / "id/mail/key.pem"))
        assert refused.alert == 44, refused
        assert python.get(server.port, Credential(home / "id/bob/cert.pem", home / "id/bob/key.pem")).accepted


@pytest.mark.row(40)
@pytest.mark.parametrize("how", ["name", "serial", "file"])
def test_revocation_by_name_serial_or_file(abc, home, how):
    path = home / "id/mail/cert.pem"
    target = {"name": "mail", "serial": look.hexserial(look.cert(path)), "file": path}[how]
    abc("revoke", target)
    assert serial_hex(path) in crl_text(home / "ca/crl.pem")


@pytest.mark.row(40)
def test_second_revocation_of_the_same_says_so(abc, home):
    abc("revoke", "mail")
    again = abc.run("revoke", "mail")
    assert again.code in (0, 1)
    assert "already" in again.everything
    assert crl_text(home / "ca/crl.pem").count("Serial Number") == 1


@pytest.mark.row(40)
def test_unknown_name_and_unknown_reason_are_told_apart(abc):
    assert "nobody" in abc.run("revoke", "nobody").stderr
    assert abc.run("revoke", "nobody").code in (1, 3)
    refused = abc("revoke", "mail", "--reason", "keyCompromised", exit=2)
    assert "keyCompromise" in refused.stderr


@pytest.mark.row(40)
def test_fresh_list_has_a_higher_number_and_the_days_asked_for(abc, home, tmp_path):
    abc("revoke", "mail")
    before = number(home / "ca/crl.pem")
    abc("crl", "--days", "3")
    assert number(home / "ca/crl.pem") > before
    assert serial_hex(home / "id/mail/cert.pem") in crl_text(home / "ca/crl.pem")
    abc("crl", "--out", tmp_path / "copy.pem")
    assert serial_hex(home / "id/mail/cert.pem") in crl_text(tmp_path / "copy.pem")
    shown = abc("crl", "show", home / "ca/crl.pem").stdout
    assert look.hexserial(look.cert(home / "id/mail/cert.pem")) in shown.lower().replace(":", "")


def test_list_tells_serial_name_profile_and_state(abc, home):
    abc("issue", "localhost", "--server")
    abc("revoke", "bob")
    rows = {row["name"]: row for row in look.find_list(abc.json("list", "--all"))}
    assert {"mail", "bob", "localhost"} <= set(rows)
    assert rows["bob"]["state"] == "revoked"
    assert rows["mail"]["profile"] == "client" and rows["localhost"]["profile"] == "server"
    serial = look.hexserial(look.cert(home / "id/mail/cert.pem"))
    assert serial in str(rows["mail"]["serial"]).lower().replace(":", "")
    only = look.find_list(abc.json("list", "--revoked"))
    assert [row["name"] for row in only] == ["bob"]
    assert len(look.find_list(abc.json("list", "--all", "--limit", "2"))) == 2


def test_list_of_what_expires_soon(abc):
    abc("issue", "short", "--client", "--days", "2")
    names = [row["name"] for row in look.find_list(abc.json("list", "--expiring", "10d"))]
    assert names == ["short"]
    text = abc("list").stdout
    assert "short" in text and "mail" in text


def test_renewal_is_not_due_and_says_so(abc, home):
    before = look.tree(home / "id/mail")
    told = abc("renew", "mail")
    assert told.stdout or told.stderr
    assert look.tree(home / "id/mail") == before


def test_renewal_that_is_due_makes_a_new_key_and_keeps_the_identity(abc, home, tmp_path):
    abc("issue", "gw.abc.test", "--server", "--san", "ip:10.0.0.1", "--subject", "/O=ABC/CN=gw.abc.test")
    old = look.cert(home / "id/gw.abc.test/cert.pem")
    old_key = (home / "id/gw.abc.test/key.pem").read_bytes()
    abc("renew", "gw.abc.test", "--before", "40d", "--exec", "touch %s/done" % tmp_path)
    new = look.cert(home / "id/gw.abc.test/cert.pem")
    assert new.serial_number != old.serial_number
    assert (new.subject, look.sans(new), look.purposes(new)) == (old.subject, look.sans(old), look.purposes(old))
    assert (home / "id/gw.abc.test/key.pem").read_bytes() != old_key
    assert look.mode(home / "id/gw.abc.test/key.pem") == 0o600
    assert (tmp_path / "done").exists()


def test_renewal_of_all_renews_what_is_due_only(abc, home):
    abc("issue", "short", "--client", "--days", "1")
    before = {name: look.cert(home / ("id/%s/cert.pem" % name)) for name in ("mail", "short")}
    abc("renew", "--all", "--before", "2d")
    assert look.cert(home / "id/mail/cert.pem") == before["mail"]
    assert look.cert(home / "id/short/cert.pem") != before["short"]


def test_revoked_identity_is_not_renewed(abc, home):
    abc("revoke", "mail")
    before = look.tree(home / "id/mail")
    refused = abc.run("renew", "mail", "--before", "40d")
    assert refused.code in (1, 3) and "revoked" in refused.everything
    assert look.tree(home / "id/mail") == before


@pytest.mark.parametrize("where", ["missing/list.pem", "there", "there/", "file/list.pem"])
def test_list_that_cannot_be_written_where_it_is_wanted_is_not_signed(abc, home, tmp_path, where):
    (tmp_path / "there").mkdir()
    (tmp_path / "file").write_text("x")
    before = look.tree(home / "ca")["crl.pem"]
    refused = abc.run("crl", "--out", "%s/%s" % (tmp_path, where))
    assert refused.code in (2, 3) and "nothing was signed" in refused.stderr and "--out" in refused.stderr, refused
    assert look.tree(home / "ca")["crl.pem"] == before
    assert not (tmp_path / "missing").exists()


@pytest.fixture
def own_ca(abc, home):
    return look.hexserial(look.cert(home / "ca/issuing.pem"))


@pytest.mark.parametrize("how", ["serial", "file", "json"])
def test_the_own_issuing_ca_is_not_revoked_by_a_slip(abc, home, own_ca, how):
    before = look.tree(home / "ca")
    what = home / "ca/issuing.pem" if how == "file" else own_ca
    refused = abc("revoke", what, *(["--json"] if how == "json" else []), exit=1)
    assert "own issuing CA" in refused.everything and "--yes" in refused.everything
    assert {name: data for name, data in look.tree(home / "ca").items() if name.endswith(".pem")} == \
        {name: data for name, data in before.items() if name.endswith(".pem")}
    abc("issue", "carl", "--client")


def test_a_person_is_asked_before_the_own_issuing_ca_is_revoked(abc, own_ca):
    with Terminal(abc, "revoke", own_ca) as terminal:
        terminal.answer("Revoke it?", "no")
        assert "nothing was revoked" in terminal.end(exit=1)
    abc("issue", "carl", "--client")
    with Terminal(abc, "revoke", own_ca, "--reason", "cACompromise") as terminal:
        terminal.answer("Revoke it?", "yes")
        terminal.end()
    abc("issue", "dora", "--client", exit=1)


def test_a_revoked_issuing_ca_issues_nothing_and_still_revokes(abc, home, own_ca, tmp_path):
    abc("revoke", own_ca, "--yes", "--reason", "cACompromise")
    for refused in (abc("issue", "carl", "--client", exit=1), abc("issue", "carl", "--client", "--dry-run", exit=1),
                    abc("renew", "mail", "--before", "365d", exit=1)):
        assert "was revoked by its root" in refused.stderr
    assert "carl" not in str(abc.json("list", "--all"))
    found = {one["id"]: one for one in abc.run("doctor", "--json").json()["findings"]}
    assert found["D-CA-REVOKED"]["severity"] == "error"
    abc("revoke", "mail")
    assert serial_hex(home / "id/mail/cert.pem") in crl_text(home / "ca/crl.pem")
    refused = abc("root", "request", exit=1)
    assert "not certified again" in refused.stderr


def test_a_root_list_that_is_not_the_root_s_stops_nobody(abc, home, own_ca, hf, tmp_path):
    other = hf.at(tmp_path / "other")
    other("init", "Other")
    (home / "ca/root.crl.pem").write_bytes((tmp_path / "other/ca/root.crl.pem").read_bytes())
    abc("issue", "carl", "--client")
    (home / "ca/root.crl.pem").unlink()
    abc("issue", "dora", "--client")
    (home / "ca/root.crl.pem").write_text("nothing")
    abc("issue", "emil", "--client")


def test_numbers_of_lists_are_decimal_for_people_as_openssl_prints_them(abc, home):
    for _ in range(12):
        told = abc("crl")
    wanted = str(number(home / "ca/crl.pem"))
    assert int(wanted) >= 13 and "X509v3 CRL Number: \n                " + wanted in crl_text(home / "ca/crl.pem")
    assert "number %s, " % wanted in told.stdout
    for command in (("crl", "show"), ("show",)):
        assert re.search(r"number +%s\n" % wanted, abc(*command, home / "ca/crl.pem").stdout)
    assert "number %d, 1 revoked" % (int(wanted) + 1) in abc("revoke", "mail").stdout


def test_revoking_twice_says_that_nothing_is_left_to_do(hf):
    hf("init", "ABC Inc.")
    hf("issue", "amy", "--client")
    hf("revoke", "amy")
    told = hf("revoke", "amy", exit=1)
    assert "revoked already" in told.stderr and "nothing is left to do" in told.stderr
