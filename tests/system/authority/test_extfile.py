# SPDX-License-Identifier: Apache-2.0
"""--extfile and --openssl-config: OpenSSL's own files, read as openssl reads them, under the policy."""
import re

import pytest
from support import look

CLIENT = """\
basicConstraints = CA:FALSE
nsCertType = client, email
nsComment = "OpenSSL Generated Client Certificate"
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid,issuer
keyUsage = critical, nonRepudiation, digitalSignature, keyEncipherment
extendedKeyUsage = clientAuth, emailProtection
subjectAltName = email:amy@abc.test
"""
SERVER = """\
# Extensions for server certificates (`man x509v3_config`).
HOME = .
RANDFILE = $ENV::HOME/.rnd
extensions = server_cert
[ server_cert ]
basicConstraints = CA:FALSE
nsCertType = server
nsComment = "OpenSSL Generated Server Certificate"
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = serverAuth
subjectAltName = @alt_names
crlDistributionPoints = URI:http://ca.abc.test/crl.pem
authorityInfoAccess = OCSP;URI:http://ca.abc.test/ocsp
certificatePolicies = 1.2.3.4.5
[ alt_names ]
IP.1 = 127.0.0.1
IP.2 = 10.0.0.5
DNS.1 = web.abc.test
"""
CONFIG = """\
# OpenSSL root CA configuration file.
HOME            = .
RANDFILE        = $ENV::HOME/.rnd
oid_section     = new_oids
[ new_oids ]
[ ca ]
default_ca = CA_default
[ CA_default ]
dir             = ./ca
certs           = $dir/certs
database        = $dir/index.txt
RANDFILE        = $dir/private/.rand
x509_extensions = usr_cert
name_opt        = ca_default
cert_opt        = ca_default
default_days    = 65
default_md      = sha256
preserve        = no
policy          = policy_match
[ policy_match ]
countryName            = match
stateOrProvinceName    = match
organizationName       = match
organizationalUnitName = optional
commonName             = supplied
emailAddress           = optional
[ policy_anything ]
commonName = supplied
[ usr_cert ]
basicConstraints = CA:FALSE
nsComment = "what's \\"quoted\\" # here"
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid,issuer
[ req ]
distinguished_name = req_distinguished_name
[ req_distinguished_name ]
0.organizationName = Organization Name
0.organizationName_default = ABC Inc.
"""
SUBJECT = "/C=IN/ST=Kerala/O=ABC Inc./CN=amy"


@pytest.fixture
def ca(hf, tmp_path):
    party = hf.at(tmp_path / "authority")
    party("init", "ABC Inc.", "--subject", "/C=IN/ST=Kerala/O=ABC Inc./CN=ABC Inc.")
    (tmp_path / "client.ext").write_text(CLIENT)
    (tmp_path / "server.ext").write_text(SERVER)
    (tmp_path / "openssl.cnf").write_text(CONFIG)
    return party


@pytest.fixture
def csr(tmp_path):
    look.openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "k.pem", "-out",
                 tmp_path / "amy.csr", "-subj", SUBJECT)
    return tmp_path / "amy.csr"


def extensions(path):
    """Name and text of every extension, without the identifier of the issuer's key."""
    text = look.openssl("x509", "-in", path, "-noout", "-text", "-certopt",
                        "no_header,no_version,no_serial,no_signame,no_validity,no_subject,no_issuer,no_pubkey,"
                        "no_sigdump,no_aux")
    parts = re.split(r"^ {12}(?=\S)", text, flags=re.M)
    return {part.split("\n")[0].strip(): part.split("\n", 1)[1].strip() for part in parts[1:]
            if not part.startswith("X509v3 Authority Key")}


def by_openssl(tmp_path, csr, extfile, *more):
    """The same request, signed by openssl with the same file."""
    look.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "ok.pem", "-out",
                 tmp_path / "oc.pem", "-subj", "/CN=other")
    look.openssl("x509", "-req", "-in", csr, "-CA", tmp_path / "oc.pem", "-CAkey", tmp_path / "ok.pem",
                 "-CAcreateserial", "-extfile", extfile, *more, "-out", tmp_path / "openssl.pem")
    return extensions(tmp_path / "openssl.pem")


