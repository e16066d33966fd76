# SPDX-License-Identifier: Apache-2.0
"""Over a rollover each certificate goes on finding its own CA's list, and takes over no place of the CA before."""
import re
import subprocess

import pytest

from support.process import SLOW, clean_env
from support.program import Server

OLD, NEXT = "ABC Inc. Issuing CA", "ABC Inc. Issuing CA 2"


@pytest.fixture
def abc(hf):
    hf("init", "ABC Inc.")
    return hf


def policy(hf, text):
    with open(hf.home + "/ca/policy.yaml", "w", encoding="utf-8") as file:
        file.write("revocation:\n" + text)


def cert(hf, name):
    return "%s/id/%s/cert.pem" % (hf.home, name)


def text(hf, name):
    return subprocess.run(["openssl", "x509", "-in", cert(hf, name), "-noout", "-text"], capture_output=True, text=True,
                          check=True).stdout


def places(hf, name):
    shown = subprocess.run(["openssl", "x509", "-in", cert(hf, name), "-noout", "-ext", "crlDistributionPoints"],
                           capture_output=True, text=True, check=False).stdout
    return re.findall(r"URI:(\S+)", shown)


def test_renewal_under_the_next_ca_leaves_behind_what_spoke_of_the_one_before(abc, tmp_path):
    extfile = tmp_path / "ext"
    extfile.write_text("crlDistributionPoints = URI:http://files.test/old.crl\n"
                       "authorityInfoAccess = caIssuers;URI:http://files.test/old.cer,OCSP;URI:http://ocsp.test/\n"
                       "tlsfeature = status_request\n")
    for name in ("web", "same"):
        abc("issue", name, "--server", "--san", "dns:localhost", "--extfile", extfile)
    # the same CA: all of it stays
    abc("renew", "same", "--before", "365d")
    told = text(abc, "same")
    assert all(word in told for word in ("old.crl", "old.cer", "ocsp.test", "status_request"))
    abc("init", "--rollover")
    told = abc("renew", "web", "--before", "365d").everything
    for word in ("crlDistributionPoints", "caIssuers"):
        assert re.search(r"%s.* of the certificate before is not taken over" % word, told), told
    assert OLD in told and NEXT in told and "policy.yaml" in told
    told = text(abc, "web")
    assert "old.crl" not in told and "old.cer" not in told
    # who answers OCSP answers for both, and a must-staple certificate cannot do without
    assert "OCSP - URI:http://ocsp.test/" in told and "status_request" in told
    # once over, nothing changes hands any more
    assert "is not taken over" not in abc("renew", "web", "--before", "365d").everything


def test_policy_puts_its_own_place_where_one_is_left_behind(abc, tmp_path):
    extfile = tmp_path / "ext"
    extfile.write_text("authorityInfoAccess = caIssuers;URI:http://files.test/old.cer\n")
    abc("issue", "web", "--server", "--san", "dns:localhost", "--extfile", extfile)
    policy(abc, "  crl: http://lists.test/{ca}.crl\n  ocsp: http://lists.test/ocsp\n")
    abc("init", "--rollover")
    abc("renew", "web", "--before", "365d")
    told = text(abc, "web")
    assert "old.cer" not in told and "OCSP - URI:http://lists.test/ocsp" in told
    assert len(places(abc, "web")) == 1 and places(abc, "web")[0].startswith("http://lists.test/")


def test_no_two_cas_send_their_certificates_to_one_place(abc):
    policy(abc, "  crl: http://lists.test/crl/issuing.crl\n")
    abc("issue", "amy", "--client")
    told = abc.run("init", "--rollover")
    assert told.code != 0 and "http://lists.test/crl/issuing.crl" in told.stderr and "{ca}" in told.stderr
    policy(abc, "  crl: http://lists.test/crl/{ca}.crl\n")
    abc("init", "--rollover")
    abc("issue", "bob", "--client")
    assert places(abc, "amy") == ["http://lists.test/crl/issuing.crl"] != places(abc, "bob")
    # set back, the policy would send the next one's to the list of the one before
    policy(abc, "  crl: http://lists.test/crl/issuing.crl\n")
    told = abc.run("issue", "eve", "--client")
    assert told.code != 0 and OLD in told.stderr and "{ca}" in told.stderr
    policy(abc, "  crl: http://lists.test/crl/{ca}.crl\n")
    abc("renew", "--all", "--before", "40d")
    abc("init", "--retire")
    policy(abc, "  crl: http://lists.test/crl/issuing.crl\n")
    abc("issue", "eve", "--client")
    assert places(abc, "eve") == ["http://lists.test/crl/issuing.crl"]


def extfile(tmp_path, lists, issuers):
    path = tmp_path / "ext"
    path.write_text("[leaf]\nnsComment = hello\ncrlDistributionPoints = %s\nauthorityInfoAccess = %s\n" % (lists, issuers))
    return path


def with_extensions(hf, name, path, **more):
    return hf.run("issue", name, "--client", "--extfile", path, "--extensions", "leaf", **more)


