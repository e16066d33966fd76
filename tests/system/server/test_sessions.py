# SPDX-License-Identifier: Apache-2.0
"""How long a session may be resumed: absolutely, and never past the certificate it stands on."""
import socket
import ssl
import time

import pytest
from support import zoo
from support.peers import PythonClient
from support.process import SLOW

ANSWER = ["--allow", "any", "--respond", "text:hello", "--resume", "on", "--workers", "1"]


def meet(context, port, session=None):
    """(resumed, the newest session); None when the server refused."""
    try:
        with socket.create_connection(("127.0.0.1", port), 20 * SLOW) as raw:
            with context.wrap_socket(raw, server_hostname="localhost", session=session) as tls:
                tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                got = b""
                while True:
                    part = tls.recv(65536)
                    if not part:
                        break
                    got += part
                # 403, or nothing: the certificate ended between handshake and answer
                return (tls.session_reused, tls.session) if got.endswith(b"hello") else None
    except (ssl.SSLError, ConnectionError):
        return None


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_session_ends_absolutely_however_often_it_is_resumed(hf, town, version):
    """HAProxy 9f1d59099: each resumption renewed the whole lifetime, so that a session never ended."""
    life = 5
    context = PythonClient.context(town["mail"], town.ca, version=version)
    with hf.serve(*town.serve_args, *ANSWER, "--resume-lifetime", "%ds" % life) as server:
        reused, session = meet(context, server.port)
        full_at = time.time()  # the handshake was before this
        assert not reused
        resumed, end = 0, time.time() + 60 * SLOW
        while True:
            asked_at = time.time()
            assert asked_at < end, "it is resumed for ever"
            reused, session = meet(context, server.port, session)
            if not reused:
                break
            resumed += 1
            assert asked_at < full_at + life + 1, "resumed %.1f s after its full handshake" % (asked_at - full_at)
            time.sleep(0.2)  # paces the loop; nothing is asserted of it
        assert resumed >= 1


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_session_never_outlives_its_certificate(hf, town, tmp_path, version):
    until = int(time.time()) + 10 * SLOW
    certs = zoo.build({"short": {"issuer": "issuing", "days": [-1, (until - zoo.NOW.timestamp()) / 86400]}})
    (tmp_path / "ca.pem").write_bytes(certs["root"].pem)
    (tmp_path / "c.pem").write_bytes(certs["short"].pem + certs["issuing"].pem)
    (tmp_path / "c.key").write_bytes(certs["short"].key_pem)
    argv = ["--listen", "127.0.0.1:0", "--cert", town["server"].cert, "--key", town["server"].key, "--ca",
            tmp_path / "ca.pem"]
    short = type(town["mail"])(str(tmp_path / "c.pem"), str(tmp_path / "c.key"))
    context = PythonClient.context(short, None, version=version)
    with hf.serve(*argv, *ANSWER) as server:
        found = meet(context, server.port)
        assert found and not found[0]
        resumed, end = 0, time.time() + 60 * SLOW
        while True:
            asked_at = time.time()
            assert asked_at < end, "it is resumed for ever"
            found = meet(context, server.port, found[1])
            if found is None:
                break
            assert asked_at < until + 1, "let in %.1f s after the certificate has ended" % (asked_at - until)
            resumed += found[0]
            time.sleep(0.2)  # paces the loop; nothing is asserted of it
        assert resumed >= 1
        server.wait_until(lambda: [row for row in server.records() if row["cause"] == "V-EXPIRED"], "the record")


def test_an_hour_is_the_most(hf, town):
    done = hf("serve", *town.serve_args, *ANSWER, "--resume-lifetime", "2h", exit=2)
    assert "resume-lifetime" in done.stderr


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_each_worker_resumes_what_another_began(hf, town, version):
    """A table for each process made all but one resumption in N a full handshake.  A worker that has not judged the
    client itself asks for a full handshake, once."""
    context = PythonClient.context(town["mail"], town.ca, version=version)
    with hf.serve(*town.serve_args, *ANSWER[:-1], "3") as server:
        reused, session = meet(context, server.port)
        assert not reused
        met = [meet(context, server.port, session) for _ in range(40)]
        assert None not in met
        assert [reused for reused, _ in met].count(False) <= 2
