# SPDX-License-Identifier: Apache-2.0
"""Certificates each odd in one way, for the question which world accepts them.

A case is {certificate: spec}, see zoo.py; besides: NAME (what a client asks for, default gw.zoo.test), SEND (the
certificates of the file, default leaf and issuing), TRUST (default root), ONLY (a side, when the other has no
such case).  The leaf is a server's or a client's, the same otherwise.
"""
from . import zoo

NAME, SEND, TRUST, ONLY = "name", "send", "trust", "only"
GW = "gw.zoo.test"
CA_KU = ["keyCertSign", "cRLSign"]
OTHER = {"server": "clientAuth", "client": "serverAuth"}
OWN = {"server": "serverAuth", "client": "clientAuth"}
STAPLE = {"oid": "1.3.6.1.5.5.7.1.24", "der": "3003020105"}
ODD_OID = {"oid": "1.3.6.1.4.1.55555.7.1", "der": "0500"}


def leaf(**spec):
    return {"leaf": spec}


def leaf_san(*names, asked=GW, **spec):
    return {"leaf": dict(spec, san=list(names)), NAME: asked}


def issuing(**spec):
    return {"issuing": spec}


def root(**spec):
    return {"root": spec}


CASES = {
    "plain": {},
    # names
    "cn-only": leaf(san=None, subject="/O=Zoo/CN=" + GW),
    "cn-only-address": dict(leaf(san=None, subject="/O=Zoo/CN=127.0.0.1"), **{NAME: "127.0.0.1"}),
    "cn-right-san-other": leaf(san=["dns:other.zoo.test"], subject="/O=Zoo/CN=" + GW),
    "cn-right-san-email": leaf(san=["email:gw@zoo.test"], subject="/O=Zoo/CN=" + GW),
    "san-address": leaf_san("ip:127.0.0.1", asked="127.0.0.1"),
    "san-address6": leaf_san("ip:::1", asked="::1"),
    "address-as-dns": leaf_san("dns:127.0.0.1", asked="127.0.0.1"),
    "address-wanted-dns-there": leaf_san("dns:" + GW, asked="127.0.0.1"),
    "name-other": leaf_san("dns:other.zoo.test"),
    "name-case": leaf_san("dns:GW.Zoo.Test"),
    "wildcard": leaf_san("dns:*.zoo.test"),
    "wildcard-two-labels": leaf_san("dns:*.zoo.test", asked="a.gw.zoo.test"),
    "wildcard-no-label": leaf_san("dns:*.zoo.test", asked="zoo.test"),
    "wildcard-top": leaf_san("dns:*.test", asked="zoo.test"),
    "wildcard-prefix": leaf_san("dns:g*.zoo.test"),
    "wildcard-suffix": leaf_san("dns:*w.zoo.test"),
    "wildcard-middle": leaf_san("dns:gw.*.test"),
    "wildcard-bare": leaf_san("dns:*", asked="gw"),
    "dot-at-end-of-san": leaf_san("dns:gw.zoo.test."),
    "dot-at-start-of-san": leaf_san("dns:.zoo.test"),
    "underscore": leaf_san("dns:g_w.zoo.test", asked="g_w.zoo.test"),
    "punycode": leaf_san("dns:xn--bcher-kva.zoo.test", asked="xn--bcher-kva.zoo.test"),
    "nul-in-san": leaf_san("dns:gw.zoo.test\0.evil.test"),
    "space-in-san": leaf_san("dns:gw zoo.test", "dns:" + GW),
    "empty-dns-beside": leaf_san("dns:", "dns:" + GW),
    "email-beside": leaf_san("dns:" + GW, "email:gw@zoo.test"),
    "uri-beside": leaf_san("dns:" + GW, "uri:spiffe://zoo.test/gw"),
    "uri-broken-beside": leaf_san("dns:" + GW, "uri:http://[zoo"),
    "uri-only": leaf_san("uri:spiffe://zoo.test/gw"),
    "empty-subject": leaf(subject="/"),
    "empty-subject-critical-san": leaf(subject="/", keen=["san"]),
    "critical-san": leaf(keen=["san"]),
    "long-common-name": leaf(subject="/CN=" + "n" * 70),
    # usage
    "no-eku": leaf(eku=None),
    "eku-any": leaf(eku=["any"]),
    "eku-email": leaf(eku=["emailProtection"]),
    "no-ku": leaf(ku=None),
    "ku-agreement": leaf(ku=["keyAgreement"]),
    "ku-encipherment": leaf(ku=["keyEncipherment"]),
    "ku-encipherment-rsa": leaf(ku=["keyEncipherment"], key="rsa2048"),
    "ku-certsign": leaf(ku=["digitalSignature", "keyCertSign"]),
    "leaf-is-ca": leaf(ca=True, ku=["digitalSignature", "keyCertSign"]),
    "leaf-no-bc": leaf(ca=None),
    "leaf-bc-plain": leaf(plain=["bc"]),
    "leaf-pathlen": leaf(pathlen=0),
    "leaf-constraints": leaf(permit=["dns:zoo.test"]),
    # form
    "v1": leaf(version=1, subject="/O=Zoo/CN=" + GW),
    "serial-0": leaf(serial=0),
    "serial-negative": leaf(serial=-5),
    "serial-21": leaf(serial=1 << 165),
    "issuing-serial-0": issuing(serial=0),
    "unknown-critical": leaf(extensions=[dict(ODD_OID, critical=True)]),
    "unknown-plain": leaf(extensions=[ODD_OID]),
    "issuing-unknown-critical": issuing(extensions=[dict(ODD_OID, critical=True)]),
    "san-twice": leaf(twice="2.5.29.17"),
    "must-staple": dict(leaf(extensions=[STAPLE]), **{ONLY: "server"}),
    "no-aki": leaf(aki=False),
    "aki-wrong": leaf(aki="wrong"),
    "no-ski": leaf(ski=False),
    "issuing-no-ski": dict(issuing(ski=False), leaf={"aki": False}),
    "issuing-no-aki": issuing(aki=False),
    "root-no-ski": dict(root(ski=False), issuing={"aki": False}),
    "root-no-ski-yet-named": dict(root(ski=False), issuing={"aki": "key"}),
    "aki-critical": leaf(keen=["aki"]),
    "ski-critical": leaf(keen=["ski"]),
    "issuing-ski-critical": issuing(keen=["ski"]),
    "san-empty": leaf(san=None, subject="/O=Zoo/CN=" + GW, extensions=[{"oid": "2.5.29.17", "der": "3000"}]),
    "issuing-pc-plain": issuing(extensions=[{"oid": "2.5.29.36", "der": "3003800105"}]),
    "issuing-iap-plain": issuing(extensions=[{"oid": "2.5.29.54", "der": "020105"}]),
    "policies": leaf(policies=["1.3.6.1.4.1.55555.1"]),
    # time
    "generalized-time": leaf(generalized=True),
    "expired": leaf(days=[-30, -1]),
    "not-yet": leaf(days=[1, 30]),
    "issuing-expired": issuing(days=[-30, -1]),
    "root-expired": root(days=[-30, -1]),
    "years-2": dict(leaf(days=[-1, 820]), root={"days": [-9, 9000]}, issuing={"days": [-9, 8000]}),
    "years-3": dict(leaf(days=[-1, 1000]), root={"days": [-9, 9000]}, issuing={"days": [-9, 8000]}),
    "years-10": dict(leaf(days=[-1, 3650]), root={"days": [-9, 9000]}, issuing={"days": [-9, 8000]}),
    "no-end": dict(leaf(until="99991231235959Z"), root={"until": "99991231235959Z"},
                   issuing={"until": "99991231235959Z"}),
    "outlives-issuer": dict(leaf(days=[-1, 30]), issuing={"days": [-1, 10]}),
    # strength
    "rsa1024": leaf(key="rsa1024"),
    "rsa2048": leaf(key="rsa2048"),
    "rsa2040": leaf(key="rsa2040"),
    "curve-spelled-out": leaf(damage="explicit"),
    "p384": leaf(key="p384"),
    "p521": leaf(key="p521"),
    "ed25519": leaf(key="ed25519"),
    "ed448": leaf(key="ed448"),
    "sha1": leaf(hash="sha1"),
    "md5": dict(leaf(hash="md5"), issuing={"key": "rsa2048"}),
    "issuing-sha1": issuing(hash="sha1"),
    "root-sha1": root(hash="sha1"),
    "issuing-rsa1024": issuing(key="rsa1024"),
    "root-rsa1024": root(key="rsa1024"),
    "issuing-rsa2048": issuing(key="rsa2048"),
    "issuing-p521": issuing(key="p521"),
    "issuing-ed25519": issuing(key="ed25519"),
    "issuing-ed448": issuing(key="ed448"),
    "signed-pss": dict(leaf(hash="pss"), issuing={"key": "rsa2048"}),
    # CAs
    "issuing-bc-plain": issuing(plain=["bc"]),
    "issuing-no-bc": issuing(ca=None),
    "issuing-not-ca": issuing(ca=False, pathlen=None),
    "issuing-no-ku": issuing(ku=None),
    "issuing-no-certsign": issuing(ku=["cRLSign"]),
    "issuing-v1": issuing(version=1),
    "issuing-empty-subject": issuing(subject="/"),
    "root-bc-plain": root(plain=["bc"]),
    "root-no-bc": root(ca=None),
    "root-no-ku": root(ku=None),
    "root-no-certsign": root(ku=["cRLSign"]),
    "root-v1": root(version=1),
    "root-pathlen": root(pathlen=0),
    "issuing-eku-any": issuing(eku=["any"]),
    "issuing-eku-email": issuing(eku=["emailProtection"]),
    # constraints
    "permit-right": issuing(permit=["dns:zoo.test"]),
    "permit-other": issuing(permit=["dns:other.test"]),
    "permit-plain": issuing(permit=["dns:zoo.test"], plain=["nc"]),
    "permit-plain-other": issuing(permit=["dns:other.test"], plain=["nc"]),
    "permit-leading-dot": issuing(permit=["dns:.zoo.test"]),
    "exclude-it": issuing(exclude=["dns:gw.zoo.test"]),
    "exclude-under-wildcard": dict(issuing(exclude=["dns:bad.zoo.test"]), leaf={"san": ["dns:*.zoo.test"]}),
    "permit-under-wildcard": dict(issuing(permit=["dns:zoo.test"]), leaf={"san": ["dns:*.zoo.test"]}),
    "permit-address": dict(issuing(permit=["ip:127.0.0.0/8"]),
                           **leaf_san("ip:127.0.0.1", "dns:" + GW, asked="127.0.0.1")),
    "permit-address-other": dict(issuing(permit=["ip:10.0.0.0/8"]),
                                 **leaf_san("ip:127.0.0.1", asked="127.0.0.1")),
    "permit-email": issuing(permit=["email:zoo.test"]),
    "permit-email-beside-other": dict(issuing(permit=["email:zoo.test"]),
                                      **leaf_san("dns:" + GW, "email:a@other.test")),
    "permit-email-beside": dict(issuing(permit=["email:zoo.test"]), **leaf_san("dns:" + GW, "email:a@zoo.test")),
    "permit-uri": dict(issuing(permit=["uri:zoo.test"]), **leaf_san("dns:" + GW, "uri:spiffe://zoo.test/gw")),
    "permit-uri-other": dict(issuing(permit=["uri:other.test"]),
                             **leaf_san("dns:" + GW, "uri:spiffe://zoo.test/gw")),
    "permit-directory": issuing(permit=["dir:/O=Zoo"]),
    "permit-directory-other": issuing(permit=["dir:/O=Other"]),
    "permit-cn-other": dict(issuing(permit=["dns:other.test"]), leaf={"san": None, "subject": "/CN=" + GW}),
    "root-permit-right": root(permit=["dns:zoo.test"]),
    "root-permit-other": root(permit=["dns:other.test"]),
    # paths
    "no-intermediate": {SEND: ["leaf"]},
    "root-sent-too": {SEND: ["leaf", "issuing", "root"]},
    "out-of-order": {"third": {"ca": True, "issuer": "issuing"}, "issuing": {"pathlen": 1}, "leaf": {"issuer": "third"},
                     SEND: ["leaf", "issuing", "third"]},
    "pathlen-exceeded": {"third": {"ca": True, "issuer": "issuing"}, "leaf": {"issuer": "third"},
                         SEND: ["leaf", "third", "issuing"]},
    "issued-by-leaf": {"middle": {}, "leaf": {"issuer": "middle"}, SEND: ["leaf", "middle", "issuing"]},
    "unknown-ca": {"other": {"ca": True, "issuer": "self", "subject": "/O=Other/CN=Root"}, TRUST: "other"},
    "same-name-other-key": {"other": {"ca": True, "issuer": "self", "subject": "/O=Zoo/CN=Zoo Root"}, TRUST: "other"},
    "partial-anchor": {TRUST: "issuing"},
    "trusts-the-leaf": {TRUST: "leaf"},
    "self-signed-trusted": {"leaf": {"issuer": "self"}, SEND: ["leaf"], TRUST: "leaf"},
    "self-signed-ca-trusted": {"leaf": {"issuer": "self", "ca": True, "ku": ["digitalSignature", "keyCertSign"]},
                               SEND: ["leaf"], TRUST: "leaf"},
    "self-signed": {"leaf": {"issuer": "self"}, SEND: ["leaf"]},
    "signature-damaged": leaf(damage="signature"),
    "issued-by-root": {"leaf": {"issuer": "root"}, SEND: ["leaf"]},
}

