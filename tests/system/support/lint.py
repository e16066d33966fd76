# SPDX-License-Identifier: Apache-2.0
"""Lints of certificates and revocation lists, on the bytes (X.690, RFC 5280, RFC 5480, RFC 4055): what
pkilint and zlint ask of a private PKI.  Each function gives a list of sentences; none is good."""
import hashlib
import re
from dataclasses import dataclass

BOOLEAN, INTEGER, BITS, OCTETS, NULL, OID, UTF8, SEQUENCE, SET = 1, 2, 3, 4, 5, 6, 12, 0x30, 0x31
PRINTABLE, IA5, UTCTIME, GENERALIZED, ENUMERATED = 19, 22, 23, 24, 10
EXT = {"2.5.29.14": "ski", "2.5.29.35": "aki", "2.5.29.19": "bc", "2.5.29.15": "ku", "2.5.29.37": "eku",
       "2.5.29.17": "san", "2.5.29.30": "nc", "2.5.29.20": "number", "2.5.29.21": "reason"}
EKU = {"1.3.6.1.5.5.7.3.1": "serverAuth", "1.3.6.1.5.5.7.3.2": "clientAuth"}
NAME_CAPS = {"2.5.4.3": 64, "2.5.4.10": 64, "2.5.4.11": 64, "2.5.4.6": 2, "2.5.4.7": 128, "2.5.4.8": 128}
RSA, EC, ED25519 = "1.2.840.113549.1.1.1", "1.2.840.10045.2.1", "1.3.101.112"
CURVES = {"1.2.840.10045.3.1.7", "1.3.132.0.34"}
SIGNATURES = {"1.2.840.113549.1.1.11": "null", "1.2.840.113549.1.1.12": "null", "1.2.840.10045.4.3.2": "none",
              "1.2.840.10045.4.3.3": "none", "1.3.101.112": "none"}
