#!/bin/bash
# fuzz.sh BUILD-DIR SECONDS [TARGET...] - runs each fuzz target of a -Dfuzz=true build for SECONDS,
# two at a time.  New inputs go to BUILD-DIR/corpus/TARGET, findings to BUILD-DIR/crashes/TARGET; the
# corpus in the tree is only read.  Exit 1 when a target found something.
set -eu
dir=$(cd "$1" && pwd)
seconds=$2
shift 2
here=$(cd "$(dirname "$0")/.." && pwd)
targets=("$@")
if [ ${#targets[@]} = 0 ]; then
	for exe in "$dir"/tests/fuzz/fuzz_*; do
		if [ -f "$exe" ] && [ -x "$exe" ]; then
			name=${exe##*/fuzz_}
			targets+=("$name")
		fi
	done
fi
[ ${#targets[@]} -gt 0 ] || { echo "fuzz.sh: there is no fuzz target in $dir/tests/fuzz" >&2; exit 1; }

run_one() {
	local name=$1 rc=0
	mkdir -p "$dir/corpus/$name" "$dir/crashes/$name"
	"$dir/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
		-artifact_prefix="$dir/crashes/$name/" -print_final_stats=1 \
		"$dir/corpus/$name" "$here/tests/fuzz/corpus/$name" >"$dir/fuzz-$name.log" 2>&1 || rc=$?
	if [ $rc = 0 ]; then
		echo "fuzz: $name: clean, $(awk '/number_of_executed_units/ {print $2}' "$dir/fuzz-$name.log") runs"
	else
		echo "fuzz: $name: FOUND something (exit $rc), see $dir/fuzz-$name.log"
		tail -n 40 "$dir/fuzz-$name.log"
	fi
	return $rc
}

failed=0
pids=()
for name in "${targets[@]}"; do
	run_one "$name" &
	pids+=($!)
	if [ ${#pids[@]} -ge 2 ]; then
		wait "${pids[0]}" || failed=1
		pids=("${pids[@]:1}")
	fi
done
for pid in "${pids[@]}"; do
	wait "$pid" || failed=1
done
exit $failed