@pytest.mark.row(26, 27, 28, 29)
@pytest.mark.parametrize("profile", ["client", "server"])
def test_extensions_are_what_openssl_makes_of_the_same_file(ca, tmp_path, csr, profile):
    file = tmp_path / (profile + ".ext")
    ca("sign", csr, "--profile", profile, "--extfile", file, "--out", tmp_path / "ours.pem")
    ours, theirs = extensions(tmp_path / "ours.pem"), by_openssl(tmp_path, csr, file)
    if profile == "server":  # which always has its common name among the names
        theirs["X509v3 Subject Alternative Name:"] = "DNS:amy, " + theirs["X509v3 Subject Alternative Name:"]
    assert ours == theirs
    look.openssl("verify", "-x509_strict", "-purpose", "ssl" + profile, "-CAfile",
                 tmp_path / "authority/ca/root.pem", "-untrusted", tmp_path / "ours.pem", tmp_path / "ours.pem")


@pytest.mark.row(26)
def test_section_is_chosen_as_openssl_does(ca, tmp_path, csr):
    (tmp_path / "two.ext").write_text("[a]\nnsComment = one\n[b]\nnsComment = two\n")
    ca("sign", csr, "--profile", "client", "--extfile", tmp_path / "two.ext", "--extensions", "b",
       "--out", tmp_path / "b.pem")
    assert extensions(tmp_path / "b.pem")["Netscape Comment:"] == "two"
    refused = ca("sign", csr, "--profile", "client", "--extfile", tmp_path / "two.ext", "--extensions", "c", exit=2)
    assert "no section [c]" in refused.stderr


@pytest.mark.row(26, 32)
def test_issue_takes_the_file_too(ca, tmp_path):
    ca("issue", "web", "--server", "--extfile", tmp_path / "server.ext")
    leaf = look.cert(tmp_path / "authority/id/web/cert.pem")
    assert look.sans(leaf) == {"dns:web", "dns:web.abc.test", "ip:127.0.0.1", "ip:10.0.0.5"}
    assert "SSL Server" in extensions(tmp_path / "authority/id/web/cert.pem")["Netscape Cert Type:"]


@pytest.mark.row(31)
def test_serial_of_the_issuer_is_left_out_and_told(ca, tmp_path, csr):
    (tmp_path / "a.ext").write_text("authorityKeyIdentifier = keyid,issuer:always\n")
    told = ca("sign", csr, "--profile", "client", "--extfile", tmp_path / "a.ext", "--out", tmp_path / "a.pem")
    assert "issuer's key only" in told.stderr
    text = look.openssl("x509", "-in", tmp_path / "a.pem", "-noout", "-ext", "authorityKeyIdentifier")
    assert "DirName" not in text and "serial" not in text


@pytest.mark.parametrize("line, word", [
    ("basicConstraints = critical, CA:TRUE", "never put into a leaf"),
    ("2.5.29.19 = critical, CA:TRUE", "unknown extension name"),
    ("keyUsage = critical, keyCertSign", "keyCertSign and cRLSign are for CAs"),
    ("keyUsage = cRLSign, digitalSignature", "for CAs"),
    ("extendedKeyUsage = serverAuth, clientAuth", "come from the profile"),
    ("extendedKeyUsage = clientAuth, anyExtendedKeyUsage", "every purpose"),
    ("extendedKeyUsage = clientAuth, OCSPSigning", "answer for the CA"),
    ("extendedKeyUsage = emailProtection", "leaves out what the profile is for"),
    ("nsCertType = sslCA", "for CAs"),
    ("nameConstraints = permitted;DNS:abc.test", "--permit"),
    ("policyConstraints = requireExplicitPolicy:0", "is not put into certificates here"),
    ("1.2.3.4 = ASN1:UTF8String:x", "is not put into certificates here"),
    ("noSuchThing = 1", "is not put into certificates here"),
    ("nsComment = DER:05:00", "raw DER:"),
    ("basicConstraints = critical,DER:30:03:01:01:FF", "raw DER:"),
    ("subjectAltName = otherName:1.2.3;UTF8:x", "DNS, IP, URI and email"),
    ("subjectAltName = DNS:a..b", "malformed"),
    ("subjectAltName = email:copy", "no subject details"),
    ("subjectKeyIdentifier = 00:11:22", "the hash of the key"),
    ("nsComment = $ENV::HOME", "not followed"),
    ("crlDistributionPoints = URI:http://${ENV::HOME}/crl", "not followed"),
    ("keyUsage = digitalSignatur", "keyUsage"),
])
def test_line_that_may_not_be_is_refused_with_its_place(ca, tmp_path, csr, line, word):
    (tmp_path / "a.ext").write_text("# first\n" + line + "\n")
    refused = ca.run("sign", csr, "--profile", "client", "--extfile", tmp_path / "a.ext", "--out", tmp_path / "a.pem")
    assert refused.code in (1, 3), refused
    assert word in refused.stderr and "a.ext:2" in refused.stderr, refused
    assert not (tmp_path / "a.pem").exists()


