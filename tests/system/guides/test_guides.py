# SPDX-License-Identifier: Apache-2.0
"""Every block of every guide is run, as a reader would type it, and the demo tells its story to the end."""
import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from support.ports import free_port
from support.process import SLOW, Watched, clean_env
from support.program import READY

SOURCE = Path(__file__).resolve().parents[3]
GUIDES = sorted(path for path in (SOURCE / "docs/guides").glob("*.md") if path.name != "README.md")
BLOCK = re.compile(r"^```(\S+)([^\n]*)\n(.*?)^```$", re.M | re.S)
PORT = re.compile(r"(?<=localhost:|127\.0\.0\.1:)(\d{4,5})\b")


class Ports:
    """Free ports in the place of those of the text, the same one each time."""

    def __init__(self):
        self.chosen = {}

    def __call__(self, match):
        if match.group(1) not in self.chosen:
            self.chosen[match.group(1)] = str(free_port())
        return self.chosen[match.group(1)]


class Reader:
    """Types the blocks of a text into one shell; what a block exports holds for the next."""

    def __init__(self, binary, place):
        self.place = place
        self.ports = Ports()
        tools = place / ".tools"
        tools.mkdir()
        (tools / "handfast").symlink_to(binary)
        self.env = clean_env(place)
        self.env["PATH"] = "%s:%s" % (tools, self.env["PATH"])
        self.servers, self.output = [], ""

    def run(self, text, exit=0):
        text = PORT.sub(self.ports, text)
        env = self.place / ".tools" / "env"
        script = 'trap \'code=$?; env -0 > "%s"; exit $code\' EXIT\nset -e\n%s' % (env, text)
        done = subprocess.run(["bash", "-c", script], cwd=self.place, env=self.env, capture_output=True,
                              timeout=60 * SLOW, check=False, stdin=subprocess.DEVNULL)
        self.output = done.stdout.decode()
        assert done.returncode == exit, "$ %s\nexit %d, not %d\n%s%s" % (
            text, done.returncode, exit, self.output, done.stderr.decode())
        rows = env.read_bytes().split(b"\0")
        self.env = dict(row.decode().split("=", 1) for row in rows if b"=" in row)
        return done

    def serve(self, text):
        server = Watched(["bash", "-c", "exec " + PORT.sub(self.ports, text)], self.env, self.place)
        self.servers.append(server)
        server.wait_line("err", READY.match, "the ready line", 20)

    def stop(self):
        for server in self.servers:
            server.stop()

    def told(self, text):
        """The lines stand in the last output, in this order."""
        at = 0
        for line in text.splitlines():
            found = self.output.find(line, at)
            assert found >= 0, "%r is not in\n%s" % (line, self.output)
            at = found + len(line)


@pytest.fixture
def reader(binary, tmp_path):
    one = Reader(binary, tmp_path)
    yield one
    for server in one.servers:
        server.__exit__()


@pytest.mark.parametrize("guide", GUIDES, ids=[guide.stem for guide in GUIDES])
def test_guide_works_as_it_is_written(reader, guide):
    blocks = BLOCK.findall(guide.read_text(encoding="utf-8"))
    assert blocks
    for kind, words, text in blocks:
        if kind == "console":
            reader.told(text)
        elif kind == "sh" and "server" in words:
            reader.serve(text)
        elif kind == "sh":
            code = re.search(r"exit=(\d+)", words)
            reader.run(text, int(code.group(1)) if code else 0)
        else:
            pytest.fail("a block of the unknown kind '%s' in %s" % (kind, guide.name))
    reader.stop()


def test_day_in_three_commands_of_the_readme_works(reader):
    text = (SOURCE / "README.md").read_text(encoding="utf-8")
    day = re.search(r"## A day in three commands\n(.*?)\n## ", text, re.S).group(1)
    lines = [line for line in day.splitlines() if line.startswith("handfast ")]
    reader.env["HANDFAST_HOME"] = str(reader.place)
    serve = [line for line in lines if line.startswith("handfast serve")]
    get = [line for line in lines if line.startswith("handfast get")]
    assert len(serve) == 1 and len(get) == 1 and len(lines) == 4
    for line in lines:
        if line in serve:
            reader.serve(line)
        else:
            reader.run(line)
    assert "mail-server" in reader.output
    reader.run("handfast get --ca ca/root.pem https://localhost:3100/", exit=1)


def test_demo_tells_its_story_in_under_a_minute_and_leaves_nothing(binary, tmp_path):
    place = tmp_path / "tmp"
    place.mkdir()
    start = time.monotonic()
    done = subprocess.run([SOURCE / "tools/demo.sh", binary], env=clean_env(tmp_path, TMPDIR=place), cwd=tmp_path,
                          capture_output=True, timeout=120 * SLOW, check=False, stdin=subprocess.DEVNULL)
    text = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == 0, text
    assert time.monotonic() - start < 60 * SLOW
    assert list(place.iterdir()) == []
    assert "$ handfast init" in text and "$ handfast get" in text
    assert "alert 116" in text and "alert 44" in text
    assert "CN=third: enrolled" in text and "third: renewed" in text
    assert "the third machine's connection is closed" in text and "the first and the second go on" in text
    left = [pid for pid in os.listdir("/proc") if pid.isdigit() and belongs(pid, binary, place)]
    assert left == []


def belongs(pid, binary, place):
    try:
        return os.readlink("/proc/%s/exe" % pid) == binary and os.readlink("/proc/%s/cwd" % pid).startswith(str(place))
    except OSError:
        return False


def test_demo_fails_when_a_step_does_not_give_what_it_should(binary, tmp_path):
    """A program that says yes to everyone must not pass for Handfast."""
    fake = tmp_path / "handfast"
    fake.write_text("#!/bin/sh\ncase \" $* \" in *\" get \"*) echo 4711; exit 0;; esac\nexec '%s' \"$@\"\n" % binary)
    fake.chmod(0o755)
    done = subprocess.run([SOURCE / "tools/demo.sh", fake], env=clean_env(tmp_path, TMPDIR=tmp_path), cwd=tmp_path,
                          capture_output=True, timeout=120 * SLOW, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode != 0
