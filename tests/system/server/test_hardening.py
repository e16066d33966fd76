# SPDX-License-Identifier: Apache-2.0
"""What a hostile or careless other side must not get: each of these once got it."""

import pytest
from support import zoo


@pytest.fixture(params=["older first", "newer first"])
def two_lists(request, town, tmp_path):
    """Two lists of one CA, both current; the newer one revokes mail."""
    issuing = town.certs["issuing"]
    older = zoo.make_crl(issuing, {"days": [-3, 30], "number": 1}, town.certs)
    newer = zoo.make_crl(issuing, {"days": [-1, 7], "number": 2, "revokes": ["mail"]}, town.certs)
    order = [older, newer] if request.param == "older first" else [newer, older]
    path = tmp_path / "lists.pem"
    path.write_bytes(zoo.make_crl(town.certs["root"], {}, town.certs) + b"".join(order))
    return path


@pytest.mark.row(40, 50)
def test_newest_of_two_current_lists_counts_whatever_their_order(hf, town, two_lists):
    judged = hf.run("verify", town["mail"].cert, "--ca", town.ca, "--purpose", "client", "--crl", two_lists)
    assert judged.code == 1 and "V-REVOKED" in judged.everything, judged


def test_certificate_released_by_the_newest_list_is_good(hf, town, tmp_path):
    issuing = town.certs["issuing"]
    path = tmp_path / "lists.pem"
    path.write_bytes(zoo.make_crl(town.certs["root"], {}, town.certs) +
                     zoo.make_crl(issuing, {"days": [-3, 30], "number": 1, "revokes": ["mail"]}, town.certs) +
                     zoo.make_crl(issuing, {"days": [-1, 7], "number": 2}, town.certs))
    hf("verify", town["mail"].cert, "--ca", town.ca, "--purpose", "client", "--crl", path)
