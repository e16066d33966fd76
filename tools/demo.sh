#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The story of ABC Inc. on loopback: an authority, an invoice server that demands client
# certificates, a mail server that is let in, a stranger who is refused and told why, a revocation
# that takes effect, a renewal, a machine that joins with a token and renews itself, and whose live
# connection is cut when it is revoked.  Prints each command before it runs, checks what it should
# give, and leaves nothing running and nothing behind.  Usage: tools/demo.sh [path/to/handfast]
set -u
handfast=$(realpath "${1:-$(dirname "$0")/../build/handfast}")
[ -x "$handfast" ] || { echo "demo: $handfast is not there; build first: make" >&2; exit 2; }
for name in SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE GIT_SSL_CAINFO HANDFAST_HOME HANDFAST_PASSPHRASE; do
	unset "$name"
done
place=$(mktemp -d "${TMPDIR:-/tmp}/handfast-demo.XXXXXX")
server=
helpers=()
cleanup() {
	for helper in "${helpers[@]}"; do
		kill "$helper" 2>/dev/null && wait "$helper" 2>/dev/null
	done
	[ -z "$server" ] || { kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; }
	rm -rf "$place"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
cd "$place" || exit 3

bold= plain=
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$'\e[1m' plain=$'\e[0m'
fi
say() { printf '\n%s%s%s\n' "$bold" "$1" "$plain"; }
fail() { echo "demo: $1" >&2; [ ! -s server.log ] || sed 's/^/  server: /' server.log >&2; exit 1; }

# run WANTED-EXIT COMMAND…: shows the command as a reader would type it, and its output
run() {
	local want=$1 got
	shift
	printf '$ %s\n' "$*"
	"$@" > out.txt 2>&1
	got=$?
	sed 's/^/  /' out.txt
	[ "$got" = "$want" ] || fail "'$*' ended with $got, expected $want"
}
handfast() { "$handfast" --no-color "$@"; }
has() { grep -q -- "$1" "${2:-out.txt}" || fail "expected '$1' in ${2:-the output}"; }

# await WORDS FILE: waits until the program has written the words (at most 10 s)
await() {
	local end=$((SECONDS + 10))
	until grep -qs -- "$1" "$2"; do
		[ $SECONDS -lt $end ] && kill -0 "$server" 2>/dev/null || fail "no '$1' in $2"
		read -r -t 0.05 < <(:) || true
	done
}

say "ABC Inc. makes its authority, and an identity for each of its two servers"
export HANDFAST_HOME=$place/abc
echo '$ export HANDFAST_HOME=$PWD/abc'
run 0 handfast init "ABC Inc."
run 0 handfast issue localhost --server --san ip:127.0.0.1
run 0 handfast issue mail-server --client
run 0 handfast list

say "The invoice server demands client certificates, and lets in the mail server only"
printf '{"invoice": 4711, "total": "12.50"}\n' > invoice.json
echo '$ handfast serve --as localhost --allow cn:mail-server --respond file:invoice.json --listen 127.0.0.1:0 &'
"$handfast" serve --as localhost --allow cn:mail-server --respond file:invoice.json \
	--content-type application/json --crl abc/ca/crl.pem --crl abc/ca/root.crl.pem \
	--listen 127.0.0.1:0 2> server.log &
server=$!
await 'listening on https://' server.log
url=$(sed -n 's/.*listening on \(https:[^ ]*\).*/\1/p' server.log | head -n 1)
sed 's/^/  /' server.log

say "The mail server fetches an invoice: both sides know each other"
run 0 handfast get --as mail-server "$url/invoices/4711"
has 4711

say "Without a certificate the door stays shut, and says why"
run 1 handfast get --ca abc/ca/root.pem "$url/"
has 'alert 116'

say "Mallory has an authority of her own, with the same names"
echo '$ export HANDFAST_HOME=$PWD/mallory'
export HANDFAST_HOME=$place/mallory
run 0 handfast init "ABC Inc."
run 0 handfast issue mail-server --client
run 1 handfast get --cert mallory/id/mail-server/cert.pem --key mallory/id/mail-server/key.pem --ca abc/ca/root.pem "$url/"
has 'alert 48'
echo "  What the invoice server wrote down (out of one line of JSON):"
await 'V-SAME-NAME-CA\|V-UNKNOWN-CA\|V-WRONG-INTERMEDIATE' server.log
sed -nE 's/.*"cause": "([^"]*)".*"explanation": "([^"]*)", "fix": "([^"]*)".*/  cause: \1\n  \2\n  fix: \3/p' server.log | tail -n 3

say "The mail server's key is stolen: revoke it, and it is refused from then on"
export HANDFAST_HOME=$place/abc
echo '$ export HANDFAST_HOME=$PWD/abc'
run 0 handfast revoke mail-server --reason keyCompromise
echo '$ kill -HUP $(pidof handfast)    # the server reads its files again'
kill -HUP "$server"
await 'reloaded' server.log
run 1 handfast get --as mail-server "$url/"
has 'alert 44'

say "A new identity with a new key, and the invoices flow again"
run 0 handfast issue mail-server --client --force
run 0 handfast get --as mail-server "$url/"
has 4711

say "Renewal: a new key and certificate for the same name, long before the old one ends"
run 0 handfast renew mail-server
run 0 handfast renew mail-server --before 60d
run 0 handfast get --as mail-server "$url/"
has 4711

say "A third machine joins: a one-time token is all that is carried to it"
for machine in first second; do
	run 0 handfast issue "$machine" --client
done
echo '$ handfast authority --listen 127.0.0.1:0 --name 127.0.0.1 &'
"$handfast" authority --listen 127.0.0.1:0 --name 127.0.0.1 2> authority.log &
helpers+=($!)
await 'listening on https://' authority.log
feed=$(sed -n 's/.*listening on \(https:[^ ]*\).*/\1/p' authority.log | head -n 1)
echo '$ handfast token third > token.txt'
"$handfast" token third > token.txt 2>&1 || fail "no token"
run 0 handfast --home third enroll "$feed" --token-file token.txt
has 'CN=third: enrolled'
run 1 handfast --home somebody enroll "$feed" --token-file token.txt
has 'the token has been used'

say "It renews itself at the authority: the old certificate is the proof for the new one"
run 0 handfast --home third renew third --from "$feed" --before 365d
run 0 handfast --home third verify third/id/third/cert.pem --ca third/trust/own.pem --purpose client

say "The three are connected to a gateway that follows the authority"
mkdir -p gateway/id gateway/trust
cp -r abc/id/localhost gateway/id/ && cp abc/ca/root.pem gateway/trust/own.pem
echo "\$ handfast serve --as localhost --allow any --respond text:hello --revocations-from $feed &    # elsewhere"
HANDFAST_HOME=$place/gateway "$handfast" serve --as localhost --allow any --respond text:hello \
	--listen 127.0.0.1:0 --revocations-from "$feed" 2> gateway.log &
helpers+=($!)
await 'listening on https://' gateway.log
gateway=$(sed -n 's/.*listening on https:..\([^ ]*\).*/\1/p' gateway.log | head -n 1)
for machine in first second third; do
	mkfifo "$machine.in"
	id=abc/id/$machine
	[ -d "$id" ] || id=third/id/third
	openssl s_client -quiet -connect "$gateway" -CAfile abc/ca/root.pem -cert "$id/cert.pem" \
		-cert_chain "$id/cert.pem" -key "$id/key.pem" < "$machine.in" >> "$machine.out" 2>&1 &
	helpers+=($!)
	eval "$machine=\$!"
	eval "exec {${machine}_in}> $machine.in"
	eval "printf 'GET / HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n' >&\$${machine}_in"
	await hello "$machine.out"
	echo "  $machine: $(tail -n 1 "$machine.out")"
done

say "The key of the third is stolen: it is cut off, and the others go on"
run 0 handfast revoke third --all --reason keyCompromise --wait
has '1 of 1 subscribers have it in force'
end=$((SECONDS + 10))
while kill -0 "$third" 2>/dev/null; do
	[ $SECONDS -lt $end ] || fail "the third machine is still connected"
	read -r -t 0.05 < <(:) || true
done
echo "  the third machine's connection is closed"
for machine in first second; do
	eval "kill -0 \$$machine" 2>/dev/null || fail "the $machine machine was cut off too"
	: > "$machine.out"
	eval "printf 'GET /again HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n' >&\$${machine}_in"
	await hello "$machine.out"
done
echo "  the first and the second go on"
run 1 handfast --home third renew third --from "$feed" --before 365d
has 'revoked'

say "The server is asked to stop, lets its connections end, and is gone"
echo '$ kill $(pidof handfast)'
kill "$server"
wait "$server"
status=$?
server=
[ "$status" = 0 ] || fail "the server ended with $status"
say "Done. Everything above is a command that you can repeat; nothing is left running."
