# SPDX-License-Identifier: Apache-2.0
"""`handfast issue`: keys and certificates in one step, and what openssl says of them."""
import os
from pathlib import Path

import pytest
from support import look


@pytest.fixture
def abc(hf):
    hf("init", "ABC Inc.")
    return hf


def strict(home, name, purpose):
    return look.openssl("verify", "-x509_strict", "-purpose", purpose, "-CAfile", home / "ca/root.pem",
                        "-untrusted", home / "ca/issuing.pem", home / ("id/%s/cert.pem" % name))


@pytest.mark.row(1, 28, 29)
def test_client_certificate_passes_openssl_strict_and_is_for_clients_only(abc, home):
    abc("issue", "mail-server", "--client")
    assert "OK" in strict(home, "mail-server", "sslclient")
    leaf = look.cert(home / "id/mail-server/cert.pem")
    assert look.purposes(leaf) == {"clientAuth"}
    assert "digital_signature" in look.usages(leaf) and "key_cert_sign" not in look.usages(leaf)
    assert look.extension(leaf, look.ExtensionOID.KEY_USAGE).critical
    assert look.basic(leaf) is None or not look.basic(leaf).value.ca


@pytest.mark.row(28, 29, 33)
def test_server_certificate_has_the_name_as_subject_alternative_name(abc, home):
    abc("issue", "localhost", "--server", "--san", "ip:127.0.0.1")
    assert "OK" in strict(home, "localhost", "sslserver")
    leaf = look.cert(home / "id/localhost/cert.pem")
    assert look.purposes(leaf) == {"serverAuth"}
    assert look.sans(leaf) == {"dns:localhost", "ip:127.0.0.1"}
    assert look.cn(leaf) == "localhost"


@pytest.mark.row(33)
def test_server_named_by_an_address_gets_an_ip_entry(abc, home):
    abc("issue", "10.1.2.3", "--server")
    assert look.sans(look.cert(home / "id/10.1.2.3/cert.pem")) == {"ip:10.1.2.3"}


@pytest.mark.row(30)
def test_peer_certificate_serves_both_roles(abc, home):
    abc("issue", "node-1", "--peer")
    assert look.purposes(look.cert(home / "id/node-1/cert.pem")) == {"clientAuth", "serverAuth"}
    strict(home, "node-1", "sslclient")
    strict(home, "node-1", "sslserver")


@pytest.mark.row(32)
def test_every_kind_of_subject_alternative_name_is_written(abc, home):
    abc("issue", "gw.abc.test", "--server", "--san", "dns:a.abc.test,ip:10.0.0.1,ip:2001:db8::1",
        "--san", "uri:identity://localhost.client", "--san", "email:ops@abc.test")
    leaf = look.cert(home / "id/gw.abc.test/cert.pem")
    assert look.sans(leaf) == {"dns:gw.abc.test", "dns:a.abc.test", "ip:10.0.0.1", "ip:2001:db8::1",
                               "uri:identity://localhost.client", "email:ops@abc.test"}


@pytest.mark.parametrize("wrong", ["dns:-bad..name", "ip:300.1.1.1", "uri:", "colour:blue", "email:nobody", "dns:"])
@pytest.mark.row(32)
def test_wrong_subject_alternative_name_is_a_usage_error_that_names_it(abc, home, wrong):
    refused = abc("issue", "gw", "--server", "--san", wrong, exit=2)
    assert wrong in refused.stderr or wrong.split(":")[0] in refused.stderr
    assert not (home / "id/gw").exists()


@pytest.mark.row(6)
def test_key_is_private_from_the_first_byte_even_with_an_open_umask(abc, home):
    before = os.umask(0)
    try:
        abc("issue", "amy", "--client")
    finally:
        os.umask(before)
    assert look.mode(home / "id/amy/key.pem") == 0o600
    assert not look.mode(home / "id/amy/cert.pem") & 0o022


