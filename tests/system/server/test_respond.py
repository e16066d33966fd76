# SPDX-License-Identifier: Apache-2.0
"""What `serve --respond` answers: bodies byte for byte, types, files, the caller's identity."""
import json

import pytest
from support import look


def serve(hf, town, *more):
    return hf.serve(*town.serve_args, "--allow", "any", *more)


@pytest.mark.row(63, 65, 66)
@pytest.mark.parametrize("body", ["Welcome to Bob's server!", "Hello, secure world!", "Hello World\n"])
def test_text_is_the_body_byte_for_byte(hf, town, curl, body):
    with serve(hf, town, "--respond", "text:" + body) as server:
        answer = curl.get(server.port, town["mail"], town.ca)
        assert answer.body == body.encode()
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.headers["content-length"] == str(len(body))


@pytest.mark.row(65)
def test_content_type_is_as_koa_sends_it(hf, town, curl):
    with serve(hf, town, "--respond", "text:Hello, secure world!") as server:
        answer = curl.get(server.port, town["mail"], town.ca)
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    with serve(hf, town, "--respond", "text:<p>", "--content-type", "text/html") as server:
        assert curl.get(server.port, town["mail"], town.ca).headers["content-type"] == "text/html"


@pytest.mark.row(64)
def test_file_is_answered_on_any_path_and_method(hf, town, python, tmp_path):
    body = b'{"invoice": 42,\n "total": "1.00"}'
    (tmp_path / "invoice.json").write_bytes(body)
    with serve(hf, town, "--respond", "file:%s" % (tmp_path / "invoice.json"), "--content-type",
               "application/json") as server:
        for method, path in (("GET", "/"), ("GET", "/a/b"), ("POST", "/invoice")):
            answer = python.get(server.port, town["mail"], method=method, path=path,
                                data=b"x" if method == "POST" else b"")
            assert (answer.status, answer.body) == (200, body), answer
            assert answer.headers["content-type"] == "application/json"


@pytest.mark.row(64)
def test_folder_is_served_and_not_left(hf, town, python, tmp_path):
    web = tmp_path / "web"
    (web / "sub").mkdir(parents=True)
    (web / "a.txt").write_bytes(b"letter a\n")
    (web / "sub/b.json").write_bytes(b"{}")
    (tmp_path / "secret.txt").write_bytes(b"secret")
    (web / "link.txt").symlink_to(tmp_path / "secret.txt")
    with serve(hf, town, "--respond", "dir:%s" % web) as server:
        answer = python.get(server.port, town["mail"], path="/a.txt")
        assert (answer.status, answer.body) == (200, b"letter a\n")
        assert python.get(server.port, town["mail"], path="/sub/b.json").headers["content-type"].startswith(
            "application/json")
        assert python.get(server.port, town["mail"], path="/none").status == 404
        for path in ("/../secret.txt", "/%2e%2e/secret.txt", "/sub/../../secret.txt", "/..%2fsecret.txt",
                     "//etc/passwd", "/a.txt%00.html", "/sub/..%5c..%5csecret.txt", "/link.txt"):
            answer = python.get(server.port, town["mail"], path=path)
            assert answer.status in (400, 403, 404), (path, answer)
            assert b"secret" not in answer.body and b"root:" not in answer.body


@pytest.mark.row(34)
def test_identity_of_the_caller_is_told(hf, town, python):
    with serve(hf, town, "--respond", "identity") as server:
        answer = python.get(server.port, town["bob"])
        told = json.loads(answer.body)
    text = json.dumps(told)
    for word in ("bob.zoo.test", "bob@zoo.test", "spiffe://zoo.test/mail/bob", "10.1.2.3"):
        assert word in text
    assert town.certs["bob"].sha256 in text.lower().replace(":", "")
    assert look.hexserial(town.certs["bob"].x509) in text.lower().replace(":", "")
    assert answer.headers["content-type"].startswith("application/json")


@pytest.mark.row(34)
def test_identity_comes_from_the_leaf_alone(hf, town, python, tmp_path):
    from support.peers import Credential
    chain = town.certs["mail"].pem + town.certs["issuing"].pem + town.certs["bob"].pem
    (tmp_path / "both.pem").write_bytes(chain)
    with serve(hf, town, "--respond", "identity") as server:
        told = python.get(server.port, Credential(tmp_path / "both.pem", town["mail"].key)).body.decode()
    assert "mail-server" in told and "bob" not in told


@pytest.mark.row(58)
def test_access_log_has_a_line_for_each_request(hf, town, python, tmp_path):
    log = tmp_path / "access.log"
    with serve(hf, town, "--respond", "text:x", "--access-log", log) as server:
        python.get(server.port, town["mail"], path="/one")
        python.get(server.port, town["bob"], path="/two")
        server.stop()
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(rows) == 2
    rows.sort(key=lambda row: "/two" in json.dumps(row))  # each worker writes its own lines
    assert "/one" in json.dumps(rows[0]) and "mail" in json.dumps(rows[0])
    assert "/two" in json.dumps(rows[1]) and "bob" in json.dumps(rows[1])
    assert "200" in json.dumps(rows[0])
