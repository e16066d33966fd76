# SPDX-License-Identifier: Apache-2.0
"""The audit log: every event is a row, and a row that was touched shows."""
import shutil
import sqlite3

import pytest
from support import look


@pytest.fixture
def abc(hf):
    hf("init", "ABC Inc.")
    hf("issue", "amy", "--client")
    hf("issue", "bob", "--client")
    hf("issue", "gw.abc.test", "--server")
    hf("revoke", "amy", "--reason", "keyCompromise")
    return hf


def sql(home, *statements):
    db = sqlite3.connect(home / "ca/ca.db")
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


def findings(hf, *more):
    told = hf.json("audit", "verify", *more, exit=1)
    assert not told["intact"] and told["findings_total"] == len(told["findings"]) > 0
    return "\n".join(told["findings"])


def test_every_event_is_a_row_with_its_serial_and_who_did_it(abc, home):
    rows = abc.json("audit")["rows"]
    assert [row["row"] for row in rows] == list(range(1, len(rows) + 1))
    amy = look.hexserial(look.certs(home / "id/amy/cert.pem")[0])
    of_amy = [(row["action"], row["detail"]) for row in rows if row["serial"] == amy]
    assert [action for action, _ in of_amy] == ["issue", "revoke"]
    assert "amy" in of_amy[0][1] and "reason=1" in of_amy[1][1]
    assert {"init", "crl"} <= {row["action"] for row in rows}
    assert all(row["actor"] for row in rows) and len({row["hash"] for row in rows}) == len(rows)
    text = abc("audit").stdout
    assert amy in text and "WHAT" in text
    assert [row["action"] for row in abc.json("audit", "--action", "revoke")["rows"]] == ["revoke"]
    assert abc.json("audit", "--limit", "2")["rows"] == rows[-2:]
    assert abc.json("audit", "--since", "1d")["rows"] == rows


def test_an_untouched_log_holds_and_is_sealed_to_its_last_row(abc, home):
    told = abc.json("audit", "verify")
    assert told["intact"] and told["findings"] == [] and told["sealed_rows"] == told["rows"] > 5
    assert "holds" in abc("audit", "verify").stdout
    assert look.mode(home / "ca/audit.head") == 0o644


@pytest.mark.parametrize("statement", [
    "UPDATE audit SET detail = replace(detail, 'bob', 'eve') WHERE action = 'issue'",
    "UPDATE audit SET at = at - 86400 WHERE id = 4",
    "UPDATE audit SET actor = 'nobody' WHERE id = 5",
    "UPDATE audit SET serial = x'01' WHERE id = 4",
])
def test_a_changed_row_shows(abc, home, statement):
    sql(home, statement)
    assert "does not follow" in findings(abc)


def test_a_removed_row_shows(abc, home):
    sql(home, "DELETE FROM audit WHERE id = 4")
    assert "rows 4 to 4 are missing" in findings(abc)


def test_rows_that_close_the_gap_of_a_removed_one_show(abc, home):
    sql(home, "DELETE FROM audit WHERE id = 4", "UPDATE audit SET id = id - 1 WHERE id > 4")
    told = findings(abc)
    assert "row 4 does not follow" in told and "cut off" in told


def test_rows_in_another_order_show(abc, home):
    sql(home, "UPDATE audit SET id = 1000 WHERE id = 3", "UPDATE audit SET id = 3 WHERE id = 4",
        "UPDATE audit SET id = 4 WHERE id = 1000")
    assert "row 3 does not follow" in findings(abc)


def test_a_log_that_was_cut_off_shows(abc, home):
    last = abc.json("audit")["rows"][-1]["row"]
    sql(home, "DELETE FROM audit WHERE id > %d" % (last - 2))
    assert "its end was cut off" in findings(abc)


