#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""turn_roles.py SUITE.json.xz OUT.json - the same suite with clients and servers exchanged.

Extended key usages are exchanged, which breaks every signature, so each certificate and list is signed again:
whoever signed it before gets a new key of the same kind, and its SubjectPublicKeyInfo changes with it.  Key
identifiers stay as they are, signatures that did not verify still do not.  Cases whose signers have keys that
no library makes any more (DSA, P-192, explicit curves) are left out and named on standard error."""
import base64
import json
import lzma
import sys

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

SERVER, CLIENT = bytes.fromhex("06082b06010505070301"), bytes.fromhex("06082b06010505070302")
HOLE = b"\x06\x08\x00hole\x00\x00\x00"
ALGORITHMS = {  # the OID's bytes: key kind, digest
    bytes.fromhex("2a8648ce3d040302"): ("ec", hashes.SHA256()),
    bytes.fromhex("2a8648ce3d040303"): ("ec", hashes.SHA384()),
    bytes.fromhex("2a8648ce3d040304"): ("ec", hashes.SHA512()),
    bytes.fromhex("2a864886f70d01010b"): ("rsa", hashes.SHA256()),
    bytes.fromhex("2a864886f70d01010c"): ("rsa", hashes.SHA384()),
    bytes.fromhex("2a864886f70d01010d"): ("rsa", hashes.SHA512()),
    bytes.fromhex("2a864886f70d010105"): ("rsa", hashes.SHA1()),
    bytes.fromhex("2b6570"): ("ed25519", None),
}


class LeftOut(Exception):
    pass


def header(data, at):
    """(offset of the content, offset behind it) of the element at `at`."""
    first = data[at + 1]
    if first < 0x80:
        return at + 2, at + 2 + first
    count = first & 0x7f
    start = at + 2 + count
    return start, start + int.from_bytes(data[at + 2:start], "big")


def elements(data):
    """The elements of a constructed one."""
    at, end = header(data, 0)
    parts = []
    while at < end:
        _, after = header(data, at)
        parts.append(data[at:after])
        at = after
    return parts


def wrap(tag, content):
    n = len(content)
    length = bytes([n]) if n < 0x80 else bytes([0x80 | (n.bit_length() + 7) // 8]) + n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag]) + length + content


class Signed:
    """A certificate or a revocation list."""

    def __init__(self, pem, is_list):
        self.kind = "X509 CRL" if is_list else "CERTIFICATE"
        body = pem.split("-----BEGIN %s-----" % self.kind)[1].split("-----END")[0]
        self.tbs, self.algorithm, self.signature = elements(base64.b64decode(body))
        self.parts = elements(self.tbs)
        shift = 1 if self.parts[0][0] == (0x02 if is_list else 0xa0) else 0
        self.issuer = self.parts[shift + (1 if is_list else 2)]
        self.subject, self.spki_at = (None, None) if is_list else (self.parts[shift + 4], shift + 5)
        self.spki = None if is_list else self.parts[self.spki_at]
        self.signer = None

    def algorithm_row(self):
        oid = elements(self.algorithm)[0]
        row = ALGORITHMS.get(oid[header(oid, 0)[0]:])
        if not row:
            raise LeftOut("signature algorithm %s" % oid.hex())
        return row

    def verifies(self, spki):
        kind, digest = self.algorithm_row()
        bits = self.signature[header(self.signature, 0)[0] + 1:]
        try:
            key = load_der_public_key(spki)
            if kind == "ec":
                key.verify(bits, self.tbs, ec.ECDSA(digest))
            elif kind == "rsa":
                key.verify(bits, self.tbs, padding.PKCS1v15(), digest)
            else:
                key.verify(bits, self.tbs)
            return True
        except (InvalidSignature, UnsupportedAlgorithm, ValueError, AttributeError, TypeError):
            return False

    def rewrite(self, keys):
        parts = [p.replace(SERVER, HOLE).replace(CLIENT, SERVER).replace(HOLE, CLIENT) if p[0] in (0xa3, 0xa0) else p
                 for p in self.parts]
        if self.spki in keys.made:
            parts[self.spki_at] = keys.public(self.spki)
        tbs = wrap(0x30, b"".join(parts))
        kind, digest = self.algorithm_row()
        key = keys.made[self.signer] if self.signer else keys.stranger(kind)
        if kind == "ec":
            bits = key.sign(tbs, ec.ECDSA(digest))
        elif kind == "rsa":
            bits = key.sign(tbs, padding.PKCS1v15(), digest)
        else:
            bits = key.sign(tbs)
        der = wrap(0x30, tbs + self.algorithm + wrap(0x03, b"\0" + bits))
        text = base64.b64encode(der).decode()
        rows = [text[i:i + 64] for i in range(0, len(text), 64)]
        return "-----BEGIN %s-----\n%s\n-----END %s-----\n" % (self.kind, "\n".join(rows), self.kind)


class Keys:
    """New keys for old; a pool, as RSA keys are slow to make."""
    pool = {}

    def __init__(self):
        self.made = {}

    def take(self, kind, size, number):
        name = (kind, size, number)
        if name not in self.pool:
            self.pool[name] = (ec.generate_private_key(size()) if kind == "ec" else
                               rsa.generate_private_key(65537, size) if kind == "rsa" else
                               ed25519.Ed25519PrivateKey.generate())
        return self.pool[name]

    def replace(self, spki):
        if spki in self.made:
            return
        try:
            old = load_der_public_key(spki)
        except (UnsupportedAlgorithm, ValueError) as why:
            raise LeftOut("signer's key: %s" % why) from why
        if isinstance(old, ec.EllipticCurvePublicKey):
            self.made[spki] = self.take("ec", type(old.curve), len(self.made))
        elif isinstance(old, rsa.RSAPublicKey):
            self.made[spki] = self.take("rsa", old.key_size, len(self.made))
        elif isinstance(old, ed25519.Ed25519PublicKey):
            self.made[spki] = self.take("ed25519", 0, len(self.made))
        else:
            raise LeftOut("signer's key is %s" % type(old).__name__)

    def public(self, spki):
        return self.made[spki].public_key().public_bytes(serialization.Encoding.DER,
                                                         serialization.PublicFormat.SubjectPublicKeyInfo)

    def stranger(self, kind):
        return self.take(kind, {"ec": ec.SECP256R1, "rsa": 2048, "ed25519": 0}[kind], -1)


def turn(case):
    groups = {name: [Signed(pem, name == "crls") for pem in case.get(name) or []]
              for name in ("trusted_certs", "untrusted_intermediates", "crls")}
    groups["peer"] = [Signed(case["peer_certificate"], False)]
    certs = groups["trusted_certs"] + groups["untrusted_intermediates"] + groups["peer"]
    keys = Keys()
    for one in certs + groups["crls"]:
        for other in certs:
            if one.verifies(other.spki):
                one.signer = other.spki
                keys.replace(other.spki)
                break
    for name in ("trusted_certs", "untrusted_intermediates", "crls"):
        if case.get(name):
            case[name] = [one.rewrite(keys) for one in groups[name]]
    case["peer_certificate"] = groups["peer"][0].rewrite(keys)
    case["validation_kind"] = {"SERVER": "CLIENT", "CLIENT": "SERVER"}.get(case["validation_kind"], case["validation_kind"])
    other = {"serverAuth": "clientAuth", "clientAuth": "serverAuth"}
    case["extended_key_usage"] = [other.get(one, one) for one in case["extended_key_usage"]]
    return case


def main():
    cases, left = [], 0
    for case in json.load(lzma.open(sys.argv[1]))["testcases"]:
        try:
            cases.append(turn(case))
        except LeftOut as why:
            left += 1
            print("left out: %s: %s" % (case["id"], why), file=sys.stderr)
    with open(sys.argv[2], "w", encoding="ascii") as out:
        json.dump({"version": 1, "testcases": cases}, out)
    print("%d cases turned, %d left out" % (len(cases), left))


if __name__ == "__main__":
    main()
