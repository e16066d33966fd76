# SPDX-License-Identifier: Apache-2.0
"""`explain HOST:PORT` against real servers: the cause, who refused, who must mend it, whose certificate and what to
do, seen from the client alone, with the server's files and from the server's records; and not one alarm on a healthy
pair.  By default each case meets some servers in one version; HF_EXPLAIN_FULL=1 makes it all of them in both, and
HF_EXPLAIN_SEED another lot of names, keys and files.  HF_EXPLAIN_SCORES=FILE gets the points (explain_scores.py)."""
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from explain_casebook import CASES, HEALTHY  # noqa: E402
from explain_scores import keep, points  # noqa: E402
from explain_servers import HandfastServer  # noqa: E402
from explain_world import Pair  # noqa: E402

FULL = bool(os.environ.get("HF_EXPLAIN_FULL"))
EACH = 2  # servers a case meets by default


def rows():
    for at, (name, case) in enumerate(sorted(CASES.items())):
        kinds, versions = list(case["servers"]), [case["version"]] if case.get("only_once") else ["1.2", "1.3"]
        if not FULL:
            ours = kinds[-1:] if kinds[-1] == "handfast" else []
            foreign = [kind for kind in kinds if kind != "handfast"]
            kinds = [foreign[(at + i) % len(foreign)] for i in range(min(EACH, len(foreign)))] + ours
        for i, kind in enumerate(kinds):
            for version in versions if FULL else [versions[(at + i) % len(versions)]]:
                yield name, kind, version


ROWS = list(rows())


@pytest.fixture(autouse=True)
def own_server(hf):
    HandfastServer.handfast = hf


def ask(hf, pair, port, *more):
    result = hf.run("--json", *pair.arguments(port), *more)
    assert result.code in (0, 1), str(result)
    return result.json(), result


def records_of(hf, server, *more):
    """What the server's own records say."""
    server.wait_record(1)
    log = "\n".join(line for line in server.lines["err"] if line.startswith("{"))
    return hf.json("explain", "--record", "-", *more, input=log, exit=1)


@pytest.mark.parametrize("name,kind,version", ROWS, ids=["-".join(row) for row in ROWS])
def test_the_cause_is_found(hf, tmp_path, name, kind, version):
    case, row = CASES[name], (name, kind, version)
    pair = Pair("-".join(row), case, tmp_path / "pair")
    with pair.start(kind, version, tmp_path) as server:
        told, alone = ask(hf, pair, server.port)
        both_told, both = ask(hf, pair, server.port, "--server-files", pair.server_files())
        if kind == "handfast":
            recorded = records_of(hf, server)
            got = points(case, recorded, pair, "server")
            keep("server", row, got, recorded["cause"])
            assert got[0] == 3, (got, recorded)
    got, got_both = points(case, told, pair, "client"), points(case, both_told, pair, "both")
    keep("client", row, got, told["cause"])
    keep("both", row, got_both, both_told["cause"])
    assert got_both[0] == 3, "with the server's files: %s\n%s\n%s" % (got_both[1], both, server.text())
    least = case.get("from_client", 1 if case["side"] == "client" and kind in ("nginx", "node", "gnutls") else 3)
    assert got[0] >= least, "from the client alone: %s\n%s\n%s" % (got[1], alone, server.text())


HEALTHY_ROWS = [(name, kind, version) for at, name in enumerate(HEALTHY)
                for k, kind in enumerate(("openssl", "nginx", "node", "apache", "gnutls", "stunnel", "haproxy", "handfast"))
                for v, version in enumerate(("1.2", "1.3")) if FULL or ((at + k) % 2 == 0 and (at + k // 2) % 2 == v)]


@pytest.mark.parametrize("name,kind,version", HEALTHY_ROWS, ids=["-".join(row) for row in HEALTHY_ROWS])
def test_a_healthy_pair_gives_no_finding(hf, tmp_path, name, kind, version):
    pair = Pair("-".join((name, kind, version)), HEALTHY[name], tmp_path / "pair")
    with pair.start(kind, version, tmp_path) as server:
        told, alone = ask(hf, pair, server.port)
        both_told, both = ask(hf, pair, server.port, "--server-files", pair.server_files())
    for said, result in ((told, alone), (both_told, both)):
        assert result.code == 0, str(result) + server.text()
        assert said["meets"] and said["cause"] is None and not said["also"], str(result)
