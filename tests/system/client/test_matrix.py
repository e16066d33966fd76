# SPDX-License-Identifier: Apache-2.0
"""The whole table of `handfast get` against foreign servers: each server, each version of TLS, and each
certificate that is wrong in one way, once as ours in front of a server that refuses it, once as the server's in
front of us.  The other half, foreign clients in front of our server, is server/test_require.py."""
import pytest
from support.alerts import NAMES
from support.peer_servers import SERVERS

VERSIONS = ["1.2", "1.3"]

# What is wrong with our certificate: the alert of a server that speaks OpenSSL, and the cause that `get` can see
# in its own file when the server says nothing (Node) or always the same (GnuTLS).
OURS = {
    "none": ({"1.2": 40, "1.3": 116}, "N-NONE"), "foreign": (48, None), "expired": (45, "V-EXPIRED"),
    "notyet": (42, "V-NOT-YET"), "serveronly": (43, "V-EKU"), "revoked": (44, None), "nointer": (48, None),
    "badsig": (51, None),
}
# GnuTLS has words of its own: it does not look at the purpose, says access_denied for every bad chain, and in
# TLS 1.2 decode_error for none.
GNUTLS = {"none": {"1.2": 50, "1.3": 116}, "serveronly": None}

# What is wrong with the server's certificate, and the reason that we give.
THEIRS = {
    "foreign-server": "V-UNKNOWN-CA", "server-expired": "V-EXPIRED", "server-notyet": "V-NOT-YET",
    "server-clientonly": "V-EKU", "server-revoked": "V-REVOKED", "server-nointer": "V-NO-INTERMEDIATE",
    "server-badsig": "V-BAD-SIGNATURE",
}


def meet(hf, town, server, who, version, *more):
    """One request; nothing is in the way of the certificates."""
    own = ["--cert", town[who].cert, "--key", town[who].key] if town[who] else []
    return hf.run("get", "--ca", town.ca, *own, "--tls-min", version, "--tls-max", version, *more,
                  "https://localhost:%d/" % server.port)


def in_version(told, version):
    return told[version] if isinstance(told, dict) else told


def alert_of(peer, who, version):
    """The number that this server sends; None: it closes without a word."""
    if peer == "gnutls":
        return in_version(GNUTLS.get(who, 49), version)
    if peer == "node" and who != "none":
        return None
    return in_version(OURS[who][0], version)


@pytest.mark.row(46, 81)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("peer", list(SERVERS))
def test_client_with_its_certificate_is_let_in_by_each_server(hf, town, session_dir, peer, version):
    with SERVERS[peer](session_dir, town["server"], town.ca, "require", version, crls=[town.crl]) as server:
        told = meet(hf, town, server, "mail", version, "--crl", town.crl)
    assert told.code == 0 and told.out, told


@pytest.mark.row(47, 48, 49, 50, 85, 91)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("who", list(OURS))
@pytest.mark.parametrize("peer", list(SERVERS))
def test_refusal_by_each_server_is_told_in_words_and_is_never_a_success(hf, town, session_dir, peer, who, version):
    with SERVERS[peer](session_dir, town["server"], town.ca, "require", version, crls=[town.crl]) as server:
        told = meet(hf, town, server, who, version)
    if peer == "gnutls" and who == "serveronly":
        assert told.code == 0, told
        return
    alert, own = alert_of(peer, who, version), OURS[who][1]
    assert (told.code, told.out) == (1, b""), told
    assert "REFUSED by the server" in told.stderr, told
    if alert is None:
        assert "without a word" in told.stderr and (own or "T-ALERT-LOST") in told.stderr, told
    else:
        assert "alert %d %s" % (alert, NAMES[alert]) in told.stderr, told
    if own and alert not in (40, 50):
        assert "[%s]" % own in told.stderr, told
    assert "fix: " in told.stderr


@pytest.mark.row(85, 89)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("who", list(THEIRS))
@pytest.mark.parametrize("peer", list(SERVERS))
def test_each_server_with_a_bad_certificate_is_refused_by_us(hf, town, session_dir, peer, who, version):
    with SERVERS[peer](session_dir, town[who], town.ca, "require", version) as server:
        told = meet(hf, town, server, "mail", version, "--crl", town.crl)
    assert (told.code, told.out) == (1, b""), told
    assert "REFUSED by us, the client" in told.stderr and "[%s]" % THEIRS[who] in told.stderr, told
