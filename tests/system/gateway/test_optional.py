# SPDX-License-Identifier: Apache-2.0
"""`client-auth: optional` in front of services: public paths beside protected ones, and what a reload makes of nobody."""
import pytest
from support.peers import PythonClient
from test_config_reload import ANSWER, config, gone  # noqa: F401  (config is a fixture)
from test_policies import meet
from upstreams import Script, always
from wire import Wire

ROUTES = """client-auth: optional
rules: [allow any]
pass-identity: headers
routes:
  - {name: admin, path: /admin/*, rules: ["allow cn:bob"], to: '%(url)s'}
  - {name: members, path: /members/*, rules: ["allow any"], to: '%(url)s'}
  - {name: denied, path: /but/*, rules: ["deny cn:bob", "allow any"], to: '%(url)s'}
to: '%(url)s'
"""


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_route_with_rules_of_its_own_refuses_nobody(config, town, version):  # noqa: F811
    with Script(always(b"in")) as service:
        server = config.start(ROUTES % {"url": service.url})
        with Wire(server.port, town, cred="none", version=version) as nobody:
            for target, status in (("/", 200), ("/admin/x", 403), ("/members/x", 403), ("/but/x", 403), ("/%61dmin/x", 403),
                                   ("/public", 200)):
                assert nobody.ask(target, fields="X-SSL-Client-Verify: SUCCESS\r\nX-SSL-Client-CN: bob\r\n")[0] == status
                if status == 200:
                    head = service.head()
                    assert head["x-ssl-client-verify"] == "NONE" and b"bob" not in head.raw
        record = server.wait_record()
        assert record["cause"] == "A-NOT-ALLOWED" and record["refused_by"] == "server"
        for cred, allowed in (("bob", ["/", "/admin/x", "/members/x"]), ("mail", ["/", "/members/x", "/but/x"])):
            with Wire(server.port, town, cred=cred, version=version) as wire:
                assert [t for t in ("/", "/admin/x", "/members/x", "/but/x") if wire.ask(t)[0] == 200] == allowed


def outcomes(config, town, change, version):  # noqa: F811
    """Connections from before the change: True where they go on."""
    before, after = change
    text = "rules: [allow any]\nclient-auth: %s\n" + ANSWER
    server = config.start(text % before)
    creds = ["none", "mail"] + (["foreign"] if before in ("report", "none") else [])
    wires = {cred: Wire(server.port, town, cred=cred, version=version) for cred in creds}
    for wire in wires.values():
        assert wire.ask()[0] == 200
    config.change(text % after)
    return server, wires


@pytest.mark.parametrize("change, ended, kept", [
    (("optional", "require"), ["none"], ["mail"]), (("report", "optional"), ["foreign"], ["none", "mail"]),
    (("optional", "report"), [], ["none", "mail"]), (("optional", "none"), [], ["none", "mail"])])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_what_a_change_of_mode_makes_of_living_connections(config, town, version, change, ended, kept):  # noqa: F811
    server, wires = outcomes(config, town, change, version)
    for cred in ended:
        assert gone(wires[cred]), "idle, and ended"
    for cred in kept:
        assert wires[cred].ask()[0] == 200, cred
    for wire in wires.values():
        wire.tls.close()
    assert {row["cause"] for row in server.records()} == ({"A-NOT-ALLOWED"} if ended else set())


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_no_session_outlives_a_change_to_require(config, town, version):  # noqa: F811
    text = "rules: [allow any]\nresume: on\nclient-auth: %s\n" + ANSWER
    server = config.start(text % "optional")
    contexts = {cred: PythonClient.context(town[cred], None, version=version) for cred in ("none", "mail")}
    sessions = {}
    for cred, context in contexts.items():
        status, _, sessions[cred] = meet(context, server.port, "localhost")
        assert status == 200
    config.change(text % "require")
    for cred, context in contexts.items():
        status, reused, _ = meet(context, server.port, "localhost", sessions[cred])
        assert not reused and status == (200 if cred == "mail" else None), cred


def test_a_stream_of_nobody_ends_when_a_certificate_is_demanded(config, town):  # noqa: F811
    def play(peer, number):
        while octets := peer.sock.recv(100):
            peer.send(octets)
    with Script(play) as service:
        text = "rules: [allow any]\nclient-auth: %s\nto: 'tcp://127.0.0.1:" + str(service.port) + "'\n"
        server = config.start(text % "optional")
        with Wire(server.port, town, cred="none") as nobody, Wire(server.port, town) as mail:
            for wire in (nobody, mail):
                wire.send(b"hello")
                assert wire.take(5) == b"hello"
            config.change(text % "require")
            assert gone(nobody)
            mail.send(b"still")
            assert mail.take(5) == b"still"
