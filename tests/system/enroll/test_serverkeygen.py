# SPDX-License-Identifier: Apache-2.0
"""EST's serverkeygen (RFC 7030 4.4): the authority makes the key, where the policy says so.  Its answers are read by
curl, Python's MIME parser and openssl."""
import base64
import email
import email.policy
import glob
import json
import os
import signal
import socket
import ssl
import stat

import pytest

from support.program import Server

from .conftest import Authority
from .test_est import Client

ON = "profiles: { client: { serverkeygen: yes } }\n"
ENCRYPTION = {
    "SMIMECapabilities": "1.2.840.113549.1.9.15",
    "DecryptKeyIdentifier": "1.2.840.113549.1.9.16.2.37",
    "AsymmetricDecryptKeyIdentifier": "1.2.840.113549.1.9.16.2.54",
}


def write_policy(hf, text):
    with open(hf.home + "/ca/policy.yaml", "w") as out:
        out.write(text)


@pytest.fixture
def maker(hf, tmp_path):
    """A client of an authority that makes keys for clients and for nobody else."""
    hf("init", "ABC Inc.")
    write_policy(hf, ON)
    authority = Authority(hf)
    (tmp_path / "est").mkdir()
    with authority.start():
        yield Client(authority, tmp_path / "est")


def ask(client, token, der, *options, path="serverkeygen"):
    return client.curl(path, "-u", "x:" + token, *options, body=base64.b64encode(der))


def parts(client, head, body):
    """(key as PEM, certificate as PEM): read as MIME, then by openssl."""
    kind = next(line for line in head.splitlines() if line.startswith("content-type:"))
    message = email.message_from_bytes(kind.encode() + b"\r\n\r\n" + body, policy=email.policy.HTTP)
    assert message.get_content_type() == "multipart/mixed" and not message.defects
    key, certificates = message.get_payload()
    assert key.get_content_type() == "application/pkcs8" and key["Content-Transfer-Encoding"] == "base64"
    assert certificates.get_content_type() == "application/pkcs7-mime"
    assert certificates.get_param("smime-type") == "certs-only"
    key_pem = client.openssl("pkcs8", "-inform", "der", "-nocrypt", input=key.get_payload(decode=True))
    cert_pem = client.openssl("pkcs7", "-inform", "der", "-print_certs", input=certificates.get_payload(decode=True))
    assert cert_pem.count(b"BEGIN CERTIFICATE") == 1
    return key_pem, cert_pem


def base64_of(der, wrapped):
    return b"".join(base64.b64encode(der[at:at + wrapped]) + b"\n" for at in range(0, len(der), wrapped))


def rebuilt(client, key, cert, wrapped):
    """The body as RFC 7030 4.4.2 has it, with what openssl makes of key and certificate in it."""
    with open(client.dir + "/one.pem", "wb") as out:
        out.write(cert)
    private = client.openssl("pkcs8", "-topk8", "-nocrypt", "-outform", "der", input=key)
    bag = client.openssl("crl2pkcs7", "-nocrl", "-certfile", "one.pem", "-outform", "der")
    return (b"--handfast-serverkeygen\r\n"
            b"Content-Type: application/pkcs8\r\n"
            b"Content-Transfer-Encoding: base64\r\n"
            b"\r\n" + base64_of(private, wrapped) + b"\r\n"
            b"--handfast-serverkeygen\r\n"
            b"Content-Type: application/pkcs7-mime; smime-type=certs-only\r\n"
            b"Content-Transfer-Encoding: base64\r\n"
            b"\r\n" + base64_of(bag, wrapped) + b"\r\n"
            b"--handfast-serverkeygen--\r\n")


def fields_of(head):
    """What an answer says about its body, and who may keep it."""
    lines = [line.partition(": ") for line in head.strip().splitlines()[1:]]
    return {name: value for name, _, value in lines if name not in ("date", "server", "connection", "content-length")}


def public_of(client, key=None, cert=None):
    if key:
        return client.openssl("pkey", "-pubout", input=key)
    return client.openssl("x509", "-pubkey", "-noout", input=cert)


def refusal(answer):
    return answer[0], json.loads(answer[2])["error"]["code"]


def test_it_is_not_there_by_default(authority, tmp_path):
    client = Client(authority, tmp_path)
    token = authority.token("amy")
    der = client.request("amy")
    unknown = ask(client, token, der, path="nothing-such")
    assert refusal(ask(client, token, der)) == refusal(unknown) == (404, "not-found")
    assert authority.hf.json("token", "list")["tokens"][0]["state"] == "open"
    assert not os.path.exists(authority.hf.home + "/ca/serverkeygen.secret")


