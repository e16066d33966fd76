# SPDX-License-Identifier: Apache-2.0
"""SQLite is loaded by who opens a ledger, and by nobody else."""
from support.process import children


def mapped(pid):
    with open("/proc/%d/maps" % pid) as rows:
        return "libsqlite3" in rows.read()


def test_a_gateway_carries_none(hf):
    hf("init", "ABC Inc.")
    hf("issue", "localhost", "--server")
    with hf.serve("--as", "localhost", "--listen", "127.0.0.1:0", "--allow", "any", "--respond", "verdict") as server:
        assert not mapped(server.pid)
        assert children(server.pid) and not any(mapped(pid) for pid in children(server.pid))


def test_a_ledger_without_it_says_what_to_install(hf, tmp_path):
    """Nothing of the home is begun, and what needs no ledger works."""
    (tmp_path / "libsqlite3.so.0").write_bytes(b"not a library")
    without = {"LD_LIBRARY_PATH": str(tmp_path)}
    told = hf.run("init", "ABC Inc.", env=without)
    assert told.code == 3 and "E-UNSUPPORTED" in told.stderr and "libsqlite3" in told.stderr, told
    assert "apt-get install libsqlite3-0" in told.stderr
    hf("init", "ABC Inc.")
    cert = hf.home + "/ca/issuing.pem"
    assert hf.run("verify", "--ca", hf.home + "/ca/root.pem", cert, env=without).code == 0
    assert hf.run("list", env=without).code == 3
    hf("issue", "localhost", "--server")