PRINTABLE_SET = re.compile(rb"[A-Za-z0-9 '()+,\-./:=?]*\Z")
HOST = re.compile(r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\Z")


class Malformed(Exception):
    pass


@dataclass
class Node:
    tag: int
    value: bytes
    raw: bytes

    @property
    def parts(self):
        found, at = [], 0
        while at < len(self.value):
            node = read(self.value, at)
            found.append(node)
            at += len(node.raw)
        return found

    @property
    def oid(self):
        if self.tag != OID:
            raise Malformed("an OBJECT IDENTIFIER was expected")
        numbers, value = [], 0
        for octet in self.value:
            value = value << 7 | octet & 0x7f
            if not octet & 0x80:
                numbers.append(value)
                value = 0
        first = min(numbers[0] // 40, 2)
        return ".".join(map(str, [first, numbers[0] - 40 * first] + numbers[1:]))


def read(octets, at=0):
    """One element; BER that is not DER is refused: indefinite and long lengths."""
    if at + 2 > len(octets):
        raise Malformed("it ends within a head")
    tag, length, head = octets[at], octets[at + 1], 2
    if tag & 0x1f == 0x1f:
        raise Malformed("a tag of many bytes")
    if length & 0x80:
        count = length & 0x7f
        body = octets[at + 2:at + 2 + count]
        length, head = int.from_bytes(body, "big"), 2 + count
        if count == 0 or len(body) < count or length < 0x80 or body[0] == 0:
            raise Malformed("a length that is not as short as can be")
    if at + head + length > len(octets):
        raise Malformed("it ends within a value")
    return Node(tag, octets[at + head:at + head + length], octets[at:at + head + length])


def whole(octets):
    node = read(octets)
    return node if len(node.raw) == len(octets) else Node(0, b"", b"")


# --- parts ---

def lint_integer(node, what):
    wrong = []
    if node.tag != INTEGER or not node.value:
        return ["%s is no INTEGER" % what]
    if len(node.value) > 1 and (node.value[0] == 0) == (not node.value[1] & 0x80) and node.value[0] in (0, 255):
        wrong.append("%s is padded" % what)
    if node.value[0] & 0x80:
        wrong.append("%s is negative" % what)
    if len(node.value) > 20:
        wrong.append("%s is longer than 20 bytes" % what)
    return wrong


def lint_serial(node):
    wrong = lint_integer(node, "the serial")
    if not wrong and int.from_bytes(node.value, "big") < 1 << 64:
        wrong.append("the serial has less than 64 bits")
    return wrong


def lint_time(node, what):
    text = node.value.decode("ascii", "replace")
    if node.tag == UTCTIME:
        return [] if re.fullmatch(r"\d{12}Z", text) else ["%s is no UTCTime with seconds and Z" % what]
    if node.tag != GENERALIZED or not re.fullmatch(r"\d{14}Z", text):
        return ["%s is no time with seconds and Z" % what]
    return [] if int(text[:4]) >= 2050 else ["%s is a GeneralizedTime before 2050" % what]


def moment(node):
    text = node.value.decode()
    if node.tag == UTCTIME:
        text = ("20" if int(text[:2]) < 50 else "19") + text
    return text


def lint_name(node, what, may_be_empty=False):
    wrong = [] if node.parts or may_be_empty else ["%s is empty" % what]
    for rdn in node.parts:
        if rdn.tag != SET or not rdn.parts:
            wrong.append("%s has a part that is no SET" % what)
        if [p.raw for p in rdn.parts] != sorted(p.raw for p in rdn.parts):
            wrong.append("%s has a SET out of order" % what)
        for part in rdn.parts:
            kind, value = part.parts
            wrong += lint_name_part(kind.oid, value, what)
    return wrong


def lint_name_part(kind, value, what):
    wrong = []
    allowed = (PRINTABLE,) if kind == "2.5.4.6" else (IA5,) if kind == "1.2.840.113549.1.9.1" else (PRINTABLE, UTF8)
    if value.tag not in allowed:
        wrong.append("%s: %s has the string type %d" % (what, kind, value.tag))
    if value.tag == PRINTABLE and not PRINTABLE_SET.match(value.value):
        wrong.append("%s: %s is no PrintableString" % (what, kind))
    text = value.value.decode("utf-8", "replace")
    if not text or text != text.strip() or "\0" in text:
        wrong.append("%s: %s is empty or padded" % (what, kind))
    if len(text) > NAME_CAPS.get(kind, 32768):
        wrong.append("%s: %s is too long" % (what, kind))
    return wrong


def lint_algorithm(outer, inner):
    wrong = [] if outer.raw == inner.raw else ["the two signature algorithms differ"]
    kind = outer.parts[0].oid
    if kind not in SIGNATURES:
        return wrong + ["the signature algorithm %s is not one of today" % kind]
    params = [p.tag for p in outer.parts[1:]]
    if params != ([NULL] if SIGNATURES[kind] == "null" else []):
        wrong.append("the signature algorithm's parameters are wrong")
    return wrong


def lint_key(spki):
    algorithm, bits = spki.parts
    kind = algorithm.parts[0].oid
    if kind == RSA:
        n, e = read(bits.value[1:]).parts
        size, exponent = int.from_bytes(n.value, "big").bit_length(), int.from_bytes(e.value, "big")
        return ([] if size >= 2048 and size % 8 == 0 else ["the RSA key has %d bits" % size]) + \
            ([] if exponent >= 65537 and exponent % 2 else ["the RSA exponent is %d" % exponent]) + \
            ([] if [p.tag for p in algorithm.parts[1:]] == [NULL] else ["the RSA key's parameters are not NULL"])
    if kind == EC:
        curve = algorithm.parts[1]
        return [] if curve.tag == OID and curve.oid in CURVES and bits.value[1] == 4 else ["the curve is not a good one"]
    return [] if kind == ED25519 and len(algorithm.parts) == 1 else ["the key's kind %s is not one of ours" % kind]


def extensions(node):
    """{name: (critical, value)} and what is wrong with the list itself."""
    found, wrong = {}, []
    for ext in node.parts:
        parts = ext.parts
        critical = False
        if parts[1].tag == BOOLEAN:
            critical = True
            if parts[1].value != b"\xff":
                wrong.append("an extension says its default, FALSE")
        name = EXT.get(parts[0].oid, parts[0].oid)
        if name in found:
            wrong.append("the extension %s stands twice" % name)
        found[name] = (critical, read(parts[-1].value))
    return found, wrong


def spki_id(spki):
    return hashlib.sha1(spki.parts[1].value[1:]).digest()


def key_usage(node):
    unused, octets = node.value[0], node.value[1:]
    names = ("digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
             "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly")
    found = {names[i] for i in range(8 * len(octets) - unused) if octets[i // 8] & 0x80 >> i % 8}
    tight = octets and octets[-1] & 1 << unused
    return found, [] if tight else ["keyUsage has zero bits at its end"]


def lint_names(node, critical, subject_empty):
    wrong = [] if node.parts else ["subjectAltName is empty"]
    if critical != subject_empty:
        wrong.append("subjectAltName is%s critical" % ("" if critical else " not"))
    for name in node.parts:
        kind, text = name.tag & 0x1f, name.value.decode("latin-1")
        good = {1: "@" in text, 2: bool(HOST.match(text)), 6: bool(re.match(r"[a-z][a-z0-9+.-]*:\S+\Z", text)),
                7: len(name.value) in (4, 16)}.get(kind, False)
        if not good:
            wrong.append("the name %r of kind %d is malformed" % (text, kind))
    if len({name.raw for name in node.parts}) != len(node.parts):
        wrong.append("a name stands twice")
    return wrong


def lint_constraints(node):
    wrong = []
    for trees in node.parts:
        for tree in trees.parts:
            if len(tree.parts) != 1:
                wrong.append("nameConstraints say minimum or maximum")
    return wrong if node.parts else ["nameConstraints are empty"]


# --- the whole ---

PROFILES = {
    "root": dict(ca=True, pathlen=None), "single": dict(ca=True, pathlen=0), "issuing": dict(ca=True, pathlen=0),
    "intermediate": dict(ca=True, pathlen=0),
    "server": dict(eku={"serverAuth"}, rsa=True, names=True), "client": dict(eku={"clientAuth"}, rsa=False),
    "peer": dict(eku={"serverAuth", "clientAuth"}, rsa=True, names=True),
}


class Certificate:
    def __init__(self, der):
        self.node = whole(der)
        tbs, self.outer, self.signature = self.node.parts
        parts = tbs.parts
        self.version = 1
        if parts[0].tag == 0xa0:
            self.version = parts.pop(0).value[2] + 1
        self.serial, self.inner, self.issuer, self.validity, self.subject, self.spki = parts[:6]
        self.rest = parts[6:]
        lists = [p for p in self.rest if p.tag == 0xa3]
        self.ext, self.wrong = extensions(lists[0].parts[0]) if lists else ({}, ["there are no extensions"])

    @property
    def is_rsa(self):
        return self.spki.parts[0].parts[0].oid == RSA


def lint_ca_bits(c, want):
    wrong = []
    bc = c.ext.get("bc")
    if want.get("ca"):
        if not bc or not bc[0] or [p.value for p in bc[1].parts][:1] != [b"\xff"]:
            return ["basicConstraints are not critical with CA:TRUE"]
        pathlen = int.from_bytes(bc[1].parts[1].value, "big") if len(bc[1].parts) > 1 else None
        if pathlen != want["pathlen"]:
            wrong.append("the path length is %s" % pathlen)
    elif bc and bc[1].value:
        wrong.append("basicConstraints of a leaf say something")
    return wrong


def lint_usages(c, want):
    if "ku" not in c.ext or not c.ext["ku"][0]:
        return ["keyUsage is missing or not critical"]
    found, wrong = key_usage(c.ext["ku"][1])
    wanted = {"keyCertSign", "cRLSign"} if want.get("ca") else {"digitalSignature"}
    if want.get("rsa") and c.is_rsa:
        wanted = wanted | {"keyEncipherment"}
    if found != wanted:
        wrong.append("keyUsage is %s" % sorted(found))
    ekus = {EKU.get(p.oid, p.oid) for p in c.ext["eku"][1].parts} if "eku" in c.ext else set()
    if ekus != want.get("eku", set()) or (ekus and c.ext["eku"][0]):
        wrong.append("extendedKeyUsage is %s" % sorted(ekus))
    return wrong


def lint_ids(c, issuer):
    wrong = []
    ski, aki = c.ext.get("ski"), c.ext.get("aki")
    if not ski or ski[0] or ski[1].value != spki_id(c.spki):
        wrong.append("subjectKeyIdentifier is missing or not the key's")
    if not aki or aki[0] or [p.tag for p in aki[1].parts] != [0x80]:
        wrong.append("authorityKeyIdentifier is missing or more than a key identifier")
    elif issuer.ext.get("ski") and aki[1].parts[0].value != issuer.ext["ski"][1].value:
        wrong.append("authorityKeyIdentifier is not the issuer's key")
    return wrong


def lint_validity(c, issuer):
    begin, end = c.validity.parts
    wrong = lint_time(begin, "notBefore") + lint_time(end, "notAfter")
    if moment(begin) >= moment(end):
        wrong.append("it ends before it begins")
    if moment(end) > moment(issuer.validity.parts[1]) or moment(begin) < moment(issuer.validity.parts[0]):
        wrong.append("it is valid when its issuer is not")
    return wrong


def lint_certificate(der, profile, issuer_der=None):
    """What is wrong with the bytes of a certificate of this profile; issuer None: self-signed."""
    want = PROFILES[profile]
    try:
        c = Certificate(der)
        issuer = Certificate(issuer_der) if issuer_der else c
        wrong = list(c.wrong) + ([] if c.version == 3 else ["it is version %d" % c.version])
        wrong += lint_serial(c.serial) + lint_algorithm(c.outer, c.inner) + lint_key(c.spki)
        wrong += lint_name(c.issuer, "the issuer") + lint_name(c.subject, "the subject", may_be_empty="san" in c.ext)
        wrong += [] if c.issuer.raw == issuer.subject.raw else ["the issuer's name is not written as the issuer has it"]
        wrong += [] if all(p.tag == 0xa3 for p in c.rest) else ["there are unique identifiers"]
        wrong += lint_validity(c, issuer) + lint_ca_bits(c, want) + lint_usages(c, want) + lint_ids(c, issuer)
        if "san" in c.ext:
            wrong += lint_names(c.ext["san"][1], c.ext["san"][0], not c.subject.parts)
        elif want.get("names"):
            wrong.append("subjectAltName is missing")
        if "nc" in c.ext:
            wrong += lint_constraints(c.ext["nc"][1])
            wrong += [] if want.get("ca") and c.ext["nc"][0] else ["nameConstraints are not a CA's, or not critical"]
        known = {"ski", "aki", "bc", "ku", "eku", "san", "nc"}
        return wrong + ["the extension %s was not ordered" % name for name in c.ext if name not in known]
    except (Malformed, IndexError, ValueError) as no:
        return ["it does not decode: %s" % no]


def lint_crl(der, issuer_der):
    try:
        issuer = Certificate(issuer_der)
        tbs, outer, _signature = whole(der).parts
        parts = tbs.parts
        wrong = [] if parts[0].tag == INTEGER and parts[0].value == b"\1" else ["it is no version 2 list"]
        inner, name, this, following = parts[1:5]
        wrong += lint_algorithm(outer, inner) + lint_time(this, "thisUpdate") + lint_time(following, "nextUpdate")
        wrong += [] if name.raw == issuer.subject.raw else ["the issuer's name is not written as the issuer has it"]
        wrong += [] if moment(this) < moment(following) else ["it ends before it begins"]
        rows = parts[5] if len(parts) > 6 else None
        ext, more = extensions(parts[-1].parts[0])
        wrong += more + lint_crl_rows(rows)
        number, aki = ext.get("number"), ext.get("aki")
        wrong += ["there is no cRLNumber, or it is critical"] if not number or number[0] else \
            lint_integer(number[1], "the cRLNumber")
        if not aki or aki[0] or aki[1].parts[0].value != issuer.ext["ski"][1].value:
            wrong.append("authorityKeyIdentifier is missing or not the issuer's key")
        return wrong
    except (Malformed, IndexError, ValueError) as no:
        return ["it does not decode: %s" % no]


def lint_crl_rows(rows):
    if rows is None:
        return []
    wrong = [] if rows.parts else ["revokedCertificates is there and empty"]
    serials = [row.parts[0].value for row in rows.parts]
    if len(set(serials)) != len(serials):
        wrong.append("a serial is on the list twice")
    for row in rows.parts:
        wrong += lint_integer(row.parts[0], "a revoked serial") + lint_time(row.parts[1], "a revocationDate")
        ext, more = extensions(row.parts[2]) if len(row.parts) > 2 else ({}, [])
        wrong += more
        if "reason" in ext and (ext["reason"][0] or ext["reason"][1].value in (b"\0", b"\7")):
            wrong.append("a reason is critical, unspecified or not one")
    return wrong