def test_key_and_certificate_belong_together_and_the_request_s_key_is_not_used(maker):
    authority = maker.authority
    token = authority.token("amy")
    status, head, body = ask(maker, token, maker.request("amy", "/CN=amy"))
    assert status == 200 and "cache-control: no-store" in head
    key, cert = parts(maker, head, body)
    assert public_of(maker, key=key) == public_of(maker, cert=cert)
    with open(maker.dir + "/amy.key", "rb") as own:
        assert public_of(maker, key=own.read()) != public_of(maker, cert=cert)
    assert b"P-256" in maker.openssl("pkey", "-noout", "-text", input=key)
    assert len(authority.issued("amy")) == 1
    # it works: the old certificate renews itself at the same authority
    for name, pem in (("made.key", key), ("made.pem", cert)):
        with open(maker.dir + "/" + name, "wb") as out:
            out.write(pem)
    again = maker.curl("simplereenroll", "--cert", "made.pem", "--key", "made.key",
                       body=base64.b64encode(maker.request("own", "/CN=amy")))
    assert again[0] == 200


ONE_LINE, LINES_OF_64 = 1 << 20, 48


@pytest.mark.parametrize("kind", ["p256", "p384", "ed25519"])
@pytest.mark.parametrize("agent, wrapped", [("curl", ONE_LINE), ("libest", LINES_OF_64)])
def test_the_answer_is_to_the_byte_what_rfc_7030_4_4_2_says(hf, tmp_path, kind, agent, wrapped):
    """Two parts, the key's first, base64 in both, said in both and not of the whole (RFC 2045 6.4 forbids it there); of
    line ends RFC 8951 3.1 asks nothing.  The part with the certificate is what simpleenroll answers."""
    hf("init", "ABC Inc.")
    write_policy(hf, "profiles: { client: { serverkeygen: yes, key_types: [%s, p256] } }\n" % kind)
    authority = Authority(hf)
    with authority.start("--est-wrapped", "libest"):
        client = Client(authority, tmp_path)
        status, head, body = ask(client, authority.token("amy"), client.request("amy"), "-A", agent)
        assert status == 200
        assert fields_of(head) == {"content-type": "multipart/mixed; boundary=handfast-serverkeygen",
                                   "cache-control": "no-store"}
        assert "content-length: %d\n" % len(body) in head
        assert body == rebuilt(client, *parts(client, head, body), wrapped)
        plain = ask(client, authority.token("bob"), client.request("bob"), "-A", agent, path="simpleenroll")
        assert fields_of(plain[1]) == {"content-type": "application/pkcs7-mime; smime-type=certs-only",
                                       "content-transfer-encoding": "base64"}
        bag = base64.b64decode(plain[2])
        assert plain[2] == base64_of(bag, wrapped)
        with open(client.dir + "/bob.pem", "wb") as out:
            out.write(client.openssl("pkcs7", "-inform", "der", "-print_certs", input=bag))
        assert bag == client.openssl("crl2pkcs7", "-nocrl", "-certfile", "bob.pem", "-outform", "der")


def test_the_audit_log_says_who_made_the_key_and_nothing_keeps_it(maker):
    authority = maker.authority
    token = authority.token("amy")
    key, _ = parts(maker, *ask(maker, token, maker.request("amy"))[1:])
    redeemed = [row["detail"] for row in authority.hf.json("audit")["rows"] if row["action"] == "redeem"]
    assert len(redeemed) == 1 and token.split(".")[0] + " from 127.0.0.1, key made here" in redeemed[0]
    authority.hf("audit", "verify")
    secret = authority.hf.home + "/ca/serverkeygen.secret"
    assert stat.S_IMODE(os.stat(secret).st_mode) == 0o600 and os.path.getsize(secret) == 32
    scalar = maker.openssl("pkey", "-outform", "der", input=key)
    private = scalar[scalar.index(b"\x04\x20") + 2:][:32]
    for path in glob.glob(authority.hf.home + "/**/*", recursive=True):
        if os.path.isfile(path):
            with open(path, "rb") as file:
                content = file.read()
            assert private not in content and base64.b64encode(private)[1:30] not in content, path


def test_wrong_and_missing_tokens_get_no_key(maker):
    der = maker.request("amy")
    token = maker.authority.token("amy")
    ident, _, root = token.split(".")
    wrong = ".".join([ident, "A" * 43, root])
    assert refusal(ask(maker, wrong, der)) == (401, "token-unknown")
    assert refusal(maker.curl("serverkeygen", body=base64.b64encode(der))) == (401, "token-needed")
    assert maker.curl("serverkeygen")[0] == 405
    assert ask(maker, token, der)[0] == 200


