# SPDX-License-Identifier: Apache-2.0
"""The command line itself: help, hints, exit codes, JSON, colour, prompts."""
import json
import os
import pty
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.process import SLOW

COMMANDS = ["init", "issue", "request", "sign", "install", "renew", "revoke", "crl", "list", "show", "export", "trust",
            "serve", "tunnel", "get", "verify", "explain", "import", "audit", "doctor", "root", "policy",
            "authority", "token", "enroll"]


def test_help_lists_every_command(hf):
    told = hf("--help")
    for command in COMMANDS:
        assert re.search(r"^\s+%s\b" % command, told.stdout, re.M), command
    assert told.stderr == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_its_options(hf, command):
    told = hf(command, "--help")
    assert command in told.stdout.splitlines()[0] and "--" in told.stdout
    assert hf("help", command).stdout == told.stdout
    assert all(len(line) <= 100 for line in told.stdout.splitlines())


def test_version_is_told(hf):
    assert re.match(r"handfast \d+\.\d+\.\d+\b", hf("--version").stdout)


@pytest.mark.parametrize("argv, hint", [
    (["servee"], "serve"), (["isue", "x"], "issue"), (["get", "--inscure", "https://localhost/"], "--insecure"),
    (["serve", "--client-auth", "reqire"], "require"), (["init", "--key-type", "p265"], "p256"),
    (["verify", "--purpose", "cliente", "x"], "client"), (["issue", "a", "--clinet"], "--client"),
    (["sign", "x", "--profile", "sever"], "server"),
])
def test_mistake_is_answered_with_the_nearest_word(hf, argv, hint):
    told = hf(*argv, exit=2)
    assert hint in told.stderr
    assert told.stdout == ""
    assert len(told.stderr.splitlines()) <= 3, "one sentence, not the whole help"


@pytest.mark.parametrize("argv, words", [
    (["issue", "x", "--server", "--days", "0"], "--days must be between 1m and 36500d"),
    (["issue", "x", "--server", "--days", "99999"], "36500d"),
    (["issue", "x", "--client", "--subject", "/XX=foo"], "--subject: the part 'XX' is of no type known"),
    (["verify", "x.csr"], "a certificate request (CSR) for CN=x"),
    (["serve", "--as", "lcalhost", "--allow", "any", "--respond", "text:x"], "did you mean 'localhost'?"),
    (["get", "--as", "lcalhost", "https://localhost:1/"], "did you mean 'localhost'?"),
    (["renew", "lcalhost"], "did you mean 'localhost'?"),
    (["export", "lcalhost", "--der", "x.der"], "did you mean 'localhost'?"),
    (["get", "--as", "waiting", "https://localhost:1/"], "handfast install waiting FILE"),
    (["serve", "--as", "nobody", "--allow", "any", "--respond", "text:x"], "handfast issue nobody --server|--client"),
])
def test_common_mistake_is_told_in_the_words_of_who_made_it(hf, home, argv, words):
    hf("init", "ABC")
    hf("issue", "localhost", "--server")
    hf("request", "waiting")
    hf("request", "x")
    (Path(hf.cwd) / "x.csr").write_bytes((home / "id/x/request.pem").read_bytes())
    told = hf.run(*argv)
    assert told.code in (2, 3) and words in told.stderr, told
    error = hf.run("--json", *argv).json()["error"]
    assert words in error["message"] + (error["hint"] or ""), error


@pytest.mark.parametrize("argv", [[], ["get"], ["get", "--cert"], ["issue"], ["revoke"], ["verify"], ["install", "a"],
                                  ["list", "--limit", "many"], ["issue", "a", "--client", "--days", "-1"],
                                  ["issue", "a", "--client", "--days", "1x"], ["serve", "--workers", "0", "--check"],
                                  ["get", "--timeout", "soon", "https://localhost/"]])
def test_wrong_usage_exits_two(hf, argv):
    told = hf(*argv, exit=2)
    assert told.stderr


def test_errors_are_json_when_asked(hf):
    for argv in (["issue", "a", "--client"], ["isue"], ["verify", "absent.pem", "--ca", "absent.pem"]):
        told = hf.run("--json", *argv)
        assert told.code != 0
        error = told.json()["error"]
        assert set(error) >= {"code", "message"} and error["message"]


