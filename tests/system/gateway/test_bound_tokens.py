# SPDX-License-Identifier: Apache-2.0
"""Bearer tokens bound to a certificate (RFC 8705 3): what was stolen is worth nothing on another connection."""
import base64
import hashlib
import json

import pytest
from upstreams import Script, always
from wire import Wire


def b64(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def jwt(claims, raw=None):
    return "%s.%s.%s" % (b64(b'{"alg":"ES256"}'), b64(raw if raw is not None else json.dumps(claims).encode()), b64(b"signature"))


def bound_to(cert):
    return jwt({"sub": "x", "cnf": {"x5t#S256": b64(hashlib.sha256(cert.der).digest())}})


def ask(server, town, fields="", target="/", cred="mail"):
    with Wire(server.port, town, cred=cred) as wire:
        status, head, body = wire.ask(target, fields=fields)
        return status, head.get("www-authenticate")


INVALID = (401, 'Bearer error="invalid_token"')


def rows(town):
    mine, others = bound_to(town.certs["mail"]), bound_to(town.certs["bob"])
    unbound, opaque = jwt({"sub": "x"}), "2YotnFZFEjr1zCsicMWpAA"
    return [
        # fields, under check, under require
        ("", (200, None), (401, "Bearer")),
        ("Authorization: Bearer %s\r\n" % mine, (200, None), (200, None)),
        ("authorization: bearer  %s\r\n" % mine, (200, None), (200, None)),
        ("Authorization: Bearer %s\r\n" % others, INVALID, INVALID),
        ("Authorization: BEARER %s\r\n" % others, INVALID, INVALID),
        ("Authorization: Bearer %s\r\n" % unbound, (200, None), INVALID),
        ("Authorization: Bearer %s\r\n" % opaque, (200, None), INVALID),
        ("Authorization: Bearer\r\n", INVALID, INVALID),
        ("Authorization: Basic eDp5\r\n", (200, None), (401, "Bearer")),
        ("Authorization: Bearer %s, Bearer %s\r\n" % (unbound, others), INVALID, INVALID),
        ("Authorization: Bearer %s\r\nAuthorization: Bearer %s\r\n" % (mine, others), (400, None), (400, None)),
        ("Authorization: Basic eDp5\r\nAuthorization: Bearer %s\r\n" % others, (400, None), (400, None)),
        ("Authorization: Bearer %s\r\n" % jwt(None, b"{"), INVALID, INVALID),
        ("Authorization: Bearer %s\r\n" % jwt({"cnf": {"x5t#S256": hashlib.sha256(b"x").hexdigest()}}), INVALID, INVALID),
        ("Authorization: Bearer %s\r\n" % jwt({"cnf": {"jkt": "x"}}), (200, None), INVALID),
        ("Authorization: Bearer %s\r\n" % mine.replace(".", "=.", 1), (200, None), (200, None)),
    ]


@pytest.mark.parametrize("mode", ["check", "require"])
def test_token_must_be_bound_to_the_connections_certificate(gateway, town, mode):
    with Script(always(b"in")) as service:
        server = gateway("--to", service.url, "--bound-tokens", mode)
        for fields, check, require in rows(town):
            want = check if mode == "check" else require
            assert ask(server, town, fields) == want, fields
            if want[0] == 200:
                head = service.head()
                assert ("authorization" in head) == bool(fields), "the service gets the token, and checks the rest"
            assert service.heads.empty()


def test_token_in_the_query_is_no_way_around(gateway, town):
    with Script(always(b"in")) as service:
        server = gateway("--to", service.url, "--bound-tokens", "check")
        for target in ("/?access_token=x", "/?a=b&access_token=x"):
            assert ask(server, town, target=target)[0] == 400
        assert ask(server, town, target="/?my_access_token=x")[0] == 200


def test_whoever_sends_no_certificate_holds_no_bound_token(gateway, town):
    with Script(always(b"in")) as service:
        server = gateway("--to", service.url, "--bound-tokens", "check", "--client-auth", "optional")
        token = "Authorization: Bearer %s\r\n" % bound_to(town.certs["mail"])
        assert ask(server, town, token)[0] == 200
        assert ask(server, town, token, cred="none") == INVALID
        assert ask(server, town, cred="none")[0] == 200


def test_a_certificate_nobody_vouches_for_binds_nothing(gateway, town):
    with Script(always(b"in")) as service:
        server = gateway("--to", service.url, "--bound-tokens", "check", "--client-auth", "report")
        token = "Authorization: Bearer %s\r\n" % bound_to(town.certs["foreign"])
        assert ask(server, town, token, cred="foreign") == INVALID
        assert ask(server, town, token, cred="none") == INVALID
        assert ask(server, town, cred="foreign")[0] == 200


def test_each_route_has_its_own_demand(hf, town, tmp_path):
    with Script(always(b"in")) as service:
        path = tmp_path / "handfast.yaml"
        path.write_text("listen: 127.0.0.1:0\ncert: %s\nkey: %s\nca: %s\nallow: any\nbound-tokens: require\nto: %s\nroutes:\n"
                        "  - {path: /free/*, bound-tokens: off, to: '%s'}\n  - {path: /like-the-rest, to: '%s'}\n" % (
                            town["server"].cert, town["server"].key, town.ca, service.url, service.url, service.url))
        with hf.serve("--config", str(path)) as server:
            token = "Authorization: Bearer %s\r\n" % bound_to(town.certs["mail"])
            assert ask(server, town, target="/free/x")[0] == 200
            for target in ("/", "/like-the-rest"):
                assert ask(server, town, target=target) == (401, "Bearer")
                assert ask(server, town, token, target=target)[0] == 200


@pytest.mark.parametrize("args", [["--respond", "identity"], ["--to", "tcp://127.0.0.1:1"]])
def test_only_requests_have_tokens(hf, town, args):
    done = hf.run("serve", *town.serve_args, "--allow", "any", *args, "--bound-tokens", "check", "--check")
    assert done.code == 2 and "--bound-tokens" in done.stderr
