# SPDX-License-Identifier: Apache-2.0
"""Every row of the mission table that this release promises has a test."""
import rows


def test_no_row_is_without_a_test():
    missing = sorted(rows.WANTED - set(rows.all_rows()))
    assert not missing, "rows without a test: %s" % missing
