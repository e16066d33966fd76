#!/bin/bash
# lint.sh quick|full BUILD-DIR - the checks of tools/, each after its own selftest (a check that cannot
# fail checks nothing).  full adds the lint of the man pages and GCC's -fanalyzer.  All run, then the exit
# tells: 0 all in order.
set -u
mode=$1
build=$(cd "$2" && pwd)
cd "$(dirname "$0")/.."
export PYTHONDONTWRITEBYTECODE=1
failed=

step() { # NAME COMMAND...
	local name=$1
	shift
	"$@" || failed="$failed $name"
}

for check in layers banned shape headers tests reasons mistakes format; do
	step "$check" "tools/check-$check" --selftest
	step "$check" "tools/check-$check"
done
step symbols tools/check-symbols --selftest
step symbols tools/check-symbols "$build"

analyzer() {
	tools/configure.sh build-analyzer -Danalyzer=true -Dwerror=true -Dtests=disabled -Dshared=false \
		>/dev/null &&
		ninja -C build-analyzer handfast >build-analyzer/warnings.log 2>&1 && echo "analyzer: ok" && return 0
	cat build-analyzer/warnings.log
	return 1
}

if [ "$mode" = full ]; then
	step docs meson test -C "$build" --no-rebuild --suite docs
	step analyzer analyzer
fi
if [ -n "$failed" ]; then
	echo "lint: failed:$failed"
	exit 1
fi
echo "lint: all checks passed"