def test_an_extension_file_that_speaks_of_the_ca_before_is_told_by_its_line(abc, tmp_path):
    old = extfile(tmp_path, "URI:http://files.test/old.crl", "caIssuers;URI:http://files.test/old.cer,OCSP;URI:http://ocsp.test/")
    assert with_extensions(abc, "amy", old).code == 0
    told = abc("init", "--rollover")
    assert "http://files.test/old.crl" in told.stderr and OLD in told.stderr and "extension file" in told.stderr
    for options in ([], ["--dry-run"]):
        told = abc.run("issue", "bob", "--client", "--extfile", old, "--extensions", "leaf", *options)
        assert told.code == 1, told
        assert "ext:3: crlDistributionPoints: " in told.stderr and OLD in told.stderr and NEXT in told.stderr
        assert "{ca}" in told.stderr
    # the same as x509_extensions of an openssl.cnf
    cnf = tmp_path / "openssl.cnf"
    cnf.write_text("[ca]\ndefault_ca = own\n[own]\ndefault_days = 9\npolicy = any\nx509_extensions = leaf\n[any]\n"
                   "commonName = supplied\n" + old.read_text())
    told = abc.run("issue", "bob", "--client", "--openssl-config", cnf)
    assert told.code == 1 and "openssl.cnf:11: crlDistributionPoints: " in told.stderr, told
    # a place of its own, but the certificate of the CA before: a file there may hold both
    half = extfile(tmp_path, "URI:http://files.test/next.crl", "caIssuers;URI:http://files.test/old.cer")
    told = with_extensions(abc, "bob", half)
    assert told.code == 0 and "ext:4: authorityInfoAccess: " in told.stderr and OLD in told.stderr
    # nothing of what only begins or ends as one of then; and one list may be several CAs' when a third signs it
    fine = extfile(tmp_path, "URI:http://files.test/old.crl2", "caIssuers;URI:http://files.test/old.ce,OCSP;URI:http://ocsp.test/")
    told = with_extensions(abc, "eve", fine)
    assert told.code == 0 and "files.test" not in told.stderr
    fine.write_text("[leaf]\ncrlDistributionPoints = shared\n[shared]\nfullname = URI:http://files.test/old.crl\n"
                    "CRLissuer = dirName:third\n[third]\nCN = Somebody\n")
    assert with_extensions(abc, "joe", fine).code == 0
    # when nobody is left below it, the place is free
    for name in ("amy", "joe"):
        abc("renew", name, "--before", "365d")
    abc("init", "--retire")
    old = extfile(tmp_path, "URI:http://files.test/old.crl", "caIssuers;URI:http://files.test/old.cer")
    told = with_extensions(abc, "zoe", old)
    assert told.code == 0 and "files.test" not in told.stderr


def test_what_only_the_policy_names_is_not_told_at_a_rollover(abc):
    policy(abc, "  crl: http://lists.test/{ca}-{shard}.crl\n  shards: 2\n")
    abc("issue", "amy", "--client")
    policy(abc, "  crl: http://lists.test/{ca}.crl\n")
    abc("issue", "bob", "--client")
    told = abc.json("init", "--rollover")
    assert told["foreign_places"] == []
    assert told["before"]["subject"].endswith("CN=" + OLD)


def test_each_certificate_finds_the_list_of_its_own_ca(abc, tmp_path):
    argv = ["authority", "--listen", "127.0.0.1:0", "--publish", "127.0.0.1:0"]
    base = "http://lists.test/crl/"
    # from before there was {ca}, and before there were shards; and with shards
    policy(abc, "  crl: %sissuing.crl\n" % base)
    abc("issue", "plain", "--client")
    policy(abc, "  crl: %sissuing-{shard}.crl\n  shards: 2\n" % base)
    abc("issue", "sharded", "--client")
    policy(abc, "  crl: %s{ca}-{shard}.crl\n  shards: 2\n" % base)
    abc("issue", "keyed", "--client")
    abc("init", "--rollover")
    abc("issue", "next", "--client")
    names = ("plain", "sharded", "keyed", "next")
    assert len({places(abc, name)[0] for name in names}) == 4
    untrusted, lists = str(tmp_path / "both.pem"), str(tmp_path / "list.pem")
    with open(untrusted, "wb") as out:
        for path in ("issuing.pem", "before/0001/cert.pem"):
            with open("%s/ca/%s" % (abc.home, path), "rb") as file:
                out.write(file.read())

    def fetch(service, url):
        """As somebody for whom lists.test is the service."""
        plain = [url for url in service.urls if url.startswith("http:")][0]
        return subprocess.run(["curl", "-sf", url.replace("http://lists.test", plain)], capture_output=True, check=True).stdout

    def verify(service, name):
        (url,) = places(abc, name)
        subprocess.run(["openssl", "crl", "-inform", "DER", "-out", lists], input=fetch(service, url), check=True)
        done = subprocess.run(["openssl", "verify", "-crl_check", "-CAfile", abc.home + "/ca/root.pem", "-untrusted", untrusted,
                               "-CRLfile", lists, cert(abc, name)], capture_output=True, text=True, timeout=30 * SLOW,
                              env=clean_env(abc.home))
        return done.stdout + done.stderr

    with Server(abc, *argv, listeners=2) as service:
        for name in names:
            assert ": OK" in verify(service, name), name
        for name in names:
            abc("revoke", name)
            service.wait_until(lambda: "certificate revoked" in verify(service, name), "the new list of " + name)  # pylint: disable=W0640
    abc("init", "--retire")
    with Server(abc, *argv, listeners=2) as service:
        told = subprocess.run(["openssl", "crl", "-inform", "DER", "-noout", "-issuer"], input=fetch(service, base + "issuing.crl"),
                              capture_output=True, check=True).stdout
        assert NEXT.encode() in told
