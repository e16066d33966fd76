# SPDX-License-Identifier: Apache-2.0
"""The casebook: failures of the catalogue and healthy pairs, as data.  Every pair has a root, an issuing
CA, a client and a server (see support.zoo); a case says what is different.

  side       whose certificate is wrong: "client" (refused by the server) or "server"
  cause, fault          what `explain` has to find
  specs      certificates (zoo);  client, server: what each presents, leaf first
  trusts     what the client trusts;  admits: what the server trusts for clients
  client_crls, server_crls   lists
  args       more arguments for explain;  servers: on which it can be produced
  server_more  settings of a server, by its kind
  role         whose certificate it is (after the catalogue, ROLES, when not said); "" for none
  fix          words of which one must stand in the fix (FIXES when not said)
  from_client  the points the client alone must reach, where it cannot know
"""
CA = {"ca": True, "ku": ["keyCertSign", "cRLSign"]}
ALL = ("openssl", "nginx", "node", "gnutls", "haproxy", "python", "apache", "stunnel", "handfast")
FOREIGN = ("openssl", "nginx", "haproxy", "apache", "stunnel")
WORDY = FOREIGN + ("handfast",)
CRLS = ("openssl", "haproxy", "nginx", "apache", "handfast")
PLAIN = ("openssl", "nginx", "node", "apache", "gnutls", "stunnel")

# the certificate of a cause, where it is not the leaf of the side that is wrong
ROLES = dict.fromkeys(("V-CA-EXPIRED", "V-CA-NOT-YET", "V-CA-EKU", "V-CA-REVOKED", "V-CRL-EXPIRED", "V-PARTIAL-ANCHOR",
                       "V-UNKNOWN-CA", "V-PATHLEN", "V-CA-KU", "V-V1-CA", "V-WRONG-INTERMEDIATE", "V-DEPTH",
                       "L-CHAIN-SIZE"), "ca")
ROLES.update(dict.fromkeys(("V-SAME-NAME-CA", "V-ROOT-EXPIRED", "K-CLOCK", "V-CRL-MISSING", "N-CA-LIST"), "root"))
ROLES.update(dict.fromkeys(("N-NONE", "N-NOT-REQUESTED", "P-VERSION", "P-ALPN", "P-CIPHER", "P-GROUP", "P-SNI"), ""))
# what the fix must name; {client} {server}: their certificate files, {trusts} {admits}: their CA files
FIXES = {"N-NONE": ["--cert"], "N-SIGALG": ["accept"], "N-CA-LIST": ["list"], "N-NOT-REQUESTED": ["verif"],
         "V-CRL-EXPIRED": ["CRL"], "V-CRL-MISSING": ["CRL"], "V-DEPTH": ["depth"], "A-NOT-ALLOWED": ["rule"],
         "P-VERSION": ["tls-max", "MaxProtocol"], "P-ALPN": ["alpn"], "P-CIPHER": ["suite"], "P-CIPHER-KEY": ["ECDSA"],
         "P-GROUP": ["group"], "P-SIGALG": ["ecdsa_secp256r1_sha256"], "V-NAME-MISMATCH": ["{name}"],
         "V-IP-SAN": ["IP:127.0.0.1"], "V-IP-AS-DNS": ["IP:127.0.0.1"], "V-WILDCARD": ["{name}"],
         "V-CN-ONLY": ["subjectAltName"], "V-STAPLE": ["stapl"], "V-KU": ["digitalSignature"],
         "V-WEAK-SIG": ["SHA-256"], "V-WEAK-KEY": ["P-256", "prime256v1"]}


def client(cause, fault="client", **more):
    return dict({"side": "client", "cause": cause, "fault": fault, "servers": ALL}, **more)


def SCHEMES(text):
    """Only these signatures are accepted of clients."""
    return {"openssl": ["-client_sigalgs", text], "nginx": ["ssl_conf_command ClientSignatureAlgorithms %s;" % text],
            "apache": ["SSLOpenSSLConfCmd ClientSignatureAlgorithms " + text]}


