#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# peers.sh - measures today's mTLS terminators (nginx, haproxy, hitch, stunnel4) with mtlsload, all on
# loopback, all REQUIRING and verifying a client certificate (leaf + intermediate, root as the anchor),
# all in front of the same plaintext back end (upstream.c, 100-byte bodies, keep-alive).
#
#   peers.sh [--reps 5] [--workers 1] [--peers "nginx nginx-tuned haproxy haproxy-tcp hitch stunnel"] [--full 1500]
#            [--get 15000] [--idle 2000] [--bulk 2] [--scenarios "..."] [--out DIR] [--keep]
#            [--cmd 'NAME=COMMAND']              (another terminator, started and stopped like the rest; may
#                                                 repeat; {EC} {RSA} listening ports, {UP} back end's port,
#                                                 {PKI} PKI folder, {N} workers are filled in; the command
#                                                 must stay in the foreground)
#            [--port 19400]                      (this one and the next 40 are used)
#            [--pki DIR]                         (use a PKI that --pki-only made)
#            [--pki-only DIR]                    (make the PKI and leave)
#
# Peers beside the stock ones: nginx-tuned (what an expert can set), nginx-off (no resumption at all, as our
# --resume off) and nginx-own (nginx-off that answers itself, with no back end behind it).
# Scenarios: new13 (every client's certificate is one the server has not seen) full13 full12 full13rsa full12rsa fullreq13 fullreq12 resume13 resume12 keepalive idle bulk.
# The repetitions are the outer loop, so that noise from neighbours hits every peer alike.  Prints a
# table of medians with (min..max); DIR/raw.jsonl keeps every line.  Needs: cc, libssl-dev, openssl,
# python3, and the servers' Debian packages; a peer that is not installed is left out.
# Ends only what it started, by PID.
set -u
here=$(cd "$(dirname "$0")" && pwd)
reps=5 workers=1 peers="nginx nginx-tuned haproxy haproxy-tcp hitch stunnel" nfull=1500 nget=15000 nidle=2000 nbulk=2 out= keep=0 pkionly= pki= UP=19400
declare -A CMD
scen="full13 full12 full13rsa full12rsa fullreq13 resume13 resume12 keepalive idle bulk"
while [ $# -gt 0 ]; do
  case $1 in
    --reps) reps=$2; shift 2;; --workers) workers=$2; shift 2;; --peers) peers=$2; shift 2;;
    --full) nfull=$2; shift 2;; --get) nget=$2; shift 2;; --idle) nidle=$2; shift 2;; --bulk) nbulk=$2; shift 2;;
    --scenarios) scen=$2; shift 2;; --out) out=$2; shift 2;; --keep) keep=1; shift;; --port) UP=$2; shift 2;;
    --cmd) CMD[${2%%=*}]=${2#*=}; cmds="${cmds:-} ${2%%=*}"; shift 2;; --pki) pki=$(cd "$2" && pwd); shift 2;; --pki-only) pkionly=$2; shift 2;;
    *) echo "peers.sh: unknown option $1" >&2; exit 2;;
  esac
done

