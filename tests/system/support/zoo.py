# SPDX-License-Identifier: Apache-2.0
"""The zoo: certificates each wrong in one way, built without any code of Handfast.

A case names its certificates; `root` and `issuing` (root -> issuing, path length 0) and a `leaf` below
them are there unless the case says otherwise.  What a certificate may say:

  issuer       a certificate of the case, or "self"; default "issuing" (leaf), "root" (issuing), self (root)
  subject      /C=IN/O=ABC/CN=x (no escapes)      key       ec, rsa1024, rsa2048, ed25519, or as:NAME
  ca, pathlen  basicConstraints                   ku, eku   lists of words, null for none
  san          dns: ip: uri: email: entries       policies  a list of OIDs
  days         [from, until] in days from now     hash      sha256, sha1, md5
  serial, version (1 or 3), permit/exclude (name constraints), ski/aki (false: none, "wrong", "key": as hashed),
  plain        words whose extension (bc, nc) is not critical     keen      words (san, ski, aki) that is
  generalized  GeneralizedTime although UTCTime would do          until     the exact notAfter, "99991231235959Z"
  extensions   [{oid, critical, der (hex)}]       twice     an OID whose extension stands there twice
  nscerttype   client, server                     damage    "signature", "key", "explicit" (a curve spelled out)
  padding      so many bytes in an unknown extension
"""
import datetime
import hashlib
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, ed448, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from . import der

NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
DAY = datetime.timedelta(days=1)

NAME_PARTS = {"C": NameOID.COUNTRY_NAME, "ST": NameOID.STATE_OR_PROVINCE_NAME, "L": NameOID.LOCALITY_NAME,
              "O": NameOID.ORGANIZATION_NAME, "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
              "CN": NameOID.COMMON_NAME}
KEY_USAGE = ("digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
             "keyCertSign", "cRLSign")
EKU = {"serverAuth": ExtendedKeyUsageOID.SERVER_AUTH, "clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH,
       "emailProtection": ExtendedKeyUsageOID.EMAIL_PROTECTION, "codeSigning": ExtendedKeyUsageOID.CODE_SIGNING,
       "any": ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
HASHES = {"sha256": hashes.SHA256, "sha1": hashes.SHA1, "md5": hashes.MD5, "sha384": hashes.SHA384}
SIGNATURES = {("ec", "sha256"): "1.2.840.10045.4.3.2", ("ec", "sha384"): "1.2.840.10045.4.3.3",
              ("ec", "sha1"): "1.2.840.10045.4.1", ("rsa", "sha256"): "1.2.840.113549.1.1.11",
              ("rsa", "sha1"): "1.2.840.113549.1.1.5", ("rsa", "md5"): "1.2.840.113549.1.1.4",
              ("rsa", "pss"): "1.2.840.113549.1.1.10", ("ed25519", "sha256"): "1.3.101.112",
              ("ed448", "sha256"): "1.3.101.113"}
# RSASSA-PSS with SHA-256, MGF1 with SHA-256 and 32 octets of salt (RFC 4055 3.1)
PSS = bytes.fromhex("3034a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500"
                    "a203020120")
# P-256 spelled out (ECParameters of X9.62) instead of named
EXPLICIT_P256 = bytes.fromhex(
    "3081f7020101302c06072a8648ce3d0101022100ffffffff00000001000000000000000000000000ffffffffffffffffffff"
    "ffff305b0420ffffffff00000001000000000000000000000000fffffffffffffffffffffffc04205ac635d8aa3a93e7b3eb"
    "bd55769886bc651d06b0cc53b0f63bce3c3e27d2604b031500c49d360886e704936a6678e1139d26b7819f7e900441046b17"
    "d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce3357"
    "6b315ececbb6406837bf51f5022100ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551020101")
REASONS = {"keyCompromise": x509.ReasonFlags.key_compromise, "superseded": x509.ReasonFlags.superseded,
           "cessationOfOperation": x509.ReasonFlags.cessation_of_operation}


class Ring:
    """RSA keys take long to make: the first RING are made, and go round.  No case has as many."""
    SIZE = 12

    def __init__(self, bits):
        self.bits, self.keys, self.at = bits, [], 0

    def next(self):
        if len(self.keys) < self.SIZE:
            self.keys.append(rsa.generate_private_key(65537, self.bits))
            return self.keys[-1]
        self.at += 1
        return self.keys[self.at % self.SIZE]


RINGS = {}


def new_key(kind):
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "ed448":
        return ed448.Ed448PrivateKey.generate()
    if kind.startswith("rsa"):
        return RINGS.setdefault(kind, Ring(int(kind[3:]))).next()
    return ec.generate_private_key({"ec": ec.SECP256R1, "p384": ec.SECP384R1, "p521": ec.SECP521R1}[kind]())


def key_family(key):
    if isinstance(key, rsa.RSAPrivateKey):
        return "rsa"
    if isinstance(key, ed448.Ed448PrivateKey):
        return "ed448"
    return "ed25519" if isinstance(key, ed25519.Ed25519PrivateKey) else "ec"


def sign(key, message, digest):
    family = key_family(key)
    if family in ("ed25519", "ed448"):
        return key.sign(message)
    if digest == "pss":
        return key.sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    if family == "rsa":
        return key.sign(message, padding.PKCS1v15(), HASHES[digest]())
    return key.sign(message, ec.ECDSA(HASHES[digest]()))


def pem_key(key, form=serialization.PrivateFormat.PKCS8, passphrase=None):
    how = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, how)