def test_a_certificate_alone_is_no_proof_here(maker):
    maker.enrol()
    answer = maker.curl("serverkeygen", "--cert", "amy.pem", "--key", "amy.key",
                        body=base64.b64encode(maker.request("new")))
    assert refusal(answer) == (401, "token-needed")


def test_retry_gets_the_same_key_and_another_request_nothing(maker):
    token = maker.authority.token("amy")
    der = maker.request("amy")
    first = ask(maker, token, der)
    assert first[0] == 200 and ask(maker, token, der)[2] == first[2]
    assert refusal(ask(maker, token, maker.request("other"))) == (403, "token-spent")
    assert len(maker.authority.issued("amy")) == 1


def test_the_signature_of_the_request_is_ignored_where_its_key_is(maker):
    token = maker.authority.token("amy")
    der = bytearray(maker.request("amy"))
    der[-1] ^= 1  # the last byte of the signature
    assert refusal(ask(maker, token, der, path="simpleenroll")) == (400, "request")
    status, head, body = ask(maker, token, der)
    assert status == 200 and ask(maker, token, der)[2] == body
    key, cert = parts(maker, head, body)
    assert public_of(maker, key=key) == public_of(maker, cert=cert)


def test_a_token_spent_one_way_gives_nothing_the_other_way(maker):
    for name, ways in (("amy", ("simpleenroll", "serverkeygen")), ("bob", ("serverkeygen", "simpleenroll"))):
        token = maker.authority.token(name)
        der = maker.request(name)
        assert ask(maker, token, der, path=ways[0])[0] == 200
        assert refusal(ask(maker, token, der, path=ways[1])) == (403, "token-spent")


def test_without_its_secret_file_the_authority_makes_no_key_again(maker):
    token = maker.authority.token("amy")
    der = maker.request("amy")
    assert ask(maker, token, der)[0] == 200
    os.unlink(maker.authority.hf.home + "/ca/serverkeygen.secret")
    assert refusal(ask(maker, token, der)) == (403, "token-spent")


@pytest.mark.parametrize("name", ENCRYPTION)
def test_who_wants_the_key_encrypted_is_refused_and_keeps_the_token(maker, name):
    known = "SMIME-CAPS" if name == "SMIMECapabilities" else None  # openssl has a name for this one
    with open(maker.dir + "/attribute.cnf", "w") as out:
        out.write("oid_section = oids\n[oids]\n%s[req]\nprompt = no\ndistinguished_name = dn\nattributes = attrs\n"
                  "[dn]\nCN = amy\n[attrs]\n%s = anything\n" % (
                      "" if known else "wish = %s\n" % ENCRYPTION[name], known or "wish"))
    der = maker.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                        "amy.key", "-config", "attribute.cnf", "-outform", "der")
    token = maker.authority.token("amy")
    answer = ask(maker, token, der)
    assert refusal(answer) == (400, "key-encryption") and name in json.loads(answer[2])["error"]["message"]
    # where nobody makes a key there is nothing to encrypt
    assert ask(maker, token, der, path="simpleenroll")[0] == 200


def test_other_profiles_and_other_names_are_refused(maker):
    server = maker.authority.token("www", "--profile", "server", "--san", "dns:www.abc.com")
    assert refusal(ask(maker, server, maker.request("www"))) == (403, "policy")
    token = maker.authority.token("amy")
    assert refusal(ask(maker, token, maker.request("bob", "/CN=bob"))) == (403, "names")
    assert ask(maker, token, maker.request("amy"))[0] == 200


@pytest.mark.parametrize("types, words", [("[p384, rsa]", b"P-384"), ("[ed25519]", b"ED25519"), ("[rsa]", None)])
def test_the_key_is_of_a_kind_that_the_policy_allows(hf, tmp_path, types, words):
    hf("init", "ABC Inc.")
    authority = Authority(hf)
    token = authority.token("amy")
    write_policy(hf, "profiles: { client: { serverkeygen: yes, key_types: %s } }\n" % types)
    with authority.start():
        client = Client(authority, tmp_path)
        answer = ask(client, token, client.request("amy"))
        if not words:
            assert refusal(answer) == (403, "policy")
            return
        key, cert = parts(client, *answer[1:])
        assert words in client.openssl("pkey", "-noout", "-text", input=key)
        assert public_of(client, key=key) == public_of(client, cert=cert)


