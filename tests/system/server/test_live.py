# SPDX-License-Identifier: Apache-2.0
"""What changes reaches connections that are there, and needs no signal: lists, certificates, time."""
import os
import re
import shutil
import socket
import time

import pytest
from support import zoo
from support.kept import Kept
from support.peers import PythonClient
from support.process import SLOW

HELLO = ["--allow", "any", "--respond", "text:hello"]


def replace(source, target):
    """As careful writers do it: the reader finds the old file or the new one."""
    shutil.copy(source, str(target) + ".new")
    os.rename(str(target) + ".new", target)


@pytest.mark.row(40, 50)
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_revocation_ends_an_idle_connection_without_a_signal(hf, town, tmp_path, python, version):
    lists = tmp_path / "crl.pem"
    shutil.copy(town.crl_clean, lists)
    with hf.serve(*town.serve_args, "--crl", lists, *HELLO) as server:
        with Kept(server.port, town["mail"], town.ca, version) as mail, \
                Kept(server.port, town["bob"], town.ca, version) as bob:
            replace(town.crl_mail, lists)
            mail.wait_end()
            assert b"hello" in bob.ask(), "who was not revoked stays"
        assert python.get(server.port, town["mail"]).alert == 44


def test_new_certificate_is_served_without_a_signal(hf, town, tmp_path):
    cert, key = tmp_path / "s.pem", tmp_path / "s.key"
    shutil.copy(town["server"].cert, cert)
    shutil.copy(town["server"].key, key)
    with hf.serve("--listen", "127.0.0.1:0", "--cert", cert, "--key", key, "--ca", town.ca, *HELLO) as server:
        with Kept(server.port, town["mail"], town.ca) as kept:
            replace(town["gateway"].key, key)
            replace(town["gateway"].cert, cert)
            server.wait_until(lambda: served(server.port) == town.certs["gateway"].der, "the new certificate")
            assert b"hello" in kept.ask(), "a connection under the old certificate goes on"


def served(port):
    raw = socket.create_connection(("127.0.0.1", port), 10 * SLOW)
    with PythonClient.context().wrap_socket(raw, server_hostname="localhost") as tls:
        return tls.getpeercert(True)


def test_swapped_symbolic_link_is_seen(hf, town, tmp_path):
    """Kubernetes changes secrets so: ..data leads to another directory, the files' names stay."""
    for name, who in (("first", "server"), ("second", "gateway")):
        (tmp_path / name).mkdir()
        shutil.copy(town[who].cert, tmp_path / name / "tls.crt")
        shutil.copy(town[who].key, tmp_path / name / "tls.key")
    os.symlink("first", tmp_path / "..data")
    argv = ["--cert", tmp_path / "..data/tls.crt", "--key", tmp_path / "..data/tls.key", "--ca", town.ca]
    with hf.serve("--listen", "127.0.0.1:0", *argv, *HELLO) as server:
        os.symlink("second", tmp_path / "..new")
        os.rename(tmp_path / "..new", tmp_path / "..data")
        server.wait_until(lambda: served(server.port) == town.certs["gateway"].der, "the new certificate")


def test_bad_file_is_reported_and_a_good_one_taken_later(hf, town, tmp_path, python):
    lists = tmp_path / "crl.pem"
    shutil.copy(town.crl_clean, lists)
    (tmp_path / "bad").write_text("garbage\n")
    with hf.serve(*town.serve_args, "--crl", lists, *HELLO) as server:
        replace(tmp_path / "bad", lists)
        server.wait_line("err", re.compile("reload refused, generation 1 stays.*crl.pem").search, "the refusal")
        assert python.get(server.port, town["mail"]).accepted
        replace(town.crl_mail, lists)
        server.wait_line("err", re.compile("reloaded: generation 2").search, "the reload")
        assert python.get(server.port, town["mail"]).alert == 44


def test_same_content_again_is_no_change(hf, town, tmp_path):
    ca, lists = tmp_path / "ca.pem", tmp_path / "crl.pem"
    shutil.copy(town.ca, ca)
    shutil.copy(town.crl_clean, lists)
    argv = town.serve_args[:-1] + [ca, "--crl", lists]
    with hf.serve(*argv, *HELLO) as server:
        os.utime(ca)
        replace(town.crl_clean, lists)
        replace(town.crl_mail, lists)
        server.wait_line("err", re.compile("reloaded: generation 2").search, "the reload")
        assert sum("files changed" in line for line in server.lines["err"]) == 1


def test_reload_by_signal_alone(hf, town, tmp_path, python):
    lists = tmp_path / "crl.pem"
    shutil.copy(town.crl_clean, lists)
    with hf.serve(*town.serve_args, "--crl", lists, "--reload", "signal", *HELLO) as server:
        replace(town.crl_mail, lists)
        server.reload()
        assert python.get(server.port, town["mail"]).alert == 44
        assert not any("files changed" in line for line in server.lines["err"])


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_connection_ends_with_the_certificate_of_its_client(hf, town, tmp_path, version):
    """A long-lived connection must not outlive what it was let in for."""
    until = int(time.time()) + 5 * SLOW
    certs = zoo.build({"short": {"issuer": "issuing", "days": [-1, (until - zoo.NOW.timestamp()) / 86400]}})
    issuing, root = certs["issuing"], certs["root"]
    (tmp_path / "ca.pem").write_bytes(root.pem)
    (tmp_path / "c.pem").write_bytes(certs["short"].pem + issuing.pem)
    (tmp_path / "c.key").write_bytes(certs["short"].key_pem)
    argv = ["--listen", "127.0.0.1:0", "--cert", town["server"].cert, "--key", town["server"].key, "--ca",
            tmp_path / "ca.pem"]
    with hf.serve(*argv, *HELLO) as server:
        short = type(town["mail"])(str(tmp_path / "c.pem"), str(tmp_path / "c.key"))
        with Kept(server.port, short, None, version) as kept:
            kept.wait_end()
        assert time.time() >= until - 1