def server(cause, fault="server", **more):
    return dict({"side": "server", "cause": cause, "fault": fault, "servers": PLAIN}, **more)


CASES = {
    # --- the client's certificate, judged by the server
    "c-expired": client("V-EXPIRED", specs={"client": {"days": [-30, -1]}}),
    "c-not-yet": client("V-NOT-YET", specs={"client": {"days": [2, 30]}}, servers=WORDY),
    "c-ca-not-yet": client("V-CA-NOT-YET", specs={"issuing": {"days": [2, 30]}}, servers=WORDY),
    "c-v1-ca": client("V-V1-CA", specs={"issuing": {"version": 1}}, servers=WORDY),
    "c-ca-ku": client("V-CA-KU", specs={"issuing": {"ku": ["cRLSign"]}}, servers=WORDY),
    "c-aki": client("V-AKI", specs={"client": {"aki": "wrong"}}, servers=WORDY),
    "c-pathlen": client("V-PATHLEN", client=["client", "sub", "issuing"], servers=WORDY, specs={
        "sub": dict(CA, issuer="issuing"), "client": {"issuer": "sub"}}),
    "c-ca-expired": client("V-CA-EXPIRED", specs={"issuing": {"days": [-30, -1]}}),
    "c-eku": client("V-EKU", specs={"client": {"eku": ["serverAuth"]}}, servers=FOREIGN + ("node", "handfast")),
    "c-ca-eku": client("V-CA-EKU", specs={"issuing": {"eku": ["serverAuth"]}}, servers=WORDY),
    "c-critical": client("V-CRITICAL-EXT", servers=WORDY, specs={"client": {"extensions": [
        {"oid": "1.3.6.1.4.1.55555.7.1", "critical": True, "der": "0500"}]}}),
    "c-name-constraint": client("V-NAME-CONSTRAINT", specs={"issuing": {"permit": ["dns:eu.zoo.test"]}}, servers=WORDY),
    "c-no-intermediate": client("V-NO-INTERMEDIATE", client=["client"]),
    "c-none": client("N-NONE", client=[]),
    "c-none-optional": client("N-NONE", client=[], mode="request", status=403, servers=("nginx", "haproxy", "apache")),
    "c-not-a-ca": client("V-NOT-A-CA", specs={"issuing": {"ca": False, "ku": ["digitalSignature"]}}, servers=WORDY, role="client-leaf"),
    "c-self-signed": client("V-SELF-SIGNED", specs={"client": {"issuer": "self"}}, client=["client"]),
    "c-bad-signature": client("V-BAD-SIGNATURE", specs={"client": {"damage": "signature"}}, servers=WORDY),
    "c-wrong-intermediate": client("V-WRONG-INTERMEDIATE", client=["client", "wrong"], servers=WORDY, specs={
        "wrong": dict(CA, issuer="root", subject="/O=Zoo/CN=Zoo Wrong CA")}),
    "c-unknown-ca": client("V-UNKNOWN-CA", "server", admits=["other"], specs={
        "other": dict(CA, issuer="self", subject="/O=Other/CN=Other Root")}),
    "c-same-name": client("V-SAME-NAME-CA", "server", admits=["again"], servers=WORDY, specs={
        "again": dict(CA, issuer="self", subject="/O=Zoo/CN=Zoo Root")}),
    "c-same-name-no-ids": client("V-SAME-NAME-CA", "server", admits=["again"], servers=WORDY, specs={
        "root": {"ski": False, "aki": False}, "issuing": {"aki": False}, "gate": {"aki": False},
        "again": dict(CA, issuer="self", subject="/O=Zoo/CN=Zoo Root", ski=False, aki=False)}),
    "c-partial-anchor": client("V-PARTIAL-ANCHOR", "server", admits=["issuing"], servers=FOREIGN),
    "c-depth": client("V-DEPTH", "server", client=["client", "sub2", "sub1", "issuing"], servers=("openssl", "nginx", "apache"),
                      server_more={"openssl": ["-verify_depth", "1"], "nginx": ["ssl_verify_depth 1;"],
                                   "apache": ["SSLVerifyDepth 1"]}, specs={
        "issuing": {"pathlen": None}, "sub1": dict(CA, issuer="issuing"), "sub2": dict(CA, issuer="sub1"),
        "client": {"issuer": "sub2"}}),
    # Apache counts the root too: its default of 1 is too little for one intermediate
    "c-depth-of-apache": client("V-DEPTH", "server", servers=("apache",), server_more={"apache": ["SSLVerifyDepth 1"]}),
    "c-revoked": client("V-REVOKED", server_crls=[{"issuer": "root"}, {"issuer": "issuing", "revokes": ["client"]}],
                        servers=CRLS),
    "c-ca-revoked": client("V-CA-REVOKED", server_crls=[{"issuer": "root", "revokes": ["issuing"]}, {"issuer": "issuing"}],
                           servers=CRLS, from_client=1),
    "c-crl-expired": client("V-CRL-EXPIRED", "server", servers=CRLS, from_client=1,
                            server_crls=[{"issuer": "root"}, {"issuer": "issuing", "days": [-30, -1]}]),
    "c-crl-missing": client("V-CRL-MISSING", "server", servers=CRLS, server_crls=[{"issuer": "issuing"}],
                            from_client=1),
    "c-sigalg-rsa": client("N-SIGALG", "both", specs={"client": {"key": "rsa2048"}},
                           servers=("openssl", "nginx", "apache"), server_more=SCHEMES("ECDSA+SHA256")),
    "c-sigalg-ed25519": client("N-SIGALG", "both", specs={"client": {"key": "ed25519"}},
                               servers=("openssl", "nginx", "apache"),
                               server_more=SCHEMES("ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256")),
    "c-weak-key": client("V-WEAK-KEY", specs={"client": {"key": "rsa1024"}}, refused_by="client", servers=("openssl",)),
    "c-weak-sig": client("V-WEAK-SIG", specs={"issuing": {"hash": "sha1", "subject": "/O=Zoo/CN=Zoo Old CA"},
                                              }, refused_by="client", servers=("openssl",), role="client-ca"),
    "c-chain-size": client("L-CHAIN-SIZE", specs={"issuing": {"padding": 110000}}, servers=("openssl", "haproxy", "nginx")),
    "c-not-allowed": client("A-NOT-ALLOWED", "server", status=403, servers=("nginx", "haproxy", "apache")),
    "c-not-requested": client("N-NOT-REQUESTED", "server", mode="none", status=403, servers=("nginx", "haproxy", "apache")),
    "c-ca-list": client("N-CA-LIST", "server", names=["other"], servers=("nginx", "haproxy", "apache"), specs={
        "other": dict(CA, issuer="self", subject="/O=Other/CN=Other Root")}),
    # --- the server's certificate, judged by the client
    "s-expired": server("V-EXPIRED", specs={"server": {"days": [-30, -1]}}),
    "s-not-yet": server("V-NOT-YET", specs={"server": {"days": [2, 30]}}),
    "s-ca-expired": server("V-CA-EXPIRED", specs={"issuing": {"days": [-30, -1]}}),
    "s-root-expired": server("V-ROOT-EXPIRED", "client", specs={"root": {"days": [-30, -1]}}),
    # GnuTLS sends the leaf alone then (test_explain_blind.py)
    "s-aki": server("V-AKI", specs={"server": {"aki": "wrong"}}, servers=tuple(kind for kind in PLAIN if kind != "gnutls")),
    "s-bad-signature": server("V-BAD-SIGNATURE", specs={"server": {"damage": "signature"}}),
    "s-ca-ku": server("V-CA-KU", specs={"issuing": {"ku": ["cRLSign"]}}),
    "s-not-a-ca": server("V-NOT-A-CA", specs={"issuing": {"ca": False}}),
    "s-v1-ca": server("V-V1-CA", specs={"issuing": {"version": 1}}),
    "s-pathlen": server("V-PATHLEN", server=["server", "sub", "issuing"], specs={
        "sub": dict(CA, issuer="issuing"), "server": {"issuer": "sub"}}),
    "s-critical": server("V-CRITICAL-EXT", specs={"server": {"extensions": [
        {"oid": "1.3.6.1.4.1.55555.7.1", "critical": True, "der": "0500"}]}}),
    "s-eku": server("V-EKU", specs={"server": {"eku": ["clientAuth"]}}),
    "s-ku": server("V-KU", specs={"server": {"ku": ["keyEncipherment"]}}, servers=("openssl", "haproxy"), version="1.3", only_once=True),
    "s-ku-12": server("V-KU", keys="plain", specs={"server": {"ku": ["keyEncipherment"]}}, servers=("openssl", "haproxy"), version="1.2",
                      only_once=True, refused_by="server", from_client=1),
    "s-name": server("V-NAME-MISMATCH", specs={"server": {"san": ["dns:other.zoo.test"]}}),
    "s-ip-san": server("V-IP-SAN", specs={"server": {"san": ["dns:localhost"]}}, name="127.0.0.1"),
    "s-ip-as-dns": server("V-IP-AS-DNS", specs={"server": {"san": ["dns:127.0.0.1"]}}, name="127.0.0.1"),
    "s-wildcard": server("V-WILDCARD", specs={"server": {"san": ["dns:*.zoo.test"]}}, name="a.b.zoo.test"),
    "s-cn-only": server("V-CN-ONLY", specs={"server": {"san": None}}),
    "s-name-constraint": server("V-NAME-CONSTRAINT", specs={"issuing": {"permit": ["dns:eu.zoo.test"]}}),
    "s-no-intermediate": server("V-NO-INTERMEDIATE", server=["server"]),
    "s-wrong-intermediate": server("V-WRONG-INTERMEDIATE", server=["server", "wrong"],
                                   servers=tuple(kind for kind in PLAIN if kind != "gnutls"), specs={
        "wrong": dict(CA, issuer="root", subject="/O=Zoo/CN=Zoo Wrong CA")}),
    "s-self-signed": server("V-SELF-SIGNED", server=["server"], specs={"server": {"issuer": "self"}}),
    "s-unknown-ca": server("V-UNKNOWN-CA", "client", trusts=["other"], specs={
        "other": dict(CA, issuer="self", subject="/O=Other/CN=Other Root")}),
    "s-same-name": server("V-SAME-NAME-CA", "client", trusts=["again"], specs={
        "again": dict(CA, issuer="self", subject="/O=Zoo/CN=Zoo Root")}),
    "s-same-name-no-ids": server("V-SAME-NAME-CA", "client", trusts=["again"], specs={
        "root": {"ski": False, "aki": False}, "issuing": {"aki": False}, "gate": {"aki": False},
        "again": dict(CA, issuer="self", subject="/O=Zoo/CN=Zoo Root", ski=False, aki=False)}),
    "s-crl-missing": server("V-CRL-MISSING", "client", client_crls=[{"issuer": "issuing"}]),
    "s-ca-revoked": server("V-CA-REVOKED", client_crls=[{"issuer": "root", "revokes": ["issuing"]}, {"issuer": "issuing"}]),
    "s-partial-anchor": server("V-PARTIAL-ANCHOR", "client", trusts=["issuing"]),
    "s-trusted-leaf": server("F-TRUST-NOT-CA", "client", trusts=["server"]),
    "s-revoked": server("V-REVOKED", client_crls=[{"issuer": "root"}, {"issuer": "issuing", "revokes": ["server"]}]),
    "s-crl-expired": server("V-CRL-EXPIRED", "client", client_crls=[
        {"issuer": "root"}, {"issuer": "issuing", "days": [-30, -1]}]),
    "s-weak-key": server("V-WEAK-KEY", specs={"server": {"key": "rsa1024"}}, servers=("openssl", "nginx", "apache")),
    "s-weak-sig": server("V-WEAK-SIG", specs={"server": {"hash": "sha1"}}, servers=("openssl", "nginx", "apache")),
    "s-staple": server("V-STAPLE", specs={"server": {"extensions": [
        {"oid": "1.3.6.1.5.5.7.1.24", "der": "3003020105"}]}}),
    # --- protocol
    "p-version-client": client("P-VERSION", version="1.3", args=["--tls-max", "1.2"], servers=FOREIGN + ("node", "gnutls", "handfast"),
                               only_once=True),
    "p-alpn": client("P-ALPN", "both", args=["--alpn", "fleet/1"], server_more={"openssl": ["-alpn", "h2"]},
                     servers=("openssl", "nginx")),
    "p-cipher-key": client("P-CIPHER-KEY", "both", version="1.2", servers=FOREIGN + ("node", "handfast"), only_once=True,
                           keys="plain", args=["--tls-max", "1.2", "--ciphers", "ECDHE-RSA-AES128-GCM-SHA256"]),
    "p-cipher": client("P-CIPHER", "both", version="1.2", servers=("openssl", "nginx", "haproxy", "apache"), only_once=True,
                       keys="plain", server_more={
                           "openssl": ["-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"], "haproxy": ["ciphers", "ECDHE-ECDSA-CHACHA20-POLY1305"],
                           "nginx": ["ssl_ciphers ECDHE-ECDSA-CHACHA20-POLY1305;"],
                           "apache": ["SSLCipherSuite ECDHE-ECDSA-CHACHA20-POLY1305"]},
                       args=["--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256"]),
    "p-group": client("P-GROUP", "both", servers=("openssl", "nginx", "haproxy"), server_more={
        "openssl": ["-groups", "P-384"], "nginx": ["ssl_ecdh_curve secp384r1;"], "haproxy": ["curves", "P-384"]},
                      keys="plain", args=["--groups", "X25519"]),
    "p-sigalg": client("P-SIGALG", "both", servers=("openssl", "nginx", "haproxy"), keys="plain", role="server-leaf", args=["--sigalgs", "RSA-PSS+SHA256:RSA+SHA256"]),
}

