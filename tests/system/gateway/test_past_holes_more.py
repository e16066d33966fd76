# SPDX-License-Identifier: Apache-2.0
"""More of the holes that others had (gateway.md, sections 4 and 8): names of the wrong kind, forged fields on every
listener and under every policy, and clients and servers of other makes in both roles."""
import shutil
import socket
import subprocess

import pytest
from support import peers, zoo
from support.ports import free_port
from support.process import SLOW, clean_env
from support.program import Server
from test_policies import outcome
from upstreams import Script, always
from wire import Wire

# Envoy CVE-2022-21656: a mail address or URI compared as if it were a DNS name.
KINDS = {"dns:admin.zoo.test": "dns:admin.zoo.test", "email:admin@zoo.test": "email:admin@zoo.test",
         "uri:spiffe://zoo.test/admin": "uri:spiffe://zoo.test/admin", "ip:10.9.8.7": "ip:10.9.8.7"}
WRONG = {
    "dns:admin.zoo.test": ["uri:admin.zoo.test", "email:admin.zoo.test@x.test", "cn"],
    "email:admin@zoo.test": ["dns:admin.zoo.test", "uri:mailto:admin@zoo.test", "cn"],
    "uri:spiffe://zoo.test/admin": ["dns:zoo.test", "cn"],
    "ip:10.9.8.7": ["dns:10.9.8.7", "uri:10.9.8.7", "cn"],
}


@pytest.mark.parametrize("rule", sorted(KINDS))
def test_a_name_counts_only_as_what_it_is(hf, town, tmp_path, rule):
    value = rule.split(":", 1)[1]
    cast, specs = {}, {"right": {"san": [KINDS[rule]], "subject": "/O=Zoo/CN=x"}}
    for number, other in enumerate(WRONG[rule]):
        specs["wrong%d" % number] = {"san": ["dns:other.test"] if other == "cn" else [other],
                                     "subject": "/O=Zoo/CN=%s" % (value.replace("/", "-") if other == "cn" else "x")}
    certs = zoo.build(dict(specs, root={}, issuing={}))
    ca = tmp_path / "ca.pem"
    ca.write_bytes(certs["root"].pem)
    for name in specs:
        (tmp_path / (name + ".pem")).write_bytes(certs[name].pem + certs["issuing"].pem)
        (tmp_path / (name + ".key")).write_bytes(certs[name].key_pem)
        cast[name] = peers.Credential(str(tmp_path / (name + ".pem")), str(tmp_path / (name + ".key")))
    with hf.serve("--listen", "127.0.0.1:0", "--cert", town["server"].cert, "--key", town["server"].key, "--ca", str(ca),
                  "--allow", rule, "--respond", "identity") as server:
        for name in specs:
            want = 200 if name == "right" else "access denied"
            assert outcome(server.port, cast, "localhost", name, "1.3") == want, (name, specs[name])


POLICIES = """listen: 127.0.0.1:0
workers: 1
cert: %(cert)s
key: %(key)s
ca: %(ca)s
allow: any
to: '%(to)s'
policies:
  - {name: told, sni: told.test, client-auth: report}
  - {name: open, sni: open.test, client-auth: none}
  - {name: side, listen: "127.0.0.2:0", client-auth: none}
"""


@pytest.mark.parametrize("how", ["field", "twice", "trailer", "connection"])
def test_forged_identity_reaches_nobody_on_any_listener(hf, town, tmp_path, how):
    """OpenShift CVE-2026-46579, ingress-nginx#8299: the way without a certificate let them through."""
    names = ["Client-Cert", "client-cert-chain", "X-Forwarded-Client-Cert", "X-SSL-Client-CN", "X_SSL_Client_Verify",
             "X-SSL_Client-DN", "X-Client-Identity", "X_Client_X5T_S256", "SSL-Client-Cert", "Ssl_Client_Verify", "X-Forwarded_Client_Cert"]
    with Script(always(b"in")) as service:
        path = tmp_path / "handfast.yaml"
        path.write_text(POLICIES % {"cert": town["server"].cert, "key": town["server"].key, "ca": town.ca, "to": service.url})
        with hf.serve("--config", str(path), listeners=2) as server:
            side = next(int(url.rsplit(":", 1)[1]) for url in server.urls if "127.0.0.2" in url)
            ways = [(server.port, "127.0.0.1", "open.test", "none"), (server.port, "127.0.0.1", "told.test", "none"),
                    (server.port, "127.0.0.1", "told.test", "foreign"), (server.port, "127.0.0.1", "localhost", "mail"),
                    (side, "127.0.0.2", "localhost", "none")]
            for (port, host, sni, cred), name in ((way, name) for way in ways for name in names):
                with Wire(port, town, cred=cred, sni=sni, host=host) as wire:
                    line = "%s: FORGED\r\n" % name
                    if how == "trailer":
                        wire.send(("POST / HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\nTrailer: %s\r\n\r\n"
                                   "1\r\na\r\n0\r\n%s\r\n" % (sni, name, line)).encode())
                        got = wire.answer()
                    else:
                        fields = {"field": line, "twice": line * 2,
                                  "connection": line + "Connection: %s, Client-Cert\r\n" % name}[how]
                        got = wire.ask("/", fields=fields, host=sni)
                    if got is None or got[0] != 200:
                        assert how == "trailer" and service.heads.empty(), (sni, cred, name, got)
                        continue
                    head = service.head()
                    assert b"FORGED" not in head.raw, (sni, cred, name)
                    assert ("client-cert" in head) == (cred == "mail"), (sni, cred, name)


