# SPDX-License-Identifier: Apache-2.0
"""policy.yaml: what the authority certifies, told with the line that decided."""
import re

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID, ObjectIdentifier
from support import look, zoo

POLICY = """
unique_subject: yes
defaults:
  max_days: 90
  subject:
    countryName: match
    organizationName: match
    commonName: supplied
    others: drop
profiles:
  server:
    names:
      dns: ["*.abc.test", localhost]
      ip: [10.0.0.0/8, "127.0.0.1"]
  client:
    names: { uri: ["spiffe://abc/client/*"], email: ["*@abc.test"], dns: ["*.abc.test"] }
    key_types: [p256, ed25519]
    request: { ca: refuse, names: refuse, critical: refuse, extensions: copy, copy: [nsComment] }
"""


@pytest.fixture
def ca(hf, tmp_path):
    party = hf.at(tmp_path / "authority")
    party("init", "ABC Inc.", "--subject", "/C=IN/O=ABC Inc./CN=ABC Inc.")
    return party


@pytest.fixture
def ruled(ca, tmp_path):
    (tmp_path / "authority/ca/policy.yaml").write_text(POLICY)
    return ca


def line_of(text):
    return "policy.yaml:%d" % (POLICY.split("\n").index(next(x for x in POLICY.split("\n") if text in x)) + 1)


def csr(path, subject="/C=IN/O=ABC Inc./CN=amy", sans=(), more=(), kind="ec"):
    key = zoo.new_key(kind)
    name = subject if isinstance(subject, x509.Name) else zoo.name_of(subject)
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    if sans:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(sans)), False)
    for extension, critical in more:
        builder = builder.add_extension(extension, critical)
    path.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return path


def test_built_in_policy_is_shown_and_reads_back(hf, ca, tmp_path):
    shown = ca("policy", "show").stdout
    (tmp_path / "p.yaml").write_text(shown)
    assert ca("policy", "check", tmp_path / "p.yaml").stdout.endswith(": OK\n")
    assert ca("policy", "show", "--policy", tmp_path / "p.yaml").stdout == shown
    (tmp_path / "authority/ca/policy.yaml").write_text(shown)
    ca("issue", "localhost", "--server")
    assert ca("policy", "show").stdout == shown


def test_policy_of_the_home_is_shown_as_it_holds(ruled):
    shown = ruled("policy", "show").stdout
    assert "unique_subject: yes" in shown and "max_days: 90" in shown and "organizationName: match" in shown
    told = ruled.json("policy", "show")
    assert told["policy"] == shown and told["file"].endswith("ca/policy.yaml")


@pytest.mark.parametrize("text, message, hint", [
    ("profles: {}\n", "1:1: there is no key 'profles' here", "did you mean 'profiles'?"),
    ("profiles:\n  client:\n    names: { dns: ['*'] }\n", "3:20: '*': not a host name", ""),
    ("unique_subject: yes\nunique-subject: no\n", "2:1: 'unique-subject' is given twice", "line 1"),
    ("defaults: &a {}\nprofiles: { server: *a }\n", "1:11: anchors", ""),
    ("defaults:\n\tdays: 1\n", "2:1:", "with spaces, not with tabs"),
    ("profiles:\n  server: {}\n  max_days: 4\n", "3:3: there is no key 'max_days' here",
     "known here: server, client, peer, intermediate"),
    ("defaults: { key_types: [] }\n", "1:13: an empty list allows no key", ""),
    ("profiles:\n  client:\n    request: { extensions: copy }\n", "3:28: 'extensions: copy' copies nothing without",
     "copy: [keyUsage"),
    ("profiles:\n  client:\n    request: { extensions: copy, copy: [] }\n", "3:28: 'extensions: copy' copies nothing",
     "copy: [keyUsage"),
])
def test_mistake_is_told_with_line_and_column(hf, tmp_path, text, message, hint):
    (tmp_path / "p.yaml").write_text(text)
    told = hf("policy", "check", "p.yaml", exit=1)
    assert "p.yaml:" + message in told.stderr and hint in told.stderr
    assert hf.json("policy", "check", "p.yaml", exit=1)["error"]["kind"] == "parse"


