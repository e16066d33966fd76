# SPDX-License-Identifier: Apache-2.0
"""handfast rules: what it says without a connection is what serve does with one."""
import itertools
import re
import ssl

import pytest
from upstreams import Script, always
from wire import Wire

CONFIG = """listen: 127.0.0.1:%(port)s
workers: 1
cert: %(cert)s
key: %(key)s
ca: %(ca)s
rules: ["deny o:Nobody", "allow any"]
pass-identity: [rfc9440, xfcc, headers]
routes:
  - {name: admin, path: /admin/*, rules: ["allow cn:bob"], to: '%(to)s'}
  - {name: upload, path: /up, method: [POST], to: '%(to)s'}
  - {name: named, host: "*.partners.test", to: '%(to)s'}
to: '%(to)s'
policies:
  - {name: partners, sni: [partners.test, "*.partners.test"], ca: %(foreign)s, rules: ["allow cn:mail-server"]}
  - {name: told, sni: told.test, client-auth: report}
  - {name: open, sni: open.test, client-auth: none}
  - {name: maybe, sni: maybe.test, client-auth: optional}
"""


@pytest.fixture
def written(hf, town, tmp_path):
    with Script(always(b"in")) as service:
        path = tmp_path / "handfast.yaml"
        path.write_text(CONFIG % {"port": 0, "cert": town["server"].cert, "key": town["server"].key, "ca": town.ca,
                                  "foreign": town.foreign_ca, "to": service.url})
        yield path, service


ASKS = [("localhost", "/", "GET", None), ("localhost", "/admin/x", "GET", None), ("localhost", "/up", "POST", None),
        ("partners.test", "/", "GET", None), ("a.partners.test", "/x?q", "GET", None), (None, "/", "GET", "partners.test"),
        (None, "/admin/%2e%2e/x", "GET", "x.test"), ("told.test", "/", "GET", None), ("told.test", "/admin/", "GET", None),
        ("open.test", "/admin/x", "HEAD", None), ("maybe.test", "/", "GET", None), ("maybe.test", "/admin/x", "GET", None), ("localhost", "/", "GET", "other.test")]


def real(server, town, cred, sni, path, method, host):
    """(status or None when it is refused, the head that the service got)"""
    try:
        with Wire(server.port, town, cred=cred, sni=sni) as wire:
            got = wire.ask(path, method=method, host=host or sni or "x")
            return got[0] if got else None
    except (ssl.SSLError, ConnectionError):
        return None


def test_it_says_what_serve_does(hf, town, written):
    path, service = written
    with hf.serve("--config", str(path)) as server:
        for (sni, target, method, host), cred in itertools.product(ASKS, ("mail", "bob", "foreign", "expired")):
            status = real(server, town, cred, sni, target, method, host)
            head = service.head() if status == 200 else None
            args = ["rules", "--config", str(path), town[cred].cert, "--path", target, "--method", method]
            args += ["--sni", sni] if sni else []
            args += ["--host", host] if host else []
            said = hf.json(*args, exit=0 if status == 200 else 1)
            meeting = said["meetings"][0]
            what = (sni, target, method, host, cred, status, meeting)
            assert said["allowed"] == (status == 200), what
            assert meeting["let_in"] == (status is not None), what
            if status not in (None, 200):
                assert meeting["status"] == status, what
            if head:
                names = {field["name"].lower() for field in meeting["headers"]}
                for field in meeting["headers"]:
                    assert head.all(field["name"]) == [field["value"]], what
                assert not [name for name in head.names if re.search("client-c|xfcc|x-ssl|x-client", name)
                            and name not in names], what
    assert service.heads.empty()


