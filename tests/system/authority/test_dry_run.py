# SPDX-License-Identifier: Apache-2.0
"""--dry-run of issue and sign: which rule admits or refuses, what changes, what every judge would say."""
import hashlib

import pytest
from support import look

from .test_policy import POLICY, csr, line_of

JUDGES = ["openssl", "OpenSSL itself", "strict", "python", "gnutls", "go", "java"]


@pytest.fixture
def ca(hf, tmp_path):
    party = hf.at(tmp_path / "authority")
    party("init", "ABC Inc.", "--subject", "/C=IN/O=ABC Inc./CN=ABC Inc.")
    return party


@pytest.fixture
def ruled(ca, tmp_path):
    (tmp_path / "authority/ca/policy.yaml").write_text(POLICY)
    return ca


def rows_and_files(ca, tmp_path):
    return ca.json("list", "--all"), {str(p): hashlib.sha256(p.read_bytes()).hexdigest()
                                      for p in sorted((tmp_path / "authority").rglob("*.pem"))}


def where(told, text):
    return [rule for rule in told["rules"] if text in rule["text"]]


def test_sign_tells_rules_with_their_lines_and_every_judge(ruled, tmp_path):
    csr(tmp_path / "a.csr", "/C=IN/L=Kochi/O=ABC Inc./CN=amy")
    before = rows_and_files(ruled, tmp_path)
    told = ruled("sign", tmp_path / "a.csr", "--profile", "client", "--dry-run", "--days", "365").stdout
    assert "dry run: nothing was signed" in told
    assert "admits" in told and line_of("organizationName: match") + ": organizationName 'ABC Inc.' is the CA's" in told
    assert "changes" in told and "'Kochi' is left out" in told and line_of("others: drop") in told
    assert "cut to 90 days" in told and line_of("max_days") in told
    for judge in JUDGES:
        assert judge in told
    assert rows_and_files(ruled, tmp_path) == before


def test_json_has_the_same(ruled, tmp_path):
    csr(tmp_path / "a.csr")
    told = ruled.json("sign", tmp_path / "a.csr", "--profile", "client", "--san", "dns:amy.abc.test",
                      "--dry-run")["requests"][0]
    assert told["dry_run"] is True and "error" not in told and told["sans"] == "dns:amy.abc.test"
    assert {rule["says"] for rule in told["rules"]} == {"admits"}
    assert where(told, "dns:amy.abc.test")[0]["where"].endswith(line_of("    names: { uri"))
    assert [judge["judge"] for judge in told["judges"]] == JUDGES
    assert all(judge["accepted"] and judge["why"] is None and judge["purpose"] == "client" for judge in told["judges"])


def test_client_without_a_name_shows_what_strict_peers_will_say(ca, tmp_path):
    csr(tmp_path / "a.csr", "/CN=Amy Smith")
    told = ca.json("sign", tmp_path / "a.csr", "--profile", "client", "--dry-run")["requests"][0]
    verdicts = {judge["judge"]: judge for judge in told["judges"]}
    assert verdicts["openssl"]["accepted"] and not verdicts["strict"]["accepted"]
    assert "V-STRICT" in verdicts["strict"]["why"] and "subjectAltName" in verdicts["strict"]["why"]


def test_refusal_names_the_rule_and_exits_1(ruled, tmp_path):
    csr(tmp_path / "a.csr", "/C=IN/O=Acme Ltd/CN=amy")
    told = ruled("sign", tmp_path / "a.csr", "--profile", "client", "--dry-run", exit=1)
    assert "it would be refused" in told.stdout
    assert "refuses" in told.stdout and line_of("organizationName: match") in told.stdout
    asked = ruled.json("sign", tmp_path / "a.csr", "--profile", "client", "--dry-run", exit=1)["requests"][0]
    assert asked["error"]["kind"] == "policy"
    assert [rule["where"].rsplit("/", 1)[-1] for rule in asked["rules"] if rule["says"] == "refuses"] == \
        [line_of("organizationName: match").rsplit("/", 1)[-1]]


STRICT = """\
profiles:
  client:
    key_types: ed25519
    subject:
      countryName: match
      commonName: { is: supplied, like: "node-*" }
      others: refuse
    names: { dns: "**.abc.test" }
    request: { ca: refuse, names: refuse, critical: refuse }
"""


def test_every_rule_that_refuses_is_told_at_once(ca, tmp_path):
    (tmp_path / "strict.yaml").write_text(STRICT)
    look.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                 tmp_path / "k.pem", "-out", tmp_path / "a.csr", "-subj", "/C=DE/L=Kochi/O=ABC Inc./CN=amy", "-addext",
                 "basicConstraints=critical,CA:TRUE", "-addext", "subjectAltName=DNS:pay.corp", "-addext",
                 "1.2.3.4=critical,ASN1:UTF8:hi")
    sign = ("sign", tmp_path / "a.csr", "--profile", "client", "--policy", tmp_path / "strict.yaml")
    told = ca.json(*sign, "--dry-run", exit=1)["requests"][0]
    refusals = [(int(rule["where"].rsplit(":", 1)[1]), rule["text"]) for rule in told["rules"]
                if rule["says"] == "refuses"]
    for line, text in ((9, "dns:pay.corp"), (9, "CA:TRUE"), (9, "critical extension 1.2.3.4"), (3, "EC P-256"),
                       (5, "'IN', and is 'DE'"), (6, "not like 'node-*'"), (7, "localityName 'Kochi'"),
                       (7, "organizationName 'ABC Inc.'")):
        assert [one for one in refusals if one[0] == line and text in one[1]], (line, text, refusals)
    assert len(refusals) == 8
    assert not [rule for rule in told["rules"] if rule["says"] == "admits" and "commonName" in rule["text"]]
    assert "dns:pay.corp" in told["error"]["message"]  # the first of them, as without --dry-run
    assert told["error"]["message"] == ca.json(*sign, exit=1)["requests"][0]["error"]["message"]
    assert ca.json("list", "--all") == ca.json("list", "--all") and "amy" not in str(ca.json("list", "--all"))


