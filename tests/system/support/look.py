# SPDX-License-Identifier: Apache-2.0
"""Looking at what the program made, with other eyes: openssl and python3-cryptography."""
import os
import re
import stat
import subprocess
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import ExtensionOID, NameOID

from .peers import need
from .process import SLOW, clean_env

PEM_CERT = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n?", re.S)
KEY_TEXT = re.compile(rb"PRIVATE KEY|[A-Za-z0-9+/=]{60,}")


def openssl(*args, exit=0, input=None):
    """openssl's stdout and stderr as one text; the exit code must be as said (None: any)."""
    done = subprocess.run([need("openssl")] + [str(a) for a in args], input=input or b"", capture_output=True,
                          env=clean_env("/nonexistent"), timeout=30 * SLOW, check=False)
    text = (done.stdout + done.stderr).decode("utf-8", "backslashreplace")
    assert exit is None or done.returncode == exit, "openssl %s: exit %d\n%s" % (
        " ".join(map(str, args)), done.returncode, text)
    return text


def certs(path):
    """Every certificate of a PEM file, in its order."""
    octets = path if isinstance(path, bytes) else Path(path).read_bytes()
    return [x509.load_pem_x509_certificate(part) for part in PEM_CERT.findall(octets)]


def cert(path):
    return certs(path)[0]


def extension(certificate, oid):
    try:
        return certificate.extensions.get_extension_for_oid(oid)
    except x509.ExtensionNotFound:
        return None


def basic(certificate):
    return extension(certificate, ExtensionOID.BASIC_CONSTRAINTS)


def usages(certificate):
    """The words of keyUsage."""
    found = extension(certificate, ExtensionOID.KEY_USAGE)
    words = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "key_cert_sign", "crl_sign")
    return {word for word in words if getattr(found.value, word)} if found else set()


def purposes(certificate):
    found = extension(certificate, ExtensionOID.EXTENDED_KEY_USAGE)
    return {one._name for one in found.value} if found else set()


def sans(certificate):
    """As the command line writes them: dns:a, ip:1.2.3.4, uri:…, email:…"""
    found = extension(certificate, ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    kinds = {x509.DNSName: "dns", x509.IPAddress: "ip", x509.UniformResourceIdentifier: "uri",
             x509.RFC822Name: "email"}
    return {"%s:%s" % (kinds[type(one)], one.value) for one in found.value} if found else set()


def cn(certificate):
    return certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def hexserial(certificate):
    return "%x" % certificate.serial_number


def days(certificate):
    return (certificate.not_valid_after - certificate.not_valid_before).total_seconds() / 86400


def tree(folder):
    """{relative path: bytes} of all files below folder."""
    folder = Path(folder)
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*"))
            if path.is_file()}


def find_list(told):
    """The one list of objects in a JSON answer."""
    found = [value for value in told.values() if isinstance(value, list)]
    assert len(found) == 1, told
    return found[0]


def find_verdict(told):
    """The object with findings in a JSON answer, wherever it stands."""
    waiting = [told]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, dict):
            if "findings" in one:
                return one
            waiting += list(one.values())
        elif isinstance(one, list):
            waiting += one
    raise AssertionError("no verdict in %r" % told)


def finding_ids(told):
    return [one["id"] for one in find_verdict(told)["findings"]]


def has_key_bytes(octets, key_path):
    """Does the output hold a line of the key file?  Never may it."""
    rows = [row for row in Path(key_path).read_bytes().split(b"\n") if len(row) >= 40 and not row.startswith(b"-----")]
    return b"PRIVATE KEY-----" in octets or any(row in octets for row in rows)
