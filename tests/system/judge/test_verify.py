# SPDX-License-Identifier: Apache-2.0
"""`handfast verify` from the shell: words, exit codes, times, names, rules."""
import datetime

import pytest
from support import look, zoo


@pytest.mark.row(42)
def test_good_certificate_gives_the_line_that_openssl_gives(hf, town):
    path = town["mail"].cert
    told = hf("verify", "--ca", town.ca, path)
    assert told.stdout == "%s: OK\n" % path


@pytest.mark.row(42)
def test_bad_certificate_gives_reason_and_fix_and_exit_one(hf, town):
    told = hf("verify", "--ca", town.ca, "--purpose", "client", town["expired"].cert, exit=1)
    assert "V-EXPIRED" in told.everything
    assert "renew" in told.everything
    assert "OK" not in told.stdout


@pytest.mark.row(43)
def test_missing_link_is_named(hf, town, tmp_path):
    leaf_only = hf("verify", "--ca", town.ca, town["nointer"].cert, exit=1)
    assert "V-NO-INTERMEDIATE" in leaf_only.everything
    assert "Zoo Issuing CA" in leaf_only.everything
    above = hf("verify", "--ca", town.foreign_ca, town["mail"].cert, exit=1)
    assert "V-UNKNOWN-CA" in above.everything
    assert "Zoo Root" in above.everything
    assert leaf_only.everything != above.everything


@pytest.mark.row(43)
def test_untrusted_intermediates_may_be_given_apart(hf, town):
    hf("verify", "--ca", town.ca, "--untrusted", town.issuing, town["nointer"].cert)


def test_moment_can_be_chosen(hf, town):
    then = (zoo.NOW - datetime.timedelta(days=10)).strftime("%Y-%m-%dT%H:%M:%SZ")
    certs = zoo.build({"root": {"days": [-60, 60]}, "issuing": {"days": [-60, 60]}, "leaf": {"days": [-30, -1]}})
    path, ca = town.write("then.pem", certs["leaf"].pem + certs["issuing"].pem), town.write("then-ca.pem", certs["root"].pem)
    hf("verify", "--ca", ca, path, exit=1)
    hf("verify", "--ca", ca, "--at", then, path)


def test_last_second_of_validity_is_valid(hf, town):
    leaf = look.cert(town["mail"].cert)
    last = leaf.not_valid_after
    form = "%Y-%m-%dT%H:%M:%SZ"
    certs = zoo.build({"root": {"days": [-60, 600]}, "issuing": {"days": [-60, 600]}, "leaf": {"days": [-30, 1]}})
    path, ca = town.write("last.pem", certs["leaf"].pem + certs["issuing"].pem), town.write("last-ca.pem", certs["root"].pem)
    last = certs["leaf"].x509.not_valid_after
    hf("verify", "--ca", ca, "--at", last.strftime(form), path)
    after = hf("verify", "--ca", ca, "--at", (last + datetime.timedelta(seconds=1)).strftime(form), path, exit=1)
    assert "V-EXPIRED" in after.everything


def test_nothing_is_trusted_when_no_ca_is_given(hf, town):
    told = hf.run("verify", town["mail"].cert)
    assert told.code in (1, 2)
    assert "--ca" in told.everything


def test_several_cas_may_be_given(hf, town):
    hf("verify", "--ca", town.foreign_ca, "--ca", town.ca, town["mail"].cert)
    hf("verify", "--ca", town.foreign_ca, "--ca", town.ca, town["foreign"].cert)


@pytest.mark.row(89)
def test_name_is_checked_only_when_asked(hf, town):
    hf("verify", "--ca", town.ca, "--purpose", "server", town["server"].cert)
    hf("verify", "--ca", town.ca, "--purpose", "server", "--name", "::1", town["server"].cert)
    told = hf("verify", "--ca", town.ca, "--purpose", "server", "--name", "other.test", town["server"].cert, exit=1)
    assert "localhost" in told.everything  # the text names what the certificate has


@pytest.mark.row(34)
def test_rule_that_decides_is_told(hf, town):
    told = hf("verify", "--ca", town.ca, "--purpose", "client", "--allow", "cn:mail-server", town["mail"].cert)
    assert "cn:mail-server" in told.everything
    told = hf("verify", "--ca", town.ca, "--purpose", "client", "--allow", "cn:amy", town["mail"].cert, exit=1)
    assert "A-NOT-ALLOWED" in told.everything


def test_files_that_are_something_else_are_named_for_what_they_are(hf, town, tmp_path):
    (tmp_path / "empty.pem").write_text("")
    for path in (town["mail"].key, tmp_path / "empty.pem", tmp_path / "absent.pem", town.crl):
        told = hf.run("verify", "--ca", town.ca, path)
        assert told.code in (1, 3), told
        assert str(path).rsplit("/", 1)[1] in told.stderr
        assert not look.has_key_bytes(told.out + told.err, town["mail"].key)


def test_der_and_combined_files_are_read(hf, town, tmp_path):
    der = tmp_path / "root.der"
    der.write_bytes(town.certs["root"].der)
    hf("verify", "--ca", der, town["mail"].cert)
    hf("verify", "--ca", town.ca, town.combined("mail", key_first=True))
    hf("verify", "--ca", town.ca, town.combined("mail"))


def test_several_files_are_judged_each(hf, town):
    told = hf.run("verify", "--ca", town.ca, town["mail"].cert, town["expired"].cert)
    if told.code == 2:
        pytest.skip("verify takes one file")
    assert told.code == 1 and "mail.pem: OK" in told.stdout


@pytest.mark.row(15)
def test_two_certificates_with_serial_zero_are_accepted_with_a_warning(hf, town):
    """As the second tutorial makes them: -set_serial 0 for every certificate."""
    certs = zoo.build({"issuing": {"issuer": "self", "pathlen": None}, "leaf": {"serial": 0},
                       "mate": {"serial": 0, "issuer": "issuing"}})
    ca = town.write("zero-ca.pem", certs["issuing"].pem)
    for name in ("leaf", "mate"):
        path = town.write("zero-%s.pem" % name, certs[name].pem)
        told = hf("verify", "--ca", ca, "--purpose", "client", path)
        assert "V-SERIAL" in told.everything and "%s: OK" % path in told.stdout


@pytest.mark.row(44)
def test_hierarchies_of_the_same_names_are_told_apart_by_key(hf, town):
    one, two = zoo.build({}), zoo.build({})
    roots = {n: town.write("twin-root-%s.pem" % n, c["root"].pem) for n, c in (("1", one), ("2", two))}
    leaves = {n: town.write("twin-%s.pem" % n, c["leaf"].pem + c["issuing"].pem) for n, c in (("1", one), ("2", two))}
    for n, other in (("1", "2"), ("2", "1")):
        hf("verify", "--ca", roots[n], leaves[n])
        told = hf("verify", "--ca", roots[other], leaves[n], exit=1)
        assert "V-SAME-NAME-CA" in told.everything
        hf("verify", "--ca", roots[other], "--ca", roots[n], leaves[n])
    mixed = town.write("twin-mixed.pem", one["leaf"].pem + two["issuing"].pem)
    hf("verify", "--ca", roots["1"], "--ca", roots["2"], mixed, exit=1)