@pytest.mark.row(8)
@pytest.mark.parametrize("subject", [
    "/CN=localhost/O=InvoiceServer", "/O=InvoiceServer/CN=localhost", "/C=IN/ST=Kerala/L=Kochi/O=ABC/OU=Mail/CN=m",
    r"/O=a\/b/CN=x", "/O=ABC+OU=Mail/CN=x", r"/O=one \+ one/CN=x",
])
def test_subject_has_the_order_that_openssl_gives_it(abc, home, tmp_path, subject):
    abc("issue", "invoice", "--client", "--subject", subject)
    key = tmp_path / "k.pem"
    look.openssl("genpkey", "-algorithm", "ED25519", "-out", key)
    theirs = look.openssl("req", "-new", "-key", key, "-subj", subject, "-multivalue-rdn", "-noout", "-subject",
                          "-nameopt", "RFC2253")
    ours = look.openssl("x509", "-in", home / "id/invoice/cert.pem", "-noout", "-subject", "-nameopt", "RFC2253")
    assert ours.strip() == theirs.strip()


@pytest.mark.row(17)
def test_days_can_be_chosen_and_default_to_thirty(abc, home):
    abc("issue", "a", "--client")
    assert 29.9 <= look.days(look.cert(home / "id/a/cert.pem")) <= 30.1
    abc("issue", "b", "--client", "--days", "365")
    assert 364.9 <= look.days(look.cert(home / "id/b/cert.pem")) <= 365.1


@pytest.mark.row(17)
def test_leaf_never_outlives_its_issuer_and_says_so(abc, home):
    told = abc("issue", "a", "--client", "--days", "9000")
    leaf, issuing = look.certs(home / "id/a/cert.pem")[:2]
    assert leaf.not_valid_after <= issuing.not_valid_after
    assert "issuer" in told.stderr.lower() or "issuing" in told.stderr.lower()


def test_validity_begins_five_minutes_back(abc, home):
    import datetime
    abc("issue", "a", "--client")
    age = datetime.datetime.utcnow() - look.cert(home / "id/a/cert.pem").not_valid_before
    assert 290 <= age.total_seconds() <= 360


@pytest.mark.row(18)
def test_certificates_are_signed_with_sha256_or_better(abc, home):
    abc("issue", "a", "--client", "--key-type", "rsa2048")
    for one in look.certs(home / "id/a/cert.pem"):
        assert one.signature_hash_algorithm.name in ("sha256", "sha384")


@pytest.mark.row(14)
def test_serials_are_random_positive_and_of_at_least_64_bits(abc, home):
    seen = set()
    for name in ("a", "b", "c", "d"):
        abc("issue", name, "--client")
        seen.add(look.cert(home / ("id/%s/cert.pem" % name)).serial_number)
    assert len(seen) == 4
    assert all(0 < one < 1 << 159 for one in seen)
    assert max(one.bit_length() for one in seen) > 100


@pytest.mark.row(31)
def test_key_identifiers_are_written_and_survive_the_renewal_of_the_ca(hf, home, tmp_path):
    hf("init", "ABC Inc.", "--single")
    hf("issue", "a", "--client")
    leaf, root = look.cert(home / "id/a/cert.pem"), look.cert(home / "ca/root.pem")
    aki = look.extension(leaf, look.ExtensionOID.AUTHORITY_KEY_IDENTIFIER).value
    ski = look.extension(root, look.ExtensionOID.SUBJECT_KEY_IDENTIFIER).value
    assert aki.key_identifier == ski.digest
    assert aki.authority_cert_serial_number is None and aki.authority_cert_issuer is None
    renewed = tmp_path / "renewed.pem"
    look.openssl("x509", "-in", home / "ca/root.pem", "-signkey", home / "ca/root.key", "-days", "99",
                 "-set_serial", "77", "-out", renewed)
    look.openssl("verify", "-CAfile", renewed, home / "id/a/cert.pem")
    assert hf("verify", "--ca", renewed, home / "id/a/cert.pem").code == 0


