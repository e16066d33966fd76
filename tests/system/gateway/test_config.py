# SPDX-License-Identifier: Apache-2.0
"""handfast.yaml: options as keys, and routes by host, path and method with rules of their own."""
import json
import re

import pytest
from upstreams import Script, always, wait_for
from wire import Wire


@pytest.fixture
def configured(hf, town, tmp_path):
    """configured(text) is a gateway of that file; {server}, {key} and {ca} are filled in."""
    running = []

    def start(text, **more):
        path = tmp_path / "handfast.yaml"
        path.write_text("listen: 127.0.0.1:0\nworkers: 1\ncert: %s\nkey: %s\nca: %s\n" % (
            town["server"].cert, town["server"].key, town.ca) + text)
        server = hf.serve("--config", str(path), **more)
        running.append(server)
        return server
    yield start
    for server in running:
        server.__exit__(None, None, None)


def test_every_option_is_a_key(configured, wire, tmp_path):
    log = tmp_path / "log"
    with Script(always()) as service:
        server = configured("""
rules: ["deny cn:bob", "allow any"]
to: [%s]
pass_identity: [xfcc, headers]
via: gw
access_log: %s
drain: 5s
refuse: alert
""" % (service.url, log))
        assert wire(server).ask()[0] == 200
        head = service.head()
        assert head["x-ssl-client-verify"] == "SUCCESS" and head["via"] == "1.1 gw" and "client-cert" not in head
        with pytest.raises(OSError):
            if wire(server, cred="bob").ask() is None:
                raise OSError
        assert wait_for(lambda: log.exists() and log.read_text(), "log")


def test_manual_of_the_file_is_of_its_keys_and_its_example_works(hf, town, tmp_path):
    page = hf("help", "--man", "handfast.yaml").stdout
    keys = set(re.findall(r"^\.It Ic (\S+):", page.replace("\\-", "-"), re.M))
    options, everywhere = (set(re.findall(r"--([a-z0-9-]+)", hf("help", *of).stdout)) for of in (["serve"], []))
    assert options - keys - everywhere <= {"config", "check"} and len(options & keys) > 40
    assert {"routes", "policies", "sni", "path", "bound-tokens"} <= keys
    example = page.split(".Bd -literal -offset indent\n")[1].split("\n.Ed")[0].replace("\\e", "\\")
    for name, path in (("gw.pem", town["server"].cert), ("gw.key", town["server"].key), ("clients.pem", town.ca),
                       ("partners.pem", town.foreign_ca)):
        example = example.replace("/etc/handfast/" + name, path)
    path = tmp_path / "handfast.yaml"
    path.write_text(example)
    assert "no mistakes found" in hf("serve", "--config", str(path), "--check").stdout


def test_what_a_file_does_not_say_is_as_on_the_command_line(configured, wire):
    server = configured("allow: any\nrespond: identity\n")
    assert wire(server).tls.version() == "TLSv1.3"
    big = wire(server)
    assert big.ask("/", fields="X: %s\r\n" % ("a" * 15000))[0] == 200
    assert wire(server).ask("/", fields="X: %s\r\n" % ("a" * 17000))[0] == 431


ROUTES = """
allow: any
routes:
  - name: admin
    path: /admin/*
    rules: ["allow cn:bob"]
    to: %(admin)s
  - name: upload
    path: /upload
    method: [POST, PUT]
    to: %(upload)s
  - name: api
    host: "*.api.test"
    to: %(api)s
  - name: read
    host: gw.zoo.test
    method: GET
    to: %(read)s
"""


@pytest.fixture
def town_of_services():
    made = {name: Script(always(name.encode())) for name in ("admin", "upload", "api", "read", "rest")}
    yield made
    for one in made.values():
        one.__exit__()