def pem(label, octets):
    import base64
    text = base64.b64encode(octets).decode()
    rows = [text[i:i + 64] for i in range(0, len(text), 64)]
    return ("-----BEGIN %s-----\n%s\n-----END %s-----\n" % (label, "\n".join(rows), label)).encode()


def name_of(text):
    parts = []
    for part in text.strip("/").split("/"):
        if part:
            kind, value = part.split("=", 1)
            parts.append(x509.NameAttribute(NAME_PARTS[kind], value))
    return x509.Name(parts)


def general_name(text):
    """One SAN entry in DER.  Made by hand, so that a NUL or a leading dot can stand in it."""
    kind, value = text.split(":", 1)
    if kind == "ip":
        if "/" in value:
            net = ipaddress.ip_network(value)
            return der.tlv(0x87, net.network_address.packed, net.netmask.packed)
        return der.tlv(0x87, ipaddress.ip_address(value).packed)
    if kind == "dir":
        return der.tlv(0xA4, name_of(value).public_bytes())
    tag = {"email": 0x81, "dns": 0x82, "uri": 0x86}[kind]
    return der.tlv(tag, value.encode("latin-1"))


def spki_of(key):
    return key.public_key().public_bytes(serialization.Encoding.DER,
                                         serialization.PublicFormat.SubjectPublicKeyInfo)


def key_id(key):
    if key_family(key) == "rsa":
        raw = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    elif key_family(key) == "ec":
        raw = key.public_key().public_bytes(serialization.Encoding.X962,
                                            serialization.PublicFormat.UncompressedPoint)
    else:
        raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha1(raw).digest()


class Cert:
    """One certificate: its key, its DER, and what its children need to know."""

    def __init__(self, key, subject, octets, spec, ski):
        self.key, self.subject, self.der, self.spec, self.ski = key, subject, octets, spec, ski
        self.pem = pem("CERTIFICATE", octets)

    @property
    def x509(self):
        return x509.load_der_x509_certificate(self.der)

    @property
    def key_pem(self):
        return pem_key(self.key)

    @property
    def sha256(self):
        return hashlib.sha256(self.der).hexdigest()


def extension(dotted, critical, octets):
    parts = [der.oid(dotted)]
    if critical:
        parts.append(der.boolean(True))
    return der.seq(*parts, der.tlv(der.OCTETS, octets))


def subtrees(tag, names):
    return der.tlv(tag, *[der.seq(general_name(name)) for name in names]) if names else b""