# ------------------------------------------------------------------ PKI: $1 = directory, $2 = ec|rsa
mkpki() {
  local d=$1 t=$2 n
  mkdir -p "$d"
  gen() { if [ "$t" = ec ]; then openssl ecparam -name prime256v1 -genkey -noout -out "$1"; else openssl genrsa -out "$1" 2048; fi; }
  for n in root inter server client rogue rogueclient; do gen "$d/$n.key" 2>/dev/null; done
  cat > "$d/ext.cnf" <<E
[ca]
basicConstraints=critical,CA:true
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
[inter]
basicConstraints=critical,CA:true,pathlen:0
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
[server]
basicConstraints=CA:false
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
subjectAltName=DNS:gw.test,DNS:localhost,IP:127.0.0.1
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
[client]
basicConstraints=CA:false
keyUsage=critical,digitalSignature
extendedKeyUsage=clientAuth
subjectAltName=URI:spiffe://bench.test/client,DNS:client.test
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
E
  sign() { # name subject section issuer days
    openssl req -new -key "$d/$1.key" -subj "$2" -out "$d/$1.csr" 2>/dev/null
    if [ "$4" = self ]; then openssl x509 -req -in "$d/$1.csr" -signkey "$d/$1.key" -days "$5" -extfile "$d/ext.cnf" -extensions "$3" -out "$d/$1.pem" 2>/dev/null
    else openssl x509 -req -in "$d/$1.csr" -CA "$d/$4.pem" -CAkey "$d/$4.key" -set_serial 0x$(openssl rand -hex 15) -days "$5" -extfile "$d/ext.cnf" -extensions "$3" -out "$d/$1.pem" 2>/dev/null; fi
  }
  sign root "/O=Bench/CN=Bench Root $t" ca self 3650
  sign inter "/O=Bench/CN=Bench Intermediate $t" inter root 1825
  sign server "/O=Bench/CN=gw.test" server inter 90
  sign client "/O=Bench/CN=client.test" client inter 90
  sign rogue "/O=Bench/CN=Bench Root $t" ca self 3650
  sign rogueclient "/O=Bench/CN=client.test" client rogue 90
  cat "$d/server.pem" "$d/inter.pem" > "$d/server-chain.pem"
  cat "$d/client.pem" "$d/inter.pem" > "$d/client-chain.pem"
  cat "$d/server.pem" "$d/inter.pem" "$d/server.key" > "$d/server-all.pem"
}
if [ -n "$pkionly" ]; then mkpki "$pkionly/ec" ec; mkpki "$pkionly/rsa" rsa; exit; fi

W=$(mktemp -d "${TMPDIR:-/tmp}/peers.XXXXXX"); chmod 755 "$W"
out=${out:-$W/out}; mkdir -p "$out"
cc -O2 -o "$W/mtlsload" "$here/mtlsload.c" -lssl -lcrypto || exit 1
cc -O2 -o "$W/upstream" "$here/upstream.c" || exit 1
if [ -n "$pki" ]; then cp -r "$pki/ec" "$pki/rsa" "$W/"; else mkpki "$W/ec" ec; mkpki "$W/rsa" rsa; fi
chmod -R a+rX "$W/ec" "$W/rsa"
peers="$peers${cmds:-}"
ulimit -n "$(ulimit -Hn)"
"$W/upstream" --port $UP --max-seconds 7200 & UPPID=$!
declare -A PID1 PID2 ECP RSAP
ports=$((UP + 2))
for p in $peers; do ECP[$p]=$((ports++)); RSAP[$p]=$((ports++)); done

cleanup() {
  local p
  for p in $peers; do stop_peer "$p"; done
  kill "$UPPID" 2>/dev/null; wait 2>/dev/null
  [ $keep = 1 ] || rm -rf "$W"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

have() { [ -n "${CMD[$1]:-}" ] && return 0; case $1 in nginx*) command -v nginx;; haproxy*) command -v haproxy;; hitch) command -v hitch;; stunnel) command -v stunnel4;; esac >/dev/null; }
wait_port() { local i; for i in $(seq 100); do (exec 3<>/dev/tcp/127.0.0.1/$1) 2>/dev/null && return 0; sleep 0.05; done; return 1; }

start_peer() {
  local p=$1 e=${ECP[$1]} r=${RSAP[$1]} d=$W/$1
  mkdir -p "$d"
  case $p in
  nginx|nginx-tuned|nginx-off|nginx-own)
    # nginx-tuned: what an expert can set without patching it (measured: stateful sessions and one
    # ticket spare it the ticket's encode-decode round; bigger proxy buffers did not help, so none)
    local tune= answer="proxy_pass http://up;"
    [ "$p" = nginx-tuned ] && tune='ssl_session_tickets off; ssl_session_cache shared:S:20m; ssl_session_timeout 1h; ssl_conf_command NumTickets 1;'
    case $p in nginx-off|nginx-own) tune='ssl_session_tickets off; ssl_session_cache off; ssl_conf_command NumTickets 0;';; esac
    [ "$p" = nginx-own ] && answer="return 200 $(printf 'x%.0s' {1..100});"
    cat > "$d/nginx.conf" <<E