def test_policy_with_a_mistake_stops_issuing_and_not_revoking(ca, tmp_path):
    ca("issue", "amy", "--client")
    (tmp_path / "authority/ca/policy.yaml").write_text("defaults:\n  dys: 3\n")
    refused = ca("issue", "bob", "--client", exit=3)
    assert "policy.yaml:2:3: there is no key 'dys'" in refused.stderr and "'days'" in refused.stderr
    assert not (tmp_path / "authority/id/bob").exists()
    ca("revoke", "amy")
    ca("list", "--all")


@pytest.mark.row(23)
@pytest.mark.parametrize("subject, message", [
    ("/C=IN/O=Acme Ltd/CN=amy", "the organizationName must be the CA's 'ABC Inc.', and is 'Acme Ltd'"),
    ("/C=IN/O=ABC Inc.", "the subject has no commonName"),
    ("/O=ABC Inc./CN=amy", "the subject has no countryName"),
])
def test_subject_that_breaks_a_rule_is_refused_with_field_and_both_values(ruled, tmp_path, subject, message):
    csr(tmp_path / "a.csr", subject)
    refused = ruled("sign", tmp_path / "a.csr", "--profile", "client", "--out", tmp_path / "a.pem", exit=1)
    assert message in refused.stderr
    assert not (tmp_path / "a.pem").exists()


@pytest.mark.row(23)
def test_match_is_by_content_where_openssl_ca_sees_two_different_names(ruled, tmp_path):
    subject = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "IN"),
                         x509.NameAttribute(NameOID.ORGANIZATION_NAME, "abc  INC.", _ASN1Type.BMPString),
                         x509.NameAttribute(NameOID.COMMON_NAME, "amy", _ASN1Type.UTF8String)])
    csr(tmp_path / "a.csr", subject)
    ruled("sign", tmp_path / "a.csr", "--profile", "client", "--out", tmp_path / "a.pem")
    assert look.cn(look.cert(tmp_path / "a.pem")) == "amy"


@pytest.mark.row(24)
def test_locality_without_a_rule_is_dropped_and_told(ruled, tmp_path):
    csr(tmp_path / "a.csr", "/C=IN/ST=Kerala/L=Kochi/O=ABC Inc./CN=amy")
    told = ruled("sign", tmp_path / "a.csr", "--profile", "client", "--out", tmp_path / "a.pem")
    assert "'Kochi' is left out" in told.stderr and "'Kerala' is left out" in told.stderr
    subject = look.openssl("x509", "-in", tmp_path / "a.pem", "-noout", "-subject", "-nameopt", "compat")
    assert subject.strip() == "subject=/C=IN/O=ABC Inc./CN=amy"


@pytest.mark.row(13)
def test_names_inside_the_patterns_are_granted_without_the_operator(ruled, tmp_path):
    csr(tmp_path / "a.csr", sans=[x509.UniformResourceIdentifier("spiffe://abc/client/7"),
                                  x509.RFC822Name("amy@abc.test")])
    ruled("sign", tmp_path / "a.csr", "--profile", "client", "--out", tmp_path / "a.pem")
    assert set(look.sans(look.cert(tmp_path / "a.pem"))) == {"uri:spiffe://abc/client/7", "email:amy@abc.test"}


@pytest.mark.row(13)
@pytest.mark.parametrize("san", [x509.UniformResourceIdentifier("spiffe://abc/admin/7"),
                                 x509.UniformResourceIdentifier("spiffe://abc/client/../admin"),
                                 x509.DNSName("payments.corp"), x509.DNSName("*.abc.test"),
                                 x509.DNSName("a.b.abc.test")], ids=str)
def test_foreign_name_is_refused_where_the_policy_says_so(ruled, tmp_path, san):
    csr(tmp_path / "a.csr", sans=[san])
    refused = ruled("sign", tmp_path / "a.csr", "--profile", "client", "--out", tmp_path / "a.pem", exit=1)
    assert san.value in refused.stderr and line_of("request: {") in refused.stderr