def test_what_is_added_unasked_is_told_with_its_reason(ca, tmp_path):
    csr(tmp_path / "a.csr", "/O=ABC Inc./CN=web.abc.test")
    asked = ("sign", tmp_path / "a.csr", "--profile", "server", "--san", "ip:10.0.0.7", "--dry-run")
    told = ca.json(*asked)["requests"][0]
    assert told["added"] == ["dns:web.abc.test (its common name)", "ip:10.0.0.7 (given by the operator)"]
    assert told["extensions"] == {"basicConstraints": "CA:FALSE", "keyUsage": "Digital Signature",
                                  "extendedKeyUsage": "TLS Web Server Authentication"}
    text = ca(*asked).stdout
    assert "request  adds     dns:web.abc.test (its common name)" in text
    assert "profile  gives    basicConstraints: CA:FALSE" in text
    assert ca.json("issue", "amy", "--client", "--dry-run")["added"] == ["dns:amy (its own name)"]
    assert ca.json("issue", "amy", "--client", "--san", "dns:amy", "--dry-run")["added"] == []


def test_a_name_that_the_policy_takes_back_is_not_told_as_added(ca, tmp_path):
    (tmp_path / "p.yaml").write_text("profiles: { client: { names: none } }\n")
    told = ca.json("issue", "amy", "--client", "--policy", tmp_path / "p.yaml", "--dry-run")
    assert told["added"] == [] and told["sans"] == ""


def test_issue_tells_rules_and_judges_for_both_purposes_of_a_peer(ca, tmp_path):
    before = rows_and_files(ca, tmp_path)
    told = ca.json("issue", "node-7", "--peer", "--dry-run")
    assert told["dry_run"] is True and told["issued"] is True and told["sans"] == "dns:node-7"
    assert [(judge["purpose"], judge["judge"]) for judge in told["judges"]] == \
        [("server", judge) for judge in JUDGES + ["browser"]] + [("client", judge) for judge in JUDGES]
    assert {rule["where"] for rule in told["rules"]} == {"built-in policy"}
    assert rows_and_files(ca, tmp_path) == before
    assert "judges" in ca("issue", "node-7", "--peer", "--dry-run").stdout


def test_issue_refused_by_a_rule_makes_nothing_and_exits_1(ruled, tmp_path):
    told = ruled("issue", "web.evil.test", "--server", "--subject", "/C=IN/O=ABC Inc./CN=web", "--dry-run", exit=1)
    assert "it would be refused" in told.stdout and "web.evil.test" in told.stdout
    asked = ruled.json("issue", "web.evil.test", "--server", "--subject", "/C=IN/O=ABC Inc./CN=web", "--dry-run",
                       exit=1)
    assert asked["issued"] is False and asked["error"]["kind"] == "policy"


def test_unique_subject_is_foreseen(ruled, tmp_path):
    asked = ("issue", "amy", "--client", "--subject", "/C=IN/O=ABC Inc./CN=amy", "--san", "dns:amy.abc.test")
    assert where(ruled.json(*asked, "--dry-run"), "no valid certificate has the subject")
    ruled(*asked)
    refused = ruled.json(*asked, "--force", "--dry-run", exit=1)
    assert refused["rules"][-1]["where"].endswith(line_of("unique_subject"))


def test_extension_file_is_told_line_by_line(ca, tmp_path):
    (tmp_path / "e.ext").write_text("nsComment = hello\nsubjectAltName = DNS:web.abc.test\n")
    told = ca.json("issue", "web", "--server", "--extfile", tmp_path / "e.ext", "--dry-run")
    assert [(rule["where"].rsplit("/", 1)[-1], rule["text"]) for rule in told["rules"][:2]] == \
        [("e.ext:1", "nsComment is added"), ("e.ext:2", "dns:web.abc.test is added")]


def test_what_the_floor_refuses_is_told_before_it_is_signed(hf, tmp_path):
    hf("init", "ABC", "--permit", "dns:abc.test")
    refused = hf.json("issue", "web.other.test", "--server", "--dry-run", exit=1)
    assert refused["issued"] is False and "name constraints" in refused["error"]["message"]


def test_several_requests_are_told_one_by_one(ruled, tmp_path):
    (tmp_path / "in").mkdir()
    csr(tmp_path / "in/a.csr")
    csr(tmp_path / "in/b.csr", "/C=IN/O=Acme Ltd/CN=bob")
    told = ruled.json("sign", tmp_path / "in", "--profile", "client", "--dry-run", exit=1)["requests"]
    assert ["error" in one for one in told] == [False, True]
    assert not [row for row in look.find_list(ruled.json("list", "--all")) if "amy" in str(row)]
