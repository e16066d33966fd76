# SPDX-License-Identifier: Apache-2.0
"""Causes that take some staging: a key that does not prove possession, and a server whose clock is minutes behind."""
import datetime
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import peer_servers, zoo
from support.moved_clock import Clock
from support.peers import need
from support.process import SLOW, clean_env

sys.path.insert(0, str(Path(__file__).resolve().parent))
from explain_servers import write  # noqa: E402


def serve(hf, town):
    return hf.serve("--listen", "127.0.0.1:0", "--cert", town["server"].cert, "--key", town["server"].key, "--ca", town.ca,
                    "--allow", "any", "--respond", "text:x")


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_certificate_that_is_shown_with_somebody_elses_key(hf, town, tmp_path, version):
    """gnutls-cli sends the certificate all the same; the signature is not of its key."""
    if not shutil.which("gnutls-cli"):
        pytest.skip("the peer 'gnutls' is not installed")
    with serve(hf, town) as server:
        subprocess.run([need("gnutls-cli"), "--port", str(server.port), "--x509certfile", town["mail"].cert, "--x509keyfile",
                        town["bob"].key, "--x509cafile", town.ca, "--priority", "NORMAL:-VERS-ALL:+VERS-TLS" + version,
                        "localhost"], env=clean_env(tmp_path), stdin=subprocess.DEVNULL, capture_output=True,
                       timeout=60 * SLOW, check=False)
        server.wait_record(1)
        log = "\n".join(line for line in server.lines["err"] if line.startswith("{"))
    told = hf.json("explain", "--record", "-", input=log, exit=1)
    assert (told["cause"], told["refused_by"], told["fault_in"]) == ("V-PROOF", "server", "client"), told


def test_a_certificate_of_this_minute_and_a_clock_that_is_behind(hf, town, tmp_path, monkeypatch):
    clock = Clock(tmp_path)
    clock.set(-300)
    monkeypatch.setattr(peer_servers, "clean_env", lambda home: dict(clean_env(home), **clock.env))
    # of now, and not of when zoo was imported
    age = (datetime.datetime.now(datetime.timezone.utc) - zoo.NOW) / zoo.DAY
    fresh = zoo.make(dict(zoo.CLIENT, days=[age, 30]), town.certs["issuing"])
    cert = write(tmp_path, "fresh.pem", fresh.pem + town.certs["issuing"].pem)
    key = write(tmp_path, "fresh.key", fresh.key_pem)
    with peer_servers.OpenSSLServer(tmp_path, town["server"], town.ca) as server:
        told = hf.json("explain", "localhost:%d" % server.port, "--connect", "127.0.0.1:%d" % server.port, "--ca", town.ca,
                       "--cert", cert, "--key", key, exit=1)
    assert (told["cause"], told["refused_by"], told["fault_in"]) == ("K-SKEW-SMALL", "server", "server"), told
    assert told["alert"]["number"] == 42 and told["confidence"] in ("likely", "certain")
