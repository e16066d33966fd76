# SPDX-License-Identifier: Apache-2.0
"""Trailers: dropped unless allowed by name, in both directions, and some that nobody can allow."""
import subprocess

import pytest
from support.process import SLOW, clean_env
from upstreams import Script, always

POST = b"POST %s HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n%s\r\n"
LAST = b"3\r\nabc\r\n0\r\nX-Sum: 6\r\nX-Other: 7\r\n\r\n"
# What may merge into the head of some service must stay behind, even under "any".
FORBIDDEN = ["Content-Length", "Transfer-Encoding", "Host", "Authorization", "Cookie", "Content-Type", "Connection",
             "Client-Cert", "client_cert", "X_SSL_Client_CN", "X-Forwarded-Client-Cert", "X-Forwarded-For", "Trailer",
             "TE", "Expect", "If-Match", "Range", "Cache-Control", "_Client-Cert", "X.SSL.Client.Verify"]


def trailers(read_line):
    rows = []
    while True:
        row = read_line()
        if not row:
            return rows
        rows.append(row.decode("latin-1"))


def read_chunks(end):
    """The payload and the trailer lines that come on a Wire or at a Peer."""
    body = b""
    while True:
        size = int(end.line(), 16)
        if size == 0:
            return body, trailers(end.line)
        body += end.take(size)
        assert end.line() == b""


def echo(got, answer=LAST, fields=b"Trailer: X-Sum, X-Other\r\n"):
    """A service that keeps the trailers of each request and answers with its own."""
    def play(peer, number):
        while True:
            head = peer.head()
            got.append(read_chunks(peer) if "transfer-encoding" in head else (b"", []))
            peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n%s\r\n%s" % (fields, answer))
    return play


def ask(connection, fields=b"", body=LAST, path=b"/"):
    connection.send(POST % (path, fields) + body)
    head = connection.head()
    return (head, *read_chunks(connection))


def test_nothing_passes_unless_it_is_allowed(gateway, wire):
    got = []
    with Script(echo(got)) as service:
        server = gateway("--to", service.url)
        head, body, rows = ask(wire(server), b"TE: trailers\r\nTrailer: X-Sum\r\n")
        assert (body, rows) == (b"abc", []) and "trailer" not in head
        assert got == [(b"abc", [])]
        seen = service.head()
        assert "te" not in seen and "trailer" not in seen and "connection" not in seen


def test_what_is_allowed_passes_both_ways(gateway, wire):
    got = []
    with Script(echo(got)) as service:
        server = gateway("--to", service.url, "--pass-trailer", "X-Sum")
        connection = wire(server)
        for _ in range(3):
            head, body, rows = ask(connection, b"TE: trailers\r\nTrailer: X-Other, x-sum\r\nConnection: TE\r\n")
            assert (body, rows) == (b"abc", ["X-Sum: 6"]) and head["trailer"] == "X-Sum"
            assert got.pop() == (b"abc", ["X-Sum: 6"])
            seen = service.head()
            assert (seen["te"], seen["connection"], seen["trailer"]) == ("trailers", "TE", "x-sum")
        assert service.connections == 1


@pytest.mark.parametrize("fields", [b"", b"TE: gzip\r\n", b"X-TE: trailers\r\n"])
def test_a_client_that_takes_none_gets_none(gateway, wire, fields):
    got = []
    with Script(echo(got)) as service:
        server = gateway("--to", service.url, "--pass-trailer", "any")
        head, body, rows = ask(wire(server), fields)
        assert (body, rows) == (b"abc", []) and "trailer" not in head
        assert got == [(b"abc", ["X-Sum: 6", "X-Other: 7"])], "the request's own go on"
        assert "te" not in service.head()


def test_http_1_0_clients_get_none(gateway, wire):
    with Script(echo([])) as service:
        server = gateway("--to", service.url, "--pass-trailer", "any")
        connection = wire(server)
        status, head, body = connection.ask(fields="TE: trailers\r\n", minor=0)
        assert (status, body) == (200, b"abc") and "transfer-encoding" not in head and "trailer" not in head


@pytest.mark.parametrize("direction", ["request", "answer"])
def test_some_trailers_nobody_can_allow(gateway, wire, direction):
    rows = b"".join(b"%s: 9\r\n" % name.encode() for name in FORBIDDEN)
    octets = b"3\r\nabc\r\n0\r\n" + rows + b"X-Sum: 6\r\n\r\n"
    got = []
    with Script(echo(got, octets if direction == "answer" else LAST)) as service:
        server = gateway("--to", service.url, "--pass-trailer", "any", "--pass-identity", "rfc9440,xfcc,headers")
        connection = wire(server)
        announced = b"TE: trailers\r\nTrailer: %s\r\n" % ", ".join(FORBIDDEN).encode()
        head, body, rows = ask(connection, announced, octets if direction == "request" else LAST)
        there = got.pop()[1] if direction == "request" else rows
        assert there == ["X-Sum: 6"]
        assert "trailer" not in service.head()
        assert ask(connection, b"TE: trailers\r\n")[1] == b"abc", "the connection is still in step"


def test_identity_under_a_name_of_ours_is_no_trailer(gateway, wire):
    got = []
    with Script(echo(got)) as service:
        server = gateway("--to", service.url, "--pass-trailer", "any", "--pass-identity", "headers",
                         "--identity-name", "X-SSL-Client-DN=Who-Calls")
        ask(wire(server), body=b"0\r\nwho_calls: root\r\nX-Sum: 6\r\n\r\n")
        assert got == [(b"", ["X-Sum: 6"])]


