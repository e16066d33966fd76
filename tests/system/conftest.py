# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the system tests: the program, homes of parties, foreign peers, certificates of the zoo."""
import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

from support import peers, zoo  # noqa: E402
from support.process import clean_env  # noqa: E402
from support.program import Handfast  # noqa: E402

SOURCE = HERE.parents[1]
os.environ.update({k: v for k, v in clean_env(os.environ.get("HOME", "/")).items() if k in ("LC_ALL", "TZ")})
for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF"):
    os.environ.pop(variable, None)  # Python's own ssl reads them


@pytest.fixture(scope="session")
def source():
    return SOURCE


@pytest.fixture(scope="session")
def binary():
    path = Path(os.environ.get("HANDFAST_BIN", SOURCE / "build" / "handfast")).resolve()
    if not path.exists():
        pytest.fail("there is no program at %s: build it, or set HANDFAST_BIN" % path)
    return str(path)


@pytest.fixture
def home(tmp_path):
    path = tmp_path / "home"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def hf(binary, home, tmp_path):
    """The program with an empty home of its own, run in the test's directory."""
    return Handfast(binary, str(home), cwd=str(tmp_path))


@pytest.fixture(scope="session")
def session_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("session")


@pytest.fixture(scope="session")
def town(session_dir):
    """Certificates in order, and some strangers, made without the program: what most tests need."""
    return Town(session_dir / "town")


class Town:
    """Files: server(.pem/.key), client, and clients that are wrong; ca = the root that signs them all."""

    SPECS = {
        "mail": {"subject": "/O=MailServer/CN=mail-server", "issuer": "issuing", "san": ["dns:mail.zoo.test"]},
        "bob": {"subject": "/O=Zoo/CN=bob", "issuer": "issuing",
                "san": ["dns:bob.zoo.test", "email:bob@zoo.test", "uri:spiffe://zoo.test/mail/bob", "ip:10.1.2.3"]},
        "expired": {"issuer": "issuing", "days": [-30, -1]},
        "notyet": {"issuer": "issuing", "days": [1, 30]},
        "serveronly": {"issuer": "issuing", "eku": ["serverAuth"]},
        "revoked": {"issuer": "issuing"},
        "badsig": {"issuer": "issuing", "damage": "signature"},
        "rsa": {"issuer": "issuing", "key": "rsa2048"},
        "server": dict(zoo.SERVER),
        "gateway": dict(zoo.SERVER, subject="/O=Zoo/CN=gw.zoo.test", san=["dns:gw.zoo.test"]),
        "foreign-root": {"issuer": "self", "subject": "/O=Other/CN=Other Root", "ca": True,
                         "ku": ["keyCertSign", "cRLSign"]},
        "foreign": {"issuer": "foreign-root", "subject": "/O=Other/CN=mail-server"},
        "foreign-server": dict(zoo.SERVER, issuer="foreign-root", subject="/O=Other/CN=localhost"),
        "server-expired": dict(zoo.SERVER, days=[-30, -1]),
        "server-notyet": dict(zoo.SERVER, days=[1, 30]),
        "server-clientonly": dict(zoo.SERVER, eku=["clientAuth"]),
        "server-revoked": dict(zoo.SERVER),
        "server-badsig": dict(zoo.SERVER, damage="signature"),
    }
    BELOW_ROOT = ("foreign", "foreign-server", "foreign-root")

    def __init__(self, folder):
        folder.mkdir()
        self.folder = folder
        self.certs = zoo.build(self.SPECS)
        self.creds = {}
        for name, cert in self.certs.items():
            chain = [cert]
            if cert.spec.get("issuer") == "issuing":
                chain.append(self.certs["issuing"])
            elif name in ("foreign", "foreign-server"):
                chain.append(self.certs["foreign-root"])
            self.creds[name] = peers.Credential(self.write(name + ".pem", b"".join(c.pem for c in chain)),
                                                self.write(name + ".key", cert.key_pem))
        issuing = self.certs["issuing"]
        self.creds["nointer"] = peers.Credential(self.write("nointer.pem", self.certs["mail"].pem),
                                                 self.creds["mail"].key)
        self.creds["server-nointer"] = peers.Credential(
            self.write("server-nointer.pem", self.certs["server"].pem), self.creds["server"].key)
        self.creds["none"] = None
        self.ca = self.write("ca.pem", self.certs["root"].pem)
        self.issuing = self.write("issuing.pem", issuing.pem)
        self.foreign_ca = self.write("foreign-ca.pem", self.certs["foreign-root"].pem)
        root_list = zoo.make_crl(self.certs["root"], {}, self.certs)
        self.crl = self.write("crl.pem", root_list + zoo.make_crl(
            issuing, {"revokes": ["revoked", "server-revoked"]}, self.certs))
        self.crl_clean = self.write("crl-clean.pem", root_list + zoo.make_crl(issuing, {}, self.certs))
        self.crl_mail = self.write("crl-mail.pem", root_list + zoo.make_crl(
            issuing, {"revokes": ["revoked", "mail"], "number": 2}, self.certs))

    def write(self, name, octets):
        path = self.folder / name
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(octets)
        return str(path)

    def __getitem__(self, name):
        return self.creds[name]

    def combined(self, name, key_first=False):
        """One PEM with both, in either order."""
        parts = [Path(self.creds[name].key).read_bytes(), Path(self.creds[name].cert).read_bytes()]
        path = self.folder / ("%s-%s.both.pem" % (name, "key" if key_first else "cert"))
        return self.write(path.name, b"".join(parts if key_first else reversed(parts)))

    @property
    def serve_args(self):
        """The server's side of most tests."""
        return ["--listen", "127.0.0.1:0", "--cert", self["server"].cert, "--key", self["server"].key,
                "--ca", self.ca]


@pytest.fixture(scope="session")
def client_of(session_dir):
    """client_of("curl") is that peer as a client, or a skip."""
    made = {}

    def get(name):
        if name not in made:
            made[name] = peers.CLIENTS[name](str(session_dir))
        return made[name]
    return get


@pytest.fixture(scope="session")
def python(client_of):
    return client_of("python")


@pytest.fixture(scope="session")
def curl(client_of):
    return client_of("curl")


@pytest.fixture(scope="session")
def built(session_dir):
    """built(case) writes the files of a scenario once in a session."""
    made = {}

    def get(case):
        if case.name not in made:
            made[case.name] = case.build(session_dir / "scenarios" / case.name)
        return made[case.name]
    return get


def pytest_collection_modifyitems(items):
    from support import not_yet
    not_yet.skip(items)