@pytest.mark.parametrize("rest", [True, False], ids=["with a rest", "without"])
def test_first_route_that_matches_counts(configured, wire, town_of_services, rest):
    urls = {name: one.url for name, one in town_of_services.items()}
    server = configured(ROUTES % urls + ("to: %(rest)s\n" % urls if rest else ""))
    otherwise = (200, b"rest") if rest else (404, None)
    connection = wire(server, sni=None, cred="bob")
    for method, host, target, want in [
            ("GET", "a", "/admin/x", (200, b"admin")), ("GET", "a", "/admin", (200, b"admin")),
            ("GET", "a", "/admin/", (200, b"admin")), ("GET", "a", "/administrator", otherwise),
            ("POST", "a", "/upload", (200, b"upload")), ("GET", "a", "/upload", otherwise),
            ("PUT", "a", "/upload?x", (200, b"upload")), ("PUT", "a", "/upload/x", otherwise),
            ("GET", "x.api.test", "/", (200, b"api")), ("GET", "X.API.TEST:443", "/", (200, b"api")),
            ("GET", "x.y.api.test", "/", otherwise), ("GET", "api.test", "/", otherwise),
            ("GET", "gw.zoo.test", "/", (200, b"read")), ("POST", "gw.zoo.test", "/", otherwise),
            ("GET", "x.api.test", "/admin/x", (200, b"admin"))]:
        status, _, body = connection.ask(target, method=method, host=host)
        assert (status, body if status == 200 else None) == want, (method, host, target)
    assert connection.ask("/x", method="HEAD", host="gw.zoo.test")[0] == 200


SPELLINGS = ["/admin/x", "/%61dmin/x", "/%61%64%6d%69%6e/x", "//admin/x", "///admin//x", "/admin;a=b/x", "/admin;/x",
             "/admin%3bx/x", "/admin", "/admin?x", "/admin/", "https://a/admin/x"]
DOUBTFUL = ["/x/../admin/x", "/./admin/x", "/x/%2e%2e/admin/x", "/x%2f..%2fadmin", "/admin%2fx", "/admin%5cx",
            "/..;/admin/x", "/x/..;a/admin", "/a%00b", "/a%0ab"]


def test_no_spelling_of_a_path_goes_around_its_route(configured, wire, town_of_services):
    urls = {name: one.url for name, one in town_of_services.items()}
    server = configured(ROUTES % urls + "to: %(rest)s\n" % urls)
    mail, bob = wire(server, sni=None), wire(server, sni=None, cred="bob")
    for target in SPELLINGS:
        assert mail.ask(target, host="a")[0] == 403, target
        assert bob.ask(target, host="a")[2] == b"admin", target
    for target in DOUBTFUL:
        assert mail.ask(target, host="a")[0] == 400, target
    assert town_of_services["rest"].heads.empty()


def test_slash_behind_does_not_go_around_an_exact_route(configured, wire, town_of_services):
    urls = {name: one.url for name, one in town_of_services.items()}
    server = configured("allow: any\nroutes:\n  - {path: /secret, rules: [\"allow cn:bob\"], to: '%(admin)s'}\n"
                        "to: %(rest)s\n" % urls)
    mail, bob = wire(server, sni=None), wire(server, sni=None, cred="bob")
    for target in ("/secret", "/secret/", "//secret//", "/secret;x/", "/%73ecret/"):
        assert mail.ask(target, host="a")[0] == 403, target
        assert bob.ask(target, host="a")[2] == b"admin", target
    assert mail.ask("/secret/x", host="a")[2] == b"rest"


def test_denied_request_is_recorded_and_the_connection_lives_on(configured, wire, town_of_services, tmp_path):
    log = tmp_path / "log"
    urls = {name: one.url for name, one in town_of_services.items()}
    server = configured("access_log: %s\n" % log + ROUTES % urls + "to: %(rest)s\n" % urls)
    connection = wire(server, sni=None)
    assert connection.ask("/admin/x", host="a")[0] == 403
    assert connection.ask("/other", host="a")[2] == b"rest"
    record = server.wait_record()
    assert (record["cause"], record["stage"]) == ("A-NOT-ALLOWED", "request")
    rows = wait_for(lambda: log.exists() and log.read_text().count("\n") == 2 and [
        json.loads(row) for row in log.read_text().splitlines()], "two lines")
    assert [(row["status"], row.get("route")) for row in rows] == [(403, "admin"), (200, None)]
    assert rows[1]["upstream"] == town_of_services["rest"].url