def usage_octets(words):
    value = 0
    for word in words:
        value |= 0x80 >> KEY_USAGE.index(word)
    unused = (value & -value).bit_length() - 1 if value else 0
    return der.bits(bytes([value]), unused)


def extensions_of(spec, key, issuer_ski):
    rows, plain, keen = [], spec.get("plain", ()), spec.get("keen", ())
    if spec.get("ca") is not None:
        inner = der.boolean(True) if spec["ca"] else b""
        if spec.get("pathlen") is not None:
            inner += der.integer(spec["pathlen"])
        rows.append(("2.5.29.19", "bc" not in plain, der.seq(inner)))
    if spec.get("ku"):
        rows.append(("2.5.29.15", True, usage_octets(spec["ku"])))
    if spec.get("eku"):
        rows.append(("2.5.29.37", spec.get("eku_critical", False),
                     der.seq(*[der.oid(EKU[word].dotted_string) for word in spec["eku"]])))
    if spec.get("san"):
        rows.append(("2.5.29.17", "san" in keen, der.seq(*[general_name(name) for name in spec["san"]])))
    if spec.get("ski", True):
        rows.append(("2.5.29.14", "ski" in keen, der.tlv(der.OCTETS, key_id(key))))
    if spec.get("aki", True) and issuer_ski:
        kid = bytes(20) if spec.get("aki") == "wrong" else issuer_ski
        rows.append(("2.5.29.35", "aki" in keen, der.seq(der.tlv(0x80, kid))))
    if spec.get("policies"):
        rows.append(("2.5.29.32", False, der.seq(*[der.seq(der.oid(p)) for p in spec["policies"]])))
    if spec.get("require_policy") is not None:
        rows.append(("2.5.29.36", True, der.seq(der.tlv(0x80, bytes([spec["require_policy"]])))))
    if spec.get("permit") or spec.get("exclude"):
        rows.append(("2.5.29.30", "nc" not in plain, der.seq(subtrees(0xA0, spec.get("permit")),
                                                             subtrees(0xA1, spec.get("exclude")))))
    if spec.get("nscerttype"):
        value = {"client": 0x80, "server": 0x40}[spec["nscerttype"]]
        rows.append(("2.16.840.1.113730.1.1", False, der.bits(bytes([value]), 6 if value == 0x40 else 7)))
    for row in spec.get("extensions", ()):
        rows.append((row["oid"], row.get("critical", False), bytes.fromhex(row["der"])))
    if spec.get("padding"):
        rows.append(("1.3.6.1.4.1.55555.7.2", False, der.tlv(der.OCTETS, bytes(spec["padding"]))))
    if spec.get("twice"):
        rows += [row for row in rows if row[0] == spec["twice"]]
    return [extension(*row) for row in rows]


def make(spec, issuer=None, key=None):
    """A certificate after spec, signed by issuer (a Cert; None: by itself)."""
    key = key or new_key(spec.get("key", "ec"))
    subject = name_of(spec["subject"])
    signer = issuer.key if issuer else key
    issuer_name = issuer.subject if issuer else subject
    ski = key_id(key) if spec.get("ski", True) and spec.get("version", 3) == 3 else None
    issuer_ski = issuer.ski if issuer else ski
    if issuer and spec.get("aki") == "key":
        issuer_ski = key_id(issuer.key)
    digest = spec.get("hash", "sha256")
    algorithm = der.oid(SIGNATURES[(key_family(signer), digest)])
    parameters = PSS if digest == "pss" else der.tlv(0x05) if key_family(signer) == "rsa" else b""
    algorithm = der.seq(algorithm, parameters)
    first, last = spec.get("days", [-1, 30])
    serial = spec.get("serial", int.from_bytes(os.urandom(16), "big") >> 1 | 1 << 120)
    form = spec.get("generalized", False)
    spki = spki_of(key)
    if spec.get("damage") == "key":
        spki = der.seq(der.seq(der.oid("1.2.840.10045.2.1"), der.oid("1.2.840.10045.3.1.7")),
                       der.bits(b"\x04" + b"\xff" * 64))
    if spec.get("damage") == "explicit":
        spki = der.seq(der.seq(der.oid("1.2.840.10045.2.1"), EXPLICIT_P256), der.bits(key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)))
    body = [der.integer(serial), algorithm, issuer_name.public_bytes(),
            der.seq(der.moment(NOW + first * DAY, form),
                    der.tlv(0x18, spec["until"].encode()) if "until" in spec else der.moment(NOW + last * DAY, form)),
            subject.public_bytes(), spki]
    if spec.get("version", 3) == 3:
        body.insert(0, der.tlv(0xA0, der.integer(2)))
        rows = extensions_of(spec, key, issuer_ski)
        if rows:
            body.append(der.tlv(0xA3, der.seq(*rows)))
    tbs = der.seq(*body)
    signature = sign(signer, tbs, digest)
    if spec.get("damage") == "signature":
        signature = sign(signer, tbs + b"damaged", digest)
    return Cert(key, subject, der.seq(tbs, algorithm, der.bits(signature)), spec, ski)