def test_include_is_not_followed_and_told(ca, tmp_path, csr):
    (tmp_path / "more.cnf").write_text("nsComment = from elsewhere\n")
    (tmp_path / "a.ext").write_text(".include %s\nnsCertType = client\n" % (tmp_path / "more.cnf"))
    told = ca("sign", csr, "--profile", "client", "--extfile", tmp_path / "a.ext", "--out", tmp_path / "a.pem")
    assert ".include was not followed" in told.stderr
    assert "Netscape Comment:" not in extensions(tmp_path / "a.pem")


def test_policy_rules_what_the_file_grants(ca, tmp_path, csr):
    (tmp_path / "p.yaml").write_text("profiles:\n  server:\n    names: { dns: ['*.abc.test'] }\n")
    refused = ca("sign", csr, "--profile", "server", "--extfile", tmp_path / "server.ext", "--policy",
                 tmp_path / "p.yaml", "--out", tmp_path / "a.pem", exit=1)
    assert "127.0.0.1" in refused.stderr and "p.yaml:3" in refused.stderr


@pytest.mark.row(17, 23, 24, 25, 27)
def test_openssl_cnf_of_the_tutorial_is_read_for_issuing(ca, tmp_path, csr):
    told = ca("sign", csr, "--profile", "client", "--openssl-config", tmp_path / "openssl.cnf",
              "--out", tmp_path / "a.pem")
    leaf = look.cert(tmp_path / "a.pem")
    assert (leaf.not_valid_after - leaf.not_valid_before).days == 65
    assert extensions(tmp_path / "a.pem")["Netscape Comment:"] == 'what\'s "quoted" # here'
    assert "RANDFILE" not in told.stderr


@pytest.mark.row(21, 25)
def test_openssl_cnf_says_unique_subject_as_openssl_ca_does(ca, tmp_path, csr):
    ca("sign", csr, "--profile", "client", "--openssl-config", tmp_path / "openssl.cnf", "--out", tmp_path / "a.pem")
    refused = ca("sign", csr, "--profile", "client", "--openssl-config", tmp_path / "openssl.cnf",
                 "--out", tmp_path / "b.pem", exit=1)
    assert "unique_subject" in refused.stderr
    (tmp_path / "openssl.cnf").write_text(CONFIG.replace("preserve ", "unique_subject = no\npreserve "))
    ca("sign", csr, "--profile", "client", "--openssl-config", tmp_path / "openssl.cnf", "--out", tmp_path / "b.pem")


@pytest.mark.row(23, 25)
def test_policy_section_refuses_with_the_line_of_the_cnf(ca, tmp_path):
    look.openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "k.pem", "-out",
                 tmp_path / "b.csr", "-subj", "/C=IN/ST=Goa/O=ABC Inc./CN=bob")
    refused = ca("sign", tmp_path / "b.csr", "--profile", "client", "--openssl-config", tmp_path / "openssl.cnf",
                 "--out", tmp_path / "b.pem", exit=1)
    line = CONFIG.split("\n").index("stateOrProvinceName    = match") + 1
    assert "openssl.cnf:%d: the stateOrProvinceName must be the CA's 'Kerala', and is 'Goa'" % line in refused.stderr


@pytest.mark.row(13)
@pytest.mark.parametrize("copy, granted", [("none", False), ("copy", True)])
def test_copy_extensions_copies_names_and_never_a_ca(ca, tmp_path, copy, granted):
    look.openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "k.pem", "-out",
                 tmp_path / "b.csr", "-subj", SUBJECT, "-addext", "subjectAltName=DNS:b.abc.test",
                 "-addext", "basicConstraints=critical,CA:TRUE")
    (tmp_path / "openssl.cnf").write_text(CONFIG.replace("preserve ", "copy_extensions = %s\npreserve " % copy))
    told = ca("sign", tmp_path / "b.csr", "--profile", "client", "--openssl-config", tmp_path / "openssl.cnf",
              "--out", tmp_path / "b.pem")
    leaf = look.cert(tmp_path / "b.pem")
    assert ("dns:b.abc.test" in look.sans(leaf)) == granted
    assert not look.basic(leaf).value.ca and "basicConstraints" in told.stderr


