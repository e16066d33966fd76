# SPDX-License-Identifier: Apache-2.0
"""The pair of a case, with names, keys, files and habits drawn by lot: no explanation may lean on ours.  The lot is
the case's own and HF_EXPLAIN_SEED's (default 0), so that a failure comes back."""
import os
import random
from pathlib import Path

from explain_servers import SERVERS, write
from support import zoo
from support.peers import Credential

WORDS = ("Alder", "Basalt", "Cedar", "Dune", "Ember", "Fjord", "Garnet", "Heron", "Indigo", "Juniper", "Krill", "Larch")
FILES = (("chain.pem", "key.pem"), ("tls.crt", "tls.key"), ("node.cert.pem", "node.key.pem"), ("fullchain.pem", "privkey.pem"))
TRUST = ("ca.pem", "roots.crt", "ca-bundle.pem", "trusted.pem")
CA = {"ca": True, "ku": ["keyCertSign", "cRLSign"]}


class World:
    """Words in place of the zoo's."""

    def __init__(self, name):
        self.seed = "%s/%s" % (os.environ.get("HF_EXPLAIN_SEED", "0"), name)
        self.lot = random.Random(self.seed)
        house, other = self.lot.sample(WORDS, 2)
        self.host = self.lot.choice(("gw.zoo.test", "api-%d.zoo.test" % self.lot.randrange(99), "localhost"))
        self.swap = [("zoo.test", house.lower() + ".test"), ("Zoo", house), ("Other", other),
                     ("animal", "node-%02d" % self.lot.randrange(100))]
        self.unit = self.lot.choice(("/O=%s Ltd" % house, "", "/C=IN/O=%s/OU=Fleet" % house))
        self.other_unit = "/O=%s GmbH" % other if self.unit else ""

    def say(self, text):
        """The zoo's words in this world's."""
        text = text.replace("/O=Zoo", self.unit).replace("/O=Other", self.other_unit)
        text = text.replace("localhost", self.host)
        for old, new in self.swap:
            text = text.replace(old, new)
        return text

    def translate(self, spec):
        out = dict(spec)
        for key in ("san", "permit", "exclude"):
            if out.get(key):
                out[key] = [self.say(word) for word in out[key]]
        if "subject" in out:
            out["subject"] = self.say(out["subject"])
        return out

    def key(self, kinds):
        return self.lot.choice(kinds)


class Pair:
    """The files of a case: what client and server have."""

    def __init__(self, name, case, folder):
        self.case, self.folder, self.world = case, Path(folder), World(name)
        self.folder.mkdir(parents=True)
        self.certs = zoo.build(self.specs())
        own = self.issuers()
        self.files = {who: self.world.lot.choice(FILES) for who in ("client", "server")}
        self.client = self.credential("client", case.get("client", ["client", own["client"]]))
        self.server = self.credential("server", case.get("server", ["server", own["server"]]))
        self.trusts = self.file("client", self.world.lot.choice(TRUST), case.get("trusts", ["root"]))
        self.admits = self.file("server", self.world.lot.choice(TRUST), case.get("admits", ["root"]))
        self.client_crls = self.lists("client", case.get("client_crls", ()))
        self.server_crls = self.lists("server", case.get("server_crls", ()))
        self.name = self.world.say(case.get("name", "localhost"))

    def issuers(self):
        """The side that is in order has an issuing CA of its own."""
        side = self.case.get("side")
        return {"client": "gate" if side == "server" else "issuing", "server": "gate" if side == "client" else "issuing"}

    def specs(self):
        given = self.case.get("specs", {})
        base = {"root": zoo.ROOT, "issuing": zoo.ISSUING, "client": zoo.CLIENT, "server": zoo.SERVER,
                "gate": dict(CA, issuer="root", subject="/O=Zoo/CN=Zoo Gate CA")}
        specs = {name: dict(start, **given.get(name, {})) for name, start in base.items()}
        specs.update({name: spec for name, spec in given.items() if name not in base})
        for name in ("client", "server"):
            if "issuer" not in given.get(name, {}):
                specs[name]["issuer"] = self.issuers()[name]
        for name, spec in specs.items():
            spec.setdefault("subject", "/O=Zoo/CN=Zoo %s" % name)
        self.draw_keys(specs, given)
        return {name: self.world.translate(spec) for name, spec in specs.items()}

    def draw_keys(self, specs, given):
        """Kinds of keys, where the case leaves them open."""
        lot, case = self.world, self.case
        plain = case.get("keys") == "plain" or any("hash" in spec for spec in specs.values())
        houses = ("ec", "rsa2048") if plain else ("ec", "p384", "rsa2048", "ed25519")
        house = lot.key(houses)
        for name, spec in specs.items():
            if "key" in spec or "key" in given.get(name, {}):
                continue
            if spec.get("ca"):
                spec["key"] = house
            elif case.get("keys") != "plain":
                spec["key"] = lot.key(("ec", "rsa2048", "ed25519") if name == "client" else ("ec", "rsa2048", "p384"))
        if case.get("ids", True) and lot.lot.random() < 0.2 and case.get("cause") not in ("V-AKI", "V-SAME-NAME-CA"):
            for spec in specs.values():
                spec.update(ski=False, aki=False)

    def file(self, who, name, names):
        folder = self.folder / who
        folder.mkdir(exist_ok=True)
        return write(folder, name, b"".join(self.certs[n].pem for n in names))

    def credential(self, who, names):
        if not names:
            return None
        cert = self.file(who, self.files[who][0], names)
        return Credential(cert, write(self.folder / who, self.files[who][1], self.certs[names[0]].key_pem))

    def lists(self, who, rows):
        return [write(self.folder / who, "%s-%d.crl" % (row["issuer"], i),
                      zoo.make_crl(self.certs[row["issuer"]], row, self.certs)) for i, row in enumerate(rows)]

    def server_files(self):
        crl = ""
        if self.server_crls:
            crl = "," + write(self.folder / "server", "all.crl", b"".join(Path(p).read_bytes() for p in self.server_crls))
        return "%s,%s,%s%s" % (self.server.cert, self.server.key, self.admits, crl)

    def start(self, kind, version, home):
        case = self.case
        how = {"mode": case.get("mode", "require"), "version": version, "crls": self.server_crls}
        ca = self.admits if how["mode"] != "none" else None
        if case.get("names"):
            how["names"] = self.file("server", "names.pem", case["names"])
        if case.get("status"):
            how["status"] = case["status"]
        if case.get("server_more"):
            how["more"] = [self.world.say(word) for word in case["server_more"].get(kind, ())]
        return SERVERS[kind](home, self.server, ca, **{k: v for k, v in how.items() if v or k == "mode"})

    def arguments(self, port):
        name = "[%s]" % self.name if ":" in self.name else self.name
        args = ["explain", "%s:%d" % (name, port), "--connect", "127.0.0.1:%d" % port, "--ca", self.trusts]
        if self.client:
            args += ["--cert", self.client.cert, "--key", self.client.key]
        for path in self.client_crls:
            args += ["--crl", path]
        return args + [self.world.say(word) for word in self.case.get("args", [])]