def test_csrattrs_still_ask_for_nothing(maker):
    status, head, body = maker.curl("csrattrs")
    assert status == 204 and head.startswith("http/1.1 204 no content\n") and not body


def test_where_an_operator_decides_the_key_comes_when_it_has_been_asked_for_again(hf, tmp_path):
    hf("init", "ABC Inc.")
    write_policy(hf, "profiles: { client: { serverkeygen: yes, approval: yes } }\n")
    authority = Authority(hf)
    with authority.start():
        client = Client(authority, tmp_path)
        token, der = authority.token("amy"), client.request("amy")
        status, head, body = ask(client, token, der)
        assert status == 202 and head.startswith("http/1.1 202 accepted\n") and "retry-after: " in head
        assert json.loads(body)["error"]["code"] == "waiting" and authority.issued("amy") == []
        hf("approve", token.split(".")[0])
        answer = ask(client, token, der)
        assert answer[0] == 200 and ask(client, token, der)[2] == answer[2]
        key, cert = parts(client, *answer[1:])
        assert public_of(client, key=key) == public_of(client, cert=cert)
        assert len(authority.issued("amy")) == 1


def test_clients_that_read_lines_get_lines_in_both_parts(hf, tmp_path):
    hf("init", "ABC Inc.")
    write_policy(hf, ON)
    authority = Authority(hf)
    with authority.start("--est-wrapped", "libest"):
        client = Client(authority, tmp_path)
        token, der = authority.token("amy"), client.request("amy")
        _, head, one = ask(client, token, der)
        _, lines_head, lines = ask(client, token, der, "-A", "libest client 1.0")
        assert parts(client, head, one) == parts(client, lines_head, lines)
        text = [line for line in lines.splitlines() if b":" not in line and not line.startswith(b"--")]
        assert max(map(len, text)) == 64
        long = [line for line in one.splitlines() if len(line) > 100]
        assert len(long) == 2


def test_each_authority_of_a_service_says_for_itself(hf, tmp_path):
    homes = {name: hf.at(tmp_path / name) for name in ("office", "plant")}
    with open(str(tmp_path / "all.yaml"), "w") as out:
        out.write("authorities:\n")
        for name, home in homes.items():
            home("init", name)
            out.write("  - { label: %s, home: %s, name: [%s] }\n" % (
                name, home.home, "127.0.0.1" if name == "office" else "plant.abc.com"))
    write_policy(homes["plant"], ON)
    (tmp_path / "est").mkdir()
    with Server(hf, "authority", "--config", str(tmp_path / "all.yaml"), "--listen", "127.0.0.1:0") as server:
        office = Authority(homes["office"])
        office.server = server
        client = Client(office, tmp_path / "est")
        der = client.request("amy")
        plant, own = (homes[name]("token", "amy").stdout.strip() for name in ("plant", "office"))
        status, head, body = ask(client, plant, der, path="plant/serverkeygen")
        assert status == 200 and b"CN = plant" in client.openssl("x509", "-noout", "-issuer", input=parts(
            client, head, body)[1])
        assert refusal(ask(client, own, der)) == (404, "not-found")
        assert refusal(ask(client, own, der, path="office/serverkeygen")) == (404, "not-found")


def send_and_forget(authority, token, der):
    """A request whose sender never reads; the open connection."""
    host, port = authority.url.split("//")[1].split(":")
    body = base64.b64encode(der)
    login = base64.b64encode(b"x:" + token.encode()).decode()
    context = ssl.create_default_context(cafile=authority.root)
    conn = context.wrap_socket(socket.create_connection((host, int(port)), timeout=20), server_hostname=host)
    conn.sendall(("POST /.well-known/est/serverkeygen HTTP/1.1\r\nHost: %s\r\nAuthorization: Basic %s\r\n"
                  "Content-Length: %d\r\n\r\n" % (host, login, len(body))).encode() + body)
    return conn


def test_killed_authority_gives_key_and_certificate_to_who_asks_again(maker):
    authority = maker.authority
    token, der = authority.token("amy"), maker.request("amy")
    with send_and_forget(authority, token, der):
        authority.server.wait_until(lambda: authority.hf.json("token", "list")["tokens"][0]["state"] == "spent",
                                    "the certificate to be on record")
        authority.server.signal(signal.SIGKILL)
        authority.server.wait()
    with authority.start():
        status, head, body = ask(maker, token, der)
        assert status == 200
        key, cert = parts(maker, head, body)
    assert public_of(maker, key=key) == public_of(maker, cert=cert)
    assert len(authority.issued("amy")) == 1