worker_processes $workers; pid $d/nginx.pid; error_log $d/error.log error; daemon off; user root;
worker_rlimit_nofile 65536;
events { worker_connections 16384; }
http {
  access_log off; keepalive_timeout 600s; keepalive_requests 100000000;
  client_body_temp_path $d/b; proxy_temp_path $d/p; fastcgi_temp_path $d/f; uwsgi_temp_path $d/u; scgi_temp_path $d/s;
  upstream up { server 127.0.0.1:$UP; keepalive 128; keepalive_requests 100000000; keepalive_timeout 600s; }
  ssl_protocols TLSv1.2 TLSv1.3; ssl_verify_client on; ssl_verify_depth 3; $tune
  proxy_http_version 1.1; proxy_set_header Connection "";
  server { listen 127.0.0.1:$e ssl backlog=4096; ssl_certificate $W/ec/server-chain.pem; ssl_certificate_key $W/ec/server.key;
           ssl_client_certificate $W/ec/root.pem; location / { $answer } }
  server { listen 127.0.0.1:$r ssl backlog=4096; ssl_certificate $W/rsa/server-chain.pem; ssl_certificate_key $W/rsa/server.key;
           ssl_client_certificate $W/rsa/root.pem; location / { $answer } }
}
E
    nginx -c "$d/nginx.conf" -e "$d/error.log" >"$d/out" 2>&1 & PID1[$p]=$!;;
  haproxy|haproxy-tcp)
    local mode=http reuse="http-reuse always"
    [ "$p" = haproxy-tcp ] && mode=tcp && reuse=
    cat > "$d/haproxy.cfg" <<E
global
  maxconn 8000
  nbthread $workers
  stats socket $d/sock
defaults
  mode $mode
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  $reuse
frontend ec
  bind 127.0.0.1:$e ssl crt $W/ec/server-all.pem ca-file $W/ec/root.pem verify required backlog 4096
  default_backend up
frontend rsa
  bind 127.0.0.1:$r ssl crt $W/rsa/server-all.pem ca-file $W/rsa/root.pem verify required backlog 4096
  default_backend up
backend up
  server s 127.0.0.1:$UP pool-max-conn 256
E
    haproxy -db -f "$d/haproxy.cfg" >"$d/out" 2>&1 & PID1[$p]=$!;;
  hitch)
    local t port
    for t in ec rsa; do
      port=$e; [ $t = rsa ] && port=$r
      cat > "$d/hitch-$t.conf" <<E
frontend = "[127.0.0.1]:$port"
backend = "[127.0.0.1]:$UP"
pem-file = "$W/$t/server-all.pem"
client-verify = required
client-verify-ca = "$W/$t/root.pem"
tls-protos = TLSv1.2 TLSv1.3
workers = $workers
backlog = 4096
daemon = off
ocsp-dir = ""
user = "nobody"
E
      hitch --config="$d/hitch-$t.conf" >"$d/out-$t" 2>&1 &
      if [ $t = ec ]; then PID1[$p]=$!; else PID2[$p]=$!; fi
    done;;
  stunnel)
    cat > "$d/stunnel.conf" <<E
foreground = yes
pid =
debug = 3
output = $d/log
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
[ec]
accept = 127.0.0.1:$e
connect = 127.0.0.1:$UP
cert = $W/ec/server-chain.pem
key = $W/ec/server.key
CAfile = $W/ec/root.pem
verifyChain = yes
requireCert = yes
sslVersionMin = TLSv1.2
libwrap = no
[rsa]
accept = 127.0.0.1:$r
connect = 127.0.0.1:$UP
cert = $W/rsa/server-chain.pem
key = $W/rsa/server.key
CAfile = $W/rsa/root.pem
verifyChain = yes
requireCert = yes
sslVersionMin = TLSv1.2
libwrap = no
E
    stunnel4 "$d/stunnel.conf" >"$d/out" 2>&1 & PID1[$p]=$!;;
  *)
    local c=${CMD[$p]}
    c=${c//\{EC\}/$e}; c=${c//\{RSA\}/$r}; c=${c//\{UP\}/$UP}; c=${c//\{PKI\}/$W}; c=${c//\{N\}/$workers}
    bash -c "exec $c" >"$d/out" 2>&1 & PID1[$p]=$!;;
  esac
  wait_port "$e" && wait_port "$r" || { echo "peers.sh: $p did not start:" >&2; tail -5 "$d"/out* "$d"/log 2>/dev/null >&2; return 1; }
  sleep 0.3
}
stop_peer() {
  local q
  for q in ${PID1[$1]:-} ${PID2[$1]:-}; do kill "$q" 2>/dev/null; done
  for q in ${PID1[$1]:-} ${PID2[$1]:-}; do
    for _ in $(seq 40); do kill -0 "$q" 2>/dev/null || break; sleep 0.05; done
    if kill -0 "$q" 2>/dev/null; then kill -9 $(ps -o pid= --ppid "$q") "$q" 2>/dev/null; fi
    wait "$q" 2>/dev/null
  done
  unset "PID1[$1]" "PID2[$1]"
}