@pytest.mark.row(13)
def test_name_that_the_policy_does_not_allow_is_refused_even_to_the_operator(ruled, tmp_path):
    refused = ruled("issue", "web.evil.test", "--server", "--subject", "/C=IN/O=ABC Inc./CN=web", exit=1)
    assert "web.evil.test" in refused.stderr and line_of("    names:") in refused.stderr
    ruled("issue", "web.abc.test", "--server", "--san", "ip:10.1.2.3", "--subject", "/C=IN/O=ABC Inc./CN=web")
    refused = ruled("issue", "w2.abc.test", "--server", "--san", "ip:192.0.2.1", "--subject", "/C=IN/O=ABC Inc./CN=w2",
                    exit=1)
    assert "ip:192.0.2.1" in refused.stderr


@pytest.mark.row(13)
@pytest.mark.parametrize("extension, critical, word", [
    (x509.BasicConstraints(True, None), True, "basicConstraints CA:TRUE"),
    (x509.BasicConstraints(True, None), False, "basicConstraints CA:TRUE"),
    (x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True, "critical extension 1.2.3.4"),
])
def test_request_for_a_ca_or_an_unknown_critical_extension_is_refused(ruled, tmp_path, extension, critical, word):
    csr(tmp_path / "a.csr", more=[(extension, critical)])
    refused = ruled("sign", tmp_path / "a.csr", "--profile", "client", "--out", tmp_path / "a.pem", exit=1)
    assert word in refused.stderr and line_of("request: {") in refused.stderr
    assert not (tmp_path / "a.pem").exists()


@pytest.mark.row(13)
def test_request_for_a_ca_is_stripped_and_told_without_such_a_rule(ca, tmp_path):
    csr(tmp_path / "a.csr", more=[(x509.BasicConstraints(True, None), True),
                                  (x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)])
    told = ca("sign", tmp_path / "a.csr", "--profile", "client", "--out", tmp_path / "a.pem")
    assert "basicConstraints" in told.stderr and "1.2.3.4" in told.stderr
    leaf = look.cert(tmp_path / "a.pem")
    assert not look.basic(leaf).value.ca
    assert "1.2.3.4" not in [e.oid.dotted_string for e in leaf.extensions]


@pytest.mark.row(27)
def test_listed_extension_is_copied_and_no_other(ruled, tmp_path):
    comment = x509.UnrecognizedExtension(ObjectIdentifier("2.16.840.1.113730.1.13"), b"\x16\x05hello")
    other = x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.5"), b"\x05\x00")
    csr(tmp_path / "a.csr", more=[(comment, False), (other, False)])
    told = ruled("sign", tmp_path / "a.csr", "--profile", "client", "--out", tmp_path / "a.pem")
    assert "1.2.3.5" in told.stderr and "nsComment" not in told.stderr
    text = look.openssl("x509", "-in", tmp_path / "a.pem", "-noout", "-text")
    assert "Netscape Comment" in text and "hello" in text and "1.2.3.5" not in text


def test_copy_never_reaches_ca_usage(ca, tmp_path):
    (tmp_path / "p.yaml").write_text("defaults:\n  request: { extensions: copy, copy: [keyUsage, extendedKeyUsage] }\n")
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    any_purpose = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CLIENT_AUTH,
                                         x509.ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])
    csr(tmp_path / "a.csr", more=[(usage, True), (any_purpose, False)])
    told = ca("sign", tmp_path / "a.csr", "--profile", "client", "--policy", tmp_path / "p.yaml",
              "--out", tmp_path / "a.pem")
    leaf = look.cert(tmp_path / "a.pem")
    assert "keyUsage" in told.stderr and "extendedKeyUsage" in told.stderr
    assert "key_cert_sign" not in look.usages(leaf) and look.purposes(leaf) == {"clientAuth"}


def test_key_that_the_policy_does_not_allow_is_refused(ruled, tmp_path):
    csr(tmp_path / "a.csr", kind="rsa2048")
    refused = ruled("sign", tmp_path / "a.csr", "--profile", "client", "--out", tmp_path / "a.pem", exit=1)
    assert "RSA 2048" in refused.stderr and line_of("key_types") in refused.stderr


