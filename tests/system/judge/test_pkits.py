# SPDX-License-Identifier: Apache-2.0
"""NIST PKITS (2011) through `verify`: the 223 leaf certificates of the suite, each with every setting of the
policy inputs that its description asks for.  The names of most files say what must come out; ASKED and
WITHOUT_A_WORD hold the rest.  All CA certificates of the suite are offered to every path search, and all its
lists: the judge has to find the way by itself."""
from pathlib import Path

import pytest
from support.zoo import pem

vectors = pytest.importorskip("cryptography_vectors", reason="python3-cryptography-vectors holds the PKITS data")
DATA = Path(vectors.__file__).parent / "x509" / "PKITS_data"
AT = "2020-01-01"
ANY, MAP, EXPLICIT = "--inhibit-any", "--inhibit-mapping", "--require-policy"

# DSA is refused on purpose (judges.md, section 1).
DSA = ("ValidDSASignaturesTest4", "ValidDSAParameterInheritanceTest5")

# The tests of section 4.8 and 4.12 whose file name gives no result: valid under the default settings?
WITHOUT_A_WORD = {
    "AllCertificatesNoPoliciesTest2": True, "DifferentPoliciesTest3": True, "DifferentPoliciesTest4": False,
    "DifferentPoliciesTest5": False, "OverlappingPoliciesTest6": True, "DifferentPoliciesTest7": False,
    "DifferentPoliciesTest8": False, "DifferentPoliciesTest9": False, "AllCertificatesSamePoliciesTest10": True,
    "AllCertificatesanyPolicyTest11": True, "DifferentPoliciesTest12": False,
    "AllCertificatesSamePoliciesTest13": True, "AnyPolicyTest14": True, "UserNoticeQualifierTest15": True,
    "UserNoticeQualifierTest16": True, "UserNoticeQualifierTest17": True, "UserNoticeQualifierTest18": True,
    "UserNoticeQualifierTest19": True, "CPSPointerQualifierTest20": True, "inhibitAnyPolicyTest3": True,
}

# (leaf, settings, valid): a number stands for NIST-test-policy-N as the acceptable policy.
ASKED = [
    ("ValidCertificatePathTest1", [EXPLICIT], True), ("ValidCertificatePathTest1", [EXPLICIT, 1], True),
    ("ValidCertificatePathTest1", [EXPLICIT, 2], False), ("ValidCertificatePathTest1", [EXPLICIT, 1, 2], True),
    ("AllCertificatesNoPoliciesTest2", [EXPLICIT], False), ("DifferentPoliciesTest3", [EXPLICIT], False),
    ("DifferentPoliciesTest3", [EXPLICIT, 1, 2], False), ("OverlappingPoliciesTest6", [1], True),
    ("OverlappingPoliciesTest6", [2], False), ("AllCertificatesSamePoliciesTest10", [1], True),
    ("AllCertificatesSamePoliciesTest10", [2], True), ("AllCertificatesanyPolicyTest11", [1], True),
    ("AllCertificatesSamePoliciesTest13", [1], True), ("AllCertificatesSamePoliciesTest13", [2], True),
    ("AllCertificatesSamePoliciesTest13", [3], True), ("AnyPolicyTest14", [1], True), ("AnyPolicyTest14", [2], False),
    ("UserNoticeQualifierTest18", [1], True), ("UserNoticeQualifierTest18", [2], True),
    ("ValidPolicyMappingTest1", [1], True), ("ValidPolicyMappingTest1", [2], False),
    ("ValidPolicyMappingTest1", [MAP], False), ("InvalidPolicyMappingTest2", [MAP], False),
    ("ValidPolicyMappingTest3", [1], False), ("ValidPolicyMappingTest3", [2], True),
    ("ValidPolicyMappingTest5", [1], True), ("ValidPolicyMappingTest5", [6], False),
    ("ValidPolicyMappingTest6", [1], True), ("ValidPolicyMappingTest6", [6], False),
    ("ValidPolicyMappingTest12", [1], True), ("ValidPolicyMappingTest12", [2], True),
    ("inhibitAnyPolicyTest3", [ANY], False),
]


def settings_of(words):
    """The options of `verify` for a row of ASKED."""
    out = []
    for word in words:
        out += [word] if isinstance(word, str) else ["--policy", "2.16.840.1.101.3.2.1.48.%d" % word]
    return out


def valid_by_name(leaf):
    return WITHOUT_A_WORD[leaf] if leaf in WITHOUT_A_WORD else leaf.startswith("Valid")


class Suite:
    """The suite's CAs and lists in two PEM files, and what `verify` says of its leaves."""

    def __init__(self, hf, folder):
        self.hf, self.untrusted, self.crls = hf, folder / "cas.pem", folder / "crls.pem"
        self.leaves = sorted(f.name[:-len("EE.crt")] for f in DATA.glob("certs/*EE.crt"))
        cas = [f for f in sorted(DATA.glob("certs/*.crt")) if not f.name.endswith("EE.crt")]
        self.untrusted.write_bytes(b"".join(pem("CERTIFICATE", f.read_bytes()) for f in cas))
        self.crls.write_bytes(b"".join(pem("X509 CRL", f.read_bytes()) for f in sorted(DATA.glob("crls/*.crl"))))

    def judge(self, leaves, options=()):
        """{leaf: accepted} of one run."""
        files = [DATA / "certs" / (leaf + "EE.crt") for leaf in leaves]
        told = self.hf.run("-q", "verify", "--ca", DATA / "certs" / "TrustAnchorRootCertificate.crt", "--untrusted",
                           self.untrusted, "--crl", self.crls, "--at", AT, *options, *files)
        said = [line for line in told.stdout.splitlines() if line.startswith(str(DATA))]
        assert len(said) == len(files), told
        return {leaf: said[i] == "%s: OK" % files[i] for i, leaf in enumerate(leaves)}


@pytest.fixture
def suite(hf, tmp_path):
    return Suite(hf, tmp_path)


@pytest.mark.row(42, 43)
def test_every_leaf_of_pkits_is_judged_as_the_suite_says(suite):
    assert len(suite.leaves) == 223
    judged = suite.judge(suite.leaves)
    wrong = [leaf for leaf, accepted in judged.items() if accepted != valid_by_name(leaf)]
    assert sorted(wrong) == sorted(DSA)


@pytest.mark.row(42)
@pytest.mark.parametrize("leaf, words, valid", ASKED, ids=["%s-%s" % (row[0], row[1]) for row in ASKED])
def test_policy_settings_of_pkits_decide_as_the_suite_says(suite, leaf, words, valid):
    assert suite.judge([leaf], settings_of(words)) == {leaf: valid}
