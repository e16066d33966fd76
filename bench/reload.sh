#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Requests while everything is loaded anew: 10,000 requests, half of them each on a connection of its own, the other half on eight that stay,
# across 20 reloads of a new certificate and a new list.  Prints what mtlsload saw; exit 1 when one failed.
#   bench/reload.sh [BUILD]            COUNT=10000 RELOADS=20 WORKERS=2
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${1:-$here/../build}
hf=$build/handfast
dir=$(mktemp -d)
server=
finish() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	wait
	rm -rf "$dir"
}
trap finish EXIT
cc -O2 -o "$dir/mtlsload" "$here/mtlsload.c" -lssl -lcrypto
export HANDFAST_HOME="$dir/home"
"$hf" init Bench >"$dir/out"
"$hf" issue localhost --server --san ip:127.0.0.1 >"$dir/out"
"$hf" issue client --client >"$dir/out"
"$hf" serve --as localhost --allow any --respond text:ok --listen 127.0.0.1:0 --workers "${WORKERS:-2}" \
	--admin "unix:$dir/s" 2>"$dir/log" &
server=$!
until grep -q 'listening on' "$dir/log"; do kill -0 "$server"; done
port=$(sed -n 's/.*listening on https:\/\/127.0.0.1://p' "$dir/log")
count=${COUNT:-10000}
# load NAME OPTIONS…
load() {
	name=$1
	shift
	code=0
	"$dir/mtlsload" --connect "127.0.0.1:$port" --servername localhost --ca "$HANDFAST_HOME/ca/root.pem" \
		--cert "$HANDFAST_HOME/id/client/cert.pem" --key "$HANDFAST_HOME/id/client/key.pem" \
		--max-seconds 300 --concurrency 8 "$@" >"$dir/$name.json" || code=$?
	echo "$code" >"$dir/$name.exit"
}
requests() {
	"$hf" --json ctl status --admin "$dir/s" | sed -n 's/^ *"requests": \([0-9]*\),*$/\1/p'
}
load full --mode full --request --count $((count / 2)) &
full=$!
keep_on() {
	runs=0
	failed=0
	until [ -e "$dir/over" ] && [ "$runs" -ge 10 ]; do
		load keepalive --mode keepalive --depth 1 --count $((count / 20))
		[ "$(cat "$dir/keepalive.exit")" = 0 ] || failed=1
		runs=$((runs + 1))
	done
	echo "$failed" >"$dir/keepalive.exit"
	echo "kept connections: $((runs * count / 20)) requests"
}
keep_on &
keepalive=$!
reloads=0
while [ "$reloads" -lt "${RELOADS:-20}" ]; do
	# spread over the requests: the first at once, the last when most are done
	until [ "$(requests)" -ge $((count * reloads / 25)) ]; do kill -0 "$server"; done
	"$hf" crl >"$dir/out"
	"$hf" renew localhost --before 36500d >"$dir/out"
	"$hf" ctl reload --admin "$dir/s" >"$dir/out"
	reloads=$((reloads + 1))
	echo "after $(requests) requests: $(sed -n 1p "$dir/out")"
done
wait "$full"
: >"$dir/over"
wait "$keepalive"
cat "$dir/keepalive.json" "$dir/full.json"
[ "$(cat "$dir/keepalive.exit" "$dir/full.exit")" = "0
0" ]
