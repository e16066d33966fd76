# SPDX-License-Identifier: Apache-2.0
"""What Python's ssl, as it is by default, says of each row: CHAIN KEY TRUST SIDE NAME, tabs between.

Both ends meet in memory; the end that presents the certificate takes any.  No import of anything but Python's own:
this runs under whatever Python is asked about."""
import ssl
import sys


def presenter(side, chain, key):
    """The certificate comes from a server when a client judges, and the other way round."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if side == "server" else ssl.PROTOCOL_TLS_CLIENT)
    if side == "client":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.load_cert_chain(chain, key)
    return context


def judging(side, trust):
    purpose = ssl.Purpose.SERVER_AUTH if side == "server" else ssl.Purpose.CLIENT_AUTH
    context = ssl.create_default_context(purpose, cafile=trust)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def helper(context):
    """A server needs a certificate of its own, whatever it judges; any will do."""
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    return context


def step(end):
    try:
        end.do_handshake()
        return True
    except ssl.SSLWantReadError:
        return False


def meet(client, server, name):
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(to_client, to_server, server_hostname=name)
    two = server.wrap_bio(to_server, to_client, server_side=True)
    done = [False, False]
    for _ in range(10):
        done[0] = done[0] or step(one)
        done[1] = done[1] or step(two)
        if all(done):
            return
    raise ssl.SSLError("no end")


def judge(chain, key, trust, side, name):
    shown, eyes = presenter(side, chain, key), judging(side, trust)
    if side == "server":
        meet(eyes, shown, name)
    else:
        meet(shown, helper(eyes), None)


def main():
    for row in sys.stdin:
        try:
            judge(*row.rstrip("\n").split("\t"))
            print("accept")
        except ssl.SSLCertVerificationError as refusal:
            print("refuse", refusal.verify_message)
        except (ssl.SSLError, ValueError) as failure:
            print("error", str(failure).replace("\n", " "))


main()