def test_a_log_written_anew_with_right_hashes_does_not_fit_its_seal(abc, home, tmp_path):
    """Somebody who can write the ledger and knows the format, but has not the key."""
    other = abc.at(tmp_path / "other")
    other("init", "ABC Inc.")
    other("issue", "bob", "--client")
    for _ in range(8):
        other("crl")
    sql(home, "ATTACH '%s' AS other" % (tmp_path / "other/ca/ca.db"), "DELETE FROM main.audit",
        "INSERT INTO main.audit SELECT * FROM other.audit")
    assert "is not the one that was sealed" in findings(abc)


def test_a_seal_that_was_changed_or_is_gone_shows(abc, home):
    seal = home / "ca/audit.head"
    good = seal.read_text()
    seal.write_text(good.replace("rows: ", "rows: 1"))
    assert "signature of the seal" in findings(abc)
    seal.write_text(good[:40])
    assert "damaged" in findings(abc)
    seal.unlink()
    assert "no seal" in findings(abc)
    abc("crl")
    assert abc.json("audit", "verify")["intact"]


def test_a_copy_of_the_seal_tells_that_everything_was_put_back(abc, home, tmp_path):
    shutil.copytree(home / "ca", tmp_path / "backup")
    abc("revoke", "bob")
    shutil.copy(home / "ca/audit.head", tmp_path / "kept.head")
    shutil.rmtree(home / "ca")
    shutil.copytree(tmp_path / "backup", home / "ca")
    assert abc.json("audit", "verify")["intact"], "from inside this cannot be seen"
    assert "cut off" in findings(abc, "--seal", tmp_path / "kept.head")


def test_certificates_are_held_against_the_log(abc, home):
    serial = {name: look.hexserial(look.certs(home / ("id/%s/cert.pem" % name))[0]) for name in ("amy", "bob")}
    sql(home, "UPDATE certificate SET state = 1, revoked_at = NULL, reason = NULL WHERE name = 'amy'")
    assert "%s (amy) was revoked, and the ledger calls it valid" % serial["amy"] in findings(abc)
    sql(home, "UPDATE certificate SET state = 2, revoked_at = 1, reason = 1 WHERE name = 'amy'",
        "UPDATE certificate SET state = 2, revoked_at = 1, reason = 1 WHERE name = 'bob'")
    assert "bob) is called revoked" in findings(abc)
    sql(home, "UPDATE certificate SET state = 1, revoked_at = NULL, reason = NULL WHERE name = 'bob'",
        "UPDATE certificate SET sha256 = randomblob(32) WHERE name = 'bob'")
    assert "bob) is not the one that was issued" in findings(abc)
    sql(home, "DELETE FROM certificate WHERE name = 'bob'")
    assert "%s" % serial["bob"] in findings(abc)
    sql(home, "INSERT INTO certificate (issuer, serial, state, name, profile, subject, sans, asked_at, not_before, "
        "not_after, sha256, der) SELECT issuer, x'77', 1, 'eve', profile, subject, sans, asked_at, not_before, "
        "not_after, randomblob(32), der FROM certificate WHERE name = 'amy'")
    assert "77 (eve) is in the ledger, but the log knows nothing" in findings(abc)


def test_entries_kept_for_lists_are_held_against_the_certificates(abc, home):
    """Somebody who takes a revoked one out of what the next list will be made of."""
    page = ("INSERT INTO revoked_page (issuer, shard, last_at, last_serial, fresh, expired_before, first_expiry, "
            "entries_len, entries) SELECT issuer, 0, max(revoked_at), x'ff', 1, 0, 1 << 40, 0, x'' "
            "FROM certificate WHERE state = 2")
    sql(home, page)
    assert "entries kept for the revocation lists of" in findings(abc)
    sql(home, "UPDATE revoked_page SET fresh = 0")
    assert abc.json("audit", "verify")["intact"]


def test_a_home_without_an_authority_is_said(hf):
    assert "no authority" in hf("audit", exit=3).stderr
    assert "no authority" in hf("audit", "verify", exit=3).stderr
