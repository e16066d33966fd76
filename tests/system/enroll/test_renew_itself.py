# SPDX-License-Identifier: Apache-2.0
"""serve and tunnel with --renew-from: a certificate about to end is replaced under way, and nobody notices."""
import socket
import ssl
import subprocess

import pytest

from support.program import Server


@pytest.fixture
def gateway_home(authority, machine):
    """A server whose certificate is due at once: it lives a minute, and began five minutes ago."""
    node = machine()
    node("enroll", authority.url, "--token",
         authority.token("localhost", "--profile", "server", "--san", "ip:127.0.0.1", "--days", "60s"))
    node("enroll", authority.url, "--token", authority.token("amy"))
    return node


def served_serial(port, node):
    context = ssl.create_default_context(cafile=node.home + "/trust/own.pem")
    context.load_cert_chain(node.home + "/id/amy/cert.pem", node.home + "/id/amy/key.pem")
    with socket.create_connection(("127.0.0.1", port)) as raw:
        with context.wrap_socket(raw, server_hostname="localhost") as tls:
            return tls.getpeercert()["serialNumber"]


def ask(tls):
    tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer = b""
    while not answer.endswith(b"hello"):
        piece = tls.recv(4096)
        assert piece, "the connection was cut after %r" % answer
        answer += piece
    return answer


def test_server_renews_itself_and_open_connections_go_on(authority, gateway_home):
    node = gateway_home
    with node.serve("--as", "localhost", "--allow", "cn:amy", "--respond", "text:hello", "--workers", "2",
                    "--listen", "127.0.0.1:0", "--renew-from", authority.url) as gateway:
        context = ssl.create_default_context(cafile=node.home + "/trust/own.pem")
        context.load_cert_chain(node.home + "/id/amy/cert.pem", node.home + "/id/amy/key.pem")
        with socket.create_connection(("127.0.0.1", gateway.port)) as raw, \
                context.wrap_socket(raw, server_hostname="localhost") as tls:
            assert ask(tls)
            first = tls.getpeercert()["serialNumber"]
            gateway.wait_until(lambda: served_serial(gateway.port, node) != first, "the new certificate to be served")
            assert ask(tls)
        assert len(authority.issued("localhost")) >= 2
    issued = [row["serial"].upper() for row in authority.issued("localhost")]
    assert first.lstrip("0") in [serial.lstrip("0") for serial in issued]


def test_tunnel_renews_itself(authority, machine):
    node, client = machine(), machine()
    node("enroll", authority.url, "--token", authority.token("localhost", "--profile", "server"))
    client("enroll", authority.url, "--token", authority.token("amy", "--days", "60s"))
    with node.serve("--as", "localhost", "--allow", "cn:amy", "--respond", "identity",
                    "--listen", "localhost:0") as gateway:
        with Server(client, "tunnel", "--as", "amy", "--to", "localhost:%d" % gateway.port,
                    "--listen", "127.0.0.1:0", "--renew-from", authority.url) as tunnel:
            def serial():
                done = subprocess.run(["curl", "-s", "http://127.0.0.1:%d/" % tunnel.port], capture_output=True,
                                      text=True)
                return done.stdout
            first = serial()
            assert "amy" in first
            tunnel.wait_until(lambda: len(authority.issued("amy")) >= 2, "the renewal")
            tunnel.wait_until(lambda: "amy" in serial() and serial() != first, "the new certificate to be used")


def test_who_renews_ends_with_the_server(authority, gateway_home):
    with gateway_home.serve("--as", "localhost", "--allow", "any", "--respond", "text:hello",
                            "--listen", "127.0.0.1:0", "--renew-from", authority.url) as gateway:
        children = "/proc/%d/task/%d/children" % (gateway.pid, gateway.pid)

        def aides():
            found = []
            for pid in open(children).read().split():
                try:
                    if b"\0renew\0" in open("/proc/%s/cmdline" % pid, "rb").read():
                        found.append(int(pid))
                except FileNotFoundError:
                    continue
            return found
        gateway.wait_until(aides, "the one who renews to start")
        aide = aides()[0]
    assert not still_renews(aide)


def still_renews(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as line, open("/proc/%d/stat" % pid) as stat:
            return b"\0renew\0" in line.read() and stat.read().split(") ")[1][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("options, told", [
    (("--renew-from", "ftp://ca"), "--renew-from"),
    (("--renew-from", "https://ca:8443", "--reload", "signal"), "leave out --reload"),
])
def test_mistakes_are_told_before_it_listens(gateway_home, options, told):
    refused = gateway_home("serve", "--as", "localhost", "--allow", "any", "--respond", "text:x",
                           "--listen", "127.0.0.1:0", *options, exit=2)
    assert told in refused.stderr


def test_renewal_needs_an_identity_of_the_home(gateway_home):
    made = gateway_home.home + "/id/localhost/"
    refused = gateway_home("serve", "--cert", made + "cert.pem", "--key", made + "key.pem", "--allow", "any",
                           "--respond", "text:x", "--listen", "127.0.0.1:0", "--renew-from", "https://ca:8443", exit=2)
    assert "name it with --as" in refused.stderr
