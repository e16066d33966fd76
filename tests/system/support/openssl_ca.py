# SPDX-License-Identifier: Apache-2.0
"""A CA kept by `openssl ca`, as the tutorials have it: for the tests that take one over."""
import subprocess
from pathlib import Path

from .peers import need
from .process import SLOW, clean_env

CONFIG = """\
HOME = .
RANDFILE = $ENV::HOME/.rnd
oid_section = new_oids
[ new_oids ]
[ ca ]
default_ca = CA_default
[ CA_default ]
dir = ./demoCA
certs = $dir/certs
database = $dir/index.txt
new_certs_dir = $dir/newcerts
certificate = $dir/cacert.pem
serial = $dir/serial
crlnumber = $dir/crlnumber
crl = $dir/crl.pem
private_key = $dir/private/cakey.pem
RANDFILE = $dir/private/.rand
default_days = %(days)s
default_crl_days = 30
default_md = sha256
policy = policy_match
unique_subject = %(unique)s
copy_extensions = copy
x509_extensions = %(extensions)s
[ policy_match ]
countryName = optional
organizationName = optional
commonName = supplied
[ none ]
[ usr_cert ]
basicConstraints = CA:FALSE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[ req ]
distinguished_name = dn
[ dn ]
[ v3_ca ]
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
"""


class OpensslCa:
    """place/demoCA; openssl runs in `place`, where its relative paths lead."""

    def __init__(self, place, unique="no", days=300, extensions="usr_cert", key="rsa:2048", passphrase=None):
        self.place, self.dir = Path(place), Path(place) / "demoCA"
        self.passphrase = passphrase
        for name in ("certs", "newcerts", "private"):
            (self.dir / name).mkdir(parents=True)
        (self.dir / "private").chmod(0o700)
        (self.dir / "index.txt").touch()
        (self.dir / "serial").write_text("1000\n")
        (self.dir / "crlnumber").write_text("1000\n")
        self.config(unique=unique, days=days, extensions=extensions)
        secret = ["-passout", "pass:" + passphrase] if passphrase else ["-nodes"]
        self.openssl("req", "-x509", "-config", "demoCA/openssl.cnf", "-extensions", "v3_ca", "-newkey", *key.split(),
                     *secret, "-keyout", "demoCA/private/cakey.pem", "-out", "demoCA/cacert.pem", "-days", "3650",
                     "-subj", "/C=IN/O=ABC Inc./CN=ABC Root")

    def config(self, unique="no", days=300, extensions="usr_cert"):
        (self.dir / "openssl.cnf").write_text(CONFIG % {"unique": unique, "days": days, "extensions": extensions})

    def openssl(self, *args, exit=0):
        done = subprocess.run([need("openssl")] + [str(a) for a in args], cwd=self.place, capture_output=True,
                              stdin=subprocess.DEVNULL, env=clean_env(self.place), timeout=60 * SLOW, check=False)
        text = (done.stdout + done.stderr).decode("utf-8", "backslashreplace")
        assert exit is None or done.returncode == exit, "openssl %s: exit %d\n%s" % (
            " ".join(map(str, args)), done.returncode, text)
        return text

    def ca(self, *args, exit=0, config="demoCA/openssl.cnf"):
        secret = ["-passin", "pass:" + self.passphrase] if self.passphrase else []
        return self.openssl("ca", "-batch", "-config", config, *secret, *args, exit=exit)

    def request(self, name, *more, key="ec"):
        kind = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if key == "ec" else [key]
        self.openssl("req", "-new", "-config", "demoCA/openssl.cnf", "-newkey", *kind, "-nodes", "-keyout",
                     name + ".key", "-out", name + ".csr", "-subj", "/O=ABC/CN=" + name, *more)

    def issue(self, name, *more, key="ec", san=None, **rest):
        """NAME.pem, and the copy in newcerts."""
        self.request(name, *(["-addext", "subjectAltName=" + san] if san else []), key=key)
        self.ca("-in", name + ".csr", "-out", name + ".pem", *more, **rest)
        return self.place / (name + ".pem")

    def revoke(self, name, reason=None, **rest):
        self.ca("-revoke", name + ".pem", *(["-crl_reason", reason] if reason else []), **rest)

    def crl(self, **rest):
        self.ca("-gencrl", "-out", "demoCA/crl.pem", **rest)
        return self.dir / "crl.pem"

    def index(self):
        """The rows of index.txt as lists of their six columns."""
        return [line.split("\t") for line in (self.dir / "index.txt").read_text().splitlines()]