@pytest.mark.row(35)
def test_identity_holds_leaf_and_intermediate_but_never_the_root(abc, home):
    abc("issue", "a", "--client")
    chain = look.certs(home / "id/a/cert.pem")
    assert len(chain) == 2
    assert chain[1] == look.cert(home / "ca/issuing.pem")
    assert look.certs(home / "id/a/ca.pem") == [look.cert(home / "ca/root.pem")]


@pytest.mark.row(5)
@pytest.mark.parametrize("kind", ["p256", "p384", "rsa2048", "rsa3072", "rsa4096", "ed25519"])
def test_leaf_of_each_key_type_passes_openssl_strict(abc, home, kind):
    abc("issue", "a", "--peer", "--key-type", kind)
    strict(home, "a", "sslclient")
    look.openssl("pkey", "-in", home / "id/a/key.pem", "-noout", "-check")


@pytest.mark.row(5)
def test_unknown_key_type_is_a_usage_error_that_lists_the_words(abc):
    refused = abc("issue", "a", "--client", "--key-type", "rsa1024", exit=2)
    assert "rsa2048" in refused.stderr


def test_role_is_required(abc):
    refused = abc("issue", "a", exit=2)
    assert "--server" in refused.stderr and "--client" in refused.stderr


@pytest.mark.row(45)
def test_nothing_is_overwritten_without_force(abc, home):
    abc("issue", "a", "--client")
    before = look.tree(home / "id/a")
    refused = abc.run("issue", "a", "--client")
    assert refused.code in (1, 3) and "--force" in refused.everything
    assert look.tree(home / "id/a") == before
    abc("issue", "a", "--client", "--force")
    assert look.tree(home / "id/a")["cert.pem"] != before["cert.pem"]


def test_issue_without_an_authority_says_what_to_do(hf):
    refused = hf.run("issue", "a", "--client")
    assert refused.code in (1, 3)
    assert "init" in refused.stderr


@pytest.mark.parametrize("name", ["../evil", "a/b", "..", "", "-x y\nz"])
def test_name_cannot_leave_its_folder(abc, home, name):
    refused = abc.run("issue", name, "--client")
    assert refused.code in (1, 2, 3)
    assert not (home / "evil").exists() and not (home / "id" / "a").exists()


def test_out_writes_elsewhere(abc, home, tmp_path):
    abc("issue", "a", "--client", "--out", tmp_path / "there")
    assert look.mode(tmp_path / "there/key.pem") == 0o600
    assert len(look.certs(tmp_path / "there/cert.pem")) == 2
    assert not (home / "id/a").exists()


def test_dry_run_makes_nothing_and_tells_what_would_be(abc, home):
    told = abc("issue", "a", "--client", "--dry-run")
    assert told.stdout
    assert not (home / "id/a").exists()
    assert not [row for row in look.find_list(abc.json("list", "--all")) if row.get("name") == "a"]


def test_no_output_of_issue_holds_the_key(abc, home):
    for told in (abc("issue", "a", "--client"), abc("--json", "issue", "b", "--client"),
                 abc("-v", "issue", "c", "--client")):
        assert b"PRIVATE" not in told.out + told.err
    for name in "abc":
        assert not look.has_key_bytes(told.out + told.err, home / ("id/%s/key.pem" % name))


def test_json_of_issue_names_serial_and_files(abc, home):
    text = str(abc.json("issue", "a", "--client"))
    serial = look.hexserial(look.cert(home / "id/a/cert.pem"))
    assert serial.lower() in text.lower().replace(":", "")
    assert "cert.pem" in text


def test_wrong_subject_is_a_usage_error(abc, home):
    refused = abc("issue", "a", "--client", "--subject", "CN=no-slash", exit=2)
    assert "subject" in refused.stderr
    refused = abc("issue", "a", "--client", "--subject", "/COLOUR=blue", exit=2)
    assert "COLOUR" in refused.stderr
    assert not Path(home / "id/a").exists()