GO = """package main
import ("crypto/tls"; "crypto/x509"; "fmt"; "io"; "net/http"; "os")
func main() {
  cert, err := tls.LoadX509KeyPair(os.Args[2], os.Args[3]); if err != nil { fmt.Println(err); os.Exit(2) }
  pool := x509.NewCertPool(); ca, _ := os.ReadFile(os.Args[4]); pool.AppendCertsFromPEM(ca)
  conf := &tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: pool}
  if os.Args[5] == "1.2" { conf.MaxVersion = tls.VersionTLS12 }
  client := &http.Client{Transport: &http.Transport{TLSClientConfig: conf}}
  res, err := client.Get(os.Args[1]); if err != nil { fmt.Println(err); os.Exit(1) }
  body, _ := io.ReadAll(res.Body); fmt.Println(res.StatusCode, string(body))
}
"""
JAVA = """
import java.io.*; import java.net.*; import java.net.http.*; import java.security.*; import javax.net.ssl.*;
public class Get {
  public static void main(String[] a) throws Exception {
    KeyStore mine = KeyStore.getInstance("PKCS12"), theirs = KeyStore.getInstance(KeyStore.getDefaultType());
    mine.load(new FileInputStream(a[1]), "secret".toCharArray());
    KeyManagerFactory km = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    km.init(mine, "secret".toCharArray());
    theirs.load(null, null);
    theirs.setCertificateEntry("ca", java.security.cert.CertificateFactory.getInstance("X.509").generateCertificate(new FileInputStream(a[2])));
    TrustManagerFactory tm = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    tm.init(theirs);
    SSLContext ssl = SSLContext.getInstance(a[3].equals("1.2") ? "TLSv1.2" : "TLSv1.3");
    ssl.init(km.getKeyManagers(), tm.getTrustManagers(), null);
    try {
      HttpResponse<String> r = HttpClient.newBuilder().sslContext(ssl).build()
        .send(HttpRequest.newBuilder(URI.create(a[0])).build(), HttpResponse.BodyHandlers.ofString());
      System.out.println(r.statusCode() + " " + r.body());
    } catch (IOException e) { System.out.println(e); System.exit(1); }
  }
}
"""


def need(tool):
    found = shutil.which(tool)
    if not found:
        pytest.skip("the peer '%s' is not installed" % tool)
    return found


@pytest.fixture(scope="module")
def go_client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("go")
    (folder / "get.go").write_text(GO)
    env = clean_env(folder, GOCACHE=folder / "cache", GOFLAGS="-mod=mod", GO111MODULE="off", PATH="/usr/bin:/bin")
    subprocess.run([need("go"), "build", "-o", "get", "get.go"], cwd=folder, env=env, check=True, timeout=300 * SLOW)

    def get(url, cred, ca, version):
        done = subprocess.run([folder / "get", url, cred.cert, cred.key, ca, version], capture_output=True, text=True,
                              timeout=60 * SLOW, env=clean_env(folder), check=False)
        return done.returncode, done.stdout
    return get


