# SPDX-License-Identifier: Apache-2.0
"""The program under test, as a person at a shell has it."""
import json
import os
import re
import signal
import subprocess
from dataclasses import dataclass, field

from .process import SLOW, Watched, clean_env

RELOADED = re.compile(r"\breloaded: generation|\breload refused|\breload: a worker")
READY = re.compile(r"^handfast: listening on (\S+)$")
SANITIZER = re.compile(rb"(ERROR: (Address|Leak)Sanitizer|runtime error:)")


def sanitized(hf):
    """A build with sanitizers has no sandbox, and says so."""
    with open(hf.binary, "rb") as program:
        return b"__asan_init" in program.read()


@dataclass
class Result:
    argv: list
    code: int
    out: bytes
    err: bytes

    @property
    def stdout(self):
        return self.out.decode("utf-8", "backslashreplace")

    @property
    def stderr(self):
        return self.err.decode("utf-8", "backslashreplace")

    @property
    def everything(self):
        return self.stdout + self.stderr

    def json(self):
        try:
            return json.loads(self.out)
        except ValueError as wrong:
            raise AssertionError("stdout is not one JSON object (%s)\n%s" % (wrong, self))

    def __str__(self):
        return "$ %s\nexit %d\nout| %s\nerr| %s" % (" ".join(self.argv), self.code,
                                                  self.stdout.replace("\n", "\nout| "),
                                                  self.stderr.replace("\n", "\nerr| "))


@dataclass
class Handfast:
    """Runs the binary with a home of its own."""
    binary: str
    home: str
    env: dict = field(default_factory=dict)
    cwd: str = None

    def environment(self, **more):
        env = clean_env(self.home, HANDFAST_HOME=self.home)
        env.update(self.env)
        env.update({name: str(value) for name, value in more.items()})
        return env

    def run(self, *args, input=None, env=None, cwd=None, timeout=60):
        argv = [self.binary] + [str(arg) for arg in args]
        feed = {"stdin": subprocess.DEVNULL} if input is None else {
            "input": input.encode() if isinstance(input, str) else input}
        done = subprocess.run(argv, env=self.environment(**(env or {})), cwd=cwd or self.cwd,
                              capture_output=True, timeout=timeout * SLOW, check=False, **feed)
        result = Result(argv, done.returncode, done.stdout, done.stderr)
        assert done.returncode >= 0, "killed by signal %d\n%s" % (-done.returncode, result)
        assert not SANITIZER.search(done.stderr), str(result)
        return result

    def __call__(self, *args, exit=0, **more):
        """As run(), but the exit code must be as said."""
        result = self.run(*args, **more)
        assert result.code == exit, "expected exit %d\n%s" % (exit, result)
        return result

    def json(self, *args, exit=0, **more):
        return self("--json", *args, exit=exit, **more).json()

    def at(self, home):
        """The same program, as another party with its own home."""
        os.makedirs(home, mode=0o700, exist_ok=True)
        return Handfast(self.binary, str(home), dict(self.env), self.cwd)

    def serve(self, *args, listeners=1, **more):
        return Server(self, "serve", *args, listeners=listeners, **more)


class Server(Watched):
    """`handfast serve …`: ready when every listener has said so on stderr."""

    def __init__(self, handfast, command, *args, listeners=1, env=None, cwd=None, wait=True, patience=20):
        argv = [handfast.binary, command] + [str(arg) for arg in args]
        super().__init__(argv, handfast.environment(**(env or {})), cwd or handfast.cwd)
        self.urls = []
        if wait:
            try:
                self.wait_ready(listeners, patience)
            except AssertionError:
                self.__exit__()
                raise

    def wait_ready(self, listeners, patience=20):
        def probe():
            urls = [found.group(1) for found in map(READY.match, self.lines["err"]) if found]
            return urls if len(urls) >= listeners else None
        self.urls = self.wait_until(probe, "%d ready line(s) on stderr" % listeners, patience)

    @property
    def url(self):
        return self.urls[0]

    @property
    def port(self):
        return int(self.urls[0].rsplit(":", 1)[1].split("/")[0])

    def records(self):
        """The refusal records so far: the JSON lines of stderr that name a cause."""
        found = []
        for line in self.lines["err"]:
            if not line.startswith("{"):
                continue
            try:
                row = json.loads(line)
            except ValueError:
                raise AssertionError("a line of stderr looks like JSON and is not: %r" % line)
            if isinstance(row, dict) and "cause" in row:
                found.append(row)
        return found

    def wait_record(self, number=1, timeout=10):
        """The number-th refusal record."""
        def probe():
            found = self.records()
            return found[number - 1] if len(found) >= number else None
        return self.wait_until(probe, "refusal record %d" % number, timeout)

    def reload(self, what="reload"):
        """SIGHUP, and waits for the line that tells what became of it."""
        with self.changed:
            before = len(self.lines["err"])
        self.signal(signal.SIGHUP)

        def probe():
            for line in self.lines["err"][before:]:
                if RELOADED.search(line):
                    return line
            return None
        return self.wait_until(probe, what, 10)

    def __exit__(self, *exc):
        super().__exit__(*exc)
        if exc and exc[0] is not None:
            print(self.text())
        assert not SANITIZER.search("\n".join(self.lines["err"]).encode()), self.text()
