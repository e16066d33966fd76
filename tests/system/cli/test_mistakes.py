# SPDX-License-Identifier: Apache-2.0
"""Every mistake of mistakes.py: exit status, code, the place with carets below it, help; the same in JSON; and the
help's command mends it."""
import fcntl
import shlex
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import zoo
from support.program import Handfast
from support.terminal import Terminal

sys.path.insert(0, str(Path(__file__).parent))
from mistakes import FILES, ROWS  # noqa: E402

rows = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.label)


@pytest.fixture(scope="session")
def world(binary, session_dir):
    """What the rows are run in, made once; each row has a copy."""
    place = session_dir / "mistakes"
    place.mkdir()
    hf = Handfast(binary, str(place / "home"), cwd=str(place))
    for argv in (["init", "ABC"], ["issue", "localhost", "--server"], ["issue", "amy", "--client"],
                 ["request", "waiting"]):
        hf(*argv)
    for name, text in FILES.items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text(text)
    key = zoo.new_key("ec")
    secrets = {"locked.key": zoo.pem_key(key, passphrase=b"hello there"), "word": b"hello there\n", "wrong": b"goodbye\n",
               "token": hf("token", "machine", "--url", "https://localhost:1").stdout.split()[0].encode(),
               "explicit.key": subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout",
                                               "-param_enc", "explicit"], capture_output=True, check=True).stdout}
    for name, octets in secrets.items():
        (place / name).write_bytes(octets)
        (place / name).chmod(0o600)
    (place / "open.log").touch(mode=0o644)
    (place / "open.log").chmod(0o644)
    with open(session_dir / "big.pem", "wb") as big:
        big.truncate(300_000_000)
    (place / "big.pem").symlink_to(session_dir / "big.pem")
    return place


@pytest.fixture
def here(binary, world, tmp_path):
    shutil.copytree(world, tmp_path / "world", symlinks=True)
    return tmp_path / "world"


@contextmanager
def nobody(here):
    yield {}


@contextmanager
def silent(here):
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=8) as listener:
        yield {"port": listener.getsockname()[1]}


@contextmanager
def hangs_up(here):
    """A service that goes away instead of answering."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(here / "gone.sock"))
        listener.listen(8)

        def answer():
            try:
                while True:
                    peer = listener.accept()[0]
                    peer.recv(4096)
                    peer.close()
            except OSError:
                pass  # the listener was shut down: the test is over
        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield {}
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextmanager
def service(here):
    """Another service of the authority, as far as its lock is concerned."""
    with open(here / "home/ca/service.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield {}


PEERS = {"": nobody, "silent": silent, "hangs up": hangs_up, "service": service}


def party(binary, row, here):
    return Handfast(binary, str(here / ("nothing" if row.empty else "home")), cwd=str(here))


def run(binary, row, here, *options):
    """The row's command, with its peer, and what must be underlined."""
    with PEERS[row.peer](here) as names:
        told = party(binary, row, here).run(*options, *shlex.split(row.argv.format(**names)))
        return told, row.wrong.format(**names) or None


def underlined(text):
    """What stands above the carets of a message; None without any."""
    lines = text.splitlines()
    for above, line in zip(lines, lines[1:]):
        carets = line.split(" help:")[0]
        if set(carets) <= set(" |0123456789^") and "^" in carets:
            return above[carets.index("^"):carets.rindex("^") + 1]
    return None


def wrong_in_json(place, here):
    """The same, by the numbers of the JSON."""
    if place is None:
        return None
    text = place.get("argument")
    if text is None:
        text = (here / place["file"]).read_text().splitlines()[place["line"] - 1]
    return text[place["column"] - 1:place["column"] - 1 + place.get("length", 1)]


def complaint(text):
    """Its first line; a kernel or a build without a sandbox is warned of before."""
    return next(line for line in text.splitlines() if not line.startswith("handfast: warning: the sandbox"))


@rows
def test_mistake_is_told_with_code_place_and_help(binary, here, row):
    told, wrong = run(binary, row, here)
    first = complaint(told.stderr)
    assert told.code == row.exit, told
    assert first.startswith("handfast: ") and first.endswith(" [%s]" % row.code), told
    assert underlined(told.stderr) == wrong, told
    assert "help: " in told.stderr and row.help in told.stderr.split("help: ", 1)[1], told
    if row.at:
        assert row.at.rsplit(":", 1)[0] + ":" in first, told
    assert "\x1b" not in told.everything


@rows
def test_the_same_in_json(binary, here, row):
    told, wrong = run(binary, row, here, "--json")
    error = told.json()["error"]
    assert told.code == row.exit and error["code"] == row.code, told
    assert row.help in error["hint"], told
    assert wrong_in_json(error["place"], here) == wrong, told
    if row.at:
        assert "%(file)s:%(line)d:%(column)d" % error["place"] == row.at
    assert complaint(told.stderr) == "handfast: %s [%s]" % (error["message"], row.code)


@pytest.mark.parametrize("row", [row for row in ROWS if row.mend], ids=lambda row: row.label)
def test_what_the_help_says_mends_it(binary, here, row):
    hf = party(binary, row, here)
    assert run(binary, row, here)[0].code == row.exit
    hf(*shlex.split(row.mend))
    if row.then:
        hf(*shlex.split(row.then))


def test_every_code_has_its_story(hf):
    codes = {row["id"]: row for row in hf.json("explain", "--list")["mistakes"]}
    assert set(codes) == {row.code for row in ROWS}
    for code, row in codes.items():
        text = hf("explain", code).stdout
        assert text.startswith("%s: %s" % (code, row["sentence"][:20])) and "What to do" in text
        assert all(len(line) <= 80 for line in text.splitlines()), text
        assert hf.json("explain", code) == row


def test_code_and_colour_at_a_terminal_within_eighty_columns(hf):
    hf("init", "ABC")
    argv = ["init", "--key-type", "p265"]
    with Terminal(hf, *argv) as person:
        seen = person.end(exit=2)
    assert "\x1b[1;31m^^^^" in seen and "[E-OPTION-WORD]" in seen
    with Terminal(hf, "--no-color", *argv) as person:
        seen = person.end(exit=2)
    assert "\x1b" not in seen and underlined(seen) == "p265"
    assert all(len(line) <= 80 for line in seen.splitlines()), seen
    with Terminal(hf, *argv, env={"NO_COLOR": "1"}) as person:
        assert person.end(exit=2) == seen


def test_only_the_wrong_word_and_its_option_are_shown(hf):
    """Another word of the line may be a secret."""
    told = hf("enroll", "--token", "s3cret", "--ttl", "https://localhost:1/", exit=2)
    assert "s3cret" not in told.everything
    assert Path(hf.home).exists()
