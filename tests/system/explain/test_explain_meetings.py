# SPDX-License-Identifier: Apache-2.0
"""`explain HOST:PORT` against real servers: the cause, who refused, who must mend it, seen from the client
alone and with the server's files; and not one alarm on a healthy pair."""
import os
import socket
import sys
from pathlib import Path

import pytest
from support import zoo
from support.peers import Credential

sys.path.insert(0, str(Path(__file__).resolve().parent))
from explain_casebook import CASES, HEALTHY  # noqa: E402
from explain_servers import SERVERS, HandfastServer, write  # noqa: E402


class Pair:
    """The files of a case: what client and server have."""

    def __init__(self, case, folder):
        self.case, self.folder = case, Path(folder)
        self.folder.mkdir(parents=True)
        specs = dict(case.get("specs", {}))
        specs["client"] = dict(zoo.CLIENT, **specs.get("client", {}))
        specs["server"] = dict(zoo.SERVER, **specs.get("server", {}))
        # the side that is in order has an issuing CA of its own
        side = case.get("side")
        own = {"client": "gate" if side == "server" else "issuing", "server": "gate" if side == "client" else "issuing"}
        specs["gate"] = {"ca": True, "ku": ["keyCertSign", "cRLSign"], "issuer": "root", "subject": "/O=Zoo/CN=Zoo Gate CA"}
        for name in ("client", "server"):
            if "issuer" not in case.get("specs", {}).get(name, {}):
                specs[name]["issuer"] = own[name]
        self.certs = zoo.build(specs)
        self.client = self.credential("client", case.get("client", ["client", own["client"]]))
        self.server = self.credential("server", case.get("server", ["server", own["server"]]))
        self.trusts = self.file("client-trust.pem", case.get("trusts", ["root"]))
        self.admits = self.file("server-trust.pem", case.get("admits", ["root"]))
        self.client_crls = self.lists("client", case.get("client_crls", ()))
        self.server_crls = self.lists("server", case.get("server_crls", ()))

    def file(self, name, names):
        return write(self.folder, name, b"".join(self.certs[n].pem for n in names))

    def credential(self, who, names):
        if not names:
            return None
        folder = self.folder / who
        folder.mkdir()
        cert = write(folder, "chain.pem", b"".join(self.certs[n].pem for n in names))
        return Credential(cert, write(folder, "key.pem", self.certs[names[0]].key_pem))

    def lists(self, who, rows):
        return [write(self.folder, "%s-%d.crl" % (who, i), zoo.make_crl(self.certs[row["issuer"]], row, self.certs))
                for i, row in enumerate(rows)]

    def server_files(self):
        crl = ""
        if self.server_crls:
            crl = "," + write(self.folder, "server-all.crl",
                              b"".join(Path(p).read_bytes() for p in self.server_crls))
        return "%s,%s,%s%s" % (self.server.cert, self.server.key, self.admits, crl)

    def start(self, kind, version, home):
        case = self.case
        how = {"mode": case.get("mode", "require"), "version": version, "crls": self.server_crls}
        more = list(case.get("server_more", []))
        ca = self.admits if how["mode"] != "none" else None
        if kind == "openssl":
            if how["crls"]:
                ca = write(self.folder, "all.pem", b"".join(Path(p).read_bytes() for p in [ca] + how.pop("crls")))
                more += ["-crl_check_all"]
            how["more"] = more
        if case.get("names"):
            verify, ca = ca, self.file("names.pem", case["names"])
            if kind == "nginx":
                how["extra"] = "ssl_trusted_certificate %s;" % verify
            else:
                how["bind"] = "ca-verify-file %s" % verify
        if kind == "nginx" and case.get("status"):
            how["location"] = "return %d;" % case["status"]
        return SERVERS[kind](home, self.server, ca, **{k: v for k, v in how.items() if v or k == "mode"})

    def arguments(self, port):
        case = self.case
        name = case.get("name", "localhost")
        args = ["explain", "%s:%d" % (name, port), "--connect", "127.0.0.1:%d" % port, "--ca", self.trusts]
        if self.client:
            args += ["--cert", self.client.cert, "--key", self.client.key]
        for path in self.client_crls:
            args += ["--crl", path]
        return args + case.get("args", [])


ROWS = [(name, kind, version) for name, case in CASES.items() for kind in case["servers"]
        for version in ([case["version"]] if case.get("only_once") else ["1.2", "1.3"])]


@pytest.fixture(autouse=True)
def own_server(hf):
    HandfastServer.handfast = hf


def ask(hf, pair, port, *more):
    result = hf.run("--json", *pair.arguments(port), *more)
    assert result.code in (0, 1), str(result)
    return result.json(), result