@pytest.mark.parametrize("argv", [["init", "ABC"], ["list"], ["trust", "list"]])
def test_json_is_one_object(hf, argv):
    if argv[0] == "list":
        hf("init", "ABC")
    assert isinstance(hf.json(*argv), dict)


def test_quiet_says_nothing_that_is_not_a_result(hf):
    told = hf("-q", "init", "ABC Inc.")
    assert told.stderr == ""


def test_colour_only_on_a_terminal(hf, town):
    told = hf.run("verify", "--ca", town.ca, "--purpose", "client", town["expired"].cert)
    assert "\x1b" not in told.everything


@pytest.mark.row(10)
def test_prompts_come_only_on_a_terminal(hf, tmp_path):
    """Without one, a missing passphrase is an error and nobody waits."""
    from support import zoo
    (tmp_path / "k.pem").write_bytes(zoo.pem_key(zoo.new_key("ec"), passphrase=b"s3cret"))
    (tmp_path / "k.pem").chmod(0o600)
    told = hf.run("request", "amy", "--key", tmp_path / "k.pem")
    assert told.code == 3 and "--passphrase-file" in told.everything
    try:
        master, slave = pty.openpty()
    except OSError as no:
        pytest.skip("this machine has no terminal to lend: %s" % no)
    child = subprocess.Popen([hf.binary, "request", "amy", "--key", str(tmp_path / "k.pem")], stdin=slave, stdout=slave,
                             stderr=slave, env=hf.environment(), cwd=hf.cwd, start_new_session=True,
                             preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0))
    os.close(slave)
    seen = b""
    while b"assphrase" not in seen:
        part = os.read(master, 1000)
        assert part
        seen += part
    os.write(master, b"s3cret\n")
    try:
        while True:
            part = os.read(master, 1000)
            if not part:
                break
            seen += part
    except OSError:
        pass
    os.close(master)
    assert child.wait(10 * SLOW) == 0, seen
    assert b"s3cret" not in seen


def test_home_is_chosen_by_option_then_environment(hf, tmp_path):
    hf("--home", tmp_path / "one", "init", "One")
    assert (tmp_path / "one/ca/root.pem").exists()
    hf("init", "Two", env={"HANDFAST_HOME": tmp_path / "two"})
    assert (tmp_path / "two/ca/root.pem").exists()


def test_double_dash_ends_the_options(hf):
    hf("init", "ABC")
    told = hf.run("show", "--", "--absent.pem")
    assert told.code in (1, 3) and "--absent.pem" in told.stderr


def test_option_value_may_be_joined_with_an_equals_sign(hf, home):
    hf("init", "ABC", "--key-type=p384")
    assert (home / "ca/root.pem").exists()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_of_each_shell_is_accepted_by_it(hf, tmp_path, shell):
    script = hf("completion", shell).stdout
    for word in ("serve", "issue", "--client-auth"):
        assert word in script
    if not shutil.which(shell):
        pytest.skip("%s is not installed" % shell)
    path = tmp_path / "completion"
    path.write_text(script)
    done = subprocess.run([shell, "-n", str(path)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_bash_completion_completes(hf, tmp_path):
    if not shutil.which("bash"):
        pytest.skip("bash is not installed")
    (tmp_path / "c").write_text(hf("completion", "bash").stdout)
    ask = ("source %s; COMP_WORDS=(handfast %%s); COMP_CWORD=%%d; f=$(complete -p handfast | sed 's/.*-F \\([^ ]*\\).*/\\1/');"
           " $f handfast; printf '%%%%s\\n' \"${COMPREPLY[@]}\"" % (tmp_path / "c"))
    env = dict(hf.environment(), PATH="%s:%s" % (os.path.dirname(hf.binary), os.environ["PATH"]))
    done = subprocess.run(["bash", "-c", ask % ("ser", 1)], capture_output=True, env=env, check=False)
    assert b"serve" in done.stdout, done
    done = subprocess.run(["bash", "-c", ask % ("serve --client-a", 2)], capture_output=True, env=env, check=False)
    assert b"--client-auth" in done.stdout, done


def test_output_that_nobody_reads_is_a_failure_and_no_crash(hf):
    hf("init", "ABC")
    with open("/dev/full", "wb") as full:
        done = subprocess.run([hf.binary, "--json", "list"], stdout=full, stderr=subprocess.PIPE, env=hf.environment(),
                              check=False)
    assert done.returncode == 3, done
    assert json.dumps(done.stderr.decode())