def make_crl(issuer, spec, certs):
    first, last = spec.get("days", [-1, 7])
    builder = (x509.CertificateRevocationListBuilder().issuer_name(issuer.subject)
               .last_update((NOW + first * DAY).replace(tzinfo=None))
               .next_update((NOW + last * DAY).replace(tzinfo=None))
               .add_extension(x509.CRLNumber(spec.get("number", 1)), critical=False))
    if issuer.ski:
        builder = builder.add_extension(x509.AuthorityKeyIdentifier(issuer.ski, None, None), critical=False)
    for name in spec.get("revokes", ()):
        row = (x509.RevokedCertificateBuilder().serial_number(certs[name].x509.serial_number)
               .revocation_date((NOW - DAY).replace(tzinfo=None))
               .add_extension(x509.CRLReason(REASONS[spec.get("why", "keyCompromise")]), critical=False))
        builder = builder.add_revoked_certificate(row.build())
    signer = new_key("ec") if spec.get("damage") == "signature" else issuer.key
    algorithm = None if key_family(signer) == "ed25519" else hashes.SHA256()
    return builder.sign(signer, algorithm).public_bytes(serialization.Encoding.PEM)


ROOT = {"subject": "/O=Zoo/CN=Zoo Root", "issuer": "self", "ca": True, "ku": ["keyCertSign", "cRLSign"]}
ISSUING = {"subject": "/O=Zoo/CN=Zoo Issuing CA", "issuer": "root", "ca": True, "pathlen": 0,
           "ku": ["keyCertSign", "cRLSign"]}
CLIENT = {"subject": "/O=Zoo/CN=animal", "issuer": "issuing", "ca": False, "ku": ["digitalSignature"],
          "eku": ["clientAuth"], "san": ["dns:animal.zoo.test"]}
SERVER = dict(CLIENT, subject="/O=Zoo/CN=localhost", eku=["serverAuth"],
              san=["dns:localhost", "ip:127.0.0.1", "ip:::1"])


def build(specs, side="client"):
    """All certificates of a case: specs is {name: spec or null}; the standard ones are added."""
    base = {"root": ROOT, "issuing": ISSUING, "leaf": SERVER if side == "server" else CLIENT}
    wanted = {}
    for name in list(base) + [n for n in specs if n not in base]:
        own = specs.get(name, {})
        if own is None:
            continue
        start = base.get(name) or (dict(ISSUING, pathlen=None, subject="/O=Zoo/CN=Zoo %s" % name) if own.get("ca")
                                   else dict(base["leaf"], subject="/O=Zoo/CN=%s" % name))
        wanted[name] = dict(start, **own)
    done = {}

    def get(name):
        if name not in done:
            spec = wanted[name]
            issuer = None if spec["issuer"] == "self" else get(spec["issuer"])
            share = spec.get("key", "ec")
            key = get(share[3:]).key if share.startswith("as:") else None
            done[name] = make(spec, issuer, key)
        return done[name]

    for name in wanted:
        get(name)
    return done