def points(case, told):
    """As the issue says it: 0 nothing or misleading, 1 a hint, 2 side, certificate and rule, 3 also the fix."""
    wanted = [case["cause"]]
    refused_by = case.get("refused_by", "server" if case["side"] == "client" else "client")
    if told["cause"] not in wanted:
        return 1 if case["cause"] in told["candidates"] and told["confidence"] != "certain" else 0
    right = told["refused_by"] == refused_by and told["fault_in"] == case["fault"]
    if not right:
        return 1
    return 3 if told["fix"] and "{" not in told["fix"] else 2


def keep(view, name, kind, version, got, cause):
    """The score table, where HF_EXPLAIN_SCORES says."""
    path = os.environ.get("HF_EXPLAIN_SCORES")
    if path:
        with open(path, "a", encoding="utf-8") as out:
            out.write("%s %s %s %s %d %s\n" % (view, name, kind, version, got, cause))


def records_of(hf, server, *more):
    """What the server's own records say."""
    server.wait_record(1)
    log = "\n".join(line for line in server.lines["err"] if line.startswith("{"))
    return hf.json("explain", "--record", "-", *more, input=log, exit=1)


@pytest.mark.parametrize("name,kind,version", ROWS, ids=["-".join(row) for row in ROWS])
def test_the_cause_is_found(hf, tmp_path, name, kind, version):
    case = CASES[name]
    pair = Pair(case, tmp_path / "pair")
    with pair.start(kind, version, tmp_path) as server:
        told, alone = ask(hf, pair, server.port)
        both_told, both = ask(hf, pair, server.port, "--server-files", pair.server_files())
        if kind == "handfast":
            recorded = records_of(hf, server)
            assert points(case, recorded) == 3, recorded
            keep("server", name, kind, version, 3, recorded["cause"])
    got = points(case, told), points(case, both_told)
    keep("client", name, kind, version, got[0], told["cause"])
    keep("both", name, kind, version, got[1], both_told["cause"])
    assert got[1] >= 2, "with the server's files:\n%s\n%s" % (both, server.text())
    least = case.get("from_client", 1 if case["side"] == "client" and kind in ("nginx", "node", "gnutls") else 2)
    assert got[0] >= least, "from the client alone:\n%s\n%s" % (alone, server.text())


HEALTHY_ROWS = [(name, kind, version) for name in HEALTHY for kind in ("openssl", "nginx", "node", "handfast")
                for version in ("1.2", "1.3")]


@pytest.mark.parametrize("name,kind,version", HEALTHY_ROWS, ids=["-".join(row) for row in HEALTHY_ROWS])
def test_a_healthy_pair_gives_no_finding(hf, tmp_path, name, kind, version):
    pair = Pair(dict(HEALTHY[name]), tmp_path / "pair")
    with pair.start(kind, version, tmp_path) as server:
        told, alone = ask(hf, pair, server.port)
        both_told, both = ask(hf, pair, server.port, "--server-files", pair.server_files())
    for said, result in ((told, alone), (both_told, both)):
        assert result.code == 0, str(result) + server.text()
        assert said["meets"] and said["cause"] is None and not said["also"], str(result)


ALONE = [(name, version) for name, case in CASES.items() if name.startswith("s-") and "V-STAPLE" != case["cause"]
         and not case.get("args") for version in ("1.2", "1.3")]
# what the client's alert and our files cannot tell: the client's own lists, trust and name, or no alert at all
UNKNOWN = {"s-cn-only", "s-partial-anchor", "s-trusted-leaf", "s-ku", "s-ku-12"}
UNSTARTED = {"s-weak-key", "s-weak-sig"}  # our server does not start with these


@pytest.mark.parametrize("name,version", ALONE, ids=["-".join(row) for row in ALONE])
def test_the_server_alone_knows_what_it_can(hf, tmp_path, python, name, version):
    """A foreign client refuses our server: its records and its files against the client's alert."""
    case = CASES[name]
    pair = Pair(case, tmp_path / "pair")
    if name in UNKNOWN | UNSTARTED or case.get("client_crls"):
        pytest.skip("OpenSSL clients accept it, or the cause is the client's alone")
    with HandfastServer(tmp_path, pair.server, pair.admits, version=version) as server:
        context = python.context(pair.client, pair.trusts, version, ciphers="DEFAULT:@SECLEVEL=2")
        context.check_hostname = True
        with pytest.raises(OSError):
            with socket.create_connection(("127.0.0.1", server.port), 10) as raw:
                context.wrap_socket(raw, server_hostname=case.get("name", "localhost"))
        told = records_of(hf, server, "--server-files", pair.server.cert)
    got = points(case, told)
    keep("server", name, "handfast", version, got, told["cause"])
    assert got >= 1 and told["refused_by"] == "client", told