def test_openssl_cnf_is_shown_as_a_policy_that_reads_back(ca, tmp_path):
    shown = ca("policy", "show", "--openssl-config", tmp_path / "openssl.cnf").stdout
    (tmp_path / "p.yaml").write_text(shown)
    assert ca("policy", "show", "--policy", tmp_path / "p.yaml").stdout == shown
    assert "stateOrProvinceName: match" in shown and "others: drop" in shown and "days: 65" in shown


@pytest.mark.parametrize("change, message", [
    (("default_ca = CA_default", "default_ca = nowhere"), "has no section [nowhere]"),
    (("policy          = policy_match", "policy = none"), "there is no such section"),
    (("= supplied", "= suplied"), "none of match, supplied, optional"),
    (("sha256", "md5"), "such signatures are not made"),
    (("default_days    = 65", "default_days = x"), "not a number of days"),
    (("preserve        = no", "email_in_dn = no"), "email_in_dn"),
])
def test_openssl_cnf_with_a_mistake_is_told(ca, tmp_path, csr, change, message):
    (tmp_path / "openssl.cnf").write_text(CONFIG.replace(*change))
    refused = ca("sign", csr, "--profile", "client", "--openssl-config", tmp_path / "openssl.cnf",
                 "--out", tmp_path / "a.pem", exit=3)
    assert message in refused.stderr and "openssl.cnf" in refused.stderr


@pytest.mark.parametrize("options", [
    ("--policy", "a", "--openssl-config", "b"), ("--ca-name", "x"), ("--extensions", "x")])
def test_options_that_do_not_go_together_are_a_usage_error(ca, csr, options):
    ca("sign", csr, "--profile", "client", *options, exit=2)


REQ = """\
oid_section = new_oids
[ new_oids ]
[ req ]
default_bits = 2048
distinguished_name = dn
req_extensions = v3_req
attributes = at
[ dn ]
countryName = Country Name (2 letter code)
countryName_default = IN
countryName_min = 2
countryName_max = 2
stateOrProvinceName = State
stateOrProvinceName_default = Kerala
localityName = Locality
0.organizationName = Organization Name (eg, company)
0.organizationName_default = ABC/Inc. + sons
1.organizationName = Second
1.organizationName_default = .
commonName = Common Name (eg, YOUR name)
commonName_max = 64
[ at ]
challengePassword = A challenge password
[ v3_req ]
basicConstraints = CA:FALSE
subjectAltName = @alt
[ alt ]
DNS.1 = web.abc.test
URI.1 = identity://localhost.client
"""


@pytest.mark.row(10, 13, 25)
def test_request_takes_the_defaults_of_an_openssl_cnf(hf, home, tmp_path):
    (tmp_path / "req.cnf").write_text(REQ)
    hf("request", "web", "--openssl-config", "req.cnf")
    ours = look.openssl("req", "-in", home / "id/web/request.pem", "-noout", "-subject", "-nameopt", "multiline")
    # openssl itself, as with a return key pressed at every question
    (tmp_path / "return").write_bytes(b"\n\n\n\n\nweb\n\n")
    look.openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "k.pem", "-out",
                 tmp_path / "o.csr", "-config", tmp_path / "req.cnf", input=(tmp_path / "return").read_bytes())
    assert ours == look.openssl("req", "-in", tmp_path / "o.csr", "-noout", "-subject", "-nameopt", "multiline")
    text = look.openssl("req", "-in", home / "id/web/request.pem", "-noout", "-text")
    assert "DNS:web.abc.test" in text and "URI:identity://localhost.client" in text


