# SPDX-License-Identifier: Apache-2.0
"""The scenarios under tests/scenarios, read and built.

case.json: title; side (whose certificate it is: client, server); certificates (see zoo.py); presents (leaf
first; [] for none); trust; crls [{issuer, revokes, days, damage}]; rules (arguments such as
["--deny", "cn:animal"]; default --allow any); options (more arguments for verify, serve and get); name (what
a server must be called); wire (false: no TLS library would send it); plain_openssl (false: not shown to
OpenSSL and Node); expect:
  accepted, reasons (all must be found), one_of (at least one must be), node (Node's name in report mode,
  null: valid), alert (number, or {"1.2", "1.3"}),
  foreign {node, alert}: what plain Node and OpenSSL say where we differ on purpose; why says why.
"""
import functools
import json
import os
from pathlib import Path

from . import zoo

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"


class Case:
    def __init__(self, folder):
        self.name = folder.name
        with open(folder / "case.json", encoding="utf-8") as text:
            self.data = json.load(text)
        self.side = self.data.get("side", "client")
        self.expect = self.data["expect"]
        self.accepted = self.expect["accepted"]
        self.node = self.expect.get("node")
        self.options = self.data.get("options", [])
        self.rules = self.data.get("rules", ["--allow", "any"])
        self.wire = self.data.get("wire", True)

    def __repr__(self):
        return self.name

    def alert(self, version):
        alert = self.expect.get("alert")
        return alert.get(version) if isinstance(alert, dict) else alert

    def foreign(self, what):
        return self.expect.get("foreign", {}).get(what, self.expect.get(what))

    def build(self, folder):
        """Writes the files of the case into folder; gives a Built."""
        return Built(self, Path(folder))


class Built:
    """The files of a case: cert (chain as presented), key, trust, crls."""

    def __init__(self, case, folder):
        self.case, self.folder = case, folder
        self.certs = zoo.build(expand(case.data.get("certificates", {})), case.side)
        folder.mkdir(parents=True, exist_ok=True)
        presents = case.data.get("presents", ["leaf", "issuing"])
        presents = [name for item in presents for name in names_of(item)]
        self.chain = [self.certs[name] for name in presents]
        self.cert = self.key = None
        if self.chain:
            self.cert = self._write("cert.pem", b"".join(c.pem for c in self.chain))
            self.key = self._write("key.pem", self.chain[0].key_pem)
        self.trust = self._write("trust.pem", b"".join(
            self.certs[name].pem for name in case.data.get("trust", ["root"])))
        self.crls = [self._write("crl%d.pem" % i, zoo.make_crl(self.certs[row["issuer"]], row, self.certs))
                     for i, row in enumerate(case.data.get("crls", []))]

    def _write(self, name, octets):
        path = self.folder / name
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "wb") as out:
            out.write(octets)
        return str(path)

    @property
    def trust_and_crls(self):
        """One file with both, as OpenSSL's -CAfile takes it."""
        octets = b"".join(Path(path).read_bytes() for path in [self.trust] + self.crls)
        return self._write("trust-and-crls.pem", octets)

    @property
    def crl_args(self):
        return [arg for path in self.crls for arg in ("--crl", path)]


def names_of(item):
    """"sub1..sub9" stands for the nine names."""
    if ".." not in item:
        return [item]
    first, last = item.split("..")
    stem = first.rstrip("0123456789")
    start, end = int(first[len(stem):]), int(last[len(stem):])
    step = 1 if end >= start else -1
    return ["%s%d" % (stem, i) for i in range(start, end + step, step)]


def expand(certificates):
    """{"sub1..sub9": {"issuer": "{previous}", …}} is a row of certificates, each below the one before."""
    out = {}
    for item, spec in certificates.items():
        names = names_of(item)
        if len(names) == 1:
            out[item] = spec
            continue
        before = spec["first_issuer"]
        for name in names:
            own = {k: v for k, v in spec.items() if k != "first_issuer"}
            own["issuer"] = before if own.get("issuer") == "{previous}" else own["issuer"]
            own["subject"] = own.get("subject", "/O=Zoo/CN={name}").replace("{name}", name)
            out[name] = own
            before = name
    return out


@functools.lru_cache(None)
def all_cases():
    return [Case(folder) for folder in sorted(SCENARIOS.iterdir()) if (folder / "case.json").exists()]