HEALTHY = {
    "plain": {},
    "rsa": {"specs": {"client": {"key": "rsa2048"}, "server": {"key": "rsa2048"}}},
    "ed25519": {"specs": {"client": {"key": "ed25519"}}},
    "p384": {"specs": {"client": {"key": "p384"}}},
    "two-intermediates": {"client": ["client", "sub", "issuing"], "server": ["server", "sub", "issuing"], "specs": {
        "issuing": {"pathlen": None}, "sub": dict(CA, issuer="issuing"), "client": {"issuer": "sub"},
        "server": {"issuer": "sub"}}},
    "cross-signed": {"client": ["client", "issuing", "cross"], "admits": ["old"], "specs": {
        "old": dict(CA, issuer="self", subject="/O=Zoo/CN=Old Root"),
        "cross": dict(CA, issuer="old", subject="/O=Zoo/CN=Zoo Root", key="as:root")}},
    "with-root-sent": {"client": ["client", "issuing", "root"], "server": ["server", "issuing", "root"]},
    "direct-below-root": {"client": ["client"], "server": ["server"], "specs": {
        "client": {"issuer": "root"}, "server": {"issuer": "root"}}},
    "nobody-asked": {"mode": "none"},
    "no-eku": {"specs": {"client": {"eku": None}}},
    "two-pkis": {"trusts": ["other"], "server": ["server"], "specs": {
        "other": dict(CA, issuer="self", subject="/O=Other/CN=Other Root"), "server": {"issuer": "other"}}},
    "crls": {"server_crls": [{"issuer": "root"}, {"issuer": "issuing"}],
             "client_crls": [{"issuer": "root"}, {"issuer": "issuing"}]},
}
