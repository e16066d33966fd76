# SPDX-License-Identifier: Apache-2.0
"""The clients and the server of the tutorials that come from npm: axios, node-fetch, undici, koa."""
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from support.peers import PEERS, need, run
from support.process import SLOW, Watched, clean_env

pytestmark = pytest.mark.npm
NPM = PEERS / "npm"


@pytest.fixture(scope="session")
def modules():
    """node_modules, installed once for this lock file into a cache outside the tree."""
    need("node")
    npm = need("npm")
    lock = (NPM / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path(tempfile.gettempdir()) / ("cache-%d" % os.getuid())))
    place = cache / "handfast-tests" / hashlib.sha256(lock).hexdigest()[:16]
    place.mkdir(parents=True, exist_ok=True)
    with open(place / "lock", "w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not (place / "done").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(NPM / name, place / name)
            env = {k: v for k, v in os.environ.items() if k != "NODE_PATH"}  # how npm reaches its registry
            try:
                got = subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=place, env=env,
                                     capture_output=True, timeout=120 * SLOW, check=False)
            except subprocess.TimeoutExpired:
                pytest.skip("the npm registry did not answer")
            if got.returncode != 0:
                pytest.skip("npm cannot install here: %s" % got.stderr.decode()[-300:])
            (place / "done").touch()
    return place / "node_modules"


def ask(modules, home, client, entry):
    path = Path(home) / ("npm-%s.json" % os.urandom(4).hex())
    path.write_text(json.dumps(entry))
    done = run(["node", NPM / "clients.js", client, path], home, NODE_PATH=modules)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@pytest.fixture
def invoice(hf, town):
    with hf.serve(*town.serve_args, "--allow", "o:MailServer", "--respond", 'text:{"invoice": 42}',
                  "--content-type", "application/json; charset=utf-8") as server:
        yield server


CLIENTS = ["axios", "node-fetch", "undici", "built-in fetch"]


@pytest.mark.row(84, 90)
@pytest.mark.parametrize("client", CLIENTS)
def test_each_npm_client_is_let_in_with_its_certificate(modules, invoice, town, tmp_path, client):
    entry = {"url": "https://localhost:%d/" % invoice.port, "ca": town.ca, "cert": town["mail"].cert,
             "key": town["mail"].key}
    told = ask(modules, tmp_path, client, entry)
    body = told["body"] if isinstance(told.get("body"), dict) else json.loads(told["body"])
    assert (told["status"], body) == (200, {"invoice": 42})
    told = ask(modules, tmp_path, client, dict(entry, method="POST", data="x" * 30000))
    assert told["ok"], told


@pytest.mark.row(84, 90)
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("who", ["none", "foreign"])
def test_each_npm_client_is_refused(modules, invoice, town, tmp_path, client, who):
    entry = {"url": "https://localhost:%d/" % invoice.port, "ca": town.ca}
    if town[who]:
        entry.update(cert=town[who].cert, key=town[who].key)
    told = ask(modules, tmp_path, client, entry)
    assert not told["ok"], told
    if client in ("axios", "node-fetch"):
        assert told["code"] == {"none": "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
                                "foreign": "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA"}[who], told


@pytest.mark.row(86, 87)
def test_our_client_shows_status_and_body_of_a_koa_server(modules, hf, town, tmp_path):
    path = tmp_path / "koa.json"
    path.write_text(json.dumps({"cert": town["server"].cert, "key": town["server"].key, "ca": town.ca}))
    argv = [need("node"), NPM / "koa_server.js", path]
    with Watched(argv, clean_env(tmp_path, NODE_PATH=modules)) as server:
        port = int(server.wait_line("out", lambda line: line.isdigit() and line, "its port", 20))
        url = "https://localhost:%d/" % port
        told = hf("get", "-i", "--ca", town.ca, "--cert", town["mail"].cert, "--key", town["mail"].key, url)
        assert told.stdout.startswith("HTTP/1.1 200 OK")
        assert told.stdout.endswith("Hello, secure world!")
        assert "text/plain; charset=utf-8" in told.stdout
        refused = hf("get", "--ca", town.ca, "--cert", town["foreign"].cert, "--key", town["foreign"].key, url, exit=1)
        assert "refused" in refused.stderr.lower()
        rogue = hf("get", "--ca", town.foreign_ca, "--insecure", "--cert", town["mail"].cert, "--key",
                   town["mail"].key, url)
        assert rogue.stdout == "Hello, secure world!" and rogue.stderr