@pytest.fixture(scope="module")
def java_client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("java")
    (folder / "Get.java").write_text(JAVA)
    java, openssl = need("java"), need("openssl")

    def get(url, cred, ca, version):
        subprocess.run([openssl, "pkcs12", "-export", "-in", cred.cert, "-inkey", cred.key, "-certfile", cred.cert, "-out", "me.p12",
                        "-passout", "pass:secret"], cwd=folder, check=True, timeout=60)
        done = subprocess.run([java, "Get.java", url, "me.p12", ca, version], cwd=folder, capture_output=True, text=True,
                              timeout=120 * SLOW, check=False)
        if "Compil" in done.stderr or "compiler" in done.stderr:
            pytest.skip("this java cannot compile: %s" % done.stderr[:100])
        return done.returncode, done.stdout + done.stderr
    return get


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("client", ["go", "java"])
def test_go_and_java_are_let_in_and_told(request, gateway, town, client, version):
    get = request.getfixturevalue(client + "_client")
    with Script(always(b"hello from behind")) as service:
        server = gateway("--to", service.url)
        url = "https://localhost:%d/" % server.port
        code, text = get(url, town["mail"], town.ca, version)
        assert code == 0 and text.startswith("200 hello from behind"), text
        assert "client-cert" in service.head()
        # Neither shows a certificate that no CA we named has issued.
        for number, (cred, cause) in enumerate((("foreign", "N-NONE"), ("expired", "V-EXPIRED")), 1):
            code, text = get(url, town[cred], town.ca, version)
            assert code == 1 and ("certificate" in text.lower() or "handshake" in text.lower()), text
            # Java keeps what has expired to itself where it can.
            assert server.wait_record(number)["cause"] in ((cause,) if client == "go" else (cause, "N-NONE"))
        assert service.heads.empty()


NGINX_TLS = """
user root; daemon off; worker_processes 1; error_log %(d)s/error.log; pid %(d)s/nginx.pid;
events { worker_connections 64; }
http { access_log off; client_body_temp_path %(d)s/b; proxy_temp_path %(d)s/p; fastcgi_temp_path %(d)s/f;
uwsgi_temp_path %(d)s/u; scgi_temp_path %(d)s/s;
server { listen 127.0.0.1:%(port)d ssl; ssl_certificate %(cert)s; ssl_certificate_key %(key)s; ssl_protocols TLSv1.2 TLSv1.3;
  ssl_client_certificate %(ca)s; ssl_verify_client on; ssl_verify_depth 3;
  location / { return 200 "nginx saw $ssl_client_s_dn over $ssl_protocol\\n"; } } }
"""
HAPROXY_TLS = """
global
  maxconn 64
defaults
  mode http
  timeout connect 5s
  timeout client 20s
  timeout server 20s
frontend f
  bind 127.0.0.1:%(port)d ssl crt %(both)s ca-file %(ca)s verify required
  http-request return status 200 content-type text/plain lf-string "haproxy saw %%[ssl_c_s_dn(CN)] over %%[ssl_fc_protocol]\\n"
"""


@pytest.mark.parametrize("peer", ["nginx", "haproxy"])
def test_tunnel_to_servers_of_other_makes(hf, town, tmp_path, peer):

    tool = shutil.which(peer) or "/usr/sbin/" + peer
    if not shutil.which(tool):
        pytest.skip("the peer '%s' is not installed" % peer)
    port = free_port()
    conf = tmp_path / "peer.conf"
    conf.write_text((NGINX_TLS if peer == "nginx" else HAPROXY_TLS) % {
        "d": tmp_path, "port": port, "cert": town["server"].cert, "key": town["server"].key, "ca": town.ca,
        "both": town.combined("server")})
    argv = [tool, "-c", str(conf), "-p", str(tmp_path)] if peer == "nginx" else [tool, "-db", "-f", str(conf)]
    proc = subprocess.Popen(argv, env=clean_env(tmp_path), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:

        base = ["--to", "localhost:%d" % port, "--listen", "127.0.0.1:0", "--ca", town.ca, "--workers", "1"]
        with Server(hf, "tunnel", "--cert", town["mail"].cert, "--key", town["mail"].key, *base) as tunnel:
            done = subprocess.run(["curl", "-sS", "--retry", "20", "--retry-all-errors", "--retry-delay", "1", "http://127.0.0.1:%d/" % tunnel.port],
                                  capture_output=True, text=True, timeout=60 * SLOW, check=False)
            assert "%s saw" % peer in done.stdout and "mail-server" in done.stdout and "TLSv1.3" in done.stdout, done
        with Server(hf, "tunnel", "--cert", town["foreign"].cert, "--key", town["foreign"].key, *base) as tunnel:
            done = subprocess.run(["curl", "-sS", "-f", "http://127.0.0.1:%d/" % tunnel.port], capture_output=True, text=True,
                                  timeout=60 * SLOW, check=False)
            assert done.returncode != 0 and "saw" not in done.stdout
        with Server(hf, "tunnel", "--cert", town["mail"].cert, "--key", town["mail"].key, "--allow", "cn:another", *base) as tunnel:
            done = subprocess.run(["curl", "-sS", "http://127.0.0.1:%d/" % tunnel.port], capture_output=True, text=True,
                                  timeout=60 * SLOW, check=False)
            assert done.returncode != 0 and tunnel.wait_record()["cause"] == "A-NOT-ALLOWED"
    finally:
        proc.terminate()
        proc.wait()
