# SPDX-License-Identifier: Apache-2.0
"""init asks a person at a terminal, and nobody else; every answer is an option too."""
import os
import shlex
import subprocess

import pytest
from support import look
from support.process import SLOW
from support.terminal import Terminal


def same_without_questions(text):
    lines = text.splitlines()
    at = next(i for i, line in enumerate(lines) if "the same without questions" in line)
    return shlex.split(lines[at + 1])


def facts(home):
    root, issuing = look.cert(home / "ca/root.pem"), look.cert(home / "ca/issuing.pem")
    return [(c.subject, type(c.public_key()), look.days(c), [e.oid.dotted_string for e in c.extensions])
            for c in (root, issuing)]


@pytest.mark.row(10)
def test_empty_answers_take_the_defaults(hf, home, tmp_path):
    with Terminal(hf, "init") as seat:
        for question in ("Name of the authority [Handfast]", "keys [p256]", "[here]", "[3650]", "[1825]", "any:",
                         "passphrase? [no]", "Make it? [yes]"):
            seat.answer(question, "")
        text = seat.end()
    assert same_without_questions(text) == ["handfast", "init", "Handfast"]
    other = hf.at(tmp_path / "other")
    other("init")
    assert facts(home) == facts(tmp_path / "other")


@pytest.mark.row(10)
def test_every_answer_is_an_option_and_the_command_line_says_the_same(hf, home, tmp_path):
    with Terminal(hf, "init") as seat:
        seat.answer("Name of the authority", "Amy's \"CA\" & Co")
        seat.answer("keys", "p521")
        seat.expect("one of: p256 p384")
        seat.answer("keys", "P384")
        seat.answer("[here]", "away")
        seat.answer("directory", "")
        seat.answer("directory", str(tmp_path / "my stick"))
        seat.answer("[3650]", "long")
        seat.answer("[3650]", "20y")
        seat.answer("[1825]", "900")
        seat.answer("any:", "dns")
        seat.answer("any:", "dns:abc.com,ip:10.0.0.0/8")
        seat.answer("passphrase? [no]", "no")
        seat.answer("Make it?", "yes")
        text = seat.end()
    line = same_without_questions(text)
    assert line[:3] == ["handfast", "init", "Amy's \"CA\" & Co"]
    other = hf.at(tmp_path / "other")
    line[line.index(str(tmp_path / "my stick"))] = str(tmp_path / "another")
    other(*line[1:])
    assert facts(home) == facts(tmp_path / "other")
    assert (tmp_path / "my stick/root.key").exists() and not (home / "ca/root.key").exists()


def test_a_passphrase_is_asked_twice_and_not_shown(hf, home, tmp_path):
    with Terminal(hf, "init", "--days", "100", "--issuing-days", "50") as seat:
        seat.answer("Name", "ABC")
        for question in ("keys", "[here]", "[100]", "[50]", "any:"):
            seat.answer(question, "")
        seat.answer("passphrase? [no]", "y")
        seat.answer("Make it?", "")
        seat.answer("New passphrase", "s3cret")
        seat.answer("same again", "s3cret")
        text = seat.end()
    assert "s3cret" not in text
    assert "ENCRYPTED" in (home / "ca/root.key").read_text() and "ENCRYPTED" in (home / "ca/issuing.key").read_text()
    assert same_without_questions(text)[-2:] == ["--passphrase-file", "FILE"]
    hf("issue", "mail", "--client", env={"HANDFAST_PASSPHRASE": "s3cret"})


def test_a_root_elsewhere_is_asked_for(hf, home):
    with Terminal(hf, "init") as seat:
        seat.answer("Name", "ABC Inc.")
        seat.answer("keys", "")
        seat.answer("[here]", "elsewhere")
        seat.answer("passphrase? [no]", "")
        seat.answer("Make it?", "")
        assert same_without_questions(seat.end()) == ["handfast", "init", "ABC Inc.", "--offline-root"]
    assert (home / "ca.request/request.pem").exists() and not (home / "ca").exists()


@pytest.mark.parametrize("last", ["no", None])
def test_nothing_is_made_when_the_person_says_no_or_leaves(hf, home, last):
    with Terminal(hf, "init") as seat:
        for question in ("Name", "keys", "[here]", "[3650]", "[1825]", "any:", "passphrase?"):
            seat.answer(question, "")
        seat.expect("Make it?")
        if last:
            seat.say(last)
            seat.end(exit=1)
        else:
            os.write(seat.master, b"\x04")
            seat.end(exit=2)
    assert not (home / "ca").exists()


@pytest.mark.row(10)
def test_it_never_asks_when_nobody_is_there(hf, home):
    told = hf("init")
    assert "Name of the authority" not in told.everything
    assert (home / "ca/root.pem").exists()


def test_it_does_not_ask_whoever_gave_a_name_or_wants_json(hf, home, tmp_path):
    with Terminal(hf, "init", "ABC") as seat:
        assert "Name of" not in seat.end()
    with Terminal(hf.at(tmp_path / "j"), "--json", "init") as seat:
        assert "Name of" not in seat.end()


def test_it_does_not_ask_in_vain(hf):
    hf("init", "ABC")
    with Terminal(hf, "init") as seat:
        text = seat.end(exit=1)
    assert "Name of" not in text and "already" in text


def test_input_from_a_pipe_is_not_taken_for_answers(hf, home):
    done = subprocess.run([hf.binary, "init"], input=b"Mallory\nrsa2048\n", capture_output=True, timeout=20 * SLOW,
                          env=hf.environment(), cwd=hf.cwd, check=False)
    assert done.returncode == 0
    assert "Handfast" in look.cert(home / "ca/root.pem").subject.rfc4514_string()