@pytest.mark.row(25)
def test_request_takes_values_where_the_file_says_not_to_ask(hf, home, tmp_path):
    (tmp_path / "req.cnf").write_text("[req]\nprompt = no\ndistinguished_name = dn\n[dn]\nO = ABC\nCN = amy\n")
    hf("request", "web", "--openssl-config", "req.cnf", "--san", "dns:a.abc.test")
    text = look.openssl("req", "-in", home / "id/web/request.pem", "-noout", "-subject", "-text", "-nameopt", "compat")
    assert "subject=/O=ABC/CN=amy" in text and "DNS:a.abc.test" in text
    hf("request", "web", "--openssl-config", "req.cnf", "--subject", "/CN=x", "--force")
    assert "CN = x" in look.openssl("req", "-in", home / "id/web/request.pem", "-noout", "-subject")


@pytest.mark.parametrize("change, message", [
    (("distinguished_name = dn", "distinguished_name = none"), "req.cnf:5: there is no section [none]"),
    (("req_extensions = v3_req", "req_extensions = none"), "req.cnf:6: there is no section [none]"),
    (("DNS.1 = web.abc.test", "DNS.1 = $ENV::HOME"), "req.cnf:26: subjectAltName: variables of the environment"),
    (("countryName_default = IN", "countryName_default = INDIA"), "'countryName' is longer"),
    (("localityName = Locality", "nonsense = x\nnonsense_default = y"), "req.cnf:15: 'nonsense' is no attribute"),
])
def test_request_section_with_a_mistake_is_told(hf, home, tmp_path, change, message):
    (tmp_path / "req.cnf").write_text(REQ.replace(*change))
    refused = hf.run("request", "web", "--openssl-config", "req.cnf")
    assert refused.code in (1, 2, 3) and message in refused.stderr, refused
    assert not (home / "id/web").exists()


@pytest.mark.row(11)
def test_challenge_password_is_read_and_left_out_with_a_word(ca, tmp_path):
    (tmp_path / "req.cnf").write_text("[req]\nprompt = no\ndistinguished_name = dn\nattributes = at\n[dn]\nCN = amy\n"
                                      "[at]\nchallengePassword = secret12\nunstructuredName = An optional company\n")
    look.openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "k.pem", "-out",
                 tmp_path / "amy.csr", "-config", tmp_path / "req.cnf")
    told = ca("sign", tmp_path / "amy.csr", "--profile", "client", "--out", tmp_path / "amy.pem")
    assert "challengePassword" in told.stderr and "secret12" not in told.everything
    assert "secret12" not in look.openssl("x509", "-in", tmp_path / "amy.pem", "-noout", "-text")


@pytest.mark.row(26)
@pytest.mark.parametrize("profile", ["client", "server"])
def test_a_renewal_keeps_what_the_file_gave(ca, tmp_path, profile):
    ca("issue", "amy", "--" + profile, "--extfile", tmp_path / (profile + ".ext"))
    leaf = tmp_path / "authority/id/amy/cert.pem"
    before, serial = inherited(leaf), look.hexserial(look.cert(leaf))
    assert before
    for _ in range(2):  # what was taken over once is taken over again
        told = ca("renew", "amy", "--before", "365d")
        assert inherited(leaf) == before and look.hexserial(look.cert(leaf)) != serial
        assert "not taken over" not in told.stdout + told.stderr


def inherited(leaf):
    """All but the hash of the key, and whether CA:FALSE is critical: that is the profile's."""
    return {name: text for name, text in extensions(leaf).items()
            if not name.startswith(("X509v3 Subject Key Identifier", "X509v3 Basic Constraints"))}


def test_places_of_the_policy_are_those_of_the_day_of_the_renewal(ca, tmp_path):
    policy, leaf = tmp_path / "authority/ca/policy.yaml", tmp_path / "authority/id/web/cert.pem"
    policy.write_text("revocation: { crl: http://then.abc.test/crl }\n")
    (tmp_path / "aia.ext").write_text("authorityInfoAccess = OCSP;URI:http://file.abc.test/ocsp\n")
    ca("issue", "web", "--server", "--extfile", tmp_path / "aia.ext")
    assert "then.abc.test" in str(extensions(leaf))
    policy.write_text("revocation: { crl: http://now.abc.test/crl }\n")
    ca("renew", "web", "--before", "365d")
    told = str(extensions(leaf))
    assert "now.abc.test" in told and "then.abc.test" not in told and "file.abc.test" in told
    policy.write_text("revocation: { ocsp: http://now.abc.test/ocsp }\n")
    ca("renew", "web", "--before", "365d")
    told = str(extensions(leaf))
    assert "http://now.abc.test/crl" in told and "http://now.abc.test/ocsp" in told and "file.abc.test" not in told
