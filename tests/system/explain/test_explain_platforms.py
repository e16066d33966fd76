# SPDX-License-Identifier: Apache-2.0
"""What other platforms do at the handshake, live where the machine has them: a Java client obeys the list of CA names
and reads messages of 32 KiB only.  Section 6 of the catalogue; the rest of it is told in words."""
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from support import zoo
from support.peers import need
from support.process import SLOW, clean_env

HERE = Path(__file__).resolve().parent
PASSWORD = "hunter22"


def serve(hf, town, ca):
    args = ["--listen", "127.0.0.1:0", "--cert", town["server"].cert, "--key", town["server"].key, "--ca", ca]
    return hf.serve(*args, "--allow", "any", "--respond", "text:x")


def record_of(server):
    server.wait_record(1)
    return next(line for line in server.lines["err"] if line.startswith("{"))


def many_names(town, folder):
    """More names than Java reads, the client's own CA among them."""
    key = zoo.new_key("ec")
    spec = {"ca": True, "ku": ["keyCertSign"], "days": [-1, 30]}
    rows = [zoo.make(dict(spec, subject="/O=Zoo/CN=" + "x" * 60 + str(i)), None, key).pem for i in range(430)]
    path = folder / "many.pem"
    path.write_bytes(b"".join(rows) + Path(town.ca).read_bytes())
    return str(path)


@pytest.fixture(scope="module")
def java(session_dir, town):
    """java("PORT", ...) are the lines that Client.java prints."""
    if not shutil.which("javac"):
        pytest.skip("the peer 'java' is not installed")
    folder = session_dir / "java"
    folder.mkdir()
    env = clean_env(folder)

    def run(*argv):
        done = subprocess.run([str(arg) for arg in argv], env=env, capture_output=True, text=True, timeout=120 * SLOW,
                              check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()

    run(need("openssl"), "pkcs12", "-export", "-in", town["mail"].cert, "-inkey", town["mail"].key, "-name", "me", "-out",
        folder / "me.p12", "-passout", "pass:" + PASSWORD)
    run("javac", "-d", folder, HERE / "Client.java")
    return lambda *ports: run("java", "-cp", folder, "Client", folder / "me.p12", PASSWORD, town.ca, *ports)


def test_java_at_a_list_that_is_too_long_or_leaves_its_ca_out(hf, town, tmp_path, java):
    with serve(hf, town, many_names(town, tmp_path)) as long, serve(hf, town, town.foreign_ca) as other, \
            serve(hf, town, town.ca) as good:
        too_long, silent, met = java(long.port, other.port, good.port)
        records = record_of(long), record_of(other)
    assert met.startswith("sent 2 HTTP/1.1 200"), met
    # the client's own words, and the server's records
    assert hf.json("explain", too_long, exit=1)["lines"][0]["cause"] == "L-JSSE-32K", too_long
    assert silent.startswith("sent 0 ") and "N-CA-LIST" in hf.json("explain", silent, exit=1)["lines"][0]["candidates"]
    told = hf.json("explain", "--record", "-", input=records[0], exit=1)
    assert (told["cause"], told["refused_by"], told["fault_in"]) == ("L-JSSE-32K", "client", "server"), told
    told = hf.json("explain", "--record", "-", input=records[1], exit=1)
    assert told["cause"] == "N-NONE" and {"N-CA-LIST", "N-EKU-FILTER"} <= set(told["candidates"]), told


@pytest.mark.parametrize("alert,size,cause", [(10, 40000, "L-JSSE-32K"), (10, 32768, None), (48, 40000, "V-UNKNOWN-CA")])
def test_an_alert_at_a_long_list(hf, alert, size, cause):
    record = {"time": "2026-01-01T00:00:00Z", "refused_by": "client", "cause": "C-ALERT", "alert": {"number": alert},
              "ca_names": {"count": 430, "bytes": size}}
    told = hf.json("explain", "--record", "-", input=json.dumps(record), exit=1)
    assert told["cause"] == cause, told