def test_each_route_has_its_own(hf, town, wire, tmp_path):
    got = []
    with Script(echo(got)) as service:
        config = tmp_path / "handfast.yaml"
        config.write_text("""listen: 127.0.0.1:0
workers: 1
cert: %s
key: %s
ca: %s
rules: [allow any]
pass-trailer: X-Sum
to: %s
routes:
  - {path: /open, to: "%s", pass-trailer: any}
  - {path: /shut, to: "%s", pass-trailer: []}
  - {path: /same, to: "%s"}
""" % ((town["server"].cert, town["server"].key, town.ca) + 4 * (service.url,)))
        with hf.serve("--config", config) as server:
            connection = wire(server)
            for path, want in ((b"/", ["X-Sum: 6"]), (b"/open", ["X-Sum: 6", "X-Other: 7"]), (b"/shut", []),
                               (b"/same", ["X-Sum: 6"])):
                _, body, rows = ask(connection, b"TE: trailers\r\n", path=path)
                assert (body, rows, got.pop()[1]) == (b"abc", want, want), path
                assert ("te" in service.head()) == bool(want), path


def test_names_that_cannot_be_trailers_are_told_at_the_start(hf, town, tmp_path):
    start = ["serve", *town.serve_args, "--allow", "any", "--check", "--to"]
    run = hf(*start, "http://127.0.0.1:1", "--pass-trailer", "Content-Length", exit=2)
    assert "'Content-Length' is never a trailer" in run.stderr and "Server-Timing" in run.stderr
    run = hf(*start, "tcp://127.0.0.1:1", "--pass-trailer", "X-A", exit=2)
    assert "--pass-trailer is for --to http" in run.stderr
    config = tmp_path / "handfast.yaml"
    config.write_text("to: http://127.0.0.1:1\nroutes:\n  - to: http://127.0.0.1:1\n    pass-trailer: client_cert\n")
    run = hf.run("serve", "--config", config, "--check")
    assert run.code != 0 and "'client_cert' is never a trailer" in run.stderr and ":4:" in run.stderr


def test_trailers_that_are_too_long_end_it_on_either_side(gateway, wire):
    long = b"3\r\nabc\r\n0\r\nX-Sum: " + b"6" * 9000 + b"\r\n\r\n"
    with Script(echo([], long)) as service:
        server = gateway("--to", service.url, "--pass-trailer", "any")
        connection = wire(server)
        connection.send(POST % (b"/", b"TE: trailers\r\n") + LAST)
        got = connection.answer()
        assert got is None or got[2] is None, "an answer that was cut is not passed off as whole"
    with Script(always()) as service:
        server = gateway("--to", service.url, "--pass-trailer", "any")
        connection = wire(server)
        connection.send(POST % (b"/", b"") + long)
        assert connection.answer()[0] == 431


def test_a_request_that_is_sent_again_keeps_its_trailers(gateway, wire, tmp_path):
    """The connection does not exist yet when the trailers come."""
    got = []
    with Script(echo(got)) as service:
        server = gateway("--to", "http://127.0.0.1:1", "--to", service.url, "--pass-trailer", "any")
        for _ in range(2):
            _, body, rows = ask(wire(server), b"TE: trailers\r\n")
            assert (body, rows) == (b"abc", ["X-Sum: 6", "X-Other: 7"])
            assert got.pop() == (b"abc", ["X-Sum: 6", "X-Other: 7"])


NODE_CLIENT = """
const https = require('https'), fs = require('fs');
const [port, ca, cert, key] = process.argv.slice(1);
const req = https.request({port, host: '127.0.0.1', servername: 'localhost', ca: fs.readFileSync(ca),
  cert: fs.readFileSync(cert), key: fs.readFileSync(key), method: 'POST',
  headers: {Host: 'localhost', TE: 'trailers', Trailer: 'X-Sum', 'Transfer-Encoding': 'chunked'}}, res => {
    res.resume(); res.on('end', () => console.log(JSON.stringify(res.trailers))); });
req.addTrailers({'X-Sum': '42'}); req.end('abc');
"""

NODE_SERVER = """
const http = require('http');
const server = http.createServer((req, res) => { req.resume(); req.on('end', () => {
  res.writeHead(200, {Trailer: 'X-Heard'}); res.write('x');
  res.addTrailers({'X-Heard': req.trailers['x-sum'] || 'none'}); res.end(); }); });
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
"""


def test_node_on_both_sides_hears_the_other(gateway, town, tmp_path):
    peer = subprocess.Popen(["node", "-e", NODE_SERVER], stdout=subprocess.PIPE, env=clean_env(tmp_path))
    try:
        server = gateway("--to", "http://127.0.0.1:%d" % int(peer.stdout.readline()), "--pass-trailer", "X-Sum",
                         "--pass-trailer", "X-Heard")
        mail = town["mail"]
        run = subprocess.run(["node", "-e", NODE_CLIENT, str(server.port), town.ca, mail.cert, mail.key],
                             capture_output=True, text=True, timeout=20 * SLOW, env=clean_env(tmp_path))
        assert run.stdout.strip() == '{"x-heard":"42"}', run
    finally:
        peer.kill()
        peer.wait()
        peer.stdout.close()