def test_every_route_and_who_decides_is_shown(hf, town, written):
    path, _ = written
    done = hf("rules", "--config", str(path), town["bob"].cert)
    assert "let in as uri:spiffe://zoo.test/mail/bob" in done.stdout
    assert "rule: allow any" in done.stdout and re.search(r"until: 20\d\d-", done.stdout)
    assert "route admin: allowed by allow cn:bob" in done.stdout and "route (the rest): allowed" in done.stdout
    assert "header Client-Cert: :" in done.stdout and "header X-SSL-Client-CN: bob" in done.stdout
    done = hf("rules", "--config", str(path), town["mail"].cert)
    assert re.search("route admin: denied: no rule", done.stdout), done.stdout
    done = hf("rules", "--config", str(path), town["foreign"].cert, exit=1)
    assert "refused" in done.stdout and "V-UNKNOWN-CA" in done.stdout and "header" not in done.stdout
    done = hf("rules", "--config", str(path), town["foreign"].cert, "--sni", "PARTNERS.test.")
    assert "policy 'partners': let in" in done.stdout and "rule: allow cn:mail-server" in done.stdout
    done = hf("rules", "--config", str(path), town["expired"].cert, "--sni", "told.test")
    assert "let in as nobody (client-auth report)" in done.stdout and "V-EXPIRED" in done.stdout


def test_until_when(hf, town, written):
    path, _ = written
    first = hf.json("rules", "--config", str(path), town["mail"].cert)["meetings"][0]
    assert first["until"] == first["verdict"]["valid_until"] and first["rule"] == "allow any"
    year = int(first["until"][:4])
    later = hf.json("rules", "--config", str(path), town["mail"].cert, "--at", "%d-12-31" % (year + 1), exit=1)
    assert later["meetings"][0]["verdict"]["reason"].endswith("EXPIRED") and not later["allowed"]


def test_rules_that_stand_in_no_file(hf, town):
    say = hf("rules", "--ca", town.ca, "--deny", "cn:bob", "--allow", "o:Zoo", town["bob"].cert, exit=1)
    assert "A-DENIED" in say.stdout and "rule: deny cn:bob" in say.stdout
    assert "let in as" in hf("rules", "--ca", town.ca, "--allow", "o:Zoo", town["bob"].cert).stdout
    said = hf.json("rules", "--ca", town.ca, "--allow", "cn:x", town["bob"].cert, exit=1)
    assert said["meetings"][0]["rule"] == "no rule matches" and said["meetings"][0]["listener"] is None
    assert said["meetings"][0]["verdict"]["reason"] == "A-NOT-ALLOWED"


def test_listeners_are_told_one_by_one(hf, town, tmp_path):
    path = tmp_path / "handfast.yaml"
    path.write_text("listen: [127.0.0.1:1, 127.0.0.1:2]\ncert: %s\nkey: %s\nca: %s\nallow: any\nrespond: identity\npolicies:\n"
                    "  - {name: side, listen: 127.0.0.1:3, rules: ['allow cn:bob']}\n" % (
                        town["server"].cert, town["server"].key, town.ca))
    said = hf.json("rules", "--config", str(path), town["mail"].cert, exit=1)
    assert [(m["listener"], m["policy"], m["let_in"]) for m in said["meetings"]] == [
        ("127.0.0.1:1", None, True), ("127.0.0.1:2", None, True), ("127.0.0.1:3", "side", False)]
    hf("rules", "--config", str(path), town["mail"].cert, "--listen", "127.0.0.1:2")
    hf("rules", "--config", str(path), town["mail"].cert, "--listen", "127.0.0.1:3", exit=1)


@pytest.mark.parametrize("args, want", [
    (["{mail}"], "--config FILE, or --allow"), (["--config", "{yaml}", "--allow", "any", "{mail}"], "stand in the file"),
    (["--ca", "{ca}", "--allow", "any", "--path", "/", "{mail}"], "need --config"),
    (["--config", "{yaml}", "--listen", "127.0.0.1:9", "{mail}"], "no listener"),
    (["--config", "{yaml}", "{key}"], "no certificate"), (["--config", "/does/not/exist", "{mail}"], "/does/not/exist"),
    (["--config", "{yaml}", "/does/not/exist.pem"], "exist.pem"), (["--config", "{yaml}"], "FILE")])
def test_mistakes(hf, town, written, args, want):
    places = {"mail": town["mail"].cert, "key": town["mail"].key, "ca": town.ca, "yaml": str(written[0])}
    done = hf.run("rules", *[arg.format(**places) for arg in args])
    assert done.code > 1 and want in done.everything, str(done)