def test_route_rules_want_a_verified_client(configured, wire, town_of_services):
    urls = {name: one.url for name, one in town_of_services.items()}
    server = configured("client_auth: report\n" + (ROUTES % urls).replace("allow cn:bob", "deny cn:nobody") +
                        "to: %(rest)s\n" % urls)
    for cred, status in (("none", 403), ("expired", 403), ("mail", 200)):
        assert wire(server, sni=None, cred=cred).ask("/admin/x", host="a")[0] == status, cred
        assert wire(server, sni=None, cred=cred).ask("/", host="a")[0] == 200


def test_several_services_of_a_route(configured, wire):
    with Script(always(b"a")) as one, Script(always(b"b")) as two:
        server = configured("allow: any\nroutes:\n  - {path: /x, to: [%s, %s], balance: turn}\n" % (one.url, two.url))
        connection = wire(server)
        assert b"".join(connection.ask("/x")[2] for _ in range(6)) == b"ababab"
        assert connection.ask("/y")[0] == 404


MISTAKES = [
    ("allow: any\nto: http://127.0.0.1:1\nlisen: x\n", r":8:1: .*lisen", "listen"),
    ("allow: any\nto: http://127.0.0.1:1\ndrain: soon\n", r":8:1: .*drain", ""),
    ("allow: any\nto: http://127.0.0.1:1\nworkers: 0\n", r"given twice|workers", ""),
    ("rules: [\"permit any\"]\nto: http://127.0.0.1:1\n", r":6:9: .*allow", ""),
    ("rules: [\"allow nobody:x\"]\nto: http://127.0.0.1:1\n", r"nobody", ""),
    ("allow: any\nroutes:\n  - path: /x\n", r":8:5: .*'to'", ""),
    ("allow: any\nroutes:\n  - {path: x, to: http://127.0.0.1:1}\n", r":8:12: .*'x' is no path", ""),
    ("allow: any\nroutes:\n  - {path: /%41, to: http://127.0.0.1:1}\n", r"is no path", ""),
    ("allow: any\nroutes:\n  - {path: /a//b, to: http://127.0.0.1:1}\n", r"is no path", ""),
    ("allow: any\nroutes:\n  - {pth: /a, to: http://127.0.0.1:1}\n", r"'pth'", "path"),
    ("allow: any\nroutes:\n  - {path: /a, to: tcp://127.0.0.1:1}\n", r"tcp://127.0.0.1:1", ""),
    ("allow: any\nroutes:\n  - {path: /a, to: http://192.0.2.1}\n", r"another machine", ""),
    ("allow: any\nroutes:\n  - {path: /a, to: http://127.0.0.1:1, rules: [\"allow cm:x\"]}\n", r"cm", ""),
    ("allow: any\nroutes: x\n", r":7:9:", ""),
    ("allow: any\nto: tcp://127.0.0.1:1\nroutes:\n  - {path: /a, to: http://127.0.0.1:1}\n", r"bytes", ""),
    ("to: http://127.0.0.1:1\n", r"needs a rule", ""),
    ("allow: any\ncheck: yes\n", r"'check'", ""),
    ("", r"--to or --respond|needs", ""),
]


@pytest.mark.parametrize("text,words,hint", MISTAKES)
def test_mistakes_are_told_with_their_place(hf, town, tmp_path, text, words, hint):
    path = tmp_path / "handfast.yaml"
    path.write_text("listen: 127.0.0.1:0\nworkers: 1\ncert: %s\nkey: %s\nca: %s\n" % (
        town["server"].cert, town["server"].key, town.ca) + text)
    done = hf.run("serve", "--config", str(path), "--check")
    assert done.code in (2, 3) and re.search(words, done.stderr) and hint in done.stderr, done


def test_options_beside_the_file_are_told(hf, tmp_path):
    path = tmp_path / "handfast.yaml"
    path.write_text("allow: any\n")
    done = hf.run("serve", "--config", str(path), "--workers", "3")
    assert done.code == 2 and "--workers" in done.stderr


def test_check_finds_a_good_file_good(hf, town, tmp_path):
    path = tmp_path / "handfast.yaml"
    path.write_text("cert: %s\nkey: %s\nca: %s\nallow: any\nroutes:\n  - {path: /a/*, to: 'http://127.0.0.1:1'}\n" % (
        town["server"].cert, town["server"].key, town.ca))
    done = hf.run("serve", "--config", str(path), "--check")
    assert done.code in (0, 1) and "no path" not in done.everything and "127.0.0.1:1" not in done.stderr, done
