# SPDX-License-Identifier: Apache-2.0
"""Answers that are cut or never were one: `get` must not take them for whole, nor call them what they are not."""
import contextlib
import socket
import ssl
import threading

import pytest
from support.process import SLOW


@contextlib.contextmanager
def tls_server(town, answer, notify, demand=False):
    """Answers one request with these bytes, then ends the stream, with or without close_notify."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(town["server"].cert, town["server"].key)
    if demand:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(town.ca)

    def serve(listener):
        with contextlib.suppress(OSError):
            raw, _ = listener.accept()
            raw.settimeout(10 * SLOW)
            tls = context.wrap_socket(raw, server_side=True)
            tls.recv(65536)
            tls.sendall(answer)
            if notify:
                tls = tls.unwrap()
            tls.shutdown(socket.SHUT_WR)
            while tls.recv(65536):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.close()
        thread.join(10 * SLOW)


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("demand", [False, True], ids=["no certificate", "certificate asked for"])
@pytest.mark.parametrize("rest,notify", [(b"Content-Length: 100\r\n\r\nabc", True),
                                         (b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", True),
                                         (b"\r\nabc", False)], ids=["counted", "chunked", "until the end, cut"])
def test_answer_cut_short_is_a_failure_that_says_so(hf, town, rest, notify, demand):
    with tls_server(town, HEAD + rest, notify, demand) as port:
        more = ["--cert", town["mail"].cert, "--key", town["mail"].key] if demand else []
        got = hf("get", "--ca", town.ca, *more, "https://localhost:%d/" % port, "--connect", "127.0.0.1:%d" % port,
                 exit=3)
        assert got.out == b"abc"
        assert "in the middle of its answer" in got.stderr and "3 bytes" in got.stderr, got


def test_answer_that_ends_with_a_proper_close_is_whole(hf, town):
    with tls_server(town, HEAD + b"\r\nabc", True) as port:
        assert hf("get", "--ca", town.ca, "https://localhost:%d/" % port, "--connect",
                  "127.0.0.1:%d" % port).out == b"abc"


@pytest.mark.parametrize("field", ["Content-Length: 5", "transfer-encoding: chunked"])
def test_field_that_would_say_twice_where_the_body_ends_is_refused(hf, field):
    refused = hf("get", "-H", field, "-d", "xyz", "https://localhost:1/", exit=2)
    assert field.split(":")[0].lower() in refused.stderr.lower() and "-d" in refused.stderr