load() { # peer ec|rsa port pids scenario args...
  local p=$1 t=$2 port=$3 pids=$4 s=$5; shift 5
  timeout 120 "$W/mtlsload" --connect 127.0.0.1:$port --ca $W/$t/root.pem --cert $W/$t/client-chain.pem --key $W/$t/client.key \
    --servername gw.test --server-parent "$pids" --label "$p/$s/w$workers" --max-seconds 60 "$@" | tee -a "$out/raw.jsonl" |
    python3 -c 'import json,sys
for l in sys.stdin:
    d=json.loads(l)
    if d["fail"]: print("  note:",d["label"],"ok",d["ok"],"fail",d["fail"],d["first_error"],file=sys.stderr)'
}
scenario() { # peer ecport rsaport pids scenario
  local p=$1 e=$2 r=$3 q=$4
  case $5 in
    new13) load $p ec $e $q $5 --mode full --tls 1.3 --count $nfull --concurrency 16 --mint $W/ec/inter.key;;
    full13) load $p ec $e $q $5 --mode full --tls 1.3 --count $nfull --concurrency 16;;
    full12) load $p ec $e $q $5 --mode full --tls 1.2 --count $nfull --concurrency 16;;
    full13rsa) load $p rsa $r $q $5 --mode full --tls 1.3 --count $((nfull/2)) --concurrency 16;;
    full12rsa) load $p rsa $r $q $5 --mode full --tls 1.2 --count $((nfull/2)) --concurrency 16;;
    fullreq13) load $p ec $e $q $5 --mode full --request --tls 1.3 --count $nfull --concurrency 16;;
    fullreq12) load $p ec $e $q $5 --mode full --request --tls 1.2 --count $nfull --concurrency 16;;
    resume13) load $p ec $e $q $5 --mode resume --tls 1.3 --count $((nfull*2)) --concurrency 16;;
    resume12) load $p ec $e $q $5 --mode resume --tls 1.2 --count $((nfull*2)) --concurrency 16;;
    keepalive) load $p ec $e $q $5 --mode keepalive --tls 1.3 --count $nget --concurrency 16;;
    bulk) load $p ec $e $q $5 --mode bulk --tls 1.3 --suites TLS_AES_128_GCM_SHA256 --path /bytes/268435456 --count $nbulk --concurrency 1;;
    idle) load $p ec $e $q warm --mode full --request --tls 1.3 --count 20 --concurrency 4
          load $p ec $e $q $5 --mode idle --tls 1.3 --count $nidle --concurrency 16 --hold 1;;
  esac
}

run=""
for p in $peers; do
  have $p || { echo "peers.sh: $p is not installed, left out" >&2; continue; }
  start_peer $p || { stop_peer $p; continue; }
  # the premise: without a certificate, or with another CA's, nobody gets in
  ok=1
  for bad in none rogue; do
    a=(); [ $bad = rogue ] && a=(--cert $W/ec/rogueclient.pem --key $W/ec/rogueclient.key)
    "$W/mtlsload" --connect 127.0.0.1:${ECP[$p]} --ca $W/ec/root.pem --servername gw.test --mode full --request --count 3 --concurrency 1 --expect-fail "${a[@]}" >/dev/null || { echo "peers.sh: $p lets a client in ($bad certificate)" >&2; ok=0; }
  done
  [ $ok = 1 ] && run="$run $p"
  stop_peer $p