# Those whose certificates depend on the side.
SIDED = {
    "eku-other": lambda side: leaf(eku=[OTHER[side]]),
    "eku-both": lambda side: leaf(eku=["serverAuth", "clientAuth"]),
    "eku-any-and-right": lambda side: leaf(eku=["any", OWN[side]]),
    "eku-critical": lambda side: leaf(eku_critical=True),
    "nscerttype-other": lambda side: leaf(nscerttype={"server": "client", "client": "server"}[side]),
    "issuing-eku-right": lambda side: issuing(eku=[OWN[side]]),
    "issuing-eku-other": lambda side: issuing(eku=[OTHER[side]]),
    "root-eku-other": lambda side: root(eku=[OTHER[side]]),
}


class Odd:
    """One case on disk: chain (a file, the leaf first), trust, and what is asked."""

    def __init__(self, name, side, spec, place):
        spec = dict(spec)
        self.name, self.side = name, side
        asked = spec.pop(NAME, GW)
        self.asked = asked if side == "server" else None
        send, trust = spec.pop(SEND, ["leaf", "issuing"]), spec.pop(TRUST, "root")
        spec["leaf"] = dict({"san": ["dns:" + GW], "subject": "/O=Zoo/CN=gateway"}, **spec.get("leaf", {}))
        if not spec.keys() & {"other"}:  # names of their own, or a store with all roots would be a maze
            spec["root"] = dict({"subject": "/O=Zoo/CN=Zoo Root " + name}, **spec.get("root", {}))
        self.certs = zoo.build(spec, side)
        self.chain, self.trust = place / (name + ".pem"), place / (name + ".ca.pem")
        self.key = place / (name + ".key")
        self.chain.write_bytes(b"".join(self.certs[one].pem for one in send))
        self.trust.write_bytes(self.certs[trust].pem)
        self.key.write_bytes(self.certs["leaf"].key_pem)


def build(side, place):
    """Every case for one side, as files below place."""
    place.mkdir(parents=True)
    rows = {name: spec for name, spec in CASES.items() if spec.get(ONLY, side) == side}
    rows.update({name: make(side) for name, make in SIDED.items()})
    return [Odd(name, side, {k: v for k, v in spec.items() if k != ONLY}, place) for name, spec in rows.items()]