@pytest.mark.row(17)
def test_lifetime_is_cut_to_the_cap_and_told(ruled, tmp_path):
    csr(tmp_path / "a.csr")
    told = ruled("sign", tmp_path / "a.csr", "--profile", "client", "--days", "365", "--out", tmp_path / "a.pem")
    assert "valid for 90 days only" in told.stderr
    leaf = look.cert(tmp_path / "a.pem")
    assert (leaf.not_valid_after - leaf.not_valid_before).days == 90


@pytest.mark.row(21)
def test_second_certificate_for_a_subject_is_refused_and_a_renewal_is_not(ruled, tmp_path):
    subject = ("--subject", "/C=IN/O=ABC Inc./CN=amy", "--san", "dns:amy.abc.test")
    ruled("issue", "amy", "--client", *subject)
    refused = ruled("issue", "amy2", "--client", "--subject", "/C=IN/O=abc inc./CN=AMY", "--san", "dns:a.abc.test",
                    exit=1)
    assert "unique_subject" in refused.stderr and line_of("unique_subject") in refused.stderr
    ruled("renew", "amy", "--before", "60d")
    ruled("revoke", ruled.json("list")["certificates"][0]["serial"])
    for live in ruled.json("list")["certificates"]:
        ruled("revoke", live["serial"])
    ruled("issue", "amy3", "--client", *subject)


@pytest.mark.row(21)
def test_two_requests_with_one_subject_in_a_batch_give_one_certificate(ruled, tmp_path):
    (tmp_path / "in").mkdir()
    csr(tmp_path / "in/a.csr")
    csr(tmp_path / "in/b.csr")
    csr(tmp_path / "in/c.csr", "/C=IN/O=ABC Inc./CN=carol")
    told = ruled("sign", tmp_path / "in", "--profile", "client", "--out", tmp_path / "out", exit=1)
    assert "unique_subject" in told.stderr
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) in (["a.pem", "c.pem"], ["b.pem", "c.pem"])


def test_requester_must_be_listed(ca, tmp_path):
    (tmp_path / "p.yaml").write_text("profiles:\n  server:\n    requesters: [nobody-of-that-name]\n")
    refused = ca("issue", "localhost", "--server", "--policy", tmp_path / "p.yaml", exit=1)
    assert "may not ask for the profile 'server'" in refused.stderr and "p.yaml:3" in refused.stderr
    ca("issue", "amy", "--client", "--policy", tmp_path / "p.yaml")


def test_policy_that_is_not_there_is_no_policy(ca, tmp_path):
    refused = ca("issue", "amy", "--client", "--policy", tmp_path / "none.yaml", exit=3)
    assert "none.yaml" in refused.stderr
    assert not (tmp_path / "authority/id/amy").exists()


def test_client_without_san_is_told_of_unless_the_policy_knows(ca, tmp_path):
    csr(tmp_path / "a.csr", "/CN=Amy Smith")
    assert "strict" in ca("sign", tmp_path / "a.csr", "--profile", "client", "--out", tmp_path / "a.pem").stderr
    (tmp_path / "p.yaml").write_text("profiles:\n  client:\n    require_names: no\n")
    told = ca("sign", tmp_path / "a.csr", "--profile", "client", "--policy", tmp_path / "p.yaml",
              "--out", tmp_path / "b.pem")
    assert "strict" not in told.stderr
    (tmp_path / "p.yaml").write_text("profiles:\n  client:\n    require_names: yes\n")
    refused = ca("sign", tmp_path / "a.csr", "--profile", "client", "--policy", tmp_path / "p.yaml",
                 "--out", tmp_path / "c.pem", exit=1)
    assert "p.yaml:3: a client certificate needs a name besides its subject" in refused.stderr


def test_manual_page_is_true(hf, source, tmp_path):
    """Its example is a policy, and it tells of every key that `policy show` prints."""
    page = (source / "docs/man/policy.yaml.5").read_text()
    example = page.split(".Bd -literal\n")[1].split(".Ed")[0]
    (tmp_path / "p.yaml").write_text(example)
    hf("policy", "check", "p.yaml")
    shown = hf("policy", "show", "--policy", "p.yaml").stdout
    keys = set(re.findall(r"^ *([a-z_]+):", shown, re.M)) - {"server", "client", "peer", "intermediate"}
    assert keys and not [key for key in keys if "Ic %s" % key not in page]