done
touch "$out/raw.jsonl"
# What this machine's OpenSSL pays for the primitives at the time of each repetition: the yardstick
# that absolute microseconds are to be read against (a neighbour's load shows here as well).
calibrate() {
  openssl speed -seconds 1 -mr ecdsap256 ecdhx25519 rsa2048 2>/dev/null | awk -F: '
    $1=="+F4"{printf "{\"label\":\"openssl/ecdsap256\",\"sign_us\":%.2f,\"verify_us\":%.2f}\n",1e6/$4,1e6/$5}
    $1=="+F5"{printf "{\"label\":\"openssl/x25519\",\"derive_us\":%.2f}\n",1e6/$4}
    $1=="+F2"{printf "{\"label\":\"openssl/rsa2048\",\"sign_us\":%.2f,\"verify_us\":%.2f}\n",1e6/$4,1e6/$5}' >> "$out/calib.jsonl"
}
for ((i = 1; i <= reps; i++)); do
  calibrate
  for p in $run; do
    start_peer $p || continue
    q=${PID1[$p]}${PID2[$p]:+,${PID2[$p]}}
    case " $scen " in *" idle "*) scenario $p ${ECP[$p]} ${RSAP[$p]} $q idle; stop_peer $p; start_peer $p || continue; q=${PID1[$p]}${PID2[$p]:+,${PID2[$p]}};; esac
    for s in $scen; do
      case "$p $s" in *"-own bulk") continue;; esac  # 100 bytes an answer: that is keepalive again
      [ $s = idle ] || scenario $p ${ECP[$p]} ${RSAP[$p]} $q $s
    done
    stop_peer $p
  done
done

python3 - "$out/raw.jsonl" <<'E'
import json, statistics as st, sys
d = {}
c = {}
try:
    for l in open(sys.argv[1].replace("raw.jsonl", "calib.jsonl")):
        j = json.loads(l)
        for k in j:
            if k != "label": c.setdefault(j["label"] + " " + k, []).append(j[k])
except FileNotFoundError: pass
for k, v in c.items(): print("%-42s %9.1f us         (%.1f..%.1f, %d)" % (k, st.median(v), min(v), max(v), len(v)))
for l in open(sys.argv[1]):
    j = json.loads(l)
    p, s, w = j["label"].split("/")
    if s == "warm" or "server" not in j or not j["ok"]: continue
    c = j["server"].get("cpu_us_per_op") / j["client_cpu_us_per_op"] if j["client_cpu_us_per_op"] else 0
    v = j["server"].get("cpu_us_per_op")
    if s == "idle": v = j["server"].get("pss_bytes_per_conn"); c = 0
    if s == "bulk": v = j["server"].get("cpu_s_per_gib")
    if s.startswith("resume") and j["resumed_share"] < 0.99: s = s + "(!%d%%)" % round(100 * j["resumed_share"])
    if j["fail"]: s = s + "(fails)"
    d.setdefault((p, w), {}).setdefault(s, []).append((v, c))
# "srv/cli" divides the server's CPU by what the load generator itself used in the same run: the client does
# the same work against every server, so this cancels most of a busy machine's noise.  "x first" compares
# that figure (for idle: the bytes) with the first peer's.
unit = lambda s: "bytes/conn" if s.startswith("idle") else "s/GiB" if s.startswith("bulk") else "us/op"
first = next(iter(d), None)
print("%-22s %-18s %10s  %-10s %-32s %8s %8s" % ("peer", "scenario", "median", "unit", "(min..max, n)", "srv/cli", "x first"))
for (p, w), r in d.items():
    for s, x in r.items():
        v = [k[0] for k in x]
        m = st.median(k[1] for k in x)
        f0 = d[first].get(s)
        rel = 0
        if f0: rel = st.median(v) / st.median(k[0] for k in f0) if s.startswith("idle") else m / st.median(k[1] for k in f0)
        f = "%.3f" if s.startswith("bulk") else "%.0f" if s.startswith("idle") else "%.1f"
        print("%-22s %-18s %10s  %-10s %-32s %8s %8.2f" % (p + "/" + w, s, f % st.median(v), unit(s), "(%s..%s, %d)" % (f % min(v), f % max(v), len(v)), "%.2f" % m if m else "-", rel))
E
